"""Names, texts and numbers of a user as parts of a statement: each stays what it is, whatever it holds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import sqlglot.expressions as exp

from arrisk.errors import LedgerError

__all__ = ["sql_name", "sql_number", "sql_table", "sql_text"]


def sql_name(name: str) -> str:
    """A column's name, quoted.

    Examples
    --------
    >>> print(sql_name('days "late"; DROP'))
    "days ""late""; DROP"
    """
    return str(exp.column(_plain(name), quoted=True).sql("duckdb"))


def sql_table(name: str | Sequence[str]) -> str:
    """A table's name, or its parts (schema, table), each quoted.

    Examples
    --------
    >>> print(sql_table(["lake", "my features"]))
    "lake"."my features"
    """
    parts = [name] if isinstance(name, str) else list(name)
    return ".".join(exp.to_identifier(_plain(part), quoted=True).sql("duckdb") for part in parts)


def sql_text(value: str) -> str:
    """A text, quoted.

    Examples
    --------
    >>> print(sql_text("O'Brien"))
    'O''Brien'
    """
    return str(exp.Literal.string(_plain(value)).sql("duckdb"))


def sql_number(value: float) -> str:
    """A number as a literal that an engine reads as the very same double, and not as a decimal.

    Raises
    ------
    LedgerError
        If it is none.

    Examples
    --------
    >>> sql_number(0.1), sql_number(-999), sql_number(float("inf"))
    ('0.1e0', '-999.0e0', "CAST('inf' AS DOUBLE)")
    """
    number = float(value)
    if math.isnan(number):
        raise LedgerError("what is not a number has no literal in SQL")
    if math.isinf(number):
        return f"CAST('{number}' AS DOUBLE)"
    text = repr(number)
    return text if "e" in text else f"{text}e0"


def _plain(text: str) -> str:
    if "\x00" in text:
        raise LedgerError(f"{text!r}: engines take no NUL in a text")
    return text
