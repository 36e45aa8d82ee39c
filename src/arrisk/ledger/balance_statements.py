"""Statements about what customers owe, day by day and month by month; see `statements`."""

from __future__ import annotations

from arrisk.ledger.statements import KINDS, OWED, UNAPPLIED

__all__ = ["customer_balances", "customer_days", "customer_groups", "owed_months"]


def _sum(condition: str, name: str, value: str = "amount") -> str:
    return f"CAST(SUM(CASE WHEN {condition} THEN {value} ELSE 0 END) AS BIGINT) AS {name}"


def customer_balances() -> str:
    """One row a customer: items owed, credit items and unapplied cash, each a signed sum.

    Examples
    --------
    >>> customer_balances().endswith("FROM movements GROUP BY customer")
    True
    """
    sums = [
        _sum(f"side = {OWED}", "owed"),
        _sum(f"side <> {OWED} AND side <> {UNAPPLIED}", "credits"),
        _sum(f"side = {UNAPPLIED}", "unapplied"),
    ]
    return f"SELECT customer, {', '.join(sums)} FROM movements GROUP BY customer"


def customer_days() -> str:
    """Changes of a balance collapsed to (customer, side, day known): what was invoiced, what was settled.

    Balances change by these rows alone, so they hold the balance of every customer on every day.

    Examples
    --------
    >>> customer_days().endswith("FROM movements GROUP BY customer, side, day")
    True
    """
    invoice = KINDS["invoice"]
    sums = [_sum(f"kind = {invoice}", "invoiced"), _sum(f"kind <> {invoice}", "settled")]
    return f"SELECT customer, side, day, {', '.join(sums)} FROM movements GROUP BY customer, side, day"


def customer_groups() -> str:
    """One row a customer: its identifier and the group it belongs to (missing: none).

    Examples
    --------
    >>> customer_groups()
    'SELECT customer, customer_id, group_id FROM customers'
    """
    return "SELECT customer, customer_id, group_id FROM customers"


def owed_months() -> str:
    """Items owed collapsed to (customer, month known, month the item was known): change, settled, lost.

    `settled` is what cash, discounts and credit notes took off, `lost` what write-offs did (both positive).
    What stood at a month end and how it went on is a sum of these cells: those of items known by then.

    Examples
    --------
    >>> owed_months().endswith("GROUP BY customer, month, item_month")
    True
    """
    lost = KINDS["write_off"]
    sums = [
        "CAST(SUM(amount) AS BIGINT) AS amount",
        _sum(f"kind <> {KINDS['invoice']} AND kind <> {lost}", "settled", "-amount"),
        _sum(f"kind = {lost}", "lost", "-amount"),
    ]
    inner = (
        "SELECT m.customer, m.month, s.month AS item_month, m.kind, m.amount FROM movements AS m "
        f"JOIN (SELECT item, month FROM movements WHERE kind = {KINDS['invoice']} AND side = {OWED}) AS s "
        "ON m.item = s.item"
    )
    keys = "customer, month, item_month"
    return f"SELECT {keys}, {', '.join(sums)} FROM ({inner}) AS cells GROUP BY {keys}"
