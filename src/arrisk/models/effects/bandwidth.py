"""How far from a cutoff to look: the bandwidth with the least mean squared error of the jump."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.effects.local_regression import Near, kernel_weight

__all__ = ["select_bandwidth"]

Floats = NDArray[np.float64]
# Constants of the kernels in the rule of thumb of the first pilot (Calonico, Cattaneo and Titiunik).
PILOT = {"triangular": 2.576, "uniform": 1.843, "epanechnikov": 2.34}
PENALTY = 3.0
EDGE = 1.0 + 1e-8


def select_bandwidth(near: Near, order: int = 1) -> tuple[float, float]:
    """Bandwidth of the local polynomials and the pilot that its bias is read from.

    Parameters
    ----------
    near : Near
        Controls are left out of account.
    order : int
        Of the polynomials.

    Returns
    -------
    tuple of float
        `bandwidth` and `pilot`, in the unit of x.

    Raises
    ------
    ModelError
        If there are too few different values on a side.

    Notes
    -----
    The direct plug-in of Calonico, Cattaneo and Titiunik (Econometrica 82, 2014, section S.2.6 of its
    supplement) in the form of Calonico, Cattaneo, Farrell and Titiunik (Stata Journal 17, 2017): three steps,
    every variance summed by customer, and a penalty on the squared bias for how uncertain it is (Imbens and
    Kalyanaraman, Review of Economic Studies 79, 2012).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.uniform(-1, 1, 500)
    >>> y = np.sin(3 * x) + rng.normal(0, 0.3, 500)
    >>> near = Near(x, y, np.ones(500), np.arange(500), 500, np.empty((500, 0)), "triangular")
    >>> bandwidth, pilot = select_bandwidth(near)
    >>> 0.2 < bandwidth < pilot < 1
    True
    """
    sides = (near.keep(near.x < 0), near.keep(near.x >= 0))
    for side, name in zip(sides, ("below", "at or above"), strict=True):
        values = len(np.unique(side.x))
        if values < order + 4:
            raise ModelError(
                f"{values} different values {name} the cutoff: at least {order + 4} are needed to choose "
                "a bandwidth"
            )
    low, high = np.percentile(near.x, [25, 75])
    spread = min(near.x.std(ddof=1), (high - low) / 1.349)
    furthest = float(np.abs(near.x).max())
    first = min(PILOT[near.kernel] * spread * near.x.size ** (-1 / 5), furthest)
    widths = [_reach(side, first, order + 3) for side in sides]
    ranges = [np.abs(side.x).max() * EDGE for side in sides]
    third = _step(sides, order + 2, order + 2, widths, ranges, furthest, 0.0)
    pilot = _step(sides, order + 1, order + 1, widths, [third, third], furthest, PENALTY)
    bandwidth = _step(sides, order, 0, widths, [pilot, pilot], furthest, PENALTY)
    return bandwidth, pilot


def _reach(side: Near, width: float, least: int) -> float:
    """The width, or as much more as it takes to hold enough different values."""
    values = np.unique(np.abs(side.x))
    return float(max(width, values[min(least, len(values) - 1)] * EDGE + np.finfo(float).tiny))


def _step(
    sides: tuple[Near, Near],
    order: int,
    derivative: int,
    widths: list[float],
    pilots: list[float],
    furthest: float,
    penalty: float,
) -> float:
    """The bandwidth with the least error of a derivative at zero, by polynomials of an order."""
    parts = [
        _error(side, order, derivative, width, pilot)
        for side, width, pilot in zip(sides, widths, pilots, strict=True)
    ]
    variance = sum(part[0] for part in parts)
    bias = parts[1][1] - parts[0][1]
    loss = bias**2 + penalty * sum(part[2] for part in parts)
    found = (variance / loss) ** (1 / (2 * order + 3)) if loss > 0 else furthest
    return float(min(found, furthest))


def _error(side: Near, order: int, derivative: int, width: float, pilot: float) -> tuple[float, float, float]:
    """Variance, bias and the variance of the bias of a derivative, free of the bandwidth."""
    z, weight, rows = _local(side, order, width)
    bread = np.asarray(np.linalg.pinv(z.T @ (weight[:, None] * z)), dtype=float)
    variance = _clustered(bread, z, weight, rows)[derivative, derivative]
    left = z.T @ (weight * (rows.x / width) ** (order + 1))
    shape = width**derivative * (bread @ left)[derivative]
    z, weight, rows = _local(side, order + 1, pilot)
    bread = np.asarray(np.linalg.pinv(z.T @ (weight[:, None] * z)), dtype=float)
    bend = (bread @ (z.T @ (weight * rows.y)))[-1]
    free = 2.0 * (order + 1 - derivative)
    unsure = shape**2 * _clustered(bread, z, weight, rows)[-1, -1]
    return (
        (2 * derivative + 1) * width ** (2 * derivative + 1) * variance,
        float(np.sqrt(free) * shape * bend),
        float(free * unsure),
    )


def _local(side: Near, order: int, width: float) -> tuple[Floats, Floats, Near]:
    rows = side.within(width)
    weight = rows.weight * kernel_weight(rows.x / width, rows.kernel)
    return np.vander(rows.x, order + 1, increasing=True), weight, rows


def _clustered(bread: Floats, z: Floats, weight: Floats, rows: Near) -> Floats:
    left = rows.y - z @ (bread @ (z.T @ (weight * rows.y)))
    seen, code = np.unique(rows.code, return_inverse=True)
    scores = z * (weight * left)[:, None]
    sums = np.stack([np.bincount(code, weights=c, minlength=len(seen)) for c in scores.T], axis=1)
    return np.asarray(bread @ (sums.T @ sums) @ bread)
