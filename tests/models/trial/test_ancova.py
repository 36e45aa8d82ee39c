import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from arrisk.errors import ModelError
from arrisk.models.trial.ancova import draw_allocations, make_ancova


def _case(seed=1, count=60):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "stratum": rng.integers(0, 4, count),
            "past": rng.normal(30, 8, count),
            "weight": rng.integers(1, 12, count).astype(float),
            "treated": rng.random(count) < 0.4,
        }
    )
    noise = rng.normal(0, 3, count) * (1 + frame["treated"])
    return frame.assign(y=0.7 * frame["past"] + 2 * frame["stratum"] - 4 * frame["treated"] + noise)


def test_the_estimate_and_its_error_are_those_of_statsmodels():
    frame = _case()
    fit = make_ancova(*(frame[c].to_numpy() for c in ("y", "stratum", "past", "weight")))
    found = fit.estimate(frame["treated"].to_numpy())
    data = frame.assign(treated=frame["treated"].astype(float))
    peer = smf.wls("y ~ treated + C(stratum) + past", data, weights=data["weight"]).fit(cov_type="HC3")
    assert found.shift[0] == pytest.approx(peer.params["treated"])
    assert found.se[0] == pytest.approx(peer.bse["treated"])
    assert found.df == peer.df_resid


def test_many_allocations_at_once_are_each_by_itself():
    frame, rng = _case(2), np.random.default_rng(0)
    fit = make_ancova(*(frame[c].to_numpy() for c in ("y", "stratum", "past", "weight")))
    arms = rng.random((5, len(frame))) < 0.5
    change = rng.normal(size=arms.shape) * arms
    many = fit.estimate(arms, change)
    for k, (arm, more) in enumerate(zip(arms, change, strict=True)):
        one = make_ancova(
            *((frame["y"] + more).to_numpy(), *(frame[c].to_numpy() for c in ("stratum", "past", "weight")))
        )
        assert many.shift[k] == pytest.approx(one.estimate(arm).shift[0])
        assert many.se[k] == pytest.approx(one.estimate(arm).se[0])


def test_customers_without_an_outcome_do_not_count_and_unknown_pasts_take_the_mean():
    frame = _case(3)
    y, stratum, past, weight, arm = (
        frame[c].to_numpy() for c in ("y", "stratum", "past", "weight", "treated")
    )
    gone = np.arange(len(y)) < 5
    part = make_ancova(np.where(gone, np.nan, y), stratum, past, weight).estimate(arm)
    whole = make_ancova(y[5:], stratum[5:], past[5:], weight[5:]).estimate(arm[5:])
    assert part.shift[0] == pytest.approx(whole.shift[0])
    unknown = make_ancova(y, stratum, np.full(len(y), np.nan), weight).estimate(arm)
    assert np.isfinite(unknown.shift[0])


def test_an_empty_arm_has_no_estimate_and_too_few_customers_are_refused():
    frame = _case(4)
    fit = make_ancova(*(frame[c].to_numpy() for c in ("y", "stratum", "past", "weight")))
    assert np.isnan(fit.estimate(np.zeros(len(frame), bool)).shift[0])
    with pytest.raises(ModelError, match="4 customers have an outcome"):
        make_ancova(np.arange(4.0), np.array([0, 0, 1, 1]), np.arange(4.0) ** 2, np.ones(4))


def test_allocations_keep_the_counts_and_choose_everyone_alike():
    stratum, treated = np.repeat([0, 1, 2], [4, 6, 3]), np.array([2, 2, 1])
    arms = draw_allocations(stratum, treated, 4000, np.random.default_rng(1))
    for code, count in enumerate(treated):
        assert (arms[:, stratum == code].sum(axis=1) == count).all()
    expected = treated[stratum] / np.bincount(stratum)[stratum]
    assert arms.mean(axis=0) == pytest.approx(expected, abs=0.03)
