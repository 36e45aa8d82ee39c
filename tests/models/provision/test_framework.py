"""What frameworks require and refuse of a basis, paragraph by paragraph."""

from dataclasses import fields, replace

import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.overlay.log import OverlayLog, append_overlay
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.enhancement import Enhancement
from arrisk.models.provision.framework import Elections, check_basis, framework_table
from arrisk.models.provision.framework_rules import FRAMEWORKS, OPTIONS, Framework, Rule
from arrisk.models.provision.provision import make_provision
from tests.loss_book import loss_book
from tests.models.provision.bases import GivenRates

OLD, NEW = "2024-10-31", "2024-12-31"

SAID = Elections(
    outlook="twelve months of stable insolvencies in the sector", time_value="no financing component: nil"
)
PLAIN = Basis(elections=SAID)


def with_(**chosen):
    return replace(PLAIN, elections=replace(SAID, **chosen))


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_full_basis_passes(name):
    found = check_basis(PLAIN, name)
    assert len(found) == len(FRAMEWORKS[name].rules)
    assert found["reference"].str.len().min() > 5
    assert framework_table(found).title == "Nothing refused was asked for"


@pytest.mark.parametrize(
    ("name", "chosen", "paragraph"),
    [
        ("IFRS 9", {"approach": "general"}, r"5\.5\.15"),
        ("IFRS 9", {"horizon": "twelve_months"}, r"5\.5\.15"),
        ("IFRS 9", {"outlook": ""}, r"5\.5\.17\(c\)"),
        ("IFRS 9", {"time_value": " "}, r"5\.5\.17\(b\)"),
        ("IFRS 9", {"default_days": 120}, r"B5\.5\.37"),
        ("IFRS 9", {"constant_conditions": True}, r"5\.5\.17\(c\)"),
        ("IFRS 9", {"subsequent_collections": True}, r"5\.5\.17\(c\)"),
        ("CAS 22", {"approach": "general"}, "article 63"),
        ("CAS 22", {"horizon": "twelve_months"}, "article 63"),
        ("CAS 22", {"outlook": ""}, "article 58"),
        ("CAS 22", {"subsequent_collections": True}, "article 58"),
        ("CAS 22", {"constant_conditions": True}, "article 58"),
        ("ASC 326", {"approach": "general"}, "326-20-30-1"),
        ("ASC 326", {"horizon": "twelve_months"}, "326-20-30-6"),
        ("ASC 326", {"outlook": ""}, "326-20-30-7"),
        ("ASC 326", {"subsequent_collections": True}, "ASU 2025-05"),
        ("ASC 326", {"subsequent_collections": True, "constant_conditions": True}, "ASU 2025-05"),
        (
            "ASC 326",
            {"subsequent_collections": True, "constant_conditions": True, "entity": "public"},
            "ASU 2025-05",
        ),
    ],
)
def test_what_is_not_allowed_names_the_paragraph_and_what_is(name, chosen, paragraph):
    with pytest.raises(ModelError, match=paragraph) as error:
        check_basis(with_(**chosen), name)
    text = str(error.value)
    assert name in text
    assert "allowed" in text or "missing is" in text


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("ASC 326", {"constant_conditions": True, "outlook": "", "entity": "public"}),
        ("ASC 326", {"constant_conditions": True, "outlook": ""}),
        ("ASC 326", {"constant_conditions": True, "subsequent_collections": True, "entity": "other"}),
        ("ASC 326", {"default_days": 120, "time_value": ""}),
        ("IFRS 9", {"default_days": 120, "default_reason": "cure rates of 97% to day 120"}),
        ("IFRS 9", {"default_days": 60}),
    ],
)
def test_what_is_allowed_passes(name, chosen):
    assert len(check_basis(with_(**chosen), name))


def test_a_forecast_and_unchanged_conditions_exclude_each_other():
    overlaid = replace(with_(outlook=""), overlays=GivenRates((0.1,) * 5))
    for name in FRAMEWORKS:
        assert len(check_basis(overlaid, name))
    both = replace(overlaid, elections=replace(overlaid.elections, constant_conditions=True))
    with pytest.raises(ModelError, match="only without overlays"):
        check_basis(both, "ASC 326")


