"""The movement foots to the cent, and its charge is that of the single items."""

import itertools
from dataclasses import replace

import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.loss_rates.arithmetic import allowance_movement
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.individual import Assessment
from arrisk.models.provision.movement import LINES, make_movement
from arrisk.models.provision.provision import make_provision
from tests.loss_book import loss_book

DATES = ["2023-12-31", "2024-06-30", "2024-12-31"]


@pytest.fixture(scope="module")
def book():
    return loss_book(lost_share=0.25, recovery=0.2)


@pytest.fixture(scope="module")
def moved(book):
    return make_movement(book.as_of("2024-12-31"), DATES)


def lines_of(movement, end):
    rows = movement.table[movement.table["end"] == pd.Timestamp(end)]
    return dict(zip(rows["line"], rows["amount"], strict=True))


def test_every_period_foots_to_the_cent(moved):
    for end in DATES[1:]:
        lines = lines_of(moved, end)
        assert list(lines) == list(LINES)
        inner = {name: lines[name] for name in LINES[1:-1]}
        assert allowance_movement(lines["opening"], inner)[-1] == ("closing", lines["closing"])


def test_the_ends_are_the_provisions_of_their_days(book, moved):
    values = [make_provision(book.as_of(day)).total.value for day in DATES]
    first, second = (lines_of(moved, end) for end in DATES[1:])
    assert [first["opening"], first["closing"], second["closing"]] == values
    assert second["opening"] == first["closing"]


def test_write_offs_and_recoveries_are_those_of_the_events(book, moved):
    events = book.as_of("2024-12-31").events
    for start, end in itertools.pairwise(DATES):
        within = events[(events["recorded_date"] > start) & (events["recorded_date"] <= end)]
        sums = within.groupby("kind")["amount"].sum()
        lines = lines_of(moved, end)
        assert -lines["write-offs"] == pytest.approx(sums["write_off"], abs=0.005)
        assert sums["write_off"] > 0
        assert lines["recoveries"] == pytest.approx(sums["recovery"], abs=0.005)


def test_the_charge_is_that_of_the_items(moved):
    assert (moved.reconciliation["charge"].abs() > 100).all()
    assert (moved.reconciliation["difference"].abs() <= 0.05).all()


def test_adoption_takes_what_the_books_said_to_the_new_basis(book):
    moved = make_movement(book.as_of("2024-12-31"), DATES, reported_opening=1000.0)
    plain = lines_of(make_movement(book.as_of("2024-12-31"), DATES), DATES[1])
    lines = lines_of(moved, DATES[1])
    assert lines["opening"] == 1000.0
    assert lines_of(moved, DATES[2])["adoption"] == 0.0
    assert lines["opening"] + lines["adoption"] == pytest.approx(plain["opening"], abs=1e-6)
    assert "adoption" in set(moved.to_table().frame["line"])


def test_nothing_later_changes_it(book):
    early, late = (make_movement(book.as_of(day), DATES[:2]).table for day in ("2024-06-30", "2024-12-31"))
    pd.testing.assert_frame_equal(early, late)


def test_without_losses_there_is_no_movement():
    snapshot = loss_book(lost_share=0.0, invoices=1500).as_of("2024-12-31")
    moved = make_movement(snapshot, DATES)
    assert not moved.identified
    assert "No movement" in moved.finding()
    moved.plot()


def test_dates_must_increase(book):
    with pytest.raises(ModelError, match="increasing dates"):
        make_movement(book.as_of("2024-12-31"), ["2024-06-30", "2024-01-31"])


def test_it_shows_itself(moved):
    assert moved.plot().get_ylabel().startswith("allowance")
    assert "charge" in moved.finding()
    assert "<table" in moved._repr_html_()
    assert len(moved.to_table().frame.columns) == len(DATES)
    assert "differs by at most" in moved.reconciliation_table().title


def test_a_judgement_of_a_debt_that_is_settled_counts_no_more(book):
    """Judged in 2023, paid since: the customer owes nothing in the end, or owes other money."""
    first = book.as_of(DATES[0])
    items = book.as_of(DATES[-1]).items
    owed_then = first.open_items.groupby("customer_id")["open_amount"].sum()
    owed_now = items.groupby("customer_id")["open_amount"].sum()
    settled = [str(c) for c in owed_then.index if owed_then[c] > 0 and owed_now[c] == 0]
    assert settled, "the book has a customer that owed in 2023 and owes nothing now"
    judged = Assessment(settled[0], DATES[0], "A. Auditor", "insolvent", "file 7", rate=1.0)
    basis = Basis(assessments=(judged,))
    now = book.as_of(DATES[-1])
    with pytest.raises(ModelError, match="owes nothing"):
        make_provision(now, basis)
    found = lines_of(make_movement(now, DATES, basis=basis), DATES[-1])
    assert found["closing"] == make_provision(now).total.value
    opening = lines_of(make_movement(now, DATES, basis=basis), DATES[1])["opening"]
    assert opening == make_provision(first, basis).total.value
    with pytest.raises(ModelError, match="does not know"):
        make_movement(now, DATES, basis=Basis(assessments=(replace(judged, customer_id="nobody"),)))
