"""When customers cannot be graded: why, and what still holds for all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.policy.grade_terms.value import credit_cost, sale_value
from arrisk.policy.recommendation import Option, Recommendation

if TYPE_CHECKING:
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.grade_terms.terms import GradeTerms

__all__ = ["recommend_without_grades", "why_no_grades"]

OF_SALES = "fraction of sales"
WAIT = (
    "Record every account handed to collection, insolvency and write-off for the last five years, also those "
    "cleared without cash, and ask a credit bureau to rate the twenty largest customers."
)


def why_no_grades(scorecard: Scorecard, granted: GradeTerms) -> str:
    """Why terms by grade cannot be decided; empty when they can."""
    if not granted.table["sales"].sum() > 0:
        return "Nobody out of default bought anything on known terms in the last year."
    if not scorecard.identified or scorecard.auc is None:
        return f"No customer can be graded: {scorecard.doubt}."
    if scorecard.auc.low <= 0.5:
        return (
            f"The score may order customers no better than chance: the area under the curve is "
            f"{scorecard.auc.value:.2f} ({scorecard.auc.low:.2f} to {scorecard.auc.high:.2f})."
        )
    return ""


def recommend_without_grades(question: str, granted: GradeTerms, doubt: str) -> Recommendation:
    """ "The data cannot say", with what the upper bound of the default rate allows on each term."""
    overrun = granted.inputs.assumed("overrun_days").value
    return Recommendation(
        decision=question,
        verdict="the data cannot say",
        answer=f"{doubt}{_rule_for_all(granted)}",
        scope=f"{int(granted.table['customers'].sum()):,} customers not in default",
        as_of=granted.as_of,
        options=_options(granted),
        design="terms by grade need grades that tell customers apart",
        experiment=WAIT,
        assumptions=granted.assumptions,
        notes=(
            "Sales are taken as they are; the values are those of an average sale, the lower end not above "
            "that at the upper end of the default rate. A sale is at risk over its terms and "
            f"{overrun:.0f} days more.",
        ),
    )


def _rule_for_all(granted: GradeTerms) -> str:
    """What the bound says about today's terms, when all customers are one class."""
    row = granted.table.to_dict("records")[0]
    if granted.identified or not row["sales"] > 0:
        return ""
    worst, turn = _at_bound(granted, row["days"])[0], float(row["break_even_pd"])
    head = (
        f" For all together, on today's {row['days']:.0f} days: up to {worst:.1%} of sales caught by a "
        f"default is not ruled out, and {_breaks_even(turn)}"
    )
    if turn > worst:
        return f"{head}, so open account earns its credit on average; who should get less cannot be told."
    return f"{head}, so not even open account to all is surely bearable."


def _breaks_even(turn: float) -> str:
    if turn < 0:
        return "none would break even, as waiting alone costs more than the margin"
    return "any share would earn the cost back" if turn > 1 else f"{turn:.1%} would break even"


def _at_bound(granted: GradeTerms, term: float) -> tuple[float, float]:
    """Share of sales caught at the upper end of the default rate, and what is left of a sale then."""
    inputs = granted.inputs
    row = granted.table.to_dict("records")[0]
    high = np.array(float(row["pd_high"]))
    caught = float(inputs.carry(high, term + inputs.overrun[0]))
    days_out = max(term + float(row["days_out"] - row["days"]), 0.0)
    cost = credit_cost(caught, days_out, lgd=inputs.lgd[0], cost_of_capital=inputs.cost_of_capital[0])
    return caught, float(sale_value(inputs.margin[0], cost))


def _options(granted: GradeTerms) -> tuple[Option, ...]:
    """An average sale on each offered term, the lower end at the bound; by grade when there are any."""
    if granted.identified:
        return ()
    out = []
    for cell in granted.cells.to_dict("records"):
        caught, low = _at_bound(granted, cell["days"])
        note = f"up to {caught:.1%} of sales caught not ruled out; {_breaks_even(cell['break_even_pd'])}"
        ends = (cell["value"], min(low, cell["value_low"]), cell["value_high"])
        out.append(Option(f"all customers, {cell['days']:.0f} days", *ends, OF_SALES, note))
    return tuple(out)
