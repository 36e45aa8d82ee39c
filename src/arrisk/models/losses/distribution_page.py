"""The distribution of a year's loss for people: a sentence, a table, pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.display import Format, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.losses.distribution import LossDistribution

__all__ = ["describe_distribution", "plot_distribution", "plot_layers", "show_distribution"]

BAD_YEAR = 0.99
POINTS = 400
LEAST_CHANCE = 1e-4
METHODS = {
    "simulation": "simulation",
    "quadrature": "quadrature over the common factor",
    "fourier": "exact transform given the common factor",
}


def describe_distribution(found: LossDistribution) -> str:
    """What the average year and one year in a hundred cost."""
    kept = "Customers' defaults cost" if found.cover is None else "After the cover, customers' defaults cost"
    return (
        f"{kept} {found.mean:,.0f} in the average year and at least {found.quantile(BAD_YEAR):,.0f} in one "
        f"year of a hundred (by {METHODS[found.method]})"
    )


def show_distribution(found: LossDistribution, name: str) -> Table:
    """Figures with errors; the method in the note."""
    formats: dict[str, Format] = dict.fromkeys(("estimate", "error", "low", "high"), "money")
    return Table(name, found.finding(), found.table, _note(found), formats)


def _note(found: LossDistribution) -> str:
    words = [found.reason, _error_words(found.method)]
    if math.isfinite(found.binds):
        words.append(f"The maximum cuts the payments of {found.binds:.2%} of years.")
    if math.isfinite(found.unused):
        words.append(f"The first loss is not exceeded in {found.unused:.1%} of years.")
    return " ".join(words)


def _error_words(method: str) -> str:
    if method == "simulation":
        return "error: Monte Carlo standard error; low and high: its 95% range."
    if method == "fourier":
        return "error: what rounding amounts to the lattice changes on average; low and high: at most."
    return "error: what the correction for skewness and the finer grid changed."


def plot_distribution(found: LossDistribution, ax: Axes | None = None) -> Axes:
    """Chance of a larger loss on a log scale, with the 99% point marked."""
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1] if ax is None else ax
    amounts = _amounts(found)
    ax.plot(amounts, found.exceedance(amounts), color="#0072B2")
    ax.axvline(found.quantile(BAD_YEAR), color="#D55E00", linestyle="--", label="one year in a hundred")
    ax.set(xlabel="loss in a year (currency units)", ylabel="chance of a larger loss", yscale="log")
    ax.set_ylim(LEAST_CHANCE, 1.0)
    ax.set_title(found.finding())
    ax.legend()
    return ax


def plot_layers(found: LossDistribution, ax: Axes | None = None) -> Axes:
    """Loss before and after the cover; first loss, layer and what is above the maximum in colours."""
    import matplotlib.pyplot as plt

    from arrisk.models.losses.engine import evaluate_losses

    ax = plt.subplots()[1] if ax is None else ax
    if found.cover is None:
        return plot_distribution(found, ax)
    whole = evaluate_losses(found.portfolio, found.dependence, events=found.events)
    amounts = _amounts(whole)
    ax.plot(amounts, whole.exceedance(amounts), color="#999999", label="without the cover")
    ax.plot(amounts, found.exceedance(amounts), color="#0072B2", label="kept with the cover")
    low, high = found.cover.first_loss, found.cover.first_loss + found.cover.maximum
    end = float(amounts[-1])
    for start, stop, colour, text in (
        (0.0, low, "#F0E442", "first loss, kept"),
        (low, min(high, end), "#009E73", "paid by the insurer"),
        (high, end, "#D55E00", "above the maximum, kept"),
    ):
        if min(stop, end) > start:
            ax.axvspan(start, min(stop, end), color=colour, alpha=0.15, label=text)
    ax.set(xlabel="covered or kept loss in a year (currency units)", ylabel="chance of a larger loss")
    ax.set(yscale="log", ylim=(LEAST_CHANCE, 1.0), title=found.finding())
    ax.legend()
    return ax


def _amounts(found: LossDistribution) -> NDArray[np.float64]:
    top = max(found.quantile(1 - LEAST_CHANCE), 1e-9)
    return np.linspace(0.0, top, POINTS)
