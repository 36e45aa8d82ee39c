"""What is fixed before a trial starts: outcome, dates, looks, and how customers and invoices are counted."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import pandas as pd

from arrisk.models.effects.outcomes import OUTCOMES, observe_outcomes
from arrisk.models.trial.stopping import SPENDINGS, Spending, StoppingRule, make_stopping_rule
from arrisk.models.trial.strata import WEIGHTS, Weigh, find_units

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["BETTER", "Better", "TrialPlan", "trial_rows"]

Better = Literal["less", "more"]
BETTER: dict[str, Better] = {"days": "less", "value": "more", "unpaid": "less"}


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """The frozen parameters of a trial; whoever reads it must read it with these.

    Parameters
    ----------
    outcome : str
        "days", "value" or "unpaid" (see `observe_outcomes`).
    start, end : date
        The trial counts invoices issued from the start to the day before the end.
    weigh : {"customers", "invoices", "amounts"}
        What counts once.
    horizon : int
        Days from issue after which an invoice's outcome is read.
    baseline_days : int
        The customers' own past: invoices issued over so many days, the last of them `horizon` days before
        the start, so that it is known when the trial starts.
    looks : int
        Looks at equal steps of the time in which invoices are issued.
    fractions : tuple of float, looks
        Planned information at each look; equal steps when empty.
    level : float
        One less the error in all.
    spending, harm_spending : {"obrien-fleming", "pocock"}
        See `make_stopping_rule`.
    futility : float
        See `StoppingRule`.
    drift : float, optional
        Mean of the last z under the planned effect; without one the trial never stops for futility.
    cost_of_capital, rest : float
        See `observe_outcomes`.

    Raises
    ------
    ValueError
        If a parameter is none of the allowed.

    Examples
    --------
    >>> plan = TrialPlan("days", dt.date(2026, 1, 1), dt.date(2026, 4, 1), horizon=60, looks=3)
    >>> [day.isoformat() for day in plan.look_dates]
    ['2026-03-31', '2026-04-30', '2026-05-30']
    """

    outcome: str
    start: dt.date
    end: dt.date
    weigh: Weigh = "customers"
    horizon: int = 60
    baseline_days: int = 365
    looks: int = 1
    fractions: tuple[float, ...] = ()
    level: float = 0.95
    spending: Spending = "obrien-fleming"
    harm_spending: Spending = "pocock"
    futility: float = 0.1
    drift: float | None = None
    cost_of_capital: float = 0.08
    rest: float = 1.0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("outcome", tuple(OUTCOMES)),
            ("weigh", WEIGHTS),
            ("spending", SPENDINGS),
            ("harm_spending", SPENDINGS),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} = {getattr(self, name)!r}: allowed are {', '.join(allowed)}")
        if not self.start < self.end:
            raise ValueError(f"the trial ends on {self.end}, which is not after its start on {self.start}")
        for name in ("horizon", "baseline_days", "looks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)!r}: at least 1")
        if self.fractions and len(self.fractions) != self.looks:
            raise ValueError(f"{len(self.fractions)} fractions of information for {self.looks} looks")

    @property
    def better(self) -> Better:
        """Whether less or more of the outcome is better."""
        return BETTER[self.outcome]

    @property
    def sign(self) -> int:
        """1 when more is better, else -1."""
        return 1 if self.better == "more" else -1

    @property
    def cuts(self) -> tuple[dt.date, ...]:
        """First day whose invoices a look no longer counts."""
        days = (self.end - self.start).days
        return tuple(self.start + dt.timedelta(days=round(days * k / self.looks)) for k in _from_one(self))

    @property
    def look_dates(self) -> tuple[dt.date, ...]:
        """The days of the looks: the last invoice counted is then `horizon` days old."""
        return tuple(cut + dt.timedelta(days=self.horizon - 1) for cut in self.cuts)

    @property
    def information(self) -> tuple[float, ...]:
        """Planned information at each look."""
        return self.fractions or tuple(k / self.looks for k in _from_one(self))

    @property
    def baseline(self) -> tuple[dt.date, dt.date]:
        """First and last day of issue of the customers' own past."""
        last = self.start - dt.timedelta(days=self.horizon)
        return last - dt.timedelta(days=self.baseline_days - 1), last

    @property
    def rule(self) -> StoppingRule:
        """The boundaries of its looks."""
        return make_stopping_rule(
            self.information,
            level=self.level,
            spending=self.spending,
            harm_spending=self.harm_spending,
            futility=self.futility,
        )

    def moved(self, start: dt.date) -> TrialPlan:
        """The same trial at another time."""
        return replace(self, start=start, end=start + (self.end - self.start))


def trial_rows(snapshot: Snapshot, plan: TrialPlan) -> pd.DataFrame:
    """Outcomes of all invoices that are `horizon` days old, with their `unit` (see `find_units`).

    Raises
    ------
    ModelError
        If there is none.
    """
    rows = observe_outcomes(
        snapshot, horizon=plan.horizon, cost_of_capital=plan.cost_of_capital, rest=plan.rest
    )
    unit = rows["customer_id"].map(find_units(snapshot.customers))
    return rows.assign(unit=unit.fillna(rows["customer_id"].astype(str)).astype(str))


def _from_one(plan: TrialPlan) -> range:
    return range(1, plan.looks + 1)
