from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_leukemia
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.timing import influence
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
@settings(max_examples=30, deadline=None)
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
@settings(max_examples=30, deadline=None)
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


def test_robust_error_is_that_of_leaving_each_customer_out(monkeypatch):
    """The delete-one jackknife of log survival, straight from its definition, in blocks of customers."""
    monkeypatch.setattr(influence, "BLOCK", 16)
    rng = np.random.default_rng(5)
    n, customers = 900, 70
    duration, event, who = rng.integers(0, 30, n), rng.random(n) < 0.6, np.arange(n) % customers
    entry = np.minimum(rng.integers(-1, 10, n), duration - 1)
    weight = rng.lognormal(0, 0.5, customers)[who]
    curve = kaplan_meier(duration, event, entry, weight, who)
    without = [
        kaplan_meier(duration[who != c], event[who != c], entry[who != c], weight[who != c]).at([12])[0]
        for c in range(customers)
    ]
    moved = np.log(without) - np.log(curve.at([12])[0])
    expected = curve.at([12])[0] * np.sqrt((moved**2).sum() * (customers - 1) / customers)
    assert curve.late_share([12])["se"][0] == pytest.approx(expected, rel=0.01)


def test_weighted_rows_without_clusters_have_the_infinitesimal_jackknife():
    """Influence by definition: derivative of log survival in the weight of one row."""
    rng = np.random.default_rng(12)
    duration, event, weight = rng.integers(0, 9, 60), rng.random(60) < 0.6, rng.lognormal(0, 1, 60)
    entry = duration - rng.integers(1, 5, 60)
    curve = kaplan_meier(duration, event, entry, weight)
    total = 0.0
    for k in range(60):
        more = np.where(np.arange(60) == k, weight * (1 + 1e-6), weight)
        total += (np.log(kaplan_meier(duration, event, entry, more).at([5]) / curve.at([5]))[0] / 1e-6) ** 2
    assert curve.late_share([5])["se"][0] == pytest.approx(curve.at([5])[0] * np.sqrt(total), rel=1e-4)


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


def test_restricted_mean_error_is_greenwoods():
    """Sum over event days of (mean still to come)^2 d / (R (R - d)), from its definition."""
    rng = np.random.default_rng(8)
    duration, event = rng.integers(-5, 30, 200), rng.random(200) < 0.7
    curve = kaplan_meier(duration, event)
    horizon = 25
    variance = 0.0
    for row in curve.table[curve.table["events"] > 0].itertuples():
        if row.day < horizon:
            to_come = curve.at(np.arange(row.day, horizon)).sum()
            variance += to_come**2 * row.events / (row.at_risk * (row.at_risk - row.events))
    mean = curve.restricted_mean_interval(horizon)
    assert mean.se == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert mean.estimate == curve.restricted_mean(horizon)
    assert mean.ci_low == pytest.approx(mean.estimate - stats.norm.ppf(0.975) * mean.se)


def test_restricted_mean_without_censoring_is_a_mean():
    """Its clustered error is nearly the jackknife of a ratio: the mean without each customer."""
    rng = np.random.default_rng(9)
    duration, who, weight = rng.integers(0, 60, 300), rng.integers(0, 25, 300), rng.lognormal(0, 1, 300)
    capped = np.minimum(duration, 40)
    mean = np.average(capped, weights=weight)
    moved = np.bincount(who, weight * (capped - mean)) / (weight.sum() - np.bincount(who, weight))
    error = np.sqrt((moved**2).sum() * 24 / 25)
    found = kaplan_meier(duration, duration >= 0, weights=weight, clusters=who).restricted_mean_interval(40)
    assert found.estimate == pytest.approx(mean)
    assert found.se == pytest.approx(error, rel=0.02)
    assert found.ci_low < mean - 2 * error < mean + 2 * error < found.ci_high


def test_a_mean_is_known_for_good_once_all_have_closed():
    curve = kaplan_meier([2, 4], [True, True])
    assert curve.restricted_mean(3) == 2.5
    assert curve.restricted_mean(50) == 3.0
    assert curve.restricted_mean_interval(-2).estimate == -2
    assert np.isnan(kaplan_meier([2, 4], [True, False]).restricted_mean_interval(6).se)


def test_late_share_and_quantile_read_the_table():
    rng = np.random.default_rng(10)
    duration, event = rng.integers(-10, 40, 300), rng.random(300) < 0.8
    curve = kaplan_meier(duration, event, clusters=np.arange(300) % 40)
    shares = curve.late_share([-50, 0, 500])
    row = curve.table.set_index("day").loc[0]
    assert shares.iloc[1, 1:].tolist() == row[["survival", "se", "ci_low", "ci_high"]].tolist()
    assert shares["estimate"].tolist()[::2] == pytest.approx([1.0, np.nan], nan_ok=True)
    median = curve.quantile_interval(0.5)
    crossing = [curve.table.loc[curve.table[c] <= 0.5, "day"].iloc[0] for c in ("ci_low", "ci_high")]
    assert [median.ci_low, median.ci_high] == crossing
    assert median.ci_low <= median.estimate <= median.ci_high
    assert curve.summary((0,), 20)["term"].tolist() == [
        "median days",
        "mean days, at most 20",
        "share open after 0 days",
    ]
    assert curve.to_table().frame["estimate"].iloc[0] == median.estimate


@given(copies, st.integers(1, 4))
@settings(max_examples=25)
def test_curves_do_not_see_units_or_cuts(items, wait):
    """Amounts have no scale, and an item may be cut at an age into two rows with an entry."""
    duration, event, waited, count, who = map(np.array, zip(*items, strict=True))
    entry = duration - waited
    base = kaplan_meier(duration, event, entry, count, who)
    scaled = kaplan_meier(duration, event, entry, count * 1e-6, who)
    long = waited > wait
    cut = kaplan_meier(
        np.concatenate([np.where(long, entry + wait, duration), duration[long]]),
        np.concatenate([event & ~long, event[long]]),
        np.concatenate([entry, (entry + wait)[long]]),
        np.concatenate([count, count[long]]),
        np.concatenate([who, who[long]]),
    )
    figures = ["survival", "se", "ci_low", "ci_high"]
    expected = base.table.set_index("day")[figures]
    assert (np.diff(expected["survival"]) <= 0).all()
    for other in (scaled, cut):
        actual = other.table.set_index("day").loc[expected.index, figures]
        pd.testing.assert_frame_equal(actual, expected, rtol=1e-6, atol=1e-7)
        pd.testing.assert_frame_equal(other.means, base.means, rtol=1e-6, atol=1e-7)


def test_one_customer_with_most_of_the_money_leaves_few_degrees_of_freedom():
    rng = np.random.default_rng(11)
    who = np.arange(400) % 40
    duration = np.where(who == 0, 5, rng.integers(0, 40, 400))
    one_large = np.where(who == 0, 50.0, 1.0)
    for weight, freedom in ((np.ones(400), 39.0), (one_large, 2.0)):
        curve = kaplan_meier(duration, duration >= 0, weights=weight, clusters=who)
        row = curve.late_share([20]).iloc[0]
        log_s = np.log(row["estimate"])
        half = np.log(np.log(row["ci_low"]) / log_s) * row["estimate"] * -log_s / row["se"]
        assert half == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.1)


def test_a_cluster_for_each_row_is_asked_for():
    with pytest.raises(ModelError, match="clusters has 1 values"):
        kaplan_meier([1, 2], [True, True], clusters=["a"])


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
