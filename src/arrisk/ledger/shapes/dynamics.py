"""Shape `dynamics_settlements`: CustTrans, CustSettlement and CustTransOpen of Dynamics AX and 365 Finance.

A settlement links two transactions and is stored once for each of them, so most links are there twice; a
negative one takes a settlement back. A closing date of 1900-01-01 means open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.shapes.clearing import joined, settle
from arrisk.ledger.shapes.rows import Rows, read_roles
from arrisk.ledger.shapes.shaping import Account, plural
from arrisk.ledger.tables import currency_digits

__all__ = ["shape_dynamics"]

_PAIR = ["debit", "credit", "amount", "date"]


def shape_dynamics(
    column_map: ColumnMap, raw: Mapping[str, pd.DataFrame], options: Mapping[str, Any], account: Account
) -> dict[str, pd.DataFrame]:
    """Invoices of positive transactions; events of settlements, dated by the settlement.

    Settlements and open transactions are read as evidence only: the money is that of CustTrans. A closed
    transaction without any settlement is set apart.

    Returns
    -------
    dict of str to DataFrame
        invoices and events.
    """
    roles = read_roles(column_map, raw, options, account)
    items = _items(
        _once(roles["transactions"].frame, account), column_map, roles.get("open_transactions"), account
    )
    pairs = _pairs(roles["settlements"].frame, items, account)
    items = _without_closed_unsettled(items, pairs, account)
    if "open_transactions" in roles:
        _check_open(items, pairs, roles["open_transactions"].frame, account)
    invoices, events = settle(items, pairs, apply_payments=options.get("apply_payments"))
    return {"invoices": invoices, "events": events}


def _once(frame: pd.DataFrame, account: Account) -> pd.DataFrame:
    again = frame.duplicated("transaction_id")
    account.set_apart(
        frame[again], "invoices", "duplicate_transaction", "RecId seen before; the first is kept"
    )
    return frame[~again]


def _items(
    frame: pd.DataFrame, column_map: ColumnMap, still_open: Rows | None, account: Account
) -> pd.DataFrame:
    word = frame["type"].fillna("").str.casefold()
    is_of = {
        name: word.isin([code.casefold() for code in several]) for name, several in column_map.codes.items()
    }
    kind = np.select(
        [is_of["payment_types"], frame["amount"] >= 0, is_of["discount_types"], is_of["write_off_types"]],
        ["payment", "invoice", "discount", "write_off"],
        "credit_note",
    )
    due = frame["due_date"]
    if still_open is not None:
        due = due.fillna(
            frame["transaction_id"].map(still_open.frame.groupby("transaction_id")["due_date"].min())
        )
    items = frame.assign(
        key=frame["transaction_id"],
        kind=kind,
        due_date=due,
        issue_date=frame["document_date"].fillna(frame["date"]),
        recorded_date=frame["date"],
        invoice_id=_numbers(frame, kind),
        event_id=frame["voucher"].fillna(frame["transaction_id"]),
        instalment=pd.array([pd.NA] * len(frame), dtype="Int64"),
    )
    nothing = (items["kind"] == "payment") & (items["amount"] == 0)
    account.set_apart(items[nothing], "events", "zero_amount", "a payment of zero")
    return items[~nothing].reset_index(drop=True)


def _numbers(frame: pd.DataFrame, kind: np.ndarray) -> pd.Series:
    """Invoice numbers; where one is used again, as for a correction, the record number is added."""
    number = frame["invoice_id"].fillna(frame["voucher"]).fillna(frame["transaction_id"]).astype(object)
    again = number.where(kind != "payment").duplicated() & (kind != "payment")
    return number.where(~again, number + "/" + frame["transaction_id"])


def _pairs(settlements: pd.DataFrame, items: pd.DataFrame, account: Account) -> pd.DataFrame:
    facts = items.set_index("key")
    known = settlements["transaction_id"].isin(facts.index) & settlements["offset_id"].isin(facts.index)
    account.set_apart(
        settlements[~known],
        "events",
        "unknown_transaction",
        "one of its two transactions is not in CustTrans",
    )
    links = settlements[known]
    account.only_supports(links, "settlements")
    own, other = (facts.loc[links[column]] for column in ("transaction_id", "offset_id"))
    owes = own["amount"].to_numpy() >= 0
    twins = int((owes == (other["amount"].to_numpy() >= 0)).sum())
    if twins:
        account.note(
            f"{plural(twins, 'settlement')} of two debits or two credits: read by the sign of the first"
        )
    pairs = pd.DataFrame(
        {
            "debit": np.where(owes, links["transaction_id"], links["offset_id"]),
            "credit": np.where(owes, links["offset_id"], links["transaction_id"]),
            "amount": np.where(owes, 1, -1) * _in_digits_of(links, own),
            "date": links["date"].to_numpy(),
            "side": owes,
        }
    )
    return _each_once(pairs)


def _in_digits_of(links: pd.DataFrame, own: pd.DataFrame) -> np.ndarray:
    """Amounts in minor units of the transaction, for settlements that do not name their currency."""
    used = (
        links["currency"].map(lambda c: currency_digits(c) if isinstance(c, str) else 2).to_numpy(dtype=float)
    )
    true = (
        own["currency"].map(lambda c: currency_digits(c) if isinstance(c, str) else 2).to_numpy(dtype=float)
    )
    scaled: np.ndarray = np.rint(links["amount"].to_numpy(dtype=float) * 10.0 ** (true - used)).astype(
        np.int64
    )
    return scaled


def _each_once(pairs: pd.DataFrame) -> pd.DataFrame:
    """A link stored for both its transactions counts once; one stored for either counts too."""
    nth = pairs.groupby([*_PAIR, "side"]).cumcount()
    return pairs.assign(nth=nth).drop_duplicates([*_PAIR, "nth"])[_PAIR].reset_index(drop=True)


def _without_closed_unsettled(items: pd.DataFrame, pairs: pd.DataFrame, account: Account) -> pd.DataFrame:
    linked = items["key"].isin(pairs["debit"]) | items["key"].isin(pairs["credit"])
    alone = items["closed_date"].notna() & ~linked & (items["amount"] != 0)
    owed = alone & (items["amount"] > 0)
    account.set_apart(items[owed], "invoices", "cleared_never_collected", "closed without any settlement")
    account.set_apart(
        items[alone & ~owed], "events", "cleared_without_counterpart", "closed without any settlement"
    )
    return items[~alone].reset_index(drop=True)


def _check_open(items: pd.DataFrame, pairs: pd.DataFrame, still_open: pd.DataFrame, account: Account) -> None:
    account.only_supports(still_open, "open_transactions")
    settled = joined(
        [
            pairs.assign(key=pairs["debit"], amount=-pairs["amount"]),
            pairs.assign(key=pairs["credit"]),
        ],
        ["key", "amount"],
    )
    computed = items.set_index("key")["amount"].astype("int64")
    computed = computed.add(settled.groupby("key")["amount"].sum().reindex(computed.index).fillna(0)).astype(
        "int64"
    )
    told = (
        still_open.groupby("transaction_id")["amount"].sum().reindex(computed.index).fillna(0).astype("int64")
    )
    off = computed[computed != told]
    if len(off):
        shown = ", ".join(str(key) for key in off.index[:3])
        account.note(
            f"{plural(len(off), 'transaction')} open by their settlements otherwise than CustTransOpen "
            f"says ({shown}): the settlements count"
        )
