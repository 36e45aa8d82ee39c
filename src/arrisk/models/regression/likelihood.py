"""Likelihood of a logistic regression, plain or penalised by Firth, and the climb to its top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from arrisk.errors import ModelError
from arrisk.models.regression.design import Design

__all__ = ["Point", "climb", "firth_point", "inverse", "likelihood_point", "residuals"]

Floats = NDArray[np.float64]
# Under wide separation Firth's climb is sure but slow: a step may leave nine tenths of the way.
MAX_STEPS = 500
MAX_HALVINGS = 40
MAX_CHANGE = 5.0
SMALLEST_STEP = 1e-10


@dataclass(frozen=True, slots=True)
class Point:
    """Where a climb stands: standardised coefficients, (penalised) log-likelihood, score and information."""

    beta: Floats
    value: float
    score: Floats
    information: Floats


def likelihood_point(design: Design, beta: Floats) -> Point:
    """Log-likelihood with its score and information, in one pass over the rows."""
    score, information, value = np.zeros(beta.size), np.zeros((beta.size,) * 2), 0.0
    for rows, z in design.blocks():
        y, eta = design.event[rows], z @ beta[1:] + beta[0]
        tail = np.exp(-np.abs(eta))
        value += float(design.weighted(rows, y * eta - np.maximum(eta, 0.0) - np.log1p(tail)).sum())
        residual = design.weighted(rows, y - np.where(eta >= 0, 1.0, tail) / (1.0 + tail))
        weight = design.weighted(rows, tail / (1.0 + tail) ** 2)
        score += _with_constant(residual, z)
        information[0] += _with_constant(weight, z)
        information[1:, 1:] += (z * weight[:, None]).T @ z
    information[1:, 0] = information[0, 1:]
    return Point(beta, value, score, (information + information.T) / 2)


def firth_point(design: Design, beta: Floats) -> Point:
    """Log-likelihood plus half the log-determinant of the information, with its score (Firth 1993).

    The information is the plain one, so a climb with it is Fisher scoring.
    """
    plain = likelihood_point(design, beta)
    bread = inverse(plain.information)
    score = plain.score.copy()
    for rows, z in design.blocks():
        score += _with_constant(_firth_part(design, rows, z, beta, bread), z)
    value = plain.value + 0.5 * float(np.linalg.slogdet(plain.information)[1])
    return Point(beta, value, score, plain.information)


def residuals(design: Design, point: Point, firth: bool) -> Floats:
    """What each row adds to the score, before it multiplies the row's covariates; shape (n,)."""
    out = np.empty(design.event.size)
    bread = inverse(point.information) if firth else None
    for rows, z in design.blocks():
        out[rows] = design.weighted(rows, design.event[rows] - expit(z @ point.beta[1:] + point.beta[0]))
        if bread is not None:
            out[rows] += _firth_part(design, rows, z, point.beta, bread)
    return out


def climb(
    at: Callable[[Floats], Point],
    start: Floats,
    free: NDArray[np.bool_] | None = None,
    steps: int | None = None,
    smallest_step: float = SMALLEST_STEP,
) -> Point:
    """Newton's method with step halving to the top of a concave (penalised) likelihood.

    Parameters
    ----------
    at : callable
        Gives the point of a vector of coefficients.
    start : array, shape (k,)
    free : array of bool, shape (k,), optional
        Coefficients that may move; the others stay as they start.
    steps : int, optional
        At most so many steps, `MAX_STEPS` by default.
    smallest_step : float
        The climb ends when the step after the next would be smaller, in standard deviations.

    Raises
    ------
    ModelError
        If the top is not reached in so many steps.
    """
    most = steps or MAX_STEPS
    move = np.ones(start.size, dtype=bool) if free is None else free
    here, before = at(start), 0.0
    for _ in range(most):
        step = np.zeros(start.size)
        step[move] = cho_solve((_root(here.information[np.ix_(move, move)]), True), here.score[move])
        size = float(np.abs(step).max(initial=0.0))
        ratio = min(1.0, size / before) if before > 0 else 1.0
        if size * ratio < smallest_step:
            gain = 0.5 * float(step @ here.score)
            return Point(
                here.beta + step, here.value + gain, here.score - here.information @ step, here.information
            )
        before = size
        ahead = _uphill(at, here, step * min(1.0, MAX_CHANGE / size))
        if ahead is None:
            break
        here = ahead
    raise ModelError(f"the logistic fit did not converge in {most} steps; are terms nearly collinear?")


def inverse(information: Floats) -> Floats:
    """Inverse of an information matrix."""
    return np.asarray(cho_solve((_root(information), True), np.eye(len(information))))


def _uphill(at: Callable[[Floats], Point], here: Point, step: Floats) -> Point | None:
    """The first point on the way, halving each time, that is not lower than here but for rounding."""
    floor = here.value - 1e-12 * max(1.0, abs(here.value))
    for _ in range(MAX_HALVINGS):
        ahead = at(here.beta + step)
        if ahead.value >= floor:
            return ahead
        step = step / 2
    return None


def _root(information: Floats) -> Floats:
    try:
        return np.asarray(np.tril(cho_factor(information, lower=True, check_finite=False)[0]))
    except np.linalg.LinAlgError as error:
        raise ModelError("the terms are collinear among the rows whose outcome is in doubt") from error


def _firth_part(design: Design, rows: slice, z: Floats, beta: Floats, bread: Floats) -> Floats:
    """What Firth's penalty adds to the residuals: the leverage times (1/2 - p)."""
    p = expit(z @ beta[1:] + beta[0])
    leverage = bread[0, 0] + np.einsum("ij,ij->i", z @ bread[1:, 1:] + 2.0 * bread[0, 1:], z)
    return np.asarray(design.weighted(rows, p * (1.0 - p) * leverage) * (0.5 - p))


def _with_constant(values: Floats, z: Floats) -> Floats:
    """Sum of values, then of values times each column."""
    return np.concatenate([[values.sum()], values @ z])
