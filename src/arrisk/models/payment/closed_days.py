"""Closed days that a book shows: weekdays without payments, and dates that look like holidays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv

from arrisk.display import Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.ledger.statements import KINDS
from arrisk.models.payment.calendar import WEEKDAYS, PaymentCalendar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["ClosedDays", "find_closed_days"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PAYERS = (
    "SELECT event_day, CAST(COUNT(*) AS BIGINT) AS payers FROM (SELECT customer, event_day FROM movements "
    f"WHERE kind = {KINDS['payment']} AND amount < 0 GROUP BY customer, event_day) AS paid GROUP BY event_day"
)
CHANCE = 0.01  # of one wrong holiday among all days
MOST_ON_CLOSED = 0.05  # of the payments of the mean weekday
UPPER = 0.975
LATE_DAYS = 14  # payments of the last days may not be booked yet
WEEKS_AROUND = 4
FEWEST_WEEKS = 8


@dataclass(frozen=True, slots=True, eq=False)
class ClosedDays:
    """A suggestion which days are closed, with its reasons; made by `find_closed_days`.

    Parameters
    ----------
    as_of : Timestamp
    table : DataFrame
        One row a suggestion: `day` (a weekday, a date, or a day of every year), `kind`, `payments` (counting
        each customer once a day), `expected`, `reason`.
    calendar : PaymentCalendar
        With these days closed.
    weekdays : DataFrame
        Payments by weekday: `day`, `payments`, `is_closed`.
    diagnostics : dict
    """

    as_of: pd.Timestamp
    table: pd.DataFrame
    calendar: PaymentCalendar
    weekdays: pd.DataFrame
    diagnostics: dict[str, Any]

    def to_table(self, name: str = "closed_days") -> Table:
        """The suggestions with their reasons."""
        told = self.diagnostics
        note = (
            f"A suggestion to be checked: {self.calendar}. A date is called a holiday when nothing was paid "
            f"though {told['needed']:.1f} payments or more were expected, from the same weekday in the "
            f"{WEEKS_AROUND} weeks before and after (the lower); so many were expected on "
            f"{told['judged']:.0%} of the open days, the others cannot be judged alone. Payments up to "
            f"{self.as_of:%Y-%m-%d} less {LATE_DAYS} days."
        )
        return Table(name, self._finding(), self.table, note, {"expected": "days"})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the payments by weekday."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        ax.bar(self.weekdays["day"].str[:3], self.weekdays["payments"])
        ax.set_xlabel("weekday")
        ax.set_ylabel("payments (customers a day, summed)")
        ax.set_title(self._finding())
        return stamp(ax, self.as_of)

    def _finding(self) -> str:
        closed = self.weekdays.loc[self.weekdays["is_closed"], "day"]
        weekend = f"Nothing is paid on {' and '.join(closed)}" if len(closed) else "The book is paid all week"
        holidays = int((self.table["kind"] != "weekday").sum())
        if holidays == 1:
            return f"{weekend}; one other day looks like a holiday"
        return f"{weekend}; {holidays or 'no'} other days look like holidays"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def find_closed_days(snapshot: Snapshot, month_end_days: int = 2) -> ClosedDays:
    """Find the weekdays on which nobody pays, and dates that look like holidays.

    Parameters
    ----------
    snapshot : Snapshot
    month_end_days : int
        Of the calendar suggested.

    Returns
    -------
    ClosedDays

    Raises
    ------
    ModelError
        If payments are known over fewer than 8 weeks.

    Notes
    -----
    A weekday is closed when the 97.5% upper limit of its payments (Poisson) is below 5% of the mean weekday.
    A date is a holiday when nothing was paid on it though so much was expected that, at independent payments,
    one such day among all would come up with a chance of 1%; days of the year are judged first, over all
    years together and when open in at least two, then single dates. Movable feasts are found as dates: those
    ahead must be added by hand.

    Examples
    --------
    >>> import arrisk as ar
    >>> snapshot = ar.read_ledger(ar.make_sample(600, seed=1), currency="EUR").as_of("2025-12-31")
    >>> find_closed_days(snapshot).calendar
    PaymentCalendar: closed on Saturday, Sunday; month end = last 2 open days
    """
    payers, first = _payers(snapshot)
    weekday = (first + np.arange(len(payers)) + 3) % 7
    totals = np.bincount(weekday, payers, 7)
    limit = gammaincinv(totals + 1, UPPER)
    is_closed = limit < MOST_ON_CLOSED * totals.sum() / 7
    expected = np.where(is_closed[weekday], 0.0, _around(payers))
    needed = float(np.log((expected > 0).sum() / CHANCE))
    rows = [
        (WEEKDAYS[day], "weekday", int(totals[day]), float(totals[~is_closed].mean()))
        for day in np.flatnonzero(is_closed)
    ]
    dates = (first + np.arange(len(payers))).astype("datetime64[D]")
    rows += _holidays(dates, payers, expected, needed)
    table = pd.DataFrame(rows, columns=["day", "kind", "payments", "expected"])
    table["reason"] = [
        f"{payments:,} payments, {expected:,.0f} expected" for payments, expected in _pairs(table)
    ]
    return ClosedDays(
        snapshot.date,
        table,
        PaymentCalendar(
            [int(day) for day in np.flatnonzero(is_closed)],
            table.loc[table["kind"] != "weekday", "day"],
            month_end_days,
        ),
        pd.DataFrame({"day": WEEKDAYS, "payments": totals.astype(np.int64), "is_closed": is_closed}),
        {
            "payments": int(payers.sum()),
            "days": len(payers),
            "needed": needed,
            "judged": float((expected[expected > 0] >= needed).mean()),
        },
    )


def _pairs(table: pd.DataFrame) -> list[tuple[int, float]]:
    return list(zip(table["payments"].tolist(), table["expected"].tolist(), strict=True))


def _payers(snapshot: Snapshot) -> tuple[Floats, int]:
    """Customers that paid on each day, from the first such day on, and its day number."""
    found = snapshot.query(PAYERS)
    day = found["event_day"].to_numpy(dtype=np.int64)
    known = day <= snapshot.day - LATE_DAYS
    if not known.any() or snapshot.day - LATE_DAYS - day[known].min() < 7 * FEWEST_WEEKS:
        raise ModelError(
            f"payments are known over fewer than {FEWEST_WEEKS} weeks: no closed day can be told"
        )
    first = int(day[known].min())
    size = snapshot.day - LATE_DAYS - first + 1
    payers = np.bincount(day[known] - first, found["payers"].to_numpy(dtype=float)[known], size)
    return payers.astype(float), first


def _around(payers: Floats) -> Floats:
    """The lower of two medians, of the same weekday in the weeks before and after; 0 where there are none."""
    weeks = 7 * np.arange(1, WEEKS_AROUND + 1)
    padded = np.concatenate([np.full(weeks[-1], np.nan), payers, np.full(weeks[-1], np.nan)])
    place = np.arange(len(payers))[:, None] + weeks[-1]
    sides = np.stack([padded[place - weeks], padded[place + weeks]])
    some = np.isfinite(sides).any(axis=2, keepdims=True)
    medians = np.nanmedian(np.where(some, sides, 0.0), axis=2)
    return np.asarray(medians.min(axis=0), dtype=float)


def _holidays(
    dates: NDArray[np.datetime64], payers: Floats, expected: Floats, needed: float
) -> list[tuple[str, str, int, float]]:
    """Days of the year and dates on which nothing was paid though it was expected."""
    frame = pd.DataFrame({"date": np.datetime_as_string(dates, unit="D"), "payers": payers, "need": expected})
    frame = frame[frame["need"] > 0]
    frame["of_year"] = frame["date"].str[5:]
    yearly = frame.groupby("of_year").agg(
        payers=("payers", "sum"), need=("need", "sum"), years=("date", "size")
    )
    yearly = yearly[(yearly["payers"] == 0) & (yearly["need"] >= needed) & (yearly["years"] >= 2)]
    alone = frame[(frame["payers"] == 0) & (frame["need"] >= needed) & ~frame["of_year"].isin(yearly.index)]
    return [
        *((str(day), "every year", 0, float(need)) for day, need in yearly["need"].items()),
        *((day, "date", 0, need) for day, need in zip(alone["date"], alone["need"], strict=True)),
    ]
