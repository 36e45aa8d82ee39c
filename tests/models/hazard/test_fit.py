"""What cannot be told is named; results show themselves; effects that change with age are found."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.hazard.cloglog import fit_cloglog
from arrisk.models.hazard.counts import DayClasses, ItemDays, count_item_days
from arrisk.models.hazard.fit import fit_daily_hazard


def drawn(n: int, late_effect: float = 0.0, seed: int = 1) -> tuple[ItemDays, np.ndarray]:
    """Two cells of items, hazard ratio 2, from age 6 on times exp(late_effect); ten items a customer."""
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(n // 10) % 2, 10)
    effect = np.where(np.arange(30) < 6, np.log(2), np.log(2) + late_effect)
    gone = rng.random((n, 30)) < -np.expm1(-0.08 * np.exp(np.outer(cell, effect)))
    day = np.where(gone.any(axis=1), gone.argmax(axis=1), 29)
    return count_item_days(day, gone.any(axis=1).astype(int), cell, 2), np.arange(n) // 10


LARGE = pd.DataFrame({"large": [0.0, 1.0]})


def test_the_truth_is_found() -> None:
    days, customers = drawn(20_000)
    table = fit_daily_hazard(days, LARGE, customers=customers).table
    assert table["ci_low"][0] < np.log(2) < table["ci_high"][0]
    assert table["ci_high"][0] - table["ci_low"][0] < 0.08


def test_an_effect_that_fades_is_found_and_shown() -> None:
    days, customers = drawn(6_000, late_effect=-0.7)
    check = fit_daily_hazard(days, LARGE, customers=customers).proportionality()
    row = check.table.iloc[0]
    assert row["p_value"] < 1e-6
    assert row["change"] < 0
    assert row["direction"] == "weaker with age, or turned round"
    bands = check.by_age(2)
    assert bands["estimate"][0] == pytest.approx(np.log(2), abs=0.2)
    assert bands["estimate"][1] < 0.4
    assert "large: weaker with age" in check.plot().get_title()
    assert check.to_table().title == "large: weaker with age, or turned round"
    plt.close("all")


def test_the_score_test_is_near_the_fit_with_the_interaction() -> None:
    rng = np.random.default_rng(5)
    n, ages = 4_000, 12
    cell, day = rng.integers(0, 2, n), rng.geometric(0.15, n)
    exit_, cause = np.minimum(day, ages), (day <= ages).astype(int)
    check = fit_daily_hazard(count_item_days(exit_, cause, cell, 2), LARGE).proportionality().table.iloc[0]
    # The age as a day of the calendar: each cell follows a run whose classes are its ages.
    codes = np.arange(2 * (ages + 1)).reshape(2, -1)
    calendar = DayClasses(codes, 0, cell)
    days = count_item_days(exit_, cause, cell, 2, origin=np.zeros(n, dtype=int), calendar=calendar)
    left = np.bincount(exit_[cause == 1], minlength=ages + 1)
    share = (np.cumsum(left) - left / 2) / left.sum()
    g = share - share @ left / left.sum()
    with_it = fit_cloglog(days, LARGE, np.concatenate([0 * g, g])[:, None])
    without = fit_cloglog(days, LARGE)
    assert check["change"] == pytest.approx(with_it.coefficients[1], rel=0.02)
    ratio = 2 * (with_it.log_likelihood - without.log_likelihood)
    assert check["statistic"] == pytest.approx(ratio, rel=0.02)


def test_aliased_terms_are_left_out_and_named() -> None:
    days, customers = drawn(2_000)
    fit = fit_daily_hazard(days, LARGE.assign(small=[1.0, 0.0], all=1.0), customers=customers)
    assert fit.diagnostics["aliased"] == ("small", "all")
    assert fit.table["se"].isna().tolist() == [False, True, True]
    assert "left out: small, all" in fit.to_table().note
    with pytest.raises(ModelError, match="no term was estimated"):
        fit_daily_hazard(days, LARGE[["large"]] * 0 + 1).proportionality()


def test_a_level_without_events_is_named_or_shrunk() -> None:
    days = count_item_days([1, 2, 3, 3, 4], [1, 1, 0, 0, 1], [0, 0, 1, 1, 0], 2)
    with pytest.raises(ModelError, match="no finite estimate of large"):
        fit_cloglog(days, LARGE)
    assert -5 < fit_cloglog(days, LARGE, prior_sd=1.0).coefficients[0] < 0


def test_days_on_which_nothing_happens_have_no_hazard() -> None:
    """As if these days had been taken out of the item-days."""
    rng = np.random.default_rng(3)
    n = 800
    cell, origin = rng.integers(0, 2, n), rng.integers(0, 70, n)
    closed = (np.arange(100) % 7 >= 5).astype(int)
    gone = (rng.random((n, 20)) < 0.1) & (closed[origin[:, None] + np.arange(20)] == 0)
    day = np.where(gone.any(axis=1), gone.argmax(axis=1), 19)
    calendar = DayClasses(closed[None, :], 0, np.zeros(n, dtype=int))
    args = (day, gone.any(axis=1).astype(int), cell, 2)
    fit = fit_daily_hazard(
        count_item_days(*args, origin=origin, calendar=calendar), LARGE, pd.DataFrame({"closed": [0.0, 1.0]})
    )
    assert fit.diagnostics["empty"] == ("closed",)
    assert np.isneginf(fit.coefficients[1])
    assert np.isneginf(fit.cloglog.linear([[0.0, 1.0]])).all()
    held = fit.cloglog.blocks[0].at_risk.sum()
    assert held == sum((closed[o : o + d + 1] == 0).sum() for o, d in zip(origin, day, strict=True))


def test_ages_without_events_and_ages_at_which_all_leave_are_stated() -> None:
    days = count_item_days([1, 3, 3, 5], [1, 1, 0, 1], [0, 1, 0, 1], 2)
    fit = fit_cloglog(days, LARGE, prior_sd=1.0)
    assert np.isneginf(fit.log_baseline[0, [0, 2, 4]]).all()
    assert np.isposinf(fit.log_baseline[0, 5])
    assert np.isfinite(fit.log_baseline[0, [1, 3]]).all()


def test_no_event_is_refused() -> None:
    with pytest.raises(ModelError, match="no event of cause 2 among 2 items"):
        fit_cloglog(count_item_days([1, 2], [1, 0], [0, 1], 2), LARGE, cause=2)


def test_the_picture_and_the_table_say_what_was_found() -> None:
    days, customers = drawn(2_000)
    fit = fit_daily_hazard(days, LARGE, customers=customers)
    assert fit.plot().get_title().startswith("Large: sooner, hazard x")
    shown = fit.to_table()
    assert shown.frame["hazard_ratio"][0] == pytest.approx(np.exp(fit.coefficients[0]), abs=1e-6)
    assert "errors by 200 customers" in shown.note
    plt.close("all")


def test_rows_in_another_order_give_the_same_errors() -> None:
    rng = np.random.default_rng(9)
    n = 500
    cell, day, cause = rng.integers(0, 2, n), rng.integers(0, 10, n), rng.integers(0, 2, n)
    customers, order = rng.integers(0, 30, n), rng.permutation(n)
    one = fit_daily_hazard(count_item_days(day, cause, cell, 2), LARGE, customers=customers)
    mixed = count_item_days(day[order], cause[order], cell[order], 2)
    other = fit_daily_hazard(mixed, LARGE, customers=customers[order])
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-9)
