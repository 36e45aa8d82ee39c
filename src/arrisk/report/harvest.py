"""What an executed notebook has to tell: its tables, its recommendations, and what it marked for the memo."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from arrisk.display import TABLE_MIME, Table, frame_html
from arrisk.errors import RunError
from arrisk.policy.recommendation import RECOMMENDATION_MIME, Recommendation
from arrisk.report.clean import clean_html

__all__ = [
    "MEMO_TAG",
    "Harvest",
    "harvest_notebook",
    "table_from_json",
    "unique_recommendations",
    "unique_tables",
]

MEMO_TAG = "memo"
MEMO_ROWS = 30
SHEET_NAME_LIMIT = 31
RASTER = ("image/png", "image/jpeg")
VECTOR = "image/svg+xml"


@dataclass(frozen=True, slots=True)
class Harvest:
    """The yield of one executed notebook.

    Parameters
    ----------
    name : str
        File name without its ending, ``"06_cash_discount"``.
    title : str
        Its first heading.
    tables : tuple of Table
        Every `Table` it showed, in order.
    recommendations : tuple of Recommendation
        Every `Recommendation` it showed, in order.
    blocks : tuple of str
        Safe HTML of the outputs of the cells tagged ``memo``.
    """

    name: str
    title: str
    tables: tuple[Table, ...]
    recommendations: tuple[Recommendation, ...]
    blocks: tuple[str, ...]


def harvest_notebook(name: str, notebook: Mapping[str, Any]) -> Harvest:
    """Collect tables, recommendations and memo blocks from an executed notebook.

    Parameters
    ----------
    name : str
        Name of the notebook, without ending.
    notebook : mapping
        The notebook as nbformat 4 gives it.

    Raises
    ------
    RunError
        If the notebook holds an arrisk output that cannot be read back.

    Examples
    --------
    >>> cell = {"cell_type": "markdown", "source": "# How old is the money?", "metadata": {}}
    >>> harvest_notebook("01_ageing", {"cells": [cell]}).title
    'How old is the money?'
    """
    title = _title(notebook) or name
    tables: list[Table] = []
    recommendations: list[Recommendation] = []
    blocks: list[str] = []
    for cell in notebook["cells"]:
        in_memo = MEMO_TAG in cell["metadata"].get("tags", ())
        if cell["cell_type"] == "markdown" and in_memo:
            blocks.append(_prose(cell["source"]))
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            try:
                tables.extend([table_from_json(data[TABLE_MIME])] if TABLE_MIME in data else [])
                if RECOMMENDATION_MIME in data:
                    recommendations.append(Recommendation.from_json(data[RECOMMENDATION_MIME]))
            except (KeyError, TypeError, ValueError) as error:
                raise RunError(f"{name}: an output cannot be read back: {error}") from error
            if in_memo:
                blocks.extend(_blocks(output, title))
    return Harvest(name, title, tuple(tables), tuple(recommendations), tuple(blocks))


def table_from_json(data: Mapping[str, Any]) -> Table:
    """Read back the machine-readable form that `Table` shows; dates stay ISO text.

    Examples
    --------
    >>> data = {"name": "a", "title": "A", "note": "", "formats": {}, "columns": ["x"], "rows": [[1], [None]]}
    >>> table_from_json(data).frame["x"].isna().tolist()
    [False, True]
    """
    columns = [str(c) for c in data["columns"]]
    frame = pd.DataFrame([list(row) for row in data["rows"]], columns=columns)
    return Table(data["name"], data["title"], frame, data.get("note", ""), dict(data.get("formats", {})))


def unique_tables(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Drop tables shown twice and give different tables of one name different names.

    Names differ without regard to case, as the sheets of a workbook must.

    Examples
    --------
    >>> one, two = (Table("a", "A", pd.DataFrame({"x": [n]})) for n in (1, 2))
    >>> [t.name for t in unique_tables([one, two, one])]
    ['a', 'a_2']
    """
    kept: list[Table] = []
    taken: set[str] = set()
    seen: dict[str, list[dict[str, Any]]] = {}
    for table in tables:
        content = table._repr_mimebundle_()[TABLE_MIME]
        earlier = seen.setdefault(table.name.lower(), [])
        if content in earlier:
            continue
        earlier.append(content)
        name = free_name(table.name, taken)
        taken.add(name.lower())
        kept.append(Table(name, table.title, table.frame, table.note, table.formats))
    return tuple(kept)


