"""Who collected most, who has most overdue, whose overdue rate is worst: by customer, seller, department."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money
from arrisk.errors import LedgerError, LookAheadError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import as_date, day_number
from arrisk.ledger.statements import ITEM_ATTRIBUTES, KINDS, cell_of
from arrisk.portfolio.ageing import check_attribute
from arrisk.portfolio.attainment import NOT_GIVEN
from arrisk.portfolio.movements_since import month_before

__all__ = ["Rankings", "make_rankings"]

Order = Literal["collected", "overdue", "overdue_rate"]
TITLES: dict[Order, str] = {
    "collected": "Most collected",
    "overdue": "Most overdue",
    "overdue_rate": "Worst overdue rate",
}
CUSTOMER = "customer_id"


@dataclass(frozen=True, slots=True, eq=False)
class Rankings:
    """Units (customers, salespersons, departments, ...) by cash and by what is overdue.

    Attributes
    ----------
    table : DataFrame
        The unit (column named as `by`), collected (cash received after `since`), owed, overdue (currency
        units), overdue_rate (of what is owed), items (owed), oldest_days (overdue, 0 when none); sorted by
        unit.
    cells : DataFrame
        unit, cluster (the item for customers, else the customer), base (owed), part (overdue): what
        `arrisk.models.league` compares.
    by : str
    since, as_of : Timestamp
    currency : str
    """

    table: pd.DataFrame
    cells: pd.DataFrame
    by: str
    since: pd.Timestamp
    as_of: pd.Timestamp
    currency: str

    first = "high"

    @property
    def measure(self) -> str:
        """What the rate says, in words; the highest is called first here."""
        return "overdue of what is owed"

    def top(self, order: Order, n: int = 10) -> pd.DataFrame:
        """The first n units that are named and have anything in that order."""
        if order not in TITLES:
            raise LedgerError(f"order {order!r}: allowed are {', '.join(TITLES)}")
        named = self.table[(self.table[self.by] != NOT_GIVEN) & (self.table[order] > 0)]
        return named.sort_values([order, self.by], ascending=[False, True]).head(n).reset_index(drop=True)

    def finding(self, order: Order, n: int = 10) -> str:
        """What share the first n hold, in one sentence."""
        what = self.by.removesuffix("_id").replace("_", " ")
        if (self.table[self.by] == NOT_GIVEN).all():
            return f"{TITLES[order]}: the ledger names no {what}"
        top = self.top(order, n)
        amount = "overdue" if order == "overdue_rate" else order
        held, total = top[amount].sum(), self.table[amount].sum()
        if not total > 0:
            return f"{TITLES[order]} by {what}: nothing"
        return (
            f"{TITLES[order]} by {what}: {len(top)} hold {held / total:.0%} of {money(total, self.currency)}"
        )

    def to_table(self, order: Order = "overdue", n: int = 10, name: str = "") -> Table:
        """The first n in an order, ready to be shown."""
        note = (
            f"Amounts in {self.currency}; collected: cash known after {self.since:%Y-%m-%d}; owed "
            f"and overdue on {self.as_of:%Y-%m-%d}, credits and unapplied cash left out."
        )
        if order == "overdue_rate":
            note += " Raw rates: where items are few they are chance."
        formats: dict[str, Format] = {
            **dict.fromkeys(("collected", "owed", "overdue"), "money"),
            "overdue_rate": "percent",
            "oldest_days": "integer",
        }
        sheet = name or f"top_{order}_{self.by}"[:31]
        return Table(sheet, self.finding(order, n), self.top(order, n), note, formats)

    def _repr_html_(self) -> str:
        tables = [self.to_table(order) for order in TITLES]
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def make_rankings(
    snapshot: Snapshot, by: str = CUSTOMER, since: str | dt.date | pd.Timestamp | None = None
) -> Rankings:
    """Cash received since a day and what is overdue today, by unit.

    Parameters
    ----------
    snapshot : Snapshot
    by : str
        An item's attribute (salesperson, department, currency) or a customer's; customer_id by default.
    since : date, optional
        Cash known after it counts; a month before by default.

    Returns
    -------
    Rankings

    Raises
    ------
    LedgerError
        If there is no such attribute.
    LookAheadError
        If the day is after the snapshot's date.

    Examples
    --------
    >>> import arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["c", "d"],
    ...     "issue_date": ["2025-01-10"] * 2, "due_date": ["2025-01-31"] * 2, "amount": [60.0, 40.0]})
    >>> ledger = ar.read_ledger({"invoices": invoices}, currency="EUR")
    >>> make_rankings(ledger.as_of("2025-02-28")).top("overdue")["customer_id"].tolist()
    ['c', 'd']
    """
    start = month_before(snapshot.date) if since is None else as_date(since)
    if start > snapshot.date:
        raise LookAheadError(f"cash since {start:%Y-%m-%d} is not known on {snapshot.date:%Y-%m-%d}")
    if by not in ITEM_ATTRIBUTES:
        check_attribute(snapshot, by)
    cash = snapshot.query(
        f"SELECT cell, CAST(SUM(amount) AS BIGINT) AS amount FROM (SELECT {cell_of(by).select}m.amount "
        f"FROM movements AS m{cell_of(by).join} WHERE m.kind = {KINDS['payment']} "
        f"AND m.day > {day_number(start)}) AS cash GROUP BY cell"
    )
    collected = pd.Series(
        -cash["amount"].to_numpy(dtype=np.int64) / snapshot.scale, index=_named(cash["cell"])
    )
    cells = _owed(snapshot, by)
    return Rankings(_table(cells, collected, by), cells, by, start, snapshot.date, snapshot.currency)


def _named(values: pd.Series) -> np.ndarray:
    return values.astype(object).where(values.notna(), NOT_GIVEN).astype(str).to_numpy(dtype=object)


def _owed(snapshot: Snapshot, by: str) -> pd.DataFrame:
    """Open items owed: unit, cluster, base, part, days overdue."""
    items = snapshot.items
    owed = items[(items["open_amount"] > 0) & (items["amount"] > 0)]
    of_customer = snapshot.customers.set_index(CUSTOMER, drop=False)
    unit = owed[by] if by in owed.columns else owed[CUSTOMER].map(of_customer[by])
    item = owed["invoice_id"] + "/" + owed["instalment"].astype(str)
    return pd.DataFrame(
        {
            "unit": _named(unit),
            "cluster": (item if by == CUSTOMER else owed[CUSTOMER]).to_numpy(dtype=object),
            "base": owed["open_amount"].to_numpy(),
            "part": owed["open_amount"].where(owed["days_overdue"] > 0, 0.0).to_numpy(),
            "days": owed["days_overdue"].clip(lower=0).fillna(0).to_numpy(),
        }
    ).pipe(_by_cluster)


def _by_cluster(owed: pd.DataFrame) -> pd.DataFrame:
    groups = owed.assign(items=1).groupby(["unit", "cluster"], as_index=False)
    return groups.agg({"base": "sum", "part": "sum", "days": "max", "items": "sum"})


def _table(cells: pd.DataFrame, collected: pd.Series, by: str) -> pd.DataFrame:
    groups = cells.groupby("unit").agg({"base": "sum", "part": "sum", "items": "sum", "days": "max"})
    names = pd.Index(sorted(set(groups.index) | set(collected.index)), dtype=object)
    groups = groups.reindex(names, fill_value=0)
    owed = groups["base"].to_numpy(dtype=float)
    part = groups["part"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            by: names.to_numpy(),
            "collected": collected.reindex(names, fill_value=0.0).to_numpy(dtype=float),
            "owed": owed,
            "overdue": part,
            "overdue_rate": np.divide(part, owed, out=np.zeros(len(owed)), where=owed > 0),
            "items": groups["items"].to_numpy(dtype=np.int64),
            "oldest_days": groups["days"].to_numpy(dtype=np.int64),
        }
    )
