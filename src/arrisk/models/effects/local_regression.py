"""A jump at a cutoff by local polynomials, its bias taken off, and what every customer adds to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.regression.linear_model import WLS

from arrisk.errors import ModelError
from arrisk.models.regression.sandwich import carried_by, left_out

__all__ = ["Jump", "Kernel", "Near", "fit_jump", "kernel_weight"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Kernel = Literal["triangular", "uniform", "epanechnikov"]


@dataclass(frozen=True, slots=True)
class Near:
    """Rows around a cutoff.

    Parameters
    ----------
    x : array, shape (rows,)
        Distance to the cutoff; zero and above is treated.
    y, weight : array, shape (rows,)
    code : array of int, shape (rows,)
        Customer.
    customers : int
        How many there are, here and in every sample that this one is compared with.
    controls : array, shape (rows, controls)
        Enter linearly, with the same slope on both sides.
    kernel : {"triangular", "uniform", "epanechnikov"}
    """

    x: Floats
    y: Floats
    weight: Floats
    code: Codes
    customers: int
    controls: Floats
    kernel: Kernel

    def keep(self, rows: NDArray[np.bool_]) -> Near:
        """The same sample of some of its rows."""
        return replace(
            self,
            x=self.x[rows],
            y=self.y[rows],
            weight=self.weight[rows],
            code=self.code[rows],
            controls=self.controls[rows],
        )

    def within(self, bandwidth: float) -> Near:
        """The rows less than a bandwidth away from the cutoff."""
        return self.keep(np.abs(self.x) < bandwidth)

    def outcome(self, y: Floats) -> Near:
        """The same rows with another outcome."""
        return replace(self, y=y)


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump and how far it moves when a customer is left out.

    Parameters
    ----------
    estimate : float
    shares : array, shape (customers,)
        The estimate less the one without the customer; zero for customers far from the cutoff.
    """

    estimate: float
    shares: Floats

    def __sub__(self, other: Jump) -> Jump:
        return Jump(self.estimate - other.estimate, self.shares - other.shares)

    def scaled(self, factor: float) -> Jump:
        """So many times the jump."""
        return Jump(self.estimate * factor, self.shares * factor)

    @property
    def clusters(self) -> int:
        """Customers that the jump rests on."""
        return int((self.shares != 0).sum())

    @property
    def df(self) -> float:
        """Degrees of freedom of the standard error; few where few customers carry it."""
        shares = self.shares[self.shares != 0]
        return float(carried_by(shares[:, None])[0]) if shares.size > 1 else float("nan")

    @property
    def p_value(self) -> float:
        """Two-sided, of no jump; missing without an error to hold it against."""
        return float(2 * stats.t.sf(abs(self.estimate / self.se), self.df)) if self.se > 0 else float("nan")

    def interval(self, level: float) -> tuple[float, float]:
        """Its ends at a level."""
        reach = float(stats.t.ppf(0.5 + level / 2, self.df)) * self.se
        return self.estimate - reach, self.estimate + reach

    @property
    def se(self) -> float:
        """Jackknife standard error by customer (the variance "CR3")."""
        n = self.clusters
        if n < 2:
            return float("nan")
        shares = self.shares[self.shares != 0]
        return float(np.sqrt((n - 1) / n * ((shares - shares.mean()) ** 2).sum()))


def kernel_weight(u: Floats, kernel: Kernel) -> Floats:
    """Weight of a row at a distance of `u` bandwidths.

    Examples
    --------
    >>> kernel_weight(np.array([0.0, 0.5, 2.0]), "triangular").tolist()
    [1.0, 0.5, 0.0]
    """
    u = np.abs(u)
    if kernel == "triangular":
        return np.asarray(np.maximum(1.0 - u, 0.0))
    if kernel == "uniform":
        return np.asarray(np.where(u < 1.0, 1.0, 0.0))
    if kernel == "epanechnikov":
        return np.asarray(np.maximum(1.0 - u * u, 0.0))
    raise ModelError(f"kernel={kernel!r}; allowed: {', '.join(get_args(Kernel))}")


def fit_jump(near: Near, bandwidth: float, order: int = 1, pilot: float | None = None) -> Jump:
    """The jump at zero by a local polynomial, less its bias as the next order sees it.

    Parameters
    ----------
    near : Near
    bandwidth : float
        Rows at least so far away do not count.
    order : int
        Of the polynomial on either side.
    pilot : float, optional
        Bandwidth of the polynomial of the next order that the bias is read from; without it no bias is taken
        off.

    Returns
    -------
    Jump

    Raises
    ------
    ModelError
        If one side has too few different values within the bandwidth.

    Notes
    -----
    The bias-corrected estimate of Calonico, Cattaneo and Titiunik (Econometrica 82, 2014, section 3): taken
    off is what the local polynomial makes of the leading term that it leaves out, times the coefficient of
    that term in a fit of the next order. With `pilot` equal to `bandwidth` it is that fit itself.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.uniform(-1, 1, 400)
    >>> y = x**2 + 2.0 * (x >= 0)
    >>> near = Near(x, y, np.ones(400), np.arange(400), 400, np.empty((400, 0)), "uniform")
    >>> round(fit_jump(near, 0.8, pilot=0.8).estimate, 6)
    2.0
    """
    chosen = near.within(bandwidth)
    side = _design(chosen.x, order)
    coefficient, shares = _fit(chosen, side, bandwidth)
    jump = Jump(float(coefficient[order + 1]), shares[:, order + 1])
    if pilot is None:
        return jump
    wide = near.within(pilot)
    bend, bend_shares = _fit(wide, _design(wide.x, order + 1), pilot)
    for place, right in ((order + 1, 0.0), (2 * order + 3, 1.0)):
        term = chosen.x ** (order + 1) * ((chosen.x >= 0) >= right)
        made = _fit(chosen.outcome(term), side, bandwidth)[0][order + 1]
        jump = jump - Jump(float(made * bend[place]), made * bend_shares[:, place])
    return jump


def _design(x: Floats, order: int) -> Floats:
    """Powers of x, and the same again on the treated side."""
    powers = x[:, None] ** np.arange(order + 1)
    return np.concatenate([powers, powers * (x >= 0)[:, None]], axis=1)


def _fit(near: Near, polynomial: Floats, bandwidth: float) -> tuple[Floats, Floats]:
    """Coefficients of the polynomials and the share of every customer in each."""
    terms = polynomial.shape[1]
    for side, name in ((near.x < 0, "below"), (near.x >= 0, "at or above")):
        values = len(np.unique(near.x[side & (near.weight > 0)]))
        if values <= terms // 2:
            raise ModelError(
                f"{values} different values {name} the cutoff within the bandwidth {bandwidth:.3g}: "
                f"more than {terms // 2} are needed"
            )
    weight = near.weight * kernel_weight(near.x / bandwidth, near.kernel)
    z = np.concatenate([polynomial, near.controls], axis=1)
    fitted = WLS(near.y, z, weights=weight).fit()
    seen, found = np.unique(near.code, return_inverse=True)
    code: Codes = np.asarray(found, dtype=np.intp)
    scores = (fitted.resid * weight)[:, None] * z
    sums: Floats = np.stack([np.bincount(code, weights=c, minlength=len(seen)) for c in scores.T], axis=1)
    shares = np.zeros((near.customers, terms))
    shares[seen] = left_out(z, weight, code, np.asarray(sums), fitted.normalized_cov_params)[:, :terms]
    return np.asarray(fitted.params[:terms]), shares
