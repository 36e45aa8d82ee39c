"""What accounting frameworks say of a provision, as data: rules on options, each with its paragraph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["FRAMEWORKS", "OPTIONS", "PRESUMED_DAYS", "Framework", "FrameworkName", "Rule"]

FrameworkName = Literal["IFRS 9", "ASC 326", "CAS 22"]
Verdict = Literal["required", "allowed", "refused"]
PRESUMED_DAYS = 90
"""Days overdue at which default is presumed at the latest (IFRS 9 B5.5.37)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a framework says of an option.

    Parameters
    ----------
    option : str
        A key of `OPTIONS`.
    verdict : {"required", "allowed", "refused"}
    reference : str
        The paragraph.
    words : str
        What the framework says.
    needs, bars : tuple of str
        Options that must be taken with an allowed one, and that must not.
    excuses : tuple of str
        Options any of which stands in for a required one.
    """

    option: str
    verdict: Verdict
    reference: str
    words: str
    needs: tuple[str, ...] = ()
    bars: tuple[str, ...] = ()
    excuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Framework:
    """An accounting framework, as rules on options."""

    name: FrameworkName
    title: str
    rules: tuple[Rule, ...]


OPTIONS: Mapping[str, str] = {
    "simplified_approach": "simplified approach: lifetime losses for every receivable",
    "general_approach": "general approach: stages of credit risk",
    "lifetime": "losses over the whole life of the debt",
    "twelve_months": "losses of the next twelve months only",
    "forward_looking": "history adjusted for what lies ahead, or the reason why it needs no adjustment",
    "forecast": "overlays: forecasts applied to the rates",
    "constant_conditions": "conditions of the day assumed not to change",
    "subsequent_collections": "cash collected after the as-of date counted",
    "time_value": "how the time value of money is reflected",
    "unrebutted_default": f"default later than {PRESUMED_DAYS} days overdue without a reason",
    "pooled": "customers measured together",
    "individual": "customers judged by themselves, out of the pool",
    "integral_enhancement": "integral enhancements in the expected loss",
    "separate_enhancement": "enhancements that are not integral, shown apart",
    "significant_financing": "a significant financing component",
    "public_entity": "a public business entity",
    "other_entity": "an entity other than a public business entity",
}
"""Everything that a framework may have a rule on, in words."""

IFRS_9 = Framework(
    "IFRS 9",
    "IFRS 9, simplified approach",
    (
        Rule(
            "simplified_approach",
            "required",
            "IFRS 9 5.5.15",
            "lifetime losses for trade receivables without a significant financing component; a choice of "
            "policy for those with one",
        ),
        Rule(
            "general_approach",
            "refused",
            "IFRS 9 5.5.15(a)(i)",
            "not for trade receivables without a significant financing component; allowed is the simplified "
            "approach, the only one made here",
        ),
        Rule("lifetime", "required", "IFRS 9 5.5.15", "the loss allowance equals lifetime expected losses"),
        Rule(
            "twelve_months",
            "refused",
            "IFRS 9 5.5.15",
            "no blanket twelve months; allowed are lifetime losses (the same when all is due within a year)",
        ),
        Rule(
            "forward_looking",
            "required",
            "IFRS 9 5.5.17(c), B5.5.52",
            "history is adjusted for current conditions and supportable forecasts; unadjusted history may be "
            "the best there is, with the reason",
        ),
        Rule(
            "constant_conditions",
            "refused",
            "IFRS 9 5.5.17(c)",
            "forecasts may not be assumed away; allowed are overlays, or the reason why history needs none",
        ),
        Rule(
            "subsequent_collections",
            "refused",
            "IFRS 9 5.5.17(c)",
            "information available at the reporting date; allowed is what was known by the as-of date",
        ),
        Rule(
            "time_value",
            "required",
            "IFRS 9 5.5.17(b), B5.5.44",
            "discounted at the effective interest rate; without a financing component it may be nil: say so",
        ),
        Rule(
            "unrebutted_default",
            "refused",
            "IFRS 9 B5.5.37",
            "default is presumed no later than 90 days past due; allowed is a later day with reasonable and "
            "supportable information, given as default_reason",
        ),
        Rule("pooled", "allowed", "IFRS 9 B5.5.5, B5.5.35", "by shared risk characteristics; matrix"),
        Rule("individual", "allowed", "IFRS 9 B5.5.1 to B5.5.5", "customers that share no risk with others"),
        Rule(
            "integral_enhancement",
            "allowed",
            "IFRS 9 B5.5.55",
            "part of the contractual terms and not recognised separately: in the measurement",
        ),
        Rule(
            "separate_enhancement",
            "allowed",
            "IFRS 9 B5.5.55; IAS 37.53",
            "not in the measurement; an asset by itself when virtually certain, at most the loss",
        ),
    ),
)

ASC_326 = Framework(
    "ASC 326",
    "ASC 326-20, current expected credit losses",
    (
        Rule(
            "general_approach",
            "refused",
            "ASC 326-20-30-1",
            "there are no stages; allowed are lifetime losses for all",
        ),
        Rule("lifetime", "required", "ASC 326-20-30-6", "losses over the contractual term of the asset"),
        Rule(
            "twelve_months",
            "refused",
            "ASC 326-20-30-6",
            "no blanket twelve months; allowed are losses over the contractual term",
        ),
        Rule(
            "forward_looking",
            "required",
            "ASC 326-20-30-7 to 30-9",
            "history, current conditions, supportable forecasts, then reversion to history",
            excuses=("constant_conditions",),
        ),
        Rule(
            "constant_conditions",
            "allowed",
            "ASC 326-20-30, ASU 2025-05",
            "open to all entities, for all current receivables and contract assets from revenue; it takes "
            "the place of a forecast",
            bars=("forecast",),
        ),
        Rule(
            "subsequent_collections",
            "allowed",
            "ASC 326-20-30, ASU 2025-05",
            "a policy of entities other than public business entities that elect constant conditions",
            needs=("constant_conditions", "other_entity"),
            bars=("public_entity",),
        ),
        Rule("pooled", "allowed", "ASC 326-20-30-2", "together when the risk is similar"),
        Rule("individual", "allowed", "ASC 326-20-30-2", "by itself when the risk is not shared; not twice"),
        Rule(
            "integral_enhancement",
            "allowed",
            "ASC 326-20-30-12",
            "enhancements that are not freestanding contracts are in the measurement",
        ),
        Rule(
            "separate_enhancement",
            "allowed",
            "ASC 326-20-30-12",
            "a freestanding contract does not lower the allowance",
        ),
    ),
)

CAS_22 = Framework(
    "CAS 22",
    "CAS 22 (2017), simplified approach",
    (
        Rule(
            "simplified_approach",
            "required",
            "CAS 22 article 63",
            "always lifetime losses for receivables without a significant financing component; a choice of "
            "policy for those with one",
        ),
        Rule(
            "general_approach",
            "refused",
            "CAS 22 article 63",
            "not for receivables without a significant financing component; allowed is the simplified "
            "approach, the only one made here",
        ),
        Rule("lifetime", "required", "CAS 22 article 63", "the allowance equals lifetime expected losses"),
        Rule(
            "twelve_months",
            "refused",
            "CAS 22 article 63",
            "no blanket twelve months; allowed are lifetime losses",
        ),
        Rule(
            "forward_looking",
            "required",
            "CAS 22 article 58",
            "past events, current conditions and forecasts, as far as available without undue cost",
        ),
        Rule(
            "constant_conditions",
            "refused",
            "CAS 22 article 58",
            "forecasts may not be assumed away; allowed are overlays, or the reason why history needs none",
        ),
        Rule(
            "subsequent_collections",
            "refused",
            "CAS 22 article 58",
            "information available at the balance sheet date; allowed is what was known by the as-of date",
        ),
        Rule(
            "time_value",
            "required",
            "CAS 22 articles 47 and 58",
            "discounted at the effective interest rate; without a financing component it may be nil: say so",
        ),
        Rule(
            "unrebutted_default",
            "refused",
            "CAS 22 application guidance, as IFRS 9 B5.5.37",
            "default is presumed no later than 90 days past due; allowed is a later day with the reason",
        ),
        Rule("pooled", "allowed", "CAS 22 application guidance", "by shared risk; ageing matrix, migration"),
        Rule("individual", "allowed", "CAS 22 application guidance", "customers that share no risk"),
        Rule(
            "integral_enhancement",
            "allowed",
            "CAS 22 article 47",
            "cash from collateral and enhancements that are part of the contractual terms",
        ),
        Rule(
            "separate_enhancement",
            "allowed",
            "CAS 22 article 47; CAS 13",
            "not in the measurement; an asset by itself when almost certain, at most the loss",
        ),
    ),
)

FRAMEWORKS: Mapping[str, Framework] = {each.name: each for each in (IFRS_9, ASC_326, CAS_22)}
"""The frameworks known, by name."""
