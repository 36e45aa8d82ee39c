from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arrisk.models.scoring.quantiles import count_categories, count_numbers, quantile_edges

tied = st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 2.5, 3.0, 4.0, 7.0, 9.0]), min_size=1, max_size=200)


def test_a_heavy_value_has_a_bin_of_its_own():
    rng = np.random.default_rng(0)
    ordered = np.sort(np.concatenate([np.zeros(600), rng.uniform(-1, 0, 200), rng.uniform(1, 2, 200)]))
    edges = quantile_edges(ordered, None, 10)
    assert 0.0 in edges
    after = edges[edges > 0]
    assert after[0] == ordered[800]


def test_edges_cut_rows_into_equal_parts():
    ordered = np.sort(np.random.default_rng(0).normal(size=1000))
    held = np.diff(np.concatenate([[0], np.searchsorted(ordered, quantile_edges(ordered, None, 50)), [1000]]))
    assert held.tolist() == [20] * 50


@given(tied, st.integers(2, 12), st.randoms())
def test_weights_are_as_repeated_rows(values, pieces, random):
    numbers = np.array(values)
    counts = np.array([random.randint(1, 4) for _ in values])
    event = np.array([random.random() < 0.4 for _ in values])
    repeated = count_numbers(np.repeat(numbers, counts), np.repeat(event, counts), None, pieces, (2.5,))
    weighted = count_numbers(numbers, event, counts.astype(float), pieces, (2.5,))
    assert repeated.edges.tolist() == weighted.edges.tolist()
    assert repeated.events.tolist() == weighted.events.tolist()
    assert repeated.nonevents.tolist() == weighted.nonevents.tolist()
    assert repeated.apart_events.tolist() == weighted.apart_events.tolist()


@given(tied, st.integers(2, 12))
def test_increasing_transforms_leave_the_bins_alone(values, pieces):
    numbers, event = np.array(values), np.arange(len(values)) % 3 == 0
    plain, bent = (count_numbers(x, event, None, pieces) for x in (numbers, np.exp(numbers) * 3 - 7))
    assert plain.events.tolist() == bent.events.tolist()
    assert plain.nonevents.tolist() == bent.nonevents.tolist()


def test_infinite_values_are_counted_in_the_outer_bins():
    numbers = np.array([-np.inf, 1.0, 2.0, 3.0, np.inf, np.inf, np.nan])
    counts = count_numbers(numbers, np.array([1, 0, 0, 0, 1, 0, 1], dtype=bool), None, 50)
    assert counts.edges.tolist() == [1.0, 2.0, 3.0]
    assert counts.events.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert counts.apart_events.tolist() == [1.0]


def test_rare_categories_are_counted_together_whatever_the_order_of_rows():
    texts, codes = ["big", "tiny", "other one", "9"], np.array([0] * 60 + [2] * 40 + [1] * 2 + [3, -1, -1])
    event = np.arange(codes.size) % 4 == 0
    counts = count_categories(codes, texts, event, None, ("9",))
    assert counts.names == ("big", "other one")
    apart = counts.apart_events + counts.apart_nonevents
    assert apart.tolist() == [1.0, 2.0, 2.0]
    assert counts.events.sum() + counts.apart_events.sum() == event.sum()
