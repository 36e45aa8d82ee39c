"""Whether a discount is adopted, kept or rejected on the draws, and what would turn it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.policy.assumptions import Assumption
from arrisk.policy.discount.objective import DiscountChoice
from arrisk.policy.discount.turning import REACH, find_crossings, possible_values
from arrisk.policy.recommendation import Flip, Verdict
from arrisk.policy.recommendation_page import quantity

if TYPE_CHECKING:
    from arrisk.policy.discount.simulation import DiscountGrid

__all__ = ["Judgement", "chance_of_gain", "find_flip", "judge"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and the comparison behind it: `chosen` over `other` (None stands for no discount)."""

    verdict: Verdict
    chosen: pd.Series | None
    other: pd.Series | None
    gain: Floats
    sure: float


def judge(choice: DiscountChoice, confidence: float) -> Judgement:
    """Compare the offered terms, the running scheme and no discount on the same draws.

    Only what stays within the limit on the tail can be adopted or kept; what would be kept but for the limit
    is left open, as the mean and the bad draws then say different things.
    """
    grid = choice.grid
    offer = grid.history.offer
    assert offer is not None
    zero = np.zeros(len(grid.npv))
    now = grid.running.iloc[0] if len(grid.running) and grid.running["sales"].iloc[0] > 0 else None
    current = grid.running_npv[:, 0] if now is not None else zero
    status_quo = now if current.mean() > 0 else None
    known = grid.table[(grid.table["rate"] == offer.rate) & (grid.table["days"] == offer.days)]
    known = known[known["scale"].eq("") & _within(choice, known)]
    if len(known):
        best = grid.npv[:, known.index[0]]
        gain = best - (current if status_quo is not None else zero)
        if chance_of_gain(gain) >= confidence and chance_of_gain(best) >= confidence:
            return Judgement("adopt", known.iloc[0], status_quo, gain, chance_of_gain(gain))
        if now is None:
            verdict: Verdict = "reject" if chance_of_gain(best) <= 1 - confidence else "the data cannot say"
            return Judgement(verdict, None, known.iloc[0], -best, chance_of_gain(-best))
    running = choice.option("running")
    allowed = running is not None and bool(running["within"])
    if now is not None and allowed and chance_of_gain(current) >= confidence:
        return Judgement("keep", now, None, current, chance_of_gain(current))
    if now is not None and chance_of_gain(current) <= 1 - confidence:
        return Judgement("reject", None, now, -current, chance_of_gain(-current))
    return Judgement("the data cannot say", None, now, -current, chance_of_gain(-current))


def _within(choice: DiscountChoice, rows: pd.DataFrame) -> pd.Series:
    """Which rows of the grid stay within the limit."""
    schemes = choice.table[choice.table["row"] >= 0].set_index("row")["within"]
    return schemes.reindex(rows.index)


def chance_of_gain(gain: Floats) -> float:
    """Share of the draws that gain."""
    return float((gain > 0).mean())


def find_flip(grid: DiscountGrid, judged: Judgement) -> Flip:
    """The assumption that turns the verdict after the smallest move, measured in its own range."""
    turns = [turn for a in grid.assumptions for turn in _turns(grid, judged, a)]
    if turns:
        a, at = min(turns, key=lambda turn: abs(turn[1] - turn[0].value) / _spread(turn[0]))
        side = "above" if at > a.value else "below"
        outside = "" if a.low <= at <= a.high else ", outside its assumed range"
        sentence = (
            f"It turns when {a.name.replace('_', ' ')} is {side} {quantity(at, a.unit)} (assumed "
            f"{quantity(a.value, a.unit)}){outside}, everything else as assumed."
        )
        return Flip(a.name, a.value, at, a.unit, sentence)
    top = grid.tornado(judged.chosen if judged.chosen is not None else judged.other)
    name = str(top["assumption"].iloc[0]) if len(top) else grid.assumptions[0].name
    a = next(x for x in grid.assumptions if x.name == name)
    sentence = "No single assumption turns it at any value it could take; it moves most with {}."
    return Flip(a.name, a.value, None, a.unit, sentence.format(name.replace("_", " ")))


def _spread(a: Assumption) -> float:
    return (a.high - a.low) or (REACH[a.name][1] - REACH[a.name][0])


def _turns(grid: DiscountGrid, judged: Judgement, a: Assumption) -> list[tuple[Assumption, float]]:
    """Values of an assumption at which the verdict's worth crosses zero, within all it could be."""
    values = possible_values(a)
    return [(a, v) for v in find_crossings(values, _margin(grid, judged, a.name, values))]


def _margin(grid: DiscountGrid, judged: Judgement, name: str, values: Floats) -> Floats:
    """What the verdict is worth along one assumption."""

    def worth(scheme: pd.Series | None) -> Floats:
        zero = np.zeros(len(values))
        return zero if scheme is None else grid.point_value(scheme, {name: values.tolist()})

    return worth(judged.chosen) - worth(judged.other)
