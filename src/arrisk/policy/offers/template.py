"""A commented offer sheet to fill in."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from arrisk.policy.offers.fields import Field, show_value
from arrisk.policy.offers.kinds import HEAD_FIELDS, KINDS, find_kind

__all__ = ["offer_template"]

WIDTH = 100


def offer_template(
    kind: str, head: Mapping[str, Any] | None = None, terms: Mapping[str, Any] | None = None
) -> str:
    """Write the sheet of an offer, every key with its meaning and unit.

    Parameters
    ----------
    kind : str
        Such as "insurance" or "non-recourse factoring"; see `KINDS`.
    head, terms : mapping, optional
        Values of the sections [offer] and [terms] instead of examples. When `terms` is given, keys that are
        not in it are shown as comments.

    Returns
    -------
    str
        TOML that `read_offer` reads.

    Raises
    ------
    OfferError
        If the kind is unknown.

    Examples
    --------
    >>> print(offer_template("insurance").splitlines()[1])
    [offer]
    """
    kind = find_kind(kind)
    title = KINDS[kind].title
    top = {"kind": kind, **(head or {})}
    lines = [f"# An offer of {title}. Keys that do not apply are left out.", "[offer]"]
    lines += _lines(HEAD_FIELDS, {f.key: top.get(f.key, f.example) for f in HEAD_FIELDS if f.given} | top)
    chosen = {f.key: f.example for f in KINDS[kind].fields if f.given} if terms is None else terms
    return "\n".join([*lines, "", "[terms]", *_lines(KINDS[kind].fields, chosen), ""])


def _lines(fields: Sequence[Field], values: Mapping[str, Any]) -> list[str]:
    out = []
    for field in fields:
        out.append(f"# {field.key}: {_comment(field)}")
        lead = "" if field.key in values else "# "
        out.append(f"{lead}{field.key} = {_toml(field, values.get(field.key, field.example))}")
    return out


def _comment(field: Field) -> str:
    low, high = field.usual or (0.0, 0.0)
    usual = f"; usual are {show_value(field, low)} to {show_value(field, high)}" if field.usual else ""
    return f"{field.meaning} ({field.unit}){usual}{'; required' if field.required else ''}"


def _toml(field: Field, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_quote(str(k))} = {v!r}" for k, v in value.items()) + " }"
    if isinstance(value, str):
        return value if field.kind == "date" else _quote(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_quote(str(v)) for v in value) + "]"
    return repr(value)


def _quote(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(text, ensure_ascii=False)
