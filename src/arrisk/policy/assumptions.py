"""Assumptions: numbers that a ledger does not hold, each with its range, its unit and its source."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from arrisk.errors import StudyError

__all__ = ["KNOWN", "TYPICAL_SOURCE", "Assumption", "Known", "did_you_mean", "find", "read_assumptions"]

TYPICAL_SOURCE = "typical value, replace with your own"
ALLOWED_KEYS = ("value", "low", "high", "unit", "source")
TYPO_CUTOFF = 0.84


@dataclass(frozen=True, slots=True)
class Assumption:
    """One number that a decision rests on and that the ledger does not hold.

    Parameters
    ----------
    name : str
        Identifier, as in ``[assumptions.<name>]``.
    value : float
        The number used when one number is needed.
    low, high : float
        The range that simulations draw from and tornado charts swing over; ``low <= value <= high``.
    unit : str
        What the number counts: ``"per year, 365"``, ``"fraction of sales"``, ``"days"``.
    source : str
        Who says so.

    Raises
    ------
    StudyError
        If a number is not finite, the value lies outside its range, or the unit or source is missing.

    Examples
    --------
    >>> Assumption("take_up", 0.3, 0.1, 0.5, "fraction of offered invoices", "pilot of 2024").is_range
    True
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    source: str

    def __post_init__(self) -> None:
        where = f"assumption {self.name!r}"
        for key in ("value", "low", "high"):
            number = getattr(self, key)
            if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
                raise StudyError(f"{where}: {key} = {number!r} is not a finite number")
        if not self.low <= self.value <= self.high:
            raise StudyError(
                f"{where}: value {self.value:g} lies outside its range [{self.low:g}, {self.high:g}]"
            )
        for key in ("unit", "source"):
            text = getattr(self, key)
            if not isinstance(text, str) or not text.strip():
                raise StudyError(f"{where}: {key} is missing; a reader needs it to judge the number")

    @property
    def is_range(self) -> bool:
        """Whether the assumption is uncertain, that is `low` differs from `high`."""
        return self.low < self.high

    @property
    def is_typical(self) -> bool:
        """Whether it still carries the template's placeholder source."""
        return self.source.startswith(TYPICAL_SOURCE)


@dataclass(frozen=True, slots=True)
class Known:
    """What arrisk knows of an assumption before a study gives it: unit, typical range, meaning."""

    value: float
    low: float
    high: float
    unit: str
    meaning: str


