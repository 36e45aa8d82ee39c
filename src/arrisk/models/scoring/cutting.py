"""From one column and its outcomes to its bins: count, join, weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.scoring.bins import Bins
from arrisk.models.scoring.merging import Division, Limits, Monotone, best_division, order_categories
from arrisk.models.scoring.quantiles import Counts, count_categories, count_numbers
from arrisk.models.scoring.values import holds_numbers, numbers_of, text_codes
from arrisk.models.scoring.woe import information_value, weight_of_evidence

__all__ = ["BinRules", "fit_bins"]

Floats = NDArray[np.float64]
PLAIN_GAIN = 25.0
"""Twice the gain in log-likelihood that chance does not give, though many divisions are tried."""
MONOTONE = ("auto", "either", "increasing", "decreasing", None)


@dataclass(frozen=True, slots=True)
class BinRules:
    """How features are cut; the parameters of `WoeBinner` say what each means.

    Raises
    ------
    ModelError
        If a rule is out of its range.
    """

    prebins: int = 200
    max_bins: int = 20
    min_bin_share: float = 0.05
    min_bin_events: float = 5
    smoothing: float = 0.5
    monotone: Monotone = "auto"

    def __post_init__(self) -> None:
        if not 2 <= self.prebins <= 1000 or self.max_bins < 1:
            raise ModelError("prebins must be 2 to 1000 and max_bins at least 1")
        if not 0 <= self.min_bin_share < 1 or self.min_bin_events < 1 or self.smoothing < 0:
            raise ModelError("min_bin_share must be 0 to 1, min_bin_events at least 1, smoothing at least 0")
        if self.monotone not in MONOTONE:
            raise ModelError(f"monotone must be one of {MONOTONE}, got {self.monotone!r}")


def fit_bins(
    name: str,
    values: Any,
    event: ArrayLike,
    weights: Floats | None = None,
    rules: BinRules | None = None,
    specials: Sequence[float | str] = (),
) -> Bins:
    """Cut one feature into bins.

    Parameters
    ----------
    name : str
    values : array-like, shape (n,)
        Numbers, or anything else, which is taken by its text.
    event : array of bool, shape (n,)
    weights : array, shape (n,), optional
        Above 0; a row of weight 2 is as two rows.
    rules : BinRules, optional
    specials : sequence of float or str
        Values with a bin of their own; those of the other kind than the feature are left out.

    Raises
    ------
    ModelError
        If there are no events or no non-events, or a special value is not finite.

    Examples
    --------
    >>> bins = fit_bins("days_late", [1, 2, 3, 4] * 20, [0, 0, 0, 1, 1, 0, 1, 1] * 10)
    >>> bins.labels, bins.direction
    (('below 3', '3 or more', 'missing'), 'decreasing')
    """
    rules, happened = rules or BinRules(), np.asarray(event).astype(bool)
    if holds_numbers(values):
        apart = tuple(s for s in specials if not isinstance(s, str))
        if not all(np.isfinite(s) for s in apart):
            raise ModelError(f"{name}: special values must be finite, got {apart}")
        counts = count_numbers(numbers_of(values, name), happened, weights, rules.prebins, apart)
        return _joined(name, "number", counts, rules, tuple(float(s) for s in apart))
    texts = tuple(s for s in specials if isinstance(s, str))
    counts = count_categories(*text_codes(values), happened, weights, texts)
    return _joined(name, "text", counts, rules, texts)


def _joined(
    name: str,
    kind: Literal["number", "text"],
    counts: Counts,
    rules: BinRules,
    specials: tuple[float | str, ...],
) -> Bins:
    text = kind == "text"
    events, nonevents, names = counts.events, counts.nonevents, counts.names
    totals = (
        float(events.sum() + counts.apart_events.sum()),
        float(nonevents.sum() + counts.apart_nonevents.sum()),
    )
    if min(totals) <= 0:
        raise ModelError(f"{name}: bins need both events and non-events")
    if text:
        order = order_categories(events, nonevents, totals, rules.min_bin_events)
        events, nonevents, names = events[order], nonevents[order], tuple(names[k] for k in order)
    division = _division(events, nonevents, totals, rules, text)
    starts = np.array([0, *division.cuts]) if events.size else np.array([], dtype=int)
    bad = np.concatenate([_added(events, starts), counts.apart_events])
    good = np.concatenate([_added(nonevents, starts), counts.apart_nonevents])
    woe = weight_of_evidence(bad, good, rules.smoothing)
    ends = [*division.cuts, len(names)]
    return Bins(
        name=name,
        kind=kind,
        edges=() if text else tuple(float(counts.edges[k - 1]) for k in division.cuts),
        groups=tuple(names[a:b] for a, b in zip(starts, ends, strict=False)) if text else (),
        specials=specials,
        events=_plain(bad),
        nonevents=_plain(good),
        woe=tuple(float(w) for w in woe),
        iv=information_value(bad, good, woe),
        direction="by category" if text and division.cuts else division.direction,
        smoothing=rules.smoothing,
    )


def _division(
    events: Floats, nonevents: Floats, totals: tuple[float, float], rules: BinRules, text: bool
) -> Division:
    if events.size < 2:
        return Division((), "one bin", 0.0)
    # A category is a thing of its own, not a slice of a scale: it needs no least share.
    share = 0.0 if text else rules.min_bin_share
    limits = Limits(rules.max_bins, share, rules.min_bin_events, rules.smoothing)
    course: Monotone = "increasing" if text else rules.monotone
    found = best_division(events, nonevents, totals, limits, course)
    if found.cuts:
        return found
    # Classes that hardly overlap leave no two bins with enough of both: the strongest features would be lost.
    # Then bins are so large that the average customer would have given them enough.
    rows = rules.min_bin_events * sum(totals) / min(totals)
    share = max(share, rows / float((events + nonevents).sum()))
    limits = Limits(rules.max_bins, share, 0.0, rules.smoothing)
    plain = best_division(events, nonevents, totals, limits, course)
    return plain if plain.gain > PLAIN_GAIN else found


def _added(counts: Floats, starts: NDArray[Any]) -> Floats:
    return np.add.reduceat(counts, starts) if starts.size else counts[:0]


def _plain(counts: Floats) -> tuple[float, ...]:
    """Counts as whole numbers where they are."""
    return tuple(int(c) if float(c).is_integer() else float(c) for c in counts)
