"""What a ledger says of each grade today: sales by term, delays, limits, and the defaults counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import ModelError

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard

__all__ = ["EVERYBODY", "GradeBook", "read_grade_book"]

EVERYBODY = "all"
"""The one class of a book that cannot be graded."""

YEAR = 365


@dataclass(frozen=True, slots=True, eq=False)
class GradeBook:
    """The book by grade; made by `read_grade_book`.

    Parameters
    ----------
    table : DataFrame
        One row a grade, best first: `grade`; `rows` and `defaults` (past gradings and how many of them
        defaulted within the horizon); `customers` (graded so today and not in default); `sales` (billed to
        them in the last year, currency units); `term` (days, mean by sales; NaN without sales); `delay`
        (days from the due date to payment, mean by amount; negative is early); `limit` (sum of the limits of
        those that have one) and `limited_sales` (their sales).
    sold : DataFrame
        `grade`, `days` (of the term), `sales`.
    customers : DataFrame
        `customer_id`, `grade`, `sales`, `limit` (NaN without one).
    in_default : int
        Customers in default on the day, left out.
    undated : float
        Sales of the year without a due date or with one before the issue, left out of `sold`.
    """

    table: pd.DataFrame
    sold: pd.DataFrame
    customers: pd.DataFrame
    in_default: int
    undated: float


def read_grade_book(
    scorecard: Scorecard, snapshot: Snapshot, scored: pd.DataFrame | None = None
) -> GradeBook:
    """Read what each grade buys, on which terms, and how late it pays.

    Parameters
    ----------
    scorecard : Scorecard
        Grades the customers of the snapshot; without a fit all are one class.
    snapshot : Snapshot
    scored : DataFrame, optional
        What the scorecard predicts for the snapshot, when it was asked before.

    Returns
    -------
    GradeBook

    Raises
    ------
    LookAheadError
        If the snapshot is earlier than the fit.
    ModelError
        If no customer out of default was ever invoiced.

    Notes
    -----
    The delay is of what was paid before it counts as a default, among items that had the time: due in the
    year that ended `definition.days` before the snapshot. So what is still open cannot bias it. A grade
    without such items takes the delay of the book.
    """
    scored = scorecard.predict(snapshot) if scored is None else scored
    held = scored["in_default"].astype(bool)
    live = scored.loc[~held, ["customer_id", "grade"]].copy()
    if live.empty:
        raise ModelError("no customer out of default to grant terms to")
    live["grade"] = live["grade"].astype(object) if scorecard.identified else EVERYBODY
    items = snapshot.items
    items = items[items["amount"] > 0].merge(live, on="customer_id")
    sold, undated = _sold(items, snapshot.date)
    people = _customers(live, items, snapshot)
    table = _counts(scorecard)
    table = table[(table["rows"] > 0) | table["grade"].isin(live["grade"])].reset_index(drop=True)
    by_grade = people.groupby("grade")
    table["customers"] = table["grade"].map(by_grade.size()).fillna(0).astype(int)
    table["sales"] = table["grade"].map(sold.groupby("grade")["sales"].sum()).fillna(0.0)
    weighed = (sold["days"] * sold["sales"]).groupby(sold["grade"]).sum()
    table["term"] = table["grade"].map(weighed) / table["sales"].where(table["sales"] > 0)
    table["delay"] = _delays(items, snapshot.date, scorecard.definition.days, table["grade"])
    limited = people[people["limit"].notna()].groupby("grade")[["limit", "sales"]].sum()
    table["limit"] = table["grade"].map(limited["limit"]).fillna(0.0)
    table["limited_sales"] = table["grade"].map(limited["sales"]).fillna(0.0)
    return GradeBook(table, sold, people, int(held.sum()), undated)


def _counts(scorecard: Scorecard) -> pd.DataFrame:
    """Past gradings and defaults by grade; of customers, when there is only one class."""
    if scorecard.identified:
        return pd.DataFrame(scorecard.grades[["grade", "rows", "defaults"]])
    seen = scorecard.observations["customer_id"].nunique()
    return pd.DataFrame({"grade": [EVERYBODY], "rows": [seen], "defaults": [scorecard.defaulters]})


def _recent(dates: pd.Series, end: pd.Timestamp) -> pd.Series:
    return (dates <= end) & (dates > end - pd.Timedelta(days=YEAR))


def _sold(items: pd.DataFrame, date: pd.Timestamp) -> tuple[pd.DataFrame, float]:
    """Sales of the last year by grade and term, net of credit notes."""
    year = items[_recent(items["issue_date"], date)]
    sales = year["amount"] - year["credited_amount"]
    days = (year["due_date"] - year["issue_date"]).dt.days
    known = days >= 0
    rows = pd.DataFrame({"grade": year["grade"], "days": days, "sales": sales})[known]
    sums = rows.astype({"days": int}).groupby(["grade", "days"], as_index=False)["sales"].sum()
    return sums[sums["sales"] > 0].reset_index(drop=True), float(sales[~known].sum())


def _customers(live: pd.DataFrame, items: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
    year = items[_recent(items["issue_date"], snapshot.date)]
    sales = (year["amount"] - year["credited_amount"]).groupby(year["customer_id"]).sum()
    limits = snapshot.limits
    last = limits.sort_values("valid_from", kind="stable").groupby("customer_id")["credit_limit"].last()
    people = live.assign(
        sales=live["customer_id"].map(sales).fillna(0.0), limit=live["customer_id"].map(last).astype(float)
    )
    return people.reset_index(drop=True)


def _delays(items: pd.DataFrame, date: pd.Timestamp, default_days: int, grades: pd.Series) -> np.ndarray:
    """Mean days from due date to payment by amount, of what was paid before it would be a default."""
    late = (items["closed_date"] - items["due_date"]).dt.days
    ripe = _recent(items["due_date"], date - pd.Timedelta(days=default_days))
    paid = items[ripe & (items["close_kind"] == "paid") & (late < default_days)]
    weight = paid["paid_amount"]
    moved = weight * late[paid.index]
    if not weight.sum() > 0:
        return np.zeros(len(grades))
    own = moved.groupby(paid["grade"]).sum() / weight.groupby(paid["grade"]).sum()
    return grades.map(own).fillna(float(moved.sum() / weight.sum())).to_numpy(dtype=float)
