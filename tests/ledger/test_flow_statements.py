"""The statements of flows: their text for Spark as reviewed, and the same integers on every engine."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from arrisk.ledger.engine import SparkEngine, translate
from arrisk.ledger.flow_statements import flow_closings, flow_movements, odd_closings, odd_movements
from arrisk.portfolio.flows import make_flows
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.test_engine import adversarial

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("flow_movements", flow_movements(24301)),
        ("flow_movements_segment", flow_movements(24301, 'se"g')),
        ("odd_movements_department", odd_movements(24301, "department")),
        ("flow_closings", flow_closings(24301)),
        ("odd_closings", odd_closings(24301)),
    ],
)
def test_spark_text_is_as_reviewed(name, statement):
    assert translate(statement, "spark") + "\n" == (GOLDEN / f"{name}.spark.sql").read_text(encoding="utf-8")


def eventful() -> dict[str, list[dict[str, object]]]:
    """The adversarial ledger with a bounced payment, a dispute and departments added."""
    rows = adversarial()
    dispute = {"dispute_opened": "2024-03-31", "dispute_closed": "2024-05-31", "department": "nörth"}
    more = [
        invoice("7", "2024-02-10", 40, "2024-03-01", customer_id="d", **dispute),
        invoice("8", "2024-02-10", 60, "2024-03-01", customer_id="b", department='so"uth'),
    ]
    bounced = [
        event("8", "2024-02-29", 60, customer_id="b"),
        event("8", "2024-04-30", -60, customer_id="b"),
        event("8", "2024-06-30", 60, "write_off"),
    ]
    return rows | {"invoices": [*rows["invoices"], *more], "events": [*rows["events"], *bounced]}


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:::pyspark", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_flows_are_equal_on_spark(java):
    engine = SparkEngine()
    here, there = ledger_of(**eventful()), ledger_of(**eventful(), engine=engine)
    for by in (None, "segment", "department", "customer_id"):
        for months in (3, 36):
            one = make_flows(here.as_of("2024-07-31"), months, by=by).table
            other = make_flows(there.as_of("2024-07-31"), months, by=by).table
            pd.testing.assert_frame_equal(one, other, check_exact=True)
    engine.close()
