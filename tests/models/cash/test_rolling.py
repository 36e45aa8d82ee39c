from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.cash.rolling import MODEL, _usual_step, backtest_cash
from arrisk.models.cash.rolling_scores import BEATS, EVERY, RIVAL, TOTAL, UNKNOWN
from arrisk.models.payment.payment_hazard import fit_hazard
from arrisk.models.timing.payment_timing import fit_timing
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import START, book_of, rows_of

SAID = ["forecast", "q05", "q10", "q50", "q90", "q95"]


@pytest.fixture(scope="module")
def snapshot():
    return book_of(31, customers=40, failing=0.15, days=800).as_of("2024-03-10")


@pytest.fixture(scope="module")
def result(snapshot):
    return backtest_cash(snapshot, draws=60)


def on_the_day(customers=9, days=600):
    """Everybody pays on the due date, whatever its weekday."""
    invoices, events = [], []
    for c in range(customers):
        for k, issued in enumerate(range(c, days, 9)):
            number, day = f"i{c:02d}-{k:03d}", START + pd.Timedelta(days=issued)
            due = day + pd.Timedelta(days=(14, 30, 45)[c % 3])
            invoices.append(
                invoice(number, f"{day:%Y-%m-%d}", 100 + c, f"{due:%Y-%m-%d}", customer_id=f"c{c}")
            )
            events.append(event(number, f"{due:%Y-%m-%d}", 100 + c))
    return invoices, events


def test_what_came_is_what_the_ledger_says(snapshot, result):
    day = result.trials["date"].max()
    held = snapshot.as_of(day).open_items["invoice_id"]
    events = snapshot.events[snapshot.events["invoice_id"].isin(held) & (snapshot.events["date"] > day)]
    week = (events["date"] - day).dt.days.sub(1) // 7 + 1
    expected = events.groupby(week)["amount"].sum().reindex(range(1, 14), fill_value=0.0)
    last = result.trials[result.trials["date"] == day]
    for method in result.methods:
        own = last[last["method"] == method]
        single = own[own["first_week"] == own["last_week"]]
        np.testing.assert_allclose(single["came"], expected)
        assert own["came"].iloc[-1] == pytest.approx(expected.sum())
    assert day + pd.Timedelta(weeks=13) <= snapshot.date


def test_scores_by_hand(result):
    own = result.trials[(result.trials["method"] == "terms only") & (result.trials["last_week"] <= 4)]
    own = own[(own["first_week"] == own["last_week"]) & (own["first_week"] >= 2)]
    row = result.scores[(result.scores["method"] == "terms only") & (result.scores["horizon"] == "weeks 2-4")]
    miss = (own["forecast"] - own["came"]).abs().sum() / own["came"].sum()
    assert row["wape"].item() == pytest.approx(miss)
    assert row["bias"].item() == pytest.approx(own["forecast"].sum() / own["came"].sum() - 1)
    both = result.scores.set_index(["horizon", "method"])["wape"]
    gap = result.differences.set_index(["horizon", "rival"])["estimate"]
    wanted = both["total", MODEL] - both["total", "customer mean"]
    assert gap["total", "customer mean"] == pytest.approx(wanted)
    assert set(result.scores["horizon"]) == {"week 1", "weeks 2-4", "weeks 5-13", EVERY, TOTAL}


def test_intervals_are_in_order_and_need_past_windows(result):
    limits = result.trials[["q05", "q10", "q50", "q90", "q95"]].to_numpy(float)
    known = np.isfinite(limits).all(axis=1)
    assert (np.diff(limits[known], axis=1) >= -1e-9).all()
    rivals = result.trials[result.trials["method"] != MODEL]
    first = rivals["date"].min()
    assert rivals.loc[rivals["date"] == first, "q50"].isna().all()
    assert result.trials.loc[result.trials["method"] == MODEL, "q50"].notna().all()


def test_the_curves_win_where_customers_pay_as_they_please(result):
    errors = result.scores[result.scores["horizon"] == EVERY].set_index("method")["wape"]
    assert result.best == errors.idxmin()
    verdicts = result.differences[result.differences["horizon"] == EVERY].set_index("rival")["verdict"]
    assert verdicts["terms only"] == BEATS
    assert errors[MODEL] < errors["terms only"]


def test_a_long_history_is_tried_less_often(snapshot, result):
    # More than 15 days 4 weeks apart, from half a year after the first day to 13 weeks before the last.
    first = snapshot.first_date + pd.Timedelta(days=182)
    last = snapshot.date - pd.Timedelta(weeks=13)
    assert (last - first).days // 28 + 1 > 15
    days = np.sort(result.trials["date"].unique())
    assert result.step_weeks == 8
    assert set(np.diff(days).astype("timedelta64[D]").astype(int)) == {56}
    assert "8 weeks apart" in result.to_table().note
    assert _usual_step(snapshot.as_of("2023-09-01"), 13) == 4


@pytest.mark.parametrize(("clock", "verdict"), [("issue", RIVAL), ("due", UNKNOWN)])
def test_terms_only_is_recommended_where_everybody_pays_on_the_day(clock, verdict):
    """Curves since the due date learn as much and are no better; curves since issue mix the terms."""
    snapshot = ledger_of(*on_the_day()).as_of("2023-08-20")
    found = backtest_cash(snapshot, fit_timing(snapshot, clock), draws=20)
    errors = found.scores[found.scores["horizon"] == EVERY].set_index("method")["wape"]
    assert errors["terms only"] == 0.0
    assert found.best == "terms only"
    verdicts = found.differences[found.differences["horizon"] == EVERY].set_index("rival")["verdict"]
    assert verdicts["terms only"] == verdict
    assert found.reason.startswith("Use terms only: off by 0.0%")
    assert found.differences_table().frame["verdict"].isin([BEATS, UNKNOWN, RIVAL]).all()


