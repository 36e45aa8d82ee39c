"""Where a cash forecast leaves the open balance: opening and sales, less what leaves, make the closing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, money
from arrisk.models.cash.simulation import FLOWS, CashDraws
from arrisk.models.timing.day_counts import Floats, Ints

__all__ = ["COLUMNS", "SIGNS", "Reconciliation", "balance_draws", "reconcile", "tied_rounding"]

SIGNS = np.array([1, -1, -1, -1])
COLUMNS = ("opening", *FLOWS, "closing")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The open balance from period to period; made by `CashForecast.reconciliation`.

    Parameters
    ----------
    as_of : Timestamp
    currency : str
    scale : int
        Minor units in one unit of the currency.
    endings : DatetimeIndex
        Last day of each period.
    minor : array of int64, shape (periods, 6)
        Expected amounts in minor units: opening, sales, cash, discounts and credits, write-offs, closing.
    whole : array of int64, shape (periods, 6)
        The same in whole units of the currency.
    owed, credits, unapplied : int
        What the opening balance is made of, in minor units: items owed, less credits, less unapplied cash.
    """

    as_of: pd.Timestamp
    currency: str
    scale: int
    endings: pd.DatetimeIndex
    minor: Ints
    whole: Ints
    owed: int
    credits: int
    unapplied: int

    @property
    def table(self) -> pd.DataFrame:
        """One row a period: ending, then opening to closing in units of the currency, to the minor unit."""
        frame = pd.DataFrame(self.minor / self.scale, columns=list(COLUMNS))
        frame.insert(0, "ending", self.endings)
        return frame

    def to_table(self, name: str = "balance_ahead") -> Table:
        """The periods in whole units, rounded so that every row and column still ties."""
        frame = pd.DataFrame(self.whole, columns=list(COLUMNS))
        frame.insert(0, "ending", self.endings)
        formats: dict[str, Format] = {"ending": "date", **dict.fromkeys(COLUMNS, "money")}  # type: ignore[arg-type]
        first, last = (money(v / self.scale, self.currency) for v in (self.minor[0, 0], self.minor[-1, -1]))
        owed, credits, loose = (
            money(v / self.scale, self.currency) for v in (self.owed, self.credits, self.unapplied)
        )
        note = (
            "opening + sales - cash - discounts and credits - write-offs = closing, in every draw and, as "
            f"here, in expectation. The opening is the open balance: items owed {owed}, less credits "
            f"{credits}, less unapplied cash {loose}."
        )
        return Table(name, f"Open balance from {first} to {last}", frame, note, formats)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def balance_draws(draws: CashDraws, ends: Ints, left_over: int = 0) -> Ints:
    """Opening, flows and closing of each period in every draw.

    Parameters
    ----------
    draws : CashDraws
    ends : array of int, shape (periods,)
        Days ahead on which the periods end, rising.
    left_over : int
        Minor units of credits and unapplied cash that no open item takes up; they stay in the balance.

    Returns
    -------
    array of int64, shape (draws, periods, 6)
        Minor units: opening, sales, cash, discounts and credits, write-offs, closing.
    """
    flows = draws.minor[:, : int(ends[-1])].sum(axis=2)
    sums = np.add.reduceat(flows, np.concatenate([[0], ends[:-1]]), axis=1)
    closing = int(draws.opening.sum()) - left_over + np.cumsum(sums @ SIGNS, axis=1)
    opening = closing - sums @ SIGNS
    return np.concatenate([opening[..., None], sums, closing[..., None]], axis=2).astype(np.int64)


def reconcile(
    draws: CashDraws, ends: Ints, as_of: pd.Timestamp, currency: str, scale: int, parts: tuple[int, int, int]
) -> Reconciliation:
    """Reconcile expected flows with the open balance.

    Parameters
    ----------
    draws : CashDraws
    ends : array of int, shape (periods,)
        Days ahead on which the periods end, rising.
    as_of : Timestamp
    currency : str
    scale : int
        Minor units in one unit of the currency.
    parts : tuple of int
        Items owed, credits and unapplied cash at the as-of date, in minor units.

    Returns
    -------
    Reconciliation
    """
    owed, credits, unapplied = parts
    left_over = int(draws.opening.sum()) - (owed - credits - unapplied)
    mean = balance_draws(draws, ends, left_over).mean(axis=0)
    endings = pd.DatetimeIndex(as_of + pd.to_timedelta(ends, unit="D"))
    minor, whole = tied_rounding(mean), tied_rounding(mean / scale)
    return Reconciliation(as_of, currency, scale, endings, minor, whole, owed, credits, unapplied)


def tied_rounding(balances: Floats) -> Ints:
    """Round a reconciliation to whole numbers so that it still ties.

    Parameters
    ----------
    balances : array of float, shape (periods, 6)
        Opening, sales, three flows that are taken off, closing; each row ties, each closing is the next
        opening.

    Returns
    -------
    array of int64, shape (periods, 6)
        Balances rounded to the nearest; flows rounded down or up (largest remainder) to what the balances
        leave.

    Examples
    --------
    >>> tied_rounding(np.array([[10.0, 0.5, 0.4, 0.4, 0.4, 9.3]])).tolist()
    [[10, 0, 0, 0, 1, 9]]
    """
    # Halves go up: with halves to even a whole flow between two halves would not tie.
    opening, closing = np.floor(balances[:, 0] + 0.5), np.floor(balances[:, -1] + 0.5)
    signed = balances[:, 1:-1] * SIGNS
    down = np.floor(signed)
    missing = np.rint(closing - opening - down.sum(axis=1)).astype(np.int64)
    order = np.argsort(down - signed, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    up = (rank < missing[:, None]).astype(float)
    # A last digit of the floats can leave one too many.
    over = rank >= SIGNS.size + np.minimum(missing, 0)[:, None]
    flows = (down + up - over) * SIGNS
    return np.column_stack([opening, flows, closing]).astype(np.int64)
