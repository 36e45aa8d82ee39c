"""What was known of each customer's behaviour on a day, from a snapshot alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["FEATURES", "make_features"]

WINDOW_DAYS = 365
RECENT_DAYS = 90
DAYS_PER_MONTH = 365.25 / 12

FEATURES: dict[str, str] = {
    "n_invoices": "invoices issued in the window",
    "amount": "amount invoiced in the window, currency units",
    "share_late": "share of the window's items past their due date, settled and still open",
    "share_late_settled": "share of the window's settled items that were settled after the due date",
    "mean_days_late": "mean days past due, negative when early; an open item counts with its days so far",
    "median_days_late": "median of the same",
    "trend_days_late": "mean days late of items due in the last 90 days less that of items due before them",
    "open_amount": "amount open, credits not deducted",
    "overdue_share": "share of the open amount that is past due",
    "oldest_overdue_days": "days past due of the oldest open item, 0 when none is overdue",
    "disputed_share": "share of the open amount that is in dispute",
    "utilisation": "open amount over the credit limit in force, missing without a limit above zero",
    "months_customer": "months since the first invoice, or since the customer was taken on",
    "order_change": "log ratio of invoices a day in the last 90 days to the days of the window before them",
}


def make_features(snapshot: Snapshot, window_days: int = WINDOW_DAYS) -> pd.DataFrame:
    """Behaviour of each customer as it was known at the snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing else is read, so the result cannot depend on anything that became known later.
    window_days : int
        Invoices issued in the last so many days count for behaviour.

    Returns
    -------
    DataFrame
        One row a customer with at least one invoice known, sorted by `customer_id`, then the columns of
        `FEATURES`. A value that cannot be known (no item was due yet, no limit) is missing.

    Notes
    -----
    An open overdue item counts as late with its days so far, and an item not yet due does not count: leaving
    the open ones out would make the worst payers look good.
    """
    items = snapshot.items
    items = items[(items["amount"] > 0) & (items["issue_date"] <= snapshot.date)].reset_index(drop=True)
    ages = (snapshot.date - items["issue_date"]).dt.days
    late = _days_late(items, snapshot.date)
    window = ages < window_days
    parts = [
        _volume(items[window]),
        _lateness(items[window], late[window], snapshot.date),
        _open_position(items, snapshot),
        _tenure(items, snapshot),
        _order_change(items[window]["customer_id"], ages[window], window_days),
    ]
    index = pd.Index(sorted(items["customer_id"].unique()), name="customer_id")
    out = pd.concat([part.reindex(index) for part in parts], axis=1).reset_index()
    out["n_invoices"] = out["n_invoices"].fillna(0).astype(np.int64)
    zero = ["amount", "open_amount", "oldest_overdue_days", "order_change"]
    out[zero] = out[zero].fillna(0.0)
    return out[["customer_id", *FEATURES]]


def _days_late(items: pd.DataFrame, date: pd.Timestamp) -> pd.Series:
    """Days past due of settled items and, so far, of open overdue ones; missing when nothing is known yet."""
    late = (items["closed_date"].fillna(date) - items["due_date"]).dt.days.astype(float)
    unknown = (items["close_kind"] == "open") & (late <= 0) | (items["close_kind"] == "credited")
    return late.mask(unknown)


def _volume(items: pd.DataFrame) -> pd.DataFrame:
    grouped = items.groupby("customer_id")
    return pd.DataFrame({"n_invoices": grouped["invoice_id"].nunique(), "amount": grouped["amount"].sum()})


def _lateness(items: pd.DataFrame, late: pd.Series, date: pd.Timestamp) -> pd.DataFrame:
    known = items.assign(late=late, is_late=late > 0)[late.notna()]
    settled = known[known["close_kind"] != "open"]
    recent = (date - known["due_date"]).dt.days < RECENT_DAYS
    by = known.groupby("customer_id")
    now = known[recent].groupby("customer_id")["late"].mean()
    before = known[~recent].groupby("customer_id")["late"].mean()
    return pd.DataFrame(
        {
            "share_late": by["is_late"].mean(),
            "share_late_settled": settled.groupby("customer_id")["is_late"].mean(),
            "mean_days_late": by["late"].mean(),
            "median_days_late": by["late"].median(),
            "trend_days_late": now - before,
        }
    )


def _open_position(items: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
    held = items[items["close_kind"] == "open"]
    overdue = held["days_overdue"] > 0
    total = held.groupby("customer_id")["open_amount"].sum()
    past = held[overdue].groupby("customer_id")["open_amount"].sum().reindex(total.index, fill_value=0.0)
    disputed = held[held["disputed"].astype(bool)].groupby("customer_id")["open_amount"].sum()
    limit = _limit_in_force(snapshot).reindex(total.index)
    return pd.DataFrame(
        {
            "open_amount": total,
            "overdue_share": past / total,
            "oldest_overdue_days": held["days_overdue"].clip(lower=0).groupby(held["customer_id"]).max(),
            "disputed_share": disputed.reindex(total.index, fill_value=0.0) / total,
            "utilisation": total / limit.where(limit > 0),
        }
    )


def _limit_in_force(snapshot: Snapshot) -> pd.Series:
    limits = snapshot.limits
    if limits.empty:
        return pd.Series(dtype=float)
    ordered = limits.sort_values(["customer_id", "valid_from"], kind="stable")
    return ordered.groupby("customer_id")["credit_limit"].last().astype(float)


def _tenure(items: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
    since = items.groupby("customer_id")["issue_date"].min()
    customers = snapshot.customers
    if "since_date" in customers.columns:
        given = customers.set_index("customer_id")["since_date"].reindex(since.index)
        since = since.where(~(given < since), given)
    return pd.DataFrame({"months_customer": (snapshot.date - since).dt.days / DAYS_PER_MONTH})


def _order_change(customers: pd.Series, ages: pd.Series, window_days: int) -> pd.DataFrame:
    """Half an invoice is added to each count, so that none is not minus infinity."""
    recent = (ages < RECENT_DAYS).groupby(customers).sum()
    before = (ages >= RECENT_DAYS).groupby(customers).sum()
    rest = max(window_days - RECENT_DAYS, 1)
    return pd.DataFrame({"order_change": np.log((recent + 0.5) / RECENT_DAYS * rest / (before + 0.5))})
