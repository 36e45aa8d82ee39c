"""How much cash to plan on from the open book."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import money
from arrisk.models.cash_backtest import CURVES
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.models.cash import CashForecast
    from arrisk.models.timing import PaymentTiming
    from arrisk.policy.study import Study

__all__ = ["recommend_timing"]

QUESTION = "How much cash can we plan on from the open book in the next {weeks} weeks?"
METHOD = "same forecast on {dates} past days; normal on the square root of realised over forecast"
EXPERIMENT = (
    "Keep the weekly forecast beside the cash that came for two quarters; each quarter adds one independent "
    "window and costs nothing."
)


def recommend_timing(study: Study, timing: PaymentTiming, cash: CashForecast) -> Recommendation:
    """Plan cash on the payment curves, on the best simple rival, or on neither.

    Parameters
    ----------
    study : Study
        Names the currency; no assumption is used.
    timing : PaymentTiming
        The curves behind the forecast.
    cash : CashForecast
        With its back-test.

    Returns
    -------
    Recommendation
        "adopt" when the curves' weekly error on past days is below the best rival's, "keep" (the rival) when
        it is not, "the data cannot say" when the history holds fewer than two windows of the horizon.

    Notes
    -----
    The verdict compares errors measured on the same past days; their difference is not tested.
    """
    if not cash.identified:
        return _cannot_say(study, cash)
    errors = cash.backtest.set_index("method")["wape_week"]
    rival = cash.best_rival
    wins = bool(errors[CURVES] < errors[rival])
    chosen = CURVES if wins else rival
    _, low, middle, high = cash.total(chosen)
    amounts = [money(x, study.currency) for x in (middle, low, high)]
    by = "the payment curves" if wins else f"the rule '{rival}', which was nearer than the payment curves"
    return Recommendation(
        decision=QUESTION.format(weeks=cash.weeks),
        verdict="adopt" if wins else "keep",
        answer=(
            f"Plan on {amounts[0]} from the items open today over {cash.weeks} weeks, and be ready for "
            f"{amounts[1]} to {amounts[2]}, by {by}."
        ),
        scope=_scope(study, cash),
        as_of=cash.as_of,
        options=tuple(_option(cash, method, study.currency) for method in cash.backtest["method"]),
        expected_value=Estimate(
            middle, low, high, cash.level, study.currency, METHOD.format(dates=cash.n_dates)
        ),
        flip=_flip(errors, rival, wins),
        identified=True,
        design=(
            f"forecasts of {cash.n_dates} past days, each from what was known on it, against the cash that "
            f"came; {cash.independent_windows:.1f} windows of {cash.weeks} weeks without overlap"
        ),
        experiment=EXPERIMENT,
        notes=_notes(timing, cash, chosen),
    )


def _option(cash: CashForecast, method: str, currency: str) -> Option:
    _, low, middle, high = cash.total(method)
    row = cash.backtest.set_index("method").loc[method]
    note = f"weekly error {row['wape_week']:.0%}, error of the total {row['wape_total']:.0%} of cash"
    if not math.isfinite(middle):
        return Option(method, None, unit=currency, note=note)
    return Option(method, middle, low, high, currency, note)


def _flip(errors: pd.Series, rival: str, wins: bool) -> Flip:
    current, threshold = float(errors[CURVES]), float(errors[rival])
    turn = "rises above" if wins else "falls below"
    other = f"'{rival}' would be the better plan" if wins else "the payment curves would be the better plan"
    return Flip(
        "weekly error of the payment curves",
        current,
        threshold,
        "fraction of cash",
        f"If the weekly error of the payment curves, now {current:.1%} of cash, {turn} {threshold:.1%}, "
        f"{other}.",
    )


def _notes(timing: PaymentTiming, cash: CashForecast, chosen: str) -> tuple[str, ...]:
    table = cash.backtest[cash.backtest["method"] == chosen]
    both = table[["coverage_week", "coverage_total"]].to_numpy(float)[0]
    shares = dict(zip(("single weeks", "the total"), both.tolist(), strict=True))
    covered = ", ".join(f"{what} {share:.0%}" for what, share in shares.items() if math.isfinite(share))
    notes = [
        f"The {cash.level:.0%} interval, made from days without a window in common, held the cash that came "
        f"on these shares of past days: {covered or 'too few days to tell'}.",
        "Limits of single weeks do not add up to those of the total.",
        f"Tail rule: {timing.diagnostics['tail']}.",
    ]
    if cash.always_collected(chosen):
        notes.append(
            "Every book tried was collected in full within the horizon. The lower limit leaves room for the "
            f"{cash.unseen_default:.1%} of customers that such a past does not rule out failing."
        )
    return tuple(notes)


def _scope(study: Study, cash: CashForecast) -> str:
    amount = money(cash.open_amount, study.currency)
    return f"{amount} open, net of credits and unapplied cash; no new sales"


def _cannot_say(study: Study, cash: CashForecast) -> Recommendation:
    expected = cash.total(CURVES)[0]
    return Recommendation(
        decision=QUESTION.format(weeks=cash.weeks),
        verdict="the data cannot say",
        answer=(
            f"The curves expect {money(expected, study.currency)}, but the history holds "
            f"{cash.independent_windows:.1f} windows of {cash.weeks} weeks without overlap to try that on; "
            "an interval needs two."
        ),
        scope=_scope(study, cash),
        as_of=cash.as_of,
        experiment=EXPERIMENT,
    )
