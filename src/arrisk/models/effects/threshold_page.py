"""How a threshold shows itself: the jump of an outcome, and the density of the amounts."""

from __future__ import annotations

import datetime as dt
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Table, stamp
from arrisk.models.effects.outcomes import OUTCOMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.effects.bunching import Bunching
    from arrisk.models.effects.effect import Effect

__all__ = ["bunching_table", "describe_bunching", "describe_jump", "plot_density", "plot_discontinuity"]

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "0.6"
WIDTH = 72
SIDES = {"below": GREY, "above": BLUE}


def describe_jump(effect: Effect) -> str:
    """The jump in one sentence."""
    seen = "" if effect.ci_low > 0 or effect.ci_high < 0 else ": not told from none"
    return (
        f"At the threshold the {OUTCOMES.get(effect.outcome, effect.outcome)} jumps by "
        f"{effect.estimate:+.2f} ({effect.ci_low:+.2f} to {effect.ci_high:+.2f}){seen}"
    )


def plot_discontinuity(effect: Effect, as_of: dt.date, ax: Axes | None = None) -> Axes:
    """Means of the outcome by amount, a line on each side, and the jump between them.

    Parameters
    ----------
    effect : Effect
        Of `estimate_discontinuity`.
    as_of : date
    ax : Axes, optional
    """
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(7.0, 3.8))[1] if ax is None else ax
    cutoff = float(effect.table.loc[effect.table["term"] == "cutoff", "running"].iloc[0])
    for side, colour in SIDES.items():
        own = effect.table[effect.table["side"] == side]
        bins, line = own[own["term"] == "bin"], own[own["term"] == "line"]
        label = f"{side} ({int(line['rows'].iloc[0]):,} invoices)" if len(line) else side
        ax.plot(bins["running"], bins["estimate"], "o", color=colour, alpha=0.7, label=label)
        ax.plot(line["running"], line["estimate"], "-", color=colour, linewidth=2)
    ax.axvline(cutoff, color="black", linewidth=0.8, linestyle="--")
    _amount_axis(ax, cutoff)
    ax.set_ylabel(effect.unit or effect.outcome)
    ax.set_title(fill(describe_jump(effect), WIDTH), loc="left")
    ax.legend(loc="best")
    return stamp(ax, as_of, "lines before the bias is taken off")


def _amount_axis(ax: Axes, cutoff: float) -> None:
    """Amounts on a log axis with a mark at the threshold and plain figures."""
    from matplotlib.ticker import FixedLocator, NullLocator

    ax.set_xscale("log")
    low, high = ax.get_xlim()
    steps = [c for c in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0) if low <= c * cutoff <= high]
    ax.xaxis.set_major_locator(FixedLocator([c * cutoff for c in steps]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("amount of the invoice")


def describe_bunching(found: Bunching) -> str:
    """What is seen of manipulation, and what would have been."""
    interval = f"{found.ci_low:+.0%} to {found.ci_high:+.0%}"
    if not found.passed:
        return (
            f"Amounts bunch at {found.cutoff:,.0f}: {found.lifted:+.0%} of the invoices just below were "
            f"lifted over it ({interval})"
        )
    return (
        f"No bunching seen at {found.cutoff:,.0f} ({interval} lifted); less than {found.detectable:.0%} "
        "would go unseen"
    )


def bunching_table(found: Bunching, name: str) -> Table:
    """The checks of the amounts."""
    against = "those before the offer" if found.compared else "each other, round amounts apart"
    note = (
        f"{found.rows:,} invoices within a factor of {np.exp(found.bandwidth):.2f} of the threshold, "
        f"{found.clusters} customers; densities above and below held against {against}; {found.level:.0%} "
        "interval by customer. A check that sees nothing is no proof."
    )
    return Table(name, describe_bunching(found), found.checks, note)


def plot_density(found: Bunching, as_of: dt.date, ax: Axes | None = None) -> Axes:
    """Density of amounts around the threshold, while the offer ran and before."""
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(7.0, 3.6))[1] if ax is None else ax
    offer = found.table[found.table["period"] == "offer"]
    ax.bar(
        offer["low"],
        offer["density"],
        offer["high"] - offer["low"],
        align="edge",
        color=np.where(offer["low"] < found.cutoff * (1 - 1e-9), GREY, BLUE).tolist(),
        edgecolor="white",
        label=f"while the offer ran ({offer['rows'].sum():,} invoices)",
    )
    before = found.table[found.table["period"] == "before"]
    if len(before):
        ax.stairs(
            before["density"],
            np.append(before["low"], before["high"].iloc[-1]),
            color=ORANGE,
            linewidth=1.5,
            label=f"before ({before['rows'].sum():,} invoices)",
        )
    ax.axvline(found.cutoff, color="black", linewidth=0.8, linestyle="--")
    _amount_axis(ax, found.cutoff)
    ax.set_ylabel("share of invoices per unit of log amount")
    ax.set_title(fill(describe_bunching(found), WIDTH), loc="left")
    ax.legend(loc="best")
    return stamp(ax, as_of)
