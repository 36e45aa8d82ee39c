"""The insurance decision: insure, self-insure or select, by least regret over what the ledger leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.display import money
from arrisk.policy.insurance.case import WHOLE, InsuranceCase, make_insurance_case
from arrisk.policy.insurance.comparison import NO_INSURANCE
from arrisk.policy.insurance.premium import insured_base
from arrisk.policy.insurance.stability import StabilityMap, map_stability
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.policy.study import Study

__all__ = ["recommend_insurance"]

FloatArray = NDArray[np.float64]
QUESTION = "Insure, self-insure or select?"
CENT = 0.01
NOTHING = "Nobody out of default owes anything."


def recommend_insurance(
    study: Study,
    snapshot: Snapshot,
    case: InsuranceCase | None = None,
    stability: StabilityMap | None = None,
    draws: int = 10_000,
    n_jobs: int = 1,
) -> Recommendation:
    """Recommend to insure, to self-insure, or to insure the largest buyers only.

    Parameters
    ----------
    study : Study
        Gives policy terms, cost of capital and correlation range.
    snapshot : Snapshot
        Gives exposures, sales and the loss experience.
    case, stability : optional
        When made before.
    draws : int
        Simulated years at each point of the stability map.
    n_jobs : int

    Returns
    -------
    Recommendation
        By least expected regret over the posterior of the loss rate and the correlation range. "The data
        cannot say" when fewer than two customers were ever lost.
    """
    case = case or make_insurance_case(study, snapshot)
    stability = stability or map_stability(case, draws, n_jobs)
    if not case.experience.identified or case.book.empty:
        return _cannot_say(case, stability)
    best = stability.best
    level = case.experience.interval.level
    compared = WHOLE if best == NO_INSURANCE else best
    sign = -1.0 if best == NO_INSURANCE else 1.0
    against = f"against {compared}" if best == NO_INSURANCE else "against carrying the losses"
    value = _estimate(sign * stability.gain[compared], level, f"{case.currency} a year gained", against)
    flip = _premium_flip(case, stability, compared)
    share = stability.chance(best)
    owed = money(float(case.book["exposure"].sum()), case.currency)
    return Recommendation(
        decision=QUESTION,
        verdict="reject" if best == NO_INSURANCE else "adopt",
        answer=_answer(best, compared, value, share, case),
        scope=f"{_customers(case)} not in default, who owe {owed}",
        as_of=case.as_of,
        options=_options(stability, level),
        expected_value=value,
        flip=flip,
        identified=True,
        design="losses of this ledger's customers by year, policy terms applied to simulated years with the "
        "same random numbers; least expected regret over the loss rates and correlations left open",
        experiment="Ask two insurers for a quote with their buyer limits: the premium rate decides, and the "
        "limits they refuse are news about those buyers.",
        assumptions=case.assumptions,
        notes=_notes(case, stability, compared),
    )


def _cannot_say(case: InsuranceCase, stability: StabilityMap) -> Recommendation:
    seen = case.experience
    level = f"{seen.interval.level:.0%} confidence"
    upper = (
        ""
        if seen.trials == 0
        else f" Up to {seen.interval.high:.1%} lost a year are not ruled out ({level})."
    )
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
        options=_options(stability, case.experience.interval.level),
        design="frequency and severity need losses of at least two customers",
        experiment="Have an insurer or a credit bureau rate the ten largest customers: their ratings give "
        "loss rates that this ledger is too young to show.",
        assumptions=case.assumptions,
        notes=(f"What-if: {case.what_if}." if case.what_if else NOTHING, _conventions(case)),
    )


def _customers(case: InsuranceCase) -> str:
    return f"{len(case.book):,} {'customer' if len(case.book) == 1 else 'customers'}"


def _conventions(case: InsuranceCase) -> str:
    return "Conventions. " + "; ".join(f"{k}: {v}" for k, v in case.experience.conventions.items()) + "."


def _estimate(gain: FloatArray, level: float, unit: str, against: str) -> Estimate:
    low, high = np.quantile(gain, [(1 - level) / 2, (1 + level) / 2])
    value = float(gain.mean())
    method = f"{against}; over loss rates and correlations, with policy terms and severity as given"
    return Estimate(value, min(float(low), value), max(float(high), value), level, unit, method)


def _answer(best: str, compared: str, value: Estimate, share: float, case: InsuranceCase) -> str:
    amount = f"about {money(float(f'{abs(value.value):.3g}'), case.currency)}"
    if best == NO_INSURANCE:
        return (
            f"Do not insure at the quoted premium: carrying the losses costs {amount} a year less than "
            f"insuring ({compared}), capital included; it is the cheapest in {share:.0%} of the cases."
        )
    return (
        f"Insure ({compared}): it costs {amount} a year less than carrying the losses, capital included; "
        f"it is the cheapest in {share:.0%} of the cases."
    )


def _options(stability: StabilityMap, level: float) -> tuple[Option, ...]:
    out = []
    for row in stability.weights.to_dict("records"):
        gain = stability.gain[str(row["structure"])]
        low, high = np.quantile(gain, [(1 - level) / 2, (1 + level) / 2])
        value = float(gain.mean())
        if np.ptp(gain) < CENT:
            low = high = value
        yardstick = row["structure"] == NO_INSURANCE
        cost = money(row["mean_cost"], stability.currency)
        note = (
            f"{'the yardstick' if yardstick else 'gain over self-insuring'}; costs {cost} a year in all, "
            f"cheapest in {row['p_best']:.0%} of cases"
        )
        low, high = min(float(low), value), max(float(high), value)
        unit = f"{stability.currency} a year"
        out.append(Option(str(row["structure"]), value, low, high, unit, note))
    return tuple(out)


def _premium_flip(case: InsuranceCase, stability: StabilityMap, compared: str) -> Flip:
    """Premium rate at which the expected costs of no insurance and of the structure are equal."""
    terms = next(t for t in case.structures if t.name == compared)
    base = insured_base(terms, case.exposure, case.sales)
    gain = float(stability.gain[compared].mean())
    current = terms.premium_rate
    paid = terms.premium(base)
    threshold = (paid + gain - terms.fees) / base if base > 0 else None
    unit = "fraction of insured sales"
    name = "premium rate"
    if threshold is None or threshold <= 0:
        sentence = f"No premium makes {compared} worth it: it saves too little even for nothing."
        return Flip(name, current, None, unit, sentence)
    way = "falls below" if gain < 0 else "rises above"
    sentence = (
        f"The verdict turns when the premium (now {paid / base:.3%} of insured sales, minimum premium "
        f"included) {way} {threshold:.3%}{_outside(case, threshold)}."
    )
    return Flip(name, paid / base, threshold, unit, sentence)


def _outside(case: InsuranceCase, rate: float) -> str:
    given = next((a for a in case.assumptions if a.name == "premium_rate" and a.is_range), None)
    if given is None or given.low <= rate <= given.high:
        return ""
    return f", outside the assumed range of {given.low:.2%} to {given.high:.2%}"


def _notes(case: InsuranceCase, stability: StabilityMap, compared: str) -> tuple[str, ...]:
    seen = case.experience
    return (
        f"{seen.finding()}. Of what lost customers owed {case.severity:.0%} was lost "
        f"({len(seen.losses)} customers, all years).",
        _rate_flip(stability, compared),
        f"Customers in default owe {money(case.excluded, case.currency)}; no insurer takes them on, so "
        "they are outside the comparison.",
        "Cost in all: premium, mean kept loss, and capital for the worst 1% of years at "
        f"{case.cost_of_risk:.1%}. All customers carry one loss rate, all structures one premium rate, and "
        "today's balances stand for those at default. Severity and policy terms are not varied.",
        _conventions(case),
    )


def _rate_flip(stability: StabilityMap, compared: str) -> str:
    """Loss rate at which the structure starts to pay, averaged over correlations."""
    wide = stability.table.pivot_table(index="rate", columns="structure", values="cost", aggfunc="mean")
    gain = (wide[NO_INSURANCE] - wide[compared]).to_numpy()
    rates = wide.index.to_numpy(dtype=float)
    turn = np.flatnonzero(np.diff(np.sign(gain)) != 0)
    if turn.size == 0:
        side = "pays at every" if gain[0] > 0 else "pays at no"
        return f"{compared.capitalize()} {side} loss rate from {rates[0]:.2%} to {rates[-1]:.2%}."
    i = int(turn[0])
    at = rates[i] - gain[i] * (rates[i + 1] - rates[i]) / (gain[i + 1] - gain[i])
    return f"{compared.capitalize()} begins to pay when {at:.2%} of customers are lost a year."
