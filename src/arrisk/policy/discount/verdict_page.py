"""How the verdict on a running discount is shown: the finding, tables, and the designs side by side."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.errors import ModelError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.effects.effect import Effect
    from arrisk.policy.discount.verdict import SchemeVerdict

__all__ = [
    "NAIVE",
    "PILOT",
    "describe_experiment",
    "describe_verdict",
    "plot_design",
    "plot_designs",
    "show_checks",
    "show_designs",
    "show_money",
]

FIGURES = ("effect", "low", "high", "seen_from", "invoices", "customers")
BLUE, GREY = "#0072B2", "0.6"
WIDTH = 72
NAIVE = "takers against others (descriptive only)"
PILOT = (
    "Offer a discount for a quarter to customers drawn by lot, record every offer, and compare them with the "
    "others (design_pilot sizes it)."
)
OUTCOME_WORDS = {
    "days": "days to payment, by money",
    "value": "present value per 100 invoiced",
    "unpaid": "unpaid per 100 invoiced",
    "sales": "sales, % of the year before",
}


def describe_experiment(customers: int, shift: float) -> str:
    """The cheapest experiment on a discount that runs: to withhold it by lot."""
    return (
        f"Draw lots over the {customers} customers that have the offer and suspend it for half of them for a "
        f"quarter: that shows a shift of {shift:.1f} days in a customer's mean days to payment (80% power, "
        "5% two-sided) and, unlike the past, also speaks for customers picked by hand; a suspended discount "
        "is saved, not spent."
    )


def describe_verdict(verdict: SchemeVerdict) -> str:
    """What the discount earned, or why the ledger cannot say, in one sentence."""
    if not verdict.rules.exists:
        return "No discount was offered, so nothing is known of what one would earn"
    earned, days = verdict.earned, verdict.primary("days")
    if earned is None or not verdict.identified:
        return f"The data cannot say what the discount earned: {reason_unidentified(verdict)}"
    verb = "cost" if earned.value < 0 else "earned"
    worth = money(abs(_short(earned.value)), verdict.currency)
    ends = f"{money(_short(earned.low))} to {money(_short(earned.high))}"
    gained = f"; it brought the money {-days.estimate:.1f} days earlier" if days is not None else ""
    if days is not None:
        gained += f" ({-days.ci_high:.1f} to {-days.ci_low:.1f})"
    return f"The discount given by rule {verb} {worth} a year net ({ends}){gained}"


def reason_unidentified(verdict: SchemeVerdict) -> str:
    """Why no design identifies the effect."""
    effect = verdict.primary()
    if effect is not None:
        checks = effect.checks
        failed = [str(w) for w in checks.loc[~checks["passed"].astype(bool), "words"]] if len(checks) else []
        return f"the ledger speaks against the {effect.design} ({'; '.join(failed) or 'nothing to check it'})"
    kinds = set(verdict.rules.table["kind"]) - {"none"}
    if not kinds:
        return "no invoice was offered a discount, so the ledger knows nothing of what one would earn"
    if kinds == {"picked"}:
        return "it was given to customers picked by hand, who differ from the others"
    if kinds <= {"always", "picked"}:
        return "it was offered from the first day, so there is nothing to compare with"
    return next(r.reason for r in verdict.readings if r.outcome == "value")


def _short(value: float) -> float:
    return float(f"{value:.2g}") if np.isfinite(value) else value


def show_designs(verdict: SchemeVerdict, name: str) -> Table:
    """Every design on every outcome, and the naive comparison."""
    rows = [
        {
            "outcome": OUTCOME_WORDS[r.outcome], "design": r.design, "whom": r.whom, **_figures(r.effect),
            "checks": _checked(r.effect, r.reason),
        }
        for r in verdict.readings
        if r.effect is not None or verdict.rules.exists
    ]  # fmt: skip
    rows += [
        {
            "outcome": OUTCOME_WORDS[row["outcome"]], "design": NAIVE, "whom": "not an effect",
            "effect": row["estimate"], "low": row["ci_low"], "high": row["ci_high"], "seen_from": np.nan,
            "invoices": row["rows"], "customers": row["clusters"], "checks": "takers choose themselves",
        }
        for row in verdict.naive.to_dict("records")
        if row["rows"]
    ]  # fmt: skip
    if not rows:
        nothing = "not possible: no invoice was offered a discount"
        rows = [{"outcome": "all", "design": "none", "whom": "", **_figures(None), "checks": nothing}]
    note = (
        f"{verdict.level:.0%} intervals by customer. Invoices followed for {verdict.horizon} days; present "
        f"value at {verdict.cost_of_capital:.1%} a year, of discounts and days: what is unpaid counts as "
        "paid on that day, losses are read apart as money unpaid. The first design that the rules allow "
        "answers, whatever it says. Seen from: the smallest effect that would show (80% power). Customers "
        "picked by hand take no part."
    )
    formats: dict[str, Format] = dict.fromkeys(("invoices", "customers"), "integer")
    return Table(name, verdict.finding(), pd.DataFrame(rows).round(3), note, formats)


def _figures(effect: Effect | None) -> dict[str, float]:
    """What the table shows of an effect; empty cells without one."""
    if effect is None:
        return dict.fromkeys(FIGURES, float("nan"))
    e = effect
    shown = (e.estimate, e.ci_low, e.ci_high, e.mde, e.rows, e.clusters)
    return dict(zip(FIGURES, map(float, shown), strict=True))


def _checked(effect: Effect | None, reason: str) -> str:
    if effect is None:
        return f"not possible: {reason}"
    checks = effect.checks
    if not len(checks):
        return "nothing to check it by"
    failed = int((~checks["passed"].astype(bool)).sum())
    return f"{len(checks) - failed} of {len(checks)} passed"


def show_checks(verdict: SchemeVerdict, name: str) -> Table:
    """Checks of every design on days and value, one a row."""
    parts = [
        r.effect.checks.assign(design=r.design, outcome=OUTCOME_WORDS[r.outcome])
        for r in verdict.readings
        if r.effect is not None and len(r.effect.checks)
    ]
    columns = ["design", "outcome", "check", "p_value", "passed", "words"]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    frame["passed"] = frame["passed"].map({True: "yes", False: "no"})
    title = "What the ledger could have refuted" if parts else "No design, so nothing to check"
    return Table(name, title, frame[columns].rename(columns={"words": "found"}))


def show_money(verdict: SchemeVerdict, name: str) -> Table:
    """The discounts' cost, what they bought and where they would have paid, a row a figure."""
    rows: list[tuple[str, float, float, float, str]] = []
    nan, currency = float("nan"), verdict.currency

    def add(what: str, value: float, unit: str, low: float = nan, high: float = nan) -> None:
        rows.append((what, value, low, high, unit))

    for row in verdict.yearly.to_dict("records"):
        add(f"offered in a year, {row['group']}, {row['how']}", row["sales"], currency)
        add(f"discounts taken of it, {row['group']}, {row['how']}", row["discount"], currency)
    if verdict.running.exists:
        total = verdict.running.total
        add("discounts taken too late, number", float(total["unearned"]), "invoices")
        add("discounts taken too late, money", float(total["unearned_amount"]), currency)
        early = 100 * float(total["early_before"])
        add("paid within the window without an offer", early, "% of such sales")
    days = verdict.primary("days")
    if days is not None:
        add("days gained on what is offered by rule", -days.estimate, "days", -days.ci_high, -days.ci_low)
        per = 100 * verdict.given["share"]
        ends = [per / d if d > 0 else np.inf for d in (-days.estimate, -days.ci_low, -days.ci_high)]
        add("discount for each day gained", ends[0], "per 100 offered", ends[1], ends[2])
    if verdict.annual_cost is not None:
        c = verdict.annual_cost
        add("cost of the money so gained", 100 * c.value, "% a year", 100 * c.low, 100 * c.high)
    if verdict.earned is not None:
        e = verdict.earned
        add("earned a year, net", e.value, currency, e.low, e.high)
    if verdict.paying_rate is not None:
        p = verdict.paying_rate
        add("highest rate that would have paid", 100 * p.value, "%", 100 * p.low, 100 * p.high)
    frame = pd.DataFrame(rows, columns=["figure", "value", "low", "high", "unit"]).round(2)
    note = (
        f"Too late: more than {verdict.grace_days} days after the window. Highest rate that would have paid: "
        "were it taken as often, which a lower rate would not be. Effects on sales and losses are not in the "
        "net figure; what the data say of them is in the table of designs. Of what was given by hand nothing "
        "is known but its cost."
    )
    return Table(name, verdict.finding(), frame, note)


