"""Slow but sure payers: who they are, and three ways to be paid, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arrisk.policy.terms.prepayment import bill_cost, break_even_bill_rate, compare_prepayment
from tests.ledger.frames import ledger_of
from tests.policy.grade_terms.books import AS_OF, GivenCard, sales_of, study_with, two_grades

GIVEN = {"prepayment_cut": 0.02, "bill_discount_rate": 0.03, "bill_fee": 0.0005, "bank_pd": 0.0}
CARD = GivenCard({"a": "A", "b": "B"}, {"A": (400, 2), "B": (900, 2)})


@pytest.fixture(scope="module")
def payers():
    return compare_prepayment(study_with(**GIVEN), CARD, two_grades().as_of(AS_OF))


def test_only_the_late_one_of_a_sure_grade_is_found(payers):
    assert payers.table["customer_id"].tolist() == ["b"]
    assert payers.looked_at == 2
    risky = replace(CARD, counts={"A": (400, 2), "B": (60, 20)})
    assert compare_prepayment(study_with(**GIVEN), risky, two_grades().as_of(AS_OF)).table.empty


def test_the_three_ways_by_hand(payers):
    """B buys 2,400 a year on 60 days and pays on day 72; 8%, and a bill of 90 days at 3% on 360."""
    row = payers.table.iloc[0]
    assert row["prepaid"] == pytest.approx(0.02)
    assert row["bill"] == pytest.approx(0.03 * 90 / 360 + 0.0005)
    assert row["bill_held"] == pytest.approx(1 - 1.08 ** (-90 / 365) + 0.0005)
    assert row["prepaid_gain"] == pytest.approx(2400 * (row["account"] - 0.02))
    assert row["break_even_cut"] == row["account"]
    rate = row["break_even_rate"]
    assert bill_cost(90, discount_rate=rate, fee=0.0005, cost_of_capital=0.0) == pytest.approx(row["account"])
    assert row["account"] > 1 - 1.08 ** (-72 / 365)
    assert np.mean(payers.gains["bill"]) == pytest.approx(row["bill_gain"])


def test_the_bank_may_fail_while_a_bill_is_held():
    sure, unsure = (
        float(bill_cost(365, discount_rate=0.0, fee=0.0, cost_of_capital=0.0, bank_pd=p, hold=True))
        for p in (0.0, 0.02)
    )
    assert (sure, unsure) == (0.0, pytest.approx(0.02))
    assert break_even_bill_rate(0.0, 90, 0.0005) < 0


def test_it_is_told(payers):
    assert "1 slow but sure payer" in payers.finding()
    assert payers.plot().get_title()
    assert "Every customer is taken to accept" in repr(payers)
    nobody = compare_prepayment(study_with(**GIVEN), CARD, ledger_of(*sales_of("a", 1.0, 30, 0)).as_of(AS_OF))
    assert nobody.table.empty
    assert "None of" in nobody.finding()
    assert nobody.plot().get_title()
