"""Lists of past weeks, each made from what was known then: how much of what stayed unpaid was on them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.ledger.book import Snapshot
from arrisk.models.intervals import clopper_pearson, jackknife_logit
from arrisk.models.timing.payment_timing import PaymentTiming, refit_hazards
from arrisk.policy.worklist import KEYS, candidates, due_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AT_STAKE", "RULES", "WorklistBacktest", "backtest_worklist"]

FloatArray = NDArray[np.float64]
AT_STAKE = "cash at stake"
RULES = (AT_STAKE, "largest overdue", "oldest first")
LEVEL = 0.95
MIN_HISTORY_DAYS = 182
LEAST_CUSTOMERS = 10
COLUMNS = ["rule", "share", "ci_low", "ci_high", "lead", "lead_low", "lead_high"]
COLUMNS += ["unpaid_share", "unpaid_low", "unpaid_high"]
COLOURS = {AT_STAKE: "#0072B2", "largest overdue": "#E69F00", "oldest first": "#CC79A7"}


@dataclass(frozen=True, slots=True, eq=False)
class WorklistBacktest:
    """What lists of one length held, by the rule that ordered them.

    Attributes
    ----------
    table : DataFrame
        rule, share (of the money unpaid `days` later that was on the list), ci_low, ci_high (95%, customers
        deleted one at a time), lead (share of the first rule less that of this one), lead_low, lead_high,
        unpaid_share, unpaid_low, unpaid_high (of the money on the list, what was unpaid `days` later).
    trials : DataFrame
        date, rule, listed (unpaid money that was on the list), expected (what was expected of it), unpaid
        (all of it), share (listed of unpaid).
    ratio, ratio_low, ratio_high : float
        Money of past lists by cash at stake that was unpaid, over what was expected; missing without history.
    capacity, days, ahead, customers : int
        As asked, and the customers seen.
    as_of : Timestamp
    """

    table: pd.DataFrame
    trials: pd.DataFrame
    ratio: float
    ratio_low: float
    ratio_high: float
    capacity: int
    days: int
    ahead: int
    customers: int
    as_of: pd.Timestamp

    @property
    def dates(self) -> int:
        """Past days tried."""
        return int(self.trials["date"].nunique())

    @property
    def identified(self) -> bool:
        """Whether there are at least two past days and ten customers."""
        return self.dates >= 2 and self.customers >= LEAST_CUSTOMERS

    def row(self, rule: str = AT_STAKE) -> dict[str, float]:
        """The figures of one rule."""
        found = self.table[self.table["rule"] == rule].drop(columns="rule")
        return {str(name): float(value) for name, value in found.iloc[0].items()}

    def finding(self) -> str:
        """What past lists held, in one sentence."""
        if not self.identified:
            return f"The history is too short to try lists of {self.capacity} on past days"
        row = self.row()
        if np.isnan(row["share"]):
            return f"Nothing of {self.dates} past days was unpaid {self.days} days later"
        return (
            f"Lists of {self.capacity} on {self.dates} past days held {row['share']:.0%} of what was unpaid "
            f"{self.days} days later ({row['ci_low']:.0%} to {row['ci_high']:.0%})"
        )

    def to_table(self, name: str = "worklist_backtest") -> Table:
        """The rules side by side."""
        note = (
            f"{self.dates} past days {self.days} days apart, each list made from what was known then; "
            f"{self.customers} customers. share: of the money of all candidates that was unpaid {self.days} "
            f"days later, what was on the list; lead: of '{AT_STAKE}' over the rule; unpaid_share: of the "
            "money on the list, what was unpaid. 95% intervals, customers deleted one at a time. People may "
            "have worked the large ones then: no list was ever left alone."
        )
        shown = self.table.drop(columns=["unpaid_low", "unpaid_high"])
        formats: dict[str, Format] = dict.fromkeys(shown.columns[1:], "percent")
        return Table(name, self.finding(), shown, note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of the later unpaid money that was on the list, by past day and rule."""
        import matplotlib.pyplot as plt
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        ax = plt.gca() if ax is None else ax
        for rule in RULES:
            own = self.trials[self.trials["rule"] == rule]
            ax.plot(own["date"], own["share"], marker="o", color=COLOURS[rule], label=rule)
        if self.dates:
            ends = self.trials["date"].min(), self.trials["date"].max()
            ax.set_xlim(ends[0] - pd.Timedelta(days=15), ends[1] + pd.Timedelta(days=15))
            locator = AutoDateLocator(maxticks=8)
            ax.xaxis.set_major_locator(locator)
            ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        ax.set_title(self.finding())
        ax.set_ylabel("share of unpaid money on the list")
        ax.yaxis.set_major_formatter("{x:.0%}")
        ax.set_ylim(0, 1.02)
        ax.legend(loc="lower left")
        return stamp(ax, self.as_of, f"lists of {self.capacity} customers")

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def backtest_worklist(
    snapshot: Snapshot,
    capacity: int = 15,
    days: int = 30,
    ahead: int = 7,
    dates: int = 12,
    timing: PaymentTiming | None = None,
) -> WorklistBacktest:
    """Make the list on past days and look `days` later at what was unpaid.

    Parameters
    ----------
    snapshot : Snapshot
    capacity, days, ahead : int
        As in `make_worklist`.
    dates : int
        Past days at most, `days` apart so that what follows them does not overlap, the last of them `days`
        before the snapshot, the first half a year after the ledger begins.
    timing : PaymentTiming, optional
        As in `make_worklist`; its form is fitted anew on each past day.

    Returns
    -------
    WorklistBacktest

    Notes
    -----
    Unpaid is what is still open or was written off in between. Deleting a customer takes it out of all past
    days; the lists are not filled up anew.
    """
    try:
        curves = due_curves(snapshot) if timing is None else timing
    except ModelError:
        return _empty(snapshot, capacity, days, ahead)
    states = [*(snapshot.as_of(day) for day in _past_days(snapshot, days, dates)), snapshot]
    found = (_trial(then, after, curves, days, ahead) for then, after in pairwise(states))
    past = [customers for customers in found if len(customers)]
    if not past:
        return _empty(snapshot, capacity, days, ahead)
    rows = pd.concat([_listed(p, capacity) for p in past], ignore_index=True)
    trials = pd.concat([_by_date(rows, rule) for rule in RULES], ignore_index=True)
    sums = _by_customer(rows)
    ratio = _log_ratio(sums[AT_STAKE].to_numpy(), sums["expected on list"].to_numpy())
    table = _rule_table(sums)
    return WorklistBacktest(table, trials, *ratio, capacity, days, ahead, len(sums), snapshot.date)


