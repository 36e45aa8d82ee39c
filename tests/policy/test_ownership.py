"""Owners of what is overdue: queues, holes, what stays unpaid, and the verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.policy.ownership import make_ownership, recommend_ownership
from arrisk.policy.study import Study
from arrisk.policy.study_file import Queue
from tests.ledger.frames import event, invoice, ledger_of

QUEUES = (Queue("sales", 0, 30), Queue("finance", 31, 60), Queue("legal", 90, None))


def study_with(tmp_path, queues: tuple[Queue, ...], materiality: float = 100.0) -> Study:
    text = f"""
[study]
name = "s"
title = "S"
as_of = 2025-12-31
currency = "EUR"
seed = 1
[ledger]
path = "."
[assumptions.materiality]
value = {materiality}
unit = "EUR overdue"
source = "test"
"""
    for queue in queues:
        text += f'[[ownership.queue]]\nname = "{queue.name}"\nfrom_day = {queue.from_day}\n'
        text += "" if queue.to_day is None else f"to_day = {queue.to_day}\n"
    return Study.from_toml(text, tmp_path / "study.toml")


def late_payers(customers: int, days: int) -> list:
    """Customers who are invoiced every month, due at once, and pay after `days`."""
    invoices, events = [], []
    for c in range(customers):
        for n, issued in enumerate(pd.date_range("2024-01-05", "2025-12-05", freq="MS")):
            number, paid = f"{c}-{n}", issued + pd.Timedelta(days=days + 3 * (c % 7))
            invoices.append(
                invoice(number, f"{issued:%Y-%m-%d}", 100 + c, f"{issued:%Y-%m-%d}", customer_id=f"c{c}")
            )
            if paid <= pd.Timestamp("2025-12-31"):
                events.append(event(number, f"{paid:%Y-%m-%d}", 100 + c))
    return [invoices, events]


def test_the_days_from_61_to_89_belong_to_nobody():
    ledger = ledger_of(
        [
            invoice("1", "2025-09-01", 10, "2025-10-01"),  # 91 days
            invoice("2", "2025-09-01", 20, "2025-10-03"),  # 89 days
            invoice("3", "2025-09-01", 40, "2025-10-31"),  # 61 days
            invoice("4", "2025-09-01", 80, "2025-11-01"),  # 60 days
            invoice("5", "2025-09-01", 160, "2025-12-30"),  # 1 day
            invoice("6", "2025-09-01", 320, "2025-12-31"),  # due today
        ]
    )
    ownership = make_ownership(ledger.as_of("2025-12-31"), QUEUES)
    assert ownership.table["owner"].tolist() == ["sales", "finance", "nobody", "legal"]
    assert ownership.table["amount"].tolist() == [160, 80, 60, 10]
    hole = ownership.holes.iloc[0]
    assert (hole["from_day"], hole["to_day"]) == (61, 89)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=6, unique=True), st.booleans())
def test_every_day_has_one_row_and_the_days_of_no_queue_are_nobodys(cuts, endless):
    """Any queues that do not overlap: days between cuts are owned or not, in turn."""
    cuts = sorted(cuts)
    queues = [Queue(f"q{first}", first, last) for first, last in zip(cuts[::2], cuts[1::2], strict=False)]
    if endless and len(cuts) % 2:
        queues.append(Queue("last", cuts[-1], None))
    due = pd.date_range("2025-10-27", "2025-12-30")
    ledger = ledger_of([invoice(str(k), "2025-09-01", 1, f"{d:%Y-%m-%d}") for k, d in enumerate(due)])
    table = make_ownership(ledger.as_of("2025-12-31"), tuple(queues), month_ends=1).table
    first, last = table["from_day"], table["to_day"].fillna(10**6)
    for day in range(1, 70):
        rows = table[(first <= day) & (day <= last)]
        owners = {q.name for q in queues if q.from_day <= day and (q.to_day is None or day <= q.to_day)}
        assert set(rows["owner"]) - {"nobody"} == owners
        assert ("nobody" in set(rows["owner"])) == (not owners)
    assert table["amount"].sum() >= 65
    assert table.loc[table["owner"] == "nobody", "amount"].sum() == sum(
        not any(q.from_day <= d and (q.to_day is None or d <= q.to_day) for q in queues) for d in range(1, 66)
    )


def test_still_open_is_counted_at_past_month_ends():
    snapshot = ledger_of(*late_payers(21, 85)).as_of("2025-12-31")
    ownership = make_ownership(snapshot, QUEUES, days=30, month_ends=6)
    shares = ownership.table.set_index("owner")["still_open"]
    assert ownership.month_ends == 6
    assert shares["sales"] == 1
    assert 0 < shares["nobody"] < 1
    past = snapshot.as_of("2025-10-31")
    later = snapshot.as_of("2025-11-30").items.set_index("invoice_id")["open_amount"]
    one = make_ownership(snapshot, QUEUES, days=31, month_ends=1).table.set_index("owner")["still_open"]
    here = past.open_items.query("31 <= days_overdue <= 60")
    assert ownership.as_of == snapshot.date
    assert one["finance"] == pytest.approx(
        snapshot.as_of("2025-12-31")
        .items.set_index("invoice_id")["open_amount"]
        .reindex(snapshot.as_of("2025-11-30").open_items.query("31 <= days_overdue <= 60")["invoice_id"])
        .sum()
        / snapshot.as_of("2025-11-30").open_items.query("31 <= days_overdue <= 60")["open_amount"].sum()
    )
    assert later.reindex(here["invoice_id"]).notna().all()


def test_a_material_hole_wants_an_owner_and_a_small_one_does_not(tmp_path):
    ownership = make_ownership(ledger_of(*late_payers(21, 85)).as_of("2025-12-15"), QUEUES)
    wants = recommend_ownership(study_with(tmp_path, QUEUES), ownership)
    assert wants.verdict == "adopt"
    assert "days 61 to 89" in wants.answer
    assert wants.flip is not None
    assert wants.flip.threshold < wants.flip.current
    rests = recommend_ownership(study_with(tmp_path, QUEUES, materiality=1e6), ownership)
    assert rests.verdict == "keep"
    assert rests.flip is not None
    assert rests.flip.threshold > rests.flip.current


def test_no_hole_is_kept_and_too_few_customers_cannot_say(tmp_path):
    snapshot = ledger_of(*late_payers(3, 85)).as_of("2025-12-31")
    whole = (Queue("sales", 0, 30), Queue("finance", 31, None))
    assert recommend_ownership(study_with(tmp_path, whole), make_ownership(snapshot, whole)).verdict == "keep"
    few = make_ownership(snapshot, QUEUES)
    assert np.isnan(few.holes.iloc[0]["still_open"])
    assert recommend_ownership(study_with(tmp_path, QUEUES), few).verdict == "the data cannot say"
    nobody = make_ownership(snapshot, ())
    assert nobody.table["owner"].tolist() == ["nobody"]
    assert recommend_ownership(study_with(tmp_path, ()), nobody).verdict == "the data cannot say"
