"""The inputs of a year's loss as sentences, tables and a picture."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.losses.loss_model import LossModel

__all__ = ["describe_model", "diagnose", "inputs_frame", "plot_cases", "show_balances", "show_inputs"]

TITLE_WIDTH = 78


def describe_model(model: LossModel) -> str:
    """Level, range, customers and balance at risk."""
    owed = money(float(model.portfolio.exposure.sum()), model.currency)
    names = int((model.portfolio.exposure > 0).sum())
    at_risk = f"{names:,} customer{'s' * (names != 1)} {'owe' if names != 1 else 'owes'} {owed}"
    if not model.identified:
        return f"{at_risk}; too few were ever lost to count a rate: at most {model.level:.1%} a year"
    low, high = _range(model)
    return f"{at_risk}; {model.level:.1%} of customers are lost a year ({low:.1%} to {high:.1%})"


def _range(model: LossModel) -> tuple[float, float]:
    tail = 0.5 - model.level_of_range / 2
    low, high = model.posterior.level_quantile([tail, 1 - tail])
    return float(low), float(high)


def inputs_frame(model: LossModel) -> pd.DataFrame:
    """term, estimate, low, high, source."""
    tail = 0.5 - model.level_of_range / 2
    rho = model.posterior.rho_quantile([tail, 1 - tail])
    seen = f"{model.experience.events} of {model.experience.trials:,} customer-years"
    severity, growth = model.severity, model.growth
    rows = [
        ("lost customers a year", model.level, *_range(model), seen),
        ("the same, posterior mean", model.posterior.mean_level, *_range(model), "counts and prior"),
        ("asset correlation", model.dependence.rho, *rho, model.posterior.prior.describe()),
        ("share lost of the balance", severity.mean, severity.low, severity.high, severity.source),
        ("its spread by customer", severity.spread, np.nan, np.nan, severity.source),
        ("owed in the end over balance before", growth.factor, growth.low, growth.high, growth.source),
    ]
    return pd.DataFrame(rows, columns=["term", "estimate", "low", "high", "source"])


def show_inputs(model: LossModel, name: str) -> Table:
    """The inputs with their ranges."""
    frame = inputs_frame(model)
    formats: dict[str, Format] = dict.fromkeys(("estimate", "low", "high"), "percent")
    told = "; ".join(f"{key}: {text}" for key, text in model.conventions.items())
    note = f"{model.what_if[:1].upper()}{model.what_if[1:]}. " if model.what_if else ""
    return Table(name, model.finding(), frame, f"{note}{told[:1].upper()}{told[1:]}.", formats)


def show_balances(model: LossModel, name: str) -> Table:
    """The parts of the open balance."""
    parts = model.book.parts
    inside, whole = float(parts["balance"].iloc[0]), float(parts["balance"].iloc[-1])
    title = f"{money(inside, model.currency)} of {money(whole, model.currency)} open are at risk"
    return Table(name, title, parts, "Net of credits and unapplied cash.", {"balance": "money"})


def diagnose(model: LossModel) -> dict[str, Any]:
    """Counts, balances and the basis of every input."""
    parts = model.book.parts.set_index("part")["balance"].to_dict()
    return {
        "identified": model.identified,
        "counted_years": int(model.experience.years["counted"].sum()),
        "customer_years": model.experience.trials,
        "lost": model.experience.events,
        "level": model.level,
        "mean_scale": model.mean_scale,
        "balances": parts,
        "order": model.scored,
        "severity": model.severity.source,
        "growth": model.growth.factor,
        "cases": len(model.cases),
    }


def plot_cases(model: LossModel, ax: Axes | None = None) -> Axes:
    """Each case at its level and correlation; the area of the dot is its weight."""
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1] if ax is None else ax
    cases = model.cases
    ax.scatter(
        100 * cases["scale"] * model.level,
        cases["rho"],
        s=2500 * cases["weight"],
        color="#0072B2",
        alpha=0.7,
    )
    ax.plot(100 * model.level, model.dependence.rho, "+", color="#D55E00", markersize=12)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set(xlabel="customers lost a year (%, log scale)", ylabel="asset correlation")
    ax.set_title(fill(model.finding(), TITLE_WIDTH))
    return stamp(ax, model.as_of, "area: posterior weight; cross: central")
