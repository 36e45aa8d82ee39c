"""By which rule to tell when an open invoice will be paid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.models.timing.backtest import TimingBacktest
    from arrisk.policy.study import Study

__all__ = ["recommend_timing"]

QUESTION = "When will each open invoice be paid, and by which rule can we tell?"
BRIER, GAP, ORDER = "integrated Brier score", "Brier less reference", "concordance"
RATIO = "paid, predicted over seen"
UNIT = "fraction of squared error"
METHOD = "difference of integrated Brier scores on past days over that of the reference, by customer"
EXPERIMENT = (
    "Write down for each open invoice the chance of payment within 30 days and look after a quarter; it "
    "costs nothing, and the quarter is one that no model has seen."
)


def recommend_timing(study: Study, backtest: TimingBacktest) -> Recommendation:
    """Predict the day of payment by the model tried on past days, or by a simpler rule.

    Parameters
    ----------
    study : Study
        Names the question's ledger; no assumption is used.
    backtest : TimingBacktest
        Of the model (the first one given), against one curve for all items and the naive rules.

    Returns
    -------
    Recommendation
        "adopt" the model when its integrated Brier score is below that of the reference with its whole
        interval and no simpler rule is nearer; "keep" the reference when the interval lies above;
        "the data cannot say" in between, or with too few items.

    Notes
    -----
    The value of the verdict is the share of the reference's squared error that the model removes.
    """
    if not backtest.identified:
        return _cannot_say(study, backtest, f"{backtest.finding}.")
    model, reference = backtest.models[0], backtest.models[backtest.given]
    base = backtest.value(reference, BRIER)
    gain = -backtest.value(model, GAP) / base
    high, low = (-limit / base for limit in backtest.interval(model, GAP))
    if not low > 0 and not high < 0:
        return _cannot_say(study, backtest, _undecided(backtest, model, reference, low, high))
    wins = low > 0 and backtest.best == model
    chosen = model if wins else backtest.best
    return Recommendation(
        decision=QUESTION,
        verdict="adopt" if wins else "keep",
        answer=_answer(backtest, chosen, model, gain),
        scope=_scope(backtest),
        as_of=study.as_of,
        options=tuple(_option(backtest, name) for name in backtest.models),
        expected_value=Estimate(gain, low, high, backtest.level, UNIT, METHOD),
        flip=_flip(backtest, model),
        identified=True,
        design=(
            f"predictions of {len(backtest.dates)} past days, each from what was known on it, against what "
            "happened later; a comparison of predictions, not of what a reminder would change"
        ),
        experiment=EXPERIMENT,
        notes=_notes(backtest, chosen),
    )


def _answer(backtest: TimingBacktest, chosen: str, model: str, gain: float) -> str:
    pairs = f"{100 * backtest.value(chosen, ORDER):.0f} of 100 pairs of open invoices in the order of payment"
    if chosen == model:
        reference = backtest.models[backtest.given]
        others = f"{100 * backtest.value(reference, ORDER):.0f}"
        return (
            f"Predict each invoice by {model}: it puts {pairs} ({reference}: {others}) and removes "
            f"{gain:.0%} of the squared error of the chance of being unpaid."
        )
    return f"Predict by {chosen}: it puts {pairs}, and {model} is no nearer."


def _undecided(backtest: TimingBacktest, model: str, reference: str, low: float, high: float) -> str:
    return (
        f"{model.capitalize()} removes between {low:.0%} and {high:.0%} of the squared error of {reference}: "
        f"past days do not tell the two apart. Until they do, use {backtest.best}."
    )


def _scope(backtest: TimingBacktest) -> str:
    return f"open invoices; judged on {backtest.items:,} of {backtest.customers:,} customers on past days"


def _option(backtest: TimingBacktest, name: str) -> Option:
    score, (low, high) = backtest.value(name, BRIER), backtest.interval(name, BRIER)
    ratio = backtest.value(name, RATIO)
    note = f"{backtest.value(name, ORDER):.0%} of pairs in order"
    if math.isfinite(ratio):
        note += f"; predicted {ratio:.0%} of the payments seen within {backtest.horizon} days"
    return Option(name, score, low, high, "Brier score", note)


def _flip(backtest: TimingBacktest, model: str) -> Flip:
    rival = min(backtest.models[backtest.given :], key=lambda name: backtest.value(name, BRIER))
    now, threshold = backtest.value(model, BRIER), backtest.value(rival, BRIER)
    turn, other = ("rose above", rival) if now < threshold else ("fell below", model)
    sentence = (
        f"If the integrated Brier score of {model}, {now:.3f}, {turn} {threshold:.3f}, {other} would be the "
        "better rule."
    )
    return Flip(f"integrated Brier score of {model}", now, threshold, "mean squared error", sentence)


def _notes(backtest: TimingBacktest, chosen: str) -> tuple[str, ...]:
    test = backtest.calibration[chosen]
    held = "is consistent with its chances" if test.p_value >= 0.05 else "departs from its chances"
    return (
        f"Calibration: what happened {held} by tenths (D-calibration p = {test.p_value:.2f} by customer; the "
        f"largest difference of a tenth is {test.largest_gap:.1%}).",
        "A prediction says when an invoice will be paid if nothing new is done; it does not say what a "
        "reminder would change.",
    )


def _cannot_say(study: Study, backtest: TimingBacktest, reason: str) -> Recommendation:
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=reason,
        scope=_scope(backtest),
        as_of=study.as_of,
        experiment=EXPERIMENT,
    )
