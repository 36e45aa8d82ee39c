"""Which days of credit for which grade, as a recommendation against today's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.policy.cash import about
from arrisk.policy.grade_terms.page import join_words, name_of
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation
from arrisk.policy.recommendation_page import Verdict
from arrisk.policy.terms.frontier import TermsFrontier
from arrisk.policy.terms.page import decided_by_range
from arrisk.policy.terms.terms_policy import TermsPolicy
from arrisk.policy.terms.trial import TermsTrial, design_terms_trial

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.policy.study import Study

__all__ = ["QUESTION", "recommend_terms"]

QUESTION = "Which terms for which grade?"
EVIDENCE = (
    "Published evidence disagrees on how sales follow terms: a rule that shortened the terms of a large "
    "retailer made trade 11 percentage points less likely (Breza and Liberman 2017), while one that "
    "shortened those of French haulage let small suppliers in and fail less often (Barrot 2016). So the "
    "range is wide, and it is of other firms."
)
WAIT = (
    "Give half of the customers of the largest grade, drawn by lot, longer terms for half a year, and "
    "compare what both order."
)


def recommend_terms(
    study: Study, policy: TermsPolicy, frontier: TermsFrontier, snapshot: Snapshot
) -> Recommendation:
    """Change the terms of some grades, keep them, or say that the range of the elasticity decides.

    Parameters
    ----------
    study : Study
        Names the ledger of the question.
    policy : TermsPolicy
    frontier : TermsFrontier
        Of the policy.
    snapshot : Snapshot
        For the trial.

    Returns
    -------
    Recommendation
        "adopt" the chosen policy when it changes the terms of a grade, which it does only where that is sure
        to pay over the whole range of the elasticity; "the data cannot say" when it changes none and the
        range decides for some grade; "keep" otherwise. Never identified: nobody's terms were changed by lot.
    """
    open_to = decided_by_range(policy)
    trial = _trial(policy, snapshot, open_to)
    changed = _changed(policy, frontier)
    verdict: Verdict = "adopt" if len(changed) else "the data cannot say" if open_to else "keep"
    value = _gain(policy, frontier, "chosen" if len(changed) else "most profit")
    return Recommendation(
        decision=QUESTION,
        verdict=verdict,
        answer=_answer(policy, frontier, changed, open_to, value),
        scope=_scope(policy),
        as_of=policy.as_of,
        options=_options(policy, frontier),
        expected_value=value,
        flip=_flip(policy, changed, open_to),
        identified=False,
        design=(
            f"an assumed range of the elasticity, not an estimate: {policy.changes.finding()}; customers on "
            "different terms differ in more than their terms"
        ),
        experiment=WAIT if trial is None else trial.describe(),
        assumptions=policy.assumptions,
        notes=_notes(policy, frontier, trial),
    )


def _changed(policy: TermsPolicy, frontier: TermsFrontier) -> pd.DataFrame:
    """Rows of the policy's table for grades whose terms the chosen policy changes."""
    chosen = frontier.policy("chosen")
    rows = policy.table
    picked = [chosen.get(g) == o and o != "today" for g, o in zip(rows["grade"], rows["option"], strict=True)]
    return rows[np.array(picked, dtype=bool)]


def _trial(policy: TermsPolicy, snapshot: Snapshot, open_to: list[str]) -> TermsTrial | None:
    """Of the grade where knowing is worth most."""
    names = open_to or policy.grades
    regret = policy.table[policy.table["grade"].isin(names)].groupby("grade")["regret"].min()
    return design_terms_trial(policy, snapshot, str(regret.idxmax()))


def _answer(
    policy: TermsPolicy,
    frontier: TermsFrontier,
    changed: pd.DataFrame,
    open_to: list[str],
    value: Estimate,
) -> str:
    rest = ""
    if open_to:
        low, high = _ends(policy)
        rest = (
            f"for {join_words([name_of(g) for g in open_to])} the ledger cannot say: between {low:.0%} and "
            f"{high:.0%} more sales for 30 days more, the best terms change"
        )
    if len(changed):
        moves = [
            f"{name_of(str(g))} to {o}" for g, o in zip(changed["grade"], changed["option"], strict=True)
        ]
        gain = (
            f"Move {join_words(moves)}: worth {about(value.value, policy.currency)} a year "
            f"({about(value.low)} to {about(value.high)})"
        )
        return f"{gain}; {rest}." if rest else f"{gain}."
    if rest:
        return rest[0].upper() + rest[1:] + "."
    return "Leave the terms as they are: over the whole range of the elasticity no other terms earn more."


def _ends(policy: TermsPolicy) -> tuple[float, float]:
    given = policy.inputs.assumed("terms_elasticity")
    return given.low, given.high


