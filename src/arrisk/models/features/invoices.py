"""What was known of an invoice, and of who owes it, on the evening before it was issued."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.features.grouped import share
from arrisk.models.features.invoice_catalogue import INVOICE_FEATURES
from arrisk.models.features.invoice_history import FAR, InvoiceHistory, invoice_history
from arrisk.models.features.invoice_settlements import (
    last_settled,
    lately_past_point,
    past_point,
    settled_so_far,
)
from arrisk.models.features.orders import DAYS_PER_MONTH
from arrisk.models.features.outside import attributes
from arrisk.models.features.steps import Evenings, least_active, running_largest, running_sums

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["INVOICE_KEYS", "make_invoice_features"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
INVOICE_KEYS = ["invoice_id", "instalment", "customer_id", "issue_date", "due_date"]
MONDAY = 4  # 1970-01-01 was a Thursday: day -3 was a Monday


def make_invoice_features(snapshot: Snapshot, late_days: int = 0) -> pd.DataFrame:
    """Features of each invoice as they were known on the evening before its issue date.

    Parameters
    ----------
    snapshot : Snapshot
        Of its invoices each sees only what the ledger knew at the end of the day before it was issued, and
        its own amount, dates and customer: the features of an invoice are the same at all later snapshots.
    late_days : int
        An item counts as late from so many days past due on, exclusive.

    Returns
    -------
    DataFrame
        One row an item owed with a due date (an instalment is an item of its own), in the order of
        `Snapshot.items`: `invoice_id`, `instalment`, `customer_id`, `issue_date`, `due_date`, the numbers of
        `INVOICE_FEATURES` and the texts of `ATTRIBUTES`. What cannot be known (a first invoice has no
        history) is missing.

    Raises
    ------
    ModelError
        If `late_days` is negative.

    Notes
    -----
    The late rate of a customer is ``(late + 4 * book) / (n + 4)`` of the ``n`` items whose point had passed,
    with ``book`` the same share of all customers. A rate of all that was settled so far would count the early
    payments of recent items before the late ones, and make everybody look prompt. Credited items count on
    neither side. An item that a payment taken back reopened is open again from the day on which that was
    known; the last items settled are those first settled last.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({
    ...     "invoice_id": ["1", "2"], "customer_id": ["c", "c"], "issue_date": ["2025-01-01", "2025-03-01"],
    ...     "due_date": ["2025-01-31", "2025-03-31"], "amount": [100.0, 50.0]}),
    ...     "events": pd.DataFrame({"invoice_id": ["1"], "date": ["2025-02-10"], "kind": ["payment"],
    ...     "amount": [100.0]})}, currency="EUR")
    >>> make_invoice_features(ledger.as_of("2025-03-01"))[["n_settled", "last_days_late"]].values.tolist()
    [[0.0, nan], [1.0, 10.0]]
    """
    if late_days < 0:
        raise ModelError(f"late_days={late_days}: at least 0")
    history = invoice_history(snapshot)
    asked = np.flatnonzero((history.items["due"] < FAR) & (history.items["issue"] <= snapshot.day))
    # In the order of the steps the searches stay near where they were.
    asked = asked[np.lexsort((history.items["issue"][asked], history.items["code"][asked]))]
    own = {name: values[asked] for name, values in history.items.items()}
    evenings = Evenings(own["code"], own["issue"] - 1, history.clock)
    past = _sales(history, evenings)
    settled = settled_so_far(history, evenings, late_days)
    last = last_settled(history, evenings, late_days)
    numbers = {
        **_itself(own, past, snapshot.scale),
        **past,
        **past_point(history, evenings, late_days),
        **lately_past_point(history, evenings, late_days),
        **settled,
        **last,
        "trend_days_late": last["_mean_lately"] - settled["mean_days_settled"],
        "slack_days": own["due"] - own["issue"] - settled["_days_to_pay"],
        **_standing(history, evenings, snapshot.scale),
    }
    back = np.argsort(asked)
    keys = snapshot.items[INVOICE_KEYS].iloc[history.row[asked[back]]].reset_index(drop=True)
    out = pd.DataFrame({name: numbers[name][back] for name in INVOICE_FEATURES})
    return pd.concat([keys, out, _texts(snapshot, keys["customer_id"])], axis=1)


def _itself(own: dict[str, Ints], past: dict[str, Floats], scale: int) -> dict[str, Floats]:
    """Amount and dates of the invoice."""
    usual = share(past["_amount"], past["_items"])
    with np.errstate(invalid="ignore"):
        ratio = np.log(own["amount"] / usual)
    return {
        "amount": own["amount"] / scale,
        "amount_ratio": ratio,
        "terms_days": (own["due"] - own["issue"]).astype(float),
        "issue_weekday": _weekday(own["issue"]),
        "issue_month_left": _month_left(own["issue"]),
        "due_weekday": _weekday(own["due"]),
        "due_month_left": _month_left(own["due"]),
    }


def _sales(history: InvoiceHistory, evenings: Evenings) -> dict[str, Floats]:
    """Earlier invoices and payments of the customer."""
    items, day = history.items, evenings.day + 1
    code, since = items["code"], items["since"]
    ones = np.ones(len(code))
    count, amount = running_sums(evenings, code, since, ones, items["amount"].astype(float))
    argued = items["disputed"] < FAR
    disputes = running_sums(
        evenings, code[argued], np.maximum(items["disputed"], since)[argued], ones[argued]
    )[0]
    first = -running_largest(evenings, code, since, -items["issue"])
    paid = running_largest(evenings, history.paid["code"], history.paid["day"], history.paid["paid_on"])
    return {
        "_items": count,
        "_amount": amount,
        "n_before": count,
        "months_customer": (day - first) / DAYS_PER_MONTH,
        "days_since_invoice": day - running_largest(evenings, code, since, items["issue"]),
        "days_since_payment": day - paid,
        "dispute_rate": share(disputes, count),
    }


def _standing(history: InvoiceHistory, evenings: Evenings, scale: int) -> dict[str, Floats]:
    """What the customer had open, and how overdue."""
    spells, balance, day = history.spells, history.balance, evenings.day
    code, start, end = spells["code"], spells["start"], spells["end"]
    begin = np.maximum(start, spells["due"] + 1)
    is_open, is_over = start < end, begin < end
    amount = balance["amount"].astype(float)
    owed = running_sums(evenings, balance["code"], balance["day"], amount)[0]
    passed = np.maximum(balance["day"], balance["due"] + 1)
    over = running_sums(evenings, balance["code"], passed, amount)[0]
    oldest = least_active(evenings, code[is_open], start[is_open], end[is_open], spells["issue"][is_open])
    worst = least_active(evenings, code[is_over], begin[is_over], end[is_over], spells["due"][is_over])
    return {
        "n_open": _active(evenings, code[is_open], start[is_open], end[is_open]),
        "open_amount": owed / scale,
        "n_overdue": _active(evenings, code[is_over], begin[is_over], end[is_over]),
        "overdue_amount": over / scale,
        "overdue_share": np.nan_to_num(share(over, owed)),
        "oldest_open_days": np.nan_to_num(day - oldest),
        "oldest_overdue_days": np.nan_to_num(day - worst),
    }


def _active(evenings: Evenings, code: Ints, begin: Ints, end: Ints) -> Floats:
    """Stretches that hold at each evening."""
    one = np.ones(len(code))
    (count,) = running_sums(evenings, np.append(code, code), np.append(begin, end), np.append(one, -one))
    return count


def _weekday(day: Ints) -> Floats:
    return ((day - MONDAY) % 7).astype(float)


def _month_left(day: Ints) -> Floats:
    months = day.astype("datetime64[D]").astype("datetime64[M]") + 1
    return (months.astype("datetime64[D]").astype(np.int64) - 1 - day).astype(float)


def _texts(snapshot: Snapshot, customer: pd.Series) -> pd.DataFrame:
    code, names = pd.factorize(customer.to_numpy())
    return attributes(snapshot, names).iloc[code].reset_index(drop=True)
