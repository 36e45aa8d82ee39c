"""Shape `settled_invoices`: one row an invoice, with the day it was paid in full when it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.shapes.parties import customers_of
from arrisk.ledger.shapes.rows import read_roles
from arrisk.ledger.shapes.shaping import KEYS, Account, canonical, plural

__all__ = ["shape_settled_invoices"]


def shape_settled_invoices(
    column_map: ColumnMap, raw: Mapping[str, pd.DataFrame], options: Mapping[str, Any], account: Account
) -> dict[str, pd.DataFrame]:
    """Make of each row an invoice and, if it was settled, a payment of the whole amount on that day.

    A row that the source calls closed without a day of settlement is set apart as "cleared_never_collected":
    it is neither open nor was it ever paid as far as the source can say.

    Returns
    -------
    dict of str to DataFrame
        invoices, events and, when the rows carry attributes of the customer, customers.
    """
    rows = read_roles(column_map, raw, options, account)["invoices"]
    frame = rows.frame
    closed = frame["settled_date"].isna() & ~frame["is_open"].fillna(True).astype(bool)
    account.set_apart(
        frame[closed],
        "invoices",
        "cleared_never_collected",
        "closed in the source, without a day of settlement",
    )
    frame = frame[~closed].reset_index(drop=True)
    _say_contradictions(frame, account)
    tables = {"invoices": canonical(frame, "invoices"), "events": _payments(frame)}
    return tables | customers_of(frame, rows.given, account)


def _payments(frame: pd.DataFrame) -> pd.DataFrame:
    # A settlement of nothing is no event.
    paid = frame[frame["settled_date"].notna() & (frame["amount"] != 0)]
    events = paid.assign(date=paid["settled_date"], kind="payment")
    return canonical(
        events[["date", "kind", "amount", "invoice_id", "customer_id", "currency", *KEYS]], "events"
    )


def _say_contradictions(frame: pd.DataFrame, account: Account) -> None:
    both = frame["settled_date"].notna() & frame["is_open"].fillna(False)
    if both.any():
        said = plural(int(both.sum()), "invoice is", "invoices are")
        account.note(f"{said} called open but have a day of settlement: the day counts")
