"""A report is whole or it is not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from arrisk.errors import RunError
from arrisk.report.atomic import check_replaceable, replace_file, replaced_folder

OWNED = {"memo.html", "run.json", "papers"}


def fill(out: Path, text: str) -> None:
    with replaced_folder(out, OWNED, "run.json") as folder:
        (folder / "memo.html").write_text(text)
        (folder / "run.json").write_text("{}")
        (folder / "papers").mkdir()
        (folder / "papers" / f"{text}.html").write_text(text)


def fill_half(out: Path) -> None:
    with replaced_folder(out, OWNED, "run.json") as folder:
        (folder / "memo.html").write_text("half")
        raise ZeroDivisionError


def contents(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    fill(tmp_path / "out", "one")
    fill(tmp_path / "out", "two")
    assert contents(tmp_path / "out") == {"memo.html": "two", "papers/two.html": "two", "run.json": "{}"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_error_in_the_middle_leaves_the_previous_bytes(tmp_path: Path) -> None:
    fill(tmp_path / "out", "one")
    before = contents(tmp_path / "out")
    with pytest.raises(ZeroDivisionError):
        fill_half(tmp_path / "out")
    assert contents(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


KILLED = """
import sys, time
from arrisk.report.atomic import replaced_folder
with replaced_folder(sys.argv[1], {"memo.html", "run.json", "papers"}, "run.json") as folder:
    (folder / "memo.html").write_text("half")
    print("halfway", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_the_previous_bytes(tmp_path: Path) -> None:
    fill(tmp_path / "out", "one")
    before = contents(tmp_path / "out")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "halfway\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert contents(tmp_path / "out") == before


def test_a_process_killed_between_the_two_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "out", "one")
    before = contents(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / ".out.previous")
    check_replaceable(tmp_path / "out", "run.json")
    assert contents(tmp_path / "out") == before

    real, calls = os.rename, []

    def second_fails(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError("no space")
        real(source, target)

    monkeypatch.setattr(os, "rename", second_fails)
    with pytest.raises(OSError, match="no space"):
        fill(tmp_path / "out", "two")
    assert contents(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_files_of_others_are_carried_over_and_stale_ones_of_ours_are_not(tmp_path: Path) -> None:
    fill(tmp_path / "out", "one")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out" / "attached").mkdir()
    (tmp_path / "out" / "attached" / "letter.txt").write_text("mine too")
    fill(tmp_path / "out", "two")
    found = contents(tmp_path / "out")
    assert found["notes.txt"] == "mine"
    assert found["attached/letter.txt"] == "mine too"
    assert "papers/one.html" not in found


def test_a_folder_that_is_no_report_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("picture")
    with pytest.raises(RunError, match=r"no run\.json"):
        fill(tmp_path / "photos", "one")
    assert contents(tmp_path / "photos") == {"a.jpg": "picture"}
    with pytest.raises(RunError, match="is a file"):
        fill(tmp_path / "photos" / "a.jpg", "one")


def test_an_empty_folder_and_a_missing_parent_are_fine(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty", "one")
    fill(tmp_path / "a" / "b", "one")
    assert (tmp_path / "empty" / "memo.html").read_text() == (tmp_path / "a" / "b" / "memo.html").read_text()


def test_leftovers_of_killed_runs_are_swept_after_an_hour(tmp_path: Path) -> None:
    old, new = tmp_path / ".out.building-old", tmp_path / ".out.building-new"
    old.mkdir()
    new.mkdir()
    long_ago = time.time() - 7200
    os.utime(old, (long_ago, long_ago))
    fill(tmp_path / "out", "one")
    assert not old.exists()
    assert new.exists()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = replace_file(tmp_path / "study.toml", "one")
    assert path.read_text() == "one"

    def fails(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="no space"):
        replace_file(path, b"two")
    assert path.read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["study.toml"]
