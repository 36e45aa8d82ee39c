"""The report on a score, its rivals, and what row-wise folds pretend."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from arrisk.errors import ModelError
from arrisk.models.validation.fold_comparison import BY_CUSTOMER, BY_ROW, LATER, LATER_OTHERS, compare_folds
from arrisk.models.validation.folds import customer_folds
from arrisk.models.validation.held_out import out_of_fold, score_held_out
from arrisk.models.validation.rivals import boosted_scores, late_rate, worst_bucket
from arrisk.models.validation.validation import validate_score

START = pd.Timestamp("2024-01-01")


def book(seed=0, customers=300, days=4, shift=0.0):
    """Customers on some days; `p` is the true probability, `x` all that a model may know."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), days)
    date = START + pd.to_timedelta(np.tile(180 * np.arange(days), customers), unit="D")
    x = pd.DataFrame({"late": rng.normal(size=who.size), "noise": rng.normal(size=who.size)})
    p = expit(1.3 * x["late"].to_numpy() - 3.2)
    y = rng.random(who.size) < expit(logit(p) + shift)
    return x, y, p, who, date, rng


@pytest.fixture(scope="module")
def check():
    x, y, p, who, date, rng = book()
    rivals = {"chance": rng.random(y.size), "almost": p + 1e-3 * rng.random(y.size), "<b>": -x["late"]}
    return validate_score(y, p, who, date, 180, rivals)


def test_a_right_score_is_found_right(check):
    ratio, slope, area = (check.row(t) for t in ("observed over expected", "calibration slope", "AUC"))
    assert ratio["ci_low"] < 1 < ratio["ci_high"]
    assert slope["ci_low"] < 1 < slope["ci_high"]
    assert area["ci_low"] > 0.6
    assert check.row("Gini")["estimate"] == pytest.approx(2 * area["estimate"] - 1)
    assert "nothing speaks against its level" in check.finding
    assert check.row("Brier skill")["ci_low"] > 0
    with pytest.raises(ModelError, match="no term 'auc'"):
        check.row("auc")


def test_every_term_is_tidy_and_intervals_hold_their_estimates(check):
    table = check.table
    assert list(table.columns) == ["term", "estimate", "ci_low", "ci_high", "method"]
    assert table["term"].is_unique
    bounded = table.dropna(subset=["ci_low"])
    assert ((bounded["ci_low"] <= bounded["estimate"]) & (bounded["estimate"] <= bounded["ci_high"])).all()
    part = table.set_index("term")["estimate"]
    total = (
        part["Brier reliability"] - part["Brier resolution"] + part["Brier uncertainty"]
        + part["Brier within variance"] - 2 * part["Brier within covariance"]
    )  # fmt: skip
    assert total == pytest.approx(part["Brier score"], abs=1e-12)


def test_rivals_are_judged_on_the_same_rows(check):
    shows = check.rivals_table().frame.set_index("rival")["shows"]
    assert shows.tolist() == ["better", "not told apart", "better"]
    assert check.rivals_table().title == "The score orders better than 2 of 3 rivals beyond doubt"


def test_too_low_probabilities_are_told_by_figures_lights_and_title():
    _, y, p, who, date, _ = book(shift=1.6)
    check = validate_score(y, p, who, date, 365, grades=np.where(p > 0.05, "B", "A"))
    assert check.plot().get_title().startswith("Level too low")
    assert check.calibration_table().title == "Too many defaults in A, B"
    assert check.counts["overlapping"] == 3
    assert "counted more than once" in check.to_table().note
    high = validate_score(y, np.minimum(4 * p + 0.2, 1), who)
    assert "too high" in high.finding
    assert high.plot().get_title().startswith("Level too high")


def test_periods_add_up_and_show_order(check):
    assert check.periods["rows"].tolist() == [300] * 4
    assert check.periods["events"].sum() == check.counts["events"]
    assert check.as_of == START + pd.Timedelta(days=540)
    assert check.counts["overlapping"] == 0
    assert check.periods_table().title.endswith("of 4 days of observation")
    assert check.periods["auc"].between(0.5, 1).all()


def test_shown_and_escaped(check):
    page = check._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    ax = check.plot()
    assert ax.get_xlabel() == "probability given, %"
    assert ax.get_title().startswith("Level not refuted")


def test_same_seed_same_report_and_order_of_rows_does_not_matter():
    _, y, p, who, date, rng = book(customers=120)
    one, two = validate_score(y, p, who, date, seed=3), validate_score(y, p, who, date, seed=3)
    pd.testing.assert_frame_equal(one.table, two.table)
    order = rng.permutation(y.size)
    other = validate_score(y[order], p[order], who[order], date[order], seed=3)
    pd.testing.assert_frame_equal(one.calibration, other.calibration)
    kept = ~one.table["term"].isin(["AUC, resampled", "KS"])
    pd.testing.assert_frame_equal(one.table[kept], other.table[kept])


