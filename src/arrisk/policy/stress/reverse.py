"""Reverse stress: what has to happen before cash runs out or a promise to a lender breaks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money
from arrisk.models.tail import weighted_quantile
from arrisk.policy.stress.runs import Run, count_debtors, run_events, run_scenario
from arrisk.policy.stress.scenarios import ONSET_DAYS, DebtorDefault, MacroDownturn

if TYPE_CHECKING:
    from arrisk.policy.stress.balance_sheet import BalanceSheet
    from arrisk.policy.stress.covenants import Covenant
    from arrisk.policy.stress.stress_report import StressReport

__all__ = ["ReverseStress", "reverse_stress"]

CASH = "cash is exhausted"
MOST_DEBTORS = 50
MOST_DELAY = 90
MOST_YEARS = 13
Breaks = Callable[[Run], bool]


@dataclass(frozen=True, slots=True, eq=False)
class ReverseStress:
    """The least that breaks each promise; made by `reverse_stress`.

    Parameters
    ----------
    table : DataFrame
        One row a promise: promise; debtors (so many of the largest fail), owed (what they owe), share (of
        the receivables); delay_days (everybody pays so much later); years (the worst of so many years, with
        payments late by `slower` days). Missing where nothing tried breaks it; 0 when it is broken already.
    as_of : Timestamp
    currency : str
    slower : float
        Days that payments are late in the bad year.
    weeks : int
    known : bool
        Whether a balance sheet is given.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    slower: float
    weeks: int
    known: bool

    def finding(self) -> str:
        """What exhausts the cash, in one sentence."""
        if not self.known:
            return "Without a balance sheet nobody can say what exhausts the cash"
        row = self.table.iloc[0]
        if not math.isfinite(row["debtors"]):
            return f"No failure of up to {MOST_DEBTORS} debtors exhausts the cash within {self.weeks} weeks"
        if row["debtors"] == 0:
            return "The cash is exhausted without any failure"
        one = row["debtors"] == 1
        who = "the largest debtor" if one else f"the {row['debtors']:.0f} largest debtors"
        return (
            f"Cash is exhausted when {who} {'fails' if one else 'fail'}, with {row['share']:.0%} of the "
            f"receivables ({money(float(row['owed']), self.currency)})"
        )

    def to_table(self, name: str = "reverse_stress") -> Table:
        """The least that breaks each promise."""
        note = (
            "Each promise by itself, in the middle of the simulated years. Debtors: so many of the largest "
            f"fail tomorrow. Delay: all customers pay so many days later (at most {MOST_DELAY} tried), the "
            f"delay building up within {ONSET_DAYS} days. Years: the worst of so many years, with payments "
            f"{self.slower:.0f} days late (at most {2**MOST_YEARS:,} tried). Empty: nothing tried breaks it. "
            "0: broken already."
        )
        formats: dict[str, Format] = {"owed": "money", "share": "percent", "years": "integer"}
        formats |= {"debtors": "integer", "delay_days": "integer"}
        return Table(name, self.finding(), self.table, note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def reverse_stress(report: StressReport, draws: int = 500, slower: float = 15.0) -> ReverseStress:
    """Search for the least that exhausts the cash or breaks each covenant.

    Parameters
    ----------
    report : StressReport
    draws : int
        Simulated years of each trial.
    slower : float
        Days that payments are late in the bad years tried.

    Returns
    -------
    ReverseStress

    Notes
    -----
    By bisection over how many of the largest debtors fail, by how many days all pay later, and how rare the
    year is. A promise counts as broken when it is so in the middle of the simulated years. A covenant that a
    failure brings nearer to being kept (a largest debtor who is gone) may be broken by fewer and kept by
    more: the search then tells one crossing.
    """
    book = report.book
    most = min(MOST_DEBTORS, count_debtors(book))

    @cache
    def debtors(count: int) -> Run:
        return run_scenario(book, DebtorDefault("debtors", count) if count else None, draws)

    @cache
    def late(days: int) -> Run:
        delay = np.full(book.receipts.names.size, float(days))
        return run_events(book, debtors(0).events, "late", delay=delay, onset=ONSET_DAYS)

    @cache
    def rare(power: int) -> Run:
        if not power:
            return debtors(0)
        return run_scenario(book, MacroDownturn("year", 0.5**power, delay_days=slower), draws)

    rows = []
    for promise, breaks in _promises(report).items():
        count = _first(debtors, breaks, most)
        days = _first(late, breaks, MOST_DELAY)
        power = _first(rare, breaks, MOST_YEARS)
        owed = _owed(debtors(int(count))) if math.isfinite(count) else math.nan
        total = float(book.portfolio.exposure.sum())
        years = 2.0**power if power else power
        rows.append((promise, count, owed, owed / total if total > 0 else math.nan, days, years))
    columns = ["promise", "debtors", "owed", "share", "delay_days", "years"]
    return ReverseStress(
        pd.DataFrame(rows, columns=columns),
        report.as_of,
        report.currency,
        slower,
        book.receipts.weeks,
        report.sheet.liquidity is not None,
    )


def _promises(report: StressReport) -> dict[str, Breaks]:
    """What can break, each as a test of a run."""
    sheet = report.sheet
    found: dict[str, Breaks] = {}
    if sheet.liquidity is not None:
        found[CASH] = partial(_exhausts, sheet)
    for covenant in report.covenants:
        if not covenant.missing(sheet):
            found[covenant.name] = partial(_breaks, covenant, report)
    return found


def _exhausts(sheet: BalanceSheet, run: Run) -> bool:
    lowest = (sheet.liquidity or 0.0) + run.change().min(axis=1)
    return weighted_quantile(lowest, 0.5, run.weight) < sheet.minimum_cash


def _breaks(covenant: Covenant, report: StressReport, run: Run) -> bool:
    room = covenant.headroom(covenant.value(report.sheet, run.stressed(report.book.debtor)))
    return weighted_quantile(room, 0.5, run.weight) < 0


def _first(trial: Callable[[int], Run], breaks: Breaks, most: int) -> float:
    """Least whole number from 0 up at which a promise breaks, by bisection; missing when none does."""
    if breaks(trial(0)):
        return 0.0
    if most < 1 or not breaks(trial(most)):
        return math.nan
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if breaks(trial(middle)) else (middle, high)
    return float(high)


def _owed(run: Run) -> float:
    return float(run.events.portfolio.exposure[run.failed].sum())
