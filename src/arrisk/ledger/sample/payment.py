"""When an invoice of the sample ledger is paid: exact draws from a daily hazard on a known calendar.

The hazard depends on the day's distance from an anchor (the due date plus the customer's habit) and on
the calendar of the customer's pay run. Its sums over all distances, one row for each pay run and anchor, are
tabled once; a draw is then one look-up: the first day on which the sum since the issue reaches an exponential
variate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from arrisk.ledger.sample.truth import Truth
from arrisk.ledger.sample.world import NEVER, Calendar, Floats, Ints

__all__ = ["Clock", "baseline", "make_clock"]

BEFORE, AFTER = 120, 450  # days around the anchor that are tabled; unpaid after that is never paid
ANCHORS_AFTER = 125  # anchors lie at most this long after the end
WIDTH = BEFORE + AFTER + 1

Spell = tuple[Ints, Ints, float]  # from, to (half open), effect on the log-hazard


def baseline(distance: Ints | Floats, truth: Truth) -> Floats:
    """Daily hazard of payment, by days since due date plus habit, before all other effects.

    Examples
    --------
    >>> from arrisk.ledger.sample.truth import BASE_TRUTH
    >>> baseline(np.array([-60, 0, 10, 60]), BASE_TRUTH).round(3)
    array([0.001, 0.167, 0.261, 0.151])
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

    def _cell(self, run: Ints, anchor: Ints, day: Ints) -> tuple[Ints, Ints]:
        """Row of the table, and place in it of the sum before a day."""
        row = run * self.anchors + np.clip(anchor - self.first, 0, self.anchors - 1)
        return row, row * WIDTH + np.clip(day - anchor + BEFORE, 0, WIDTH - 1)

    def before(self, run: Ints, anchor: Ints, day: Ints) -> Floats:
        """Sum of the hazard on the days before `day`."""
        row, cell = self._cell(run, anchor, day)
        return self.flat[cell] - row * self.step

    def first_day(self, run: Ints, anchor: Ints, since: Ints, need: Floats) -> Ints:
        """First day from `since` on at which the sum of the hazard reaches `need` (NEVER if it does not).

        Parameters
        ----------
        run, anchor, since : (n,) int arrays
            Pay run, day number of the anchor, first day on which payment is possible.
        need : (n,) array
            Positive; a standard exponential divided by the invoice's own factor.
        """
        row, cell = self._cell(run, anchor, since)
        wanted = self.flat[cell] + need
        order = np.argsort(wanted)  # sorted look-ups stay in the cache
        found = np.empty(len(wanted), np.int64)
        found[order] = np.searchsorted(self.flat, wanted[order], side="left")
        reached = found < (row + 1) * WIDTH
        return np.where(reached, anchor - BEFORE + (found - row * WIDTH) - 1, NEVER)

    def first_day_in_spells(
        self, run: Ints, anchor: Ints, since: Ints, need: Floats, spells: tuple[Spell, ...]
    ) -> Ints:
        """As `first_day`, with the log-hazard changed inside spells."""
        last = since + WIDTH
        cuts = [np.clip(day, since, last) for begin, end, _ in spells for day in (begin, end)]
        result, left, low = np.full(len(since), NEVER, np.int64), need.copy(), since
        for high in [*np.sort(np.stack(cuts), axis=0), last + WIDTH]:
            effect = np.zeros(len(since))
            for begin, end, change in spells:
                effect += np.where((low >= begin) & (low < end), change, 0.0)
            speed = np.exp(effect)
            have = speed * (self.before(run, anchor, high) - self.before(run, anchor, low))
            here = (left > 0) & (left <= have)
            if here.any():
                result[here] = self.first_day(run[here], anchor[here], low[here], left[here] / speed[here])
            left, low = np.where(here, -1.0, left - np.where(left > 0, have, 0.0)), high
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
    anchors = calendar.end + ANCHORS_AFTER - calendar.first + 1
    pay = np.concatenate([np.zeros((len(calendar.pay), BEFORE)), calendar.pay], axis=1)
    rows = sliding_window_view(pay[:, : anchors + WIDTH - 2], WIDTH - 1, axis=1)
    sums = np.zeros((len(calendar.pay), anchors, WIDTH))
    np.cumsum(rows * baseline(np.arange(-BEFORE, AFTER), truth), axis=2, out=sums[:, :, 1:])
    flat = sums.reshape(-1, WIDTH)
    step = float(np.ceil(flat[:, -1].max()) + 1.0)
    flat += step * np.arange(len(flat))[:, None]
    return Clock(flat.ravel(), step, calendar.first, anchors)
