"""What a ledger can say about how defaults hang together: little, unless it covers many years."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.losses import correlation_page as page
from arrisk.models.losses.correlation_curves import (
    CorrelationCurves,
    correlation_curves,
    information,
    rho_grid,
)
from arrisk.models.losses.factor_counts import count_likelihood
from arrisk.models.losses.level_posterior import CorrelationPrior

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CorrelationEvidence", "estimate_correlation"]

FloatArray = NDArray[np.float64]
FEWEST_PERIODS, FEWEST_EVENTS = 2, 2


@dataclass(frozen=True, slots=True, eq=False)
class CorrelationEvidence:
    """The asset correlation as counts by year show it; made by `estimate_correlation`.

    Parameters
    ----------
    counts : DataFrame
        trials (customers at risk), events (of them, lost or in default), and what else was given; one row a
        period.
    prior : CorrelationPrior
        What was held before.
    curves : CorrelationCurves
        Likelihoods and posterior over the correlation.
    rate : float
        Events over trials.
    level : float
        Coverage of intervals.
    periods_to_halve : float
        Further periods like these until the posterior is half as wide; infinite when they say nothing, not a
        number when the prior takes the correlation as known.
    event : str
        What is counted, such as "lost".
    period : str
        What a row counts, such as "year".
    as_of : Timestamp or None
    """

    counts: pd.DataFrame
    prior: CorrelationPrior
    curves: CorrelationCurves
    rate: float
    level: float
    periods_to_halve: float
    event: str = "lost"
    period: str = "year"
    as_of: pd.Timestamp | None = None

    @property
    def identified(self) -> bool:
        """Whether there are at least two periods and two events: fewer say nothing about correlation."""
        periods = int((self.counts["trials"] > 0).sum())
        return periods >= FEWEST_PERIODS and int(self.counts["events"].sum()) >= FEWEST_EVENTS

    @property
    def learned(self) -> float:
        """Part of the prior's standard deviation that the counts removed; below 0 when they widened it."""
        if self.prior.known:
            return 0.0
        return 1.0 - self.curves.posterior_spread / self.prior.spread

    @property
    def p_value(self) -> float:
        """Chance of counts that vary as much when customers fail independently; 1 when not identified."""
        return self.curves.p_value if self.identified else 1.0

    @property
    def table(self) -> pd.DataFrame:
        """term, estimate, ci_low, ci_high: the correlation before the counts, by them alone, and by both."""
        return page.estimates(self)

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Counts, test against 0 and what was learned."""
        return {
            "identified": self.identified,
            "periods": len(self.counts),
            "trials": int(self.counts["trials"].sum()),
            "events": int(self.counts["events"].sum()),
            "statistic": self.curves.statistic,
            "p_value": self.p_value,
            "learned": self.learned,
            "periods_to_halve": self.periods_to_halve,
        }

    def finding(self) -> str:
        """What the counts say, and how many years would say enough, in one sentence."""
        return page.describe_evidence(self)

    def to_table(self, name: str = "asset_correlation") -> Table:
        """The correlation before the counts, by the counts alone, and by both."""
        return page.show_estimates(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Likelihood against prior and posterior."""
        return page.plot_evidence(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)

    def __repr__(self) -> str:
        return f"CorrelationEvidence({self.finding()})"


def estimate_correlation(
    counts: pd.DataFrame,
    prior: CorrelationPrior | None = None,
    level: float = 0.95,
    event: str = "lost",
    period: str = "year",
    as_of: pd.Timestamp | None = None,
) -> CorrelationEvidence:
    """Ask counts by year what they say about the asset correlation.

    Parameters
    ----------
    counts : DataFrame
        trials and events: whole numbers, one row a period (a year, as a rule), such as `count_losses` reads.
    prior : CorrelationPrior, optional
        0.05 to 0.25 with 90% by default.
    level : float
        Coverage of intervals.
    event : str
        What happens to a customer that is counted, a participle.
    period : str
        What a row counts, such as "year" or "quarter".
    as_of : Timestamp, optional
        Day of the ledger, for the picture.

    Returns
    -------
    CorrelationEvidence

    Raises
    ------
    ModelError
        If columns are missing or counts impossible.

    Notes
    -----
    Vasicek's one-factor mixture by period, periods independent; see `count_likelihood`. Three readings:
    maximum likelihood with the profile interval, biased down as any variance of few observations is; the same
    with the level averaged out, which is less so; and the posterior. What differs between customers of one
    year counts as chance here, so unlike customers lower the estimate a little.
    On made-up counts (`benchmarks/coverage_losses.py`: 200 or 1,000 customers, 3 to 20 years, correlations up
    to 0.3) the 95% interval with the level averaged out held the truth in 91% to 98% of cases, the profile
    interval in 84% to 99%, and the posterior in nearly all where the truth lies well inside the prior and in
    few where it lies outside: with few years it is the prior.

    Examples
    --------
    >>> seen = pd.DataFrame({"trials": [400] * 6, "events": [4, 9, 30, 6, 2, 14]})
    >>> found = estimate_correlation(seen)
    >>> found.identified, found.p_value < 0.001
    (True, True)
    """
    missing = {"trials", "events"} - set(counts.columns)
    if missing:
        raise ModelError(f"counts need the columns trials and events; missing: {', '.join(sorted(missing))}")
    held = prior or CorrelationPrior()
    seen = counts[counts["trials"] > 0].reset_index(drop=True)
    trials, events = int(seen["trials"].sum()), int(seen["events"].sum())
    curves = correlation_curves(count_likelihood(seen["trials"], seen["events"], rho_grid()), held)
    rate = events / trials if trials else float("nan")
    return CorrelationEvidence(
        seen, held, curves, rate, level, _periods_to_halve(curves, held, seen, rate), event, period, as_of
    )


def _periods_to_halve(
    curves: CorrelationCurves, prior: CorrelationPrior, seen: pd.DataFrame, rate: float
) -> float:
    """Further periods that bring three times the precision there is now."""
    if prior.known:
        return float("nan")
    if not 0 < rate < 1:
        return math.inf
    mean = curves.by_posterior(0.9).estimate
    each = information(rate, mean, round(float(seen["trials"].mean())))
    return math.inf if each <= 0 else 3.0 / curves.posterior_spread**2 / each
