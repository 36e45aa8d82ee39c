"""Who owes more than was allowed, and does it matter: limits passed, and what became of the money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import money
from arrisk.policy.excess_history import BILLED, LEAST_CUSTOMERS, LEAST_UNPAID, LEVEL, STANDING, ExcessHistory
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation
from arrisk.policy.recommendation_page import Verdict

if TYPE_CHECKING:
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.study import Study
    from arrisk.portfolio.breaches import LimitBreaches
    from arrisk.portfolio.exposure import Exposure

__all__ = ["recommend_exposure"]

QUESTION = "Who owes more than we allowed, and does it matter?"
NAMED = 3
FIGURES = ["months", "difference", "ci_low", "ci_high"]
EXPERIMENT = (
    "For half a year, draw lots over the orders that would pass a limit: half go out as today, half only "
    "against payment in advance or security; compare sales kept and money unpaid six months later."
)
DESIGN = (
    "description of the ledger's own past: limits were not drawn by lot, and whoever set them knew more than "
    "the ledger does; what enforcing them would have changed is not known"
)


def recommend_exposure(
    study: Study, exposure: Exposure, breaches: LimitBreaches, history: ExcessHistory
) -> Recommendation:
    """Act on the customers above their limits, leave them, or say that the data cannot say.

    Parameters
    ----------
    study : Study
        Gives `materiality` and `stop_margin` (or `gross_margin`).
    exposure : Exposure
    breaches : LimitBreaches
        Of the limit itself (threshold 1).
    history : ExcessHistory

    Returns
    -------
    Recommendation
        "adopt" (act on named customers) when money billed above limits surely turned out worse by more than
        what is material in a year; "keep" when it did not, or nobody is above; "the data cannot say" without
        limits, or with too few customers above them in the past. What limits ought to be is not answered.
    """
    above = exposure.above
    if not exposure.table["credit_limit"].notna().any():
        return _no_limits(exposure)
    if above.empty:
        return _nobody(exposure, breaches)
    if history.decisive is None:
        return _too_few(exposure, breaches, history)
    margin = study.get("stop_margin") or study.assumption("gross_margin")
    return _weigh(exposure, breaches, history, history.decisive, study.assumption("materiality"), margin)


def _weigh(
    exposure: Exposure,
    breaches: LimitBreaches,
    history: ExcessHistory,
    row: pd.Series,
    material: Assumption,
    margin: Assumption,
) -> Recommendation:
    currency, yearly = exposure.currency, float(row["yearly"])
    worse, low, high = (float(row[c]) * yearly for c in ("difference", "ci_low", "ci_high"))
    acts = low > material.value
    stops = acts and row["above_low"] > margin.value
    verdict: Verdict = "adopt" if acts else "keep"
    turning = (float(row["difference"] - row["ci_low"])) + material.value / yearly
    return Recommendation(
        decision=QUESTION,
        verdict=verdict,
        answer=f"{_who(exposure)} {_what(acts, bool(stops))}: {_found(history, row)}.",
        scope=_scope(exposure),
        as_of=exposure.as_of,
        options=_options(currency, row, margin),
        expected_value=Estimate(
            worse,
            low,
            high,
            LEVEL,
            f"{currency} a year",
            f"money billed above limits in a year ({money(yearly, currency)}) x difference of the shares "
            f"unpaid {history.months} months later, above against within; customers deleted one at a time",
        ),
        flip=Flip(
            f"difference of the shares unpaid {history.months} months later",
            float(row["difference"]),
            turning,
            "fraction of money billed above limits",
            f"The verdict turns where the difference, now {row['difference']:.1%}, is surely worth "
            f"{money(material.value, currency)} a year: at today's spread between customers, {turning:.1%}.",
        ),
        identified=False,
        design=DESIGN,
        experiment=EXPERIMENT,
        assumptions=(material, margin),
        notes=_notes(exposure, breaches, history),
    )


def _who(exposure: Exposure) -> str:
    above, currency = exposure.above, exposure.currency
    first = ", ".join(
        f"{name} {money(excess)}"
        for name, excess in zip(above["customer_id"].head(NAMED), above["excess"].head(NAMED), strict=True)
    )
    noun = "customer is" if len(above) == 1 else "customers are"
    lead = "" if len(above) <= NAMED else "most of all "
    total = money(above["excess"].sum(), currency)
    return f"{len(above)} {noun} above the limit by {total} ({lead}{first})."


def _what(acts: bool, stops: bool) -> str:
    if stops:
        return "Stop their orders on account"
    if acts:
        return (
            "Ask them for payment or security before the next delivery, but do not simply stop their orders"
        )
    return "That alone is no reason to stop their orders"


def _found(history: ExcessHistory, row: pd.Series) -> str:
    return (
        f"{row['above']:.1%} of what was billed above limits was still unpaid {history.months} months later, "
        f"{row['within']:.1%} of the rest (difference {row['ci_low']:+.1%} to {row['ci_high']:+.1%})"
    )


def _scope(exposure: Exposure) -> str:
    limited = int(exposure.table["credit_limit"].notna().sum())
    rest = len(exposure.without_limit)
    return f"{limited} customers with a limit; {rest} with exposure have none and are not judged"


def _options(currency: str, row: pd.Series, margin: Assumption) -> tuple[Option, ...]:
    """A year of letting limits be passed, of securing what is above, and of stopping orders at the limit."""
    yearly, unit = float(row["yearly"]), f"{currency} a year"
    gain, low, high = (float(row[c]) * yearly for c in ("difference", "ci_low", "ci_high"))
    stop = yearly * (float(row["above"]) - margin.value)
    ends = yearly * (float(row["above_low"]) - margin.high), yearly * (float(row["above_high"]) - margin.low)
    secured = "at most: security or advance payment takes all of the difference away, and costs no sale"
    stopped = (
        f"unpaid share counted as lost ({row['above']:.1%}), less the margin of sales given up "
        f"({margin.value:.0%}); every stopped sale is lost"
    )
    return (
        Option("let limits be passed, as today", 0.0, 0.0, 0.0, unit, "the base"),
        Option("secure what is above", gain, low, high, unit, secured),
        Option("stop orders at the limit", stop, *ends, unit, stopped),
    )


def _notes(exposure: Exposure, breaches: LimitBreaches, history: ExcessHistory) -> tuple[str, ...]:
    rows = history.table[history.table["difference"].notna()]
    billed = rows[(rows["counting"] == BILLED) & (rows["months"] != history.months)]
    seen = "; ".join(
        f"{months:.0f} months later {difference:+.1%} ({low:+.1%} to {high:+.1%})"
        for months, difference, low, high in billed[FIGURES].itertuples(index=False, name=None)
    )
    standing = rows.loc[rows["counting"] == STANDING, "above"]
    notes = [f"{breaches.finding()}. {_length(breaches)}"]
    if seen:
        notes.append(f"The difference at other horizons: {seen}.")
    if len(standing):
        notes.append(
            f"Of all money standing above limits at month ends {standing.iloc[0]:.0%} was unpaid "
            f"{history.months} months later, but that counts a stuck debt again every month."
        )
    notes.append(f"{exposure.conventions} What the limits ought to be is another question.")
    return tuple(notes)


def _length(breaches: LimitBreaches) -> str:
    if breaches.open.empty:
        return "None lasts."
    days = breaches.open["days"]
    return (
        f"Those that last have stood for {days.median():.0f} days (median), the longest for {days.max():.0f}."
    )


def _nobody(exposure: Exposure, breaches: LimitBreaches) -> Recommendation:
    closest = exposure.table["utilisation"].max()
    return Recommendation(
        decision=QUESTION,
        verdict="keep",
        answer=f"Nobody is above the limit; the fullest limit is used to {closest:.0%}.",
        scope=_scope(exposure),
        as_of=exposure.as_of,
        expected_value=Estimate(
            0.0, 0.0, 0.0, LEVEL, exposure.currency, "a fact of the ledger: nothing is above a limit"
        ),
        flip=Flip(
            "use of the fullest limit",
            float(closest),
            1.0,
            "fraction of the limit",
            "The first customer above its limit asks the question anew.",
        ),
        identified=True,
        design="comparison of exposure and limit, customer by customer",
        notes=(f"{breaches.finding()}.", exposure.conventions),
    )


def _too_few(exposure: Exposure, breaches: LimitBreaches, history: ExcessHistory) -> Recommendation:
    rows = history.table[(history.table["counting"] == BILLED) & (history.table["months"] == history.months)]
    seen, unpaid = int(rows["customers_above"].max()), int(rows["unpaid_above"].max())
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=(
            f"{_who(exposure)} Whether it matters cannot be told: over {int(rows['month_ends'].max())} month "
            f"ends with {history.months} months to follow, {seen} customers were billed above limits and "
            f"{unpaid} of them left some of it unpaid; it takes {LEAST_CUSTOMERS} and {LEAST_UNPAID}."
        ),
        scope=_scope(exposure),
        as_of=exposure.as_of,
        experiment=EXPERIMENT,
        notes=(f"{breaches.finding()}. {_length(breaches)}", exposure.conventions),
    )


def _no_limits(exposure: Exposure) -> Recommendation:
    owing = exposure.table[exposure.table["exposure"] > 0].sort_values("exposure", ascending=False)
    total = owing["exposure"].sum()
    largest = owing["exposure"].head(20).sum() / total if total else 0.0
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=(
            f"The ledger holds no credit limit, so nobody is known to owe more than was allowed: "
            f"{len(owing)} customers owe {money(total, exposure.currency)} without one."
        ),
        scope="all customers",
        as_of=exposure.as_of,
        experiment=(
            f"Write down the limits of the 20 largest customers, who owe {largest:.0%}, with the days from "
            "which they hold, and read the ledger again."
        ),
        notes=(exposure.conventions,),
    )
