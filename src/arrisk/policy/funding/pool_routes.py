"""Ways in which a financier pays on a pool of receivables: factoring, securitisation, an insured loan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.policy.funding.facility import Facility
from arrisk.policy.funding.funded_book import FundedBook
from arrisk.policy.funding.routes import check_terms

__all__ = ["Factoring", "InsuredLoan", "NonRecourseFactoring", "Securitisation"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Factoring:
    """Factoring with recourse: unpaid invoices go back to the seller.

    Parameters
    ----------
    rate : float
        Interest on the advance, a year.
    advance_rate : float
        Part of the eligible pool that is advanced.
    service_fee : float
        Fraction of the sales that are assigned.
    minimum_fee, setup_fee : float
        Least service fee, and what is paid at the start; currency units a year.
    limit : float
        Most that is advanced.
    office_saving : float
        What the seller's own office no longer costs, currency units a year.
    """

    kind: ClassVar[str] = "recourse factoring"
    rate: float
    advance_rate: float = 0.8
    service_fee: float = 0.005
    minimum_fee: float = 0.0
    setup_fee: float = 0.0
    limit: float = math.inf
    office_saving: float = 0.0
    name: str = "factoring with recourse"

    def __post_init__(self) -> None:
        check_terms(self)

    def draw(self, book: FundedBook, wanted: float) -> Facility:
        """What is wanted, up to the advance on the pool; the fee is on all sales that are assigned."""
        most = min(self.advance_rate * book.pool.balance, self.limit)
        cash = min(wanted, most)
        costs = {
            "interest": self.rate * cash,
            "service fee": max(self.service_fee * book.pool.sales, self.minimum_fee),
            "set-up": self.setup_fee,
            "saved in the office": -self.office_saving,
        }
        return Facility(cash, most, costs, f"{self.advance_rate:.0%} of the eligible pool")

    def kept(self, book: FundedBook, wanted: float, events: LossEvents) -> FloatArray:
        """All losses: unpaid invoices are bought back."""
        return events.totals()


@dataclass(frozen=True, slots=True)
class NonRecourseFactoring(Factoring):
    """Factoring without recourse: the factor bears failures of approved customers.

    Parameters
    ----------
    rate, advance_rate, service_fee, minimum_fee, setup_fee, limit, office_saving
        See `Factoring`.
    protection_fee : float
        For bearing failures, fraction of the sales that are assigned.
    covered_share : float
        Part of the eligible balance of a customer that the factor bears.
    customer_limit : float
        Most that he bears for one customer.
    """

    kind: ClassVar[str] = "non-recourse factoring"
    name: str = "factoring without recourse"
    protection_fee: float = 0.003
    covered_share: float = 1.0
    customer_limit: float = math.inf

    def draw(self, book: FundedBook, wanted: float) -> Facility:
        """As with recourse, and the fee for credit protection on all sales that are assigned."""
        base = Factoring.draw(self, book, wanted)
        costs = {**base.costs, "credit protection": self.protection_fee * book.pool.sales}
        return Facility(base.cash, base.most, costs, base.note)

    def covered(self, book: FundedBook, exposure: FloatArray) -> FloatArray:
        """What the factor bears of each default, before recoveries, shape (obligors,)."""
        return np.minimum(book.eligible * exposure, self.customer_limit) * self.covered_share

    def kept(self, book: FundedBook, wanted: float, events: LossEvents) -> FloatArray:
        """Losses less those on what the factor bears; recoveries go with the invoices."""
        return events.totals() - events.by_draw(self.covered(book, events.portfolio.exposure), lost=True)


@dataclass(frozen=True, slots=True)
class Securitisation:
    """Asset-backed funding: the pool is sold to a vehicle that holds back a reserve.

    Parameters
    ----------
    rate : float
        Yearly rate of the notes, with the conduit's margin.
    setup_cost, years : float
        Arrangers, lawyers and rating at the start, currency units, spread over the years of the programme.
    running_cost : float
        Trustee, audit, back-up servicer; currency units a year.
    least_pool : float
        Smallest eligible pool that is taken, currency units.
    advance_rate : float, optional
        Part of the pool that is paid; None takes the sketch from the ledger's own history.
    """

    kind: ClassVar[str] = "securitisation"
    rate: float
    setup_cost: float = 300_000.0
    years: float = 5.0
    running_cost: float = 100_000.0
    least_pool: float = 0.0
    advance_rate: float | None = None
    name: str = "securitisation"

    def __post_init__(self) -> None:
        check_terms(self)
        if self.years <= 0:
            raise ModelError(f"years = {self.years!r}: above 0")

    def paid_share(self, book: FundedBook) -> float:
        """Part of the pool that is paid at once; 0 when the ledger is too young to say."""
        if self.advance_rate is not None:
            return self.advance_rate
        return book.advance.value if book.advance.known else 0.0

    def draw(self, book: FundedBook, wanted: float) -> Facility:
        """What is wanted, up to the pool less its reserves; nothing from too small a pool."""
        most = self.paid_share(book) * book.pool.balance
        if book.pool.balance < self.least_pool or most <= 0:
            small = book.pool.balance < self.least_pool
            why = "the pool is smaller than the least taken" if small else "no reserves can be set"
            return Facility(0.0, 0.0, {}, why)
        cash = min(wanted, most)
        costs = {
            "interest": self.rate * cash,
            "service fee": self.running_cost,
            "set-up": self.setup_cost / self.years,
        }
        return Facility(cash, most, costs, f"{self.paid_share(book):.0%} of the eligible pool")

    def kept(self, book: FundedBook, wanted: float, events: LossEvents) -> FloatArray:
        """Losses outside the pool, and those of the pool up to the reserve."""
        if self.draw(book, 0.0).most <= 0:
            return events.totals()
        inside = events.by_draw(book.eligible * events.portfolio.exposure, lost=True)
        reserve = (1 - self.paid_share(book)) * book.pool.balance
        return events.totals() - inside + np.minimum(inside, reserve)


@dataclass(frozen=True, slots=True)
class InsuredLoan:
    """Insure the receivables and borrow against them.

    Parameters
    ----------
    rate : float
        Interest on the loan, a year.
    advance_rate : float
        Part of the insured pool that is lent.
    premium_rate : float
        Fraction of the eligible sales.
    insured_share : float
        Part of a loss that the insurer bears.
    customer_limit : float
        Most that is insured for one customer.
    first_loss : float
        Claims of a year that are kept.
    minimum_premium, setup_fee : float
        Currency units a year.
    """

    kind: ClassVar[str] = "insured loan"
    rate: float
    advance_rate: float = 0.85
    premium_rate: float = 0.003
    insured_share: float = 0.9
    customer_limit: float = math.inf
    first_loss: float = 0.0
    minimum_premium: float = 0.0
    setup_fee: float = 0.0
    name: str = "insure and borrow"

    def __post_init__(self) -> None:
        check_terms(self)

    def insured(self, book: FundedBook, exposure: FloatArray) -> FloatArray:
        """What is insured of each customer's balance, shape (obligors,)."""
        return np.minimum(book.eligible * exposure, self.customer_limit) * self.insured_share

    def draw(self, book: FundedBook, wanted: float) -> Facility:
        """What is wanted, up to the part of the pool that is lent."""
        most = self.advance_rate * book.pool.balance
        cash = min(wanted, most)
        costs = {
            "interest": self.rate * cash,
            "credit protection": max(self.premium_rate * book.pool.sales, self.minimum_premium),
            "set-up": self.setup_fee,
        }
        return Facility(cash, most, costs, f"{self.advance_rate:.0%} of the eligible pool, insured")

    def kept(self, book: FundedBook, wanted: float, events: LossEvents) -> FloatArray:
        """Losses less what the insurer pays above the first loss of the year, net of recoveries."""
        claims = self.insured(book, events.portfolio.exposure)
        asked = events.by_draw(claims)
        lost = events.by_draw(claims, lost=True)
        paid = np.divide(
            np.maximum(asked - self.first_loss, 0.0), asked, out=np.zeros(asked.size), where=asked > 0
        )
        return events.totals() - paid * lost
