"""How an assumption sheet is told: one sentence, one table, one tornado."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.policy.discount.plots import scale_of
from arrisk.policy.discount.schemes import describe_scheme
from arrisk.policy.recommendation_page import quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.discount.sheet import AssumptionSheet

__all__ = ["plot_sheet", "sheet_finding", "sheet_table"]

BLUE, VERMILLION = "#0072B2", "#D55E00"
WIDTH = 70
MORE = "moves it more"


def sheet_finding(sheet: AssumptionSheet) -> str:
    """What the value turns on most, and where it turns."""
    top, currency = sheet.top, sheet.grid.history.currency
    what = describe_scheme(sheet.scheme, currency)
    name = _words(top["assumption"])
    if top["swing"] == 0:
        return f"No assumption moves what {what} is worth"
    even = top["breaks_even"]
    turn = (
        "no value of it turns the sign" if np.isnan(even) else f"zero at {quantity(even, str(top['unit']))}"
    )
    return (
        f"What {what} is worth turns most on {name}: {money(top['npv_at_low'], currency)} to "
        f"{money(top['npv_at_high'], currency)} a year over its range, {turn}"
    )


def sheet_table(sheet: AssumptionSheet, name: str) -> Table:
    """The four lines, and below them any other that moves the value more than one of these."""
    rows, currency = sheet.table, sheet.grid.history.currency
    frame = pd.DataFrame(
        {
            "assumption": [_words(a) for a in rows["assumption"]],
            "value": _quantities(rows, "value"),
            "low": _quantities(rows, "low"),
            "high": _quantities(rows, "high"),
            "gain_at_low": rows["npv_at_low"],
            "gain_at_high": rows["npv_at_high"],
            "breaks_even_at": _quantities(rows, "breaks_even"),
            "from": np.where(rows["observed"], "the ledger", "assumed"),
        }
    )
    formats: dict[str, Format] = {"gain_at_low": "money", "gain_at_high": "money"}
    others = [_words(a) for a in rows.loc[rows["group"] == MORE, "assumption"]]
    more = f" Below the four, as it moves the value more than one of them: {', '.join(others)}." * bool(
        others
    )
    note = (
        f"{currency} a year against no discount, one line moving and the others at their values (where it is "
        f"worth {money(sheet.npv, currency)}; the mean of all draws, over all ranges at once, is "
        f"{money(sheet.scheme['npv'], currency)}). Breaks even: nearest value at which it is worth nothing, "
        f"empty when none is.{more}"
    )
    return Table(name, sheet.finding(), frame, note, formats)


def plot_sheet(sheet: AssumptionSheet, ax: Axes | None = None) -> Axes:
    """Bars from the value at the low to the value at the high end; the four on top, others below a line."""
    axes = plt.subplots()[1] if ax is None else ax
    rows = sheet.table.iloc[::-1].reset_index(drop=True)
    ends = rows[["npv_at_low", "npv_at_high"]].to_numpy(dtype=float)
    largest = float(max(np.abs(ends).max(), abs(sheet.npv), abs(float(sheet.scheme["npv"]))))
    scale, unit = scale_of(largest, sheet.grid.history.currency)
    base, ends = sheet.npv / scale, ends / scale
    for k, (end, colour) in enumerate((("low", VERMILLION), ("high", BLUE))):
        axes.barh(
            range(len(rows)), ends[:, k] - base, left=base, color=colour, height=0.6, label=f"{end} end"
        )
        for place, value in enumerate(ends[:, k]):
            right = value > ends[place].mean() or (value == ends[place].mean() and end == "high")
            _mark(
                axes,
                quantity_short(rows[end].iloc[place], str(rows["unit"].iloc[place])),
                value,
                place,
                right,
            )
    axes.axvline(0, color="black", lw=0.8)
    mean = float(sheet.scheme["npv"]) / scale
    axes.axvline(mean, color="black", lw=1, ls="--", label="mean of all draws")
    below = int((rows["group"] == MORE).sum())
    if below:
        axes.axhline(below - 0.5, color="0.4", lw=0.8, ls=":")
    axes.set_yticks(range(len(rows)), [_words(a) for a in rows["assumption"]])
    axes.margins(x=0.15)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"gain, {unit} a year")
    axes.set_title(fill(sheet.finding(), WIDTH), loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=3)
    text = "one line moves, the others as assumed" + (
        "; below the dots: one that moves it more" if below else ""
    )
    return stamp(axes, sheet.grid.history.as_of, text)


def quantity_short(value: float, unit: str) -> str:
    """A number at the end of a bar."""
    share = unit.startswith(("fraction", "probability", "share", "per year"))
    return f"{100 * value:.3g}%" if share else f"{value:.3g}"


def _mark(axes: Axes, text: str, x: float, y: float, to_right: bool) -> None:
    side, shift = ("left", 3) if to_right else ("right", -3)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    axes.annotate(text, (x, y), (shift, 0), textcoords="offset points", ha=side, va="center", bbox=box)


def _quantities(rows: pd.DataFrame, column: str) -> list[str]:
    pairs = zip(rows[column], rows["unit"], strict=True)
    return ["" if np.isnan(value) else quantity_short(value, str(unit)) for value, unit in pairs]


def _words(name: object) -> str:
    return str(name).replace("_", " ")
