"""Days sales outstanding and its family: simple, countback, best possible, delinquent days, collection
effectiveness.

Receivables turnover (sales over receivables, times a year) is the inverse idea and is never called DSO here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.display import Table, frame_html, stamp
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.portfolio.ageing_panel import make_ageing_panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "CountbackDSO",
    "Turnover",
    "average_days_delinquent",
    "best_possible_dso",
    "collection_effectiveness",
    "dso_countback",
    "dso_simple",
    "make_turnover",
    "receivables_turnover",
]

SalesConvention = Literal["total", "monthly_average"]


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise LedgerError(f"{name} is {value:g}; it must be above zero")


def dso_simple(receivables: float, sales: float, days: float) -> float:
    """Days sales outstanding: receivables / credit sales x days of the period.

    Parameters
    ----------
    receivables : float
        Open at the end of the period.
    sales : float
        Credit sales of the period, the same currency.
    days : float
        Length of the period.

    Raises
    ------
    LedgerError
        If sales or days are not above zero.

    Examples
    --------
    >>> round(dso_simple(6340, 10890, 90), 3)
    52.397
    """
    _positive("sales", sales)
    _positive("days", days)
    return receivables / sales * days


def best_possible_dso(current_receivables: float, sales: float, days: float) -> float:
    """DSO if nothing were overdue: current (not overdue) receivables / credit sales x days.

    Examples
    --------
    >>> round(best_possible_dso(3590, 10890, 90), 3)
    29.669
    """
    return dso_simple(current_receivables, sales, days)


def average_days_delinquent(
    receivables: float, current_receivables: float, sales: float, days: float
) -> float:
    """DSO less best possible DSO: the days that lateness adds.

    Examples
    --------
    >>> round(average_days_delinquent(6340, 3590, 10890, 90), 3)
    22.727
    """
    return dso_simple(receivables, sales, days) - best_possible_dso(current_receivables, sales, days)


def receivables_turnover(sales: float, average_receivables: float) -> float:
    """Times the average receivables are sold in the period: credit sales / average receivables.

    Examples
    --------
    >>> receivables_turnover(1200.0, 100.0)
    12.0
    """
    _positive("average receivables", average_receivables)
    return sales / average_receivables


@dataclass(frozen=True, slots=True)
class CountbackDSO:
    """Days of the newest sales that the balance stands for.

    Attributes
    ----------
    days : float
    is_lower_bound : bool
        True when the balance exceeds all sales given: the true figure is larger.
    """

    days: float
    is_lower_bound: bool


def dso_countback(receivables: float, sales: ArrayLike, days: ArrayLike = 30) -> CountbackDSO:
    """Countback (exhaustion) DSO: whole months of the newest sales are taken off the balance until it is
    used up.

    Parameters
    ----------
    receivables : float
        Open now, not negative.
    sales : array-like of float, shape (months,)
        Credit sales by month, newest first.
    days : float or array-like, shape (months,)
        Length of each month; 30 by default.

    Raises
    ------
    LedgerError
        If sales are missing or negative.

    Examples
    --------
    >>> result = dso_countback(212_000, [100_000, 80_000, 70_000])
    >>> round(result.days, 3), result.is_lower_bound
    (73.714, False)
    """
    newest = np.asarray(sales, dtype=float)
    if newest.ndim != 1 or not len(newest) or np.any(newest < 0) or not np.all(np.isfinite(newest)):
        raise LedgerError("sales: give one or more months, newest first, none negative")
    if receivables < 0:
        raise LedgerError(f"receivables are {receivables:g}; countback needs a balance of zero or more")
    lengths = np.broadcast_to(np.asarray(days, dtype=float), newest.shape)
    left = receivables - np.concatenate([[0.0], np.cumsum(newest)[:-1]])
    share = np.clip(np.divide(left, newest, out=np.where(left > 0, 1.0, 0.0), where=newest > 0), 0, 1)
    return CountbackDSO(float((share * lengths).sum()), bool(receivables > newest.sum()))


def collection_effectiveness(
    beginning: float,
    sales: float,
    ending_total: float,
    ending_current: float,
    months: int = 1,
    convention: SalesConvention = "total",
) -> float:
    """Collection effectiveness index: what was collected of what could have been, a fraction.

    (beginning + sales - ending total) / (beginning + sales - ending current). Two conventions are in use for
    the
    sales of a period of several months: their total, or their monthly average.

    Parameters
    ----------
    beginning, ending_total, ending_current : float
        Receivables at the beginning and the end; the part of the end that is not overdue.
    sales : float
        Credit sales of the whole period.
    months : int
        Months in the period; used by the monthly average alone.
    convention : {"total", "monthly_average"}

    Raises
    ------
    LedgerError
        If nothing could have been collected, or the convention is unknown.

    Examples
    --------
    >>> round(collection_effectiveness(400_000, 1_200_000, 350_000, 280_000), 5)
    0.94697
    >>> round(collection_effectiveness(6_200, 10_890, 6_340, 3_590, 3, "monthly_average"), 6)
    0.559295
    """
    if convention not in ("total", "monthly_average"):
        raise LedgerError(f"convention {convention!r}: allowed are 'total' and 'monthly_average'")
    counted = sales / months if convention == "monthly_average" else sales
    _positive("what could have been collected", beginning + counted - ending_current)
    return (beginning + counted - ending_total) / (beginning + counted - ending_current)


@dataclass(frozen=True, slots=True, eq=False)
class Turnover:
    """The DSO family month by month.

    Attributes
    ----------
    table : DataFrame
        month_end, receivables, overdue, sales (of the month), dso, dso_countback, best_possible_dso,
        days_delinquent, cei, dso_year_before. Amounts in currency units, days in days, cei a fraction. `dso`
        divides
        by the sales of `window` months.
    as_of, currency, window
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    window: int

    @property
    def conventions(self) -> str:
        """The conventions in words."""
        return (
            "Receivables: items owed, credits and unapplied cash left out. DSO over the sales of "
            f"{self.window} months and "
            f"their calendar days; CEI month by month with the month's sales; amounts in {self.currency}."
        )

    def to_table(self, name: str = "turnover", rows: int = 13) -> Table:
        """The last months ready to be shown."""
        formats = dict.fromkeys(("receivables", "overdue", "sales"), "money") | {
            "cei": "percent",
            "month_end": "date",
        }
        days = dict.fromkeys(
            ("dso", "dso_countback", "best_possible_dso", "days_delinquent", "dso_year_before"), "days"
        )
        return Table(name, "DSO and its family", self.table.tail(rows), self.conventions, formats | days)  # type: ignore[arg-type]

    def plot(self, ax: Axes | None = None) -> Axes:
        """DSO through time over the best possible DSO; the gap is lateness."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        table = self.table.dropna(subset=["dso"])
        ax.plot(table["month_end"], table["dso"], color="#D55E00", label="DSO")
        ax.plot(table["month_end"], table["best_possible_dso"], color="#0072B2", label="best possible DSO")
        ax.fill_between(
            table["month_end"], table["best_possible_dso"], table["dso"], color="#D55E00", alpha=0.15
        )
        if table.empty:
            ax.set_title("Too few months for a DSO")
            return stamp(ax, self.as_of)
        last = table.iloc[-1]
        ax.set_title(f"DSO {last['dso']:.0f} days, of which {last['days_delinquent']:.0f} are lateness")
        ax.set_ylabel("days")
        ax.set_ylim(bottom=0)
        ax.legend(loc="lower left")
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def monthly_sales(items: pd.DataFrame, ends: pd.DatetimeIndex) -> pd.Series:
    """Invoiced amounts (credits deducted) by the month of their date, in currency units; index `ends`."""
    months = items["issue_date"].to_numpy().astype("datetime64[M]")
    totals = items.groupby(months)["amount"].sum()
    return totals.reindex(ends.to_numpy().astype("datetime64[M]")).fillna(0).set_axis(ends)


def make_turnover(snapshot: Snapshot, months: int = 36, window: int = 3) -> Turnover:
    """The DSO family at the last month ends, as known on each of them.

    Parameters
    ----------
    snapshot : Snapshot
    months : int
        Rows of the table.
    window : int
        Months of sales a DSO is measured against.

    Returns
    -------
    Turnover

    Raises
    ------
    LedgerError
        If `window` is not at least one month.
    """
    if window < 1:
        raise LedgerError(f"window={window}: at least one month of sales")
    panel = make_ageing_panel(snapshot, months=months + max(12, window), edges=(30, 60, 90)).table.set_index(
        "month_end"
    )
    owed = panel.drop(columns=["credits", "unapplied cash"])
    ends = pd.DatetimeIndex(panel.index)
    sales = monthly_sales(snapshot.items, ends)
    lengths = pd.Series(ends.day, index=ends, dtype=float)
    out = pd.DataFrame({"receivables": owed.sum(axis=1), "sales": sales})
    current = owed["not due"] + owed["no due date"]
    out.insert(1, "overdue", out["receivables"] - current)
    sold, days = sales.rolling(window).sum(), lengths.rolling(window).sum()
    out["dso"] = (out["receivables"] / sold * days).where(sold > 0)
    out["best_possible_dso"] = (current / sold * days).where(sold > 0)
    out["days_delinquent"] = out["dso"] - out["best_possible_dso"]
    out.insert(4, "dso_countback", _countback_series(out["receivables"], sales, lengths))
    could = out["receivables"].shift() + sales - current
    out["cei"] = ((out["receivables"].shift() + sales - out["receivables"]) / could).where(could > 0)
    out["dso_year_before"] = out["dso"].shift(12)
    return Turnover(out.tail(months).reset_index(), snapshot.date, snapshot.currency, window)


def _countback_series(receivables: pd.Series, sales: pd.Series, lengths: pd.Series) -> list[float]:
    """Countback at each month end; missing where the sales given do not exhaust the balance."""
    out = []
    newest = sales.clip(lower=0).to_numpy()
    for k, balance in enumerate(receivables):
        result = dso_countback(max(balance, 0.0), newest[k::-1], lengths.to_numpy()[k::-1])
        out.append(np.nan if result.is_lower_bound else result.days)
    return out
