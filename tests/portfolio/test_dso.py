"""DSO and its family against published figures."""

from __future__ import annotations

import pytest

from arrisk.errors import LedgerError
from arrisk.portfolio.dso import (
    average_days_delinquent,
    best_possible_dso,
    collection_effectiveness,
    dso_countback,
    dso_sales_weighted,
    dso_simple,
    receivables_turnover,
)


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
    assert result.days == pytest.approx(73.714, abs=5e-4)
    assert not result.is_lower_bound


def test_countback_says_when_sales_do_not_reach():
    result = dso_countback(300_000, [100_000, 80_000], [31, 30])
    assert result.days == 61
    assert result.is_lower_bound
    assert str(result) == "at least 61.0"
    assert dso_countback(180_000, [100_000, 80_000]).is_lower_bound is False


def test_countback_passes_over_months_without_sales():
    assert dso_countback(100, [50, 0, 100], [30, 31, 28]).days == 30 + 31 + 14


def test_oracle_s4():
    assert dso_simple(6_340, 10_890, 90) == pytest.approx(52.397, abs=5e-4)
    assert best_possible_dso(3_590, 10_890, 90) == pytest.approx(29.669, abs=5e-4)
    assert average_days_delinquent(6_340, 3_590, 10_890, 90) == pytest.approx(22.727, abs=5e-4)


def test_sales_weighted_by_hand_and_blind_to_a_strong_month():
    assert dso_sales_weighted([80, 20, 5], [100, 50, 50], [31, 30, 31]) == pytest.approx(
        0.8 * 31 + 0.4 * 30 + 0.1 * 31
    )
    steady = dso_sales_weighted([50, 25], [100, 100])
    strong = dso_sales_weighted([150, 25], [300, 100])
    assert steady == strong == 22.5
    assert dso_simple(175, 400, 60) > dso_simple(75, 200, 60)


def test_turnover_is_not_dso():
    assert receivables_turnover(1_200, 100) == 12


@pytest.mark.parametrize(
    "call",
    [
        lambda: dso_simple(1, 0, 30),
        lambda: dso_countback(-1, [1]),
        lambda: dso_countback(1, []),
        lambda: dso_sales_weighted([1], [0]),
        lambda: dso_sales_weighted([1, 2], [1]),
        lambda: dso_sales_weighted([-1], [1]),
        lambda: receivables_turnover(1, 0),
        lambda: collection_effectiveness(1, 1, 1, 1, convention="weekly"),
        lambda: collection_effectiveness(1, 1, 1, 2),
    ],
)
def test_refuses_what_has_no_answer(call):
    with pytest.raises(LedgerError):
        call()
