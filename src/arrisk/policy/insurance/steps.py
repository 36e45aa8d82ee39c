"""The steps that a loss can take through a policy, and the orders in which insurers apply them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BUYER_STEPS",
    "DEFAULT_ORDER",
    "EXCESS_FIRST",
    "IDLE",
    "SHARE_LAST",
    "STEPS",
    "THRESHOLD_ORDER",
    "TOP_UP_ORDER",
    "YEAR_STEPS",
    "Allocation",
    "run_steps",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Allocation = Literal["in order", "pro rata"]
Step = Callable[[FloatArray, float | FloatArray], FloatArray]

DEFAULT_ORDER = (
    "buyer_limit",
    "non_qualifying_loss",
    "insured_share",
    "each_and_every",
    "aggregate_first_loss",
    "maximum_liability",
)
EXCESS_FIRST = (
    "buyer_limit",
    "non_qualifying_loss",
    "each_and_every",
    "insured_share",
    "aggregate_first_loss",
    "maximum_liability",
)
"""The excess is taken off before the insured share."""

THRESHOLD_ORDER = (
    "buyer_limit",
    "threshold",
    "insured_share",
    "each_and_every",
    "aggregate_first_loss",
    "maximum_liability",
)
"""The threshold is subtracted, where the default order has a gate."""

SHARE_LAST = ("buyer_limit", "threshold", "aggregate_first_loss", "insured_share", "maximum_liability")
"""The share of what the year's losses above the threshold exceed the first loss by."""

TOP_UP_ORDER = ("underlying_limit", *DEFAULT_ORDER)
"""A second layer: what another policy's limit of the buyer leaves, then as usual."""


def _above(amounts: FloatArray, kept: float | FloatArray) -> FloatArray:
    return np.maximum(amounts - kept, 0.0)


def _below(amounts: FloatArray, limit: float | FloatArray) -> FloatArray:
    return np.minimum(amounts, limit)


def _gate(amounts: FloatArray, minimum: float | FloatArray) -> FloatArray:
    return np.where(amounts >= minimum, amounts, 0.0)


def _share(amounts: FloatArray, share: float | FloatArray) -> FloatArray:
    return amounts * share


BUYER_STEPS: Mapping[str, Step] = {
    "underlying_limit": _above,
    "buyer_limit": _below,
    "non_qualifying_loss": _gate,
    "threshold": _above,
    "insured_share": _share,
    "each_and_every": _above,
}
"""Steps on each loss: from (amount, term) to the amount left."""

YEAR_STEPS: Mapping[str, Step] = {"aggregate_first_loss": _above, "maximum_liability": _below}
"""Steps on the total of a year: from (total, term) to the total left."""

STEPS = (*BUYER_STEPS, *YEAR_STEPS)
"""Every step that an order can name."""

IDLE: Mapping[str, float] = {
    "underlying_limit": 0.0,
    "buyer_limit": math.inf,
    "non_qualifying_loss": 0.0,
    "threshold": 0.0,
    "insured_share": 1.0,
    "each_and_every": 0.0,
    "aggregate_first_loss": 0.0,
    "maximum_liability": math.inf,
}
"""Terms at which a step changes nothing."""


def run_steps(
    amounts: FloatArray,
    order: tuple[str, ...],
    values: Mapping[str, float | FloatArray],
    years: IntArray,
    allocation: Allocation = "in order",
) -> dict[str, FloatArray]:
    """Take losses through steps, one after the other.

    Parameters
    ----------
    amounts : array of shape (losses,)
        Covered amounts, not negative.
    order : tuple of str
    values : mapping of step to float or array of shape (losses,)
        The term of each step; one number for steps of the year.
    years : int array of shape (losses,)
        In ascending order, not negative.
    allocation : {"in order", "pro rata"}
        How a step of the year falls on its losses: used up in their order, as in a claims department; or on
        all alike, in proportion, for simulated years, whose losses have no order.

    Returns
    -------
    dict of step to array of shape (losses,)
        Amount after each step; "covered" is the start.
    """
    after = {"covered": amounts}
    for step in order:
        if step in BUYER_STEPS:
            amounts = BUYER_STEPS[step](amounts, values[step])
        elif values[step] != IDLE[step]:
            amounts = _over_year(amounts, YEAR_STEPS[step], values[step], years, allocation)
        after[step] = amounts
    return after


def _over_year(
    amounts: FloatArray, step: Step, term: float | FloatArray, years: IntArray, allocation: Allocation
) -> FloatArray:
    if amounts.size == 0:
        return amounts
    if allocation == "pro rata":
        total = np.bincount(years, weights=amounts).astype(float)
        left = np.divide(step(total, term), total, out=np.zeros_like(total), where=total > 0)
        return np.asarray(amounts * left[years], dtype=float)
    before, through = _running(amounts, years)
    return np.asarray(np.clip(step(through, term) - step(before, term), 0.0, amounts), dtype=float)


def _running(amounts: FloatArray, years: IntArray) -> tuple[FloatArray, FloatArray]:
    """Total of the year before and through each loss."""
    through = np.cumsum(amounts)
    first = np.concatenate([[True], np.diff(years) > 0])
    start = np.concatenate([[0.0], through[:-1]])
    base = start[np.maximum.accumulate(np.where(first, np.arange(amounts.size), 0))]
    return start - base, through - base
