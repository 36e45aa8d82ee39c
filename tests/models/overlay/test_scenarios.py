"""Scenarios: the expectation of capped rates, and how far the shortcut is from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.overlay.factors import Factor
from arrisk.models.overlay.scenarios import (
    Scenario,
    check_scenarios,
    expect_over,
    rate_of_expectation,
    weigh_scenarios,
)
from tests.models.overlay.stated_rates import stated_rates

THREE = (
    Scenario("base", 0.5),
    Scenario("good", 0.2, (Factor(0.8),)),
    Scenario("bad", 0.3, (Factor(2.0),)),
)


def test_the_expectation_of_rates_is_not_the_rate_of_the_expectation():
    """0.5 x 80% + 0.2 x 64% + 0.3 x 100% = 82.8%; the mean factor 1.26 gives 100%."""
    rates = stated_rates([[0.01, 0.1, 0.8]], [[0.0, 1000.0, 500.0]])
    seen = weigh_scenarios(rates, THREE, "bank outlook")
    np.testing.assert_allclose(seen.rates.replicates.rates, [[0.0126, 0.126, 0.828]])
    np.testing.assert_allclose(seen.shortcut.replicates.rates, [[0.0126, 0.126, 1.0]])
    assert seen.rates.total.value == pytest.approx(126 + 414)
    assert seen.table["amount"].tolist() == pytest.approx([500, 400, 700, 540, 626])
    assert "86 more" in seen.finding()
    assert list(seen.rate_table) == [
        "segment", "bucket", "historical", "base", "good", "bad", "expected", "shortcut",
    ]  # fmt: skip
    assert seen.rate_table["bad"].tolist() == pytest.approx([0.02, 0.2, 1.0])
    assert "bank outlook" in seen.rates.conventions["scenarios"]
    assert seen.rates.total.low < 540 < seen.rates.total.high


def test_without_a_cap_in_reach_both_agree():
    seen = weigh_scenarios(stated_rates([[0.1, 0.2, 0.3]], [[20.0, 10.0, 5.0]]), THREE, "test")
    np.testing.assert_allclose(seen.rates.replicates.rates, seen.shortcut.replicates.rates)
    assert "would say the same" in seen.finding()


chances = st.lists(st.floats(0.05, 1), min_size=1, max_size=4)


@given(chances, st.data())
def test_the_shortcut_is_never_below(weights, data):
    """A cap is concave: Jensen's inequality."""
    total = sum(weights)
    scenarios = [
        Scenario(str(k), w / total, (Factor(data.draw(st.floats(0.1, 5)), cap=0.9),))
        for k, w in enumerate(weights)
    ]
    rates = np.linspace(0, 0.9, 7)[None]
    names = ["all"], list("abcdefg")
    expected, shortcut = (make(scenarios, *names)(rates) for make in (expect_over, rate_of_expectation))
    assert (expected <= shortcut + 1e-12).all()
    assert (expected <= 0.9 + 1e-12).all()


def test_probabilities_have_to_sum_to_one():
    with pytest.raises(ModelError, match=r"base 0\.5, bad 0\.4\) to 0\.9"):
        check_scenarios([Scenario("base", 0.5), Scenario("bad", 0.4)])
    assert len(check_scenarios([Scenario(str(k), 0.1) for k in range(10)])) == 10


def test_what_is_refused():
    for chance in (0.0, 1.2, float("nan"), -0.1):
        with pytest.raises(ModelError, match="above 0 and at most 1"):
            Scenario("base", chance)
    with pytest.raises(ModelError, match="name of its own"):
        Scenario("shortcut", 1.0)
    with pytest.raises(ModelError, match="two scenarios"):
        check_scenarios([Scenario("a", 0.5), Scenario("a", 0.5)])
    with pytest.raises(ModelError, match="no scenario"):
        check_scenarios([])
    with pytest.raises(ModelError, match="say why"):
        weigh_scenarios(stated_rates([[0.1, 0.2, 0.3]], [[20.0, 10.0, 5.0]]), THREE, "")


def test_it_shows_itself():
    odd = Scenario("<b>boom</b>", 0.5, (Factor(0.5),))
    seen = weigh_scenarios(
        stated_rates([[0.1, 0.2, 0.3]], [[20.0, 10.0, 5.0]]), [odd, Scenario("base", 0.5)], "test"
    )
    assert "<b>" not in seen._repr_html_()
    ax = seen.plot()
    assert ax.get_title().replace("\n", " ") == seen.finding()
    assert "USD" in ax.get_ylabel()
