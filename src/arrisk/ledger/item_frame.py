"""Items as a snapshot shows them: in currency units, with what became of each by the date."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.ledger.days import dates
from arrisk.ledger.spells import CAUSES, close_causes

__all__ = ["ITEM_TEXTS", "item_frame"]

ITEM_TEXTS = ["salesperson", "department", "order_id", "discount_rate", "discount_days"]


def item_frame(seen: pd.DataFrame, states: dict[str, np.ndarray], day: int, scale: int) -> pd.DataFrame:
    """Items in currency units with their state on a day; see `Snapshot.items` for the columns.

    Parameters
    ----------
    seen : DataFrame
        Rows of the ledger's items.
    states : dict of str to arrays of shape (rows,)
        open, payment, discount, credit_note, write_off, recovered (minor units) and last_event_day, for the
        same rows.
    day : int
        The as-of date as a day number.
    scale : int
        Minor units in one unit.
    """

    def units(name: str) -> np.ndarray:
        return np.asarray(states[name] / scale)

    def number(name: str) -> np.ndarray:
        return seen[name].to_numpy(dtype=float, na_value=np.nan)

    is_open = states["open"] != 0
    closed = dates(np.maximum(states["last_event_day"], seen["issue_day"].to_numpy(dtype=np.int64)))
    closed[is_open] = np.datetime64("NaT")
    return pd.DataFrame(
        {
            **{c: seen[c].to_numpy() for c in ("invoice_id", "instalment", "customer_id")},
            "issue_date": dates(seen["issue_day"]),
            "due_date": dates(seen["due_day"]),
            "amount": seen["reported"].to_numpy(dtype=float) / scale,
            "open_amount": units("open"),
            "paid_amount": units("payment"),
            "discount_amount": units("discount"),
            "credited_amount": units("credit_note"),
            "written_off_amount": units("write_off"),
            "recovered_amount": units("recovered"),
            "closed_date": closed,
            "close_kind": _close_kind(states, seen["reported"].to_numpy(dtype=np.int64)),
            "days_overdue": day - number("due_day"),
            "disputed": (number("dispute_opened") <= day) & ~(number("dispute_closed") <= day),
            **{c: seen[c].to_numpy() for c in ITEM_TEXTS},
            "recorded_date": dates(seen["day"]),
        }
    )


def _close_kind(states: dict[str, np.ndarray], amount: np.ndarray) -> np.ndarray:
    cause = close_causes(amount, states["credit_note"], states["write_off"])
    kinds = np.select([cause == number for number in CAUSES.values()], list(CAUSES), default="paid")
    return np.where(states["open"] != 0, "open", kinds).astype(object)
