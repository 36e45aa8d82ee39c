"""Rows that were set apart, each with its reason, and the count that shows nothing was lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.ledger.tables import TABLES, currency_digits

__all__ = ["QUARANTINE_COLUMNS", "LedgerChecks", "Quarantine"]

QUARANTINE_COLUMNS = ["table", "source", "line", "reason", "detail", "amount", "currency", "row"]
_MONEY = {"limits": "credit_limit", "signals": "", "rates": "", "customers": ""}

Details = Callable[[pd.DataFrame], Sequence[str]]


class Quarantine:
    """Collects rejected rows while a ledger is read.

    Parameters
    ----------
    frame : DataFrame, optional
        Rows already set apart, with the columns `QUARANTINE_COLUMNS`.
    """

    def __init__(self, frame: pd.DataFrame | None = None) -> None:
        self._frames: list[pd.DataFrame] = [] if frame is None or frame.empty else [frame[QUARANTINE_COLUMNS]]

    def move(
        self,
        tables: dict[str, pd.DataFrame],
        name: str,
        bad: NDArray[np.bool_] | pd.Series[Any],
        reason: str | Sequence[Any] | NDArray[np.object_],
        detail: str | Sequence[Any] | NDArray[np.object_] | Details,
    ) -> None:
        """Take the bad rows out of `tables[name]` and keep them here.

        Parameters
        ----------
        tables : dict of str to DataFrame
            Checked tables; the one named is replaced by its other rows.
        name : str
        bad : array of bool
            One a row of the table.
        reason, detail : str, one text a row of the table, or (detail) a function of the bad rows
        """
        mask = np.asarray(bad, dtype=bool)
        if not mask.any():
            return
        frame = tables[name]
        out = frame[mask]
        money = _MONEY.get(name, "amount")
        codes = (
            out["currency"] if "currency" in out else pd.Series(None, index=out.index, dtype=object)
        ).to_numpy()
        amount = (
            out[money].to_numpy(dtype=float, na_value=np.nan) if money in out else np.full(len(out), np.nan)
        )
        self._frames.append(
            pd.DataFrame(
                {
                    "table": name,
                    "source": out["_source"].to_numpy(),
                    "line": out["_line"].to_numpy(),
                    "reason": _picked(reason, mask),
                    "detail": detail(out) if callable(detail) else _picked(detail, mask),
                    "amount": amount / 10.0 ** np.array([currency_digits(str(c)) for c in codes]),
                    "currency": codes,
                    "row": list(row_text(out, name)),
                }
            )
        )
        tables[name] = frame[~mask]

    def frame(self) -> pd.DataFrame:
        """All rejected rows, in the order of their source."""
        if not self._frames:
            return _nothing_apart().copy()
        out = pd.concat(
            [f.astype({"line": "Int64", "amount": float}) for f in self._frames], ignore_index=True
        )
        return out.sort_values(["table", "source", "line"], kind="stable", ignore_index=True)

    def summary(self, table: str) -> str:
        """One line: how many rows for which reason, with the first of them."""
        frame = self.frame()
        frame = frame[frame["table"] == table]
        parts = [
            f"{len(group)} {reason} (line {_listed(group['line'][:3])}: {group['detail'].iloc[0]})"
            for reason, group in frame.groupby("reason", sort=True)
        ]
        return "; ".join(parts)


@cache
def _nothing_apart() -> pd.DataFrame:
    return pd.DataFrame({c: pd.Series(dtype=float if c == "amount" else str) for c in QUARANTINE_COLUMNS})


def _listed(values: pd.Series[Any]) -> str:
    return ", ".join(str(value) for value in values)


def _picked(values: str | Sequence[Any] | NDArray[np.object_], mask: NDArray[np.bool_]) -> Any:
    return values if isinstance(values, str) else np.asarray(values, dtype=object)[mask]


def row_text(frame: pd.DataFrame, table: str) -> Iterable[str]:
    """Each row as JSON text, money in currency units, without what is missing."""
    kinds = {name: column.kind for name, column in TABLES[table].items()}
    for record in frame[[c for c in frame.columns if not str(c).startswith("_")]].to_dict("records"):
        digits = currency_digits(str(record.get("currency")))
        filled = {
            str(key): value / 10**digits if kinds.get(str(key)) == "money" else value
            for key, value in record.items()
            if not pd.isna(value)
        }
        yield json.dumps(filled, default=str, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class LedgerChecks:
    """What the door saw: rows and money in, kept and set apart, table by table.

    Attributes
    ----------
    table : DataFrame
        table, currency, rows_in, rows_kept, rows_quarantined, amount_in, amount_kept, amount_quarantined
        (currency units; amounts that could not be read are counted as rows only).
    reasons : DataFrame
        table, reason, rows, amount, first_lines, detail.
    notes : tuple of str
        What was kept although it is unusual, with the convention applied.
    """

    table: pd.DataFrame
    reasons: pd.DataFrame
    notes: tuple[str, ...]

    def tables(self) -> tuple[Table, Table]:
        """The two tables, ready to be shown."""
        return (
            Table("checks", "Rows and money at the door", self.table, "; ".join(self.notes),
                  {"amount_in": "money", "amount_kept": "money", "amount_quarantined": "money"}),
            Table("quarantine", "Rows set apart and why", self.reasons, formats={"amount": "money"}),
        )  # fmt: skip

    def _repr_html_(self) -> str:
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in self.tables())


def reasons_table(quarantine: pd.DataFrame) -> pd.DataFrame:
    """Rejected rows by table and reason, with the first lines and what was seen there."""
    groups = quarantine.groupby(["table", "reason"], sort=True) if len(quarantine) else ()
    return pd.DataFrame(
        [
            {
                "table": table,
                "reason": reason,
                "rows": len(group),
                "amount": group["amount"].sum(),
                "first_lines": ", ".join(
                    f"{s}:{n}" for s, n in zip(group["source"][:3], group["line"][:3], strict=True)
                ),
                "detail": group["detail"].iloc[0],
            }
            for (table, reason), group in groups
        ],
        columns=["table", "reason", "rows", "amount", "first_lines", "detail"],
    )
