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
