"""Shape `ageing_detail`: the detail of an ageing report, as QuickBooks and Xero export it.

A report shows only what is open on its date. Headings, subtotals and titles are lines of the report, not of
the ledger. What was paid of an open document was paid some day up to the report date; which day is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from arrisk.errors import ColumnMapError
from arrisk.ledger.columns.column_map import ColumnMap, TableMap
from arrisk.ledger.columns.roles import FIELDS
from arrisk.ledger.shapes.clearing import joined
from arrisk.ledger.shapes.rows import find_headers, headers_of, read_roles
from arrisk.ledger.shapes.shaping import KEYS, Account, canonical, plural
from arrisk.ledger.values.scalars import parse_dates

__all__ = ["shape_ageing_detail"]

_HEADING = "arrisk heading"
_REQUIRED = ("issue_date", "open_amount")


def shape_ageing_detail(
    column_map: ColumnMap, raw: Mapping[str, pd.DataFrame], options: Mapping[str, Any], account: Account
) -> dict[str, pd.DataFrame]:
    """Open documents as invoices; what was paid of them as one payment on the report date.

    Payments that are not used up are cash on account; other negative documents are credits. The day of
    the report is the option `report_date`, or stands in a title above the header.

    Returns
    -------
    dict of str to DataFrame
        invoices and events.

    Raises
    ------
    ColumnMapError
        If the day of the report is not known.
    """
    report_date = _report_date(options, column_map, raw)
    table = column_map.tables["items"]
    told = _without_customer(table)
    cleaned = {name: _documents(frame, told, column_map, account) for name, frame in raw.items()}
    frame = read_roles(_with_heading(column_map, told), cleaned, options, account)["items"].frame
    lost = frame["customer_id"].isna()
    account.set_apart(
        frame[lost], "invoices", "missing_customer_id", "no customer in the row or above it", "open_amount"
    )
    frame = _numbered(frame[~lost].reset_index(drop=True))
    return _tables(frame, column_map, report_date, account)


def _report_date(
    options: Mapping[str, Any], column_map: ColumnMap, raw: Mapping[str, pd.DataFrame]
) -> pd.Timestamp:
    given = options.get("report_date")
    if given is None:
        given = next((day for frame in raw.values() for day in _dated_titles(frame)), None)
    if given is None:
        raise ColumnMapError(
            f"column map {column_map.name!r} reads an ageing report: say of which day it is, "
            "for example report_date='2025-12-31'"
        )
    try:
        return pd.Timestamp(given).normalize()
    except ValueError as error:
        raise ColumnMapError(f"report_date={given!r} is not a date; write it as 2025-12-31") from error


def _dated_titles(frame: pd.DataFrame) -> list[pd.Timestamp]:
    """Days named in the titles above the header: "As at 31 December 2024"; one with two readings raises."""
    titles = pd.Series([str(title) for title in frame.attrs.get("preamble", ())], dtype=object)
    named = titles.str.extract(r"(?i)^\s*as (?:of|at):?\s+(.+)$")[0].dropna()
    days = parse_dates(named, column="title of the report").values if len(named) else named
    return list(days.dropna())


def _without_customer(table: TableMap) -> TableMap:
    """The headers of the customer, and after them the name in the heading above the row."""
    columns = {**table.columns, "customer_id": (*table.columns.get("customer_id", ()), _HEADING)}
    return TableMap(table.source, columns, table.defaults)


def _with_heading(column_map: ColumnMap, table: TableMap) -> ColumnMap:
    return ColumnMap(
        column_map.name, column_map.title, column_map.system, column_map.shape, (), column_map.options,
        column_map.codes, {**column_map.tables, "items": table},
    )  # fmt: skip


def _documents(raw: pd.DataFrame, table: TableMap, column_map: ColumnMap, account: Account) -> pd.DataFrame:
    """The rows of documents under their headers, each with the heading above it."""
    frame = _under_headers(raw, table, account)
    headers = find_headers(frame, table)
    if any(field not in headers for field in _REQUIRED):
        return frame
    cells = frame[headers_of(frame)]
    text = cells.astype(object).where(cells.notna(), "").astype(str).apply(lambda column: column.str.strip())
    filled = text.ne("").sum(axis=1)
    first = text.apply(lambda row: next((cell for cell in row if cell), ""), axis=1)
    total = first.str.casefold().map(
        lambda t: any(t.startswith(word) for word in column_map.codes["total_words"])
    )
    heading = (filled == 1) & ~total
    document = (
        ~heading
        & ~total
        & (filled > 0)
        & _has(text, headers, "issue_date")
        & _has(text, headers, "open_amount")
    )
    # Without a date but with an amount and a number, a row is a document that lacks its date, not a subtotal.
    document |= ~heading & ~total & _has(text, headers, "invoice_id") & _has(text, headers, "open_amount")
    apart = frame[~document]
    account.set_apart(apart[KEYS], "report", "report_line", ("report line: " + first[~document]).str.strip())
    if "customer_id" not in headers:
        frame = frame.assign(**{_HEADING: _above(first, heading)})
    documents: pd.DataFrame = frame[document].reset_index(drop=True)
    documents.attrs.update(raw.attrs)
    return documents


def _above(first: pd.Series, heading: pd.Series) -> np.ndarray:
    """The heading above each row, or None."""
    rows = np.maximum.accumulate(np.where(heading, np.arange(len(heading)), -1))
    names = np.append(first.to_numpy(dtype=object), [None])
    return names[rows]


def _has(text: pd.DataFrame, headers: Mapping[str, str], field: str) -> pd.Series:
    return text[headers[field]].ne("") if field in headers else pd.Series(False, index=text.index)


def _under_headers(raw: pd.DataFrame, table: TableMap, account: Account) -> pd.DataFrame:
    """Skip the title lines above the header row, if there are any."""
    fields = FIELDS["ageing_detail"]["items"]
    if all(field in find_headers(raw, table) for field, column in fields.items() if column.required):
        return raw
    names = headers_of(raw)
    for position in range(min(len(raw), 20)):
        row = raw.iloc[position]
        cells = [str(row[n]).strip() if isinstance(row[n], str) and row[n].strip() else str(n) for n in names]
        renamed = raw.rename(columns=dict(zip(names, cells, strict=True)))
        found = find_headers(renamed.loc[:, ~renamed.columns.duplicated()], table)
        if all(field in found for field in _REQUIRED):
            account.set_apart(
                raw.iloc[: position + 1][KEYS], "report", "report_line", "title or header of the report"
            )
            return renamed.loc[:, ~renamed.columns.duplicated()].iloc[position + 1 :].reset_index(drop=True)
    return raw


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Documents without a number are numbered by their line."""
    made = frame["document_type"].fillna("document").astype(str) + " in line " + frame["_line"].astype(str)
    return frame.assign(invoice_id=frame["invoice_id"].fillna(made))


