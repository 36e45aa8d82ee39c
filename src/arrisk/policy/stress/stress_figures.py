"""Figures of a stress test: one row a scenario, one a week, one a covenant."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.tail import weighted_quantile
from arrisk.policy.stress.balance_sheet import BalanceSheet
from arrisk.policy.stress.covenants import Covenant
from arrisk.policy.stress.receipts import WEEK
from arrisk.policy.stress.runs import Book, Run

__all__ = ["cash_path", "covenant_rows", "scenario_row"]

Floats = NDArray[np.float64]


def _start(sheet: BalanceSheet) -> float:
    return sheet.liquidity if sheet.liquidity is not None else 0.0


def scenario_row(run: Run, sheet: BalanceSheet, level: float) -> dict[str, Any]:
    """Loss, cash and insurance of one scenario."""
    loss, borne, missing = run.loss, run.borne, run.missing
    path = _start(sheet) + run.change()
    lowest = path.min(axis=1)
    mean_path = run.weight @ path
    out: dict[str, Any] = {
        "scenario": run.name,
        "failing": int(run.failed.size),
        "owed": float(run.events.portfolio.exposure[run.failed].sum()),
        "loss": run.mean(loss),
    }
    out["loss_low"], out["loss_high"] = run.range(loss, level)
    out |= {"insured": run.mean(borne), "retained": run.mean(loss - borne), "missing": run.mean(missing)}
    out["missing_low"], out["missing_high"] = run.range(missing, level)
    out |= {"lowest": float(mean_path.min()), "lowest_week": int(mean_path.argmin()) + 1}
    out["lowest_low"], out["lowest_high"] = run.range(lowest, level)
    out["insured_in_time"] = run.mean(run.insured.sum(axis=1))
    known = sheet.liquidity is not None
    gap = np.maximum(sheet.minimum_cash - lowest, 0.0)
    out["shortfall"] = run.mean(gap) if known else math.nan
    out["p_short"] = run.mean(lowest < sheet.minimum_cash) if known else math.nan
    return out


def cash_path(run: Run, sheet: BalanceSheet, level: float, as_of: pd.Timestamp) -> pd.DataFrame:
    """Liquidity (or its change since today) at the end of each week."""
    path = _start(sheet) + run.change()
    weeks = np.arange(1, path.shape[1] + 1)
    limits = np.array([run.range(column, level) for column in path.T])
    return pd.DataFrame(
        {
            "scenario": run.name,
            "week": weeks,
            "ending": as_of + pd.to_timedelta(weeks * WEEK, unit="D"),
            "expected": run.weight @ path,
            "low": limits[:, 0],
            "high": limits[:, 1],
        }
    )


def covenant_rows(
    runs: Mapping[str, Run], covenants: Sequence[Covenant], sheet: BalanceSheet, book: Book, level: float
) -> pd.DataFrame:
    """Value and headroom of each covenant in each scenario; missing where a figure is not given."""
    rows = []
    states = {name: run.stressed(book.debtor) for name, run in runs.items()}
    for covenant in covenants:
        gaps = covenant.missing(sheet)
        for name, run in runs.items():
            row: dict[str, Any] = {
                "covenant": covenant.name,
                "ratio": covenant.ratio,
                "unit": covenant.unit,
                "limit": covenant.limit,
                "direction": covenant.direction,
                "scenario": name,
                "missing": ", ".join(gaps),
            }
            if gaps:
                row |= dict.fromkeys(("value", "headroom", "low", "high", "p_breach"), math.nan)
            else:
                row |= _distance(covenant, covenant.value(sheet, states[name]), run, level)
            rows.append(row)
    columns = [
        "covenant",
        "ratio",
        "unit",
        "limit",
        "direction",
        "scenario",
        "value",
        "headroom",
        "low",
        "high",
    ]
    return pd.DataFrame(rows, columns=[*columns, "p_breach", "missing"])


def _distance(covenant: Covenant, values: Floats, run: Run, level: float) -> dict[str, float]:
    """Middle of the ratio and of its headroom, and how often the promise breaks.

    The middle and not the mean: a ratio over earnings that may vanish has no mean.
    """
    room = covenant.headroom(values)
    low, high = run.range(room, level)
    middle = weighted_quantile(values, 0.5, run.weight)
    return {
        "value": middle,
        "headroom": float(covenant.headroom(np.array([middle]))[0]),
        "low": low,
        "high": high,
        "p_breach": run.mean(room < 0),
    }
