"""The customer panel in careful pandas: narrow columns, sums over one key, no loop over customers.

Starts from the same relations as the statements, as frames of narrow numbers, and gives the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from arrisk.portfolio.customer_panel import PANEL_COLUMNS

FRAMES = ("movements", "customers", "items", "spells", "orders")
LATE_DAYS = (0, 30, 60, 90)
WINDOW_DAYS = (90, 365)
OWED, CREDITED, INVOICE = 0, 3, 0


class Periods:
    """Which of the dates is the first to see a day; one more than there are dates for what none sees."""

    def __init__(self, days: np.ndarray, width: int) -> None:
        self.days, self.width, self.count = days, width, len(days)
        self.first = int(days[0]) - 366
        span = np.arange(self.first, int(days[-1]) + 2)
        self.table = np.searchsorted(days, span).astype(np.int16)

    def of(self, day: pd.Series, more: int = 0) -> np.ndarray:
        """Missing days are never seen."""
        filled = day.to_numpy(dtype=np.int64, na_value=10**6) + more
        return self.table[np.clip(filled - self.first, 0, len(self.table) - 1)]

    def running(
        self, customer: np.ndarray, period: np.ndarray, values: pd.DataFrame
    ) -> dict[str, np.ndarray]:
        """Sums by customer and period, then running sums over the periods: (dates, customers) a column."""
        key = period.astype(np.int64) * self.width + customer
        sums = values.groupby(key, sort=False).sum()
        out = {}
        for name in sums:
            dense = np.zeros((self.count + 1) * self.width, dtype=np.int64)
            dense[sums.index.to_numpy()] = sums[name].to_numpy()
            out[name] = dense.reshape(self.count + 1, self.width)[:-1].cumsum(axis=0)
        return out


def peer_customers(frames: Mapping[str, pd.DataFrame], days: np.ndarray, scale: int = 100) -> pd.DataFrame:
    """Every customer at every day: the table of `make_customer_panel`, in pandas.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        movements, customers (sorted by number, which are 0, 1, ...), items, spells, orders: the relations of
        the ledger, of narrow whole numbers, all known by the last day.
    days : array of int, shape (dates,)
        Day numbers, increasing.
    scale : int
        Minor units in one unit of the currency.
    """
    customers = frames["customers"]
    periods = Periods(days, len(customers))
    figures = {
        **_open(frames, periods),
        **_invoiced(frames["items"], periods),
        **_closed(frames, periods),
        **_late(frames["spells"], periods),
        **_overdue(frames, periods),
        **_disputed(frames, periods),
    }
    figures |= _ordered(frames["orders"], periods, figures)
    return _table(customers, periods, figures, scale)


def _open(frames: Mapping[str, pd.DataFrame], periods: Periods) -> dict[str, np.ndarray]:
    moves = frames["movements"]
    owed = (moves["side"] == OWED).to_numpy()
    amount = moves["amount"].to_numpy()
    values = pd.DataFrame({"open_amount": amount * owed, "credit_amount": -amount * ~owed})
    return periods.running(moves["customer"].to_numpy(), periods.of(moves["day"]), values)


def _window(
    periods: Periods,
    customer: np.ndarray,
    first: np.ndarray,
    ends: Mapping[int, np.ndarray],
    values: pd.DataFrame,
) -> dict[str, np.ndarray]:
    """Sums of what began to count and has not ceased to, by window."""
    begun = periods.running(customer, first, values)
    out = {}
    for n, end in ends.items():
        ceased = periods.running(customer, np.maximum(first, end), values)
        out |= {f"{name}_{n}": begun[name] - ceased[name] for name in values}
    return out


def _invoiced(items: pd.DataFrame, periods: Periods) -> dict[str, np.ndarray]:
    items = items.loc[
        (items["side"] == OWED) & (items["amount"] > 0), ["customer", "since", "issue_day", "amount"]
    ]
    values = pd.DataFrame({"invoiced": items["amount"], "invoices": np.int8(1)}).reset_index(drop=True)
    ends = {n: periods.of(items["issue_day"], n) for n in WINDOW_DAYS}
    return _window(periods, items["customer"].to_numpy(), periods.of(items["since"]), ends, values)


def _closed(frames: Mapping[str, pd.DataFrame], periods: Periods) -> dict[str, np.ndarray]:
    spells = frames["spells"]
    mine = spells[(spells["side"] == OWED) & (spells["amount"] > 0)]
    opened = pd.DataFrame({"open_items": np.ones(len(mine), dtype=np.int8)})
    begun = periods.running(mine["customer"].to_numpy(), periods.of(mine["start_day"]), opened)["open_items"]
    mine = mine[mine["end_day"].notna()]
    customer, end = mine["customer"].to_numpy(), periods.of(mine["end_day"])
    closed = pd.DataFrame({"open_items": np.ones(len(mine), dtype=np.int8)})
    out = {"open_items": begun - periods.running(customer, end, closed)["open_items"]}
    settled = (mine["cause"] != CREDITED).to_numpy()
    mine, customer, end = mine[settled], customer[settled], end[settled]
    late = (mine["end_event_day"] - mine["due_day"]).to_numpy(dtype=np.int64, na_value=0)
    dated = mine["due_day"].notna().to_numpy()
    values = pd.DataFrame(
        {
            "settled": np.int8(1),
            "dated": dated.astype(np.int8),
            "days_late": late,
            "late": (late > 0).astype(np.int8),
        }
    )
    again = periods.of(mine["next_day"])
    ends = {n: np.minimum(again, periods.of(mine["end_event_day"], n)) for n in WINDOW_DAYS}
    sums = _window(periods, customer, end, ends, values)
    for n in WINDOW_DAYS:
        count = np.where(sums[f"dated_{n}"] > 0, sums[f"dated_{n}"], np.nan)
        out[f"settled_{n}"] = sums[f"settled_{n}"]
        out[f"mean_days_late_{n}"] = sums[f"days_late_{n}"] / count
        out[f"late_share_{n}"] = sums[f"late_{n}"] / count
    return out


def _late(spells: pd.DataFrame, periods: Periods) -> dict[str, np.ndarray]:
    """Spells overdue at a date: their number, and the days of the oldest, a row for each date."""
    mine = spells.loc[(spells["side"] == OWED) & spells["due_day"].notna()]
    first = np.maximum(periods.of(mine["start_day"]), periods.of(mine["due_day"], 1)).astype(np.int64)
    length = periods.of(mine["end_day"]) - first
    some = length > 0
    length, first, mine = length[some], first[some], mine[some]
    begin = np.repeat(np.cumsum(length) - length, length)
    date = np.repeat(first, length) + np.arange(len(begin)) - begin
    rows = pd.DataFrame({"due_day": np.repeat(mine["due_day"].to_numpy(dtype=np.int32), length)})
    by = rows.groupby(date * periods.width + np.repeat(mine["customer"].to_numpy(), length), sort=False)[
        "due_day"
    ]
    found = by.agg(["min", "size"])
    place = found.index.to_numpy()
    days = np.zeros(periods.count * periods.width, dtype=np.int64)
    items = np.zeros_like(days)
    days[place] = periods.days[place // periods.width] - found["min"].to_numpy()
    items[place] = found["size"].to_numpy()
    shape = periods.count, periods.width
    return {"oldest_overdue_days": days.reshape(shape), "overdue_items": items.reshape(shape)}


def _overdue(frames: Mapping[str, pd.DataFrame], periods: Periods) -> dict[str, np.ndarray]:
    """Only items that a date saw overdue matter; the others' movements sum to nothing."""
    spells, moves = frames["spells"], frames["movements"]
    last = (spells["side"] == OWED) & spells["due_day"].notna() & spells["next_day"].isna()
    seen = spells[last]
    seen = seen.loc[periods.of(seen["due_day"], 1) < periods.of(seen["end_day"]), "item"]
    is_late = np.zeros(1 + int(spells["item"].max()), dtype=bool)
    is_late[seen.to_numpy()] = True
    item = moves["item"].to_numpy(dtype=np.int64, na_value=-1)
    mine = moves.loc[(item >= 0) & is_late[item], ["customer", "day", "due_day", "amount"]]
    known, customer = periods.of(mine["day"]), mine["customer"].to_numpy()
    out = {}
    for k in LATE_DAYS:
        name = f"overdue_{k}" if k else "overdue_amount"
        values = pd.DataFrame({name: mine["amount"].to_numpy()})
        out |= periods.running(customer, np.maximum(known, periods.of(mine["due_day"], k + 1)), values)
    return out


