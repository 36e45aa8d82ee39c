"""How pay days are shown: customers by pay run, and how far they keep to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Table, stamp
from arrisk.models.payment.calendar import MONTH_END, RUNS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.payment.pay_days import PayDays

__all__ = ["pay_days_table", "plot_pay_days"]


def pay_days_table(found: PayDays, name: str) -> Table:
    """One row a run: customers, payments, and the share of these on the run's days against all days."""
    frame = _by_run(found)
    frame["days_on_run"] = frame["pays"].map(found.diagnostics["days_on_run"])
    note = (
        f"Known where the probability is at least {found.sure:.0%}; an unknown customer counts as one that "
        f"pays on any day. On run: share of these customers' payment days that fall on the days of the run; "
        f"days on run: what that share would be without one. Calendar: {found.calendar}; "
        f"{found.diagnostics['payments_on_closed_days']} payments on closed days are left out, and those "
        f"that a discount timed. As of {found.as_of:%Y-%m-%d}."
    )
    formats = {"share": "percent", "on_run": "percent", "days_on_run": "percent"}
    return Table(name, _finding(found), frame, note, formats)  # type: ignore[arg-type]


def plot_pay_days(found: PayDays, ax: Axes | None) -> Axes:
    """Bars of the share of customers by run."""
    frame = _by_run(found)
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots()[1]
    place = np.arange(len(frame))
    ax.barh(place, frame["share"])
    ax.set_yticks(place, frame["pays"])
    ax.invert_yaxis()
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}")
    ax.set_xlabel("share of customers")
    ax.set_ylabel("pays on")
    ax.set_title(_finding(found))
    return stamp(ax, found.as_of, f"known from a probability of {found.sure:.0%} on")


def _by_run(found: PayDays) -> pd.DataFrame:
    """Customers by run in the order of the runs, the unknown ones last."""
    table = found.table.assign(kept=found.table["on_run"] * found.table["payments"])
    sums = table.groupby("words").agg(
        customers=("words", "size"), payments=("payments", "sum"), kept=("kept", "sum")
    )
    sums = sums.reindex([*RUNS, "unknown"]).fillna(0.0)
    has_days = sums.index.isin(RUNS[1:]) & (sums["payments"] > 0)
    return pd.DataFrame(
        {
            "pays": sums.index.to_numpy(dtype=object),
            "customers": sums["customers"].to_numpy(dtype=np.int64),
            "share": (sums["customers"] / max(len(table), 1)).to_numpy(dtype=float),
            "payments": sums["payments"].to_numpy(dtype=np.int64),
            "on_run": (sums["kept"] / sums["payments"].where(has_days)).to_numpy(dtype=float),
        }
    )


def _finding(found: PayDays) -> str:
    run, known = found.table["run"], found.table["words"] != "unknown"
    if not known.any():
        return "Nobody's pay days are known"
    weekly, monthly = run.between(1, MONTH_END - 1).mean(), (run == MONTH_END).mean()
    if weekly == 0 and monthly == 0:
        return f"No customer keeps to a pay run; {known.mean():.0%} pay on any day"
    parts = []
    if weekly > 0:
        most = RUNS[int(run[run.between(1, MONTH_END - 1)].mode().iloc[0])]
        parts.append(f"{weekly:.0%} of customers pay weekly, most on {most}")
    if monthly > 0:
        parts.append(f"{monthly:.0%} {'of customers pay ' if not parts else ''}at the end of the month")
    return ", ".join(parts)
