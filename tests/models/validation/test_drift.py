"""Drift is told from sampling noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.validation.drift import compare_samples, stability


def sample(rng, n, shift=0.0):
    return pd.DataFrame(
        {
            "score": rng.normal(size=n) + shift,
            "oldest": np.where(rng.random(n) < 0.6, 0.0, rng.exponential(30, n)),
            "region": rng.choice(["north", "south", "<east>"], n),
        }
    )


def test_index_by_hand():
    """Shares 5/10 and 8/10 after smoothing are 5.5/11 and 8.5/11: 2 x 3/11 x ln(8.5 / 2.5) / 2."""
    got = stability([5, 5], [8, 2])
    want = (8.5 / 11 - 0.5) * np.log(8.5 / 5.5) + (2.5 / 11 - 0.5) * np.log(2.5 / 5.5)
    assert got.index == pytest.approx(want)
    assert got.by_chance == pytest.approx(0.2)
    assert stability([8, 2], [5, 5]).index == pytest.approx(want)


def test_chance_is_as_large_as_it_says():
    """No drift, 300 against 150 rows on ten bins: mean, 95% quantile and p-values of the index agree."""
    rng = np.random.default_rng(0)
    shifts = [
        stability(rng.multinomial(300, [0.1] * 10), rng.multinomial(150, [0.1] * 10)) for _ in range(3000)
    ]
    index = np.array([s.index for s in shifts])
    assert index.mean() == pytest.approx(shifts[0].by_chance, rel=0.06)
    assert np.quantile(index, 0.95) == pytest.approx(shifts[0].at_most_by_chance, rel=0.06)
    assert np.mean([s.p_value < 0.05 for s in shifts]) == pytest.approx(0.05, abs=0.015)


def test_small_samples_alike_are_not_called_drift_though_their_index_is_large():
    called, large = 0, 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        drift = compare_samples(sample(rng, 100), sample(rng, 60))
        called += bool(drift.drifted)
        large += (drift.table["index"] > 0.1).any()
    assert called <= 4
    assert large > 50


def test_a_shift_is_found_and_named_also_with_new_and_missing_values():
    rng = np.random.default_rng(1)
    then, now = sample(rng, 800), sample(rng, 600, 0.8)
    now["region"] = np.where(rng.random(600) < 0.4, "west", now["region"])
    now["oldest"] = now["oldest"].where(rng.random(600) < 0.6)
    drift = compare_samples(then, now)
    assert set(drift.drifted) == {"score", "region", "oldest"}
    counts = drift.counts.set_index(["feature", "bin"])["now"]
    assert counts["region", "not seen before"] == (now["region"] == "west").sum()
    assert counts["oldest", "missing"] == now["oldest"].isna().sum()
    by = drift.counts.groupby("feature")[["then", "now"]].sum()
    assert (by["then"] == 800).all()
    assert (by["now"] == 600).all()


def test_a_value_many_share_has_its_own_bin():
    then = pd.DataFrame({"x": [0.0] * 70 + list(range(1, 31))})
    counts = compare_samples(then, then).counts
    assert counts["then"].iloc[0] == 70
    assert compare_samples(then, then).table["index"].tolist() == [0.0]


def test_sample_against_itself_and_in_another_order():
    rng = np.random.default_rng(2)
    then, now = sample(rng, 90), sample(rng, 80, 0.2)
    assert compare_samples(then, then).table["index"].tolist() == [0.0] * 3
    one, two = (
        compare_samples(then, now),
        compare_samples(then.iloc[::-1], now.sample(frac=1, random_state=1)),
    )
    pd.testing.assert_frame_equal(one.table, two.table)


def test_several_rows_of_a_customer_are_worth_less():
    rng = np.random.default_rng(3)
    then, now = sample(rng, 400), sample(rng, 400, 0.3)
    one, two = compare_samples(then, now), compare_samples(then, now, effect=4.0)
    score = [d.table.set_index("feature").loc["score", "p_value"] for d in (one, two)]
    assert score[0] < score[1]


def test_shown_and_escaped():
    rng = np.random.default_rng(4)
    then, now = sample(rng, 300), sample(rng, 300, 1.0)
    drift = compare_samples(then.rename(columns={"score": "<b>"}), now.rename(columns={"score": "<b>"}))
    assert "<b>" not in drift._repr_html_()
    assert drift.plot().get_title() == "Changed beyond chance: <b>"
    assert compare_samples(then, then).plot().get_title().startswith("None of 3")


@pytest.mark.parametrize(
    "call",
    [
        lambda: stability([1, 2], [1, 2, 3]),
        lambda: stability([0, 0], [1, 2]),
        lambda: stability([-1, 2], [1, 2]),
        lambda: compare_samples(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
        lambda: compare_samples(pd.DataFrame({"a": []}), pd.DataFrame({"a": [1.0]})),
        lambda: compare_samples(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}), effect=0.5),
    ],
)
def test_impossible_input_is_refused(call):
    with pytest.raises(ModelError):
        call()
