import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError, StudyError
from arrisk.policy.arithmetic import affordable_rate
from arrisk.policy.discount.draws import Reference, draw_point
from arrisk.policy.discount.engine import make_offered, value_draw
from arrisk.policy.discount.history import AS_OFFERED, find_offer, make_discount_history, offer_frame
from arrisk.policy.discount.outcomes import draw_outcome, prepare
from arrisk.policy.discount.schemes import describe_scheme
from arrisk.policy.discount.simulation import SchemeGrid, make_schemes, simulate_discounts
from arrisk.policy.discount.value import stack_values
from tests.policy.discount.books import assume, fixed_book, make_book

POINT = {
    "cost_of_capital": 0.08,
    "gross_margin": 0.3,
    "take_up": 0.3,
    "default_relief": 0.0,
    "sales_effect": 0.0,
    "already_early": 0.0,
    "take_up_elasticity": 1.0,
}


def exactly(**changes):
    return assume(**(POINT | changes))


@pytest.mark.parametrize(
    ("book", "changes", "printed"),
    [
        (fixed_book([60]), {}, 1.05),
        (fixed_book([60], lost=1), {"default_relief": 1.0}, 2.04),
        (fixed_book([60], lost=1), {"default_relief": 1.0, "sales_effect": 0.02}, 3.86),
        (fixed_book([15, *[60] * 9]), {"already_early": 0.1 / 0.3}, None),
        (fixed_book([*[15] * 3, *[60] * 37], customers=80), {"already_early": 0.25}, 0.81),
        (fixed_book([*[15] * 3, *[60] * 17], customers=80), {"already_early": 0.50}, 0.58),
        (fixed_book([*[15] * 9, *[60] * 31], customers=80), {"already_early": 0.75}, 0.34),
    ],
)
def test_the_assumption_sheet_on_a_ledger(book, changes, printed):
    """The published maximum rates, found again by simulation on ledgers that behave as the sheet says."""
    rate = 0.02
    if printed is not None and "sales_effect" in changes:
        rate = printed / 100  # extra sales are stated for the scheme itself
    schemes = SchemeGrid((rate,), (10,), reference=Reference(rate, 10))
    grid = simulate_discounts(book, schemes, exactly(**changes), draws=100, seed=1)
    again = grid.point_rate(grid.best)[0]
    if printed is None:
        sheet = {"take_up": 0.3, "already_early": 1 / 3, "early_days": 15}
        printed = round(100 * affordable_rate(0.08, discount_days=10, late_days=60, **sheet), 2)
    assert round(100 * again, 2) == pytest.approx(printed)
    drawn = draw_as_is(grid, 400)
    value, slope = drawn.value.ravel(), drawn.slope.ravel()
    error = (value + slope * (rate - again)).std() / slope.mean() / 20
    assert abs(rate + value.mean() / slope.mean() - again) < 4.5 * error + 1e-12
    assert abs(value.mean() - grid.point_value(grid.best, {})[0]) < 4.5 * value.std() / 20
    assert np.sign(grid.point_value(grid.best, {})[0]) == np.sign(again - rate) or abs(again - rate) < 1e-4


def draw_as_is(grid, draws, seed=2):
    """Chance outcomes alone: every customer counted once, every assumption at its value."""
    history, rng = grid.history, np.random.default_rng(seed)
    steps = [scale.steps for scale in grid.schemes.offers]
    offered = make_offered(history, history.thresholds, steps, grid.schemes.reference)
    point = draw_point(history, grid.assumptions)
    known, curves = prepare(history.book, history.timing), history.timing.curves(point.weights)
    law = (curves.paid_share()[0], curves.defaulted[0], curves.severity[0], curves.default_chance()[0])
    parts = []
    for _ in range(draws):
        outcome = draw_outcome(history.book, history.timing, known, *law, rng)
        luck = rng.random((2, history.customers))
        parts.append(value_draw(offered, outcome, point.weights[0], offered.factors(point, 0), *luck))
    return stack_values(parts)


