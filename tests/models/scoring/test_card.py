"""A card by itself: scores worked by hand, points, grades, the table and the picture."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, logit

from arrisk.errors import ModelError
from arrisk.models.scoring.bins import Bins
from arrisk.models.scoring.card import Card
from arrisk.models.scoring.scaling import GRADES, PointScale, grade_of
from arrisk.models.scoring.terms import BinnedTerm, LinearTerm
from tests.models.scoring.cards import cards, frames_of

CHECKING = Bins(
    "checking", "text", (), (("none",), ("little",), ("much",)), (), (135, 105, 14, 46, 0),
    (139, 164, 49, 348, 0), (-0.8181, -0.4014, 0.4055, 1.1763, 0.0), 0.666, "by category", 0.0,
)  # fmt: skip


@pytest.fixture
def card():
    terms = (BinnedTerm(CHECKING, -0.9, "none"), LinearTerm("late", -30, 120, 30, 0, 0.6, 5))
    covariance = np.array([[0.04, 0.0, -0.01], [0.0, 0.02, 0.0], [-0.01, 0.0, 0.01]])
    return Card(terms, -2.0, covariance, horizon_days=180, clusters=31, about={"as_of": "2025-12-31"})


@pytest.fixture
def frame():
    return pd.DataFrame(
        {"late": [60.0, None, 500.0], "checking": ["none", None, "unseen"], "other": 1}, index=["a", "b", "c"]
    )


def test_a_score_is_the_one_worked_by_hand(card, frame):
    odds = np.array([-2.0 + 0.9 * 0.8181 + 0.6 * 2, -2.0 - 0.9 * 1.1763, -2.0 + 0.6 * 4])
    scored = card.score(frame, level=0.9)
    np.testing.assert_allclose(scored["pd"], expit(odds), rtol=1e-14)
    design = np.array([[1, -0.8181, 2], [1, 1.1763, 0], [1, 0, 4]])
    half = stats.t.ppf(0.95, 30) * np.sqrt(np.diag(design @ card.covariance @ design.T))
    np.testing.assert_allclose(logit(scored["pd_low"]), odds - half, rtol=1e-12)
    np.testing.assert_allclose(logit(scored["pd_high"]), odds + half, rtol=1e-12)
    scale = PointScale()
    assert scored["points"].tolist() == np.round(scale.offset - scale.factor * odds).tolist()
    assert scored["grade"].tolist() == grade_of(expit(odds), 180).tolist()
    assert scored.index.tolist() == ["a", "b", "c"]


def test_without_clusters_the_interval_is_the_normal_one(card, frame):
    plain = Card(card.terms, card.intercept, card.covariance)
    scored = plain.score(frame)
    assert "grade" not in scored
    wide = logit(card.score(frame)["pd_high"]) - logit(scored["pd"])
    narrow = logit(scored["pd_high"]) - logit(scored["pd"])
    np.testing.assert_allclose(wide / narrow, stats.t.ppf(0.975, 30) / stats.norm.ppf(0.975))


def test_columns_that_are_missing_are_named_and_others_ignored(card, frame):
    with pytest.raises(ModelError, match="'checking', 'late', which"):
        card.score(frame[["other"]])
    pd.testing.assert_frame_equal(card.score(frame), card.score(frame.drop(columns="other")))
    with pytest.raises(ModelError, match="more than one column 'late'"):
        card.score(pd.concat([frame, frame[["late"]]], axis=1))
    with pytest.raises(ModelError, match="late"):
        card.score(frame.assign(late=["much", "little", "some"]))


def test_the_callers_frame_stays_as_it_is(card, frame):
    before = frame.copy(deep=True)
    card.score(frame)
    card.reasons(frame)
    pd.testing.assert_frame_equal(frame, before)


@given(st.data())
def test_a_rows_score_does_not_depend_on_the_rows_beside_it(data):
    card = data.draw(cards())
    frame = data.draw(frames_of(card))
    columns = ["pd", "points"] if card.horizon_days is None else ["pd", "points", "grade"]
    whole = card.score(frame)
    each = pd.concat([card.score(frame.iloc[[k]]) for k in range(len(frame))])
    pd.testing.assert_frame_equal(whole[columns], each[columns], check_exact=True)
    assert ((whole["pd_low"] <= whole["pd"]) & (whole["pd"] <= whole["pd_high"])).all()


@given(st.data())
def test_points_of_the_terms_add_up(data):
    card = data.draw(cards())
    frame = data.draw(frames_of(card))
    total = card.term_points(frame).sum(axis=1) if card.terms else card.base_points
    np.testing.assert_allclose(card.score(frame)["points"], total, atol=0.5 + 1e-6)


@pytest.mark.parametrize("days", [30, 180, 365, 730])
def test_limits_of_grades_are_the_yearly_bounds_carried_to_the_horizon(days):
    term = LinearTerm("x", -50, 50, 1, 0, 1.0)
    card = Card((term,), 0.0, np.zeros((2, 2)), horizon_days=days)
    odds = np.array(list(card.grade_limits.values()))
    np.testing.assert_allclose(1 - (1 - expit(odds)) ** (365 / days), list(GRADES.values())[:-1], rtol=1e-12)
    at = pd.DataFrame({"x": np.concatenate([odds, odds + 1e-9])})
    assert card.score(at)["grade"].tolist() == ["A", "B", "C", "B", "C", "D"]
    spread = pd.DataFrame({"x": np.linspace(-9, 9, 777)})
    assert card.score(spread)["grade"].tolist() == grade_of(expit(spread["x"]), days).tolist()


def test_a_card_without_terms_gives_everybody_the_base_rate():
    card = Card((), -2.0, np.array([[0.01]]), horizon_days=365)
    scored = card.score(pd.DataFrame(index=[3, 4]))
    np.testing.assert_allclose(scored["pd"], expit(-2.0))
    assert card.reasons(pd.DataFrame(index=[3, 4])) == ["nothing worse than the average customer"] * 2
    assert card.plot().get_title().startswith("No term")
    assert card.points_table().frame.empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"covariance": np.eye(2)}, "shape"),
        ({"covariance": np.full((3, 3), np.nan)}, "finite"),
        ({"intercept": np.inf}, "finite"),
        ({"grades": {"A": 0.5, "B": 0.4, "C": 1.0}}, "rising"),
        ({"grades": {"A": 0.5}}, "the last 1"),
        ({"grades": {}}, "rising"),
        ({"horizon_days": 0}, "at least 1"),
        ({"clusters": 1}, "two customers"),
        ({"terms": (LinearTerm("late", 0, 1, 1, 0, 1.0),) * 2}, "one column"),
    ],
)
def test_a_card_that_cannot_be_is_refused(card, change, words):
    given = {"terms": card.terms, "intercept": card.intercept, "covariance": card.covariance} | change
    with pytest.raises(ModelError, match=words):
        Card(**given)


@pytest.mark.parametrize(
    ("low", "high", "step", "coefficient"), [(1, 0, 1, 1), (0, 1, 0, 1), (0, np.inf, 1, 1), (0, 1, 1, np.nan)]
)
def test_terms_that_cannot_be_are_refused(low, high, step, coefficient):
    with pytest.raises(ModelError, match="late"):
        LinearTerm("late", low, high, step, 0, coefficient)


def test_a_card_can_be_handed_to_another_process(card, frame):
    again = pickle.loads(pickle.dumps(card))
    pd.testing.assert_frame_equal(card.score(frame), again.score(frame), check_exact=True)


def test_the_points_table_holds_what_a_customer_gets(card):
    table = card.points_table()
    shown = table.frame.set_index(["term", "bin"])
    assert shown.loc[("checking", "much"), ["rows", "events"]].tolist() == [63, 14]
    one = card.term_points(pd.DataFrame({"checking": ["much"], "late": [None]})).iloc[0]
    assert shown.loc[("checking", "much"), "points"] == pytest.approx(one["checking"], abs=0.05)
    assert shown.loc[("late", "missing, as 0"), "points"] == pytest.approx(one["late"], abs=0.05)
    assert shown.loc["checking", "share"].sum() == pytest.approx(1)
    assert "late moves the score most, by up to 87 points" in table.title
    assert "as_of: 2025-12-31" in table.note


def test_texts_of_a_ledger_are_escaped_where_they_are_shown():
    groups, counts = (("<script>",), ("$x$",)), (1, 2, 0, 0)
    bins = Bins("<b>", "text", (), groups, (), counts, counts, (1.0, -1.0, 0, 0), 0.1, "by category", 0.5)
    card = Card((BinnedTerm(bins, -1.0, "<script>"),), 0.0, np.zeros((2, 2)))
    assert "<script>" not in card._repr_html_()
    ax = card.plot()
    ax.figure.canvas.draw()
    assert "$x$" in [t.get_text() for t in ax.get_yticklabels()]


def test_the_picture_shows_the_widest_terms_against_the_average_customer(card):
    ax = card.plot()
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels[0] == "late"
    assert labels[5] == "checking"
    # Bins in which nobody has been seen are left out.
    assert "other" not in labels
    assert "points" in ax.get_xlabel()
    widths = dict(zip(labels, (bar.get_width() for bar in ax.patches), strict=True))
    assert widths["120 or more"] == pytest.approx(-PointScale().factor * 0.6 * (4 - 5 / 30))
    assert widths["average, 5"] == 0
    given = card.plot(ax=ax)
    assert given is ax
