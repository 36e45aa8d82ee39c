"""The sample's limits, made once for all tests of them."""

from __future__ import annotations

import pytest

from arrisk.models.scoring.fitting import fit_scorecard
from arrisk.policy.limits.limit_policy import make_limits


@pytest.fixture(scope="session")
def scored(sample_study):
    snapshot = sample_study.snapshot()
    return fit_scorecard(snapshot), snapshot


@pytest.fixture(scope="session")
def policy(sample_study, scored):
    return make_limits(sample_study, *scored)
