"""Were past payments made on the days called likely before? Against the due date and usual lateness."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from arrisk.display import Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.models.payment.calendar import ANY_DAY, PaymentCalendar
from arrisk.models.payment.next_payment import LEVEL, find_next_payments, pay_days_of
from arrisk.models.payment.pay_days import PayDays
from arrisk.models.timing.rates import PaymentModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["PayDayBacktest", "backtest_pay_days"]

Ints = NDArray[np.int64]
MODEL = "likely day of the model"
DUE, USUAL, ON_RUN = "due date", "customer's usual lateness", "usual lateness, then its next run day"
KEPT = ["customer_id", "invoice_id", "instalment"]
BETTER, WORSE, UNCLEAR = "better", "worse", "not told apart"
METHODS = (MODEL, DUE, USUAL, ON_RUN)
HORIZON = 91
NEAR_DAYS = 2
BEST_WEIGHT = 1.5  # a day on which a run pays so many times as often as on its mean day is one of its own


@dataclass(frozen=True, slots=True, eq=False)
class PayDayBacktest:
    """How often predicted pay days came true; made by `backtest_pay_days`.

    Parameters
    ----------
    as_of : Timestamp
        Day on which the outcomes were known.
    table : DataFrame
        One row a method: `items` (paid within the horizon), `on_the_day`, `within_2_days`, `on_the_weekday`
        (shares of items), `mean_error_days` and `median_error_days` (absolute).
    weekly : DataFrame
        The same of the customers with a pay run alone.
    by_date : DataFrame
        The same by date and method.
    differences : DataFrame
        Share paid on the day called likely by the model, less that of each rival: term, estimate, ci_low,
        ci_high (95%, t with customers as clusters), verdict.
    items : DataFrame
        One row an item and date: what was said, and what came (`paid_date`, missing if not in the horizon).
    level : float
        Of the ranges of days.
    horizon : int
    """

    as_of: pd.Timestamp
    table: pd.DataFrame
    weekly: pd.DataFrame
    by_date: pd.DataFrame
    differences: pd.DataFrame
    items: pd.DataFrame
    level: float
    horizon: int

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Ranges of days and chances of no payment against what came."""
        items, paid = self.items, self.items["paid_date"]
        inside = (paid >= items["from_day"]) & ~(paid > items["to_day"]) | paid.isna() & items[
            "to_day"
        ].isna()
        width = (items["to_day"] - items["from_day"]).dt.days + 1
        return {
            "dates": int(items["date"].nunique()),
            "items": len(items),
            "covered": float(inside.mean()),
            "covered_said": float(items["range_chance"].mean()),
            "covered_by_date": inside.groupby(items["date"]).mean().tolist(),
            "median_range_days": float(width.median()),
            "not_paid_said": float(items["not_paid"].mean()),
            "not_paid_came": float(paid.isna().mean()),
        }

    def to_table(self, name: str = "pay_day_backtest") -> Table:
        """Methods side by side."""
        told = self.diagnostics
        note = (
            f"{told['items']:,} items open on {told['dates']} dates; the rows count those paid within "
            f"{self.horizon} days. Ranges of days at {self.level:.0%} held {told['covered']:.1%} of the "
            f"items; as days are whole, {told['covered_said']:.1%} were said. "
            f"Not paid within {self.horizon} days: {told['not_paid_came']:.1%}, said were "
            f"{told['not_paid_said']:.1%}. Outcomes as known on {self.as_of:%Y-%m-%d}."
        )
        formats = dict.fromkeys(["on_the_day", "within_2_days", "on_the_weekday"], "percent")
        formats |= dict.fromkeys(["mean_error_days", "median_error_days"], "days")
        return Table(name, self._finding(), self.table, note, formats)  # type: ignore[arg-type]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the share of payments on the predicted day and within two days of it."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        place = np.arange(len(self.table))
        ax.barh(place, self.table["within_2_days"], color="0.8", label=f"within {NEAR_DAYS} days")
        ax.barh(place, self.table["on_the_day"], label="on the day")
        ax.set_yticks(place, self.table["method"])
        ax.invert_yaxis()
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}")
        ax.set_xlabel("share of payments")
        ax.set_ylabel("predicted by")
        ax.set_title(self._finding())
        ax.legend()
        dates = self.diagnostics["dates"]
        return stamp(ax, self.as_of, f"{dates} past date{'s' * (dates != 1)}")

    def _finding(self) -> str:
        by = self.table.set_index("method")["on_the_day"]
        rival = str(by.drop(MODEL).idxmax())
        verdict = str(self.differences.set_index("term")["verdict"][rival])
        if verdict == BETTER:
            return f"{by[MODEL]:.0%} were paid on the likely day itself; {rival}: {by[rival]:.0%}"
        return f"On the day: model {by[MODEL]:.1%}, {rival} {by[rival]:.1%}; the model is {verdict}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def backtest_pay_days(
    snapshot: Snapshot,
    model: PaymentModel,
    days: Sequence[str | dt.date | pd.Timestamp],
    calendar: PaymentCalendar | None = None,
    horizon: int = HORIZON,
    level: float = LEVEL,
) -> PayDayBacktest:
    """Predict the pay days of the items open on past dates, and compare with what the snapshot knows.

    Parameters
    ----------
    snapshot : Snapshot
        Knows the outcomes.
    model : PaymentModel
        Refitted on each date with what was known then.
    days : sequence of dates
        Each at least the horizon before the snapshot.
    calendar : PaymentCalendar, optional
        That of the pay days, when the model has none of its own.
    horizon : int
    level : float
        Of the range of days.

    Returns
    -------
    PayDayBacktest

    Raises
    ------
    ModelError
        If no date is given, nothing was open, or an outcome is not known yet.

    Notes
    -----
    Rivals: the due date; the due date plus the mean lateness of what the customer had settled by then (of all
    customers when it had settled nothing); and the next day of its pay run from there on. A day that is past
    becomes the next day. An item whose range is open-ended and that is not paid counts as inside it.
    """
    if not days:
        raise ModelError("no dates to predict on")
    seen = snapshot.items.set_index(["invoice_id", "instalment"])
    closed = seen["closed_date"].where(seen["close_kind"] == "paid")
    parts = []
    for day in days:
        past = snapshot.as_of(day)
        if past.day + horizon > snapshot.day:
            raise ModelError(
                f"of {past.date:%Y-%m-%d} the next {horizon} days are not known on {snapshot.date:%Y-%m-%d}"
            )
        parts.append(_predicted(past, model.refit(past), calendar, horizon, level).assign(date=past.date))
    items = pd.concat(parts, ignore_index=True)
    if items.empty:
        raise ModelError("nothing was open on any of the dates")
    paid = closed.reindex(pd.MultiIndex.from_frame(items[KEPT[1:]])).set_axis(items.index)
    items["paid_date"] = paid.where(paid <= items["date"] + pd.Timedelta(days=horizon))
    by_date = pd.concat([_scores(part).assign(date=day) for day, part in items.groupby("date")])
    on_run = items[items["run"] != ANY_DAY]
    return PayDayBacktest(
        snapshot.date,
        _scores(items),
        _scores(on_run),
        by_date.reset_index(drop=True),
        _differences(items),
        items,
        level,
        horizon,
    )


