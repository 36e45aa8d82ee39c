"""A card as a statement in SQL, so that a database scores its customers where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from arrisk.ledger.quoting import sql_name, sql_number, sql_table, sql_text
from arrisk.models.scoring.terms import BinnedTerm, CardTerm, LinearTerm

if TYPE_CHECKING:
    from arrisk.models.scoring.bins import Bins
    from arrisk.models.scoring.card import Card

__all__ = ["card_sql"]


def card_sql(card: Card, table: str | Sequence[str], keep: Sequence[str] | None = None) -> str:
    """Write a card as one SELECT over a table.

    Parameters
    ----------
    card : Card
    table : str or sequence of str
        Name of the table, or its parts (schema, table), with the columns of the card.
    keep : sequence of str, optional
        Columns to carry along; all of them by default.

    Returns
    -------
    str
        A statement that gives the columns kept, `log_odds` (of default), `pd`, `points` and, with a horizon,
        `grade`. It is in the SQL that DuckDB and Spark share, but for quotes, which
        `arrisk.ledger.engine.translate` rewrites. Every name and text is quoted.

    Notes
    -----
    Terms are added in the order and with the very doubles of `Card.score`, so log-odds, points and grades
    are the same; `pd` differs by the last digit of the engine's EXP. NULL and NaN are missing; a category
    that the card does not know falls where `Bins` puts it.

    Examples
    --------
    >>> import numpy as np
    >>> from arrisk.models.scoring.card import Card
    >>> late = LinearTerm("days_late", low=0, high=120, step=30, fill=0, coefficient=0.7)
    >>> print(card_sql(Card((late,), -4.0, np.eye(2)), "features", keep=["customer_id"]))
    SELECT scored.*,
      1.0e0 / (1.0e0 + EXP(-log_odds)) AS pd,
      CAST(FLOOR(501.8621880878296e0 - 28.85390081777927e0 * log_odds + 0.5e0) AS BIGINT) AS points
    FROM (
      SELECT "customer_id",
        -4.0e0
        + CASE WHEN "days_late" IS NULL OR ISNAN(CAST("days_late" AS DOUBLE)) THEN 0.0e0
            WHEN CAST("days_late" AS DOUBLE) < 0.0e0 THEN 0.0e0
            WHEN CAST("days_late" AS DOUBLE) > 120.0e0 THEN 2.8e0
            ELSE 0.7e0 * (CAST("days_late" AS DOUBLE) / 30.0e0) END AS log_odds
      FROM "features"
    ) AS scored
    """
    kept = "*" if keep is None else ", ".join(sql_name(column) for column in keep)
    added = "".join(f"\n    + {_case(term)}" for term in card.terms)
    kept = f"{kept}," if kept else ""
    inner = f"  SELECT {kept}\n    {sql_number(card.intercept)}{added} AS log_odds\n  FROM {sql_table(table)}"
    points = f"{sql_number(card.scale.offset)} - {sql_number(card.scale.factor)} * log_odds + 0.5e0"
    columns = [
        "scored.*",
        "1.0e0 / (1.0e0 + EXP(-log_odds)) AS pd",
        f"CAST(FLOOR({points}) AS BIGINT) AS points",
        *([] if card.horizon_days is None else [f"{_grade(card)} AS grade"]),
    ]
    outer = ",\n  ".join(columns)
    return f"SELECT {outer}\nFROM (\n{inner}\n) AS scored"


def _grade(card: Card) -> str:
    *better, last = card.grades
    limits = card.grade_limits
    cases = [f"WHEN log_odds <= {sql_number(limits[g])} THEN {sql_text(g)}" for g in better]
    return f"CASE {' '.join(cases)} ELSE {sql_text(last)} END" if cases else sql_text(last)


def _case(term: CardTerm) -> str:
    cases, otherwise = _linear_cases(term) if isinstance(term, LinearTerm) else _binned_cases(term)
    lines = [*(f"WHEN {when} THEN {then}" for when, then in cases), f"ELSE {otherwise} END"]
    return "CASE " + "\n        ".join(lines)


def _missing_number(column: str) -> str:
    return f"{column} IS NULL OR ISNAN(CAST({column} AS DOUBLE))"


def _linear_cases(term: LinearTerm) -> tuple[list[tuple[str, str]], str]:
    column = sql_name(term.name)
    x = f"CAST({column} AS DOUBLE)"
    filled = min(max(term.fill, term.low), term.high)

    def added(value: float) -> str:
        return sql_number(term.coefficient * (value / term.step))

    cases = [
        (_missing_number(column), added(filled)),
        (f"{x} < {sql_number(term.low)}", added(term.low)),
        (f"{x} > {sql_number(term.high)}", added(term.high)),
    ]
    return cases, f"{sql_number(term.coefficient)} * ({x} / {sql_number(term.step)})"


def _binned_cases(term: BinnedTerm) -> tuple[list[tuple[str, str]], str]:
    bins, column = term.bins, sql_name(term.name)
    added = [sql_number(term.coefficient * woe) for woe in bins.woe]
    return _text_cases(bins, column, added) if bins.kind == "text" else _number_cases(bins, column, added)


def _number_cases(bins: Bins, column: str, added: list[str]) -> tuple[list[tuple[str, str]], str]:
    x = f"CAST({column} AS DOUBLE)"
    specials = [f"{x} = {sql_number(float(s))}" for s in bins.specials]
    below = [f"{x} < {sql_number(edge)}" for edge in bins.edges]
    cases = [(_missing_number(column), added[bins.missing])]
    cases += list(zip(specials, added[bins.ordinary :], strict=False))
    cases += list(zip(below, added, strict=False))
    return cases, added[bins.ordinary - 1]


def _text_cases(bins: Bins, column: str, added: list[str]) -> tuple[list[tuple[str, str]], str]:
    x = f"CAST({column} AS VARCHAR)"
    special = [((str(s),), bins.ordinary + k) for k, s in enumerate(bins.specials)]
    texts = [*special, *((group, k) for k, group in enumerate(bins.groups))]
    cases = [(f"{column} IS NULL", added[bins.missing])]
    cases += [(f"{x} IN ({', '.join(map(sql_text, group))})", added[k]) for group, k in texts if group]
    return cases, added[-1]
