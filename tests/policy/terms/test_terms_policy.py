"""Terms by grade: a naive loop, what a textbook says, monotonicity, and what the ledger cannot say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arrisk.policy.arithmetic import discount_factor
from arrisk.policy.granting import policy_change
from arrisk.policy.recommendation import Recommendation
from arrisk.policy.terms.changes import find_terms_changes
from arrisk.policy.terms.decision import recommend_terms
from arrisk.policy.terms.frontier import compare_terms, hit_multiples, non_dominated
from arrisk.policy.terms.terms_policy import make_terms_policy
from arrisk.policy.terms.trial import design_terms_trial
from arrisk.policy.terms.worth import value_terms
from tests.ledger.frames import ledger_of
from tests.policy.grade_terms.books import AS_OF, GivenCard, assume, sales_of, study_with, two_grades

CARD = GivenCard({"a": "A", "b": "B"}, {"A": (400, 2), "B": (60, 20)})
KNOWN = {"terms_elasticity": 0.03, "extra_pd_ratio": 1.5, "asset_correlation": 0.15}


def study_between(low: float, value: float, high: float, **more: float):
    study = study_with(**{**KNOWN, **more})
    wide = assume("terms_elasticity", value, low, high)
    return replace(study, assumptions=tuple(wide if a.name == wide.name else a for a in study.assumptions))


@pytest.fixture(scope="module")
def snapshot():
    return two_grades().as_of(AS_OF)


@pytest.fixture(scope="module")
def policy(snapshot):
    return make_terms_policy(study_between(0.0, 0.03, 0.10), CARD, snapshot)


@pytest.fixture(scope="module")
def frontier(policy):
    return compare_terms(study_with(**KNOWN), policy)


def test_the_table_is_a_naive_loop_over_draws(policy):
    """B buys 2,400 a year on 60 days and pays 12 days late; each draw by hand on 90 days."""
    inputs, base = policy.inputs, policy.inputs.base
    for draw in (1, 7, 500):
        ratio = (1 + inputs.elasticity[draw]) ** (30 / 30)
        caught = 1 - (1 - base.pd[1, draw]) ** ((90 + base.overrun[draw]) / 180)
        extra = 1 - (1 - caught) ** inputs.extra_pd_ratio[draw]
        mixed = (caught + (ratio - 1) * extra) / ratio
        paid = 60 + 12 + inputs.slope[draw] * 30
        later = 1.08 ** (-paid / 365)
        value = 2400 * ratio * (0.3 - 1 + later * (1 - 0.6 * mixed))
        assert policy.value[1, 4, draw - 1] == pytest.approx(value)
        assert policy.loss[1, 4, draw - 1] == pytest.approx(2400 * ratio * later * 0.6 * mixed)
    row = policy.table[(policy.table["grade"] == "B") & (policy.table["option"] == "90 days")].iloc[0]
    assert row["value"] == pytest.approx(policy.value[1, 4].mean())
    assert row["gain"] == pytest.approx((policy.value[1, 4] - policy.value[1, 0]).mean())
    assert row["chance"] == (policy.value[1, 4] > policy.value[1, 0]).mean()
    assert row["regret"] == pytest.approx((policy.value[1].max(axis=0) - policy.value[1, 4]).mean())


def test_today_is_what_the_terms_of_a_grade_say(policy):
    now = value_terms(policy.book, policy.inputs, 1, None)
    later = 1.08 ** (-72 / 365)
    caught = 1 - (1 - 20.5 / 61) ** (150 / 180)
    assert now.value[0] == pytest.approx(2400 * (0.3 - 1 + later * (1 - 0.6 * caught)))
    assert now.sales[0] == 2400
    assert now.days[0] == 72


def test_dodd_tool_in_the_limit_of_cheap_money():
    """60k -> 63k units at 10, 30 -> 45 days, bad debt 1 -> 2%: the value is linear in a small rate, and its
    slope is the carrying cost of receivables at their price; contribution and bad debt are the book's own."""
    before, after, rate = 600e3, 630e3, 1e-6

    def value(sales, days, bad):
        return sales * (0.4 - 1 + (1 - bad) * float(discount_factor(rate, days)))

    ours = value(after, 45, 0.02) - value(before, 30, 0.01)
    book = policy_change(
        (before, after),
        (30, 45),
        variable_cost=0.6,
        cost_of_capital=rate,
        bad_debt=(0.01, 0.02),
        carry="price",
    )
    assert book.contribution == pytest.approx(12_000)
    assert book.bad_debt == pytest.approx(6_600)
    assert ours == pytest.approx(12_000 - 6_600, abs=0.05)
    carried = (12_000 - 6_600 - ours) / rate
    # What is lost is not waited for: the book carries it all the same.
    assert carried == pytest.approx((after * 0.98 * 45 - before * 0.99 * 30) / 365, rel=1e-4)
    assert carried == pytest.approx(book.carrying_cost / rate, rel=0.04)


