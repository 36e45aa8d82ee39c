"""The loss of a year by the method that fits the book: simulation, quadrature or exact transform."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame, concat

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import effective_names
from arrisk.models.losses.cover import Cover
from arrisk.models.losses.cumulants import YearSum, conditional_cumulants
from arrisk.models.losses.distribution import LossDistribution, law_figures
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.fourier import FourierYear, fourier_law, fourier_obstacle
from arrisk.models.losses.loss_laws import WeightedValues
from arrisk.models.losses.measures import LEVELS
from arrisk.models.losses.portfolio import Dependence, LossPortfolio
from arrisk.models.losses.quadrature import FACTOR_CELLS, quadrature_law
from arrisk.models.losses.simulation import simulate_losses

__all__ = [
    "FINE_GRAINED_NAMES",
    "FINE_GRAINED_WITH_TERMS",
    "METHODS",
    "choose_method",
    "counted_names",
    "evaluate_losses",
    "needed_names",
    "retained_by_cover",
]

FloatArray = NDArray[np.float64]
METHODS = ("auto", "simulation", "quadrature", "fourier")
# From 150 effective names on, tail means by quadrature lie within .3% of the exact transform at PDs of 2% and
# more (within .4% at .5%); at 100 names and .5% they are .8% off, at 25 names 4%. See `evaluate_losses`.
FINE_GRAINED_NAMES = 150.0
# With terms of the year the kept loss bends where they begin: at 208 names its 99.5% quantile is 1% off, at
# 679 within .3% (benchmarks/bench_losses.py).
FINE_GRAINED_WITH_TERMS = 600.0
# The factor of one bad year in a hundred; 150 equal names of a PD of 2% have a skewness of about .2 then.
BAD_FACTOR = -2.33
MOST_SKEW_WITH_TERMS = 0.3
DRAWS = 50_000
ROUNDING = 1e-9
NORMAL_95 = 1.959963984540054


def evaluate_losses(
    portfolio: LossPortfolio,
    dependence: Dependence,
    cover: Cover | None = None,
    method: str = "auto",
    draws: int = DRAWS,
    seed: int = 0,
    levels: Sequence[float] = LEVELS,
    events: LossEvents | None = None,
) -> LossDistribution:
    """Distribution of the loss of a year, before or after a cover.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    cover : Cover, optional
        No insurance by default.
    method : {"auto", "simulation", "quadrature", "fourier"}
        "auto" chooses by the effective number of names; `.reason` says what and why.
    draws, seed : int
        Of a simulation.
    levels : sequence of float
        Levels of the quantiles and tail means in the table.
    events : LossEvents, optional
        Simulated years of this portfolio to use when the method is simulation; by default they are drawn.

    Returns
    -------
    LossDistribution

    Raises
    ------
    ModelError
        If a word is unknown, or the cover or the events do not go with the portfolio.

    Notes
    -----
    Where the normal law given the factor fails, measured against the exact transform at a correlation of .15:
    mean losses of the worst 1% of years are 3.9% off with 25 equal names of a PD of .5%, .8% with 100, .15%
    with 150; at a PD of 2% .4%, .1% and .1%. Books of 90 to 130 effective names with a few very large ones
    are .3 to .5% off without terms of the year and .5 to .9% with them. With equal balances a quantile jumps
    by a whole balance, and quadrature draws a smooth line through the jumps: up to one balance off at any
    number of names (5% at 300 names of a PD of .5%). The number of names is that of the balances, or of what
    a cover leaves of them when that is less: limits on buyers leave the tops of a few, and with 200 to 280
    names in the book figures were 5 to 10% off.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> book = make_portfolio(0.02, [100.0] * 5000, 0.5)
    >>> found = evaluate_losses(book, Dependence(0.15))
    >>> found.method, round(found.mean), round(found.quantile(0.995) / 250_000, 3)
    ('quadrature', 5000, 0.126)
    """
    if method not in METHODS:
        raise ModelError(f"method {method!r} is unknown; known are {', '.join(METHODS)}")
    if cover is not None:
        cover.check(portfolio)
    chosen, reason = choose_method(portfolio, dependence, cover, method)
    if chosen == "simulation":
        return _simulated(portfolio, dependence, cover, reason, draws, seed, levels, events)
    if chosen == "fourier":
        return _fourier(portfolio, dependence, cover, reason, levels)
    return _quadrature(portfolio, dependence, cover, reason, levels)


def retained_by_cover(events: LossEvents, cover: Cover | None) -> tuple[FloatArray, FloatArray]:
    """Loss that each simulated year leaves after a cover, and the covered amounts of the year.

    Returns
    -------
    retained, covered : arrays of shape (draws,)
    """
    total = events.totals()
    if cover is None:
        return total, np.zeros(events.draws)
    gross = events.by_draw(cover.covered)
    net = events.by_draw(cover.covered, lost=True)
    return np.maximum(total - net * cover.paid_share(gross), 0.0), gross


def counted_names(portfolio: LossPortfolio, cover: Cover | None = None) -> float:
    """Effective number of names of the balances, or of what a cover leaves of them when that is less.

    A limit on each buyer leaves the insured with the tops of the largest balances: few names, even when the
    book has many.
    """
    names = portfolio.effective_names
    if cover is None:
        return names
    kept = portfolio.exposure - cover.share_after * cover.covered
    return min(names, effective_names(kept)) if kept.sum() > ROUNDING * portfolio.exposure.sum() else names


def choose_method(
    portfolio: LossPortfolio, dependence: Dependence, cover: Cover | None = None, method: str = "auto"
) -> tuple[str, str]:
    """The method that fits a book and a cover, and why in one sentence.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import make_portfolio
    >>> choose_method(make_portfolio(0.02, [100.0] * 20, 0.5), Dependence(0.15))[0]
    'fourier'
    """
    kept = portfolio.exposure
    if cover is not None and not cover.by_year:
        kept = np.where(kept > cover.share_after * cover.covered * (1 + ROUNDING), kept, 0.0)
    if not (portfolio.pd * portfolio.lgd * kept).any():
        return "simulation", "Nothing can be lost, which needs no method."
    names = counted_names(portfolio, cover)
    seen = f"{names:,.0f} effective names"
    if method in ("simulation", "quadrature"):
        return method, f"{method.capitalize()} was asked for ({seen})."
    needed = needed_names(cover)
    fine = names >= needed
    if method == "auto" and fine and _lopsided(portfolio, dependence, cover):
        return "simulation", (
            f"{seen} are enough, but with terms of the year and so strong factors of few industries the loss "
            "is far from normal given the common factor, and years are simulated."
        )
    if method == "auto" and fine:
        return "quadrature", (
            f"{seen} are at least {needed:,.0f}: given the common factor the loss is nearly "
            "normal, and quadrature is exact enough."
        )
    few = f"{seen} are fewer than {needed:,.0f}, so single customers count"
    asked = f"The exact transform was asked for ({seen})" if method == "fourier" else few
    obstacle = fourier_obstacle(portfolio, dependence, cover)
    if obstacle:
        return "simulation", f"{asked}; {obstacle}, and years are simulated instead."
    return "fourier", f"{asked}; given the common factor the transform is exact."


def needed_names(cover: Cover | None) -> float:
    """Effective names from which quadrature is exact enough: more when terms of the year bend the loss."""
    return FINE_GRAINED_WITH_TERMS if cover is not None and cover.by_year else FINE_GRAINED_NAMES


def _lopsided(portfolio: LossPortfolio, dependence: Dependence, cover: Cover | None) -> bool:
    """Whether terms of the year meet industries whose factors leave the loss of a bad year skewed."""
    if cover is None or not cover.by_year or dependence.industry_rho == 0:
        return False
    bad = np.array([BAD_FACTOR])
    found = conditional_cumulants(portfolio, dependence, [YearSum(portfolio.exposure)], bad)
    return bool(found.third[0] > MOST_SKEW_WITH_TERMS * found.covariance[0, 0, 0] ** 1.5)


def _quadrature(
    portfolio: LossPortfolio,
    dependence: Dependence,
    cover: Cover | None,
    reason: str,
    levels: Sequence[float],
) -> LossDistribution:
    found = quadrature_law(portfolio, dependence, cover)
    rough = quadrature_law(portfolio, dependence, cover, FACTOR_CELLS // 2, skewed=False)
    table = law_figures(found.law, levels)
    error = np.abs(table.estimate - law_figures(rough.law, levels).estimate)
    table = table.assign(error=error, low=table.estimate - error, high=table.estimate + error)
    notes = {"effective_names": portfolio.effective_names, "factor_cells": FACTOR_CELLS}
    return LossDistribution(
        portfolio,
        dependence,
        cover,
        found.law,
        table,
        found.binds,
        found.unused,
        "quadrature",
        reason,
        {"method": "quadrature", "reason": reason, **notes},
    )


def _fourier(
    portfolio: LossPortfolio,
    dependence: Dependence,
    cover: Cover | None,
    reason: str,
    levels: Sequence[float],
) -> LossDistribution:
    found = fourier_law(portfolio, dependence, cover)
    table = law_figures(found.law, levels)
    table = _lattice_errors(table, found, cover is not None and cover.by_year)
    notes = {
        "effective_names": portfolio.effective_names,
        "lattice_step": found.step,
        "lattice_points": found.law.value.size,
        "rounding_at_most": found.shift,
    }
    return LossDistribution(
        portfolio,
        dependence,
        cover,
        found.law,
        table,
        found.binds,
        found.unused,
        "fourier",
        reason,
        {"method": "fourier", "reason": reason, **notes},
    )


def _lattice_errors(table: DataFrame, found: FourierYear, terms: bool) -> DataFrame:
    """Errors of rounding: its standard deviation, and the most it can move a figure by.

    A mean is preserved and a tail mean never too small, as the rounded loss is larger in convex order; with
    terms of the year, which bend the loss, neither holds.
    """
    rounding, sd = np.sqrt(found.variance), float(table.estimate.iloc[1])
    widened = sd - np.sqrt(max(sd**2 - found.variance, 0.0))
    error = np.full(len(table), rounding)
    error[:2] = rounding if terms else (0.0, widened)
    most = np.full(len(table), found.shift)
    most[:2] = error[:2]
    tail = table.term.isin(["expected", "sd"]) | table.term.str.startswith("tvar")
    above = np.where(tail.to_numpy(dtype=bool) & (not terms), 0.0, most)
    estimate = table.estimate.to_numpy(dtype=float)
    return table.assign(error=error, low=np.maximum(estimate - most, 0.0), high=estimate + above)


def _simulated(
    portfolio: LossPortfolio,
    dependence: Dependence,
    cover: Cover | None,
    reason: str,
    draws: int,
    seed: int,
    levels: Sequence[float],
    events: LossEvents | None,
) -> LossDistribution:
    years = simulate_losses(portfolio, dependence, draws, seed) if events is None else events
    if years.portfolio is not portfolio and len(years.portfolio) != len(portfolio):
        raise ModelError("the simulated years are those of another portfolio")
    retained, gross = retained_by_cover(years, cover)
    law = WeightedValues.of(retained, years.weight)
    notes = {"effective_names": portfolio.effective_names, "draws": years.draws, "seed": years.seed}
    return LossDistribution(
        portfolio,
        dependence,
        cover,
        law,
        _simulated_table(years, retained, law, levels),
        np.nan if cover is None else float(years.weight @ cover.binds(gross)),
        np.nan if cover is None or cover.first_loss == 0 else float(years.weight @ cover.unused(gross)),
        "simulation",
        reason,
        {"method": "simulation", "reason": reason, **notes},
        years,
    )


def _simulated_table(
    years: LossEvents, retained: FloatArray, law: WeightedValues, levels: Sequence[float]
) -> DataFrame:
    """Figures with Monte Carlo errors; that of the standard deviation by its influence function."""
    found = years.measures(retained, levels).rename(
        columns={"mc_error": "error", "mc_low": "low", "mc_high": "high"}
    )
    sd = law.sd()
    square, spread = years.mean((retained - law.mean()) ** 2)
    error = float(spread) / (2 * sd) if sd > 0 else 0.0
    row = DataFrame(
        {
            "term": ["sd"],
            "estimate": [float(np.sqrt(square))],
            "error": [error],
            "low": [sd - NORMAL_95 * error],
            "high": [sd + NORMAL_95 * error],
        }
    )
    columns = ["term", "estimate", "error", "low", "high"]
    return concat([found[columns][:1], row, found[columns][1:]], ignore_index=True)
