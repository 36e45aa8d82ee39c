"""Limits within a risk budget, told as a sentence and a table by grade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, money

if TYPE_CHECKING:
    from arrisk.policy.limits.limit_plan import LimitPlan

__all__ = ["CAPPED", "MODEL", "WITHIN", "describe_cap", "describe_plan", "describe_range", "plan_table"]

MODEL, WITHIN, CAPPED = "the model's limits", "within the risk budget", "and within the insurer's cap"


def describe_plan(plan: LimitPlan) -> str:
    """Whether the budget binds and what it costs."""
    if plan.policy.inputs.doubt:
        return f"What limits put at risk cannot be told: {plan.policy.inputs.doubt}"
    budget = money(plan.budget, plan.currency)
    free = f"{money(plan.free, plan.currency)} (simulation error {money(plan.free_error)})"
    if not plan.binds:
        near = ", but only just" if plan.free + 2 * plan.free_error > plan.budget else ""
        lead = f"The risk budget does not bind{near}: the worst year in a hundred loses on average {free}"
        return f"{lead} of {budget} allowed"
    lost = plan.total(MODEL, "value") - plan.total(WITHIN, "value")
    return (
        f"The risk budget binds: the worst year in a hundred may lose on average {budget}, not {free}; that "
        f"costs {money(lost, plan.currency)} a year, and one unit more would earn {plan.price:.2f}"
    )


def describe_range(plan: LimitPlan) -> str:
    """What the budget costs at the ends of its range, in one sentence."""
    rows = plan.prices.to_dict("records")
    most = float(plan.prices["value"].max())
    told = [_at_budget(row, most - row["value"], plan.currency) for row in rows]
    return "With another budget: " + "; ".join(told)


def _at_budget(row: dict, lost: float, currency: str) -> str:  # type: ignore[type-arg]
    budget = money(row["budget"], currency)
    if row["price"] == 0:
        return f"at {budget} nothing is lost"
    return (
        f"at {budget} limits earn {money(lost)} a year less and one unit more would earn {row['price']:.2f}"
    )


def describe_cap(plan: LimitPlan) -> str:
    """What the insurer's cap costs, in one sentence."""
    if not np.isfinite(plan.cap):
        return "No cap for one customer is given"
    if not plan.capped:
        return f"An insurer's cap of {money(plan.cap, plan.currency)} for one customer cuts no limit"
    lost = plan.total(WITHIN, "value") - plan.total(CAPPED, "value")
    saved = plan.total(WITHIN, "bad_year") - plan.total(CAPPED, "bad_year")
    return (
        f"An insurer's cap of {money(plan.cap, plan.currency)} for one customer would cut {plan.capped} of "
        f"the limits, cost {money(lost, plan.currency)} a year and take {money(saved, plan.currency)} off "
        "the worst year in a hundred"
    )


def plan_table(plan: LimitPlan, name: str) -> Table:
    """Today, without a budget, within it and within an insurer's cap, by grade."""
    columns: dict[str, Format] = dict.fromkeys(("limits", "value", "loss", "bad_year"), "money")
    note = (
        f"{plan.currency} a year; limits: their sum. Value: margin less cost of money, expected loss and "
        "price of risk capital. Loss: expected. Bad year: mean loss of the worst simulated year in a "
        "hundred; a grade's row is its part of the book's. Budget: "
        f"{plan.stated.value:.0%} of the yearly margin ({plan.stated.source}). {describe_range(plan)}. "
        f"{describe_cap(plan)}. Customers in default left out."
    )
    idle = [p for p, told in ((WITHIN, plan.binds), (CAPPED, plan.capped > 0)) if not told]
    shown = plan.table[~plan.table["plan"].isin(idle)]
    return Table(name, describe_plan(plan), shown.reset_index(drop=True), note, columns)
