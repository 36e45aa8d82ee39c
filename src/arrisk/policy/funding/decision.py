"""The funding decision: factor, securitise, borrow or wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.display import money
from arrisk.models.tail import weighted_quantile
from arrisk.policy.recommendation import Estimate, Flip, Option, Recommendation

if TYPE_CHECKING:
    from arrisk.policy.funding.comparison import FundingComparison
    from arrisk.policy.study import Study

__all__ = ["recommend_funding"]

QUESTION = "Factor, securitise, borrow or wait?"
DESIGN = (
    "terms as offered or stated, laid over the ledger's own pool; losses simulated over the levels and "
    "correlations that the ledger leaves open, the same years for every way"
)
EXPERIMENT = (
    "Ask two factors, an insurer and the bank for written quotes on the same pool, and lay the sheets side "
    "by side (`arrisk offers`): a week of letters, and every fee gets its price."
)
USED = ("cost_of_capital", "asset_correlation", "lgd", "default_days")
LEVEL = 0.95
Floats = NDArray[np.float64]


def recommend_funding(
    study: Study, found: FundingComparison, confidence: float = 0.8, in_use: str = "overdraft"
) -> Recommendation:
    """Recommend a way of funding by least expected regret over what the ledger leaves open.

    Parameters
    ----------
    study : Study
        Names the assumptions.
    found : FundingComparison
        See `compare_funding`.
    confidence : float
        Probability of being cheaper than what is in use that a change needs; above 0.5.
    in_use : str
        Kind of the way in use: the first of it is the yardstick; own capital when there is none.

    Returns
    -------
    Recommendation
        "adopt" another way than the one in use, "keep" it; "the data cannot say" when the study does not say
        how much cash is wanted, the ledger shows too few losses, or the cases disagree.

    Raises
    ------
    ValueError
        If the confidence is not between 0.5 and 1.
    """
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence = {confidence!r}: between 0.5 and 1")
    used = next((k for k, c in enumerate(found.costs) if c.route.kind == in_use), 0)
    best = found.best
    gain = found.totals[used] - found.totals[best]
    sure = float((gain > 0) @ found.weight)
    reason = _reason(found, best, used, sure, confidence)
    return Recommendation(
        decision=QUESTION,
        verdict="the data cannot say" if reason else "keep" if best == used else "adopt",
        answer=reason or _answer(found, best, used, sure),
        scope=_scope(found, bool(reason)),
        as_of=found.book.as_of,
        options=_options(found, used),
        expected_value=None if reason else _value(found, best, used),
        flip=None if reason else _flip(found, best, used),
        identified=not reason,
        design=DESIGN,
        experiment=EXPERIMENT,
        assumptions=tuple(a for a in (study.get(name) for name in USED) if a is not None),
        notes=_notes(found),
    )


def _reason(found: FundingComparison, best: int, used: int, sure: float, confidence: float) -> str:
    """Why the data cannot say; empty when they can."""
    if not found.stated:
        return (
            "Nobody has said how much cash is wanted, and a ledger does not (cash_wanted in "
            "[settings.funding] of the study): the ways below are a what-if on "
            f"{money(found.wanted, found.book.currency)}."
        )
    if found.what_if:
        return (
            f"The ledger shows too few losses to price what a financier would bear: {found.what_if}. The "
            "ways below are a what-if."
        )
    if best != used and sure < confidence:
        names = found.names
        return (
            f"{names[best].capitalize()} has the least regret but is cheaper than {names[used]} with a "
            f"probability of {sure:.0%} only: how often customers fail decides, and that the ledger leaves "
            "open."
        )
    return ""


def _answer(found: FundingComparison, best: int, used: int, sure: float) -> str:
    currency, names, rows = found.book.currency, found.names, found.table
    cash = money(found.wanted, currency)
    if best == used:
        return (
            f"Stay with {names[used]} for {cash}: all counted it costs about "
            f"{money(_two(rows['total'][used]), currency)} a year, and no other way has less regret."
        )
    gain = float((found.totals[used] - found.totals[best]) @ found.weight)
    at = rows["rate"][best]
    rate = f" at {at:.1%} all in" if np.isfinite(at) else ""
    return (
        f"Raise {cash} by: {names[best]}{rate}. With the losses it takes off the book it costs about "
        f"{money(_two(gain), currency)} a year less than {names[used]} (probability {sure:.0%})."
    )


def _two(value: float) -> float:
    return float(f"{value:.2g}")


def _scope(found: FundingComparison, open_question: bool) -> str:
    tail = "; the options are a what-if, not a recommendation" if open_question else ""
    return f"{found.book.pool.finding()}{tail}"


def _range(values: Floats, weight: Floats) -> tuple[float, float, float]:
    mean = float(values @ weight)
    low, high = (weighted_quantile(values, q, weight) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return mean, min(low, mean), max(high, mean)


def _options(found: FundingComparison, used: int) -> tuple[Option, ...]:
    unit, rows = f"{found.book.currency} a year", found.table
    out = []
    for k, cost in enumerate(found.costs):
        mean, low, high = _range(found.totals[used] - found.totals[k], found.weight)
        row = rows.iloc[k]
        rate = f"{row['rate']:.1%} all in" if np.isfinite(row["rate"]) else "brings no cash here"
        part = "" if row["cash"] >= found.wanted else f", brings {money(row['cash'])} of it"
        yardstick = "the yardstick; " if k == used else ""
        note = (
            f"{yardstick}{rate}{part}; keeps {money(row['kept'])} of losses a year on average, "
            f"{money(row['worst'])} in one year of 200; cheapest in {row['p_best']:.0%} of cases"
        )
        if cost.facility.cash <= 0 and cost.facility.note:
            note = f"{cost.facility.note}; {note}"
        out.append(Option(cost.route.name, mean, low, high, unit, note))
    return tuple(out)


def _value(found: FundingComparison, best: int, used: int) -> Estimate:
    """Against what is in use, or against the next best when that is kept."""
    other = used if best != used else _second(found, best)
    mean, low, high = _range(found.totals[other] - found.totals[best], found.weight)
    method = f"against {found.names[other]}; over levels and correlations, terms as given"
    return Estimate(mean, low, high, LEVEL, f"{found.book.currency} a year", method)


def _second(found: FundingComparison, best: int) -> int:
    order = np.argsort(found.table["total"].to_numpy(dtype=float))
    return int(next(k for k in order if k != best))


def _flip(found: FundingComparison, best: int, used: int) -> Flip:
    """How much dearer the way may become before the next best has the lower mean cost."""
    second = _second(found, best)
    lead = float((found.totals[second] - found.totals[best]) @ found.weight)
    row = found.table.iloc[best]
    if not row["cash"] > 0 or not np.isfinite(row["rate"]):
        sentence = f"{found.names[best].capitalize()} stays ahead until it costs {money(lead)} a year more."
        return Flip("cost of a year", row["cost"], row["cost"] + lead, "currency units a year", sentence)
    at = row["simple_rate"] + lead / row["cash"]
    even = found.break_even
    level = f" {even.finding()}." if even is not None else ""
    sentence = (
        f"It turns to {found.names[second]} when {found.names[best]} costs more than {at:.1%} of the cash a "
        f"year, all fees counted (now {row['simple_rate']:.1%}).{level}"
    )
    name = f"all-in cost of {found.names[best]}"
    return Flip(name, row["simple_rate"], at, "fraction of cash a year", sentence)


def _notes(found: FundingComparison) -> tuple[str, ...]:
    even = found.break_even
    notes = [
        f"{found.book.advance.finding()}. Rules of the pool: {found.book.pool.rules.words()}.",
        f"Terms: {found.source}. Rates are effective annual rates of the dated flows; losses are counted "
        f"beside them, with {found.capital:.1%} on the loss of one year in 200 above the mean.",
        "Today's balances stand for those of the year; fees of factoring are on all sales that are assigned, "
        "however little is drawn.",
        "Losses that a way takes off the book are those that an insurer would: this gain and that of the "
        "insurance decision are not to be added up.",
    ]
    if even is not None and np.isfinite(even.pd_with_capital):
        notes.insert(
            1,
            f"{even.finding()}; with capital for bad years counted it pays from {even.pd_with_capital:.2%} "
            "on.",
        )
    return tuple(notes)
