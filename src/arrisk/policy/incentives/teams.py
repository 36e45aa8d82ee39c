"""Scorecards of the finance team and of management: one score each, nobody to be ranked against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.policy.incentives.measures import CAP
from arrisk.policy.incentives.scheme import SCHEMES, Scheme, weighted_scores
from arrisk.portfolio.attainment import make_attainment
from arrisk.portfolio.turnover import make_turnover

__all__ = ["TeamScore", "score_finance", "score_management"]

YEAR = pd.DateOffset(years=1)


@dataclass(frozen=True, slots=True, eq=False)
class TeamScore:
    """The score of one team, term by term.

    Attributes
    ----------
    table : DataFrame
        term, weight (percent points), value, year_before (the same a year before, where it is compared),
        score (100 is complete, or as a year before), remark (what the value is; why it is missing).
    score : float
        Over the terms that are known, their weights scaled to 100; NaN when none is.
    known : float
        Weight of the terms that are known, a fraction.
    scheme : Scheme
    as_of : Timestamp
    """

    table: pd.DataFrame
    score: float
    known: float
    scheme: Scheme
    as_of: pd.Timestamp

    @property
    def finding(self) -> str:
        """The score in a sentence."""
        if not self.known > 0:
            return f"No term of the score of {self.scheme.name} is known"
        part = "" if self.known == 1 else f" on {self.known:.0%} of the weight; the rest is missing"
        return f"Score of {self.scheme.name}: {self.score:.0f} points{part}"

    def to_table(self, name: str | None = None) -> Table:
        """The terms ready to be shown."""
        note = (
            f"Weights of {self.scheme}; a term counts up to {CAP:.0f}; a missing term is left out and its "
            "weight shared among the others."
        )
        return Table(name or f"score_{self.scheme.name}", self.finding, self.table, note, {"score": "days"})

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def score_finance(snapshot: Snapshot, scheme: Scheme | None = None, warned: float | None = None) -> TeamScore:
    """Score the finance team: timeliness and accuracy of booking, effectiveness of warning.

    Parameters
    ----------
    snapshot : Snapshot
    scheme : Scheme, optional
        20/30/50 by default.
    warned : float, optional
        Share of defaults that an alert preceded in time, from a back-test of early warning; missing without.

    Returns
    -------
    TeamScore
        timeliness: share of the year's receipts recorded within a day of their date; accuracy: share that
        named an invoice and was not reversed.

    Examples
    --------
    >>> import arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1"], "customer_id": ["c"], "issue_date": ["2025-01-01"],
    ...     "amount": [9.0]})
    >>> events = pd.DataFrame({"invoice_id": ["1"], "date": ["2025-02-01"], "recorded_date": ["2025-02-05"],
    ...     "kind": ["payment"], "amount": [9.0]})
    >>> ledger = ar.read_ledger({"invoices": invoices, "events": events}, currency="EUR")
    >>> score_finance(ledger.as_of("2025-12-31")).score
    60.0
    """
    scheme = Scheme("finance", SCHEMES["finance"]) if scheme is None else scheme
    events = snapshot.events
    cash = events[(events["kind"] == "payment") & (events["date"] > snapshot.date - YEAR)]
    receipts = cash[cash["amount"] > 0]
    count = len(receipts)
    lag = (receipts["recorded_date"] - receipts["date"]).dt.days
    loose, reversed_ = int(receipts["invoice_id"].isna().sum()), int((cash["amount"] < 0).sum())
    timely = float((lag <= 1).mean()) if count else np.nan
    accurate = max(1.0 - (loose + reversed_) / count, 0.0) if count else np.nan
    none = "no receipts in the year"
    rows = {
        "timeliness": (
            timely,
            np.nan,
            timely,
            f"{count:,} receipts, recorded within a day" if count else none,
        ),
        "accuracy": (
            accurate,
            np.nan,
            accurate,
            f"{loose:,} of {count:,} named no invoice, {reversed_:,} were reversed" if count else none,
        ),
        "warning_effectiveness": (
            _or_missing(warned),
            np.nan,
            _or_missing(warned),
            "defaults that alerts handled in time preceded"
            if warned is not None
            else "no back-test of early warning given",
        ),
    }
    return _team(rows, scheme, snapshot.date)


def score_management(snapshot: Snapshot, scheme: Scheme | None = None, grace_days: int = 3) -> TeamScore:
    """Score management: collections, bad-debt rate and cash health against a year before.

    Parameters
    ----------
    snapshot : Snapshot
    scheme : Scheme, optional
        50/30/20 by default.
    grace_days : int
        Days after the due date that still count as in time.

    Returns
    -------
    TeamScore
        collections: share collected in time of what fell due in the year; bad_debt_rate: written off in the
        year, net of recoveries, over the year's sales; cash_health: best possible DSO over DSO. Each is
        missing when the ledger does not reach back far enough to compare.
    """
    scheme = Scheme("management", SCHEMES["management"]) if scheme is None else scheme
    before = snapshot.as_of(snapshot.date - YEAR) if snapshot.date - YEAR >= snapshot.first_date else None
    measures: dict[str, tuple[Callable[[Snapshot], float], bool, str]] = {
        "collections": (lambda s: _collected(s, grace_days), False, "collected in time of what fell due"),
        "bad_debt_rate": (_bad_debt, True, "written off net of recoveries, over sales"),
        "cash_health": (_cash_health, False, "best possible DSO over DSO: 1 when nothing is overdue"),
    }
    rows = {}
    for term, (measure, less_is_better, remark) in measures.items():
        now = measure(snapshot)
        past = measure(before) if before is not None else np.nan
        ratio = now / past if past > 0 else np.nan
        score = 2.0 - ratio if less_is_better else ratio
        if np.isnan(score):
            remark += "; nothing a year before to compare with"
        rows[term] = (now, past, score, remark)
    return _team(rows, scheme, snapshot.date)


def _team(rows: dict[str, tuple[float, float, float, str]], scheme: Scheme, date: pd.Timestamp) -> TeamScore:
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "year_before", "score", "remark"])
    table = table.reindex(list(scheme.terms)).rename_axis("term").reset_index()
    table.insert(1, "weight", list(scheme.weights.values()))
    table["score"] = (100.0 * table["score"]).clip(0.0, CAP)
    score, known = weighted_scores(table["score"].to_numpy(dtype=float), scheme.shares)
    return TeamScore(table, float(score), float(known), scheme, date)


def _or_missing(value: float | None) -> float:
    return np.nan if value is None else value


def _collected(snapshot: Snapshot, grace_days: int) -> float:
    try:
        cells = make_attainment(snapshot, by="segment", grace_days=grace_days).cells
    except LedgerError:
        return np.nan
    base = float(cells["base"].sum())
    return float(cells["part"].sum()) / base if base > 0 else np.nan


def _bad_debt(snapshot: Snapshot) -> float:
    start = snapshot.date - YEAR
    events, items = snapshot.events, snapshot.items
    recent = events[events["date"] > start].groupby("kind")["amount"].sum()
    sales = float(items.loc[items["issue_date"] > start, "amount"].sum())
    lost = float(recent.get("write_off", 0.0)) - float(recent.get("recovery", 0.0))
    return lost / sales if sales > 0 else np.nan


def _cash_health(snapshot: Snapshot) -> float:
    last = make_turnover(snapshot, months=1).table.iloc[-1]
    return float(last["best_possible_dso"] / last["dso"]) if last["dso"] > 0 else np.nan
