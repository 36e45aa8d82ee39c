"""Values of discount schemes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Values", "stack_values"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Values:
    """Values of schemes; every array has the draws first, and adds up over segments (currency units).

    Parameters
    ----------
    value : array
        Change of the present value of the book: a year's sales, or what is open.
    slope : array
        Loss of value per unit of discount rate.
    cash : array
        Cash had earlier, average over a year: of a year's sales the lasting fall of receivables.
    taken, early : array
        Amount that takes the discount, and the part of it paid within its days anyway.
    """

    value: Floats
    slope: Floats
    cash: Floats
    taken: Floats
    early: Floats

    def each(self, change: Callable[[Floats], Floats]) -> Values:
        """Apply one function to every array."""
        return Values(*(change(getattr(self, f.name)) for f in fields(self)))

    def only(self, draws: NDArray[np.integer[Any]]) -> Values:
        """Some of the draws."""
        return self.each(lambda x: x[draws])


def stack_values(parts: Sequence[Values], how: Callable[[Sequence[Floats]], Floats] = np.stack) -> Values:
    """Put values of single draws (`numpy.stack`) or of chunks (`numpy.concatenate`) together."""
    return Values(*(how([getattr(p, f.name) for p in parts]) for f in fields(Values)))
