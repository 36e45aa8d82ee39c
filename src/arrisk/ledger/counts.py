"""The count that shows that nothing was lost: rows and money in, kept and set apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from arrisk.errors import LedgerError
from arrisk.ledger.checked import Checked
from arrisk.ledger.normal_form import codes_of, upper_text
from arrisk.ledger.quarantine import LedgerChecks, reasons_table
from arrisk.ledger.tables import TABLES, currency_digits

__all__ = ["make_checks"]

Totals = dict[str, tuple[int, int]]
MONEY = {"limits": "credit_limit"}


def make_checks(
    tables: Mapping[str, pd.DataFrame],
    checked: Checked,
    before: pd.DataFrame | None,
    after: pd.DataFrame,
    notes: tuple[str, ...],
) -> LedgerChecks:
    """Count rows and money in, kept and set apart, each on its own.

    Parameters
    ----------
    tables : mapping of table name to DataFrame
        As they came in.
    checked : Checked
        What was kept.
    before, after : DataFrame
        Quarantine before and after the checks; the rows before were never in `tables`.
    notes : tuple of str

    Raises
    ------
    LedgerError
        If they do not add up.
    """
    early = after.iloc[:0] if before is None else before
    rows: list[dict[str, Any]] = []
    for name in [*TABLES, *sorted(set(after["table"]) - set(TABLES))]:
        apart = after[(after["table"] == name).to_numpy()] if len(after) else after
        given, kept = tables.get(name), checked.tables.get(name)
        if apart.empty and given is None:
            continue
        came = _joined(_totals(name, given, checked.currency), _apart(name, early, checked.currency))
        sums = {"in": came, "kept": _totals(name, kept, checked.currency)}
        sums["quarantined"] = _apart(name, apart, checked.currency)
        rows.extend(_rows(name, sums))
    return LedgerChecks(pd.DataFrame(rows), reasons_table(after), notes)


def _rows(name: str, sums: Mapping[str, Totals]) -> list[dict[str, Any]]:
    out = []
    for currency in sorted({code for total in sums.values() for code in total}):
        counts = {what: total.get(currency, (0, 0)) for what, total in sums.items()}
        _must_add_up(name, currency, counts)
        digits = currency_digits(currency)
        out.append(
            {"table": name, "currency": currency}
            | {f"rows_{what}": rows for what, (rows, _) in counts.items()}
            | {f"amount_{what}": round(amount / 10**digits, digits) for what, (_, amount) in counts.items()}
        )
    return out


def _totals(name: str, frame: pd.DataFrame | None, default: str) -> Totals:
    """Rows and minor units of a table by currency; "" where a table has no money."""
    column = MONEY.get(name, "amount")
    if frame is None or frame.empty:
        return {}
    if column not in TABLES.get(name, {}):
        return {"": (len(frame), 0)}
    minor = frame[column].fillna(0).to_numpy(dtype=np.int64)
    if "currency" not in frame:
        return {default: (len(frame), int(minor.sum()))}
    return _by_currency(upper_text(frame["currency"], default), minor)


def _apart(name: str, rows: pd.DataFrame, default: str) -> Totals:
    """The same of rows in quarantine, whose amounts are in currency units."""
    if rows.empty:
        return {}
    rows = rows[(rows["table"] == name).to_numpy()]
    if rows.empty:
        return {}
    if MONEY.get(name, "amount") not in TABLES.get(name, {}):
        return {"": (len(rows), 0)}
    codes = upper_text(rows["currency"], default)
    scale = 10.0 ** np.array([currency_digits(code) for code in codes])
    minor = np.rint(rows["amount"].fillna(0).to_numpy() * scale).astype(np.int64)
    return _by_currency(codes, minor)


def _by_currency(currency: Any, minor: Any) -> Totals:
    codes, names = codes_of(currency)
    sums = np.zeros(len(names), dtype=np.int64)
    np.add.at(sums, codes, minor)
    sizes = np.bincount(codes, minlength=len(names))
    return {str(name): (int(sizes[i]), int(sums[i])) for i, name in enumerate(names)}


def _joined(one: Totals, other: Totals) -> Totals:
    return {
        code: (
            one.get(code, (0, 0))[0] + other.get(code, (0, 0))[0],
            one.get(code, (0, 0))[1] + other.get(code, (0, 0))[1],
        )
        for code in {*one, *other}
    }


def _must_add_up(name: str, currency: str, counts: Mapping[str, tuple[int, int]]) -> None:
    for index, what in enumerate(("rows", "minor units")):
        given, kept, apart = (counts[key][index] for key in ("in", "kept", "quarantined"))
        if given != kept + apart:
            raise LedgerError(
                f"{name} {currency}: {given} {what} came in, {kept} kept and {apart} set apart do not add up"
            )
