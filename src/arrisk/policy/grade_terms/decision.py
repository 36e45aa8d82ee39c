"""What each grade gets, as a recommendation against today's practice."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.cash import about
from arrisk.policy.grade_terms.backtest import check_expected_losses
from arrisk.policy.grade_terms.doubts import recommend_without_grades, why_no_grades
from arrisk.policy.grade_terms.page import capital, describe_grant, join_words, name_of
from arrisk.policy.grade_terms.terms import GradeTerms, make_grade_terms
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation
from arrisk.policy.recommendation_page import Verdict

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = ["QUESTION", "recommend_grade_terms"]

QUESTION = "What does each grade get: which terms, which limit, how much in advance?"
OF_SALES = "fraction of sales"
DESIGN = (
    "default rates by grade are of customers graded by a fit without them; nobody was moved to other terms "
    "by lot, so sales are taken as they are: who would leave or buy more is not known"
)
HALF = 0.5
Floats = NDArray[np.float64]


def recommend_grade_terms(
    study: Study, scorecard: Scorecard, snapshot: Snapshot, granted: GradeTerms | None = None
) -> Recommendation:
    """Keep today's terms, change those of some grades, or say that the data cannot say.

    Parameters
    ----------
    study : Study
        See `make_grade_terms`.
    scorecard : Scorecard
    snapshot : Snapshot
    granted : GradeTerms, optional
        When made before from the same three.

    Returns
    -------
    Recommendation
        "adopt" when the sales of some grade lose money on today's terms on average over the draws: these
        grades get the table's terms, the gain is against today's as long as nobody leaves. "reject" (of open
        account) when all do. "keep" otherwise, with the worth of the weakest grade's sales against not
        making them. "the data cannot say" when customers cannot be graded, or no better than by chance.
    """
    granted = granted or make_grade_terms(study, scorecard, snapshot)
    doubt = why_no_grades(scorecard, granted)
    if doubt:
        return recommend_without_grades(QUESTION, granted, doubt)
    sold = (granted.table["sales"] > 0).to_numpy()
    losing = sold & (granted.today[:, 1:].mean(axis=1) < 0)
    verdict: Verdict = "keep" if not losing.any() else "reject" if losing[sold].all() else "adopt"
    value, flip, experiment = (
        (_gain(granted, losing), _flip_gain(granted, losing), _trial_of_change(granted, losing))
        if losing.any()
        else (_worth(granted), _flip_worth(granted), _trial_of_advance(granted))
    )
    return Recommendation(
        decision=QUESTION,
        verdict=verdict,
        answer=_answer_change(granted, losing, value) if losing.any() else _answer_keep(granted),
        scope=_scope(granted),
        as_of=granted.as_of,
        options=_options(granted),
        expected_value=value,
        flip=flip,
        identified=False,
        design=DESIGN,
        experiment=experiment,
        assumptions=granted.assumptions,
        notes=_notes(granted, scorecard, snapshot),
    )


def _weakest(granted: GradeTerms) -> NDArray[np.bool_]:
    return (granted.table["grade"] == granted.weakest).to_numpy(dtype=bool)


def _row(granted: GradeTerms) -> Mapping[Hashable, Any]:
    return granted.table[_weakest(granted)].to_dict("records")[0]


def _answer_keep(granted: GradeTerms) -> str:
    row = _row(granted)
    who = name_of(granted.weakest)
    return (
        f"Leave the terms as they are: even {who}, of which {row['pd']:.0%} default within "
        f"{granted.horizon_days} days, leaves {100 * row['value']:.0f} of 100 sold "
        f"({100 * row['value_low']:.0f} to {100 * row['value_high']:.0f}).{_doubtful(granted)} Keep its "
        f"limits to {row['limit_months']:.1f} months of sales, and ask it for money in advance where the "
        f"margin is below {row['cost']:.0%}."
    )


def _doubtful(granted: GradeTerms) -> str:
    """Grades that earn on average, but not surely enough on today's terms."""
    table, yearly = granted.table, granted.yearly
    unsure = table[(table["sales"] > 0) & yearly["changes"].to_numpy()]
    if unsure.empty:
        return ""
    names = join_words([name_of(g) for g in unsure["grade"]])
    chance = float(yearly.loc[unsure.index, "today_chance"].min())
    return f" That {names} earns its credit is likely but not sure ({chance:.0%} of the draws)."


def _answer_change(granted: GradeTerms, losing: NDArray[np.bool_], value: Estimate) -> str:
    rows = granted.table[losing].to_dict("records")
    what = "; ".join(f"{name_of(r['grade'])}: {describe_grant(r)}" for r in rows)
    lost = -float(granted.today[losing, 0].sum())
    return (
        f"Change the terms of {what}. On today's terms these sales lose {about(lost, granted.currency)} a "
        f"year; the change is worth {about(value.value, granted.currency)} a year if everybody stays, and "
        "saves that loss if nobody does."
    )


def _worth(granted: GradeTerms) -> Estimate:
    """Worth of the weakest grade's sales on today's terms."""
    who = name_of(granted.weakest)
    method = (
        f"value of a year's sales to {who} on today's terms, against not making them; "
        f"{granted.today.shape[1] - 1:,} draws of default rate, loss and assumptions"
    )
    return _estimate(granted, granted.today[_weakest(granted)].sum(axis=0), method)


