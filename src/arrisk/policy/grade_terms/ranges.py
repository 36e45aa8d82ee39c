"""Ranges that the inputs of credit arithmetic must keep to."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["as_days", "as_margin", "as_rate", "as_share"]

Floats = NDArray[np.float64]


def as_margin(margin: ArrayLike) -> Floats:
    """Margins as an array: at most 1, as price less cost is at most the price.

    Raises
    ------
    ValueError
        Otherwise.
    """
    values = np.asarray(margin, dtype=float)
    if not (values <= 1).all():
        raise ValueError(f"margin = {margin!r}: price less cost, over price, is at most 1")
    return values


def as_share(name: str, value: ArrayLike) -> Floats:
    """Fractions from 0 to 1 as an array.

    Raises
    ------
    ValueError
        Otherwise.
    """
    values = np.asarray(value, dtype=float)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"{name} = {value!r}: a fraction from 0 to 1")
    return values


def as_days(name: str, value: ArrayLike) -> Floats:
    """Days or months, finite and not negative, as an array.

    Raises
    ------
    ValueError
        Otherwise.
    """
    values = np.asarray(value, dtype=float)
    if not ((values >= 0) & np.isfinite(values)).all():
        raise ValueError(f"{name} = {value!r}: may not be negative or missing")
    return values


def as_rate(value: ArrayLike) -> Floats:
    """Annual rates from 0 as an array.

    Raises
    ------
    ValueError
        Otherwise.
    """
    values = np.asarray(value, dtype=float)
    if not ((values >= 0) & np.isfinite(values)).all():
        raise ValueError(f"cost_of_capital = {value!r}: an annual rate from 0")
    return values
