"""The sales plan of a study."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arrisk.errors import StudyError
from arrisk.policy.sales_plan import define_sales
from arrisk.policy.study import Study


def study_with(study: Study, plan: dict[str, object]) -> Study:
    return replace(study, settings={**study.settings, "sales_plan": plan})


def test_the_season_when_nothing_is_stated(sample_study):
    assert define_sales(sample_study) == "seasonal"


def test_a_plan_by_month(sample_study):
    amounts = {"2026-02-01": 2_000_000, "2026-01-01": 1_500_000.0}
    plan = define_sales(study_with(sample_study, {"period": "month", "error": 0.05, "amounts": amounts}))
    assert (plan.period, plan.error, plan.by) == ("month", 0.05, None)
    assert [f"{day:%Y-%m-%d}" for day in plan.amounts.index] == ["2026-01-01", "2026-02-01"]
    assert plan.amounts["all"].tolist() == [1_500_000.0, 2_000_000.0]


def test_a_plan_by_segment_has_zero_where_nothing_is_stated(sample_study):
    amounts = {"Retail": {"2026-01-05": 10.0, "2026-01-12": 20.0}, "Public": {"2026-01-05": 5.0}}
    plan = define_sales(study_with(sample_study, {"error": 0.1, "by": "segment", "amounts": amounts}))
    assert (plan.period, plan.by) == ("week", "segment")
    assert plan.amounts[["Retail", "Public"]].to_numpy().tolist() == [[10.0, 5.0], [20.0, 0.0]]


AMOUNTS = {"2026-01-05": 10.0}


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"amount": AMOUNTS, "error": 0.1}, "unknown key 'amount'.*amounts"),
        ({"amounts": AMOUNTS}, "error is missing"),
        ({"error": 0.1}, "amounts is missing"),
        ({"amounts": AMOUNTS, "error": -0.1}, "error = -0.1"),
        ({"amounts": {"2026-01-05": "much"}, "error": 0.1}, "'much'"),
        ({"amounts": {"January": 1.0}, "error": 0.1}, "'January' is no date"),
        ({"amounts": AMOUNTS, "error": 0.1, "period": "year"}, "period = 'year'"),
        ({"amounts": AMOUNTS, "error": 0.1, "by": "segment"}, "table of dates"),
    ],
)
def test_a_bad_plan_is_named(sample_study, plan, words):
    with pytest.raises(StudyError, match=words):
        define_sales(study_with(sample_study, plan))
