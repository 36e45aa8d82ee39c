"""Invoices lifted over a threshold are seen; round amounts that were always there are not taken for it."""

import datetime as dt

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.effects.bunching import check_bunching
from tests.models.effects.thresholds import invoices, lift

COLUMNS = {"running": "amount", "cutoff": 5000.0, "cluster": "customer"}


def book(seed, count=4000):
    return invoices(seed, customers=80, count=count)


def test_lifted_invoices_are_seen():
    for seed in range(5):
        found = check_bunching(lift(book(seed), 0.8), **COLUMNS, compare=book(100 + seed))
        assert not found.passed
        assert found.ci_low > 0
        assert "bunch" in found.finding()


def test_an_honest_book_is_seldom_accused():
    accused = [not check_bunching(book(s), **COLUMNS, compare=book(500 + s)).passed for s in range(40)]
    alone = [not check_bunching(book(s), **COLUMNS).passed for s in range(40)]
    assert sum(accused) <= 6  # more in 1.4% of such sets of 40 at 5%
    assert sum(alone) <= 6


def test_round_amounts_that_were_always_there_are_no_manipulation():
    def rounded(seed):
        rows, rng = book(seed), np.random.default_rng(seed)
        heap = rng.random(len(rows)) < 0.3
        return rows.assign(amount=np.where(heap, np.maximum(500, rows["amount"].round(-3)), rows["amount"]))

    assert check_bunching(rounded(1), **COLUMNS, compare=rounded(2)).passed
    assert check_bunching(rounded(1), **COLUMNS).passed


def test_smaller_books_see_less():
    large, small = check_bunching(book(1), **COLUMNS), check_bunching(book(1, 500), **COLUMNS)
    assert 0 < large.detectable < small.detectable < 1
    assert f"{small.detectable:.0%}" in small.finding()


def test_amounts_must_be_positive():
    with pytest.raises(ModelError, match="positive"):
        check_bunching(book(1).assign(amount=0.0), **COLUMNS)


def test_the_picture_names_the_finding_the_units_and_the_day():
    found = check_bunching(book(1), **COLUMNS, compare=book(2))
    ax = found.plot(dt.date(2025, 12, 31))
    texts = " ".join(t.get_text() for t in (*ax.texts, *ax.figure.texts))
    assert "5,000" in ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert "2025-12-31" in texts
