from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.features.customers import make_features
from arrisk.models.scoring.card_file import read_card
from arrisk.models.scoring.classifier import ScorecardClassifier
from arrisk.models.scoring.fitting import ORDER, fit_scorecard
from arrisk.models.scoring.observation import observation_days, observe
from arrisk.models.scoring.out_of_fold import blind_probabilities, repeated_folds
from arrisk.models.scoring.over_time import score_drift
from arrisk.models.validation.discrimination import auc
from tests.ledger.frames import ledger_of
from tests.models.payment_books import book_of, rows_of

AS_OF = "2024-06-18"


@pytest.fixture(scope="module")
def snapshot():
    return book_of(1, customers=80, failing=0.35).as_of(AS_OF)


@pytest.fixture(scope="module")
def card(snapshot):
    return fit_scorecard(snapshot, seed=3)


def test_observation_days_do_not_overlap_and_their_windows_are_over(snapshot, card):
    days = sorted(card.observations["cutoff"].unique())
    assert len(days) >= 3
    assert (np.diff(days) >= np.timedelta64(180, "D")).all()
    assert max(days) + pd.Timedelta(days=180) <= snapshot.date


def test_default_dates_lie_strictly_after_the_day_of_the_features(card):
    seen = card.observations[card.observations["default"]]
    ahead = (seen["default_date"] - seen["cutoff"]).dt.days
    assert ahead.between(1, 180).all()


def test_features_are_those_known_on_the_day(snapshot, card):
    day = card.observations["cutoff"].min()
    known = make_features(snapshot.as_of(day)).set_index("customer_id")
    seen = card.observations[card.observations["cutoff"] == day].set_index("customer_id")
    pd.testing.assert_frame_equal(
        seen[list(known)], known.loc[seen.index], check_exact=True, check_names=False
    )


def test_slow_payers_that_fail_are_found(card):
    assert card.identified
    assert card.table.set_index("term").loc["oldest_overdue_days", "estimate"] > 0
    assert card.auc.low > 0.5
    assert card.auc.low <= card.auc.value <= card.auc.high
    assert 0.7 < card.diagnostics["observed_over_expected"] < 1.3
    assert card.calibration.low < 1 < card.calibration.high


def test_no_customer_is_scored_by_a_fit_that_saw_it(card, monkeypatch):
    """Every training set of the validation lacks all rows of the customers it is scored for."""
    seen = card.observations
    fitted: list[set[str]] = []
    fit, score = ScorecardClassifier.fit, ScorecardClassifier.decision_function

    def fit_and_note(self, x, y, groups=None):
        fitted.append(set(seen.loc[x.index, "customer_id"]))
        return fit(self, x, y, groups)

    def score_and_check(self, x):
        assert not fitted[-1] & set(seen.loc[x.index, "customer_id"])
        return score(self, x)

    monkeypatch.setattr(ScorecardClassifier, "fit", fit_and_note)
    monkeypatch.setattr(ScorecardClassifier, "decision_function", score_and_check)
    customers, default = seen["customer_id"].to_numpy(), seen["default"].to_numpy(bool)
    folds = repeated_folds(default, customers, np.random.SeedSequence(3).spawn(2)[0])
    again = blind_probabilities(ScorecardClassifier(), seen[list(ORDER)], default, customers, folds)
    assert len(fitted) == 20
    np.testing.assert_allclose(again, seen["pd"])


def test_noise_does_not_look_like_skill():
    """Terms that are constant within a customer: folds of rows would recognise the customer, ours may not."""
    rng = np.random.default_rng(8)
    customers = np.repeat(np.arange(60), 8)
    ever = np.repeat(rng.random(60) < 0.4, 8)
    noise = np.repeat(rng.normal(size=(60, 3)), 8, axis=0)
    x = pd.DataFrame(noise, columns=list("abc"))
    model = ScorecardClassifier(leak_auc=None)
    values = []
    for seed in range(5):
        folds = repeated_folds(ever, customers, np.random.SeedSequence(seed))
        values.append(auc(ever, blind_probabilities(model, x, ever, customers, folds)))
    assert np.mean(values) < 0.65


def test_same_seed_same_card(snapshot, card):
    pd.testing.assert_frame_equal(fit_scorecard(snapshot, seed=3).observations, card.observations)


def test_prediction(snapshot, card):
    scored = card.predict(snapshot).set_index("customer_id")
    live = scored[~scored["in_default"]]
    assert ((live["pd_low"] < live["pd"]) & (live["pd"] < live["pd_high"])).all()
    by_risk = live.sort_values("pd")
    assert by_risk["points"].is_monotonic_decreasing
    assert by_risk["grade"].is_monotonic_increasing
    held = scored[scored["in_default"]]
    assert len(held) > 10
    assert (held["pd"] == 1).all()
    assert held["points"].isna().all()
    assert set(held["grade"]) == {"D"}
    assert held["reason"].str.startswith("in default now").all()


