"""Bounds hold whatever customers would have done."""

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.effects.bounds import bound_schemes, bound_takers, identified_reach

CAPITAL, HORIZON = 0.2, 120


def worth(days):
    return 100 * (1 + CAPITAL) ** (-np.asarray(days, dtype=float) / 365)


def two_worlds(seed, later=0.0):
    """Customers with a past and takers of an offer, and what the takers' invoices are worth without it."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(60), 20)
    usual = rng.uniform(10, 60, 60)[people] + rng.normal(0, 5, people.size)
    usual = usual.clip(0, HORIZON)
    offered = np.tile(np.arange(20) >= 10, 60)
    taken = offered & (rng.random(people.size) < 0.6)
    days = np.where(taken, np.minimum(usual, 10) + later, usual)
    amount = rng.lognormal(8, 1, people.size)
    discount = 0.02 * amount * taken
    rows = pd.DataFrame(
        {
            "customer_id": people,
            "issue_date": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.tile(np.arange(20) * 7, 60), "D"),
            "amount": amount,
            "discount": discount,
            "days": days,
            "value": worth(days) * (1 - discount / amount),
            "offered": offered,
            "taken": taken,
        }
    )
    change = np.average((rows["value"] - worth(usual))[taken], weights=amount[taken])
    return rows, float(change)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_layer_holds_the_truth_and_each_is_within_the_one_before(seed):
    rows, truth = two_worlds(seed)
    table = bound_takers(rows, cost_of_capital=CAPITAL, horizon=HORIZON).table
    assert (table["low"].iloc[:2] <= truth).all()
    assert (table["high"].iloc[:2] >= truth).all()
    assert ((table["ci_low"] <= truth) & (truth <= table["ci_high"])).all()
    assert table["low"].is_monotonic_increasing
    assert table["high"].is_monotonic_decreasing


def test_who_pays_later_for_the_offer_is_outside_the_bounds_that_rule_it_out():
    rows, truth = two_worlds(1, later=55.0)
    table = bound_takers(rows, cost_of_capital=CAPITAL, horizon=HORIZON).table
    assert table["low"].iloc[0] <= truth < table["low"].iloc[1]


def test_bounds_by_hand_without_a_past():
    rows = two_worlds(1)[0]
    rows = rows[rows["offered"]]
    found = bound_takers(rows, cost_of_capital=CAPITAL, horizon=HORIZON)
    taken = rows[rows["taken"]]
    high = np.average(taken["value"] - worth(HORIZON), weights=taken["amount"])
    low = -np.average(2 * worth(taken["days"]) / 100, weights=taken["amount"])
    assert found.with_past == 0
    assert found.table["high"].to_numpy() == pytest.approx([high] * 3)
    assert found.table["low"].iloc[1:].to_numpy() == pytest.approx([low] * 2)


def test_reach_solves_its_equation():
    from scipy.stats import norm

    reach = identified_reach(0.7, 0.5, 0.9)
    assert norm.cdf(reach + 1.4) - norm.cdf(-reach) == pytest.approx(0.9)


def test_the_highest_rate_is_where_nothing_is_left():
    rows = two_worlds(2)[0]
    rows = rows[~rows["offered"]]
    highest = bound_schemes(rows, rates=[0.01], windows=[30], cost_of_capital=CAPITAL)["highest_rate"].iloc[0]
    near = bound_schemes(rows, rates=[highest - 1e-4, highest + 1e-4], windows=[30], cost_of_capital=CAPITAL)
    assert 0 < highest < 0.1
    assert near["net"].iloc[0] > 0 > near["net"].iloc[1]


def test_one_taker_is_refused():
    rows = two_worlds(1)[0]
    with pytest.raises(ModelError, match="1 customers took the offer"):
        bound_takers(rows[rows["customer_id"] == 0], cost_of_capital=CAPITAL, horizon=HORIZON)


def test_picture_and_table_say_the_same():
    import matplotlib.pyplot as plt

    found = bound_takers(two_worlds(1)[0], cost_of_capital=CAPITAL, horizon=HORIZON)
    ax = found.plot(pd.Timestamp("2025-12-31"))
    assert f"{found.table['low'].iloc[0]:+.2f}" in ax.get_title()
    assert f"{found.table['low'].iloc[0]:+.2f}" in found.to_table().title
    assert "per 100 invoiced" in ax.get_xlabel()
    plt.close(ax.figure)
