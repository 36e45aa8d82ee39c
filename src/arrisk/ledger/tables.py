"""The tables a ledger is made of: their columns, what each means, and the digits of money.

This is the one list of names; readers, checks, maps and the sample all follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["EVENT_KINDS", "SENTINEL_DATES", "TABLES", "Column", "ColumnKind", "currency_digits", "required"]

ColumnKind = Literal["text", "date", "money", "number", "int", "flag"]
EVENT_KINDS = ("payment", "discount", "credit_note", "write_off", "recovery")
SENTINEL_DATES = (
    "0001-01-01",
    "1753-01-01",
    "1899-12-30",
    "1900-01-01",
    "2099-12-31",
    "2999-12-31",
    "9999-12-31",
)

_NO_MINOR_UNIT = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF")
) | {"XOF", "XPF"}
_THREE_DIGITS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table: its kind, whether it must be there, and what it means."""

    kind: ColumnKind
    meaning: str
    required: bool = False


def _must(kind: ColumnKind, meaning: str) -> Column:
    return Column(kind, meaning, required=True)


TABLES: dict[str, dict[str, Column]] = {
    "invoices": {
        "invoice_id": _must("text", "number of the invoice, unique together with the instalment"),
        "customer_id": _must("text", "who owes it"),
        "issue_date": _must("date", "date of the invoice"),
        "amount": _must("money", "what is owed; negative for a credit"),
        "due_date": Column("date", "last day on which payment is in time"),
        "currency": Column("text", "ISO 4217 code of the amount"),
        "instalment": Column("int", "number of the part, when an invoice falls due in parts"),
        "recorded_date": Column("date", "when it was booked, if later than its date"),
        "salesperson": Column("text", "who sold"),
        "department": Column("text", "which department sold"),
        "order_id": Column("text", "the order it bills"),
        "discount_rate": Column("number", "cash discount offered, a fraction"),
        "discount_days": Column("int", "days from issue within which the discount may be taken"),
        "dispute_opened": Column("date", "when the customer disputed it"),
        "dispute_closed": Column("date", "when the dispute ended"),
    },
    "events": {
        "date": _must("date", "when it happened"),
        "kind": _must("text", "payment, discount, credit_note, write_off or recovery"),
        "amount": _must("money", "positive reduces what is owed; a negative payment is a reversal"),
        "invoice_id": Column("text", "the invoice it settles; missing is cash on account"),
        "customer_id": Column("text", "who paid; needed when the invoice is missing"),
        "event_id": Column("text", "number of the document"),
        "instalment": Column("int", "the part it settles; missing goes to the oldest part first"),
        "currency": Column("text", "ISO 4217 code of the amount"),
        "recorded_date": Column("date", "when it was booked, if later than its date"),
    },
    "customers": {
        "customer_id": _must("text", "the customer"),
        "name": Column("text", "its name"),
        "group_id": Column("text", "the group of companies it belongs to"),
        "segment": Column("text", "the segment used for rates"),
        "industry": Column("text", "its industry"),
        "region": Column("text", "its region"),
        "country": Column("text", "its country"),
        "since_date": Column("date", "customer since"),
        "security": Column("text", "kind of security held"),
    },
    "orders": {
        "order_id": _must("text", "the order"),
        "customer_id": _must("text", "who ordered"),
        "order_date": _must("date", "when"),
        "amount": _must("money", "value of the order"),
        "currency": Column("text", "ISO 4217 code of the amount"),
        "invoice_id": Column("text", "the invoice that billed it"),
        "invoiced_date": Column("date", "when it was billed"),
        "cancelled_date": Column("date", "when it was cancelled"),
        "deposit": Column("money", "paid in advance"),
    },
    "limits": {
        "customer_id": _must("text", "the customer"),
        "valid_from": _must("date", "first day of the limit"),
        "credit_limit": _must("money", "the limit; zero is a limit of zero, no row is no limit set"),
        "currency": Column("text", "ISO 4217 code of the limit"),
    },
    "signals": {
        "date": _must("date", "when it was so"),
        "signal": _must("text", "name of the signal: pmi, litigation, ..."),
        "value": _must("number", "its value"),
        "customer_id": Column("text", "the customer it concerns"),
        "industry": Column("text", "the industry it concerns"),
        "region": Column("text", "the region it concerns"),
        "recorded_date": Column("date", "when it became known, if later"),
    },
    "rates": {
        "date": _must("date", "first day of the rate"),
        "currency": _must("text", "ISO 4217 code"),
        "rate": _must("number", "units of the reporting currency for one unit of this currency"),
    },
}


def required(table: str) -> tuple[str, ...]:
    """Names of the columns that a canonical table must have.

    Examples
    --------
    >>> required("rates")
    ('date', 'currency', 'rate')
    """
    return tuple(name for name, column in TABLES[table].items() if column.required)


def currency_digits(code: str) -> int:
    """Digits of the minor unit of a currency (ISO 4217): 2 unless the standard says otherwise.

    Examples
    --------
    >>> currency_digits("EUR"), currency_digits("JPY"), currency_digits("KWD")
    (2, 0, 3)
    """
    code = code.upper()
    return 0 if code in _NO_MINOR_UNIT else 3 if code in _THREE_DIGITS else 2
