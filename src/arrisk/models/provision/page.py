"""How provision rates are shown: tables, the picture of the rates, and the finding in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.provision.matrix import ProvisionMatrix

__all__ = [
    "compare_paths",
    "conventions_table",
    "describe_matrix",
    "paths_table",
    "plot_rates",
    "rates_table",
]

BLUE, VERMILLION = "#0072B2", "#D55E00"
YOUNG = "not due: a fixed wait misses later write-offs, and the flows look at recent months"
MIDDLE = "between: flows chain averages of a month, the realised path follows the same money"
OLD = "last bucket: flows rate money as it comes in, the realised path what was not soon collected"


def describe_matrix(matrix: ProvisionMatrix) -> str:
    """The finding in one sentence: an amount with its range, or why there is only a bound."""
    total, owed = matrix.total, f"{money(float(matrix.table['balance'].sum()), matrix.currency)} owed"
    if total.value is not None:
        spread = f"{money(total.low)} to {money(total.high)}"
        return f"Provide {money(total.value, matrix.currency)} of {owed} (range {spread})"
    losers = matrix.diagnostics["customers_with_losses"]
    seen = "No customer was" if losers == 0 else "Only one customer was"
    return f"{seen} written off, so no rate: at most {money(total.high, matrix.currency)} of {owed}"


def rates_table(matrix: ProvisionMatrix, name: str) -> Table:
    """Balance, rate and provision by bucket with their intervals, and the total."""
    frame = matrix.table[["bucket", "balance", "rate"]].copy()
    frame["rate_low"], frame["rate_high"] = matrix.table["ci_low"], matrix.table["ci_high"]
    frame["provision"] = matrix.table["provision"]
    frame["provision_low"] = (frame["rate_low"] * frame["balance"]).round(2)
    frame["provision_high"] = (frame["rate_high"] * frame["balance"]).round(2)
    total, owed = matrix.total, float(frame["balance"].sum())
    ends = [np.nan if total.value is None else total.value, total.low, total.high]
    shares = [x / owed if owed > 0 else np.nan for x in ends]
    last = pd.DataFrame([["total", round(owed, 2), *shares, *ends]], columns=frame.columns)
    frame = pd.concat([frame, last], ignore_index=True)
    kind = "intervals" if matrix.identified else "bounds, no rates: what this ledger does not rule out"
    note = (
        f"Amounts in {matrix.currency}; days overdue, day 0 is not due, both ends of a bucket included. "
        f"{total.level:.0%} {kind}, by customer. The range of the total is its own: those of the buckets do "
        "not add up to it."
    )
    title = "Loss rates and provision by age of debt"
    title = title if matrix.identified else "No loss rates: what the ledger does not rule out, by age of debt"
    return Table(name, title, frame, note, _formats(frame))


def compare_paths(matrix: ProvisionMatrix) -> pd.DataFrame:
    """Both paths side by side with the reason why they differ, by bucket."""
    out = matrix.table[["bucket", "balance", "rate", "ci_low", "ci_high"]].copy()
    other = matrix.realised
    out["realised_rate"] = other["rate"].to_numpy()
    out["realised_low"], out["realised_high"] = other["ci_low"].to_numpy(), other["ci_high"].to_numpy()
    out["reason"] = [YOUNG, *[MIDDLE] * (len(out) - 2), OLD]
    return out


def paths_table(matrix: ProvisionMatrix, name: str) -> Table:
    """The two paths to the rates side by side, the amounts they give today, and why they differ."""
    frame = compare_paths(matrix).drop(columns=["reason", "balance"])
    frame = frame.rename(columns={"rate": "flow_rate", "ci_low": "flow_low", "ci_high": "flow_high"})
    frame["flow_provision"] = matrix.table["provision"].to_numpy()
    frame["realised_provision"] = matrix.realised["provision"].to_numpy()
    amounts = (matrix.total.value, matrix.realised_total.value)
    totals = [np.nan if x is None else x for x in amounts]
    last = pd.DataFrame([["total", *[np.nan] * 6, *totals]], columns=frame.columns)
    frame = pd.concat([frame, last], ignore_index=True)
    both = [money(x, matrix.currency) if x is not None else "a bound only" for x in amounts]
    title = f"Two paths to the amount: flows give {both[0]}, realised losses {both[1]}"
    title = title if matrix.identified else "Neither path has the losses for a rate: both give bounds only"
    note = f"Flow: {matrix.conventions['rates']}. Realised: {matrix.conventions['realised path']}. "
    note += f"Why they differ: {YOUNG}; {MIDDLE}; {OLD}."
    return Table(name, title, frame, note, _formats(frame))


def conventions_table(matrix: ProvisionMatrix, name: str) -> Table:
    """Every convention behind the figures, one a row."""
    frame = pd.DataFrame(list(matrix.conventions.items()), columns=["choice", "as done here"])
    return Table(name, "Conventions: with the same choices another hand gets the same figures", frame)


def plot_rates(matrix: ProvisionMatrix, ax: Axes | None = None) -> Axes:
    """Rates by bucket on both paths with their intervals; bounds when there are no rates."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    paths = [
        (matrix.table, "flows between month ends", BLUE),
        (matrix.realised, "realised losses", VERMILLION),
    ]
    shown = paths if matrix.identified else [(matrix.table, "not ruled out by this ledger", BLUE)]
    for number, (frame, label, colour) in enumerate(shown):
        known = frame["rate"].notna().any() or not matrix.identified
        at = np.arange(len(frame)) + (0.2 * number - 0.1 if len(shown) > 1 else 0.0)
        seen = (frame["ci_high"] - frame["ci_low"] < 1).to_numpy()
        low, high = 100 * frame["ci_low"].to_numpy(), 100 * frame["ci_high"].to_numpy()
        label = label if known else f"{label} (bound only)"
        ax.vlines(at[seen], low[seen], high[seen], color=colour, linewidth=2.5, label=label)
        ax.plot(at, 100 * frame["rate"], "o", color=colour, markersize=6)
        for place in at[~seen]:
            ax.annotate(
                "never\nseen", (place, 0), (0, 6), textcoords="offset points", ha="center", color="0.35"
            )
    ax.set_xticks(range(len(matrix.table)), list(matrix.table["bucket"]))
    ax.set(xlabel="days overdue", ylabel="lost, % of the balance", title=describe_matrix(matrix))
    ax.set_ylim(0, ax.get_ylim()[1] * (1.0 if matrix.identified else 1.2))
    ax.set_xlim(-0.5, len(matrix.table) - 0.5)
    ax.legend(loc="upper left")
    kind = "intervals" if matrix.identified else "bounds"
    return stamp(ax, matrix.as_of, f"{matrix.total.level:.0%} {kind} by customer")


def _formats(frame: pd.DataFrame) -> dict[str, Format]:
    amounts = [c for c in frame if "provision" in str(c) or c == "balance"]
    shares = [c for c in frame if c not in amounts and c != "bucket"]
    return {**{str(c): "money" for c in amounts}, **{str(c): "percent" for c in shares}}
