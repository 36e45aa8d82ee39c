"""Compared offers as compact text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Table
from arrisk.errors import one_line

if TYPE_CHECKING:
    from arrisk.policy.offers.comparison import OfferComparison

__all__ = ["summarise"]

SHOWN_COLUMNS = (
    "offer",
    "cash",
    "rate",
    "money",
    "retained_99.5",
    "cost",
    "behind",
    "mean_regret",
    "p_best",
    "valid_until",
)
ASKS, REASONS, LONGEST_NAME = 3, 5, 40
NOTHING = "costs next to nothing"


def summarise(compared: OfferComparison) -> str:
    """Write the ranking, the cost of each clause, and what to ask for as text without control characters.

    Parameters
    ----------
    compared : OfferComparison

    Returns
    -------
    str
        Lines; amounts in the study's currency a year.
    """
    ranking = compared.to_table()
    frame = ranking.frame[[c for c in SHOWN_COLUMNS if c in ranking.frame]].copy()
    frame["offer"] = [_short(name) for name in frame["offer"]]
    formats = {k: v for k, v in ranking.formats.items() if k in SHOWN_COLUMNS}
    parts = [one_line(compared.finding()), "", *_lines(Table("ranking", "", frame, "", formats))]
    if compared.what_if:
        parts += [f"what-if: {one_line(compared.what_if)}"]
    known = {offer.label for offer in compared.offers}
    for name in (str(n) for n in compared.ranking["offer"] if n in known):
        parts += ["", f"{_short(name, 100)}: {_state(compared, name)}", *_clauses(compared, name)]
        parts += [*_asks(compared, name), *_difference(compared, name)]
    return "\n".join(parts)


def _lines(table: Table) -> list[str]:
    return [line.rstrip() for line in repr(table).splitlines()[1:]]


def _state(compared: OfferComparison, offer: str) -> str:
    row = compared.ranking[compared.ranking["offer"] == offer].to_dict("records")[0]
    cover = f"{compared.currency} {compared.bare[offer]:,.0f} without any clause"
    told = f"{compared.currency} {row['cost']:,.0f} a year, of which {cover}"
    return f"EXPIRED on {row['valid_until']}; {told}" if row["expired"] else told


def _clauses(compared: OfferComparison, offer: str) -> list[str]:
    own = compared.clauses[compared.clauses["offer"] == offer]
    silent = own["sentence"].str.contains(NOTHING)
    told = [f"  {one_line(text)}" for text in own.loc[~silent, "sentence"]]
    names = ", ".join(str(words) for words in own.loc[silent, "words"])
    return [*told, f"  next to nothing: {one_line(names)}"] if names else told


def _asks(compared: OfferComparison, offer: str) -> list[str]:
    own = compared.asks[compared.asks["offer"] == offer].head(ASKS)
    asks = [
        f"{row['words']} {row['now']} to {row['asked']} saves {compared.currency} {row['saves']:,.0f}"
        for row in own.to_dict("records")
    ]
    flips: pd.DataFrame = compared.flips[compared.flips["offer"] == offer].head(1)
    told = [f"  ask first: {one_line('; '.join(asks))}"] if asks else []
    return [*told, *(f"  {one_line(text)}" for text in flips["sentence"])]


def _difference(compared: OfferComparison, offer: str) -> list[str]:
    """Why an offer costs more or less than the cheapest of its kind, largest clause first."""
    own = compared.differences[compared.differences["offer"] == offer]
    own = own[own["share"].abs() >= 1]
    if own.empty:
        return []
    told = [f"{row['words']} {row['share']:+,.0f}" for row in own.head(REASONS).to_dict("records")]
    rest = float(own["share"].iloc[REASONS:].sum())
    told += [f"the rest {rest:+,.0f}"] if len(own) > REASONS else []
    other, total = str(own["against"].iloc[0]), float(own["share"].sum())
    reasons = "; ".join(told)
    return [f"  {one_line(f'against {other}, {compared.currency} {total:+,.0f}: {reasons}')}"]


def _short(text: str, longest: int = LONGEST_NAME) -> str:
    clean = one_line(text)
    return clean if len(clean) <= longest else f"{clean[: longest - 3]}..."
