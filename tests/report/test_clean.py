"""HTML of outputs, made harmless."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.report.clean import KEPT_TAGS, clean_html

PIECES = st.lists(
    st.sampled_from(
        (
            *("<table>", "</table>", "<td>", "<script>", "</script>", "<svg onload=x>", "</svg>", "<p", ">"),
            *("<img src=http://x>", "<a href='javascript:x'>", "</a>", "<style>", "</style>", '"', "text"),
            *("<br/>", "<p style='background:url(http://x)'>", '<div class="a b">', "<iframe src=x>", "&lt;"),
            *("<!--", "-->", "<![CDATA[", "]]>"),
        )
    ),
    max_size=25,
).map("".join)


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.styles: set[str | None] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.styles.update(value for name, value in attrs if name == "style")


@given(st.one_of(PIECES, st.text(max_size=80)))
def test_nothing_but_plain_tags_survives(text: str) -> None:
    cleaned = clean_html(text)
    seen = Seen()
    seen.feed(cleaned)
    seen.close()
    assert seen.tags <= KEPT_TAGS
    assert seen.attributes <= {"class", "style", "colspan", "rowspan"}
    assert not seen.styles


@pytest.mark.parametrize(
    ("given_html", "expected"),
    [
        ('<td style="text-align:right">1</td>', '<td style="text-align:right">1</td>'),
        ('<td style="text-align:right;background:url(http://x)">1</td>', "<td>1</td>"),
        ("<p>one<p>two", "<p>one<p>two</p></p>"),
        ("a <b>bold</i> c", "a <b>bold c</b>"),
        ("<style>p{}</style><em>x</em>", "<em>x</em>"),
        ('<th colspan="2">x</th>', '<th colspan="2">x</th>'),
        ("1 &lt; 2", "1 &lt; 2"),
    ],
)
def test_what_a_page_needs_stays(given_html: str, expected: str) -> None:
    assert clean_html(given_html) == expected
