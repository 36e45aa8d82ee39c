"""The two series a macro link is made of: an outside one as it was known, and the book's own defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.ledger.days import as_date
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.states import default_states

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = [
    "Frequency",
    "MacroSeries",
    "count_first_defaults",
    "join_series",
    "make_macro_series",
    "read_macro",
]

Frequency = Literal["month", "quarter"]
CODES = {"month": "M", "quarter": "Q"}
WHOLE = 0.8
"""Share of the usual number of values that makes a period whole: 4 of 5 weeks, but not 2 of 3 months."""


def check_frequency(frequency: Frequency) -> None:
    """Refuse what is neither months nor quarters."""
    if frequency not in get_args(Frequency):
        raise ModelError(f"frequency is one of {get_args(Frequency)}, not {frequency!r}")


@dataclass(frozen=True, slots=True, eq=False)
class MacroSeries:
    """An outside series with the day on which each value became known.

    Attributes
    ----------
    name : str
    table : DataFrame
        date (what the value is about), value, known (the first day on which it counts); by date. A date may
        stand several times, as it was revised.
    """

    name: str
    table: pd.DataFrame

    def as_of(self, date: str | pd.Timestamp) -> MacroSeries:
        """What was known on a day: of each date the last value known by then."""
        day = as_date(date)
        seen = self.table[(self.table["known"] <= day) & (self.table["date"] <= day)]
        last = seen.sort_values(["date", "known"], kind="stable").drop_duplicates("date", keep="last")
        return MacroSeries(self.name, last.reset_index(drop=True))

    def by_period(self, frequency: Frequency) -> pd.Series:
        """Mean of the values dated in each month or quarter; one that lacks many of them is left out."""
        check_frequency(frequency)
        periods = self.table["date"].dt.to_period(CODES[frequency])
        groups = self.table["value"].groupby(periods)
        sizes = groups.size()
        usual = sizes.mode().max() if len(sizes) else 0
        means: pd.Series = groups.mean()[sizes >= WHOLE * usual]
        return means


def read_macro(snapshot: Snapshot, name: str) -> MacroSeries:
    """A series among the signals of a snapshot: the rows that name no customer, industry or region.

    Parameters
    ----------
    snapshot : Snapshot
    name : str
        Of the signal, for example "pmi". A value counts from the later of its date and its recorded date.

    Returns
    -------
    MacroSeries
        Without values when the ledger holds no series at all.

    Raises
    ------
    ModelError
        If the ledger holds others and not this one.
    """
    signals = snapshot.signals
    signals = signals[signals["value"].notna()]
    general = signals[signals[["customer_id", "industry", "region"]].isna().all(axis=1)]
    mine = general[(general["signal"] == name).to_numpy(dtype=bool)]
    if mine.empty and len(general):
        known = sorted(map(str, general["signal"].unique()))
        raise ModelError(f"no series {name!r} among the signals known at {snapshot.date:%Y-%m-%d}; {known}")
    known_on = mine[["date", "recorded_date"]].max(axis=1)
    table = pd.DataFrame({"date": mine["date"], "value": mine["value"].astype(float), "known": known_on})
    return MacroSeries(name, table.sort_values(["date", "known"], ignore_index=True))


def make_macro_series(values: pd.Series, name: str, publication_lag: int) -> MacroSeries:
    """A series from dated values that are all published so many days after their date.

    Parameters
    ----------
    values : Series
        Numbers by date (DatetimeIndex): the last day of what each is about.
    name : str
    publication_lag : int
        Days from the date to the publication, at least 0. A date alone does not say when a value was known.

    Raises
    ------
    ModelError
        If the index is not of dates or a date stands twice, a value is missing, or the lag is negative.

    Examples
    --------
    >>> gdp = pd.Series([1.0, 0.4], index=pd.to_datetime(["2025-03-31", "2025-06-30"]))
    >>> len(make_macro_series(gdp, "gdp", 45).as_of("2025-08-01").table)
    1
    """
    if not isinstance(values.index, pd.DatetimeIndex) or values.index.has_duplicates or values.empty:
        raise ModelError("a macro series has a value by date (DatetimeIndex), each date once")
    if publication_lag < 0:
        raise ModelError(f"a value is not known before its date: publication_lag is {publication_lag}")
    numbers = values.to_numpy(dtype=float)
    if not np.isfinite(numbers).all():
        raise ModelError("a macro series has no missing values; leave the dates out")
    dates = values.index.normalize()
    table = pd.DataFrame(
        {"date": dates, "value": numbers, "known": dates + pd.Timedelta(days=publication_lag)}
    )
    return MacroSeries(name, table.sort_values("date", ignore_index=True))


def count_first_defaults(
    snapshot: Snapshot, frequency: Frequency = "month", definition: DefaultDefinition | None = None
) -> pd.DataFrame:
    """Customers at risk and their first defaults by whole period, from the history of a ledger.

    Parameters
    ----------
    snapshot : Snapshot
    frequency : {"month", "quarter"}
    definition : DefaultDefinition, optional

    Returns
    -------
    DataFrame
        events, at_risk; the index is the period. At risk is who had an invoice that could have been so late
        within the last year (fallen due `definition.days` to that and a year before the end of the period)
        and had not defaulted before; periods without anybody are left out. Each customer counts once: its
        further defaults are not independent of the first.
    """
    check_frequency(frequency)
    definition = definition or DefaultDefinition()
    items, last = snapshot.items, _last_period(snapshot.date, frequency)
    items = items[items["amount"] > 0]
    clock = items["due_date"].fillna(items["issue_date"]) + pd.Timedelta(days=definition.days)
    first = pd.Period(snapshot.first_date, CODES[frequency])
    periods = pd.period_range(first, last, freq=CODES[frequency])
    code, names = pd.factorize(items["customer_id"], sort=True)
    at_risk = _alive(code, len(names), clock, periods, frequency)
    hit = _first_default(snapshot, definition, names, periods)
    defaulted = hit >= 0
    before = np.arange(len(periods))[None, :] > np.where(defaulted, hit, len(periods))[:, None]
    at_risk &= ~before
    events = np.bincount(hit[defaulted], minlength=len(periods))[: len(periods)]
    at_risk[np.flatnonzero(defaulted), hit[defaulted]] = True
    out = pd.DataFrame({"events": events, "at_risk": at_risk.sum(axis=0)}, index=periods)
    counted: pd.DataFrame = out[out["at_risk"] > 0]
    return counted


def join_series(book: pd.DataFrame, macro: pd.Series, lags: Sequence[int]) -> pd.DataFrame:
    """Periods with events, exposure and the series by each lag; periods that lack a lag are left out.

    Returns
    -------
    DataFrame
        events, at_risk, lag_<k> for every lag; so that all lags are compared on the same periods.
    """
    out = book[["events", "at_risk"]].copy()
    for lag in lags:
        out[f"lag_{lag}"] = macro.reindex(out.index - lag).to_numpy(dtype=float)
    joined: pd.DataFrame = out.dropna()
    return joined


def _last_period(date: pd.Timestamp, frequency: Frequency) -> pd.Period:
    """The last month or quarter that is over by the end of a day."""
    return pd.Period(date + pd.Timedelta(days=1), CODES[frequency]) - 1


def _alive(
    code: NDArray[np.intp], customers: int, clock: pd.Series, periods: pd.PeriodIndex, frequency: Frequency
) -> NDArray[np.bool_]:
    """Customers with an invoice whose clock ran out in the period or the year before it."""
    out = np.zeros((customers, len(periods)), dtype=bool)
    if not len(periods):
        return out
    start = clock.dt.to_period(CODES[frequency])
    place = start.dt.year * 12 + start.dt.month - (periods[0].year * 12 + periods[0].month)
    step = {"month": 1, "quarter": 3}[frequency]
    ran_out = np.floor_divide(place.to_numpy(dtype=np.int64), step)
    for later in range(12 // step + 1):
        here = ran_out + later
        inside = (here >= 0) & (here < len(periods))
        out[code[inside], here[inside]] = True
    return out


def _first_default(
    snapshot: Snapshot, definition: DefaultDefinition, names: pd.Index, periods: pd.PeriodIndex
) -> NDArray[np.int64]:
    """Place of the period of each customer's first default; -1 without one in whole periods."""
    states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    first = states[states["in_default"]].groupby("customer_id")["date"].min().reindex(names)
    periods_of = pd.PeriodIndex(first.dt.to_period(periods.freqstr))
    return np.asarray(periods.get_indexer(periods_of), dtype=np.int64)
