"""Whose default costs how much: the customers of a loss model, and how their defaults hang together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame

from arrisk.errors import ModelError
from arrisk.models.losses.closed_form import effective_names

__all__ = ["Dependence", "LossPortfolio", "make_portfolio"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dependence:
    """How defaults hang together: a common factor, and a factor of each industry.

    The default of obligor i of industry k means that
    ``sqrt(rho) * Z + sqrt(industry_rho) * Z_k + sqrt(1 - rho - industry_rho) * e_i`` falls below the normal
    quantile of its probability of default; Z, Z_k and e_i are independent standard normal.

    Parameters
    ----------
    rho : float
        Asset correlation of two obligors of different industries, in [0, 1).
    industry_rho : float
        What two obligors of the same industry have in common on top; ``rho + industry_rho < 1``.

    Raises
    ------
    ModelError
        If a correlation is out of range.

    Examples
    --------
    >>> Dependence(0.15).industry_rho
    0.0
    """

    rho: float
    industry_rho: float = 0.0

    def __post_init__(self) -> None:
        if not (self.rho >= 0 and self.industry_rho >= 0 and self.rho + self.industry_rho < 1):
            raise ModelError(
                f"asset correlations are not negative and add up to less than 1, got rho={self.rho} and "
                f"industry_rho={self.industry_rho}"
            )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LossPortfolio:
    """The customers of a loss model, one entry each.

    Parameters
    ----------
    name : array of str, shape (obligors,)
        Customer ids.
    pd : array of shape (obligors,)
        Probability of default within the year.
    exposure : array of shape (obligors,)
        Balance owed at default, currency units.
    lgd : array of shape (obligors,)
        Mean share of the balance that is lost after recoveries.
    lgd_spread : array of shape (obligors,)
        Standard deviation of that share (a beta law); 0 is a fixed share.
    industry : int array of shape (obligors,)
        Position in `industries`.
    industries : tuple of str
        Names of the industries.
    """

    name: NDArray[np.str_]
    pd: FloatArray
    exposure: FloatArray
    lgd: FloatArray
    lgd_spread: FloatArray
    industry: IntArray
    industries: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.pd.size)

    def __repr__(self) -> str:
        return (
            f"LossPortfolio({len(self):,} obligors, exposure {self.exposure.sum():,.0f}, expected loss "
            f"{self.expected_loss:,.0f} a year)"
        )

    @property
    def expected_loss(self) -> float:
        """Mean loss of a year, currency units."""
        return float((self.pd * self.exposure * self.lgd).sum())

    @property
    def effective_names(self) -> float:
        """Number of equal customers with the same concentration of balances; 0 when nobody owes anything."""
        return effective_names(self.exposure) if self.exposure.sum() > 0 else 0.0

    @property
    def table(self) -> DataFrame:
        """customer_id, industry, pd, exposure, lgd, lgd_spread, expected_loss: one row a customer."""
        return DataFrame(
            {
                "customer_id": self.name,
                "industry": np.array(self.industries)[self.industry],
                "pd": self.pd,
                "exposure": self.exposure,
                "lgd": self.lgd,
                "lgd_spread": self.lgd_spread,
                "expected_loss": self.pd * self.exposure * self.lgd,
            }
        )

    def scaled(self, factor: float) -> LossPortfolio:
        """The same customers with every probability of default times `factor`, at most 1."""
        return replace(self, pd=np.minimum(self.pd * factor, 1.0))


def make_portfolio(
    pd: ArrayLike,
    exposure: ArrayLike,
    lgd: ArrayLike,
    lgd_spread: ArrayLike = 0.0,
    industry: ArrayLike | None = None,
    name: ArrayLike | None = None,
) -> LossPortfolio:
    """Check and put together the customers of a loss model.

    Parameters
    ----------
    pd, lgd, lgd_spread : float or array of shape (obligors,)
        Probability of default; mean and standard deviation of the share lost.
    exposure : array of shape (obligors,)
        Balance owed at default, currency units.
    industry : array of str, optional
        Industry of each; one for all by default.
    name : array of str, optional
        Customer ids; "0", "1", ... by default.

    Returns
    -------
    LossPortfolio

    Raises
    ------
    ModelError
        If shapes do not fit or values are out of range.

    Examples
    --------
    >>> book = make_portfolio(0.02, [100.0, 300.0], 0.6, industry=["steel", "food"])
    >>> len(book), round(book.expected_loss, 2), book.industries
    (2, 4.8, ('food', 'steel'))
    """
    amounts = np.asarray(exposure, dtype=float)
    if amounts.ndim != 1 or amounts.size == 0 or not (np.isfinite(amounts) & (amounts >= 0)).all():
        raise ModelError("exposure is one amount per obligor, finite and not negative")
    chance, mean, spread = (
        _each(values, amounts.size, what)
        for values, what in ((pd, "pd"), (lgd, "lgd"), (lgd_spread, "lgd_spread"))
    )
    for values, what in ((chance, "a probability of default"), (mean, "loss given default")):
        if not ((values >= 0) & (values <= 1)).all():
            raise ModelError(f"{what} lies between 0 and 1")
    if not ((spread >= 0) & (spread**2 <= mean * (1 - mean) + 1e-12)).all():
        raise ModelError("the spread of loss given default is at most sqrt(lgd * (1 - lgd))")
    kinds = np.full(amounts.size, "all") if industry is None else np.asarray(industry).astype(str)
    names = np.arange(amounts.size).astype(str) if name is None else np.asarray(name).astype(str)
    if kinds.shape != amounts.shape or names.shape != amounts.shape:
        raise ModelError(f"industry and name must fit {amounts.size} obligors")
    labels, codes = np.unique(kinds, return_inverse=True)
    found = tuple(str(label) for label in labels)
    return LossPortfolio(names, chance, amounts.copy(), mean, spread, codes.astype(np.int64), found)


def _each(values: ArrayLike, size: int, what: str) -> FloatArray:
    try:
        return np.broadcast_to(np.asarray(values, dtype=float), (size,)).copy()
    except ValueError as error:
        raise ModelError(f"{what} must fit {size} obligors") from error
