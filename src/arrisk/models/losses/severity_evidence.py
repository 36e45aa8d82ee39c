"""What lost customers cost: the share of their balance that is lost, and how it varies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.defaults.experience import DefaultExperience
from arrisk.models.recovery.loss_given_default import fit_lgd
from arrisk.models.recovery.share_interval import equal_customers

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["FEWEST_SEVERITIES", "AssumedSeverity", "SeverityEvidence", "read_severity"]

FloatArray = NDArray[np.float64]
FEWEST_SEVERITIES = 5
"""Lost customers below which the spread of the share lost is taken from the assumed range."""
NORMAL_RANGE = 2 * 1.6448536269514722


@dataclass(frozen=True, slots=True)
class AssumedSeverity:
    """A share lost that is assumed, with a range that holds 90% of single defaults.

    Parameters
    ----------
    value, low, high : float
        Fractions of the balance at default, 0 <= low <= value <= high <= 1.

    Raises
    ------
    ModelError
        If they are not in order.

    Examples
    --------
    >>> round(AssumedSeverity(0.6, 0.4, 0.9).spread, 3)
    0.152
    """

    value: float = 0.6
    low: float = 0.4
    high: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.value <= self.high <= 1:
            raise ModelError(
                "a share lost has a range with 0 <= low <= value <= high <= 1, got "
                f"{self.low}, {self.value}, {self.high}"
            )

    @property
    def spread(self) -> float:
        """Standard deviation of single shares: the range over that of a normal law with 90% inside."""
        return min((self.high - self.low) / NORMAL_RANGE, math.sqrt(self.value * (1 - self.value)))


@dataclass(frozen=True, slots=True)
class SeverityEvidence:
    """Share of the balance that is lost of a lost customer.

    Parameters
    ----------
    mean : float
        Of money: large balances count more.
    spread : float
        Standard deviation from customer to customer.
    low, high : float
        Range of the mean.
    customers : int
        Lost customers behind it.
    source : str
        Where the figures come from, in words.
    observed : bool
        Whether the mean is the ledger's.
    """

    mean: float
    spread: float
    low: float
    high: float
    customers: int
    source: str
    observed: bool


def read_severity(
    snapshot: Snapshot, experience: DefaultExperience, assumed: AssumedSeverity | None = None
) -> SeverityEvidence:
    """Mean and spread of the share lost, from lost customers where there are enough.

    Parameters
    ----------
    snapshot : Snapshot
    experience : DefaultExperience
        Of the same snapshot.
    assumed : AssumedSeverity, optional
        Used with fewer than two lost customers; its spread with fewer than five.

    Notes
    -----
    The mean is `fit_lgd` from the first write-off on, undiscounted: workouts still running count in the
    months that are over for them. The spread is that of the shares lost so far, weighted by balances with the
    correction for so many customers of equal size (Kish, 1965), about their own mean.
    """
    given = assumed or AssumedSeverity()
    lost = experience.losses
    if not experience.identified or experience.lgd is None:
        told = f"assumed: {given.low:.0%} to {given.high:.0%} of single balances"
        return SeverityEvidence(given.value, given.spread, given.low, given.high, len(lost), told, False)
    mean, low, high = _mean(snapshot, experience.lgd)
    source = f"{len(lost)} lost customers of the ledger"
    most = math.sqrt(max(mean * (1 - mean), 0.0))
    if len(lost) < FEWEST_SEVERITIES:
        told = f"{source}; spread assumed"
        return SeverityEvidence(mean, min(given.spread, most), low, high, len(lost), told, True)
    owed, written, back = (lost[c].to_numpy(dtype=float) for c in ("owed", "written_off", "recovered"))
    spread = min(share_spread(np.clip((written - back) / np.maximum(owed, 1e-9), 0, 1), owed), most)
    return SeverityEvidence(mean, spread, low, high, len(lost), source, True)


def share_spread(share: FloatArray, weight: FloatArray) -> float:
    """Weighted standard deviation of shares, corrected for so many customers of equal size.

    Examples
    --------
    >>> round(share_spread(np.array([0.0, 1.0]), np.array([1.0, 1.0])), 4)
    0.7071
    """
    size = equal_customers(weight)
    if size <= 1:
        return 0.0
    mean = float(np.average(share, weights=weight))
    return math.sqrt(float(np.average((share - mean) ** 2, weights=weight)) * size / (size - 1))


def _mean(snapshot: Snapshot, so_far: float) -> tuple[float, float, float]:
    """Developed mean with its interval; what is known so far when nothing is a month old."""
    found = fit_lgd(snapshot, by=None)
    if not found.identified:
        return so_far, 0.0, 1.0
    row = found.table.iloc[-1]
    mean, low, high = (min(max(float(row[c]), 0.0), 1.0) for c in ("lgd", "ci_low", "ci_high"))
    return mean, low, high
