"""Vintages: losses completed to their end, and how they fall on open money."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.loss_rates.vintage import Vintages, complete_losses, count_vintages, vintage_rates
from arrisk.models.triangle import cumulated_triangle, development_factors
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book


def test_losses_grow_by_factors_and_where_there_are_none_by_shares():
    lost = np.array([[0.0, 2.0, 2.0], [0.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    full = complete_losses(lost, np.array([100.0, 100.0, 50.0]))
    np.testing.assert_allclose(full[0], [0, 2, 4])
    np.testing.assert_allclose(full[1], [0, 4, 8])
    np.testing.assert_allclose(full[2], [0, 50 * 6 / 200, 50 * 6 / 200 * 2])
    shares = complete_losses(lost, np.array([100.0, 100.0, 50.0]), "additive")
    np.testing.assert_allclose(shares[1, 2], 4 + 100 * 2 / 100)


def test_completion_takes_many_triangles_at_once():
    rng = np.random.default_rng(3)
    lost, sold = rng.exponential(size=(4, 6, 6)), rng.uniform(50, 100, (4, 6))
    whole = complete_losses(lost, sold)
    for one, cells, sales in zip(whole, lost, sold, strict=True):
        np.testing.assert_allclose(one, complete_losses(cells, sales))
        origin, age = np.indices((6, 6)).reshape(2, -1)
        known = origin + age < 6
        triangle = cumulated_triangle(origin[known], age[known], cells.reshape(-1)[known], 6)
        np.testing.assert_allclose(one[5, -1], cells[5, 0] * np.prod(development_factors(triangle)))


def test_rates_by_hand():
    """Two vintages and buckets; of the first 10 are open at age 0, of which 2 are lost, and 4 at age 1."""
    layout = Vintages(2, 2)
    lost, sold = [0.0, 2.0, 0.0, 0.0], [20.0, 10.0]
    owed = [10.0, 0.0, 0.0, 4.0, 6.0, 0.0, 0.0, 0.0]
    sums = np.array([*lost, *sold, *owed, 4.0, 20.0])
    # Later loss of the first vintage at age 0: 2, on 10 not due. Of the second: a tenth of 10, on 6 not due.
    np.testing.assert_allclose(vintage_rates(sums, layout), [(2 + 1) / 16, 0.0])


def test_within_a_vintage_older_money_carries_more():
    layout = Vintages(2, 2)
    owed = [8.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    sums = np.array([0.0, 2.4, 0.0, 0.0, 20.0, 0.0, *owed, 5.0, 20.0])
    # A quarter reaches the second bucket, so money in it is four times as likely to be lost: 8 to 2 x 4.
    np.testing.assert_allclose(vintage_rates(sums, layout), [1.2 / 8, 1.2 / 2])


def test_the_triangle_holds_net_write_offs_by_month_of_issue_and_age():
    rows = [invoice(str(m), f"2024-{m:02d}-05", 100, f"2024-{m:02d}-20") for m in range(1, 7)]
    events = [event("1", "2024-03-31", 40, "write_off"), event("1", "2024-05-15", 10, "recovery")]
    events.append(event("2", "2024-04-01", 20, "write_off"))
    counts = count_vintages(ledger_of(rows, events).as_of("2024-06-30"))
    assert counts.facts["triangle"].shape == (6, 6)
    # A customer's recoveries come off all it lost: 10 of 60.
    np.testing.assert_allclose(counts.facts["triangle"].iloc[0], np.array([0, 0, 40, 40, 40, 40]) * 5 / 6)
    np.testing.assert_allclose(counts.facts["triangle"].iloc[1, :5], np.array([0, 0, 20, 20, 20]) * 5 / 6)
    np.testing.assert_allclose(counts.facts["sales"], 100.0)


@pytest.mark.parametrize("date", ["2024-12-31", "2024-12-18"])
def test_months_and_quarters_tell_the_same_ultimate(date):
    book = loss_book(customers=60, invoices=1500, lost_share=0.3).as_of(date)
    month, quarter = (count_vintages(book, period=p).facts for p in ("month", "quarter"))
    assert quarter["months"] < month["months"]
    ends = [facts["expected_later_loss"] for facts in (month, quarter)]
    assert ends[0] == pytest.approx(ends[1], rel=0.25)
    assert quarter["by_shares"][1] > 0


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"period": "week"}, "period is one of"),
        ({"months": 3}, "at least 4"),
        ({"period": "quarter"}, "4 periods"),
    ],
)
def test_what_cannot_be_done_is_said(choices, words):
    ledger = ledger_of([invoice(str(m), f"2024-{m:02d}-05", 100) for m in range(1, 7)])
    with pytest.raises(ModelError, match=words):
        count_vintages(ledger.as_of("2024-06-30"), **choices)
