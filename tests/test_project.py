"""The project itself: rooms, metadata, locks and what is written about it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
LINT = "lint_imports_command"
CONDA_NAMES = {"python-duckdb": "duckdb", "matplotlib-base": "matplotlib"}


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def requirement(text):
    name, bounds = re.fullmatch(r"([A-Za-z0-9-]+)\s*(.*)", text).groups()
    return CONDA_NAMES.get(name, name), bounds


def test_environment_yml_equals_pyproject(root, project):
    conda = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    listed = dict(requirement(d) for d in conda if isinstance(d, str) and d != "pip")
    assert listed.pop("python") == project["project"]["requires-python"]
    assert listed == dict(requirement(d) for d in project["project"]["dependencies"])


def blocks_of(path) -> list[str]:
    return re.split(r"\n(?=[a-z0-9])", path.read_text(encoding="utf-8").strip())


@pytest.mark.parametrize("lock", sorted(p.name for p in ROOT.glob("requirements*.lock")))
def test_locks_are_hashed_and_name_no_host(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in text.replace("indexed", "")
    assert all("--hash=sha256:" in block for block in blocks_of(ROOT / lock))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-spark.lock"])
def test_locks_pin_every_dependency(project, lock):
    blocks = blocks_of(ROOT / lock)
    pinned = {re.match(r"[a-z0-9.-]+", block).group() for block in blocks}
    wanted = {requirement(d)[0].lower() for d in project["project"]["dependencies"]}
    assert wanted <= pinned


def test_rooms_are_one_way(root):
    done = subprocess.run(
        [sys.executable, "-c", f"from importlinter import cli; cli.{LINT}()", "--no-cache"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_module_alone_knows_the_engines(root):
    engines = re.compile(r"^\s*(import|from) (duckdb|pyspark)\b", re.MULTILINE)
    users = {p.name for p in (root / "src").rglob("*.py") if engines.search(p.read_text(encoding="utf-8"))}
    assert users == {"engine.py"}


def test_modules_stay_small(root):
    long = {
        p.name: n
        for p in (root / "src").rglob("*.py")
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_every_public_name_is_there_and_documented():
    import arrisk

    for name in arrisk.__all__:
        assert (getattr(arrisk, name).__doc__ or "").strip(), name
    assert arrisk.__all__ == sorted(arrisk.__all__)


def test_the_package_loads_nothing_before_it_is_used():
    code = "import sys, arrisk; print(sorted({'pandas', 'numpy', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
