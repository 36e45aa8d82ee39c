"""A study for files never seen before."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from arrisk.errors import LedgerError, StudyError
from arrisk.policy.study import open_study
from arrisk.report.new_study import start_study

OURS = "invoice_id,customer_id,issue_date,due_date,amount,currency\n1,a,2025-01-10,2025-02-09,100.00,EUR\n"
CHINESE = (
    "发票号,客户编号,开票日期,到期日,含税金额\n"
    "1,甲,2025-01-10,2025-02-09,100.00\n2,甲,2025-03-10,2025-04-09,50.00\n"
)
GERMAN = (
    "Rechnungsnr;Kunde;Rechnungsdatum;Fällig;Betrag\n"
    "R1;K1;03.04.2025;04.05.2025;1.234,50\nR2;K2;05.04.2025;05.05.2025;99,00\n"
)


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "invoices.csv").write_text(OURS)
    (folder / "events.csv").write_text("invoice_id,date,kind,amount\n1,2025-02-20,payment,60.00\n")
    return folder


def test_our_own_names_need_no_map_and_the_study_reads(books: Path, tmp_path: Path) -> None:
    started = start_study([books], tmp_path / "study.toml", currency="EUR")
    assert started.columns == "arrisk"
    assert started.unsure == ("as_of: the last day in the files, 2025-02-20; say another in the study",)
    study = open_study(started.study)
    assert study.snapshot().open_balance == 40.0
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["study.toml"]


def test_several_files_from_another_folder(
    books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    files = ["../books/invoices.csv", "../books/events.csv"]
    start_study(files, "my.toml", as_of=dt.date(2025, 3, 1), currency="EUR")
    study = open_study("my.toml")
    assert study.sources == (str(books / "invoices.csv"), str(books / "events.csv"))
    assert f"{study.as_of:%Y-%m-%d}" == "2025-03-01"
    assert study.snapshot().open_balance == 40.0


def test_what_is_ambiguous_is_asked_and_the_answer_in_the_map_counts(tmp_path: Path) -> None:
    (tmp_path / "rechnungen.csv").write_text(GERMAN, encoding="utf-8")
    with pytest.raises(StudyError, match=r"^nothing was written: give --as-of and --currency.*day_first"):
        start_study([tmp_path / "rechnungen.csv"], tmp_path / "r.toml")
    assert [p.name for p in tmp_path.iterdir()] == ["rechnungen.csv"]

    started = start_study([tmp_path / "rechnungen.csv"], tmp_path / "r.toml", dt.date(2025, 6, 1), "EUR")
    assert started.columns == tmp_path / "r.columns.toml"
    assert any(u.startswith("day_first:") and "Rechnungsdatum" in u for u in started.unsure)
    with pytest.raises(LedgerError, match="day_first"):
        open_study(started.study).ledger()
    text = started.columns.read_text(encoding="utf-8")
    started.columns.write_text(text.replace("# day_first = ?", "day_first = true"), encoding="utf-8")
    assert open_study(started.study).snapshot().open_balance == 1333.5


def test_chinese_headers(tmp_path: Path) -> None:
    (tmp_path / "应收.csv").write_text(CHINESE, encoding="gbk")
    started = start_study([tmp_path / "应收.csv"], tmp_path / "study.toml", dt.date(2025, 6, 1), "CNY")
    assert open_study(started.study).snapshot().open_balance == 150.0


def test_nothing_is_overwritten_unasked(books: Path, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("mine")
    with pytest.raises(StudyError, match="--force overwrites"):
        start_study([books], tmp_path / "study.toml", currency="EUR")
    assert (tmp_path / "study.toml").read_text() == "mine"
    start_study([books], tmp_path / "study.toml", currency="EUR", force=True)
    assert open_study(tmp_path / "study.toml").currency == "EUR"
