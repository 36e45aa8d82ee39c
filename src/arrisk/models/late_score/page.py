"""How a score of lateness is shown: its terms, whether it keeps its word, how it compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.late_score.comparison import LateComparison
    from arrisk.models.late_score.score import LateScore

__all__ = ["comparison_table", "late_table", "plot_comparison", "plot_late_score"]

GROUPS = 10


def late_table(score: LateScore, name: str) -> Table:
    """Terms of a score, the strongest first."""
    table = score.table.iloc[1:]
    order = np.argsort(-table["estimate"].abs().to_numpy(), kind="stable")
    frame = table.iloc[order][["meaning", "estimate", "ci_low", "ci_high"]].reset_index(drop=True)
    late = score.held_out["late"].mean()
    return Table(
        name,
        f"What makes an invoice late: {late:.0%} of {score.n:,} were",
        frame,
        note="log-odds for a standard deviation of each term, drawn towards zero (prior variance "
        f"{score.variance:.3g}); 95% intervals by {score.customers:,} customers; {score.as_of:%Y-%m-%d}",
    )


def plot_late_score(score: LateScore, ax: Axes | None = None) -> Axes:
    """Share late in ten groups of the probability told, on customers not learnt from."""
    import matplotlib.pyplot as plt

    ax = plt.gca() if ax is None else ax
    rows = score.held_out.sort_values("probability", kind="stable")
    group = np.arange(len(rows)) * GROUPS // len(rows)
    means = rows.groupby(group)[["probability", "late"]].mean()
    ax.plot([0, 100], [0, 100], color="0.6", linewidth=1)
    ax.plot(100 * means["probability"], 100 * means["late"], marker="o", linewidth=1.4)
    low, high = means["late"].iloc[0], means["late"].iloc[-1]
    ax.set_title(f"Of the safest tenth of invoices {low:.0%} were late, of the riskiest {high:.0%}")
    ax.set_xlabel("probability told at issue, % (customers not learnt from)")
    ax.set_ylabel("share late, %")
    return stamp(ax, score.as_of)


def comparison_table(comparison: LateComparison, name: str) -> Table:
    """Scores on invoices issued after each cut."""
    formats: dict[str, Format] = {"cut": "date", "late": "percent"}
    return Table(
        name,
        "Who will pay late, told at issue: scores learnt before a cut, tested on invoices issued after it",
        comparison.table,
        note=f"AUC with 95% intervals by customer; gain is the late score's AUC less the row's; known by "
        f"{comparison.as_of:%Y-%m-%d}",
        formats=formats,
    )


def plot_comparison(comparison: LateComparison, ax: Axes | None = None) -> Axes:
    """AUC of each score by cut."""
    import matplotlib.pyplot as plt

    ax = plt.gca() if ax is None else ax
    table = comparison.table
    for score, rows in table.groupby("score", sort=False):
        ax.plot(rows["cut"], rows["auc"], marker="o", linewidth=1.4, label=str(score))
    honest = table[~table["looks_ahead"]]
    best = honest.loc[honest.groupby("cut")["auc"].idxmax(), "score"] == comparison.ours
    ax.set_title(
        f"The late score orders best of those that do not look ahead at {best.sum()} of {len(best)} cuts"
    )
    ax.set_ylabel("area under the ROC curve")
    ax.set_xlabel("learnt before, tested after")
    ax.legend()
    return stamp(ax, comparison.as_of)
