"""The world of the sample ledger: its calendar, its economy, and its customers with what nobody observes of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from arrisk.ledger.sample_truth import Segment, Truth

__all__ = ["NEVER", "Calendar", "Customers", "day_number", "draw_customers", "make_calendar"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NEVER = 2**31 - 1
RUNS = 7  # pay runs: 0 any day, 1..5 weekly Monday..Friday, 6 month end
LEAD_DAYS = 28  # longest time from an order to its invoice
AFTER_DAYS = 430  # days after the end over which payment is followed, then cut off
FIXED_HOLIDAYS = ((1, 1), (5, 1), (12, 25), (12, 26))
REGIONS = ("North", "South", "East", "West", "Export")
REGION_SHARES = (0.28, 0.26, 0.20, 0.18, 0.08)
COUNTRIES = (("DE",), ("DE", "AT"), ("DE", "PL"), ("DE", "NL", "BE"), ("FR", "IT", "SE", "CN"))
SECURITIES = ("parent guarantee", "bank guarantee", "retention of title")


def day_number(date: dt.date) -> int:
    """Days since 1970-01-01.

    Examples
    --------
    >>> day_number(dt.date(1970, 1, 31))
    30
    """
    return (date - dt.date(1970, 1, 1)).days


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days from `first` on: what is done on each.

    Attributes
    ----------
    first, start, end : int
        Day numbers: of the first entry, and of the ledger's first and last day.
    pay : (RUNS, days) array
        Factor on the hazard of payment by pay run, zero on closed days; months' effects are in it.
    sales : (segments, days) array
        Relative sales of a customer.
    last_open : (days,) array
        The day itself when open, else the open day before it, as day numbers.
    next_open : (days,) array
        The day itself when open, else the next open day.
    months : (months,) array
        Day number of the first of each month of the ledger, and of the month after.
    pmi : (months,) array
        The index as published, one decimal.
    default_shock : (months,) array
        Common shock of the month to the log-hazard of insolvency.
    """

    first: int
    start: int
    end: int
    pay: Floats
    sales: Floats
    last_open: Ints
    next_open: Ints
    months: Ints
    pmi: Floats
    default_shock: Floats


def make_calendar(truth: Truth, rng: np.random.Generator) -> Calendar:
    """Draw the economy and lay out the days.

    Parameters
    ----------
    truth : Truth
    rng : Generator

    Returns
    -------
    Calendar
    """
    start, end = day_number(truth.start), day_number(truth.end)
    first = start - 60
    days = np.arange(first, end + AFTER_DAYS, dtype=np.int64)
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]").astype(np.int64)
    months = np.arange(*np.array([truth.start, truth.end], dtype="datetime64[M]").astype(np.int64) + [0, 2])
    pmi = _draw_pmi(len(months) - 1, truth, rng)
    shock = truth.month_shock_sd * rng.standard_normal(len(pmi))
    default_shock = truth.default_shock_sd * rng.standard_normal(len(pmi))
    open_day = _is_open(dates)
    at = np.clip(month - months[0], 0, len(pmi) - 1)
    inside = (days >= start) & (days <= end)
    effect = np.where(inside, truth.pmi_hazard * (pmi[at] - 50.0) + shock[at], 0.0)
    index = np.arange(len(days))
    last_open = days[np.maximum.accumulate(np.where(open_day, index, 0))]
    next_open = days[np.minimum.accumulate(np.where(open_day, index, len(days) - 1)[::-1])[::-1]]
    return Calendar(
        first, start, end,
        pay=_pay_factors(days, month, open_day, truth) * np.exp(effect),
        sales=_sales_factors(days, dates, month, open_day, pmi[at], truth),
        last_open=last_open, next_open=next_open,
        months=months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64),
        pmi=pmi, default_shock=default_shock,
    )  # fmt: skip


