"""What a ledger says about a discount: sales, days to payment without an offer, losses, offers and takers.

Everything is held as amounts by customer (and day), so that a reweighting of customers, one matrix product,
gives any bootstrap replicate of every statistic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.policy.discount.book import Book, BookKind, book_rows, make_book
from arrisk.policy.discount.timing import CREDITED, DEFAULTED, HORIZON, OPEN, PAID, Timing, make_timing

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = [
    "AS_OFFERED",
    "Cell",
    "DiscountHistory",
    "Offer",
    "find_offer",
    "make_discount_history",
    "offer_frame",
]

AS_OFFERED = "as offered"
INSOLVENCY = "insolvency"
LEAST_INVOICES, LEAST_CUSTOMERS = 30, 5
MOST = 0.5
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """One segment above one amount threshold.

    Parameters
    ----------
    segment : str
    threshold : float or "as offered"
        Smallest invoice amount, or the invoices that the running scheme covered.
    sales : float
        Amount of the book, currency units: invoiced in the last 365 days, or open.
    paid : sparse matrix, customers x (HORIZON + 1)
        Amounts paid without an offer by days since issue; later payments count on the last day.
    lost, billed : arrays, customers
        Amounts lost of, and billed on, the invoices that `paid` was read from.
    borrowed : str
        Empty, or whose payments stand in because the cell has too few of its own.
    """

    segment: str
    threshold: float | str
    sales: float
    paid: sparse.csr_matrix
    lost: Floats
    billed: Floats
    borrowed: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """The running scheme: rate (fraction), days, and its part of all offered amounts."""

    rate: float
    days: int
    share: float


@dataclass(frozen=True, slots=True)
class DiscountHistory:
    """Evidence for a discount simulation; make one with `make_discount_history`.

    Parameters
    ----------
    as_of : Timestamp
    currency : str
    segments : tuple of str
    thresholds : tuple of float
    cells : tuple of Cell
        Every segment x threshold, then every segment "as offered" when there is an offer.
    customers : int
        Rows of every matrix in the cells.
    offered, taken : arrays, segments x customers
        Amounts of offered invoices whose window has closed, and of those of them that took the discount.
    active : tuple of int
        Customers of each segment with an invoice in the last 365 days.
    offer : Offer or None
        The commonest offer.
    book : Book
        What schemes are valued on.
    timing : Timing
        When its invoices are paid without an offer, and which default when.
    """

    as_of: pd.Timestamp
    currency: str
    segments: tuple[str, ...]
    thresholds: tuple[float, ...]
    cells: tuple[Cell, ...]
    customers: int
    offered: Floats
    taken: Floats
    active: tuple[int, ...]
    offer: Offer | None
    book: Book
    timing: Timing

    def was_offered(self, segment: int) -> bool:
        """Whether enough customers of a segment were offered a discount to learn their take-up."""
        return int((self.offered[segment] > 0).sum()) >= LEAST_CUSTOMERS

    def has_evidence(self, segment: int) -> bool:
        """Whether their take-up also speaks for the segment: most of its customers were offered one.

        Offers to a chosen few tell of those few.
        """
        asked = int((self.offered[segment] > 0).sum())
        return self.was_offered(segment) and asked >= MOST * self.active[segment]


def offer_frame(snapshot: Snapshot) -> pd.DataFrame:
    """Positive items with segment, days to close, and what they were offered and took.

    Columns: customer_id, segment, issue_date, amount (net of credit notes), offered, taken (flags), rate,
    days, discount_amount, duration (days from issue to close; NaN while open), close_kind, open_amount,
    lost (written off less recovered), days_overdue.

    Raises
    ------
    ModelError
        If the snapshot holds no invoice.
    """
    items = snapshot.items
    items = items[items["amount"] > 0]
    if items.empty:
        raise ModelError("the snapshot holds no invoice with a positive amount")
    segment = _segments(items["customer_id"], snapshot.customers)
    rate = pd.to_numeric(items["discount_rate"]).astype(float).fillna(0.0)
    frame = pd.DataFrame(
        {
            "invoice_id": items["invoice_id"],
            "instalment": items["instalment"],
            "customer_id": items["customer_id"],
            "segment": segment,
            "issue_date": items["issue_date"],
            "amount": items["amount"] - items["credited_amount"],
            "offered": rate > 0,
            "taken": items["discount_amount"] > 0,
            "rate": rate,
            "days": pd.to_numeric(items["discount_days"]).astype(float),
            "discount_amount": items["discount_amount"],
            "duration": (items["closed_date"] - items["issue_date"]).dt.days.astype(float),
            "close_kind": items["close_kind"],
            "open_amount": items["open_amount"],
            "lost": items["written_off_amount"] - items["recovered_amount"],
            "days_overdue": items["days_overdue"],
        }
    )
    return frame.reset_index(drop=True)


def _segments(customer: pd.Series, customers: pd.DataFrame) -> pd.Series:
    """Segment of each item; "all" is kept for the whole book, so customers without one get a name apart."""
    segment = customer.map(customers.set_index("customer_id")["segment"]).fillna("all").astype(str)
    return segment if (segment == "all").all() else segment.where(segment != "all", "no segment")


def find_offer(frame: pd.DataFrame) -> Offer | None:
    """The commonest (rate, days) by offered amount, or None when nothing was offered."""
    offered = frame[frame["offered"] & frame["days"].notna()]
    if offered.empty:
        return None
    totals = offered.groupby(["rate", "days"], as_index=False)["amount"].sum()
    top = totals.loc[totals["amount"].idxmax()]
    return Offer(float(top["rate"]), int(top["days"]), float(top["amount"] / totals["amount"].sum()))


def make_discount_history(
    snapshot: Snapshot,
    *,
    thresholds: Sequence[float] = (0.0,),
    mature_days: int = 180,
    default_days: int = 90,
    lgd: float = 0.6,
    book: BookKind = "sales",
) -> DiscountHistory:
    """Read a snapshot's evidence for a discount.

    Timing comes from invoices that were *not* offered a discount, open ones censored at the as-of date; see
    `arrisk.policy.discount.timing`. A customer's own days come from those old enough (`mature_days`) for
    nearly all to be closed. A cell with fewer than 30 such payments or 5 such customers borrows those of its
    segment, else of the whole book, and says so. An invoice defaults on the day of its customer's first
    signal of insolvency while it is open, else when it is written off or open for `default_days` after its
    due date.

    Parameters
    ----------
    snapshot : Snapshot
    thresholds : sequence of float
        Smallest invoice amounts that schemes consider, currency units.
    mature_days : int
        Age from which an invoice tells of the base behaviour.
    default_days : int
        Open invoices overdue for longer are losses in the making.
    lgd : float
        Fraction of these that will be lost; what was written off counts with its actual recoveries.
    book : {"sales", "open"}
        The sales of the last 365 days, or what is open now; see `arrisk.policy.discount.book.Book`.

    Raises
    ------
    ModelError
        If fewer than 30 mature invoices were paid without an offer.
    """
    thresholds = sorted(set(map(float, thresholds)))
    frame = offer_frame(snapshot)
    codes, customers = pd.factorize(frame["customer_id"], sort=True)
    frame["code"] = codes
    frame = _mark_ends(frame, snapshot, default_days, lgd)
    segments = tuple(sorted(frame["segment"].unique()))
    offer = find_offer(frame)
    base = frame[_is_base(frame, snapshot.date, mature_days)]
    pooled = _Base(base, len(customers), "")
    if not pooled.is_enough:
        raise ModelError(
            f"needed are {LEAST_INVOICES} invoices of {LEAST_CUSTOMERS} customers, over {mature_days} days "
            f"old and paid without a discount offer; there are {len(pooled.payments)} of {pooled.payers}"
        )
    recent = book_rows(frame, snapshot.date, book)
    edges: list[float | str] = [*thresholds, *([AS_OFFERED] if offer and book == "sales" else [])]
    cells = [
        _make_cell(segment, edge, recent, base, pooled, len(customers))
        for edge in edges
        for segment in segments
    ]
    sold = book_rows(frame, snapshot.date, "sales")
    buyers = sold.groupby("segment")["customer_id"].nunique()
    active = tuple(int(buyers.get(s, 0)) for s in segments)
    where = np.zeros(len(customers), dtype=np.int64)
    where[codes] = pd.Categorical(frame["segment"], categories=list(segments)).codes
    edge = np.asarray(thresholds, dtype=float)
    offered, taken = _evidence(frame, segments, len(customers), snapshot.date)
    return DiscountHistory(
        snapshot.date, snapshot.currency, segments, tuple(thresholds), tuple(cells),
        len(customers), offered, taken, active, offer,
        make_book(recent, snapshot.date, book, edge, where),
        _read_timing(frame, base, segments, len(customers)),
    )  # fmt: skip


def _mark_ends(frame: pd.DataFrame, snapshot: Snapshot, default_days: int, lgd: float) -> pd.DataFrame:
    """Add how every invoice ended (kind), on which day of its life (day), and count losses in the making."""
    frame = frame.copy()
    age = (snapshot.date - frame["issue_date"]).dt.days.astype(float)
    failed = (_failures(snapshot, frame["customer_id"]) - frame["issue_date"]).dt.days
    still = frame["open_amount"] > 0
    overdue = still & ((frame["days_overdue"] > default_days) | failed.notna())
    frame["lost"] = frame["lost"] + lgd * frame["open_amount"].where(overdue, 0.0)
    names = {"paid": PAID, "credited": CREDITED, "written_off": DEFAULTED}
    kind = frame["close_kind"].map(names).fillna(OPEN).where(~still, OPEN)
    day = frame["duration"].where(frame["duration"].notna() & ~still, age)
    day = day.where(~overdue, age - (frame["days_overdue"] - default_days).fillna(0.0).clip(lower=0.0))
    bad = overdue | (kind == DEFAULTED)
    frame["day"] = day.where(~bad, np.fmin(day, failed)).clip(lower=0.0)
    frame["kind"] = kind.where(~overdue, DEFAULTED).astype(np.int64)
    return frame


def _failures(snapshot: Snapshot, customer: pd.Series) -> pd.Series:
    """Day of the first signal of insolvency of each invoice's customer; missing when there is none."""
    signals = snapshot.signals
    first = signals[signals["signal"] == INSOLVENCY].groupby("customer_id")["date"].min()
    return pd.to_datetime(customer.map(first))


