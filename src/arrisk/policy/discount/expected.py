"""What is expected of a book without chance: days to payment by how fast customers are, and who takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.arithmetic import discount_factor
from arrisk.policy.discount.book import Book
from arrisk.policy.discount.response import take_chance, take_up_at
from arrisk.policy.discount.tally import Factors, Tally, Terms
from arrisk.policy.discount.timing import DAYS, HORIZON, LEAST, Curves, Timing

if TYPE_CHECKING:
    from arrisk.policy.discount.plan import Plan

__all__ = ["BookDays", "ClassSums", "expect_days", "expect_takers", "speed_groups", "sum_classes"]

DAY = np.arange(DAYS)
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class BookDays:
    """Expected payments of a book by group of customers equally fast; make one with `expect_days`.

    Parameters
    ----------
    paid, lost : arrays, thresholds x groups x days
        Amount (that and above) by usual day of payment, and the part of it lost by default.
    beyond : array, segments x days
        Chance that a default comes later than a day.
    segment : array of int, groups
    low, high : arrays, groups
        Part of the segment's amount that belongs to faster groups, without and with the group.
    """

    paid: Floats
    lost: Floats
    beyond: Floats
    segment: Ints
    low: Floats
    high: Floats

    def late(self, segment: int, threshold: int) -> Callable[[int], float]:
        """How much later than a day the payments after it come on average; at least a day."""
        total = self.paid[threshold, self.segment == segment].sum(axis=0)

        def gained(day: int) -> float:
            late = total[day + 1 :]
            if late.sum() <= 0:
                return 1.0
            return max(1.0, float((late * DAY[day + 1 :]).sum() / late.sum()) - day)

        return gained


def speed_groups(timing: Timing, segment: Ints) -> tuple[Ints, Ints]:
    """Group of each customer, by segment and then by mean day to payment in whole days; segments of groups.

    The mean is that of the customer's own days mixed with his segment's, as they are drawn.
    """
    share = _point(timing).paid_share()[0]
    number = np.diff(timing.first)
    whose = np.repeat(np.arange(len(number)), number)
    total = np.bincount(whose, timing.own, len(number))
    weight = timing.concentration
    habit = (total + weight * (share @ DAY)[segment]) / (number + weight)
    codes, group = np.unique(segment * DAYS + np.rint(habit).astype(np.int64), return_inverse=True)
    return group.ravel(), codes // DAYS


def _point(timing: Timing) -> Curves:
    return timing.curves(np.ones((1, timing.counts.shape[1])))


def expect_days(book: Book, timing: Timing, thresholds: int) -> BookDays:
    """Expected payments and losses of a book, every customer counted once."""
    curves = _point(timing)
    group, segment = speed_groups(timing, book.segment)
    paid = np.zeros((thresholds + 1, len(segment), DAYS))
    lost, beyond = np.zeros_like(paid), np.zeros((len(curves.severity[0]), DAYS))
    chance = curves.default_chance()[0] * curves.severity[0][:, None]
    for age in np.unique(book.age).tolist():
        now = book.age == age
        part = _one_age(book, timing, curves, group, len(segment), thresholds, now, age)
        risk = chance[segment, min(age + 1, HORIZON)][None, :, None]
        paid += part
        lost += part * risk
        weight = np.bincount(book.segment[book.customer[now]], book.amount[now], len(beyond))
        beyond += (weight * chance[:, min(age + 1, HORIZON)])[:, None] * _later(curves.defaulted[0], age)
    held = np.bincount(group[book.customer], book.amount, len(segment))
    ends = np.concatenate([[0.0], held.cumsum()])
    base = np.concatenate([[0.0], np.bincount(segment, held).cumsum()])
    size = np.maximum(np.diff(base), LEAST)[segment]
    return BookDays(
        paid=_from_above(paid),
        lost=_from_above(lost),
        beyond=beyond / np.maximum(beyond.max(axis=1, keepdims=True), LEAST),
        segment=segment,
        low=(ends[:-1] - base[segment]) / size,
        high=(ends[1:] - base[segment]) / size,
    )


def _from_above(sums: Floats) -> Floats:
    return np.asarray(sums[:0:-1].cumsum(axis=0)[::-1], dtype=float)


def _one_age(
    book: Book,
    timing: Timing,
    curves: Curves,
    group: Ints,
    groups: int,
    thresholds: int,
    now: NDArray[np.bool_],
    age: int,
) -> Floats:
    """Expected payments of the invoices of one age, thresholds reached x groups x days."""
    customers, passed = len(book.segment), max(age, 0)
    share = curves.paid_share()[0][:, age + 1 :]
    whose = np.repeat(np.arange(customers), np.diff(timing.first))
    ahead = timing.own > age
    own = np.bincount(whose[ahead], minlength=customers)
    weight = timing.concentration * share.sum(axis=1)[book.segment]
    stuck = own + weight <= LEAST * timing.concentration
    key = book.reached[now] * customers + book.customer[now]
    amount = np.bincount(key, book.amount[now], (thresholds + 1) * customers).reshape(-1, customers)
    each = np.where(stuck, 0.0, amount / np.maximum(own + weight, 1e-300))
    out = np.zeros((thresholds + 1, groups, DAYS))
    later = timing.own[ahead].astype(np.int64) - passed
    for k, coefficient in enumerate(each):
        place = group[whose[ahead]] * DAYS + later
        out[k] = np.bincount(place, coefficient[whose[ahead]], groups * DAYS).reshape(groups, DAYS)
        rest = np.bincount(group, coefficient, groups) * timing.concentration
        by_segment = np.zeros(groups, dtype=np.int64)
        by_segment[group] = book.segment
        ahead_share = share[by_segment]
        first = age + 1 - passed
        out[k][:, first : first + ahead_share.shape[1]] += rest[:, None] * ahead_share
        out[k] += np.bincount(group, np.where(stuck, amount[k], 0.0), groups)[:, None] * _tail(timing.tail)
    return out


def _tail(chance: float) -> Floats:
    """Chance of each day ahead of an invoice older than any payment seen."""
    left = np.append((1 - chance) ** np.arange(HORIZON), 0.0)
    return np.concatenate([[0.0], left[:-1] - left[1:]])


def _later(defaulted: Floats, age: int) -> Floats:
    """Chance that a default, given that it comes after an age, comes later than a day ahead."""
    ahead = np.concatenate(
        [defaulted[:, ::-1].cumsum(axis=1)[:, ::-1], np.zeros((len(defaulted), 1))], axis=1
    )
    at = np.minimum(max(age, 0) + DAY + 1, DAYS)
    return np.asarray(ahead[:, at] / np.maximum(ahead[:, min(age + 1, DAYS)], LEAST)[:, None], dtype=float)


@dataclass(frozen=True, slots=True)
class ClassSums:
    """Expected amounts by class of day at one cost of capital; see `sum_classes`.

    Parameters
    ----------
    sums : tuple of array, thresholds x groups x classes
        As in `arrisk.policy.discount.tally.Terms`.
    amount, present : arrays, segments x thresholds
        As in `arrisk.policy.discount.tally.Tally`.
    """

    sums: tuple[Floats, ...]
    amount: Floats
    present: Floats


def sum_classes(plan: Plan, days: BookDays, cost_of_capital: float) -> ClassSums:
    """Collapse expected payments to the classes of days that a plan speaks of."""
    kind = np.searchsorted(plan.edges, DAY, side="left")
    starts = np.searchsorted(kind, np.arange(plan.classes))
    factor = discount_factor(cost_of_capital, DAY)

    def classes(amounts: Floats) -> Floats:
        return np.stack([x.sum(axis=-1) for x in np.split(amounts, starts[1:], axis=-1)], axis=-1)

    sums = [classes(days.paid * x) for x in (np.ones(DAYS), factor, DAY)]
    gone = days.lost * factor
    sums.append(_removable(gone, days, plan))
    owner = np.arange(plan.shape[0])[:, None] == days.segment[None, :]
    amount, present = (owner @ x.sum(axis=2).T for x in (days.paid, days.paid * factor - gone))
    return ClassSums(tuple(sums), amount, present)


def expect_takers(plan: Plan, days: BookDays, known: ClassSums, factors: Factors) -> Tally:
    """The tally of `arrisk.policy.discount.lookup.count_takers` as it is on average."""
    takes = np.zeros((len(plan.segment), len(days.segment)))
    for segment, returns in enumerate(plan.returns):
        mine, rows = plan.segment == segment, days.segment == segment
        share = take_up_at(factors.take_up[segment], factors.take_up_elasticity, returns)
        chance = take_chance(factors.already_early, share, days.low[rows], days.high[rows])
        takes[np.ix_(mine, rows)] = chance[:, plan.place[mine]].T
    parts = [np.empty((len(plan.segment), plan.classes)) for _ in known.sums]
    for number in range(len(plan.thresholds)):
        at = plan.threshold == number
        for part, total in zip(parts, known.sums, strict=True):
            part[at] = takes[at] @ total[number]
    return Tally(Terms(*parts), known.amount, known.present)


def _removable(gone: Floats, days: BookDays, plan: Plan) -> Floats:
    """Present value lost, by class of the earlier of the usual day and that of the default."""
    after = [gone.sum(axis=2)]
    for edge in plan.edges.tolist():
        after.append(gone[:, :, edge + 1 :].sum(axis=2) * days.beyond[days.segment, edge][None, :])
    after.append(np.zeros_like(after[0]))
    return -np.diff(np.stack(after, axis=2), axis=2)
