from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.ledger.quoting import sql_name, sql_number, sql_table, sql_text

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1)


@given(texts, texts, st.floats(allow_nan=False))
def test_what_goes_into_a_statement_comes_out_as_it_was(name, text, number):
    with duckdb.connect() as engine:
        engine.execute(f"CREATE TABLE {sql_table(name)} AS SELECT {sql_text(text)} AS {sql_name(name)}")
        found = engine.sql(f"SELECT {sql_name(name)}, {sql_number(number)} FROM {sql_table(name)}")
        assert found.columns[0] == name
        assert found.fetchall() == [(text, number)]


def test_what_no_engine_takes_is_refused():
    for quote in (sql_name, sql_text, sql_table):
        with pytest.raises(LedgerError, match="NUL"):
            quote("a\x00b")
    with pytest.raises(LedgerError, match="not a number"):
        sql_number(float("nan"))
