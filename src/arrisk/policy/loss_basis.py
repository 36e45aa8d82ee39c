"""The inputs of a year's loss as a study gives them, and as its ledger does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arrisk.errors import StudyError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.losses.level_posterior import CorrelationPrior
from arrisk.models.losses.loss_model import LossModel, fit_loss_model
from arrisk.models.losses.open_book import ExposureBasis
from arrisk.models.losses.severity_evidence import AssumedSeverity
from arrisk.policy.assumptions import KNOWN, Assumption
from arrisk.policy.default_counts import define_default

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = ["correlation_prior", "make_loss_model"]

LOWEST_RANGE = 0.005
"""A range of correlations that begins at nothing begins here."""


def make_loss_model(
    study: Study, card: Scorecard | None, snapshot: Snapshot, exposure: ExposureBasis = "today"
) -> LossModel:
    """Fit the inputs of a year's loss with a study's definition of default and assumptions.

    Parameters
    ----------
    study : Study
        Uses `default_days` and `materiality` (90 days and 500 where not given), and where they are given
        `asset_correlation` (its range holds 90% of the prior), `lgd` and `confidence_level`; typical values
        for the last three otherwise.
    card : Scorecard, optional
        Orders the customers.
    snapshot : Snapshot
    exposure : {"today", "usual", "peak", "grown"}
        Balance that a default meets.

    Returns
    -------
    LossModel

    Raises
    ------
    StudyError
        If a range is impossible.
    """
    lost = _given(study, "lgd")
    return fit_loss_model(
        snapshot,
        card,
        _definition(study),
        correlation_prior(study),
        severity=AssumedSeverity(lost.value, lost.low, lost.high),
        exposure=exposure,
        level=_given(study, "confidence_level").value,
    )


def correlation_prior(study: Study) -> CorrelationPrior:
    """The range of `asset_correlation` as a prior.

    Raises
    ------
    StudyError
        If it is no range of correlations.
    """
    held = _given(study, "asset_correlation")
    low = max(held.low, LOWEST_RANGE) if held.low < held.high else held.low
    if not 0 <= low <= held.high < 1:
        raise StudyError(
            f"asset_correlation: a range with 0 <= low <= high < 1 is needed, got {held.low} to {held.high}"
        )
    return CorrelationPrior(low, held.high)


def _definition(study: Study) -> DefaultDefinition:
    """The study's definition of default; the usual one when it gives no days or no materiality."""
    if study.get("default_days") is None or study.get("materiality") is None:
        return DefaultDefinition(int(_given(study, "default_days").value), _given(study, "materiality").value)
    return define_default(study)


def _given(study: Study, name: str) -> Assumption:
    found = study.get(name)
    if found is not None:
        return found
    known = KNOWN[name]
    return Assumption(name, known.value, known.low, known.high, known.unit, "typical value")
