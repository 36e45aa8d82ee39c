"""What a tiered bonus costs, and the financing that less overdue money saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html, money
from arrisk.errors import StudyError
from arrisk.models.intervals import Interval, jackknife
from arrisk.policy.incentives.measures import SUMS, SalesSums
from arrisk.policy.incentives.scores import SalesScores

__all__ = ["TIERS", "BonusCase", "bonus_shares", "financing_saved", "make_bonus_case", "read_tiers"]

Floats = NDArray[np.float64]
TIERS: tuple[tuple[float, float], ...] = ((90.0, 0.5), (100.0, 1.0), (110.0, 1.5))


@dataclass(frozen=True, slots=True, eq=False)
class BonusCase:
    """Cost of the bonus against the financing saved.

    Attributes
    ----------
    table : DataFrame
        unit, score, tier (least score of the tier reached; missing below the first), bonus (currency units a
        year).
    cost : float
        Sum of the bonuses.
    saved : Interval or None
        Financing saved a year, currency units: overdue share a year before less the share now, times what is
        owed now, times the cost of capital; None when the ledger does not reach back a year.
    saved_value : float
        Its estimate; NaN when there is none.
    share_before, share_now : float
        Overdue share of what is owed at quarter ends.
    owed : float
        Owed now, average of quarter ends, currency units.
    tiers : tuple of (score, share of the full bonus)
    currency : str
    customers : int
    """

    table: pd.DataFrame
    cost: float
    saved: Interval | None
    saved_value: float
    share_before: float
    share_now: float
    owed: float
    tiers: tuple[tuple[float, float], ...]
    currency: str
    customers: int

    @property
    def finding(self) -> str:
        """Cost against saving in a sentence."""
        cost = f"The bonus costs {money(self.cost, self.currency)} a year"
        if self.saved is None:
            return f"{cost}; what it could save cannot be seen without a year before"
        low, high = self.saved.low, self.saved.high
        return (
            f"{cost}; financing saved against a year before {money(self.saved_value, self.currency)} "
            f"({self.saved.level:.0%} interval {money(low, self.currency)} to {money(high, self.currency)})"
        )

    def to_table(self, name: str = "bonus") -> Table:
        """The bonuses ready to be shown."""
        steps = ", ".join(f"{share:.0%} of a full bonus from {least:g} points" for least, share in self.tiers)
        note = (
            f"Tiers: {steps}. Overdue share of what is owed at quarter ends {_percent(self.share_now)}, a "
            f"year before {_percent(self.share_before)}; the difference is not known to come from the bonus."
        )
        return Table(name, self.finding, self.table, note, {"score": "days", "bonus": "money"})

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def read_tiers(given: Sequence[Any] | None) -> tuple[tuple[float, float], ...]:
    """Tiers of a study: pairs of least score and share of the full bonus, rising.

    Raises
    ------
    StudyError
        If they are not rising pairs of numbers.

    Examples
    --------
    >>> read_tiers([[80, 0.5], [100, 1.0]])
    ((80.0, 0.5), (100.0, 1.0))
    """
    if given is None:
        return TIERS
    try:
        tiers = tuple((float(least), float(share)) for least, share in given)
    except (TypeError, ValueError):
        raise StudyError(
            f"[settings.incentives]: tiers = {given!r} is not a list of [score, share] pairs"
        ) from None
    flat = np.array(tiers)
    if not len(tiers) or np.any(np.diff(flat, axis=0) <= 0) or flat.min() < 0:
        raise StudyError(f"[settings.incentives]: tiers must rise in score and in share, got {given!r}")
    return tiers


def bonus_shares(scores: Floats, tiers: Sequence[tuple[float, float]] = TIERS) -> tuple[Floats, Floats]:
    """Share of the full bonus that each score earns, and the tier reached.

    Parameters
    ----------
    scores : array of shape (units,)
        Missing earns nothing.
    tiers : sequence of (least score, share)
        Rising.

    Returns
    -------
    shares, tier : arrays of shape (units,)
        The tier is missing below the first.

    Examples
    --------
    >>> bonus_shares(np.array([89.9, 90.0, 130.0]))[0].tolist()
    [0.0, 0.5, 1.5]
    """
    least = np.array([t[0] for t in tiers])
    place = np.searchsorted(least, np.nan_to_num(scores, nan=-np.inf), side="right")
    shares = np.concatenate([[0.0], [t[1] for t in tiers]])[place]
    return shares, np.concatenate([[np.nan], least])[place]


def financing_saved(totals: Floats, cost_of_capital: float, quarters: int) -> Floats:
    """Yearly cost of the money that a lower overdue share frees.

    (overdue share a year before - overdue share now) x average owed now x cost of capital.

    Parameters
    ----------
    totals : array of shape (..., sums)
        Sums over units, in the order of `measures.SUMS`.
    cost_of_capital : float
        A year, fraction.
    quarters : int
        Dates summed over.
    """
    sums = dict(zip(SUMS, np.moveaxis(totals, -1, 0), strict=True))
    freed = sums["overdue_before"] / sums["owed_before"] - sums["overdue"] / sums["owed"]
    return np.asarray(freed * sums["owed"] / quarters * cost_of_capital, dtype=float)


def make_bonus_case(
    scores: SalesScores,
    sums: SalesSums,
    full_bonus: float,
    cost_of_capital: float,
    currency: str,
    tiers: Sequence[tuple[float, float]] = TIERS,
    level: float = 0.95,
) -> BonusCase:
    """Set the cost of the bonus against the financing saved.

    Parameters
    ----------
    scores : SalesScores
    sums : SalesSums
        Of the same snapshot and unit.
    full_bonus : float
        Full bonus of one unit a year, currency units.
    cost_of_capital : float
        A year, fraction.
    currency : str
    tiers : sequence of (least score, share)
    level : float
        Of the interval of the saving (delete-one-customer jackknife).

    Returns
    -------
    BonusCase
    """
    shares, tier = bonus_shares(scores.table["score"].to_numpy(dtype=float), tiers)
    table = pd.DataFrame({scores.unit: scores.table[scores.unit], "score": scores.table["score"]})
    table = table.assign(tier=tier, bonus=shares * full_bonus)
    by_customer = sums.table.groupby("customer_id")[list(SUMS)].sum().to_numpy(dtype=float)
    total = by_customer.sum(axis=0)
    named = dict(zip(SUMS, total, strict=True))
    known = sums.quarters > 0 and named["owed"] > 0 and named["owed_before"] > 0 and len(by_customer) > 1
    value, interval = np.nan, None
    if known:
        value = float(financing_saved(total, cost_of_capital, sums.quarters))
        without = financing_saved(total - by_customer, cost_of_capital, sums.quarters)
        interval = jackknife(value, without, level)
    return BonusCase(
        table,
        float(table["bonus"].sum()),
        interval,
        value,
        named["overdue_before"] / named["owed_before"] if known else np.nan,
        named["overdue"] / named["owed"] if known else np.nan,
        named["owed"] / sums.quarters if known else np.nan,
        tuple(tiers),
        currency,
        len(by_customer),
    )


def _percent(value: float) -> str:
    return "unknown" if np.isnan(value) else f"{value:.1%}"
