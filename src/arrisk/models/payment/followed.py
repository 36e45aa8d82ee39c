"""Items of a snapshot as they were followed: from when to when, on which clock, in dispute or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import dates
from arrisk.ledger.statements import KINDS, OWED
from arrisk.models.features.invoice_history import FAR

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = [
    "AFTER",
    "FREE",
    "IN_DISPUTE",
    "Clock",
    "Stretches",
    "clock_start",
    "followed_items",
    "split_at_disputes",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Clock = Literal["usual", "due", "issue"]
PAID, LOST = 1, 2
FREE, IN_DISPUTE, AFTER = 0, 1, 2
FOLLOWED = (
    "SELECT s.item, s.customer, c.customer_id, s.issue_day, s.due_day, s.end_event_day, s.cause, s.amount, "
    "s.dispute_opened, s.dispute_closed FROM spells AS s JOIN customers AS c ON s.customer = c.customer "
    f"WHERE s.side = {OWED} AND s.amount > 0 AND s.next_day IS NULL AND s.issue_day <= "
)


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretches of items' time at risk in one state; an item has up to three.

    Attributes
    ----------
    item : array of int, shape (n,)
        Place of the item.
    first, last : array of int, shape (n,)
        Days (day numbers) at risk, both included.
    cause : array of int, shape (n,)
        0 open or changed its state, 1 paid, 2 lost on the last day.
    state : array of int, shape (n,)
        On the evening before each day: 0 never disputed, 1 in dispute, 2 after a dispute.
    moved : array of bool, shape (n,)
        Whether the state changed on the evening of the last day.
    """

    item: Ints
    first: Ints
    last: Ints
    cause: Ints
    state: Ints
    moved: Flags


def followed_items(snapshot: Snapshot) -> pd.DataFrame:
    """Items owed that a snapshot knows, by number; days are day numbers or `FAR`.

    Parameters
    ----------
    snapshot : Snapshot

    Returns
    -------
    DataFrame
        customer_id, issue_date, due_date, amount, issue, due, end (day on which it left, or of the snapshot),
        cause (0 open, 1 paid, 2 credited or written off), opened, closed (of a dispute).

    Notes
    -----
    What is settled before its issue leaves on the day of issue. An item paid by the date whose receipt was
    recorded after it is open.
    """
    found = snapshot.query(FOLLOWED + str(snapshot.day)).sort_values("item", ignore_index=True)
    issue, due = _days(found["issue_day"]), _days(found["due_day"])
    end = _days(found["end_event_day"])
    kind = found["cause"].to_numpy(dtype=np.int64, na_value=0)
    return pd.DataFrame(
        {
            "customer_id": found["customer_id"].to_numpy(dtype=object),
            "issue_date": dates(found["issue_day"]),
            "due_date": dates(found["due_day"]),
            "amount": found["amount"].to_numpy(dtype=np.int64) / snapshot.scale,
            "issue": issue,
            "due": due,
            "end": np.maximum(np.where(end < FAR, end, snapshot.day), issue),
            "cause": np.where(kind == 0, 0, np.where(kind == KINDS["payment"], PAID, LOST)),
            "opened": _days(found["dispute_opened"]),
            "closed": _days(found["dispute_closed"]),
        }
    )


def clock_start(clock: Clock, issue: Ints, due: Floats, usual: Floats, terms: float | None) -> Ints:
    """Day 0 of each item, a day number.

    Parameters
    ----------
    clock : {"usual", "due", "issue"}
    issue : array of int, shape (n,)
    due : array of float, shape (n,)
        Missing without a due date.
    usual : array of float, shape (n,)
        The customer's usual days late.
    terms : float or None
        Days from issue to due date assumed where there is none; None in a book without due dates, where the
        issue takes its place.

    Examples
    --------
    >>> due = np.array([130.0, np.nan])
    >>> clock_start("usual", np.array([100, 100]), due, np.array([4.6, 0.0]), 30.0).tolist()
    [135, 130]
    """
    if clock == "issue":
        return issue
    base = issue.astype(float) if terms is None else np.where(np.isnan(due), issue + terms, due)
    shift = usual if clock == "usual" else np.zeros(len(base))
    return np.rint(base + shift).astype(np.int64)


def split_at_disputes(items: pd.DataFrame, since: int | None = None) -> Stretches:
    """Cut the time at risk of items where a dispute opens and where it closes.

    Parameters
    ----------
    items : DataFrame
        As `followed_items`.
    since : int, optional
        First day that counts.

    Notes
    -----
    The state of a day is that of the evening before: a dispute opened on one day and closed on another holds
    from the day after the first to the second, included.

    Examples
    --------
    >>> items = pd.DataFrame({"issue": [10], "end": [30], "cause": [1], "opened": [15], "closed": [20]})
    >>> cut = split_at_disputes(items)
    >>> list(zip(cut.first.tolist(), cut.last.tolist(), cut.cause.tolist(), cut.state.tolist()))
    [(10, 15, 0, 0), (16, 20, 0, 1), (21, 30, 1, 2)]
    """
    issue, end, cause, opened, closed = (
        items[name].to_numpy(dtype=np.int64) for name in ("issue", "end", "cause", "opened", "closed")
    )
    begin = np.maximum(issue, -FAR if since is None else since)
    stop = np.maximum(closed, opened)
    never = np.full_like(end, FAR)
    edges = [(begin, opened, FREE), (opened + 1, stop, IN_DISPUTE), (stop + 1, never, AFTER)]
    parts = []
    for low, high, state in edges:
        first, last = np.maximum(low, begin), np.minimum(high, end)
        some = np.flatnonzero(first <= last)
        left = np.where(last == end, cause, 0)
        moved = (last == high) & (left == 0)
        parts.append((some, first[some], last[some], left[some], np.full(some.size, state), moved[some]))
    return Stretches(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _days(column: pd.Series) -> Ints:
    return np.asarray(column.to_numpy(dtype=np.int64, na_value=FAR), dtype=np.int64)
