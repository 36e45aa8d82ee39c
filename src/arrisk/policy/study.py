"""A study: one TOML file that names a ledger, the day it is read, and every assumption with its source."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import LedgerError, StudyError
from arrisk.policy.assumptions import Assumption, find
from arrisk.policy.study_file import Control, Queue, find_holes, parse_study, study_template

if TYPE_CHECKING:
    from arrisk.ledger.book import Ledger, Snapshot

__all__ = ["Control", "Queue", "Study", "find_holes", "open_study", "study_template"]

STUDY_VARIABLE = "ARRISK_STUDY"
STUDY_FILE = "study.toml"
SAMPLE_STUDY = Path("data") / "sample" / STUDY_FILE


@dataclass(frozen=True, slots=True, repr=False)
class Study:
    """A ledger, the day it is read, and the assumptions: all that a run of the notebooks needs.

    Open one with `open_study`. Its ledger is read once, on first use.

    Parameters
    ----------
    path : Path
        The study file; ledger paths are relative to its folder.
    name, title : str
        Identifier and heading.
    as_of : Timestamp
        The day the ledger is read (naive midnight).
    currency : str
        Reporting currency, ISO 4217.
    seed : int
        Root of every random draw.
    sources : tuple of str
        Files or folders of the ledger, absolute.
    columns : str
        Name of a shipped column map, or an absolute path to one.
    options : mapping
        Passed to `read_ledger`.
    controls : tuple of Control
        Totals that the ledger must tie out to.
    assumptions : tuple of Assumption
        In the order of the file.
    queues : tuple of Queue
        Who owns overdue items, by days overdue; holes are allowed and can be shown with `find_holes`.
    settings : mapping of str to mapping
        Free tables ``[settings.<family>]``, for grids and schemes.
    text : str
        The TOML as read.

    Examples
    --------
    >>> toml = study_template("ledger", "arrisk", "2025-12-31", "EUR")
    >>> study = Study.from_toml(toml, Path("study.toml"))
    >>> study.assumption("cost_of_capital").value
    0.08
    >>> study.get("no_such_number") is None
    True
    """

    path: Path
    name: str
    title: str
    as_of: pd.Timestamp
    currency: str
    seed: int
    sources: tuple[str, ...]
    columns: str
    options: Mapping[str, Any]
    controls: tuple[Control, ...]
    assumptions: tuple[Assumption, ...]
    queues: tuple[Queue, ...]
    settings: Mapping[str, Mapping[str, Any]]
    text: str = field(repr=False)
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_toml(cls, text: str, path: Path) -> Study:
        """Read a study from TOML text; `path` is where it is (to be) kept.

        Raises
        ------
        StudyError
            If the text is not TOML or not a study: the message names the key and what is allowed.
        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise StudyError(f"{path}: not valid TOML: {error}") from error
        try:
            return cls(path=path, text=text, **parse_study(data, path.resolve().parent))
        except StudyError as error:
            raise StudyError(f"{path}: {error}") from None

    def assumption(self, name: str) -> Assumption:
        """Return an assumption, or raise `StudyError` that says how to add it."""
        return find(self.assumptions, name)

    def get(self, name: str) -> Assumption | None:
        """Return an assumption, or None when the study does not give it."""
        return next((a for a in self.assumptions if a.name == name), None)

    def ledger(self) -> Ledger:
        """Read the ledger (once) and tie it out to the control totals.

        Raises
        ------
        LedgerError
            If the ledger cannot be read.
        StudyError
            If it does not tie out.
        """
        if "ledger" not in self._cache:
            from arrisk.ledger.reading import read_ledger

            source = self.sources[0] if len(self.sources) == 1 else list(self.sources)
            ledger = read_ledger(source, columns=self.columns, currency=self.currency, **self.options)
            _tie_out(ledger, self.controls)
            self._cache["ledger"] = ledger
        return self._cache["ledger"]  # type: ignore[no-any-return]

    def snapshot(self) -> Snapshot:
        """The ledger as it stood on `as_of`."""
        if "snapshot" not in self._cache:
            self._cache["snapshot"] = self.ledger().as_of(self.as_of)
        return self._cache["snapshot"]  # type: ignore[no-any-return]

    def control_table(self) -> Table:
        """Control totals beside what the ledger says, one row a date."""
        rows = [(c.date, c.balance, self.ledger().as_of(c.date).open_balance) for c in self.controls]
        frame = pd.DataFrame(rows, columns=["date", "control", "ledger"])
        frame["difference"] = frame["ledger"] - frame["control"]
        money = dict.fromkeys(("control", "ledger", "difference"), "money")
        return Table("control", "Tie-out to the control totals", frame, formats={"date": "date", **money})  # type: ignore[dict-item]

    def assumptions_table(self) -> Table:
        """Every assumption with its range, unit and source."""
        columns = ["assumption", "value", "low", "high", "unit", "source"]
        rows = [(a.name, a.value, a.low, a.high, a.unit, a.source) for a in self.assumptions]
        typical = sum(a.is_typical for a in self.assumptions)
        note = f"{typical} of {len(rows)} are typical values, not the company's own." if typical else ""
        frame = pd.DataFrame(rows, columns=columns)
        return Table("assumptions", "Assumptions and where they come from", frame, note)

    def __repr__(self) -> str:
        return (
            f"Study({self.name!r}: {self.title}, as of {self.as_of:%Y-%m-%d}, {self.currency}, "
            f"{len(self.assumptions)} assumptions)"
        )

    def _repr_html_(self) -> str:
        table = self.assumptions_table()
        head = f"{self.title}, as of {self.as_of:%Y-%m-%d}, in {self.currency}"
        return frame_html(table.frame, head, table.note)

    def digest(self) -> str:
        """SHA-256 of the TOML text: two studies with one digest ask the same question."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def open_study(path: str | Path | None = None) -> Study:
    """Open a study file.

    Parameters
    ----------
    path : str or Path, optional
        The TOML file, or a folder that holds ``study.toml``. By default the environment variable
        ``ARRISK_STUDY``, else the sample's ``data/sample/study.toml``, looked for from the current
        directory upwards and then from the package's own checkout upwards.

    Raises
    ------
    StudyError
        If there is no such file or it is not a study.

    Examples
    --------
    >>> open_study("no/such/study.toml")
    Traceback (most recent call last):
    arrisk.errors.StudyError: no study file at no/such/study.toml
    """
    chosen = path if path is not None else os.environ.get(STUDY_VARIABLE) or _find_sample()
    file = Path(chosen)
    if file.is_dir():
        file = file / STUDY_FILE
    if not file.is_file():
        raise StudyError(f"no study file at {file}")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(f"{file}: not a UTF-8 text file, so not a study") from error
    return Study.from_toml(text, file.resolve())


def _find_sample() -> Path:
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if (folder / SAMPLE_STUDY).is_file():
                return folder / SAMPLE_STUDY
    raise StudyError(
        f"no study given, {STUDY_VARIABLE} is not set, and there is no {SAMPLE_STUDY.as_posix()} above "
        f"{Path.cwd()}; write one with `arrisk init FILES`"
    )


def _tie_out(ledger: Ledger, controls: tuple[Control, ...]) -> None:
    for control in controls:
        try:
            ledger.tie_out(control.date, control.balance)
        except LedgerError as error:
            difference = ledger.as_of(control.date).open_balance - control.balance
            if abs(difference) > control.tolerance:
                raise StudyError(
                    f"{error}; write tolerance = ... beside the control total to accept it"
                ) from error