@pytest.mark.parametrize(
    ("k", "late", "printed"), [(0.06, 30, 0.319), (0.06, 60, 0.795), (0.10, 60, 1.297), (0.10, 90, 2.067)]
)
def test_timing_only_on_a_ledger(k, late, printed):
    schemes = SchemeGrid((0.02, 0.01), (10,))
    grid = simulate_discounts(fixed_book([late]), schemes, exactly(cost_of_capital=k), draws=100, seed=1)
    assert (100 * grid.table["affordable_rate"]).round(3).tolist() == [printed] * 2
    assert [round(100 * grid.point_rate(row)[0], 3) for _, row in grid.table.iterrows()] == [printed] * 2


@pytest.mark.parametrize(("rate", "day"), [(0.01, 30), (0.02, 10)])
def test_point_value_against_the_cash_flows_of_every_customer(rate, day):
    book = make_book(loss_share=0.03, seed=2)
    changes = {"already_early": 0.4, "default_relief": 0.5, "take_up_elasticity": 1.0}
    schemes = SchemeGrid((rate,), (day,), reference=Reference(rate, day))
    grid = simulate_discounts(book, schemes, exactly(**changes), draws=100, seed=3)
    row = grid.table[grid.table["segment"] == "Trade"].iloc[0]
    assert grid.point_value(row, {})[0] == pytest.approx(_by_hand(grid, rate, day), rel=1e-9)


def _by_hand(grid, rate, day, k=0.08, take=0.3, fast=0.4, relief=0.5):
    """Pay the invoices of Trade one by one: each on every day its customer may pay on, with and without."""
    history, trade = grid.history, grid.history.segments.index("Trade")
    book, timing = history.book, history.timing
    curves = timing.curves(np.ones((1, history.customers)))
    share = curves.paid_share()[0, trade]
    loss = curves.default_chance()[0, trade, 0] * curves.severity[0, trade]
    spared = relief * loss * curves.defaulted[0, trade, day + 1 :].sum() / curves.defaulted[0, trade].sum()
    days = np.arange(366)
    own = [timing.own[timing.first[c] : timing.first[c + 1]] for c in range(history.customers)]
    habit = [
        round((x.sum() + timing.concentration * (share @ days)) / (len(x) + timing.concentration))
        for x in own
    ]
    mine = np.flatnonzero(book.segment == trade)
    sales = np.bincount(book.customer, book.amount)
    total = sales[mine].sum()
    gain = 0.0
    for c in mine:
        chance = np.bincount(own[c], minlength=366) + timing.concentration * share
        chance = chance / chance.sum()
        faster = sum(sales[o] for o in mine if habit[o] < habit[c]) / total
        equal = sum(sales[o] for o in mine if habit[o] == habit[c]) / total
        among = min(max((fast * take - faster) / equal, 0.0), 1.0)
        takes = among + (1 - among) * (1 - fast) * take / (1 - fast * take)
        usual = (1 + k) ** (-days / 365)
        early = (1 - rate) * (1 + k) ** (-np.minimum(days, day) / 365)
        gain += sales[c] * takes * (chance @ (early - usual + spared * usual * (days > day)))
    return gain


def test_results_do_not_depend_on_the_number_of_workers():
    book = make_book(offered=("Trade",), customers=30, invoices=40)
    schemes = SchemeGrid((0.01, 0.02), (10,))
    one = simulate_discounts(book, schemes, assume(), draws=300, seed=4, n_jobs=1)
    two = simulate_discounts(book, schemes, assume(), draws=300, seed=4, n_jobs=2)
    other = simulate_discounts(book, schemes, assume(), draws=300, seed=5)
    assert np.array_equal(one.npv, two.npv)
    assert np.array_equal(one.running_npv, two.running_npv)
    pd.testing.assert_frame_equal(one.table, two.table)
    assert not np.array_equal(one.npv, other.npv)


def test_the_caller_s_frames_are_not_changed():
    book = make_book(offered=("Trade",), customers=20)
    before = [frame.copy() for frame in (book.items, book.events, book.customers)]
    simulate_discounts(book, make_schemes(book), assume(), draws=100)
    for old, new in zip(before, (book.items, book.events, book.customers), strict=True):
        pd.testing.assert_frame_equal(old, new)


