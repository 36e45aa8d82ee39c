"""Sales of the days ahead: stated, or those of the same weeks a year before times recent growth.

Expected sales become invoices by taking recent ones as patterns (customer, amount, terms and weekday), so
that they pay by the same model as the open book.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.cash.simulation import NO_VOLUME_ERROR, VolumeError
from arrisk.models.timing.day_counts import Floats

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["ExpectedSales", "SalesPlan", "expect_sales"]

WEEK, YEAR = 7, 364
GROWTH_DAYS, POOL_WEEKS, PATTERNS, RECENT_DAYS = 182, 26, 4, 91
LEAST_ERROR, PRIOR_ERROR, PRIOR_WINDOWS = 0.02, 0.10, 2.0
STEP_DAYS, MOST_TRIALS = 28, 13
COPIED = ("customer_id", "amount", "discount_rate", "discount_days", "salesperson", "department")


@dataclass(frozen=True, slots=True)
class SalesPlan:
    """Stated sales.

    Parameters
    ----------
    amounts : mapping of date to amount, Series, or DataFrame
        Currency units of sales in the period that begins on the date (the index); a frame has a column for
        each segment.
    period : {"week", "month"}
        Length of a period.
    error : float
        Relative standard error of the sum, stated by who made the plan.
    by : str, optional
        Column of the customers that the columns of a frame name.
    """

    amounts: Mapping[Any, float] | pd.Series | pd.DataFrame
    period: Literal["week", "month"] = "week"
    error: float = 0.10
    by: str | None = None


@dataclass(frozen=True, slots=True)
class ExpectedSales:
    """Invoices expected, as patterns with how often each is expected; made by `expect_sales`.

    Parameters
    ----------
    items : DataFrame
        As `Snapshot.items` has them where it matters, with `issue_date` ahead, `due_date`, `amount`, and
        `copies`, the expected number of each.
    weekly : DataFrame
        `week`, `expected` (currency units).
    volume : VolumeError
        How wrong the rule has been on past days, or the stated error.
    rule : str
        How the sales were made, in words.
    trials : DataFrame
        Past days on which the rule was tried: date, expected, actual; empty for a plan.
    """

    items: pd.DataFrame
    weekly: pd.DataFrame
    volume: VolumeError
    rule: str
    trials: pd.DataFrame


def expect_sales(
    snapshot: Snapshot, days: int = 91, plan: SalesPlan | None = None, by: str = "segment"
) -> ExpectedSales:
    """Expect the sales of the days ahead.

    Parameters
    ----------
    snapshot : Snapshot
    days : int
        Horizon.
    plan : SalesPlan, optional
        By default seasonal naive: the sales of the same weeks a year (364 days) before, times the sales of
        the last 26 weeks over those of the same weeks a year before. With less than that the mean of the
        last 13 weeks.
    by : str
        Column of the customers by whose values the season is kept.

    Returns
    -------
    ExpectedSales

    Raises
    ------
    ModelError
        If nothing was sold in the last 26 weeks, so that no pattern can be taken, or a plan is not usable.

    Notes
    -----
    The error of the rule comes from the same rule on past days, every 28 days: of the whole horizon with a
    Student-t whose degrees of freedom count windows without overlap (a stated 10% counts as two more), and of
    single weeks beyond what the drawing of invoices makes by itself.
    """
    history = _History.of(snapshot, by)
    pool = history.pool(snapshot.day)
    if not len(pool):
        raise ModelError("nothing was sold in the last 26 weeks: state a plan, or sales=None")
    whole = -(-days // WEEK) * WEEK
    if plan is not None:
        daily, rule = _planned(plan, snapshot, whole, history), "stated plan"
        volume = VolumeError(plan.error, 0.0)
        trials = pd.DataFrame({"date": pd.to_datetime([]), "expected": np.empty(0), "actual": np.empty(0)})
    else:
        daily, rule = history.expect(snapshot.day, whole)
        volume, trials = _rule_error(history, snapshot, days)
    items = _patterns(pool, daily, snapshot, days)
    sold = np.bincount(items["week"], weights=items["copies"] * items["amount"], minlength=whole // WEEK)
    weekly = pd.DataFrame({"week": np.arange(1, len(sold) + 1), "expected": sold})
    return ExpectedSales(items, weekly, volume, rule, trials)


@dataclass(frozen=True, slots=True)
class _History:
    """Sales by segment and day: `amount` has shape (segments, days) from the day number `first`."""

    items: pd.DataFrame
    amount: Floats
    first: int
    names: tuple[str, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, by: str) -> _History:
        every = snapshot.items
        # A foreign credit may leave nothing; credits are no sales.
        items = every.loc[(every["amount"] > 0).to_numpy()].reset_index(drop=True)
        customers = snapshot.customers.set_index("customer_id")
        if by not in customers.columns:
            raise ModelError(f"no column {by!r} of the customers to keep the season by")
        label = items["customer_id"].map(customers[by])
        names, code = np.unique(
            label.where(label.notna(), "not given").to_numpy(dtype=str), return_inverse=True
        )
        issued = items["issue_date"].to_numpy(dtype="datetime64[D]").astype(np.int64)
        items = items.assign(part=code.astype(np.int64), issued=issued)
        first = int(issued.min()) if len(items) else snapshot.day
        length = snapshot.day - first + 1
        flat = np.bincount(
            code * length + issued - first, weights=items["amount"], minlength=len(names) * length
        ).astype(float)
        return cls(items, flat.reshape(len(names), length), first, tuple(map(str, names)))

    def sums(self, first: int, last: int) -> Floats:
        """Amounts by segment from one day number to another, both inclusive."""
        low, high = max(first - self.first, 0), max(last - self.first + 1, 0)
        return np.asarray(self.amount[:, low:high].sum(axis=1), dtype=float)

    def has_year(self, day: int) -> bool:
        """Whether growth over a year can be seen on a day."""
        return day - GROWTH_DAYS - YEAR + 1 >= self.first

    def expect(self, day: int, days: int) -> tuple[Floats, str]:
        """Sales by segment and day ahead (spread over weekdays later), and the rule in words."""
        weeks = -(-days // WEEK)
        level = np.zeros((len(self.names), weeks))
        if self.has_year(day):
            before = self.sums(day - GROWTH_DAYS - YEAR + 1, day - YEAR).sum()
            growth = float(self.sums(day - GROWTH_DAYS + 1, day).sum() / before) if before > 0 else 1.0
            for w in range(weeks):
                start = day - YEAR + w * WEEK + 1
                # Three weeks to one: a single week of a year ago is mostly chance.
                level[:, w] = self.sums(start - WEEK, start + 2 * WEEK - 1) / 3.0 * growth
            rule = f"same weeks a year before, averaged over three, times a growth of {growth - 1:+.1%}"
        else:
            seen = min(RECENT_DAYS, day - self.first + 1)
            level[:] = (self.sums(day - seen + 1, day) / seen * WEEK)[:, None]
            rule = "mean of the last 13 weeks: the history is too short for a season"
        daily = np.repeat(level / WEEK, WEEK, axis=1)[:, :days]
        return daily, rule

    def pool(self, day: int) -> pd.DataFrame:
        """Invoices of the last 26 weeks, with the number of weeks ago."""
        ago = (day - self.items["issued"].to_numpy(dtype=np.int64)) // WEEK
        keep = (ago >= 0) & (ago < POOL_WEEKS)
        found: pd.DataFrame = self.items.loc[keep].assign(ago=ago[keep]).reset_index(drop=True)
        return found


def _patterns(pool: pd.DataFrame, daily: Floats, snapshot: Snapshot, days: int) -> pd.DataFrame:
    """Invoices ahead: in each week the invoices of four of the last 26 weeks, on their weekdays."""
    weeks = daily.shape[1] // WEEK
    parts = []
    for w in range(weeks):
        step = POOL_WEEKS / PATTERNS
        ago = {int(w + k * step) % POOL_WEEKS for k in range(PATTERNS)}
        own = pool[pool["ago"].isin(ago).to_numpy()]
        shift = (w + 1 + own["ago"].to_numpy()) * WEEK
        parts.append(own.assign(ahead=own["issued"].to_numpy() + shift - snapshot.day, week=w))
    items = pd.concat(parts, ignore_index=True)
    wanted = np.stack([daily[:, w * WEEK : (w + 1) * WEEK].sum(axis=1) for w in range(weeks)], axis=1)
    items = _with_copies(items, wanted, weeks)
    items = items[(items["ahead"] <= days).to_numpy()].reset_index(drop=True)
    terms = items["due_date"] - items["issue_date"]
    issue = snapshot.date + pd.to_timedelta(items["ahead"].to_numpy(), unit="D")
    patterns: pd.DataFrame = items.assign(
        invoice_id=[f"expected {k + 1}" for k in range(len(items))],
        instalment=0,
        issue_date=issue,
        due_date=issue + terms.to_numpy(),
        open_amount=items["amount"],
        days_overdue=np.nan,
        disputed=False,
        order_id=None,
        recorded_date=snapshot.date,
    )
    return patterns


def _with_copies(items: pd.DataFrame, wanted: Floats, weeks: int) -> pd.DataFrame:
    """Expected number of each, so that the segments of a week bring what is wanted."""
    size = wanted.shape[0]
    cell = items["part"].to_numpy() * weeks + items["week"].to_numpy()
    have = np.bincount(cell, weights=items["amount"], minlength=size * weeks)
    want = wanted.ravel().copy()
    # What no pattern of its segment can carry is spread over the other segments of the week.
    lone = (have <= 0).reshape(size, weeks)
    rest = np.where(lone, wanted, 0.0).sum(axis=0)
    kept = np.where(lone, 0.0, wanted).sum(axis=0)
    raise_ = np.divide(kept + rest, kept, out=np.ones(weeks), where=kept > 0)
    want = np.where(lone, 0.0, wanted * raise_).ravel()
    factor = np.divide(want, have, out=np.zeros_like(want), where=have > 0)
    return items.assign(copies=factor[cell])


def _rule_error(history: _History, snapshot: Snapshot, days: int) -> tuple[VolumeError, pd.DataFrame]:
    """How wrong the rule was on past days that could use the same rule."""
    whole = history.has_year(snapshot.day)
    rows, misses, chance = [], [], []
    for k in range(MOST_TRIALS):
        day = snapshot.day - days - k * STEP_DAYS
        enough = history.has_year(day) if whole else day - RECENT_DAYS + 1 >= history.first
        if not enough:
            break
        daily, _ = history.expect(day, days)
        start = day + 1 - history.first
        came = history.amount[:, start : start + days].sum(axis=0)
        expected = daily.sum(axis=0)
        if expected.sum() <= 0 or came.sum() <= 0:
            continue
        rows.append((snapshot.date - pd.Timedelta(days=snapshot.day - day), expected.sum(), came.sum()))
        weeks = days // WEEK
        by_week = came[: weeks * WEEK].reshape(weeks, WEEK).sum(axis=1)
        share = expected[: weeks * WEEK].reshape(weeks, WEEK).sum(axis=1) * came.sum() / expected.sum()
        misses.append(by_week / np.maximum(share, 1e-9) - 1.0)
        chance.append(_chance_variance(history, day, days))
    trials = pd.DataFrame(rows, columns=["date", "expected", "actual"])
    return _volume_error(trials, misses, chance, days), trials


def _chance_variance(history: _History, day: int, days: int) -> float:
    """Relative variance of a week's sales that the drawing of invoices makes."""
    own = history.items["issued"]
    amount = history.items.loc[((own > day) & (own <= day + days)).to_numpy(), "amount"].to_numpy(float)
    total = amount.sum()
    return float((amount**2).sum() / total**2 * days / WEEK) if total > 0 else 0.0


