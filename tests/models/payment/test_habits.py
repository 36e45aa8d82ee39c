from __future__ import annotations

import gc
import weakref

import numpy as np
from hypothesis import example, given, settings

from arrisk.models.payment.habits import CustomerHabits, customer_habits
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers

END = "2024-12-31"

# The receipt of 20 February is booked in June; the first due date is known in May.
LATE = {
    "invoices": [
        invoice("1", "2024-01-01", 100, None, customer_id="a"),
        invoice("2", "2024-01-05", 100, None, customer_id="b"),
        invoice("3", "2024-05-01", 100, "2024-05-31", customer_id="a"),
    ],
    "events": [
        event("1", "2024-02-20", 100, recorded_date="2024-06-10"),
        event("2", "2024-01-25", 100),
        event("3", "2024-06-20", 100),
        event("3", "2024-07-01", -100),
    ],
}


@settings(max_examples=10)
@given(ledgers(), as_of_dates)
@example(LATE, "2024-03-31")
@example(LATE, "2024-06-09")
@example(LATE, "2024-06-30")
def test_habits_read_later_are_those_of_the_day(rows, date):
    ledger = ledger_of(**rows)
    later, then = customer_habits(ledger.as_of(END)), ledger.as_of(date)
    kept, fresh = customer_habits(then), CustomerHabits.of(then)
    if later.serves(then.day):
        assert kept is later
    names = [*ledger.customers["customer_id"], "nobody"]
    days = np.arange(then.day - 400, then.day + 1)
    for name in names:
        asked = [habits.on(np.repeat(habits.codes([name]), days.size), days) for habits in (kept, fresh)]
        for one, other in zip(asked[0].values(), asked[1].values(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_days_before_the_first_due_date_are_read_apart():
    ledger = ledger_of(**LATE)
    late = customer_habits(ledger.as_of(END))
    early = customer_habits(ledger.as_of("2024-03-31"))
    assert early is not late
    assert customer_habits(ledger.as_of("2024-06-30")) is late
    day = np.array([early.day])
    # Without due dates the receipt of 25 January came 20 days after the issue; no item is settled on the
    # clock of due dates.
    assert early.on(early.codes(["b"]), day)["usual"].tolist() == [20.0]
    assert late.on(late.codes(["b"]), day)["n_settled"].tolist() == [0.0]


def test_habits_go_with_their_ledger():
    ledger = ledger_of(**LATE)
    customer_habits(ledger.as_of(END))
    gone = weakref.ref(ledger)
    del ledger
    gc.collect()
    assert gone() is None
