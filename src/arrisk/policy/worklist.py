"""Whom to talk about this week: customers by the cash at stake, for as many rows as people can work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money, stamp
from arrisk.errors import ModelError
from arrisk.ledger.book import Snapshot
from arrisk.models.timing.payment_timing import PaymentTiming, fit_timing
from arrisk.policy.study_file import Queue

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NOBODY", "Worklist", "candidates", "due_curves", "make_worklist"]

NOBODY = "nobody"
KEYS = ["invoice_id", "instalment"]
ITEM_COLUMNS = [
    "customer_id",
    "invoice_id",
    "instalment",
    "due_date",
    "days_overdue",
    "open_amount",
    "p_unpaid",
]
ITEM_COLUMNS += ["at_stake", "disputed", "owner", "salesperson"]
CREDIT_SHARE = 0.05
BLUE, GREY = "#0072B2", "#BFBFBF"


@dataclass(frozen=True, slots=True, eq=False)
class Worklist:
    """The customers with the most cash at stake, a row each.

    Attributes
    ----------
    table : DataFrame
        rank, customer_id, name, amount (overdue or due within `ahead` days, currency units), items,
        oldest_days (overdue; negative is days to the due date), p_unpaid (probability that a unit of the
        amount is not paid within `days`), at_stake (amount x p_unpaid, item by item), cumulative (share of
        the cash at stake held down to here), owner (of the oldest item, by the queues), salesperson (with
        the most at stake), reason.
    items : DataFrame
        The items behind the rows, in their order, one row an item.
    as_of : Timestamp
    currency : str
    capacity, days, ahead : int
    curve : array of shape (customers,)
        Share of all cash at stake held by the first customers, for everybody with anything overdue or due
        within `ahead` days.
    at_stake, amount, open_amount : float
        Of all these: cash at stake and amount; and what is owed on the whole book.
    why : str
        Why there is no list, when no payment curve could be fitted.
    """

    table: pd.DataFrame
    items: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    capacity: int
    days: int
    ahead: int
    at_stake: float
    amount: float
    open_amount: float
    curve: np.ndarray
    why: str = ""

    @property
    def candidates(self) -> int:
        """Customers with anything overdue or due within `ahead` days."""
        return len(self.curve)

    @property
    def listed(self) -> float:
        """Cash at stake on the list."""
        return float(self.table["at_stake"].sum())

    @property
    def covered(self) -> float:
        """Share of all cash at stake that the list holds; missing when nothing is at stake."""
        return self.listed / self.at_stake if self.at_stake > 0 else float("nan")

    def finding(self) -> str:
        """What the list holds, in one sentence."""
        if self.why:
            return f"No list can be made: {self.why}"
        if self.table.empty:
            return f"Nothing is overdue or due within {self.ahead} days"
        return (
            f"{len(self.table)} of {self.candidates} customers hold {self.covered:.0%} of the "
            f"{money(self.at_stake, self.currency)} at stake"
        )

    @property
    def conventions(self) -> str:
        """How the rows were made, in words."""
        share = self.table["amount"].sum() / self.open_amount if self.open_amount > 0 else 0.0
        return (
            f"Amounts in {self.currency}. Items owed that are overdue or due within {self.ahead} days; at "
            f"stake: open amount times the probability that it is not paid within {self.days} days, by days "
            "from due, as others paid before. It ranks by risk, not by what a call would change. Credits "
            f"and unapplied cash are left out. The rows hold {share:.0%} of the whole open book."
        )

    def to_table(self, name: str = "worklist") -> Table:
        """The list ready to be shown and worked."""
        formats: dict[str, Format] = {
            **dict.fromkeys(("amount", "at_stake"), "money"),
            "cumulative": "percent",
        }
        shown = self.table.drop(columns=["items", "oldest_days", "p_unpaid"])
        return Table(name, self.finding(), shown, self.conventions, formats)

    def items_table(self, name: str = "worklist_items") -> Table:
        """The items behind the list, for the meeting that goes through them one by one."""
        formats: dict[str, Format] = {
            **dict.fromkeys(("open_amount", "at_stake"), "money"),
            "p_unpaid": "percent",
            "days_overdue": "integer",
            "due_date": "date",
        }
        title = f"{len(self.items)} items of the customers on the list"
        return Table(
            name, title, self.items, f"Amounts in {self.currency}; customers in the list's order.", formats
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of the cash at stake held by the first customers, up to the length of the list."""
        import matplotlib.pyplot as plt
        from matplotlib.ticker import MaxNLocator

        ax = plt.gca() if ax is None else ax
        ax.set_title(self.finding())
        ax.set(xlabel="customers, most at stake first", ylabel="share of cash at stake")
        ax.yaxis.set_major_formatter("{x:.0%}")
        ax.set_ylim(0, 1.02)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        shares = np.concatenate([[0.0], self.curve])
        ranks, on = np.arange(len(shares)), len(self.table) + 1
        ax.plot(ranks, shares, color=GREY, label="not on the list")
        ax.plot(ranks[:on], shares[:on], color=BLUE, marker="o", label="on the list")
        ax.legend(loc="lower right")
        return stamp(ax, self.as_of, f"not paid within {self.days} days")

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def due_curves(snapshot: Snapshot) -> PaymentTiming:
    """Payment curves by days from due, for all customers together.

    Raises
    ------
    ModelError
        If too few items have a due date.
    """
    return fit_timing(snapshot, clock="due")


