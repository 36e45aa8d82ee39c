"""The price of a discount by its terms and by the days really gained."""

import math

import pytest

from arrisk.policy.discount_price import price_discount


def test_the_five_printed_prices_of_two_ten_net_thirty_are_in_the_table():
    table = price_discount(0.02, 10, 30).table.set_index(["base", "year", "interest"])["by_terms"]
    printed = {
        ("price", 360, "simple"): 36.00,
        ("paid", 360, "simple"): 36.73,
        ("paid", 365, "simple"): 37.24,
        ("paid", 365, "compound"): 44.59,
        ("paid", 360, "compound"): 43.86,
    }
    assert {key: round(100 * table[key], 2) for key in printed} == printed


def test_payers_late_anyway_make_it_cheaper_and_payers_early_anyway_pure_cost():
    late = price_discount(0.02, 10, 30, paid_days=(43, 10.5))
    assert late.actual == pytest.approx(0.02 / 0.98 * 365 / 32.5)
    assert late.actual < late.by_terms
    early = price_discount(0.02, 10, 30, paid_days=(9, 9))
    assert math.isinf(early.actual)
    assert "all of it is given away" in early.finding()
    assert price_discount(0.0, 10, 30, paid_days=(9, 9)).actual == 0.0


def test_day_count_base_and_accelerated_days_are_printed():
    price = price_discount(0.02, 10, 30, paid_days=(50, 12), year=360, base="price", compound=True)
    for words in ("20 days", "38 days", "the list price", "360 days", "compound"):
        assert words in repr(price)
    assert "unbounded" in price_discount(0.02, 10, 30, paid_days=(5, 5))._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"), [((0.02, 30, 30), "net_days = 30"), ((1.0, 10, 30), "rate = 1.0")]
)
def test_inputs_out_of_range_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        price_discount(*arguments)
