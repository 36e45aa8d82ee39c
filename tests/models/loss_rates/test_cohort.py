"""Sales cohorts: the textbook's figures, seasoning, and what counts as lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.loss_rates.arithmetic import cohort_rates
from arrisk.models.loss_rates.cohort import count_cohorts
from tests.ledger.frames import event, invoice, ledger_of

ISSUED, DUE = "2023-01-10", "2023-02-09"
PAID = {"2023-02-09": 50_000, "2023-02-20": 27_000, "2023-03-20": 15_000, "2023-04-20": 6_000}


def rates_of(ledger, date="2024-12-31", **choices) -> np.ndarray:
    counts = count_cohorts(ledger.as_of(date), **choices)
    return counts.rates(counts.totals())[0]


def textbook(*more: dict) -> object:
    paid = [event("1", day, amount) for day, amount in PAID.items()]
    return ledger_of([invoice("1", ISSUED, 100_000, DUE)], [*paid, *more])


@pytest.mark.parametrize(
    ("more", "choices"),
    [
        ((event("1", "2023-09-30", 2_000, "write_off"),), {}),
        ((), {"loss": "not_collected"}),
        ((event("1", "2024-06-30", 2_000),), {"loss": "not_collected"}),
        ((), {"still_open": "lost"}),
    ],
)
def test_the_textbook_cohort(more, choices):
    """P3: loss 2,000; rates 2 / 4 / 8.6957 / 25 / 100%."""
    found = rates_of(textbook(*more), **choices)
    np.testing.assert_allclose(found, [0.02, 0.04, 0.0869565217, 0.25, 1.0], rtol=1e-9)
    np.testing.assert_allclose(found, cohort_rates(100_000, list(PAID.values())), rtol=1e-12)


def test_what_is_open_after_its_seasoning_is_no_loss_unless_said():
    np.testing.assert_array_equal(rates_of(textbook()), np.zeros(5))


def test_recoveries_come_off_what_was_written_off():
    gone = event("1", "2023-09-30", 2_000, "write_off")
    back = event("1", "2023-12-30", 500, "recovery")
    np.testing.assert_allclose(rates_of(textbook(gone, back))[[0, 4]], [0.015, 0.75])
    np.testing.assert_allclose(rates_of(textbook(gone, back), loss="not_collected")[0], 0.02)


def test_only_seasoned_months_within_the_window_count():
    rows = [
        invoice(str(k), f"{month}-10", 100 * 2**k)
        for k, month in enumerate(("2023-11", "2023-12", "2024-01"))
    ]
    ledger = ledger_of([{**row, "due_date": row["issue_date"]} for row in rows])
    for date, choices, sales in (
        ("2024-12-31", {}, 300.0),
        ("2024-12-30", {}, 100.0),
        ("2024-12-31", {"months": 1}, 200.0),
        ("2025-01-31", {"months": 2}, 600.0),
    ):
        assert count_cohorts(ledger.as_of(date), **choices).facts["sales"] == sales


def test_the_mean_of_months_is_not_the_ratio_of_sums():
    rows = [invoice("1", "2023-01-10", 100, "2023-01-20"), invoice("2", "2023-02-10", 300, "2023-02-20")]
    events = [event("1", "2023-06-30", 50, "write_off"), event("1", "2023-01-20", 50)]
    ledger = ledger_of(rows, [*events, event("2", "2023-02-20", 300)])
    assert rates_of(ledger)[0] == pytest.approx(50 / 400)
    assert rates_of(ledger, averaging="simple")[0] == pytest.approx((0.5 + 0.0) / 2)
    assert rates_of(ledger, averaging="simple")[1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"seasoning": 2}, "ends before the bucket over 90 days"),
        ({"seasoning": 36}, "no month of issue ended 36 months before"),
        ({"loss": "all"}, "loss is one of"),
        ({"months": 0}, "at least 1"),
        ({"edges": (60, 30)}, "increasing"),
    ],
)
def test_what_cannot_be_done_is_said(choices, words):
    with pytest.raises(ModelError, match=words):
        count_cohorts(textbook().as_of("2024-12-31"), **choices)


def test_a_reached_bucket_by_customer():
    counts = count_cohorts(textbook().as_of("2024-12-31"))
    assert counts.exposed.tolist() == [[True] * 5]
    assert not counts.hit.any()
    assert pd.Timestamp(counts.facts["window"][1]) == pd.Timestamp("2023-12-31")
