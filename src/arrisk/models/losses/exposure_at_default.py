"""How much more customers owed when they were lost than on an ordinary day of the year before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.balance_statements import customer_days, customer_groups
from arrisk.ledger.days import day_number, day_numbers
from arrisk.models.defaults.experience import DefaultExperience
from arrisk.models.jackknife import jackknife_reach
from arrisk.portfolio.utilisation import last_month_ends

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["FEWEST_GROWN", "ExposureGrowth", "month_end_balances", "read_exposure_growth"]

FloatArray = NDArray[np.float64]
YEAR = 365
LONGEST = 600
FEWEST_GROWN = 5
"""Lost customers below which balances are taken as they stand."""


@dataclass(frozen=True, slots=True)
class ExposureGrowth:
    """Owed at the loss over the balance of an ordinary month end of the year before the default.

    Parameters
    ----------
    factor : float
        Ratio of sums over lost customers and month ends; 1 with fewer than five lost customers.
    low, high : float
        Interval by customer.
    customers : int
        Lost customers behind it.
    """

    factor: float
    low: float
    high: float
    customers: int

    @property
    def identified(self) -> bool:
        """Whether there are enough lost customers."""
        return self.customers >= FEWEST_GROWN

    @property
    def source(self) -> str:
        """Where it comes from, in words."""
        if self.identified:
            return f"{self.customers} lost customers: owed in the end over month ends of the year before"
        return "too few lost customers: balances as they stand"


def read_exposure_growth(
    snapshot: Snapshot, experience: DefaultExperience, level: float = 0.95
) -> ExposureGrowth:
    """Compare what lost customers owed in the end with what they owed on month ends of the year before.

    Parameters
    ----------
    snapshot : Snapshot
    experience : DefaultExperience
        Of the same snapshot.
    level : float
        Coverage of the interval.

    Notes
    -----
    A balance of today meets a default some time within the year: so the comparison is with all month ends of
    the year before the default on which the customer owed anything. The interval is the delete-one-customer
    jackknife of the logarithm.
    """
    lost = experience.losses
    if len(lost) < FEWEST_GROWN:
        return ExposureGrowth(1.0, np.nan, np.nan, len(lost))
    names = pd.Index(lost["customer_id"].astype(str))
    first = day_number(snapshot.first_date)
    ends = last_month_ends(snapshot.date, LONGEST, first)
    balance, _ = month_end_balances(snapshot, names, ends)
    default = day_numbers(lost["default_date"]).to_numpy(dtype=np.int64)[:, None]
    counted = (ends < default) & (ends >= default - YEAR) & (balance > 0)
    before = (balance * counted).sum(axis=1)
    after = lost["owed"].to_numpy(dtype=float) * counted.sum(axis=1)
    known = (before > 0) & (after > 0)
    before, after = before[known], after[known]
    if before.size < FEWEST_GROWN:
        return ExposureGrowth(1.0, np.nan, np.nan, int(before.size))
    factor = float(after.sum() / before.sum())
    without = np.log((after.sum() - after) / (before.sum() - before))
    reach = float(jackknife_reach(without, level))
    return ExposureGrowth(
        factor, factor * float(np.exp(-reach)), factor * float(np.exp(reach)), int(before.size)
    )


def month_end_balances(
    snapshot: Snapshot, names: pd.Index, ends: NDArray[np.int64]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Balances at the ends of days, net of credits and unapplied cash, as then known.

    Parameters
    ----------
    snapshot : Snapshot
    names : Index of str
        Customers.
    ends : int array of shape (days,)
        Day numbers, ascending.

    Returns
    -------
    balance : array of shape (customers, days)
        Currency units.
    known : bool array of shape (customers, days)
        Whether anything was booked for the customer by then.
    """
    number = snapshot.query(customer_groups()).set_index("customer")["customer_id"]
    moves = snapshot.query(customer_days()).astype("int64")
    who = names.get_indexer(pd.Index(number.reindex(moves["customer"]).to_numpy(dtype=str)))
    inside = who >= 0
    column = np.searchsorted(ends, moves["day"].to_numpy(dtype=np.int64))
    inside &= column < ends.size
    change = (moves["invoiced"] + moves["settled"]).to_numpy(dtype=np.int64)
    minor, seen = np.zeros((2, len(names), ends.size), dtype=np.int64)
    np.add.at(minor, (who[inside], column[inside]), change[inside])
    np.add.at(seen, (who[inside], column[inside]), 1)
    return minor.cumsum(axis=1) / snapshot.scale, seen.cumsum(axis=1) > 0
