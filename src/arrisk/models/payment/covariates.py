"""What tells fast payers from slow ones, as it was known on the evening before an item was issued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.features.catalogue import ATTRIBUTES
from arrisk.models.features.outside import attributes
from arrisk.models.payment.habits import customer_habits

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["BANDS", "Covariate", "describe_items", "find_covariates"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAST_SHARE = 0.02
OTHER = "other"
BANDS: dict[str, str] = {
    "usual": "the customer's usual days from due date to payment",
    "trend": "days by which the customer was later than usual lately",
    "overdue": "overdue items of the customer when the item was issued",
    "terms": "days from issue to due date",
    "amount": "amount of the item",
}
"""Numbers that are taken in bands, in words."""
WORDS = {
    "usual": "usual days late",
    "trend": "days later lately",
    "overdue": "items overdue",
    "terms": "days of terms",
}
"""Names of terms that the covariate's own name would not explain."""
FIXED: dict[str, tuple[float, ...]] = {"trend": (-5.0, 5.0), "overdue": (1.0, 3.0)}


@dataclass(frozen=True, slots=True)
class Covariate:
    """A number in bands, or a text in levels; one code a level, as found at the fit.

    Parameters
    ----------
    name : str
        Column of `describe_items`.
    levels : tuple of str
        In words, by code.
    edges : tuple of float
        Band k holds ``edges[k - 1] <= value < edges[k]``; empty for texts.
    reference : int
        Code of the level with which the others are compared; missing and unknown values take it, or the
        level "other" where there is one.

    Examples
    --------
    >>> Covariate("overdue", ("below 1", "1 to below 3", "3 or more"), (1.0, 3.0), 0).codes([0, 2, 9, None])
    array([0, 1, 2, 0])
    """

    name: str
    levels: tuple[str, ...]
    edges: tuple[float, ...]
    reference: int

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the effects: one a level but the reference."""
        words = WORDS.get(self.name, self.name)
        return tuple(f"{words}: {v}" for k, v in enumerate(self.levels) if k != self.reference)

    def codes(self, values: Any) -> Ints:
        """Level of each value, shape (n,)."""
        column = pd.Series(values).reset_index(drop=True)
        if self.edges:
            number = pd.to_numeric(column).to_numpy(dtype=float)
            found = np.searchsorted(np.array(self.edges), number, side="right")
            return np.where(np.isnan(number), self.reference, found).astype(np.int64)
        unknown = self.levels.index(OTHER) if OTHER in self.levels else self.reference
        found = pd.Index(self.levels).get_indexer(pd.Index(column.astype(object)))
        return np.where(found < 0, np.where(column.isna(), self.reference, unknown), found).astype(np.int64)

    def design(self, codes: Ints) -> Floats:
        """0/1 columns of `terms`, shape (n, levels - 1)."""
        kept = [k for k in range(len(self.levels)) if k != self.reference]
        return np.asarray(codes[:, None] == np.array(kept, dtype=np.int64), dtype=float)


def describe_items(snapshot: Snapshot, items: pd.DataFrame) -> pd.DataFrame:
    """Customers' habits and attributes for items, issued or still to be issued.

    Parameters
    ----------
    snapshot : Snapshot
    items : DataFrame
        customer_id, issue_date, due_date, amount.

    Returns
    -------
    DataFrame
        In the order and with the index of `items`: the numbers of `CustomerHabits.on`, `terms` (days from
        issue to due date), `amount`, and the texts of `ATTRIBUTES`. An item's values are the same at all
        snapshots from its issue on; one still to be issued sees what is known at the snapshot.

    Examples
    --------
    >>> import arrisk as ar
    >>> ledger = ar.read_ledger(ar.make_sample(invoices=400, seed=1), currency="EUR")
    >>> snapshot = ledger.as_of("2025-06-30")
    >>> items = snapshot.open_items
    >>> described = describe_items(snapshot, items)
    >>> len(described) == len(items), sorted(described)[:3]
    (True, ['amount', 'book_days', 'country'])
    """
    code, names = pd.factorize(items["customer_id"].to_numpy(dtype=object))
    issue = items["issue_date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    terms = (items["due_date"] - items["issue_date"]).dt.days.to_numpy(dtype=float, na_value=np.nan)
    known = customer_habits(snapshot)
    habits = known.on(known.codes(names)[code], np.minimum(issue - 1, snapshot.day))
    own = {"terms": terms, "amount": items["amount"].to_numpy(dtype=float)}
    texts = attributes(snapshot, np.asarray(names, dtype=object)).iloc[code]
    columns = {**habits, **own, **{name: texts[name].to_numpy(dtype=object) for name in ATTRIBUTES}}
    return pd.DataFrame(columns, index=items.index)


def find_covariates(described: pd.DataFrame, names: Sequence[str]) -> tuple[Covariate, ...]:
    """Bands and levels of covariates, from the items of a fit; those that do not vary are left out.

    Parameters
    ----------
    described : DataFrame
        As `describe_items`.
    names : sequence of str
        Of `BANDS` or `ATTRIBUTES`.

    Raises
    ------
    ModelError
        If a name is neither.

    Notes
    -----
    Bands of `trend` and `overdue` have fixed edges, the others are thirds of the items. A level or band with
    less than 2% of the items joins "other", or its neighbour. The level with most items is the reference.
    """
    unknown = [name for name in names if name not in BANDS and name not in ATTRIBUTES]
    if unknown:
        raise ModelError(f"no covariate {unknown[0]!r}; there are {', '.join([*BANDS, *ATTRIBUTES])}")
    found = [_banded(described, name) if name in BANDS else _levelled(described, name) for name in names]
    return tuple(covariate for covariate in found if len(covariate.levels) > 1)


def _banded(described: pd.DataFrame, name: str) -> Covariate:
    values = described[name].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    edges = np.array(FIXED[name]) if name in FIXED else _thirds(values)
    while edges.size:
        share = np.bincount(np.searchsorted(edges, values, side="right"), minlength=edges.size + 1)
        rare = np.flatnonzero(share < LEAST_SHARE * max(1, values.size))
        if not rare.size:
            break
        edges = np.delete(edges, min(int(rare[0]), edges.size - 1))
    code = np.searchsorted(edges, values, side="right")
    reference = int(np.bincount(code, minlength=edges.size + 1).argmax())
    return Covariate(name, _in_words(edges), tuple(float(e) for e in edges), reference)


def _thirds(values: Floats) -> Floats:
    """Edges of thirds, without those that leave nothing below them."""
    if not values.size:
        return values
    edges = np.unique(np.quantile(values, [1 / 3, 2 / 3]))
    return np.asarray(edges[edges > values.min()], dtype=float)


def _in_words(edges: Floats) -> tuple[str, ...]:
    if not edges.size:
        return ("all",)
    told = [f"{edge:,.3g}" if abs(edge) < 1000 else f"{edge:,.0f}" for edge in edges]
    between = [f"{low} to below {high}" for low, high in pairwise(told)]
    return (f"below {told[0]}", *between, f"{told[-1]} or more")


def _levelled(described: pd.DataFrame, name: str) -> Covariate:
    counts = described[name].dropna().astype(str).value_counts()
    enough = counts[counts >= LEAST_SHARE * max(1, int(counts.sum()))]
    levels = sorted(enough.index)
    if len(enough) < len(counts) and OTHER not in levels:
        levels = [*levels, OTHER]
    reference = levels.index(str(enough.index[0])) if len(enough) else 0
    return Covariate(name, tuple(levels), (), reference)
