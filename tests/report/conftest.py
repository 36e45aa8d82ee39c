"""A small study on disk, and a report made of staged notebooks without a kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arrisk.display import Table
from arrisk.policy.study import Study, open_study, study_template
from arrisk.report.contents import Report, make_report
from arrisk.report.harvest import harvest_notebook
from tests.report.stage import FORMULA, SCRIPT, full_notebooks, quality


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    books = tmp_path / "books"
    books.mkdir()
    (books / "invoices.csv").write_text(
        "invoice_id,customer_id,issue_date,due_date,amount\n"
        f"1,{SCRIPT},2025-01-10,2025-02-09,100.00\n"
        f"2,{FORMULA},2025-03-10,2025-04-09,250.50\n"
        "3,north,2025-03-12,2025-04-11,none at all\n"
    )
    (books / "events.csv").write_text("invoice_id,date,kind,amount\n1,2025-02-20,payment,60.00\n")
    study = tmp_path / "study.toml"
    study.write_text(study_template("books", "arrisk", "2025-12-31", "EUR"))
    return study


@pytest.fixture
def study(study_file: Path) -> Study:
    return open_study(study_file)


@pytest.fixture
def build_report(study: Study) -> Callable[..., Report]:
    def build(*notebooks: Any, quality: tuple[Table, ...] = (), complete: bool = True) -> Report:
        harvests = [harvest_notebook(f"{n:02d}_notebook", book) for n, book in enumerate(notebooks)]
        return make_report(study, harvests, quality, complete)

    return build


@pytest.fixture
def full_report(build_report: Callable[..., Report]) -> Report:
    return build_report(*full_notebooks(), quality=quality())
