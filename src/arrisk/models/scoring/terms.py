"""The terms of a card: what one column of a frame adds to the log-odds of default."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.scoring.values import numbers_of

if TYPE_CHECKING:
    from arrisk.models.scoring.bins import Bins

__all__ = ["BinnedTerm", "CardTerm", "LinearTerm", "numbers_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LinearTerm:
    """A bounded number that adds in proportion: ``coefficient * clip(value, low, high) / step``.

    Parameters
    ----------
    name : str
        The column that is read.
    low, high : float
        Values beyond count as these; in units of the column.
    step : float
        Unit of the coefficient, above zero.
    fill : float
        Taken for a missing value.
    coefficient : float
        Log-odds of default a step.
    average : float, optional
        Mean of the bounded values of the book, against which reasons are told; by default `fill`.

    Raises
    ------
    ModelError
        If a number is not finite, the bounds are not in order or the step is not above zero.

    Examples
    --------
    >>> term = LinearTerm("days_late", low=-30, high=120, step=30, fill=0, coefficient=0.5)
    >>> term.units(pd.Series([15.0, 900.0, None])).tolist()
    [0.5, 4.0, 0.0]
    """

    name: str
    low: float
    high: float
    step: float
    fill: float
    coefficient: float
    average: float = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.average):
            object.__setattr__(self, "average", self.fill)
        for field in ("low", "high", "step", "fill", "coefficient", "average"):
            object.__setattr__(self, field, float(getattr(self, field)))
            if not math.isfinite(getattr(self, field)):
                raise ModelError(
                    f"term {self.name!r}: {field} is {getattr(self, field)}, not a finite number"
                )
        if self.low > self.high or self.step <= 0:
            raise ModelError(
                f"term {self.name!r}: low {self.low} must not exceed high {self.high}, and step {self.step} "
                "must be above zero"
            )

    @property
    def mean_units(self) -> float:
        """The average customer, in steps."""
        return min(max(self.average, self.low), self.high) / self.step

    def units(self, values: pd.Series) -> Floats:
        """Bounded values in steps, missing ones filled; shape (n,)."""
        x = numbers_of(values, self.name)
        x = np.where(np.isnan(x), self.fill, x)
        return np.asarray(np.clip(x, self.low, self.high) / self.step, dtype=float)


@dataclass(frozen=True, slots=True)
class BinnedTerm:
    """A binned column that adds its weight of evidence: ``coefficient * woe of the bin``.

    Parameters
    ----------
    bins : Bins
        How the column is cut; it also defines missing, special and unseen values.
    coefficient : float
        Log-odds of default a unit of WoE; about -1, because WoE is higher where customers are better.
    typical : float or str, optional
        Median of a number or the most frequent category, against which reasons are told.

    Raises
    ------
    ModelError
        If the coefficient is not finite.
    """

    bins: Bins
    coefficient: float
    typical: float | str | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.coefficient):
            raise ModelError(f"term {self.name!r}: coefficient is {self.coefficient}, not a finite number")

    @property
    def name(self) -> str:
        """The column that is read."""
        return self.bins.name

    @property
    def mean_units(self) -> float:
        """WoE of the average customer of the book."""
        rows = np.add(self.bins.events, self.bins.nonevents)
        return float(np.average(self.bins.woe, weights=rows)) if rows.sum() else 0.0

    def units(self, values: pd.Series) -> Floats:
        """WoE of each value; shape (n,)."""
        return self.bins.transform(values)


CardTerm = BinnedTerm | LinearTerm
"""What a card is made of."""


def units_of(terms: Sequence[CardTerm], frame: pd.DataFrame) -> Floats:
    """What the coefficients of the terms multiply, shape (n, k), column by column in memory."""
    units = np.empty((len(frame), len(terms)), order="F")
    for j, term in enumerate(terms):
        units[:, j] = term.units(frame[term.name])
    return units
