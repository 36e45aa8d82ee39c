"""A ledger kept in a folder answers as it did before; kept in parts, as it would as a whole."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import Phase, given, settings

from arrisk.errors import LedgerError
from arrisk.ledger.engine import DuckDBEngine, SparkEngine
from arrisk.ledger.stored import open_ledger, store_ledgers
from arrisk.portfolio.ageing import make_ageing
from arrisk.portfolio.ageing_panel import make_ageing_panel
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, foreign_ledgers, ledgers
from tests.ledger.test_engine import adversarial

FRAMES = ("items", "open_items", "events", "unapplied", "customers", "orders", "limits", "signals")
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]


def same_state(one, other, by=None):
    assert one.open_minor == other.open_minor
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    pd.testing.assert_frame_equal(make_ageing(one, by=by).table, make_ageing(other, by=by).table)
    panels = (make_ageing_panel(s, by=by).table for s in (one, other))
    pd.testing.assert_frame_equal(*panels)


def in_parts(rows, folder):
    """The same rows, a ledger for each customer."""
    owners = {row["invoice_id"]: row["customer_id"] for row in rows["invoices"]}

    def mine(row, name):
        return owners.get(row["invoice_id"], row["customer_id"]) == name

    names = sorted(set(owners.values()))
    parts = [{table: [r for r in part if mine(r, n)] for table, part in rows.items()} for n in names]
    return store_ledgers((ledger_of(**part) for part in parts), folder)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(ledgers() | foreign_ledgers(), as_of_dates)
def test_a_stored_ledger_answers_as_before(rows, date):
    ledger = ledger_of(**rows)
    with tempfile.TemporaryDirectory() as folder:
        kept = open_ledger(ledger.store(folder))
        same_state(ledger.as_of(date), kept.as_of(date))
        assert repr(kept) == repr(ledger)
        pd.testing.assert_frame_equal(kept.spells, ledger.spells)
        keys = ["day", "item", "customer", "kind", "event", "amount"]
        moves = (one.movements.sort_values(keys, ignore_index=True) for one in (kept, ledger))
        pd.testing.assert_frame_equal(*moves)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, phases=NO_SHRINKING)
@given(ledgers(), as_of_dates)
def test_parts_make_the_whole(rows, date):
    owners = {row["invoice_id"]: row["customer_id"] for row in rows["invoices"]}
    named = [(r, owners.get(r["invoice_id"], r["customer_id"])) for r in rows["events"]]
    rows["events"] = [r | {"customer_id": owner} for r, owner in named if owner in owners.values()]
    whole = ledger_of(**rows)
    with tempfile.TemporaryDirectory() as folder:
        kept = open_ledger(in_parts(rows, folder))
        one, other = whole.as_of(date), kept.as_of(date)
        same_state(one, other)
        assert (kept.size.items, kept.size.first_day) == (whole.size.items, whole.size.first_day)
        assert kept.spells["item"].is_unique == whole.spells["item"].is_unique


@pytest.mark.slow
def test_the_sample_and_its_side_tables(sample_study, tmp_path):
    ledger = sample_study.ledger()
    kept = open_ledger(ledger.store(tmp_path / "it's"), DuckDBEngine(memory_limit="1GB", threads=1))
    same_state(ledger.as_of("2025-06-15"), kept.as_of("2025-06-15"), by="segment")
    pd.testing.assert_frame_equal(ledger.quarantine, kept.quarantine)
    pd.testing.assert_frame_equal(ledger.checks.table, kept.checks.table)
    pd.testing.assert_frame_equal(ledger.checks.reasons, kept.checks.reasons)
    assert ledger.checks.notes == kept.checks.notes
    kept.tie_out("2025-06-15", str(ledger.as_of("2025-06-15").open_minor / 100))


def test_balances_are_told_without_loading_tables(tmp_path):
    kept = open_ledger(ledger_of(**adversarial()).store(tmp_path / "book"))
    snapshot = kept.as_of("2025-01-31")
    make_ageing_panel(snapshot, by="segment")
    assert snapshot.open_balance
    assert set(kept.tables._loaded) == {"checks", "quarantine", "customers"}


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore:::pyspark", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_spark_reads_the_files(java, tmp_path):
    here = ledger_of(**adversarial())
    engine = SparkEngine()
    try:
        there = open_ledger(here.store(tmp_path / "book"), engine)
        same_state(here.as_of("2025-01-31"), there.as_of("2025-01-31"), by="department")
    finally:
        engine.close()


def test_storing_again_replaces_and_failing_leaves_nothing(tmp_path):
    small, other = ledger_of([invoice("1", "2025-01-01", 100)]), ledger_of([invoice("1", "2025-01-01", 7)])
    folder = small.store(tmp_path / "deep" / "book")
    assert open_ledger(other.store(folder)).as_of("2025-01-31").open_balance == 7
    foreign = ledger_of([invoice("1", "2025-01-01", 1)], currency="USD")
    with pytest.raises(LedgerError, match="ledgers in EUR and USD cannot be stored as one"):
        store_ledgers([small, foreign], folder)
    assert open_ledger(folder).as_of("2025-01-31").open_balance == 7
    assert [p.name for p in folder.parent.iterdir()] == ["book"]
    with pytest.raises(LedgerError, match="there is no ledger to store"):
        store_ledgers([], folder)


def test_folders_of_others_and_of_other_versions_are_left_alone(tmp_path):
    ledger = ledger_of([invoice("1", "2025-01-01", 100)], [event("1", "2025-01-02", 5)])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(LedgerError, match="holds something else"):
        ledger.store(tmp_path / "mine")
    with pytest.raises(LedgerError, match=r"no ledger is stored in .*ledger\.json is missing"):
        open_ledger(tmp_path / "mine")
    facts = Path(ledger.store(tmp_path / "book")) / "ledger.json"
    facts.write_text(json.dumps({"format": 99}))
    with pytest.raises(LedgerError, match="has format 99; this version reads 2"):
        open_ledger(tmp_path / "book")
