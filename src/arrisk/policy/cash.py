"""How much cash to plan on, which sum must also do, and by which method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import money
from arrisk.models.cash.cash_forecast import NEW_SALES, OPEN_BOOK
from arrisk.models.cash.rolling_scores import EVERY, TOTAL, UNKNOWN
from arrisk.models.intervals import upper_bound
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.models.cash.cash_forecast import CashForecast
    from arrisk.models.cash.rolling import CashBacktest
    from arrisk.policy.study import Study

__all__ = ["about", "recommend_cash"]

QUESTION = "How much cash comes in the next {weeks} weeks, and how much is safe to count on?"
ALL_COLLECTED = 0.995
MODEL_NAME = "payment model"
QUANTILES = ("q50", "q10", "q90")
DRAWN = "draws in which customers and the whole book stray as they did on past days"
PAST = "from how wrong the same rule was on past days"
EXPERIMENT = (
    "Write the weekly forecast down beside the cash that came for two quarters; it costs nothing, and each "
    "quarter adds a window that the past does not share."
)


def recommend_cash(study: Study, cash: CashForecast, backtest: CashBacktest) -> Recommendation:
    """Plan cash on the payment model, on the best simple rival, or on neither.

    Parameters
    ----------
    study : Study
        Names the currency; a stated sales plan is in the forecast already.
    cash : CashForecast
        Of the open book and new sales.
    backtest : CashBacktest
        Of the same model and the simple rivals on past books.

    Returns
    -------
    Recommendation
        "adopt" when the model's weekly error on past days is below that of every rival, "keep" (the best
        rival, for the open book) when it is not, "the data cannot say" when the history is too short for an
        interval or a comparison.

    Notes
    -----
    Methods are compared on the cash of open books, since new sales are the same for all. Whether the
    difference to the best rival is more than chance is said in the notes.
    """
    if not (backtest.identified and cash.identified):
        return _cannot_say(study, cash, backtest)
    wins = backtest.best == backtest.methods[-1]
    errors = _errors(backtest)
    return Recommendation(
        decision=_question(cash),
        verdict="adopt" if wins else "keep",
        answer=_answer(cash, backtest) if wins else _rival_answer(cash, backtest),
        scope=_scope(cash) if wins else f"{_open(cash)}; no new sales",
        as_of=cash.as_of,
        options=_options(cash, backtest),
        expected_value=_value(cash) if wins else _rival_value(cash, backtest),
        flip=_flip(errors, backtest),
        identified=True,
        design=(
            f"forecasts of {backtest.n_dates} past days, each from what was known on it, against the cash "
            f"that came; {backtest.windows:.1f} windows of {backtest.weeks} weeks without overlap"
        ),
        experiment=EXPERIMENT,
        notes=_notes(cash, backtest),
    )


def _question(cash: CashForecast) -> str:
    return QUESTION.format(weeks=round(cash.days / 7))


def _errors(backtest: CashBacktest) -> pd.Series:
    """Weekly error by method, the simplest first."""
    scores = backtest.scores[backtest.scores["horizon"] == EVERY]
    return scores.set_index("method")["wape"]


def _sums(cash: CashForecast) -> pd.DataFrame:
    return cash.total("source").set_index("part")


def _answer(cash: CashForecast, backtest: CashBacktest) -> str:
    total, sums = cash.total().iloc[0], _sums(cash)
    of_it = ""
    if NEW_SALES in sums.index and OPEN_BOOK in sums.index:
        of_it = f", {about(_limits(sums, OPEN_BOOK, ('expected',))[0])} of it from what is open today"
    return (
        f"Plan on {about(float(total['p50']), cash.currency)} within {backtest.weeks} weeks{of_it}, and make "
        f"sure that {about(float(total['p10']), cash.currency)} would do. By the payment model the "
        f"{cash.level:.0%} range is {about(float(total['p10']))} to {about(float(total['p90']))}."
    )


def _rival_answer(cash: CashForecast, backtest: CashBacktest) -> str:
    estimate = _rival_value(cash, backtest)
    return (
        f"Plan on {about(estimate.value, cash.currency)} from what is open today within {backtest.weeks} "
        f"weeks, by '{backtest.best}', which was no farther off on past days than the {MODEL_NAME}, and "
        f"make sure that {about(estimate.low, cash.currency)} would do."
    )


def _value(cash: CashForecast) -> Estimate:
    total = cash.total().iloc[0]
    middle, low, high = (float(total[name]) for name in ("p50", "p10", "p90"))
    return Estimate(middle, low, high, cash.level, cash.currency, f"{len(cash.draws.minor):,} {DRAWN}")


def _rival_value(cash: CashForecast, backtest: CashBacktest) -> Estimate:
    middle, low, high = _limits(backtest.ahead.set_index("method"), backtest.best)
    if _always_collected(backtest):
        low = min(low, middle * (1.0 - _unseen_failures(cash)))
    return Estimate(middle, low, high, 0.8, cash.currency, PAST)


def _always_collected(backtest: CashBacktest) -> bool:
    """Whether every past book came in, so that past errors show no loss."""
    sums = backtest.totals(backtest.best)
    return bool((sums["came"] >= ALL_COLLECTED * sums["open_amount"]).all())


def _unseen_failures(cash: CashForecast) -> float:
    """Share of customers that may still fail to pay although none did: exact one-sided 90% bound."""
    items = cash.inputs.items
    customers = items.loc[items["source"] == OPEN_BOOK, "customer_id"].nunique()
    return upper_bound(0, customers, 0.9).high


def _options(cash: CashForecast, backtest: CashBacktest) -> tuple[Option, ...]:
    """Every method on the open book, the model first."""
    errors, ahead = _errors(backtest), backtest.ahead.set_index("method")
    sums = _sums(cash)
    options = [_option(m, _limits(ahead, m), cash, errors[m]) for m in backtest.methods[:-1]]
    if OPEN_BOOK in sums.index:
        own = _limits(sums, OPEN_BOOK, ("p50", "p10", "p90"))
        options.insert(0, _option(MODEL_NAME, own, cash, errors[backtest.methods[-1]]))
    return tuple(options)


def _limits(table: pd.DataFrame, row: str, names: tuple[str, ...] = QUANTILES) -> list[float]:
    """Middle, lower and upper limit of a row."""
    return [float(value) for value in table.loc[[row], list(names)].to_numpy(dtype=float)[0]]


def _option(name: str, limits: list[float], cash: CashForecast, error: float) -> Option:
    middle, low, high = limits
    note = f"open book alone; off by {error:.0%} week by week on past days"
    return Option(name, middle, low, high, cash.currency, note)


def _flip(errors: pd.Series, backtest: CashBacktest) -> Flip:
    model = backtest.methods[-1]
    rivals = errors.drop(model)
    rival, threshold, current = str(rivals.idxmin()), float(rivals.min()), float(errors[model])
    wins = backtest.best == model
    turn = "rose above" if wins else "fell below"
    other = f"'{rival}' would be the better plan" if wins else "it would be the better plan"
    return Flip(
        "weekly error of the payment model",
        current,
        threshold,
        "fraction of cash",
        f"If the weekly error of the payment model, {current:.1%} of cash, {turn} {threshold:.1%}, {other}.",
    )


def _notes(cash: CashForecast, backtest: CashBacktest) -> tuple[str, ...]:
    notes = [
        _coverage(backtest),
        *_doubt(backtest),
        *_losses(cash, backtest),
        "Limits of single weeks do not add up to those of the total.",
        f"New sales: {cash.inputs.sales.rule}. The Monte Carlo error of the sum is "
        f"{money(float(cash.total()['expected_error'].iloc[0]), cash.currency)}.",
    ]
    return tuple(notes)


def _coverage(backtest: CashBacktest) -> str:
    """How often past intervals of the chosen method held."""
    own = backtest.scores[backtest.scores["method"] == backtest.best]
    held = dict(zip(own["horizon"], own["coverage_80"].astype(float), strict=True))
    told = [
        f"{what} {held[horizon]:.0%}"
        for what, horizon in (("single weeks", EVERY), ("the total", TOTAL))
        if math.isfinite(held.get(horizon, math.nan))
    ]
    return (
        f"On past days the 80% range of the open book held what came: {', '.join(told) or 'unknown'}. "
        f"{backtest.windows:.1f} windows without overlap make the share for the total a rough one."
    )


def _doubt(backtest: CashBacktest) -> list[str]:
    gaps = backtest.differences[backtest.differences["horizon"] == EVERY]
    level = [str(r) for r in gaps.loc[gaps["verdict"] == UNKNOWN, "rival"]]
    if not level:
        return []
    return [f"Past days do not tell the model for certain from: {', '.join(level)}."]


def _losses(cash: CashForecast, backtest: CashBacktest) -> list[str]:
    if backtest.best == backtest.methods[-1] or not _always_collected(backtest):
        return []
    return [
        "Every past book was collected in full, so past errors show no loss. The lower limit allows for "
        f"{_unseen_failures(cash):.1%} of customers failing, which such a past does not rule out."
    ]


def _open(cash: CashForecast) -> str:
    amount = money((cash.owed - cash.inputs.net_of) / cash.scale, cash.currency)
    return f"{amount} open, net of credits and unapplied cash"


def _scope(cash: CashForecast) -> str:
    return f"{_open(cash)}, and new sales"


def _cannot_say(study: Study, cash: CashForecast, backtest: CashBacktest) -> Recommendation:
    expected = money(float(cash.total()["expected"].iloc[0]), study.currency)
    why = backtest.shortage or "too few past windows show how far the whole book strays"
    return Recommendation(
        decision=_question(cash),
        verdict="the data cannot say",
        answer=f"The model expects {expected}, but its range cannot be told: {why}.",
        scope=_scope(cash),
        as_of=cash.as_of,
        experiment=EXPERIMENT,
    )


def about(amount: float, currency: str = "") -> str:
    """An amount to three figures, as a sentence can carry it.

    Examples
    --------
    >>> about(6_287_257.27, "EUR"), about(-949, "EUR")
    ('EUR 6,290,000', 'EUR -949')
    """
    return money(float(f"{amount:.3g}"), currency)
