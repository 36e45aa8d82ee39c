"""The form of a study file: what its TOML may say, how it is checked, and a template for a new one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from arrisk.errors import StudyError
from arrisk.policy.assumptions import KNOWN, TYPICAL_SOURCE, did_you_mean, read_assumptions

__all__ = ["Control", "Queue", "find_holes", "parse_study", "study_template"]

KEYS: Mapping[str, tuple[str, ...]] = {
    "": ("study", "ledger", "assumptions", "ownership", "settings"),
    "study": ("name", "title", "as_of", "currency", "seed"),
    "ledger": ("path", "columns", "options", "control"),
    "ledger.control": ("date", "balance", "tolerance"),
    "ownership": ("queue",),
    "ownership.queue": ("name", "from_day", "to_day"),
}


@dataclass(frozen=True, slots=True)
class Control:
    """A control total: the open balance that the general ledger shows on a day (currency units)."""

    date: pd.Timestamp
    balance: float
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Queue:
    """Who owns an overdue item: days overdue from `from_day` to `to_day`, both included (None: for ever)."""

    name: str
    from_day: int
    to_day: int | None


def parse_study(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Check the contents of a study file and return the fields of a `Study`.

    Parameters
    ----------
    data : mapping
        The TOML as parsed.
    folder : Path
        Where the file is kept: paths in it are relative to here.

    Raises
    ------
    StudyError
        On the first unknown or missing key or unreadable value, naming its section.

    Examples
    --------
    >>> parse_study({"study": {"name": "x"}, "ledgr": {}}, Path("."))
    Traceback (most recent call last):
    arrisk.errors.StudyError: unknown key 'ledgr' (did you mean "ledger"?); allowed: study, ledger, \
assumptions, ownership, settings
    """
    _check_keys(data, "")
    head, books = _section(data, "study", required=True), _section(data, "ledger", required=True)
    name = _text(head, "study", "name")
    settings = _section(data, "settings", free=True)
    for family in settings:
        _section(settings, family, where=f"settings.{family}", free=True)
    return {
        "name": name,
        "title": _text(head, "study", "title", default=name),
        "as_of": _date(head, "study", "as_of"),
        "currency": _currency(head),
        "seed": _whole(head, "study", "seed", default=0),
        "sources": _sources(books, folder),
        "columns": _columns(_text(books, "ledger", "columns", default="arrisk"), folder),
        "options": _section(books, "options", where="ledger.options", free=True),
        "controls": tuple(_control(r) for r in _rows(books, "control", "ledger.control")),
        "assumptions": read_assumptions(_section(data, "assumptions", free=True)),
        "queues": _queues(_rows(_section(data, "ownership"), "queue", "ownership.queue")),
        "settings": settings,
    }


def _check_keys(table: Mapping[str, Any], where: str) -> None:
    allowed = KEYS.get(where)
    for key in table if allowed is not None else ():
        if key not in allowed:  # type: ignore[operator]
            place = f"[{where}]: " if where else ""
            known = ", ".join(allowed or ())
            raise StudyError(
                f"{place}unknown key {key!r}{did_you_mean(key, allowed or ())}; allowed: {known}"
            )


def _section(
    table: Mapping[str, Any], key: str, *, where: str = "", required: bool = False, free: bool = False
) -> Mapping[str, Any]:
    where = where or key
    if required and key not in table:
        raise StudyError(f"the section [{where}] is missing")
    found = table.get(key, {})
    if not isinstance(found, Mapping):
        raise StudyError(f"[{where}]: expected a table, got {found!r}")
    if not free:
        _check_keys(found, where)
    return found


