"""The timing model of a discount: when invoices without an offer are paid, and which default when.

Two layers. Of a segment: the cumulative incidence of being paid, credited and defaulted by days since issue
(Aalen and Johansen 1978, as `arrisk.models.timing.competing.aalen_johansen`, amounts as weights), open
invoices censored at the as-of date. Of a customer: the days of his own paid invoices, mixed with the curve of
his segment as a Dirichlet process does (Ferguson 1973): with n days of his own, the next is one of them with
probability n / (n + k), else a day of the segment. Under it two invoices of a customer correlate as
1 / (1 + k), which gives k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["DAYS", "HORIZON", "Curves", "Timing", "make_timing"]

HORIZON = 365
DAYS = HORIZON + 1
OPEN, PAID, CREDITED, DEFAULTED = range(4)
KINDS = 4
LEAST, MOST = 1e-9, 1e6
TAIL = 0.95
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves of segments under weights of customers; every array has the draws first.

    Parameters
    ----------
    paid, defaulted : arrays, n x segments x days
        Chance of being paid, and of defaulting, on each day.
    severity : array, n x segments
        Lost of what defaults, fraction.
    """

    paid: Floats
    defaulted: Floats
    severity: Floats

    def paid_share(self) -> Floats:
        """Chance to be paid on each day of those that are paid."""
        total = np.maximum(self.paid.sum(axis=-1, keepdims=True), LEAST)
        return np.asarray(self.paid / total, dtype=float)

    def default_chance(self) -> Floats:
        """Chance of defaulting rather than being paid, by the day after which it is open (the first: -1)."""
        ahead = [_beyond(x) for x in (self.paid, self.defaulted)]
        return np.asarray(ahead[1] / np.maximum(ahead[0] + ahead[1], LEAST), dtype=float)


def _beyond(chance: Floats) -> Floats:
    """Sums over later days: entry a + 1 is what comes after day a."""
    return np.asarray(chance[..., ::-1].cumsum(axis=-1)[..., ::-1], dtype=float)


@dataclass(frozen=True, slots=True)
class Timing:
    """Evidence on the timing of payment and default; make one with `make_timing`.

    Parameters
    ----------
    counts : sparse matrix, (segments x kinds x days) x customers
        Amounts by how and when they left (kinds: open, paid, credited, defaulted).
    defaulted, lost : arrays, segments x customers
        Amounts that defaulted, and the net loss on them.
    own : array of int
        Days to payment of customers' own invoices, by customer, longest first.
    first : array of int, customers + 1
        Where the days of each customer begin.
    concentration : float
        Weight of the segment against one day of a customer's own.
    tail : float
        Daily chance of payment later than nearly all were paid.
    """

    counts: sparse.csr_matrix
    defaulted: Floats
    lost: Floats
    own: Ints
    first: Ints
    concentration: float
    tail: float

    @property
    def segments(self) -> int:
        """Number of segments."""
        return len(self.lost)

    def curves(self, weights: Floats) -> Curves:
        """Curves of every segment under weights of customers, n x customers."""
        left = np.asarray(self.counts @ weights.T).T.reshape(len(weights), self.segments, KINDS, DAYS)
        at_risk = left.sum(axis=2)[..., ::-1].cumsum(axis=-1)[..., ::-1]
        hazard = left / np.maximum(at_risk, LEAST)[:, :, None, :]
        stays = 1.0 - np.minimum(hazard[:, :, PAID:].sum(axis=2), 1.0)
        before = np.concatenate([np.ones((*stays.shape[:2], 1)), stays.cumprod(axis=-1)[..., :-1]], axis=-1)
        bad, lost = weights @ self.defaulted.T, weights @ self.lost.T
        severity = np.clip(np.divide(lost, bad, out=np.zeros_like(lost), where=bad > 0), 0.0, 1.0)
        return Curves(before * hazard[:, :, PAID], before * hazard[:, :, DEFAULTED], severity)

    def own_counts(self) -> sparse.csr_matrix:
        """How often each customer paid on each day, customers x days."""
        customer = np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))
        shape = (len(self.first) - 1, DAYS)
        return sparse.coo_matrix((np.ones(len(self.own)), (customer, self.own)), shape=shape).tocsr()


def make_timing(rows: pd.DataFrame, sources: list[NDArray[np.bool_]], customers: int) -> Timing:
    """Read the timing model's evidence.

    Parameters
    ----------
    rows : DataFrame
        Invoices without an offer: code (of the customer), kind, day (on which it left or was last seen
        open), amount, lost, own (whether its day to payment tells of its customer).
    sources : list of array of bool
        For every segment the rows that tell of it.
    customers : int
    """
    day = rows["day"].clip(0, HORIZON).to_numpy(dtype=np.int64)
    kind, code = rows["kind"].to_numpy(dtype=np.int64), rows["code"].to_numpy(dtype=np.int64)
    amount, lost = rows["amount"].to_numpy(dtype=float), rows["lost"].to_numpy(dtype=float)
    place = kind * DAYS + day
    parts = [
        sparse.coo_matrix((amount[s], (place[s], code[s])), shape=(KINDS * DAYS, customers)) for s in sources
    ]
    bad = kind == DEFAULTED
    totals = [
        np.stack([np.bincount(code[s & bad], x[s & bad], customers) for s in sources]).astype(float)
        for x in (amount, lost)
    ]
    mine = rows["own"].to_numpy(dtype=bool)
    order = np.lexsort((-day[mine], code[mine]))
    own, whose = day[mine][order], code[mine][order]
    first = np.searchsorted(whose, np.arange(customers + 1))
    return Timing(
        counts=sparse.vstack(parts).tocsr(),
        defaulted=totals[0],
        lost=totals[1],
        own=own.astype(np.int16),
        first=first,
        concentration=_concentration(own, whose),
        tail=_tail(day, kind),
    )


def _concentration(day: Ints, customer: Ints) -> float:
    """Weight of the segment, from the correlation of a customer's days (one-way analysis of variance)."""
    n, total = (np.bincount(customer, w).astype(float) for w in (None, day))
    keep = n > 0
    n, mean = n[keep], total[keep] / n[keep]
    groups, size = len(n), n.sum()
    if groups < 2 or size <= groups:
        return MOST
    within = max(float((day.astype(float) ** 2).sum() - (n * mean**2).sum()), 0.0) / (size - groups)
    between = float((n * (mean - (n * mean).sum() / size) ** 2).sum()) / (groups - 1)
    apart = max(between - within, 0.0) / ((size - (n**2).sum() / size) / (groups - 1))
    return float(np.clip(within / apart, LEAST, MOST)) if apart > LEAST else MOST


def _tail(day: Ints, kind: Ints) -> float:
    """Payments a day open, later than the day by which nearly all payments had come."""
    start = int(np.quantile(day[kind == PAID], TAIL)) if (kind == PAID).any() else 0
    late = day > start
    return float(((late & (kind == PAID)).sum() + 0.5) / ((day[late] - start).sum() + 1.0))