def test_the_table_is_what_the_draws_say():
    book = make_book()
    grid = simulate_discounts(
        book, SchemeGrid((0.005, 0.01, 0.03), (5, 10), (0.0, 2000.0)), assume(), draws=400, seed=6
    )
    table, npv = grid.table, grid.npv
    assert len(table) == 3 * 2 * 2 * 3 == npv.shape[1]
    assert table["npv"].is_monotonic_decreasing
    assert np.allclose(table["npv"], npv.mean(axis=0))
    assert np.allclose(table["mc_error"], npv.std(axis=0, ddof=1) / 20)
    assert (table["tail"] <= np.quantile(npv, 0.05, axis=0)).all()
    none_best = (npv <= 0).all(axis=1).mean()
    assert table["p_best"].sum() + none_best == pytest.approx(1.0)
    regret = np.maximum(npv.max(axis=1), 0)[:, None] - npv
    assert np.allclose(table["regret"], regret.mean(axis=0))
    assert (table["regret"] >= 0).all()


def test_all_customers_are_the_sum_of_the_segments():
    grid = simulate_discounts(make_book(), SchemeGrid((0.01,), (10,)), assume(), draws=200, seed=7)
    by = grid.table.set_index("segment")
    assert by.loc["all", "npv"] == pytest.approx(by.loc["Retail", "npv"] + by.loc["Trade", "npv"])
    assert by.loc["all", "sales"] == pytest.approx(by.loc["Retail", "sales"] + by.loc["Trade", "sales"])


def test_customers_without_a_segment_are_not_taken_for_all():
    book = make_book()
    book.customers["segment"] = book.customers["segment"].replace("Retail", "all")
    grid = simulate_discounts(book, SchemeGrid((0.01,), (10,)), assume(), draws=100, seed=7)
    by = grid.table.set_index("segment")["sales"]
    assert sorted(by.index) == ["Trade", "all", "no segment"]
    assert by["all"] == pytest.approx(by["Trade"] + by["no segment"])


def test_with_take_up_held_a_higher_rate_is_worth_less():
    schemes = SchemeGrid((0.005, 0.01, 0.02), (10,))
    grid = simulate_discounts(fixed_book([60]), schemes, exactly(take_up_elasticity=0.0), draws=100)
    by_rate = grid.table.sort_values("rate")["npv"].to_numpy()
    assert (np.diff(by_rate) < 0).all()
    assert np.ptp(grid.table["take_up"]) == 0.0  # the same customers take all three
    assert grid.table["affordable_rate"].to_numpy() == pytest.approx(1 - 1.08 ** (-50 / 365))


def near(grid, column, wanted, errors=4.5):
    """Whether a figure of every scheme is what it should be, within Monte Carlo errors."""
    gap = np.abs(grid.table[column].to_numpy() - np.asarray(wanted))
    return bool((gap <= errors * grid.monte_carlo[column].to_numpy() + 1e-9).all())


def test_take_up_follows_the_worth_of_a_scheme():
    schemes = SchemeGrid((0.01, 0.02), (10,), reference=Reference(0.02, 10))
    grid = simulate_discounts(fixed_book([60]), schemes, exactly(), draws=1000)
    odds = 0.3 / 0.7 * (0.01 / 0.99) / (0.02 / 0.98)
    assert near(grid, "take_up", np.where(grid.table["rate"] == 0.02, 0.3, odds / (1 + odds)))
    assert grid.monte_carlo["take_up"].max() < 0.005


def test_money_for_payers_who_are_early_anyway_is_pure_cost():
    grid = simulate_discounts(fixed_book([5]), SchemeGrid((0.02,), (10,)), exactly(), draws=1000)
    row = grid.best
    assert row["already_early"] == pytest.approx(1.0)
    assert row["cash_freed"] == pytest.approx(0.0, abs=1e-6)
    assert row["affordable_rate"] == pytest.approx(0.0, abs=1e-12)
    assert row["npv"] == pytest.approx(-0.02 * row["take_up"] * row["sales"] * 1.08 ** (-5 / 365))
    assert near(grid, "take_up", 0.3)


def test_cash_freed_is_the_days_gained():
    grid = simulate_discounts(fixed_book([60]), SchemeGrid((0.02,), (10,)), exactly(), draws=100)
    assert grid.best["cash_freed"] == pytest.approx(grid.best["take_up"] * grid.best["sales"] * 50 / 365)
    assert grid.best["cash_low"] < grid.best["cash_freed"] < grid.best["cash_high"]