def candidates(snapshot: Snapshot, timing: PaymentTiming, days: int = 30, ahead: int = 7) -> pd.DataFrame:
    """Open items that are overdue or soon due, with what is at stake of each.

    Parameters
    ----------
    snapshot : Snapshot
    timing : PaymentTiming
        Payment curves that know no later day than the snapshot.
    days : int
        How far ahead "not paid" looks.
    ahead : int
        Items due within so many days count.

    Returns
    -------
    DataFrame
        invoice_id, instalment, customer_id, due_date, days_overdue, open_amount, p_unpaid, at_stake,
        disputed, salesperson; items without a due date are left out.
    """
    if days < 1 or ahead < 0:
        raise ModelError(f"days={days}, ahead={ahead}: at least one day to wait, none or more to look ahead")
    items = timing.open_items(snapshot)
    items = items[(items["days_overdue"] >= -ahead) & (items["open_amount"] > 0)].reset_index(drop=True)
    items["p_unpaid"] = np.clip(1.0 - timing.paths(items, days).sum(axis=1), 0.0, 1.0)
    items["at_stake"] = items["open_amount"] * items["p_unpaid"]
    facts = snapshot.items[[*KEYS, "disputed", "salesperson"]]
    items = items.drop(columns="salesperson", errors="ignore").merge(facts, on=KEYS, how="left")
    columns = [*KEYS, "customer_id", "due_date", "days_overdue", "open_amount", "p_unpaid", "at_stake"]
    return items[[*columns, "disputed", "salesperson"]]


def make_worklist(
    snapshot: Snapshot,
    queues: Sequence[Queue] = (),
    capacity: int = 15,
    days: int = 30,
    ahead: int = 7,
    timing: PaymentTiming | None = None,
) -> Worklist:
    """Rank customers by the cash at stake and keep as many as can be worked in a week.

    Parameters
    ----------
    snapshot : Snapshot
    queues : sequence of Queue
        Owners by days overdue; an item not yet due belongs to the owner of the first day overdue.
    capacity : int
        Rows of the list: the customers that can be worked in a week.
    days, ahead : int
        See `candidates`.
    timing : PaymentTiming, optional
        Payment curves; by default fitted on the snapshot by days from due, for all customers together.

    Returns
    -------
    Worklist
        Empty, with the reason, where the ledger holds too few due dates for a curve.

    Raises
    ------
    ModelError
        If an argument is not allowed.

    Notes
    -----
    The ranking is by risk: it does not know whom a call would move. That needs the effect of a call, which
    only a trial shows.
    """
    if capacity < 1:
        raise ModelError(f"capacity={capacity}: a list has at least one row")
    try:
        curves = due_curves(snapshot) if timing is None else timing
    except ModelError as error:
        return _no_list(snapshot, capacity, days, ahead, str(error))
    items = candidates(snapshot, curves, days, ahead)
    items["owner"] = _owners(items["days_overdue"].to_numpy(dtype=float), queues)
    everyone = _rows(items)
    total = float(items["at_stake"].sum())
    everyone.insert(7, "cumulative", everyone["at_stake"].cumsum() / total if total > 0 else np.nan)
    table = everyone.head(capacity).copy()
    facts = snapshot.customers.set_index("customer_id")["name"]
    table.insert(2, "name", table["customer_id"].map(facts).fillna("").astype(str))
    table["reason"] = _reasons(table, items, _credits(snapshot), ahead)
    order = {c: n for n, c in enumerate(table["customer_id"])}
    behind = items[items["customer_id"].isin(list(order))]
    behind = behind.assign(place=behind["customer_id"].map(order)).sort_values(
        ["place", "at_stake", *KEYS], ascending=[True, False, True, True]
    )
    return Worklist(
        table,
        behind[ITEM_COLUMNS].reset_index(drop=True),
        snapshot.date,
        snapshot.currency,
        capacity,
        days,
        ahead,
        total,
        float(items["open_amount"].sum()),
        _owed(snapshot),
        everyone["cumulative"].to_numpy(dtype=float),
    )


