"""Curves of competing causes of closing: what can be read from them, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from arrisk.display import Format, Table, frame_html
from arrisk.models.timing.day_counts import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["IncidenceCurves"]

SHOWN_DAYS = (30, 60, 90)
MOST_DAYS = 180
COLOURS = ("#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
OPEN_COLOUR = "0.9"


@dataclass(frozen=True, slots=True)
class IncidenceCurves:
    """Probability of having closed for each cause (Aalen-Johansen).

    Parameters
    ----------
    table : DataFrame
        One row per day on which something left: `day`, `items_at_risk` (count), `at_risk` (weighted), and for
        each cause `events_<cause>` (weighted), `incidence_<cause>`, `se_<cause>`, `ci_low_<cause>`,
        `ci_high_<cause>`; and `survival`. The incidences and the survival of a row sum to one.
    causes : tuple of int
        Codes of the causes, without 0 (censored).
    n : int
        Items used.
    n_clusters : int or None
        Customers behind the intervals, None when rows are taken as independent.
    level : float
        Level of the intervals.
    method : str
        How the intervals were found.
    names : mapping of int to str
        Causes in words.
    """

    table: pd.DataFrame
    causes: tuple[int, ...]
    n: int
    n_clusters: int | None = None
    level: float = 0.95
    method: str = ""
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def last_day(self) -> int:
        """Last day on which anything is known."""
        return int(self.table["day"].iloc[-1])

    def at(self, days: ArrayLike, cause: int) -> Floats:
        """Probability of having closed for `cause` by each day; missing after the last, if any is open."""
        return self._read(days, [f"incidence_{cause}"], [0.0])[:, 0]

    def still_open(self, days: ArrayLike) -> Floats:
        """Probability of being open after each day; missing after the last day if any is open then."""
        return self._read(days, ["survival"], [1.0])[:, 0]

    def figures(self, days: ArrayLike, cause: int) -> pd.DataFrame:
        """`at` with its interval: day, estimate, se, ci_low, ci_high."""
        columns = [f"{name}_{cause}" for name in ("incidence", "se", "ci_low", "ci_high")]
        values = self._read(days, columns, [0.0, 0.0, 0.0, np.nan])
        frame = pd.DataFrame(values, columns=["estimate", "se", "ci_low", "ci_high"])
        frame.insert(0, "day", np.atleast_1d(np.asarray(days)))
        return frame

    def _read(self, days: ArrayLike, columns: list[str], before: list[float]) -> Floats:
        asked = np.atleast_1d(np.asarray(days, dtype=float))
        known = np.vstack([before, self.table[columns].to_numpy(float)])
        out = known[np.searchsorted(self.table["day"].to_numpy(float), asked, side="right")]
        if self.table["survival"].iloc[-1] > 0.0:
            out[asked > self.last_day] = np.nan
        return np.asarray(out, dtype=float)

    def name(self, cause: int) -> str:
        """A cause in words."""
        return self.names.get(cause, f"cause {cause}")

    def summary(self, days: Sequence[int] = SHOWN_DAYS) -> pd.DataFrame:
        """Tidy figures by cause and day: term, estimate, ci_low, ci_high; then what is open."""
        rows: list[tuple[str, float, float, float]] = []
        for day in days:
            for cause in self.causes:
                _, share, _, low, high = self.figures([day], cause).to_numpy(float)[0].tolist()
                rows.append((f"{self.name(cause)} by day {day}", share, low, high))
            rows.append((f"open after day {day}", float(self.still_open([day])[0]), np.nan, np.nan))
        return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What the curves rest on."""
        counts = {self.name(c): float(self.table[f"events_{c}"].sum()) for c in self.causes}
        return {"items": self.n, "customers": self.n_clusters, "closed": counts, "method": self.method}

    def to_table(self, name: str = "incidence") -> Table:
        """`summary` as a table."""
        formats: dict[str, Format] = dict.fromkeys(["estimate", "ci_low", "ci_high"], "percent")
        return Table(
            name, f"How items close ({self.level:.0%} intervals)", self.summary(), self.method, formats
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Stack the causes: each band is the share that closed so, the rest is open."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots(figsize=(7.2, 4.2))[1]
        first = int(self.table["day"].iloc[0]) - 1
        days = np.concatenate([[first], self.table["day"].to_numpy(float)])
        base = np.zeros(days.size)
        for k, cause in enumerate(self.causes):
            top = base + np.concatenate([[0.0], self.table[f"incidence_{cause}"].to_numpy(float)])
            colour = COLOURS[k % len(COLOURS)]
            ax.fill_between(days, base, top, step="post", color=colour, linewidth=0, label=self.name(cause))
            base = top
        ax.fill_between(days, base, 1.0, step="post", color=OPEN_COLOUR, linewidth=0, label="open")
        ax.set(xlabel="days", ylabel="share of items", ylim=(0, 1))
        ax.set_xlim(max(first, -MOST_DAYS), min(self.last_day, MOST_DAYS))
        ax.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}")
        ax.set_title(self.finding())
        ax.legend(loc="center right", frameon=True, framealpha=0.9)
        return ax

    def finding(self, days: int = 90) -> str:
        """How items had ended by a day (or the last one known), in a sentence."""
        day = min(days, self.last_day)
        parts = [f"{float(self.at([day], c)[0]):.1%} {self.name(c)}" for c in self.causes]
        return f"By day {day}: {', '.join(parts)}, {float(self.still_open([day])[0]):.1%} open"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)
