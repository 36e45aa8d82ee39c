"""The scorecard as a scikit-learn classifier: features and defaults in, a `Card` out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from arrisk.models.regression.logit import LogitFit
from arrisk.models.scoring.assembly import (
    Draft,
    FittedTerms,
    draft_binned,
    draft_linear,
    fit_terms,
    unexpected_signs,
)
from arrisk.models.scoring.binner import WoeBinner
from arrisk.models.scoring.card import Card
from arrisk.models.scoring.scaling import GRADES, PointScale
from arrisk.models.scoring.selection import most_terms
from arrisk.models.scoring.values import holds_numbers
from arrisk.models.validation.sentinels import LEAK_AUC, refuse_leaks

__all__ = ["ScorecardClassifier"]

Floats = NDArray[np.float64]
ENOUGH_EVENTS_TO_BIN = 200
CHANCE_IV = 4.0
UNNAMED_ROWS_FOR_LEAKS = 500


class ScorecardClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Scorecard: binned or bounded terms, a logistic fit chosen by the number of events, points and grades.

    Parameters
    ----------
    coding : {"auto", "woe", "linear"}
        "woe" puts every feature in bins and takes their weight of evidence. "linear" takes numbers as they
        are, within bounds (see `linear_term`), and only texts in bins. "auto" is "woe" from 200 events (or
        non-events, if these are rarer; customers with one when there are `groups`), else "linear": on made-up
        books whose risk runs in steps, bins order as well as bounded numbers from about 100 events on, but
        their probabilities are as good only from about 200.
    binner : WoeBinner, optional
        How features are binned; cloned.
    penalty : {"auto", "firth", None}
        See `fit_logit`: "auto" is Firth with a re-centred intercept below 10 events a term and under
        separation, else maximum likelihood.
    events_per_term : float
        A term needs so many events, counted as in `coding`. With "linear" the features enter in the order
        given as long as the events last; with "woe" the strongest do.
    min_iv : float, optional
        Least information value with "woe"; by default 4 (1 / events + 1 / non-events), .019 for 300 events in
        1,000 rows: of that order is the information value of a feature without any.
    max_correlation : float
        Largest absolute correlation with a stronger feature, with "woe".
    horizon_days : int, optional
        The event is counted over so many days; without it the card gives no grades.
    scale : PointScale, optional
        By default 600 points at 30 good to one bad, 20 to double.
    grades : mapping of grade to float, optional
        Highest yearly probability of each grade, best first; by default `GRADES`.
    leak_auc : float or None
        A feature that alone orders better than this, beyond chance, is refused (see `find_leaks`); None looks
        for none. Columns without names are only looked at from 500 rows on.
    acknowledged : collection of str
        Features known to be known on the day, however well they order.

    Attributes
    ----------
    card_ : Card
    table_ : DataFrame
        term, estimate, se, ci_low, ci_high (95%), p_value; log-odds of the event a unit of WoE or a step.
        Errors are clustered by customer when there are `groups`.
    diagnostics_ : dict
        n, events, clusters, coding and penalty with their reasons, events_per_term, separated, dropped
        (feature and reason), unexpected_signs, information_values, leaks.
    fit_ : LogitFit
    classes_ : array, shape (2,)
        The second is the event.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> late = rng.normal(10, 15, 400).round()
    >>> fails = rng.random(400) < 1 / (1 + np.exp(3 - late / 15))
    >>> model = ScorecardClassifier(horizon_days=365).fit(pd.DataFrame({"mean_days_late": late}), fails)
    >>> model.diagnostics_["coding"]
    'linear: 38 events, fewer than 200'
    >>> model.card_.score(pd.DataFrame({"mean_days_late": [0.0, 60.0]}))[["points", "grade"]]
       points grade
    0   595.0     B
    1   473.0     D
    """

    def __init__(
        self,
        coding: Literal["auto", "woe", "linear"] = "auto",
        binner: WoeBinner | None = None,
        penalty: Literal["auto", "firth"] | None = "auto",
        events_per_term: float = 8,
        min_iv: float | None = None,
        max_correlation: float = 0.9,
        horizon_days: int | None = None,
        scale: PointScale | None = None,
        grades: Mapping[str, float] | None = None,
        leak_auc: float | None = LEAK_AUC,
        acknowledged: Collection[str] = (),
    ) -> None:
        self.coding = coding
        self.binner = binner
        self.penalty = penalty
        self.events_per_term = events_per_term
        self.min_iv = min_iv
        self.max_correlation = max_correlation
        self.horizon_days = horizon_days
        self.scale = scale
        self.grades = grades
        self.leak_auc = leak_auc
        self.acknowledged = acknowledged

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> ScorecardClassifier:
        """Fit the card.

        Parameters
        ----------
        X : DataFrame or array, shape (n, features)
            Numbers, texts or categories; missing values allowed.
        y : array, shape (n,)
            Two classes, the second (in sorting order) being the event.
        groups : array, shape (n,), optional
            Customers: errors are clustered by them, and they are what events are counted in.

        Raises
        ------
        ValueError
            If X or y cannot be used, or y has not two classes.
        ModelError
            If a feature knows too much, or the classes are separated and `penalty` is None.
        """
        if self.coding not in ("auto", "woe", "linear"):
            raise ValueError(f"coding is {self.coding!r}; allowed: auto, woe, linear")
        frame = self._frame(X, reset=True)
        event = self._event(y, len(frame))
        if groups is not None:
            check_consistent_length(frame, groups)
        leaks = self._leaks(frame, event, groups)
        fewer, unit = _fewer(event, groups)
        coding, reason = self._coding(fewer, unit)
        draft = self._draft(frame, event, coding, most_terms(fewer, self.events_per_term))
        found = fit_terms(draft, event, groups, self.penalty)
        self.fit_: LogitFit = found.fit
        self.table_: pd.DataFrame = found.fit.table
        self.diagnostics_: dict[str, Any] = {
            "n": found.fit.n,
            "events": found.fit.events,
            "clusters": found.fit.clusters,
            "coding": reason,
            "penalty": found.fit.choice,
            "events_per_term": fewer / max(1, len(found.terms)),
            "separated": found.fit.separated,
            "dropped": draft.dropped | found.dropped,
            "unexpected_signs": unexpected_signs(found.terms),
            "information_values": draft.strength,
            "leaks": leaks,
        }
        self.card_: Card = self._card(found, reason)
        return self

    def decision_function(self, X: Any) -> Floats:
        """Log-odds of the event, shape (n,)."""
        check_is_fitted(self)
        return self.card_.log_odds(self._frame(X, reset=False))

    def predict_proba(self, X: Any) -> Floats:
        """Probability of either class, in the order of `classes_`; shape (n, 2)."""
        p = expit(self.decision_function(X))
        return np.column_stack([1.0 - p, p])

    def predict(self, X: Any) -> NDArray[Any]:
        """The likelier class, shape (n,)."""
        likelier = (self.decision_function(X) > 0).astype(int)
        return np.asarray(self.classes_[likelier])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.classifier_tags.multi_class = False
        return tags

    def _frame(self, X: Any, reset: bool) -> pd.DataFrame:
        """The columns under their names, x0, x1, ... without any; not copied where they need no change."""
        if isinstance(X, pd.DataFrame):
            _check_rows(X)
            validate_data(self, X, reset=reset, skip_check_array=True)
            names = [str(c) for c in X.columns]
            return X if names == list(X.columns) else X.set_axis(names, axis=1)
        rows = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
        frame = pd.DataFrame(rows, columns=[f"x{j}" for j in range(rows.shape[1])], copy=False)
        return frame.infer_objects() if rows.dtype.kind == "O" else frame

    def _event(self, y: ArrayLike, n: int) -> NDArray[np.bool_]:
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels)
        check_consistent_length(labels, np.empty(n))
        check_classification_targets(labels)
        if type_of_target(labels) != "binary":
            raise ValueError(
                "Only binary classification is supported. The type of the target is "
                f"{type_of_target(labels)}."
            )
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("y has one class only; a scorecard needs events and non-events")
        return np.asarray(codes == 1)

    def _leaks(self, frame: pd.DataFrame, event: NDArray[np.bool_], groups: ArrayLike | None) -> str:
        named = hasattr(self, "feature_names_in_")
        if self.leak_auc is None or not (named or len(frame) >= UNNAMED_ROWS_FOR_LEAKS):
            return "not looked for"
        return refuse_leaks(frame, event, groups, self.acknowledged, self.leak_auc).finding

    def _coding(self, fewer: int, unit: str) -> tuple[str, str]:
        """How features enter, and why."""
        if self.coding != "auto":
            return self.coding, f"{self.coding}: as asked"
        if fewer >= ENOUGH_EVENTS_TO_BIN:
            return "woe", f"woe: {fewer:,} {unit}, at least {ENOUGH_EVENTS_TO_BIN}"
        return "linear", f"linear: {fewer:,} {unit}, fewer than {ENOUGH_EVENTS_TO_BIN}"

    def _draft(self, frame: pd.DataFrame, event: NDArray[np.bool_], coding: str, most: int) -> Draft:
        binner = WoeBinner() if self.binner is None else clone(self.binner)
        if coding == "woe":
            bins = binner.fit(frame, event).bins_
            chance = CHANCE_IV * (1.0 / event.sum() + 1.0 / (~event).sum())
            least = float(chance) if self.min_iv is None else self.min_iv
            return draft_binned(frame, bins, least, self.max_correlation, most)
        texts = [name for name in frame.columns if not holds_numbers(frame[name])]
        bins = binner.fit(frame[texts], event).bins_ if texts else ()
        return draft_linear(frame, bins, most)

    def _card(self, found: FittedTerms, coding: str) -> Card:
        fit = found.fit
        about = {
            "event": str(self.classes_[1]),
            "n": str(fit.n),
            "events": str(fit.events),
            "coding": coding,
            "method": fit.choice,
        }
        return Card(
            terms=found.terms,
            intercept=float(fit.coefficients[0]),
            covariance=fit.covariance,
            scale=self.scale or PointScale(),
            grades=self.grades or GRADES,
            horizon_days=self.horizon_days,
            clusters=fit.clusters,
            about=about if fit.clusters is None else about | {"clusters": str(fit.clusters)},
        )


def _fewer(event: NDArray[np.bool_], groups: ArrayLike | None) -> tuple[int, str]:
    """The rarer class: customers with it when rows belong to customers, else rows."""
    if groups is None:
        events = int(event.sum())
        return min((events, "events"), (event.size - events, "non-events"))
    who = np.asarray(groups)
    with_one, without = (int(pd.unique(who[event == kind]).size) for kind in (True, False))
    return min((with_one, "customers with an event"), (without, "customers with a non-event"))


def _check_rows(frame: pd.DataFrame) -> None:
    if not frame.shape[0] or not frame.shape[1]:
        raise ValueError(
            f"Found array with {frame.shape[0]} sample(s) and {frame.shape[1]} feature(s) while a minimum of "
            "1 is required."
        )
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise ValueError(f"more than one column {', '.join(map(repr, twice))}")
