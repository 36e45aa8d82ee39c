"""The log of overlays: what is in force, what it does, and that nobody changes it unseen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.overlay.entries import START
from arrisk.models.overlay.factors import Factor
from arrisk.models.overlay.log import OverlayLog, append_overlay, read_overlays, withdraw_overlay
from tests.loss_book import loss_book

DATE = "2024-12-31"
GROUNDS = {"who": "A. Lee, CFO", "why": "orders fall", "evidence": "board paper 7"}


@pytest.fixture(scope="module")
def rates():
    return fit_loss_rates(loss_book(customers=30, invoices=1500, lost_share=0.3).as_of(DATE))


def add(path, rates, id="slump", change=1.1, made_on=DATE, expires_on="2025-06-30", **more):
    return append_overlay(
        path, rates, change, id=id, made_on=made_on, expires_on=expires_on, **{**GROUNDS, **more}
    )


def test_without_a_log_rates_stay_as_they_are(rates):
    after, steps = read_overlays(None).apply(rates, DATE)
    assert after is rates
    assert steps.empty
    assert OverlayLog().head == START


def test_an_overlay_is_written_read_and_applied(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    log = add(path, rates, change={"past due": 1.1})
    assert read_overlays(path) == log
    after, steps = log.apply(rates, DATE)
    expected = np.minimum(rates.replicates.rates * [1, 1.1, 1.1, 1.1, 1.1], 1)
    np.testing.assert_allclose(after.replicates.rates, expected)
    assert steps["effect"].item() == pytest.approx(after.total.value - rates.total.value)
    assert steps["amount_before"].item() == rates.total.value
    assert "board paper 7" in steps["evidence"].item()
    assert "overlay slump" in after.conventions
    effect = log.entries[0].effect
    assert effect["before"]["amount"] == rates.total.value
    assert effect["after"]["amount"] == after.total.value
    assert effect["after"]["rates"] == after.replicates.rates.tolist()


def test_an_overlay_holds_from_when_it_is_made_and_valid(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    log = add(path, rates, made_on="2025-01-10", valid_from="2025-02-01")
    assert log.in_force("2025-01-31") == ()
    assert [e.id for e in log.in_force("2025-02-01")] == ["slump"]
    assert log.apply(rates, DATE)[0] is rates


def test_an_expired_overlay_stops_the_run(tmp_path, rates):
    path = tmp_path / "overlays.jsonl"
    log = add(path, rates)
    assert len(log.in_force("2025-06-30")) == 1
    with pytest.raises(ModelError, match=r"'slump' of A\. Lee, CFO .* expired on 2025-06-30 .*withdraw"):
        log.apply(rates, "2025-07-01")
    log = withdraw_overlay(path, rates, "slump", made_on="2025-07-01", **GROUNDS)
    assert log.in_force("2025-07-01") == ()
    assert len(log.in_force("2025-06-30")) == 1


def test_rates_later_than_the_decision_are_refused(tmp_path, rates):
    with pytest.raises(LookAheadError, match="2024-11-30"):
        add(tmp_path / "overlays.jsonl", rates, made_on="2024-11-30")
    assert not (tmp_path / "overlays.jsonl").exists()


def test_entries_are_factors_of_the_rates(tmp_path, rates):
    with pytest.raises(ModelError, match="Retail"):
        add(tmp_path / "a.jsonl", rates, change=Factor(1.1, segments=("Retail",)))
    assert pd.Timestamp(DATE) == rates.as_of
