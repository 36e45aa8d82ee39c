"""The inputs of a year's loss with a study's definition and assumptions."""

from dataclasses import replace

import pytest

from arrisk.errors import StudyError
from arrisk.models.defaults.experience import read_default_experience
from arrisk.policy.assumptions import KNOWN, Assumption
from arrisk.policy.default_counts import define_default
from arrisk.policy.loss_basis import correlation_prior, make_loss_model
from tests.ledger.frames import invoice, ledger_of


@pytest.fixture(scope="module")
def snapshot(sample_study):
    return sample_study.snapshot()


def given(study, **ranges):
    """The study with other ranges of some assumptions."""
    kept = [a for a in study.assumptions if a.name not in ranges]
    new = [Assumption(n, v, lo, hi, KNOWN[n].unit, "test") for n, (v, lo, hi) in ranges.items()]
    return replace(study, assumptions=(*kept, *new))


def test_the_sample_is_read_with_its_own_definition(sample_study, snapshot):
    model = make_loss_model(sample_study, None, snapshot)
    seen = read_default_experience(snapshot, define_default(sample_study))
    assert model.identified
    assert model.level == seen.rate
    assert round(float(model.book.parts["balance"].iloc[:3].sum()) * 100) == snapshot.open_minor
    assert (model.posterior.prior.low, model.posterior.prior.high) == (0.05, 0.25)
    assert len(model.portfolio.industries) > 3
    # One counted year cannot tell the correlation, and leaves the level wide open.
    assert not model.evidence.identified
    low, high = model.posterior.level_quantile([0.025, 0.975])
    assert high > 5 * low


def test_a_wider_range_of_correlations_leaves_the_level_wider(sample_study, snapshot):
    wide, none = (
        make_loss_model(given(sample_study, asset_correlation=r), None, snapshot)
        for r in ((0.2, 0.1, 0.4), (0.0, 0.0, 0.0))
    )
    reach = [float(m.posterior.level_quantile(0.975)) for m in (wide, none)]
    assert reach[0] > 2 * reach[1]
    assert none.cases["rho"].unique().tolist() == [0.0]
    assert none.mean_scale == pytest.approx(1.0, abs=0.1)


def test_a_study_that_says_nothing_uses_typical_values(sample_study):
    bare = replace(sample_study, assumptions=(), settings={})
    book = ledger_of([invoice("1", "2024-10-01", 10.0, "2024-10-31")]).as_of("2024-12-31")
    model = make_loss_model(bare, None, book)
    assert model.severity.mean == KNOWN["lgd"].value
    assert not model.identified


def test_ranges_of_correlations(sample_study):
    assert correlation_prior(given(sample_study, asset_correlation=(0.1, 0.0, 0.3))).low == 0.005
    assert correlation_prior(given(sample_study, asset_correlation=(0.1, 0.1, 0.1))).known
    with pytest.raises(StudyError, match="asset_correlation"):
        correlation_prior(given(sample_study, asset_correlation=(0.1, 0.1, 1.2)))


@pytest.mark.slow
def test_a_real_ledger_without_losses_becomes_a_what_if(shared_data, tmp_path):
    from arrisk.policy.study import open_study
    from arrisk.policy.study_file import study_template

    file = tmp_path / "study.toml"
    file.write_text(study_template(str(shared_data / "ibm-ar"), "ibm_ar", "2013-07-01", "USD"))
    study = open_study(file)
    model = make_loss_model(study, None, study.snapshot())
    assert not model.identified
    assert "not ruled out" in model.what_if
    assert 0.02 < model.level < 0.1
    assert model.portfolio.exposure.sum() == pytest.approx(model.book.parts["balance"].iloc[-1])
    assert not model.evidence.identified