def _past_days(snapshot: Snapshot, days: int, dates: int) -> list[pd.Timestamp]:
    first = snapshot.first_date + pd.Timedelta(days=MIN_HISTORY_DAYS)
    tried = [snapshot.date - pd.Timedelta(days=days * k) for k in range(1, dates + 1)]
    return [day for day in reversed(tried) if day >= first]


def _trial(then: Snapshot, after: Snapshot, timing: PaymentTiming, days: int, ahead: int) -> pd.DataFrame:
    """Customers of a past day: amount, at stake, oldest days, and what of the amount was unpaid later."""
    try:
        curves = refit_hazards(timing, then)
    except ModelError:
        return pd.DataFrame()
    items = candidates(then, curves, days, ahead)
    later = after.items[[*KEYS, "open_amount", "written_off_amount"]]
    lost_then = then.items[[*KEYS, "written_off_amount"]]
    both = items.merge(lost_then, on=KEYS).merge(later, on=KEYS, suffixes=("", "_later"))
    lost = both["written_off_amount_later"] - both["written_off_amount"]
    left = both["open_amount_later"] + lost
    both["unpaid"] = np.clip(left, 0.0, both["open_amount"])
    groups = both.groupby("customer_id", as_index=False)
    out = groups.agg({"open_amount": "sum", "at_stake": "sum", "days_overdue": "max", "unpaid": "sum"})
    late = both[both["days_overdue"] > 0].groupby("customer_id")["open_amount"].sum()
    out["overdue"] = out["customer_id"].map(late).fillna(0.0)
    return out.assign(date=then.date)


