"""What each sum behind loss rates is called, so that a reader of the evidence can follow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd

from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.month_ends import bucket_labels

__all__ = ["Term", "terms_of"]


class Term(NamedTuple):
    """One sum: what it is, and the month it belongs to ("" when it is of the whole window)."""

    name: str
    period: str


def terms_of(counts: LossCounts) -> tuple[Term, ...]:
    """Name the sums of a method in the order of `LossCounts.terms`.

    A method that is not known here gets numbers: "sum 1", "sum 2", ...
    """
    width = counts.terms.shape[1]
    named = TERMS[counts.method](counts) if counts.method in TERMS else ()
    if len(named) == width:
        return named
    return tuple(Term(f"sum {n + 1}", "") for n in range(width))


def flow_months(counts: LossCounts) -> list[str]:
    """Month ends at which monthly flows arrive, as dates."""
    _, last = counts.facts["window"]
    ends = pd.date_range(end=last, periods=counts.facts["months"], freq="ME")
    return [f"{end:%Y-%m-%d}" for end in ends]


def _net_flow(counts: LossCounts) -> tuple[Term, ...]:
    labels, months = bucket_labels(counts.edges), flow_months(counts)
    arrived = [Term(f"arrived in {to}", m) for m in months for to in labels[1:]]
    left = [Term(f"stood in {frm}", m) for m in months for frm in labels[:-1]]
    last = [Term(f"{what} of {labels[-1]}", "") for what in ("lost", "ended")]
    return (*arrived, *left, *last)


TERMS: Mapping[str, Callable[[LossCounts], tuple[Term, ...]]] = {"net_flow": _net_flow}
