"""From checked tables to movements: the integers that every statistic of a ledger is a sum of.

An event settles its item up to what is open; the excess of cash is unapplied cash of the customer. A receipt known
before its invoice is unapplied until the invoice is known. Whatever is known later changes no earlier movement,
because rows are processed in the order in which they became known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from arrisk.ledger.days import month_index
from arrisk.ledger.statements import CREDIT, KINDS, OWED, UNAPPLIED
from arrisk.ledger.waterfall import spread_over_instalments

__all__ = ["Postings", "post"]

MOVEMENT_COLUMNS = [
    "item", "customer", "side", "kind", "event_day", "day", "month", "due_day", "issue_day", "amount", "event",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Postings:
    """What `post` returns.

    Attributes
    ----------
    movements : DataFrame
        Signed changes of the open balance in minor units of the reporting currency; see `statements`.
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
        item, invoice, customer, amount (minor units of its currency), issue_day, due_day (Int64), day (when it was
        known), factor (reporting minor units for one minor unit of its currency).
    events : DataFrame
        event, item (Int64; missing is cash on account), invoice (Int64), customer, kind (text), amount (minor
        units), event_day, day (when it was known), factor.

    Returns
    -------
    Postings
    """
    events = spread_over_instalments(items, events)
    cash = events[events["kind"] != "recovery"]
    applied, too_much = _apply(items, cash[cash["item"].notna()])
    movements = pd.concat(
        [
            _issue_movements(items),
            _item_movements(applied),
            _unapplied_movements(applied),
            _on_account(cash[cash["item"].isna()]),
        ],
        ignore_index=True,
    )
    movements["month"] = month_index(movements["day"])
    movements = movements[movements["amount"] != 0]
    recoveries, unfounded = _recoveries(events[events["kind"] == "recovery"], applied)
    return Postings(
        movements[MOVEMENT_COLUMNS].reset_index(drop=True),
        recoveries,
        pd.concat([too_much, unfounded], ignore_index=True),
    )


def _apply(items: pd.DataFrame, events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Settle items in the order of knowledge; reject what may not exceed the open balance and does."""
    facts = items.set_index("item")
    work = events.copy()
    work["item"] = work["item"].astype("int64")
    for column in ("customer", "amount", "issue_day", "due_day", "factor"):
        work[f"item_{column}"] = facts[column].reindex(work["item"]).to_numpy()
    work["item_day"] = facts["day"].reindex(work["item"]).to_numpy()
    work["from_day"] = np.maximum(work["day"], work["item_day"])
    work = work.sort_values(["item", "from_day", "event_day", "event"], kind="stable", ignore_index=True)
    rejected: list[pd.DataFrame] = []
    while True:
        work = _settle(work)
        wrong = (work["excess"] != 0) & ~work["kind"].isin(["payment", "credit_note"])
        first = work[wrong].drop_duplicates("item")
        if first.empty:
            break
        rejected.append(
            pd.DataFrame(
                {
                    "event": first["event"],
                    "reason": "exceeds_open_balance",
                    "detail": [
                        f"{kind} larger than what was open; allowed up to the open balance of the invoice"
                        for kind in first["kind"]
                    ],
                }
            )
        )
        # Parts of one event stand or fall together.
        work = work[~work["event"].isin(first["event"])].reset_index(drop=True)
    return work, pd.concat(rejected, ignore_index=True) if rejected else _no_rejects()


def _settle(work: pd.DataFrame) -> pd.DataFrame:
    """What of each event settles its item, what is in excess, in document and in reporting currency."""
    owed = work["item_amount"].to_numpy(dtype=np.int64)
    total = work.groupby("item")["amount"].cumsum().to_numpy(dtype=np.int64)
    settled = np.clip(total, np.minimum(owed, 0), np.maximum(owed, 0))
    factor = work["item_factor"].to_numpy(dtype=float)
    # Rounding the running total, not each event, lets a balance that closes in its own currency close exactly.
    booked = to_reporting(settled, factor)
    gross = to_reporting(total, factor)
    out = work.copy()
    item = work["item"].to_numpy()
    out["settles"] = _steps(booked, item)
    out["cash"] = _steps(gross, item)
    out["excess"] = out["cash"] - out["settles"]
    return out


