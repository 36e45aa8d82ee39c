"""The basis of a provision as a study states it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from arrisk.errors import StudyError
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.overlay.log import append_overlay
from arrisk.models.provision.basis import Basis
from arrisk.policy.provision_basis import define_basis
from arrisk.policy.study import Study

JUDGED = {
    "customer_id": "C0001", "date": dt.date(2025, 12, 1), "who": "A. Auditor", "why": "insolvent",
    "evidence": "court file 7",
}  # fmt: skip
POLICY = {"name": "policy 7", "kind": "insurance", "integral": True, "reason": "named in the terms of sale"}


def study_with(study: Study, **provision: object) -> Study:
    return replace(study, settings={**study.settings, "provision": provision})


def test_nothing_stated_claims_no_framework_and_no_rate(sample_study):
    basis = define_basis(replace(sample_study, settings={}))
    assert basis == Basis(level=sample_study.assumption("confidence_level").value)


def test_the_sample_states_its_basis(sample_study):
    basis = define_basis(sample_study)
    assert (basis.framework, basis.method, basis.level) == ("IFRS 9", "net_flow", 0.95)
    assert basis.elections.time_value
    assert [one.rate for one in basis.assessments] == [0.9]


def test_everything_can_be_stated(sample_study):
    scenarios = [
        {"name": "plan", "probability": 0.4, "amounts": [[dt.date(2026, 6, 30), 100.0]]},
        {"name": "nothing", "probability": 0.6},
    ]
    basis = define_basis(
        study_with(
            sample_study,
            method="roll",
            by="segment",
            min_customers=30,
            credibility="buhlmann",
            level=0.9,
            assessed_history="leaves",
            conventions={"months": 36, "edges": [30, 90], "averaging": "simple"},
            assessment=[{**JUDGED, "scenarios": scenarios, "discount_rate": 0.05}],
            enhancement=[{**POLICY, "share": 0.9, "customer_id": "C0002"}],
        )
    )
    assert (basis.method, basis.by, basis.min_customers, basis.credibility) == (
        "roll", "segment", 30, "buhlmann",
    )  # fmt: skip
    assert (basis.level, basis.assessed_history) == (0.9, "leaves")
    assert dict(basis.conventions) == {"months": 36, "edges": (30, 90), "averaging": "simple"}
    (assessment,), (enhancement,) = basis.assessments, basis.enhancements
    assert [one.probability for one in assessment.scenarios] == [0.4, 0.6]
    assert (enhancement.share, enhancement.customer_id) == (0.9, "C0002")


def test_the_overlay_log_lies_beside_the_study(sample_study, tmp_path: Path):
    study = replace(sample_study, path=tmp_path / "study.toml")
    rates = fit_loss_rates(sample_study.snapshot())
    append_overlay(
        tmp_path / "overlays.jsonl", rates, 1.1, id="slump", who="A. Auditor",
        why="order books", evidence="file 7",
        made_on="2025-12-31", expires_on="2026-06-30",
    )  # fmt: skip
    log = define_basis(study_with(study, overlays="overlays.jsonl")).overlays
    assert [entry.id for entry in log.in_force("2025-12-31")] == ["slump"]
    with pytest.raises(StudyError, match=r"'other\.jsonl': there is no such file"):
        define_basis(study_with(study, overlays="other.jsonl"))


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"methods": "roll"}, "unknown key 'methods'.*method"),
        ({"method": "guess"}, "method = 'guess'; allowed: net_flow"),
        ({"framework": "IFRS9"}, "framework = 'IFRS9'; allowed: IFRS 9, ASC 326, CAS 22"),
        ({"conventions": {"month": 3}}, "provision.conventions.*unknown key 'month'.*months"),
        ({"conventions": 3}, "provision.conventions.*allowed is a table"),
        ({"elections": {"entity": "charity"}}, "provision.elections.*'charity'"),
        ({"level": 2.0}, "level"),
        ({"assessment": {"customer_id": "C0001"}}, r"\[\[settings.provision.assessment\]\]"),
        ({"assessment": [{**JUDGED}]}, "provision.assessment.*exactly one of amount, rate, scenarios"),
        ({"assessment": [{**JUDGED, "rates": 1.0}]}, "unknown key 'rates'.*rate"),
        ({"assessment": [{"customer_id": "C0001", "rate": 1.0}]}, "provision.assessment.*who"),
        ({"enhancement": [{**POLICY, "reason": " "}]}, "provision.enhancement.*why it is integral"),
    ],
)
def test_what_is_wrong_is_named(sample_study, stated, words):
    with pytest.raises(StudyError, match=words):
        define_basis(study_with(sample_study, **stated))
