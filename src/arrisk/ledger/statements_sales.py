"""Statements about what was sold and what of it stands open, by the day of sale; see `statements`."""

from __future__ import annotations

from arrisk.ledger.statements import KINDS, UNAPPLIED, cell_of

__all__ = ["receivable_cells", "sales_cells"]


def sales_cells(by: str | None = None) -> str:
    """Invoiced amounts collapsed to (attribute, day of invoice, month known).

    Credit items are negative sales; credit notes that settle an invoice are not taken off.

    Examples
    --------
    >>> sales_cells().startswith("SELECT issue_day, month, CAST(SUM(amount) AS BIGINT) AS amount FROM")
    True
    """
    cell = cell_of(by)
    keys = f"{cell.key}issue_day, month"
    inner = (
        f"SELECT {cell.select}m.issue_day, m.month, m.amount FROM movements AS m{cell.join} "
        f"WHERE m.kind = {KINDS['invoice']} AND m.side <> {UNAPPLIED}"
    )
    return f"SELECT {keys}, CAST(SUM(amount) AS BIGINT) AS amount FROM ({inner}) AS cells GROUP BY {keys}"


def receivable_cells(by: str | None = None) -> str:
    """Items collapsed to (attribute, side, day of invoice, due day): what was invoiced and what is open.

    Terms and lateness depend on these two days alone, so the cells hold every measure of either.

    Examples
    --------
    >>> "CAST(SUM(invoiced) AS BIGINT) AS invoiced" in receivable_cells("segment")
    True
    """
    cell = cell_of(by)
    keys = f"{cell.key}side, issue_day, due_day"
    inner = (
        f"SELECT {cell.select}m.side, m.issue_day, m.due_day, m.amount, "
        f"CASE WHEN m.kind = {KINDS['invoice']} THEN m.amount ELSE 0 END AS invoiced "
        f"FROM movements AS m{cell.join} WHERE m.side <> {UNAPPLIED}"
    )
    return (
        f"SELECT {keys}, CAST(SUM(invoiced) AS BIGINT) AS invoiced, CAST(SUM(amount) AS BIGINT) AS amount "
        f"FROM ({inner}) AS cells GROUP BY {keys}"
    )
