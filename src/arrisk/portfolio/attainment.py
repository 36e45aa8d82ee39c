"""Attainment: of the money that fell due in a period, how much was collected in time, by who sold it.

Facts alone; how sure a comparison of such rates is, says `arrisk.models.league`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import as_date, day_number
from arrisk.ledger.statements import ITEM_ATTRIBUTES, KINDS, OWED, cell_of
from arrisk.portfolio.ageing import check_attribute

__all__ = ["NOT_GIVEN", "Attainment", "make_attainment"]

NOT_GIVEN = "not given"
MONEY = ("fell_due", "collected_in_time")
PERIOD = pd.DateOffset(years=1)


@dataclass(frozen=True, slots=True, eq=False)
class Attainment:
    """Collection in time by unit: salesperson, department, segment, ...

    Attributes
    ----------
    table : DataFrame
        One row a unit, largest amount first: the unit (column named as `by`), customers, items, fell_due,
        collected_in_time (currency units), rate (fraction of what fell due), mix_rate (what the unit would
        show if every customer paid as those of its `mix` do on average), disputed_share (of what fell due).
    cells : DataFrame
        One row a unit and customer: unit, cluster (the customer), items, base (what fell due), part (of it
        collected in time), expected (at the rate of its mix), disputed; what a comparison of units needs.
    by, mix : str
        Attribute that names the units, and the one whose mix is taken into account.
    as_of, start, end : Timestamp
        Due dates after `start` up to `end` count.
    grace_days : int
    currency : str
    """

    table: pd.DataFrame
    cells: pd.DataFrame
    by: str
    mix: str
    as_of: pd.Timestamp
    start: pd.Timestamp
    end: pd.Timestamp
    grace_days: int
    currency: str

    first = "high"

    @property
    def measure(self) -> str:
        """What the rate says, in words."""
        return "collected in time"

    @property
    def names_units(self) -> bool:
        """Whether the ledger names any unit."""
        return bool((self.table[self.by] != NOT_GIVEN).any())

    def finding(self) -> str:
        """The rate of the whole period in one sentence, or that the ledger names no unit."""
        base, part = self.cells["base"].sum(), self.cells["part"].sum()
        if not base > 0:
            return f"Nothing fell due from {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}"
        whole = f"{part / base:.0%} of what fell due was collected within {self.grace_days} days"
        if not self.names_units:
            return f"The ledger names no {self.by}; in all, {whole}"
        rates = self.table.loc[self.table[self.by] != NOT_GIVEN, "rate"]
        return f"{whole}; by {self.by} from {rates.min():.0%} to {rates.max():.0%}"

    def to_table(self, name: str = "attainment") -> Table:
        """The table ready to be shown."""
        first = self.start + pd.Timedelta(days=1)
        note = (
            f"Amounts in {self.currency}. Items owed that fell due from {first:%Y-%m-%d} to "
            f"{self.end:%Y-%m-%d}, less credit notes and discounts granted; collected: payments dated up to "
            f"{self.grace_days} days after the due date. mix_rate: the same customers paying like the "
            f"average of their {self.mix}."
        )
        formats: dict[str, Format] = {
            **dict.fromkeys(MONEY, "money"),
            **dict.fromkeys(("rate", "mix_rate", "disputed_share"), "percent"),
        }
        return Table(name, self.finding(), self.table, note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_attainment(
    snapshot: Snapshot,
    by: str = "salesperson",
    start: str | dt.date | pd.Timestamp | None = None,
    end: str | dt.date | pd.Timestamp | None = None,
    grace_days: int = 3,
    mix: str = "segment",
) -> Attainment:
    """Share of the money that fell due in a period and was collected by the due date and some grace.

    Parameters
    ----------
    snapshot : Snapshot
    by : str
        An item's attribute (salesperson, department, currency) or a customer's.
    start, end : date, optional
        Due dates after `start` up to and including `end` count. By default the year up to the last day whose
        grace has run out on the snapshot's date.
    grace_days : int
        Days after the due date that still count as in time.
    mix : str
        Customer attribute whose mix is compared.

    Returns
    -------
    Attainment

    Raises
    ------
    LedgerError
        If an attribute is not there, the period is empty, or its grace has not run out.

    Notes
    -----
    What fell due is the amount of the item less credit notes and discounts, whenever granted: neither is
    money to be collected. Written-off money stays in what fell due. Items without a due date never fall due.

    Examples
    --------
    >>> import arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["c", "d"], "salesperson": "Ann",
    ...     "issue_date": ["2025-01-01"] * 2, "due_date": ["2025-01-31"] * 2, "amount": [60.0, 40.0]})
    >>> events = pd.DataFrame({"invoice_id": ["1"], "date": ["2025-02-02"], "kind": ["payment"],
    ...     "amount": [60.0]})
    >>> ledger = ar.read_ledger({"invoices": invoices, "events": events}, currency="EUR")
    >>> make_attainment(ledger.as_of("2025-02-28")).table["rate"].tolist()
    [0.6]
    """
    last = snapshot.date - pd.Timedelta(days=grace_days)
    end_day = last if end is None else as_date(end)
    start_day = end_day - PERIOD if start is None else as_date(start)
    if grace_days < 0 or end_day > last or start_day >= end_day:
        raise LedgerError(
            f"due dates after {start_day:%Y-%m-%d} up to {end_day:%Y-%m-%d} with {grace_days} days of grace: "
            f"on {snapshot.date:%Y-%m-%d} the last day whose grace has run out is {last:%Y-%m-%d}"
        )
    if by not in ITEM_ATTRIBUTES:
        check_attribute(snapshot, by)
    check_attribute(snapshot, mix)
    found = snapshot.query(_collected(by, day_number(start_day), day_number(end_day), grace_days))
    cells = _cells(snapshot, found, mix)
    table = _table(cells, by)
    return Attainment(table, cells, by, mix, snapshot.date, start_day, end_day, grace_days, snapshot.currency)


def _collected(by: str, start: int, end: int, grace: int) -> str:
    """By unit and customer: items that fell due, what was due of them, and what was paid in time."""
    granted = f"m.kind IN ({KINDS['discount']}, {KINDS['credit_note']})"
    paid = f"m.kind = {KINDS['payment']} AND m.event_day <= m.due_day + {int(grace)}"
    late_dispute = f"i.dispute_opened <= m.due_day + {int(grace)}"
    items = (
        f"SELECT {cell_of(by).select}c.customer_id, m.item, "
        f"MAX(CASE WHEN {late_dispute} THEN 1 ELSE 0 END) AS disputed, "
        f"SUM(CASE WHEN m.kind = {KINDS['invoice']} OR {granted} THEN m.amount ELSE 0 END) AS due, "
        f"SUM(CASE WHEN {paid} THEN -m.amount ELSE 0 END) AS paid "
        "FROM movements AS m JOIN items AS i ON m.item = i.item "
        "JOIN customers AS c ON m.customer = c.customer "
        f"WHERE m.side = {OWED} AND m.due_day > {int(start)} AND m.due_day <= {int(end)} "
        "GROUP BY 1, 2, 3"
    )
    capped = "CASE WHEN paid > due THEN due WHEN paid < 0 THEN 0 ELSE paid END"
    return (
        "SELECT cell, customer_id, CAST(COUNT(*) AS BIGINT) AS items, CAST(SUM(due) AS BIGINT) AS base, "
        f"CAST(SUM({capped}) AS BIGINT) AS part, "
        "CAST(SUM(CASE WHEN disputed = 1 THEN due ELSE 0 END) AS BIGINT) AS disputed "
        f"FROM ({items}) AS dues WHERE due > 0 GROUP BY cell, customer_id"
    )


def _cells(snapshot: Snapshot, found: pd.DataFrame, mix: str) -> pd.DataFrame:
    """Unit, customer and amounts in currency units, with what the customer's mix would have collected."""
    out = pd.DataFrame(
        {
            "unit": found["cell"].astype(object).where(found["cell"].notna(), NOT_GIVEN).astype(str),
            "cluster": found["customer_id"].astype(str),
            "items": found["items"].astype(np.int64),
        }
    )
    for column in ("base", "part", "disputed"):
        out[column] = found[column].to_numpy(dtype=np.int64) / snapshot.scale
    kind = out["cluster"].map(snapshot.customers.set_index("customer_id")[mix])
    kind = kind.where(kind.notna(), NOT_GIVEN).astype(str)
    sums = out.groupby(kind)[["part", "base"]].sum()
    out["expected"] = out["base"] * kind.map(sums["part"] / sums["base"]).to_numpy(dtype=float)
    return out.sort_values(["unit", "cluster"], ignore_index=True)


def _table(cells: pd.DataFrame, by: str) -> pd.DataFrame:
    """One row a unit, the largest first."""
    sums = cells.groupby("unit")[["items", "base", "part", "expected", "disputed"]].sum()
    sums.insert(0, "customers", cells.groupby("unit")["cluster"].nunique())
    out = pd.DataFrame(
        {
            by: sums.index.to_numpy(dtype=object),
            "customers": sums["customers"].to_numpy(),
            "items": sums["items"].to_numpy(),
            "fell_due": sums["base"].to_numpy(),
            "collected_in_time": sums["part"].to_numpy(),
            "rate": (sums["part"] / sums["base"]).to_numpy(),
            "mix_rate": (sums["expected"] / sums["base"]).to_numpy(),
            "disputed_share": (sums["disputed"] / sums["base"]).to_numpy(),
        }
    )
    return out.sort_values(["fell_due", by], ascending=[False, True], ignore_index=True)
