"""Cells of sales and of the open balance: the same money as the items, in portable SQL."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.ledger.engine import translate
from arrisk.ledger.statements import ageing_cells
from arrisk.ledger.statements_ageing import customer_cells, open_cells
from arrisk.ledger.statements_sales import receivable_cells, sales_cells
from tests.ledger.frames import ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers


@settings(max_examples=10, deadline=None)
@given(ledgers(), as_of_dates, st.sampled_from([None, "segment", "department"]))
def test_cells_hold_the_money_of_the_items(rows, date, by):
    snapshot = ledger_of(**rows).as_of(date)
    items = snapshot.items
    invoiced, left = (round(items[c].sum() * 100) for c in ("amount", "open_amount"))
    assert snapshot.query(sales_cells(by))["amount"].sum() == invoiced
    cells = snapshot.query(receivable_cells(by))
    assert (cells["invoiced"].sum(), cells["amount"].sum()) == (invoiced, left)
    for clock in ("due", "issue"):
        keys = [*(["cell"] if by else []), "side", "clock_day"]
        months = snapshot.query(ageing_cells(clock, by)).groupby(keys, dropna=False)["amount"].sum()
        whole = snapshot.query(open_cells(clock, by)).set_index(keys)["amount"].sort_index()
        assert whole.tolist() == months.sort_index().tolist()
        people = snapshot.query(customer_cells(clock, by)).groupby(keys, dropna=False)["amount"].sum()
        assert people.sort_index().tolist() == whole.tolist()


@pytest.mark.parametrize("by", [None, 'a "quoted" name', "salesperson"])
@pytest.mark.parametrize(
    "statement",
    [sales_cells, receivable_cells, lambda by: open_cells("due", by), lambda by: customer_cells("due", by)],
)
def test_statements_translate_and_quote(statement, by):
    sql = statement(by)
    spark = translate(sql, "spark")
    assert spark.count("SUM(") == sql.count("SUM(")
    assert ('`a "quoted" name`' in spark) == (by == 'a "quoted" name')
