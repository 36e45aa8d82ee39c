"""Efron's treatment of ties: the sums over those who leave at the same age."""

from __future__ import annotations

import numpy as np

from arrisk.models.timing.day_counts import Floats

__all__ = ["tied_sums"]


def tied_sums(risk: Floats, going: Floats, left: Floats) -> Floats:
    """Sums over the steps of those who leave at the same age.

    Parameters
    ----------
    risk, going, left : array, shape (ages,)
        Sums of exp(z b) of those at risk and of those who leave, and how many d leave, at least one.

    Returns
    -------
    array, shape (6, ages)
        Over l < d, with f = l / d and s = risk - f going: sums of log s, 1/s, f/s, 1/s^2, f/s^2, f^2/s^2.

    Examples
    --------
    >>> import numpy as np
    >>> tied_sums(np.array([4.0]), np.array([2.0]), np.array([2.0]))[1:3].round(4).tolist()
    [[0.5833], [0.1667]]
    """
    d = left.astype(np.int64)
    starts = np.cumsum(d) - d
    f = (np.arange(int(d.sum())) - np.repeat(starts, d)) / np.repeat(d, d)
    s = np.repeat(risk, d) - f * np.repeat(going, d)
    g = 1.0 / s
    terms = (np.log(s), g, f * g, g * g, f * g * g, (f * g) ** 2)
    return np.stack([np.add.reduceat(t, starts) for t in terms])
