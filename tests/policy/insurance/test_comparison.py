"""Structures compared on the same events: accounts that close, closed forms that are met."""

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import aggregate_pmf, finite_pool_pmf, stop_loss, vasicek_quantile
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses
from arrisk.policy.insurance.comparison import compare_policies
from arrisk.policy.insurance.forms import Programme, top_up, whole_turnover
from arrisk.policy.insurance.retained import NO_INSURANCE, retain
from arrisk.policy.insurance.risk_cost import cost_errors, risk_adjusted_cost
from arrisk.policy.insurance.terms import PolicyTerms

SALES = np.full(40, 800.0)


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(8)
    book = make_portfolio(0.03, rng.lognormal(5, 1, 40), 0.7)
    return simulate_losses(book, Dependence(0.15), draws=8192, seed=4)


def test_kept_and_insured_add_up_to_the_loss(runs):
    policy = PolicyTerms(
        "all terms",
        insured_share=0.85,
        buyer_limit=400,
        non_qualifying_loss=20,
        each_and_every=10,
        aggregate_first_loss=50,
        maximum_liability_multiple=10,
        premium_rate=0.004,
    )
    result = retain(runs, policy, SALES)
    np.testing.assert_allclose(result.retained + result.insured, runs.totals())
    assert (result.retained >= 0).all()
    assert (result.insured >= 0).all()
    assert result.insured.max() <= 10 * result.premium * (1 + 1e-9)
    assert 0 < result.limit_binds < 1
    assert 0 < result.first_loss_unused < 1


def test_a_plain_share_is_exact(runs):
    result = retain(runs, PolicyTerms("share", insured_share=0.9), SALES)
    np.testing.assert_allclose(result.retained, 0.1 * runs.totals(), atol=1e-9)


def test_excess_of_loss_meets_the_stop_loss_premium():
    """Equal balances, all lost: the insurer's mean is the stop-loss premium of the finite pool."""
    book = make_portfolio(0.1, np.ones(10), 1.0)
    runs = simulate_losses(book, Dependence(0.2), draws=20_000, seed=6)
    policy = PolicyTerms("excess of loss", insured_share=1.0, aggregate_first_loss=2.0)
    found = compare_policies(runs, [policy], np.ones(10))
    exact = stop_loss(finite_pool_pmf(10, 0.1, 0.2), 2.0)
    kept = found.table.set_index(["structure", "term"]).loc[("excess of loss", "retained_expected")]
    assert kept["estimate"] == pytest.approx(1.0 - exact, abs=4 * kept["mc_error"])
    assert kept["mc_error"] < 0.01
    assert exact == pytest.approx(stop_loss(aggregate_pmf(finite_pool_pmf(10, 0.1, 0.2), [0.0, 1.0]), 2.0))


def test_quantiles_of_a_large_pool_meet_the_closed_form():
    """Weights count: without them the years of the mixture would be far too bad."""
    book = make_portfolio(0.02, np.full(4000, 1 / 4000), 1.0)
    runs = simulate_losses(book, Dependence(0.15), draws=4096, seed=2)
    found = compare_policies(runs, [], np.zeros(4000)).summary.iloc[0]
    for level in (0.95, 0.99, 0.995):
        exact = vasicek_quantile(0.02, 0.15, level)
        assert found[f"retained_{level * 100:g}"] == pytest.approx(exact, rel=0.02)


def test_selecting_buyers_covers_the_largest_only(runs):
    result = retain(runs, PolicyTerms("five", insured_share=1.0, premium_rate=0.01, buyers=5), SALES)
    assert result.base == 5 * 800
    largest = np.argsort(-runs.portfolio.exposure)[:5]
    expected = runs.totals(np.where(np.isin(runs.obligor, largest), runs.loss, 0.0))
    np.testing.assert_allclose(result.insured, expected, atol=1e-9)


def test_more_cover_never_keeps_more(runs):
    steps = [PolicyTerms(f"{limit}", buyer_limit=limit) for limit in (0, 50, 200, 1000)]
    kept = [retain(runs, p, SALES).retained for p in steps]
    for smaller, larger in zip(kept[1:], kept[:-1], strict=True):
        assert (smaller <= larger + 1e-9).all()
    np.testing.assert_allclose(kept[0], runs.totals())


def test_a_top_up_takes_what_the_limits_leave(runs):
    first = whole_turnover(buyer_limit=100.0, premium_rate=0.001)
    both = Programme("both", (first, top_up(first, 1e9, insured_share=0.9)))
    found = compare_policies(runs, [first, both], SALES).summary.set_index("structure")
    plain = retain(runs, PolicyTerms("no limit", insured_share=0.9), SALES)
    assert found.loc["both", "expected_retained"] == pytest.approx(runs.weight @ plain.retained)
    assert found.loc["both", "retained_99"] < found.loc["whole turnover", "retained_99"]


