"""Statements that collapse what customers did into one row a customer; see `statements`.

Days of settlement are those of the events, not those on which they were recorded: a row is seen from the day
on which it was known, and counts on the day on which it happened.
"""

from __future__ import annotations

from arrisk.ledger.statements import CREDIT, KINDS, OWED

__all__ = ["dispute_counts", "order_counts", "settlement_counts"]


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


def _count(condition: str) -> str:
    return f"CAST(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS BIGINT)"
