"""Shape `odoo_reconciles`: receivable journal items of Odoo with their partial reconciliations.

Amounts are those in company currency. A reconciliation counts from `max_date`, the later date of its two
lines, as in Odoo's own aged report. Several maturity lines of one entry are instalments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.shapes.clearing import joined, settle
from arrisk.ledger.shapes.parties import customers_of
from arrisk.ledger.shapes.rows import read_roles
from arrisk.ledger.shapes.shaping import Account, plural

__all__ = ["shape_odoo"]


def shape_odoo(
    column_map: ColumnMap, raw: Mapping[str, pd.DataFrame], options: Mapping[str, Any], account: Account
) -> dict[str, pd.DataFrame]:
    """Invoices of debit lines, events of reconciliations; unreconciled cash stays on account.

    Returns
    -------
    dict of str to DataFrame
        invoices, events and, with names in the rows, customers.
    """
    roles = read_roles(column_map, raw, options, account)
    lines = _usable(roles["lines"].frame, account)
    items = _items(lines, column_map)
    pairs = _pairs(roles["reconciles"].frame, items, account)
    items = _without_closed_unreconciled(items, pairs, account)
    _check_residual(items, pairs, account)
    invoices, events = settle(items, pairs, apply_payments=options.get("apply_payments"))
    return {"invoices": invoices, "events": events, **customers_of(items, roles["lines"].given, account)}


def _usable(frame: pd.DataFrame, account: Account) -> pd.DataFrame:
    frame = frame.assign(amount=frame["debit"] - frame["credit"])
    drafts = frame["state"].notna() & (frame["state"].str.casefold() != "posted")
    kind = frame["account_type"].fillna("receivable").str.casefold()
    other = ~kind.str.contains("receivable")
    zero = frame["amount"] == 0
    again = frame.duplicated("line_id")
    tests = [
        (drafts, "not_posted", "a draft or cancelled entry"),
        (other, "not_receivable", "not on a receivable account"),
        (again, "duplicate_line", "id seen before; the first is kept"),
        (zero, "zero_amount", "debit and credit are equal"),
    ]
    keep = pd.Series(True, index=frame.index)
    for bad, reason, detail in tests:
        account.set_apart(frame[keep & bad], "invoices", reason, detail)
        keep &= ~bad
    return frame[keep].reset_index(drop=True)


def _items(lines: pd.DataFrame, column_map: ColumnMap) -> pd.DataFrame:
    codes = column_map.codes
    owes = lines["amount"] > 0
    type_known = lines["move_type"].notna()
    prefix = lines["move_id"].str.split("/").str[0].str.casefold()
    by_prefix = {
        name: prefix.isin([p.casefold() for p in codes[name]])
        for name in ("credit_prefixes", "write_off_prefixes")
    }
    credit = lines["move_type"].isin(codes["credit_types"]) | (~type_known & by_prefix["credit_prefixes"])
    entry = type_known & ~lines["move_type"].isin([*codes["invoice_types"], *codes["credit_types"]])
    cash = lines["payment_id"].notna() | (entry & ~owes) | (~type_known & ~owes)
    kind = np.select(
        [by_prefix["write_off_prefixes"] & ~owes, credit & ~owes, cash, owes],
        ["write_off", "credit_note", "payment", "invoice"],
        "credit_note",
    )
    # Parts of one entry count from the earliest maturity.
    order = lines.assign(kind=kind).sort_values(["due_date", "line_id"], kind="stable")
    part = order.groupby("move_id").cumcount() + 1
    several = order.groupby("move_id")["move_id"].transform("size") > 1
    return lines.assign(
        key=lines["line_id"],
        kind=kind,
        invoice_id=lines["move_id"],
        event_id=lines["move_id"],
        issue_date=lines["issue_date"].fillna(lines["date"]),
        recorded_date=lines["date"],
        instalment=part.where(several).reindex(lines.index).astype("Int64"),
    )


def _pairs(reconciles: pd.DataFrame, items: pd.DataFrame, account: Account) -> pd.DataFrame:
    known = reconciles["debit_line"].isin(items["key"]) & reconciles["credit_line"].isin(items["key"])
    account.set_apart(
        reconciles[~known], "events", "unknown_line", "one of its two journal items is not among the lines"
    )
    links = reconciles[known]
    account.only_supports(links, "reconciles")
    return links.rename(columns={"debit_line": "debit", "credit_line": "credit"})[
        ["debit", "credit", "amount", "date"]
    ].reset_index(drop=True)


def _without_closed_unreconciled(items: pd.DataFrame, pairs: pd.DataFrame, account: Account) -> pd.DataFrame:
    linked = items["key"].isin(pairs["debit"]) | items["key"].isin(pairs["credit"])
    alone = ~linked & (items["residual"] == 0).fillna(False).astype(bool)
    owed = alone & (items["amount"] > 0)
    told = "nothing is left of it, without any reconciliation"
    account.set_apart(items[owed], "invoices", "cleared_never_collected", told)
    account.set_apart(items[alone & ~owed], "events", "cleared_without_counterpart", told)
    return items[~alone].reset_index(drop=True)


def _check_residual(items: pd.DataFrame, pairs: pd.DataFrame, account: Account) -> None:
    given = items[items["residual"].notna()].set_index("key")
    if given.empty:
        return
    settled = joined(
        [pairs.assign(key=pairs["debit"], amount=-pairs["amount"]), pairs.assign(key=pairs["credit"])],
        ["key", "amount"],
    )
    computed = given["amount"] + settled.groupby("key")["amount"].sum().reindex(given.index).fillna(0).astype(
        "Int64"
    )
    off = int((computed != given["residual"]).sum())
    if off:
        account.note(
            f"{plural(off, 'line')} whose residual is not what the reconciliations leave: those count"
        )
