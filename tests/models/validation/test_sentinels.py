"""Leaks are named, good features and lucky ones are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.validation.discrimination import auc_floor
from arrisk.models.validation.sentinels import find_leaks, refuse_leaks


def book(defaulters=40, customers=400, days=3, seed=0):
    """Customers seen on some days; a defaulter's last day is labelled."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), days)
    y = (who < defaulters) & (np.tile(np.arange(days), customers) == days - 1)
    honest = rng.normal(size=who.size) + 1.6 * y
    x = pd.DataFrame({"honest": honest, "noise": rng.normal(size=who.size)})
    return x, y, who, rng


def test_strong_but_honest_features_pass():
    x, y, who, _ = book()
    leaks = find_leaks(x, y, who)
    assert leaks.named == ()
    assert leaks.table["auc"].iloc[0] > 0.8
    assert leaks.finding.startswith("No feature")


def test_a_number_known_after_the_event_is_named():
    x, y, who, rng = book()
    x["write_off"] = np.where(y, 100.0, 0.0) + rng.normal(size=y.size)
    x["recovered"] = -x["write_off"]
    assert set(find_leaks(x, y, who).named) == {"write_off", "recovered"}


def test_a_hump_in_the_middle_is_seen_through_its_values():
    x, y, who, rng = book()
    x["hump"] = np.where(
        y, rng.uniform(-0.05, 0.05, y.size), rng.choice([-1, 1], y.size) * rng.uniform(0.1, 2, y.size)
    )
    row = find_leaks(x, y, who).table.set_index("feature").loc["hump"]
    assert row["leak"]
    assert row["view"] == "values"


def test_where_a_value_is_missing_may_tell_all():
    x, y, who, rng = book()
    x["contact"] = pd.Series(rng.normal(size=y.size)).where(~y)
    row = find_leaks(x, y, who).table.set_index("feature").loc["contact"]
    assert row["leak"]
    assert row["view"] in ("missing", "values")


@pytest.mark.parametrize("kind", ["object", "string", "category"])
def test_a_text_that_tells_all_is_named_and_a_text_of_ones_own_is_not(kind):
    x, y, who, _ = book()
    x["status"] = pd.Series(np.where(y, "lawyer", "<open>")).astype(kind)
    x["customer"] = pd.Series([f"c{k}" for k in who]).astype(kind)
    assert find_leaks(x, y, who).named == ("status",)


def test_dates_and_nullable_numbers_have_an_order():
    x, y, who, _ = book()
    days = pd.Series(np.where(y, 400, 10) + np.arange(y.size) % 90)
    x["changed"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(days, unit="D")
    x["count"] = days.where(np.arange(y.size) % 17 != 0).astype("Int64")
    x["flag"] = y
    assert set(find_leaks(x, y, who).named) == {"changed", "count", "flag"}


@pytest.mark.parametrize(("defaulters", "leak"), [(5, False), (11, False), (13, True), (40, True)])
def test_perfect_separation_by_few_accuses_nobody(defaulters, leak):
    x, y, who, _ = book(defaulters)
    x["flag"] = y.astype(float)
    assert bool(find_leaks(x, y, who).named) is leak


def test_many_rows_of_few_customers_are_few():
    """Five defaulters with a hundred rows each are five."""
    who = np.repeat(np.arange(200), 100)
    y = who < 5
    x = pd.DataFrame({"flag": y.astype(float)})
    assert find_leaks(x, y).named == ("flag",)
    assert find_leaks(x, y, who).named == ()
    assert find_leaks(x, y, who).table["defaulters"].iloc[0] == pytest.approx(5)


def test_noise_is_not_accused_in_many_small_books():
    """Thirty features of noise and a good one, few defaulters, 20 books: nobody is accused."""
    for seed in range(20):
        x, y, who, rng = book(defaulters=6, customers=60, days=1, seed=seed)
        noise = pd.DataFrame(rng.normal(size=(y.size, 28))).add_prefix("n")
        assert find_leaks(x.join(noise), y, who, seed=seed).named == ()


def test_refusal_says_what_and_how_to_go_on():
    x, y, who, _ = book()
    x["write_off"] = y.astype(float)
    with pytest.raises(
        ModelError, match=r"write_off alone .* 1\.000, at least 0\.96.*acknowledged=\('write_off',\)"
    ):
        refuse_leaks(x, y, who)
    passed = refuse_leaks(x, y, who, acknowledged=("write_off",))
    assert passed.table.set_index("feature").loc["write_off", "leak"]
    assert passed.named == ()


def test_rows_in_another_order_give_the_same_table():
    x, y, who, rng = book()
    order = rng.permutation(y.size)
    one = find_leaks(x, y, who).table.set_index("feature")
    two = find_leaks(x.iloc[order], y[order], who[order]).table.set_index("feature")
    for name in x:
        if one.loc[name, "view"] == two.loc[name, "view"] == "order":
            assert one.loc[name, "low"] == two.loc[name, "low"]
    assert one.loc["honest", "view"] == "order"


def test_the_callers_frame_is_left_alone_and_big_books_are_thinned():
    rng = np.random.default_rng(0)
    y = rng.random(60_000) < 0.2
    x = pd.DataFrame({3: rng.normal(size=y.size) + y})
    before = x.copy()
    leaks = find_leaks(x, y)
    pd.testing.assert_frame_equal(x, before)
    assert leaks.table["feature"].tolist() == ["3"]
    assert leaks.table["auc"].iloc[0] == pytest.approx(0.760, abs=0.02)
    assert leaks.table["others"].iloc[0] == 5_000


def test_unusable_input_is_refused():
    x, y, who, _ = book()
    for wrong in (np.zeros_like(y), np.ones_like(y), y[:-1]):
        with pytest.raises(ModelError):
            find_leaks(x, wrong, who)
    with pytest.raises(ModelError, match="acknowledged but not"):
        find_leaks(x, y, who, acknowledged=("typo",))
    with pytest.raises(ModelError, match="threshold"):
        find_leaks(x, y, who, threshold=0.3)
    with pytest.raises(ModelError, match="shape"):
        find_leaks(np.zeros((len(y), 2, 2)), y, who)


def test_shown_and_escaped():
    x, y, who, _ = book()
    x["<b>"] = y.astype(float)
    leaks = find_leaks(x, y, who)
    assert "&lt;b&gt;" in leaks._repr_html_()
    assert "<b>" not in leaks._repr_html_()
    assert leaks.to_table().title == "Known only after the event, it seems: <b>"


def test_floor_is_the_value_that_is_just_not_ruled_out():
    """At the bound b, (value - b) / se(b) is the normal quantile; of one each, se^2 = b (1 - b)."""
    bound = auc_floor(0.8, 1, 1)
    assert (0.8 - bound) / np.sqrt(bound * (1 - bound)) == pytest.approx(1.6448536, abs=1e-6)
    floors = [auc_floor(1.0, m, 1000) for m in (2, 5, 10, 40, 200)]
    assert floors == sorted(floors)
    assert floors[-1] < 1.0
    assert auc_floor(0.0, 5, 5) == 0.0
    with pytest.raises(ModelError):
        auc_floor(1.2, 5, 5)
