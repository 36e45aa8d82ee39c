"""The structures that a study compares: usual forms of credit insurance, each with its premium."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import StudyError
from arrisk.models.tail import weighted_quantile
from arrisk.policy.assumptions import KNOWN, TYPICAL_SOURCE, Assumption, did_you_mean
from arrisk.policy.insurance.forms import (
    Programme,
    excess_of_loss,
    selective,
    single_buyer,
    top_up,
    whole_turnover,
)
from arrisk.policy.insurance.premium import price_policy
from arrisk.policy.insurance.retained import Structure, retain_all
from arrisk.policy.insurance.risk_cost import risk_adjusted_cost
from arrisk.policy.insurance.terms import PolicyTerms

if TYPE_CHECKING:
    from arrisk.models.losses.events import LossEvents
    from arrisk.models.losses.portfolio import LossPortfolio
    from arrisk.policy.insurance.exclusions import BuyerFacts
    from arrisk.policy.study import Study

__all__ = [
    "EXCESS",
    "FIRST_LOSS",
    "LARGER_FIRST_LOSS",
    "RISKIEST",
    "SELECTIVE",
    "SINGLE",
    "TOP_UP",
    "WHOLE",
    "Candidate",
    "make_structures",
    "typical",
]

FloatArray = NDArray[np.float64]
WHOLE, FIRST_LOSS = "whole turnover", "whole turnover above a first loss"
LARGER_FIRST_LOSS = "whole turnover above a larger first loss"
SELECTIVE, RISKIEST, SINGLE = "largest buyers only", "riskiest buyers only", "one buyer, the largest"
EXCESS, TOP_UP = "excess of loss", "whole turnover and a top-up"
PICKED = (SELECTIVE, RISKIEST, SINGLE)
"""The insured picks who is covered, for which insurers charge more."""

PROPORTION = "no quote: in proportion to mean claims and a charge on their tail"
UNPAID = "no quote, and no claims of the quoted policy to work it out from: the quoted rate"
HALF = 0.5
DIGITS = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A structure to be compared, and where its premium comes from.

    Parameters
    ----------
    policy : PolicyTerms or Programme
    given : bool
        Whether the study gives its premium; otherwise it is worked out from the one that is given.
    source : str
        Who says so, or how it was worked out.
    """

    policy: Structure
    given: bool
    source: str

    @property
    def name(self) -> str:
        """The structure's name."""
        return self.policy.name

    @property
    def layers(self) -> tuple[PolicyTerms, ...]:
        """Its policies: one, or several held at once."""
        return self.policy.layers if isinstance(self.policy, Programme) else (self.policy,)


def make_structures(
    study: Study,
    events: LossEvents,
    sales: FloatArray,
    cost_of_risk: float,
    facts: BuyerFacts | None = None,
) -> tuple[Candidate, ...]:
    """Build the usual forms from a study's terms, and give each a premium.

    Parameters
    ----------
    study : Study
        Needs `premium_rate` (of the whole turnover) and `insured_share`; other terms are optional. The table
        ``[settings.insurance.premium_rates]`` may hold quotes of further structures, by name.
    events : LossEvents
        Years at which premiums without a quote are worked out, and the book.
    sales : array of shape (obligors,)
    cost_of_risk : float
        Charge on the insurer's tail in those premiums.
    facts : BuyerFacts, optional

    Returns
    -------
    tuple of Candidate

    Raises
    ------
    StudyError
        If a needed assumption is missing, or a quote names no structure.

    Notes
    -----
    A premium without a quote rests on the technical price: mean claims and a charge on their tail, as for
    losses that are kept. Less cover than the whole turnover costs less in proportion to it: the same insurer,
    the same margin. More cover costs the technical price of the addition, at that margin or, if the insurer
    seems to sell below its claims, in full: a bargain is not taken to be on offer twice. Where the insured
    picks the buyers or the addition, `selection_loading` comes on top.

    Structures that come to nothing in a book (no balance above the limit, all buyers alike) are left out.
    """
    book = events.portfolio
    whole = _whole(study)
    price = price_policy(whole, book, sales, facts)
    fixed = whole.with_premium(price.paid)
    forms = _forms(study, fixed, book, events)
    rates = _quotes(study, [form.name for form in forms])
    claims = retain_all(events, [_free(whole_like) for whole_like in (fixed, *forms)], sales, facts)
    insured = np.column_stack([found.insured for found in claims])
    technical = risk_adjusted_cost(insured, events.weight, cost_of_risk)
    margin = price.paid / float(technical[0]) if technical[0] > 0 else None
    loading = typical(study, "selection_loading").value
    found = [Candidate(whole, True, study.assumption("premium_rate").source)]
    for form, cost in zip(forms, technical[1:], strict=True):
        if form.name in rates:
            quote = _priced(form, rates[form.name])
            found.append(Candidate(quote, True, "quote in [settings.insurance.premium_rates]"))
            continue
        if margin is None:
            extra = loading if form.name in PICKED else 1.0
            found.append(Candidate(_priced(form, extra * whole.premium_rate), False, UNPAID))
            continue
        premium, told = _work_out(form.name, float(cost), float(technical[0]), margin, loading)
        first = price.paid if isinstance(form, Programme) else 0.0
        rate = _rate(form, max(premium - first, 0.0), book, sales, facts)
        found.append(Candidate(_priced(form, rate), False, told))
    return tuple(found)


