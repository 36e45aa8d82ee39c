"""Late interest to the cent: by hand, day by day, over rate changes, and on a ledger."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError, StudyError
from arrisk.policy.terms.interest_book import compute_interest, make_late_interest
from arrisk.policy.terms.interest_settings import define_late_interest
from arrisk.policy.terms.late_interest import LateInterest, interest_of, round_minor
from arrisk.policy.terms.reference_rates import ReferenceRates
from tests.ledger.frames import event, invoice, ledger_of
from tests.policy.grade_terms.books import assume, study_with

LPR = ReferenceRates(
    pd.DataFrame(
        {
            "valid_from": ["2023-08-21", "2024-07-22", "2024-10-21"],
            "rate": [0.0345, 0.0335, 0.031],
            "source": "LPR",
        }
    )
)
SHARE = assume("interest_collected", 0.3, 0.05, 0.6)


def test_one_and_a_half_times_the_rate_over_two_changes():
    """100,000.00 due on 30 June 2024, paid on 31 December: 21 days of July, 91 to 20 October, 72 more."""
    terms = LateInterest(LPR, multiple=1.5)
    exact = Fraction(10_000_000) * Fraction("1.5") / 365
    exact *= Fraction("0.0345") * 21 + Fraction("0.0335") * 91 + Fraction("0.031") * 72
    found = interest_of(terms, "2024-06-30", 10_000_000, [("2024-12-31", 10_000_000)], "2025-06-30")
    assert found == round_minor(exact)
    assert (pd.Timestamp("2024-12-31") - pd.Timestamp("2024-06-30")).days == 21 + 91 + 72


@pytest.mark.parametrize(
    ("count", "days"), [("actual/365", 365), ("actual/360", 360), ("actual/actual", 366)]
)
def test_day_counts(count, days):
    terms = LateInterest(LPR, points=0.08, day_count=count)
    found = interest_of(terms, "2024-01-31", 1_000_000, [("2024-03-01", 1_000_000)], "2024-12-31")
    assert found == round_minor(Fraction(1_000_000) * Fraction("0.1145") * 30 / days)


def test_a_leap_year_ends_within_the_period():
    terms = LateInterest(LPR, points=0.08, day_count="actual/actual")
    found = interest_of(terms, "2024-12-21", 1_000_000, [("2025-01-10", 1_000_000)], "2025-12-31")
    assert found == round_minor(1_000_000 * Fraction("0.111") * (Fraction(10, 366) + Fraction(10, 365)))


def test_grace_forgives_all_or_only_its_days():
    paid = [("2024-12-11", 1_000_000)]
    for start, days in (("due", 10), ("grace", 6)):
        terms = LateInterest(LPR, points=0.08, grace_days=4, start=start)
        assert interest_of(terms, "2024-12-01", 1_000_000, paid, "2024-12-31") == round_minor(
            1_000_000 * Fraction("0.111") * days / 365
        )
    terms = LateInterest(LPR, points=0.08, grace_days=10)
    assert interest_of(terms, "2024-12-01", 1_000_000, paid, "2024-12-31") == 0


@given(
    st.integers(1, 10**9),
    st.lists(st.tuples(st.integers(-20, 400), st.integers(1, 10**8)), max_size=5),
    st.integers(0, 400),
)
def test_it_is_a_sum_over_days(amount, parts, last):
    """Every day after the due date on what was open when it began."""
    due = pd.Timestamp("2024-03-01")
    terms = LateInterest(LPR, multiple=1.5, points=0.01, day_count="actual/360")
    paid = [(str((due + pd.Timedelta(days=d)).date()), p) for d, p in parts]
    total = Fraction(0)
    for day in range(1, last + 1):
        held = amount - sum(p for d, p in parts if d < day)
        rate = Fraction("1.5") * LPR.on(due + pd.Timedelta(days=day)) + Fraction("0.01")
        total += max(held, 0) * rate / 360
    found = interest_of(terms, str(due.date()), amount, paid, str((due + pd.Timedelta(days=last)).date()))
    assert found == round_minor(total)


def book():
    """Paid 30 days late; half in time and half open; in time; without due date; an item of interest."""
    rows = [
        invoice("1", "2024-01-01", 1000.0, "2024-01-31", customer_id="a"),
        invoice("2", "2024-02-01", 500.0, "2024-03-01", customer_id="b"),
        invoice("3", "2024-02-01", 700.0, "2024-03-01", customer_id="b"),
        invoice("4", "2024-02-01", 900.0, customer_id="b"),
        invoice("5", "2024-04-01", 9.0, "2024-04-10", customer_id="a", department="interest"),
    ]
    paid = [
        event("1", "2024-03-01", 1000.0),
        event("2", "2024-02-20", 250.0),
        event("3", "2024-02-28", 700.0),
        event("5", "2024-05-01", 4.0),
    ]
    return ledger_of(rows, paid)


def test_billed_against_collected_on_a_ledger():
    snapshot = book().as_of("2024-06-30")
    terms = LateInterest(LPR, points=0.08)
    found = compute_interest(snapshot, terms, SHARE, lambda items: items["department"].eq("interest"))
    one = interest_of(terms, "2024-01-31", 100_000, [("2024-03-01", 100_000)], "2024-06-30")
    two = interest_of(terms, "2024-03-01", 25_000, [], "2024-06-30")
    table = found.table.set_index("customer_id")
    assert table.loc["a", ["interest", "open_interest", "billed", "collected"]].tolist() == [one, 0, 900, 400]
    assert table.loc["b", ["interest", "open_interest", "billed", "collected"]].tolist() == [two, two, 0, 0]
    assert int(found.items["interest"].sum()) == one + two == int(found.table["interest"].sum())
    assert found.total("interest") == (one + two) / 100
    assert found.worth == pytest.approx(tuple(share * (one + two) / 100 for share in (0.05, 0.3, 0.6)))
    assert found.recognised == 1
    assert "collected" in found.finding()
    assert "billed" in found.to_table().frame


def test_the_last_year_is_the_rest_less_the_time_before():
    terms, ledger = LateInterest(LPR, points=0.08), book()
    rows = [invoice("1", "2023-08-01", 1000.0, "2023-08-31", customer_id="a")]
    snapshot = ledger_of(rows).as_of("2025-06-30")
    found = compute_interest(snapshot, terms, SHARE)
    whole = interest_of(terms, "2023-08-31", 100_000, [], "2025-06-30")
    before = interest_of(terms, "2023-08-31", 100_000, [], "2024-06-30")
    assert found.items["interest"].tolist() == [whole]
    assert abs(found.items["last_year"].iloc[0] - (whole - before)) <= 1
    assert ledger.first_date < snapshot.date


def test_nothing_later_changes_it():
    terms = LateInterest(LPR, points=0.08)
    early = compute_interest(book().as_of("2024-03-15"), terms, SHARE)
    cut = ledger_of(
        [invoice("1", "2024-01-01", 1000.0, "2024-01-31", customer_id="a"),
         invoice("2", "2024-02-01", 500.0, "2024-03-01", customer_id="b")],
        [event("1", "2024-03-01", 1000.0), event("2", "2024-02-20", 250.0)],
    )  # fmt: skip
    pd.testing.assert_frame_equal(early.table, compute_interest(cut.as_of("2024-03-15"), terms, SHARE).table)


def test_without_a_rate_a_point_stands_in():
    found = make_late_interest(study_with(), book().as_of("2024-06-30"))
    assert not found.stated
    assert "each percentage point" in found.finding()
    assert found.total("interest") == pytest.approx(1000 * 0.01 * 30 / 365 + 250 * 0.01 * 121 / 365, abs=0.01)


def test_the_sample_states_its_rates(sample_study):
    found = make_late_interest(sample_study, sample_study.snapshot())
    assert found.stated
    assert found.terms.rate_on("2025-12-31") == pytest.approx(0.0815 + 0.02)
    assert found.worth[0] < found.worth[1] < found.worth[2]
    assert int(found.items["interest"].sum()) == int(found.table["interest"].sum())
    assert found.plot().get_xlabel()
    assert len(found.to_table().frame) == 12


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"valid_from": ["2024-02-01", "2024-01-01"], "rate": [0.1, 0.1], "source": "x"}, "must increase"),
        ({"valid_from": ["2024-02-01"], "rate": [np.nan], "source": "x"}, "finite"),
        ({"valid_from": ["2024-02-01"], "rate": [3.1], "source": "x"}, "fractions"),
        ({"valid_from": ["2024-02-01"], "rate": [0.1], "source": " "}, "source"),
        ({"valid_from": ["2024-02-01"], "rate": [0.1]}, "source"),
        ({"valid_from": [], "rate": [], "source": []}, "at least one"),
    ],
)
def test_rates_that_cannot_be_are_refused(rows, words):
    with pytest.raises(ModelError, match=words):
        ReferenceRates(pd.DataFrame(rows))


def test_interest_before_the_first_rate_is_refused():
    with pytest.raises(ModelError, match="begin on 2023-08-21"):
        interest_of(LateInterest(LPR), "2023-01-01", 100, [], "2023-12-31")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"multiplier": 1.5}, "multiple"),
        ({"day_count": "30/360"}, "allowed are"),
        ({"grace_days": -1}, "grace_days"),
        ({"rates": []}, "needed are rows"),
        ({"rates": [{"valid_from": "2024-01-01", "rate": 0.1}]}, "source is missing"),
        ({"rates": [{"valid_from": "2024-01-01", "rate": 0.1, "source": "x", "sauce": 1}]}, "unknown key"),
    ],
)
def test_settings_that_cannot_be_are_refused(sample_study, change, words):
    settings = {**sample_study.settings["late_interest"], **change}
    study = replace(sample_study, settings={"late_interest": settings})
    with pytest.raises(StudyError, match=words):
        define_late_interest(study)
