from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.late_score.outcomes import late_outcomes
from arrisk.models.late_score.score import fit_late_score
from arrisk.models.payment.late_at_issue import late_at_issue
from arrisk.models.payment.payment_hazard import fit_hazard
from arrisk.models.validation.brier import log_loss
from tests.models.payment_books import book_of

CLOSED = ["01-01", "05-01", "12-25", "12-26"]


@pytest.fixture(scope="module")
def book():
    return book_of(11, customers=30)


@pytest.fixture(scope="module")
def hazard(book):
    return fit_hazard(book.as_of("2023-06-30"))


def test_chances_of_open_items_are_sums_of_their_rates(book, hazard):
    snapshot = book.as_of("2023-06-30")
    told = hazard.predict(snapshot, days=(7, 30), horizon=90)
    items = hazard.open_items(snapshot)
    rates = hazard.rates(items, snapshot.date, 90)
    paid, lost = rates.paths(), rates.losses()
    assert told["p_paid_7"].to_numpy() == pytest.approx(paid[:, :7].sum(axis=1))
    assert told["p_lost_30"].to_numpy() == pytest.approx(lost[:, :30].sum(axis=1))
    day = np.arange(1, 91)
    mean = paid @ np.minimum(day, 90) + 90 * (1 - paid.sum(axis=1))
    assert told["remaining_days"].to_numpy() == pytest.approx(mean)
    assert told["remaining_days"].between(1, 90).all()


def test_chances_of_open_items_come_true(book, hazard):
    """Mean chances on four later days, against the shares paid; few customers make them differ a little."""
    told, found = [], []
    for date in ("2023-06-30", "2023-08-31", "2023-10-31", "2023-12-31"):
        snapshot = book.as_of(date)
        open_items = hazard.predict(snapshot)
        later = book.as_of(snapshot.date + pd.Timedelta(days=30)).items.set_index("invoice_id")
        told.append(open_items["p_paid_30"])
        found.append(later.loc[open_items["invoice_id"], "close_kind"] == "paid")
    share = np.concatenate(found).mean()
    assert np.concatenate(told).mean() == pytest.approx(share, abs=0.03)
    assert 0.2 < share < 0.9


def test_horizons_are_days_ahead(book, hazard):
    with pytest.raises(ModelError, match="positive whole numbers"):
        hazard.predict(book.as_of("2023-06-30"), days=(0, 7))


def test_lateness_at_issue_is_the_chance_of_no_payment_by_the_point(book, hazard):
    later = book.as_of("2023-09-30")
    told = hazard.predict_late(later, 5).set_index("invoice_id")
    assert (told["issue_date"] > hazard.as_of).all()
    items = later.items
    assert len(told) == int((items["issue_date"] > hazard.as_of).sum())
    one = items[items["issue_date"] > hazard.as_of].iloc[[-1]]
    eve = one["issue_date"].iloc[0] - pd.Timedelta(days=1)
    described = hazard.describe(later, one[["customer_id", "issue_date", "due_date", "amount"]])
    days = (one["due_date"].iloc[0] - eve).days + 5
    paid = hazard.rates(described, eve, days).paths().sum()
    assert told.loc[one["invoice_id"].iloc[0], "probability"] == pytest.approx(1 - paid)


def test_lateness_falls_with_the_days_of_grace(book, hazard):
    later = book.as_of("2023-08-31")
    none, week = (late_at_issue(hazard, later, d)["probability"].to_numpy() for d in (0, 7))
    assert (week < none).all()
    with pytest.raises(ModelError, match="late_days=-1"):
        late_at_issue(hazard, later, -1)
    with pytest.raises(LookAheadError):
        late_at_issue(hazard, book.as_of("2023-01-31"))


def test_no_new_invoices_no_rows(book, hazard):
    assert late_at_issue(hazard, book.as_of("2023-06-30")).empty


@pytest.mark.slow
def test_lateness_at_issue_is_as_good_as_that_of_the_late_score(sample_study):
    """Out of time, invoices of a quarter: calibrated, and no worse than a score made for lateness alone."""
    ledger = sample_study.ledger()
    outcomes = late_outcomes(ledger.as_of(ledger.last_date))
    snapshot, later = ledger.as_of("2025-06-30"), ledger.as_of("2025-09-28")
    told = fit_hazard(snapshot, holidays=CLOSED).predict_late(later)
    keys = ["invoice_id", "instalment"]
    found = told.merge(fit_late_score(snapshot).predict(later), on=keys, suffixes=("", "_score"))
    found = found.merge(outcomes, on=keys)
    late = found["late"].to_numpy(dtype=bool)
    assert len(late) > 900
    assert found["probability"].mean() == pytest.approx(late.mean(), abs=0.025)
    losses = [log_loss(late, found[c].to_numpy()) for c in ("probability", "probability_score")]
    assert losses[0] < losses[1] + 0.005
    assert losses[0] < 0.9 * log_loss(late, np.full(len(late), late.mean()))
