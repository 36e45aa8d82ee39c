"""Weekly cash from the open book, with an interval that comes from how wrong the same forecast has been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.cash.backtest import CURVES, METHODS, WEEK, ratio_interval, run_backtest, score
from arrisk.models.cash.page import backtest_table, plot_fan, plot_past, weeks_table
from arrisk.models.intervals import upper_bound
from arrisk.models.timing.payment_timing import Clock, PaymentTiming, fit_timing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["METHODS", "CashForecast", "weekly_cash"]

FEWEST_DATES = 4
ALL_COLLECTED = 0.995


@dataclass(frozen=True, slots=True)
class CashForecast:
    """Cash expected from the items open today, week by week; made by `weekly_cash`.

    Parameters
    ----------
    as_of : Timestamp
    currency : str
    weeks : int
    open_amount : float
        Open items of positive amount less credits and unapplied cash of the same customers.
    expected : DataFrame
        `method`, `week` (1 is the first), `week_ending`, `expected`; every method, payment curves first.
    trials : DataFrame
        Back-test: `date`, `method`, `week`, `forecast`, `realised`.
    backtest : DataFrame
        Each method on the same past days. `wape_week` and `wape_total`: sum of absolute errors over sum of
        cash, by week and for the whole horizon; `bias`: forecast over cash, less one; `coverage_week` and
        `coverage_total`: share of past days whose cash lay in an interval made from the days without a
        window in common, against the nominal `level`; `dates`.
    customers_tried : int
        Different customers in the books tried.
    level : float
        Level of the intervals; .8 is from P10 to P90.
    """

    as_of: pd.Timestamp
    currency: str
    weeks: int
    open_amount: float
    expected: pd.DataFrame
    trials: pd.DataFrame
    backtest: pd.DataFrame
    customers_tried: int
    level: float

    @property
    def n_dates(self) -> int:
        """Past days on which the forecast was tried."""
        return int(self.trials["date"].nunique())

    @property
    def independent_windows(self) -> float:
        """How many windows of the whole horizon, without overlap, the back-test covers."""
        if not self.n_dates:
            return 0.0
        span = (self.trials["date"].max() - self.trials["date"].min()).days
        return float(1.0 + span / (WEEK * self.weeks))

    @property
    def identified(self) -> bool:
        """Whether there is history enough for an interval: two windows of the horizon without overlap."""
        return self.n_dates >= FEWEST_DATES and self.independent_windows >= 2.0

    @property
    def table(self) -> pd.DataFrame:
        """Weeks of the payment curves: week, week_ending, expected, p10, p50, p90 (see `paths`)."""
        return self.paths(CURVES)

    def paths(self, method: str = CURVES) -> pd.DataFrame:
        """Weeks of one method: `expected` is the plain forecast, p10, p50 and p90 are corrected by its past.

        Weekly limits are for one week at a time and do not add up to those of the total.
        """
        own = self.expected[self.expected["method"] == method].drop(columns="method").reset_index(drop=True)
        trials = self.trials[self.trials["method"] == method]
        spans = [
            ratio_interval(part["forecast"], part["realised"], len(part), self.level)
            for _, part in trials.groupby("week")
        ]
        limits = np.array(spans) if self.identified else np.full((self.weeks, 3), np.nan)
        own[["p10", "p50", "p90"]] = limits * own[["expected"]].to_numpy()
        return own

    def total(self, method: str = CURVES) -> tuple[float, float, float, float]:
        """Sum of all weeks: expected, p10, p50, p90; not more than is open.

        When every book tried was collected in full, the past shows no spread; the lower limit then leaves
        room for the share of non-payers that such a past does not rule out (`unseen_default`).
        """
        expected = float(self.expected.loc[self.expected["method"] == method, "expected"].sum())
        if not self.identified:
            return expected, np.nan, np.nan, np.nan
        sums = self.past_totals(method)
        low, middle, high = ratio_interval(
            sums["forecast"], sums["realised"], self.independent_windows, self.level
        )
        if self.always_collected(method):
            low = min(low, middle * (1.0 - self.unseen_default))
        capped = np.minimum(np.array([low, middle, high]) * expected, self.open_amount)
        return expected, float(capped[0]), float(capped[1]), float(capped[2])

    def always_collected(self, method: str = CURVES) -> bool:
        """Whether all that was forecast came in, in every book tried."""
        sums = self.past_totals(method)
        return bool((sums["realised"] >= ALL_COLLECTED * sums["forecast"]).all())

    @property
    def unseen_default(self) -> float:
        """Share of customers that may still fail to pay although none of those tried did."""
        return upper_bound(0, self.customers_tried, 0.5 + self.level / 2).high

    @property
    def total_ending(self) -> pd.Timestamp:
        """Last day of the last week."""
        return self.as_of + pd.Timedelta(days=WEEK * self.weeks)

    def past_totals(self, method: str = CURVES) -> pd.DataFrame:
        """Forecast and cash of the whole horizon by past day: `forecast`, `realised`."""
        own = self.trials[self.trials["method"] == method]
        return own.groupby("date")[["forecast", "realised"]].sum()

    @property
    def best_rival(self) -> str:
        """The simple method with the smallest weekly error."""
        table = self.backtest
        rivals = table[table["method"] != CURVES].sort_values("wape_week", kind="stable")
        return str(rivals["method"].iloc[0]) if len(rivals) else METHODS[1]

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Back-test in short."""
        own = self.backtest[self.backtest["method"] == CURVES]
        curves = dict(zip(own.columns, own.iloc[0], strict=True)) if len(own) else {}
        return {
            "backtest_dates": self.n_dates,
            "independent_windows": self.independent_windows,
            "wape_week": float(curves.get("wape_week", np.nan)),
            "coverage_week": float(curves.get("coverage_week", np.nan)),
            "coverage_total": float(curves.get("coverage_total", np.nan)),
            "nominal": self.level,
            "best_rival": self.best_rival if len(own) else None,
            "identified": self.identified,
        }

    def to_table(self, name: str = "weekly_cash") -> Table:
        """Weeks and their total with P10, P50 and P90."""
        return weeks_table(self, name)

    def backtest_table(self, name: str = "cash_backtest") -> Table:
        """Each method on the same past days: errors, bias, coverage."""
        return backtest_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Weekly cash with its interval."""
        return plot_fan(self, ax)

    def plot_past(self, ax: Axes | None = None) -> Axes:
        """Past forecasts of the total beside the cash that came."""
        return plot_past(self, ax)

    def _repr_html_(self) -> str:
        tables = (self.to_table(), self.backtest_table())
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def weekly_cash(
    snapshot: Snapshot,
    timing: PaymentTiming | None = None,
    weeks: int = 13,
    step_weeks: int = 4,
    level: float = 0.8,
) -> CashForecast:
    """Expected cash from the open book by week, tried on past days beside simple rivals.

    Parameters
    ----------
    snapshot : Snapshot
    timing : PaymentTiming, optional
        Curves to use today; its clock, groups and weights are used on the past days too, fitted anew on what
        was known then. By default on the clock since the due date, or since issue when due dates are
        missing.
    weeks : int
        Horizon.
    step_weeks : int
        Weeks between past days; at most 40 days are tried, the latest ones.
    level : float
        Level of the intervals.

    Returns
    -------
    CashForecast
        Without intervals (`identified` False) when the history holds fewer than two windows of the horizon.

    Raises
    ------
    ModelError
        If nothing is open, or the curves cannot be fitted.
    LookAheadError
        If the curves know more than the snapshot.

    Notes
    -----
    Only items open today pay; new sales are not in it. Cash counts by the day it was received, on invoices
    open at the time of the forecast. Credits and unapplied cash of a customer reduce what is expected of it.
    """
    timing = timing or _default_timing(snapshot)
    result = run_backtest(snapshot, timing, weeks, step_weeks)
    if not result.amount > 0:
        raise ModelError("nothing is open, so no cash can come from the open book")
    ending = snapshot.date + pd.to_timedelta(WEEK * np.arange(1, weeks + 1), unit="D")
    parts = [
        pd.DataFrame({"method": m, "week": np.arange(1, weeks + 1), "week_ending": ending, "expected": f})
        for m, f in result.now.items()
    ]
    return CashForecast(
        as_of=snapshot.date,
        currency=snapshot.currency,
        weeks=weeks,
        open_amount=result.amount,
        expected=pd.concat(parts, ignore_index=True),
        trials=result.trials,
        backtest=score(result.trials, weeks, level),
        customers_tried=result.customers,
        level=level,
    )


def _default_timing(snapshot: Snapshot) -> PaymentTiming:
    clock: Clock = "due" if snapshot.items["due_date"].notna().mean() > 0.5 else "issue"
    return fit_timing(snapshot, clock)
