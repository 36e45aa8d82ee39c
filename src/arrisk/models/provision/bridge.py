"""From the provision of a year before to today's: volume, mix, rates, overlays, judgement, enhancements."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.provision import bridge_page as page
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.loss_table import provide_on_both_days
from arrisk.models.provision.provision import Provision

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["PARTS", "ProvisionBridge", "average_effects", "make_provision_bridge", "round_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PARTS = {
    "volume": "total owed",
    "mix": "segments and ages",
    "rate": "loss rates of history",
    "overlay": "overlays",
    "assessed": "judged by themselves",
    "enhancements": "credit enhancements",
}
"""Name and words of each part."""
ROUNDED = 4.0
"""Minor units by which the rounded steps of one cell of a provision may differ from the product."""
NOTHING = 1e-6
"""Minor units below which a part of a cell is none, and gets nothing of what rounding leaves."""


@dataclass(frozen=True, slots=True, eq=False)
class ProvisionBridge:
    """The change of a provision, part by part; make one with `make_provision_bridge`.

    Attributes
    ----------
    table : DataFrame
        part (words of `PARTS`), amount: currency units, to the cent; they sum to the change. Missing where
        there is only a bound on one of the days.
    cells : DataFrame
        segment, bucket, a column a part (names of `PARTS`), change: to the cent; rows sum to the change of
        the cell, columns to the table. Empty where there is only a bound.
    opening, closing : Provision
        On the same basis, each made with what was known on its day.
    """

    table: pd.DataFrame
    cells: pd.DataFrame
    opening: Provision
    closing: Provision

    @property
    def as_of(self) -> pd.Timestamp:
        """The later day."""
        return self.closing.as_of

    @property
    def currency(self) -> str:
        """Of all amounts."""
        return self.closing.currency

    @property
    def identified(self) -> bool:
        """Whether there is an amount on both days."""
        return self.opening.identified and self.closing.identified

    @property
    def change(self) -> float:
        """Closing less opening, currency units; missing without both."""
        return round(float(self.table["amount"].sum(skipna=False)), 2)

    def finding(self) -> str:
        """What moved the provision most, in one sentence."""
        return page.describe_bridge(self)

    def to_table(self, name: str = "provision_bridge") -> Table:
        """Opening, each part, closing."""
        return page.show_bridge(self, name)

    def cells_table(self, name: str = "provision_bridge_cells") -> Table:
        """The parts by segment and bucket."""
        return page.show_cells(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """A waterfall from the opening to the closing provision."""
        return page.plot_bridge(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def make_provision_bridge(
    snapshot: Snapshot, start: str | dt.date | pd.Timestamp | None = None, basis: Basis | None = None
) -> ProvisionBridge:
    """Take the change of a provision against an earlier day apart, exactly.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    start : date, optional
        The earlier day, by default a year before; its provision is made with what was known then.
    basis : Basis, optional
        The same on both days, without assessments made after each of them.

    Raises
    ------
    ModelError
        If the earlier day is not before the snapshot or before the ledger begins, or a provision cannot be
        made on one of the days.

    Notes
    -----
    A cell (segment and bucket) provides for ``owed x share of the cell x (a l + (1 - a) (1 - s) f(h))``: of
    the cell a share `a` is judged by itself and loses `l`; of the rest a share `s` is borne by integral
    enhancements; overlays `f` take historical rates `h` forward. Each factor is moved from the earlier to
    the later day in every possible order and the average effect is taken (L. S. Shapley, *A value for
    n-person games*, 1953; for decompositions A. F. Shorrocks, Journal of Economic Inequality 11, 2013), so
    that the parts sum to the change and none depends on an order. Where a cell held nothing on a day to
    learn a factor from, the other day's stands in.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> snapshot = read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-04-30")
    >>> make_provision_bridge(snapshot, "2025-03-31").identified
    False
    """
    opening, closing = provide_on_both_days(snapshot, start, basis)
    names = list(PARTS)
    if not (opening.identified and closing.identified):
        table = pd.DataFrame({"part": list(PARTS.values()), "amount": np.nan})
        return ProvisionBridge(table, pd.DataFrame(columns=["segment", "bucket", *names]), opening, closing)
    cells = _cells(opening, closing)
    parts = _parts(_State(opening, cells), _State(closing, cells), snapshot.scale)
    table = pd.DataFrame({"part": list(PARTS.values()), "amount": parts.sum(axis=0) / snapshot.scale})
    frame = pd.DataFrame(cells, columns=["segment", "bucket"])
    frame[names] = parts / snapshot.scale
    frame["change"] = parts.sum(axis=1) / snapshot.scale
    return ProvisionBridge(table, frame, opening, closing)


def average_effects(value: Callable[[tuple[int, ...]], Floats], factors: int) -> Floats:
    """Average effect of each factor over all orders in which they can be changed (Shapley).

    Parameters
    ----------
    value : callable
        Takes the state of each factor, 0 (before) or 1 (after), to an array.
    factors : int

    Returns
    -------
    array of shape (..., factors)
        They sum to ``value((1, ..., 1)) - value((0, ..., 0))``.

    Examples
    --------
    >>> price, amount = (2.0, 3.0), (10.0, 20.0)
    >>> average_effects(lambda state: np.array(price[state[0]] * amount[state[1]]), 2).tolist()
    [15.0, 25.0]
    """
    values = {state: value(state) for state in product((0, 1), repeat=factors)}
    effects = []
    for place in range(factors):
        effect = np.zeros_like(values[(0,) * factors])
        for others in product((0, 1), repeat=factors - 1):
            size = sum(others)
            weight = factorial(size) * factorial(factors - size - 1) / factorial(factors)
            without, with_it = ((*others[:place], k, *others[place:]) for k in (0, 1))
            effect = effect + weight * (values[with_it] - values[without])
        effects.append(effect)
    return np.stack(effects, axis=-1)


def round_rows(amounts: Floats, targets: Ints) -> Ints:
    """Round each row to whole numbers that sum to its target (largest remainders).

    What rounding leaves goes to entries that are something; a row of nothing gives its target to the first.

    Parameters
    ----------
    amounts : array of shape (rows, parts)
    targets : array of int, shape (rows,)

    Examples
    --------
    >>> round_rows(np.array([[1.4, 0.0, 1.4, -0.3]]), np.array([3])).tolist()
    [[2, 0, 1, 0]]
    """
    out = np.zeros(amounts.shape, dtype=np.int64)
    for row, target, found in zip(amounts, targets, out, strict=True):
        real = np.flatnonzero(np.abs(row) > NOTHING)
        real = real if real.size else np.array([0])
        whole = np.floor(row[real]).astype(np.int64)
        each, rest = divmod(int(target - whole.sum()), real.size)
        order = np.argsort(-(row[real] - whole), kind="stable")
        whole[order[:rest]] += 1
        found[real] = whole + each
    return out


class _State:
    """The factors of a provision on one day, over given cells; NaN where the day has nothing to learn from.

    Attributes
    ----------
    owed : float
        Minor units.
    share, judged, judged_rate, secured, history : arrays of shape (cells,)
        Of what is owed, in the cell; of the cell, judged by itself; lost of that; borne by enhancements of
        the rest; historical rate.
    provision : array of shape (cells,)
        Minor units.
    """

    __slots__ = (
        "cells", "history", "judged", "judged_rate", "made", "owed", "provision", "secured", "share",
    )  # fmt: skip

    def __init__(self, made: Provision, cells: Sequence[tuple[str, str]]) -> None:
        scale = made.diagnostics["scale"]
        table = made.table.set_index(["segment", "bucket"]).reindex(pd.MultiIndex.from_tuples(cells))
        gross, assessed, pooled, secured, loss, provision = (
            np.rint(table[c].fillna(0.0).to_numpy(dtype=float) * scale)
            for c in ("gross", "assessed", "pooled", "secured", "assessed_loss", "provision")
        )
        self.made, self.cells = made, cells
        self.owed = float(gross.sum())
        self.share = gross / self.owed if self.owed else np.full(gross.shape, np.nan)
        self.judged = _ratio(assessed, gross)
        self.judged_rate = np.nan_to_num(_ratio(loss, assessed))
        self.secured = _ratio(secured, pooled)
        self.history = table["historical_rate"].to_numpy(dtype=float)
        self.provision = provision

    def forward(self, history: Floats) -> Floats:
        """Historical rates of cells taken forward by the overlays of the day; NaN where it has no cell."""
        rates = self.made.rates
        outlook = rates.replicates.outlook
        if outlook is None:
            return history
        own = [(s, b) for s in rates.segments for b in rates.buckets]
        given = pd.Series(history, index=pd.MultiIndex.from_tuples(self.cells))
        grid = given.reindex(pd.MultiIndex.from_tuples(own)).to_numpy(dtype=float)
        moved = outlook(np.asarray(grid.reshape(len(rates.segments), -1), dtype=np.float64)).reshape(-1)
        found = pd.Series(moved, index=pd.MultiIndex.from_tuples(own))
        return np.asarray(found.reindex(pd.MultiIndex.from_tuples(self.cells)), dtype=np.float64)


def _cells(opening: Provision, closing: Provision) -> list[tuple[str, str]]:
    """Cells of either day, segment by segment, youngest bucket first."""
    pairs = [pair for made in (closing, opening) for pair in zip(
        made.table["segment"], made.table["bucket"], strict=True
    )]  # fmt: skip
    return sorted(dict.fromkeys(pairs), key=lambda pair: pair[0])


def _parts(old: _State, new: _State, scale: int) -> Ints:
    """Parts of the change by cell in whole minor units, shape (cells, parts)."""
    value = _product(old, new)
    for state, made in zip((0, 1), (old, new), strict=True):
        gap = np.abs(value((state,) * len(PARTS)) - made.provision).max(initial=0.0)
        if gap > ROUNDED:
            raise ModelError(
                f"the provision of {made.made.as_of:%Y-%m-%d} is not the product of its factors: a cell "
                f"differs by {gap / scale:,.2f}"
            )
    targets = np.rint(new.provision - old.provision).astype(np.int64)
    return round_rows(average_effects(value, len(PARTS)), targets)


def _product(old: _State, new: _State) -> Callable[[tuple[int, ...]], Floats]:
    """The provision by cell for each choice of factors, in the order of `PARTS`; minor units."""
    owed = (old.owed, new.owed)
    share, judged, secured, history = (
        _filled(getattr(old, name), getattr(new, name)) for name in ("share", "judged", "secured", "history")
    )
    rates: Mapping[tuple[int, int], Floats] = {
        (h, o): forward
        for h in (0, 1)
        for o, forward in enumerate(_filled(old.forward(history[h]), new.forward(history[h])))
    }
    lost = (old.judged_rate, new.judged_rate)

    def value(state: tuple[int, ...]) -> Floats:
        v, m, h, o, a, e = state
        pool = (1 - judged[a]) * (1 - secured[e]) * rates[h, o]
        return np.asarray(owed[v] * share[m] * (judged[a] * lost[a] + pool), dtype=float)

    return value


def _filled(old: Floats, new: Floats) -> tuple[Floats, Floats]:
    """Either day's figures, with the other's where the day has nothing to learn them from; else 0."""
    filled = np.where(np.isnan(old), new, old), np.where(np.isnan(new), old, new)
    return np.nan_to_num(filled[0]), np.nan_to_num(filled[1])


def _ratio(part: Floats, whole: Floats) -> Floats:
    share: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return share
