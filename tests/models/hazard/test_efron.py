"""Cox on counts against R's printed digits and against lifelines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi

from arrisk.models.hazard.counts import ItemDays, count_item_days
from arrisk.models.hazard.efron import fit_efron

ROSSI = {
    "fin": -0.3794222,
    "age": -0.0574377,
    "race": 0.3138998,
    "wexp": -0.1497957,
    "mar": -0.4337039,
    "paro": -0.0848711,
    "prio": 0.0914971,
}


def counted(frame: pd.DataFrame, terms: list[str], **extra: np.ndarray) -> tuple[ItemDays, pd.DataFrame]:
    cells, cell = np.unique(frame[terms].to_numpy(float), axis=0, return_inverse=True)
    days = count_item_days(frame["week"], frame["arrest"].to_numpy(), cell, len(cells), **extra)
    return days, pd.DataFrame(cells, columns=terms)


def test_rossi_is_that_of_r() -> None:
    days, design = counted(load_rossi(), list(ROSSI))
    fit = fit_efron(days, design)
    np.testing.assert_array_equal(fit.coefficients.round(7), list(ROSSI.values()))
    assert round(fit.log_likelihood, 4) == -658.7477


def test_test_1_of_therneau() -> None:
    days = count_item_days([1, 1, 6, 6, 8, 9], [1, 0, 1, 1, 0, 1], [1, 1, 1, 0, 0, 0], 2)
    breslow = fit_efron(days, [[0.0], [1.0]], ties="breslow")
    assert breslow.coefficients[0] == pytest.approx(np.log((3 + np.sqrt(33)) / 2), abs=1e-12)
    assert round(float(fit_efron(days, [[0.0], [1.0]]).coefficients[0]), 6) == 1.676857


def test_entry_counts_and_strata_are_those_of_lifelines() -> None:
    rng = np.random.default_rng(8)
    frame = load_rossi().assign(
        entry=lambda f: np.minimum(rng.integers(0, 30, len(f)), f["week"] - 1), number=1 + np.arange(432) % 3
    )
    terms = ["fin", "mar", "prio"]
    extra = {name: frame[c].to_numpy() for name, c in {"entry": "entry", "stratum": "race"}.items()}
    days, design = counted(frame, terms, counts=frame["number"].to_numpy(), **extra)
    ours = fit_efron(days, design)
    rows = frame.loc[frame.index.repeat(frame["number"]), [*terms, "race", "week", "arrest", "entry"]]
    theirs = CoxPHFitter().fit(
        rows.reset_index(drop=True),
        "week",
        "arrest",
        entry_col="entry",
        strata=["race"],
        fit_options={"precision": 1e-12},
    )
    np.testing.assert_allclose(ours.coefficients, theirs.params_[terms], atol=2e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), theirs.standard_errors_[terms], rtol=1e-5)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood_, abs=1e-6)
