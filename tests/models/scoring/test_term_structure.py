"""Term structures against curves by counting, and against made-up books whose hazard is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.scoring.term_structure import fit_term_structure
from arrisk.models.timing.curves import kaplan_meier

START = pd.Timestamp("2024-01-01")
HORIZON = 180


def followed(duration, event, given=0.1, customer=None, **more):
    count = len(duration)
    return pd.DataFrame(
        {
            "customer_id": np.arange(count) if customer is None else customer,
            "start": START,
            "end": START + pd.to_timedelta(np.asarray(duration), unit="D"),
            "event": np.asarray(event, dtype=bool),
            "pd": np.broadcast_to(given, count),
            **more,
        }
    )


def made_up(seed, shape=0.7, customers=400, mean=0.05, days=(0, 180, 360, 540), last=900):
    """Customers of unequal risk on several days; cumulated hazard risk x (t / 180)^shape, each day anew."""
    rng = np.random.default_rng(seed)
    odds = np.log(mean / (1 - mean)) + rng.normal(0, 1, customers)
    given = 1 / (1 + np.exp(-odds))
    parts = []
    for begin in days:
        time = np.ceil(HORIZON * (rng.exponential(size=customers) / -np.log1p(-given)) ** (1 / shape))
        ends = np.minimum(time, last - begin).astype(int)
        part = followed(ends, time <= last - begin, given)
        parts.append(
            part.assign(start=START + pd.Timedelta(days=begin), end=part["end"] + pd.Timedelta(days=begin))
        )
    return pd.concat(parts, ignore_index=True)


rows = st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=5, max_size=60)


@given(rows, st.floats(0.01, 0.9))
def test_with_equal_risks_the_term_structure_is_kaplan_meier_exactly(drawn, given_pd):
    duration = [d for d, _ in drawn] + [420] * 25 + [40, 90]
    event = [e for _, e in drawn] + [False] * 25 + [True, True]
    curve = kaplan_meier(duration, event)
    there = 1.0 - float(curve.at(HORIZON)[0])
    terms = fit_term_structure(followed(duration, event, there), HORIZON)
    days = np.arange(0, 421)
    np.testing.assert_allclose(terms.probability([there], days)[0], 1.0 - curve.at(days), atol=1e-12)
    # The weights do not depend on the level of the risk, as long as it is the same for all.
    other = fit_term_structure(followed(duration, event, given_pd), HORIZON)
    np.testing.assert_allclose(other.weight(days)["weight"], terms.weight(days)["weight"], rtol=1e-9)


@given(st.integers(0, 50), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_probabilities_never_fall_and_are_the_scores_at_its_horizon(seed, given_pds):
    terms = fit_term_structure(made_up(seed, customers=60), HORIZON)
    days = np.arange(0, 1500, 7)
    curves = terms.probability(given_pds, days)
    assert ((curves >= 0) & (curves <= 1)).all()
    assert (np.diff(curves, axis=1) >= -1e-15).all()
    np.testing.assert_allclose(terms.probability(given_pds, [HORIZON])[:, 0], given_pds, rtol=1e-12)
    assert (curves[:, 0] == 0).all()
    low, high = terms.limits(given_pds, days)
    assert (low <= curves + 1e-12).all()
    assert (curves <= high + 1e-12).all()


def test_expected_defaults_of_each_day_are_those_seen():
    seen = made_up(3)
    terms = fit_term_structure(seen, HORIZON)
    duration = (seen["end"] - seen["start"]).dt.days.to_numpy()
    risk = -np.log1p(-seen["pd"].to_numpy())
    hazard = terms.hazard
    for day, step, count in list(zip(hazard.day, hazard.step, hazard.defaults, strict=True))[::9]:
        at_risk = duration >= day
        assert (1 - np.exp(-risk[at_risk] * step)).sum() == pytest.approx(count, rel=1e-12)


def test_unequal_risks_are_not_taken_for_a_falling_hazard():
    """With a constant hazard of each customer, pooling would find too much of it early."""
    seen = pd.concat([made_up(seed, shape=1.0, mean=0.2, customers=1500) for seed in range(3)])
    seen["customer_id"] = np.arange(len(seen))
    terms = fit_term_structure(seen, HORIZON)
    own = terms.weight([30, 365])["weight"].to_numpy()
    pooled = np.log(terms.curve.at([30, 365])) / np.log(terms.curve.at([HORIZON]))
    even = np.array([30, 365]) / HORIZON
    np.testing.assert_allclose(own, even, rtol=0.06)
    assert pooled[1] < 0.93 * even[1]


def test_a_known_hazard_is_recovered_within_its_limits():
    terms = fit_term_structure(made_up(11, customers=3000), HORIZON)
    shown = terms.weight([30, 90, 365])
    truth = (np.array([30, 90, 365]) / HORIZON) ** 0.7
    assert ((shown["ci_low"] <= truth) & (truth <= shown["ci_high"])).all()
    np.testing.assert_allclose(shown["weight"], truth, rtol=0.1)
    assert terms.diagnostics["observed_over_expected"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.slow
def test_limits_hold_the_truth_as_often_as_they_say():
    truth = (np.array([30, 90, 365]) / HORIZON) ** 0.7
    hits = []
    for seed in range(300):
        shown = fit_term_structure(made_up(seed, customers=150, mean=0.04), HORIZON).weight([30, 90, 365])
        hits.append((shown["ci_low"].to_numpy() <= truth) & (truth <= shown["ci_high"].to_numpy()))
    covered = np.mean(hits, axis=0)
    assert (covered > 0.92).all(), covered
    assert (covered < 0.995).all(), covered


def test_limits_know_that_rows_of_a_customer_belong_together():
    seen = made_up(5, customers=200)
    twice = pd.concat([seen, seen], ignore_index=True)
    one, two = (fit_term_structure(frame, HORIZON).weight([30, 90, 365]) for frame in (seen, twice))
    pd.testing.assert_frame_equal(one, two, rtol=1e-9)
    apart = twice.assign(customer_id=np.arange(len(twice)))
    narrow = fit_term_structure(apart, HORIZON).weight([90]).iloc[0]
    assert narrow["ci_high"] - narrow["ci_low"] < 0.85 * (one["ci_high"] - one["ci_low"])[1]


def test_tail_is_constant_and_said_to_be_extrapolated():
    terms = fit_term_structure(made_up(2), HORIZON)
    last = terms.tail.last
    shown = terms.weight([last, last + 1, last + 101])
    assert shown["extrapolated"].tolist() == [False, True, True]
    step = np.diff(shown["weight"])
    assert step[1] == pytest.approx(100 * step[0])
    assert step[0] > 0
    assert f"after day {last}" in terms.to_table().note


def test_grades_stand_beside_their_curves():
    seen = made_up(4)
    seen["grade"] = np.where(seen["pd"] < 0.05, "A", "B")
    terms = fit_term_structure(seen, HORIZON, days=(30, 180, 2000))
    table = terms.by_grade.set_index(["grade", "days"])
    part = seen[seen["grade"] == "B"]
    curve = kaplan_meier((part["end"] - part["start"]).dt.days, part["event"], clusters=part["customer_id"])
    assert table.loc[("B", 180), "observed"] == pytest.approx(1 - curve.at([180])[0])
    assert table.loc[("B", 180), "expected"] == pytest.approx(part["pd"].mean())
    known = curve.table[curve.table["day"] <= 180].iloc[-1]
    assert table.loc[("B", 180), "ci_low"] == pytest.approx(1 - known["ci_high"])
    assert table.loc[("B", 2000), ["observed", "ci_low", "ci_high"]].isna().all()
    assert "observed" in terms.grades_table().frame


def test_prediction_joins_the_errors_of_score_and_weight():
    terms = fit_term_structure(made_up(6), HORIZON)
    scores = pd.DataFrame(
        {"customer_id": ["a", "b", "c"], "pd": [0.1, 1.0, np.nan], "pd_low": [0.05, 1.0, 0.0],
         "pd_high": [0.2, 1.0, 0.2]}
    )  # fmt: skip
    made = terms.predict(scores, days=(90, HORIZON)).set_index("customer_id")
    assert made.loc["a", [f"pd_{HORIZON}", f"pd_{HORIZON}_low", f"pd_{HORIZON}_high"]].tolist() == (
        pytest.approx([0.1, 0.05, 0.2])
    )
    assert made.loc["b"].tolist() == [1.0] * 6
    assert np.isnan(made.loc["c", "pd_90"])
    alone = terms.predict(scores[["customer_id", "pd"]], days=(90,)).set_index("customer_id").loc["a"]
    assert made.loc["a", "pd_90_low"] < alone["pd_90_low"] < alone["pd_90"]
    assert made.loc["a", "pd_90_high"] > alone["pd_90_high"] > alone["pd_90"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (followed([200] * 30, [False] * 30), "0 customers defaulted"),
        (followed([100] * 30, [True] * 30), "followed for 180"),
        (followed([0] * 30, [True] * 30), "not end after"),
        (followed([200] * 30, [True] * 30, 1.5), "between 0 and 1"),
        (followed([200] * 30, [True] * 30, np.nan), "between 0 and 1"),
        (followed([200] * 30, [True] * 30, customer="a"), "two customers"),
        (followed([], []), "nothing"),
    ],
)
def test_what_cannot_be_fitted_is_refused(frame, message):
    with pytest.raises(ModelError, match=message):
        fit_term_structure(frame, HORIZON)


def test_a_day_on_which_all_are_lost_has_no_finite_hazard():
    frame = followed([150] * 2 + [300] * 20, [True] * 22)
    with pytest.raises(ModelError, match="on day 300"):
        fit_term_structure(frame, HORIZON)


def test_impossible_questions_are_refused():
    terms = fit_term_structure(made_up(6), HORIZON)
    with pytest.raises(ModelError, match="negative"):
        terms.weight([-1])
    with pytest.raises(ModelError, match="between 0 and 1"):
        terms.probability([1.2], [30])


def test_picture_and_page():
    terms = fit_term_structure(made_up(6), HORIZON)
    ax = terms.plot()
    assert "-day risk falls into 30 days" in ax.get_title()
    assert ax.get_xlabel() == "days ahead"
    assert "even_weight" in terms._repr_html_()
