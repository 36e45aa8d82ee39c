"""Blending what experts said of a customer with its behaviour, by how much history there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from arrisk.errors import ModelError

__all__ = ["K_MONTHS", "blend", "blend_range", "credibility_weight", "over_horizon"]

Floats = NDArray[np.float64]

K_MONTHS = 12.0
"""Months of history at which expert and behaviour count alike, by convention."""

LEAST = 1e-9


def credibility_weight(history: ArrayLike, k: float = K_MONTHS) -> Floats:
    """Weight of behaviour, ``Z = n / (n + k)``.

    Parameters
    ----------
    history : array
        How much is known of each customer, in any unit: months, settled invoices. Missing is none.
    k : float
        History at which both count alike, in the same unit; 0 means that any history counts fully, infinity
        that none counts.

    Raises
    ------
    ModelError
        If a history or `k` is negative.

    Notes
    -----
    The weight of Buhlmann's credibility theory, where `k` is the noise of one unit of history over the spread
    of what the experts cannot see.

    Examples
    --------
    >>> credibility_weight([0, 3, 12, 36]).tolist()
    [0.0, 0.2, 0.5, 0.75]
    """
    n = np.nan_to_num(np.asarray(history, dtype=float), nan=0.0, posinf=np.inf)
    if (n < 0).any() or not k >= 0:
        raise ModelError(
            f"history and k may not be negative, got k = {k} and a history of {n.min(initial=0)}"
        )
    if np.isinf(k):
        return np.where(np.isinf(n), 1.0, 0.0)
    with np.errstate(invalid="ignore"):
        weight = n / (n + k)
    return np.where(np.isinf(n), 1.0, np.where(n == 0, 0.0, weight))


def blend(expert: ArrayLike, behaviour: ArrayLike, history: ArrayLike, k: float = K_MONTHS) -> Floats:
    """Probability of default between the experts' and the behaviour's, by credibility on the log-odds.

    Parameters
    ----------
    expert, behaviour : array
        Probabilities over the same horizon. Where behaviour is missing the expert's stands.
    history, k
        As in `credibility_weight`.

    Returns
    -------
    array
        ``expit((1 - Z) logit(expert) + Z logit(behaviour))``; exactly the expert's without history.

    Raises
    ------
    ModelError
        If a probability lies outside [0, 1], the expert's is missing, or a history is negative.

    Examples
    --------
    >>> blend([0.05, 0.05, 0.05], [0.20, 0.20, None], [0, 12, 12]).round(4).tolist()
    [0.05, 0.1029, 0.05]
    """
    first, second = _probabilities(expert, "expert"), _probabilities(behaviour, "behaviour")
    if np.isnan(first).any():
        raise ModelError("an expert probability is missing; there is nothing to blend behaviour with")
    weight = np.where(np.isnan(second), 0.0, credibility_weight(history, k))
    return _mix(first, np.where(np.isnan(second), first, second), weight)


def blend_range(
    ends: tuple[ArrayLike, ArrayLike],
    blended: ArrayLike,
    expert: ArrayLike,
    behaviour: ArrayLike,
    weight: ArrayLike,
) -> Floats:
    """One end of the range of a blend, from that end of both parents.

    Parameters
    ----------
    ends : pair of array
        The same end, low or high, of the expert's and of the behaviour's range.
    blended, expert, behaviour : array
        The probabilities themselves; a missing behaviour has no weight.
    weight : array
        Of behaviour.

    Notes
    -----
    On the log-odds the distances of the ends from the probabilities are taken as independent:
    ``sqrt(((1 - Z) a) ** 2 + (Z b) ** 2)``. So a range is the expert's without history and the behaviour's
    with endless history.

    Examples
    --------
    >>> blend_range(([0.02], [0.1]), [0.05], [0.05], [0.2], [0.0]).round(4).tolist()
    [0.02]
    """
    z = np.asarray(weight, dtype=float)
    own = [_logit(np.asarray(end, dtype=float)) for end in ends]
    middle = [_logit(np.asarray(p, dtype=float)) for p in (expert, behaviour)]
    gone = [np.where(np.isnan(a - b), 0.0, a - b) for a, b in zip(own, middle, strict=True)]
    sign = np.where(gone[0] * (1 - z) + gone[1] * z < 0, -1.0, 1.0)
    reach = np.hypot((1 - z) * gone[0], z * gone[1])
    return np.asarray(expit(_logit(np.asarray(blended, dtype=float)) + sign * reach))


def over_horizon(probability: ArrayLike, days: float, wanted: float) -> Floats:
    """Carry a probability of default over `days` to a horizon of `wanted` days, at a constant hazard.

    Examples
    --------
    >>> over_horizon([0.0, 0.19, 1.0], 730, 365).round(12).tolist()
    [0.0, 0.1, 1.0]
    """
    return np.asarray(1.0 - (1.0 - np.asarray(probability, dtype=float)) ** (wanted / days))


def _mix(first: Floats, second: Floats, weight: Floats) -> Floats:
    """Weighted mean on the log-odds; one of both itself where the weight says so."""
    mixed = expit((1 - weight) * _logit(first) + weight * _logit(second))
    return np.asarray(np.where(weight == 0, first, np.where(weight == 1, second, mixed)))


def _logit(probability: Floats) -> Floats:
    return np.asarray(logit(np.clip(probability, LEAST, 1 - LEAST)))


def _probabilities(values: ArrayLike, name: str) -> Floats:
    p = np.asarray(values, dtype=float)
    if ((p < 0) | (p > 1)).any():
        raise ModelError(f"{name}: a probability lies outside 0 to 1")
    return p
