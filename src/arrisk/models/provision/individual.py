"""Customers assessed one by one: they leave the pool before its rates are applied."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table
from arrisk.errors import LookAheadError, ModelError
from arrisk.ledger.days import as_date
from arrisk.models.provision.open_book import OpenBook

__all__ = ["Assessed", "Assessment", "Recovery", "assess_customers"]

Ints = NDArray[np.int64]
YEAR = 365.0
NO_ONE = "none"


@dataclass(frozen=True, slots=True)
class Recovery:
    """One way in which a debt may end: its probability and what comes back when.

    Parameters
    ----------
    name : str
    probability : float
        In [0, 1]; those of an assessment sum to 1.
    amounts : sequence of (date, amount)
        What comes back, currency units, on days after the assessment. What security brings is among them.
    """

    name: str
    probability: float
    amounts: Sequence[tuple[str | dt.date, float]] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ModelError(f"{self.name!r}: a probability lies between 0 and 1, got {self.probability}")
        if any(not (np.isfinite(amount) and amount >= 0) for _, amount in self.amounts):
            raise ModelError(f"{self.name!r}: what comes back is finite and not negative")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one customer is expected to lose, by whom and on what grounds it was judged.

    Exactly one of `amount`, `rate` and `scenarios` is given.

    Parameters
    ----------
    customer_id : str
    date : str or date
        The day of the assessment.
    who, why, evidence : str
        Not empty.
    amount : float, optional
        Expected loss, currency units.
    rate : float, optional
        Expected loss as a fraction of what is owed.
    scenarios : sequence of Recovery
        The expected loss is what is owed less the probability-weighted present value of what comes back.
    discount_rate : float, optional
        A year, as a fraction, compounded; needed with scenarios (0.0 says: not discounted).
    """

    customer_id: str
    date: str | dt.date
    who: str
    why: str
    evidence: str
    amount: float | None = None
    rate: float | None = None
    scenarios: tuple[Recovery, ...] = ()
    discount_rate: float | None = None

    def __post_init__(self) -> None:
        for name in ("who", "why", "evidence"):
            if not str(getattr(self, name)).strip():
                raise ModelError(f"the assessment of {self.customer_id!r} does not say {name}")
        given = [self.amount is not None, self.rate is not None, bool(self.scenarios)]
        if sum(given) != 1:
            raise ModelError(
                f"the assessment of {self.customer_id!r} gives exactly one of amount, rate, scenarios"
            )
        if self.amount is not None and not (np.isfinite(self.amount) and self.amount >= 0):
            raise ModelError(f"{self.customer_id!r}: an expected loss is not negative, got {self.amount}")
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ModelError(f"{self.customer_id!r}: a loss rate lies between 0 and 1, got {self.rate}")
        if self.scenarios:
            self._check_scenarios()

    def _check_scenarios(self) -> None:
        total = sum(scenario.probability for scenario in self.scenarios)
        if abs(total - 1) > 1e-9:
            raise ModelError(f"the probabilities for {self.customer_id!r} sum to {total:.6f}, not to 1")
        if self.discount_rate is None or not self.discount_rate >= 0:
            raise ModelError(
                f"scenarios of {self.customer_id!r} need a discount_rate of at least 0 (0.0: not discounted)"
            )
        early = [
            f"{as_date(day):%Y-%m-%d}"
            for scenario in self.scenarios
            for day, _ in scenario.amounts
            if as_date(day) <= as_date(self.date)
        ]
        if early:
            raise ModelError(
                f"{self.customer_id!r}: {', '.join(early)} is not after the assessment; what came back "
                "before it is in the ledger already"
            )

    def expected_loss(self, balance: float, as_of: pd.Timestamp) -> float:
        """Expected loss on a balance, currency units; scenarios are discounted to the as-of date.

        Examples
        --------
        >>> half = Recovery("instalments", 0.5, [("2026-01-01", 60.0)])
        >>> case = Assessment("c", "2025-01-01", "B. Lee", "insolvent", "filing 12/25",
        ...     scenarios=(half, Recovery("nothing", 0.5)), discount_rate=0.2)
        >>> case.expected_loss(100.0, pd.Timestamp("2025-01-01"))
        75.0
        """
        if self.amount is not None:
            return self.amount
        if self.rate is not None:
            return self.rate * balance
        back = sum(s.probability * self._present_value(s, as_of) for s in self.scenarios)
        return balance - back

    def _present_value(self, scenario: Recovery, as_of: pd.Timestamp) -> float:
        rate = 0.0 if self.discount_rate is None else self.discount_rate
        days = [(as_date(day) - as_of).days for day, _ in scenario.amounts]
        return float(
            sum(
                amount * (1 + rate) ** (-max(day, 0) / YEAR)
                for day, (_, amount) in zip(days, scenario.amounts, strict=True)
            )
        )

    def describe(self) -> str:
        """How the loss is stated, in words."""
        if self.amount is not None:
            return "amount given"
        if self.rate is not None:
            return f"{self.rate:.2%} of what is owed"
        parts = ", ".join(f"{s.name} {s.probability:.0%}" for s in self.scenarios)
        return (
            f"{len(self.scenarios)} ways it may end ({parts}), discounted at {self.discount_rate:.2%} a year"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Assessed:
    """The customers taken out of the pool, and their expected losses.

    Attributes
    ----------
    inside : array of bool, shape (customers,)
        Whether the customer is assessed by itself.
    loss : array of int64, shape (customers,)
        Expected loss, minor units; 0 for the others.
    table : DataFrame
        customer_id, owed, expected_loss, rate, stated_as, who, why, evidence, date; one row an assessment.
    """

    inside: NDArray[np.bool_]
    loss: Ints
    table: pd.DataFrame

    def to_table(self, name: str = "assessed_customers", currency: str = "") -> Table:
        """The customers assessed by themselves, with who judged them and why."""
        owed, loss = self.table["owed"].sum(), self.table["expected_loss"].sum()
        number = len(self.table)
        who = "One customer judged by itself" if number == 1 else f"{number} customers judged by themselves"
        title = f"{who}: {loss:,.0f} of {owed:,.0f} expected lost"
        formats = {"owed": "money", "expected_loss": "money", "rate": "percent", "date": "date"}
        note = f"Amounts in {currency}. " if currency else ""
        return Table(name, title, self.table, f"{note}None of them is in the pool.", formats)  # type: ignore[arg-type]


def assess_customers(book: OpenBook, assessments: Sequence[Assessment], as_of: pd.Timestamp) -> Assessed:
    """Find the customers assessed by themselves and what they are expected to lose.

    Raises
    ------
    LookAheadError
        If an assessment was made after the as-of date.
    ModelError
        If a customer is unknown, assessed twice, owes nothing, or is to lose less than nothing or more than
        it owes.
    """
    inside = np.zeros(book.customers.size, dtype=bool)
    loss = np.zeros(book.customers.size, dtype=np.int64)
    rows = []
    for one in assessments:
        if as_date(one.date) > as_of:
            raise LookAheadError(
                f"{one.customer_id!r} was assessed on {as_date(one.date):%Y-%m-%d}, after {as_of:%Y-%m-%d}"
            )
        at = _row(book, one, inside)
        owed = int(book.owed[at].sum())
        expected = _loss(one, owed, book.scale, as_of)
        inside[at], loss[at] = True, expected
        words = (one.describe(), one.who, one.why, one.evidence, as_date(one.date))
        rows.append((one.customer_id, owed / book.scale, expected / book.scale, expected / owed, *words))
    names = ["customer_id", "owed", "expected_loss", "rate", "stated_as", "who", "why", "evidence", "date"]
    return Assessed(inside, loss, pd.DataFrame(rows, columns=names))


def _row(book: OpenBook, one: Assessment, inside: NDArray[np.bool_]) -> int:
    at = book.place(one.customer_id)
    if at is None:
        raise ModelError(f"the assessment names customer {one.customer_id!r}, which the ledger does not know")
    if inside[at]:
        raise ModelError(f"customer {one.customer_id!r} is assessed twice; one assessment a customer")
    if int(book.owed[at].sum()) <= 0:
        raise ModelError(f"customer {one.customer_id!r} is assessed but owes nothing: take it out")
    return at


def _loss(one: Assessment, owed: int, scale: int, as_of: pd.Timestamp) -> int:
    expected = round(one.expected_loss(owed / scale, as_of) * scale)
    if expected > owed:
        raise ModelError(
            f"the loss of {one.customer_id!r} is {expected / scale:,.2f}, it owes {owed / scale:,.2f}: "
            "at most what is owed"
        )
    if expected < 0:
        raise ModelError(
            f"what comes back from {one.customer_id!r} is worth {(owed - expected) / scale:,.2f}, it owes "
            f"{owed / scale:,.2f}: at most what is owed"
        )
    return expected