def test_break_even_elasticity_levels_the_values(policy):
    for row in policy.table[policy.table["break_even"].notna()].to_dict("records"):
        k = policy.grades.index(row["grade"])
        there = value_terms(policy.book, policy.inputs, k, row["terms"], row["break_even"]).value[1:].mean()
        assert there == pytest.approx(policy.value[k, 0].mean(), rel=1e-8)


def test_without_elasticity_longer_terms_are_worth_less(snapshot):
    flat = make_terms_policy(study_between(0.0, 0.0, 0.0), CARD, snapshot)
    assert (np.diff(flat.value[:, 1:, :], axis=1) < 0).all()
    best = flat.table.loc[flat.table.groupby("grade")["value"].idxmax()]
    assert best["terms"].tolist() == [30, 30]


@pytest.mark.parametrize(("name", "worse"), [("lgd", 0.9), ("cost_of_capital", 0.2), ("extra_pd_ratio", 3.0)])
def test_worse_assumptions_leave_less_on_longer_terms(snapshot, policy, name, worse):
    other = make_terms_policy(study_between(0.0, 0.03, 0.10, **{name: worse}), CARD, snapshot)
    assert (other.value[:, -1].mean(axis=1) < policy.value[:, -1].mean(axis=1)).all()


def test_worse_customers_and_later_ones_leave_less(policy, snapshot):
    more = make_terms_policy(
        study_between(0.0, 0.03, 0.10), replace(CARD, counts={"A": (400, 2), "B": (60, 40)}), snapshot
    )
    assert (more.value[1].mean(axis=1) < policy.value[1].mean(axis=1)).all()
    late = replace(policy.book, table=policy.book.table.assign(delay=policy.book.table["delay"] + 20))
    for k in range(2):
        for terms in (None, 30, 90):
            now = value_terms(policy.book, policy.inputs, k, terms).value
            assert (value_terms(late, policy.inputs, k, terms).value < now).all()


def test_a_ledger_that_later_goes_on_changes_nothing(policy):
    one, two = sales_of("a", 100.0, 30, 0, last=1600), sales_of("b", 999.0, 90, 0, last=1600)
    base = two_grades()
    later = [i for i in one[0] + two[0] if i["issue_date"] > AS_OF]
    first, second = sales_of("a", 100.0, 30, 0), sales_of("b", 200.0, 60, 12)
    grown = ledger_of(first[0] + second[0] + later, first[1] + second[1])
    assert base.as_of(AS_OF).open_balance == grown.as_of(AS_OF).open_balance
    again = make_terms_policy(study_between(0.0, 0.03, 0.10), CARD, grown.as_of(AS_OF))
    pd.testing.assert_frame_equal(again.table, policy.table)


def test_the_frontier_holds_no_dominated_policy(frontier):
    edge = frontier.efficient
    assert (np.diff(edge["profit"]) >= 0).all()
    table = frontier.table
    for row in table[~table["efficient"]].to_dict("records"):
        better = (table["profit"] >= row["profit"]) & (table["tail_loss"] <= row["tail_loss"])
        strict = (table["profit"] > row["profit"]) | (table["tail_loss"] < row["tail_loss"])
        assert (better & strict).any()
    assert len(table) == 5**2
    assert frontier.policy("chosen")["tail_loss"] <= frontier.tail_limit
    assert frontier.policy("most profit")["profit"] == table["profit"].max()


