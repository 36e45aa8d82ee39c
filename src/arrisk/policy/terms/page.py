"""The terms by grade as tables a finance director reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from arrisk.display import Format, Table
from arrisk.policy.grade_terms.page import capital, join_words, name_of

if TYPE_CHECKING:
    from arrisk.policy.terms.terms_policy import TermsPolicy

__all__ = ["break_even_table", "decided_by_range", "describe_finding", "inputs_table", "policy_table"]


def decided_by_range(policy: TermsPolicy) -> list[str]:
    """Grades with sales whose best terms differ between the ends of the elasticity's range."""
    out = []
    for grade, rows in policy.table.groupby("grade", sort=False):
        if rows["sales"].max() > 0 and rows["value_at_low"].argmax() != rows["value_at_high"].argmax():
            out.append(str(grade))
    return out


def describe_finding(policy: TermsPolicy) -> str:
    """Which terms win at both ends of the range, in one sentence."""
    open_to = decided_by_range(policy)
    rows = policy.table
    if not rows["sales"].max() > 0:
        return "Nobody bought anything on known terms in the last year"
    if not open_to:
        best = [f"{name_of(g)} {_best(policy, g)}" for g in policy.grades]
        return capital(f"over the whole range of the elasticity the same terms win: {'; '.join(best)}")
    who = join_words([name_of(g) for g in open_to])
    own = rows[rows["grade"] == open_to[0]]
    low, high = (str(own["option"].iloc[own[c].argmax()]) for c in ("value_at_low", "value_at_high"))
    given = policy.inputs.assumed("terms_elasticity")
    return capital(
        f"how far sales follow the terms decides for {who}: {low} at {given.low:.0%} for 30 days more, "
        f"{high} at {given.high:.0%}"
    )


def _best(policy: TermsPolicy, grade: str) -> str:
    own = policy.table[policy.table["grade"] == grade]
    return str(own["option"].iloc[int(own["value"].argmax())])


def policy_table(policy: TermsPolicy, name: str) -> Table:
    """Value a year by grade and terms, with what the choice risks."""
    rows = policy.table[policy.table["sales"] > 0]
    frame = rows[
        ["grade", "option", "days", "sales", "loss", "value", "gain", "gain_low", "gain_high"]
    ].reset_index(drop=True)
    frame["better_than_today"] = rows["chance"].where(rows["option"] != "today").to_numpy()
    frame["best_of_all"] = rows["chance_best"].to_numpy()
    frame["regret"] = rows["regret"].to_numpy()
    money = ("sales", "loss", "value", "gain", "gain_low", "gain_high", "regret")
    formats: dict[str, Format] = {
        **dict.fromkeys(money, "money"),
        **dict.fromkeys(("better_than_today", "best_of_all"), "percent"),
        "days": "days",
    }  # type: ignore[dict-item]
    draws, worst = policy.value.shape[2], policy.diagnostics["mc_error_of_gain"]
    note = (
        f"{policy.currency} a year, means over {draws:,} draws that all terms share; {policy.level:.0%} "
        f"intervals; the simulation's own error of a gain is at most {worst:,.0f}. Value: margin "
        "less waiting less expected loss of a year's sales, discounted to delivery. Days: from delivery to "
        "payment. Today: every sale on the terms it has. Regret: what knowing the truth would add."
    )
    return Table(name, policy.finding(), frame.round(6), note, formats)


def break_even_table(policy: TermsPolicy, name: str) -> Table:
    """A row a grade, a column the offered terms: the elasticity that flips each."""
    rows = policy.table[(policy.table["option"] != "today") & (policy.table["sales"] > 0)]
    given = policy.inputs.assumed("terms_elasticity")
    today = policy.table[policy.table["option"] == "today"].set_index("grade")["terms"]
    frame = pd.DataFrame(
        [
            {
                "grade": grade,
                "terms_today": float(today[grade]),
                **{f"to_{t:.0f}_days": e for t, e in zip(own["terms"], own["break_even"], strict=True)},
            }
            for grade, own in rows.groupby("grade", sort=False)
        ]
    )
    formats: dict[str, Format] = dict.fromkeys(frame.columns[2:], "percent")
    formats["terms_today"] = "days"
    note = (
        "Relative change of sales for 30 days of terms at which these terms are worth what today's are. "
        "Longer terms pay when sales follow by more, shorter ones when they follow by less. Blank: none "
        f"from -50% to +200% does it. Assumed: {given.value:.0%} ({given.low:.0%} to {given.high:.0%}); "
        f"{given.source}."
    )
    return Table(name, _break_even_title(frame, given.low, given.high), frame, note, formats)


def _break_even_title(frame: pd.DataFrame, low: float, high: float) -> str:
    cells = [v for c in frame.columns[2:] for v in frame[c] if not math.isnan(v)]
    inside = sum(low < v < high for v in cells)
    return f"{inside} of {len(cells)} changes of terms flip within the assumed range of the elasticity"


def inputs_table(policy: TermsPolicy, name: str) -> Table:
    """The assumption sheet of the terms."""
    rows = [(a.name, a.value, a.low, a.high, a.unit, a.source) for a in policy.assumptions]
    frame = pd.DataFrame(rows, columns=["assumption", "value", "low", "high", "unit", "source"])
    seen = policy.inputs.delays
    note = (
        f"A payment comes {seen.value:.2f} days later for a day of terms more ({seen.low:.2f} to "
        f"{seen.high:.2f}): {seen.how}. Of changed terms: {policy.changes.finding()}."
    )
    return Table(name, "What the value of other terms rests on", frame.round(6), note)
