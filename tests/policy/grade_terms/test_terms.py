"""What each grade gets: by hand, by its properties, and how it is told."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from arrisk.models.validation.discrimination import Auc
from arrisk.policy.grade_terms.backtest import check_expected_losses, losses_table
from arrisk.policy.grade_terms.decision import recommend_grade_terms
from arrisk.policy.grade_terms.terms import make_grade_terms
from arrisk.policy.grade_terms.value import credit_cost
from tests.policy.grade_terms.books import (
    AS_OF,
    GivenCard,
    assume,
    study_with,
    three_defaults,
    two_grades,
)

CARD = GivenCard({"a": "A", "b": "B"}, {"A": (400, 2), "B": (60, 20)})
LATER = (30, 60, 90)


@pytest.fixture(scope="module")
def snapshot():
    return two_grades().as_of(AS_OF)


@pytest.fixture(scope="module")
def granted(snapshot):
    return make_grade_terms(study_with(), CARD, snapshot)


def ungraded():
    seen = pd.DataFrame({"cutoff": pd.Timestamp(AS_OF), "customer_id": [f"c{k}" for k in range(100)]})
    return replace(CARD, identified=False, observations=seen, auc=None, doubt="0 of 100 defaulted")


def test_a_grade_by_hand(granted):
    """B: 20.5 / 61 within 180 days, 60 + 90 days at risk, paid on day 72, 60% lost, 8%."""
    row = granted.table.set_index("grade").loc["B"]
    caught = 1 - (1 - 20.5 / 61) ** (150 / 180)
    later = 1.08 ** (-72 / 365)
    cost = 1 - later * (1 - 0.6 * caught)
    assert row["pd_sale"] == pytest.approx(caught)
    assert row["cost"] == pytest.approx(cost)
    assert row["value"] == pytest.approx(0.3 - cost)
    assert row["break_even_pd"] == pytest.approx((0.3 - 1 + later) / later / 0.6)
    assert row["surcharge"] == pytest.approx(cost / (1 - cost))
    assert granted.yearly.set_index("grade").loc["B", "today"] == pytest.approx(2400 * (0.3 - cost))


def test_a_limit_by_hand(granted):
    """12 x 10% of a margin of 30%, over the upper default rate of a year times 60%; at most 1.5 x 90 days."""
    table = granted.table.set_index("grade")
    yearly = 1 - (1 - table.loc["B", "pd_high"]) ** (365 / 180)
    assert table.loc["B", "limit_months"] == pytest.approx(0.36 / (0.6 * yearly), rel=1e-6)
    assert table.loc["A", "limit_months"] == pytest.approx(1.5 * 90 / (365 / 12))
    assert table.loc["A", "limit_factor"] == 1.0
    assert table.loc["B", "limit_factor"] == pytest.approx(
        table.loc["B", "limit_months"] / table.loc["A", "limit_months"]
    )


def test_intervals_hold_the_point_and_chances_agree(granted):
    for frame, names in ((granted.table, ["value", "cost", "pd"]), (granted.cells, ["value", "pd_sale"])):
        for name in names:
            assert (frame[f"{name}_low"] <= frame[name]).all()
            assert (frame[name] <= frame[f"{name}_high"]).all()
    assert granted.table["chance"].between(0, 1).all()


def test_longer_terms_and_worse_grades_leave_less(granted):
    wide = granted.cells.pivot(index="grade", columns="days", values="value")
    assert (np.diff(wide.to_numpy(), axis=1) < 0).all()
    assert (wide.loc["A"] > wide.loc["B"]).all()


@pytest.mark.parametrize(("name", "worse"), [("stop_margin", 0.2), ("lgd", 0.9), ("cost_of_capital", 0.2)])
def test_worse_assumptions_leave_less(snapshot, granted, name, worse):
    other = make_grade_terms(study_with(**{name: worse}), CARD, snapshot)
    assert (other.table["value"] < granted.table["value"]).all()


def test_needed_shares_are_enough_in_the_asked_share_of_draws(snapshot):
    study = study_with(stop_margin=0.1)
    for confidence in (0.6, 0.9):
        granted = make_grade_terms(study, CARD, snapshot, confidence=confidence)
        row = granted.table.set_index("grade").loc["B"]
        assert np.isnan(row["longest"])
        assert 0 < row["advance"] < 1
        cost = granted.inputs.cost(1, row["days"], row["days_out"])[1:]
        chance = float((0.1 - (1 - row["advance"]) * cost >= -1e-12).mean())
        assert chance == pytest.approx(confidence, abs=1e-3)
        secured = credit_cost(
            granted.inputs.caught(1, row["days"])[1:],
            row["days_out"],
            lgd=0.6,
            cost_of_capital=0.08,
            secured=row["secured"],
            secured_lgd=0.06,
        )
        assert float((secured - 1e-12 <= 0.1).mean()) == pytest.approx(confidence, abs=1e-3)


def test_on_the_granted_terms_the_year_is_worth_at_least_today(snapshot):
    for margin in (0.01, 0.05, 0.1, 0.3):
        granted = make_grade_terms(study_with(stop_margin=margin), CARD, snapshot)
        assert (granted.granted >= granted.today - 1e-9).all()
        differs = (granted.granted != granted.today).any(axis=1)
        assert granted.yearly["changes"].tolist() == differs.tolist()


def test_a_negative_margin_sells_nothing(snapshot):
    granted = make_grade_terms(study_with(stop_margin=-0.05), CARD, snapshot)
    assert granted.table["longest"].isna().all()
    assert granted.table["advance"].isna().all()
    assert (granted.granted == 0).all()
    assert granted.to_table().frame["granted"].tolist() == ["not at this price"] * 2
    assert (granted.table["limit_months"] == 0).all()


def test_other_margins_are_those_of_a_study_with_that_margin(snapshot, granted):
    other = make_grade_terms(study_with(stop_margin=0.05), CARD, snapshot)
    found = granted.at_margins([0.05]).set_index("grade")
    want = other.table.set_index("grade")
    pd.testing.assert_series_equal(found["longest"], want["longest"])
    pd.testing.assert_series_equal(found["advance"], want["advance"])


def test_swings_turn_where_they_say(snapshot, granted):
    swings = granted.swings("B").set_index("input")
    at = float(swings.loc["margin", "turns_at"])
    turned = make_grade_terms(study_with(stop_margin=at), CARD, snapshot)
    assert turned.table.set_index("grade").loc["B", "value"] == pytest.approx(0, abs=1e-12)
    assert granted.weakest == "B"
    assert set(swings.index) == {"margin", "pd", "lgd", "cost_of_capital"}
    with pytest.raises(ValueError, match="no grade 'Z'; there are A, B"):
        granted.swings("Z")


def test_a_term_structure_can_take_the_place_of_the_constant_hazard(snapshot, granted):
    """All risk in the first days: a sale is caught with the whole probability of the horizon."""
    early = make_grade_terms(study_with(), CARD, snapshot, carry=lambda pd, days: pd + 0 * np.asarray(days))
    row = early.table.set_index("grade").loc["B"]
    assert row["pd_sale"] == pytest.approx(20.5 / 61)
    assert (early.table["value"] < granted.table["value"]).all()


def test_the_same_study_draws_the_same(snapshot, granted):
    again = make_grade_terms(study_with(), CARD, snapshot)
    pd.testing.assert_frame_equal(granted.table, again.table)
    np.testing.assert_array_equal(granted.today, again.today)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"terms": (60, 30)}, "terms"),
        ({"terms": ()}, "terms"),
        ({"confidence": 0.3}, "confidence"),
        ({"confidence": 1.0}, "confidence"),
        ({"headroom": 0.5}, "headroom"),
    ],
)
def test_impossible_arguments_are_named(snapshot, given, named):
    with pytest.raises(ValueError, match=named):
        make_grade_terms(study_with(), CARD, snapshot, **given)


def test_keep_where_the_weakest_grade_earns(snapshot, granted):
    advice = recommend_grade_terms(
        study_with(), GivenCard(CARD.grade, {"A": (400, 2), "B": (400, 20)}), snapshot
    )
    assert advice.verdict == "keep"
    assert advice.expected_value.low > 0
    assert "even grade B, of which 5% default" in advice.answer
    assert advice.flip.threshold < advice.flip.current == 0.3
    assert not advice.identified
    assert [o.name.split(",")[0] for o in advice.options] == ["grade A", "grade B", "grade B"]


def test_change_the_grade_that_loses_and_say_where_it_turns(snapshot):
    """B costs 26.6% of the price with a margin of 20%; just above its cost it is kept."""
    study = study_with(stop_margin=0.1)
    advice = recommend_grade_terms(study, CARD, snapshot)
    assert advice.verdict == "adopt"
    assert "grade B: " in advice.answer
    assert "% in advance" in advice.answer
    granted = make_grade_terms(study, CARD, snapshot)
    gain = granted.granted[1, 0] - granted.today[1, 0]
    assert advice.expected_value.value == pytest.approx(gain)
    above = recommend_grade_terms(study_with(stop_margin=advice.flip.threshold + 0.02), CARD, snapshot)
    assert above.verdict == "keep"


def test_reject_open_account_where_every_grade_loses(snapshot):
    advice = recommend_grade_terms(study_with(stop_margin=0.002), CARD, snapshot)
    assert advice.verdict == "reject"
    assert advice.expected_value.low > 0


def test_likely_but_not_sure_is_kept_and_said(snapshot, granted):
    cost = float(granted.table.set_index("grade").loc["B", "cost"])
    advice = recommend_grade_terms(study_with(stop_margin=cost + 0.003), CARD, snapshot)
    assert advice.verdict == "keep"
    assert "likely but not sure" in advice.answer


def test_without_grades_the_bound_still_says_something(snapshot):
    card = ungraded()
    granted = make_grade_terms(study_with(), card, snapshot)
    assert granted.table["grade"].tolist() == ["all"]
    assert granted.table["pd_high"].item() == 0.03  # the exact bound, above Jeffreys' 2.5%
    advice = recommend_grade_terms(study_with(), card, snapshot, granted)
    assert advice.verdict == "the data cannot say"
    assert "No customer can be graded: 0 of 100 defaulted" in advice.answer
    assert "so open account earns its credit on average" in advice.answer
    thin = recommend_grade_terms(study_with(stop_margin=0.02), card, snapshot)
    assert "not even open account to all is surely bearable" in thin.answer
    assert len(advice.options) == 5


def test_grades_by_chance_cannot_say(snapshot):
    card = replace(CARD, auc=Auc(0.55, 0.48, 0.62, 0.95, "given"))
    advice = recommend_grade_terms(study_with(), card, snapshot)
    assert advice.verdict == "the data cannot say"
    assert "no better than chance" in advice.answer


def test_no_sales_cannot_say():
    ledger = three_defaults()
    card = GivenCard({"z": "A"}, {"A": (400, 2)})
    advice = recommend_grade_terms(study_with(), card, ledger.as_of(AS_OF))
    assert advice.verdict == "the data cannot say"
    assert "Nobody out of default bought" in advice.answer


def test_expected_losses_against_those_that_came():
    """Graded on day 300: of x, y and z (B) billed 400 to 420 and lost or paid, of a (A) nothing is lost."""
    ledger = three_defaults()
    seen = pd.DataFrame(
        {"cutoff": pd.Timestamp("2022-10-28"), "customer_id": list("axyz"), "grade": list("ABBB")}
    )
    card = replace(CARD, grade={"a": "A", "z": "B"}, observations=seen, counts={"A": (50, 0), "B": (40, 10)})
    snapshot = ledger.as_of(AS_OF)
    granted = make_grade_terms(study_with(), card, snapshot)
    found = check_expected_losses(granted, card, snapshot).set_index("grade")
    # Days 330 to 480: x and y are billed 400 each, of which 300 is lost and 60 of x's comes back; z 400.
    assert found.loc["B", "seen"] == pytest.approx((600 - 60) / 1200)
    assert found.loc["A", "seen"] == 0.0
    assert found.loc["B", "expected"] == pytest.approx(
        granted.inputs.caught(1, granted.table["days"][1])[0] * granted.inputs.lgd[0]
    )
    shown = losses_table(found.reset_index(), granted, "x")
    assert f"{found.loc['all', 'seen']:.2%} was" in shown.title
    assert check_expected_losses(granted, card, snapshot).shape[1] == 6


def test_pages_show_every_case(snapshot, granted):
    thin = make_grade_terms(study_with(stop_margin=0.1), CARD, snapshot)
    none = make_grade_terms(study_with(), ungraded(), snapshot)
    broke = make_grade_terms(study_with(stop_margin=0.001), CARD, snapshot)
    for shown in (granted, thin, none, broke):
        for table in (shown.to_table(), shown.needs_table(), shown.margins_table(), shown.swings_table()):
            assert len(table.frame)
            assert "nan" not in repr(table).lower()
        assert "<table" in shown._repr_html_()
    for shown, finding in (
        (thin, "% break even"),
        (none, "Up to 2.3% of sales may be caught"),
        (granted, "times as often"),
        (broke, "Waiting alone"),
    ):
        assert finding in shown.plot_frontier(plt.figure().gca()).get_title()
    grid = thin.plot(plt.figure().gca())
    assert grid.get_title() == thin.to_table().title
    grid.figure.canvas.draw()
    assert "Grade B bears no terms on account" in thin.to_table().title
    assert not check_expected_losses(none, ungraded(), snapshot).shape[0]


def test_the_range_of_an_assumption_widens_the_interval(snapshot, granted):
    study = study_with()
    wide = tuple(assume("lgd", 0.6, 0.2, 1.0) if a.name == "lgd" else a for a in study.assumptions)
    other = make_grade_terms(replace(study, assumptions=wide), CARD, snapshot)
    width = [g.table["value_high"] - g.table["value_low"] for g in (granted, other)]
    assert (width[1] > width[0]).all()
