"""Column maps: which header of a source means which field, in small TOML files.

The form, in full (see `maps/arrisk.toml` for a commented example)::

    name = "ours"                       # short name
    title = "Export of our ERP"         # one line for people
    system = "ERP 7"                    # optional
    shape = "tables"                    # how rows become invoices and events
    notes = ["..."]                     # optional, shown when the ledger is read

    [options]                           # optional defaults: currency, date_format, day_first, decimal, ...
    [codes]                             # optional words of the source: payment = ["receipt"]
    [tables.invoices]                   # one section for each role of the shape
    source = ["*invoice*"]              # names of files, sheets or tables, with * and ?
    defaults = { currency = "EUR" }     # optional values for a field that the source lacks or leaves empty
    [tables.invoices.columns]
    invoice_id = ["Invoice no", "发票号"]  # the first header that is found is used
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from arrisk.errors import ColumnMapError
from arrisk.ledger.columns.roles import CODES, FIELDS, OPTIONS

__all__ = ["ColumnMap", "TableMap", "check_options", "did_you_mean", "header_key", "shipped_maps"]

_KEYS = ("name", "title", "system", "shape", "notes", "options", "codes", "tables")
_TABLE_KEYS = ("source", "columns", "defaults")
_BRACKETS = re.compile(r"[(\[（【][^)\]）】]*[)\]）】]")


@dataclass(frozen=True, slots=True)
class TableMap:
    """One role of a map: the names its source may have, the headers of its fields, and defaults.

    Attributes
    ----------
    source : tuple of str
        Patterns of file, sheet or table names (``*`` and ``?``), without regard to case.
    columns : dict of str to tuple of str
        Field to the headers it may have, the preferred one first.
    defaults : dict
        Field to the value used where the source has no such column or leaves the cell empty.
    """

    source: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    defaults: dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """How to read one kind of source. Make it with `ColumnMap.load`.

    Attributes
    ----------
    name, title, system, shape : str
    notes : tuple of str
        Said when a ledger is read with this map.
    options : dict
        Defaults of the reading options (currency, date_format, day_first, decimal, thousands, ...).
    codes : dict of str to tuple of str
        Words of the source by what they mean, complete for the shape.
    tables : dict of str to TableMap
        By role.

    Examples
    --------
    >>> ColumnMap.load("ibm_ar").shape
    'settled_invoices'
    """

    name: str
    title: str
    system: str
    shape: str
    notes: tuple[str, ...]
    options: dict[str, Any]
    codes: dict[str, tuple[str, ...]]
    tables: dict[str, TableMap]

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any] | ColumnMap) -> ColumnMap:
        """Load a map by the name of a shipped one, from a TOML file, or from a mapping of the same form.

        Raises
        ------
        ColumnMapError
            If there is no such map, or it is not of the form; the message names the key and what is allowed.
        """
        if isinstance(source, ColumnMap):
            return source
        if isinstance(source, Mapping):
            return _from_mapping(dict(source), str(source.get("name", "map")))
        path = Path(source)
        if path.suffix.lower() == ".toml" or len(path.parts) > 1:
            return _from_mapping(_read_toml(path), path.stem)
        shipped = shipped_maps()
        if str(source) not in shipped:
            raise ColumnMapError(
                f"no column map {str(source)!r}{did_you_mean(str(source), shipped)}; "
                f"shipped: {', '.join(shipped)}; or give the path of a .toml file"
            )
        return _from_mapping(_shipped(str(source)), str(source))


def shipped_maps() -> dict[str, str]:
    """Names and titles of the maps that come with arrisk.

    Examples
    --------
    >>> "ibm_ar" in shipped_maps()
    True
    """
    folder = resources.files("arrisk.ledger.columns").joinpath("maps")
    names = sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {name: str(_shipped(name).get("title", name)) for name in names}


@cache
def _shipped(name: str) -> dict[str, Any]:
    """A shipped map as it stands in its file; whoever makes a `ColumnMap` of it copies every section."""
    text = (
        resources.files("arrisk.ledger.columns").joinpath("maps", f"{name}.toml").read_text(encoding="utf-8")
    )
    return tomllib.loads(text)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ColumnMapError(f"no column map at {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ColumnMapError(f"cannot read the column map {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ColumnMapError(f"{path} is not TOML: {error}") from error


def header_key(header: object) -> str:
    """A header without what people vary: case, spaces, underscores, full-width forms.

    Examples
    --------
    >>> header_key("Due_Date") == header_key(" due date ")
    True
    """
    text = unicodedata.normalize("NFKC", str(header)).casefold()
    return re.sub(r"[\s_\-.:#'\"*/\\]+", "", text)


def header_keys(header: object) -> tuple[str, ...]:
    """The keys a header answers to: as written, and without a unit in brackets, as in 金额(元)."""
    bare = _BRACKETS.sub("", unicodedata.normalize("NFKC", str(header)))
    keys = (header_key(header), header_key(bare))
    return keys[:1] if keys[0] == keys[1] or not keys[1] else keys


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the nearest known word, or nothing.

    Examples
    --------
    >>> did_you_mean("custmer_id", ["customer_id", "amount"])
    ": did you mean 'customer_id'?"
    """
    by_key = {header_key(name): name for name in known}
    near = difflib.get_close_matches(header_key(word), list(by_key), n=1, cutoff=0.6)
    return f": did you mean {by_key[near[0]]!r}?" if near else ""


