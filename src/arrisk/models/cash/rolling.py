"""Cash forecasts tried on past days: a model and simple rivals on the same books, each with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import LookAheadError, ModelError
from arrisk.models.cash.methods import CURVES, RIVALS, WEEK, CashBook, Method, PastCash, make_book
from arrisk.models.cash.past_windows import PastWindow, add_issued, open_window, shocks_so_far
from arrisk.models.cash.rolling_page import (
    differences_table,
    plot_errors,
    plot_past,
    scores_table,
    verdict_words,
)
from arrisk.models.cash.rolling_scores import EVERY, compare, score_trials
from arrisk.models.cash.rolling_trials import PastDay, make_ahead, make_trials
from arrisk.models.cash.scores import windows_apart
from arrisk.models.cash.settlement import estimate_settlement
from arrisk.models.cash.shock_windows import PERIOD_DAYS
from arrisk.models.cash.shocks import Shocks
from arrisk.models.cash.simulation import simulate_cash
from arrisk.models.timing.payment_timing import Clock, PaymentTiming, fit_timing
from arrisk.models.timing.rates import DailyRates, PaymentModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["MODEL", "CashBacktest", "backtest_cash"]

MODEL = "model"
MIN_HISTORY_DAYS = 182
MOST_DATES, USUAL_DATES = 40, 15
FEWEST_DATES, FEWEST_WINDOWS = 4, 2.0
REFIT_DAYS = 84
"""The model and its shocks are estimated anew every so many days: nobody fits a model for each forecast."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CashBacktest:
    """How a model of payment and its rivals would have forecast cash; made by `backtest_cash`.

    Parameters
    ----------
    as_of : Timestamp
        Day until which outcomes are known.
    currency : str
    weeks, step_weeks : int
        Horizon, and weeks between past days.
    methods : tuple of str
        Rivals, the simplest first, then the model.
    trials : DataFrame
        A row a past day, method and window: `date`, `method`, `first_week`, `last_week` (equal for a single
        week; 1 and `weeks` for the total), `forecast`, `came`, `open_amount`, and quantiles `q05`, `q10`,
        `q50`, `q90`, `q95` (missing until there were two past windows).
    scores : DataFrame
        A row a method and horizon: `dates`, `windows` without overlap; `wape` (absolute errors over cash),
        `bias` (forecast over cash, less one), `pinball_10`, `pinball_50`, `pinball_90` (over cash),
        `coverage_80`, `coverage_90`, `interval_dates` (days with intervals from all methods, on which pinball
        and coverage are counted).
    differences : DataFrame
        A row a horizon and rival: `estimate` (error of the model less that of the rival, over cash),
        `ci_low`, `ci_high`, `verdict`.
    ahead : DataFrame
        What the rivals expect of today's open book over the whole horizon: `method`, `forecast`, `q05` to
        `q95` from their past errors.
    level : float
        Of the intervals of differences.
    shortage : str
        Why nothing can be told; empty when it can.
    """

    as_of: pd.Timestamp
    currency: str
    weeks: int
    step_weeks: int
    methods: tuple[str, ...]
    trials: pd.DataFrame
    scores: pd.DataFrame
    differences: pd.DataFrame
    ahead: pd.DataFrame
    level: float
    shortage: str

    @property
    def n_dates(self) -> int:
        """Past days on which all methods were tried."""
        return int(self.trials["date"].nunique())

    @property
    def windows(self) -> float:
        """Windows of the whole horizon without overlap that the past days cover."""
        return windows_apart(_numbers(self.trials["date"]), WEEK * self.weeks)

    @property
    def identified(self) -> bool:
        """Whether there are four past days and two windows without overlap."""
        return not self.shortage

    @property
    def best(self) -> str:
        """Method to use: the one with the smallest error of single weeks over all weeks.

        The model must be better than every rival, if only by what was seen; a rival that was as good or
        better is to be used, the simplest of equals. Without history enough, the simplest rival that
        needs none: terms only.
        """
        if not self.identified:
            return self.methods[0]
        errors = self.scores[self.scores["horizon"] == EVERY].set_index("method")["wape"]
        low = float(errors.min())
        return next(m for m in self.methods if errors[m] <= low * (1.0 + 1e-9) + 1e-12)

    @property
    def reason(self) -> str:
        """Why `best` is to be used, in a sentence."""
        return verdict_words(self)

    @property
    def table(self) -> pd.DataFrame:
        """Differences of error: horizon, term (the rival), estimate, ci_low, ci_high, verdict."""
        return self.differences.rename(columns={"rival": "term"})

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What was tried, what is recommended, and whether the intervals of that hold."""
        own = self.scores[self.scores["method"] == self.best].set_index("horizon")
        inside = {f"inside_{p}_{h}": float(own.loc[h, f"coverage_{p}"]) for h in own.index for p in (80, 90)}
        return {
            "dates": self.n_dates,
            "windows_without_overlap": self.windows,
            "identified": self.identified,
            "shortage": self.shortage,
            "best": self.best,
            "reason": self.reason,
            "cash": "on the items open on each day; new sales are not in it",
            "interval": "the model by simulation with shocks, the rivals from their own past errors",
            **inside,
        }

    def totals(self, method: str) -> pd.DataFrame:
        """Trials of the whole horizon by one method."""
        own = self.trials[(self.trials["method"] == method) & (self.trials["last_week"] == self.weeks)]
        return own[own["first_week"] == 1].reset_index(drop=True)

    def to_table(self, name: str = "cash_backtest", horizons: Sequence[str] | None = None) -> Table:
        """Errors, bias, pinball loss and coverage of every method, by default at every horizon."""
        return scores_table(self, name, horizons)

    def differences_table(
        self, name: str = "cash_differences", horizons: Sequence[str] | None = None
    ) -> Table:
        """The model against each rival, with verdicts, by default at every horizon."""
        return differences_table(self, name, horizons)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Error by week ahead, a line a method."""
        return plot_errors(self, ax)

    def plot_past(self, ax: Axes | None = None, method: str | None = None) -> Axes:
        """Past intervals of the total beside what came; by default of the best method."""
        return plot_past(self, ax, method or self.best)

    def _repr_html_(self) -> str:
        tables = (self.to_table(), self.differences_table())
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def backtest_cash(
    snapshot: Snapshot,
    model: PaymentModel | None = None,
    weeks: int = 13,
    step_weeks: int | None = None,
    methods: Mapping[str, Method] = RIVALS,
    draws: int = 200,
    level: float = 0.9,
    seed: int = 20251231,
) -> CashBacktest:
    """Forecast the cash of past books by a model and its rivals, and compare with what came.

    Parameters
    ----------
    snapshot : Snapshot
        What came is known up to its day.
    model : PaymentModel, optional
        Its form, fitted anew on past days, 12 weeks apart or more. By default payment curves, which
        then are no rival.
    weeks : int
        Horizon.
    step_weeks : int, optional
        Weeks between past days; at most 40 days are tried, the latest ones. By default 4, or the smallest
        multiple of 4 that leaves no more than 15 days: what lies between is mostly the same open items.
    methods : mapping of name to method
        Rivals, the simplest first; see `arrisk.models.cash.methods`.
    draws : int
        Simulated futures of the model on each day.
    level : float
        Of the intervals of differences.
    seed : int

    Returns
    -------
    CashBacktest

    Raises
    ------
    LookAheadError
        If the model knows more than the snapshot.

    Notes
    -----
    Each past day forecasts with what had been recorded by its evening: receipts booked later are unknown to
    it, however early their date. What came counts by the day of the receipt, on the invoices open in the
    book, without new sales, which are the same for every method. Quantiles of the model come from simulation
    with the shocks that its own forecasts had revealed by that day, in the 28 days after each past day;
    model and shocks are estimated anew on the first past day 12 weeks later or more, and used until then, as
    in practice, the rivals on every day. Quantiles of a rival come from its own errors in windows that were
    over on that day, per unit of the open amount (`past_quantiles`).
    """
    model = model or _default_model(snapshot)
    if model.as_of > snapshot.date:
        raise LookAheadError(f"the model knows {model.as_of:%Y-%m-%d}, later than {snapshot.date:%Y-%m-%d}")
    rivals = {k: m for k, m in methods.items() if not (k == CURVES and isinstance(model, PaymentTiming))}
    names = (*rivals, MODEL)
    curves = model if isinstance(model, PaymentTiming) else _default_model(snapshot)
    past = PastCash.of(snapshot)
    step_weeks = _usual_step(snapshot, weeks) if step_weeks is None else step_weeks
    tried = list(_try_days(snapshot, model, curves, past, weeks, step_weeks, rivals, draws, seed))
    today = _today(snapshot, curves, past, rivals, tuple(d.book for d in tried), weeks)
    trials = make_trials(tried, names, weeks, snapshot.day)
    shortage = _shortage(trials, weeks)
    scores = score_trials(trials, names, weeks)
    differences = compare(trials, names, weeks, level)
    return CashBacktest(
        snapshot.date,
        snapshot.currency,
        weeks,
        step_weeks,
        names,
        trials,
        scores,
        differences,
        make_ahead(tried, today, tuple(rivals), weeks),
        level,
        shortage,
    )


