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

__all__ = ["distinct_hits", "read_marks", "sum_by_draw", "sum_rows", "take_severity", "thin_hits"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., object])
BITS = 64
STEPS = 256
REACH = 9.0
BLOCK = 32
_NORMAL = special.ndtr(np.arange(-REACH * STEPS, REACH * STEPS + 1) / STEPS)


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
def _take_bits(words: NDArray[np.uint64], out: NDArray[np.int32], at: int) -> int:
    """Positions of the set bits, ascending, written from `at` on; the words are cleared."""
    for w in range(words.size):
        word = words[w]
        while word != 0:
            out[at] = w * BITS + np.int64(_last_bit(word))
            at += 1
            word &= word - np.uint64(1)
        words[w] = 0
    return at


@_compiled
def _set_bit(words: NDArray[np.uint64], position: int) -> None:
    words[position >> 6] |= np.uint64(1) << np.uint64(position & 63)


@_compiled
def distinct_hits(counts: IntArray, where: NDArray[np.int32], size: int) -> int:
    """Sort each year's hits (places below `size`) and drop doubles, in place; how many are left in all."""
    words = np.zeros((size + BITS - 1) // BITS, dtype=np.uint64)
    seen, found = 0, 0
    for year in range(counts.size):
        if counts[year] == 0:
            continue
        for _ in range(counts[year]):
            _set_bit(words, where[seen])
            seen += 1
        after = _take_bits(words, where, found)
        counts[year] = after - found
        found = after
    return found


@_compiled
def _is_below(limit: float, x: float) -> bool:
    """Whether `limit` is below the normal distribution function at x; mostly two table values decide."""
    if -REACH < x < REACH:
        k = int((x + REACH) * STEPS)
        if limit < _NORMAL[k]:
            return True
        if limit >= _NORMAL[k + 1]:
            return False
    return bool(limit < 0.5 * math.erfc(-x / math.sqrt(2.0)))


@_compiled
def thin_hits(
    counts: IntArray,
    where: NDArray[np.int32],
    luck: FloatArray,
    ceiling: FloatArray,
    shift: FloatArray,
    edge: FloatArray,
    names: IntArray,
    marks: NDArray[np.uint64],
) -> int:
    """Keep each hit with the ratio of its probability to the ceiling: a bit of its year in `marks`."""
    seen, kept = 0, 0
    for year in range(counts.size):
        words = marks[year]
        for _ in range(counts[year]):
            who = where[seen]
            if _is_below(luck[seen] * ceiling[year], edge[who] - shift[year]):
                _set_bit(words, names[who])
                kept += 1
            seen += 1
    return kept


@_compiled
def read_marks(marks: NDArray[np.uint64], counts: IntArray, out: NDArray[np.int32]) -> None:
    """Obligors whose bits are set, by year, ascending, and their number in each year."""
    found = 0
    for year in range(counts.size):
        after = _take_bits(marks[year], out, found)
        counts[year] = after - found
        found = after


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
    share: NDArray[np.float32],
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
def take_severity(
    obligor: NDArray[np.int32], luck: NDArray[np.uint16], law: IntArray, values: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The value of each event's law at its place."""
    out = np.empty(obligor.size, dtype=np.float32)
    for k in range(obligor.size):
        out[k] = values[law[obligor[k]], luck[k]]
    return out
