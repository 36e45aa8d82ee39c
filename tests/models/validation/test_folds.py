"""No customer on both sides, no label window in the test period, and scikit-learn at home in it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score

from arrisk.errors import ModelError
from arrisk.models.validation.folds import CustomerTimeSplit, customer_folds, out_of_time, trained_before

START = pd.Timestamp("2023-01-01")


@st.composite
def panels(draw):
    customers = draw(st.integers(6, 30))
    rows = draw(
        st.lists(st.tuples(st.integers(0, customers - 1), st.integers(0, 40)), min_size=30, max_size=90)
    )
    rows += [(k, 7 * (k % 6)) for k in range(customers)]
    who, week = (np.array(v) for v in zip(*rows, strict=True))
    y = draw(st.lists(st.booleans(), min_size=len(who), max_size=len(who)))
    return pd.DataFrame(
        {"customer_id": [f"c{k}" for k in who], "date": START + pd.to_timedelta(7 * week, unit="D")}
    ), np.array(y)


@given(panels(), st.integers(2, 5), st.integers(0, 9))
def test_customers_are_whole_and_defaulters_spread(panel, folds, seed):
    groups, y = panel
    fold = customer_folds(y, groups["customer_id"], folds, seed)
    by = pd.DataFrame({"fold": fold, "y": y}).groupby(groups["customer_id"])
    assert (by["fold"].max() == by["fold"].min()).all()
    one = by.agg({"fold": "first", "y": "max"})
    for counts in (one["fold"].value_counts(), one.loc[one["y"], "fold"].value_counts()):
        counts = counts.reindex(range(folds), fill_value=0)
        assert counts.max() - counts.min() <= 1
    assert (fold == customer_folds(y, groups["customer_id"], folds, seed)).all()


@given(panels(), st.integers(1, 4), st.integers(0, 2), st.integers(0, 60))
def test_nothing_of_the_test_side_is_trained_on(panel, folds, periods, horizon):
    groups, y = panel
    assume(folds > 1 or periods > 0)
    cv = CustomerTimeSplit(folds, periods, horizon)
    try:
        splits = list(cv.split(groups, y, groups))
    except ModelError:
        assume(False)
    assert len(splits) == cv.get_n_splits()
    for train, test in splits:
        one, other = groups.iloc[train], groups.iloc[test]
        if folds > 1:
            assert not set(one["customer_id"]) & set(other["customer_id"])
        if periods:
            assert one["date"].max() + pd.Timedelta(days=horizon) <= other["date"].min()
    tested = np.concatenate([test for _, test in splits])
    assert len(np.unique(tested)) == len(tested)
    if not periods:
        assert len(tested) == len(y)


def test_periods_by_hand():
    """Seven days, two periods of two days; the first three only teach; windows of 10 days are purged."""
    day = START + pd.to_timedelta([0, 10, 15, 20, 30, 40, 50], unit="D")
    groups = pd.DataFrame({"customer_id": list("abcdefg"), "date": day})
    got = [(a.tolist(), b.tolist()) for a, b in CustomerTimeSplit(1, 2, 10).split(groups, groups=groups)]
    assert got == [([0, 1], [3, 4]), ([0, 1, 2, 3, 4], [5, 6])]
    train, test = out_of_time(day, 10, share=0.5)
    assert np.flatnonzero(train).tolist() == [0, 1]
    assert np.flatnonzero(test).tolist() == [3, 4, 5, 6]
    assert trained_before(day, day[3], 0).tolist() == [True] * 4 + [False] * 3


def test_at_home_in_scikit_learn():
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(60), 4)
    y = np.isin(who, np.arange(20)) & (rng.random(240) < 0.6)
    x = rng.normal(size=(240, 2)) + y[:, None]
    cv = CustomerTimeSplit(4, seed=3)
    given_out = cross_val_predict(LogisticRegression(), x, y, groups=who, cv=cv, method="predict_proba")
    fold = customer_folds(y, who, 4, 3)
    for k in range(4):
        fit = LogisticRegression().fit(x[fold != k], y[fold != k])
        np.testing.assert_array_equal(given_out[fold == k], fit.predict_proba(x[fold == k]))
    search = clone(GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=cv, scoring="roc_auc"))
    assert search.cv.get_n_splits() == 4
    assert repr(search.cv) == "CustomerTimeSplit(folds=4, horizon_days=0, periods=0, seed=3)"
    assert search.fit(x, y, groups=who).best_score_ > 0.7
    groups = pd.DataFrame(
        {"customer_id": who, "date": START + pd.to_timedelta(np.tile([0, 90, 180, 270], 60), unit="D")}
    )
    timed = CustomerTimeSplit(2, periods=2, horizon_days=90)
    scores = cross_val_score(LogisticRegression(), x, y, groups=groups, cv=timed, scoring="roc_auc")
    assert scores.shape == (4,)
    with pytest.raises(ValueError, match="partition"):
        cross_val_predict(LogisticRegression(), x, y, groups=groups, cv=timed)


def test_groups_are_routed_when_metadata_routing_is_on():
    import sklearn

    rng = np.random.default_rng(1)
    who, y = np.repeat(np.arange(30), 2), np.tile([True, False, False], 20)
    x = rng.normal(size=(60, 1))
    plain = cross_val_score(LogisticRegression(), x, y, groups=who, cv=CustomerTimeSplit(3))
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_val_score(LogisticRegression(), x, y, params={"groups": who}, cv=CustomerTimeSplit(3))
    np.testing.assert_array_equal(plain, routed)


@pytest.mark.parametrize(
    ("cv", "groups", "words"),
    [
        (CustomerTimeSplit(2), None, "groups is missing"),
        (CustomerTimeSplit(1), list("abcd"), "splits nothing"),
        (CustomerTimeSplit(5), list("abcd"), "4 customers cannot"),
        (CustomerTimeSplit(2, periods=1), list("abcd"), "customer_id and date"),
        (CustomerTimeSplit(2, periods=1), pd.DataFrame({"customer_id": list("abcd")}), "lacks date"),
        (
            CustomerTimeSplit(2, periods=1),
            pd.DataFrame({"customer_id": list("abcd"), "date": [START] * 4}),
            "do not make",
        ),
        (
            CustomerTimeSplit(1, periods=1, horizon_days=400),
            pd.DataFrame({"customer_id": list("ab"), "date": [START, START + pd.Timedelta(days=30)]}),
            "use fewer",
        ),
        (
            CustomerTimeSplit(1, periods=1),
            pd.DataFrame({"customer_id": list("ab"), "date": [START, pd.NaT]}),
            "dates are missing",
        ),
    ],
)
def test_unusable_groups_are_refused(cv, groups, words):
    with pytest.raises(ModelError, match=words):
        list(cv.split(np.zeros((4, 1)), groups=groups))


def test_unusable_periods_are_refused():
    with pytest.raises(ModelError, match="share"):
        out_of_time([START], 0, 1.0)
    with pytest.raises(ModelError, match="no label window"):
        out_of_time(START + pd.to_timedelta([0, 30], unit="D"), 60)
    with pytest.raises(ModelError, match="horizon_days"):
        trained_before([START], START, -1)
