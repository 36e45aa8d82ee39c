"""A card as a file: JSON that scores bit for bit as the card it was written from, and nothing that runs."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from arrisk.errors import ModelError
from arrisk.models.scoring.bins import Bins
from arrisk.models.scoring.card import Card
from arrisk.models.scoring.scaling import PointScale
from arrisk.models.scoring.terms import BinnedTerm, CardTerm, LinearTerm

__all__ = ["card_from_json", "card_to_json", "read_card", "write_card"]

FORMAT, VERSION = "arrisk scorecard", 1
FIELDS = (
    "format", "version", "about", "horizon_days", "clusters", "scale", "grades", "intercept", "covariance",
    "terms",
)  # fmt: skip
UNBOUNDED = {"inf": math.inf, "-inf": -math.inf}


def card_to_json(card: Card) -> str:
    """Write a card as text.

    Returns
    -------
    str
        JSON, floats with as many digits as bring them back exactly.

    Raises
    ------
    ModelError
        If something in it is not a number.
    """
    data = {
        "format": FORMAT,
        "version": VERSION,
        "about": dict(card.about),
        "horizon_days": card.horizon_days,
        "clusters": card.clusters,
        "scale": asdict(card.scale),
        # A list keeps the order of the grades for every reader of JSON.
        "grades": [[grade, bound] for grade, bound in card.grades.items()],
        "intercept": card.intercept,
        "covariance": card.covariance.tolist(),
        "terms": [_term_data(term) for term in card.terms],
    }
    return json.dumps(_plain(data), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def card_from_json(text: str) -> Card:
    """Read a card from text.

    Raises
    ------
    ModelError
        If it is not JSON, not a card, of another version, lacks an entry, has an unknown one, or an entry
        does not fit.

    Examples
    --------
    >>> card_from_json('{"format": "arrisk scorecard", "version": 9}')
    Traceback (most recent call last):
    arrisk.errors.ModelError: this card is of version 9; version 1 can be read
    """
    data = _parsed(text)
    try:
        return Card(
            terms=tuple(_term(entry, number) for number, entry in enumerate(data["terms"], 1)),
            intercept=_number(data["intercept"], "intercept"),
            covariance=_matrix(data["covariance"]),
            scale=_scale(data["scale"]),
            grades={_text(g, "grades"): _number(b, f"grade {g}") for g, b in data["grades"]},
            horizon_days=_whole(data["horizon_days"], "horizon_days"),
            clusters=_whole(data["clusters"], "clusters"),
            about={key: _text(value, f"about {key}") for key, value in data["about"].items()},
        )
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise ModelError(f"the card does not fit its format: {error}") from error


def write_card(card: Card, path: str | os.PathLike[str]) -> Path:
    """Save a card; a reader sees either the old file or the new one, never a part.

    Returns
    -------
    Path
        The file written.
    """
    target = Path(path)
    data = card_to_json(card).encode("utf-8")
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        # A file made by mkstemp is private; what it replaces tells who may read it.
        os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def read_card(path: str | os.PathLike[str]) -> Card:
    """Load a card that `Card.save` wrote; it scores bit for bit as the one saved.

    Parameters
    ----------
    path : path

    Raises
    ------
    ModelError
        If there is no such file or it is not a card that this version can read; the file is named.
    """
    try:
        return card_from_json(Path(path).read_bytes().decode("utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read the card {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: not a card, it is no text in UTF-8") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _term_data(term: CardTerm) -> dict[str, Any]:
    if isinstance(term, LinearTerm):
        return {"kind": "linear", **asdict(term)}
    return {
        "kind": "binned",
        "coefficient": term.coefficient,
        "typical": term.typical,
        "bins": term.bins.to_dict(),
    }


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers of numpy as plain ones, infinite ones by name."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            raise ModelError("a card with something that is not a number cannot be saved")
        return {"float": str(value)}
    return value


def _parsed(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_refused, object_pairs_hook=_entries)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"not a card, it is no JSON: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ModelError(f'not a card: there is no "format": "{FORMAT}"')
    if data.get("version") != VERSION:
        raise ModelError(f"this card is of version {data.get('version')}; version {VERSION} can be read")
    _check_entries(data, FIELDS, "the card")
    return data


def _refused(name: str) -> float:
    raise ModelError(f"a card holds no {name}")


def _entries(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ModelError(f"an entry stands twice in one of {', '.join(k for k, _ in pairs)}")
    if set(found) == {"float"} and found["float"] in UNBOUNDED:
        return UNBOUNDED[found["float"]]
    return found


def _check_entries(data: Any, fields: tuple[str, ...], where: str) -> None:
    if not isinstance(data, dict):
        raise ModelError(f"{where} is no mapping")
    lacking = [f for f in fields if f not in data]
    unknown = [f for f in data if f not in fields]
    if lacking:
        raise ModelError(f"{where} lacks {', '.join(lacking)}")
    if unknown:
        raise ModelError(f"{where} has unknown entries: {', '.join(unknown)}")


def _term(entry: Any, number: int) -> CardTerm:
    where = f"term {number}"
    kind = entry.get("kind") if isinstance(entry, dict) else None
    makers: dict[str, Callable[[dict[str, Any], str], CardTerm]] = {"linear": _linear, "binned": _binned}
    if kind not in makers:
        raise ModelError(f"{where} is of kind {kind!r}; known are {', '.join(makers)}")
    return makers[kind](entry, where)


def _linear(entry: dict[str, Any], where: str) -> LinearTerm:
    numbers = ("low", "high", "step", "fill", "coefficient", "average")
    _check_entries(entry, ("kind", "name", *numbers), where)
    values = {field: _number(entry[field], f"{field} of {where}") for field in numbers}
    return LinearTerm(_text(entry["name"], f"name of {where}"), **values)


def _binned(entry: dict[str, Any], where: str) -> BinnedTerm:
    _check_entries(entry, ("kind", "coefficient", "typical", "bins"), where)
    typical = entry["typical"]
    if not (typical is None or isinstance(typical, str)):
        typical = _number(typical, f"typical of {where}")
    bins = Bins.from_dict(entry["bins"])
    return BinnedTerm(bins, _number(entry["coefficient"], f"coefficient of {where}"), typical)


def _matrix(value: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([[_number(cell, "covariance") for cell in row] for row in value], dtype=float)


def _scale(entry: Any) -> PointScale:
    _check_entries(entry, ("base", "odds", "double"), "scale")
    return PointScale(**{field: _number(value, f"{field} of the scale") for field, value in entry.items()})


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ModelError(f"{where} is {value!r}; expected a finite number")
    return float(value)


def _whole(value: Any, where: str) -> int | None:
    if isinstance(value, bool) or not (value is None or isinstance(value, int)):
        raise ModelError(f"{where} is {value!r}; expected a whole number or null")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ModelError(f"{where} is {value!r}; expected a text")
    return value