def test_too_little_history_is_said():
    short = backtest_cash(book_of(32, customers=20, days=420).as_of("2023-02-20"), draws=20)
    assert not short.identified
    assert short.best == "terms only"
    assert "comparison needs 4" in short.reason
    assert short.plot().get_title()
    assert "No verdict" in short.differences_table().title
    short.plot_past()
    none = backtest_cash(book_of(32, customers=20, days=250).as_of("2022-08-20"), draws=20)
    assert none.n_dates == 0
    assert not none.identified
    assert none.to_table().frame.empty
    none.plot()
    none.plot_past()


def late_books(cut):
    """Two ledgers alike in what was recorded by a day: some receipts of before are recorded after it."""
    invoices, events = rows_of(33, customers=20, days=590)
    rng = np.random.default_rng(1)
    edge = pd.Timestamp(cut)
    late = [(edge - pd.Timestamp(e["date"])).days in range(25) and rng.random() < 0.5 for e in events]
    plain = [
        {**e, "recorded_date": f"{edge + pd.Timedelta(days=20):%Y-%m-%d}" if slow else e["date"]}
        for e, slow in zip(events, late, strict=True)
    ]
    other = [{**e, "amount": e["amount"] / 2} if e["recorded_date"] > cut else e for e in plain]
    fewer = [i for k, i in enumerate(invoices) if i["issue_date"] <= cut or k % 2]
    names = {i["invoice_id"] for i in fewer}
    return (invoices, plain), (fewer, [e for e in other if e["invoice_id"] in names]), sum(late)


@pytest.mark.slow
@pytest.mark.parametrize("fit", [lambda s: fit_timing(s, "due"), fit_hazard])
def test_a_day_knows_what_was_recorded_by_its_evening_and_no_more(fit):
    cut = "2023-03-02"
    one, other, moved = late_books(cut)
    assert moved > 5
    full, changed = (ledger_of(*rows).as_of("2023-07-20") for rows in (one, other))
    first, second = (backtest_cash(s, fit(s), draws=40).trials for s in (full, changed))
    early = first["date"] <= cut
    assert early.sum() >= 5 * 14
    pd.testing.assert_frame_equal(first.loc[early, SAID], second.loc[early, SAID])
    assert not np.allclose(first.loc[early, "came"], second.loc[early, "came"])


@pytest.mark.slow
def test_events_after_the_snapshot_change_nothing():
    invoices, events = rows_of(34, customers=20, days=560)
    cut = "2023-06-15"
    known = [e for e in events if e["date"] <= cut]
    sold = [i for i in invoices if i["issue_date"] <= cut]
    one, other = (
        backtest_cash(ledger_of(*rows).as_of(cut), draws=40) for rows in ((invoices, events), (sold, known))
    )
    pd.testing.assert_frame_equal(one.trials, other.trials)
    pd.testing.assert_frame_equal(one.differences, other.differences)


def test_a_model_that_knows_more_is_refused(snapshot):
    late = fit_timing(snapshot, "due")
    with pytest.raises(LookAheadError, match="the model knows 2024-03-10"):
        backtest_cash(snapshot.as_of("2024-01-10"), late)


@pytest.mark.slow
def test_curves_are_a_rival_of_another_model_only():
    snapshot = book_of(35, customers=20, days=480).as_of("2023-04-10")
    result = backtest_cash(snapshot, draws=20)
    hazard = backtest_cash(snapshot, fit_hazard(snapshot), draws=20)
    assert "payment curves" not in result.methods
    assert "payment curves" in hazard.methods
    shared = ["terms only", "customer mean", "ageing percentages", "chain-ladder"]
    one, two = (
        r.trials[r.trials["method"].isin(shared)].reset_index(drop=True)[["date", "method", *SAID]]
        for r in (result, hazard)
    )
    pd.testing.assert_frame_equal(one, two)


def test_pictures_and_tables(result):
    ax = result.plot()
    assert "%" in ax.get_ylabel()
    assert len(ax.lines) == len(result.methods)
    own = result.trials[(result.trials["method"] == MODEL) & (result.trials["first_week"] == 1)]
    own = own[own["last_week"] == 1]
    share = 100 * (own["forecast"] - own["came"]).abs().sum() / own["came"].sum()
    assert ax.lines[-1].get_ydata()[0] == pytest.approx(share)
    past = result.plot_past(method=MODEL)
    assert "past totals lay between P10 and P90" in past.get_title()
    html = result._repr_html_()
    assert "terms only" in html
    assert "the model beats" in html
    assert result.to_table().frame["inside_90"].notna().any()
    assert set(result.to_table(horizons=["total"]).frame["horizon"]) == {"total"}
    with pytest.raises(ModelError, match="there are week 1"):
        result.differences_table(horizons=["month"])
    single = result.trials[result.trials["last_week"] == 1]
    known = single["q05"].notna().groupby(single["date"]).all()
    own = single[(single["method"] == result.best) & single["date"].isin(known.index[known.to_numpy()])]
    inside = (own["came"] >= own["q05"]) & (own["came"] <= own["q95"])
    assert result.diagnostics["inside_90_week 1"] == pytest.approx(inside.mean())
    assert result.table.columns.tolist() == ["horizon", "term", "estimate", "ci_low", "ci_high", "verdict"]
