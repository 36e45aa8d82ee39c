"""What became of every invoice within a time from its issue."""

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.effects.outcomes import observe_outcomes
from tests.ledger.frames import event, invoice, ledger_of


def book():
    return ledger_of(
        [
            invoice("A", "2025-01-01", 1000.0, "2025-01-31"),
            invoice("B", "2025-01-01", 1000.0, "2025-01-31"),
            invoice("C", "2025-03-20", 1000.0, "2025-04-20"),
        ],
        [event("A", "2025-01-11", 1000.0)],
    )


def test_paid_and_unpaid_by_the_horizon():
    out = observe_outcomes(book().as_of("2025-05-31"), horizon=100, cost_of_capital=0.1)
    assert out["invoice_id"].tolist() == ["A", "B"]
    assert out["days"].tolist() == [10.0, 100.0]
    assert out["unpaid"].tolist() == [0.0, 100.0]
    np.testing.assert_allclose(out["value"], [100 * 1.1 ** (-10 / 365), 100 * 1.1 ** (-100 / 365)])


def test_no_invoice_old_enough():
    with pytest.raises(ModelError, match="issued 400 days"):
        observe_outcomes(book().as_of(pd.Timestamp("2025-05-31")), horizon=400)


def parts_book(*more):
    """1,000: half settled on day 20 with the discount, 100 credited on day 40, 300 paid on day 60."""
    return ledger_of(
        [invoice("A", "2025-01-01", 1000.0, "2025-01-31", discount_rate=0.02, discount_days=10)],
        [
            event("A", "2025-01-21", 490.0),
            event("A", "2025-01-21", 10.0, "discount"),
            event("A", "2025-02-10", 100.0, "credit_note"),
            event("A", "2025-03-02", 300.0),
            *more,
        ],
    )


def test_parts_count_by_their_own_days_and_credits_are_taken_off():
    out = observe_outcomes(parts_book().as_of("2025-12-31"), horizon=100, cost_of_capital=0.1).iloc[0]
    assert (out["amount"], out["billed"]) == (900.0, 1000.0)
    assert out["days"] == pytest.approx((500 * 20 + 300 * 60 + 100 * 100) / 900)
    worth = 490 * 1.1 ** (-20 / 365) + 300 * 1.1 ** (-60 / 365) + 100 * 1.1 ** (-100 / 365)
    assert out["value"] == pytest.approx(100 * worth / 900)
    assert out["unpaid"] == pytest.approx(100 / 9)
    assert out["taken"]
    assert out["discount"] == 10.0


def test_what_is_unpaid_at_the_horizon_counts_at_its_worth():
    snapshot = parts_book().as_of("2025-12-31")
    full, half = (observe_outcomes(snapshot, horizon=100, rest=r)["value"].iloc[0] for r in (1.0, 0.5))
    assert full - half == pytest.approx(100 * 50 / 900 * 1.08 ** (-100 / 365))


def test_what_happens_after_the_horizon_changes_nothing():
    late = [event("A", "2025-06-01", 60.0), event("A", "2025-06-02", 40.0, "write_off")]
    now, then = (observe_outcomes(parts_book(*more).as_of("2025-12-31"), horizon=100) for more in ((), late))
    pd.testing.assert_frame_equal(now, then)
    seen_then = observe_outcomes(parts_book(*late).as_of("2025-04-11"), horizon=100)
    pd.testing.assert_frame_equal(now, seen_then)


def test_returned_money_is_unpaid_again_and_full_credits_are_left_out():
    ledger = ledger_of(
        [invoice(n, "2025-01-01", 1000.0, "2025-01-31", customer_id=n) for n in ("A", "B")],
        [
            event("A", "2025-01-11", 1000.0),
            event("A", "2025-01-14", -1000.0),
            event("A", "2025-01-22", 1000.0),
            event("B", "2025-01-11", 1000.0, "credit_note"),
        ],
    )
    out = observe_outcomes(ledger.as_of("2025-12-31"))
    assert out["invoice_id"].tolist() == ["A"]
    assert out["days"].tolist() == [10 - 13 + 21]


def test_a_dispute_opened_by_the_horizon_is_flagged():
    ledger = ledger_of(
        [
            invoice("A", "2025-01-01", 1000.0, dispute_opened="2025-02-01", dispute_closed="2025-03-01"),
            invoice("B", "2025-01-01", 1000.0, dispute_opened="2025-06-01"),
            invoice("C", "2025-01-01", 1000.0),
        ]
    )
    out = observe_outcomes(ledger.as_of("2025-12-31"), horizon=100)
    assert out["disputed"].tolist() == [True, False, False]
