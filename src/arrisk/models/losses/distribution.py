"""The distribution of a year's loss, whichever method found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pandas import DataFrame

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.losses.cover import Cover
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.loss_laws import LossLaw
from arrisk.models.losses.measures import LEVELS
from arrisk.models.losses.portfolio import Dependence, LossPortfolio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LossDistribution", "check_level", "law_figures"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LossDistribution:
    """The loss of a year that is kept: all of it, or what a cover leaves.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    cover : Cover or None
    law : LossLaw
        Where the figures come from.
    table : DataFrame
        One row a figure: term ("expected", "quantile_99", "tvar_99", ...), estimate, error, low, high.
        Of a simulation, error is the standard error and low to high the 95% Monte Carlo range. Of the exact
        transform, error is the standard deviation of what rounding to the lattice adds to a year's loss, and
        low to high holds the true figure: rounding moves no more than one year in a million by more. Of the
        quadrature, error is what the last refinement changed: the correction for skewness, and half of the
        nodes.
    binds, unused : float
        Chance that the maximum of the cover cuts the payments of a year, and that covered losses do not
        exceed its first loss; not a number without such a term.
    method, reason : str
        "simulation", "quadrature" or "fourier", and why in one sentence.
    diagnostics : mapping of str to object
        Effective number of names, and what the method chose.
    events : LossEvents or None
        The simulated years, when there are any.
    """

    portfolio: LossPortfolio
    dependence: Dependence
    cover: Cover | None
    law: LossLaw
    table: DataFrame
    binds: float
    unused: float
    method: str
    reason: str
    diagnostics: Mapping[str, object]
    events: LossEvents | None = None

    @property
    def mean(self) -> float:
        """Mean loss of a year, currency units."""
        return self.law.mean()

    @property
    def sd(self) -> float:
        """Standard deviation of the loss of a year, currency units."""
        return self.law.sd()

    def quantile(self, level: float) -> float:
        """Loss that is not exceeded with probability `level`, currency units."""
        return self.law.quantile(check_level(level))

    def tvar(self, level: float) -> float:
        """Mean loss of the worst ``1 - level`` of years, currency units (Acerbi and Tasche 2002)."""
        edge = self.law.quantile(check_level(level))
        return edge + float(self.law.excess(edge)) / (1 - level)

    def exceedance(self, amount: ArrayLike) -> FloatArray:
        """Probability of a larger loss, same shape."""
        return self.law.exceedance(amount)

    def excess(self, amount: ArrayLike) -> FloatArray:
        """Mean of the part of the loss above an amount (stop-loss premium), same shape, currency units."""
        return self.law.excess(amount)

    def finding(self) -> str:
        """The cost of the average year and of a bad one, and by which method."""
        from arrisk.models.losses.distribution_page import describe_distribution

        return describe_distribution(self)

    def to_table(self, name: str = "loss_distribution") -> Table:
        """The figures with their errors."""
        from arrisk.models.losses.distribution_page import show_distribution

        return show_distribution(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Chance that the loss of a year exceeds an amount."""
        from arrisk.models.losses.distribution_page import plot_distribution

        return plot_distribution(self, ax)

    def plot_layers(self, ax: Axes | None = None) -> Axes:
        """Chance of a larger loss before and after the cover, with the layers of the cover marked."""
        from arrisk.models.losses.distribution_page import plot_layers

        return plot_layers(self, ax)

    def __repr__(self) -> str:
        return f"LossDistribution({self.method}: {self.finding()})"

    def _repr_html_(self) -> str:
        shown = self.to_table()
        return frame_html(shown.frame, shown.title, shown.note, shown.formats)


def law_figures(law: LossLaw, levels: Sequence[float] = LEVELS) -> DataFrame:
    """Mean, standard deviation, quantiles and tail means of a distribution: term, estimate.

    Examples
    --------
    >>> from arrisk.models.losses.loss_laws import WeightedValues
    >>> law_figures(WeightedValues.of([0.0, 10.0], [0.9, 0.1]), [0.95]).estimate.round(6).tolist()
    [1.0, 3.0, 10.0, 10.0]
    """
    rows = [("expected", law.mean()), ("sd", law.sd())]
    for level in levels:
        edge, name = law.quantile(check_level(level)), f"{level * 100:g}"
        rows.append((f"quantile_{name}", edge))
        rows.append((f"tvar_{name}", edge + float(law.excess(edge)) / (1 - level)))
    return DataFrame(rows, columns=["term", "estimate"])


def check_level(level: float) -> float:
    """The level itself when it is a fraction between 0 and 1."""
    if not 0 < level < 1:
        raise ModelError(f"level is a fraction between 0 and 1, got {level}")
    return level
