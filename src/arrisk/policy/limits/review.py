"""What limit each customer should have, and whether to keep limits at all, as a recommendation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import money
from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.limits.limit_plan import LimitPlan, make_limit_plan
from arrisk.policy.limits.limit_policy import OPTIONS, LimitPolicy, make_limits
from arrisk.policy.limits.plan_page import MODEL, WITHIN, describe_cap, describe_plan, describe_range
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation
from arrisk.policy.recommendation_page import Verdict

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.limits.stop_threshold import StopThresholds
    from arrisk.policy.study import Study

__all__ = ["QUESTION", "limits_are_kept", "recommend_limits"]

QUESTION = "Which limit does each customer get, and when do we stop its orders?"
KEPT_SHARE = 0.02
NAMED = 3
DESIGN = (
    "expected value from default risks and assumed margins; limits were not set by lot, so what customers do "
    "when a limit is kept is not known: their wishes are taken to be what they owed"
)
EXPERIMENT = (
    "For two quarters keep the new limits for half of the customers whose limit would rise or fall, drawn by "
    "lot within grade; compare sales, days overdue and money unpaid with the other half."
)
FIRST = (
    "Write down the limits of the 20 largest customers and the customers lost in the last five years with "
    "what they owed, and read the ledger again."
)


def recommend_limits(
    study: Study,
    scorecard: Scorecard,
    snapshot: Snapshot,
    policy: LimitPolicy | None = None,
    stops: StopThresholds | None = None,
    plan: LimitPlan | None = None,
) -> Recommendation:
    """Adopt the model's limits, keep today's practice, or say that the data cannot say.

    Parameters
    ----------
    study : Study
        See `make_limits`; `materiality` when it gives one.
    scorecard : Scorecard
    snapshot : Snapshot
    policy : LimitPolicy, optional
        When made before from the same three.
    stops : StopThresholds, optional
        Told beside it: at which use of the limit to stop orders.
    plan : LimitPlan, optional
        When made before from the policy: its limits are taken, which are those within the risk budget where
        the model's would pass it.

    Returns
    -------
    Recommendation
        "adopt" when the model's limits surely earn more in a year than today's practice, or its worst years
        pass the risk budget; "keep" when not;
        "the data cannot say" when customers cannot be told apart by default risk or the ledger holds no
        limit. Today's practice is that no limit is kept when customers stood above theirs in more than one
        week of fifty.
    """
    policy = policy or make_limits(study, scorecard, snapshot)
    if policy.inputs.doubt or not policy.has_limits:
        return _cannot_say(policy)
    plan = plan or make_limit_plan(study, policy)
    return _weigh(study, plan, stops)


def limits_are_kept(policy: LimitPolicy) -> bool:
    """Whether customers stay within today's limits: above them in at most one week of fifty."""
    above = weeks = 0
    for limit, wanted in zip(policy.table["today"], policy.inputs.wanted, strict=True):
        if not np.isnan(limit):
            above, weeks = above + int((wanted > limit).sum()), weeks + wanted.size
    return above <= KEPT_SHARE * weeks


def _weigh(study: Study, plan: LimitPlan, stops: StopThresholds | None) -> Recommendation:
    policy = plan.policy
    base = OPTIONS[1] if limits_are_kept(policy) else OPTIONS[0]
    gain, low, high = policy.gain(base)
    material = given_or_typical(study, "materiality")
    passed = _passes_budget(plan, base)
    verdict: Verdict = "adopt" if passed or low > material.value else "keep"
    earned = float((policy.table["value"]).sum())
    turning = max(gain, 0.0) / earned if earned > 0 else 0.0
    unit = f"{policy.currency} a year"
    return Recommendation(
        decision=QUESTION,
        verdict=verdict,
        answer=f"{_answer(policy, base, verdict)} {passed}{describe_plan(plan)}.",
        scope=_scope(policy),
        as_of=policy.as_of,
        options=_options(plan, base, unit),
        expected_value=Estimate(
            gain,
            low,
            high,
            policy.level,
            unit,
            f"value of a year under the model's limits less that of {base}; draws of the assumptions and of "
            "default risk, the latter at the same end for all customers",
        ),
        flip=Flip(
            "sales that customers take elsewhere because limits are kept",
            0.0,
            turning,
            "fraction of their value",
            f"The gain is gone when keeping limits drives away {turning:.2%} of what the lines earn. "
            f"{_turning_risk(policy)}",
        ),
        identified=False,
        design=DESIGN,
        experiment=EXPERIMENT,
        assumptions=(*policy.inputs.assumptions, plan.stated),
        notes=_notes(plan, stops),
    )


def _passes_budget(plan: LimitPlan, base: str) -> str:
    """Says so when the worst years of today's practice pass the risk budget; empty when not."""
    worst = float(plan.policy.tail.set_index("option")["shortfall"][base])
    if worst <= plan.budget or plan.policy.draws[2, 0] <= 0:
        return ""
    return (
        f"Today's practice passes the risk budget: its worst year in a hundred loses "
        f"{money(worst, plan.currency)}. "
    )