KNOWN: Mapping[str, Known] = {
    "cost_of_capital": Known(0.08, 0.05, 0.12, "per year, 365", "what a day of waiting for money costs"),
    "gross_margin": Known(0.30, 0.20, 0.40, "fraction of sales", "price less variable cost, over price"),
    "lgd": Known(
        0.60, 0.40, 0.90, "fraction of exposure", "lost of what a defaulter owes; used without recoveries"
    ),
    "take_up": Known(
        0.30, 0.10, 0.50, "fraction of offered sales", "share of offered sales that takes a discount"
    ),
    "default_relief": Known(
        0.25, 0.0, 1.0, "fraction", "share of takers' default loss that paying early removes"
    ),
    "sales_effect": Known(0.0, 0.0, 0.02, "fraction of sales", "extra sales that a discount brings"),
    "already_early": Known(
        0.25, 0.0, 0.50, "fraction of takers", "takers who are the fastest payers and early anyway"
    ),
    "take_up_elasticity": Known(
        1.0, 0.5, 2.0, "log-odds of taking per log of annual return", "how take-up follows a scheme's worth"
    ),
    "asset_correlation": Known(0.15, 0.05, 0.25, "correlation", "dependence of customers' defaults"),
    "terms_elasticity": Known(
        0.03, 0.0, 0.10, "relative change of sales per 30 days", "how sales move with the days of the terms"
    ),
    "extra_pd_ratio": Known(
        1.5, 1.0, 3.0, "multiple of the grade's hazard", "how often buyers won by longer terms default"
    ),
    "interest_collected": Known(
        0.30, 0.05, 0.60, "fraction of interest billed", "part of late interest that customers pay"
    ),
    "prepayment_cut": Known(0.02, 0.01, 0.05, "fraction of the price", "price cut for payment in advance"),
    "bill_discount_rate": Known(
        0.03, 0.015, 0.06, "per year, 360", "rate at which a bank discounts an accepted bill"
    ),
    "bill_fee": Known(0.0005, 0.0, 0.001, "fraction of face value", "fee on a bill that the seller bears"),
    "bank_pd": Known(0.001, 0.0002, 0.005, "probability in a year", "failure of a bank that accepted a bill"),
    "customer_churn": Known(0.10, 0.05, 0.20, "fraction of customers a year", "leave for other reasons"),
    "restriction_loss": Known(
        0.20, 0.05, 0.40, "fraction of sales", "sales lost when a customer is restricted"
    ),
    "learning_periods": Known(
        8.0, 4.0, 40.0, "periods", "own history that weighs as much as that of the customer's grade"
    ),
    "insured_share": Known(
        0.90, 0.80, 0.95, "fraction of covered loss", "part of a covered loss the insurer bears"
    ),
    "premium_rate": Known(
        0.003, 0.001, 0.006, "fraction of covered sales", "premium; the base is covered sales"
    ),
    "minimum_premium": Known(0.0, 0.0, 0.0, "currency units per year", "least premium a policy costs"),
    "aggregate_first_loss": Known(
        0.0, 0.0, 0.0, "currency units per year", "losses kept before cover begins"
    ),
    "buyer_limit": Known(
        500000.0, 100000.0, 1000000.0, "currency units", "most the insurer covers per customer"
    ),
    "maximum_liability_multiple": Known(
        30.0, 20.0, 40.0, "multiple of premium", "most the insurer pays in a year"
    ),
    "non_qualifying_loss": Known(
        1000.0, 0.0, 5000.0, "currency units", "covered balances below it are not insured"
    ),
    "each_and_every": Known(0.0, 0.0, 0.0, "currency units", "excess taken off each loss"),
    "selection_loading": Known(
        1.25, 1.0, 2.0, "multiple of the premium", "surcharge when the insured picks the buyers covered"
    ),
    "excess_years": Known(
        10.0, 5.0, 20.0, "years", "excess of loss begins at the claims of one year in so many"
    ),
    "downturn_cut": Known(
        0.5, 0.25, 1.0, "fraction of limits", "buyer limits cut by an insurer in a downturn"
    ),
    "downturn_share": Known(
        0.05, 0.02, 0.10, "fraction of years", "worst years in which an insurer cuts limits"
    ),
    "default_days": Known(90.0, 60.0, 180.0, "days overdue", "when a customer counts as defaulted"),
    "materiality": Known(500.0, 0.0, 5000.0, "currency units", "overdue amounts below it are no default"),
    "grace_days": Known(3.0, 0.0, 7.0, "days", "days after a deadline that still count as kept"),
    "confidence_level": Known(0.95, 0.95, 0.95, "probability", "level of intervals"),
    "stop_margin": Known(0.30, 0.20, 0.40, "fraction of sales", "margin lost when a good order is stopped"),
    "full_bonus": Known(
        4_000.0, 2_000.0, 8_000.0, "currency units per year", "bonus of one salesperson at full score"
    ),
    "alert_budget": Known(
        2.0, 1.0, 5.0, "alerts per week", "early-warning alerts that the team can look into"
    ),
    "risk_budget": Known(
        0.10, 0.05, 0.20, "fraction of yearly margin", "loss allowed to an account that stands at its limit"
    ),
    "tail_limit": Known(
        0.005, 0.0025, 0.01, "fraction of yearly margin", "loss a discount may make in its worst draws"
    ),
    "tail_level": Known(0.05, 0.05, 0.05, "probability", "share of draws that counts as the worst"),
    "hurdle_rate": Known(0.10, 0.05, 0.15, "per year, 365", "return asked of capital that stands for risk"),
    "capital_level": Known(0.995, 0.995, 0.995, "probability", "losses that risk capital must bear"),
    "exposure_slope": Known(
        0.20, 0.0, 0.50, "relative per relative", "change of default risk per change of exposure"
    ),
    "lost_orders": Known(
        0.50, 0.20, 1.0, "fraction of stopped sales", "stopped sales that are lost for good"
    ),
    "limit_change_cost": Known(
        150.0, 50.0, 500.0, "currency units per change", "work and upset of changing a limit"
    ),
    "limit_months": Known(2.0, 1.0, 3.0, "months of sales", "rule of thumb for a limit"),
    "net_worth_share": Known(0.10, 0.05, 0.20, "fraction of net worth", "rule of thumb for a limit"),
    "waiting_days": Known(180.0, 60.0, 180.0, "days", "from a default to the insurer's payment"),
    "planned_payments": Known(
        1.0, 0.95, 1.0, "fraction of expected receipts", "payments planned in the weeks of a cash forecast"
    ),
    "reserve_confidence": Known(
        0.99, 0.95, 0.995, "probability", "chance that an emergency reserve is enough in a quarter"
    ),
    "insured_advance": Known(
        0.80, 0.60, 0.90, "fraction of insured receivables", "part that a bank lends against at once"
    ),
    "emergency_cost": Known(
        0.15, 0.05, 0.40, "fraction of the shortfall", "fees, waivers and dear money when cash runs out"
    ),
    "ageing_roll_cost": Known(
        0.0, 0.0, 0.0, "fraction of balance", "cost of a balance rolling to the next bucket"
    ),
}