def _draws(policy: TermsPolicy, row: pd.Series) -> np.ndarray:
    """Gain a year over today's terms of a policy of the frontier, by draw."""
    total = np.zeros(policy.value.shape[2])
    for k, grade in enumerate(policy.grades):
        if grade in row.index:
            total = total + policy.value[k, policy.options.index(row[grade])] - policy.value[k, 0]
    return total


def _gain(policy: TermsPolicy, frontier: TermsFrontier, name: str) -> Estimate:
    draws = _draws(policy, frontier.policy(name))
    mean, (low, high) = float(draws.mean()), _interval(draws, policy.level)
    method = (
        f"{name} policy ({frontier.policy(name)['label']}) against today's; mean and interval of "
        f"{draws.size:,} draws of default rates, losses and assumptions"
    )
    return Estimate(mean, min(low, mean), max(high, mean), policy.level, f"{policy.currency} a year", method)


def _interval(draws: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def _strict(policy: TermsPolicy, frontier: TermsFrontier) -> pd.Series:
    """Everybody on the shortest of the offered terms."""
    grades = [g for g in policy.grades if g in frontier.table]
    rows = frontier.table[(frontier.table[grades] == policy.options[1]).all(axis=1)]
    return rows.iloc[0]


def _options(policy: TermsPolicy, frontier: TermsFrontier) -> tuple[Option, ...]:
    named = {
        "today's terms": frontier.policy("today"),
        f"strict: everybody {policy.options[1]}": _strict(policy, frontier),
        f"chosen: {frontier.policy('chosen')['label']}": frontier.policy("chosen"),
        f"most profit: {frontier.policy('most profit')['label']}": frontier.policy("most profit"),
    }
    out = []
    for name, row in named.items():
        draws = _draws(policy, row)
        mean, (low, high) = float(draws.mean()), _interval(draws, policy.level)
        note = f"bad years lose {about(float(row['tail_loss']), policy.currency)}"
        if draws.any():
            note = f"gain over today; {note}; better in {float((draws > 0).mean()):.0%} of the draws"
        unit = f"{policy.currency} a year"
        out.append(Option(name, mean, min(low, mean), max(high, mean), unit, note))
    return tuple(out)


def _flip(policy: TermsPolicy, changed: pd.DataFrame, open_to: list[str]) -> Flip:
    given = policy.inputs.assumed("terms_elasticity")
    rows = changed
    if rows.empty:
        names = open_to or policy.grades
        rows = policy.table[policy.table["grade"].isin(names) & (policy.table["option"] != "today")]
        rows = rows[rows["break_even"].notna()]
    if rows.empty or rows["break_even"].isna().all():
        return Flip(
            given.name, given.value, None, given.unit, "No elasticity from -50% to +200% turns the terms."
        )
    near = (rows["break_even"] - given.value).abs()
    row = rows.iloc[int(near.argmin()) if changed.empty else int(rows["gain"].argmax())]
    turn = float(row["break_even"])
    longer = row["terms"] > float(policy.table.loc[policy.table["grade"] == row["grade"], "terms"].iloc[0])
    sentence = (
        f"{row['option']} for {name_of(str(row['grade']))} beat today's terms when sales follow by "
        f"{'more' if longer else 'less'} than {turn:.1%} for 30 days (assumed {given.value:.0%}, "
        f"{given.low:.0%} to {given.high:.0%})."
    )
    return Flip(given.name, given.value, turn, given.unit, sentence)


def _scope(policy: TermsPolicy) -> str:
    table = policy.book.table
    sales = about(float(table["sales"].sum()), policy.currency)
    return f"{int(table['customers'].sum()):,} customers not in default, who bought {sales} in the last year"


def _notes(policy: TermsPolicy, frontier: TermsFrontier, trial: TermsTrial | None) -> tuple[str, ...]:
    seen = policy.inputs.delays
    notes = [
        EVIDENCE,
        f"A payment comes {seen.value:.2f} days later for a day of terms more ({seen.low:.2f} to "
        f"{seen.high:.2f}): {seen.how}.",
        f"Extra sales cost what others do and default {policy.inputs.assumed('extra_pd_ratio').value:.1f} "
        "times as often; what rivals do in answer is not in it.",
        f"Bad years: mean credit loss of the worst {1 - frontier.tail:.0%} of {frontier.years:,} simulated "
        f"years; the chosen policy may lose {about(frontier.tail_limit, policy.currency)} in them.",
    ]
    if trial is not None:
        notes.append(
            f"Knowing the elasticity would be worth at most {about(trial.worth_knowing, policy.currency)} a "
            f"year in {name_of(trial.grade)}."
        )
    if policy.doubt:
        notes.append(f"No customer can be graded: {policy.doubt}. So there is one policy for all.")
    return tuple(notes)
