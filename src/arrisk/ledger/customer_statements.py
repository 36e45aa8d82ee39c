"""Statements that hand over what is known of some customers, in narrow rows; see `statements`.

They do not collapse: a panel of customers at many dates is about as large as the ledger, and few rows are
alike. So they are run for one range of customers after the other, by number (`first` to `last`, both
included). Missing days are `NEVER`.
"""

from __future__ import annotations

from arrisk.ledger.statements import KINDS, OWED

__all__ = [
    "NEVER",
    "balance_rows",
    "disputed_rows",
    "first_order",
    "known_customers",
    "known_movements",
    "order_rows",
    "spell_rows",
]

NEVER = 2**30


def known_customers() -> str:
    """One row a customer: number, identifier, first day on which anything was known of it; by number.

    Examples
    --------
    >>> known_customers()
    'SELECT customer, customer_id, first_day FROM customers ORDER BY customer'
    """
    return "SELECT customer, customer_id, first_day FROM customers ORDER BY customer"


def known_movements() -> str:
    """How many rows there will be, about.

    Examples
    --------
    >>> known_movements()
    'SELECT COUNT(*) AS movements FROM movements'
    """
    return "SELECT COUNT(*) AS movements FROM movements"


def first_order() -> str:
    """The day of the first order of all, missing when there is none.

    Examples
    --------
    >>> first_order()
    'SELECT MIN(order_day) AS day FROM orders'
    """
    return "SELECT MIN(order_day) AS day FROM orders"


def balance_rows(first: int, last: int) -> str:
    """Changes of balances: item (-1: none), customer, owed (1, else 0), day known, due_day, amount.

    Parameters
    ----------
    first, last : int
        Numbers of customers.

    Examples
    --------
    >>> balance_rows(0, 9).endswith("FROM movements WHERE customer BETWEEN 0 AND 9")
    True
    """
    owed = f"CASE WHEN side = {OWED} THEN 1 ELSE 0 END AS owed"
    columns = f"COALESCE(item, -1) AS item, customer, {owed}, day, {_day('due_day')}, amount"
    return f"SELECT {columns} FROM movements WHERE {_among(first, last)}"


def spell_rows(first: int, last: int) -> str:
    """Spells of items owed: item, customer, number, amount (the item's), cause (0: open), days.

    Examples
    --------
    >>> spell_rows(0, 9).endswith("FROM spells WHERE customer BETWEEN 0 AND 9 AND side = 0 AND amount > 0")
    True
    """
    later = ", ".join(_day(name) for name in ("due_day", "end_day", "end_event_day", "next_day"))
    cause = f"COALESCE(cause, {KINDS['invoice']}) AS cause"
    return (
        f"SELECT item, customer, number, amount, {cause}, issue_day, start_day, {later} FROM spells "
        f"WHERE {_among(first, last)} AND side = {OWED} AND amount > 0"
    )


def disputed_rows(first: int, last: int) -> str:
    """Changes of balances of items owed that were in dispute: customer, day, amount, opened, closed.

    Examples
    --------
    >>> disputed_rows(0, 9).endswith("WHERE i.customer BETWEEN 0 AND 9 AND i.dispute_opened IS NOT NULL")
    True
    """
    return (
        f"SELECT m.customer, m.day, m.amount, i.dispute_opened AS opened, "
        f"{_day('i.dispute_closed', 'closed')} FROM movements AS m JOIN items AS i ON m.item = i.item "
        f"AND i.side = {OWED} WHERE {_among(first, last, 'i.')} AND i.dispute_opened IS NOT NULL"
    )


def order_rows(first: int, last: int) -> str:
    """Orders: customer, day, cancelled (day), amount.

    Examples
    --------
    >>> order_rows(0, 9).endswith("AS cancelled, amount FROM orders WHERE customer BETWEEN 0 AND 9")
    True
    """
    cancelled = _day("cancelled_day", "cancelled")
    return f"SELECT customer, order_day AS day, {cancelled}, amount FROM orders WHERE {_among(first, last)}"


def _day(name: str, alias: str | None = None) -> str:
    return f"COALESCE({name}, {NEVER}) AS {alias or name}"


def _among(first: int, last: int, of: str = "") -> str:
    return f"{of}customer BETWEEN {int(first)} AND {int(last)}"
