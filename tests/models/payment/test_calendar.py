from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.ledger.days import day_number
from arrisk.ledger.sample.truth import BASE_TRUTH
from arrisk.ledger.sample.world import make_calendar
from arrisk.models.payment.calendar import CLOSED, RUNS, WEEKDAYS, PaymentCalendar

YEARLY = ("01-01", "05-01", "12-25", "12-26")
calendars = st.builds(
    PaymentCalendar,
    weekend=st.sets(st.integers(0, 6), max_size=6),
    holidays=st.lists(st.dates(dt.date(2023, 12, 1), dt.date(2024, 4, 1)), max_size=40),
    month_end_days=st.integers(1, 4),
)


def span(first: str, last: str) -> tuple[int, int]:
    return day_number(first), day_number(last)


def left_by_hand(calendar: PaymentCalendar, day: dt.date) -> int:
    """Open days from a day on to the end of its month, counted one by one."""
    closed = {*calendar.holidays}
    left, month = 0, day.month
    while day.month == month:
        left += day.weekday() not in calendar.weekend and f"{day:%Y-%m-%d}" not in closed
        day += dt.timedelta(days=1)
    return left


@settings(max_examples=30)
@given(calendars, st.dates(dt.date(2023, 12, 15), dt.date(2024, 4, 1)), st.integers(0, 70))
def test_every_day_has_the_one_class_that_its_date_says(calendar, first, length):
    start = day_number(first)
    codes = calendar.codes(start, start + length - 1)
    is_open = calendar.is_open(start, start + length - 1)
    assert codes.shape == (7, length)
    names = np.array(calendar.classes)
    for k in range(length):
        day = first + dt.timedelta(days=k)
        left = left_by_hand(calendar, day)
        for run in range(7):
            if not is_open[k]:
                assert codes[run, k] == CLOSED
                continue
            weekly = "run day" if day.weekday() == run - 1 else "not the run day"
            monthly = "month end" if left <= calendar.month_end_days else "not month end"
            role = "any day" if run == 0 else monthly if run == 6 else weekly
            parts = [WEEKDAYS[day.weekday()], *(["last open day of the month"] if left == 1 else []), role]
            assert names[codes[run, k]] == ", ".join(parts)


@settings(max_examples=30)
@given(calendars)
def test_the_terms_are_not_collinear_and_tell_the_reference_from_all_others(calendar):
    design = calendar.design
    with_level = np.column_stack([np.ones(len(design)), design])
    assert np.linalg.matrix_rank(with_level) == with_level.shape[1]
    assert not design.loc[f"{calendar.reference}, any day"].any()
    assert set(np.unique(design)) <= {0, 1}
    assert design.index.is_unique
    assert design.iloc[CLOSED].sum() == 1


def test_the_terms_express_the_truth_of_the_sample_exactly():
    """Its factors by run and day, over ten years with the effect of the month taken out."""
    calendar = PaymentCalendar(holidays=YEARLY)
    world = make_calendar(BASE_TRUTH, np.random.default_rng(3))
    after = len(world.pay[0]) - 1
    first = world.first
    month = (first + np.arange(after + 1)).astype("datetime64[D]").astype("datetime64[M]").astype(int)
    whole = month < month[-1]  # the sample's own table ends within a month
    codes = calendar.codes(first, first + after)[:, whole]
    truth = {
        "last open day of the month": BASE_TRUTH.last_day_weight,
        "run day of a weekly payer": BASE_TRUTH.run_weight,
        "other day of a weekly payer": BASE_TRUTH.off_run_weight,
        "month end of a month-end payer": BASE_TRUTH.month_end_weight,
        "other day of a month-end payer": BASE_TRUTH.off_month_weight,
    }
    effects = calendar.design.columns.map(lambda term: np.log(truth.get(term, 1.0))).to_numpy(float)
    factor = np.exp(calendar.design.to_numpy() @ effects)
    factor[CLOSED] = 0.0
    shock = np.where(world.pay[0] > 0, world.pay[0], 1.0)
    left = calendar.open_days_left(first, first + after)
    shock /= np.where((left == 1) & (world.pay[0] > 0), BASE_TRUTH.last_day_weight, 1.0)
    np.testing.assert_allclose(factor[codes], (world.pay / shock)[:, whole])


def test_the_end_of_a_leap_february_and_of_a_december_with_holidays_at_its_end():
    calendar = PaymentCalendar(holidays=["12-30", dt.date(2025, 12, 31)])
    names = np.array(calendar.classes)
    leap = names[calendar.codes(*span("2024-02-27", "2024-03-01"))[6]]
    assert leap.tolist() == [
        "Tuesday, not month end",
        "Wednesday, month end",
        "Thursday, last open day of the month, month end",
        "Friday, not month end",
    ]
    december = names[calendar.codes(*span("2025-12-26", "2025-12-31"))[6]]
    assert december.tolist()[0] == "Friday, month end"
    assert december[3] == "Monday, last open day of the month, month end"
    assert december[[1, 2, 4, 5]].tolist() == ["closed day"] * 4
    assert PaymentCalendar(holidays=["02-29"]).is_open(*span("2024-02-29", "2024-02-29")).tolist() == [False]


def test_it_says_what_it_is():
    assert str(PaymentCalendar()) == "closed on Saturday, Sunday; month end = last 2 open days"
    four = PaymentCalendar(holidays=YEARLY)
    assert str(four) == "closed on Saturday, Sunday and 4 holidays; month end = last 2 open days"
    assert str(PaymentCalendar((), ["2025-04-18"], 1)) == "closed on 1 holiday; month end = the last open day"
    assert str(PaymentCalendar(())) == "never closed; month end = last 2 open days"
    assert len(RUNS) == 7
    assert four == PaymentCalendar([6, 5], [*YEARLY, *YEARLY])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"weekend": [7]}, "weekend=.7.; allowed: 0 .Monday. to 6"),
        ({"weekend": range(7)}, "at least one day open"),
        ({"holidays": "2025-12-25"}, "give a list of dates"),
        ({"holidays": ["13-01"]}, "no holiday: '13-01'"),
        ({"holidays": [pd.Timestamp("2025-12-25 10:00")]}, "no holiday"),
        ({"month_end_days": 0}, "month_end_days=0; allowed: 1 to 10"),
    ],
)
def test_what_is_no_calendar_is_refused(options, said):
    with pytest.raises(ModelError, match=said):
        PaymentCalendar(**options)


def test_days_run_forwards():
    assert PaymentCalendar().codes(10, 9).shape == (7, 0)
    with pytest.raises(ModelError, match="the last is before the first"):
        PaymentCalendar().codes(10, 8)
