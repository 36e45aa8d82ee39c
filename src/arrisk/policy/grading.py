"""Release or stop new orders on account: what the grades would have been worth on past days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.validation.discrimination import customer_weights
from arrisk.policy.assumptions import Assumption
from arrisk.policy.cash import about
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = ["StopValue", "order_outcomes", "recommend_scorecard", "stop_value"]

QUESTION = "Release or stop new orders on account, and for whom?"
YEAR = 365
DRAWS = 1_000
SPAWN_KEY = 4
EXPERIMENT = (
    "Let analysts' judgement, rather than the grade alone, decide half of the next 50 orders of the worst "
    "grade, chosen at random, and compare losses and margin after 180 days."
)
WAIT = (
    "Record every account handed to collection, insolvency and write-off for the last five years, also those "
    "cleared without cash, and ask a credit bureau to rate the twenty largest customers."
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StopValue:
    """Yearly value of stopping new orders on account for some grades, against releasing all.

    `value`, `low`, `high` in currency units a year; `sales` and `loss` a year of the stopped orders;
    `draws` are the simulated values behind the interval.
    """

    grades: tuple[str, ...]
    value: float
    low: float
    high: float
    sales: float
    loss: float
    draws: Floats

    @property
    def break_even_margin(self) -> float:
        """Margin at which stopping and releasing come to the same: what is lost of a unit of sales."""
        return self.loss / self.sales if self.sales > 0 else float("nan")


def order_outcomes(scorecard: Scorecard, snapshot: Snapshot) -> pd.DataFrame:
    """What became of the orders billed after each observation of the scorecard, within its horizon.

    Returns
    -------
    DataFrame
        `cutoff`, `customer_id`, `grade` (out of fold), `sales` (billed in the window and old enough to have
        defaulted, net of credit notes), `lost` (written off less recovered), `stuck` (still open and as long
        overdue as the definition of default says), `seen` (share of the window's sales old enough).
    """
    items = snapshot.items
    items = items[(items["amount"] > 0) & items["due_date"].notna()]
    old = (snapshot.date - items["due_date"]).dt.days >= scorecard.definition.days
    base = pd.DataFrame(
        {
            "customer_id": items["customer_id"],
            "issue_date": items["issue_date"],
            "billed": items["amount"] - items["credited_amount"],
            "sales": (items["amount"] - items["credited_amount"]).where(old, 0.0),
            "lost": (items["written_off_amount"] - items["recovered_amount"]).where(old, 0.0),
            "stuck": items["open_amount"].where(old, 0.0),
        }
    )
    horizon = pd.Timedelta(days=scorecard.horizon_days)
    parts = []
    for cutoff, seen in scorecard.observations.groupby("cutoff"):
        begin = pd.Timestamp(str(cutoff))
        window = base[(base["issue_date"] > begin) & (base["issue_date"] <= begin + horizon)]
        sums = window.groupby("customer_id")[["billed", "sales", "lost", "stuck"]].sum()
        rows = seen[["cutoff", "customer_id", "grade"]].join(sums, on="customer_id")
        rows = rows.fillna(dict.fromkeys(sums.columns, 0.0))
        billed = rows.pop("billed").sum()
        parts.append(rows.assign(seen=rows["sales"].sum() / billed if billed > 0 else 0.0))
    return pd.concat(parts, ignore_index=True)


def stop_value(
    outcomes: pd.DataFrame,
    grades: Sequence[str],
    margin: Assumption,
    lgd: Assumption,
    horizon_days: int,
    seed: int,
    level: float = 0.95,
) -> StopValue:
    """Loss avoided less margin lost, a year, had orders of some grades been stopped.

    Parameters
    ----------
    outcomes : DataFrame
        From `order_outcomes`.
    grades : sequence of str
    margin : Assumption
        Margin lost on a unit of stopped sales.
    lgd : Assumption
        Lost of what is stuck; what was written off counts as it was.
    horizon_days : int
        Length of a window.
    seed : int
        The draws resample customers and draw both assumptions from triangles over their ranges; the same
        seed gives the same draws for every set of grades.
    level : float

    Notes
    -----
    An order that is lost costs its full loss either way of counting the margin: stopping it avoids
    ``loss - margin * sales``, stopping a good one loses ``margin * sales``.
    """
    years = outcomes.groupby("cutoff")["seen"].first().sum() * horizon_days / YEAR
    pick = outcomes["grade"].isin(list(grades)).to_numpy(float)
    sales, lost, stuck = (outcomes[c].to_numpy(float) * pick / years for c in ("sales", "lost", "stuck"))
    people, spread = np.random.SeedSequence(seed, spawn_key=(SPAWN_KEY,)).spawn(2)
    weights = customer_weights(outcomes["customer_id"], DRAWS, people)
    rng = np.random.default_rng(spread)
    margins, lgds = (_draw(a, rng) for a in (margin, lgd))
    draws = weights @ lost + lgds * (weights @ stuck) - margins * (weights @ sales)
    loss = float(lost.sum() + lgd.value * stuck.sum())
    value = loss - margin.value * float(sales.sum())
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return StopValue(
        tuple(grades), value, float(min(low, value)), float(max(high, value)), float(sales.sum()), loss, draws
    )


def recommend_scorecard(study: Study, scorecard: Scorecard, snapshot: Snapshot) -> Recommendation:
    """Whether to stop new orders on account for the worst grades.

    Parameters
    ----------
    study : Study
        Gives `stop_margin` (or `gross_margin`) and `lgd`.
    scorecard : Scorecard
    snapshot : Snapshot
        The one it was fitted on, or a later one.

    Returns
    -------
    Recommendation
        "adopt" (stop) when the gain of the best set of grades is above zero over its whole interval, "keep"
        (release) otherwise; "the data cannot say" with too few defaulters, or grades that do not tell
        customers apart better than chance.
    """
    doubt = _doubt(scorecard)
    if doubt:
        return _cannot_say(study, scorecard, doubt)
    margin, lgd = study.get("stop_margin") or study.assumption("gross_margin"), study.assumption("lgd")
    outcomes = order_outcomes(scorecard, snapshot)
    if not outcomes["sales"].sum() > 0:
        return _cannot_say(study, scorecard, "No order billed after a past grading is old enough to judge.")
    values = [
        stop_value(outcomes, g, margin, lgd, scorecard.horizon_days, study.seed, scorecard.level)
        for g in _stops(scorecard, outcomes)
    ]
    best = max(values, key=lambda v: v.value)
    return _recommendation(study, scorecard, snapshot, values, best, (margin, lgd))


def _stops(scorecard: Scorecard, outcomes: pd.DataFrame) -> list[tuple[str, ...]]:
    """The worst grade, the two worst, ... of those that hold sales; never all of them unless there is one."""
    held = outcomes.groupby("grade")["sales"].sum()
    used = [g for g in list(scorecard.bounds)[::-1] if held.get(g, 0.0) > 0]
    return [tuple(sorted(used[: k + 1])) for k in range(max(1, len(used) - 1))]


def _draw(a: Assumption, rng: np.random.Generator) -> Floats:
    if not a.is_range:
        return np.full(DRAWS, a.value)
    return np.asarray(rng.triangular(a.low, a.value, a.high, DRAWS), dtype=float)


def _doubt(scorecard: Scorecard) -> str:
    if not scorecard.identified or scorecard.auc is None:
        return (
            f"No customer can be graded: {scorecard.doubt}. All that is known is that, with "
            f"{scorecard.level:.0%} confidence, at most {scorecard.upper_bound:.1%} of customers default "
            f"within {scorecard.horizon_days} days."
        )
    if scorecard.auc.low <= 0.5:
        return (
            f"The score may order customers no better than chance: the area under the curve is "
            f"{scorecard.auc.value:.2f} ({scorecard.auc.low:.2f} to {scorecard.auc.high:.2f})."
        )
    return _unseparated(scorecard)


def _unseparated(scorecard: Scorecard) -> str:
    """Why the grades do not tell customers apart: a single one is used, or the worst fails no more often."""
    used = scorecard.grades[scorecard.grades["rows"] > 0]
    if len(used) == 1:
        return (
            f"Every customer falls into grade {used['grade'].iloc[0]}: the grades single nobody out, and "
            "their bounds do not suit this ledger."
        )
    worst = used.iloc[-1]
    rest = used.iloc[:-1]
    others = rest["defaults"].sum() / rest["rows"].sum()
    if worst["ci_low"] > others:
        return ""
    return (
        f"The grades do not separate: {worst['observed']:.1%} of grade {worst['grade']} defaulted "
        f"({worst['ci_low']:.1%} to {worst['ci_high']:.1%}), {others:.1%} of the better grades."
    )


def _recommendation(
    study: Study,
    scorecard: Scorecard,
    snapshot: Snapshot,
    values: list[StopValue],
    best: StopValue,
    assumptions: tuple[Assumption, Assumption],
) -> Recommendation:
    stop = best.low > 0
    now = scorecard.predict(snapshot)
    hit = now[now["grade"].isin(best.grades) & ~now["in_default"]]
    return Recommendation(
        decision=QUESTION,
        verdict="adopt" if stop else "keep",
        answer=_answer(study, best, stop, len(hit)),
        scope=f"{int((~now['in_default']).sum())} customers not in default, new orders of a year",
        as_of=snapshot.date,
        options=_options(study.currency, values),
        expected_value=Estimate(
            best.value,
            best.low,
            best.high,
            scorecard.level,
            f"{study.currency} a year",
            f"gain from stopping {_name(best.grades)} rather than releasing all, by orders after past "
            f"gradings; {DRAWS} draws of customers and assumptions",
        ),
        flip=_flip(best, assumptions[0]),
        identified=True,
        design=(
            "orders billed after past gradings and what became of them, each customer graded by a fit "
            "without it; a stopped order earns no margin and loses nothing"
        ),
        experiment=EXPERIMENT,
        assumptions=assumptions,
        notes=_notes(scorecard, int(now["in_default"].sum())),
    )


def _name(grades: tuple[str, ...]) -> str:
    return f"grade {grades[0]}" if len(grades) == 1 else f"grades {grades[0]} to {grades[-1]}"


def _answer(study: Study, best: StopValue, stop: bool, hit: int) -> str:
    gain, code = about(abs(best.value), study.currency), study.currency
    who = f"{_name(best.grades)} ({hit} customers now)"
    if stop:
        limits = f"{about(best.low)} to {about(best.high)}"
        return f"Stop new orders on account for {who}: it saves more than it costs, {gain} a year ({limits})."
    if best.high < 0:
        return (
            f"Release the orders of all grades: stopping {who} would cost {gain} a year "
            f"({about(-best.high)} to {about(-best.low)}), as more margin is given up than losses are saved."
        )
    verb = "gain" if best.value > 0 else "cost"
    return (
        f"Release the orders of all grades: stopping {who} would {verb} {gain} a year, but anything "
        f"from a cost of {about(-best.low, code)} to a gain of {about(best.high, code)} is possible."
    )


def _options(currency: str, values: list[StopValue]) -> tuple[Option, ...]:
    options = [Option("release all", 0.0, 0.0, 0.0, currency, "the base; all sums are of a year")]
    for v in values:
        note = f"loss saved {about(v.loss)}, sales given up {about(v.sales)}"
        options.append(Option(f"stop {_name(v.grades)}", v.value, v.low, v.high, currency, note))
    worst = values[0]
    note = "from nobody agreeing, which is a stop, to everybody"
    high = max(worst.loss, worst.value)
    options.append(Option(f"{_name(worst.grades)} pays in advance", None, worst.value, high, currency, note))
    return tuple(options)


def _flip(best: StopValue, margin: Assumption) -> Flip:
    turn = best.break_even_margin
    sentence = (
        f"Stopping {_name(best.grades)} pays where the margin is below {turn:.1%}, the share of its sales "
        f"that is lost; the margin is {margin.value:.1%} ({margin.low:.0%} to {margin.high:.0%})."
    )
    return Flip(margin.name, margin.value, turn, "fraction of sales", sentence)


def _notes(scorecard: Scorecard, in_default: int) -> tuple[str, ...]:
    auc = scorecard.auc
    assert auc is not None
    ratio = scorecard.diagnostics["observed_over_expected"]
    return (
        f"{in_default} customers are in default already: stop and collect, whatever the grades say.",
        f"Default: {scorecard.definition}, within {scorecard.horizon_days} days; {scorecard.defaulters} "
        f"customers defaulted in the windows seen.",
        f"Customers left out of the fit are ordered with an area under the curve of {auc.value:.2f} "
        f"({auc.low:.2f} to {auc.high:.2f}); observed over expected defaults {ratio:.2f}.",
        "Orders refused in the past are not in the ledger, so the losses they would have brought are not "
        "counted.",
    )


def _cannot_say(study: Study, scorecard: Scorecard, why: str) -> Recommendation:
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=why,
        scope=f"{scorecard.observations['customer_id'].nunique()} customers seen on past days",
        as_of=scorecard.as_of,
        experiment=WAIT,
        notes=(f"Definition of default: {scorecard.definition}.",),
    )
