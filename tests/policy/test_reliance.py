"""Whether the books can be relied on: control totals and what was set apart."""

from __future__ import annotations

import pytest

from arrisk.policy.reliance import recommend_reliance
from arrisk.policy.study import Study
from tests.ledger.frames import invoice, ledger_of

TOML = """
[study]
name = "s"
title = "S"
as_of = 2025-12-31
currency = "EUR"
seed = 1
[ledger]
path = "."
"""


@pytest.mark.parametrize(("twice", "verdict"), [(1.0, "adopt"), (5000.0, "reject")])
def test_much_in_quarantine_is_no_base(tmp_path, twice, verdict):
    ledger = ledger_of([invoice("1", "2025-01-01", 1000), invoice("1", "2025-01-01", twice)])
    study = Study.from_toml(
        TOML + "[[ledger.control]]\ndate = 2025-12-31\nbalance = 1000.0\n", tmp_path / "study.toml"
    )
    said = recommend_reliance(study, ledger)
    assert said.verdict == verdict
    assert said.expected_value.value == pytest.approx(twice / (1000 + twice))


def test_without_a_control_total_the_data_cannot_say(tmp_path):
    said = recommend_reliance(
        Study.from_toml(TOML, tmp_path / "study.toml"), ledger_of([invoice("1", "2025-01-01", 1000)])
    )
    assert said.verdict == "the data cannot say"
    assert "control" in said.experiment
