"""The level of losses at which factoring without recourse costs what it costs with recourse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrisk.models.losses.loss_model import LossModel
from arrisk.models.tail import weighted_quantile

__all__ = ["RecourseBreakEven", "break_even_level"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RecourseBreakEven:
    """Where the two cost the same.

    Parameters
    ----------
    pd : float
        Mean probability of loss at which the fee is what the covered losses cost on average; infinite when
        nothing is covered.
    pd_with_capital : float
        The same with capital for bad years counted, from the simulated cases; not a number when the lines do
        not cross over the cases.
    book : float
        Mean probability of loss of the book.
    low, high : float
        Range that the ledger leaves open.
    level : float
        Coverage of the range.
    extra : float
        What it costs more a year to be without recourse, currency units.
    names : (str, str)
        With and without recourse.
    levels, gap : arrays of shape (levels,)
        Mean probability of loss, and cost with recourse less cost without it, averaged over correlations.
    """

    pd: float
    pd_with_capital: float
    book: float
    low: float
    high: float
    level: float
    extra: float
    names: tuple[str, str]
    levels: FloatArray
    gap: FloatArray

    def finding(self) -> str:
        """The break-even beside the book's own level, in one sentence."""
        if not np.isfinite(self.pd):
            return f"{self.names[1]} covers nothing, so no level of losses makes it worth its fee"
        return (
            f"On average {self.names[1]} pays when more than {self.pd:.2%} of customers are lost a year; the "
            f"book loses {self.book:.2%} ({self.low:.2%} to {self.high:.2%})"
        )


def break_even_level(
    extra: float,
    covered: FloatArray,
    model: LossModel,
    totals: tuple[FloatArray, FloatArray],
    recourse: str,
    without: str,
) -> RecourseBreakEven:
    """Solve for the level of losses.

    Parameters
    ----------
    extra : float
        Yearly cost without recourse less that with it, losses apart.
    covered : array of shape (obligors,)
        What the factor bears of each default, before recoveries.
    model : LossModel
    totals : (array, array)
        All costs of a year by case, with and without recourse.
    recourse, without : str
        Names.

    Returns
    -------
    RecourseBreakEven

    Notes
    -----
    Without risk the two cost the same where ``extra = scale * sum(pd * covered * lgd)``; customers keep their
    order, so the level is that scale times the mean probability. With capital the crossing is found on the
    simulated cases, joined by straight lines.
    """
    book = model.portfolio
    borne = float((book.pd * covered * book.lgd).sum())
    scales = model.cases["scale"].to_numpy(dtype=float)
    weight = model.cases["weight"].to_numpy(dtype=float)
    tail = (1 - model.level_of_range) / 2
    ends = [weighted_quantile(scales, q, weight) for q in (tail, 1 - tail)]
    distinct = np.unique(scales)
    gap = np.array(
        [np.average((totals[0] - totals[1])[scales == s], weights=weight[scales == s]) for s in distinct]
    )
    scale = extra / borne if borne > 0 else np.inf
    return RecourseBreakEven(
        pd=float(max(scale, 0.0) * model.level),
        pd_with_capital=_crossing(distinct, gap) * model.level,
        book=model.level,
        low=ends[0] * model.level,
        high=ends[1] * model.level,
        level=model.level_of_range,
        extra=extra,
        names=(recourse, without),
        levels=distinct * model.level,
        gap=gap,
    )


def _crossing(scales: FloatArray, gap: FloatArray) -> float:
    """First scale at which the gap turns from negative to positive, or the other way."""
    turns = np.flatnonzero(np.diff(np.sign(gap)) != 0)
    if turns.size == 0:
        return float("nan")
    i = int(turns[0])
    return float(scales[i] - gap[i] * (scales[i + 1] - scales[i]) / (gap[i + 1] - gap[i]))
