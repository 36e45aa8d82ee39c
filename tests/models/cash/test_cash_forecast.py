from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.models.cash.cash_forecast import NEW_SALES, OPEN_BOOK, forecast_cash, make_inputs
from arrisk.models.cash.settlement import estimate_settlement
from arrisk.models.cash.shocks import NO_SHOCKS, shocks_of_windows
from arrisk.models.payment.payment_hazard import fit_hazard
from arrisk.models.timing.payment_timing import fit_timing
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.cash.shock_worlds import windows_of
from tests.models.payment_books import book_of, rows_of

SHOCKS = shocks_of_windows(windows_of(np.random.default_rng(61), 12, variance=0.1, scale=0.05))


@pytest.fixture(scope="module")
def snapshot():
    return book_of(62, customers=40, days=800).as_of("2024-03-10")


@pytest.fixture(scope="module")
def model(snapshot):
    return fit_timing(snapshot, "due")


@pytest.fixture(scope="module")
def cash(snapshot, model):
    return forecast_cash(snapshot, model, draws=400, shocks=SHOCKS, by="segment")


def test_periods_and_parts_add_up(cash):
    total = cash.total()["expected"].iloc[0]
    for period in ("day", "week", "month"):
        assert cash.paths(period)["expected"].sum() == pytest.approx(total, rel=1e-12)
        for split in ("source", "part"):
            parts = cash.paths(period, split).groupby("ending")["expected"].sum()
            np.testing.assert_allclose(parts, cash.paths(period)["expected"], rtol=1e-9)
    assert cash.total("source")["expected"].sum() == pytest.approx(total, rel=1e-12)
    assert cash.paths("week", "source")["part"].unique().tolist() == [OPEN_BOOK, NEW_SALES]


def test_every_draw_is_coherent(cash):
    parts = sum(cash.draws.flow("cash", [k]) for k in range(len(cash.draws.groups)))
    np.testing.assert_array_equal(parts, cash.draws.cash)


def test_periods_are_those_of_the_calendar(cash, snapshot):
    weeks, months = cash.table, cash.paths("month")
    assert len(weeks) == 13
    assert (weeks["ending"].iloc[0] - snapshot.date).days == 7
    assert months["ending"].dt.is_month_end[:-1].all()
    assert (months["begin"].iloc[1:].dt.day == 1).all()
    assert months["ending"].iloc[-1] == weeks["ending"].iloc[-1]
    assert ((weeks["p10"] <= weeks["p50"]) & (weeks["p50"] <= weeks["p90"])).all()


def test_open_book_is_expected_as_the_model_says(snapshot, model):
    alone = forecast_cash(snapshot, model, sales="none", draws=3000, shocks=NO_SHOCKS)
    items = model.open_items(snapshot)
    exact = items["open_amount"].to_numpy() @ model.rates(items, snapshot.date, 91).paths()
    row = alone.total().iloc[0]
    assert row["expected"] == pytest.approx(exact.sum(), abs=4 * row["expected_error"])
    assert alone.inputs.sales.rule == "no new sales"
    assert alone.total("source")["part"].tolist() == [OPEN_BOOK]


def test_monte_carlo_errors_are_those_of_other_seeds(snapshot, model):
    rows = pd.concat(
        [forecast_cash(snapshot, model, "none", draws=200, seed=s, shocks=SHOCKS).total() for s in range(30)]
    )
    for figure in ("expected", "p10", "p50", "p90"):
        assert rows[f"{figure}_error"].mean() == pytest.approx(rows[figure].std(), rel=0.5)


def test_shocks_widen_what_is_not_certain(snapshot, model):
    wild = shocks_of_windows(windows_of(np.random.default_rng(64), 12, variance=0.5, scale=0.3))
    moved, plain = (
        forecast_cash(snapshot, model, "none", draws=400, shocks=known) for known in (wild, NO_SHOCKS)
    )
    spread = [d.draws.cash[:, :14].sum(axis=1).std() for d in (moved, plain)]
    assert spread[0] > 1.15 * spread[1]
    assert not plain.identified
    assert plain.table[["p10", "p50", "p90"]].isna().all().all()
    assert plain.total()["expected"].iloc[0] > 0
    assert "no interval" in plain.plot().get_title()
    assert "No interval" in plain.to_table().note


