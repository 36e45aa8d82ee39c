"""Keep, reprice or stop the discount that runs: from what it really earned to a recommendation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import money
from arrisk.models.effects.bounds import bound_unoffered
from arrisk.policy.discount.designs import Reading
from arrisk.policy.discount.running_scheme import DESCRIPTIVE
from arrisk.policy.discount.verdict_page import reason_unidentified
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.discount.pilot import PilotDesign
    from arrisk.policy.discount.verdict import SchemeVerdict
    from arrisk.policy.study import Study

__all__ = ["recommend_running_scheme"]

DECISION = "Keep, reprice or stop the discount that runs?"
IMAGINED = (0.02, 10.0)  # rate and window of the commonest textbook terms, where none were offered
HIGHEST_CAPITAL = 0.60  # a cost of capital beyond which no verdict is said to turn on it
STUDIES = (
    "Takers are not like others, and studies disagree on how: discounts go to riskier buyers (Klapper, "
    "Laeven and Rajan 2012) or to stronger ones (Giannetti, Burkart and Ellingsen 2011)."
)
OUTSIDE = "The net figure holds earlier payment and discounts; effects on sales and on losses are not in it."


def recommend_running_scheme(
    study: Study,
    verdict: SchemeVerdict,
    *,
    confidence: float = 0.9,
    least_rate: float = 0.005,
    pilot: PilotDesign | None = None,
) -> Recommendation:
    """Keep the running discount, reprice it, stop it, or say that the data cannot say.

    Parameters
    ----------
    study : Study
        Gives cost_of_capital and gross_margin.
    verdict : SchemeVerdict
        See `evaluate_running_scheme`.
    confidence : float
        Probability with which the discount must earn (or lose) money for a verdict; above 0.5.
    least_rate : float
        Lowest discount worth offering, a fraction: where the low end of the rate that would have paid is
        below it, a losing discount is stopped, not repriced.
    pilot : PilotDesign, optional
        The experiment to name where nothing was offered yet (see `design_pilot`).

    Returns
    -------
    Recommendation
        "keep" when it earns money, "adopt" (a lower rate) or "reject" (stop it) when it loses money;
        "the data cannot say" when neither is sure, no design is possible, or the ledger speaks against it.

    Raises
    ------
    ValueError
        If the confidence is not between 0.5 and 1.
    """
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence = {confidence!r}: between 0.5 and 1")
    chance, paying = verdict.chance_of_gain, verdict.paying_rate
    capital, margin = study.assumption("cost_of_capital"), study.assumption("gross_margin")
    if not verdict.identified:
        return _cannot_say(verdict, (capital,), f"{reason_unidentified(verdict)}.", pilot)
    if chance >= confidence:
        return _decide(verdict, "keep", capital, margin)
    if chance <= 1 - confidence:
        reprice = paying is not None and paying.low >= least_rate
        return _decide(verdict, "adopt" if reprice else "reject", capital, margin)
    reason = (
        f"it earns money with a probability of {chance:.0%}, and this ledger does not tell more: an effect "
        f"would show from {money(_mde(verdict), verdict.currency)} a year on."
    )
    return _cannot_say(verdict, (capital, margin), reason, pilot)


def _mde(verdict: SchemeVerdict) -> float:
    effect = verdict.primary()
    return _two(effect.mde / 100 * verdict.sales) if effect is not None else float("nan")


def _two(value: float) -> float:
    return float(f"{value:.2g}")


def _decide(verdict: SchemeVerdict, kind: str, capital: Assumption, margin: Assumption) -> Recommendation:
    earned, effect = verdict.earned, verdict.primary()
    assert earned is not None
    assert effect is not None
    sign = 1.0 if kind == "keep" else -1.0
    low, high = sorted((sign * earned.low, sign * earned.high))
    than = "against no offer" if kind == "keep" else "saved against going on"
    return Recommendation(
        decision=DECISION,
        verdict=kind,  # type: ignore[arg-type]
        answer=_answer(verdict, kind),
        scope=_scope(verdict),
        as_of=verdict.as_of,
        options=_options(verdict),
        expected_value=Estimate(
            sign * earned.value, low, high, verdict.level, f"{verdict.currency} a year",
            f"effect on present value per 100 invoiced by {effect.design}, times the sales offered by rule "
            f"in the last year; {than}",
        ),
        flip=_flip(verdict, capital, margin),
        identified=True,
        design=f"{effect.design}: {effect.estimand}; {len(effect.checks)} checks passed",
        experiment=verdict.experiment,
        assumptions=(capital, margin),
        notes=_notes(verdict, margin),
    )  # fmt: skip


def _answer(verdict: SchemeVerdict, kind: str) -> str:
    ruled, earned = verdict.rules.ruled.iloc[0], verdict.earned
    assert earned is not None
    terms = f"{100 * ruled['rate']:g}% within {ruled['window']:.0f} days"
    worth = money(abs(_two(earned.value)), verdict.currency)
    gain = verdict.chance_of_gain
    if kind == "keep":
        return f"Keep offering {terms}: it earned about {worth} a year net, with a probability of {gain:.0%}."
    lost = f"it cost about {worth} a year more than the earlier money was worth (probability {1 - gain:.0%})"
    if kind == "reject":
        return f"Stop offering {terms}: {lost}."
    rate = verdict.paying_rate
    assert rate is not None
    return (
        f"Lower {terms} to at most {rate.value:.2%}: {lost}; a discount of {rate.value:.2%} ({rate.low:.2%} "
        f"to {rate.high:.2%}) would have paid for itself, were it taken as often."
    )


def _scope(verdict: SchemeVerdict) -> str:
    groups = ", ".join(verdict.rules.ruled["group"])
    text = f"{groups}: {money(verdict.sales, verdict.currency)} of sales a year offered by rule"
    if verdict.by_hand is not None:
        text += "; offers to customers picked by hand are not judged"
    return text


def _options(verdict: SchemeVerdict) -> tuple[Option, ...]:
    """Going on, stopping, the rate that would have paid, and the part given by hand."""
    unit, earned, hand = f"{verdict.currency} a year", verdict.earned, verdict.by_hand
    options = [Option("no offer", 0.0, 0.0, 0.0, unit, "the yardstick: gains are against it")]
    if not verdict.rules.exists:
        options.append(_imagined(verdict, unit))
    if earned is not None:
        note = f"earns money with a probability of {verdict.chance_of_gain:.0%}"
        note = note if verdict.identified else "the ledger speaks against the design"
        options.append(Option("go on, offers by rule", earned.value, earned.low, earned.high, unit, note))
    rate = verdict.paying_rate
    if rate is not None and verdict.identified:
        note = "breaks even if taken as often; nobody was offered it, and fewer would take it"
        options.append(
            Option(
                "highest rate that would have paid",
                100 * rate.value,
                100 * rate.low,
                100 * rate.high,
                "%",
                note,
            )
        )
    if hand is not None:
        note = "bounds: at worst the takers would have paid on the same day, at best not before the horizon"
        options.append(Option("go on, other offers", None, hand.low, hand.high, unit, note))
    return tuple(options)


def _imagined(verdict: SchemeVerdict, unit: str) -> Option:
    """Bounds on usual terms where nothing was ever offered."""
    rate, window = IMAGINED
    low, high = bound_unoffered(
        verdict.rows, rate=rate, window=window, cost_of_capital=verdict.cost_of_capital
    )
    invoices = verdict.rules.invoices
    year = invoices[invoices["issue_date"] > verdict.as_of - pd.Timedelta(days=365)]
    sales = float(year["billed"].sum()) / 100
    early = verdict.rows.loc[verdict.rows["days"] <= window, "amount"].sum() / verdict.rows["amount"].sum()
    note = (
        f"bounds, no saving is claimed: at worst only those take it on whom it loses, above all the "
        f"{early:.0%} of sales paid within {window:.0f} days anyway, at best only those on whom it gains; "
        "sales and losses left as they are"
    )
    return Option(
        f"offer all {rate:.0%} within {window:.0f} days", None, low * sales, high * sales, unit, note
    )


def _flip(verdict: SchemeVerdict, capital: Assumption, margin: Assumption) -> Flip:
    at, needed = verdict.breaking_even, _sales_needed(verdict, margin)
    sales = f"so would {needed:+.1%} of sales that are there because of the offer, at a margin of "
    sales += f"{margin.value:.0%}"
    if math.isfinite(at) and at <= HIGHEST_CAPITAL:
        side = "above" if at > verdict.cost_of_capital else "below"
        words = (
            f"It turns at a cost of capital {side} {at:.1%} (assumed {verdict.cost_of_capital:.1%}); {sales}."
        )
        return Flip("cost_of_capital", verdict.cost_of_capital, at, capital.unit, words)
    words = (
        f"No cost of capital up to {HIGHEST_CAPITAL:.0%} turns it; {needed:+.1%} of sales that are there "
        f"because of the offer would, at a margin of {margin.value:.0%}."
    )
    return Flip("sales_effect", 0.0, needed, "fraction of sales", words)


def _sales_needed(verdict: SchemeVerdict, margin: Assumption) -> float:
    """Extra sales, a fraction, whose margin makes the offer earn nothing, no more and no less."""
    effect = verdict.primary()
    return float("nan") if effect is None else -effect.estimate / (100 * margin.value)


def _cannot_say(
    verdict: SchemeVerdict, assumptions: tuple[Assumption, ...], reason: str, pilot: PilotDesign | None
) -> Recommendation:
    return Recommendation(
        decision=DECISION,
        verdict="the data cannot say",
        answer=f"{reason[:1].upper()}{reason[1:]}",
        scope=_scope(verdict) if len(verdict.rules.ruled) else "all customers",
        as_of=verdict.as_of,
        options=_options(verdict),
        design="no design that the rules of the offer allow settles it",
        experiment=verdict.experiment if pilot is None or verdict.rules.exists else pilot.finding(),
        assumptions=assumptions,
        notes=_notes(verdict, None),
    )


def _notes(verdict: SchemeVerdict, margin: Assumption | None) -> tuple[str, ...]:
    if not verdict.rules.exists:
        return ("No saving is claimed: nobody was offered a discount.", STUDIES)
    notes = [OUTSIDE] if verdict.earned is not None else []
    by = {r.outcome: r for r in verdict.readings if r.effect is not None and r is _first(verdict, r.outcome)}
    if "sales" in by:
        needed = None if margin is None else _sales_needed(verdict, margin)
        notes.append(_aside("Sales", by["sales"], "% of sales", needed))
    if "unpaid" in by:
        notes.append(_aside("Money unpaid", by["unpaid"], "per 100 invoiced", None))
    running = verdict.running.total
    if running["unearned"]:
        late = money(running["unearned_amount"], verdict.currency)
        notes.append(
            f"{int(running['unearned']):,} discounts worth {late} were taken more than {verdict.grace_days} "
            "days after the window: asking for them back needs no design."
        )
    naive = verdict.naive.set_index("outcome").loc["days"]
    if np.isfinite(naive["estimate"]):
        notes.append(f"Takers paid {-naive['estimate']:.1f} days earlier than others. {DESCRIPTIVE}")
    return (*notes, STUDIES)


def _first(verdict: SchemeVerdict, outcome: str) -> Reading | None:
    return next((r for r in verdict.readings if r.outcome == outcome and r.effect is not None), None)


def _aside(what: str, reading: Reading, unit: str, needed: float | None) -> str:
    """What the ledger says of an effect that the net figure leaves out."""
    e = reading.effect
    assert e is not None
    text = f"{what}: {e.estimate:+.1f} ({e.ci_low:+.1f} to {e.ci_high:+.1f}) {unit}"
    if not e.identified:
        return f"{text}, which the ledger cannot check; the data cannot say."
    if e.ci_low <= 0 <= e.ci_high:
        return f"{text}; smaller effects than {e.mde:.1f} do not show on this ledger, so the data cannot say."
    turning = f"; {100 * needed:+.1f} would turn the verdict" if needed is not None else ""
    return f"{text}{turning}."
