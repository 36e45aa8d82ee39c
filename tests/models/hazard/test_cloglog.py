"""The hazard regression on counts against a row-level one on every item-day."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from arrisk.models.hazard.cloglog import fit_cloglog
from arrisk.models.hazard.counts import DayClasses, ItemDays, count_item_days
from arrisk.models.hazard.fit import fit_daily_hazard


@dataclass(frozen=True)
class Book:
    """Random items with everything that can be given."""

    exit: np.ndarray
    cause: np.ndarray
    cell: np.ndarray
    entry: np.ndarray
    counts: np.ndarray
    stratum: np.ndarray
    origin: np.ndarray
    calendar: DayClasses
    customer: np.ndarray

    def without(self, customer: int) -> Book:
        """The items of the other customers."""
        kept = self.customer != customer
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        run = self.calendar.run[kept]
        calendar = DayClasses(self.calendar.codes, self.calendar.first_day, run)
        return Book(**{k: v[kept] if k != "calendar" else calendar for k, v in columns.items()})

    def days(self, with_calendar: bool) -> ItemDays:
        extra = {"origin": self.origin, "calendar": self.calendar} if with_calendar else {}
        given = {"entry": self.entry, "counts": self.counts, "stratum": self.stratum}
        return count_item_days(self.exit, self.cause, self.cell, 6, **given, **extra)


def book(seed: int, n: int = 400) -> Book:
    rng = np.random.default_rng(seed)
    exits = rng.integers(0, 9, n)
    codes = rng.integers(0, 4, (3, 60))
    return Book(
        exits,
        rng.integers(0, 3, n),
        rng.integers(0, 6, n),
        exits - 1 - rng.integers(0, 4, n),
        rng.integers(1, 3, n),
        rng.integers(0, 2, n),
        rng.integers(100, 120, n),
        DayClasses(codes, 90, rng.integers(0, 3, n)),
        rng.integers(0, 25, n),
    )


def row_level(b: Book, x: np.ndarray, w: np.ndarray | None) -> sm.GLM:
    """statsmodels on every item-day, with a dummy for each stratum and age of finite effect."""
    rows = [
        (i, t)
        for i in range(b.exit.size)
        for t in range(b.entry[i] + 1, b.exit[i] + 1)
        for _ in range(b.counts[i])
    ]
    i, t = np.array(rows).T
    y = (b.cause[i] == 1) & (t == b.exit[i])
    key = b.stratum[i] * 100 + t + 50
    levels = np.array([k for k in np.unique(key) if 0 < y[key == k].sum() < (key == k).sum()])
    used = np.isin(key, levels)
    columns = [x[b.cell[i]], (key[:, None] == levels).astype(float)]
    if w is not None:
        of_day = b.calendar.codes[b.calendar.run[i], b.origin[i] + t - b.calendar.first_day]
        columns.insert(1, w[of_day])
    family = sm.families.Binomial(sm.families.links.CLogLog())
    model = sm.GLM(y[used].astype(float), np.hstack(columns)[used], family=family)
    return model.fit(cov_type="cluster", cov_kwds={"groups": b.customer[i][used]}, tol=1e-12, maxiter=100)


@pytest.mark.parametrize("with_calendar", [False, True])
def test_the_fit_is_the_row_level_one(with_calendar: bool) -> None:
    b = book(3)
    x = np.column_stack([np.arange(6) % 2, np.arange(6) > 2, np.random.default_rng(0).normal(size=6)])
    w = np.eye(4)[:, 1:] if with_calendar else None
    ours = fit_daily_hazard(b.days(with_calendar), x, w, b.customer, errors="sandwich")
    theirs = row_level(b, x, w)
    k = len(ours.names)
    np.testing.assert_allclose(ours.coefficients, theirs.params[:k], atol=1e-7)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params()[:k, :k], rtol=1e-6, atol=1e-9)
    assert ours.log_likelihood == pytest.approx(theirs.llf, abs=1e-8)


def test_frames_name_the_terms() -> None:
    b = book(4)
    x = pd.DataFrame({"even": np.arange(6) % 2, "late": np.arange(6) > 2})
    fit = fit_cloglog(b.days(True), x, pd.DataFrame(np.eye(4)[:, 1:], columns=["Monday", "run", "month end"]))
    assert fit.names == ("even", "late", "Monday", "run", "month end")
