"""k from past defaults: recovered where the truth is known, refused where there are too few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from arrisk.errors import ModelError
from arrisk.models.scoring.credibility import estimate_k


def world(customers: int, k: float, seed: int, level: float = -1.5) -> dict[str, np.ndarray]:
    """Experts miss part of the truth; n months of behaviour see all of it with an error of variance k / n.

    The part that experts miss has variance 1, so that n / (n + k) is the weight of the best forecast.
    """
    rng = np.random.default_rng(seed)
    history = rng.choice([1.0, 3.0, 6.0, 12.0, 24.0, 48.0], customers)
    said = level + 0.8 * rng.standard_normal(customers)
    truth = said + rng.standard_normal(customers)
    seen = truth + np.sqrt(k / history) * rng.standard_normal(customers)
    return {
        "expert": expit(said),
        "behaviour": expit(seen),
        "history": history,
        "defaulted": rng.random(customers) < expit(truth),
        "customers": np.arange(customers),
    }


@pytest.mark.parametrize("k", [4.0, 12.0])
def test_k_is_recovered_and_the_blend_beats_both_parents(k):
    found = estimate_k(**world(12_000, k, seed=3))
    assert found.identified
    assert found.low <= k <= found.high
    assert k / 2 < found.k < 2 * k
    table = found.table.set_index("who")
    assert (table.loc[["expert", "behaviour"], "ci_low"] > 0).all()
    assert table["log_loss"].idxmin() == "blend"
    assert "count alike after" in found.finding()


def test_useless_experts_and_useless_behaviour_lead_to_the_ends():
    seen = world(4_000, 6.0, seed=1)
    rng = np.random.default_rng(2)
    noise = expit(-1.5 + 3 * rng.standard_normal(4_000))
    assert estimate_k(**seen | {"expert": noise}).k <= 1
    blind = estimate_k(**seen | {"behaviour": noise})
    assert blind.k > 100 or np.isinf(blind.k)


def test_few_defaulters_leave_the_convention():
    few = world(60, 12.0, seed=5, level=-4.0)
    assert 0 < few["defaulted"].sum() < 10
    found = estimate_k(**few, convention=9.0)
    assert not found.identified
    assert found.k == 9.0
    assert "the data cannot say" in found.finding()
    assert "needs at least 10" in found.doubt
    assert found.plot().get_title().endswith("by convention")


def test_parents_that_agree_say_nothing_of_k():
    seen = world(800, 12.0, seed=6)
    found = estimate_k(**seen | {"behaviour": seen["expert"]})
    assert not found.identified
    assert (found.low, found.k) == (0.0, 12.0)
    assert np.isinf(found.high)


def test_rows_of_a_customer_count_together():
    """Each customer three times over gives the interval of once, not one narrower by the root of three."""
    seen = world(500, 12.0, seed=7)
    once = estimate_k(**seen, seed=1)
    thrice = estimate_k(**{name: np.tile(values, 3) for name, values in seen.items()}, seed=1)
    assert (once.low, once.high, once.k) == (thrice.low, thrice.high, thrice.k)
    assert once.customers == thrice.customers == 500
    kept = thrice.table.iloc[:, 1:].to_numpy(float)
    assert kept == pytest.approx(once.table.iloc[:, 1:].to_numpy(float), rel=1e-9)


def test_the_same_seed_gives_the_same_answer():
    seen = world(600, 12.0, seed=8)
    one, two = (estimate_k(**seen, seed=4) for _ in range(2))
    assert one.table.equals(two.table)
    assert (one.low, one.high) == (two.low, two.high)


def test_loss_at_the_ends_of_the_grid_is_that_of_the_parents():
    found = estimate_k(**world(600, 12.0, seed=9))
    losses, table = found.losses.set_index("k")["log_loss"], found.table.set_index("who")["log_loss"]
    assert losses[0.0] == pytest.approx(table["behaviour"])
    assert losses[np.inf] == pytest.approx(table["expert"])


def test_impossible_rows_are_errors():
    for rows, told in [
        (([0.1], [0.1], [1.0, 2.0], [True], ["a"]), "one value a row"),
        (([], [], [], [], []), "some rows"),
        (([0.1], [np.nan], [1.0], [True], ["a"]), "missing"),
    ]:
        with pytest.raises(ModelError, match=told):
            estimate_k(*rows)
