"""Random small ledgers with orders and limits, and a plain count of what they should show."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import strategies as st

from arrisk.ledger.book import Snapshot
from tests.ledger.random_ledgers import DATES, ledgers

_day = st.sampled_from(DATES)
_amount = st.integers(-200, 2_000).filter(bool).map(lambda cents: cents / 100)


def _order(number: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "order_id": st.just(f"o{number}"),
            "customer_id": st.sampled_from(["c0", "c1", "c2"]),
            "order_date": _day,
            "amount": _amount,
            "invoice_id": st.none() | st.none() | st.sampled_from(["i0", "i1", "i2", "ghost"]),
            "invoiced_date": st.none() | st.none() | _day,
            "cancelled_date": st.none() | st.none() | _day,
            "deposit": st.none() | st.integers(0, 900).map(lambda cents: cents / 100),
        }
    )


_limit = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["c0", "c0", "c1", "c3"]),
        "valid_from": _day,
        "credit_limit": st.integers(0, 20).map(float),
    }
)


@st.composite
def credit_books(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Keyword arguments of `ledger_of` with invoices that may name orders, orders and limits."""
    rows = draw(ledgers())
    for row in rows["invoices"]:
        row["order_id"] = draw(st.none() | st.sampled_from(["o0", "o1", "o2"]))
    orders = [draw(_order(n)) for n in range(draw(st.integers(0, 4)))]
    return rows | {"orders": orders, "limits": draw(st.lists(_limit, max_size=4))}


def plain_unbilled(snapshot: Snapshot) -> pd.DataFrame:
    """Unbilled amount and deposit by customer, one order after the other."""
    items, rows = snapshot.items, []
    for order in snapshot.orders.itertuples():
        if not order.amount > 0 or pd.notna(order.cancelled_date):
            continue
        if pd.notna(order.invoice_id) or pd.notna(order.invoiced_date):
            continue
        billed = items.loc[(items["order_id"] == order.order_id) & (items["amount"] > 0), "amount"].sum()
        left = max(round(100 * order.amount) - round(100 * billed), 0)
        deposit = 0 if pd.isna(order.deposit) else round(100 * order.deposit)
        rows.append((order.customer_id, left, min(deposit, left)))
    frame = pd.DataFrame(rows, columns=["customer_id", "unbilled", "deposits"])
    return frame.astype({"unbilled": "int64", "deposits": "int64"}).groupby("customer_id").sum()


def plain_exposure(snapshot: Snapshot) -> pd.DataFrame:
    """Exposure and limit by customer in cents, from the tables that a snapshot shows."""
    orders = plain_unbilled(snapshot)
    parts = [
        snapshot.items.groupby("customer_id")["open_amount"].sum() * 100,
        -snapshot.unapplied.set_index("customer_id")["amount"] * 100,
        orders["unbilled"] - orders["deposits"],
    ]
    exposure = pd.concat(parts).groupby(level=0).sum().round().astype("int64")
    limits = {row.customer_id: round(100 * row.credit_limit) for row in snapshot.limits.itertuples()}
    out = pd.DataFrame({"exposure": exposure, "limit": pd.Series(limits, dtype="float64")})
    return out.fillna({"exposure": 0})
