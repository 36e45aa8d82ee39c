"""Ways to turn receivables into cash without a financier of the pool; what every way has to say."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.policy.funding.facility import Facility
from arrisk.policy.funding.funded_book import FundedBook

__all__ = [
    "EarlyPayment",
    "Overdraft",
    "OwnCapital",
    "Route",
    "Voucher",
    "check_terms",
]

FloatArray = NDArray[np.float64]
SHARES = (
    "advance_rate",
    "covered_share",
    "share_of_sales",
    "take_up",
    "insured_share",
    "price_discount",
)


class Route(Protocol):
    """What a way of funding has to say: its name, a year of it, and the losses that stay."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    def draw(self, book: FundedBook, wanted: float) -> Facility:
        """A year with so much cash wanted."""
        ...

    def kept(self, book: FundedBook, wanted: float, events: LossEvents) -> FloatArray:
        """Losses of each simulated year that stay with the seller, shape (draws,)."""
        ...


def check_terms(route: object) -> None:
    """Raise an error when a term is negative, not finite where it must be, or a share above 1."""
    for field in fields(route):  # type: ignore[arg-type]
        value = getattr(route, field.name)
        if isinstance(value, str) or value is None or isinstance(value, bool):
            continue
        top = 1.0 if field.name in SHARES else math.inf
        if not 0 <= value <= top:
            raise ModelError(f"{field.name} = {value!r}: not negative" + (", at most 1" if top == 1 else ""))


@dataclass(frozen=True, slots=True)
class OwnCapital:
    """Wait: carry the receivables with the owners' money until customers pay.

    Parameters
    ----------
    rate : float
        Cost of capital, a year.
    """

    kind: ClassVar[str] = "own capital"
    rate: float
    name: str = "wait (own capital)"

    def __post_init__(self) -> None:
        check_terms(self)

    def draw(self, book: FundedBook, wanted: float) -> Facility:
        """All that is wanted, at the cost of capital."""
        return Facility(wanted, wanted, {"interest": self.rate * wanted}, "the owners' money")

    def kept(self, book: FundedBook, wanted: float, events: LossEvents) -> FloatArray:
        """All losses."""
        return events.totals()


@dataclass(frozen=True, slots=True)
class Overdraft:
    """A bank line.

    Parameters
    ----------
    rate : float
        Interest on what is drawn, a year.
    limit : float
        Most that can be drawn, currency units.
    line_fee : float
        On what is not drawn, a year.
    setup_fee : float
        Paid at the start, currency units a year.
    """

    kind: ClassVar[str] = "overdraft"
    rate: float
    limit: float = math.inf
    line_fee: float = 0.0
    setup_fee: float = 0.0
    name: str = "overdraft"

    def __post_init__(self) -> None:
        check_terms(self)

    def draw(self, book: FundedBook, wanted: float) -> Facility:
        """What is wanted, up to the limit."""
        cash = min(wanted, self.limit)
        idle = self.limit - cash if math.isfinite(self.limit) else 0.0
        costs = {"interest": self.rate * cash, "line fee": self.line_fee * idle, "set-up": self.setup_fee}
        return Facility(cash, self.limit, costs, "drawn on the line")

    def kept(self, book: FundedBook, wanted: float, events: LossEvents) -> FloatArray:
        """All losses: the bank looks to the seller."""
        return events.totals()


@dataclass(frozen=True, slots=True)
class Voucher:
    """Digital vouchers: a customer's promise to pay on the due date, sold at a discount without recourse.

    Parameters
    ----------
    rate : float
        Discount rate, a year of 360 days.
    fee : float
        Fraction of the face value.
    share_of_sales : float
        Part of the eligible sales whose customers issue vouchers.
    """

    kind: ClassVar[str] = "voucher"
    rate: float
    fee: float = 0.0005
    share_of_sales: float = 0.2
    name: str = "digital vouchers"

    def __post_init__(self) -> None:
        check_terms(self)

    def sold_share(self, book: FundedBook, wanted: float) -> float:
        """Part of the pool that is sold to obtain what is wanted."""
        most = self.share_of_sales * book.pool.balance * self._price(book)
        return self.share_of_sales * min(wanted / most, 1.0) if most > 0 else 0.0

    def _price(self, book: FundedBook) -> float:
        return max(1 - self.rate * self._days(book) / 360 - self.fee, 0.0)

    @staticmethod
    def _days(book: FundedBook) -> float:
        return book.collected if math.isfinite(book.collected) else 0.0

    def draw(self, book: FundedBook, wanted: float) -> Facility:
        """The price of so many vouchers; sold anew as they fall due."""
        most = self.share_of_sales * book.pool.balance * self._price(book)
        share = self.sold_share(book, wanted)
        turns = book.pool.sales / book.pool.balance if book.pool.balance > 0 else 0.0
        face = share * book.pool.balance
        costs = {
            "interest": face * self.rate * self._days(book) / 360 * turns,
            "service fee": face * self.fee * turns,
        }
        return Facility(min(wanted, most), most, costs, f"{share:.0%} of the pool, sold as it is invoiced")

    def kept(self, book: FundedBook, wanted: float, events: LossEvents) -> FloatArray:
        """Losses less those on what is sold."""
        sold = self.sold_share(book, wanted) * book.eligible * events.portfolio.exposure
        return events.totals() - events.by_draw(sold, lost=True)


@dataclass(frozen=True, slots=True)
class EarlyPayment:
    """A discount for paying early: customers fund the seller.

    Parameters
    ----------
    price_discount : float
        Fraction of the price.
    within_days : float
        Days in which it is taken.
    take_up : float
        Part of the sales that takes it.
    """

    kind: ClassVar[str] = "early-payment discount"
    price_discount: float = 0.02
    within_days: float = 10.0
    take_up: float = 0.2
    name: str = "early-payment discount"

    def __post_init__(self) -> None:
        check_terms(self)

    def draw(self, book: FundedBook, wanted: float) -> Facility:
        """Money that comes sooner, for the discount on all who take it; offered to no more than needed."""
        sooner = max(book.collected - self.within_days, 0.0) if math.isfinite(book.collected) else 0.0
        taken = self.take_up * book.total_sales
        most = taken * sooner / 365
        if most <= 0:
            return Facility(0.0, 0.0, {}, "money would not come sooner")
        part = min(wanted / most, 1.0)
        costs = {"discount given": self.price_discount * taken * part}
        return Facility(
            part * most, most, costs, f"{sooner:.0f} days sooner on {self.take_up * part:.0%} of sales"
        )

    def kept(self, book: FundedBook, wanted: float, events: LossEvents) -> FloatArray:
        """All losses: whether early payers are the ones who would fail is not known."""
        return events.totals()