def _volume_error(trials: pd.DataFrame, misses: list[Floats], chance: list[float], days: int) -> VolumeError:
    """Level and weekly error; a stated 10% stands in for two windows."""
    if not len(trials):
        return VolumeError(2 * PRIOR_ERROR, 0.0, PRIOR_WINDOWS)
    miss = np.log(trials["actual"].to_numpy(float) / trials["expected"].to_numpy(float))
    windows = 1.0 + (len(trials) - 1) * STEP_DAYS / days
    weekly = float(np.mean(chance))
    own = max(float(np.mean(miss**2)) - weekly * WEEK / days, LEAST_ERROR**2)
    level = (windows * own + PRIOR_WINDOWS * PRIOR_ERROR**2) / (windows + PRIOR_WINDOWS)
    week = max(float(np.mean(np.square(misses))) - weekly, 0.0)
    return VolumeError(float(np.sqrt(level)), float(np.sqrt(week)), windows + PRIOR_WINDOWS)


def _planned(plan: SalesPlan, snapshot: Snapshot, days: int, history: _History) -> Floats:
    """Stated amounts by segment and day ahead, each spread evenly over its period."""
    table = _plan_frame(plan)
    unknown = sorted(set(table.columns) - set(history.names)) if plan.by is not None else []
    if unknown:
        raise ModelError(f"the plan names {unknown}; there are {', '.join(history.names)}")
    step = pd.DateOffset(months=1) if plan.period == "month" else pd.DateOffset(days=WEEK)
    ahead = snapshot.date + pd.to_timedelta(np.arange(1, days + 1), unit="D")
    daily, stated = np.zeros((table.shape[1], days)), np.zeros(days, dtype=bool)
    for start, row in zip(table.index, table.to_numpy(float), strict=True):
        begin = pd.Timestamp(start)
        length = (begin + step - begin).days
        inside = np.asarray((ahead >= begin) & (ahead < begin + step))
        daily += np.outer(row / length, inside)
        stated |= inside
    if not stated.all():
        raise ModelError(f"the plan states sales for {int(stated.sum())} of the {days} days ahead")
    if plan.by is not None:
        out = np.zeros((len(history.names), days))
        out[[history.names.index(c) for c in table.columns]] = daily
        return out
    recent = history.sums(snapshot.day - GROWTH_DAYS + 1, snapshot.day)
    return np.asarray(np.outer(recent / recent.sum(), daily.sum(axis=0)), dtype=float)


def _plan_frame(plan: SalesPlan) -> pd.DataFrame:
    given = plan.amounts
    table = given if isinstance(given, pd.DataFrame) else pd.Series(given, dtype=float).to_frame("all")
    values = table.to_numpy(float)
    if not len(table) or not np.isfinite(values).all() or bool((values < 0).any()):
        raise ModelError("a sales plan needs amounts that are finite and not negative")
    if plan.error < 0:
        raise ModelError(f"error={plan.error!r}; allowed: a relative error of at least 0")
    return table.set_axis(pd.to_datetime(table.index), axis=0)


NO_SALES = ExpectedSales(
    pd.DataFrame(),
    pd.DataFrame({"week": np.empty(0, dtype=np.int64), "expected": np.empty(0)}),
    NO_VOLUME_ERROR,
    "no new sales",
    pd.DataFrame(),
)
"""A forecast of the open book alone."""
