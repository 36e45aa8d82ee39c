"""Schemes laid out as terms, so that one tally of a draw's takers values all of them.

A scheme of a segment and a threshold is a sum of terms: the customers who go as far as one of its steps,
less those who go on to an earlier one. Terms know where to look in the tally and what they pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.discount.book import Book
from arrisk.policy.discount.draws import Reference
from arrisk.policy.discount.expected import BookDays
from arrisk.policy.discount.response import choose_steps, yearly_return

__all__ = ["Plan", "Steps", "make_plan"]

Steps = tuple[tuple[int, float], ...]
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Schemes on a book; make one with `make_plan`. Arrays are by term unless said.

    Parameters
    ----------
    thresholds : array
        Smallest amounts, rising.
    edges : array of int
        Days that a scheme speaks of, rising; class m of days ends with edges[m], the last has no end.
    returns : tuple of array
        For every segment the log annual returns at which somebody decides, rising.
    segment, threshold, place : array of int
        Where the term looks in the tally; `place` is the number of its return.
    log_return, sign, rate, day : array
        What it is; see above.
    within : array, terms x classes
        1 for the classes that pay by `day` anyway.
    rates : array, terms x classes
        Discount of those.
    starts : array of int, schemes
        First term of each scheme: segments x thresholds x offers.
    top : array, schemes
        Highest discount of each.
    reference : Reference
    shape : tuple of int
        Segments, thresholds, offers.
    """

    thresholds: Floats
    edges: Ints
    returns: tuple[Floats, ...]
    segment: Ints
    threshold: Ints
    place: Ints
    log_return: Floats
    sign: Floats
    rate: Floats
    day: Ints
    within: Floats
    rates: Floats
    starts: Ints
    top: Floats
    reference: Reference
    shape: tuple[int, int, int]

    @property
    def classes(self) -> int:
        """Number of classes of days."""
        return len(self.edges) + 1

    def sum_terms(self, values: Floats) -> Floats:
        """Add up the signed terms of every scheme."""
        return np.add.reduceat(values * self.sign, self.starts)


@dataclass(frozen=True, slots=True)
class _Term:
    segment: int
    threshold: int
    log_return: float
    sign: float
    rate: float
    day: int
    steps: Steps


def make_plan(
    book: Book, days: BookDays, thresholds: Floats, offers: Sequence[Steps], reference: Reference
) -> Plan:
    """Lay out every offer (its steps: day and rate) for every segment and threshold.

    What an offer is worth to customers is measured against the days they would gain: those of the payments
    that come after its last day without it.
    """
    segments = int(book.segment.max(initial=0)) + 1
    terms: list[_Term] = []
    starts: list[int] = []
    for segment in range(segments):
        for number in range(len(thresholds)):
            late = days.late(segment, number)
            anchor = yearly_return(reference.rate, 0.0, late(reference.days))
            for steps in offers:
                starts.append(len(terms))
                terms += _terms(steps, segment, number, late(steps[-1][0]), anchor)
    edges = np.unique([d for steps in offers for d, _ in steps])
    place = np.zeros(len(terms), dtype=np.int64)
    returns: list[Floats] = []
    of, at = np.array([t.segment for t in terms]), np.array([t.log_return for t in terms])
    for segment in range(segments):
        values, place[of == segment] = np.unique(at[of == segment], return_inverse=True)
        returns.append(values)
    day = np.array([t.day for t in terms])
    within = (np.append(edges, np.iinfo(np.int64).max)[None, :] <= day[:, None]).astype(float)
    rates = np.array([[_rate_by(t.steps, int(e)) for e in edges] + [0.0] for t in terms])
    return Plan(
        thresholds=thresholds,
        edges=edges,
        returns=tuple(returns),
        segment=of,
        threshold=np.array([t.threshold for t in terms]),
        place=place,
        log_return=at,
        sign=np.array([t.sign for t in terms]),
        rate=np.array([t.rate for t in terms]),
        day=day,
        within=within,
        rates=rates * within,
        starts=np.array(starts),
        top=np.tile([steps[0][1] for steps in offers], segments * len(thresholds)),
        reference=reference,
        shape=(segments, len(thresholds), len(offers)),
    )


def _terms(steps: Steps, segment: int, threshold: int, gained: float, anchor: float) -> list[_Term]:
    """Those who reach a step, and (taken off) those of them who go on to the next."""
    chosen = choose_steps(steps, gained)
    out = []
    for k, (day, rate, worth) in enumerate(chosen):
        out.append(_Term(segment, threshold, float(np.log(worth / anchor)), 1.0, rate, day, steps))
        if k + 1 < len(chosen):
            on = float(np.log(chosen[k + 1][2] / anchor))
            out.append(_Term(segment, threshold, on, -1.0, rate, day, steps))
    return out


def _rate_by(steps: Steps, day: int) -> float:
    """Discount of a payment by a day."""
    return next((rate for last, rate in steps if day <= last), 0.0)
