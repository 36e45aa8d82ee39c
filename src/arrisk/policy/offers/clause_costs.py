"""What each clause of an insurance offer costs the insured a year."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.policy.insurance.clauses import CLAUSES
from arrisk.policy.insurance.terms import PolicyTerms
from arrisk.policy.offers.clause_words import describe_clause, describe_cost, describe_term
from arrisk.policy.offers.split import PERMUTATIONS, split_cost
from arrisk.policy.offers.years import CaseYears

if TYPE_CHECKING:
    from arrisk.policy.insurance.retained import Retained

__all__ = ["CLAUSE_COLUMNS", "bare_cover", "cost_clauses", "ease", "splittable"]

CLAUSE_COLUMNS = (
    "offer", "clause", "words", "share", "share_error", "alone", "alone_error", "eased", "sentence",
)  # fmt: skip
LIMITS = frozenset({"buyer_limit", "named_limits", "discretionary_limit"})


def cost_clauses(
    terms: PolicyTerms, years: CaseYears, currency: str = "", permutations: int = PERMUTATIONS, seed: int = 0
) -> pd.DataFrame:
    """Cost a policy clause by clause.

    Parameters
    ----------
    terms : PolicyTerms
    years : CaseYears
        Simulated years of all cases, the same for every policy.
    currency : str
    permutations, seed
        See `split_cost`.

    Returns
    -------
    DataFrame
        One row a clause, dearest first: offer, clause, words; share (order-free part of the difference
        between the policy and the same cover without any clause; the shares add up to it exactly), alone
        (cost with the clause less cost without it), each with its error; eased (what half of the clause would
        save: an amount kept halved, a limit doubled, an insured share brought half way to one); sentence.
        Currency units a year, capital included; a negative cost is a saving.
    """
    names = splittable(terms)
    found = split_cost(
        names,
        lambda subsets: years.costs(keep_only(terms, kept) for kept in subsets),
        years.events.weight,
        permutations,
        seed,
    )
    kept, cost = years.retain(terms), years.cost(terms)
    rows = []
    for k, name in enumerate(names):
        share, alone = years.mean(found.shared[k]), years.mean(found.alone[k])
        error = math.hypot(years.error(found.shared[k]), float(found.order_error[k]))
        eased = ease(terms, name)
        gain = math.nan if eased is None or alone <= 0 else years.mean(cost - years.cost(eased))
        told = describe_cost(
            describe_clause(terms, name, currency), share, error, currency, _aside(kept, name)
        )
        alone_error = years.error(found.alone[k])
        rows.append((terms.name, name, describe_term(name), share, error, alone, alone_error, gain, told))
    table = pd.DataFrame(rows, columns=list(CLAUSE_COLUMNS))
    return table.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def splittable(terms: PolicyTerms) -> tuple[str, ...]:
    """Clauses that are set and can be taken away: not the limits when the premium is a rate of them.

    Examples
    --------
    >>> splittable(PolicyTerms(insured_share=0.9, aggregate_first_loss=2_000.0, disputes_excluded=False,
    ...                        related_excluded=False))
    ('insured_share', 'aggregate_first_loss')
    """
    names = tuple(clause.name for clause in terms.clauses())
    if terms.premium_base != "limits":
        return names
    return tuple(n for n in names if not LIMITS & set(CLAUSES[n]))


def bare_cover(terms: PolicyTerms) -> PolicyTerms:
    """The same policy without any clause that can be taken away, at the same rate."""
    return keep_only(terms, ())


def keep_only(terms: PolicyTerms, kept: Iterable[str]) -> PolicyTerms:
    """The policy with these clauses only."""
    stay = frozenset(kept)
    return reduce(PolicyTerms.without, (n for n in splittable(terms) if n not in stay), terms)


def ease(terms: PolicyTerms, clause: str) -> PolicyTerms | None:
    """The policy with a clause brought half way to nothing; None when a clause has no amount.

    Examples
    --------
    >>> ease(PolicyTerms(aggregate_first_loss=50_000.0), "aggregate_first_loss").aggregate_first_loss
    25000.0
    >>> ease(PolicyTerms(buyer_limit=50_000.0), "buyer_limit").buyer_limit
    100000.0
    """
    changed: dict[str, Any] = {}
    for field, idle in CLAUSES[clause].items():
        value = getattr(terms, field)
        if value == idle or isinstance(value, bool | str | tuple):
            continue
        changed[field] = _half_way(value, idle)
    if not changed:
        return None
    try:
        return replace(terms, **changed)
    except ModelError:
        return None


def _half_way(value: Any, idle: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: 2 * amount for name, amount in value.items()}
    if idle is None or not np.isfinite(idle):
        return 2 * value
    return type(value)((value + idle) / 2)


def _aside(kept: Retained, clause: str) -> str:
    """How often a clause of the year bites."""
    if clause == "aggregate_first_loss" and kept.first_loss_unused == kept.first_loss_unused:
        return f"{kept.first_loss_unused:.0%} of years it eats everything"
    if clause == "maximum_liability":
        return f"it cuts the payments in {100 * kept.limit_binds:.2g}% of years"
    return ""
