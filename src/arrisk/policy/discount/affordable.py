"""The largest discount that a segment affords: where its expected value is nothing, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.policy.discount.schemes import ALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.discount.simulation import DiscountGrid

__all__ = ["AffordableRates", "find_fixed_rate", "make_affordable_rates"]

BLUE, VERMILLION = "#0072B2", "#D55E00"
FORMATS: dict[str, Format] = {
    "segment": "text",
    "days": "integer",
    "affordable": "percent",
    "low": "percent",
    "high": "percent",
}
NOTE = (
    "Discount whose expected value is nothing, its own take-up and extra sales counted; interval: discounts "
    "that break even in {level:.0%} of the draws. Take-up and extra sales follow assumptions where "
    "nobody was offered a discount."
)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AffordableRates:
    """Largest discount by segment and days; make one with `make_affordable_rates`.

    Parameters
    ----------
    table : DataFrame
        One row a segment and number of days: segment, days, affordable, low, high (fractions of the price).
    grid : DiscountGrid
    days : int
        The days that the picture and the finding are about.
    """

    table: pd.DataFrame
    grid: DiscountGrid
    days: int

    def finding(self) -> str:
        """What the whole book affords, and the segment that affords most, in one sentence."""
        rows = self.table[self.table["days"] == self.days]
        book, parts = (
            rows[rows["segment"] == ALL].iloc[0],
            rows[(rows["segment"] != ALL) & rows["affordable"].notna()],
        )
        text = (
            f"Within {self.days} days the book affords at most {book['affordable']:.2%} "
            f"({book['low']:.2%} to {book['high']:.2%})"
        )
        if len(parts):
            top = parts.iloc[int(parts["affordable"].argmax())]
            text += f"; most is afforded for {top['segment']}, {top['affordable']:.2%}"
        offer = self.grid.history.offer
        return f"{text}; offered now is {offer.rate:.2%}" if offer and offer.days == self.days else text

    def to_table(self, name: str = "affordable_rates") -> Table:
        """Largest discount by segment and days, ready to be shown."""
        return Table(name, self.finding(), self.table, NOTE.format(level=self.grid.level), dict(FORMATS))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Largest discount of each segment with its interval, beside what is offered now."""
        axes = plt.subplots()[1] if ax is None else ax
        rows = self.table[self.table["days"] == self.days].iloc[::-1]
        at = np.arange(len(rows))
        axes.hlines(at, 100 * rows["low"], 100 * rows["high"], color=BLUE, linewidth=2.5)
        axes.plot(100 * rows["affordable"], at, "o", color=BLUE, markersize=6)
        offer = self.grid.history.offer
        if offer and offer.days == self.days:
            axes.axvline(100 * offer.rate, color=VERMILLION, ls="--", lw=1.2, label="offered now")
            axes.legend(loc="lower right")
        axes.set_yticks(at, ["all customers" if s == ALL else str(s) for s in rows["segment"]])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlim(left=min(0.0, 100 * float(rows["low"].min())))
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("largest discount that breaks even, % of the price")
        axes.set_title(fill(self.finding(), 78), loc="left")
        return stamp(axes, self.grid.history.as_of, f"{self.grid.level:.0%} intervals of the draws")

    def __repr__(self) -> str:
        return f"AffordableRates: {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_affordable_rates(grid: DiscountGrid, *, days: int | None = None) -> AffordableRates:
    """Largest discount that breaks even, for each segment and number of days of a grid.

    A discount's break-even depends on whom it draws. So the answer is where the expected value of the
    grid's schemes crosses zero, linear between their rates, and the interval ends at the discounts that equal
    the ends of their own break-even's interval.

    Parameters
    ----------
    grid : DiscountGrid
    days : int, optional
        For the picture and the finding; by default those of the terms offered now, else of the best scheme.
    """
    offer, table = grid.history.offer, grid.table
    plain = table[(table["threshold"] == table["threshold"].min()) & (table["scale"] == "")]
    rows = [
        (segment, length, _break_even(part), _fixed(part, "rate_low"), _fixed(part, "rate_high"))
        for (segment, length), part in plain.sort_values("rate").groupby(["segment", "days"])
    ]
    out = pd.DataFrame(rows, columns=["segment", "days", "affordable", "low", "high"])
    out = out.assign(last=out["segment"] == ALL).sort_values(["last", "segment", "days"], ignore_index=True)
    chosen = days if days is not None else offer.days if offer else int(grid.best["days"])
    if chosen not in set(out["days"]):
        raise ValueError(f"days = {chosen!r}: allowed are {', '.join(map(str, sorted(set(out['days']))))}")
    return AffordableRates(out.drop(columns="last"), grid, int(chosen))


def find_fixed_rate(rates: Floats, affordable: Floats) -> float:
    """The discount that equals its own break-even, linear between the rates tried.

    Parameters
    ----------
    rates : array
        Discounts tried, ascending, fractions.
    affordable : array
        Break-even of each, given the take-up that it draws. Outside the rates tried, that of the nearest.

    Examples
    --------
    >>> round(find_fixed_rate(np.array([0.01, 0.02]), np.array([0.016, 0.012])), 6)
    0.014286
    """
    gap = affordable - rates
    if gap[0] <= 0:
        return float(affordable[0])
    turns = np.flatnonzero((gap[:-1] > 0) & (gap[1:] <= 0))
    if not len(turns):
        return float(affordable[-1])
    k = int(turns[0])
    share = gap[k] / (gap[k] - gap[k + 1])
    return float(rates[k] + share * (rates[k + 1] - rates[k]))


def _break_even(part: pd.DataFrame) -> float:
    """Where the expected value falls through zero; beyond the rates tried, the nearest break-even."""
    rates, value = part["rate"].to_numpy(dtype=float), part["npv"].to_numpy(dtype=float)
    falls = np.flatnonzero((value[:-1] > 0) & (value[1:] <= 0))
    if not len(falls):
        return _fixed(part, "affordable_rate")
    k = int(falls[-1])
    return float(rates[k] + value[k] / (value[k] - value[k + 1]) * (rates[k + 1] - rates[k]))


def _fixed(part: pd.DataFrame, column: str) -> float:
    known = part[np.isfinite(part[column])]
    if known.empty:
        return float("nan")
    return find_fixed_rate(known["rate"].to_numpy(dtype=float), known[column].to_numpy(dtype=float))