def test_take_up_is_learnt_where_most_were_offered():
    book = make_book(offered=("Trade",), take_up=0.55, customers=60)
    schemes = SchemeGrid((0.02,), (10,), reference=Reference(0.02, 10))
    grid = simulate_discounts(book, schemes, assume(take_up=(0.1, 0.1, 0.1)), draws=200, seed=8)
    by = grid.table.set_index("segment")["take_up"]
    assert by["Trade"] == pytest.approx(0.55, abs=0.06)
    assert by["Retail"] == pytest.approx(0.10, abs=0.02)
    assert grid.running.iloc[0]["take_up"] == pytest.approx(0.55, abs=0.06)


def test_a_chosen_few_do_not_speak_for_their_segment():
    book = make_book(offered=("Trade",), take_up=0.9, customers=60)
    few = sorted(book.customers.loc[book.customers["segment"] == "Trade", "customer_id"])[:6]
    others = ~book.items["customer_id"].isin(few)
    book.items.loc[others, ["discount_rate", "discount_days"]] = np.nan
    book.items.loc[others, "discount_amount"] = 0.0
    history = make_discount_history(book)
    trade = history.segments.index("Trade")
    assert history.was_offered(trade)
    assert not history.has_evidence(trade)
    grid = simulate_discounts(history, SchemeGrid((0.02,), (10,)), assume(), draws=100, seed=9)
    assert grid.running.iloc[0]["take_up"] > 0.8
    assert grid.table.set_index("segment").loc["Trade", "take_up"] < 0.5


def test_offered_invoices_do_not_enter_the_base():
    book = make_book(offered=("Trade", "Retail"), take_up=1.0, late_days=60)
    history = make_discount_history(book)
    for cell in history.cells:
        paid = np.asarray(cell.paid.sum(axis=0)).ravel()
        assert paid[:11].sum() == 0.0
    assert {c.threshold for c in history.cells} == {0.0, AS_OFFERED}


def test_a_thin_cell_borrows_and_says_so():
    history = make_discount_history(make_book(customers=12, invoices=20), thresholds=(0.0, 1e6))
    borrowed = {(c.segment, c.threshold): c.borrowed for c in history.cells}
    assert borrowed["Trade", 0.0] == ""
    assert borrowed["Trade", 1e6] == "all of Trade"
    lonely = make_book(customers=40)
    lonely.customers.loc[0, "segment"] = "Single"
    cells = make_discount_history(lonely).cells
    assert {c.segment: c.borrowed for c in cells}["Single"] == "the whole book"


def test_long_overdue_invoices_are_losses_in_the_making():
    book = fixed_book([60])
    open_rows = book.items.index[:100]
    book.items.loc[open_rows, "open_amount"] = 1000.0
    book.items.loc[open_rows, "close_kind"] = "open"
    book.items.loc[open_rows, "closed_date"] = pd.NaT
    cell = make_discount_history(book, lgd=0.5).cells[0]
    assert cell.lost.sum() / cell.billed.sum() == pytest.approx(0.5 * 100 / 2000)


@pytest.mark.parametrize("keep", [0, 20])
def test_too_little_history_is_refused(keep):
    book = make_book(customers=4)
    book.items = book.items.head(keep)
    with pytest.raises(ModelError, match=r"no invoice|needed are 30 invoices"):
        make_discount_history(book)


def test_a_missing_assumption_is_named():
    given = [a for a in assume() if a.name != "default_relief"]
    with pytest.raises(StudyError, match=r"\[assumptions.default_relief\]"):
        simulate_discounts(fixed_book([60]), SchemeGrid((0.01,), (10,)), given)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SchemeGrid((), (10,)), "rates: at least one"),
        (lambda: SchemeGrid((1.5,), (10,)), "between 0 and 1"),
        (lambda: SchemeGrid((0.01,), (-1,)), "from 0 to 364"),
        (
            lambda: simulate_discounts(fixed_book([60]), SchemeGrid((0.01,), (10,)), assume(), draws=5),
            "at least 100",
        ),
    ],
)
def test_impossible_requests_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_schemes_come_from_the_study_and_hold_the_running_one():
    book = make_book(offered=("Trade",), rate=0.017, days=12)
    usual = make_schemes(book)
    assert usual.reference == Reference(0.017, 12)
    assert 0.017 in usual.rates
    assert 12 in usual.days
    own = make_schemes(
        make_book(),
        {"rates": [0.01], "days": [7], "thresholds": [50], "reference_rate": 0.01, "scales": []},
    )
    assert len(usual.scales) == 1
    assert own == SchemeGrid((0.01,), (7,), (50.0,), Reference(0.01, 10))


