"""How a customer settled its items, as it was known on past evenings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrisk.models.features.grouped import share
from arrisk.models.features.invoice_history import FAR, InvoiceHistory
from arrisk.models.features.steps import Evenings, running_sums

__all__ = ["LATELY_DAYS", "PRIOR_ITEMS", "last_settled", "lately_past_point", "past_point", "settled_so_far"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Steps = dict[str, Floats]
PRIOR_ITEMS = 4.0
LAST_ITEMS, LATELY = 10, 5
LATELY_DAYS = 180


def past_point(history: InvoiceHistory, evenings: Evenings, late_days: int) -> dict[str, Floats]:
    """How late the items were whose point had passed, `late_days` after the due date.

    Of these the outcome is known, paid or not. Those settled before their point are not counted before it:
    among recent items the early payers are known first, and would make everybody look prompt.
    """
    steps = _past_point_steps(history, late_days, FAR)
    sums = _sums(steps, evenings)
    code, day = steps["code"].astype(np.int64), steps["day"].astype(np.int64)
    everyone = Evenings(np.zeros_like(evenings.code), evenings.day, evenings.clock)
    number, late = running_sums(everyone, np.zeros_like(code), day, steps["number"], steps["late"])
    book = (late + 0.5) / (number + 1.0)
    # An open item's days so far are the evening less its due date, summed as its count and its due dates.
    days_late = sums["days_late"] + sums["waiting"] * evenings.day
    return {
        "n_due": sums["number"],
        "n_late": sums["late"],
        "late_rate": (sums["late"] + PRIOR_ITEMS * book) / (sums["number"] + PRIOR_ITEMS),
        "late_amount_rate": share(sums["late_amount"], sums["amount"]),
        "mean_days_late": share(days_late, sums["number"]),
        "book_late_rate": book,
    }


def lately_past_point(history: InvoiceHistory, evenings: Evenings, late_days: int) -> dict[str, Floats]:
    """The same of items whose point passed in the last 180 days: customers change."""
    sums = _sums(_past_point_steps(history, late_days, LATELY_DAYS), evenings)
    days_late = sums["days_late"] + sums["waiting"] * evenings.day
    return {
        "n_due_lately": sums["number"],
        "late_rate_lately": share(sums["late"], sums["number"]),
        "mean_days_late_lately": share(days_late, sums["number"]),
    }


def settled_so_far(history: InvoiceHistory, evenings: Evenings, late_days: int) -> dict[str, Floats]:
    """How late the items settled so far were, whether their point had passed or not."""
    shut = _settlements(history)
    late = shut["paid_on"] - shut["due"]
    values = [np.ones(len(late)), (late > late_days).astype(float), late, shut["paid_on"] - shut["issue"]]
    back = shut["again"] < FAR
    code, day = (
        np.append(shut[n], shut[m][back]).astype(np.int64) for n, m in (("code", "code"), ("end", "again"))
    )
    both = [np.append(value, -value[back]) for value in values]
    number, n_late, days_late, days = running_sums(evenings, code, day, *both)
    return {
        "n_settled": number,
        "settled_late_rate": share(n_late, number),
        "mean_days_settled": share(days_late, number),
        "_days_to_pay": share(days, number),
    }


def last_settled(history: InvoiceHistory, evenings: Evenings, late_days: int) -> dict[str, Floats]:
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
        "_mean_lately": share(np.nansum(last, axis=1), number),
    }


def _settlements(history: InvoiceHistory) -> Steps:
    """Spells of items with a due date that ended in a settlement; credited items were never late or not."""
    spells = history.spells
    closed = (spells["due"] < FAR) & (spells["end"] < FAR) & (spells["credited"] == 0)
    return {name: values[closed].astype(float) for name, values in spells.items()}


def _sums(steps: Steps, evenings: Evenings) -> Steps:
    code, day = steps["code"].astype(np.int64), steps["day"].astype(np.int64)
    names = [name for name in steps if name not in ("code", "day")]
    found = running_sums(evenings, code, day, *(steps[name] for name in names))
    return dict(zip(names, found, strict=True))


def _past_point_steps(history: InvoiceHistory, late_days: int, keep: int) -> Steps:
    """Steps of items that pass their point: late while open, then late or not; for `keep` days from it."""
    shut, due = _settlements(history), history.spells["due"] < FAR
    held = {name: values[due].astype(float) for name, values in history.spells.items()}
    days = shut["paid_on"] - shut["due"]
    is_late, none = (days > late_days).astype(float), np.zeros(len(days))
    settled = {"late": is_late, "late_amount": shut["amount"] * is_late, "days_late": days, "waiting": none}
    one = np.ones(len(held["due"]))
    waiting = {"late": one, "late_amount": held["amount"], "days_late": -held["due"], "waiting": one}
    return _joined(
        _stretch(shut, ("end", "again"), late_days, keep, settled),
        _stretch(held, ("start", "end"), late_days, keep, waiting),
    )


def _stretch(spells: Steps, days: tuple[str, str], late_days: int, keep: int, worth: Steps) -> Steps:
    """What holds from one day of a spell to another, once the point has passed: added, then taken away."""
    point = spells["due"] + late_days + 1
    first, end = np.maximum(spells[days[0]], point), np.minimum(spells[days[1]], point + keep)
    some = first < end
    over = some & (end < FAR)
    worth = {"number": np.ones(len(first)), "amount": spells["amount"], **worth}
    out = {name: np.append(value[some], -value[over]) for name, value in worth.items()}
    out["code"] = np.append(spells["code"][some], spells["code"][over])
    out["day"] = np.append(first[some], end[over])
    return out


def _joined(one: Steps, other: Steps) -> Steps:
    return {name: np.append(one[name], other[name]) for name in one}


def _row_medians(values: Floats, number: NDArray[np.integer[Any]]) -> Floats:
    """Median of each row's first `number` values, the rest of which are missing."""
    ordered, row = np.sort(values, axis=1), np.arange(len(values))
    low, high = np.maximum(number - 1, 0) // 2, np.minimum(number // 2, values.shape[1] - 1)
    return np.asarray((ordered[row, low] + ordered[row, high]) / 2, dtype=float)
