"""What of a balance a policy does not insure at all: disputes, related parties, buyers long overdue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["BuyerFacts", "read_buyer_facts"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BuyerFacts:
    """What an insurer asks of each buyer before it covers a balance.

    Parameters
    ----------
    disputed : array of shape (buyers,)
        Share of the balance in dispute, between 0 and 1.
    related : bool array of shape (buyers,)
        Whether the buyer belongs to the insured's group.
    overdue_days : array of shape (buyers,)
        Age of the oldest overdue item that is not disputed; 0 when none is.

    Raises
    ------
    ModelError
        If shapes differ or values are out of range.
    """

    disputed: FloatArray
    related: NDArray[np.bool_]
    overdue_days: FloatArray

    def __post_init__(self) -> None:
        if not self.disputed.shape == self.related.shape == self.overdue_days.shape:
            raise ModelError("disputed, related and overdue_days hold one value per buyer each")
        if not ((self.disputed >= 0) & (self.disputed <= 1)).all():
            raise ModelError("disputed is the share of a balance in dispute, between 0 and 1")
        if not (self.overdue_days >= 0).all():
            raise ModelError("overdue_days cannot be negative")

    def insurable(self, terms: PolicyTerms) -> FloatArray:
        """Share of each buyer's balance that the policy can cover, shape (buyers,).

        Notes
        -----
        Beyond the maximum extension period cover stops for what is delivered from then on; a default of the
        year to come falls on such deliveries, so nothing of the buyer's balance counts.

        Examples
        --------
        >>> from arrisk.policy.insurance.terms import PolicyTerms
        >>> related, overdue = np.array([False, True, False]), np.array([0.0, 0.0, 95.0])
        >>> facts = BuyerFacts(np.array([0.1, 0.0, 0.0]), related, overdue)
        >>> facts.insurable(PolicyTerms(maximum_extension_days=90)).tolist()
        [0.9, 0.0, 0.0]
        """
        share = 1 - self.disputed if terms.disputes_excluded else np.ones(self.disputed.shape)
        out = self.overdue_days > terms.maximum_extension_days
        if terms.related_excluded:
            out |= self.related
        return np.where(out, 0.0, share)


def read_buyer_facts(snapshot: Snapshot, customers: ArrayLike, related: Iterable[str] = ()) -> BuyerFacts:
    """Read from a ledger what an insurer would exclude.

    Parameters
    ----------
    snapshot : Snapshot
    customers : array of str, shape (buyers,)
        Customer ids, for example those of a loss portfolio.
    related : iterable of str
        Customers of the own group; a ledger does not tell.

    Returns
    -------
    BuyerFacts
        As known at the date of the snapshot.
    """
    names = np.asarray(customers).astype(str)
    items = snapshot.items
    owed = items[(items["amount"] > 0) & (items["open_amount"] > 0)]
    disputed = owed["disputed"].to_numpy(dtype=bool)
    total = owed.groupby("customer_id")["open_amount"].sum().reindex(names).fillna(0.0).to_numpy(dtype=float)
    part = owed[disputed].groupby("customer_id")["open_amount"].sum().reindex(names).fillna(0.0)
    oldest = owed[~disputed].groupby("customer_id")["days_overdue"].max().reindex(names).fillna(0.0)
    share = np.divide(part.to_numpy(dtype=float), total, out=np.zeros_like(total), where=total > 0)
    own = np.isin(names, [str(name) for name in related])
    return BuyerFacts(np.clip(share, 0.0, 1.0), own, np.maximum(oldest.to_numpy(dtype=float), 0.0))
