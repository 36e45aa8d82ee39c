"""Three readings of a discount's VAT, to the printed digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.policy.vat import vat_with_discount


@pytest.mark.parametrize(
    ("mode", "invoiced", "paid"),
    [("included", 121.00, 118.58), ("excluded", 121.00, 119.00), ("mixed", 120.58, 118.58)],
)
def test_vat_modes(mode, invoiced, paid):
    invoice = vat_with_discount(100, 0.02, 0.21, mode)
    assert (round(invoice.invoiced, 2), round(invoice.paid_early, 2)) == (invoiced, paid)
    assert f"21% VAT {mode}" in invoice.convention


@given(st.floats(0, 0.99), st.floats(0, 0.5), st.sampled_from(["included", "excluded", "mixed"]))
def test_the_seller_gives_away_the_discount_on_the_net_price_whatever_the_tax(rate, vat, mode):
    invoice = vat_with_discount(100, rate, vat, mode)
    assert invoice.cost == pytest.approx(100 * rate, abs=1e-9)
    assert invoice.paid_early - invoice.tax_paid_early == pytest.approx(100 * (1 - rate), abs=1e-9)


def test_without_vat_the_readings_agree():
    amounts = {vat_with_discount(100, 0.02, 0.0, m).paid_early for m in ("included", "excluded", "mixed")}
    assert amounts == {98.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((100, 0.02, 0.21, "odd"), "allowed are included, excluded, mixed"),
        ((100, 1.0, 0.21, "mixed"), "rate = 1.0"),
        ((100, 0.02, -0.1, "mixed"), "vat = -0.1"),
    ],
)
def test_inputs_out_of_range_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        vat_with_discount(*arguments)