def test_break_even_premium_makes_the_costs_equal(runs):
    terms = {"insured_share": 0.9, "aggregate_first_loss": 30, "fees": 7.0}
    first = compare_policies(runs, [PolicyTerms("p", premium_rate=0.002, **terms)], SALES)
    for column, cost in (
        ("break_even_rate", "expected_net_cost"),
        ("break_even_rate_risk", "risk_adjusted_cost"),
    ):
        rate = float(first.summary[column].iloc[1])
        again = compare_policies(runs, [PolicyTerms("p", premium_rate=rate, **terms)], SALES).summary
        assert again[cost].iloc[1] == pytest.approx(again[cost].iloc[0])
    assert again["premium"].iloc[1] == pytest.approx(first.summary["break_even_premium"].iloc[1])


def test_every_figure_has_its_monte_carlo_range(runs):
    result = compare_policies(runs, [PolicyTerms("p", premium_rate=0.002)], SALES, cost_of_risk=0.1)
    assert set(result.table["structure"]) == {NO_INSURANCE, "p"}
    wanted = {"premium", "expected_net_cost", "retained_expected", "retained_95", "retained_99"}
    wanted |= {"retained_99.5", "retained_tvar_99"}
    assert wanted <= set(result.table["term"])
    assert (result.table["mc_low"] <= result.table["estimate"]).all()
    assert (result.table["estimate"] <= result.table["mc_high"]).all()
    row = result.summary.iloc[1]
    tail = row["retained_tvar_99"] - row["expected_retained"]
    assert row["risk_adjusted_cost"] == pytest.approx(row["premium"] + row["expected_retained"] + 0.1 * tail)


def test_the_errors_of_costs_are_those_of_repeated_runs():
    """Twenty seeds: the spread of the costs, and of the saving, is what each run says of itself."""
    book = make_portfolio(0.04, np.linspace(50, 500, 30), 0.6)
    policy = [PolicyTerms("p", insured_share=0.8, premium_rate=0.002)]
    seen = []
    for seed in range(20):
        runs = simulate_losses(book, Dependence(0.15), draws=1024, seed=seed)
        seen.append(compare_policies(runs, policy, np.full(30, 900.0)).summary.iloc[1])
    for value, error in (("risk_adjusted_cost", "cost_error"), ("saving", "saving_error")):
        spread = np.std([row[value] for row in seen], ddof=1)
        assert 0.5 < spread / np.mean([row[error] for row in seen]) < 1.7


def test_the_same_years_tell_structures_apart(runs):
    close = [PolicyTerms(f"{s}", insured_share=s, premium_rate=0.002) for s in (0.90, 0.91)]
    costs = np.column_stack([retain(runs, p, SALES).cost for p in close])
    own, saved = cost_errors(runs, costs, 0.1)
    assert saved[0] == 0
    assert saved[1] < 0.2 * own[1]


def test_bonus_and_waiting_are_part_of_the_cost(runs):
    plain = PolicyTerms("plain", premium_rate=0.005)
    bonus = PolicyTerms("bonus", premium_rate=0.005, bonus=0.2, bonus_ratio=0.3)
    slow = PolicyTerms("slow", premium_rate=0.005, waiting_days=180)
    found = compare_policies(runs, [plain, bonus, slow], SALES, capital_rate=0.08).summary
    cost = found.set_index("structure")["expected_net_cost"]
    assert cost["bonus"] < cost["plain"] < cost["slow"]
    paid = runs.weight @ retain(runs, slow, SALES).indemnity
    assert cost["slow"] - cost["plain"] == pytest.approx(paid * 0.08 * 180 / 365)


def test_the_charge_on_the_tail_is_on_what_it_exceeds_the_mean_by():
    weight = np.array([0.98, 0.01, 0.01])
    assert risk_adjusted_cost([0.0, 50.0, 100.0], weight, 0.2) == pytest.approx(1.5 + 0.2 * 98.5)
    assert risk_adjusted_cost([7.0, 7.0, 7.0], weight, 0.2) == pytest.approx(7.0)
    with pytest.raises(ModelError, match="cost of risk"):
        risk_adjusted_cost([0.0], [1.0], -0.1)


def test_premium_base_is_named(runs):
    by_balance = retain(runs, PolicyTerms("b", premium_rate=0.01, premium_base="balances"), SALES)
    assert by_balance.premium == pytest.approx(0.01 * runs.portfolio.exposure.sum())


def test_bad_comparisons_are_errors(runs):
    with pytest.raises(ModelError):
        compare_policies(runs, [PolicyTerms("p"), PolicyTerms("p")], SALES)
    with pytest.raises(ModelError):
        retain(runs, PolicyTerms("p"), SALES[:3])


def test_of_equals_the_plainest_is_best(runs):
    result = compare_policies(runs, [PolicyTerms("nothing", insured_share=0.0)], SALES)
    assert result.summary["saving"].tolist() == [0.0, 0.0]
    assert result.best == NO_INSURANCE


def test_plot_names_the_cheapest(runs):
    result = compare_policies(runs, [PolicyTerms("dear", premium_rate=0.5)], SALES)
    ax = result.plot()
    assert NO_INSURANCE in ax.get_title().lower()
    assert "dear" in result._repr_html_()
    assert result.risk_table().frame["error_worst_1%"].gt(0).all()
    ax.figure.clear()
