"""What a policy pays on the defaults of a year, as the loss engine sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.losses.portfolio import LossPortfolio

__all__ = ["Cover", "make_cover"]

FloatArray = NDArray[np.float64]
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Cover:
    """Indemnity per default, and the terms of the year on their sum.

    The indemnity of a year whose defaults are covered for G in all is
    ``share_after * min(max(G - first_loss, 0), maximum)``. It is paid on balances. What is recovered later
    is shared in proportion to the indemnity and the rest of each debt, so the insurer bears the indemnity
    times the share of the balance that is lost.

    Parameters
    ----------
    covered : array of shape (obligors,)
        Indemnity of each obligor's default before the terms of the year, currency units: what is left of the
        balance after limits, shares and excesses of single losses.
    first_loss : float
        Aggregate first loss of the year that the insured keeps, currency units.
    maximum : float
        Maximum liability of the year, currency units; infinite for none.
    share_after : float
        Insured share that is applied last, in [0, 1]; 1 when `covered` has it already.

    Examples
    --------
    A share applied last: 90% of what is above an attachment of 2,000.

    >>> float(make_cover([100_000.0, 22_000.0], first_loss=2_000, share_after=0.9).paid(122_000.0))
    108000.0
    """

    covered: FloatArray
    first_loss: float = 0.0
    maximum: float = math.inf
    share_after: float = 1.0

    def __post_init__(self) -> None:
        amounts = np.asarray(self.covered, dtype=float)
        if amounts.ndim != 1 or not (np.isfinite(amounts) & (amounts >= 0)).all():
            raise ModelError("covered is one amount per obligor, finite and not negative")
        if not (0 <= self.first_loss < math.inf and self.maximum >= 0):
            raise ModelError(
                f"first loss and maximum are amounts that are not negative, got {self.first_loss} and "
                f"{self.maximum}; the maximum may be infinite"
            )
        if not 0 <= self.share_after <= 1:
            raise ModelError(f"an insured share lies between 0 and 1, got {self.share_after}")

    @property
    def by_year(self) -> bool:
        """Whether terms work on the sum of the year: a first loss, or a maximum that can bind."""
        return self.first_loss > 0 or self.maximum < float(self.covered.sum())

    def paid(self, gross: ArrayLike) -> FloatArray:
        """Indemnity of years whose defaults are covered for `gross` in all, same shape."""
        above = np.maximum(np.asarray(gross, dtype=float) - self.first_loss, 0.0)
        return np.asarray(self.share_after * np.minimum(above, self.maximum))

    def paid_share(self, gross: ArrayLike) -> FloatArray:
        """Part of the covered amount of a year that is paid, same shape; its limit where nothing is."""
        covered = np.asarray(gross, dtype=float)
        none = self.share_after if self.first_loss == 0 and self.maximum > 0 else 0.0
        filled = np.full(covered.shape, none)
        return np.asarray(np.divide(self.paid(covered), covered, out=filled, where=covered > 0))

    def binds(self, gross: ArrayLike) -> NDArray[np.bool_]:
        """Whether the maximum cuts the payments of a year."""
        return np.asarray(np.asarray(gross, dtype=float) - self.first_loss > self.maximum)

    def unused(self, gross: ArrayLike) -> NDArray[np.bool_]:
        """Whether the covered losses of a year do not exceed the first loss."""
        return np.asarray(np.asarray(gross, dtype=float) <= self.first_loss)

    def check(self, portfolio: LossPortfolio) -> Cover:
        """The cover itself when it fits the obligors; an error when not, or when it pays above a balance."""
        if self.covered.shape != portfolio.exposure.shape:
            raise ModelError(
                f"a cover of {self.covered.size} obligors does not go with a portfolio of {len(portfolio)}"
            )
        over = self.covered > portfolio.exposure * (1 + ROUNDING)
        if over.any():
            at = int(np.flatnonzero(over)[0])
            raise ModelError(
                f"a cover pays at most the balance: {portfolio.name[at]} owes {portfolio.exposure[at]:,.2f} "
                f"and is covered for {self.covered[at]:,.2f}"
            )
        return self


def make_cover(
    covered: ArrayLike, first_loss: float = 0.0, maximum: float = math.inf, share_after: float = 1.0
) -> Cover:
    """A cover from amounts in any form (see `Cover`).

    Examples
    --------
    >>> make_cover([90.0, 270.0], maximum=300.0).paid([90.0, 360.0]).tolist()
    [90.0, 300.0]
    """
    amounts = np.atleast_1d(np.asarray(covered, dtype=float)).copy()
    return Cover(amounts, float(first_loss), float(maximum), float(share_after))
