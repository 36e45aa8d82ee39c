"""The survival statement on both engines, and its text as reviewed."""

from __future__ import annotations

import pandas as pd
import pytest

from arrisk.ledger.engine import translate
from arrisk.ledger.survival_statements import survival_counts, survival_left_out
from arrisk.portfolio.survival_counts import make_survival_counts
from tests.ledger.frames import event, ledger_of
from tests.ledger.test_engine import GOLDEN, adversarial, spark

__all__ = ["spark"]


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("survival_issue", survival_counts(20_000)),
        ("survival_cells", survival_counts(20_000, "due", ('se"g', "department"), 19_000, (18_900, 19_900))),
        ("survival_left_out", survival_left_out("due", (18_900, 19_900))),
    ],
)
def test_spark_text_is_as_reviewed(name, statement):
    assert translate(statement, "spark") + "\n" == (GOLDEN / f"{name}.spark.sql").read_text(encoding="utf-8")


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:::pyspark", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_survival_counts_are_equal_on_spark(spark):
    rows = adversarial()
    rows["events"] += [
        event("3", "2024-06-01", -20),
        event("3", "2024-06-01", -20),
        event("3", "2024-06-20", 40, recorded_date="2024-07-01"),
    ]
    here, there = ledger_of(**rows), ledger_of(**rows, engine=spark)
    for date, by, clock, since in (
        ("2025-01-31", (), "issue", None),
        ("2024-06-15", ("segment", "currency"), "due", "2024-04-15"),
        ("2024-06-30", ("customer_id",), "due", None),
    ):
        one, other = (make_survival_counts(x.as_of(date), by, clock, since) for x in (here, there))
        pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
        pd.testing.assert_frame_equal(one.excluded, other.excluded, check_exact=True)
