"""The register beside evidence packs: who signed which, and which one took its place. It only grows.

The file is JSON Lines in UTF-8, one entry a line::

    {"digest":"<64 hex digits>","entry":<the entry>}

The digest is SHA-256 over the bytes of the entry; the entry holds, as `previous`, the digest of the line
before (64 zeros in the first). So no line can be changed, moved or taken out of the middle unseen.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from arrisk.errors import ModelError, RunError
from arrisk.models.overlay.locked_file import locked_file

__all__ = ["REGISTER", "RegisterEntry", "append_entry", "read_register", "register_of"]

REGISTER = "evidence_register.jsonl"
START = "0" * 64
FRAME = re.compile(rb'\{"digest":"([0-9a-f]{64})","entry":(\{.*\})\}')


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """One line of the register.

    Parameters
    ----------
    action : {"signed", "superseded"}
    folder : str
        Name of the pack, beside the register.
    manifest_sha256 : str
        Digest of its manifest.
    who, role, date, note : str
        Of the person who signed: this pack, or the one that supersedes it.
    by : str
        "superseded" alone: digest of the manifest of the pack that took its place.
    previous : str
        Digest of the line before.
    """

    action: Literal["signed", "superseded"]
    folder: str
    manifest_sha256: str
    who: str
    role: str
    date: str
    note: str = ""
    by: str = ""
    previous: str = START


def register_of(folder: Path) -> Path:
    """The register that a pack belongs to: the file beside it."""
    return folder.resolve().parent / REGISTER


def read_register(path: Path) -> tuple[RegisterEntry, ...]:
    """Read a register and check every line of it; a file that is not there holds nothing.

    Raises
    ------
    RunError
        If a line was changed, moved, taken out, or is not whole.
    """
    return _parse(path.read_bytes(), path.name)[0] if path.exists() else ()


def append_entry(path: Path, entry: RegisterEntry) -> None:
    """Write an entry at the end of a register, unless it says the same already.

    Raises
    ------
    RunError
        If the register was tampered with, or someone else is writing it.
    """
    try:
        with locked_file(path) as (data, write):
            entries, head = _parse(data, path.name)
            told = {_content(e) for e in entries}
            if _content(entry) not in told:
                write(data + _line({**asdict(entry), "previous": head}))
    except ModelError as error:
        raise RunError(str(error)) from error


def _parse(data: bytes, name: str) -> tuple[tuple[RegisterEntry, ...], str]:
    """The entries in the bytes of a register, and the digest of the last line."""
    *lines, rest = data.split(b"\n")
    if rest:
        raise RunError(f"{name}, line {len(lines) + 1} is not whole: it has no line feed at its end")
    entries, head = [], START
    for number, line in enumerate(lines, 1):
        framed = FRAME.fullmatch(line)
        if framed is None or hashlib.sha256(framed[2]).hexdigest() != framed[1].decode():
            raise RunError(f"{name}, line {number} was changed after it was written; entries never change")
        try:
            entry = RegisterEntry(**json.loads(framed[2]))
        except (TypeError, ValueError) as error:
            raise RunError(f"{name}, line {number} is not an entry of this version: {error}") from error
        if entry.previous != head:
            raise RunError(f"{name}, line {number} does not follow the line before it: one was taken out")
        entries.append(entry)
        head = framed[1].decode()
    return tuple(entries), head


def _line(values: dict[str, str]) -> bytes:
    body = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    return b'{"digest":"' + hashlib.sha256(body).hexdigest().encode() + b'","entry":' + body + b"}\n"


def _content(entry: RegisterEntry) -> tuple[str, ...]:
    values = asdict(entry)
    return tuple(values[name] for name in sorted(values) if name != "previous")
