"""Which terms of an insurance offer to negotiate first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from arrisk.policy.offers.clause_costs import ease
from arrisk.policy.offers.clause_terms import drop_clause, price_field
from arrisk.policy.offers.clause_words import describe_term
from arrisk.policy.offers.differences import tell_fields
from arrisk.policy.offers.years import CaseYears

__all__ = ["ASK_COLUMNS", "find_asks"]

ASK_COLUMNS = ("offer", "clause", "words", "now", "asked", "saves")
LOWER_RATE = 0.9


def find_asks(terms: Any, clauses: pd.DataFrame, years: CaseYears, currency: str = "") -> pd.DataFrame:
    """What easing each term would save, largest first.

    Parameters
    ----------
    terms : PolicyTerms or a route of funding
    clauses : DataFrame
        Of `cost_clauses`.
    years : CaseYears
    currency : str

    Returns
    -------
    DataFrame
        offer, clause, words, now, asked (both in words), saves (currency units a year): a rate a tenth
        lower, and each clause that costs something brought half way to nothing, or taken away when it
        has no amount.
    """
    price = price_field(terms)
    cheaper = replace(terms, **{price: LOWER_RATE * getattr(terms, price)})
    gain = years.mean(years.cost(terms)) - years.mean(years.cost(cheaper))
    rows = [_row(terms, cheaper, "premium" if price == "premium_rate" else price, gain, currency)]
    for row in clauses.to_dict("records"):
        name, alone, eased = str(row["clause"]), float(row["alone"]), float(row["eased"])
        if alone > 2 * float(row["alone_error"]) and alone >= 1:
            half = ease(terms, name)
            known = half is not None and eased == eased
            asked = half if half is not None and known else drop_clause(terms, name)
            rows.append(_row(terms, asked, name, eased if known else alone, currency))
    table = pd.DataFrame(rows, columns=list(ASK_COLUMNS))
    return table.sort_values("saves", ascending=False, kind="stable", ignore_index=True)


def _row(
    terms: Any, asked: Any, clause: str, saves: float, currency: str
) -> tuple[str, str, str, str, str, float]:
    now, then = (tell_fields(t, clause, currency) for t in (terms, asked))
    return terms.name, clause, describe_term(clause), now, then, saves
