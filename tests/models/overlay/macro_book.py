"""Books and series whose defaults move with a purchasing managers' index by a known slope."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.ledger.assembly import build_ledger
from arrisk.ledger.book import Ledger
from arrisk.models.overlay.macro_series import MacroSeries

SLOPE = -0.1


def draw_index(months: pd.PeriodIndex, rng: np.random.Generator) -> np.ndarray:
    """An index around 50 that stays where it is for a while."""
    noise = rng.normal(0, 2.0, len(months))
    for t in range(1, len(months)):
        noise[t] = 0.8 * noise[t - 1] + 0.6 * noise[t]
    return np.asarray(np.round(50 + 1.6 * noise, 1))


def drawn_series(
    months: int, rate: float, slope: float = SLOPE, lag: int = 2, customers: int = 1000, seed: int = 0
) -> tuple[pd.DataFrame, MacroSeries]:
    """Defaults by month and the index that moves them so many months later."""
    rng = np.random.default_rng(seed)
    periods = pd.period_range("2010-01", periods=months + lag, freq="M")
    index = draw_index(periods, rng)
    mean = customers * rate * np.exp(slope * (index[:months] - 50))
    book = pd.DataFrame({"events": rng.poisson(mean), "at_risk": customers}, index=periods[lag:])
    dates = periods.end_time.normalize()
    table = pd.DataFrame({"date": dates, "value": index, "known": dates + pd.Timedelta(days=1)})
    return book, MacroSeries("pmi", table)


def macro_ledger(customers: int = 600, months: int = 84, rate: float = 0.006, seed: int = 0) -> Ledger:
    """One invoice a month and customer, due on the 10th; who fails pays nothing from that month on."""
    rng = np.random.default_rng(seed)
    periods = pd.period_range("2017-01", periods=months, freq="M")
    index = draw_index(periods, rng)
    chance = np.minimum(rate * np.exp(SLOPE * (index - 50)), 1.0)
    fails = rng.random((customers, months)) < chance
    fail = np.where(fails.any(axis=1), fails.argmax(axis=1), months)
    who, when = np.nonzero(np.arange(months)[None, :] <= fail[:, None])
    start = periods.start_time
    due = start[when] + pd.Timedelta(days=9)
    invoices = pd.DataFrame(
        {
            "invoice_id": [f"I{k:06d}" for k in range(who.size)],
            "customer_id": np.array([f"C{c:04d}" for c in range(customers)], dtype=object)[who],
            "issue_date": due - pd.Timedelta(days=30),
            "due_date": due,
            "amount": pd.array(np.full(who.size, 10_000), dtype="Int64"),
        }
    )
    paid = when < fail[who]
    events = pd.DataFrame(
        {
            "invoice_id": invoices["invoice_id"][paid],
            "date": due[paid],
            "kind": "payment",
            "amount": invoices["amount"][paid],
        }
    )
    ends = periods.end_time.normalize()
    signals = pd.DataFrame(
        {"date": ends, "signal": "pmi", "value": index, "recorded_date": ends + pd.Timedelta(days=1)}
    )
    return build_ledger({"invoices": invoices, "events": events, "signals": signals}, "EUR")
