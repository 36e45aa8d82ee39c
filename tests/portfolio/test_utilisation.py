"""The path of exposure and limit: exact on every day, as it was known then."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.errors import LedgerError, LookAheadError
from arrisk.portfolio.exposure import make_exposure
from arrisk.portfolio.utilisation import make_utilisation_path
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, as_of_dates
from tests.portfolio.credit_books import credit_books

LATE = event("1", "2025-02-01", 60, recorded_date="2025-02-10")
ORDER = {"order_id": "o", "customer_id": "c", "order_date": "2025-01-20", "amount": 25.0, "deposit": 5.0}


def limit(date: str, amount: float, customer: str = "c") -> dict:
    return {"customer_id": customer, "valid_from": date, "credit_limit": amount}


def path_of(*limits: dict, as_of: str = "2025-03-31", **more):
    ledger = ledger_of([invoice("1", "2025-01-10", 100)], [LATE], orders=[ORDER], limits=list(limits))
    return make_utilisation_path(ledger.as_of(as_of), **more)


def test_every_change_counts_from_the_day_on_which_it_was_known():
    path = path_of(limit("2025-01-15", 200), limit("2025-03-01", 50))
    found = path.at(["2025-01-09", "2025-01-10", "2025-01-20", "2025-02-09", "2025-02-10", "2025-03-01"])
    assert found["date"].dt.strftime("%m-%d").tolist() == ["01-10", "01-20", "02-09", "02-10", "03-01"]
    assert found["exposure"].tolist() == [100, 120, 120, 60, 60]
    assert found["credit_limit"].tolist() == pytest.approx([math.nan, 200, 200, 200, 50], nan_ok=True)
    assert found["utilisation"].tolist() == pytest.approx([math.nan, 0.6, 0.6, 0.3, 1.2], nan_ok=True)


def test_a_path_does_not_look_ahead_of_its_snapshot():
    with pytest.raises(LookAheadError, match="cannot look ahead to 2025-04-01"):
        path_of().at(["2025-04-01"])
    assert path_of(limit("2025-04-15", 10)).steps["credit_limit"].isna().all()


def test_unknown_words_are_refused():
    for words in ({"level": "firm"}, {"credits": "gross"}, {"deposits": "none"}):
        with pytest.raises(LedgerError, match="allowed are"):
            path_of(**words)
    with pytest.raises(LedgerError, match="at least 1"):
        path_of().month_ends(0)


def test_month_ends_stop_at_the_date_and_begin_with_the_ledger():
    dates = path_of(as_of="2025-03-15").month_ends(36)["date"].unique()
    assert [f"{d:%m-%d}" for d in pd.DatetimeIndex(dates)] == ["01-31", "02-28", "03-15"]
    assert len(path_of().month_ends(2)["date"].unique()) == 2


def test_a_group_adds_up_its_members_day_by_day():
    ledger = ledger_of(
        [invoice("1", "2025-01-10", 100, customer_id="a"), invoice("2", "2025-02-10", 50, customer_id="b")],
        customers=[{"customer_id": c, "group_id": "G"} for c in "ab"],
        limits=[limit("2025-01-05", 30, "a"), limit("2025-02-01", 40, "b"), limit("2025-03-01", 10, "a")],
    )
    path = make_utilisation_path(ledger.as_of("2025-03-31"), level="group")
    found = path.at(["2025-01-06", "2025-01-31", "2025-02-01", "2025-02-10", "2025-03-01"])
    assert found["exposure"].tolist() == [0, 100, 100, 150, 150]
    assert found["credit_limit"].tolist() == [30, 30, 70, 70, 50]
    assert path.names == ["G"]


def test_credits_apart_leave_only_what_is_owed():
    ledger = ledger_of(
        [invoice("1", "2025-01-10", 100), invoice("2", "2025-01-11", -40)],
        [event(None, "2025-01-12", 5, customer_id="c")],
    )
    snapshot = ledger.as_of("2025-02-01")
    assert make_utilisation_path(snapshot).at(["2025-02-01"])["exposure"].tolist() == [55]
    assert make_utilisation_path(snapshot, credits="apart").at(["2025-02-01"])["exposure"].tolist() == [100]


def test_the_picture_shows_use_of_limits_or_plain_exposure():
    ax = path_of(limit("2025-01-15", 50)).plot()
    assert ax.get_title() == "Above a limit of more than zero now: 1 customer"
    plt.figure()
    assert "No limits are set" in path_of().plot().get_title()


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(credit_books(), as_of_dates)
def test_the_path_is_the_exposure_of_each_day(rows, date):
    snapshot = ledger_of(**rows).as_of(date)
    customers, groups = (make_utilisation_path(snapshot, level=level) for level in ("customer", "group"))
    for day in (DATES[DATES.index(date) // 2], DATES[DATES.index(date) - 1], date):
        exposure = make_exposure(snapshot.as_of(day))
        for path, table, key in (
            (customers, exposure.table, "customer_id"),
            (groups, exposure.groups, "group"),
        ):
            found = path.at([day]).set_index("name")
            table = table.set_index(key)
            assert set(found.index) <= set(table.index)
            both = found.reindex(table.index)
            assert (100 * both["exposure"].fillna(0)).round().eq((100 * table["exposure"]).round()).all()
            np.testing.assert_array_equal(both["credit_limit"], table["credit_limit"])
