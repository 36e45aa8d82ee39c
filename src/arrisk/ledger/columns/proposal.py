"""A first column map for files never seen before, with everything it is unsure of."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from arrisk.errors import AmbiguityError, LedgerError
from arrisk.ledger.columns.column_map import ColumnMap, shipped_maps
from arrisk.ledger.columns.guesses import Draft, guess_map, headers_of
from arrisk.ledger.columns.roles import CODES, FIELDS, NEEDED_ROLES
from arrisk.ledger.shapes.rows import find_headers
from arrisk.ledger.sources.databases import name_fits
from arrisk.ledger.values.scalars import parse_dates, parse_money

__all__ = ["Proposal", "propose_map"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed column map. Make it with `propose_map`.

    Attributes
    ----------
    toml : str
        The map, ready to be written to a file; what must still be said stands in comments with a "?".
    shape : str
        How rows become invoices and events.
    fits : str or None
        Name of the shipped map that fits the source as it is; then `toml` is that map with the headers found.
    unsure : tuple of str
        One sentence for each choice that a person should look at.
    missing : tuple of str
        Required fields for which no column was found; the map cannot be used before they are given.
    """

    toml: str
    shape: str
    fits: str | None
    unsure: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def confident(self) -> bool:
        """Whether nothing is missing and nothing is unsure."""
        return not self.unsure and not self.missing

    def __str__(self) -> str:
        lines = [f"missing: {sentence}" for sentence in self.missing]
        lines += [f"unsure: {sentence}" for sentence in self.unsure]
        kind = f"the shipped map {self.fits!r} fits" if self.fits else f"a map of shape {self.shape!r}"
        return "\n".join([kind, *lines])


def propose_map(raw: Mapping[str, pd.DataFrame]) -> Proposal:
    """Propose a column map for raw frames; nothing is written and nothing is changed.

    A shipped map is taken if its headers are all there. Otherwise every column is weighed by its header
    (English, Chinese, German) and by its values: dates must read as dates, amounts as amounts.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        As `read_source` gives them.

    Returns
    -------
    Proposal

    Raises
    ------
    LedgerError
        If there is no frame with columns.

    Examples
    --------
    >>> import pandas as pd
    >>> proposal = propose_map({"export": pd.DataFrame({"Bill no": ["1", "2"], "Client": ["a", "a"],
    ...     "Billing date": ["31/01/2025", "28/02/2025"], "Net due": ["02/03/2025", "30/03/2025"],
    ...     "Gross": ["10.50", "20.00"], "Paid on": ["20/02/2025", None]})})
    >>> proposal.shape, proposal.missing
    ('settled_invoices', ())
    >>> print(proposal.unsure[0])
    currency: no column names it; say [options] currency, such as "EUR"
    """
    frames = {name: frame for name, frame in raw.items() if headers_of(frame)}
    if not frames:
        raise LedgerError("nothing to propose a map for: the source holds no table with columns")
    fits = _shipped_fit(frames)
    draft = _from_shipped(fits, frames) if fits else guess_map(frames)
    if fits and draft.shape == "tables" and "events" not in draft.tables:
        guess = guess_map(frames)
        if (
            guess.shape == "settled_invoices"
        ):  # invoices with their payment dates are more than invoices alone
            fits, draft = None, guess
    _settle_dates(draft, frames)
    _settle_amounts(draft, frames)
    _settle_currency(draft)
    if draft.shape == "ageing_detail" and "report_date" not in draft.options:
        draft.open_options["report_date"] = 'report_date = ?  # such as "2025-12-31"'
        draft.unsure.append(
            "report_date: the report does not tell its day to a program; say [options] report_date"
        )
    return Proposal(_text(draft), draft.shape, fits, tuple(draft.unsure), tuple(draft.missing))


def _shipped_fit(frames: Mapping[str, pd.DataFrame]) -> str | None:
    """Name of the shipped map that has every required header and uses most columns; None if none has."""
    scores = {}
    for name in shipped_maps():
        column_map = ColumnMap.load(name)
        roles = _roles(column_map, frames)
        if set(NEEDED_ROLES[column_map.shape]) <= set(roles.values()) and len(roles) == len(frames):
            found = [find_headers(frames[frame], column_map.tables[role]) for frame, role in roles.items()]
            scores[name] = sum(map(len, found)) / sum(len(headers_of(frame)) for frame in frames.values())
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] >= 0.5 else None


