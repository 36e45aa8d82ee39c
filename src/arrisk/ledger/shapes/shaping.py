"""What a shape hands back, and the account it keeps of every source row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from arrisk.ledger.quarantine import QUARANTINE_COLUMNS
from arrisk.ledger.tables import TABLES, currency_digits

__all__ = ["Account", "Shaped", "canonical", "plural"]

KEYS = ["_source", "_line"]
META = [*KEYS, "_reason", "_detail"]


@dataclass(frozen=True, slots=True)
class Shaped:
    """A source in canonical form.

    Every row of the source is in exactly one of the three: it is behind one or more canonical rows (which
    carry its `_source` and `_line`), or in quarantine, or was read as supporting evidence only.

    Attributes
    ----------
    tables : dict of str to DataFrame
        Canonical tables: dates at midnight, money in Int64 minor units of the row's currency, where from.
    quarantine : DataFrame
        table, source, line, reason, detail, amount (currency units), currency, row (JSON of the raw row).
    supporting : DataFrame
        _source, _line, role.
    notes : tuple of str
        Conventions that were applied and things worth knowing.
    """

    tables: dict[str, pd.DataFrame]
    quarantine: pd.DataFrame
    supporting: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(slots=True)
class Account:
    """Collects, while a source is shaped, what is set apart, what only supports, and what to say."""

    apart: list[pd.DataFrame] = field(default_factory=list)
    support: list[pd.DataFrame] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def set_apart(
        self,
        rows: pd.DataFrame,
        table: str,
        reason: str | Sequence[str] | pd.Series,
        detail: str | Sequence[str] | pd.Series,
        money: str = "amount",
    ) -> None:
        """Put rows in quarantine; `money` names the column that holds their amount in minor units, if any."""
        if rows.empty:
            return
        currency = rows["currency"] if "currency" in rows else pd.Series(None, index=rows.index, dtype=object)
        amount = rows[money] if money in rows else pd.Series(pd.NA, index=rows.index, dtype="Int64")
        digits = currency.map(lambda code: currency_digits(code) if isinstance(code, str) else 2)
        self.apart.append(
            pd.DataFrame(
                {
                    "table": table,
                    "source": rows["_source"].to_numpy(),
                    "line": rows["_line"].to_numpy(),
                    "reason": reason if isinstance(reason, str) else np.asarray(reason, dtype=object),
                    "detail": detail if isinstance(detail, str) else np.asarray(detail, dtype=object),
                    "amount": amount.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
                    / 10.0 ** digits.to_numpy(dtype=float),
                    "currency": currency.to_numpy(dtype=object),
                }
            )
        )

    def only_supports(self, rows: pd.DataFrame, role: str) -> None:
        """Record rows that were read as evidence and are not part of the ledger."""
        if not rows.empty:
            self.support.append(rows[KEYS].assign(role=role))

    def note(self, text: str) -> None:
        """Say something once."""
        if text not in self.notes:
            self.notes.append(text)

    def finish(self, tables: Mapping[str, pd.DataFrame], raw: Mapping[str, pd.DataFrame]) -> Shaped:
        """Join the parts; quarantined rows get their raw text."""
        quarantine = self._quarantine(raw)
        supporting = (
            pd.concat(self.support, ignore_index=True)
            if self.support
            else pd.DataFrame({"_source": [], "_line": [], "role": []}).astype({"_line": "int64"})
        )
        kept = {name: frame.reset_index(drop=True) for name, frame in tables.items()}
        return Shaped(kept, quarantine, supporting, tuple(self.notes))

    def _quarantine(self, raw: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        if not self.apart:
            return pd.DataFrame(
                {c: pd.Series(dtype=float if c == "amount" else str) for c in QUARANTINE_COLUMNS}
            )
        # A row is set apart once, for the first reason found.
        out = pd.concat(self.apart, ignore_index=True).drop_duplicates(["source", "line"], ignore_index=True)
        texts = dict(_raw_texts(out[["source", "line"]], raw.values()))
        out["row"] = [texts.get(key, "{}") for key in zip(out["source"], out["line"], strict=True)]
        return out[QUARANTINE_COLUMNS]


def _raw_texts(wanted: pd.DataFrame, frames: Iterable[pd.DataFrame]) -> Iterable[tuple[tuple[str, int], str]]:
    keys = pd.MultiIndex.from_frame(wanted)
    for frame in frames:
        rows = frame[pd.MultiIndex.from_frame(frame[KEYS]).isin(keys)]
        names = [column for column in rows.columns if column not in META]
        for source, line, *cells in rows[[*KEYS, *names]].itertuples(index=False, name=None):
            seen = {str(name): cell for name, cell in zip(names, cells, strict=True) if not _blank(cell)}
            yield (source, line), json.dumps(seen, default=str, ensure_ascii=False)


def _blank(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell.strip()
    missing = pd.isna(cell)
    return bool(missing) if isinstance(missing, bool | np.bool_) else False


def canonical(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """The columns of a canonical table that a frame has, with where each row came from."""
    columns = {name: spec for name, spec in TABLES[table].items() if name in frame.columns}
    whole = {name: "Int64" for name, spec in columns.items() if spec.kind in ("money", "int")}
    return frame[[*columns, *KEYS]].reset_index(drop=True).astype(whole)


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    Examples
    --------
    >>> plural(1, "row"), plural(2, "row"), plural(2, "entry", "entries")
    ('1 row', '2 rows', '2 entries')
    """
    return f"{count} {one if count == 1 else many or one + 's'}"
