"""The insurance verdict follows from losses, premium and what the ledger leaves open."""

from pathlib import Path

import numpy as np
import pytest

from arrisk.policy.insurance.case import FIRST_LOSS, SELECTIVE, WHOLE, make_insurance_case
from arrisk.policy.insurance.comparison import NO_INSURANCE
from arrisk.policy.insurance.decision import recommend_insurance
from arrisk.policy.insurance.stability import map_stability
from arrisk.policy.study import Study
from tests.loss_book import loss_book

DATE = "2024-12-31"


def study_of(**values):
    given = {
        "premium_rate": 0.003,
        "insured_share": 0.9,
        "cost_of_capital": 0.08,
        "materiality": 100.0,
    } | values
    lines = ['[study]\nname = "t"\nas_of = 2024-12-31\ncurrency = "EUR"\nseed = 7\n[ledger]\npath = "x"\n']
    lines += [f'[assumptions.{k}]\nvalue = {v}\nunit = "u"\nsource = "test"\n' for k, v in given.items()]
    return Study.from_toml("".join(lines), Path("study.toml"))


@pytest.fixture(scope="module")
def snapshot():
    return loss_book(customers=120, lost_share=0.3, recovery=0.2).as_of(DATE)


def test_a_cheap_policy_is_adopted_and_a_dear_one_rejected(snapshot):
    cheap = recommend_insurance(study_of(premium_rate=0.0005), snapshot, draws=4000)
    assert cheap.verdict == "adopt"
    assert cheap.expected_value.value > 0
    dear = recommend_insurance(study_of(premium_rate=0.2), snapshot, draws=4000)
    assert dear.verdict == "reject"
    assert dear.expected_value.value > 0
    assert dear.flip.threshold < dear.flip.current


@pytest.mark.slow
def test_at_the_flip_the_verdict_turns(snapshot):
    start = recommend_insurance(study_of(premium_rate=0.0005), snapshot, draws=4000)
    above, below = (
        recommend_insurance(study_of(premium_rate=start.flip.threshold * f), snapshot, draws=4000)
        for f in (1.2, 0.8)
    )
    values = {o.name: o.value for o in above.options}
    name = next(n for n in (WHOLE, SELECTIVE) if n in start.answer)
    assert values[name] < 0
    assert {o.name: o.value for o in below.options}[name] > 0


def test_structures_come_from_the_study(snapshot):
    case = make_insurance_case(study_of(aggregate_first_loss=5000.0, buyer_limit=3000.0), snapshot)
    assert [p.name for p in case.structures] == [WHOLE, FIRST_LOSS, SELECTIVE]
    assert all(p.buyer_limit == 3000 for p in case.structures)
    largest = case.book["exposure"].nlargest(case.structures[-1].buyers)
    assert largest.sum() >= 0.5 * case.book["exposure"].sum()
    assert largest.iloc[:-1].sum() < 0.5 * case.book["exposure"].sum()


def test_customers_in_default_are_outside_and_nothing_else(snapshot):
    case = make_insurance_case(study_of(), snapshot)
    items = snapshot.items
    owed = items.loc[items["amount"] > 0, "open_amount"].sum()
    assert case.book["exposure"].sum() + case.excluded == pytest.approx(owed)
    assert not set(case.book["customer_id"]) & set(case.experience.in_default)


def test_regret_is_over_the_grid_and_never_negative(snapshot):
    case = make_insurance_case(study_of(), snapshot)
    assert case.correlations == (0.05, 0.15, 0.25)
    found = map_stability(case, draws=2000)
    assert (found.table["regret"] >= 0).all()
    assert found.weights["p_best"].sum() == pytest.approx(1.0)
    assert found.table.groupby(["posterior", "correlation"])["best"].any().all()
    assert (found.gain[NO_INSURANCE] == 0).all()
    again = map_stability(case, draws=2000, n_jobs=2)
    np.testing.assert_array_equal(found.table["cost"], again.table["cost"])
    ax = found.plot()
    assert "regret" in ax.get_title()
    ax.figure.clear()


