"""Are payment days getting longer, and what does that cost: DSO against the same month a year before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from arrisk.display import Table, money
from arrisk.ledger.book import Snapshot
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation, Verdict
from arrisk.policy.study import Study

__all__ = ["DSOChange", "compare_dso", "recommend_payment_days"]

QUESTION = "Are customers paying more slowly than a year ago, so that collection must be tightened?"
LEVEL = 0.95
LEAST_CUSTOMERS = 10


@dataclass(frozen=True, slots=True, eq=False)
class DSOChange:
    """DSO now and a year before, and their difference with an interval.

    Attributes
    ----------
    table : DataFrame
        term ("now", "year before", "change"), estimate, ci_low, ci_high in days; delete-one-customer
        jackknife.
    daily_sales : float
        Sales a day over the window now, in currency units: what one day of DSO ties up.
    as_of, before : Timestamp
    currency : str
    window, customers : int
        Days of sales counted; customers behind the figures.
    """

    table: pd.DataFrame
    daily_sales: float
    as_of: pd.Timestamp
    before: pd.Timestamp
    currency: str
    window: int
    customers: int

    @property
    def identified(self) -> bool:
        """Whether there was a year before, and enough customers."""
        return bool(self.table["ci_low"].notna().all())

    def row(self, term: str) -> tuple[float, float, float]:
        """Estimate and interval of a term."""
        chosen = self.table.loc[self.table["term"] == term, ["estimate", "ci_low", "ci_high"]]
        estimate, low, high = chosen.to_numpy(dtype=float)[0]
        return float(estimate), float(low), float(high)

    def to_table(self, name: str = "dso_change") -> Table:
        """The table ready to be shown."""
        note = (
            f"Receivables over the sales of {self.window} days, in days; {self.customers} customers; "
            f"{LEVEL:.0%} interval by "
            "deleting one customer at a time. Credits and unapplied cash left out."
        )
        return Table(
            name,
            "DSO against a year before",
            self.table,
            note,
            dict.fromkeys(("estimate", "ci_low", "ci_high"), "days"),
        )  # type: ignore[arg-type]


def compare_dso(snapshot: Snapshot, window: int = 90) -> DSOChange:
    """Compare DSO with a year before, customers deleted one at a time for the interval.

    Parameters
    ----------
    snapshot : Snapshot
    window : int
        Days of sales the receivables are measured against.

    Returns
    -------
    DSOChange
        Not identified (missing estimates) when the ledger does not reach back a year and a window, or holds
        fewer
        than ten customers.
    """
    before = snapshot.date - pd.DateOffset(years=1)
    start = before - pd.Timedelta(days=window)
    now = _parts(snapshot, window)
    terms = ["now", "year before", "change"]
    if start < snapshot.first_date or len(now) < LEAST_CUSTOMERS:
        table = pd.DataFrame({"term": terms, "estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan})
        return DSOChange(
            table, now["sales"].sum() / window, snapshot.date, before, snapshot.currency, window, len(now)
        )
    both = now.join(_parts(snapshot.as_of(before), window), how="outer", rsuffix="_before").fillna(0.0)
    sums = both.to_numpy(dtype=float)
    estimate = _dso_triple(sums.sum(axis=0), window)
    without = _dso_triple(sums.sum(axis=0) - sums, window)
    n = len(sums)
    error = np.sqrt((n - 1) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    reach = stats.t.ppf(0.5 + LEVEL / 2, n - 1) * error
    table = pd.DataFrame(
        {"term": terms, "estimate": estimate, "ci_low": estimate - reach, "ci_high": estimate + reach}
    )
    return DSOChange(table, sums[:, 1].sum() / window, snapshot.date, before, snapshot.currency, window, n)


def _parts(snapshot: Snapshot, window: int) -> pd.DataFrame:
    """Receivables and sales of the window by customer."""
    items = snapshot.items
    owed = items[items["amount"] > 0].groupby("customer_id")["open_amount"].sum()
    recent = items[items["issue_date"] > snapshot.date - pd.Timedelta(days=window)]
    sales = recent.groupby("customer_id")["amount"].sum()
    return pd.DataFrame({"receivables": owed, "sales": sales}).fillna(0.0)


def _dso_triple(sums: np.ndarray, window: int) -> np.ndarray:
    """DSO now, a year before, and the change, from sums (..., 4)."""
    now = sums[..., 0] / sums[..., 1] * window
    before = sums[..., 2] / sums[..., 3] * window
    return np.stack([now, before, now - before], axis=-1)


def recommend_payment_days(study: Study, change: DSOChange) -> Recommendation:
    """Tighten collection, keep it, or say that the ledger is too short.

    Parameters
    ----------
    study : Study
        Gives the cost of capital at which a day of DSO is priced.
    change : DSOChange

    Returns
    -------
    Recommendation
        "adopt" when DSO rose by more than its interval, "reject" when it fell by more, "keep" when the
        change is
        within what a few customers explain, "the data cannot say" when there is no year before.
    """
    if not change.identified:
        return Recommendation(
            decision=QUESTION,
            verdict="the data cannot say",
            answer=(
                f"The ledger does not hold a year and {change.window} days of at least "
                f"{LEAST_CUSTOMERS} customers before {change.as_of:%Y-%m-%d}."
            ),
            scope="items owed",
            as_of=change.as_of,
            experiment="Load the ledger of the year before.",
        )
    rate = study.assumption("cost_of_capital")
    days, low, high = change.row("change")
    now, before = change.row("now"), change.row("year before")
    verdict, what = _verdict(days, low, high)
    cash = money(abs(days) * change.daily_sales, change.currency)
    return Recommendation(
        decision=QUESTION,
        verdict=verdict,
        answer=(
            f"{what} DSO is {now[0]:.1f} days, {before[0]:.1f} a year before: {abs(days):.1f} days "
            f"{'more' if days > 0 else 'less'} (95% interval {low:+.1f} to {high:+.1f}), which "
            f"{'ties up' if days > 0 else 'frees'} {cash}."
        ),
        scope=f"items owed by {change.customers} customers, sales of {change.window} days",
        as_of=change.as_of,
        options=(
            Option("now", *now, "days"),
            Option(f"a year before ({change.before:%Y-%m-%d})", *before, "days"),
            Option(
                "one day less DSO",
                change.daily_sales * rate.value,
                unit=f"{change.currency} a year",
                note=f"{money(change.daily_sales, change.currency)} freed, at {rate.value:.1%} a year",
            ),
        ),
        expected_value=Estimate(
            days * change.daily_sales,
            low * change.daily_sales,
            high * change.daily_sales,
            LEVEL,
            f"{change.currency} tied up",
            "cash tied up by the change: days x sales a day; delete-one-customer jackknife",
        ),
        flip=Flip(
            "change of DSO against a year before",
            days,
            _turning(days, low, high, verdict),
            "days",
            "The verdict turns when the interval of the change "
            f"{'takes in' if verdict != 'keep' else 'leaves out'} zero: at a change "
            f"of about {_turning(days, low, high, verdict):+.1f} days at today's spread between customers.",
        ),
        identified=True,
        design="one ledger at two dates, each as known then; changes of mix or terms are not taken out",
        experiment="Compare customers whose terms did not change, segment by segment.",
        assumptions=(rate,),
    )


def _verdict(days: float, low: float, high: float) -> tuple[Verdict, str]:
    if low > 0:
        return "adopt", "Tighten collection:"
    if high < 0:
        return "reject", "No need to tighten:"
    return "keep", "Keep collection as it is; the change is within what a few customers explain."


def _turning(days: float, low: float, high: float, verdict: str) -> float:
    """The change at which one end of an interval of today's width touches zero."""
    reach = (high - low) / 2
    return reach if days >= 0 else -reach
