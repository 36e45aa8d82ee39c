"""The daily hazard of payment of a book: on the customers' own clocks, with covariates and a calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import LookAheadError, ModelError
from arrisk.models.features.invoice_history import FAR
from arrisk.models.hazard.fit import HazardFit, fit_daily_hazard
from arrisk.models.payment.ahead import daily_rates
from arrisk.models.payment.baseline import AgeRates, BandRates
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.covariates import Covariate, describe_items, find_covariates
from arrisk.models.payment.design import (
    history_stratum,
    item_codes,
    payment_rows,
)
from arrisk.models.payment.followed import (
    AFTER,
    FREE,
    IN_DISPUTE,
    Clock,
    clock_start,
    followed_items,
    split_at_disputes,
)
from arrisk.models.payment.late_at_issue import late_at_issue
from arrisk.models.payment.open_items import predict_open_items
from arrisk.models.payment.parts import (
    LEAST_PAYMENTS,
    calendar_ratios,
    log_ratio,
    lost_rates,
    move_rates,
    paid_rates,
)
from arrisk.models.payment.pay_days import PayDays, find_pay_days
from arrisk.models.timing.rates import DailyRates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["TERMS", "PaymentHazard", "fit_hazard"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TERMS = ("usual", "trend", "overdue", "segment")
PRIOR_SD = 2.0
YEAR_DAYS = 365
HORIZON_DAYS = 180
OPEN_COLUMNS = (
    "invoice_id",
    "instalment",
    "customer_id",
    "issue_date",
    "due_date",
    "amount",
    "open_amount",
    "days_overdue",
    "disputed",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a hazard was asked for; see `fit_hazard`."""

    clock: Clock
    terms: tuple[str, ...]
    calendar: PaymentCalendar
    pay_days: bool
    window_days: int | None
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class PaymentHazard:
    """When items are paid, from day to day; made by `fit_hazard`.

    Parameters
    ----------
    as_of : Timestamp
        Day on which everything used was known.
    pay_days : PayDays or None
        The run of each customer; None when all are taken to pay on any day.
    covariates : tuple of Covariate
    fit : HazardFit
        Log hazard ratios of payment.
    paid : AgeRates
        Rates of payment by age: of each stratum of history, in dispute, after a dispute.
    lost : BandRates
        Rates of credit and write-off: never in dispute, in dispute, after a dispute.
    moves : BandRates
        Rates at which disputes open, and close.
    terms_days : float or None
        Days to the due date assumed where there is none; None in a book without due dates.
    asked : Asked
        What the fit was asked for, for the same on another day.
    """

    as_of: pd.Timestamp
    pay_days: PayDays | None
    covariates: tuple[Covariate, ...]
    fit: HazardFit
    paid: AgeRates
    lost: BandRates
    moves: BandRates
    terms_days: float | None
    asked: Asked

    @property
    def clock(self) -> Clock:
        """Day 0 of an item."""
        return self.asked.clock

    @property
    def calendar(self) -> PaymentCalendar:
        """Open and closed days."""
        return self.asked.calendar

    @property
    def table(self) -> pd.DataFrame:
        """Log hazard ratios: term, estimate, se, ci_low, ci_high, p_value."""
        return self.fit.table

    @property
    def effects(self) -> dict[str, float]:
        """Log hazard ratio of each term."""
        return dict(zip(self.fit.names, self.fit.coefficients.tolist(), strict=True))

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What was used, on which clock, and how the tail is treated."""
        tail = -np.expm1(-self.paid.rates[0, -1])
        return {
            "items": self.fit.n,
            "payments": self.fit.events,
            "customers": self.fit.clusters,
            "clock": CLOCK_WORDS[self.clock],
            "calendar": str(self.calendar),
            "assumed terms": "none: days count from the issue"
            if self.terms_days is None
            else self.terms_days,
            "tail": f"from day {self.paid.tail_from} on a constant {tail:.2%} of open items is paid a day, "
            "before covariates and calendar",
            **self.fit.diagnostics,
        }

    def describe(self, snapshot: Snapshot, items: pd.DataFrame) -> pd.DataFrame:
        """Items with what the rates depend on; they may be issued after the snapshot.

        Parameters
        ----------
        snapshot : Snapshot
            Not earlier than the one the hazard was fitted on.
        items : DataFrame
            customer_id, issue_date, due_date, amount; `state` where known (see below).

        Returns
        -------
        DataFrame
            The items with `day_0` (day number), `stratum`, `run`, `state` (0 never in dispute, 1 in dispute,
            2 after a dispute), `log_ratio` (of the hazard, calendar aside), and `age` at the snapshot.
        """
        if snapshot.date < self.as_of:
            known, asked = f"{self.as_of:%Y-%m-%d}", f"{snapshot.date:%Y-%m-%d}"
            raise LookAheadError(f"a hazard that knows {known} cannot predict the state of {asked}")
        described = describe_items(snapshot, items)
        issue = items["issue_date"].to_numpy().astype("datetime64[D]").astype(np.int64)
        terms = described["terms"].to_numpy(dtype=float)
        start = clock_start(self.clock, issue, issue + terms, described["usual"].to_numpy(), self.terms_days)
        ratio = log_ratio(described, self.covariates, self.effects)
        return items.assign(
            day_0=start,
            age=snapshot.day - start,
            stratum=self._stratum(described["n_settled"].to_numpy()),
            run=_runs(self.pay_days, items["customer_id"]),
            state=items.get("state", FREE),
            log_ratio=ratio,
        )

    def open_items(self, snapshot: Snapshot) -> pd.DataFrame:
        """Open items of positive amount, described."""
        items = snapshot.items
        is_open = ((items["close_kind"] == "open") & (items["amount"] > 0)).to_numpy()
        now = items.loc[is_open, list(OPEN_COLUMNS)].reset_index(drop=True)
        once = snapshot.query("SELECT item FROM items WHERE dispute_opened IS NOT NULL")["item"]
        ever = np.isin(snapshot.item_numbers[is_open], once.to_numpy(dtype=np.int64))
        state = np.where(now["disputed"].to_numpy(dtype=bool), IN_DISPUTE, np.where(ever, AFTER, FREE))
        return self.describe(snapshot, now.drop(columns="disputed").assign(state=state))

    def rates(self, items: pd.DataFrame, date: pd.Timestamp, horizon: int) -> DailyRates:
        """Daily rates of described items on the days after `date`; see `PaymentModel`."""
        return daily_rates(self, items, date, horizon)

    def predict(
        self, snapshot: Snapshot, days: tuple[int, ...] = (7, 30, 60, 90), horizon: int = HORIZON_DAYS
    ) -> pd.DataFrame:
        """Chances of payment and loss of each open item, and its remaining days: `predict_open_items`."""
        return predict_open_items(self, snapshot, days, horizon)

    def predict_late(self, snapshot: Snapshot, late_days: int = 0) -> pd.DataFrame:
        """Probability of being late of invoices issued since the fit: `late_at_issue`."""
        return late_at_issue(self, snapshot, late_days)

    def refit(self, snapshot: Snapshot) -> PaymentHazard:
        """The same model on another day, without the errors of its effects: what a back-test needs."""
        return _fit(snapshot, self.asked, errors=False)

    @property
    def strata(self) -> int:
        """Strata of history."""
        return len(self.paid.rates) - 2

    def to_table(self, name: str = "payment_hazard") -> Table:
        """Hazard ratios with their intervals."""
        return self.fit.to_table(name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the hazard ratios with their intervals."""
        return self.fit.plot(ax)

    def _stratum(self, n_settled: Floats) -> Ints:
        return np.minimum(history_stratum(self.clock, n_settled), self.strata - 1)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


