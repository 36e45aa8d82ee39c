"""Random small ledgers for property tests: prepayments, reversals, parts, credits, late records, losses."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import strategies as st

DATES = [d.strftime("%Y-%m-%d") for d in pd.date_range("2024-02-01", "2024-07-31", freq="D")]
as_of_dates = st.sampled_from(DATES[60:])
_any_day = st.sampled_from(DATES)
_money = st.integers(-500, 2_000).filter(bool).map(lambda cents: cents / 100)


def _invoice(number: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "invoice_id": st.just(f"i{number % 4}"),
            "instalment": st.integers(1, 2),
            "customer_id": st.just(f"c{number % 4 % 2}"),
            "issue_date": _any_day,
            "due_date": st.none() | _any_day,
            "amount": _money,
            "recorded_date": st.none() | _any_day,
            "dispute_opened": st.none() | _any_day,
        }
    )


_event = st.fixed_dictionaries(
    {
        "invoice_id": st.none() | st.sampled_from([f"i{n}" for n in range(4)]),
        "customer_id": st.sampled_from(["c0", "c1"]),
        "instalment": st.none() | st.integers(1, 2),
        "date": _any_day,
        "recorded_date": st.none() | _any_day,
        "kind": st.sampled_from(
            ["payment", "payment", "payment", "discount", "credit_note", "write_off", "recovery"]
        ),
        "amount": _money,
    }
)

anchor = {
    "invoice_id": "anchor", "instalment": 1, "customer_id": "c0", "issue_date": DATES[0], "due_date": None,
    "amount": 1.0, "recorded_date": None, "dispute_opened": None,
}  # fmt: skip


@st.composite
def ledgers(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Keyword arguments of `ledger_of`; an anchor invoice makes something known on every date."""
    count = draw(st.integers(0, 6))
    invoices = [dict(anchor), *(draw(_invoice(n)) for n in range(count))]
    return {"invoices": invoices, "events": draw(st.lists(_event, max_size=12))}


RATES = [
    {"date": day, "currency": "USD", "rate": rate}
    for day, rate in (("2024-03-01", 0.9133), ("2024-04-15", 1.07), ("2024-06-01", 0.5))
]


@st.composite
def foreign_ledgers(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Ledgers in euros and dollars, some dollars before their first rate, some customers not in the list."""
    rows = draw(ledgers())
    code = st.sampled_from(["EUR", "USD"])
    foreign = draw(st.lists(st.sampled_from([f"i{n}" for n in range(4)]), unique=True))
    for row in rows["invoices"]:
        row["currency"] = "USD" if row["invoice_id"] in foreign else "EUR"
    for row in rows["events"]:
        own = "USD" if row["invoice_id"] in foreign else "EUR"
        row["currency"] = own if draw(st.integers(0, 3)) else draw(code)
    customers = [{"customer_id": "c0"}] if draw(st.booleans()) else []
    return rows | {"rates": RATES, "customers": customers}
