"""Offer sheets and a two-customer book for tests."""

from __future__ import annotations

import tomllib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.policy.offers.offer import Offer
from arrisk.policy.offers.reading import parse_offer
from arrisk.policy.offers.template import offer_template
from arrisk.policy.offers.years import CaseYears
from tests.ledger.frames import invoice, ledger_of

HEAD = {
    "provider": "Northern",
    "name": "whole turnover",
    "currency": "EUR",
    "dated": "2025-12-15",
    "valid_until": "2026-03-31",
    "source": "letter",
}
PLAIN = {
    "premium_rate": 0.001,
    "premium_base": "sales",
    "insured_share": 0.9,
    "disputes_excluded": False,
    "related_excluded": False,
}


def sheet(terms: dict[str, Any] | None = None, kind: str = "insurance", **head: Any) -> str:
    """TOML of an offer."""
    given = terms if terms is not None or kind != "insurance" else PLAIN
    return offer_template(kind, {**HEAD, **head}, given)


def offer(terms: dict[str, Any] | None = None, kind: str = "insurance", **head: Any) -> Offer:
    """An offer as read."""
    return parse_offer(tomllib.loads(sheet(terms, kind, **head)))


def two_customers(cost_of_risk: float = 0.0) -> CaseYears:
    """Four equally likely years: nobody fails, A (1,000) fails, B (4,000) fails, both fail; all is lost."""
    book = make_portfolio(0.5, [1_000.0, 4_000.0], 1.0, name=["A", "B"])
    events = LossEvents(
        book,
        Dependence(0.0),
        np.full(4, 0.25),
        np.zeros(4),
        np.array([0, 0, 1, 2, 4]),
        np.array([0, 1, 0, 1]),
        np.ones(4),
        seed=0,
    )
    start, weight = np.array([0, 4]), np.ones(1)
    return CaseYears(events, start, weight, np.array([10_000.0, 40_000.0]), None, cost_of_risk)


def small_model() -> Any:
    """A loss model of thirty customers with two cases, and no ledger behind it."""
    book = make_portfolio(0.03, np.linspace(5e3, 2e5, 30), 0.6, name=[f"C{k:02d}" for k in range(30)])
    cases = pd.DataFrame({"scale": [1.0, 2.0], "rho": [0.1, 0.2], "industry_rho": 0.0, "weight": [0.7, 0.3]})

    def at(scale: float, rho: float) -> Any:
        return book.scaled(scale) if scale != 1 else book, Dependence(rho)

    return SimpleNamespace(
        portfolio=book, cases=cases, at=at, sales=6 * book.exposure, what_if="", experience=None
    )


def small_snapshot() -> Any:
    """A ledger of one open invoice, as of the end of 2025."""
    ledger = ledger_of([invoice("1", "2025-12-01", 5_000.0, "2025-12-31", customer_id="C00")])
    return ledger.as_of("2025-12-31")
