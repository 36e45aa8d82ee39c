"""What the rules look at: a customer panel set against each customer's own past, limits, outside signals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import day_numbers
from arrisk.portfolio.signals.outside import customer_signal, market_shortfall
from arrisk.portfolio.signals.own_past import own_past, unusual

if TYPE_CHECKING:
    from arrisk.portfolio.signals.rules import AlertRules

__all__ = ["make_measures"]

Floats = NDArray[np.float64]
AGE_FLOOR, LATE_FLOOR, BALANCE_FLOOR = 5.0, 3.0, 0.25
"""Least spread of a customer's own past: days overdue, days late, share of the usual balance."""
GIVEN = ["open_amount", "overdue_30", "overdue_60", "oldest_overdue_days", "mean_days_late_90"]


def make_measures(
    panel: pd.DataFrame, rules: AlertRules, signals: pd.DataFrame, customers: pd.DataFrame
) -> pd.DataFrame:
    """Every number that a rule or its reason needs, a row a customer and day.

    Parameters
    ----------
    panel : DataFrame
        `date`, `customer_id`, open_amount, overdue_30, overdue_60, oldest_overdue_days, ordered_90,
        invoiced_365, mean_days_late_90, exposure and utilisation (missing without a limit): values as they
        were known on the date.
    rules : AlertRules
    signals, customers : DataFrame
        As of the snapshot; a signal counts from the day it was known.

    Returns
    -------
    DataFrame
        By date and customer: `date`, `customer_id`, `active` (owes something or was invoiced in the year
        before), `exposure`, and the measures of `rules`.
    """
    panel = panel.sort_values(["date", "customer_id"], kind="stable", ignore_index=True)
    row, dates = pd.factorize(panel["date"])
    column, names = pd.factorize(panel["customer_id"], sort=True)
    days = day_numbers(pd.Series(dates)).to_numpy(dtype=np.int64)

    def wide(name: str) -> Floats:
        out = np.full((len(days), len(names)), np.nan)
        out[row, column] = panel[name].to_numpy(dtype=float)
        return out

    out = panel[["date", "customer_id", "exposure", "utilisation", *GIVEN]].copy()
    out["limit_words"] = _limit_words(out["utilisation"])
    out["active"] = (panel["open_amount"] > 0) | (panel["invoiced_365"] > 0)
    index = pd.Index(names, name="customer_id")
    who = customers.drop_duplicates("customer_id").set_index("customer_id").reindex(index).reset_index()
    measures = {**_against_own_past(wide, days), **_outside(rules, signals, days, who)}
    return out.assign(**{name: values[row, column] for name, values in measures.items()})


def _limit_words(used: pd.Series) -> NDArray[np.object_]:
    words = used.replace(np.inf, np.nan).map("limit used {:.0%}".format).to_numpy(dtype=object)
    return np.where(np.isposinf(used.to_numpy(dtype=float)), "owes on a limit of zero", words)


def _against_own_past(wide: Callable[[str], Floats], days: NDArray[np.int64]) -> dict[str, Floats]:
    age, late, owes, orders = (
        wide(name) for name in ("oldest_overdue_days", "mean_days_late_90", "open_amount", "ordered_90")
    )
    usual_age, age_spread = own_past(age, days)
    usual_late, late_spread = own_past(late, days)
    usual_owes, owes_spread = own_past(owes, days)
    usual_orders, _ = own_past(orders, days)
    floor = np.maximum(BALANCE_FLOOR * usual_owes, 1.0)
    return {
        "usual_age": usual_age,
        "usual_late": usual_late,
        "usual_balance": usual_owes,
        "age_z": unusual(age, usual_age, age_spread, AGE_FLOOR),
        "slower_z": unusual(late, usual_late, late_spread, LATE_FLOOR),
        "slower_days": late - usual_late,
        "balance_z": unusual(owes, usual_owes, owes_spread, floor),
        "order_growth": orders / np.where(usual_orders > 0, usual_orders, np.nan),
    }


def _outside(
    rules: AlertRules, signals: pd.DataFrame, days: NDArray[np.int64], who: pd.DataFrame
) -> dict[str, Floats]:
    out = {}
    for measure in (m for rule in rules.rules for m, _ in rule.conditions):
        kind, _, name = measure.partition("_")
        if kind == "about":
            customers = who["customer_id"].to_numpy(dtype=object)
            out[measure] = customer_signal(signals, name, days, customers, rules.signal_days)
        elif kind == "market":
            out[measure] = market_shortfall(signals, name, days, who, rules.levels.get(name))
    return out
