"""Segments too small for a rate: pooled by a stated rule, or drawn towards all by their credibility."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_sample
from arrisk.models.loss_rates.credibility import (
    Structure,
    credibility_factor,
    estimate_structure,
    make_structure,
)
from arrisk.models.loss_rates.credible_rates import make_credible
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.loss_rates.net_flow import count_net_flows
from arrisk.models.loss_rates.pooling import edges_with_enough, pool_segments
from tests.models.overlay.stated_rates import stated_rates

RATES = [[0.01, 0.05, 0.6], [0.04, 0.2, 0.8], [0.02, 0.1, 0.7]]
OWED = [[1000.0, 500.0, 100.0], [300.0, 0.0, 50.0], [10.0, 10.0, 10.0]]
NAMES = ("East", "North", "West")


@pytest.fixture(scope="module")
def snapshot():
    return read_ledger(make_sample(invoices=4000, seed=4), currency="EUR").as_of("2025-12-31")


@pytest.fixture(scope="module")
def counts(snapshot):
    return count_net_flows(snapshot, by="segment")


def test_nothing_is_pooled_that_is_large_enough(counts):
    assert pool_segments(counts) is counts
    assert pool_segments(counts, min_customers=1).totals().shape[1] == counts.totals().shape[1]


def test_pooled_segments_are_named_and_keep_every_sum(counts):
    pooled = pool_segments(counts, min_losers=3)
    assert len(pooled.segments) < len(counts.segments)
    gone = [name for name in counts.segments if name not in pooled.segments]
    assert pooled.segments[-1].startswith("others: ") or pooled.segments == ("all",)
    assert all(name in pooled.conventions["pooling"] for name in gone)
    assert set(pooled.facts["pooled"]) == set(gone)
    np.testing.assert_allclose(pooled.totals().sum(axis=0), counts.totals().sum(axis=0))
    np.testing.assert_allclose(pooled.balances().sum(), counts.balances().sum())
    losers = np.bincount(pooled.segment[pooled.hit.any(axis=1)], minlength=len(pooled.segments))
    assert (losers >= 3).all()
    again = pool_segments(counts, min_losers=3)
    assert (again.segments, again.conventions) == (pooled.segments, pooled.conventions)


def test_a_pool_gives_every_segment_a_rate(snapshot):
    assert fit_loss_rates(snapshot, by="segment").total.value is None
    pooled = fit_loss_rates(snapshot, by="segment", min_losers=2)
    assert pooled.identified
    assert pooled.predict(snapshot)["provision"].sum() == pytest.approx(pooled.total.value)


def test_too_few_customers_for_anything_make_one_segment(counts):
    assert pool_segments(counts, min_customers=10_000).segments == ("all",)
    with pytest.raises(ModelError, match="at least 0"):
        pool_segments(counts, min_customers=-1)


def test_old_buckets_with_too_few_customers_join_the_last(counts, snapshot):
    assert edges_with_enough(counts, 0) == counts.edges
    assert edges_with_enough(counts, 10_000) == counts.edges[:1]
    rates = fit_loss_rates(snapshot, min_customers=int(counts.exposed[:, -1].sum()) + 1)
    assert len(rates.buckets) < counts.buckets
    assert "merged into one" in rates.conventions["old buckets"]


def test_the_published_credibility():
    """Poisson(5) or Bin(8, .55) with equal chance, three years of 3, 3, 4."""
    known = make_structure([5, 8 * 0.55], [5, 8 * 0.55 * 0.45], [0.5, 0.5])
    assert known.mean == pytest.approx(4.7)
    assert known.within == pytest.approx(3.49)
    assert known.between == pytest.approx(0.09)
    assert round(known.k, 4) == 38.7778
    assert round(float(credibility_factor(3, known.k)), 7) == 0.0718085
    assert round(float(known.blend(np.mean([3, 3, 4]), 3)), 7) == 4.6018617


def test_the_structure_is_estimated_without_bias():
    """Normal classes: mean 10, variance 2 between classes and 5 / weight within."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(300):
        group = np.repeat(np.arange(12), 8)
        weight = rng.uniform(0.5, 2.0, group.size)
        middle = rng.normal(10, np.sqrt(2), 12)
        value = rng.normal(middle[group], np.sqrt(5 / weight))
        one = estimate_structure(value, group, weight)
        found.append((one.mean, one.within, one.between))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(len(found))
    assert (np.abs(mean - [10, 5, 2]) < 4 * error).all()


def test_classes_that_do_not_differ_have_no_credibility():
    assert np.isinf(Structure(1.0, 2.0, 0.0).k)
    assert credibility_factor([1, 1e9], float("inf")).tolist() == [0.0, 0.0]
    alike = estimate_structure([1, 3, 1, 3], [0, 0, 1, 1])
    assert alike.between < 0
    assert alike.blend([5.0], [100]).tolist() == [2.0]
    with pytest.raises(ModelError, match="two classes"):
        estimate_structure([1, 2], [0, 0])


def test_credible_rates_lie_between_own_and_all():
    own = stated_rates(RATES, OWED, NAMES)
    credible = make_credible(own)
    facts = credible.diagnostics["credibility"]
    z = facts.table["credibility"].to_numpy()
    assert ((z > 0) & (z < 1)).all()
    together = own.counts.rates(own.counts.totals().sum(axis=0))
    expected = z[:, None] * np.array(RATES) + (1 - z[:, None]) * together
    np.testing.assert_allclose(credible.replicates.rates, expected, rtol=1e-9)
    assert "credibility" in credible.conventions
    assert "losses count for" in facts.finding()
    facts.plot().figure.canvas.draw()


def test_segments_alike_take_the_rates_of_all():
    alike = make_credible(stated_rates([RATES[0]] * 3, OWED, NAMES))
    assert alike.diagnostics["credibility"].structure.between <= 0
    np.testing.assert_allclose(alike.replicates.rates, np.array([RATES[0]] * 3), rtol=1e-9)
    assert "Nothing shows that segments differ" in alike.diagnostics["credibility"].finding()


def test_a_segment_without_losses_gets_a_rate_through_the_pool(snapshot):
    rates = fit_loss_rates(snapshot, by="segment", credibility="buhlmann")
    assert rates.identified
    assert (rates.table["rate"] > 0).all()
    assert rates.total.low < rates.total.value < rates.total.high


def test_a_single_segment_is_not_drawn_anywhere(snapshot):
    plain = fit_loss_rates(snapshot)
    with pytest.raises(ModelError):
        make_credible(plain)
    same = fit_loss_rates(snapshot, credibility="buhlmann")
    assert same.total == replace(plain.total)


def test_nothing_later_than_the_date_changes_a_credible_rate():
    whole = make_sample(invoices=3000, seed=5)
    early = "2025-06-30"
    cut = {name: frame for name, frame in whole.items() if name == "customers"}
    cut["invoices"] = whole["invoices"][whole["invoices"]["issue_date"] <= early]
    dated = whole["events"]["recorded_date"].fillna(whole["events"]["date"])
    cut["events"] = whole["events"][dated <= early]
    one, other = (
        fit_loss_rates(read_ledger(tables, currency="EUR").as_of(early), by="segment", credibility="buhlmann")
        for tables in ({name: whole[name] for name in cut}, cut)
    )
    np.testing.assert_allclose(one.table["rate"], other.table["rate"], rtol=1e-9)
    assert one.total.value == pytest.approx(other.total.value, abs=0.02)
