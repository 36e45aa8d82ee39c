"""How evidence on segments is shown: the finding, tables and the picture."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.loss_rates.segmentation import SegmentationEvidence

__all__ = ["GAINS", "describe_segmentation", "plot_segments", "show_attributes", "show_segments"]

GAINS = ("gain", "gain_low", "gain_high")
TITLE_WIDTH = 75
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
FORMATS: dict[str, Format] = {
    **dict.fromkeys((*GAINS, "losers_share", "low", "high", "lost_share"), "percent"),
    **dict.fromkeys(("segments", "customers", "losers"), "integer"),
    **dict.fromkeys(("settled", "lost"), "money"),
    **dict.fromkeys(("p", "p_error", "p_holm"), "number"),
}
OPENINGS = {
    "segment": "Provide by {names}: losses differ by more than chance",
    "pool": "Keep customers together whatever their {names}: nothing shows that losses differ",
    "the data cannot say": "Whether losses differ by {names} the data cannot say",
}


def describe_segmentation(found: SegmentationEvidence) -> str:
    """What to do with each attribute, in one sentence."""
    if found.table.empty:
        return "The ledger tells nothing of customers that could make segments"
    parts: list[str] = []
    for verdict, opening in OPENINGS.items():
        names = found.table.loc[found.table["verdict"] == verdict, "attribute"].tolist()
        if names:
            text = opening.format(names=_listed(names))
            parts.append(text[0].lower() + text[1:] if parts else text)
    losers, customers = (int(found.table[name].iloc[0]) for name in ("losers", "customers"))
    lost = {0: "no customer", 1: "one customer"}.get(losers, f"{losers} customers")
    return f"{'; '.join(parts)} ({lost} of {customers:,} lost anything)"


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def show_attributes(found: SegmentationEvidence, name: str) -> Table:
    """Test, gain and verdict by attribute."""
    choices = "; ".join(f"{key}: {value}" for key, value in found.conventions.items())
    note = (
        "p is the chance of such a division if segments did not matter, p_error its Monte Carlo standard "
        f"error, p_holm adjusts it for the number of attributes. {found.level:.0%} intervals by customer. "
        f"{choices}."
    )
    return Table(name, found.finding(), found.table, note, FORMATS)


def show_segments(found: SegmentationEvidence, name: str) -> Table:
    """Customers, losers and loss shares by segment."""
    note = (
        f"losers_share: customers with a loss, with its exact {found.level:.0%} interval; lost_share: "
        f"{found.conventions['loss share']}."
    )
    return Table(name, found.finding(), found.segments, note, FORMATS)


def plot_segments(found: SegmentationEvidence, ax: Axes | None = None) -> Axes:
    """Share of customers with a loss in each segment, with its interval, against that of all."""
    import matplotlib.pyplot as plt

    rows = found.segments
    if rows.empty:
        ax = ax if ax is not None else plt.subplots()[1]
        ax.set_title(found.finding())
        return stamp(ax, found.as_of)
    ax = ax if ax is not None else plt.subplots(figsize=(7.5, 1.8 + 0.3 * len(rows)))[1]
    codes = rows["attribute"].map({by: k for k, by in enumerate(rows["attribute"].unique())}).to_numpy()
    at = np.arange(len(rows)) + 0.7 * codes
    colours = [COLOURS[code % len(COLOURS)] for code in codes]
    ax.hlines(at, 100 * rows["low"], 100 * rows["high"], color=colours, linewidth=2.5)
    ax.scatter(100 * rows["losers_share"], at, color=colours, zorder=3)
    whole = 100 * found.table["losers"].iloc[0] / found.table["customers"].iloc[0]
    ax.axvline(whole, color="0.4", linestyle="--", label="all customers")
    ax.set_yticks(at, [f"{row.attribute}: {row.segment}" for row in rows.itertuples()])
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.set_xlabel("customers with a loss, %")
    ax.set_title(fill(found.finding(), TITLE_WIDTH), fontsize=10)
    ax.legend(loc="lower right")
    return stamp(ax, found.as_of, f"{found.level:.0%} intervals by customer")