def _default_model(snapshot: Snapshot) -> PaymentTiming:
    clock: Clock = "due" if snapshot.items["due_date"].notna().mean() > 0.5 else "issue"
    return fit_timing(snapshot, clock)


def _try_days(
    snapshot: Snapshot,
    model: PaymentModel,
    curves: PaymentTiming,
    past: PastCash,
    weeks: int,
    step_weeks: int,
    rivals: Mapping[str, Method],
    draws: int,
    seed: int,
) -> Iterator[PastDay]:
    """Forecasts of each past day on which a model can be fitted and something was open."""
    books, windows = list[CashBook](), list[PastWindow]()
    fitted: PaymentModel | None = None
    shocks: Shocks | None = None
    seeds = np.random.SeedSequence(seed).generate_state(MOST_DATES)
    for k, date in enumerate(_past_days(snapshot, weeks, step_weeks)):
        then = snapshot.as_of(date)
        try:
            known = curves.refit(then)
            if fitted is None or (date - fitted.as_of).days >= REFIT_DAYS:
                fitted, shocks = model.refit(then), None
        except ModelError:
            continue
        book = make_book(then, known, past, tuple(books), weeks)
        if not book.held > 0:
            continue
        if windows and then.day - windows[-1].snapshot.day >= PERIOD_DAYS:
            windows[-1] = add_issued(windows[-1], then)
        shocks = shocks_so_far(windows, then) if shocks is None else shocks
        items = fitted.open_items(then)
        rates = fitted.rates(items, date, max(WEEK * weeks, PERIOD_DAYS))
        drawn = _draw(book, items, rates, shocks, draws, int(seeds[k]))
        forecasts = {name: method(book) for name, method in rivals.items()}
        yield PastDay(book, forecasts | {MODEL: drawn.mean(axis=0)}, drawn)
        books.append(book)
        if not windows or then.day - windows[-1].snapshot.day >= PERIOD_DAYS:
            windows.append(open_window(then, fitted, items, rates))