def typical(study: Study, name: str) -> Assumption:
    """The study's assumption, or the typical value."""
    given = study.get(name)
    if given is not None:
        return given
    known = KNOWN[name]
    return Assumption(name, known.value, known.low, known.high, known.unit, TYPICAL_SOURCE)


def _work_out(name: str, technical: float, whole: float, margin: float, loading: float) -> tuple[float, str]:
    """Premium of a form without a quote, from its technical price and that of the whole turnover."""
    if name in PICKED:
        return margin * loading * technical, f"{PROPORTION}, times {loading:g} for picking buyers"
    if technical <= whole:
        return margin * technical, PROPORTION
    addition = max(margin, 1.0) * loading
    told = f"no quote: {addition:.2f} times mean claims and a charge on their tail for the cover on top"
    return margin * whole + addition * (technical - whole), told


def _given(study: Study, name: str, default: float) -> float:
    found = study.get(name)
    return default if found is None else found.value


def _whole(study: Study) -> PolicyTerms:
    """Whole turnover as the study gives it."""
    terms: dict[str, Any] = {
        "premium_rate": study.assumption("premium_rate").value,
        "insured_share": study.assumption("insured_share").value,
        "minimum_premium": _given(study, "minimum_premium", 0.0),
        "non_qualifying_loss": _given(study, "non_qualifying_loss", 0.0),
        "each_and_every": _given(study, "each_and_every", 0.0),
        "waiting_days": _given(study, "waiting_days", 0.0),
    }
    for name in ("buyer_limit", "maximum_liability_multiple"):
        if study.get(name) is not None:
            terms[name] = study.assumption(name).value
    return whole_turnover(WHOLE, **terms)


def _forms(study: Study, whole: PolicyTerms, book: LossPortfolio, events: LossEvents) -> list[Structure]:
    """Every other form, its maximum liability the amount of the quoted policy."""
    share = study.assumption("insured_share")
    forms: list[Structure] = [
        replace(whole, name=f"{WHOLE} at {level:.0%}", insured_share=level)
        for level in (share.low, share.high)
        if level != share.value
    ]
    first = study.get("aggregate_first_loss")
    if first is not None and first.value > 0:
        forms.append(replace(whole, name=FIRST_LOSS, aggregate_first_loss=first.value))
    if first is not None and first.high > max(first.value, 0.0):
        forms.append(replace(whole, name=LARGER_FIRST_LOSS, aggregate_first_loss=first.high))
    kept = _attachment(whole, events, typical(study, "excess_years").value)
    if kept > 0:
        shared = {"premium_rate": whole.premium_rate, **_common(whole), "buyer_limit": whole.buyer_limit}
        forms.append(excess_of_loss(kept, whole.maximum_liability, EXCESS, **shared))
    return [*forms, *_picked(whole, book), *_topped(whole, book)]


