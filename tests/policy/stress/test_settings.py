"""What a study says of scenarios, covenants and the balance sheet, and how it is told what is wrong."""

from __future__ import annotations

import pytest

from arrisk.errors import ModelError, StudyError
from arrisk.policy.stress.balance_sheet import BalanceSheet, make_cash_ratio, read_balance_sheet
from arrisk.policy.stress.covenants import read_covenants
from arrisk.policy.stress.scenarios import (
    DebtorDefault,
    IndustryDownturn,
    MacroDownturn,
    read_scenarios,
    usual_scenarios,
)


def test_scenarios_come_from_plain_tables():
    rows = [
        {"kind": "debtors", "name": "two", "largest": 2, "rank_by": "expected loss"},
        {"kind": "debtors", "name": "named", "customers": ["C1", "C2"], "connected": False, "day": 30},
        {"kind": "industry", "name": "slump", "industry": "steel", "chance": 0.01, "delay_days": 20},
        {"kind": "macro", "name": "index", "indicator": 42.0, "series": "pmi"},
    ]
    two, named, slump, index = read_scenarios(rows)
    assert two == DebtorDefault("two", 2, "expected loss")
    assert named == DebtorDefault("named", customers=("C1", "C2"), connected=False, day=30)
    assert slump == IndustryDownturn("slump", "steel", 0.01, delay_days=20)
    assert index == MacroDownturn("index", indicator=42.0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"kind": "marco", "name": "x"}, 'did you mean "macro"'),
        ({"name": "x"}, "allowed: debtors, industry, macro"),
        ({"kind": "macro", "name": "x", "chanse": 0.1}, 'did you mean "chance"'),
        ({"kind": "macro", "name": "x", "chance": 1.5}, "between 0 and 1"),
        ({"kind": "debtors", "name": "x", "largest": 0}, "largest is at least 1"),
        ({"kind": "debtors", "name": "x", "rank_by": "age"}, "allowed: exposure, expected loss"),
        ({"kind": "industry", "name": "x"}, "industry"),
    ],
)
def test_a_wrong_scenario_is_told(row, message):
    with pytest.raises(StudyError, match=message):
        read_scenarios([row])


def test_names_of_scenarios_differ():
    with pytest.raises(StudyError, match="must differ"):
        read_scenarios([{"kind": "macro", "name": "x"}, {"kind": "macro", "name": "x"}])
    names = [s.name for s in usual_scenarios("steel")]
    assert len(set(names)) == len(names) == 6


def test_a_balance_sheet_says_what_it_lacks():
    assert read_balance_sheet(None).missing == ("cash", "current_liabilities", "debt", "ebitda")
    assert read_balance_sheet(None).liquidity is None
    given = {"cash": 1.0, "near_cash": 2, "credit_line": 10.0, "line_drawn": 4.0, "source": "treasury"}
    assert read_balance_sheet(given).liquidity == 9.0
    assert "Not given: cash" in BalanceSheet().to_table("EUR").title


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"cahs": 1.0, "source": "s"}, 'did you mean "cash"'),
        ({"cash": "much", "source": "s"}, "is no amount"),
        ({"cash": 1.0}, "source is missing"),
        ({"cash": -1.0, "source": "s"}, "not negative"),
        ({"credit_line": 1.0, "line_drawn": 2.0, "source": "s"}, "above the credit line"),
    ],
)
def test_a_wrong_balance_sheet_is_told(table, message):
    with pytest.raises(StudyError, match=message):
        read_balance_sheet(table)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"name": "x", "ratio": "leverage", "limit": 3.0}, "allowed: net debt to EBITDA"),
        ({"name": "x", "ratio": "cash ratio", "limit": 0.2, "dir": "at most"}, "unknown key"),
        ({"name": "x", "ratio": "cash ratio", "limit": 0.2, "direction": "up"}, "at most, at least"),
        ({"name": "x", "ratio": "cash ratio"}, "limit"),
    ],
)
def test_a_wrong_covenant_is_told(row, message):
    with pytest.raises(StudyError, match=message):
        read_covenants([row])


def test_the_cash_ratio_counts_insured_receivables_only_in_its_second_line():
    ratio = make_cash_ratio(20.0, 10.0, 120.0, insured=50.0, advance=0.6)
    assert ratio.table["ratio"].tolist() == [0.25, 0.5]
    assert ratio.table["counted"].tolist() == [30.0, 60.0]
    assert "25%" in ratio.finding()
    assert "50%" in ratio.finding()
    with pytest.raises(ModelError, match="current liabilities above 0"):
        make_cash_ratio(1.0, 1.0, 0.0, 0.0, 0.5)
