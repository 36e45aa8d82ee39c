"""Whether customers default more often when they owe more than usual, read off the ledger's own past."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import statsmodels.api as sm

if TYPE_CHECKING:
    from arrisk.models.scoring.scorecard import Scorecard

__all__ = ["ExposureSlope", "estimate_exposure_slope"]

Z95 = 1.959963984540054
LEAST_DEFAULTERS = 20
WIDEST = 1.0
FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class ExposureSlope:
    """Slope of the log of the default hazard in the log of exposure over sales.

    Parameters
    ----------
    slope, error : float
        The estimate and its standard error by customer; NaN where none was made.
    rows, defaulters : int
        Past windows with something owed, and customers of them that defaulted.
    doubt : str
        Why it must not be used; empty when it can.
    """

    slope: float
    error: float
    rows: int
    defaulters: int
    doubt: str

    @property
    def low(self) -> float:
        """Lower end of the 95% interval."""
        return self.slope - Z95 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95% interval."""
        return self.slope + Z95 * self.error

    def finding(self) -> str:
        """The slope and what it can be used for, in one sentence."""
        if math.isnan(self.slope):
            return f"Whether risk grows with exposure cannot be told: {self.doubt}"
        seen = f"{self.slope:.2f} ({self.low:.2f} to {self.high:.2f})"
        if self.doubt:
            return f"Risk moves with exposure by {seen}, which says too little: {self.doubt}"
        return (
            f"Risk moves with exposure by {seen}; as customers in trouble pay late and so owe more, it is at "
            "most that much by cause"
        )

    def __repr__(self) -> str:
        return self.finding()


def estimate_exposure_slope(scorecard: Scorecard) -> ExposureSlope:
    """Regress defaults of past windows on what was owed at their start, given the score.

    Parameters
    ----------
    scorecard : Scorecard
        Its observations hold what each customer owed, its sales and its probability out of fold.

    Returns
    -------
    ExposureSlope
        With a doubt when fewer than 20 defaulters were seen, or the interval is wider than 1 to either side.

    Notes
    -----
    A complementary log-log regression: ``log hazard = a + log(-log(1 - pd)) + slope log(owed / sales)``,
    errors clustered by customer. The score may hold exposure already; then the slope is what is left. It is
    an association: who is in trouble pays late and so owes more, and no limit was moved by lot.
    """
    seen = scorecard.observations
    if not scorecard.identified or not {"open_amount", "amount"} <= set(seen.columns):
        return ExposureSlope(math.nan, math.nan, 0, 0, scorecard.doubt or "exposures were not observed")
    rows = seen[(seen["open_amount"] > 0) & (seen["amount"] > 0) & seen["pd"].notna()]
    defaulters = int(rows.loc[rows["default"], "customer_id"].nunique())
    if defaulters < LEAST_DEFAULTERS:
        told = f"{defaulters} defaulters owed something before; it takes {LEAST_DEFAULTERS}"
        return ExposureSlope(math.nan, math.nan, len(rows), defaulters, told)
    slope, error = _fit(rows)
    doubt = "" if Z95 * error <= WIDEST else f"its interval is wider than {WIDEST:g} to either side"
    return ExposureSlope(slope, error, len(rows), defaulters, doubt)


def _fit(rows: pd.DataFrame) -> tuple[float, float]:
    chance = rows["pd"].to_numpy(dtype=float).clip(FLOOR, 1 - FLOOR)
    share = np.log((rows["open_amount"] / rows["amount"]).to_numpy(dtype=float))
    design = np.column_stack([np.ones(len(rows)), share - share.mean()])
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    model = sm.GLM(
        rows["default"].to_numpy(dtype=float), design, family=family, offset=np.log(-np.log1p(-chance))
    )
    found = model.fit(cov_type="cluster", cov_kwds={"groups": pd.factorize(rows["customer_id"])[0]})
    return float(found.params[1]), float(found.bse[1])
