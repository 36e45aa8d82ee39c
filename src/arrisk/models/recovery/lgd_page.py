"""How losses given default are shown: the finding, tables and the picture."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.recovery.loss_given_default import LossGivenDefault

__all__ = ["describe_lgd", "plot_lgd", "show_conventions", "show_lgd"]

NAMED = 4
WIDTH = 72
FORMATS: dict[str, Format] = {
    **dict.fromkeys(("exposure", "received"), "money"),
    **dict.fromkeys(("lgd", "lgd_low", "lgd_high", "credibility", "credible"), "percent"),
    **dict.fromkeys(("customers", "paid", "months"), "integer"),
}


def describe_lgd(lgd: LossGivenDefault) -> str:
    """The finding in one sentence: the loss with its range, and whether security helps."""
    total = lgd.table.iloc[-1]
    n = int(total["customers"])
    if n == 0:
        return "No customer has defaulted, so nothing is known of the loss given default"
    people = f"{n} defaulted customer{'s' * (n != 1)}"
    if not lgd.identified:
        return f"{people}, too few or too young to tell what is lost"
    whole = (
        f"{total['lgd']:.0%} is lost of what {people} owed ({total['ci_low']:.0%} to {total['ci_high']:.0%})"
    )
    if lgd.by is None:
        return whole
    classes = lgd.table.iloc[:-1]
    held = classes[classes["security"] != "none"]
    few = int(held["customers"].sum())
    what = lgd.by.replace("_", " ")
    if not len(held):
        return f"{whole}; none of them had a {what}, so the data cannot say whether it helps"
    if not lgd.tells_apart:
        return f"{whole}; with {few} of them under {what} the data cannot say whether it helps"
    parts = [f"{row.security} {row.credible:.0%}" for row in classes.head(NAMED).itertuples()]
    return f"{whole}; it differs by {what}: {', '.join(parts)}"


def show_lgd(lgd: LossGivenDefault, name: str) -> Table:
    """Losses given default by class with their ranges and the customers behind them."""
    frame = lgd.table.rename(columns={"ci_low": "lgd_low", "ci_high": "lgd_high"}).drop(columns="interval")
    frame = frame.rename(columns={"security": lgd.by or "customers_by"})
    tested = (
        ""
        if np.isnan(lgd.p_value)
        else (
            f" Were security of no effect, classes would differ so much with a chance of {lgd.p_value:.0%}."
        )
    )
    note = (
        f"Amounts in {lgd.currency}. {lgd.diagnostics['level']:.0%} intervals of a class's own figure, by "
        "customer. Paid: customers that paid anything since. Credible: own figure drawn towards all "
        f"customers as far as it says little.{tested}"
    )
    return Table(name, lgd.finding(), frame, note, FORMATS)


def show_conventions(lgd: LossGivenDefault, name: str) -> Table:
    """Every convention behind the figures, one a row."""
    frame = pd.DataFrame(list(lgd.conventions.items()), columns=["choice", "as done here"])
    return Table(name, "Conventions: with the same choices another hand gets the same figures", frame)


def plot_lgd(lgd: LossGivenDefault, ax: Axes | None = None) -> Axes:
    """A dot and its range a class, the credible figure as a tick; all customers at the bottom."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    at = np.arange(len(lgd.table))[::-1]
    low, high, own, credible = (
        100 * lgd.table[c].to_numpy(dtype=float) for c in ("ci_low", "ci_high", "lgd", "credible")
    )
    whole = np.arange(len(lgd.table)) == len(lgd.table) - 1
    for drawn, colour in ((~whole, "#0072B2"), (whole, "#333333")):
        ax.hlines(at[drawn], low[drawn], high[drawn], color=colour, linewidth=2.5)
        ax.plot(own[drawn], at[drawn], "o", color=colour, markersize=7)
    ax.plot(credible[~whole], at[~whole], "|", color="#D55E00", markersize=16, markeredgewidth=2)
    labels = [
        f"{name} (n = {n})" for name, n in zip(lgd.table["security"], lgd.table["customers"], strict=True)
    ]
    ax.set_yticks(at, labels)
    ax.set(ylim=(-0.6, len(at) - 0.4), xlim=(0, max(100.0, float(np.nanmax(high, initial=100.0)))))
    ax.set(xlabel="lost, % of what was owed at default", title=fill(lgd.finding(), WIDTH))
    mark = "; tick: credible" if (~whole).any() else ""
    return stamp(ax, lgd.as_of, f"{lgd.diagnostics['level']:.0%} intervals by customer{mark}")
