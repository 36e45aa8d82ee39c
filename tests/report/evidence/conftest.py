"""The sample's study and the provision on a plain basis, made once."""

from __future__ import annotations

import pytest

from arrisk.models.provision.provision import Provision, make_provision
from arrisk.policy.study import Study


@pytest.fixture(scope="session")
def sample_provision(sample_study: Study) -> Provision:
    return make_provision(sample_study.snapshot())
