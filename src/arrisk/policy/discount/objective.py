"""The objective of a discount: the highest expected value whose bad draws stay within a stated limit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.models.tail import expected_shortfall
from arrisk.policy.assumptions import KNOWN, TYPICAL_SOURCE, Assumption
from arrisk.policy.discount import objective_page, plots
from arrisk.policy.discount.draws import USUAL_TERMS, Reference
from arrisk.policy.discount.schemes import describe_scheme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.discount.simulation import DiscountGrid
    from arrisk.policy.study import Study

__all__ = ["DiscountChoice", "choose_discount", "compare_discounts", "limit_amount"]

NONE, RUNNING, SCHEME = "no discount", "running", "scheme"
LIMIT, LEVEL = "tail_limit", "tail_level"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DiscountChoice:
    """Schemes weighed by expected value under a limit on the tail; make one with `compare_discounts`.

    Parameters
    ----------
    table : DataFrame
        One row an option, highest expected value first: option (in words), kind ("no discount", "running"
        or "scheme"), row (of the grid's table; -1 for the other two), npv (expected value, currency units a
        year against no discount), mc_error, tail (expected shortfall: mean of the worst draws), tail_error
        (its Monte Carlo error), within (the limit), p_best and regret over all options of the table.
    grid : DiscountGrid
    limit : float
        Average loss a year accepted in the worst draws, currency units; 0 or more.
    tail_level : float
        Share of the draws that counts as the worst.
    stated : tuple of Assumption
        The limit and its level as the study states them.
    """

    table: pd.DataFrame
    grid: DiscountGrid
    limit: float
    tail_level: float
    stated: tuple[Assumption, ...] = ()

    @property
    def free(self) -> pd.Series:
        """The option with the highest expected value, whatever its tail."""
        return self.table.iloc[0]

    @property
    def chosen(self) -> pd.Series:
        """The option with the highest expected value within the limit; no discount always is."""
        return self.table[self.table["within"]].iloc[0]

    @property
    def price(self) -> float:
        """Expected value given up for the limit, currency units a year."""
        return float(self.free["npv"] - self.chosen["npv"])

    @property
    def unclear(self) -> int:
        """Options so near the limit that the number of draws does not settle on which side they stand."""
        near = (self.table["tail"] + self.limit).abs() < 2 * self.table["tail_error"]
        return int((near & (self.table["kind"] != NONE)).sum())

    def option(self, kind: str) -> pd.Series | None:
        """The row of a kind: "no discount" or "running", None when there is none."""
        rows = self.table[self.table["kind"] == kind]
        return rows.iloc[0] if len(rows) else None

    def scheme(self, option: pd.Series) -> pd.Series | None:
        """The row of the grid that an option stands for; None for no discount."""
        if option["kind"] == RUNNING:
            return self.grid.running.iloc[0]
        return self.grid.table.iloc[int(option["row"])] if option["kind"] == SCHEME else None

    @property
    def trial_terms(self) -> tuple[Reference, ...]:
        """Terms to try: the best plain ones within the limit that nobody was offered, then the usual ones."""
        grid, rows = self.grid, self.table[self.table["within"] & (self.table["kind"] == SCHEME)]
        schemes = (grid.table.iloc[int(row)] for row in rows["row"])
        untried = (s for s in schemes if not s["scale"] and s["npv"] > 0 and not grid.is_offered(s))
        wanted = (Reference(float(s["rate"]), int(s["days"])) for s in islice(untried, 1))
        return tuple(dict.fromkeys((*wanted, *USUAL_TERMS)))

    def finding(self) -> str:
        """What the objective picks, and what the limit costs, in one sentence."""
        return objective_page.choice_finding(self)

    def to_table(self, name: str = "discount_choice", rows: int = 4) -> Table:
        """The picked options, no discount, the running scheme and the next best, ready to be shown."""
        return objective_page.choice_table(self, name, rows)

    def segments_table(self, name: str = "discount_segments") -> Table:
        """Value and cash of the picked scheme by segment; of the best of the grid when none is picked."""
        return objective_page.segments_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Expected value of every option against its worst draws, with the limit."""
        return objective_page.plot_choice(self, ax)

    def plot_map(self, ax: Axes | None = None) -> Axes:
        """Heat map of value by rate and days around the pick, with the running terms marked."""
        scheme = self.scheme(self.chosen)
        return plots.plot_grid(self.grid, ax, self.grid.best if scheme is None else scheme)

    def __repr__(self) -> str:
        return f"DiscountChoice: {len(self.table)} options. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_discounts(study: Study, grid: DiscountGrid) -> DiscountChoice:
    """Pick the scheme with the highest expected value under the study's limit on the tail.

    Parameters
    ----------
    study : Study
        Gives `tail_limit` (a fraction of yearly margin, or currency units a year, as its unit says) and
        `tail_level`; typical values when it does not.
    grid : DiscountGrid
        See `simulate_discounts`.

    Returns
    -------
    DiscountChoice
    """
    limit, level = (study.get(name) or typical(name) for name in (LIMIT, LEVEL))
    margin = next(a.value for a in grid.assumptions if a.name == "gross_margin")
    amount = limit_amount(limit, margin * _yearly_sales(grid))
    return choose_discount(grid, limit=amount, tail_level=level.value, stated=(limit, level))


