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
