"""Terms of a credit-insurance policy, applied step by step in a stated order.

Insurers differ in the order of application, so the order is part of the policy and not of the program.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.policy.insurance.clauses import Clause, list_clauses, without_clause

__all__ = [
    "DEFAULT_ORDER",
    "STEPS",
    "Payments",
    "PolicyTerms",
    "apply_terms",
    "insured_base",
    "insured_buyers",
    "share_recovery",
    "trace_loss",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DEFAULT_ORDER = (
    "buyer_limit",
    "non_qualifying_loss",
    "insured_share",
    "each_and_every",
    "aggregate_first_loss",
    "maximum_liability",
)


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """A policy: its parameters and the order in which they apply to a loss.

    Parameters
    ----------
    name : str
        What the structure is called.
    insured_share : float
        Fraction the insurer bears, in [0, 1].
    buyer_limit : float
        Most that is covered per buyer, currency units.
    non_qualifying_loss : float
        An amount below it is not paid at all; from it on, in full.
    threshold : float
        Subtracted from each loss (an alternative to the gate; not in the default order).
    each_and_every : float
        Excess subtracted from each loss.
    aggregate_first_loss : float
        Losses of the year that are kept before anything is paid.
    maximum_liability : float
        Most that is paid in the year.
    maximum_liability_multiple : float, optional
        The same as a multiple of the premium; `with_premium` turns it into an amount.
    premium_rate : float
        Fraction of the premium base.
    premium_base : {"sales", "balances"}
        What the rate is applied to: insured sales of the year, or insured balances.
    minimum_premium, fees : float
        Least premium, and limit fees on top, per year.
    buyers : int, optional
        Only the so many largest balances are insured; by default all.
    order : tuple of str
        Steps out of `STEPS`, first applied first. A step left out is not applied.

    Raises
    ------
    ModelError
        If a value is out of range, a step is unknown or repeated, or a set term is missing from the order.

    Examples
    --------
    >>> PolicyTerms("usual", insured_share=0.9, buyer_limit=500_000).order[0]
    'buyer_limit'
    """

    name: str = "policy"
    insured_share: float = 0.9
    buyer_limit: float = math.inf
    non_qualifying_loss: float = 0.0
    threshold: float = 0.0
    each_and_every: float = 0.0
    aggregate_first_loss: float = 0.0
    maximum_liability: float = math.inf
    maximum_liability_multiple: float | None = None
    premium_rate: float = 0.0
    premium_base: Literal["sales", "balances"] = "sales"
    minimum_premium: float = 0.0
    fees: float = 0.0
    buyers: int | None = None
    order: tuple[str, ...] = DEFAULT_ORDER

    def __post_init__(self) -> None:
        if not 0 <= self.insured_share <= 1:
            raise ModelError(f"insured share is a fraction, got {self.insured_share}")
        unknown = [step for step in self.order if step not in STEPS]
        if unknown or len(set(self.order)) != len(self.order):
            raise ModelError(f"order {self.order}: allowed, each once, are {', '.join(STEPS)}")
        for field in ("premium_rate", "minimum_premium", "fees", *STEPS):
            if not getattr(self, field) >= 0:
                raise ModelError(f"{field} cannot be negative, got {getattr(self, field)}")
        for step, idle in _IDLE.items():
            if step not in self.order and getattr(self, step) != idle:
                raise ModelError(f"{step} is set but is not in the order {self.order}")
        if self.premium_base not in ("sales", "balances"):
            raise ModelError(f"premium base is 'sales' or 'balances', not {self.premium_base!r}")

    def premium(self, base: float) -> float:
        """Premium and fees of a year for an insured base (sales or balances, as named)."""
        return max(self.premium_rate * base, self.minimum_premium) + self.fees

    def with_premium(self, premium: float) -> PolicyTerms:
        """The same policy with its maximum liability as an amount."""
        if self.maximum_liability_multiple is None:
            return self
        cap = min(self.maximum_liability, self.maximum_liability_multiple * premium)
        return replace(self, maximum_liability=cap, maximum_liability_multiple=None)

    def clauses(self) -> tuple[Clause, ...]:
        """The clauses that are set, each with a stable name and its words.

        Examples
        --------
        >>> [c.name for c in PolicyTerms(buyer_limit=500_000, aggregate_first_loss=2_000).clauses()]
        ['buyer_limit', 'insured_share', 'aggregate_first_loss']
        """
        return list_clauses(self)

    def without(self, clause: str) -> PolicyTerms:
        """The same policy without one clause, named as in `clauses`.

        Examples
        --------
        >>> PolicyTerms(aggregate_first_loss=2_000).without("aggregate_first_loss").aggregate_first_loss
        0.0
        """
        return without_clause(self, clause)


@dataclass(frozen=True, slots=True)
class Payments:
    """What a policy pays on each loss, and the amount left after each step.

    Parameters
    ----------
    indemnity : array of shape (losses,)
        Paid by the insurer before recoveries.
    after : dict of step to array of shape (losses,)
        Amount after each step, in the order applied; "covered" is the start.
    """

    indemnity: FloatArray
    after: dict[str, FloatArray]

    def before(self, step: str) -> FloatArray:
        """Amount that entered a step."""
        names = list(self.after)
        return self.after[names[names.index(step) - 1]]


def apply_terms(balance: ArrayLike, terms: PolicyTerms, year: ArrayLike | None = None) -> Payments:
    """Take losses through the terms of a policy.

    Parameters
    ----------
    balance : array of shape (losses,)
        Balance owed by each insolvent buyer, currency units, not negative.
    terms : PolicyTerms
        A `maximum_liability_multiple` must have been turned into an amount (`PolicyTerms.with_premium`).
    year : int array of shape (losses,), optional
        Policy year (or simulated year) of each loss, in ascending order. The aggregate first loss and the
        maximum liability start afresh each year and are used up in the order of the losses. By default all
        losses fall in one year.

    Returns
    -------
    Payments

    Raises
    ------
    ModelError
        If balances are negative or years are not sorted.

    Examples
    --------
    >>> terms = PolicyTerms(non_qualifying_loss=1_000, each_and_every=500, aggregate_first_loss=2_000)
    >>> apply_terms([75_000.0], terms).indemnity
    array([65000.])
    """
    amounts = np.asarray(balance, dtype=float)
    years = np.zeros(amounts.shape, dtype=np.int64) if year is None else np.asarray(year, dtype=np.int64)
    if amounts.ndim != 1 or years.shape != amounts.shape or not (amounts >= 0).all():
        raise ModelError("need one balance, not negative, and one year for each loss")
    if (np.diff(years) < 0).any():
        raise ModelError("losses must be sorted by year")
    if terms.maximum_liability_multiple is not None:
        raise ModelError("the maximum liability is a multiple of a premium: call with_premium first")
    after = {"covered": amounts}
    for step in terms.order:
        amounts = STEPS[step](amounts, float(getattr(terms, step)), years)
        after[step] = amounts
    return Payments(amounts, after)


def trace_loss(balance: float, terms: PolicyTerms) -> pd.DataFrame:
    """Show one loss on its way through the policy: step, term, amount after it.

    Examples
    --------
    >>> trace_loss(950_000.0, PolicyTerms(buyer_limit=1_000_000)).amount.tolist()[-1]
    855000.0
    """
    after = apply_terms([balance], terms).after
    return pd.DataFrame(
        {
            "step": list(after),
            "term": [float("nan") if s == "covered" else float(getattr(terms, s)) for s in after],
            "amount": [float(x[0]) for x in after.values()],
        }
    )


def insured_buyers(terms: PolicyTerms, exposure: FloatArray) -> NDArray[np.bool_]:
    """Which buyers a policy insures: all, or so many of the largest balances."""
    inside = np.ones(exposure.size, dtype=bool)
    if terms.buyers is not None:
        inside[:] = False
        inside[np.argsort(-exposure, kind="stable")[: terms.buyers]] = True
    return inside


def insured_base(terms: PolicyTerms, exposure: FloatArray, sales: FloatArray) -> float:
    """What the premium rate is applied to: sales of a year or balances of the buyers insured.

    Examples
    --------
    >>> insured_base(PolicyTerms(buyers=1), np.array([10.0, 90.0]), np.array([500.0, 300.0]))
    300.0
    """
    amounts = sales if terms.premium_base == "sales" else exposure
    return float(amounts[insured_buyers(terms, exposure)].sum())


def share_recovery(
    recovery: ArrayLike, indemnity: ArrayLike, debt: ArrayLike, costs: ArrayLike = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Divide a recovery, net of its costs, in proportion to the indemnity and the rest of the debt.

    Parameters
    ----------
    recovery, costs : float or array
        Recovered after the claim, and what it cost.
    indemnity, debt : float or array
        Paid by the insurer, and the whole claimable debt.

    Returns
    -------
    insurer, insured : arrays

    Examples
    --------
    >>> insurer, insured = share_recovery(22_000, 50_000, 110_000, costs=2_000)
    >>> round(float(insurer), 2), round(float(insured), 2)
    (9090.91, 10909.09)
    """
    net = np.asarray(recovery, dtype=float) - np.asarray(costs, dtype=float)
    paid, owed = np.asarray(indemnity, dtype=float), np.asarray(debt, dtype=float)
    if (paid > owed * (1 + 1e-12)).any():
        raise ModelError("an indemnity cannot exceed the debt")
    share = np.divide(paid, owed, out=np.zeros(np.broadcast(paid, owed).shape), where=owed > 0)
    return net * share, net * (1 - share)


