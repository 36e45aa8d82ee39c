"""What the weekly meeting must decide: whether there is a list worth working, and how it was made."""

from __future__ import annotations

import numpy as np

from arrisk.display import money
from arrisk.policy.health import HealthReport
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation
from arrisk.policy.study import Study
from arrisk.policy.worklist import NOBODY, Worklist
from arrisk.policy.worklist_backtest import AT_STAKE, LEVEL, WorklistBacktest

__all__ = ["recommend_health"]

ENOUGH = 0.8
QUESTION = "Which customers must this week's meeting decide about?"
EXPERIMENT = (
    "Leave a random tenth of the list uncalled, drawn by the computer each week for a quarter, and compare "
    "what is paid within {days} days: that is what a call brings."
)


def recommend_health(
    study: Study, health: HealthReport, worklist: Worklist, backtest: WorklistBacktest
) -> Recommendation:
    """Work this week's list, or say that nothing on it is material.

    Parameters
    ----------
    study : Study
        Names the materiality.
    health : HealthReport
        Told beside the verdict.
    worklist : Worklist
    backtest : WorklistBacktest
        Of lists of the same length.

    Returns
    -------
    Recommendation
        "adopt" (work the list) when the lower end of what is likely unpaid on it is material, "keep" (no
        special list) when it is not, "the data cannot say" without due dates or without past days to try.

    Notes
    -----
    The expected value is money likely to be still unpaid, what past lists held over what was expected of
    them times what is expected of this one. It is not what a call brings in.
    """
    if worklist.why or not backtest.identified:
        return _cannot_say(health, worklist, backtest)
    material = study.assumption("materiality")
    unpaid = _likely_unpaid(worklist, backtest)
    matters = unpaid.low > material.value
    return Recommendation(
        decision=QUESTION,
        verdict="adopt" if matters else "keep",
        answer=_answer(worklist, backtest, unpaid, matters),
        scope=_scope(worklist),
        as_of=worklist.as_of,
        options=tuple(_option(rule, backtest) for rule in backtest.table["rule"]),
        expected_value=unpaid,
        flip=Flip(
            "money on the list likely unpaid, lower end",
            unpaid.low,
            material.value,
            worklist.currency,
            f"At least {money(unpaid.low, worklist.currency)} of the list is likely unpaid in "
            f"{worklist.days} days; at {money(material.value, worklist.currency)}, which the study "
            "calls material, the verdict turns.",
        ),
        identified=False,
        design="lists of past days against what was unpaid later; nobody drew lots for whom to call",
        experiment=EXPERIMENT.format(days=worklist.days),
        assumptions=(material,),
        notes=_notes(health, worklist, backtest),
    )


def _likely_unpaid(worklist: Worklist, backtest: WorklistBacktest) -> Estimate:
    """What of the list is likely unpaid, corrected by what past lists held."""
    ratio = (backtest.ratio, backtest.ratio_low, backtest.ratio_high)
    if np.isfinite(ratio).all():
        value, low, high = (worklist.listed * r for r in ratio)
        method = (
            f"cash at stake on the list x realised over expected of {backtest.dates} past lists, customers "
            "deleted one at a time"
        )
        return Estimate(value, low, high, LEVEL, worklist.currency, method)
    row, amount = backtest.row(), float(worklist.table["amount"].sum())
    value = amount * row["unpaid_share"] if np.isfinite(row["unpaid_share"]) else worklist.listed
    low, high = (
        row[end] * amount if np.isfinite(row[end]) else value for end in ("unpaid_low", "unpaid_high")
    )
    method = (
        f"amount of the list x share unpaid of {backtest.dates} past lists, interval exact for "
        f"{backtest.customers} customers"
    )
    return Estimate(value, min(low, value), max(high, value), LEVEL, worklist.currency, method)


def _answer(worklist: Worklist, backtest: WorklistBacktest, unpaid: Estimate, matters: bool) -> str:
    if worklist.table.empty:
        return f"Nothing is overdue or due within {worklist.ahead} days: the meeting needs no list."
    if not matters:
        return (
            f"Keep to reminders: of {money(worklist.amount, worklist.currency)} overdue or due within "
            f"{worklist.ahead} days, about {money(unpaid.value, worklist.currency)} is likely unpaid in "
            f"{worklist.days} days, too little for a meeting."
        )
    return f"Work the list: {worklist.finding()}. {backtest.finding()}."


def _scope(worklist: Worklist) -> str:
    return (
        f"{worklist.candidates} customers with {money(worklist.amount, worklist.currency)} overdue or due "
        f"within {worklist.ahead} days; credits and unapplied cash left out"
    )


def _option(rule: str, backtest: WorklistBacktest) -> Option:
    row = backtest.row(rule)
    name, note = f"list of {backtest.capacity}, {rule}", f"of what was unpaid {backtest.days} days later"
    if np.isfinite([row["lead_low"], row["lead_high"]]).all():
        note += (
            f"; {AT_STAKE} leads by {row['lead']:+.1%} ({row['lead_low']:+.1%} to {row['lead_high']:+.1%})"
        )
    share, low, high = (row[c] if np.isfinite(row[c]) else None for c in ("share", "ci_low", "ci_high"))
    return Option(name, share, low, high, "fraction", note)


def _notes(health: HealthReport, worklist: Worklist, backtest: WorklistBacktest) -> tuple[str, ...]:
    notes = [
        f"{health.finding()}.",
        "The expected value is money likely to be unpaid, not what calls bring in.",
    ]
    if worklist.candidates:
        enough = int(np.searchsorted(worklist.curve, ENOUGH)) + 1
        notes.append(
            f"The first {min(enough, worklist.candidates)} rows hold {ENOUGH:.0%} of the cash at stake."
        )
    nobody = worklist.table[worklist.table["owner"] == NOBODY]
    if len(nobody):
        held = money(nobody["at_stake"].sum(), worklist.currency)
        notes.append(
            f"Without an owner in the queues of the study: {len(nobody)} of the list, {held} at stake."
        )
    rival = backtest.table.iloc[1:].sort_values("lead").iloc[0]
    if np.isfinite(rival["lead_low"]) and rival["lead_low"] <= 0:
        notes.append(
            f"A list by '{rival['rule']}' held {rival['share']:.0%}: the data do not tell it from the "
            f"list by {AT_STAKE}."
        )
    own = backtest.trials[(backtest.trials["rule"] == AT_STAKE) & (backtest.trials["expected"] > 0)]
    if len(own):
        ratios = own["listed"] / own["expected"]
        notes.append(
            f"On single past days the list's unpaid money was {ratios.min():.0%} to {ratios.max():.0%} of "
            "what was expected; the interval is that of the average."
        )
    return tuple(notes)


def _cannot_say(health: HealthReport, worklist: Worklist, backtest: WorklistBacktest) -> Recommendation:
    why = worklist.finding() if worklist.why else backtest.finding()
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=f"{why}.".replace("..", "."),
        scope=_scope(worklist),
        as_of=worklist.as_of,
        experiment=(
            "Load invoices with their due dates and payments of at least a year; until then work the largest "
            "overdue first."
        ),
        notes=(f"{health.finding()}.",),
    )