def test_the_commonest_offer_is_found():
    frame = offer_frame(make_book(offered=("Trade",), rate=0.02, days=10))
    offer = find_offer(frame)
    assert (offer.rate, offer.days, offer.share) == (0.02, 10, 1.0)
    assert find_offer(offer_frame(make_book())) is None


def test_the_tornado_swings_over_each_range():
    grid = simulate_discounts(
        make_book(loss_share=0.02), SchemeGrid((0.01,), (10,)), assume(), draws=100, seed=10
    )
    tornado = grid.tornado()
    assert tornado["swing"].is_monotonic_decreasing
    for name in ("take_up", "default_relief", "sales_effect", "already_early"):
        row = tornado.set_index("assumption").loc[name]
        a = next(a for a in grid.assumptions if a.name == name)
        ends = grid.point_value(grid.best, {name: (a.low, a.high)})
        assert (row["npv_at_low"], row["npv_at_high"]) == pytest.approx(tuple(ends))
    by = tornado.set_index("assumption")
    assert by.loc["default_relief", "npv_at_high"] > by.loc["default_relief", "npv_at_low"]
    assert by.loc["already_early", "npv_at_high"] < by.loc["already_early", "npv_at_low"]


def test_plots_return_the_axes_and_carry_the_finding():
    import matplotlib.pyplot as plt

    grid = simulate_discounts(make_book(), SchemeGrid((0.005, 0.01), (5, 10)), assume(), draws=100, seed=11)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4))
    assert grid.plot(left) is left
    assert grid.plot_tornado(right) is right
    assert " ".join(left.get_title(loc="left").split()) == grid.finding()
    assert "turns most on" in " ".join(right.get_title(loc="left").split())
    plt.close(figure)


def test_names_from_the_ledger_are_escaped():
    book = make_book()
    book.customers["segment"] = "<b>x</b>"
    grid = simulate_discounts(book, SchemeGrid((0.01,), (10,)), assume(), draws=100)
    assert "<b>x" not in grid._repr_html_()


@pytest.mark.parametrize(
    ("edge", "words"),
    [
        (5000.0, "1.5% within 10 days to Retail from EUR 5,000"),
        (0.0, "1.5% within 10 days to Retail"),
        (AS_OFFERED, "1.5% within 10 days as offered now"),
    ],
)
def test_schemes_in_words(edge, words):
    row = pd.Series({"rate": 0.015, "days": 10, "segment": "Retail", "threshold": edge})
    assert describe_scheme(row, "EUR") == words


def test_the_table_leads_with_the_running_scheme_and_the_tornado_is_about_it():
    book = make_book(offered=("Trade",))
    grid = simulate_discounts(book, SchemeGrid((0.005, 0.02), (10,)), assume(), draws=100, seed=2)
    shown = grid.to_table(rows=3)
    assert shown.frame["scheme"].iloc[0] == "2% within 10 days as offered now"
    assert len(shown.frame) == 4
    assert shown.frame["gain_a_year"].iloc[1] == grid.best["npv"]
    assert grid.subject["npv"] == grid.running["npv"].iloc[0]
    assert grid.is_offered(grid.subject)
    ax = grid.plot_tornado()
    assert "as offered now" in ax.get_title(loc="left")
    ax.figure.clear()


def test_without_offers_the_best_is_called_a_what_if():
    grid = simulate_discounts(
        make_book(), SchemeGrid((0.0025,), (5,)), assume(cost_of_capital=0.3), draws=100
    )
    assert not grid.is_running
    assert grid.subject is not None
    assert "never offered" in grid.to_table().title
    assert len(grid.to_table().frame) == len(grid.table)
