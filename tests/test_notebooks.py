"""The committed notebooks as documents: executed, quiet, without logic, ending in a recommendation."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from arrisk.policy.recommendation import RECOMMENDATION_MIME

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda p: p.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def test_notebooks_are_numbered_in_the_order_of_the_story():
    numbers = [int(p.stem[:2]) for p in NOTEBOOKS]
    assert numbers == sorted(set(numbers))
    assert (NOTEBOOKS[0].stem, NOTEBOOKS[-1].stem) == ("00_start_here", "19_policy_memo")


def test_executed_from_first_to_last(notebook):
    assert [c.execution_count for c in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))


def test_quiet_and_without_logic(notebook):
    for cell in code_cells(notebook):
        assert not re.search(r"^\s*(def|class|for|if|while|try|with) ", cell.source, re.MULTILINE), (
            cell.source
        )
        assert not any(o.output_type == "error" or o.get("name") == "stderr" for o in cell.outputs)


def test_asks_a_question_and_ends_in_a_recommendation(notebook):
    assert notebook.cells[0].source.splitlines()[0].startswith("# ")
    assert notebook.cells[0].source.splitlines()[0].endswith("?")
    last = code_cells(notebook)[-1]
    assert any(RECOMMENDATION_MIME in o.get("data", {}) for o in last.outputs)


def test_shows_something_in_the_memo(notebook):
    tagged = [c for c in code_cells(notebook) if "memo" in c.metadata.get("tags", ())]
    assert tagged or "policy be now" in notebook.cells[0].source


def test_nothing_of_a_machine_is_left_in_it(notebook):
    text = nbformat.writes(notebook)
    assert not re.search(r"/(home|root|Users|tmp|usr)/", text)
    assert [c.id for c in notebook.cells] == [f"cell-{n:02d}" for n in range(1, len(notebook.cells) + 1)]


def test_text_of_every_table_and_verdict_is_short_enough_to_read(notebook):
    words = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "markdown")
    assert 150 <= words <= 900
