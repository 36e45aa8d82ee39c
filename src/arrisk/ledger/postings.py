"""From checked tables to movements: the integers that every statistic of a ledger is a sum of.

What an event settles is defined by `waterfall`, which replays an invoice event by event. Most invoices need
no replay: where every event fits the part it goes to, or only cash is too much, the running total says it
all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import NO_DAY, month_index
from arrisk.ledger.normal_form import codes_of
from arrisk.ledger.statements import CREDIT, KINDS, OWED, UNAPPLIED
from arrisk.ledger.waterfall import CASH, Deed, Part, Record, Rejection, Replay, Unapplied

__all__ = ["Postings", "post", "to_reporting"]

Ints = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]
RANKS = {"discount": 0, "write_off": 0, "payment": 1, "credit_note": 1, "recovery": 2}
RECOVERY_COLUMNS = ["event", "item", "customer", "event_day", "day", "amount"]


@dataclass(frozen=True, slots=True)
class Postings:
    """What `post` returns.

    Attributes
    ----------
    movements : DataFrame
        Signed changes of the open balance in minor units of the reporting currency, one row a change: item
        (missing for unapplied cash), customer, side, kind, event_day, day (when it was known), month,
        due_day, issue_day, amount, event, since (when the item was known); see `statements`.
    recoveries : DataFrame
        Cash received after write-off: event, item, customer, event_day, day, amount.
    rejected : DataFrame
        Events that could not be posted: event, reason, detail.
    """

    movements: pd.DataFrame
    recoveries: pd.DataFrame
    rejected: pd.DataFrame


def post(items: pd.DataFrame, events: pd.DataFrame) -> Postings:
    """Post events to items.

    Parameters
    ----------
    items : DataFrame
        item (0, 1, ... in the order in which they became known), invoice, instalment, customer, amount (minor
        units of its currency), issue_day, due_day (Int64), day (when it was known), factor (reporting minor
        units for one of its own).
    events : DataFrame
        event, invoice (-1 is cash on account), instalment (Int64), customer, kind (text), amount (minor
        units), event_day, day (when it was known; discounts, write-offs and recoveries not before their
        invoice), factor.

    Returns
    -------
    Postings

    Examples
    --------
    >>> items = pd.DataFrame({"item": [0], "invoice": [0], "instalment": [1], "customer": [0],
    ...     "amount": [100], "issue_day": [10],
    ...     "due_day": pd.array([40], "Int64"), "day": [10], "factor": [1.0]})
    >>> events = pd.DataFrame({"event": [0], "invoice": [0], "instalment": pd.array([None], "Int64"),
    ...     "customer": [0], "kind": ["payment"], "amount": [120],
    ...     "event_day": [20], "day": [20], "factor": [1.0]})
    >>> post(items, events).movements[["side", "amount"]].to_numpy().tolist()
    [[0, 100], [0, -100], [2, -20]]
    """
    on_account = (events["invoice"] < 0).to_numpy()
    loose, bound = events[on_account], events[~on_account]
    lost = (loose["kind"] == "recovery").to_numpy()
    plain, odd = _part_plain(items, bound)
    replay = _replay(items, odd)
    settled = {c: np.concatenate([plain[c], v]) for c, v in _columns(replay.records, Record).items()}
    booked = _booked(items, settled["item"], settled["amount"])
    movements = _movements(
        [
            _issues(items),
            _settlements(items, settled, booked),
            _excess(items, plain),
            _columns(replay.unapplied, Unapplied),
            _columns_of(loose[~lost]) | {"amount": -_reported(loose[~lost])},
        ]
    )
    recoveries = _recoveries(items, _columns(replay.recoveries, Record), loose[lost])
    rejected = pd.DataFrame(_columns(replay.rejections, Rejection))
    return Postings(movements, recoveries, rejected)


def _columns(rows: list[Any], kind: type[Any]) -> Columns:
    """Named tuples as columns: texts as they are, all else whole numbers."""
    texts = ("kind", "reason", "detail")
    filled = zip(*rows, strict=True) if rows else [[]] * len(kind._fields)
    return {
        name: np.array(values, dtype=object if name in texts else np.int64)
        for name, values in zip(kind._fields, filled, strict=True)
    }


def _columns_of(events: pd.DataFrame) -> Columns:
    return {c: events[c].to_numpy() for c in Unapplied._fields}


def _targets(items: pd.DataFrame, events: pd.DataFrame) -> tuple[Ints, NDArray[np.bool_]]:
    """The item an event goes to when nothing is odd (-1: not plain), and whether its invoice has parts."""
    invoice, wanted = items["invoice"].to_numpy(), events["invoice"].to_numpy()
    size = 1 + max(int(invoice.max(initial=0)), int(wanted.max(initial=0)))
    count = np.bincount(invoice, minlength=size)
    only = np.full(size, -1)
    only[invoice] = items["item"].to_numpy()
    parted = count[wanted] > 1
    item = np.where(parted, -1, only[wanted])
    if parted.any():
        some = count[invoice] > 1
        keys = ["invoice", "instalment"]
        parts = pd.MultiIndex.from_frame(items.loc[some, keys].astype("int64"))
        asked = events.loc[parted, keys].fillna({"instalment": -1}).astype("int64")
        place = parts.get_indexer(pd.MultiIndex.from_frame(asked))
        found = items.loc[some, "item"].to_numpy()
        item[parted] = np.where(place < 0, -1, found[place])
    return item, parted


def _part_plain(items: pd.DataFrame, events: pd.DataFrame) -> tuple[Columns, pd.DataFrame]:
    """Part events whose invoice needs no replay from the others.

    Plain is an invoice all of whose events are known no earlier than their part, reduce it, name it if there
    are several, and together fit into it; of a single part in the reporting currency, cash may also be too
    much. Plain events come with what they settle as `amount`, and what is too much as `excess`.
    """
    item, parted = _targets(items, events)
    amount = events["amount"].to_numpy()
    owed, since, foreign = (items[c].to_numpy()[item] for c in ("amount", "day", "factor"))
    odd = (item < 0) | (since > events["day"].to_numpy()) | (np.sign(owed) * np.sign(amount) <= 0)
    odd |= (events["kind"] == "recovery").to_numpy()
    cash = events["kind"].isin(CASH).to_numpy()
    order = np.lexsort((events["event"], cash, events["event_day"], events["day"], item))
    total = _running(amount[order], item[order])
    over = np.abs(total) > np.abs(owed[order])
    odd[order[over & (~cash | parted | (foreign != 1.0))[order]]] = True
    invoice = events["invoice"].to_numpy()
    apart = np.zeros(1 + invoice.max(initial=0), dtype=bool)
    apart[invoice[odd]] = True
    again = apart[invoice]
    kept = order[~again[order]]
    limit = owed[kept]
    settled = np.clip(total[~again[order]], np.minimum(limit, 0), np.maximum(limit, 0))
    steps = _steps(settled, item[kept])
    plain = {c: events[c].to_numpy()[kept] for c in ("kind", "event_day", "day", "event")}
    return plain | {"item": item[kept], "amount": steps, "excess": amount[kept] - steps}, events[again]


def _running(values: Ints, group: Ints) -> Ints:
    """Running totals within groups; equal groups stand together."""
    total = np.cumsum(values)
    starts = np.flatnonzero(np.diff(group, prepend=-2))
    before = np.concatenate([[0], total])[starts]
    return np.asarray(total - np.repeat(before, np.diff(starts, append=len(group))), dtype=np.int64)


def _steps(running: Ints, group: Ints) -> Ints:
    """Differences of running totals within groups: the inverse of `_running`."""
    before = np.concatenate([[0], running[:-1]])[: len(running)]
    return np.asarray(np.where(np.diff(group, prepend=-2) != 0, running, running - before), dtype=np.int64)


def _replay(items: pd.DataFrame, events: pd.DataFrame) -> Replay:
    """Replay the invoices of some events."""
    replay = Replay()
    if events.empty:
        return replay
    chosen = items[items["invoice"].isin(events["invoice"].unique())]
    parts = _parts_by_invoice(chosen)
    first = chosen.drop_duplicates("invoice").set_index("invoice")["amount"]
    reversal = np.sign(first.reindex(events["invoice"]).to_numpy()) * np.sign(events["amount"].to_numpy()) < 0
    rank = events["kind"].map(RANKS).to_numpy() + len(RANKS) * reversal
    order = np.lexsort((events["event"], rank, events["event_day"], events["day"], events["invoice"]))
    ordered = events.iloc[order]
    invoice = ordered["invoice"].to_numpy()
    deeds = _deeds(ordered)
    ends = np.flatnonzero(np.diff(invoice, append=-2)) + 1
    start = 0
    for end in ends.tolist():
        replay.run(parts[int(invoice[start])], deeds[start:end])
        start = end
    return replay


def _deeds(events: pd.DataFrame) -> list[Deed]:
    columns = [events[c].tolist() for c in Deed._fields[:-1]]
    named = [None if pd.isna(n) else int(n) for n in events["instalment"]]
    return [Deed(*row) for row in zip(*columns, named, strict=True)]


def _parts_by_invoice(items: pd.DataFrame) -> dict[int, list[Part]]:
    """Parts of each invoice in the order in which cash takes them: by due date (or date), then number."""
    due = items["due_day"].fillna(items["issue_day"].astype("Int64")).to_numpy(dtype=np.int64)
    ordered = items.iloc[np.lexsort((items["instalment"], due))]
    fields = ("item", "instalment", "day", "amount", "customer", "factor")
    parts: dict[int, list[Part]] = {}
    for invoice, *values in zip(
        ordered["invoice"].tolist(), *(ordered[c].tolist() for c in fields), strict=True
    ):
        parts.setdefault(invoice, []).append(Part(*values))
    return parts


def to_reporting(amount: Ints, factor: NDArray[np.float64]) -> Ints:
    """Minor units of the reporting currency, half to even; exact where the currency is the reporting one.

    Examples
    --------
    >>> to_reporting(np.array([100, 101]), np.array([1.0, 0.5])).tolist()
    [100, 50]
    """
    same = factor == 1.0
    if same.all():
        return amount
    converted = np.rint(amount.astype(float) * factor)
    return np.where(same, amount, converted.astype(np.int64)).astype(np.int64)


def _reported(events: pd.DataFrame) -> Ints:
    return to_reporting(events["amount"].to_numpy(), events["factor"].to_numpy())


def _booked(items: pd.DataFrame, item: Ints, amount: Ints) -> Ints:
    """What records take off items in the reporting currency; records of an item stand in the order of time.

    The running total is converted, not each record, so that an item that closes in its own currency closes
    exactly.
    """
    factor = items["factor"].to_numpy()[item]
    foreign = np.flatnonzero(factor != 1.0)
    if not len(foreign):
        return amount
    out = amount.copy()
    order = foreign[np.argsort(item[foreign], kind="stable")]
    running = to_reporting(_running(amount[order], item[order]), factor[order])
    out[order] = _steps(running, item[order])
    return out


def _movements(parts: list[Columns]) -> pd.DataFrame:
    """All movements; what is not said of an item is missing, and without an item it is unapplied cash."""
    sizes = [len(part["amount"]) for part in parts]

    def joined(name: str, default: Any) -> Any:
        given = [part.get(name) for part in parts]
        filled = [np.full(n, default) if g is None else g for g, n in zip(given, sizes, strict=True)]
        return np.concatenate(filled)[moves]

    moves = np.concatenate([part["amount"] for part in parts]) != 0
    kinds, names = codes_of(joined("kind", "invoice"))
    day = joined("day", 0)
    return pd.DataFrame(
        {
            "item": _whole(joined("item", -1), -1),
            "customer": joined("customer", 0),
            "side": joined("side", UNAPPLIED),
            "kind": np.array([KINDS[str(name)] for name in names], dtype=np.int64)[kinds],
            "event_day": joined("event_day", 0),
            "day": day,
            "month": month_index(day),
            "due_day": _whole(joined("due_day", NO_DAY), NO_DAY),
            "issue_day": _whole(joined("issue_day", NO_DAY), NO_DAY),
            "amount": joined("amount", 0),
            "event": _whole(joined("event", -1), -1),
            "since": _whole(joined("since", NO_DAY), NO_DAY),
        }
    )


def _whole(values: Ints, nothing: int) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(values, values == nothing)


def _issues(items: pd.DataFrame) -> Columns:
    amount = items["amount"].to_numpy()
    return {
        "customer": items["customer"].to_numpy(),
        "side": np.where(amount < 0, CREDIT, OWED),
        "kind": np.full(len(items), "invoice", dtype=object),
        "event_day": items["issue_day"].to_numpy(),
        "day": items["day"].to_numpy(),
        "amount": _reported(items),
        "item": items["item"].to_numpy(),
        "due_day": items["due_day"].to_numpy(dtype=np.int64, na_value=NO_DAY),
        "issue_day": items["issue_day"].to_numpy(),
        "since": items["day"].to_numpy(),
    }


def _settlements(items: pd.DataFrame, settled: Columns, booked: Ints) -> Columns:
    item, issued = settled["item"], _issues(items)
    facts = {c: issued[c][item] for c in ("customer", "side", "due_day", "issue_day", "since")}
    return settled | facts | {"amount": -booked}


def _excess(items: pd.DataFrame, plain: Columns) -> Columns:
    """Cash beyond what a single part had open."""
    some = plain["excess"] != 0
    out = {c: plain[c][some] for c in ("kind", "event_day", "day", "event")}
    return out | {
        "customer": items["customer"].to_numpy()[plain["item"][some]],
        "amount": -plain["excess"][some],
    }


def _recoveries(items: pd.DataFrame, taken: Columns, loose: pd.DataFrame) -> pd.DataFrame:
    """Recoveries on items, and those that name none."""
    item = taken["item"]
    found = taken | {
        "customer": items["customer"].to_numpy()[item],
        "amount": _booked(items, item, taken["amount"]),
    }
    others = _columns_of(loose) | {"item": np.full(len(loose), -1), "amount": _reported(loose)}
    both = {c: np.concatenate([found[c], others[c]]) for c in RECOVERY_COLUMNS}
    return pd.DataFrame(both | {"item": _whole(both["item"], -1)})
