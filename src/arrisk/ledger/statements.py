"""The few statements that collapse a ledger into small exact tables.

All read two relations: `movements` (signed changes of the open balance, in whole minor units, with the day
each was known) and `customers`. They keep to SQL that DuckDB and Spark share: sums are cast, days are whole
numbers, no dates, no division, no functions of an engine's own.

Sides of a movement: 0 an item owed, 1 a credit item (negative invoice), 2 unapplied cash.
Kinds: 0 invoice, 1 payment, 2 discount, 3 credit note, 4 write-off.
"""

from __future__ import annotations

from typing import Literal

import sqlglot.expressions as exp

__all__ = ["CREDIT", "KINDS", "OWED", "UNAPPLIED", "ageing_cells", "item_states", "known"]

OWED, CREDIT, UNAPPLIED = 0, 1, 2
KINDS = {"invoice": 0, "payment": 1, "discount": 2, "credit_note": 3, "write_off": 4}


def known(as_of: int, statement: str, movements: str, customers: str) -> str:
    """Let a statement see only the movements known on a day (a day number).

    Parameters
    ----------
    as_of : int
    statement : str
        Reads the relations `movements` and `customers`.
    movements, customers : str
        Names under which the engine knows the ledger's.

    Examples
    --------
    >>> known(10, "SELECT 1", "m7", "c7")
    'WITH movements AS (SELECT * FROM m7 WHERE day <= 10), customers AS (SELECT * FROM c7) SELECT 1'
    """
    return (
        f"WITH movements AS (SELECT * FROM {movements} WHERE day <= {int(as_of)}), "
        f"customers AS (SELECT * FROM {customers}) {statement}"
    )


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


def ageing_cells(clock: Literal["due", "issue"], by: str | None = None) -> str:
    """Movements collapsed to (attribute, side, clock day, month known): exact for all month ends and edges.

    The bucket of an item on a day depends only on its due (or issue) day, and the open balance is a sum of
    movements, so these cells hold every ageing of the ledger.
    """
    day = {"due": "due_day", "issue": "issue_day"}[clock]
    if by is None:
        group, source = "", "movements AS m"
    else:
        name = exp.column(by, table="c", quoted=True).sql("duckdb")
        group, source = f"{name} AS cell, ", "movements AS m JOIN customers AS c ON m.customer = c.customer"
    keys = f"{'cell, ' if by else ''}side, clock_day, month"
    inner = f"SELECT {group}m.side, m.{day} AS clock_day, m.month, m.amount FROM {source}"
    return f"SELECT {keys}, CAST(SUM(amount) AS BIGINT) AS amount FROM ({inner}) AS cells GROUP BY {keys}"
