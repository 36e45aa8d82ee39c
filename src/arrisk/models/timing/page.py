"""How payment times are shown: the table, the picture of the curves, the finding in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.timing.curves import SurvivalCurve
    from arrisk.models.timing.payment_timing import PaymentTiming

__all__ = ["curve_rows", "plot_timing", "timing_table"]

ALL = "all"
SHOWN_DAYS: Mapping[str, tuple[int, ...]] = {"issue": (30, 60, 90), "due": (0, 30, 60, 90)}
LEFT_OPEN = 0.03
MEAN_DAYS = 90
MOST_CURVES = 6
MOST_DAYS = 150


def curve_rows(group: str, curve: SurvivalCurve, clock: str) -> list[tuple[str, str, float, float, float]]:
    """Median, shares still open and restricted mean: (group, term, estimate, ci_low, ci_high)."""
    since = "issue" if clock == "issue" else "due"
    median, mean = curve.quantile_interval(), curve.restricted_mean_interval(MEAN_DAYS)
    rows = [(group, f"median days from {since} to payment", median.estimate, median.ci_low, median.ci_high)]
    for day, share, _, low, high in curve.late_share(SHOWN_DAYS[clock]).to_numpy(float).tolist():
        rows.append((group, f"share open after {day:.0f} days from {since}", share, low, high))
    term = f"mean days from {since} to payment, at most {MEAN_DAYS}"
    return [*rows, (group, term, mean.estimate, mean.ci_low, mean.ci_high)]


def timing_table(timing: PaymentTiming, name: str) -> Table:
    """One row a group: invoices, customers, median with its interval, restricted mean, shares still open."""
    days = SHOWN_DAYS[timing.clock]
    rows = []
    for group, curve in timing.curves.items():
        median, *shares, mean = (row[2:] for row in curve_rows(group, curve, timing.clock))
        rows.append((group, curve.n, curve.n_clusters, *median, mean[0], *(s[0] for s in shares)))
    medians = ["median_days", "median_low", "median_high", f"mean_to_{MEAN_DAYS}"]
    columns = [f"open_after_{d}" for d in days]
    frame = pd.DataFrame(rows, columns=[timing.by or "group", "invoices", "customers", *medians, *columns])
    formats: dict[str, Format] = {"invoices": "integer", "customers": "integer"}
    formats |= dict.fromkeys(medians, "number") | dict.fromkeys(columns, "percent")  # type: ignore[arg-type]
    title = f"Time to payment by {timing.by}" if timing.by else "Time to payment"
    return Table(name, title, frame, _note(timing), formats)


def plot_timing(timing: PaymentTiming, ax: Axes | None) -> Axes:
    """The curves with their intervals, up to the day on which hardly anything is open."""
    shown = _shown(timing)
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots()[1]
    for group, curve in shown.items():
        curve.plot(ax, label=group)
    first = min(c.first_day for c in shown.values())
    ax.set_xlim(max(first, -60), _last_shown(timing, shown))
    ax.set_xlabel(f"days since {'issue' if timing.clock == 'issue' else 'the due date'}")
    ax.set_ylabel(f"still open, share of {'amount' if timing.weights == 'amount' else 'invoices'}")
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")
    ax.set_title(_finding(timing))
    if len(shown) > 1:
        ax.legend(title=timing.by)
    level = timing.curves[ALL].level
    return stamp(ax, timing.as_of, f"bands: {level:.0%}, by customer")


def _shown(timing: PaymentTiming) -> dict[str, SurvivalCurve]:
    """The curves of the largest groups, or that of all when there is no other."""
    groups = {g: c for g, c in timing.curves.items() if g != ALL}
    largest = sorted(groups, key=lambda g: -groups[g].n)[:MOST_CURVES]
    return {g: c for g, c in groups.items() if g in largest} or {ALL: timing.curves[ALL]}


def _last_shown(timing: PaymentTiming, shown: Mapping[str, SurvivalCurve]) -> float:
    """First day by which all curves shown are nearly closed, at most that of the crowded days."""
    longest = max(h.last_day for h in timing.hazards.values())
    closed = [c.quantile(1.0 - LEFT_OPEN) for c in shown.values()]
    latest = max((d for d in closed if np.isfinite(d)), default=np.inf)
    return float(max(min(latest, longest, MOST_DAYS), 1.0))


def _finding(timing: PaymentTiming) -> str:
    what = "Half the amount is" if timing.weights == "amount" else "Half the invoices are"
    medians = {g: c.quantile(0.5) for g, c in _shown(timing).items()}
    known = {g: m for g, m in medians.items() if np.isfinite(m)}
    if not known:
        return "Less than half is paid within the days seen"
    if timing.clock == "issue":
        fast, slow = min(known, key=lambda g: known[g]), max(known, key=lambda g: known[g])
        if known[fast] == known[slow]:
            return f"{what} paid within {known[fast]:.0f} days of issue"
        return f"{what} paid within {known[fast]:.0f} ({fast}) to {known[slow]:.0f} ({slow}) days"
    median = timing.curves[ALL].quantile(0.5)
    if np.isnan(median):
        return "Less than half is paid within the days seen"
    if median < 0:
        return f"{what} paid at least {-median:.0f} days before the due date"
    return (
        f"{what} paid by the due date"
        if median == 0
        else f"{what} paid by day {median:.0f} after the due date"
    )


def _note(timing: PaymentTiming) -> str:
    left_out = ", ".join(f"{n} {reason}" for reason, n in timing.excluded.items()) or "none"
    level = timing.curves[ALL].level
    return (
        f"Days since {'issue' if timing.clock == 'issue' else 'the due date'}; {level:.0%} intervals know "
        f"that invoices of one customer move together. Open items are followed to {timing.as_of:%Y-%m-%d}; "
        f"credited and written-off ones leave on their day, unpaid. Items left out: {left_out}."
    )
