"""Published cases of granting credit and changing its terms, to the printed digit."""

import pytest

from arrisk.policy.granting import grant_or_refuse, granting_value, policy_change, switch_to_credit


@pytest.mark.parametrize(("days", "printed"), [(30, 15_931), (40, 15_575)])
def test_stylish_fashions(days, printed):
    change = policy_change(
        (100e3, 150e3),
        (0, days),
        variable_cost=0.6,
        cost_of_capital=0.10,
        bad_debt=(0.0, 0.02),
        carry="incremental",
    )
    assert int(change.profit) == printed


@pytest.mark.parametrize(
    ("conventions", "printed"),
    [({"year": 360}, 2_812), ({"year": 365, "turnover_digits": 1}, 2_826), ({"year": 365}, 2_848)],
)
def test_dodd_tool(conventions, printed):
    change = policy_change(
        (60_000 * 10, 63_000 * 10),
        (30, 45),
        variable_cost=0.6,
        cost_of_capital=0.15,
        bad_debt=(0.01, 0.02),
        **conventions,
    )
    assert round(change.profit) == printed
    assert str(conventions["year"]) in change.convention


def test_max_company_starts_a_cash_discount():
    """Gitman: 1,100 to 1,150 computers at 3,000, variable cost 2,300, 40 to 30 days, 2% taken by 80%, 14%."""
    change = policy_change(
        (1_100 * 3_000, 1_150 * 3_000),
        (40, 30),
        variable_cost=2_300 / 3_000,
        cost_of_capital=0.14,
        discounts=(0.0, 0.02 * 0.80),
    )
    assert (round(change.contribution), round(-change.carrying_cost)) == (35_000, 8_381)
    assert (round(change.discounts), round(change.profit)) == (55_200, -11_819)


def test_carry_bases_differ_and_an_unknown_one_is_refused():
    def profit(carry):
        return policy_change(
            (100.0, 150.0), (20, 30), variable_cost=0.6, cost_of_capital=0.1, carry=carry
        ).profit

    assert profit("cost") > profit("incremental") > profit("price")
    with pytest.raises(ValueError, match="allowed are cost, price, incremental"):
        profit("margin")


def test_ross_20a1():
    assert switch_to_credit(175, 130, (1000, 1100), period_rate=0.02) == (188_000, 37_000)


def test_cast_iron():
    case = grant_or_refuse(1200, 1000, 0.8, pays_again=0.95, repeat_factor=0.9)
    assert (round(case.first, 9), round(case.repeat, 9)) == (-40, 140)
    assert case.total == pytest.approx(-40 + 0.8 * 0.9 * 140)
    assert round(case.break_even, 4) == 0.8333


@pytest.mark.parametrize(
    ("prior", "periods", "printed"),
    [((4, 1), 1, 0.0), ((4, 1), 5, 19.98), ((4, 1), 20, 193.06), ((40, 10), 20, 0.0)],
)
def test_uncertainty_has_value(prior, periods, printed):
    value = granting_value(200, 1000, paid=prior[0], defaulted=prior[1], periods=periods, factor=1 / 1.1)
    assert round(value, 2) == printed


@pytest.mark.parametrize(("paid", "defaulted"), [(0, 1), (4, 0), (-1, 2)])
def test_a_prior_needs_two_positive_parameters(paid, defaulted):
    with pytest.raises(ValueError, match="both parameters greater than 0"):
        granting_value(200, 1000, paid=paid, defaulted=defaulted, periods=5, factor=0.9)


def test_the_value_by_all_ways_an_account_can_go():
    """Two orders by hand: the second is granted only if the first was paid and it then pays to."""
    first, second = 4.5 / 5.5, 5.5 / 6.5
    go_on = max(0.0, second * 200 - (1 - second) * 1000)
    by_hand = max(0.0, first * (200 + go_on / 1.1) - (1 - first) * 1000)
    assert granting_value(200, 1000, paid=4.5, defaulted=1, periods=2, factor=1 / 1.1) == pytest.approx(
        by_hand
    )
