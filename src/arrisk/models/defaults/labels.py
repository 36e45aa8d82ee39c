"""Who defaulted, and when: an explicit definition, and labels strictly after the day of the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import LookAheadError, ModelError

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["DefaultDefinition", "default_states", "make_labels"]

ACTIVE_DAYS = 365
CENT = 0.005


@dataclass(frozen=True, slots=True)
class DefaultDefinition:
    """What counts as the default of a customer.

    Parameters
    ----------
    days : int
        A customer is in default from the end of the day on which what is at least so many days past due
        reaches the materiality, until it falls below again.
    materiality : float
        Currency units, summed over the customer's items; smaller amounts are no default.
    share : float
        Nor are amounts below this fraction of all the customer owes on that day: one stuck invoice of a
        customer that pays the others is a dispute rather than a default.
    write_off : bool
        Whether a write-off of at least the materiality is a default too; it is never cured.

    Raises
    ------
    ModelError
        If `days` or `materiality` is negative, or `share` is not a fraction.

    Examples
    --------
    >>> str(DefaultDefinition(days=90, materiality=500))
    '500 or more at least 90 days past due, or as much written off'
    """

    days: int = 90
    materiality: float = 0.0
    share: float = 0.0
    write_off: bool = True

    def __post_init__(self) -> None:
        if self.days < 0 or self.materiality < 0:
            raise ModelError(f"days and materiality may not be negative: {self.days}, {self.materiality}")
        if not 0.0 <= self.share <= 1.0:
            raise ModelError(f"share is a fraction between 0 and 1, got {self.share}")

    def __str__(self) -> str:
        amount = f"{self.materiality:,.0f} or more" if self.materiality > 0 else "anything"
        written = ", or as much written off" if self.write_off else ""
        part = f" and {self.share:.0%} of what the customer owes" if self.share > 0 else ""
        return f"{amount}{part} at least {self.days} days past due{written}"


def default_states(
    items: pd.DataFrame, events: pd.DataFrame, date: pd.Timestamp, definition: DefaultDefinition
) -> pd.DataFrame:
    """When each customer entered and left default, up to a date.

    Parameters
    ----------
    items, events : DataFrame
        As of a snapshot (see `Snapshot.items` and `Snapshot.events`).
    date : Timestamp
        Last day looked at.
    definition : DefaultDefinition

    Returns
    -------
    DataFrame
        `customer_id`, `date`, `in_default` (at the end of that day, until the next row), `cause` ("overdue"
        or "written off"); one row a change, by customer and date.
    """
    parts = [
        _past_due_changes(items, events, date, definition.days),
        _written_off(events, items, date),
        _owed_changes(items, events, date),
    ]
    measures = ["past_due", "lost", "owed"]
    filled = [p.reindex(columns=["customer_id", "date", *measures], fill_value=0.0) for p in parts if len(p)]
    if not filled:
        return pd.DataFrame({"customer_id": [], "date": [], "in_default": [], "cause": []})
    daily = pd.concat(filled, ignore_index=True)
    daily = daily.groupby(["customer_id", "date"], as_index=False)[measures].sum()
    running = daily.groupby("customer_id")[measures].cumsum()
    least = max(definition.materiality, CENT)
    overdue = running["past_due"] >= np.maximum(least, definition.share * running["owed"]) - CENT / 2
    lost = (running["lost"] >= least - CENT / 2) & definition.write_off
    lost = lost.groupby(daily["customer_id"]).cummax()
    cause = np.where(lost, "written off", np.where(overdue, "overdue", ""))
    states = daily[["customer_id", "date"]].assign(in_default=overdue | lost, cause=cause)
    changed = states["cause"] != states.groupby("customer_id")["cause"].shift(fill_value="")
    return states[changed].reset_index(drop=True)


def make_labels(
    snapshot: Snapshot,
    at: str | pd.Timestamp,
    horizon_days: int,
    definition: DefaultDefinition | None = None,
    states: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Which customers, not in default on a day, fall into it within the horizon.

    Parameters
    ----------
    snapshot : Snapshot
        Knows the whole window: its date is not before `at` + `horizon_days`.
    at : date
        Day of the features. The window is (at, at + horizon_days]: strictly after.
    horizon_days : int
        Positive.
    definition : DefaultDefinition, optional
    states : DataFrame, optional
        From `default_states` of the same snapshot and definition, when several days are labelled.

    Returns
    -------
    DataFrame
        `customer_id`, `default` (bool), `default_date`, `cause`, sorted; the customers invoiced in the year
        up to `at` and not in default at its end.

    Raises
    ------
    LookAheadError
        If the window is not over at the snapshot.
    ModelError
        If the horizon is not positive.
    """
    begin, end = pd.Timestamp(at), pd.Timestamp(at) + pd.Timedelta(days=horizon_days)
    if horizon_days <= 0:
        raise ModelError(f"horizon_days = {horizon_days}: the window must lie after the day of the features")
    if end > snapshot.date:
        raise LookAheadError(
            f"the window ends {end:%Y-%m-%d}, after the snapshot of {snapshot.date:%Y-%m-%d}: "
            "a customer without default so far is not yet a good one"
        )
    items = snapshot.items
    if states is None:
        states = default_states(items, snapshot.events, snapshot.date, definition or DefaultDefinition())
    issued = items["issue_date"]
    active = (items["amount"] > 0) & (issued <= begin) & (issued > begin - pd.Timedelta(days=ACTIVE_DAYS))
    before = states[states["date"] <= begin].groupby("customer_id")["in_default"].last()
    out = pd.DataFrame({"customer_id": np.sort(items.loc[active, "customer_id"].unique())})
    already = set(before.index[before])
    out = out[~out["customer_id"].isin(already)].reset_index(drop=True)
    within = states[(states["date"] > begin) & (states["date"] <= end) & states["in_default"]]
    first = within.groupby("customer_id")[["date", "cause"]].first().reindex(out["customer_id"])
    out["default"] = first["date"].notna().to_numpy()
    out["default_date"] = first["date"].to_numpy()
    out["cause"] = first["cause"].fillna("").to_numpy()
    return out


