"""How the sums of a method become loss rates, as sums and shares that a spreadsheet can work out.

A recipe says what each sum is called and of which sums the share of a bucket is made. It is the same
arithmetic as the method's own function of the sums, and is held to it whenever a workbook is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.loss_rates.loss_counts import LossCounts
from arrisk.models.loss_rates.month_ends import bucket_labels

__all__ = ["Recipe", "Share", "Term", "find_recipe"]

Floats = NDArray[np.float64]
Choices = Mapping[str, Any]
PLUS, MINUS = 1, -1


class Term(NamedTuple):
    """One sum: what it is, and the period it belongs to ("" when it is of the whole window)."""

    name: str
    period: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """The share of one bucket: some sums over others.

    Parameters
    ----------
    name : str
    part : tuple of (int, str)
        Signs and names of the sums above the line; less than nothing counts as nothing.
    whole : tuple of str
        Names of the sums below the line.
    unseen : float or None
        The share where nothing was ever seen; None leaves it missing.
    given : float or None
        A share stated in advance, not counted.
    """

    name: str
    part: tuple[tuple[int, str], ...]
    whole: tuple[str, ...]
    unseen: float | None = None
    given: float | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """From the sums of a method to its loss rates.

    Parameters
    ----------
    terms : tuple of Term
        In the order of `LossCounts.terms`.
    shares : tuple of Share
        One a bucket; none for a method whose rates are not made of shares.
    chained : bool
        Whether the rate of a bucket is the product of its share and those of all older ones, or the share.
    averaged : bool
        Whether shares are means over the periods in which something was seen, or shares of the sums over all
        periods.
    words : str
        The same for a reader.
    """

    terms: tuple[Term, ...]
    shares: tuple[Share, ...]
    chained: bool
    averaged: bool
    words: str

    @property
    def periods(self) -> tuple[str, ...]:
        """The periods of the sums, each once."""
        return tuple(dict.fromkeys(t.period for t in self.terms if t.period))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sums, each once."""
        return tuple(dict.fromkeys(t.name for t in self.terms))


def find_recipe(counts: LossCounts, choices: Choices) -> Recipe:
    """The recipe of a method; without shares where it has none, or its sums are not those known here.

    Parameters
    ----------
    counts : LossCounts
    choices : mapping
        What the method was asked for, as in `Basis.conventions`.
    """
    width = counts.terms.shape[1]
    if counts.method in RECIPES:
        recipe = RECIPES[counts.method](counts, choices)
        if len(recipe.terms) == width:
            return recipe
    terms = tuple(Term(f"sum {n + 1}") for n in range(width))
    return Recipe(terms, (), False, False, "the rates of this method are its own function of the sums")


def _net_flow(counts: LossCounts, choices: Choices) -> Recipe:
    labels, months = bucket_labels(counts.edges), _months(counts)
    arrived = [Term(f"arrived in {to}", m) for m in months for to in labels[1:]]
    left = [Term(f"came from {frm}", m) for m in months for frm in labels[:-1]]
    lost, ended = f"lost of {labels[-1]}", f"ended of {labels[-1]}"
    shares = [
        Share(f"{frm} to {to}", ((PLUS, f"arrived in {to}"),), (f"came from {frm}",), 1.0)
        for frm, to in pairwise(labels)
    ]
    last = Share(f"lost of {labels[-1]}", ((PLUS, lost),), (ended,), 1.0, choices.get("terminal_loss"))
    return Recipe(
        (*arrived, *left, Term(lost), Term(ended)),
        (*shares, last),
        True,
        choices.get("averaging", "volume") == "simple",
        "share of a bucket: what arrived in the next one a month later over what it came from; the rate is "
        "the product of the shares still ahead, the last of them the loss share of the last bucket",
    )


def _roll(counts: LossCounts, choices: Choices) -> Recipe:
    labels, simple = bucket_labels(counts.edges), choices.get("averaging", "volume") == "simple"
    periods = _months(counts) if simple else ["whole window"]
    steps = [f"from {frm}" for frm in labels[:-1]]
    terms = [Term(f"{what} {s}", p) for p in periods for what in ("rolled on", "settled") for s in steps]
    last = [f"lost of {labels[-1]}", f"settled in {labels[-1]}", f"recovered of {labels[-1]}"]
    shares = [
        Share(step, ((PLUS, f"rolled on {step}"),), (f"rolled on {step}", f"settled {step}"), 1.0)
        for step in steps
    ]
    end = Share(
        last[0],
        ((PLUS, last[0]), (MINUS, last[2])),
        (last[0], last[1]),
        1.0,
        choices.get("terminal_loss"),
    )
    return Recipe(
        (*terms, *(Term(name) for name in last)),
        (*shares, end),
        True,
        True,
        "share of a bucket: what rolled on over what left it, rolled on or settled; the rate is the product "
        "of the shares still ahead, the last of them the loss share of the last bucket",
    )


def _cohort(counts: LossCounts, choices: Choices) -> Recipe:
    labels, simple = bucket_labels(counts.edges), choices.get("averaging", "volume") == "simple"
    periods = _months(counts) if simple else ["whole window"]
    names = ["lost", *(f"reached {label}" for label in labels)]
    terms = tuple(Term(name, p) for p in periods for name in names)
    shares = tuple(Share(f"loss of {b}", ((PLUS, "lost"),), (f"reached {b}",)) for b in labels)
    words = "rate of a bucket: what was lost in the end over what reached the bucket"
    return Recipe(terms, shares, False, True, words)


def _realised(counts: LossCounts, choices: Choices) -> Recipe:
    labels = bucket_labels(counts.edges)
    terms = tuple(Term(f"{what} {b}") for what in ("balance", "lost of") for b in labels)
    shares = tuple(Share(f"loss of {b}", ((PLUS, f"lost of {b}"),), (f"balance {b}",)) for b in labels)
    return Recipe(
        terms, shares, False, False, "rate of a bucket: what past balances lost over these balances"
    )


def _months(counts: LossCounts) -> list[str]:
    """The last days of the months of a window."""
    ends = pd.date_range(end=counts.facts["window"][1], periods=counts.facts["months"], freq="ME")
    return [f"{end:%Y-%m-%d}" for end in ends]


RECIPES: Mapping[str, Callable[[LossCounts, Choices], Recipe]] = {
    "net_flow": _net_flow,
    "roll": _roll,
    "cohort": _cohort,
    "realised": _realised,
}