def _read_timing(
    frame: pd.DataFrame, base: pd.DataFrame, segments: tuple[str, ...], customers: int
) -> Timing:
    """Evidence of each segment, of the whole book where it has too little of its own."""
    rows = frame[~frame["offered"] & ~frame["taken"] & (frame["amount"] > 0)]
    own = rows.index.isin(base.index) & (rows["kind"] == PAID)
    sources = []
    for segment in segments:
        enough = _Base(base[base["segment"] == segment], customers, "").is_enough
        mine = (rows["segment"] == segment).to_numpy()
        sources.append(mine if enough else np.ones(len(rows), dtype=bool))
    columns = ["code", "kind", "day", "amount", "lost"]
    return make_timing(rows[columns].assign(own=own), sources, customers)


def _is_base(frame: pd.DataFrame, date: pd.Timestamp, mature_days: int) -> pd.Series:
    mature = frame["issue_date"] <= date - pd.Timedelta(days=mature_days)
    return mature & ~frame["offered"] & ~frame["taken"] & (frame["amount"] > 0)


class _Base:
    """Invoices without an offer, collapsed to amounts by customer and day."""

    def __init__(self, rows: pd.DataFrame, customers: int, borrowed: str) -> None:
        self.rows, self.customers, self.borrowed = rows, customers, borrowed
        self.payments = rows[(rows["close_kind"] == "paid") & rows["duration"].notna()]
        self.payers = int(self.payments["code"].nunique())

    @property
    def is_enough(self) -> bool:
        return len(self.payments) >= LEAST_INVOICES and self.payers >= LEAST_CUSTOMERS

    def cell(self, segment: str, threshold: float | str, sales: float) -> Cell:
        day = self.payments["duration"].clip(0, HORIZON).to_numpy().astype(np.int64)
        code, amount = self.payments["code"].to_numpy(), self.payments["amount"].to_numpy(dtype=float)
        paid = sparse.coo_matrix((amount, (code, day)), shape=(self.customers, HORIZON + 1)).tocsr()
        lost = _by_customer(self.rows, "lost", self.customers)
        billed = _by_customer(self.rows, "amount", self.customers)
        return Cell(segment, threshold, sales, paid, lost, billed, self.borrowed)


