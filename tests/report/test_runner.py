"""Notebooks executed on a study, and what is left when one fails."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest

import arrisk.report.runner as runner
from arrisk.errors import RunError, StudyError
from arrisk.policy.study import study_template
from arrisk.report.runner import RunResult, find_notebooks, run_study, select_notebooks
from tests.report.stage import FORMULA, SCRIPT, write_notebook
from tests.report.test_memo import assert_offline

pytestmark = pytest.mark.slow  # every test here starts notebook kernels

SHOW = """
import sys, warnings
import pandas as pd
from arrisk.display import Table
from arrisk.policy.study import open_study
study = open_study()
print(study.name, study.snapshot().open_balance)
Table("balances", "Who owes", study.snapshot().open_items[["customer_id", "open_amount"]])
"""
WARN = """
try:
    warnings.warn("take care")
except UserWarning:
    print("warnings are errors")
"""
DRAW = """
import matplotlib.pyplot as plt
from arrisk.report.style import use_style
use_style()
fig, ax = plt.subplots(figsize=(2, 1))
ax.plot([1, 2])
ax.set_title("\\u5ba2\\u6237");
"""
RECOMMEND = """
import pandas as pd
from arrisk.policy.recommendation import Recommendation
Recommendation(decision="Insure?", verdict="the data cannot say", answer="No loss.", scope="all",
               as_of=pd.Timestamp("2025-12-31"), experiment="Ask.")
