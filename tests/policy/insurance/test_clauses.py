"""Clauses in words, the policy without one, and a loss told step by step."""

import math

import pytest

from arrisk.errors import ModelError
from arrisk.policy.insurance.bonus import premium_change
from arrisk.policy.insurance.clauses import CLAUSES
from arrisk.policy.insurance.steps import TOP_UP_ORDER
from arrisk.policy.insurance.terms import PolicyTerms

EVERYTHING = {
    "buyers": 5,
    "only_buyers": ("a",),
    "excluded_buyers": ("b", "c"),
    "maximum_extension_days": 60.0,
    "underlying_limit": 10.0,
    "buyer_limit": 500.0,
    "named_limits": {"a": 100.0, "b": 0.0},
    "discretionary_limit": 50.0,
    "discretionary_share": 0.8,
    "discretionary_condition": "paid in full",
    "downturn_cut": 0.5,
    "non_qualifying_loss": 1.0,
    "insured_share": 0.9,
    "each_and_every": 2.0,
    "aggregate_first_loss": 3.0,
    "maximum_liability": 900.0,
    "maximum_liability_multiple": 30.0,
    "waiting_days": 180.0,
    "payment_days": 30.0,
    "minimum_premium": 4.0,
    "fees": 5.0,
    "limit_fee": 6.0,
    "bonus": 0.1,
    "profit_share": 0.2,
    "malus": 0.3,
}


def test_every_clause_is_listed_and_can_be_taken_out():
    terms = PolicyTerms(order=TOP_UP_ORDER, **EVERYTHING)
    names = [clause.name for clause in terms.clauses()]
    assert set(names) == set(CLAUSES) - {"threshold"}
    for name in names:
        left = terms.without(name)
        assert [clause.name for clause in left.clauses()] == [n for n in names if n != name]
        assert left.order == terms.order
    texts = {clause.name: clause.text for clause in terms.clauses()}
    assert texts["named_limits"] == "1 buyer with a limit of their own, 1 refused"
    assert (
        texts["maximum_liability"] == "the insurer pays at most 900 or 30 times the premium a year, the lower"
    )
    assert texts["discretionary_condition"] == "paid in full"


def test_a_policy_without_clauses_pays_everything():
    terms = PolicyTerms()
    for name in CLAUSES:
        terms = terms.without(name)
    assert terms.clauses() == ()
    assert terms.explain(100.0).endswith("you keep 0; what is recovered later is the insurer's.")
    with pytest.raises(ModelError, match="allowed are"):
        terms.without("magic")


def test_a_loss_is_told_step_by_step():
    terms = PolicyTerms(
        non_qualifying_loss=1_000, each_and_every=500, aggregate_first_loss=2_000, maximum_liability=200_000,
        waiting_days=180, payment_days=30, insolvent_share=0.5,
    )  # fmt: skip
    told = terms.explain(75_000, currency="EUR").splitlines()
    assert told == [
        "The customer owes EUR 75,000.",
        "Losses from EUR 1,000 on count in full: EUR 75,000.",
        "The insurer bears 90% of it: EUR 67,500.",
        "The excess of each loss, EUR 500, is taken off: EUR 67,000 is left.",
        "You keep the first EUR 2,000 of the year: EUR 65,000 is left.",
        "The insurer pays at most EUR 200,000 a year: EUR 65,000.",
        "The insurer pays EUR 65,000, you keep EUR 10,000; what is recovered later is shared 87 to 13.",
        "The money comes 30 days after the claim when the customer is insolvent, 210 days after the claim "
        "when it merely does not pay.",
    ]
    assert terms.explain(999).splitlines()[1:] == [
        "A loss below 1,000 does not count: nothing is paid.",
        "The insurer pays nothing, you keep 999.",
    ]


def test_refused_and_excluded_buyers_are_told():
    terms = PolicyTerms(named_limits={"a": 0}, excluded_buyers=("b",), maximum_liability_multiple=30)
    assert "refused this buyer" in terms.explain(10, buyer="a")
    assert "does not insure this customer" in terms.explain(10, buyer="b")
    assert "at most 30 times the premium" in terms.explain(10, buyer="c")


@pytest.mark.parametrize(
    ("terms", "changes"),
    [
        ({"bonus": 0.15}, [-15, 0, 0, 0]),
        ({"bonus": 0.15, "bonus_ratio": 0.3}, [-15, -15, 0, 0]),
        ({"profit_share": 0.2, "profit_share_ratio": 0.5}, [-10, -4, 0, 0]),
        ({"malus": 0.2, "malus_ratio": 1.0}, [0, 0, 0, 20]),
        ({"bonus": 1.0, "profit_share": 1.0, "profit_share_ratio": 1.0}, [-100, -70, 0, 0]),
        ({}, [0, 0, 0, 0]),
    ],
)
def test_bonus_and_malus_follow_the_loss_ratio(terms, changes):
    found = premium_change(PolicyTerms(**terms), [0.0, 30.0, 100.0, 101.0], 100.0)
    assert found.tolist() == pytest.approx(changes)


def test_without_a_premium_nothing_comes_back():
    terms = PolicyTerms(bonus=0.5, malus=0.5, malus_ratio=1.0)
    assert premium_change(terms, [0.0, 5.0], 0.0).tolist() == [0.0, 0.0]
    assert math.isinf(PolicyTerms().malus_ratio)