def _disputed(frames: Mapping[str, pd.DataFrame], periods: Periods) -> dict[str, np.ndarray]:
    items = frames["items"]
    items = items.loc[(items["side"] == OWED) & items["dispute_opened"].notna()]
    moves = frames["movements"][["item", "customer", "day", "amount"]].merge(
        items[["item", "dispute_opened", "dispute_closed"]], on="item"
    )
    first = np.maximum(periods.of(moves["day"]), periods.of(moves["dispute_opened"]))
    values = pd.DataFrame({"disputed_amount": moves["amount"]})
    ends = {0: periods.of(moves["dispute_closed"])}
    figure = _window(periods, moves["customer"].to_numpy(), first, ends, values)
    return {"disputed_amount": figure["disputed_amount_0"]}


def _ordered(
    orders: pd.DataFrame, periods: Periods, figures: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    first, cancelled = periods.of(orders["order_day"]), periods.of(orders["cancelled_day"])
    ends = {n: np.minimum(cancelled, periods.of(orders["order_day"], n)) for n in WINDOW_DAYS}
    values = pd.DataFrame({"ordered": orders["amount"].to_numpy()})
    found = _window(periods, orders["customer"].to_numpy(), first, ends, values)
    before = np.arange(periods.count)[:, None] < first.min(initial=periods.count)
    return {
        f"ordered_{n}": np.where(before, figures[f"invoiced_{n}"], found[f"ordered_{n}"]) for n in WINDOW_DAYS
    }


def _table(customers: pd.DataFrame, periods: Periods, figures: Mapping[str, Any], scale: int) -> pd.DataFrame:
    seen = customers["first_day"].to_numpy(dtype=np.int64)[None, :] <= periods.days[:, None]
    dates = periods.days.astype("datetime64[D]").astype("datetime64[s]")
    who = np.broadcast_to(np.arange(periods.width), seen.shape)[seen]
    out: dict[str, Any] = {
        "customer_id": customers["customer_id"].take(who).reset_index(drop=True),
        "date": np.repeat(dates, seen.sum(axis=1)),
    }
    for name in PANEL_COLUMNS:
        column = figures[name][seen]
        if name.startswith(("mean", "late_share")):
            out[name] = column
        elif name.endswith("items") or name.startswith(("invoices", "settled", "oldest")):
            out[name] = column.astype(np.int32)
        else:
            out[name] = column / scale
    return pd.DataFrame(out, copy=False)
