"""The recovery curve against hand calculations, its own history, and the truth of sample ledgers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.ledger.book import Ledger
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_latent, make_sample
from arrisk.ledger.sample.truth import BASE_TRUTH
from arrisk.models.recovery.developed import develop_recoveries
from arrisk.models.recovery.months import MONTH, expect_further, unrecovered
from arrisk.models.recovery.pursuit import value_pursuit
from arrisk.models.recovery.recovery_curve import RecoveryCurve, fit_recovery
from arrisk.models.recovery.share_interval import equal_customers, share_interval
from arrisk.policy.study import Study
from tests.ledger.frames import event, invoice, ledger_of


def small_book(later: bool = False) -> Ledger:
    """Two old write-offs, of which one brings 30 in its second month, and a young one."""
    written = {"a": ("2024-01-01", 100), "b": ("2024-01-01", 100), "c": ("2024-05-15", 100)}
    items = [invoice(c, "2023-06-01", m, "2023-07-01", customer_id=c) for c, (_, m) in written.items()]
    events = [event(c, day, m, "write_off") for c, (day, m) in written.items()]
    events.append(event("a", "2024-02-10", 30, "recovery"))
    if later:
        events.append(event("b", "2024-07-10", 80, "recovery"))
        events.append(event("a", "2024-03-10", 20, "recovery", recorded_date="2024-08-01"))
    return ledger_of(items, events)


SAMPLE = (100_000, 7, 1700)
AGE = 46 / MONTH
YOUNG = 100 * (1 - 0.85 / (1 - 0.15 * (AGE - 1)))
"""Expected yet of c: its second month, in which 15% comes, is half over."""


def curve_of(date: str = "2024-06-30", **given: object) -> RecoveryCurve:
    return fit_recovery(small_book().as_of(date), **given)  # type: ignore[arg-type]


def test_a_young_write_off_counts_only_in_the_months_it_has_had() -> None:
    curve = curve_of()
    table = curve.table
    assert table["month"].tolist() == [1, 2, 3, 4, 5]
    assert table["customers"].tolist() == [3, 2, 2, 2, 2]
    assert table["amount"].tolist() == [300.0, 200.0, 200.0, 200.0, 200.0]
    assert table["share"].round(6).tolist() == [0.0, 0.15, 0.15, 0.15, 0.15]
    naive = curve.diagnostics["recovered"] / curve.diagnostics["written_off"]
    assert naive == pytest.approx(0.10)


def test_what_is_still_to_come_is_that_of_the_young_write_off() -> None:
    found = curve_of(discount_rate=0.10).predict().set_index("customer_id")
    assert found["expected"].tolist() == pytest.approx([0.0, 0.0, YOUNG])
    assert unrecovered([300, 200], [0, 30])[-1] == pytest.approx(0.85)
    months = (2 - AGE) / 2
    assert found.loc["c", "present_value"] == pytest.approx(YOUNG * 1.1 ** (-months / 12))


def test_the_tail_comes_on_top_and_a_year_after_the_end_of_the_curve() -> None:
    amount, value = expect_further([100.0], [5.0], np.array([1.0, 0.8]), 0.25, 0.10)
    assert amount[0] == pytest.approx(25.0)
    assert value[0] == pytest.approx(25.0 / 1.1)
    assert curve_of(tail=0.5).ultimate[0] == pytest.approx(1 - 0.85 * 0.5)


def test_nothing_later_than_the_as_of_date_changes_the_curve() -> None:
    known, more = (fit_recovery(small_book(later).as_of("2024-06-30")) for later in (False, True))
    pd.testing.assert_frame_equal(known.table, more.table)
    assert known.ahead == more.ahead
    assert fit_recovery(small_book(True).as_of("2024-12-31")).ultimate[0] > known.ultimate[0]


def test_without_recoveries_there_is_a_bound_and_without_write_offs_a_word() -> None:
    items = [invoice(c, "2023-06-01", 100, "2023-07-01", customer_id=c) for c in "abcd"]
    lost = [event(c, "2024-01-01", 100, "write_off") for c in "abcd"]
    curve = fit_recovery(ledger_of(items, lost).as_of("2024-12-31"))
    assert curve.table["ci_high"].iloc[-1] == pytest.approx(1 - 0.05**0.25)  # none of four alike
    assert "at most 53%" in curve.finding()
    empty = fit_recovery(ledger_of(items).as_of("2024-12-31"))
    assert not empty.identified
    assert "Nothing was written off" in empty.finding()
    assert develop_recoveries(ledger_of(items).as_of("2024-12-31"), np.array(["a"])).tolist() == [0.0]
    with pytest.raises(ModelError, match="no curve to predict"):
        empty.predict()
    young = fit_recovery(ledger_of(items, lost).as_of("2024-01-15"))
    assert "too young" in young.finding()
    assert (young.ahead.value, young.ahead.high) == (None, 400.0)


@pytest.mark.parametrize(
    "given", [{"tail": 1.5}, {"min_customers": 1}, {"months": 0}, {"discount_rate": -1.0}, {"level": 1.0}]
)
def test_refuses_what_is_not_possible(given: dict[str, float]) -> None:
    with pytest.raises(ModelError):
        curve_of(**given)


def test_few_customers_of_different_size_are_worth_fewer_equal_ones() -> None:
    assert equal_customers([9.0, 1.0]) == pytest.approx(100 / 82)
    wide = share_interval(0.2, [0.2, 0.2], [9.0, 1.0], bearing=1)
    narrow = share_interval(0.2, [0.2, 0.2], [5.0, 5.0], bearing=1)
    assert wide.high > narrow.high
    assert "equal size" in wide.method


def test_developing_adds_what_is_still_to_come_and_keeps_what_is_known() -> None:
    snapshot = small_book().as_of("2024-06-30")
    shares = develop_recoveries(snapshot, np.array(["a", "b", "c", "never lost"]))
    assert shares.tolist() == pytest.approx([0.3, 0.0, YOUNG / 100, 0.0])


def test_pursuit_pays_up_to_the_fee_that_leaves_nothing() -> None:
    curve = curve_of()
    found = value_pursuit(curve, 0.4, anyway=0.1, cost=3.0)
    assert found.net_value == pytest.approx(YOUNG * 0.5 - 3)
    assert found.break_even_fee == pytest.approx(0.9 - 3 / YOUNG)
    at_that_fee = value_pursuit(curve, found.break_even_fee, anyway=0.1, cost=3.0)
    assert at_that_fee.net_value == pytest.approx(0.0, abs=1e-9)
    none = value_pursuit(curve, 0.95, anyway=0.1)
    assert "no written-off customer" in none.finding()
    assert found.low <= found.net_value <= found.high
    assert found.to_table().frame["pursue"].sum() == 1
    with pytest.raises(ModelError, match="fee_share"):
        value_pursuit(curve, 1.1)


def test_the_sample_shows_itself(sample_study: Study) -> None:
    curve = fit_recovery(sample_study.snapshot(), discount_rate=0.08)
    last = curve.table.iloc[-1]
    assert last["ci_low"] < 0.18 < last["ci_high"]  # 15% without security, 30% with
    assert (np.diff(curve.table["share"]) >= 0).all()
    assert (np.diff(curve.table["ci_high"]) >= 0).all()
    frame = curve.predict()
    assert frame["expected"].sum() == pytest.approx(curve.ahead.value)
    assert (frame["present_value"] <= frame["expected"] + 1e-9).all()
    for shown in (curve.plot(), fit_recovery(sample_study.snapshot(), by="segment").plot()):
        assert "back" in shown.get_title().lower()
    assert "<script" not in curve._repr_html_()
    assert {"tail", "end of the curve"} <= set(curve.conventions_table().frame["choice"])


@pytest.mark.slow
def test_the_curve_finds_what_comes_back_in_a_large_sample() -> None:
    ledger = read_ledger(make_sample(*SAMPLE), currency="EUR")
    curve = fit_recovery(ledger.as_of(ledger.last_date), by="security", months=18, level=0.999)
    plain = curve.table[curve.table["month"] == 16].set_index("segment").loc["not given"]
    expected = (1 - BASE_TRUTH.no_recovery_share) * BASE_TRUTH.recovery_mean
    assert plain["ci_low"] < expected < plain["ci_high"]
    found = curve.predict()
    found = found[found["segment"] == "not given"]
    hidden = make_latent(*SAMPLE)["latent_customers"].set_index("customer_id")["recovery"]
    share = (
        hidden.reindex(found["customer_id"]).to_numpy() @ found["written_off"] / found["written_off"].sum()
    )
    assert plain["ci_low"] < share < plain["ci_high"]
    naive = found["recovered"].sum() / found["written_off"].sum()
    assert abs(plain["share"] - share) < abs(naive - share)
