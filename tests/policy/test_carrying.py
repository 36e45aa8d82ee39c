"""What receivables cost to carry, against sums done by hand and a textbook case."""

import pytest

from arrisk.policy.carrying import carrying_cost, collection_years
from arrisk.policy.granting import policy_change


def test_dodd_tool_as_the_difference_of_two_carrying_costs():
    """Gitman: 60,000 to 63,000 units of price 10, collected in 30 and then 45 days, at cost, 15%."""
    options = {"cost_of_capital": 0.15, "basis": "cost", "variable_cost": 0.6, "year": 360}
    before, after = carrying_cost(600e3, 30, **options), carrying_cost(630e3, 45, **options)
    assert (before.investment, after.investment) == (30_000, 47_250)
    assert after.cost - before.cost == pytest.approx(2_587.5)
    change = policy_change((600e3, 630e3), (30, 45), variable_cost=0.6, cost_of_capital=0.15, year=360)
    assert after.cost - before.cost == pytest.approx(change.carrying_cost)


@pytest.mark.parametrize(
    ("options", "cost"),
    [
        ({}, 365e3 * 0.1 * 36.5 / 365),
        ({"year": 360}, 365e3 * 0.1 * 36.5 / 360),
        ({"basis": "cost", "variable_cost": 0.6}, 0.6 * 365e3 * 0.01),
        ({"compound": True}, 365e3 * (1.1**0.1 - 1)),
        ({"turnover_digits": 0}, 365e3 * 0.1 / 10),
    ],
)
def test_every_convention(options, cost):
    assert carrying_cost(365e3, 36.5, cost_of_capital=0.1, **options).cost == pytest.approx(cost)


def test_the_convention_is_printed():
    words = carrying_cost(1.0, 45, cost_of_capital=0.1, year=360, compound=True, turnover_digits=1).convention
    assert words == "carried at price, 45 days of 360, compound interest, turnover rounded to 1 digits"


def test_customers_who_pay_at_once_cost_nothing():
    assert carrying_cost(1e6, 0, cost_of_capital=0.1, turnover_digits=1).cost == 0
    assert collection_years(45, 365, 1) == 1 / 8.1


@pytest.mark.parametrize(
    ("days", "basis", "message"), [(-1, "price", "days = -1"), (30, "margin", "allowed are price, cost")]
)
def test_inputs_out_of_range_are_named(days, basis, message):
    with pytest.raises(ValueError, match=message):
        carrying_cost(1.0, days, cost_of_capital=0.1, basis=basis)