CLOCK_WORDS = {
    "usual": "days since the due date plus the customer's usual days late, known before the issue",
    "due": "days since the due date",
    "issue": "days since issue",
}


def fit_hazard(
    snapshot: Snapshot,
    clock: Clock = "usual",
    terms: Sequence[str] | None = None,
    calendar: PaymentCalendar | None = None,
    pay_days: bool = True,
    holidays: Iterable[str | dt.date | pd.Timestamp] = (),
    window_days: int | None = None,
    level: float = 0.95,
) -> PaymentHazard:
    """Fit the daily hazard of payment on all items known at the snapshot, open ones censored at its date.

    Parameters
    ----------
    snapshot : Snapshot
    clock : {"usual", "due", "issue"}
        Day 0 of an item: its due date plus the usual lateness of its customer, as known on the evening before
        the issue; its due date; its issue. Habits shift payments in time; on the first clock what is left to
        covariates is speed, which a hazard ratio can carry.
    terms : sequence of str, optional
        Covariates, of `BANDS` and the attributes of customers; by default `TERMS`. A
        dispute always counts.
    calendar : PaymentCalendar, optional
        By default closed on weekends and on `holidays`.
    pay_days : bool
        Tell customers with a weekly or month-end run from others (`find_pay_days`).
    holidays : iterable of dates or text
        Of the default calendar.
    window_days : int, optional
        Use only what happened in the last so many days: older items enter at the age they had then.
    level : float
        Of the intervals, which know that items of a customer are alike.

    Returns
    -------
    PaymentHazard

    Raises
    ------
    ModelError
        If an argument is unknown, or fewer than 20 payments were seen.

    Notes
    -----
    Complementary log-log hazard in whole days with a free effect of each age and class of history, on
    item-days (see `fit_cloglog`), covariates in bands, a payment calendar, and a weak normal prior (standard
    deviation 2) that keeps effects of rare levels finite. Items in dispute have a hazard ratio of their own
    while it lasts. Ages with few payments are pooled and the last ones have a constant rate: see
    `pooled_rates`. Credited and written-off items leave at rates by age: see `lost_rates`.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger(ar.make_sample(invoices=1500, seed=1), currency="EUR")
    >>> hazard = fit_hazard(ledger.as_of("2025-06-30"))
    >>> open_items = hazard.open_items(ledger.as_of("2025-06-30"))
    >>> paid = hazard.rates(open_items, ledger.as_of("2025-06-30").date, 30).paths().sum(axis=1)
    >>> bool(((paid > 0) & (paid < 1)).all())
    True
    """
    if clock not in get_args(Clock):
        raise ModelError(f"clock {clock!r}: allowed are {', '.join(map(repr, get_args(Clock)))}")
    calendar = PaymentCalendar(holidays=holidays) if calendar is None else calendar
    names = TERMS if terms is None else tuple(terms)
    return _fit(snapshot, Asked(clock, names, calendar, pay_days, window_days, level), errors=True)


