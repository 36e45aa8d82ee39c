"""Arithmetic of provision rates on plain arrays: flows, cohorts, migration, Markov chains, roll-forward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = [
    "Absorption",
    "FlowRates",
    "absorption",
    "allowance_movement",
    "apply_rates",
    "chain_rates",
    "cohort_rates",
    "flow_rates",
    "migration_rate",
    "round_money",
    "scale_rates",
]

FloatArray = NDArray[np.float64]
Averaging = Literal["simple", "volume"]
HALF_DIGITS = 4
"""Decimals of a minor unit to which half of one is recognised."""


@dataclass(frozen=True, slots=True)
class FlowRates:
    """Net flow rates between ageing buckets and the loss rates that follow.

    Parameters
    ----------
    flows : array of shape (buckets - 1,)
        Share of a bucket's balance that is found in the next bucket a month later.
    rates : array of shape (buckets,)
        Share of each bucket's balance finally lost, capped at 1.
    terminal_loss : float
        Share of the last bucket that is lost.
    averaging : {"simple", "volume"}
        How the months were averaged.
    """

    flows: FloatArray
    rates: FloatArray
    terminal_loss: float
    averaging: Averaging


def flow_rates(
    balances: ArrayLike,
    averaging: Averaging = "volume",
    terminal_loss: float = 1.0,
    written_off: ArrayLike | None = None,
) -> FlowRates:
    """Net flow rates from a panel of month-end balances.

    Parameters
    ----------
    balances : array of shape (months, buckets)
        Balance by bucket at consecutive month ends, youngest bucket first, in currency units.
    averaging : {"simple", "volume"}
        "simple" takes the mean of the monthly flows, "volume" the ratio of the summed balances. The two
        differ, so a rate without its averaging rule cannot be re-performed.
    terminal_loss : float
        Share of the last bucket that is lost, in [0, 1].
    written_off : array of shape (months, buckets), optional
        Amount written off during the month that ends at each row, in the bucket it would have stood in at
        that month end. It counts as migrated: without it a write-off looks like a collection. The first
        row is not used.

    Returns
    -------
    FlowRates
        Flow j is ``(balance[t + 1, j + 1] + written_off[t + 1, j + 1]) / balance[t, j]``; the rate of a
        bucket is the product of the flows after it and the terminal loss.

    Raises
    ------
    ModelError
        With fewer than two months or buckets, negative balances, or a bucket that never has a balance.

    Examples
    --------
    >>> panel = [[1000, 400, 160, 80], [1100, 420, 170, 70], [1200, 440, 175, 75]]
    >>> flow_rates(panel, averaging="simple").rates.round(6)
    array([0.075804, 0.184888, 0.439338, 1.      ])
    """
    balances = np.asarray(balances, dtype=float)
    if balances.ndim != 2 or balances.shape[0] < 2 or balances.shape[1] < 2:
        raise ModelError(f"flow rates need at least two months and two buckets, got shape {balances.shape}")
    arrived = balances[1:, 1:].copy()
    if written_off is not None:
        gone = np.asarray(written_off, dtype=float)
        if gone.shape != balances.shape:
            raise ModelError(f"written_off has shape {gone.shape}, balances {balances.shape}")
        arrived += gone[1:, 1:]
    if not (np.isfinite(balances).all() and (balances >= 0).all() and (arrived >= 0).all()):
        raise ModelError("balances and write-offs must be finite and not negative")
    flows = average_flows(arrived, balances[:-1, :-1], averaging)
    if np.isnan(flows).any():
        empty = int(np.flatnonzero(np.isnan(flows))[0])
        raise ModelError(f"bucket {empty} has no balance in any month, so it has no flow rate")
    return FlowRates(flows, chain_rates(flows, terminal_loss), float(terminal_loss), averaging)


def average_flows(arrived: FloatArray, left: FloatArray, averaging: Averaging) -> FloatArray:
    """Average monthly flows over the axis before the last; NaN where no month has a balance.

    Parameters
    ----------
    arrived, left : array of shape (..., months, steps)
        Amount found in the next bucket, and the amount it came from a month before.
    averaging : {"simple", "volume"}
        See `flow_rates`.

    Returns
    -------
    array of shape (..., steps)
    """
    if averaging not in ("simple", "volume"):
        raise ModelError(f"averaging is 'simple' or 'volume', not {averaging!r}")
    with np.errstate(invalid="ignore", divide="ignore"):
        if averaging == "volume":
            total = left.sum(axis=-2)
            return np.where(total > 0, arrived.sum(axis=-2) / total, np.nan)
        seen = left > 0
        monthly = np.where(seen, arrived / left, 0.0)
        months = seen.sum(axis=-2)
        return np.where(months > 0, monthly.sum(axis=-2) / months, np.nan)


def chain_rates(flows: ArrayLike, terminal_loss: ArrayLike) -> FloatArray:
    """Loss rate of each bucket: product of the flows still ahead of it and the terminal loss, capped at 1.

    Parameters
    ----------
    flows : array of shape (..., buckets - 1)
    terminal_loss : float or array of shape (...)

    Returns
    -------
    array of shape (..., buckets)

    Examples
    --------
    >>> chain_rates([0.5, 0.2], 0.9)
    array([0.09, 0.18, 0.9 ])
    """
    flows = np.asarray(flows, dtype=float)
    last = np.asarray(terminal_loss, dtype=float)
    if np.any((last < 0) | (last > 1)):
        raise ModelError(f"terminal loss is a fraction between 0 and 1, got {last}")
    last = np.broadcast_to(last[..., None], (*flows.shape[:-1], 1))
    ahead = np.concatenate([flows, last], axis=-1)
    return np.minimum(np.cumprod(ahead[..., ::-1], axis=-1)[..., ::-1], 1.0)


def round_money(amounts: ArrayLike, scale: int = 100) -> FloatArray:
    """Amounts to whole minor units; half a unit counts up, as a spreadsheet rounds.

    With a rate stated in round figures halves do occur, and doubles miss them by their last digits.

    Parameters
    ----------
    amounts : array of any shape, at least 0
        NaN stays.
    scale : int
        Minor units in the unit of the amounts.

    Examples
    --------
    >>> round_money([0.125, 0.135, 1.005]), round_money(2.5, scale=1)
    (array([0.13, 0.14, 1.01]), array(3.))
    """
    units = np.round(np.asarray(amounts, dtype=float) * scale, HALF_DIGITS)
    return np.asarray(np.floor(units + 0.5) / scale, dtype=float)


def apply_rates(balances: ArrayLike, rates: ArrayLike) -> FloatArray:
    """Provision by bucket: balance times rate, to the cent (`round_money`) so that the total foots.

    Raises
    ------
    ModelError
        If the shapes differ or a rate lies outside [0, 1].

    Examples
    --------
    >>> apply_rates([15e6, 7.5e6, 4e6, 2.5e6, 1e6], [0.003, 0.016, 0.036, 0.066, 0.106]).sum()
    np.float64(580000.0)
    """
    balances, rates = np.asarray(balances, dtype=float), np.asarray(rates, dtype=float)
    if balances.shape != rates.shape:
        raise ModelError(f"{balances.shape} balances do not go with {rates.shape} rates")
    if not ((rates >= 0) & (rates <= 1)).all():
        raise ModelError("a provision rate is a fraction between 0 and 1")
    return round_money(balances * rates)


def scale_rates(rates: ArrayLike, factor: ArrayLike, cap: float = 1.0) -> FloatArray:
    """Rates times a forward-looking factor (one, or one per bucket), never above `cap`.

    Examples
    --------
    >>> scale_rates([0.003, 0.08, 0.82], [1, 1.1, 1.3]).round(3)
    array([0.003, 0.088, 1.   ])
    """
    rates, factor = np.asarray(rates, dtype=float), np.asarray(factor, dtype=float)
    if (rates < 0).any() or (factor < 0).any():
        raise ModelError("rates and factors cannot be negative")
    scaled: FloatArray = np.minimum(rates * factor, cap)
    return scaled


def cohort_rates(sales: float, collected: ArrayLike) -> FloatArray:
    """Loss rates by bucket from one cohort of sales and what it paid in each bucket.

    Parameters
    ----------
    sales : float
        Sales of the cohort.
    collected : array of shape (buckets - 1,)
        Paid while not due, then in each overdue bucket; what remains after the last is the loss.

    Returns
    -------
    array of shape (buckets,)
        Loss divided by the amount that reached each bucket; 0 where nothing reached it.

    Examples
    --------
    >>> cohort_rates(100_000, [50_000, 27_000, 15_000, 6_000]).round(6)
    array([0.02    , 0.04    , 0.086957, 0.25    , 1.      ])
    """
    paid = np.asarray(collected, dtype=float)
    reached = sales - np.concatenate([[0.0], np.cumsum(paid)])
    if sales <= 0 or (paid < 0).any() or reached[-1] < -1e-9 * sales:
        raise ModelError("a cohort needs positive sales and collections that do not exceed them")
    loss = max(float(reached[-1]), 0.0)
    return np.divide(loss, reached, out=np.zeros_like(reached), where=reached > 0)


def migration_rate(opening: float, following: float, written_off: float = 0.0) -> float:
    """Share of an opening balance that moves to the next bucket; write-offs count as migrated.

    Examples
    --------
    >>> migration_rate(1_000_000, 500_000, 200_000)
    0.7
    """
    if opening <= 0 or following < 0 or written_off < 0:
        raise ModelError("need a positive opening balance and amounts that are not negative")
    return (following + written_off) / opening


@dataclass(frozen=True, slots=True)
class Absorption:
    """An absorbing Markov chain, solved.

    Parameters
    ----------
    visits : array of shape (transient, transient)
        Expected months in each state by starting state, N = (I - Q)^-1.
    probability : array of shape (transient, absorbing)
        Chance to end in each absorbing state, B = N R.
    """

    visits: FloatArray
    probability: FloatArray


def absorption(stay: ArrayLike, leave: ArrayLike) -> Absorption:
    """Where balances end: the fundamental matrix of an absorbing chain (Kemeny and Snell, 1960).

    Parameters
    ----------
    stay : array of shape (transient, transient)
        Q, moves between states of the book; rows are the state left.
    leave : array of shape (transient, absorbing)
        R, moves to paid, bad and so on. Each row of Q and R together sums to 1.

    Raises
    ------
    ModelError
        If entries are not probabilities, a row does not sum to 1, or a state can never reach an end.

    Examples
    --------
    >>> ends = absorption([[0, 0.2, 0], [0, 0, 0.1], [0, 0, 0]], [[0.8, 0], [0.9, 0], [0.85, 0.15]])
    >>> ends.probability[:, 1].round(4)
    array([0.003, 0.015, 0.15 ])
    """
    q, r = np.asarray(stay, dtype=float), np.asarray(leave, dtype=float)
    if q.ndim != 2 or q.shape[0] != q.shape[1] or r.ndim != 2 or r.shape[0] != q.shape[0]:
        raise ModelError(f"shapes do not fit: Q {q.shape}, R {r.shape}")
    if not ((q >= 0).all() and (r >= 0).all() and np.allclose(q.sum(1) + r.sum(1), 1.0, atol=1e-8)):
        raise ModelError("each row of Q and R together must be probabilities that sum to 1")
    reaches = r.sum(axis=1) > 0
    for _ in range(len(q)):
        reaches = reaches | ((q > 0) @ reaches)
    if not reaches.all():
        raise ModelError(f"state {int(np.flatnonzero(~reaches)[0])} never reaches an end (paid or bad)")
    visits = np.linalg.solve(np.eye(len(q)) - q, np.eye(len(q)))
    return Absorption(visits, visits @ r)


def allowance_movement(opening: float, movements: Mapping[str, float]) -> list[tuple[str, float]]:
    """Roll an allowance forward line by line; the closing line is the sum of those before it.

    Parameters
    ----------
    opening : float
        Allowance at the start of the period.
    movements : mapping of label to signed amount
        For example charge +, write-offs -, recoveries +.

    Returns
    -------
    list of (label, amount)
        Opening, each movement, closing; rounded to the cent.

    Examples
    --------
    >>> allowance_movement(100.0, {"charge": 20.0, "write-offs": -35.5})[-1]
    ('closing', 84.5)
    """
    lines = [("opening", float(opening)), *((name, float(x)) for name, x in movements.items())]
    lines = [(name, round(x, 2)) for name, x in lines]
    return [*lines, ("closing", round(sum(x for _, x in lines), 2))]
