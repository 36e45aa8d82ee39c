"""Fixtures shared by all tests."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import pytest
from hypothesis import settings

# The process that hands out the tests reads this file too: what takes long to import waits for its first use.
if TYPE_CHECKING:
    from arrisk.policy.study import Study

matplotlib.use("Agg")
# A slow machine is no defect of the code.
settings.register_profile("whole", deadline=None, max_examples=50)
settings.register_profile("fast", deadline=None, max_examples=25)

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Fewer random examples where a test asks for no number and slow tests are left out."""
    settings.load_profile("fast" if "not slow" in str(config.getoption("markexpr")) else "whole")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data beside the checkout; not part of the project."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real data are not beside this checkout (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def sample_study(root: Path) -> Study:
    """The study of the sample, read once for all tests of a process."""
    from arrisk.policy.study import open_study

    return open_study(root / "data" / "sample" / "study.toml")


@pytest.fixture(scope="session")
def java() -> None:
    """What the Spark engine needs: the extra and a Java program."""
    pytest.importorskip("pyspark", reason="the extra [spark] is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    """Figures of one test are none of the next one's business."""
    import matplotlib.pyplot as plt

    yield
    plt.close("all")
