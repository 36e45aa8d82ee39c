"""The runner: executes the notebooks on a study and writes the report in one piece."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arrisk.display import Table
from arrisk.errors import RunError
from arrisk.policy.recommendation import Recommendation
from arrisk.policy.study import Study, open_study
from arrisk.report.atomic import check_replaceable, replaced_folder
from arrisk.report.contents import Report, make_report
from arrisk.report.decisions import decisions_json
from arrisk.report.harvest import harvest_notebook
from arrisk.report.memo import long_date, render_memo, render_page
from arrisk.report.workbook import make_workbook

if TYPE_CHECKING:
    from arrisk.report.kernel import Executed

__all__ = ["RunResult", "find_notebooks", "run_study", "select_notebooks", "write_report"]

MEMO, WORKBOOK, DECISIONS, RUN, PAPERS = (
    "memo.html", "workbook.xlsx", "recommendations.json", "run.json", "notebooks",
)  # fmt: skip
NOTEBOOK_PATTERN = "[0-9][0-9]_*.ipynb"


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run wrote, and where.

    Parameters
    ----------
    out : Path
        Folder of the report.
    memo : Path
        The memo in it.
    notebooks : tuple of str
        Names of the notebooks run.
    recommendations : tuple of Recommendation
        In the order of the notebooks.
    seconds : float
        Wall time.
    """

    out: Path
    memo: Path
    notebooks: tuple[str, ...]
    recommendations: tuple[Recommendation, ...]
    seconds: float


def run_study(
    study_path: str | Path | None = None,
    out: str | Path | None = None,
    only: str | Sequence[str] | None = None,
    notebooks: str | Path | None = None,
    progress: bool | None = None,
    jobs: int = 1,
) -> RunResult:
    """Execute the notebooks on a study and write memo, workbook, JSON and working papers.

    The report appears in one piece: when a notebook fails, or the run is killed, the previous report in
    `out` stays as it was.

    Parameters
    ----------
    study_path : path, optional
        The study file; by default as in `open_study`.
    out : path, optional
        Folder of the report; by default ``reports/<study name>``, with the names of `only` added so that a
        part never replaces the whole.
    only : str or sequence of str, optional
        Notebooks to run, by name (``"06_cash_discount"``, ``"cash_discount"`` or ``"06"``).
    notebooks : path, optional
        Folder of the notebooks; by default those of the checkout.
    progress : bool, optional
        Show a progress bar; by default on a terminal that is not a CI job's.
    jobs : int
        Notebooks run at the same time.

    Returns
    -------
    RunResult
        Where the report is and what it recommends.

    Raises
    ------
    StudyError, LedgerError
        If the study or its ledger cannot be read.
    RunError
        If a notebook fails or `out` is not a place for a report.
    """
    started = time.monotonic()
    study = open_study(study_path)
    names = [only] if isinstance(only, str) else list(only or ())
    paths = select_notebooks(find_notebooks(notebooks), names)
    target = Path(out) if out is not None else default_folder(study, names)
    check_replaceable(target, RUN)
    quality = _quality(study)
    executed = _execute_all(paths, study, _wants_bar(progress), jobs)
    harvests = [harvest_notebook(e.name, e.content) for e in executed]
    report = make_report(study, harvests, quality, complete=not names)
    seconds = time.monotonic() - started
    folder = write_report(report, executed, target, seconds)
    return RunResult(folder, folder / MEMO, tuple(p.stem for p in paths), report.decisions, seconds)


def find_notebooks(folder: str | Path | None = None) -> tuple[Path, ...]:
    """Notebooks named ``NN_name.ipynb`` in a folder, in order; by default those of the checkout.

    Raises
    ------
    RunError
        If there is no such folder, or none in it.
    """
    chosen = Path(folder) if folder is not None else _checkout_notebooks()
    if not chosen.is_dir():
        raise RunError(f"no folder of notebooks at {chosen}")
    found = tuple(sorted(chosen.glob(NOTEBOOK_PATTERN)))
    if not found:
        raise RunError(f"no notebook named like 01_name.ipynb in {chosen}")
    return found


def select_notebooks(paths: Sequence[Path], names: Iterable[str]) -> tuple[Path, ...]:
    """Pick notebooks by full name, name without number, or number; all when no name is given.

    Raises
    ------
    RunError
        If a name fits none.

    Examples
    --------
    >>> [p.stem for p in select_notebooks([Path("01_ageing.ipynb"), Path("02_turnover.ipynb")], ["turnover"])]
    ['02_turnover']
    """
    wanted = [name.removesuffix(".ipynb") for name in names]
    for name in wanted:
        if not any(name in _names(path) for path in paths):
            raise RunError(f"no notebook {name!r}; there are {', '.join(p.stem for p in paths)}")
    return tuple(p for p in paths if not wanted or any(name in _names(p) for name in wanted))