def _make_cell(
    segment: str,
    threshold: float | str,
    recent: pd.DataFrame,
    base: pd.DataFrame,
    pooled: _Base,
    customers: int,
) -> Cell:
    mine = recent[recent["segment"] == segment]
    own = base[base["segment"] == segment]
    if isinstance(threshold, str):
        sales, near = float(mine.loc[mine["offered"], "amount"].sum()), own
    else:
        sales = float(mine.loc[mine["amount"] >= threshold, "amount"].sum())
        near = own[own["amount"] >= threshold]
    tries = (_Base(near, customers, ""), _Base(own, customers, f"all of {segment}"))
    chosen = next((b for b in tries if b.is_enough), None)
    if chosen is None:
        chosen = _Base(pooled.rows, customers, "the whole book")
    return chosen.cell(segment, threshold, sales)


def _evidence(
    frame: pd.DataFrame, segments: tuple[str, ...], customers: int, date: pd.Timestamp
) -> tuple[Floats, Floats]:
    """Offered and taken amounts, segments x customers, of offers that can no longer be taken."""
    window = pd.to_timedelta(frame["days"].fillna(0), unit="D")
    over = frame["offered"] & ((frame["close_kind"] != "open") | (frame["issue_date"] + window < date))
    rows = frame[over & frame["close_kind"].ne("credited")]
    grid = np.zeros((2, len(segments), customers))
    where = (pd.Categorical(rows["segment"], categories=list(segments)).codes, rows["code"].to_numpy())
    np.add.at(grid[0], where, rows["amount"].to_numpy(dtype=float))
    np.add.at(grid[1], where, rows["amount"].where(rows["taken"], 0.0).to_numpy(dtype=float))
    return grid[0], grid[1]


def _by_customer(rows: pd.DataFrame, column: str, customers: int) -> Floats:
    totals = np.bincount(rows["code"], weights=rows[column].to_numpy(dtype=float), minlength=customers)
    return np.asarray(totals, dtype=float)
