"""How much cash to plan on from the open book."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import money
from arrisk.models.cash.backtest import CURVES
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.models.cash.forecast import CashForecast
    from arrisk.models.timing.payment_timing import PaymentTiming
    from arrisk.policy.study import Study

__all__ = ["about", "recommend_timing"]

QUESTION = "How much cash can we plan on from the open book in the next {weeks} weeks?"
METHOD = "from how wrong the same forecast was on {dates} past days"
EXPERIMENT = (
    "Write the weekly forecast down beside the cash that came for two quarters; it costs nothing, and each "
    "quarter adds a window that the past does not share."
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
    return Recommendation(
        decision=QUESTION.format(weeks=cash.weeks),
        verdict="adopt" if wins else "keep",
        answer=_answer(cash, chosen, wins),
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


def _answer(cash: CashForecast, chosen: str, wins: bool) -> str:
    _, low, middle, high = cash.total(chosen)
    how = "the payment curves" if wins else f"'{chosen}', nearer on past days than the payment curves"
    if high - low < 0.005 * middle:
        return f"Plan on {money(middle, cash.currency)} within {cash.weeks} weeks, by {how}."
    covered = float(cash.backtest.set_index("method")["coverage_total"][chosen])
    held = f"; such a range held on {covered:.0%} of past days" if math.isfinite(covered) else ""
    return (
        f"Plan on {about(middle, cash.currency)} within {cash.weeks} weeks from what is open today, and make "
        f"sure that {about(low, cash.currency)} would do. By {how}, the {cash.level:.0%} range is "
        f"{about(low)} to {about(high)}{held}."
    )


def about(amount: float, currency: str = "") -> str:
    """An amount to three figures, as a sentence can carry it.

    Examples
    --------
    >>> about(6_287_257.27, "EUR"), about(-949, "EUR")
    ('EUR 6,290,000', 'EUR -949')
    """
    return money(float(f"{amount:.3g}"), currency)


def _option(cash: CashForecast, method: str, currency: str) -> Option:
    _, low, middle, high = cash.total(method)
    row = cash.backtest.set_index("method").loc[method]
    note = f"off by {row['wape_week']:.0%} in a week and {row['wape_total']:.0%} in total on past days"
    if not math.isfinite(middle):
        return Option(method, None, unit=currency, note=note)
    return Option(method, middle, low, high, currency, note)


def _flip(errors: pd.Series, rival: str, wins: bool) -> Flip:
    current, threshold = float(errors[CURVES]), float(errors[rival])
    turn = "rose above" if wins else "fell below"
    other = f"'{rival}' would be the better plan" if wins else "they would be the better plan"
    return Flip(
        "weekly error of the payment curves",
        current,
        threshold,
        "fraction of cash",
        f"If the weekly error of the payment curves, {current:.1%} of cash, {turn} {threshold:.1%}, {other}.",
    )


def _notes(timing: PaymentTiming, cash: CashForecast, chosen: str) -> tuple[str, ...]:
    table = cash.backtest[cash.backtest["method"] == chosen]
    both = table[["coverage_week", "coverage_total"]].to_numpy(float)[0]
    shares = dict(zip(("single weeks", "the total"), both.tolist(), strict=True))
    covered = ", ".join(f"{what} {share:.0%}" for what, share in shares.items() if math.isfinite(share))
    notes = [
        f"The {cash.level:.0%} interval, tried on past days each judged by the others, held the cash that "
        f"came in: {covered or 'too few days to tell'}. {cash.independent_windows:.1f} windows without "
        "overlap make the share for the total a rough one.",
        "Limits of single weeks do not add up to those of the total.",
        f"Old invoices: {timing.diagnostics['tail']}.",
    ]
    if cash.always_collected(chosen):
        notes.append(
            "Every past book was collected in full, so the past shows no loss. The lower limit allows for "
            f"{cash.unseen_default:.1%} of customers failing, which such a past does not rule out."
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
