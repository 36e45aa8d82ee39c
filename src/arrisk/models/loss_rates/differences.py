"""Why two methods of loss rates differ: one choice changed at a time, in money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.loss_rates.fit import METHODS

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["Part", "part_amounts", "provision_of"]

ALL_MONTHS = 1200
"""More months than any ledger has."""
WINDOWED = ("net_flow", "roll", "markov")


@dataclass(frozen=True, slots=True)
class Part:
    """One cause of a difference and how to measure it: a method with one choice and with another.

    Attributes
    ----------
    cause : str
        In words.
    method : str
        The method on which it is measured.
    without, with_it : dict
        Choices without the cause and with it, beside the method's own.
    """

    cause: str
    method: str
    without: dict[str, Any] = field(default_factory=dict)
    with_it: dict[str, Any] = field(default_factory=dict)


def part_amounts(
    snapshot: Snapshot,
    methods: Sequence[str],
    first: str,
    by: str | None = None,
    chosen: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """What single causes add to the provisions of methods against the first.

    Returns
    -------
    DataFrame
        method, cause, amount (currency units), the largest of a method first. A cause that cannot be measured
        on this ledger is left out.
    """
    chosen = chosen or {}
    amounts: dict[Any, float] = {}
    rows: list[tuple[str, str, float]] = []
    for method in methods:
        found = []
        for part in _parts(method, first, chosen):
            own = dict(chosen.get(part.method, {}))
            ends = []
            for more in (part.without, part.with_it):
                key = (part.method, repr(sorted({**own, **more}.items())))
                if key not in amounts:
                    amounts[key] = _amount_or_nan(snapshot, part.method, by, {**own, **more})
                ends.append(amounts[key])
            if np.isfinite(ends[1] - ends[0]):
                found.append((method, part.cause, round(ends[1] - ends[0], 2)))
        rows += sorted(found, key=lambda row: -abs(row[2]))
    return pd.DataFrame(rows, columns=["method", "cause", "amount"]).astype({"amount": float})


def _amount_or_nan(snapshot: Snapshot, method: str, by: str | None, conventions: Mapping[str, Any]) -> float:
    try:
        return provision_of(snapshot, method, by, conventions)
    except ModelError:
        return float("nan")


def provision_of(snapshot: Snapshot, method: str, by: str | None, conventions: Mapping[str, Any]) -> float:
    """The amount a method gives, without its interval; missing where a balance has no rate."""
    counts = METHODS[method](snapshot, by=by, **conventions)
    balances = counts.balances()
    rates = counts.rates(counts.totals())
    return float(np.where(balances > 0, rates * balances, 0.0).sum())


def _parts(method: str, first: str, chosen: Mapping[str, Mapping[str, Any]]) -> list[Part]:
    """The causes that can be measured for a method against the first."""
    parts = []
    if first in WINDOWED and method not in WINDOWED:
        parts.append(
            Part("months before the window of the first count too", first, {}, {"months": ALL_MONTHS})
        )
    edges = {k: v for k, v in chosen.get(method, {}).items() if k == "edges"}
    if method == "realised":
        horizon = int(chosen.get(method, {}).get("horizon", 12))
        cause = f"losses later than {horizon} months are not counted (against {horizon + 6})"
        parts.append(Part(cause, method, {"horizon": horizon + 6}, {"horizon": horizon}))
    if method == "cohort":
        cause = "what reached a bucket is the base, not what stands in it"
        ages = ({**edges, "ages": "history"}, {**edges, "ages": "arrival"})
        parts.append(Part(cause, "competing", *ages))
        cause = "what is still open is not lost"
        parts.append(Part(cause, method, {"still_open": "lost"}, {"still_open": "not_lost"}))
    if method == "vintage":
        cause = "losses grow by factors where there are some, not by shares of sales"
        kinds = ({"development": "additive"}, {"development": "chain_ladder"})
        parts.append(Part(cause, method, *kinds))
    if method == "competing":
        cause = "days of a bucket weigh as in the past, not as today's money lies"
        parts.append(Part(cause, method, {"ages": "today"}, {"ages": "history"}))
    return parts
