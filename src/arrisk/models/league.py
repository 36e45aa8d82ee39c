"""Comparing units by a rate: small units shrunk to the rest, ranks with their intervals.

A table of raw rates is led and ended by its smallest units, whose rates are mostly chance. Goldstein and
Spiegelhalter (1996), "League tables and their limitations", Journal of the Royal Statistical Society A 159,
385-443, ask for two things before a rank is read: shrinkage and the interval of the rank itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models import league_page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["League", "Posterior", "Standing", "fit_league", "pooled_variance", "shrink"]

FloatArray = NDArray[np.float64]
Compare = Literal["rate", "mix"]
NOT_GIVEN = "not given"
WIDEST = 0.5
STEPS = 400
APART = 0.95


class Standing(Protocol):
    """What can be compared: facts by unit and cluster, as `make_attainment` and `make_rankings` give them.

    `cells` has the columns unit, cluster (what varies on its own: a customer), base (amount), part (amount of
    it that counts) and, for `compare="mix"`, expected (what of base would count at the average of its mix).
    """

    @property
    def cells(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def by(self) -> str: ...  # noqa: D102
    @property
    def measure(self) -> str: ...  # noqa: D102
    @property
    def first(self) -> str: ...  # noqa: D102
    @property
    def as_of(self) -> pd.Timestamp: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Posterior:
    """The rates of the units given the data: mixture over the spread between units.

    Attributes
    ----------
    mean : array of shape (units,)
        Posterior means: the shrunk rates.
    own : array of shape (units,)
        Weight of the unit's own rate in it, 0 to 1; the rest is the rate of all.
    draws : array of shape (draws, units)
    """

    mean: FloatArray
    own: FloatArray
    draws: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class League:
    """Units by a rate, with what of their order is more than chance.

    Attributes
    ----------
    table : DataFrame
        One row a unit, in order of the shrunk rate: the unit (column named as `by`), clusters, base,
        rate (raw), shrunk, ci_low, ci_high, own_weight, rank, rank_low, rank_high, p_first, p_last. Rates are
        fractions.
    by, measure : str
        What the units are, and what the rate says.
    first : {"high", "low"}
        Whether the highest or the lowest rate is rank 1.
    compare : {"rate", "mix"}
        Whether rates are as they are or with the mix of customers taken out.
    as_of : Timestamp
    level : float
        Level of the intervals of rates and ranks.
    apart, pairs : int
        Pairs of units whose order has at least 95% probability, and all pairs.
    error : float
        Monte Carlo standard error of a probability, at most.
    """

    table: pd.DataFrame
    by: str
    measure: str
    first: str
    compare: Compare
    as_of: pd.Timestamp
    level: float
    apart: int
    pairs: int
    error: float

    @property
    def identified(self) -> bool:
        """Whether there are two units to compare."""
        return self.pairs > 0

    def finding(self) -> str:
        """What of the order is more than chance, in one sentence."""
        return league_page.describe_league(self)

    def to_table(self, name: str = "league", rows: int = 10) -> Table:
        """The first rows in order, raw beside shrunk."""
        return league_page.league_table(self, name, rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Raw and shrunk rates with intervals, and the interval of each rank."""
        return league_page.plot_league(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def fit_league(
    standing: Standing,
    seed: int,
    compare: Compare = "rate",
    draws: int = 4000,
    level: float = 0.9,
) -> League:
    """Shrink the rates of units and say how sure their ranks are.

    Parameters
    ----------
    standing : Standing
        Facts by unit and customer: an `Attainment`, or anything with its columns.
    seed : int
        Root of the draws of ranks.
    compare : {"rate", "mix"}
        Compare rates as they are, or the rate of all plus what the unit is above or below what its mix of
        customers would give (indirect standardisation).
    draws : int
    level : float
        Level of the intervals.

    Returns
    -------
    League
        Units called "not given" are left out. With fewer than two units there is nothing to compare and the
        table has no intervals.

    Raises
    ------
    ModelError
        If an argument is not allowed.

    Notes
    -----
    The rate of unit u is r = sum of part / sum of base over its clusters. Its sampling variance is
    v = s2 * sum(base^2) / (sum base)^2 with one s2 for all units, by moments (`pooled_variance`). Rates are
    normal around their own means, those normal around a common one with standard deviation tau: Morris
    (1983), "Parametric empirical Bayes inference", Journal of the American Statistical Association 78, 47-55.
    Tau is not plugged in, since an estimate of zero would call all units equal; it is integrated over a flat
    prior on 0 to 0.5 (Gelman et al., *Bayesian Data Analysis*, section 5.4).

    A customer that buys from two units counts in both, as if it were two.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> cells = pd.DataFrame({"unit": ["a", "a", "b", "b"], "cluster": ["1", "2", "3", "4"],
    ...     "base": [10.0, 20.0, 10.0, 30.0], "part": [9.0, 20.0, 2.0, 5.0]})
    >>> facts = SimpleNamespace(cells=cells, by="team", measure="collected", first="high",
    ...     as_of=pd.Timestamp("2025-12-31"))
    >>> fit_league(facts, seed=1).table["team"].tolist()
    ['a', 'b']
    """
    if compare not in ("rate", "mix") or not 0 < level < 1 or draws < 100:
        raise ModelError(
            f"compare={compare!r}, level={level}, draws={draws}: allowed are 'rate' and 'mix', a level "
            "between 0 and 1, at least 100 draws"
        )
    cells = _counted(standing.cells, compare)
    units = _sums(cells)
    n = len(units)
    pairs = n * (n - 1) // 2
    error = float(0.5 / np.sqrt(draws))
    if pairs == 0:
        columns = ["shrunk", "ci_low", "ci_high", "own_weight", "rank", "rank_low", "rank_high"]
        table = units.assign(**dict.fromkeys([*columns, "p_first", "p_last"], np.nan))
        return _league(standing, table, compare, level, 0, 0, error)
    variance = pooled_variance(cells) * units["concentration"].to_numpy()
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    posterior = shrink(units["rate"].to_numpy(), variance, draws, generator)
    table, apart = _with_ranks(units, posterior, str(standing.first), level)
    return _league(standing, table, compare, level, apart, pairs, error)


def pooled_variance(cells: pd.DataFrame) -> float:
    """Variance of a cluster's rate around the rate of its unit, the same for all units, by moments.

    Parameters
    ----------
    cells : DataFrame
        unit, base, part; one row a cluster.

    Returns
    -------
    float
        With d = base, x = part and r = sum x / sum d of the unit: sum (x - r d)^2 over all clusters, over its
        expectation for a variance of one, the sum over units of (S2 - 2 S3 / S1 + S2^2 / S1^2) with
        S_k = sum d^k. Where no cluster differs from its unit: what n clusters that are all alike leave
        possible, p (1 - p) with p = (n r + 1/2) / (n + 1).

    Examples
    --------
    >>> pooled_variance(pd.DataFrame({"unit": ["a"] * 2, "base": [1.0, 1.0], "part": [0.0, 1.0]}))
    0.5
    """
    unit = pd.factorize(cells["unit"])[0]
    d, x = (cells[column].to_numpy(dtype=float) for column in ("base", "part"))
    s1, s2, s3 = (np.bincount(unit, weights=d**k) for k in (1, 2, 3))
    rate = np.bincount(unit, weights=x) / s1
    expected = float((s2 - 2 * s3 / s1 + (s2 / s1) ** 2).sum())
    found = float(((x - rate[unit] * d) ** 2).sum())
    least = 1e-12 * float(s2.sum())
    if expected > least and found > least:
        return found / expected
    n = len(cells)
    p = (n * min(max(float(x.sum() / d.sum()), 0.0), 1.0) + 0.5) / (n + 1)
    return p * (1 - p)


def shrink(rates: FloatArray, variances: FloatArray, draws: int, generator: np.random.Generator) -> Posterior:
    """Posterior of normal means whose spread is unknown, by summing over a grid of spreads.

    Parameters
    ----------
    rates, variances : array of shape (units,)
        Raw rates and their sampling variances, above zero.
    draws : int
    generator : Generator

    Returns
    -------
    Posterior
        For a spread tau: mean = own * rate + (1 - own) * mu, own = tau^2 / (tau^2 + variance), mu the mean
        weighted by 1 / (tau^2 + variance); averaged over the posterior of tau.

    Examples
    --------
    >>> found = shrink(np.array([0.2, 0.8]), np.array([0.01, 0.01]), 1000, np.random.default_rng(1))
    >>> bool(0.2 < found.mean[0] < 0.5), round(float(found.mean.sum()), 6)
    (True, 1.0)
    """
    edges = WIDEST * np.linspace(0.0, 1.0, STEPS + 1) ** 2
    tau2 = ((edges[1:] + edges[:-1]) / 2)[:, None] ** 2
    precision = 1.0 / (variances + tau2)
    mu_variance = 1.0 / precision.sum(axis=1, keepdims=True)
    mu = (precision * rates).sum(axis=1, keepdims=True) * mu_variance
    log = (
        np.log(np.diff(edges))
        + 0.5 * np.log(mu_variance[:, 0])
        + 0.5 * np.log(precision).sum(axis=1)
        - 0.5 * (precision * (rates - mu) ** 2).sum(axis=1)
    )
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    own = tau2 * precision
    mean = own * rates + (1 - own) * mu
    pick = generator.choice(STEPS, size=draws, p=weight)
    centre = mu[pick] + np.sqrt(mu_variance[pick]) * generator.standard_normal((draws, 1))
    spread = np.sqrt(own[pick] * variances)
    drawn = own[pick] * rates + (1 - own[pick]) * centre
    drawn = drawn + spread * generator.standard_normal((draws, len(rates)))
    return Posterior(weight @ mean, weight @ own, drawn)


def _counted(cells: pd.DataFrame, compare: Compare) -> pd.DataFrame:
    """Cells of named units, with the mix taken out where that is asked for."""
    out = cells[cells["unit"] != NOT_GIVEN].reset_index(drop=True)
    if compare == "mix" and len(out):
        level = out["part"].sum() / out["base"].sum()
        out["part"] = out["part"] - out["expected"] + level * out["base"]
    return out


def _sums(cells: pd.DataFrame) -> pd.DataFrame:
    """Unit, clusters, base, rate, and concentration: one over the effective number of clusters."""
    groups = cells.assign(square=cells["base"] ** 2).groupby("unit")
    sums = groups[["base", "part", "square"]].sum()
    return pd.DataFrame(
        {
            "unit": sums.index.to_numpy(dtype=object),
            "clusters": groups["cluster"].nunique().to_numpy(),
            "base": sums["base"].to_numpy(),
            "rate": (sums["part"] / sums["base"]).to_numpy(),
            "concentration": (sums["square"] / sums["base"] ** 2).to_numpy(),
        }
    )


def _with_ranks(
    units: pd.DataFrame, posterior: Posterior, first: str, level: float
) -> tuple[pd.DataFrame, int]:
    """Units in order, with shrunk rates, intervals and ranks; and how many pairs can be told apart."""
    sign = 1.0 if first == "low" else -1.0
    ranks = np.argsort(np.argsort(sign * posterior.draws, axis=1), axis=1) + 1
    tails = ((1 - level) / 2, (1 + level) / 2)
    low, high = np.clip(np.quantile(posterior.draws, tails, axis=0), 0.0, 1.0)
    least, most = np.quantile(ranks, tails, axis=0, method="inverted_cdf")
    out = units.assign(
        shrunk=np.clip(posterior.mean, 0.0, 1.0), ci_low=low, ci_high=high, own_weight=posterior.own,
        rank_low=least.astype(np.int64), rank_high=most.astype(np.int64),
        p_first=(ranks == 1).mean(axis=0), p_last=(ranks == len(units)).mean(axis=0),
    )  # fmt: skip
    out = out.iloc[np.argsort(sign * posterior.mean, kind="stable")].reset_index(drop=True)
    out.insert(list(out.columns).index("rank_low"), "rank", np.arange(1, len(out) + 1))
    return out, _pairs_apart(posterior.draws)


def _pairs_apart(draws: FloatArray) -> int:
    """Pairs of units of which one is above the other in at least 95% of the draws."""
    count = 0
    for u in range(draws.shape[1] - 1):
        above = (draws[:, [u]] > draws[:, u + 1 :]).mean(axis=0)
        count += int(((above >= APART) | (above <= 1 - APART)).sum())
    return count


def _league(
    standing: Standing,
    table: pd.DataFrame,
    compare: Compare,
    level: float,
    apart: int,
    pairs: int,
    error: float,
) -> League:
    shown = table.drop(columns="concentration").rename(columns={"unit": standing.by})
    return League(
        shown,
        standing.by,
        standing.measure,
        standing.first,
        compare,
        standing.as_of,
        level,
        apart,
        pairs,
        error,
    )
