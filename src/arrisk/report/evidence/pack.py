"""The evidence of a provision: one folder from which another hand arrives at the same figures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html, money
from arrisk.errors import RunError
from arrisk.models.overlay.entries import entry_to_line
from arrisk.models.overlay.log import OverlayLog, parse_log
from arrisk.report.atomic import check_replaceable, replaced_folder
from arrisk.report.evidence.cells import cell_items, write_customers, write_items, write_secured, write_sums
from arrisk.report.evidence.guide import write_guide
from arrisk.report.evidence.manifest import MANIFEST, list_files, manifest_json, read_manifest
from arrisk.report.evidence.pack_workbook import write_provision_workbook
from arrisk.report.evidence.recipes import find_recipe
from arrisk.report.evidence.rows import file_sha256, write_frame
from arrisk.report.evidence.sign_off import check_unsigned, signed_pack

if TYPE_CHECKING:
    from arrisk.models.provision.provision import Provision
    from arrisk.policy.study import Study

__all__ = ["Evidence", "write_evidence"]

OVERLAY_LOG = "overlay_log.jsonl"


@dataclass(frozen=True, slots=True)
class Evidence:
    """An evidence pack as written; make one with `write_evidence`.

    Attributes
    ----------
    path : Path
        The folder, absolute.
    as_of : Timestamp
    currency : str
    total : float or None
        The provision; None where the ledger gives a bound only.
    digest : str
        SHA-256 of the manifest, which holds the digests of everything else.
    files : DataFrame
        name, bytes, sha256 of each file.
    """

    path: Path
    as_of: pd.Timestamp
    currency: str
    total: float | None
    digest: str
    files: pd.DataFrame

    def finding(self) -> str:
        """What the pack proves, in one sentence."""
        told = "no rate, a bound only" if self.total is None else money(self.total, self.currency, 2)
        return (
            f"Provision on {self.as_of:%Y-%m-%d}: {told}; evidence in {len(self.files)} files, "
            f"manifest {self.digest[:16]}"
        )

    def to_table(self, name: str = "evidence") -> Table:
        """The files of the pack with their digests."""
        return Table(name, self.finding(), self.files, formats={"bytes": "integer"})

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def write_evidence(
    study: Study, provision: Provision, path: str | Path, supersedes: str | Path | None = None
) -> Evidence:
    """Write everything from which a provision can be made again by hand into one folder.

    Parameters
    ----------
    study : Study
        The one whose snapshot the provision was made of.
    provision : Provision
    path : path
        The folder. A pack that is there and not signed is replaced as a whole at the end.
    supersedes : path, optional
        A signed pack whose place this one takes once it is signed itself.

    Returns
    -------
    Evidence
        The same study and provision give the same bytes.

    Raises
    ------
    RunError
        If the provision is not of this study, or the folder is signed, holds something else, or lies among
        the files of the ledger.
    """
    _check_same(study, provision)
    target = Path(path).resolve()
    _check_place(study, target)
    earlier = None if supersedes is None else _earlier(supersedes, target)
    with replaced_folder(target, _names(target), MANIFEST) as folder:
        checks = _fill(folder, study, provision)
        text = manifest_json(study, provision, folder, checks, earlier)
        (folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
        check_unsigned(target)
    files = pd.DataFrame(list_files(target))
    return Evidence(
        target,
        provision.as_of,
        provision.currency,
        provision.total.value,
        file_sha256(target / MANIFEST),
        files,
    )


def _check_same(study: Study, provision: Provision) -> None:
    if provision.as_of != study.as_of or provision.currency != study.currency:
        raise RunError(
            f"the provision is of {provision.as_of:%Y-%m-%d} in {provision.currency}, the study of "
            f"{study.as_of:%Y-%m-%d} in {study.currency}"
        )


def _check_place(study: Study, target: Path) -> None:
    """Refuse a folder that is signed, is an input, or holds what is no part of a pack."""
    check_replaceable(target, MANIFEST)
    check_unsigned(target)
    for source in map(Path, study.sources):
        if source.is_dir() and target.is_relative_to(source.resolve()):
            raise RunError(f"{target} lies among the files of the ledger, {source}; choose another folder")
    if (target / MANIFEST).exists():
        listed = {Path(str(f["name"])).parts[0] for f in read_manifest(target)["files"]}
        strange = sorted(_names(target) - listed - {MANIFEST})
        if strange:
            raise RunError(f"{target} holds {strange[0]}, which is no part of the pack; move it elsewhere")


def _names(target: Path) -> set[str]:
    return {p.name for p in target.iterdir()} if target.is_dir() else set()


def _earlier(supersedes: str | Path, target: Path) -> dict[str, str]:
    folder, signed = signed_pack(supersedes)
    name = Path(os.path.relpath(folder, target.parent)).as_posix()
    return {"folder": name, "manifest_sha256": signed.manifest_sha256}


def _fill(folder: Path, study: Study, provision: Provision) -> dict[str, Any]:
    """Write the tables and return what they tie out to."""
    snapshot, ledger, counts = study.snapshot(), study.ledger(), provision.historical.counts
    items = cell_items(snapshot, counts)
    write_items(folder, snapshot, provision, items)
    recipe = find_recipe(counts, provision.basis.conventions)
    write_sums(folder, counts, recipe)
    write_customers(folder, provision)
    if provision.basis.enhancements:
        write_secured(folder, provision)
    write_provision_workbook(folder, study, provision)
    control = study.control_table().frame
    tables = {
        "provision": provision.table,
        "tie_out": provision.tie,
        "control_totals": control,
        "framework": provision.gate,
        "judged_by_themselves": provision.assessed.table,
        "enhancements": provision.secured.table,
        "overlays_in_force": provision.overlay_steps,
        "assumptions": study.assumptions_table().frame,
        "quarantine": ledger.quarantine,
    }
    for name, frame in tables.items():
        if len(frame) or name == "quarantine":
            write_frame(folder, name, frame)
    (folder / "study.toml").write_bytes(study.text.encode("utf-8"))
    log = _write_log(folder, provision)
    write_guide(folder, provision, recipe)
    return {
        "open_items": int(items.place.size),
        "owed": round(int(items.totals.sum()) / snapshot.scale, 2),
        "tie_out": provision.tie,
        "control_totals": control,
        "quarantine": _quarantine_totals(ledger.quarantine),
        "overlay_log": log,
    }


def _write_log(folder: Path, provision: Provision) -> dict[str, Any] | None:
    """Copy the log of overlays and return the digest of its last line, None without a log."""
    log = provision.basis.overlays
    if not isinstance(log, OverlayLog):
        return None
    data = b"".join(entry_to_line(entry) for entry in log.entries)
    if parse_log(data, OVERLAY_LOG).head != log.head:
        raise RunError(f"the overlay log {log.name} cannot be copied as it is: its digests do not come out")
    (folder / OVERLAY_LOG).write_bytes(data)
    return {"file": OVERLAY_LOG, "entries": len(log.entries), "head": log.head}


def _quarantine_totals(frame: pd.DataFrame) -> dict[str, Any]:
    keys = ["table", "reason", "currency"]
    held = frame[[*keys, "amount"]].copy()
    held["currency"] = held["currency"].astype(object).where(held["currency"].notna(), "")
    held["amount"] = held["amount"].to_numpy(dtype=float, na_value=np.nan)
    sums = held.groupby(keys, sort=True)["amount"].agg(["size", "sum"]).reset_index()
    sums = sums.rename(columns={"size": "rows", "sum": "amount"})
    return {"rows": len(frame), "totals": sums.assign(amount=sums["amount"].round(2))}
