"""What counts by industry and year say of customers of one industry beyond what all have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy import special

from arrisk.display import Format, Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.losses.level_posterior import CorrelationPrior

__all__ = ["IndustryEvidence", "estimate_industry_correlation"]

FloatArray = NDArray[np.float64]
COLUMNS = ("end", "group", "trials", "events")
FACTOR_NODES, INDUSTRY_NODES, LEVEL_NODES, SHARED_NODES = 25, 11, 15, 5
LEVEL_REACH = 0.8
SHRINKAGE = 50.0
"""Customer-years of the whole book that each industry's rate is blended with."""


@dataclass(frozen=True, slots=True, eq=False)
class IndustryEvidence:
    """Correlation within industries on top of the common one; made by `estimate_industry_correlation`.

    Parameters
    ----------
    counts : DataFrame
        end, group, trials, events.
    industry_rho : array of shape (nodes,)
        Values looked at, from 0 up.
    mass : array of shape (nodes,)
        Posterior probabilities; the prior has all values equally likely.
    level : float
        Coverage of the interval.
    """

    counts: pd.DataFrame
    industry_rho: FloatArray
    mass: FloatArray
    level: float

    @property
    def identified(self) -> bool:
        """Whether there are two periods, two industries and two events at least."""
        seen = self.counts[self.counts["trials"] > 0]
        return min(seen["end"].nunique(), seen["group"].nunique(), int(seen["events"].sum())) >= 2

    @property
    def estimate(self) -> float:
        """Posterior mean."""
        return float(self.mass @ self.industry_rho)

    @property
    def interval(self) -> tuple[float, float]:
        """Equal-tailed posterior interval."""
        below = np.cumsum(self.mass) - self.mass / 2
        low, high = np.interp([0.5 - self.level / 2, 0.5 + self.level / 2], below, self.industry_rho)
        return float(low), float(high)

    @property
    def table(self) -> pd.DataFrame:
        """term, estimate, ci_low, ci_high: before and after the counts."""
        top = float(self.industry_rho[-1])
        tail = 0.5 - self.level / 2
        rows = [
            ("assumed before", top / 2, tail * top, (1 - tail) * top),
            ("after the counts", self.estimate, *self.interval),
        ]
        return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])

    def finding(self) -> str:
        """What was learned, in one sentence."""
        years, kinds = self.counts["end"].nunique(), self.counts["group"].nunique()
        seen = f"{years} period{'s' * (years != 1)} of {kinds} industr{'ies' if kinds != 1 else 'y'}"
        if not self.identified:
            return f"{seen} cannot tell what customers of one industry have in common"
        low, high = self.interval
        least = "nothing" if low < 0.005 else f"{low:.2f}"
        return f"{seen}: customers of one industry have {least} to {high:.2f} more in common than others"

    def to_table(self, name: str = "industry_correlation") -> Table:
        """Before and after the counts."""
        formats: dict[str, Format] = dict.fromkeys(("estimate", "ci_low", "ci_high"), "percent")
        note = (
            f"Before: anything from 0 to {self.industry_rho[-1]:.2f} equally likely. Industries keep their "
            "own mean rates, drawn towards the book's; a factor for all and one an industry, every period."
        )
        return Table(name, self.finding(), self.table, note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def estimate_industry_correlation(
    counts: pd.DataFrame,
    prior: CorrelationPrior | None = None,
    highest: float = 0.2,
    level: float = 0.95,
    size: int = 11,
) -> IndustryEvidence:
    """Ask counts by industry and period what customers of one industry have in common on top.

    Parameters
    ----------
    counts : DataFrame
        end (of the period), group, trials, events, as `count_losses` reads them with ``by="industry"``.
    prior : CorrelationPrior, optional
        Of the correlation common to all; 0.05 to 0.25 by default.
    highest : float
        Largest value held possible, in (0, 0.5].
    level : float
        Coverage of the interval.
    size : int
        Values looked at.

    Returns
    -------
    IndustryEvidence

    Raises
    ------
    ModelError
        If columns are missing or the range is not possible.

    Notes
    -----
    Given both factors of a period customers fail on their own (`Dependence`); factors are integrated by
    Gauss-Hermite rules, the common level and the common correlation averaged over their priors.

    Examples
    --------
    >>> seen = pd.DataFrame({"end": [1, 1, 2, 2, 3, 3], "group": ["steel", "food"] * 3,
    ...     "trials": [200] * 6, "events": [30, 2, 3, 28, 25, 1]})
    >>> found = estimate_industry_correlation(seen)
    >>> found.identified, found.estimate > 0.1
    (True, True)
    """
    missing = [column for column in COLUMNS if column not in counts.columns]
    if missing or not 0 < highest <= 0.5:
        raise ModelError(f"counts need {', '.join(COLUMNS)}, and highest lies in (0, 0.5]; got {highest}")
    seen = counts.loc[counts["trials"] > 0, list(COLUMNS)].reset_index(drop=True)
    shared, chance = (prior or CorrelationPrior()).nodes(SHARED_NODES)
    extra = np.linspace(0.0, highest, size)
    base = _own_levels(seen)
    found = np.array([[_log_likelihood(seen, base, r, e) for r in shared] for e in extra])
    averaged = special.logsumexp(found, axis=1, b=chance)
    mass = np.exp(averaged - averaged.max())
    mass[[0, -1]] /= 2  # ends of a range stand for half a cell
    return IndustryEvidence(seen, extra, mass / mass.sum(), level)


def _own_levels(seen: pd.DataFrame) -> FloatArray:
    """Normal quantile of each row's industry rate, drawn towards the book's."""
    sums = seen.groupby("group")[["trials", "events"]].transform("sum")
    whole = (float(seen["events"].sum()) + 0.5) / (float(seen["trials"].sum()) + 1.0)
    rate = (sums["events"] + SHRINKAGE * whole) / (sums["trials"] + SHRINKAGE)
    return np.asarray(special.ndtri(rate.to_numpy(dtype=float)), dtype=float)


def _log_likelihood(seen: pd.DataFrame, base: FloatArray, rho: float, extra: float) -> float:
    """Of all periods, averaged over shifts of the level."""
    z, weight_z = hermegauss(FACTOR_NODES)
    y, weight_y = hermegauss(INDUSTRY_NODES)
    weight_z, weight_y = weight_z / weight_z.sum(), weight_y / weight_y.sum()
    shift = np.linspace(-LEVEL_REACH, LEVEL_REACH, LEVEL_NODES)[:, None, None]
    common = shift - math.sqrt(rho) * z[:, None] - math.sqrt(extra) * y
    n, k = (seen[c].to_numpy(dtype=float) for c in ("trials", "events"))
    total = np.zeros(LEVEL_NODES)
    for rows in seen.groupby("end").indices.values():
        given = np.zeros((LEVEL_NODES, FACTOR_NODES))
        for row in rows:
            at = (base[row] + common) / math.sqrt(1 - rho - extra)
            each = k[row] * special.log_ndtr(at) + (n[row] - k[row]) * special.log_ndtr(-at)
            given += special.logsumexp(each, axis=2, b=weight_y)
        total += special.logsumexp(given, axis=1, b=weight_z)
    return float(special.logsumexp(total) - math.log(LEVEL_NODES))
