from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.timing.competing import aalen_johansen
from arrisk.models.timing.curves import kaplan_meier

rows = st.lists(
    st.tuples(
        st.integers(-4, 10),
        st.sampled_from([0, 1, 1, 2, 3]),
        st.integers(1, 6),
        st.integers(1, 4),
        st.sampled_from("abcd"),
    ),
    min_size=2,
    max_size=25,
).filter(lambda some: any(row[1] for row in some))


def arrays(items):
    duration, cause, wait, weight, who = map(np.array, zip(*items, strict=True))
    return duration, cause, duration - wait, weight, who


def brute_force(duration, cause, entry, weights, day, wanted):
    """Incidence straight from its definition."""
    survival, share = 1.0, 0.0
    for s in sorted({t for t, c in zip(duration, cause, strict=True) if c and t <= day}):
        at_risk = weights[(entry < s) & (duration >= s)].sum()
        share += survival * weights[(duration == s) & (cause == wanted)].sum() / at_risk
        survival *= 1 - weights[(duration == s) & (cause > 0)].sum() / at_risk
    return share


@given(rows)
@settings(max_examples=25)
def test_incidences_agree_with_the_definition_and_sum_to_one(items):
    duration, cause, entry, weight, who = arrays(items)
    curves = aalen_johansen(duration, cause, entry, weights=weight, clusters=who)
    table = curves.table
    shares = table[[f"incidence_{c}" for c in curves.causes]]
    np.testing.assert_allclose(shares.sum(axis=1) + table["survival"], 1.0, atol=1e-9)
    assert (np.diff(shares.to_numpy(), axis=0) >= -1e-12).all()
    days = list(range(int(entry.min()), int(duration.max()) + 1, 3))
    for code in curves.causes:
        expected = [brute_force(duration, cause, entry, weight, day, code) for day in days]
        np.testing.assert_allclose(curves.at(days, code), expected, atol=1e-9)


@given(rows, st.booleans())
@settings(max_examples=25)
def test_one_cause_is_kaplan_meier_with_its_limits(items, clustered):
    duration, cause, entry, weight, who = arrays(items)
    options = {"entry": entry, "weights": weight, "clusters": who} if clustered else {"entry": entry}
    curve = kaplan_meier(duration, cause > 0, **options).table
    table = aalen_johansen(duration, (cause > 0).astype(int), **options).table
    inside = curve["survival"].between(1e-6, 1 - 1e-6)
    for ours, theirs in (("incidence_1", "survival"), ("ci_low_1", "ci_high"), ("ci_high_1", "ci_low")):
        np.testing.assert_allclose(1 - table[ours][inside], curve[theirs][inside], atol=1e-8)
    np.testing.assert_allclose(table["se_1"][inside], curve["se"][inside], rtol=1e-6, atol=1e-12)


def test_greenwood_is_the_jackknife_when_nobody_enters_late():
    rng = np.random.default_rng(3)
    duration, cause = rng.integers(0, 40, 400), rng.choice([0, 1, 2, 3], 400, p=[0.3, 0.5, 0.1, 0.1])
    plain = aalen_johansen(duration, cause).table
    robust = aalen_johansen(duration, cause, weights=np.full(400, 7.0)).table
    inside = plain["survival"] > 0.01
    for code in (1, 2, 3):
        np.testing.assert_allclose(robust[f"se_{code}"][inside], plain[f"se_{code}"][inside], rtol=1e-8)


def test_without_censoring_the_error_is_that_of_a_share():
    rng = np.random.default_rng(4)
    duration, cause = rng.integers(0, 10, 500), rng.choice([1, 2], 500, p=[0.8, 0.2])
    table = aalen_johansen(duration, cause).table
    share = np.array([((duration <= d) & (cause == 2)).mean() for d in table["day"]])
    np.testing.assert_allclose(table["incidence_2"], share, atol=1e-12)
    np.testing.assert_allclose(table["se_2"], np.sqrt(share * (1 - share) / 500), rtol=1e-9)


def test_robust_error_is_that_of_leaving_each_customer_out():
    """The delete-one jackknife of each incidence, straight from its definition."""
    rng = np.random.default_rng(5)
    n, customers = 600, 40
    duration, cause, who = rng.integers(0, 15, n), rng.choice([0, 1, 2], n), np.arange(n) % customers
    entry, weight = np.minimum(rng.integers(-1, 8, n), duration - 1), rng.lognormal(0, 0.5, n)
    curves = aalen_johansen(duration, cause, entry, weights=weight, clusters=who)
    for code in (1, 2):
        without = []
        for rest in (who != c for c in range(customers)):
            part = aalen_johansen(duration[rest], cause[rest], entry[rest], weights=weight[rest])
            without.append(part.at([9], code)[0])
        moved = np.array(without) - curves.at([9], code)[0]
        expected = np.sqrt((moved**2).sum() * (customers - 1) / customers)
        assert curves.figures([9], code)["se"][0] == pytest.approx(expected, rel=0.02)


@given(rows, st.integers(1, 5))
@settings(max_examples=25)
def test_invariances(items, wait):
    """Counts are rows, amounts have no scale, and an item may be cut at an age."""
    duration, cause, entry, count, who = arrays(items)
    base = aalen_johansen(duration, cause, entry, weights=count, clusters=who)
    repeated = [np.repeat(column, count) for column in (duration, cause, entry, who)]
    every = aalen_johansen(*repeated[:3], weights=np.ones(count.sum()), clusters=repeated[3])
    scaled = aalen_johansen(duration, cause, entry, weights=count * 1e9, clusters=who)
    long = duration - entry > wait
    cut = aalen_johansen(
        np.concatenate([np.where(long, entry + wait, duration), duration[long]]),
        np.concatenate([np.where(long, 0, cause), cause[long]]),
        np.concatenate([entry, (entry + wait)[long]]),
        weights=np.concatenate([count, count[long]]),
        clusters=np.concatenate([who, who[long]]),
    )
    figures = [f"{name}_{c}" for c in base.causes for name in ("incidence", "se", "ci_low", "ci_high")]
    expected = base.table.set_index("day")[figures]
    for other in (every, scaled, cut):
        actual = other.table.set_index("day").loc[expected.index, figures]
        pd.testing.assert_frame_equal(actual, expected, rtol=1e-6, atol=1e-7)


def test_named_causes_that_were_not_seen_stay_at_zero():
    curves = aalen_johansen([3, 5], [1, 0], names={1: "paid", 3: "written off"})
    assert curves.at([4], 3).tolist() == [0.0]
    assert curves.summary((4,))["term"].tolist() == [
        "paid by day 4",
        "written off by day 4",
        "open after day 4",
    ]
    assert curves.finding() == "By day 5: 50.0% paid, 0.0% written off, 50.0% open"
    assert np.isnan(curves.at([6], 1)[0])
    assert curves.plot().get_title() == curves.finding()
    assert "paid by day 30" in curves._repr_html_()


@pytest.mark.parametrize("cause", [[-1, 1], [0.5, 1], [1], [0, 0], ["a", "b"]])
def test_causes_that_cannot_be_are_refused(cause):
    with pytest.raises(ModelError):
        aalen_johansen([1, 2], cause)
