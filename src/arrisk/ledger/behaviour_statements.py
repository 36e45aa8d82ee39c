"""Statements of what customers did, collapsed to a row a customer or handed over in steps; see `statements`.

Days of settlement are those of the events, not those on which they were recorded: a row is seen from the day
on which it was known, and counts on the day on which it happened.
"""

from __future__ import annotations

from arrisk.ledger.statements import CREDIT, KINDS, OWED

__all__ = [
    "balance_steps",
    "dispute_counts",
    "order_counts",
    "owed_items",
    "owed_spells",
    "payment_steps",
    "settlement_counts",
]


def settlement_counts(start: int) -> str:
    """One row a customer: part payments, payments taken back, credits and the last payment.

    Columns: customer, part_payments (days of payment of an item since `start` after which a part of it stayed
    open, or more followed), reversals, credited (minor units, by credit notes and by credit items),
    last_payment_day (of any time, missing when there is none).

    Parameters
    ----------
    start : int
        First day (day number) of what is counted.
    """
    since = f"event_day >= {int(start)}"
    payment, credit, invoice = KINDS["payment"], KINDS["credit_note"], KINDS["invoice"]
    paid = f"side = {OWED} AND kind = {payment} AND amount < 0"
    item_days = (
        "SELECT customer, item, event_day, "
        f"{_count(f'{paid} AND {since}')} AS payments, "
        f"{_count(f'side = {OWED} AND kind = {payment} AND amount > 0 AND {since}')} AS reversals, "
        f"CAST(SUM(CASE WHEN (side = {OWED} AND kind = {credit} OR side = {CREDIT} AND kind = {invoice}) "
        f"AND {since} THEN -amount ELSE 0 END) AS BIGINT) AS credited, "
        f"MAX(CASE WHEN kind = {payment} AND amount < 0 THEN event_day END) AS last_payment_day "
        "FROM movements GROUP BY customer, item, event_day"
    )
    ends = (
        "SELECT item, CAST(SUM(amount) AS BIGINT) AS open, "
        f"MAX(CASE WHEN kind <> {invoice} THEN event_day END) AS last_day "
        "FROM movements WHERE item IS NOT NULL GROUP BY item"
    )
    part = "d.payments > 0 AND (e.open <> 0 OR d.event_day < e.last_day)"
    return (
        f"SELECT d.customer, {_count(part)} AS part_payments, "
        "CAST(SUM(d.reversals) AS BIGINT) AS reversals, CAST(SUM(d.credited) AS BIGINT) AS credited, "
        "MAX(d.last_payment_day) AS last_payment_day "
        f"FROM ({item_days}) AS d LEFT JOIN ({ends}) AS e ON d.item = e.item GROUP BY d.customer"
    )


def dispute_counts(start: int) -> str:
    """One row a customer with a dispute: how many were opened since `start`, and the amounts disputed.

    Columns: customer, opened (items owed), disputed (minor units, of items issued since `start`).

    Examples
    --------
    >>> dispute_counts(10).endswith("AND amount > 0 AND dispute_opened IS NOT NULL GROUP BY customer")
    True
    """
    return (
        f"SELECT customer, {_count(f'dispute_opened >= {int(start)}')} AS opened, "
        f"CAST(SUM(CASE WHEN issue_day >= {int(start)} THEN amount ELSE 0 END) AS BIGINT) AS disputed "
        f"FROM items WHERE side = {OWED} AND amount > 0 AND dispute_opened IS NOT NULL GROUP BY customer"
    )


def order_counts(start: int, recent: int) -> str:
    """One row a customer with an order: how many were placed from `start` to before `recent`, and since.

    Columns: customer, earlier, lately.

    Examples
    --------
    >>> order_counts(10, 20).endswith("AS lately FROM orders GROUP BY customer")
    True
    """
    return (
        f"SELECT customer, {_count(f'order_day >= {int(start)} AND order_day < {int(recent)}')} AS earlier, "
        f"{_count(f'order_day >= {int(recent)}')} AS lately FROM orders GROUP BY customer"
    )


def owed_items() -> str:
    """One row an item owed: item, code (customer), issue, due, since (known), amount, disputed (opened).

    Examples
    --------
    >>> owed_items().endswith("FROM items WHERE side = 0 AND amount > 0")
    True
    """
    return (
        "SELECT item, customer AS code, issue_day AS issue, due_day AS due, since, amount, "
        f"dispute_opened AS disputed FROM items WHERE side = {OWED} AND amount > 0"
    )


def owed_spells() -> str:
    """One row a spell of an item owed: item, number, start, end (known), paid_on (event), cause, again.

    Examples
    --------
    >>> owed_spells().endswith("FROM spells WHERE side = 0 AND amount > 0")
    True
    """
    return (
        'SELECT item, number, start_day AS start, end_day AS "end", end_event_day AS paid_on, cause, '
        f"next_day AS again FROM spells WHERE side = {OWED} AND amount > 0"
    )


def balance_steps() -> str:
    """Changes of what is owed: code (customer), day (known), due, amount (minor units).

    Examples
    --------
    >>> balance_steps().endswith("FROM movements WHERE side = 0 GROUP BY customer, day, due_day")
    True
    """
    return (
        "SELECT customer AS code, day, due_day AS due, CAST(SUM(amount) AS BIGINT) AS amount "
        f"FROM movements WHERE side = {OWED} GROUP BY customer, day, due_day"
    )


def payment_steps() -> str:
    """Payments: code (customer), day on which they were known, paid_on (the latest of them).

    Examples
    --------
    >>> payment_steps().endswith("WHERE kind = 1 AND amount < 0 GROUP BY customer, day")
    True
    """
    return (
        "SELECT customer AS code, day, MAX(event_day) AS paid_on "
        f"FROM movements WHERE kind = {KINDS['payment']} AND amount < 0 GROUP BY customer, day"
    )


def _count(condition: str) -> str:
    return f"CAST(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS BIGINT)"
