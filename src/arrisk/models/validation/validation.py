"""One report on a score: order, level, rivals, and how both held over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.jackknife import jackknife_reach
from arrisk.models.validation.brier import brier, log_loss
from arrisk.models.validation.calibration import (
    calibration_by_group,
    calibration_intercept,
    calibration_slope,
    observed_over_expected,
)
from arrisk.models.validation.calibration_tests import grade_tests, hosmer_lemeshow
from arrisk.models.validation.discrimination import auc, auc_by_customer, auc_clustered, gini
from arrisk.models.validation.estimates import Estimate, design_effect, outcomes
from arrisk.models.validation.folds import row_days
from arrisk.models.validation.grouping import Grouping, by_grade, by_quantile
from arrisk.models.validation.ks import ks_by_customer
from arrisk.models.validation.paired import difference_clustered
from arrisk.models.validation.resampling import customer_codes
from arrisk.models.validation.validation_page import (
    calibration_table,
    estimates_table,
    periods_table,
    plot_validation,
    rivals_table,
    validation_finding,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Validation", "validate_score"]

Floats = NDArray[np.float64]
MOST_GROUPS, EVENTS_A_GROUP = 10, 5


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """What is known of a score on rows it was not fitted on; made by `validate_score`.

    Attributes
    ----------
    table : DataFrame
        Tidy: `term`, `estimate`, `ci_low`, `ci_high`, `method`.
    calibration : DataFrame
        By group of the score or by grade: `group`, `rows`, `events`, `expected`, `observed`, `ci_low`,
        `ci_high`, and the tests `binomial`, `correlated`, `jeffreys`, `critical`, `light`.
    rivals : DataFrame
        `rival`, `auc`, `difference` (of the score to it), `ci_low`, `ci_high`, `method`; no rows without
        rivals.
    periods : DataFrame
        By day of observation: `date`, `rows`, `events`, `expected`, `ratio` (observed over expected),
        `ci_low`, `ci_high`, `auc` (missing with one class); no rows without dates.
    counts : mapping of str to int
        `rows`, `events`, `customers`, `defaulters`, and `overlapping`: days of observation that begin before
        the label window of the day before them is over.
    grouping : str
        Rule of the groups.
    as_of : Timestamp or None
        Last day of observation.
    level : float
    """

    table: pd.DataFrame
    calibration: pd.DataFrame
    rivals: pd.DataFrame
    periods: pd.DataFrame
    counts: Mapping[str, int]
    grouping: str
    as_of: pd.Timestamp | None
    level: float

    def row(self, term: str) -> pd.Series:
        """The row of a term.

        Raises
        ------
        ModelError
            If there is no such term.
        """
        found = self.table[self.table["term"] == term]
        if not len(found):
            raise ModelError(f"no term {term!r}; there are {', '.join(self.table['term'])}")
        return found.iloc[0]

    @property
    def finding(self) -> str:
        """How the score orders and whether its level is right, in one sentence."""
        return validation_finding(self)

    def to_table(self, name: str = "validation") -> Table:
        """All figures with their intervals."""
        return estimates_table(self, name)

    def calibration_table(self, name: str = "calibration") -> Table:
        """Given and observed rates by group, with the tests."""
        return calibration_table(self, name)

    def rivals_table(self, name: str = "score_rivals") -> Table:
        """The score against each rival on the same rows."""
        return rivals_table(self, name)

    def periods_table(self, name: str = "score_periods") -> Table:
        """Order and level by day of observation."""
        return periods_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Observed against given rates of the groups."""
        return plot_validation(self, ax)

    def _repr_html_(self) -> str:
        tables = [self.to_table(), self.calibration_table()]
        tables += [self.rivals_table()] if len(self.rivals) else []
        return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def validate_score(
    y: ArrayLike,
    p: ArrayLike,
    customers: ArrayLike,
    dates: ArrayLike | None = None,
    horizon_days: int | None = None,
    rivals: Mapping[str, ArrayLike] | None = None,
    grades: ArrayLike | None = None,
    level: float = 0.95,
    seed: int = 0,
    correlation: float = 0.05,
) -> Validation:
    """Judge probabilities given to rows that they were not fitted on.

    Parameters
    ----------
    y : array of bool, shape (rows,)
        What happened.
    p : array, shape (rows,)
        Probabilities given out of fold, or before.
    customers : array, shape (rows,)
        The independent units of every interval.
    dates : array of dates, shape (rows,), optional
        Days of observation, for the figures by period.
    horizon_days : int, optional
        Length of the label window, to tell whether windows overlap.
    rivals : mapping of name to array, optional
        Other scores of the same rows, high for events; they need not be probabilities.
    grades : array of str, shape (rows,), optional
        Groups of the calibration; by default up to ten groups of equal numbers, one for every 5 events.
    level : float
    seed : int
        Of the resampling of customers.
    correlation : float
        Of asset values, for the tests by group.

    Returns
    -------
    Validation

    Raises
    ------
    ModelError
        If lengths differ, a value is missing or impossible, there is one class only, or fewer than two
        customers have each class.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(1, 9, 600)
    >>> check = validate_score(rng.random(600) < p, p, np.arange(600), rivals={"chance": rng.random(600)})
    >>> bool(check.row("AUC")["ci_low"] > 0.5), len(check.calibration), list(check.rivals["rival"])
    (True, 10, ['chance'])
    """
    event, given = outcomes(y, p)
    code, groups = customer_codes(customers, event.size)
    days = None if dates is None else row_days(dates)
    if days is not None and len(days) != event.size:
        raise ModelError(f"{len(days)} dates given for {event.size} rows")
    grouping = by_grade(grades) if grades is not None else by_quantile(given, _group_count(event))
    if grouping.codes.size != event.size:
        raise ModelError(f"{grouping.codes.size} grades given for {event.size} rows")
    found = [
        *_order(event, given, code, level, seed),
        *_level(event, given, code, grouping, level),
        *_errors(event, given, code, grouping, level),
    ]
    rows = [(e.term, e.value, e.low, e.high, e.method) for e in found]
    tests = grade_tests(event, given, grouping, correlation)
    columns = ["binomial", "correlated", "jeffreys", "critical", "light"]
    calibration = calibration_by_group(event, given, code, grouping, level)
    counts = {
        "rows": event.size,
        "events": int(event.sum()),
        "customers": groups,
        "defaulters": int(np.unique(code[event > 0]).size),
        "overlapping": _overlapping(days, horizon_days),
    }
    return Validation(
        table=pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high", "method"]),
        calibration=pd.concat([calibration, tests[columns]], axis=1),
        rivals=_against(rivals or {}, event, given, code, level),
        periods=_by_period(days, event, given, code, level),
        counts=MappingProxyType(counts),
        grouping=grouping.rule,
        as_of=None if days is None else days.max(),
        level=level,
    )


