"""How the bridge between two provisions is shown: the finding, tables and a waterfall."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.models.provision.movement_page import draw_waterfall

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.provision.bridge import ProvisionBridge

__all__ = ["describe_bridge", "plot_bridge", "show_bridge", "show_cells"]

NAMED = 2
"""Parts that a finding names, the largest."""


def describe_bridge(bridge: ProvisionBridge) -> str:
    """What moved the provision most, in one sentence."""
    short = [made for made in (bridge.opening, bridge.closing) if not made.identified]
    if short:
        bound = money(short[0].total.high, bridge.currency)
        return f"No bridge: on {short[0].as_of:%Y-%m-%d} the losses give a bound, {bound}, and no amount"
    days = [f"{made.as_of:%Y-%m-%d}" for made in (bridge.opening, bridge.closing)]
    amounts = [made.total.value or 0.0 for made in (bridge.opening, bridge.closing)]
    if not bridge.change:
        return f"The provision of {days[1]} is that of {days[0]}, {money(amounts[1], bridge.currency)}"
    moved = "up" if bridge.change > 0 else "down"
    return (
        f"Provision {moved} {money(abs(bridge.change), bridge.currency)} to {money(amounts[1])} since "
        f"{days[0]}; most by {_largest(bridge.table)}"
    )


def _largest(table: pd.DataFrame) -> str:
    order = table["amount"].abs().sort_values(ascending=False, kind="stable").index
    named = table.loc[[k for k in order if table.loc[k, "amount"]][:NAMED]]
    return " and ".join(
        f"{part} ({amount:+,.0f})" for part, amount in zip(named["part"], named["amount"], strict=True)
    )


def show_bridge(bridge: ProvisionBridge, name: str) -> Table:
    """Opening, each part, closing."""
    ends = [
        (f"provision on {made.as_of:%Y-%m-%d}", np.nan if made.total.value is None else made.total.value)
        for made in (bridge.opening, bridge.closing)
    ]
    middle = list(zip(bridge.table["part"], bridge.table["amount"], strict=True))
    frame = pd.DataFrame([ends[0], *middle, ends[1]], columns=["part", "amount"])
    frame["of_opening"] = frame["amount"] / ends[0][1] if ends[0][1] else np.nan
    note = (
        f"Amounts in {bridge.currency}, on the same basis, each day with what was known then. Each factor "
        "is moved from the earlier to the later day in every possible order and the average effect is taken "
        "(Shapley): the parts sum to the change to the cent and none depends on an order. Segments and "
        "ages: money moving between segments and ages of debt. Loss rates: the ledger's own history, before "
        "overlays."
    )
    formats: dict[str, Format] = {"amount": "money", "of_opening": "percent"}
    return Table(name, bridge.finding(), frame, note, formats)


def show_cells(bridge: ProvisionBridge, name: str) -> Table:
    """The parts by segment and bucket, and the total."""
    amounts = [c for c in bridge.cells.columns if c not in ("segment", "bucket")]
    total = {"segment": "total", "bucket": "", **bridge.cells[amounts].sum().astype(float).round(2)}
    frame = bridge.cells
    if len(frame):
        frame = pd.concat([frame, pd.DataFrame([total])], ignore_index=True)
    note = (
        f"Amounts in {bridge.currency}. Rows sum to the change of the cell's provision, columns to the parts."
    )
    formats: dict[str, Format] = dict.fromkeys(amounts, "money")
    return Table(name, bridge.finding(), frame, note, formats)


def plot_bridge(bridge: ProvisionBridge, ax: Axes | None) -> Axes:
    """A waterfall from the opening to the closing provision; parts that are nothing are left out."""
    import matplotlib.pyplot as plt

    ax = ax if ax is not None else plt.subplots(figsize=(8, 4.2))[1]
    ax.set_title(fill(bridge.finding(), 78), fontsize=10)
    opening = bridge.opening.total.value
    if not bridge.identified or opening is None:
        return stamp(ax, bridge.as_of)
    moved = bridge.table[bridge.table["amount"] != 0]
    names = [f"{bridge.opening.as_of:%b %Y}", *moved["part"], f"{bridge.as_of:%b %Y}"]
    draw_waterfall(ax, names, opening, list(moved["amount"]), bridge.currency, "provision")
    return stamp(ax, bridge.as_of, "same basis on both days")
