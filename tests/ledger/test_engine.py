"""The engines: the same statements give the same integers, to the last one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from arrisk.errors import LedgerError
from arrisk.ledger import engine as engine_module
from arrisk.ledger.engine import DuckDBEngine, SparkEngine, open_engine, translate
from arrisk.ledger.relations import known
from arrisk.ledger.statements import ageing_cells, item_states
from arrisk.portfolio.ageing import make_ageing
from arrisk.portfolio.ageing_panel import make_ageing_panel
from tests.ledger.frames import event, invoice, ledger_of

GOLDEN = Path(__file__).with_name("golden")


def adversarial() -> dict[str, list[dict[str, object]]]:
    """Same day, leap day, month end, no due date, partial write-off closed by cash, huge sums, odd names."""
    return {
        "invoices": [
            invoice("1", "2024-02-29", 10.0**12, "2024-02-29", customer_id="a", department="it's"),
            invoice("2", "2024-02-29", 0.01, None, customer_id="b", dispute_opened="2024-03-01"),
            invoice("3", "2024-03-31", 100, "2024-04-30", customer_id="c"),
            invoice("4", "2024-03-31", -50, "2024-03-31", customer_id="c"),
            invoice("5", "2024-01-31", 70, "2024-02-01", customer_id="d", recorded_date="2024-05-05"),
            invoice("6", "2024-12-31", 1, "2025-01-01", customer_id="a"),
        ],
        "events": [
            event("1", "2024-02-29", 10.0**12 - 1, customer_id="a"),
            event("3", "2024-05-01", 30, "write_off"),
            event("3", "2024-05-31", 70),
            event("5", "2024-02-01", 100, customer_id="d"),
            event(None, "2024-06-30", 5, customer_id="b", recorded_date="2024-07-01"),
        ],
        "customers": [
            {"customer_id": "a", "segment": 'O\'Brien "x"; DROP TABLE movements'},
            {"customer_id": "b", "segment": "批发"},
            {"customer_id": "c", "segment": None},
            {"customer_id": "d", "segment": "back`tick"},
        ],
    }


@pytest.fixture(scope="module")
def spark(java):
    engine = SparkEngine()
    yield engine
    engine.close()


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:::pyspark", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_ageing_panel_is_equal_on_spark(spark, root):
    rows = adversarial()
    here, there = ledger_of(**rows), ledger_of(**rows, engine=spark)
    for by in (None, "segment", "department"):
        for clock in ("due", "issue"):
            one = make_ageing_panel(here.as_of("2025-01-31"), by=by, clock=clock).table
            other = make_ageing_panel(there.as_of("2025-01-31"), by=by, clock=clock).table
            pd.testing.assert_frame_equal(one, other, check_exact=True)
    snapshot, twin = here.as_of("2024-06-30"), there.as_of("2024-06-30")
    pd.testing.assert_frame_equal(make_ageing(snapshot).table, make_ageing(twin).table, check_exact=True)
    pd.testing.assert_frame_equal(snapshot.items, twin.items, check_exact=True)
    calendar = pd.DataFrame({"day": [19900, 20000], "label": ["it's", "批发"]})
    for statement in (
        "SELECT * FROM spells",
        "SELECT * FROM items",
        "SELECT customer, customer_id, segment, first_day FROM customers",
        "WITH a AS (SELECT s.item, c.label FROM spells AS s JOIN calendar AS c ON s.start_day <= c.day) "
        "SELECT * FROM a",
    ):
        one, other = (_sorted(s.query(statement, calendar=calendar)) for s in (snapshot, twin))
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def _sorted(frame):
    return frame.sort_values(list(frame.columns[:10]), ignore_index=True)


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:::pyspark", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_panel_of_the_sample_is_equal_on_spark(spark, root):
    from arrisk import read_ledger

    here = read_ledger(root / "data" / "sample").as_of("2025-12-31")
    there = read_ledger(root / "data" / "sample", engine=spark).as_of("2025-12-31")
    one, other = (make_ageing_panel(s, by="segment").table for s in (here, there))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("item_states", item_states()),
        ("ageing_due", ageing_cells("due")),
        ("ageing_segment", ageing_cells("issue", 'se"g')),
        ("ageing_department", ageing_cells("due", "department")),
        ("known_spells", known(10, "SELECT item FROM spells", {"spells": "s1"})),
        ("known_calendar", known(10, "SELECT day FROM dates", {}, {"dates": "SELECT * FROM given_dates"})),
    ],
)
def test_spark_text_is_as_reviewed(name, statement):
    assert translate(statement, "spark") + "\n" == (GOLDEN / f"{name}.spark.sql").read_text(encoding="utf-8")


def test_adversarial_panel_is_right_by_hand():
    snapshot = ledger_of(**adversarial()).as_of("2025-01-31")
    panel = make_ageing_panel(snapshot).table.set_index("month_end")
    assert panel.loc["2024-02-29"].to_dict() == {
        "not due": 1.0, "1-30": 0, "31-60": 0, "61-90": 0, "over 90": 0, "no due date": 0.01, "credits": 0,
        "unapplied cash": -100.0,
    }  # fmt: skip
    assert panel.loc["2024-05-31", ["over 90", "credits", "unapplied cash"]].tolist() == [1.0, -50, -30]
    assert panel.loc["2024-06-30", "unapplied cash"] == -30
    assert panel.loc["2024-07-31", "unapplied cash"] == -35
    assert panel.loc["2025-01-31"].sum() == pytest.approx(snapshot.open_balance)


@pytest.mark.parametrize("hold", [False, True])
def test_a_name_may_be_given_anew_to_tables_small_and_large_and_to_files(tmp_path, hold):
    engine = DuckDBEngine(threads=1, hold=hold)
    small, large = (pa.table({"n": range(size)}) for size in (3, engine_module.MANY_ROWS + 3))
    engine.write("SELECT 7 AS n", tmp_path / "it's.parquet")
    whole = len(large) * (len(large) - 1) // 2
    for source, total in ((small, 3), (large, whole), (tmp_path / "it's.parquet", 7)):
        for again in (source, small, source):
            engine.register("given", again)
        found = engine.fetch("SELECT CAST(SUM(n) AS BIGINT) AS n FROM given")
        assert found["n"].tolist() == [total]
    engine.close()


def test_engines_by_name(tmp_path):
    engine = open_engine("duckdb")
    engine.write("SELECT 1 AS one", tmp_path / "it's.parquet")
    assert pd.read_parquet(tmp_path / "it's.parquet")["one"].tolist() == [1]
    assert open_engine(engine) is engine
    engine.close()
    limited = DuckDBEngine(memory_limit="1GB", threads=1)
    assert limited.fetch("SELECT CAST(NULL AS BIGINT) AS n, 2 AS m").iloc[0].tolist() == [pd.NA, 2]
    limited.close()
    with pytest.raises(LedgerError, match="unknown engine 'sqlite'; allowed: duckdb, spark"):
        open_engine("sqlite")