def typical(name: str) -> Assumption:
    """An assumption that the study does not give, at its typical value."""
    known = KNOWN[name]
    return Assumption(name, known.value, known.low, known.high, known.unit, TYPICAL_SOURCE)


def limit_amount(limit: Assumption, yearly_margin: float) -> float:
    """The tail limit in currency units a year.

    Parameters
    ----------
    limit : Assumption
        Its unit says what its value counts: a text that starts with "fraction" is of the yearly margin,
        all else are currency units a year.
    yearly_margin : float
        Currency units.

    Raises
    ------
    ValueError
        If the limit is negative: then not even going without a discount would be allowed.

    Examples
    --------
    >>> half = Assumption("tail_limit", 0.005, 0.005, 0.005, "fraction of yearly margin", "board")
    >>> limit_amount(half, 20e6)
    100000.0
    """
    if limit.value < 0:
        raise ValueError(f"tail_limit = {limit.value!r}: 0 or more, a loss that is accepted")
    return float(limit.value * (yearly_margin if limit.unit.startswith("fraction") else 1.0))


def choose_discount(
    grid: DiscountGrid, *, limit: float, tail_level: float = 0.05, stated: tuple[Assumption, ...] = ()
) -> DiscountChoice:
    """Weigh every scheme, the running one and no discount on the grid's common draws.

    Parameters
    ----------
    grid : DiscountGrid
    limit : float
        See `DiscountChoice`.
    tail_level : float
        See `DiscountChoice`; above 0, at most 1.
    stated : tuple of Assumption
        Where the two come from.
    """
    if limit < 0:
        raise ValueError(f"limit = {limit!r}: 0 or more, a loss that is accepted")
    if not 0 < tail_level <= 1:
        raise ValueError(f"tail_level = {tail_level!r}: above 0, at most 1")
    options, values = _options(grid)
    options["npv"] = values.mean(axis=0)
    options["mc_error"] = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    worst, options["tail_error"] = expected_shortfall(-values, tail_level)
    options["tail"] = 0.0 - worst
    options["within"] = options["tail"] >= -limit
    top = values.max(axis=1, keepdims=True)
    options["p_best"] = np.bincount(values.argmax(axis=1), minlength=values.shape[1]) / len(values)
    options["regret"] = (top - values).mean(axis=0)
    table = options.sort_values("npv", ascending=False, kind="stable", ignore_index=True)
    return DiscountChoice(table, grid, float(limit), tail_level, stated)


def _options(grid: DiscountGrid) -> tuple[pd.DataFrame, Floats]:
    """No discount, the running scheme and the grid's, with their draws in the same order."""
    currency = grid.history.currency
    rows, draws = [(NONE, NONE, -1)], [np.zeros((len(grid.npv), 1))]
    if grid.is_running:
        rows.append((describe_scheme(grid.running.iloc[0], currency), RUNNING, -1))
        draws.append(grid.running_npv[:, :1])
    rows += [(describe_scheme(r, currency), SCHEME, k) for k, (_, r) in enumerate(grid.table.iterrows())]
    return pd.DataFrame(rows, columns=["option", "kind", "row"]), np.column_stack([*draws, grid.npv])


def _yearly_sales(grid: DiscountGrid) -> float:
    """Sales a year that the widest scheme covers."""
    return float(grid.table["sales"].max())
