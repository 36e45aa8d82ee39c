"""Shape `erpnext_ledger`: Payment Ledger Entries of ERPNext.

Each entry raises (positive) or lowers (negative) what is owed on the voucher it counts against. An entry of
a voucher against itself is the item, or cash not yet matched; an entry of a voucher against another settles
that one. Delinked entries no longer count. ERPNext dates a later reconciliation by the payment, so cash
counts on its invoice from the day of the payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.shapes.clearing import number_apart
from arrisk.ledger.shapes.rows import read_roles
from arrisk.ledger.shapes.shaping import Account, canonical, plural

__all__ = ["shape_erpnext"]


def shape_erpnext(
    column_map: ColumnMap, raw: Mapping[str, pd.DataFrame], options: Mapping[str, Any], account: Account
) -> dict[str, pd.DataFrame]:
    """Items and events of the entries that count.

    Returns
    -------
    dict of str to DataFrame
        invoices and events.
    """
    frame = _counting(read_roles(column_map, raw, options, account)["entries"].frame, account)
    frame = frame.assign(
        voucher=frame["voucher_type"] + "\x1f" + frame["voucher_no"],
        against=frame["against_voucher_type"] + "\x1f" + frame["against_voucher_no"],
        kind=_kinds(frame, column_map),
    )
    is_item = _items(frame)
    invoices = _invoices(frame[is_item])
    events = _events(frame[~is_item], frame[is_item], account)
    return {"invoices": invoices, "events": events}


def _counting(frame: pd.DataFrame, account: Account) -> pd.DataFrame:
    delinked = frame["delinked"].fillna(False).astype(bool)
    account.set_apart(
        frame[delinked], "events", "delinked", "the entry was unlinked or its voucher cancelled"
    )
    other = ~delinked & frame["account_type"].notna() & (frame["account_type"] != "Receivable")
    told = "account type is " + frame.loc[other, "account_type"].astype(str)
    account.set_apart(frame[other], "events", "not_receivable", told)
    nothing = ~delinked & ~other & (frame["amount"] == 0)
    account.set_apart(frame[nothing], "events", "zero_amount", "an entry of zero")
    return frame[~delinked & ~other & ~nothing].reset_index(drop=True)


def _kinds(frame: pd.DataFrame, column_map: ColumnMap) -> pd.Series:
    by_type = {
        voucher: kind
        for codes, kind in (
            ("payment_vouchers", "payment"),
            ("credit_vouchers", "credit_note"),
            ("write_off_vouchers", "write_off"),
        )
        for voucher in column_map.codes[codes]
    }
    return frame["voucher_type"].map(by_type).fillna("payment")


def _items(frame: pd.DataFrame) -> pd.Series:
    """Entries that are items: of a voucher against itself, and not cash on account.

    An invoice paid at the till has a second, negative entry against itself: that one is its payment.
    """
    itself = frame["voucher"] == frame["against"]
    owes = itself & (frame["amount"] > 0) & (frame["voucher_type"] != "Payment Entry")
    credit = itself & (frame["amount"] < 0) & (frame["kind"] != "payment")
    return owes | (credit & ~frame["voucher"].isin(frame.loc[owes, "voucher"]))


def _invoices(items: pd.DataFrame) -> pd.DataFrame:
    """One item for each entry; several of one voucher, as for a journal entry, are its parts."""
    part = items.groupby("voucher").cumcount() + 1
    several = items.groupby("voucher")["voucher"].transform("size") > 1
    frame = items.assign(
        invoice_id=items["voucher_no"],
        issue_date=items["posting_date"],
        instalment=part.where(several).astype("Int64"),
    )
    return canonical(frame, "invoices")


def _events(entries: pd.DataFrame, items: pd.DataFrame, account: Account) -> pd.DataFrame:
    """What the other entries do to the item they count against; without one, to the customer's account."""
    itself = entries["voucher"] == entries["against"]
    till = itself & entries["against"].isin(items["voucher"])
    found = entries["against"].isin(items["voucher"])
    lost = ~itself & ~found & ~entries["against"].isin(entries["voucher"])
    if lost.any():
        account.note(
            f"{plural(int(lost.sum()), 'entry', 'entries')} against a voucher not in the source: on account"
        )
    kind = entries["kind"].mask(till | ~found, "payment")
    # A payment entry's own number is the event's: the name of the ledger entry is a random key.
    frame = entries.assign(
        date=entries["posting_date"],
        amount=-entries["amount"],
        kind=kind,
        invoice_id=entries["against_voucher_no"].where(found, None),
        event_id=entries["voucher_no"],
    )
    return canonical(
        number_apart(frame.assign(instalment=pd.array([pd.NA] * len(frame), dtype="Int64"))), "events"
    )
