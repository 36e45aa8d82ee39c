"""HTML of notebook outputs reduced to what a printed page needs: text, lists and tables."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

__all__ = ["clean_html"]

KEPT_TAGS = frozenset(
    (
        "b", "br", "caption", "code", "div", "em", "h2", "h3", "h4", "h5", "hr", "i", "li", "ol", "p", "pre",
        "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
        "ul",
    )
)  # fmt: skip
VOID_TAGS = frozenset({"br", "hr"})
SILENT_TAGS = frozenset({"script", "style", "template", "title", "head", "iframe", "object", "svg", "math"})
KEPT_STYLE = re.compile(r"text-align:\s*(left|right|center);?")
SPANS = ("colspan", "rowspan")


def clean_html(text: str) -> str:
    """Keep text, lists and tables of an HTML fragment; drop scripts, links, images, styles and handlers.

    Parameters
    ----------
    text : str
        Any HTML, also malformed.

    Returns
    -------
    str
        Well-formed HTML that loads nothing and runs nothing.

    Examples
    --------
    >>> clean_html('<p onclick="x()">one <a href="http://x">two</a><script>three</script></p>')
    '<p>one two</p>'
    """
    cleaner = _Cleaner()
    cleaner.feed(text)
    cleaner.close()
    return cleaner.result()


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT_TAGS:
            self._silent += 1
        elif not self._silent and tag in KEPT_TAGS:
            self._parts.append(f"<{tag}{_kept_attributes(attrs)}>")
            if tag not in VOID_TAGS:
                self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID_TAGS and not self._silent:
            self._parts.append(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT_TAGS:
            self._silent = max(0, self._silent - 1)
        elif not self._silent and tag in self._open:
            while self._open:
                closed = self._open.pop()
                self._parts.append(f"</{closed}>")
                if closed == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(escape(data, quote=False))

    def result(self) -> str:
        return "".join(self._parts) + "".join(f"</{tag}>" for tag in reversed(self._open))


def _kept_attributes(attrs: list[tuple[str, str | None]]) -> str:
    kept = ""
    for name, value in attrs:
        style = name == "style" and KEPT_STYLE.fullmatch((value or "").strip())
        span = name in SPANS and (value or "").isdigit()
        named = name == "class" and re.fullmatch(r"[\w \-]+", value or "")
        if style or span or named:
            kept += f' {name}="{escape(value or "")}"'
    return kept
