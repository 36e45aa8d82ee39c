"""The file of an expert card: dated TOML tables, read with a plain word on what is wrong."""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.ledger.columns.column_map import did_you_mean
from arrisk.models.scoring.expert_item import KINDS, OTHER, ExpertItem

__all__ = ["SHIPPED", "parse_cards", "read_toml"]

SHIPPED = "expert_card.toml"
CARD = ("title", "valid_from", "source", "why", "base_points", "link", "item")
LINK = ("horizon_days", "points", "odds", "double", "reach", "source", "why")
EVERY_ITEM = ("name", "what", "kind", "reads", "missing", "doubt", "words", "source", "why")
OF_KIND = {
    "number": ("cuts", "points", "valid"),
    "class": ("classes", "other"),
    "sign": ("yes", "no", "silent"),
}


def read_toml(path: str | Path | None) -> tuple[dict[str, Any], str]:
    """The file as parsed, and its name for messages; the shipped one without a path.

    Raises
    ------
    ModelError
        If it is not there or no TOML.
    """
    try:
        if path is None:
            text = resources.files("arrisk.models.scoring").joinpath(SHIPPED).read_text(encoding="utf-8")
        else:
            text = Path(path).read_text(encoding="utf-8-sig")
        return tomllib.loads(text), SHIPPED if path is None else Path(path).name
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read the expert card {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"the expert card {path} is not TOML: {error}") from error