def default_folder(study: Study, only: Sequence[str] = ()) -> Path:
    """``reports/<study name>``, with what was picked added; the name made safe for a folder."""
    name = "-".join([study.name, *only])
    return Path("reports") / (re.sub(r"[^\w.\-]+", "_", name).strip("._") or "study")


def write_report(
    report: Report, executed: Sequence[Executed], out: str | Path, seconds: float | None = None
) -> Path:
    """Write every file of a report into a folder that replaces the previous one at the end.

    Parameters
    ----------
    report : Report
        What to tell.
    executed : sequence of Executed
        The notebooks, for the working papers.
    out : path
        The folder.
    seconds : float, optional
        Wall time of the run, kept in ``run.json`` only, so that all other files are reproducible.

    Returns
    -------
    Path
        The folder, absolute.
    """
    target = Path(out).resolve()
    with replaced_folder(target, {MEMO, WORKBOOK, DECISIONS, RUN, PAPERS}, RUN) as folder:
        (folder / MEMO).write_text(render_memo(report), encoding="utf-8", newline="\n")
        (folder / WORKBOOK).write_bytes(make_workbook(report))
        (folder / DECISIONS).write_text(decisions_json(report), encoding="utf-8", newline="\n")
        (folder / PAPERS).mkdir()
        for e in executed:
            page = notebook_page(e.content, e.name, report)
            (folder / PAPERS / f"{e.name}.html").write_text(page, encoding="utf-8", newline="\n")
        (folder / RUN).write_text(_run_json(report, executed, seconds), encoding="utf-8", newline="\n")
    return target


def notebook_page(notebook: Mapping[str, Any], name: str, report: Report) -> str:
    """An executed notebook as a page without code that loads nothing from the web."""
    import nbformat
    from nbconvert import HTMLExporter

    title = next((h.title for h in report.harvests if h.name == name), name)
    described = nbformat.from_dict(notebook)
    for cell in described.cells:
        cell.metadata.setdefault("alt", f"Figure: {title}")
    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        mathjax_url="",
        require_js_url="",
        jquery_url="",
    )
    body, _ = exporter.from_notebook_node(described)
    return render_page(title, f"{report.title} · as of {long_date(report.as_of)} · {name}", body)


def _checkout_notebooks() -> Path:
    root = Path(__file__).resolve().parents[3]
    if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir():
        return root / "notebooks"
    raise RunError("arrisk runs outside its checkout: name the folder of the notebooks with --notebooks")


def _quality(study: Study) -> tuple[Table, ...]:
    """What the door saw, every row set apart, and the control totals."""
    ledger = study.ledger()
    control = [study.control_table()] if study.controls else []
    rows = Table("quarantined_rows", "Every row set apart, as it was", ledger.quarantine)
    return (*ledger.checks.tables(), *control, *([rows] if len(ledger.quarantine) else []))


def _names(path: Path) -> tuple[str, str, str]:
    number, _, rest = path.stem.partition("_")
    return path.stem, rest, number


def _wants_bar(progress: bool | None) -> bool:
    return sys.stderr.isatty() and not os.environ.get("CI") if progress is None else progress


def _execute_all(paths: Sequence[Path], study: Study, bar: bool, jobs: int) -> list[Executed]:
    from tqdm import tqdm

    from arrisk.report.kernel import count_cells, execute_notebooks, kernel_environment

    total = sum(count_cells(path) for path in paths)
    with (
        tempfile.TemporaryDirectory(prefix="arrisk-") as scratch,
        tqdm(total=total, disable=not bar, unit="cell", leave=False, dynamic_ncols=True) as meter,
    ):

        def tick(name: str) -> None:
            meter.set_description(name, refresh=False)
            meter.update(1)

        return execute_notebooks(paths, kernel_environment(study.path, Path(scratch)), tick, jobs)


def _run_json(report: Report, executed: Sequence[Executed], seconds: float | None) -> str:
    data = {
        "study": report.name,
        "study_sha256": report.digest,
        "as_of": f"{report.as_of:%Y-%m-%d}",
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": None if seconds is None else round(seconds, 2),
        "notebooks": [{"name": e.name, "seconds": round(e.seconds, 2)} for e in executed],
        "versions": dict(report.versions),
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
