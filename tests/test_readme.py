"""The README keeps its word: notebook index, verdicts, commands, maps and links."""

from __future__ import annotations

import re

import nbformat
import pytest

from arrisk import shipped_maps
from arrisk.policy.recommendation import RECOMMENDATION_MIME


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text(encoding="utf-8")


def test_the_index_gives_each_notebook_its_question_and_verdict(root, readme):
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        last = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"][-1]
        shown = [o["data"] for o in last.outputs if "data" in o]
        said = next(data[RECOMMENDATION_MIME] for data in shown if RECOMMENDATION_MIME in data)
        row = f"| [{path.stem}](notebooks/{path.name}) | {said['decision']} | {said['verdict']}"
        assert row in readme, row


def test_every_make_target_and_map_named_exists(root, readme):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    named = {t for line in re.findall(r"^make (.+?)(?:#|$)", readme, re.MULTILINE) for t in line.split()}
    assert {"report", "lab", "test"} <= named
    assert all(re.search(rf"^{target}:.*##", makefile, re.MULTILINE) for target in named)
    assert all(f"`{name}`" in readme for name in shipped_maps())


def test_links_lead_somewhere(root, readme):
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    assert links
    assert all((root / link).exists() for link in links)
