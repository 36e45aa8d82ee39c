"""Daily rates of payment and of loss ahead of a date: what a cash forecast asks of a model of payment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.models.timing.day_counts import Floats, Ints

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["DailyRates", "PaymentModel", "rates_of_chances"]

CERTAIN = 1.0 - 1e-15


@dataclass(frozen=True, slots=True)
class DailyRates:
    """Rates of payment and of loss on each day ahead, for items that fall into few kinds.

    A rate is the hazard of one whole day: an item that is open in the morning is gone by the evening with
    probability ``1 - exp(-(paid + lost))``, and paid in ``paid / (paid + lost)`` of these cases. A shock of
    the log-hazard multiplies a rate.

    Parameters
    ----------
    paid, lost : array of float, shape (kinds, days)
        Rates by kind; column k is the day k + 1 after the date. Zero before the issue of an item.
    kind : array of int, shape (items,)
        Row of each item.
    """

    paid: Floats
    lost: Floats
    kind: Ints

    def paths(self) -> Floats:
        """Probability that each item is paid on exactly each day ahead, shape (items, days)."""
        return np.asarray(_outcomes(self.paid, self.lost)[self.kind], dtype=float)

    def losses(self) -> Floats:
        """Probability that each item is lost (credited, written off) on each day ahead, (items, days)."""
        return np.asarray(_outcomes(self.lost, self.paid)[self.kind], dtype=float)


class PaymentModel(Protocol):
    """What a cash forecast asks of a model of time to payment."""

    @property
    def as_of(self) -> pd.Timestamp:
        """Day on which everything used was known."""
        ...

    def describe(self, snapshot: Snapshot, items: pd.DataFrame) -> pd.DataFrame:
        """Items with the columns that the model predicts from.

        `items` has customer_id, issue_date, due_date, amount and more; an item may be issued after the
        snapshot (expected sales). Rows and index stay as they are.
        """
        ...

    def open_items(self, snapshot: Snapshot) -> pd.DataFrame:
        """Open items of positive amount, described."""
        ...

    def rates(self, items: pd.DataFrame, date: pd.Timestamp, horizon: int) -> DailyRates:
        """Daily rates of described items on the `horizon` days after `date`."""
        ...

    def refit(self, snapshot: Snapshot) -> PaymentModel:
        """The same model fitted on what was known at another snapshot."""
        ...


def rates_of_chances(paid: ArrayLike, lost: ArrayLike) -> tuple[Floats, Floats]:
    """Rates of days on which items leave with the given chances.

    Parameters
    ----------
    paid, lost : array of float
        Probability that an open item is paid, lost, on a day; in sum at most one (a sure day has a rate of
        34.5, which leaves 1e-15).

    Returns
    -------
    tuple of array
        Rates of payment and of loss.

    Examples
    --------
    >>> paid, lost = rates_of_chances([0.2], [0.1])
    >>> DailyRates(paid[None, :], lost[None, :], np.array([0])).paths().round(12).tolist()
    [[0.2]]
    """
    p, q = np.asarray(paid, dtype=float), np.asarray(lost, dtype=float)
    leave = p + q
    rate = -np.log1p(-np.minimum(leave, CERTAIN))
    factor = np.divide(rate, leave, out=np.ones_like(leave), where=leave > 0)
    return p * factor, q * factor


def _outcomes(one: Floats, other: Floats) -> Floats:
    """Chance of leaving by the first of two rates on each day."""
    total = one + other
    before = np.exp(-np.cumsum(total, axis=1) + total)
    share = np.divide(one, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray(before * -np.expm1(-total) * share, dtype=float)
