"""What DSO is made of at one date: sales by day, terms, and what stands open relative to the due day.

DSO = sum over segments of share of sales x (sum over days of sale of sales that day x sum over terms of
share of sales on these terms x share still open so many days from due). Every factor is read from the
ledger; what the product leaves goes with the sales, so that the whole is the DSO exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import month_index
from arrisk.ledger.statements import OWED

__all__ = ["FROM_DUE", "REACH", "State", "make_states", "pool_small"]

Floats = NDArray[np.float64]
REACH = 731
"""Days of sale looked at one by one; what is older counts as one figure."""
FROM_DUE = np.array([*range(-91, 92, 7), 182, 365])
"""Last days of the classes of days from due; up to 0 is not due."""
POOLED = "others, without sales in one of the windows"
NO_TERM = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The factors of DSO at one date, by segment.

    Attributes
    ----------
    share : array (segments,)
        Of the sales of the window.
    sold : array (segments, REACH)
        Sales of each day back, over the segment's daily sales in the window.
    terms : array (segments, months back, terms)
        Share of a month's sales on each of the terms; missing in months without sales.
    still_open : array (segments, classes)
        Share of what was invoiced that is open, by class of days from due; missing where nothing was.
    older : array (segments,)
        Open of sales before `REACH`, in days of sales.
    recent : array (segments,)
        Open of the sales within `REACH`, in days of sales.
    months : array (REACH,)
        Months back of each day back.
    """

    share: Floats
    sold: Floats
    terms: Floats
    still_open: Floats
    older: Floats
    recent: Floats
    months: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Invoiced and open amounts of items owed as arrays, and the window's sales by segment."""

    segment: NDArray[np.int64]
    age: NDArray[np.int64]
    term: NDArray[np.int64]
    invoiced: Floats
    still_open: Floats
    sales: Floats
    days: int
    months: NDArray[np.int64]


def make_states(
    cells: tuple[pd.DataFrame, pd.DataFrame], days: tuple[int, int], starts: tuple[int, int]
) -> tuple[State, State, list[str], NDArray[np.int64]]:
    """Factors of DSO at two dates, on the same segments and terms.

    Parameters
    ----------
    cells : two DataFrames
        cell, side, issue_day, due_day, invoiced, amount; see `statements_sales.receivable_cells`.
    days, starts : two int each
        Day numbers of the dates and of the first days of their windows.

    Returns
    -------
    tuple of State, State, list of str, array
        At either date; the segments; the terms in days (`NO_TERM`: none).
    """
    names, groups = pool_small(cells, days, starts)
    first, second = (
        _count(frame, group, len(names), day, start)
        for frame, group, day, start in zip(cells, groups, days, starts, strict=True)
    )
    terms = np.unique(np.concatenate([first.term, second.term]))
    months = int(max(first.months.max(), second.months.max())) + 1
    return (
        _state(first, terms, months, len(names)),
        _state(second, terms, months, len(names)),
        names,
        terms,
    )


def pool_small(
    cells: tuple[pd.DataFrame, pd.DataFrame], days: tuple[int, int], starts: tuple[int, int]
) -> tuple[list[str], list[NDArray[np.int64]]]:
    """Number the segments; those without sales in one of the windows go together.

    Returns
    -------
    tuple of list of str, list of two arrays
        Names, and the number of each row's segment in either frame.
    """
    labels = [frame["cell"].astype(object).where(frame["cell"].notna(), "not given") for frame in cells]
    sales = pd.DataFrame(
        {
            k: frame["invoiced"].where(_inside(frame, day, start), 0).astype(float).groupby(label).sum()
            for k, (frame, label, day, start) in enumerate(zip(cells, labels, days, starts, strict=True))
        }
    ).fillna(0.0)
    order = sales.min(axis=1).sort_values(kind="stable")
    weak = int((order <= 0).sum())
    while 0 < weak < len(order) and (sales.loc[order.index[:weak]].sum() <= 0).any():
        weak += 1
    pooled = set(order.index[:weak])
    names = sorted(str(x) for x in order.index if x not in pooled) + ([POOLED] if pooled else [])
    place = {x: names.index(POOLED) if x in pooled else names.index(str(x)) for x in order.index}
    return names, [label.map(place).to_numpy(dtype=np.int64) for label in labels]


