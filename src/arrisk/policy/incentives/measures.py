"""What the terms of a sales score are made of: sums by unit and customer; customers can be redrawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.book import Snapshot
from arrisk.portfolio.attainment import NOT_GIVEN, make_attainment

__all__ = ["CAP", "SalesSums", "make_sales_sums", "term_scores"]

Floats = NDArray[np.float64]
CAP = 120.0
YEAR = pd.DateOffset(years=1)
SUMS = (
    "collected",
    "expected",
    "new",
    "compliant",
    "overdue",
    "owed",
    "overdue_before",
    "owed_before",
)


@dataclass(frozen=True, slots=True, eq=False)
class SalesSums:
    """Sums behind the terms of sales, by unit and customer.

    Attributes
    ----------
    table : DataFrame
        unit, customer_id; collected and expected (currency units: collected in time of what fell due in the
        year, and what the unit's mix of customers would have paid at the rates of all); new and compliant
        (customers first invoiced in the year, and those of them that had a limit in force which covered
        their first day); overdue and owed, summed over the date and the three quarters before it, and over
        the same four dates a year before (currency units; as many quarters as the ledger reaches back).
    units : tuple of str
        Sorted.
    has_limits : bool
        Whether the ledger gives limits.
    quarters : int
        Dates that `overdue` and `owed` are summed over; 0 when the ledger does not reach back a year.
    """

    table: pd.DataFrame
    units: tuple[str, ...]
    has_limits: bool
    quarters: int

    def totals(self, weights: Floats | None = None) -> Floats:
        """Sums by unit: array of shape (sums, units), or (draws, sums, units) for weights by customer.

        Parameters
        ----------
        weights : array of shape (draws, customers), optional
            Of the customers in sorted order.
        """
        unit = pd.Categorical(self.table["unit"], categories=list(self.units)).codes.astype(np.int64)
        starts = np.searchsorted(unit, np.arange(len(self.units)))
        values = self.table[list(SUMS)].to_numpy(dtype=float).T
        if weights is None:
            return np.add.reduceat(values, starts, axis=-1)
        place = np.unique(self.table["customer_id"].to_numpy(dtype=str), return_inverse=True)[1]
        return np.stack([np.add.reduceat(values * w[place], starts, axis=-1) for w in weights])

    @property
    def customers(self) -> int:
        """Number of customers."""
        return int(self.table["customer_id"].nunique())


def make_sales_sums(snapshot: Snapshot, unit: str = "salesperson", grace_days: int = 3) -> SalesSums:
    """Collect what the terms of sales are made of, as known at the snapshot.

    Parameters
    ----------
    snapshot : Snapshot
    unit : {"salesperson", "department"}
        Attribute of the invoices that names who is scored; invoices without it are left out.
    grace_days : int
        Days after the due date that still count as collected in time.

    Returns
    -------
    SalesSums
        With an empty table when the ledger names no unit.
    """
    cells = make_attainment(snapshot, by=unit, grace_days=grace_days).cells
    collected = cells.rename(columns={"cluster": "customer_id", "part": "collected"})
    parts = [collected[["unit", "customer_id", "collected", "expected"]], _new_customers(snapshot, unit)]
    quarters = [pd.DateOffset(months=3 * k) for k in range(4)]
    seen = [q for q in quarters if snapshot.date - YEAR - q >= snapshot.first_date]
    for quarter in seen:
        parts.append(_standing(snapshot.as_of(snapshot.date - quarter), unit, ""))
        parts.append(_standing(snapshot.as_of(snapshot.date - YEAR - quarter), unit, "_before"))
    joined = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    joined = joined.reindex(columns=["unit", "customer_id", *SUMS]).fillna(dict.fromkeys(SUMS, 0.0))
    named = joined[joined["unit"] != NOT_GIVEN].astype(dict.fromkeys(SUMS, float))
    table = named.groupby(["unit", "customer_id"], as_index=False)[list(SUMS)].sum()
    units = tuple(str(name) for name in table["unit"].unique())
    return SalesSums(table, units, not snapshot.limits.empty, len(seen))


def _standing(snapshot: Snapshot, unit: str, suffix: str) -> pd.DataFrame:
    """What each customer owes through each unit, and how much of it is overdue."""
    items = snapshot.open_items
    owed = items[items["open_amount"] > 0]
    late = owed["open_amount"].where(owed["days_overdue"] > 0, 0.0)
    rows = owed.assign(overdue=late, unit=_names(owed[unit]))
    sums = rows.groupby(["unit", "customer_id"], as_index=False)[["overdue", "open_amount"]].sum()
    return sums.rename(columns={"overdue": f"overdue{suffix}", "open_amount": f"owed{suffix}"})


def _new_customers(snapshot: Snapshot, unit: str) -> pd.DataFrame:
    """Customers first invoiced in the year, and whether a limit in force covered that day's invoices.

    A customer belongs to the unit of its first invoice.
    """
    items = snapshot.items
    owed = items[items["amount"] > 0].sort_values(["issue_date", "invoice_id", "instalment"])
    first = owed.groupby("customer_id")["issue_date"].transform("min")
    begun = owed[(owed["issue_date"] == first) & (first > snapshot.date - YEAR)]
    by = begun.groupby("customer_id")
    out = pd.DataFrame(
        {"unit": _names(by[unit].first()), "day": by["issue_date"].min(), "sold": by["amount"].sum()}
    )
    limits = snapshot.limits[["customer_id", "valid_from", "credit_limit"]].sort_values("valid_from")
    merged = pd.merge_asof(
        out.reset_index().sort_values("day"), limits, left_on="day", right_on="valid_from", by="customer_id"
    )
    covered = (merged["sold"] <= merged["credit_limit"]).astype(float)
    return merged[["unit", "customer_id"]].assign(new=1.0, compliant=covered)


def _names(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), NOT_GIVEN).astype(str)


def term_scores(totals: Floats, has_limits: bool = True, cap: float = CAP) -> Floats:
    """Scores of the sales terms; 100 is as expected, complete, or as a year before.

    Parameters
    ----------
    totals : array of shape (..., sums, units)
        From `SalesSums.totals`.
    has_limits : bool
        Without limits nobody can comply, and the term is missing.
    cap : float
        Largest score of a term; the smallest is zero.

    Returns
    -------
    array of shape (..., units, terms)
        collections: 100 x collected in time / expected from the unit's mix of customers (indirect
        standardisation); new_customer_compliance: 100 x compliant / new customers; overdue_reduction:
        100 x (2 - overdue share now / overdue share a year before). NaN where there is nothing to divide by.
    """
    sums = dict(zip(SUMS, np.moveaxis(totals, -2, 0), strict=True))
    share_now = _ratio(sums["overdue"], sums["owed"])
    share_before = _ratio(sums["overdue_before"], sums["owed_before"])
    terms = [
        _ratio(sums["collected"], sums["expected"]),
        _ratio(sums["compliant"], sums["new"]) if has_limits else np.full_like(sums["new"], np.nan),
        2.0 - _ratio(share_now, share_before),
    ]
    return np.clip(100.0 * np.stack(terms, axis=-1), 0.0, cap)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
