"""Loss given default by hand, against the recovery curve, and the price of a guarantee."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.ledger.book import Ledger
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.intervals import Interval
from arrisk.models.recovery.classes import permutation_p
from arrisk.models.recovery.guarantee_value import value_guarantee
from arrisk.models.recovery.loss_given_default import fit_lgd
from arrisk.models.recovery.recovery_curve import fit_recovery
from arrisk.models.recovery.workouts import read_workouts
from arrisk.policy.study import Study
from tests.ledger.frames import event, invoice, ledger_of

END = "2025-12-31"


def lost_book(customers: int = 24, later: bool = False) -> Ledger:
    """Half of the customers secured: they return 60 of 100, the others 10, a month and a half later."""
    names = [f"C{k:02d}" for k in range(customers)]
    items = [invoice(n, "2024-01-01", 100, "2024-01-31", customer_id=n) for n in names]
    events = [event(n, "2024-08-01", 100, "write_off") for n in names]
    back = [(n, (60 if k % 2 else 10) + k % 3) for k, n in enumerate(names)]
    events += [event(n, "2024-09-14", amount, "recovery") for n, amount in back]
    if later:
        events.append(event(names[0], "2026-01-05", 30, "recovery"))
    table = [
        {"customer_id": n, "name": n, "security": "guarantee" if k % 2 else None} for k, n in enumerate(names)
    ]
    return ledger_of(items, events, customers=table)


def test_security_that_helps_is_seen_and_nothing_later_counts() -> None:
    lgd, more = (fit_lgd(lost_book(later=later).as_of(END)) for later in (False, True))
    table = lgd.table.set_index("security")
    assert table.loc["none", "lgd"] == pytest.approx(0.89)
    assert table.loc["guarantee", "lgd"] == pytest.approx(0.39)
    assert table.loc["all customers", "lgd"] == pytest.approx(0.64)
    assert lgd.tells_apart
    assert lgd.p_value < 0.01
    assert table.loc["guarantee", "credibility"] > 0.95
    assert "it differs by security" in lgd.finding()
    assert lgd.table.equals(more.table)


def test_few_secured_customers_leave_the_question_open(sample_study: Study) -> None:
    lgd = fit_lgd(sample_study.snapshot())
    assert not lgd.tells_apart
    assert "cannot say whether it helps" in lgd.finding()
    held = lgd.table[~lgd.table["security"].isin(["none", "all customers"])]
    assert (held["ci_high"] - held["ci_low"] > 0.9).all()
    assert lgd.of("bank guarantee") == lgd.of("never seen") == lgd.table["lgd"].iloc[-1]
    assert "cannot say" in " ".join(lgd.plot().get_title().split())
    assert "security" in lgd.to_table().frame
    assert "<script" not in lgd._repr_html_()


def test_a_loss_after_write_off_is_what_the_recovery_curve_leaves(sample_study: Study) -> None:
    snapshot = sample_study.snapshot()
    curve, lgd = fit_recovery(snapshot, months=36), fit_lgd(snapshot, by=None)
    assert lgd.of(None) == pytest.approx(1 - curve.ultimate[0])


def test_cash_counts_from_the_default_on_and_only_that_of_the_exposure() -> None:
    items = [
        invoice("1", "2024-01-01", 100, "2024-01-31", customer_id="a"),
        invoice("2", "2024-01-01", 60, "2024-06-30", customer_id="a"),
        invoice("3", "2024-06-01", 500, "2024-07-01", customer_id="a"),
    ]
    events = [
        event("1", "2024-02-20", 20),  # before the default of 30 April: lowers the exposure
        event("2", "2024-05-10", 10, "credit_note"),
        event("2", "2024-06-10", 30),
        event("2", "2024-06-10", 5, "discount"),
        event("3", "2024-07-01", 500),
        event("1", "2024-09-01", 80, "write_off"),
        event("1", "2024-10-01", 16, "recovery"),
    ]
    snapshot = ledger_of(items, events).as_of("2024-12-31")
    definition = DefaultDefinition(days=90, write_off=True, insolvency=())
    w = read_workouts(snapshot, definition)
    assert w.amount.tolist() == [13000]  # 80 of invoice 1, 60 less the credit note of invoice 2
    assert w.back.tolist() == [3000, 1600]
    assert [str(np.datetime64(int(d), "D")) for d in w.booked] == ["2024-04-30"]
    assert read_workouts(snapshot).amount.tolist() == [9500]  # written off on 1 September: 80 and 15 open


def test_costs_and_interest_raise_the_loss() -> None:
    snapshot = lost_book().as_of(END)
    plain = fit_lgd(snapshot, by=None).of(None)
    assert fit_lgd(snapshot, by=None, cost_share=0.25).of(None) == pytest.approx(1 - 0.75 * (1 - plain))
    assert fit_lgd(snapshot, by=None, costs={"C00": 24.0}).of(None) == pytest.approx(plain + 24 / 2400)
    later = fit_lgd(snapshot, by=None, discount_rate=0.10).of(None)
    assert later == pytest.approx(1 - (1 - plain) * 1.1 ** (-1.5 / 12))
    with pytest.raises(ModelError, match="not of"):
        fit_lgd(snapshot, costs={"nobody": 1.0})
    with pytest.raises(ModelError, match="cost_share"):
        fit_lgd(snapshot, cost_share=2.0)


def test_a_ledger_without_defaults_says_so() -> None:
    book = ledger_of(
        [invoice("1", "2024-01-01", 100, "2024-01-31")], customers=[{"customer_id": "c", "security": "x"}]
    )
    lgd = fit_lgd(book.as_of(END))
    assert not lgd.identified
    assert "No customer has defaulted" in lgd.finding()
    with pytest.raises(ModelError, match="no default"):
        lgd.of("x")


def test_the_permutation_test_keeps_its_level() -> None:
    rng = np.random.default_rng(5)
    p = [
        permutation_p(rng.random(15), rng.lognormal(0, 1, 15), np.array([0] * 12 + [1] * 3), 2, k)
        for k in range(20)
    ]
    assert sum(value <= 0.05 for value in p) <= 4
    assert 0.3 < float(np.mean(p)) < 0.7


def test_a_guarantee_is_worth_the_loss_it_removes() -> None:
    year = value_guarantee(
        [100_000.0], 0.02, 0.85, 0.55, sales_a_year=600_000, months_a_step=12, cost_a_year=100,
        ranges=(Interval(0.7, 0.95, 0.95, ""), Interval(0.2, 0.9, 0.95, "")),
    )  # fmt: skip
    assert year.loss_without == pytest.approx(100_000 * 0.02 * 0.85)
    assert year.saved == pytest.approx(600.0)
    assert year.cost == pytest.approx(100 * 0.99)  # alive on average
    assert year.price == pytest.approx((600 - 99) / (600_000 * 0.99))
    assert year.limit_factor == pytest.approx(0.85 / 0.55)
    assert year.low < 0 < year.value < year.high
    assert f"{year.price:.2%}" in year.finding()
    # At the larger limit the expected loss with the security is what it was without.
    more = value_guarantee([100_000.0 * year.limit_factor], 0.02, 0.85, 0.55, 600_000, months_a_step=12)
    assert more.loss_with == pytest.approx(year.loss_without)


def test_monthly_steps_of_a_path_add_up_to_the_chance_of_the_year() -> None:
    path = value_guarantee([50_000.0] * 12, 0.10, 1.0, 0.0, sales_a_year=1.0)
    assert path.saved == pytest.approx(50_000 * 0.10)
    assert value_guarantee([50_000.0] * 12, 0.1, 1.0, 0.0, 1.0, discount_rate=0.1).saved < path.saved
    dear = value_guarantee([1_000.0], 0.01, 0.8, 0.6, 10_000.0, cost_a_year=500.0)
    assert "costs more than it saves" in dear.finding()
    with pytest.raises(ModelError, match="probability"):
        value_guarantee([1.0], 1.5, 0.8, 0.6, 1.0)
