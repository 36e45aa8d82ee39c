from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.cash.backtest import METHODS, ratio_interval, score
from arrisk.models.cash.forecast import weekly_cash
from arrisk.models.timing.payment_timing import fit_timing
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of, rows_of

AS_OF = "2024-06-18"


@pytest.fixture(scope="module")
def snapshot():
    return book_of(21, customers=50, failing=0.2, days=800).as_of("2024-03-10")


@pytest.fixture(scope="module")
def cash(snapshot):
    return weekly_cash(snapshot)


def test_weeks_add_to_the_predictions_of_the_items(snapshot, cash):
    timing = fit_timing(snapshot, "due")
    items = timing.predict(snapshot, days=(91,))
    assert cash.total()[0] == pytest.approx((items["open_amount"] * items["p_paid_91"]).sum())
    assert cash.table["expected"].sum() == pytest.approx(cash.total()[0])
    assert cash.table["week_ending"].iloc[0] == snapshot.date + pd.Timedelta(days=7)
    assert len(cash.table) == 13
    assert cash.total()[0] < cash.open_amount


def test_realised_cash_of_the_past_is_what_the_ledger_says(snapshot, cash):
    day = cash.trials["date"].max()
    held = snapshot.as_of(day).open_items["invoice_id"]
    events = snapshot.events[snapshot.events["invoice_id"].isin(held) & (snapshot.events["date"] > day)]
    week = (events["date"] - day).dt.days.sub(1) // 7 + 1
    expected = events.groupby(week)["amount"].sum().reindex(range(1, 14), fill_value=0.0)
    trial = cash.trials[(cash.trials["date"] == day) & (cash.trials["method"] == METHODS[0])]
    np.testing.assert_allclose(trial["realised"], expected)
    assert day + pd.Timedelta(weeks=13) <= snapshot.date


@pytest.mark.slow
def test_past_forecasts_do_not_know_what_came_later():
    """Rows after a past day change what is realised, not what was forecast."""
    invoices, events = rows_of(22, customers=40, days=700)
    cut = "2023-08-01"
    full = weekly_cash(ledger_of(invoices, events).as_of("2023-11-15")).trials
    shifted = [e if e["date"] <= cut else {**e, "amount": e["amount"] / 2} for e in events]
    other = weekly_cash(ledger_of(invoices, shifted).as_of("2023-11-15")).trials
    early = full["date"] <= cut
    pd.testing.assert_series_equal(full.loc[early, "forecast"], other.loc[early, "forecast"])
    assert not np.allclose(full.loc[early, "realised"], other.loc[early, "realised"])


def test_every_method_is_tried_on_the_same_days(cash):
    table = cash.backtest
    assert table["method"].tolist() == list(METHODS)
    assert (table["dates"] == cash.n_dates).all()
    assert cash.n_dates >= 4
    assert cash.best_rival == table.iloc[1:].sort_values("wape_week")["method"].iloc[0]
    own = cash.trials[cash.trials["method"] == "terms only"]
    expected = (own["forecast"] - own["realised"]).abs().sum() / own["realised"].sum()
    assert table.set_index("method").loc["terms only", "wape_week"] == pytest.approx(expected)


def test_curves_beat_the_terms_where_customers_pay_as_they_please(cash):
    errors = cash.backtest.set_index("method")["wape_week"]
    assert errors["payment curves"] < errors["terms only"]


def test_limits_are_in_order_and_within_what_is_open(cash):
    table = cash.table
    assert ((table["p10"] <= table["p50"]) & (table["p50"] <= table["p90"])).all()
    _, low, middle, high = cash.total()
    assert low < middle < high <= cash.open_amount


def test_interval_covers_a_common_shock():
    """Forecasts off by a shock common to the whole book: independent trials, nominal 80%."""
    rng = np.random.default_rng(23)
    hits, runs = 0, 2000
    for _ in range(runs):
        past = 100 * np.exp(rng.normal(0, 0.2, 12))
        low, _, high = ratio_interval(np.full(12, 100.0), past, 12)
        hits += low * 100 <= 100 * np.exp(rng.normal(0, 0.2)) <= high * 100
    assert stats.binomtest(hits, runs, 0.8).pvalue > 1e-4


