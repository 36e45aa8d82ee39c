"""The memo: one HTML page that opens offline and prints on A4, the decisions on its first page."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from arrisk.display import Format, Table, format_value, money
from arrisk.policy.recommendation import VERDICTS, Estimate, Recommendation
from arrisk.policy.recommendation_page import BADGES, STYLE, interval, quantity, recommendation_html
from arrisk.report.contents import Report
from arrisk.report.harvest import memo_table

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render_memo", "render_page"]

HEADLINE = "headline"
HEADLINE_FIGURES = 6
ACRONYMS = frozenset({"add", "cei", "dso", "ead", "lgd", "pd"})
LISTED_SOURCES = 12
SHORT_DIGEST = 16


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the headline: its name, its value for people, a remark."""

    name: str
    value: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One decision of the first page."""

    question: str
    verdict: str
    sign: str
    label: str
    answer: str
    worth: str
    spread: str
    flip: str


def render_memo(report: Report) -> str:
    """Render a report as one self-contained HTML page.

    Parameters
    ----------
    report : Report
        Its texts are escaped; its figures are inside the page.

    Returns
    -------
    str
        HTML without any address of the web; the same report gives the same text.
    """
    from markupsafe import Markup

    environment = _environment()
    return environment.get_template("memo.html.j2").render(
        report=report,
        day=long_date(report.as_of),
        tiles=_tiles(report),
        lines=[_line(r) for r in report.decisions],
        tally=_tally(report.decisions),
        sections=[
            {
                "title": h.title,
                "name": h.name,
                "recommendations": [_card(r) for r in report.recommendations[h.name]],
                "blocks": [Markup(block) for block in h.blocks],
            }
            for h in report.harvests
            if h.blocks or report.recommendations[h.name]
        ],
        quality=[Markup(memo_table(t)) for t in report.quality],
        assumptions=[_assumption(row) for row in report.assumptions.frame.to_dict("records")],
        assumptions_note=report.assumptions.note,
        sources=report.sources[:LISTED_SOURCES],
        more_sources=len(report.sources) - LISTED_SOURCES,
        short=SHORT_DIGEST,
    )


def render_page(title: str, subtitle: str, body: str) -> str:
    """Set a body of HTML in the page of the memo: same type, same margins.

    Parameters
    ----------
    title, subtitle : str
        Escaped here.
    body : str
        HTML that is known to be safe and to load nothing from the web.
    """
    from markupsafe import Markup

    template = _environment().get_template("page.html.j2")
    return template.render(title=title, subtitle=subtitle, body=Markup(body))


def long_date(day: pd.Timestamp) -> str:
    """Write a date for people.

    Examples
    --------
    >>> long_date(pd.Timestamp("2025-12-31"))
    '31 December 2025'
    """
    return f"{day.day} {day.month_name()} {day.year}"


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("arrisk.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _card(recommendation: Recommendation) -> Any:
    """The recommendation as it shows itself, dressed by the style sheet of the memo."""
    from markupsafe import Markup

    return Markup(recommendation_html(recommendation).removeprefix(STYLE))


def _line(r: Recommendation) -> Line:
    _, sign, label = BADGES[r.verdict]
    worth, spread = _worth(r.expected_value)
    flip = r.flip.sentence if r.flip is not None else r.experiment
    return Line(r.decision, r.verdict.replace(" ", "-"), sign, label, r.answer, worth, spread, flip)


def _worth(e: Estimate | None) -> tuple[str, str]:
    if e is None:
        return "", ""
    return quantity(e.value, e.unit), f"{e.level:.0%} interval {interval(e.low, e.high, e.unit)}"


def _tally(decisions: tuple[Recommendation, ...]) -> list[tuple[str, int]]:
    counted = Counter(r.verdict for r in decisions)
    return [(BADGES[v][2].lower(), counted[v]) for v in VERDICTS if counted[v]]  # type: ignore[index]


def _tiles(report: Report) -> list[Tile]:
    """The headline: one row with a column a figure, or a row a figure with name, value and remark."""
    table = report.table(HEADLINE)
    if table is None or table.frame.empty:
        return []
    frame = table.frame
    if len(frame) == 1:
        tiles = [
            Tile(_label(str(c)), _figure(frame[c].iloc[0], table.formats.get(c), report.currency))
            for c in frame.columns
        ]
    else:
        tiles = [_tile(row, table, report.currency) for row in frame.itertuples(index=False, name=None)]
    return tiles[:HEADLINE_FIGURES]


def _tile(row: tuple[Any, ...], table: Table, currency: str) -> Tile:
    kind = table.formats.get(table.frame.columns[1]) if len(row) > 1 else None
    value = _figure(row[1], kind, currency) if len(row) > 1 else ""
    return Tile(_label(str(row[0])), value, format_value(row[2]) if len(row) > 2 else "")


def _label(name: str) -> str:
    return " ".join(w.upper() if w in ACRONYMS else w for w in name.replace("_", " ").split())


def _figure(value: Any, kind: Format | None, currency: str) -> str:
    missing = value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    if missing or isinstance(value, str):
        return "-" if missing else str(value)
    if kind == "money":
        return money(float(value), currency)
    if kind == "percent":
        return f"{float(value):.1%}"
    return format_value(value, kind) + (" days" if kind == "days" else "")


def _assumption(row: Mapping[Any, Any]) -> dict[str, str]:
    unit = str(row["unit"])
    shown = re.sub(r"^(fraction|probability)\b", "", unit).strip() if "fraction" in unit else unit
    is_range = row["low"] != row["high"]
    return {
        "name": str(row["assumption"]).replace("_", " "),
        "value": _bare(row["value"], unit),
        "range": f"{_bare(row['low'], unit)} to {_bare(row['high'], unit)}" if is_range else "fixed",
        "unit": shown,
        "source": str(row["source"]),
    }


def _bare(value: float, unit: str) -> str:
    """A number without its unit, which has a column of its own; shares and yearly rates as percent."""
    if re.match(r"(fraction|probability|per year)\b", unit):
        return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
