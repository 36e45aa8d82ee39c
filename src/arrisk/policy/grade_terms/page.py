"""The terms of each grade as tables a finance director reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.display import Format, Table
from arrisk.policy.recommendation_page import quantity

if TYPE_CHECKING:
    from arrisk.policy.grade_terms.terms import GradeTerms

__all__ = [
    "capital",
    "describe_finding",
    "describe_grant",
    "granted_table",
    "margins_table",
    "name_of",
    "needs_table",
    "swings_table",
]

STEP = 0.05
INPUTS = {
    "margin": "margin",
    "pd": "chance to be caught by a default",
    "lgd": "lost of what a defaulter owes",
    "cost_of_capital": "cost of capital, a year",
}


def name_of(grade: str) -> str:
    """A grade in a sentence; the one class of an ungraded book is everybody.

    Examples
    --------
    >>> name_of("C"), name_of("all")
    ('grade C', 'every customer')
    """
    return "every customer" if grade == "all" else f"grade {grade}"


def describe_grant(row: Any) -> str:
    """What a grade gets, in words; shares are rounded up to 5%.

    Parameters
    ----------
    row : mapping
        `longest`, `advance` and `secured` of a grade.

    Examples
    --------
    >>> describe_grant({"longest": 45.0, "advance": 0.0, "secured": 0.0})
    'up to 45 days'
    >>> describe_grant({"longest": float("nan"), "advance": 0.12, "secured": 0.31})
    '15% in advance, or 35% secured'
    >>> describe_grant({"longest": float("nan"), "advance": 0.99, "secured": float("nan")})
    'in advance only'
    """
    if not math.isnan(row["longest"]):
        return f"up to {row['longest']:.0f} days"
    if math.isnan(row["advance"]):
        return "not at this price"
    advance = _up(row["advance"])
    if advance >= 1:
        return "in advance only"
    other = "" if math.isnan(row["secured"]) else f", or {_up(row['secured']):.0%} secured"
    return f"{advance:.0%} in advance{other}"


def _up(share: float) -> float:
    return math.ceil(round(share / STEP, 9)) * STEP


def describe_finding(granted: GradeTerms) -> str:
    """Who bears which terms, in one sentence."""
    table = granted.table
    stuck = table[table["longest"].isna()]
    last = float(granted.cells["days"].max())
    if len(stuck):
        who = join_words([name_of(g) for g in stuck["grade"]])
        return f"{capital(who)} bear{'s' * (len(stuck) == 1)} no terms on account"
    short = table[table["longest"] < last]
    if len(short):
        row = short.iloc[-1]
        return f"{capital(name_of(row['grade']))} bears {row['longest']:.0f} days at most"
    who = "Every grade" if granted.identified else "The average customer"
    return f"{who} earns its credit on any of the terms, up to {last:.0f} days"


def join_words(names: list[str]) -> str:
    """Names in a sentence.

    Examples
    --------
    >>> join_words(["A", "B", "C"]), join_words(["A"])
    ('A, B and C', 'A')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def capital(text: str) -> str:
    """A sentence begins with a capital."""
    return text[:1].upper() + text[1:]


def granted_table(granted: GradeTerms, name: str) -> Table:
    """What each grade gets, and what a sale to it leaves."""
    table = granted.table
    frame = pd.DataFrame(
        {
            "grade": table["grade"],
            "customers": table["customers"],
            "sales_a_year": table["sales"],
            "default": table["pd"],
            "up_to": table["pd_high"],
            "terms_today": table["days"].where(table["sales"] > 0),
            "granted": [describe_grant(row) for row in table.to_dict("records")],
            "left_of_100": 100 * table["value"],
            "at_least": 100 * table["value_low"],
            "limit_months": table["limit_months"],
            "limit_factor": table["limit_factor"],
            "limit_today": table["limit_today"],
        }
    ).round(6)
    formats: dict[str, Format] = {
        "sales_a_year": "money",
        **dict.fromkeys(("default", "up_to"), "percent"),
        **dict.fromkeys(("terms_today", "left_of_100", "at_least", "limit_months", "limit_today"), "days"),
        "limit_factor": "percent",
    }  # type: ignore[dict-item]
    return Table(
        name, describe_finding(granted), frame, f"{_how_valued(granted)} {_limits(granted)}", formats
    )


def _how_valued(granted: GradeTerms) -> str:
    return (
        f"Amounts in {granted.currency}. Default: within {granted.horizon_days} days, of past gradings, with "
        f"the upper end of its {granted.level:.0%} Jeffreys interval. Left of 100: net present value of a "
        "sale of 100 on today's terms after variable cost, the wait for the money and expected loss, with "
        "the lower end of its interval. Granted: longest offered terms that lose nothing in "
        f"{granted.confidence:.0%} of {granted.today.shape[1] - 1:,} draws; a ceiling, not advice to "
        "lengthen, as sales are taken as they are."
    )


