"""The command line: what it prints, its exit codes, its one line when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from arrisk.cli import main, one_line
from arrisk.errors import ArriskError
from arrisk.policy.study import study_template
from tests.report.stage import write_notebook

INVOICES = (
    "invoice_id,customer_id,issue_date,due_date,amount\n"
    "1,north,2025-01-10,2025-02-09,100.00\n"
    "2,south,2025-03-10,2025-04-09,250.50\n"
    "3,south,2025-03-12,2025-04-11,none\x1b[2J at all\n"
)
EVENTS = "invoice_id,date,kind,amount\n1,2025-02-20,payment,60.00\n"
Study = Callable[..., Path]


@pytest.fixture
def write_study(tmp_path: Path) -> Study:
    def write(
        invoices: str | bytes = INVOICES, events: str = EVENTS, more: str = "", columns: str = "arrisk"
    ) -> Path:
        books = tmp_path / "books"
        books.mkdir(exist_ok=True)
        content = invoices.encode() if isinstance(invoices, str) else invoices
        (books / "invoices.csv").write_bytes(content)
        (books / "events.csv").write_text(events)
        path = tmp_path / "study.toml"
        path.write_text(study_template("books", columns, "2025-12-31", "EUR") + more)
        return path

    return write


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: object) -> str:
        assert main([str(a) for a in arguments]) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("arrisk: ")
        assert captured.err.endswith("\n")
        assert captured.err.count("\n") == 1
        assert "Traceback" not in captured.err
        return captured.err

    return run


def test_check_shows_rows_money_and_reasons(write_study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(write_study())]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert rows["invoices"][2:5] == ["3", "2", "1"]
    assert rows["events"][2:5] == ["1", "1", "0"]
    assert "rows in = rows kept + rows set apart: yes" in out
    assert "set apart: invoices: 1 " in out
    assert "invoices.csv:4" in out or "invoices:4" in out
    assert "open on 2025-12-31: EUR 290.50" in out
    assert "no control total is given" in out


def test_check_compares_control_totals(write_study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    template = write_study().read_text()
    total = "[ledger]\n", "[ledger]\ncontrol = [{date = 2025-12-31, balance = %s}]\n"
    study = write_study()
    study.write_text(template.replace(total[0], total[1] % "290.50"))
    assert main(["check", str(study)]) == 0
    assert "control on 2025-12-31: 290.50, ledger 290.50: ties" in capsys.readouterr().out
    study.write_text(template.replace(total[0], total[1] % "300.00"))
    assert main(["check", str(study)]) == 2
    captured = capsys.readouterr()
    assert "set apart: invoices" in captured.out
    assert "DOES NOT TIE, difference -9.50" in captured.out
    assert captured.err == "arrisk: 1 of 1 control totals do not tie\n"


@pytest.mark.parametrize(
    ("invoices", "told"),
    [
        ("", "empty"),
        (bytes(range(256)) * 20, "binary"),
        ("a,b\n1,2\n", "invoice_id"),
        (
            "invoice_id,customer_id,issue_date,amount\n1,n,someday,much\n",
            "every row of invoices was rejected",
        ),
        ("invoice_id,customer_id,issue_date,amount\n", "no invoices found"),
    ],
    ids=["empty", "binary", "wrong columns", "all rows bad", "no rows"],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_bad_files_give_one_clear_line(
    write_study: Study,
    fails: Callable[..., str],
    tmp_path: Path,
    command: str,
    invoices: str | bytes,
    told: str,
) -> None:
    write_notebook(tmp_path / "notebooks", "01_any", "1")
    more = ["--out", tmp_path / "out", "--notebooks", tmp_path / "notebooks"] if command == "run" else []
    assert told in fails(command, write_study(invoices), *more)
    assert not (tmp_path / "out").exists()


def test_bad_studies_give_one_clear_line(
    write_study: Study, fails: Callable[..., str], tmp_path: Path
) -> None:
    assert "no study file at" in fails("check", tmp_path / "none.toml")
    assert "no study file at" in fails("run", tmp_path / "none.toml")
    study = write_study(more="\n[assumptions.lgd]\nvalue = 2\n")
    assert "TOML" in fails("check", study)
    assert "no_such_map" in fails("check", write_study(columns="no_such_map"))
    study.write_bytes(b"\xff\xfe\x00")
    assert "not a UTF-8 text file" in fails("check", study)


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    for arguments in (["--debug", "check"], ["check", "--debug"]):
        with pytest.raises(ArriskError):
            main([*arguments, str(tmp_path / "none.toml")])


def test_an_unforeseen_error_is_one_line_too(
    write_study: Study, fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr("arrisk.policy.study.open_study", breaks)
    assert "ZeroDivisionError: division by zero (a fault of arrisk; --debug shows where)" in fails(
        "check", "x"
    )


@pytest.mark.slow
def test_run_prints_where_the_memo_is(
    write_study: Study, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write_notebook(tmp_path / "notebooks", "01_one", "print('one')")
    write_notebook(tmp_path / "notebooks", "02_two", "raise KeyError('two')")
    arguments = [
        "run",
        str(write_study()),
        "--out",
        str(tmp_path / "out"),
        "--notebooks",
        str(tmp_path / "notebooks"),
    ]
    assert main([*arguments, "--only", "one"]) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith(f"the memo is {tmp_path / 'out' / 'memo.html'}\n")
    assert captured.err == ""
    before = (tmp_path / "out" / "memo.html").read_bytes()
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err == "arrisk: notebook 02_two, code cell 1: KeyError: 'two'\n"
    assert (tmp_path / "out" / "memo.html").read_bytes() == before
    assert main([*arguments, "--only", "three"]) == 2
    assert "no notebook 'three'; there are 01_one, 02_two" in capsys.readouterr().err


def test_sample_writes_a_ledger_that_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(tmp_path / "s"), "--invoices", "600", "--seed", "7"]) == 0
    assert str(tmp_path / "s" / "study.toml") in capsys.readouterr().out
    assert main(["check", str(tmp_path / "s")]) == 0
    assert ": ties" in capsys.readouterr().out
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "invoices.csv").write_text("mine")
    assert main(["sample", str(tmp_path / "other"), "--invoices", "600"]) == 2
    assert (tmp_path / "other" / "invoices.csv").read_text() == "mine"


def test_init_proposes_a_study_that_checks(
    write_study: Study, fails: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books = write_study().parent / "books"
    out = tmp_path / "mine.toml"
    assert "give --currency" in fails("init", books, "--out", out)
    arguments = ["init", str(books), "--out", str(out), "--currency", "EUR"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "the shipped column map 'arrisk' fits" in printed
    assert "unsure: as_of: the last day in the files, 2025-03-10" in printed
    assert "unsure: 1 rows were set apart" in printed
    assert main(["check", str(out)]) == 0
    assert "--force" in fails(*arguments)
    assert "no file" in fails("init", tmp_path / "none.csv", "--out", tmp_path / "new.toml")


def test_evidence_is_written_signed_and_verified(
    write_study: Study, fails: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, pack = write_study(), tmp_path / "pack"
    assert main(["evidence", "write", str(study), "--out", str(pack)]) == 0
    assert "Provision on 2025-12-31: no rate, a bound only; evidence in " in capsys.readouterr().out
    sign = ["evidence", "sign", str(pack), "--by", "A. Meyer\x1b[2J", "--role", "controller"]
    assert main([*sign, "--date", "2026-01-15"]) == 0
    assert capsys.readouterr().out.startswith("signed by A. Meyer[2J on 2026-01-15: manifest ")
    assert main(["evidence", "verify", str(pack), "--study", str(study)]) == 0
    assert "files are as written" in capsys.readouterr().out
    assert "cannot be edited" in fails("evidence", "write", study, "--out", pack)
    (pack / "provision.csv").chmod(0o644)
    (pack / "provision.csv").write_text("changed")
    assert main(["evidence", "verify", str(pack)]) == 2
    shown = capsys.readouterr()
    assert shown.out == "provision.csv: changed\n"
    assert shown.err == "arrisk: the evidence does not verify: 1 problem\n"
    assert "no manifest.json" in fails("evidence", "verify", tmp_path)
    assert "among the files of the ledger" in fails(
        "evidence", "write", study, "--out", tmp_path / "books" / "e"
    )
    with pytest.raises(ArriskError):
        main(["evidence", "verify", str(tmp_path), "--debug"])


def test_a_template_of_an_offer_reads_back(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from arrisk.policy.offers.reading import read_offer

    assert main(["offers", "--template", "non-recourse-factoring"]) == 0
    path = tmp_path / "offer.toml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert read_offer(path).kind == "non-recourse factoring"


def test_offers_are_compared_and_written(
    write_study: Study, fails: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from arrisk.policy.offers.template import offer_template

    study, path = write_study(), tmp_path / "offer.toml"
    terms = {"premium_rate": 0.003, "premium_base": "sales", "insured_share": 0.9}
    path.write_text(offer_template("insurance", {"provider": "A\x1b[31m & B"}, terms), encoding="utf-8")
    out = tmp_path / "compared.html"
    assert main(["offers", str(path), "--study", str(study), "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("What-if, cheapest: ")
    assert shown.out.endswith(f"the comparison is {out}\n")
    assert "A[31m & B: first quote: EUR " in shown.out
    assert "\x1b" not in shown.out
    assert shown.err == ""
    assert "A[31m &amp; B: first quote" in out.read_text(encoding="utf-8")
    assert main(["offers", str(path), "--study", str(study), "--json", "--on", "2027-01-01"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "Expired on 2027-01-01" in told["tables"][0]["note"]


def test_offers_that_cannot_be_compared_give_one_clear_line(
    write_study: Study, fails: Callable[..., str], tmp_path: Path
) -> None:
    from arrisk.policy.offers.template import offer_template

    study, path = write_study(), tmp_path / "offer.toml"
    assert "no offer sheets were named" in fails("offers", "--study", study)
    assert "no offer sheet at" in fails("offers", path, "--study", study)
    path.write_text(offer_template("insurance", {"currency": "USD"}), encoding="utf-8")
    assert "is in USD, the study is in EUR" in fails("offers", path, "--study", study)
    assert "written as .html, .xlsx, .json" in fails(
        "offers", path, "--study", study, "--out", tmp_path / "a.pdf"
    )
    assert "no offers of kind 'lease'" in fails("offers", "--template", "lease")
    path.write_text(path.read_text().replace("premium_rate = 0.0028", "premium_rate = 0.28"))
    assert f"{path}: [terms]: premium_rate = 0.28 means 28%" in fails("offers", path, "--study", study)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["evidence"],
        ["evidence", "write", "x"],
        ["evidence", "sign", "x"],
        ["sample"],
        ["sample", "x", "--invoices", "0"],
        ["init", "x", "--as-of", "31.12.2025"],
    ],
)
def test_wrong_arguments_exit_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert "usage: arrisk" in capsys.readouterr().err


@pytest.mark.slow
def test_the_module_runs_as_a_program() -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "arrisk", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.startswith("arrisk 0.")
    done = subprocess.run([*command[:3], "check", "none"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "arrisk: no study file at none\n")


def test_a_line_is_printable_and_one() -> None:
    assert one_line("a\n\tb\x1b[31m\u202ec") == "a b[31mc"
