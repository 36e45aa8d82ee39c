"""Forward-looking factors on loss rates: times a factor or plus points, never above a cap."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.loss_rates.loss_rates import LossRates
from arrisk.portfolio.ageing import NOT_DUE

__all__ = ["PAST_DUE", "Factor", "change_by", "make_factors", "scale_loss_rates"]

Floats = NDArray[np.float64]
Kind = Literal["relative", "points"]
PAST_DUE = "past due"
"""Names all buckets but "not due" in the scope of a factor."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One change of loss rates and where it applies.

    Parameters
    ----------
    value : float
        "relative": what a rate is multiplied by, at least 0 (1.1 is ten per cent more). "points": what is
        added, as a fraction (0.02 is two percentage points), between -1 and 1.
    kind : {"relative", "points"}
    segments, buckets : tuple of str
        Names; empty means all. "past due" stands for every bucket but "not due".
    cap : float
        No changed rate goes above it, a fraction; nor below 0.

    Raises
    ------
    ModelError
        If the kind is unknown, or the value or the cap is not possible.

    Examples
    --------
    >>> str(Factor(1.1, buckets=("past due",)))
    'times 1.1 on past due'
    >>> str(Factor(-0.005, "points", segments=("Retail",)))
    'minus 0.5 points on Retail'
    """

    value: float
    kind: Kind = "relative"
    segments: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    cap: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ModelError(f"kind is one of {get_args(Kind)}, not {self.kind!r}")
        low, high = (0.0, math.inf) if self.kind == "relative" else (-1.0, 1.0)
        for name, number in (("value", self.value), ("cap", self.cap)):
            if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
                raise ModelError(f"the {name} of a factor is a finite number, got {number!r}")
        if not low <= self.value <= high:
            allowed = "at least 0" if self.kind == "relative" else "between -1 and 1, as a fraction"
            raise ModelError(f"a factor of kind {self.kind!r} is {allowed}, got {self.value:g}")
        if not 0 < self.cap <= 1:
            raise ModelError(f"the cap of a rate is a fraction above 0 and at most 1, got {self.cap:g}")
        for name, scope in (("segments", self.segments), ("buckets", self.buckets)):
            if isinstance(scope, str) or not all(isinstance(part, str) for part in scope):
                raise ModelError(f"{name} are a sequence of names, got {scope!r}")

    @property
    def scope(self) -> str:
        """Where it applies, in words."""
        parts = [", ".join(part) for part in (self.segments, self.buckets) if part]
        return ": ".join(parts) or "all rates"

    def __str__(self) -> str:
        if self.kind == "relative":
            done = f"times {self.value:.6g}"
        else:
            done = f"{'minus' if self.value < 0 else 'plus'} {abs(self.value) * 100:.6g} points"
        limit = "" if self.cap == 1 else f", at most {self.cap:.6g}"
        return f"{done} on {self.scope}{limit}"

    def covers(self, segments: Sequence[str], buckets: Sequence[str]) -> NDArray[np.bool_]:
        """Where the factor applies, shape (segments, buckets).

        Raises
        ------
        ModelError
            If it names a segment or bucket that is not there.
        """
        past_due = [b for b in buckets if b != NOT_DUE]
        wanted = {*self.buckets} - {PAST_DUE} | ({*past_due} if PAST_DUE in self.buckets else set())
        for what, named, known in (("segment", {*self.segments}, segments), ("bucket", wanted, buckets)):
            unknown = sorted(named - {*known})
            if unknown:
                raise ModelError(f"a factor names {what} {unknown[0]!r}; the rates have {list(known)}")
        rows = np.array([not self.segments or s in self.segments for s in segments])
        columns = np.array([not self.buckets or b in wanted for b in buckets])
        return np.asarray(rows[:, None] & columns[None, :])


def change_by(
    factors: Sequence[Factor], segments: Sequence[str], buckets: Sequence[str], capped: bool = True
) -> Callable[[Floats], Floats]:
    """A function that applies factors in their order to rates, shape (..., segments, buckets).

    Rates that are missing stay missing. Without the cap (`capped` False) the results are no rates yet.

    Raises
    ------
    ModelError
        If there is no factor, or one names a segment or bucket that is not there.

    Examples
    --------
    >>> change_by([Factor(1.1, buckets=("1-30",))], ["all"], ["not due", "1-30"])(np.array([[0.1, 0.95]]))
    array([[0.1, 1. ]])
    """
    if not factors:
        raise ModelError("there is no factor to apply")
    steps = [(factor, factor.covers(segments, buckets)) for factor in factors]

    def change(rates: Floats) -> Floats:
        for factor, inside in steps:
            rates = np.where(inside, _changed(rates, factor, capped), rates)
        return rates

    return change


def _changed(rates: Floats, factor: Factor, capped: bool) -> Floats:
    """A rate that stood above the cap before is not lowered by it."""
    moved = rates * factor.value if factor.kind == "relative" else rates + factor.value
    if not capped:
        return moved
    return np.asarray(np.minimum(np.maximum(moved, 0.0), np.maximum(factor.cap, rates)))


def make_factors(
    given: float | Factor | Mapping[str | tuple[str, str], float] | Sequence[Factor],
    segments: Sequence[str],
    buckets: Sequence[str],
    kind: Kind = "relative",
    cap: float = 1.0,
) -> tuple[Factor, ...]:
    """Factors from the short ways to write them.

    Parameters
    ----------
    given : float, mapping, Factor or sequence of Factor
        A number for all rates, or a mapping from the name of a bucket, of a segment, "past due", or
        (segment, bucket) to a number.
    segments, buckets : sequence of str
        Names that the rates have.
    kind, cap
        Of numbers; a `Factor` has its own.

    Raises
    ------
    ModelError
        If a name is unknown, or is that of a segment and of a bucket.

    Examples
    --------
    >>> [str(f) for f in make_factors({"past due": 1.1}, ["all"], ["not due", "1-30"])]
    ['times 1.1 on past due']
    """
    if isinstance(given, Factor):
        return (given,)
    if isinstance(given, Mapping):
        return tuple(_named(name, value, segments, buckets, kind, cap) for name, value in given.items())
    if isinstance(given, Sequence):
        return tuple(given)
    return (Factor(given, kind, cap=cap),)


def _named(
    name: str | tuple[str, str],
    value: float,
    segments: Sequence[str],
    buckets: Sequence[str],
    kind: Kind,
    cap: float,
) -> Factor:
    if isinstance(name, tuple):
        return Factor(value, kind, (name[0],), (name[1],), cap)
    is_bucket, is_segment = name in buckets or name == PAST_DUE, name in segments
    if is_bucket and is_segment:
        raise ModelError(f"{name!r} is a segment and a bucket; write ({name!r}, bucket)")
    if not (is_bucket or is_segment):
        raise ModelError(f"{name!r} is no segment {list(segments)} and no bucket {list(buckets)}")
    return (
        Factor(value, kind, buckets=(name,), cap=cap) if is_bucket else Factor(value, kind, (name,), cap=cap)
    )


def scale_loss_rates(
    rates: LossRates,
    factors: float | Factor | Mapping[str | tuple[str, str], float] | Sequence[Factor],
    why: str,
    kind: Kind = "relative",
    cap: float = 1.0,
    name: str = "overlay",
) -> LossRates:
    """Loss rates looked forward by stated factors; their interval follows.

    Parameters
    ----------
    rates : LossRates
    factors
        See `make_factors`. Several that cover one rate apply one after the other.
    why : str
        The reason, in words: it stands among the conventions of the result.
    kind : {"relative", "points"}
    cap : float
        No rate is raised above it.
    name : str
        Under which the conventions keep it.

    Raises
    ------
    ModelError
        If the reason is missing, or a factor does not fit the rates.
    """
    if not why.strip():
        raise ModelError("a factor without a reason is a number without an owner: say why")
    steps = make_factors(factors, rates.segments, rates.buckets, kind, cap)
    words = "; ".join(map(str, steps))
    return rates.adjust(change_by(steps, rates.segments, rates.buckets), name, f"{words} ({why})")