def test_an_earlier_snapshot_is_refused(snapshot, card):
    with pytest.raises(LookAheadError):
        card.predict(snapshot.as_of("2023-06-30"))


def test_few_terms_in_a_fixed_order_for_few_defaults(card):
    count = card.defaulters // 8
    assert card.card.names == ORDER[:count]
    assert card.fitting["coding"].startswith("linear")
    assert card.card.about["definition"] == str(card.definition)


def test_a_feature_that_knows_too_much_is_refused_until_acknowledged(snapshot, monkeypatch):
    """A column that tells the label passes only when somebody says that it was known."""

    def observed(*args):
        seen = observe(*args)
        return seen.assign(oldest_overdue_days=90.0 * seen["default"])

    monkeypatch.setattr("arrisk.models.scoring.fitting.observe", observed)
    with pytest.raises(ModelError, match="oldest_overdue_days"):
        fit_scorecard(snapshot)
    assert fit_scorecard(snapshot, acknowledged=["oldest_overdue_days"]).auc.value > 0.99


def test_a_saved_card_scores_a_snapshot_bit_for_bit(snapshot, card, tmp_path):
    card.card.save(tmp_path / "card.json")
    features = make_features(snapshot)
    again = read_card(tmp_path / "card.json").score(features)
    pd.testing.assert_frame_equal(again, card.card.score(features), check_exact=True)
    scored = card.predict(snapshot)
    live = ~scored["in_default"].to_numpy()
    np.testing.assert_array_equal(again["pd"].to_numpy()[live], scored["pd"].to_numpy()[live])


def test_later_days_are_scored_by_what_was_over_before_them(card):
    """By hand: fit on the windows before the last two days of observation, order the customers of these."""
    seen = card.observations
    days = np.sort(seen["cutoff"].unique())
    share = pd.Series([(seen["cutoff"] >= d).mean() for d in days], index=days)
    first = share[share >= 0.3].index[-1]
    old, new = seen[seen["cutoff"] + pd.Timedelta(days=180) <= first], seen[seen["cutoff"] >= first]
    model = ScorecardClassifier(leak_auc=None).fit(old[list(ORDER)], old["default"], old["customer_id"])
    assert card.later.value == pytest.approx(auc(new["default"], model.decision_function(new[list(ORDER)])))
    assert card.checks_table().frame["value"].tolist()[2] == pytest.approx(card.later.value, abs=1e-6)


def test_drift_is_seen_when_customers_change_and_not_before(snapshot, card):
    """The book of the fit itself has not drifted; one whose items all turned old has."""
    calm = score_drift(card, snapshot)
    assert not calm.drifted
    assert set(calm.table["feature"]) == {*card.card.names, "log_odds"}
    stale = card.observations.assign(oldest_overdue_days=np.arange(len(card.observations)) % 100 + 20.0)
    assert "oldest_overdue_days" in score_drift(replace(card, observations=stale), snapshot).drifted


def test_other_horizons_agree_with_the_score(snapshot, card):
    scored = card.predict(snapshot)
    terms = card.predict_terms(snapshot, (30, 90, 180, 365))
    np.testing.assert_allclose(terms["pd_180"], scored["pd"], rtol=1e-12)
    grows = terms[["pd_30", "pd_90", "pd_180", "pd_365"]].to_numpy()
    assert (np.diff(grows, axis=1) >= 0).all()
    assert (terms.loc[scored["in_default"], "pd_30"] == 1).all()
    assert card.plot_terms().get_title()


def test_closer_days_are_purged_when_asked(snapshot):
    days = [snapshot.date - pd.Timedelta(days=k) for k in (480, 420, 360, 300, 240, 180)]
    seen = fit_scorecard(snapshot, cutoffs=days, overlap="purge").observations
    gaps = seen.sort_values("cutoff").groupby("customer_id")["cutoff"].diff().dt.days
    assert gaps.min() >= 180
    assert seen["cutoff"].nunique() >= 2
    with pytest.raises(ModelError, match="purge"):
        fit_scorecard(snapshot, cutoffs=days)


