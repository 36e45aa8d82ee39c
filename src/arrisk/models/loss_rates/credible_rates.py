"""Loss rates of segments drawn towards those of all customers, as far as the segments' own say little."""

from __future__ import annotations

from dataclasses import dataclass, replace
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.models.loss_rates.credibility import Structure, credibility_factor, structure_of_sums
from arrisk.models.loss_rates.loss_counts import LossCounts, leave_one_out
from arrisk.models.loss_rates.loss_rates import LossRates, estimate_rates, make_rates
from arrisk.models.loss_rates.replicates import MINIMUM_LOSERS, Replicates, complete_rates
from arrisk.models.loss_rates.segments import ALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CredibleRates", "make_credible"]

Floats = NDArray[np.float64]
TINY = 1e-12
WIDTH = 75
FORMATS: dict[str, Format] = {
    **dict.fromkeys(("own_rate", "credible_rate", "all_together"), "percent"),
    "credibility": "percent",
}


@dataclass(frozen=True, slots=True, eq=False)
class CredibleRates:
    """How much each segment's own losses count; `LossRates.diagnostics["credibility"]`.

    Attributes
    ----------
    table : DataFrame
        segment, customers, losers, own_rate, all_together, credibility (Z, a fraction), credible_rate; rates
        are those of the mix of buckets that is owed today by all.
    structure : Structure
        Of customers' shares in the rate of their segment.
    as_of : Timestamp
    """

    table: pd.DataFrame
    structure: Structure
    as_of: pd.Timestamp

    def finding(self) -> str:
        """What the credibility comes to, in one sentence."""
        if self.structure.between <= 0:
            return "Nothing shows that segments differ: all take the rates of all customers together"
        z, names = self.table["credibility"].to_numpy(dtype=float), list(self.table["segment"])
        most, least = int(z.argmax()), int(z.argmin())
        return (
            f"A segment's own losses count for {z[least]:.0%} ({names[least]}) to {z[most]:.0%} "
            f"({names[most]}); half at {self.structure.k:,.0f} customers"
        )

    def to_table(self, name: str = "credibility") -> Table:
        """Own rate, rate of all together, credibility and what comes of them, by segment."""
        note = (
            "Credible rate = credibility x own rate + (1 - credibility) x rate of all together, for the mix "
            "of ages that is owed today. Credibility = customers / (customers + k), "
            f"k = {self.structure.k:,.1f}."
        )
        return Table(name, self.finding(), self.table, note, FORMATS)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Own and credible rate of each segment against the rate of all."""
        import matplotlib.pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        at = np.arange(len(self.table))
        own, credible = 100 * self.table["own_rate"], 100 * self.table["credible_rate"]
        ax.hlines(at, own, credible, color="0.6")
        ax.plot(own, at, "o", color="#D55E00", label="own losses alone")
        ax.plot(credible, at, "o", color="#0072B2", label="credible")
        ax.axvline(
            100 * self.table["all_together"].iloc[0], color="0.4", linestyle="--", label="all together"
        )
        ax.set_yticks(at, self.table["segment"])
        ax.set(xlabel="lost, % of what is owed today", title=fill(self.finding(), WIDTH))
        ax.legend()
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_credible(rates: LossRates) -> LossRates:
    """Draw the rates of segments towards those of all customers by their credibility (Buhlmann).

    Parameters
    ----------
    rates : LossRates
        As fitted, with at least two segments; overlays come afterwards.

    Returns
    -------
    LossRates
        ``Z x own rate + (1 - Z) x rate of all customers`` in every bucket, ``Z = n / (n + k)`` with n the
        customers of the segment. A segment without losses, or one that never stood in a bucket, gets a rate
        through the pool. ``diagnostics["credibility"]`` is a `CredibleRates`.

    Raises
    ------
    ModelError
        With a single segment, or if the rates were changed since they were fitted.

    Notes
    -----
    Members of a class are customers. The value of a customer is its share in the rate of its segment, the
    jackknife pseudo-value ``n R - (n - 1) R(without it)`` of the segment's rate R on the mix of buckets owed
    today. With equal exposures and one bucket that is the customer's loss ratio itself; with unequal ones it
    carries the concentration of money, which weights by exposure would not: one large customer is lost as a
    whole, not as many small ones. Variances as in `estimate_structure`.

    Leaving a customer out changes its own segment, the pool and, by leaving its value out, k and every Z. So
    the intervals hold the uncertainty of k. They are intervals of the credible rate: what a segment differs
    from it is not in them.

    The total need not be that of the rates of all together: segments owe today in other proportions than
    their history weighs, and larger segments keep more of their own rate. On unequal made-up segments it lies
    1 to 2% lower, with the same squared error against the truth.
    """
    counts, level = rates.counts, rates.total.level
    if len(counts.segments) < 2:
        raise ModelError("credibility weighs segments against each other, and there is only one")
    fitted = estimate_rates(counts, rates.as_of, rates.currency, level).replicates.rates
    if not np.array_equal(fitted, rates.replicates.rates, equal_nan=True):
        raise ModelError("make rates credible as they were fitted, before overlays")
    experience = _read_experience(counts)
    found = CredibleRates(_table(counts, experience), experience.structure, rates.as_of)
    replicates = _blend(counts, experience)
    words = {**rates.conventions, "credibility": f"Buhlmann, by customer. {found.finding()}"}
    return make_rates(rates.as_of, rates.currency, counts, replicates, words, level, credibility=found)


@dataclass(frozen=True, slots=True, eq=False)
class _Experience:
    """Rates of segments and of all, with and without each customer, and the sums that credibility needs.

    own (segments, buckets), every (buckets,); own_without, every_without (customers, buckets); z (segments,),
    z_without (customers, segments); mix (buckets,) sums to 1.
    """

    own: Floats
    every: Floats
    own_without: Floats
    every_without: Floats
    mix: Floats
    structure: Structure
    z: Floats
    z_without: Floats


def _read_experience(counts: LossCounts) -> _Experience:
    together = replace(counts, segments=(ALL,), segment=np.zeros_like(counts.segment))
    every = counts.rates(together.totals())[0]
    every_without, own_without = leave_one_out(together), leave_one_out(counts)
    every, every_without = complete_rates(every), complete_rates(every_without)
    stood = np.zeros((len(counts.segments), counts.buckets), dtype=bool)
    np.logical_or.at(stood, counts.segment, counts.exposed)
    own = counts.rates(counts.totals())
    own = np.where(stood & ~np.isnan(own), own, every)
    own_without = np.where(stood[counts.segment] & ~np.isnan(own_without), own_without, every_without)
    mix = _mix(counts)
    active = np.asarray(counts.exposed.any(axis=1), dtype=bool)
    values = _pseudo_values(counts, own @ mix, own_without @ mix, active)
    sums = _sums(counts, values, active)
    within, between = structure_of_sums(sums[0], sums[0], sums[1], sums[2])
    structure = Structure(float(every @ mix), float(within), float(between))
    single = np.stack([active.astype(float), values, values**2])[:, :, None]
    left = sums[:, None, :] - single * np.eye(len(counts.segments))[counts.segment]
    within, between = structure_of_sums(left[0], left[0], left[1], left[2])
    with np.errstate(divide="ignore", invalid="ignore"):
        k = np.where(between > 0, within / between, np.inf)
    z_without = left[0] / (left[0] + np.maximum(k, TINY)[:, None])
    z = credibility_factor(sums[0], structure.k)
    return _Experience(own, every, own_without, every_without, mix, structure, z, z_without)


def _mix(counts: LossCounts) -> Floats:
    """Share of each bucket in what is owed today, or in what customers stood in when nothing is owed."""
    owed = np.maximum(counts.balances().sum(axis=0), 0.0)
    weights = owed if owed.sum() > 0 else counts.exposed.sum(axis=0).astype(float)
    return np.asarray(weights / weights.sum(), dtype=float)


def _pseudo_values(counts: LossCounts, mean: Floats, without: Floats, active: NDArray[np.bool_]) -> Floats:
    n = np.bincount(counts.segment[active], minlength=len(counts.segments))[counts.segment]
    return np.asarray(np.where(active, n * mean[counts.segment] - (n - 1) * without, 0.0), dtype=float)


def _sums(counts: LossCounts, values: Floats, active: NDArray[np.bool_]) -> Floats:
    """Members, sum and sum of squares of values by segment, shape (3, segments)."""
    parts = (active.astype(float), values, values**2)
    return np.stack([np.bincount(counts.segment, part, len(counts.segments)) for part in parts])


def _blend(counts: LossCounts, seen: _Experience) -> Replicates:
    """Credible rates of all segments, with and without each customer."""
    customers, segments = seen.z_without.shape
    own = np.repeat(seen.own[None], customers, axis=0)
    own[np.arange(customers), counts.segment] = seen.own_without
    z, z_without = seen.z[:, None], seen.z_without[:, :, None]
    rates = z * seen.own + (1 - z) * seen.every
    without = z_without * own + (1 - z_without) * seen.every_without[:, None, :]
    shared = np.ones((segments, counts.buckets), dtype=bool)
    found = Replicates(
        rates, without, counts.segment, counts.exposed, counts.hit, counts.followed, counts.horizon, shared
    )
    if int(counts.hit.any(axis=1).sum()) < MINIMUM_LOSERS:
        return found.transform(lambda values: np.full_like(values, np.nan))
    return found


def _table(counts: LossCounts, seen: _Experience) -> pd.DataFrame:
    active, lost = counts.exposed.any(axis=1), counts.hit.any(axis=1)
    size = len(counts.segments)
    own, every = seen.own @ seen.mix, seen.structure.mean
    return pd.DataFrame(
        {
            "segment": list(counts.segments),
            "customers": np.bincount(counts.segment[active], minlength=size),
            "losers": np.bincount(counts.segment[lost], minlength=size),
            "own_rate": own,
            "all_together": every,
            "credibility": seen.z,
            "credible_rate": seen.z * own + (1 - seen.z) * every,
        }
    )