def _answer(policy: LimitPolicy, base: str, verdict: str) -> str:
    counts = policy.table["change"].value_counts()
    words = {"raise": "raise", "cut": "cut", "stop": "end", "set": "set"}
    parts = ", ".join(f"{words[c]} {counts[c]}" for c in words if counts.get(c, 0))
    first = policy.changes.head(NAMED)
    named = ", ".join(
        f"{name} {'none' if np.isnan(now) else money(now)} to {money(new)}"
        for name, now, new in zip(first["customer_id"], first["today"], first["limit"], strict=True)
    )
    kept = "Today's limits are passed often, so none is really kept. " if base == OPTIONS[0] else ""
    loss = money(-policy.gain(OPTIONS[0])[0] + policy.gain(OPTIONS[1])[0], policy.currency)
    warning = f" To keep today's limits instead would cost {loss} a year." if base == OPTIONS[0] else ""
    if verdict == "keep":
        return f"{kept}Leave the limits: new ones do not surely earn more.{warning}"
    return f"{kept}Set limits anew and keep them: {parts} (first of all {named}).{warning}"


def _scope(policy: LimitPolicy) -> str:
    held = int(policy.table["in_default"].sum())
    return f"{len(policy.table) - held} customers; {held} in default get no line and count in no gain"


def _options(plan: LimitPlan, base: str, unit: str) -> tuple[Option, ...]:
    policy = plan.policy
    tails = policy.tail.set_index("option")["tail_loss"]
    out = []
    for name in OPTIONS:
        more = policy.draws[OPTIONS.index(name)] - policy.draws[OPTIONS.index(base)]
        low, high = np.quantile(more[1:], [0.5 - policy.level / 2, 0.5 + policy.level / 2])
        note = f"99 of 100 years lose less than {money(tails[name], policy.currency)}"
        note = f"today's practice; {note}" if name == base else note
        point = float(more[0])
        out.append(Option(name, point, float(min(low, point)), float(max(high, point)), unit, note))
    if plan.binds:
        lost = plan.total(MODEL, "value") - plan.total(WITHIN, "value")
        free = (
            f"passes the risk budget: the worst year in a hundred loses {money(plan.free, policy.currency)}"
        )
        value = float(policy.draws[2, 0] - policy.draws[OPTIONS.index(base), 0]) + lost
        out.append(Option(f"{OPTIONS[2]}, without the budget", value, None, None, unit, free))
    return tuple(out)


def _turning_risk(policy: LimitPolicy) -> str:
    if np.isnan(policy.flip):
        return "No default risk up to 200 times today's makes limits below what is wanted best."
    return (
        f"Only at {policy.flip:.1f} times today's default risk would a tenth of the customers deserve less "
        "than they want."
    )


def _notes(plan: LimitPlan, stops: StopThresholds | None) -> tuple[str, ...]:
    policy = plan.policy
    notes = [f"{policy.shape()}.", f"{describe_range(plan)}.", f"{describe_cap(plan)}."]
    notes += _risky_raises(policy)
    notes.append("What customers wanted is what they owed: where a limit held them back they wanted more.")
    if stops is not None:
        notes.append(
            f"When to stop orders at today's limits: {stops.finding()}. Today's limits lie below what good "
            "customers want; with limits at what they want few orders would be stopped."
        )
    return tuple(notes)


def _risky_raises(policy: LimitPolicy) -> list[str]:
    """The largest raise of the worst grade: what it hangs on."""
    raised = policy.changes[policy.changes["change"] == "raise"]
    raised = raised[raised["grade"] == policy.table["grade"].max()]
    if raised.empty or policy.table["grade"].nunique() < 2:
        return []
    row = raised.iloc[0]
    turn = "" if np.isnan(row["break_even_pd"]) else f" and its default risk below {row['break_even_pd']:.0%}"
    moves = f"{money(row['today'])} to {money(row['limit'])}"
    return [
        f"The boldest raise is {row['customer_id']} (grade {row['grade']}, {row['pd']:.0%} default within "
        f"{policy.inputs.horizon_days} days) from {moves}: it pays while its own margin is above "
        f"{row['break_even_margin']:.1%}{turn}. The ledger holds no margin by customer: look it up before "
        "signing."
    ]


def _cannot_say(policy: LimitPolicy) -> Recommendation:
    reasons = [] if policy.has_limits else ["the ledger holds no credit limit to compare with"]
    if policy.inputs.doubt:
        reasons.append(f"customers cannot be told apart by default risk ({policy.inputs.doubt})")
    total = money(float(policy.table["peak"].sum()), policy.currency)
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=(
            f"Limits cannot be judged: {' and '.join(reasons)}. All that customers wanted at most is {total}."
        ),
        scope="all customers",
        as_of=policy.as_of,
        experiment=FIRST,
        assumptions=policy.inputs.assumptions,
        notes=(f"{policy.shape()}.",),
    )
