"""The efficient frontier of insurance structures: expected cost against the kept loss of the worst years."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.display import Table, frame_html
from arrisk.policy.insurance import pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Frontier", "dominated_by", "find_frontier"]


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """Structures in the plane of expected cost and kept tail.

    Parameters
    ----------
    table : DataFrame
        structure, expected_net_cost, retained_tvar_99, dominated_by (a structure that is no worse in both
        and better in one; empty on the frontier).
    currency : str
    as_of : Timestamp or None
    what_if : str
    """

    table: pd.DataFrame
    currency: str = ""
    as_of: pd.Timestamp | None = None
    what_if: str = ""

    @property
    def efficient(self) -> tuple[str, ...]:
        """Structures on the frontier, from the least expected cost to the least tail."""
        kept = self.table[self.table["dominated_by"] == ""].sort_values(["expected_net_cost", "structure"])
        return tuple(kept["structure"])

    def finding(self) -> str:
        """How many structures are worth a choice, and which are beaten."""
        count, out = len(self.efficient), len(self.table) - len(self.efficient)
        kind = "What-if: " if self.what_if else ""
        beaten = f"{out} {'are' if out != 1 else 'is'} beaten by another" if out else "none is beaten"
        text = f"{kind}{count} of {len(self.table)} structures {'are' if count != 1 else 'is'} worth a choice"
        return f"{text} by expected cost and bad years; {beaten}"

    def to_table(self, name: str = "insurance_frontier") -> Table:
        """Each structure with its two measures, and what beats it."""
        frame = self.table.rename(columns={"retained_tvar_99": "kept_in_worst_years"})
        note = (
            f"{self.currency} a year. Kept in worst years: mean of the worst 1%. Dominated: another "
            "structure is no worse in both and better in one."
        )
        formats = {"expected_net_cost": "money", "kept_in_worst_years": "money"}
        return Table(name, self.finding(), frame, note.strip(), formats)  # type: ignore[arg-type]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Expected cost against the kept loss of the worst years."""
        return pictures.plot_frontier(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def dominated_by(cost: ArrayLike, tail: ArrayLike) -> list[int | None]:
    """For each point, the cheapest point that is no worse in both and better in one; None on the frontier.

    Examples
    --------
    >>> dominated_by([1.0, 2.0, 3.0], [9.0, 4.0, 5.0])
    [None, None, 1]
    """
    costs, tails = np.asarray(cost, dtype=float), np.asarray(tail, dtype=float)
    found: list[int | None] = []
    for at in range(costs.size):
        no_worse = (costs <= costs[at]) & (tails <= tails[at])
        better = no_worse & ((costs < costs[at]) | (tails < tails[at]))
        who = np.flatnonzero(better)
        found.append(int(who[np.argmin(costs[who])]) if who.size else None)
    return found


def find_frontier(
    points: pd.DataFrame, currency: str = "", as_of: pd.Timestamp | None = None, what_if: str = ""
) -> Frontier:
    """Mark the structures that another one beats in both measures.

    Parameters
    ----------
    points : DataFrame
        structure, expected_net_cost, retained_tvar_99.
    currency, as_of, what_if : optional
        For captions.

    Returns
    -------
    Frontier

    Examples
    --------
    >>> points = pd.DataFrame({"structure": ["none", "whole", "odd"], "expected_net_cost": [1.0, 2.0, 3.0],
    ...                        "retained_tvar_99": [9.0, 4.0, 5.0]})
    >>> find_frontier(points).efficient
    ('none', 'whole')
    """
    table = points[["structure", "expected_net_cost", "retained_tvar_99"]].reset_index(drop=True)
    names = table["structure"].tolist()
    beaten = dominated_by(table["expected_net_cost"], table["retained_tvar_99"])
    table["dominated_by"] = ["" if who is None else names[who] for who in beaten]
    return Frontier(table, currency, as_of, what_if)
