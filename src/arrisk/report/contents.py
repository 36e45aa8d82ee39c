"""What a report holds, before it is told as a page, a workbook or JSON."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Table
from arrisk.policy.recommendation import Recommendation
from arrisk.report.harvest import Harvest, unique_recommendations, unique_tables

if TYPE_CHECKING:
    from arrisk.policy.study import Study

__all__ = ["Report", "Source", "file_digests", "make_report", "package_versions"]

REPORTED_PACKAGES = (
    "arrisk", "duckdb", "lifelines", "matplotlib", "numpy", "pandas", "scikit-learn", "scipy", "statsmodels",
)  # fmt: skip
QUALITY_TABLES = ("checks", "quarantine", "control")
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a ledger, by its name relative to the study's folder, and the SHA-256 of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the pages of a report tell, in one place.

    Parameters
    ----------
    name, title, currency : str
        Of the study.
    as_of : Timestamp
        The day the ledger was read.
    seed : int
        Root of the random draws.
    digest : str
        SHA-256 of the study file.
    sources : tuple of Source
        The files of the ledger.
    versions : tuple of (str, str)
        Python and packages that made it.
    harvests : tuple of Harvest
        One a notebook, in their order.
    recommendations : mapping of str to tuple of Recommendation
        By notebook, none twice.
    tables : tuple of Table
        Every table shown, with unique names.
    assumptions : Table
        Every assumption with its source.
    quality : tuple of Table
        What was checked, kept and set aside.
    complete : bool
        False when only some notebooks were run.
    """

    name: str
    title: str
    currency: str
    as_of: pd.Timestamp
    seed: int
    digest: str
    sources: tuple[Source, ...]
    versions: tuple[tuple[str, str], ...]
    harvests: tuple[Harvest, ...]
    recommendations: dict[str, tuple[Recommendation, ...]]
    tables: tuple[Table, ...]
    assumptions: Table
    quality: tuple[Table, ...]
    complete: bool = True

    @property
    def decisions(self) -> tuple[Recommendation, ...]:
        """All recommendations, in the order of the notebooks."""
        return tuple(r for found in self.recommendations.values() for r in found)

    def table(self, name: str) -> Table | None:
        """The table of that name, or None."""
        return next((t for t in self.tables if t.name == name), None)


def make_report(
    study: Study, harvests: Sequence[Harvest], quality: Sequence[Table] = (), complete: bool = True
) -> Report:
    """Put together what the notebooks of a study yielded.

    Parameters
    ----------
    study : Study
        Read for its names, assumptions and sources.
    harvests : sequence of Harvest
        One a notebook.
    quality : sequence of Table
        What the reading of the ledger found; a table of the same name that a notebook shows comes first.
    complete : bool
        Whether every notebook was run.
    """
    shown = unique_tables(t for h in harvests for t in h.tables)
    names = {t.name for t in shown}
    added = [t for t in quality if t.name not in names]
    told = {t.name: t for t in (*shown, *added)}
    return Report(
        name=study.name,
        title=study.title,
        currency=study.currency,
        as_of=study.as_of,
        seed=study.seed,
        digest=study.digest(),
        sources=file_digests(study.sources, study.path.parent),
        versions=package_versions(),
        harvests=tuple(harvests),
        recommendations=unique_recommendations(harvests),
        tables=(*shown, *added),
        assumptions=study.assumptions_table(),
        quality=tuple(told[name] for name in QUALITY_TABLES if name in told),
        complete=complete,
    )


def file_digests(paths: Sequence[str], folder: Path) -> tuple[Source, ...]:
    """SHA-256 of files, and of the files inside folders, named relative to `folder` where they lie in it.

    What is not a file (an address of a database) is left out.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     _ = Path(name, "a.csv").write_text("x")
    ...     [(s.name, s.sha256[:8]) for s in file_digests([name], Path(name))]
    [('a.csv', '2d711642')]
    """
    found = []
    for path in map(Path, paths):
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        found += [Source(_relative(p, folder, path), _digest(p)) for p in inside if p.is_file()]
    return tuple(found)


def package_versions(more: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """Versions of Python, of the packages that compute, and of `more`.

    Examples
    --------
    >>> package_versions()[0][0]
    'python'
    """
    found = [("python", platform.python_version())]
    for name in (*REPORTED_PACKAGES, *more):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def _relative(path: Path, folder: Path, root: Path) -> str:
    """A name without the machine: relative to the study, else below the source's own name."""
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return (Path(root.name) / path.relative_to(root)).as_posix() if path != root else path.name


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