def test_every_wrong_is_named_at_once():
    with pytest.raises(ModelError) as error:
        check_basis(Basis(elections=Elections(horizon="twelve_months")), "IFRS 9")
    for paragraph in ("5.5.15", "5.5.17(b)", "5.5.17(c)"):
        assert paragraph in str(error.value)


def test_no_framework_claims_none_and_refuses_nothing():
    odd = Basis(method="realised", elections=Elections(horizon="twelve_months", default_days=400))
    found = check_basis(odd)
    assert found["asked"].tolist() == ["management figure: no accounting framework is claimed"]
    assert framework_table(found).title == "No accounting framework is claimed"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"significant_financing": True}, "effective interest rate"),
        ({"approach": "general"}, "stages of credit risk"),
        ({"horizon": "twelve_months"}, "'realised'"),
    ],
)
def test_what_is_not_measured_is_refused_whatever_is_claimed(chosen, words):
    with pytest.raises(ModelError, match=words):
        check_basis(with_(**chosen))


def test_rules_are_about_known_options_and_frameworks_name_no_rate():
    for framework in FRAMEWORKS.values():
        for rule in framework.rules:
            assert {rule.option, *rule.needs, *rule.bars, *rule.excuses} <= set(OPTIONS)
            assert "%" not in rule.words
    assert not any(isinstance(f.default, float) for f in fields(Elections))


def test_a_house_may_bring_rules_of_its_own():
    strict = Framework("IFRS 9", "group manual", (Rule("individual", "required", "manual 4.2", "always"),))
    with pytest.raises(ModelError, match=r"manual 4\.2"):
        check_basis(PLAIN, strict)
    with pytest.raises(ModelError, match="framework is one of"):
        check_basis(PLAIN, "IAS 39")


def test_elections_are_checked():
    for bad in ({"approach": "own"}, {"horizon": "ever"}, {"entity": "private"}, {"default_days": 0}):
        with pytest.raises(ModelError):
            Elections(**bad)


def test_enhancements_are_seen_by_the_gate():
    policy = Enhancement("policy", "insurance", False, "a contract of its own")
    found = check_basis(replace(PLAIN, enhancements=(policy,)), "IFRS 9").set_index("option")["asked"]
    assert (found["integral_enhancement"], found["separate_enhancement"]) == ("no", "yes")


def test_only_overlays_in_force_on_the_day_look_forward(tmp_path):
    """A log without an overlay in force is like no log; the day decides."""
    snapshots = {day: loss_book(customers=30, invoices=1500, lost_share=0.3).as_of(day) for day in (OLD, NEW)}
    grounds = {"who": "A. Lee, CFO", "why": "orders fall", "evidence": "board paper 7"}
    log = append_overlay(
        tmp_path / "log.jsonl", fit_loss_rates(snapshots[NEW]), 1.1,
        id="slump", made_on=NEW, expires_on="2025-06-30", **grounds,
    )  # fmt: skip
    silent = replace(with_(outlook=""), framework="IFRS 9")
    for overlays, day in ((OverlayLog(), NEW), (log, OLD)):
        basis = replace(silent, overlays=overlays)
        with pytest.raises(ModelError, match=r"5\.5\.17\(c\)"):
            make_provision(snapshots[day], basis)
        stated = replace(basis, elections=SAID)
        assert make_provision(snapshots[day], stated).overlay_steps.empty
    basis = replace(silent, overlays=log)
    found = make_provision(snapshots[NEW], basis).gate.set_index("option")["asked"]
    assert found["forward_looking"] == "yes"
    conditions = replace(with_(constant_conditions=True), framework="ASC 326", overlays=OverlayLog())
    assert len(check_basis(conditions, as_of=pd.Timestamp(NEW)))
    with pytest.raises(ModelError, match="only without overlays"):
        check_basis(replace(conditions, overlays=log), as_of=pd.Timestamp(NEW))
