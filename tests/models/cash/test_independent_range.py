"""The range of a forecast with and without what invoices have in common."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arrisk.models.cash.cash_forecast import forecast_cash
from arrisk.models.cash.independent_range import compare_independent_cash
from arrisk.models.cash.shocks import NO_SHOCKS
from arrisk.models.timing.payment_timing import fit_timing
from tests.models.payment_books import book_of


@pytest.fixture(scope="module")
def cash():
    snapshot = book_of(21, customers=50, failing=0.2, days=800).as_of("2024-03-10")
    return forecast_cash(snapshot, fit_timing(snapshot, "due"), draws=300)


def test_it_ends_in_the_range_of_the_whole_forecast(cash):
    found = compare_independent_cash(cash)
    total, last = cash.total().iloc[0], found.table.iloc[-1]
    assert (last["low"], last["high"], last["expected"]) == pytest.approx(
        (total["p10"], total["p90"], total["expected"])
    )
    assert len(found.table) == 13


def test_independent_invoices_give_a_narrower_range(cash):
    found = compare_independent_cash(cash)
    assert found.ratio > 1.1
    assert f"{found.ratio:.1f} times too narrow" in found.finding
    assert found.to_table().frame["through_week"].tolist() == [4, 8, 12, 13]
    assert found.plot().get_title() == found.finding


def test_without_shocks_in_the_forecast_nothing_is_claimed(cash):
    found = compare_independent_cash(replace(cash, shocks=NO_SHOCKS))
    assert np.isnan(found.ratio)
    assert "too short" in found.finding
    found.plot()
