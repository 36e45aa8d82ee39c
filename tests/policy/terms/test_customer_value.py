"""Go on, restrict or stop: the textbook account, the properties of learning, and a book."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.policy.granting import granting_value
from arrisk.policy.terms.customer_value import value_customers
from arrisk.policy.terms.relationship import value_relationship
from tests.policy.grade_terms.books import AS_OF, GivenCard, study_with, two_grades

CARD = GivenCard({"a": "A", "b": "B"}, {"A": (400, 2), "B": (60, 20)})
GIVEN = {"customer_churn": 0.1, "restriction_loss": 0.2, "learning_periods": 8.0}
WORSE = {"restricted_gain": -1e6, "restricted_loss": 1e6}


@pytest.mark.parametrize(
    ("paid", "defaulted", "periods", "value"),
    [(4, 1, 1, 0.0), (4, 1, 5, 19.98), (4, 1, 20, 193.06), (40, 10, 20, 0.0)],
)
def test_beta_granting(paid, defaulted, periods, value):
    found = value_relationship(
        200, 1000, paid=paid, defaulted=defaulted, periods=periods, factor=1 / 1.1, **WORSE
    )
    assert float(found.value) == pytest.approx(value, abs=0.005)
    assert float(found.value) == pytest.approx(
        granting_value(200, 1000, paid=paid, defaulted=defaulted, periods=periods, factor=1 / 1.1)
    )


def test_one_period_by_hand():
    found = value_relationship(
        10, 100, restricted_gain=6, restricted_loss=20, paid=9, defaulted=1, periods=1, factor=0.9
    )
    assert float(found.go_on) == pytest.approx(0.9 * 10 - 0.1 * 100)
    assert float(found.restrict) == pytest.approx(0.9 * 6 - 0.1 * 20)
    assert float(found.value) == float(found.restrict)
    assert float(found.waiting) == 0


def test_waiting_has_a_value_where_restricting_buys_knowledge():
    """Going on loses at first, restricting for ever gives most up: restrict, learn, then go on."""
    found = value_relationship(
        10, 60, restricted_gain=1, restricted_loss=2, paid=2, defaulted=0.5, periods=30, factor=0.97
    )
    assert float(found.restrict) > float(found.go_on)
    assert float(found.waiting) > 0


@given(st.floats(0.01, 0.98), st.floats(0.001, 0.5), st.integers(1, 12))
def test_more_risk_is_worth_less_and_choice_never_hurts(chance, more, periods):
    def value(p):
        return value_relationship(
            10,
            60,
            restricted_gain=6,
            restricted_loss=20,
            paid=8 * (1 - p),
            defaulted=8 * p,
            periods=periods,
            factor=0.97,
        )

    low, high = value(chance), value(min(chance + more * (1 - chance), 0.99))
    assert low.value >= high.value - 1e-9
    assert low.waiting >= -1e-9
    assert low.value >= max(float(low.committed), float(low.committed_restrict), 0) - 1e-9


@pytest.fixture(scope="module")
def found():
    return value_customers(study_with(**GIVEN), CARD, two_grades().as_of(AS_OF))


def test_a_grade_by_hand(found):
    """B at its point: a quarter at 30% less 72 days at 8%; a default catches 60 + 90 days of sales."""
    chance = 1 - (1 - 20.5 / 61) ** (91.25 / 180)
    row = found.grades.set_index("grade").loc["B"]
    assert row["pd"] == pytest.approx(chance)
    later = 1.08 ** (-72 / 365)
    by_hand = value_relationship(
        0.25 * (0.3 - 1 + later),
        0.6 * 150 / 365,
        restricted_gain=0.8 * 0.25 * (0.3 - 0.5 * (1 - later)),
        restricted_loss=0.5 * 0.6 * 150 / 365,
        paid=8 * (1 - chance),
        defaulted=8 * chance,
        periods=20,
        factor=1.08**-0.25 * 0.9**0.25,
    )
    own = found.customers.set_index("customer_id").loc["b"]
    assert own["go_on"] == pytest.approx(own["sales"] * float(by_hand.go_on))
    assert own["restrict"] == pytest.approx(own["sales"] * float(by_hand.restrict))


def test_the_choice_turns_where_it_is_said_to(found):
    table = found.grades
    assert (table["restrict_at"] <= table["stop_at"]).all()
    assert (table["go_on_low"] <= table["go_on"]).all()
    for row in table.to_dict("records"):
        assert (row["choice"] == "go on") == (row["pd"] < row["restrict_at"])
    better = value_customers(
        study_with(**GIVEN), replace(CARD, counts={"A": (400, 2), "B": (60, 1)}), two_grades().as_of(AS_OF)
    )
    assert better.grades["go_on"].iloc[1] > table["go_on"].iloc[1]


def test_it_is_told(found):
    assert found.finding()
    assert len(found.customers_table().frame) == 2
    assert found.plot().get_xlabel()
    assert "stopping is worth 0" in repr(found)
    with pytest.raises(ValueError, match="exposure_left"):
        value_customers(study_with(), CARD, two_grades().as_of(AS_OF), exposure_left=2)
    assert np.isfinite(found.grades["waiting"]).all()
