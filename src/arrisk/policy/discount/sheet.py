"""The assumption sheet of a discount: four lines that its value rests on, and any that move it more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.policy.assumptions import Assumption
from arrisk.policy.discount import sheet_page
from arrisk.policy.discount.running_scheme import take_up_interval
from arrisk.policy.discount.schemes import ALL
from arrisk.policy.discount.turning import find_crossings, possible_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.discount.simulation import DiscountGrid

__all__ = ["FOUR", "AssumptionSheet", "make_assumption_sheet"]

FOUR = ("take_up", "default_relief", "sales_effect", "already_early")
COLUMNS = ["assumption", "value", "low", "high", "unit", "npv_at_low", "npv_at_high", "swing", "breaks_even"]


@dataclass(frozen=True, slots=True)
class AssumptionSheet:
    """What a scheme's value rests on; make one with `make_assumption_sheet`.

    Parameters
    ----------
    table : DataFrame
        One row an assumption: assumption, value, low, high, unit, npv_at_low and npv_at_high (currency
        units a year, the others at their values), swing (of the value between them), breaks_even (value of
        the assumption nearest to its own at which the scheme is worth nothing; NaN when none does), group
        ("the four", or "moves it more" than the least of the four), observed (whether value and range come
        from the ledger). The four come first, then the others, each by swing.
    scheme : Series
        The row of the grid that it is about.
    npv : float
        Value a year with every assumption at its value.
    grid : DiscountGrid
    """

    table: pd.DataFrame
    scheme: pd.Series
    npv: float
    grid: DiscountGrid

    @property
    def top(self) -> pd.Series:
        """The assumption that moves the value most."""
        return self.table.iloc[int(self.table["swing"].argmax())]

    def finding(self) -> str:
        """What the value turns on most, and where it turns, in one sentence."""
        return sheet_page.sheet_finding(self)

    def to_table(self, name: str = "assumption_sheet") -> Table:
        """The four lines and those that move more, ready to be shown."""
        return sheet_page.sheet_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Tornado: bars from the value at the low to the value at the high end of each line."""
        return sheet_page.plot_sheet(self, ax)

    def __repr__(self) -> str:
        return f"AssumptionSheet: {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_assumption_sheet(grid: DiscountGrid, scheme: pd.Series | None = None) -> AssumptionSheet:
    """Value of a scheme at both ends of every assumption, and where each would bring it to nothing.

    Take-up, default relief, sales effect and the share already early are always shown, also when they do
    not move the value; other assumptions only when they move it more than the least of these four. Where
    the customers of a scheme were offered a discount, value and range of take-up are those of the ledger.

    Parameters
    ----------
    grid : DiscountGrid
    scheme : Series, optional
        A row of `grid.table` or `grid.running`; by default the running scheme, else the best.
    """
    chosen = grid.subject if scheme is None else scheme
    seen = _seen_take_up(grid, chosen)
    lines = [_line(grid, chosen, seen or a, seen is not None) for a in grid.assumptions if a.name == FOUR[0]]
    lines += [_line(grid, chosen, a, observed=False) for a in grid.assumptions if a.name != FOUR[0]]
    table = pd.DataFrame(lines, columns=[*COLUMNS, "observed"])
    is_four = table["assumption"].isin(FOUR)
    table["group"] = is_four.map({True: "the four", False: "moves it more"})
    shown = table[is_four | (table["swing"] > table.loc[is_four, "swing"].min())]
    ranked = shown.sort_values(["group", "swing"], ascending=[False, False], kind="stable", ignore_index=True)
    return AssumptionSheet(ranked, chosen, float(grid.point_value(chosen, {})[0]), grid)


def _line(grid: DiscountGrid, scheme: pd.Series, a: Assumption, observed: bool) -> tuple[object, ...]:
    at_low, at_high = (float(v) for v in grid.point_value(scheme, {a.name: (a.low, a.high)}))
    values = possible_values(a)
    turns = find_crossings(values, grid.point_value(scheme, {a.name: values.tolist()}))
    even = min(turns, key=lambda v: abs(v - a.value)) if turns else float("nan")
    swing = abs(at_high - at_low)
    return a.name, a.value, a.low, a.high, a.unit, at_low, at_high, swing, even, observed


def _seen_take_up(grid: DiscountGrid, scheme: pd.Series) -> Assumption | None:
    """Take-up of the customers that a scheme is about, when they were offered one; None when assumed."""
    history = grid.history
    picked = [k for k, s in enumerate(history.segments) if scheme["segment"] in (s, ALL)]
    running = isinstance(scheme["threshold"], str)
    told = [history.was_offered(k) if running else history.has_evidence(k) for k in picked]
    if running:
        picked, told = [k for k, t in zip(picked, told, strict=True) if t], [True] * sum(told)
    if not picked or not all(told) or not (running or grid.is_offered(scheme)):
        return None
    share, low, high = take_up_interval(
        history.offered[picked].sum(axis=0), history.taken[picked].sum(axis=0), grid.level
    )
    unit = next(a.unit for a in grid.assumptions if a.name == FOUR[0])
    return Assumption(FOUR[0], share, min(low, share), max(high, share), unit, "the ledger's own offers")
