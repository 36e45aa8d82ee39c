"""How results show themselves: escaped HTML, the `Table` that notebooks display, marks on figures.

Every text that reaches a page from a ledger passes through here and is escaped.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TABLE_MIME", "Format", "Table", "format_value", "frame_html", "money", "stamp"]

Format = Literal["money", "percent", "days", "number", "integer", "text", "date"]
TABLE_MIME = "application/vnd.arrisk.table+json"
SIGNIFICANT_DIGITS = 10


def money(value: float, currency: str = "", digits: int = 0) -> str:
    """Write an amount for people: thousands separated, the currency in front.

    Examples
    --------
    >>> money(1234567.4, "EUR")
    'EUR 1,234,567'
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    return f"{currency} {value:,.{digits}f}".strip()


def format_value(value: Any, kind: Format | None = None) -> str:
    """Write one cell for people.

    Parameters
    ----------
    value : object
        A number, date, text or missing value.
    kind : {"money", "percent", "days", "number", "integer", "text", "date"}, optional
        How to read a number: a percent is a fraction, days are whole. By default guessed from the type.

    Examples
    --------
    >>> format_value(0.0123, "percent")
    '1.23%'
    >>> format_value(float("nan"), "money")
    ''
    """
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return ""
    if isinstance(value, dt.date | pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, bool) or (not isinstance(value, int | float) and not hasattr(value, "dtype")):
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        return "unbounded" if number > 0 else "-unbounded"
    if kind == "percent":
        return f"{number:.2%}"
    if kind in ("money", "integer"):
        return f"{number:,.0f}"
    if kind == "days":
        return f"{number:,.1f}"
    if number.is_integer() or abs(number) >= 10_000:
        return f"{number:,.0f}"
    return f"{number:,.4g}"


def frame_html(
    frame: pd.DataFrame, title: str = "", note: str = "", formats: Mapping[str, Format] | None = None
) -> str:
    """Render a frame as an HTML table with every text escaped.

    Parameters
    ----------
    frame : DataFrame
        Shown as it is, without its index.
    title, note : str
        Caption above and remark below the table.
    formats : mapping of column to format, optional
        See `format_value`.

    Examples
    --------
    >>> "<script>" in frame_html(pd.DataFrame({"name": ["<script>"]}))
    False
    """
    formats = dict(formats or {})
    numeric = {c: _is_figure(frame[c], formats.get(c)) for c in frame.columns}
    head = "".join(f"<th{_align(numeric[c])}>{escape(str(c).replace('_', ' '))}</th>" for c in frame.columns)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_align(numeric[c])}>{escape(format_value(v, formats.get(c)))}</td>"
            for c, v in zip(frame.columns, row, strict=True)
        )
        + "</tr>"
        for row in frame.itertuples(index=False, name=None)
    )
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    remark = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<table class="arrisk">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{remark}'
    )


def _is_figure(column: pd.Series, kind: Format | None) -> bool:
    """Numbers and dates stand at the right, where they line up and do not wrap."""
    is_date = kind == "date" or pd.api.types.is_datetime64_any_dtype(column)
    return bool(is_date or pd.api.types.is_numeric_dtype(column))


def _align(is_number: bool) -> str:
    return ' style="text-align:right"' if is_number else ' style="text-align:left"'


@dataclass(frozen=True, slots=True)
class Table:
    """A named table that a notebook shows and a report can pick up.

    Parameters
    ----------
    name : str
        Short identifier, used as the name of the workbook sheet (letters, digits, underscore; at most 31).
    title : str
        What the table says, in words.
    frame : DataFrame
        The figures; amounts in currency units, rates as fractions.
    note : str
        Conventions and caveats, printed below the table.
    formats : mapping of column to format
        See `format_value`.

    Raises
    ------
    ValueError
        If the name could not be a sheet's name.

    Examples
    --------
    >>> t = Table("ageing", "Where the money is", pd.DataFrame({"bucket": ["1-30"], "amount": [10.0]}))
    >>> sorted(t._repr_mimebundle_())
    ['application/vnd.arrisk.table+json', 'text/html', 'text/plain']
    """

    name: str
    title: str
    frame: pd.DataFrame
    note: str = ""
    formats: Mapping[str, Format] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_]{1,31}", self.name):
            raise ValueError(f"table name {self.name!r}: allowed are 1 to 31 letters, digits and underscores")

    def __repr__(self) -> str:
        shown = pd.DataFrame(
            {c: [format_value(v, self.formats.get(c)) for v in self.frame[c]] for c in self.frame.columns}
        )
        parts = [self.title, shown.to_string(index=False) if len(shown) else "(no rows)"]
        return "\n".join([*parts, self.note] if self.note else parts)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {
            "text/plain": repr(self),
            "text/html": frame_html(self.frame, self.title, self.note, self.formats),
            TABLE_MIME: {
                "name": self.name,
                "title": self.title,
                "note": self.note,
                "formats": dict(self.formats),
                "columns": [str(c) for c in self.frame.columns],
                "rows": [[_plain(v) for v in row] for row in self.frame.itertuples(index=False, name=None)],
            },
        }


def _plain(value: Any) -> Any:
    """A JSON value: dates as ISO text, numbers to ten significant digits, missing as null."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, dt.date | pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    if hasattr(value, "dtype") and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    return value if isinstance(value, int) else str(value)


def stamp(ax: Axes, as_of: pd.Timestamp | dt.date, note: str = "") -> Axes:
    """Write the as-of date (and a remark) into the lower right corner of a figure."""
    text = f"as of {as_of:%Y-%m-%d}" + (f" · {note}" if note else "")
    ax.annotate(
        text,
        xy=(1.0, 0.0),
        xycoords="axes fraction",
        xytext=(0, -32),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8,
        color="0.35",
        annotation_clip=False,
    )
    return ax
