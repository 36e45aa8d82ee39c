"""How the choice of a discount under a limit is told: one sentence, one table, one picture."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.policy.discount.plots import scale_of
from arrisk.policy.discount.schemes import describe_terms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.discount.objective import DiscountChoice

__all__ = ["choice_finding", "choice_table", "plot_choice", "segments_table"]

NONE, RUNNING = "no discount", "running"
BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "0.6"
WIDTH = 78
SHOWN: dict[str, Format] = {
    "option": "text",
    "npv": "money",
    "tail": "money",
    "within_limit": "text",
    "p_best": "percent",
    "regret": "money",
}
NAMES = {"npv": "gain_a_year", "tail": "mean_of_worst_draws", "p_best": "chance_best"}
BY_SEGMENT: dict[str, Format] = {
    "segment": "text",
    "sales": "money",
    "npv": "money",
    "ci_low": "money",
    "ci_high": "money",
    "p_gain": "percent",
    "cash_freed": "money",
    "cash_low": "money",
    "cash_high": "money",
    "take_up": "percent",
    "already_early": "percent",
}
SEGMENT_NAMES = {
    "ci_low": "low",
    "ci_high": "high",
    "p_gain": "chance_of_gain",
    "cash_freed": "cash_earlier",
    "already_early": "early_anyway",
}


def choice_finding(choice: DiscountChoice) -> str:
    """What the objective picks, and what the limit costs."""
    free, chosen, currency = choice.free, choice.chosen, choice.grid.history.currency
    if free["kind"] == NONE:
        return "No scheme is expected to gain anything: the best is no discount"
    gains = f"{money(free['npv'], currency)} a year on average"
    scheme = choice.scheme(free)
    tried = scheme is not None and choice.grid.is_offered(scheme)
    lead = "Most is gained by" if tried else "On assumptions, never offered: most is gained by"
    if choice.price == 0:
        return f"{lead} {free['option']}: {gains}; {_worst(choice, free)}, within the limit"
    return (
        f"{lead} {free['option']}, {gains}, but {_worst(choice, free)}, more than the limit; "
        f"within it the best is {chosen['option']}: the limit costs {money(choice.price, currency)} a year"
    )


def _worst(choice: DiscountChoice, row: pd.Series) -> str:
    verb = "gain" if row["tail"] >= 0 else "lose"
    amount = money(abs(row["tail"]), choice.grid.history.currency)
    return f"the worst {choice.tail_level:.0%} of draws {verb} {amount} on average"


def choice_table(choice: DiscountChoice, name: str, rows: int) -> Table:
    """The best options with and without the limit, no discount, and the running scheme."""
    table = choice.table
    always = table["kind"].isin([NONE, RUNNING])
    inside = table["within"] & (table["within"].cumsum() <= rows)
    shown = table[always | inside | (table.index == 0)]
    shown = shown.assign(within_limit=shown["within"].map({True: "yes", False: "no"}))
    frame = shown.reindex(columns=list(SHOWN)).rename(columns=NAMES)
    frame.insert(1, "picked", [_picked(choice, row) for _, row in shown.iterrows()])
    currency = choice.grid.history.currency
    near = f" Too near the limit for this number of draws: {choice.unclear}." if choice.unclear else ""
    note = (
        f"{currency} a year against no discount, {len(choice.grid.npv):,} draws common to all options. The "
        f"limit: the worst {choice.tail_level:.0%} of draws may lose {money(choice.limit, currency)} a year "
        "on average (expected shortfall). Draws spread over customers, assumptions and the luck of a year. "
        "Chance best and regret: against all schemes, the running one and none."
    )
    formats: dict[str, Format] = {NAMES.get(column, column): kind for column, kind in SHOWN.items()}
    return Table(name, choice.finding(), frame.reset_index(drop=True), note + near, formats)


def segments_table(choice: DiscountChoice, name: str) -> Table:
    """Value and cash of one scheme by segment, with intervals."""
    grid, scheme = choice.grid, choice.scheme(choice.chosen)
    shown = grid.best if scheme is None else scheme
    rows = grid.by_segment(shown)
    frame = rows[list(BY_SEGMENT)].rename(columns=NAMES | SEGMENT_NAMES)
    formats: dict[str, Format] = {(NAMES | SEGMENT_NAMES).get(c, c): kind for c, kind in BY_SEGMENT.items()}
    rows = rows.iloc[:-1] if len(rows) > 1 else rows
    expected, surely = (int((rows[column] > 0).sum()) for column in ("npv", "ci_low"))
    terms = describe_terms(shown)
    title = f"{terms} is expected to gain in {expected} of {len(rows)} segments, surely in {surely}"
    note = (
        f"{grid.history.currency} a year against no discount, the same terms offered to each segment alone; "
        f"{grid.level:.0%} intervals of {len(grid.npv):,} draws. Cash earlier: once. Early anyway: share of "
        "what is taken that would have been paid as early without the offer."
    )
    return Table(name, title, frame, note, formats)


def _picked(choice: DiscountChoice, row: pd.Series) -> str:
    marks = [
        ("highest expected", row.name == choice.free.name),
        ("within limit", row.name == choice.chosen.name),
    ]
    return ", ".join(text for text, holds in marks if holds)


def plot_choice(choice: DiscountChoice, ax: Axes | None = None) -> Axes:
    """Expected value against the mean of the worst draws; right of the line is within the limit."""
    axes = plt.subplots()[1] if ax is None else ax
    currency = choice.grid.history.currency
    scale, unit = scale_of(float(choice.table["npv"].abs().max()), currency)
    table = choice.table.assign(x=choice.table["tail"] / scale, y=choice.table["npv"] / scale)
    schemes = table[~table["kind"].isin([NONE, RUNNING])]
    for within, colour, label in ((True, BLUE, "within the limit"), (False, GREY, "beyond the limit")):
        part = schemes[schemes["within"] == within]
        axes.scatter(part["x"], part["y"], s=16, color=colour, alpha=0.6, lw=0, label=label)
    axes.axvline(-choice.limit / scale, color=VERMILLION, lw=1.2, ls="--", label="limit")
    axes.axhline(0, color="black", lw=0.8)
    for kind, marker, label in ((NONE, "s", "no discount"), (RUNNING, "D", "running scheme")):
        rows = table[table["kind"] == kind]
        axes.scatter(
            rows["x"], rows["y"], s=60, marker=marker, color="black", label=label if len(rows) else None
        )
    pick = table[table.index == choice.chosen.name]
    axes.scatter(pick["x"], pick["y"], s=150, marker="o", fc="none", ec="black", lw=1.8, label="picked")
    _zoom(axes, table, -choice.limit / scale)
    axes.set_xlabel(f"mean of the worst {choice.tail_level:.0%} of draws, {unit} a year")
    axes.set_ylabel(f"expected gain, {unit} a year")
    axes.set_title(fill(choice.finding(), WIDTH), loc="left")
    axes.legend(loc="lower right")
    return stamp(axes, choice.grid.history.as_of, "a point: one scheme")


def _zoom(axes: Axes, table: pd.DataFrame, limit: float) -> None:
    """Leave out schemes far beyond the limit and far below no discount: they would hide the choice."""
    reach = max(abs(limit), float(table["y"].max()), 1e-9)
    near = table[(table["x"] >= -3 * reach) & (table["y"] >= -3 * reach)]
    low, high = float(near["x"].min()), float(near["x"].max())
    pad = 0.08 * (max(high, limit) - min(low, limit)) or 1.0
    axes.set_xlim(min(low, limit) - pad, max(high, limit, 0.0) + pad)
    floor, top = float(near["y"].min()), float(near["y"].max())
    pad = 0.08 * (top - floor) or 1.0
    axes.set_ylim(floor - pad, top + pad)
