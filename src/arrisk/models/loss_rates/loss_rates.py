"""Loss rates by segment and age of debt with intervals by customer: one result for every method."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.loss_rates import page
from arrisk.models.loss_rates.arithmetic import apply_rates
from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.month_ends import bucket_labels
from arrisk.models.loss_rates.replicates import Replicates, leave_each_out, too_young

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["Amount", "LossRates", "estimate_rates", "make_rates", "rates_table"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in currency units with its interval; `value` is None when only a bound is known."""

    value: float | None
    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, slots=True, eq=False)
class LossRates:
    """Loss rates by segment and ageing bucket, and the amounts they give on the day of the snapshot.

    Attributes
    ----------
    as_of : Timestamp
    currency : str
    counts : LossCounts
        What the rates are made of.
    table : DataFrame
        segment, bucket, balance, rate, ci_low, ci_high, provision, customers (that ever stood in the bucket),
        losers (of them), interval (how it was made). Rates are fractions of the balance. Where the losses of
        a segment are too few, rate and provision are missing and ci_high is a bound.
    total : Amount
        Sum of the provisions; its interval takes today's balances as given.
    conventions : dict of str to str
        All choices that another hand needs to arrive at the same figures.
    identified : bool
        Whether every segment that owes anything has a rate.
    replicates : Replicates
        The rates with each customer left out.
    diagnostics : dict
    """

    as_of: pd.Timestamp
    currency: str
    counts: LossCounts
    table: pd.DataFrame
    total: Amount
    conventions: dict[str, str]
    identified: bool
    replicates: Replicates = field(repr=False)
    diagnostics: dict[str, Any] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The method, as given to `fit_loss_rates`."""
        return self.counts.method

    @property
    def buckets(self) -> list[str]:
        """Names of the buckets, youngest first."""
        return bucket_labels(self.counts.edges)

    @property
    def segments(self) -> tuple[str, ...]:
        """Names of the segments."""
        return self.counts.segments

    def amount(self, balances: Floats | None = None) -> Amount:
        """What the rates make of balances by segment and bucket (currency units); of today's by default."""
        given = self.counts.balances() if balances is None else np.asarray(balances, dtype=float)
        return _amount(self.replicates, given, self.total.level)

    def adjust(self, change: Callable[[Floats], Floats], name: str, words: str) -> LossRates:
        """The same with a function applied to the rates, to each replicate and to bounds.

        It takes and returns shape (..., segments, buckets), and changes each rate by itself so that it never
        falls as the rate rises. `name` and `words` say what was done; the conventions get them.
        """
        replicates = self.replicates.look_forward(change)
        return make_rates(
            self.as_of,
            self.currency,
            self.counts,
            replicates,
            {**self.conventions, name: words},
            self.total.level,
            **self.diagnostics,
        )

    def predict(self, snapshot: Snapshot) -> pd.DataFrame:
        """Apply the rates to the balances of a snapshot (the fitted one or another).

        Returns
        -------
        DataFrame
            segment, bucket, balance, rate, provision; each provision rounded to the cent, so they add up.

        Raises
        ------
        ModelError
            If the rates are not identified, or the snapshot has a segment that was never seen.
        """
        from arrisk.models.loss_rates.today import balances_today

        if not self.identified:
            raise ModelError("the ledger gives bounds, not rates: there is nothing to apply")
        balances = balances_today(snapshot, self.counts)
        out = self.table[["segment", "bucket"]].assign(balance=balances.reshape(-1).round(2))
        rates = self.table["rate"].to_numpy(dtype=float)
        known = np.nan_to_num(rates)
        return out.assign(rate=rates, provision=apply_rates(out["balance"], known))

    def finding(self) -> str:
        """The amount with its range, or why there is only a bound, in one sentence."""
        return page.describe_rates(self)

    def to_table(self, name: str = "loss_rates") -> Table:
        """Balance, rate and provision by segment and bucket with their intervals, and the total."""
        return page.show_rates(self, name)

    def conventions_table(self, name: str = "loss_rate_conventions") -> Table:
        """Every choice behind the figures."""
        return page.show_conventions(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Rates by bucket with their intervals; bounds where there are no rates."""
        return page.plot_rates(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        choices = "; ".join(f"{key}: {value}" for key, value in self.conventions.items())
        return frame_html(table.frame, table.title, f"{table.note} {choices}", table.formats)

    def __repr__(self) -> str:
        return f"LossRates({self.method}, {self.as_of:%Y-%m-%d}, {self.finding()})"


def estimate_rates(counts: LossCounts, as_of: pd.Timestamp, currency: str, level: float = 0.95) -> LossRates:
    """Rates of each segment, their intervals by customer, and the amounts they give today."""
    found = leave_each_out(counts)
    words = {
        **counts.conventions,
        "segments": "all customers together" if counts.by is None else f"customers by {counts.by}",
        "interval": (
            f"{level:.0%}, delete-one-customer jackknife on the logit scale, t quantile with effective "
            "degrees of freedom"
        ),
    }
    if np.isnan(counts.rates(counts.totals())).any():
        words["a bucket never seen"] = "takes the rate of the next older one, 100% where none is older"
    return make_rates(as_of, currency, counts, found, words, level)


def rates_table(counts: LossCounts, found: Replicates, level: float) -> pd.DataFrame:
    """The tidy table of `LossRates`."""
    labels, balances = bucket_labels(counts.edges), counts.balances().round(2)
    rows = []
    for s, name in enumerate(counts.segments):
        inside = counts.segment == s
        for b, bucket in enumerate(labels):
            span = found.interval_of_rate(s, b, level)
            rate = float(found.rates[s, b])
            provision = np.nan if np.isnan(rate) else float(apply_rates(balances[s, b], rate))
            exposed = inside & counts.exposed[:, b]
            losers = int((exposed & counts.hit[:, b]).sum())
            figures = (balances[s, b], rate, span.low, span.high, provision)
            rows.append((name, bucket, *figures, int(exposed.sum()), losers, span.method))
    names = ["segment", "bucket", "balance", "rate", "ci_low", "ci_high", "provision", "customers", "losers"]
    return pd.DataFrame(rows, columns=[*names, "interval"])


def make_rates(
    as_of: pd.Timestamp,
    currency: str,
    counts: LossCounts,
    found: Replicates,
    conventions: dict[str, str],
    level: float,
    **diagnostics: Any,
) -> LossRates:
    """The result of given rates and replicates: its table, its total, and what `diagnostics` adds."""
    table = rates_table(counts, found, level)
    total = _amount(found, counts.balances(), level)
    if total.value is not None:
        total = replace(total, value=round(float(table["provision"].sum()), 2))
    facts = {
        "customers": int(counts.customers.size),
        "losers": int(counts.hit.any(axis=1).sum()),
        **counts.facts,
        **diagnostics,
    }
    return LossRates(
        as_of, currency, counts, table, total, conventions, total.value is not None, found, facts
    )


def _amount(found: Replicates, balances: Floats, level: float) -> Amount:
    owed = float(balances.sum())
    if owed <= 0:
        return Amount(0.0, 0.0, 0.0, level, "nothing is owed")
    missing = np.asarray((np.isnan(found.rates) & (balances > 0)).any(axis=1), dtype=bool)
    if missing.any():
        return _bound(found, balances, missing, level)
    _, span = found.interval_of_mean(balances, level)
    rates = np.where(balances > 0, found.rates, 0.0)
    value = round(float(apply_rates(balances, rates).sum()), 2)
    return Amount(value, min(span.low * owed, value), max(span.high * owed, value), level, span.method)


def _bound(found: Replicates, balances: Floats, missing: NDArray[np.bool_], level: float) -> Amount:
    """What segments with rates take, and of the others the largest shares that their history leaves open.

    Each bucket by the customers that stood in it: those followed from the day of an invoice say nothing of a
    debt that is months overdue.
    """
    inside = np.asarray(missing[found.segment], dtype=bool)
    owing = (balances[missing] > 0).any(axis=0)
    share = np.array([found.bound(inside, bucket, level).high for bucket in range(owing.size)])
    words = _words_of_bound(found, [found.tried(inside, int(bucket)) for bucket in np.flatnonzero(owing)])
    looked, place = found.looked(share), missing[:, None]
    high = float(np.where(place, looked * balances, 0.0).sum())
    rest = np.where(place, 0.0, balances)
    if not (rest > 0).any():
        return Amount(None, 0.0, high, level, words)
    known = _amount(found, rest, level)
    return Amount(
        None, known.low, known.high + high, level, f"{known.method}; segments without rates: {words}"
    )


def _words_of_bound(found: Replicates, tried: Sequence[tuple[int, int]]) -> str:
    """How a bound was made, from losers and customers in each bucket that owes something."""
    if all(losers == trials for losers, trials in tried):
        return f"{too_young(found.horizon)}, all of a balance at stake"
    seen = ", ".join(f"{losers} of {trials}" for losers, trials in tried)
    return (
        f"one-sided Clopper-Pearson in each bucket, {seen} customers followed {found.horizon} months lost, "
        "all of a balance at stake"
    )
