"""The one result of every method: rates, intervals by customer, amounts that add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from arrisk.errors import ModelError
from arrisk.ledger.reading import read_ledger
from arrisk.ledger.sample.generator import make_sample
from arrisk.models.intervals import jackknife_logit
from arrisk.models.loss_rates.fit import METHODS, fit_loss_rates
from arrisk.models.loss_rates.loss_counts import leave_one_out
from tests.models.overlay.stated_rates import CUSTOMERS, stated_rates

RATES = [[0.01, 0.05, 0.6], [0.03, 0.2, 0.8]]
OWED = [[1000.0, 500.0, 100.0], [300.0, 0.0, 50.0]]


@pytest.fixture(scope="module")
def stated():
    return stated_rates(RATES, OWED, ("East", "West"))


@pytest.fixture(scope="module")
def snapshot():
    return read_ledger(make_sample(invoices=4000, seed=4), currency="EUR").as_of("2025-12-31")


def test_rates_amounts_and_total_by_hand(stated):
    assert stated.table["rate"].to_numpy() == pytest.approx(np.ravel(RATES))
    assert stated.table["provision"].tolist() == [10.0, 25.0, 60.0, 9.0, 0.0, 40.0]
    assert stated.total.value == 144.0
    assert stated.identified
    assert (stated.table["customers"] == CUSTOMERS).all()


def test_a_rate_lies_in_its_interval_and_the_total_in_its_own(stated):
    rows = stated.table
    assert ((rows["ci_low"] < rows["rate"]) & (rows["rate"] < rows["ci_high"])).all()
    assert stated.total.low < 144.0 < stated.total.high
    assert stated.total.high < (rows["balance"] * rows["ci_high"]).sum()  # not all rates err the same way


def test_the_interval_is_the_jackknife_of_customers_that_matter(stated):
    """Leaving out a customer of the other segment moves nothing, so it adds no degree of freedom."""
    lost = 0.05 + 0.5 * np.linspace(-1, 1, CUSTOMERS) * 0.05 * 0.95
    without = (lost.sum() - lost) / (CUSTOMERS - 1)
    by_hand = jackknife_logit(0.05, without, 0.95, freedom="effective")
    row = stated.table.iloc[1]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((by_hand.low, by_hand.high), rel=1e-9)


def test_freedom_follows_how_unequal_customers_are():
    """With equal customers both agree closely; with one that carries all, about two degrees are left."""
    equal = 0.05 + 1e-4 * np.tile([-1.0, 1.0], 15)
    plain, effective = (jackknife_logit(0.05, equal, 0.95, freedom=f) for f in ("customers", "effective"))
    assert effective.high == pytest.approx(plain.high, rel=0.02)
    alone = np.full(30, 0.05)
    alone[0] = 0.01
    plain, effective = (jackknife_logit(0.05, alone, 0.95, freedom=f) for f in ("customers", "effective"))
    reach = [special.logit(i.high) - special.logit(0.05) for i in (plain, effective)]
    freedom = 2 * 30 / (stats.kurtosis(special.logit(alone), fisher=False) - 1)
    assert freedom < 2.5
    assert reach[1] / reach[0] == pytest.approx(stats.t.ppf(0.975, freedom) / stats.t.ppf(0.975, 29))


def test_a_change_of_rates_moves_amounts_and_is_told(stated):
    doubled = stated.adjust(lambda rates: np.minimum(2 * rates, 1.0), "overlay", "twice, at most all")
    assert doubled.table["rate"].to_numpy() == pytest.approx(np.minimum(2 * np.ravel(RATES), 1.0))
    assert doubled.conventions["overlay"] == "twice, at most all"
    assert doubled.table["ci_high"].iloc[0] == pytest.approx(2 * stated.table["ci_high"].iloc[0])
    assert stated.table["rate"].iloc[0] == pytest.approx(0.01)


def test_other_balances_take_the_same_rates(stated):
    assert stated.amount(np.array(OWED)).value == stated.total.value
    assert stated.amount(np.zeros((2, 3))).value == 0.0
    only = stated.amount(np.array([[0, 0, 0], [0, 1000.0, 0]]))
    row = stated.table.iloc[4]
    assert only.value == 200.0
    assert (only.low, only.high) == pytest.approx((1000 * row["ci_low"], 1000 * row["ci_high"]), rel=1e-9)


@pytest.mark.parametrize("method", ["net_flow", "roll", "competing"])
def test_leaving_a_customer_out_is_a_fit_without_it(snapshot, method):
    counts = METHODS[method](snapshot)
    totals, found = counts.totals(), leave_one_out(counts)
    for place in (0, len(found) // 2, len(found) - 1):
        rest = totals - counts.terms[[place]].toarray()
        np.testing.assert_allclose(found[place], counts.rates(rest)[0], rtol=1e-12)


def test_segments_of_the_sample(snapshot):
    """A segment in which too few lost has no rate; the total is then a range, and says whose rate lacks."""
    rates = fit_loss_rates(snapshot, by="segment")
    lacking = rates.table.groupby("segment")["rate"].apply(lambda column: column.isna().all())
    losers = rates.table.groupby("segment")["losers"].max()
    assert lacking.any()
    assert not lacking.all()
    assert (losers[lacking] < 2).all()
    assert (losers[~lacking] >= 2).all()
    assert rates.total.value is None
    known = rates.table["provision"].sum()
    assert rates.total.low <= known <= rates.total.high
    with pytest.raises(ModelError, match="bounds, not rates"):
        rates.predict(snapshot)


def test_attributes_that_are_not_of_customers_are_refused(snapshot):
    with pytest.raises(ModelError, match="attribute of customers, not 'salesperson'; allowed"):
        fit_loss_rates(snapshot, by="salesperson")


def test_a_customer_of_a_segment_never_seen_cannot_be_rated(snapshot):
    rates = fit_loss_rates(snapshot)
    same = rates.predict(snapshot)
    assert same["provision"].sum() == pytest.approx(rates.total.value)
    assert list(same["bucket"]) == rates.buckets


def test_it_shows_itself(stated, snapshot):
    frame = stated.to_table().frame
    assert frame["provision"].iloc[-1] == 144.0
    assert "East" in stated._repr_html_()
    title = stated.plot().get_title()
    assert title == "1.0% to 3.0% of what is not due is lost, 60.0% to 80.0% of what is over 30 days late"
    assert "rate" in fit_loss_rates(snapshot, by="segment").plot().get_title()
    assert len(stated.conventions_table().frame) == len(stated.conventions)


def test_hostile_names_stay_text():
    rates = stated_rates(RATES, OWED, ("<script>alert(1)</script>", "=1+1"))
    assert "<script>" not in rates._repr_html_()


def test_the_table_is_tidy(stated):
    assert isinstance(stated.table, pd.DataFrame)
    assert list(stated.table["segment"].unique()) == ["East", "West"]
    assert not stated.table.duplicated(["segment", "bucket"]).any()
