"""Newton's method for coefficients next to age effects: steps, step-halving, terms that cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.hazard.likelihood import Block, Part, summit_of
from arrisk.models.timing.day_counts import Floats

__all__ = ["Top", "aliased_terms", "climb"]

STEPS = 60
HALVINGS = 30
CLOSE = 1e-10
ALIASED = 1e-9
RUNAWAY = 0.05
Evaluate = Callable[[Block, Floats, Floats], Part]


@dataclass(frozen=True, slots=True)
class Top:
    """Where a climb ended: coefficients, age effects and likelihood by block, steps taken."""

    beta: Floats
    effects: list[Floats]
    parts: list[Part]
    steps: int


def climb(
    blocks: list[Block],
    evaluate: Evaluate,
    start: tuple[Floats, list[Floats]],
    names: Sequence[str],
    ridge: float,
    close: float = CLOSE,
) -> Top:
    """Raise the likelihood of all blocks until a step promises less than `close`.

    Parameters
    ----------
    blocks : list of Block
    evaluate : callable
        Log-likelihood, score and information of a block at coefficients and age effects.
    start : tuple
        Coefficients and, by block, age effects.
    names : sequence of str
        Terms, for messages.
    ridge : float
        Added to the diagonal of the information: the precision of a normal prior.
    close : float

    Raises
    ------
    ModelError
        If a term runs away to infinity, or there is no top within 60 steps.
    """
    beta, effects = start
    parts = [evaluate(b, beta, a) for b, a in zip(blocks, effects, strict=True)]
    for count in range(1, STEPS + 1):
        move, moves, gain = _newton(parts, beta, ridge, names)
        share = 1.0
        before = _height(parts, beta, ridge)
        while True:
            at = beta + share * move
            levels = [a + share * m for a, m in zip(effects, moves, strict=True)]
            new = [evaluate(b, at, a) for b, a in zip(blocks, levels, strict=True)]
            if _height(new, at, ridge) >= before - 1e-12 * (1.0 + abs(before)):
                break
            share /= 2.0
            if share < 0.5**HALVINGS:
                raise ModelError("the likelihood of the hazard regression does not rise along Newton's step")
        beta, effects, parts = at, levels, new
        if gain < close:
            if np.abs(move).max(initial=0.0) > RUNAWAY:
                _separated(names, np.abs(move))
            return Top(beta, effects, parts, count)
    raise ModelError(f"the hazard regression did not converge in {STEPS} steps")


def _height(parts: list[Part], beta: Floats, ridge: float) -> float:
    return sum(p.log_likelihood for p in parts) - 0.5 * ridge * float(beta @ beta)


def _newton(
    parts: list[Part], beta: Floats, ridge: float, names: Sequence[str]
) -> tuple[Floats, list[Floats], float]:
    """Newton's step of the coefficients and of the age effects, and twice the rise that it promises."""
    summit = summit_of(parts, ridge)
    score = summit.score - ridge * beta
    move = beta
    if beta.size:
        root = np.sqrt(np.diag(summit.information).clip(np.finfo(float).tiny))
        scaled = summit.information / np.outer(root, root)
        values, vectors = np.linalg.eigh(scaled)
        if values[0] <= np.finfo(float).eps:
            _separated(names, np.abs(vectors[:, 0]))
        move = vectors @ ((vectors.T @ (score / root)) / values) / root
    moves = [(p.age_score - p.mixed @ move) / p.age_information for p in parts]
    rise = sum(float(p.age_score @ (p.age_score / p.age_information)) for p in parts)
    return move, moves, float(score @ move) + rise


def _separated(names: Sequence[str], size: Floats) -> NoReturn:
    guilty = [n for n, s in zip(names, size, strict=True) if s > 0.1 * size.max(initial=0.0)]
    raise ModelError(
        f"no finite estimate of {', '.join(guilty)}: events and item-days without one are separated (a level "
        "without events?); merge levels or give a prior_sd"
    )


def aliased_terms(parts: list[Part], candidates: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Candidates that the age effects and the terms before them determine, in Gauss's elimination."""
    summit = summit_of(parts, 0.0)
    left, scale = summit.information.copy(), np.diag(summit.full_information)
    out = np.zeros(candidates.size, dtype=bool)
    for j in np.flatnonzero(candidates):
        if left[j, j] <= ALIASED * max(scale[j], np.finfo(float).tiny):
            out[j] = True
            continue
        left -= np.outer(left[:, j], left[j]) / left[j, j]
    return out
