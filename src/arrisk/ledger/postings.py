"""From checked tables to movements: the integers that every statistic of a ledger is a sum of.

What an event settles is defined by `waterfall`, which replays an invoice event by event. Most invoices need no
replay: where every event fits the part it goes to, or only cash is too much, the running total says it all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import month_index
from arrisk.ledger.statements import CREDIT, KINDS, OWED, UNAPPLIED
from arrisk.ledger.waterfall import CASH, Deed, Part, Record, Rejection, Replay, Unapplied

__all__ = ["Postings", "post", "to_reporting"]

Ints = NDArray[np.int64]
RANKS = {"discount": 0, "write_off": 0, "payment": 1, "credit_note": 1, "recovery": 2}
RECOVERY_COLUMNS = ["event", "item", "customer", "event_day", "day", "amount"]


@dataclass(frozen=True, slots=True)
class Postings:
    """What `post` returns.

    Attributes
    ----------
    movements : DataFrame
        Signed changes of the open balance in minor units of the reporting currency, one row a change: item (missing
        for unapplied cash), customer, side, kind, event_day, day (when it was known), month, due_day, issue_day, amount,
        event; see `statements`.
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
        item (0, 1, ... in the order in which they became known), invoice, instalment, customer, amount (minor units of its
        currency), issue_day, due_day (Int64), day (when it was known), factor (reporting minor units for one of its own).
    events : DataFrame
        event, invoice (-1 is cash on account), instalment (Int64), customer, kind (text), amount (minor units), event_day,
        day (when it was known; discounts, write-offs and recoveries not before their invoice), factor.

    Returns
    -------
    Postings

    Examples
    --------
    >>> items = pd.DataFrame({"item": [0], "invoice": [0], "instalment": [1], "customer": [0], "amount": [100],
    ...     "issue_day": [10], "due_day": pd.array([40], "Int64"), "day": [10], "factor": [1.0]})
    >>> events = pd.DataFrame({"event": [0], "invoice": [0], "instalment": pd.array([None], "Int64"), "customer": [0],
    ...     "kind": ["payment"], "amount": [120], "event_day": [20], "day": [20], "factor": [1.0]})
    >>> post(items, events).movements[["side", "amount"]].to_numpy().tolist()
    [[0, 100], [0, -100], [2, -20]]
    """
    on_account = (events["invoice"] < 0).to_numpy()
    loose, bound = events[on_account], events[~on_account]
    lost = (loose["kind"] == "recovery").to_numpy()
    plain, odd = _part_plain(items, bound)
    replay = _replay(items, odd)
    settled = pd.concat([plain[list(Record._fields)], _frame(replay.records, Record)], ignore_index=True)
    settled["booked"] = _booked(items, settled)
    movements = pd.concat(
        [
            _issues(items),
            _settlements(items, settled),
            _unapplied(_excess(items, plain)),
            _unapplied(_frame(replay.unapplied, Unapplied)),
            _unapplied(_in_reporting(loose[~lost], sign=-1)),
        ],
        ignore_index=True,
    )
    movements = movements[(movements["amount"] != 0).to_numpy()].reset_index(drop=True)
    movements.insert(6, "month", month_index(movements["day"].to_numpy()))
    recoveries = _recoveries(items, _frame(replay.recoveries, Record), loose[lost])
    rejected = pd.DataFrame(replay.rejections, columns=list(Rejection._fields)).astype({"event": "int64"})
    return Postings(movements, recoveries, rejected)


def _frame(rows: list[Any], kind: type[Any]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(kind._fields))
    return frame.astype({c: "int64" for c in frame.columns if c != "kind"} | {"kind": object})


def _targets(items: pd.DataFrame, events: pd.DataFrame) -> tuple[Ints, NDArray[np.bool_]]:
    """The item an event goes to when nothing is odd (-1 if that is not plain), and whether its invoice has parts."""
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


def _part_plain(items: pd.DataFrame, events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part events whose invoice needs no replay from the others.

    Plain is an invoice all of whose events are known no earlier than their part, reduce it, name it if there are several,
    and together fit into it; of a single part in the reporting currency, cash may also be too much. Plain events come
    with what they settle as `amount`, and what is too much as `excess`.
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
    apart = np.zeros(1 + int(events["invoice"].max()) if len(events) else 0, dtype=bool)
    apart[events["invoice"].to_numpy()[odd]] = True
    again = apart[events["invoice"].to_numpy()]
    kept = order[~again[order]]
    limit = owed[kept]
    settled = np.clip(total[~again[order]], np.minimum(limit, 0), np.maximum(limit, 0))
    steps = _steps(settled, item[kept])
    plain = events.iloc[kept][["kind", "event_day", "day", "event"]]
    return plain.assign(item=item[kept], amount=steps, excess=amount[kept] - steps), events[again]


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


def _booked(items: pd.DataFrame, settled: pd.DataFrame) -> Ints:
    """What records take off their items in the reporting currency; records of an item stand in the order of time.

    The running total is converted, not each record, so that an item that closes in its own currency closes exactly.
    """
    amount, item = settled["amount"].to_numpy(), settled["item"].to_numpy()
    factor = items["factor"].to_numpy()[item]
    out = amount.copy()
    foreign = np.flatnonzero(factor != 1.0)
    order = foreign[np.argsort(item[foreign], kind="stable")]
    running = to_reporting(_running(amount[order], item[order]), factor[order])
    out[order] = _steps(running, item[order])
    return out


def _table(columns: dict[str, Any], item: Any, due_day: Any, issue_day: Any, event: Any) -> pd.DataFrame:
    """Movements, with whole numbers where nothing may be missing."""
    whole = {"item": item, "due_day": due_day, "issue_day": issue_day, "event": event}
    size = len(columns["amount"])
    filled = {k: _nothing(size) if v is None else pd.array(v, dtype="Int64") for k, v in whole.items()}
    order = [
        "item",
        "customer",
        "side",
        "kind",
        "event_day",
        "day",
        "due_day",
        "issue_day",
        "amount",
        "event",
    ]
    return pd.DataFrame(columns | filled)[order]


def _nothing(size: int) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(np.zeros(size, dtype=np.int64), np.ones(size, dtype=bool))


def _issues(items: pd.DataFrame) -> pd.DataFrame:
    amount = items["amount"].to_numpy()
    columns = {
        "customer": items["customer"].to_numpy(),
        "side": np.where(amount < 0, CREDIT, OWED),
        "kind": np.full(len(items), KINDS["invoice"]),
        "event_day": items["issue_day"].to_numpy(),
        "day": items["day"].to_numpy(),
        "amount": to_reporting(amount, items["factor"].to_numpy()),
    }
    return _table(
        columns, items["item"].to_numpy(), items["due_day"].array, items["issue_day"].to_numpy(), None
    )


def _settlements(items: pd.DataFrame, settled: pd.DataFrame) -> pd.DataFrame:
    item = settled["item"].to_numpy()
    columns = {
        "customer": items["customer"].to_numpy()[item],
        "side": np.where(items["amount"].to_numpy()[item] < 0, CREDIT, OWED),
        "kind": _kinds(settled["kind"]),
        "event_day": settled["event_day"].to_numpy(),
        "day": settled["day"].to_numpy(),
        "amount": -settled["booked"].to_numpy(),
    }
    due, issued = items["due_day"].array[item], items["issue_day"].to_numpy()[item]
    return _table(columns, item, due, issued, settled["event"].to_numpy())


def _kinds(names: pd.Series[Any]) -> Ints:
    return np.asarray(names.map(KINDS), dtype=np.int64)


def _excess(items: pd.DataFrame, plain: pd.DataFrame) -> pd.DataFrame:
    """Cash beyond what a single part had open."""
    out = plain[(plain["excess"] != 0).to_numpy()]
    return out.assign(customer=items["customer"].to_numpy()[out["item"].to_numpy()], amount=-out["excess"])


def _in_reporting(events: pd.DataFrame, sign: int) -> pd.DataFrame:
    return events.assign(amount=sign * to_reporting(events["amount"].to_numpy(), events["factor"].to_numpy()))


def _unapplied(rows: pd.DataFrame) -> pd.DataFrame:
    """Changes of unapplied cash as movements; `amount` has their sign."""
    columns = {c: rows[c].to_numpy() for c in ("customer", "event_day", "day", "amount")}
    columns |= {"side": np.full(len(rows), UNAPPLIED), "kind": _kinds(rows["kind"])}
    return _table(columns, None, None, None, rows["event"].to_numpy())


def _recoveries(items: pd.DataFrame, taken: pd.DataFrame, loose: pd.DataFrame) -> pd.DataFrame:
    """Recoveries on items, and those that name none."""
    item = taken["item"].to_numpy()
    owners = items["customer"].to_numpy()[item]
    found = taken.assign(customer=owners, amount=_booked(items, taken)).astype({"item": "Int64"})
    others = _in_reporting(loose, sign=1).assign(item=_nothing(len(loose)))
    return pd.concat([found[RECOVERY_COLUMNS], others[RECOVERY_COLUMNS]], ignore_index=True)
