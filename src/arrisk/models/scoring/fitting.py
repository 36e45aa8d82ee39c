"""Fit the scorecard of a ledger: pooled past days, few terms where defaults are few."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.states import default_states
from arrisk.models.features.catalogue import ATTRIBUTES, FEATURES
from arrisk.models.intervals import jeffreys, upper_bound
from arrisk.models.scoring.classifier import ENOUGH_EVENTS_TO_BIN, ScorecardClassifier
from arrisk.models.scoring.follow_up import follow_observations
from arrisk.models.scoring.observation import Overlap, observation_days, observe
from arrisk.models.scoring.out_of_fold import blind_probabilities, repeated_folds
from arrisk.models.scoring.over_time import later_auc
from arrisk.models.scoring.scaling import GRADES, PointScale, grade_of
from arrisk.models.scoring.scorecard import FEWEST_DEFAULTERS, Scorecard, count_defaulters
from arrisk.models.scoring.term_structure import TermStructure, fit_term_structure
from arrisk.models.validation.validation import validate_score

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["ORDER", "fit_scorecard"]

ORDER = (
    "oldest_overdue_days",
    "mean_days_late",
    "trend_days_late",
    "order_change",
    "utilisation",
    "overdue_share",
    "share_disputed",
    "cycle_change",
)
"""Features in the order in which they become terms while defaults are few: what is overdue now, the habit,
its turn, the orders, the limit, then what says these things in another way; fixed before any default is
seen."""


def fit_scorecard(
    snapshot: Snapshot,
    horizon_days: int = 180,
    cutoffs: Sequence[str | pd.Timestamp] | None = None,
    definition: DefaultDefinition | None = None,
    seed: int = 0,
    level: float = 0.95,
    bounds: Mapping[str, float] = GRADES,
    overlap: Overlap = "refuse",
    acknowledged: Collection[str] = (),
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
    overlap : {"refuse", "purge"}
        What becomes of given cutoffs that lie closer than the horizon: an error, or of each customer only
        observations whose windows do not overlap are kept.
    acknowledged : collection of str
        Features known to be known on the day, however well they order; see `find_leaks`.

    Returns
    -------
    Scorecard
        Without a card (`identified` False) when fewer than 10 customers defaulted, or the ledger is too young
        for a window.

    Raises
    ------
    ModelError
        If the windows of given cutoffs overlap and may not, or a feature orders implausibly well.
    LookAheadError
        If the window of a given cutoff is not over.

    Notes
    -----
    Below 200 defaulting customers the terms are taken in the fixed order of `ORDER`, one for every 8
    defaulters; they are not chosen by the data. From 200 on all features enter in bins and the strongest are
    kept (see `ScorecardClassifier`). Below 10 defaulters a term the fit is Firth's with a re-centred
    intercept. Folds hold whole customers, and everything, the choice of terms too, is done in each anew.
    """
    definition = definition or DefaultDefinition()
    days = _days(snapshot, horizon_days, cutoffs, overlap)
    states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    seen = observe(snapshot, days, horizon_days, definition, states)
    card = Scorecard(
        as_of=snapshot.date,
        horizon_days=horizon_days,
        definition=definition,
        observations=seen,
        card=None,
        table=_bounds_table(seen, level),
        validation=None,
        later=None,
        terms=None,
        fitting={},
        level=level,
        bounds=MappingProxyType(dict(bounds)),
    )
    if card.defaulters < FEWEST_DEFAULTERS:
        return card
    found = _identified(card, seed, acknowledged)
    return replace(found, terms=_terms(found, states))


def _days(
    snapshot: Snapshot, horizon_days: int, cutoffs: Sequence[str | pd.Timestamp] | None, overlap: Overlap
) -> list[pd.Timestamp]:
    """Days of observation; none in a ledger too young for one, which is an answer and not a mistake."""
    try:
        return observation_days(snapshot, horizon_days, cutoffs, overlap)
    except ModelError:
        if cutoffs is not None:
            raise
        return []


def _bounds_table(seen: pd.DataFrame, level: float) -> pd.DataFrame:
    n, d = seen["customer_id"].nunique(), count_defaulters(seen)
    found = [upper_bound(d, n, level), *([jeffreys(d, n, level)] if n else [])]
    rows = [(f"default rate, {i.method}", d / n if n else np.nan, i.low, i.high) for i in found]
    return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])


def _identified(card: Scorecard, seed: int, acknowledged: Collection[str]) -> Scorecard:
    seen, level = card.observations, card.level
    default, customers = seen["default"].to_numpy(bool), seen["customer_id"].to_numpy()
    x = seen[_columns(card.defaulters)]
    model = ScorecardClassifier(
        horizon_days=card.horizon_days,
        scale=PointScale(),
        grades=dict(card.bounds),
        acknowledged=tuple(acknowledged),
    ).fit(x, default, groups=customers)
    folds, draws = np.random.SeedSequence(seed).spawn(2)
    blind = blind_probabilities(model, x, default, customers, repeated_folds(default, customers, folds))
    grades = grade_of(blind, card.horizon_days, card.bounds)
    told = {"definition": str(card.definition), "as_of": f"{card.as_of:%Y-%m-%d}"}
    return replace(
        card,
        observations=seen.assign(pd=blind, grade=grades),
        card=replace(model.card_, about={**model.card_.about, **told}),
        table=model.table_,
        validation=validate_score(
            default,
            blind,
            customers,
            seen["cutoff"],
            card.horizon_days,
            grades=grades,
            level=level,
            seed=int(draws.generate_state(1)[0]),
        ),
        later=later_auc(model, x, default, customers, seen["cutoff"], card.horizon_days, level),
        fitting=MappingProxyType(model.diagnostics_),
    )


def _terms(card: Scorecard, states: pd.DataFrame) -> TermStructure | None:
    """When defaults come, or None where too few observations come through the horizon to say."""
    followed = follow_observations(card.observations, states, card.as_of)
    try:
        return fit_term_structure(followed, card.horizon_days, level=card.level)
    except ModelError:
        return None


def _columns(defaulters: int) -> list[str]:
    """Features offered to the fit: few in a fixed order, or all of them where bins can be drawn."""
    if defaulters < ENOUGH_EVENTS_TO_BIN:
        return list(ORDER)
    return [*ORDER, *(n for n in FEATURES if n not in ORDER), *ATTRIBUTES]
