"""Small books whose truth about discounts is known, as bare snapshots."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from arrisk.policy.assumptions import Assumption

AS_OF = pd.Timestamp("2025-12-31")


def make_book(
    customers=60,
    invoices=60,
    offered=(),
    rate=0.02,
    days=10,
    take_up=0.4,
    unearned=0.0,
    late_days=40,
    loss_share=0.0,
    seed=5,
):
    """Invoices of two segments over two years; `offered` segments are offered a discount in the second."""
    rng = np.random.default_rng(seed)
    count = customers * invoices
    customer = np.repeat(np.arange(customers), invoices)
    segment = np.where(np.arange(customers) % 2 == 0, "Retail", "Trade")
    issue = AS_OF - pd.to_timedelta(rng.integers(0, 730, count), unit="D")
    habit = rng.normal(0, 6, customers)
    duration = np.maximum(rng.normal(late_days + habit[customer], 5), 0).round().astype(int)
    amount = rng.lognormal(7, 0.8, count).round(2)
    is_offered = np.isin(segment[customer], offered) & (issue > AS_OF - pd.Timedelta(days=365))
    took = is_offered & (rng.random(count) < take_up)
    cheat = took & (rng.random(count) < unearned)
    duration = np.where(took, np.where(cheat, days + 20, np.minimum(duration, days)), duration)
    lost = (rng.random(count) < loss_share) & ~took
    close = issue + pd.to_timedelta(np.where(lost, duration + 120, duration), unit="D")
    done = close <= AS_OF
    discount = np.where(took & done, (amount * rate).round(2), 0.0)
    items = pd.DataFrame(
        {
            "invoice_id": [f"I{k:06d}" for k in range(count)],
            "instalment": 1,
            "customer_id": [f"C{k:03d}" for k in customer],
            "issue_date": issue,
            "due_date": issue + pd.Timedelta(days=30),
            "amount": amount,
            "open_amount": np.where(done, 0.0, amount),
            "paid_amount": np.where(done & ~lost, amount - discount, 0.0),
            "discount_amount": discount,
            "credited_amount": 0.0,
            "written_off_amount": np.where(done & lost, amount, 0.0),
            "recovered_amount": 0.0,
            "closed_date": pd.Series(close).where(done),
            "close_kind": np.where(done, np.where(lost, "written_off", "paid"), "open"),
            "days_overdue": (AS_OF - issue).days - 30.0,
            "discount_rate": np.where(is_offered, rate, np.nan),
            "discount_days": np.where(is_offered, float(days), np.nan),
        }
    )
    taken = items[items["discount_amount"] > 0]
    events = pd.DataFrame(
        {
            "event_id": taken["invoice_id"],
            "invoice_id": taken["invoice_id"],
            "instalment": pd.array([None] * len(taken), dtype="Int64"),
            "customer_id": taken["customer_id"],
            "date": taken["closed_date"],
            "kind": "discount",
            "amount": taken["discount_amount"],
        }
    )
    people = pd.DataFrame({"customer_id": [f"C{k:03d}" for k in range(customers)], "segment": segment})
    return _snapshot(items, events, people)


def _snapshot(items, events, people):
    columns = {c: pd.Series(dtype=object) for c in ("signal", "value", "customer_id")}
    signals = pd.DataFrame(columns | {"date": pd.Series(dtype="datetime64[ns]")})
    return SimpleNamespace(
        date=AS_OF, currency="EUR", items=items, events=events, customers=people, signals=signals
    )


def assume(**changes):
    """The assumptions of a discount; a change is a value or a (value, low, high)."""
    usual = {
        "cost_of_capital": (0.08, 0.06, 0.10),
        "gross_margin": (0.30, 0.25, 0.35),
        "take_up": (0.30, 0.10, 0.50),
        "default_relief": (0.25, 0.0, 1.0),
        "sales_effect": (0.0, 0.0, 0.005),
        "already_early": (0.25, 0.0, 0.5),
        "lgd": (0.6, 0.4, 0.9),
        "grace_days": (3.0, 0.0, 7.0),
    }
    rows = {k: v if isinstance(v, tuple) else (v, v, v) for k, v in (usual | changes).items()}
    return tuple(Assumption(k, *v, "fraction", "test") for k, v in rows.items())


def fixed_book(durations, lost=0, customers=100, invoices=20):
    """Equal invoices; customer c pays on day `durations[c % len]`; the last `lost` customers never pay."""
    count = customers * invoices
    customer = np.repeat(np.arange(customers), invoices)
    issue = AS_OF - pd.to_timedelta(np.tile(np.linspace(200, 360, invoices).astype(int), customers), unit="D")
    duration = np.asarray(durations)[customer % len(durations)]
    bad = customer >= customers - lost
    items = pd.DataFrame(
        {
            "invoice_id": [f"I{k:06d}" for k in range(count)],
            "instalment": 1,
            "customer_id": [f"C{k:03d}" for k in customer],
            "issue_date": issue,
            "amount": 1000.0,
            "open_amount": 0.0,
            "discount_amount": 0.0,
            "credited_amount": 0.0,
            "written_off_amount": np.where(bad, 1000.0, 0.0),
            "recovered_amount": 0.0,
            "closed_date": issue + pd.to_timedelta(duration, unit="D"),
            "close_kind": np.where(bad, "written_off", "paid"),
            "days_overdue": 100.0,
            "discount_rate": np.nan,
            "discount_days": np.nan,
        }
    )
    events = pd.DataFrame(
        {c: pd.Series(dtype=str) for c in ("invoice_id", "instalment", "customer_id", "kind")}
        | {"date": pd.Series(dtype="datetime64[ns]"), "amount": pd.Series(dtype=float)}
    )
    people = pd.DataFrame({"customer_id": [f"C{k:03d}" for k in range(customers)], "segment": "all"})
    return _snapshot(items, events, people)