def _is_open(dates: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    weekday = (dates.astype(np.int64) + 3) % 7
    closed = weekday >= 5
    month = dates.astype("datetime64[M]")
    of_year = month.astype(np.int64) % 12 + 1
    of_month = (dates - month.astype("datetime64[D]")).astype(np.int64) + 1
    for m, d in FIXED_HOLIDAYS:
        closed |= (of_year == m) & (of_month == d)
    return ~closed


def _draw_pmi(months: int, truth: Truth, rng: np.random.Generator) -> Floats:
    """Fifty, a slump in the middle of the time, and noise that persists."""
    when = np.arange(months) / months
    trend = 50.5 + truth.pmi_slump * np.exp(-(((when - 0.55) / 0.16) ** 2))
    noise, state = np.zeros(months), 0.0
    for m, shock in enumerate(truth.pmi_sd * rng.standard_normal(months)):
        state = truth.pmi_persistence * state + shock
        noise[m] = state
    return np.round(trend + noise, 1)


def _pay_factors(days: Ints, month: Ints, open_day: NDArray[np.bool_], truth: Truth) -> Floats:
    weekday = (days + 3) % 7
    left = np.cumsum(open_day[::-1])[::-1]  # open days from here on, to find the last ones of each month
    after = np.append(left, 0)[np.searchsorted(month, month, side="right")]
    to_go = left - after
    last, last_two = open_day & (to_go == 1), open_day & (to_go <= 2)
    factors = np.ones((RUNS, len(days)))
    for run in range(1, 6):
        factors[run] = np.where(weekday == run - 1, truth.run_weight, truth.off_run_weight)
    factors[6] = np.where(last_two, truth.month_end_weight, truth.off_month_weight)
    return factors * np.where(last, truth.last_day_weight, 1.0) * open_day


def _sales_factors(
    days: Ints,
    dates: NDArray[np.datetime64],
    month: Ints,
    open_day: NDArray[np.bool_],
    pmi: Floats,
    truth: Truth,
) -> Floats:
    years = (days - day_number(truth.start)) / 365.25
    common = np.exp(np.log1p(truth.growth) * years + truth.sales_pmi * (pmi - 50.0)) * open_day
    last_days = dates.astype("datetime64[M]") != (dates + 3).astype("datetime64[M]")
    season = np.array([s.season for s in truth.segments])
    return season[:, month % 12] * common * np.where(last_days, 1.8, 1.0)


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers as arrays of one length; z, habit, frailty and the distress window are never in the ledger.

    Attributes
    ----------
    segment, industry, region, country, security, group : int arrays
        Codes; `country` counts within the region, `security` and `group` are -1 for none.
    since, first, default, write_off : int arrays
        Day numbers: customer since, first day of business in the ledger, insolvency and write-off (NEVER: none).
    terms, habit, run : int arrays
        Payment term and own delay in days, pay run (see `RUNS`).
    distress_from, distress_to : int arrays
        Day numbers of the spell of slow payment, half open.
    recovery, second : float arrays
        Share recovered after write-off, and how it is split over two payments.
    recovered : int array
        Days from the write-off to the first recovery.
    risk, size, weight, frailty : float arrays
        Latent risk z, log-size, weight of the number of invoices, log-hazard of payment of all its invoices.
    friend, surges : bool arrays
        The salespeople offer it a discount; it orders more in the months before its insolvency.
    """

    segment: Ints
    industry: Ints
    region: Ints
    country: Ints
    security: Ints
    group: Ints
    since: Ints
    first: Ints
    default: Ints
    write_off: Ints
    terms: Ints
    habit: Ints
    run: Ints
    distress_from: Ints
    distress_to: Ints
    recovered: Ints
    recovery: Floats
    second: Floats
    risk: Floats
    size: Floats
    weight: Floats
    frailty: Floats
    friend: NDArray[np.bool_]
    surges: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.segment)

    def take(self, rows: slice) -> Customers:
        """A part of the customers."""
        return Customers(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def draw_customers(count: int, truth: Truth, calendar: Calendar, rng: np.random.Generator) -> Customers:
    """Draw customers and their fate.

    Parameters
    ----------
    count : int
        Number of customers.
    truth : Truth
    calendar : Calendar
    rng : Generator

    Returns
    -------
    Customers
    """
    segment = _pick(rng, count, [s.share for s in truth.segments])
    risk, size = rng.standard_normal(count), rng.standard_normal(count)
    names = [i.name for i in truth.industries]
    industry, terms = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for code, one in enumerate(truth.segments):
        mine = np.flatnonzero(segment == code)
        kinds = np.array([names.index(name) for name, _ in one.industries])
        industry[mine] = kinds[_pick(rng, len(mine), [p for _, p in one.industries])]
        terms[mine] = _draw_terms(one, size[mine], truth, rng)
    region = _pick(rng, count, REGION_SHARES)
    new = rng.random(count) < truth.new_share
    span = calendar.end - calendar.start
    first = np.where(new, calendar.start + (rng.random(count) * 0.8 * span).astype(np.int64), calendar.start)
    since = np.where(new, first, calendar.start - (rng.gamma(1.6, 1900.0, count)).astype(np.int64) - 30)
    fate = _draw_fate(segment, industry, risk, size, first, truth, calendar, rng)
    secured = rng.random(count) < 0.10 + 0.05 * (risk > 1.0)
    security = np.where(secured, rng.integers(0, len(SECURITIES), count), -1)
    return Customers(
        segment=segment, industry=industry, region=region, terms=terms, risk=risk, size=size,
        country=(rng.random(count) * np.array([len(c) for c in COUNTRIES])[region]).astype(np.int64),
        security=security, group=_draw_groups(count, rng), since=since, first=first,
        habit=_draw_habit(segment, risk, size, truth, rng), run=_draw_run(count, truth, rng),
        weight=rng.gamma(truth.weight_shape, 1.0, count) * np.exp(truth.weight_size * size) + 0.1,
        frailty=_draw_frailty(segment, risk, truth, rng),
        friend=_draw_friends(segment, risk, truth), surges=rng.random(count) < truth.surge_share,
        second=0.3 + 0.4 * rng.random(count),
        recovery=_draw_recovery(security >= 0, truth, rng),
        recovered=_between(rng, truth.recovery_days, count), **fate,
    )  # fmt: skip


def _pick(rng: np.random.Generator, count: int, shares: Any) -> Ints:
    edges = np.cumsum(np.asarray(shares, float))
    return np.searchsorted(edges / edges[-1], rng.random(count), side="right").astype(np.int64)


def _between(rng: np.random.Generator, limits: tuple[int, int], count: int) -> Ints:
    return rng.integers(limits[0], limits[1] + 1, count)


def _draw_terms(segment: Segment, size: Floats, truth: Truth, rng: np.random.Generator) -> Ints:
    """Payment terms with the segment's probabilities, longer for larger customers."""
    noise = np.sqrt(1.0 - truth.terms_size**2) * rng.standard_normal(len(size))
    edges = np.cumsum([p for _, p in segment.terms])
    rank = ndtr(truth.terms_size * size + noise)
    days = np.array([d for d, _ in segment.terms], np.int64)
    return days[np.searchsorted(edges[:-1] / edges[-1], rank, side="right")]


def _draw_habit(segment: Ints, risk: Floats, size: Floats, truth: Truth, rng: np.random.Generator) -> Ints:
    mean = np.array([s.habit_days for s in truth.segments])[segment]
    habit = (
        mean
        + truth.risk_habit * risk
        + truth.size_habit * size
        + truth.habit_sd * rng.standard_normal(len(risk))
    )
    return np.clip(np.rint(habit), -40, 60).astype(np.int64)


def _draw_run(count: int, truth: Truth, rng: np.random.Generator) -> Ints:
    weekly = np.asarray(truth.weekday_weights) / sum(truth.weekday_weights) * truth.weekly_share
    free = 1.0 - truth.weekly_share - truth.month_end_share
    return _pick(rng, count, [free, *weekly, truth.month_end_share])


def _draw_frailty(segment: Ints, risk: Floats, truth: Truth, rng: np.random.Generator) -> Floats:
    slow = np.array([s.log_hazard for s in truth.segments])[segment]
    frailty: Floats = slow + truth.risk_hazard * risk + truth.frailty_sd * rng.standard_normal(len(risk))
    return frailty


def _draw_friends(segment: Ints, risk: Floats, truth: Truth) -> NDArray[np.bool_]:
    makers = segment == [s.name for s in truth.segments].index("Manufacturing")
    if not makers.any():
        return makers
    friends: NDArray[np.bool_] = makers & (risk <= np.quantile(risk[makers], truth.discount_friends))
    return friends


def _draw_recovery(secured: NDArray[np.bool_], truth: Truth, rng: np.random.Generator) -> Floats:
    some = rng.random(len(secured)) >= truth.no_recovery_share
    share = 2.0 * truth.recovery_mean * rng.random(len(secured)) + np.where(secured, 0.25, 0.0)
    return np.where(some, share, 0.0)


def _draw_groups(count: int, rng: np.random.Generator) -> Ints:
    """One customer in ten shares a group with the one or two before it."""
    group = np.where(rng.random(count) < 0.10, np.arange(count) // 3, -1)
    counts = np.bincount(group[group >= 0], minlength=count)
    return np.where((group >= 0) & (counts[np.maximum(group, 0)] > 1), group, -1)


def _draw_fate(
    segment: Ints, industry: Ints, risk: Floats, size: Floats, first: Ints,
    truth: Truth, calendar: Calendar, rng: np.random.Generator,
) -> dict[str, Ints]:  # fmt: skip
    """Insolvency, distress before it, spells of distress that pass, write-off."""
    count, months = len(risk), calendar.months
    base = truth.log_default + truth.risk_default * risk + truth.size_default * size
    base += np.array([s.log_default for s in truth.segments])[segment]
    base += np.array([i.log_default for i in truth.industries])[industry]
    sensitivity = np.array([i.pmi_sensitivity for i in truth.industries])[industry]
    default = np.full(count, NEVER, np.int64)
    for m in range(len(calendar.pmi)):
        push = truth.pmi_default * sensitivity * (50.0 - calendar.pmi[m]) + calendar.default_shock[m]
        hit = rng.random(count) < -np.expm1(-np.exp(base + push))
        day = months[m] + (rng.random(count) * (months[m + 1] - months[m])).astype(np.int64)
        default = np.where(hit & (default == NEVER) & (day > first + 60), day, default)
    length = _between(rng, truth.distress_days, count)
    span = calendar.end - calendar.start
    false_from = calendar.start + (rng.random(count) * span).astype(np.int64)
    false_from = np.where(rng.random(count) < truth.false_distress_share, false_from, NEVER)
    fails = default < NEVER
    distress_from = np.where(fails, default - length, false_from)
    distress_to = np.where(fails, default, np.minimum(false_from + length, NEVER))
    write_off = np.where(fails, default + _between(rng, truth.write_off_days, count), NEVER)
    return {
        "default": default,
        "write_off": write_off,
        "distress_from": distress_from,
        "distress_to": distress_to,
    }
