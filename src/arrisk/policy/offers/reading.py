"""Reading offer sheets: strictly, and with an error that names the file, the key and what is allowed."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from arrisk.errors import ArriskError, OfferError, one_line
from arrisk.policy.assumptions import did_you_mean
from arrisk.policy.offers.fields import Field, read_value
from arrisk.policy.offers.kinds import HEAD_FIELDS, KINDS
from arrisk.policy.offers.offer import Offer

__all__ = ["parse_offer", "read_offer", "read_offers"]

SECTIONS = ("offer", "terms")
LARGEST_SHEET = 1_000_000
PathLike = str | os.PathLike[str]


def read_offer(path: PathLike) -> Offer:
    """Read one offer sheet.

    Parameters
    ----------
    path : path
        A TOML file with the sections [offer] and [terms]; `offer_template` writes one to fill in.

    Returns
    -------
    Offer

    Raises
    ------
    OfferError
        When there is no such file, it is not TOML, a key is unknown or missing, or a value is out of range:
        the message names the file, the key, what was seen and what is allowed.

    Examples
    --------
    >>> read_offer("no/such/offer.toml")
    Traceback (most recent call last):
    arrisk.errors.OfferError: no offer sheet at no/such/offer.toml
    """
    file = Path(path)
    if not file.is_file():
        raise OfferError(f"no offer sheet at {file}")
    if file.stat().st_size > LARGEST_SHEET:
        raise OfferError(f"{file}: {file.stat().st_size:,} bytes; a sheet has at most {LARGEST_SHEET:,}")
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise OfferError(f"{file}: not a UTF-8 text file, so not an offer sheet") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise OfferError(f"{file}: not valid TOML: {one_line(str(error))}") from error
    try:
        return replace(parse_offer(data), path=file)
    except OfferError as error:
        raise OfferError(f"{file}: {error}") from None


def read_offers(paths: PathLike | Iterable[PathLike]) -> tuple[Offer, ...]:
    """Read several offer sheets.

    Parameters
    ----------
    paths : path or iterable of paths
        Sheets, or folders whose ``*.toml`` files are sheets (read in the order of their names).

    Returns
    -------
    tuple of Offer

    Raises
    ------
    OfferError
        As `read_offer`; also when a folder holds no sheet, or two offers have the same provider and name.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    offers = tuple(read_offer(file) for path in given for file in _files(Path(path)))
    if not offers:
        raise OfferError("no offer sheets were named")
    _check_names(offers)
    return offers


def parse_offer(data: Mapping[str, Any]) -> Offer:
    """Check the contents of a sheet.

    Parameters
    ----------
    data : mapping
        The TOML as parsed.

    Raises
    ------
    OfferError
        On the first problem.

    Examples
    --------
    >>> parse_offer({"offr": {}})
    Traceback (most recent call last):
    arrisk.errors.OfferError: unknown key 'offr' (did you mean "offer"?); allowed: offer, terms
    """
    _check_keys(data, SECTIONS, "")
    head, body = _section(data, "offer"), _section(data, "terms")
    kind = KINDS[_read(HEAD_FIELDS[0], head, "offer")]
    keys = tuple(f.key for f in kind.fields)
    heading = tuple(replace(f, choices=keys) if f.key == "unusual" else f for f in HEAD_FIELDS)
    top = _read_section(heading, head, "offer", ())
    unusual: Sequence[str] = top.pop("unusual", ())
    values = _read_section(kind.fields, body, "terms", unusual)
    if top["valid_until"] < top["dated"]:
        raise OfferError(f"[offer]: valid_until = {top['valid_until']} is before dated = {top['dated']}")
    _check_currency(top["currency"])
    try:
        terms = kind.make(f"{top['provider']}: {top['name']}", values)
    except ArriskError as error:
        raise OfferError(f"[terms]: {error}") from None
    return Offer(**top, terms=terms, values=tuple(values.items()))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.toml"))
    if not found:
        raise OfferError(f"the folder {path} holds no *.toml offer sheet")
    return found


def _check_names(offers: tuple[Offer, ...]) -> None:
    seen: dict[str, Offer] = {}
    for offer in offers:
        if offer.label in seen:
            raise OfferError(
                f"{offer.path}: {offer.label!r} is the name of the offer in {seen[offer.label].path}, too; "
                "provider and name together must differ"
            )
        seen[offer.label] = offer


def _check_keys(table: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    for key in table:
        if key not in allowed:
            seen = one_line(repr(key))
            raise OfferError(
                f"{where}unknown key {seen}{did_you_mean(key, allowed)}; allowed: {', '.join(allowed)}"
            )


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name not in data:
        raise OfferError(f"the section [{name}] is missing; `arrisk offers --template KIND` shows a sheet")
    if not isinstance(data[name], Mapping):
        raise OfferError(f"[{name}]: expected a table")
    found: Mapping[str, Any] = data[name]
    return found


def _read_section(
    fields: Sequence[Field], table: Mapping[str, Any], where: str, unusual: Sequence[str]
) -> dict[str, Any]:
    _check_keys(table, [f.key for f in fields], f"[{where}]: ")
    return {f.key: _read(f, table, where, f.key in unusual) for f in fields if f.required or f.key in table}


def _read(field: Field, table: Mapping[str, Any], where: str, unusual: bool = False) -> Any:
    if field.key not in table:
        raise OfferError(f"[{where}]: {field.key} is missing ({field.meaning}); allowed is {field.allowed}")
    try:
        return read_value(field, table[field.key], unusual)
    except OfferError as error:
        raise OfferError(f"[{where}]: {error}") from None


def _check_currency(code: str) -> None:
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise OfferError(f"[offer]: currency = {code!r}: allowed is an ISO 4217 code such as EUR")
