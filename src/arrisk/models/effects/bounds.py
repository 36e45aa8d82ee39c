"""What a ledger without a design can still say of an offer: bounds that hold whatever customers would do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from arrisk.display import Table, frame_html, stamp
from arrisk.errors import ModelError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Bounds", "bound_schemes", "bound_takers", "bound_unoffered", "identified_reach"]

Floats = NDArray[np.float64]
YEAR = 365
BLUE, PALE = "#0072B2", "#9ecae1"
LAYERS = (
    "nothing assumed: without the offer paid on any day up to the horizon",
    "an offer makes nobody pay later",
    "customers with a past would have gone on as before the offer; others as in the line above",
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on what an offer changed for those who took it, narrower with every assumption.

    Parameters
    ----------
    table : DataFrame
        A row an assumption: assumption (words), low, high, ci_low, ci_high (per 100 invoiced).
    rows, clusters, with_past : int
        Invoices with a discount taken, their customers, and of these those seen before the offer.
    level : float
        Chance that the interval holds the true value, wherever between the bounds it lies.
    """

    table: pd.DataFrame
    rows: int
    clusters: int
    with_past: int
    level: float

    def finding(self) -> str:
        """What holds without and with assumptions, in one sentence."""
        wide, narrow = self.table.iloc[0], self.table.iloc[-1]
        return (
            f"Per 100 invoiced and taken the offer changed present value by {wide['low']:+.2f} to "
            f"{wide['high']:+.2f} whatever customers would have done; by {narrow['low']:+.2f} to "
            f"{narrow['high']:+.2f} if {narrow['assumption']}"
        )

    def to_table(self, name: str = "offer_bounds") -> Table:
        """The bounds, an assumption a row."""
        note = (
            f"{self.rows:,} invoices of {self.clusters} customers, {self.with_past} of them seen before the "
            f"offer; {self.level:.0%} intervals by customer. Sales and losses are outside the bounds."
        )
        return Table(name, self.finding(), self.table, note)

    def plot(self, as_of: dt.date, ax: Axes | None = None) -> Axes:
        """A bar an assumption, its interval as a thin line."""
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(7.0, 2.8))[1] if ax is None else ax
        place = np.arange(len(self.table))[::-1]
        low, high = (self.table[c].to_numpy(dtype=float) for c in ("low", "high"))
        ax.hlines(place, self.table["ci_low"], self.table["ci_high"], color=BLUE, linewidth=1.2)
        ax.barh(place, high - low, left=low, height=0.5, color=PALE, edgecolor=BLUE)
        ax.axvline(0.0, color="black", linewidth=0.8)
        ax.set_yticks(place, ["nothing assumed", "nobody pays later", "as in the own past"][: len(place)])
        ax.set_xlabel("change of present value per 100 invoiced and taken")
        wide = self.table.iloc[0]
        ax.set_title(f"The offer changed present value by {wide['low']:+.2f} to {wide['high']:+.2f}")
        return stamp(ax, as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def bound_takers(rows: pd.DataFrame, *, cost_of_capital: float, horizon: int, level: float = 0.95) -> Bounds:
    """Bound what an offer changed for its takers when nothing tells what they would have done.

    Parameters
    ----------
    rows : DataFrame
        Invoices as `observe_outcomes` gives them: `customer_id`, `issue_date`, `amount`, `discount`, `days`,
        `value`, `offered`, `taken`.
    cost_of_capital : float
        Effective annual rate, 365 days; the one of `value`.
    horizon : int
        Days from issue; the one of `value`.
    level : float
        Of the intervals.

    Returns
    -------
    Bounds
        On present value per 100 invoiced, by amount, net of discounts.

    Raises
    ------
    ModelError
        If a column is missing or fewer than two customers took the offer.

    Notes
    -----
    Worst-case and monotone-response bounds of Manski (American Economic Review 80, 1990; Econometrica 65,
    1997). The interval covers the true value, not the whole range (Imbens and Manski, Econometrica 72, 2004).

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": ["a", "b"], "issue_date": pd.to_datetime(["2025-01-01"] * 2),
    ...     "amount": 100.0, "discount": 2.0, "days": 0.0, "value": 98.0, "offered": True, "taken": True})
    >>> found = bound_takers(rows, cost_of_capital=0.1, horizon=365)
    >>> found.table[["low", "high"]].round(2).to_numpy().tolist()
    [[-2.0, 7.09], [-2.0, 7.09], [-2.0, 7.09]]
    """
    wanted = ["customer_id", "issue_date", "amount", "discount", "days", "value", "offered", "taken"]
    missing = [column for column in wanted if column not in rows.columns]
    if missing:
        raise ModelError(f"the rows have no column {missing[0]!r}; they have {', '.join(map(str, rows))}")
    taken = rows[rows["taken"].astype(bool)]
    people = taken["customer_id"].nunique()
    if people < 2:
        raise ModelError(f"{people} customers took the offer: at least two are needed for an interval")
    past = _past(rows)
    value, days = (taken[c].to_numpy(dtype=float) for c in ("value", "days"))
    latest = 100 * (1 + cost_of_capital) ** (-horizon / YEAR)
    share = (taken["discount"] / taken["amount"]).to_numpy(dtype=float)
    cost = 100 * share * (1 + cost_of_capital) ** (-days / YEAR)
    own = value - taken["customer_id"].map(past).to_numpy(dtype=float)
    known = np.isfinite(own)
    ends = (
        (value - 100, value - latest),
        (-cost, value - latest),
        (np.where(known, own, -cost), np.where(known, own, value - latest)),
    )
    table = pd.DataFrame(
        [{"assumption": w} | _layer(taken, *e, level) for w, e in zip(LAYERS, ends, strict=True)]
    )
    seen = int(taken.loc[known, "customer_id"].nunique())
    return Bounds(table, len(taken), people, seen, level)


def _past(rows: pd.DataFrame) -> pd.Series:
    """Present value per 100 of every customer's invoices before the first that he was offered."""
    offered = rows[rows["offered"].astype(bool)]
    start = rows["customer_id"].map(offered.groupby("customer_id")["issue_date"].min())
    before = rows[rows["issue_date"] < start]
    money = (before["value"] * before["amount"]).groupby(before["customer_id"]).sum()
    worth: pd.Series = money / before.groupby("customer_id")["amount"].sum()
    return worth


def _layer(taken: pd.DataFrame, low: Floats, high: Floats, level: float) -> dict[str, float]:
    weight = taken["amount"].to_numpy(dtype=float)
    code = pd.factorize(taken["customer_id"])[0]
    (bottom, se_low), (top, se_high) = (_mean(end, weight, code) for end in (low, high))
    reach = identified_reach(top - bottom, max(se_low, se_high), level)
    ends = {"ci_low": bottom - reach * se_low, "ci_high": top + reach * se_high}
    return {"low": bottom, "high": top} | ends


def _mean(y: Floats, weight: Floats, code: NDArray[np.intp]) -> tuple[float, float]:
    """Weighted mean and its standard error, clustered."""
    mean = float(np.average(y, weights=weight))
    shares = np.bincount(code, weights=weight * (y - mean)) / weight.sum()
    n = len(shares)
    return mean, float(np.sqrt(n / (n - 1) * (shares**2).sum()))


def identified_reach(width: float, se: float, level: float = 0.95) -> float:
    """Standard errors to go beyond either bound (Imbens and Manski 2004, equation 7).

    Two-sided where the bounds meet, one-sided where they lie far apart.

    Parameters
    ----------
    width : float
        Upper less lower bound.
    se : float
        The larger of their standard errors.
    level : float

    Examples
    --------
    >>> round(identified_reach(0.0, 1.0), 3), round(identified_reach(9.0, 1.0), 3)
    (1.96, 1.645)
    """
    apart = max(width, 0.0) / se if se > 0 else float("inf")
    wide = float(stats.norm.ppf(0.5 + level / 2))

    def short(c: float) -> float:
        return float(stats.norm.cdf(c + apart) - stats.norm.cdf(-c)) - level

    return float(optimize.brentq(short, 0.0, wide + 1.0))


def bound_unoffered(
    rows: pd.DataFrame, *, rate: float, window: float, cost_of_capital: float
) -> tuple[float, float]:
    """Least and most that a discount could earn, whoever takes it, per 100 invoiced.

    A taker pays ``1 - rate`` on the last day of the window, or on his usual day where that is earlier; who
    does not take it pays as he did. At worst exactly those take it on whom the seller loses, above all those
    who pay within the window anyway; at best exactly those on whom it gains. Nothing narrows this without an
    experiment, and effects on sales and losses are outside it.

    Parameters
    ----------
    rows : DataFrame
        Invoices without an offer, with `amount`, `days`, `value` (see `observe_outcomes`).
    rate : float
        Discount, a fraction.
    window : float
        Days from issue in which it may be taken.
    cost_of_capital : float
        Effective annual rate, 365 days; the one of `value`.

    Returns
    -------
    (float, float)

    Raises
    ------
    ModelError
        If there are no rows.

    Examples
    --------
    Of two equal invoices one is paid on day 5 anyway (its discount is lost), the other on day 375:

    >>> rows = pd.DataFrame({"amount": [1.0, 1.0], "days": [5.0, 375.0]})
    >>> rows["value"] = 100 * 1.1 ** (-rows["days"] / 365)
    >>> low, high = bound_unoffered(rows, rate=0.02, window=10, cost_of_capital=0.1)
    >>> round(low, 2), round(high, 2)
    (-1.0, 3.54)
    """
    gain, weight = _gain(rows, rate, window, cost_of_capital)
    low, high = (
        float(np.average(part, weights=weight)) for part in (np.minimum(gain, 0), np.maximum(gain, 0))
    )
    return low, high


def bound_schemes(
    rows: pd.DataFrame, *, rates: Sequence[float], windows: Sequence[float], cost_of_capital: float
) -> pd.DataFrame:
    """Bound discounts that were never offered, those who pay within the window anyway taking them all.

    Parameters
    ----------
    rows : DataFrame
        As in `bound_unoffered`.
    rates, windows : sequence of float
        Discounts (fractions) and days.
    cost_of_capital : float

    Returns
    -------
    DataFrame
        A row a scheme: rate, window, early (share of the money that is paid within the window anyway), cost
        (of their discounts), gain (the most that all others could bring), net, and highest_rate (of the
        window: above it no response could make the discount pay). Money per 100 invoiced.

    Raises
    ------
    ModelError
        If there are no rows.

    Examples
    --------
    >>> rows = pd.DataFrame({"amount": [1.0, 1.0], "days": [5.0, 375.0]})
    >>> rows["value"] = 100 * 1.1 ** (-rows["days"] / 365)
    >>> found = bound_schemes(rows, rates=[0.02], windows=[10], cost_of_capital=0.1)
    >>> found.round(3).iloc[0].to_list()
    [0.02, 10.0, 0.5, 0.999, 3.536, 2.538, 0.045]
    """
    parts = []
    for window in windows:
        early = rows["days"].to_numpy(dtype=float) <= window
        highest = _highest_rate(rows, early, window, cost_of_capital)
        for rate in rates:
            cost, gain = _scheme(rows, early, rate, window, cost_of_capital)
            share = float(np.average(early, weights=rows["amount"]))
            scheme = {"rate": rate, "window": float(window), "early": share}
            parts.append(scheme | {"cost": cost, "gain": gain, "net": gain - cost, "highest_rate": highest})
    return pd.DataFrame(parts)


def _gain(rows: pd.DataFrame, rate: float, window: float, capital: float) -> tuple[Floats, Floats]:
    """What the discount earns on every invoice if it is taken, per 100, and the amounts."""
    if rows.empty:
        raise ModelError("there is no invoice without an offer to bound a discount by")
    days = np.minimum(rows["days"].to_numpy(dtype=float), window)
    gain = 100 * (1 - rate) * (1 + capital) ** (-days / YEAR) - rows["value"].to_numpy(dtype=float)
    return np.asarray(gain), rows["amount"].to_numpy(dtype=float)


def _scheme(
    rows: pd.DataFrame, early: NDArray[np.bool_], rate: float, window: float, capital: float
) -> tuple[float, float]:
    gain, weight = _gain(rows, rate, window, capital)
    cost = -float(np.average(np.where(early, gain, 0.0), weights=weight))
    return cost, float(np.average(np.where(early, 0.0, np.maximum(gain, 0.0)), weights=weight))


def _highest_rate(rows: pd.DataFrame, early: NDArray[np.bool_], window: float, capital: float) -> float:
    """The rate at which the most that could be gained is what early payers cost."""

    def net(rate: float) -> float:
        cost, gain = _scheme(rows, early, rate, window, capital)
        return gain - cost

    if net(0.0) <= 0:
        return 0.0
    if net(1.0) < 0:
        return float(optimize.brentq(net, 0.0, 1.0))
    late = rows[~early]
    gain, _ = _gain(late, 0.0, window, capital)
    worth = 100 * (1 + capital) ** (-window / YEAR)
    return float(max(gain.max() / worth, 0.0))
