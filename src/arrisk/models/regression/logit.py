"""Logistic regression for few events: likelihood or Firth, errors by customer, separation found first.

Pure functions on arrays and frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import expit

from arrisk.display import frame_html
from arrisk.errors import ModelError
from arrisk.models.regression.design import Design, make_design
from arrisk.models.regression.firth import Profile, profile_of, recentring
from arrisk.models.regression.jackknife import shares_of
from arrisk.models.regression.likelihood import (
    Point,
    climb,
    firth_point,
    inverse,
    likelihood_point,
)
from arrisk.models.regression.sandwich import carried_by, floored
from arrisk.models.regression.separation import overlap_of

__all__ = ["ENOUGH_EVENTS_PER_TERM", "LogitFit", "fit_logit"]

Floats = NDArray[np.float64]
Penalty = Literal["firth", "auto"] | None
Errors = Literal["wald", "profile"]
ENOUGH_EVENTS_PER_TERM = 10
FIRTH = "Firth with re-centred intercept"


@dataclass(frozen=True, slots=True)
class LogitFit:
    """A fitted logistic regression.

    Parameters
    ----------
    names : tuple of str, length k
        Terms, the constant first.
    coefficients : array, shape (k,)
    covariance : array, shape (k, k)
        Model-based, or clustered by customer when clusters were given.
    log_likelihood : float
        At the estimate; the penalised one for Firth.
    n, events : int
        Rows and rows with the event, each as often as it counts.
    clusters : int or None
    penalty : {None, "firth"}
        Firth fits carry a re-centred intercept (FLIC), so that fitted probabilities sum to the events.
    choice : str
        How it was fitted and why.
    separated : tuple of str
        Terms of a combination that separates events from non-events; empty when they overlap.
    df : array, shape (k,), or None
        Degrees of freedom of each clustered variance: few when few customers carry it.
    shift : float
        What re-centring added to Firth's intercept; 0 without Firth.
    profile : Profile or None
        Profile-likelihood intervals and p-values, which `table` then shows in place of Wald's.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    n: int
    events: int
    clusters: int | None
    penalty: Literal["firth"] | None
    choice: str = ""
    separated: tuple[str, ...] = ()
    df: Floats | None = None
    shift: float = 0.0
    profile: Profile | None = None

    @property
    def table(self) -> pd.DataFrame:
        """Tidy coefficients: term, estimate, se, ci_low, ci_high (95%), p_value; per unit, log-odds.

        Intervals and p-values are Wald's (normal; Student's t with `df` when errors are clustered) unless the
        fit was asked for profiles.
        """
        se = np.sqrt(np.diag(self.covariance))
        b = self.coefficients
        df = np.inf if self.df is None else self.df
        half, p = se * stats.t.ppf(0.975, df), 2 * stats.t.sf(np.abs(b) / se, df)
        low, high = b - half, b + half
        if self.profile is not None:
            low, high, p = *self.profile.ends.T, self.profile.p_values
        columns = {"estimate": b, "se": se, "ci_low": low, "ci_high": high, "p_value": p}
        return pd.DataFrame({"term": list(self.names), **columns})

    def linear(self, x: ArrayLike) -> Floats:
        """Log-odds of rows of covariates (without the constant), shape (n,)."""
        return np.asarray(
            np.asarray(x, dtype=float) @ self.coefficients[1:] + self.coefficients[0], dtype=float
        )

    def probability(self, x: ArrayLike) -> Floats:
        """Probability of the event for rows of covariates, shape (n,)."""
        return np.asarray(expit(self.linear(x)), dtype=float)

    def interval(self, x: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
        """Interval for each probability: symmetric in the log-odds, from the covariance."""
        rows, c = np.asarray(x, dtype=float), self.covariance
        variance = c[0, 0] + np.einsum("ij,ij->i", rows @ c[1:, 1:] + 2.0 * c[0, 1:], rows)
        df = np.inf if self.clusters is None else self.clusters - 1
        half = stats.t.ppf(0.5 + level / 2, df) * np.sqrt(np.maximum(variance, 0.0))
        middle = self.linear(rows)
        return expit(middle - half), expit(middle + half)

    def _repr_html_(self) -> str:
        who = "model-based" if self.clusters is None else f"clustered by {self.clusters} customers"
        shown = "Wald" if self.profile is None else "profile likelihood"
        return frame_html(
            self.table,
            f"Logistic regression: {self.events} events in {self.n}",
            f"{self.choice}; errors {who}; intervals at 95% and p-values: {shown}",
        )


def fit_logit(
    x: pd.DataFrame | ArrayLike,
    y: ArrayLike,
    clusters: ArrayLike | None = None,
    penalty: Penalty = None,
    weights: ArrayLike | None = None,
    intervals: Errors = "wald",
) -> LogitFit:
    """Logistic regression with a constant.

    Parameters
    ----------
    x : DataFrame or array, shape (n, k)
        Covariates, without a constant; finite.
    y : array of bool, shape (n,)
    clusters : array, shape (n,), optional
        Customers: the errors are then those of leaving out whole customers, see Notes.
    penalty : {None, "firth", "auto"}
        None is maximum likelihood, refused under separation. "firth" penalises by Jeffreys' prior (Firth
        1993) and re-centres the intercept (Puhr et al. 2017, FLIC): finite under separation. "auto" is
        "firth" under separation, or so near it that likelihood finds no top, and below 10 events (or
        non-events, if fewer) a term, else None; with clusters, customers with an event (or a non-event) are
        counted in place of rows.
    weights : array, shape (n,), optional
        How often each row counts, so that equal rows may be given once.
    intervals : {"wald", "profile"}
        What `LogitFit.table` shows. Profiles of the (penalised) likelihood are better with few events and are
        what logistf shows, but know nothing of clusters and take some fits a term.

    Returns
    -------
    LogitFit

    Raises
    ------
    ModelError
        If there is only one class, a value is missing, covariates are collinear, the fit does not converge,
        profiles are asked for with clusters, or (without penalty) a combination of covariates separates the
        classes; the terms are named.

    Notes
    -----
    Clustered errors are the jackknife's by customer (CR3 of Bell and McCaffrey 2002: the estimate moves by
    (H - H_g)^-1 s_g when customer g with score s_g and information H_g is left out), but no variance is below
    the model's own, for rows of one customer may tell less than as many customers, not more, and a dozen
    customers without a default would else pass for certainty. Student's t has as many degrees of freedom as
    the customers who carry the variance (Satterthwaite). The plain sandwich (CR1, clusters - 1 degrees of
    freedom) finds an effect where there is none about twice too often with some thirty defaulters: see
    benchmarks/coverage_scoring.py. `clustered_covariance` is that plain sandwich.

    Examples
    --------
    With one group and Firth, half an event is added to each cell before the intercept is re-centred.

    >>> fit = fit_logit([[0.0]] * 4 + [[1.0]] * 4, [0, 0, 0, 0, 0, 0, 1, 1], penalty="auto")
    >>> round(float(fit.coefficients[1]), 6) == round(float(np.log((2.5 / 2.5) / (0.5 / 4.5))), 6)
    True
    >>> fit.choice
    'Firth with re-centred intercept, since x1 separates events from non-events'
    """
    if intervals == "profile" and clusters is not None:
        raise ModelError("profile-likelihood intervals know nothing of clusters: use one or the other")
    design = make_design(x, y, weights)
    who = None if clusters is None else _kept(clusters, weights)
    overlap = overlap_of(design)
    firth, choice = _choose(design, who, overlap.apart, penalty)
    try:
        top = _top(design, overlap.start, firth)
    except ModelError:
        if penalty != "auto" or firth:
            raise
        firth, choice = (
            True,
            f"{FIRTH}, since maximum likelihood does not converge: the classes barely overlap",
        )
        top = _top(design, overlap.start, firth)
    bread = inverse(top.information)
    turn = design.from_standard
    covariance, groups, df = turn @ bread @ turn.T, None, None
    if who is not None:
        shares = shares_of(design, top, firth, who)
        groups, df = len(shares), carried_by(shares @ turn.T)
        covariance = floored((groups - 1) / groups * turn @ (shares.T @ shares) @ turn.T, covariance)
    shift = recentring(design, top.beta) if firth else 0.0
    found = turn @ top.beta
    found[0] += shift
    profile = profile_of(design, top, firth, 0.95) if intervals == "profile" else None
    n, events = design.counts
    return LogitFit(
        names=design.names,
        coefficients=found,
        covariance=covariance,
        log_likelihood=top.value + (float(np.log(design.scale).sum()) if firth else 0.0),
        n=round(n),
        events=round(events),
        clusters=groups,
        df=df,
        penalty="firth" if firth else None,
        choice=choice,
        separated=overlap.apart,
        shift=shift,
        profile=None if profile is None else profile.shifted(shift),
    )


def _top(design: Design, start: Floats, firth: bool) -> Point:
    return climb(lambda beta: (firth_point if firth else likelihood_point)(design, beta), start)


def _kept(clusters: ArrayLike, weights: ArrayLike | None) -> NDArray[np.generic]:
    """Clusters of the rows that count."""
    who = np.asarray(clusters)
    return who if weights is None else who[np.asarray(weights, dtype=float) > 0]


def _choose(
    design: Design, who: NDArray[np.generic] | None, apart: tuple[str, ...], penalty: Penalty
) -> tuple[bool, str]:
    """Whether to penalise, and the reason in words."""
    split = f"{', '.join(apart)} {'separates' if len(apart) == 1 else 'separate'} events from non-events"
    if penalty is None:
        if apart:
            raise ModelError(
                f"{split} in these {design.event.size} rows, so the coefficients are not finite; use "
                'penalty="firth" or fewer terms'
            )
        return False, "Maximum likelihood, as asked"
    if penalty == "firth":
        return True, f"{FIRTH}, as asked" + (f"; {split}" if apart else "")
    fewer, unit = _fewer(design, who)
    terms = max(1, design.mean.size)
    count = f"{fewer:,.0f} {unit} for {terms} terms are {fewer / terms:,.1f} a term"
    if apart:
        return True, f"{FIRTH}, since {split}"
    if fewer < ENOUGH_EVENTS_PER_TERM * terms:
        return True, f"{FIRTH}, since {count}, fewer than {ENOUGH_EVENTS_PER_TERM}"
    return False, f"Maximum likelihood, since {count}, at least {ENOUGH_EVENTS_PER_TERM}, and none separates"


def _fewer(design: Design, who: NDArray[np.generic] | None) -> tuple[float, str]:
    """The rarer class: customers with it when rows are clustered, else rows."""
    n, events = design.counts
    if who is None:
        return min((events, "events"), (n - events, "non-events"))
    with_one, without = (float(pd.unique(who[design.event == kind]).size) for kind in (1.0, 0.0))
    return min((with_one, "customers with an event"), (without, "customers with a non-event"))
