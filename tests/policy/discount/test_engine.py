import importlib.util

import numpy as np
import pandas as pd
import pytest

from arrisk.ledger.reading import read_ledger
from arrisk.models.timing.competing import aalen_johansen
from arrisk.policy.discount.draws import Reference
from arrisk.policy.discount.engine import make_offered
from arrisk.policy.discount.history import make_discount_history, offer_frame
from arrisk.policy.discount.schemes import SchemeGrid, SlidingScale
from arrisk.policy.discount.simulation import simulate_discounts
from tests.ledger.frames import event, invoice, ledger_of
from tests.policy.discount.books import AS_OF, assume, fixed_book, make_book

SCALES = (SlidingScale(((10, 0.02), (20, 0.01))), SlidingScale.per_day(0.0005, until=30, first=8))
GRID = SchemeGrid((0.005, 0.01, 0.02), (5, 10, 20), (0.0, 2000.0), scales=SCALES)


@pytest.fixture(scope="module")
def bench(root):
    """The benchmark, for its plain loop over the schemes."""
    import sys

    spec = importlib.util.spec_from_file_location("bench_discount", root / "benchmarks" / "bench_discount.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("kind", ["sales", "open"])
def test_the_lookup_is_the_plain_loop_over_schemes(bench, kind):
    book = make_book(loss_share=0.05, customers=40, invoices=40, late_days=25)
    history = make_discount_history(book, thresholds=GRID.thresholds, book=kind)
    *_, apart = bench.compare(history, GRID, draws=3, schemes=1000)
    assert apart < 1e-9


def test_segments_add_up_to_all():
    grid = simulate_discounts(make_book(customers=30), GRID, assume(), draws=100, seed=1)
    assert len(grid.table) == 3 * 2 * (9 + 2)
    for _, row in grid.table.iterrows():
        rows = grid.by_segment(row)
        assert rows["segment"].tolist() == ["Retail", "Trade", "all"]
        for column in ("npv", "cash_freed", "sales"):
            assert rows[column][2] == pytest.approx(rows[column][:2].sum())
    assert (rows["ci_low"] <= rows["npv"]).all()
    assert (rows["cash_low"] <= rows["cash_high"]).all()


def test_the_running_scheme_by_segment():
    book = make_book(offered=("Trade",), customers=30)
    grid = simulate_discounts(book, SchemeGrid((0.02,), (10,)), assume(), draws=100, seed=1)
    rows = grid.by_segment(grid.running.iloc[0])
    assert rows["npv"].tolist() == pytest.approx([0.0, *[grid.running["npv"][0]] * 2])
    assert "p_best" not in rows


def test_equal_schemes_differ_by_exactly_nothing():
    """On common draws the same terms are the same numbers, whatever else is in the grid."""
    book, scale = make_book(customers=30), SlidingScale(((10, 0.01),))
    both = simulate_discounts(book, SchemeGrid((0.01,), (10,), scales=(scale,)), assume(), draws=100, seed=2)
    alone = simulate_discounts(book, SchemeGrid((0.01,), (10,)), assume(), draws=100, seed=2)
    for segment in ("Retail", "Trade", "all"):
        at = np.flatnonzero(both.table["segment"] == segment)
        there = np.flatnonzero(alone.table["segment"] == segment)
        assert np.array_equal(both.npv[:, at[0]], both.npv[:, at[1]])
        assert both.npv[:, at[0]] == pytest.approx(alone.npv[:, there[0]], rel=1e-12)


def test_an_offer_that_nobody_takes_or_that_gives_nothing_is_worth_nothing():
    nobody = assume(take_up=1e-9, already_early=0.0, take_up_elasticity=0.0, sales_effect=0.0)
    grid = simulate_discounts(make_book(customers=30), SchemeGrid((0.02,), (10,)), nobody, draws=100)
    assert np.abs(grid.npv).max() < 1e-6 * grid.table["sales"].max()
    assert grid.table["affordable_rate"].isna().all()
    late = simulate_discounts(fixed_book([5]), SchemeGrid((1e-12,), (10,)), assume(), draws=100)
    assert np.abs(late.npv).max() < 1e-6


def test_who_takes_less_takes_more_too():
    """Schemes worth more to the customer are taken by the same customers and others, in every draw."""
    schemes = SchemeGrid((0.005, 0.01, 0.02), (10,), reference=Reference(0.02, 10))
    grid = simulate_discounts(make_book(customers=30), schemes, assume(), draws=100, seed=3)
    by_rate = grid.table[grid.table["segment"] == "all"].sort_values("rate").index
    assert (np.diff(grid.draws.taken[:, by_rate], axis=1) >= -1e-6).all()


def test_curves_are_those_of_aalen_and_johansen():
    book = make_book(loss_share=0.05, seed=3)
    history = make_discount_history(book)
    frame = offer_frame(book)
    age = (AS_OF - frame["issue_date"]).dt.days
    cause = frame["close_kind"].map({"open": 0, "paid": 1, "written_off": 3})
    overdue = (cause == 0) & (frame["days_overdue"] > 90)
    day = frame["duration"].fillna(age).where(~overdue, age - frame["days_overdue"] + 90)
    cause = cause.where(~overdue, 3)
    curves = history.timing.curves(np.ones((1, history.customers)))
    for k, segment in enumerate(history.segments):
        mine = frame["segment"] == segment
        theirs = aalen_johansen(
            day[mine].astype(int), cause[mine], weights=frame["amount"][mine], names={1: "paid", 3: "lost"}
        )
        days = np.arange(theirs.last_day + 1)
        assert curves.paid[0, k].cumsum()[days] == pytest.approx(theirs.at(days, 1), abs=1e-12)
        assert curves.defaulted[0, k].cumsum()[days] == pytest.approx(theirs.at(days, 3), abs=1e-12)


def test_relief_follows_from_the_day_of_the_default():
    """A default before the discount day is not undone by an offer, one after it is."""
    values = []
    for day in (5, 60):
        book = fixed_book([60], lost=20)
        bad = book.items["close_kind"] == "written_off"
        book.items.loc[bad, "closed_date"] = book.items.loc[bad, "issue_date"] + pd.Timedelta(days=day)
        exact = assume(default_relief=1.0, already_early=0.0, cost_of_capital=0.08)
        grid = simulate_discounts(book, SchemeGrid((0.02,), (10,)), exact, draws=100)
        values.append(grid.point_rate(grid.best)[0])
    assert values[0] == pytest.approx(1 - 1.08 ** (-50 / 365))
    assert values[1] == pytest.approx(1 - 0.8 * 1.08 ** (-50 / 365))


def test_insolvency_dates_the_default():
    book = fixed_book([60], lost=20)
    bad = book.items["close_kind"] == "written_off"
    book.items.loc[bad, "closed_date"] = book.items.loc[bad, "issue_date"] + pd.Timedelta(days=150)
    first = book.items[bad].groupby("customer_id")["issue_date"].min()
    book.signals = pd.DataFrame(
        {"signal": "insolvency", "value": 1.0, "customer_id": first.index, "date": first.to_numpy()}
    )
    history = make_discount_history(book)
    defaulted = history.timing.curves(np.ones((1, history.customers))).defaulted[0, 0]
    assert defaulted[0] == pytest.approx(0.2)
    assert defaulted[1:].sum() == pytest.approx(0.0)


def test_open_invoices_are_paid_after_the_offer():
    book = make_book(customers=30, late_days=40)
    history = make_discount_history(book, book="open")
    assert history.book.amount.sum() == pytest.approx(book.items["open_amount"].sum())
    grid = simulate_discounts(
        history, SchemeGrid((0.01,), (5,)), assume(already_early=0.0), draws=200, seed=4
    )
    row = grid.table[grid.table["segment"] == "all"].iloc[0]
    assert grid.kind == "open"
    assert row["sales"] == pytest.approx(history.book.amount.sum())
    point = grid.point_value(row, {"take_up": [0.3] * 2})
    assert point[0] == point[1]
    assert len(grid.running) == 0


def test_mean_of_the_draws_is_the_expected_value():
    """With fixed assumptions and many customers: what chance adds is no bias."""
    fixed = assume(
        cost_of_capital=0.08, gross_margin=0.3, take_up=0.3, default_relief=0.5, sales_effect=0.01,
        already_early=0.0, take_up_elasticity=1.0,
    )  # fmt: skip
    for kind in ("open", "sales"):
        book = make_book(customers=200, invoices=30, loss_share=0.03, late_days=35)
        history = make_discount_history(book, book=kind)
        grid = simulate_discounts(history, SchemeGrid((0.01,), (10,), scales=SCALES), fixed, draws=300)
        for place, (_, row) in enumerate(grid.table.iterrows()):
            error = grid.npv[:, place].std() / np.sqrt(300)
            assert abs(row["npv"] - grid.point_value(row, {})[0]) < 4.5 * error


def test_nothing_after_the_as_of_date_counts():
    """The same day seen from a ledger that goes on, with other endings, and from one that ends there."""
    rng, end = np.random.default_rng(7), pd.Timestamp("2025-06-30")
    invoices, events = [], []
    for number in range(240):
        issued = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(rng.integers(0, 720)))
        paid = issued + pd.Timedelta(days=int(rng.integers(20, 70)))
        due, name = issued + pd.Timedelta(days=30), f"I{number}"
        row = invoice(name, f"{issued:%Y-%m-%d}", 100.0 + number, f"{due:%Y-%m-%d}")
        invoices.append(row | {"customer_id": f"C{number % 12}"})
        kind = "payment" if paid <= end or number % 2 else "write_off"
        events.append(event(name, f"{paid:%Y-%m-%d}", 100.0 + number, kind, customer_id=f"C{number % 12}"))
    known = [r for r in invoices if r["issue_date"] <= "2025-06-30"]
    seen = [r for r in events if r["date"] <= "2025-06-30"]
    assert len(known) < len(invoices)
    assert len(seen) < len(events)
    found = []
    for given in ((invoices, events), (known, seen)):
        snapshot = ledger_of(*given).as_of(end.date())
        for book in ("sales", "open"):
            history = make_discount_history(snapshot, mature_days=90, book=book)
            found.append(simulate_discounts(history, SchemeGrid((0.01,), (10,)), assume(), draws=100).npv)
    assert np.array_equal(found[0], found[2])
    assert np.array_equal(found[1], found[3])


