"""Cards in SQL: the same log-odds, points and grades as in Python, whatever texts and values hold."""

from __future__ import annotations

import shutil

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.ledger.engine import SparkEngine, translate
from arrisk.models.scoring.bins import Bins
from arrisk.models.scoring.card import Card
from arrisk.models.scoring.terms import BinnedTerm, LinearTerm
from tests.models.scoring.cards import cards, frames_of

ROW = "number of the row"


def run(card, frame, table="fea'tures; --"):
    """Score a frame in the engine, NaN kept apart from NULL."""
    data = {ROW: pa.array(range(len(frame)))}
    for name in frame.columns:
        column = frame[name]
        is_text = not pd.api.types.is_numeric_dtype(column)
        data[name] = pa.array(column.to_list() if is_text else column.to_numpy(), from_pandas=is_text)
    with duckdb.connect() as engine:
        engine.register(table, pa.table(data))
        return engine.sql(card.to_sql(table, keep=[ROW])).df().sort_values(ROW, ignore_index=True)


@given(st.data())
def test_sql_scores_as_python_does(data):
    card = data.draw(cards())
    frame = data.draw(frames_of(card))
    here, there = card.score(frame).reset_index(drop=True), run(card, frame)
    np.testing.assert_array_equal(there["log_odds"], card.log_odds(frame))
    assert there["points"].tolist() == here["points"].tolist()
    np.testing.assert_allclose(there["pd"], here["pd"], rtol=1e-12)
    if card.horizon_days is not None:
        assert there["grade"].tolist() == here["grade"].tolist()


@given(st.data())
def test_the_statement_says_the_same_after_a_translation_and_back(data):
    """Spark's dialect escapes otherwise; read back, names and texts are those written."""
    card = data.draw(cards())
    spark = translate(card.to_sql("t"), "spark")
    back = sqlglot.transpile(spark, read="spark", write="duckdb")[0]
    assert _constants(back) == _constants(card.to_sql("t"))


def _constants(sql):
    tree = sqlglot.parse_one(sql, read="duckdb")
    literals = list(tree.find_all(sqlglot.exp.Literal))
    # FLOOR comes back with a number of decimals, 0, of its own.
    numbers = {n.this for n in literals if not n.is_string} - {"0"}
    texts = sorted(n.this for n in literals if n.is_string)
    return texts, numbers, {n.this for n in tree.find_all(sqlglot.exp.Identifier)}


@pytest.fixture
def card():
    segment = Bins(
        "seg'ment", "text", (), (("O'Brien", "back\\slash"), ('"); DROP TABLE book; --',)), ("n/a",),
        (3, 4, 1, 0, 1), (9, 8, 1, 0, 2), (0.3, -0.7, 0.2, -0.1, -0.25), 0.3, "by category", 0.5,
    )  # fmt: skip
    days = Bins(
        'late "days"', "number", (0.1, 30.0), (), (-999.0,), (1, 2, 3, 4, 5), (9, 8, 7, 6, 5),
        (0.5, 0.1, -0.4, 0.2, -0.3), 0.3, "decreasing", 0.5,
    )  # fmt: skip
    terms = (BinnedTerm(segment, -0.9), BinnedTerm(days, -1.1), LinearTerm("use", 0, 2, 0.4, 0.3, 0.6))
    return Card(terms, -3.3, np.eye(4), horizon_days=180)


def test_missing_special_and_unseen_values_are_the_same_in_both(card):
    segments = ["O'Brien", '"); DROP TABLE book; --', "n/a", None, "never seen", "", "o'brien"]
    days = [0.1, np.nextafter(0.1, 0), -999.0, np.nan, np.inf, -np.inf, 30.0]
    use = [np.nan, -1.0, 2.0, 0.1, np.inf, 5.0, 0.7]
    frame = pd.DataFrame({"seg'ment": segments, 'late "days"': days, "use": use})
    there = run(card, frame)
    np.testing.assert_array_equal(there["log_odds"], card.log_odds(frame))
    assert there["grade"].tolist() == card.score(frame)["grade"].tolist()


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:::pyspark", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_spark_scores_as_python_does(card):
    pytest.importorskip("pyspark", reason="the extra [spark] is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    segments = ["O'Brien", '"); DROP TABLE book; --', "n/a", None, "never seen", "", "back\\slash"]
    days = [0.1, np.nextafter(0.1, 0), -999.0, None, np.inf, -np.inf, 30.0]
    use = [None, -1.0, 2.0, 0.1, np.inf, 5.0, 0.7]
    table = pa.table({ROW: range(7), "seg'ment": segments, 'late "days"': days, "use": use})
    engine = SparkEngine()
    try:
        engine.register("features", table)
        there = engine.fetch(card.to_sql("features", keep=[ROW])).sort_values(ROW, ignore_index=True)
    finally:
        engine.close()
    frame = table.to_pandas()
    np.testing.assert_array_equal(there["log_odds"], card.log_odds(frame))
    assert there["points"].tolist() == card.score(frame)["points"].tolist()
    assert there["grade"].tolist() == card.score(frame)["grade"].tolist()


def test_missing_numbers_may_be_null_and_numbers_may_be_whole(card):
    frame = pd.DataFrame(
        {"seg'ment": ["n/a"] * 3, 'late "days"': [1.0, None, -999.0], "use": [1.0, None, 0.0]}
    )
    numbers = {c: pa.array(frame[c].astype("Int64")) for c in ('late "days"', "use")}
    table = pa.table({"seg'ment": pa.array(frame["seg'ment"]), **numbers})
    with duckdb.connect() as engine:
        engine.register("t", table)
        there = engine.sql(card.to_sql("t")).df()
    np.testing.assert_array_equal(there["log_odds"], card.log_odds(frame))
    assert list(there.columns)[:3] == list(card.names)


def test_a_table_in_a_schema_is_quoted_part_by_part(card):
    assert 'FROM "lake"."a.b"' in card.to_sql(("lake", "a.b"))


def test_extreme_log_odds_do_not_overflow():
    far = Card((LinearTerm("x", -1e4, 1e4, 1, 0, 1.0),), 0.0, np.zeros((2, 2)), horizon_days=365)
    frame = pd.DataFrame({"x": [-1e4, 1e4, 0.0]})
    assert run(far, frame)["pd"].tolist() == far.score(frame)["pd"].tolist() == [0.0, 1.0, 0.5]


def test_a_name_that_no_engine_takes_is_refused():
    card = Card((LinearTerm("a\x00b", 0, 1, 1, 0, 1.0),), 0.0, np.zeros((2, 2)))
    with pytest.raises(LedgerError, match="NUL"):
        card.to_sql("t")