def _cap(amounts: FloatArray, limit: float, years: IntArray) -> FloatArray:
    return np.minimum(amounts, limit)


def _gate(amounts: FloatArray, minimum: float, years: IntArray) -> FloatArray:
    return np.where(amounts >= minimum, amounts, 0.0)


def _share(amounts: FloatArray, share: float, years: IntArray) -> FloatArray:
    return amounts * share


def _excess(amounts: FloatArray, excess: float, years: IntArray) -> FloatArray:
    return np.maximum(amounts - excess, 0.0)


def _first_loss(amounts: FloatArray, kept: float, years: IntArray) -> FloatArray:
    if kept == 0:
        return amounts
    before, through = _running(amounts, years)
    above = np.maximum(through - kept, 0.0) - np.maximum(before - kept, 0.0)
    return np.asarray(np.minimum(np.maximum(above, 0.0), amounts), dtype=float)


def _year_cap(amounts: FloatArray, limit: float, years: IntArray) -> FloatArray:
    if math.isinf(limit):
        return amounts
    before, through = _running(amounts, years)
    below = np.minimum(through, limit) - np.minimum(before, limit)
    return np.asarray(np.minimum(np.maximum(below, 0.0), amounts), dtype=float)


def _running(amounts: FloatArray, years: IntArray) -> tuple[FloatArray, FloatArray]:
    """Total of the year before and through each loss."""
    if amounts.size == 0:
        return amounts, amounts
    through = np.cumsum(amounts)
    first = np.concatenate([[True], np.diff(years) > 0])
    start = np.concatenate([[0.0], through[:-1]])
    base = start[np.maximum.accumulate(np.where(first, np.arange(amounts.size), 0))]
    return start - base, through - base


STEPS: dict[str, Callable[[FloatArray, float, IntArray], FloatArray]] = {
    "buyer_limit": _cap,
    "non_qualifying_loss": _gate,
    "threshold": _excess,
    "insured_share": _share,
    "each_and_every": _excess,
    "aggregate_first_loss": _first_loss,
    "maximum_liability": _year_cap,
}
"""The steps a policy can have; each takes (amounts, its term, years) and returns amounts."""

_IDLE = {
    "buyer_limit": math.inf,
    "non_qualifying_loss": 0.0,
    "threshold": 0.0,
    "insured_share": 1.0,
    "each_and_every": 0.0,
    "aggregate_first_loss": 0.0,
    "maximum_liability": math.inf,
}
