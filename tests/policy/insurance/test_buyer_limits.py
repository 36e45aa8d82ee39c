"""What a policy grants each buyer: by name, at its own discretion, not at all."""

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.losses.portfolio import make_portfolio
from arrisk.policy.insurance.buyer_limits import grant_cover
from arrisk.policy.insurance.claims import apply_terms
from arrisk.policy.insurance.exclusions import BuyerFacts, read_buyer_facts
from arrisk.policy.insurance.forms import (
    Programme,
    excess_of_loss,
    selective,
    single_buyer,
    top_up,
    whole_turnover,
)
from arrisk.policy.insurance.premium import price_policy
from arrisk.policy.insurance.terms import PolicyTerms
from tests.ledger.frames import event, invoice, ledger_of

BOOK = make_portfolio(0.02, [900.0, 500.0, 80.0, 60.0], 0.6, name=["a", "b", "c", "d"])
SALES = np.array([4_000.0, 3_000.0, 800.0, 700.0])


def test_named_refused_and_discretionary_limits():
    terms = PolicyTerms(
        insured_share=0.9,
        named_limits={"a": 600, "b": 0},
        discretionary_limit=50,
        discretionary_share=0.8,
        discretionary_condition="paid in full within 30 days of due",
        discretionary_buyers=("c",),
    )
    paid = apply_terms([900, 500, 80, 60, 80], terms, buyer=["a", "b", "c", "d", "c"]).indemnity
    np.testing.assert_allclose(paid, [540, 0, 40, 0, 40])
    assert apply_terms([80], terms, buyer=[""]).indemnity[0] == 0, (
        "nobody knows that he fulfils the condition"
    )
    with pytest.raises(ModelError, match="buyers"):
        apply_terms([1.0, 2.0], terms, buyer=["a"])


def test_the_flat_limit_bounds_named_ones_too():
    terms = PolicyTerms(buyer_limit=100, named_limits={"a": 600}, insured_share=1.0)
    assert apply_terms([900, 900], terms, buyer=["a", "b"]).indemnity.tolist() == [100, 100]


def test_exclusions_leave_no_cover():
    facts = BuyerFacts(
        np.array([0.25, 0.0, 0.0, 0.0]),
        np.array([False, True, False, False]),
        np.array([0.0, 0.0, 61.0, 60.0]),
    )
    terms = PolicyTerms(maximum_extension_days=60)
    assert grant_cover(terms, BOOK, facts).insurable.tolist() == [0.75, 0.0, 0.0, 1.0]
    assert grant_cover(terms.without("disputes_excluded"), BOOK, facts).insurable.tolist() == [1, 0, 0, 1]
    assert grant_cover(terms.without("related_excluded"), BOOK, facts).insurable.tolist() == [0.75, 1, 0, 1]
    easy = terms.without("maximum_extension_days")
    assert grant_cover(easy, BOOK, facts).insurable.tolist() == [0.75, 0, 1, 1]
    named = PolicyTerms(excluded_buyers=("a",), buyers=3)
    assert grant_cover(named, BOOK).insurable.tolist() == [0, 1, 1, 0]
    with pytest.raises(ModelError):
        BuyerFacts(np.array([1.5]), np.array([False]), np.array([0.0]))


def test_facts_come_from_the_ledger_as_it_was_known():
    book = ledger_of(
        [
            invoice("1", "2024-01-01", 100.0, "2024-01-31", customer_id="a"),
            invoice("2", "2024-03-01", 300.0, "2024-03-31", customer_id="a", dispute_opened="2024-03-10"),
            invoice("3", "2024-03-01", 50.0, "2024-05-31", customer_id="b"),
        ],
        [event("1", "2024-06-01", 100.0)],
    )
    facts = read_buyer_facts(book.as_of("2024-04-30"), ["b", "a", "unknown"], related=["b"])
    assert facts.disputed.tolist() == [0, 0.75, 0]
    assert facts.overdue_days.tolist() == [0, 90, 0]
    assert facts.related.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("terms", "base", "paid", "fees"),
    [
        ({"premium_rate": 0.003}, 8_500, 25.5, 0),
        ({"premium_rate": 0.003, "minimum_premium": 40, "fees": 7}, 8_500, 40, 7),
        ({"premium_rate": 0.01, "premium_base": "balances"}, 1_540, 15.4, 0),
        ({"premium_rate": 0.001, "premium_base": "monthly_balances"}, 18_480, 18.48, 0),
        ({"premium_rate": 0.01, "premium_base": "limits", "named_limits": {"a": 600, "b": 0},
          "discretionary_limit": 50, "limit_fee": 3}, 700, 7, 3),
        ({"premium_rate": 0.003, "buyers": 2, "limit_fee": 3}, 7_000, 21, 6),
        ({"premium_rate": 0.003, "excluded_buyers": ("a",)}, 4_500, 13.5, 0),
    ],
)  # fmt: skip
def test_premium_arithmetic(terms, base, paid, fees):
    found = price_policy(PolicyTerms(**terms), BOOK, SALES)
    assert (found.base, found.paid, found.fees) == pytest.approx((base, paid, fees))
    assert found.total == pytest.approx(paid + fees)
    assert f"{found.paid:,.0f}" in found.finding()


def test_declared_balances_bring_the_premium():
    terms = PolicyTerms(premium_rate=0.001, premium_base="monthly_balances")
    months = np.outer(np.arange(1, 13), [10.0, 0.0, 0.0, 0.0])
    assert price_policy(terms, BOOK, declared=months).base == pytest.approx(780)
    assert price_policy(terms, BOOK, declared=months[:6]).base == pytest.approx(2 * 210)
    with pytest.raises(ModelError, match="sales"):
        price_policy(PolicyTerms(premium_rate=0.001), BOOK)
    with pytest.raises(ModelError, match="finite"):
        price_policy(PolicyTerms(premium_rate=0.001, premium_base="limits"), BOOK)
    with pytest.raises(ModelError, match="months by obligors"):
        price_policy(terms, BOOK, declared=months[0])


def test_a_top_up_covers_what_the_first_policy_leaves():
    first = whole_turnover(
        named_limits={"a": 500, "b": 0}, discretionary_limit=50, discretionary_buyers=["c"], insured_share=0.9
    )
    more = top_up(first, 300, insured_share=0.9)
    balances, names = [900.0, 500.0, 80.0, 60.0], ["a", "b", "c", "d"]
    below, above = (apply_terms(balances, terms, buyer=names).indemnity for terms in (first, more))
    np.testing.assert_allclose(below, [450, 0, 45, 0])
    np.testing.assert_allclose(above, [0.9 * 300, 0, 27, 0])
    assert (below + above <= 0.9 * np.array(balances)).all()
    with pytest.raises(ModelError, match="no buyer limit"):
        top_up(whole_turnover(), 300)
    with pytest.raises(ModelError, match="no policy"):
        Programme("nothing", ())


def test_forms_select_their_buyers():
    assert grant_cover(single_buyer("b", 400), BOOK).insured.tolist() == [False, True, False, False]
    assert grant_cover(selective(["a", "d"]), BOOK).insured.tolist() == [True, False, False, True]
    assert grant_cover(selective(2), BOOK).insured.tolist() == [True, True, False, False]
    assert excess_of_loss(100, 500).clauses()[-2].text.startswith("the first 100 ")
