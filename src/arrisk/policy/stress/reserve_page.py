"""How the reserve of an emergency plan is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, money, stamp
from arrisk.models.cash.forecast_page import scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.stress.reserve import EmergencyReserve

__all__ = ["drivers_table", "find_reserve", "plot_reserve", "reserve_table"]

BLUE, ORANGE = "#0072B2", "#D55E00"
AMOUNTS = ["reserve", "low", "high", "mc_error", "holding", "shortfall", "net_cost"]


def find_reserve(found: EmergencyReserve) -> str:
    """The reserve needed, and the certainty that today's one buys."""
    lead = (
        f"{money(found.needed, found.currency)} last through {found.confidence:.1%} of quarters "
        f"({money(found.low)} to {money(found.high)})"
    )
    if found.present is None:
        return f"{lead}; what is there today is not given"
    chance, low, high = found.enough
    return f"{lead}; today's {money(found.present)} last through {chance:.1%} ({low:.1%} to {high:.1%})"


def reserve_table(found: EmergencyReserve, name: str) -> Table:
    """Reserves by level of certainty."""
    frame = found.table[["level", *AMOUNTS]].rename(columns={"level": "certainty"})
    formats: dict[str, Format] = dict.fromkeys(AMOUNTS, "money")
    formats["certainty"] = "percent"
    _, capital, emergency = found.assumptions
    note = (
        f"Amounts in {found.currency}. Certainty: chance that no week of {found.days // 7} ends below the "
        f"minimum of {money(found.minimum)}, which is part of the reserve (cash, near cash, undrawn line). "
        f"Low and high: {found.level:.0%} range over how often and how closely together customers fail; the "
        "range in the title also holds the Monte Carlo error. "
        f"Holding: {capital.value:.0%} of it a year. Shortfall: emergency money expected a year beyond it, "
        f"which costs {emergency.value:.0%}; net cost adds both. Without insurance "
        f"{money(found.uninsured)} at {found.confidence:.1%}."
    )
    return Table(name, found.finding(), frame, note, formats)


def drivers_table(found: EmergencyReserve, name: str) -> Table:
    """The reserve when one thing changes."""
    formats: dict[str, Format] = dict.fromkeys(("reserve_low", "reserve_high"), "money")
    first = found.drivers.iloc[0]
    title = f"What moves the reserve most: {first['driver']}"
    note = (
        f"Reserve at {found.confidence:.1%}, {found.currency}, with one thing changed. 'No customer fails' "
        "leaves slow and uneven payment alone."
    )
    return Table(name, title, found.drivers, note, formats)


def plot_reserve(found: EmergencyReserve, ax: Axes | None) -> Axes:
    """Chance of running short against the reserve: all cases, and the range over them."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    quarters = found.quarters
    top = max(found.table["high"].max(), found.present or 0.0) * 1.05
    grid = np.linspace(found.minimum, top, 120)
    unit, word = scale_of(float(top))
    short = np.array([1 - quarters.chance(x) for x in grid])
    ends = np.array([quarters.range(1 - quarters.chances(x), found.level) for x in grid])
    floor = 5e-4
    ax.fill_between(grid / unit, *np.maximum(ends.T, floor), color=BLUE, alpha=0.2, lw=0)
    ax.plot(grid / unit, np.maximum(short, floor), color=BLUE, label="chance of running short in a quarter")
    ax.axvline(found.needed / unit, color=ORANGE, ls="--", label=f"needed for {found.confidence:.1%}")
    if found.present is not None:
        ax.axvline(found.present / unit, color="0.35", ls=":", label="today: cash and undrawn line")
    ax.axhline(1 - found.confidence, color="0.6", lw=0.8)
    ax.set(yscale="log", ylim=(floor, 1.0), xlabel=f"reserve, {found.currency}{word}")
    ax.set_ylabel("chance that a quarter needs more")
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:.1%}" if y < 0.1 else f"{y:.0%}")
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.set_title(found.finding().replace("; ", ";\n"))
    ax.legend()
    note = f"minimum {money(found.minimum)} left; shaded: {found.level:.0%} range"
    return stamp(ax, found.as_of, note)
