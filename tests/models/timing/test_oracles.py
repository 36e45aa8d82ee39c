"""Curves against published figures and against peers where these are right; where not, it is shown."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from arrisk.models.timing.competing import aalen_johansen
from arrisk.models.timing.curves import kaplan_meier

NO_PEER = "a peer for tests: `make oracles`"


@pytest.fixture(scope="module")
def bmt() -> pd.DataFrame:
    """35 bone marrow transplants (Scrucca, Santucci, Aversa 2007), from the files of scikit-survival."""
    found = find_spec("sksurv")
    if found is None or found.origin is None:
        pytest.skip(f"needs the data of scikit-survival, {NO_PEER}")
    text = (Path(found.origin).parent / "datasets" / "data" / "bmt.arff").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.split("@DATA")[1].split()]
    return pd.DataFrame(rows, columns=["disease", "day", "cause"]).astype(int)


def random_items(seed: int, n: int = 300):
    rng = np.random.default_rng(seed)
    duration = rng.integers(1, 40, n)
    return duration, rng.choice([0, 1, 2], n, p=[0.3, 0.5, 0.2]), duration - rng.integers(1, 25, n)


def test_transplants_match_cmprsk(bmt):
    curves = aalen_johansen(bmt["day"], bmt["cause"])
    assert curves.n == 35
    published = {
        0: (0.02857143, 0.02857143),
        3: (0.14581281, 0.11527094),
        4: (0.20492611, 0.14482759),
        12: (0.27283899, 0.34076015),
        26: (0.27283899, 0.48126955),
    }
    for day, shares in published.items():
        for cause, share in zip((1, 2), shares, strict=True):
            assert curves.at([day], cause)[0] == pytest.approx(share, abs=5e-9), (day, cause)


@pytest.mark.parametrize("seed", range(3))
def test_scikit_survival_agrees(seed):
    peer = pytest.importorskip("sksurv.nonparametric", reason=NO_PEER)
    duration, cause, _ = random_items(seed)
    days, shares, limits = peer.cumulative_incidence_competing_risks(
        cause, duration, conf_type="log-log", var_type="Dinse_Approx"
    )
    table = aalen_johansen(duration, cause).table.set_index("day").loc[days]
    for code in (1, 2):
        share = shares[code]
        np.testing.assert_allclose(table[f"incidence_{code}"], share, atol=1e-12)
        some = (share > 0) & (share < 1)
        # Its limits are share ** exp(z se / (share log share)); ours have another scale but the same error.
        ratio = np.log(limits[code, 0][some]) / np.log(share[some])
        error = np.abs(np.log(ratio)) / stats.norm.ppf(0.975) * share[some] * -np.log(share[some])
        np.testing.assert_allclose(table[f"se_{code}"][some], error, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_scikit_survival_kaplan_meier_agrees(seed):
    peer = pytest.importorskip("sksurv.nonparametric", reason=NO_PEER)
    duration, cause, _ = random_items(seed)
    days, share, limits = peer.kaplan_meier_estimator(cause > 0, duration, conf_type="log-log")
    table = kaplan_meier(duration, cause > 0).table.set_index("day").loc[days]
    np.testing.assert_allclose(table["survival"], share, atol=1e-12)
    inside = (share > 0) & (share < 1)
    np.testing.assert_allclose(table.loc[inside, ["ci_low", "ci_high"]].T, limits[:, inside], rtol=1e-9)


@pytest.mark.parametrize("late", [False, True])
def test_lifelines_kaplan_meier_agrees(late):
    duration, cause, entry = random_items(5)
    entry = np.maximum(entry, 0) if late else np.zeros_like(duration)
    entry = np.minimum(entry, duration - 1)
    fitter = lifelines.KaplanMeierFitter().fit(duration, cause > 0, entry=entry if late else None)
    share = fitter.survival_function_.iloc[:, 0]
    days = share.index[share.index > 0]
    # lifelines has items at risk on entry < day <= exit too, in continuous time.
    ours = kaplan_meier(duration, cause > 0, entry=entry if late else None)
    np.testing.assert_allclose(ours.at(days), share.loc[days], atol=1e-12)
    limits = fitter.confidence_interval_.loc[ours.table["day"]]
    inside = ours.table["survival"].between(1e-9, 1 - 1e-9).to_numpy()
    np.testing.assert_allclose(ours.table.loc[inside, ["ci_low", "ci_high"]], limits[inside], rtol=1e-9)


def lifelines_incidence(duration, cause, entry=None, seed=1):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitter = lifelines.AalenJohansenFitter(seed=seed, calculate_variance=False)
        return fitter.fit(duration, cause, 1, entry=entry).cumulative_density_.iloc[:, 0]


def test_lifelines_incidence_loses_same_day_payers():
    """Why its fitter is not called: of a hundred, 40 are paid on day 0 and 37 on day 10."""
    duration, cause = [0] * 40 + [10] * 40 + [20] * 20, [1] * 77 + [2] * 3 + [0] * 20
    assert aalen_johansen(duration, cause).at([0, 10], 1).tolist() == pytest.approx([0.4, 0.77])
    assert lifelines_incidence(duration, cause).loc[[0, 10]].tolist() == pytest.approx([0.0, 0.37])


def test_lifelines_incidence_counts_late_entrants_from_the_start():
    duration, cause, entry = [50, 71, 90], [1, 2, 1], [0, 0, 50]
    assert aalen_johansen(duration, cause, entry).at([50], 1).tolist() == [0.5]
    assert lifelines_incidence(duration, cause, entry).loc[50] == pytest.approx(1 / 3)


def test_lifelines_incidence_moves_a_tied_day_at_random():
    """A lone write-off on a day with payments: the days themselves move."""
    duration, cause = [3, 5, 5, 5, 9], [1, 1, 1, 2, 0]
    assert aalen_johansen(duration, cause).table["day"].tolist() == [3, 5, 9]
    one, other = (lifelines_incidence(duration, cause, seed=s) for s in (1, 2))
    assert 5.0 not in one.index
    assert not np.array_equal(one.index, other.index)


def test_left_truncation_by_hand():
    curves = aalen_johansen([50, 71, 90], [1, 2, 1], entry=[0, 0, 50])
    assert curves.at([50, 71, 90], 1).tolist() == [0.5, 0.5, 0.75]
    assert curves.at([50, 71, 90], 2).tolist() == [0.0, 0.25, 0.25]
    assert curves.still_open([90])[0] == 0.0


def test_same_day_payers_count_for_every_cause():
    curves = aalen_johansen([0] * 43 + [30] * 57, [1] * 40 + [2] * 3 + [1] * 57)
    assert curves.at([-1, 0, 29], 1).tolist() == [0.0, 0.4, 0.4]
    assert curves.at([0], 2)[0] == pytest.approx(0.03)
    assert curves.table["items_at_risk"].tolist() == [100, 57]