def check_options(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Reading options by name and type.

    Raises
    ------
    ColumnMapError
        If an option is unknown or of the wrong type.
    """
    for key, value in options.items():
        if key not in OPTIONS:
            raise ColumnMapError(
                f"{where}: unknown option {key!r}{did_you_mean(key, OPTIONS)}; allowed: {', '.join(OPTIONS)}"
            )
        fits = isinstance(value, OPTIONS[key]) and (bool in OPTIONS[key] or not isinstance(value, bool))
        if value is not None and not fits:
            kinds = " or ".join(kind.__name__ for kind in OPTIONS[key])
            raise ColumnMapError(f"{where}: option {key} = {value!r} is not of type {kinds}")
    return {key: value for key, value in options.items() if value is not None}


def _from_mapping(given: dict[str, Any], name: str) -> ColumnMap:
    where = f"column map {given.get('name', name)!r}"
    _check_keys(given, _KEYS, where)
    shape = given.get("shape")
    if not isinstance(shape, str) or shape not in FIELDS:
        raise ColumnMapError(
            f"{where}: shape = {shape!r}{did_you_mean(str(shape), FIELDS)}; allowed: {', '.join(FIELDS)}"
        )
    tables = _section(given, "tables", where)
    if not tables:
        roles = ", ".join(FIELDS[shape])
        raise ColumnMapError(f"{where}: no [tables.<role>] section; roles of {shape}: {roles}")
    return ColumnMap(
        name=str(given.get("name", name)),
        title=str(given.get("title", name)),
        system=str(given.get("system", "")),
        shape=shape,
        notes=_words(given.get("notes", ()), f"{where}: notes"),
        options=check_options(_section(given, "options", where), where),
        codes=_codes(shape, _section(given, "codes", where), where),
        tables={role: _table(shape, role, section, where) for role, section in tables.items()},
    )


def _check_keys(section: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    allowed = list(allowed)
    for key in section:
        if key not in allowed:
            hint = did_you_mean(key, allowed)
            raise ColumnMapError(f"{where}: unknown key {key!r}{hint}; allowed: {', '.join(allowed)}")


def _section(given: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    section = given.get(key, {})
    if not isinstance(section, Mapping):
        raise ColumnMapError(f"{where}: [{key}] must be a section, not {section!r}")
    return dict(section)


def _words(value: Any, where: str) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise ColumnMapError(f"{where} must be a text or a list of texts, not {value!r}")
    return tuple(words)


def _codes(shape: str, given: Mapping[str, Any], where: str) -> dict[str, tuple[str, ...]]:
    _check_keys(given, CODES[shape], f"{where}: [codes]")
    return {**CODES[shape], **{key: _words(value, f"{where}: codes.{key}") for key, value in given.items()}}


def _table(shape: str, role: str, given: Any, where: str) -> TableMap:
    if role not in FIELDS[shape]:
        raise ColumnMapError(
            f"{where}: unknown role [tables.{role}]{did_you_mean(role, FIELDS[shape])}; "
            f"roles of {shape}: {', '.join(FIELDS[shape])}"
        )
    here = f"{where}: [tables.{role}]"
    if not isinstance(given, Mapping):
        raise ColumnMapError(f"{here} must be a section, not {given!r}")
    _check_keys(given, _TABLE_KEYS, here)
    fields = FIELDS[shape][role]
    columns = _section(given, "columns", here)
    defaults = _section(given, "defaults", here)
    _check_keys(columns, fields, f"{here} columns")
    _check_keys(defaults, fields, f"{here} defaults")
    lost = [f for f, column in fields.items() if column.required and f not in columns and f not in defaults]
    if lost:
        raise ColumnMapError(f"{here}: no header given for {', '.join(lost)}, which {shape} needs")
    return TableMap(
        source=_words(given.get("source", ("*",)), f"{here} source"),
        columns={field: _words(value, f"{here} columns.{field}") for field, value in columns.items()},
        defaults=defaults,
    )
