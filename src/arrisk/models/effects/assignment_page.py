"""How the rules of an offer are shown: the finding, the table and the picture."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.effects.assignment import OfferRules

__all__ = ["describe_rules", "plot_rules", "show_rules"]

WIDTH = 72
SHOWN = 4
MOST_POINTS = 4_000
FORMATS: dict[str, Format] = {
    "since": "date",
    "from_amount": "money",
    "discount": "percent",
    **dict.fromkeys(("days", "invoices", "customers", "offered", "offered_customers"), "integer"),
}
WORDS = {
    "rule": "by rule",
    "always": "by rule, from the first day",
    "picked": "customers picked by hand",
    "unclear": "no rule found",
    "none": "never offered",
}


def describe_rules(rules: OfferRules) -> str:
    """Who was offered what and why, in one sentence."""
    if not rules.exists:
        return "No invoice of the ledger was offered a discount"
    parts = [_describe(row, rules.currency) for _, row in rules.table.iterrows() if row["kind"] != "none"]
    more = [f"{len(parts) - SHOWN} more"] if len(parts) > SHOWN else []
    return "; ".join([*parts[:SHOWN], *more])


def _describe(row: pd.Series, currency: str) -> str:
    terms = f"{100 * row['rate']:g}%"
    if row["kind"] == "picked":
        picked = f"{int(row['offered_customers'])} of {int(row['customers'])} customers picked by hand"
        return f"{row['group']}: {terms} for {picked}"
    if row["kind"] == "unclear":
        return f"{row['group']}: {int(row['offered'])} offers that no rule explains"
    size = f" from {money(row['threshold'], currency)} on" if row["threshold"] > 0 else ""
    since = " from the first day" if row["kind"] == "always" else f" since {row['start']:%Y-%m-%d}"
    return f"{row['group']}: {terms} on every invoice{size}{since}"


def show_rules(rules: OfferRules, name: str) -> Table:
    """How offers were given, a row a group."""
    frame = pd.DataFrame(
        {
            rules.by: rules.table["group"],
            "offers": rules.table["kind"].map(WORDS),
            "since": rules.table["start"].where(rules.table["kind"] != "none"),
            "from_amount": rules.table["threshold"].where(rules.table["threshold"] > 0),
            "discount": rules.table["rate"],
            "days": rules.table["window"],
            **{c: rules.table[c] for c in ("invoices", "customers", "offered", "offered_customers")},
            "why": rules.table["reason"],
        }
    )
    note = (
        f"From day, amount ({rules.currency}) and customer of each invoice alone: what was paid, and when, "
        "played no part. A rule must tell 95% of the invoices on either side of it."
    )
    return Table(name, describe_rules(rules), frame, note, FORMATS)


def plot_rules(rules: OfferRules, ax: Axes | None = None) -> Axes:
    """Every invoice (of a large ledger every k-th) by day and amount; offered ones in colour."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    reached = rules.table.loc[rules.table["offered"] > 0, "group"]
    rows = rules.invoices[rules.invoices["group"].isin(reached)] if len(reached) else rules.invoices
    step = max(1, len(rows) // MOST_POINTS)
    rows = rows.iloc[::step]
    marks = ((False, "0.75", "not offered"), (True, "#0072B2", "offered"))
    for flag, colour, label in marks:
        some = rows[rows["offered"] == flag]
        ax.plot(some["issue_date"], some["billed"], ".", color=colour, markersize=3, label=label)
    for _, row in rules.ruled.iterrows():
        ax.axvline(row["start"], color="0.3", lw=1, ls="--")
        if row["threshold"] > 0:
            ax.axhline(row["threshold"], color="0.3", lw=1, ls="--")
    ax.set_yscale("log")
    ax.set(xlabel="day of issue", ylabel=f"invoice amount, {rules.currency} (log scale)")
    ax.set_title(fill(describe_rules(rules), WIDTH), loc="left")
    ax.legend(loc="upper left", markerscale=3, ncols=2, frameon=True, framealpha=0.9, edgecolor="none")
    shown = ", ".join(map(str, reached)) if len(reached) else "all invoices"
    return stamp(ax, rules.as_of, f"invoices of {shown}" + (f"; every {step}th" if step > 1 else ""))
