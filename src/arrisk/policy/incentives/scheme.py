"""Weighted scores of sales, finance and management, and how far a ranking hangs on the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import StudyError
from arrisk.policy.assumptions import did_you_mean

__all__ = ["SCHEMES", "Scheme", "make_incentive_schemes", "rank_ranges", "weighted_scores"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SPREAD = 0.10
TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Scheme:
    """Weights of the terms that make one score.

    Parameters
    ----------
    name : str
        Who is scored: "sales", "finance" or "management".
    weights : mapping of term to float
        Percent points; they sum to 100.

    Raises
    ------
    StudyError
        If a weight is negative or they do not sum to 100.

    Examples
    --------
    >>> str(Scheme("finance", {"timeliness": 20, "accuracy": 30, "warning": 50}))
    'finance: timeliness 20, accuracy 30, warning 50'
    """

    name: str
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        total = sum(self.weights.values())
        if any(weight < 0 for weight in self.weights.values()) or abs(total - 100) > 1e-9:
            shown = ", ".join(f"{term} {weight:g}" for term, weight in self.weights.items())
            raise StudyError(
                f"weights of {self.name} must not be negative and must sum to 100, got {shown} "
                f"(sum {total:g})"
            )

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the terms, in order."""
        return tuple(self.weights)

    @property
    def shares(self) -> Floats:
        """Weights as fractions, in the order of the terms."""
        return np.array([weight / 100 for weight in self.weights.values()])

    def __str__(self) -> str:
        return f"{self.name}: " + ", ".join(f"{t} {w:g}" for t, w in self.weights.items()).replace("_", " ")


SCHEMES: Mapping[str, Mapping[str, float]] = {
    "sales": {"collections": 40, "new_customer_compliance": 30, "overdue_reduction": 30},
    "finance": {"timeliness": 20, "accuracy": 30, "warning_effectiveness": 50},
    "management": {"collections": 50, "bad_debt_rate": 30, "cash_health": 20},
}


def make_incentive_schemes(settings: Mapping[str, Any] | None = None) -> dict[str, Scheme]:
    """The three schemes, with the weights of the study where it gives some.

    Parameters
    ----------
    settings : mapping, optional
        ``study.settings["incentives"]``: a table of weights for each of "sales", "finance", "management".

    Raises
    ------
    StudyError
        If a scheme or a term is not known, or weights do not sum to 100.

    Examples
    --------
    >>> given = {"sales": {"collections": 60, "new_customer_compliance": 0, "overdue_reduction": 40}}
    >>> make_incentive_schemes(given)["sales"].shares.tolist()
    [0.6, 0.0, 0.4]
    """
    given = dict(settings or {})
    out = {}
    for name, usual in SCHEMES.items():
        weights = given.get(name, usual)
        for term in weights:
            if term not in usual:
                raise StudyError(
                    f"[settings.incentives.{name}]: unknown term {term!r}{did_you_mean(term, tuple(usual))}; "
                    f"allowed: {', '.join(usual)}"
                )
        out[name] = Scheme(name, {term: float(weights.get(term, 0.0)) for term in usual})
    return out


def weighted_scores(values: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Weighted means over the terms that are known.

    Parameters
    ----------
    values : array of shape (..., units, terms)
        Scores of the terms; NaN where a term is missing.
    shares : array of shape (terms,)
        Weights, fractions.

    Returns
    -------
    scores : array of shape (..., units)
        NaN where no term with a weight is known.
    known : array of shape (..., units)
        Weight of the terms that are known.

    Examples
    --------
    >>> scores, known = weighted_scores(np.array([[100.0, np.nan], [90.0, 110.0]]), np.array([0.5, 0.5]))
    >>> scores.tolist(), known.tolist()
    ([100.0, 100.0], [0.5, 1.0])
    """
    have = ~np.isnan(values)
    known = (have * shares).sum(axis=-1)
    total = np.where(have, values, 0.0) @ shares
    return np.divide(total, known, out=np.full_like(total, np.nan), where=known > 0), known


def rank_ranges(values: Floats, shares: Floats, spread: float = SPREAD) -> tuple[Ints, Ints]:
    """Best and worst rank that each unit can have when every weight may move, exactly by pairs.

    Weights move within `spread` of those given, stay at least zero and sum to one. A unit surely stands
    before another when its score is larger for all such weights; the largest and smallest difference of two
    scores is a linear programme that filling up the weights in order of the difference solves.

    Parameters
    ----------
    values : array of shape (units, terms)
        No missing values.
    shares : array of shape (terms,)
        Weights, fractions that sum to one.
    spread : float
        How far each weight may move, as a fraction.

    Returns
    -------
    best, worst : arrays of int, shape (units,)
        1 is first.

    Examples
    --------
    >>> values = np.array([[120.0, 80.0], [100.0, 99.0], [50.0, 50.0]])
    >>> best, worst = rank_ranges(values, np.array([0.5, 0.5]))
    >>> best.tolist(), worst.tolist()
    ([1, 1, 3], [2, 2, 3])
    """
    gap = values[:, None, :] - values[None, :, :]
    least = _least_weighted(gap, np.clip(shares - spread, 0.0, 1.0), np.clip(shares + spread, 0.0, 1.0))
    ahead = least > TIE  # row surely before column
    count = len(values)
    return 1 + ahead.sum(axis=0), count - ahead.sum(axis=1)


def _least_weighted(gap: Floats, low: Floats, high: Floats) -> Floats:
    """Smallest weighted sum over the last axis, weights between `low` and `high` that sum to one."""
    order = np.argsort(gap, axis=-1, kind="stable")
    room = (high - low)[order]
    before = np.cumsum(room, axis=-1) - room
    added = np.clip(1.0 - low.sum() - before, 0.0, room)
    weights = low[order] + added
    return np.asarray((np.take_along_axis(gap, order, axis=-1) * weights).sum(axis=-1))
