"""Shrunk rates against closed forms, ranks that are chance or not, and coverage by simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from arrisk.errors import ModelError
from arrisk.models.league import fit_league, pooled_variance, shrink

AS_OF = pd.Timestamp("2025-12-31")


@dataclass
class Facts:
    cells: pd.DataFrame
    by: str = "salesperson"
    measure: str = "collected in time"
    first: str = "high"
    as_of: pd.Timestamp = AS_OF


def units(rates: list[list[float]], base: float = 100.0, names: str = "abcdefghij") -> pd.DataFrame:
    rows = [
        (names[u], f"{u}-{c}", base, base * rate) for u, own in enumerate(rates) for c, rate in enumerate(own)
    ]
    return pd.DataFrame(rows, columns=["unit", "cluster", "base", "part"])


def test_pooled_variance_of_equal_clusters_is_the_within_variance():
    cells = units([[0.2, 0.6, 1.0], [0.5, 0.9, 0.7]])
    within = (3 - 1) * np.var([0.2, 0.6, 1.0], ddof=1) + (3 - 1) * np.var([0.5, 0.9, 0.7], ddof=1)
    assert pooled_variance(cells) == pytest.approx(within / 4)


def test_pooled_variance_is_unbiased_for_unequal_clusters():
    random = np.random.default_rng(3)
    base = np.array([1.0, 5.0, 20.0, 2.0, 2.0])
    names = ["a", "a", "a", "b", "b"]
    found = [
        pooled_variance(
            pd.DataFrame(
                {"unit": names, "base": base, "part": base * (0.5 + 0.1 * random.standard_normal(5))}
            )
        )
        for _ in range(2000)
    ]
    assert np.mean(found) == pytest.approx(0.01, rel=0.08)


def test_pooled_variance_without_any_difference_is_not_zero():
    assert pooled_variance(units([[1.0, 1.0], [1.0, 1.0]])) == pytest.approx(0.9 * 0.1)
    assert pooled_variance(units([[0.3], [0.4]])) > 0


def test_shrunk_rates_are_the_integral_over_the_spread():
    rates, variances = np.array([0.9, 0.6, 0.75, 0.2]), np.array([0.002, 0.01, 0.05, 0.02])

    def parts(tau: float) -> tuple[float, float]:
        precision = 1 / (variances + tau**2)
        mu = (precision * rates).sum() / precision.sum()
        likelihood = np.prod(np.sqrt(precision)) * np.exp(-0.5 * (precision * (rates - mu) ** 2).sum())
        own = tau**2 * precision[3]
        return likelihood / np.sqrt(precision.sum()), own * rates[3] + (1 - own) * mu

    total = integrate.quad(lambda t: parts(t)[0], 0, 0.5)[0]
    mean = integrate.quad(lambda t: parts(t)[0] * parts(t)[1], 0, 0.5)[0] / total
    found = shrink(rates, variances, 20_000, np.random.default_rng(1))
    assert found.mean[3] == pytest.approx(mean, rel=1e-3)
    assert found.draws.mean(axis=0) == pytest.approx(found.mean, abs=0.005)
    assert np.all((found.own > 0) & (found.own < 1))


def test_a_known_spread_gives_the_textbook_weight():
    """Many units pin the spread down: the weight of a rate is then tau^2 / (tau^2 + v)."""
    random = np.random.default_rng(8)
    rates = 0.5 + 0.1 * random.standard_normal(3000) + 0.05 * random.standard_normal(3000)
    found = shrink(rates, np.full(3000, 0.05**2), 100, random)
    assert found.own == pytest.approx(0.1**2 / (0.1**2 + 0.05**2), abs=0.02)


def test_small_units_are_drawn_to_the_rest_and_large_ones_stay():
    cells = pd.concat(
        [
            units([[1.0, 0.4, 0.7] * 10, [1.0, 0.5, 0.9] * 10, [0.3, 0.6, 0.9] * 10]),
            units([[0.0]], names="z").assign(cluster="z"),
        ]
    )
    table = fit_league(Facts(cells), seed=1).table.set_index("salesperson")
    assert table["rate"]["z"] == 0
    assert table["shrunk"]["z"] > 0.2
    assert abs(table["shrunk"]["a"] - 0.7) < 0.03
    assert table["own_weight"]["z"] < table["own_weight"]["a"]


def test_identical_units_can_take_every_rank():
    league = fit_league(Facts(units([[0.5, 0.9, 0.7, 0.3]] * 4)), seed=1)
    assert (league.table["rank_low"] == 1).all()
    assert (league.table["rank_high"] == 4).all()
    assert (league.apart, league.pairs) == (0, 6)
    assert league.table["p_first"].to_numpy() == pytest.approx(0.25, abs=4 * league.error)
    assert "do not rank" in league.finding()


def test_all_perfect_units_can_take_every_rank():
    league = fit_league(Facts(units([[1.0] * 3] * 3)), seed=1)
    assert (league.table["rank_high"] == 3).all()
    assert league.table["ci_high"].max() <= 1


def test_a_clear_loser_is_last_and_low_can_be_best():
    cells = units([[0.88, 0.92, 0.9] * 4, [0.9, 0.91, 0.89] * 4, [0.1, 0.12, 0.08] * 4])
    last = fit_league(Facts(cells), seed=1).table.iloc[-1]
    assert (last["salesperson"], last["rank_low"], last["rank_high"], last["p_last"]) == ("c", 3, 3, 1.0)
    reversed_ = fit_league(Facts(cells, first="low"), seed=1)
    assert reversed_.table.iloc[0]["salesperson"] == "c"
    assert reversed_.apart == 2
    assert "c comes first with 100%" in reversed_.finding()


def test_the_mix_is_taken_out():
    """Unit b sells to slow payers; against what such customers pay, it is the better one."""
    cells = units([[0.90, 0.88] * 5, [0.64, 0.66] * 5])
    cells["expected"] = np.where(cells["unit"] == "a", 95.0, 55.0)
    raw = fit_league(Facts(cells), seed=1).table
    mix = fit_league(Facts(cells), seed=1, compare="mix").table
    assert raw["salesperson"].tolist() == ["a", "b"]
    assert mix["salesperson"].tolist() == ["b", "a"]


def test_without_two_named_units_there_is_no_order():
    for cells in (units([[0.5, 0.7]]).assign(unit="not given"), units([[0.5, 0.7]])):
        league = fit_league(Facts(cells), seed=1)
        assert not league.identified
        assert "nothing to compare" in league.to_table().title
        titles = [league.plot().get_title(loc=where) for where in ("left", "center")]
        assert "The ledger names" in "".join(titles)
        assert league._repr_html_()


def test_same_seed_same_ranks_and_text_is_escaped():
    cells = units([[0.5, 0.9], [0.4, 0.8], [0.7, 0.3]]).replace({"unit": {"a": "<b>$x"}})
    one, two = (fit_league(Facts(cells), seed=4) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)
    assert "<b>" not in one._repr_html_()
    one.plot().figure.canvas.draw()


def test_arguments_are_checked():
    for wrong in ({"compare": "both"}, {"level": 1.0}, {"draws": 10}):
        with pytest.raises(ModelError, match="allowed"):
            fit_league(Facts(units([[0.5], [0.6]])), seed=1, **wrong)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    random = np.random.default_rng(12)
    inside, ranks_inside = [], []
    for trial in range(80):
        truth = 0.7 + 0.08 * random.standard_normal(8)
        rows = []
        for u, own in enumerate(truth):
            size = random.lognormal(0, 1, int(random.integers(4, 25)))
            rate = own + 0.2 * random.standard_normal(size.size)
            rows += [
                ("abcdefgh"[u], str(c), d, d * r) for c, (d, r) in enumerate(zip(size, rate, strict=True))
            ]
        cells = pd.DataFrame(rows, columns=["unit", "cluster", "base", "part"])
        table = fit_league(Facts(cells), seed=trial, draws=1000).table.sort_values("salesperson")
        rank = np.argsort(np.argsort(-truth)) + 1
        inside += list((table["ci_low"] <= truth) & (truth <= table["ci_high"]))
        ranks_inside += list((table["rank_low"] <= rank) & (rank <= table["rank_high"]))
    assert 0.85 < np.mean(inside) < 0.95
    assert np.mean(ranks_inside) > 0.88
