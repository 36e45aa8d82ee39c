"""What sheets of factors, banks and arrangers may say: one key for each field of a route of funding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from arrisk.policy.funding.pool_routes import Factoring, InsuredLoan, NonRecourseFactoring, Securitisation
from arrisk.policy.funding.routes import Overdraft, Route, Voucher
from arrisk.policy.offers.clause_terms import ROUTE_IDLE
from arrisk.policy.offers.fields import Field

__all__ = ["FUNDING_CLASSES", "FUNDING_TITLES", "funding_fields", "make_route"]

FUNDING_CLASSES: Mapping[str, type] = {
    route.kind: route
    for route in (Factoring, NonRecourseFactoring, Securitisation, Voucher, Overdraft, InsuredLoan)
}
FUNDING_TITLES: Mapping[str, str] = {
    Factoring.kind: "factoring with recourse",
    NonRecourseFactoring.kind: "factoring without recourse",
    Securitisation.kind: "securitisation (ABS)",
    Voucher.kind: "digital vouchers",
    Overdraft.kind: "overdraft",
    InsuredLoan.kind: "loan against insured receivables",
}
RATE = (0.002, 0.3)
SKETCHED = frozenset({"advance_rate"})
"""Left out, a rate of advance is the usual one of its class, or the sketch from the ledger."""
KEYS: tuple[Field, ...] = (
    Field("rate", "rate", "interest, a year", 0.06, required=True,
          high=10.0, usual=RATE),
    Field("advance_rate", "share", "part of the eligible pool that is paid at once", 0.85, high=1.0,
          usual=(0.3, 1.0)),
    Field("service_fee", "rate", "fee on the sales that are assigned", 0.004, high=1.0, usual=(0.0005, 0.04)),
    Field("minimum_fee", "money", "least service fee of a year", 30_000.0),
    Field("protection_fee", "rate", "fee for bearing failures, on the sales that are assigned", 0.003,
          high=1.0, usual=(0.0005, 0.03)),
    Field("covered_share", "share", "part of a customer's eligible balance that the factor bears", 0.9,
          high=1.0, usual=(0.5, 1.0)),
    Field("customer_limit", "money", "most that is borne, or insured, for one customer", 500_000.0),
    Field("limit", "money", "most that is advanced or lent", 5_000_000.0),
    Field("line_fee", "rate", "fee on what is not drawn, a year", 0.005, high=1.0, usual=(0.0005, 0.03)),
    Field("setup_fee", "money", "paid at the start, spread over the year", 5_000.0),
    Field("setup_cost", "money", "arrangers, lawyers and rating, at the start", 250_000.0),
    Field("years", "number", "years of the programme over which that is spread", 5.0, low=0.1,
          usual=(1.0, 15.0)),
    Field("running_cost", "money", "trustee, audit and servicer, a year", 80_000.0),
    Field("least_pool", "money", "smallest eligible pool that is taken", 3_000_000.0),
    Field("fee", "rate", "fee on the face value", 0.0005, high=1.0, usual=(0.0001, 0.02)),
    Field("share_of_sales", "share", "part of the eligible sales that can be sold", 0.2, high=1.0,
          usual=(0.01, 1.0)),
    Field("premium_rate", "rate", "premium of the insurance, on eligible sales", 0.003, required=True,
          high=1.0,
          usual=(0.0001, 0.03)),
    Field("insured_share", "share", "part of a loss that the insurer bears", 0.9, required=True,
          high=1.0, usual=(0.5, 1.0)),
    Field("first_loss", "money", "claims of a year that you keep", 25_000.0),
    Field("minimum_premium", "money", "least premium of a year", 15_000.0),
    Field("office_saving", "money", "what your own office no longer costs, a year", 20_000.0, given=False),
)  # fmt: skip
"""In the order in which a sheet shows them; a sheet of a kind has those that its class has."""


def funding_fields(kind: str) -> tuple[Field, ...]:
    """Keys of the sheet of a kind of funding.

    Examples
    --------
    >>> [field.key for field in funding_fields("overdraft")]
    ['rate', 'limit', 'line_fee', 'setup_fee']
    """
    known = {f.name for f in fields(FUNDING_CLASSES[kind])}
    return tuple(field for field in KEYS if field.key in known)


def make_route(kind: str, name: str, values: Mapping[str, Any]) -> Route:
    """The route of a sheet, from its values as read.

    Parameters
    ----------
    kind, name : str
    values : mapping
        Keys of `funding_fields`. A key that a sheet leaves out is not there: no fee, no limit.
    """
    route: Route = FUNDING_CLASSES[kind](name=name, **{**_absent(kind), **values})
    return route


def _absent(kind: str) -> dict[str, Any]:
    """What a sheet that is silent means, where the class stands for usual terms instead."""
    known = {f.name for f in fields(FUNDING_CLASSES[kind])}
    return {name: idle for name, idle in ROUTE_IDLE.items() if name in known and name not in SKETCHED}
