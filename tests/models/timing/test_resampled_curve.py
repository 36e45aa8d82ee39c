from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.timing.curves import kaplan_meier
from arrisk.models.timing.resampled_curve import resample_curve


def book(customers: int = 150, seed: int = 1):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), 6)
    speed, size = rng.gamma(6, 6, customers), rng.lognormal(0, 0.7, customers)
    duration = np.floor(speed[who] * rng.gamma(4, 0.25, who.size)).astype(int)
    return {
        "duration": np.minimum(duration, 80),
        "event": duration <= 80,
        "clusters": who,
        "weights": size[who],
        "entry": np.minimum(duration, 80) - rng.integers(1, 90, who.size),
    }


def test_customers_drawn_again_agree_with_the_robust_errors():
    given = book()
    robust, again = kaplan_meier(**given), resample_curve(**given, draws=2000, seed=5)
    for day in (20, 35, 50):
        ours, other = (curve.late_share([day]).iloc[0] for curve in (robust, again))
        assert other["estimate"] == ours["estimate"]
        assert other["se"] == pytest.approx(ours["se"], rel=0.1)
        assert other["ci_low"] == pytest.approx(ours["ci_low"], abs=0.3 * ours["se"])
        assert other["ci_high"] == pytest.approx(ours["ci_high"], abs=0.3 * ours["se"])
    ours, other = robust.restricted_mean_interval(60), again.restricted_mean_interval(60)
    assert other.estimate == ours.estimate
    assert other.se == pytest.approx(ours.se, rel=0.1)


def test_a_draw_is_the_curve_of_its_customers():
    """Draws by weights are those of repeated rows."""
    from arrisk.models.timing.curves import count_curve
    from arrisk.models.timing.resampled_curve import _draw, _times

    given = book(12)
    who = given.pop("clusters")
    counted = count_curve(**given)
    drawn, times = _draw(counted, who, 100, 3), _times(12, 100, 3)
    assert (times.sum(axis=1) == 12).all()
    for k in (0, 99):
        rows = np.repeat(np.arange(who.size), times[k, who].astype(int))
        curve = kaplan_meier(**{name: values[rows] for name, values in given.items()})
        days = np.arange(0, 60)
        np.testing.assert_allclose(drawn[k][days - counted.rows.first], curve.at(days), atol=1e-9)


def test_the_seed_decides_and_more_draws_begin_alike():
    from arrisk.models.timing.resampled_curve import _times

    given = book(20)
    one, same, other = (resample_curve(**given, draws=100, seed=s).table for s in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)
    np.testing.assert_array_equal(_times(20, 250, 1), _times(20, 600, 1)[:250])


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ModelError, match="draws"):
        resample_curve([1, 2], [True, True], ["a", "b"], draws=10)
    with pytest.raises(ModelError, match="two"):
        resample_curve([1, 2], [True, True], ["a", "a"])
