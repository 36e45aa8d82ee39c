"""Columns as numbers or as texts, whatever holds them: arrays, lists, frames of any storage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError

__all__ = ["holds_numbers", "numbers_of", "text_codes"]


def holds_numbers(values: Any) -> bool:
    """Whether a column is of numbers (or of yes and no); one with no value at all is.

    Examples
    --------
    >>> holds_numbers([1, 2.5, None]), holds_numbers(["a", None]), holds_numbers([None, None])
    (True, False, True)
    """
    column = values if isinstance(values, pd.Series) else pd.Series(values)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return False
    kinds = pd.api.types
    if kinds.is_numeric_dtype(column.dtype) or kinds.is_bool_dtype(column.dtype):
        return True
    told = kinds.infer_dtype(column, skipna=True)
    return told in ("integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty")


def numbers_of(values: Any, name: str = "value") -> NDArray[np.float64]:
    """A column as floats, missing as NaN.

    Raises
    ------
    ModelError
        If a value is no number; dates are none.

    Examples
    --------
    >>> numbers_of(pd.Series([1, None, 3], dtype="Int64")).tolist()
    [1.0, nan, 3.0]
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return np.asarray(values, dtype=float)
    column = values if isinstance(values, pd.Series) else pd.Series(values)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype.kind in "mMc":
        raise ModelError(f"{name}: {column.dtype} is no number; give days or amounts")
    if not pd.api.types.is_numeric_dtype(column.dtype):
        try:
            column = pd.to_numeric(column.where(column.notna()))
        except (ValueError, TypeError) as error:
            raise ModelError(f"{name}: expected numbers ({error})") from None
    return np.asarray(column.to_numpy(dtype=float, na_value=np.nan))


def text_codes(values: Any) -> tuple[NDArray[np.intp], list[str]]:
    """A column as positions in its list of different texts; -1 is missing.

    Examples
    --------
    >>> codes, texts = text_codes(["b", None, "a", "b"])
    >>> codes.tolist(), texts
    ([0, -1, 1, 0], ['b', 'a'])
    """
    column = values if isinstance(values, pd.Series) else pd.Series(values)
    codes, different = pd.factorize(column)
    return np.asarray(codes, dtype=np.intp), [str(value) for value in different]