def test_a_ledger_without_losses_cannot_say():
    result = recommend_insurance(study_of(), loss_book(lost_share=0.0).as_of(DATE))
    assert result.verdict == "the data cannot say"
    assert result.expected_value is None
    assert result.experiment
    assert "no customer" in result.answer


def test_one_loss_is_not_enough():
    result = recommend_insurance(study_of(), loss_book(lost_share=1 / 80).as_of(DATE))
    assert result.verdict == "the data cannot say"


def test_without_losses_the_comparison_is_a_what_if_at_the_highest_rate_left_open():
    snapshot = loss_book(lost_share=0.0).as_of(DATE)
    case = make_insurance_case(study_of(lgd=0.7), snapshot)
    assert case.severity == 0.7
    assert "lgd" in [a.name for a in case.assumptions]
    assert case.rate == case.experience.interval.high
    found = case.compare(draws=2000)
    assert found.finding().startswith("What-if")
    assert "70% of what they owe is assumed" in found.to_table().note
    stability = map_stability(case, draws=1000)
    assert stability.finding().startswith("What-if")
    result = recommend_insurance(study_of(lgd=0.7), snapshot, case, stability)
    assert result.verdict == "the data cannot say"
    assert "what-if" in result.scope
    assert {o.name for o in result.options} == {NO_INSURANCE, WHOLE, SELECTIVE}


def test_with_losses_severity_is_the_ledger_s_and_nothing_is_assumed(snapshot):
    case = make_insurance_case(study_of(lgd=0.01), snapshot)
    assert case.severity == case.experience.lgd > 0.5
    assert case.what_if == ""


def test_a_book_in_which_nobody_owes_anything_still_has_a_page():
    """Long after the last invoice was paid."""
    snapshot = loss_book(customers=60, lost_share=0.2).as_of("2025-12-31")
    study = study_of()
    case = make_insurance_case(study, snapshot)
    assert case.book.empty
    result = recommend_insurance(study, snapshot, case, map_stability(case, draws=500))
    assert result.verdict == "the data cannot say"
    assert "nothing to insure" in result.answer
    case.compare(draws=500).plot().figure.clear()


def test_the_trace_follows_the_largest_balance_to_the_last_cent(snapshot):
    case = make_insurance_case(
        study_of(buyer_limit=3000.0, each_and_every=100.0, aggregate_first_loss=500.0), snapshot
    )
    trace = case.trace_table().frame.set_index("step")
    owed = case.book["exposure"].max()
    assert owed > 3000
    assert (trace.loc["balance owed"] == owed).all()
    assert trace.loc["the insurer pays", WHOLE] == pytest.approx(0.9 * 3000 - 100)
    assert trace.loc["the insurer pays", FIRST_LOSS] == pytest.approx(0.9 * 3000 - 600)
    np.testing.assert_allclose((trace.loc["the insurer pays"] + trace.loc["you keep"]).astype(float), owed)
    assert case.trace_table(1000.0).frame[WHOLE].iloc[0] == 1000


def test_pages_show_what_was_computed(snapshot):
    case = make_insurance_case(study_of(minimum_premium=700_000.0), snapshot)
    terms = case.terms_table().frame.set_index("term")
    assert terms.loc["premium a year", WHOLE] == "EUR 700,000"
    assert terms.loc["capped at the limit of the buyer", WHOLE] == "none"
    found = case.compare(draws=2000)
    shown = found.to_table().frame
    assert shown["cost_with_capital"].tolist() == found.summary["risk_adjusted_cost"].tolist()
    stability = map_stability(case, draws=1000)
    regret = stability.to_table().frame.set_index("structure")
    cost = regret.loc[NO_INSURANCE, "mean_cost"] - regret["gain_over_self_insuring"]
    np.testing.assert_allclose(cost, regret["mean_cost"])
    ax = stability.plot()
    assert len(ax.texts) >= stability.table["rate"].nunique() * len(case.correlations)
    ax.figure.clear()
