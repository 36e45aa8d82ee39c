"""Cash-discount schemes: the grid to compare, and a scheme in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import money
from arrisk.policy.discount.draws import Reference
from arrisk.policy.discount.history import find_offer, offer_frame

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["ALL", "SchemeGrid", "describe_scheme", "describe_terms", "make_schemes"]

ALL = "all"
USUAL = Reference(0.02, 10)


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

    Examples
    --------
    >>> SchemeGrid((0.01, 0.02), (10,), (0.0,)).reference.rate
    0.02
    """

    rates: tuple[float, ...]
    days: tuple[int, ...]
    thresholds: tuple[float, ...] = (0.0,)
    reference: Reference = USUAL

    def __post_init__(self) -> None:
        for name in ("rates", "days", "thresholds"):
            if not getattr(self, name):
                raise ValueError(f"{name}: at least one is needed")
        if not all(0 < r < 1 for r in (*self.rates, self.reference.rate)):
            raise ValueError(f"rates = {self.rates!r}: fractions between 0 and 1")
        if not all(0 <= d < 365 for d in (*self.days, self.reference.days)):
            raise ValueError(f"days = {self.days!r}: whole days from 0 to 364")


def make_schemes(snapshot: Snapshot, settings: Mapping[str, Any] | None = None) -> SchemeGrid:
    """Schemes to compare: those of a study's ``[settings.discount]``, else a usual grid; and the running one.

    Parameters
    ----------
    snapshot : Snapshot
        Gives the default thresholds (0 and the median invoice, to one digit) and, when there is a running
        scheme, the reference.
    settings : mapping, optional
        Keys rates, days, thresholds (lists), reference_rate, reference_days.
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
    )


def describe_terms(scheme: pd.Series) -> str:
    """The terms of a scheme in words, for example ``1% within 10 days``."""
    return f"{100 * scheme['rate']:g}% within {int(scheme['days'])} days"


def describe_scheme(scheme: pd.Series, currency: str) -> str:
    """A scheme in words, for example ``1% within 10 days to Retail from EUR 500``."""
    edge = scheme["threshold"]
    if isinstance(edge, str):
        return f"{describe_terms(scheme)} {edge} now"
    whom = "all customers" if scheme["segment"] == ALL else str(scheme["segment"])
    above = f" from {money(edge, currency)}" if edge else ""
    return f"{describe_terms(scheme)} to {whom}{above}"
