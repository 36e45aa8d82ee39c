"""The conventions of a provision matrix in words."""

from __future__ import annotations

from typing import Any

from arrisk.models.loss_rates.month_ends import ProvisionCounts

__all__ = ["describe_conventions"]


def describe_conventions(
    counts: ProvisionCounts, choices: dict[str, Any], level: float, losers: int
) -> dict[str, str]:
    """Every choice behind a provision matrix, in words, so that another hand can arrive at the same figures.

    Parameters
    ----------
    counts : ProvisionCounts
    choices : dict
        averaging, write_offs, not_due and terminal_loss as given to `fit_provision`.
    level : float
        Coverage of the intervals.
    losers : int
        Customers with a write-off in the window.
    """
    start, end = counts.facts["window"]
    terminal = choices["terminal_loss"]
    return {
        "rates": "net flow rates between month ends, chained to the loss share of the last bucket",
        "window": f"{start:%Y-%m-%d} to {end:%Y-%m-%d}, {len(counts.month_ends) - 1} monthly flows",
        "averaging": choices["averaging"],
        "level": "customers' items, balances as known at each month end",
        "not due": {
            "falling_due": "flow of what falls due within the month",
            "all": "flow of the whole balance not yet due",
        }[choices["not_due"]],
        "write-offs": {
            "migrated": "counted as migrated: they age on to the last bucket",
            "dropped": "dropped from the panel when written off",
        }[choices["write_offs"]],
        "terminal loss": (
            "write-offs net of recoveries over all that left the last bucket in the window"
            if terminal is None
            else f"given: {terminal:.2%}"
        ),
        "recoveries": "those known at the as-of date, by customer; later ones would lower the rates",
        "balances": "debit items only; credit items and unapplied cash are not netted",
        "no due date": f"aged from issue ({counts.facts['items_without_due_date']} items)",
        "empty bucket": "a bucket never seen in the window passes everything on",
        "realised path": f"balances at {len(counts.facts['seasoned_month_ends'])} month ends, written off "
        f"within {counts.facts['horizon_months']} months, net of recoveries",
        "interval": f"{level:.0%}, delete-one-customer jackknife on the logit scale, t quantile; "
        f"{losers} of {counts.customers.size} customers had a write-off in the window",
    }
