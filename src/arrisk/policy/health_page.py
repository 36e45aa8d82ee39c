"""How the health report is told: a sentence a figure, the page, the small pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import pandas as pd

from arrisk.display import Format, Table, frame_html, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.health import HealthReport

__all__ = [
    "Kind",
    "describe_change",
    "describe_health",
    "figures_table",
    "health_html",
    "plot_trend",
    "risks_table",
    "write",
]

Kind = Literal["money", "percent", "days"]
PERIODS = {"month_before": "a month", "year_before": "a year"}
LEAST: dict[str, float] = {"money": 0.5, "percent": 0.0005, "days": 0.05}
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "0.6"
PLACES = ((0.0, 0.56), (0.55, 0.56), (0.0, 0.0), (0.55, 0.0))
WIDTH, HEIGHT = 0.45, 0.36


def write(value: float, kind: Kind) -> str:
    """Write a figure for people.

    Examples
    --------
    >>> write(1234.4, "money"), write(0.1267, "percent"), write(float("nan"), "days")
    ('1,234', '12.7%', '-')
    """
    if not math.isfinite(value):
        return "-"
    if kind == "money":
        return money(value)
    return f"{value:.1%}" if kind == "percent" else f"{value:.1f} days"


def describe_change(now: float, before: float, kind: Kind, better: int, period: str) -> str:
    """A change in words: how much, and whether that is better or worse.

    Parameters
    ----------
    now, before : float
        A missing value before gives an empty text.
    kind : {"money", "percent", "days"}
    better : int
        1 when more is better, -1 when less is, 0 when neither.
    period : str
        In what time it changed.

    Examples
    --------
    >>> describe_change(110.0, 100.0, "money", -1, "a month")
    'up 10 (10%) in a month: worse'
    >>> describe_change(0.10, 0.12, "percent", -1, "a year")
    'down 2.0 points in a year: better'
    """
    if not (math.isfinite(now) and math.isfinite(before)):
        return ""
    change = now - before
    if abs(change) < LEAST[kind]:
        return f"unchanged in {period}"
    way = "up" if change > 0 else "down"
    size = f"{abs(change):,.1f} days" if kind == "days" else f"{100 * abs(change):.1f} points"
    if kind == "money":
        relative = f" ({abs(change) / abs(before):.0%})" if abs(before) >= LEAST["money"] else ""
        size = f"{abs(change):,.0f}{relative}"
    verdict = "" if better == 0 else f": {'better' if (change > 0) == (better > 0) else 'worse'}"
    return f"{way} {size} in {period}{verdict}"


def sentence(report: HealthReport, figure: str) -> str:
    """What became of a figure since a month and a year before."""
    from arrisk.policy.health import FIGURES

    facts = FIGURES[figure]
    now = report.value(figure)
    parts = [
        describe_change(now, report.value(figure, column), facts.kind, facts.better, period)
        for column, period in PERIODS.items()
    ]
    told = [part for part in parts if part]
    if not told:
        return "Nothing to compare with." if math.isfinite(now) else "Not known."
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}."


def describe_health(report: HealthReport) -> str:
    """How many of the figures with a better side got better and worse."""
    from arrisk.policy.health import FIGURES

    texts = []
    for column, period in PERIODS.items():
        ways = [
            describe_change(report.value(f), report.value(f, column), facts.kind, facts.better, period)
            for f, facts in FIGURES.items()
            if facts.better
        ]
        better, worse = (sum(w.endswith(end) for w in ways) for end in (": better", ": worse"))
        if any(ways):
            texts.append(f"{better} better and {worse} worse than {period} before")
    judged = sum(f.better != 0 for f in FIGURES.values())
    return f"Of {judged} figures, " + ", ".join(texts) if texts else "There is no earlier day to compare with"


def _headline(report: HealthReport) -> str:
    """The two figures that matter most, beside a year before where that is known."""
    told = []
    for figure, name, kind in (("overdue_share", "overdue share", "percent"), ("dso", "DSO", "days")):
        now, before = report.value(figure), report.value(figure, "year_before")
        known = f" ({write(before, kind)} a year before)" if math.isfinite(before) else ""  # type: ignore[arg-type]
        told.append(f"{name} {write(now, kind)}{known}")  # type: ignore[arg-type]
    text = ", ".join(told)
    return text[0].upper() + text[1:]


def figures_table(report: HealthReport, name: str) -> Table:
    """The figures as text, with a sentence each."""
    from arrisk.policy.health import FIGURES

    rows = [
        {
            "figure": facts.label,
            "now": write(report.value(f), facts.kind),
            "month before": write(report.value(f, "month_before"), facts.kind),
            "year before": write(report.value(f, "year_before"), facts.kind),
            "what changed": sentence(report, f),
        }
        for f, facts in FIGURES.items()
    ]
    watch, high = report.changes.days
    note = (
        f"Amounts in {report.currency}. {report.as_of:%Y-%m-%d} beside {report.month:%Y-%m-%d} and "
        f"{report.year:%Y-%m-%d}, each as known then. Better and worse compare two days; they do not say "
        f"why. Watch: more than {watch} days overdue, high risk: more than {high}; shares of customers. DSO "
        "over three months of sales; collection effectiveness of the month."
    )
    return Table(name, describe_health(report), pd.DataFrame(rows), note)


def risks_table(report: HealthReport, name: str) -> Table:
    """The largest overdue customers and what they hold together."""
    formats: dict[str, Format] = {
        **dict.fromkeys(("overdue", "disputed", "owed", "expected_loss"), "money"),
        "share": "percent",
        "oldest_days": "integer",
    }
    top = report.risks
    title = (
        f"{len(top)} customers hold {top['share'].sum():.0%} of what is overdue"
        if len(top)
        else "Nothing is overdue"
    )
    return Table(name, title, top, f"Amounts in {report.currency}. {report.losses}", formats)


def health_html(report: HealthReport) -> str:
    """The whole report as one page of tables."""
    tables = (
        figures_table(report, "health"),
        report.bridge.to_table(),
        report.changes.to_table(),
        risks_table(report, "top_risks"),
    )
    return "".join(frame_html(t.frame, t.title, t.note, t.formats) for t in tables)


def plot_trend(report: HealthReport, ax: Axes | None) -> Axes:
    """Four small pictures inside one axes: balance, overdue shares, DSO, collection effectiveness."""
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(7.0, 4.6))[1] if ax is None else ax
    ax.axis("off")
    ax.set_title(_headline(report))
    panels = [ax.inset_axes((x, y, WIDTH, HEIGHT)) for x, y in PLACES]
    _balance(panels[0], report)
    shares = {"overdue_share": ORANGE, "over_90_share": "#CC79A7"}
    _lines(panels[1], report, shares, "overdue share; below, over 90 days", 1)
    _lines(
        panels[2], report, {"dso": ORANGE, "best_possible_dso": BLUE}, "DSO, days; below, best possible", 0
    )
    _lines(panels[3], report, {"cei": "#009E73"}, "collection effectiveness", 1)
    return stamp(ax, report.as_of, "month ends, each as known then")


def _balance(panel: Axes, report: HealthReport) -> None:
    open_ = report.trend["open"] / 1000
    panel.fill_between(report.trend["month_end"], open_, color=BLUE, alpha=0.25)
    panel.plot(report.trend["month_end"], open_, color=BLUE)
    panel.set_title(f"open balance, thousand {report.currency}", fontsize=9)
    panel.yaxis.set_major_formatter("{x:,.0f}")
    panel.set_ylim(bottom=min(0.0, float(open_.min())))
    _ticks(panel)


def _lines(panel: Axes, report: HealthReport, columns: dict[str, str], title: str, percent: int) -> None:
    for column, colour in columns.items():
        panel.plot(report.trend["month_end"], report.trend[column], color=colour)
    panel.set_title(title, fontsize=9)
    panel.yaxis.set_major_formatter("{x:.0%}" if percent else "{x:.0f}")
    panel.set_ylim(bottom=0)
    _ticks(panel)


def _ticks(panel: Axes) -> None:
    from matplotlib.dates import ConciseDateFormatter, MonthLocator

    locator = MonthLocator(bymonth=(1, 7))
    panel.xaxis.set_major_locator(locator)
    panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))
