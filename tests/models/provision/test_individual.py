"""Customers judged by themselves: how their loss is stated, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.individual import Assessment, Recovery
from arrisk.models.provision.provision import make_provision
from tests.ledger.frames import event
from tests.models.provision.bases import AS_OF, book_of

DAY = pd.Timestamp(AS_OF)
GROUNDS = {"who": "B. Lee", "why": "insolvent", "evidence": "court file 7"}


@pytest.fixture(scope="module")
def snapshot():
    owed = {"a": (600.0, 0, 400.0, 0, 0), "b": (500.0, 0, 0, 0, 0), "paid": (10.0, 0, 0, 0, 0)}
    return book_of(owed, [event("paid not due", AS_OF, 10.0)]).as_of(AS_OF)


def judge(customer="a", date=AS_OF, **more):
    return Assessment(customer, date, **{**GROUNDS, **more})


def assessed(snapshot, *judgements):
    return make_provision(snapshot, Basis(assessments=judgements))


@pytest.mark.parametrize(("stated", "loss"), [({"amount": 123.45}, 123.45), ({"rate": 0.25}, 250.0)])
def test_an_amount_or_a_rate_is_spread_over_the_buckets_of_the_customer(snapshot, stated, loss):
    provision = assessed(snapshot, judge(**stated))
    own = provision.table.set_index("bucket")["assessed_loss"]
    assert own.sum() == pytest.approx(loss)
    assert own["not due"] == pytest.approx(0.6 * loss, abs=0.011)
    assert own["31-60"] == pytest.approx(0.4 * loss, abs=0.011)
    row = provision.assessed.table.iloc[0]
    assert (row["owed"], row["expected_loss"], row["rate"]) == (1000.0, loss, loss / 1000)


def test_scenarios_are_weighted_and_discounted():
    """Half: 600 in a year at 20% is worth 500; half: 200 in two years is worth 200 / 1.44."""
    ways = (
        Recovery("instalments", 0.5, [("2026-12-31", 600.0)]),
        Recovery("quota", 0.5, [("2027-12-31", 200.0)]),
    )
    one = judge(scenarios=ways, discount_rate=0.2)
    assert one.expected_loss(1000.0, DAY) == pytest.approx(1000 - 250 - 0.5 * 200 / 1.44)
    flat = judge(scenarios=ways, discount_rate=0.0)
    assert flat.expected_loss(1000.0, DAY) == pytest.approx(600.0)
    assert "instalments 50%" in one.describe()


def test_an_older_assessment_is_discounted_to_the_as_of_date():
    ways = (Recovery("sale", 1.0, [("2026-12-31", 120.0)]),)
    one = judge(date="2025-06-30", scenarios=ways, discount_rate=0.2)
    assert one.expected_loss(1000.0, DAY) == pytest.approx(900.0)


@pytest.mark.parametrize(
    ("judgement", "words"),
    [
        (judge("nobody", amount=1.0), "does not know"),
        (judge("paid", amount=1.0), "owes nothing"),
        (judge(amount=1000.01), "at most what is owed"),
        (judge(scenarios=(Recovery("all", 1.0, [("2026-01-31", 1001.0)]),), discount_rate=0.0), "worth"),
    ],
)
def test_what_does_not_fit_the_ledger_is_refused(snapshot, judgement, words):
    with pytest.raises(ModelError, match=words):
        assessed(snapshot, judgement)


def test_a_customer_is_judged_once_and_not_from_the_future(snapshot):
    with pytest.raises(ModelError, match="twice"):
        assessed(snapshot, judge(amount=1.0), judge(amount=2.0))
    with pytest.raises(LookAheadError, match="2026-01-01"):
        assessed(snapshot, judge(date="2026-01-01", amount=1.0))


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({}, "exactly one"),
        ({"amount": 1.0, "rate": 0.1}, "exactly one"),
        ({"amount": -1.0}, "not negative"),
        ({"amount": float("nan")}, "not negative"),
        ({"rate": 1.2}, "between 0 and 1"),
        ({"scenarios": (Recovery("x", 0.5),), "discount_rate": 0.1}, "sum to 0.5"),
        ({"scenarios": (Recovery("x", 1.0),)}, "discount_rate"),
        ({"scenarios": (Recovery("x", 1.0, [("2025-12-31", 1.0)]),), "discount_rate": 0.1}, "not after"),
        ({"amount": 1.0, "why": " "}, "why"),
    ],
)
def test_an_assessment_says_all_there_is_to_say(stated, words):
    with pytest.raises(ModelError, match=words):
        judge(**stated)


def test_a_recovery_is_possible():
    with pytest.raises(ModelError, match="probability"):
        Recovery("x", 1.5)
    with pytest.raises(ModelError, match="comes back"):
        Recovery("x", 1.0, [("2026-01-01", -5.0)])


def test_the_table_says_who_and_why(snapshot):
    table = assessed(snapshot, judge(rate=0.5), judge("b", amount=500.0)).assessed_table()
    assert table.title == "2 customers judged by themselves: 1,000 of 1,500 expected lost"
    assert table.frame["who"].tolist() == ["B. Lee", "B. Lee"]
    assert np.isclose(table.frame["rate"], [0.5, 1.0]).all()
