from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.cash.scores import error_difference, past_quantiles, pinball, windows_apart


def test_pinball_is_least_at_the_quantile():
    came = np.random.default_rng(1).gamma(2, 50, 4000)
    grid = np.linspace(10, 400, 391)
    for share in (0.1, 0.5, 0.9):
        loss = [pinball(np.full(came.size, g), came, share).mean() for g in grid]
        assert grid[int(np.argmin(loss))] == pytest.approx(np.quantile(came, share), abs=4)


def test_windows_count_what_does_not_overlap():
    assert windows_apart([], 7) == 0
    assert windows_apart([5], 7) == 1
    assert windows_apart([0, 3, 6], 12) == 1.5
    assert windows_apart([0, 3, 100], 12) == 1 + 3 / 12 + 1


def test_past_quantiles_hold_the_next_error():
    rng = np.random.default_rng(2)
    errors = rng.normal(0.02, 0.1, (3000, 9))
    limits = np.array([past_quantiles(e[:8], 8, [0.05, 0.95]) for e in errors])
    inside = (limits[:, 0] <= errors[:, 8]) & (errors[:, 8] <= limits[:, 1])
    assert stats.binomtest(int(inside.sum()), 3000, 0.9).pvalue > 1e-3
    assert np.isnan(past_quantiles([0.1], 5, [0.5])).all()
    assert np.isnan(past_quantiles([0.1, 0.2], 1, [0.5])).all()


@pytest.mark.parametrize(("dates", "least"), [(30, 0.85), (14, 0.82)])
def test_difference_holds_the_truth_when_windows_overlap(dates, least):
    """Totals of 13 weeks begun every 4 weeks, nominal 90%; dates taken as independent hold it far less."""
    rng = np.random.default_rng(3)
    hits, naive, runs = 0, 0, 1500
    windows = windows_apart(np.arange(dates) * 28, 91)
    for _ in range(runs):
        weekly = rng.normal(0, 1, 4 * dates + 13)
        sums = np.convolve(weekly, np.ones(13), "valid")[::4][:dates]
        found = error_difference(100 + sums, np.full(dates, 100.0), np.full(dates, 500.0), windows)
        hits += found.low <= 0 <= found.high
        half = stats.t.ppf(0.95, dates - 1) * sums.std(ddof=1) / np.sqrt(dates)
        naive += abs(sums.mean()) <= half
    assert hits / runs > least
    assert naive / runs < 0.75


def test_difference_is_in_shares_of_the_cash():
    found = error_difference([10, 20, 30], [40, 50, 60], [100, 200, 300], 3)
    assert found.value == pytest.approx(-90 / 600)
    assert np.isnan(error_difference([10, 20], [40, 50], [100, 200], 2).low)


def test_difference_refuses_what_has_no_scale():
    with pytest.raises(ModelError, match="no cash came"):
        error_difference([1, 2], [1, 2], [0, 0], 2)
    with pytest.raises(ModelError, match="lengths differ"):
        error_difference([1, 2], [1], [1, 2], 2)
