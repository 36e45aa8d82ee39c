"""Pay days: which pay run each customer follows, from the dates of its own payments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.ledger.statements import KINDS, OWED
from arrisk.models.payment.calendar import (
    ANY_DAY,
    CLOSED,
    CLOSED_TERM,
    MONTH_END,
    ROLE_TERMS,
    RUNS,
    PaymentCalendar,
)
from arrisk.models.payment.pay_days_page import pay_days_table, plot_pay_days
from arrisk.models.payment.run_mixture import RunMixture, fit_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["UNKNOWN", "PayDays", "find_pay_days"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
UNKNOWN = "unknown"
FEWEST_PAYMENTS = 5
SURE = 0.8
LEVEL = 0.95
# How many times as often a run pays on its days, where the book does not say; less than the least is no run.
RUN_DAY, MONTH_END_DAY = ROLE_TERMS[1], ROLE_TERMS[3]
USUAL = {RUN_DAY: 15.0, MONTH_END_DAY: 8.0}
LEAST = 3.0
# A payment that deducts a discount was timed by the discount.
PAID_ON = (
    "SELECT customer, event_day FROM (SELECT customer, item, event_day FROM movements "
    f"WHERE kind IN ({KINDS['payment']}, {KINDS['discount']}) GROUP BY customer, item, event_day "
    f"HAVING SUM(CASE WHEN kind = {KINDS['payment']} AND amount < 0 THEN 1 ELSE 0 END) > 0 "
    f"AND SUM(CASE WHEN kind = {KINDS['discount']} THEN 1 ELSE 0 END) = 0) AS paid "
    "GROUP BY customer, event_day"
)
OPEN_FROM_TO = (
    "SELECT customer, issue_day, end_event_day, CAST(COUNT(*) AS BIGINT) AS items "
    f"FROM spells WHERE side = {OWED} GROUP BY customer, issue_day, end_event_day"
)
NAMES = "SELECT customer, customer_id FROM customers ORDER BY customer_id"


@dataclass(frozen=True, slots=True, eq=False)
class PayDays:
    """Which pay run each customer follows; made by `find_pay_days`.

    Parameters
    ----------
    as_of : Timestamp
        Day on which everything used was known.
    calendar : PaymentCalendar
    table : DataFrame
        One row a customer, by customer_id: `run` (code, see `RUNS`; 0 where unknown), `probability` of the
        likeliest run, `payments` (days with a payment), `on_run` (share of them on the run's own days,
        missing for any day), `words` ("Thursdays", "end of month", "any day", "unknown").
    shares : array of float, shape (7,)
        Estimated share of customers on each run.
    effects : DataFrame
        term, estimate, ci_low, ci_high: how many times as often customers pay on such a day, any day of the
        other kinds being 1; of a run against the other days of the same run, without limits where no run
        was found.
    sure : float
        Least probability of a run that counts as known.
    diagnostics : dict
    """

    as_of: pd.Timestamp
    calendar: PaymentCalendar
    table: pd.DataFrame
    shares: Floats
    effects: pd.DataFrame
    sure: float
    diagnostics: dict[str, Any]

    def run_of(self, customer_ids: ArrayLike) -> Ints:
        """Run of each customer (code); any day where it is unknown or the customer new."""
        return np.asarray(self._of("run", customer_ids).fillna(ANY_DAY), dtype=np.int64)

    def words_of(self, customer_ids: ArrayLike) -> list[str]:
        """The run of each customer in words."""
        return self._of("words", customer_ids).fillna(UNKNOWN).tolist()

    def _of(self, column: str, customer_ids: ArrayLike) -> pd.Series:
        known = self.table.set_index("customer_id")[column]
        return known.reindex(pd.Index(np.asarray(customer_ids, dtype=object)))

    def weights(self, first_day: int, last_day: int) -> Floats:
        """How fast each run pays on each day against its own mean day, shape (7, days); 0 when closed."""
        design = self.calendar.design
        effects = self.effects.set_index("term")["estimate"].reindex(design.columns).fillna(1.0)
        weight = np.exp(design.to_numpy(float) @ np.log(effects.to_numpy(float)))
        weight[CLOSED] = 0.0
        days = weight[self.calendar.codes(first_day, last_day)]
        mean = weight[self.calendar.codes(first_day - 365, first_day - 1)].mean(axis=1, keepdims=True)
        return np.asarray(days / mean, dtype=float)

    def to_table(self, name: str = "pay_days") -> Table:
        """How many customers follow each run, and how far they keep to it."""
        return pay_days_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of customers on each run."""
        return plot_pay_days(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


@dataclass(frozen=True, slots=True, eq=False)
class _Book:
    """Customers by kind of open day: days with a payment, item-days, and what a kind is to each run."""

    names: pd.Series
    paid: Floats
    days: Floats
    classes: Ints
    on_closed: int


def find_pay_days(
    snapshot: Snapshot,
    calendar: PaymentCalendar | None = None,
    sure: float = SURE,
    fewest: int = FEWEST_PAYMENTS,
) -> PayDays:
    """Find the pay run of each customer: any day, weekly on one of five days, or the end of the month.

    Parameters
    ----------
    snapshot : Snapshot
        Only payments known at its date are used.
    calendar : PaymentCalendar, optional
        Weekends closed and no holidays by default.
    sure : float
        A run counts as known from this probability on; else the customer is "unknown", treated as any day.
    fewest : int
        With fewer days of payment than this a run is unknown.

    Returns
    -------
    PayDays

    Raises
    ------
    ModelError
        If nothing was paid on an open day yet, or an argument is out of range.

    Notes
    -----
    A mixture over the runs, fitted by an EM algorithm (`fit_runs`): shares of the runs, effects of weekdays
    and of the last open day common to all, and how much more often a weekly or month-end payer pays on its
    days (at least 3 times, or it is no run). Several invoices paid on one day are one payment. The days on
    which a customer could have paid count once for each item open (item-days): a month end on which more is
    open is no sign of a month-end payer. Payments that deduct a discount are left out, as the discount timed
    them.

    On four generated ledgers of 12,000 invoices, of the customers with at least 10 days of payment in three
    years 98 to 100% are put on their true run. After 6, 18 and 36 months together, where the probability is
    0.8 or more it is .985 on average and .990 are right; from 0.5 to 0.8 it is .66 and .69 are right. The
    effects are of days with a payment: on the rate of an item a run day weighs more (about 29 times the other
    days where this finds 17), since many items paid on one day are one payment.

    Examples
    --------
    >>> import arrisk as ar
    >>> snapshot = ar.read_ledger(ar.make_sample(600, seed=1), currency="EUR").as_of("2025-12-31")
    >>> found = find_pay_days(snapshot, PaymentCalendar(holidays=["01-01", "05-01", "12-25", "12-26"]))
    >>> found.words_of(["C0001", "C0002", "C0003", "new"])
    ['any day', 'Thursdays', 'Wednesdays', 'unknown']
    """
    if not 0 <= sure < 1 or fewest < 1:
        raise ModelError(f"sure={sure!r}, fewest={fewest!r}; allowed: 0 <= sure < 1, fewest >= 1")
    calendar = PaymentCalendar() if calendar is None else calendar
    book = _read(snapshot, calendar)
    design = calendar.design
    terms = [t for t in design.columns if t != CLOSED_TERM and t not in (ROLE_TERMS[2], ROLE_TERMS[4])]
    usual = np.array([np.log(USUAL.get(term, 1.0)) for term in terms])
    least = np.array([np.log(LEAST) if term in USUAL else -np.inf for term in terms])
    fit = fit_runs(book.paid, book.days, design[terms].to_numpy(float)[book.classes], usual, least)
    own_days = design.columns.isin([RUN_DAY, MONTH_END_DAY])
    own = design.loc[:, own_days].sum(axis=1).to_numpy(float)[book.classes]
    return PayDays(
        as_of=snapshot.date,
        calendar=calendar,
        table=_table(book, fit, own, sure, fewest),
        shares=fit.shares,
        effects=_effects(terms, fit),
        sure=sure,
        diagnostics=_diagnostics(book, fit, own, fewest),
    )


def _read(snapshot: Snapshot, calendar: PaymentCalendar) -> _Book:
    """Payments and item-days of each customer by kind of day."""
    names = snapshot.query(NAMES).set_index("customer")["customer_id"]
    code = np.full(int(names.index.max()) + 1 if len(names) else 0, -1, dtype=np.int64)
    code[names.index.to_numpy(dtype=np.int64)] = np.arange(len(names))
    paid, spells = snapshot.query(PAID_ON), snapshot.query(OPEN_FROM_TO)
    on = paid["event_day"].to_numpy(dtype=np.int64)
    start = spells["issue_day"].to_numpy(dtype=np.int64)
    end = np.minimum(spells["end_event_day"].fillna(snapshot.day).to_numpy(dtype=np.int64), snapshot.day)
    first = int(min(on.min(initial=snapshot.day), start.min(initial=snapshot.day)))
    classes, kind = np.unique(calendar.codes(first, snapshot.day), axis=1, return_inverse=True)
    kind = kind.ravel()
    who = code[spells["customer"].to_numpy(dtype=np.int64)]
    payer = code[paid["customer"].to_numpy(dtype=np.int64)]
    items = spells["items"].to_numpy(dtype=float)
    size, kinds = len(names), classes.shape[1]
    days = np.empty((size, kinds))
    for k in range(kinds):
        before = np.append(0, np.cumsum(kind == k))
        days[:, k] = np.bincount(who, items * (before[end - first + 1] - before[start - first]), size)
    counted = np.bincount(payer * kinds + kind[on - first], minlength=size * kinds)
    of_kind = counted.reshape(size, kinds).astype(float)
    is_open = classes[0] != CLOSED
    if not of_kind[:, is_open].any():
        raise ModelError(f"nothing was paid on an open day by {snapshot.date:%Y-%m-%d}; {calendar}")
    # A payment before the issue, such as a deposit, was possible too.
    days = np.maximum(days, of_kind)
    on_closed = int(of_kind[:, ~is_open].sum())
    return _Book(names, of_kind[:, is_open], days[:, is_open], classes[:, is_open], on_closed)


def _table(book: _Book, fit: RunMixture, own: Floats, sure: float, fewest: int) -> pd.DataFrame:
    """The likeliest run of each customer, and how far it keeps to it."""
    likely = fit.posterior.argmax(axis=1)
    probability, payments = fit.posterior.max(axis=1), book.paid.sum(axis=1)
    is_known = (probability >= sure) & (payments >= fewest)
    run = np.where(is_known, likely, ANY_DAY)
    on_run = np.divide(
        (book.paid * own[run]).sum(axis=1), payments, out=np.full(len(run), np.nan), where=run != ANY_DAY
    )
    words = np.where(is_known, np.array(RUNS, dtype=object)[run], UNKNOWN)
    return pd.DataFrame(
        {
            "customer_id": book.names.to_numpy(dtype=object),
            "run": run.astype(np.int64),
            "probability": probability,
            "payments": payments.astype(np.int64),
            "on_run": on_run,
            "words": words,
        }
    )


def _effects(terms: list[str], fit: RunMixture) -> pd.DataFrame:
    width = float(ndtri(0.5 + LEVEL / 2)) * fit.errors
    return pd.DataFrame(
        {
            "term": terms,
            "estimate": np.exp(fit.effects),
            "ci_low": np.exp(fit.effects - width),
            "ci_high": np.exp(fit.effects + width),
        }
    )


def _diagnostics(book: _Book, fit: RunMixture, own: Floats, fewest: int) -> dict[str, Any]:
    payments = book.paid.sum(axis=1)
    days = book.days.sum(axis=0)
    return {
        "customers": len(payments),
        "payments": int(payments.sum()),
        "payments_on_closed_days": book.on_closed,
        "too_few_payments": int((payments < fewest).sum()),
        "days_on_run": {RUNS[r]: float(own[r] @ days / days.sum()) for r in range(1, MONTH_END + 1)},
        "rounds": fit.rounds,
    }
