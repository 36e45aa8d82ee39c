"""Simulated defaults of many years, stored sparsely: one entry per default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame
from scipy import sparse

from arrisk.display import frame_html
from arrisk.errors import ModelError
from arrisk.models.losses.compiled import can_compile
from arrisk.models.losses.measures import LEVELS, loss_measures
from arrisk.models.losses.portfolio import Dependence, LossPortfolio
from arrisk.models.tail import expected_shortfall, weighted_mean, weighted_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LossEvents"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LossEvents:
    """Defaults of simulated years, sorted by year, then obligor.

    Parameters
    ----------
    portfolio : LossPortfolio
        Whose defaults they are.
    dependence : Dependence
    weight : array of shape (draws,)
        Probability that each simulated year stands for; adds up to 1.
    factor : array of shape (draws,)
        Common factor of each year; low is bad.
    start : int array of shape (draws + 1,)
        The defaults of year d are the entries ``start[d]:start[d + 1]``.
    obligor : int array of shape (events,)
        Position in the portfolio.
    severity : array of shape (events,)
        Share of the balance lost after recoveries.
    seed : int
    sampling : str
        "mixture" when the years are stratified draws of the factor with weights, "plain" when they are
        independent and alike.
    """

    portfolio: LossPortfolio
    dependence: Dependence
    weight: FloatArray
    factor: FloatArray
    start: IntArray
    obligor: NDArray[np.integer]
    severity: NDArray[np.floating]
    seed: int
    sampling: str = "plain"

    @property
    def draws(self) -> int:
        """Simulated years."""
        return int(self.weight.size)

    @property
    def draw(self) -> IntArray:
        """Year of each default, shape (events,)."""
        return np.repeat(np.arange(self.draws), np.diff(self.start))

    @property
    def balance(self) -> FloatArray:
        """Balance owed at each default, currency units, shape (events,)."""
        return np.asarray(self.portfolio.exposure[self.obligor], dtype=float)

    @property
    def loss(self) -> FloatArray:
        """Loss of each default after recoveries, currency units, shape (events,)."""
        return np.asarray(self.balance * self.severity, dtype=float)

    def totals(self, amounts: ArrayLike | None = None) -> FloatArray:
        """Sum per simulated year, shape (draws,): of the losses, or of one amount per event."""
        if amounts is None:
            return self.by_draw(self.portfolio.exposure, lost=True)
        values = np.asarray(amounts, dtype=float)
        if can_compile(float(values.size)):
            from arrisk.models.losses import kernels

            return np.asarray(kernels.sum_by_draw(self.start, values))
        return np.bincount(self.draw, weights=values, minlength=self.draws).astype(float)

    def by_draw(self, values: ArrayLike, lost: bool = False) -> FloatArray:
        """Sum of an amount per defaulted obligor over the defaults of each year, for many columns at once.

        Parameters
        ----------
        values : array of shape (obligors,) or (obligors, k)
            Amount per default of each obligor, for example what k policies cover.
        lost : bool
            Whether each amount counts only with the share of the balance lost (``severity``).

        Returns
        -------
        array of shape (draws,) or (draws, k)

        Raises
        ------
        ModelError
            If the values are not one row per obligor.

        Examples
        --------
        >>> from arrisk.models.losses.portfolio import make_portfolio
        >>> from arrisk.models.losses.simulation import simulate_losses
        >>> runs = simulate_losses(make_portfolio(1.0, [10.0, 30.0], 0.5), Dependence(0.1), draws=2)
        >>> runs.by_draw([[1.0, 5.0], [2.0, 0.0]]).tolist(), runs.by_draw([10.0, 30.0], lost=True).tolist()
        ([[3.0, 5.0], [3.0, 5.0]], [20.0, 20.0])
        """
        amounts = self._rows(values)
        columns = np.ascontiguousarray(amounts.reshape(len(amounts), -1))
        share = self.severity if lost else self.severity[:0]
        if can_compile(float(self.obligor.size) * columns.shape[1]):
            from arrisk.models.losses import kernels

            total = np.zeros((self.draws, columns.shape[1]))
            kernels.sum_rows(self.start, np.asarray(self.obligor, np.int32), share, columns, total)
        else:
            counted = np.asarray(share, dtype=float) if lost else np.ones(self.obligor.size)
            shape = (self.draws, len(amounts))
            total = sparse.csr_array((counted, self.obligor, self.start), shape=shape) @ columns
        return np.asarray(total.reshape(self.draws, *amounts.shape[1:]), dtype=float)

    def both_by_draw(self, values: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """`by_draw` of the amounts and of what is lost of them, the defaults gone through once for both."""
        amounts = self._rows(values)
        columns = np.ascontiguousarray(amounts.reshape(len(amounts), -1))
        if not can_compile(float(self.obligor.size) * columns.shape[1]):
            return self.by_draw(amounts), self.by_draw(amounts, lost=True)
        from arrisk.models.losses import kernels

        total, part = np.zeros((2, self.draws, columns.shape[1]))
        who = np.asarray(self.obligor, np.int32)
        kernels.sum_rows_twice(self.start, who, self.severity, columns, total, part)
        shape = (self.draws, *amounts.shape[1:])
        return total.reshape(shape), part.reshape(shape)

    def _rows(self, values: ArrayLike) -> FloatArray:
        rows = np.asarray(values, dtype=float)
        if rows.ndim not in (1, 2) or len(rows) != len(self.portfolio):
            raise ModelError(
                f"values of shape {rows.shape} are not one row for {len(self.portfolio)} obligors"
            )
        return rows

    @property
    def strata(self) -> FloatArray | None:
        """What stratified years were sorted by, for errors (see `arrisk.models.tail.mean_error`)."""
        return self.factor if self.sampling == "mixture" else None

    def mean(self, values: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean over the years, and its Monte Carlo error, of values of shape (draws,) or (draws, k)."""
        return weighted_mean(values, self.weight, self.strata)

    def shortfall(self, values: ArrayLike, share: float) -> tuple[FloatArray, FloatArray]:
        """Mean of the worst `share` of the years, and its Monte Carlo error (see `expected_shortfall`)."""
        return expected_shortfall(values, share, self.weight, self.strata)

    def measures(
        self, values: ArrayLike | None = None, levels: Sequence[float] = LEVELS, confidence: float = 0.95
    ) -> DataFrame:
        """Mean, quantiles and tail means of one value per year, the loss by default (see `loss_measures`)."""
        totals = self.totals() if values is None else values
        return loss_measures(totals, levels, confidence, self.weight, self.strata)

    @property
    def table(self) -> DataFrame:
        """Expected, quantile and tail losses with Monte Carlo errors (see `loss_measures`)."""
        return self.measures()

    @property
    def diagnostics(self) -> dict[str, float]:
        """Size of the run and concentration of the book."""
        return {
            "draws": float(self.draws),
            "events": float(self.obligor.size),
            "obligors": float(len(self.portfolio)),
            "effective_names": self.portfolio.effective_names,
            "rho": self.dependence.rho,
            "industry_rho": self.dependence.industry_rho,
            "effective_draws": float(1 / (self.weight**2).sum() * self.weight.sum() ** 2),
            "seed": float(self.seed),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Chance that a year's loss exceeds an amount, with the 99% point marked."""
        import matplotlib.pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        totals = self.totals()
        order = np.argsort(totals)
        ax.plot(totals[order], np.cumsum(self.weight[order][::-1])[::-1], color="#0072B2")
        mark = weighted_quantile(totals, 0.99, self.weight)
        ax.axvline(mark, color="#D55E00", linestyle="--")
        ax.set_title(f"One year in a hundred costs more than {mark:,.0f}")
        ax.set(xlabel="loss in a year (currency units)", ylabel="chance of a larger loss", yscale="log")
        return ax

    def __repr__(self) -> str:
        return f"LossEvents({self.obligor.size:,} defaults in {self.draws:,} years, {self.sampling} sampling)"

    def _repr_html_(self) -> str:
        title = f"Loss of a year, {self.draws:,} simulated years"
        return frame_html(self.table, title, "mc_low and mc_high: 95% Monte Carlo range of each figure.")
