"""Weight of evidence as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import (
    ClassifierTags,
    assert_all_finite,
    check_array,
    check_consistent_length,
    column_or_1d,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from arrisk.errors import ModelError
from arrisk.models.scoring.bins import Bins
from arrisk.models.scoring.cutting import BinRules, fit_bins
from arrisk.models.scoring.merging import Monotone

__all__ = ["WoeBinner", "iv_table"]

Floats = NDArray[np.float64]


class WoeBinner(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Replace each feature by the weight of evidence of its bin.

    Values are counted between quantiles, the counts joined by an exact search for the likeliest bins within
    the limits below. Missing values have a bin of their own, as has each special value; a text has one more,
    for rare categories and any not seen. Infinite values fall in the outer bins.

    Parameters
    ----------
    prebins : int
        Quantiles that may become edges, 2 to 1000.
    max_bins : int
        Most ordinary bins.
    min_bin_share : float
        Least share of a bin of numbers in the rows with an ordinary value.
    min_bin_events : float
        Least number of events, and of non-events, in an ordinary bin. Where no two bins can have them,
        because the feature all but separates the classes, what the average customer would give a bin counts.
    smoothing : float
        Events of the average customer added to each bin, see `weight_of_evidence`; 0 for none.
    monotone : {"auto", "either", "increasing", "decreasing", None}
        Course of the weight of evidence of numbers. "either" is strictly monotone, in the direction with the
        larger likelihood; "auto" also allows one turn where it is convincing; None is any course.
        "increasing" means that higher values are better.
    specials : sequence, or mapping of feature to sequence, optional
        Values with a bin of their own: numbers for features of numbers, texts for texts.

    Attributes
    ----------
    bins_ : tuple of Bins
        One a feature.
    classes_ : array, shape (2,)
        The second is the event.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> late = rng.normal(size=500)
    >>> default = late + rng.normal(size=500) > 1.5
    >>> binner = WoeBinner().set_output(transform="pandas")
    >>> woe = binner.fit_transform(pd.DataFrame({"days_late": late}), default)
    >>> binner.bins_[0].direction, list(woe)
    ('decreasing', ['days_late'])
    """

    def __init__(
        self,
        prebins: int = 200,
        max_bins: int = 20,
        min_bin_share: float = 0.05,
        min_bin_events: float = 5,
        smoothing: float = 0.5,
        monotone: Monotone = "auto",
        specials: Sequence[float | str] | Mapping[str, Sequence[float | str]] | None = None,
    ) -> None:
        self.prebins = prebins
        self.max_bins = max_bins
        self.min_bin_share = min_bin_share
        self.min_bin_events = min_bin_events
        self.smoothing = smoothing
        self.monotone = monotone
        self.specials = specials

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Cut every feature.

        Parameters
        ----------
        X : DataFrame or array, shape (n, k)
            Numbers, texts and categories; missing values are allowed.
        y : array, shape (n,)
            Two classes; the later in order is the event.
        sample_weight : array, shape (n,), optional
            A row of weight 2 is as two rows, one of weight 0 as none.

        Raises
        ------
        ValueError
            If `X`, `y` or the weights are not as scikit-learn expects them, or `y` has not two classes.
        ModelError
            If a parameter is out of its range.
        """
        X = self._checked(X, y, reset=True)
        event = self._events(y, X.shape[0])
        rules = BinRules(
            self.prebins,
            self.max_bins,
            self.min_bin_share,
            self.min_bin_events,
            self.smoothing,
            self.monotone,
        )
        weights, keep = _weights(sample_weight, event.size)
        if keep is not None:
            event = event[keep]
        if event.all() or not event.any():
            raise ValueError("WoeBinner needs two classes with weight; there is only 1 class")
        bins = []
        for name, column in self._columns(X):
            kept = column if keep is None else column[keep]
            bins.append(fit_bins(name, kept, event, weights, rules, self._specials_of(name)))
        self.bins_ = tuple(bins)
        return self

    def transform(self, X: Any) -> Floats:
        """Weight of evidence of each value, shape (n, k).

        Raises
        ------
        ModelError
            If a feature of numbers holds something else.
        """
        check_is_fitted(self)
        X = self._checked(X, None, reset=False)
        out = np.empty(X.shape, order="F")
        for k, (_, column) in enumerate(self._columns(X)):
            out[:, k] = self.bins_[k].transform(column)
        return out

    def iv_table(self) -> pd.DataFrame:
        """Information value of each feature, see `iv_table`."""
        check_is_fitted(self)
        return iv_table(self.bins_)

    def _checked(self, X: Any, y: Any, reset: bool) -> Any:
        """`X` as a frame or as an array of numbers or objects, its names and width noted or compared."""
        target = {"y": y} if reset else {}
        if not isinstance(X, pd.DataFrame):
            rows = check_array(X, dtype=None, ensure_all_finite=False, estimator=self)
            validate_data(self, X, **target, reset=reset, skip_check_array=True)
            return rows
        if X.shape[0] < 1 or X.shape[1] < 1:
            raise ValueError(f"X has shape={X.shape} while a minimum of 1 row and column is required")
        validate_data(self, X, **target, reset=reset, skip_check_array=True)
        return X

    def _events(self, y: ArrayLike, rows: int) -> NDArray[np.bool_]:
        target = column_or_1d(y, warn=True)
        assert_all_finite(target, input_name="y")
        check_classification_targets(target)
        check_consistent_length(np.empty(rows), target)
        self.classes_ = np.unique(target)
        if self.classes_.size != 2:
            count = self.classes_.size
            raise ValueError(
                f"Only binary classification is supported; y has {count} class{'es' * (count > 1)}"
            )
        return np.asarray(target == self.classes_[1])

    def _columns(self, X: Any) -> Iterable[tuple[str, Any]]:
        names = self.get_feature_names_out()
        if isinstance(X, pd.DataFrame):
            return ((str(n), X.iloc[:, k]) for k, n in enumerate(names))
        return ((str(n), X[:, k]) for k, n in enumerate(names))

    def _specials_of(self, name: str) -> Sequence[float | str]:
        if isinstance(self.specials, Mapping):
            unknown = set(self.specials) - {str(n) for n in self.get_feature_names_out()}
            if unknown:
                raise ModelError(f"specials of unknown features: {', '.join(sorted(unknown))}")
            return self.specials.get(name, ())
        return self.specials or ()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.classifier_tags = ClassifierTags(multi_class=False)
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


def iv_table(bins: Sequence[Bins]) -> pd.DataFrame:
    """Features by falling information value: `feature`, `iv`, `bins`, `direction`, `missing` (share)."""
    rows = []
    for one in bins:
        counted = np.array(one.events, dtype=float) + np.array(one.nonevents, dtype=float)
        rows.append((one.name, one.iv, one.ordinary, one.direction, counted[one.missing] / counted.sum()))
    frame = pd.DataFrame(rows, columns=["feature", "iv", "bins", "direction", "missing"])
    return frame.sort_values("iv", ascending=False, kind="stable", ignore_index=True)


def _weights(given: ArrayLike | None, rows: int) -> tuple[Floats | None, NDArray[np.bool_] | None]:
    """Weights above 0 and which rows have one; nothing where all weights are equal to 1."""
    if given is None:
        return None, None
    weights = check_array(given, ensure_2d=False, dtype=float, input_name="sample_weight")
    if weights.shape != (rows,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(rows,)}!")
    if (weights < 0).any() or not weights.any():
        raise ValueError("Sample weights must not be negative and must contain at least one non-zero number.")
    keep = weights > 0
    return weights[keep], keep