def _common(whole: PolicyTerms) -> dict[str, Any]:
    names = ("insured_share", "minimum_premium", "non_qualifying_loss", "each_and_every", "waiting_days")
    return {name: getattr(whole, name) for name in names}


def _attachment(whole: PolicyTerms, events: LossEvents, years: float) -> float:
    """Claims of a year that are exceeded once in so many years, rounded."""
    claims = retain_all(events, [_free(whole)], np.zeros(len(events.portfolio)))[0].indemnity
    amount = weighted_quantile(claims, 1 - 1 / years, events.weight)
    return float(f"{amount:.{DIGITS}g}")


def _picked(whole: PolicyTerms, book: LossPortfolio) -> list[Structure]:
    """The largest balances, the riskiest buyers, and the largest alone; each as few as make up half."""
    owed = book.exposure
    if owed.size < 2 or owed.sum() <= 0:
        return []
    count = _fewest(np.sort(owed)[::-1])
    most = int(np.argmax(owed))
    terms = {
        **_common(whole),
        "premium_rate": whole.premium_rate,
        "maximum_liability": whole.maximum_liability,
    }
    forms: list[Structure] = [selective(count, SELECTIVE, **terms, buyer_limit=whole.buyer_limit)]
    if np.ptp(book.pd) > 0:
        order = np.argsort(-book.pd, kind="stable")
        worst = order[: _fewest((book.pd * owed * book.lgd)[order])]
        names = [str(name) for name in book.name[worst]]
        forms.append(selective(names, RISKIEST, **terms, buyer_limit=whole.buyer_limit))
    return [*forms, single_buyer(str(book.name[most]), float(owed[most]), SINGLE, **terms)]


def _fewest(amounts: FloatArray) -> int:
    return int(np.searchsorted(amounts.cumsum(), HALF * amounts.sum()) + 1)


def _topped(whole: PolicyTerms, book: LossPortfolio) -> list[Structure]:
    """The whole turnover and a second policy over its buyer limits, when a balance is above them."""
    above = float(book.exposure.max(initial=0.0)) - whole.buyer_limit
    if not above > 0:
        return []
    second = top_up(
        whole, above, "top-up", insured_share=whole.insured_share, premium_rate=0.0,
        maximum_liability=whole.maximum_liability, waiting_days=whole.waiting_days,
    )  # fmt: skip
    return [Programme(TOP_UP, (whole, second))]


def _free(form: Structure) -> Structure:
    """A form without any premium, for what it pays."""
    if isinstance(form, Programme):
        return form
    return replace(form, premium_rate=0.0, minimum_premium=0.0)


def _rate(
    form: Structure, premium: float, book: LossPortfolio, sales: FloatArray, facts: BuyerFacts | None
) -> float:
    """Rate of a premium on the form's own base: that of the second policy, when there are two."""
    terms = form.layers[-1] if isinstance(form, Programme) else form
    base = price_policy(terms, book, sales, facts).base
    return premium / base if base > 0 else 0.0


def _priced(form: Structure, rate: float) -> Structure:
    if isinstance(form, Programme):
        return replace(form, layers=(*form.layers[:-1], replace(form.layers[-1], premium_rate=rate)))
    return replace(form, premium_rate=rate)


def _quotes(study: Study, names: list[str]) -> dict[str, float]:
    """Premium rates of further structures that the study holds."""
    given = study.settings.get("insurance", {}).get("premium_rates", {})
    where = "[settings.insurance.premium_rates]"
    if not isinstance(given, Mapping):
        raise StudyError(f"{where} is a table of structures and their premium rates, got {given!r}")
    for name, rate in given.items():
        if name not in names:
            raise StudyError(
                f"{where}: {name!r} is no structure{did_you_mean(name, names)}; allowed are "
                f"{', '.join(names)}"
            )
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < math.inf:
            raise StudyError(f"{where}: {name} = {rate!r} is not a rate of 0 or more")
    return {str(name): float(rate) for name, rate in given.items()}
