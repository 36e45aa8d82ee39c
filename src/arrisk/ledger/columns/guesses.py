"""Guesses at a source never seen before: which table plays which role, which column is which field."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.columns.roles import FIELDS
from arrisk.ledger.columns.synonyms import header_likeness, synonyms
from arrisk.ledger.sources.databases import name_fits
from arrisk.ledger.tables import Column
from arrisk.ledger.values.scalars import parse_dates, parse_flag, parse_int, parse_money, parse_number

__all__ = ["Draft", "guess_map", "headers_of"]

_META = ("_source", "_line", "_reason", "_detail")
_SAMPLE = 20_000  # rows looked at to tell what a column holds
_SURE, _ENOUGH, _CLOSE = 0.85, 0.45, 0.25
_OTHER_MONEY = re.compile(
    r"tax|vat|mwst|steuer|discount|paid|open|balance|unpaid|税|折扣|余额|未|已|欠", re.IGNORECASE
)


@dataclass(slots=True)
class Draft:
    """A map being written: sections as in the file, comments on options, and what is unsure or missing."""

    name: str
    title: str
    shape: str
    options: dict[str, Any] = field(default_factory=dict)
    open_options: dict[str, str] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    used: dict[str, str] = field(default_factory=dict)  # frame to the role it plays
    unsure: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def take(self, frame: str, role: str, columns: Mapping[str, str], defaults: Mapping[str, Any]) -> None:
        """Let a frame play a role, with these headers; frames of one role join their headers."""
        section = self.tables.setdefault(role, {"source": [], "columns": {}, "defaults": dict(defaults)})
        section["source"].append(glob.escape(frame))
        for name, header in columns.items():
            headers = section["columns"].setdefault(name, [])
            if header not in headers:
                headers.append(header)
        self.used[frame] = role


def headers_of(frame: pd.DataFrame) -> list[str]:
    """Headers of a raw frame, without what the reader added."""
    return [str(column) for column in frame.columns if column not in _META]


def guess_map(frames: Mapping[str, pd.DataFrame]) -> Draft:
    """Weigh headers and values: which frame plays which role, and which of its columns is which field."""
    picks = {
        (name, role): _pick(frame, role, "tables")
        for name, frame in frames.items()
        for role in FIELDS["tables"]
    }
    roles = {name: _best_role(name, picks) for name in frames}
    if "invoices" not in roles.values() and (likeliest := _likeliest_invoices(roles, picks)):
        roles[likeliest] = "invoices"
    invoices = [name for name, role in roles.items() if role == "invoices"]
    settled = {name: _pick(frames[name], "invoices", "settled_invoices") for name in invoices}
    one_table = "events" not in roles.values() and any(
        "settled_date" in pick.columns for pick in settled.values()
    )
    draft = Draft("proposed", "Proposed from the files", "settled_invoices" if one_table else "tables")
    for name, role in roles.items():
        if role is None or (one_table and role != "invoices"):
            draft.unsure.append(
                f"{name}: left out; its columns ({', '.join(headers_of(frames[name])[:8])}) fit no table"
            )
            continue
        _take(draft, name, role, settled[name] if one_table else picks[name, role])
    if not invoices:
        draft.missing.append(f"invoices: no table looks like one; found {', '.join(frames)}")
    return draft


def _likeliest_invoices(roles: dict[str, str | None], picks: Mapping[tuple[str, str], _Pick]) -> str | None:
    """Table without a role of its own that has most of what invoices need, if that is more than half."""
    lacking = {name: len(picks[name, "invoices"].lacking) for name, role in roles.items() if role is None}
    best = min(lacking, key=lambda name: lacking[name], default=None)
    return best if best is not None and lacking[best] < 2 else None


@dataclass(slots=True)
class _Pick:
    """Columns chosen for the fields of a role in one frame, with their weights and what is doubtful."""

    columns: dict[str, str] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)


def _pick(frame: pd.DataFrame, role: str, shape: str) -> _Pick:
    """Choose columns for fields, the strongest pair first; then fill required fields from values alone."""
    fields = FIELDS[shape][role]
    sample = frame.head(_SAMPLE)
    weights = {
        (name, header): _weight(sample, header, role, name, column)
        for name, column in fields.items()
        for header in headers_of(frame)
    }
    pick = _Pick()
    for (name, header), weight in sorted(weights.items(), key=lambda pair: -pair[1]):
        if weight >= _ENOUGH and name not in pick.columns and header not in pick.columns.values():
            pick.columns[name], pick.weights[name] = header, weight
    for name, header in pick.columns.items():
        _doubt(sample, pick, weights, name, header, fields[name].required)
    for name, column in fields.items():
        if column.required and name not in pick.columns and name != "kind":
            _fill(pick, sample, name, column)
    return pick


def _weight(frame: pd.DataFrame, header: str, role: str, name: str, column: Column) -> float:
    likeness = header_likeness(header, synonyms(role, name))
    if likeness < _ENOUGH:
        return 0.0
    if column.kind == "money" and _OTHER_MONEY.search(header) and likeness < 0.95:
        likeness *= 0.7
    fit = _fit(frame[header], column.kind)
    if fit < 0.5:
        return 0.0
    telling = frame[header].nunique() / max(len(frame), 1) if name == "invoice_id" else _filled(frame[header])
    return likeness * fit * (0.95 + 0.05 * telling)


def _filled(cells: pd.Series[Any]) -> float:
    return float(cells.notna().mean()) if len(cells) else 1.0


def _fit(cells: pd.Series[Any], kind: str) -> float:
    """Share of the cells that are not empty and read as a kind; 1 when all are empty."""
    readers = {
        "date": lambda: min(
            _bad(parse_dates, cells, day_first=True), _bad(parse_dates, cells, day_first=False)
        ),
        "money": lambda: min(_bad(parse_money, cells, digits=3, decimal=sign) for sign in (".", ",")),
        "number": lambda: min(_bad(parse_number, cells, decimal=sign) for sign in (".", ",")),
        "int": lambda: _bad(parse_int, cells, decimal="."),
        "flag": lambda: _bad(parse_flag, cells),
    }
    return 1.0 - readers[kind]() if kind in readers else 1.0


def _bad(parse: Any, cells: pd.Series[Any], **options: Any) -> float:
    there = cells[cells.notna()]
    return float(parse(there, column="", **options).bad.mean()) if len(there) else 0.0


def _doubt(
    frame: pd.DataFrame,
    pick: _Pick,
    weights: Mapping[tuple[str, str], float],
    name: str,
    header: str,
    required: bool,
) -> None:
    """Say so when another column is nearly as likely, or the likeness is weak."""
    weight = pick.weights[name]
    rivals = [
        other
        for (field_name, other), rival in weights.items()
        if field_name == name
        and other != header
        and rival >= max(_ENOUGH, weight - _CLOSE)
        and other not in pick.columns.values()
    ]
    if rivals:
        asked = " or ".join(repr(other) for other in (header, *rivals))
        fuller = all(_filled(frame[header]) > _filled(frame[other]) + 0.05 for other in rivals)
        reason = "which is filled in more rows" if fuller else "whose header is nearest"
        pick.doubts.append(f"{name}: {asked}? took {header!r}, {reason}")
    elif weight < _SURE and (required or weight < 0.7):
        pick.doubts.append(f"{name}: took {header!r}, whose header is only like it")


def _fill(pick: _Pick, frame: pd.DataFrame, name: str, column: Column) -> None:
    """Take for a required field the one free column whose values are of its kind, and call it a guess."""
    free = [
        header
        for header in headers_of(frame)
        if header not in pick.columns.values() and frame[header].notna().any()
    ]
    held = [
        header for header in free if _holds(frame[header]) == ("id" if column.kind == "text" else column.kind)
    ]
    if name == "invoice_id":
        held = [header for header in held if frame[header].is_unique]
    if name == "customer_id":
        held = [header for header in held if not frame[header].is_unique]
    if len(held) == 1:
        pick.columns[name], pick.weights[name] = held[0], _ENOUGH / 2
        pick.doubts.append(f"{name}: no header says so; took {held[0]!r} for its values")
    else:
        others = f"; it may be {' or '.join(map(repr, held[:4]))}" if held else ""
        pick.lacking.append(f"{name}: no column was found for it{others}")


def _holds(cells: pd.Series[Any]) -> str:
    """Tell what a column without a telling header holds: dates, money or ids."""
    if _fit(cells, "date") >= 0.9:
        return "date"
    text = cells.dropna().astype(str)
    fraction = text.str.contains(r"[.,]\d{1,2}$", regex=True).mean()
    return "money" if fraction > 0.3 and _fit(cells, "money") >= 0.9 else "id"


def _best_role(name: str, picks: Mapping[tuple[str, str], _Pick]) -> str | None:
    """Role whose required fields a frame has best, by headers and by the frame's own name."""
    shipped = ColumnMap.load("arrisk").tables
    scores = {}
    for role, fields in FIELDS["tables"].items():
        pick = picks[name, role]
        needed = [f for f, column in fields.items() if column.required and f != "kind"]
        strength = sum(pick.weights.get(f, 0.0) for f in needed) / len(needed)
        extra = sum(weight for f, weight in pick.weights.items() if f not in needed)
        telling = 0.25 * (role == "invoices" and "due_date" in pick.columns)
        scores[role] = strength + 0.05 * extra + 0.4 * name_fits(name, shipped[role].source) + telling
        if strength < 0.5:
            scores[role] = 0.0
    best = max(scores, key=lambda role: scores[role])
    return best if scores[best] > 0 else None


def _take(draft: Draft, name: str, role: str, pick: _Pick) -> None:
    unsaid = role == "events" and "kind" not in pick.columns
    draft.take(name, role, pick.columns, {"kind": "payment"} if unsaid else {})
    if unsaid:
        draft.unsure.append(f"kind: {name} does not say what its rows are; all are taken as payments")
    draft.unsure += [f"{name}: {doubt}" for doubt in pick.doubts]
    draft.missing += [f"{name}: {lack}" for lack in pick.lacking]
