"""The payment calendar of a study."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from arrisk.errors import StudyError
from arrisk.models.payment.calendar import PaymentCalendar
from arrisk.policy.payment_calendar import define_calendar
from arrisk.policy.study import Study


def study_with(study: Study, calendar: dict[str, object]) -> Study:
    return replace(study, settings={**study.settings, "calendar": calendar})


def test_the_sample_closes_on_weekends_and_four_holidays(sample_study):
    assert define_calendar(sample_study) == PaymentCalendar(holidays=["01-01", "05-01", "12-25", "12-26"])


def test_weekends_alone_when_a_study_says_nothing(sample_study):
    assert define_calendar(replace(sample_study, settings={})) == PaymentCalendar()


def test_names_of_weekdays_dates_and_month_end(sample_study):
    given = {"closed_weekdays": ["Friday"], "holidays": [dt.date(2026, 4, 3), "12-25"], "month_end_days": 3}
    calendar = define_calendar(study_with(sample_study, given))
    assert calendar == PaymentCalendar(weekend=[4], holidays=["2026-04-03", "12-25"], month_end_days=3)


def test_open_on_all_seven_days(sample_study):
    assert define_calendar(study_with(sample_study, {"closed_weekdays": []})).weekend == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"holiday": []}, "unknown key 'holiday'.*holidays"),
        ({"closed_weekdays": ["Saterday"]}, "'Saterday'.*Saturday"),
        ({"closed_weekdays": "Sunday"}, "allowed is a list"),
        ({"holidays": ["13-45"]}, "13-45"),
        ({"month_end_days": 0}, "month_end_days=0"),
        ({"month_end_days": True}, "whole number"),
    ],
)
def test_a_bad_setting_is_named(sample_study, given, words):
    with pytest.raises(StudyError, match=words):
        define_calendar(study_with(sample_study, given))
