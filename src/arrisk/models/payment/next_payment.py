"""The next likely day of payment of what is open, and the best day to be in touch before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.ledger.days import dates, day_numbers, month_end, month_index
from arrisk.models.payment.calendar import ANY_DAY, MONTH_END, WEEKDAYS, PaymentCalendar
from arrisk.models.payment.next_payment_page import next_payments_table, plot_next_payments
from arrisk.models.payment.pay_days import PayDays, find_pay_days
from arrisk.models.timing.rates import DailyRates, PaymentModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["NextPayments", "find_next_payments", "pay_days_of", "rates_on_calendar"]

By = Literal["item", "customer"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KEYS: dict[str, list[str]] = {
    "item": ["customer_id", "invoice_id", "instalment"],
    "customer": ["customer_id"],
}
HORIZON, LEAD_DAYS, LEVEL = 91, 2, 0.8
LONGEST_CLOSED = 21  # days in a row on which nothing can be open


@dataclass(frozen=True, slots=True, eq=False)
class NextPayments:
    """When what is open is likely to be paid; made by `find_next_payments`.

    Parameters
    ----------
    as_of : Timestamp
    by : {"item", "customer"}
    table : DataFrame
        One row an open item or a customer, most expected cash first: customer_id, invoice_id and instalment
        (of items), open_amount, due_date (the earliest), `pays` (its pay run in words), `likely_day`,
        `probability` (of payment on just that day), `from_day`, `to_day` (range of days that holds the
        payment at the level; missing when it begins or ends after the horizon), `range_chance` (what the
        range holds: more than the level, as days are whole), `not_paid` (probability that it is not paid
        within the horizon), `expected_cash` within the horizon, `contact_day`, `contact_rule`. Of a customer
        the probabilities are shares of its open amount.
    cash : array of float, shape (days,)
        Expected cash on each day after the date.
    currency : str
    horizon, lead_days : int
    level : float
    """

    as_of: pd.Timestamp
    by: By
    table: pd.DataFrame
    cash: Floats
    currency: str
    horizon: int
    lead_days: int
    level: float

    def to_table(self, name: str = "next_payments", rows: int = 12) -> Table:
        """The rows with most expected cash."""
        return next_payments_table(self, name, rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the expected cash of the next weeks by day."""
        return plot_next_payments(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def find_next_payments(
    snapshot: Snapshot,
    model: PaymentModel,
    pay_days: PayDays | None = None,
    by: By = "item",
    horizon: int = HORIZON,
    lead_days: int = LEAD_DAYS,
    level: float = LEVEL,
) -> NextPayments:
    """Find the most likely day of payment of each open item or customer, and the day to be in touch.

    Parameters
    ----------
    snapshot : Snapshot
        Not earlier than the model.
    model : PaymentModel
        Gives the daily rates. If it knows no calendar (has no attribute `calendar`), its rates are laid on
        the calendar of the pay days: see `rates_on_calendar`.
    pay_days : PayDays, optional
        By default those of the model, or else found at the snapshot.
    by : {"item", "customer"}
    horizon : int
        Days ahead.
    lead_days : int
        Open days between the contact and the likely day.
    level : float
        Probability of the range of days.

    Returns
    -------
    NextPayments

    Raises
    ------
    ModelError
        If an argument is out of range.
    LookAheadError
        If the snapshot is earlier than the model.

    Notes
    -----
    The ledger does not show when a customer's own cash comes in; the days on which it pays are the nearest
    trace of that. So the contact is the last open day that leaves `lead_days` open days before the customer's
    likely run: its own weekday (with an item overdue its next one), or the first day of its month end. A
    month-end payer that let the last month end pass over an item already due, and an any-day payer with an
    item overdue, are contacted on the next open day; so is whoever pays too soon for the lead.

    Examples
    --------
    >>> import arrisk as ar
    >>> from arrisk.models.timing.payment_timing import fit_timing
    >>> snapshot = ar.read_ledger(ar.make_sample(600, seed=1), currency="EUR").as_of("2025-09-30")
    >>> found = find_next_payments(snapshot, fit_timing(snapshot, "due"))
    >>> found.table[["pays", "contact_rule"]].iloc[0].tolist()
    ['any day', '2 open days before its likely day']
    """
    if by not in KEYS or horizon < 1 or lead_days < 0 or not 0 < level < 1:
        raise ModelError(
            f"by={by!r}, horizon={horizon!r}, lead_days={lead_days!r}, level={level!r}; allowed: item or "
            "customer, horizon >= 1, lead_days >= 0, 0 < level < 1"
        )
    pattern = pay_days or pay_days_of(model, snapshot)
    items = model.open_items(snapshot)
    rates = model.rates(items, snapshot.date, horizon)
    if not hasattr(model, "calendar"):
        runs = pattern.run_of(items["customer_id"])
        rates = rates_on_calendar(rates, runs, pattern.weights(snapshot.day + 1, snapshot.day + horizon))
    cash = items["open_amount"].to_numpy(dtype=float)[:, None] * rates.paths()
    table, chances = _grouped(items, cash, by)
    table = _likely(table, chances, pattern, snapshot.day, level)
    table = _contacts(table, pattern, snapshot.day, horizon, lead_days)
    table = table.sort_values(["expected_cash", *KEYS[by]], ascending=[False, *[True] * len(KEYS[by])])
    return NextPayments(
        snapshot.date,
        by,
        table.drop(columns=["run"]).reset_index(drop=True),
        np.asarray(cash.sum(axis=0), dtype=float),
        snapshot.currency,
        horizon,
        lead_days,
        level,
    )


def pay_days_of(model: PaymentModel, snapshot: Snapshot, calendar: PaymentCalendar | None = None) -> PayDays:
    """The pay days that a model knows, or else those found at the snapshot on its calendar.

    Parameters
    ----------
    model : PaymentModel
    snapshot : Snapshot
    calendar : PaymentCalendar, optional
        For a model that knows none.
    """
    known: PayDays | None = getattr(model, "pay_days", None)
    return known or find_pay_days(snapshot, getattr(model, "calendar", calendar))


def rates_on_calendar(rates: DailyRates, runs: Ints, weights: Floats) -> DailyRates:
    """Lay rates that know no calendar on the days of each item's pay run.

    Parameters
    ----------
    rates : DailyRates
    runs : array of int, shape (items,)
        Run of each item.
    weights : array of float, shape (runs, days)
        How fast each run pays on each day, with a mean of one.

    Returns
    -------
    DailyRates
        Rates of payment times the weights; losses stay as they are.

    Examples
    --------
    >>> rates = DailyRates(np.full((1, 2), 0.1), np.zeros((1, 2)), np.array([0, 0]))
    >>> rates_on_calendar(rates, np.array([0, 1]), np.array([[1.0, 1.0], [0.0, 2.0]])).paid.tolist()
    [[0.1, 0.1], [0.0, 0.2]]
    """
    pairs, kind = np.unique(rates.kind * len(weights) + runs, return_inverse=True)
    old, run = np.divmod(pairs, len(weights))
    return DailyRates(rates.paid[old] * weights[run], rates.lost[old], kind.astype(np.int64))


def _grouped(items: pd.DataFrame, cash: Floats, by: By) -> tuple[pd.DataFrame, Floats]:
    """What is open by item or customer, and the chances of its payment on each day, (rows, days)."""
    keys = KEYS[by]
    code, names = pd.factorize(pd.MultiIndex.from_frame(items[keys])) if len(items) else ([], None)
    size = 0 if names is None else len(names)
    code = np.asarray(code, dtype=np.int64)
    amount = np.bincount(code, items["open_amount"].to_numpy(dtype=float), size)
    total = np.zeros((size, cash.shape[1]))
    np.add.at(total, code, cash)
    first = items.assign(row=code).groupby("row", sort=True)
    table = first[keys].first().reset_index(drop=True)
    table["open_amount"] = amount
    table["due_date"] = first["due_date"].min().reset_index(drop=True)
    return table, total / np.where(amount > 0, amount, 1.0)[:, None]


def _likely(
    table: pd.DataFrame, chances: Floats, pay_days: PayDays, today: int, level: float
) -> pd.DataFrame:
    """The likeliest day of each row, its range of days, and what stays unpaid."""
    by_then = np.cumsum(chances, axis=1)
    tail = (1.0 - level) / 2

    first, last = ((by_then < chance).sum(axis=1) for chance in (tail, 1.0 - tail))
    edges = np.column_stack([np.zeros(len(table)), by_then, np.ones(len(table))])
    rows, days = np.arange(len(table)), chances.shape[1]
    best = chances.argmax(axis=1)
    return table.assign(
        pays=pay_days.words_of(table["customer_id"]),
        run=pay_days.run_of(table["customer_id"]),
        likely_day=dates(today + 1 + best),
        probability=chances[rows, best],
        from_day=dates(np.where(first < days, today + 1.0 + first, np.nan)),
        to_day=dates(np.where(last < days, today + 1.0 + last, np.nan)),
        range_chance=edges[rows, last + 1] - edges[rows, first],
        not_paid=1.0 - by_then[:, -1],
        expected_cash=table["open_amount"] * by_then[:, -1],
    )


def _contacts(table: pd.DataFrame, pay_days: PayDays, today: int, horizon: int, lead: int) -> pd.DataFrame:
    """The day to be in touch, and the rule it follows in words."""
    calendar, run = pay_days.calendar, table["run"].to_numpy(dtype=np.int64)
    likely = day_numbers(table["likely_day"]).to_numpy(dtype=np.int64)
    due = day_numbers(table["due_date"]).fillna(today + horizon).to_numpy(dtype=np.int64)
    ahead = _open_days(calendar, today + 1, today + horizon + LONGEST_CLOSED)
    is_weekly = (run != ANY_DAY) & (run != MONTH_END)
    following = np.array([_first_of(ahead, weekday) for weekday in range(5)])[run.clip(1, 5) - 1]
    late = is_weekly & (due < today) & (following > 0)
    target = np.where(late, following, _start_of_run(calendar, run, likely, today, horizon))
    is_missed = np.where(run == MONTH_END, due <= _last_month_end(today), (run == ANY_DAY) & (due < today))
    place = np.searchsorted(ahead, target) - lead
    contact = ahead[np.where(is_missed, 0, np.maximum(place, 0))]
    rules = [
        _rule(int(r), bool(missed), p < 0, (int(day) + 3) % 7 == r - 1, lead)
        for r, missed, p, day in zip(run, is_missed, place, target, strict=True)
    ]
    return table.assign(contact_day=dates(contact), contact_rule=rules)


def _first_of(days: Ints, weekday: int) -> int:
    """The first of the days that is on a weekday; 0 if none is."""
    found = days[(days + 3) % 7 == weekday]
    return int(found[0]) if found.size else 0


def _start_of_run(calendar: PaymentCalendar, run: Ints, likely: Ints, today: int, horizon: int) -> Ints:
    """The likely day itself; for a month-end payer the first day of that month end that is still ahead."""
    days = np.arange(today + 1, today + horizon + 1)
    left = calendar.open_days_left(today + 1, today + horizon)
    is_end = (left <= calendar.month_end_days) & calendar.is_open(today + 1, today + horizon)
    months = month_index(days)
    place = np.searchsorted(months[is_end], months[likely - today - 1])
    start = np.append(days[is_end], 0)[place]
    return np.where((run == MONTH_END) & is_end[likely - today - 1], start, likely)


def _last_month_end(today: int) -> int:
    """The last month end up to today."""
    this = int(month_end(month_index([today]))[0])
    return this if this == today else int(month_end(month_index([today]) - 1)[0])


def _open_days(calendar: PaymentCalendar, first: int, last: int) -> Ints:
    found = np.arange(first, last + 1)[calendar.is_open(first, last)]
    if not found.size:
        raise ModelError(f"no day is open from {dates([first])[0]} to {dates([last])[0]}: {calendar}")
    return found


def _rule(run: int, is_missed: bool, is_near: bool, is_run_day: bool, lead: int) -> str:
    """The rule of contact in words."""
    if is_missed:
        what = "the last month end passed it over" if run == MONTH_END else "overdue"
        return f"next open day: {what}"
    own = "likely day"
    if run == MONTH_END:
        own = "month end"
    elif is_run_day:
        own = f"{WEEKDAYS[run - 1]} run"
    if is_near:
        return f"next open day: its {own} is near"
    return f"{lead} open day{'s' * (lead != 1)} before its {own}"