def _gain(granted: GradeTerms, losing: NDArray[np.bool_]) -> Estimate:
    gain = (granted.granted - granted.today)[losing].sum(axis=0)
    method = (
        "the table's terms against today's for the grades that lose, every customer staying; "
        f"{granted.today.shape[1] - 1:,} draws of default rate, loss and assumptions"
    )
    return _estimate(granted, gain, method)


def _estimate(granted: GradeTerms, draws: Floats, method: str) -> Estimate:
    low, high = np.quantile(draws[1:], [0.5 - granted.level / 2, 0.5 + granted.level / 2])
    point, unit = float(draws[0]), f"{granted.currency} a year"
    return Estimate(point, min(float(low), point), max(float(high), point), granted.level, unit, method)


def _flip_worth(granted: GradeTerms) -> Flip:
    row, margin = _row(granted), granted.assumptions[0]
    who, turn = name_of(granted.weakest), float(row["break_even_pd"])
    other = (
        "; no default rate does it"
        if turn > 1
        else f", or a default catches more than {turn:.0%} of its sales (now {row['pd_sale']:.1%})"
    )
    sentence = (
        f"{capital(who)} loses money on today's terms where the margin is below {row['cost']:.1%} (now "
        f"{margin.value:.0%}){other}."
    )
    return Flip(margin.name, margin.value, float(row["cost"]), "fraction of sales", sentence)


def _flip_gain(granted: GradeTerms, losing: NDArray[np.bool_]) -> Flip:
    margin = granted.assumptions[0]
    rows = granted.table[losing]
    turn = float(rows["cost"].min())
    who = name_of(str(rows.loc[rows["cost"].idxmin(), "grade"]))  # type: ignore[index]
    sentence = (
        f"{capital(who)} would earn its credit on today's terms where the margin is above {turn:.1%} (now "
        f"{margin.value:.1%}, {margin.low:.1%} to {margin.high:.1%})."
    )
    return Flip(margin.name, margin.value, turn, "fraction of sales", sentence)


def _trial_of_change(granted: GradeTerms, losing: NDArray[np.bool_]) -> str:
    """Who leaves when the table's terms are set."""
    names = join_words([name_of(g) for g in granted.table.loc[losing, "grade"]])
    return (
        f"Put half of the customers of {names}, drawn by lot, on the new terms half a year before the "
        "others, and compare what both order."
    )


def _trial_of_advance(granted: GradeTerms) -> str:
    """Who leaves when the weakest grade pays in advance, and how many may."""
    return (
        f"For half a year ask half of the customers of {name_of(granted.weakest)}, drawn by lot, for half of "
        f"the price in advance: it {_half_advance(granted)[1]}."
    )


def _half_advance(granted: GradeTerms) -> tuple[float, str]:
    """Value of a sale to the weakest grade with half in advance, and the share of sales that may leave."""
    margin, now = granted.assumptions[0].value, float(_row(granted)["value"])
    half = HALF * (margin + now)
    if now <= 0 or half <= 0:
        return half, "loses less, whoever leaves"
    return half, f"pays as long as less than {1 - now / half:.0%} of its sales leave"


def _scope(granted: GradeTerms) -> str:
    table = granted.table
    sales = about(float(table["sales"].sum()), granted.currency)
    return f"{int(table['customers'].sum()):,} customers not in default, who bought {sales} in the last year"


def _options(granted: GradeTerms) -> tuple[Option, ...]:
    out = []
    for row in granted.table.to_dict("records"):
        if not row["sales"] > 0:
            continue
        note = (
            f"{describe_grant(row)}; limit {row['limit_months']:.1f} months of sales; sales "
            f"{about(row['sales'], granted.currency)} a year"
        )
        ends = (row["value"], row["value_low"], row["value_high"])
        out.append(Option(f"{name_of(row['grade'])}, today's {row['days']:.0f} days", *ends, OF_SALES, note))
    half, remark = _half_advance(granted)
    out.append(Option(f"{name_of(granted.weakest)}, half in advance", half, None, None, OF_SALES, remark))
    return tuple(out)


def _notes(granted: GradeTerms, scorecard: Scorecard, snapshot: Snapshot) -> tuple[str, ...]:
    table, book = granted.table, granted.book
    budget = granted.inputs.assumed("risk_budget")
    notes = [
        "Sales are taken as they are. So a shorter term always looks better; the longest term is a ceiling "
        "for the risk, and whether longer terms sell more is another decision.",
        f"Limits follow a risk budget of {budget.value:.0%} of the margin, which is a choice: by expected "
        "value alone the best limit is all that a customer buys, or nothing.",
        f"Default: {scorecard.definition}, within {granted.horizon_days} days, carried to the days that a "
        "sale is at risk.",
    ]
    checked = check_expected_losses(granted, scorecard, snapshot)
    if len(checked):
        last = checked.iloc[-1]
        worst = checked.iloc[-2]
        notes.append(
            f"On orders billed after past gradings this reckoning expects {last['expected']:.2%} of sales to "
            f"be lost ({last['expected_low']:.2%} to {last['expected_high']:.2%}), and {last['seen']:.2%} "
            f"was; of {name_of(worst['grade'])} {worst['expected']:.1%} and {worst['seen']:.1%}. Few "
            "customers carry such losses, so by grade they say little."
        )
    above = int(table["above"].sum())
    if book.table["limit"].sum() > 0:
        notes.append(f"{above} customers have a limit in the ledger above what their grade gets.")
    if book.in_default:
        notes.append(f"{book.in_default} customers in default get nothing on account, whatever their grade.")
    return tuple(notes)
