"""What of each invoice is long past due, day by day, and when an invoice of its own is in default."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import dates, day_number
from arrisk.models.defaults.definition import CENT, DefaultDefinition

__all__ = ["days_of", "invoice_defaults", "past_due_by_invoice", "settlements"]

Ints = NDArray[np.int64]
NEVER = np.int64(np.iinfo(np.int64).max)
INVOICE_COLUMNS = [
    "invoice_id",
    "customer_id",
    "issue_date",
    "due_date",
    "known_date",
    "amount",
    "settled_date",
    "default_date",
    "cause",
    "known",
]


def days_of(values: pd.Series) -> Ints:
    """Day numbers of a column of dates of which none is missing."""
    return values.to_numpy(dtype="datetime64[D]").astype(np.int64)


def past_due_by_invoice(
    owed: pd.DataFrame, events: pd.DataFrame, last: int, days: int
) -> tuple[pd.DataFrame, pd.Index]:
    """How much of each invoice is `days` past due, at the end of each day on which that changes.

    Parameters
    ----------
    owed : DataFrame
        Items with a positive amount and a due date.
    events : DataFrame
        As `Snapshot.events`.
    last : int
        Last day number looked at.
    days : int

    Returns
    -------
    (DataFrame, Index)
        `invoice` (place in the index), `day`, `past_due`, by invoice and day; and the invoices by place.

    Notes
    -----
    Per invoice what is due that long less what was settled: payments go to the oldest instalment first,
    what is paid too much pays no other invoice, and a refund makes no more due than was invoiced. An item
    counts from the day on which it was in the books.
    """
    invoice, names = pd.factorize(owed["invoice_id"])
    settled = settlements(events, pd.Index(names))
    long_due = np.maximum(days_of(owed["due_date"]) + days, days_of(owed["recorded_date"]))
    moves = pd.DataFrame(
        {
            "invoice": np.concatenate([invoice.astype(np.int64), settled["invoice"].to_numpy()]),
            "day": np.concatenate([long_due, settled["day"].to_numpy()]),
            "due": np.concatenate([owed["amount"].to_numpy(float), np.zeros(len(settled))]),
            "settled": np.concatenate([np.zeros(len(owed)), settled["amount"].to_numpy(float)]),
        }
    )
    daily = moves[moves["day"] <= last].groupby(["invoice", "day"], as_index=False).sum()
    running = daily.groupby("invoice")[["due", "settled"]].cumsum()
    past = (running["due"] - running["settled"].clip(lower=0.0)).clip(lower=0.0).round(6)
    return daily[["invoice", "day"]].assign(past_due=past), pd.Index(names)


def settlements(events: pd.DataFrame, invoices: pd.Index) -> pd.DataFrame:
    """What reduces what these invoices owe: `invoice` (its place among them), `day`, `amount`, `lost`."""
    place = invoices.get_indexer(pd.Index(events["invoice_id"]))
    some = (place >= 0) & (events["kind"] != "recovery").to_numpy()
    found = events[some]
    return pd.DataFrame(
        {
            "invoice": place[some].astype(np.int64),
            "day": days_of(found["date"]),
            "amount": found["amount"].to_numpy(float),
            "lost": found["amount"].where(found["kind"] == "write_off", 0.0).to_numpy(float),
        }
    )


def invoice_defaults(
    items: pd.DataFrame, events: pd.DataFrame, date: pd.Timestamp, definition: DefaultDefinition
) -> pd.DataFrame:
    """Whether and when each invoice defaulted: `days` past due with the materiality, or written off.

    Parameters
    ----------
    items, events : DataFrame
        As of a snapshot.
    date : Timestamp
        Last day looked at.
    definition : DefaultDefinition
        `days`, `materiality` (of the single invoice) and `write_off`; what concerns customers (`share`,
        `insolvency`, `level`, `probation`) plays no part.

    Returns
    -------
    DataFrame
        One row an invoice with a positive amount, by its id: `invoice_id`, `customer_id`, `issue_date`,
        `due_date` (the last one of its parts), `known_date` (when it was in the books), `amount`,
        `settled_date` (when the last of it was settled; missing while open), `default_date` (the first;
        missing without), `cause` ("overdue", "written off" or ""), and `known`: whether that is final,
        because it defaulted, was settled, or passed the day on which it would have defaulted.
    """
    owed = items[(items["amount"] > 0) & (items["issue_date"] <= date)]
    out = _invoices(owed)
    late, lost = _default_days(owed, events, day_number(date), definition, out.index)
    first = np.minimum(late, lost)
    seen = first < NEVER
    out["default_date"] = pd.to_datetime(dates(pd.Series(np.where(seen, first, np.nan)).astype("Int64")))
    out["cause"] = np.select([seen & (lost <= late), seen], ["written off", "overdue"], "")
    passed = out["due_date"] + pd.Timedelta(days=definition.days) <= date
    out["known"] = seen | passed.to_numpy(dtype=bool) | out["settled_date"].notna().to_numpy()
    return out.reset_index()[INVOICE_COLUMNS]


def _invoices(owed: pd.DataFrame) -> pd.DataFrame:
    """One row an invoice; its parts are of one customer."""
    grouped = owed.groupby("invoice_id")
    out = grouped.agg(
        customer_id=("customer_id", "first"),
        issue_date=("issue_date", "min"),
        due_date=("due_date", "max"),
        known_date=("recorded_date", "min"),
        amount=("amount", "sum"),
        settled_date=("closed_date", "max"),
    )
    still = owed["close_kind"].eq("open").groupby(owed["invoice_id"]).any()
    out["settled_date"] = out["settled_date"].mask(still)
    return out


def _default_days(
    owed: pd.DataFrame, events: pd.DataFrame, last: int, definition: DefaultDefinition, invoices: pd.Index
) -> tuple[Ints, Ints]:
    """First day on which each invoice is long past due, and on which it is written off (else `NEVER`)."""
    least = definition.least - CENT / 2
    past, names = past_due_by_invoice(owed[owed["due_date"].notna()], events, last, definition.days)
    late = _first_days(past[past["past_due"] >= least], invoices.get_indexer(names), len(invoices))
    if not definition.write_off:
        return late, np.full(len(invoices), NEVER)
    moves = settlements(events, invoices)
    moves = moves[(moves["lost"] != 0) & (moves["day"] <= last)]
    daily = moves.groupby(["invoice", "day"], as_index=False)["lost"].sum()
    reached = daily[daily.groupby("invoice")["lost"].cumsum() >= least]
    return late, _first_days(reached, np.arange(len(invoices)), len(invoices))


def _first_days(rows: pd.DataFrame, place: Ints, size: int) -> Ints:
    """The first day of each invoice among rows sorted by invoice and day."""
    first = rows.drop_duplicates("invoice")
    out = np.full(size, NEVER)
    out[place[first["invoice"].to_numpy()]] = first["day"].to_numpy()
    return out
