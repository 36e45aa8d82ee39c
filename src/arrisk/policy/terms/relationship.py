"""Value of a customer over time while its risk is learnt: go on, restrict or stop, period by period.

Each period the seller goes on as today, restricts, or stops for good. Credit that is repaid earns its gain,
and the customer stays unless it leaves for other reasons; a default costs its loss and ends the account. The
chance to be paid is uncertain, a Beta(`paid`, `defaulted`) prior, and every period that is paid adds one to
`paid`. So an order also buys knowledge, and going on can be right where the next order alone loses. With
restricting never better and nobody leaving it is `arrisk.policy.granting.granting_value`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Relationship", "value_relationship"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Relationship:
    """Values of the first choice, the best one being made in every later period; currency units.

    Parameters
    ----------
    go_on, restrict : array
        Value of going on as today, or of restricting, in the first period.
    committed, committed_restrict : array
        Value of going on, or of restricting, in all periods whatever is learnt.
    value : array
        Of the best first choice; stopping is worth 0.
    waiting : array
        What the freedom to choose again is worth: `value` less the best of the three commitments.
    """

    go_on: Floats
    restrict: Floats
    committed: Floats
    committed_restrict: Floats
    value: Floats
    waiting: Floats


def value_relationship(
    gain: ArrayLike,
    loss: ArrayLike,
    *,
    restricted_gain: ArrayLike,
    restricted_loss: ArrayLike,
    paid: ArrayLike,
    defaulted: ArrayLike,
    periods: int,
    factor: ArrayLike,
) -> Relationship:
    """Value an account by backward induction; arrays broadcast.

    Parameters
    ----------
    gain, loss : array_like
        Profit of a period that is paid, and loss of a default, as today; currency units.
    restricted_gain, restricted_loss : array_like
        The same when the customer is restricted.
    paid, defaulted : array_like
        Parameters of the prior, both above 0.
    periods : int
        That could follow each other, from 1.
    factor : array_like
        Present value of 1 a period later, times the chance that the customer stays.

    Raises
    ------
    ValueError
        If a prior is not above 0, or there is no period.

    Examples
    --------
    The account of `granting_value`, where the first order alone breaks even and twenty are worth 193:

    >>> r = value_relationship(200, 1000, restricted_gain=0, restricted_loss=1000, paid=4, defaulted=1,
    ...                        periods=20, factor=1 / 1.1)
    >>> float(r.value.round(2)), float(r.committed.round(2)), float(r.waiting.round(2))
    (193.06, 193.06, 0.0)
    """
    a, b = np.asarray(paid, dtype=float), np.asarray(defaulted, dtype=float)
    if not ((a > 0).all() and (b > 0).all()) or periods < 1:
        raise ValueError(f"paid = {paid!r}, defaulted = {defaulted!r}, periods = {periods!r}: above 0 all")
    earned = [np.asarray(v, dtype=float) for v in (gain, loss, restricted_gain, restricted_loss, factor)]
    g, lost, rg, rlost, f = earned
    shape = np.broadcast_shapes(a.shape, b.shape, *(v.shape for v in earned))
    best, always, always_restricted = (np.zeros(shape) for _ in range(3))
    go_on, restrict = best, best
    for done in reversed(range(periods)):
        chance = (a + done) / (a + done + b)
        go_on = chance * (g + f * best) - (1.0 - chance) * lost
        restrict = chance * (rg + f * best) - (1.0 - chance) * rlost
        always = chance * (g + f * always) - (1.0 - chance) * lost
        always_restricted = chance * (rg + f * always_restricted) - (1.0 - chance) * rlost
        best = np.maximum(np.maximum(go_on, restrict), 0.0)
    bound = np.maximum(np.maximum(always, always_restricted), 0.0)
    return Relationship(go_on, restrict, always, always_restricted, best, best - bound)
