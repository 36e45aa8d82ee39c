"""How long items stay in view: the chance of not yet being censored, by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.timing.day_counts import day_rows

__all__ = ["InView", "followed", "in_view"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class InView:
    """Chance of being in view on a whole day; made by `in_view`.

    Parameters
    ----------
    first : int
        Day of the first value.
    share : array
        Probability of not having been censored before each day.
    """

    first: int
    share: Floats

    def on(self, days: ArrayLike) -> Floats:
        """Chance of being in view on each day; 1 before the first, the last value after the last day."""
        place = np.clip(np.asarray(days, dtype=np.int64) - self.first, 0, self.share.size - 1)
        return np.asarray(self.share[place], dtype=float)


def in_view(days: ArrayLike, event: ArrayLike) -> InView:
    """Kaplan-Meier of censoring in whole days: the weights of what was seen.

    Parameters
    ----------
    days : array of int, shape (n,)
        Day of the event, or last day in view.
    event : array of bool, shape (n,)

    Returns
    -------
    InView

    Notes
    -----
    An item is censored in the evening of its day, after the events of that day, so that an event of the day
    is seen by everybody in view in the morning: the weight of an event on day t is one over the chance of
    being in view *on* t. Rows taken at several as-of days are censored at several ages; when all are seen
    to the same age there is no censoring before it and every weight is one.

    Examples
    --------
    Of four items one is paid on day 1 and one leaves the view in the evening: of three left, two stay.

    >>> in_view([1, 1, 3, 4], [True, False, True, True]).on([0, 1, 2, 3]).round(4).tolist()
    [1.0, 1.0, 0.6667, 0.6667]
    """
    exit_, happened = followed(days, event)
    first = int(exit_.min())
    place = exit_ - first
    size = int(place.max()) + 1
    left = np.bincount(place, minlength=size)
    events = np.bincount(place[happened], minlength=size)
    evening = left[::-1].cumsum()[::-1] - events
    stays = 1.0 - np.divide(left - events, evening, out=np.zeros(size), where=evening > 0)
    return InView(first, np.concatenate([[1.0], np.cumprod(stays)]))


def followed(days: ArrayLike, event: ArrayLike) -> tuple[Ints, NDArray[np.bool_]]:
    """Whole days and events as arrays.

    Raises
    ------
    ModelError
        If there is no item, a day is missing or no whole number, or the lengths differ.

    Examples
    --------
    >>> [v.tolist() for v in followed([3.0, 0.0], [1, 0])]
    [[3, 0], [True, False]]
    """
    exit_: Ints = day_rows(days, None, None).exit.astype(np.int64)
    happened: NDArray[np.bool_] = np.asarray(event).astype(np.bool_)
    if happened.shape != exit_.shape:
        raise ModelError(f"event has {happened.size} values for {exit_.size} days")
    return exit_, happened
