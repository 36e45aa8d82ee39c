import numpy as np
import pytest

from arrisk.models.trial.stopping import make_stopping_rule, spend

EQUAL = {k: [n / k for n in range(1, k)] + [1.0] for k in (2, 3, 4, 5)}


@pytest.mark.parametrize(
    ("looks", "printed"),
    [
        (2, [2.963, 1.969]),
        (3, [3.710, 2.511, 1.993]),
        (4, [4.333, 2.963, 2.359, 2.014]),
        (5, [4.877, 3.357, 2.680, 2.290, 2.031]),
    ],
)
def test_published_obrien_fleming_boundaries(looks, printed):
    assert make_stopping_rule(EQUAL[looks]).benefit == pytest.approx(printed, abs=6e-4)


@pytest.mark.parametrize(
    ("fractions", "printed"),
    [
        (EQUAL[4], [2.368, 2.368, 2.358, 2.350]),
        (EQUAL[5], [2.438, 2.427, 2.410, 2.397, 2.386]),
        ([0.2, 0.4, 0.9, 1.0], [2.438, 2.427, 2.224, 2.376]),
    ],
)
def test_published_pocock_boundaries(fractions, printed):
    assert make_stopping_rule(fractions, spending="pocock").benefit == pytest.approx(printed, abs=6e-4)


def test_published_boundaries_of_unequal_looks():
    rule = make_stopping_rule([0.2, 0.4, 0.9, 1.0])
    assert rule.benefit == pytest.approx([4.877, 3.357, 2.097, 2.054], abs=6e-4)


def test_one_look_is_the_usual_test():
    rule = make_stopping_rule([1.0])
    assert rule.benefit == pytest.approx([1.959964], abs=1e-5)
    assert rule.crossing(0.8).power == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize("harm", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("fractions", [EQUAL[3], [0.6, 1.0], [0.1, 0.15, 0.7, 1.0]])
def test_all_of_the_error_is_spent_and_as_planned(fractions, harm):
    rule = make_stopping_rule(fractions, harm_spending=harm)
    none = rule.crossing()
    planned = [spend(t, 0.025, "obrien-fleming") for t in fractions]
    assert np.cumsum(none.benefit) == pytest.approx(planned, abs=1e-8)
    assert sum(none.harm) == pytest.approx(0.025, abs=1e-8)


def test_error_and_power_hold_in_simulated_trials():
    """Brownian motion looked at unequal times; without the boundaries the error is far above 5%."""
    t, rng = np.array([0.3, 0.55, 0.8, 1.0]), np.random.default_rng(1)
    rule = make_stopping_rule(t, harm_spending="pocock")
    steps = rng.normal(size=(60_000, 4)) * np.sqrt(np.diff(t, prepend=0.0))
    motion = steps.cumsum(axis=1)

    def first(drift):
        z = (motion + drift * t) / np.sqrt(t)
        up, down = z >= rule.benefit, z <= -np.array(rule.harm)
        stop = np.where((up | down).any(axis=1), (up | down).argmax(axis=1), 4)
        hit = up[np.arange(len(z)), np.minimum(stop, 3)] & (stop < 4)
        return z, stop, hit

    z, stop, _ = first(0.0)
    assert (stop < 4).mean() == pytest.approx(0.05, abs=0.003)
    assert (np.abs(z) >= 1.96).any(axis=1).mean() > 0.10
    _, stop, hit = first(2.9)
    crossing = rule.crossing(drift=2.9)
    assert hit.mean() == pytest.approx(crossing.power, abs=0.006)
    seen = np.append(t, 1.0)[stop].mean()
    assert crossing.expected(t) == pytest.approx(seen, abs=0.004)


def test_conditional_power_holds_in_simulated_trials():
    rule, rng = make_stopping_rule([0.5, 1.0]), np.random.default_rng(2)
    end = 0.6 * np.sqrt(0.5) + 2.8 * 0.5 + np.sqrt(0.5) * rng.normal(size=60_000)
    assert rule.conditional_power(1, 0.6, 2.8) == pytest.approx((end >= rule.benefit[1]).mean(), abs=0.006)


def test_decisions_follow_the_boundaries():
    rule = make_stopping_rule([0.5, 1.0], harm_spending="pocock", futility=0.2)
    assert rule.decide(1, 3.0, 2.8) == "benefit"
    assert rule.decide(1, -2.5, 2.8) == "harm"
    assert rule.decide(1, -0.5, 2.8) == "futility"
    assert rule.decide(1, -0.5) == "go on"
    assert rule.decide(1, 1.5, 2.8) == "go on"
    assert rule.decide(2, 1.5, 2.8) == "no effect"
    assert "2 looks" in rule.finding()
    assert len(rule.to_table().frame) == 2


def test_nonsense_is_refused():
    for wrong in ([], [0.5], [0.5, 0.5, 1.0], [0.0, 1.0], [0.5, 1.2]):
        with pytest.raises(ValueError, match="rising numbers"):
            make_stopping_rule(wrong)
    with pytest.raises(ValueError, match="allowed are"):
        spend(0.5, 0.05, "bonferroni")
    with pytest.raises(ValueError, match="level"):
        make_stopping_rule([1.0], level=95)