def _no_list(snapshot: Snapshot, capacity: int, days: int, ahead: int, why: str) -> Worklist:
    columns = ["rank", "customer_id", "name", "amount", "items", "oldest_days", "p_unpaid", "at_stake"]
    table = pd.DataFrame(columns=[*columns, "cumulative", "owner", "salesperson", "reason"])
    return Worklist(
        table.astype({"amount": float, "at_stake": float}),
        pd.DataFrame(columns=ITEM_COLUMNS),
        snapshot.date,
        snapshot.currency,
        capacity,
        days,
        ahead,
        0.0,
        0.0,
        _owed(snapshot),
        np.zeros(0),
        why,
    )


def _owed(snapshot: Snapshot) -> float:
    """All that is owed, credits left out."""
    items = snapshot.items
    return float(items.loc[(items["amount"] > 0) & (items["open_amount"] > 0), "open_amount"].sum())


def _rows(items: pd.DataFrame) -> pd.DataFrame:
    """One row a customer, most at stake first."""
    groups = items.groupby("customer_id")
    sums = pd.DataFrame(
        {
            "amount": groups["open_amount"].sum(),
            "items": groups.size(),
            "oldest_days": groups["days_overdue"].max(),
            "at_stake": groups["at_stake"].sum(),
        }
    )
    sums = sums.reset_index().sort_values(["at_stake", "customer_id"], ascending=[False, True])
    top = items.sort_values(["at_stake", *KEYS], ascending=[False, True, True])
    seller = top.dropna(subset=["salesperson"]).drop_duplicates("customer_id").set_index("customer_id")
    oldest = items.sort_values(["days_overdue", *KEYS], ascending=[False, True, True])
    owner = oldest.drop_duplicates("customer_id").set_index("customer_id")["owner"]
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(sums) + 1),
            "customer_id": sums["customer_id"].to_numpy(dtype=object),
            "amount": sums["amount"].to_numpy(dtype=float),
            "items": sums["items"].to_numpy(dtype=np.int64),
            "oldest_days": sums["oldest_days"].to_numpy(dtype=np.int64),
            "p_unpaid": (sums["at_stake"] / sums["amount"]).to_numpy(dtype=float),
            "at_stake": sums["at_stake"].to_numpy(dtype=float),
            "owner": sums["customer_id"].map(owner).to_numpy(dtype=object),
            "salesperson": sums["customer_id"].map(seller["salesperson"]).fillna("").to_numpy(dtype=object),
        }
    )


def _owners(days_overdue: np.ndarray, queues: Sequence[Queue]) -> np.ndarray:
    """Owner of each item by its days overdue, at least one; later queues win where two overlap."""
    days = np.maximum(days_overdue, 1)
    owners = np.full(len(days), NOBODY, dtype=object)
    for queue in queues:
        last = np.inf if queue.to_day is None else queue.to_day
        owners[(days >= queue.from_day) & (days <= last)] = queue.name
    return owners


def _credits(snapshot: Snapshot) -> pd.Series:
    """Open credits and unapplied cash by customer, positive when owed to it."""
    items = snapshot.items
    notes = items[(items["amount"] < 0) & (items["open_amount"] != 0)]
    held = (-notes["open_amount"]).groupby(notes["customer_id"]).sum()
    return held.add(snapshot.unapplied.set_index("customer_id")["amount"], fill_value=0.0)


def _reasons(table: pd.DataFrame, items: pd.DataFrame, credits: pd.Series, ahead: int) -> list[str]:
    """Why each customer is on the list, in a few words."""
    groups = dict(list(items[items["customer_id"].isin(table["customer_id"])].groupby("customer_id")))
    return [
        _reason(groups[customer], amount, float(credits.get(customer, 0.0)), ahead)
        for customer, amount in zip(table["customer_id"], table["amount"], strict=True)
    ]


def _reason(items: pd.DataFrame, amount: float, credit: float, ahead: int) -> str:
    late = items[items["days_overdue"] > 0]
    soon = len(items) - len(late)
    parts = []
    if len(late):
        oldest = late["days_overdue"].max()
        age = f"{oldest:.0f} day{'s' if oldest > 1 else ''}"
        parts.append(f"{age} overdue" if len(late) == 1 else f"{len(late)} items overdue, the oldest {age}")
    if soon:
        parts.append(f"{soon} due within {ahead} days")
    disputed = float(items.loc[items["disputed"].astype(bool), "open_amount"].sum())
    if disputed > 0:
        parts.append(f"{disputed / amount:.0%} in dispute")
    if credit > CREDIT_SHARE * amount:
        parts.append(f"{credit:,.0f} of credits and unapplied cash to clear")
    return "; ".join(parts)
