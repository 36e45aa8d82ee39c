"""What would turn the insurance verdict: premium, level of losses, correlation, cuts of limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.display import money
from arrisk.policy.insurance.forms import Programme
from arrisk.policy.insurance.premium import price_policy
from arrisk.policy.insurance.retained import NO_INSURANCE, Structure
from arrisk.policy.insurance.structures import RISKIEST, WHOLE
from arrisk.policy.recommendation import Flip

if TYPE_CHECKING:
    from arrisk.policy.insurance.case import InsuranceCase
    from arrisk.policy.insurance.stability import StabilityMap

__all__ = [
    "crossing",
    "cut_words",
    "next_insurance",
    "premium_flip",
    "premium_of",
    "refusal_words",
    "runner_up",
    "thresholds",
]

FloatArray = NDArray[np.float64]
NOTHING = 1e-9
WORDS = {"level": "{at:.1%} of customers lost a year", "correlation": "an asset correlation of {at:.2f}"}


def next_insurance(stability: StabilityMap) -> str:
    """The best structure other than no insurance."""
    return next(name for name in stability.ranking if name != NO_INSURANCE)


def premium_of(case: InsuranceCase, name: str) -> float:
    """Premium of a structure for a year with its fees, before bonus and malus."""
    book = case.model.portfolio
    return sum(price_policy(terms, book, case.sales, case.facts).total for terms in case.find(name).layers)


def premium_flip(case: InsuranceCase, stability: StabilityMap) -> Flip:
    """Premium rate of the whole turnover at which insurance in any form stops or starts to pay.

    Notes
    -----
    Premiums that are worked out move with the one that is given, so all are taken in proportion. The verdict
    turns where the last of them costs as much as carrying the losses.
    """
    quote = case.find(WHOLE).layers[0]
    priced = price_policy(quote, case.model.portfolio, case.sales, case.facts)
    current = priced.paid / priced.base if priced.base > 0 else quote.premium_rate
    name, unit = "premium rate", f"fraction of {priced.base_words}"
    turns = {
        candidate.name: 1 + stability.mean_gain(candidate.name) / paid
        for candidate in case.candidates
        if (paid := premium_of(case, candidate.name)) > 0
    }
    last = max(turns, key=turns.__getitem__, default="")
    if turns.get(last, 0.0) < NOTHING:
        sentence = "No premium makes insurance worth it: it saves too little even for nothing."
        return Flip(name, current, None, unit, sentence)
    adopted = stability.best != NO_INSURANCE
    threshold = turns[last] * current
    own = ""
    if adopted and last != stability.best:
        own = (
            f"; {stability.best} saves money up to {turns[stability.best] * current:.3%}, {last} up to there"
        )
    sentence = (
        f"The verdict turns when the premium of the whole turnover (now {current:.3%}, minimum premium "
        f"included) {'rises above' if adopted else 'falls below'} {threshold:.3%}, the others in proportion"
        f"{own}{_outside(case, threshold)}."
    )
    return Flip(name, current, threshold, unit, sentence)


def _outside(case: InsuranceCase, rate: float) -> str:
    given = next((a for a in case.assumptions if a.name == "premium_rate" and a.is_range), None)
    if given is None or given.low <= rate <= given.high:
        return ""
    return f"; the range assumed is {given.low:.2%} to {given.high:.2%}"


def thresholds(stability: StabilityMap) -> tuple[str, ...]:
    """Level and correlation from which the best insurance pays, each averaged over the other."""
    compared = next_insurance(stability)
    out = []
    for axis, words in WORDS.items():
        at, gain = stability.along(axis, compared)
        turn = crossing(at, gain)
        ends = (
            f"from {words.format(at=at[0])} to {words.format(at=at[-1])}"
            if at.size > 1
            else words.format(at=at[0])
        )
        if turn is None:
            side = "saves" if gain[0] > 0 else "does not save"
            out.append(f"{compared.capitalize()} {side} money {ends}.")
        else:
            side = "above" if gain[-1] > 0 else "below"
            out.append(f"{compared.capitalize()} saves money {side} {words.format(at=turn)}.")
    return tuple(out)


def crossing(at: FloatArray, gain: FloatArray) -> float | None:
    """Where a gain passes zero for the first time, by straight lines between the points; None when nowhere.

    Examples
    --------
    >>> crossing(np.array([0.0, 1.0, 2.0]), np.array([-1.0, 1.0, 3.0]))
    0.5
    """
    turn = np.flatnonzero((gain[:-1] > 0) != (gain[1:] > 0))
    if turn.size == 0:
        return None
    i = int(turn[0])
    return float(at[i] - gain[i] * (at[i + 1] - at[i]) / (gain[i + 1] - gain[i]))


def runner_up(case: InsuranceCase, stability: StabilityMap) -> str:
    """The second best choice, how far behind it is, and the premium at which both are equal."""
    first, second = stability.ranking[:2]
    behind = stability.mean_gain(first) - stability.mean_gain(second)
    told = f"Second best: {second}, {money(behind, case.currency)} a year behind"
    if first == NO_INSURANCE:
        equal = max(premium_of(case, second) - behind, 0.0)
        now = money(premium_of(case, second), case.currency)
        return f"{told}; level at a premium of {money(equal, case.currency)}, now {now}."
    equal = premium_of(case, first) + behind
    now = money(premium_of(case, first), case.currency)
    return f"{told}; level when the premium of {first} is {money(equal, case.currency)}, now {now}."


def cut_words(case: InsuranceCase, stability: StabilityMap, compared: str) -> str:
    """The option of the insurer to cut limits in a downturn, as what it costs the insured."""
    plain, cut = stability.mean_gain(compared), stability.mean_gain(compared, cut=True)
    part, years = case.downturn
    left = "still saves" if cut > 0 else "no longer saves"
    return (
        f"If the insurer cuts limits by {part:.0%} in the worst {years:.0%} of years, {compared} is worth "
        f"{money(plain - cut, case.currency)} a year less and {left} money "
        f"({money(cut, case.currency)} a year)."
    )


def refusal_words(case: InsuranceCase, compared: str) -> tuple[str, ...]:
    """What insurance is worth when the insurer refuses the riskiest buyers; nothing when all are alike.

    Notes
    -----
    At the mean level and correlation. An insurer knows who is risky as well as the insured does; the premium
    falls with the sales of the buyers that it refuses.
    """
    riskiest = next((c.layers[0].only_buyers for c in case.candidates if c.name == RISKIEST), None)
    if riskiest is None:
        return ()
    policy = case.find(compared).policy
    without = replace(_refused(policy, riskiest), name="refused")
    saving = case.compare_with(policy, without).summary.set_index("structure")["saving"]
    full, left = float(saving[policy.name]), float(saving["refused"])
    count = len(riskiest)
    who = f"the {count:,} riskiest buyers" if count > 1 else "the riskiest buyer"
    return (
        f"If the insurer refuses {who}, with half of the expected loss, {compared} saves "
        f"{money(left, case.currency)} a year instead of {money(full, case.currency)} (at {case.basis}).",
    )


def _refused(policy: Structure, buyers: tuple[str, ...]) -> Structure:
    if isinstance(policy, Programme):
        layers = tuple(replace(terms, excluded_buyers=buyers) for terms in policy.layers)
        return replace(policy, layers=layers)
    return replace(policy, excluded_buyers=buyers)
