"""Insurance structures as a reader sees them: terms, one loss step by step, costs, and the map."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.policy.insurance.claims import trace_loss
from arrisk.policy.insurance.premium import insured_base
from arrisk.policy.insurance.terms import PolicyTerms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.insurance.case import InsuranceCase
    from arrisk.policy.insurance.comparison import PolicyComparison
    from arrisk.policy.insurance.stability import StabilityMap

__all__ = [
    "plot_map",
    "plot_structures",
    "regret_table",
    "structures_table",
    "terms_table",
    "trace_table",
]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PALE = ("#9fcbe8", "#f5c09b", "#9adbc5", "#ecc9dd", "#f5dca0", "#cfe8f7", "#bbbbbb")
WIDTH, NARROW = 78, 62
THOUSANDS_FROM = 10_000
STEP_WORDS = {
    "covered": "balance owed",
    "buyer_limit": "capped at the limit of the buyer",
    "non_qualifying_loss": "paid only if large enough",
    "threshold": "less the threshold",
    "insured_share": "insured share",
    "each_and_every": "less the excess of each loss",
    "aggregate_first_loss": "less the first loss of the year",
    "maximum_liability": "capped at the year's maximum",
}
COSTS: dict[str, Format] = {
    "structure": "text",
    "premium": "money",
    "expected_retained": "money",
    "retained_tvar_99": "money",
    "risk_adjusted_cost": "money",
    "break_even_rate_risk": "percent",
    "p_limit_binds": "percent",
    "p_first_loss_unused": "percent",
}
COST_NAMES = {
    "expected_retained": "mean_kept_loss",
    "retained_tvar_99": "kept_in_worst_years",
    "risk_adjusted_cost": "cost_with_capital",
    "break_even_rate_risk": "premium_that_breaks_even",
    "p_limit_binds": "year_hits_maximum",
    "p_first_loss_unused": "first_loss_not_used_up",
}


def terms_table(case: InsuranceCase, name: str) -> Table:
    """The structures side by side, terms in the order in which they apply to a loss."""
    policies = _with_amounts(case)
    rows = {"customers insured": [_buyers(p, len(case.book)) for p in policies]}
    rows["premium a year"] = [money(premium, case.currency) for premium in _premiums(case)]
    for step in policies[0].order:
        rows[STEP_WORDS[step]] = [_term(p, step, case.currency) for p in policies]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=[p.name for p in policies])
    frame = frame.rename_axis("term").reset_index()
    note = "Terms apply to a loss from the third row down, in this order; insurers differ in the order."
    return Table(name, "The policies compared", frame, note)


def trace_table(case: InsuranceCase, balance: float | None, name: str) -> Table:
    """One loss on its way through every structure: what is left after each step, who pays what."""
    owed = float(case.exposure.max()) if balance is None else balance
    policies = _with_amounts(case)
    traces = {p.name: trace_loss(owed, p)["amount"].to_numpy(dtype=float) for p in policies}
    steps = [STEP_WORDS[s] for s in ("covered", *policies[0].order)]
    frame = pd.DataFrame({"step": [*steps, "the insurer pays", "you keep"]})
    for policy, after in traces.items():
        frame[policy] = [*after, after[-1], owed - after[-1]]
    formats: dict[str, Format] = dict.fromkeys(traces, "money")
    title = f"A customer who owes {money(owed, case.currency)} is lost, the first of the year"
    note = f"Amount left after each step, {case.currency}, before recoveries; they are shared in proportion."
    return Table(name, title, frame, note, formats)


def structures_table(found: PolicyComparison, name: str) -> Table:
    """What each structure costs and leaves to bear, with the Monte Carlo error of the cost."""
    frame = found.summary[list(COSTS)].rename(columns=COST_NAMES)
    formats: dict[str, Format] = {COST_NAMES.get(c, c): kind for c, kind in COSTS.items()}
    draws = found.results[0].retained.size
    error = found.table.loc[found.table["term"] == "retained_tvar_99", "mc_error"].max()
    note = (
        f"{found.currency} a year, {draws:,} simulated years common to all. Worst years: mean of worst 1%, "
        f"simulation error up to {money(error)}. Cost with capital: premium, mean kept loss, and "
        f"{found.cost_of_risk:.0%} on the capital for the worst years. The premium that breaks even is a "
        "share of insured sales."
    )
    title = f"{'What-if: what' if found.what_if else 'What'} each structure costs a year"
    return Table(name, title, frame, f"{note}{_assumed(found.what_if)}", formats)


def regret_table(found: StabilityMap, name: str) -> Table:
    """Gain over self-insuring, cost and regret by structure."""
    frame = found.weights.copy()
    frame.insert(1, "gain_over_self_insuring", [float(found.gain[s].mean()) for s in frame["structure"]])
    frame = frame.rename(columns={"p_best": "share_of_cases_cheapest"})
    formats: dict[str, Format] = {str(c): "money" for c in frame if c != "structure"}
    formats["share_of_cases_cheapest"] = "percent"
    note = (
        f"{found.currency} a year, capital included, over the loss rates that the ledger does not rule out "
        "and equally likely correlations. Regret: what a structure costs more than the cheapest of each case."
    )
    title = f"{'What-if: cost' if found.what_if else 'Cost'} and regret over what the ledger leaves open"
    return Table(name, title, frame, f"{note}{_assumed(found.what_if)}", formats)


def plot_structures(found: PolicyComparison, ax: Axes | None = None) -> Axes:
    """Stacked bars of what a year costs: premium, mean kept loss, capital for the worst years."""
    import matplotlib.pyplot as plt

    axes = ax if ax is not None else plt.subplots()[1]
    rows = found.summary.iloc[::-1]
    scale, unit = _scale(float(rows["risk_adjusted_cost"].max()), found.currency)
    kept = rows["expected_retained"]
    capital = rows["risk_adjusted_cost"] - rows["premium"] - kept
    left = np.zeros(len(rows))
    parts = (("premium", rows["premium"]), ("mean loss kept", kept), ("capital for worst years", capital))
    for (label, values), colour in zip(parts, COLOURS, strict=False):
        width = values.to_numpy(dtype=float) / scale
        axes.barh(range(len(rows)), width, left=left, color=colour, height=0.6, label=label)
        left = left + width
    for at, total in enumerate(left):
        axes.annotate(f"{total:,.0f}", (total, at), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(rows)), [fill(str(s), 22) for s in rows["structure"]])
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    axes.set(xlabel=f"{unit} a year")
    axes.set_title(fill(found.finding(), NARROW))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=3)
    return axes if found.as_of is None else stamp(axes, found.as_of)


def plot_map(found: StabilityMap, ax: Axes | None = None) -> Axes:
    """Tiles of loss rate by correlation: colour is the cheapest structure, the number what it saves."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    axes = ax if ax is not None else plt.subplots()[1]
    names = list(found.weights["structure"])
    cost = found.table.set_index(["correlation", "rate", "structure"])["cost"].unstack()[names]
    saved = (cost[names[0]] - cost.min(axis=1)).unstack()
    winner = cost.to_numpy().argmin(axis=1).reshape(saved.shape)
    scale, unit = _scale(float(saved.to_numpy().max()), found.currency)
    axes.imshow(winner, cmap=ListedColormap(PALE[: len(names)]), vmin=-0.5, vmax=len(names) - 0.5,
                aspect="auto", origin="lower")  # fmt: skip
    for (row, column), value in np.ndenumerate(saved.to_numpy() / scale):
        axes.text(column, row, f"{value:,.0f}", ha="center", va="center")
    axes.set_xticks(range(saved.shape[1]), [_percent(rate) for rate in saved.columns])
    axes.set_yticks(range(saved.shape[0]), [f"{c:g}" for c in saved.index])
    axes.vlines(np.arange(1, saved.shape[1]) - 0.5, -0.5, saved.shape[0] - 0.5, color="white", linewidth=1)
    axes.hlines(np.arange(1, saved.shape[0]) - 0.5, -0.5, saved.shape[1] - 0.5, color="white", linewidth=1)
    axes.grid(visible=False)
    axes.set(
        xlabel="customers lost a year, from the least to the most the ledger allows",
        ylabel="asset correlation",
    )
    axes.set_title(fill(found.finding(), WIDTH))
    handles = [Patch(color=PALE[i], label=names[i]) for i in sorted(set(winner.ravel().tolist()))]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=len(handles))
    return stamp(axes, found.as_of, f"in the tiles: saved against self-insuring, {unit} a year")


def _percent(rate: float) -> str:
    return f"{rate:.1%}" if rate >= 0.001 else "<0.1%"


def _assumed(what_if: str) -> str:
    return f" What-if: {what_if}." if what_if else ""


def _scale(largest: float, currency: str) -> tuple[float, str]:
    unit = currency or "currency units"
    return (1000.0, f"thousand {unit}") if largest >= THOUSANDS_FROM else (1.0, unit)


def _premiums(case: InsuranceCase) -> list[float]:
    return [p.premium(insured_base(p, case.exposure, case.sales)) for p in case.structures]


def _with_amounts(case: InsuranceCase) -> list[PolicyTerms]:
    """The structures with their maximum liability as an amount."""
    return [p.with_premium(paid) for p, paid in zip(case.structures, _premiums(case), strict=True)]


def _buyers(terms: PolicyTerms, customers: int) -> str:
    return f"all {customers:,}" if terms.buyers is None else f"the {terms.buyers:,} largest"


def _term(terms: PolicyTerms, step: str, currency: str) -> str:
    value = float(getattr(terms, step))
    if step == "insured_share":
        return f"{value:.0%}"
    return "none" if math.isinf(value) or value == 0 else money(value, currency)
