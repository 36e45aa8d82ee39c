from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from arrisk.errors import ModelError
from arrisk.models.regression import separation
from arrisk.models.regression.design import make_design
from arrisk.models.regression.separation import find_separation


def plainly_separated(x, y) -> bool:
    """The linear programme of Konis on all rows at once."""
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    signed = np.column_stack([np.ones(len(z)), z]) * (2.0 * np.asarray(y) - 1.0)[:, None]
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(z)), bounds=(-1, 1))
    return -found.fun > 1e-6


@st.composite
def tables(draw):
    """Small whole numbers, so that classes often touch, overlap or part by one row."""
    n, k = draw(st.integers(6, 40)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-draw(st.integers(1, 4)), 4, size=(n, k)).astype(float)
    score = x @ rng.normal(size=k) + draw(st.sampled_from([0.0, 0.3, 2.0])) * rng.normal(size=n)
    y = score > np.quantile(score, draw(st.floats(0.1, 0.9)))
    return x, y


@given(tables(), st.sampled_from([3, 50]))
def test_the_answer_is_that_of_the_plain_programme_on_all_rows(table, few):
    x, y = table
    try:
        design = make_design(x, y)
    except ModelError:
        return
    keep = separation.SAMPLE, separation.FIRST_ROWS, separation.MORE_ROWS
    try:
        separation.SAMPLE = separation.FIRST_ROWS = separation.MORE_ROWS = few
        assert bool(separation.overlap_of(design).apart) == plainly_separated(x, y)
        assert (separation._separating(design) is not None) == plainly_separated(x, y)
    finally:
        separation.SAMPLE, separation.FIRST_ROWS, separation.MORE_ROWS = keep


@given(tables())
def test_the_terms_named_separate_by_themselves(table):
    x, y = table
    try:
        named = find_separation(x, y)
    except ModelError:
        return
    if named:
        columns = [int(name[1:]) - 1 for name in named]
        assert plainly_separated(x[:, columns], y)


def test_one_term_that_separates_is_named_alone():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 6))
    assert find_separation(x, x[:, 2] > 1.0, list("abcdef")) == ("c",)


def test_quasi_separation_is_found_and_overlap_is_not():
    assert find_separation([[0.0], [0], [1], [1]], [0, 1, 1, 1]) == ("x1",)
    assert find_separation([[0.0], [0], [1], [1]], [0, 1, 0, 1]) == ()
    rng = np.random.default_rng(3)
    assert find_separation(rng.normal(size=(500, 4)), rng.random(500) < 0.05) == ()


def test_one_row_among_many_decides():
    rng = np.random.default_rng(6)
    n = 60_000
    x = rng.normal(size=(n, 5))
    x[:, 3] = rng.random(n) < 5e-4
    y = rng.random(n) < 0.05
    y[x[:, 3] > 0] = True
    assert find_separation(x, y) == ("x4",)
    y[np.flatnonzero(x[:, 3] > 0)[-1]] = False
    assert find_separation(x, y) == ()
    apart = x[:, 0] + 2 * x[:, 1] > 3.0
    assert find_separation(x, apart) == ("x1", "x2")
    apart[np.argmin(x[:, 0] + 2 * x[:, 1])] = True
    assert find_separation(x, apart) == ()


def test_overlap_is_proven_without_a_programme(monkeypatch):
    def never(*_args, **_more):
        raise AssertionError("a linear programme was solved")

    monkeypatch.setattr(separation, "linprog", never)
    rng = np.random.default_rng(7)
    for n in (300, 100_000):
        x = rng.normal(size=(n, 8))
        assert find_separation(x, rng.random(n) < 1 / (1 + np.exp(3 - x[:, 0]))) == ()
