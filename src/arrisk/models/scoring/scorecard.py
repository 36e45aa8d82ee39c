"""A scorecard for books with few defaults: pooled past days, few terms, honest about what it knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import LookAheadError, ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.states import default_states
from arrisk.models.features.customers import make_features
from arrisk.models.intervals import Interval, jeffreys, upper_bound
from arrisk.models.regression.logit import LogitFit, fit_logit
from arrisk.models.scoring.observation import observation_days, observe
from arrisk.models.scoring.scaling import GRADES, PREDICTORS, PointScale, grade_of, predictors, reasons
from arrisk.models.scoring.scorecard_page import (
    checks_table,
    grades_table,
    plot_card,
    ranked_table,
    terms_table,
)
from arrisk.models.validation.discrimination import Auc, auc_by_customer, customer_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["Scorecard", "fit_scorecard"]

FEWEST_DEFAULTERS = 10
EVENTS_PER_TERM = 5
ENOUGH_EVENTS_PER_TERM = 10
FOLDS, REPEATS, DRAWS = 5, 4, 400


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Probability of default of each customer over a horizon; made by `fit_scorecard`.

    Parameters
    ----------
    as_of : Timestamp
        Day on which everything used was known.
    horizon_days : int
        The probability is of default within so many days.
    definition : DefaultDefinition
    observations : DataFrame
        One row a customer and past day: `cutoff`, `customer_id`, `default`, `default_date`, `cause`, the
        terms, and (when identified) `pd`: out of fold, from fits without that customer, and its `grade`.
    fit : LogitFit or None
        None when there are too few defaulters: then no score is given, only an upper bound.
    medians : mapping of term to float
        Put in for missing values.
    means : mapping of term to float
        Average customer, against which reasons are told.
    auc : Auc or None
        Out of fold, interval by customer.
    calibration : Interval or None
        Of observed over expected defaults, out of fold, resampling customers.
    level : float
    scale : PointScale
    bounds : mapping of grade to float
        Highest yearly probability of each grade, best grade first.
    """

    as_of: pd.Timestamp
    horizon_days: int
    definition: DefaultDefinition
    observations: pd.DataFrame
    fit: LogitFit | None
    medians: Mapping[str, float]
    means: Mapping[str, float]
    auc: Auc | None
    calibration: Interval | None
    level: float
    scale: PointScale
    bounds: Mapping[str, float]

    @property
    def identified(self) -> bool:
        """Whether there are enough defaulters to order customers at all."""
        return self.fit is not None

    @property
    def defaulters(self) -> int:
        """Number of different customers that defaulted."""
        seen = self.observations
        return int(seen.loc[seen["default"], "customer_id"].nunique())

    @property
    def upper_bound(self) -> float:
        """One-sided exact upper limit of the default rate over the horizon, with customers as trials."""
        return upper_bound(self.defaulters, self.observations["customer_id"].nunique(), self.level).high

    @property
    def table(self) -> pd.DataFrame:
        """Tidy: term, estimate, ci_low, ci_high; log-odds a unit of the term, or the bounded default rate."""
        if self.fit is not None:
            return self.fit.table
        n, d = self.observations["customer_id"].nunique(), self.defaulters
        bounds = [upper_bound(d, n, self.level)]
        if n:
            bounds.append(jeffreys(d, n, self.level))
        rows = [(f"default rate, {i.method}", d / n if n else np.nan, i.low, i.high) for i in bounds]
        return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])

    @property
    def grades(self) -> pd.DataFrame:
        """Back-test by grade: rows, defaults, observed rate with its interval, mean probability given."""
        if self.fit is None:
            raise ModelError(f"no grades: {self.doubt}")
        rows = []
        for grade in self.bounds:
            part = self.observations[self.observations["grade"] == grade]
            n, d = len(part), int(part["default"].sum())
            low, high = jeffreys(d, n, self.level) if n else (np.nan, np.nan)
            seen = (n, part["customer_id"].nunique(), d, d / n if n else np.nan)
            rows.append((grade, *seen, low, high, part["pd"].mean()))
        columns = ["grade", "rows", "customers", "defaults", "observed", "ci_low", "ci_high", "expected"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def diagnostics(self) -> dict[str, Any]:
        """Counts, the definition, separation of fit and validation, calibration."""
        seen = self.observations
        causes = seen.loc[seen["default"], "cause"].value_counts().to_dict()
        out: dict[str, Any] = {
            "identified": self.identified,
            "definition": str(self.definition),
            "horizon_days": self.horizon_days,
            "observation_days": sorted(f"{d:%Y-%m-%d}" for d in seen["cutoff"].unique()),
            "rows": len(seen),
            "customers": int(seen["customer_id"].nunique()),
            "defaults": int(seen["default"].sum()),
            "defaulters": self.defaulters,
            "defaults_by_cause": causes,
            "upper_bound": self.upper_bound,
        }
        if self.fit is None:
            return out | {"reason": self.doubt}
        observed, expected = float(seen["default"].sum()), float(seen["pd"].sum())
        return out | {
            "method": "Firth, re-centred intercept" if self.fit.penalty else "maximum likelihood",
            "events_per_term": self.fit.events / (len(self.fit.names) - 1),
            "auc": self.auc,
            "observed_over_expected": observed / expected,
            "calibration": self.calibration,
            "validation": f"{FOLDS} folds of whole customers, {REPEATS} times",
        }

    def predict(self, snapshot: Snapshot) -> pd.DataFrame:
        """Score the customers of a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
            Not earlier than the one fitted on.

        Returns
        -------
        DataFrame
            `customer_id`, `pd` (of default within the horizon), `pd_low`, `pd_high`, `points`, `grade`,
            `in_default`, `reason`. Customers in default already have probability 1 and the worst grade. When
            nothing is identified, `pd`, `points` and `grade` are missing and `pd_high` is the common upper
            bound.

        Raises
        ------
        LookAheadError
            If the snapshot is earlier than the fit.
        """
        if snapshot.date < self.as_of:
            raise LookAheadError(
                f"a scorecard that knows {self.as_of:%Y-%m-%d} cannot score {snapshot.date:%Y-%m-%d}"
            )
        features = make_features(snapshot)
        out = features[["customer_id"]].copy()
        states = default_states(
            snapshot.items, snapshot.events, snapshot.date, self.definition, snapshot.signals
        )
        now = states.groupby("customer_id")[["in_default", "cause"]].last()
        out["in_default"] = out["customer_id"].isin(now.index[now["in_default"]])
        scored = self._bounded(out) if self.fit is None else self._scored(out, features)
        held = scored["in_default"]
        scored.loc[held, ["pd", "pd_low", "pd_high"]] = 1.0
        scored.loc[held, "points"] = np.nan
        scored.loc[held, "grade"] = list(self.bounds)[-1]
        causes = scored.loc[held, "customer_id"].map(now["cause"])
        scored.loc[held, "reason"] = "in default now: " + causes.astype(str)
        return scored[["customer_id", "pd", "pd_low", "pd_high", "points", "grade", "in_default", "reason"]]

    def _bounded(self, out: pd.DataFrame) -> pd.DataFrame:
        empty = {"pd": np.nan, "pd_low": 0.0, "pd_high": self.upper_bound, "points": np.nan}
        return out.assign(**empty, grade=pd.Series(pd.NA, index=out.index, dtype="string"), reason=self.doubt)

    def _scored(self, out: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
        assert self.fit is not None
        names = list(self.fit.names[1:])
        x = predictors(features)[names].fillna(dict(self.medians))
        probability = self.fit.probability(x)
        low, high = self.fit.interval(x, self.level)
        return out.assign(
            pd=probability,
            pd_low=low,
            pd_high=high,
            points=self.scale.points(probability).round(),
            grade=grade_of(probability, self.horizon_days, self.bounds),
            reason=reasons(x, features, self.fit.coefficients[1:], self.means),
        )

    @property
    def doubt(self) -> str:
        """Why there is no score; empty when there is one."""
        if self.fit is not None:
            return ""
        if not len(self.observations):
            return f"the ledger is too young for a window of {self.horizon_days} days after some behaviour"
        seen = f"{self.defaulters} of {self.observations['customer_id'].nunique()} customers"
        return f"{seen} defaulted in the windows seen; ordering customers needs at least {FEWEST_DEFAULTERS}"

    def to_table(self, name: str = "default_score") -> Table:
        """What raises the odds of default, errors by customer; without a fit the bounded rate."""
        return terms_table(self, name)

    def grades_table(self, name: str = "grades") -> Table:
        """Back-test by grade; no rows without a fit."""
        return grades_table(self, name)

    def checks_table(self, name: str = "score_checks") -> Table:
        """How well the score orders and how well its probabilities are set, out of fold."""
        return checks_table(self, name)

    def rank(self, snapshot: Snapshot, top: int = 15, name: str = "worst_customers") -> Table:
        """The worst customers not in default, each with its reason; the note counts those in default."""
        return ranked_table(self, snapshot, top, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Observed default rate of each grade against the probability given out of fold; else the bound."""
        return plot_card(self, ax)

    def _repr_html_(self) -> str:
        tables = (self.grades_table(), self.to_table()) if self.identified else (self.to_table(),)
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def fit_scorecard(
    snapshot: Snapshot,
    horizon_days: int = 180,
    cutoffs: Sequence[str | pd.Timestamp] | None = None,
    definition: DefaultDefinition | None = None,
    seed: int = 0,
    level: float = 0.95,
    bounds: Mapping[str, float] = GRADES,
) -> Scorecard:
    """Fit a scorecard on what customers looked like on past days and who defaulted after them.

    Parameters
    ----------
    snapshot : Snapshot
    horizon_days : int
        Length of the label window, strictly after each day of observation.
    cutoffs : sequence of date, optional
        Days of observation. By default every `horizon_days` back from the last day whose window is over, so
        that no default is counted in two windows.
    definition : DefaultDefinition, optional
    seed : int
        Of the folds and the resampling of customers.
    level : float
    bounds : mapping of grade to float
        Highest yearly probability of each grade, best first, the last 1.

    Returns
    -------
    Scorecard
        Without a fit (`identified` False) when fewer than 10 customers defaulted, or the ledger is too young
        for a window.

    Raises
    ------
    ModelError
        If the windows of given cutoffs overlap.
    LookAheadError
        If the window of a given cutoff is not over.

    Notes
    -----
    The terms are taken in a fixed order, one for every 5 defaults and at most all of `PREDICTORS`; they are
    not chosen by the data. Below 10 defaults a term the fit is Firth's with a re-centred intercept. Folds
    hold whole customers.
    """
    definition = definition or DefaultDefinition()
    days = _days(snapshot, horizon_days, cutoffs)
    seen = observe(snapshot, days, horizon_days, definition)
    card = Scorecard(
        as_of=snapshot.date,
        horizon_days=horizon_days,
        definition=definition,
        observations=seen,
        fit=None,
        medians={},
        means={},
        auc=None,
        calibration=None,
        level=level,
        scale=PointScale(),
        bounds=MappingProxyType(dict(bounds)),
    )
    return card if card.defaulters < FEWEST_DEFAULTERS else _identified(card, seed)


def _days(
    snapshot: Snapshot, horizon_days: int, cutoffs: Sequence[str | pd.Timestamp] | None
) -> list[pd.Timestamp]:
    """Days of observation; none in a ledger too young for one, which is an answer and not a mistake."""
    try:
        return observation_days(snapshot, horizon_days, cutoffs)
    except ModelError:
        if cutoffs is not None:
            raise
        return []


def _identified(card: Scorecard, seed: int) -> Scorecard:
    seen, level = card.observations, card.level
    count = min(len(PREDICTORS), int(seen["default"].sum()) // EVENTS_PER_TERM)
    names = list(PREDICTORS)[: max(1, count)]
    medians = {n: float(seen[n].median()) if seen[n].notna().any() else 0.0 for n in names}
    x = seen[names].fillna(medians)
    x = x.loc[:, x.max() > x.min()]
    folds, draws, more_draws = np.random.SeedSequence(seed).spawn(3)
    default, customers = seen["default"], seen["customer_id"]
    out_of_fold = _out_of_fold(x, default.to_numpy(), customers.to_numpy(), folds)
    seen = seen.assign(pd=out_of_fold, grade=grade_of(out_of_fold, card.horizon_days, card.bounds))
    return replace(
        card,
        observations=seen,
        fit=_fit(x, default, customers),
        medians={n: medians[n] for n in x.columns},
        means={n: float(x[n].mean()) for n in x.columns},
        auc=auc_by_customer(default, out_of_fold, customers, draws, DRAWS, level),
        calibration=_calibration(seen, more_draws, level),
    )


def _fit(x: pd.DataFrame, default: pd.Series, customers: pd.Series) -> LogitFit:
    if default.sum() >= ENOUGH_EVENTS_PER_TERM * x.shape[1]:
        try:
            return fit_logit(x, default, customers)
        except ModelError as error:
            if "separate" not in str(error):
                raise
    return fit_logit(x, default, customers, penalty="firth")


def _out_of_fold(
    x: pd.DataFrame, default: np.ndarray, customers: np.ndarray, seed: np.random.SeedSequence
) -> np.ndarray:
    """Mean log-odds over repeated folds of customers, as a probability; never from a fit on the customer."""
    rng = np.random.default_rng(seed)
    total = np.zeros(len(x))
    for _ in range(REPEATS):
        fold = _folds(default, customers, rng)
        for k in range(FOLDS):
            train = fold != k
            fit = fit_logit(x[train], default[train], penalty="firth")
            total[~train] += fit.linear(x[~train])
    return np.asarray(1.0 / (1.0 + np.exp(-total / REPEATS)))


def _folds(default: np.ndarray, customers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fold of each row: whole customers, those that ever defaulted spread evenly."""
    ever = pd.Series(default).groupby(customers).max()
    order = rng.permutation(len(ever))
    order = order[np.argsort(~ever.to_numpy(dtype=bool)[order], kind="stable")]
    of_customer = pd.Series(np.arange(len(ever)) % FOLDS, index=ever.index[order])
    return pd.Series(customers).map(of_customer).to_numpy()


def _calibration(seen: pd.DataFrame, seed: np.random.SeedSequence, level: float) -> Interval:
    """Interval of observed over expected defaults."""
    weights = customer_weights(seen["customer_id"], DRAWS, seed)
    ratio = (weights @ seen["default"].to_numpy(float)) / (weights @ seen["pd"].to_numpy(float))
    low, high = np.quantile(ratio, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(low), float(high), level, f"{DRAWS} resamples of customers")