def _rows(table: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    rows = table.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise StudyError(f"[[{where}]]: expected tables in double brackets, got {rows!r}")
    for row in rows:
        _check_keys(row, where)
    return rows


def _need(table: Mapping[str, Any], where: str, key: str, default: Any = None) -> Any:
    if key in table:
        return table[key]
    if default is None:
        raise StudyError(f"[{where}]: {key} is missing")
    return default


def _text(table: Mapping[str, Any], where: str, key: str, default: str | None = None) -> str:
    value = _need(table, where, key, default)
    if not isinstance(value, str) or not value.strip():
        raise StudyError(f"[{where}]: {key} = {value!r} is not a text")
    return value.strip()


def _whole(table: Mapping[str, Any], where: str, key: str, default: int | None = None) -> int:
    value = _need(table, where, key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise StudyError(f"[{where}]: {key} = {value!r} is not a whole number of at least 0")
    return value


def _number(table: Mapping[str, Any], where: str, key: str, default: float | None = None) -> float:
    value = _need(table, where, key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise StudyError(f"[{where}]: {key} = {value!r} is not a number")
    return float(value)


def _date(table: Mapping[str, Any], where: str, key: str) -> pd.Timestamp:
    value = _need(table, where, key)
    try:
        day = value if isinstance(value, dt.date) else dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise StudyError(f"[{where}]: {key} = {value!r} is not a date; write it as 2025-12-31") from None
    return pd.Timestamp(day.year, day.month, day.day)


def _currency(head: Mapping[str, Any]) -> str:
    code = _text(head, "study", "currency")
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise StudyError(f"[study]: currency = {code!r} is not an ISO 4217 code such as EUR")
    return code


def _sources(books: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    given = _need(books, "ledger", "path")
    paths = given if isinstance(given, list) else [given]
    if not paths or not all(isinstance(p, str) and p.strip() for p in paths):
        raise StudyError(f"[ledger]: path = {given!r} is not a path or a list of paths")
    return tuple(p if "://" in p else str((folder / p).resolve()) for p in paths)


def _columns(name: str, folder: Path) -> str:
    """A name of a shipped map stays a name; a file beside the study becomes an absolute path."""
    return str((folder / name).resolve()) if name.endswith(".toml") or (folder / name).is_file() else name


def _control(row: Mapping[str, Any]) -> Control:
    where = "ledger.control"
    tolerance = _number(row, where, "tolerance", 0.0)
    if tolerance < 0:
        raise StudyError(f"[[{where}]]: tolerance = {tolerance!r} is negative")
    return Control(_date(row, where, "date"), _number(row, where, "balance"), tolerance)


def _queues(rows: list[Mapping[str, Any]]) -> tuple[Queue, ...]:
    where = "ownership.queue"
    queues = []
    for row in rows:
        last = _whole(row, where, "to_day") if "to_day" in row else None
        queue = Queue(_text(row, where, "name"), _whole(row, where, "from_day"), last)
        if last is not None and last < queue.from_day:
            raise StudyError(f"[[{where}]]: {queue.name} runs from day {queue.from_day} back to day {last}")
        queues.append(queue)
    queues.sort(key=lambda q: q.from_day)
    for one, two in pairwise(queues):
        if one.to_day is None or two.from_day <= one.to_day:
            raise StudyError(f"[[{where}]]: {one.name} and {two.name} both own day {two.from_day} overdue")
    return tuple(queues)


def find_holes(queues: tuple[Queue, ...], from_day: int = 1) -> tuple[tuple[int, int | None], ...]:
    """Days overdue that nobody owns, as (first, last) pairs; last is None when the hole never ends.

    Examples
    --------
    >>> find_holes((Queue("sales", 1, 30), Queue("finance", 31, 60), Queue("legal", 90, None)))
    ((61, 89),)
    """
    holes: list[tuple[int, int | None]] = []
    day: int | None = from_day
    for queue in queues:
        if day is not None and queue.from_day > day:
            holes.append((day, queue.from_day - 1))
        day = None if queue.to_day is None else max(day or 0, queue.to_day + 1)
    if day is not None:
        holes.append((day, None))
    return tuple(holes)


WHAT_A_LEDGER_DOES_NOT_KNOW = """\
# How much cash is wanted for a year, and the ways to it that are open (quotes: `arrisk offers`):
# [settings.funding]
# cash_wanted = 0.0
# [[settings.funding.route]]
# kind = "overdraft"
# rate = 0.0
# source = "letter of the bank"
# What a stress test needs beside the ledger:
# [settings.stress.balance_sheet]
# cash = 0.0
# credit_line = 0.0
# line_drawn = 0.0
# current_liabilities = 0.0
# minimum_cash = 0.0
# source = "treasury"
"""


def study_template(path_to_ledger: str, columns: str, as_of: str | dt.date, currency: str) -> str:
    """Write the TOML of a new study with typical assumptions to be replaced.

    Parameters
    ----------
    path_to_ledger : str
        File or folder, relative to where the study will be kept.
    columns : str
        Name of a shipped column map or path to one.
    as_of : str or date
        The day to read the ledger.
    currency : str
        ISO 4217 code.

    Examples
    --------
    >>> print(study_template("books.csv", "arrisk", "2025-12-31", "EUR").splitlines()[1])
    [study]
    """
    name = Path(path_to_ledger).stem or "study"
    head = [
        "# A study of one ledger. Replace every typical value by your own, and say where it comes from.",
        "[study]",
        f"name = {_quote(name)}",
        f"title = {_quote(f'Trade receivables of {name}')}",
        f"as_of = {pd.Timestamp(as_of):%Y-%m-%d}",
        f"currency = {_quote(currency)}",
        "seed = 1",
        "",
        "[ledger]",
        f"path = {_quote(path_to_ledger)}",
        f"columns = {_quote(columns)}",
        "# Tie the ledger out to your general ledger:",
        f"# [[ledger.control]]\n# date = {pd.Timestamp(as_of):%Y-%m-%d}\n# balance = 0.00",
        "",
    ]
    head += WHAT_A_LEDGER_DOES_NOT_KNOW.splitlines()
    owners = [("sales", 1, 30), ("finance", 31, 60), ("legal", 90, None)]
    for owner, first, last in owners:
        head += ["[[ownership.queue]]", f"name = {_quote(owner)}", f"from_day = {first}"]
        head += [f"to_day = {last}", ""] if last is not None else [""]
    for key, known in KNOWN.items():
        head += [
            f"[assumptions.{key}]  # {known.meaning}",
            f"value = {known.value!r}\nlow = {known.low!r}\nhigh = {known.high!r}",
            f"unit = {_quote(known.unit)}",
            f"source = {_quote(TYPICAL_SOURCE)}",
            "",
        ]
    return "\n".join(head)


def _quote(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text, ensure_ascii=False)
