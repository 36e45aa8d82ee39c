"""Checks on the time before the start."""

import re

import numpy as np
import pytest

from arrisk.models.effects.differences import estimate_differences
from tests.models.effects.panels import COLUMNS, noisy, staggered

NAMES = [
    "enough customers",
    "same course before the start",
    "no drift before the start",
    "nobody acts ahead of the start",
    "no effect at false starts",
]


def checks_of(rows, **options):
    return estimate_differences(rows, **COLUMNS, **options).checks.set_index("check")


def test_a_planted_trend_is_found_and_its_size_told():
    rows = staggered((12.0, np.nan), months=24, each=12)
    lean = np.random.default_rng(2).normal(0, 0.5, len(rows))
    rows = rows.assign(days=rows["days"] + lean + 0.8 * rows["month"] * rows["first"].notna())
    found = checks_of(rows)
    assert found.index.tolist() == NAMES
    assert found.loc["no drift before the start", "value"] == pytest.approx(0.8, abs=0.05)
    for name in ("same course before the start", "no drift before the start", "no effect at false starts"):
        assert not found.loc[name, "passed"]


def test_the_sentence_states_the_trend_that_would_go_unseen():
    """Middles of twelve months on each side are twelve months apart."""
    words = checks_of(noisy(4)).loc["no drift before the start", "words"]
    unseen, months, effect = re.search(
        r"below (\S+) a month .* over (\d+) months make (\S+) of", words
    ).groups()
    assert float(unseen) > 0
    assert 10 <= int(months) <= 14
    assert float(effect) == pytest.approx(float(unseen) * int(months), rel=0.06)


def test_acting_ahead_is_found():
    rows = staggered((12.0, np.nan), months=24, each=12)
    ahead = rows["first"].notna() & rows["month"].isin([10, 11])
    noise = np.random.default_rng(5).normal(0, 0.5, len(rows))
    found = checks_of(rows.assign(days=rows["days"] + noise + 3.0 * ahead))
    assert found.loc["nobody acts ahead of the start", "value"] == pytest.approx(3.0, abs=0.4)
    assert not found.loc["nobody acts ahead of the start", "passed"]


def test_a_short_time_before_cannot_be_checked():
    found = checks_of(staggered((2.0, np.nan), months=8, each=12))
    assert found.loc["same course before the start", "words"].startswith("cannot be checked: less than 6")
    assert not found.loc["same course before the start", "passed"]


def test_few_customers_do_not_pass():
    found = checks_of(staggered((6.0, np.nan), each=4))
    assert not found.loc["enough customers", "passed"]
    assert "4 treated and" in found.loc["enough customers", "words"]
