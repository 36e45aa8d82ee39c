"""Month by month: how much of a pool's sales was credited, paid late or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import ModelError

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["make_pool_history"]

DAYS_A_MONTH = 30.4375
DILUTIONS = ("credit_note", "discount")


def make_pool_history(snapshot: Snapshot, default_days: int = 91, seen_days: int = 90) -> pd.DataFrame:
    """Sales, defaults and dilutions of each whole month before the as-of date.

    Parameters
    ----------
    snapshot : Snapshot
    default_days : int
        Days overdue at which an open invoice counts as defaulted; a write-off counts on its day.
    seen_days : int
        Days between a sale and the month in which its default shows, on top of its term: a month's defaults
        are set against the sales of as many days before.

    Returns
    -------
    DataFrame
        Indexed by month (its first day): sales, defaulted, diluted (currency units), balance (open at the
        month's end by the days on which money moved, as known today), default_ratio (defaulted over the sales
        of the month in which they were made, by the usual term), dilution_ratio (credit notes and discounts
        over the sales of the month before).

    Raises
    ------
    ModelError
        If days are negative.

    Notes
    -----
    An invoice defaults on the first of: its write-off, and the day on which it has been overdue for
    `default_days` with anything open. Ratios are those of the trade-receivables criteria of rating agencies:
    what fails in a month over the sales that it comes from.
    """
    if default_days <= 0 or seen_days < 0:
        raise ModelError("default_days is above 0 and seen_days not negative")
    items = snapshot.items[snapshot.items["amount"] > 0]
    last = snapshot.date.to_period("M")
    if (snapshot.date + pd.Timedelta(days=1)).to_period("M") == last:
        last = last - 1
    first = snapshot.first_date.to_period("M")
    months = pd.period_range(first, max(first, last), freq="M")
    sales = items.groupby(items["issue_date"].dt.to_period("M"))["amount"].sum()
    fails = _failures(snapshot, items, default_days)
    defaulted = fails["amount"].groupby(fails["date"].dt.to_period("M")).sum()
    events = snapshot.events
    cuts = events[events["kind"].isin(DILUTIONS)]
    diluted = cuts.groupby(cuts["date"].dt.to_period("M"))["amount"].sum()
    table = pd.DataFrame({"sales": sales, "defaulted": defaulted, "diluted": diluted})
    table = table.reindex(months).fillna(0.0)
    table["balance"] = _month_ends(snapshot, months)
    lag = round((_usual_term(items) + seen_days) / DAYS_A_MONTH)
    table["default_ratio"] = _over(table["defaulted"], table["sales"].shift(lag))
    table["dilution_ratio"] = _over(table["diluted"], table["sales"].shift(1))
    return table.rename_axis("month")


def _usual_term(items: pd.DataFrame) -> float:
    dated = items[items["due_date"].notna()]
    if dated.empty:
        return 0.0
    return float(np.average((dated["due_date"] - dated["issue_date"]).dt.days, weights=dated["amount"]))


def _over(part: pd.Series, whole: pd.Series) -> pd.Series:
    return (part / whole.where(whole > 0)).rename(None)


def _failures(snapshot: Snapshot, items: pd.DataFrame, default_days: int) -> pd.DataFrame:
    """Day and amount of each invoice that failed: open after so many days overdue, or written off before."""
    late = items["due_date"] + pd.Timedelta(days=default_days)
    ended = items["closed_date"].fillna(snapshot.date + pd.Timedelta(days=1))
    aged = items[(ended > late) & (late <= snapshot.date)]
    events = snapshot.events
    paid = events[events["kind"].isin(("payment", *DILUTIONS))]
    before = paid.merge(
        aged.assign(late=late)[["invoice_id", "late"]].drop_duplicates("invoice_id"), on="invoice_id"
    )
    gone = before[before["date"] <= before["late"]].groupby("invoice_id")["amount"].sum()
    owed = (aged["amount"] - aged["invoice_id"].map(gone).fillna(0.0)).clip(lower=0.0)
    dated = pd.DataFrame({"date": late[aged.index], "amount": owed})
    off = events[events["kind"] == "write_off"]
    early = off[~off["invoice_id"].isin(aged["invoice_id"])][["date", "amount"]]
    return pd.concat([dated, early], ignore_index=True)


def _month_ends(snapshot: Snapshot, months: pd.PeriodIndex) -> list[float]:
    """Open balance at the end of each month, from sales and all that closed them."""
    items, events = snapshot.items, snapshot.events
    ends = [m.end_time.normalize() for m in months]
    billed = items.set_index("issue_date")["amount"].sort_index().cumsum()
    closing = events[events["kind"].isin(("payment", "write_off", *DILUTIONS))]
    gone = closing.set_index("date")["amount"].sort_index().cumsum()
    return [_until(billed, day) - _until(gone, day) for day in ends]


def _until(running: pd.Series, day: pd.Timestamp) -> float:
    at = int(running.index.searchsorted(day, side="right"))
    return float(running.iloc[at - 1]) if at else 0.0