def _inside(frame: pd.DataFrame, day: int, start: int) -> NDArray[np.bool_]:
    issued = frame["issue_day"].to_numpy(dtype=np.int64)
    return np.asarray((issued >= start) & (issued <= day))


def _count(frame: pd.DataFrame, group: NDArray[np.int64], segments: int, day: int, start: int) -> _Counts:
    invoiced = frame["invoiced"].to_numpy(dtype=float)
    within = _inside(frame, day, start)
    sales = np.bincount(group[within], invoiced[within], minlength=segments).astype(float)
    owed = (frame["side"] == OWED).to_numpy(dtype=bool)
    issued = frame["issue_day"].to_numpy(dtype=np.int64)
    due = frame["due_day"].to_numpy(dtype=np.int64, na_value=NO_TERM)
    term = np.where(due == NO_TERM, NO_TERM, due - issued)
    back = np.maximum(day - np.arange(REACH), 0)
    months = month_index([day])[0] - month_index(back)
    return _Counts(
        group[owed],
        np.maximum(day - issued, 0)[owed],
        term[owed],
        invoiced[owed],
        frame["amount"].to_numpy(dtype=float)[owed],
        sales,
        day - start + 1,
        months,
    )


def from_due_class(age: NDArray[np.int64], term: NDArray[np.int64]) -> NDArray[np.int64]:
    """Class of days from due; the last class has no due day."""
    none = term == NO_TERM
    days = age - np.where(none, 0, term)
    return np.where(none, len(FROM_DUE) + 1, np.searchsorted(FROM_DUE, days, side="left"))


def _state(counts: _Counts, terms: NDArray[np.int64], months: int, segments: int) -> State:
    new = counts.age < REACH
    group, age, term = counts.segment[new], counts.age[new], counts.term[new]
    a_day = counts.sales / counts.days
    sold = np.zeros((segments, REACH))
    np.add.at(sold, (group, age), counts.invoiced[new])
    profile = np.zeros((segments, months, len(terms)))
    np.add.at(profile, (group, counts.months[age], np.searchsorted(terms, term)), counts.invoiced[new])
    whole = profile.sum(axis=2, keepdims=True)
    profile = np.divide(profile, whole, out=np.full_like(profile, np.nan), where=whole > 0)
    classes = from_due_class(age, term)
    billed, left = np.zeros((2, segments, len(FROM_DUE) + 2))
    np.add.at(billed, (group, classes), counts.invoiced[new])
    np.add.at(left, (group, classes), counts.still_open[new])
    still = np.divide(left, billed, out=np.full_like(left, np.nan), where=billed > 0)
    older = np.bincount(counts.segment[~new], counts.still_open[~new], minlength=segments) / a_day
    return State(
        share=counts.sales / counts.sales.sum(),
        sold=sold / a_day[:, None],
        terms=profile,
        still_open=still,
        older=older,
        recent=left.sum(axis=1) / a_day,
        months=counts.months,
    )


def open_by_day(
    profile: Floats, still_open: Floats, terms: NDArray[np.int64], months: NDArray[np.int64]
) -> Floats:
    """Share of the sales of each day back that terms and payment leave open: (segments, REACH).

    Parameters
    ----------
    profile : array (segments, months back, terms)
        As `State.terms`, nothing missing where something was sold.
    still_open : array (segments, classes)
        As `State.still_open`.
    terms : array (terms,)
        In days.
    months : array (REACH,)
        As `State.months`.
    """
    age = np.arange(REACH)
    classes = from_due_class(age[:, None], terms[None, :])
    share = np.nan_to_num(profile)[:, months, :]
    return np.asarray(np.einsum("sdt,sdt->sd", share, np.nan_to_num(still_open)[:, classes]))