"""


def write_study(folder: Path) -> Path:
    (folder / "books").mkdir()
    (folder / "books" / "invoices.csv").write_text(
        "invoice_id,customer_id,issue_date,due_date,amount\n"
        f"1,{SCRIPT},2025-01-10,2025-02-09,100.00\n"
        f"2,{FORMULA},2025-03-10,2025-04-09,250.50\n"
        "3,north,2025-03-12,2025-04-11,none at all\n"
    )
    study = folder / "study.toml"
    study.write_text(study_template("books", "arrisk", "2025-12-31", "EUR"))
    return study


def written(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stage")
    write_study(folder)
    books = folder / "notebooks"
    write_notebook(books, "01_show", SHOW, WARN, DRAW, tags={0: ["memo"], 1: ["memo"], 2: ["memo"]})
    write_notebook(books, "02_recommend", RECOMMEND)
    (books / "scratch.ipynb").write_text("not ours")
    return folder


@pytest.fixture(scope="module")
def ran(stage: Path) -> RunResult:
    return run_study(
        stage / "study.toml", stage / "out", notebooks=stage / "notebooks", progress=False, jobs=2
    )


def test_a_run_writes_every_part(ran: RunResult) -> None:
    assert ran.notebooks == ("01_show", "02_recommend")
    assert sorted(written(ran.out)) == [
        "memo.html", "notebooks/01_show.html", "notebooks/02_recommend.html", "recommendations.json",
        "run.json", "workbook.xlsx",
    ]  # fmt: skip
    assert [r.decision for r in ran.recommendations] == ["Insure?"]
    data = json.loads((ran.out / "recommendations.json").read_text(encoding="utf-8"))
    assert data["complete"] is True
    assert data["recommendations"][0]["notebook"] == "02_recommend"
    assert {n["name"] for n in json.loads((ran.out / "run.json").read_text())["notebooks"]} == set(
        ran.notebooks
    )


def test_the_kernel_saw_the_study_and_treats_warnings_as_errors(ran: RunResult) -> None:
    memo = ran.memo.read_text(encoding="utf-8")
    assert "books 350.5" in memo
    assert "warnings are errors" in memo
    assert "data:image/png;base64," in memo


def test_hostile_names_are_harmless_in_every_part(ran: RunResult) -> None:
    for page in (ran.memo, *(ran.out / "notebooks").iterdir()):
        assert_offline(page.read_text(encoding="utf-8"))
    book = openpyxl.load_workbook(ran.out / "workbook.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert f"'{FORMULA}" in {cell.value for cell in cells}


def test_the_quarantine_reaches_memo_and_workbook(ran: RunResult) -> None:
    memo = ran.memo.read_text(encoding="utf-8")
    assert "Rows set apart and why" in memo
    book = openpyxl.load_workbook(ran.out / "workbook.xlsx")
    assert "none at all" in str([cell.value for row in book["quarantined_rows"].iter_rows() for cell in row])


def test_working_papers_show_no_code(ran: RunResult) -> None:
    text = (ran.out / "notebooks" / "01_show.html").read_text(encoding="utf-8")
    assert "import pandas" not in text
    assert "Who owes" in text


def test_the_notebooks_of_the_checkout_stay_as_they_were(stage: Path, ran: RunResult) -> None:
    book = json.loads((stage / "notebooks" / "01_show.ipynb").read_text())
    assert all(cell.get("outputs", []) == [] for cell in book["cells"])


def test_the_same_input_gives_the_same_bytes(stage: Path, ran: RunResult) -> None:
    again = run_study(stage / "study.toml", stage / "again", notebooks=stage / "notebooks", progress=False)
    first, second = written(ran.out), written(again.out)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] in ([], ["run.json"])


def test_a_failing_notebook_names_itself_and_leaves_the_previous_report(
    stage: Path, ran: RunResult, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_notebook(tmp_path / "bad", "07_bad", "x = 1", "raise ValueError('no such thing')", "print('never')")
    before = written(ran.out)
    with pytest.raises(RunError, match=r"^notebook 07_bad, code cell 2: ValueError: no such thing$"):
        run_study(stage / "study.toml", ran.out, notebooks=tmp_path / "bad", progress=False)
    assert written(ran.out) == before
    assert capfd.readouterr() == ("", "")


def test_a_kernel_that_dies_is_one_clear_error(stage: Path, tmp_path: Path) -> None:
    write_notebook(tmp_path / "bad", "08_dies", "import os", "os._exit(3)")
    with pytest.raises(RunError, match=r"^notebook 08_dies, code cell \d: the kernel stopped"):
        run_study(stage / "study.toml", tmp_path / "out", notebooks=tmp_path / "bad", progress=False)
    assert not (tmp_path / "out").exists()


def test_an_error_while_writing_leaves_the_previous_report(
    stage: Path, ran: RunResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bytes:
        raise MemoryError

    before = written(ran.out)
    monkeypatch.setattr(runner, "make_workbook", fails)
    monkeypatch.setattr(runner, "_execute_all", lambda *_: [])
    with pytest.raises(MemoryError):
        run_study(stage / "study.toml", ran.out, notebooks=stage / "notebooks")
    assert written(ran.out) == before


def test_a_part_goes_beside_the_whole(stage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_study(stage / "study.toml", only="recommend", notebooks=stage / "notebooks", progress=True)
    assert result.out == tmp_path / "reports" / "books-recommend"
    assert result.notebooks == ("02_recommend",)
    assert "part of the study only" in result.memo.read_text(encoding="utf-8")


def test_notebooks_are_picked_by_name_or_number() -> None:
    paths = [Path("00_start_here.ipynb"), Path("06_cash_discount.ipynb")]
    for name in ("06_cash_discount", "cash_discount", "06", "06_cash_discount.ipynb"):
        assert select_notebooks(paths, [name]) == (paths[1],)
    assert select_notebooks(paths, []) == tuple(paths)
    with pytest.raises(RunError, match=r"no notebook 'ageing'; there are 00_start_here, 06_cash_discount"):
        select_notebooks(paths, ["ageing"])


def test_missing_things_are_named_before_anything_runs(stage: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no folder of notebooks"):
        find_notebooks(tmp_path / "none")
    with pytest.raises(RunError, match=r"no notebook named like 01_name\.ipynb"):
        find_notebooks(tmp_path)
    with pytest.raises(StudyError, match="no study file"):
        run_study(tmp_path / "none.toml", tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("x")
    with pytest.raises(RunError, match="choose another folder"):
        run_study(stage / "study.toml", tmp_path / "full", notebooks=stage / "notebooks")


def test_a_file_that_is_no_notebook_is_named(stage: Path, tmp_path: Path) -> None:
    (tmp_path / "01_broken.ipynb").write_text("{")
    with pytest.raises(RunError, match=r"01_broken\.ipynb: not a notebook"):
        run_study(stage / "study.toml", tmp_path / "out", notebooks=tmp_path, progress=False)
