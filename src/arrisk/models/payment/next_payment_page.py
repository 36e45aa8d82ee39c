"""How next payments are shown: the list by expected cash, and the cash of the next weeks by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, money, stamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.payment.next_payment import NextPayments

__all__ = ["next_payments_table", "plot_next_payments"]

SHOWN_DAYS = 42
NOT_SHOWN = ["instalment", "range_chance", "contact_rule"]
FORMATS: dict[str, Format] = {
    "open_amount": "money",
    "probability": "percent",
    "not_paid": "percent",
    "expected_cash": "money",
}


def next_payments_table(found: NextPayments, name: str, rows: int) -> Table:
    """The rows with most expected cash, with the rule of contact."""
    note = (
        f"Likely day: the single day with the highest chance of payment, which is its probability; from day "
        f"to day: holds the payment with {found.level:.0%}, open-ended where the last day is missing; not "
        f"paid: chance of no payment in {found.horizon} days. "
    )
    if found.by == "customer":
        note += "Of a customer these are shares of its open amount. "
    note += f"Contact: {found.lead_days} open days before the likely run. As of {found.as_of:%Y-%m-%d}."
    shown = found.table.drop(columns=NOT_SHOWN, errors="ignore").head(rows)
    return Table(name, _finding(found), shown, note, FORMATS)


def plot_next_payments(found: NextPayments, ax: Axes | None) -> Axes:
    """Bars of expected cash by day."""
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.subplots()[1]
    from matplotlib.dates import DateFormatter

    cash = found.cash[:SHOWN_DAYS]
    ax.bar(found.as_of.to_datetime64() + np.arange(1, len(cash) + 1).astype("timedelta64[D]"), cash)
    ax.set_xlabel("day")
    ax.set_ylabel(f"expected cash of open items, {found.currency} a day")
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:,.0f}")
    ax.xaxis.set_major_formatter(DateFormatter("%d %b"))
    ax.set_title(_finding(found))
    return stamp(ax, found.as_of)


def _finding(found: NextPayments) -> str:
    if found.table.empty:
        return "Nothing is open"
    best = int(found.cash.argmax())
    day = found.as_of.to_datetime64() + np.timedelta64(best + 1, "D")
    most = money(float(found.cash[best]), found.currency)
    return f"Most cash of open items is expected on {np.datetime_as_string(day, unit='D')}: {most}"
