"""A study for files never seen before: a proposed column map, the study, and what a person should look at."""

from __future__ import annotations

import datetime as dt
import json
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from arrisk.errors import ArriskError, StudyError
from arrisk.ledger.columns.proposal import Proposal, propose_map
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sources.source import read_source
from arrisk.policy.study import study_template
from arrisk.report.atomic import replace_file

__all__ = ["NewStudy", "start_study"]

MAP_SUFFIX = ".columns.toml"
NO_CURRENCY = "XXX"  # ISO 4217: no currency involved


@dataclass(frozen=True, slots=True)
class NewStudy:
    """What `start_study` wrote, and what it was unsure of.

    Parameters
    ----------
    study : Path
        The study file.
    columns : Path or str
        The column map written beside it, or the name of the shipped map that fits.
    unsure : tuple of str
        One sentence for each choice that a person should look at.
    """

    study: Path
    columns: Path | str
    unsure: tuple[str, ...]


def start_study(
    files: Sequence[str | Path],
    out: str | Path = "study.toml",
    as_of: dt.date | None = None,
    currency: str | None = None,
    force: bool = False,
) -> NewStudy:
    """Propose a column map and a study for the files of a ledger, and write both.

    Parameters
    ----------
    files : sequence of path
        The files, or one folder.
    out : path
        The study file; the map gets the same name with the ending ``.columns.toml``, and is not written
        where a shipped map fits as it is.
    as_of : date, optional
        Day to read the ledger; by default the last day it knows, which is then said to be unsure.
    currency : str, optional
        Reporting currency; by default the only one in the files.
    force : bool
        Overwrite files that exist.

    Returns
    -------
    NewStudy

    Raises
    ------
    StudyError
        If a file would be overwritten, or the files do not tell the day or the currency.
    LedgerError
        If the files cannot be read.
    """
    study = Path(out)
    columns = study.with_name(study.stem + MAP_SUFFIX)
    paths = [Path(f) for f in files]
    proposal = propose_map(read_source(paths[0] if len(paths) == 1 else paths))
    shipped = proposal.fits if _fits_as_it_is(proposal) else None
    for path in (study,) if shipped else (study, columns):
        if path.exists() and not force:
            raise StudyError(f"{path} exists; --force overwrites it, --out names another")
    day, code, doubts = _day_and_currency(paths, proposal, shipped, as_of, currency)
    if shipped is None:
        replace_file(columns, proposal.toml)
    replace_file(study, _study_text(paths, study, shipped or columns.name, day, code))
    unsure = [u for u in proposal.unsure if not u.startswith("currency:")]
    return NewStudy(study, shipped or columns, (*proposal.missing, *unsure, *doubts))


def _fits_as_it_is(proposal: Proposal) -> bool:
    """Whether a shipped map needs no answer but the currency, which the study gives."""
    open_questions = [u for u in proposal.unsure if not u.startswith("currency:")]
    return proposal.fits is not None and not open_questions and not proposal.missing


def _day_and_currency(
    paths: Sequence[Path],
    proposal: Proposal,
    shipped: str | None,
    as_of: dt.date | None,
    currency: str | None,
) -> tuple[dt.date, str, list[str]]:
    """What was given, else what a first reading with the proposed map finds."""
    doubts = []
    found_day, found_code, reason = as_of, currency, ""
    try:
        columns = shipped or tomllib.loads(proposal.toml)
        source = paths[0] if len(paths) == 1 else [str(p) for p in paths]
        ledger = read_ledger(source, columns=columns, currency=currency)
        if currency is None and ledger.currency != NO_CURRENCY:
            found_code = ledger.currency
        if as_of is None:
            found_day = ledger.last_date.date()
            doubts.append(f"as_of: the last day in the files, {found_day:%Y-%m-%d}; say another in the study")
        if len(ledger.quarantine):
            doubts.append(f"{len(ledger.quarantine)} rows were set apart; `arrisk check` shows why")
    except ArriskError as error:
        reason = str(error)
        if not any(reason in sentence for sentence in proposal.unsure):
            doubts.append(f"the files cannot be read yet: {reason}")
    if found_day is None or found_code is None:
        asked = " and ".join(o for o, v in (("--as-of", found_day), ("--currency", found_code)) if v is None)
        raise StudyError(f"nothing was written: give {asked}, because {reason or 'no column names it'}")
    return found_day, found_code, doubts


def _study_text(paths: Sequence[Path], study: Path, columns: str, as_of: dt.date, currency: str) -> str:
    folder = study.resolve().parent
    names = [Path(os.path.relpath(p.resolve(), folder)).as_posix() for p in paths]
    text = study_template(names[0], columns, as_of, currency)
    if len(names) == 1:
        return text
    one, all_of_them = (json.dumps(n, ensure_ascii=False) for n in (names[0], names))
    return text.replace(f"path = {one}", f"path = {all_of_them}", 1)
