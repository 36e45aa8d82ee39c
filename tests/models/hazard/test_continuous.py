"""Cox through lifelines: the same coefficients, errors by customer of our own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi

from arrisk.errors import ModelError
from arrisk.models.hazard.continuous import cox_scores, fit_cox
from arrisk.models.hazard.counts import count_item_days
from arrisk.models.hazard.efron import fit_efron

TERMS = ["fin", "age", "prio"]


def efron(frame: pd.DataFrame, entry: np.ndarray | None = None) -> np.ndarray:
    """Coefficients from counts, each row a cell of its own."""
    days = count_item_days(
        frame["week"], frame["arrest"].to_numpy(), np.arange(len(frame)), len(frame), entry=entry
    )
    return fit_efron(days, frame[TERMS]).coefficients


def test_rossi_by_rows_is_rossi_by_counts() -> None:
    frame = load_rossi()
    fit = fit_cox(frame[TERMS], frame["week"], frame["arrest"])
    np.testing.assert_allclose(fit.coefficients, efron(frame), atol=1e-7)
    assert fit.events == 114


@pytest.mark.parametrize("late", [False, True])
def test_scores_are_the_derivative_by_the_weight_of_a_row(late: bool) -> None:
    """A row counted once more moves the estimate by its score residual times the covariance, nearly."""
    frame = pd.concat([load_rossi()] * 4, ignore_index=True).assign(week=lambda f: f["week"].clip(upper=51))
    entry = np.where(np.arange(len(frame)) % 3 == 0, frame["week"] // 2, -1) if late else None
    start = None if entry is None else entry + 1
    fit = fit_cox(frame[TERMS], frame["week"], frame["arrest"], entry)
    args = (frame["week"].to_numpy(), frame["arrest"].to_numpy(), start)
    scores = cox_scores(frame[TERMS].to_numpy(float), fit.coefficients, *args)
    np.testing.assert_allclose(scores.sum(axis=0), 0.0, atol=1e-3)
    for row in (0, 7, 400):
        more = pd.concat([frame, frame.iloc[[row]]], ignore_index=True)
        moved = efron(more, None if entry is None else np.append(entry, entry[row])) - fit.coefficients
        np.testing.assert_allclose(scores[row] @ fit.covariance, moved, atol=0.03 * np.abs(moved).max())


def test_without_ties_errors_by_row_are_those_of_lifelines() -> None:
    frame = load_rossi().assign(week=lambda f: np.random.default_rng(2).permutation(len(f)))
    theirs = CoxPHFitter().fit(
        frame[[*TERMS, "week", "arrest"]].assign(week=frame["week"] + 1), "week", "arrest", robust=True
    )
    n = len(frame)
    ours = fit_cox(frame[TERMS], frame["week"], frame["arrest"], customers=np.arange(n))
    se = np.sqrt(np.diag(ours.covariance) * (n - 1) / n)
    np.testing.assert_allclose(se, theirs.standard_errors_, rtol=1e-5)


def test_what_cannot_be_told_is_named() -> None:
    frame = load_rossi()
    with pytest.raises(ModelError, match="lifelines finds no finite Cox fit"):
        fit_cox(frame[["fin"]].assign(again=frame["fin"] * 2), frame["week"], frame["arrest"])
    with pytest.raises(ModelError, match="needs a fit on counts"):
        fit_cox(frame[["fin"]], frame["week"], frame["arrest"]).proportionality()