def free_name(name: str, taken: set[str]) -> str:
    """Return a sheet name that is not taken (lower case) yet, by a number at the end where needed.

    Examples
    --------
    >>> free_name("Ageing", {"ageing", "ageing_2"})
    'Ageing_3'
    """
    candidate, number = name, 1
    while candidate.lower() in taken:
        number += 1
        ending = f"_{number}"
        candidate = name[: SHEET_NAME_LIMIT - len(ending)] + ending
    return candidate


def unique_recommendations(harvests: Iterable[Harvest]) -> dict[str, tuple[Recommendation, ...]]:
    """Recommendations by notebook; one that a later notebook shows again counts for the first."""
    seen: list[Recommendation] = []
    found: dict[str, tuple[Recommendation, ...]] = {}
    for harvest in harvests:
        fresh = []
        for recommendation in harvest.recommendations:
            if recommendation not in seen:
                seen.append(recommendation)
                fresh.append(recommendation)
        found[harvest.name] = tuple(fresh)
    return found


def memo_table(table: Table) -> str:
    """Render a table for the memo, cut to its first rows when it is long."""
    rows, note = len(table.frame), table.note
    if rows > MEMO_ROWS:
        more = f"First {MEMO_ROWS} of {rows:,} rows; all are in the workbook, sheet {table.name}."
        note = f"{more} {note}".strip()
    return frame_html(table.frame.head(MEMO_ROWS), table.title, note, table.formats)


def _title(notebook: Mapping[str, Any]) -> str:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            heading = re.search(r"^#\s+(.+?)\s*#*\s*$", cell["source"], flags=re.MULTILINE)
            if heading:
                return re.sub(r"[*_`]", "", heading.group(1))
    return ""


def _prose(source: str) -> str:
    from nbconvert.filters import markdown2html

    body = re.sub(r"^#\s+.+$", "", source, flags=re.MULTILINE)
    return f'<div class="prose">{clean_html(markdown2html(body))}</div>'


def _blocks(output: Mapping[str, Any], title: str) -> list[str]:
    """Safe HTML of one output; recommendations have their own place in the memo."""
    if output["output_type"] == "stream":
        return [_preformatted(output["text"])] if output.get("name") == "stdout" else []
    data: Mapping[str, Any] = output.get("data", {})
    if RECOMMENDATION_MIME in data:
        return []
    if TABLE_MIME in data:
        return [f'<div class="block">{memo_table(table_from_json(data[TABLE_MIME]))}</div>']
    image = _image(data, title)
    if image:
        return [image]
    if "text/html" in data:
        return [f'<div class="block">{clean_html(_text(data["text/html"]))}</div>']
    return [_preformatted(_text(data["text/plain"]))] if "text/plain" in data else []


def _image(data: Mapping[str, Any], title: str) -> str:
    """An image inside the page; SVG as an image too, where no script of it can run."""
    import base64

    alt = escape(f"Figure: {title}")
    for kind in RASTER:
        if kind in data:
            content = "".join(_text(data[kind]).split())
            base64.b64decode(content, validate=True)
            return f'<figure><img src="data:{kind};base64,{content}" alt="{alt}"></figure>'
    if VECTOR in data:
        content = base64.b64encode(_text(data[VECTOR]).encode()).decode()
        return f'<figure><img src="data:{VECTOR};base64,{content}" alt="{alt}"></figure>'
    return ""


def _preformatted(text: Any) -> str:
    return f"<pre>{escape(_text(text).strip())}</pre>"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "".join(value)
