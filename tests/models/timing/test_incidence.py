from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.timing.curves import kaplan_meier
from arrisk.models.timing.incidence import aalen_johansen, chances_ahead, daily_hazard


def random_items(seed: int, n: int = 400):
    rng = np.random.default_rng(seed)
    duration = rng.integers(0, 50, n)
    return duration, rng.choice([0, 1, 2], n, p=[0.3, 0.6, 0.1]), duration - rng.integers(1, 30, n)


def test_left_truncated_competing_causes_by_hand():
    curves = aalen_johansen([50, 71, 90], [1, 2, 1], entry=[0, 0, 50])
    np.testing.assert_allclose(curves.at([50, 71, 90], 1), [0.5, 0.5, 0.75])
    np.testing.assert_allclose(curves.at([50, 71, 90], 2), [0.0, 0.25, 0.25])


def test_one_cause_is_kaplan_meier():
    duration, cause, entry = random_items(1)
    curves = aalen_johansen(duration, (cause > 0).astype(int), entry)
    survival = kaplan_meier(duration, cause > 0, entry).table["survival"]
    np.testing.assert_allclose(1 - curves.table["incidence_1"], survival, atol=1e-12)


def test_causes_and_survival_sum_to_one_and_the_first_day_counts():
    duration, cause, _ = random_items(2)
    table = aalen_johansen(duration, cause).table
    total = table["incidence_1"] + table["incidence_2"] + table["survival"]
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    assert table["day"].iloc[0] == 0
    assert table["incidence_1"].iloc[0] == pytest.approx(((duration == 0) & (cause == 1)).mean())


def test_censoring_the_other_cause_overstates_payment():
    duration, cause, _ = random_items(3)
    treated_as_censored = 1 - kaplan_meier(duration, cause == 1).at([40])[0]
    assert aalen_johansen(duration, cause).at([40], 1)[0] < treated_as_censored - 0.01


def test_counts_are_as_good_as_rows():
    duration, cause, entry = random_items(7)
    count = np.random.default_rng(8).integers(1, 4, duration.size)
    rows = [np.repeat(column, count) for column in (duration, cause, entry)]
    counted = aalen_johansen(duration, cause, entry, counts=count)
    pd.testing.assert_frame_equal(counted.table, aalen_johansen(*rows).table, rtol=1e-12)
    assert counted.n == count.sum()
    one, other = daily_hazard(duration, cause, entry, counts=count), daily_hazard(*rows)
    for name in ("first_day", "last_day", "tail_paid", "tail_lost", "tail_days", "n"):
        assert getattr(one, name) == getattr(other, name)
    np.testing.assert_array_equal(one.paid, other.paid)
    np.testing.assert_array_equal(one.lost, other.lost)


def payment_path(hazard, ages, horizon):
    """Probability of being paid on each of the days ahead: the chances of each day on what is still open."""
    paid, lost = chances_ahead(hazard, ages, horizon)
    open_after = np.cumprod(1.0 - paid - lost, axis=1)
    return paid * np.hstack([np.ones((len(ages), 1)), open_after[:, :-1]])


def test_path_is_the_conditional_incidence():
    duration, cause, _ = random_items(4, 5000)
    curves = aalen_johansen(duration, cause)
    path = payment_path(daily_hazard(duration, cause), [10, -1], 30)
    survival = dict(zip(curves.table["day"], curves.table["survival"], strict=True))
    expected = (curves.at([40], 1)[0] - curves.at([10], 1)[0]) / survival[10]
    assert path[0].sum() == pytest.approx(expected, rel=1e-9)
    assert path[1, 0] == pytest.approx(((duration == 0) & (cause == 1)).mean())


@pytest.mark.parametrize("age", [100, 5000])
@pytest.mark.parametrize("every_event_seen", [True, False])
def test_old_items_neither_surely_pay_nor_never_pay(age, every_event_seen):
    duration, cause, _ = random_items(5)
    hazard = daily_hazard(duration, np.where(cause == 0, 1, cause) if every_event_seen else cause)
    within = payment_path(hazard, [age], 365).sum()
    assert 0.0 < payment_path(hazard, [age], 1).sum() < within < 1.0


def test_a_day_on_which_all_at_risk_paid_is_not_certainty():
    hazard = daily_hazard([7] * 30, [1] * 30)
    assert 0.9 < payment_path(hazard, [3], 4).sum() < 1.0


def test_tail_rate_is_recovered():
    """A constant hazard of 5% a day: an item older than anything seen should still pay at about that rate."""
    rng = np.random.default_rng(6)
    duration = rng.geometric(0.05, 4000) - 1
    hazard = daily_hazard(np.minimum(duration, 90), (duration <= 90).astype(int))
    assert hazard.last_day >= 60
    assert payment_path(hazard, [200], 20).sum() == pytest.approx(1 - 0.95**20, abs=0.12)


def test_too_few_items_are_refused():
    with pytest.raises(ModelError, match="at risk"):
        daily_hazard([1, 2, 3], [1, 1, 0])
    with pytest.raises(ModelError, match="censored"):
        aalen_johansen([1, 2], [0, 0])