def test_every_figure_has_its_monte_carlo_error():
    grid = simulate_discounts(
        make_book(customers=30), SchemeGrid((0.01,), (10,)), assume(), draws=400, seed=5
    )
    errors = grid.monte_carlo
    figures = set(grid.table) - {"sales", "mc_error"}
    assert figures == set(errors)
    assert errors["npv"].to_numpy() == pytest.approx(grid.table["mc_error"].to_numpy(), rel=0.6)
    assert (errors.select_dtypes("number").drop(columns=["threshold", "rate", "days"]) >= 0).all().all()


def test_a_scale_that_pays_evenly_for_each_day_is_taken_as_early_as_it_goes():
    history = make_discount_history(fixed_book([60]))
    plan = make_offered(history, [0.0], [SCALES[1].steps], Reference(0.02, 10)).plan
    assert plan.day.tolist() == [8]
    assert plan.rate.tolist() == pytest.approx([0.011])


def test_a_scale_of_falling_worth_splits_the_customers():
    history = make_discount_history(fixed_book([25]))
    plan = make_offered(history, [0.0], [SCALES[0].steps], Reference(0.02, 10)).plan
    assert plan.day.tolist() == [20, 20, 10]
    assert plan.sign.tolist() == [1.0, -1.0, 1.0]