def test_non_dominated_by_brute_force():
    rng = np.random.default_rng(3)
    profit, loss = rng.integers(0, 6, 60).astype(float), rng.integers(0, 6, 60).astype(float)
    for k, efficient in enumerate(non_dominated(profit, loss)):
        beats = (profit >= profit[k]) & (loss <= loss[k]) & ((profit > profit[k]) | (loss < loss[k]))
        assert efficient == (not beats.any())


def test_simulated_losses_are_those_expected_on_average(policy):
    hits = hit_multiples(study_with(**KNOWN), policy)
    mean, error = hits[1].mean(), hits[1].std() / np.sqrt(hits[1].size)
    assert abs(mean - 1) < 4 * error
    again = hit_multiples(study_with(**KNOWN), policy)
    assert (hits == again).all()


def test_more_terms_than_can_be_compared_are_refused(policy):
    with pytest.raises(ValueError, match="tail"):
        compare_terms(study_with(**KNOWN), policy, tail=1.0)
    with pytest.raises(ValueError, match="increas"):
        make_terms_policy(study_with(**KNOWN), CARD, two_grades().as_of(AS_OF), terms=(60, 30))


def test_a_wide_range_cannot_say_and_a_narrow_one_decides(snapshot):
    wide = make_terms_policy(study_between(0.0, 0.05, 0.30), replace(CARD, counts={"A": (900, 1)}), snapshot)
    assert wide.table["sure"].sum() == 0
    found = recommend_terms(study_with(**KNOWN), wide, compare_terms(study_with(**KNOWN), wide), snapshot)
    assert found.verdict == "the data cannot say"
    assert not found.identified
    assert Recommendation.from_json(found.to_json()).verdict == found.verdict
    sure = make_terms_policy(study_between(0.29, 0.30, 0.31), replace(CARD, counts={"A": (900, 1)}), snapshot)
    free = compare_terms(study_with(**KNOWN), sure, tail_limit=1e9)
    found = recommend_terms(study_with(**KNOWN), sure, free, snapshot)
    bound = compare_terms(study_with(**KNOWN), sure)
    assert free.policy("chosen")["tail_loss"] > bound.tail_limit >= bound.policy("chosen")["tail_loss"]
    assert found.verdict == "adopt"
    assert "90 days" in found.answer
    assert not found.identified
    assert found.expected_value.low > 0
    assert found.flip.threshold < 0.29


def test_where_today_is_best_it_is_kept(snapshot):
    flat = make_terms_policy(
        study_between(0.0, 0.0, 0.0), replace(CARD, counts={"A": (900, 1)}, grade={"a": "A"}), snapshot
    )
    found = recommend_terms(study_with(**KNOWN), flat, compare_terms(study_with(**KNOWN), flat), snapshot)
    assert found.verdict == "keep"


def test_the_trial_needs_customers(policy, snapshot):
    assert design_terms_trial(policy, snapshot, "A") is None


def test_changed_terms_are_found_and_mixed_ones_are_not():
    moved, paid = sales_of("m", 100.0, 30, 0, last=540)
    longer, later = sales_of("m", 100.0, 60, 0)
    tail = [i for i in longer if i["invoice_id"] > "m-0540"]
    mixed = [i for k in (0, 1) for i in sales_of("x", 50.0, 30 + 30 * k, 0)[0][k::2]]
    seen = find_terms_changes(ledger_of(moved + tail + mixed, paid).as_of(AS_OF))
    assert seen.table[["customer_id", "before", "after"]].to_numpy().tolist() == [["m", 30.0, 60.0]]
    assert seen.customers == 2
    assert "1 of 2" in seen.finding()
    assert later


def test_it_is_told_in_tables_and_pictures(policy, frontier):
    for table in (policy.to_table(), policy.break_even_table(), policy.inputs_table(), frontier.to_table()):
        assert len(table.frame)
    assert policy.plot().get_title()
    assert frontier.plot().get_title()
    assert "EUR" in repr(policy)
    assert "<table" in policy._repr_html_() + frontier._repr_html_()
