"""The sheet of the sums that loss rates are made of: month by sum, one block a segment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrisk.report.evidence.grid import HEADER_ROW, NO_RATE, Grid
from arrisk.report.evidence.recipes import Recipe, Share

__all__ = ["ALL_CUSTOMERS", "CountsSheet", "make_counts_sheet"]

Floats = NDArray[np.float64]
ALL_CUSTOMERS = "all customers"
FIRST = 2
NOTE = (
    "Blue: sums of the run over the customers of a segment (by customer in sums_by_customer). Black: "
    "formulas. A sum below zero, from a reversal larger than what it reverses, counts as none."
)


@dataclass(frozen=True, slots=True, eq=False)
class CountsSheet:
    """The sheet and where things stand in it.

    Attributes
    ----------
    grid : Grid
    recipe : Recipe
    blocks : tuple of str
        Segments; with credibility, all customers together come first.
    values : array of shape (blocks, terms)
        Sums, not below zero.
    """

    grid: Grid
    recipe: Recipe
    blocks: tuple[str, ...]
    values: Floats

    def top(self, block: int) -> int:
        """First row of a block."""
        return HEADER_ROW + 1 + block * (len(self.recipe.periods) + 1)

    def window(self, block: int, name: str) -> tuple[str, float]:
        """Cell of a sum over all periods, and its value."""
        row = self.top(block) + len(self.recipe.periods)
        return self.grid.at(row, FIRST + self.recipe.names.index(name)), float(self.series(block, name).sum())

    def series(self, block: int, name: str) -> Floats:
        """Values of a sum by period."""
        kept = [k for k, term in enumerate(self.recipe.terms) if term.name == name]
        return self.values[block, kept]

    def is_periodic(self, share: Share) -> bool:
        """Whether a share is worked out period by period."""
        periodic = {t.name for t in self.recipe.terms if t.period}
        return self.recipe.averaged and share.given is None and set(share.whole) <= periodic

    def by_period(self, block: int, share: Share, capped: bool) -> tuple[str, Floats]:
        """Range of a share by period, and the shares; missing where nothing was seen."""
        rows, column = self.top(block), self._share_column(share)
        part = sum(sign * self.series(block, name) for sign, name in share.part)
        whole = np.asarray(sum(self.series(block, name) for name in share.whole))
        each = np.maximum(part, 0.0) / np.where(whole > 0, whole, np.nan)
        last = rows + len(self.recipe.periods) - 1
        return self.grid.span(rows, column, last, column), np.minimum(each, 1.0) if capped else each

    def _share_column(self, share: Share) -> int:
        periodic = [s for s in self.recipe.shares if self.is_periodic(s)]
        return FIRST + len(self.recipe.names) + periodic.index(share)


def make_counts_sheet(recipe: Recipe, segments: tuple[str, ...], totals: Floats, pooled: bool) -> CountsSheet:
    """Fill the sheet.

    Parameters
    ----------
    recipe : Recipe
    segments : tuple of str
    totals : array of shape (segments, terms)
    pooled : bool
        Whether all customers together have a block of their own, in front.
    """
    if not recipe.shares:
        return _list_sums(recipe, segments, totals)
    values = np.maximum(totals, 0.0)
    blocks = (ALL_CUSTOMERS, *segments) if pooled else segments
    if pooled:
        values = np.concatenate([values.sum(axis=0, keepdims=True), values])
    grid = Grid("counts", f"Sums behind the loss rates. {recipe.words}", NOTE, FIRST)
    sheet = CountsSheet(grid, recipe, blocks, values)
    periodic = [s for s in recipe.shares if sheet.is_periodic(s)]
    grid.head(["segment", "period", *recipe.names, *(f"share {s.name}" for s in periodic)])
    for block in range(len(blocks)):
        _write_block(sheet, block, pooled and block == 0)
        for share in periodic:
            _write_shares(sheet, block, share)
    return sheet


def _list_sums(recipe: Recipe, segments: tuple[str, ...], totals: Floats) -> CountsSheet:
    """Sums that no formula refers to, one a row: a method may have more of them than a sheet has columns."""
    grid = Grid("counts", f"Sums behind the loss rates. {recipe.words}", NOTE, 1)
    grid.head(["sum", *segments])
    for row, (term, values) in enumerate(zip(recipe.terms, totals.T, strict=True), HEADER_ROW + 1):
        grid.put(row, 0, term.name)
        for column, value in enumerate(values, 1):
            grid.put(row, column, float(value), "sum")
    return CountsSheet(grid, recipe, segments, totals)


def _write_block(sheet: CountsSheet, block: int, is_sum: bool) -> None:
    recipe, grid, top = sheet.recipe, sheet.grid, sheet.top(block)
    place = {period: top + k for k, period in enumerate(recipe.periods)}
    bottom = top + len(place)
    for period, row in (*place.items(), ("whole window", bottom)):
        grid.put(row, 0, sheet.blocks[block])
        grid.put(row, 1, period)
    for k, term in enumerate(recipe.terms):
        row, column = place.get(term.period, bottom), FIRST + recipe.names.index(term.name)
        value = float(sheet.values[block, k])
        if is_sum:
            others = [grid.at(row - top + sheet.top(b), column) for b in range(1, len(sheet.blocks))]
            grid.work_out(row, column, f"SUM({','.join(others)})", value, "sum")
        else:
            grid.put(row, column, value, "sum")
    for column, name in enumerate(recipe.names, FIRST):
        if (bottom, column) not in grid.cells:
            formula = f"SUM({grid.span(top, column, bottom - 1, column)})"
            grid.work_out(bottom, column, formula, float(sheet.series(block, name).sum()), "sum", "total")


def _write_shares(sheet: CountsSheet, block: int, share: Share) -> None:
    recipe, grid = sheet.recipe, sheet.grid
    column, capped = sheet._share_column(share), not recipe.chained
    _, values = sheet.by_period(block, share, capped)
    for row, value in enumerate(values, sheet.top(block)):
        cell = {name: grid.at(row, FIRST + recipe.names.index(name)) for name in recipe.names}
        formula = share_formula(share, cell, capped, None)
        grid.work_out(row, column, formula, float(value), "rate")


def share_formula(share: Share, cells: dict[str, str], capped: bool, unseen: float | None) -> str:
    """The formula of a share of sums that stand in given cells."""
    part = "".join(f"{'+' if sign > 0 else '-'}{cells[name]}" for sign, name in share.part).removeprefix("+")
    whole = "+".join(cells[name] for name in share.whole)
    ratio = f"MAX(0,{part})/({whole})"
    other = f'"{NO_RATE}"' if unseen is None else f"{unseen:g}"
    return f"IF({whole}>0,{f'MIN(1,{ratio})' if capped else ratio},{other})"
