"""What every way of funding is laid over: the pool, its sales, and losses of simulated years."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.loss_model import LossModel
from arrisk.policy.funding.pool import EligiblePool
from arrisk.policy.funding.reserves import AdvanceRate

__all__ = ["FundedBook", "make_funded_book"]

FloatArray = NDArray[np.float64]
Borne = Callable[[LossEvents], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class FundedBook:
    """The book under every way of funding.

    Parameters
    ----------
    pool : EligiblePool
    advance : AdvanceRate
        Of a securitisation of the pool.
    eligible : array of shape (obligors,)
        Part of each obligor's balance in the loss model that is eligible, in [0, 1].
    sales : array of shape (obligors,)
        Sales of a year.
    total_sales : float
        Sales of a year to everybody, currency units.
    collected : float
        Days from issue to payment, weighted by money; not a number when nothing was paid.
    """

    pool: EligiblePool
    advance: AdvanceRate
    eligible: FloatArray
    sales: FloatArray
    total_sales: float
    collected: float

    @property
    def as_of(self) -> pd.Timestamp:
        """Day of the book."""
        return self.pool.as_of

    @property
    def currency(self) -> str:
        """Unit of all amounts."""
        return self.pool.currency


def make_funded_book(
    pool: EligiblePool, advance: AdvanceRate, model: LossModel, items: pd.DataFrame
) -> FundedBook:
    """Join pool and loss model customer by customer.

    Parameters
    ----------
    pool : EligiblePool
    advance : AdvanceRate
    model : LossModel
    items : DataFrame
        Items of the same snapshot.

    Returns
    -------
    FundedBook
    """
    known = pool.customers[["eligible", "open"]].reindex(model.portfolio.name).fillna(0.0)
    eligible, owed = known["eligible"].to_numpy(dtype=float), known["open"].to_numpy(dtype=float)
    part = np.divide(np.minimum(eligible, owed), owed, out=np.zeros(owed.size), where=owed > 0)
    year = items[(items["issue_date"] > pool.as_of - pd.Timedelta(days=365)) & (items["amount"] > 0)]
    paid = items[(items["close_kind"] == "paid") | items["closed_date"].notna()]
    recent = paid[(paid["closed_date"] > pool.as_of - pd.Timedelta(days=365)) & (paid["paid_amount"] > 0)]
    days = (recent["closed_date"] - recent["issue_date"]).dt.days
    collected = float(np.average(days, weights=recent["paid_amount"])) if len(recent) else float("nan")
    return FundedBook(pool, advance, part, model.sales, float(year["amount"].sum()), collected)
