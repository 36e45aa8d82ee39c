"""Costs of clauses on a two-customer book, by hand."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest

from arrisk.policy.funding.routes import Overdraft
from arrisk.policy.insurance.terms import PolicyTerms
from arrisk.policy.offers.clause_costs import cost_clauses, ease, keep_only
from arrisk.policy.offers.clause_terms import clause_names
from arrisk.policy.offers.clause_words import TERM_WORDS, describe_clause, describe_cost
from arrisk.policy.offers.differences import GROUPS, differing, explain_difference, mix_terms
from arrisk.policy.offers.fields import Field
from arrisk.policy.offers.flips import find_flips
from arrisk.policy.offers.kinds import KINDS
from arrisk.policy.offers.negotiation import find_asks
from tests.policy.offers.sheets import two_customers

PLAIN = {"disputes_excluded": False, "related_excluded": False}
FIRST_LOSS = PolicyTerms("first loss", insured_share=0.9, aggregate_first_loss=950.0, **PLAIN)


def test_share_and_first_loss_by_hand() -> None:
    # Kept in the years (nobody, A, B, both): both clauses 0, 1000, 1350, 1450; first loss only 0, 950, 950,
    # 950; share only 0, 100, 400, 500; neither 0. Means 950, 712.5, 250, 0.
    table = cost_clauses(FIRST_LOSS, two_customers(), "EUR").set_index("clause")
    np.testing.assert_allclose(table["share"][["aggregate_first_loss", "insured_share"]], [706.25, 243.75])
    np.testing.assert_allclose(table["alone"][["aggregate_first_loss", "insured_share"]], [700.0, 237.5])
    assert list(table.index) == ["aggregate_first_loss", "insured_share"]
    # First loss 475: A pays 425, B 3125, both 4025, so 575, 875 and 975 are kept: 606.25 less than 950.
    assert table["eased"]["aggregate_first_loss"] == pytest.approx(950 - 606.25)
    words = table["sentence"]["aggregate_first_loss"]
    assert words.startswith("The first loss of EUR 950 costs ")
    assert words.endswith("(50% of years it eats everything)")


def test_shares_add_up_to_the_difference_from_bare_cover() -> None:
    years = two_customers(cost_of_risk=0.1)
    terms = PolicyTerms(
        "all", 0.85, buyer_limit=3_500.0, non_qualifying_loss=900.0, each_and_every=100.0,
        aggregate_first_loss=400.0, maximum_liability=2_600.0, premium_rate=0.002, minimum_premium=120.0,
        fees=10.0, bonus=0.5, bonus_ratio=0.1, **PLAIN,
    )  # fmt: skip
    table = cost_clauses(terms, years)
    bare = keep_only(terms, ())
    assert bare.premium_rate == terms.premium_rate
    assert clause_names(bare) == ()
    whole, none = (years.mean(years.cost(t)) for t in (terms, bare))
    assert none == pytest.approx(100.0)  # 0.2% of sales of 50,000, no loss kept
    assert table["share"].sum() == pytest.approx(whole - none, abs=1e-9)
    assert table.set_index("clause")["share"]["fees"] == pytest.approx(10.0)
    assert table.set_index("clause")["share"]["bonus"] < 0
    assert table["share"].is_monotonic_decreasing


def test_the_charge_on_capital_is_that_of_the_worst_years() -> None:
    years = two_customers(cost_of_risk=0.1)
    # Losses 0, 1000, 4000, 5000: mean 2500, the worst 1% of years 5000.
    assert years.mean(years.cost(None)) == pytest.approx(2_500 + 0.1 * 2_500)
    low = years.by_case(years.cost(None))[0]
    np.testing.assert_allclose(low, [2_750.0])


def test_difference_of_two_offers_by_clause() -> None:
    years = two_customers()
    other = PolicyTerms("other", insured_share=0.8, fees=30.0, premium_rate=0.01, **PLAIN)
    assert differing(other, FIRST_LOSS) == ("premium", "insured_share", "aggregate_first_loss", "fees")
    table = explain_difference(other, FIRST_LOSS, years, "EUR").set_index("clause")
    costs = [years.mean(years.cost(t)) for t in (other, FIRST_LOSS)]
    assert table["share"].sum() == pytest.approx(costs[0] - costs[1], abs=1e-9)
    assert table["share"]["premium"] == pytest.approx(500.0)
    assert table["share"]["fees"] == pytest.approx(30.0)
    assert (table["here"]["insured_share"], table["there"]["insured_share"]) == ("80%", "90%")
    assert (table["here"]["aggregate_first_loss"], table["there"]["fees"]) == ("none", "none")


def test_mixtures_of_policies_with_other_steps_are_policies() -> None:
    one = PolicyTerms("one", threshold=5.0, order=("buyer_limit", "threshold", "insured_share"))
    two = PolicyTerms("two", each_and_every=7.0, order=("each_and_every", "insured_share"))
    for taken in (
        frozenset[str](),
        frozenset({"order"}),
        frozenset({"each_and_every"}),
        frozenset(differing(one, two)),
    ):
        mixed = mix_terms(one, two, taken)
        assert mixed.each_and_every == (7.0 if "each_and_every" in taken else 0.0)
    years = two_customers()
    full = mix_terms(one, two, frozenset(differing(one, two)))
    np.testing.assert_allclose(years.cost(full), years.cost(two))


def test_every_field_of_a_policy_belongs_to_a_clause_in_words() -> None:
    grouped = [f for group in GROUPS.values() for f in group]
    assert sorted(grouped) == sorted({f.name for f in fields(PolicyTerms)} - {"name"})
    assert set(GROUPS) <= set(TERM_WORDS)
    for kind in KINDS.values():
        own: tuple[Field, ...] = kind.fields if kind.name != "insurance" else ()
        assert {f.key for f in own} <= {*TERM_WORDS, "years"}


def test_flips_are_where_the_costs_meet() -> None:
    years = two_customers()
    dear = PolicyTerms("dear", 0.9, aggregate_first_loss=950.0, premium_rate=0.001, **PLAIN)
    table = cost_clauses(dear, years)
    found = find_flips(dear, table, years, 700.0, "rival", "EUR").set_index("clause")
    assert found["sentence"]["premium"] == "Even at no premium rate it costs more than rival."
    # Cost 50 + kept; at a first loss x below 900 the years keep x + 100, x + 400, x + 500: 1.25 ... = 700.
    kept = (700 - 50 - 250) * 4 / 3
    assert found["turns_at"]["aggregate_first_loss"] == f"about EUR {kept:,.0f}"
    cheap = find_flips(dear, table, years, 1_250.0, "rival", "EUR")
    assert cheap["sentence"].tolist() == ["It is cheaper than rival up to a premium rate of 0.6%."]
    asks = find_asks(dear, table, years, "EUR").set_index("clause")
    assert asks["saves"]["premium"] == pytest.approx(5.0)
    assert asks["asked"]["aggregate_first_loss"] == "EUR 475"


def test_easing_and_words() -> None:
    assert ease(PolicyTerms(insured_share=0.9), "insured_share").insured_share == pytest.approx(0.95)
    assert (
        ease(PolicyTerms(maximum_liability_multiple=30.0), "maximum_liability").maximum_liability_multiple
        == 60
    )
    assert ease(PolicyTerms(), "disputes_excluded") is None
    assert ease(PolicyTerms(named_limits={"a": 5.0}), "named_limits").named_limits == {"a": 10.0}
    line = Overdraft(0.05, limit=1e6, line_fee=0.01)
    assert clause_names(line) == ("limit", "line_fee")
    assert keep_only(line, ["line_fee"]).limit == math.inf
    assert describe_clause(line, "line_fee", "EUR") == "The fee on what is not drawn of 1%"
    assert describe_cost("The gate", 3.0, 2.0, "EUR") == "The gate costs next to nothing"
    assert describe_cost("The bonus", -12_345.0, 2.0, "EUR") == "The bonus saves EUR 12,300 a year"


def test_a_premium_on_limits_keeps_its_limits() -> None:
    terms = PolicyTerms(
        "x", 0.9, buyer_limit=3_000.0, premium_rate=0.01, premium_base="limits", fees=5.0, **PLAIN
    )
    assert clause_names(terms) == ("insured_share", "fees")
    table = cost_clauses(terms, two_customers()).set_index("clause")
    # 1% of two limits of 3,000 is the premium of bare cover; A in full and B but 1,000 is covered.
    assert table["share"].sum() == pytest.approx(5 + (0.1 * (1_000 + 3_000) * 2) / 4)
