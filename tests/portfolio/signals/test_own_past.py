import numpy as np

from arrisk.portfolio.signals.own_past import GAP_DAYS, LEAST_DAYS, WINDOW_DAYS, own_past, unusual

DAYS = 7 * np.arange(80)


def test_equals_a_plain_computation():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(80, 4))
    values[:30, 1] = np.nan
    values[rng.random((80, 4)) < 0.2] = np.nan
    middle, spread = own_past(values, DAYS)
    for t, day in enumerate(DAYS):
        for c in range(4):
            column = values[:, c]
            seen = DAYS[np.isfinite(column)]
            age = day - DAYS
            inside = (age <= WINDOW_DAYS) & (age >= GAP_DAYS) & np.isfinite(column)
            if inside.any() and seen[0] <= day - GAP_DAYS - LEAST_DAYS:
                want = np.median(column[inside])
                assert middle[t, c] == want
                assert np.isclose(spread[t, c], 1.4826 * np.median(np.abs(column[inside] - want)))
            else:
                assert np.isnan(middle[t, c])


def test_the_last_weeks_and_later_days_are_not_looked_at():
    values = np.random.default_rng(4).normal(size=(80, 1))
    middle, _ = own_past(values, DAYS)
    changed = values.copy()
    changed[57:] = 1e9  # from 21 days before row 60 on
    np.testing.assert_array_equal(own_past(changed, DAYS)[0][:61], middle[:61])


def test_no_history_is_no_past():
    middle, _ = own_past(np.full((80, 2), np.nan), DAYS)
    assert np.isnan(middle).all()
    assert np.isnan(unusual(np.array([1.0]), middle[0, :1], middle[0, :1], 1.0)).all()
