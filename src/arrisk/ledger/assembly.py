"""From checked tables to a `Ledger`: identifiers, day numbers, currencies."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.book import Ledger, LedgerSize
from arrisk.ledger.checks import Checked, Rules, check_tables
from arrisk.ledger.counts import make_checks
from arrisk.ledger.days import NO_DAY, day_numbers
from arrisk.ledger.engine import Engine, open_engine
from arrisk.ledger.item_frame import ITEM_TEXTS
from arrisk.ledger.normal_form import empty_table, whole_days
from arrisk.ledger.postings import post, to_reporting
from arrisk.ledger.quarantine import Quarantine
from arrisk.ledger.tables import TABLES, currency_digits

__all__ = ["build_ledger"]

FAR = np.iinfo(np.int64).max


def build_ledger(
    tables: Mapping[str, pd.DataFrame],
    currency: str | None = None,
    rules: Rules | None = None,
    *,
    engine: str | Engine = "duckdb",
    quarantine: pd.DataFrame | None = None,
    notes: tuple[str, ...] = (),
) -> Ledger:
    """Make a ledger of typed canonical tables (dates as datetimes, money in minor units).

    Parameters
    ----------
    tables : mapping of table name to DataFrame
        See `arrisk.ledger.tables`.
    currency : str, optional
        Reporting currency.
    rules : Rules, optional
    engine : str or Engine
    quarantine : DataFrame, optional
        Rows already set apart while the source was read.
    notes : tuple of str
        What was noticed while the source was read.

    Raises
    ------
    LedgerError
        See `read_ledger`.
    """
    apart = Quarantine(quarantine)
    checked = check_tables(tables, currency, rules or Rules(), apart)
    numbers = _customer_numbers(checked)
    items = _items(checked, numbers)
    events = _events(checked, items, numbers)
    posted = post(items, events)
    events = _without_rejected(checked, events, posted.rejected)
    quarantined = apart.frame()
    checks = make_checks(tables, checked, quarantine, quarantined, (*notes, *checked.notes))
    signals = checked.tables["signals"][list(TABLES["signals"])]
    frames = {
        "items": items.sort_values(["invoice_id", "instalment"], ignore_index=True),
        "events": events,
        "customers": _customers(checked, items, events, numbers),
        "orders": _orders(checked, items),
        "limits": _in_units(checked, "limits"),
        "signals": signals.sort_values("date", kind="stable", ignore_index=True),
        "movements": posted.movements,
        "recoveries": posted.recoveries,
        "quarantine": quarantined,
    }
    return Ledger(checked.currency, frames, _size(frames), checks, open_engine(engine))


def _size(frames: Mapping[str, pd.DataFrame]) -> LedgerSize:
    invoices = frames["items"]["invoice"].nunique()
    items, events, customers = (len(frames[name]) for name in ("items", "events", "customers"))
    days = frames["movements" if len(frames["movements"]) else "items"]["day"]
    return LedgerSize(invoices, items, events, customers, int(days.min()), int(days.max()))


def _without_rejected(checked: Checked, events: pd.DataFrame, rejected: pd.DataFrame) -> pd.DataFrame:
    """Set events apart that could not be posted; event numbers are row positions."""
    if rejected.empty:
        return events
    bad = np.zeros(len(events), dtype=bool)
    bad[rejected["event"].to_numpy()] = True
    why = rejected.set_index("event").sort_index()
    details = why["detail"].tolist()
    reasons = np.full(len(events), None, dtype=object)
    reasons[why.index.to_numpy()] = why["reason"].to_numpy(dtype=object)
    checked.set_apart("events", bad, reasons, lambda _: details)
    return events[~bad]


def _customer_numbers(checked: Checked) -> NDArray[np.int64]:
    """Numbers of customers in the order of their names, by place among all names (-1: not used)."""
    names = checked.customer_ids
    used = np.zeros(len(names) + 1, dtype=bool)
    for table in ("customers", "invoices", "events", "orders"):
        used[checked.tables[table]["_customer"].to_numpy()] = True
    chosen = np.flatnonzero(used[:-1])
    numbers = np.full(len(names) + 1, -1, dtype=np.int64)
    numbers[chosen[np.argsort(names[chosen].astype(object), kind="stable")]] = np.arange(len(chosen))
    return numbers


def _customers(
    checked: Checked, items: pd.DataFrame, events: pd.DataFrame, numbers: NDArray[np.int64]
) -> pd.DataFrame:
    """All customers by id, with attributes and the first day anything was known of them."""
    given = checked.tables["customers"].drop(columns=["_source", "_line", "_reason", "_detail"])
    codes = np.flatnonzero(numbers >= 0)
    codes = codes[np.argsort(numbers[codes])]
    out = given.drop(columns="customer_id").set_index("_customer").reindex(codes).reset_index(drop=True)
    texts = [c for c, spec in TABLES["customers"].items() if spec.kind == "text" and c in out]
    for column in texts:
        values = np.array(out[column], dtype=object)
        values[out[column].isna().to_numpy()] = None
        out[column] = pd.Series(values, dtype="object")
    out.insert(0, "customer", np.arange(len(out), dtype=np.int64))
    out.insert(1, "customer_id", checked.customer_ids[codes])
    orders = checked.tables["orders"]
    placed = numbers[orders["_customer"].to_numpy()], whole_days(orders["order_date"])
    first = np.full(len(out), FAR)
    for who, day in ((items["customer"], items["day"]), (events["customer"], events["day"]), placed):
        np.minimum.at(first, np.asarray(who), np.asarray(day))
    out["since_day"] = day_numbers(out["since_date"])
    out["first_day"] = pd.arrays.IntegerArray(first, first == FAR)
    out["segment"] = out["segment"].fillna("all") if out["segment"].notna().any() else "all"
    return out


def _items(checked: Checked, numbers: NDArray[np.int64]) -> pd.DataFrame:
    """Items in the order in which they became known: the first row of an invoice is the first known."""
    frame = checked.tables["invoices"]
    frame = frame.iloc[np.argsort(frame["_known"].to_numpy(), kind="stable")].reset_index(drop=True)
    out = frame[["invoice_id", "instalment", "customer_id", "currency", *ITEM_TEXTS]].copy()
    out.insert(0, "item", np.arange(len(out), dtype=np.int64))
    out["invoice"] = frame["_invoice"]
    out["customer"] = numbers[frame["_customer"].to_numpy()]
    out["amount"] = frame["amount"]
    out["issue_day"], out["day"] = whole_days(frame["issue_date"]), frame["_known"]
    for column in ("due_day", "dispute_opened", "dispute_closed"):
        out[column] = day_numbers(frame["due_date" if column == "due_day" else column])
    out["factor"] = _factors(frame["currency"], frame["issue_date"], checked)
    out["reported"] = to_reporting(out["amount"].to_numpy(), out["factor"].to_numpy())
    return out


def _events(checked: Checked, items: pd.DataFrame, numbers: NDArray[np.int64]) -> pd.DataFrame:
    """Events in the order of rows; before `since`, when the invoice became known, `reported_early` holds."""
    frame = checked.tables["events"].reset_index(drop=True)
    invoice = frame["_invoice"].to_numpy()
    first = np.full(2 + max(invoice.max(initial=-1), items["invoice"].max()), -1)
    first[items["invoice"].to_numpy()[::-1]] = items["item"].to_numpy()[::-1]
    item = first[invoice]  # the first known of the invoice
    bound = invoice >= 0
    out = frame[["event_id", "invoice_id", "instalment", "kind", "currency"]].copy()
    out.insert(0, "event", np.arange(len(out), dtype=np.int64))
    out["invoice"] = invoice
    named = (frame["_customer"] >= 0).to_numpy()
    owner, number = items["customer_id"].to_numpy()[item], items["customer"].to_numpy()[item]
    out["customer_id"] = np.where(named, frame["customer_id"].to_numpy(dtype=object), owner)
    out["customer"] = np.where(named, numbers[frame["_customer"].to_numpy()], number)
    out["amount"], out["event_day"] = frame["amount"].astype("int64"), whole_days(frame["date"])
    out["since"] = np.where(bound, items["day"].to_numpy()[item], NO_DAY)
    out["day"] = np.where(frame["_waits"], np.maximum(frame["_known"], out["since"]), frame["_known"])
    own = _factors(frame["currency"], frame["date"], checked)
    out["factor"] = own.where(own.notna(), items["factor"].to_numpy()[item])
    factor = np.where(bound, items["factor"].to_numpy()[item], out["factor"])
    out["reported"] = to_reporting(out["amount"].to_numpy(), factor)
    out["reported_early"] = to_reporting(out["amount"].to_numpy(), out["factor"].to_numpy())
    return out


def _factors(currency: pd.Series, date: pd.Series, checked: Checked) -> pd.Series:
    """Reporting minor units for one of the row's currency, at the last rate on or before the date."""
    out = pd.Series(1.0, index=currency.index)
    foreign = currency != checked.currency
    if not foreign.any():
        return out
    rates = checked.tables["rates"].sort_values("date")
    asked = (
        pd.DataFrame({"currency": currency[foreign], "date": date[foreign]}).rename_axis("row").reset_index()
    )
    found = pd.merge_asof(
        asked.sort_values("date"), rates[["date", "currency", "rate"]], on="date", by="currency"
    )
    digits = found["currency"].map(currency_digits)
    shift = 10.0 ** (currency_digits(checked.currency) - digits)
    out.loc[found["row"]] = (found["rate"] * shift).to_numpy()
    return out


