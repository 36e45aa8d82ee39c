"""The verdict on the reserve of an emergency plan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from arrisk.display import money
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation
from arrisk.policy.stress.reserve import CALM, FOLLOW, EmergencyReserve, size_reserve
from arrisk.policy.stress.reverse import ReverseStress, reverse_stress
from arrisk.policy.stress.runs import BASELINE

if TYPE_CHECKING:
    from arrisk.policy.stress.stress_report import StressReport
    from arrisk.policy.study import Study

__all__ = ["recommend_stress"]

LEAST_SHOWN = 0.9
CENT = 0.01
QUESTION = "How large a reserve does an emergency plan need?"
DESIGN = (
    "simulated quarters: failures as often and as closely together as the ledger's years allow, payments "
    "that stray as past forecasts did; a forecast of risk, not of what a reserve would change in customers"
)
EXPERIMENT = (
    "Write each Friday's cash beside the week's forecast for one quarter, and ask the bank in writing what "
    "stays undrawn if a covenant breaks; it costs an hour a week."
)
UNKNOWN_SHEET = (
    "Ask treasury for cash, near cash, the line and what is drawn of it, current liabilities, debt, EBITDA "
    "and the covenants, and write them into [settings.stress] of the study: an hour of work."
)
UNKNOWN_LOSSES = (
    "Ask the credit insurer or the factor for the losses of the ten largest customers' industries over ten "
    "years; it costs a letter and bounds how often customers fail."
)
METHOD = (
    "emergency money avoided a year at its cost, less cost of capital on the reserve; range over the cases "
    "of the loss model and over both costs"
)


def recommend_stress(
    study: Study,
    report: StressReport,
    reserve: EmergencyReserve | None = None,
    reverse: ReverseStress | None = None,
) -> Recommendation:
    """Say how large a reserve is needed, and whether today's is enough.

    Parameters
    ----------
    study : Study
    report : StressReport
    reserve : EmergencyReserve, optional
        Of `size_reserve`.
    reverse : ReverseStress, optional
        Of `reverse_stress`.

    Returns
    -------
    Recommendation
        "keep" today's reserve when it is at least what the study's certainty needs, "adopt" a larger one when
        it is not; "the data cannot say" without a balance sheet, or when the ledger holds too few losses to
        say how often customers fail.
    """
    found = size_reserve(study, report) if reserve is None else reserve
    turned = reverse_stress(report) if reverse is None else reverse
    if found.present is None or not report.identified:
        return _cannot_say(report, found, turned)
    enough = found.needed <= found.present
    value, low, high = found.gain
    return Recommendation(
        decision=QUESTION,
        verdict="keep" if enough else "adopt",
        answer=_answer(report, found, found.present),
        scope=_scope(report),
        as_of=report.as_of,
        options=_options(found, found.present),
        expected_value=Estimate(value, low, high, found.level, f"{report.currency} per year", METHOD),
        flip=_flip(report, found, found.present),
        identified=True,
        design=DESIGN,
        experiment=EXPERIMENT,
        assumptions=(*found.assumptions, *report.assumptions[:2]),
        notes=_notes(report, found, turned),
    )


def _answer(report: StressReport, found: EmergencyReserve, present: float) -> str:
    chance, low, high = found.enough
    reach = (
        f"{money(found.needed, report.currency)} of cash and undrawn line last through "
        f"{found.confidence:.1%} of quarters with {money(found.minimum)} left; "
        f"today's {money(present)} last through {chance:.1%} ({low:.1%} to {high:.1%})"
    )
    if found.needed <= present:
        return f"Keep today's reserve: {reach}."
    return f"Raise the reserve by {money(found.needed - present, report.currency)}: {reach}."


def _scope(report: StressReport) -> str:
    owed = float(report.book.portfolio.exposure.sum())
    return (
        f"{len(report.book.portfolio)} customers who owe {money(owed, report.currency)}, and the receipts of "
        f"{report.book.receipts.weeks} weeks; customers in default are no risk of the future and left out"
    )


def _options(found: EmergencyReserve, present: float) -> tuple[Option, ...]:
    """Today's reserve, and what each level of certainty needs: cost a year, emergency money included."""
    _, capital, emergency = found.assumptions
    per_year = 365.0 / found.days

    def option(name: str, reserve: float, note: str) -> Option:
        held, short = capital.value * reserve, found.quarters.shortfalls(reserve) * per_year
        low, high = found.quarters.range(held + emergency.value * short, found.level)
        middle = held + emergency.value * found.quarters.shortfall(reserve) * per_year
        unit = f"{found.currency} cost per year"
        return Option(name, middle, min(low, middle), max(high, middle), unit, note)

    chance = found.enough[0]
    options = [option("today's reserve", present, f"{money(present)}; enough in {chance:.1%} of quarters")]
    shown = found.table.loc[found.table["level"] >= LEAST_SHOWN, ["level", "reserve", "low", "high"]]
    for level, reserve, low, high in shown.to_numpy(dtype=float):
        note = f"{money(reserve)} ({money(low)} to {money(high)})"
        options.append(option(f"enough in {level:.1%} of quarters", float(reserve), note))
    return tuple(options)


