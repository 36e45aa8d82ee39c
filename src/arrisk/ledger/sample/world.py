"""The world of the sample ledger: calendar, economy, and customers with what nobody observes of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from arrisk.ledger.sample.truth import Segment, Truth

__all__ = ["NEVER", "Calendar", "Customers", "day_number", "draw_customers", "make_calendar"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Generator = np.random.Generator

NEVER = 2**31 - 1
DAYS_BEFORE, DAYS_AFTER = 60, 580  # days of the calendar outside the ledger's time
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
    pay : (7, days) array
        Factor on the hazard of payment by pay run (0 any day, 1 to 5 weekly on Monday to Friday, 6 month
        end); zero on closed days, and with the effect of the month.
    sold : (segments, days + 1) array
        Sum of a customer's relative sales before each day.
    last_open, next_open : (days,) array
        The day itself when open, else the open day before or after it.
    months : (months + 1,) array
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
    sold: Floats
    last_open: Ints
    next_open: Ints
    months: Ints
    pmi: Floats
    default_shock: Floats

    def open_before(self, day: Ints) -> Ints:
        """The day itself when open, else the open day before it; a day outside counts as the nearest."""
        return self.last_open[np.clip(day - self.first, 0, len(self.last_open) - 1)]

    def open_after(self, day: Ints) -> Ints:
        """The day itself when open, else the next open day; a day outside counts as the nearest."""
        return self.next_open[np.clip(day - self.first, 0, len(self.next_open) - 1)]

    def sold_before(self, segment: Ints, day: Ints) -> Floats:
        """Relative sales of a customer of a segment before a day."""
        return self.sold[segment, day - self.first]


def make_calendar(truth: Truth, rng: Generator) -> Calendar:
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
    days = np.arange(start - DAYS_BEFORE, end + DAYS_AFTER, dtype=np.int64)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    inside = (days >= start) & (days <= end)
    months = np.arange(month[inside][0], month[inside][-1] + 2)
    pmi = _draw_pmi(len(months) - 1, truth, rng)
    shock = truth.month_shock_sd * rng.standard_normal(len(pmi))
    at = np.clip(month - months[0], 0, len(pmi) - 1)
    effect = np.where(inside, truth.pmi_hazard * (pmi[at] - 50.0) + shock[at], 0.0)
    is_open = _is_open(days)
    sales = _sales_factors(days, month, is_open, pmi[at], truth)
    index = np.arange(len(days))
    last = np.maximum.accumulate(np.where(is_open, index, 0))
    following = np.minimum.accumulate(np.where(is_open, index, len(days) - 1)[::-1])[::-1]
    return Calendar(
        first=int(days[0]),
        start=start,
        end=end,
        pay=_pay_factors(days, month, is_open, truth) * np.exp(effect),
        sold=np.concatenate([np.zeros((len(sales), 1)), np.cumsum(sales, axis=1)], axis=1),
        last_open=days[last],
        next_open=days[following],
        months=months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64),
        pmi=pmi,
        default_shock=truth.default_shock_sd * rng.standard_normal(len(pmi)),
    )


def _is_open(days: Ints) -> Flags:
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    of_year = months.astype(np.int64) % 12 + 1
    of_month = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    closed = (days + 3) % 7 >= 5
    for month, day in FIXED_HOLIDAYS:
        closed |= (of_year == month) & (of_month == day)
    return ~closed


def _draw_pmi(months: int, truth: Truth, rng: Generator) -> Floats:
    when = np.arange(months) / months
    trend = 50.5 + truth.pmi_slump * np.exp(-(((when - 0.55) / 0.16) ** 2))
    noise, state = np.zeros(months), 0.0
    for month, shock in enumerate(truth.pmi_sd * rng.standard_normal(months)):
        state = truth.pmi_persistence * state + shock
        noise[month] = state
    return np.round(trend + noise, 1)


def _pay_factors(days: Ints, month: Ints, is_open: Flags, truth: Truth) -> Floats:
    """Factors by pay run and day, without the effect of the month."""
    weekday = (days + 3) % 7
    left = np.append(np.cumsum(is_open[::-1])[::-1], 0)
    to_go = left[:-1] - left[np.searchsorted(month, month, side="right")]  # open days left in the month
    factors = np.ones((7, len(days)))
    for run in range(1, 6):
        factors[run] = np.where(weekday == run - 1, truth.run_weight, truth.off_run_weight)
    factors[6] = np.where(to_go <= 2, truth.month_end_weight, truth.off_month_weight)
    return factors * np.where(to_go == 1, truth.last_day_weight, 1.0) * is_open


def _sales_factors(days: Ints, month: Ints, is_open: Flags, pmi: Floats, truth: Truth) -> Floats:
    """Relative sales by segment and day; more is billed in the last days of a month."""
    growth = np.log1p(truth.growth) * (days - day_number(truth.start)) / 365.25
    ends = month != (days + 3).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    common = np.exp(growth + truth.sales_pmi * (pmi - 50.0)) * is_open * np.where(ends, 1.8, 1.0)
    season = np.array([s.season for s in truth.segments])
    return np.asarray(season[:, month % 12] * common, float)


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers as arrays of one length; what the ledger does not show of them is named so.

    Attributes
    ----------
    segment, industry, region, country, security, group : int arrays
        Codes; `country` counts within the region, `security` and `group` are -1 for none.
    terms : int array
        Payment term in days.
    since, first : int arrays
        Day numbers: customer since, first day of business in the ledger.
    default, distress_from, distress_to : int arrays
        Not shown. Day numbers of the insolvency and of the spell of slow payment (half open); NEVER for none.
    written_off, recovered : int arrays
        Not shown. Days from the insolvency to the write-off, from there to the first recovery.
    recovery, second : float arrays
        Not shown. Share recovered without security, part of it in the first payment.
    habit, run : int arrays
        Not shown. Own delay against the due date in days; pay run, see `Calendar`.
    risk, size, weight, frailty : float arrays
        Not shown. Latent risk z, latent size s, weight of the number of invoices, log-hazard of payment.
    friend, surges : bool arrays
        Not shown. The salespeople offer it a discount; it orders more before its insolvency.
    """

    segment: Ints
    industry: Ints
    region: Ints
    country: Ints
    security: Ints
    group: Ints
    terms: Ints
    since: Ints
    first: Ints
    default: Ints
    distress_from: Ints
    distress_to: Ints
    written_off: Ints
    recovered: Ints
    recovery: Floats
    second: Floats
    habit: Ints
    run: Ints
    risk: Floats
    size: Floats
    weight: Floats
    frailty: Floats
    friend: Flags
    surges: Flags

    def __len__(self) -> int:
        return len(self.segment)

    def take(self, rows: slice) -> Customers:
        """A part of the customers."""
        return Customers(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def draw_customers(count: int, truth: Truth, calendar: Calendar, rng: Generator) -> Customers:
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
    industry, terms = _draw_trade(segment, size, truth, rng)
    first, since = _draw_entry(count, truth, calendar, rng)
    slow, delay = (np.array([getattr(s, n) for s in truth.segments]) for n in ("log_hazard", "habit_days"))
    habit = delay[segment] + truth.risk_habit * risk + truth.size_habit * size
    habit = np.clip(np.rint(habit + truth.habit_sd * rng.standard_normal(count)), -40, 60)
    frailty = slow[segment] + truth.risk_hazard * risk + truth.frailty_sd * rng.standard_normal(count)
    push = truth.log_default + truth.risk_default * risk + truth.size_default * size
    push += np.array([s.log_default for s in truth.segments])[segment]
    push += np.array([i.log_default for i in truth.industries])[industry]
    return Customers(
        segment=segment,
        industry=industry,
        terms=terms,
        risk=risk,
        size=size,
        since=since,
        first=first,
        habit=habit.astype(np.int64),
        run=_draw_run(count, truth, rng),
        weight=rng.gamma(truth.weight_shape, 1.0, count) * np.exp(truth.weight_size * size),
        frailty=frailty,
        friend=_find_friends(segment, risk, truth),
        group=_draw_groups(count, rng),
        **_draw_place(risk, rng),
        **_draw_fate(push, industry, first, truth, calendar, rng),
        **_draw_aftermath(count, truth, rng),
    )


def _pick(rng: Generator, count: int, shares: Any) -> Ints:
    edges = np.cumsum(np.asarray(shares, float))
    return np.searchsorted(edges / edges[-1], rng.random(count), side="right").astype(np.int64)


def _between(rng: Generator, limits: tuple[int, int], count: int) -> Ints:
    return rng.integers(limits[0], limits[1] + 1, count)


def _draw_trade(segment: Ints, size: Floats, truth: Truth, rng: Generator) -> tuple[Ints, Ints]:
    """Industry and payment term of each customer."""
    names = [i.name for i in truth.industries]
    industry, terms = np.zeros(len(segment), np.int64), np.zeros(len(segment), np.int64)
    for code, one in enumerate(truth.segments):
        mine = np.flatnonzero(segment == code)
        kinds = np.array([names.index(name) for name, _ in one.industries])
        industry[mine] = kinds[_pick(rng, len(mine), [p for _, p in one.industries])]
        terms[mine] = _draw_terms(one, size[mine], truth, rng)
    return industry, terms


def _draw_terms(segment: Segment, size: Floats, truth: Truth, rng: Generator) -> Ints:
    """Payment terms with the segment's probabilities, longer for larger customers."""
    noise = np.sqrt(1.0 - truth.terms_size**2) * rng.standard_normal(len(size))
    edges = np.cumsum([p for _, p in segment.terms])
    rank = ndtr(truth.terms_size * size + noise)
    days = np.array([d for d, _ in segment.terms], np.int64)
    return np.asarray(days[np.searchsorted(edges[:-1] / edges[-1], rank, side="right")], np.int64)


def _draw_entry(count: int, truth: Truth, calendar: Calendar, rng: Generator) -> tuple[Ints, Ints]:
    """First day of business in the ledger, and customer since."""
    new = rng.random(count) < truth.new_share
    day = calendar.start + (rng.random(count) * 0.8 * (calendar.end - calendar.start)).astype(np.int64)
    old = calendar.start - 30 - rng.gamma(1.6, 1900.0, count).astype(np.int64)
    return np.where(new, day, calendar.start), np.where(new, day, old)


def _draw_run(count: int, truth: Truth, rng: Generator) -> Ints:
    weekly = np.asarray(truth.weekday_weights) / sum(truth.weekday_weights) * truth.weekly_share
    free = 1.0 - truth.weekly_share - truth.month_end_share
    return _pick(rng, count, [free, *weekly, truth.month_end_share])


def _find_friends(segment: Ints, risk: Floats, truth: Truth) -> Flags:
    """The customers of Manufacturing with the lowest risk."""
    makers = np.isin(segment, [k for k, s in enumerate(truth.segments) if s.name == "Manufacturing"])
    if not makers.any():
        return makers
    return np.asarray(makers & (risk <= np.quantile(risk[makers], truth.discount_friends)), bool)


def _draw_groups(count: int, rng: Generator) -> Ints:
    """One customer in five may share a group with a neighbour in the list."""
    group = np.where(rng.random(count) < 0.20, np.arange(count) // 4, -1)
    members = np.bincount(group[group >= 0], minlength=count)
    return np.where((group >= 0) & (members[np.maximum(group, 0)] > 1), group, -1)


def _draw_place(risk: Floats, rng: Generator) -> dict[str, Any]:
    """Region, country within it, and security (more often from the visibly risky)."""
    region = _pick(rng, len(risk), REGION_SHARES)
    choice = rng.random(len(risk)) * np.array([len(c) for c in COUNTRIES])[region]
    secured = rng.random(len(risk)) < 0.10 + 0.05 * (risk > 1.0)
    security = np.where(secured, rng.integers(0, len(SECURITIES), len(risk)), -1)
    return {"region": region, "country": choice.astype(np.int64), "security": security}


def _draw_fate(
    push: Floats, industry: Ints, first: Ints, truth: Truth, calendar: Calendar, rng: Generator
) -> dict[str, Any]:
    """Insolvency, distress before it, spells of distress that pass."""
    count, months = len(push), calendar.months
    sensitivity = np.array([i.pmi_sensitivity for i in truth.industries])[industry]
    default = np.full(count, NEVER, np.int64)
    for m, pmi in enumerate(calendar.pmi):
        log_hazard = push + truth.pmi_default * sensitivity * (50.0 - pmi) + calendar.default_shock[m]
        hit = rng.random(count) < -np.expm1(-np.exp(log_hazard))
        day = months[m] + (rng.random(count) * (months[m + 1] - months[m])).astype(np.int64)
        default = np.where(hit & (default == NEVER) & (day > first + 60), day, default)
    length = _between(rng, truth.distress_days, count)
    spell = calendar.start + (rng.random(count) * (calendar.end - calendar.start)).astype(np.int64)
    spell = np.where(rng.random(count) < truth.false_distress_share, spell, NEVER)
    fails = default < NEVER
    return {
        "default": default,
        "distress_from": np.where(fails, default - length, spell),
        "distress_to": np.where(fails, default, np.minimum(spell + length, NEVER)),
    }


def _draw_aftermath(count: int, truth: Truth, rng: Generator) -> dict[str, Any]:
    """What follows an insolvency, drawn for all: when it is written off, what comes back."""
    some = rng.random(count) >= truth.no_recovery_share
    return {
        "surges": rng.random(count) < truth.surge_share,
        "written_off": _between(rng, truth.write_off_days, count),
        "recovered": _between(rng, truth.recovery_days, count),
        "recovery": np.where(some, 2.0 * truth.recovery_mean * rng.random(count), 0.0),
        "second": 0.3 + 0.4 * rng.random(count),
    }