def did_you_mean(name: str, candidates: Iterable[str], cutoff: float = 0.6) -> str:
    """Hint at the nearest allowed word, or return an empty text.

    Examples
    --------
    >>> did_you_mean("curency", ["currency", "seed"])
    ' (did you mean "currency"?)'
    """
    close = difflib.get_close_matches(name, list(candidates), n=1, cutoff=cutoff)
    return f' (did you mean "{close[0]}"?)' if close else ""


def find(assumptions: Iterable[Assumption], name: str) -> Assumption:
    """Look an assumption up by name.

    Parameters
    ----------
    assumptions : iterable of Assumption
        Those that a study gives.
    name : str
        The wanted one.

    Raises
    ------
    StudyError
        If it is not given: names the nearest given one and shows the lines to add to the study file.

    Examples
    --------
    >>> given = [Assumption("lgd", 0.6, 0.4, 0.9, "fraction of exposure", "workout files")]
    >>> find(given, "lgd").value
    0.6
    """
    given = {a.name: a for a in assumptions}
    if name in given:
        return given[name]
    hint = did_you_mean(name, given)
    known = KNOWN.get(name)
    unit = known.unit if known else "..."
    value = f"{known.value:g}" if known else "..."
    meaning = f" ({known.meaning})" if known else ""
    raise StudyError(
        f"the study does not give the assumption {name!r}{meaning}{hint}; add to the study file:\n"
        f'[assumptions.{name}]\nvalue = {value}\nunit = "{unit}"\nsource = "who says so"'
    )


def read_assumptions(table: Mapping[str, Any]) -> tuple[Assumption, ...]:
    """Read the ``[assumptions.*]`` tables of a study file, in their order.

    A name that arrisk does not know is kept (a notebook of your own may use it), unless it is a near
    misspelling of one that it knows.

    Parameters
    ----------
    table : mapping of name to mapping
        Keys ``value``, ``unit``, ``source`` (required), ``low``, ``high`` (default: the value itself).

    Raises
    ------
    StudyError
        On unknown or missing keys, numbers outside their range, missing sources and misspelt names.

    Examples
    --------
    >>> read_assumptions({"lgd": {"value": 0.6, "unit": "fraction", "source": "files"}})[0].high
    0.6
    """
    return tuple(_read_one(name, row, table) for name, row in table.items())


def _read_one(name: str, row: Any, table: Mapping[str, Any]) -> Assumption:
    where = f"[assumptions.{name}]"
    if not isinstance(row, Mapping):
        raise StudyError(f"{where}: expected a table with value, unit and source, got {row!r}")
    for key in row:
        if key not in ALLOWED_KEYS:
            raise StudyError(f"{where}: unknown key {key!r}{did_you_mean(key, ALLOWED_KEYS)}")
    for key in ("value", "unit", "source"):
        if key not in row:
            raise StudyError(f"{where}: {key} is missing; every assumption needs value, unit and source")
    if name not in KNOWN:
        hint = did_you_mean(name, [k for k in KNOWN if k not in table], TYPO_CUTOFF)
        if hint:
            raise StudyError(f"{where}: unknown assumption{hint}")
    value = row["value"]
    return Assumption(name, value, row.get("low", value), row.get("high", value), row["unit"], row["source"])
