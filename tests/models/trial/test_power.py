import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.models.trial.power import (
    chance_to_pick_better,
    design_effect,
    detectable_shift,
    diluted_shift,
    intraclass_correlation,
    pilot_size_means,
    pilot_size_shares,
    power_of_shares,
    power_of_shift,
)


@pytest.mark.parametrize(
    ("control", "treated", "printed"), [(0.20, 0.30, 293), (0.20, 0.25, 1094), (0.15, 0.30, 120)]
)
def test_published_pilot_sizes(control, treated, printed):
    assert round(pilot_size_shares(control, treated)) == printed


@pytest.mark.parametrize(("arm", "printed"), [(20, 0.77), (50, 0.88), (100, 0.95)])
def test_published_chances_to_pick_the_better(arm, printed):
    assert round(chance_to_pick_better(0.20, 0.30, arm), 2) == printed


def test_chance_to_pick_the_better_counts_every_pair_of_outcomes():
    """Two units an arm at .5 against .25, by hand."""
    better, worse = np.array([1, 2, 1]) / 4, np.array([9, 6, 1]) / 16
    joint = np.outer(better, worse)
    by_hand = np.tril(joint, -1).sum() + np.trace(joint) / 2
    assert chance_to_pick_better(0.25, 0.5, 2) == pytest.approx(by_hand)
    assert chance_to_pick_better(0.3, 0.3, 7) == pytest.approx(0.5)


def test_the_promised_power_is_reached_in_simulated_pilots():
    size, rng = pilot_size_means(4.0, 10.0), np.random.default_rng(1)
    treated, control = rng.normal(4.0, 10.0, (4000, size)), rng.normal(0.0, 10.0, (4000, size))
    z = (treated.mean(axis=1) - control.mean(axis=1)) / (10.0 * np.sqrt(2 / size))
    assert (np.abs(z) > 1.96).mean() == pytest.approx(0.80, abs=0.02)


def test_power_of_unequal_arms_is_reached_in_simulated_pilots():
    rng = np.random.default_rng(2)
    treated, control = rng.normal(3.0, 10.0, (4000, 60)), rng.normal(0.0, 10.0, (4000, 240))
    z = (treated.mean(axis=1) - control.mean(axis=1)) / (10.0 * np.sqrt(1 / 60 + 1 / 240))
    promised = power_of_shift(3.0, 10.0, 60, control=240)
    assert (np.abs(z) > 1.96).mean() == pytest.approx(promised, abs=0.025)


def test_the_design_effect_is_the_variance_of_a_mean_over_unequal_customers():
    """Customers of 1 to 12 invoices, correlation .3 within: the mean over invoices, many times."""
    rng = np.random.default_rng(3)
    sizes = np.repeat([1, 3, 5, 12], 10)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    own = rng.normal(0, np.sqrt(0.3), (4000, len(sizes)))[:, owner]
    means = (own + rng.normal(0, np.sqrt(0.7), own.shape)).mean(axis=1)
    assert means.var() * len(owner) == pytest.approx(design_effect(sizes, 0.3), rel=0.06)


def test_the_correlation_within_customers_is_found():
    rng = np.random.default_rng(4)
    owner = np.repeat(np.arange(600), rng.integers(1, 9, 600))
    values = rng.normal(0, np.sqrt(0.4), 600)[owner] + rng.normal(0, np.sqrt(0.6), len(owner))
    assert intraclass_correlation(values, owner) == pytest.approx(0.4, abs=0.05)
    assert intraclass_correlation(rng.normal(size=len(owner)), owner) == pytest.approx(0.0, abs=0.05)


def test_adjusting_for_the_past_takes_off_its_square():
    """Simulated analyses with the past as a covariate (slope known) against the factor of the formula."""
    rng = np.random.default_rng(5)
    past = rng.normal(size=(4000, 60))
    now = 0.8 * past + 0.6 * rng.normal(size=past.shape)
    left = now - 0.8 * past
    ratio = left.mean(axis=1).var() / now.mean(axis=1).var()
    assert ratio == pytest.approx(1 - 0.8**2, abs=0.03)
    assert pilot_size_means(4, 10, factor=1 - 0.8**2) == pytest.approx(0.36 * pilot_size_means(4, 10), abs=1)


def test_half_the_take_up_needs_four_times_the_customers():
    one, two = (pilot_size_means(diluted_shift(-20, share), 15) for share in (0.5, 0.25))
    assert two == pytest.approx(4 * one, rel=0.05)


def test_size_and_detectable_shift_are_each_other_s_inverse():
    assert detectable_shift(pilot_size_means(3.0, 8.0), 8.0) == pytest.approx(3.0, rel=0.01)


@given(
    st.floats(0.02, 0.9), st.floats(0.05, 0.6), st.floats(0.55, 0.97), st.sampled_from([0.8, 0.9, 0.95, 0.99])
)
def test_sizes_of_shares_give_the_power_they_were_made_for(control, gap, power, level):
    treated = min(control + gap, 0.999)
    size = pilot_size_shares(control, treated, power=power, level=level)
    assert power_of_shares(control, treated, size, level=level) == pytest.approx(power, abs=0.005)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="equal shares"):
        pilot_size_shares(0.2, 0.2)
    with pytest.raises(ValueError, match="shift of 0"):
        pilot_size_means(0.0, 1.0)
    with pytest.raises(ValueError, match=r"share = 1\.2"):
        chance_to_pick_better(0.2, 1.2, 10)
    with pytest.raises(ValueError, match="take_up = 2"):
        diluted_shift(1.0, 2)
    with pytest.raises(ValueError, match="two customers"):
        intraclass_correlation([1.0, 2.0], ["a", "b"])
