"""What a securitisation holds back of a pool: loss, dilution and yield reserves, and the advance rate."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["AdvanceRate", "ReserveRules", "estimate_advance_rate", "reserve_rates"]

DAYS_A_MONTH = 30.4375


@dataclass(frozen=True, slots=True)
class ReserveRules:
    """How much is held back.

    Parameters
    ----------
    stress : float
        Times the worst seen: 2.5 for the highest rating, 2.25, 2 and 1.5 for the next.
    loss_months : float
        Months of sales that may fail before the pool has run off.
    dilution_months : float
        Months in which what is sold may still be credited.
    floor_names : int
        Largest customers whose failure the reserve must bear, each at its part of the pool.
    rate : float
        Yearly rate that is paid while the pool runs off.
    servicing : float
        Yearly cost of a servicer, fraction of the pool.
    """

    stress: float = 2.0
    loss_months: float = 3.0
    dilution_months: float = 1.5
    floor_names: int = 1
    rate: float = 0.05
    servicing: float = 0.01

    def __post_init__(self) -> None:
        if not (self.stress >= 1 and self.loss_months > 0 and self.dilution_months > 0):
            raise ModelError("stress is at least 1, and the months are above 0")
        if self.floor_names < 0 or self.rate < 0 or self.servicing < 0:
            raise ModelError("floor_names, rate and servicing are not negative")


@dataclass(frozen=True, slots=True, eq=False)
class AdvanceRate:
    """What a securitisation would advance on a pool, today and at past month ends.

    Parameters
    ----------
    table : DataFrame
        Indexed by month: loss, dilution, floor, running (yield and servicing), reserve, advance: fractions of
        the pool, from the twelve months up to each.
    rules : ReserveRules
    as_of : Timestamp
    """

    table: pd.DataFrame
    rules: ReserveRules
    as_of: pd.Timestamp

    @property
    def known(self) -> bool:
        """Whether the ledger has a year of ratios to take the worst of."""
        return len(self.table) > 0

    @property
    def value(self) -> float:
        """Advance rate today; not a number when the ledger is too young."""
        return float(self.table["advance"].iloc[-1]) if self.known else float("nan")

    @property
    def low(self) -> float:
        """Least advance rate of the month ends seen."""
        return float(self.table["advance"].min()) if self.known else float("nan")

    @property
    def high(self) -> float:
        """Largest advance rate of the month ends seen."""
        return float(self.table["advance"].max()) if self.known else float("nan")

    def finding(self) -> str:
        """The advance rate and its range over past month ends, in one sentence."""
        if not self.known:
            return "The ledger is too young for reserves: a year of monthly ratios is needed"
        return (
            f"A securitisation would advance {self.value:.0%} of the eligible pool; {self.low:.0%} to "
            f"{self.high:.0%} at the last {len(self.table)} month ends"
        )

    def to_table(self, name: str = "advance_rate") -> Table:
        """The reserves today and over past month ends."""
        words = {
            "loss": "losses, the worst quarter stressed",
            "dilution": "credit notes and discounts, stressed",
            "floor": "least for losses and dilution: the largest customers fail",
            "running": "interest and servicing while it runs off",
            "reserve": "held back",
            "advance": "advanced",
        }
        rows = [
            (text, *(float(f(self.table[key])) if self.known else np.nan for f in (_last, np.min, np.max)))
            for key, text in words.items()
        ]
        frame = pd.DataFrame(rows, columns=["part", "today", "least", "most"])
        formats: dict[str, Format] = dict.fromkeys(("today", "least", "most"), "percent")
        note = (
            "Fractions of the eligible pool; least and most over past month ends. Stress "
            f"{self.rules.stress:g} times; {self.rules.loss_months:g} months of sales for losses, "
            f"{self.rules.dilution_months:g} for dilution; the form of the rating agencies' criteria for "
            "trade receivables. A sketch: an agency looks at the servicer and at each large customer as well."
        )
        return Table(name, self.finding(), frame, note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Reserves stacked by month end."""
        import matplotlib.pyplot as plt

        axes = ax if ax is not None else plt.subplots()[1]
        shown = self.table
        at = np.arange(len(shown))
        core = np.maximum(shown["loss"] + shown["dilution"], shown["floor"])
        axes.bar(at, 100 * core, color="#0072B2", label="losses and dilution")
        axes.bar(at, 100 * shown["running"], bottom=100 * core, color="#E69F00", label="running costs")
        axes.set_xticks(at, [f"{m.year}-{m.month:02d}" for m in shown.index], rotation=60)
        axes.set(ylabel="held back (% of the pool)")
        axes.set_title(fill(self.finding(), 70), loc="left")
        axes.legend(loc="upper left")
        return stamp(axes, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def _last(values: pd.Series) -> float:
    return float(values.iloc[-1])


def reserve_rates(
    defaults: np.ndarray,
    dilutions: np.ndarray,
    cover: float,
    largest: np.ndarray,
    days: float,
    rules: ReserveRules,
) -> dict[str, float]:
    """Reserves of a pool from twelve months of ratios.

    Parameters
    ----------
    defaults, dilutions : arrays of shape (12,)
        Monthly ratios, oldest first.
    cover : float
        Sales of a month over the eligible pool.
    largest : array of shape (customers,)
        Parts of the pool of its customers.
    days : float
        Days of sales that the pool holds.
    rules : ReserveRules

    Returns
    -------
    dict
        loss, dilution, floor, running, reserve, advance: fractions of the pool.

    Notes
    -----
    Loss reserve ``stress * worst three-month mean default ratio * loss_months * cover``; dilution reserve
    ``(stress * mean + (worst - mean) * worst / mean) * dilution_months * cover``, mean and worst over the
    twelve months (the dynamic reserves of Standard & Poor's trade-receivables criteria). The floor is the
    largest customers and the expected dilution. Running costs: rate and servicing for one and a half times
    the days that the pool takes to come in, the rate stressed 1.5 times.

    Examples
    --------
    >>> found = reserve_rates(
    ...     np.full(12, 0.01), np.full(12, 0.02), 0.8, np.full(50, 0.02), 40.0, ReserveRules(stress=2.0)
    ... )
    >>> round(found["loss"], 3), round(found["dilution"], 3), round(found["floor"], 3)
    (0.048, 0.048, 0.044)
    """
    worst = float(np.convolve(defaults, np.full(3, 1 / 3), mode="valid").max())
    loss = rules.stress * worst * rules.loss_months * cover
    mean, peak = float(dilutions.mean()), float(dilutions.max())
    spike = (peak - mean) * peak / mean if mean > 0 else 0.0
    dilution = (rules.stress * mean + spike) * rules.dilution_months * cover
    top = float(np.sort(largest)[::-1][: rules.floor_names].sum())
    floor = top + mean * rules.dilution_months * cover
    running = 1.5 * days / 365 * (1.5 * rules.rate + rules.servicing)
    reserve = min(max(loss + dilution, floor) + running, 1.0)
    parts = {"loss": loss, "dilution": dilution, "floor": floor, "running": running}
    return {**parts, "reserve": reserve, "advance": 1 - reserve}


def estimate_advance_rate(
    history: pd.DataFrame,
    parts: np.ndarray,
    eligible_share: float,
    as_of: pd.Timestamp,
    rules: ReserveRules | None = None,
    months: int = 12,
) -> AdvanceRate:
    """Advance rate today and at past month ends.

    Parameters
    ----------
    history : DataFrame
        See `make_pool_history`.
    parts : array of shape (customers,)
        Parts of today's pool of its customers.
    eligible_share : float
        Part of the open balance that is eligible, today; taken for past month ends too.
    as_of : Timestamp
    rules : ReserveRules, optional
    months : int
        Past month ends shown, as far as the ledger goes.

    Returns
    -------
    AdvanceRate
    """
    chosen = rules or ReserveRules()
    rows, index = [], []
    known = history[["default_ratio", "dilution_ratio"]].notna().all(axis=1)
    for end in history.index[known][-months:]:
        window = history.loc[:end].iloc[-12:]
        if len(window) < 12 or window[["default_ratio", "dilution_ratio"]].isna().any(axis=None):
            continue
        pool = eligible_share * float(window["balance"].iloc[-1])
        sold = float(window["sales"].mean())
        if not pool > 0:
            continue
        rows.append(
            reserve_rates(
                window["default_ratio"].to_numpy(dtype=float),
                window["dilution_ratio"].to_numpy(dtype=float),
                sold / pool,
                parts,
                DAYS_A_MONTH * pool / sold,
                chosen,
            )
        )
        index.append(end)
    columns = ["loss", "dilution", "floor", "running", "reserve", "advance"]
    table = pd.DataFrame(rows, columns=columns, index=pd.PeriodIndex(index, freq="M", name="month"))
    return AdvanceRate(table, chosen, as_of)
