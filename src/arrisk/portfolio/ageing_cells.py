"""From the cells of a statement to the amounts of an ageing, at one day or many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import month_index
from arrisk.ledger.statements import CREDIT, ITEM_ATTRIBUTES, OWED, UNAPPLIED, ageing_cells
from arrisk.ledger.statements_ageing import customer_cells, open_cells
from arrisk.portfolio.ageing_buckets import Clock, Credits, Level, column_names, columns_of

__all__ = ["NOT_GIVEN", "against_oldest", "age_cells", "at_oldest"]

NOT_GIVEN = "not given"
Ints = NDArray[np.int64]


def age_cells(
    snapshot: Snapshot,
    days: Ints,
    edges: Sequence[int],
    clock: Clock,
    by: str | None,
    credits: Credits,
    level: Level,
) -> dict[str, Ints]:
    """Amounts (int64 minor units) by attribute value: an array of (days, columns).

    Parameters
    ----------
    snapshot : Snapshot
    days : array of int64
        Increasing day numbers; all but the last, the snapshot's own, are month ends. Each shows what was
        known then.
    edges, clock, by, credits, level
        As in `arrisk.portfolio.ageing.make_ageing`.

    Raises
    ------
    LedgerError
        If credits, level or attribute are not usable.
    """
    if credits not in ("own_column", "oldest_first", "netted"):
        raise LedgerError(f"credits {credits!r}: allowed are 'own_column', 'oldest_first' and 'netted'")
    if level not in ("item", "customer"):
        raise LedgerError(f"level {level!r}: allowed are 'item' and 'customer'")
    width = len(column_names(edges, clock))
    by = snapshot.attribute(by)
    if level == "item" and credits != "oldest_first":
        cells = snapshot.query(open_cells(clock, by) if len(days) == 1 else ageing_cells(clock, by))
        frames = _by_day(cells, days)
    else:
        cells = snapshot.query(customer_cells(clock, by))
        frames = [_by_customer(f, by, credits, level) for f in _by_day(cells, days)]
    out: dict[str, Ints] = {}
    for k, (frame, day) in enumerate(zip(frames, days, strict=True)):
        for value, amounts in _spread(frame, int(day), edges, clock, credits):
            out.setdefault(value, np.zeros((len(days), width), dtype=np.int64))[k] = amounts
    return {value: out[value] for value in sorted(out)}


def _by_day(cells: pd.DataFrame, days: Ints) -> list[pd.DataFrame]:
    """The cells that were known on each day."""
    if "month" not in cells:
        return [cells]
    month = cells["month"].to_numpy(dtype=np.int64)
    return [cells[month <= last] for last in month_index(days)]


def _spread(
    cells: pd.DataFrame, day: int, edges: Sequence[int], clock: Clock, credits: Credits
) -> list[tuple[str, Ints]]:
    """Amounts by column, for each value of the attribute."""
    names = cells["cell"].astype(object) if "cell" in cells else pd.Series("", cells.index, dtype=object)
    groups, labels = pd.factorize(names.where(names.notna(), NOT_GIVEN).astype(str))
    side = cells["side"].to_numpy(dtype=np.int64)
    if credits == "netted":
        side = np.where(side == CREDIT, OWED, side)
    clock_day = cells["clock_day"].to_numpy(dtype=np.int64, na_value=day)
    place = columns_of(side, day - clock_day, cells["clock_day"].isna().to_numpy(), edges, clock)
    totals = np.zeros((len(labels), len(column_names(edges, clock))), dtype=np.int64)
    np.add.at(totals, (groups, place), cells["amount"].to_numpy(dtype=np.int64))
    return [(str(label), totals[k]) for k, label in enumerate(labels)]


def _by_customer(cells: pd.DataFrame, by: str | None, credits: Credits, level: Level) -> pd.DataFrame:
    keys = ["customer", *(["cell"] if "cell" in cells else []), "side", "clock_day"]
    cells = cells.groupby(keys, dropna=False, as_index=False).agg({"amount": "sum"})
    if credits == "oldest_first":
        cells = against_oldest(cells, by)
    return at_oldest(cells, credits) if level == "customer" else cells


def against_oldest(cells: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """Set each customer's credits and unapplied cash against its oldest items, to the minor unit.

    Parameters
    ----------
    cells : DataFrame
        customer, (cell,) side, clock_day (Int64), amount (minor units); one row a key.
    by : str, optional
        The attribute behind `cell`. Of items of one day the first value by name is paid first; what is left
        of credits keeps an attribute of the customer, and has none of an item.

    Returns
    -------
    DataFrame
        What is left of the items, and what is left of credits as unapplied cash; the sum is as before.

    Examples
    --------
    >>> cells = pd.DataFrame({"customer": [0, 0, 0], "side": [0, 0, 2], "amount": [100, 50, -120],
    ...     "clock_day": pd.array([10, 40, None], "Int64")})
    >>> against_oldest(cells)["amount"].tolist()
    [0, 30, 0]
    """
    cells = cells.assign(clock_day=cells["clock_day"].astype("Int64"))
    owing = (cells["side"] == OWED).to_numpy(dtype=bool)
    order = ["customer", "clock_day", *(["cell"] if "cell" in cells else [])]
    owed = cells[owing].sort_values(order, na_position="last", kind="stable")
    amount = owed["amount"].astype("int64")
    credit = -cells[~owing].groupby("customer")["amount"].sum().astype("int64")
    pool = owed["customer"].map(credit.clip(lower=0)).fillna(0).astype("int64")
    left = (amount.groupby(owed["customer"]).cumsum() - pool).clip(lower=0).clip(upper=amount)
    used = amount.groupby(owed["customer"]).sum().reindex(credit.index).fillna(0).astype("int64")
    spare = (credit - used).clip(lower=0).where(credit >= 0, credit)
    rest = pd.DataFrame({"customer": spare.index, "side": UNAPPLIED, "amount": -spare.to_numpy()})
    rest["clock_day"] = pd.array([None] * len(rest), dtype="Int64")
    if "cell" in cells:
        given = cells.drop_duplicates("customer").set_index("customer")["cell"]
        rest["cell"] = None if by in ITEM_ATTRIBUTES else rest["customer"].map(given).astype(object)
    return pd.concat([owed.assign(amount=left), rest], ignore_index=True)


def at_oldest(cells: pd.DataFrame, credits: Credits = "own_column") -> pd.DataFrame:
    """Move all that a customer owes to the day of its oldest open item.

    Parameters
    ----------
    cells : DataFrame
        As in `against_oldest`.
    credits : {"own_column", "oldest_first", "netted"}
        Netted credits move with the items.

    Examples
    --------
    >>> cells = pd.DataFrame({"customer": [0, 0, 1], "side": [0, 0, 0], "amount": [5, 7, 9],
    ...     "clock_day": pd.array([40, 10, None], "Int64")})
    >>> at_oldest(cells)["clock_day"].tolist()
    [10, 10, <NA>]
    """
    cells = cells.assign(clock_day=cells["clock_day"].astype("Int64"))
    open_now = ((cells["side"] == OWED) & (cells["amount"] > 0)).to_numpy(dtype=bool)
    oldest = cells[open_now].groupby("customer")["clock_day"].min()
    moved = [OWED, CREDIT] if credits == "netted" else [OWED]
    moves = cells["side"].isin(moved).to_numpy(dtype=bool) & cells["customer"].isin(oldest.index).to_numpy()
    day = cells["clock_day"].mask(moves, cells["customer"].map(oldest).astype("Int64"))
    return cells.assign(clock_day=day)
