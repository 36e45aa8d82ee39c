import numpy as np
import pytest

from arrisk.models.trial.power import detectable_shift, pilot_size_means, pilot_size_shares


@pytest.mark.parametrize(
    ("control", "treated", "printed"), [(0.20, 0.30, 293), (0.20, 0.25, 1094), (0.15, 0.30, 120)]
)
def test_published_pilot_sizes(control, treated, printed):
    assert round(pilot_size_shares(control, treated)) == printed


def test_the_promised_power_is_reached_in_simulated_pilots():
    size, rng = pilot_size_means(4.0, 10.0), np.random.default_rng(1)
    treated, control = rng.normal(4.0, 10.0, (4000, size)), rng.normal(0.0, 10.0, (4000, size))
    z = (treated.mean(axis=1) - control.mean(axis=1)) / (10.0 * np.sqrt(2 / size))
    assert (np.abs(z) > 1.96).mean() == pytest.approx(0.80, abs=0.02)


def test_size_and_detectable_shift_are_each_other_s_inverse():
    assert detectable_shift(pilot_size_means(3.0, 8.0), 8.0) == pytest.approx(3.0, rel=0.01)


def test_no_difference_needs_no_pilot():
    with pytest.raises(ValueError, match="equal shares"):
        pilot_size_shares(0.2, 0.2)
    with pytest.raises(ValueError, match="shift of 0"):
        pilot_size_means(0.0, 1.0)
