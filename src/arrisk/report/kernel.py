"""Running notebooks in kernels of this very Python."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from arrisk.errors import RunError

__all__ = ["Executed", "count_cells", "execute_notebooks", "kernel_environment"]

# A glyph that a font lacks (a customer's name in a figure) is no reason to stop, nor is what the kernel says
# of itself when it shuts down; any other warning is.
WARNINGS = "error,ignore:Glyph,ignore::PendingDeprecationWarning:ipykernel.kernelbase"
QUIET = "--IPKernelApp.log_level=40"


@dataclass(frozen=True, slots=True)
class Executed:
    """One executed notebook with its wall time in seconds."""

    name: str
    content: Mapping[str, Any]
    seconds: float


class ThisPython(AsyncKernelManager):
    """A kernel manager that starts the running interpreter, whatever kernels are installed on the machine."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernel's command line."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", QUIET]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


def kernel_environment(study: Path, scratch: Path) -> dict[str, str]:
    """Environment variables of the kernel: the study, warnings as errors, nobody's IPython profile.

    Linear algebra gets one thread unless the caller's environment says otherwise: notebooks run side by side,
    and the many small problems in them only wait for more.

    Parameters
    ----------
    study : Path
        The study file that the notebooks open.
    scratch : Path
        A folder for what IPython keeps.
    """
    return {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **os.environ,
        "ARRISK_STUDY": str(study),
        "IPYTHONDIR": str(scratch),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONHASHSEED": "0",
        "PYTHONWARNINGS": WARNINGS,
        "TQDM_DISABLE": "1",
    }


def count_cells(path: Path) -> int:
    """Number of code cells of a notebook.

    Raises
    ------
    RunError
        If the file is not a notebook.
    """
    return sum(cell.cell_type == "code" for cell in _read(path).cells)


def execute_notebooks(
    paths: Sequence[Path],
    environment: Mapping[str, str],
    tick: Callable[[str], object] = lambda _: None,
    jobs: int = 1,
) -> list[Executed]:
    """Execute notebooks from top to bottom; their files are not changed.

    Parameters
    ----------
    paths : sequence of Path
        The notebooks; the folder of each is its working directory.
    environment : mapping
        Environment variables of the kernels.
    tick : callable
        Called with the notebook's name after every code cell.
    jobs : int
        Kernels at the same time.

    Returns
    -------
    list of Executed
        In the order of `paths`.

    Raises
    ------
    RunError
        If a cell fails or a kernel dies: names the notebook, the cell and the error. The other kernels stop.
    """

    def run() -> list[Executed]:
        return asyncio.run(_execute_all(paths, environment, tick, jobs))

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    # Inside a notebook the thread's event loop is taken.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


async def _execute_all(
    paths: Sequence[Path], environment: Mapping[str, str], tick: Callable[[str], object], jobs: int
) -> list[Executed]:
    gate = asyncio.Semaphore(max(1, jobs))

    async def one(path: Path) -> Executed:
        async with gate:
            started = time.monotonic()
            content = await _execute(path, environment, lambda: tick(path.stem))
            return Executed(path.stem, content, time.monotonic() - started)

    tasks = [asyncio.create_task(one(path)) for path in paths]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _execute(
    path: Path, environment: Mapping[str, str], tick: Callable[[], object]
) -> Mapping[str, Any]:
    notebook = _read(path)
    client = NotebookClient(
        notebook,
        timeout=None,
        record_timing=False,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_executed=lambda **_: tick(),
    )
    try:
        await client.async_execute(env=dict(environment))
    except CellExecutionError as error:
        raise RunError(f"{_place(path, notebook)}: {error.ename}: {error.evalue}") from error
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        told = "the kernel stopped (interrupted, or out of memory?)"
        raise RunError(f"{_place(path, notebook)}: {told}: {error}") from error
    return notebook  # type: ignore[no-any-return]


def _read(path: Path) -> Any:
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise RunError(f"{path}: not a notebook: {error}") from error


def _place(path: Path, notebook: Any) -> str:
    """Notebook and code cell (counted from 1) that was the last to run."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    failed = [
        n for n, cell in enumerate(cells, start=1) if any(o.output_type == "error" for o in cell.outputs)
    ]
    ran = [n for n, cell in enumerate(cells, start=1) if cell.outputs or cell.execution_count]
    number = failed[-1] if failed else ran[-1] if ran else 0
    return f"notebook {path.stem}, code cell {number}" if number else f"notebook {path.stem}"
