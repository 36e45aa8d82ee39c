"""Roll rates: follow the same money from month end to month end through the ages of debt to its loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.models.loss_rates.arithmetic import Averaging, chain_rates
from arrisk.models.loss_rates.customer_moves import (
    UNITS,
    CustomerMoves,
    Measure,
    read_customer_moves,
    sum_by_customer,
)
from arrisk.models.loss_rates.loss_counts import FOLLOWED_MONTHS, LossCounts, Unit, words_of_bounds
from arrisk.models.loss_rates.month_ends import RECOVERIES, Recoveries, WriteOffs
from arrisk.models.loss_rates.segments import segment_customers
from arrisk.portfolio.transitions import WRITTEN_OFF, Transitions, destination_names

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["count_rolls", "roll_flows", "roll_terms", "roll_weights"]

Floats = NDArray[np.float64]


def count_rolls(
    snapshot: Snapshot,
    months: int = 24,
    edges: Sequence[int] = (30, 60, 90),
    averaging: Averaging = "volume",
    of: Measure = "amount",
    unit: Unit = "item",
    write_offs: WriteOffs = "migrated",
    terminal_loss: float | None = None,
    by: str | None = None,
    horizon: int = FOLLOWED_MONTHS,
    recoveries: Recoveries = "known",
) -> LossCounts:
    """What rolled on and what was settled by customer and bucket, ready to become rates.

    Of the money that stood in a bucket and left it within the month, the share that rolled on is its roll
    rate; the product of the roll rates ahead and the terminal loss is the loss rate.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    months : int
        Window of monthly moves.
    edges : sequence of int
        Days overdue at which a bucket ends.
    averaging : {"volume", "simple"}
        Ratio of the sums over months, or mean of the monthly roll rates.
    of : {"amount", "items"}
        Rates of money, or of items whatever they are worth.
    unit : {"item", "customer"}
        See `read_customer_moves`.
    write_offs : {"migrated", "dropped"}
        "migrated": what is written off rolls on through all buckets and is lost in the last. "dropped": it
        counts as settled in the bucket it was in, which makes an early write-off look like a collection.
    terminal_loss : float, optional
        Share lost of what reaches the last bucket; by default write-offs net of recoveries over everything
        that ended there in the window.
    by : str, optional
        An attribute of customers that makes the segments.
    horizon : int
        Months that a balance must have been followed before its customer counts in a bound.
    recoveries : {"known", "developed"}
        What is taken off write-offs: what came back by the as-of date, or what comes back in the end
        (`develop_recoveries`); intervals take its curve as given.

    Raises
    ------
    ModelError
        If the ledger is younger than a month or an argument is not allowed.
    """
    if averaging not in get_args(Averaging) or write_offs not in get_args(WriteOffs):
        raise ModelError(
            f"averaging is one of {get_args(Averaging)}, write_offs one of {get_args(WriteOffs)}"
        )
    if terminal_loss is not None and not 0 <= terminal_loss <= 1:
        raise ModelError(f"terminal loss is a fraction between 0 and 1, got {terminal_loss}")
    moves = read_customer_moves(
        snapshot,
        months,
        edges,
        unit,
        by_month=averaging == "simple",
        horizon=horizon,
        recoveries=recoveries,
    )
    segments, segment = segment_customers(snapshot, moves.customers, by)
    periods = len(moves.month_ends) if averaging == "simple" else 1
    steps = moves.buckets - 1

    def rates(sums: Floats) -> Floats:
        flows, last = roll_flows(sums, periods, steps)
        last = last if terminal_loss is None else np.full_like(last, terminal_loss)
        return chain_rates(np.nan_to_num(flows, nan=1.0), np.nan_to_num(last, nan=1.0))

    exposed, hit = moves.seen()
    return LossCounts(
        "roll",
        moves.edges,
        moves.customers,
        by,
        segments,
        segment,
        roll_terms(moves.found, moves.values(of), edges, moves.recovered, write_offs, periods),
        rates,
        exposed,
        hit,
        moves.followed,
        moves.today,
        _conventions(moves, averaging, of, write_offs, terminal_loss)
        | {"recoveries": RECOVERIES[recoveries], "bounds": words_of_bounds(horizon)},
        {"window": (moves.month_ends[0], moves.month_ends[-1]), "months": len(moves.month_ends)},
        unit,
        horizon=horizon,
    )


def roll_weights(edges: Sequence[int], write_offs: WriteOffs = "migrated") -> Floats:
    """What a move from one state to another adds to the terms of roll rates.

    Returns
    -------
    array of shape (buckets, destinations, 2 x (buckets - 1) + 2)
        By bucket from and place in `destination_names`: rolled over each step, settled before each step,
        lost in the last bucket, settled there. A move over several buckets rolls over each of them; what
        stays where it is adds nothing, because it is not decided yet; what moves back is settled.

    Examples
    --------
    >>> names = destination_names((30,))
    >>> weights = roll_weights((30,))  # not due, 1-30, over 30
    >>> weights[0, names.index("over 30")].tolist(), weights[1, names.index("paid")].tolist()
    ([1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    """
    buckets, ends = len(edges) + 2, destination_names(edges)
    steps, gone = buckets - 1, ends.index(WRITTEN_OFF)
    out = np.zeros((buckets, len(ends), 2 * steps + 2))
    for start in range(buckets):
        settled = steps + start if start < steps else 2 * steps + 1
        for end in range(len(ends)):
            if end == start:
                continue
            if end == gone and (write_offs == "migrated" or start == steps):
                out[start, end, start:steps] = 1.0
                out[start, end, 2 * steps] = 1.0
            elif start < end < buckets:
                out[start, end, start:end] = 1.0
            else:
                out[start, end, settled] = 1.0
    return out


def roll_terms(
    found: Transitions,
    values: Floats,
    edges: Sequence[int],
    recovered: Floats,
    write_offs: WriteOffs = "migrated",
    periods: int = 1,
) -> sparse.csr_array:
    """Sums by cell (a customer, or all): what rolled and what was settled by step in each period; then, of
    the last bucket, what was lost, what was settled, and what of the loss was recovered.

    Parameters
    ----------
    found : Transitions
    values : array of shape (transitions,)
        Currency units or items.
    edges : sequence of int
        Days overdue at which a bucket ends.
    recovered : array of shape (cells,)
        Share of the write-offs recovered.
    write_offs : {"migrated", "dropped"}
    periods : int
        1 adds all months up; otherwise the number of months, each by itself.

    Returns
    -------
    sparse array of shape (cells, periods x 2 x (buckets - 1) + 3)
    """
    weights = roll_weights(edges, write_offs)
    origins, ends, width = weights.shape
    kept = found.origin < origins
    month = found.month if periods > 1 else np.zeros_like(found.month)
    place = (month * origins + found.origin) * ends + found.destination
    shape = (len(recovered), periods * origins * ends)
    moved = sum_by_customer(found.cell[kept], place[kept], values[kept], shape)
    each = sparse.csr_array(weights.reshape(-1, width))
    flows = moved @ sparse.block_diag([each[:, :-2]] * periods, "csr")
    last = moved @ sparse.vstack([each[:, -2:]] * periods, "csr")
    back = last[:, [0]].multiply(recovered[:, None])
    return sparse.csr_array(sparse.hstack([flows, last, back], "csr"))


def roll_flows(sums: Floats, periods: int, steps: int) -> tuple[Floats, Floats]:
    """Roll rates and terminal loss of sums made by `roll_terms`; NaN where nothing was decided.

    Parameters
    ----------
    sums : array of shape (..., terms)

    Returns
    -------
    flows : array of shape (..., steps)
    terminal_loss : array of shape (...)

    Examples
    --------
    Of 1,000,000 in the bucket 300,000 were collected; 200,000 were written off and count as migrated.

    >>> flows, last = roll_flows(np.array([700e3, 300e3, 200e3, 0.0, 50e3]), periods=1, steps=1)
    >>> flows, last
    (array([0.7]), array(0.75))
    """
    parts = np.maximum(sums[..., :-3].reshape(*sums.shape[:-1], periods, 2, steps), 0.0)
    rolled, decided = parts[..., 0, :], parts.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        monthly = np.where(decided > 0, rolled / decided, 0.0).sum(axis=-2)
        flows = np.where((decided > 0).any(axis=-2), monthly / (decided > 0).sum(axis=-2), np.nan)
        lost, kept, back = np.moveaxis(np.maximum(sums[..., -3:], 0.0), -1, 0)
        last = np.where(lost + kept > 0, np.maximum(lost - back, 0.0) / (lost + kept), np.nan)
    return flows, last


def _conventions(
    moves: CustomerMoves, averaging: Averaging, of: Measure, write_offs: WriteOffs, terminal: float | None
) -> dict[str, str]:
    return {
        "rates": "roll rates: of what left a bucket within a month the share that went on to an older one, "
        "chained to the terminal loss",
        "window": moves.window(),
        "averaging": {
            "volume": "volume: ratio of the sums over months",
            "simple": "simple: mean of the monthly roll rates",
        }[averaging],
        "of": {"amount": "money", "items": "items, whatever they are worth"}[of],
        "unit": UNITS[moves.unit],
        "part payments": "settled in the bucket in which the item began the month; the rest moves by itself",
        "stays": "not decided: out of the rates until it moves or is settled",
        "jumps": "a move over a bucket rolls over each step between",
        "moves back": "settled (a customer's worst bucket can become younger; an item's cannot)",
        "new within the month": "left out: it stood in no bucket when the month began, as do reopened items",
        "disputed and undated items": "by age; without a due date from their issue",
        "write-offs": {
            "migrated": "counted as migrated: they roll on to the last bucket and are lost there",
            "dropped": "counted as settled in the bucket in which they were written off",
        }[write_offs],
        "credit notes": "settled",
        "terminal loss": (
            "write-offs net of recoveries over all that ended in the last bucket in the window"
            if terminal is None
            else f"given: {terminal:.2%}"
        ),
        "a bucket never left": "passes everything on",
    }
