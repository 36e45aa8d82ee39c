"""Entries of the overlay log: their fields, how they are written as bytes, and the chain of their digests.

The file is JSON Lines in UTF-8, one entry a line, each line ended by a line feed::

    {"digest":"<64 hex digits>","entry":<the entry>}

The digest is SHA-256 over the bytes of the entry as they stand in the file, that is from byte 86 of the line
to its last but one: ``tail -c +86 | head -c -1`` of a line without its line feed. The entry holds, as
`previous`, the digest of the line before; in the first line 64 zeros. It is JSON with sorted keys, no space
between tokens, text in UTF-8 and numbers as the shortest decimals that read back as the same double.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.overlay.factors import Factor
from arrisk.models.overlay.scenarios import Scenario, check_scenarios

__all__ = ["START", "Entry", "entry_to_line", "parse_line"]

START = "0" * 64
"""What the first entry names as the digest before it."""
FRAME = re.compile(rb'\{"digest":"([0-9a-f]{64})","entry":(\{.*\})\}', re.DOTALL)
TEXTS = ("id", "who", "why", "evidence")
DATES = ("made_on", "valid_from", "expires_on")
PARTS = ("before", "after")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log: an overlay made, or one withdrawn.

    Parameters
    ----------
    number : int
        Its line, from 1.
    action : {"overlay", "withdrawal"}
    id : str
        Name of the overlay.
    who, why, evidence : str
        Who answers for it, the reason, and where its grounds can be read.
    made_on : Timestamp
        The day it was decided; before it nobody knew of it.
    valid_from, expires_on : Timestamp or None
        First and last day of an overlay; a withdrawal has none and holds from the day it was made.
    scenarios : tuple of Scenario
        What it does; one of probability 1 for plain factors; none for a withdrawal.
    ends : str or None
        The id of an earlier overlay that it takes the place of, or withdraws.
    effect : mapping
        Rates by segment and bucket and their amount, before and after the entry, on what was owed at the day
        given there (as_of, currency, segments, buckets, before, after; each with amount, low, high, rates).
    evidence_file, evidence_sha256 : str or None
        Name and digest of a file of evidence.
    previous, digest : str
        Digest of the line before and of this one.

    Raises
    ------
    ModelError
        If a text is missing, a date is, or an overlay expires before it begins.
    """

    number: int
    action: Literal["overlay", "withdrawal"]
    id: str
    who: str
    why: str
    evidence: str
    made_on: pd.Timestamp
    valid_from: pd.Timestamp | None = None
    expires_on: pd.Timestamp | None = None
    scenarios: tuple[Scenario, ...] = ()
    ends: str | None = None
    effect: Mapping[str, Any] = field(default_factory=dict)
    evidence_file: str | None = None
    evidence_sha256: str | None = None
    previous: str = START
    digest: str = ""

    def __post_init__(self) -> None:
        for name in TEXTS:
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ModelError(f"an entry of the overlay log needs {name!r}: a text, got {value!r}")
        if self.action == "withdrawal":
            if not self.ends or self.scenarios:
                raise ModelError("a withdrawal names the overlay it ends, and has no factors")
            return
        if self.action != "overlay":
            raise ModelError(f"an entry is an overlay or a withdrawal, not {self.action!r}")
        if self.valid_from is None or self.expires_on is None:
            raise ModelError(f"overlay {self.id!r} needs 'valid_from' and 'expires_on': none lasts for ever")
        if not self.made_on <= self.expires_on or not self.valid_from <= self.expires_on:
            raise ModelError(
                f"overlay {self.id!r} expires on {self.expires_on:%Y-%m-%d}, before it is made "
                f"({self.made_on:%Y-%m-%d}) or begins ({self.valid_from:%Y-%m-%d})"
            )
        check_scenarios(self.scenarios)

    @property
    def words(self) -> str:
        """What it does."""
        if self.action == "withdrawal":
            return f"withdraws {self.ends}"
        if len(self.scenarios) == 1:
            return " and ".join(map(str, self.scenarios[0].factors))
        return "expected over " + "; ".join(map(str, self.scenarios))


def entry_to_line(entry: Entry) -> bytes:
    """The bytes of an entry, line feed included; its digest is made anew.

    Raises
    ------
    ModelError
        If a text cannot be written in UTF-8, or a number is not finite.
    """
    try:
        text = json.dumps(
            _plain(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        body = text.encode("utf-8")
    except (ValueError, TypeError) as error:
        raise ModelError(f"overlay {entry.id!r} cannot be written: {error}") from error
    return b'{"digest":"' + _digest(body).encode() + b'","entry":' + body + b"}\n"


def parse_line(line: bytes, number: int, previous: str, where: str) -> Entry:
    """Read and check one line of a log, given without its line feed.

    Parameters
    ----------
    line : bytes
    number : int
        Its place in the file, from 1.
    previous : str
        Digest of the line before.
    where : str
        Name of the file, for messages.

    Raises
    ------
    ModelError
        If the line is not one that was written here, or was changed since.
    """
    place = f"{where}, line {number}"
    framed = FRAME.fullmatch(line)
    if framed is None:
        raise ModelError(f"{place} is not an entry of an overlay log: {line[:40]!r}...; entries never change")
    stated, body = framed[1].decode(), framed[2]
    if _digest(body) != stated:
        raise ModelError(
            f"{place} was changed after it was written: its digest says {stated}, its text gives "
            f"{_digest(body)}; restore the line and add a new entry instead"
        )
    try:
        entry = _entry(json.loads(body), stated)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{place} is not an entry of this version: {error!r}") from error
    except ModelError as error:
        raise ModelError(f"{place}: {error}") from error
    if entry.previous != previous:
        raise ModelError(
            f"{place} does not follow the line before it: it names {entry.previous}, the line before is "
            f"{previous}; a line was deleted, moved or replaced"
        )
    if entry.number != number:
        raise ModelError(f"{place} says it is entry {entry.number}; a line was deleted or added")
    return entry


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _plain(entry: Entry) -> dict[str, Any]:
    """The entry as JSON values; its own digest is not part of it."""
    out: dict[str, Any] = {
        name: getattr(entry, name)
        for name in ("number", "action", *TEXTS, "ends", "evidence_file", "evidence_sha256", "previous")
    }
    for name in DATES:
        value = getattr(entry, name)
        out[name] = None if value is None else f"{value:%Y-%m-%d}"
    out["scenarios"] = [
        {"name": s.name, "probability": float(s.probability), "factors": [_factor(f) for f in s.factors]}
        for s in entry.scenarios
    ]
    return {**out, "effect": dict(entry.effect)}


def _factor(factor: Factor) -> dict[str, Any]:
    return {
        "kind": factor.kind,
        "value": float(factor.value),
        "segments": list(factor.segments),
        "buckets": list(factor.buckets),
        "cap": float(factor.cap),
    }


def _entry(data: Mapping[str, Any], digest: str) -> Entry:
    values = dict(data)
    for name in DATES:
        values[name] = None if values[name] is None else pd.Timestamp(values[name])
    values["scenarios"] = tuple(
        Scenario(s["name"], s["probability"], _factors(s["factors"])) for s in values["scenarios"]
    )
    effect = values["effect"]
    if "as_of" not in effect or not all("amount" in effect[part] for part in PARTS):
        raise ValueError("its effect lacks as_of, or an amount before or after")
    return Entry(**values, digest=digest)


def _factors(rows: Sequence[Mapping[str, Any]]) -> tuple[Factor, ...]:
    return tuple(
        Factor(**{**row, "segments": tuple(row["segments"]), "buckets": tuple(row["buckets"])})
        for row in rows
    )
