"""Compared offers as a page, a workbook or JSON."""

from __future__ import annotations

import base64
import io
import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arrisk.display import TABLE_MIME, frame_html
from arrisk.errors import OfferError
from arrisk.report.atomic import replace_file
from arrisk.report.memo import long_date, render_page
from arrisk.report.style import use_style
from arrisk.report.workbook import make_table_book

if TYPE_CHECKING:
    from arrisk.policy.offers.comparison import OfferComparison

__all__ = ["check_target", "offers_json", "write_comparison"]

ENDINGS = (".html", ".xlsx", ".json")
DOTS = 150


# The ranking has more columns than an upright page is wide.
WIDE = "<style>main { max-width: 285mm } @page { size: A4 landscape }</style>"


def write_comparison(compared: OfferComparison, path: str | Path) -> Path:
    """Write a comparison of offers; the file appears whole or not at all.

    Parameters
    ----------
    compared : OfferComparison
    path : path
        Ends in .html (one page that opens offline), .xlsx or .json.

    Returns
    -------
    Path

    Raises
    ------
    OfferError
        If the name ends in anything else.
    """
    target = check_target(path)
    content: str | bytes
    if target.suffix.lower() == ".html":
        content = _page(compared)
    elif target.suffix.lower() == ".xlsx":
        content = make_table_book(compared.finding(), compared.as_of, compared.tables())
    else:
        content = offers_json(compared)
    return replace_file(target, content)


def check_target(path: str | Path) -> Path:
    """The path of a report, when its name says of which kind.

    Examples
    --------
    >>> check_target("offers.html").name
    'offers.html'
    """
    target = Path(path)
    if target.suffix.lower() not in ENDINGS:
        raise OfferError(f"{target}: a comparison is written as {', '.join(ENDINGS)}")
    if target.is_dir():
        raise OfferError(f"{target} is a folder; name a file")
    return target


def offers_json(compared: OfferComparison) -> str:
    """A comparison as JSON: finding, day, currency, and every table with its rows."""
    told: dict[str, Any] = {
        "finding": compared.finding(),
        "what_if": compared.what_if,
        "as_of": f"{compared.as_of:%Y-%m-%d}",
        "currency": compared.currency,
        "years": compared.years,
        "tables": [table._repr_mimebundle_()[TABLE_MIME] for table in compared.tables()],
    }
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _page(compared: OfferComparison) -> str:
    body = [
        WIDE,
        f"<p><strong>{escape(compared.finding())}.</strong></p>",
        f'<p><img alt="{escape(compared.finding())}" src="{_picture(compared)}" style="max-width:100%"></p>',
    ]
    body += [frame_html(t.frame, t.title, t.note, t.formats) for t in compared.tables()]
    when = f"as of {long_date(compared.as_of)}, {compared.currency}"
    return render_page("Offers compared", when, "\n".join(body))


def _picture(compared: OfferComparison) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context():
        use_style()
        figure = Figure(figsize=(11, 1.8 + 0.8 * len(compared.ranking)), layout="constrained")
        FigureCanvasAgg(figure)
        compared.plot(figure.add_subplot())
        target = io.BytesIO()
        figure.savefig(target, format="png", dpi=DOTS, metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(target.getvalue()).decode('ascii')}"
