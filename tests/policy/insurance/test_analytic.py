"""The cover given to methods without simulation pays what the simulation pays."""

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.models.losses.simulation import simulate_losses
from arrisk.policy.insurance.retained import retain
from arrisk.policy.insurance.steps import EXCESS_FIRST, SHARE_LAST
from arrisk.policy.insurance.terms import PolicyTerms

SALES = np.full(30, 500.0)
USUAL = {
    "insured_share": 0.8,
    "buyer_limit": 200,
    "aggregate_first_loss": 60,
    "maximum_liability": 300,
    "named_limits": {"3": 40},
}
MIXED = ("buyer_limit", "maximum_liability", "insured_share", "aggregate_first_loss")


@pytest.fixture(scope="module")
def runs():
    owed = np.random.default_rng(2).lognormal(5, 1, 30)
    return simulate_losses(make_portfolio(0.05, owed, 0.6, 0.2), Dependence(0.15), draws=2_000, seed=3)


@pytest.mark.parametrize(
    "change",
    [
        {"each_and_every": 10, "non_qualifying_loss": 20},
        {"each_and_every": 10, "order": EXCESS_FIRST, "discretionary_share": 0.6},
        {"threshold": 15, "order": SHARE_LAST},
        {"order": MIXED},
        {"maximum_liability_multiple": 8.0, "premium_rate": 0.002},
    ],
)
def test_cover_and_simulation_pay_the_same(runs, change):
    terms = PolicyTerms(**{**USUAL, **change})
    cover = terms.cover(runs.portfolio, SALES).check(runs.portfolio)
    gross, net = runs.by_draw(cover.covered), runs.by_draw(cover.covered, lost=True)
    found = retain(runs, terms, SALES)
    np.testing.assert_allclose(cover.paid(gross), found.indemnity, atol=1e-9)
    np.testing.assert_allclose(net * cover.paid_share(gross), found.insured, atol=1e-9)


def test_terms_without_a_place_are_named(runs):
    late = PolicyTerms(each_and_every=5, order=("aggregate_first_loss", "each_and_every", "insured_share"))
    with pytest.raises(ModelError, match="each_and_every"):
        late.cover(runs.portfolio)
    with pytest.raises(ModelError, match="downturn_cut"):
        PolicyTerms(downturn_cut=0.5).cover(runs.portfolio)
    with pytest.raises(ModelError, match="sales"):
        PolicyTerms(maximum_liability_multiple=30, premium_rate=0.001).cover(runs.portfolio)
