"""How many customers moved between ordinary, watch and high risk since a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import as_date
from arrisk.portfolio.movements_since import month_before

__all__ = ["CLASSES", "ClassChanges", "customer_classes", "make_class_changes"]

CLASSES = ("ordinary", "watch", "high risk")
NEW = "new"
DAYS = (30, 60)


@dataclass(frozen=True, slots=True, eq=False)
class ClassChanges:
    """Customers by class then (rows) and now (columns), as counts.

    Attributes
    ----------
    table : DataFrame
        class_then ("new": not yet a customer), then one column a class now, and total.
    amounts : DataFrame
        class, customers, overdue (currency units): the classes now.
    since, as_of : Timestamp
    currency : str
    days : tuple of int
        A customer is on watch, or of high risk, when more than so many days overdue.
    least : float
        Overdue amounts below it do not count.
    """

    table: pd.DataFrame
    amounts: pd.DataFrame
    since: pd.Timestamp
    as_of: pd.Timestamp
    currency: str
    days: tuple[int, int]
    least: float

    @property
    def worse(self) -> int:
        """Customers that moved to a worse class; new ones that are not ordinary included."""
        cells = self.table[list(CLASSES)].to_numpy()
        return int(np.triu(cells[:3], 1).sum() + cells[3, 1:].sum())

    @property
    def better(self) -> int:
        """Customers that moved to a better class."""
        return int(np.tril(self.table[list(CLASSES)].to_numpy()[:3], -1).sum())

    def finding(self) -> str:
        """How many moved, in one sentence."""
        now = self.table[list(CLASSES)].sum()
        return (
            f"{self.worse} customers got worse and {self.better} better since {self.since:%Y-%m-%d}; "
            f"{now['watch']} are on watch, {now['high risk']} of high risk"
        )

    def to_table(self, name: str = "class_changes") -> Table:
        """The counts ready to be shown."""
        watch, high = self.days
        floor = f", {self.least:,.0f} {self.currency} or more" if self.least > 0 else ""
        note = (
            f"Customers known on {self.as_of:%Y-%m-%d}; rows: class on {self.since:%Y-%m-%d}, columns: class "
            f"now. Watch: something more than {watch} days overdue{floor}; high risk: more than {high} days."
        )
        return Table(name, self.finding(), self.table, note)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def customer_classes(snapshot: Snapshot, days: tuple[int, int] = DAYS, least: float = 0.0) -> pd.Series:
    """Class of each customer known, by customer_id.

    Parameters
    ----------
    snapshot : Snapshot
    days : tuple of int
        Watch when more than the first, high risk when more than the second number of days overdue.
    least : float
        Overdue amounts (currency units) below it do not count.

    Returns
    -------
    Series of str
        "ordinary", "watch" or "high risk".
    """
    if not 0 <= days[0] < days[1]:
        raise LedgerError(f"days={days}: give two increasing numbers of days, such as (30, 60)")
    items = snapshot.items
    owed = items[(items["open_amount"] > 0) & (items["amount"] > 0)]
    names = pd.Index(sorted(snapshot.customers["customer_id"]), name="customer_id")
    place = np.zeros(len(names), dtype=np.int64)
    floor = round(max(least, 0.0) * snapshot.scale)
    for level, limit in enumerate(days, start=1):
        late = owed[owed["days_overdue"] > limit]
        amount = late.groupby("customer_id")["open_amount"].sum().reindex(names, fill_value=0.0)
        minor = (amount * snapshot.scale).round()
        place[((minor >= floor) & (minor > 0)).to_numpy()] = level
    return pd.Series(np.array(CLASSES, dtype=object)[place], index=names, name="class")


def make_class_changes(
    snapshot: Snapshot,
    since: str | dt.date | pd.Timestamp | None = None,
    days: tuple[int, int] = DAYS,
    least: float = 0.0,
) -> ClassChanges:
    """Count the customers that changed class since a day.

    Parameters
    ----------
    snapshot : Snapshot
    since : date, optional
        A month before by default; before the ledger began every customer is new.
    days, least
        As in `customer_classes`.

    Returns
    -------
    ClassChanges

    Examples
    --------
    >>> import arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1"], "customer_id": ["c"],
    ...     "issue_date": ["2025-01-01"], "due_date": ["2025-01-31"], "amount": [60.0]})
    >>> ledger = ar.read_ledger({"invoices": invoices}, currency="EUR")
    >>> make_class_changes(ledger.as_of("2025-03-31"), days=(10, 40)).finding()
    '1 customers got worse and 0 better since 2025-02-28; 0 are on watch, 1 of high risk'
    """
    start = month_before(snapshot.date) if since is None else as_date(since)
    now = customer_classes(snapshot, days, least)
    then = pd.Series(NEW, index=now.index)
    if start >= snapshot.first_date:
        then = customer_classes(snapshot.as_of(start), days, least).reindex(now.index, fill_value=NEW)
    counts = pd.crosstab(then.to_numpy(), now.to_numpy())
    counts = counts.reindex(index=[*CLASSES, NEW], columns=list(CLASSES), fill_value=0)
    table = pd.DataFrame({"class_then": [*CLASSES, NEW], **{c: counts[c].to_numpy() for c in CLASSES}})
    table["total"] = table[list(CLASSES)].sum(axis=1)
    return ClassChanges(table, _amounts(snapshot, now), start, snapshot.date, snapshot.currency, days, least)


def _amounts(snapshot: Snapshot, now: pd.Series) -> pd.DataFrame:
    items = snapshot.items
    late = items[(items["open_amount"] > 0) & (items["amount"] > 0) & (items["days_overdue"] > 0)]
    overdue = late["open_amount"].groupby(late["customer_id"].map(now)).sum()
    counts = now.value_counts()
    return pd.DataFrame(
        {
            "class": list(CLASSES),
            "customers": [int(counts.get(c, 0)) for c in CLASSES],
            "overdue": [float(overdue.get(c, 0.0)) for c in CLASSES],
        }
    )
