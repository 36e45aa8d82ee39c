"""Whether a score holds over time: on later days than it was fitted on, and for the customers of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from arrisk.errors import ModelError
from arrisk.models.features.customers import make_features
from arrisk.models.scoring.classifier import ScorecardClassifier
from arrisk.models.validation.discrimination import Auc, auc_clustered
from arrisk.models.validation.drift import Drift, compare_samples
from arrisk.models.validation.folds import out_of_time
from arrisk.models.validation.held_out import score_held_out

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard

__all__ = ["later_auc", "score_drift"]


def later_auc(
    model: ScorecardClassifier,
    x: pd.DataFrame,
    default: NDArray[np.bool_],
    customers: NDArray[np.generic],
    cutoffs: ArrayLike,
    horizon_days: int,
    level: float,
) -> Auc | None:
    """Area under the curve on the last days of observation, by a fit on windows that were over before them.

    Parameters
    ----------
    model : ScorecardClassifier
        Cloned.
    x : DataFrame, shape (n, features)
    default : array of bool, shape (n,)
    customers : array, shape (n,)
    cutoffs : array of dates, shape (n,)
    horizon_days : int
        Length of the label window.
    level : float

    Returns
    -------
    Auc or None
        Interval by customer; None where either side holds too little to say.
    """
    blank = clone(model).set_params(leak_auc=None, acknowledged=())
    try:
        train, test = out_of_time(cutoffs, horizon_days)
        p = score_held_out(blank, x, default, customers, train, test)
        return auc_clustered(default[test], p, customers[test], level)
    except ModelError:
        return None


def score_drift(card: Scorecard, snapshot: Snapshot) -> Drift:
    """Stability of the log-odds and of the features behind them, from the days of observation to a snapshot.

    Parameters
    ----------
    card : Scorecard
        With a card.
    snapshot : Snapshot
        Not earlier than the fit; its customers not in default are compared.

    Returns
    -------
    Drift
        Counts are divided by the number of rows that a customer has among the observations, as most features
        of a customer hardly change from one to the next.

    Raises
    ------
    ModelError
        If there is no card.
    LookAheadError
        If the snapshot is earlier than the fit.
    """
    if card.card is None:
        raise ModelError(f"nothing drifts: {card.doubt}")
    held = card.predict(snapshot).set_index("customer_id")["in_default"]
    today = make_features(snapshot)
    today = today[~today["customer_id"].map(held).to_numpy(dtype=bool)]
    then, now = (
        frame[list(card.card.names)].assign(log_odds=card.card.log_odds(frame))
        for frame in (card.observations, today)
    )
    rows = card.observations["customer_id"].value_counts()
    return compare_samples(then, now, effect=float((rows**2).sum() / rows.sum()), level=card.level)
