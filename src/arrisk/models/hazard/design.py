"""Covariates of cells and of classes of days, checked and laid side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.hazard.counts import ItemDays
from arrisk.models.timing.day_counts import Floats

__all__ = ["Designs", "make_designs"]


@dataclass(frozen=True, slots=True)
class Designs:
    """What cells and classes of days add to the covariates, over the same k terms.

    Parameters
    ----------
    names : tuple of str, length k
        Terms of the cells, then those of the calendar.
    of_cell, of_class : array, shapes (cells, k) and (classes, k)
    cell_terms : int
        How many terms are the cells'.
    """

    names: tuple[str, ...]
    of_cell: Floats
    of_class: Floats
    cell_terms: int

    def named(self, chosen: NDArray[np.bool_]) -> tuple[str, ...]:
        """Names of the chosen terms."""
        return tuple(n for n, c in zip(self.names, chosen, strict=True) if c)

    def rows(self, days: ItemDays) -> Floats:
        """Covariates of each profile, shape (profiles, k)."""
        return np.asarray(self.of_cell[days.cell] + self.of_class[days.day_class])


def make_designs(
    days: ItemDays, design: pd.DataFrame | ArrayLike, calendar_design: pd.DataFrame | ArrayLike | None
) -> Designs:
    """Check the covariates of cells and of classes of days, and lay them side by side.

    Raises
    ------
    ModelError
        If they do not cover all cells or classes, hold a missing value, or share a name.
    """
    x, names = _matrix(design, days.cells, "x", "cells")
    w = np.zeros((days.classes, 0))
    if calendar_design is not None:
        w, more = _matrix(calendar_design, days.classes, "day", "classes of days")
        names = names + more
    if len(set(names)) < len(names):
        raise ModelError(f"terms share a name: {sorted({n for n in names if names.count(n) > 1})}")
    of_cell = np.hstack([x, np.zeros((x.shape[0], w.shape[1]))])
    of_class = np.hstack([np.zeros((w.shape[0], x.shape[1])), w])
    return Designs(tuple(names), of_cell, of_class, x.shape[1])


def _matrix(given: pd.DataFrame | ArrayLike, rows: int, prefix: str, what: str) -> tuple[Floats, list[str]]:
    values = np.asarray(given, dtype=float)
    if values.ndim != 2 or values.shape[0] < rows:
        raise ModelError(f"a design of shape {values.shape} does not cover {rows} {what}")
    if not np.isfinite(values).all():
        raise ModelError(f"missing or infinite values in the design of {what}")
    if isinstance(given, pd.DataFrame):
        return values, [str(c) for c in given.columns]
    return values, [f"{prefix}{j + 1}" for j in range(values.shape[1])]
