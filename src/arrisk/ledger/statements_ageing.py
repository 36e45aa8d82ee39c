"""Statements of what stands open on the day asked, by clock day; see `statements` for all month ends."""

from __future__ import annotations

from typing import Literal

from arrisk.ledger.statements import cell_of

__all__ = ["customer_cells", "open_cells"]

Clock = Literal["due", "issue"]
DAYS = {"due": "due_day", "issue": "issue_day"}


def open_cells(clock: Clock, by: str | None = None) -> str:
    """The open balance collapsed to (attribute, side, clock day): the ageing of one day with any edges.

    Examples
    --------
    >>> open_cells("due").endswith("FROM movements AS m) AS cells GROUP BY side, clock_day")
    True
    """
    cell = cell_of(by)
    keys = f"{cell.key}side, clock_day"
    inner = (
        f"SELECT {cell.select}m.side, m.{DAYS[clock]} AS clock_day, m.amount FROM movements AS m{cell.join}"
    )
    return f"SELECT {keys}, CAST(SUM(amount) AS BIGINT) AS amount FROM ({inner}) AS cells GROUP BY {keys}"


def customer_cells(clock: Clock, by: str | None = None) -> str:
    """Movements collapsed to (customer, attribute, side, clock day, month known).

    For what depends on all that a customer owes: its oldest item, or credits set against it. There are about
    as many cells as items, so ask for them only then.

    Examples
    --------
    >>> customer_cells("issue").endswith("GROUP BY customer, side, clock_day, month")
    True
    """
    cell = cell_of(by)
    keys = f"customer, {cell.key}side, clock_day, month"
    inner = (
        f"SELECT m.customer, {cell.select}m.side, m.{DAYS[clock]} AS clock_day, m.month, m.amount "
        f"FROM movements AS m{cell.join}"
    )
    return f"SELECT {keys}, CAST(SUM(amount) AS BIGINT) AS amount FROM ({inner}) AS cells GROUP BY {keys}"
