"""From a discount simulation to a recommendation that says how far the ledger supports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import money
from arrisk.models.trial.power import detectable_shift, pilot_size_means
from arrisk.policy.discount.affordable import make_affordable_rates
from arrisk.policy.discount.judgement import Judgement, find_flip, judge
from arrisk.policy.discount.measured import follow_measured
from arrisk.policy.discount.objective import DiscountChoice, compare_discounts
from arrisk.policy.discount.running_advice import recommend_running_scheme
from arrisk.policy.discount.running_scheme import DESCRIPTIVE, RunningScheme, describe_running_scheme
from arrisk.policy.discount.schemes import describe_scheme, describe_terms
from arrisk.policy.discount.simulation import EVIDENCE, DiscountGrid
from arrisk.policy.recommendation import Estimate, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.policy.discount.pilot_design import PilotDesign
    from arrisk.policy.discount.verdict import SchemeVerdict
    from arrisk.policy.study import Study

__all__ = ["recommend_discount"]

DECISION = "Offer a cash discount: which, to whom?"
SHOWN = 4
Floats = NDArray[np.float64]


def recommend_discount(
    study: Study,
    snapshot: Snapshot,
    grid: DiscountGrid,
    *,
    confidence: float = 0.8,
    verdict: SchemeVerdict | None = None,
    pilot: PilotDesign | None = None,
) -> Recommendation:
    """Recommend a cash discount, or say that the ledger cannot.

    The objective is the highest expected value whose worst draws stay within the study's limit (see
    `compare_discounts`); no discount is always allowed.

    Only terms that customers were really offered can be adopted or kept: for others the ledger shows no
    take-up. A verdict is given when it holds in a share `confidence` of the draws over the customers and all
    ranges of the assumptions; otherwise, and when nothing was ever offered or taken, the data cannot say,
    and the simulation is shown as a what-if.

    Parameters
    ----------
    study : Study
        Gives grace_days, and tail_limit and tail_level.
    snapshot : Snapshot
        What `grid` was computed from.
    grid : DiscountGrid
        See `simulate_discounts`.
    confidence : float
        See above; above 0.5.
    verdict : SchemeVerdict, optional
        What the running discount was measured to earn (see `evaluate_running_scheme`): where a design
        settles it, that goes before the simulation of these terms.
    pilot : PilotDesign, optional
        The experiment to name (see `design_pilot`); by default one sized by the usual formula.

    Returns
    -------
    Recommendation
    """
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence = {confidence!r}: between 0.5 and 1")
    simulated = _simulated(study, snapshot, grid, confidence, pilot)
    if verdict is None or not verdict.identified:
        return simulated
    told = recommend_running_scheme(study, verdict)
    if told.verdict == "the data cannot say":
        return simulated
    return follow_measured(told, simulated, compare_discounts(study, grid), verdict.rules.ruled.iloc[0])


def _simulated(
    study: Study, snapshot: Snapshot, grid: DiscountGrid, confidence: float, pilot: PilotDesign | None
) -> Recommendation:
    """The recommendation on the draws alone."""
    grace = study.get("grace_days")
    running = describe_running_scheme(snapshot, grace_days=round(grace.value) if grace else 3)
    choice = compare_discounts(study, grid)
    experiment = f"{pilot.finding()}." if pilot else _experiment(grid)
    if grid.history.offer is None:
        return _cannot_say(choice, running, _reason_unseen(grid, running), experiment)
    judged = judge(choice, confidence)
    if judged.verdict == "the data cannot say":
        return _cannot_say(choice, running, _reason_unsure(choice, judged), experiment)
    value = _estimate(grid, judged)
    return Recommendation(
        decision=DECISION,
        verdict=judged.verdict,
        answer=_answer(grid, judged, value),
        scope=_scope(grid, judged),
        as_of=snapshot.date,
        options=_options(grid),
        expected_value=value,
        flip=find_flip(grid, judged),
        identified=False,
        design=(
            "take-up is observed on offered invoices and timing on invoices without an offer; nobody was "
            "offered at random, so effects on default and sales are assumed over their ranges"
        ),
        experiment=experiment,
        assumptions=(*grid.assumptions, *choice.stated),
        notes=_notes(choice, running, judged),
    )


def _estimate(grid: DiscountGrid, judged: Judgement) -> Estimate:
    """What following the verdict is worth, with the interval of the draws."""
    low, high = np.quantile(judged.gain, ((1 - grid.level) / 2, (1 + grid.level) / 2))
    mean, against = float(judged.gain.mean()), "no discount"
    if judged.verdict == "reject":
        against = "going on with it" if judged.other is not None and _runs(judged.other) else "offering it"
    elif judged.verdict == "adopt" and judged.other is not None:
        against = "the scheme of today"
    method = f"against {against}; {len(judged.gain):,} draws common to all schemes"
    unit = f"{grid.history.currency} a year gained"
    return Estimate(mean, min(float(low), mean), max(float(high), mean), grid.level, unit, method)


def _answer(grid: DiscountGrid, judged: Judgement, value: Estimate) -> str:
    currency = grid.history.currency
    worth = f"about {money(_two_digits(value.value), currency)} a year"
    odds = f"in {judged.sure:.0%} of the draws"
    if judged.chosen is None and judged.other is not None:
        running = _runs(judged.other)
        scheme = describe_terms(judged.other) if running else describe_scheme(judged.other, currency)
        verb = "Stop offering" if running else "Do not offer"
        return f"{verb} {scheme}: on average it gives away {worth} more than it brings, and loses {odds}."
    assert judged.chosen is not None
    scheme = describe_scheme(judged.chosen, currency)
    if judged.verdict == "keep":
        return (
            f"Keep offering {describe_terms(judged.chosen)}: it earns {worth} on average, and gains {odds}."
        )
    than = f" more than now ({describe_scheme(judged.other, currency)})" if judged.other is not None else ""
    return f"Offer {scheme}: on average it earns {worth}{than}, and gains {odds}."


def _runs(scheme: pd.Series) -> bool:
    """Whether a row is the running scheme, on the invoices that it covers."""
    return isinstance(scheme["threshold"], str)


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def _scope(grid: DiscountGrid, judged: Judgement) -> str:
    scheme = judged.chosen if judged.chosen is not None else judged.other
    assert scheme is not None
    whom = "all customers" if scheme["segment"] == "all" else str(scheme["segment"])
    edge = scheme["threshold"]
    if isinstance(edge, str):
        whom = "the invoices that were offered it"
    elif edge:
        whom += f", invoices from {money(edge, grid.history.currency)}"
    return f"{whom}; {money(scheme['sales'], grid.history.currency)} of sales a year"


def _options(grid: DiscountGrid) -> tuple[Option, ...]:
    """No discount, the running scheme, and the best scheme of each group of customers."""
    unit, currency = f"{grid.history.currency} a year", grid.history.currency
    rows = [Option("no discount", 0.0, 0.0, 0.0, unit, "the yardstick: gains are against it")]
    shown = [grid.running.iloc[0]] if grid.is_running else []
    best = grid.table.drop_duplicates("segment").head(SHOWN)
    shown += [row for _, row in best.iterrows()]
    return (*rows, *(_option(grid, row, unit, currency) for row in shown))


def _option(grid: DiscountGrid, row: pd.Series, unit: str, currency: str) -> Option:
    mean = float(row["npv"])
    note = f"gains in {row['p_gain']:.0%} of the draws; breaks even at {100 * row['affordable_rate']:.2f}%"
    if not grid.is_offered(row):
        note += "; a what-if, never offered"
    low, high = min(float(row["ci_low"]), mean), max(float(row["ci_high"]), mean)
    return Option(describe_scheme(row, currency), mean, low, high, unit, note)


def _cannot_say(
    choice: DiscountChoice, running: RunningScheme, reason: str, experiment: str
) -> Recommendation:
    grid = choice.grid
    return Recommendation(
        decision=DECISION,
        verdict="the data cannot say",
        answer=reason,
        scope="all customers; the options below are a what-if on assumptions, not a recommendation",
        as_of=grid.history.as_of,
        options=_options(grid),
        design="customers were not offered different terms at random, or not at all",
        experiment=experiment,
        assumptions=(*grid.assumptions, *choice.stated),
        notes=_notes(choice, running),
    )


def _reason_unseen(grid: DiscountGrid, running: RunningScheme) -> str:
    if running.exists:
        taken = int(running.total["taken"])
        return (
            f"The ledger shows {taken:,} {'discount' if taken == 1 else 'discounts'} taken but not to whom "
            "they were offered, so neither take-up nor its effect can be learnt from it."
        )
    return (
        "The ledger holds no discount offered or taken, so neither take-up nor an effect on default or sales "
        "can be learnt from it."
    )


def _reason_unsure(choice: DiscountChoice, judged: Judgement) -> str:
    grid = choice.grid
    offer = grid.history.offer
    assert offer is not None
    running = choice.option("running")
    if running is not None and not running["within"] and running["npv"] > 0:
        currency = grid.history.currency
        return (
            f"{running['option']} is expected to earn {money(running['npv'], currency)} a year, but the "
            f"worst {choice.tail_level:.0%} of draws lose {money(-running['tail'], currency)} on average, "
            f"more than the {money(choice.limit, currency)} that is accepted."
        )
    top = grid.tornado(judged.other)
    name = str(top["assumption"].iloc[0]).replace("_", " ") if len(top) else "the customers drawn"
    return (
        f"Whether {100 * offer.rate:g}% within {offer.days} days earns or loses money turns on {name}: it "
        f"loses in {judged.sure:.0%} of the draws, and the ledger does not settle it."
    )


def _experiment(grid: DiscountGrid) -> str:
    """The cheapest pilot that the book is large enough for, sized to see its expected shift."""
    means, table = _customer_means(grid), grid.table[grid.table["scale"] == ""]
    sd = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    wide = table[(table["segment"] == "all") & (table["threshold"] == table["threshold"].min())]
    wide = wide.sort_values(["rate", "days"], ignore_index=True)
    shift = 365 * (wide["cash_freed"] / wide["sales"]).to_numpy(dtype=float)
    sizes = [pilot_size_means(s, sd) if s > 0 and sd > 0 else len(means) for s in shift]
    worth = [v * n / max(len(means), 1) for v, n in zip(wide["npv"], sizes, strict=True)]
    fits = [k for k, size in enumerate(sizes) if 2 * size <= len(means)]
    chosen = max(fits, key=lambda k: worth[k]) if fits else int(np.argmin(sizes))
    many = len(means) // 2 if not fits else sizes[chosen]
    text = (
        f"Offer {describe_terms(wide.iloc[chosen])} for a quarter to customers drawn at random and record "
        f"every offer: {sizes[chosen]:,} an arm show the expected shift of {shift[chosen]:.1f} days in a "
        f"customer's mean days to payment (80% power, 5% two-sided, standard deviation {sd:.1f} days between "
        "customers)"
    )
    if not fits:
        text += f"; the book's {len(means)} in two halves show {detectable_shift(max(2, many), sd):.1f} days"
    cost = -worth[chosen] / 4 * many / max(sizes[chosen], 1)
    return f"{text}. {_cost(cost, grid.history.currency)}"


def _cost(amount: float, currency: str) -> str:
    if amount <= 0:
        return "On the assumptions it costs nothing on average."
    return f"On the assumptions the quarter costs about {money(_two_digits(amount), currency)}."


def _customer_means(grid: DiscountGrid) -> Floats:
    """Mean days to payment without an offer, of every customer that has any."""
    cells = [c for c in grid.history.cells if c.threshold == grid.history.thresholds[0] and not c.borrowed]
    cells = cells or list(grid.history.cells[:1])
    paid = sum(c.paid for c in cells[1:]) + cells[0].paid if len(cells) > 1 else cells[0].paid
    totals = np.asarray(paid.sum(axis=1)).ravel()
    time = np.asarray(paid @ np.arange(paid.shape[1])).ravel()
    return np.asarray(time[totals > 0] / totals[totals > 0], dtype=float)


def _odds(choice: DiscountChoice, judged: Judgement | None) -> list[str]:
    """The objective's pick; chance to be best, regret and largest affordable rate of what is judged."""
    grid, currency = choice.grid, choice.grid.history.currency
    notes = [
        f"{choice.finding()}. Accepted of the worst {choice.tail_level:.0%} of draws: a loss of "
        f"{money(choice.limit, currency)} a year on average."
    ]
    none = choice.option("no discount")
    rows = [none if judged is not None and judged.chosen is None else choice.chosen]
    rows += [choice.option("running")] if grid.is_running else []
    said = [
        f"{row['option']} has a chance of {row['p_best']:.0%} to be the best of all and misses "
        f"{money(row['regret'], currency)} a year on average against it"
        for row in rows
        if row is not None
    ]
    rates = make_affordable_rates(grid)
    return [*notes, f"{'; '.join(said)}.", f"{rates.finding()}."]


