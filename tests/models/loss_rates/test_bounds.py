"""Bounds of ledgers with too few losses for a rate: who counts, and when nobody does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.intervals import upper_bound
from arrisk.models.loss_rates.fit import METHODS, fit_loss_rates
from arrisk.policy.study import open_study
from arrisk.policy.study_file import study_template
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book

DAY = pd.Timestamp("2024-12-31")
OLD, YOUNG = 6, 4


def book(old: int = OLD, young: int = YOUNG, lost: tuple[str, ...] = ()):
    """Old customers owed something until February 2023, young ones since 2024; all owe 100 on the day.

    What is lost was issued in March 2024 and written off in October.
    """
    rows, events = [], []
    for number in range(old):
        rows.append(invoice(f"past {number}", "2023-01-10", 100.0, "2023-02-09", customer_id=f"old {number}"))
        events.append(event(f"past {number}", "2023-02-20", 100.0))
    names = [f"old {n}" for n in range(old)] + [f"young {n}" for n in range(young)]
    for name in names:
        rows.append(invoice(f"new {name}", "2024-12-01", 100.0, "2025-01-10", customer_id=name))
    for number in range(young):
        name = f"young {number}"
        rows.append(invoice(f"spring {number}", "2024-03-05", 100.0, "2024-04-04", customer_id=name))
        kind = "write_off" if name in lost else "payment"
        events.append(event(f"spring {number}", "2024-10-15", 100.0, kind))
    return ledger_of(rows, events).as_of(DAY)


@pytest.mark.parametrize("method", METHODS)
def test_only_customers_followed_for_the_horizon_count(method):
    rates = fit_loss_rates(book(), method)
    not_due = rates.table.iloc[0]
    assert not_due["ci_high"] == upper_bound(0, OLD).high
    assert f"0 of {OLD} customers followed 12 months" in not_due["interval"]
    assert rates.total.high == pytest.approx(upper_bound(0, OLD).high * 100 * (OLD + YOUNG))
    assert "followed 12 months" in rates.conventions["bounds"]


@pytest.mark.parametrize("method", METHODS)
def test_a_loser_counts_whenever_known(method):
    rates = fit_loss_rates(book(lost=("young 1",)), method)
    if method in ("cohort", "realised"):  # their losses are those of seasoned money alone
        assert rates.table["ci_high"].iloc[0] == upper_bound(0, OLD).high
        return
    assert rates.table["ci_high"].iloc[0] == upper_bound(1, OLD + 1).high
    assert not rates.identified


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("cohort", "realised")])
def test_a_ledger_too_young_says_so_and_leaves_all_at_stake(method):
    rates = fit_loss_rates(book(old=0), method)
    assert rates.total.high == rates.table["balance"].sum() == 100 * YOUNG
    assert rates.total.method.startswith("the ledger is too young: nobody was followed 12 months")
    assert "up to all of" in rates.finding()
    assert "nobody was followed 12 months" in rates.finding()
    shorter = fit_loss_rates(book(old=0), method, horizon=6)
    assert shorter.table["ci_high"].iloc[0] == upper_bound(0, YOUNG).high


@pytest.mark.parametrize("method", METHODS)
def test_a_horizon_is_at_least_a_month(method):
    with pytest.raises(ModelError, match="horizon"):
        fit_loss_rates(book(), method, horizon=0)


@pytest.mark.parametrize("method", METHODS)
def test_nobody_is_followed_that_never_stood_there(method):
    counts = METHODS[method](loss_book(customers=40, invoices=1500, lost_share=0.3).as_of(DAY))
    assert not (counts.followed & ~counts.exposed).any()
    assert counts.followed.any()


@pytest.mark.parametrize("method", [m for m in METHODS if m != "realised"])
def test_the_horizon_does_not_touch_rates(method):
    snapshot = loss_book(customers=60, invoices=2000, lost_share=0.3).as_of(DAY)
    one, two = (fit_loss_rates(snapshot, method, horizon=months) for months in (3, 18))
    assert one.identified
    assert (one.total.low, one.total.high) == pytest.approx((two.total.low, two.total.high), rel=1e-9)
    assert one.total.value == two.total.value
    known = one.table["losers"] > 0
    pd.testing.assert_frame_equal(one.table[known], two.table[known])
    assert (one.replicates.followed | ~two.replicates.followed).all()


def test_what_stood_before_the_window_was_not_followed_in_it():
    """Old debts of before the window do not count: their losses would not be seen."""
    for method in ("net_flow", "roll", "markov"):
        rates = fit_loss_rates(book(), method, months=14)
        assert rates.total.high == 100 * (OLD + YOUNG), method


def test_buckets_have_bounds_of_their_own():
    """The bound of a total is that of each bucket: a young debt followed says nothing of an old one."""
    snapshot = loss_book(lost_share=0.0, customers=30, invoices=1500).as_of(DAY)
    rates = fit_loss_rates(snapshot)
    balance, high = (rates.table[name].to_numpy() for name in ("balance", "ci_high"))
    assert high[0] == pytest.approx(0.095034, abs=5e-7)
    assert (np.diff(high) >= 0).all()
    assert rates.total.high == pytest.approx(float((balance * high).sum()))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_real_ledger_without_losses_gives_bounds(shared_data, tmp_path, method):
    """100 customers over 18 months, none written off; two thirds and more were followed for a year."""
    study = tmp_path / "study.toml"
    study.write_text(study_template(str(shared_data / "ibm-ar"), "ibm_ar", "2013-07-01", "USD"))
    rates = fit_loss_rates(open_study(study).snapshot(), method)
    assert not rates.identified
    assert rates.total.value is None
    assert rates.total.low == 0
    item, slice_ = (0.030724, 0.086781), (0.029513, 0.045042)  # 0 of 96 and 33, of 100 and 65 customers
    expected = slice_ if method in ("cohort", "vintage", "competing") else item
    assert rates.table["ci_high"].iloc[:2].tolist() == pytest.approx(expected, abs=5e-7)
    assert rates.total.high == pytest.approx(expected[0] * 4077.90 + expected[1] * 995.70, abs=0.01)
