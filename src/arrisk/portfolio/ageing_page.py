"""How an ageing is drawn: by age, or what is overdue of each value of an attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import money, stamp
from arrisk.portfolio.ageing_buckets import CREDITS, UNAPPLIED_CASH, bucket_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.portfolio.ageing import Ageing

__all__ = ["plot_ages", "plot_attribute"]

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
    from matplotlib import colormaps

    wide = ageing.table.pivot(index=ageing.by, columns="bucket", values="amount") / 1000
    late = bucket_names(ageing.edges, ageing.clock)
    owed = wide.drop(columns=[CREDITS, UNAPPLIED_CASH]).sum(axis=1)
    overdue = wide[late].sum(axis=1).sort_values(ascending=False, kind="stable")
    top = overdue.index[:MOST_BARS]
    bars = wide.loc[top, late].clip(lower=0)
    colours = colormaps["cividis"](np.linspace(0.85, 0.1, len(late)))
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


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole > 0 else ""


def _finding(overdue: pd.Series, by: str, what: str) -> str:
    total = overdue.clip(lower=0).sum()
    if total <= 0:
        return f"Nothing is {what}"
    return f"{overdue.index[0]} holds {overdue.iloc[0] / total:.0%} of what is {what}, by {by}"