def _today(
    snapshot: Snapshot,
    curves: PaymentTiming,
    past: PastCash,
    rivals: Mapping[str, Method],
    books: tuple[CashBook, ...],
    weeks: int,
) -> PastDay:
    """What the rivals say of the book of the snapshot."""
    book = make_book(snapshot, curves, past, books, weeks)
    return PastDay(book, {name: method(book) for name, method in rivals.items()}, np.empty((0, weeks)))


def _draw(
    book: CashBook, items: pd.DataFrame, rates: DailyRates, shocks: Shocks, draws: int, seed: int
) -> Floats:
    """Simulated cash of the open book by week, (draws, weeks), currency units."""
    then, known = book.snapshot, book.snapshot.items
    is_open = ((known["close_kind"] == "open") & (known["amount"] > 0)).to_numpy()
    if not items["invoice_id"].equals(book.items["invoice_id"]) or len(items) != is_open.sum():
        raise ModelError("the model does not keep the open items of a snapshot in their order")
    table = pd.DataFrame(
        {
            "customer_id": items["customer_id"].to_numpy(),
            "minor": np.rint(book.amounts * then.scale).astype(np.int64),
            "issued": (items["issue_date"] - then.date).dt.days.to_numpy(),
            "offered": known["discount_rate"][is_open].notna().to_numpy().astype(np.int64),
        }
    )
    days = WEEK * book.weeks
    drawn = simulate_cash(table, rates, shocks, days, draws, seed, settlement=estimate_settlement(then))
    return np.asarray(drawn.cash.reshape(draws, book.weeks, WEEK).sum(axis=2) / then.scale, dtype=float)


def _past_days(snapshot: Snapshot, weeks: int, step_weeks: int) -> list[pd.Timestamp]:
    first = snapshot.first_date + pd.Timedelta(days=MIN_HISTORY_DAYS)
    step = pd.Timedelta(days=WEEK * step_weeks)
    days: list[pd.Timestamp] = []
    day = snapshot.date - pd.Timedelta(days=WEEK * weeks)
    while day >= first and len(days) < MOST_DATES:
        days.append(day)
        day -= step
    return days[::-1]


def _usual_step(snapshot: Snapshot, weeks: int) -> int:
    """4 weeks, or the smallest multiple of them that leaves few enough past days."""
    step = PERIOD_DAYS // WEEK
    while len(_past_days(snapshot, weeks, step)) > USUAL_DATES:
        step += PERIOD_DAYS // WEEK
    return step


def _shortage(trials: pd.DataFrame, weeks: int) -> str:
    dates = trials["date"].nunique()
    windows = windows_apart(_numbers(trials["date"]), WEEK * weeks) if dates else 0.0
    if dates >= FEWEST_DATES and windows >= FEWEST_WINDOWS:
        return ""
    return (
        f"the history allows {dates} past days ({windows:.1f} windows of {weeks} weeks without overlap); a "
        f"comparison needs {FEWEST_DATES} and {FEWEST_WINDOWS:.0f}"
    )


def _numbers(dates: pd.Series) -> NDArray[np.int64]:
    return dates.to_numpy(dtype="datetime64[D]").astype(np.int64)