def _past_due_changes(
    items: pd.DataFrame, events: pd.DataFrame, date: pd.Timestamp, days: int
) -> pd.DataFrame:
    """Changes of what is `days` past due: per invoice what is due that long less what was settled.

    Payments go to the oldest instalment first, and what is paid too much pays no other invoice.
    """
    owed = items[(items["amount"] > 0) & items["due_date"].notna()]
    due = pd.DataFrame(
        {
            "invoice_id": owed["invoice_id"],
            "date": owed["due_date"] + pd.Timedelta(days=days),
            "due": owed["amount"],
            "settled": 0.0,
        }
    )
    settled = events[(events["kind"] != "recovery") & events["invoice_id"].isin(owed["invoice_id"])]
    settled = settled[["invoice_id", "date"]].assign(due=0.0, settled=settled["amount"])
    moves = pd.concat([due, settled], ignore_index=True)
    daily = moves[moves["date"] <= date].groupby(["invoice_id", "date"], as_index=False).sum()
    running = daily.groupby("invoice_id")[["due", "settled"]].cumsum()
    past = (running["due"] - running["settled"]).clip(lower=0.0).round(6)
    change = past - past.groupby(daily["invoice_id"]).shift(fill_value=0.0)
    owner = owed.drop_duplicates("invoice_id").set_index("invoice_id")["customer_id"]
    out = pd.DataFrame({"customer_id": daily["invoice_id"].map(owner), "date": daily["date"]})
    return out.assign(past_due=change)[change != 0.0]


def _owed_changes(items: pd.DataFrame, events: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    """Changes of all that is owed, whether due or not."""
    owed = items[(items["amount"] > 0) & (items["issue_date"] <= date)]
    owner = owed.drop_duplicates("invoice_id").set_index("invoice_id")["customer_id"]
    settled = events[(events["kind"] != "recovery") & events["invoice_id"].isin(owner.index)]
    settled = settled[settled["date"] <= date]
    up = pd.DataFrame(
        {"customer_id": owed["customer_id"], "date": owed["issue_date"], "owed": owed["amount"]}
    )
    down = pd.DataFrame(
        {
            "customer_id": settled["invoice_id"].map(owner),
            "date": settled["date"],
            "owed": -settled["amount"],
        }
    )
    return pd.concat([up, down], ignore_index=True)


def _written_off(events: pd.DataFrame, items: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    lost = events[(events["kind"] == "write_off") & (events["date"] <= date)]
    owner = items.drop_duplicates("invoice_id").set_index("invoice_id")["customer_id"]
    customer = lost["customer_id"].where(lost["customer_id"].notna(), lost["invoice_id"].map(owner))
    return pd.DataFrame({"customer_id": customer, "date": lost["date"], "lost": lost["amount"]})