def plot_designs(verdict: SchemeVerdict, ax: Axes | None, outcome: str) -> Axes:
    """Estimates with intervals, a row a design; the naive comparison in grey at the bottom."""
    import matplotlib.pyplot as plt

    readings = [r for r in verdict.readings if r.outcome == outcome and r.effect is not None]
    ax = ax if ax is not None else plt.subplots(figsize=None if readings else (7, 1.2))[1]
    ax.set_title(fill(verdict.finding(), WIDTH), loc="left")
    naive = verdict.naive[(verdict.naive["outcome"] == outcome) & verdict.naive["estimate"].notna()]
    if not readings and naive.empty:
        return _nothing(verdict, ax)
    found = [r.effect for r in readings if r.effect is not None]
    names = [f"{r.design}\n{r.whom}" for r in readings] + [NAIVE.replace(" (", "\n(")] * len(naive)
    values = [(e.estimate, e.ci_low, e.ci_high) for e in found]
    values += [(r["estimate"], r["ci_low"], r["ci_high"]) for r in naive.to_dict("records")]
    at = np.arange(len(names))[::-1]
    for k, (place, (estimate, low, high)) in enumerate(zip(at, values, strict=True)):
        colour = BLUE if k < len(found) else GREY
        ax.hlines(place, low, high, color=colour, linewidth=4 if k == 0 and found else 2.5)
        ax.plot(estimate, place, "o", color=colour, markersize=9 if k == 0 and found else 6)
    ax.axvline(0, color="0.3", lw=1)
    ax.set_yticks(at, names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.set_xlabel(f"change in {OUTCOME_WORDS[outcome]}")
    note = f"thick: the design that answers; {verdict.level:.0%} intervals by customer"
    return stamp(ax, verdict.as_of, note)


def plot_design(verdict: SchemeVerdict, design: str, outcome: str, ax: Axes | None) -> Axes:
    """The picture of one design, or a line that says why there is none."""
    import matplotlib.pyplot as plt

    readings = [r for r in verdict.readings if r.outcome == outcome and design in ("", r.design)]
    if not readings:
        known = ", ".join(dict.fromkeys(r.design for r in verdict.readings))
        raise ModelError(f"design={design!r}, outcome={outcome!r}; designs: {known}")
    effect = next((r.effect for r in readings if r.effect is not None), None)
    if effect is not None:
        return effect.plot(verdict.as_of, ax)
    ax = ax if ax is not None else plt.subplots(figsize=(7, 1.2))[1]
    ax.set_title(fill(f"No {design or 'design'} is possible: {readings[0].reason}", WIDTH), loc="left")
    return _nothing(verdict, ax)


def _nothing(verdict: SchemeVerdict, ax: Axes) -> Axes:
    ax.set_axis_off()
    ax.text(0.5, 0.5, "no design is possible", transform=ax.transAxes, ha="center", color="0.35")
    return stamp(ax, verdict.as_of)
