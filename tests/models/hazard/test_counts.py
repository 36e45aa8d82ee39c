"""Counts of item-days against items looked at day by day."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.hazard import counts
from arrisk.models.hazard.cells import combine_codes
from arrisk.models.hazard.counts import DayClasses, ItemDays, count_item_days
from tests.models.hazard.test_cloglog import Book, book


def day_by_day(b: Book, with_calendar: bool) -> tuple[Counter[tuple], Counter[tuple]]:
    """At risk by (stratum, cell, class, age), and events by cause besides, one item-day after another."""
    at_risk: Counter[tuple] = Counter()
    events: Counter[tuple] = Counter()
    for i in range(b.exit.size):
        for age in range(b.entry[i] + 1, b.exit[i] + 1):
            day = b.origin[i] + age - b.calendar.first_day
            of_day = b.calendar.codes[b.calendar.run[i], day] if with_calendar else 0
            key = (b.stratum[i], b.cell[i], of_day, age)
            at_risk[key] += b.counts[i]
            if age == b.exit[i] and b.cause[i]:
                events[(b.cause[i], *key)] += b.counts[i]
    return at_risk, events


def counted(days: ItemDays) -> tuple[Counter[tuple], Counter[tuple]]:
    table = days.at_risk if isinstance(days.at_risk, np.ndarray) else days.at_risk.toarray()
    profiles = list(zip(days.stratum, days.cell, days.day_class, strict=True))
    at_risk = Counter(
        {(*profiles[p], days.ages[t]): table[p, t] for p, t in zip(*table.nonzero(), strict=True)}
    )
    events = Counter(
        {
            (cause, *profiles[p], days.ages[t]): n
            for cause, e in days.events.items()
            for p, t, n in zip(e.profile, e.age, e.count, strict=True)
        }
    )
    return at_risk, events


@pytest.mark.parametrize("with_calendar", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_item_days(seed: int, with_calendar: bool) -> None:
    b = book(seed, n=120)
    assert counted(b.days(with_calendar)) == day_by_day(b, with_calendar)


@pytest.mark.parametrize("dense", [0, 10**9])
def test_chunks_and_sparse_tables_count_the_same(dense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    b = book(11, n=150)
    monkeypatch.setattr(counts, "CHUNK", 7)
    monkeypatch.setattr(counts, "DENSE", dense)
    assert counted(b.days(True)) == day_by_day(b, True)


def test_the_same_fit_from_sparse_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    from arrisk.models.hazard.fit import fit_daily_hazard

    b, x, w = book(12), np.eye(6)[:, 1:], np.eye(4)[:, 1:]
    dense = fit_daily_hazard(b.days(True), x, w, b.customer)
    monkeypatch.setattr(counts, "FILLED", 2.0)
    days = b.days(True)
    assert not isinstance(days.at_risk, np.ndarray)
    sparse = fit_daily_hazard(days, x, w, b.customer)
    np.testing.assert_allclose(sparse.coefficients, dense.coefficients, rtol=1e-9)
    np.testing.assert_allclose(sparse.covariance, dense.covariance, rtol=1e-7)


def test_without_entry_all_are_watched_from_age_0() -> None:
    days = count_item_days([0, 2], [1, 0], [0, 0], 1)
    assert days.first == 0
    assert days.at_risk.tolist() == [[2.0, 1.0, 1.0]]


def test_combinations_that_do_not_occur_cost_nothing() -> None:
    cell, codes = combine_codes([np.array([5, 0, 5])] * 9, [100] * 9)
    assert cell.tolist() == [1, 0, 1]
    assert codes.tolist() == [[0] * 9, [5] * 9]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cell": [0, 2]}, "cell must lie in 0 to 1"),
        ({"cell": [0.0, 1.0]}, "cell must be one whole number"),
        ({"cause": [1]}, "cause must be one whole number"),
        ({"entry": [1, 0]}, "entry >= duration"),
        (
            {"calendar": DayClasses(np.zeros((1, 9), dtype=int), 0, np.zeros(2, dtype=int))},
            "needs the origin",
        ),
        (
            {
                "origin": [0, 8],
                "calendar": DayClasses(np.zeros((1, 9), dtype=int), 0, np.zeros(2, dtype=int)),
            },
            "covers the days 0 to 8; items are at risk on 0 to 10",
        ),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, object], message: str) -> None:
    plain = {"exit": [1, 2], "cause": [1, 0], "cell": [0, 1], "cells": 2}
    with pytest.raises(ModelError, match=message):
        count_item_days(**(plain | given))
