"""One key of an offer sheet: what it means, its unit, and which values make sense."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from arrisk.errors import OfferError, one_line
from arrisk.policy.assumptions import did_you_mean

__all__ = ["Field", "Kind", "read_value", "show_value"]

Kind = Literal["money", "rate", "share", "multiple", "number", "count", "days", "text", "choice", "words",
               "date", "flag", "amounts", "names"]  # fmt: skip
UNITS: Mapping[str, str] = {
    "money": "currency units",
    "rate": 'a fraction, 0.003 for 0.3%; or a text with its sign, "0.3%"',
    "share": 'a fraction, 0.9 for 90%; or a text with its sign, "90%"',
    "multiple": "a multiple",
    "number": "a number",
    "count": "a whole number",
    "days": "days",
    "text": "a text",
    "choice": "one of the words allowed",
    "words": "a list of the words allowed",
    "date": "a date, 2025-12-31",
    "flag": "true or false",
    "amounts": 'a table: "customer" = currency units',
    "names": 'a list of texts, ["C-00001", "C-00002"]',
}
LONGEST_TEXT = 200
WITH_SIGN = re.compile(r"\s*([0-9]+(?:[.][0-9]+)?)\s*([%\u2030])\s*")
PER = {"%": 100.0, "\u2030": 1000.0}


@dataclass(frozen=True, slots=True)
class Field:
    """What an offer sheet may say under one key.

    Parameters
    ----------
    key : str
        As in the file.
    kind : str
        See `UNITS`.
    meaning : str
        For the comment in a template.
    example : object
        Value in a template.
    given : bool
        Whether a template sets the key; else it shows it as a comment.
    required : bool
        Whether a sheet without it is refused.
    low, high : float
        What is possible, both included.
    usual : (float, float), optional
        What is usual; a value outside is asked about, unless the sheet lists the key under ``unusual``.
    choices : tuple of str
        The words allowed.
    """

    key: str
    kind: Kind
    meaning: str
    example: Any
    given: bool = True
    required: bool = False
    low: float = 0.0
    high: float = math.inf
    usual: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """What a value counts, in words."""
        return self.choices_text if self.choices else UNITS[self.kind]

    @property
    def choices_text(self) -> str:
        """The words allowed, as a sheet writes them."""
        return ", ".join(f'"{word}"' for word in self.choices)

    @property
    def allowed(self) -> str:
        """What is possible, in words."""
        if self.choices:
            return self.choices_text
        if self.kind in _READERS:
            return UNITS[self.kind]
        upper = "" if math.isinf(self.high) else f" and at most {show_value(self, self.high)}"
        return f"{UNITS[self.kind]}, at least {show_value(self, self.low)}{upper}"


def read_value(field: Field, value: Any, unusual: bool = False) -> Any:
    """Check one value of a sheet and return it: numbers as float or int, dates, clean text.

    Parameters
    ----------
    field : Field
    value : object
        As TOML gives it.
    unusual : bool
        Whether the sheet says that a value outside the usual range is meant.

    Raises
    ------
    OfferError
        With the key, what was seen and what is allowed.

    Examples
    --------
    >>> rate = Field("premium_rate", "rate", "premium", 0.003, high=1.0, usual=(0.0001, 0.03))
    >>> read_value(rate, "0.3%")
    0.003
    >>> read_value(rate, 0.3)
    Traceback (most recent call last):
    arrisk.errors.OfferError: premium_rate = 0.3 means 30%, and usual are 0.01% to 3%; for 0.3% write 0.003 \
