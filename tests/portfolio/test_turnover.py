"""DSO and its family against published figures."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import LedgerError
from arrisk.portfolio.turnover import (
    average_days_delinquent,
    best_possible_dso,
    collection_effectiveness,
    dso_countback,
    dso_simple,
    make_turnover,
    receivables_turnover,
)
from tests.ledger.frames import event, invoice, ledger_of


def test_oracle_c2():
    assert collection_effectiveness(400_000, 1_200_000, 350_000, 280_000) == pytest.approx(
        1_250_000 / 1_320_000
    )


@pytest.mark.parametrize(("convention", "expected"), [("monthly_average", 0.559295), ("total", 0.796296)])
def test_oracle_c1_both_conventions(convention, expected):
    got = collection_effectiveness(6_200, 10_890, 6_340, 3_590, months=3, convention=convention)
    assert got == pytest.approx(expected, abs=5e-7)


def test_oracle_s1_countback():
    result = dso_countback(212_000, [100_000, 80_000, 70_000])
    assert result.days == pytest.approx(30 + 30 + 32 / 70 * 30)
    assert not result.is_lower_bound


def test_countback_says_when_sales_do_not_reach():
    result = dso_countback(300_000, [100_000, 80_000], [31, 30])
    assert result.days == 61
    assert result.is_lower_bound
    assert dso_countback(180_000, [100_000, 80_000]).is_lower_bound is False


def test_countback_passes_over_months_without_sales():
    assert dso_countback(100, [50, 0, 100], [30, 31, 28]).days == 30 + 31 + 14


def test_oracle_s4():
    assert dso_simple(6_340, 10_890, 90) == pytest.approx(52.397, abs=5e-4)
    assert best_possible_dso(3_590, 10_890, 90) == pytest.approx(29.669, abs=5e-4)
    assert average_days_delinquent(6_340, 3_590, 10_890, 90) == pytest.approx(22.727, abs=5e-4)


def test_turnover_is_not_dso():
    assert receivables_turnover(1_200, 100) == 12


@pytest.mark.parametrize(
    "call", [lambda: dso_simple(1, 0, 30), lambda: dso_countback(-1, [1]), lambda: dso_countback(1, [])]
)
def test_refuses_what_has_no_answer(call):
    with pytest.raises(LedgerError):
        call()


def test_monthly_series_from_a_ledger():
    ledger = ledger_of(
        [invoice(str(m), f"2025-{m:02d}-01", 100, f"2025-{m:02d}-20") for m in (1, 2, 3)],
        [event("1", "2025-02-10", 100), event("2", "2025-03-10", 40)],
    )
    table = make_turnover(ledger.as_of("2025-03-31"), months=3, window=1).table
    assert table["receivables"].tolist() == [100, 100, 160]
    assert table["overdue"].tolist() == [100, 100, 160]
    assert table["sales"].tolist() == [100, 100, 100]
    assert table["dso"].tolist() == [31, 28, pytest.approx(1.6 * 31)]
    assert table["dso_countback"].tolist()[:2] == [31, 28]
    assert table["dso_countback"].iloc[2] == pytest.approx(31 + 0.6 * 28)
    assert np.isnan(table["cei"].iloc[0])
    assert table["cei"].iloc[1] == pytest.approx((100 + 100 - 100) / 200)
