"""Rows around the threshold of an offer, now and before it began, read once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.effects.local_regression import Jump, Kernel, Near, fit_jump

__all__ = ["Rule", "Sample", "Scale", "adjusted"]

Floats = NDArray[np.float64]
Scale = Literal["log", "level"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the offer begins and how the rows around it are read.

    Parameters
    ----------
    outcome, running : str
        Columns.
    cutoff : float
        In the unit of `running`; rows at it or above are treated.
    cluster : str
        Column of the customer.
    scale : {"log", "level"}
        Distances to the cutoff are differences of logarithms or of amounts.
    kernel : {"triangular", "uniform", "epanechnikov"}
    order : int
        Of the local polynomial.
    weight : str or None
    donut : float
        Rows closer to the cutoff than that, in the unit of the distance, are left out.
    adjust : tuple of str
        Columns known before the offer that enter the regression.
    """

    outcome: str
    running: str
    cutoff: float
    cluster: str
    scale: Scale = "log"
    kernel: Kernel = "triangular"
    order: int = 1
    weight: str | None = None
    donut: float = 0.0
    adjust: tuple[str, ...] = ()

    def distance(self, amount: Floats) -> Floats:
        """How far amounts lie above the cutoff."""
        if self.scale == "level":
            return amount - self.cutoff
        if self.scale != "log":
            raise ModelError(f"scale={self.scale!r}; allowed: {', '.join(get_args(Scale))}")
        low = int((amount <= 0).sum())
        if self.cutoff <= 0 or low:
            raise ModelError(
                f"on the log scale {self.running!r} and the cutoff must be positive; seen: cutoff "
                f"{self.cutoff:g}, {low} rows at zero or below"
            )
        return np.asarray(np.log(amount / self.cutoff))

    def amount(self, distance: Floats) -> Floats:
        """The amounts that lie so far above the cutoff."""
        return np.asarray(self.cutoff * np.exp(distance) if self.scale == "log" else self.cutoff + distance)


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows while the offer ran and, where there are any, before it.

    Parameters
    ----------
    rule : Rule
    rows : DataFrame
    before : DataFrame or None
    customers : Index
        Of both.
    """

    rule: Rule
    rows: pd.DataFrame
    before: pd.DataFrame | None
    customers: pd.Index

    def near(self, rows: pd.DataFrame | None = None, outcome: str | None = None) -> Near:
        """The rows (those of the offer by default) around the cutoff, with an outcome.

        Raises
        ------
        ModelError
            If a column is missing or not finite, or the cutoff or an amount is not possible.
        """
        rule = self.rule
        frame = self.rows if rows is None else rows
        named = outcome or rule.outcome
        wanted = [named, rule.running, rule.cluster, *([rule.weight] if rule.weight else []), *rule.adjust]
        missing = [column for column in wanted if column not in frame.columns]
        if missing:
            raise ModelError(
                f"the rows have no column {missing[0]!r}; they have {', '.join(map(str, frame))}"
            )
        controls = [_figures(frame, c) for c in rule.adjust if c != named]
        near = Near(
            x=rule.distance(_figures(frame, rule.running)),
            y=_figures(frame, named),
            weight=_figures(frame, rule.weight) if rule.weight else np.ones(len(frame)),
            code=np.asarray(self.customers.get_indexer(pd.Index(frame[rule.cluster])), dtype=np.intp),
            customers=len(self.customers),
            controls=np.stack(controls, axis=1) if controls else np.empty((len(frame), 0)),
            kernel=rule.kernel,
        )
        return near.keep(np.abs(near.x) >= rule.donut) if rule.donut else near

    def jump(self, bandwidth: float, pilot: float, outcome: str | None = None) -> Jump:
        """The jump of an outcome, less that before the offer."""
        jump = fit_jump(self.near(outcome=outcome), bandwidth, self.rule.order, pilot)
        return jump - self.jump_before(bandwidth, pilot, outcome) if self.before is not None else jump

    def jump_before(self, bandwidth: float, pilot: float, outcome: str | None = None) -> Jump:
        """The jump of an outcome before the offer."""
        return fit_jump(self.near(self.before, outcome), bandwidth, self.rule.order, pilot)

    def unadjusted(self) -> Sample:
        """The same sample without controls."""
        return replace(self, rule=replace(self.rule, adjust=()))

    def donut(self, width: float) -> Sample:
        """The same sample without the rows next to the cutoff."""
        return replace(self, rule=replace(self.rule, donut=width))


def adjusted(near: Near, order: int) -> Near:
    """The same rows with what the controls explain of the outcome taken off.

    The slopes of the controls are those of a regression on all rows with a polynomial of the next order on
    each side.
    """
    if not near.controls.shape[1]:
        return near
    powers = np.vander(near.x, order + 2, increasing=True)
    z = np.concatenate([powers, powers * (near.x >= 0)[:, None], near.controls], axis=1)
    root = np.sqrt(near.weight)
    slope = np.linalg.lstsq(z * root[:, None], near.y * root, rcond=None)[0][2 * powers.shape[1] :]
    return near.outcome(near.y - near.controls @ slope)


def _figures(frame: pd.DataFrame, name: str) -> Floats:
    figures = pd.to_numeric(frame[name]).to_numpy(dtype=float, na_value=np.nan)
    wrong = int((~np.isfinite(figures)).sum())
    if wrong:
        raise ModelError(f"{wrong} rows have no finite {name!r}")
    return np.asarray(figures, dtype=float)
