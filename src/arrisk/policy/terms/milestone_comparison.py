"""Milestone plans beside a single payment, for one contract and one customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.terms.milestones import MilestonePlan, Progress, exposure_path, plan_value
from arrisk.policy.terms.pictures import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.study import Study

__all__ = ["MilestoneComparison", "compare_milestones"]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MilestoneComparison:
    """Plans and what each is worth; made by `compare_milestones`.

    Parameters
    ----------
    table : DataFrame
        A row a plan: `plan`, and the figures of `plan_value`; shares of the price.
    paths : DataFrame
        `plan`, `day`, `exposure` (delivered and unpaid by the end of the day, share of the price).
    price_cut : mapping of plan to float
        Cut of the price at which each plan is worth what the last one is; negative is a surcharge.
    conventions : str
    as_of : Timestamp
    """

    table: pd.DataFrame
    paths: pd.DataFrame
    price_cut: dict[str, float]
    conventions: str
    as_of: pd.Timestamp

    def finding(self) -> str:
        """The first plan against the last, in one sentence."""
        first, last = self.table.iloc[0], self.table.iloc[-1]
        gain = 100 * float(first["value"] - last["value"])
        return (
            f"{first['plan']} is worth {gain:+.2f} per 100 of price against {last['plan']}, and has "
            f"{100 * first['peak']:.0f} at most unpaid instead of {100 * last['peak']:.0f}"
        )

    def to_table(self, name: str = "milestones") -> Table:
        """Value, days and exposure of each plan, per 100 of price."""
        frame = pd.DataFrame({"plan": self.table["plan"], "paid_after_days": self.table["weighted_days"]})
        shares = ("present_value", "value", "expected_loss", "peak", "cost_peak")
        for column in shares:
            frame[column] = 100 * self.table[column]
        frame["peak_day"] = self.table["peak_day"].astype(int)
        frame["price_cut"] = [self.price_cut[p] for p in frame["plan"]]
        formats: dict[str, Format] = {
            "paid_after_days": "days", "price_cut": "percent", **dict.fromkeys(shares, "number"),
        }  # type: ignore[dict-item]  # fmt: skip
        note = (
            "Per 100 of price. Value: payments and recoveries less cost, discounted and weighed with the "
            f"chance that they come. Price cut: makes the plan worth what {frame['plan'].iloc[-1]} is. "
            f"{self.conventions}"
        )
        return Table(name, self.finding(), frame.round(4), note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """What is delivered and unpaid on each day, by plan."""
        from matplotlib import pyplot as plt

        ax = plt.gca() if ax is None else ax
        for colour, (plan, rows) in zip(COLOURS, self.paths.groupby("plan", sort=False), strict=False):
            ax.step(rows["day"], 100 * rows["exposure"], where="post", color=colour, label=str(plan))
        ax.axhline(0.0, color="#262626", lw=0.8)
        ax.set_xlabel("days from the start of the contract")
        ax.set_ylabel("delivered and unpaid, per 100 of price")
        ax.legend(frameon=False)
        ax.set_title(wrapped(self.finding()))
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)

    def __repr__(self) -> str:
        return repr(self.to_table())


def compare_milestones(
    study: Study,
    plans: Sequence[MilestonePlan],
    progress: Progress,
    pd_customer: float,
    horizon_days: int = 180,
) -> MilestoneComparison:
    """Compare plans of payment for one contract; the last one is the base.

    Parameters
    ----------
    study : Study
        Gives `gross_margin`, `lgd` and `cost_of_capital`.
    plans : sequence of MilestonePlan
        At least one, with names of their own.
    progress : Progress
        Of the delivery.
    pd_customer : float
        Probability that the customer fails within the horizon.
    horizon_days : int

    Raises
    ------
    ValueError
        If there is no plan, or two have one name.
    """
    names = [p.name for p in plans]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"plans {names}: at least one, each with a name of its own")
    margin, lgd, capital = (given_or_typical(study, n) for n in ("gross_margin", "lgd", "cost_of_capital"))
    rows = [
        {
            "plan": plan.name,
            **plan_value(
                plan, progress, margin=margin.value, pd=pd_customer, horizon_days=horizon_days, lgd=lgd.value,
                cost_of_capital=capital.value,
            ),
        }
        for plan in plans
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    base = float(table["value"].iloc[-1])
    receipts = table["value"] + _cost(progress, table, margin.value, pd_customer, horizon_days, capital.value)
    cut = {p: float((v - base) / r) for p, v, r in zip(names, table["value"], receipts, strict=True)}
    paths = [exposure_path(plan, progress) for plan in plans]
    drawn = pd.concat(
        [
            pd.DataFrame({"plan": n, "day": np.arange(p.size), "exposure": p})
            for n, p in zip(names, paths, strict=True)
        ],
        ignore_index=True,
    )
    conventions = (
        f"Margin {margin.value:.0%}, cost of capital {capital.value:.1%} a year (effective, 365 days), "
        f"{pd_customer:.1%} default within {horizon_days} days, {lgd.value:.0%} of what is unpaid lost then."
    )
    return MilestoneComparison(table, drawn, cut, conventions, study.as_of)


def _cost(
    progress: Progress, table: pd.DataFrame, margin: float, pd_customer: float, horizon: int, rate: float
) -> float:
    """Expected discounted cost of the delivery: the same for all plans."""
    spent = np.diff((1.0 - margin) * progress.by_day(progress.days[-1]), prepend=0.0)
    grid = np.arange(spent.size)
    return float((spent * (1.0 - pd_customer) ** (grid / horizon) * (1.0 + rate) ** (-grid / 365)).sum())
