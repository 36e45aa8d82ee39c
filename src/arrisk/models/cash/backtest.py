"""A forecast of cash tried on past days: the books of those days, what came in, how wide the miss was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from arrisk.models.cash.rivals import (
    BUCKETS,
    ageing_bucket,
    ageing_shares,
    by_ageing,
    customer_mean,
    terms_only,
)
from arrisk.models.timing.day_counts import Floats
from arrisk.models.timing.payment_timing import PaymentTiming, refit_hazards

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["CURVES", "METHODS", "WEEK", "Backtest", "ratio_interval", "run_backtest", "score"]

WEEK = 7
CURVES = "payment curves"
METHODS = (CURVES, "ageing percentages", "customer mean", "terms only")
MIN_HISTORY_DAYS = 182
MOST_DATES = 40
EARLIER_BOOKS = 4
SCORES = ["method", "wape_week", "wape_total", "bias", "coverage_week", "coverage_total", "dates"]


def ratio_interval(
    forecast: Any, realised: Any, windows: float, level: float = 0.8
) -> tuple[float, float, float]:
    """Factors that carry a forecast to its lower limit, middle and upper limit.

    Parameters
    ----------
    forecast, realised : array, shape (n,)
        Past forecasts and what came.
    windows : float
        How many of them are independent: windows that overlap count less than one each.
    level : float

    Returns
    -------
    tuple of float
        low, middle, high.

    Notes
    -----
    The square root of realised over forecast is taken as normal (it stays defined at zero) with mean m and
    standard deviation s, and a new one lies in ``m -+ t s sqrt(1 + 1 / windows)`` with Student's t on
    windows - 1 degrees of freedom.

    Examples
    --------
    >>> low, middle, high = ratio_interval([100, 100, 100, 100], [90, 110, 95, 105], 4)
    >>> round(low, 2), round(middle, 2), round(high, 2)
    (0.84, 1.0, 1.17)
    """
    expected, came = np.asarray(forecast, dtype=float), np.asarray(realised, dtype=float)
    usable = expected > 0
    if usable.sum() < 2 or windows <= 1:
        return np.nan, np.nan, np.nan
    root = np.sqrt(np.maximum(came[usable], 0.0) / expected[usable])
    middle, spread = root.mean(), root.std(ddof=1)
    half = special.stdtrit(windows - 1, 0.5 + level / 2) * spread * np.sqrt(1.0 + 1.0 / windows)
    return float(max(middle - half, 0.0) ** 2), float(middle**2), float((middle + half) ** 2)


@dataclass(frozen=True, slots=True)
class Backtest:
    """Forecasts of past days beside what came, and today's forecasts by the same methods.

    Parameters
    ----------
    trials : DataFrame
        `date`, `method`, `week`, `forecast`, `realised`.
    now : mapping of method to array, shape (weeks,)
        Forecasts from today's book.
    amount : float
        Today's book, net of credits and unapplied cash.
    customers : int
        Different customers in the books tried.
    """

    trials: pd.DataFrame
    now: dict[str, Floats]
    amount: float
    customers: int


def run_backtest(snapshot: Snapshot, timing: PaymentTiming, weeks: int, step_weeks: int) -> Backtest:
    """Forecast today's book and those of past days, each with what was known on its day.

    Parameters
    ----------
    snapshot : Snapshot
    timing : PaymentTiming
        Fitted on the snapshot; its form is fitted anew on each past day.
    weeks, step_weeks : int
        Horizon, and weeks between past days.
    """
    names = pd.Index(snapshot.items["invoice_id"].unique())
    now = _Book.of(snapshot, timing, names)
    past = []
    for day in _past_days(snapshot, weeks, step_weeks):
        then = snapshot.as_of(day)
        past.append(_Book.of(then, refit_hazards(timing, then), names))
    came = _Receipts.of(snapshot, names, past[0].day if past else now.day)
    rows = [
        row
        for i, book in enumerate(past)
        if (earlier := _earlier(past[:i], book, names, weeks))
        for row in _trial(book, book.realised(came, weeks), earlier, weeks)
    ]
    trials = pd.DataFrame(rows, columns=["date", "method", "week", "forecast", "realised"])
    forecasts = _forecasts(now, _earlier(past, now, names, weeks), weeks)
    customers = {c for book in past for c in book.items["customer_id"]}
    return Backtest(trials, forecasts, float(now.amount.sum()), len(customers))


def score(trials: pd.DataFrame, weeks: int, level: float) -> pd.DataFrame:
    """Errors, bias and coverage of each method on the same past days, as in `CashForecast.backtest`."""
    rows = []
    for method in METHODS if len(trials) else ():
        own = trials[trials["method"] == method]
        forecast, realised = (
            own.pivot(index="date", columns="week", values=v) for v in ("forecast", "realised")
        )
        rows.append((method, *_scores(forecast, realised, WEEK * weeks, level), len(forecast)))
    return pd.DataFrame(rows, columns=SCORES)


def _scores(forecast: pd.DataFrame, realised: pd.DataFrame, apart: int, level: float) -> tuple[float, ...]:
    days = forecast.index.to_numpy().astype("datetime64[D]").astype(np.int64)
    f, r = forecast.to_numpy(float), realised.to_numpy(float)
    cash = r.sum()
    if cash <= 0:
        return (np.nan,) * 5
    total_f, total_r = f.sum(axis=1), r.sum(axis=1)
    weekly = [_coverage(days, f[:, k], r[:, k], apart, level, overlap=False) for k in range(f.shape[1])]
    known = [c for c in weekly if np.isfinite(c)]
    return (
        float(np.abs(f - r).sum() / cash),
        float(np.abs(total_f - total_r).sum() / cash),
        float(f.sum() / cash - 1.0),
        float(np.mean(known)) if known else np.nan,
        _coverage(days, total_f, total_r, apart, level, overlap=True),
    )


def _coverage(
    days: NDArray[np.int64], forecast: Floats, realised: Floats, apart: int, level: float, overlap: bool
) -> float:
    """Share of days inside an interval made from the days at least `apart` days away."""
    hits = []
    for i, day in enumerate(days):
        others = np.abs(days - day) >= apart
        if not others.any():
            continue
        windows = 1.0 + np.ptp(days[others]) / apart if overlap else float(others.sum())
        low, _, high = ratio_interval(forecast[others], realised[others], windows, level)
        if np.isfinite(low) and forecast[i] > 0:
            hits.append(low * forecast[i] <= realised[i] <= high * forecast[i])
    return float(np.mean(hits)) if hits else float("nan")


@dataclass(frozen=True, slots=True)
class _Receipts:
    """Payments on invoices known on a day, by date: day numbers, places of the invoices, amounts."""

    days: NDArray[np.int64]
    places: NDArray[np.int64]
    amounts: Floats

    @classmethod
    def of(cls, snapshot: Snapshot, names: pd.Index, since: int) -> _Receipts:
        """Those dated after the day `since`; the events of a snapshot are sorted by date."""
        events = snapshot.events
        days = _day_numbers(events["date"])
        start = int(np.searchsorted(days, since, side="right"))
        events, days = events.iloc[start:], days[start:]
        paid = ((events["kind"] == "payment") & events["invoice_id"].notna()).to_numpy()
        places = names.get_indexer(pd.Index(events["invoice_id"].to_numpy()[paid]))
        return cls(days[paid], places, events["amount"].to_numpy(float)[paid])


@dataclass(frozen=True, slots=True)
class _Book:
    """An open book on a day and the curves known then; `bucket` by place of the invoice, -1 when not open."""

    snapshot: Snapshot
    timing: PaymentTiming
    items: pd.DataFrame
    amount: Floats
    bucket: NDArray[np.int8]
    day: int

    @classmethod
    def of(cls, snapshot: Snapshot, timing: PaymentTiming, names: pd.Index) -> _Book:
        items = timing.open_items(snapshot)
        items["days_overdue"] = items["days_overdue"].fillna(
            (snapshot.date - items["issue_date"]).dt.days - timing.terms
        )
        items["amount"] = items["open_amount"] * _net_share(snapshot, items)
        bucket = np.full(len(names), -1, dtype=np.int8)
        # Written backwards, so that an invoice in instalments keeps the bucket of its first.
        places = names.get_indexer(pd.Index(items["invoice_id"]))[::-1]
        bucket[places] = ageing_bucket(items["days_overdue"])[::-1]
        return cls(snapshot, timing, items, items["amount"].to_numpy(float), bucket, snapshot.day)

    def realised(self, came: _Receipts, weeks: int) -> Floats:
        """Cash on the invoices of the book in the weeks after it, by bucket and week."""
        window = slice(*np.searchsorted(came.days, [self.day, self.day + WEEK * weeks], side="right"))
        bucket = self.bucket[came.places[window]].astype(np.int64)
        mine = (bucket >= 0) & (came.places[window] >= 0)
        cell = bucket[mine] * weeks + (came.days[window][mine] - self.day - 1) // WEEK
        cash = np.bincount(cell, weights=came.amounts[window][mine], minlength=BUCKETS * weeks)
        return cash.astype(np.float64).reshape(BUCKETS, weeks)

    def by_bucket(self) -> Floats:
        held = np.bincount(ageing_bucket(self.items["days_overdue"]), weights=self.amount, minlength=BUCKETS)
        return held.astype(np.float64)


def _day_numbers(dates: pd.Series) -> NDArray[np.int64]:
    return dates.to_numpy(dtype="datetime64[D]").astype(np.int64)


def _net_share(snapshot: Snapshot, items: pd.DataFrame) -> Floats:
    """Share of each customer's open items left after its credits and unapplied cash."""
    every = snapshot.items
    is_credit = ((every["open_amount"] != 0) & (every["amount"] <= 0)).to_numpy()
    credits, waiting = every[["customer_id", "open_amount"]][is_credit], snapshot.unapplied
    people, place = np.unique(items["customer_id"].to_numpy(dtype=object), return_inverse=True)
    gross = np.bincount(place, weights=items["open_amount"], minlength=len(people))
    less = np.zeros(len(people) + 1)
    known = pd.Index(people)
    # Customers without open items are not found and count in the last place, which is dropped.
    np.add.at(less, known.get_indexer(pd.Index(credits["customer_id"])), -credits["open_amount"])
    np.add.at(less, known.get_indexer(pd.Index(waiting["customer_id"])), waiting["amount"])
    return np.asarray(np.clip((gross - less[:-1]) / gross, 0.0, 1.0)[place], dtype=float)


