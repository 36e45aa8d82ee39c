"""The insurance decision: insure, self-insure or select, by least regret over what the ledger leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.display import money
from arrisk.policy.insurance import NO_INSURANCE
from arrisk.policy.insurance_case import (
    WHOLE,
    InsuranceCase,
    StabilityMap,
    make_insurance_case,
    map_stability,
)
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.policy.study import Study

__all__ = ["recommend_insurance"]

FloatArray = NDArray[np.float64]
QUESTION = "Insure, self-insure or select?"


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
    if not case.experience.identified or case.book.empty:
        return _cannot_say(case)
    stability = stability or map_stability(case, draws, n_jobs)
    best = stability.best
    level = case.experience.interval.level
    compared = WHOLE if best == NO_INSURANCE else best
    sign = -1.0 if best == NO_INSURANCE else 1.0
    value = _estimate(sign * stability.gain[compared], level, case.currency)
    flip = _premium_flip(case, stability, compared)
    share = stability.chance(best)
    owed = money(float(case.book["exposure"].sum()), case.currency)
    return Recommendation(
        decision=QUESTION,
        verdict="reject" if best == NO_INSURANCE else "adopt",
        answer=_answer(best, compared, value, share, case),
        scope=f"{len(case.book)} customers not in default, {owed} open",
        as_of=case.as_of,
        options=_options(stability, level),
        expected_value=value,
        flip=flip,
        identified=True,
        design="Observed losses of customers by year; policy terms applied to simulated years with the same "
        "random numbers; least expected regret over the posterior of the loss rate and the correlations.",
        experiment="Ask two insurers for a quote with their buyer limits: the premium rate decides, and the "
        "limits they refuse are news about those buyers.",
        assumptions=case.assumptions,
        notes=_notes(case, stability, compared),
    )


def _cannot_say(case: InsuranceCase) -> Recommendation:
    seen = case.experience
    upper = "" if seen.trials == 0 else f" At most {seen.interval.high:.1%} of customers are lost a year."
    found = "no customer" if len(seen.losses) == 0 else f"only {len(seen.losses)} customer"
    if case.book.empty and seen.identified:
        reason = "No customer out of default owes anything, so there is nothing to insure."
    else:
        reason = (
            f"The ledger holds {found} whose debt was written off, in {seen.trials} customer-years, so "
            f"neither how often nor how much is lost can be read from it.{upper}"
        )
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=reason,
        scope=f"{len(case.book)} customers not in default",
        as_of=case.as_of,
        experiment="Have an insurer or a credit bureau rate the ten largest customers: their ratings give "
        "loss rates that this ledger is too young to show.",
        assumptions=case.assumptions,
        notes=tuple(f"{k}: {v}" for k, v in seen.conventions.items()),
    )


def _estimate(gain: FloatArray, level: float, currency: str) -> Estimate:
    low, high = np.quantile(gain, [(1 - level) / 2, (1 + level) / 2])
    value = float(gain.mean())
    method = "posterior of the loss rate and range of correlations; policy terms and severity taken as given"
    return Estimate(value, min(float(low), value), max(float(high), value), level, currency, method)


def _answer(best: str, compared: str, value: Estimate, share: float, case: InsuranceCase) -> str:
    amount = money(abs(value.value), case.currency)
    if best == NO_INSURANCE:
        return (
            f"Do not insure at the quoted premium: carrying the losses costs {amount} a year less than "
            f"{compared}, capital included, and is the cheapest in {share:.0%} of the cases considered."
        )
    return (
        f"Insure ({compared}): it costs {amount} a year less than carrying the losses, capital included, "
        f"and is the cheapest in {share:.0%} of the cases considered."
    )


def _options(stability: StabilityMap, level: float) -> tuple[Option, ...]:
    out = []
    for row in stability.weights.to_dict("records"):
        gain = stability.gain[str(row["structure"])]
        low, high = np.quantile(gain, [(1 - level) / 2, (1 + level) / 2])
        value = float(gain.mean())
        note = (
            f"cost {row['mean_cost']:,.0f} a year, regret {row['mean_regret']:,.0f} on average and "
            f"{row['worst_regret']:,.0f} at worst"
        )
        low, high = min(float(low), value), max(float(high), value)
        out.append(Option(str(row["structure"]), value, low, high, stability.currency, note))
    return tuple(out)


def _premium_flip(case: InsuranceCase, stability: StabilityMap, compared: str) -> Flip:
    """Premium rate at which the expected costs of no insurance and of the structure are equal."""
    terms = next(t for t in case.structures if t.name == compared)
    inside = np.argsort(-case.book["exposure"].to_numpy(), kind="stable")[: terms.buyers]
    base = float(case.book["sales"].to_numpy(dtype=float)[inside].sum())
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
        f"included) {way} {threshold:.3%}."
    )
    return Flip(name, paid / base, threshold, unit, sentence)


def _notes(case: InsuranceCase, stability: StabilityMap, compared: str) -> tuple[str, ...]:
    seen = case.experience
    return (
        f"{seen.events} customers lost in {seen.trials} customer-years: {seen.rate:.2%} a year "
        f"({seen.interval.low:.2%} to {seen.interval.high:.2%}). Of what lost customers owed "
        f"{seen.lgd:.0%} was lost ({len(seen.losses)} customers, all years).",
        _rate_flip(stability, compared),
        f"Customers in default owe {money(case.excluded, case.currency)}; no insurer takes them on, so "
        "they are outside the comparison.",
        "All customers carry one loss rate, all structures one premium rate, and today's balances stand for "
        f"those at default. Capital for the worst 1% of years is charged at {case.cost_of_risk:.1%}. "
        "Severity and policy terms are not varied.",
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
