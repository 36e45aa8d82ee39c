"""The value of discount schemes on draws of customers and assumptions: arrays in, arrays out.

Axes: n draws, q discount periods, r rates. Every scheme is valued on the same draws (common random
numbers), so differences between schemes carry little simulation noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.arithmetic import discount_factor, scheme_value
from arrisk.policy.discount.draws import Draws, Reference
from arrisk.policy.discount.history import AS_OFFERED, HORIZON, Cell

__all__ = ["Values", "stack_values", "value_cell", "value_cells"]

Floats = NDArray[np.float64]
Days = NDArray[np.int64]
SMALLEST_SHARE = 1e-9
DAY = np.arange(HORIZON + 1)


@dataclass(frozen=True, slots=True)
class Values:
    """Values of schemes; every array has the draws first, and adds up over cells (currency units).

    Parameters
    ----------
    value : array
        Change of the present value of a year's sales.
    slope : array
        Loss of value per unit of discount rate.
    cash : array
        Receivables turned into cash, once.
    taken, early : array
        A year's sales that take the discount, and those of them that were paid as early anyway.
    """

    value: Floats
    slope: Floats
    cash: Floats
    taken: Floats
    early: Floats

    def each(self, change: Callable[[Floats], Floats]) -> Values:
        """Apply one function to every array."""
        return Values(*(change(getattr(self, f.name)) for f in fields(self)))


def stack_values(parts: Sequence[Values], axis: int) -> Values:
    """Concatenate values along an axis."""
    names = [f.name for f in fields(Values)]
    return Values(*(np.concatenate([getattr(p, n) for p in parts], axis=axis) for n in names))


def value_cells(
    cells: Sequence[Cell], segments: int, draws: Draws, rates: Floats, days: Days, reference: Reference
) -> Values:
    """Value schemes on cells that run through all segments again and again, one group after another.

    Returns
    -------
    Values
        Arrays n x groups x (segments + 1) x q x r; the last segment is the sum of all.
    """
    parts = [value_cell(c, k % segments, draws, rates, days, reference) for k, c in enumerate(cells)]
    shape = (len(draws.weights), len(cells) // segments, segments, len(days), len(rates))
    stacked = stack_values([p.each(lambda x: x[:, None]) for p in parts], axis=1)
    return stacked.each(lambda x: x.reshape(shape)).each(
        lambda x: np.concatenate([x, x.sum(axis=2, keepdims=True)], axis=2)
    )


def value_cell(
    cell: Cell, segment: int, draws: Draws, rates: Floats, days: Days, reference: Reference
) -> Values:
    """Value every (days, rate) scheme on the sales of one cell: arrays n x q x r.

    Take-up rises with what a scheme is worth to the customer: its log-odds move by the elasticity per log
    of the annual return d / (1 - d) x 365 / days gained, relative to the reference scheme. Extra sales are
    in proportion to the average price cut.

    Of the takers, a share `already_early` are the fastest payers of the cell (its fastest
    ``already_early * take_up`` of sales); the others are spread evenly over the slower sales. Whoever would
    have paid within the discount days pays on the day he would have paid anyway; all other takers pay on
    the last discount day.
    """
    clock = _clock(cell, draws)
    known = draws.take_up_now if cell.threshold == AS_OFFERED else draws.take_up
    base_up = known[:, segment, None, None]
    take_up = _take_up(cell, base_up, draws, rates, days, reference)
    fast = np.broadcast_to(draws.already_early[:, None, None], take_up.shape)
    until = np.minimum(fast * take_up, 1 - SMALLEST_SHARE)
    without, offered = _partial(clock, until, days, draws.cost_of_capital)
    discount_pv = fast * offered.fast_pv + (1 - fast) * offered.slow_pv
    extra = draws.sales_effect[:, None, None] * (take_up * rates) / (base_up * reference.rate)
    value = scheme_value(
        rates,
        take_up=take_up,
        discount_pv=discount_pv,
        late_pv=without.slow_pv,
        early_pv=without.fast_pv,
        already_early=fast,
        loss_rate=clock.loss[:, None, None],
        default_relief=draws.default_relief[:, None, None],
        sales_effect=extra,
        variable_cost=1 - draws.gross_margin[:, None, None],
    )
    taken = cell.sales * take_up
    sooner = fast * (without.fast_days - offered.fast_days) + (1 - fast) * (
        without.slow_days - offered.slow_days
    )
    return Values(
        value=cell.sales * value,
        slope=taken * discount_pv * (1 + extra),
        cash=taken / 365 * sooner,
        taken=taken,
        early=taken * (fast * offered.fast_early + (1 - fast) * offered.slow_early),
    )


@dataclass(frozen=True, slots=True)
class _Clock:
    """Payment without an offer, cumulated over sales from the fastest on: n x days; loss rate: n.

    `share` is the share of sales paid by a day, `present` their present value, `time` their days.
    """

    share: Floats
    present: Floats
    time: Floats
    loss: Floats


@dataclass(frozen=True, slots=True)
class _Payers:
    """Mean present value and days of the fastest and of the other payers, and who is early: n x q x r."""

    fast_pv: Floats
    slow_pv: Floats
    fast_days: Floats
    slow_days: Floats
    fast_early: Floats
    slow_early: Floats


def _clock(cell: Cell, draws: Draws) -> _Clock:
    paid = np.asarray((cell.paid.T @ draws.weights.T).T)
    paid = paid / paid.sum(axis=1, keepdims=True)
    factor = discount_factor(draws.cost_of_capital[:, None], DAY[None, :])
    loss = np.clip((draws.weights @ cell.lost) / (draws.weights @ cell.billed), 0.0, 1.0)
    share, present, time = (np.cumsum(x, axis=1) for x in (paid, paid * factor, paid * DAY))
    return _Clock(share, present, time, loss)


def _partial(clock: _Clock, until: Floats, days: Days, cost_of_capital: Floats) -> tuple[_Payers, _Payers]:
    """Payers up to and beyond a share of sales: without the offer, and with it."""
    by_day = clock.share[:, days, None]
    present, time = _upto(clock.share, clock.present, until), _upto(clock.share, clock.time, until)
    whole = [x[:, -1, None, None] for x in (clock.present, clock.time)]
    early_part = np.minimum(by_day, until)
    early = (early_part, by_day - early_part)
    without = _means((present, whole[0] - present), (time, whole[1] - time), early, until)
    on_day = discount_factor(cost_of_capital[:, None], days[None, :])[:, :, None]
    held_pv = _hold(present, clock.present[:, days, None], by_day, until, on_day)
    held_time = _hold(time, clock.time[:, days, None], by_day, until, days[None, :, None].astype(float))
    total_pv = clock.present[:, days, None] + (1 - by_day) * on_day
    total_time = clock.time[:, days, None] + (1 - by_day) * days[None, :, None]
    offered = _means((held_pv, total_pv - held_pv), (held_time, total_time - held_time), early, until)
    return without, offered


def _hold(upto: Floats, at_day: Floats, by_day: Floats, until: Floats, level: Floats) -> Floats:
    """Cumulate what is paid by the discount day as it is, and all beyond it at the level of that day."""
    return np.where(until <= by_day, upto, at_day + (until - by_day) * level)


def _means(
    present: tuple[Floats, Floats], time: tuple[Floats, Floats], early: tuple[Floats, Floats], until: Floats
) -> _Payers:
    some = np.maximum(until, SMALLEST_SHARE)
    none = until <= SMALLEST_SHARE
    rest = 1 - until
    return _Payers(
        fast_pv=np.where(none, 1.0, present[0] / some),
        slow_pv=present[1] / rest,
        fast_days=np.where(none, 0.0, time[0] / some),
        slow_days=time[1] / rest,
        fast_early=np.where(none, 1.0, early[0] / some),
        slow_early=early[1] / rest,
    )


def _upto(share: Floats, cumulated: Floats, until: Floats) -> Floats:
    """Value of a cumulated quantity at a share of sales, linear within a day."""
    rows = zip(share, cumulated, until, strict=True)
    out = [np.interp(u, np.concatenate([[0.0], x]), np.concatenate([[0.0], y])) for x, y, u in rows]
    return np.asarray(out, dtype=float)


def _take_up(
    cell: Cell, base: Floats, draws: Draws, rates: Floats, days: Days, reference: Reference
) -> Floats:
    """Take-up of every scheme, n x q x r; days gained are against all customers' late payments."""
    gained = np.array([_days_gained(cell, int(d)) for d in days])[:, None]
    annual = rates / (1 - rates) * 365 / gained
    anchor = reference.rate / (1 - reference.rate) * 365 / _days_gained(cell, reference.days)
    odds = np.clip(base, SMALLEST_SHARE, 1 - SMALLEST_SHARE)
    odds = odds / (1 - odds) * (annual / anchor)[None] ** draws.take_up_elasticity[:, None, None]
    return np.asarray(odds / (1 + odds), dtype=float)


def _days_gained(cell: Cell, days: int) -> float:
    """How much later than `days` the payments after it come on average; at least a day."""
    paid = np.asarray(cell.paid.sum(axis=0)).ravel()
    late = paid[days + 1 :]
    if not late.sum():
        return 1.0
    return max(1.0, float((late * DAY[days + 1 :]).sum() / late.sum()) - days)