def _flip(report: StressReport, found: EmergencyReserve, present: float) -> Flip:
    if found.needed <= present:
        sentence = (
            f"If cash and undrawn line, {money(present, report.currency)} today, fell below "
            f"{money(found.needed)}, the reserve would have to be raised."
        )
    else:
        sentence = (
            f"If cash and undrawn line, {money(present, report.currency)} today, rose to "
            f"{money(found.needed)}, they would be enough."
        )
    return Flip("cash and undrawn line", present, found.needed, report.currency, sentence)


def _notes(report: StressReport, found: EmergencyReserve, turned: ReverseStress) -> tuple[str, ...]:
    notes = [f"{report.finding()}.", f"{turned.finding()}.", _price(report, found), _insurance(report, found)]
    notes.append(_causes(report, found))
    if found.low <= (found.present or 0.0) < found.high:
        notes.append(
            f"What is unknown about failures spans today's reserve: {money(found.low)} to "
            f"{money(found.high)} would be needed."
        )
    notes += [
        f"Monte Carlo error of the reserve: {money(found.mc_error)}.",
        "The forecast already holds customers who stop paying as often as the past shows; failures come on "
        "top, so a few are counted twice and the reserve is a little large.",
        "Payments are planned evenly over the weeks and go on when a customer fails; the reserve counts no "
        "counter-measures (payments put off, orders stopped).",
    ]
    if report.what_if:
        notes.append(f"What if: {report.what_if}.")
    return tuple(note for note in notes if note)


def _price(report: StressReport, found: EmergencyReserve) -> str:
    """What the step costs and from which price of emergency money it pays for itself."""
    if found.present is None:
        return ""
    _, capital, emergency = found.assumptions
    step = "Raising the reserve" if found.gap > 0 else "Holding today's reserve above the minimum"
    size = found.gap if found.gap > 0 else found.present - found.minimum
    cost = money(capital.value * size, report.currency)
    if not math.isfinite(found.break_even):
        return f"{step} costs {cost} a year and avoids no emergency money in any simulated quarter."
    return (
        f"{step} costs {cost} a year and pays for itself when emergency money costs "
        f"{found.break_even:.0%} of the shortfall or more ({emergency.value:.0%} assumed); below that it is "
        "the price of the certainty asked for."
    )


def _causes(report: StressReport, found: EmergencyReserve) -> str:
    """How much of the reserve stands for failures, and what payments that follow sales would save."""
    calm = found.driven(CALM, "reserve_low")
    return (
        f"{money(calm, report.currency)} of it would be needed even if no customer failed: for what must "
        "stay, slow payment and uncertain sales. Were payments cut with falling sales, "
        f"{money(found.driven(FOLLOW))} would do for all."
    )


def _insurance(report: StressReport, found: EmergencyReserve) -> str:
    policy = report.book.policy
    if policy is None:
        return "The receivables are taken as not insured."
    base = report.value(BASELINE, "insured")
    if base < CENT:
        return f"Insurance ('{policy.name}') bears nothing here: its terms begin above what customers owe."
    saved = found.uninsured - found.needed
    wait = policy.waiting_days + policy.payment_days
    return (
        f"Insurance ('{policy.name}') bears {money(base, report.currency)} of the loss of a year on average, "
        f"but pays after {wait:.0f} days: it lowers the reserve of {report.book.receipts.weeks} weeks by "
        f"{money(max(saved, 0.0), report.currency)}."
    )


def _cannot_say(report: StressReport, found: EmergencyReserve, turned: ReverseStress) -> Recommendation:
    reasons = []
    if found.present is None:
        reasons.append("the study gives no balance sheet, so nobody can say what there is")
    if not report.identified:
        reasons.append("the ledger holds too few losses to say how often customers fail")
    need = (
        f"As a what-if {money(found.needed, report.currency)} ({money(found.low)} to {money(found.high)}) "
        f"would last through {found.confidence:.1%} of quarters"
    )
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=f"{' and '.join(reasons).capitalize()}. {need}.",
        scope=_scope(report),
        as_of=report.as_of,
        experiment=UNKNOWN_SHEET if found.present is None else UNKNOWN_LOSSES,
        assumptions=(*found.assumptions, *report.assumptions[:2]),
        notes=_notes(report, found, turned),
    )
