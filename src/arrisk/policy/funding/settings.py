"""Ways of funding as a study states them: ``[[settings.funding.route]]``, or usual terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from arrisk.errors import ModelError, StudyError
from arrisk.policy.assumptions import did_you_mean
from arrisk.policy.funding.pool import PoolRules
from arrisk.policy.funding.pool_routes import Factoring, InsuredLoan, NonRecourseFactoring, Securitisation
from arrisk.policy.funding.reserves import ReserveRules
from arrisk.policy.funding.routes import EarlyPayment, Overdraft, Route, Voucher

if TYPE_CHECKING:
    from arrisk.policy.study import Study

__all__ = [
    "KINDS",
    "cash_wanted",
    "make_route",
    "pool_rules",
    "reserve_rules",
    "study_routes",
    "usual_routes",
]

KINDS: dict[str, type] = {
    route.kind: route
    for route in (
        Overdraft,
        Factoring,
        NonRecourseFactoring,
        Securitisation,
        Voucher,
        EarlyPayment,
        InsuredLoan,
    )
}
"""Kinds of funding that a study or an offer sheet can name."""

SECTION = ("cash_wanted", "pool", "reserves", "route")
NOT_TERMS = ("kind", "source")


def usual_routes() -> tuple[Route, ...]:
    """One of each kind on usual terms, to be replaced by offers.

    Examples
    --------
    >>> [route.kind for route in usual_routes()][:2]
    ['overdraft', 'recourse factoring']
    """
    return (
        Overdraft(rate=0.07, line_fee=0.005),
        Factoring(rate=0.06),
        NonRecourseFactoring(rate=0.06),
        Securitisation(rate=0.05, least_pool=20_000_000.0),
        Voucher(rate=0.04),
        EarlyPayment(),
        InsuredLoan(rate=0.06),
    )


def make_route(terms: Mapping[str, Any], where: str = "route") -> Route:
    """Make a way of funding from a table of a study or an offer sheet.

    Parameters
    ----------
    terms : mapping
        `kind` and the fields of its class; `source` is allowed and left to the caller.
    where : str
        Names the table in errors.

    Returns
    -------
    Route

    Raises
    ------
    StudyError
        If the kind or a key is unknown, a term is missing or out of range.

    Examples
    --------
    >>> make_route({"kind": "overdraft", "rate": 0.08}).rate
    0.08
    """
    kind = terms.get("kind")
    if kind not in KINDS:
        hint = did_you_mean(str(kind), KINDS)
        raise StudyError(f"{where}: kind = {kind!r}{hint}; allowed are {', '.join(KINDS)}")
    known = [f.name for f in fields(KINDS[kind])]
    for key in terms:
        if key not in known and key not in NOT_TERMS:
            raise StudyError(f"{where}: unknown key {key!r}{did_you_mean(key, known)}")
    for key, value in terms.items():
        if key in NOT_TERMS or key == "name":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise StudyError(f"{where}: {key} = {value!r} is not a number")
    try:
        route: Route = KINDS[kind](**{k: v for k, v in terms.items() if k not in NOT_TERMS})
    except (ModelError, TypeError) as error:
        raise StudyError(f"{where}: {error}") from error
    return route


def study_routes(study: Study) -> tuple[tuple[Route, ...], str]:
    """The ways of funding that a study states, and where their terms come from."""
    given = study.settings.get("funding", {}).get("route", [])
    if not isinstance(given, list):
        raise StudyError("[[settings.funding.route]]: expected tables in double brackets")
    if not given:
        return usual_routes(), "usual terms, replace them with offers"
    routes = tuple(make_route(t, f"[[settings.funding.route]] {k}") for k, t in enumerate(given, start=1))
    sources = dict.fromkeys(str(t.get("source", "the study")) for t in given)
    return routes, "; ".join(sources)


def cash_wanted(study: Study) -> float | None:
    """``cash_wanted`` of ``[settings.funding]``, currency units for a year; None when it is not stated."""
    section = study.settings.get("funding", {})
    for key in section:
        if key not in SECTION:
            hint = did_you_mean(key, SECTION)
            raise StudyError(f"[settings.funding]: unknown key {key!r}{hint}; allowed: {', '.join(SECTION)}")
    given = section.get("cash_wanted")
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
        raise StudyError(f"[settings.funding]: cash_wanted = {given!r} is not an amount above 0")
    return float(given)


def pool_rules(study: Study) -> PoolRules:
    """``[settings.funding.pool]`` as rules; usual ones where it is silent."""
    found: PoolRules = _rules(study, "pool", PoolRules)
    return found


def reserve_rules(study: Study) -> ReserveRules:
    """``[settings.funding.reserves]`` as rules; usual ones where it is silent."""
    found: ReserveRules = _rules(study, "reserves", ReserveRules)
    return found


def _rules(study: Study, name: str, kind: Any) -> Any:
    given = dict(study.settings.get("funding", {}).get(name, {}))
    known = [f.name for f in fields(kind)]
    for key in given:
        if key not in known:
            raise StudyError(f"[settings.funding.{name}]: unknown key {key!r}{did_you_mean(key, known)}")
    if "countries" in given:
        given["countries"] = tuple(given["countries"])
    try:
        return kind(**given)
    except (ModelError, TypeError) as error:
        raise StudyError(f"[settings.funding.{name}]: {error}") from error
