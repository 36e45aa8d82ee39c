"""Which pay run each customer follows: a mixture over runs, fitted by expectation and maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RunMixture", "fit_runs"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
EFFECT_SD = 1.0
SHARE_WEIGHT = 0.5
MOST_ROUNDS, TOLERANCE = 100, 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class RunMixture:
    """Result of `fit_runs`.

    Parameters
    ----------
    shares : array of float, shape (runs,)
        Share of customers that follow each run.
    effects : array of float, shape (terms,)
        Effects on the log-rate of payment.
    errors : array of float, shape (terms,)
        Standard errors of the effects, the runs taken as known; missing at a lower bound.
    posterior : array of float, shape (customers, runs)
        Probability of each run, given the customer's own days.
    rounds : int
        Rounds until the shares and effects stood still.
    """

    shares: Floats
    effects: Floats
    errors: Floats
    posterior: Floats
    rounds: int


def fit_runs(paid: Floats, days: Floats, design: Floats, usual: Floats, least: Floats) -> RunMixture:
    """Fit shares of runs and effects of days, from the kinds of days on which customers pay.

    A customer on run r that pays n times does so on days drawn from those open to it, a day of kind k with
    weight ``exp(design[r, k] @ effects)``: how often it pays at all says nothing of its run and drops out.

    Parameters
    ----------
    paid : array of float, shape (customers, kinds)
        Days with a payment.
    days : array of float, shape (customers, kinds)
        Days on which it could have paid.
    design : array of float, shape (runs, kinds, terms)
        Terms of a day of each kind for each run.
    usual : array of float, shape (terms,)
        Effects to begin with, and the centre of a normal prior with standard deviation 1. Half a customer of
        each run is added to the shares.
    least : array of float, shape (terms,)
        Lower bounds of the effects (minus infinity for none): with a run that hardly prefers its days
        everybody would be on all runs at once.

    Returns
    -------
    RunMixture

    Notes
    -----
    Each round takes the probabilities of runs from the shares and effects (Bayes), and then one Newton step
    of the effects and the new shares from the probabilities (a generalised EM algorithm: Dempster, Laird and
    Rubin 1977, section 2).

    Examples
    --------
    Two kinds of days; the first run prefers neither, the second the last day of five:

    >>> paid = np.array([[40.0, 10.0]] * 30 + [[10.0, 40.0]] * 10)
    >>> days = np.full((40, 2), [400.0, 100.0])
    >>> design = np.array([[[0.0], [0.0]], [[0.0], [1.0]]])
    >>> fit = fit_runs(paid, days, design, np.array([2.0]), np.array([1.0]))
    >>> fit.shares.round(2).tolist(), np.exp(fit.effects).round(0).tolist()
    ([0.74, 0.26], [16.0])
    """
    shares, effects = np.full(len(design), 1.0 / len(design)), np.maximum(usual, least)
    prior = np.eye(len(usual)) / EFFECT_SD**2
    for rounds in range(1, MOST_ROUNDS + 1):
        posterior = _posterior(paid, days, design @ effects, shares)
        slope, curvature = _slope(paid, days, design, effects, posterior)
        step = _step(slope - prior @ (effects - usual), curvature + prior, least - effects)
        before, effects = (effects, shares), effects + step
        shares = _shares(posterior[paid.sum(axis=1) > 0])
        moved = max(np.abs(effects - before[0]).max(initial=0.0), np.abs(shares - before[1]).max())
        if moved < TOLERANCE or rounds == MOST_ROUNDS:
            break
    posterior = _posterior(paid, days, design @ effects, shares)
    _, curvature = _slope(paid, days, design, effects, posterior)
    errors = np.sqrt(np.diag(np.linalg.inv(curvature + prior)))
    errors = np.where(effects > least, errors, np.nan)
    return RunMixture(shares, effects, errors, posterior, rounds)


def _step(slope: Floats, curvature: Floats, least: Floats) -> Floats:
    """Newton step of at most one, kept from going below its bounds."""
    step = np.clip(np.linalg.solve(curvature, slope), -1.0, 1.0)
    held = step < least
    if held.any():
        step[held] = least[held]
        rest = slope[~held] - curvature[np.ix_(~held, held)] @ step[held]
        free = np.linalg.solve(curvature[np.ix_(~held, ~held)], rest)
        step[~held] = np.maximum(np.clip(free, -1.0, 1.0), least[~held])
    return np.asarray(step, dtype=float)


def _shares(posterior: Floats) -> Floats:
    weight = posterior.sum(axis=0) + SHARE_WEIGHT
    return np.asarray(weight / weight.sum(), dtype=float)


def _posterior(paid: Floats, days: Floats, log_weight: Floats, shares: Floats) -> Floats:
    """Probability of each run of each customer, (customers, runs)."""
    total = np.maximum(days @ np.exp(log_weight).T, 1e-300)
    score = paid @ log_weight.T - paid.sum(axis=1, keepdims=True) * np.log(total) + np.log(shares)
    score = np.exp(score - score.max(axis=1, keepdims=True))
    return np.asarray(score / score.sum(axis=1, keepdims=True), dtype=float)


def _slope(
    paid: Floats, days: Floats, design: Floats, effects: Floats, posterior: Floats
) -> tuple[Floats, Floats]:
    """Gradient and information of the expected log-likelihood at the effects."""
    slope, curvature = np.zeros(len(effects)), np.zeros((len(effects), len(effects)))
    for terms, belief in zip(design, posterior.T, strict=True):
        weight = days * np.exp(terms @ effects)
        chance = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
        expected = (belief * paid.sum(axis=1)) @ chance
        slope += (belief @ paid - expected) @ terms
        mean = chance @ terms
        spread = (mean * (belief * paid.sum(axis=1))[:, None]).T @ mean
        curvature += (terms * expected[:, None]).T @ terms - spread
    return slope, curvature
