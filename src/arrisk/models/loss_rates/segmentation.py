"""Evidence on segments: whether customers' attributes divide them into groups that lose differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.intervals import clopper_pearson
from arrisk.models.loss_rates import segmentation_page as page
from arrisk.models.loss_rates.fit import METHODS
from arrisk.models.loss_rates.out_of_time import PastDay, past_days, segment_gain
from arrisk.models.loss_rates.segments import find_attributes, segment_customers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = [
    "FEWEST_LOSERS",
    "SegmentationEvidence",
    "compare_segments",
    "permutation_p_value",
    "spread_of_shares",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEWEST_LOSERS = 10
"""Customers with a loss below which no verdict is given."""
SIGNIFICANT = 0.05
AT_ONCE = 50
"""Permutations drawn from one child of the seed."""
SEGMENT, POOL, UNKNOWN = "segment", "pool", "the data cannot say"


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationEvidence:
    """Whether segments of customers differ in loss; make one with `compare_segments`.

    Attributes
    ----------
    as_of : Timestamp
    table : DataFrame
        A row an attribute: attribute, segments (their number), customers, losers, p (by permutation),
        p_error (its Monte Carlo standard error), p_holm (adjusted over the attributes), gain, gain_low,
        gain_high (fractions: how much more rates by segment had set aside where money was lost later, see
        `segment_gain`; missing without a past day to test on), verdict ("segment", "pool" or "the data
        cannot say"), reason.
    segments : DataFrame
        A row a segment: attribute, segment, customers, losers, losers_share, low, high (exact interval of
        the share of customers with a loss), settled, lost (currency units), lost_share. Fractions.
    level : float
        Of all intervals.
    conventions : dict of str to str
    diagnostics : dict
        draws, seed, method, days (past days tested on).
    """

    as_of: pd.Timestamp
    table: pd.DataFrame
    segments: pd.DataFrame
    level: float
    conventions: dict[str, str]
    diagnostics: dict[str, Any] = field(default_factory=dict)

    def finding(self) -> str:
        """What to do with each attribute, in one sentence."""
        return page.describe_segmentation(self)

    def to_table(self, name: str = "segmentation") -> Table:
        """Test, gain and verdict by attribute."""
        return page.show_attributes(self, name)

    def segments_table(self, name: str = "segment_losses") -> Table:
        """Customers, losers and loss shares by segment."""
        return page.show_segments(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of customers with a loss in each segment, with its interval, against that of all."""
        return page.plot_segments(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def compare_segments(
    snapshot: Snapshot,
    attributes: Sequence[str] | None = None,
    method: str = "competing",
    draws: int = 4000,
    seed: int = 0,
    level: float = 0.95,
    followed: int = 12,
    every: int = 6,
) -> SegmentationEvidence:
    """Say by attribute whether segments differ in loss and their own rates tell later losses better.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used. Attributes of customers have no history: they are today's.
    attributes : sequence of str, optional
        Of customers; by default those with few values (`find_attributes`). Each must have two values or more,
        and at least two customers a value on average.
    method : str
        A key of `METHODS`: how the rates of past days are made.
    draws : int
        Permutations of customers between segments.
    seed : int
    level : float
        Of intervals.
    followed : int
        Months over which what was owed on a past day must have been followed.
    every : int
        Months between past days.

    Raises
    ------
    ModelError
        If an attribute is unknown, named twice or makes no segments, or another argument is not usable.

    Notes
    -----
    The test permutes whole customers (their settled money and losses together) between segments; the
    statistic is the variance of loss shares between segments weighted by money. The p-value counts the
    observed division as one of the draws (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010), and Holm
    (1979) adjusts over the attributes. What counts as chance are customers of any size in any segment.

    Verdict: with fewer than 10 customers that lost, or no past day to test on, the data cannot say. Else
    "segment" when the adjusted p-value is at most 0.05 and the gain on later losses is above zero with its
    whole interval; "pool" when neither the p-value is that small nor the gain above zero; otherwise the data
    cannot say.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> from arrisk.ledger.sample.generator import make_sample
    >>> snapshot = read_ledger(make_sample(invoices=2000, seed=1), currency="EUR").as_of("2025-12-31")
    >>> compare_segments(snapshot, ["segment"], draws=200).table["verdict"].tolist()
    ['the data cannot say']
    """
    attributes = find_attributes(snapshot) if attributes is None else attributes
    _check(attributes, method, draws, followed, every)
    people = _settled(snapshot)
    seeds = np.random.SeedSequence(seed).spawn(len(attributes))
    days = past_days(snapshot, METHODS[method], followed, every)
    rows, parts = [], []
    for by, child in zip(attributes, seeds, strict=True):
        names, place = segment_customers(snapshot, people.index.to_numpy(dtype=str), by)
        _check_segments(by, names, len(people))
        parts.append(_segments_of(by, names, place, people, level))
        tested = _test(people, place, draws, child)
        rows.append(
            (by, len(names), len(people), int((people["lost"] > 0).sum()), *tested, *_gain(days, by, level))
        )
    table = pd.DataFrame(
        rows, columns=["attribute", "segments", "customers", "losers", "p", "p_error", *page.GAINS]
    )
    adjusted = multipletests(table["p"].to_numpy(), method="holm")[1] if rows else []
    table.insert(6, "p_holm", adjusted)
    judged = [
        _judge(*row)
        for row in table[["losers", "p_holm", "gain", "gain_low"]].itertuples(index=False, name=None)
    ]
    verdicts = pd.DataFrame(judged, index=table.index, columns=["verdict", "reason"])
    facts = {"draws": draws, "seed": seed, "method": method, "days": [day.then.date for day in days]}
    return SegmentationEvidence(
        snapshot.date,
        table.join(verdicts),
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["attribute", "segment"]),
        level,
        _conventions(facts, followed),
        facts,
    )


def spread_of_shares(lost: Floats, settled: Floats) -> Floats:
    """Variance of loss shares between segments, weighted by money, over the last axis.

    Examples
    --------
    >>> round(float(spread_of_shares(np.array([0.0, 2.0]), np.array([10.0, 10.0]))), 6)
    0.01
    """
    whole = settled.sum(axis=-1, keepdims=True)
    share = np.divide(lost, settled, out=np.zeros_like(lost), where=settled > 0)
    middle = lost.sum(axis=-1, keepdims=True) / whole
    return np.asarray((settled * (share - middle) ** 2).sum(axis=-1) / whole[..., 0], dtype=float)


def permutation_p_value(
    lost: Floats, settled: Floats, segment: Ints, draws: int, seed: np.random.SeedSequence
) -> tuple[float, float]:
    """Chance of a spread of loss shares as wide as this when customers fall into segments at random.

    Parameters
    ----------
    lost, settled : arrays of shape (customers,)
        Money lost, and money that was settled in any way.
    segment : array of int, shape (customers,)
    draws : int
    seed : SeedSequence
        Each chunk of draws has a child of its own.

    Returns
    -------
    p, error : float
        (1 + draws as wide) / (1 + draws), and its Monte Carlo standard error.
    """
    size = int(segment.max()) + 1

    def spread(places: Ints) -> Floats:
        flat = (places + size * np.arange(len(places))[:, None]).reshape(-1)
        lost_sum, settled_sum = (
            np.bincount(flat, np.tile(part, len(places)), size * len(places)).reshape(-1, size).astype(float)
            for part in (lost, settled)
        )
        return spread_of_shares(lost_sum, settled_sum)

    observed = float(spread(segment[None])[0]) * (1 - 1e-9)
    sizes = [min(AT_ONCE, draws - begin) for begin in range(0, draws, AT_ONCE)]
    wide = 0
    for count, child in zip(sizes, seed.spawn(len(sizes)), strict=True):
        places = np.random.default_rng(child).permuted(np.tile(segment, (count, 1)), axis=1)
        wide += int((spread(places) >= observed).sum())
    p = (1 + wide) / (1 + draws)
    return p, float(np.sqrt(p * (1 - p) / draws))


def _settled(snapshot: Snapshot) -> pd.DataFrame:
    """Settled and lost money by customer that settled anything, currency units, sorted by name."""
    items = snapshot.items
    frame = pd.DataFrame(
        {
            "settled": items["amount"] - items["open_amount"],
            "lost": items["written_off_amount"] - items["recovered_amount"],
        }
    )
    sums = frame.groupby(items["customer_id"].astype(str)).sum().clip(lower=0.0).sort_index()
    return sums[sums["settled"] > 0]


def _test(people: pd.DataFrame, place: Ints, draws: int, seed: np.random.SeedSequence) -> tuple[float, float]:
    lost, settled = (people[name].to_numpy(dtype=float) for name in ("lost", "settled"))
    return permutation_p_value(lost, settled, place, draws, seed) if lost.any() else (1.0, 0.0)


def _gain(days: Sequence[PastDay], by: str, level: float) -> tuple[float, float, float]:
    if not days:
        return (np.nan,) * 3
    gain, span = segment_gain(days, by, level)
    return gain, span.low, span.high


def _judge(losers: int, p_holm: float, gain: float, gain_low: float) -> tuple[str, str]:
    """The verdict and its reason."""
    if losers < FEWEST_LOSERS:
        people = {0: "no customer", 1: "one customer"}.get(losers, f"{losers} customers")
        return UNKNOWN, f"{people} lost anything, and a verdict needs {FEWEST_LOSERS}"
    if np.isnan(gain):
        return UNKNOWN, "no past day to test rates on later losses"
    apart = p_holm <= SIGNIFICANT
    chance = "losses differ by more than chance" if apart else "losses differ no more than by chance"
    if apart and gain_low > 0:
        return SEGMENT, f"{chance}, and rates by it told later losses better"
    if not apart and gain <= 0:
        return POOL, f"{chance}, and rates by it told later losses no better"
    told = "better" if gain_low > 0 else "perhaps better, within chance" if gain > 0 else "no better"
    return UNKNOWN, f"{chance}; rates by it told later losses {told}"


def _segments_of(
    by: str, names: tuple[str, ...], place: Ints, people: pd.DataFrame, level: float
) -> pd.DataFrame:
    lost = people["lost"].to_numpy(dtype=float)
    customers, losers = np.bincount(place), np.bincount(place, lost > 0).astype(np.int64)
    spans = [clopper_pearson(int(k), int(n), level) for k, n in zip(losers, customers, strict=True)]
    money = [np.bincount(place, people[name]).astype(float).round(2) for name in ("settled", "lost")]
    return pd.DataFrame(
        {
            "attribute": by,
            "segment": list(names),
            "customers": customers,
            "losers": losers,
            "losers_share": losers / customers,
            "low": [span.low for span in spans],
            "high": [span.high for span in spans],
            "settled": money[0],
            "lost": money[1],
            "lost_share": money[1] / money[0],
        }
    )


def _conventions(facts: dict[str, Any], followed: int) -> dict[str, str]:
    days = ", ".join(f"{day:%Y-%m-%d}" for day in facts["days"])
    return {
        "loss share": "written off net of recoveries over what was settled, money of all time",
        "test": f"{facts['draws']:,} permutations of customers between segments, seed {facts['seed']}; Holm",
        "rates": f"{facts['method']}, credible by segment against all together, at the same total",
        "past days": days or f"none: with losses before and in the {followed} months or more after",
        "gain": "how much more rates by segment had set aside for a unit of money lost later, geometric mean",
    }


def _check(attributes: Sequence[str], method: str, draws: int, followed: int, every: int) -> None:
    if isinstance(attributes, str) or len(set(attributes)) < len(attributes):
        raise ModelError(f"attributes are a list of names, each once, not {attributes!r}")
    if method not in METHODS:
        raise ModelError(f"method is one of {sorted(METHODS)}, not {method!r}")
    if min(draws, followed, every) < 1:
        raise ModelError(f"draws={draws}, followed={followed}, every={every}: each at least 1")


def _check_segments(by: str, names: tuple[str, ...], customers: int) -> None:
    if len(names) < 2 or 2 * len(names) > customers:
        raise ModelError(
            f"{by!r} has {len(names)} values for {customers} customers: segments need at least two values, "
            "and two customers a value"
        )
