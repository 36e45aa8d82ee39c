"""One item of an expert card: which columns answer it, and what each answer is worth."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError

__all__ = ["KINDS", "ExpertItem", "Kind"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Kind = Literal["number", "class", "sign"]
KINDS: tuple[str, ...] = get_args(Kind)

UNANSWERED = -1
OTHER = "another"
YES_NO: Mapping[str, float] = MappingProxyType(
    {"yes": 1.0, "y": 1.0, "true": 1.0, "1": 1.0, "no": 0.0, "n": 0.0, "false": 0.0, "0": 0.0, "": np.nan}
)
_READING = re.compile(r"(?:(?P<one>1) - )?(?P<column>\w+)(?: / (?P<below>\w+))?")


@dataclass(frozen=True, slots=True)
class ExpertItem:
    """A question about a customer, its possible answers and their points.

    Parameters
    ----------
    name, what : str
        The item, and what it asks.
    kind : {"number", "class", "sign"}
        A number falls between cuts, a class is a text, a sign is yes or no.
    reads : tuple of str
        Columns that answer it, the first that is known: ``"x"``, ``"a / b"`` or ``"1 - x"``.
    answers : tuple of str
        For a number in words; for classes as compared (last "another"); for a sign "no", "yes".
    points : tuple of float
        Of each answer.
    missing : float
        Points without an answer, at most those of the best answer.
    doubt : float
        By how much they may be wrong either way.
    words : str
        Template of a reason; ``{0}`` is the value.
    source, why : str
    cuts : tuple of float
        Of a number, increasing; answer k is ``[cuts[k-1], cuts[k])``.
    valid : tuple of two float
        Of a number: values outside are an error, as of a percentage where a fraction is meant.
    silent : bool
        Of a sign: no entry in a column of outside signals (``signal_...``) counts as no.

    Raises
    ------
    ModelError
        If answers, points and cuts do not fit each other, or a reading is not one of the three forms.

    Examples
    --------
    >>> item = ExpertItem("debt_ratio", "liabilities over assets", "number", ("debt_ratio", "debts / assets"),
    ...     ("below 0.6", "from 0.6"), (5.0, -10.0), -3.0, 8.0, "debts {0:.0%} of assets", "convention", "",
    ...     cuts=(0.6,))
    >>> item.score(pd.DataFrame({"debts": [70.0, 10.0, None], "assets": [100.0, 100.0, 100.0]})).tolist()
    [-10.0, 5.0, -3.0]
    """

    name: str
    what: str
    kind: Kind
    reads: tuple[str, ...]
    answers: tuple[str, ...]
    points: tuple[float, ...]
    missing: float
    doubt: float
    words: str
    source: str
    why: str
    cuts: tuple[float, ...] = ()
    valid: tuple[float, float] = (-np.inf, np.inf)
    silent: bool = False

    def __post_init__(self) -> None:
        if not self.reads:
            raise ModelError(f"item {self.name!r} reads no column")
        for reading in self.reads:
            if not _READING.fullmatch(reading):
                raise ModelError(f"item {self.name!r}: {reading!r} is not 'x', 'a / b' or '1 - x'")
        if any(b <= a for a, b in zip(self.cuts, self.cuts[1:], strict=False)):
            raise ModelError(
                f"item {self.name!r}: the cuts {list(self.cuts)} do not increase, so answers overlap"
            )
        answers = len(self.cuts) + 1 if self.kind == "number" else len(self.answers)
        if not len(self.points) == len(self.answers) == answers:
            raise ModelError(
                f"item {self.name!r}: {answers} answers ({len(self.cuts)} cuts) need as many points, got "
                f"{len(self.points)}"
            )
        if len(set(self.answers)) < len(self.answers):
            raise ModelError(f"item {self.name!r}: an answer is given twice in {list(self.answers)}")
        if self.missing > max(self.points):
            raise ModelError(f"item {self.name!r}: no answer may not be worth more than the best one")
        if self.doubt < 0:
            raise ModelError(f"item {self.name!r}: doubt = {self.doubt:g} lies below 0")

    @property
    def span(self) -> float:
        """Points between the worst and the best answer: how much there is to ask."""
        return max(self.points) - min(self.points)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that some reading uses."""
        parts = [m for r in self.reads if (m := _READING.fullmatch(r))]
        return tuple(dict.fromkeys(c for m in parts for c in (m["column"], m["below"]) if c))

    def values(self, frame: pd.DataFrame) -> pd.Series:
        """The value of each row from the first reading that is known; missing where none is.

        Raises
        ------
        ModelError
            If a value is of the wrong kind, or outside the valid range.
        """
        found = pd.Series(np.nan, index=frame.index, dtype=object if self.kind == "class" else float)
        for reading in self.reads:
            held = found.isna()
            read = self._read(frame, reading)
            if read is not None and held.any():
                found = found.where(~held, read)
        if self.kind == "number":
            self._check_range(found)
        return found

    def codes(self, values: pd.Series) -> Codes:
        """Which answer each value is; -1 where missing."""
        return _CODES[self.kind](self, values)

    def score(self, frame: pd.DataFrame) -> Floats:
        """Points of each row, those of a missing answer included."""
        return self.points_of(self.codes(self.values(frame)))

    def points_of(self, codes: Codes) -> Floats:
        """Points of answers by code."""
        return np.append(np.asarray(self.points, dtype=float), self.missing)[codes]

    def tell(self, value: Any) -> str:
        """A value in the item's words."""
        return self.words.format(value)

    def _read(self, frame: pd.DataFrame, reading: str) -> pd.Series | None:
        match = _READING.fullmatch(reading)
        assert match is not None
        wanted = [c for c in (match["column"], match["below"]) if c]
        if not set(wanted) <= set(frame.columns):
            return None
        if self.kind == "class":
            text = frame[reading].astype("string").str.strip()
            return text.where(text != "").astype(object)
        if self.kind == "sign":
            signs = self._signs(frame[reading])
            return signs.fillna(0.0) if self.silent and reading.startswith("signal_") else signs
        top, *below = (self._numbers(frame[c]) for c in wanted)
        if below:
            # Over a negative base a ratio has no meaning, and nothing over nothing is not known.
            with np.errstate(divide="ignore", invalid="ignore"):
                top = (top / below[0]).where(below[0] >= 0)
        return 1.0 - top if match["one"] else top

    def _numbers(self, column: pd.Series) -> pd.Series:
        try:
            return pd.to_numeric(column).astype(float)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"{column.name} (item {self.name!r}) holds something that is no number: {error}"
            ) from None

    def _signs(self, column: pd.Series) -> pd.Series:
        """1 for yes, 0 for no: numbers above zero are yes, texts are read."""
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            numbers = column.astype("Float64")
            return (numbers > 0).astype("Float64").astype(float).where(numbers.notna().to_numpy(dtype=bool))
        text = column.astype("string").str.strip().str.casefold()
        strange = text[text.notna() & ~text.isin(list(YES_NO))]
        if len(strange):
            raise ModelError(
                f"{column.name} (item {self.name!r}) holds {strange.iloc[0]!r}, neither yes nor no"
            )
        return text.map(dict(YES_NO)).astype(float)

    def _check_range(self, values: pd.Series) -> None:
        low, high = self.valid
        bad = values[(values < low) | ((values > high) & np.isfinite(values))]
        if len(bad):
            raise ModelError(
                f"{len(bad)} values of {self.name!r} lie outside {low:g} to {high:g}, the first is "
                f"{bad.iloc[0]:g}; is a fraction given in percent?"
            )


def _cut(item: ExpertItem, values: pd.Series) -> Codes:
    numbers = values.to_numpy(dtype=float)
    codes = np.searchsorted(np.asarray(item.cuts), numbers, side="right")
    return np.where(np.isnan(numbers), UNANSWERED, codes)


def _match(item: ExpertItem, values: pd.Series) -> Codes:
    code_of = {answer: k for k, answer in enumerate(item.answers)}
    known = values.notna().to_numpy()
    texts = [str(v).strip().casefold() for v in values]
    codes = [code_of.get(t, code_of[OTHER]) for t in texts]
    return np.where(known, np.array(codes, dtype=np.int64), UNANSWERED)


def _decide(item: ExpertItem, values: pd.Series) -> Codes:
    numbers = values.to_numpy(dtype=float)
    return np.where(np.isnan(numbers), UNANSWERED, (numbers > 0).astype(np.int64))


_CODES: Mapping[str, Callable[[ExpertItem, pd.Series], Codes]] = MappingProxyType(
    {"number": _cut, "class": _match, "sign": _decide}
)
