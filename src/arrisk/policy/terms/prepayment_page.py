"""The slow-but-sure payers as a table, a picture and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from arrisk.display import Format, Table, stamp
from arrisk.policy.cash import about
from arrisk.policy.terms.pictures import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.terms.prepayment import SlowPayers

__all__ = ["describe_slow_payers", "plot_slow_payers", "slow_payers_table"]

WAYS = {
    "account": "open account",
    "prepaid": "in advance, price cut",
    "bill": "bill, discounted",
    "bill_held": "bill, held",
}
COLOURS = {"account": "#262626", "prepaid": "#0072B2", "bill": "#E69F00", "bill_held": "#009E73"}


def describe_slow_payers(payers: SlowPayers) -> str:
    """How many pay slowly and surely, and whether another way of payment pays."""
    table, currency = payers.table, payers.currency
    if table.empty:
        return (
            f"None of {payers.looked_at:,} customers is surely over {payers.slow_days:.0f} days late and of "
            f"a grade with at most {payers.sure_pd:.0%} default"
        )
    who = f"{len(table):,} slow but sure {'payer' if len(table) == 1 else 'payers'}"
    means = {way: float(draws.mean()) for way, draws in payers.gains.items()}
    way = max(means, key=lambda name: means[name])
    low, high = np.quantile(payers.gains[way], [0.5 - payers.level / 2, 0.5 + payers.level / 2])
    verb = "would gain" if means[way] > 0 else "would lose"
    how = "payment in advance" if way == "prepaid" else "a bank's acceptance"
    return (
        f"{who}: {how} {verb} {about(abs(means[way]), currency)} a year against open account "
        f"({about(float(low))} to {about(float(high))})"
    )


def slow_payers_table(payers: SlowPayers, name: str, most: int) -> Table:
    """Costs per 100 sold, the gains a year, and where each way flips."""
    rows = payers.table.head(most)
    frame = rows[["customer_id", "grade", "sales", "terms", "delay"]].copy()
    for column in WAYS:
        frame[column] = 100 * rows[column]
    frame = frame.rename(columns={"account": "open_account", "prepaid": "in_advance"})
    for column in ("prepaid_gain", "prepaid_gain_low", "prepaid_gain_high", "bill_gain", "break_even_cut"):
        frame[column] = rows[column]
    frame["break_even_bill_rate"] = rows["break_even_rate"]
    formats: dict[str, Format] = {
        **dict.fromkeys(
            ("sales", "prepaid_gain", "prepaid_gain_low", "prepaid_gain_high", "bill_gain"), "money"
        ),
        **dict.fromkeys(("terms", "delay"), "days"),
        **dict.fromkeys(("break_even_cut", "break_even_bill_rate"), "percent"),
    }  # type: ignore[dict-item]
    given = {a.name: a for a in payers.assumptions}
    note = (
        f"{payers.currency} a year; costs per 100 sold, means over draws. Slow: surely more than "
        f"{payers.slow_days:.0f} days past due. Sure: at most {payers.sure_pd:.0%} of its grade default "
        f"within the horizon. Price cut for advance {given['prepayment_cut'].value:.1%}; bill of "
        f"{payers.bill_days} days discounted at {given['bill_discount_rate'].value:.1%} (360), fee "
        f"{given['bill_fee'].value:.2%}, bank failing {given['bank_pd'].value:.2%} a year. Break-even: the "
        "cut, or the rate of the bill, at which it is worth what open account is. Every customer is taken to "
        "accept."
    )
    return Table(name, payers.finding(), frame.round(6), note, formats)


def plot_slow_payers(payers: SlowPayers, ax: Axes | None = None) -> Axes:
    """Cost of each way per 100 sold, for the customers with the largest sales."""
    from matplotlib import pyplot as plt

    ax = plt.gca() if ax is None else ax
    rows = payers.table.head(10)[::-1]
    place = np.arange(len(rows))
    for k, (way, label) in enumerate(WAYS.items()):
        ax.barh(place + 0.3 - 0.2 * k, 100 * rows[way], height=0.18, color=COLOURS[way], label=label)
    ax.set_yticks(place, [str(c) for c in rows["customer_id"]])
    ax.set_xlabel("cost per 100 sold: waiting, expected loss, price cut, discount and fee")
    if len(rows):
        ax.legend(frameon=False, fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.45, 1.0))
    ax.set_title(wrapped(payers.finding()), pad=24)
    return stamp(ax, payers.as_of)
