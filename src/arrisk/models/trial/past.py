"""The customers of a trial with what they did before, and their outcomes during it: really, or as if."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.trial.plan import TrialPlan
from arrisk.models.trial.strata import make_strata, summarise

__all__ = ["TrialData", "enrol", "observe_trial", "past_trials", "summarise_past"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TrialData:
    """Units of a trial, in one order; see `observe_trial`.

    Parameters
    ----------
    units : DataFrame
        Index: unit; `segment`, `invoices`, `amount`, `days` (of the past), `baseline` (the outcome in the
        past), `stratum`.
    outcome, weight : arrays, units x looks
        Outcome of what was issued up to each look; NaN and 0 without an invoice.
    gain : array, units x looks
        What the column `gain` of the rows came to; 0 when they have none.
    start : date
    """

    units: pd.DataFrame
    outcome: Floats
    weight: Floats
    gain: Floats
    start: dt.date

    @property
    def stratum(self) -> Ints:
        """Code of the stratum by unit."""
        return pd.factorize(self.units["stratum"], sort=True)[0].astype(np.int64)

    @property
    def sizes(self) -> Ints:
        """Units by stratum, in the order of the codes."""
        return np.bincount(self.stratum).astype(np.int64)


def enrol(rows: pd.DataFrame, plan: TrialPlan) -> pd.DataFrame:
    """The units that can be randomised: those with an invoice in the past of the plan, and their strata.

    Parameters
    ----------
    rows : DataFrame
        See `trial_rows`.
    plan : TrialPlan

    Returns
    -------
    DataFrame
        See `TrialData.units`.

    Raises
    ------
    ModelError
        If fewer than four units have a past.
    """
    out = summarise_past(rows, plan)
    return out.assign(stratum=make_strata(out))


def summarise_past(rows: pd.DataFrame, plan: TrialPlan) -> pd.DataFrame:
    """What is known of every unit before the start of a plan; see `enrol`."""
    first, last = (pd.Timestamp(day) for day in plan.baseline)
    past = rows[rows["issue_date"].between(first, last)]
    if past["unit"].nunique() < 4:
        raise ModelError(
            f"{past['unit'].nunique()} customers have invoices from {first.date()} to {last.date()}: "
            "a trial needs 4"
        )
    size = past.groupby(["unit", "segment"])["amount"].sum().reset_index()
    largest = size.sort_values(["unit", "amount", "segment"], ascending=[True, False, True])
    out = pd.DataFrame({"segment": largest.drop_duplicates("unit").set_index("unit")["segment"]})
    own = summarise(past, plan.outcome, plan.weigh)
    out["invoices"], out["amount"] = own["invoices"], own["amount"]
    out["days"] = summarise(past, "days", plan.weigh)["mean"]
    out["baseline"] = own["mean"]
    return out


def observe_trial(rows: pd.DataFrame, plan: TrialPlan, units: pd.DataFrame) -> TrialData:
    """Outcomes of the enrolled at each look of a plan.

    Parameters
    ----------
    rows : DataFrame
        See `trial_rows`; with a column `gain`, that is summed up likewise.
    plan : TrialPlan
    units : DataFrame
        See `enrol`.
    """
    empty = np.zeros((len(units), plan.looks))
    outcome, weight, gain = empty * np.nan, empty.copy(), empty.copy()
    for k, cut in enumerate(plan.cuts):
        seen = rows["issue_date"].ge(pd.Timestamp(plan.start)) & rows["issue_date"].lt(pd.Timestamp(cut))
        now = summarise(rows[seen], plan.outcome, plan.weigh).reindex(units.index)
        outcome[:, k] = now["mean"].to_numpy(dtype=float)
        weight[:, k] = now["weight"].fillna(0.0).to_numpy(dtype=float)
        if "gain" in rows:
            added = summarise(rows[seen], "gain", plan.weigh)["mean"].reindex(units.index)
            gain[:, k] = added.fillna(0.0).to_numpy(dtype=float)
    return TrialData(units, outcome, weight, gain, plan.start)


def past_trials(rows: pd.DataFrame, plan: TrialPlan, last: dt.date, *, most: int = 4) -> list[TrialData]:
    """The trial as it would have been read, had it ended at earlier times: the newest first.

    Parameters
    ----------
    rows : DataFrame
        See `trial_rows`.
    plan : TrialPlan
    last : date
        Newest day of issue whose outcome is known.
    most : int
        At most so many times, one trial's length apart.

    Raises
    ------
    ModelError
        If the ledger is too short for one.
    """
    span = plan.end - plan.start
    oldest = rows["issue_date"].min().date()
    out: list[TrialData] = []
    for k in range(1, most + 1):
        then = plan.moved(last + dt.timedelta(days=1) - k * span)
        # A customer's past needs at least as long as the trial to speak for it.
        if then.baseline[1] - span < oldest:
            break
        out.append(observe_trial(rows, then, enrol(rows, then)))
    if not out:
        raise ModelError(
            f"the ledger starts on {oldest}: too short for a trial of {span.days} days, read {plan.horizon} "
            "days later, and as long a past of the customers before it"
        )
    return out
