"""Cash of the next weeks from the open book and from new sales, with what it depends on drawn together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.cash.sales import NO_SALES, ExpectedSales, SalesPlan, expect_sales
from arrisk.models.cash.settlement import Settlement, estimate_settlement
from arrisk.models.cash.shocks import Shocks, estimate_shocks
from arrisk.models.cash.simulation import CashDraws, simulate_cash
from arrisk.models.timing.day_counts import Ints
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.models.timing.rates import DailyRates, PaymentModel

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["NEW_SALES", "OPEN_BOOK", "CashForecast", "CashInputs", "forecast_cash", "make_inputs"]

OPEN_BOOK, NEW_SALES = "open book", "new sales"
Period = Literal["day", "week", "month"]
SEPARATOR = " | "


@dataclass(frozen=True, slots=True)
class CashInputs:
    """Items of a forecast with their rates: what `simulate_cash` takes.

    Parameters
    ----------
    items : DataFrame
        Open items, then expected sales: customer_id, minor, issued, copies, offered, source, part.
    rates : DailyRates
    sales : ExpectedSales
    net_of : int
        Minor units of credits and unapplied cash taken off the open items of their customers.
    left_over : int
        Minor units of credits and unapplied cash beyond the open items of their customers.
    """

    items: pd.DataFrame
    rates: DailyRates
    sales: ExpectedSales
    net_of: int
    left_over: int


@dataclass(frozen=True, slots=True)
class CashForecast:
    """Cash of the days ahead; made by `forecast_cash`."""

    as_of: pd.Timestamp
    currency: str
    scale: int
    level: float
    draws: CashDraws
    shocks: Shocks
    inputs: CashInputs
    settlement: Settlement
    by: str | None

    @property
    def days(self) -> int:
        """Horizon in days."""
        return int(self.draws.minor.shape[1])

    def table_of(self, period: Period = "week", groups: Sequence[int] | None = None) -> pd.DataFrame:
        """Cash by period."""
        cash = self.draws.flow("cash", groups)
        ends = self.period_ends(period)
        sums = np.add.reduceat(cash, np.concatenate([[0], ends[:-1]]), axis=1) / self.scale
        low, middle, high = np.quantile(sums, (0.5 - self.level / 2, 0.5, 0.5 + self.level / 2), axis=0)
        return pd.DataFrame(
            {
                "ending": self.as_of + pd.to_timedelta(ends, unit="D"),
                "expected": sums.mean(axis=0),
                "p10": low,
                "p50": middle,
                "p90": high,
            }
        )

    def period_ends(self, period: Period) -> Ints:
        """Number of days ahead at which each period ends."""
        if period == "day":
            return np.arange(1, self.days + 1)
        if period == "week":
            return np.append(np.arange(7, self.days, 7), self.days)
        ahead = self.as_of + pd.to_timedelta(np.arange(1, self.days + 1), unit="D")
        ends = np.flatnonzero(ahead.is_month_end) + 1
        return np.unique(np.append(ends, self.days))


def forecast_cash(
    snapshot: Snapshot,
    model: PaymentModel | None = None,
    sales: SalesPlan | ExpectedSales | Literal["seasonal", "none"] = "seasonal",
    days: int = 91,
    draws: int = 1000,
    seed: int = 20251231,
    by: str | None = None,
    level: float = 0.8,
    shocks: Shocks | None = None,
    workers: int = 1,
) -> CashForecast:
    """Forecast cash by day, week and month from the open book and new sales."""
    model = fit_timing(snapshot, clock="due") if model is None else model
    shocks = estimate_shocks(snapshot, model) if shocks is None else shocks
    inputs = make_inputs(snapshot, model, sales, days, by)
    if not len(inputs.items):
        raise ModelError("nothing is open and no sales are expected, so no cash can come")
    groups = (
        inputs.items["source"] if by is None else inputs.items["source"] + SEPARATOR + inputs.items["part"]
    )
    settlement = estimate_settlement(snapshot)
    drawn = simulate_cash(
        inputs.items,
        inputs.rates,
        shocks,
        days,
        draws,
        seed,
        workers,
        groups.to_numpy(),
        settlement,
        inputs.sales.volume,
    )
    return CashForecast(
        snapshot.date, snapshot.currency, snapshot.scale, level, drawn, shocks, inputs, settlement, by
    )


def make_inputs(
    snapshot: Snapshot,
    model: PaymentModel,
    sales: SalesPlan | ExpectedSales | Literal["seasonal", "none"] = "seasonal",
    days: int = 91,
    by: str | None = None,
) -> CashInputs:
    """Open items, net of the credits of their customers, and expected sales, with their rates."""
    open_items = model.open_items(snapshot)
    minor, net_of, left_over = _net_minor(snapshot, open_items)
    expected = _sales(snapshot, sales, days)
    future = model.describe(snapshot, expected.items) if len(expected.items) else expected.items
    parts = [_columns(snapshot, open_items, minor, OPEN_BOOK, by)]
    rates = [model.rates(open_items, snapshot.date, days)] if len(open_items) else []
    if len(future):
        cents = np.rint(future["amount"].to_numpy(float) * snapshot.scale).astype(np.int64)
        parts.append(_columns(snapshot, future, cents, NEW_SALES, by))
        rates.append(model.rates(future, snapshot.date, days))
    items = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    return CashInputs(items, _stack(rates, days), expected, net_of, left_over)


def _sales(snapshot: Snapshot, sales: SalesPlan | ExpectedSales | str, days: int) -> ExpectedSales:
    if isinstance(sales, ExpectedSales):
        return sales
    if isinstance(sales, SalesPlan):
        return expect_sales(snapshot, days, sales, sales.by or "segment")
    return expect_sales(snapshot, days) if sales == "seasonal" else NO_SALES


def _columns(
    snapshot: Snapshot, items: pd.DataFrame, minor: Ints, source: str, by: str | None
) -> pd.DataFrame:
    offered = snapshot.items.set_index(["invoice_id", "instalment"])["discount_rate"].notna()
    if source == OPEN_BOOK:
        keys = pd.MultiIndex.from_frame(items[["invoice_id", "instalment"]])
        has_discount = offered.reindex(keys).to_numpy()
    else:
        has_discount = items["discount_rate"].notna().to_numpy()
    part: Any = "all"
    if by is not None:
        part = items["customer_id"].map(snapshot.customers.set_index("customer_id")[by])
        part = part.where(part.notna(), "not given").astype(str).to_numpy()
    return pd.DataFrame(
        {
            "customer_id": items["customer_id"].to_numpy(),
            "minor": minor,
            "issued": (items["issue_date"] - snapshot.date).dt.days.to_numpy(),
            "copies": items["copies"].to_numpy(float) if source == NEW_SALES else np.nan,
            "offered": np.asarray(has_discount, dtype=np.int64),
            "source": source,
            "part": part,
        }
    )


def _stack(rates: list[DailyRates], days: int) -> DailyRates:
    """Rates of several sets of items, one after the other."""
    if not rates:
        return DailyRates(np.zeros((0, days)), np.zeros((0, days)), np.zeros(0, dtype=np.int64))
    shift = np.cumsum([0, *(len(r.paid) for r in rates[:-1])])
    return DailyRates(
        np.vstack([r.paid[:, :days] for r in rates]),
        np.vstack([r.lost[:, :days] for r in rates]),
        np.concatenate([np.asarray(r.kind) + s for r, s in zip(rates, shift, strict=True)]),
    )


def _net_minor(snapshot: Snapshot, items: pd.DataFrame) -> tuple[Ints, int, int]:
    """Open amounts in minor units less the credits and unapplied cash of the same customer, oldest first."""
    scale = snapshot.scale
    gross = np.rint(items["open_amount"].to_numpy(float) * scale).astype(np.int64)
    every = snapshot.items
    is_credit = ((every["open_amount"] != 0) & (every["amount"] <= 0)).to_numpy()
    owed = pd.concat(
        [
            every.loc[is_credit, ["customer_id", "open_amount"]]
            .set_axis(["customer_id", "amount"], axis=1)
            .assign(amount=lambda f: -f["amount"]),
            snapshot.unapplied[["customer_id", "amount"]],
        ]
    )
    credit = np.rint(owed.groupby("customer_id")["amount"].sum() * scale).astype(np.int64)
    order = items["issue_date"].argsort(kind="stable").to_numpy()
    first = items["customer_id"].iloc[order]
    mine = first.map(credit).fillna(0).clip(lower=0).to_numpy().astype(np.int64)
    sorted_gross = pd.Series(gross[order], index=first.index)
    before = (sorted_gross.groupby(first).cumsum() - sorted_gross).to_numpy()
    used = np.clip(mine - before, 0, gross[order])
    out = gross.copy()
    out[order] -= used
    return out, int(used.sum()), int(credit.sum() - used.sum())
