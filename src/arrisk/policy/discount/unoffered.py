"""Bounds on a discount that was never offered: all that a ledger without offers knows of one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.errors import ModelError

__all__ = ["bound_unoffered"]


def bound_unoffered(
    rows: pd.DataFrame, *, rate: float, window: float, cost_of_capital: float
) -> tuple[float, float]:
    """Least and most that a discount could earn, whoever takes it, per 100 invoiced.

    A taker pays ``1 - rate`` on the last day of the window, or on his usual day where that is earlier; who
    does not take it pays as he did. At worst exactly those take it on whom the seller loses, above all those
    who pay within the window anyway; at best exactly those on whom it gains. Nothing narrows this without an
    experiment, and effects on sales and losses are outside it.

    Parameters
    ----------
    rows : DataFrame
        Invoices without an offer, with `amount`, `days`, `value` (see `observe_outcomes`).
    rate : float
        Discount, a fraction.
    window : float
        Days from issue in which it may be taken.
    cost_of_capital : float
        Effective annual rate, 365 days; the one of `value`.

    Returns
    -------
    (float, float)

    Raises
    ------
    ModelError
        If there are no rows.

    Examples
    --------
    Of two equal invoices one is paid on day 5 anyway (its discount is lost), the other on day 375:

    >>> rows = pd.DataFrame({"amount": [1.0, 1.0], "days": [5.0, 375.0]})
    >>> rows["value"] = 100 * 1.1 ** (-rows["days"] / 365)
    >>> low, high = bound_unoffered(rows, rate=0.02, window=10, cost_of_capital=0.1)
    >>> round(low, 2), round(high, 2)
    (-1.0, 3.54)
    """
    if rows.empty:
        raise ModelError("there is no invoice without an offer to bound a discount by")
    days = np.minimum(rows["days"].to_numpy(dtype=float), window)
    gain = 100 * (1 - rate) * (1 + cost_of_capital) ** (-days / 365) - rows["value"].to_numpy(dtype=float)
    weight = rows["amount"].to_numpy(dtype=float)
    low, high = (
        float(np.average(part, weights=weight)) for part in (np.minimum(gain, 0), np.maximum(gain, 0))
    )
    return low, high
