"""The daily hazard of payment of a book: on the customers' own clocks, with covariates and a calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html, stamp
from arrisk.errors import LookAheadError, ModelError
from arrisk.models.hazard.fit import HazardFit, fit_daily_hazard
from arrisk.models.payment.ahead import daily_rates
from arrisk.models.payment.baseline import AgeRates, BandRates
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.models.payment.covariates import Covariate, describe_items
from arrisk.models.payment.design import (
    history_stratum,
)
from arrisk.models.payment.fit_items import Asked, fit_items, runs_of
from arrisk.models.payment.followed import (
    AFTER,
    FREE,
    IN_DISPUTE,
    Clock,
    clock_start,
    split_at_disputes,
)
from arrisk.models.payment.late_at_issue import late_at_issue
from arrisk.models.payment.open_items import predict_open_items
from arrisk.models.payment.parts import (
    log_ratio,
    lost_rates,
    move_rates,
    paid_rates,
)
from arrisk.models.payment.pay_days import PayDays
from arrisk.models.payment.speed import CustomerSpeeds
from arrisk.models.timing.payment_timing import OPEN_COLUMNS
from arrisk.models.timing.rates import DailyRates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.hazard.proportionality import Proportionality

__all__ = ["TERMS", "PaymentHazard", "fit_hazard"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TERMS = ("usual", "segment")
PRIOR_SD = 2.0
HORIZON_DAYS = 180


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
    strata : tuple of int
        Stratum of customers by their history: none, 1 to 5 items settled, 6 and more.
    fit : HazardFit
        Log hazard ratios of payment.
    paid : AgeRates
        Rates of payment by age: of each stratum of history, in dispute, after a dispute.
    lost : BandRates
        Rates of credit and write-off: never in dispute, in dispute, after a dispute.
    moves : BandRates
        Rates at which disputes open, and close.
    speeds : CustomerSpeeds or None
        What customers paid in the last 180 days against what was expected of them.
    terms_days : float or None
        Days to the due date assumed where there is none; None in a book without due dates.
    asked : Asked
        What the fit was asked for, for the same on another day.
    """

    as_of: pd.Timestamp
    pay_days: PayDays | None
    covariates: tuple[Covariate, ...]
    strata: tuple[int, ...]
    fit: HazardFit
    paid: AgeRates
    lost: BandRates
    moves: BandRates
    speeds: CustomerSpeeds | None
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
            "variance of speeds": None if self.speeds is None else self.speeds.variance,
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
        if self.speeds is not None:
            ratio = ratio + np.log(self.speeds.of(items["customer_id"]))
        history = history_stratum(self.clock, described["n_settled"].to_numpy())
        return items.assign(
            day_0=start,
            age=snapshot.day - start,
            stratum=np.array(self.strata)[history],
            run=runs_of(self.pay_days, items["customer_id"]),
            state=items.get("state", FREE),
            log_ratio=ratio,
        )

    def open_items(self, snapshot: Snapshot) -> pd.DataFrame:
        """Open items of positive amount, described."""
        items = snapshot.items
        is_open = ((items["close_kind"] == "open") & (items["amount"] > 0)).to_numpy()
        now = items.loc[is_open, [*OPEN_COLUMNS, "disputed"]].reset_index(drop=True)
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

    def proportionality(self) -> Proportionality:
        """Whether hazard ratios stay the same over the ages; see `HazardFit.proportionality`."""
        return self.fit.proportionality()

    def to_table(self, name: str = "payment_hazard") -> Table:
        """Hazard ratios with their intervals."""
        return self.fit.to_table(name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the hazard ratios with their intervals."""
        return stamp(self.fit.plot(ax), self.as_of, f"errors by {self.fit.clusters} customers")

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
    speeds: bool = True,
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
    speeds : bool
        Let rates ahead know which customers paid faster or slower in the last 180 days than all this says.
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
    `pooled_rates`. Credited and written-off items leave at rates by age: see `lost_rates`; customers' own
    speeds are drawn towards 1: see `shrunken_speeds`.

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
    return _fit(snapshot, Asked(clock, names, calendar, pay_days, speeds, window_days, level), errors=True)


def _fit(snapshot: Snapshot, asked: Asked, errors: bool) -> PaymentHazard:
    known = fit_items(snapshot, asked)
    since = None if asked.window_days is None else snapshot.day - asked.window_days + 1
    stretches = split_at_disputes(known.items, since)
    rows = known.rows(stretches, asked.calendar)
    customers = rows.customers if errors else None
    designs = (rows.design, rows.calendar_design)
    fit = fit_daily_hazard(rows.days, *designs, customers, prior_sd=PRIOR_SD, level=asked.level)
    assert fit.cloglog is not None
    effects = dict(zip(fit.names, fit.coefficients.tolist(), strict=True))
    paid = paid_rates(rows, fit.cloglog, known.ratios(effects) * known.usual_days(effects, asked.calendar))
    first, last = (v - known.start[stretches.item] for v in (stretches.first, stretches.last))
    return PaymentHazard(
        as_of=snapshot.date,
        pay_days=known.pay_days,
        covariates=known.covariates,
        strata=known.strata,
        fit=fit,
        paid=paid,
        lost=lost_rates(first, last, stretches),
        moves=move_rates(first, last, stretches),
        speeds=known.speeds(effects, paid, asked.calendar) if asked.speeds else None,
        terms_days=known.terms_days,
        asked=asked,
    )
