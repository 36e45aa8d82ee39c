from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import xlogy

from arrisk.models.scoring.merging import TURN_PRICE, Limits, best_division
from arrisk.models.scoring.woe import weight_of_evidence

tables = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=8).filter(
    lambda rows: sum(e for e, _ in rows) > 0 and sum(g for _, g in rows) > 0
)


def course_of(woe: np.ndarray) -> set[str]:
    """All courses that the evidence follows."""
    steps = np.diff(woe)
    turns = np.flatnonzero(np.diff(np.sign(steps)))
    found = {"free"}
    if (steps > 0).all():
        found |= {"increasing"}
    if (steps < 0).all():
        found |= {"decreasing"}
    if (steps != 0).all() and turns.size == 1:
        found |= {"peak" if steps[0] > 0 else "valley"}
    return found


def every_division(
    bad: np.ndarray, good: np.ndarray, limits: Limits
) -> list[tuple[tuple[int, ...], set[str], float]]:
    """All legal divisions, tried one by one: cuts, courses, twice the gain in likelihood."""

    def likelihood(e: np.ndarray, g: np.ndarray) -> float:
        return float((xlogy(e, e) + xlogy(g, g) - xlogy(e + g, e + g)).sum())

    whole, out = likelihood(bad.sum(keepdims=True), good.sum(keepdims=True)), []
    for count in range(min(limits.bins, bad.size)):
        for cuts in combinations(range(1, bad.size), count):
            e, g = (np.add.reduceat(x, [0, *cuts]) for x in (bad, good))
            small = (e + g < limits.share * (bad + good).sum()) | (np.minimum(e, g) < limits.events)
            if count and small.any():
                continue
            woe = weight_of_evidence(e, g, limits.smoothing)
            out.append((cuts, course_of(woe), 2 * (likelihood(e, g) - whole)))
    return out


@settings(max_examples=60)
@given(tables, st.integers(1, 5), st.sampled_from([0.0, 0.15, 0.3]), st.integers(1, 4))
def test_the_search_finds_the_best_of_all_divisions(rows, bins, share, events):
    bad, good = (np.array(x, dtype=float) for x in zip(*rows, strict=True))
    limits, totals = Limits(bins, share, events, 0.5), (bad.sum(), good.sum())
    tried = every_division(bad, good, limits)
    for monotone, courses in {
        None: ("free",),
        "increasing": ("increasing",),
        "decreasing": ("decreasing",),
        "either": ("increasing", "decreasing"),
        "auto": ("increasing", "decreasing", "peak", "valley"),
    }.items():
        best = max(
            gain - TURN_PRICE * (not found & {"free", "increasing", "decreasing"} & set(courses))
            for _, found, gain in tried
            if found & set(courses)
        )
        division = best_division(bad, good, totals, limits, monotone)
        assert division.gain == pytest.approx(best, abs=1e-9)
        known = {cuts: found for cuts, found, _ in tried}
        assert division.direction == "one bin" or division.direction in known[division.cuts]


def test_a_turn_is_taken_where_it_is_plain_and_not_where_it_may_be_chance():
    good, limits = np.full(9, 100.0), Limits(10, 0.05, 5, 0.5)
    for depth, expected in ((60.0, "valley"), (2.0, "one bin")):
        bad = 20 + depth * np.array([0.0, 0, 0, 1, 1, 1, 0, 0, 0])
        division = best_division(bad, good, (bad.sum(), 900.0), limits, "auto")
        shown = division.direction
        assert shown == expected if depth > 10 else shown in ("increasing", "decreasing")
    assert best_division(bad, good, (bad.sum(), 900.0), limits, "either").direction != "valley"
