"""Inner loops of the simulation, compiled by numba (the extra [fast]); those of numpy give the same draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray
from scipy import special

__all__ = ["read_marks", "sum_by_draw", "sum_rows", "sum_rows_twice", "take_severity", "thin_hits"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., object])
BITS = 64
STEPS = 128
REACH = 9.0
BLOCK = 32
_RATE = -special.log_ndtr(-np.arange(-REACH * STEPS, REACH * STEPS + 1) / STEPS)


def _compiled(function: F) -> F:
    made: F = njit(nogil=True, cache=True)(function)
    return made


@intrinsic  # type: ignore[untyped-decorator]
def _last_bit(typing_context: Any, word: Any) -> Any:
    """Place of the lowest set bit, by the processor's own instruction."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, True))

    return types.uint64(types.uint64), build


@_compiled
def _is_below(limit: float, x: float) -> bool:
    """Whether `limit` is below -log(1 - Phi(x)); mostly two values of a table decide."""
    if -REACH < x < REACH:
        k = np.uint64((x + REACH) * STEPS)
        above = limit >= _RATE[k]
        if above == (limit >= _RATE[k + np.uint64(1)]):
            return not above
    if x > 0:
        return bool(limit < -math.log(0.5 * math.erfc(x / math.sqrt(2.0))))
    return bool(limit < -math.log1p(-0.5 * math.erfc(-x / math.sqrt(2.0))))


@_compiled
def thin_hits(
    counts: IntArray,
    spot: FloatArray,
    rate: FloatArray,
    shift: FloatArray,
    edge: FloatArray,
    names: IntArray,
    marks: NDArray[np.uint64],
) -> int:
    """Keep each hit with the ratio of its rate to the group's: a bit of its year in `marks`. How many.

    Without branches, and with places that have no sign: both halve the time of a hit.
    """
    seen, kept = 0, 0
    for year in range(counts.size):
        words = marks[year]
        for _ in range(counts[year]):
            place = np.uint64(spot[seen])
            taken = _is_below((spot[seen] - place) * rate[year], edge[place] - shift[year])
            name = np.uint64(names[place])
            words[name >> np.uint64(6)] |= np.uint64(taken) << (name & np.uint64(63))
            kept += int(taken)
            seen += 1
    return kept


@_compiled
def read_marks(marks: NDArray[np.uint64], counts: IntArray, out: NDArray[np.int32]) -> int:
    """Obligors whose bits are set, by year, ascending; their number in each year, and in all."""
    found = 0
    for year in range(counts.size):
        before = found
        for w in range(marks.shape[1]):
            word = marks[year, w]
            while word != 0:
                out[found] = w * BITS + np.int64(_last_bit(word))
                found += 1
                word &= word - np.uint64(1)
        counts[year] = found - before
    return found


@_compiled
def sum_by_draw(start: IntArray, amounts: FloatArray) -> FloatArray:
    """Sum of one amount per event over the events of each year."""
    total = np.zeros(start.size - 1)
    for year in range(total.size):
        for k in range(start[year], start[year + 1]):
            total[year] += amounts[k]
    return total


@_compiled
def sum_rows(
    start: IntArray,
    obligor: NDArray[np.int32],
    share: NDArray[np.floating],
    values: FloatArray,
    out: FloatArray,
) -> None:
    """Sum per year of the rows of `values` of the events' obligors, times the event's share (none: 1)."""
    weighted = share.size > 0
    for first in range(0, values.shape[1], BLOCK):
        block = values[:, first : first + BLOCK].copy()
        total = np.zeros(block.shape[1])
        for year in range(start.size - 1):
            total[:] = 0.0
            for k in range(start[year], start[year + 1]):
                row = block[obligor[k]]
                part = share[k] if weighted else 1.0
                for j in range(total.size):
                    total[j] += part * row[j]
            out[year, first : first + BLOCK] = total


@_compiled
def sum_rows_twice(
    start: IntArray,
    obligor: NDArray[np.int32],
    share: NDArray[np.floating],
    values: FloatArray,
    out: FloatArray,
    lost: FloatArray,
) -> None:
    """Both sums of `sum_rows` in one go: of the rows, and of the rows times the event's share."""
    for first in range(0, values.shape[1], BLOCK):
        block = values[:, first : first + BLOCK].copy()
        total, part = np.zeros(block.shape[1]), np.zeros(block.shape[1])
        for year in range(start.size - 1):
            total[:] = 0.0
            part[:] = 0.0
            for k in range(start[year], start[year + 1]):
                row, weight = block[obligor[k]], share[k]
                for j in range(total.size):
                    total[j] += row[j]
                    part[j] += weight * row[j]
            out[year, first : first + BLOCK] = total
            lost[year, first : first + BLOCK] = part


@_compiled
def take_severity(
    obligor: NDArray[np.int32], luck: NDArray[np.uint16], law: IntArray, values: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The value of each event's law at its place."""
    out = np.empty(obligor.size, dtype=np.float32)
    for k in range(obligor.size):
        out[k] = values[law[obligor[k]], luck[k]]
    return out
