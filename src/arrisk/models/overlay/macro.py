"""Whether the book's defaults move with an outside series, and what a future value of it would mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.ledger.days import as_date
from arrisk.models.loss_rates.loss_rates import LossRates
from arrisk.models.overlay import macro_page as page
from arrisk.models.overlay.factors import Factor, change_by
from arrisk.models.overlay.macro_series import (
    Frequency,
    MacroSeries,
    check_frequency,
    count_first_defaults,
    join_series,
    read_macro,
)
from arrisk.models.overlay.macro_trial import TRIAL_SHARE, try_out_of_time
from arrisk.models.overlay.scenarios import Scenario, check_scenarios
from arrisk.models.overlay.slope import (
    SlopeFit,
    factor_range,
    fit_slope,
    independent_periods,
    newey_west_lags,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.defaults.definition import DefaultDefinition

__all__ = ["FEWEST_EVENTS", "FEWEST_PERIODS", "MacroLink", "fit_macro_link", "fit_macro_series"]

Floats = NDArray[np.float64]
FEWEST_EVENTS = 20
"""Ten a coefficient (Peduzzi and others, Journal of Clinical Epidemiology 49, 1996): constant and slope."""
FEWEST_PERIODS = 20
LAGS: Mapping[Frequency, tuple[int, ...]] = {"month": tuple(range(7)), "quarter": (0, 1, 2)}
SPREAD = {"one sd lower": -1.0, "mean": 0.0, "one sd higher": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class MacroLink:
    """What the book's own history says about an outside series; make one with `fit_macro_link`.

    Attributes
    ----------
    as_of : Timestamp
    name : str
        Of the series.
    frequency : {"month", "quarter"}
    series : DataFrame
        events, at_risk, lag_<k> by period: what was fitted.
    fits : DataFrame
        One row a lag tried: lag, periods, slope, error, ci_low, ci_high (for this lag alone), p_value,
        p_adjusted (times the number of lags tried), log_likelihood.
    lag : int
        The one of the greatest likelihood; -1 when nothing could be fitted.
    fit : SlopeFit or None
        At that lag; its interval is widened for the number of lags tried.
    tried : mapping of int to SlopeFit
        All of them, each with its own interval.
    independent : float
        Periods that those of the series are worth.
    trial : DataFrame
        Out of time: period, events, without, with (expected from the periods before), gain (log score).
    level : float
    conventions : dict of str to str
    """

    as_of: pd.Timestamp
    name: str
    frequency: Frequency
    series: pd.DataFrame
    fits: pd.DataFrame
    lag: int
    fit: SlopeFit | None
    tried: Mapping[int, SlopeFit]
    independent: float
    trial: pd.DataFrame
    level: float
    conventions: dict[str, str] = field(default_factory=dict)

    @property
    def events(self) -> float:
        """Events in the periods fitted."""
        return float(self.series["events"].sum())

    @property
    def gain(self) -> float:
        """Log score gained out of time against no series, summed; above 0 is better with it."""
        return float(self.trial["gain"].sum())

    @property
    def values(self) -> Floats:
        """The series at the lag chosen, by period."""
        if self.lag < 0:
            return np.zeros(0)
        return self.series[f"lag_{self.lag}"].to_numpy(dtype=float)

    @property
    def doubt(self) -> str:
        """Why the data cannot say; empty when they can."""
        return page.doubt_of(self, FEWEST_EVENTS, FEWEST_PERIODS)

    @property
    def identified(self) -> bool:
        """Whether the series may move the rates."""
        return not self.doubt

    def predict(self, values: float | Sequence[float]) -> pd.DataFrame:
        """Factors on historical rates if the series took these values.

        Returns
        -------
        DataFrame
            value, factor, low, high (against the average rate of the periods fitted), inside (whether such
            a value was ever seen). Where the data cannot say, low and high are what they do not exclude by
            any of the lags tried.
        """
        rows = []
        for value in np.atleast_1d(np.asarray(values, dtype=float)):
            if self.fit is None:
                rows.append((value, math.nan, 0.0, math.inf, False))
                continue
            seen = self.values
            inside = bool(seen.min() <= value <= seen.max())
            rows.append((value, *self._factor(value, self.fit), inside))
        return pd.DataFrame(rows, columns=["value", "factor", "low", "high", "inside"])

    def _factor(self, value: float, fit: SlopeFit) -> tuple[float, float, float]:
        at_risk = self.series["at_risk"]
        factor, low, high = factor_range(value, self.values, at_risk, fit)
        if self.identified:
            return factor, low, high
        ranges = [factor_range(value, self.series[f"lag_{k}"], at_risk, f)[1:] for k, f in self.tried.items()]
        return factor, min([low, *(r[0] for r in ranges)]), max([high, *(r[1] for r in ranges)])

    def sensitivity(self, rates: LossRates | None = None) -> pd.DataFrame:
        """Factors one standard deviation below and above the mean of the series.

        Returns
        -------
        DataFrame
            what, value, factor, low, high; with `rates` also amount, amount_low, amount_high (currency units,
            by the factor and its ends; the interval of the rates themselves comes on top).
        """
        if self.fit is None:
            return self.predict([]).assign(what=pd.Series(dtype=str))
        mean, sd = float(self.values.mean()), float(self.values.std(ddof=1))
        out = self.predict([mean + k * sd for k in SPREAD.values()]).drop(columns="inside")
        out.insert(0, "what", list(SPREAD))
        if rates is not None:
            for name, column in (("amount", "factor"), ("amount_low", "low"), ("amount_high", "high")):
                out[name] = [_amount_at(rates, factor) for factor in out[column]]
        return out

    def rates_at(self, value: float, rates: LossRates) -> pd.DataFrame:
        """Loss rates if the series took a value: segment, bucket, historical, rate, low, high.

        The range is that of the link; the interval of the historical rates comes on top.
        """
        row = self.predict(value).iloc[0]
        out = rates.table[["segment", "bucket", "rate"]].rename(columns={"rate": "historical"})
        for name, column in (("rate", "factor"), ("low", "low"), ("high", "high")):
            out[name] = _rates_at(rates, float(row[column])).reshape(-1)
        return out

    def overlay(self, value: float) -> Factor:
        """The factor on all rates if the series took a value.

        Raises
        ------
        ModelError
            If the data cannot say, or no such value was ever seen.
        """
        if self.doubt:
            raise ModelError(f"no overlay from {self.name}: the data cannot say ({self.doubt})")
        row = self.predict(value).iloc[0]
        if not row["inside"]:
            raise ModelError(
                f"no overlay for {self.name} at {value:g}: the book has seen {self.values.min():g} to "
                f"{self.values.max():g}"
            )
        return Factor(float(row["factor"]))

    def scenarios(self, stated: Mapping[str, tuple[float, float]]) -> tuple[Scenario, ...]:
        """Scenarios from stated future values: name to (probability, value); errors as in `overlay`."""
        return check_scenarios(
            [Scenario(name, chance, (self.overlay(value),)) for name, (chance, value) in stated.items()]
        )

    def finding(self) -> str:
        """What one standard deviation means, or that the data cannot say, in one sentence."""
        return page.describe_link(self)

    def to_table(self, name: str = "macro_link") -> Table:
        """Every lag tried, with its fit."""
        return page.show_fits(self, name)

    def sensitivity_table(self, rates: LossRates | None = None, name: str = "macro_sensitivity") -> Table:
        """`sensitivity` with its words."""
        return page.show_sensitivity(self, rates, name)

    def trial_table(self, name: str = "macro_trial") -> Table:
        """Out of time: what was expected with and without the series."""
        return page.show_trial(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Default rate by period against the series, with the fit and its range."""
        return page.plot_link(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def fit_macro_link(
    snapshot: Snapshot,
    macro: str | MacroSeries = "pmi",
    frequency: Frequency = "month",
    lags: Sequence[int] | None = None,
    definition: DefaultDefinition | None = None,
    level: float = 0.95,
) -> MacroLink:
    """Relate the first defaults of a book's customers to an outside series.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used, neither defaults nor values.
    macro : str or MacroSeries
        The name of a signal about nobody in particular, or a series of its own.
    frequency : {"month", "quarter"}
        Values are averaged and defaults counted by it.
    lags : sequence of int, optional
        Periods by which the series runs ahead, at least 0; by default 0 to 6 months or 0 to 2 quarters. All
        are fitted on the same periods and listed, and the interval of the best is widened for their number.
    definition : DefaultDefinition, optional
    level : float
        Coverage of the interval.

    Raises
    ------
    ModelError
        If the series is unknown, or an argument is not allowed. Few defaults are no error: the result says
        that the data cannot say.
    """
    source = read_macro(snapshot, macro) if isinstance(macro, str) else macro
    book = count_first_defaults(snapshot, frequency, definition)
    words = f"first default of a customer ({definition})" if definition else "first default of a customer"
    return fit_macro_series(book, source, snapshot.date, frequency, lags, level, words)


def fit_macro_series(
    book: pd.DataFrame,
    macro: MacroSeries,
    as_of: str | pd.Timestamp,
    frequency: Frequency = "month",
    lags: Sequence[int] | None = None,
    level: float = 0.95,
    events: str = "as given",
) -> MacroLink:
    """Relate given counts by period to an outside series.

    Parameters
    ----------
    book : DataFrame
        events (independent ones: customers, not invoices), at_risk; the index is the period (PeriodIndex of
        the frequency). Periods that are not over by `as_of` are left out.
    macro : MacroSeries
    as_of : date
        Values known later do not count.
    frequency, lags, level
        See `fit_macro_link`.
    events : str
        What the events are, in words.

    Raises
    ------
    ModelError
        If an argument is not allowed.

    Notes
    -----
    log(expected events / at risk) = constant + slope x series, see `arrisk.models.overlay.slope`. The loss
    rates are taken to move as the rate of defaults does: what is lost of a default is not related to the
    series.
    """
    tried = _check_lags(lags, frequency)
    day = as_date(as_of)
    over = _over(book, day)
    series = join_series(over, macro.as_of(day).by_period(frequency), tried)
    fits = {lag: _try_fit(series, lag, level) for lag in tried}
    known = {lag: fit for lag, fit in fits.items() if fit is not None}
    lag = max(known, key=lambda k: (known[k].log_likelihood, -k)) if known else -1
    widened = _try_fit(series, lag, 1 - (1 - level) / len(tried)) if known else None
    values = series[f"lag_{lag}"].to_numpy() if known else np.zeros(0)
    worth = independent_periods(values, series["events"] / series["at_risk"]) if known else float(len(series))
    return MacroLink(
        day,
        macro.name,
        frequency,
        series,
        _fits_table(known, len(tried)),
        lag,
        widened,
        known,
        worth,
        try_out_of_time(series, tried),
        level,
        _conventions(frequency, tried, events, len(series), level),
    )


def _over(book: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """The periods that are over by the end of a day."""
    if not isinstance(book.index, pd.PeriodIndex) or not {"events", "at_risk"} <= {*book.columns}:
        raise ModelError("a book's series has events and at_risk by period (PeriodIndex)")
    return book[book.index.end_time.normalize() <= day].sort_index().astype(float)


def _check_lags(lags: Sequence[int] | None, frequency: Frequency) -> tuple[int, ...]:
    check_frequency(frequency)
    tried = tuple(LAGS[frequency] if lags is None else lags)
    if not tried or len(set(tried)) < len(tried) or any(lag < 0 or int(lag) != lag for lag in tried):
        raise ModelError(f"lags are different whole numbers of {frequency}s of at least 0, got {tried}")
    return tried


def _try_fit(series: pd.DataFrame, lag: int, level: float) -> SlopeFit | None:
    """None where there is nothing to fit: no event, too few periods, or a series that never moves."""
    values = series[f"lag_{lag}"]
    if len(series) < 3 or series["events"].sum() <= 0 or values.max() <= values.min():
        return None
    return fit_slope(series["events"], series["at_risk"], values, level)


def _fits_table(fits: Mapping[int, SlopeFit], tried: int) -> pd.DataFrame:
    rows = [
        (
            k,
            f.periods,
            f.slope,
            f.error,
            f.low,
            f.high,
            f.p_value,
            min(f.p_value * tried, 1.0),
            f.log_likelihood,
        )
        for k, f in fits.items()
    ]
    names = ["lag", "periods", "slope", "error", "ci_low", "ci_high", "p_value", "p_adjusted"]
    return pd.DataFrame(rows, columns=[*names, "log_likelihood"])


def _conventions(
    frequency: Frequency, tried: Sequence[int], events: str, periods: int, level: float
) -> dict[str, str]:
    return {
        "events": events,
        "model": "log of events over those at risk, linear in the series (Poisson pseudo-likelihood)",
        "series": f"mean of the values dated in each whole {frequency}, by the last revision known",
        "lags": f"{', '.join(map(str, tried))} {frequency}s ahead; all fitted on the same {periods} periods",
        "errors": f"Newey-West, {newey_west_lags(periods)} lags, or the profile likelihood where wider",
        "least": f"{FEWEST_EVENTS} defaults and {FEWEST_PERIODS} independent {frequency}s, else no overlay",
        "interval": f"{level:.0%}, widened for {len(tried)} lags tried (Bonferroni)",
        "out of time": f"the last {TRIAL_SHARE:.0%} of {frequency}s, each from those before it with the lag "
        "found there, given the true value of the series",
        "loss rates": "taken to move as the rate of defaults does",
    }


def _rates_at(rates: LossRates, factor: float) -> Floats:
    found = rates.replicates.rates
    if math.isnan(factor):
        return np.full_like(found, np.nan)
    if math.isinf(factor):
        return np.where(found > 0, 1.0, found)
    return change_by([Factor(factor)], rates.segments, rates.buckets)(found)


def _amount_at(rates: LossRates, factor: float) -> float:
    balances = rates.counts.balances()
    return round(float(np.where(balances > 0, _rates_at(rates, factor) * balances, 0.0).sum()), 2)
