"""The few statements that collapse a ledger into small exact tables.

They read these relations, of which they see what was known on one day (`arrisk.ledger.relations`):

- `movements`: signed changes of the open balance in whole minor units. item (missing: unapplied cash),
  customer, side, kind, event_day, day (known), month (of day), due_day, issue_day, amount, since (when the
  item became known).
- `spells`: when items stood open; see `arrisk.ledger.spells`.
- `items`: item, customer, side, issue_day, due_day, since, amount, currency, salesperson, department,
  dispute_opened, dispute_closed.
- `customers`: customer, customer_id, first_day (on which anything was known), and their attributes.
- `orders`: customer, order_day, amount, cancelled_day.

They keep to SQL that DuckDB and Spark share: sums are cast, days are whole numbers, no dates, no division, no
functions of an engine's own.

Sides of a movement: 0 an item owed, 1 a credit item (negative invoice), 2 unapplied cash.
Kinds: 0 invoice, 1 payment, 2 discount, 3 credit note, 4 write-off.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import sqlglot.expressions as exp

__all__ = [
    "CREDIT",
    "ITEM_ATTRIBUTES",
    "KINDS",
    "OWED",
    "UNAPPLIED",
    "Cell",
    "ageing_cells",
    "cell_of",
    "item_states",
    "unapplied_cash",
    "written_off",
]

OWED, CREDIT, UNAPPLIED = 0, 1, 2
KINDS = {"invoice": 0, "payment": 1, "discount": 2, "credit_note": 3, "write_off": 4}
ITEM_ATTRIBUTES = ("salesperson", "department", "currency")


class Cell(NamedTuple):
    """How a statement groups by an attribute: what it selects as `cell`, its key, and what it must join.

    All three are empty when there is nothing to group by.
    """

    select: str
    key: str
    join: str


def cell_of(by: str | None, relation: str = "m", customers: tuple[int, int] | None = None) -> Cell:
    """Group a relation by an attribute of the item (`ITEM_ATTRIBUTES`) or of the customer.

    Parameters
    ----------
    by : str or None
        Name of the attribute.
    relation : str
        Alias of a relation with the columns `customer` and `item`. Where no item is, as with unapplied
        cash, an attribute of items is missing.
    customers : tuple of int, optional
        Only customers numbered from the first up to before the second, with an attribute of customers.

    Examples
    --------
    >>> cell = cell_of("department", "s")
    >>> f"SELECT {cell.select}s.amount FROM spells AS s{cell.join}"
    'SELECT "i"."department" AS cell, s.amount FROM spells AS s LEFT JOIN items AS i ON s.item = i.item'
    """
    if by is None:
        return Cell("", "", "")
    if by in ITEM_ATTRIBUTES:
        alias, join = "i", f" LEFT JOIN items AS i ON {relation}.item = i.item"
    else:
        alias, join = "c", f" JOIN customers AS c ON {relation}.customer = c.customer"
        if customers is not None:
            join += f" AND c.customer >= {customers[0]} AND c.customer < {customers[1]}"
    name = exp.column(by, table=alias, quoted=True).sql("duckdb")
    return Cell(f"{name} AS cell, ", "cell, ", join)


def item_states() -> str:
    """One row an item: what is open, how the rest was settled, and the date of the last settlement."""
    settled = ", ".join(
        f"CAST(SUM(CASE WHEN kind = {KINDS[kind]} THEN -amount ELSE 0 END) AS BIGINT) AS {kind}"
        for kind in ("payment", "discount", "credit_note", "write_off")
    )
    return (
        f"SELECT item, CAST(SUM(amount) AS BIGINT) AS open, {settled}, "
        "MAX(CASE WHEN kind <> 0 THEN event_day END) AS last_event_day "
        "FROM movements WHERE side <> 2 GROUP BY item"
    )


def written_off() -> str:
    """What was written off of items, by customer: customer_id, amount (minor units)."""
    return (
        "SELECT c.customer_id, CAST(-SUM(m.amount) AS BIGINT) AS amount FROM movements AS m "
        f"JOIN customers AS c ON m.customer = c.customer WHERE m.side <> 2 AND m.kind = {KINDS['write_off']} "
        "GROUP BY c.customer_id"
    )


def unapplied_cash() -> str:
    """One row a customer with cash not applied to any item; positive is owed to the customer."""
    return (
        "SELECT c.customer_id, CAST(-SUM(m.amount) AS BIGINT) AS amount FROM movements AS m "
        f"JOIN customers AS c ON m.customer = c.customer WHERE m.side = {UNAPPLIED} "
        "GROUP BY c.customer_id HAVING SUM(m.amount) <> 0"
    )


def ageing_cells(clock: Literal["due", "issue"], by: str | None = None) -> str:
    """Movements collapsed to (attribute, side, clock day, month known): exact for all month ends and edges.

    The bucket of an item on a day depends only on its due (or issue) day, and the open balance is a sum of
    movements, so these cells hold every ageing of the ledger.
    """
    day = {"due": "due_day", "issue": "issue_day"}[clock]
    cell = cell_of(by)
    keys = f"{cell.key}side, clock_day, month"
    inner = (
        f"SELECT {cell.select}m.side, m.{day} AS clock_day, m.month, m.amount FROM movements AS m{cell.join}"
    )
    return f"SELECT {keys}, CAST(SUM(amount) AS BIGINT) AS amount FROM ({inner}) AS cells GROUP BY {keys}"
