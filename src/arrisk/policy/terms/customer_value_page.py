"""Go on, restrict or stop: as tables, a picture and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, stamp
from arrisk.policy.grade_terms.page import capital, join_words, name_of
from arrisk.policy.terms.pictures import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.terms.customer_value import CustomerValue

__all__ = ["customers_table", "describe_choices", "grades_table", "plot_choices"]

GOOD, AMBER, BAD, INK = "#0072B2", "#E69F00", "#D55E00", "#262626"


def describe_choices(value: CustomerValue) -> str:
    """Which grades to go on with, restrict or stop."""
    parts = []
    for choice in ("go on", "restrict", "stop"):
        names = [name_of(str(g)) for g in value.grades.loc[value.grades["choice"] == choice, "grade"]]
        if names:
            parts.append(f"{choice}{' with' if choice == 'go on' else ''} {join_words(names)}")
    return capital("; ".join(parts)) if parts else "Nobody bought anything on known terms in the last year"


def grades_table(value: CustomerValue, name: str) -> Table:
    """Value of each choice per 100 of yearly sales, and what flips it."""
    columns = ["grade", "sales", "pd", "go_on", "go_on_low", "go_on_high", "restrict", "waiting"]
    frame = value.grades[[*columns, "choice", "chance", "restrict_at", "stop_at"]].rename(
        columns={"pd": "default_in_quarter", "waiting": "of_it_waiting"}
    )
    formats: dict[str, Format] = {
        "sales": "money",
        **dict.fromkeys(("default_in_quarter", "chance", "restrict_at", "stop_at"), "percent"),
        **dict.fromkeys(("go_on", "go_on_low", "go_on_high", "restrict", "of_it_waiting"), "days"),
    }  # type: ignore[dict-item]
    given = {a.name: a for a in value.assumptions}
    note = (
        f"Per 100 of yearly sales, over {value.periods} quarters; stopping is worth 0. Go on, restrict: this "
        f"quarter, the best choice in every later one. Restrict leaves {value.exposure_left:.0%} of the "
        f"exposure and loses {given['restriction_loss'].value:.0%} of sales. Of it waiting: what being able "
        "to choose again, once more is known, adds to the best commitment. Restrict at, stop at: chance of "
        "default in a quarter from which that is better; blank: none. A customer's own quarters count like "
        f"the grade's after {given['learning_periods'].value:.0f}; {given['customer_churn'].value:.0%} leave "
        f"in a year. {value.level:.0%} intervals."
    )
    return Table(name, value.finding(), frame.round(6), note, formats)


def customers_table(value: CustomerValue, name: str, most: int) -> Table:
    """Customers whose default rate is nearest to, or beyond, the one that flips the choice."""
    rows = value.customers
    room = rows["restrict_at"].where(rows["choice"] == "go on", rows["stop_at"]) / rows["pd"]
    frame = rows.assign(times_to_flip=room).sort_values(
        ["times_to_flip", "customer_id"], kind="stable", ignore_index=True
    )
    frame = frame.head(most)[
        ["customer_id", "grade", "sales", "pd", "go_on", "restrict", "choice", "times_to_flip"]
    ].rename(columns={"pd": "default_in_quarter"})
    formats: dict[str, Format] = {
        **dict.fromkeys(("sales", "go_on", "restrict"), "money"),
        "default_in_quarter": "percent",
        "times_to_flip": "days",
    }  # type: ignore[dict-item]
    count = int((rows["choice"] != "go on").sum())
    title = f"{count} of {len(rows):,} customers are worth more restricted or stopped"
    note = (
        f"{value.currency}. Times to flip: the default rate at which the choice turns over the customer's "
        "own. At the points of the ranges; everything else as in the table by grade."
    )
    return Table(name, title, frame.round(6), note, formats)


def plot_choices(value: CustomerValue, ax: Axes | None = None) -> Axes:
    """A bar a grade: where going on, restricting and stopping are best, and where the grade stands."""
    from matplotlib import pyplot as plt

    ax = plt.gca() if ax is None else ax
    rows = value.grades
    for y, row in enumerate(rows.to_dict("records")):
        turn = 1.0 if np.isnan(row["restrict_at"]) else float(row["restrict_at"])
        stop = 1.0 if np.isnan(row["stop_at"]) else max(float(row["stop_at"]), turn)
        ends = (("go on", 0.0, turn, GOOD), ("restrict", turn, stop, AMBER), ("stop", stop, 1.0, BAD))
        for label, low, high, colour in ends:
            name = label if y == 0 else None
            ax.barh(y, 100 * (high - low), left=100 * low, color=colour, alpha=0.45, label=name)
        ax.plot(100 * row["pd"], y, "o", color=INK, ms=8, label="the grade today" if y == 0 else None)
    ax.set_yticks(range(len(rows)), [str(g) for g in rows["grade"]])
    ax.invert_yaxis()
    ax.set_xscale("symlog", linthresh=1.0)
    ax.set_xlim(0, 100)
    ax.set_xticks([0, 1, 3, 10, 30, 100], ["0%", "1%", "3%", "10%", "30%", "100%"])
    ax.set_xlabel("chance of default within a quarter")
    ax.legend(frameon=False, fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.4, 1.0))
    ax.set_title(wrapped(value.finding()), pad=24)
    return stamp(ax, value.as_of)
