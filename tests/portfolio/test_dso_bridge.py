"""The bridge from last year's DSO to today's: exact, and each cause where it belongs."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.portfolio.dso_bridge import PARTS, make_dso_bridge
from arrisk.portfolio.turnover import make_turnover
from arrisk.portfolio.windows import window_start, year_before
from tests.ledger.frames import event, invoice, ledger_of

CHANGE = pd.Timestamp("2025-03-01")
AS_OF = "2025-12-31"


def book(terms=(30, 30), late=(0, 0), shares=((100, 100), (100, 100)), season=None) -> Snapshot:
    """Two segments on terms 20 days apart, the second longer; pairs are before and after the change."""
    invoices, events = [], []
    months = pd.date_range("2023-06-01", AS_OF, freq="MS")
    for issued in (month + pd.Timedelta(days=k) for month in months for k in range(2, 30, 5)):
        after = int(issued >= CHANGE)
        for k, segment in enumerate("ab"):
            number, amount = f"{segment}{issued:%y%m%d}", float(shares[after][k])
            amount *= 1 if season is None else season[after].get(issued.month, 1)
            due = issued + pd.Timedelta(days=terms[after] + 20 * k)
            paid = due + pd.Timedelta(days=late[after])
            invoices.append(
                invoice(number, f"{issued:%Y-%m-%d}", amount, f"{due:%Y-%m-%d}", customer_id=segment)
            )
            if paid <= pd.Timestamp(AS_OF):
                events.append(event(number, f"{paid:%Y-%m-%d}", amount))
    customers = [{"customer_id": s, "segment": s} for s in "ab"]
    return ledger_of(invoices, events, customers=customers).as_of(AS_OF)


def parts_of(bridge) -> dict[str, float]:
    days = bridge.table["days"].to_numpy(dtype=float)
    assert days.sum() == pytest.approx(bridge.dso - bridge.dso_before, abs=1e-9)
    return dict(zip(PARTS, days, strict=True))


@pytest.mark.parametrize(
    ("cause", "changed", "sign"),
    [
        ("terms", {"terms": (30, 60)}, 1),
        ("late", {"late": (3, 28)}, 1),
        ("early", {"late": (-2, -22)}, -1),
        ("mix", {"shares": ((100, 100), (50, 300))}, 1),
        ("timing", {"season": ({}, {12: 2.0})}, 1),
    ],
)
def test_one_cause_alone_gets_the_change(cause, changed, sign):
    found = parts_of(make_dso_bridge(book(**changed)))
    assert sign * found.pop(cause) > 3
    assert found == pytest.approx(dict.fromkeys(found, 0.0), abs=1e-9)


def test_nothing_changed_has_no_parts():
    found = parts_of(make_dso_bridge(book(late=(9, 9))))
    assert found == pytest.approx(dict.fromkeys(PARTS, 0.0), abs=1e-9)


def test_dso_is_the_one_of_the_series_and_segments_sum_to_the_parts():
    snapshot = book(terms=(30, 45), late=(2, 9), shares=((100, 100), (150, 60)))
    bridge = make_dso_bridge(snapshot)
    series = make_turnover(snapshot, months=1).table.iloc[-1]
    assert bridge.dso == pytest.approx(series["dso"])
    assert bridge.dso_before == pytest.approx(series["dso_year_before"])
    sums = bridge.by_segment.drop(columns="segment").sum()
    np.testing.assert_allclose(sums.to_numpy(), bridge.table["days"].to_numpy(), atol=1e-9)
    np.testing.assert_allclose(bridge.table["amount"], bridge.table["days"] * bridge.daily_sales)


@pytest.mark.parametrize("seed", range(4))
def test_parts_sum_exactly_on_ledgers_with_everything_odd(seed):
    rng = np.random.default_rng(seed)
    invoices, events = [], []
    for n, day in enumerate(rng.integers(0, 1090, 250)):
        issued = pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(day))
        due = issued + pd.Timedelta(days=int(rng.integers(-5, 120)))
        amount = round(float(rng.lognormal(5, 1)), 2) * (-1 if rng.random() < 0.08 else 1)
        row = invoice(str(n), f"{issued:%Y-%m-%d}", amount, customer_id=f"c{n % 9}")
        row["due_date"] = None if rng.random() < 0.1 else f"{due:%Y-%m-%d}"
        row["salesperson"] = [None, "x", "y"][int(rng.integers(3))]
        invoices.append(row)
        paid = due + pd.Timedelta(days=int(rng.integers(-40, 90)))
        if rng.random() < 0.8 and paid > issued:
            events.append(event(str(n), f"{paid:%Y-%m-%d}", abs(amount) / 2 * np.sign(amount)))
    customers = [{"customer_id": f"c{k}", "segment": "abc"[k % 3]} for k in range(9)]
    snapshot = ledger_of(invoices, events, customers=customers).as_of("2025-11-15")
    for by in ("segment", "customer_id", "salesperson"):
        bridge = make_dso_bridge(snapshot, by=by)
        parts_of(bridge)
        assert bridge.before == pd.Timestamp("2024-11-15")
        start = window_start(bridge.before, 3)
        then = snapshot.as_of(bridge.before)
        items = then.items
        sales = items.loc[items["issue_date"] >= start, "amount"].sum()
        owed = items.loc[items["amount"] > 0, "open_amount"].sum()
        assert bridge.dso_before == pytest.approx(owed / sales * ((bridge.before - start).days + 1))


def test_nothing_to_compare_with_is_said():
    snapshot = ledger_of([invoice("1", "2025-11-03", 10, "2025-12-03")]).as_of(AS_OF)
    bridge = make_dso_bridge(snapshot)
    assert not bridge.identified
    assert "no bridge" in bridge.to_table().title
    assert "no bridge" in bridge.plot().get_title()
    plt.close("all")
    gap = ledger_of([invoice("1", "2023-01-03", 10), invoice("2", "2025-11-03", 10)]).as_of(AS_OF)
    assert not make_dso_bridge(gap).identified
    with pytest.raises(LedgerError, match="no attribute"):
        make_dso_bridge(gap, by="colour")


def test_pictures_and_tables():
    bridge = make_dso_bridge(book(late=(3, 28)))
    ax = bridge.plot()
    assert "most by payment after due" in ax.get_title()
    assert len(ax.patches) == len(PARTS) + 2
    assert "Shapley" in bridge.to_table().note
    assert bridge.segments_table().frame.shape == (2, len(PARTS) + 1)


def test_a_year_before_a_month_end_is_a_month_end():
    assert year_before(pd.Timestamp("2025-02-28")) == pd.Timestamp("2024-02-29")
    assert year_before(pd.Timestamp("2024-02-29")) == pd.Timestamp("2023-02-28")
    assert window_start(pd.Timestamp("2025-01-31"), 3) == pd.Timestamp("2024-11-01")
    with pytest.raises(LedgerError):
        window_start(pd.Timestamp("2025-01-31"), 0)
