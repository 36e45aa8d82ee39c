"""The DSO family month by month, each month end as it was known then, beside the same month a year before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import day_numbers
from arrisk.portfolio.ageing_panel import make_ageing_panel
from arrisk.portfolio.dso import dso_countback, dso_sales_weighted
from arrisk.portfolio.sale_months import SaleMonths, make_sale_months

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Turnover", "make_turnover"]

YEAR = 12
MEASURES = {
    "dso": "DSO (days)",
    "dso_countback": "countback DSO (days)",
    "dso_sales_weighted": "sales-weighted DSO (days)",
    "best_possible_dso": "best possible DSO (days)",
    "days_delinquent": "average days delinquent (days)",
    "cei": "CEI of the month (%)",
    "cei_total": "CEI of the window, total sales (%)",
    "cei_average": "CEI of the window, monthly average sales (%)",
    "receivables_turnover": "receivables turnover (times a year)",
}
FRACTIONS = ("cei", "cei_total", "cei_average")
DAYS = ("dso", "dso_countback", "dso_sales_weighted", "best_possible_dso", "days_delinquent")


@dataclass(frozen=True, slots=True, eq=False)
class Turnover:
    """The DSO family month by month.

    Attributes
    ----------
    table : DataFrame
        month_end; receivables, overdue, sales (of the month) in currency units; dso, dso_countback,
        dso_sales_weighted, best_possible_dso, days_delinquent in days; countback_is_lower_bound; cei (of the
        month), cei_total and cei_average (of the window, by both conventions), fractions;
        receivables_turnover, times a year; and each measure as `<measure>_year_before`. Missing where the
        ledger does not reach back far enough.
    as_of, currency
    window : int
        Months of sales a DSO is measured against, the month itself included.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    window: int

    @property
    def conventions(self) -> str:
        """The conventions in words."""
        return (
            "Receivables: items owed, credits and unapplied cash left out. Sales: invoices less credit "
            "items, as known at each month end. DSO, best possible DSO and days delinquent over the sales of "
            f"{self.window} months and their calendar days; sales-weighted DSO divides what is open of each "
            "month's sales by the sales of that month; CEI month by month; amounts in "
            f"{self.currency}." + self._part_note + self._bound_note
        )

    @property
    def _part_note(self) -> str:
        if self.as_of.is_month_end:
            return ""
        return f" The last row is {self.as_of:%Y-%m-%d}, beside the end of the same month a year before."

    @property
    def _bound_note(self) -> str:
        if not self.table["countback_is_lower_bound"].any():
            return ""
        return (
            " Countback 'at least': the balance exceeds all sales of the ledger, the true figure is larger."
        )

    def to_table(self, name: str = "turnover", rows: int = 13) -> Table:
        """The last months ready to be shown."""
        columns = ["month_end", "receivables", "overdue", "sales", *DAYS, "cei", "dso_year_before"]
        frame = self.table[columns].tail(rows).copy()
        frame["dso_countback"] = _with_bound(self.table.tail(rows))
        formats: dict[str, Format] = {
            **dict.fromkeys(("receivables", "overdue", "sales"), "money"),
            **dict.fromkeys((*DAYS, "dso_year_before"), "days"),
            "cei": "percent",
            "month_end": "date",
        }
        return Table(name, "DSO and its family", frame, self.conventions, formats)

    def family_table(self, name: str = "turnover_family") -> Table:
        """Each measure now, in the same month a year before, and the change."""
        last = self.table.iloc[-1]
        scale = np.array([100 if m in FRACTIONS else 1 for m in MEASURES])
        now = np.array([last[m] for m in MEASURES], dtype=float) * scale
        before = np.array([last[f"{m}_year_before"] for m in MEASURES], dtype=float) * scale
        bound = last["countback_is_lower_bound"] or last["countback_is_lower_bound_year_before"]
        names = [
            text.replace("(days)", "(days, at least)") if bound and m == "dso_countback" else text
            for m, text in MEASURES.items()
        ]
        frame = pd.DataFrame({"measure": names, "now": now, "same_month_last_year": before})
        frame["change"] = now - before
        formats: dict[str, Format] = dict.fromkeys(("now", "same_month_last_year", "change"), "days")
        note = (
            f"As of {self.as_of:%Y-%m-%d}. A window is {self.window} months. CEI: what was collected of what "
            "could have been; with total sales, or with sales divided by the months of the window: two "
            "conventions in use, not to be mixed. Receivables turnover: sales of twelve months over the mean "
            "of thirteen month ends." + self._part_note + self._bound_note
        )
        return Table(name, "The DSO family, now and in the same month last year", frame, note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """DSO through time over the best possible DSO; the gap is lateness."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        table = self.table.dropna(subset=["dso"])
        if table.empty:
            ax.set_title("Too few months for a DSO")
            return stamp(ax, self.as_of)
        ax.plot(table["month_end"], table["dso"], color="#D55E00", label="DSO")
        ax.plot(table["month_end"], table["dso_year_before"], color="0.6", ls="--", label="DSO a year before")
        ax.plot(table["month_end"], table["best_possible_dso"], color="#0072B2", label="best possible DSO")
        ax.fill_between(
            table["month_end"], table["best_possible_dso"], table["dso"], color="#D55E00", alpha=0.15
        )
        last = table.iloc[-1]
        ax.set_title(f"DSO {last['dso']:.0f} days, of which {last['days_delinquent']:.0f} are lateness")
        ax.set_ylabel("days")
        ax.set_ylim(bottom=0)
        ax.legend(loc="lower left")
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def _with_bound(rows: pd.DataFrame) -> pd.Series:
    """Countback days; as text once one of them is only a lower bound."""
    if not rows["countback_is_lower_bound"].any():
        return rows["dso_countback"]
    words = [
        f"{'at least ' if bound else ''}{days:,.1f}"
        for days, bound in zip(rows["dso_countback"], rows["countback_is_lower_bound"], strict=True)
    ]
    return pd.Series(words, rows.index, dtype=object)


def make_turnover(snapshot: Snapshot, months: int = 36, window: int = 3) -> Turnover:
    """The DSO family at the last month ends, as known on each of them.

    Parameters
    ----------
    snapshot : Snapshot
    months : int
        Rows of the table; the last is the snapshot's own date, the others month ends.
    window : int
        Months of sales a DSO is measured against.

    Returns
    -------
    Turnover

    Raises
    ------
    LedgerError
        If `window` is not at least one month.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["c", "c"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "amount": [100.0, 100.0]})
    >>> ledger = ar.read_ledger({"invoices": invoices}, currency="EUR")
    >>> make_turnover(ledger.as_of("2025-02-28"), months=1, window=1).table["dso"].tolist()
    [56.0]
    """
    if window < 1:
        raise LedgerError(f"window={window}: at least one month of sales")
    reach = months + YEAR + max(YEAR, window)
    panel = make_ageing_panel(snapshot, months=reach, edges=(30, 60, 90)).table.set_index("month_end")
    owed = panel.drop(columns=["credits", "unapplied cash"])
    sold = make_sale_months(snapshot, day_numbers(panel.index.to_series()).to_numpy(dtype=np.int64))
    out = pd.DataFrame({"receivables": owed.sum(axis=1)})
    current = owed["not due"] + owed["no due date"]
    out["overdue"] = out["receivables"] - current
    out["sales"] = _window_sales(sold, 1) / snapshot.scale
    _add_days(out, current, sold, window, snapshot.scale)
    _add_effectiveness(out, current, window)
    mean = out["receivables"].rolling(YEAR + 1).mean()
    year = pd.Series(_window_sales(sold, YEAR) / snapshot.scale, out.index)
    out["receivables_turnover"] = (year / mean).where(mean > 0)
    for measure in (*MEASURES, "countback_is_lower_bound"):
        out[f"{measure}_year_before"] = out[measure].shift(YEAR)
    flags = ["countback_is_lower_bound", "countback_is_lower_bound_year_before"]
    out[flags] = out[flags].eq(True)
    return Turnover(out.tail(months).reset_index(), snapshot.date, snapshot.currency, window)


def _window_sales(sold: SaleMonths, window: int) -> np.ndarray:
    """Sales of the last `window` months at each date, minor units; missing where a month is not there."""
    newest = (sold.lengths > 0).sum(axis=1)
    sums = [
        float(sold.sales[row, last - window : last].sum()) if last >= window else np.nan
        for row, last in enumerate(newest)
    ]
    return np.array(sums)


def _window_days(sold: SaleMonths, window: int) -> np.ndarray:
    newest = (sold.lengths > 0).sum(axis=1)
    return np.array([sold.lengths[row, max(k - window, 0) : k].sum() for row, k in enumerate(newest)], float)


def _add_days(out: pd.DataFrame, current: pd.Series, sold: SaleMonths, window: int, scale: int) -> None:
    """The measures in days."""
    sales, days = _window_sales(sold, window) / scale, _window_days(sold, window)
    out["dso"] = (out["receivables"] / sales * days).where(sales > 0)
    back, bound, weighted = [], [], []
    for row, balance in enumerate((out["receivables"] * scale).round()):
        still_open, sales_then, lengths = sold.newest_first(row)
        found = dso_countback(max(balance, 0.0), sales_then, lengths)
        back.append(found.days)
        bound.append(found.is_lower_bound)
        unsold = (sales_then == 0) & (still_open > 0)
        weighted.append(np.nan if unsold.any() else dso_sales_weighted(still_open, sales_then, lengths))
    out["dso_countback"], out["countback_is_lower_bound"] = back, bound
    out["dso_sales_weighted"] = weighted
    out["best_possible_dso"] = (current / sales * days).where(sales > 0)
    out["days_delinquent"] = out["dso"] - out["best_possible_dso"]


def _add_effectiveness(out: pd.DataFrame, current: pd.Series, window: int) -> None:
    """CEI of the month, and of the window by both conventions."""
    rolled = out["sales"].rolling(window).sum()
    for name, lag, counted in (
        ("cei", 1, out["sales"]),
        ("cei_total", window, rolled),
        ("cei_average", window, rolled / window),
    ):
        could = out["receivables"].shift(lag) + counted - current
        out[name] = ((could + current - out["receivables"]) / could).where(could > 0)
