from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import xlogy
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from arrisk.errors import ModelError
from arrisk.models.scoring.binner import WoeBinner
from arrisk.models.scoring.cutting import BinRules, fit_bins
from arrisk.models.validation.discrimination import auc


@parametrize_with_checks([WoeBinner(), WoeBinner(monotone=None, smoothing=2.0)])
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)


def mixed(rows: int = 600, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers with ties and holes, texts with rare ones, and an outcome that follows both."""
    rng = np.random.default_rng(seed)
    late = np.where(rng.random(rows) < 0.5, 0.0, rng.exponential(20, rows))
    sector = rng.choice(["steel", "toys", "food", "rare"], rows, p=[0.4, 0.3, 0.298, 0.002])
    odds = -2 + 0.04 * late + (sector == "toys")
    y = rng.random(rows) < 1 / (1 + np.exp(-odds))
    frame = pd.DataFrame({"late": late, "sector": sector})
    frame.loc[rng.random(rows) < 0.1, "late"] = np.nan
    frame.loc[rng.random(rows) < 0.1, "sector"] = None
    return frame, y


def gain(events, nonevents):
    """Twice the gain in log-likelihood over one bin."""
    e, n = np.array(events, dtype=float), np.add(events, nonevents, dtype=float)
    own = (xlogy(e, e / n) + xlogy(n - e, 1 - e / n)).sum()
    rate = e.sum() / n.sum()
    return 2 * (own - xlogy(e.sum(), rate) - xlogy((n - e).sum(), 1 - rate))


def test_a_feature_that_all_but_separates_the_classes_is_not_lost():
    x = np.concatenate([np.linspace(0, 1, 960), np.linspace(1.001, 2, 40)])
    one = WoeBinner().fit(x[:, None], x > 1).bins_[0]
    assert one.ordinary > 1
    assert one.iv > 4
    assert np.isfinite(one.woe).all()


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.sampled_from([40, 150, 600]),
    st.sampled_from(["auto", "either", "increasing", "decreasing", None]),
    st.integers(1, 12),
)
def test_rows_are_counted_once_in_bins_within_the_limits(seed, rows, monotone, events):
    frame, y = mixed(rows, seed)
    if y.all() or not y.any():
        return
    binner = WoeBinner(monotone=monotone, min_bin_events=events).fit(frame, y)
    for one, column in zip(binner.bins_, frame.columns, strict=True):
        codes, m = one.codes(frame[column]), one.ordinary
        assert np.bincount(codes[y], minlength=one.count).tolist() == list(one.events)
        assert np.bincount(codes[~y], minlength=one.count).tolist() == list(one.nonevents)
        woe = np.diff(one.woe[:m])
        if m > 1 and min(*one.events[:m], *one.nonevents[:m]) < events:
            assert gain(one.events[:m], one.nonevents[:m]) > 25
        if one.kind == "number":
            held = np.bincount(codes[codes < m], minlength=m)
            assert m == 1 or held.min() >= 0.05 * held.sum()
            turns = np.count_nonzero(np.diff(np.sign(woe)))
            assert monotone is None or turns <= (monotone == "auto")
        assert {"increasing": (woe > 0).all(), "decreasing": (woe < 0).all()}.get(one.direction, True)


@given(st.integers(0, 10**6))
@settings(max_examples=15)
def test_the_order_of_rows_changes_nothing(seed):
    frame, y = mixed(300, seed)
    order = np.random.default_rng(seed).permutation(len(frame))
    plain, mixed_up = WoeBinner().fit(frame, y), WoeBinner().fit(frame.iloc[order], y[order])
    assert plain.bins_ == mixed_up.bins_


def test_increasing_transforms_leave_every_row_in_its_bin():
    frame, y = mixed()
    bent = frame.assign(late=np.sqrt(frame["late"]) * 7 - 3)
    plain, other = (fit_bins("late", f["late"], y) for f in (frame, bent))
    assert plain.codes(frame["late"]).tolist() == other.codes(bent["late"]).tolist()
    assert plain.woe == other.woe


def test_what_was_not_seen_is_the_average_customer():
    frame, y = mixed()
    whole = frame.assign(late=frame["late"].fillna(0.0), sector=frame["sector"].fillna("food"))
    common = whole["sector"] != "rare"
    binner = WoeBinner(specials={"late": [-99.0]}).fit(whole[common], y[common])
    new = pd.DataFrame({"late": [np.nan, -99.0], "sector": ["unheard of", None]})
    assert binner.transform(new).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    outer = binner.transform(pd.DataFrame({"late": [np.inf, -np.inf], "sector": ["toys"] * 2}))[:, 0]
    assert outer.tolist() == [binner.bins_[0].woe[binner.bins_[0].ordinary - 1], binner.bins_[0].woe[0]]


def test_special_values_have_bins_of_their_own():
    frame, y = mixed()
    late = frame["late"].where(np.arange(len(frame)) % 9 > 0, -99.0)
    bins = fit_bins("late", late, y, specials=(-99.0, "n/a"))
    code = bins.ordinary
    assert bins.specials == (-99.0,)
    assert bins.events[code] + bins.nonevents[code] == (late == -99.0).sum()
    others = fit_bins("late", late[late != -99.0], y[late != -99.0])
    assert others.edges == bins.edges
    with pytest.raises(ModelError, match="must be finite"):
        fit_bins("late", late, y, specials=(np.inf,))
    with pytest.raises(ModelError, match="unknown features: lte"):
        WoeBinner(specials={"lte": [0.0]}).fit(frame, y)


def test_frames_of_any_storage_give_the_same_bins():
    frame, y = mixed()
    plain = WoeBinner().fit(frame, y).bins_
    stored = frame.astype({"late": "Float64", "sector": "string"})
    assert WoeBinner().fit(stored, y).bins_ == plain
    assert WoeBinner().fit(frame.astype({"sector": "category"}), y).bins_ == plain
    arrays = WoeBinner().fit(frame.to_numpy(dtype=object), y).bins_
    assert [b.woe for b in arrays] == [b.woe for b in plain]


def test_the_callers_frame_is_left_alone():
    frame, y = mixed()
    before = frame.copy(deep=True)
    WoeBinner().fit(frame, y).transform(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_it_works_inside_pipelines_and_searches():
    frame, y = mixed()
    pipe = make_pipeline(WoeBinner(), LogisticRegression()).set_output(transform="pandas")
    grid = {"woebinner__max_bins": [2, 6], "woebinner__monotone": ["either", None]}
    search = GridSearchCV(pipe, grid, cv=3, scoring="roc_auc").fit(frame, y)
    assert search.best_score_ > 0.6
    assert clone(search.best_estimator_)[0].get_params() == search.best_estimator_[0].get_params()
    woe = search.best_estimator_[:-1].transform(frame)
    assert list(woe) == ["late", "sector"]
    assert woe.index.equals(frame.index)


def test_weights_are_as_repeated_rows():
    frame, y = mixed()
    times = np.random.default_rng(1).integers(0, 4, len(frame))
    weighted = WoeBinner().fit(frame, y, sample_weight=times)
    repeated = WoeBinner().fit(frame.iloc[np.repeat(np.arange(len(frame)), times)], np.repeat(y, times))
    assert weighted.bins_ == repeated.bins_


def test_labels_of_any_kind_name_the_event_last():
    frame, y = mixed()
    named = WoeBinner().fit(frame, np.where(y, "late payer", "good"))
    assert named.classes_.tolist() == ["good", "late payer"]
    assert named.bins_ == WoeBinner().fit(frame, y).bins_


def test_rules_out_of_range_are_refused():
    for wrong in ({"prebins": 1}, {"min_bin_share": 1.0}, {"smoothing": -1.0}, {"monotone": "up"}):
        with pytest.raises(ModelError):
            BinRules(**wrong)


def test_features_are_ranked_by_information():
    frame, y = mixed()
    table = WoeBinner().fit(frame.assign(noise=np.arange(len(frame)) % 7), y).iv_table()
    assert table["iv"].is_monotonic_decreasing
    assert table["feature"].tolist()[-1] == "noise"
    assert table.set_index("feature")["missing"]["late"] == pytest.approx(frame["late"].isna().mean())


def noise_auc(events: int, seed: int) -> float:
    """AUC on the rows fitted of the sum of evidence of eight features that say nothing."""
    rng = np.random.default_rng(seed)
    y = np.zeros(1000, dtype=bool)
    y[:events] = True
    woe = WoeBinner().fit_transform(rng.normal(size=(1000, 8)), y)
    return auc(y, -woe.sum(axis=1))


def test_eight_defaults_in_a_thousand_teach_nothing():
    assert [noise_auc(8, seed) for seed in range(5)] == [0.5] * 5


@pytest.mark.slow
def test_noise_flatters_less_with_more_defaults():
    means = [np.mean([noise_auc(events, seed) for seed in range(4)]) for events in (20, 100, 400)]
    assert 0.85 > means[0] > means[1] > means[2]
