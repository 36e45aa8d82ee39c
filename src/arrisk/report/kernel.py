"""Running one notebook in a kernel of this very Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from arrisk.errors import RunError

__all__ = ["count_cells", "execute_notebook", "kernel_environment"]

# A glyph that a font lacks (a customer's name in a figure) is no reason to stop, nor is what the kernel says of
# itself when it shuts down; any other warning is.
WARNINGS = "error,ignore:Glyph,ignore::PendingDeprecationWarning:ipykernel.kernelbase"
QUIET = "--IPKernelApp.log_level=40"


class ThisPython(AsyncKernelManager):
    """A kernel manager that starts the running interpreter, whatever kernels are installed on the machine."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernel's command line."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", QUIET]
        return KernelSpec(argv=argv, display_name="Python 3", language="python")


def kernel_environment(study: Path, scratch: Path) -> dict[str, str]:
    """Environment variables of the kernel: the study, warnings as errors, nobody's IPython profile.

    Parameters
    ----------
    study : Path
        The study file that the notebooks open.
    scratch : Path
        A folder for what IPython keeps.
    """
    return {
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


def execute_notebook(
    path: Path, environment: Mapping[str, str], tick: Callable[[], object] = lambda: None
) -> Mapping[str, Any]:
    """Execute a notebook from top to bottom and return it with its outputs; the file is not changed.

    Parameters
    ----------
    path : Path
        The notebook; its folder is the working directory.
    environment : mapping
        Environment variables of the kernel.
    tick : callable
        Called after every code cell.

    Raises
    ------
    RunError
        If a cell fails or the kernel dies: names the notebook, the cell and the error.
    """
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
        client.execute(env=dict(environment))
    except CellExecutionError as error:
        raise RunError(f"{_place(path, notebook)}: {error.ename}: {error.evalue}") from error
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        raise RunError(f"{_place(path, notebook)}: the kernel stopped: {error}") from error
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