def _forecasts(book: _Book, earlier: list[tuple[Floats, Floats]], weeks: int) -> dict[str, Floats]:
    items = book.items
    path = book.timing.paths(items, WEEK * weeks)
    curves = (book.amount @ path).reshape(weeks, WEEK).sum(axis=1)
    shares = ageing_shares([b for b, _ in earlier], [c for _, c in earlier]) if earlier else None
    nothing = np.full(weeks, np.nan)
    return {
        CURVES: curves,
        "ageing percentages": nothing
        if shares is None
        else by_ageing(items["days_overdue"], book.amount, shares),
        "customer mean": customer_mean(items, _settled(book.snapshot), weeks),
        "terms only": terms_only(items["days_overdue"], book.amount, weeks),
    }


def _settled(snapshot: Snapshot) -> pd.DataFrame:
    """Customer and days late of every item paid so far."""
    known = snapshot.items
    paid = ((known["close_kind"] == "paid") & known["due_date"].notna() & (known["amount"] > 0)).to_numpy()
    closed, due = (_day_numbers(known[c])[paid] for c in ("closed_date", "due_date"))
    return pd.DataFrame({"customer_id": known["customer_id"].to_numpy()[paid], "days_late": closed - due})


def _trial(
    book: _Book, came: Floats, earlier: list[tuple[Floats, Floats]], weeks: int
) -> list[tuple[pd.Timestamp, str, int, float, float]]:
    total = came.sum(axis=0)
    return [
        (book.snapshot.date, method, k + 1, float(forecast[k]), float(total[k]))
        for method, forecast in _forecasts(book, earlier, weeks).items()
        for k in range(weeks)
    ]


def _earlier(past: list[_Book], book: _Book, names: pd.Index, weeks: int) -> list[tuple[Floats, Floats]]:
    """Books whose weeks were over on the day of `book`, with the cash as it was known on that day."""
    over = [p for p in past if p.day + WEEK * weeks <= book.day][-EARLIER_BOOKS:]
    if not over:
        return []
    came = _Receipts.of(book.snapshot, names, over[0].day)
    return [(p.by_bucket(), p.realised(came, weeks)) for p in over]


def _past_days(snapshot: Snapshot, weeks: int, step_weeks: int) -> list[pd.Timestamp]:
    first = snapshot.first_date + pd.Timedelta(days=MIN_HISTORY_DAYS)
    step = pd.Timedelta(days=WEEK * step_weeks)
    days: list[pd.Timestamp] = []
    day = snapshot.date - pd.Timedelta(days=WEEK * weeks)
    while day >= first and len(days) < MOST_DATES:
        days.append(day)
        day -= step
    return days[::-1]