def _better_untried(grid: DiscountGrid) -> list[str]:
    """Say why a scheme that looks better than the verdict is not recommended."""
    best = grid.best
    if grid.history.offer is None or grid.is_offered(best) or best["npv"] <= 0:
        return []
    scheme = describe_scheme(best, grid.history.currency)
    return [
        f"{scheme} looks better on the assumptions, but nobody was offered it: try it before adopting it."
    ]


def _notes(
    choice: DiscountChoice, running: RunningScheme, judged: Judgement | None = None
) -> tuple[str, ...]:
    grid, history = choice.grid, choice.grid.history
    notes = [*_odds(choice, judged), *_better_untried(grid), *EVIDENCE]
    if running.exists:
        notes.append(f"{running.finding()}. {DESCRIPTIVE}")
    seen = [s for k, s in enumerate(history.segments) if history.has_evidence(k)]
    few = [s for k, s in enumerate(history.segments) if history.was_offered(k) and s not in seen]
    if few:
        notes.append(f"Offers to a chosen few do not speak for their segment: {', '.join(few)}.")
    if seen:
        notes.append(
            f"Take-up comes from the ledger for {', '.join(seen)}, from the assumption for the others."
        )
    borrowed = sorted({f"{c.segment} ({c.borrowed})" for c in history.cells if c.borrowed})
    if borrowed:
        notes.append(f"Too few payments of their own, so others stand in: {'; '.join(borrowed)}.")
    if not any(c.lost.any() for c in history.cells):
        notes.append(
            "The ledger shows no loss, so paying early removes none and default relief has no effect."
        )
    notes.append(
        f"No cost of running a scheme is included. Simulation error of the best scheme's value: "
        f"{money(grid.best['mc_error'], history.currency)}."
    )
    return tuple(notes)
