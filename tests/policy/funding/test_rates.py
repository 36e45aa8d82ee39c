"""The annual rate of dated flows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.policy.arithmetic import factoring_benefit
from arrisk.policy.funding.facility import Facility
from arrisk.policy.funding.rates import effective_rate, simple_rate


def test_joan_co():
    """A published case: factoring 15.6m of sales against an overdraft."""
    found = factoring_benefit(
        15.6e6, 3.8e6, reduction=0.3, overdraft_rate=0.08, fee_rate=0.005, advance_share=0.8,
        advance_rate=0.09, admin_saving=20_000,
    )  # fmt: skip
    assert found == pytest.approx(11_920)


def test_a_loan_costs_its_rate():
    assert effective_rate([0, 365], [100, -109]) == pytest.approx(0.09)
    monthly = effective_rate(np.arange(13) * 365 / 12, [1000, *[-10] * 11, -1010])
    assert monthly == pytest.approx(1.01**12 - 1)


def test_two_percent_in_ten_days_of_thirty():
    """98 now or 100 in twenty days: the textbook's 44.6% compounded, 37.2% (of 365 days) simple."""
    assert effective_rate([0, 20], [98, -100]) == pytest.approx((100 / 98) ** (365 / 20) - 1)
    assert effective_rate([0, 20], [98, -100]) == pytest.approx(0.4459, abs=1e-4)
    assert simple_rate(2, 98, days=20) == pytest.approx(0.3724, abs=1e-4)


@given(st.floats(0.001, 2.0), st.floats(1.0, 1e9), st.integers(1, 3000))
def test_the_rate_solves_the_flows(rate, cash, days):
    owed = cash * (1 + rate) ** (days / 365)
    assert effective_rate([0, days], [cash, -owed]) == pytest.approx(rate, rel=1e-7)


@pytest.mark.parametrize("flows", [[100, 100], [100, -250, 160], [0, 0]])
def test_flows_without_one_rate_are_an_error(flows):
    with pytest.raises(ModelError, match="once"):
        effective_rate(range(len(flows)), flows)


def test_a_facility_is_its_flows():
    year = Facility(1000.0, 2000.0, {"interest": 60.0, "set-up": 12.0, "saved in the office": -5.0})
    assert year.check() == pytest.approx(-year.cost)
    assert year.cost == 67.0
    assert year.simple == pytest.approx(0.067)
    flows = year.flows
    assert flows.loc[flows["component"] == "set-up", "day"].tolist() == [0]
    at = (flows["amount"] * (1 + year.rate) ** (-flows["day"] / 365)).sum()
    assert at == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(Facility(0.0, 0.0, {}).rate)
