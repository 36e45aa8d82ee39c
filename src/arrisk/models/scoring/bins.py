"""How one feature is cut into bins, what was counted in each, and the weight of evidence of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.scoring.values import numbers_of, text_codes

__all__ = ["MISSING", "OTHER", "Bins"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
MISSING, OTHER = "missing", "other"
ROWS_AT_A_TIME = 1 << 16
COMPARED_EDGES = 24
NAMED_CATEGORIES = 8


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of one feature; made by `WoeBinner` or `fit_bins`.

    Codes run over the ordinary bins first, then over `specials`, then comes the bin of missing values and,
    for texts, the bin of all other categories: rare ones in the data fitted on, and any never seen there.
    Each code always exists; a bin in which nothing was counted has a weight of evidence of 0, as the average
    customer.

    Parameters
    ----------
    name : str
        Feature.
    kind : {"number", "text"}
    edges : tuple of float
        Inner edges, increasing: bin k holds ``edges[k-1] <= value < edges[k]``, infinite values fall in the
        outer bins. Empty for texts, and for numbers with one bin.
    groups : tuple of tuple of str
        Categories of each ordinary bin of a text; empty for numbers.
    specials : tuple of float or str
        Values with a bin of their own.
    events, nonevents : tuple of number
        Counted (or summed weights) by code.
    woe : tuple of float
        By code: ln(share of the non-events / share of the events), smoothed; higher is better.
    iv : float
        Information value over all codes.
    direction : str
        How the weight of evidence runs over the ordinary bins: "increasing", "decreasing", "free", "one bin",
        or "by category".
    smoothing : float
        See `arrisk.models.scoring.woe.weight_of_evidence`.

    Raises
    ------
    ModelError
        If the parts do not fit each other.

    Examples
    --------
    >>> late = Bins("days_late", "number", (30.0, 59.5), (), (-1.0,), (2, 3, 5, 0, 0), (50, 30, 10, 0, 0),
    ...             (0.9, 0.0, -1.6, 0.0, 0.0), 0.9, "decreasing", 0.5)
    >>> late.labels
    ('below 30', '30 to 59.5', '59.5 or more', '-1', 'missing')
    >>> late.codes([0.0, 30.0, 59.5, float("inf"), -1.0, None]).tolist()
    [0, 1, 2, 2, 3, 4]
    >>> Bins.from_dict(late.to_dict()) == late
    True
    """

    name: str
    kind: Literal["number", "text"]
    edges: tuple[float, ...]
    groups: tuple[tuple[str, ...], ...]
    specials: tuple[float | str, ...]
    events: tuple[float, ...]
    nonevents: tuple[float, ...]
    woe: tuple[float, ...]
    iv: float
    direction: str
    smoothing: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(e) for e in self.edges) or any(a >= b for a, b in pairwise(self.edges)):
            raise ModelError(f"{self.name}: edges must be finite and increase, got {self.edges}")
        texts = [text for group in self.groups for text in group]
        own = [*texts, *self.specials]
        if len(set(own)) < len(own):
            raise ModelError(f"{self.name}: a category or special value is in two bins")
        if (self.groups if self.kind == "number" else self.edges) or self.kind not in ("number", "text"):
            raise ModelError(f"{self.name}: numbers have edges, texts have groups")
        if {len(self.events), len(self.nonevents), len(self.woe)} != {self.count}:
            raise ModelError(f"{self.name}: expected counts and weights of evidence for {self.count} codes")
        if not all(math.isfinite(w) for w in self.woe):
            raise ModelError(f"{self.name}: a weight of evidence is not finite: {self.woe}")

    @property
    def ordinary(self) -> int:
        """Number of ordinary bins."""
        return len(self.edges) + 1 if self.kind == "number" else len(self.groups)

    @property
    def missing(self) -> int:
        """Code of missing values."""
        return self.ordinary + len(self.specials)

    @property
    def count(self) -> int:
        """Number of codes."""
        return self.missing + (2 if self.kind == "text" else 1)

    @property
    def labels(self) -> tuple[str, ...]:
        """Each code in words."""
        ordinary = _ranges(self.edges) if self.kind == "number" else [_listed(g) for g in self.groups]
        taken = {MISSING, OTHER}
        ordinary = [f'"{label}"' if label in taken else label for label in ordinary]
        specials = [str(s) if isinstance(s, str) else _figure(s, 4) for s in self.specials]
        rest = [MISSING, OTHER] if self.kind == "text" else [MISSING]
        return (*ordinary, *specials, *rest)

    def codes(self, values: Any) -> Codes:
        """The bin of each value.

        Parameters
        ----------
        values : array-like, shape (n,)
            Numbers, or texts (anything else in a text feature is taken by its text).

        Returns
        -------
        array of int, shape (n,)

        Raises
        ------
        ModelError
            If a value of a feature of numbers is none.
        """
        if self.kind == "text":
            return self._text_codes(values)
        numbers = numbers_of(values, self.name)
        out = np.empty(numbers.size, dtype=np.intp)
        for start in range(0, numbers.size, ROWS_AT_A_TIME):
            part = slice(start, start + ROWS_AT_A_TIME)
            out[part] = self._number_codes(np.ascontiguousarray(numbers[part]))
        return out

    def transform(self, values: Any) -> Floats:
        """The weight of evidence of each value, shape (n,)."""
        return np.take(np.array(self.woe), self.codes(values))

    def _number_codes(self, numbers: Floats) -> NDArray[Any]:
        # Few edges: one pass of comparisons an edge beats a search for each value.
        if len(self.edges) <= COMPARED_EDGES:
            codes: NDArray[Any] = np.zeros(numbers.size, dtype=np.uint8)
            for edge in self.edges:
                codes += (numbers >= edge).view(np.uint8)
        else:
            codes = np.searchsorted(np.array(self.edges), numbers, side="right")
        codes = codes.astype(np.intp)
        for k, special in enumerate(self.specials):
            codes[numbers == special] = self.ordinary + k
        codes[np.isnan(numbers)] = self.missing
        return codes

    def _text_codes(self, values: Any) -> Codes:
        found, texts = text_codes(values)
        code_of = {text: k for k, group in enumerate(self.groups) for text in group}
        code_of |= {str(special): self.ordinary + k for k, special in enumerate(self.specials)}
        # The position -1 of missing values takes the last entry.
        table = [*(code_of.get(text, self.count - 1) for text in texts), self.missing]
        return np.array(table, dtype=np.intp)[found]

    @property
    def table(self) -> pd.DataFrame:
        """Tidy: bin, rows, share, events, rate, woe, iv (the bin's part), one row a code."""
        events, nonevents = np.array(self.events, dtype=float), np.array(self.nonevents, dtype=float)
        rows, woe = events + nonevents, np.array(self.woe)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = nonevents / nonevents.sum() - events / events.sum()
            columns = {"share": rows / rows.sum(), "events": events, "rate": events / rows, "woe": woe}
        parts = np.where(rows > 0, shares * woe, 0.0)
        return pd.DataFrame({"bin": list(self.labels), "rows": rows, **columns, "iv": parts})

    def to_table(self, name: str = "bins") -> Table:
        """Counts, default rate and weight of evidence of each bin."""
        ordinary = "one bin" if self.ordinary == 1 else f"{self.ordinary} bins, {self.direction}"
        title = f"{self.name}: information value {self.iv:.3f} ({ordinary})"
        note = (
            "Weight of evidence: ln(share of non-events / share of events); higher is better, 0 is the "
            f"average customer. Smoothed by {self.smoothing:g} events of the average customer in each bin."
        )
        note += " A bin holds its lower bound, not its upper one." if self.edges else ""
        kinds = {"rows": "integer", "share": "percent", "events": "integer", "rate": "percent"}
        return Table(name, title, self.table, note, kinds)  # type: ignore[arg-type]

    def _repr_html_(self) -> str:
        shown = self.to_table()
        return frame_html(shown.frame, shown.title, shown.note, shown.formats)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, texts and numbers, for JSON; floats come back exactly."""
        return {k: _lists(v) for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Bins:
        """The bins that `to_dict` wrote.

        Raises
        ------
        ModelError
            If an entry lacks, is unknown, or does not fit the others.
        """
        if set(given) != set(cls.__slots__):
            odd = sorted(set(given) ^ set(cls.__slots__))
            raise ModelError(f"these entries of bins lack or are unknown: {', '.join(odd)}")
        return cls(**{k: _tuples(v) for k, v in given.items()})


def _lists(value: Any) -> Any:
    return [_lists(v) for v in value] if isinstance(value, tuple | list) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, tuple | list) else value


def _figure(value: float, digits: int) -> str:
    """A number of at least so many significant digits; whole digits are never rounded away."""
    if value == 0 or not 1e-6 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _ranges(edges: Sequence[float]) -> list[str]:
    if not edges:
        return ["all"]
    told: list[str] = []
    for digits in (4, 6, 9, 17):
        told = [_figure(e, digits) for e in edges]
        if len(set(told)) == len(told):
            break
    return [f"below {told[0]}", *(f"{a} to {b}" for a, b in pairwise(told)), f"{told[-1]} or more"]


def _listed(group: Sequence[str]) -> str:
    named = ", ".join(group[:NAMED_CATEGORIES])
    more = len(group) - NAMED_CATEGORIES
    return f"{named} and {more} more" if more > 0 else named