def _roles(column_map: ColumnMap, frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Role of each frame that has all the headers a role requires."""
    out = {}
    for name, frame in frames.items():
        scores = {}
        for role, table in column_map.tables.items():
            found = find_headers(frame, table)
            fields = FIELDS[column_map.shape][role].items()
            if all(f in found or f in table.defaults for f, column in fields if column.required):
                scores[role] = len(found) + 0.5 * name_fits(name, table.source)
        if scores:
            out[name] = max(scores, key=lambda role: scores[role])
    return out


def _from_shipped(name: str, frames: Mapping[str, pd.DataFrame]) -> Draft:
    column_map = ColumnMap.load(name)
    draft = Draft(name, column_map.title, column_map.shape, dict(column_map.options), notes=column_map.notes)
    usual = CODES[column_map.shape]
    draft.codes = {key: words for key, words in column_map.codes.items() if words != usual[key]}
    for frame, role in _roles(column_map, frames).items():
        table = column_map.tables[role]
        draft.take(frame, role, find_headers(frames[frame], table), table.defaults)
    return draft


def _columns_of(
    draft: Draft, frames: Mapping[str, pd.DataFrame], kind: str
) -> list[tuple[str, str, pd.Series[Any]]]:
    """Every column of a kind in use: its frame, its header, its cells."""
    out = []
    for name, role in draft.used.items():
        for field_name, headers in draft.tables[role]["columns"].items():
            if FIELDS[draft.shape][role][field_name].kind == kind:
                chosen = [headers] if isinstance(headers, str) else headers
                out += [(name, header, frames[name][header]) for header in chosen if header in frames[name]]
    return out


def _settle_dates(draft: Draft, frames: Mapping[str, pd.DataFrame]) -> None:
    """Leave the order of day and month open when the columns do not tell it."""
    if {"date_format", "day_first"} & set(draft.options):
        return
    asked, told = [], []
    for name, header, cells in _columns_of(draft, frames, "date"):
        try:
            parse_dates(cells, column=header)
        except AmbiguityError as error:
            asked.append((name, header, str(error)))
        else:
            told += [f"{header!r} of {name} has the {order} first" for order in _order(cells)]
    if asked:
        draft.open_options["day_first"] = "day_first = ?  # true: 04/05 is 4 May; false: it is April 5"
        more = ", ".join(f"{header!r} of {name}" for name, header, _ in asked[1:])
        sentences = [f"{asked[0][0]}, {asked[0][2]}", f"the same for {more}" if more else "", *told]
        draft.unsure.append("day_first: " + "; ".join(filter(None, sentences)))


def _order(cells: pd.Series[Any]) -> list[str]:
    """Order of day and month that a column shows, if it has dates in which it matters."""
    bad = {
        order: int(parse_dates(cells, column="", day_first=order == "day").bad.sum())
        for order in ("day", "month")
    }
    return [] if bad["day"] == bad["month"] else [min(bad, key=lambda order: bad[order])]


def _settle_amounts(draft: Draft, frames: Mapping[str, pd.DataFrame]) -> None:
    """Leave the decimal sign open when the columns do not tell it."""
    if {"decimal", "thousands"} & set(draft.options):
        return
    for name, header, cells in _columns_of(draft, frames, "money"):
        try:
            parse_money(cells, column=header, digits=2)
        except AmbiguityError as error:
            draft.open_options["decimal"] = 'decimal = ?  # "." or ","'
            draft.unsure.append(f"decimal: {name}, {error}")


def _settle_currency(draft: Draft) -> None:
    sections = draft.tables.values()
    if "currency" in draft.options or any("currency" in section["columns"] for section in sections):
        return
    draft.open_options["currency"] = 'currency = ?  # such as "EUR"'
    draft.unsure.append('currency: no column names it; say [options] currency, such as "EUR"')


def _text(draft: Draft) -> str:
    """Write a draft as TOML; whatever is open stands in comments."""
    lines = [
        f"name = {_value(draft.name)}",
        f"title = {_value(draft.title)}",
        f"shape = {_value(draft.shape)}",
    ]
    if draft.notes:
        lines.append(f"notes = {_value(draft.notes)}")
    lines += ["", "[options]", *(f"{key} = {_value(value)}" for key, value in draft.options.items())]
    lines += [f"# {line}" for line in draft.open_options.values()]
    if draft.codes:
        lines += ["", "[codes]", *(f"{key} = {_value(words)}" for key, words in draft.codes.items())]
    for role, section in draft.tables.items():
        lines += ["", f"[tables.{role}]", f"source = {_value(section['source'])}"]
        if section["defaults"]:
            pairs = ", ".join(f"{key} = {_value(value)}" for key, value in section["defaults"].items())
            lines.append(f"defaults = {{ {pairs} }}")
        lines.append(f"[tables.{role}.columns]")
        for name, column in FIELDS[draft.shape][role].items():
            if name in section["columns"]:
                lines.append(f"{name} = {_value(section['columns'][name])}")
            elif column.required and name not in section["defaults"]:
                lines.append(f"# {name} = ?  # {column.meaning}")
    sentences = [f"# missing: {sentence}" for sentence in draft.missing]
    sentences += [f"# unsure: {sentence}" for sentence in draft.unsure]
    return "\n".join([*(re.sub(r"[\x00-\x1f\x7f]+", " ", line) for line in sentences), *lines]) + "\n"


def _value(value: Any) -> str:
    """Write a value as TOML does, which for texts, numbers and flags is as JSON does."""
    if isinstance(value, list | tuple):
        return _value(value[0]) if len(value) == 1 else f"[{', '.join(_value(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
