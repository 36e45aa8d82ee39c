from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_leukemia
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.timing.curves import closed_only_curve, kaplan_meier


def brute_force(duration, event, entry, weights, day):
    """Product-limit estimate straight from its definition."""
    survival = 1.0
    for s in sorted({t for t, e in zip(duration, event, strict=True) if e and t <= day}):
        at_risk = sum(w for t, a, w in zip(duration, entry, weights, strict=True) if a < s <= t)
        died = sum(w for t, e, w in zip(duration, event, weights, strict=True) if e and t == s)
        survival *= 1 - died / at_risk
    return survival


def test_leukaemia_matches_r_survfit():
    data = load_leukemia().query("Rx == 0")
    curve = kaplan_meier(data["t"], data["status"]).table
    curve = curve[curve["events"] > 0]
    assert curve["day"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    np.testing.assert_allclose(
        curve["survival"], [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], atol=5e-4
    )
    np.testing.assert_allclose(
        curve["se"], [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346], atol=5e-5
    )


def test_payers_of_the_first_day_count():
    curve = kaplan_meier([0] * 40 + [30] * 60, [True] * 100)
    assert curve.at([-1, 0, 29, 30]).tolist() == [1.0, 0.6, 0.6, 0.0]
    assert curve.table["day"].tolist() == [0, 30]
    assert curve.table["at_risk"].tolist() == [100, 60]
    assert curve.restricted_mean(30) == pytest.approx(0.6 * 30)


def test_days_before_due_are_legal():
    curve = kaplan_meier([-30, -5, 4, 4], [True, True, True, False], entry=[-31, -31, -31, -31])
    assert curve.at([-31, -30, -5, 3, 4]).tolist() == [1.0, 0.75, 0.5, 0.5, 0.25]


rows = st.lists(
    st.tuples(st.integers(-5, 12), st.booleans(), st.integers(1, 6), st.sampled_from([0.5, 1.0, 3.0])),
    min_size=1,
    max_size=25,
)


@given(rows)
@settings(max_examples=60, deadline=None)
def test_ties_entry_and_weights_agree_with_the_definition(items):
    duration, event, wait, weight = map(list, zip(*items, strict=True))
    entry = [t - w for t, w in zip(duration, wait, strict=True)]
    curve = kaplan_meier(duration, event, entry=entry, weights=weight)
    for day in range(-11, max(duration) + 1):
        assert curve.at([day])[0] == pytest.approx(brute_force(duration, event, entry, weight, day), abs=1e-9)


copies = st.lists(
    st.tuples(
        st.integers(-3, 9), st.booleans(), st.integers(1, 5), st.integers(1, 4), st.sampled_from("abc")
    ),
    min_size=1,
    max_size=15,
)


@given(copies, st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_counts_are_as_good_as_rows(items, clustered, weighted):
    duration, event, wait, count, who = map(np.array, zip(*items, strict=True))
    clusters, amount = (who if clustered else None), (count * 2.5 if weighted and clustered else None)
    options = {"entry": duration - wait, "clusters": clusters, "weights": amount}
    counted = kaplan_meier(duration, event, counts=count, **options)
    every = {name: None if given is None else np.repeat(given, count) for name, given in options.items()}
    if every["weights"] is not None:
        every["weights"] = np.full(count.sum(), 2.5)
    rows = kaplan_meier(np.repeat(duration, count), np.repeat(event, count), **every)
    pd.testing.assert_frame_equal(counted.table, rows.table, rtol=1e-12)
    assert (counted.n, counted.n_events, counted.n_clusters) == (rows.n, rows.n_events, rows.n_clusters)


def test_left_truncation_changes_the_risk_set():
    late = kaplan_meier([5, 10, 10], [True, True, False], entry=[-1, -1, 5])
    assert late.table["at_risk"].tolist() == [2, 2]
    assert late.at([5, 10]).tolist() == [0.5, 0.25]
    assert kaplan_meier([5, 10, 10], [True, True, False]).at([5, 10]).tolist() == pytest.approx(
        [2 / 3, 1 / 3]
    )


def test_an_item_must_be_watched_before_it_closes():
    with pytest.raises(ModelError, match="entry >= duration"):
        kaplan_meier([3, 0], [True, True], entry=[-1, 0])


@pytest.mark.parametrize(
    ("duration", "event", "options"),
    [
        ([], [], {}),
        ([1.5], [True], {}),
        ([float("nan")], [True], {}),
        ([1], [True, False], {}),
        ([1], [True], {"weights": [-1.0]}),
        ([400_000], [True], {}),
        ([1], [True], {"counts": [0]}),
        ([1], [True], {"counts": [1.5]}),
        ([1], [True], {"counts": [1, 1]}),
        ([1, 2], [True, True], {"counts": [1, -1]}),
        ([1, 2], [True, True], {"counts": [2, 2], "weights": [1.0, 1.0]}),
    ],
)
def test_unusable_input_is_refused(duration, event, options):
    with pytest.raises(ModelError):
        kaplan_meier(duration, event, **options)


def test_robust_error_with_independent_items_is_greenwood():
    rng = np.random.default_rng(3)
    duration, event = rng.integers(0, 40, 300), rng.random(300) < 0.7
    greenwood = kaplan_meier(duration, event).table
    robust = kaplan_meier(duration, event, weights=np.full(300, 7.0)).table
    inside = greenwood["survival"].between(0.01, 0.99)
    np.testing.assert_allclose(robust["se"][inside], greenwood["se"][inside], rtol=1e-9)


def test_copies_of_an_item_under_one_customer_add_no_information():
    rng = np.random.default_rng(4)
    duration, event = rng.integers(0, 40, 60), rng.random(60) < 0.8
    customers = np.arange(60)
    once = kaplan_meier(duration, event, clusters=customers).table
    tripled = kaplan_meier(np.tile(duration, 3), np.tile(event, 3), clusters=np.tile(customers, 3)).table
    naive = kaplan_meier(np.tile(duration, 3), np.tile(event, 3)).table
    np.testing.assert_allclose(tripled["se"], once["se"], rtol=1e-9)
    middle = once["survival"].between(0.2, 0.8)
    assert (naive["se"][middle] < 0.65 * once["se"][middle]).all()


@pytest.mark.slow
def test_robust_variance_is_the_sum_of_squared_influences_in_chunks():
    """Influence by definition: derivative of log survival in the weight of one customer."""
    rng = np.random.default_rng(5)
    n, customers = 1500, 600
    duration, event, who = rng.integers(0, 30, n), rng.random(n) < 0.6, rng.integers(0, customers, n)
    entry = np.minimum(rng.integers(-1, 10, n), duration - 1)
    curve = kaplan_meier(duration, event, entry, clusters=who)
    step, total = 1e-5, 0.0
    for c in range(customers):
        up = kaplan_meier(duration, event, entry, weights=np.where(who == c, 1 + step, 1.0)).at([12])[0]
        total += ((np.log(up) - np.log(curve.at([12])[0])) / step) ** 2
    groups = len(np.unique(who))
    expected = curve.at([12])[0] * np.sqrt(total * groups / (groups - 1))
    row = curve.table.set_index("day").loc[12]
    assert row["se"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("weighted", [False, True])
def test_clustered_interval_covers_where_the_naive_one_does_not(weighted):
    """200 customers with a speed of their own and 20 invoices each: nominal 95%."""
    rng = np.random.default_rng(6)
    truth, hits, naive_hits, runs = 0.5, 0, 0, 120
    for _ in range(runs):
        speed = np.repeat(rng.choice([0.2, 0.8], 60), 20)
        duration = np.where(rng.random(speed.size) < speed, 5, 15)
        who = np.repeat(np.arange(60), 20)
        weights = rng.lognormal(0, 1, speed.size) if weighted else None
        for clusters in (who, None):
            row = kaplan_meier(duration, duration > 0, weights=weights, clusters=clusters).table.iloc[0]
            hit = row["ci_low"] <= truth <= row["ci_high"]
            hits, naive_hits = (hits + hit, naive_hits) if clusters is not None else (hits, naive_hits + hit)
    assert stats.binom.sf(hits, runs, 0.95) < 0.999
    assert hits / runs > 0.88
    assert naive_hits / runs < 0.85


def test_no_limit_is_claimed_where_nothing_or_everything_has_closed():
    table = kaplan_meier([1, 2, 3], [False, True, True]).table.set_index("day")
    assert np.isnan(table.loc[1, "ci_low"])
    assert table.loc[1, "ci_high"] == 1.0
    assert np.isnan(table.loc[3, "ci_high"])
    assert table.loc[3, "ci_low"] == 0.0


def test_quantiles_and_days_beyond_the_data():
    curve = kaplan_meier([2, 4, 9, 9], [True, True, False, False])
    assert curve.quantile(0.25) == 2
    assert curve.quantile(0.5) == 4
    assert np.isnan(curve.quantile(0.75))
    assert np.isnan(curve.at([10])[0])
    assert np.isnan(curve.restricted_mean(20))


@pytest.fixture(scope="module")
def ibm(shared_data) -> pd.DataFrame:
    raw = pd.read_csv(shared_data / "ibm-ar" / "WA_Fn-UseC_-Accounts-Receivable.csv")
    issued = pd.to_datetime(raw["InvoiceDate"], format="%m/%d/%Y")
    settled = pd.to_datetime(raw["SettledDate"], format="%m/%d/%Y")
    cut = pd.Timestamp("2013-06-30")
    known = raw.assign(days=(settled - issued).dt.days, age=(cut - issued).dt.days, open=settled > cut)
    return known


def test_closed_items_alone_are_biased_near_the_snapshot(ibm):
    """Invoices of the 45 days before 2013-07-01, as they stood on the evening before."""
    recent = ibm[ibm["age"] < 45]
    assert ibm["open"].sum() == 84
    seen = recent[["days", "age"]].min(axis=1)
    assert closed_only_curve(seen, ~recent["open"]).at([25])[0] == pytest.approx(0.229, abs=5e-4)
    assert kaplan_meier(seen, ~recent["open"]).at([25])[0] == pytest.approx(0.466, abs=5e-4)
    assert (recent["days"] > 25).mean() == pytest.approx(0.437, abs=5e-4)