def test_too_few_defaulters_give_a_bound_and_no_score():
    snapshot = book_of(2, customers=40, failing=0.1).as_of(AS_OF)
    few = fit_scorecard(snapshot)
    assert not few.identified
    assert 0 < few.defaulters < 10
    scored = few.predict(snapshot)
    live = scored[~scored["in_default"]]
    assert live[["pd", "points", "grade"]].isna().all().all()
    assert live["pd_high"].unique().tolist() == [few.upper_bound]
    assert few.defaulters / 40 < few.upper_bound < 0.35
    assert "at least 10" in few.diagnostics["reason"]
    with pytest.raises(ModelError, match="no grades"):
        _ = few.grades
    assert "No score: " in few._repr_html_()
    assert few.to_table().frame["ci_high"].max() == pytest.approx(few.upper_bound, abs=0.05)
    ungraded = few.grades_table().frame.iloc[0]
    assert ungraded["defaults"] == few.observations["default"].sum()
    assert ungraded["ci_high"] == few.upper_bound
    ranked = few.rank(snapshot, top=5)
    assert set(ranked.frame["grade"]) == {"none"}
    assert ranked.title.startswith("Nobody can be graded")
    assert few.plot().get_title().endswith("cannot be ruled out")


def test_no_default_at_all_has_the_exact_bound():
    snapshot = book_of(3, customers=30).as_of(AS_OF)
    none = fit_scorecard(snapshot)
    assert none.defaulters == 0
    assert none.upper_bound == pytest.approx(1 - 0.05 ** (1 / 30))


def test_history_too_short_for_a_window_is_refused(snapshot):
    with pytest.raises(ModelError, match="shorter horizon"):
        observation_days(snapshot.as_of("2022-09-30"), 180)


def test_windows_that_overlap_are_refused(snapshot):
    days = ["2023-01-01", "2023-06-01"]
    assert observation_days(snapshot, 100, days) == [pd.Timestamp(d) for d in days]
    with pytest.raises(ModelError, match="twice"):
        observation_days(snapshot, 180, days)


def test_picture_states_the_finding(card):
    ax = card.plot()
    worst = card.grades[card.grades["rows"] > 0].iloc[-1]
    assert f"{worst['observed']:.0%} of grade {worst['grade']}" in ax.get_title()
    assert "%" in ax.get_ylabel()


def test_tables_say_what_the_fit_says(card):
    terms = card.to_table().frame
    fitted = card.table[card.table["term"] != "const"]
    np.testing.assert_allclose(np.log(terms["odds_times"]), fitted["estimate"], atol=1e-5)
    assert (terms["times_low"] < terms["odds_times"]).all()
    grades = card.grades_table().frame
    assert grades["defaults"].sum() == card.observations["default"].sum()
    assert grades["yearly_limit"].tolist() == list(card.bounds.values())
    checks = card.checks_table().frame.set_index("figure")
    assert checks.loc["area under the curve", "value"] == pytest.approx(card.auc.value, abs=1e-6)


def test_worst_customers_come_first_with_a_reason_and_those_in_default_are_left_out(snapshot, card):
    scored = card.predict(snapshot)
    live = scored[~scored["in_default"]]
    ranked = card.rank(snapshot, top=7)
    frame = ranked.frame
    assert frame["probability"].tolist() == sorted(live["pd"], reverse=True)[:7]
    assert not set(frame["customer"]) & set(scored.loc[scored["in_default"], "customer_id"])
    assert frame["reason"].str.len().min() > 5
    assert f"{scored['in_default'].sum()} customers in default already" in ranked.note
    owed = snapshot.open_items.groupby("customer_id")["open_amount"].sum()
    assert frame["open_amount"].iloc[0] == pytest.approx(owed.get(frame["customer"].iloc[0], 0.0))


def test_names_of_the_ledger_are_shown_and_escaped(card):
    rows = rows_of(1, customers=80, failing=0.35)
    customers = [{"customer_id": f"c{k:03d}", "name": f"<b>Firm & {k}</b>"} for k in range(80)]
    named = ledger_of(*rows, customers=customers).as_of(AS_OF)
    table = card.rank(named, top=3)
    assert table.frame["customer"].str.startswith("<b>Firm").all()
    assert "<b>Firm" not in table._repr_mimebundle_()["text/html"]


def test_a_ledger_too_young_gives_no_score_and_says_so(snapshot):
    young = snapshot.as_of("2022-09-30")
    card = fit_scorecard(young)
    assert not card.identified
    assert "too young" in card.doubt
    assert card.upper_bound == 1.0
    assert len(card.rank(young).frame) > 0
    assert card.plot().get_title()
    with pytest.raises(LookAheadError):
        fit_scorecard(young, cutoffs=["2022-09-01"])


@pytest.mark.slow
def test_sample(sample_study):
    snapshot = sample_study.snapshot()
    card = fit_scorecard(snapshot, definition=DefaultDefinition(materiality=500.0))
    assert card.identified
    assert card.auc.low > 0.55
    table = card.grades.dropna(subset=["observed"])
    assert ((table["ci_low"] <= table["expected"]) & (table["expected"] <= table["ci_high"])).mean() >= 0.5
    assert table["observed"].is_monotonic_increasing
    assert "odds times" in card._repr_html_()
