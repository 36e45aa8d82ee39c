"""When each customer was in default: changes of state, found by counting and not by walking through days."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import dates, day_number
from arrisk.models.defaults.definition import CENT, DefaultDefinition
from arrisk.models.defaults.past_due import days_of, past_due_by_invoice, settlements

__all__ = ["CAUSES", "default_states"]

Ints = NDArray[np.int64]
CAUSES = ("", "overdue", "insolvent", "written off")
"""Why a customer is in default; of several the last counts."""
COLUMNS = ["customer_id", "date", "in_default", "cause"]


def default_states(
    items: pd.DataFrame,
    events: pd.DataFrame,
    date: pd.Timestamp,
    definition: DefaultDefinition,
    signals: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """When each customer entered and left default, up to a date.

    Parameters
    ----------
    items, events : DataFrame
        As of a snapshot (see `Snapshot.items` and `Snapshot.events`).
    date : Timestamp
        Last day looked at.
    definition : DefaultDefinition
    signals : DataFrame, optional
        As `Snapshot.signals`; without them nobody is insolvent. A signal counts from the day on which it was
        known; of several about one customer that of the latest date counts.

    Returns
    -------
    DataFrame
        `customer_id`, `date`, `in_default` (at the end of that day, until the next row), `cause` ("overdue",
        "written off" or "insolvent"); one row a change, by customer and date. During probation the cause is
        the last one.

    Notes
    -----
    A state depends on nothing dated later than its day, so states found later agree with those found then;
    the end of a default depends on the probation after it and is told on the day on which that is over.
    Payments count on their date, as they do for the days late, also when they were booked later; for what
    was known on each day hand over events dated by when they were recorded.
    """
    day = day_number(date)
    parts = [
        _past_due(items, events, day, definition),
        _lost(items, events, day, definition),
        _insolvent(signals, day, definition),
        _owed(items, events, day, definition),
    ]
    parts = [part for part in parts if len(part)]
    if not parts:
        return _states(np.array([], dtype=object), np.zeros(0, np.int64), np.zeros(0, np.int64))
    code, names = pd.factorize(pd.concat([p["customer_id"] for p in parts], ignore_index=True), sort=True)
    moves = pd.concat([p.drop(columns="customer_id") for p in parts], ignore_index=True).fillna(0.0)
    moves = moves.reindex(columns=["day", "past_due", "lost", "insolvent", "owed"], fill_value=0.0)
    moves.insert(0, "customer", code)
    daily = moves.groupby(["customer", "day"], as_index=False).sum()
    customer, changed, cause = _changes(daily, definition)
    customer, changed, cause = _on_probation(customer, changed, cause, definition.probation, day)
    return _states(np.asarray(names, dtype=object)[customer], changed, cause)


def _states(customers: NDArray[np.object_], days: Ints, cause: Ints) -> pd.DataFrame:
    words = np.array(CAUSES, dtype=object)[cause]
    values = [customers, pd.to_datetime(dates(days)), cause > 0, words]
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def _changes(daily: pd.DataFrame, definition: DefaultDefinition) -> tuple[Ints, Ints, Ints]:
    """Customer, day and new cause wherever the cause changes, by customer and day."""
    running = daily.drop(columns="day").groupby("customer").cumsum()
    customer, day = daily["customer"].to_numpy(np.int64), daily["day"].to_numpy(np.int64)
    least = CENT if definition.level == "invoice" else definition.least
    overdue = running["past_due"] >= np.maximum(least, definition.share * running["owed"]) - CENT / 2
    lost = (running["lost"] >= least - CENT / 2).groupby(customer).cummax()
    cause = np.where(lost, 3, np.where(running["insolvent"] > 0.5, 2, np.where(overdue, 1, 0)))
    return _where_changed(customer, day, cause.astype(np.int64))


def _where_changed(customer: Ints, day: Ints, cause: Ints) -> tuple[Ints, Ints, Ints]:
    before = np.concatenate([[0], cause[:-1]])
    first = np.concatenate([[True], customer[1:] != customer[:-1]])
    changed = cause != np.where(first, 0, before)[: cause.size]
    return customer[changed], day[changed], cause[changed]


def _on_probation(
    customer: Ints, day: Ints, cause: Ints, probation: int, last: int
) -> tuple[Ints, Ints, Ints]:
    """The changes when a default ends only so many days after its last trigger."""
    if not probation or not cause.size:
        return customer, day, cause
    over = cause == 0
    same = np.concatenate([customer[1:] == customer[:-1], [False]])
    following = np.where(same, np.concatenate([day[1:], [0]]), np.iinfo(np.int64).max)
    day = np.where(over, day + probation, day)
    kept = ~over | ((day < following) & (day <= last))
    return _where_changed(customer[kept], day[kept], cause[kept])


def _past_due(
    items: pd.DataFrame, events: pd.DataFrame, last: int, definition: DefaultDefinition
) -> pd.DataFrame:
    """Changes of what is `days` past due; on the level of invoices of those that reach the materiality."""
    owed = items[(items["amount"] > 0) & items["due_date"].notna()]
    daily, invoices = past_due_by_invoice(owed, events, last, definition.days)
    past = daily["past_due"]
    if definition.level == "invoice":
        past = past.where(past >= definition.least - CENT / 2, 0.0)
    change = (past - past.groupby(daily["invoice"]).shift(fill_value=0.0)).to_numpy(float)
    owner = _owners(owed, invoices)[daily["invoice"].to_numpy()]
    out = pd.DataFrame({"customer_id": owner, "day": daily["day"], "past_due": change})
    moved: pd.DataFrame = out[change != 0.0]
    return moved


def _lost(
    items: pd.DataFrame, events: pd.DataFrame, last: int, definition: DefaultDefinition
) -> pd.DataFrame:
    """What is written off; on the level of invoices only of those that reach the materiality."""
    booked = events[events["kind"] == "write_off"] if definition.write_off else events.iloc[:0]
    own = items[items["invoice_id"].isin(booked["invoice_id"])].groupby("invoice_id")
    owner = booked["invoice_id"].map(own["customer_id"].first())
    since = booked["invoice_id"].map(own["recorded_date"].min())
    lost = pd.DataFrame(
        {
            "customer_id": booked["customer_id"].where(booked["customer_id"].notna(), owner),
            "invoice_id": booked["invoice_id"],
            "day": days_of(booked["date"].where(~(since > booked["date"]), since)),
            "lost": booked["amount"],
        }
    )
    lost = lost[lost["day"] <= last]
    if definition.level == "invoice" and len(lost):
        lost = _of_single_invoices(lost, definition.least)
    return lost.drop(columns="invoice_id")


def _of_single_invoices(lost: pd.DataFrame, least: float) -> pd.DataFrame:
    """The first day on which what is written off of an invoice reaches the materiality, with that amount."""
    keys = ["customer_id", "invoice_id"]
    daily = lost.groupby([*keys, "day"], as_index=False, dropna=False)["lost"].sum()
    daily["lost"] = daily.groupby(keys, dropna=False)["lost"].cumsum()
    reached: pd.DataFrame = daily[daily["lost"] >= least - CENT / 2]
    return reached.drop_duplicates(keys)


def _insolvent(signals: pd.DataFrame | None, last: int, definition: DefaultDefinition) -> pd.DataFrame:
    """+1 where the latest known value of a signal turns positive, -1 where it is so no longer."""
    none = pd.DataFrame({"customer_id": pd.Series([], dtype=object), "day": np.zeros(0, np.int64)})
    if signals is None or not definition.insolvency:
        return none
    mine = signals[signals["signal"].isin(definition.insolvency) & signals["customer_id"].notna()]
    mine = mine[mine["value"].notna()]
    mine = mine.assign(day=days_of(mine[["date", "recorded_date"]].max(axis=1)), since=days_of(mine["date"]))
    mine = mine[mine["day"] <= last].sort_values(["day", "since"], kind="stable")
    if mine.empty:
        return none
    # What became known late is overtaken by what was known before of a later date.
    mine = mine[mine["since"] >= mine.groupby(["customer_id", "signal"])["since"].cummax()]
    mine = mine.drop_duplicates(["customer_id", "signal", "day"], keep="last")
    on = (mine["value"] > 0).astype(float)
    change = on - on.groupby([mine["customer_id"], mine["signal"]]).shift(fill_value=0.0)
    out = mine[["customer_id", "day"]].assign(insolvent=change)
    moved: pd.DataFrame = out[change != 0.0]
    return moved


def _owed(
    items: pd.DataFrame, events: pd.DataFrame, last: int, definition: DefaultDefinition
) -> pd.DataFrame:
    """Changes of all that is owed, whether due or not; needed only where a share of it matters."""
    owed = items[items["amount"] > 0] if definition.share > 0 else items.iloc[:0]
    owed = owed.assign(day=days_of(owed[["issue_date", "recorded_date"]].max(axis=1)))
    owed = owed[owed["day"] <= last]
    since = owed.groupby("invoice_id")["day"].min()
    settled = settlements(events, since.index)
    settled["day"] = np.maximum(settled["day"], since.to_numpy()[settled["invoice"]])
    settled = settled[settled["day"] <= last]
    owner = _owners(owed, since.index)[settled["invoice"].to_numpy()]
    return pd.DataFrame(
        {
            "customer_id": np.concatenate([owed["customer_id"].to_numpy(dtype=object), owner]),
            "day": np.concatenate([owed["day"].to_numpy(), settled["day"].to_numpy()]),
            "owed": np.concatenate([owed["amount"].to_numpy(float), -settled["amount"].to_numpy(float)]),
        }
    )


def _owners(items: pd.DataFrame, invoices: pd.Index) -> NDArray[np.object_]:
    """The customer of each invoice, in the order of the invoices."""
    first = items.drop_duplicates("invoice_id").set_index("invoice_id")["customer_id"]
    return first.reindex(invoices).to_numpy(dtype=object)
