"""How invoices end: paid, credited, written off or still open, by age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.models.timing.competing import IncidenceCurves, aalen_johansen
from arrisk.models.timing.followed import (
    ALL,
    CAUSES,
    MIN_ITEMS,
    Clock,
    follow_items,
    from_crowded_day,
    weights_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["PaymentIncidence", "fit_incidence"]

NAMES = {code: cause for cause, code in CAUSES.items() if code}
SHOWN_DAYS = (30, 90, 365)


@dataclass(frozen=True, slots=True)
class PaymentIncidence:
    """How invoices end and when; made by `fit_incidence`.

    Parameters
    ----------
    as_of : Timestamp
        Day on which everything used was known.
    clock : {"issue", "due"}
        Day 0 of the curves.
    by : str or None
        Column that splits the curves.
    weights : {"count", "amount"}
        Whether an item counts once or by its amount.
    curves : mapping of group to IncidenceCurves
        Causes 1 paid, 2 credited, 3 written off; "all" is always there, a group that saw no closing is not.
    excluded : mapping of reason to int
        Items left out.
    """

    as_of: pd.Timestamp
    clock: Clock
    by: str | None
    weights: str
    curves: Mapping[str, IncidenceCurves]
    excluded: Mapping[str, int]

    @property
    def table(self) -> pd.DataFrame:
        """Tidy figures by group: term, estimate, ci_low, ci_high."""
        parts = {group: curves.summary(SHOWN_DAYS) for group, curves in self.curves.items()}
        return pd.concat(parts, names=["group"]).reset_index("group").reset_index(drop=True)

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What was used and what was left out."""
        return {**self.curves[ALL].diagnostics, "excluded": dict(self.excluded)}

    def to_table(self, name: str = "payment_incidence") -> Table:
        """Shares by how they had ended on the last of the days shown that is known, one row a group."""
        rows = []
        for group, curves in self.curves.items():
            day = min(SHOWN_DAYS[-1], curves.last_day)
            shares = [float(curves.at([day], code)[0]) for code in NAMES]
            lost = curves.figures([day], 3).to_numpy(float)[0, 3:]
            rows.append((group, curves.n, day, *shares, *lost, float(curves.still_open([day])[0])))
        ends = [cause.replace(" ", "_") for cause in NAMES.values()]
        columns = [
            self.by or "group",
            "invoices",
            "by_day",
            *ends,
            "written_off_low",
            "written_off_high",
            "open",
        ]
        formats: dict[str, Format] = {"invoices": "integer", "by_day": "integer"}
        formats |= dict.fromkeys([*ends, "written_off_low", "written_off_high", "open"], "percent")  # type: ignore[arg-type]
        frame = pd.DataFrame(rows, columns=columns)
        return Table(name, f"How {self._what} end", frame, self._note, formats)

    def plot(self, ax: Axes | None = None, group: str = ALL) -> Axes:
        """Shares by how they ended, stacked, of one group."""
        ax = self.curves[group].plot(ax)
        ax.set_title(self.curves[group].finding(SHOWN_DAYS[-1]))
        ax.set_xlabel(f"days since {'issue' if self.clock == 'issue' else 'the due date'}")
        ax.set_ylabel(f"share of {'the amount' if self.weights == 'amount' else 'invoices'}")
        return stamp(ax, self.as_of, "" if group == ALL else f"{self.by}: {group}")

    @property
    def _what(self) -> str:
        return "amounts" if self.weights == "amount" else "invoices"

    @property
    def _note(self) -> str:
        left_out = ", ".join(f"{n} {reason}" for reason, n in self.excluded.items()) or "none"
        parts = (
            " Each settlement leaves on its own day and the rest is open." if self.weights == "amount" else ""
        )
        return (
            f"Days since {'issue' if self.clock == 'issue' else 'the due date'}; open items followed to "
            f"{self.as_of:%Y-%m-%d}.{parts} Interval of the written-off share: {self.curves[ALL].level:.0%}, "
            f"by customer. Items left out: {left_out}."
        )

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def fit_incidence(
    snapshot: Snapshot,
    clock: Clock = "issue",
    by: str | None = None,
    weights: Literal["count", "amount"] = "count",
    window_days: int | None = None,
    level: float = 0.95,
) -> PaymentIncidence:
    """Fit the shares of invoices that are paid, credited and written off by each age.

    Parameters
    ----------
    snapshot : Snapshot
        What is open at its date is censored there.
    clock, by, weights, window_days, level
        As in `fit_timing`. By amount a partly paid invoice is cut into slices: each settlement leaves on its
        own day for its own cause, and the rest is censored.

    Returns
    -------
    PaymentIncidence

    Raises
    ------
    ModelError
        If no item can be followed, nothing has closed, or `by` is no column.

    Notes
    -----
    Aalen and Johansen (1978), with intervals robust to dependence within a customer; see `aalen_johansen`.
    To censor the credited and written-off instead, as `fit_timing` does, answers another question: when those
    are paid that are paid in the end.
    """
    followed = follow_items(snapshot, clock, by, weights, window_days, customers=True)
    if followed.frame.empty:
        raise ModelError(f"no item can be followed on the clock {clock!r}; a curve needs {MIN_ITEMS}")
    parts = {g: from_crowded_day(followed.of_group(g)) for g in followed.groups}
    curves = {g: _curves(p, weights, level) for g, p in parts.items() if g == ALL or (p["cause"] > 0).any()}
    return PaymentIncidence(
        as_of=snapshot.date,
        clock=clock,
        by=by,
        weights=weights,
        curves=MappingProxyType(curves),
        excluded=MappingProxyType(followed.excluded),
    )


def _curves(part: pd.DataFrame, weights: str, level: float) -> IncidenceCurves:
    return aalen_johansen(
        part["exit"],
        part["cause"],
        entry=part["entry"],
        counts=part["items"],
        weights=weights_of(part, weights),
        clusters=part["customer_id"],
        level=level,
        names=NAMES,
    )