or "0.3%"; if it is meant, add unusual = ["premium_rate"] to [offer]
    """
    if field.kind in _READERS:
        return _READERS[field.kind](field, value)
    number = _number(field, value)
    if not field.low <= number <= field.high:
        raise _wrong(field, value)
    if field.usual and number and not unusual and not field.usual[0] <= number <= field.usual[1]:
        raise OfferError(_question(field, value, number))
    return int(number) if field.kind == "count" else number


def show_value(field: Field, number: float) -> str:
    """A number of a field, for people.

    Examples
    --------
    >>> show_value(Field("insured_share", "share", "", 0.9), 0.9)
    '90%'
    """
    if field.kind in ("rate", "share"):
        return f"{100 * number:.4g}%"
    return f"{number:,.0f}" if field.kind == "money" else f"{number:g}"


def _wrong(field: Field, value: Any) -> OfferError:
    hint = _unit_hint(field, value)
    return OfferError(f"{field.key} = {_seen(value)}: allowed is {field.allowed}{hint}")


def _seen(value: Any) -> str:
    text = one_line(repr(value))
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


def _number(field: Field, value: Any) -> float:
    signed = (
        WITH_SIGN.fullmatch(value) if isinstance(value, str) and field.kind in ("rate", "share") else None
    )
    if signed:
        return float(f"{float(signed[1]) / PER[signed[2]]:.12g}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(field, value)
    if field.kind == "count" and value != int(value):
        raise _wrong(field, value)
    return float(value)


def _unit_hint(field: Field, value: Any) -> str:
    """A number above 1 where a fraction is asked for is most often a percentage."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if field.kind in ("rate", "share") and is_number and 1 < value <= 100:
        return f'; for {value:g}% write {value / 100:g} or "{value:g}%"'
    return ""


def _question(field: Field, value: Any, number: float) -> str:
    low, high = field.usual or (field.low, field.high)
    said = f"{field.key} = {_seen(value)}"
    usual = f"usual are {show_value(field, low)} to {show_value(field, high)}"
    add = f'if it is meant, add unusual = ["{field.key}"] to [offer]'
    if field.kind not in ("rate", "share"):
        return f"{said}: {usual}; {add}"
    hint = ""
    if number > high and low <= number / 100 <= high and not isinstance(value, str):
        hint = f'; for {number:g}% write {number / 100:g} or "{number:g}%"'
    return f"{said} means {show_value(field, number)}, and {usual}{hint}; {add}"


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str) or not one_line(value):
        raise _wrong(field, value)
    clean = one_line(value)
    if len(clean) > LONGEST_TEXT:
        raise OfferError(f"{field.key} has {len(clean)} characters: allowed are {LONGEST_TEXT}")
    return clean


def _choice(field: Field, value: Any) -> str:
    if value not in field.choices:
        hint = did_you_mean(value, field.choices) if isinstance(value, str) else ""
        raise OfferError(f"{field.key} = {_seen(value)}{hint}: allowed are {field.choices_text}")
    return str(value)


def _words(field: Field, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise OfferError(f"{field.key} = {_seen(value)}: expected a list of {field.choices_text}")
    if len({repr(v) for v in value}) != len(value):
        raise OfferError(f"{field.key} = {_seen(value)}: each word once")
    return tuple(_choice(field, word) for word in value)


def _names(field: Field, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise _wrong(field, value)
    return tuple(value)


def _flag(field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(field, value)
    return value


def _date(field: Field, value: Any) -> dt.date:
    try:
        day = value if isinstance(value, dt.date) else dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _wrong(field, value) from None
    return dt.date(day.year, day.month, day.day)


def _amounts(field: Field, value: Any) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise _wrong(field, value)
    amount = Field(field.key, "money", field.meaning, 0.0)
    found = {}
    for name, given in value.items():
        try:
            found[str(name)] = float(read_value(amount, given))
        except OfferError:
            told = f"{field.key}: {one_line(str(name))[:LONGEST_TEXT]} = {_seen(given)}"
            raise OfferError(f"{told}: allowed is {amount.allowed}") from None
    return found


_READERS: Mapping[str, Callable[[Field, Any], Any]] = {
    "text": _text,
    "choice": _choice,
    "words": _words,
    "names": _names,
    "flag": _flag,
    "date": _date,
    "amounts": _amounts,
}
