"""Hand-made states, alerts and outcomes, and a small ledger in which some customers stop paying."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from arrisk.ledger.book import Ledger
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.early_warning.outcomes import Outcomes
from arrisk.portfolio.signals.rules import AlertRules, Rule
from tests.ledger.frames import event, invoice, ledger_of

START, AS_OF = pd.Timestamp("2024-01-01"), pd.Timestamp("2025-06-30")


def rules_of(*names: str, **more: Any) -> AlertRules:
    """Rules that look at a measure of their own name, which is 1 when on."""
    rules = tuple(Rule(n, n, n, ((f"m_{n}", 1.0),), f"{n} is on", n.startswith("market")) for n in names)
    return replace(AlertRules(rules), **more) if more else AlertRules(rules)


def outcomes_of(
    days: list[tuple[str, str, str | None]],
    alerts: list[tuple[str, str, str]],
    horizon_days: int = 100,
    lost: tuple[str, ...] = (),
    on: dict[str, list[bool]] | None = None,
) -> Outcomes:
    """Outcomes of customer-days (date, customer, date of the default that follows within the horizon)."""
    rows = pd.DataFrame(days, columns=["date", "customer_id", "default_date"])
    rows["date"], rows["default_date"] = pd.to_datetime(rows["date"]), pd.to_datetime(rows["default_date"])
    rows["defaulted"] = rows["default_date"].notna()
    rows["lost"] = rows["defaulted"] & rows["customer_id"].isin(lost)
    last = AS_OF - pd.Timedelta(days=horizon_days)
    rows["judged"] = rows["date"] <= last
    rows["exposure"] = 100.0
    for name, values in (on or {}).items():
        rows[name] = values
    table = pd.DataFrame(alerts, columns=["date", "customer_id", "rule"])
    table["date"] = pd.to_datetime(table["date"])
    found = table.merge(rows, on=["date", "customer_id"], how="left")
    met = rows[rows["defaulted"]].drop_duplicates(["customer_id", "default_date"])
    defaults = met[["customer_id", "default_date", "lost"]].rename(columns={"default_date": "date"})
    return Outcomes(
        START, last, AS_OF, horizon_days, DefaultDefinition(), rows, found, defaults.reset_index(drop=True)
    )


def failing_book(bad: int = 2, good: int = 4) -> Ledger:
    """Monthly invoices of 1000, due in a month, paid on the day; the bad pay none due from June 2024 on."""
    months = pd.date_range("2023-01-01", "2024-12-01", freq="MS")
    invoices, events = [], []
    for k in range(bad + good):
        name = f"bad{k}" if k < bad else f"good{k}"
        for at, issued in enumerate(months):
            due, number = issued + pd.DateOffset(months=1), f"{name}-{at}"
            invoices.append(
                invoice(number, f"{issued:%Y-%m-%d}", 1000.0, f"{due:%Y-%m-%d}", customer_id=name)
            )
            if k >= bad or due < pd.Timestamp("2024-06-01"):
                events.append(event(number, f"{due:%Y-%m-%d}", 1000.0))
    return ledger_of(invoices, events)
