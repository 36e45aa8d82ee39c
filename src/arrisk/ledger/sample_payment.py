"""When an invoice of the sample ledger is paid: exact draws from a daily hazard on a known calendar.

The hazard depends on the day's distance from an anchor (the due date plus the customer's habit) and on the calendar
of the customer's pay run. Sums of it over all distances, one row for each pay run and anchor, are tabled once;
a draw is then one look-up: the first day on which the sum since the issue reaches an exponential variate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from arrisk.ledger.sample_truth import Truth
from arrisk.ledger.sample_world import NEVER, Calendar, Floats, Ints

__all__ = ["Clock", "baseline", "make_clock"]

BEFORE, AFTER = 120, 300  # days around the anchor that are tabled; unpaid after that is never paid
ANCHORS_AFTER = 125  # anchors lie at most this long after the end


def baseline(distance: Ints | Floats, truth: Truth) -> Floats:
    """Daily hazard of payment, by days since due date plus habit, before all other effects.

    Examples
    --------
    >>> from arrisk.ledger.sample_truth import BASE_TRUTH
    >>> baseline(np.array([-60, 0, 10, 60]), BASE_TRUTH).round(3)
    array([0.001, 0.062, 0.121, 0.062])
    """
    rise = 1.0 / (1.0 + np.exp(-np.asarray(distance, float) / truth.rise_days))
    beyond = np.maximum(np.asarray(distance, float) - truth.tail_after, 0.0)
    tail = truth.tail_level + (1.0 - truth.tail_level) * np.exp(-beyond / truth.tail_days)
    hazard: Floats = np.exp(truth.log_floor) + np.exp(truth.log_plateau) * rise * tail
    return hazard


@dataclass(frozen=True, slots=True)
class Clock:
    """Tabled sums of the hazard.

    Attributes
    ----------
    flat : (rows * (days + 1),) array
        Sum of the hazard before each day, plus `step` times the row, so that the whole is sorted.
    step : float
        Larger than any sum.
    first, anchors : int
        Day number of the first anchor, and how many there are for each pay run.
    """

    flat: Floats
    step: float
    first: int
    anchors: int

    def _row(self, run: Ints, anchor: Ints) -> Ints:
        return run * self.anchors + np.clip(anchor - self.first, 0, self.anchors - 1)

    def before(self, run: Ints, anchor: Ints, day: Ints) -> Floats:
        """Sum of the hazard on the days before `day`."""
        width = BEFORE + AFTER + 1
        row = self._row(run, anchor)
        at = np.clip(day - anchor + BEFORE, 0, width - 1)
        total: Floats = self.flat[row * width + at] - row * self.step
        return total

    def first_day(self, run: Ints, anchor: Ints, since: Ints, need: Floats) -> Ints:
        """First day from `since` on at which the sum of the hazard reaches `need` (NEVER if it does not)."""
        width = BEFORE + AFTER + 1
        row = self._row(run, anchor)
        start = row * width + np.clip(since - anchor + BEFORE, 0, width - 1)
        wanted = self.flat[start] + need
        found = np.searchsorted(self.flat, wanted, side="left")
        reached = found < (row + 1) * width
        return np.where(reached, anchor - BEFORE + (found - row * width) - 1, NEVER)

    def first_day_in_spells(
        self, run: Ints, anchor: Ints, since: Ints, need: Floats, spells: tuple[tuple[Ints, Ints, float], ...]
    ) -> Ints:
        """As `first_day`, with the log-hazard changed inside spells (from, to half open, effect)."""
        cuts = np.sort(
            np.stack([np.clip(day, since, since + BEFORE + AFTER) for s in spells for day in s[:2]]), axis=0
        )
        result, left, low = np.full(len(since), NEVER, np.int64), need.copy(), since
        for high in [*cuts, since + 2 * (BEFORE + AFTER)]:
            effect = np.zeros(len(since))
            for begin, end, change in spells:
                effect += np.where((low >= begin) & (low < end), change, 0.0)
            speed = np.exp(effect)
            have = speed * (self.before(run, anchor, high) - self.before(run, anchor, low))
            here = (left > 0) & (left <= have)
            day = self.first_day(run, anchor, low, np.maximum(left, 1e-300) / speed)
            result = np.where(here, day, result)
            left = np.where(here, -1.0, left - have * (left > 0))
            low = high
        return result


def make_clock(truth: Truth, calendar: Calendar) -> Clock:
    """Table the hazard for every pay run and anchor.

    Parameters
    ----------
    truth : Truth
    calendar : Calendar

    Returns
    -------
    Clock
    """
    first = calendar.start - 60
    anchors = calendar.end + ANCHORS_AFTER - first + 1
    shape = baseline(np.arange(-BEFORE, AFTER), truth)
    lead = np.zeros((len(calendar.pay), BEFORE))
    pay = np.concatenate([lead, calendar.pay], axis=1)[:, : anchors + BEFORE + AFTER - 1]
    rows = sliding_window_view(pay, BEFORE + AFTER, axis=1) * shape
    sums = np.zeros((rows.shape[0], rows.shape[1], BEFORE + AFTER + 1))
    np.cumsum(rows, axis=2, out=sums[:, :, 1:])
    flat = sums.reshape(-1, BEFORE + AFTER + 1)
    step = float(np.ceil(flat[:, -1].max()) + 1.0)
    flat += step * np.arange(len(flat))[:, None]
    return Clock(flat.ravel(), step, first, rows.shape[1])
