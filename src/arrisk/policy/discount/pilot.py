"""A pilot that would settle what a ledger cannot: a discount offered at random to some customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from arrisk.models.effects.outcomes import OUTCOMES
from arrisk.models.trial.assignment import assign_trial
from arrisk.models.trial.past import TrialData, enrol, past_trials
from arrisk.models.trial.plan import TrialPlan, trial_rows
from arrisk.models.trial.power_curve import (
    PowerCurve,
    TrialDraws,
    information,
    simulate_trials,
    take_up_curve,
)
from arrisk.models.trial.stopping import StoppingRule
from arrisk.models.trial.strata import Weigh, find_units
from arrisk.policy.assumptions import KNOWN, TYPICAL_SOURCE, Assumption
from arrisk.policy.discount.draws import USUAL_TERMS, Reference
from arrisk.policy.discount.pilot_design import PilotDesign, unit_of
from arrisk.policy.discount.response import take_up_at, yearly_return

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["PilotDesign", "design_pilot"]

SHARES = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40, 0.50)
HORIZONS = (30, 45, 60, 75, 90, 105, 120)
PAID_BY = 0.90
USED = ("take_up", "cost_of_capital", "take_up_elasticity")
LEAST_UNITS = 20


def design_pilot(
    snapshot: Snapshot,
    terms: Any = USUAL_TERMS,
    *,
    outcome: str = "days",
    weigh: Weigh = "customers",
    power: float = 0.8,
    level: float = 0.95,
    months: int = 3,
    looks: int = 2,
    share: float | None = None,
    horizon: int | None = None,
    assumptions: Iterable[Assumption] = (),
    reference: Reference | None = None,
    start: dt.date | None = None,
    trials: int = 400,
    seed: int = 0,
) -> PilotDesign:
    """Design the cheapest pilot of a discount that the book is large enough for.

    Everybody who is not drawn is a control and costs nothing, so the cheapest pilot offers the discount to as
    few as show the expected shift. What a number shows is simulated on the book's own past (see
    `simulate_trials`): unequal customers, their habits, and months in which some buy nothing are in it.

    Parameters
    ----------
    snapshot : Snapshot
    terms : sequence of Reference, or one (anything with `rate` and `days`)
        Discounts to choose from, the wanted one first (see `DiscountChoice.trial_terms`).
    outcome : {"days", "value"}
        What the pilot is read by; the table shows both.
    weigh : {"customers", "invoices", "amounts"}
        What counts once.
    power, level : float
        Chance to see the expected shift, and one less the chance to see one that is not there.
    months : int
        In which offers are made.
    looks : int
        At equal steps; the pilot may stop at each (see `make_stopping_rule`).
    share : float, optional
        Part of the customers that is offered the discount; by default the least that is enough, at most half.
    horizon : int, optional
        Days from issue after which an invoice is read; by default the time in which nine in ten are paid.
    assumptions : iterable of Assumption
        take_up, take_up_elasticity and cost_of_capital are used; typical values when they are not given.
    reference : Reference, optional
        Terms that take_up is stated for; others are taken as their annual return to the customer says (see
        `take_up_at`). By default take_up is stated for whatever is offered.
    start : date, optional
        First day of offers; by default the first of the next month.
    trials : int
        Simulated for each option.
    seed : int

    Returns
    -------
    PilotDesign

    Raises
    ------
    ModelError
        If the ledger is too short, or fewer than four customers have a past.
    """
    known = {a.name: a for a in assumptions}
    take_up, capital, elasticity = (known.get(name) or _typical(name) for name in USED)
    first = start or _next_month(snapshot.date.date())
    plan = TrialPlan(
        outcome=outcome,
        start=first,
        end=_add_months(first, months),
        weigh=weigh,
        horizon=horizon or _usual_horizon(snapshot),
        looks=looks,
        level=level,
        cost_of_capital=capital.value,
    )
    rows, left_out = _free_of_offers(trial_rows(snapshot, plan), snapshot)
    search = _Search(rows, snapshot.date, take_up, power, share, trials, seed)
    options = [
        _option(search.offering(one, reference, elasticity.value), one, replace(plan, outcome=name))
        for one in _as_terms(terms)
        for name in dict.fromkeys((outcome, "days", "value"))
    ]
    chosen = _choose([o for o in options if o.plan.outcome == outcome], power)
    units = enrol(rows, chosen.plan)
    members = find_units(snapshot.customers)
    return PilotDesign(
        plan=chosen.plan,
        terms=chosen.terms,
        assignment=assign_trial(units, members[members.isin(units.index)], share=chosen.share, seed=seed),
        curve=_draw_curve(search, chosen),
        expected=chosen.expected,
        power=chosen.power,
        needed=chosen.needed,
        cost=chosen.cost,
        take_up=chosen.take_up,
        table=pd.DataFrame([o.row() for o in options]),
        target=power,
        currency=snapshot.currency,
        as_of=snapshot.date,
        left_out=left_out,
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """What all options share."""

    rows: pd.DataFrame
    as_of: pd.Timestamp
    take_up: Assumption
    power: float
    share: float | None
    trials: int
    seed: int

    def offering(self, terms: Reference, reference: Reference | None, elasticity: float) -> _Search:
        """The same with the take-up of these terms."""
        if reference is None or reference == terms:
            return self
        usual = float(self.rows.loc[self.rows["unpaid"] == 0, "days"].mean())
        worth = [yearly_return(t.rate, 0.0, max(usual - t.days, 1.0)) for t in (terms, reference)]
        low, value, high = take_up_at(
            [self.take_up.low, self.take_up.value, self.take_up.high], elasticity, np.log(worth[0] / worth[1])
        )
        taken = replace(self.take_up, low=float(low), value=float(value), high=float(high))
        return replace(self, take_up=taken)


@dataclass(frozen=True, slots=True)
class _Option:
    """The least offered share that shows the expected shift of one outcome, under one set of terms."""

    plan: TrialPlan
    rule: StoppingRule
    terms: Reference
    pasts: list[TrialData]
    share: float
    draws: TrialDraws
    power: float
    needed: int
    cost: float
    take_up: Assumption

    @property
    def expected(self) -> float:
        return self.draws.effect

    def row(self) -> dict[str, object]:
        return {
            "rate": self.terms.rate,
            "within_days": self.terms.days,
            "take_up": self.take_up.value,
            "outcome": OUTCOMES[self.plan.outcome],
            "customers": self.draws.units,
            "offered": self.draws.treated,
            "expected_shift": self.expected,
            "power": self.power,
            "customers_needed": self.needed,
            "cost": self.cost,
        }


def _option(search: _Search, terms: Reference, plan: TrialPlan) -> _Option:
    last = search.as_of.date() - dt.timedelta(days=plan.horizon)
    pasts = past_trials(search.rows.assign(gain=_gain(search.rows, terms, plan)), plan, last)
    half = search.share or 0.5
    fractions = information(simulate_trials(pasts, half, trials=search.trials, seed=search.seed))
    plan = replace(plan, fractions=fractions)
    rule = plan.rule
    draws, chance, share = _try(search, pasts, half, rule, plan)
    if search.share is None and chance >= search.power:
        for less in _fewer(chance, search.power, plan.level):
            fewer = _try(search, pasts, less, rule, plan)
            if fewer[1] >= search.power:
                draws, chance, share = fewer
                break
    if plan.sign * draws.effect > 0:
        plan = replace(plan, drift=_noncentral(chance, plan.level))
    cost = share * search.take_up.value * _expected_cost(search.rows, terms, plan, pasts)
    ratio = _noncentral(search.power, plan.level) / max(_noncentral(chance, plan.level), 1e-3)
    needed = int(np.ceil(draws.units * min(ratio, 1e3) ** 2)) if chance < search.power else draws.units
    return _Option(plan, rule, terms, pasts, share, draws, chance, needed, cost, search.take_up)


def _try(
    search: _Search, pasts: list[TrialData], share: float, rule: StoppingRule, plan: TrialPlan
) -> tuple[TrialDraws, float, float]:
    draws = simulate_trials(
        pasts, share, trials=search.trials, take_up=search.take_up.value, seed=search.seed + 1
    )
    return draws, float(draws.crossed(rule, plan.sign).mean()), share


def _fewer(chance: float, power: float, level: float) -> list[float]:
    """Shares that may do, the least first: precision goes with the root of share times the rest."""
    ratio = _noncentral(power, level) / _noncentral(min(chance, 0.999), level)
    return [s for s in SHARES if s * (1 - s) >= 0.9 * 0.25 * ratio**2]


def _noncentral(power: float, level: float) -> float:
    """Mean of z that is seen with a given power."""
    return float(stats.norm.ppf(0.5 + level / 2) + stats.norm.ppf(np.clip(power, 1e-6, 1 - 1e-6)))


def _draw_curve(search: _Search, chosen: _Option) -> PowerCurve:
    return take_up_curve(
        chosen.pasts,
        chosen.share,
        chosen.rule,
        sign=chosen.plan.sign,
        unit=unit_of(chosen.plan),
        as_of=search.as_of,
        power=search.power,
        trials=search.trials,
        seed=search.seed + 1,
    )


def _choose(options: Sequence[_Option], power: float) -> _Option:
    fits = [o for o in options if o.power >= power]
    if fits:
        return min(fits, key=lambda o: (max(o.cost, 0.0), o.draws.treated))
    return max(options, key=lambda o: o.power)


def _gain(rows: pd.DataFrame, terms: Reference, plan: TrialPlan) -> pd.Series:
    """What taking the discount changes in an invoice that is paid: it comes by the last day of the window."""
    paid = rows["unpaid"] == 0
    days = rows["days"].clip(upper=terms.days)
    if plan.outcome == "days":
        return (days - rows["days"]).where(paid, 0.0)
    if plan.outcome == "unpaid":
        return pd.Series(0.0, index=rows.index)
    worth: pd.Series = 100 * (1 - terms.rate) * (1 + plan.cost_of_capital) ** (-days / 365)
    return (worth - rows["value"]).where(paid, 0.0)


def _expected_cost(
    rows: pd.DataFrame, terms: Reference, plan: TrialPlan, pasts: Sequence[TrialData]
) -> float:
    """What offering it to everyone, and everyone taking it, would have cost over the newest past trial."""
    then = plan.moved(pasts[0].start)
    seen = rows["issue_date"].between(pd.Timestamp(then.start), pd.Timestamp(then.end), inclusive="left")
    part = rows[seen & rows["unit"].isin(pasts[0].units.index)]
    gain = _gain(part, terms, replace(plan, outcome="value"))
    return -float((gain * part["amount"]).sum() / 100)


def _free_of_offers(rows: pd.DataFrame, snapshot: Snapshot) -> tuple[pd.DataFrame, int]:
    """Drop customers that are offered a discount already, unless hardly anybody would be left."""
    year = rows["issue_date"] > snapshot.date - pd.Timedelta(days=365)
    touched = rows.loc[year & (rows["offered"] | rows["taken"]), "unit"].unique()
    free = rows[~rows["unit"].isin(touched)]
    if free["unit"].nunique() < LEAST_UNITS:
        return rows, 0
    return free, len(touched)


def _as_terms(terms: Any) -> tuple[Reference, ...]:
    given = (terms,) if hasattr(terms, "rate") else tuple(terms)
    if not given:
        raise ValueError("terms: at least one discount is needed")
    out = tuple(Reference(float(t.rate), int(t.days)) for t in given)
    for t in out:
        if not (0 < t.rate < 1 and 0 <= t.days < 365):
            raise ValueError(f"terms {t}: a rate between 0 and 1, and days from 0 to 364")
    return out


def _usual_horizon(snapshot: Snapshot) -> int:
    longest = TrialPlan("days", dt.date(2000, 1, 1), dt.date(2000, 2, 1), horizon=HORIZONS[-1])
    days = trial_rows(snapshot, longest)["days"]
    return next((h for h in HORIZONS if (days <= h).mean() >= PAID_BY), HORIZONS[-1])


def _typical(name: str) -> Assumption:
    known = KNOWN[name]
    return Assumption(name, known.value, known.low, known.high, known.unit, TYPICAL_SOURCE)


def _next_month(day: dt.date) -> dt.date:
    return _add_months(day.replace(day=1), 1)


def _add_months(day: dt.date, months: int) -> dt.date:
    return (pd.Timestamp(day) + pd.DateOffset(months=months)).date()