def _limits(granted: GradeTerms) -> str:
    budget = granted.inputs.assumed("risk_budget").value
    return (
        "Limit in months of average sales: a year's expected loss at the limit, at the upper end of the "
        f"default rate, stays within {budget:.0%} of the year's margin (the risk budget, a choice), and the "
        f"limit within {granted.headroom:g} times the sales of the granted terms; the factor is against the "
        "best grade's. Limit today: limits in the ledger over months of sales."
    )


def needs_table(granted: GradeTerms, name: str) -> Table:
    """Cost of credit, break-even, and the advance, security or price that today's terms need."""
    table = granted.table
    frame = pd.DataFrame(
        {
            "grade": table["grade"],
            "terms_today": table["days"],
            "paid_after": table["days_out"],
            "default_catches": table["pd_sale"],
            "breaks_even_at": table["break_even_pd"],
            "margin_needed": table["cost"],
            "up_to": table["cost_high"],
            "price_rise": table["surcharge"],
            "in_advance": table["advance"],
            "or_secured": table["secured"],
            "chance_of_no_loss": table["chance"],
        }
    ).round(6)
    formats: dict[str, Format] = dict.fromkeys(frame.columns[3:], "percent")
    formats |= {"terms_today": "days", "paid_after": "days"}
    return Table(
        name, _needs_title(granted), frame, f"{_how_caught(granted)} {_how_needed(granted)}", formats
    )


def _how_caught(granted: GradeTerms) -> str:
    margin, lgd, capital, overrun = granted.assumptions[:4]
    return (
        f"Margin {margin.value:.0%}; cost of capital {capital.value:.1%} a year (effective, 365 days); "
        f"{lgd.value:.0%} lost of what a defaulter owes. Default catches: share of sales not paid before a "
        f"default, over the terms and {overrun.value:.0f} days more, as failing customers pay ever later. "
        "Breaks even at: the share at which a sale is worth nothing; above 100%, none does."
    )


def _how_needed(granted: GradeTerms) -> str:
    return (
        "Margin needed: wait and expected loss, with the upper end of its interval. Price rise: makes a sale "
        "on account as good as one paid on delivery. In advance or secured: the share that "
        f"loses nothing on today's terms in {granted.confidence:.0%} of the draws; security covers "
        f"{granted.inputs.assumed('insured_share').value:.0%} of a loss and is paid by the customer."
    )


def margins_table(granted: GradeTerms, margins: Sequence[float], name: str) -> Table:
    """A row a margin, a column a grade: what it would get."""
    found = granted.at_margins(margins)
    found["granted"] = [describe_grant(row) for row in found.to_dict("records")]
    wide = found.pivot(index="margin", columns="grade", values="granted")[list(granted.table["grade"])]
    wide.columns = [name_of(g).replace(" ", "_") for g in wide.columns]
    note = (
        "Each margin taken as certain; everything else as in the table of terms. Up to so many days: the "
        "longest offered terms that are bearable. In advance or secured: share needed on today's terms."
    )
    return Table(
        name, "What each grade would get at other margins", wide.reset_index(), note, {"margin": "percent"}
    )


def _needs_title(granted: GradeTerms) -> str:
    table = granted.table
    row = table.set_index("grade").loc[granted.weakest]
    return (
        f"Credit to {name_of(granted.weakest)} costs {row['cost']:.1%} of the price; the margin is "
        f"{granted.assumptions[0].value:.0%}"
    )


def swings_table(granted: GradeTerms, grade: str, name: str) -> Table:
    """What moves the value of a sale to a grade, and where it turns."""
    swings = granted.swings(grade)
    percent = ["low", "now", "high", "turns_at"]
    frame = pd.DataFrame(
        {
            "input": swings["input"].map(INPUTS),
            **{c: [quantity(v, "fraction") for v in swings[c]] for c in percent[:3]},
            "left_at_low": 100 * swings["value_at_low"],
            "left_at_high": 100 * swings["value_at_high"],
            "turns_at": [_turn(v) for v in swings["turns_at"]],
        }
    ).round(6)
    days = granted.table.set_index("grade")["days"].to_dict()[grade]
    note = (
        f"A sale of 100 on today's terms of {days:.0f} days; one input moved over its range, the others as "
        "they are. Turns at: where the sale is worth nothing; nowhere, if no possible value does it."
    )
    formats: dict[str, Format] = {"left_at_low": "days", "left_at_high": "days"}
    return Table(name, f"What would turn the sale to {name_of(grade)}", frame, note, formats)


def _turn(value: float) -> str:
    if math.isnan(value):
        return "nowhere"
    return "above 100%" if value > 1 else quantity(round(value, 4), "fraction")
