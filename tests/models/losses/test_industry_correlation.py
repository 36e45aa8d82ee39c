"""What customers of one industry have in common, from counts whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from arrisk.errors import ModelError
from arrisk.models.losses.industry_correlation import estimate_industry_correlation
from arrisk.models.losses.level_posterior import CorrelationPrior


def drawn(extra, seed, periods=12, size=300, rho=0.05):
    """Counts of four industries under the two-level model."""
    rng = np.random.default_rng(seed)
    z, y = rng.standard_normal((periods, 1)), rng.standard_normal((periods, 4))
    at = special.ndtri([0.02, 0.03, 0.04, 0.06]) - np.sqrt(rho) * z - np.sqrt(extra) * y
    events = rng.binomial(size, special.ndtr(at / np.sqrt(1 - rho - extra)))
    return pd.DataFrame(
        {
            "end": np.repeat(np.arange(periods), 4),
            "group": np.tile(list("abcd"), periods),
            "trials": size,
            "events": events.ravel(),
        }
    )


def test_the_truth_is_told_apart():
    none, some = (
        estimate_industry_correlation(drawn(extra, 3), CorrelationPrior(0.05, 0.05)) for extra in (0.0, 0.1)
    )
    assert none.interval[1] < 0.04
    assert some.interval[0] < 0.1 < some.interval[1]
    assert some.estimate > none.estimate + 0.04
    assert some.mass.sum() == pytest.approx(1.0)


def test_few_counts_say_little_and_one_year_nothing():
    few = estimate_industry_correlation(drawn(0.05, 1, periods=2, size=30), CorrelationPrior(0.1, 0.1))
    assert few.identified
    assert np.ptp(few.interval) > 0.1
    one = estimate_industry_correlation(drawn(0.05, 1, periods=1, size=30), CorrelationPrior(0.1, 0.1))
    assert not one.identified
    assert "1 period of 4 industries cannot tell" in one.finding()


def test_words_and_table():
    found = estimate_industry_correlation(drawn(0.1, 2, periods=3), CorrelationPrior(0.1, 0.1))
    table = found.to_table()
    assert table.frame["term"].tolist() == ["assumed before", "after the counts"]
    assert table.title == found.finding()
    assert "3 periods of 4 industries" in found._repr_html_()


def test_impossible_input_is_refused():
    with pytest.raises(ModelError, match="group"):
        estimate_industry_correlation(pd.DataFrame({"trials": [1], "events": [0]}))
    with pytest.raises(ModelError, match="highest"):
        estimate_industry_correlation(drawn(0.0, 1), highest=0.9)