def _group_count(event: Floats) -> int:
    return int(np.clip(event.sum() // EVENTS_A_GROUP, 2, MOST_GROUPS))


def _order(event: Floats, given: Floats, code: NDArray[Any], level: float, seed: int) -> list[Estimate]:
    one, other = np.random.SeedSequence(seed).spawn(2)
    area = auc_clustered(event, given, code, level)
    drawn = auc_by_customer(event, given, code, one, level=level)
    named = [("AUC", area), ("AUC, resampled", drawn), ("Gini", gini(area))]
    gap = ks_by_customer(event, given, code, other, level=level)
    found = [Estimate(term, a.value, a.low, a.high, level, a.method) for term, a in named]
    return [*found, Estimate("KS", gap.value, gap.low, gap.high, level, gap.method)]


def _level(
    event: Floats, given: Floats, code: NDArray[Any], grouping: Grouping, level: float
) -> list[Estimate]:
    found = [
        observed_over_expected(event, given, code, level),
        calibration_intercept(event, given, code, level),
        calibration_slope(event, given, code, level),
    ]
    effect = design_effect(event, given, code)
    try:
        test = hosmer_lemeshow(event, given, grouping, code)
        p_value = test.p_value
        how = (
            f"{test.grouping}; {test.freedom} degrees of freedom; fewest expected {test.fewest_expected:.1f}"
        )
    except ModelError as error:
        p_value, how = np.nan, f"none: {error}"
    found.append(Estimate("Hosmer-Lemeshow p-value", p_value, np.nan, np.nan, level, how))
    found.append(Estimate("design effect", effect, np.nan, np.nan, level, "of rows of one customer"))
    return found


def _errors(
    event: Floats, given: Floats, code: NDArray[Any], grouping: Grouping, level: float
) -> list[Estimate]:
    parts = brier(event, given, grouping)
    squared = (given - event) ** 2
    rate = float(event.mean())
    # The skill is 1 - B / (r (1 - r)): its first-order change by row, for the interval by customer.
    change = -squared / parts.uncertainty + parts.score / parts.uncertainty**2 * (1 - 2 * rate) * event
    kept = np.clip(given, 1e-15, 1 - 1e-15)
    surprise = -np.where(event > 0, np.log(kept), np.log1p(-kept))
    means = [
        ("Brier score", parts.score, squared),
        ("Brier skill", parts.skill, change),
        ("log loss", log_loss(event, given), surprise),
    ]
    found = [_mean(term, value, rows, code, level) for term, value, rows in means]
    names = ("reliability", "resolution", "uncertainty", "within_variance", "within_covariance")
    return found + [
        Estimate(f"Brier {n.replace('_', ' ')}", getattr(parts, n), np.nan, np.nan, level, parts.grouping)
        for n in names
    ]


def _mean(term: str, value: float, rows: Floats, code: NDArray[Any], level: float) -> Estimate:
    """A mean, or what changes like one, with its interval by customer."""
    groups = int(code.max()) + 1
    influence = np.bincount(code, rows - rows.mean(), groups) / rows.size
    reach = float(jackknife_reach(-influence, level)) * groups / (groups - 1)
    return Estimate(term, value, value - reach, value + reach, level, f"by {groups} customers")


def _against(
    rivals: Mapping[str, ArrayLike], event: Floats, given: Floats, code: NDArray[Any], level: float
) -> pd.DataFrame:
    rows = []
    for name, score in rivals.items():
        try:
            d = difference_clustered(event, given, score, code, level)
        except ModelError as error:
            raise ModelError(f"rival {name}: {error}") from error
        rows.append((name, d.other, d.value, d.low, d.high, d.method))
    return pd.DataFrame(rows, columns=["rival", "auc", "difference", "ci_low", "ci_high", "method"])


def _by_period(
    days: pd.Series | None, event: Floats, given: Floats, code: NDArray[Any], level: float
) -> pd.DataFrame:
    columns = ["date", "rows", "events", "expected", "ratio", "ci_low", "ci_high", "auc"]
    rows = []
    for day in [] if days is None else np.sort(days.unique()):
        mine = (days == day).to_numpy()  # type: ignore[union-attr]
        e, g = event[mine], given[mine]
        both = 0 < e.sum() < e.size
        ratio = observed_over_expected(e, g, code[mine], level) if g.sum() > 0 else None
        ends = (ratio.value, ratio.low, ratio.high) if ratio else (np.nan,) * 3
        area = auc(e, g) if both else np.nan
        rows.append((pd.Timestamp(day), e.size, int(e.sum()), float(g.sum()), *ends, area))
    return pd.DataFrame(rows, columns=columns)


def _overlapping(days: pd.Series | None, horizon_days: int | None) -> int:
    if days is None or not horizon_days:
        return 0
    unique = pd.Series(np.sort(days.unique()))
    return int((unique.diff().dropna() < pd.Timedelta(days=horizon_days)).sum())
