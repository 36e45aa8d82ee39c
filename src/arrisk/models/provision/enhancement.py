"""Credit enhancements: what insurance, guarantees and collateral pay when a customer does not.

A loss is taken to be the whole of what a customer owes. What an enhancement then pays, on its terms in their
stated order, is the secured part of the debt; the loss rate applies to the rest.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import as_date

__all__ = ["Enhancement", "Kind", "Term", "secured_by"]

Floats = NDArray[np.float64]
Kind = Literal["insurance", "guarantee", "letter of credit", "collateral", "other"]
Term = Literal["limit", "deductible", "share"]
TERMS: tuple[Term, ...] = ("limit", "deductible", "share")
YEAR = 365.0


@dataclass(frozen=True, slots=True)
class Enhancement:
    """What pays when customers do not, and on what terms.

    Parameters
    ----------
    name : str
        As tables call it: the policy, the guarantor, the thing pledged.
    kind : {"insurance", "guarantee", "letter of credit", "collateral", "other"}
    integral : bool
        Whether it is integral to the contract with the customer and not recognised separately. If so it
        lowers the expected loss (IFRS 9 B5.5.55, ASC 326-20-30-12); if not the expected loss is stated
        without it, and what it would pay is an asset shown apart.
    reason : str
        Why it is, or is not, integral; not empty.
    customer_id, segment : str, optional
        Whom it covers: a customer, or all of a segment; without both, everybody.
    limit : float
        Most that is covered of a customer, currency units.
    share : float
        Fraction that is paid, in [0, 1].
    deductible : float
        Kept of the loss of each customer (each and every), currency units.
    order : sequence of {"limit", "deductible", "share"}, optional
        The order in which these apply. Contracts differ, and (50,000 - 5,000) x 90% is not
        50,000 x 90% - 5,000: with a deductible and a share below 1 it must be given.
    annual_first_loss : float
        Kept of all losses under it in the year, as far as not used up already, currency units.
    waiting_days : int
        Days from the loss to the payment; they cost interest at `discount_rate`.
    discount_rate : float
        A year, as a fraction, compounded.
    provider_default : float
        Chance that who stands behind it does not pay, in [0, 1].
    valid_from, valid_to : str or date, optional
        First and last day in force; on other days it covers nothing.
    virtually_certain : bool
        Of one that is not integral: whether the payment is virtually certain when the loss happens, so that
        the asset may be recognised (IAS 37.53). Otherwise it is disclosed, not recognised.

    Raises
    ------
    ModelError
        If a term is out of range, the reason is missing, or the order matters and is not given.

    Examples
    --------
    >>> policy = Enhancement("policy 7", "insurance", True, "named in the terms of sale", share=0.9,
    ...     deductible=5_000, order=("limit", "deductible", "share"))
    >>> policy.pays([50_000.0])
    array([40500.])
    """

    name: str
    kind: Kind
    integral: bool
    reason: str
    customer_id: str | None = None
    segment: str | None = None
    limit: float = math.inf
    share: float = 1.0
    deductible: float = 0.0
    order: Sequence[Term] | None = None
    annual_first_loss: float = 0.0
    waiting_days: int = 0
    discount_rate: float = 0.0
    provider_default: float = 0.0
    valid_from: str | dt.date | None = None
    valid_to: str | dt.date | None = None
    virtually_certain: bool = False

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ModelError(
                f"{self.name!r} does not say why it is {'' if self.integral else 'not '}integral"
            )
        if self.customer_id is not None and self.segment is not None:
            raise ModelError(f"{self.name!r} covers a customer or a segment, not both")
        if self.integral and self.virtually_certain:
            raise ModelError(f"{self.name!r} is integral: virtually_certain is for assets shown apart")
        for field in ("limit", "deductible", "annual_first_loss", "waiting_days", "discount_rate"):
            if not getattr(self, field) >= 0:
                raise ModelError(f"{self.name!r}: {field} is not negative, got {getattr(self, field)}")
        for field in ("share", "provider_default"):
            if not 0 <= getattr(self, field) <= 1:
                raise ModelError(f"{self.name!r}: {field} lies between 0 and 1, got {getattr(self, field)}")
        self._check_order()

    def _check_order(self) -> None:
        if self.order is None:
            if self.deductible > 0 and self.share < 1:
                raise ModelError(
                    f"{self.name!r} has a deductible and a share below 1: give the order of "
                    f"{', '.join(TERMS)}, as the contract has it"
                )
        elif sorted(self.order) != sorted(TERMS):
            raise ModelError(f"{self.name!r}: the order names {', '.join(TERMS)} once each, got {self.order}")

    def in_force(self, day: pd.Timestamp) -> bool:
        """Whether it covers losses of a debt owed on a day."""
        began = self.valid_from is None or as_date(self.valid_from) <= day
        return began and (self.valid_to is None or day <= as_date(self.valid_to))

    def pays(self, owed: ArrayLike) -> Floats:
        """Paid when customers fail with so much owed, before the first loss of the year; currency units."""
        owed = np.asarray(owed, dtype=float)
        left = owed
        for term in self.order or TERMS:
            if term == "limit":
                left = np.minimum(left, self.limit)
            elif term == "deductible":
                left = np.maximum(left - self.deductible, 0.0)
            else:
                left = left * self.share
        return np.asarray(np.minimum(left, owed), dtype=float)

    @property
    def worth(self) -> float:
        """Present value of a promised unit: who stands behind it may fail, and the payment takes time."""
        interest = (1 + self.discount_rate) ** (-self.waiting_days / YEAR)
        return float((1 - self.provider_default) * interest)

    @property
    def scope(self) -> str:
        """Whom it covers, in words."""
        if self.customer_id is not None:
            return f"customer {self.customer_id}"
        return "all customers" if self.segment is None else f"segment {self.segment}"

    def describe(self) -> str:
        """Its terms, in words."""
        parts = [f"{self.kind}, {self.scope}, pays {self.share:.0%}"]
        if math.isfinite(self.limit):
            parts.append(f"up to {self.limit:,.0f} a customer")
        if self.deductible:
            parts.append(f"less {self.deductible:,.0f} each; order {', '.join(self.order or TERMS)}")
        if self.annual_first_loss:
            parts.append(f"after {self.annual_first_loss:,.0f} of the year's losses")
        if self.waiting_days:
            parts.append(f"{self.waiting_days} days after the loss, {self.discount_rate:.2%} a year")
        if self.provider_default:
            parts.append(f"its provider fails with probability {self.provider_default:.2%}")
        until = "" if self.valid_to is None else f", until {as_date(self.valid_to):%Y-%m-%d}"
        return "; ".join(parts) + until


@dataclass(frozen=True, slots=True, eq=False)
class Secured:
    """What enhancements take over of what customers owe.

    Attributes
    ----------
    covered : array of shape (customers, buckets)
        Owed that would be paid if every promise was kept, minor units; never above what is owed.
    integral, separate : arrays of shape (customers, buckets)
        The same in present worth: after the first loss of the year, the provider's own default and waiting.
        `separate` is what is shown apart.
    certain : array of shape (customers, buckets)
        Of `separate`, what is virtually certain.
    table : DataFrame
        enhancement, terms, treatment, reason, customers, exposure, covered, worth; one row an enhancement in
        the order of application; currency units.
    """

    covered: Floats
    integral: Floats
    separate: Floats
    certain: Floats
    table: pd.DataFrame


def secured_by(
    enhancements: Sequence[Enhancement],
    owed: Floats,
    rates: Floats,
    customers: NDArray[np.str_],
    segments: NDArray[np.str_],
    day: pd.Timestamp,
    scale: int = 100,
) -> Secured:
    """Apply enhancements one after the other, in the order given, to what is owed.

    The first takes its part of what a customer owes; the next applies to what the first leaves. Of a first
    loss of the year, kept before anything is paid, the expected losses under the enhancement are taken off:
    ``max(expected - first loss, 0)``, which is at most the expectation of what is paid (Jensen), so the
    provision is not understated. Where no loss rate is known nothing above a first loss is counted.

    Parameters
    ----------
    enhancements : sequence of Enhancement
    owed : array of shape (customers, buckets)
        Owed by customers in the pool, minor units.
    rates : array of shape (customers, buckets)
        Loss rates of each customer's segment; NaN where there is none.
    customers, segments : arrays of str, shape (customers,)
        Name of each customer and of its segment.
    day : Timestamp
    scale : int
        Minor units in one unit of the currency.

    Raises
    ------
    ModelError
        If an enhancement names a customer or a segment that is not there.
    """
    parts = [np.zeros(owed.shape) for _ in range(4)]
    covered, integral, separate, certain = parts
    total = owed.sum(axis=1)
    share = np.divide(owed, total[:, None], out=np.zeros(owed.shape), where=total[:, None] > 0)
    rows = []
    for one in enhancements:
        inside = _covers(one, customers, segments) & (total > 0) & one.in_force(day)
        left = np.where(inside, total - covered.sum(axis=1), 0.0)
        pays = (one.pays(left / scale) * scale)[:, None] * share
        worth = pays * one.worth * _above_first_loss(one, pays, rates, scale)
        covered += pays
        (integral if one.integral else separate).__iadd__(worth)
        if one.virtually_certain:
            certain += worth
        sums = (int(inside.sum()), *(float(x.sum()) / scale for x in (left, pays, worth)))
        rows.append((one.name, one.describe(), _treatment(one, day), one.reason, *sums))
    names = ["enhancement", "terms", "treatment", "reason", "customers", "exposure", "covered", "worth"]
    return Secured(covered, integral, separate, certain, pd.DataFrame(rows, columns=names))


def _covers(one: Enhancement, customers: NDArray[np.str_], segments: NDArray[np.str_]) -> NDArray[np.bool_]:
    if one.customer_id is not None:
        found = customers == one.customer_id
        what, name = "customer", one.customer_id
    elif one.segment is not None:
        found = segments == one.segment
        what, name = "segment", one.segment
    else:
        return np.ones(customers.size, dtype=bool)
    if not found.any():
        raise ModelError(f"{one.name!r} covers {what} {name!r}, which the ledger does not know")
    return np.asarray(found, dtype=bool)


def _above_first_loss(one: Enhancement, pays: Floats, rates: Floats, scale: int) -> Floats:
    """Share of expected payments above the first loss of the year, shape (customers, buckets)."""
    if one.annual_first_loss == 0:
        return np.ones(pays.shape)
    expected = float((pays * np.nan_to_num(rates)).sum()) / scale
    above = max(expected - one.annual_first_loss, 0.0) / expected if expected > 0 else 0.0
    return np.where(np.isnan(rates), 0.0, above)


def _treatment(one: Enhancement, day: pd.Timestamp) -> str:
    if not one.in_force(day):
        return "not in force: covers nothing"
    if one.integral:
        return "integral: lowers the expected loss"
    return "not integral: asset shown apart" + ("" if one.virtually_certain else ", not recognised")
