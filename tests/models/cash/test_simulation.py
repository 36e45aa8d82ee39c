from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.cash.settlement import AGE_EDGES, Settlement
from arrisk.models.cash.shock_draws import ShockDraws, stop_together
from arrisk.models.cash.shocks import NO_SHOCKS, Shocks
from arrisk.models.cash.simulation import CHUNK, FLOWS, VolumeError, simulate_cash
from arrisk.models.timing.rates import DailyRates

DAYS = 60


def shocks_of(variance: float = 0.0, scale: float = 0.0, keep: float = 0.0) -> Shocks:
    draws = ShockDraws(np.array([variance]), np.array([scale]), np.array([keep]), np.ones(1))
    return Shocks(variance, scale, keep, draws, NO_SHOCKS.windows, True, None)


def rates_of(items: int, seed: int = 1, kinds: int = 7) -> DailyRates:
    rng = np.random.default_rng(seed)
    paid, lost = rng.uniform(0, 0.08, (kinds, DAYS)), rng.uniform(0, 0.01, (kinds, DAYS))
    paid[:, 5::7] = lost[:, 5::7] = 0.0
    return DailyRates(paid, lost, rng.integers(0, kinds, items))


def items_of(items: int, customers: int = 5, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    who = [f"c{k}" for k in rng.integers(0, customers, items)]
    return pd.DataFrame({"customer_id": who, "minor": rng.integers(1, 10**6, items)})


def test_expected_cash_is_that_of_the_rates():
    items, rates = items_of(80), rates_of(80)
    drawn = simulate_cash(items, rates, NO_SHOCKS, DAYS, 4000, seed=3)
    path, lost = rates.paths(), rates.losses()
    for flow, chance in (("cash", path), ("write_offs", lost)):
        exact = items["minor"].to_numpy() @ chance
        spread = np.sqrt((items["minor"].to_numpy() ** 2 @ (chance * (1 - chance))) / 4000)
        z = (drawn.flow(flow).mean(axis=0) - exact)[exact > 0] / spread[exact > 0]
        assert stats.kstest(z, "norm").pvalue > 1e-3
    assert (drawn.cash[:, 5::7] == 0).all()


@pytest.mark.parametrize("variance", [0.2, 3.0])
def test_frailty_leaves_each_item_its_own_rates(variance):
    """Clayton's copula: exponential margins whatever the variance, and its covariance within a customer."""
    items = pd.DataFrame({"customer_id": ["a", "a", "b"], "minor": [1, 1, 1]})
    rates = DailyRates(np.full((1, 2), 0.35), np.zeros((1, 2)), np.zeros(3, dtype=np.int64))
    gone = np.stack(
        [
            simulate_cash(items, rates, shocks_of(variance), 1, 20_000, 4, groups=["x", "y", "z"]).minor[
                :, 0, g, 1
            ]
            for g in range(3)
        ]
    )
    chance = 1 - np.exp(-0.35)
    assert np.abs(gone.mean(axis=1) - chance).max() < 4 * np.sqrt(chance * (1 - chance) / 20_000)
    both = (2 * np.exp(variance * 0.35) - 1) ** (-1 / variance) - np.exp(-0.7)
    cov = np.cov(gone)
    assert cov[0, 1] == pytest.approx(both, abs=0.006)
    assert cov[0, 2] == pytest.approx(0.0, abs=0.006)


def test_common_shock_moves_the_whole_book():
    items = pd.DataFrame({"customer_id": [f"c{k}" for k in range(400)], "minor": 1})
    rates = DailyRates(np.full((1, 1), 0.3), np.zeros((1, 1)), np.zeros(400, dtype=np.int64))
    alone = simulate_cash(items, rates, NO_SHOCKS, 1, 2000, 5).cash[:, 0]
    moved = simulate_cash(items, rates, shocks_of(scale=0.2), 1, 2000, 5).cash[:, 0]
    binomial = 400 * np.exp(-0.3) * (1 - np.exp(-0.3))
    assert alone.var() == pytest.approx(binomial, rel=0.12)
    assert moved.var() == pytest.approx(binomial + (400 * 0.3 * np.exp(-0.3) * 0.2) ** 2, rel=0.12)
    assert moved.mean() == pytest.approx(alone.mean(), rel=0.02)


def test_persistence_ties_the_periods():
    draws = shocks_of(scale=0.3, keep=0.9).sampler().draw(20_000, 1, 3, np.random.default_rng(6))[2]
    logs = np.corrcoef(np.log(draws).T)
    assert logs[0, 1] == pytest.approx(0.9, abs=0.02)
    assert logs[0, 2] == pytest.approx(0.81, abs=0.03)
    assert draws.mean() == pytest.approx(1.0, abs=0.02)


@pytest.mark.slow
def test_draws_do_not_depend_on_workers():
    items, rates = items_of(30), rates_of(30)
    one = simulate_cash(items, rates, shocks_of(0.3, 0.1), DAYS, 2 * CHUNK + 7, 7)
    two = simulate_cash(items, rates, shocks_of(0.3, 0.1), DAYS, 2 * CHUNK + 7, 7, workers=2)
    np.testing.assert_array_equal(one.minor, two.minor)
    np.testing.assert_array_equal(one.closing, two.closing)
    more = simulate_cash(items, rates, shocks_of(0.3, 0.1), DAYS, 4 * CHUNK, 7)
    np.testing.assert_array_equal(one.minor[: 2 * CHUNK], more.minor[: 2 * CHUNK])


def test_open_items_keep_their_draws_when_sales_are_added():
    items, rates = items_of(30, customers=4), rates_of(50)
    sales = items_of(20, customers=4, seed=8).assign(copies=0.7, issued=3)
    both = pd.concat([items.assign(copies=np.nan, issued=-4), sales], ignore_index=True)
    where = ["book"] * 30 + ["sales"] * 20
    alone = simulate_cash(
        items, DailyRates(rates.paid, rates.lost, rates.kind[:30]), shocks_of(0.3, 0.1), DAYS, 60, 9
    )
    joint = simulate_cash(both, rates, shocks_of(0.3, 0.1), DAYS, 60, 9, groups=where)
    np.testing.assert_array_equal(joint.minor[:, :, 0], alone.minor[:, :, 0])
    assert joint.flow("sales").sum() > 0


def test_expected_sales_happen_as_often_as_expected():
    rng = np.random.default_rng(10)
    items = items_of(40).assign(copies=rng.uniform(0, 1, 40), issued=rng.integers(1, 29, 40))
    drawn = simulate_cash(items, rates_of(40), NO_SHOCKS, 28, 4000, 11)
    amount, copies = items["minor"].to_numpy(), items["copies"].to_numpy()
    exact = np.bincount(items["issued"] - 1, weights=amount * copies, minlength=28)
    spread = np.sqrt(np.bincount(items["issued"] - 1, weights=amount**2 * copies, minlength=28) / 4000)
    some = exact > 0
    z = (drawn.flow("sales").mean(axis=0) - exact)[some] / spread[some]
    assert np.abs(z).max() < 4.5
    wide = simulate_cash(items, rates_of(40), NO_SHOCKS, 28, 4000, 11, volume=VolumeError(0.3, 0.0))
    ratio = wide.flow("sales").sum(axis=1).var() / drawn.flow("sales").sum(axis=1).var()
    assert ratio > 1.3


def test_every_draw_balances_to_the_cent():
    items = items_of(50).assign(
        copies=[np.nan] * 30 + [0.8] * 20, issued=[-5] * 30 + list(range(1, 21)), offered=[0, 1] * 25
    )
    settlement = Settlement(np.full((2, len(AGE_EDGES) + 1), 0.0137), np.full(len(AGE_EDGES) + 1, 0.31))
    groups = ["x", "y"] * 25
    drawn = simulate_cash(
        items, rates_of(50), shocks_of(0.5, 0.2), DAYS, 100, 12, groups=groups, settlement=settlement
    )
    flows = drawn.minor.sum(axis=1)
    assert (flows > 0).any(axis=(0, 1)).all()
    left = drawn.opening + flows[:, :, 0] - flows[:, :, 1:].sum(axis=2)
    np.testing.assert_array_equal(left, drawn.closing)
    assert (drawn.closing >= 0).all()
    assert drawn.minor.dtype == np.int64
    assert FLOWS[0] == "sales"


def test_large_amounts_stay_exact():
    big = 2**53 + 1
    items = pd.DataFrame({"customer_id": ["a"] * 3, "minor": np.full(3, big)})
    rates = DailyRates(np.full((1, 1), 60.0), np.zeros((1, 1)), np.zeros(3, dtype=np.int64))
    assert (simulate_cash(items, rates, NO_SHOCKS, 1, 2).cash == 3 * big).all()


def test_what_cannot_be_drawn_is_refused():
    items, rates = items_of(5), rates_of(5)
    with pytest.raises(ModelError, match="no items"):
        simulate_cash(items.iloc[:0], rates, NO_SHOCKS)
    with pytest.raises(ModelError, match="do not fit"):
        simulate_cash(items, rates, NO_SHOCKS, DAYS + 1)
    with pytest.raises(ModelError, match="whole minor units"):
        simulate_cash(items.assign(minor=-1), rates, NO_SHOCKS, DAYS)
    with pytest.raises(ModelError, match="whole minor units"):
        simulate_cash(items.assign(minor=0.5), rates, NO_SHOCKS, DAYS)


@pytest.mark.parametrize("chance", [0.02, 0.3])
def test_customers_that_stop_leave_each_item_its_own_rates(chance):
    """Needs stay exponential; items of a customer stay unpaid together as often as it stops."""
    rng = np.random.default_rng(12)
    stopped = np.repeat(rng.random(60_000) < chance, 2)
    need = stop_together(rng.standard_exponential(stopped.size), np.full(stopped.size, chance), stopped)
    assert need.mean() == pytest.approx(1.0, abs=0.02)
    assert (need < 0.5).mean() == pytest.approx(-np.expm1(-0.5), abs=0.006)
    beyond = (need > -np.log(chance)).reshape(-1, 2)
    assert (beyond[:, 0] == beyond[:, 1]).all()
    assert beyond.mean() == pytest.approx(chance, abs=0.006)
    kept = stop_together(need, np.zeros(need.size), np.zeros(need.size, dtype=bool))
    np.testing.assert_array_equal(kept, need)
