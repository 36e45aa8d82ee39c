"""Three methods, one answer: exact transform, quadrature and simulation of the same books."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.losses.cover import make_cover
from arrisk.models.losses.engine import choose_method, evaluate_losses, retained_by_cover
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses

LEVELS = (0.95, 0.99, 0.995)


def make_book(obligors, sigma=1.0, spread=0.0, industries=1, seed=1):
    rng = np.random.default_rng(seed)
    pd = np.clip(rng.lognormal(-4.0, 0.7, obligors), 1e-4, 0.5)
    kind = rng.integers(0, industries, obligors).astype(str)
    return make_portfolio(pd, rng.lognormal(9, sigma, obligors), 0.6, spread, kind)


def agree(found, simulated, slack=0.0):
    """Whether every figure lies within 4 standard errors, and the slack, of the simulated one."""
    for row, seen in zip(found.table.itertuples(), simulated.table.itertuples(), strict=True):
        assert row.term == seen.term
        wide = 4.5 * seen.error + slack * seen.estimate + 2 * row.error * (found.method == "fourier")
        assert abs(row.estimate - seen.estimate) <= wide, (row, seen)


@pytest.mark.parametrize("industry_rho", [0.0, 0.1])
@pytest.mark.parametrize("spread", [0.0, 0.25])
def test_transform_and_simulation_of_a_few_names(spread, industry_rho):
    book, dependence = make_book(25, 0.8, spread, 3), Dependence(0.15, industry_rho)
    found = evaluate_losses(book, dependence, levels=LEVELS)
    assert found.method == "fourier"
    assert found.mean == pytest.approx(book.expected_loss, rel=1e-9)
    agree(found, evaluate_losses(book, dependence, method="simulation", draws=15_000))


@pytest.mark.parametrize("industry_rho", [0.0, 0.05])
@pytest.mark.parametrize("spread", [0.0, 0.25])
def test_quadrature_and_simulation_of_many_names(spread, industry_rho):
    book, dependence = make_book(800, 0.5, spread, 4), Dependence(0.15, industry_rho)
    found = evaluate_losses(book, dependence, levels=LEVELS)
    assert found.method == "quadrature"
    assert found.mean == pytest.approx(book.expected_loss, rel=2e-4)
    agree(found, evaluate_losses(book, dependence, method="simulation", draws=15_000), slack=0.003)


@pytest.mark.slow
@pytest.mark.parametrize("industries", [1, 2])
def test_a_strong_factor_of_few_industries(industries):
    """Two industries that fall apart: moments given the common factor were 8% short of the tail."""
    book, dependence = make_book(900, 0.4, 0.0, industries), Dependence(0.1, 0.2)
    found = evaluate_losses(book, dependence)
    assert found.method == "quadrature"
    agree(found, evaluate_losses(book, dependence, method="simulation", draws=10_000), slack=0.003)
    if industries == 1:
        alike = evaluate_losses(book, Dependence(0.3), method="quadrature")
        assert found.table.estimate.to_list() == pytest.approx(alike.table.estimate.to_list(), rel=2e-3)


@pytest.mark.parametrize("spread", [0.0, 0.25])
def test_terms_of_the_year_by_quadrature(spread):
    book, dependence = make_book(800, 0.4, spread), Dependence(0.15)
    loss, years = book.expected_loss, simulate_losses(book, dependence, draws=15_000, seed=2)
    for cover in (
        make_cover(0.9 * book.exposure),
        make_cover(0.9 * book.exposure, first_loss=loss, maximum=3 * loss),
        make_cover(0.8 * book.exposure * (book.pd > 0.02), first_loss=0.3 * loss, maximum=6 * loss),
        make_cover(book.exposure, first_loss=loss, share_after=0.9),
    ):
        found = evaluate_losses(book, dependence, cover, method="quadrature")
        simulated = evaluate_losses(book, dependence, cover, method="simulation", events=years)
        agree(found, simulated, slack=0.006)
        assert found.binds == pytest.approx(simulated.binds, abs=0.002)
        assert found.unused == pytest.approx(simulated.unused, abs=0.01, nan_ok=True)


def test_terms_of_the_year_by_transform():
    book = make_book(30, 0.6)
    cover = make_cover(0.9 * book.exposure, book.expected_loss, 4 * book.expected_loss)
    found = evaluate_losses(book, Dependence(0.15), cover)
    assert found.method == "fourier"
    simulated = evaluate_losses(book, Dependence(0.15), cover, method="simulation", draws=15_000)
    agree(found, simulated)
    assert found.binds == pytest.approx(simulated.binds, abs=0.005)
    assert found.unused == pytest.approx(simulated.unused, abs=0.02)


def test_the_method_is_chosen_by_effective_names_and_said():
    dependence = Dependence(0.15)
    few, many = make_book(30), make_book(1500, 0.5)
    assert choose_method(many, dependence)[0] == "quadrature"
    assert choose_method(few, dependence)[0] == "fourier"
    tops = np.minimum(many.exposure, np.quantile(many.exposure, 0.95))
    method, reason = choose_method(many, dependence, make_cover(tops, first_loss=1.0))
    assert method == "simulation"
    assert "fewer than 600" in reason
    assert "simulated instead" in reason
    asked = evaluate_losses(many, dependence, make_cover(tops, 1.0), method="fourier", draws=500)
    assert asked.method == "simulation"
    assert "several sums" in asked.reason
    assert asked.diagnostics["method"] == "simulation"


def test_terms_of_the_year_with_strong_industries_are_simulated():
    book = make_book(800, 0.4, 0.0, 2)
    cover = make_cover(0.9 * book.exposure, book.expected_loss)
    assert choose_method(book, Dependence(0.1, 0.2), cover)[0] == "simulation"
    assert choose_method(book, Dependence(0.3), cover)[0] == "quadrature"
    assert choose_method(book, Dependence(0.1, 0.2))[0] == "quadrature"


def test_a_cover_of_nothing_changes_nothing():
    book, dependence = make_book(40), Dependence(0.1)
    for method in ("simulation", "quadrature", "fourier"):
        bare = evaluate_losses(book, dependence, method=method, draws=2_000)
        none = evaluate_losses(book, dependence, make_cover(np.zeros(40)), method=method, draws=2_000)
        assert none.table.estimate.to_list() == pytest.approx(bare.table.estimate.to_list())


def test_indemnity_never_exceeds_the_loss_net_of_recoveries():
    book = make_book(40, spread=0.3)
    years = simulate_losses(book, Dependence(0.2), draws=2_000, seed=3)
    kept, gross = retained_by_cover(years, make_cover(book.exposure, 0.0, share_after=0.9))
    assert kept == pytest.approx(0.1 * years.totals())
    assert gross == pytest.approx(years.totals(years.balance))


def test_figures_of_any_law_hang_together():
    book, dependence = make_book(60, spread=0.2), Dependence(0.15)
    for method in ("simulation", "quadrature", "fourier"):
        found = evaluate_losses(book, dependence, method=method, draws=5_000)
        for level in (0.9, 0.99):
            at = found.quantile(level)
            assert found.exceedance(at) <= 1 - level + 1e-6
            assert found.tvar(level) >= at
        assert found.excess(0.0) == pytest.approx(found.mean, rel=0.1 if method == "quadrature" else 1e-9)
        amounts = np.linspace(0, found.quantile(0.999), 20)
        assert (np.diff(found.exceedance(amounts)) <= 1e-9).all()


def test_results_show_themselves():
    book = make_book(40)
    cover = make_cover(0.9 * book.exposure, book.expected_loss, 3 * book.expected_loss)
    for found in (
        evaluate_losses(book, Dependence(0.15)),
        evaluate_losses(book, Dependence(0.15), cover),
        evaluate_losses(book, Dependence(0.15), cover, method="simulation", draws=1_000),
    ):
        assert "one year of a hundred" in found.finding()
        assert found.to_table("losses").name == "losses"
        assert "estimate" in found._repr_html_()
        assert found.plot().get_yscale() == "log"
        assert found.plot_layers().get_xlabel()
        plt.close("all")


@pytest.mark.parametrize("method", ["auto", "quadrature", "fourier"])
def test_where_nothing_can_be_lost(method):
    for book in (make_portfolio(0.0, [1.0, 2.0], 0.5), make_portfolio(0.1, [0.0, 0.0], 0.5)):
        found = evaluate_losses(book, Dependence(0.15), method=method, draws=50)
        assert "Nothing can be lost" in found.reason
        assert (found.table.estimate == 0).all()
    book = make_book(300, 0.3)
    insured = evaluate_losses(book, Dependence(0.15), make_cover(book.exposure), method=method, draws=50)
    assert insured.mean == pytest.approx(0.0, abs=1e-6)


def test_impossible_inputs_are_errors():
    book = make_book(5)
    with pytest.raises(ModelError, match="unknown"):
        evaluate_losses(book, Dependence(0.1), method="magic")
    with pytest.raises(ModelError, match="does not go"):
        evaluate_losses(book, Dependence(0.1), make_cover([1.0]))
    with pytest.raises(ModelError, match="at most the balance"):
        evaluate_losses(book, Dependence(0.1), make_cover(2 * book.exposure))
    with pytest.raises(ModelError, match="between 0 and 1"):
        evaluate_losses(book, Dependence(0.1)).quantile(99)
    for bad in ({"first_loss": -1.0}, {"share_after": 2.0}, {"maximum": float("nan")}):
        with pytest.raises(ModelError):
            make_cover([1.0], **bad)
