"""How the same invoices by several methods are shown: shares still open side by side, and the largest gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.display import Format
from arrisk.models.timing.day_counts import Floats
from arrisk.models.timing.survival_curve import SurvivalCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "age_in_words",
    "known_until",
    "largest_gap",
    "method_formats",
    "method_table",
    "open_after",
    "plot_methods",
]

STYLES = (("#D55E00", "--"), ("#0072B2", "-"), ("#000000", ":"))


def open_after(curve: SurvivalCurve, days: ArrayLike) -> Floats:
    """Share still open; a curve that has come to 0 stays there after its last day."""
    values = curve.at(days)
    done = curve.table["survival"].iloc[-1] == 0.0
    return np.where(np.isnan(values) & done, 0.0, values)


def known_until(curves: Mapping[str, SurvivalCurve], names: tuple[str, ...]) -> int:
    """Last day that the named curves reach; 0 without curves."""
    return min((curves[name].last_day for name in names), default=0) if curves else 0


def method_table(curves: Mapping[str, SurvivalCurve], days: tuple[int, ...], known: int) -> pd.DataFrame:
    """Items, median days and shares still open by method; shares after the last known day are missing."""
    rows = []
    for name, curve in curves.items():
        shares = np.where(np.array(days) > known, np.nan, open_after(curve, days))
        rows.append((name, curve.n, curve.quantile(0.5), *shares))
    return pd.DataFrame(rows, columns=["method", "items", "median_days", *(f"open_after_{d}" for d in days)])


def method_formats(days: tuple[int, ...]) -> dict[str, Format]:
    """Formats of `method_table`."""
    shares: dict[str, Format] = {f"open_after_{d}": "percent" for d in days}
    return {"items": "integer", "median_days": "number", **shares}


def largest_gap(table: pd.DataFrame, days: tuple[int, ...], sign: int) -> tuple[int, float, float]:
    """Day on which the first method is furthest below (sign 1) or above (-1) the last; both shares there."""
    shares = table[[f"open_after_{d}" for d in days]].to_numpy(float)
    gap = np.nan_to_num(sign * (shares[-1] - shares[0]), nan=-1.0)
    k = int(gap.argmax())
    return days[k], float(shares[0, k]), float(shares[-1, k])


def age_in_words(day: float, clock: str) -> str:
    """An age on a clock, to begin a sentence with.

    Examples
    --------
    >>> age_in_words(30, "issue"), age_in_words(0, "due"), age_in_words(-15, "due")
    ('30 days after issue', 'On the due date', '15 days before the due date')
    """
    if day == 0:
        return "On the day of issue" if clock == "issue" else "On the due date"
    since = "issue" if clock == "issue" else "the due date"
    return f"{abs(day):.0f} days {'after' if day > 0 else 'before'} {since}"


def plot_methods(
    curves: Mapping[str, SurvivalCurve], days: Floats, clock: str, title: str, ax: Axes | None
) -> Axes:
    """The curves of the methods; the truth dotted."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots()[1]
    for (name, curve), (colour, line) in zip(curves.items(), STYLES, strict=False):
        ax.step(days, 100 * open_after(curve, days), where="post", label=name, color=colour, ls=line)
    since = "issue" if clock == "issue" else "the due date"
    ax.set(xlabel=f"days since {since}", ylabel="still open, % of invoices", ylim=(0, 102))
    ax.set_title(title)
    if curves:
        ax.set_xlim(float(days[0]), None)
        ax.legend(loc="upper right")
    return ax
