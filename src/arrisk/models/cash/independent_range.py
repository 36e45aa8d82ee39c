"""The common mistake: the range of a cash forecast as if every invoice were on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.models.cash.shocks import NO_SHOCKS
from arrisk.models.cash.simulation import NO_VOLUME_ERROR, simulate_cash
from arrisk.models.timing.day_counts import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.cash.cash_forecast import CashForecast

__all__ = ["IndependentRange", "compare_independent_cash"]

BLUE, ORANGE = "#0072B2", "#D55E00"
EVEN = 1.05
COLUMNS = ["through_week", "ending", "expected", "low", "high", "low_independent", "high_independent"]


@dataclass(frozen=True, slots=True)
class IndependentRange:
    """Cash up to each week with two ranges; made by `compare_independent_cash`.

    Parameters
    ----------
    as_of : Timestamp
    currency : str
    level : float
        Of both ranges.
    table : DataFrame
        A row a week, of the cash from today to its end: `through_week`, `ending`, `expected`, `low`, `high`,
        `low_independent`, `high_independent` (currency units). Missing where the forecast has no range.
    """

    as_of: pd.Timestamp
    currency: str
    level: float
    table: pd.DataFrame

    @property
    def ratio(self) -> float:
        """Width of the range of the whole horizon over that of independent invoices."""
        last = self.table.iloc[-1]
        return float((last["high"] - last["low"]) / (last["high_independent"] - last["low_independent"]))

    @property
    def finding(self) -> str:
        """How much too narrow, in one sentence."""
        if not np.isfinite(self.ratio):
            return "The history is too short to tell how far customers and the whole book stray"
        if self.ratio < EVEN:
            return "Both ranges are about as wide: past customers and months hardly strayed together"
        return f"As if invoices were independent the range of the sum is {self.ratio:.1f} times too narrow"

    def to_table(self, name: str = "independent_range") -> Table:
        """Every fourth week and the last."""
        rows = self.table[(self.table["through_week"] % 4 == 0) | (self.table.index == len(self.table) - 1)]
        formats: dict[str, Format] = {"through_week": "integer", "ending": "date"}
        formats |= dict.fromkeys(COLUMNS[2:], "money")  # type: ignore[arg-type]
        note = (
            f"Cash in {self.currency} from today to the end of the week, {self.level:.0%} ranges. The same "
            "items and chances; independent: no customer faster or slower with all its invoices, no month "
            "worse than another, sales as expected."
        )
        return Table(name, self.finding, rows.round(2).reset_index(drop=True), note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Both ranges in percent of what is expected up to each week."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        expected = self.table["expected"]
        pairs = (
            ("low", "high", BLUE, "customers and the book stray together"),
            ("low_independent", "high_independent", ORANGE, "every invoice on its own"),
        )
        for low, high, colour, label in pairs:
            under, over = (100.0 * (self.table[c] / expected - 1.0) for c in (low, high))
            weeks = self.table["through_week"]
            ax.fill_between(weeks, under, over, color=colour, alpha=0.35, lw=0, label=label)
        ax.axhline(0.0, color="#262626", lw=0.8)
        ax.set(xlabel="cash up to the end of week", ylabel=f"{self.level:.0%} range, % of expected cash")
        ax.set_title(self.finding)
        ax.legend()
        return stamp(ax, self.as_of, "open book and new sales")

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_independent_cash(cash: CashForecast, seed: int = 0) -> IndependentRange:
    """Draw a forecast again as if invoices paid independently, and compare the ranges.

    Parameters
    ----------
    cash : CashForecast
        With its shocks.
    seed : int

    Returns
    -------
    IndependentRange

    Notes
    -----
    On sample ledgers the independent range of the sum of 13 weeks, nominally 90%, held the cash that came in
    two of three; the range of the forecast in 88% (`benchmarks/coverage_cash.py`).
    """
    inputs, draws = cash.inputs, len(cash.draws.minor)
    alone = simulate_cash(
        inputs.items,
        inputs.rates,
        NO_SHOCKS,
        cash.days,
        draws,
        seed,
        settlement=cash.settlement,
        volume=NO_VOLUME_ERROR,
    )
    ends = cash.period_ends("week")
    ours, theirs = (_limits(d.cash, ends, cash.level) / cash.scale for d in (cash.draws, alone))
    if not cash.identified:
        ours = np.full_like(ours, np.nan)
    table = pd.DataFrame(
        {
            "through_week": np.arange(1, len(ends) + 1),
            "ending": cash.as_of + pd.to_timedelta(ends, unit="D"),
            "expected": cash.draws.cash.cumsum(axis=1)[:, ends - 1].mean(axis=0) / cash.scale,
        }
    )
    table[["low", "high"]], table[["low_independent", "high_independent"]] = ours.T, theirs.T
    return IndependentRange(cash.as_of, cash.currency, cash.level, table)


def _limits(cash: np.ndarray, ends: np.ndarray, level: float) -> Floats:
    """Quantiles of the cash up to each end, shape (2, ends)."""
    sums = cash.cumsum(axis=1)[:, ends - 1]
    return np.asarray(np.quantile(sums, (0.5 - level / 2, 0.5 + level / 2), axis=0), dtype=float)
