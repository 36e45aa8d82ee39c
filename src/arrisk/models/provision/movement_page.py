"""How the movement of the allowance is shown: the finding, tables and a waterfall."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from arrisk.models.provision.movement import AllowanceMovement

__all__ = ["describe_movement", "draw_waterfall", "plot_movement", "show_movement", "show_reconciliation"]

UP, DOWN, WHOLE = "#D55E00", "#0072B2", "0.45"
THOUSANDS_FROM = 10_000


def describe_movement(movement: AllowanceMovement) -> str:
    """What moved the allowance over the last period, in one sentence."""
    if not movement.identified:
        short = [made.as_of for made in movement.provisions if made.total.value is None]
        return f"No movement: on {short[0]:%Y-%m-%d} the losses were too few for an amount"
    lines = _last(movement)
    charge = sum(value for line, value in lines.items() if line.startswith("charge"))
    ends = [made.as_of for made in movement.provisions[-2:]]
    return (
        f"Allowance {money(lines['opening'], movement.currency)} on {ends[0]:%Y-%m-%d} to "
        f"{money(lines['closing'])} on {ends[1]:%Y-%m-%d}: charge {money(charge)}, "
        f"written off {money(-lines['write-offs'])}, recovered {money(lines['recoveries'])}"
    )


def show_movement(movement: AllowanceMovement, name: str) -> Table:
    """Lines down, periods across."""
    table = movement.table
    order = list(dict.fromkeys(table["line"]))
    labels = table["start"].dt.strftime("%Y-%m-%d") + " to " + table["end"].dt.strftime("%Y-%m-%d")
    wide = table.assign(period=labels).pivot(index="line", columns="period", values="amount").loc[order]
    if not wide.loc["adoption"].any():
        wide = wide.drop(index="adoption")
    frame = wide.rename_axis(columns=None).reset_index()
    note = (
        f"Amounts in {movement.currency}, signed as they move the allowance; opening and closing are "
        "provisions made on the same basis with what was known on each day. The charge balances the "
        "movement. Exchange differences: documents in other currencies are carried at the rate of their "
        "invoice's date, so rates do not move the allowance."
    )
    formats: dict[str, Format] = dict.fromkeys(wide.columns, "money")
    return Table(name, movement.finding(), frame, note, formats)


def show_reconciliation(movement: AllowanceMovement, name: str) -> Table:
    """The charge that balances against the charge summed over items."""
    most = float(movement.reconciliation["difference"].abs().max())
    title = "The charge cannot be checked without an amount at every day"
    if movement.identified:
        title = f"Summed item by item the charge differs by at most {money(most, movement.currency, 2)}"
    note = (
        f"Amounts in {movement.currency}. An item's charge: what it owes times its rate at the end, less the "
        "same at the start, plus what was written off, less what was recovered. The difference is the "
        "rounding of each bucket's provision to the cent."
    )
    formats: dict[str, Format] = dict.fromkeys(("charge", "item_by_item"), "money")
    return Table(name, title, movement.reconciliation, note, formats | {"difference": "number"})


def plot_movement(movement: AllowanceMovement, ax: Axes | None) -> Axes:
    """A waterfall of the last period."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots(figsize=(8, 4.2))[1]
    ax.set_title(fill(movement.finding(), 78), fontsize=10)
    if not movement.identified:
        return stamp(ax, movement.as_of)
    lines = _last(movement)
    start, end = (made.as_of for made in movement.provisions[-2:])
    inner = [line for line in list(lines)[1:-1] if lines[line] or line != "adoption"]
    names = [f"{start:%b %Y}", *(line.replace("charge: ", "charge:\n") for line in inner), f"{end:%b %Y}"]
    draw_waterfall(ax, names, lines["opening"], [lines[k] for k in inner], movement.currency, "allowance")
    return stamp(ax, movement.as_of, "same basis on both days")


def draw_waterfall(
    ax: Axes, names: Sequence[str], first: float, steps: Sequence[float], currency: str, what: str
) -> None:
    """Bars from a first amount over steps to the last one, each with its figure.

    Parameters
    ----------
    ax : Axes
    names : sequence of str
        Of the first amount, each step, and the last amount.
    first : float
        Currency units.
    steps : sequence of float
        Currency units, signed.
    currency, what : str
        For the axis.
    """
    scale, unit = (1000, "thousand ") if max(abs(first), *map(abs, steps)) >= THOUSANDS_FROM else (1, "")
    moves = np.asarray(steps, dtype=float) / scale
    tops = first / scale + np.cumsum(moves)
    heights = np.array([first / scale, *moves, tops[-1]])
    floors = np.array([0.0, *(tops - moves), 0.0])
    colours = [WHOLE, *(UP if x > 0 else DOWN for x in moves), WHOLE]
    places = np.arange(len(heights))
    ax.bar(places, heights, bottom=floors, color=colours)
    for place, (floor, height) in enumerate(zip(floors, heights, strict=True)):
        whole = place in (0, len(heights) - 1)
        text = f"{height:,.0f}" if whole else f"{height:+,.0f}"
        ax.annotate(
            text, (place, max(floor, floor + height)), (0, 3), textcoords="offset points", ha="center"
        )
    ax.set_xticks(places, [fill(name, 13) for name in names], fontsize=8)
    reach = float((floors + np.maximum(heights, 0)).max())
    ax.set_ylim(min(0.0, float((floors + np.minimum(heights, 0)).min())), 1.12 * reach)
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_ylabel(f"{what}, {unit}{currency}")


def _last(movement: AllowanceMovement) -> dict[str, float]:
    table = movement.table
    rows = table[table["end"] == movement.as_of]
    return {str(line): float(amount) for line, amount in zip(rows["line"], rows["amount"], strict=True)}
