"""Scores of the sales units: weighted terms, their ranks, and how little the ranks may mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.ledger.book import Snapshot
from arrisk.policy.incentives.measures import CAP, SalesSums, make_sales_sums, term_scores
from arrisk.policy.incentives.scheme import SCHEMES, SPREAD, Scheme, rank_ranges, weighted_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SalesScores", "score_sales"]

Floats = NDArray[np.float64]
DRAWS = 1000
LEVEL = 0.90
RANKS = ["score", "rank", "weights_low", "weights_high", "rank_low", "rank_high", "p_first"]


@dataclass(frozen=True, slots=True, eq=False)
class SalesScores:
    """Score and rank of every unit.

    Attributes
    ----------
    table : DataFrame
        unit, customers, one column a term (its score; missing where it cannot be known), score, rank (1 is
        first), weights_low and weights_high (best and worst rank when every weight may move by `spread`),
        rank_low and rank_high (interval of the rank when customers are redrawn), p_first (share of draws in
        which the unit is first); the best first.
    told_apart : int
        Pairs of units of which one is ahead in at least `level` of the draws.
    scheme : Scheme
    left_out : dict of term to str
        Terms that no score counts because some unit has none, and why.
    as_of : Timestamp
    unit : str
    grace_days, draws : int
    spread, level : float
    """

    table: pd.DataFrame
    told_apart: int
    scheme: Scheme
    left_out: dict[str, str]
    as_of: pd.Timestamp
    unit: str
    grace_days: int
    draws: int
    spread: float
    level: float

    @property
    def pairs(self) -> int:
        """All pairs of units."""
        return len(self.table) * (len(self.table) - 1) // 2

    @property
    def finding(self) -> str:
        """The result in a sentence."""
        if self.table.empty:
            return f"The ledger names no {self.unit}, so there is nobody to score."
        if self.table["score"].isna().all():
            return f"No term of the score is known for every {self.unit}, so nobody is ranked."
        first = self.table.iloc[0]
        return (
            f"{self.told_apart} of {self.pairs} pairs can be told apart; {first[self.unit]} leads with "
            f"{first['score']:.0f} points and is first in {first['p_first']:.0%} of the draws"
        )

    @property
    def conventions(self) -> str:
        """The conventions in words."""
        missing = "".join(
            f" Left out for all: {t.replace('_', ' ')} ({why})." for t, why in self.left_out.items()
        )
        return (
            f"Weights of {self.scheme}. 100 points: collected in time (grace {self.grace_days} days) as the "
            "same mix of customers pays on average, every new customer under a limit, overdue share at "
            f"quarter ends as a year before; a term counts up to {CAP:.0f}.{missing} Weights: best and worst "
            f"rank when each weight moves by up to {self.spread * 100:.0f} points. Rank: {self.level:.0%} "
            f"interval when customers are redrawn ({self.draws:,} Bayesian bootstrap draws; Monte Carlo "
            f"error of a share at most {0.5 / np.sqrt(self.draws):.1%})."
        )

    def to_table(self, name: str = "sales_scores") -> Table:
        """The scores ready to be shown."""
        points: dict[str, Format] = dict.fromkeys((*self.scheme.terms, "score"), "days")
        return Table(name, self.finding, self.table, self.conventions, {**points, "p_first": "percent"})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Rank of every unit with its interval: long bars mean that the order says little."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        if self.table["score"].notna().sum() < 2:
            ax.set_title(self.finding)
            ax.set_axis_off()
            return stamp(ax, self.as_of)
        place = np.arange(len(self.table))
        ax.hlines(place, self.table["rank_low"], self.table["rank_high"], color="#0072B2", lw=6, alpha=0.35,
                  label=f"{self.level:.0%} interval, customers redrawn")  # fmt: skip
        ax.hlines(place, self.table["weights_low"], self.table["weights_high"], color="#D55E00", lw=2,
                  label=f"weights moved by {self.spread * 100:.0f} points")  # fmt: skip
        ax.plot(self.table["rank"], place, "o", color="black", label="rank")
        ax.set_yticks(place, self.table[self.unit].astype(str))
        ax.invert_yaxis()
        ax.set_xticks(np.arange(1, len(self.table) + 1))
        ax.set_xlabel("rank, 1 is first")
        ax.set_title(f"{self.told_apart} of {self.pairs} pairs can be told apart")
        ax.legend(loc="upper right", frameon=True)
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def score_sales(
    snapshot: Snapshot,
    scheme: Scheme | None = None,
    unit: str = "salesperson",
    grace_days: int = 3,
    sums: SalesSums | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    spread: float = SPREAD,
    level: float = LEVEL,
) -> SalesScores:
    """Score salespeople (or departments) on the last year, and say how far the ranking can be trusted.

    Parameters
    ----------
    snapshot : Snapshot
    scheme : Scheme, optional
        Weights of collections, new-customer compliance and overdue reduction; 40/30/30 by default.
    unit : {"salesperson", "department"}
    grace_days : int
        Days after the due date that still count as in time.
    sums : SalesSums, optional
        From `make_sales_sums` of the same snapshot, unit and grace, when they are at hand.
    seed : int
    draws : int
        Bayesian bootstrap draws of customers (Rubin 1981).
    spread : float
        How far each weight may move, a fraction.
    level : float
        Of the interval of ranks.

    Returns
    -------
    SalesScores
        Without rows when the ledger names no unit.

    Raises
    ------
    ModelError
        If there are no draws, or the level is not between 0 and 1.

    Notes
    -----
    A term that one unit cannot have is left out for all and its weight shared among the others: scores on
    different terms cannot be compared. League tables without intervals mislead (Goldstein and Spiegelhalter
    1996, J. R. Stat. Soc. A 159: 385-443).
    """
    if draws < 1 or not 0 < level < 1:
        raise ModelError(f"draws={draws}, level={level}: at least one draw, a level between 0 and 1")
    scheme = Scheme("sales", SCHEMES["sales"]) if scheme is None else scheme
    sums = make_sales_sums(snapshot, unit, grace_days) if sums is None else sums
    values = term_scores(sums.totals(), sums.has_limits) if sums.units else np.empty((0, len(scheme.terms)))
    left_out = _left_out(values, scheme, sums)
    used = np.array([t not in left_out and w > 0 for t, w in scheme.weights.items()])
    drawn = _drawn_scores(sums, scheme.shares * used, seed, draws)
    table = _ranked(_named(sums, values, unit), values, drawn, scheme.shares * used, spread, level)
    apart = _told_apart(drawn, level)
    return SalesScores(table, apart, scheme, left_out, snapshot.date, unit, grace_days, draws, spread, level)


def _left_out(values: Floats, scheme: Scheme, sums: SalesSums) -> dict[str, str]:
    """Terms with a weight that some unit lacks, and why."""
    reasons = {
        "new_customer_compliance": "" if sums.has_limits else "the ledger gives no limits",
        "overdue_reduction": "" if sums.quarters else "the ledger does not reach back a year",
    }
    missing = np.isnan(values).sum(axis=0)
    return {
        term: reasons.get(term) or f"{missing[k]} of {len(values)} have none"
        for k, term in enumerate(scheme.terms)
        if missing[k] and scheme.weights[term] > 0
    }


def _named(sums: SalesSums, values: Floats, unit: str) -> pd.DataFrame:
    """Units, their customers, and the scores of the terms."""
    names = np.array(sums.units, dtype=object)
    counts = sums.table.groupby("unit")["customer_id"].nunique().reindex(names)
    table = pd.DataFrame({unit: names, "customers": counts.to_numpy(dtype=np.int64, na_value=0)})
    return table.assign(**dict(zip(SCHEMES["sales"], values.T, strict=True)))


def _drawn_scores(sums: SalesSums, shares: Floats, seed: int, draws: int) -> Floats:
    """Scores by draw and unit, with customers weighted by exponential draws; no draws without a score.

    What the mix of customers is expected to pay keeps the rates of the ledger as it is.
    """
    if not sums.units or shares.sum() <= 0:
        return np.empty((0, len(sums.units)))
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    weights = rng.exponential(size=(draws, sums.customers))
    scores = weighted_scores(term_scores(sums.totals(weights), sums.has_limits), shares)[0]
    return np.where(np.isnan(scores), -np.inf, scores)


def _ranked(
    table: pd.DataFrame, values: Floats, drawn: Floats, shares: Floats, spread: float, level: float
) -> pd.DataFrame:
    """One row a unit with score and ranks, the best first."""
    if not len(drawn):
        return table.reindex(columns=[*table.columns, *RANKS])
    shares, keep = shares / shares.sum(), shares > 0
    score = weighted_scores(values, shares)[0]
    best, worst = rank_ranges(values[:, keep], shares[keep], spread)
    ranks = _ranks(drawn)
    low, high = (
        np.quantile(ranks, edge, axis=0, method="inverted_cdf").astype(np.int64)
        for edge in ((1 - level) / 2, (1 + level) / 2)
    )
    first = (ranks == 1).mean(axis=0)
    columns = dict(zip(RANKS, (score, _ranks(score), best, worst, low, high, first), strict=True))
    out = table.assign(**columns)
    return out.sort_values(["score", str(table.columns[0])], ascending=[False, True], ignore_index=True)


def _told_apart(drawn: Floats, level: float) -> int:
    """Pairs of which one is ahead in at least `level` of the draws."""
    if not len(drawn):
        return 0
    ahead = (drawn[:, :, None] > drawn[:, None, :]).mean(axis=0)
    return int((ahead >= level).sum())


def _ranks(scores: Floats) -> NDArray[np.int64]:
    """Ranks along the last axis, 1 for the largest; equal scores share the better rank."""
    ahead = scores[..., None, :] > scores[..., :, None]
    return np.asarray(1 + ahead.sum(axis=-1), dtype=np.int64)
