"""Cash of the days ahead, drawn: items that share the shocks of their customer and of the economy.

Each item leaves on the first day on which its cumulative rate, moved by the shocks, reaches an exponential
variable of mean one; the shares of the rates on that day say whether it was paid or lost. Amounts are whole
minor units, so that every draw balances to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.cash.settlement import Settlement
from arrisk.models.cash.shock_draws import ShockDraws, stop_together
from arrisk.models.cash.shock_windows import PERIOD_DAYS
from arrisk.models.cash.shocks import Shocks
from arrisk.models.timing.day_counts import Floats, Ints
from arrisk.models.timing.rates import DailyRates

__all__ = ["FLOWS", "NO_VOLUME_ERROR", "CashDraws", "VolumeError", "simulate_cash"]

FLOWS = ("sales", "cash", "discounts_credits", "write_offs")
CHUNK = 50  # draws with one seed; part of the definition of a simulation, not a tuning knob
WEEK = 7
SMALLEST = 1e-300


@dataclass(frozen=True, slots=True)
class VolumeError:
    """How wrong the expected sales may be.

    Parameters
    ----------
    level_sd : float
        Standard deviation of the error of the log-volume of the whole horizon.
    week_sd : float
        Standard deviation of the further error of the log-volume of a single week.
    degrees : float
        Degrees of freedom of the level's Student-t: few past windows leave its scale uncertain.
    """

    level_sd: float
    week_sd: float
    degrees: float = np.inf

    def draw(self, weeks: int, draws: int, rng: np.random.Generator) -> Floats:
        """Factors of the volume with mean close to one, shape (draws, weeks)."""
        level = rng.standard_normal(draws) * self.level_sd
        if np.isfinite(self.degrees):
            level /= np.sqrt(rng.chisquare(self.degrees, draws) / self.degrees)
        week = rng.standard_normal((draws, weeks)) * self.week_sd - self.week_sd**2 / 2
        # An error of more than a factor of three either way is no error of a rule but another business.
        reach = np.log(3.0)
        return np.exp(np.clip(level - self.level_sd**2 / 2, -reach, reach)[:, None] + week)


NO_VOLUME_ERROR = VolumeError(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class CashDraws:
    """Drawn flows of the days ahead; made by `simulate_cash`.

    Parameters
    ----------
    minor : array of int64, shape (draws, days, groups, flows)
        Minor units by day (the first is the day after the as-of date), group and flow (see `FLOWS`).
    opening : array of int64, shape (groups,)
        Minor units of the items open at the as-of date.
    closing : array of int64, shape (draws, groups)
        Minor units of the items, sold or open, that have not left by the last day.
    groups : tuple of str
        Names of the groups.
    """

    minor: Ints
    opening: Ints
    closing: Ints
    groups: tuple[str, ...]

    def flow(self, name: str, groups: ArrayLike | None = None) -> Ints:
        """One flow by day, shape (draws, days), over all groups or the places given."""
        parts = self.minor[..., FLOWS.index(name)]
        picked = parts if groups is None else parts[:, :, np.asarray(groups, dtype=np.int64)]
        return np.asarray(picked.sum(axis=2), dtype=np.int64)

    @property
    def cash(self) -> Ints:
        """Cash of all groups by day, shape (draws, days)."""
        return self.flow("cash")


@dataclass(frozen=True, slots=True)
class _Items:
    """Items as arrays: what every chunk of draws reads."""

    kind: Ints
    minor: Ints
    customer: Ints
    group: Ints
    issued: Ints
    offered: Ints
    copies: Floats

    def certain(self) -> Ints:
        return np.flatnonzero(np.isnan(self.copies))

    def expected(self) -> Ints:
        """Expected sales by week of issue."""
        places = np.flatnonzero(~np.isnan(self.copies))
        return places[np.argsort(self.issued[places], kind="stable")]


@dataclass(frozen=True, slots=True)
class _Clock:
    """Cumulative rates of kinds, laid end to end so that one search finds the days of many items.

    Parameters
    ----------
    laid : array, shape (kinds * days,)
        Cumulative rates, each kind raised by `gap` more than the one before.
    starts : array, shape (kinds, periods + 1)
        Cumulative rates at the ends of the periods, the first zero.
    lost : array, shape (kinds, days)
        Share of the losses in the rate of the day.
    """

    laid: Floats
    gap: float
    starts: Floats
    lost: Floats
    days: int

    @classmethod
    def of(cls, rates: DailyRates, days: int) -> _Clock:
        total = rates.paid[:, :days] + rates.lost[:, :days]
        sums = np.cumsum(total, axis=1)
        gap = float(sums.max(initial=0.0)) + 1.0
        edges = np.append(np.arange(PERIOD_DAYS, days, PERIOD_DAYS), days) - 1
        starts = np.hstack([np.zeros((len(sums), 1)), sums[:, edges]])
        lost = np.divide(rates.lost[:, :days], total, out=np.zeros_like(total), where=total > 0)
        laid = (sums + gap * np.arange(len(sums))[:, None]).ravel()
        return cls(laid, gap, starts, lost, days)

    def first_days(self, kind: Ints, need: Floats, factor: Floats, draw: Ints) -> tuple[Ints, Ints]:
        """Places of the items that leave within the horizon, and the days (0 is the first) on which.

        The shocks stretch the rates of a period, which is the same as shrinking what is still needed.
        """
        rest = need.copy()
        target = np.full(need.size, -1.0)
        for p in range(self.starts.shape[1] - 1):
            low, high = self.starts[:, p][kind], self.starts[:, p + 1][kind]
            scale = factor[:, p][draw]
            mass = scale * (high - low)
            hit = (rest > 0) & (rest <= mass)
            target[hit] = np.minimum(low + rest / scale, high)[hit]
            rest -= mass
        gone = np.flatnonzero(target >= 0)
        at = kind[gone]
        place = np.searchsorted(self.laid, target[gone] + self.gap * at, side="left")
        return gone, np.minimum(place - at * self.days, self.days - 1).astype(np.int64)


def simulate_cash(
    items: pd.DataFrame,
    rates: DailyRates,
    shocks: Shocks,
    days: int = 91,
    draws: int = 1000,
    seed: int = 0,
    workers: int = 1,
    groups: ArrayLike | None = None,
    settlement: Settlement | None = None,
    volume: VolumeError = NO_VOLUME_ERROR,
) -> CashDraws:
    """Draw the cash of the days ahead from open items and expected sales.

    Parameters
    ----------
    items : DataFrame
        `customer_id`; `minor`, whole minor units still to be settled, not negative. Optional: `issued`, day
        of issue counted from the as-of date (0 or less is issued; by default 0); `copies`, expected number
        of times that an expected sale happens (missing: the item is there, once); `offered`, whether a cash
        discount is offered.
    rates : DailyRates
        Of the same items in the same order, for at least `days` days.
    shocks : Shocks
        What items have in common; `NO_SHOCKS` lets them pay independently.
    days, draws : int
    seed : int
        The same seed gives the same draws for any number of workers; the items there, listed first, keep
        their draws when expected sales are added.
    workers : int
        Processes.
    groups : array of str, shape (items,), optional
        Groups to tell apart in the result.
    settlement : Settlement, optional
        What is deducted from a payment, and which losses are credits; by default nothing, and none.
    volume : VolumeError
        Error of the expected sales.

    Returns
    -------
    CashDraws

    Raises
    ------
    ModelError
        If there are no items, an amount is negative or not whole, or the rates do not fit.

    Notes
    -----
    An item of kind k needs a cumulative rate of ``log(1 + v E / z) / v``, with E exponential and z the gamma
    frailty of its customer (mean one, variance v): exponential for each item whatever v, so that the shocks
    move items together without changing how fast the book pays on average (Clayton's copula; Oakes 1989).
    A customer that stops paying within the horizon, with chance q, has all its items need more than -log q
    and those of the others need less: what a failing customer owes stays out together, again without changing
    how fast the book pays on average (`stop_together`). A common shock multiplies the rates of all items in a
    period of 28 days; its mean is one. Expected sales
    happen a Poisson number of times around their `copies` times the error of their volume.

    Examples
    --------
    >>> items = pd.DataFrame({"customer_id": ["a", "a", "b"], "minor": [100, 50, 10]})
    >>> rates = DailyRates(np.array([[0.0, 50.0]]), np.zeros((1, 2)), np.zeros(3, dtype=int))
    >>> from arrisk.models.cash.shocks import NO_SHOCKS
    >>> simulate_cash(items, rates, NO_SHOCKS, days=2, draws=2).cash.tolist()
    [[0, 160], [0, 160]]
    """
    names, table = _item_arrays(items, rates, days, groups)
    clock = _Clock.of(rates, days)
    draw_chunk = partial(
        _chunk, table, clock, shocks.sampler(), settlement or Settlement.none(), volume, len(names)
    )
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    if workers == 1:
        parts = [draw_chunk(size, child) for size, child in zip(sizes, seeds, strict=True)]
    else:
        parts = joblib.Parallel(n_jobs=workers)(
            joblib.delayed(draw_chunk)(size, child) for size, child in zip(sizes, seeds, strict=True)
        )
    there = table.certain()
    opening = np.zeros(len(names), dtype=np.int64)
    np.add.at(opening, table.group[there], table.minor[there])
    minor, closing = (np.concatenate(sets) for sets in zip(*parts, strict=True))
    return CashDraws(minor, opening, closing, names)


def _item_arrays(
    items: pd.DataFrame, rates: DailyRates, days: int, groups: ArrayLike | None
) -> tuple[tuple[str, ...], _Items]:
    n = len(items)
    if not n:
        raise ModelError("no items: nothing is open and no sales are expected, so no cash can come")
    if len(rates.kind) != n or rates.paid.shape[1] < days:
        raise ModelError(
            f"rates of {len(rates.kind)} items on {rates.paid.shape[1]} days do not fit {n} items on {days}"
        )
    minor = items["minor"].to_numpy()
    if not np.issubdtype(minor.dtype, np.integer) or bool((minor < 0).any()):
        raise ModelError("`minor` must be whole minor units, not negative")
    customer, _ = pd.factorize(items["customer_id"])
    label = np.full(n, "all") if groups is None else np.asarray(groups).astype(str)
    names, group = np.unique(label, return_inverse=True)
    table = _Items(
        kind=np.asarray(rates.kind, dtype=np.int64),
        minor=minor.astype(np.int64),
        customer=customer.astype(np.int64),
        group=group.astype(np.int64),
        issued=_column(items, "issued", 0).astype(np.int64),
        offered=_column(items, "offered", 0).astype(np.int64),
        copies=_column(items, "copies", np.nan).astype(float),
    )
    return tuple(map(str, names)), table


def _column(items: pd.DataFrame, name: str, missing: float) -> NDArray[np.float64]:
    return items[name].to_numpy(dtype=float) if name in items else np.full(len(items), missing, dtype=float)


def _chunk(
    items: _Items,
    clock: _Clock,
    sampler: ShockDraws,
    settlement: Settlement,
    volume: VolumeError,
    groups: int,
    size: int,
    seed: np.random.SeedSequence,
) -> tuple[Ints, Ints]:
    """Flows of some draws, shape (size, days, groups, flows), and what is open at their end."""
    shared, there, sold, halt = (np.random.default_rng(child) for child in seed.spawn(4))
    customers = int(items.customer.max(initial=-1)) + 1
    stops = sampler.draw_stops(size, customers, clock.days, halt)
    drawn = *sampler.draw(size, customers, clock.starts.shape[1] - 1, shared), *stops
    factors = volume.draw(-(-clock.days // WEEK), size, shared)
    out = np.zeros((size, clock.days, groups, len(FLOWS)), dtype=np.int64)
    certain = items.certain()
    pairs = (np.repeat(certain, size), np.tile(np.arange(size), certain.size))
    left = np.zeros((size, groups), dtype=np.int64)
    _settle(out, left, *pairs, items, clock, drawn, settlement, there)
    place, draw = _sales(items, factors, sold)
    day = items.issued[place] - 1
    _add(out, draw, day, items.group[place], 0, items.minor[place])
    _settle(out, left, place, draw, items, clock, drawn, settlement, sold)
    return out, left


def _sales(items: _Items, factors: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Items sold and the draw of each, a Poisson number of times around what is expected."""
    expected = items.expected()
    week = np.clip((items.issued[expected] - 1) // WEEK, 0, factors.shape[1] - 1)
    places, draws = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for w in range(factors.shape[1]):
        own = expected[week == w]
        edges = np.cumsum(items.copies[own])
        if not own.size or edges[-1] <= 0:
            continue
        number = rng.poisson(edges[-1] * factors[:, w])
        picked = np.searchsorted(edges, rng.random(int(number.sum())) * edges[-1], side="right")
        places.append(own[np.minimum(picked, own.size - 1)])
        draws.append(np.repeat(np.arange(len(number)), number))
    return np.concatenate(places), np.concatenate(draws)


def _settle(
    out: Ints,
    left: Ints,
    place: Ints,
    draw: Ints,
    items: _Items,
    clock: _Clock,
    drawn: tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]],
    settlement: Settlement,
    rng: np.random.Generator,
) -> None:
    """Add what items bring in their draws to the flows, and what stays open to `left`."""
    variance, frailty, factor, chance, stopped = drawn
    need = np.maximum(rng.standard_exponential(place.size), SMALLEST)
    cause = rng.random(place.size)
    v = variance[draw]
    shared = v > 0
    alike = need[shared] / np.maximum(frailty[draw[shared], items.customer[place[shared]]], SMALLEST)
    need[shared] = np.log1p(v[shared] * alike) / v[shared]
    halted = stopped[draw, items.customer[place]]
    need = np.maximum(stop_together(need, chance[draw], halted), SMALLEST)
    gone, day = clock.first_days(items.kind[place], need, factor, draw)
    stays = np.ones(place.size, dtype=bool)
    stays[gone] = False
    flat = draw[stays] * left.shape[1] + items.group[place[stays]]
    np.add.at(left.reshape(-1), flat, items.minor[place[stays]])
    place, draw = place[gone], draw[gone]
    lost = cause[gone] < clock.lost[items.kind[place], day]
    age = day + 1 - items.issued[place]
    flows = settlement.split(items.minor[place], lost, age, items.offered[place])
    group = items.group[place]
    for number, amount in enumerate(flows, start=1):
        _add(out, draw, day, group, number, amount)


def _add(out: Ints, draw: Ints, day: Ints, group: Ints, flow: int, amount: Ints) -> None:
    """Add amounts to one flow; by flat places, which is several times as fast as by four indices."""
    _, days, groups, flows = out.shape
    np.add.at(out.reshape(-1), ((draw * days + day) * groups + group) * flows + flow, amount)
