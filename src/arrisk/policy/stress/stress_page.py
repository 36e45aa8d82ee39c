"""How a stress test is shown: tables of losses and promises, cash by week."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.models.cash.forecast_page import scale_of
from arrisk.policy.stress.runs import BASELINE
from arrisk.policy.stress.scenarios import DebtorDefault, IndustryDownturn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.stress.stress_report import StressReport

__all__ = [
    "find_worst",
    "headroom_table",
    "insurance_table",
    "loss_table",
    "plot_headroom",
    "plot_losses",
    "plot_paths",
    "scenario_table",
]

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "0.35"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
SHOWN = 5
UNITS: dict[str, Format] = {"currency": "money", "fraction": "percent", "times": "number"}
AMOUNTS = ["owed", "loss", "loss_low", "loss_high", "insured", "missing", "lowest", "lowest_low"]


def find_worst(report: StressReport) -> str:
    """Which scenario takes most, and what it leaves, in one sentence."""
    tried = report.table[report.table["scenario"] != BASELINE]
    if tried.empty:
        return "No scenario is tried"
    worst = str(tried["scenario"].iloc[int(tried["missing"].argmax())])
    lead = (
        f"'{worst}' takes {money(report.value(worst, 'missing'), report.currency)} of "
        f"{report.book.receipts.weeks} weeks' receipts"
    )
    if report.sheet.liquidity is None:
        return f"{lead}; without a balance sheet nobody can say whether that is too much"
    lowest, week = report.value(worst, "lowest"), report.value(worst, "lowest_week")
    return f"{lead} and leaves {money(lowest)} of liquidity in week {week:.0f}"


def loss_table(report: StressReport, name: str) -> Table:
    """Loss of a year and cash of the horizon by scenario."""
    frame = report.table[["scenario", "failing", *AMOUNTS, "lowest_week", "shortfall", "p_short"]].copy()
    if report.sheet.liquidity is None:
        frame = frame.drop(columns=["shortfall", "p_short"])
    formats: dict[str, Format] = dict.fromkeys(AMOUNTS, "money")
    formats |= {"shortfall": "money", "p_short": "percent", "failing": "integer", "lowest_week": "integer"}
    return Table(name, report.finding(), frame, _note(report), formats)


def _note(report: StressReport) -> str:
    book, weeks = report.book, report.book.receipts.weeks
    known = report.sheet.liquidity is not None
    lowest = "liquidity (cash, near cash, undrawn line)" if known else "cash, as a change since today,"
    words = (
        f"Amounts in {report.currency}. Loss: expected in a year given the scenario; low and high: its "
        f"{report.level:.0%} range over {report.runs[BASELINE].events.draws:,} simulated years, correlation "
        f"{book.dependence.rho:.2f} (industries {book.dependence.industry_rho:.2f} on top). Missing: "
        f"receipts that do not come within {weeks} weeks. Lowest: {lowest} at its lowest week's end, with "
        f"the low end of its range. Planned payments of {money(float(book.payments[0]))} a week go on. "
        f"{_short(report)}{_insurer(report)}"
    )
    words += "".join(f" {remark}." for remark in report.remarks)
    return f"{words} What if: {report.what_if}." if report.what_if else words


def scenario_table(report: StressReport, name: str) -> Table:
    """What each scenario says, and the share of customers that fail in its years."""
    rows = [(BASELINE, "all customers", math.nan, 0.0, _rate(report, BASELINE))]
    for scenario in report.scenarios:
        chance, days = math.nan, 0.0
        if isinstance(scenario, DebtorDefault):
            names = report.book.portfolio.name[report.runs[scenario.name].failed].astype(str).tolist()
            who = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        else:
            chance = math.nan if scenario.chance is None else scenario.chance
            days = scenario.delay_days
            who = scenario.industry if isinstance(scenario, IndustryDownturn) else "all customers"
        rows.append((scenario.name, who, chance, days, _rate(report, scenario.name)))
    columns = ["scenario", "who", "chance", "days_later", "customers_failing"]
    frame = pd.DataFrame(rows, columns=columns)
    note = (
        "Chance: how rare the year is; the factor of defaults stands at this quantile (Vasicek). Days later: "
        "stated, not estimated; they build up within weeks. Customers failing: share of all within the year, "
        "named ones included. Own scenarios: [[settings.stress.scenario]] of the study."
    )
    formats: dict[str, Format] = {"chance": "percent", "customers_failing": "percent", "days_later": "days"}
    return Table(name, f"{len(report.scenarios)} scenarios are tried", frame, note, formats)


def _rate(report: StressReport, scenario: str) -> float:
    run = report.runs[scenario]
    return run.mean(np.diff(run.events.start)) / len(report.book.portfolio)


def _short(report: StressReport) -> str:
    if report.sheet.liquidity is None:
        return ""
    return (
        f"Shortfall: expected money that would have to be found to keep {money(report.sheet.minimum_cash)}; "
        "p short: how often that happens. "
    )


def _insurer(report: StressReport) -> str:
    policy = report.book.policy
    if policy is None:
        return "Not insured."
    wait = policy.waiting_days + policy.payment_days
    return (
        f"Insured by '{policy.name}', which pays {wait:.0f} days after a failure; "
        "its cash counts from then on."
    )


def insurance_table(report: StressReport, name: str) -> Table:
    """Loss with and without insurance, and what the insurer pays within the horizon."""
    columns = ["loss", "insured", "retained", "missing", "insured_in_time"]
    frame = report.table[["scenario", *columns]]
    late = frame["insured_in_time"].sum() < 0.01 * max(float(frame["insured"].sum()), 1e-12)
    if report.book.policy is None:
        title = "Nothing is insured"
    elif late:
        title = "Insurance bears part of the loss, but none of the first weeks' cash"
    else:
        title = "Insurance bears part of the loss, and some of it in time"
    note = (
        f"Amounts in {report.currency}, expected. Loss, insured and retained: of a year, recoveries shared. "
        f"Missing, insured in time: within {report.book.receipts.weeks} weeks. {_insurer(report)}"
    )
    return Table(name, title, frame, note, dict.fromkeys(columns, "money"))


def headroom_table(report: StressReport, name: str) -> Table:
    """Covenants as they stand, and their headroom before and after each scenario."""
    frame = report.headroom
    if frame.empty:
        return Table(
            name,
            "No covenant is given: add [[settings.stress.covenant]] to the study",
            pd.DataFrame({"covenant": [], "limit": []}),
        )
    note = (
        "Value of each ratio in the middle of the simulated years, and how often the promise is broken; the "
        f"first row is the limit, '{BASELINE}' is before any scenario. {_definitions(report)}"
    )
    shown, formats = _wide(report)
    return Table(name, _find_breach(report), shown, note, formats)


def _wide(report: StressReport) -> tuple[pd.DataFrame, dict[str, Format]]:
    """One row a scenario, two columns a covenant, the limits on top."""
    frame, formats = report.headroom, dict[str, Format]()
    scenarios = list(report.runs)
    shown = pd.DataFrame({"scenario": ["limit", *scenarios]})
    for covenant in report.covenants:
        own = frame[frame["covenant"] == covenant.name].set_index("scenario").loc[scenarios]
        shown[covenant.name] = [covenant.limit, *own["value"]]
        shown[f"{covenant.name} broken"] = [np.nan, *own["p_breach"]]
        formats[covenant.name] = UNITS[covenant.unit]
        formats[f"{covenant.name} broken"] = "percent"
    return shown, formats


def _definitions(report: StressReport) -> str:
    from arrisk.policy.stress.covenants import RATIOS

    told = [f"{c.name}: {c.ratio} = {RATIOS[c.ratio].meaning} ({c.unit})" for c in report.covenants]
    gaps = report.headroom.loc[report.headroom["missing"] != "", ["covenant", "missing"]].drop_duplicates()
    told += [f"{c} needs {m} of [settings.stress.balance_sheet]" for c, m in gaps.itertuples(index=False)]
    return ". ".join(told) + "."


def _find_breach(report: StressReport) -> str:
    frame = report.headroom
    known = frame[frame["missing"] == ""]
    if known.empty:
        return "No covenant can be told: figures of the balance sheet are missing"
    before = known[(known["scenario"] == BASELINE) & (known["headroom"] < 0)]["covenant"].tolist()
    if before:
        return f"Broken before any scenario: {', '.join(before)}"
    broken = known[known["headroom"] < 0]
    if broken.empty:
        return "Every promise to lenders holds in the middle of every scenario"
    counts = broken.groupby("covenant", sort=False).size()
    tried = len(report.runs) - 1
    return f"Broken, of {tried} scenarios: " + ", ".join(f"{c} by {n}" for c, n in counts.items())


def plot_losses(report: StressReport, ax: Axes | None) -> Axes:
    """Loss of a year and missing receipts by scenario, with their ranges."""
    ax = _axes(ax)
    frame = report.table.iloc[::-1].reset_index(drop=True)
    unit, word = scale_of(float(frame[["loss_high", "missing_high"]].to_numpy().max()))
    y = np.arange(len(frame))
    for shift, column, colour, label in (
        (0.18, "loss", BLUE, "credit loss of a year"),
        (-0.18, "missing", ORANGE, f"receipts missing within {report.book.receipts.weeks} weeks"),
    ):
        middle = frame[column].to_numpy(float) / unit
        reach = [
            np.maximum(middle - frame[f"{column}_low"].to_numpy(float) / unit, 0.0),
            np.maximum(frame[f"{column}_high"].to_numpy(float) / unit - middle, 0.0),
        ]
        ax.barh(y + shift, middle, height=0.34, color=colour, alpha=0.75, label=label)
        ax.errorbar(middle, y + shift, xerr=reach, fmt="none", ecolor="0.2", capsize=2, lw=1)
    ax.set_yticks(y, frame["scenario"].tolist())
    ax.set_xlabel(f"{report.currency}{word}, expected and {report.level:.0%} range")
    ax.set_xlim(left=min(0.0, ax.get_xlim()[0]))
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.set_title(report.finding().replace(" and leaves", "\nand leaves").replace("; ", ";\n"))
    ax.legend(loc="upper right")
    return stamp(ax, report.as_of)


def plot_paths(report: StressReport, ax: Axes | None) -> Axes:
    """Liquidity (or its change since today) by week and scenario; the band is that of any year."""
    ax = _axes(ax)
    frame = report.paths
    unit, word = scale_of(float(frame[["expected", "low", "high"]].abs().to_numpy().max()))
    names = list(dict.fromkeys(frame["scenario"]))
    band = frame[frame["scenario"] == BASELINE]
    low, high = (band[c].to_numpy(float) / unit for c in ("low", "high"))
    ax.fill_between(
        band["week"], low, high, color=GREY, alpha=0.15, lw=0, label=f"{BASELINE}, {report.level:.0%}"
    )
    for colour, name in zip((GREY, *COLOURS * 3), names, strict=False):
        own = frame[frame["scenario"] == name]
        ax.plot(own["week"], own["expected"] / unit, color=colour, marker="o", ms=3, label=name)
    floor = report.sheet.minimum_cash if report.sheet.liquidity is not None else 0.0
    ax.axhline(floor / unit, color="0.2", ls="--", lw=1)
    what = "liquidity" if report.sheet.liquidity is not None else "change of cash since today"
    ax.set(xlabel="week ahead", ylabel=f"{what}, {report.currency}{word}")
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.set_title(_find_path(report))
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return stamp(ax, report.as_of, "dashed: what must be left" if report.sheet.liquidity is not None else "")


def _find_path(report: StressReport) -> str:
    tried = report.table
    worst = int(tried["lowest"].argmin())
    amount = money(float(tried["lowest"].iloc[worst]), report.currency)
    if report.sheet.liquidity is None:
        return f"At worst cash is {amount} against today, in week {tried['lowest_week'].iloc[worst]}"
    below = int((tried["lowest"] < report.sheet.minimum_cash).sum())
    if not below:
        return f"Liquidity stays at {amount} or more in the middle of every scenario"
    return f"Too little cash in {below} of {len(tried)} cases; at worst {amount}"


def plot_headroom(report: StressReport, ax: Axes | None) -> Axes:
    """Headroom of each covenant before and after, as a share of its limit."""
    ax = _axes(ax)
    frame = report.headroom[report.headroom["missing"] == ""]
    ax.set_title(_find_breach(report) if len(report.headroom) else "No covenant is given")
    if frame.empty:
        ax.set(xticks=[], yticks=[])
        return stamp(ax, report.as_of)
    covenants = list(dict.fromkeys(frame["covenant"]))
    scenarios = list(dict.fromkeys(frame["scenario"]))
    for k, scenario in enumerate(scenarios):
        own = frame[frame["scenario"] == scenario].set_index("covenant").loc[covenants]
        scale = np.array([_scale(frame, covenant) for covenant in covenants])
        y = np.arange(len(covenants)) + 0.36 - 0.72 * k / max(len(scenarios) - 1, 1)
        middle, low = own["headroom"].to_numpy(float) / scale, own["low"].to_numpy(float) / scale
        colour = (GREY, *COLOURS * 3)[k]
        ax.hlines(y, np.maximum(low, -2.0), middle, color=colour, lw=1.5, alpha=0.6)
        ax.plot(middle, y, "o", color=colour, ms=6, label=scenario)
    ax.axvline(0.0, color="0.2", ls="--", lw=1)
    ax.set_yticks(np.arange(len(covenants)), covenants)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}")
    ax.set_xlabel("headroom, share of the limit; line to the low end of its range")
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return stamp(ax, report.as_of)


def _scale(frame: pd.DataFrame, covenant: str) -> float:
    """What headroom is a share of: the limit, or where that is zero the value before any scenario."""
    own = frame[frame["covenant"] == covenant].iloc[0]
    return float(abs(own["limit"]) or abs(own["value"]) or 1.0)


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    made: Axes = plt.subplots()[1]
    return made
