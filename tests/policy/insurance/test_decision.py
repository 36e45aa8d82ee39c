"""The insurance verdict follows from losses, premium and what the ledger leaves open."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import StudyError
from arrisk.policy.insurance.case import make_insurance_case
from arrisk.policy.insurance.decision import recommend_insurance
from arrisk.policy.insurance.flips import crossing, next_insurance, premium_of, refusal_words
from arrisk.policy.insurance.forms import selective
from arrisk.policy.insurance.retained import NO_INSURANCE, retain
from arrisk.policy.insurance.stability import expected_regret, map_stability
from arrisk.policy.insurance.structures import (
    EXCESS,
    FIRST_LOSS,
    RISKIEST,
    SELECTIVE,
    SINGLE,
    TOP_UP,
    WHOLE,
    Candidate,
)
from arrisk.policy.study import Study
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book

DATE = "2024-12-31"
TERMS = {"aggregate_first_loss": 500.0, "buyer_limit": 3000.0, "each_and_every": 100.0}


def study_of(quotes="", **values):
    given = {
        "premium_rate": 0.003,
        "insured_share": 0.9,
        "cost_of_capital": 0.08,
        "materiality": 100.0,
    } | values
    lines = ['[study]\nname = "t"\nas_of = 2024-12-31\ncurrency = "EUR"\nseed = 7\n[ledger]\npath = "x"\n']
    lines += [f'[assumptions.{k}]\nvalue = {v}\nunit = "u"\nsource = "test"\n' for k, v in given.items()]
    return Study.from_toml("".join(lines) + quotes, Path("study.toml"))


@pytest.fixture(scope="module")
def snapshot():
    return loss_book(customers=120, lost_share=0.3, recovery=0.2).as_of(DATE)


@pytest.fixture(scope="module")
def case(snapshot):
    return make_insurance_case(study_of(**TERMS), snapshot)


@pytest.fixture(scope="module")
def stability(case):
    return map_stability(case, draws=512)


def priced(case, rate, **terms):
    """The case with the whole turnover alone, at a premium rate."""
    whole = case.find(WHOLE)
    return replace(
        case, candidates=(replace(whole, policy=replace(whole.policy, premium_rate=rate, **terms)),)
    )


def test_a_cheap_policy_is_adopted_and_a_dear_one_rejected(snapshot, case):
    cheap, dear = (
        recommend_insurance(study_of(**TERMS), snapshot, priced(case, rate), draws=256)
        for rate in (5e-4, 0.2)
    )
    assert cheap.verdict == "adopt"
    assert cheap.expected_value.value > 0
    assert cheap.flip.threshold > cheap.flip.current
    assert dear.verdict == "reject"
    assert dear.expected_value.value > 0
    assert dear.flip.threshold < dear.flip.current


@pytest.mark.slow
def test_at_the_flip_the_verdict_turns(snapshot):
    start = recommend_insurance(study_of(premium_rate=0.0005), snapshot, draws=512)
    above, below = (
        recommend_insurance(study_of(premium_rate=start.flip.threshold * f), snapshot, draws=512)
        for f in (1.02, 0.98)
    )
    assert (above.verdict, below.verdict) == ("reject", "adopt")


def test_a_fair_premium_is_worth_it_only_when_risk_costs_something(case):
    """At a premium a little above the mean claims, what insurance is worth is the capital that it frees."""
    saved = map_stability(replace(priced(case, 0.0), cost_of_risk=0.0), draws=256)
    fair = saved.mean_gain(WHOLE) / case.sales.sum()
    offer = priced(case, 1.1 * fair)
    assert map_stability(replace(offer, cost_of_risk=0.0), draws=256).best == NO_INSURANCE
    assert map_stability(replace(offer, cost_of_risk=0.5), draws=256).best == WHOLE


def test_structures_come_from_the_study(case):
    names = [candidate.name for candidate in case.candidates]
    assert names == [WHOLE, FIRST_LOSS, EXCESS, SELECTIVE, SINGLE, TOP_UP]
    largest = case.book["exposure"].nlargest(case.find(SELECTIVE).policy.buyers)
    assert largest.sum() >= 0.5 * case.book["exposure"].sum()
    assert largest.iloc[:-1].sum() < 0.5 * case.book["exposure"].sum()
    assert case.find(SINGLE).policy.only_buyers == (case.book.set_index("customer_id")["exposure"].idxmax(),)
    assert case.find(EXCESS).policy.aggregate_first_loss > case.find(FIRST_LOSS).policy.aggregate_first_loss


def test_a_premium_without_a_quote_follows_from_the_one_that_is_given(case):
    """Less cover in proportion; picked buyers with a loading; more cover never below its own claims."""
    runs = case.simulate(draws=4096)
    price = {}
    for candidate in case.candidates:
        insured = retain(runs, candidate.policy, case.sales, facts=case.facts).insured
        order = np.argsort(-insured)
        worst = np.cumsum(runs.weight[order]) <= 0.01
        mean = runs.weight @ insured
        tail = np.average(insured[order][worst], weights=runs.weight[order][worst])
        price[candidate.name] = mean + 0.08 * (tail - mean)
    assert [c.name for c in case.candidates if c.given] == [WHOLE]
    paid = {c.name: premium_of(case, c.name) for c in case.candidates}
    margin = paid[WHOLE] / price[WHOLE]
    for name in (FIRST_LOSS, EXCESS):
        assert paid[name] == pytest.approx(margin * price[name], rel=0.02)
    for name in (SELECTIVE, SINGLE):
        assert paid[name] == pytest.approx(1.25 * margin * price[name], rel=0.02)
    addition = 1.25 * max(margin, 1.0) * (price[TOP_UP] - price[WHOLE])
    assert paid[TOP_UP] - paid[WHOLE] == pytest.approx(addition, rel=0.05)


def test_a_quote_of_a_structure_is_taken_as_it_is(snapshot):
    quote = '[settings.insurance.premium_rates]\n"excess of loss" = 0.0007\n'
    case = make_insurance_case(study_of(quotes=quote), snapshot)
    assert case.find(EXCESS).given
    assert case.find(EXCESS).policy.premium_rate == 0.0007
    wrong = '[settings.insurance.premium_rates]\n"exces of loss" = 0.0007\n'
    with pytest.raises(StudyError, match="did you mean"):
        make_insurance_case(study_of(quotes=wrong), snapshot)


def test_customers_in_default_are_outside_and_nothing_else(case):
    parts = case.model.book.parts
    assert case.book["exposure"].sum() + case.excluded + parts["balance"].iloc[2] == pytest.approx(
        parts["balance"].iloc[-1]
    )
    assert not set(case.book["customer_id"]) & set(case.experience.in_default)


def test_regret_is_what_it_says():
    """Three cases by hand: choice b loses 3 in one of them, choice a loses 5 in another."""
    found = expected_regret(["a", "b"], [[10.0, 13.0], [20.0, 15.0], [7.0, 7.0]], [0.5, 0.25, 0.25])
    assert found["mean_cost"].tolist() == [11.75, 12.0]
    assert found["mean_regret"].tolist() == [1.25, 1.5]
    assert found["worst_regret"].tolist() == [5.0, 3.0]
    assert found["p_best"].tolist() == [0.75, 0.25]


def test_least_regret_is_least_expected_cost(stability):
    by_cost, by_regret = (stability.weights[c].to_numpy() for c in ("mean_cost", "mean_regret"))
    np.testing.assert_allclose(np.diff(by_cost), np.diff(by_regret), rtol=1e-6, atol=1e-6)
    assert stability.ranking[0] == stability.best


def test_the_map_covers_the_cases_of_the_loss_model(case, stability):
    assert (stability.table["regret"] >= 0).all()
    assert stability.weights["p_best"].sum() == pytest.approx(1.0)
    assert len(stability.weight) == len(case.model.cases) == stability.table["case"].nunique()
    assert stability.weight.sum() == pytest.approx(1.0)
    assert stability.table.groupby("case")["best"].any().all()
    assert (stability.gain[NO_INSURANCE] == 0).all()
    again = map_stability(case, draws=512, n_jobs=2)
    np.testing.assert_array_equal(stability.table["cost"], again.table["cost"])
    ax = stability.plot()
    assert "regret" in ax.get_title()
    assert len(ax.texts) >= len(stability.weight)
    ax.figure.clear()


def test_the_simulation_error_of_the_gain_covers_other_seeds(case, stability):
    other = map_stability(replace(case, seed=case.seed + 1), draws=512)
    errors = stability.weights.set_index("structure")["gain_error"]
    assert errors[NO_INSURANCE] == 0
    for name in (WHOLE, TOP_UP, SELECTIVE):
        off = abs(other.mean_gain(name) - stability.mean_gain(name))
        assert 0 < off < 4 * errors[name]
        assert errors[name] < 0.1 * abs(stability.mean_gain(name))


def test_more_losses_make_insurance_worth_more(stability):
    level, gain = stability.along("level", WHOLE)
    assert (np.diff(level) > 0).all()
    assert (np.diff(gain) > 0).all()


def test_limits_cut_in_the_bad_years_cost_the_insured(case, stability):
    for name in (WHOLE, SELECTIVE):
        assert stability.mean_gain(name, cut=True) < stability.mean_gain(name)
    frame = case.cuts_table(draws=1024).frame
    assert (frame["cost_of_the_cuts"] > -1e-6).all()
    assert (frame["when_limits_are_cut"] >= frame["kept_in_worst_years"] - 1e-6).all()


def test_a_crossing_is_found_where_the_sign_turns():
    assert crossing(np.array([0.0, 2.0, 4.0]), np.array([-1.0, 3.0, 5.0])) == 0.5
    assert crossing(np.array([0.0, 2.0]), np.array([1.0, 3.0])) is None


def test_the_recommendation_names_what_turns_it(snapshot, case, stability):
    result = recommend_insurance(study_of(**TERMS), snapshot, case, stability)
    text = repr(result).replace("\n", " ")
    assert "Second best" in text
    assert "asset correlation" in text
    assert "cuts limits" in text
    assert {o.name for o in result.options} == set(stability.weights["structure"])
    compared = next_insurance(stability)
    low, high = stability.gain_range(compared, 0.95)
    assert (result.expected_value.low, result.expected_value.high) == (low, high)


def test_one_loss_is_not_enough():
    result = recommend_insurance(study_of(), loss_book(lost_share=1 / 80).as_of(DATE), draws=64)
    assert result.verdict == "the data cannot say"


def test_without_losses_the_comparison_is_a_what_if():
    snapshot = loss_book(lost_share=0.0).as_of(DATE)
    case = make_insurance_case(study_of(lgd=0.7), snapshot)
    assert case.model.severity.mean == 0.7
    assert "lgd" in [a.name for a in case.assumptions]
    found = case.compare(draws=512)
    assert found.finding().startswith("What-if")
    assert "70% of what they owe is assumed" in found.to_table().note
    assert not case.correlation().identified
    stability = map_stability(case, draws=64)
    assert stability.finding().startswith("What-if")
    result = recommend_insurance(study_of(lgd=0.7), snapshot, case, stability)
    assert result.verdict == "the data cannot say"
    assert result.expected_value is None
    assert result.experiment
    assert "no customer" in result.answer
    assert "what-if" in result.scope
    assert {NO_INSURANCE, WHOLE, SELECTIVE} <= {o.name for o in result.options}


def test_a_policy_that_pays_nothing_is_found_out(snapshot):
    """Every balance lies below the least loss that is paid; a worked-out premium has nothing to rest on."""
    study = study_of(non_qualifying_loss=1e9)
    case = make_insurance_case(study, snapshot)
    assert "pays nothing" in case.margin_words()
    assert all(premium_of(case, c.name) > 0 for c in case.candidates)
    result = recommend_insurance(study, snapshot, case, map_stability(case, draws=64))
    assert result.verdict == "reject"
    assert "No premium" in result.flip.sentence


def test_a_book_in_which_nobody_owes_anything_still_has_a_page():
    """Long after the last invoice was paid."""
    snapshot = loss_book(customers=60, lost_share=0.2).as_of("2025-12-31")
    study = study_of()
    case = make_insurance_case(study, snapshot)
    assert case.book.empty
    result = recommend_insurance(study, snapshot, case, map_stability(case, draws=64))
    assert result.verdict == "the data cannot say"
    assert "nothing to insure" in result.answer
    found = case.compare(draws=256)
    found.plot().figure.clear()
    found.frontier().plot().figure.clear()
    case.split(draws=256).plot().figure.clear()
    assert case.terms_table().frame["customers"].iloc[0] == "0"


def test_the_trace_follows_the_largest_balance_to_the_last_cent(case):
    trace = case.trace_table().frame.set_index("structure")
    owed = case.book["exposure"].max()
    assert owed > 3000
    assert (trace["balance_owed"] == owed).all()
    assert trace.loc[WHOLE, "the_insurer_pays"] == pytest.approx(0.9 * 3000 - 100)
    assert trace.loc[FIRST_LOSS, "the_insurer_pays"] == pytest.approx(0.9 * 3000 - 600)
    assert trace.loc[TOP_UP, "the_insurer_pays"] == pytest.approx(0.9 * owed - 100)
    np.testing.assert_allclose(trace["the_insurer_pays"] + trace["you_keep"], owed)
    assert case.trace_table(1000.0).frame["balance_owed"].iloc[0] == 1000


def test_pages_show_what_was_computed(case, stability):
    dear = priced(case, 0.003, minimum_premium=700_000.0, buyer_limit=np.inf)
    terms = dear.terms_table().frame.set_index("structure")
    assert terms.loc[WHOLE, "premium_a_year"] == "EUR 700,000"
    assert terms.loc[WHOLE, "limit_of_the_buyer"] == "none"
    found = case.compare(draws=512)
    shown = found.to_table().frame
    assert shown["cost_with_capital"].tolist() == found.summary["risk_adjusted_cost"].tolist()
    regret = stability.to_table().frame.set_index("structure")
    cost = regret.loc[NO_INSURANCE, "mean_cost"] - regret["gain_over_self_insuring"]
    np.testing.assert_allclose(cost, regret["mean_cost"])


def test_a_refused_buyer_takes_its_part_of_the_gain(case):
    """Riskier buyers by hand: what the insurer refuses is kept, and the words say so."""
    book = case.model.portfolio
    chance = book.pd * np.where(np.arange(len(book)) < 5, 4.0, 0.8)
    model = replace(case.model, portfolio=replace(book, pd=chance))
    riskiest = Candidate(selective(book.name[:5], RISKIEST, premium_rate=0.003), False, "by hand")
    skewed = replace(case, model=model, candidates=(case.find(WHOLE), riskiest))
    (words,) = refusal_words(skewed, WHOLE)
    assert "refuses the 5 riskiest buyers" in words
    left, full = (int(amount.replace(",", "")) for amount in re.findall(r"EUR (-?[\d,]+)", words))
    assert 0 < left < full
    assert refusal_words(case, WHOLE) == ()


@pytest.mark.slow
def test_nothing_later_than_the_day_changes_the_case(snapshot):
    """The ledger as it stood in March, against the same ledger without a row that came later."""
    early = "2024-03-31"
    rows, moves = snapshot.items, snapshot.events
    cut = ledger_of(
        [
            invoice(r.invoice_id, f"{r.issue_date:%Y-%m-%d}", r.amount, f"{r.due_date:%Y-%m-%d}",
                    customer_id=r.customer_id)
            for r in rows[rows["issue_date"] <= early].itertuples()
        ],
        [
            event(e.invoice_id, f"{e.date:%Y-%m-%d}", e.amount, e.kind)
            for e in moves[moves["date"] <= early].itertuples()
        ],
    )  # fmt: skip
    whole = loss_book(customers=120, lost_share=0.3, recovery=0.2).as_of(early)
    known, short = (make_insurance_case(study_of(), seen) for seen in (whole, cut.as_of(early)))
    assert known.candidates == short.candidates
    pd.testing.assert_frame_equal(known.compare(draws=256).summary, short.compare(draws=256).summary)
