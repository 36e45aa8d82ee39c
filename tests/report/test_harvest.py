"""What is collected from executed notebooks."""

from __future__ import annotations

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from arrisk.display import Table
from arrisk.errors import RunError
from arrisk.policy.recommendation import RECOMMENDATION_MIME
from arrisk.report.harvest import harvest_notebook, memo_table, unique_recommendations, unique_tables
from tests.report.stage import SCRIPT, cannot_say, make_notebook, make_recommendation, picture, shown


def small(name: str, *values: float) -> Table:
    return Table(name, "Title", pd.DataFrame({"x": list(values)}), "Note.", {"x": "money"})


def test_tables_and_recommendations_come_back_equal() -> None:
    table = Table("t", "T", pd.DataFrame({"name": ["a", None], "x": [1.5, None]}), "n", {"x": "percent"})
    harvest = harvest_notebook(
        "01_a", make_notebook("A *plain* question?", shown(table, make_recommendation()))
    )
    assert harvest.title == "A plain question?"
    assert harvest.recommendations == (make_recommendation(),)
    (back,) = harvest.tables
    assert (back.name, back.title, back.note, back.formats) == ("t", "T", "n", {"x": "percent"})
    assert back._repr_mimebundle_() == table._repr_mimebundle_()


def test_only_tagged_cells_reach_the_memo() -> None:
    book = make_notebook("Q", shown(small("a", 1.0), memo=True), shown(small("b", 2.0)))
    harvest = harvest_notebook("01_a", book)
    assert [t.name for t in harvest.tables] == ["a", "b"]
    assert len(harvest.blocks) == 1


def test_blocks_are_safe_and_inside_the_page() -> None:
    svg = f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>"
    cell = new_code_cell("", metadata={"tags": ["memo"]})
    cell.outputs = [
        new_output("stream", name="stdout", text=SCRIPT),
        new_output("stream", name="stderr", text="a warning"),
        new_output("display_data", data={"image/svg+xml": svg}),
        new_output("display_data", data={"image/png": picture()}),
        new_output("display_data", data={"text/html": f"<p onclick='x'>hello{SCRIPT}</p>"}),
        new_output("execute_result", data={"text/plain": SCRIPT}, execution_count=1),
    ]
    prose = new_markdown_cell(
        f"# Title\nSome **text** {SCRIPT} [link](http://x.org)", metadata={"tags": ["memo"]}
    )
    harvest = harvest_notebook("01_a", make_notebook("Q", prose, cell))
    page = "".join(harvest.blocks)
    assert "<script" not in page
    assert "onclick" not in page
    assert "http:" not in page
    assert "a warning" not in page
    assert "<strong>text</strong>" in page
    assert "Title" not in harvest.blocks[0]
    assert page.count('src="data:image/') == 2
    assert page.count("&lt;script&gt;") >= 2


def test_a_recommendation_shown_twice_counts_once_for_the_first_notebook() -> None:
    first = harvest_notebook("01_a", make_notebook("A", shown(make_recommendation())))
    last = harvest_notebook("02_b", make_notebook("B", shown(make_recommendation(), cannot_say())))
    found = unique_recommendations([first, last])
    assert found == {"01_a": (make_recommendation(),), "02_b": (cannot_say(),)}


def test_tables_of_one_name_get_different_sheet_names_without_regard_to_case() -> None:
    long = "x" * 31
    tables = [small("A", 1.0), small("a", 2.0), small("A", 1.0), small(long, 1.0), small(long, 2.0)]
    names = [t.name for t in unique_tables(tables)]
    assert names == ["A", "a_2", long, "x" * 29 + "_2"]


def test_a_long_table_is_cut_in_the_memo_and_says_where_the_rest_is() -> None:
    table = small("long_one", *map(float, range(1000)))
    page = memo_table(table)
    assert "First 30 of 1,000 rows; all are in the workbook, sheet long_one. Note." in page
    assert page.count("<tr>") == 31


def test_an_unreadable_output_names_the_notebook() -> None:
    cell = new_code_cell("")
    cell.outputs = [new_output("display_data", data={RECOMMENDATION_MIME: {"verdict": "adopt"}})]
    with pytest.raises(RunError, match="03_x: an output cannot be read back"):
        harvest_notebook("03_x", make_notebook("Q", cell))
