"""The gate: what an accounting framework requires, allows and refuses of a provision.

Frameworks are data (`framework_rules`). None of them knows a loss rate: rates come from the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import pandas as pd

from arrisk.display import Table
from arrisk.errors import ModelError
from arrisk.models.provision.framework_rules import (
    FRAMEWORKS,
    OPTIONS,
    PRESUMED_DAYS,
    Framework,
    FrameworkName,
    Rule,
)

if TYPE_CHECKING:
    from arrisk.models.provision.basis import Basis

__all__ = ["Elections", "check_basis", "framework_table"]

MANAGEMENT = "management figure: no accounting framework is claimed"


@dataclass(frozen=True, slots=True)
class Elections:
    """What the accounts of a company choose, where a framework gives or denies the choice.

    Parameters
    ----------
    approach : {"simplified", "general"}
        Lifetime losses for all, or by stages of credit risk.
    horizon : {"lifetime", "twelve_months"}
        Losses over the life of the debt, or of the next twelve months only.
    significant_financing : bool
        Whether the receivables contain a significant financing component.
    entity : {"public", "other"}, optional
        Whether it is a public business entity; asked for by ASC 326 where it matters.
    constant_conditions : bool
        Assume that the conditions of the day do not change over the remaining life of current receivables
        and contract assets from revenue (ASU 2025-05).
    subsequent_collections : bool
        Count cash collected after the as-of date (ASU 2025-05); the later snapshot is given to
        `make_provision`.
    default_days : int
        Days overdue at which a debt counts as defaulted.
    default_reason : str
        Why that is later than presumed.
    outlook : str
        Why the history needs no adjustment for what lies ahead; when there are no overlays.
    time_value : str
        How the time value of money is reflected: for example, why no discounting is needed.
    """

    approach: Literal["simplified", "general"] = "simplified"
    horizon: Literal["lifetime", "twelve_months"] = "lifetime"
    significant_financing: bool = False
    entity: Literal["public", "other"] | None = None
    constant_conditions: bool = False
    subsequent_collections: bool = False
    default_days: int = PRESUMED_DAYS
    default_reason: str = ""
    outlook: str = ""
    time_value: str = ""

    def __post_init__(self) -> None:
        allowed = {
            "approach": ("simplified", "general"),
            "horizon": ("lifetime", "twelve_months"),
            "entity": ("public", "other", None),
        }
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise ModelError(f"{name} is one of {values}, not {getattr(self, name)!r}")
        if self.default_days < 1:
            raise ModelError(f"default_days is at least 1, got {self.default_days}")


def _taken(basis: Basis, as_of: pd.Timestamp | None) -> dict[str, bool]:
    """Which options a basis takes."""
    chosen, overlays = basis.elections, basis.overlays
    overlaid = overlays is not None and (as_of is None or len(overlays.in_force(as_of)) > 0)
    return {
        "simplified_approach": chosen.approach == "simplified",
        "general_approach": chosen.approach == "general",
        "lifetime": chosen.horizon == "lifetime",
        "twelve_months": chosen.horizon == "twelve_months",
        "forward_looking": overlaid or bool(chosen.outlook.strip()),
        "forecast": overlaid,
        "constant_conditions": chosen.constant_conditions,
        "subsequent_collections": chosen.subsequent_collections,
        "time_value": bool(chosen.time_value.strip()),
        "unrebutted_default": chosen.default_days > PRESUMED_DAYS and not chosen.default_reason.strip(),
        "pooled": True,
        "individual": bool(basis.assessments),
        "integral_enhancement": any(one.integral for one in basis.enhancements),
        "separate_enhancement": any(not one.integral for one in basis.enhancements),
        "significant_financing": chosen.significant_financing,
        "public_entity": chosen.entity == "public",
        "other_entity": chosen.entity == "other",
    }


def check_basis(
    basis: Basis, framework: FrameworkName | Framework | None = None, as_of: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Hold a basis against a framework.

    Parameters
    ----------
    basis : Basis
    framework : str or Framework, optional
        By default the one that the basis names.
    as_of : Timestamp, optional
        Only overlays in force on this day look forward: a log with none is like no log. Without a day any
        overlays count.

    Returns
    -------
    DataFrame
        option, asked (in words), verdict, reference, says; one row a rule. Without a framework one row that
        says so.

    Raises
    ------
    ModelError
        If the basis does what the framework refuses, or lacks what it requires: names the paragraph, what
        was asked, and what is allowed.
    """
    named = basis.framework if framework is None else framework
    if named is None:
        _check_made(basis)
        return pd.DataFrame(
            [("framework", MANAGEMENT, "", "", "nothing is required and nothing refused")], columns=COLUMNS
        )
    rules = named if isinstance(named, Framework) else _framework(named)
    taken = _taken(basis, as_of)
    wrong = [text for rule in rules.rules if (text := _violation(rule, taken))]
    if wrong:
        raise ModelError(f"not a basis under {rules.name}: " + "; ".join(wrong))
    _check_made(basis)
    rows = [
        (rule.option, "yes" if taken[rule.option] else "no", rule.verdict, rule.reference, rule.words)
        for rule in rules.rules
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = ["option", "asked", "verdict", "reference", "says"]


def framework_table(found: pd.DataFrame, name: str = "framework") -> Table:
    """What the framework says of each option of a basis, and whether the basis takes it."""
    frame = found.assign(option=[OPTIONS.get(option, option) for option in found["option"]])
    refused = int((found["verdict"] == "refused").sum())
    title = "No accounting framework is claimed" if not refused else "Nothing refused was asked for"
    return Table(name, title, frame)


def _check_made(basis: Basis) -> None:
    """Refuse what is not measured here, whatever a framework allows."""
    chosen = basis.elections
    if chosen.significant_financing:
        raise ModelError(
            "asked for were receivables with a significant financing component: loss rates are not "
            "discounted at an effective interest rate here; measure those receivables apart"
        )
    if chosen.approach == "general":
        raise ModelError(
            "asked for was the general approach: stages of credit risk are not made; allowed is 'simplified'"
        )
    if chosen.horizon == "twelve_months" and basis.method != "realised":
        raise ModelError(
            f"asked for were losses of twelve months by the method {basis.method!r}, which measures losses "
            "over the life of the debt; allowed is the method 'realised' with its horizon"
        )


def _framework(name: str) -> Framework:
    if name not in FRAMEWORKS:
        raise ModelError(f"framework is one of {', '.join(get_args(FrameworkName))} or None, not {name!r}")
    return FRAMEWORKS[name]


def _violation(rule: Rule, taken: Mapping[str, bool]) -> str:
    """What is wrong, in words; empty when nothing is."""
    words = OPTIONS[rule.option]
    if rule.verdict == "required":
        if taken[rule.option] or any(taken[option] for option in rule.excuses):
            return ""
        instead = "".join(f", or {OPTIONS[option]}" for option in rule.excuses)
        return f"missing is {words}{instead} ({rule.reference}: {rule.words})"
    if not taken[rule.option]:
        return ""
    if rule.verdict == "refused":
        return f"asked for was {words}; refused by {rule.reference}: {rule.words}"
    lacking = [OPTIONS[option] for option in rule.needs if not taken[option]]
    clashing = [OPTIONS[option] for option in rule.bars if taken[option]]
    if not (lacking or clashing):
        return ""
    only = [*(f"with {text}" for text in lacking), *(f"without {text}" for text in clashing)]
    return f"asked for was {words}; allowed only {' and '.join(only)} ({rule.reference}: {rule.words})"
