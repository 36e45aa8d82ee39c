"""Covariates of cells and of classes of days, checked and laid side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.errors import ModelError
from arrisk.models.hazard.counts import ItemDays
from arrisk.models.timing.day_counts import Floats

__all__ = ["make_designs"]


def make_designs(
    days: ItemDays, design: pd.DataFrame | ArrayLike, calendar_design: pd.DataFrame | ArrayLike | None
) -> tuple[Floats, Floats, list[str]]:
    """What each cell and each class of days adds to the design, and the names of all terms."""
    x, names = _matrix(design, days.cells, "x", "cells")
    w = np.zeros((days.classes, 0))
    more: list[str] = []
    if calendar_design is not None:
        w, more = _matrix(calendar_design, days.classes, "day", "classes of days")
    names = names + more
    if len(set(names)) < len(names):
        raise ModelError(f"terms share a name: {sorted({n for n in names if names.count(n) > 1})}")
    of_cell = np.hstack([x, np.zeros((x.shape[0], w.shape[1]))])
    return of_cell, np.hstack([np.zeros((w.shape[0], x.shape[1])), w]), names


def _matrix(given: pd.DataFrame | ArrayLike, rows: int, prefix: str, what: str) -> tuple[Floats, list[str]]:
    values = np.asarray(given, dtype=float)
    if values.ndim != 2 or values.shape[0] < rows:
        raise ModelError(f"a design of shape {values.shape} does not cover {rows} {what}")
    if not np.isfinite(values).all():
        raise ModelError(f"missing or infinite values in the design of {what}")
    if isinstance(given, pd.DataFrame):
        return values, [str(c) for c in given.columns]
    return values, [f"{prefix}{j + 1}" for j in range(values.shape[1])]
