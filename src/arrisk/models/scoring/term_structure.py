"""When within a horizon defaults come, so that a score over one horizon gives probabilities over any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.defaults.past_due import days_of
from arrisk.models.scoring.term_grades import observed_by_grade
from arrisk.models.scoring.term_hazard import TermHazard, cumulate_hazard
from arrisk.models.scoring.term_intervals import WeightErrors, joined, limits, over_weight, weight_errors
from arrisk.models.scoring.term_page import grades_table, plot_terms, terms_table
from arrisk.models.timing.curves import SurvivalCurve, kaplan_meier

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SHOWN_DAYS", "Tail", "TermStructure", "fit_term_structure"]

Floats = NDArray[np.float64]
SHOWN_DAYS = (30, 90, 365)
MIN_AT_RISK = 20
TAIL_DEFAULTERS = 20
FEWEST_DEFAULTERS = 2
HIGHEST = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class Tail:
    """How the cumulated hazard goes on after the last day with enough observations at risk.

    Parameters
    ----------
    begin, last : int
        From the end of `last` it grows as it did on average from the end of `begin` to the end of `last`.
    growth : float
        A day, in units of the score's risk.
    defaulters : int
        Customers that defaulted in that stretch.
    """

    begin: int
    last: int
    growth: float
    defaulters: int


@dataclass(frozen=True, slots=True)
class TermStructure:
    """Probability of default over any number of days, given that over the score's horizon.

    PD(t) = 1 - (1 - PD)^w(t): the weight w(t) is the cumulated hazard of t days over that of the horizon, so
    that PD(t) never falls and is the score's own at its horizon. Made by `fit_term_structure`.

    Parameters
    ----------
    as_of : Timestamp
        Last day followed.
    horizon_days : int
        Of the score.
    hazard : TermHazard
        Cumulated by day, given each observation's own risk.
    errors : WeightErrors
    tail : Tail
    curve : SurvivalCurve
        Pooled Kaplan-Meier curve of time to default, all observations alike.
    by_grade : DataFrame
        Check without the model: `grade`, `days`, `observations`, `customers`, `defaults` (seen by then),
        `observed` (Kaplan-Meier), `ci_low`, `ci_high` (by customer), `expected` (mean PD(t)).
    mean_pd : float
        Of the observations, over the horizon.
    level : float
    """

    as_of: pd.Timestamp
    horizon_days: int
    hazard: TermHazard
    errors: WeightErrors
    tail: Tail
    curve: SurvivalCurve
    by_grade: pd.DataFrame
    mean_pd: float
    level: float

    def weight(self, days: ArrayLike) -> pd.DataFrame:
        """Weights: `days`, `weight`, `ci_low`, `ci_high`, `extrapolated`; one row a day.

        Extrapolated limits are as wide, in proportion, as on the last day seen: the doubt whether the rule
        holds is not in them.

        Raises
        ------
        ModelError
            If a number of days is negative or missing.
        """
        asked = np.atleast_1d(np.asarray(days, dtype=float))
        if not (asked >= 0).all():
            raise ModelError("days ahead may not be negative or missing")
        whole = float(self.hazard.at(self.horizon_days))
        beyond = np.maximum(asked - self.tail.last, 0.0)
        value = (self.hazard.at(np.minimum(asked, self.tail.last)) + self.tail.growth * beyond) / whole
        low, high = limits(value, self.errors.at(asked), self.errors.defaulters, self.level)
        at_horizon = asked == self.horizon_days
        low, high = np.where(at_horizon, 1.0, low), np.where(at_horizon, 1.0, high)
        columns = {"days": asked.astype(np.int64), "weight": value, "ci_low": low, "ci_high": high}
        return pd.DataFrame(columns | {"extrapolated": beyond > 0})

    def probability(self, given: ArrayLike, days: ArrayLike) -> Floats:
        """Probability of default within each number of days.

        Parameters
        ----------
        given : array of float, shape (n,)
            Probability over the horizon, in [0, 1]; missing stays missing.
        days : array of int, shape (m,)

        Returns
        -------
        array of float, shape (n, m)

        Raises
        ------
        ModelError
            If a probability is outside [0, 1], or a number of days negative.
        """
        return over_weight(given, self.weight(days)["weight"])

    def limits(self, given: ArrayLike, days: ArrayLike) -> tuple[Floats, Floats]:
        """Limits of `probability` from the weights alone, the probability over the horizon taken as right."""
        weights = self.weight(days)
        return over_weight(given, weights["ci_low"]), over_weight(given, weights["ci_high"])

    def predict(self, scores: pd.DataFrame, days: Sequence[int] = SHOWN_DAYS) -> pd.DataFrame:
        """Probabilities of scored customers over other horizons.

        Parameters
        ----------
        scores : DataFrame
            `customer_id`, `pd` and, if given, `pd_low` and `pd_high`, over the horizon.
        days : sequence of int

        Returns
        -------
        DataFrame
            `customer_id`, and `pd_<d>`, `pd_<d>_low`, `pd_<d>_high` for each d. The limits join those of the
            score and of the weight as independent errors of log(-log(1 - pd)).
        """
        out = scores[["customer_id"]].copy()
        weights = self.weight(list(days)).set_index("days")
        value = scores["pd"].to_numpy(float)
        for day in days:
            weight, low, high = weights.loc[day, ["weight", "ci_low", "ci_high"]].to_numpy(float)
            middle = over_weight(value, [weight])[:, 0]
            ends = [over_weight(value, [end])[:, 0] for end in (low, high)]
            if "pd_low" in scores:
                own = [over_weight(scores[c].to_numpy(float), [weight])[:, 0] for c in ("pd_low", "pd_high")]
                ends = [joined(middle, a, b) for a, b in zip(ends, own, strict=True)]
            out[f"pd_{day}"], out[f"pd_{day}_low"], out[f"pd_{day}_high"] = middle, ends[0], ends[1]
        return out

    @property
    def table(self) -> pd.DataFrame:
        """Tidy: term, estimate, ci_low, ci_high; weights, and probabilities of the mean observation."""
        weights = self.weight(SHOWN_DAYS)
        rows = [(f"weight of {r.days} days", r.weight, r.ci_low, r.ci_high) for r in weights.itertuples()]
        for r in weights.itertuples():
            three = over_weight([self.mean_pd], np.array([r.weight, r.ci_low, r.ci_high], dtype=float))[0]
            rows.append((f"default within {r.days} days", *three.tolist()))
        return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What was counted, how the tail goes on, and how the level of the score compares with it."""
        return {
            "observations": self.curve.n,
            "customers": self.errors.customers,
            "defaults": self.curve.n_events,
            "defaulters_within_horizon": self.errors.defaulters,
            "followed_days": self.curve.last_day,
            "observed_over_expected": float(self.hazard.at(self.horizon_days)),
            "tail": self.tail_rule,
            "method": "discrete proportional hazards on counts by day, relative risks from the score; "
            f"{self.level:.0%} limits by customer (Korn and Graubard)",
        }

    @property
    def tail_rule(self) -> str:
        """What is assumed after the last day with enough observations at risk, in words."""
        tail = self.tail
        return (
            f"after day {tail.last}, the last with {MIN_AT_RISK} observations at risk, the hazard is "
            f"constant: that of days {tail.begin + 1} to {tail.last}, in which {tail.defaulters} customers "
            "defaulted"
        )

    def to_table(self, name: str = "pd_terms") -> Table:
        """Weights and probabilities of the mean observation at 30, 90 and 365 days and the horizon."""
        return terms_table(self, name)

    def grades_table(self, name: str = "pd_terms_by_grade") -> Table:
        """Defaults seen beside those expected, by grade and days."""
        return grades_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Weights by day with their limits, beside those of a constant hazard."""
        return plot_terms(self, ax)

    def _repr_html_(self) -> str:
        tables = (self.to_table(), self.grades_table())
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def fit_term_structure(
    followed: pd.DataFrame,
    horizon_days: int,
    days: Sequence[int] = SHOWN_DAYS,
    level: float = 0.95,
) -> TermStructure:
    """Fit when defaults come, given how likely the score holds each of them over its horizon.

    Parameters
    ----------
    followed : DataFrame
        One row an observation, as from `follow_observations`: `customer_id`, `start`, `end` (dates; after the
        start), `event` (whether the end is a default, else the last day followed), `pd` (over the horizon,
        best from fits without the customer) and, if there are grades, `grade`. Follow-ups of one customer may
        overlap: limits are by customer.
    horizon_days : int
        Of the score.
    days : sequence of int
        For the check by grade.
    level : float

    Returns
    -------
    TermStructure

    Raises
    ------
    ModelError
        If an end is not after its start, a probability is missing or outside [0, 1], fewer than 20
        observations reach the horizon, or fewer than 2 customers default within it.

    Notes
    -----
    See `arrisk.models.scoring.term_hazard.cumulate_hazard`. Where all observations have the same probability,
    that of the pooled Kaplan-Meier curve at the horizon, PD(t) is that curve exactly.

    Examples
    --------
    >>> starts = pd.to_datetime(["2025-01-01"] * 40)
    >>> ends = starts + pd.to_timedelta([20, 50, 150, 300] + [364] * 36, unit="D")
    >>> seen = pd.DataFrame({"customer_id": range(40), "start": starts, "end": ends,
    ...     "event": [True] * 4 + [False] * 36, "pd": 0.075})
    >>> terms = fit_term_structure(seen, 180)
    >>> terms.probability([0.075], [30, 180]).round(3).tolist()
    [[0.025, 0.075]]
    """
    duration, event, risk, customer = _checked(followed)
    curve = kaplan_meier(duration, event, clusters=customer, level=level)
    crowded = np.sort(duration)[::-1]
    last = int(crowded[min(MIN_AT_RISK, crowded.size) - 1])
    if crowded.size < MIN_AT_RISK or last < horizon_days:
        raise ModelError(
            f"only {int((duration >= horizon_days).sum())} observations are followed for {horizon_days} "
            f"days; {MIN_AT_RISK} are needed"
        )
    lost = np.unique(customer[event & (duration <= horizon_days)]).size
    if lost < FEWEST_DEFAULTERS:
        raise ModelError(
            f"{lost} customers defaulted within {horizon_days} days of an observation; when defaults come "
            f"takes at least {FEWEST_DEFAULTERS}"
        )
    # Later days have too few at risk to say more than the tail does.
    kept = np.minimum(duration, last), event & (duration <= last)
    hazard = cumulate_hazard(*kept, risk)
    errors = weight_errors(hazard, *kept, risk, customer, horizon_days)
    bare = TermStructure(
        as_of=pd.Timestamp(followed["end"].max()),
        horizon_days=horizon_days,
        hazard=hazard,
        errors=errors,
        tail=_tail(hazard, *kept, customer, last),
        curve=curve,
        by_grade=pd.DataFrame(),
        mean_pd=float(followed["pd"].mean()),
        level=level,
    )
    grade = followed["grade"].astype(str) if "grade" in followed else pd.Series("all", index=followed.index)
    expected = bare.probability(followed["pd"], days)
    seen = grade.to_numpy(dtype=object), duration, event, customer
    return replace(bare, by_grade=observed_by_grade(*seen, expected, days, level))


def _checked(
    followed: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.bool_], Floats, NDArray[np.int64]]:
    """Days followed, whether to a default, risk over the horizon, and customers as codes."""
    if followed.empty:
        raise ModelError("nothing was followed")
    duration = days_of(followed["end"]) - days_of(followed["start"])
    if (duration < 1).any():
        raise ModelError(f"{int((duration < 1).sum())} observations do not end after their start")
    given = followed["pd"].to_numpy(dtype=float)
    if not ((given >= 0) & (given <= 1)).all():
        raise ModelError("pd must be a probability between 0 and 1, none missing")
    # A probability of 0 or 1 leaves no room for what was seen; the score's own error is far above this.
    risk = -np.log1p(-np.clip(given, 1.0 - HIGHEST, HIGHEST))
    customer = pd.factorize(followed["customer_id"], use_na_sentinel=False)[0]
    if int(customer.max()) < 1:
        raise ModelError("limits by customer take at least two customers")
    return duration, followed["event"].to_numpy(dtype=bool), risk, customer.astype(np.int64)


def _tail(
    hazard: TermHazard,
    duration: NDArray[np.int64],
    event: NDArray[np.bool_],
    customer: NDArray[np.int64],
    last: int,
) -> Tail:
    """The shortest stretch up to the last crowded day in which 20 customers defaulted, or all days."""
    order = np.argsort(-duration[event], kind="stable")
    day, who = duration[event][order], customer[event][order]
    firsts = np.sort(np.unique(who, return_index=True)[1])
    begin = int(day[firsts[TAIL_DEFAULTERS - 1]]) - 1 if firsts.size >= TAIL_DEFAULTERS else 0
    seen = np.unique(customer[event & (duration > begin)]).size
    rise = float(hazard.at(last) - hazard.at(begin))
    return Tail(begin, last, rise / (last - begin), seen)
