"""Tiers, the financing saved, and the decision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arrisk.errors import StudyError
from arrisk.models.intervals import Interval
from arrisk.policy.incentives.bonus import bonus_shares, financing_saved, make_bonus_case, read_tiers
from arrisk.policy.incentives.decision import make_incentives, recommend_incentives
from arrisk.policy.incentives.measures import SUMS, make_sales_sums
from arrisk.policy.incentives.scores import score_sales
from tests.policy.incentives.books import sales_book


def test_tiers_begin_at_their_score_and_a_missing_score_earns_nothing():
    shares, tier = bonus_shares(np.array([np.nan, 89.99, 90.0, 100.0, 109.0, 110.0]))
    assert shares.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0, 1.5]
    assert tier[2:].tolist() == [90.0, 100.0, 100.0, 110.0]
    assert np.isnan(tier[:2]).all()


@pytest.mark.parametrize(
    "wrong", [[], [[100, 1.0], [90, 2.0]], [[90, 1.0], [100, 1.0]], [["x", 1]], 5, [[-1, 0.5]]]
)
def test_tiers_that_cannot_be(wrong):
    with pytest.raises(StudyError, match="tiers"):
        read_tiers(wrong)


def test_saving_by_hand():
    """Overdue share from 20% to 15% on 4,000 owed over four quarters: 5% of 1,000 at 8% a year."""
    sums = {"overdue": 600.0, "owed": 4000.0, "overdue_before": 400.0, "owed_before": 2000.0}
    saved = financing_saved(np.array([sums.get(name, 0.0) for name in SUMS]), 0.08, 4)
    assert saved == pytest.approx(0.05 * 1000 * 0.08)


@pytest.fixture(scope="module")
def study(sample_study):
    return sample_study


@pytest.fixture(scope="module")
def found(study):
    return make_incentives(study)


@pytest.mark.slow
def test_the_bonus_adds_up(found):
    assert found.bonus.cost == found.bonus.table["bonus"].sum()
    assert found.bonus.saved.low < found.bonus.saved_value < found.bonus.saved.high


def with_saving(found, value, low, high, apart=None):
    bonus = replace(found.bonus, saved_value=value, saved=Interval(low, high, 0.95, "given"))
    sales = found.sales if apart is None else replace(found.sales, told_apart=apart)
    return replace(found, bonus=bonus, sales=sales)


@pytest.mark.slow
def test_verdicts_follow_the_interval_and_the_ranking(study, found):
    cost, pairs = found.bonus.cost, found.sales.pairs
    rich = with_saving(found, 3 * cost, 2 * cost, 4 * cost, apart=pairs)
    assert recommend_incentives(study, rich).verdict == "adopt"
    assert (
        recommend_incentives(study, with_saving(found, 3 * cost, 2 * cost, 4 * cost, apart=0)).verdict
        == "keep"
    )
    assert recommend_incentives(study, with_saving(found, 0.0, -cost, 0.5 * cost)).verdict == "reject"
    assert recommend_incentives(study, with_saving(found, cost, -cost, 3 * cost)).verdict == "keep"


@pytest.mark.slow
def test_the_flip_is_where_the_sure_saving_pays_the_bonus(study, found):
    rich = with_saving(found, 3 * found.bonus.cost, 2 * found.bonus.cost, 4 * found.bonus.cost)
    flip = recommend_incentives(study, rich).flip
    assert flip.threshold == pytest.approx(2 * flip.current)
    assert "surely" in flip.sentence
    poor = recommend_incentives(study, with_saving(found, found.bonus.cost, -1.0, 2 * found.bonus.cost)).flip
    assert poor.threshold == pytest.approx(poor.current)
    assert "No bonus, however small" in poor.sentence


@pytest.mark.slow
def test_without_salespeople_the_data_cannot_say(study, found):
    nobody = replace(found, sales=replace(found.sales, table=found.sales.table.iloc[:0]))
    said = recommend_incentives(study, nobody)
    assert said.verdict == "the data cannot say"
    assert "salesperson" in said.experiment


def test_the_same_delays_in_both_years_save_nothing():
    snapshot = sales_book({"Ada": 3, "Bob": 6}).as_of("2025-12-31")
    sums = make_sales_sums(snapshot)
    case = make_bonus_case(score_sales(snapshot, sums=sums, draws=20), sums, 1000.0, 0.08, "EUR")
    assert case.saved_value == pytest.approx(0.0, abs=1e-9)
