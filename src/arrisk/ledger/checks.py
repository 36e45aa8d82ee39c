"""Checks at the door: every row is kept, or is in quarantine with a reason; nothing else can happen to it.

Whether a row is kept depends only on rows that were known no later than itself, so that later rows cannot
change an earlier state of the ledger. The one exception is asked for by name: ``prepayments="quarantine"``
judges a receipt by an invoice that follows it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import LedgerError
from arrisk.ledger.checked import Checked, Rules
from arrisk.ledger.event_checks import check_events
from arrisk.ledger.normal_form import complete, empty_table, joint_codes, known_days, upper_text
from arrisk.ledger.quarantine import Quarantine
from arrisk.ledger.tables import TABLES, required

__all__ = ["Checked", "Rules", "check_tables"]


def check_tables(
    tables: Mapping[str, pd.DataFrame], currency: str | None, rules: Rules, quarantine: Quarantine
) -> Checked:
    """Check typed tables and set rows apart that cannot be used.

    Parameters
    ----------
    tables : mapping of table name to typed frame
        Dates at midnight, money in minor units of the row's currency, texts or missing; not changed.
    currency : str, optional
        The reporting currency; by default the only one in the invoices.
    rules : Rules
    quarantine : Quarantine
        Receives the rejected rows.

    Raises
    ------
    LedgerError
        If there are no invoices, a required column is missing, several currencies are given without naming
        the reporting one, or every invoice was rejected.

    Examples
    --------
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "1"], "customer_id": ["c", "c"], "amount": [500, 500],
    ...     "issue_date": pd.to_datetime(["2025-01-31", "2025-01-31"])})
    >>> quarantine = Quarantine()
    >>> checked = check_tables({"invoices": invoices}, "EUR", Rules(), quarantine)
    >>> len(checked.tables["invoices"]), quarantine.frame()["reason"].tolist()
    (1, ['duplicate_invoice'])
    """
    unknown = set(tables) - set(TABLES)
    if unknown:
        raise LedgerError(f"unknown table {sorted(unknown)[0]!r}; allowed: {', '.join(TABLES)}")
    if "invoices" not in tables or tables["invoices"].empty:
        raise _no_invoices(quarantine)
    work = {name: complete(name, tables[name]) if name in tables else empty_table(name) for name in TABLES}
    checked = Checked(work, _reporting_currency(work, currency), quarantine)
    _number_names(checked)
    seen = work["invoices"][["_invoice", "_known"]]
    for name in TABLES:
        _drop_unreadable(checked, name)
    if work["invoices"].empty:
        raise _no_invoices(quarantine)
    _check_customers(checked)
    _check_rates_table(checked)
    listed = "customers" in tables and rules.unknown_customers == "quarantine"
    _check_invoices(checked, rules, listed)
    check_events(checked, rules, listed, seen)
    _check_side_tables(checked, listed)
    return checked


def _no_invoices(quarantine: Quarantine) -> LedgerError:
    lost = quarantine.summary("invoices")
    return LedgerError(
        f"every row of invoices was rejected: {lost}"
        if lost
        else "no invoices found; a ledger needs at least an invoices table with rows"
    )


def _reporting_currency(tables: Mapping[str, pd.DataFrame], currency: str | None) -> str:
    """Find the reporting currency; rows that do not name theirs are in it."""
    seen = sorted({c for c in upper_text(tables["invoices"]["currency"], None) if c is not None})
    if currency is None:
        if len(seen) > 1:
            raise LedgerError(
                f"invoices in {len(seen)} currencies ({', '.join(seen[:5])}): name the reporting one, "
                f"for example currency={seen[0]!r}, and give a rates table"
            )
        currency = seen[0] if seen else "XXX"
    currency = currency.strip().upper()
    for name in ("invoices", "events", "orders", "limits"):
        tables[name]["currency"] = upper_text(tables[name]["currency"], currency)
    tables["rates"]["currency"] = upper_text(tables["rates"]["currency"], None)
    return currency


def _drop_unreadable(checked: Checked, name: str) -> None:
    """Rows that were marked while the source was read, and rows that lack what they must have."""
    frame = checked.tables[name]
    if frame.empty:
        return
    marked = frame["_reason"].notna().to_numpy()
    checked.set_apart(name, marked, frame["_reason"], frame["_detail"])
    for column in required(name):
        missing = checked.tables[name][column].isna()
        checked.set_apart(name, missing, f"missing_{column}", f"{column} is empty; it is required")


def _number_names(checked: Checked) -> None:
    """Give rows the numbers of their customer and invoice, and the day from which they count."""
    checked.customer_ids = _number(
        checked, "customer_id", "_customer", tuple(t for t in TABLES if t != "rates")
    )
    _number(checked, "invoice_id", "_invoice", ("invoices", "events", "orders"))
    for name, date in (("invoices", "issue_date"), ("events", "date")):
        checked.tables[name]["_known"] = known_days(checked.tables[name], date)


def _number(checked: Checked, column: str, number: str, names: tuple[str, ...]) -> NDArray[np.object_]:
    """Number the names in a column of several tables alike; blank ones are missing ones."""
    frames = [checked.tables[name] for name in names]
    codes, texts = joint_codes([frame[column] for frame in frames])
    blank = np.array([not str(text).strip() for text in texts] + [False], dtype=bool)
    for frame, code in zip(frames, codes, strict=True):
        if blank.any() and blank[code].any():
            frame[column] = frame[column].mask(blank[code], None)
        frame[number] = np.where(blank[code], -1, code)
    return texts


def _check_customers(checked: Checked) -> None:
    twice = checked.tables["customers"].duplicated("_customer")
    checked.set_apart(
        "customers", twice, "duplicate_customer", "customer_id seen before; the first row is kept"
    )


def _check_rates_table(checked: Checked) -> None:
    rate = checked.tables["rates"]["rate"].to_numpy()
    checked.set_apart("rates", ~(np.isfinite(rate) & (rate > 0)), "not_positive", "a rate is above zero")
    again = checked.tables["rates"].duplicated(["currency", "date"])
    checked.set_apart(
        "rates", again, "duplicate_rate", "a rate of this currency and day was seen before; the first is kept"
    )


def _check_invoices(checked: Checked, rules: Rules, listed: bool) -> None:
    if rules.negative_invoices == "quarantine":
        negative = checked.tables["invoices"]["amount"] < 0
        checked.set_apart(
            "invoices", negative, "negative_amount", "negative; allowed with negative_invoices='credit'"
        )
    if listed:
        detail = "customer_id is not in the customers table; allowed with unknown_customers='add'"
        checked.set_apart("invoices", checked.strangers("invoices"), "unknown_customer", detail)
    checked.set_apart_without_rate("invoices", "issue_date")
    frame = checked.tables["invoices"]
    frame = frame.assign(
        instalment=frame["instalment"].fillna(1).astype("int64"), amount=frame["amount"].astype("int64")
    )
    checked.tables["invoices"] = frame
    # Last, so that a row that cannot be used does not push out one that can.
    order = np.argsort(frame["_known"].to_numpy(), kind="stable")
    again = np.zeros(len(frame), dtype=bool)
    again[order] = frame[["_invoice", "instalment"]].iloc[order].duplicated().to_numpy()
    detail = "invoice_id (and instalment) seen before; the first known is kept"
    checked.set_apart("invoices", again, "duplicate_invoice", detail)
    frame = checked.tables["invoices"]
    if frame.empty:
        raise _no_invoices(checked.quarantine)
    checked.note(frame["due_date"].isna(), "invoices have no due date: shown in a column of their own")
    checked.note(
        frame["due_date"] < frame["issue_date"], "invoices fall due before their date: kept as given"
    )
    checked.note(frame["amount"] < 0, "invoices are negative: shown as credits in a column of their own")


def _check_side_tables(checked: Checked, listed: bool) -> None:
    for name in ("orders", "limits", "signals"):
        if listed and not checked.tables[name].empty:
            detail = "customer_id is not in the customers table"
            checked.set_apart(name, checked.strangers(name), "unknown_customer", detail)
    for name, date in (("orders", "order_date"), ("limits", "valid_from")):
        checked.set_apart_without_rate(name, date)
    negative = checked.tables["limits"]["credit_limit"] < 0
    checked.set_apart("limits", negative, "negative_limit", "a limit is zero or more")
    again = checked.tables["orders"].duplicated("order_id")
    checked.set_apart("orders", again, "duplicate_order", "order_id seen before; the first is kept")
