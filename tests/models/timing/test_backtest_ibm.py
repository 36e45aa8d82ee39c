"""A real ledger: what models of the day of payment were worth on the first of each month to July 2013."""

from __future__ import annotations

import pandas as pd
import pytest

from arrisk.ledger.reading import read_ledger
from arrisk.models.payment.payment_hazard import fit_hazard
from arrisk.models.timing.backtest import REFERENCE, backtest_timing
from arrisk.models.timing.payment_timing import fit_timing

BRIER, ORDER = "integrated Brier score", "concordance"
DATES = [f"{day:%Y-%m-%d}" for day in pd.date_range("2012-08-01", "2013-07-01", freq="MS")]


@pytest.fixture(scope="module")
def result(shared_data):
    ledger = read_ledger(shared_data / "ibm-ar", columns="ibm_ar", currency="USD")
    snapshot = ledger.as_of(ledger.last_date)
    models = {
        "hazard on the usual day": fit_hazard(snapshot),
        "curves since the due date": fit_timing(snapshot, "due"),
    }
    return backtest_timing(snapshot, models, DATES)


@pytest.mark.slow
def test_backtest_table_of_a_real_ledger(result):
    own, curves = result.models[:2]
    assert len(result.dates) == 12
    last = result.by_date[result.by_date["date"] == "2013-07-01"]
    assert set(last["items"]) == {83}
    assert result.items == 1168
    # The hazard is surely nearer than the curve of all, which is itself calibrated.
    assert result.best == own
    assert result.interval(own, "Brier less reference")[1] < -0.01
    assert result.value(own, BRIER) == pytest.approx(0.067, abs=0.006)
    assert result.value(REFERENCE, "D-calibration p") > 0.05
    assert result.value(own, "D-calibration p") > 0.01
    assert result.value(own, "D-calibration gap") < 0.04
    # Terms are 30 days for everybody, so the clock since the due date is that since issue.
    assert result.value(curves, BRIER) == pytest.approx(result.value(REFERENCE, BRIER), abs=1e-6)
    # Rules that name a day are farther off than the curve of all, sure as they are.
    for rule in ("customer mean", "due date only"):
        assert result.interval(rule, "Brier less reference")[0] > 0
        assert result.value(rule, "D-calibration p") < 1e-6


@pytest.mark.slow
def test_the_customers_mean_orders_as_well_as_the_model(result):
    """An honest finding: for the order alone the customer's mean would do; chances need the model."""
    own = result.models[0]
    low, high = result.interval(own, ORDER)
    assert low < result.value("customer mean", ORDER) < high
    assert low > result.interval(REFERENCE, ORDER)[1]
    assert result.value(own, "paid, predicted over seen") == pytest.approx(1.0, abs=0.01)
