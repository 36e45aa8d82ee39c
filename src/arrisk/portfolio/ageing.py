"""Ageing of the open balance: by bucket of days overdue, as of one date.

Every ageing sums to the open balance exactly: what is not due, what has no due date, credits and unapplied
cash
have columns of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money, stamp
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import month_index
from arrisk.ledger.statements import CREDIT, ITEM_ATTRIBUTES, UNAPPLIED, ageing_cells

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Ageing", "bucket_names", "make_ageing"]

Clock = Literal["due", "issue"]
Credits = Literal["own_column", "oldest_first", "netted"]
NOT_DUE, NO_DATE, CREDITS, UNAPPLIED_CASH = "not due", "no due date", "credits", "unapplied cash"


def bucket_names(edges: Sequence[int], clock: Clock = "due") -> list[str]:
    """Names of the age buckets between edges in days; an edge belongs to the bucket below it.

    Parameters
    ----------
    edges : sequence of int
        Last day of each bucket, increasing: (30, 60, 90) gives 1-30, 31-60, 61-90, over 90.
    clock : {"due", "issue"}
        Days since the due date (day 0 is not overdue), or since the invoice date (day 0 counts).

    Raises
    ------
    LedgerError
        If the edges are not increasing positive whole numbers.

    Examples
    --------
    >>> bucket_names((30, 60))
    ['1-30', '31-60', 'over 60']
    """
    whole = [int(e) for e in edges]
    if (
        not whole
        or whole != sorted(set(whole))
        or whole[0] < 1
        or any(e != w for e, w in zip(edges, whole, strict=True))
    ):
        raise LedgerError(f"edges {tuple(edges)}: give increasing whole days, such as (30, 60, 90)")
    if clock not in ("due", "issue"):
        raise LedgerError(f"clock {clock!r}: allowed are 'due' and 'issue'")
    starts = [1 if clock == "due" else 0, *[e + 1 for e in whole]]
    return [f"{a}-{b}" for a, b in zip(starts, whole, strict=False)] + [f"over {whole[-1]}"]


def column_names(edges: Sequence[int], clock: Clock) -> list[str]:
    """All columns of an ageing, in order: not due, the buckets, no due date, credits, unapplied cash."""
    first = [NOT_DUE] if clock == "due" else []
    last = [NO_DATE] if clock == "due" else []
    return [*first, *bucket_names(edges, clock), *last, CREDITS, UNAPPLIED_CASH]


def _place(
    side: np.ndarray, age: np.ndarray, missing: np.ndarray, edges: Sequence[int], clock: Clock
) -> np.ndarray:
    """Column position of each cell: where its age falls, or its own column."""
    columns = column_names(edges, clock)
    if clock == "due":
        inside = np.where(age <= 0, 0, 1 + np.searchsorted(np.asarray(edges), age, side="left"))
        inside = np.where(missing, columns.index(NO_DATE), inside)
    else:
        inside = np.searchsorted(np.asarray(edges), age, side="left")
    inside = np.where(side == CREDIT, columns.index(CREDITS), inside)
    return np.where(side == UNAPPLIED, columns.index(UNAPPLIED_CASH), inside)


@dataclass(frozen=True, slots=True, eq=False)
class Ageing:
    """The open balance by age on one date.

    Attributes
    ----------
    table : DataFrame
        bucket, amount (currency units), share of what is owed (buckets only), and with `by` one row an
        attribute value and bucket.
    as_of : Timestamp
    currency : str
    clock, edges, credits
        The conventions used.
    total : float
        The open balance; the amounts sum to it exactly.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    clock: Clock
    edges: tuple[int, ...]
    credits: Credits
    total: float
    by: str | None = None

    @property
    def conventions(self) -> str:
        """The conventions in words."""
        start = (
            "days since the due date, day 0 is not overdue"
            if self.clock == "due"
            else "days since the invoice date"
        )
        shown = {
            "own_column": "credits and unapplied cash in columns of their own",
            "oldest_first": "credits and unapplied cash set against the oldest items of the customer",
            "netted": "credits and unapplied cash netted in the customer's buckets by their own age",
        }[self.credits]
        return f"Amounts in {self.currency}; {start}, both ends of a bucket included; {shown}."

    def to_table(self, name: str = "ageing") -> Table:
        """The ageing ready to be shown; with `by`, one row an attribute value and one column a bucket."""
        if self.by is None:
            title, frame = "Open balance by age", self.table
        else:
            title = f"Open balance by age and {self.by}"
            frame = self.table.pivot(index=self.by, columns="bucket", values="amount")
            frame = frame[self.table["bucket"].unique()].reset_index().rename_axis(columns=None)
        amounts = [c for c in frame.columns if c not in ("bucket", "share", self.by)]
        formats: dict[str, Format] = {**dict.fromkeys(amounts, "money"), "share": "percent"}
        return Table(name, title, frame, self.conventions, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Bars of the open balance by age, in thousands."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        amounts = self.table.groupby("bucket", sort=False)["amount"].sum() / 1000
        late = amounts.index.str.match(r"\d|over")
        if self.clock == "issue":
            late[:] = False
        ax.bar(amounts.index, amounts, color=np.where(late, "#D55E00", "#0072B2"))
        owed = amounts.drop([CREDITS, UNAPPLIED_CASH], errors="ignore").sum()
        overdue = amounts[late].sum()
        share = f"{overdue / owed:.0%} of what is owed is overdue" if owed > 0 else "Nothing is owed"
        ax.set_title(f"{share}: {money(overdue, self.currency)} thousand")
        ax.set_ylabel(f"open, thousand {self.currency}")
        ax.yaxis.set_major_formatter("{x:,.0f}")
        ax.set_xlabel("days overdue" if self.clock == "due" else "days since the invoice date")
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_ageing(
    snapshot: Snapshot,
    edges: Sequence[int] = (30, 60, 90),
    clock: Clock = "due",
    by: str | None = None,
    credits: Credits = "own_column",
) -> Ageing:
    """Age the open balance as of the snapshot's date.

    Parameters
    ----------
    snapshot : Snapshot
    edges : sequence of int
        See `bucket_names`.
    clock : {"due", "issue"}
        Count days from the due date or from the invoice date.
    by : str, optional
        An attribute of customers (segment, industry, region, ...) or items (salesperson, department,
        currency) to split by; of unapplied cash no item's attribute is given.
    credits : {"own_column", "oldest_first", "netted"}
        Credits and unapplied cash: in columns of their own; set against the customer's oldest items; or
        credits at
        their own age among the items, with unapplied cash still apart.

    Returns
    -------
    Ageing

    Raises
    ------
    LedgerError
        If edges, clock, credits or attribute are not usable.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["c", "c"],
    ...     "issue_date": ["2025-01-01"] * 2, "due_date": ["2025-01-31", None], "amount": [5.0, 7.0]})
    >>> ageing = make_ageing(ar.read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-02-10"))
    >>> ageing.table.set_index("bucket")["amount"][["1-30", "no due date"]].tolist(), ageing.total
    ([5.0, 7.0], 12.0)
    """
    columns = column_names(edges, clock)
    if credits == "oldest_first":
        cells = _against_oldest(snapshot, clock, by)
    elif credits in ("own_column", "netted"):
        cells = snapshot.query(ageing_cells(clock, check_attribute(snapshot, by)))
    else:
        raise LedgerError(f"credits {credits!r}: allowed are 'own_column', 'oldest_first' and 'netted'")
    if credits == "netted":
        cells = cells.assign(side=cells["side"].where(cells["side"] != CREDIT, 0))
    wide = spread_cells(cells, np.array([snapshot.day]), columns, edges, clock)
    values = sorted(wide) or [""]
    parts = []
    for value in values:
        minor = wide.get(value, np.zeros((1, len(columns)), dtype=np.int64))[0]
        parts.append(_bucket_rows(value if by else None, columns, minor, snapshot.scale, by))
    table = pd.concat(parts, ignore_index=True)
    return Ageing(
        table, snapshot.date, snapshot.currency, clock, tuple(edges), credits, snapshot.open_balance, by
    )


def check_attribute(snapshot: Snapshot, by: str | None) -> str | None:
    """Pass an attribute through, or refuse one that is not there."""
    return snapshot.attribute(by)


def _bucket_rows(
    value: str | None, columns: list[str], minor: np.ndarray, scale: int, by: str | None
) -> pd.DataFrame:
    owed = minor[: len(columns) - 2].sum()
    share = [
        m / owed if owed and c not in (CREDITS, UNAPPLIED_CASH) else np.nan
        for c, m in zip(columns, minor, strict=True)
    ]
    rows = pd.DataFrame({"bucket": columns, "amount": minor / scale, "share": share})
    if by:
        rows.insert(0, by, value)
    return rows


def spread_cells(
    cells: pd.DataFrame, days: np.ndarray, columns: list[str], edges: Sequence[int], clock: Clock
) -> dict[str, np.ndarray]:
    """Amounts (int64 minor units) by attribute value: an array of (days, columns).

    `days` increase and all but the last are month ends; a movement counts from the first day at or after the
    month
    in which it was known.
    """
    out: dict[str, np.ndarray] = {}
    names = (
        cells["cell"].astype(object).where(cells["cell"].notna(), "not given")
        if "cell" in cells
        else pd.Series("", cells.index)
    )
    clock_day = cells["clock_day"].to_numpy(dtype=np.int64, na_value=0)
    missing = cells["clock_day"].isna().to_numpy()
    side = cells["side"].to_numpy(dtype=np.int64)
    amount = cells["amount"].to_numpy(dtype=np.int64)
    month = cells["month"].to_numpy(dtype=np.int64)
    months = month_index(days)
    groups, labels = pd.factorize(names)
    shape = (len(labels), len(columns))
    totals = np.zeros((len(days), *shape), dtype=np.int64)
    for k, (day, last) in enumerate(zip(days, months, strict=True)):
        seen = month <= last
        place = _place(side[seen], day - clock_day[seen], missing[seen], edges, clock)
        np.add.at(totals[k], (groups[seen], place), amount[seen])
    for g, label in enumerate(labels):
        out[str(label)] = totals[:, g, :]
    return out


def _against_oldest(snapshot: Snapshot, clock: Clock, by: str | None) -> pd.DataFrame:
    """Cells after setting each customer's credits and unapplied cash against its oldest items."""
    scale = snapshot.scale
    items = snapshot.open_items
    dated = {"due": "due_date", "issue": "issue_date"}[clock]
    owed = items[items["open_amount"] > 0].sort_values(
        ["customer_id", dated, "invoice_id", "instalment"], na_position="last"
    )
    minor = (owed["open_amount"] * scale).round().astype("int64")
    credit = pd.concat(
        [
            -items[items["open_amount"] < 0].groupby("customer_id")["open_amount"].sum(),
            snapshot.unapplied.set_index("customer_id")["amount"],
        ]
    )
    credit = (credit.groupby(level=0).sum() * scale).round().astype("int64")
    pool = owed["customer_id"].map(credit.clip(lower=0)).fillna(0).astype("int64")
    running = minor.groupby(owed["customer_id"]).cumsum()
    left = (running - pool).clip(lower=0).clip(upper=minor)
    used = minor.groupby(owed["customer_id"]).sum()
    spare = (
        (credit - used.reindex(credit.index).fillna(0).astype("int64"))
        .clip(lower=0)
        .where(credit >= 0, credit)
    )
    day = (pd.to_datetime(owed[dated]) - pd.Timestamp("1970-01-01")).dt.days.astype("Int64")
    first = pd.DataFrame({"customer_id": owed["customer_id"], "side": 0, "clock_day": day, "amount": left})
    second = pd.DataFrame(
        {"customer_id": spare.index, "side": UNAPPLIED, "clock_day": pd.NA, "amount": -spare.to_numpy()}
    )
    cells = pd.concat([first, second.astype({"clock_day": "Int64"})], ignore_index=True)
    cells["month"] = int(month_index([snapshot.day])[0])
    if by in ITEM_ATTRIBUTES:
        cells["cell"] = owed[by].reset_index(drop=True).reindex(cells.index)
    elif by is not None:
        cells["cell"] = cells["customer_id"].map(
            snapshot.customers.set_index("customer_id")[check_attribute(snapshot, by)]
        )
    return cells
