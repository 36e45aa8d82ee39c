"""Sharing a risk budget among customers: limits that earn most within a total, caps and group limits.

Every customer offers a curve of value against use of the budget. On the curve's concave hull the best shares
follow from one price: everybody is served up to where a further unit of the budget earns less than it
(Lagrange). Steps of the hulls are taken in the order of value per unit until the budget is used. That is
exact for concave curves, and with limits of groups too, as groups do not overlap and count in the same unit
(a greedy rule is optimal on such a family: Federgruen and Groenevelt, Operations Research 34, 1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Format, Table, frame_html, money, stamp
from arrisk.errors import ModelError
from arrisk.policy.limits.customers import book_risks
from arrisk.policy.limits.limit import value_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.limits.limit_policy import LimitPolicy

__all__ = ["BudgetPlan", "Measure", "allocate", "concave_hull", "share_risk_budget"]

Measure = Literal["exposure", "loss"]
MEASURES = {"exposure": "sum of the limits", "loss": "expected loss of a year"}
POINTS = 25
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BudgetPlan:
    """Limits that earn most within a risk budget; made by `share_risk_budget`.

    Parameters
    ----------
    table : DataFrame
        customer_id, group, grade, free (limit without a budget), limit, value, use, value_lost (against the
        limit without a budget); currency units (a year).
    curve : DataFrame
        budget, value, price: what other budgets would earn.
    price : float
        Value of one more unit of the budget; zero when it does not bind.
    budget, used : float
    measure : {"exposure", "loss"}
    cap, group_cap : float
        Most for one customer (an insurer's buyer limit) and for one group, in units of the measure for
        groups and of the limit for customers; infinite for none.
    as_of : Timestamp
    currency : str
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    price: float
    budget: float
    used: float
    measure: Measure
    cap: float
    group_cap: float
    as_of: pd.Timestamp
    currency: str

    def finding(self) -> str:
        """What the budget earns and what one more unit of it would, in one sentence."""
        value = money(float(self.table["value"].sum()), self.currency)
        held = f"With the {MEASURES[self.measure]} held to {money(self.budget, self.currency)}"
        lead = f"{held} limits earn {value}"
        if self.price == 0:
            return f"{lead} a year; more room would earn nothing"
        return f"{lead} a year; one unit more would earn {self.price:,.2f}"

    def to_table(self, name: str = "limit_budget", rows: int = 12) -> Table:
        """The customers who lose most by the budget, ready to be shown."""
        frame = self.table.sort_values(["value_lost", "customer_id"], ascending=[False, True]).head(rows)
        formats: dict[str, Format] = dict.fromkeys(("free", "limit", "value", "use", "value_lost"), "money")
        caps = [f"at most {money(self.cap)} a customer" if np.isfinite(self.cap) else ""]
        caps += [f"at most {money(self.group_cap)} a group" if np.isfinite(self.group_cap) else ""]
        told = "; ".join(c for c in caps if c)
        note = (
            f"Amounts in {self.currency}, values a year. Use: {MEASURES[self.measure]}. Free: the limit "
            f"without a budget. Value of a unit at the margin: {self.price:,.3f}. {told}"
        ).strip()
        return Table(name, self.finding(), frame.reset_index(drop=True), note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Value of a year against the budget."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        ax.plot(self.curve["budget"] / 1000, self.curve["value"] / 1000, color="#0072B2", marker="o")
        ax.axvline(self.budget / 1000, color="0.35", linestyle="--", linewidth=1)
        ax.set_xlabel(f"budget: {MEASURES[self.measure]}, thousand {self.currency} (dashed: given)")
        ax.set_ylabel(f"value, thousand {self.currency} a year")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter("{x:,.0f}")
        ax.set_title(self.finding().replace("; ", ";\n"))
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def concave_hull(use: ArrayLike, value: ArrayLike) -> NDArray[np.intp]:
    """Positions of the points on the rising upper concave hull, from the first point on.

    Parameters
    ----------
    use, value : array of shape (points,)
        `use` increasing.

    Examples
    --------
    >>> concave_hull([0, 1, 2, 3], [0.0, 1.0, 4.0, 3.0]).tolist()
    [0, 2]
    """
    x, y = np.asarray(use, dtype=float), np.asarray(value, dtype=float)
    kept: list[int] = [0]
    for k in range(1, x.size):
        if x[k] <= x[kept[-1]]:
            continue
        while len(kept) > 1 and _slope(x, y, kept[-2], k) >= _slope(x, y, kept[-2], kept[-1]):
            kept.pop()
        if y[k] > y[kept[-1]]:
            kept.append(k)
    return np.array(kept, dtype=np.intp)


def _slope(x: Floats, y: Floats, a: int, b: int) -> float:
    return float((y[b] - y[a]) / (x[b] - x[a]))


def allocate(
    uses: Sequence[ArrayLike],
    values: Sequence[ArrayLike],
    budget: float,
    groups: Sequence[object] | None = None,
    group_budget: float = np.inf,
) -> tuple[Floats, float]:
    """Share a budget so that the values sum to the most.

    Parameters
    ----------
    uses, values : one array a customer
        Points of its curve, use increasing from 0; between points the value is linear on the concave hull.
    budget : float
        Total use.
    groups : sequence, optional
        The group of each customer.
    group_budget : float
        Most use of one group.

    Returns
    -------
    used : array of shape (customers,)
    price : float
        Value of one more unit of the budget; zero when it does not bind.

    Raises
    ------
    ModelError
        If a budget is negative.

    Examples
    --------
    >>> used, price = allocate([[0, 10], [0, 5, 10]], [[0, 5], [0, 10, 12]], budget=12)
    >>> used.tolist(), price
    ([7.0, 5.0], 0.5)
    """
    if budget < 0 or group_budget < 0:
        raise ModelError("a budget is zero or more")
    steps = []
    for who, (use, value) in enumerate(zip(uses, values, strict=True)):
        x, y = np.asarray(use, dtype=float), np.asarray(value, dtype=float)
        hull = concave_hull(x, y)
        for a, b in pairwise(hull.tolist()):
            steps.append((-_slope(x, y, a, b), who, float(x[b] - x[a])))
    steps.sort()
    used = np.zeros(len(uses))
    names = list(range(len(uses))) if groups is None else list(groups)
    room = dict.fromkeys(names, float(group_budget))
    left, price = float(budget), 0.0
    for slope, who, length in steps:
        taken = min(length, room[names[who]])
        if left < taken:
            price = -slope
            used[who] += left
            break
        used[who] += taken
        left -= taken
        room[names[who]] -= taken
    return used, price


def share_risk_budget(
    policy: LimitPolicy,
    budget: float,
    measure: Measure = "exposure",
    cap: float = np.inf,
    group_cap: float = np.inf,
) -> BudgetPlan:
    """Limits that earn most within a risk budget, an insurer's cap for each buyer and a cap for each group.

    Parameters
    ----------
    policy : LimitPolicy
    budget : float
        Currency units, of the measure.
    measure : {"exposure", "loss"}
        What the budget counts: the limits themselves, or the expected loss of a year.
    cap : float
        Most for one customer's limit.
    group_cap : float
        Most use of one group: customers of a group share it.

    Returns
    -------
    BudgetPlan
        Limits as they come out, not rounded: rounding up would pass the budget.
    """
    if measure not in MEASURES:
        raise ModelError(f"measure {measure!r}: allowed are {', '.join(map(repr, MEASURES))}")
    limits, uses, values = _menus(policy, measure, cap)
    groups = policy.table["group"].tolist()
    used, price = allocate(uses, values, budget, groups, group_cap)
    table = policy.table[["customer_id", "group", "grade"]].copy()
    free = np.array([menu[-1] for menu in limits])
    value = np.array([_on_hull(u, v, x) for u, v, x in zip(uses, values, used, strict=True)])
    best = np.array([float(np.max(v)) for v in values])
    limit = [float(np.interp(x, u, menu)) for u, menu, x in zip(uses, limits, used, strict=True)]
    table = table.assign(free=free, limit=limit, value=value, use=used, value_lost=best - value)
    rows = []
    total = float(sum(u[-1] for u in uses))
    for share in SHARES:
        other, at = allocate(uses, values, share * total, groups, group_cap)
        earned = sum(_on_hull(u, v, x) for u, v, x in zip(uses, values, other, strict=True))
        rows.append((share * total, earned, at))
    curve = pd.DataFrame(rows, columns=["budget", "value", "price"])
    return BudgetPlan(
        table, curve, price, budget, float(used.sum()), measure, cap, group_cap, policy.as_of, policy.currency
    )


def _menus(
    policy: LimitPolicy, measure: Measure, cap: float
) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """Limits from zero to the best, with their use of the budget and their value, by customer."""
    inputs = policy.inputs
    risks = book_risks(inputs, policy.table["limit"].to_numpy())
    limits, uses, values = [], [], []
    for k, best in enumerate(policy.table["best"].to_numpy(dtype=float)):
        menu = np.linspace(0.0, min(best, cap), POINTS) if min(best, cap) > 0 else np.zeros(1)
        line = inputs.line(k, risk=risks[k])
        year = value_line(line, menu)
        limits.append(menu)
        uses.append(menu if measure == "exposure" else year.loss)
        values.append(year.value)
    return limits, uses, values


def _on_hull(use: Floats, value: Floats, at: float) -> float:
    hull = concave_hull(use, value)
    return float(np.interp(at, use[hull], value[hull]))
