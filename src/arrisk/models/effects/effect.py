"""An effect that a design estimates, with what the design needs and whether the ledger bears it out."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from scipy import stats

from arrisk.display import Table, frame_html, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CHECK_COLUMNS", "POWER", "Effect", "detectable_effect"]

CHECK_COLUMNS = ["check", "value", "p_value", "passed", "words"]
POWER = 0.8


@dataclass(frozen=True, slots=True, repr=False)
class Effect:
    """What a treatment changed in an outcome, by one design.

    Parameters
    ----------
    outcome, unit : str
        Column of the outcomes (see `observe_outcomes`) and its unit.
    estimate, se, ci_low, ci_high, p_value : float
        In that unit; standard errors are clustered by customer.
    df : float
        Degrees of freedom of the interval.
    level : float
        Of the interval.
    design : str
        Key of the design: "difference in differences", "interrupted series", "regression discontinuity".
    estimand : str
        Whose effect it is, in words.
    rows, clusters : int
        Invoices (or cells) and customers that the estimate rests on.
    assumptions : tuple of str
        What must hold for the estimate to be the effect; no ledger can prove it.
    checks : DataFrame
        What of it the ledger can refute: a row a check with `check`, `value`, `p_value`, `passed`, `words`.
    table : DataFrame
        The picture of the design, tidy: `term`, `estimate`, `ci_low`, `ci_high` and what else it needs.
    """

    outcome: str
    unit: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    df: float
    level: float
    design: str
    estimand: str
    rows: int
    clusters: int
    assumptions: tuple[str, ...]
    checks: pd.DataFrame
    table: pd.DataFrame

    @property
    def identified(self) -> bool:
        """Whether every check of the design passed."""
        return bool(self.checks["passed"].all()) if len(self.checks) else False

    @property
    def mde(self) -> float:
        """Smallest effect that this design would show on this ledger (80% power, two-sided)."""
        return detectable_effect(self.se, self.df, self.level)

    def finding(self) -> str:
        """The effect in one sentence: how large, how sure, and whether the checks passed."""
        return str(_page("effect_page").describe_effect(self))

    def to_table(self, name: str = "effect") -> Table:
        """The effect with its interval and what it rests on."""
        table: Table = _page("effect_page").effect_table(self, name)
        return table

    def checks_table(self, name: str = "effect_checks") -> Table:
        """What the ledger could refute of the design, and whether it did."""
        table: Table = _page("effect_page").checks_table(self, name)
        return table

    def plot(self, as_of: pd.Timestamp, ax: Axes | None = None) -> Axes:
        """The picture of the design: months around the start, or invoices around the threshold.

        Parameters
        ----------
        as_of : Timestamp
            The day the ledger was read, written into the corner.
        ax : Axes, optional
        """
        if "discontinuit" in self.design:
            axes: Axes = _page("threshold_page").plot_discontinuity(self, as_of, ax)
            return axes
        return stamp(_page("effect_page").plot_effect(self, ax), as_of)

    def __repr__(self) -> str:
        return f"Effect. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def _page(name: str) -> Any:
    """How effects are shown; read late, because the pages read this module."""
    return importlib.import_module(f"arrisk.models.effects.{name}")


def detectable_effect(se: float, df: float, level: float = 0.95, power: float = POWER) -> float:
    """Smallest effect that an estimate with a standard error shows with a given chance.

    The minimum detectable effect of Bloom (1995): ``(t(1 - alpha / 2) + t(power)) * se``.

    Parameters
    ----------
    se : float
        Standard error of the estimate.
    df : float
        Its degrees of freedom; infinite for a normal estimate.
    level : float
        One less the chance to see an effect that is not there, two-sided.
    power : float
        Chance to see the effect.

    Examples
    --------
    >>> round(detectable_effect(1.0, float("inf")), 3)
    2.802
    """
    return float((stats.t.ppf(0.5 + level / 2, df) + stats.t.ppf(power, df)) * se)
