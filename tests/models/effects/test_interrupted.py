"""Interrupted series: against planted changes, a regression written out, and chance."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from arrisk.errors import ModelError
from arrisk.models.effects.interrupted import estimate_interruption

COLUMNS = {"outcome": "days", "cluster": "customer", "period": "month"}


def series(months=36, start=24, level=-5.0, slope=0.0, noise=None, customer="A"):
    month = np.arange(months)
    age = month - start
    days = (
        40 + 0.1 * month + 3 * np.cos(2 * np.pi * month / 12) + np.where(age >= 0, level + slope * age, 0.0)
    )
    return pd.DataFrame(
        {"customer": customer, "month": month, "days": days + (0.0 if noise is None else noise)}
    )


def leaning(rng, months, carry):
    out = rng.normal(0, 1, months)
    for month in range(1, months):
        out[month] = carry * out[month - 1] + np.sqrt(1 - carry**2) * out[month]
    return out


def test_level_and_slope_are_found_beside_a_season():
    """Departures -5, -4.8, ... over twelve months: their mean is -5 + 0.2 * 5.5."""
    found = estimate_interruption(series(slope=0.2), start=24, **COLUMNS)
    assert found.estimate == pytest.approx(-3.9)
    after = found.table[found.table["term"] >= 0]
    np.testing.assert_allclose(after["estimate"], -5 + 0.2 * after["term"], atol=1e-8)
    assert found.table.loc[found.table["term"] < 0, "estimate"].abs().max() < 1e-8


def test_equals_a_regression_written_out():
    """Where months do not repeat each other (they alternate here) it is ordinary least squares."""
    month = np.arange(20)
    y = 40 + 0.3 * month - 4 * (month >= 12) + np.where(month % 2, 1.0, -1.0)
    rows = pd.DataFrame({"customer": "A", "month": month, "days": y})
    age = month - 12
    x = sm.add_constant(np.column_stack([age, age >= 0, np.maximum(age, 0)]).astype(float))
    peer = sm.OLS(y, x).fit().t_test([0, 0, 1, age[age >= 0].mean()])
    found = estimate_interruption(rows, start=12, **COLUMNS)
    assert found.estimate == pytest.approx(peer.effect[0])
    assert found.se == pytest.approx(peer.sd.item())
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(peer.conf_int()[0]))


def test_a_shock_of_all_is_taken_out_by_the_comparison():
    shock = 6.0 * (np.arange(36) >= 24)
    treated, others = series(noise=shock), series(level=0.0, noise=shock, customer="B")
    alone = estimate_interruption(treated, start=24, **COLUMNS)
    against = estimate_interruption(treated, start=24, comparison=others, **COLUMNS)
    assert (alone.estimate, against.estimate) == pytest.approx((1.0, -5.0))


def test_a_change_before_the_start_is_found_at_false_starts():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.5, 36) + 6.0 * (np.arange(36) >= 10)
    check, calm = (
        estimate_interruption(series(noise=n), start=24, **COLUMNS).checks.set_index("check")
        for n in (noise, rng.normal(0, 0.5, 36))
    )
    assert not check.loc["no effect at false starts", "passed"]
    assert "of 17 false starts show an effect" in check.loc["no effect at false starts", "words"]
    assert calm.loc["no effect at false starts", "passed"]


def test_a_jump_in_the_number_of_rows_is_found():
    rows = series(noise=np.random.default_rng(1).normal(0, 0.5, 36))
    often = rows.loc[rows.index.repeat(np.where(rows["month"] >= 24, 6, 3 + rows["month"] % 2))]
    checks = estimate_interruption(often, start=24, **COLUMNS).checks.set_index("check")
    assert not checks.loc["as many rows as before the start", "passed"]


@pytest.mark.parametrize(("months", "start"), [(12, 7), (12, 9)])
def test_too_few_months_are_refused(months, start):
    with pytest.raises(ModelError, match="at least 8 and 4"):
        estimate_interruption(series(months, start), start=start, **COLUMNS)


def test_errors_are_checked():
    with pytest.raises(ModelError, match="allowed: series, customers"):
        estimate_interruption(series(), start=24, errors="months", **COLUMNS)


@pytest.mark.slow
@pytest.mark.parametrize("carry", [0.0, 0.4])
def test_leaning_months_rarely_claim_an_effect(carry):
    """Of 50 series without an effect 5% should claim one; at 11%, as short ones have it, 10 at most do."""
    rng = np.random.default_rng(20)
    claims = [
        estimate_interruption(series(level=0.0, noise=leaning(rng, 36, carry)), start=24, **COLUMNS).p_value
        < 0.05
        for _ in range(50)
    ]
    assert sum(claims) <= 10
