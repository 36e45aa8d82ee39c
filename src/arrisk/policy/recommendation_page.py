"""How a recommendation looks: plain text for a terminal, escaped HTML for a notebook or a memo."""

from __future__ import annotations

import math
import re
import textwrap
from html import escape
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from arrisk.policy.assumptions import Assumption
    from arrisk.policy.recommendation import Estimate, Option, Recommendation

__all__ = ["RECOMMENDATION_MIME", "Verdict", "quantity", "recommendation_html", "recommendation_text"]

Verdict = Literal["adopt", "keep", "reject", "the data cannot say"]
RECOMMENDATION_MIME = "application/vnd.arrisk.recommendation+json"
# Okabe and Ito's colours, darkened to reach a contrast of 4.5 on white; the sign carries the meaning too.
BADGES = {
    "adopt": ("#0060a0", "\u2713", "Adopt"),
    "keep": ("#00735a", "=", "Keep"),
    "reject": ("#b04a00", "\u2715", "Reject"),
    "the data cannot say": ("#5a5a5a", "?", "The data cannot say"),
}
# `:where` has no specificity, so the style sheet of a memo overrides every rule here.
STYLE = """<style>
:where(.arrisk-rec){font:14px/1.5 system-ui,"Segoe UI",Helvetica,Arial,sans-serif;color:#1c1c1c;
background:#fff;border:1px solid #d5d5d5;border-radius:8px;padding:16px 20px;margin:8px 0;
max-width:860px;text-align:left}
:where(.arrisk-rec-decision){font-size:13px;color:#555;margin:0 0 6px}
:where(.arrisk-rec-badge){display:inline-block;color:#fff;font-weight:600;border-radius:4px;
padding:2px 10px}
:where(.arrisk-rec-answer){font-size:17px;line-height:1.4;margin:10px 0}
:where(.arrisk-rec-facts){margin:10px 0;display:grid;grid-template-columns:max-content 1fr;gap:3px 14px}
:where(.arrisk-rec-facts dt){color:#555;margin:0;font-weight:400}
:where(.arrisk-rec-facts dd){margin:0}
:where(.arrisk-rec table){border-collapse:collapse;margin:10px 0;font-size:13px;width:100%}
:where(.arrisk-rec caption){text-align:left;font-weight:600;padding:4px 0}
:where(.arrisk-rec th){font-weight:600;border-bottom:1px solid #999;padding:3px 8px;text-align:left}
:where(.arrisk-rec td){border-bottom:1px solid #e6e6e6;padding:3px 8px;vertical-align:top;text-align:left}
:where(.arrisk-rec .num){text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
:where(.arrisk-rec summary){cursor:pointer;color:#555}
:where(.arrisk-rec ul){margin:6px 0;padding-left:20px;color:#333;font-size:13px}
</style>"""
BAR_WIDTH = 150


def quantity(value: float | None, unit: str) -> str:
    """Write a number with its unit for people.

    A unit that starts with a currency code is money; one that starts with "fraction", "probability" or
    "per year" (an annual rate) a percentage; one that starts with "days" a duration; anything else follows
    the number.

    Examples
    --------
    >>> quantity(-17808.4, "EUR a year"), quantity(0.0105, "fraction of sales"), quantity(12, "days")
    ('EUR -17,808 a year', '1.05% of sales', '12.0 days')
    >>> quantity(0.08, "per year, 365")
    '8% per year, 365'
    """
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "unbounded" if value > 0 else "-unbounded"
    money = re.match(r"([A-Z]{3})(?:\b|$)(.*)", unit)
    if money:
        digits = 0 if abs(value) >= 100 or value == 0 else 2
        return f"{money[1]} {value:,.{digits}f}{money[2].replace('/', ' a ')}"
    share = re.match(r"(?:fraction|probability)\b(.*)|(?=per year\b)", unit)
    if share:
        words = f" {unit}" if share[1] is None else share[1]
        return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%" + words
    if re.match(r"days\b", unit):
        return f"{value:,.1f} {unit}"
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
    return f"{number} {unit}".strip()


def interval(low: float | None, high: float | None, unit: str) -> str:
    """Write an interval for people, the unit once; empty when it has no ends or no width.

    Examples
    --------
    >>> interval(58.2, 1474.1, "EUR a year"), interval(0.01, 0.02, "fraction of sales")
    ('EUR 58 to 1,474 a year', '1% to 2% of sales')
    """
    if (low is None and high is None) or low == high:
        return ""
    ends = [quantity(end, unit) for end in (low, high)]
    money = re.match(r"[A-Z]{3}\b", unit)
    if money and low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        digits = 0 if max(abs(low), abs(high)) >= 100 else 2
        tail = unit[3:].replace("/", " a ")
        return f"{money[0]} {low:,.{digits}f} to {high:,.{digits}f}{tail}"
    first, second = ends
    tail = _common_tail(first, second)
    return f"{first.removesuffix(tail)} to {second}"


def _common_tail(one: str, two: str) -> str:
    """The words after the number that both texts end with."""
    words = [text.partition(" ")[2] for text in (one, two)]
    return " " + words[0] if words[0] and words[0] == words[1] else ""


def _range(a: Assumption) -> str:
    """The range of an assumption without the words of its unit."""
    if not a.is_range:
        return "fixed"
    percent = re.match(r"(?:fraction|probability|per year)\b", a.unit)
    return interval(a.low, a.high, "fraction" if percent else "")


def _estimate_words(e: Estimate) -> str:
    return (
        f"{quantity(e.value, e.unit)} ({e.level:.0%} interval {interval(e.low, e.high, e.unit)}; {e.method})"
    )


def _design_words(r: Recommendation) -> str:
    head = "identified" if r.identified else "not identified"
    return f"{head}: {r.design}" if r.design else head


