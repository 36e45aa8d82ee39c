"""A macro link: recovered where there is enough to see, refused where there is not, never looking ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.overlay.macro import fit_macro_link, fit_macro_series
from arrisk.models.overlay.macro_series import count_first_defaults, make_macro_series, read_macro
from arrisk.models.overlay.scenarios import expect_over
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book
from tests.models.overlay.macro_book import SLOPE, draw_index, drawn_series, macro_ledger
from tests.models.overlay.stated_rates import stated_rates

AS_OF = "2030-12-31"
RATES = [[0.01, 0.05, 0.6]], [[1000.0, 500.0, 100.0]]


@pytest.fixture(scope="module")
def link():
    return fit_macro_series(*drawn_series(120, 0.01), AS_OF)


@pytest.fixture(scope="module")
def few():
    return fit_macro_series(*drawn_series(30, 0.0005), AS_OF)


def test_enough_defaults_show_slope_and_lag(link):
    assert link.lag == 2
    assert link.fit.low < SLOPE < link.fit.high < 0
    assert link.gain > 0
    assert link.identified
    assert "one standard deviation" in link.finding()
    best = link.fits.set_index("lag").loc[2]
    assert best["ci_low"] > link.fit.low  # widened for the lags tried
    assert best["p_adjusted"] == pytest.approx(min(7 * best["p_value"], 1))
    assert link.fits["lag"].tolist() == list(range(7))
    assert (link.fits["periods"] == len(link.series)).all()


def test_stated_values_become_factors_rates_and_scenarios(link):
    factor = link.overlay(47.0)
    row = link.predict(47.0).iloc[0]
    assert row["low"] < factor.value == row["factor"] < row["high"]
    assert 1 / factor.value == pytest.approx(np.exp(link.fit.slope * (link.values - 47.0)).mean())
    rates = stated_rates(*RATES)
    at = link.rates_at(47.0, rates)
    assert at["rate"].tolist() == pytest.approx(np.array(RATES[0][0]) * factor.value)
    both = link.scenarios({"base": (0.7, 50.0), "bad": (0.3, 46.0)})
    expected = expect_over(both, rates.segments, rates.buckets)(rates.replicates.rates)
    one, two = (link.overlay(value).value for value in (50.0, 46.0))
    assert expected[0, 0] == pytest.approx(0.01 * (0.7 * one + 0.3 * two))
    with pytest.raises(ModelError, match="has seen"):
        link.overlay(30.0)


def test_sensitivity_shows_both_sides_with_their_range(link):
    rates = stated_rates(*RATES)
    table = link.sensitivity(rates)
    assert table["what"].tolist() == ["one sd lower", "mean", "one sd higher"]
    assert table["factor"].is_monotonic_decreasing
    assert (table["low"] < table["factor"]).all()
    assert (table["factor"] < table["high"]).all()
    assert (table["amount_low"] < table["amount"]).all()
    assert table["amount"].iloc[1] == pytest.approx(95 * table["factor"].iloc[1], rel=0.02)


def test_few_defaults_are_no_ground_for_an_overlay(few):
    assert few.events < 20
    assert not few.identified
    assert "the data cannot say" in few.finding()
    assert "at least 20 defaults" in few.doubt
    with pytest.raises(ModelError, match="the data cannot say"):
        few.overlay(48.0)
    with pytest.raises(ModelError, match="the data cannot say"):
        few.scenarios({"base": (1.0, 50.0)})
    lower = few.sensitivity().iloc[0]
    assert lower["low"] < 1 < lower["high"]
    # The truth is not excluded.
    sd = few.values.std(ddof=1)
    assert lower["low"] < np.exp(-SLOPE * sd) < lower["high"]


def test_without_a_link_none_is_shown():
    told = [fit_macro_series(*drawn_series(60, 0.01, slope=0.0, seed=k), AS_OF).identified for k in range(6)]
    assert sum(told) <= 1


def test_months_that_hang_together_are_not_taken_for_many():
    months = pd.period_range("2015-01", periods=36, freq="M")
    wave = np.sin(np.arange(36) / 6)
    book = pd.DataFrame({"events": np.round(20 + 15 * wave), "at_risk": 1000}, index=months)
    series = pd.Series(50 - 5 * wave, index=months.end_time.normalize())
    link = fit_macro_series(book, make_macro_series(series, "gdp", 0), AS_OF, lags=[0])
    assert "independent" in link.doubt
    assert link.independent < 10


def test_nothing_to_fit_is_said():
    book, macro = drawn_series(40, 0.01)
    for nothing in (book.assign(events=0), book.iloc[:0], book.iloc[:6]):
        link = fit_macro_series(nothing, macro, AS_OF)
        assert "nothing to fit" in link.finding()
        assert link.lag == -1
        assert link.sensitivity().empty
        assert link.predict(50.0)["high"].item() == np.inf
        assert link.to_table().frame.empty
        link.plot()


def test_events_on_the_worst_month_alone_are_no_slope():
    months = pd.period_range("2015-01", periods=30, freq="M")
    index = np.linspace(55, 45, 30)
    book = pd.DataFrame({"events": np.where(np.arange(30) == 29, 40, 0), "at_risk": 1000}, index=months)
    series = make_macro_series(pd.Series(index, index=months.end_time.normalize()), "pmi", 1)
    link = fit_macro_series(book, series, "2017-12-31", lags=[0])
    assert not link.identified
    link.sensitivity(stated_rates(*RATES))
    link.plot()


def test_values_count_from_when_they_were_known():
    book, macro = drawn_series(60, 0.01)
    later = macro.table["known"] > "2013-06-30"
    changed = macro.table.assign(value=macro.table["value"].where(~later, 99.0))
    one = fit_macro_series(book, macro, "2013-06-30")
    other = fit_macro_series(book, type(macro)("pmi", changed), "2013-06-30")
    pd.testing.assert_frame_equal(one.fits, other.fits)
    assert one.series.index.max() == pd.Period("2013-05", "M")  # that of June is published in July
    revised = pd.concat([macro.table, macro.table.assign(value=0.0, known=pd.Timestamp("2013-07-01"))])
    again = fit_macro_series(book, type(macro)("pmi", revised), "2013-06-30")
    pd.testing.assert_frame_equal(one.fits, again.fits)


def test_a_published_series_waits_for_its_publication():
    gdp = pd.Series([1.0, 0.4, -0.2], index=pd.to_datetime(["2025-03-31", "2025-06-30", "2025-09-30"]))
    series = make_macro_series(gdp, "gdp", 45)
    assert series.as_of("2025-08-13").by_period("quarter").index.astype(str).tolist() == ["2025Q1"]
    assert len(series.as_of("2025-08-14").by_period("quarter")) == 2
    for bad, lag, words in (
        (gdp.reset_index(drop=True), 0, "by date"),
        (gdp, -1, "publication_lag"),
        (gdp.replace(1.0, np.nan), 0, "missing"),
    ):
        with pytest.raises(ModelError, match=words):
            make_macro_series(bad, "gdp", lag)


def test_quarters_need_all_their_months():
    months = pd.period_range("2025-01", periods=5, freq="M")
    series = make_macro_series(pd.Series(range(5), index=months.end_time.normalize(), dtype=float), "pmi", 1)
    means = series.by_period("quarter")
    assert means.index.astype(str).tolist() == ["2025Q1"]
    assert means.item() == 1.0
    weeks = pd.Series(1.0, index=pd.date_range("2025-01-05", "2025-04-20", freq="7D"))
    assert len(make_macro_series(weeks, "freight", 3).by_period("month")) == 3


def test_customers_count_once_from_when_they_could_default():
    rows = [
        invoice("1", "2024-01-05", 100, "2024-02-10", customer_id="a"),
        invoice("2", "2024-01-05", 100, "2024-02-10", customer_id="b"),
        invoice("3", "2024-06-01", 100, "2024-07-01", customer_id="b"),
        invoice("4", "2024-06-01", 100, "2024-07-01", customer_id="a"),
    ]
    paid = [event("2", "2024-02-10", 100), event("3", "2024-07-01", 100), event("1", "2024-09-01", 100)]
    book = ledger_of(rows, paid).as_of("2024-12-30")
    found = count_first_defaults(book)
    assert found.index.astype(str).tolist() == [f"2024-{m:02d}" for m in range(5, 12)]
    assert found["events"].tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert found["at_risk"].tolist() == [2, 1, 1, 1, 1, 1, 1]
    assert count_first_defaults(book, "quarter")["events"].tolist() == [1, 0]


def test_the_sample_cannot_say(sample_study):
    """A few dozen late payers and a dozen losers in three years, moved by -0.1 a point."""
    snapshot = sample_study.snapshot()
    link = fit_macro_link(snapshot)
    assert not link.identified
    assert link.fit.low < SLOPE < link.fit.high
    lost = fit_macro_link(snapshot, definition=DefaultDefinition(days=3000, insolvency=()))
    assert "at least 20 defaults" in lost.doubt


def test_later_facts_of_a_ledger_change_nothing(sample_study):
    whole = sample_study.snapshot()
    then = whole.as_of("2025-03-31")
    known = read_macro(then, "pmi").table
    assert known["known"].max() <= then.date
    assert fit_macro_link(then).series.index.max() == pd.Period("2025-02", "M")


@pytest.mark.slow
def test_a_large_ledger_shows_the_slope_through_every_step():
    """Who fails in a month does not pay its invoice of that month: 90 days late three months on."""
    link = fit_macro_link(macro_ledger(1500).as_of("2023-12-31"), lags=[0, 2, 3, 4])
    assert link.lag == 3
    assert link.identified
    assert link.fit.low < SLOPE < link.fit.high < 0


def test_what_is_refused(sample_study):
    snapshot = sample_study.snapshot()
    with pytest.raises(ModelError, match=r"no series 'gdp' .*'pmi'"):
        fit_macro_link(snapshot, "gdp")
    for lags in ([], [-1], [1, 1], [0.5]):
        with pytest.raises(ModelError, match="lags are"):
            fit_macro_link(snapshot, lags=lags)
    with pytest.raises(ModelError, match="frequency"):
        fit_macro_link(snapshot, frequency="week")
    book, macro = drawn_series(30, 0.01)
    with pytest.raises(ModelError, match="PeriodIndex"):
        fit_macro_series(book.reset_index(drop=True), macro, AS_OF)


def test_it_shows_itself(link, few):
    rates = stated_rates(*RATES)
    for shown in (link, few):
        assert "tried" in shown.to_table().note
        assert shown.sensitivity_table(rates).frame["amount"].notna().all()
        assert len(shown.trial_table().frame) == int(len(shown.series) / 3)
        ax = shown.plot()
        assert ("the data cannot say" in ax.get_title()) != shown.identified
        assert "pmi" in ax.get_xlabel()
        assert shown._repr_html_().startswith("<table")
    assert set(link.conventions) >= {"lags", "interval", "out of time", "errors"}


def test_the_index_of_the_tests_moves_slowly():
    index = draw_index(pd.period_range("2010-01", periods=200, freq="M"), np.random.default_rng(0))
    assert np.corrcoef(index[1:], index[:-1])[0, 1] > 0.6


def test_a_ledger_without_any_series_cannot_say():
    link = fit_macro_link(loss_book(lost_share=0.25).as_of("2024-12-31"))
    assert not link.identified
    assert len(link.fits) == 0
    assert "the data cannot say (0 defaults in 0 months" in link.finding()
    assert link.to_table().frame.empty
    link.plot().figure.canvas.draw()