def test_overlapping_windows_widen_the_interval():
    forecast, realised = np.full(12, 100.0), 100 + 10 * np.sin(np.arange(12))
    alone, shared = ratio_interval(forecast, realised, 12), ratio_interval(forecast, realised, 3)
    assert shared[2] - shared[0] > 1.2 * (alone[2] - alone[0])
    assert np.isnan(ratio_interval(forecast, realised, 1)).all()


def test_coverage_uses_other_windows_only():
    """The last window is like no other: the interval made from the others must miss it."""
    days = pd.date_range("2023-01-01", periods=8, freq="91D")
    came = [100.0, 101, 99, 100, 101, 99, 100, 10]
    rows = [(d, m, w, 100.0, c) for d, c in zip(days, came, strict=True) for m in METHODS for w in (1, 2)]
    trials = pd.DataFrame(rows, columns=["date", "method", "week", "forecast", "realised"])
    table = score(trials, 13, 0.8)
    assert (table["coverage_total"] == 7 / 8).all()


def test_credits_and_cash_on_account_reduce_what_is_expected():
    invoices, events = rows_of(24, customers=30, days=400)
    plain = weekly_cash(ledger_of(invoices, events).as_of("2023-01-25"))
    owing = ledger_of(invoices, events).as_of("2023-01-25").open_items.iloc[0]
    credit = invoice("cr", "2023-01-20", -owing["open_amount"] / 4, customer_id=owing["customer_id"])
    loose = event(None, "2023-01-20", owing["open_amount"] / 4, customer_id=owing["customer_id"])
    less = weekly_cash(ledger_of([*invoices, credit], [*events, loose]).as_of("2023-01-25"))
    assert plain.open_amount - less.open_amount == pytest.approx(owing["open_amount"] / 2, abs=0.05)
    assert less.total()[0] < plain.total()[0]


def test_short_history_gives_no_interval():
    short = weekly_cash(book_of(25, customers=40, days=330).as_of("2022-11-25"))
    assert not short.identified
    assert np.isnan(short.total()[1:]).all()
    assert short.table[["p10", "p50", "p90"]].isna().all().all()
    assert short.total()[0] > 0
    assert "no interval" in short.plot().get_title()


def test_nothing_open_is_refused():
    invoices = [invoice(f"{k}", "2024-01-01", 10, "2024-01-31") for k in range(30)]
    paid = [event(f"{k}", "2024-01-20", 10) for k in range(30)]
    with pytest.raises(ModelError, match="nothing is open"):
        weekly_cash(ledger_of(invoices, paid).as_of("2024-06-01"))


@pytest.mark.slow
def test_a_book_always_collected_leaves_room_for_a_default_not_seen():
    invoices, events = rows_of(26, customers=40, days=700)
    always = weekly_cash(ledger_of(invoices, events).as_of("2023-11-20"))
    assert always.always_collected()
    _, low, middle, high = always.total()
    assert low == pytest.approx(middle * (1 - always.unseen_default), rel=0.02)
    assert 0 < always.unseen_default < 0.1
    assert high <= always.open_amount


def test_picture_and_page(cash):
    ax = cash.plot()
    assert ax.get_title().startswith("13 weeks bring EUR")
    assert "EUR" in ax.get_ylabel()
    assert "payment curves" in cash._repr_html_()
    weeks, rivals = cash.to_table(), cash.backtest_table()
    assert weeks.frame["week"].tolist() == [*map(str, range(1, 14)), "total"]
    np.testing.assert_allclose(weeks.frame["p50"].iloc[-1], cash.total()[2], atol=0.005)
    assert rivals.frame["error_of_a_week"].tolist() == cash.backtest["wape_week"].tolist()
    assert rivals.title.startswith(
        f"Nearest by week: {cash.backtest.sort_values('wape_week')['method'].iloc[0]}"
    )
    past = cash.plot_past()
    np.testing.assert_allclose(past.lines[0].get_ydata() * 1e3, cash.past_totals()["realised"])