def _listed(customers: pd.DataFrame, capacity: int) -> pd.DataFrame:
    """Whether each rule would have listed the customer, ties by its name."""
    out = customers.copy()
    for rule, column in zip(RULES, ("at_stake", "overdue", "days_overdue"), strict=True):
        first = out.sort_values([column, "customer_id"], ascending=[False, True]).index[:capacity]
        out[rule] = out.index.isin(first).astype(float)
    return out


def _by_date(rows: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Unpaid money on the lists of a rule, and all of it, by past day."""
    on = rows[rule]
    parts = pd.DataFrame(
        {"listed": rows["unpaid"] * on, "expected": rows["at_stake"] * on, "unpaid": rows["unpaid"]}
    )
    out = parts.groupby(rows["date"]).sum().reset_index()
    out.insert(1, "rule", rule)
    return out.assign(share=(out["listed"] / out["unpaid"]).where(out["unpaid"] > 0))


def _by_customer(rows: pd.DataFrame) -> pd.DataFrame:
    """Sums over the past days by customer: unpaid, and of it what was on the lists of each rule."""
    parts = {"unpaid": rows["unpaid"]} | {rule: rows["unpaid"] * rows[rule] for rule in RULES}
    parts |= {f"amount of {rule}": rows["open_amount"] * rows[rule] for rule in RULES}
    parts["expected on list"] = rows["at_stake"] * rows[AT_STAKE]
    return pd.DataFrame(parts).groupby(rows["customer_id"]).sum()


def _rule_table(sums: pd.DataFrame) -> pd.DataFrame:
    all_, out = sums["unpaid"].to_numpy(dtype=float), []
    ours = _without(sums[AT_STAKE].to_numpy(dtype=float), all_)
    for rule in RULES:
        share, without = _without(sums[rule].to_numpy(dtype=float), all_)
        lead, spread = ours[0] - share, _spread(ours[1] - without)
        amounts = sums[f"amount of {rule}"].to_numpy(dtype=float)
        held, held_without = _without(sums[rule].to_numpy(dtype=float), amounts)
        low, high = _share_interval(share, without, int((all_ > 0).sum()))
        held_ends = _share_interval(held, held_without, int((amounts > 0).sum()))
        out.append((rule, share, low, high, lead, lead - spread, lead + spread, held, *held_ends))
    table = pd.DataFrame(out, columns=COLUMNS)
    table.loc[table["rule"] == AT_STAKE, ["lead", "lead_low", "lead_high"]] = np.nan
    return table


def _without(part: FloatArray, whole: FloatArray) -> tuple[float, FloatArray]:
    """A ratio of sums over customers, and the same without each of them."""
    total, left = whole.sum(), whole.sum() - whole
    share = float(part.sum() / total) if total > 0 else float("nan")
    return share, np.divide(part.sum() - part, left, out=np.full(len(left), np.nan), where=left > 0)


def _share_interval(share: float, without: FloatArray, customers: int) -> tuple[float, float]:
    """Jackknife where the share has one, else exact for so many customers with anything in it."""
    if not np.isfinite(share):
        return float("nan"), float("nan")
    try:
        low, high = jackknife_logit(share, without, LEVEL)
    except ModelError:
        low, high = clopper_pearson(share * customers, customers, LEVEL)
    return low, high


def _spread(without: FloatArray) -> float:
    """Half an interval from values with customers deleted one at a time."""
    n = len(without)
    if n < 2:
        return float("nan")
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    return float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * error)


def _log_ratio(realised: FloatArray, expected: FloatArray) -> tuple[float, float, float]:
    """Realised over expected with its interval on the logarithmic scale."""
    ratio, without = _without(realised, expected)
    if not (ratio > 0 and len(without) > 1 and np.all(without > 0)):
        return ratio, float("nan"), float("nan")
    reach = _spread(np.log(without))
    return ratio, float(ratio * np.exp(-reach)), float(ratio * np.exp(reach))


def _empty(snapshot: Snapshot, capacity: int, days: int, ahead: int) -> WorklistBacktest:
    table = pd.DataFrame({"rule": list(RULES), **dict.fromkeys(COLUMNS[1:], np.nan)})
    trials = pd.DataFrame(columns=["date", "rule", "listed", "expected", "unpaid", "share"])
    nothing = float("nan")
    return WorklistBacktest(table, trials, nothing, nothing, nothing, capacity, days, ahead, 0, snapshot.date)
