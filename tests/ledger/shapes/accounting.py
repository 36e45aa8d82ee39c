"""Raw frames from CSV text, and the arithmetic that shaped tables must satisfy."""

from __future__ import annotations

import io

import pandas as pd

from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.shapes import Shaped, apply_map
from arrisk.ledger.tables import TABLES


def raw_csv(text: str, name: str) -> pd.DataFrame:
    """A raw frame as read from a CSV file: every cell as written, with its source and line."""
    frame = pd.read_csv(io.StringIO(text.strip()), dtype=str, keep_default_na=False, skipinitialspace=True)
    return frame.assign(_source=name, _line=range(2, len(frame) + 2))


def shape(map_name: str, raw: dict[str, pd.DataFrame], **options: object) -> Shaped:
    """Apply a shipped map; the caller's frames stay as they were and every row is accounted for."""
    before = {name: frame.copy() for name, frame in raw.items()}
    shaped = apply_map(ColumnMap.load(map_name), raw, options)
    for name, frame in raw.items():
        pd.testing.assert_frame_equal(frame, before[name])
    assert_accounted(shaped, raw)
    return shaped


def assert_accounted(shaped: Shaped, raw: dict[str, pd.DataFrame]) -> None:
    """Every source row is in exactly one of: canonical rows, quarantine, supporting."""
    rows = {key for frame in raw.values() for key in zip(frame["_source"], frame["_line"], strict=True)}
    kept = {
        key for frame in shaped.tables.values() for key in zip(frame["_source"], frame["_line"], strict=True)
    }
    apart = list(zip(shaped.quarantine["source"], shaped.quarantine["line"], strict=True))
    support = list(zip(shaped.supporting["_source"], shaped.supporting["_line"], strict=True))
    assert len(set(apart)) == len(apart)
    assert len(set(support)) == len(support)
    assert not kept & set(apart)
    assert not kept & set(support)
    assert not set(apart) & set(support)
    assert kept | set(apart) | set(support) == rows
    for name, frame in shaped.tables.items():
        assert name == "customers" or set(frame.columns) <= {*TABLES[name], "_source", "_line"}
        for column, spec in TABLES[name].items():
            if spec.kind == "money" and column in frame:
                assert frame[column].dtype == "Int64"


def open_at(shaped: Shaped, date: str) -> dict[str, int]:
    """Open minor units by invoice on a day; cash on account negative under its customer."""
    day = pd.Timestamp(date)
    invoices, events = shaped.tables["invoices"], shaped.tables["events"]
    events = events.reindex(columns=list(dict.fromkeys([*events.columns, "invoice_id", "customer_id"])))
    since = invoices[["issue_date", *(c for c in ("recorded_date",) if c in invoices)]].max(axis=1)
    owed = invoices[since <= day].groupby("invoice_id")["amount"].sum()
    known = events[["date", *(c for c in ("recorded_date",) if c in events)]].max(axis=1)
    target = events["invoice_id"].where(events["invoice_id"].notna(), events["customer_id"])
    settled = events[known <= day].assign(target=target).groupby("target")["amount"].sum()
    left = owed.astype("int64").sub(settled.astype("int64"), fill_value=0).astype("int64")
    return {str(key): int(amount) for key, amount in left.items() if amount}


def ledger_balance(shaped: Shaped, date: str, currency: str) -> float:
    """The open balance that the ledger itself derives from the shaped tables."""
    ledger = build_ledger(shaped.tables, currency, quarantine=shaped.quarantine)
    assert len(ledger.quarantine) == len(shaped.quarantine), ledger.quarantine
    return ledger.as_of(date).open_balance
