"""Verifying an evidence pack: every digest made anew, and what does not agree named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import RunError
from arrisk.report.contents import file_digests
from arrisk.report.evidence.manifest import MANIFEST, read_manifest
from arrisk.report.evidence.register import REGISTER, RegisterEntry, read_register, register_of
from arrisk.report.evidence.rows import file_sha256
from arrisk.report.evidence.sign_off import SIGN_OFF, SignOff, find_sign_off, read_sign_off

if TYPE_CHECKING:
    from arrisk.policy.study import Study

__all__ = ["Verification", "verify_evidence"]

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether an evidence pack is as it was written; make one with `verify_evidence`.

    Attributes
    ----------
    path : Path
    digest : str
        SHA-256 of the manifest as it is now.
    checked : int
        Files compared with their digest.
    problems : DataFrame
        file, problem ("changed", "missing", "added", or why something else is wrong); empty when all is well.
    signed : SignOff or None
    superseded_by : str or None
        Digest of the manifest of the pack that took its place.
    """

    path: Path
    digest: str
    checked: int
    problems: pd.DataFrame
    signed: SignOff | None
    superseded_by: str | None

    @property
    def intact(self) -> bool:
        """Whether nothing is changed, missing or added."""
        return self.problems.empty

    def finding(self) -> str:
        """Whether the pack holds, and who signed it, in one sentence."""
        if not self.intact:
            told = [f"{row.file}: {row.problem}" for row in self.problems.head(SHOWN).itertuples()]
            more = len(self.problems) - len(told)
            return "; ".join(told) + (f"; and {more} more" if more else "")
        state = "not signed"
        if self.signed is not None:
            state = f"signed by {self.signed.who} ({self.signed.role}) on {self.signed.date}"
            state += "" if register_of(self.path).exists() else f", no {REGISTER} beside it to compare with"
        if self.superseded_by is not None:
            state += f", superseded by the pack with manifest {self.superseded_by[:16]}"
        return f"{self.checked} files are as written, manifest {self.digest[:16]}; {state}"

    def to_table(self, name: str = "verification") -> Table:
        """What does not agree, one row a file."""
        return Table(name, self.finding(), self.problems)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def verify_evidence(path: str | Path, study: Study | None = None) -> Verification:
    """Compare every file of a pack with the digests of its manifest, and the manifest with its sign-off.

    Parameters
    ----------
    path : path
        The folder of the pack.
    study : Study, optional
        Its file and the files of its ledger are compared with the digests of the inputs, too.

    Raises
    ------
    RunError
        If the folder holds no manifest, or the register beside it was tampered with.
    """
    folder = Path(path).resolve()
    manifest = read_manifest(folder)
    listed = {str(f["name"]): str(f["sha256"]) for f in manifest["files"]}
    for name in listed:
        _check_name(name, folder)
    there = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_symlink() or p.is_file()}
    found = [(name, "missing") for name in listed if name not in there]
    found += [(name, "added") for name in there if name not in {*listed, MANIFEST, SIGN_OFF}]
    found += [(n, "changed") for n, p in there.items() if n in listed and _is_changed(p, listed[n])]
    digest = file_sha256(folder / MANIFEST)
    entries = [e for e in read_register(register_of(folder)) if e.folder == folder.name]
    found += _sign_off_problems(folder, digest, entries)
    found += [] if study is None else _input_problems(study, manifest)
    marks = [e.by for e in entries if e.action == "superseded"]
    problems = pd.DataFrame(sorted(found), columns=["file", "problem"])
    return Verification(
        folder, digest, len(listed), problems, find_sign_off(folder), marks[-1] if marks else None
    )


def _check_name(name: str, folder: Path) -> None:
    """A manifest may only name what lies inside its pack."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
        raise RunError(f"the manifest in {folder} names {name!r}, which is outside the pack")


def _is_changed(path: Path, digest: str) -> bool:
    return path.is_symlink() or file_sha256(path) != digest


def _sign_off_problems(folder: Path, digest: str, entries: list[RegisterEntry]) -> list[tuple[str, str]]:
    own, signed = read_sign_off(folder), find_sign_off(folder)
    found = []
    if signed is not None and signed.manifest_sha256 != digest:
        found.append((MANIFEST, "changed since it was signed"))
    if signed is not None and own is None:
        found.append((SIGN_OFF, "missing: the register says that the pack was signed"))
    if own is not None and own != signed:
        found.append((SIGN_OFF, "changed: the register says something else"))
    # A copy of the pack alone, as an auditor gets it, has no register beside it.
    kept = register_of(folder).exists()
    if own is not None and kept and not any(e.action == "signed" for e in entries):
        found.append((SIGN_OFF, f"not in {REGISTER} beside the pack"))
    return found


def _input_problems(study: Study, manifest: dict[str, Any]) -> list[tuple[str, str]]:
    now = {s.name: s.sha256 for s in file_digests(study.sources, study.path.parent)}
    then = {str(s["name"]): str(s["sha256"]) for s in manifest["sources"]}
    found = [(f"input {n}", "missing") for n in then if n not in now]
    found += [(f"input {n}", "added") for n in now if n not in then]
    found += [(f"input {n}", "changed") for n in now if n in then and now[n] != then[n]]
    if study.digest() != manifest["study"]["sha256"]:
        found.append((study.path.name, "the study was changed"))
    return found
