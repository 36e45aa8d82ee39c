"""Execute the committed notebooks anew on the sample, so that their outputs are those of the code beside
them.

The result is byte-identical for the same code: no timings, fixed cell identifiers, no machine's name.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat

from arrisk.policy.study import open_study
from arrisk.report.atomic import replace_file
from arrisk.report.kernel import execute_notebooks, kernel_environment
from arrisk.report.runner import find_notebooks

__all__ = ["main", "tidy"]

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def tidy(notebook: nbformat.NotebookNode) -> str:
    """Text of a notebook with everything that could differ between two runs or machines taken out.

    Parameters
    ----------
    notebook : NotebookNode
        An executed notebook; it is changed in place.
    """
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02d}"
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
    return str(nbformat.writes(notebook)) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the notebooks named (files or a folder; all by default) and write them back."""
    names = [Path(a) for a in (sys.argv[1:] if arguments is None else arguments)]
    paths = [p for name in names for p in (find_notebooks(name) if name.is_dir() else [name])] or [
        *find_notebooks()
    ]
    study = open_study()
    with tempfile.TemporaryDirectory() as scratch:
        environment = kernel_environment(study.path, Path(scratch))
        for done, path in zip(execute_notebooks(paths, environment), paths, strict=True):
            replace_file(path, tidy(nbformat.from_dict(done.content)))
            print(f"{path.name}: {done.seconds:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
