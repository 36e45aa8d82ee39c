"""The provision verdict: an amount with interval and flip, or a bound."""

from pathlib import Path

import pytest

from arrisk.models.provision.matrix import fit_provision
from arrisk.policy.provisioning import recommend_provision
from arrisk.policy.study import Study
from tests.loss_book import loss_book

HEAD = '[study]\nname = "t"\nas_of = 2024-12-31\ncurrency = "EUR"\nseed = 7\n[ledger]\npath = "x"\n'


def study_of(rate=None):
    practice = f'[assumptions.current_provision_rate]\nvalue = {rate}\nunit = "fraction"\nsource = "test"\n'
    return Study.from_toml(HEAD + (practice if rate is not None else ""), Path("study.toml"))


@pytest.fixture(scope="module")
def matrix():
    return fit_provision(loss_book(lost_share=0.25, recovery=0.2).as_of("2024-12-31"))


def test_the_amount_is_that_of_the_matrix(matrix):
    result = recommend_provision(study_of(), matrix)
    assert result.verdict == "adopt"
    assert result.expected_value.value == matrix.total.value
    assert {o.name for o in result.options} == {"flow-rate matrix", "realised losses of past balances"}
    assert any("averaging" in note for note in result.notes)


def test_the_flip_is_where_the_amount_leaves_its_interval():
    """Check by refitting: at the threshold the provision is the upper end."""
    snapshot = loss_book(lost_share=0.25, recovery=0.2).as_of("2024-10-31")
    matrix = fit_provision(snapshot)
    flip = recommend_provision(study_of(), matrix).flip
    if flip.parameter.startswith("loss share"):
        refit = fit_provision(snapshot, terminal_loss=flip.threshold)
        assert refit.total.value == pytest.approx(matrix.total.high, rel=1e-3)
    else:
        assert matrix.diagnostics["terminal_loss"] * flip.threshold >= 1
        assert flip.threshold == pytest.approx(matrix.total.high / matrix.total.value)


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "keep"), (0.05, "adopt"), (20.0, "adopt")])
def test_todays_practice_is_kept_only_inside_the_interval(matrix, factor, verdict):
    share = factor * matrix.total.value / matrix.table["balance"].sum()
    result = recommend_provision(study_of(share), matrix)
    assert result.verdict == verdict
    assert result.flip.current == pytest.approx(factor * matrix.total.value, rel=1e-3)
    assert len(result.options) == 3
    assert result.answer.split()[0] == {1.0: "Keep", 0.05: "Raise", 20.0: "Lower"}[factor]


def test_without_losses_a_bound_and_no_amount():
    matrix = fit_provision(loss_book(lost_share=0.0, invoices=1500).as_of("2024-12-31"))
    result = recommend_provision(study_of(0.01), matrix)
    assert result.verdict == "the data cannot say"
    assert result.expected_value is None
    assert "at most EUR" in result.answer
    assert result.options[0].value is None
    assert result.options[0].high == matrix.total.high
