"""A figure with its interval, and the design effect of rows that belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.validation.resampling import customer_codes

__all__ = ["Estimate", "design_effect", "outcomes"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; NaN ends where there is none, and the method says why.

    Parameters
    ----------
    term : str
        What it is.
    value, low, high : float
    level : float
    method : str
    """

    term: str
    value: float
    low: float
    high: float
    level: float
    method: str


def outcomes(y: ArrayLike, p: ArrayLike) -> tuple[Floats, Floats]:
    """Events as 0 and 1, and probabilities, both of shape (rows,).

    Raises
    ------
    ModelError
        If lengths differ, there is no row, or a value is missing or not possible.

    Examples
    --------
    >>> [v.tolist() for v in outcomes([True, False], [0.5, 0.25])]
    [[1.0, 0.0], [0.5, 0.25]]
    """
    event, given = np.asarray(y, dtype=float), np.asarray(p, dtype=float)
    if event.ndim != 1 or event.shape != given.shape or not event.size:
        raise ModelError(
            f"events and probabilities must be as long as each other: {event.shape}, {given.shape}"
        )
    if not np.isin(event, (0.0, 1.0)).all():
        raise ModelError("events are 0 or 1, with none missing")
    if not ((given >= 0) & (given <= 1)).all():
        wrong = int((~((given >= 0) & (given <= 1))).sum())
        raise ModelError(f"{wrong} of {given.size} probabilities are missing or not between 0 and 1")
    return event, given


def design_effect(y: ArrayLike, p: ArrayLike, customers: ArrayLike | None = None) -> float:
    """By how much rows of one customer inflate the variance of counts, at least 1.

    Parameters
    ----------
    y, p : array, shape (rows,)
        Events and the probabilities given.
    customers : array, shape (rows,), optional
        Without it rows are independent and the effect is 1.

    Returns
    -------
    float
        Sum over customers of their squared residuals summed, over the sum of squared residuals, residual
        y - p less its mean: of the whole book, as a group alone holds too few customers for it. Counts
        divided by it are worth as much as independent ones (Rao and Scott 1981).

    Examples
    --------
    >>> y, p = [1, 1, 0, 0], [0.5] * 4
    >>> design_effect(y, p), design_effect(y, p, "aabb"), design_effect(y, p, "abab")
    (1.0, 2.0, 1.0)
    """
    event, given = outcomes(y, p)
    if customers is None:
        return 1.0
    who = list(customers) if isinstance(customers, str) else customers
    code, groups = customer_codes(who, event.size)
    residual = event - given
    residual = residual - residual.mean()
    single = float((residual**2).sum())
    if single == 0.0:
        return 1.0
    return max(1.0, float((np.bincount(code, residual, groups) ** 2).sum()) / single)
