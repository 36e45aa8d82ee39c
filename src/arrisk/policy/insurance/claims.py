"""Losses taken through the terms of a policy, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.policy.insurance.buyer_limits import buyer_terms
from arrisk.policy.insurance.steps import Allocation, run_steps
from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["Payments", "apply_terms", "trace_loss"]

FloatArray = NDArray[np.float64]


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


def apply_terms(
    balance: ArrayLike,
    terms: PolicyTerms,
    year: ArrayLike | None = None,
    buyer: ArrayLike | None = None,
    allocation: Allocation = "in order",
) -> Payments:
    """Take losses through the terms of a policy.

    Parameters
    ----------
    balance : array of shape (losses,)
        Balance owed by each insolvent buyer, disputed amounts apart, currency units, not negative.
    terms : PolicyTerms
        A `maximum_liability_multiple` must have been turned into an amount (`PolicyTerms.with_premium`). For
        a year of which something is used up already see `PolicyTerms.remaining`.
    year : int array of shape (losses,), optional
        Policy year (or simulated year) of each loss, in ascending order. The aggregate first loss and the
        maximum liability start afresh each year. By default all losses fall in one year.
    buyer : array of str, shape (losses,), optional
        Customer ids, for limits by name; by default buyers whom the policy does not name.
    allocation : {"in order", "pro rata"}
        Whether the first loss and the maximum liability of a year are used up in the order of its losses, or
        fall on all of them in proportion.

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
    names = np.full(amounts.shape, "") if buyer is None else np.asarray(buyer).astype(str)
    if amounts.ndim != 1 or years.shape != amounts.shape or not (amounts >= 0).all():
        raise ModelError("need one balance, not negative, and one year for each loss")
    if names.shape != amounts.shape:
        raise ModelError(f"{names.shape} buyers do not go with {amounts.shape} losses")
    if (np.diff(years) < 0).any():
        raise ModelError("losses must be sorted by year")
    if terms.maximum_liability_multiple is not None:
        raise ModelError("the maximum liability is a multiple of a premium: call with_premium first")
    granted = buyer_terms(terms, names)
    start = years[0] if years.size else 0
    after = run_steps(
        amounts * granted.insurable,
        terms.order,
        granted.step_values(terms),
        years - start,
        allocation,
    )
    return Payments(after[("covered", *terms.order)[-1]], after)


def trace_loss(balance: float, terms: PolicyTerms, buyer: str | None = None) -> pd.DataFrame:
    """Show one loss on its way through the policy: step, term, amount after it.

    Examples
    --------
    >>> trace_loss(950_000.0, PolicyTerms(buyer_limit=1_000_000)).amount.tolist()[-1]
    855000.0
    """
    after = apply_terms([balance], terms, buyer=[buyer or ""]).after
    values = buyer_terms(terms, [buyer or ""]).step_values(terms)
    return pd.DataFrame(
        {
            "step": list(after),
            "term": [float("nan") if s == "covered" else float(np.ravel(values[s])[0]) for s in after],
            "amount": [float(x[0]) for x in after.values()],
        }
    )
