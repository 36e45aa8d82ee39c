"""The objective, the assumption sheet and the affordable rates, on a book whose truth is known."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from arrisk.policy.assumptions import Assumption
from arrisk.policy.discount.affordable import find_fixed_rate, make_affordable_rates
from arrisk.policy.discount.objective import choose_discount, limit_amount
from arrisk.policy.discount.plots import plot_grid
from arrisk.policy.discount.sheet import FOUR, make_assumption_sheet
from arrisk.policy.discount.simulation import make_schemes, simulate_discounts
from tests.policy.discount.books import assume, make_book


@pytest.fixture(scope="module")
def grid():
    book = make_book(offered=("Trade",), loss_share=0.01, customers=30, invoices=20)
    return simulate_discounts(
        book, make_schemes(book), assume(sales_effect=(0.0, 0.0, 0.02)), draws=200, seed=1
    )


def test_the_tail_is_the_mean_of_the_worst_draws(grid):
    choice = choose_discount(grid, limit=1e9)
    draws = np.sort(grid.npv[:, 0])
    label = choice.table.loc[choice.table["npv"].sub(draws.mean()).abs().idxmin()]
    count = choice.tail_level * draws.size
    assert label["tail"] == pytest.approx(draws[: round(count)].mean())


def test_the_pick_is_the_best_within_the_limit_and_none_is_always_allowed(grid):
    free = choose_discount(grid, limit=np.inf)
    assert free.price == 0
    assert free.chosen["option"] == free.free["option"]
    assert free.free["npv"] == pytest.approx(max(grid.npv.mean(axis=0).max(), 0.0, grid.running_npv.mean()))
    tight = choose_discount(grid, limit=max(0.0, -free.free["tail"]) * 0.5)
    rest = tight.table[tight.table["tail"] >= -tight.limit]
    assert tight.chosen["npv"] == rest["npv"].max()
    assert tight.price == pytest.approx(free.free["npv"] - rest["npv"].max())
    assert choose_discount(grid, limit=0.0).chosen["tail"] >= 0
    assert tight.price > 0
    assert "the limit costs" in tight.finding()


def test_chance_to_be_best_and_regret_count_every_option(grid):
    table = choose_discount(grid, limit=1e9).table
    assert table["p_best"].sum() == pytest.approx(1.0)
    assert set(table["kind"]) == {"no discount", "running", "scheme"}
    values = np.column_stack([np.zeros(len(grid.npv)), grid.running_npv[:, 0], grid.npv])
    none = table[table["kind"] == "no discount"].iloc[0]
    assert none["regret"] == pytest.approx(values.max(axis=1).mean())
    assert table["regret"].idxmin() == table["npv"].idxmax()


@pytest.mark.parametrize(
    ("unit", "amount"), [("fraction of yearly margin", 5_000.0), ("EUR per year", 0.005)]
)
def test_the_unit_says_what_the_limit_counts(unit, amount):
    assert limit_amount(Assumption("tail_limit", 0.005, 0.005, 0.005, unit, "board"), 1e6) == amount


def test_limits_and_levels_out_of_range_are_named(grid):
    with pytest.raises(ValueError, match="limit = -1"):
        choose_discount(grid, limit=-1)
    with pytest.raises(ValueError, match="tail_level = 0"):
        choose_discount(grid, limit=1, tail_level=0)


def test_the_sheet_always_shows_the_four_and_others_only_when_they_move_more(grid):
    sheet = make_assumption_sheet(grid)
    assert set(sheet.table["assumption"].head(4)) == set(FOUR)
    least = sheet.table["swing"].head(4).min()
    assert (sheet.table["swing"].iloc[4:] > least).all()
    ends = grid.point_value(sheet.scheme, {"default_relief": (0.0, 1.0)})
    line = sheet.table.set_index("assumption").loc["default_relief"]
    assert (line["npv_at_low"], line["npv_at_high"]) == pytest.approx(tuple(ends))
    assert sheet.table.set_index("assumption").loc["take_up", "observed"]
    assert "Breaks even" in sheet.to_table().note
    assert sheet.top["assumption"].replace("_", " ") in sheet.plot().get_title(loc="left").replace("\n", " ")


def test_a_line_breaks_even_where_its_value_makes_the_scheme_worth_nothing(grid):
    sheet = make_assumption_sheet(grid)
    for _, line in sheet.table[sheet.table["breaks_even"].notna()].iterrows():
        at = grid.point_value(sheet.scheme, {line["assumption"]: [line["breaks_even"]]})[0]
        assert abs(at) < 0.02 * max(line["swing"], abs(sheet.npv))


def test_the_affordable_rate_lies_between_a_scheme_that_gains_and_one_that_loses(grid):
    rates = make_affordable_rates(grid)
    row = rates.table[(rates.table["segment"] == "all") & (rates.table["days"] == 10)].iloc[0]
    same = grid.table[(grid.table["segment"] == "all") & (grid.table["days"] == 10)]
    same = same[same["threshold"] == same["threshold"].min()]
    assert (same.loc[same["rate"] < row["affordable"], "npv"] > 0).all()
    assert (same.loc[same["rate"] > row["affordable"], "npv"] <= 0).all()
    assert row["low"] <= row["affordable"] <= row["high"]
    assert len(rates.plot().collections) == 1
    assert "2.00%" in rates.finding()
    with pytest.raises(ValueError, match="days = 7: allowed are 5, 10, 15"):
        make_affordable_rates(grid, days=7)


def test_a_fixed_rate_outside_the_rates_tried_is_the_nearest_break_even():
    rates = np.array([0.01, 0.02])
    assert find_fixed_rate(rates, np.array([0.004, 0.003])) == 0.004
    assert find_fixed_rate(rates, np.array([0.05, 0.04])) == 0.04


def test_the_trial_offers_the_best_plain_terms_that_nobody_was_offered(grid):
    found = choose_discount(grid, limit=1e12)
    rows = grid.table[(grid.table["scale"] == "") & (grid.table["npv"] > 0)]
    best = next((r for _, r in rows.iterrows() if not grid.is_offered(r)), None)
    if best is not None:
        assert (found.trial_terms[0].rate, found.trial_terms[0].days) == (best["rate"], best["days"])
    assert {(t.rate, t.days) for t in found.trial_terms} >= {(0.01, 10), (0.02, 10)}
    assert choose_discount(grid, limit=0.0).trial_terms[-2:] == found.trial_terms[-2:]


def test_a_sliding_scale_has_no_place_in_the_map_and_an_affordable_rate_of_its_own(grid):
    scales = grid.table[grid.table["scale"] != ""]
    plain = grid.table[grid.table["scale"] == ""]
    assert len(scales) > 0
    shown = plot_grid(grid, scheme=scales.iloc[0])
    same = plain[
        (plain["segment"] == scales.iloc[0]["segment"]) & (plain["threshold"] == scales.iloc[0]["threshold"])
    ]
    assert len(shown.texts) >= len(same)
    assert len(shown.get_xticks()) == same["rate"].nunique()
    plt.close(shown.figure)
    rates = make_affordable_rates(grid).table
    assert set(rates["days"]) <= set(plain["days"])
