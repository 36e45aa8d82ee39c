"""Money billed above limits and what became of it: split, horizon and interval by hand."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.policy.excess_history import BILLED, STANDING, make_excess_history
from arrisk.portfolio.utilisation import make_utilisation_path
from tests.ledger.frames import event, invoice, ledger_of

MONTHS = pd.date_range("2024-01-01", "2025-12-01", freq="MS") + pd.Timedelta(days=9)


def book(customers: int, above: int, stuck: float = 0.0, within: float = 0.0) -> dict:
    """Each customer is billed 100 a month and pays in 20 to 24 days, `above` of them against a limit of zero.

    Of the first six bills those leave the share `stuck` unpaid for ever and the others `within`, one in three
    of them twice as much.
    """
    invoices, events, limits = [], [], []
    for c in range(customers):
        held = 1000.0 * (c >= above)
        limits.append({"customer_id": f"c{c}", "valid_from": "2024-01-01", "credit_limit": held})
        share = (stuck if c < above else within) * (1 + (c % 3 == 0))
        for n, day in enumerate(MONTHS):
            number, paid = f"{c}-{n}", day + pd.Timedelta(days=20 + c % 5)
            invoices.append(invoice(number, f"{day:%Y-%m-%d}", 100, customer_id=f"c{c}"))
            left = round(100 * share, 2) if n < 6 else 0.0
            if paid <= pd.Timestamp("2025-12-31"):
                events.append(event(number, f"{paid:%Y-%m-%d}", 100 - left))
    return {"invoices": invoices, "events": events, "limits": limits}


def history_of(rows: dict, **more):
    return make_excess_history(ledger_of(**rows).as_of("2025-12-31"), **more)


def row_of(history, counting: str = BILLED, months: int = 6) -> pd.Series:
    found = history.table
    return found[(found["counting"] == counting) & (found["months"] == months)].iloc[0]


def test_items_are_split_in_the_proportion_of_the_exposure():
    invoices = [invoice("1", "2024-03-05", 100), invoice("2", "2024-04-05", 100)]
    events = [event("1", "2024-04-20", 70), event("2", "2024-05-20", 100)]
    limits = [{"customer_id": "c", "valid_from": "2024-01-01", "credit_limit": 60.0}]
    ledger = ledger_of(invoices, events, limits=limits)
    found = make_excess_history(ledger.as_of("2024-12-31"), months=1, others=())
    row = row_of(found, months=1)
    # March: 100 billed, 40% above; April: 100 billed, of an exposure of 130 there are 70 above.
    assert row["yearly"] == pytest.approx((40 + 100 * 70 / 130) / 2 * 12)
    assert (row["customers"], row["customers_above"], row["unpaid_above"]) == (1, 1, 1)
    assert np.isnan(row["above"])
    assert found.decisive is None
    standing = row_of(found, STANDING, months=1)
    assert standing["month_ends"] > row["month_ends"]


def test_what_was_unpaid_later_with_its_difference():
    history = history_of(book(30, 15, stuck=0.1))
    row = row_of(history)
    assert row["within"] == 0
    assert (row["customers"], row["customers_above"]) == (30, 15)
    assert row["difference"] == pytest.approx(row["above"])
    assert 0 < row["ci_low"] < row["difference"] < row["ci_high"]
    assert row["above_low"] < row["above"] < row["above_high"]
    assert history.decisive is not None
    assert "0.0% of the rest" in history.finding()


def test_a_stuck_debt_counts_once_where_bills_are_counted():
    history = history_of(book(30, 15, stuck=0.1))
    assert row_of(history, STANDING)["above"] > 2 * row_of(history)["above"]


def test_written_off_is_unpaid_and_a_credit_note_settles():
    def unpaid(kind: str) -> float:
        rows = book(30, 15)
        for e in rows["events"]:
            if e["invoice_id"].split("-")[0] in {str(c) for c in range(6)}:
                e["kind"] = kind
        return float(row_of(history_of(rows))["above"])

    assert unpaid("write_off") > 0.2
    assert unpaid("credit_note") == 0


def test_a_horizon_uses_only_month_ends_that_old():
    rows = book(12, 12)
    table = history_of(rows, months=6, others=(3, 12)).table
    ends = table[table["counting"] == BILLED].set_index("months")["month_ends"]
    assert ends.to_dict() == {3: 21, 6: 18, 12: 12}
    assert row_of(history_of(rows, month_ends=4))["month_ends"] == 4


def test_too_little_is_said_and_drawn():
    rows = book(12, 3)
    history = history_of(rows)
    assert history.decisive is None
    assert history.finding().startswith("Too little")
    plt.figure()
    assert history.plot().get_title() == history.finding()
    rows.pop("limits")
    assert history_of(rows).decisive is None


def test_wrong_arguments_are_refused():
    snapshot = ledger_of(**book(2, 1)).as_of("2025-12-31")
    with pytest.raises(ModelError, match="at least one"):
        make_excess_history(snapshot, months=0)
    with pytest.raises(ModelError, match="of its customers"):
        make_excess_history(snapshot, make_utilisation_path(snapshot, level="group"))
    with pytest.raises(ModelError, match="snapshot's date"):
        make_excess_history(snapshot, make_utilisation_path(snapshot.as_of("2025-06-30")))
