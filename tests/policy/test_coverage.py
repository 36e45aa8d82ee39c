"""The intervals of ownership and of DSO hold the truth about as often as they say."""

from __future__ import annotations

import importlib.util

import pytest


@pytest.mark.slow
def test_intervals_cover_on_books_of_known_truth(root):
    spec = importlib.util.spec_from_file_location("coverage", root / "benchmarks" / "coverage_intervals.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    table = script.measure(trials=150, seed=5)
    assert len(table) == 3 * 3 * 3 + 2 * 3 * 4 * 3
    by_kind = table.groupby("what")["coverage"].agg(["min", "mean"])
    assert set(by_kind.index) == {"still open", *script.KINDS}
    assert (by_kind["mean"] > 0.925).all()
    assert (by_kind["min"] > 0.84).all()
    assert (by_kind["mean"] < 0.985).all()
    width = table[table["what"] == "change of DSO"].groupby("customers")["width"].mean()
    assert width[200] < width[50] < width[10]
