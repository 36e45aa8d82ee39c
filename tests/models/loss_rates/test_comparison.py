"""Methods side by side: paired differences, reasons, and what cannot be fitted."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.intervals import jackknife
from arrisk.models.loss_rates.comparison import compare_loss_rates, paired_difference
from arrisk.models.loss_rates.differences import provision_of
from arrisk.models.loss_rates.fit import METHODS, fit_loss_rates
from tests.loss_book import loss_book

DATE = "2024-12-31"
QUICK = ("net_flow", "cohort", "realised")


@pytest.fixture(scope="module")
def snapshot():
    return loss_book(customers=60, invoices=1500, lost_share=0.3, recovery=0.2).as_of(DATE)


@pytest.fixture(scope="module")
def found(snapshot):
    return compare_loss_rates(snapshot, QUICK)


def test_amounts_and_rates_are_those_of_each_method(found, snapshot):
    for row in found.table.itertuples():
        alone = fit_loss_rates(snapshot, row.method)
        expected = (alone.total.value, alone.total.low, alone.total.high)
        assert (row.provision, row.low, row.high) == pytest.approx(expected, rel=1e-12)
        rates = found.rates[found.rates["method"] == row.method]["rate"]
        np.testing.assert_allclose(rates, alone.table["rate"], rtol=1e-12)


def test_differences_leave_the_same_customer_out_of_both(found):
    one, other = found.fits["net_flow"], found.fits["realised"]
    gap, span = paired_difference(one, other)
    balances = one.counts.balances()
    swings = [
        float(((other.replicates.without[c] - one.replicates.without[c]) * balances).sum())
        for c in range(one.counts.customers.size)
    ]
    expected = jackknife(gap, swings)
    row = found.table.set_index("method").loc["realised"]
    assert row["difference"] == gap == round(other.total.value - one.total.value, 2)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(tuple(expected))
    assert span.low < gap < span.high
    assert paired_difference(one, one)[0] == 0.0


def test_a_part_is_one_choice_changed(found, snapshot):
    parts = found.parts.set_index(["method", "cause"])["amount"]
    cause = "what is still open is not lost"
    lost = provision_of(snapshot, "cohort", None, {"still_open": "lost"})
    assert parts["cohort", cause] == pytest.approx(
        provision_of(snapshot, "cohort", None, {}) - lost, abs=0.01
    )
    fit = found.fits["cohort"]
    assert provision_of(snapshot, "cohort", None, {}) == pytest.approx(fit.total.value, abs=0.03)


def test_what_a_reason_tells_adds_up_to_the_difference(found):
    """The parts told and the rest, rounded to whole units each."""
    row = found.table.set_index("method").loc["cohort"]
    told = [
        word.split("EUR ")[0][-1:] + word.split("EUR ")[1].split(" ")[0] for word in row["reason"].split("; ")
    ]
    total = sum(float(amount.replace(",", "")) for amount in told)
    assert total == pytest.approx(row["difference"], abs=len(told))


def test_the_two_paths_are_named(found):
    assert found.pair == ("net_flow", "realised")
    assert "two independent paths" in found.finding()
    assert found.table["path"].str.startswith("followed").tolist() == [False, True, True]


def test_a_method_that_cannot_be_fitted_says_why(snapshot):
    found = compare_loss_rates(snapshot, QUICK, conventions={"realised": {"horizon": 60}})
    row = found.table.set_index("method").loc["realised"]
    assert row["reason"] == "cannot be fitted: no month end lies 60 months before 2024-12-31: none to follow"
    assert np.isnan(row["provision"])
    assert found.pair == ("net_flow", "cohort")
    assert len(found.to_table().frame) == 3
    with pytest.raises(ModelError, match="no method can be fitted: realised: no month end"):
        compare_loss_rates(snapshot, ("realised",), conventions={"realised": {"horizon": 60}})


def test_without_losses_every_method_gives_a_bound():
    snapshot = loss_book(customers=30, invoices=900, lost_share=0.0).as_of(DATE)
    found = compare_loss_rates(snapshot)
    assert found.table["provision"].isna().all()
    assert (found.table["high"] > 0).all()
    assert found.table["reason"].str.startswith("a bound, no rate: No customer was written off").all()
    assert found.parts.empty
    assert found.finding().startswith("No method gives a rate: at most EUR")
    assert found.plot().get_title().startswith("No method gives a rate")


@pytest.mark.parametrize(
    ("methods", "conventions"),
    [(("flow",), {}), (("roll", "roll"), {}), ((), {}), (("roll",), {"cohort": {}})],
)
def test_what_cannot_be_compared_is_said(snapshot, methods, conventions):
    with pytest.raises(ModelError, match=r"methods are some of|not compared"):
        compare_loss_rates(snapshot, methods, conventions=conventions)


def test_it_shows_itself(found):
    assert "net flow rates" in found._repr_html_()
    assert list(found.rates_table().frame) == [
        "bucket",
        "net flow rates",
        "sales cohorts",
        "past balances followed",
    ]
    assert [t.get_text() for t in found.plot().get_yticklabels()][-1] == "net flow rates"
    assert found.plot_rates().get_xlabel() == "days overdue"


@pytest.mark.slow
def test_all_methods_on_the_sample(sample_study):
    """Totals in a band around each other, paths within chance, and the window named where it matters."""
    found = compare_loss_rates(sample_study.snapshot())
    table = found.table.set_index("method")
    assert list(table.index) == list(METHODS)
    assert table["provision"].max() < 1.6 * table["provision"].min()
    middle = table["provision"].median()
    assert ((table["low"] < middle) & (middle < table["high"])).all()
    followed = table.loc[["competing", "realised", "vintage", "cohort"]]
    assert ((followed["difference_low"] < 0) & (followed["difference_high"] > 0)).all()
    assert followed["reason"].str.contains("months before the window of the first count too: -EUR").all()
    assert "what reached a bucket is the base, not what stands in it: -EUR" in table.loc["cohort", "reason"]
    assert found.fits["vintage"].counts.facts["mack_error"] > 0
    segments = compare_loss_rates(sample_study.snapshot(), ("net_flow", "competing"), by="segment")
    assert segments.rates["segment"].nunique() > 1
