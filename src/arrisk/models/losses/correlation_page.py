"""What counts say about correlation: a sentence, a table, a picture."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import interpolate

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.losses.correlation import CorrelationEvidence

__all__ = ["describe_evidence", "estimates", "plot_evidence", "show_estimates"]

LITTLE, MUCH = 0.2, 0.5
FIRST = 0.002
"""Where curves begin: a prior may be infinite at 0."""
TITLE_WIDTH = 78


def describe_evidence(found: CorrelationEvidence) -> str:
    """What was learned, and what it would take to learn more."""
    years, events = len(found.counts), int(found.counts["events"].sum())
    seen = f"{years} {found.period}{'s' * (years != 1)} with {events:,} {found.event}"
    if not found.identified:
        say = "says" if years == 1 else "say"
        return f"{seen} {say} nothing about correlation: what is assumed of it stays as it was"
    best = found.curves.by_average(found.level)
    told = f"{seen} allow a correlation of {best.low:.2f} to {best.high:.2f}"
    if found.prior.known:
        return f"{told}; {found.prior.low:.2f} is taken as known"
    if best.high < found.prior.low or best.low > found.prior.high:
        held = f"{found.prior.low:.2f} to {found.prior.high:.2f}"
        return f"{told}, which contradicts the {held} assumed: look for the reason before either is used"
    return f"{told} and say {_amount(found)}; half the doubt would take {_periods(found)}"


def _amount(found: CorrelationEvidence) -> str:
    if found.learned < LITTLE:
        return "little more than was assumed"
    return "something beyond what was assumed" if found.learned < MUCH else "most of what is known of it"


def _periods(found: CorrelationEvidence) -> str:
    more, word = found.periods_to_halve, f"{found.period}s"
    return (
        f"about {math.ceil(more):,} more such {word}"
        if math.isfinite(more)
        else "more than such {word} can give"
    )


def estimates(found: CorrelationEvidence) -> pd.DataFrame:
    """term, estimate, ci_low, ci_high."""
    tail = 0.5 - found.level / 2
    low, high = found.prior.quantile([tail, 1 - tail])
    rows: list[tuple[str, float, float, float]] = [("assumed before", found.prior.mean, low, high)]
    if found.identified:
        for term, read in (
            ("maximum likelihood", found.curves.by_profile),
            ("likelihood, level averaged out", found.curves.by_average),
        ):
            seen = read(found.level)
            rows.append((term, seen.estimate, seen.low, seen.high))
    if not found.prior.known:
        after = found.curves.by_posterior(found.level)
        rows.append(("after the counts", after.estimate, after.low, after.high))
    return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])


def show_estimates(found: CorrelationEvidence, name: str) -> Table:
    """Before, alone and after."""
    formats: dict[str, Format] = dict.fromkeys(("estimate", "ci_low", "ci_high"), "percent")
    test = f"chance of counts that vary so much without any correlation: {found.p_value:.3f}. "
    note = (
        f"{found.prior.describe()}. {test if found.identified else ''}One common factor a "
        f"{found.period}, independent of the last, customers alike; {found.level:.0%} intervals. "
        f"Customers {found.event} by {found.period}: {_counts(found)}."
    )
    return Table(name, found.finding(), estimates(found), f"{note[:1].upper()}{note[1:]}", formats)


def _counts(found: CorrelationEvidence) -> str:
    pairs = found.counts[["events", "trials"]].to_numpy(dtype=int)
    return ", ".join(f"{k} of {n}" for k, n in pairs) or "none counted"


def plot_evidence(found: CorrelationEvidence, ax: Axes | None = None) -> Axes:
    """Prior and posterior densities, and the likelihood scaled to the height of the higher."""
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1] if ax is None else ax
    curves, end = found.curves, max(0.5, found.prior.high * 1.5)
    fine, top = np.linspace(FIRST, end, 301), 1.0
    likely = np.exp(interpolate.pchip_interpolate(np.sqrt(curves.rho), curves.averaged, np.sqrt(fine)))
    if found.prior.known:
        ax.axvline(found.prior.low, color="#999999", linestyle="--", label="taken as known")
    else:
        before = found.prior.density(fine)
        after = before * likely / np.trapezoid(before * likely, fine)
        top = float(max(before.max(), after.max()))
        ax.plot(fine, before, color="#999999", linestyle="--", label="assumed before")
        ax.plot(fine, after, color="#0072B2", label="after the counts")
    if found.identified:
        ax.plot(fine, top * likely, color="#D55E00", label="counts alone (height scaled)")
    ax.set(
        xlabel="asset correlation", ylabel="density", ylim=(0, None), title=fill(found.finding(), TITLE_WIDTH)
    )
    ax.legend()
    return ax if found.as_of is None else stamp(ax, found.as_of)
