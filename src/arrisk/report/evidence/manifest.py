"""The manifest of an evidence pack: what went in, on which choices, and the digest of each file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.errors import RunError
from arrisk.report.contents import file_digests, package_versions
from arrisk.report.evidence.rows import file_sha256

if TYPE_CHECKING:
    from arrisk.models.provision.provision import Provision
    from arrisk.policy.study import Study

__all__ = ["MANIFEST", "code_digest", "manifest_json", "plain", "read_manifest"]

MANIFEST = "manifest.json"
FORM = 1
WRITING = ("xlsxwriter", "pyarrow")


def manifest_json(
    study: Study, provision: Provision, folder: Path, checks: Mapping[str, Any], supersedes: Any = None
) -> str:
    """Describe a filled folder as JSON; the same inputs give the same text.

    Parameters
    ----------
    study : Study
    provision : Provision
    folder : Path
        Every file in it is listed with its digest.
    checks : mapping
        What was tied out, as plain values.
    supersedes : mapping, optional
        Folder and digest of the signed pack that this one replaces.
    """
    data = {
        "form": FORM,
        "what": "evidence of a provision for trade receivables",
        "as_of": f"{provision.as_of:%Y-%m-%d}",
        "currency": provision.currency,
        "provision": plain(provision.total),
        "study": {"name": study.name, "title": study.title, "sha256": study.digest(), "seed": study.seed},
        "sources": [
            {"name": s.name, "sha256": s.sha256} for s in file_digests(study.sources, study.path.parent)
        ],
        "configuration": {
            "basis": plain(provision.basis),
            "rates": plain(provision.rates.conventions),
            "provision": plain(provision.conventions),
        },
        "versions": dict(package_versions(more=WRITING)),
        "code_sha256": code_digest(),
        "checks": plain(checks),
        "supersedes": supersedes,
        "files": list_files(folder),
    }
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def list_files(folder: Path) -> list[dict[str, Any]]:
    """Name, size and digest of every file in a folder."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return [
        {"name": p.relative_to(folder).as_posix(), "bytes": p.stat().st_size, "sha256": file_sha256(p)}
        for p in paths
    ]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a pack.

    Raises
    ------
    RunError
        If there is none, or it is not one.
    """
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{folder} holds no {MANIFEST}, so it is not an evidence pack") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RunError(f"{path} is not readable as a manifest: {error}") from error
    files = data.get("files") if isinstance(data, dict) else None
    if not isinstance(files, list) or not all(
        isinstance(f, dict) and {"name", "sha256"} <= {*f} for f in files
    ):
        raise RunError(f"{path} lists no files, so it is not the manifest of an evidence pack")
    if data.get("form") != FORM:
        raise RunError(f"{path} is of form {data.get('form')!r}, this version reads form {FORM}")
    found: dict[str, Any] = data
    return found


def plain(value: Any) -> Any:
    """A value as JSON knows it: results as mappings, days as text, what is not a finite number as text.

    Examples
    --------
    >>> plain({"edges": (30, 60), "cap": float("inf"), "day": pd.Timestamp("2025-12-31")})
    {'edges': [30, 60], 'cap': 'inf', 'day': '2025-12-31'}
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if not f.name.startswith("_")}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, pd.DataFrame):
        return [plain(row) for row in value.to_dict("records")]
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return getattr(value, "__qualname__", None) or str(value)


@cache
def code_digest() -> str:
    """SHA-256 over the package's own source files, by name: two runs with one digest ran the same code.

    Examples
    --------
    >>> len(code_digest())
    64
    """
    import arrisk

    root = Path(arrisk.__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(file_sha256(path).encode() + b"\n")
    return digest.hexdigest()
