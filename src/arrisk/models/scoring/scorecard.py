"""The scorecard of a ledger: its card, what it was fitted on, and what is known of its worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import LookAheadError, ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.states import default_states
from arrisk.models.features.customers import make_features
from arrisk.models.intervals import Interval, jeffreys, upper_bound
from arrisk.models.scoring.card import Card
from arrisk.models.scoring.expert import ExpertCard
from arrisk.models.scoring.low_default import LowDefault, ageing_grades, bound_grades, bound_low_default
from arrisk.models.scoring.newcomers import NewCustomers, history_months, score_new_customers
from arrisk.models.scoring.out_of_fold import FOLDS, REPEATS
from arrisk.models.scoring.scorecard_page import (
    checks_table,
    drift_table,
    grades_table,
    low_default_table,
    plot_card,
    ranked_table,
    rivals_table,
    term_structure_table,
    terms_table,
)
from arrisk.models.scoring.term_structure import SHOWN_DAYS, TermStructure
from arrisk.models.validation.discrimination import Auc
from arrisk.models.validation.validation import Validation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["FEWEST_DEFAULTERS", "Scorecard", "count_defaulters"]

FEWEST_DEFAULTERS = 10
SCORED = ["customer_id", "pd", "pd_low", "pd_high", "points", "grade", "in_default", "reason"]


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
        features, and (when identified) `pd`: out of fold, from fits without that customer, and its `grade`.
    card : Card or None
        Terms, points and grades, to be saved or exported; None when there are too few defaulters: then no
        score is given, only an upper bound.
    table : DataFrame
        Tidy: term, estimate, ci_low, ci_high; log-odds a unit of the term with errors by customer, or the
        bounded default rate.
    validation : Validation or None
        Order, level and errors of the probabilities given out of fold, with intervals by customer.
    later : Auc or None
        On the last days of observation, by a fit on windows that were over before; None where these are few.
    terms : TermStructure or None
        When within the horizon and after it defaults come.
    fitting : mapping
        How it was fitted: coding and penalty with their reasons, what was dropped, what was separated.
    level : float
    bounds : mapping of grade to float
        Highest yearly probability of each grade, best grade first.
    """

    as_of: pd.Timestamp
    horizon_days: int
    definition: DefaultDefinition
    observations: pd.DataFrame
    card: Card | None
    table: pd.DataFrame
    validation: Validation | None
    later: Auc | None
    terms: TermStructure | None
    fitting: Mapping[str, Any]
    level: float
    bounds: Mapping[str, float]

    @property
    def identified(self) -> bool:
        """Whether there are enough defaulters to order customers at all."""
        return self.card is not None

    @property
    def auc(self) -> Auc | None:
        """Area under the ROC curve out of fold, with its interval by customer; None without a card."""
        if self.validation is None:
            return None
        row = self.validation.row("AUC")
        return Auc(row["estimate"], row["ci_low"], row["ci_high"], self.level, row["method"])

    @property
    def calibration(self) -> Interval | None:
        """Interval by customer of observed over expected defaults, out of fold; None without a card."""
        if self.validation is None:
            return None
        row = self.validation.row("observed over expected")
        return Interval(row["ci_low"], row["ci_high"], self.level, row["method"])

    @property
    def defaulters(self) -> int:
        """Number of different customers that defaulted."""
        return count_defaulters(self.observations)

    @property
    def upper_bound(self) -> float:
        """One-sided exact upper limit of the default rate over the horizon, with customers as trials."""
        return upper_bound(self.defaulters, self.observations["customer_id"].nunique(), self.level).high

    @property
    def grades(self) -> pd.DataFrame:
        """Back-test by grade: rows, defaults, observed rate with its interval, mean probability given."""
        if self.card is None:
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
        """Counts, the definition, how it was fitted and validated, calibration."""
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
        if self.card is None:
            return out | {"reason": self.doubt}
        observed, expected = float(seen["default"].sum()), float(seen["pd"].sum())
        return out | {
            **self.fitting,
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
        scored = self._bounded(out) if self.card is None else self._scored(out, features, self.card)
        held = scored["in_default"]
        scored.loc[held, ["pd", "pd_low", "pd_high"]] = 1.0
        scored.loc[held, "points"] = np.nan
        scored.loc[held, "grade"] = list(self.bounds)[-1]
        causes = scored.loc[held, "customer_id"].map(now["cause"])
        scored.loc[held, "reason"] = "in default now: " + causes.astype(str)
        return scored[SCORED]

    def predict_terms(self, snapshot: Snapshot, days: Sequence[int] = SHOWN_DAYS) -> pd.DataFrame:
        """Probabilities of default over other horizons, which agree with `predict` at the card's own.

        Parameters
        ----------
        snapshot : Snapshot
            Not earlier than the one fitted on.
        days : sequence of int

        Returns
        -------
        DataFrame
            `customer_id`, and `pd_<d>`, `pd_<d>_low`, `pd_<d>_high` for each d; 1 for customers in default.

        Raises
        ------
        ModelError
            If it is not known when defaults come.
        LookAheadError
            If the snapshot is earlier than the fit.
        """
        if self.terms is None:
            raise ModelError(f"no term structure: {self.doubt or 'too few observations come through'}")
        return self.terms.predict(self.predict(snapshot), days)

    def _bounded(self, out: pd.DataFrame) -> pd.DataFrame:
        empty = {"pd": np.nan, "pd_low": 0.0, "pd_high": self.upper_bound, "points": np.nan}
        return out.assign(**empty, grade=pd.Series(pd.NA, index=out.index, dtype="string"), reason=self.doubt)

    def _scored(self, out: pd.DataFrame, features: pd.DataFrame, card: Card) -> pd.DataFrame:
        scored = card.score(features, self.level)
        return pd.concat([out, scored], axis=1).assign(reason=card.reasons(features, count=1))

    @property
    def doubt(self) -> str:
        """Why there is no score; empty when there is one."""
        if self.card is not None:
            return ""
        if not len(self.observations):
            return f"the ledger is too young for a window of {self.horizon_days} days after some behaviour"
        seen = f"{self.defaulters} of {self.observations['customer_id'].nunique()} customers"
        return f"{seen} defaulted in the windows seen; ordering customers needs at least {FEWEST_DEFAULTERS}"

    def low_default(self, correlation: float) -> LowDefault:
        """Highest default rates by grade that the counts do not rule out.

        Parameters
        ----------
        correlation : float
            Asset correlation of the customers.

        Returns
        -------
        LowDefault
            By grade, given out of fold, where there is a card: a customer counts in each window. Else by the
            ageing of the oldest open item when a customer was first seen, and a customer counts once.

        Raises
        ------
        ModelError
            If nobody was observed.
        """
        seen = self.observations
        if not len(seen):
            raise ModelError(f"no bounds: {self.doubt}")
        told: dict[str, Any] = {"horizon_days": self.horizon_days, "as_of": self.as_of}
        if self.card is not None:
            by, n, d = (self.grades[c] for c in ("grade", "rows", "defaults"))
            unit = "customer-windows"
            return bound_low_default(list(by), n, d, self.level, correlation, **told, unit=unit)
        grades = ageing_grades(seen["oldest_overdue_days"])
        return bound_grades(
            grades, seen["default"], self.level, correlation, customers=seen["customer_id"], **told
        )

    def to_table(self, name: str = "default_score") -> Table:
        """What raises the odds of default, errors by customer; without a fit the bounded rate."""
        return terms_table(self, name)

    def grades_table(self, name: str = "grades") -> Table:
        """Back-test by grade; no rows without a fit."""
        return grades_table(self, name)

    def checks_table(self, name: str = "score_checks") -> Table:
        """How well the score orders and how well its probabilities are set, out of fold."""
        return checks_table(self, name)

    def term_structure_table(self, name: str = "pd_terms") -> Table:
        """Defaults seen and expected within 30, 90 and 365 days, by grade."""
        return term_structure_table(self, name)

    def plot_terms(self, ax: Axes | None = None) -> Axes:
        """When defaults come; where that is not known, what is."""
        return plot_card(self, ax) if self.terms is None else self.terms.plot(ax)

    def rivals_table(self, seed: int = 0, name: str = "score_rivals") -> Table:
        """The score against naive rules and gradient boosting; see `compare_rivals`."""
        return rivals_table(self, seed, name)

    def drift_table(self, snapshot: Snapshot, name: str = "score_drift") -> Table:
        """Whether the customers of a snapshot look like those of the fit; see `score_drift`."""
        return drift_table(self, snapshot, name)

    def low_default_table(self, correlation: float, name: str = "low_default") -> Table:
        """What the counts do not rule out, by grade; see `low_default`."""
        return low_default_table(self, correlation, name)

    def newcomers(self, snapshot: Snapshot) -> NewCustomers:
        """Expert points of every customer blended with its score, by the months it has been seen."""
        return score_new_customers(
            make_features(snapshot),
            ExpertCard.read(snapshot.date),
            self.predict(snapshot),
            self.horizon_days,
            history=history_months(snapshot),
            as_of=snapshot.date,
        )

    def rank(self, snapshot: Snapshot, top: int = 15, name: str = "worst_customers") -> Table:
        """The worst customers not in default, each with its reason; the note counts those in default."""
        return ranked_table(self, snapshot, top, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Observed default rate of each grade against the probability given out of fold; else the bound."""
        return plot_card(self, ax)

    def _repr_html_(self) -> str:
        tables = (self.grades_table(), self.to_table()) if self.identified else (self.to_table(),)
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def count_defaulters(observations: pd.DataFrame) -> int:
    """Number of different customers that defaulted after a day of observation."""
    return int(observations.loc[observations["default"], "customer_id"].nunique())
