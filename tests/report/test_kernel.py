"""The kernel is this Python, whatever the machine offers."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from arrisk.report.kernel import count_cells, execute_notebooks, kernel_environment
from tests.report.stage import write_notebook

pytestmark = pytest.mark.slow  # every test here starts notebook kernels


def test_another_kernel_installed_as_python3_is_not_used_even_inside_a_running_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": ["/bin/false"], "display_name": "wrong", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    source = "import os, sys\nprint(sys.executable, os.environ['ARRISK_STUDY'], os.getcwd())"
    path = write_notebook(tmp_path / "books", "01_who", source, "1")
    ticks: list[str] = []

    async def caller() -> str:
        environment = kernel_environment(tmp_path / "study.toml", tmp_path)
        (executed,) = execute_notebooks([path], environment, ticks.append)
        return str(executed.content["cells"][1]["outputs"][0]["text"])

    assert asyncio.run(caller()).split() == [
        sys.executable, str(tmp_path / "study.toml"), str(tmp_path / "books"),
    ]  # fmt: skip
    assert ticks == ["01_who"] * count_cells(path) == ["01_who"] * 2


def test_execution_leaves_no_trace_of_time(tmp_path: Path) -> None:
    path = write_notebook(tmp_path, "01_short", "1")
    (executed,) = execute_notebooks([path], kernel_environment(tmp_path / "study.toml", tmp_path))
    assert "execution" not in executed.content["cells"][1]["metadata"]
