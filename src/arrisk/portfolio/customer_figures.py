"""What a customer looks like at each date: open and overdue, invoiced, ordered, settled in windows of days.

All take a grid of dates and customers and give arrays (dates, customers): amounts in currency units
(float64), counts and days as int32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrisk.ledger import customer_statements as statements
from arrisk.ledger.customer_statements import NEVER
from arrisk.ledger.spells import CAUSES
from arrisk.portfolio.customer_grid import CustomerGrid, Figures, Ints, Rows

__all__ = ["LATE_DAYS", "WINDOW_DAYS", "age_figures", "all_figures"]

LATE_DAYS = (0, 30, 60, 90)
WINDOW_DAYS = (90, 365)
Named = dict[str, NDArray[Any]]


def all_figures(grid: CustomerGrid) -> Figures:
    """All columns of the customer panel."""
    spells, balances = grid.rows(statements.spell_rows), grid.rows(statements.balance_rows)
    invoiced = _invoiced(grid, spells)
    return {
        **_open_amounts(grid, balances),
        **_overdue_amounts(grid, balances, spells),
        **invoiced,
        **_items(grid, spells),
        **_settled(grid, spells),
        **_ordered(grid, invoiced),
        **_disputed(grid),
    }


def age_figures(grid: CustomerGrid) -> Figures:
    """Open amounts and the days of the oldest overdue item alone."""
    items = _items(grid, grid.rows(statements.spell_rows))
    amounts = _open_amounts(grid, grid.rows(statements.balance_rows))
    return {name: (amounts | items)[name] for name in ("open_amount", "oldest_overdue_days")}


def _amount(grid: CustomerGrid, figure: Ints) -> NDArray[np.float64]:
    return np.asarray(figure / grid.snapshot.scale, dtype=np.float64)


def _count(figure: Ints) -> NDArray[np.int32]:
    return figure.astype(np.int32)


def _chosen(rows: Rows, which: NDArray[np.bool_], *names: str) -> list[Ints]:
    return [rows[name][which] for name in names]


def _open_amounts(grid: CustomerGrid, balances: Rows) -> Named:
    """Open amounts of items owed; open credits and cash not applied."""
    owed = balances["amount"] * balances["owed"]
    held = grid.running(balances["customer"], grid.period(balances["day"]), owed)
    customer, day, amount = _chosen(balances, balances["owed"] == 0, "customer", "day", "amount")
    credit = grid.running(customer, grid.period(day), -amount)
    return {"open_amount": _amount(grid, held), "credit_amount": _amount(grid, credit)}


def _overdue_amounts(grid: CustomerGrid, balances: Rows, spells: Rows) -> Named:
    """Open amounts more than so many days overdue.

    A movement counts from the later of the day it was known and the day its item was so late. What no date
    saw overdue sums to nothing and is left out.
    """
    seen = grid.period(spells["due_day"] + 1) < grid.period(spells["end_day"])
    is_late = np.zeros(2 + spells["item"].max(initial=-1), dtype=bool)
    is_late[spells["item"][seen]] = True
    which = is_late.take(balances["item"], mode="clip") & (balances["owed"] == 1)
    customer, day, due, amount = _chosen(balances, which, "customer", "day", "due_day", "amount")
    known, out = grid.period(day), {}
    for k in LATE_DAYS:
        late = np.maximum(known, grid.period(due + k + 1))
        figure = grid.running(customer, late, amount)
        out[f"overdue_{k}" if k else "overdue_amount"] = _amount(grid, figure)
    return out


def _invoiced(grid: CustomerGrid, spells: Rows) -> Named:
    """Items by the first of their spells."""
    known = np.where(spells["number"] == 0, grid.period(spells["start_day"]), len(grid.days))
    ends = {f"_{n}": grid.period(spells["issue_day"] + n) for n in WINDOW_DAYS}
    found = grid.during(spells["customer"], known, ends, {"invoiced": spells["amount"], "invoices": 1})
    return {
        name: _amount(grid, figure) if name.startswith("invoiced") else _count(figure)
        for name, figure in found.items()
    }


def _items(grid: CustomerGrid, spells: Rows) -> Named:
    """Items open and overdue; of the overdue, the days of the oldest."""
    customer = spells["customer"]
    start, end = grid.period(spells["start_day"]), grid.period(spells["end_day"])
    late = np.maximum(start, grid.period(spells["due_day"] + 1))
    found = grid.during(customer, start, {"": end}, {"open_items": 1})
    some = late < end
    customer, late, end = customer[some], late[some], end[some]
    found |= grid.during(customer, late, {"": end}, {"overdue_items": 1})
    oldest = _oldest(grid, customer, late, end, spells["due_day"][some])
    return {name: _count(figure) for name, figure in found.items()} | {"oldest_overdue_days": oldest}


def _oldest(
    grid: CustomerGrid, customer: Ints, late: NDArray[Any], end: NDArray[Any], due: Ints
) -> NDArray[np.int32]:
    """Days overdue of the item due first, of items overdue from one period until another; else 0."""
    length = end - late
    begin = np.repeat(np.cumsum(length) - length, length)
    period = np.repeat(late, length) + np.arange(len(begin)) - begin
    least = np.full(len(grid.days) * grid.width, NEVER, dtype=np.int64)
    np.minimum.at(least, period * grid.width + np.repeat(customer, length), np.repeat(due, length))
    first = least.reshape(-1, grid.width)
    return _count(np.where(first < NEVER, grid.days[:, None] - first, 0))


def _settled(grid: CustomerGrid, spells: Rows) -> Named:
    """Closed spells, other than by credit notes, until the item's next spell."""
    which = (spells["end_day"] < NEVER) & (spells["cause"] != CAUSES["credited"])
    names = ("customer", "end_day", "next_day", "end_event_day", "due_day")
    customer, end, following, settled, due = _chosen(spells, which, *names)
    known, again = grid.period(end), grid.period(following)
    ends = {f"_{n}": np.minimum(again, grid.period(settled + n)) for n in WINDOW_DAYS}
    dated = due < NEVER
    days = np.where(dated, settled - due, 0)
    values: dict[str, Ints | int] = {"settled": 1, "days": days, "late": (days > 0).astype(np.int64)}
    if not dated.all():
        values["dated"] = dated.astype(np.int64)
    found = grid.during(customer, known, ends, values)
    out: Named = {}
    for n in WINDOW_DAYS:
        count = found.get(f"dated_{n}", found[f"settled_{n}"])
        some = np.where(count > 0, count, np.nan)
        out[f"settled_{n}"] = _count(found[f"settled_{n}"])
        out[f"mean_days_late_{n}"] = found[f"days_{n}"] / some
        out[f"late_share_{n}"] = found[f"late_{n}"] / some
    return out


def _ordered(grid: CustomerGrid, invoiced: Named) -> Named:
    """Orders until they are cancelled; until the first order of all is known, what was invoiced."""
    rows = grid.rows(statements.order_rows)
    placed, cancelled = grid.period(rows["day"]), grid.period(rows["cancelled"])
    ends = {f"_{n}": np.minimum(cancelled, grid.period(rows["day"] + n)) for n in WINDOW_DAYS}
    found = grid.during(rows["customer"], placed, ends, {"ordered": rows["amount"]})
    begin = grid.snapshot.query(statements.first_order())["day"].to_numpy(dtype=np.int64, na_value=NEVER)
    before = (grid.days < begin)[:, None]
    return {
        name: np.where(before, invoiced[name.replace("ordered", "invoiced")], _amount(grid, figure))
        for name, figure in found.items()
    }


def _disputed(grid: CustomerGrid) -> Named:
    rows = grid.rows(statements.disputed_rows)
    first = np.maximum(grid.period(rows["day"]), grid.period(rows["opened"]))
    ends, values = {"": grid.period(rows["closed"])}, {"disputed_amount": rows["amount"]}
    found = grid.during(rows["customer"], first, ends, values)
    return {name: _amount(grid, figure) for name, figure in found.items()}
