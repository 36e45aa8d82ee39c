"""The score of a ledger against what costs nothing: naive rules, and a more flexible model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logit

from arrisk.errors import ModelError
from arrisk.models.scoring.observation import LABELS
from arrisk.models.scoring.out_of_fold import NEAR_CERTAIN, repeated_folds
from arrisk.models.validation.rivals import boosted_scores, worst_bucket
from arrisk.models.validation.validation import Validation, validate_score

if TYPE_CHECKING:
    from arrisk.models.scoring.scorecard import Scorecard

__all__ = ["compare_rivals"]

OWN = ("pd", "grade")


def compare_rivals(card: Scorecard, seed: int = 0) -> Validation:
    """Validate a scorecard beside its rivals, all on the same rows and blind for each customer alike.

    Parameters
    ----------
    card : Scorecard
        With a card.
    seed : int
        Of the folds of the challenger, of its trees and of the resampling.

    Returns
    -------
    Validation
        `rivals`: the ageing bucket of the oldest open item; the share of items that were late; gradient
        boosting on all features, out of fold on folds of whole customers.

    Raises
    ------
    ModelError
        If there is no card.
    """
    if card.card is None:
        raise ModelError(f"nothing to compare: {card.doubt}")
    seen = card.observations
    default, customers = seen["default"].to_numpy(bool), seen["customer_id"].to_numpy()
    late = seen["share_late"].fillna(seen["share_late"].mean())
    return validate_score(
        default,
        seen["pd"],
        customers,
        seen["cutoff"],
        card.horizon_days,
        rivals={
            "worst bucket": worst_bucket(seen["oldest_overdue_days"]),
            "historical late rate": late,
            "gradient boosting, all features": _boosted(card, default, customers, seed),
        },
        grades=seen["grade"],
        level=card.level,
        seed=seed,
    )


def _boosted(card: Scorecard, default: np.ndarray, customers: np.ndarray, seed: int) -> np.ndarray:
    """Mean log-odds of the challenger over as many folds as the score's own."""
    x = card.observations.drop(columns=[*LABELS, *OWN])
    total = np.zeros(len(x))
    for fold in repeated_folds(default, customers, np.random.SeedSequence(seed)):
        p = boosted_scores(x, default, customers, fold, seed)
        total += logit(np.clip(p, NEAR_CERTAIN, 1 - NEAR_CERTAIN))
    return total
