"""Signing an evidence pack off: from then on it cannot be edited, only superseded."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from arrisk.errors import LedgerError, RunError
from arrisk.ledger.days import as_date
from arrisk.report.atomic import replace_file
from arrisk.report.evidence.manifest import MANIFEST, read_manifest
from arrisk.report.evidence.register import RegisterEntry, append_entry, read_register, register_of
from arrisk.report.evidence.rows import file_sha256

__all__ = ["SIGN_OFF", "SignOff", "check_unsigned", "find_sign_off", "sign_off", "signed_pack"]

SIGN_OFF = "sign_off.json"
READ_ONLY = 0o444


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who answers for an evidence pack.

    Parameters
    ----------
    manifest_sha256 : str
        Digest of the manifest that was signed; it holds those of all other files.
    who, role, date, note : str
        The date as 2025-12-31; the note may be empty.
    """

    manifest_sha256: str
    who: str
    role: str
    date: str
    note: str = ""


def sign_off(
    path: str | Path, who: str, role: str, date: str | dt.date | pd.Timestamp, note: str = ""
) -> SignOff:
    """Sign an evidence pack off.

    The sign-off goes into the pack and into the register beside it (see `arrisk.report.evidence.register`).
    When the pack names another that it supersedes, the register beside that one gets a mark.

    Parameters
    ----------
    path : path
        The folder of the pack.
    who, role : str
        Not empty.
    date : date
        Not before the as-of date of the provision.
    note : str, optional

    Returns
    -------
    SignOff

    Raises
    ------
    RunError
        If the pack does not verify, is signed already, or something is missing.
    """
    from arrisk.report.evidence.verification import verify_evidence

    folder = Path(path).resolve()
    manifest = read_manifest(folder)
    if not who.strip() or not role.strip():
        raise RunError("a sign-off needs the name and the role of who signs")
    day = _day(date, manifest)
    signed = SignOff(file_sha256(folder / MANIFEST), who.strip(), role.strip(), day, note.strip())
    # The same sign-off again finishes one that was cut short.
    if read_sign_off(folder) != signed:
        check_unsigned(folder)
    found = verify_evidence(folder)
    if not found.problems["file"].isin([SIGN_OFF]).all():
        raise RunError(f"only an intact pack can be signed: {found.finding()}")
    _mark_superseded(folder, manifest, signed)
    replace_file(folder / SIGN_OFF, json.dumps(asdict(signed), ensure_ascii=False, indent=2) + "\n")
    append_entry(register_of(folder), RegisterEntry("signed", folder.name, **asdict(signed)))
    _protect(folder)
    return signed


def check_unsigned(folder: Path) -> None:
    """Refuse a pack that is signed off.

    Raises
    ------
    RunError
        If the pack or the register beside it says so: taking the sign-off out of the folder does not help.
    """
    signed = find_sign_off(folder)
    if signed is not None:
        raise RunError(
            f"{folder} was signed off by {signed.who} on {signed.date} and cannot be edited; write a new "
            "pack into another folder that supersedes it"
        )


def find_sign_off(folder: Path) -> SignOff | None:
    """The sign-off of a pack: that of the register, else the one in the folder.

    Raises
    ------
    RunError
        If the register or the sign-off cannot be read.
    """
    for entry in reversed(read_register(register_of(folder))):
        if entry.action == "signed" and entry.folder == folder.resolve().name:
            return SignOff(entry.manifest_sha256, entry.who, entry.role, entry.date, entry.note)
    return read_sign_off(folder)


def read_sign_off(folder: Path) -> SignOff | None:
    """The sign-off in the folder of a pack, None without one.

    Raises
    ------
    RunError
        If it cannot be read as one.
    """
    path = folder / SIGN_OFF
    if not path.exists():
        return None
    try:
        return SignOff(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise RunError(f"{path} is not readable as a sign-off: {error}") from error


def signed_pack(path: str | Path) -> tuple[Path, SignOff]:
    """The folder of a pack to be superseded and its sign-off.

    Raises
    ------
    RunError
        If it is not a pack, or not signed: an unsigned one is simply written anew.
    """
    folder = Path(path).resolve()
    read_manifest(folder)
    signed = find_sign_off(folder)
    if signed is None:
        raise RunError(f"{folder} is not signed off, so nothing has to supersede it: write it anew")
    return folder, signed


def _day(date: str | dt.date | pd.Timestamp, manifest: dict[str, object]) -> str:
    try:
        day = f"{as_date(date):%Y-%m-%d}"
    except LedgerError as error:
        raise RunError(f"the date of a sign-off: {error}") from error
    if day < str(manifest["as_of"]):
        raise RunError(f"a provision of {manifest['as_of']} cannot be signed before that day, on {day}")
    return day


def _mark_superseded(folder: Path, manifest: dict[str, object], signed: SignOff) -> None:
    earlier = manifest.get("supersedes")
    if not isinstance(earlier, dict):
        return
    old = (folder.parent / str(earlier["folder"])).resolve()
    if not old.is_dir():
        raise RunError(f"{folder.name} supersedes {earlier['folder']}, which is not there: put it back first")
    mark = RegisterEntry(
        "superseded",
        old.name,
        str(earlier["manifest_sha256"]),
        signed.who,
        signed.role,
        signed.date,
        f"by {folder.name}",
        signed.manifest_sha256,
    )
    append_entry(register_of(old), mark)


def _protect(folder: Path) -> None:
    """Take the right to write from every file: a help against mistakes; the proof is the digests."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.chmod(READ_ONLY)
