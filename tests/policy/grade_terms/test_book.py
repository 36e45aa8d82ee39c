"""What a grade buys, on which terms, how late it pays, and what defaults cost, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.policy.grade_terms.book import EVERYBODY, read_grade_book
from arrisk.policy.grade_terms.inputs import choose_inputs, constant_hazard
from arrisk.policy.grade_terms.losses import count_losses
from arrisk.policy.grade_terms.value import credit_cost
from tests.ledger.frames import event, invoice, ledger_of
from tests.policy.grade_terms.books import (
    AS_OF,
    GivenCard,
    day,
    sales_of,
    study_with,
    three_defaults,
    two_grades,
)

CARD = GivenCard({"a": "A", "b": "B"}, {"A": (100, 1), "B": (50, 5), "C": (0, 0)})


def test_sales_terms_and_delays_by_hand():
    """Days 731 to 1095 hold the invoices of days 750, 780, ..., 1080: twelve of 100 and twelve of 200."""
    book = read_grade_book(CARD, two_grades().as_of(AS_OF))
    table = book.table.set_index("grade")
    assert list(table.index) == ["A", "B"]
    assert table["sales"].tolist() == [1200.0, 2400.0]
    assert table["term"].tolist() == [30.0, 60.0]
    assert table["delay"].tolist() == [0.0, 12.0]
    assert book.sold.to_dict("records") == [
        {"grade": "A", "days": 30, "sales": 1200.0},
        {"grade": "B", "days": 60, "sales": 2400.0},
    ]


def test_what_is_too_late_or_too_young_leaves_the_delay_alone():
    """Paid 100 days late is a default, not a delay; due 20 days ago has not had the time."""
    early, late = sales_of("a", 100.0, 30, -5), sales_of("b", 100.0, 30, 100)
    young = [invoice("young", day(1045), 9e6, day(1075), customer_id="a")]
    paid = [event("young", day(1090), 9e6)]
    ledger = ledger_of(early[0] + late[0] + young, early[1] + late[1] + paid)
    book = read_grade_book(CARD, ledger.as_of(AS_OF))
    assert book.table["delay"].tolist() == [-5.0, -5.0]  # b has none of its own and takes the book's


def test_credit_notes_reduce_sales_and_undated_ones_are_set_apart():
    rows = [
        invoice("1", day(900), 100.0, day(930), customer_id="a"),
        invoice("2", day(900), 40.0, None, customer_id="a"),
        invoice("3", day(700), 1000.0, day(730), customer_id="a"),
    ]
    ledger = ledger_of(rows, [event("1", day(910), 30.0, "credit_note")])
    book = read_grade_book(CARD, ledger.as_of(AS_OF))
    assert book.table.set_index("grade").loc["A", "sales"] == 70.0
    assert book.undated == 40.0


def test_customers_in_default_are_left_out():
    held = replace(CARD, in_default=("b",))
    book = read_grade_book(held, two_grades().as_of(AS_OF))
    assert book.in_default == 1
    assert book.table.set_index("grade").loc["B", ["customers", "sales"]].tolist() == [0, 0.0]
    with pytest.raises(ModelError, match="no customer out of default"):
        read_grade_book(replace(CARD, in_default=("a", "b")), two_grades().as_of(AS_OF))


def test_without_grades_all_are_one_class():
    seen = pd.DataFrame({"cutoff": pd.Timestamp(AS_OF), "customer_id": ["a", "b", "a"]})
    card = replace(CARD, identified=False, observations=seen, defaulters=1)
    table = read_grade_book(card, two_grades().as_of(AS_OF)).table
    assert table[["grade", "rows", "defaults", "customers", "sales"]].to_numpy().tolist() == [
        [EVERYBODY, 2, 1, 2, 3600.0]
    ]
    assert table["term"].item() == pytest.approx((30 * 1200 + 60 * 2400) / 3600)


def test_limits_are_the_last_ones_known():
    limits = [
        {"customer_id": "a", "valid_from": day(d), "credit_limit": x, "currency": "EUR"}
        for d, x in ((0, 10.0), (1000, 20.0), (1096, 99.0))
    ]
    one, two = sales_of("a", 100.0, 30, 0), sales_of("b", 200.0, 60, 12)
    book = read_grade_book(CARD, ledger_of(one[0] + two[0], one[1] + two[1], limits=limits).as_of(AS_OF))
    assert book.customers.set_index("customer_id")["limit"].fillna(-1).to_dict() == {"a": 20.0, "b": -1.0}
    assert book.table[["limit", "limited_sales"]].to_numpy().tolist() == [[20.0, 1200.0], [0.0, 0.0]]


def test_no_look_ahead():
    with pytest.raises(LookAheadError):
        read_grade_book(CARD, two_grades().as_of("2024-06-30"))
    later = sales_of("a", 100.0, 30, 0)[0] + [
        invoice("later", "2025-01-01", 5e6, "2025-01-31", customer_id="a")
    ]
    with_later = ledger_of(later, sales_of("a", 100.0, 30, 0)[1] + [event("later", "2025-01-02", 5e6)])
    without = ledger_of(*sales_of("a", 100.0, 30, 0))
    card = replace(CARD, grade={"a": "A"})
    got, want = (read_grade_book(card, x.as_of(AS_OF)) for x in (with_later, without))
    pd.testing.assert_frame_equal(got.table, want.table)


def test_what_defaults_cost_by_hand():
    """Two of three defaulters are written off, 600 owed, 60 comes back: 90%; (2 + .5) / (3 + 1) of that.

    Before the first unpaid due date (day 390) each was billed 13 times 100 in 365 days, so 300 owed is
    84.23 days of sales, on terms of 30.
    """
    counted = count_losses(
        three_defaults().as_of(AS_OF), DefaultDefinition(days=90), 500, np.random.default_rng(1)
    )
    assert counted is not None
    assert counted.lgd.value == pytest.approx(0.625 * 0.9)
    assert counted.overrun.value == pytest.approx(300 / (1300 / 365) - 30)
    assert counted.lgd.low < counted.lgd.value < counted.lgd.high
    assert counted.overrun_draws == pytest.approx(counted.overrun.value)  # both customers are alike
    assert "2 of 3 defaulters" in counted.lgd.source


def test_the_ledger_speaks_before_the_assumption_and_nothing_after_the_day_counts():
    study, counts = study_with(lgd=0.2), pd.DataFrame({"rows": [100], "defaults": [4]})
    ledger, rule = three_defaults(), DefaultDefinition(days=90)
    seen = choose_inputs(study, ledger.as_of(AS_OF), counts, rule, constant_hazard(180), draws=300)
    assert seen.lgd[0] == pytest.approx(0.5625)
    early = choose_inputs(study, ledger.as_of(day(690)), counts, rule, constant_hazard(180), draws=300)
    assert early.lgd[0] == 0.2
    assert early.overrun[0] == 90.0
    assert early.pd[0, 0] == pytest.approx(4.5 / 101)


def test_a_sale_is_caught_over_its_terms_and_the_overrun():
    """1 - .81 ** (90 / 180) = .1 on terms of 0 days and 90 more."""
    study, counts = study_with(), pd.DataFrame({"rows": [99], "defaults": [18.5]})
    snapshot, rule = two_grades().as_of(AS_OF), DefaultDefinition(days=90)
    inputs = choose_inputs(study, snapshot, counts, rule, constant_hazard(180), draws=10)
    assert inputs.pd[0, 0] == pytest.approx(0.19)
    assert inputs.caught(0, 0)[0] == pytest.approx(0.1)
    cost = credit_cost(0.1, 20, lgd=0.6, cost_of_capital=0.08)
    assert inputs.cost(0, 0, 20)[0] == pytest.approx(float(cost))


def test_intervals_hold_the_true_cost_as_often_as_they_say():
    """Grades of known default rate, each graded 300 times: the drawn interval of the cost of credit."""
    truth, rows = 0.04, 300
    defaults = np.random.default_rng(7).binomial(rows, truth, 600)
    counts = pd.DataFrame({"rows": rows, "defaults": defaults})
    inputs = choose_inputs(
        study_with(), two_grades().as_of(AS_OF), counts, DefaultDefinition(days=90), constant_hazard(180)
    )
    want = credit_cost(1 - (1 - truth) ** (120 / 180), 40, lgd=0.6, cost_of_capital=0.08)
    held = []
    for k in range(len(counts)):
        low, high = np.quantile(inputs.cost(k, 30, 40)[1:], [0.025, 0.975])
        held.append(low <= want <= high)
    assert 0.93 <= np.mean(held) <= 0.975
