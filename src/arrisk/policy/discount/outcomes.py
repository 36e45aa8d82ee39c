"""Draws of what happens to the invoices of a book: the day each is paid on, and which default when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arrisk.policy.discount.book import Book
from arrisk.policy.discount.timing import DAYS, HORIZON, LEAST, Timing

__all__ = ["Outcome", "Prepared", "draw_outcome", "prepare"]

GRID = 8192
Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is the same in every draw of a book, by invoice unless said.

    Parameters
    ----------
    segment : array of int
    start : array of int
        Where the customer's own days begin.
    own, total : arrays of float
        Own days beyond the age, and with the weight of the segment's curve beyond it.
    stuck : array of int
        Invoices older than any payment seen: the tail decides.
    passed : array of int
        Days of its life already passed.
    block_segment, block_start : array of int, blocks
        Segment, and the first invoice (and, at the end, the number of invoices).
    ages : tuple of int
        The lowest and the highest.
    """

    segment: Ints
    start: Ints
    own: Singles
    total: Singles
    stuck: Ints
    passed: Ints
    block_segment: Ints
    block_start: Ints
    ages: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One draw of a book's invoices.

    Parameters
    ----------
    day : array of int
        Day on which each is paid without an offer, should it be paid.
    lost : array of int
        Numbers of the invoices that default.
    until : array of int, as `lost`
        The earlier of the usual day and the day of the default: paying before it removes the loss.
    severity : array, as `lost`
        Fraction lost.
    """

    day: Ints
    lost: Ints
    until: Ints
    severity: Floats


def prepare(book: Book, timing: Timing) -> Prepared:
    """Look up once what all draws of a book share."""
    begin, end = timing.first[book.customer], timing.first[book.customer + 1]
    segment = book.segment[book.customer]
    # Days run from the longest on, so that those beyond the age come first.
    spread = np.repeat(np.arange(len(timing.first) - 1), np.diff(timing.first)) * (DAYS + 1) + HORIZON
    key = spread - timing.own
    own = np.searchsorted(key, book.customer * (DAYS + 1) + HORIZON - book.age, side="left") - begin
    share = timing.curves(np.ones((1, timing.counts.shape[1]))).paid_share()[0]
    ahead = np.concatenate([share[:, ::-1].cumsum(axis=1)[:, ::-1], np.zeros((len(share), 1))], axis=1)
    weight = timing.concentration * ahead[segment, np.minimum(book.age + 1, DAYS)]
    own = np.minimum(own, end - begin)
    total = own + weight
    block_start = np.searchsorted(book.block, np.arange(int(book.block.max(initial=-1)) + 2))
    return Prepared(
        segment=segment,
        start=begin.astype(np.intp),
        own=own.astype(np.float32),
        total=total.astype(np.float32),
        stuck=np.flatnonzero(total <= LEAST * timing.concentration),
        passed=np.maximum(book.age, 0).astype(np.intp),
        block_segment=segment[block_start[:-1]],
        block_start=block_start,
        ages=(int(book.age.min(initial=HORIZON - 1)), int(book.age.max(initial=-1))),
    )


def draw_outcome(
    book: Book,
    timing: Timing,
    known: Prepared,
    paid: Floats,
    defaulted: Floats,
    severity: Floats,
    chance: Floats,
    rng: np.random.Generator,
) -> Outcome:
    """Draw the day of payment of every invoice, and the defaults.

    Parameters
    ----------
    book, timing, known
        See `prepare`.
    paid, defaulted, severity, chance : arrays, segments x days (severity: segments)
        One draw of `Curves`: `paid_share`, `defaulted`, `severity` and `default_chance`.
    rng : Generator
    """
    day = _draw_days(book, timing, known, paid, rng)
    luck = rng.random(len(known.block_segment))
    youngest, oldest = known.ages
    most = chance[:, youngest + 1 : min(oldest + 1, HORIZON) + 1].max(axis=1)
    likely = np.flatnonzero(luck < most[known.block_segment])
    rows = _ranges(known.block_start[likely], known.block_start[likely + 1])
    at = np.minimum(book.age[rows] + 1, HORIZON)
    rows = rows[luck[book.block[rows]] < chance[known.segment[rows], at]]
    fails = _draw_defaults(book, known, rows, defaulted, rng)
    return Outcome(day, rows, np.minimum(day[rows], fails), severity[known.segment[rows]])


def _ranges(begin: Ints, end: Ints) -> Ints:
    """All whole numbers from each beginning up to, not including, its end."""
    size = end - begin
    return np.repeat(begin - np.append(0, size.cumsum()[:-1]), size) + np.arange(size.sum())


def _draw_days(book: Book, timing: Timing, known: Prepared, paid: Floats, rng: np.random.Generator) -> Ints:
    place = rng.random(len(book.amount), dtype=np.float32)
    place *= known.total
    index = place.astype(np.intp)
    index += known.start
    day = timing.own.take(index, mode="clip").astype(np.intp)
    rows = np.flatnonzero(place >= known.own)
    if rows.size:
        day[rows] = _segment_days(book, known, rows, place[rows], paid, rng)
    if book.kind == "open":
        day -= known.passed
        if known.stuck.size:
            wait = np.log(rng.random(known.stuck.size)) / np.log1p(-timing.tail)
            day[known.stuck] = np.minimum(1 + wait, HORIZON).astype(np.intp)
        np.clip(day, 1, HORIZON, out=day)
    return day


def _segment_days(
    book: Book, known: Prepared, rows: Ints, place: Singles, paid: Floats, rng: np.random.Generator
) -> Ints:
    """Days from the segments' curves: a grid of quantiles, shifted at random so that every day keeps its
    chance, and of it the part beyond the age."""
    table = np.stack([_quantiles(p, rng.random()) for p in paid])
    segment = known.segment[rows]
    low: Ints | int = 0
    if book.kind == "open":
        passed = np.stack([np.searchsorted(t, np.arange(DAYS), side="right") for t in table])
        low = passed[segment, np.minimum(book.age[rows], HORIZON)]
    share = (place - known.own[rows]) / np.maximum(known.total[rows] - known.own[rows], LEAST)
    index = low + (share * (GRID - low)).astype(np.int64)
    return np.asarray(table[segment, np.minimum(index, GRID - 1)])


def _quantiles(chance: Floats, shift: float) -> NDArray[np.int16]:
    edges = np.clip(np.ceil(chance.cumsum() * GRID - shift), 0, GRID).astype(np.int64)
    edges[-1] = GRID
    return np.repeat(np.arange(DAYS, dtype=np.int16), np.diff(edges, prepend=0))


def _draw_defaults(
    book: Book, known: Prepared, rows: Ints, defaulted: Floats, rng: np.random.Generator
) -> Ints:
    """Days to default from the start of the book, of those that default."""
    level, out = rng.random(rows.size), np.zeros(rows.size, dtype=np.int64)
    for segment in np.unique(known.segment[rows]).tolist():
        mine = known.segment[rows] == segment
        total = np.concatenate([[0.0], defaulted[segment].cumsum()])
        since = total[np.minimum(book.age[rows[mine]] + 1, DAYS)]
        aim = since + level[mine] * (total[-1] - since)
        out[mine] = np.minimum(np.searchsorted(total[1:], aim, side="right"), HORIZON)
    return np.asarray(np.maximum(out - known.passed[rows], 0))
