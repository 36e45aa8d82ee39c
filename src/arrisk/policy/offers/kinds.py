"""The kinds of offers: the keys of each sheet, and what a sheet becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from arrisk.errors import OfferError, one_line
from arrisk.policy.assumptions import did_you_mean
from arrisk.policy.offers.fields import Field
from arrisk.policy.offers.funding_sheet import FUNDING_TITLES, funding_fields, make_route
from arrisk.policy.offers.insurance_sheet import INSURANCE_FIELDS, make_terms

__all__ = ["HEAD_FIELDS", "KINDS", "OfferKind", "find_kind"]


@dataclass(frozen=True, slots=True)
class OfferKind:
    """A kind of offer.

    Parameters
    ----------
    name : str
        As in ``kind = "..."``.
    title : str
        In words.
    fields : tuple of Field
        Keys of the section [terms].
    make : callable
        (name, values) -> terms: a `PolicyTerms` or a route of funding.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    make: Callable[[str, Mapping[str, Any]], Any]


KINDS: Mapping[str, OfferKind] = {
    "insurance": OfferKind("insurance", "credit insurance", INSURANCE_FIELDS, make_terms),
    **{
        kind: OfferKind(kind, title, funding_fields(kind), partial(make_route, kind))
        for kind, title in FUNDING_TITLES.items()
    },
}
ALIASES: Mapping[str, str] = {
    "factoring": "recourse factoring",
    "abs": "securitisation",
    "vouchers": "voucher",
    "digital vouchers": "voucher",
    "credit insurance": "insurance",
}


def find_kind(name: str) -> str:
    """The kind that a name means: hyphens, underscores and some other words are understood.

    Raises
    ------
    OfferError
        If there is none.

    Examples
    --------
    >>> find_kind("non_recourse_factoring"), find_kind("abs")
    ('non-recourse factoring', 'securitisation')
    """
    plain = _plain(name)
    found = next((kind for kind in KINDS if _plain(kind) == plain), ALIASES.get(plain))
    if found is None:
        known = ", ".join(KINDS)
        seen = one_line(repr(name))
        raise OfferError(f"no offers of kind {seen}{did_you_mean(plain, KINDS)}; allowed: {known}")
    return found


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", " ").replace("_", " ")


HEAD_FIELDS: tuple[Field, ...] = (
    Field("kind", "choice", "kind of offer", "insurance", required=True, choices=tuple(KINDS)),
    Field("provider", "text", "who offers", "Example Provider", required=True),
    Field("name", "text", "name of the offer; provider and name together must differ from the others'",
          "first quote", required=True),
    Field("currency", "text", "ISO 4217 code of all amounts", "EUR", required=True),
    Field("dated", "date", "day of the offer", "2025-12-15", required=True),
    Field("valid_until", "date", "last day on which it can be accepted", "2026-03-31", required=True),
    Field("source", "text", "where the figures stand, such as a letter or a page", "quote of 15 December",
          required=True),
    Field("unusual", "words", "keys whose values lie outside the usual range and are meant", [], given=False),
)  # fmt: skip
"""Keys of the section [offer]."""
