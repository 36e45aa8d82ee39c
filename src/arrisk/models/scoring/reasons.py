"""Why a customer has the points it has, in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from string import Formatter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.features.catalogue import feature_of
from arrisk.models.scoring.terms import BinnedTerm, CardTerm, LinearTerm

if TYPE_CHECKING:
    from arrisk.models.scoring.card import Card

__all__ = ["NO_REASON", "tell_reasons"]

Floats = NDArray[np.float64]
NO_REASON = "nothing worse than the average customer"
LEAST_LOG_ODDS = 0.05
MOST_EXPONENT = 50.0


def tell_reasons(
    card: Card, frame: pd.DataFrame, count: int = 2, words: Mapping[str, str] | None = None
) -> list[str]:
    """What costs each customer most points against the average customer of the book, worst first.

    Parameters
    ----------
    card : Card
    frame : DataFrame
        With the columns of the card.
    count : int
        At most so many reasons a customer, joined by semicolons.
    words : mapping of column to str, optional
        Templates of `str.format` where ``{0}`` is the value and ``{1}`` its exponential. Columns without one
        are told by the catalogue of features, others by their name.

    Returns
    -------
    list of str
        One text a row. It holds values as they came: escape it where it is shown (`display` does).

    Notes
    -----
    A term counts when it adds at least 0.05 to the log-odds over the average customer, and never when the
    value is good in itself, though the average customer's is better still: a WoE above 0, or the good side of
    0 for a number that can have either sign.

    Examples
    --------
    >>> from arrisk.models.scoring.card import Card
    >>> late = LinearTerm("mean_days_late", -30, 120, 30, fill=0, coefficient=0.7, average=3)
    >>> card = Card((late,), -4.0, np.zeros((2, 2)))
    >>> tell_reasons(card, pd.DataFrame({"mean_days_late": [60.0, -5.0]}))[0]
    '60 days late on average over the last year (average: 3)'
    """
    push = _pushes(card, card.units(frame))
    order = np.argsort(-push, axis=1, kind="stable")[:, :count]
    columns = [frame[term.name] for term in card.terms]
    told = []
    for row, worst in enumerate(order):
        texts = [
            _told(card.terms[j], columns[j].iloc[row], words or {})
            for j in worst
            if push[row, j] >= LEAST_LOG_ODDS
        ]
        told.append("; ".join(texts) or NO_REASON)
    return told


def _pushes(card: Card, units: Floats) -> Floats:
    """Log-odds of each term above the average customer's; nothing where the value is good in itself."""
    push = np.zeros(units.shape)
    for j, term in enumerate(card.terms):
        added = term.coefficient * units[:, j]
        is_signed = isinstance(term, BinnedTerm) or term.low < 0 < term.high
        above = added - term.coefficient * term.mean_units
        push[:, j] = np.where((added > 0) | (not is_signed), above, 0.0)
    return push


def _told(term: CardTerm, value: object, words: Mapping[str, str]) -> str:
    usual, name = ("average", term.average) if isinstance(term, LinearTerm) else ("typical", term.typical)
    plain = term.name.replace("_", " ")
    if pd.isna(value):  # type: ignore[call-overload]
        return f"{plain} not known"
    template = words.get(term.name) or _template(term.name)
    if isinstance(value, str) or template is None:
        middle = "" if name is None or name == value else f" ({usual}: {_short(name)})"
        return f"{plain}: {_short(value)}{middle}"
    number = float(value)  # type: ignore[arg-type]
    text = template.format(number, math.exp(min(number, MOST_EXPONENT)))
    return text if name is None else f"{text} ({usual}: {_like(template, float(name))})"


def _template(name: str) -> str | None:
    try:
        return feature_of(name).words
    except KeyError:
        return None


def _short(value: object) -> str:
    """A value without words of its own: texts as they are, numbers to four digits."""
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    return f"{number:,.0f}" if number.is_integer() or abs(number) >= 10_000 else f"{number:,.4g}"


def _like(template: str, average: float) -> str:
    """The average of the book, written as the template writes a value."""
    fields = [(which, spec) for _, which, spec, _ in Formatter().parse(template) if which in ("0", "1")]
    if not fields:
        return _short(average)
    which, spec = fields[0]
    number = average if which == "0" else math.exp(min(average, MOST_EXPONENT))
    if " late" in template and "+" not in (spec or "") and round(number) < 0:
        return f"{-number:{spec}} early"
    return f"{number:{spec}}"