def test_short_history_says_that_intervals_are_not_identified():
    young = book_of(63, customers=40, days=270).as_of("2022-09-25")
    found = forecast_cash(young, draws=50)
    assert not found.identified
    assert found.table["p50"].isna().all()
    assert "too short for a season" in found.diagnostics["sales_rule"]


def test_discounts_are_taken_off():
    invoices, events = [], []
    for k in range(240):
        day = pd.Timestamp("2023-01-02") + pd.Timedelta(days=k)
        more = {"discount_rate": 0.03, "discount_days": 10} if k % 2 else {}
        due = f"{day + pd.Timedelta(days=30):%Y-%m-%d}"
        invoices.append(invoice(f"i{k}", f"{day:%Y-%m-%d}", 100.0, due, customer_id=f"c{k % 7}", **more))
        paid = f"{day + pd.Timedelta(days=9):%Y-%m-%d}"
        events.append(event(f"i{k}", paid, 97.0 if k % 2 else 100.0))
        if k % 2:
            events.append(event(f"i{k}", paid, 3.0, "discount"))
    snapshot = ledger_of(invoices, events).as_of("2023-08-20")
    settlement = estimate_settlement(snapshot)
    assert settlement.deducted[1, 1] == pytest.approx(0.03, abs=0.003)
    assert settlement.deducted[0, 1] == pytest.approx(0.0, abs=0.003)
    found = forecast_cash(snapshot, sales="none", draws=20, shocks=SHOCKS)
    flows = found.draws.minor.sum(axis=(0, 1, 2))
    assert 0.005 < flows[2] / flows[1] < 0.03


def test_what_cannot_be_forecast_is_refused(snapshot, model):
    with pytest.raises(LookAheadError, match="model of"):
        forecast_cash(snapshot.as_of("2024-01-10"), model, shocks=SHOCKS)
    with pytest.raises(ModelError, match="draws=1"):
        forecast_cash(snapshot, model, draws=1)
    with pytest.raises(ModelError, match="sales='soon'"):
        forecast_cash(snapshot, model, sales="soon", shocks=SHOCKS)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="no column"):
        forecast_cash(snapshot, model, by="colour", shocks=SHOCKS)
    done = [invoice(f"{k}", "2024-01-01", 10, "2024-01-31") for k in range(30)]
    paid = [event(f"{k}", "2024-01-20", 10) for k in range(30)]
    empty = ledger_of(done, paid).as_of("2024-02-01")
    with pytest.raises(ModelError, match="nothing is open"):
        forecast_cash(empty, sales="none")
    later = make_inputs(empty, fit_timing(empty, "due"))
    assert set(later.items["source"]) == {NEW_SALES}


@pytest.mark.parametrize("fit", [lambda s: fit_timing(s, "due"), fit_hazard])
def test_later_bookings_change_no_draw(fit):
    invoices, events = rows_of(66, customers=20, days=560)
    cut = "2023-06-15"
    changed = [{**e, "amount": e["amount"] / 2} if e["date"] > cut else e for e in events]
    fewer = [i for k, i in enumerate(invoices) if i["issue_date"] <= cut or k % 2]
    names = {i["invoice_id"] for i in fewer}
    other = ledger_of(fewer, [e for e in changed if e["invoice_id"] in names])
    books = (ledger_of(invoices, events).as_of(cut), other.as_of(cut))
    one, two = (forecast_cash(book, fit(book), draws=40) for book in books)
    np.testing.assert_array_equal(one.draws.minor, two.draws.minor)
    pd.testing.assert_frame_equal(one.shocks.table, two.shocks.table)


def test_pictures_and_pages(cash):
    ax = cash.plot()
    assert ax.get_title().startswith("13 weeks bring EUR")
    assert "EUR" in ax.get_ylabel()
    assert (
        "comes from open book" in cash.plot_parts().get_title()
        or "comes from new sales" in cash.plot_parts().get_title()
    )
    assert cash.plot(period="day").get_xlabel() == "day ending"
    table = cash.to_table(period="month")
    assert table.frame["month"].iloc[-1] == "total"
    assert table.frame["expected"].iloc[-1] == pytest.approx(cash.total()["expected"].iloc[0], abs=0.01)
    assert (table.frame["mc_error"] > 0).all()
    assert "Open balance from EUR" in cash._repr_html_()
    assert cash.diagnostics["draws"] == 400