def to_reporting(amount: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Minor units of the reporting currency, half to even; exact where the currency is the reporting one."""
    same = factor == 1.0
    converted = np.rint(amount.astype(float) * factor).astype(np.int64)
    return np.where(same, amount, converted)


def _steps(running: np.ndarray, group: np.ndarray) -> np.ndarray:
    before = np.concatenate([[0], running[:-1]])
    starts = np.concatenate([[True], group[1:] != group[:-1]]) if len(group) else np.zeros(0, dtype=bool)
    return running - np.where(starts, 0, before)[: len(running)]


def _issue_movements(items: pd.DataFrame) -> pd.DataFrame:
    amount = items["amount"].to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "item": items["item"].astype("Int64"),
            "customer": items["customer"],
            "side": np.where(amount < 0, CREDIT, OWED),
            "kind": KINDS["invoice"],
            "event_day": items["issue_day"],
            "day": items["day"],
            "due_day": items["due_day"].astype("Int64"),
            "issue_day": items["issue_day"].astype("Int64"),
            "amount": to_reporting(amount, items["factor"].to_numpy(dtype=float)),
            "event": pd.array([pd.NA] * len(items), dtype="Int64"),
        }
    )


def _item_movements(applied: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": applied["item"].astype("Int64"),
            "customer": applied["item_customer"],
            "side": np.where(applied["item_amount"] < 0, CREDIT, OWED),
            "kind": applied["kind"].map(KINDS).astype("int64"),
            "event_day": applied["event_day"],
            "day": applied["from_day"],
            "due_day": applied["item_due_day"].astype("Int64"),
            "issue_day": applied["item_issue_day"].astype("Int64"),
            "amount": -applied["settles"],
            "event": applied["event"].astype("Int64"),
        }
    )


def _unapplied_movements(applied: pd.DataFrame) -> pd.DataFrame:
    """Cash waiting for its invoice (in, then out again) and cash beyond what was open."""
    waiting = applied[applied["day"] < applied["from_day"]]
    at_once = applied[applied["day"] >= applied["from_day"]]
    return pd.concat(
        [
            _unapplied(waiting, waiting["customer"], waiting["day"], -waiting["cash"]),
            _unapplied(waiting, waiting["customer"], waiting["from_day"], waiting["settles"]),
            _unapplied(at_once, at_once["item_customer"], at_once["from_day"], -at_once["excess"]),
        ],
        ignore_index=True,
    )


def _on_account(events: pd.DataFrame) -> pd.DataFrame:
    amount = to_reporting(
        events["amount"].to_numpy(dtype=np.int64), events["factor"].to_numpy(dtype=float)
    )
    return _unapplied(events, events["customer"], events["day"], pd.Series(-amount, index=events.index))


def _unapplied(events: pd.DataFrame, customer: pd.Series, day: pd.Series, amount: pd.Series) -> pd.DataFrame:
    nothing = pd.array([pd.NA] * len(events), dtype="Int64")
    return pd.DataFrame(
        {
            "item": nothing,
            "customer": customer,
            "side": UNAPPLIED,
            "kind": events["kind"].map(KINDS).astype("int64"),
            "event_day": events["event_day"],
            "day": day,
            "due_day": nothing,
            "issue_day": nothing,
            "amount": amount,
            "event": events["event"].astype("Int64"),
        }
    )


def _recoveries(events: pd.DataFrame, applied: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recoveries up to what had been written off on the item by the day each was known."""
    columns = ["event", "item", "customer", "event_day", "day", "amount"]
    lost = applied[applied["kind"] == "write_off"]
    ledger = pd.concat(
        [
            pd.DataFrame({"item": lost["item"].astype("Int64"), "day": lost["from_day"], "lost": lost["settles"]}),
            events[events["item"].notna()].assign(
                lost=0,
                amount=lambda e: to_reporting(e["amount"].to_numpy(dtype=np.int64), e["factor"].to_numpy(dtype=float)),
            ),
        ],
        ignore_index=True,
    )
    if events.empty:
        return events[columns].reset_index(drop=True), _no_rejects()
    ledger["amount"] = ledger["amount"].fillna(0).astype("int64") if "amount" in ledger else 0
    ledger["is_event"] = ledger["event"].notna()
    rejected: list[pd.DataFrame] = []
    while True:
        ledger = ledger.sort_values(["item", "day", "is_event", "event"], kind="stable", ignore_index=True)
        by_item = ledger.groupby("item")
        beyond = by_item["amount"].cumsum() > by_item["lost"].cumsum()
        first = ledger[beyond & ledger["is_event"]].drop_duplicates("item")
        if first.empty:
            break
        rejected.append(
            pd.DataFrame(
                {
                    "event": first["event"],
                    "reason": "recovery_beyond_write_off",
                    "detail": "recovery larger than what had been written off; a receipt before that is a payment",
                }
            )
        )
        ledger = ledger[~ledger["event"].isin(first["event"])]
    kept = ledger[ledger["is_event"]]
    loose = events[events["item"].isna()]
    loose = loose.assign(
        amount=to_reporting(loose["amount"].to_numpy(dtype=np.int64), loose["factor"].to_numpy(dtype=float))
    )
    recoveries = pd.concat([kept[columns], loose[columns]], ignore_index=True).astype(
        {"event": "int64", "item": "Int64", "customer": "int64", "event_day": "int64", "day": "int64", "amount": "int64"}
    )
    return recoveries, pd.concat(rejected, ignore_index=True) if rejected else _no_rejects()


def _no_rejects() -> pd.DataFrame:
    return pd.DataFrame(
        {"event": pd.Series(dtype="int64"), "reason": pd.Series(dtype=str), "detail": pd.Series(dtype=str)}
    )
