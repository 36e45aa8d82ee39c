"""A dated reference rate: what a contract or a statute ties late interest to. Configuration, not code."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from arrisk.errors import ModelError

__all__ = ["COLUMNS", "ReferenceRates"]

COLUMNS = ("valid_from", "rate", "source")


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceRates:
    """Annual rates by the day from which they hold, each with its source.

    Parameters
    ----------
    table : DataFrame
        `valid_from` (dates, increasing), `rate` (a year, fraction; may be negative), `source` (text).

    Raises
    ------
    ModelError
        If a column is missing, dates do not increase, a rate is no finite number, or a source is missing.

    Examples
    --------
    >>> rates = ReferenceRates(pd.DataFrame({
    ...     "valid_from": ["2024-07-22", "2024-10-21"], "rate": [0.0335, 0.031],
    ...     "source": "loan prime rate, one year, National Interbank Funding Center"}))
    >>> float(rates.on("2024-10-20")), float(rates.on("2024-10-21"))
    (0.0335, 0.031)
    >>> rates.on("2024-01-01")
    Traceback (most recent call last):
    arrisk.errors.ModelError: the reference rates begin on 2024-07-22; none is known for 2024-01-01
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        for column in COLUMNS:
            if column not in self.table:
                raise ModelError(f"reference rates: no column {column!r}; needed are {', '.join(COLUMNS)}")
        if self.table.empty:
            raise ModelError("reference rates: at least one row")
        days = pd.to_datetime(self.table["valid_from"])
        if days.isna().any() or not days.is_monotonic_increasing or not days.is_unique:
            raise ModelError(f"reference rates: valid_from must increase, seen {self._seen()}")
        rates = pd.to_numeric(self.table["rate"], errors="coerce").to_numpy(dtype=float)
        if not np.isfinite(rates).all():
            raise ModelError(f"reference rates: a finite rate a year each, seen {list(self.table['rate'])}")
        if (rates >= 1).any():
            raise ModelError(f"reference rates: rates are fractions (0.031 is 3.1%), seen {rates.max():g}")
        sources = self.table["source"]
        if not all(isinstance(s, str) and s.strip() for s in sources):
            raise ModelError("reference rates: every rate needs its source")
        clean = self.table[list(COLUMNS)].reset_index(drop=True).assign(valid_from=days.to_numpy())
        object.__setattr__(self, "table", clean)

    def _seen(self) -> str:
        return ", ".join(str(v)[:10] for v in self.table["valid_from"])

    @property
    def first(self) -> pd.Timestamp:
        """The day from which a rate is known."""
        return pd.Timestamp(self.table["valid_from"].iloc[0])

    def on(self, date: str | pd.Timestamp) -> Fraction:
        """The rate in force on a day, exactly as it was written.

        Raises
        ------
        ModelError
            If the table begins later.
        """
        day = pd.Timestamp(date)
        place = int(self.table["valid_from"].searchsorted(day, side="right")) - 1
        if place < 0:
            raise ModelError(
                f"the reference rates begin on {self.first:%Y-%m-%d}; none is known for {day:%Y-%m-%d}"
            )
        return Fraction(str(self.table["rate"].iloc[place]))
