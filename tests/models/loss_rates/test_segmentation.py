"""Evidence on segments: a test by customer, later losses, and the answer that the data cannot say."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.ledger.assembly import build_ledger
from arrisk.models.loss_rates.segmentation import (
    compare_segments,
    permutation_p_value,
    spread_of_shares,
)
from arrisk.models.loss_rates.segments import find_attributes
from tests.loss_book import loss_book


@pytest.fixture(scope="module")
def found(sample_study):
    return compare_segments(sample_study.snapshot(), ["segment", "region"], draws=1000, seed=3)


def test_the_p_value_is_that_of_all_permutations():
    lost = np.array([5.0, 4.0, 0.0, 0.0, 1.0, 0.0])
    settled = np.array([10.0, 12.0, 9.0, 11.0, 10.0, 8.0])
    place = np.array([0, 0, 1, 1, 1, 1])

    def spread(codes):
        parts = [np.bincount(codes, values, 2) for values in (lost, settled)]
        return float(spread_of_shares(*parts))

    every = [spread(np.array(codes)) for codes in permutations(place)]
    exact = np.mean(np.array(every) >= spread(place) - 1e-12)
    p, error = permutation_p_value(lost, settled, place, 4000, np.random.SeedSequence(1))
    assert abs(p - exact) < 4 * error


def test_without_a_difference_small_p_values_are_rare():
    rng = np.random.default_rng(11)
    small = 0
    for _ in range(200):
        lost = np.where(rng.random(60) < 0.2, rng.lognormal(0, 1, 60), 0.0)
        place = rng.integers(0, 3, 60)
        p, _ = permutation_p_value(lost, np.ones(60) * 20, place, 200, np.random.SeedSequence(1))
        small += p <= 0.05
    assert small <= 20  # binomial(200, .05): 20 or more in one of 500 runs


def test_the_sample_cannot_say(found):
    assert found.table["verdict"].tolist() == ["the data cannot say"] * 2
    assert (found.table["p_holm"] >= found.table["p"]).all()
    assert (found.table["p_error"] > 0).all()
    assert "the data cannot say" in found.finding()
    rows = found.segments[found.segments["attribute"] == "segment"]
    assert rows["customers"].sum() == found.table["customers"].iloc[0]
    assert ((rows["low"] <= rows["losers_share"]) & (rows["losers_share"] <= rows["high"])).all()


def test_the_seed_decides(found, sample_study):
    again = compare_segments(sample_study.snapshot(), ["segment", "region"], draws=1000, seed=3)
    pd.testing.assert_frame_equal(found.table, again.table)


def test_it_shows_itself(found):
    assert "Monte Carlo" in found.to_table().note
    assert len(found.segments_table().frame) == len(found.segments)
    found.plot().figure.canvas.draw()
    assert "<table" in found._repr_html_()


def test_a_difference_that_is_there_is_seen():
    """Every failing customer is of one kind, before and after each past day."""
    book = loss_book(customers=120, invoices=6000, lost_share=0.25, seed=2)
    lost = set(book.as_of("2024-12-31").items.query("written_off_amount > 0")["customer_id"])
    names = sorted(book.as_of("2024-12-31").items["customer_id"].astype(str).unique())
    kinds = ["weak" if name in lost or number % 4 == 0 else "sound" for number, name in enumerate(names)]
    customers = pd.DataFrame({"customer_id": names, "segment": kinds})
    snapshot = book.as_of("2024-12-31")
    invoices = snapshot.items[["invoice_id", "customer_id", "issue_date", "due_date", "amount"]]
    events = snapshot.events[["invoice_id", "date", "kind", "amount"]]
    cents = [
        frame.assign(amount=(100 * frame["amount"]).round().astype("Int64")) for frame in (invoices, events)
    ]
    ledger = build_ledger({"invoices": cents[0], "events": cents[1], "customers": customers}, "EUR")
    found = compare_segments(ledger.as_of("2024-12-31"), ["segment"], draws=500)
    assert found.table["p"].iloc[0] < 0.01
    assert found.table["gain"].iloc[0] > 0
    assert found.table["verdict"].iloc[0] == "segment"
    assert found.finding().startswith("Provide by segment")


def test_a_ledger_that_tells_nothing_of_customers():
    snapshot = loss_book(customers=20, invoices=600).as_of("2024-12-31")
    assert find_attributes(snapshot) == []
    found = compare_segments(snapshot)
    assert found.table.empty
    assert "nothing of customers" in found.finding()
    found.plot().figure.canvas.draw()


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"attributes": "segment"}, "list of names"),
        ({"attributes": ["segment", "segment"]}, "each once"),
        ({"attributes": ["customer_id"]}, "attribute of customers"),
        ({"attributes": ["name"]}, "two customers a value"),
        ({"attributes": ["segment"], "method": "guess"}, "method is one of"),
        ({"attributes": ["segment"], "draws": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_compared_is_said(sample_study, choices, words):
    with pytest.raises(ModelError, match=words):
        compare_segments(sample_study.snapshot(), **choices)
