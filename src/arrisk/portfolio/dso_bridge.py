"""From the DSO of a year ago to today's: how much came from mix, season, terms, early and late payment."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import factorial
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import day_number
from arrisk.ledger.statements_sales import receivable_cells
from arrisk.portfolio.dso_parts import FROM_DUE, State, make_states, open_by_day
from arrisk.portfolio.windows import window_start, year_before

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DSOBridge", "make_dso_bridge"]

PARTS = {
    "mix": "mix of segments",
    "timing": "season and growth of sales",
    "terms": "payment terms",
    "early": "payment before due",
    "late": "payment after due",
}


@dataclass(frozen=True, slots=True, eq=False)
class DSOBridge:
    """The change of DSO against a year before, part by part; the parts sum to the change.

    Attributes
    ----------
    table : DataFrame
        part, days, amount (currency units that the part ties up at today's daily sales).
    by_segment : DataFrame
        The attribute and one column a part, in days of the whole book's DSO; the columns sum to the parts.
    dso, dso_before : float
        In days; missing where there were no sales.
    daily_sales : float
        Sales a day over the window now, currency units.
    as_of, before : Timestamp
    currency, by : str
    window : int
        Months of sales.
    """

    table: pd.DataFrame
    by_segment: pd.DataFrame
    dso: float
    dso_before: float
    daily_sales: float
    as_of: pd.Timestamp
    before: pd.Timestamp
    currency: str
    by: str
    window: int

    @property
    def identified(self) -> bool:
        """Whether there was a year before to compare with."""
        return bool(np.isfinite(self.dso_before) and np.isfinite(self.dso))

    @property
    def conventions(self) -> str:
        """The method in words."""
        return (
            f"DSO over the sales of {self.window} months, {self.before:%Y-%m-%d} against "
            f"{self.as_of:%Y-%m-%d}. DSO is made of each {self.by}'s share of sales (mix), its sales day by "
            "day (season and growth), the terms of each month's sales, and the share still open by days from "
            "due, before and after. Each factor is moved from last year's to this year's in every possible "
            "order and the average effect is taken (Shapley), so the parts sum to the change and none "
            f"depends on an order. Amounts: days x today's daily sales, in {self.currency}."
        )

    def to_table(self, name: str = "dso_bridge") -> Table:
        """From last year's DSO to today's, ready to be shown."""
        ends = [f"DSO on {self.before:%Y-%m-%d}", f"DSO on {self.as_of:%Y-%m-%d}"]
        first = pd.DataFrame({"part": ends[:1], "days": [self.dso_before], "amount": [np.nan]})
        last = pd.DataFrame({"part": ends[1:], "days": [self.dso], "amount": [np.nan]})
        frame = pd.concat([first, self.table, last], ignore_index=True)
        formats: dict[str, Format] = {"days": "days", "amount": "money"}
        return Table(name, self._title(), frame, self.conventions, formats)

    def segments_table(self, name: str = "dso_bridge_segments") -> Table:
        """The parts segment by segment, ready to be shown."""
        parts = [c for c in self.by_segment.columns if c != self.by]
        note = (
            "Days of the whole book's DSO. Mix: a segment's gain in share of sales x how much slower than "
            "the book it turns into cash."
        )
        title = f"Which {self.by} moved DSO"
        return Table(name, title, self.by_segment, note, dict.fromkeys(parts, "days"))

    def _title(self) -> str:
        if not self.identified:
            return "The ledger does not hold sales a year before: no bridge"
        change = self.dso - self.dso_before
        days = self.table["days"].to_numpy(dtype=float)
        most = int(np.abs(days).argmax())
        part = self.table["part"].iloc[most]
        return f"DSO {change:+.1f} days in a year; most by {part} ({days[most]:+.1f})"

    def plot(self, ax: Axes | None = None) -> Axes:
        """A waterfall from the DSO of a year before to today's."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        ax.set_title(self._title())
        if not self.identified:
            return stamp(ax, self.as_of)
        days = self.table["days"].to_numpy(dtype=float)
        tops = self.dso_before + np.cumsum(days)
        floors = np.concatenate([[0.0], tops - days, [0.0]])
        heights = np.array([self.dso_before, *days, self.dso])
        parts = [fill(part, 11) for part in self.table["part"]]
        names = [f"{self.before:%b %Y}", *parts, f"{self.as_of:%b %Y}"]
        whole = [True, *[False] * len(days), True]
        colours = [
            "0.45" if w else "#D55E00" if h > 0 else "#0072B2" for w, h in zip(whole, heights, strict=True)
        ]
        ax.bar(names, heights, bottom=floors, color=colours)
        reach = max(floors + np.maximum(heights, 0))
        for k, (floor, height) in enumerate(zip(floors, heights, strict=True)):
            text = f"{height:.1f}" if whole[k] else f"{height:+.1f}"
            ax.annotate(
                text, (k, max(floor, floor + height)), (0, 3), textcoords="offset points", ha="center"
            )
        low = min(floors[1:-1] + np.minimum(heights[1:-1], 0))
        ax.set_ylim(max(0.0, low - 0.35 * (reach - low) - 2), reach + 0.12 * (reach - low) + 1)
        ax.set_ylabel("days of sales" + (" (axis does not begin at zero)" if ax.get_ylim()[0] > 0 else ""))
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_dso_bridge(snapshot: Snapshot, by: str = "segment", window: int = 3) -> DSOBridge:
    """Take the change of DSO against a year before apart, exactly.

    Parameters
    ----------
    snapshot : Snapshot
    by : str
        Attribute of customers or items whose mix is told apart from the rest.
    window : int
        Months of sales a DSO is measured against; as in `make_turnover`.

    Returns
    -------
    DSOBridge
        Not identified (missing figures) when one of the two windows has no sales.

    Notes
    -----
    The factors are those of `dso_parts.State`. Where one year has no sales on a day's terms, or nothing due
    in a class, to learn a factor from, the other year's stands in, so that nothing is put down to it. Values
    of all 32 combinations of last year's and this year's factors are averaged over the orders in which the
    five can be changed (L. S. Shapley, *A value for n-person games*, 1953; for decompositions: A. F.
    Shorrocks, Journal of Economic Inequality 11, 2013).

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["c", "c"], "amount": [9.0, 9.0],
    ...     "issue_date": ["2024-12-01", "2025-12-01"], "due_date": ["2024-12-11", "2026-01-31"]})
    >>> events = pd.DataFrame({"invoice_id": ["1"], "date": ["2024-12-11"], "kind": ["payment"],
    ...     "amount": [9.0]})
    >>> ledger = ar.read_ledger({"invoices": invoices, "events": events}, currency="EUR")
    >>> bridge = make_dso_bridge(ledger.as_of("2025-12-31"))
    >>> bridge.table.set_index("part")["days"].round(6).to_dict()["payment terms"]
    92.0
    """
    before = year_before(snapshot.date)
    dates = (before, snapshot.date)
    starts = tuple(window_start(date, window) for date in dates)
    if before < snapshot.first_date:
        return _nothing(snapshot, by, window)
    cells = tuple(snapshot.as_of(date).query(receivable_cells(snapshot.attribute(by))) for date in dates)
    days, first = (tuple(day_number(d) for d in group) for group in (dates, starts))
    if any(
        _window_sales(frame, day, start) <= 0 for frame, day, start in zip(cells, days, first, strict=True)
    ):
        return _nothing(snapshot, by, window)
    old, new, names, terms = make_states(cells, days, first)  # type: ignore[arg-type]
    values = _combinations(old, new, terms)
    parts = _shapley(values)
    dso_before, dso = values[(0,) * 5].sum(), values[(1,) * 5].sum()
    parts["mix"] = parts["mix"] - (new.share - old.share) * (dso + dso_before) / 2
    daily = _window_sales(cells[1], days[1], first[1]) / (days[1] - first[1] + 1) / snapshot.scale
    totals = np.array([parts[p].sum() for p in PARTS])
    table = pd.DataFrame({"part": list(PARTS.values()), "days": totals, "amount": totals * daily})
    by_segment = pd.DataFrame({by: names, **{PARTS[p]: parts[p] for p in PARTS}})
    return DSOBridge(
        table, by_segment, float(dso), float(dso_before), daily, snapshot.date, before,
        snapshot.currency, by, window,
    )  # fmt: skip


def _window_sales(cells: pd.DataFrame, day: int, start: int) -> float:
    issued = cells["issue_day"].to_numpy(dtype=np.int64)
    return float(cells["invoiced"].to_numpy(dtype=float)[(issued >= start) & (issued <= day)].sum())


def _nothing(snapshot: Snapshot, by: str, window: int) -> DSOBridge:
    table = pd.DataFrame({"part": list(PARTS.values()), "days": np.nan, "amount": np.nan})
    empty = pd.DataFrame({c: pd.Series(dtype=float) for c in (by, *PARTS.values())})
    return DSOBridge(
        table, empty, np.nan, np.nan, np.nan, snapshot.date, year_before(snapshot.date),
        snapshot.currency, by, window,
    )  # fmt: skip


Choice = tuple[int, ...]
Floats = NDArray[np.float64]


def _combinations(old: State, new: State, terms: NDArray[np.int64]) -> dict[Choice, Floats]:
    """DSO by segment for each choice of last year's (0) or this year's (1) factors, in the order of PARTS."""
    states = (old, new)
    profiles = _filled(old.terms, new.terms)
    payment = _filled(old.still_open, new.still_open)
    is_late = np.append(np.searchsorted(FROM_DUE, 0) < np.arange(len(FROM_DUE) + 1), False)
    explained: dict[Choice, Floats] = {}
    for timing, term, early, late in product((0, 1), repeat=4):
        still_open = np.where(is_late, payment[late], payment[early])
        left = open_by_day(profiles[term], still_open, terms, states[timing].months)
        explained[timing, term, early, late] = (states[timing].sold * left).sum(axis=1)
    rest = [state.recent - explained[(k,) * 4] for k, state in enumerate(states)]
    values: dict[Choice, Floats] = {}
    for mix, timing, term, early, late in product((0, 1), repeat=len(PARTS)):
        days = explained[timing, term, early, late] + rest[timing] + states[late].older
        values[mix, timing, term, early, late] = states[mix].share * days
    return values


def _filled(old: Floats, new: Floats) -> tuple[Floats, Floats]:
    """Each year's shares, with the other's where the year has nothing to learn them from."""
    return np.where(np.isnan(old), new, old), np.where(np.isnan(new), old, new)


def _shapley(values: dict[Choice, Floats]) -> dict[str, Floats]:
    """Average effect of each factor over all orders in which they can be changed, by segment."""
    n = len(PARTS)
    out: dict[str, Floats] = {}
    for place, part in enumerate(PARTS):
        effect = np.zeros_like(values[(0,) * n])
        for others in product((0, 1), repeat=n - 1):
            size = sum(others)
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            without, with_it = ((*others[:place], k, *others[place:]) for k in (0, 1))
            effect = effect + weight * (values[with_it] - values[without])
        out[part] = effect
    return out
