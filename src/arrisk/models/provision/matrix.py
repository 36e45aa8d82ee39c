"""Provision rates from a ledger's own history, on two independent paths, with intervals by customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.intervals import Interval, clopper_pearson, jackknife_logit, upper_bound
from arrisk.models.loss_rates.arithmetic import Averaging, apply_rates, average_flows, chain_rates
from arrisk.models.loss_rates.month_ends import (
    NotDue,
    ProvisionCounts,
    WriteOffs,
    bucket_labels,
    make_provision_counts,
)
from arrisk.models.provision import page as provision_page
from arrisk.models.provision.conventions import describe_conventions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["ProvisionAmount", "ProvisionMatrix", "fit_provision", "provision_from_counts"]

FloatArray = NDArray[np.float64]
MINIMUM_LOSERS = 2
"""Customers with a write-off below which rates are not identified: deleting one must leave a loss."""


@dataclass(frozen=True, slots=True)
class ProvisionAmount:
    """A provision in currency units with its interval; `value` is None when only a bound is known."""

    value: float | None
    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class ProvisionMatrix:
    """Provision rates by ageing bucket and the amounts they give on the day of the snapshot.

    Parameters
    ----------
    as_of : Timestamp
        Day of the snapshot.
    currency : str
        Currency of all amounts.
    table : DataFrame
        bucket, balance, rate, ci_low, ci_high, provision, method; rates are fractions of the balance. Without
        identified losses rate and provision are missing and ci_high is a bound.
    total : ProvisionAmount
        Sum of the provisions, interval for the rates with today's balances taken as given.
    realised : DataFrame
        The second path: bucket, balance (past month ends, summed), rate, ci_low, ci_high, provision, method.
    realised_total : ProvisionAmount
        The second path on today's balances.
    conventions : dict of str to str
        All choices that another hand needs to arrive at the same figures.
    identified : bool
        Whether at least two customers were written off in the window.
    diagnostics : dict
        Customers, customers with losses, terminal loss, flows, balances left out.
    """

    as_of: pd.Timestamp
    currency: str
    table: pd.DataFrame
    total: ProvisionAmount
    realised: pd.DataFrame
    realised_total: ProvisionAmount
    conventions: dict[str, str]
    identified: bool
    diagnostics: dict[str, Any]

    def predict(self, snapshot: Snapshot) -> pd.DataFrame:
        """Apply the rates to the balances of a snapshot (the fitted one or another).

        Returns
        -------
        DataFrame
            bucket, balance, rate, provision; each provision rounded to the cent, so that they add up.

        Raises
        ------
        ModelError
            If the rates are not identified.
        """
        if not self.identified:
            raise ModelError("the ledger gives bounds, not rates: there is nothing to apply")
        balances = make_provision_counts(snapshot, 1, self.diagnostics["edges"]).today.sum(axis=0)
        rates = self.table["rate"].to_numpy(dtype=float)
        out = self.table[["bucket"]].assign(balance=balances.round(2), rate=rates)
        return out.assign(provision=apply_rates(balances, rates))

    @property
    def comparison(self) -> pd.DataFrame:
        """Both paths side by side with the reason why they differ, by bucket."""
        return provision_page.compare_paths(self)

    def finding(self) -> str:
        """The amount with its range, or why there is only a bound, in one sentence."""
        return provision_page.describe_matrix(self)

    def to_table(self, name: str = "provision_rates") -> Table:
        """Balance, rate and provision by bucket with their intervals, and the total."""
        return provision_page.rates_table(self, name)

    def paths_table(self, name: str = "provision_paths") -> Table:
        """The two paths to the rates side by side, and why they differ."""
        return provision_page.paths_table(self, name)

    def conventions_table(self, name: str = "provision_conventions") -> Table:
        """Every choice behind the figures."""
        return provision_page.conventions_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Rates by bucket on both paths, with their intervals; bounds when there are no rates."""
        return provision_page.plot_rates(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        choices = "; ".join(f"{key}: {value}" for key, value in self.conventions.items())
        return frame_html(table.frame, table.title, f"{table.note} {choices}", table.formats)

    def __repr__(self) -> str:
        return f"ProvisionMatrix({self.as_of:%Y-%m-%d}, {self.finding()})"


def fit_provision(
    snapshot: Snapshot,
    months: int = 24,
    edges: Sequence[int] = (30, 60, 90),
    averaging: Averaging = "volume",
    write_offs: WriteOffs = "migrated",
    not_due: NotDue = "falling_due",
    terminal_loss: float | None = None,
    horizon: int = 12,
    level: float = 0.95,
) -> ProvisionMatrix:
    """Provision rates by bucket: net flow rates of the last months, and the realised path beside them.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    months : int
        Window of monthly flows.
    edges : sequence of int
        Days overdue at which a bucket ends.
    averaging : {"volume", "simple"}
        See `flow_rates`.
    write_offs, not_due, horizon
        See `make_provision_counts`.
    terminal_loss : float, optional
        Share lost of what reaches the last bucket. By default from the ledger: write-offs net of recoveries
        over everything that left the last bucket in the window.
    level : float
        Coverage of the intervals.

    Returns
    -------
    ProvisionMatrix
        With fewer than two written-off customers `identified` is False and the table holds bounds.

    Raises
    ------
    ModelError
        If the ledger is younger than two month ends or an argument is not allowed.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> matrix = fit_provision(read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31"))
    >>> matrix.identified, matrix.total.value, matrix.total.high
    (False, None, 150.0)
    """
    counts = make_provision_counts(snapshot, months, edges, not_due, write_offs, horizon)
    choices = {
        "averaging": averaging,
        "write_offs": write_offs,
        "not_due": not_due,
        "terminal_loss": terminal_loss,
    }
    return provision_from_counts(counts, snapshot.date, snapshot.currency, choices, level)


def provision_from_counts(
    counts: ProvisionCounts, as_of: pd.Timestamp, currency: str, choices: dict[str, Any], level: float = 0.95
) -> ProvisionMatrix:
    """Rates, intervals and amounts from the counts; `choices` as `fit_provision` makes them."""
    losers = int((counts.written_off > 0).sum())
    identified = losers >= MINIMUM_LOSERS
    balances = counts.today.sum(axis=0)
    past, past_lost = counts.seasoned, counts.seasoned_lost
    if identified:
        rates, without = _flow_path(counts, choices["averaging"], choices["terminal_loss"])
        exposed, hit = counts.balances.max(axis=1) > 0, counts.written_off > 0
        table, total = _with_intervals(balances, rates, without, exposed, hit, level)
    else:
        table, total = _bounds(balances, past > 0, past_lost > 0, level)
    if identified and (past_lost.sum(axis=1) > 0).sum() >= MINIMUM_LOSERS:
        ratio = _ratio(past_lost.sum(0), past.sum(0))
        loo = _ratio(past_lost.sum(0) - past_lost, past.sum(0) - past)
        hit = past_lost.sum(axis=1) > 0
        realised, realised_total = _with_intervals(balances, ratio, loo, past > 0, hit, level)
    else:
        realised, realised_total = _bounds(balances, past > 0, past_lost > 0, level)
    labels = bucket_labels(counts.edges)
    table.insert(0, "bucket", labels)
    realised.insert(0, "bucket", labels)
    return ProvisionMatrix(
        as_of,
        currency,
        table,
        total,
        realised.assign(balance=past.sum(axis=0)),
        realised_total,
        describe_conventions(counts, choices, level, losers),
        identified,
        _diagnostics(counts, losers, choices),
    )


def _flow_path(
    counts: ProvisionCounts, averaging: Averaging, terminal: float | None
) -> tuple[FloatArray, FloatArray]:
    """Rates with all customers, and without each: shapes (buckets,) and (customers, buckets)."""

    def rates(arrived: FloatArray, left: FloatArray, lost: FloatArray, ended: FloatArray) -> FloatArray:
        flows = average_flows(np.maximum(arrived, 0.0), np.maximum(left, 0.0), averaging)
        last = _ratio(lost, ended) if terminal is None else np.full(lost.shape, terminal)
        return chain_rates(np.nan_to_num(flows, nan=1.0), np.nan_to_num(last, nan=1.0))

    lost, ended = counts.lost.sum(axis=1), counts.ended.sum(axis=1)
    arrived, left = counts.arrived.sum(axis=0), counts.left.sum(axis=0)
    everyone = rates(arrived, left, lost.sum(), ended.sum())
    without = rates(arrived - counts.arrived, left - counts.left, lost.sum() - lost, ended.sum() - ended)
    return everyone, without


def _with_intervals(
    balances: FloatArray,
    rates: FloatArray,
    without: FloatArray,
    exposed: NDArray[np.bool_],
    hit: NDArray[np.bool_],
    level: float,
) -> tuple[pd.DataFrame, ProvisionAmount]:
    ranges = [
        _interval(float(rates[j]), without[exposed[:, j], j], hit, exposed[:, j], level)
        for j in range(rates.size)
    ]
    rates = np.nan_to_num(rates, nan=0.0)
    table = _table(balances, rates, ranges)
    provision = table["provision"].to_numpy(dtype=float)
    balance = float(balances.sum())
    if balance <= 0:
        return table, ProvisionAmount(0.0, 0.0, 0.0, level, "nothing is owed")
    anyone: NDArray[np.bool_] = np.asarray(exposed.any(axis=1))
    loo = np.nan_to_num(without[anyone], nan=0.0) @ balances / balance
    overall = _interval(float(rates @ balances) / balance, loo, hit, anyone, level)
    value = float(provision.sum().round(2))
    low, high = min(overall.low * balance, value), max(overall.high * balance, value)
    return table, ProvisionAmount(value, low, high, level, overall.method)


def _interval(
    rate: float, without: FloatArray, hit: NDArray[np.bool_], exposed: NDArray[np.bool_], level: float
) -> Interval:
    """Jackknife where it exists, else exact on customers, widened to hold the estimate."""
    try:
        if np.isnan(rate):
            return Interval(0.0, 1.0, level, "no balance was ever seen: no bound")
        return jackknife_logit(float(rate), without, level)
    except ModelError:
        trials = int(exposed.sum())
        events = int((hit & exposed).sum())
        if events == 0:
            bound = upper_bound(0, trials, level)
            return Interval(0.0, max(bound.high, float(rate)), level, f"{bound.method}, customers")
        exact = clopper_pearson(events, trials, level)
        low, high = min(exact.low, float(rate)), max(exact.high, float(rate))
        return Interval(low, high, level, "Clopper-Pearson, customers")


def _bounds(
    balances: FloatArray, exposed: NDArray[np.bool_], hit: NDArray[np.bool_], level: float
) -> tuple[pd.DataFrame, ProvisionAmount]:
    """Upper bounds by bucket and in total when losses are too few for a rate."""
    ranges = [_bound(hit[:, j], exposed[:, j], level) for j in range(balances.size)]
    table = _table(balances, np.full(balances.size, np.nan), ranges)
    customers, losers = int(exposed.any(axis=1).sum()), int(hit.any(axis=1).sum())
    pooled = upper_bound(losers, customers, level)
    method = f"one-sided Clopper-Pearson, {losers} of {customers} customers lost, all of a balance at stake"
    return table, ProvisionAmount(None, 0.0, pooled.high * float(balances.sum()), level, method)


def _bound(hit: NDArray[np.bool_], exposed: NDArray[np.bool_], level: float) -> Interval:
    if not exposed.any():
        return Interval(0.0, 1.0, level, "no balance was ever seen: no bound")
    return upper_bound(int(hit.sum()), int(exposed.sum()), level)


def _table(balances: FloatArray, rates: FloatArray, ranges: list[Interval]) -> pd.DataFrame:
    known = np.isfinite(rates)
    provision = np.where(known, apply_rates(balances, np.where(known, rates, 0.0)), np.nan)
    return pd.DataFrame(
        {
            "balance": balances.round(2),
            "rate": rates,
            "ci_low": [r.low for r in ranges],
            "ci_high": [r.high for r in ranges],
            "provision": provision,
            "method": [r.method for r in ranges],
        }
    )


def _diagnostics(counts: ProvisionCounts, losers: int, choices: dict[str, Any]) -> dict[str, Any]:
    flows = average_flows(counts.arrived.sum(axis=0), counts.left.sum(axis=0), choices["averaging"])
    return {
        "edges": counts.edges,
        "customers": int(counts.customers.size),
        "customers_with_losses": losers,
        "flows": flows,
        "terminal_loss": float(_ratio(counts.lost.sum(), counts.ended.sum()))
        if choices["terminal_loss"] is None
        else float(choices["terminal_loss"]),
        "written_off": float(counts.written_off.sum()),
        "late_write_off_share": counts.facts["late_write_off_share"],
        "largest_loser_share": float(counts.written_off.max() / counts.written_off.sum()) if losers else None,
    }


def _ratio(part: Any, whole: Any) -> FloatArray:
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    ratio = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return np.asarray(np.clip(ratio, 0.0, 1.0), dtype=float)
