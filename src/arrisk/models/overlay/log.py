"""The log of overlays: append-only, each line chained to the one before, expired entries stop the run."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html
from arrisk.errors import LookAheadError, ModelError
from arrisk.ledger.days import as_date
from arrisk.models.loss_rates.loss_rates import LossRates
from arrisk.models.overlay.entries import START, Entry, entry_to_line, parse_line
from arrisk.models.overlay.factors import Factor, make_factors
from arrisk.models.overlay.locked_file import locked_file
from arrisk.models.overlay.scenarios import Scenario, expect_over

__all__ = ["OverlayLog", "append_overlay", "read_overlays", "withdraw_overlay"]

Date = str | dt.date | pd.Timestamp
Change = float | Factor | Mapping[str | tuple[str, str], float] | Sequence[Factor] | Sequence[Scenario]
COLUMNS = [
    "id", "what", "amount_before", "amount_after", "effect", "who", "why", "evidence", "made_on",
    "expires_on",
]  # fmt: skip
FORMATS: dict[str, Format] = dict.fromkeys(("amount_before", "amount_after", "effect"), "money")


@dataclass(frozen=True, slots=True)
class OverlayLog:
    """What was decided on top of historical rates, in the order it was decided.

    An empty one changes nothing.

    Attributes
    ----------
    entries : tuple of Entry
    name : str
        Of the file; empty without one.
    """

    entries: tuple[Entry, ...] = ()
    name: str = ""

    @property
    def head(self) -> str:
        """Digest of the last line. Who has recorded it sees later whether lines at the end are gone."""
        return self.entries[-1].digest if self.entries else START

    def check_head(self, head: str) -> None:
        """See that a head recorded earlier is still in the log: no chain of digests shows by itself that
        its last lines were cut off.

        Raises
        ------
        ModelError
            If it is not.
        """
        if head not in (START, *(entry.digest for entry in self.entries)):
            raise ModelError(
                f"the overlay log {self.name} has no line with the recorded digest {head}: lines were cut "
                "off or the file is another one"
            )

    def in_force(self, as_of: Date) -> tuple[Entry, ...]:
        """Overlays that hold on a day, in their order.

        An entry counts from the later of the day it was made and the first day it is valid; then it also
        ends the one that it names.

        Raises
        ------
        ModelError
            If one has expired and was neither withdrawn nor replaced.
        """
        day = as_date(as_of)
        live = _live(self, day)
        for entry in live:
            if entry.expires_on is not None and entry.expires_on < day:
                raise ModelError(
                    f"overlay {entry.id!r} of {entry.who} ({entry.words}) expired on "
                    f"{entry.expires_on:%Y-%m-%d} and is still in the log on {day:%Y-%m-%d}: withdraw it, or "
                    "replace it by one with new evidence and a new date"
                )
        return live

    def apply(self, rates: LossRates, as_of: Date) -> tuple[LossRates, pd.DataFrame]:
        """Put the overlays in force on loss rates, in their order.

        Returns
        -------
        rates : LossRates
            The same without a log; each overlay stands among the conventions.
        steps : DataFrame
            One row an overlay: id, what, amount_before, amount_after, effect (currency units, missing where
            the rates are only bounds), who, why, evidence, made_on, expires_on.

        Raises
        ------
        ModelError
            If one has expired (see `in_force`), or names a segment or bucket that the rates do not have.
        """
        rows = []
        for entry in self.in_force(as_of):
            before, rates = rates, _apply(entry, rates)
            amounts = _amounts(before.total.value, rates.total.value)
            rows.append((entry.id, entry.words, *amounts, *_grounds(entry)))
        return rates, pd.DataFrame(rows, columns=COLUMNS)

    def finding(self) -> str:
        """How many entries there are, and the last one."""
        if not self.entries:
            return "No overlay: the rates are those of history"
        last, count = self.entries[-1], len(self.entries)
        return (
            f"{count} {'entry' if count == 1 else 'entries'} in the overlay log, the last by {last.who} on "
            f"{last.made_on:%Y-%m-%d}: {last.words}"
        )

    def to_table(self, name: str = "overlay_log") -> Table:
        """Every entry as it was written, with the amount before and after on the day of its rates."""
        rows = [_shown(entry) for entry in self.entries]
        columns = ["entry", "id", "what", "ends", "valid_from", "as_of", *COLUMNS[2:], "digest"]
        note = (
            "Amounts by the rates of as_of, with the overlays then in force. Entries are never changed: each "
            f"line holds the digest of the line before. Digest of the last line: {self.head}."
        )
        return Table(name, self.finding(), pd.DataFrame(rows, columns=columns), note, FORMATS)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def read_overlays(path: str | os.PathLike[str] | None) -> OverlayLog:
    """Read a log and check every line of it.

    Parameters
    ----------
    path : path or None
        None is a log without entries. A file that is named has to be there: a log that is gone is not the
        same as none.

    Raises
    ------
    ModelError
        If there is no such file, or a line was changed, deleted, moved or is not whole.
    """
    if path is None:
        return OverlayLog()
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the overlay log {path}: {error.strerror}") from error
    return parse_log(data, Path(path).name)


def parse_log(data: bytes, name: str) -> OverlayLog:
    """The log in the bytes of a file; see `read_overlays`."""
    *lines, rest = data.split(b"\n")
    if rest:
        raise ModelError(f"{name}, line {len(lines) + 1} is not whole: it has no line feed at its end")
    entries: list[Entry] = []
    previous = START
    for number, line in enumerate(lines, 1):
        entry = parse_line(line, number, previous, name)
        _check_order(OverlayLog(tuple(entries), name), entry)
        entries.append(entry)
        previous = entry.digest
    return OverlayLog(tuple(entries), name)


def append_overlay(
    path: str | os.PathLike[str],
    rates: LossRates,
    change: Change,
    *,
    id: str,
    who: str,
    why: str,
    evidence: str,
    made_on: Date,
    expires_on: Date,
    valid_from: Date | None = None,
    replaces: str | None = None,
    evidence_file: str | os.PathLike[str] | None = None,
) -> OverlayLog:
    """Write an overlay at the end of a log, with what it does to given rates.

    Parameters
    ----------
    path : path
        The log; made when missing.
    rates : LossRates
        Historical ones: overlays in force on their day are put on them first.
    change
        As in `make_factors`, or scenarios.
    id : str
        A new name.
    who, why, evidence : str
        Who answers for it, the reason, and where its grounds can be read. None may be empty.
    made_on : date
        The day of the decision, not before that of the last entry.
    expires_on : date
        Its last day.
    valid_from : date, optional
        Its first day; by default the day it is made.
    replaces : str, optional
        The id of an overlay that it takes the place of.
    evidence_file : path, optional
        A file whose digest the entry keeps.

    Returns
    -------
    OverlayLog
        With the new entry.

    Raises
    ------
    ModelError
        If something is missing or does not fit, the log was tampered with, or someone else is writing it.
    """
    file, digest = _evidence(evidence_file)
    entry = Entry(
        0,
        "overlay",
        id,
        who,
        why,
        evidence,
        as_date(made_on),
        as_date(made_on if valid_from is None else valid_from),
        as_date(expires_on),
        _scenarios(change, rates),
        replaces,
        {},
        file,
        digest,
    )
    return _append(path, entry, rates)


def withdraw_overlay(
    path: str | os.PathLike[str],
    rates: LossRates,
    id: str,
    *,
    who: str,
    why: str,
    evidence: str,
    made_on: Date,
) -> OverlayLog:
    """End an overlay by a new entry; its own line stays as it is.

    Parameters and errors as in `append_overlay`; `id` is that of the overlay.
    """
    name = f"withdrawal of {id}"
    return _append(path, Entry(0, "withdrawal", name, who, why, evidence, as_date(made_on), ends=id), rates)


def _append(path: str | os.PathLike[str], entry: Entry, rates: LossRates) -> OverlayLog:
    with locked_file(path) as (data, write):
        log = parse_log(data, Path(path).name)
        entry = replace(entry, number=len(log.entries) + 1, previous=log.head)
        _check_order(log, entry)
        entry = replace(entry, effect=_effect(log, entry, rates))
        line = entry_to_line(entry)
        longer = parse_log(data + line, log.name)
        write(data + line)
    return longer


def _check_order(log: OverlayLog, entry: Entry) -> None:
    """An entry has a new name, is not older than the last one, and ends only what is there to end."""
    if entry.id in {e.id for e in log.entries}:
        raise ModelError(f"the log has an entry {entry.id!r} already; a new one needs a new name")
    if log.entries and entry.made_on < log.entries[-1].made_on:
        raise ModelError(
            f"entry {entry.id!r} is made on {entry.made_on:%Y-%m-%d}, before the last one "
            f"({log.entries[-1].made_on:%Y-%m-%d}); the log is kept in the order of time"
        )
    if entry.ends is None:
        return
    ended = {e.ends: e for e in log.entries if e.ends}
    there = [e.id for e in log.entries if e.action == "overlay" and e.id not in ended]
    if entry.ends not in there:
        raise ModelError(f"no overlay {entry.ends!r} to end; there are {there}")


def _effect(log: OverlayLog, entry: Entry, rates: LossRates) -> dict[str, Any]:
    """Rates and amount before and after, had the entry begun on the day it was made."""
    if rates.as_of > entry.made_on:
        raise LookAheadError(
            f"entry {entry.id!r} is made on {entry.made_on:%Y-%m-%d} and cannot rest on rates of "
            f"{rates.as_of:%Y-%m-%d}"
        )
    live = _live(log, entry.made_on)
    kept = [old for old in live if old.id != entry.ends]
    new = [entry] if entry.action == "overlay" else []
    before, after = (_figures(_apply_all(entries, rates)) for entries in (live, [*kept, *new]))
    return {
        "as_of": f"{rates.as_of:%Y-%m-%d}",
        "currency": rates.currency,
        "segments": list(rates.segments),
        "buckets": list(rates.buckets),
        "before": before,
        "after": after,
    }


def _apply_all(entries: Iterable[Entry], rates: LossRates) -> LossRates:
    for entry in entries:
        rates = _apply(entry, rates)
    return rates


def _live(log: OverlayLog, day: pd.Timestamp) -> tuple[Entry, ...]:
    """Overlays begun and not ended, expired or not; one that was ended before its first day never begins."""
    ends_on = {entry.ends: _begins(entry) for entry in log.entries if entry.ends}
    begun = [
        entry
        for entry in log.entries
        if _begins(entry) <= day and not ends_on.get(entry.id, day) < _begins(entry)
    ]
    ended = {entry.ends for entry in begun}
    return tuple(entry for entry in begun if entry.action == "overlay" and entry.id not in ended)


def _figures(rates: LossRates) -> dict[str, Any]:
    values = rates.replicates.rates
    return {
        "amount": rates.total.value,
        "low": rates.total.low,
        "high": rates.total.high,
        "rates": [[None if np.isnan(v) else float(v) for v in row] for row in values],
    }


def _apply(entry: Entry, rates: LossRates) -> LossRates:
    change = expect_over(entry.scenarios, rates.segments, rates.buckets)
    dated = f"{entry.who}, {entry.made_on:%Y-%m-%d}"
    return rates.adjust(change, f"overlay {entry.id}", f"{entry.words} ({entry.why}; {dated})")


def _amounts(before: float | None, after: float | None) -> tuple[float, float, float]:
    if before is None or after is None:
        return (np.nan,) * 3
    return before, after, round(after - before, 2)


def _shown(entry: Entry) -> tuple[Any, ...]:
    effect = entry.effect
    amounts = _amounts(effect["before"]["amount"], effect["after"]["amount"])
    dates = (entry.valid_from, effect["as_of"])
    return entry.number, entry.id, entry.words, entry.ends, *dates, *amounts, *_grounds(entry), entry.digest


def _grounds(entry: Entry) -> tuple[Any, ...]:
    return entry.who, entry.why, entry.evidence, entry.made_on, entry.expires_on


def _begins(entry: Entry) -> pd.Timestamp:
    return entry.made_on if entry.valid_from is None else max(entry.made_on, entry.valid_from)


def _scenarios(change: Change, rates: LossRates) -> tuple[Scenario, ...]:
    if isinstance(change, Sequence) and change and all(isinstance(part, Scenario) for part in change):
        return tuple(part for part in change if isinstance(part, Scenario))
    factors = make_factors(change, rates.segments, rates.buckets)  # type: ignore[arg-type]
    return (Scenario("as stated", 1.0, factors),)


def _evidence(path: str | os.PathLike[str] | None) -> tuple[str | None, str | None]:
    if path is None:
        return None, None
    try:
        return Path(path).name, hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read the evidence {path}: {error.strerror}") from error
