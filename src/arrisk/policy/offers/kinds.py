"""The kinds of offers: the keys of each sheet, and what a sheet becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from arrisk.policy.offers.fields import Field
from arrisk.policy.offers.insurance_sheet import INSURANCE_FIELDS, make_terms

__all__ = ["HEAD_FIELDS", "KINDS", "OfferKind"]


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
    kind.name: kind for kind in (OfferKind("insurance", "credit insurance", INSURANCE_FIELDS, make_terms),)
}

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
