"""Which invoices a financier takes: the eligible pool, tied to the open balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money
from arrisk.errors import ModelError

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["EligiblePool", "PoolRules", "select_pool"]

UNAPPLIED = "cash received and not yet applied"
REASONS = {
    "credit": "credit balances",
    "in_default": "customers in default",
    "disputed": "disputed invoices",
    "country": "customers of other countries",
    "term": "terms too long",
    "overdue": "overdue for too long",
    "cross": "other invoices of customers who are late with too much",
    "concentration": "above the most that one customer may be of the pool",
}


@dataclass(frozen=True, slots=True)
class PoolRules:
    """What a financier accepts; rules apply in the order of the fields, each invoice leaves by the first.

    Parameters
    ----------
    countries : tuple of str
        Countries of accepted customers; empty takes all.
    longest_term : int
        Most days from issue to due date.
    overdue_days : int
        Invoices overdue for more days are not taken.
    cross_ageing : float
        A customer is refused whole when more than this part of his balance is overdue for too long.
    largest_share : float
        Most that one customer may be of the pool, in (0, 1]; what is above is not taken.

    Raises
    ------
    ModelError
        If a value is out of range.
    """

    countries: tuple[str, ...] = ()
    longest_term: int = 120
    overdue_days: int = 60
    cross_ageing: float = 0.5
    largest_share: float = 0.1

    def __post_init__(self) -> None:
        if not (self.longest_term > 0 and self.overdue_days >= 0):
            raise ModelError("longest_term is above 0 and overdue_days not negative")
        if not (0 <= self.cross_ageing <= 1 and 0 < self.largest_share <= 1):
            raise ModelError("cross_ageing lies in [0, 1] and largest_share in (0, 1]")

    def words(self) -> str:
        """The rules in one sentence."""
        where = f"customers of {', '.join(self.countries)}; " if self.countries else ""
        return (
            f"{where}terms up to {self.longest_term} days; at most {self.overdue_days} days overdue; no "
            f"customer with more than {self.cross_ageing:.0%} of his balance overdue for longer; nobody "
            f"above {self.largest_share:.0%} of the pool; no disputed invoices, no customers in default"
        )


@dataclass(frozen=True, slots=True, eq=False)
class EligiblePool:
    """Invoices that would be taken, by customer, and what was left out and why.

    Parameters
    ----------
    customers : DataFrame
        Indexed by customer_id: open, eligible (currency units), sales (of the last year, of invoices within
        the rules on term and country).
    excluded : DataFrame
        reason, invoices, amount: cash not applied (negative: it lowers the open balance), then in the order
        of the rules; with the eligible balance they add up to `open`.
    rules : PoolRules
    open : float
        Open balance of the ledger.
    as_of : Timestamp
    currency : str
    """

    customers: pd.DataFrame
    excluded: pd.DataFrame
    rules: PoolRules
    open: float
    as_of: pd.Timestamp
    currency: str

    @property
    def balance(self) -> float:
        """Eligible balance, currency units."""
        return float(self.customers["eligible"].sum())

    @property
    def sales(self) -> float:
        """Sales of the last year to customers of the pool, currency units."""
        return float(self.customers.loc[self.customers["eligible"] > 0, "sales"].sum())

    @property
    def days(self) -> float:
        """Days of its sales that the pool holds; not a number without sales."""
        return 365 * self.balance / self.sales if self.sales > 0 else float("nan")

    @property
    def largest(self) -> float:
        """Part of the pool that its largest customer is."""
        return float(self.customers["eligible"].max() / self.balance) if self.balance > 0 else 0.0

    def finding(self) -> str:
        """How much of the open balance a financier would take, in one sentence."""
        part = self.balance / self.open if self.open > 0 else 0.0
        names = int((self.customers["eligible"] > 0).sum())
        return (
            f"{money(self.balance, self.currency)} of {money(self.open, self.currency)} ({part:.0%}) are "
            f"eligible, owed by {names:,} customers"
        )

    def to_table(self, name: str = "eligible_pool") -> Table:
        """From the open balance to the eligible pool, reason by reason."""
        first = pd.DataFrame([("open balance", np.nan, self.open)], columns=list(self.excluded.columns))
        taken = self.excluded.assign(amount=-self.excluded["amount"])
        last = pd.DataFrame([("eligible", np.nan, self.balance)], columns=list(self.excluded.columns))
        frame = pd.concat([first, taken, last], ignore_index=True)
        formats: dict[str, Format] = {"amount": "money", "invoices": "integer"}
        return Table(name, self.finding(), frame, f"{self.currency}. Rules: {self.rules.words()}.", formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def select_pool(
    snapshot: Snapshot, rules: PoolRules | None = None, in_default: tuple[str, ...] = ()
) -> EligiblePool:
    """Take the open invoices that meet the rules of a financier.

    Parameters
    ----------
    snapshot : Snapshot
    rules : PoolRules, optional
        Usual ones by default.
    in_default : tuple of str
        Customers who are refused (see `read_default_experience`).

    Returns
    -------
    EligiblePool
        Every open amount is in it or has a reason.
    """
    chosen = rules or PoolRules()
    items = snapshot.items
    owed = items[items["open_amount"] != 0]
    reason = _reasons(owed, snapshot, chosen, set(in_default))
    kept = owed[reason == ""]
    by_customer = kept.groupby("customer_id")["open_amount"].sum()
    capped = _cap(by_customer, chosen.largest_share)
    over = (by_customer - capped).clip(lower=0.0)
    rows = [
        (text, int((reason == key).sum()), float(owed.loc[reason == key, "open_amount"].sum()))
        for key, text in REASONS.items()
        if key != "concentration"
    ]
    rows.append((REASONS["concentration"], int((over > 0).sum()), float(over.sum())))
    total = snapshot.open_balance
    rows.insert(0, (UNAPPLIED, 0, round(total - float(owed["open_amount"].sum()), 2)))
    year = items[(items["issue_date"] > snapshot.date - pd.Timedelta(days=365)) & (items["amount"] > 0)]
    fit = year[~_wrong_kind(year, snapshot, chosen)]
    table = pd.DataFrame(
        {
            "open": owed.groupby("customer_id")["open_amount"].sum(),
            "eligible": capped,
            "sales": fit.groupby("customer_id")["amount"].sum(),
        }
    ).fillna(0.0)
    excluded = pd.DataFrame(rows, columns=["reason", "invoices", "amount"])
    excluded = excluded[(excluded["invoices"] > 0) | (excluded["amount"] != 0)].reset_index(drop=True)
    return EligiblePool(
        table.rename_axis("customer_id"), excluded, chosen, total, snapshot.date, snapshot.currency
    )


def _wrong_kind(items: pd.DataFrame, snapshot: Snapshot, rules: PoolRules) -> pd.Series:
    """Whether an invoice's term or its customer's country is not accepted."""
    term = (items["due_date"] - items["issue_date"]).dt.days
    wrong = term > rules.longest_term
    if rules.countries:
        wrong |= ~_country(items, snapshot).isin(rules.countries)
    return wrong


def _country(items: pd.DataFrame, snapshot: Snapshot) -> pd.Series:
    known = snapshot.customers.drop_duplicates("customer_id").set_index("customer_id")["country"]
    return items["customer_id"].map(known)


def _reasons(owed: pd.DataFrame, snapshot: Snapshot, rules: PoolRules, ill: set[str]) -> pd.Series:
    """The first rule that each open invoice fails; empty when it meets all."""
    term = (owed["due_date"] - owed["issue_date"]).dt.days
    late = owed["days_overdue"] > rules.overdue_days
    part = (owed["open_amount"].where(late, 0.0).groupby(owed["customer_id"]).sum()) / owed.groupby(
        "customer_id"
    )["open_amount"].sum().clip(lower=1e-9)
    crossed = owed["customer_id"].map(part > rules.cross_ageing).fillna(value=False).astype(bool)
    foreign = pd.Series(False, index=owed.index)
    if rules.countries:
        foreign = ~_country(owed, snapshot).isin(rules.countries)
    failed = {
        "credit": owed["open_amount"] < 0,
        "in_default": owed["customer_id"].isin(ill),
        "disputed": owed["disputed"].fillna(value=False).astype(bool),
        "country": foreign,
        "term": term > rules.longest_term,
        "overdue": late,
        "cross": crossed,
    }
    found = np.select([np.asarray(f, dtype=bool) for f in failed.values()], list(failed), default="")
    return pd.Series(found, index=owed.index)


def _cap(balance: pd.Series, share: float) -> pd.Series:
    """Balances cut so that none is more than `share` of what is left.

    The cap c solves ``c = share * sum(min(balance, c))``; with k customers cut, ``c = share * rest / (1 - k
    * share)``. When there are too few customers for the share, everything above equal parts of what can be
    held goes: nothing is eligible in the limit.

    Examples
    --------
    >>> _cap(pd.Series([50.0, 30.0, 10.0, 10.0]), 0.4).tolist()
    [33.333333333333336, 30.0, 10.0, 10.0]
    """
    ordered = np.sort(balance.to_numpy(dtype=float))[::-1]
    rest = ordered.sum()
    for cut, amount in enumerate(ordered):
        room = 1 - cut * share
        if room > 0 and amount <= share * rest / room + 1e-9:
            return balance.clip(upper=share * rest / room) if cut else balance
        rest -= amount
    return balance * 0.0
