"""Books in which a discount is offered at random to some customers, with the effect known."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from arrisk.ledger.reading import read_ledger
from arrisk.models.trial.plan import TrialPlan

START = pd.Timestamp("2026-01-01")
READ = pd.Timestamp("2026-06-30")
PLAN = TrialPlan("days", dt.date(2026, 1, 1), dt.date(2026, 4, 1), horizon=60, looks=2, fractions=(0.6, 1.0))
OFFER = (0.01, 10)


def make_book(seed=1, customers=100, rate=2.0, persistence=0.8):
    """Invoices from 15 months before the start to 3 months after it: unequal customers, each with its habit.

    `persistence` is the correlation of a customer's habit in the trial with its habit before.
    """
    rng = np.random.default_rng(seed)
    buys = rng.gamma(1.5, rate / 1.5, customers) * 18
    count = np.maximum(rng.poisson(buys), 1)
    owner = np.repeat(np.arange(customers), count)
    issue = START - pd.Timedelta(days=455) + pd.to_timedelta(rng.integers(0, 545, len(owner)), unit="D")
    before, fresh = rng.normal(0, 8, customers), rng.normal(0, 8, customers)
    later = persistence * before + np.sqrt(1 - persistence**2) * fresh
    habit = np.where(issue >= START, later[owner], before[owner])
    days = np.clip(np.rint(34 + habit + rng.normal(0, 7, len(owner))), 0, None).astype(int)
    size = rng.lognormal(7, 1, customers)
    return pd.DataFrame(
        {
            "invoice_id": [f"I{k:06d}" for k in range(len(owner))],
            "customer_id": [f"C{k:04d}" for k in owner],
            "segment": np.where(owner % 3 > 0, "Retail", "Trade"),
            "issue_date": issue,
            "amount": (size[owner] * rng.lognormal(0, 0.5, len(owner))).round(2),
            "paid_after": days,
            "rate": np.nan,
            "window": np.nan,
            "discount": 0.0,
        }
    )


def offer_to(book, treated, take_up=0.0, seed=1, offer=OFFER):
    """The book after a trial: `treated` customers are offered; takers always take, others never.

    Returns the book and the true shift of days of each customer, had it been offered.
    """
    rng = np.random.default_rng([seed, 99])
    ids = np.array(sorted(book["customer_id"].unique()))
    takers = set(ids[rng.random(len(ids)) < take_up])
    during = book["issue_date"] >= START
    offered = during & book["customer_id"].isin(set(treated))
    takes = offered & book["customer_id"].isin(takers)
    early = book["paid_after"].clip(upper=offer[1])
    gain = (early - book["paid_after"].clip(upper=PLAN.horizon)).where(book["customer_id"].isin(takers), 0)
    out = book.assign(
        paid_after=early.where(takes, book["paid_after"]),
        rate=np.where(offered, offer[0], np.nan),
        window=np.where(offered, float(offer[1]), np.nan),
        discount=(book["amount"] * offer[0]).round(2).where(takes, 0.0),
    )
    return out, gain[during].groupby(book["customer_id"]).mean()


def rows_of(book, plan=PLAN):
    """Outcomes as `trial_rows` finds them, without a ledger (a test holds them equal)."""
    days = book["paid_after"].astype(float).clip(upper=plan.horizon)
    paid = book["paid_after"] <= plan.horizon
    worth = np.where(paid, 1 - book["discount"] / book["amount"], plan.rest)
    return pd.DataFrame(
        {
            "invoice_id": book["invoice_id"],
            "customer_id": book["customer_id"],
            "unit": book["customer_id"],
            "segment": book["segment"],
            "issue_date": book["issue_date"],
            "amount": book["amount"],
            "offered": book["rate"].notna(),
            "taken": paid & (book["discount"] > 0),
            "rate": book["rate"],
            "window": book["window"],
            "days": days,
            "value": 100 * worth * (1 + plan.cost_of_capital) ** (-days / 365),
            "unpaid": np.where(paid, 0.0, 100.0),
        }
    )


def ledger_of_book(book):
    """The book as a ledger."""
    close = book["issue_date"] + pd.to_timedelta(book["paid_after"], unit="D")
    invoices = book[["invoice_id", "customer_id", "issue_date", "amount"]].assign(
        due_date=book["issue_date"] + pd.Timedelta(days=30),
        discount_rate=book["rate"],
        discount_days=book["window"].astype("Int64"),
    )
    facts = pd.DataFrame({"invoice_id": book["invoice_id"], "date": close})
    paid = facts.assign(kind="payment", amount=(book["amount"] - book["discount"]).round(2))
    taken = facts.assign(kind="discount", amount=book["discount"])
    events = pd.concat([paid, taken[taken["amount"] > 0]], ignore_index=True)
    customers = book[["customer_id", "segment"]].drop_duplicates()
    return read_ledger({"invoices": invoices, "events": events, "customers": customers}, currency="EUR")
