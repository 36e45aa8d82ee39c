"""Industries against the book: shrinkage, coverage of simulated truth, too little to say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.ledger.sample.generator import make_latent, make_sample
from arrisk.policy.limits.tightening import shrink_effects


def test_an_industry_of_three_customers_barely_moves():
    few = shrink_effects([2, 20, 22, 18], [0.3, 20.0, 20.0, 20.0])
    many = shrink_effects([133, 20, 22, 18], [20.0, 20.0, 20.0, 20.0])
    assert np.exp(few["effect"][0]) < 1.6  # counted: nearly seven times the book
    assert np.exp(many["effect"][0]) > 3.0


def test_equal_industries_are_left_alone():
    shrunk = shrink_effects([20, 20, 20], [20.0, 20.0, 20.0])
    assert np.abs(shrunk["effect"]).max() < 1e-3
    assert shrunk["chance_worse"].to_numpy() == pytest.approx([0.5] * 3, abs=1e-3)


def test_order_does_not_matter():
    a = shrink_effects([5, 30, 12], [10.0, 20.0, 15.0])["effect"].to_numpy()
    b = shrink_effects([12, 5, 30], [15.0, 10.0, 20.0])["effect"].to_numpy()
    assert a == pytest.approx(b[[1, 2, 0]])


def test_intervals_cover_the_industries_of_the_sample():
    """Effects as in the truth of the sample (log scale), counts drawn anew: 95% intervals, 40 books."""
    truth = np.array([-0.25, 0.0, 0.45, 0.15, -0.35, 0.0])
    size = np.array([0.27, 0.27, 0.19, 0.09, 0.11, 0.07])
    rng = np.random.default_rng(5)
    hits, closer = [], []
    for _ in range(40):
        mean = 80 * size * np.exp(truth)
        counts = rng.poisson(mean)
        expected = size * counts.sum()
        shrunk = shrink_effects(counts, expected)
        hits.append((shrunk["low"] <= truth) & (truth <= shrunk["high"]))
        raw = np.log((counts + 0.5) / (expected + 0.5))
        closer.append(np.mean((shrunk["effect"] - truth) ** 2) < np.mean((raw - truth) ** 2))
    assert np.mean(hits) >= 0.90
    assert np.mean(closer) > 0.6


def test_impossible_counts_are_refused():
    with pytest.raises(ModelError):
        shrink_effects([1], [0.0])


def failures(seed, customers):
    """Failed customers and all of them, by industry, of one generated ledger."""
    world = {"invoices": 15 * customers, "seed": seed, "customers": customers}
    people = make_latent(**world)["latent_customers"].merge(
        make_sample(**world)["customers"][["customer_id", "industry"]], on="customer_id"
    )
    failed = people["default_date"].notna().groupby(people["industry"])
    return pd.DataFrame({"failed": failed.sum(), "all": failed.size()})


@pytest.mark.slow
def test_industries_of_generated_ledgers_are_recovered():
    """Small ledgers against large ones of other seeds: the risk of an industry relative to the book.

    Municipal customers nearly never fail: an effect beyond what industries share is drawn towards the book,
    so for them only the side is held.
    """
    large = sum(failures(seed, 2_000) for seed in range(100, 104))
    truth = np.log(large["failed"] / large["all"]) - np.log(large["failed"].sum() / large["all"].sum())
    hits, worst, safest = [], [], []
    for seed in range(8):
        seen = failures(seed, 600)
        expected = seen["all"] * seen["failed"].sum() / seen["all"].sum()
        shrunk = shrink_effects(seen["failed"], expected).set_index(seen.index)
        held = shrunk.drop(index="Municipal")
        known = truth[held.index]
        hits.append(((held["low"] <= known) & (known <= held["high"])).mean())
        worst.append(shrunk["effect"].idxmax())
        safest.append(shrunk.loc["Municipal", "effect"] < 0)
    assert np.mean(hits) >= 0.88
    assert pd.Series(worst).mode()[0] == truth.idxmax() == "Construction"
    assert all(safest)
