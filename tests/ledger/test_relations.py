"""What statements may read: relations as known on a day, attributes, and small tables handed in."""

from __future__ import annotations

import pandas as pd
import pytest

from arrisk.errors import LedgerError
from arrisk.ledger.relations import RELATIONS, given_table, named_in
from arrisk.ledger.statements import cell_of
from tests.ledger.frames import event, invoice, ledger_of


def small():
    return ledger_of(
        [
            invoice("1", "2025-01-01", 100, salesperson="Li", department="north"),
            invoice("2", "2025-01-02", 50, salesperson="O'Neil"),
            invoice("3", "2025-03-01", -7, customer_id="d"),
        ],
        [event("1", "2025-02-01", 30), event(None, "2025-02-01", 5, customer_id="c")],
        customers=[{"customer_id": "c", "segment": "retail"}, {"customer_id": "d", "segment": "works"}],
        orders=[{"order_id": n, "customer_id": "c", "order_date": day, "amount": 0.07, "currency": "EUR",
                 "cancelled_date": "2025-02-03"} for n, day in (("1", "2025-01-31"), ("2", "2025-02-01"))],
    )  # fmt: skip


@pytest.mark.parametrize("relation", list(RELATIONS))
def test_a_relation_has_its_columns_and_only_what_was_known(relation):
    snapshot = small().as_of("2025-01-31")
    found = snapshot.query(f"SELECT * FROM {relation}")
    columns, later = RELATIONS[relation].columns, RELATIONS[relation].later
    assert set(columns) | set(later) <= set(found.columns)
    assert (found[RELATIONS[relation].since] <= snapshot.day).all()
    assert len(found) == {"movements": 2, "customers": 1, "items": 2, "spells": 2, "orders": 1}[relation]


def test_orders_are_whole_numbers_and_cancelled_when_that_was_known():
    early, late = (small().as_of(day).query("SELECT * FROM orders") for day in ("2025-02-02", "2025-02-03"))
    assert early[["customer", "amount"]].to_numpy().tolist() == [[0, 7], [0, 7]]
    assert early["cancelled_day"].isna().all()
    assert late["cancelled_day"].tolist() == [20122, 20122]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("segment", {"retail": 11500}),
        ("salesperson", {"Li": 7000, "O'Neil": 5000, None: -500}),
        ("department", {"north": 7000, None: 4500}),
        ("currency", {"EUR": 12000, None: -500}),
    ],
)
def test_a_statement_groups_by_attributes_of_customers_and_items(by, expected):
    cell = cell_of(by)
    found = small().as_of("2025-02-28").query(
        f"SELECT {cell.select}CAST(SUM(m.amount) AS BIGINT) AS open FROM movements AS m{cell.join} GROUP BY 1"
    )  # fmt: skip
    assert {None if pd.isna(k) else k: int(v) for k, v in found.to_numpy()} == expected


def test_an_unknown_attribute_is_refused():
    snapshot = small().as_of("2025-02-28")
    assert snapshot.attribute("department") == "department"
    assert snapshot.attribute(None) is None
    with pytest.raises(LedgerError, match=r"no attribute 'hair'; .* segment, .* salesperson"):
        snapshot.attribute("hair")


def test_tables_come_with_the_statement():
    calendar = pd.DataFrame({"day": [20090, 20120], "label": ["jan'25", None]})
    found = small().as_of("2025-12-31").query(
        "WITH dated AS (SELECT c.label, m.amount FROM movements AS m JOIN calendar AS c ON m.day <= c.day) "
        "SELECT label, CAST(SUM(amount) AS BIGINT) AS amount FROM dated GROUP BY label",
        calendar=calendar,
    )  # fmt: skip
    assert {None if pd.isna(k) else k: int(v) for k, v in found.to_numpy()} == {"jan'25": 15000, None: 11500}
    assert small().as_of("2025-12-31").query("SELECT * FROM none", none=calendar.iloc[:0]).empty
    with pytest.raises(LedgerError, match="whole numbers and texts"):
        given_table(pd.DataFrame({"share": [0.5]}))


def test_relations_are_known_by_where_they_stand():
    assert named_in("SELECT items, spells.end_day FROM spells\n LEFT JOIN customers AS c ON 1 = 1") == [
        "customers",
        "spells",
    ]
