"""Points by rule: how much more often its state is on before a default, shrunk towards no difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["POINTS_TO_DOUBLE", "rule_points"]

Floats = NDArray[np.float64]
POINTS_TO_DOUBLE = 10.0
PRIOR_CUSTOMERS = 5.0


def rule_points(on: NDArray[np.bool_], defaulted: NDArray[np.bool_], customers: NDArray[Any]) -> Floats:
    """Points of each rule from past days of customers at risk.

    Parameters
    ----------
    on : array of bool, shape (rows, rules)
        States on customer-days.
    defaulted : array of bool, shape (rows,)
        Whether a default followed within the horizon.
    customers : array, shape (rows,)

    Returns
    -------
    array, shape (rules,)
        10 points for each doubling of the share of days on which the state is on before a default, over that
        share on other days; never below zero, so that a further alarm never clears a customer.

    Notes
    -----
    Each defaulter counts once, however many days it has, and 5 customers with the average share are added to
    both sides: a rule seen before one default earns few points.

    Examples
    --------
    >>> on = np.array([[1, 0]] * 20 + [[0, 0]] * 20, dtype=bool)
    >>> names = np.array([f"c{k}" for k in range(40)], dtype=object)
    >>> rule_points(on, on[:, 0], names).round(1).tolist()
    [31.7, 0.0]
    """
    share = on.mean(axis=0) if len(on) else np.zeros(on.shape[1])
    bad, bads = _mean_by_customer(on[defaulted], customers[defaulted])
    good, goods = _mean_by_customer(on[~defaulted], customers[~defaulted])
    top = (bad + PRIOR_CUSTOMERS * share) / (bads + PRIOR_CUSTOMERS)
    base = (good + PRIOR_CUSTOMERS * share) / (goods + PRIOR_CUSTOMERS)
    ratio = np.divide(top, base, out=np.ones_like(top), where=base > 0)
    return np.asarray(POINTS_TO_DOUBLE * np.log2(np.maximum(ratio, 1.0)), dtype=float)


def _mean_by_customer(on: NDArray[np.bool_], customers: NDArray[Any]) -> tuple[Floats, int]:
    """Sum over customers of the share of their days on which each state is on, and the customers."""
    if not len(on):
        return np.zeros(on.shape[1]), 0
    shares = pd.DataFrame(on.astype(float)).groupby(np.asarray(customers)).mean()
    return shares.sum().to_numpy(dtype=float), len(shares)
