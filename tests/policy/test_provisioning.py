"""The provision verdict: an amount with interval and flip, or a bound."""

from dataclasses import replace
from pathlib import Path

import pytest

from arrisk.models.loss_rates.comparison import compare_loss_rates
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.individual import Assessment
from arrisk.models.provision.provision import make_provision
from arrisk.policy.provisioning import recommend_provision
from arrisk.policy.study import Study
from tests.loss_book import loss_book

HEAD = '[study]\nname = "t"\nas_of = 2024-12-31\ncurrency = "EUR"\nseed = 7\n[ledger]\npath = "x"\n'


def study_of(rate=None):
    practice = f'[assumptions.current_provision_rate]\nvalue = {rate}\nunit = "fraction"\nsource = "test"\n'
    return Study.from_toml(HEAD + (practice if rate is not None else ""), Path("study.toml"))


@pytest.fixture(scope="module")
def snapshot():
    return loss_book(lost_share=0.25, recovery=0.2).as_of("2024-12-31")


@pytest.fixture(scope="module")
def provision(snapshot):
    return make_provision(snapshot)


def test_the_amount_is_that_of_the_provision(provision):
    result = recommend_provision(study_of(), provision)
    assert result.verdict == "adopt"
    assert result.expected_value.value == provision.total.value
    assert [option.name for option in result.options] == ["the stated basis"]
    assert "no accounting framework claimed" in result.scope
    assert any("averaging" in note for note in result.notes)


def test_the_flip_is_the_debt_that_leaves_the_interval(snapshot, provision):
    """Check by judging that customer lost: a little more than its provision, and the amount is outside."""
    flip = recommend_provision(study_of(), provision).flip
    assert flip.threshold == pytest.approx(provision.total.high - provision.total.value)
    rows = provision.by_customer
    unprovided = rows["exposure"] - rows["provision"]
    assert flip.current == pytest.approx(unprovided.max())
    worst = rows.loc[unprovided.astype(float).idxmax()]
    judged = Assessment(worst["customer_id"], "2024-12-31", "A. Auditor", "insolvent", "file 7", rate=1.0)
    alone = make_provision(snapshot, Basis(assessments=(judged,)))
    outside = alone.total.value > provision.total.high
    assert outside == (flip.current > flip.threshold)
    assert ("no customer owes that much" in flip.sentence) == (not outside)


def test_other_ways_rate_the_same_pool(snapshot):
    customer = str(make_provision(snapshot).by_customer["customer_id"].iloc[0])
    judged = Assessment(customer, "2024-12-31", "A. Auditor", "insolvent", "file 7", rate=1.0)
    basis = Basis(assessments=(judged,))
    provision = make_provision(snapshot, basis)
    methods = ("net_flow", "roll", "realised")
    result = recommend_provision(study_of(), provision, compare_loss_rates(snapshot, methods))
    assert [option.name for option in result.options][1:] == ["roll rates", "past balances followed"]
    for option, method in zip(result.options[1:], methods[1:], strict=True):
        other = make_provision(snapshot, replace(basis, method=method)).total
        assert option.value == pytest.approx(other.value, abs=0.05)
        assert option.low == pytest.approx(other.low, rel=1e-6)
        assert option.high == pytest.approx(other.high, rel=1e-6)


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "keep"), (0.05, "adopt"), (20.0, "adopt")])
def test_todays_practice_is_kept_only_inside_the_interval(provision, factor, verdict):
    share = factor * provision.total.value / provision.table["gross"].sum()
    result = recommend_provision(study_of(share), provision)
    assert result.verdict == verdict
    assert result.flip.current == pytest.approx(factor * provision.total.value, rel=1e-3)
    assert len(result.options) == 2
    assert result.answer.split()[0] == {1.0: "Keep", 0.05: "Raise", 20.0: "Lower"}[factor]


def test_without_losses_a_bound_and_no_amount():
    provision = make_provision(loss_book(lost_share=0.0, invoices=1500).as_of("2024-12-31"))
    result = recommend_provision(study_of(0.01), provision)
    assert result.verdict == "the data cannot say"
    assert result.expected_value is None
    assert "at most EUR" in result.answer
    assert result.options[0].value is None
    assert result.options[0].high == provision.total.high
