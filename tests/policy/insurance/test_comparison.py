"""Structures compared on the same events: accounts that close, closed forms that are met."""

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import aggregate_pmf, finite_pool_pmf, stop_loss
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses
from arrisk.policy.insurance.comparison import NO_INSURANCE, compare_policies, retain
from arrisk.policy.insurance.terms import PolicyTerms

SALES = np.full(40, 800.0)


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(8)
    book = make_portfolio(0.03, rng.lognormal(5, 1, 40), 0.7)
    return simulate_losses(book, Dependence(0.15), draws=20_000, seed=4, sampling="plain")


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
    runs = simulate_losses(book, Dependence(0.2), draws=200_000, seed=6, sampling="plain")
    policy = PolicyTerms("excess of loss", insured_share=1.0, aggregate_first_loss=2.0)
    insured = retain(runs, policy, np.ones(10)).insured
    exact = stop_loss(finite_pool_pmf(10, 0.1, 0.2), 2.0)
    assert insured.mean() == pytest.approx(exact, abs=4 * insured.std() / np.sqrt(insured.size))
    assert exact == pytest.approx(stop_loss(aggregate_pmf(finite_pool_pmf(10, 0.1, 0.2), [0.0, 1.0]), 2.0))


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


def test_break_even_premium_makes_the_costs_equal(runs):
    terms = {"insured_share": 0.9, "aggregate_first_loss": 30}
    first = compare_policies(runs, [PolicyTerms("p", premium_rate=0.002, **terms)], SALES)
    for column, cost in (
        ("break_even_rate", "expected_net_cost"),
        ("break_even_rate_risk", "risk_adjusted_cost"),
    ):
        rate = float(first.summary[column].iloc[1])
        again = compare_policies(runs, [PolicyTerms("p", premium_rate=rate, **terms)], SALES).summary
        assert again[cost].iloc[1] == pytest.approx(again[cost].iloc[0])


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


def test_premium_base_is_named(runs):
    by_balance = retain(runs, PolicyTerms("b", premium_rate=0.01, premium_base="balances"), SALES)
    assert by_balance.premium == pytest.approx(0.01 * runs.portfolio.exposure.sum())


def test_bad_comparisons_are_errors(runs):
    with pytest.raises(ModelError):
        compare_policies(runs, [PolicyTerms("p"), PolicyTerms("p")], SALES)
    with pytest.raises(ModelError):
        retain(runs, PolicyTerms("p"), SALES[:3])


def test_plot_names_the_cheapest(runs):
    result = compare_policies(runs, [PolicyTerms("dear", premium_rate=0.5)], SALES)
    ax = result.plot()
    assert NO_INSURANCE in ax.get_title().lower()
    assert "dear" in result._repr_html_()
    ax.figure.clear()
