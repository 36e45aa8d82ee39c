"""A ledger with known lateness and losses, drawn vectorised, for tests of provisions and insurance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.book import Ledger


def loss_book(
    customers: int = 80,
    invoices: int = 4000,
    lost_share: float = 0.10,
    recovery: float = 0.0,
    seed: int = 1,
    terms: int = 30,
) -> Ledger:
    """Ledger of three years; some customers stop paying on a day of their own and are written off later.

    Invoices of a failed customer not paid by its day are written off 150 days after they fell due, and a
    share is recovered 60 days later. Everything else is paid, at most 60 days late.
    """
    rng = np.random.default_rng(seed)
    start, end = pd.Timestamp("2022-01-01"), pd.Timestamp("2024-12-31")
    owner = rng.integers(0, customers, invoices)
    issue = np.sort(rng.integers(0, (end - start).days + 1, invoices))
    amount = np.maximum(np.round(100 * rng.lognormal(7.0, 0.6, invoices)), 1.0).astype(np.int64)
    fails = np.full(customers, 10**6)
    ill = rng.permutation(customers)[: round(lost_share * customers)]
    fails[ill] = rng.integers(120, 900, ill.size)
    alive = issue < fails[owner]
    owner, issue, amount = owner[alive], issue[alive], amount[alive]
    due = issue + terms
    paid = np.maximum(due + np.minimum(rng.gamma(1.0, 20.0, due.size).astype(int) - 10, 60), issue)
    lost = paid >= fails[owner]
    names = np.array([f"I{i:05d}" for i in range(owner.size)], dtype=object)
    invoice_frame = pd.DataFrame(
        {
            "invoice_id": names,
            "customer_id": np.array([f"C{c:03d}" for c in range(customers)], dtype=object)[owner],
            "issue_date": start + pd.to_timedelta(issue, unit="D"),
            "due_date": start + pd.to_timedelta(due, unit="D"),
            "amount": pd.array(amount, dtype="Int64"),
        }
    )
    closing = pd.DataFrame(
        {
            "invoice_id": names,
            "date": start + pd.to_timedelta(np.where(lost, due + 150, paid), unit="D"),
            "kind": np.where(lost, "write_off", "payment").astype(object),
            "amount": pd.array(amount, dtype="Int64"),
        }
    )
    back = closing[lost].assign(kind="recovery", date=lambda f: f["date"] + pd.Timedelta(days=60))
    back["amount"] = pd.array(np.round(amount[lost] * recovery).astype(np.int64), dtype="Int64")
    events = pd.concat([closing, back[back["amount"] > 0]], ignore_index=True)
    return build_ledger({"invoices": invoice_frame, "events": events}, "EUR")
