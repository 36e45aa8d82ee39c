"""What a year costs when its bad years are paid for too: the mean, and a charge on capital for the tail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.tail import expected_shortfall, mean_error, weighted_quantile

if TYPE_CHECKING:
    from arrisk.models.losses.events import LossEvents

__all__ = ["TAIL_SHARE", "cost_errors", "risk_adjusted_cost"]

FloatArray = NDArray[np.float64]
TAIL_SHARE = 0.01


def risk_adjusted_cost(
    costs: ArrayLike, weight: ArrayLike, cost_of_risk: float, share: float = TAIL_SHARE
) -> FloatArray:
    """Mean cost of a year, and the yearly charge on capital that stands ready for the worst years.

    Parameters
    ----------
    costs : array of shape (draws,) or (draws, structures)
        Cost of each simulated year, currency units.
    weight : array of shape (draws,)
        Probability of each year.
    cost_of_risk : float
        Charge a year on that capital: the mean of the worst `share` of the years, less the mean.
    share : float

    Returns
    -------
    array of shape () or (structures,)

    Raises
    ------
    ModelError
        If the charge is negative.

    Examples
    --------
    >>> float(risk_adjusted_cost([0.0, 100.0], [0.99, 0.01], cost_of_risk=0.1).round(6))
    10.9
    """
    if not cost_of_risk >= 0:
        raise ModelError(f"the cost of risk cannot be negative, got {cost_of_risk}")
    values = np.asarray(costs, dtype=float)
    mean = np.asarray(weight, dtype=float) @ values
    tail, _ = expected_shortfall(values, share, weight)
    return np.asarray(mean + cost_of_risk * (tail - mean))


def cost_errors(
    events: LossEvents, costs: FloatArray, cost_of_risk: float, share: float = TAIL_SHARE
) -> tuple[FloatArray, FloatArray]:
    """Monte Carlo errors of `risk_adjusted_cost`, and of what each structure saves against the first.

    Parameters
    ----------
    events : LossEvents
        Give weights and strata of the years.
    costs : array of shape (draws, structures)
    cost_of_risk, share : float

    Returns
    -------
    (array, array), each of shape (structures,)
        The second is smaller, because all structures meet the same years.

    Notes
    -----
    From the influence functions of the mean and of the mean above a quantile.
    """
    weight = events.weight
    edge = np.array([weighted_quantile(column, 1 - share, weight) for column in costs.T])
    above = np.maximum(costs - edge, 0.0) / share
    influence = (1 - cost_of_risk) * (costs - weight @ costs) + cost_of_risk * (above - weight @ above)
    own = mean_error(influence, weight, events.strata)
    saved = mean_error(influence[:, :1] - influence, weight, events.strata)
    return np.asarray(own), np.asarray(saved)
