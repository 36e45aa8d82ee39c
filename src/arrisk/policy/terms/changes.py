"""Whether the ledger itself shows customers whose terms were changed: without them no elasticity is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["TermsChanges", "find_terms_changes"]

SIDE = 6
LEAST_DAYS = 5
SAME_DAYS = 2
STEADY = 0.8


@dataclass(frozen=True, slots=True)
class TermsChanges:
    """Customers with two stretches of different terms; made by `find_terms_changes`.

    Parameters
    ----------
    table : DataFrame
        `customer_id`, `date` (first invoice on the new terms), `before`, `after` (days).
    customers : int
        Customers with enough invoices to have shown a change.
    """

    table: pd.DataFrame
    customers: int

    def finding(self) -> str:
        """In one sentence."""
        if self.table.empty:
            return f"none of the {self.customers:,} customers with a history was ever moved to other terms"
        longer = int((self.table["after"] > self.table["before"]).sum())
        return (
            f"{len(self.table):,} of {self.customers:,} customers were moved to other terms "
            f"({longer:,} to longer ones), none by lot as far as the ledger tells"
        )


def find_terms_changes(snapshot: Snapshot, side: int = SIDE, least_days: float = LEAST_DAYS) -> TermsChanges:
    """Find customers whose invoices moved from one length of terms to another and stayed there.

    Parameters
    ----------
    snapshot : Snapshot
    side : int
        Invoices needed on each side of a change; their median terms are compared.
    least_days : float
        Smallest change that counts.

    Returns
    -------
    TermsChanges
        At most one change a customer, where the terms before and after it are steady: four invoices of five
        within 2 days of their median.
    """
    items = snapshot.items
    days = (items["due_date"] - items["issue_date"]).dt.days
    rows = items.assign(days=days)[(items["amount"] > 0) & (days >= 0)]
    rows = rows.sort_values(["customer_id", "issue_date", "invoice_id"], kind="stable")
    found, seen = [], 0
    for customer, own in rows.groupby("customer_id", sort=True):
        terms = own["days"].to_numpy(dtype=float)
        if terms.size < 2 * side:
            continue
        seen += 1
        if np.ptp(terms) < least_days:
            continue
        place, before, after = _split(terms, side)
        if abs(after - before) >= least_days and _steady(terms, place, before, after):
            found.append((customer, own["issue_date"].iloc[place], before, after))
    return TermsChanges(pd.DataFrame(found, columns=["customer_id", "date", "before", "after"]), seen)


def _split(terms: np.ndarray, side: int) -> tuple[int, float, float]:
    """The place that leaves the least spread around the median before it and the one after it."""
    places = range(side, terms.size - side + 1)
    medians = [(float(np.median(terms[:p])), float(np.median(terms[p:]))) for p in places]
    spread = [
        float(np.abs(terms[:p] - a).sum() + np.abs(terms[p:] - b).sum())
        for p, (a, b) in zip(places, medians, strict=True)
    ]
    best = int(np.argmin(spread))
    return places[best], *medians[best]


def _steady(terms: np.ndarray, place: int, before: float, after: float) -> bool:
    """Whether both stretches keep to their own terms; terms by invoice are no change of policy."""
    near = [np.abs(part - m) <= SAME_DAYS for part, m in ((terms[:place], before), (terms[place:], after))]
    return bool(min(float(n.mean()) for n in near) >= STEADY)
