"""From raw frames to typed rows of each role: which file plays which role, which header is which field."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from arrisk.errors import ColumnMapError
from arrisk.ledger.columns.column_map import ColumnMap, TableMap, did_you_mean, header_key, header_keys
from arrisk.ledger.columns.roles import FIELDS, IDENTIFIERS, NEEDED_ROLES
from arrisk.ledger.shapes.shaping import KEYS, META, Account, plural
from arrisk.ledger.tables import Column, currency_digits
from arrisk.ledger.values.scalars import (
    parse_dates,
    parse_flag,
    parse_id,
    parse_int,
    parse_money,
    parse_number,
    parse_text,
)

__all__ = ["Rows", "read_roles"]

_REASONS = {
    "date": "not_a_date",
    "money": "not_an_amount",
    "number": "not_a_number",
    "int": "not_a_whole_number",
    "flag": "not_yes_or_no",
    "text": "digits_lost",
}
_CURRENCY_NAMES = {
    "RMB": "CNY", "CNH": "CNY", "人民币": "CNY", "元": "CNY", "€": "EUR", "$": "USD", "£": "GBP",
    "美元": "USD", "欧元": "EUR", "港币": "HKD", "日元": "JPY",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """Typed rows of one role.

    Attributes
    ----------
    frame : DataFrame
        A column for every field of the role (missing where the source lacks it; for the shape `tables`, only
        those that it has), `_source` and `_line`.
    given : frozenset of str
        Fields that the source has, or that the map gives a default.
    """

    frame: pd.DataFrame
    given: frozenset[str]


def read_roles(
    column_map: ColumnMap, raw: Mapping[str, pd.DataFrame], options: Mapping[str, Any], account: Account
) -> dict[str, Rows]:
    """Typed rows by role; rows with a cell that cannot be read, and files without a role, are set apart.

    Raises
    ------
    ColumnMapError
        If a needed role has no source, or a source lacks a required header.
    """
    parts: dict[str, list[Rows]] = {}
    for name, frame in raw.items():
        role = _role_of(name, frame, column_map)
        if role is None:
            detail = f"{name} is no table of the map {column_map.name!r}; its rows were not used"
            account.set_apart(frame[KEYS], "unread", "unread_source", detail)
            account.note(f"{name} was not read: it fits no table of the map {column_map.name!r}")
            continue
        parts.setdefault(role, []).append(_typed(name, frame, column_map, role, options, account))
    _check_needed(column_map, parts, raw)
    return {role: _joined(several) for role, several in parts.items()}


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    given = frozenset().union(*(part.given for part in parts))
    return Rows(pd.concat([part.frame for part in parts], ignore_index=True), given)


def _check_needed(
    column_map: ColumnMap, parts: Mapping[str, list[Rows]], raw: Mapping[str, pd.DataFrame]
) -> None:
    for role in NEEDED_ROLES[column_map.shape]:
        if role in parts:
            continue
        if role not in column_map.tables:
            raise ColumnMapError(
                f"column map {column_map.name!r}: no [tables.{role}], which {column_map.shape} needs"
            )
        table = column_map.tables[role]
        lacking = {
            name: _lacking(frame, table, FIELDS[column_map.shape][role]) for name, frame in raw.items()
        }
        nearest = min(lacking, key=lambda name: len(lacking[name])) if lacking else None
        looked = ", ".join(table.source)
        said = f"no source for {role!r}: looked for {looked}; found {', '.join(raw) or 'nothing'}"
        if nearest is not None and lacking[nearest]:
            said += f". {_missing_headers(nearest, raw[nearest], lacking[nearest], table)}"
        raise ColumnMapError(f"column map {column_map.name!r}: {said}")


def _role_of(name: str, frame: pd.DataFrame, column_map: ColumnMap) -> str | None:
    """The role whose name pattern fits; among several, or none, the one whose headers fit best."""
    tables, fields = column_map.tables, FIELDS[column_map.shape]
    fits = {
        role: len(find_headers(frame, table))
        for role, table in tables.items()
        if not _lacking(frame, table, fields[role])
    }
    named = [role for role, table in tables.items() if _named(name, table.source)]
    sure = {role: fits[role] for role in named if role in fits}
    if sure:
        return max(sure, key=lambda role: sure[role])
    # A name that fits by chance, as "corporate" holds "rate", gives way to headers that fit well.
    well = {role: found for role, found in fits.items() if found >= (3 if named else 1)}
    if well:
        return max(well, key=lambda role: well[role])
    only_all = all("*" in tables[role].source for role in named)
    return named[0] if named and (len(tables) == 1 or not only_all) else None


def _named(name: str, patterns: tuple[str, ...]) -> bool:
    parts = re.split(r"[/\\:!#|\[\]]+", name)
    stems = [re.sub(r"\.\w+$", "", part) for part in parts]
    texts = {text.casefold() for text in (name, *parts, *stems)}
    return any(
        fnmatch.fnmatchcase(text, pattern.casefold()) for pattern in patterns for text in texts if text
    )


def headers_of(frame: pd.DataFrame) -> list[str]:
    """The columns of a raw frame that the source has, without those that say where a row came from."""
    return [column for column in frame.columns if column not in META]


def find_headers(frame: pd.DataFrame, table: TableMap) -> dict[str, str]:
    """Field to the header it has in a frame; the first header of the map that is there wins."""
    there: dict[str, str] = {}
    for column in headers_of(frame):
        for key in header_keys(column):
            there.setdefault(key, column)
    found = {}
    for field, headers in table.columns.items():
        match = next((there[header_key(header)] for header in headers if header_key(header) in there), None)
        if match is not None:
            found[field] = match
    return found


def _lacking(frame: pd.DataFrame, table: TableMap, fields: Mapping[str, Column]) -> list[str]:
    found = find_headers(frame, table)
    return [
        f for f, column in fields.items() if column.required and f not in found and f not in table.defaults
    ]


def _missing_headers(name: str, frame: pd.DataFrame, lacking: list[str], table: TableMap) -> str:
    headers = headers_of(frame)
    hints = []
    for field in lacking:
        wanted = table.columns.get(field, (field,))
        hint = next((h for h in (did_you_mean(w, headers) for w in wanted) if h), "")
        hints.append(f"{field} (looked for {', '.join(wanted[:4])}){hint}")
    return f"{name} has no column for {'; '.join(hints)}; its headers: {', '.join(headers[:30]) or 'none'}"


def _typed(
    name: str,
    raw: pd.DataFrame,
    column_map: ColumnMap,
    role: str,
    options: Mapping[str, Any],
    account: Account,
) -> Rows:
    table, fields = column_map.tables[role], FIELDS[column_map.shape][role]
    lacking = _lacking(raw, table, fields)
    if lacking:
        said = _missing_headers(name, raw, lacking, table)
        raise ColumnMapError(f"column map {column_map.name!r}: {said}")
    headers = find_headers(raw, table)
    reader = _Reader(raw, headers, table, options, account, name)
    # Separate tables may lack any column; the other shapes count on all fields of a role.
    out = reader.fields(_given(fields, headers, table) if column_map.shape == "tables" else fields)
    unused = [str(c) for c in headers_of(raw) if c not in headers.values()]
    if unused and (column_map.shape, role) == ("tables", "customers"):
        out = out.assign(**{_plain(c): parse_text(raw[c], column=c).values.to_numpy() for c in unused})
    elif unused:
        account.note(f"{name}: {plural(len(unused), 'column')} not used: {', '.join(unused[:12])}")
    bad = reader.reason.notna()
    target = role if column_map.shape == "tables" else _TARGET.get(role, "invoices")
    money = next((f for f in ("open_amount", "amount", "credit_limit") if f in fields), "amount")
    account.set_apart(out[bad], target, reader.reason[bad], reader.detail[bad], money)
    return Rows(out[~bad].reset_index(drop=True), frozenset(headers) | frozenset(table.defaults))


def _given(fields: Mapping[str, Column], headers: Mapping[str, str], table: TableMap) -> dict[str, Column]:
    wanted = {"currency", *headers, *table.defaults}
    return {field: column for field, column in fields.items() if field in wanted}


def _plain(header: str) -> str:
    """A further attribute of a customer keeps its header as a name."""
    return re.sub(r"\W+", "_", header.strip().casefold()).strip("_")


_TARGET = {"settlements": "events", "reconciles": "events", "open_transactions": "events"}


def _digits(code: Any) -> int:
    return currency_digits(code) if isinstance(code, str) else 2


class _Reader:
    """Reads the fields of one raw frame and remembers the first thing wrong with each row."""

    def __init__(
        self,
        raw: pd.DataFrame,
        headers: Mapping[str, str],
        table: TableMap,
        options: Mapping[str, Any],
        account: Account,
        name: str,
    ) -> None:
        self.raw, self.headers, self.table = raw, headers, table
        self.options, self.account, self.name = options, account, name
        # Rows that could not be cut into cells come with their reason.
        self.reason, self.detail = (
            pd.Series(raw[key].to_numpy() if key in raw else [None] * len(raw), dtype=object)
            for key in ("_reason", "_detail")
        )

    def fields(self, fields: Mapping[str, Column]) -> pd.DataFrame:
        """All fields, typed; what is wrong with a row is in `reason` and `detail`."""
        out = pd.DataFrame({key: self.raw[key].to_numpy() for key in KEYS})
        if "currency" in fields:
            out["currency"] = self.currency()
        digits = out["currency"].map(_digits) if "currency" in out else pd.Series(2, index=out.index)
        for field, column in fields.items():
            if field != "currency":
                out[field] = self.column(field, column, digits)
        for field, column in fields.items():
            if column.required:
                self.refuse(out[field].isna(), f"missing_{field}", f"{field} is empty; it is required")
        return out

    def refuse(self, bad: pd.Series, reason: str, detail: str | pd.Series) -> None:
        new = bad.to_numpy(dtype=bool) & self.reason.isna().to_numpy()
        if new.any():
            told = (
                np.full(len(bad), detail, dtype=object)
                if isinstance(detail, str)
                else detail.to_numpy(dtype=object)
            )
            self.reason[new] = reason
            self.detail[new] = told[new]

    def cells(self, field: str) -> pd.Series | None:
        if field not in self.headers:
            return None
        cells = self.raw[self.headers[field]]
        attributes = dict(self.raw.attrs)
        cells = cells.reset_index(drop=True)
        cells.attrs.update(attributes)
        return cells

    def currency(self) -> pd.Series:
        default = self.options.get("currency", self.table.defaults.get("currency"))
        cells = self.cells("currency")
        if cells is None:
            return pd.Series([default] * len(self.raw), dtype=object)
        text = parse_text(cells, column=self.headers["currency"]).values
        names = {c: _CURRENCY_NAMES.get(str(c).upper(), str(c).upper()) for c in text.dropna().unique()}
        codes = text.map(names).astype(object)
        unknown = codes.notna() & ~codes.astype(str).str.fullmatch("[A-Z]{3}")
        told = "currency is " + codes.astype(str) + "; expected a code of three letters such as EUR"
        self.refuse(unknown, "not_a_currency", told)
        filled = np.where(unknown | codes.isna(), default, codes)
        return pd.Series(filled, index=codes.index, dtype=object)

    def column(self, field: str, column: Column, digits: pd.Series) -> pd.Series:
        cells = self.cells(field)
        if cells is None:
            return self._default(field, column, digits, pd.Series([None] * len(self.raw), dtype=object))
        label = self.headers[field]
        parsed = self._parse(cells, field, label, column, digits)
        self.refuse(parsed.bad, _REASONS[column.kind], label + ": " + parsed.detail.fillna("").astype(str))
        if parsed.sentinels:
            self.account.note(
                f"{self.name}: {plural(parsed.sentinels, 'stand-in')} for no date (such as 1900-01-01) "
                f"in {label} read as missing"
            )
        for note in parsed.notes:
            self.account.note(f"{self.name}: {note}")
        return self._default(field, column, digits, parsed.values)

    def _parse(self, cells: pd.Series, field: str, label: str, column: Column, digits: pd.Series) -> Any:
        option = self.options.get
        if column.kind == "date":
            return parse_dates(
                cells, column=label, date_format=option("date_format"), day_first=option("day_first")
            )
        if column.kind == "money":
            return parse_money(
                cells, column=label, digits=digits, decimal=option("decimal"), thousands=option("thousands")
            )
        if column.kind == "number":
            return parse_number(cells, column=label, decimal=option("decimal"), thousands=option("thousands"))
        if column.kind == "int":
            return parse_int(cells, column=label)
        if column.kind == "flag":
            return parse_flag(cells, column=label)
        if field in IDENTIFIERS:
            return parse_id(cells, column=label, strip_zeros=bool(option("strip_zeros")))
        return parse_text(cells, column=label)

    def _default(self, field: str, column: Column, digits: pd.Series, values: pd.Series) -> pd.Series:
        default = self.table.defaults.get(field)
        if default is None:
            return _as_kind(values, column)
        empty = values.isna()
        if self.headers.get(field) and empty.any():
            self.account.note(
                f"{self.name}: {field} is empty in {plural(int(empty.sum()), 'row')}, read as {default!r}"
            )
        if column.kind == "date":
            return _as_kind(values, column).fillna(pd.Timestamp(str(default)))
        if column.kind == "money":
            return _as_kind(values, column).fillna((float(default) * 10.0**digits).round().astype("Int64"))
        filled = np.where(empty, default, values.to_numpy(dtype=object))
        return _as_kind(pd.Series(filled, index=values.index, dtype=object), column)


def _as_kind(values: pd.Series, column: Column) -> pd.Series:
    if column.kind == "date":
        return pd.to_datetime(values)
    if column.kind in ("money", "int"):
        return values.astype("Int64")
    if column.kind == "number":
        return pd.to_numeric(values).astype(float)
    if column.kind == "flag":
        return values.astype("boolean")
    return values.astype(object).where(values.notna(), None)
