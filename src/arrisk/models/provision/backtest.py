"""Provisions of past days, each from what was known then, against what was lost of those balances since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.ledger.days import as_date
from arrisk.models.provision import backtest_page as page
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.item_shares import share_items
from arrisk.models.provision.past_provision import Bias, PastProvision, estimate_bias, look_back
from arrisk.models.provision.provision import make_provision

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["ProvisionBacktest", "backtest_provision"]

Date = str | dt.date | pd.Timestamp
INSIDE, OUTSIDE, OPEN = "inside", "outside", "not yet known"
FEWEST_DATES = 3
FEWEST_LOSERS = 3
MOST_DATES = 12


@dataclass(frozen=True, slots=True, eq=False)
class ProvisionBacktest:
    """Provisions of past days against what came of them; make one with `backtest_provision`.

    Attributes
    ----------
    table : DataFrame
        A row a past day: date, owed, provision (missing where there was only a bound), low, high (its
        interval), outcome_low, outcome_high (range of the loss itself, see `outcome_range`), lost (of that
        balance written off since, net of recoveries), still_open, lost_if_open (lost if all that is still
        open is lost too), expected (lost, and today's provision on what is still open), interval, outcome
        ("inside", "outside" or "not yet known": whether the realised loss is in the range whatever becomes
        of what is still open). Currency units.
    buckets : DataFrame
        A row a day and bucket: date, bucket, owed, provision, lost, still_open, lost_if_open, expected.
    bias : Bias
        Provided over lost, over all days with an amount.
    as_of : Timestamp
    currency : str
    basis : Basis
    shortage : str
        Why the history is too short for a verdict; empty when it is long enough.
    """

    table: pd.DataFrame
    buckets: pd.DataFrame
    bias: Bias
    as_of: pd.Timestamp
    currency: str
    basis: Basis
    shortage: str

    @property
    def identified(self) -> bool:
        """Whether the past says anything about the provision."""
        return not self.shortage

    def counts(self, which: str = "outcome") -> dict[str, int]:
        """Days on which the realised loss is inside, outside, or not yet known to be either.

        Parameters
        ----------
        which : {"outcome", "interval"}
            Against the range of the loss itself, or the interval of the provision.
        """
        seen = self.table.loc[self.table["provision"].notna(), which]
        return {word: int((seen == word).sum()) for word in (INSIDE, OUTSIDE, OPEN)}

    def finding(self) -> str:
        """How past provisions compare with what was lost, in one sentence."""
        return page.describe_backtest(self)

    def to_table(self, name: str = "provision_backtest") -> Table:
        """Provided and lost, a row a past day."""
        return page.show_backtest(self, name)

    def buckets_table(self, name: str = "provision_backtest_buckets") -> Table:
        """Provided and lost by age of debt, summed over the days with an amount."""
        return page.show_buckets(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Each past provision with its ranges beside what was lost."""
        return page.plot_backtest(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def backtest_provision(
    snapshot: Snapshot,
    basis: Basis | None = None,
    dates: Sequence[Date] | None = None,
    every: int = 3,
    followed: int = 3,
) -> ProvisionBacktest:
    """Make the provisions of past days with what was known on each, and count what was lost since.

    Parameters
    ----------
    snapshot : Snapshot
        What became of the balances is read from it.
    basis : Basis, optional
        The same on every day, but for assessments, which count from the day they were made, and for the
        framework, which claims nothing of past days.
    dates : sequence of dates, optional
        Past days, each before the snapshot's. By default month ends `every` months apart, at least
        `followed` months back, while there is history, at most the latest 12.
    every, followed : int
        Months.

    Raises
    ------
    ModelError
        If a date is not before the snapshot's, or months are below 1.

    Notes
    -----
    Each provision covers everything that will be lost of the balances of its day. Of the realised loss only
    a part is known: what was written off by the date of the snapshot, net of recoveries. What is still open
    may be lost too, so the realised loss lies between `lost` and `lost_if_open` (later recoveries could still
    lower the first). Days close together share most of their losses: `bias.days_apart` says how many days'
    worth of losses are different money.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> backtest_provision(read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-12-31")).identified
    False
    """
    basis = basis or Basis()
    days = _check_days(snapshot, dates, every, followed)
    today = basis.known_on(snapshot)
    now = share_items(snapshot, make_provision(snapshot, today)) if days else pd.DataFrame()
    past = []
    for day in days:
        then = snapshot.as_of(day)
        try:
            made = make_provision(then, replace(basis.known_on(then), framework=None))
        except ModelError:
            continue
        past.append(look_back(then, made, now))
    table, buckets = _table(past), _buckets(past)
    bias = estimate_bias(past, basis.level)
    return ProvisionBacktest(
        table, buckets, bias, snapshot.date, snapshot.currency, basis, _shortage(table, bias)
    )


def _check_days(
    snapshot: Snapshot, dates: Sequence[Date] | None, every: int, followed: int
) -> list[pd.Timestamp]:
    if every < 1 or followed < 1:
        raise ModelError(f"every={every}, followed={followed}: months are at least 1")
    if dates is not None:
        days = sorted({as_date(day) for day in dates})
        if days and days[-1] >= snapshot.date:
            raise ModelError(f"past days lie before {snapshot.date:%Y-%m-%d}, got {days[-1]:%Y-%m-%d}")
        return [day for day in days if day >= snapshot.first_date]
    last = snapshot.date + pd.Timedelta(days=1) - pd.DateOffset(months=followed)
    last = last - pd.offsets.MonthBegin() if last.day > 1 else last
    ends = [last - pd.DateOffset(months=every * k) - pd.Timedelta(days=1) for k in range(MOST_DATES)]
    return [day for day in ends[::-1] if day >= snapshot.first_date]


def _table(past: Sequence[PastProvision]) -> pd.DataFrame:
    rows = []
    for day in past:
        lost, most = day.lost.sum(), day.lost.sum() + day.still_open.sum()
        total, reach = day.provision.total, day.outcome
        spans = ((total.low, total.high), (reach.low, reach.high))
        known = np.nan if total.value is None else total.value
        figures = (float(day.owed.sum()), known, *spans[0], *spans[1])
        came = (lost, day.still_open.sum(), most, lost + day.expected_more.sum())
        verdicts = [_verdict(*span, lost, most) for span in spans]
        rows.append((day.provision.as_of, *figures, *(round(float(x), 2) for x in came), *verdicts))
    names = ["date", "owed", "provision", "low", "high", "outcome_low", "outcome_high", "lost", "still_open"]
    return pd.DataFrame(rows, columns=[*names, "lost_if_open", "expected", "interval", "outcome"])


def _verdict(low: float, high: float, lost: float, most: float) -> str:
    if low <= lost and most <= high:
        return INSIDE
    return OUTSIDE if most < low or lost > high else OPEN


def _buckets(past: Sequence[PastProvision]) -> pd.DataFrame:
    frames = []
    for day in past:
        frame = pd.DataFrame({"date": day.provision.as_of, "bucket": day.provision.rates.buckets})
        frame["owed"], frame["provision"] = day.owed, day.provided
        frame["lost"], frame["still_open"] = day.lost, day.still_open
        frame["lost_if_open"] = (day.lost + day.still_open).round(2)
        frames.append(frame.assign(expected=(day.lost + day.expected_more).round(2)))
    names = ["date", "bucket", "owed", "provision", "lost", "still_open", "lost_if_open", "expected"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)


def _shortage(table: pd.DataFrame, bias: Bias) -> str:
    given = int(table["provision"].notna().sum())
    if given < FEWEST_DATES:
        return f"only {given} past days had an amount to compare; a verdict needs {FEWEST_DATES}"
    if bias.losers < FEWEST_LOSERS:
        return f"only {bias.losers} customers lost anything since; a verdict needs {FEWEST_LOSERS}"
    return ""
