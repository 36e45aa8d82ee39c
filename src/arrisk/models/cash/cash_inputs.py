"""What a cash forecast draws from: the open book net of credits, expected sales, and the rates of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.cash.sales import NO_SALES, ExpectedSales, SalesPlan, expect_sales
from arrisk.models.timing.day_counts import Floats, Ints
from arrisk.models.timing.rates import DailyRates, PaymentModel

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = ["NEW_SALES", "OPEN_BOOK", "SEPARATOR", "CashInputs", "SalesChoice", "make_inputs"]

OPEN_BOOK, NEW_SALES = "open book", "new sales"
SEPARATOR = " | "
NOT_GIVEN = "not given"
KEYS = ["invoice_id", "instalment"]
SalesChoice = SalesPlan | ExpectedSales | Literal["seasonal", "none"]


@dataclass(frozen=True, slots=True)
class CashInputs:
    """Items of a forecast with their rates: what `simulate_cash` takes.

    Parameters
    ----------
    items : DataFrame
        Open items, then expected sales: `customer_id`, `minor` (minor units, net of the customer's credits),
        `issued` (days from the as-of date), `copies` (missing for open items), `offered` (a discount: 0 or
        1), `source` ("open book" or "new sales"), `part` (value of `by`).
    rates : DailyRates
    sales : ExpectedSales
    owed, credits, unapplied : int
        Items owed, credits and unapplied cash of the snapshot, in minor units.
    net_of : int
        Minor units of credits and unapplied cash that open items of the same customer take up.
    """

    items: pd.DataFrame
    rates: DailyRates
    sales: ExpectedSales
    owed: int
    credits: int
    unapplied: int
    net_of: int


def make_inputs(
    snapshot: Snapshot,
    model: PaymentModel,
    sales: SalesChoice = "seasonal",
    days: int = 91,
    by: str | None = None,
) -> CashInputs:
    """Gather the open items, net of the credits of their customers, and the expected sales, with their rates.

    Parameters
    ----------
    snapshot : Snapshot
    model : PaymentModel
    sales : SalesPlan, ExpectedSales, "seasonal" or "none"
    days : int
    by : str, optional
        Column of the customers.

    Returns
    -------
    CashInputs

    Raises
    ------
    ModelError
        If nothing is open and no sales are expected, or there is no such column or choice.
    """
    if by is not None and by not in snapshot.customers.columns:
        raise ModelError(f"no column {by!r} of the customers to split the cash by")
    expected = _expected(snapshot, sales, days)
    items = model.open_items(snapshot)
    credits = _credits(snapshot)
    gross = _minor(items["open_amount"], snapshot.scale)
    net = _net(items, gross, credits["credits"] + credits["unapplied"])
    parts, rates = [_columns(snapshot, items, net, OPEN_BOOK, by)], [model.rates(items, snapshot.date, days)]
    if len(expected.items):
        future = model.describe(snapshot, expected.items)
        minor = _minor(future["amount"], snapshot.scale)
        parts.append(_columns(snapshot, future, minor, NEW_SALES, by))
        rates.append(model.rates(future, snapshot.date, days))
    kept = [k for k, part in enumerate(parts) if len(part)]
    if not kept:
        raise ModelError("nothing is open and no sales are expected, so no cash can come")
    return CashInputs(
        items=pd.concat([parts[k] for k in kept], ignore_index=True),
        rates=_stack([rates[k] for k in kept], days),
        sales=expected,
        owed=int(gross.sum()),
        credits=int(credits["credits"].sum()),
        unapplied=int(credits["unapplied"].sum()),
        net_of=int(gross.sum() - net.sum()),
    )


def _expected(snapshot: Snapshot, sales: SalesChoice, days: int) -> ExpectedSales:
    if isinstance(sales, ExpectedSales):
        return sales
    if isinstance(sales, SalesPlan):
        return expect_sales(snapshot, days, sales)
    if sales not in ("seasonal", "none"):
        raise ModelError(f"sales={sales!r}; allowed: a SalesPlan, ExpectedSales, 'seasonal' or 'none'")
    return expect_sales(snapshot, days) if sales == "seasonal" else NO_SALES


def _minor(amount: pd.Series, scale: int) -> Ints:
    return np.asarray(np.rint(amount.to_numpy(float) * scale), dtype=np.int64)


def _credits(snapshot: Snapshot) -> pd.DataFrame:
    """Open credits and unapplied cash of each customer in minor units, both as positive numbers."""
    every = snapshot.items
    own = every.loc[((every["open_amount"] != 0) & (every["amount"] <= 0)).to_numpy()]
    sides = {
        "credits": (own["customer_id"], -own["open_amount"]),
        "unapplied": (snapshot.unapplied["customer_id"], snapshot.unapplied["amount"]),
    }
    sums = {
        name: pd.Series(_minor(amount, snapshot.scale), dtype=np.int64)
        .groupby(who.to_numpy(dtype=object))
        .sum()
        for name, (who, amount) in sides.items()
    }
    return pd.DataFrame(sums).fillna(0).astype(np.int64)


def _net(items: pd.DataFrame, gross: Ints, credit: pd.Series) -> Ints:
    """Open amounts less the credits of the same customer, which settle its oldest items first."""
    order = items["issue_date"].argsort(kind="stable").to_numpy()
    amount = pd.Series(gross[order])
    who = items["customer_id"].to_numpy(dtype=object)[order]
    before = (amount.groupby(who).cumsum() - amount).to_numpy()
    mine = pd.Series(who, dtype=object).map(credit).fillna(0).to_numpy(float).astype(np.int64)
    out = gross.copy()
    out[order] -= np.clip(mine - before, 0, gross[order])
    return out


def _columns(
    snapshot: Snapshot, items: pd.DataFrame, minor: Ints, source: str, by: str | None
) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "customer_id": items["customer_id"].to_numpy(dtype=object),
            "minor": minor,
            "issued": (items["issue_date"] - snapshot.date).dt.days.to_numpy(dtype=np.int64),
            "copies": items["copies"].to_numpy(float) if source == NEW_SALES else np.nan,
            "offered": _offered(snapshot, items, source),
            "source": source,
            "part": "all",
        }
    )
    if by is not None:
        part = frame["customer_id"].map(snapshot.customers.set_index("customer_id")[by])
        frame["part"] = part.where(part.notna(), NOT_GIVEN).astype(str)
    return frame


def _offered(snapshot: Snapshot, items: pd.DataFrame, source: str) -> Ints:
    """Whether a cash discount is offered on each item."""
    if source == NEW_SALES:
        return items["discount_rate"].notna().to_numpy().astype(np.int64)
    known = snapshot.items.set_index(KEYS)["discount_rate"].notna()
    return known.reindex(pd.MultiIndex.from_frame(items[KEYS])).to_numpy(dtype=bool).astype(np.int64)


def _stack(rates: list[DailyRates], days: int) -> DailyRates:
    """Rates of several sets of items, one after the other."""
    shift = np.cumsum([0, *(len(r.paid) for r in rates[:-1])])
    paid, lost = (np.vstack([_first(getattr(r, c), days) for r in rates]) for c in ("paid", "lost"))
    kind = np.concatenate([np.asarray(r.kind) + s for r, s in zip(rates, shift, strict=True)])
    return DailyRates(paid, lost, kind)


def _first(rates: Floats, days: int) -> Floats:
    return rates[:, :days]