def _predicted(
    past: Snapshot, model: PaymentModel, calendar: PaymentCalendar | None, horizon: int, level: float
) -> pd.DataFrame:
    """What the methods say of each open item on a past date."""
    pay_days = pay_days_of(model, past, calendar)
    found = find_next_payments(past, model, pay_days, horizon=horizon, level=level).table
    known = past.items
    late = (known["closed_date"] - known["due_date"]).dt.days[known["close_kind"] == "paid"]
    usual = (
        found["customer_id"].map(late.groupby(known["customer_id"]).mean()).fillna(late.mean()).fillna(0.0)
    )
    due = found["due_date"].fillna(past.date)
    expected = due + pd.to_timedelta(usual.round().astype(np.int64), unit="D")
    run, wanted = pay_days.run_of(found["customer_id"]), _ahead(expected, past)
    out = found[[*KEPT, "from_day", "to_day", "range_chance", "not_paid"]].assign(run=run)
    out[MODEL], out[DUE], out[USUAL] = found["likely_day"], _ahead(due, past), wanted
    out[ON_RUN] = _on_run(wanted, run, pay_days, past, horizon)
    return out


def _ahead(day: pd.Series, past: Snapshot) -> pd.Series:
    """The next day where a day is past."""
    return day.where(day > past.date, past.date + pd.Timedelta(days=1))


def _on_run(
    wanted: pd.Series, run: Ints, pay_days: PayDays, past: Snapshot, horizon: int
) -> NDArray[np.datetime64]:
    """The next day from the wanted one on that is one of the run's own days (any open day without a run)."""
    day = wanted.to_numpy().astype("datetime64[D]").astype(np.int64)
    last = max(int(day.max(initial=past.day)), past.day + horizon) + 60
    weights = pay_days.weights(past.day + 1, last)
    own = weights >= BEST_WEIGHT
    own[ANY_DAY] = weights[ANY_DAY] > 0
    place = np.arange(weights.shape[1])
    following = np.minimum.accumulate(np.where(own, place, len(place))[:, ::-1], axis=1)[:, ::-1]
    found = following[run, day - past.day - 1]
    found = np.where(found < len(place), found + past.day + 1, day)
    return found.astype("datetime64[D]").astype("datetime64[s]")


def _scores(items: pd.DataFrame) -> pd.DataFrame:
    """How near each method came, of the items that were paid."""
    paid = items[items["paid_date"].notna()]
    rows = []
    for method in METHODS:
        error = (paid["paid_date"] - paid[method]).dt.days
        same = paid["paid_date"].dt.dayofweek == paid[method].dt.dayofweek
        near = error.abs() <= NEAR_DAYS
        size = (error.abs().mean(), error.abs().median())
        rows.append((method, len(paid), (error == 0).mean(), near.mean(), same.mean(), *size))
    names = ["items", "on_the_day", "within_2_days", "on_the_weekday", "mean_error_days", "median_error_days"]
    return pd.DataFrame(rows, columns=["method", *names])


def _differences(items: pd.DataFrame) -> pd.DataFrame:
    """How often the model named the day, less how often each rival did; customers are the clusters."""
    paid = items[items["paid_date"].notna()]
    hits = pd.DataFrame({method: (paid["paid_date"] == paid[method]).astype(float) for method in METHODS})
    rows = []
    for rival in METHODS[1:]:
        gap = hits[MODEL] - hits[rival]
        sums = (gap - gap.mean()).groupby(paid["customer_id"]).sum()
        clusters = len(sums)
        error = np.sqrt((sums**2).sum() * clusters / max(clusters - 1, 1)) / max(len(gap), 1)
        width = float(stats.t.ppf(0.975, max(clusters - 1, 1))) * error
        low, high = gap.mean() - width, gap.mean() + width
        verdict = BETTER if low > 0 else WORSE if high < 0 else UNCLEAR
        rows.append((rival, gap.mean(), low, high, verdict))
    return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high", "verdict"])
