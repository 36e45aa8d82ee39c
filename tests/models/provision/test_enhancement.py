"""Terms of enhancements, their order, and what is left of a debt after them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.provision.enhancement import Enhancement, secured_by

DAY = pd.Timestamp("2025-12-31")
EXCESS_FIRST = ("limit", "deductible", "share")
SHARE_FIRST = ("limit", "share", "deductible")
RATES = np.array([[0.1, 0.5], [0.1, 0.5], [0.2, 0.4]])
OWED = np.array([[600_00.0, 400_00.0], [500_00.0, 0.0], [0.0, 300_00.0]])
CUSTOMERS, SEGMENTS = np.array(["a", "b", "c"]), np.array(["x", "x", "y"])


def one(name="e", integral=True, **terms):
    return Enhancement(name, "insurance", integral, "as signed", **terms)


def secure(*enhancements, owed=OWED, rates=RATES, day=DAY):
    return secured_by(enhancements, owed, rates, CUSTOMERS, SEGMENTS, day)


@pytest.mark.parametrize(
    ("terms", "owed", "paid"),
    [
        ({"limit": 1_000_000.0, "share": 0.9}, 950_000.0, 855_000.0),
        ({"limit": 500_000.0, "share": 0.9}, 800_000.0, 450_000.0),
        ({"deductible": 5_000.0, "share": 0.9, "order": EXCESS_FIRST}, 50_000.0, 40_500.0),
        ({"deductible": 500.0, "share": 0.9, "order": SHARE_FIRST}, 75_000.0, 67_000.0),
        ({"deductible": 500.0}, 300.0, 0.0),
    ],
)
def test_terms_pay_as_published(terms, owed, paid):
    np.testing.assert_allclose(one(**terms).pays([owed]), [paid])


def test_the_order_must_be_given_where_it_matters():
    with pytest.raises(ModelError, match="order"):
        one(deductible=500.0, share=0.9)
    with pytest.raises(ModelError, match="once each"):
        one(deductible=500.0, share=0.9, order=("limit", "share"))


def test_the_first_loss_of_the_year_is_kept_of_expected_losses():
    """Expected losses 60 + 200 + 50 + 120 = 430, first loss 130: 300 / 430 of each is paid."""
    found = secure(one(annual_first_loss=130.0))
    np.testing.assert_allclose(found.covered, OWED)
    np.testing.assert_allclose(found.integral, OWED * 300 / 430)
    assert (found.integral * RATES).sum() / 100 == pytest.approx(300.0)
    assert secure(one(annual_first_loss=500.0)).integral.sum() == 0


def test_a_first_loss_counts_nothing_where_no_rate_is_known():
    rates = RATES.copy()
    rates[2] = np.nan
    found = secure(one(annual_first_loss=10.0), rates=rates)
    np.testing.assert_allclose(found.integral[:2], OWED[:2] * 300 / 310)
    assert found.integral[2].sum() == 0


def test_the_provider_may_fail_and_waiting_costs_interest():
    found = secure(one(provider_default=0.1, waiting_days=365, discount_rate=0.25))
    np.testing.assert_allclose(found.integral, OWED * 0.9 / 1.25)
    np.testing.assert_allclose(found.covered, OWED)


def test_the_next_applies_to_what_the_first_leaves():
    found = secure(one("policy", share=0.9), one("parent", integral=False, limit=70.0, customer_id="a"))
    assert found.covered.sum(axis=1).tolist() == pytest.approx([970_00.0, 450_00.0, 270_00.0])
    assert found.separate.sum(axis=1).tolist() == pytest.approx([70_00.0, 0.0, 0.0])
    np.testing.assert_allclose(found.separate[0], [42_00.0, 28_00.0])
    other = secure(one("parent", integral=False, limit=70.0, customer_id="a"), one("policy", share=0.9))
    assert other.covered.sum(axis=1)[0] == pytest.approx(70_00.0 + 0.9 * 930_00.0)
    assert found.table["enhancement"].tolist() == ["policy", "parent"]
    assert found.table["exposure"].tolist() == pytest.approx([1800.0, 100.0])


def test_it_covers_whom_it_names_while_in_force():
    assert secure(one(segment="y")).covered.sum(axis=1).tolist() == [0.0, 0.0, 300_00.0]
    late = one(valid_from="2026-01-01")
    over = one(valid_to="2025-12-30")
    last = one(valid_from="2025-12-31", valid_to="2025-12-31", customer_id="c")
    found = secure(late, over, last)
    assert found.covered.sum() == 300_00.0
    assert found.table["treatment"].str.contains("not in force").tolist() == [True, True, False]
    for stranger in ({"customer_id": "z"}, {"segment": "z"}):
        with pytest.raises(ModelError, match="does not know"):
            secure(one(**stranger))


def test_what_is_shown_apart_is_recognised_only_when_virtually_certain():
    found = secure(one("a", False, customer_id="a"), one("b", False, customer_id="b", virtually_certain=True))
    assert found.integral.sum() == 0
    np.testing.assert_allclose(found.separate.sum(axis=1), [1000_00.0, 500_00.0, 0.0])
    np.testing.assert_allclose(found.certain.sum(axis=1), [0.0, 500_00.0, 0.0])
    assert found.table["treatment"].str.contains("not recognised").tolist() == [True, False]


@pytest.mark.parametrize(
    "terms",
    [
        {"share": 1.1},
        {"limit": -1.0},
        {"provider_default": 2.0},
        {"deductible": -1.0},
        {"customer_id": "a", "segment": "x"},
        {"virtually_certain": True},
        {"discount_rate": float("nan")},
    ],
)
def test_terms_out_of_range_are_errors(terms):
    with pytest.raises(ModelError):
        one(**terms)


def test_the_reason_is_asked_for():
    with pytest.raises(ModelError, match="why it is not integral"):
        Enhancement("e", "insurance", False, " ")


@given(
    terms=st.lists(
        st.fixed_dictionaries(
            {
                "limit": st.floats(0, 2000),
                "share": st.floats(0, 1),
                "deductible": st.floats(0, 500),
                "annual_first_loss": st.floats(0, 100),
                "provider_default": st.floats(0, 1),
                "order": st.permutations(EXCESS_FIRST).map(tuple),
                "integral": st.booleans(),
                "segment": st.sampled_from([None, "x", "y"]),
            }
        ),
        max_size=4,
    )
)
def test_never_more_is_secured_than_is_owed(terms):
    found = secure(*(one(f"e{i}", **t) for i, t in enumerate(terms)))
    assert (found.covered <= OWED * (1 + 1e-12)).all()
    assert (found.integral + found.separate <= found.covered * (1 + 1e-12)).all()
    assert (found.certain <= found.separate).all()
