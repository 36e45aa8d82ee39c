"""Write-offs and what came back of them, as a person would match them by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arrisk.models.recovery.write_offs import match_in_order, read_write_offs
from tests.ledger.frames import event, invoice, ledger_of


def of(customer: str, number: str, amount: float) -> dict:
    return invoice(number, "2024-01-05", amount, "2024-02-04", customer_id=customer)


def test_a_recovery_goes_to_its_invoice_and_one_without_to_the_oldest_write_off_left() -> None:
    events = [
        event("1", "2024-05-01", 60, "write_off"),
        event("1", "2024-06-01", 40, "write_off"),
        event("2", "2024-04-01", 50, "write_off"),
        event("1", "2024-07-01", 70, "recovery"),
        event(None, "2024-08-01", 65, "recovery", customer_id="a"),
        event(None, "2024-08-01", 9, "recovery", customer_id="b"),
    ]
    book = ledger_of([of("a", "1", 100), of("a", "2", 50), of("b", "3", 30)], events)
    w = read_write_offs(book.as_of("2024-12-31"))
    assert w.customers.tolist() == ["a"]
    assert w.amount.tolist() == [5000, 6000, 4000]  # by day: invoice 2, then both of invoice 1
    assert w.outstanding.tolist() == [0, 0, 1500]
    assert w.stray == {"no write-off to belong to": 900}
    assert w.by_customer(w.outstanding).tolist() == [15.0]


def test_what_was_written_back_was_never_written_off_and_early_cash_is_stray() -> None:
    events = [
        event("1", "2024-05-01", 100, "write_off"),
        event("1", "2024-05-20", -100, "write_off"),
        event("2", "2024-05-02", 50, "write_off"),
        event("2", "2024-06-01", -20, "write_off"),
        event("2", "2024-06-15", 5, "recovery"),
        event(None, "2024-03-01", 8, "recovery", customer_id="a"),
    ]
    w = read_write_offs(ledger_of([of("a", "1", 100), of("a", "2", 50)], events).as_of("2024-12-31"))
    assert (w.amount.tolist(), w.outstanding.tolist()) == ([3000], [2500])
    assert w.stray == {"before the write-off": 800}


def test_nothing_later_than_the_as_of_date_changes_a_write_off() -> None:
    early = [event("1", "2024-05-01", 60, "write_off"), event("1", "2024-05-20", 10, "recovery")]
    late = [
        event("1", "2024-05-02", 40, "write_off", recorded_date="2024-07-02"),
        event("1", "2024-07-03", 50, "recovery"),
    ]
    seen = [
        read_write_offs(ledger_of([of("a", "1", 100)], rows).as_of("2024-06-30"))
        for rows in (early, early + late)
    ]
    assert seen[0].amount.tolist() == seen[1].amount.tolist() == [6000]
    assert seen[0].back.tolist() == seen[1].back.tolist() == [1000]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=12),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), max_size=12),
)
def test_matching_fills_rooms_in_order(rooms: list, amounts: list) -> None:
    rooms, amounts = sorted(rooms, key=lambda x: x[0]), sorted(amounts, key=lambda x: x[0])
    group, room = (np.array([x[k] for x in rooms], dtype=np.int64) for k in (0, 1))
    wanted, amount = (np.array([x[k] for x in amounts], dtype=np.int64) for k in (0, 1))
    left, expected = room.copy(), np.zeros((room.size, amount.size), dtype=np.int64)
    for j in range(amount.size):
        rest = amount[j]
        for i in np.flatnonzero(group == wanted[j]):
            taken = min(rest, left[i])
            left[i] -= taken
            rest -= taken
            expected[i, j] += taken
    got = np.zeros_like(expected)
    one, two, money = match_in_order(group, room, wanted, amount)
    np.add.at(got, (one, two), money)
    assert (got == expected).all()
