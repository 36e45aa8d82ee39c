"""How an ageing is drawn: by age, or what is overdue of each value of an attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import money, stamp
from arrisk.portfolio.ageing_buckets import CREDITS, NO_DATE, NOT_DUE, UNAPPLIED_CASH, bucket_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.portfolio.ageing import Ageing
    from arrisk.portfolio.ageing_panel import AgeingPanel

__all__ = ["age_colours", "plot_ages", "plot_attribute", "plot_panel"]

MOST_BARS = 12


def plot_ages(ageing: Ageing, ax: Axes) -> Axes:
    """Bars of the open balance by age, in thousands."""
    amounts = ageing.table.groupby("bucket", sort=False)["amount"].sum() / 1000
    late = amounts.index.isin(bucket_names(ageing.edges) if ageing.clock == "due" else [])
    ax.bar(amounts.index, amounts, color=np.where(late, "#D55E00", "#0072B2"))
    owed = amounts.drop([CREDITS, UNAPPLIED_CASH], errors="ignore").sum()
    overdue = amounts[late].sum()
    share = f"{overdue / owed:.0%} of what is owed is overdue" if owed > 0 else "Nothing is owed"
    ax.set_title(
        f"{share}: {money(overdue, ageing.currency)} thousand" if ageing.clock == "due" else "Age of invoices"
    )
    ax.set_ylabel(f"open, thousand {ageing.currency}")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("days overdue" if ageing.clock == "due" else "days since the invoice date")
    return stamp(ax, ageing.as_of)


def plot_attribute(ageing: Ageing, ax: Axes) -> Axes:
    """What is overdue of each value of the attribute, by age, in thousands, the largest on top."""
    wide = ageing.table.pivot(index=ageing.by, columns="bucket", values="amount") / 1000
    late = bucket_names(ageing.edges, ageing.clock)
    owed = wide.drop(columns=[CREDITS, UNAPPLIED_CASH]).sum(axis=1)
    overdue = wide[late].sum(axis=1).sort_values(ascending=False, kind="stable")
    overdue = overdue[overdue > 0]
    top = overdue.index[:MOST_BARS]
    bars = wide.loc[top, late].clip(lower=0)
    colours = age_colours(len(late))
    left = np.zeros(len(bars))
    for bucket, colour in zip(late, colours, strict=True):
        ax.barh([str(v) for v in bars.index], bars[bucket], left=left, color=colour, label=bucket)
        left += bars[bucket].to_numpy()
    for k, value in enumerate(top):
        share = _share(overdue[value], owed[value])
        ax.annotate(share, (left[k], k), (4, 0), textcoords="offset points", va="center")
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.14)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    what = "overdue" if ageing.clock == "due" else "open"
    ax.set_xlabel(f"{what}, thousand {ageing.currency}; beside the bar: share of what is owed")
    rest = f" (the {MOST_BARS} largest of {len(overdue)})" if len(overdue) > MOST_BARS else ""
    ax.set_title(_finding(overdue, str(ageing.by), what) + rest)
    ax.legend(title="days", loc="lower right")
    return stamp(ax, ageing.as_of)


def age_colours(count: int) -> np.ndarray:
    """Colours of buckets, the older the darker; told apart by colour-blind readers."""
    from matplotlib import colormaps

    return np.asarray(colormaps["YlOrBr"](np.linspace(0.25, 0.95, count)))


def plot_panel(panel: AgeingPanel, ax: Axes) -> Axes:
    """Open balance through time, in thousands: what is overdue at the bottom, the oldest first."""
    from matplotlib.dates import AutoDateLocator

    late = bucket_names(panel.edges, panel.clock)[::-1]
    apart = {NOT_DUE: "#9ecae1", NO_DATE: "0.6"} if panel.clock == "due" else {}
    shown = [*late, *apart]
    totals = panel.table.groupby("month_end")[shown].sum() / 1000
    colours = [*age_colours(len(late))[::-1], *apart.values()]
    ax.stackplot(totals.index, totals.to_numpy().T.clip(min=0), labels=shown, colors=colours)
    ax.set_title(_panel_finding(totals, late, panel.clock))
    ax.set_ylabel(f"open, thousand {panel.currency}")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=7))
    ax.legend(title="days", loc="upper left", bbox_to_anchor=(1.0, 1.0), reverse=True)
    return stamp(ax, panel.as_of)


def _panel_finding(totals: pd.DataFrame, late: list[str], clock: str) -> str:
    part, whole = totals[late] if clock == "due" else totals[late[:1]], totals.sum(axis=1)
    share = (part.sum(axis=1) / whole.where(whole > 0)).fillna(0.0)
    what = "Overdue share" if clock == "due" else f"{late[0].capitalize()} days old: share"
    before = f", {share.iloc[-13]:.0%} a year before" if len(share) > 12 else ""
    return f"{what} {share.iloc[-1]:.0%}{before}"


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole > 0 else ""


def _finding(overdue: pd.Series, by: str, what: str) -> str:
    if overdue.empty:
        return f"Nothing is {what}"
    return f"{overdue.index[0]} holds {overdue.iloc[0] / overdue.sum():.0%} of what is {what}, by {by}"
