"""What was known of an invoice, and of who owes it, on the evening before it was issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.features.grouped import share
from arrisk.models.features.invoice_catalogue import INVOICE_FEATURES
from arrisk.models.features.invoice_history import FAR, InvoiceHistory, invoice_history
from arrisk.models.features.orders import DAYS_PER_MONTH
from arrisk.models.features.outside import attributes
from arrisk.models.features.steps import Evenings, least_active, running_largest, running_sums

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["INVOICE_KEYS", "PRIOR_ITEMS", "make_invoice_features"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
INVOICE_KEYS = ["invoice_id", "instalment", "customer_id", "issue_date", "due_date"]
PRIOR_ITEMS = 4.0
LAST_ITEMS, LATELY = 10, 5
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
    The late rate of a customer is ``(late + 4 * book) / (known + 4)``, of the items that were settled by then
    or open and past the point (known to be late), with ``book`` the same share of all customers. Credited
    items are neither. An item that a payment taken back reopened is open again from the day that was known;
    the last items settled are those first settled last.

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
    own = {name: values[asked] for name, values in history.items.items()}
    evenings = Evenings(own["code"], own["issue"] - 1, history.clock)
    past = _sales(history, evenings)
    settled = _settled(history, evenings, late_days)
    numbers = {
        **_itself(own, past, snapshot.scale),
        **past,
        **settled,
        **_last_settled(history, evenings, late_days, settled["_mean_settled"]),
        "slack_days": own["due"] - own["issue"] - settled["_days_to_pay"],
        **_standing(history, evenings, snapshot.scale),
    }
    keys = snapshot.items[INVOICE_KEYS].iloc[history.row[asked]].reset_index(drop=True)
    out = pd.DataFrame({name: numbers[name] for name in INVOICE_FEATURES})
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


def _settled(history: InvoiceHistory, evenings: Evenings, late_days: int) -> dict[str, Floats]:
    """How the customer settled by then, and what it had open past the point."""
    flows = _outcomes(history, late_days)
    values = [flows[name] for name in ("known", "late", "amount", "late_amount", "days_late", "settled")]
    code, day = flows["code"].astype(np.int64), flows["day"].astype(np.int64)
    known, late, amount, late_amount, days_late, settled = running_sums(evenings, code, day, *values)
    paying = flows["days_to_pay"], flows["settled_late"], flows["waiting"]
    days_to_pay, settled_late, waiting = running_sums(evenings, code, day, *paying)
    everyone = Evenings(np.zeros_like(evenings.code), evenings.day, evenings.clock)
    book_known, book_late = running_sums(everyone, np.zeros_like(code), day, *values[:2])
    book = (book_late + 0.5) / (book_known + 1.0)
    # An open item's days so far are the evening less its due date, summed as its count and its due dates.
    so_far = waiting * evenings.day + days_late
    return {
        "n_settled": settled,
        "n_late": late,
        "late_rate": (late + PRIOR_ITEMS * book) / (known + PRIOR_ITEMS),
        "late_amount_rate": share(late_amount, amount),
        "mean_days_late": share(so_far, settled + waiting),
        "book_late_rate": book,
        "_mean_settled": share(settled_late, settled),
        "_days_to_pay": share(days_to_pay, settled),
    }


def _outcomes(history: InvoiceHistory, late_days: int) -> dict[str, Floats]:
    """Steps of what became known of items with a due date: settlements, their undoing, falling overdue."""
    spells = {name: values[history.spells["due"] < FAR] for name, values in history.spells.items()}
    closed = (spells["end"] < FAR) & (spells["credited"] == 0)
    shut = {name: values[closed].astype(float) for name, values in spells.items()}
    late = shut["paid_on"] - shut["due"]
    is_late = (late > late_days).astype(float)
    one = np.ones(len(late))
    done = {
        "code": shut["code"], "known": one, "late": is_late, "amount": shut["amount"],
        "late_amount": shut["amount"] * is_late, "days_late": late, "settled": one, "settled_late": late,
        "days_to_pay": shut["paid_on"] - shut["issue"], "waiting": 0 * one,
    }  # fmt: skip
    reopened = shut["again"] < FAR
    parts = [
        done | {"day": shut["end"]},
        _minus(done, reopened) | {"day": shut["again"][reopened]},
        *_overdue(spells, late_days, "known", "late", "amount", "late_amount"),
        *_overdue(spells, 0, "waiting", "days_late"),
    ]
    names = [*done, "day"]
    zeros = [np.zeros(len(part["day"])) for part in parts]
    return {
        name: np.concatenate([part.get(name, zero) for part, zero in zip(parts, zeros, strict=True)])
        for name in names
    }


def _overdue(spells: dict[str, Ints], late_days: int, *names: str) -> list[dict[str, Floats]]:
    """Steps of open items that pass a point and, later, are settled or credited."""
    begin = np.maximum(spells["start"], spells["due"] + late_days + 1)
    passed = begin < spells["end"]
    one, amount = np.ones(int(passed.sum())), spells["amount"][passed].astype(float)
    worth = {
        "known": one, "late": one, "amount": amount, "late_amount": amount, "waiting": one,
        "days_late": -spells["due"][passed].astype(float),
    }  # fmt: skip
    step = {"code": spells["code"][passed].astype(float)} | {name: worth[name] for name in names}
    over = spells["end"][passed] < FAR
    end = spells["end"][passed][over].astype(float)
    return [step | {"day": begin[passed].astype(float)}, _minus(step, over) | {"day": end}]


def _minus(steps: dict[str, Floats], which: NDArray[np.bool_]) -> dict[str, Floats]:
    """The same steps taken back."""
    return {name: v[which] if name == "code" else -v[which] for name, v in steps.items()}


def _last_settled(
    history: InvoiceHistory, evenings: Evenings, late_days: int, mean: Floats
) -> dict[str, Floats]:
    """Days late of the items first settled last; equal days are told apart by issue and number."""
    spells = history.spells
    use = (spells["number"] == 0) & (spells["end"] < FAR) & (spells["credited"] == 0) & (spells["due"] < FAR)
    code, end, paid_on, due, issue = (spells[n][use] for n in ("code", "end", "paid_on", "due", "issue"))
    order = np.lexsort((issue, paid_on, end, code))
    start, stop = evenings.seen(evenings.clock.key(code[order], end[order]))
    late = (paid_on - due)[order].astype(float)
    place = stop[:, None] - 1 - np.arange(LAST_ITEMS)
    there = place >= start[:, None]
    values = np.where(there, late[np.maximum(place, 0)] if late.size else np.nan, np.nan)
    last = values[:, :LATELY]
    number = there[:, :LATELY].sum(axis=1).astype(float)
    return {
        "median_days_late": _row_medians(values, there.sum(axis=1)),
        "last_days_late": values[:, 0],
        "late_lately": share((last > late_days).sum(axis=1).astype(float), number),
        "trend_days_late": share(np.nansum(last, axis=1), number) - mean,
    }


def _row_medians(values: Floats, number: NDArray[np.integer[Any]]) -> Floats:
    """Median of each row's first `number` values, the rest of which are missing."""
    ordered, row = np.sort(values, axis=1), np.arange(len(values))
    low, high = np.maximum(number - 1, 0) // 2, np.minimum(number // 2, values.shape[1] - 1)
    return np.asarray((ordered[row, low] + ordered[row, high]) / 2, dtype=float)


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
