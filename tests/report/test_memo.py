"""The memo: safe, offline, complete, the same every time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
from markupsafe import escape

from arrisk.display import Table
from arrisk.report.contents import Report
from arrisk.report.memo import render_memo, render_page
from tests.report.stage import SCRIPT, cannot_say, make_notebook, make_recommendation, shown


class Page(HTMLParser):
    """Tags, addresses and text of a page; fails on a tag that is closed but was not open."""

    void = frozenset({"br", "hr", "img", "meta", "link", "line", "circle"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = ("src", "href", "srcset", "action", "data", "poster", "background")
        self.addresses += [value or "" for name, value in attrs if name in names]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.void:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def assert_offline(text: str) -> Page:
    page = Page(text)
    assert page.open == []
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert not re.search(r"url\(|@import|https?://", text)
    assert "script" not in page.tags
    assert "link" not in page.tags
    return page


def test_the_memo_is_offline_and_well_formed(full_report: Report) -> None:
    page = assert_offline(render_memo(full_report))
    assert page.tags.count("img") == 1


def test_the_memo_is_the_same_every_time(full_report: Report) -> None:
    assert render_memo(full_report) == render_memo(full_report)


def test_text_of_the_ledger_is_escaped_everywhere(build_report: Callable[..., Report]) -> None:
    hostile = make_recommendation(
        decision=SCRIPT, answer=SCRIPT, scope=SCRIPT, design=SCRIPT, experiment=SCRIPT, notes=(SCRIPT,)
    )
    table = Table("checks", SCRIPT, pd.DataFrame({SCRIPT: [SCRIPT]}), SCRIPT)
    head = Table(
        "headline", SCRIPT, pd.DataFrame({"a": [SCRIPT, "x"], "b": [SCRIPT, "y"], "c": [SCRIPT, "z"]})
    )
    report = build_report(make_notebook(SCRIPT, shown(hostile, table, head, memo=True)))
    text = render_memo(replace(report, title=SCRIPT, name=SCRIPT, complete=False))
    page = assert_offline(text)
    assert "<script" not in text
    assert "".join(page.texts).count(SCRIPT) > 12
    assert "<script" not in render_page(SCRIPT, SCRIPT, "<p>x</p>")


def test_the_first_page_answers(full_report: Report) -> None:
    text = render_memo(full_report)
    first = text[: text.index('<section class="chapter">')]
    assert "31 December 2025" in first
    assert ">EUR 4,218,330<" in first
    assert ">23.1%<" in first
    assert ">47.3 days<" in first
    assert ">DSO<" in first
    assert "1 keep · 1 reject · 1 the data cannot say" in first
    assert len(re.findall(r"<tr>\s*<td class=\"question\">", first)) == 3
    for decision in full_report.decisions:
        assert decision.verdict.replace(" ", "-") in first
    assert "EUR -17,808 a year" in first
    assert "95% interval EUR -31,250 to -4,400 a year" in first
    assert "Cost of capital above 16.3% a year." in first
    assert "Ask two insurers for the loss record" in first
    assert "none can be given" in first


def test_a_headline_may_have_a_row_a_figure(build_report: Callable[..., Report]) -> None:
    frame = pd.DataFrame(
        {"figure": ["open balance", "dso"], "value": ["EUR 5", "40 days"], "remark": ["", "x-y"]}
    )
    text = render_memo(build_report(make_notebook("Q", shown(Table("headline", "H", frame)))))
    assert "<dt>DSO</dt><dd>40 days<small>x-y</small></dd>" in text


def test_a_part_of_a_study_says_so(build_report: Callable[..., Report]) -> None:
    text = render_memo(build_report(make_notebook("Only this?", shown(cannot_say())), complete=False))
    assert "part of the study only" in text
    assert "part of the study only" not in render_memo(build_report(make_notebook("Q", shown(cannot_say()))))


def test_assumptions_come_with_sources_and_plain_units(full_report: Report) -> None:
    text = render_memo(full_report)
    table = text[text.index('<table class="assumptions">') :]
    row = re.search(r"<tr><td>premium rate</td>.*?</tr>", table)
    assert row is not None
    assert ">0.3%<" in row.group()
    assert ">0.1% to 0.6%<" in row.group()
    assert ">of covered sales<" in row.group()
    assert "typical value" in row.group()
    assert full_report.assumptions.note
    assert str(escape(full_report.assumptions.note)) in text


def test_the_memo_tells_how_it_was_made(full_report: Report) -> None:
    text = render_memo(full_report)
    assert full_report.digest[:16] in text
    assert "books/invoices.csv" in text
    assert "pandas " in text
    assert "Rows and money at the door" in text
    assert "2 invoices without a due date: kept" in text


def test_a_run_without_recommendations_still_makes_a_page(build_report: Callable[..., Report]) -> None:
    page = assert_offline(render_memo(build_report(make_notebook("Empty"))))
    assert "No notebook of this run ended in a recommendation." in page.texts
