"""How hazard ratios are shown: the table and the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table
from arrisk.errors import ModelError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.hazard.fit import HazardFit
    from arrisk.models.hazard.proportionality import Proportionality

__all__ = ["plot_by_age", "plot_ratios", "proportionality_table", "ratios_table"]

SIGNIFICANT = 0.05
LEFT_OUT = {
    "aliased": "Said by other terms and the ages already, so left out",
    "empty": "Nothing happened on these days, so their hazard is 0",
}
RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"


def describe_ratios(fit: HazardFit) -> str:
    """The finding in one sentence: the term whose interval lies furthest from 1."""
    table = fit.table[np.isfinite(fit.table["se"])]
    far = np.maximum(table["ci_low"], -table["ci_high"])
    if not len(table) or far.max() <= 0:
        return "No term tells who leaves sooner"
    top = table.loc[far.idxmax()]
    words = "sooner" if top["estimate"] > 0 else "later"
    term = str(top["term"])
    return f"{term[:1].upper()}{term[1:]}: {words}, hazard x {np.exp(top['estimate']):.2f}"


def ratios_table(fit: HazardFit, name: str) -> Table:
    """Hazard ratios with their intervals; a ratio above 1 is sooner."""
    table = fit.table
    frame = pd.DataFrame(
        {
            "term": table["term"],
            "hazard_ratio": np.exp(table["estimate"]),
            "ci_low": np.exp(table["ci_low"]),
            "ci_high": np.exp(table["ci_high"]),
            "p_value": table["p_value"],
        }
    ).round(6)
    who = "as if items were independent" if fit.clusters is None else f"errors by {fit.clusters} customers"
    note = f"{fit.method}; {fit.events} events among {fit.n} items; {fit.level:.0%} intervals, {who}."
    for key, words in LEFT_OUT.items():
        if fit.diagnostics.get(key):
            note += f" {words}: {', '.join(fit.diagnostics[key])}."
    formats: dict[str, Format] = dict.fromkeys(frame.columns[1:], "number")
    return Table(name, describe_ratios(fit), frame, note, formats)


def plot_ratios(fit: HazardFit, ax: Axes | None = None) -> Axes:
    """Forest of hazard ratios on a log scale."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots()[1]
    table = fit.table[np.isfinite(fit.table["se"])].iloc[::-1]
    where = np.arange(len(table))
    ratio = np.exp(table["estimate"])
    bars = [ratio - np.exp(table["ci_low"]), np.exp(table["ci_high"]) - ratio]
    ax.errorbar(ratio, where, xerr=np.array(bars), fmt="o", capsize=4, color=BLUE)
    ax.axvline(1.0, color=GREY, lw=1, ls=":")
    ax.set_yticks(where, list(table["term"]))
    ax.set(xscale="log", xlabel=f"hazard ratio with {fit.level:.0%} interval; above 1: sooner")
    low, high = ax.get_xlim()
    ax.set_xticks([r for r in RATIOS if low <= r <= high], minor=False)
    ax.set_xticks([], minor=True)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_title(describe_ratios(fit))
    return ax


def describe_change(check: Proportionality) -> str:
    """The finding in one sentence."""
    changed = check.table[check.table["p_value"] < SIGNIFICANT]
    if not len(changed):
        return "No effect is seen to change with age"
    top = changed.sort_values("p_value", kind="stable").iloc[0]
    return f"{top['term']}: {top['direction']}"


def proportionality_table(check: Proportionality, name: str) -> Table:
    """The tests, strongest first."""
    frame = check.table.sort_values("p_value", kind="stable").round(6).reset_index(drop=True)
    note = (
        "change: of the log hazard ratio from the first event to the last; F with 1 and df degrees of "
        f"freedom, scores summed by customer. Of {len(frame)} tests {SIGNIFICANT:.0%} look significant by "
        "chance."
    )
    formats: dict[str, Format] = dict.fromkeys(frame.columns[1:5], "number")
    return Table(name, describe_change(check), frame, note, formats)


def plot_by_age(check: Proportionality, ax: Axes | None, term: str | None, bands: int) -> Axes:
    """Hazard ratio of a term by band of ages, with that of all ages."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots()[1]
    tests = check.table.sort_values("p_value", kind="stable")
    term = str(tests["term"].iloc[0]) if term is None else term
    if term not in set(tests["term"]):
        raise ModelError(f"no term {term!r}; there are {', '.join(tests['term'])}")
    test = tests[tests["term"] == term].iloc[0]
    table = check.by_age(bands).query("term == @term")
    where, ratio = np.arange(len(table)), np.exp(table["estimate"])
    bars = [ratio - np.exp(table["ci_low"]), np.exp(table["ci_high"]) - ratio]
    ax.errorbar(where, ratio, yerr=np.array(bars), fmt="o", capsize=4, color=BLUE, label="within these ages")
    whole = np.exp(check.fit.coefficients[check.fit.names.index(term)])
    ax.axhline(whole, color=ORANGE, lw=1.5, ls="--", label="at all ages")
    ticks = [f"{a} to {b}" for a, b in zip(table["first_age"], table["last_age"], strict=True)]
    ax.set_xticks(where, ticks)
    ax.set(yscale="log", xlabel="age, days", ylabel="hazard ratio with 95% interval")
    ax.set_title(f"{term}: {test['direction']} (p = {test['p_value']:.2g})")
    ax.legend()
    return ax