def test_few_defaulters_are_said_to_be_few():
    y = np.arange(200) < 4
    p = np.linspace(0.2, 0.01, 200)
    assert "Fewer than 10 defaulters" in validate_score(y, p, np.arange(200)).to_table().note


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": np.zeros(1200)}, "both classes"),
        ({"p": np.full(1200, 1.2)}, "not between 0 and 1"),
        ({"customers": np.zeros(1200)}, "two customers"),
        ({"customers": np.arange(7)}, "7 customers given"),
        ({"dates": [START]}, "1 dates given"),
        ({"dates": [pd.NaT] * 1200}, "are missing"),
        ({"grades": ["A"]}, "1 grades given"),
        ({"rivals": {"short": [1.0]}}, "rival short"),
    ],
)
def test_unusable_input_is_refused(change, words):
    _, y, p, who, _, _ = book()
    with pytest.raises(ModelError, match=words):
        validate_score(**({"y": y, "p": p, "customers": who} | change))


def test_naive_rules():
    assert worst_bucket([0, 5, 45, 61, 91, 1000]).tolist() == [0, 1, 2, 3, 4, 4]
    rate = late_rate([0, 1, np.nan], [2, 2, np.nan], weight=2)
    assert rate.tolist() == [0.125, 0.375, 0.25]
    assert late_rate([0, 1, 0], [2, 2, 0], weight=0).tolist() == [0.0, 0.5, 0.25]
    for late, items in (([3], [2]), ([0], [0]), ([-1], [2])):
        with pytest.raises(ModelError):
            late_rate(late, items)


def test_boosting_takes_what_a_ledger_has_and_never_sees_the_customer():
    x, y, _, who, date, rng = book(customers=150)
    x["region"] = pd.Series(np.where(rng.random(y.size) < 0.5, "a", None), dtype="object")
    x["since"] = date
    x["flag"] = rng.random(y.size) < 0.5
    x.loc[::7, "late"] = np.nan
    fold = customer_folds(y, who, 3, 1)
    p = boosted_scores(x, y, who, fold, seed=2)
    assert ((p > 0) & (p < 1)).all()
    flipped = np.where(fold == 0, ~y, y)
    assert (boosted_scores(x, flipped, who, fold, seed=2)[fold == 0] == p[fold == 0]).all()


def test_held_out_scores_take_estimators_and_functions():
    x, y, _, who, _, _ = book(customers=60)
    fold = customer_folds(y, who, 3, 0)
    model = LogisticRegression()
    got = out_of_fold(model, x, y, who, fold)
    fit = LogisticRegression().fit(x[fold != 0], y[fold != 0])
    np.testing.assert_array_equal(got[fold == 0], fit.predict_proba(x[fold == 0])[:, 1])
    assert not hasattr(model, "coef_")
    by_hand = score_held_out(lambda a, b: lambda rows: rows["late"], x, y, who, fold != 0, fold == 0)
    np.testing.assert_array_equal(by_hand, x.loc[fold == 0, "late"])
    for wrong, words in ((3, "neither"), (lambda a, b: lambda rows: [1.0], "scores of shape")):
        with pytest.raises(ModelError, match=words):
            out_of_fold(wrong, x, y, who, fold)


def recognisable(seed=0, defaulters=34, customers=300, days=26):
    """Customers that look the same every fortnight; defaulting has nothing to do with how they look."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), days)
    look = rng.normal(size=(customers, 6))
    x = look[who] + 0.05 * rng.normal(size=(who.size, 6))
    y = who < defaulters
    date = START + pd.to_timedelta(np.tile(14 * np.arange(days), customers), unit="D")
    return x, y, who, date


def test_row_wise_folds_recognise_customers():
    """34 defaulters and features that foretell nothing: an AUC near 1 by row, of chance by customer."""
    x, y, who, date = recognisable()
    found = compare_folds(KNeighborsClassifier(15), x, y, who, date, horizon_days=90, seed=1)
    assert found.auc(BY_ROW) > 0.98
    by_customer = found.table.set_index("split").loc[BY_CUSTOMER]
    assert by_customer["ci_low"] < 0.5 < by_customer["ci_high"]
    assert found.auc(BY_CUSTOMER) < 0.65
    assert found.auc(LATER) > 0.98
    assert found.auc(LATER_OTHERS) < 0.65
    assert found.finding.startswith("Folds by row claim an AUC of")
    assert found.table["defaulters"].tolist() == [34] * 4
    assert found.plot().get_title() == found.finding
    assert "rows dealt at random" in found._repr_html_()


def test_folds_agree_where_rows_are_customers():
    x, y, _, _, _, _ = book(customers=600, days=1)
    found = compare_folds(LogisticRegression(), x, y, np.arange(600))
    assert found.finding.startswith("Folds by row and by customer agree")
    with pytest.raises(ModelError, match="rows to learn from hold"):
        compare_folds(LogisticRegression(), x, np.arange(600) == 3, np.arange(600))
