from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.cash.sales import SalesPlan, expect_sales
from tests.ledger.frames import invoice, ledger_of

START = pd.Timestamp("2022-01-03")
AS_OF = "2024-06-28"


def sales_book(weeks: int = 130, growth: float = 0.0, season: float = 0.0, seed: int = 51):
    """Ten invoices a week on weekdays, by two customers in two segments, with a yearly season."""
    rng = np.random.default_rng(seed)
    rows = []
    for week in range(weeks):
        level = 100 * (1 + growth) ** (week / 52) * (1 + season * np.cos(2 * np.pi * week / 52))
        for k in range(10):
            day = START + pd.Timedelta(days=7 * week + k % 5)
            amount, due = round(float(level * rng.uniform(0.9, 1.1)), 2), day + pd.Timedelta(days=30)
            rows.append(
                invoice(
                    f"{week:03d}-{k}", f"{day:%Y-%m-%d}", amount, f"{due:%Y-%m-%d}", customer_id=f"c{k % 2}"
                )
            )
    customers = [
        {"customer_id": "c0", "segment": "north"},
        {"customer_id": "c1", "segment": "south"},
    ]
    return ledger_of(rows, customers=customers)


def truth(weeks: int, growth: float, season: float, ahead: int) -> float:
    week = weeks + ahead
    return float(1000 * (1 + growth) ** (week / 52) * (1 + season * np.cos(2 * np.pi * week / 52)))


def test_season_and_growth_are_carried_forward():
    snapshot = sales_book(130, growth=0.1, season=0.3).as_of(AS_OF)
    found = expect_sales(snapshot)
    exact = [truth(130, 0.1, 0.3, w) for w in range(13)]
    np.testing.assert_allclose(found.weekly["expected"], exact, rtol=0.05)
    assert "a year before" in found.rule
    assert found.volume.level_sd < 0.12
    assert len(found.trials) >= 3
    assert (found.trials["date"] + pd.Timedelta(days=91) <= snapshot.date).all()


def test_sales_become_invoices_like_the_recent_ones():
    snapshot = sales_book(130).as_of(AS_OF)
    items = expect_sales(snapshot).items
    assert (items["issue_date"] > snapshot.date).all()
    assert (items["issue_date"].dt.weekday < 5).all()
    assert ((items["due_date"] - items["issue_date"]).dt.days == 30).all()
    assert set(items["customer_id"]) == {"c0", "c1"}
    assert items["invoice_id"].is_unique


def test_short_history_says_so():
    found = expect_sales(sales_book(40).as_of("2022-10-07"))
    assert "too short for a season" in found.rule
    np.testing.assert_allclose(found.weekly["expected"], 1000, rtol=0.05)
    young = expect_sales(sales_book(8).as_of("2022-02-25"))
    assert young.volume.level_sd >= 0.2
    assert len(young.trials) == 0


def test_errors_of_the_rule_are_seen():
    """A book whose sales jump by half now and then is less certain than one that does not."""
    rng = np.random.default_rng(52)
    rows = []
    for week in range(130):
        level = 100 * (1.5 if (week // 13) % 3 == 0 else 1.0) * float(rng.uniform(0.9, 1.1))
        day = START + pd.Timedelta(days=7 * week)
        rows += [
            invoice(f"{week}-{k}", f"{day:%Y-%m-%d}", round(level, 2), customer_id="c") for k in range(10)
        ]
    wild = expect_sales(ledger_of(rows).as_of(AS_OF)).volume
    calm = expect_sales(sales_book(130).as_of(AS_OF)).volume
    assert wild.level_sd > 1.5 * calm.level_sd


def test_a_stated_plan_is_met():
    snapshot = sales_book(130).as_of(AS_OF)
    weeks = pd.date_range(snapshot.date + pd.Timedelta(days=1), periods=13, freq="7D")
    plan = SalesPlan(pd.Series(np.arange(13) * 10.0 + 500, index=weeks), "week", error=0.2)
    found = expect_sales(snapshot, 91, plan)
    np.testing.assert_allclose(found.weekly["expected"], np.arange(13) * 10.0 + 500, rtol=1e-9)
    assert found.volume.level_sd == 0.2
    assert found.rule == "stated plan"
    split = pd.DataFrame({"north": 700.0, "south": 100.0}, index=weeks)
    parts = expect_sales(snapshot, 91, SalesPlan(split, by="segment")).items
    share = (parts["copies"] * parts["amount"]).groupby(parts["customer_id"]).sum()
    assert share["c0"] == pytest.approx(13 * 700)
    assert share["c1"] == pytest.approx(13 * 100)
    days = {6: 30, 7: 31, 8: 31, 9: 30}
    monthly = SalesPlan({f"2024-{m:02d}-01": 100.0 * d for m, d in days.items()}, "month")
    assert expect_sales(snapshot, 91, monthly).weekly["expected"].iloc[1] == pytest.approx(700.0)


def test_weeks_cut_short_hold_their_share():
    snapshot = sales_book(130).as_of(AS_OF)
    whole, cut = expect_sales(snapshot, 35), expect_sales(snapshot, 31)
    assert len(cut.weekly) == 5
    np.testing.assert_allclose(cut.weekly["expected"][:4], whole.weekly["expected"][:4])
    # From Saturday on: the first three days of the fifth week hold one day of business.
    assert cut.weekly["expected"].iloc[4] == pytest.approx(whole.weekly["expected"].iloc[4] / 5, rel=0.1)


def test_what_cannot_be_expected_is_refused():
    snapshot = sales_book(20).as_of("2024-06-28")
    with pytest.raises(ModelError, match="nothing was sold"):
        expect_sales(snapshot)
    busy = sales_book(20).as_of("2022-05-20")
    with pytest.raises(ModelError, match="no column"):
        expect_sales(busy, by="colour")
    weeks = pd.date_range("2022-05-21", periods=2, freq="7D")
    with pytest.raises(ModelError, match="finite and not negative"):
        expect_sales(busy, plan=SalesPlan(pd.Series([-1.0, 2.0], index=weeks)))
    with pytest.raises(ModelError, match="the plan names"):
        expect_sales(busy, 14, SalesPlan(pd.DataFrame({"west": [1.0, 2.0]}, index=weeks), by="segment"))
    with pytest.raises(ModelError, match="14 of the 91 days"):
        expect_sales(busy, plan=SalesPlan(pd.Series([1.0, 2.0], index=weeks)))
    with pytest.raises(ModelError, match="error="):
        expect_sales(busy, plan=SalesPlan(pd.Series([1.0, 2.0], index=weeks), error=-0.1))