def _facts(r: Recommendation) -> list[tuple[str, str]]:
    facts = [("Applies to", r.scope), ("As of", f"{r.as_of:%Y-%m-%d}")]
    if r.expected_value is not None:
        facts.append(("Expected value", _estimate_words(r.expected_value)))
    if r.flip is not None:
        facts.append(("What would flip it", r.flip.sentence))
    facts.append(("Identification", _design_words(r)))
    if r.experiment:
        facts.append(("Cheapest next experiment", r.experiment))
    return facts


def recommendation_text(r: Recommendation, width: int = 100) -> str:
    """Plain text of a recommendation, lines of at most `width` characters.

    Parameters
    ----------
    r : Recommendation
        Shown in full, with its assumptions and notes.
    width : int
        Characters a line.
    """
    _, _, label = BADGES[r.verdict]
    lines = [r.decision, f"{label.upper()}. {r.answer}", ""]
    lines += [f"{name}: {text}" for name, text in _facts(r)]
    if r.options:
        lines += ["", "Options compared"]
        lines += [f"  - {_option_words(o)}" for o in r.options]
    if r.assumptions:
        lines += ["", "Assumptions"]
        lines += [
            f"  - {a.name} {quantity(a.value, a.unit)} ({_range(a)}); source: {a.source}"
            for a in r.assumptions
        ]
    if r.notes:
        lines += ["", "Notes"]
        lines += [f"  - {note}" for note in r.notes]
    return "\n".join(_wrap(line, width) for line in lines)


def _option_words(o: Option) -> str:
    spread = interval(o.low, o.high, o.unit)
    words = f"{o.name}: {quantity(o.value, o.unit)}" + (f" ({spread})" if spread else "")
    return f"{words}; {o.note}" if o.note else words


def _wrap(line: str, width: int) -> str:
    first, later = ("  ", "    ") if line.startswith("  - ") else ("", "  ")
    return textwrap.fill(" ".join(line.split()), width, initial_indent=first, subsequent_indent=later)


def recommendation_html(r: Recommendation) -> str:
    """Self-contained HTML of a recommendation; every text is escaped, no script, nothing from the web.

    Parameters
    ----------
    r : Recommendation
        Shown as a card: badge, answer, facts, options with intervals drawn to one scale, assumptions, notes.
    """
    colour, sign, label = BADGES[r.verdict]
    slug = r.verdict.replace(" ", "-")
    facts = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in _facts(r))
    return (
        f'{STYLE}<section class="arrisk-rec arrisk-rec-{slug}">'
        f'<p class="arrisk-rec-decision">{escape(r.decision)}</p>'
        f'<span class="arrisk-rec-badge" style="background:{colour}">{sign} {label}</span>'
        f'<p class="arrisk-rec-answer">{escape(r.answer)}</p>'
        f'{_options_html(r.options)}<dl class="arrisk-rec-facts">{facts}</dl>'
        f"{_assumptions_html(r)}{_notes_html(r.notes)}</section>"
    )


def _options_html(options: tuple[Option, ...]) -> str:
    if not options:
        return ""
    drawn = len({o.unit for o in options}) == 1 and sum(o.value is not None for o in options) > 1
    ends = [v for o in options for v in (o.value, o.low, o.high) if v is not None and math.isfinite(v)]
    scale = (min([0.0, *ends]), max([0.0, *ends]))
    noted = any(o.note for o in options)
    head = '<th>option</th><th class="num">value</th><th class="num">interval</th>'
    head += ("<th></th>" if drawn else "") + ("<th>remark</th>" if noted else "")
    rows = "".join(
        f'<tr><td>{escape(o.name)}</td><td class="num">{escape(quantity(o.value, o.unit))}</td>'
        f'<td class="num">{escape(interval(o.low, o.high, o.unit))}</td>'
        + (f"<td>{_bar(o, scale)}</td>" if drawn else "")
        + (f"<td>{escape(o.note)}</td>" if noted else "")
        + "</tr>"
        for o in options
    )
    return (
        f"<table><caption>Options compared</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _bar(o: Option, scale: tuple[float, float]) -> str:
    """A dot with its interval on a scale shared by all options; the grey line is zero."""
    first, last = scale
    if o.value is None or not math.isfinite(o.value) or last <= first:
        return ""

    def at(value: float | None, open_end: float) -> float:
        bounded = open_end if value is None or not math.isfinite(value) else value
        return 4 + (BAR_WIDTH - 8) * (min(max(bounded, first), last) - first) / (last - first)

    low, high, dot, zero = at(o.low, o.value), at(o.high, o.value), at(o.value, o.value), at(0.0, 0.0)
    colour = "#0060a0" if o.value >= 0 else "#b04a00"
    return (
        f'<svg width="{BAR_WIDTH}" height="14" role="img" aria-label="interval">'
        f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="14" stroke="#bbb"/>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="7" y2="7" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{dot:.1f}" cy="7" r="4" fill="{colour}"/></svg>'
    )


def _assumptions_html(r: Recommendation) -> str:
    if not r.assumptions:
        return ""
    rows = "".join(
        f"<tr><td>{escape(a.name.replace('_', ' '))}</td>"
        f'<td class="num">{escape(quantity(a.value, a.unit))}</td>'
        f'<td class="num">{escape(_range(a))}</td><td>{escape(a.source)}</td></tr>'
        for a in r.assumptions
    )
    return (
        '<table><caption>Assumptions</caption><thead><tr><th>assumption</th><th class="num">value</th>'
        f'<th class="num">range</th><th>source</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _notes_html(notes: tuple[str, ...]) -> str:
    return "<ul>" + "".join(f"<li>{escape(n)}</li>" for n in notes) + "</ul>" if notes else ""
