"""Whom to watch, and which alarms are worth acting on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from scipy import stats

from arrisk.models.early_warning.ranking import COMBINED, SINGLE
from arrisk.policy.cash import about
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation, Verdict
from arrisk.portfolio.signals.rules import AlertRules, make_alert_rules

if TYPE_CHECKING:
    from arrisk.models.early_warning.backtest import AlertBacktest
    from arrisk.models.early_warning.ranking import AlertRanking
    from arrisk.policy.alert_value import AlertValue
    from arrisk.policy.study import Study

__all__ = ["alerts_for_experiment", "define_alerts", "recommend_early_warning"]

QUESTION = "Whom do we watch, and which alarms are worth acting on?"
SIZE, POWER = 0.05, 0.80
WAIT = (
    "Record every account handed to collection, insolvency and write-off of the last five years with its "
    "date, and log from now on each alarm with what was done about it."
)
DESIGN = (
    "what customers did after past alarms is known, but not what they would have done had somebody acted; "
    "some alarms were probably acted on already, and not at random"
)


def define_alerts(study: Study) -> AlertRules:
    """The rules of a study: ``[settings.early_warning]``, and its `materiality`.

    Raises
    ------
    StudyError
        If a setting is unknown or `materiality` is not given.
    """
    settings = study.settings.get("early_warning")
    return make_alert_rules(settings, study.assumption("materiality").value, study.currency)


def alerts_for_experiment(share: float, factor: float = 0.5) -> int:
    """Alerts needed in all to see a share of defaults fall by a factor, half of them acted on at random.

    Parameters
    ----------
    share : float
        Of alerts followed by default when nobody acts.
    factor : float
        What acting leaves of it.

    Notes
    -----
    Two shares, two-sided test of size 5%, power 80%, normal approximation (Fleiss, without correction).

    Examples
    --------
    >>> alerts_for_experiment(0.4)
    158
    """
    other = factor * share
    spread = share * (1 - share) + other * (1 - other)
    reach = float(stats.norm.ppf(1 - SIZE / 2) + stats.norm.ppf(POWER))
    return 2 * math.ceil(spread * (reach / (share - other)) ** 2)


def recommend_early_warning(
    study: Study, backtest: AlertBacktest, ranking: AlertRanking, value: AlertValue
) -> Recommendation:
    """Watch by the alarms that foretell default; stop orders only where that would have paid.

    Parameters
    ----------
    study : Study
        Gives `alert_budget`.
    backtest : AlertBacktest
    ranking : AlertRanking
        Of the back-test, at the study's budget.
    value : AlertValue
        Of the back-test.

    Returns
    -------
    Recommendation
        "adopt" (stop new orders at the best alarm) when some alarm foretells default and stopping at it is
        worth more than nothing over its whole interval; "keep" (watch and call, stop at none) when alarms
        foretell default but no stop pays for sure; "reject" when no alarm does better than chance; "the data
        cannot say" with too few defaulters.
    """
    if not backtest.identified or not value.table["sales"].sum() > 0:
        return _cannot_say(study, backtest)
    good = backtest.separating
    judged = value.table[value.table["alerts"] > 0]
    best = value.best(good or list(judged["rule"]))
    verdict: Verdict = "reject" if not good else "adopt" if best["value_low"] > 0 else "keep"
    return Recommendation(
        decision=QUESTION,
        verdict=verdict,
        answer=_answer(verdict, backtest, ranking, value, best),
        scope=f"active customers not in default, alarms of {backtest.outcomes.weeks:.0f} weeks",
        as_of=backtest.outcomes.as_of,
        options=_options(backtest, ranking, value, good),
        expected_value=Estimate(
            best["value"],
            best["value_low"],
            best["value_high"],
            value.level,
            f"{study.currency} a year",
            f"gain from stopping new orders for {value.stop_days} days at every alarm "
            f"'{value.labels[best['rule']]}' rather than at none; draws of customers, margin and loss rate",
        ),
        flip=_flip(verdict, backtest, value, best),
        identified=False,
        design=DESIGN,
        experiment=_experiment(backtest, ranking, best),
        assumptions=(value.margin, value.lgd, study.assumption("alert_budget")),
        notes=_notes(backtest, ranking),
    )


def _watched(backtest: AlertBacktest, ranking: AlertRanking) -> str:
    """The ordering to watch by: the combination only where it is better beyond doubt."""
    if ranking.beats:
        return COMBINED
    rule = ranking.best_rule if ranking.best_rule in backtest.separating else backtest.separating[0]
    return backtest.rules[rule].label


def _answer(
    verdict: Verdict, backtest: AlertBacktest, ranking: AlertRanking, value: AlertValue, best: dict[str, Any]
) -> str:
    code, label = value.currency, value.labels[best["rule"]]
    if verdict == "reject":
        return (
            f"Act on none of the alarms: none of {len(backtest.table)} foretells default better than chance "
            f"({backtest.base:.0%} of ordinary days are followed by one)."
        )
    watch = f"Watch customers by '{_watched(backtest, ranking)}'"
    gain = f"{about(abs(best['value']), code)} a year"
    if verdict == "adopt":
        limits = f"{about(best['value_low'])} to {about(best['value_high'])}"
        return (
            f"{watch}, and stop new orders at the alarm '{label}': that would have gained {gain} ({limits})."
        )
    verb = "gained" if best["value"] > 0 else "cost"
    ends = f"{_signed(best['value_low'], code)} to {_signed(best['value_high'], code)}"
    return (
        f"{watch} and call; stop new orders at no alarm by itself: even at the best one, '{label}', stopping "
        f"would have {verb} {gain} ({ends})."
    )


def _signed(value: float, code: str) -> str:
    return f"a {'gain' if value >= 0 else 'cost'} of {about(abs(value), code)}"


def _options(
    backtest: AlertBacktest, ranking: AlertRanking, value: AlertValue, good: list[str]
) -> tuple[Option, ...]:
    options = [Option("stop at no alarm", 0.0, 0.0, 0.0, value.currency, "the base; all sums are of a year")]
    table = value.table[value.table["rule"].isin(good)].sort_values("value", ascending=False, kind="stable")
    for row in table.to_dict("records"):
        note = (
            f"loss avoided {about(row['avoided'])}, margin lost {about(row['margin_lost'])}; a false stop "
            f"costs {about(row['false_stop'])}; at stake for a call {about(row['at_stake'])}"
        )
        label = f"stop at '{value.labels[row['rule']]}'"
        options.append(Option(label, row["value"], row["value_low"], row["value_high"], value.currency, note))
    if ranking.identified:
        for name in (SINGLE, COMBINED):
            mine = ranking.row(name)
            note = f"{mine['handled']:.0f} alarms handled; median {mine['lead_days']:.0f} days ahead"
            share, low, high = (100 * float(mine[c]) for c in ("caught", "caught_low", "caught_high"))
            unit = "% of defaults caught in time"
            options.append(Option(f"watch by {name}", share, low, high, unit, note))
    return tuple(options)


def _flip(verdict: Verdict, backtest: AlertBacktest, value: AlertValue, best: dict[str, Any]) -> Flip:
    label = value.labels[best["rule"]]
    if verdict == "reject":
        row = backtest.table.sort_values("lift_low", ascending=False, kind="stable").iloc[0]
        sentence = (
            f"An alarm counts when the lower end of its lift passes 1; the highest is {row['lift_low']:.2f}, "
            f"of '{backtest.rules[row['rule']].label}'."
        )
        return Flip("lift, lower end", float(row["lift_low"]), 1.0, "times chance", sentence)
    margin = value.margin
    turn = margin.value + best["value_low"] / best["sales"] if best["sales"] > 0 else None
    sentence = (
        f"Stopping at '{label}' breaks even at a margin of {best['break_even']:.1%}, the share of the "
        "stopped sales that is lost; the margin is "
        f"{margin.value:.1%} ({margin.low:.0%} to {margin.high:.0%}). "
    )
    if turn is None or turn <= 0:
        sentence += "At no margin above zero is the gain beyond doubt."
        return Flip(margin.name, margin.value, None, "fraction of sales", sentence)
    sentence += f"The gain is beyond doubt below {turn:.1%}, where its whole interval is above zero."
    return Flip(margin.name, margin.value, float(turn), "fraction of sales", sentence)


def _experiment(backtest: AlertBacktest, ranking: AlertRanking, best: dict[str, Any]) -> str:
    rule = ranking.best_rule if ranking.best_rule in backtest.separating else str(best["rule"])
    row, rules = backtest.row(rule), backtest.rules
    share = min(max(float(row["precision"]), 0.01), 0.95)
    count = alerts_for_experiment(share)
    weeks = count / row["alerts_a_week"] if row["alerts_a_week"] > 0 else math.inf
    return (
        f"Toss a coin at each alarm '{rules[rule].label}': act or wait, log which, and compare defaults "
        f"after {rules.horizon_days} days. To see the {share:.0%} halved takes about {count:,} alarms, "
        f"{weeks:,.0f} weeks at {row['alerts_a_week']:.1f} a week."
    )


def _notes(backtest: AlertBacktest, ranking: AlertRanking) -> tuple[str, ...]:
    table, rules, outcomes = backtest.table, backtest.rules, backtest.outcomes
    dull = [
        rules[r].label
        for r in table.loc[table["verdict"].isin(["does not separate", "worse than chance"]), "rule"]
    ]
    few = [rules[r].label for r in table.loc[table["verdict"] == "too few to say", "rule"]]
    notes = [
        f"Right means default ({outcomes.definition}) within {outcomes.horizon_days} days; "
        f"{outcomes.defaulters} customers defaulted after a day that can be judged.",
        "Alarms by days overdue come before a default by days overdue as the calendar runs; that they are "
        "right often is partly arithmetic.",
        "The best alarm is chosen and valued on the same past, which flatters it a little.",
    ]
    if dull:
        notes.append(f"No better than chance, at the thresholds given: {', '.join(dull)}.")
    if few:
        notes.append(f"Too few customers or dates to judge: {', '.join(few)}.")
    if ranking.identified:
        notes.append(f"{ranking.to_table().title}, at most {ranking.budget} alarms handled at a time.")
    return tuple(notes)


def _cannot_say(study: Study, backtest: AlertBacktest) -> Recommendation:
    outcomes = backtest.outcomes
    why = backtest.doubt or "no order billed after an alarm is old enough to judge"
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say",
        answer=f"Which alarms foretell default cannot be judged: {why}.",
        scope=f"{outcomes.days['customer_id'].nunique()} active customers, {outcomes.weeks:.0f} weeks",
        as_of=outcomes.as_of,
        experiment=WAIT,
        assumptions=(study.assumption("alert_budget"),),
        notes=(
            f"Default: {outcomes.definition}, within {outcomes.horizon_days} days after an alarm.",
            "Until then the watch list orders customers by the number of alarms and what they owe.",
        ),
    )
