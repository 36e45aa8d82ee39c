"""Read a trial as it was planned: everyone as assigned, adjusted for strata and past, stopped by the rule."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.effects.effect import CHECK_COLUMNS, Effect
from arrisk.models.effects.outcomes import OUTCOMES
from arrisk.models.trial.ancova import Ancova, as_normal, draw_allocations, make_ancova
from arrisk.models.trial.assignment import Assignment
from arrisk.models.trial.past import TrialData, observe_trial, summarise_past
from arrisk.models.trial.plan import TrialPlan, trial_rows
from arrisk.models.trial.reading_page import TrialReading
from arrisk.models.trial.stopping import StoppingRule

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["read_pilot", "read_trial"]

ASSUMPTIONS = (
    "customers decide for themselves: an offer to one does not move another's payments",
    "customers who bought nothing in the trial have no outcome; the arms lose them alike",
)
DOUBT = 0.01
NAMED = 5
CHUNK = 250
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def read_pilot(
    snapshot: Snapshot,
    assignment: Assignment,
    plan: TrialPlan,
    *,
    digest: str,
    offer: tuple[float, int] | None = None,
    look: int | None = None,
    permutations: int = 2000,
    most_strayed: float = 0.10,
) -> TrialReading:
    """Estimate the effect of being offered, and say whether the trial stops.

    Intention to treat: every customer counts in the arm it was drawn for, whatever it was offered. Weighted
    least squares on the arm with a constant a stratum and the customer's own past, standard errors HC3; the
    interval is the repeated confidence interval of the look (Jennison and Turnbull 1989), so that it holds
    however often the trial was looked at. The permutation p-value redraws the arms within the strata.

    Parameters
    ----------
    snapshot : Snapshot
    assignment : Assignment
        See `assign_trial`, `read_assignment`.
    plan : TrialPlan
    digest : str
        Of the assignment, as recorded before the start.
    offer : tuple of float and int, optional
        Rate and days that the treated were to be offered; any offer by default.
    look : int, optional
        From 1; the newest by default.
    permutations : int
        Redrawn allocations.
    most_strayed : float
        Part of the customers whose offers may differ from the assignment.

    Returns
    -------
    TrialReading

    Raises
    ------
    ModelError
        If the assignment is not the one on record, it is too early for the look, or the ledger shows other
        offers than assigned.
    """
    rows = trial_rows(snapshot, plan)
    return read_trial(
        rows,
        assignment,
        plan,
        digest=digest,
        as_of=snapshot.date,
        offer=offer,
        look=look,
        permutations=permutations,
        most_strayed=most_strayed,
    )


def read_trial(
    rows: pd.DataFrame,
    assignment: Assignment,
    plan: TrialPlan,
    *,
    digest: str,
    as_of: pd.Timestamp,
    offer: tuple[float, int] | None = None,
    look: int | None = None,
    permutations: int = 2000,
    most_strayed: float = 0.10,
) -> TrialReading:
    """Read a trial from outcomes of invoices; see `read_pilot`.

    Parameters
    ----------
    rows : DataFrame
        See `trial_rows`.
    as_of : Timestamp
        Day on which the outcomes were known.
    """
    if assignment.digest != digest:
        raise ModelError(
            f"the assignment is not the one on record: its digest is {assignment.digest[:12]}, recorded was "
            f"{digest[:12]}; the trial cannot be read with changed arms"
        )
    now = _find_look(plan, as_of.date(), look)
    rows = _rows_of(rows, assignment, offer)
    units = _units_of(rows, assignment, plan)
    treated = units["treated"].to_numpy(dtype=bool)
    compliance = _compare_offers(rows, units, plan, now, most_strayed)
    rule = plan.rule
    looks = _read_looks(rows, units, plan, rule, now)
    data = observe_trial(rows, plan, units)
    effect = _make_effect(looks.iloc[-1], data, plan, compliance, treated)
    effect = replace(effect, rows=len(_issued(rows, plan, now)))
    return TrialReading(
        effect=effect,
        plan=plan,
        rule=rule,
        looks=looks,
        decision=_decision(looks),
        permutation_p=_permute(data, treated, now, permutations, assignment.seed),
        compliance=compliance,
        takers=_takers_effect(rows, units, plan, data, treated, now),
        outcomes=_all_outcomes(rows, units, plan, treated, now),
        digest=digest,
        as_of=as_of,
    )


def _find_look(plan: TrialPlan, day: dt.date, look: int | None) -> int:
    known = sum(d <= day for d in plan.look_dates)
    if look is not None and not 1 <= look <= plan.looks:
        raise ModelError(f"look {look}: the plan has looks 1 to {plan.looks}")
    wanted = look or max(known, 1)
    if known < wanted:
        raise ModelError(
            f"nothing to read yet: look {wanted} of {plan.looks} is on {plan.look_dates[wanted - 1]}, the "
            f"ledger is as of {day}"
        )
    return wanted


def _rows_of(rows: pd.DataFrame, assignment: Assignment, offer: tuple[float, int] | None) -> pd.DataFrame:
    """Invoices of the assigned, by the units that were drawn; `offered` is the offer of the trial."""
    unit = rows["customer_id"].astype(str).map(assignment.table.set_index("customer_id")["unit"])
    rows = rows.assign(unit=unit)[unit.notna().to_numpy()]
    if offer is None:
        return rows
    same = np.isclose(rows["rate"].fillna(-1.0), offer[0]) & rows["window"].eq(offer[1])
    return rows.assign(offered=rows["offered"] & same)


def _units_of(rows: pd.DataFrame, assignment: Assignment, plan: TrialPlan) -> pd.DataFrame:
    drawn = assignment.units
    past = summarise_past(rows, plan).reindex(drawn.index)
    return past.assign(stratum=drawn["stratum"], treated=drawn["treated"])


def _fit(data: TrialData, look: int) -> Ancova:
    baseline = data.units["baseline"].to_numpy(dtype=float)
    return make_ancova(data.outcome[:, look - 1], data.stratum, baseline, data.weight[:, look - 1])


def _read_looks(
    rows: pd.DataFrame, units: pd.DataFrame, plan: TrialPlan, rule: StoppingRule, now: int
) -> pd.DataFrame:
    """Estimate, interval and boundaries of every look so far."""
    data = observe_trial(rows, plan, units)
    treated = units["treated"].to_numpy(dtype=bool)
    out = []
    for k in range(1, now + 1):
        fit = _fit(data, k)
        found = fit.estimate(treated)
        shift, se = float(found.shift[0]), float(found.se[0])
        if not np.isfinite(se):
            raise ModelError(f"look {k}: no stratum has customers with invoices in both arms")
        better, worse = (_t_edge(edge[k - 1], fit.df) * se for edge in (rule.benefit, rule.harm))
        below, above = (better, worse) if plan.sign > 0 else (worse, better)
        z = plan.sign * float(found.z[0])
        out.append(
            {
                "look": k,
                "date": pd.Timestamp(plan.look_dates[k - 1]),
                "customers": len(fit.outcome),
                "shift": shift,
                "se": se,
                "df": fit.df,
                "ci_low": shift - below,
                "ci_high": shift + above,
                "z": z,
                "benefit_from_z": rule.benefit[k - 1],
                "harm_to_z": -rule.harm[k - 1],
                "decision": rule.decide(k, z, plan.drift),
            }
        )
    return pd.DataFrame(out)


def _t_edge(z: float, df: int) -> float:
    """The t value with the tail probability of a normal boundary."""
    return float(stats.t.isf(max(stats.norm.sf(z), np.finfo(float).tiny), df))


def _decision(looks: pd.DataFrame) -> str:
    """What the first look said that stopped the trial, else the newest."""
    stops = looks[looks["decision"].isin(("benefit", "harm"))]
    return str((stops if len(stops) else looks.iloc[-1:])["decision"].iloc[0])


def _permute(data: TrialData, treated: Flags, look: int, size: int, seed: int) -> float:
    """Part of all allocations that could have been drawn whose t is as far from 0: an exact test."""
    fit, codes = _fit(data, look), data.stratum
    seen = abs(float(fit.estimate(treated).t[0]))
    count = np.bincount(codes[treated], minlength=int(codes.max()) + 1)
    rng = np.random.default_rng(np.random.SeedSequence([seed, look]))
    beyond = 0
    for begin in range(0, size, CHUNK):
        arms = draw_allocations(codes, count, min(CHUNK, size - begin), rng)
        beyond += int((np.abs(fit.estimate(arms).t) >= seen - 1e-9).sum())
    return (1 + beyond) / (1 + size)


def _compare_offers(
    rows: pd.DataFrame, units: pd.DataFrame, plan: TrialPlan, look: int, most: float
) -> pd.DataFrame:
    """Customers with invoices in the trial, and with an offer, by arm."""
    part = _issued(rows, plan, look)
    by = part.groupby("unit")[["offered", "taken"]].agg(["any", "mean"])
    seen = units.join(pd.DataFrame({"offered": by["offered"]["any"], "part": by["offered"]["mean"]}))
    seen = seen[seen["offered"].notna()]
    offered = seen["offered"].astype(bool)
    strayed = seen.index[offered != seen["treated"]]
    if len(strayed) > most * len(seen):
        first = ", ".join(str(u) for u in sorted(strayed)[:NAMED])
        raise ModelError(
            f"the ledger does not show the offers as assigned: {len(strayed)} of {len(seen)} customers with "
            f"invoices differ (at most {most:.0%} may); the first: {first}"
        )
    out = []
    for arm, flag in (("treated", True), ("control", False)):
        here = seen["treated"] == flag
        out.append(
            {
                "arm": arm,
                "customers": int((units["treated"] == flag).sum()),
                "with_invoices": int(here.sum()),
                "offered": int((here & offered).sum()),
                "not_as_assigned": int((here & (offered != flag)).sum()),
                "invoices_offered": float(seen.loc[here, "part"].mean()) if here.any() else float("nan"),
            }
        )
    return pd.DataFrame(out)


def _issued(rows: pd.DataFrame, plan: TrialPlan, look: int) -> pd.DataFrame:
    first, cut = pd.Timestamp(plan.start), pd.Timestamp(plan.cuts[look - 1])
    return rows[rows["issue_date"].between(first, cut, inclusive="left")]


def _takers_effect(
    rows: pd.DataFrame,
    units: pd.DataFrame,
    plan: TrialPlan,
    data: TrialData,
    treated: Flags,
    look: int,
) -> dict[str, float]:
    """Take-up, and the effect on takers by the random draw as an instrument (Imbens and Angrist 1994).

    The standard error is that of the shift of the outcome less the takers' effect times taking, over the
    first stage.
    """
    both = observe_trial(rows.assign(gain=rows["taken"].astype(float)), plan, units)
    takes = both.gain[:, look - 1]
    baseline = units["baseline"].to_numpy(dtype=float)
    weight = data.weight[:, look - 1]
    stage = make_ancova(np.where(weight > 0, takes, np.nan), data.stratum, baseline, weight)
    first = float(stage.estimate(treated).shift[0])
    used = treated & (weight > 0)
    take_up = float(np.average(takes[used], weights=weight[used])) if used.any() else float("nan")
    if abs(first) < 1e-9:
        return {"take_up": take_up, "effect": float("nan"), "se": float("nan"), "df": float(stage.df)}
    effect = float(_fit(data, look).estimate(treated).shift[0]) / first
    left = make_ancova(data.outcome[:, look - 1] - effect * takes, data.stratum, baseline, weight)
    se = float(left.estimate(treated).se[0]) / abs(first)
    return {"take_up": take_up, "effect": effect, "se": se, "df": float(stage.df)}


def _all_outcomes(
    rows: pd.DataFrame, units: pd.DataFrame, plan: TrialPlan, treated: Flags, look: int
) -> pd.DataFrame:
    """The same analysis of every outcome; only the planned one decides."""
    out = []
    for name, unit in OUTCOMES.items():
        other = replace(plan, outcome=name)
        data = observe_trial(rows, other, _with_baseline(rows, units, other))
        fit = _fit(data, look)
        found = fit.estimate(treated)
        shift, se = float(found.shift[0]), float(found.se[0])
        half = float(stats.t.ppf(0.5 + plan.level / 2, fit.df)) * se
        planned = "decides" if name == plan.outcome else "for information"
        out.append((unit, shift, se, shift - half, shift + half, planned))
    return pd.DataFrame(out, columns=["outcome", "shift", "se", "ci_low", "ci_high", "role"])


def _with_baseline(rows: pd.DataFrame, units: pd.DataFrame, plan: TrialPlan) -> pd.DataFrame:
    return units.assign(baseline=summarise_past(rows, plan)["baseline"].reindex(units.index))


def _make_effect(
    last: pd.Series,
    data: TrialData,
    plan: TrialPlan,
    compliance: pd.DataFrame,
    treated: Flags,
) -> Effect:
    shift, se, df = float(last["shift"]), float(last["se"]), float(last["df"])
    tail = float(stats.t.sf(abs(shift) / se, df)) if se > 0 else 0.0
    low, high = float(last["ci_low"]), float(last["ci_high"])
    term = {"term": f"look {last['look']}", "estimate": shift, "ci_low": low, "ci_high": high}
    return Effect(
        outcome=plan.outcome,
        unit=OUTCOMES[plan.outcome],
        estimate=shift,
        se=se,
        ci_low=low,
        ci_high=high,
        p_value=2 * tail,
        df=df,
        level=plan.level,
        design="randomised trial",
        estimand=f"being offered, mean over {plan.weigh} (intention to treat)",
        rows=0,
        clusters=int(last["customers"]),
        assumptions=ASSUMPTIONS,
        checks=_checks(data, compliance, treated),
        table=pd.DataFrame([term]),
    )


def _checks(data: TrialData, compliance: pd.DataFrame, treated: Flags) -> pd.DataFrame:
    """What the ledger can refute: the draw on record, offers as assigned, alike arms, alike attrition."""
    strayed, seen = int(compliance["not_as_assigned"].sum()), int(compliance["with_invoices"].sum())
    past = make_ancova(
        data.units["baseline"].to_numpy(dtype=float),
        data.stratum,
        np.zeros(len(data.units)),
        np.ones(len(data.units)),
    ).estimate(treated)
    apart = 2 * float(stats.norm.sf(abs(as_normal(past.t, past.df)[0])))
    lost = (compliance["customers"] - compliance["with_invoices"]).to_numpy(dtype=int)
    stay = compliance["with_invoices"].to_numpy(dtype=int)
    unlike = float(stats.fisher_exact(np.column_stack([lost, stay])).pvalue)
    parts = lost / compliance["customers"].to_numpy(dtype=float)
    rows = [
        ("draw on record", 0.0, float("nan"), True, "the arms are those that were put on record"),
        (
            "offers as assigned",
            strayed / max(seen, 1),
            float("nan"),
            True,
            f"{strayed} of {seen} customers were not treated as assigned; they count as assigned",
        ),
        (
            "alike before",
            float(past.shift[0]),
            apart,
            apart >= DOUBT,
            f"the arms differed by {past.shift[0]:+.3g} in their own past",
        ),
        (
            "alike without invoices",
            float(parts[0] - parts[1]),
            unlike,
            unlike >= DOUBT,
            f"{parts[0]:.0%} of the treated and {parts[1]:.0%} of the controls bought nothing",
        ),
    ]
    return pd.DataFrame(rows, columns=CHECK_COLUMNS)