def _fit(snapshot: Snapshot, asked: Asked, errors: bool) -> PaymentHazard:
    items = followed_items(snapshot)
    payments = int((items["cause"] == 1).sum())
    if payments < LEAST_PAYMENTS:
        raise ModelError(
            f"{payments} payments known on {snapshot.date:%Y-%m-%d}; a hazard needs {LEAST_PAYMENTS}"
        )
    described = describe_items(snapshot, items)
    covariates = find_covariates(described, asked.terms)
    due = np.where(items["due"] < FAR, items["due"], np.nan)
    terms_days = None if np.isnan(due).all() else float(np.nanmedian(described["terms"]))
    start = clock_start(
        asked.clock, items["issue"].to_numpy(), due, described["usual"].to_numpy(), terms_days
    )
    found = find_pay_days(snapshot, asked.calendar) if asked.pay_days else None
    run = _runs(found, items["customer_id"])
    since = None if asked.window_days is None else snapshot.day - asked.window_days + 1
    stretches = split_at_disputes(items, since)
    rows = payment_rows(
        stretches,
        start,
        _merged(
            history_stratum(asked.clock, described["n_settled"].to_numpy()), items["cause"].to_numpy() == 1
        ),
        item_codes(described, covariates),
        run,
        pd.factorize(items["customer_id"])[0],
        covariates,
        asked.calendar,
    )
    fit = fit_daily_hazard(
        rows.days,
        rows.design,
        rows.calendar_design,
        customers=rows.customers if errors else None,
        prior_sd=PRIOR_SD,
        level=asked.level,
    )
    assert fit.cloglog is not None
    effects = dict(zip(fit.names, fit.coefficients.tolist(), strict=True))
    year = asked.calendar.codes(snapshot.day - YEAR_DAYS + 1, snapshot.day)
    usual_day = calendar_ratios(asked.calendar, effects)[year].mean(axis=1)[run]
    ratio = np.exp(log_ratio(described, covariates, effects)) * usual_day
    first, last = (v - start[stretches.item] for v in (stretches.first, stretches.last))
    return PaymentHazard(
        as_of=snapshot.date,
        pay_days=found,
        covariates=covariates,
        fit=fit,
        paid=paid_rates(rows, fit.cloglog, ratio),
        lost=lost_rates(first, last, stretches),
        moves=move_rates(first, last, stretches),
        terms_days=terms_days,
        asked=asked,
    )


def _merged(stratum: Ints, paid: NDArray[np.bool_]) -> Ints:
    """Strata with at least `LEAST_PAYMENTS` payments; the others join the one above, or the last but one."""
    size = np.bincount(stratum[paid], minlength=int(stratum.max(initial=0)) + 1)
    place, number = np.zeros(size.size, dtype=np.int64), 0
    held = 0
    for k, n in enumerate(size):
        place[k] = number
        held += int(n)
        if held >= LEAST_PAYMENTS:
            number, held = number + 1, 0
    return np.minimum(place, max(number - 1, 0))[stratum]


def _runs(pay_days: PayDays | None, customer_id: pd.Series) -> Ints:
    if pay_days is None:
        return np.zeros(len(customer_id), dtype=np.int64)
    code, names = pd.factorize(customer_id.to_numpy(dtype=object))
    return np.asarray(pay_days.run_of(names)[code], dtype=np.int64)
