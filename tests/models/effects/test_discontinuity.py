"""The jump at a threshold: against a regression written out, planted jumps, and what must refute it."""

import numpy as np
import pytest
import statsmodels.api as sm

from arrisk.errors import ModelError
from arrisk.models.effects.discontinuity import estimate_discontinuity
from tests.models.effects.thresholds import invoices

COLUMNS = {"outcome": "days", "running": "amount", "cutoff": 5000.0, "cluster": "customer"}


def local_linear(rows, width):
    """The jump of two weighted straight lines."""
    x = np.log(rows["amount"].to_numpy() / 5000)
    weight = np.maximum(0, 1 - np.abs(x) / width)
    above = (x >= 0) * 1.0
    design = np.column_stack([np.ones(len(x)), above, x, above * x])[weight > 0]
    return sm.WLS(rows["days"].to_numpy()[weight > 0], design, weights=weight[weight > 0]).fit().params[1]


def local_quadratic(rows, width):
    x = np.log(rows["amount"].to_numpy() / 5000)
    weight = np.maximum(0, 1 - np.abs(x) / width)
    above = (x >= 0) * 1.0
    design = np.column_stack([np.ones(len(x)), above, x, above * x, x**2, above * x**2])[weight > 0]
    return sm.WLS(rows["days"].to_numpy()[weight > 0], design, weights=weight[weight > 0]).fit().params[1]


def test_at_one_width_the_bias_corrected_line_is_the_parabola():
    """Calonico, Cattaneo and Titiunik (2014), remark 7: pilot = bandwidth gives the next order's estimate."""
    rows = invoices(1, curve=3.0)
    found = estimate_discontinuity(rows, **COLUMNS, bandwidth=0.7)
    assert found.estimate == pytest.approx(local_quadratic(rows, 0.7), abs=1e-9)
    assert found.estimate != pytest.approx(local_linear(rows, 0.7), abs=1e-3)


@pytest.mark.parametrize("jump", [0.0, -6.0])
def test_a_planted_jump_is_inside_the_interval(jump):
    inside = 0
    for seed in range(12):
        found = estimate_discontinuity(invoices(seed, jump=jump), **COLUMNS)
        inside += found.ci_low <= jump <= found.ci_high
        assert found.clusters <= 60
        assert 0 < found.se < 4
    assert inside >= 10


def test_a_jump_that_was_always_there_is_taken_off():
    before = invoices(3, jump=-6.0)
    found = estimate_discontinuity(invoices(4, jump=-11.0), **COLUMNS, compare=before)
    alone = estimate_discontinuity(invoices(4, jump=-11.0), **COLUMNS)
    assert found.ci_low < -5.0 < found.ci_high
    assert found.estimate - alone.estimate == pytest.approx(6.0, abs=3.0)


def test_a_jump_before_the_offer_is_a_check_that_fails():
    found = estimate_discontinuity(invoices(4, jump=-11.0), **COLUMNS, compare=invoices(3, jump=-6.0))
    row = found.checks.set_index("check").loc["no jump before the offer"]
    assert not row["passed"]
    assert not found.identified


def test_a_covariate_that_jumps_refutes_the_design():
    rows = invoices(5)
    rows["terms"] = 30 + 15 * (rows["amount"] >= 5000) + np.random.default_rng(0).normal(0, 2, len(rows))
    found = estimate_discontinuity(rows, **COLUMNS, covariates=["terms"])
    failed = found.checks.loc[~found.checks["passed"], "check"].tolist()
    assert any("terms" in words for words in failed)


def test_few_customers_identify_nothing():
    rows = invoices(6)
    found = estimate_discontinuity(rows, **COLUMNS)
    few = estimate_discontinuity(rows.assign(customer=rows["customer"] % 4), **COLUMNS)
    assert found.identified
    assert not few.identified
    with pytest.raises(ModelError, match="two of them"):
        estimate_discontinuity(rows.assign(customer=1), **COLUMNS)


def test_impossible_amounts_and_columns():
    rows = invoices(7)
    with pytest.raises(ModelError, match="nowhere"):
        estimate_discontinuity(rows, **{**COLUMNS, "outcome": "nowhere"})
    with pytest.raises(ModelError):
        estimate_discontinuity(rows.assign(amount=rows["amount"] - 9000), **COLUMNS)


@pytest.mark.slow
def test_the_interval_covers_and_false_jumps_are_rare():
    """Of 60 true 95% intervals 52 or more hold the truth in 99.6% of such tests, of 80% intervals in 12%."""
    found = [estimate_discontinuity(invoices(s), **COLUMNS) for s in range(100, 160)]
    assert sum(e.ci_low <= -6.0 <= e.ci_high for e in found) >= 52
    assert sum(e.p_value < 0.05 for e in found) > 40