def _tables(
    frame: pd.DataFrame, column_map: ColumnMap, report_date: pd.Timestamp, account: Account
) -> dict[str, pd.DataFrame]:
    words = [word.casefold() for word in column_map.codes["payment_types"]]
    cash = frame["document_type"].fillna("").str.casefold().isin(words) & (frame["open_amount"] != 0)
    documents = _with_original_amount(frame[~cash], account)
    part = documents[documents["amount"] != documents["open_amount"]]
    if len(part):
        account.note(
            f"{plural(len(part), 'document')} paid in part: the payment is dated {report_date.date()}, the "
            "day of the report, because its own day is not in the report"
        )
    account.note(
        "an ageing report shows only what is open: it says nothing about how long paid invoices took"
    )
    paid = part.assign(date=report_date, amount=part["amount"] - part["open_amount"], event_id=None)
    loose = frame[cash]
    loose = loose.assign(
        date=loose["issue_date"], amount=-loose["open_amount"], event_id=loose["invoice_id"], invoice_id=None
    )
    columns = ["date", "kind", "amount", "invoice_id", "customer_id", "event_id", "currency", *KEYS]
    events = joined([paid.assign(kind="payment"), loose.assign(kind="payment")], columns)
    return {"invoices": canonical(documents, "invoices"), "events": canonical(events, "events")}


def _with_original_amount(documents: pd.DataFrame, account: Account) -> pd.DataFrame:
    open_amount = documents["open_amount"]
    amount = documents["amount"].fillna(open_amount)
    # An original amount smaller than what is open, or of the other sign, is not what the balance is left of.
    odd = (amount - open_amount) * np.sign(open_amount.astype("int64")) < 0
    if odd.any():
        account.note(
            f"{plural(int(odd.sum()), 'document')} open with more than was invoiced: the open balance is used"
        )
    return documents.assign(amount=amount.mask(odd, open_amount))