@pytest.mark.parametrize("steps", [(), ((10, 0.01), (5, 0.005)), ((10, 0.01), (20, 0.02)), ((10, 1.5),)])
def test_impossible_scales_are_refused(steps):
    with pytest.raises(ValueError, match="steps = "):
        SlidingScale(steps)


def test_an_unknown_book_is_refused():
    with pytest.raises(ValueError, match="allowed are sales, open"):
        make_discount_history(make_book(customers=20), book="all")


def test_a_scheme_offered_now_runs_on_sales_not_on_what_is_open():
    book = make_book(offered=("Trade",), customers=30)
    grid = simulate_discounts(book, SchemeGrid((0.02,), (10,)), assume(), draws=100, book="open")
    assert len(grid.running) == 0
    assert "on what is open" in grid.finding()
    assert grid.subject["npv"] == grid.best["npv"]


def test_a_ledger_without_discounts_runs(shared_data):
    """Receivables of a company that never gave a discount: values rest on assumptions, and it says so."""
    snapshot = read_ledger(shared_data / "ibm-ar", columns="ibm_ar", currency="USD").as_of("2013-07-01")
    grid = simulate_discounts(snapshot, SchemeGrid((0.01,), (10,)), assume(), draws=100)
    assert not grid.is_running
    assert grid.running_npv.shape == (100, 0)
    assert not np.isnan(grid.npv).any()