@cache
def _no_rows_in_units(name: str) -> pd.DataFrame:
    """What `_in_units` makes of a table without rows; to be copied."""
    money = [c for c, spec in TABLES[name].items() if spec.kind == "money"]
    return empty_table(name)[list(TABLES[name])].astype(dict.fromkeys(money, float))


def _in_units(checked: Checked, name: str, **more: NDArray[np.int64]) -> pd.DataFrame:
    """A side table with its amounts in units of the reporting currency."""
    frame = checked.tables[name].reset_index(drop=True)
    if frame.empty:
        return _no_rows_in_units(name).assign(**more)
    date = {"orders": "order_date", "limits": "valid_from"}[name]
    factor = _factors(frame["currency"], frame[date], checked).to_numpy(dtype=float)
    out = frame[list(TABLES[name])].assign(**more)
    scale = 10 ** currency_digits(checked.currency)
    for column in [c for c, spec in TABLES[name].items() if spec.kind == "money"]:
        minor = to_reporting(frame[column].fillna(0).to_numpy(dtype=np.int64), factor)
        out[column] = pd.Series(minor / scale).mask(frame[column].isna())
    return out.sort_values([date, "customer_id"], kind="stable", ignore_index=True)


def _orders(checked: Checked, items: pd.DataFrame) -> pd.DataFrame:
    """Orders, with the day on which the invoice they name was known."""
    code = checked.tables["orders"]["_invoice"].to_numpy()
    since = np.full(2 + max(code.max(initial=-1), items["invoice"].max()), FAR)
    np.minimum.at(since, items["invoice"].to_numpy(), items["day"].to_numpy())
    return _in_units(checked, "orders", billed_day=np.where(code < 0, NO_DAY, since[code]))
