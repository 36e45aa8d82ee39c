"""When an item stood open, as that became known day by day.

Look at an item at the end of each day on which a movement of it became known. A spell starts on the first of
these days, and on each one that follows a day with nothing open; it ends on the first of these days, its own
start included, with nothing open. So an ordinary item has one spell. A payment bouncing after the item was
closed starts a second one, and a correction that leaves nothing open is a spell without length that restates
how and when the item was closed. As of a day, the last spell started by then says all: whether the item is
open and, if not, since which date and why.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import NO_DAY
from arrisk.ledger.statements import CREDIT, KINDS, OWED

__all__ = ["CAUSES", "close_causes", "make_spells"]

Ints = NDArray[np.int64]
CAUSES = {"paid": KINDS["payment"], "credited": KINDS["credit_note"], "written_off": KINDS["write_off"]}


def close_causes(amount: Ints, credited: Ints, lost: Ints) -> Ints:
    """How items without an open amount were closed, by number of `CAUSES`; defined here alone.

    Written off if any part of it was written off, whatever cash came with it; else credited if credit notes
    covered all of it; else paid.

    Parameters
    ----------
    amount, credited, lost : arrays of int, shape (items,)
        What was invoiced, and how much of it credit notes and write-offs took, in minor units.

    Examples
    --------
    >>> close_causes(np.array([100, 100, 100]), np.array([0, 100, 100]), np.array([0, 0, 1])).tolist()
    [1, 3, 4]
    """
    covered = (credited == amount) & (amount != 0)
    return np.select(
        [lost != 0, covered], [CAUSES["written_off"], CAUSES["credited"]], default=CAUSES["paid"]
    ).astype(np.int64)


def make_spells(items: pd.DataFrame, movements: pd.DataFrame) -> pd.DataFrame:
    """Spells of all items of a ledger.

    Parameters
    ----------
    items, movements : DataFrame
        Of the ledger; see `Ledger`.

    Returns
    -------
    DataFrame
        One row a spell, by item and number: item, customer, side, issue_day, due_day, since (when the item
        became known), amount (of the item, reporting minor units), number (0, 1, ...), start_day, end_day
        (missing: open), end_event_day (date of the last settlement known then, not before the issue), cause
        (of `CAUSES`), next_day (start of the item's next spell), dispute_opened, dispute_closed. Days are
        day numbers.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({"invoice_id": ["1"], "customer_id": ["c"],
    ...     "issue_date": ["2025-01-01"], "amount": [5.0]}), "events": pd.DataFrame({"invoice_id": ["1"] * 3,
    ...     "date": ["2025-01-05", "2025-01-08", "2025-02-01"], "kind": ["payment", "payment", "write_off"],
    ...     "amount": [5.0, -5.0, 5.0]})}, currency="EUR")
    >>> make_spells(ledger.items, ledger.movements)[["number", "cause"]].to_numpy().tolist()
    [[0, 1], [1, 4]]
    """
    days = _known_days(items, movements)
    item, day, closed = days["item"], days["day"], days["balance"] == 0
    is_first = np.diff(item, prepend=-1) != 0
    starts = np.flatnonzero(is_first | np.concatenate([[True], closed[:-1]])[: len(item)])
    ends = np.append(starts[1:], len(item))[: len(starts)] - 1
    done, owner = closed[ends], item[starts]
    facts = items.iloc[np.argsort(items["item"].to_numpy(), kind="stable")].iloc[owner]
    amount = facts["reported"].to_numpy(dtype=np.int64)
    cause = close_causes(amount, days["credited"][ends], days["lost"][ends])
    again = np.append(owner[1:] == owner[:-1], False)[: len(owner)]
    return pd.DataFrame(
        {
            "item": owner,
            "customer": facts["customer"].to_numpy(dtype=np.int64),
            "side": np.where(amount < 0, CREDIT, OWED),
            "issue_day": facts["issue_day"].to_numpy(dtype=np.int64),
            "due_day": facts["due_day"].array,
            "since": facts["day"].to_numpy(dtype=np.int64),
            "amount": amount,
            "number": _numbered(is_first[starts]),
            "start_day": day[starts],
            "end_day": _where(done, day[ends]),
            "end_event_day": _where(done, days["event_day"][ends]),
            "cause": _where(done, cause),
            "next_day": _where(again, np.append(day[starts][1:], 0)[: len(owner)]),
            "dispute_opened": facts["dispute_opened"].array,
            "dispute_closed": facts["dispute_closed"].array,
        }
    )


def _known_days(items: pd.DataFrame, movements: pd.DataFrame) -> dict[str, Ints]:
    """By item and day on which something of it became known: balance, credited, lost, last event date."""
    bound = movements["item"].notna().to_numpy()
    moves = movements[["item", "day", "event_day", "kind", "amount"]][bound]
    item, day, event_day, kind, amount = (moves[c].to_numpy(dtype=np.int64) for c in moves.columns)
    # An item too small for a minor unit of the reporting currency has no movement, and yet became known.
    item, day = _joined(item, items["item"]), _joined(day, items["day"])
    event_day = _joined(event_day, items["issue_day"])
    none = np.zeros(len(items), dtype=np.int64)
    kind, amount = np.concatenate([kind, none]), np.concatenate([amount, none])
    order = np.lexsort((day, item))
    item, day, kind, amount = item[order], day[order], kind[order], amount[order]
    last = np.flatnonzero((np.diff(item, append=-1) != 0) | (np.diff(day, append=NO_DAY) != 0))
    return {
        "item": item[last],
        "day": day[last],
        "event_day": _latest(event_day[order], item)[last],
        "balance": _running(amount, item)[last],
        "credited": _running(np.where(kind == KINDS["credit_note"], -amount, 0), item)[last],
        "lost": _running(np.where(kind == KINDS["write_off"], -amount, 0), item)[last],
    }


def _joined(values: Ints, more: pd.Series) -> Ints:
    return np.concatenate([values, more.to_numpy(dtype=np.int64)])


def _running(values: Ints, group: Ints) -> Ints:
    """Running totals within groups; equal groups stand together."""
    total = np.cumsum(values)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    before = np.concatenate([[0], total])[starts]
    return np.asarray(total - np.repeat(before, np.diff(starts, append=len(group))), dtype=np.int64)


def _latest(days: Ints, group: Ints) -> Ints:
    """Running maxima within groups; groups increase."""
    low = int(days.min(initial=0))
    span = int(days.max(initial=0)) - low + 1
    return np.asarray(np.maximum.accumulate(group * span + (days - low)) - group * span + low, dtype=np.int64)


def _numbered(is_first: NDArray[np.bool_]) -> Ints:
    """0, 1, ... from each first row on."""
    place = np.arange(len(is_first), dtype=np.int64)
    return place - np.maximum.accumulate(np.where(is_first, place, 0))


def _where(there: NDArray[np.bool_], values: Ints) -> pd.arrays.IntegerArray:
    """Values that are missing elsewhere."""
    return pd.arrays.IntegerArray(np.where(there, values, 0), ~there)
