from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from arrisk.errors import ModelError
from arrisk.models.scoring.card import Card
from arrisk.models.scoring.classifier import ScorecardClassifier
from arrisk.models.scoring.grade_stability import grade_stability
from arrisk.models.scoring.terms import LinearTerm


def rate_card(frame, event, customers):
    """The overall rate for everybody, moved by x."""
    term = LinearTerm("x", -9, 9, 1, 0, 1.0)
    return Card((term,), logit(event.mean()), np.zeros((2, 2)), horizon_days=365)


def test_a_card_that_hangs_on_nothing_keeps_all_grades():
    def fit(frame, event, customers):
        return rate_card(frame, np.array([True, False]), customers)

    frame = pd.DataFrame({"x": np.linspace(-6, 6, 50)})
    found = grade_stability(fit, frame, np.arange(50) % 2 == 0, draws=10)
    assert (found.table["kept"] == 1).all()
    assert not found.moved.any()
    assert found.table["rows"].sum() == 50


def test_moves_are_those_of_the_resampled_rate():
    """100 customers, 10 defaults: a row just better than the bound changes when more than 10 are drawn."""
    event = np.arange(100) < 10
    frame = pd.DataFrame({"x": np.full(100, -1e-9)})
    found = grade_stability(rate_card, frame, event, draws=400, seed=3)
    worse = found.table.set_index("grade").loc["B", "worse"]
    assert worse == pytest.approx(1 - 0.583, abs=0.08)  # P(binomial(100, 0.1) > 10) = 0.417
    assert found.moved.mean() / 100 == pytest.approx(1 - found.table["kept"].iloc[0])
    assert set(np.unique(found.moved)) == {0, 100}
    assert "of 100 grades" in found.finding


def test_whole_customers_are_drawn_and_a_customer_drawn_twice_is_two():
    seen = []

    def fit(frame, event, customers):
        seen.append((frame["x"].to_numpy(), customers))
        return rate_card(frame, event, customers)

    who = np.repeat(np.arange(20), 3)
    grade_stability(fit, pd.DataFrame({"x": who.astype(float)}), who % 2 == 0, who, draws=5)
    for x, customers in seen[1:]:
        assert len(np.unique(customers)) == 20
        assert (np.bincount(customers) == 3).all()
        assert np.ptp(x.reshape(20, 3), axis=1).max() == 0


def test_other_rows_can_be_graded_and_the_same_seed_gives_the_same():
    frame, event = pd.DataFrame({"x": np.zeros(60)}), np.arange(60) < 5
    other = pd.DataFrame({"x": [-3.0, 0.0, 0.2, 3.0]})
    one, two = (grade_stability(rate_card, frame, event, scored=other, draws=30, seed=7) for _ in range(2))
    assert one.rows == 4
    np.testing.assert_array_equal(one.moved, two.moved)
    assert "<table" in one._repr_html_()
    assert one.plot().get_ylabel().endswith("%")


def test_too_many_failures_are_an_error():
    def fit(frame, event, customers):
        if event.sum() != 1:
            raise ModelError("no")
        return rate_card(frame, event, customers)

    with pytest.raises(ModelError, match="resamples could not be fitted"):
        grade_stability(fit, pd.DataFrame({"x": np.zeros(50)}), np.arange(50) < 1, draws=40)


def test_grades_of_a_small_book_hang_on_chance_more_than_those_of_a_large_one():
    def fit(frame, event, customers):
        model = ScorecardClassifier(coding="linear", horizon_days=365, leak_auc=None)
        return model.fit(frame, event, groups=customers).card_

    shares = []
    for n in (150, 1500):
        rng = np.random.default_rng(n)
        late = rng.normal(0, 20, n).round()
        event = rng.random(n) < expit(-2.5 + late / 20)
        found = grade_stability(fit, pd.DataFrame({"days": late}), event, draws=25, seed=1)
        shares.append(found.moved.mean() / n)
        assert found.failed == 0
    assert shares[0] > 1.5 * shares[1] > 0
