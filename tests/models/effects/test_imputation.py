"""Effects by imputation: what leaving a customer out moves, and what cannot be told."""

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.effects.differences import comparable
from arrisk.models.effects.imputation import impute, regress
from arrisk.models.effects.panel import read_panel
from tests.models.effects.panels import COLUMNS, noisy, staggered


@pytest.mark.parametrize("levels", ["unit", "cohort"])
@pytest.mark.parametrize("controls", [(), ("amount",)])
def test_leaving_a_customer_out_is_exact(levels, controls):
    rows = noisy(7, customers=12)
    panel = comparable(read_panel(rows, weight="amount", controls=controls, **COLUMNS), levels, 0)
    whole = impute(panel, levels)
    for cluster in range(12):
        rest = impute(comparable(panel.keep(panel.cluster != cluster), levels, 0), levels)
        assert whole.moves[cluster] == pytest.approx(whole.overall - rest.overall, abs=1e-8)
        kept = np.isin(whole.terms, rest.terms)
        np.testing.assert_allclose(
            whole.term_moves[cluster, kept], whole.by_term[kept] - rest.by_term, atol=1e-8
        )


def test_equals_two_stage_estimates_of_a_peer():
    """Gardner's two-stage differences by `did2s` of pyfixest 0.60.0 on the same rows, as printed."""
    rows = pd.DataFrame(
        [(k, month, (4.0, 7.0, np.nan)[k % 3]) for k in range(24) for month in range(10)],
        columns=["customer", "month", "first"],
    )
    customer, month, age = rows["customer"], rows["month"], rows["month"] - rows["first"]
    noise = (customer * 7 + month * 13) % 11 - 5
    effect = (3 + age).where(age >= 0, 0.0)
    rows["days"] = 30 + 3 * (customer % 5) + 0.7 * month + noise - effect
    found = impute(read_panel(rows, **COLUMNS))
    assert found.overall == pytest.approx(-4.7708333333, abs=1e-10)
    printed = [-2.140625, -2.453125, -5.171875, -4.96875, -7.34375, -11.09375]
    np.testing.assert_allclose(found.by_term, printed, atol=1e-10)


def test_a_month_of_one_customer_has_no_error():
    rows = staggered((8.0, np.nan))
    rows = rows[~(rows["first"].eq(8) & rows["month"].eq(11) & ~rows["customer"].eq("0-0"))]
    found = impute(read_panel(rows, **COLUMNS))
    assert np.isnan(found.term_moves[:, -1]).any()
    assert np.isfinite(found.moves).all()


def test_a_control_that_repeats_the_months_is_refused():
    rows = staggered().assign(trend=lambda r: r["month"] * 2.0)
    with pytest.raises(ModelError, match="a control repeats them"):
        impute(read_panel(rows, controls=["trend"], **COLUMNS))


def test_many_clusters_are_left_out_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    x, y, cluster = rng.normal(size=(90, 3)), rng.normal(size=90), np.arange(90) % 11
    whole = regress(x, y, np.ones(90), cluster, 11)
    monkeypatch.setattr("arrisk.models.effects.imputation.CHUNK", 4)
    np.testing.assert_allclose(regress(x, y, np.ones(90), cluster, 11).moves, whole.moves)
