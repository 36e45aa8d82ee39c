"""What a design measured of the running discount goes before what a simulation assumes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from arrisk.display import money
from arrisk.policy.recommendation import Option, Recommendation

if TYPE_CHECKING:
    import pandas as pd

    from arrisk.policy.discount.objective import DiscountChoice

__all__ = ["follow_measured"]


def follow_measured(
    told: Recommendation,
    simulated: Recommendation,
    choice: DiscountChoice,
    rule: pd.Series,
) -> Recommendation:
    """Answer the question of an offer with what the running one was measured to earn.

    Parameters
    ----------
    told : Recommendation
        On the running discount, with a verdict (see `recommend_running_scheme`).
    simulated : Recommendation
        On an offer, from the simulation: gives options, notes, assumptions and the experiment.
    choice : DiscountChoice
        Names the most promising untried terms.
    rule : Series
        `rate` and `window` of the running discount.

    Returns
    -------
    Recommendation
        "keep" when it earned money, "adopt" (a lower rate) when that would have paid, else "reject": terms
        that lost money where a rule offered them are offered to nobody else, and untried terms only in a
        trial.
    """
    terms = f"{100 * rule['rate']:g}% within {rule['window']:.0f} days"
    earned = next(o for o in told.options if o.name == "go on, offers by rule")
    note = f"{told.design.split(':')[0]}; {earned.note}{_paying(told)}"
    lead = told.answer if told.verdict == "adopt" else _lead(terms, earned, told.verdict == "keep", choice)
    return replace(
        simulated,
        verdict=told.verdict,
        answer=f"{lead}{_next(choice)}",
        scope=told.scope,
        options=(
            replace(earned, name=f"{terms}, as measured", note=note),
            *simulated.options,
        ),
        expected_value=told.expected_value,
        flip=told.flip,
        identified=True,
        design=f"{told.design}; of terms that nobody was offered the ledger identifies nothing",
        notes=(
            _apart(terms, choice),
            *simulated.notes,
        ),
    )


def _lead(terms: str, earned: Option, kept: bool, choice: DiscountChoice) -> str:
    assert earned.value is not None
    worth = money(abs(float(f"{earned.value:.2g}")), choice.grid.history.currency)
    if kept:
        return f"Keep offering {terms}: where a rule offered it, it earned about {worth} a year net."
    return (
        f"Offer nobody else {terms}: where a rule offered it, it cost about {worth} a year more than the "
        "earlier money was worth."
    )


def _paying(told: Recommendation) -> str:
    """The rate that the measured effect would have paid for."""
    rate = next((o for o in told.options if o.name == "highest rate that would have paid"), None)
    return f"; {rate.value:.2f}% would have paid" if rate is not None and rate.value is not None else ""


def _apart(terms: str, choice: DiscountChoice) -> str:
    """Why the simulated worth of the running terms is not the measured one, and which counts."""
    first = "What a simulation says of the running terms rests on assumptions; the measure comes first."
    running, grid = choice.option("running"), choice.grid
    given = next((a for a in grid.assumptions if a.name == "sales_effect"), None)
    if running is None or given is None:
        return first
    return (
        f"Measured and simulated worth of {terms} differ, and so do the rates at which it breaks even: the "
        f"measure is of earlier money on sales as they were, the simulation "
        f"({money(running['npv'], grid.history.currency)} a year) adds the margin on {given.low:.0%} to "
        f"{given.high:.0%} of extra sales and losses avoided, which are assumed. The measure comes first."
    )


def _next(choice: DiscountChoice) -> str:
    """The most promising terms nobody was offered, for a trial only."""
    best = choice.chosen
    scheme = choice.scheme(best)
    if scheme is None or choice.grid.is_offered(scheme):
        return ""
    worth = money(float(best["npv"]), choice.grid.history.currency)
    return (
        f" On assumptions alone {best['option']} looks best ({worth} a year): offer it in a trial by lot "
        "before anywhere else."
    )
