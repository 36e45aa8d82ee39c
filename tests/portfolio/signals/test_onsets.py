import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arrisk.portfolio.signals.onsets import days_on, onsets

states = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)


def run(on, refractory=0, step=7, known=None):
    column = np.array(on, dtype=bool)[:, None]
    seen = np.ones_like(column) if known is None else np.array(known, dtype=bool)[:, None]
    return onsets(column, step * np.arange(len(on)), seen, refractory).ravel().astype(int).tolist()


def test_turning_on_and_not_staying_on():
    assert run([0, 1, 1, 0, 1, 1]) == [0, 1, 0, 0, 1, 0]


def test_on_from_the_first_day_has_no_known_beginning():
    assert run([1, 1, 0, 1]) == [0, 0, 0, 1]


def test_a_customer_that_comes_later_may_be_on_at_once():
    assert run([0, 1, 1], known=[0, 1, 1]) == [0, 1, 0]


def test_silent_time_is_counted_in_days():
    flicker = [0, 1, 0, 1, 0, 1]
    assert run(flicker, refractory=13) == [0, 1, 0, 1, 0, 1]
    assert run(flicker, refractory=14) == [0, 1, 0, 0, 0, 1]


def test_a_state_that_outlasts_the_silence_is_not_reported_again():
    assert run([0, 1, 0, 1, 1, 1, 1], refractory=14) == [0, 1, 0, 0, 0, 0, 0]


@given(states, st.integers(0, 40))
def test_later_days_change_no_earlier_onset(rows, refractory):
    on = np.array(rows, dtype=bool)
    days, known = 7 * np.arange(len(on)), np.ones_like(on)
    whole = onsets(on, days, known, refractory)
    for cut in range(1, len(on) + 1):
        np.testing.assert_array_equal(onsets(on[:cut], days[:cut], known[:cut], refractory), whole[:cut])
    assert not (whole & ~on).any()


@given(states)
def test_days_on_count_back_to_the_last_day_off(rows):
    on = np.array(rows, dtype=bool)
    days = 7 * np.arange(len(on))
    for column, got in enumerate(days_on(on, days)):
        run_length = 0
        while run_length < len(on) and on[len(on) - 1 - run_length, column]:
            run_length += 1
        assert got == 7 * max(run_length - 1, 0)
