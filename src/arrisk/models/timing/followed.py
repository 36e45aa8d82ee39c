"""The items that curves follow: survival counts of a snapshot by group, with causes in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.portfolio.survival_counts import make_survival_counts

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = [
    "ALL",
    "CAUSES",
    "ITEM_GROUPS",
    "MIN_ITEMS",
    "Clock",
    "Followed",
    "follow_items",
    "from_crowded_day",
    "weights_of",
]

Clock = Literal["issue", "due"]
ALL = "all"
MIN_ITEMS = 20
ITEM_GROUPS = ("salesperson", "department")
CAUSES = {"open": 0, "paid": 1, "credited": 2, "written off": 3}


@dataclass(frozen=True, slots=True)
class Followed:
    """Items followed on a clock.

    Parameters
    ----------
    frame : DataFrame
        `group`, `entry`, `exit` (days), `cause` (0 open, 1 paid, 2 credited, 3 written off), `items`; with
        customers `customer_id`, with amounts `amount`.
    groups : list of str
        "all" first.
    weights : {"count", "amount"}
    excluded : dict of reason to int
        Items left out.
    """

    frame: pd.DataFrame
    groups: list[str]
    weights: str
    excluded: dict[str, int]

    def of_group(self, group: str) -> pd.DataFrame:
        """The rows of a group, or all."""
        return self.frame if group == ALL else self.frame[self.frame["group"] == group]


def follow_items(
    snapshot: Snapshot,
    clock: Clock,
    by: str | None = None,
    weights: str = "count",
    window_days: int | None = None,
    customers: bool = False,
) -> Followed:
    """Count the items of a snapshot as curves take them.

    Parameters
    ----------
    snapshot : Snapshot
    clock : {"issue", "due"}
    by : str, optional
        Column of the items or of the customers that makes the groups.
    weights : {"count", "amount"}
    window_days : int, optional
        Use only what happened in the last so many days.
    customers : bool
        Keep customers apart, as intervals need.

    Raises
    ------
    ModelError
        If `by` is no column.
    """
    if by is not None and by not in (*snapshot.customers.columns, *ITEM_GROUPS):
        raise ModelError(
            f"no column {by!r} to split the curves by, neither of the items nor of the customers"
        )
    cells = dict.fromkeys([*(["customer_id"] if customers else []), *([by] if by is not None else [])])
    since = None if window_days is None else snapshot.date - pd.Timedelta(days=window_days - 1)
    counts = make_survival_counts(snapshot, tuple(cells), clock, since, amounts=weights == "amount")
    table = counts.table
    group = pd.Series(ALL, index=table.index) if by is None else table[by].astype(str)
    frame = table.assign(group=group, cause=table["cause"].map(CAUSES).astype(np.int64))
    excluded = dict(zip(counts.excluded["reason"], counts.excluded["items"].tolist(), strict=True))
    return Followed(frame, [ALL, *sorted(set(frame["group"]) - {ALL})], weights, excluded)


def weights_of(part: pd.DataFrame, weights: str) -> pd.Series | None:
    """Amounts as weights; None when items count once."""
    # A reversal in a foreign currency can leave a minor unit below zero.
    return part["amount"].clip(lower=0.0) if weights == "amount" else None


def from_crowded_day(part: pd.DataFrame) -> pd.DataFrame:
    """The rows from the first day on which enough items are watched: a lone early payer would end a curve."""
    first = _crowded_day(part)
    part = part[part["exit"] >= first]
    return part.assign(entry=part["entry"].clip(lower=first - 1))


def _crowded_day(part: pd.DataFrame) -> int:
    first = int(part["entry"].min()) + 1
    size = int(part["exit"].max()) - first + 2
    begin = np.bincount(part["entry"] + 1 - first, part["items"], size).cumsum()
    gone = np.bincount(part["exit"] + 1 - first, part["items"], size).cumsum()
    at_risk = begin - gone
    enough = np.flatnonzero(at_risk >= min(MIN_ITEMS, at_risk.max()))
    return first + int(enough[0])
