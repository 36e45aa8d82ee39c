"""Overlays as formulas: each factor of each scenario with its cap, then the expectation over scenarios."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arrisk.models.overlay.log import OverlayLog
from arrisk.report.evidence.grid import HEADER_ROW, NO_RATE, Grid

if TYPE_CHECKING:
    from arrisk.models.overlay.entries import Entry
    from arrisk.models.overlay.factors import Factor
    from arrisk.models.provision.provision import Provision

__all__ = ["OverlaySheet", "make_overlay_sheet"]

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]
HEADS = (
    "overlay", "scenario", "probability", "kind", "value", "cap", "where", "who", "why", "evidence",
    "made on", "expires on",
)  # fmt: skip
PROBABILITY, VALUE, CAP = 2, 4, 5
NOTE = (
    "A relative factor multiplies a rate, points are added to it; the result lies between 0 and the cap, and "
    "a rate above the cap is not lowered by it. Scenarios change the rates first and are weighed afterwards."
)


@dataclass(slots=True, eq=False)
class OverlaySheet:
    """The sheet of the overlays in force, and the steps they make of a rate.

    Attributes
    ----------
    grid : Grid
    entries : tuple of Entry
    segments, buckets : tuple of str
    other : array of shape (segments, buckets) or None
        What an overlay that is no log multiplied the rates by.
    heads : list of str
        Names of the columns that `apply` has filled.
    """

    grid: Grid
    entries: tuple[Entry, ...]
    segments: tuple[str, ...]
    buckets: tuple[str, ...]
    other: Floats | None = None
    heads: list[str] = field(default_factory=list)
    _rows: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def apply(
        self, grid: Grid, cells: Texts, rates: Floats, top: int, column: int
    ) -> tuple[Texts, Floats, int]:
        """Write a column a factor from given rates on; return cells, values and the next free column."""
        cells, rates = cells.astype(object), rates.copy()
        if self.other is not None:
            return self._scale(grid, cells, rates, top, column)
        for number, entry in enumerate(self.entries):
            cells, rates, column = self._entry(grid, number, entry, cells, rates, top, column)
        return cells, rates, column

    def _entry(
        self, grid: Grid, number: int, entry: Entry, cells: Any, rates: Floats, top: int, column: int
    ) -> tuple[Any, Floats, int]:
        ends = []
        for s, scenario in enumerate(entry.scenarios):
            here, values = cells, rates
            for f, factor in enumerate(scenario.factors):
                self.heads.append(f"{entry.id}, {scenario.name}: {factor}")
                here, values = self._factor(
                    grid, self._rows[number, s, f], factor, here, values, (top, column)
                )
                column += 1
            ends.append((self.grid.at(self._rows[number, s, 0], PROBABILITY, True), here, values))
        if len(ends) == 1:
            return ends[0][1], ends[0][2], column
        self.heads.append(f"{entry.id}, expected")
        out, mean = cells.copy(), np.full_like(rates, np.nan)
        for s, b in np.ndindex(*rates.shape):
            mean[s, b] = sum(
                e.probability * values[s, b] for e, (_, _, values) in zip(entry.scenarios, ends, strict=True)
            )
            sums = "+".join(f"{chance}*{here[s, b]}" for chance, here, _ in ends)
            formula = f'IF(ISNUMBER({cells[s, b]}),{sums},"{NO_RATE}")'
            row = top + s * rates.shape[1] + b
            out[s, b] = grid.work_out(row, column, formula, float(mean[s, b]), "rate")
        return out, mean, column + 1

    def _factor(
        self, grid: Grid, row: int, factor: Factor, cells: Any, rates: Floats, start: tuple[int, int]
    ) -> tuple[Any, Floats]:
        inside = factor.covers(self.segments, self.buckets)
        relative = factor.kind == "relative"
        moved = rates * factor.value if relative else rates + factor.value
        held = np.minimum(np.maximum(moved, 0.0), np.maximum(factor.cap, rates))
        after, out = np.where(inside, held, rates), cells.copy()
        value, cap = (self.grid.at(row, c, True) for c in (VALUE, CAP))
        for s, b in np.ndindex(*rates.shape):
            old = cells[s, b]
            new = f"{old}{'*' if relative else '+'}{value}"
            change = f'IF(ISNUMBER({old}),MIN(MAX({new},0),MAX({cap},{old})),"{NO_RATE}")'
            place = (start[0] + s * rates.shape[1] + b, start[1])
            formula = change if inside[s, b] else str(old)
            out[s, b] = grid.work_out(*place, formula, float(after[s, b]), "rate")
        return out, after

    def _scale(self, grid: Grid, cells: Any, rates: Floats, top: int, column: int) -> tuple[Any, Floats, int]:
        """One column of stated factors, for an overlay whose steps are not known here."""
        factors = np.ones_like(rates) if self.other is None else self.other
        self.heads += ["overlay factor", "after overlay"]
        out, after = cells.copy(), rates * factors
        for s, b in np.ndindex(*rates.shape):
            row = top + s * rates.shape[1] + b
            factor = grid.put(row, column, float(factors[s, b]), "factor")
            formula = f'IF(ISNUMBER({cells[s, b]}),MIN(1,{cells[s, b]}*{factor}),"{NO_RATE}")'
            out[s, b] = grid.work_out(row, column + 1, formula, float(after[s, b]), "rate")
        return out, after, column + 2


def make_overlay_sheet(provision: Provision) -> OverlaySheet:
    """Fill the sheet with the overlays in force on the day of the provision."""
    given, rates = provision.basis.overlays, provision.rates
    grid = Grid("overlays", "Overlays in force, in the order in which they apply", NOTE, 1)
    grid.head(HEADS)
    entries = given.in_force(provision.as_of) if isinstance(given, OverlayLog) else ()
    sheet = OverlaySheet(grid, tuple(entries), rates.segments, tuple(rates.buckets))
    if given is not None and not isinstance(given, OverlayLog):
        before = provision.historical.replicates.rates
        factors = rates.replicates.rates / np.where(before > 0, before, np.nan)
        sheet.other = np.where(np.isnan(factors), 1.0, factors)
    row = HEADER_ROW + 1
    for number, entry in enumerate(sheet.entries):
        for s, scenario in enumerate(entry.scenarios):
            for f, factor in enumerate(scenario.factors or (None,)):
                sheet._rows[number, s, f] = row
                _write_row(grid, row, entry, scenario.name, scenario.probability, factor)
                row += 1
    return sheet


def _write_row(
    grid: Grid, row: int, entry: Entry, name: str, probability: float, factor: Factor | None
) -> None:
    grid.put(row, 0, entry.id)
    grid.put(row, 1, name)
    grid.put(row, PROBABILITY, probability, "factor")
    grid.put(row, 3, "none" if factor is None else factor.kind)
    if factor is not None:
        grid.put(row, VALUE, factor.value, "factor")
        grid.put(row, CAP, factor.cap, "factor")
        grid.put(row, 6, factor.scope)
    days = [f"{d:%Y-%m-%d}" if d is not None else "" for d in (entry.made_on, entry.expires_on)]
    for column, text in enumerate((entry.who, entry.why, entry.evidence, *days), 7):
        grid.put(row, column, text)
