"""Small ledgers for tests, written as people would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.book import Ledger
from arrisk.ledger.checks import Rules
from arrisk.ledger.tables import TABLES


def typed(table: str, rows: list[dict[str, Any]], digits: int = 2) -> pd.DataFrame:
    """Typed frame of rows whose dates are text and whose money is in currency units."""
    frame = pd.DataFrame(rows)
    for column, spec in TABLES[table].items():
        if column in frame and spec.kind == "date":
            frame[column] = np.array(
                ["NaT" if pd.isna(v) else v for v in frame[column]], dtype="datetime64[s]"
            )
        if column in frame and spec.kind == "money":
            minor = [None if pd.isna(v) else round(v * 10**digits) for v in frame[column]]
            frame[column] = pd.array(minor, dtype="Int64")
    return frame


def ledger_of(
    invoices: list[dict[str, Any]],
    events: list[dict[str, Any]] | None = None,
    currency: str | None = "EUR",
    rules: Rules | None = None,
    engine: str = "duckdb",
    **tables: list[dict[str, Any]],
) -> Ledger:
    """Ledger of invoices and events given as rows."""
    given = {"invoices": invoices, "events": events or [], **tables}
    frames = {name: typed(name, rows) for name, rows in given.items() if rows}
    return build_ledger(frames, currency, rules, engine=engine)


def invoice(number: str, issued: str, amount: float, due: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "invoice_id": number,
        "customer_id": "c",
        "issue_date": issued,
        "due_date": due,
        "amount": amount,
        **more,
    }


def event(number: str | None, date: str, amount: float, kind: str = "payment", **more: Any) -> dict[str, Any]:
    return {"invoice_id": number, "date": date, "kind": kind, "amount": amount, **more}
