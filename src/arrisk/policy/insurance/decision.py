"""The insurance decision: insure, self-insure or select, by least regret over what the ledger leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.display import money
from arrisk.policy.insurance import flips
from arrisk.policy.insurance.case import InsuranceCase, make_insurance_case
from arrisk.policy.insurance.retained import NO_INSURANCE
from arrisk.policy.insurance.stability import DRAWS, StabilityMap, map_stability
from arrisk.policy.recommendation import Estimate, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = ["recommend_insurance"]

FloatArray = NDArray[np.float64]
QUESTION = "Insure, self-insure or select?"
NOTHING = "Nobody out of default owes anything."
ROUNDED = 3


def recommend_insurance(
    study: Study,
    snapshot: Snapshot,
    case: InsuranceCase | None = None,
    stability: StabilityMap | None = None,
    card: Scorecard | None = None,
    draws: int = DRAWS,
    n_jobs: int = 1,
) -> Recommendation:
    """Recommend to insure, and in which form, or to carry the losses.

    Parameters
    ----------
    study : Study
        Gives policy terms, cost of capital and correlation range.
    snapshot : Snapshot
        Gives customers, balances, sales and losses.
    case, stability : optional
        When made before.
    card : Scorecard, optional
        Orders the customers by risk, when no case is given.
    draws : int
        Simulated years at each case of the stability map.
    n_jobs : int

    Returns
    -------
    Recommendation
        By least expected regret over the posterior of the level of losses and the correlation. "The data
        cannot say" when fewer than two customers were ever lost.
    """
    case = case or make_insurance_case(study, snapshot, card)
    stability = stability or map_stability(case, draws, n_jobs)
    if not case.identified:
        return _cannot_say(case, stability)
    best = stability.best
    compared = flips.next_insurance(stability)
    level = case.model.level_of_range
    owed = money(float(case.exposure.sum()), case.currency)
    value = _estimate(case, stability, best, compared, level)
    return Recommendation(
        decision=QUESTION,
        verdict="reject" if best == NO_INSURANCE else "adopt",
        answer=_answer(case, stability, compared, value),
        scope=f"{_customers(case)} not in default, who owe {owed}",
        as_of=case.as_of,
        options=_options(case, stability, level),
        expected_value=value,
        flip=flips.premium_flip(case, stability),
        identified=True,
        design="losses of this ledger's customers by year, policy terms applied to simulated years with the "
        "same random numbers; least expected regret over the level of losses and the correlation left open",
        experiment=_experiment(case, stability, compared),
        assumptions=case.assumptions,
        notes=_notes(case, stability, compared),
    )


def _cannot_say(case: InsuranceCase, stability: StabilityMap) -> Recommendation:
    seen = case.experience
    upper = f" Up to {case.model.level:.1%} lost a year are not ruled out." if seen.trials else ""
    found = "no customer" if len(seen.losses) == 0 else "only one customer"
    years = "customer-year" if seen.trials == 1 else "customer-years"
    if case.book.empty and seen.identified:
        reason = "No customer out of default owes anything, so there is nothing to insure."
    else:
        reason = (
            f"In {seen.trials:,} {years} the ledger shows {found} written off, so neither how often "
            f"customers are lost nor how much of a balance is lost can be read from it.{upper}"
        )
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=reason,
        scope=f"{_customers(case)} not in default; the options are a what-if, not a recommendation",
        as_of=case.as_of,
        options=_options(case, stability, case.model.level_of_range),
        design="frequency and severity need losses of at least two customers",
        experiment="Have an insurer or a credit bureau rate the ten largest customers: their ratings give "
        "loss rates that this ledger is too young to show.",
        assumptions=case.assumptions,
        notes=(
            f"What-if: {case.what_if}." if case.what_if else NOTHING,
            case.margin_words(),
            *flips.thresholds(stability),
            _conventions(case),
        ),
    )


def _customers(case: InsuranceCase) -> str:
    count = len(case.book)
    return f"{count:,} {'customer' if count == 1 else 'customers'}"


def _conventions(case: InsuranceCase) -> str:
    return "Conventions. " + "; ".join(f"{k}: {v}" for k, v in case.model.conventions.items()) + "."


def _estimate(
    case: InsuranceCase, stability: StabilityMap, best: str, compared: str, level: float
) -> Estimate:
    """What the verdict is worth: insurance against carrying, or carrying against the best insurance."""
    value, (low, high) = stability.mean_gain(compared), stability.gain_range(compared, level)
    against = "against carrying the losses"
    if best == NO_INSURANCE:
        value, low, high, against = -value, -high, -low, f"against {compared}"
    error = float(stability.weights.set_index("structure")["gain_error"][compared])
    method = (
        f"{against}; over the level of losses and the correlation, with policy terms and severity as given; "
        f"simulation error {money(error, case.currency)}"
    )
    return Estimate(value, min(low, value), max(high, value), level, f"{case.currency} a year gained", method)


def _answer(case: InsuranceCase, stability: StabilityMap, compared: str, value: Estimate) -> str:
    amount = f"about {_round(abs(value.value), case.currency)}"
    share = f"{stability.chance(stability.best):.0%}"
    if stability.best == NO_INSURANCE:
        return (
            f"Do not insure at this premium: carrying the losses costs {amount} a year less than insuring "
            f"({compared}), capital included; it is the cheapest with probability {share}."
        )
    given = case.find(compared).given
    told = (
        ""
        if given
        else f" Its premium is worked out, not quoted: take it up to {_most(case, stability)} a year."
    )
    return (
        f"Insure ({compared}): it costs {amount} a year less than carrying the losses, capital included; it "
        f"is the cheapest with probability {share}.{told}"
    )


def _most(case: InsuranceCase, stability: StabilityMap) -> str:
    """Premium of the chosen form at which the next best choice is as good."""
    first, second = stability.ranking[:2]
    ahead = stability.mean_gain(first) - stability.mean_gain(second)
    return _round(flips.premium_of(case, first) + ahead, case.currency)


def _round(amount: float, currency: str) -> str:
    return money(float(f"{amount:.{ROUNDED}g}"), currency)


def _options(case: InsuranceCase, stability: StabilityMap, level: float) -> tuple[Option, ...]:
    out = []
    for row in stability.weights.to_dict("records"):
        name = str(row["structure"])
        value, (low, high) = stability.mean_gain(name), stability.gain_range(name, level)
        cost = money(row["mean_cost"], stability.currency)
        what = (
            "the yardstick"
            if name == NO_INSURANCE
            else f"gain over self-insuring; {_premium_words(case, name)}"
        )
        note = (
            f"{what}; costs {cost} a year in all, expected regret {money(row['mean_regret'])}, cheapest with "
            f"probability {row['p_best']:.0%}"
        )
        unit = f"{stability.currency} a year"
        out.append(Option(name, value, min(low, value), max(high, value), unit, note))
    return tuple(out)


def _premium_words(case: InsuranceCase, name: str) -> str:
    kind = "given" if case.find(name).given else "worked out"
    return f"premium {money(flips.premium_of(case, name))} {kind}"


def _experiment(case: InsuranceCase, stability: StabilityMap, compared: str) -> str:
    wanted = compared if not case.find(compared).given else "the same terms"
    return (
        f"Ask two insurers for a quote of {wanted}, with their buyer limits: the premium decides, and the "
        "limits they refuse are news about those buyers."
    )


def _notes(case: InsuranceCase, stability: StabilityMap, compared: str) -> tuple[str, ...]:
    seen, lost = case.experience, case.model.severity
    return (
        f"{seen.finding()}. Of what a lost customer owes {lost.mean:.0%} is lost ({lost.source}).",
        case.margin_words(),
        *flips.thresholds(stability),
        flips.runner_up(case, stability),
        flips.cut_words(case, stability, compared),
        *flips.refusal_words(case, compared),
        f"Customers in default owe {money(case.excluded, case.currency)}; no insurer takes them on, so "
        "they are outside the comparison.",
        "Cost in all: premium, mean kept loss, waiting for claims, and capital for the worst 1% of years at "
        f"a cost of risk of {case.cost_of_risk:.1%} a year. Premiums that are worked out are no quotes: see "
        "their break-even. Today's balances stand for those at default; severity and policy terms are not "
        "varied.",
        _conventions(case),
    )
