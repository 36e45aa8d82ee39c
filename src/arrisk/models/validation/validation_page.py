"""How the report on a score is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.validation.validation import Validation

__all__ = [
    "calibration_table",
    "estimates_table",
    "periods_table",
    "plot_validation",
    "rivals_table",
    "validation_finding",
]

BLUE, GREY = "#0072B2", "#8C8C8C"
FEW_DEFAULTERS = 10


def validation_finding(check: Validation) -> str:
    """Order and level in one sentence."""
    area = check.row("AUC")
    ends = f"{area['estimate']:.2f} ({area['ci_low']:.2f} to {area['ci_high']:.2f})"
    return f"The score orders customers with an AUC of {ends}; {_level_finding(check)}"


def _level_finding(check: Validation) -> str:
    ratio = check.row("observed over expected")
    times = f"{ratio['estimate']:.2f} ({ratio['ci_low']:.2f} to {ratio['ci_high']:.2f})"
    ends = f"{times} times as many defaults as expected"
    if ratio["ci_low"] > 1:
        return f"its probabilities are too low: {ends}"
    if ratio["ci_high"] < 1:
        return f"its probabilities are too high: {ends}"
    return f"nothing speaks against its level: {ends}"


def _counted(check: Validation) -> str:
    c = check.counts
    text = (
        f"{c['rows']} rows of {c['customers']} customers, {c['events']} events of {c['defaulters']} of them."
    )
    if c["defaulters"] < FEW_DEFAULTERS:
        text += f" Fewer than {FEW_DEFAULTERS} defaulters: the intervals themselves are rough."
    if c["overlapping"]:
        text += (
            f" {c['overlapping']} days of observation begin before the label window of the day before is "
            "over: a default is counted more than once."
        )
    return text


def estimates_table(check: Validation, name: str) -> Table:
    """All figures, their intervals and methods."""
    note = (
        f"{_counted(check)} {check.level:.0%} intervals with customers as units. Expected: sum of the "
        "probabilities. Brier score = reliability - resolution + uncertainty + within variance - 2 within "
        "covariance."
    )
    frame = check.table.round({"estimate": 5, "ci_low": 5, "ci_high": 5})
    return Table(name, check.finding, frame, note)


def calibration_table(check: Validation, name: str) -> Table:
    """Rates by group beside the tests."""
    lights = check.calibration["light"]
    red = [str(g) for g in check.calibration.loc[lights == "red", "group"]]
    title = (
        f"Too many defaults in {', '.join(red)}" if red else "No group has far more defaults than expected"
    )
    note = (
        f"Groups: {check.grouping}. observed with its {check.level:.0%} Jeffreys interval, counts divided by "
        "the design effect. binomial: chance of at least so many defaults; correlated: the same with "
        "correlated asset values; jeffreys: posterior chance that the probability is high enough; critical: "
        "defaults that are too many at 99%. light: red where correlated is below 0.1%, yellow below 5%."
    )
    rates = ("expected", "observed", "ci_low", "ci_high")
    formats: dict[str, Format] = dict.fromkeys(rates, "percent")
    return Table(name, title, check.calibration.round(6), note, formats)


def rivals_table(check: Validation, name: str) -> Table:
    """Differences to rivals and what they show."""
    frame = check.rivals.assign(shows=[_verdict(r) for _, r in check.rivals.iterrows()])
    beaten = int((check.rivals["ci_low"] > 0).sum())
    title = f"The score orders better than {beaten} of {len(frame)} rivals beyond doubt"
    note = f"difference: AUC of the score less that of the rival on the same rows. {_counted(check)}"
    return Table(name, title, frame.drop(columns="method").round(5), note)


def _verdict(row: pd.Series) -> str:
    if row["ci_low"] > 0:
        return "better"
    return "worse" if row["ci_high"] < 0 else "not told apart"


def periods_table(check: Validation, name: str) -> Table:
    """Order and level by day of observation."""
    table = check.periods
    off = int(((table["ci_low"] > 1) | (table["ci_high"] < 1)).sum())
    title = f"Observed defaults differ from expected on {off} of {len(table)} days of observation"
    note = f"ratio: observed over expected, {check.level:.0%} interval by customer."
    return Table(
        name, title, table.round({"expected": 3, "ratio": 4, "ci_low": 4, "ci_high": 4, "auc": 4}), note
    )


def plot_validation(check: Validation, ax: Axes | None = None) -> Axes:
    """Observed against given rates of the groups; on the diagonal they agree."""
    from matplotlib import pyplot as plt

    ax = ax if ax is not None else plt.subplots()[1]
    table = check.calibration
    x, seen = 100 * table["expected"], 100 * table["observed"]
    # Jeffreys' limits may both lie on one side of an observed rate of 0 or 1.
    bars = np.array([(seen - 100 * table["ci_low"]).clip(0), (100 * table["ci_high"] - seen).clip(0)])
    top = 1.05 * float(max(x.max(), (100 * table["ci_high"]).max()))
    ax.plot([0, top], [0, top], color=GREY, lw=1, ls="--", label="as given")
    ax.errorbar(x, seen, yerr=bars, fmt="o", capsize=4, color=BLUE, label=f"observed, {check.level:.0%}")
    ax.set(xlabel="probability given, %", ylabel="share that defaulted, %", xlim=(0, None), ylim=(0, top))
    ax.set_title(_headline(check))
    ax.legend(loc="upper left")
    remark = f"{check.counts['defaulters']} defaulters"
    return stamp(ax, check.as_of, remark) if check.as_of is not None else ax


def _headline(check: Validation) -> str:
    ratio = check.row("observed over expected")
    word = (
        "Level too low"
        if ratio["ci_low"] > 1
        else "Level too high"
        if ratio["ci_high"] < 1
        else "Level not refuted"
    )
    ends = f"{ratio['ci_low']:.2f} to {ratio['ci_high']:.2f}"
    return f"{word}: {ratio['estimate']:.2f} times the defaults expected ({ends})"
