"""The rows of a regression: checked once, then read block by block in centred and scaled columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = ["CONSTANT", "Design", "make_design"]

Floats = NDArray[np.float64]
CONSTANT = "const"
BLOCK = 2048
SMALLEST_EIGENVALUE = 1e-11
FLAT = 1e-12


@dataclass(frozen=True, slots=True)
class Design:
    """Covariates, events and counts of rows; read block by block as (x - mean) / scale.

    Parameters
    ----------
    names : tuple of str, length k + 1
        Terms, the constant first.
    x : array, shape (n, k)
        Covariates as given, without the constant; never copied or changed.
    event : array of {0, 1}, shape (n,)
    weights : array, shape (n,), or None
        How often each row counts; None is once.
    mean, scale : array, shape (k,)
        Weighted mean and standard deviation of each covariate.
    """

    names: tuple[str, ...]
    x: Floats
    event: Floats
    weights: Floats | None
    mean: Floats
    scale: Floats

    @property
    def counts(self) -> tuple[float, float]:
        """Rows and events, each as often as it counts."""
        if self.weights is None:
            return float(self.event.size), float(self.event.sum())
        return float(self.weights.sum()), float(self.weights @ self.event)

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Slices of the rows with their standardised columns (no constant); the memory is reused."""
        n, k = self.x.shape
        size = min(BLOCK, n)
        by_row = self.x.flags.c_contiguous and n > BLOCK
        room = np.empty((size, k)) if by_row else np.empty((k, size)).T
        copies = size if by_row else 1
        mean, inverse = np.tile(self.mean, copies), np.tile(1.0 / self.scale, copies)
        for low in range(0, n, BLOCK):
            rows = slice(low, min(low + BLOCK, n))
            m = rows.stop - low
            if by_row:
                # One long row: numpy is slow on many short ones.
                flat = room[:m].reshape(-1)
                np.subtract(self.x[rows].reshape(-1), mean[: m * k], out=flat)
                flat *= inverse[: m * k]
            else:
                np.subtract(self.x[rows], self.mean, out=room[:m])
                room[:m] *= inverse
            yield rows, room[:m]

    def standard(self, rows: NDArray[np.intp]) -> Floats:
        """Constant and standardised columns of some rows, shape (len(rows), k + 1)."""
        return np.column_stack([np.ones(rows.size), (self.x[rows] - self.mean) / self.scale])

    def weighted(self, rows: slice, values: Floats) -> Floats:
        """Values of some rows times how often they count."""
        return values if self.weights is None else values * self.weights[rows]

    def linear(self, beta: Floats) -> Floats:
        """Log-odds of every row for standardised coefficients, shape (n,)."""
        out = np.empty(self.event.size)
        for rows, z in self.blocks():
            out[rows] = z @ beta[1:] + beta[0]
        return out

    @property
    def from_standard(self) -> Floats:
        """Matrix that turns coefficients of the standardised columns into those of the columns as given."""
        turn = np.diag(np.concatenate([[1.0], 1.0 / self.scale]))
        turn[0, 1:] = -self.mean / self.scale
        return turn

    def take(self, rows: NDArray[np.intp]) -> Design:
        """Some of the rows, standardised as all of them are."""
        weights = None if self.weights is None else self.weights[rows]
        return Design(self.names, self.x[rows], self.event[rows], weights, self.mean, self.scale)


def make_design(x: pd.DataFrame | ArrayLike, y: ArrayLike, weights: ArrayLike | None = None) -> Design:
    """Check the rows of a regression with a constant.

    Parameters
    ----------
    x : DataFrame or array, shape (n, k)
        Covariates without a constant.
    y : array of bool, shape (n,)
    weights : array, shape (n,), optional
        How often each row counts; rows that count nothing are left out.

    Raises
    ------
    ModelError
        If shapes do not fit, a value is missing or infinite, a weight is negative, there is only one class,
        or terms are constant or collinear (the smallest eigenvalue of their correlations is below 1e-11);
        terms are named.

    Examples
    --------
    >>> make_design([[0.0], [2.0]], [0, 1]).mean.tolist()
    [1.0]
    """
    rows, event = np.asarray(x, dtype=float), np.asarray(y).astype(float)
    if rows.ndim != 2 or event.shape != rows.shape[:1]:
        raise ModelError(f"x has shape {rows.shape}, y {event.shape}: expected (n, k) and (n,)")
    names = [str(c) for c in x.columns] if isinstance(x, pd.DataFrame) else []
    names = names or [f"x{j + 1}" for j in range(rows.shape[1])]
    counted = None if weights is None else _checked_weights(weights, event.size)
    if counted is not None and not counted.all():
        rows, event, counted = rows[counted > 0], event[counted > 0], counted[counted > 0]
    if not ((event == 0) | (event == 1)).all() or event.min(initial=1.0) == event.max(initial=0.0):
        raise ModelError(f"y must hold both 0 and 1; it has {event.sum():.0f} events in {event.size} rows")
    with np.errstate(invalid="ignore", over="ignore"):
        mean = rows.mean(axis=0) if counted is None else counted @ rows / counted.sum()
    if not np.isfinite(mean).all():
        bad = [n for n, ok in zip(names, np.isfinite(rows).all(axis=0), strict=True) if not ok]
        raise ModelError(f"missing or infinite values in {', '.join(bad)}")
    plain = Design((CONSTANT, *names), rows, event, counted, mean, np.ones(rows.shape[1]))
    return Design(plain.names, rows, event, counted, mean, _scale(plain))


def _checked_weights(weights: ArrayLike, n: int) -> Floats:
    counted = np.asarray(weights, dtype=float)
    if counted.shape != (n,):
        raise ModelError(f"weights have shape {counted.shape}: expected ({n},)")
    if not (np.isfinite(counted).all() and (counted >= 0).all()):
        raise ModelError("weights are counts: finite and not negative")
    return counted


def _scale(centred: Design) -> Floats:
    """Standard deviations; refuses constant and collinear columns."""
    gram = np.zeros((centred.mean.size,) * 2)
    for rows, z in centred.blocks():
        gram += (z if centred.weights is None else z * centred.weights[rows, None]).T @ z
    root = np.sqrt(np.diag(gram))
    scale = np.asarray(root / np.sqrt(centred.counts[0]))
    flat = scale <= FLAT * np.maximum(np.abs(centred.mean), np.finfo(float).tiny)
    if flat.any():
        raise ModelError(f"the terms {_listed(centred, flat)} are constant")
    values, vectors = np.linalg.eigh(gram / np.outer(root, root))
    if values.size and values[0] < SMALLEST_EIGENVALUE:
        raise ModelError(f"the terms {_listed(centred, np.abs(vectors[:, 0]) > 1e-4)} are collinear")
    return scale


def _listed(design: Design, chosen: NDArray[np.bool_]) -> str:
    return ", ".join(n for n, c in zip(design.names[1:], chosen, strict=True) if c)
