"""Splits that tell the truth: whole customers on one side, and nothing of the test period in training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator

from arrisk.errors import ModelError

__all__ = ["CustomerTimeSplit", "customer_folds", "out_of_time", "row_days", "trained_before"]

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def customer_folds(
    event: ArrayLike | None,
    customers: ArrayLike,
    folds: int = 5,
    seed: int | np.random.SeedSequence | np.random.Generator = 0,
) -> Ints:
    """Fold of each row: whole customers, those that ever defaulted spread evenly.

    Parameters
    ----------
    event : array of bool, shape (rows,), optional
        Without it customers are dealt at random.
    customers : array, shape (rows,)
    folds : int
        At least 2, at most the number of customers.
    seed : int, SeedSequence or Generator

    Returns
    -------
    array of int, shape (rows,)
        From 0 to folds - 1. The numbers of defaulting customers of two folds, and of all customers, differ
        by at most one.

    Raises
    ------
    ModelError
        If there are fewer customers than folds, or lengths differ.

    Examples
    --------
    >>> fold = customer_folds([1, 0, 0, 1, 0, 0], ["a", "a", "b", "c", "d", "d"], folds=2)
    >>> bool(fold[0] == fold[1] != fold[3]), bool(fold[4] == fold[5])
    (True, True)
    """
    who = np.asarray(customers)
    happened = np.zeros(who.size, dtype=bool) if event is None else np.asarray(event).astype(bool)
    if who.ndim != 1 or happened.shape != who.shape:
        raise ModelError(f"customers and events must be as long as each other: {who.shape}, {happened.shape}")
    ever = pd.Series(happened).groupby(who, dropna=False).max()
    if not 2 <= folds <= len(ever):
        raise ModelError(f"{len(ever)} customers cannot be dealt into {folds} folds")
    order = np.random.default_rng(seed).permutation(len(ever))
    order = order[np.argsort(~ever.to_numpy(dtype=bool)[order], kind="stable")]
    of_customer = pd.Series(np.arange(len(ever)) % folds, index=ever.index[order])
    return np.asarray(pd.Series(who).map(of_customer).to_numpy(), dtype=np.int64)


def trained_before(dates: ArrayLike, start: Any, horizon_days: int = 0) -> Bools:
    """Rows whose label was known when a test period began: date + horizon_days <= start.

    Parameters
    ----------
    dates : array of dates, shape (rows,)
        Day of observation; the label is what happens in the `horizon_days` days after it.
    start : date
        First day of observation of the test period.
    horizon_days : int

    Examples
    --------
    >>> trained_before(["2025-01-01", "2025-03-01", "2025-06-01"], "2025-06-30", 180).tolist()
    [True, False, False]
    """
    if horizon_days < 0:
        raise ModelError(f"horizon_days = {horizon_days}: a label window has a length")
    days = row_days(dates)
    return np.asarray(days + pd.Timedelta(days=horizon_days) <= pd.Timestamp(start), dtype=bool)


def out_of_time(dates: ArrayLike, horizon_days: int = 0, share: float = 0.3) -> tuple[Bools, Bools]:
    """Train on the past, test on the last days of observation, with a gap of one label window.

    Parameters
    ----------
    dates : array of dates, shape (rows,)
    horizon_days : int
        Length of the label window: rows whose window reaches into the test period are on neither side.
    share : float
        Of the rows that the test period holds at least, strictly between 0 and 1; whole days.

    Returns
    -------
    train, test : array of bool, shape (rows,)

    Raises
    ------
    ModelError
        If a date is missing, or nothing is left to train on.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=10, freq="30D")
    >>> train, test = out_of_time(days, horizon_days=90)
    >>> int(train.sum()), int(test.sum())
    (5, 3)
    """
    if not 0 < share < 1:
        raise ModelError(f"share = {share}: the test period holds part of the rows")
    days = row_days(dates)
    start = days.sort_values().iloc[-max(1, int(np.ceil(share * len(days))))]
    train = trained_before(days, start, horizon_days)
    if not train.any():
        raise ModelError(
            f"no label window of {horizon_days} days ends by {start:%Y-%m-%d}, where the test period begins: "
            "use more history or a shorter horizon"
        )
    return train, np.asarray(days >= start, dtype=bool)


class CustomerTimeSplit(BaseCrossValidator):  # type: ignore[misc]
    """Cross-validation by customer, by time, or both at once, for scikit-learn's `cv=`.

    Parameters
    ----------
    folds : int
        Folds of whole customers; 1 splits by time alone, so that a customer may be on both sides.
    periods : int
        Test periods at the end of the history; 0 splits by customer alone. The days of observation are cut
        into `periods` + 1 blocks with as many days each (the first gets what is left over) and every block
        but the first is a test period.
    horizon_days : int
        Length of the label window after each day of observation. In time mode a row is trained on only if
        its window is over when the test period begins.
    seed : int

    Raises
    ------
    ModelError
        While splitting: no groups, fewer customers or days than asked for, an empty side.

    Notes
    -----
    `groups` is the customer of each row; in time mode a frame with the columns `customer_id` and `date`.
    By customer alone every row is tested once, so `cross_val_predict` works too. Purging labels that reach
    into the test period is due to M. Lopez de Prado, *Advances in Financial Machine Learning* (2018),
    chapter 7; as training always ends first, no embargo is needed.

    Examples
    --------
    >>> who = pd.DataFrame({"customer_id": list("aabbccdd"), "date": ["2024-01-31", "2024-07-31"] * 4})
    >>> cv = CustomerTimeSplit(folds=2, periods=1, horizon_days=180)
    >>> cv
    CustomerTimeSplit(folds=2, horizon_days=180, periods=1, seed=0)
    >>> for train, test in cv.split(np.zeros((8, 1)), groups=who):
    ...     train.tolist(), test.tolist()
    ([0, 6], [3, 5])
    ([2, 4], [1, 7])
    """

    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(self, folds: int = 5, periods: int = 0, horizon_days: int = 0, seed: int = 0) -> None:
        self.folds = folds
        self.periods = periods
        self.horizon_days = horizon_days
        self.seed = seed

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of splits: folds times periods, where each counts at least once."""
        return max(self.folds, 1) * max(self.periods, 1)

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[Ints, Ints]]:
        """Yield the numbers of the rows to train on and of those to test on."""
        customers, days = self._who_and_when(groups)
        event = None if y is None else np.asarray(y) == np.max(np.asarray(y))
        rows = len(customers)
        fold = customer_folds(event, customers, self.folds, self.seed) if self.folds > 1 else np.zeros(rows)
        for learn, use in self._times(days, rows):
            for k in range(max(self.folds, 1)):
                apart = fold != k if self.folds > 1 else np.ones(rows, dtype=bool)
                train, test = np.flatnonzero(learn & apart), np.flatnonzero(use & (fold == k))
                if not (train.size and test.size):
                    raise ModelError(
                        f"a split holds {train.size} rows to train on and {test.size} to test on: use fewer "
                        "folds or periods, or a shorter horizon"
                    )
                yield train, test

    def _who_and_when(self, groups: Any) -> tuple[NDArray[Any], pd.Series | None]:
        if self.folds < 1 or self.periods < 0 or (self.folds == 1 and self.periods == 0):
            raise ModelError(f"{self!r} splits nothing: at least 2 folds, or 1 period, are needed")
        if groups is None:
            raise ModelError("groups is missing: the customer of each row, or customer_id and date")
        if not isinstance(groups, pd.DataFrame):
            if self.periods:
                raise ModelError("periods need groups as a frame with the columns customer_id and date")
            return np.asarray(groups), None
        missing = {"customer_id", "date"} - set(groups.columns)
        if missing:
            raise ModelError(f"groups lacks {', '.join(sorted(missing))}; it has {list(groups.columns)}")
        return groups["customer_id"].to_numpy(), row_days(groups["date"])

    def _times(self, days: pd.Series | None, rows: int) -> Iterator[tuple[Bools, Bools]]:
        if days is None or not self.periods:
            yield np.ones(rows, dtype=bool), np.ones(rows, dtype=bool)
            return
        unique = np.sort(days.unique())
        if len(unique) <= self.periods:
            raise ModelError(f"{len(unique)} days of observation do not make {self.periods} test periods")
        size = len(unique) // (self.periods + 1)
        first = len(unique) - self.periods * size
        for begin in range(first, len(unique), size):
            block = unique[begin : begin + size]
            use = ((days >= block[0]) & (days <= block[-1])).to_numpy()
            yield trained_before(days, block[0], self.horizon_days), use


def row_days(dates: ArrayLike) -> pd.Series:
    """Days of observation as a series numbered from 0.

    Raises
    ------
    ModelError
        If there is none, or one is missing.
    """
    days = pd.Series(pd.to_datetime(np.asarray(dates))).reset_index(drop=True)
    if not len(days) or days.isna().any():
        raise ModelError(f"{int(days.isna().sum())} of {len(days)} dates are missing")
    return days
