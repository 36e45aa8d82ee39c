"""Absorbing Markov chain on monthly moves between the ages of debt: where a balance ends, paid or lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from arrisk.errors import ModelError
from arrisk.models.loss_rates.customer_moves import (
    UNITS,
    CustomerMoves,
    Measure,
    Odd,
    read_customer_moves,
    sum_by_customer,
)
from arrisk.models.loss_rates.loss_counts import FOLLOWED_MONTHS, LossCounts, Unit, words_of_bounds
from arrisk.models.loss_rates.month_ends import RECOVERIES, Recoveries
from arrisk.models.loss_rates.segments import segment_customers
from arrisk.portfolio.transitions import WRITTEN_OFF, destination_names, open_names

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["chain_losses", "count_chain", "unending_states"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def count_chain(
    snapshot: Snapshot,
    months: int = 24,
    edges: Sequence[int] = (30, 60, 90),
    of: Measure = "amount",
    unit: Unit = "item",
    disputes: Odd = "aged",
    no_due_date: Odd = "aged",
    recovery_share: float | None = None,
    strength: float = 0.0,
    by: str | None = None,
    horizon: int = FOLLOWED_MONTHS,
    recoveries: Recoveries = "known",
) -> LossCounts:
    """Monthly moves between states by customer, ready to become an absorbing chain.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    months : int
        Window of monthly moves; all months weigh by what they moved.
    edges : sequence of int
        Days overdue at which a bucket ends.
    of : {"amount", "items"}
        Chances of money, or of items.
    unit : {"item", "customer"}
        See `read_customer_moves`.
    disputes, no_due_date : {"aged", "apart"}
        Disputed items, and items without a due date: by age, or as states of their own.
    recovery_share : float, optional
        Share of what is written off that comes back later; by default that of the ledger's write-offs.
    strength : float
        How much of the pooled matrix (all segments) is added to each row of a segment's, in the unit of `of`
        a month. A move that nobody ever made stays impossible.
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
        If a state is never left for an end, by any path: it is named. And if the ledger is younger than a
        month or an argument is not allowed.
    """
    if not strength >= 0 or (recovery_share is not None and not 0 <= recovery_share <= 1):
        raise ModelError("strength is at least 0, recovery_share a fraction between 0 and 1")
    moves = read_customer_moves(
        snapshot, months, edges, unit, disputes, no_due_date, False, horizon, recoveries
    )
    segments, segment = segment_customers(snapshot, moves.customers, by)
    states = len(open_names(edges))
    size = states * (states + 2)

    def rates(sums: Floats) -> Floats:
        own, everyone = sums[..., : size + 2], sums[..., size + 2 :]
        matrix = pooled_matrix(own[..., :size], everyone[..., :size], states, strength)
        lost = chain_losses(complete_matrix(matrix, moves.buckets))
        share = _recovered(own) if recovery_share is None else recovery_share
        return np.asarray(lost[..., : moves.buckets] * (1 - np.asarray(share))[..., None], dtype=float)

    exposed, hit = moves.seen()
    counts = LossCounts(
        "markov",
        moves.edges,
        moves.customers,
        by,
        segments,
        segment,
        chain_terms(moves, of),
        rates,
        exposed,
        hit,
        moves.followed,
        moves.today,
        _conventions(moves, of, disputes, no_due_date, recovery_share, recoveries, strength)
        | {"bounds": words_of_bounds(horizon)},
        {"window": (moves.month_ends[0], moves.month_ends[-1]), "months": len(moves.month_ends)},
        unit,
        pooled=True,
        horizon=horizon,
    )
    _check_ends(counts, states, strength)
    return counts


def chain_terms(moves: CustomerMoves, of: Measure) -> sparse.csr_array:
    """Moves of each customer, summed over months.

    Returns
    -------
    sparse array of shape (customers, states x (states + 2) + 2)
        From each state (`open_names`) to each state, paid (or credited), lost; then written off and
        recovered.
    """
    found, ends = moves.found, destination_names(moves.edges)
    states = len(open_names(moves.edges))
    size, gone = states * (states + 2), ends.index(WRITTEN_OFF)
    to = np.minimum(found.destination, states) + (found.destination == gone)
    value, lost = moves.values(of), found.destination == gone
    kept = found.origin < states
    parts = [
        (found.cell[kept], (found.origin * (states + 2) + to)[kept], value[kept]),
        (found.cell[lost], np.full(lost.sum(), size), value[lost]),
        (found.cell[lost], np.full(lost.sum(), size + 1), (value * moves.recovered[found.cell])[lost]),
    ]
    row, column, amount = (np.concatenate(part) for part in zip(*parts, strict=True))
    return sum_by_customer(row, column, amount, (len(moves.customers), size + 2))


def pooled_matrix(own: Floats, everyone: Floats, states: int, strength: float) -> Floats:
    """Chances to move, smoothed toward those of all segments together.

    Parameters
    ----------
    own, everyone : arrays of shape (..., states x (states + 2))
        Sums of moves.
    states : int
    strength : float
        Added to each row, spread as the row of everyone is.

    Returns
    -------
    array of shape (..., states, states + 2)
        Rows sum to 1, or are 0 where nothing was seen. A bounced part payment can make a sum of payments
        negative; it counts as none.
    """
    shape = (*own.shape[:-1], states, states + 2)
    mine, all_of_them = (np.maximum(part, 0.0).reshape(shape) for part in (own, everyone))
    return _shares(mine + strength * _shares(all_of_them))


def complete_matrix(matrix: Floats, buckets: int) -> Floats:
    """Rows never seen: a bucket passes everything to the next one, the last and states apart are lost."""
    states = matrix.shape[-2]
    default = np.zeros((states, states + 2))
    default[:, -1] = 1.0
    for bucket in range(buckets - 1):
        default[bucket] = np.eye(states + 2)[bucket + 1]
    unseen = matrix.sum(axis=-1, keepdims=True) <= 0
    return np.where(unseen, default, matrix)


def chain_losses(matrix: Floats) -> Floats:
    """Chance to end as lost by state, N R of the fundamental matrix N = (I - Q)^-1.

    Parameters
    ----------
    matrix : array of shape (..., states, states + 2)
        Rows sum to 1; the last two columns are paid and lost.

    Returns
    -------
    array of shape (..., states)
        1 for a state that never reaches an end.

    Notes
    -----
    Kemeny and Snell, *Finite Markov Chains* (1960), chapter 3.

    Examples
    --------
    >>> chain_losses(np.array([[0, 0.2, 0, 0.8, 0], [0, 0, 0.1, 0.9, 0], [0, 0, 0, 0.85, 0.15]])).round(4)
    array([0.003, 0.015, 0.15 ])
    """
    stuck = unending_states(matrix)
    stay = np.where(stuck[..., None], 0.0, matrix[..., :-2])
    lost = np.where(stuck, 1.0, matrix[..., -1])
    found = np.linalg.solve(np.eye(matrix.shape[-2]) - stay, lost[..., None])[..., 0]
    return np.asarray(np.clip(found, 0.0, 1.0), dtype=float)


def unending_states(matrix: Floats) -> Flags:
    """States from which neither paid nor lost can be reached, shape (..., states)."""
    moves = matrix[..., :-2] > 0
    ends = matrix[..., -2:].sum(axis=-1) > 0
    for _ in range(matrix.shape[-2]):
        ends = ends | (moves & ends[..., None, :]).any(axis=-1)
    return np.asarray(~ends)


def _shares(sums: Floats) -> Floats:
    total = sums.sum(axis=-1, keepdims=True)
    shares: Floats = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
    return shares


def _recovered(sums: Floats) -> Floats:
    """Share recovered of what was written off, 0 without write-offs."""
    lost, back = np.maximum(sums[..., -2], 0.0), np.maximum(sums[..., -1], 0.0)
    share: Floats = np.divide(np.minimum(back, lost), lost, out=np.zeros_like(lost), where=lost > 0)
    return share


def _check_ends(counts: LossCounts, states: int, strength: float) -> None:
    totals, size = counts.totals(), states * (states + 2)
    width = counts.terms.shape[1]
    matrix = pooled_matrix(totals[:, :size], totals[:, width : width + size], states, strength)
    stuck = unending_states(complete_matrix(matrix, counts.buckets))
    if stuck.any():
        segment, state = np.argwhere(stuck)[0]
        name = open_names(counts.edges)[state]
        raise ModelError(
            f"what stands in {name!r} (segment {counts.segments[segment]!r}) never reaches an end, paid or "
            "lost, in the window: take a longer window, fewer segments, or a strength above 0"
        )


def _conventions(
    moves: CustomerMoves,
    of: Measure,
    disputes: Odd,
    no_due_date: Odd,
    recovery_share: float | None,
    recoveries: Recoveries,
    strength: float,
) -> dict[str, Any]:
    apart = {"aged": "by age", "apart": "a state of its own"}
    return {
        "rates": "absorbing Markov chain on monthly moves: chance to end as written off, less recoveries",
        "window": moves.window(),
        "averaging": "volume: all months of the window together",
        "of": {"amount": "money", "items": "items, whatever they are worth"}[of],
        "unit": UNITS[moves.unit],
        "ends": "paid (discounts and credit notes included) and lost (written off)",
        "moves back": "as seen: a cured balance is followed from where it stands then",
        "new within the month": "left out: it stood in no state when the month began, as do reopened items",
        "disputed items": apart[disputes],
        "items without a due date": f"{apart[no_due_date]}"
        + (" from their issue" if no_due_date == "aged" else ""),
        "recoveries": (
            f"share of the window's write-offs recovered, {RECOVERIES[recoveries]}"
            if recovery_share is None
            else f"given: {recovery_share:.2%} of what is written off"
        ),
        "smoothing": (
            "none"
            if strength == 0
            else f"toward the matrix of all segments, which weighs {strength:,.2f} in each row"
        ),
        "a state never seen": "a bucket passes everything on; the last, and a state apart, is lost",
    }
