"""Cash-discount schemes: the grid to compare, and a scheme in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import money
from arrisk.policy.discount.draws import Reference
from arrisk.policy.discount.history import find_offer, offer_frame

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["ALL", "SchemeGrid", "SlidingScale", "describe_scheme", "describe_terms", "make_schemes"]

ALL = "all"
USUAL = Reference(0.02, 10)
USUAL_SCALES = (((5, 0.01), (15, 0.005)),)


@dataclass(frozen=True, slots=True)
class SlidingScale:
    """A discount that falls with the day of payment.

    Parameters
    ----------
    steps : tuple of (int, float)
        Last day, counted from issue, and the discount up to it; days rise and discounts fall.

    Raises
    ------
    ValueError
        If there is no step, or they do not rise and fall so.

    Examples
    --------
    >>> str(SlidingScale(((10, 0.02), (20, 0.01))))
    '2% by day 10, 1% by day 20'
    >>> str(SlidingScale.per_day(0.0005, until=30, first=10))
    '0.05% a day before day 30, from day 10 on'
    """

    steps: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        days, rates = [d for d, _ in self.steps], [r for _, r in self.steps]
        rising = all(a < b for a, b in pairwise(days)) and all(a > b for a, b in pairwise(rates))
        inside = all(0 <= d < 365 for d in days) and all(0 < r < 1 for r in rates)
        if not (days and rising and inside):
            raise ValueError(
                f"steps = {self.steps!r}: needed are pairs of a day (0 to 364, rising) and a discount "
                "(between 0 and 1, falling)"
            )

    @classmethod
    def per_day(cls, rate: float, *, until: int, first: int = 0) -> SlidingScale:
        """The same discount for every day paid before day `until`, for no day before day `first`."""
        return cls(tuple((day, round(rate * (until - day), 10)) for day in range(first, until)))

    @property
    def rate(self) -> float:
        """The highest discount."""
        return self.steps[0][1]

    @property
    def days(self) -> int:
        """The last day on which there is any."""
        return self.steps[-1][0]

    def rate_on(self, day: int) -> float:
        """Discount of a payment on a day since issue."""
        return next((rate for last, rate in self.steps if day <= last), 0.0)

    def __str__(self) -> str:
        (first, _), (last, low) = self.steps[0], self.steps[-1]
        if len(self.steps) > 2 and self == SlidingScale.per_day(low, until=last + 1, first=first):
            since = f", from day {first} on" if first else ""
            return f"{100 * low:g}% a day before day {last + 1}{since}"
        return ", ".join(f"{100 * rate:g}% by day {day}" for day, rate in self.steps)


@dataclass(frozen=True, slots=True)
class SchemeGrid:
    """The schemes compared: every combination, for each segment alone and for all together.

    Parameters
    ----------
    rates : tuple of float
        Discounts, fractions of the price.
    days : tuple of int
        Last day on which the discount can be taken, counted from issue.
    thresholds : tuple of float
        Smallest invoice amount that qualifies, currency units.
    reference : Reference
        The scheme that the assumed take-up and sales effect are stated for.
    scales : tuple of SlidingScale
        Sliding scales compared as well, for every threshold.

    Examples
    --------
    >>> SchemeGrid((0.01, 0.02), (10,), (0.0,)).reference.rate
    0.02
    """

    rates: tuple[float, ...]
    days: tuple[int, ...]
    thresholds: tuple[float, ...] = (0.0,)
    reference: Reference = USUAL
    scales: tuple[SlidingScale, ...] = ()

    def __post_init__(self) -> None:
        for name in ("rates", "days", "thresholds"):
            if not getattr(self, name):
                raise ValueError(f"{name}: at least one is needed")
        if not all(0 < r < 1 for r in (*self.rates, self.reference.rate)):
            raise ValueError(f"rates = {self.rates!r}: fractions between 0 and 1")
        if not all(0 <= d < 365 for d in (*self.days, self.reference.days)):
            raise ValueError(f"days = {self.days!r}: whole days from 0 to 364")

    @property
    def offers(self) -> tuple[SlidingScale, ...]:
        """Every rate by days, then the sliding scales; a plain scheme is a scale of one step."""
        plain = (SlidingScale(((d, r),)) for d in self.days for r in self.rates)
        return (*plain, *self.scales)


def make_schemes(snapshot: Snapshot, settings: Mapping[str, Any] | None = None) -> SchemeGrid:
    """Schemes to compare: those of a study's ``[settings.discount]``, else a usual grid; and the running one.

    Parameters
    ----------
    snapshot : Snapshot
        Gives the default thresholds (0 and the median invoice, to one digit) and, when there is a running
        scheme, the reference.
    settings : mapping, optional
        Keys rates, days, thresholds (lists), scales (lists of [day, rate]), reference_rate, reference_days.
    """
    given = dict(settings or {})
    frame = offer_frame(snapshot)
    offer = find_offer(frame)
    usual = Reference(offer.rate, offer.days) if offer else USUAL
    median = float(frame["amount"].median())
    digit = 10 ** np.floor(np.log10(median)) if median > 0 else 1.0
    thresholds = (0.0, float(np.round(median / digit) * digit))
    rates = {float(r) for r in given.get("rates", (0.0025, 0.005, 0.01, 0.015, 0.02, 0.03))}
    days = {int(d) for d in given.get("days", (5, 10, 15))}
    return SchemeGrid(
        tuple(sorted(rates | ({offer.rate} if offer else set()))),
        tuple(sorted(days | ({offer.days} if offer else set()))),
        tuple(float(t) for t in given.get("thresholds", thresholds)),
        Reference(
            float(given.get("reference_rate", usual.rate)), int(given.get("reference_days", usual.days))
        ),
        tuple(
            SlidingScale(tuple((int(d), float(r)) for d, r in steps))
            for steps in given.get("scales", USUAL_SCALES)
        ),
    )


def describe_terms(scheme: pd.Series) -> str:
    """The terms of a scheme in words: ``1% within 10 days``, or ``2% by day 10, 1% by day 20``."""
    if scheme.get("scale"):
        return str(scheme["scale"])
    return f"{100 * scheme['rate']:g}% within {int(scheme['days'])} days"


def describe_scheme(scheme: pd.Series, currency: str) -> str:
    """A scheme in words, for example ``1% within 10 days to Retail from EUR 500``."""
    edge = scheme["threshold"]
    if isinstance(edge, str):
        return f"{describe_terms(scheme)} {edge} now"
    whom = "all customers" if scheme["segment"] == ALL else str(scheme["segment"])
    above = f" from {money(edge, currency)}" if edge else ""
    return f"{describe_terms(scheme)} to {whom}{above}"