def parse_cards(data: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    """Check a parsed file and give the fields of each card, by date.

    Parameters
    ----------
    data : mapping
        The TOML as parsed: a list of tables `card`.
    where : str
        Name of the file, for messages.

    Returns
    -------
    list of dict
        `title`, `valid_from` (Timestamp), `source`, `why`, `base_points`, `link` (dict) and `items` (tuple of
        ExpertItem) of each version, the oldest first.

    Raises
    ------
    ModelError
        On the first thing that is wrong, with its place: unknown or missing keys, dates that are none or the
        same twice, items of one name, cuts that do not increase, points that are no numbers.
    """
    _known(data, ("card",), where)
    rows = data.get("card", [])
    if not isinstance(rows, list) or not rows or not all(isinstance(r, Mapping) for r in rows):
        raise ModelError(f"{where}: no [[card]] in double brackets")
    cards = [_card(row, f"{where}, card {k}") for k, row in enumerate(rows, 1)]
    cards.sort(key=lambda c: c["valid_from"])
    dates = [c["valid_from"] for c in cards]
    twice = next((a for a, b in pairwise(dates) if a == b), None)
    if twice is not None:
        raise ModelError(f"{where}: two cards are valid from {twice:%Y-%m-%d}; which one is meant?")
    return cards


def _card(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    _known(row, CARD, where)
    link = _need(row, "link", where)
    if not isinstance(link, Mapping):
        raise ModelError(f"{where}: link = {link!r} is no table")
    items = _need(row, "item", where)
    if not isinstance(items, list) or not items or not all(isinstance(i, Mapping) for i in items):
        raise ModelError(f"{where}: no [[card.item]] in double brackets")
    parsed = tuple(_item(i, f"{where}, item {i.get('name', k)!r}") for k, i in enumerate(items, 1))
    names = [i.name for i in parsed]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise ModelError(f"{where}: two items are named {twice!r}")
    return {
        "title": _text(row, "title", where),
        "valid_from": _date(row, "valid_from", where),
        "source": _text(row, "source", where),
        "why": _text(row, "why", where, default=""),
        "base_points": _number(row, "base_points", where),
        "link": _link(link, f"{where}, link"),
        "items": parsed,
    }


def _link(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    _known(row, LINK, where)
    numbers = {k: _number(row, k, where) for k in LINK[:5]}
    wrong = [k for k in ("horizon_days", "odds", "double") if numbers[k] <= 0]
    if numbers["reach"] < 0 or wrong or numbers["horizon_days"] != int(numbers["horizon_days"]):
        raise ModelError(
            f"{where}: horizon_days (whole), odds and double are above 0, reach not below, got {numbers}"
        )
    told = {"source": _text(row, "source", where), "why": _text(row, "why", where, default="")}
    return {**numbers, "horizon_days": int(numbers["horizon_days"]), **told}


def _item(row: Mapping[str, Any], where: str) -> ExpertItem:
    kind = _text(row, "kind", where)
    if kind not in KINDS:
        raise ModelError(f"{where}: kind {kind!r} is none of {', '.join(KINDS)}")
    _known(row, (*EVERY_ITEM, *OF_KIND[kind]), where)
    reads = _need(row, "reads", where)
    if not isinstance(reads, list) or not all(isinstance(r, str) for r in reads):
        raise ModelError(f"{where}: reads = {reads!r} is no list of columns")
    own = {"number": _of_number, "class": _of_class, "sign": _of_sign}[kind](row, where)
    try:
        return ExpertItem(
            name=_text(row, "name", where),
            what=_text(row, "what", where),
            kind=kind,  # type: ignore[arg-type]
            reads=tuple(reads),
            missing=_number(row, "missing", where),
            doubt=_number(row, "doubt", where),
            words=_template(row, where),
            source=_text(row, "source", where),
            why=_text(row, "why", where, default=""),
            **own,
        )
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from None


def _of_number(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    cuts, points = (_numbers(_need(row, k, where), k, where) for k in ("cuts", "points"))
    valid = _numbers(row.get("valid", [-np.inf, np.inf]), "valid", where, finite=False)
    if len(valid) != 2 or not valid[0] < valid[1]:
        raise ModelError(f"{where}: valid = {list(valid)} is not a lower and an upper limit")
    ends = [f"{c:,g}" for c in cuts]
    middle = [f"{a} to below {b}" for a, b in pairwise(ends)]
    answers = (f"below {ends[0]}", *middle, f"from {ends[-1]}") if ends else ("any",)
    return {"cuts": cuts, "points": points, "valid": valid, "answers": answers}


def _of_class(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    classes = _need(row, "classes", where)
    if not isinstance(classes, Mapping) or not classes:
        raise ModelError(f"{where}: classes = {classes!r} is no table of points")
    names = [str(c).strip().casefold() for c in classes]
    points = [*_numbers(list(classes.values()), "classes", where), _number(row, "other", where)]
    return {"answers": (*names, OTHER), "points": tuple(points)}


def _of_sign(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    silent = row.get("silent", False)
    if not isinstance(silent, bool):
        raise ModelError(f"{where}: silent = {silent!r} is neither true nor false")
    points = (_number(row, "no", where), _number(row, "yes", where))
    return {"answers": ("no", "yes"), "points": points, "silent": silent}


def _known(table: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    for key in table:
        if key not in allowed:
            raise ModelError(
                f"{where}: unknown key {key!r}{did_you_mean(key, allowed)}; allowed: {', '.join(allowed)}"
            )


def _need(table: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in table:
        raise ModelError(f"{where}: {key} is missing")
    return table[key]


def _text(table: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = table.get(key, default) if default is not None else _need(table, key, where)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise ModelError(f"{where}: {key} = {value!r} is not a text")
    return value.strip()


def _template(row: Mapping[str, Any], where: str) -> str:
    words = _text(row, "words", where)
    try:
        words.format("text" if row.get("kind") == "class" else 1.0)
    except (IndexError, KeyError, ValueError) as error:
        raise ModelError(
            f"{where}: words = {words!r} is no template of one value, such as '{{0:.2f}}'"
        ) from error
    return words


def _date(table: Mapping[str, Any], key: str, where: str) -> pd.Timestamp:
    value = _need(table, key, where)
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise ModelError(f"{where}: {key} = {value!r} is not a date such as 2025-01-01, without quotes")
    return pd.Timestamp(value)


def _number(table: Mapping[str, Any], key: str, where: str) -> float:
    return _numbers([_need(table, key, where)], key, where)[0]


def _numbers(values: Any, key: str, where: str, finite: bool = True) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise ModelError(f"{where}: {key} = {values!r} is no list of numbers")
    for value in values:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not plain or math.isnan(value) or (finite and not math.isfinite(value)):
            raise ModelError(f"{where}: {key} holds {value!r}, which is no number")
    return tuple(float(v) for v in values)
