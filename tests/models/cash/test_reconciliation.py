from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.models.cash.cash_forecast import forecast_cash
from arrisk.models.cash.reconciliation import SIGNS, balance_draws, reconcile, tied_rounding
from arrisk.models.cash.settlement import AGE_EDGES, Settlement
from arrisk.models.cash.shocks import NO_SHOCKS
from arrisk.models.cash.simulation import simulate_cash
from arrisk.models.timing.payment_timing import fit_timing
from arrisk.models.timing.rates import DailyRates
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import rows_of

AS_OF = pd.Timestamp("2025-09-30")
AMOUNTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=12)


def ties(rows: np.ndarray) -> bool:
    """Every row adds up, and every closing is the next opening."""
    across = rows[:, 0] + rows[:, 1:-1] @ SIGNS == rows[:, -1]
    return bool(across.all() and (rows[1:, 0] == rows[:-1, -1]).all())


@given(
    amounts=AMOUNTS,
    sold=st.lists(st.booleans(), min_size=12, max_size=12),
    rate=st.floats(0, 0.3),
    deducted=st.floats(0, 1),
    credited=st.floats(0, 1),
    owing=st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
    step=st.integers(1, 40),
)
def test_every_draw_and_every_printed_table_ties(amounts, sold, rate, deducted, credited, owing, step):
    n, days = len(amounts), 40
    items = pd.DataFrame(
        {
            "customer_id": [f"c{k % 3}" for k in range(n)],
            "minor": np.array(amounts, dtype=np.int64),
            "copies": [0.8 if s else np.nan for s in sold[:n]],
            "issued": [1 + k if s else -k for k, s in enumerate(sold[:n])],
        }
    )
    rates = DailyRates(np.full((1, days), rate), np.full((1, days), rate / 5), np.zeros(n, dtype=np.int64))
    classes = len(AGE_EDGES) + 1
    settlement = Settlement(np.full((2, classes), deducted), np.full(classes, credited))
    draws = simulate_cash(items, rates, NO_SHOCKS, days, 20, 1, settlement=settlement)
    ends = np.unique(np.append(np.arange(step, days, step), days))
    owed = int(draws.opening.sum())
    found = reconcile(draws, ends, AS_OF, "EUR", 100, (owed, *owing))
    each = balance_draws(draws, ends, sum(owing))
    assert all(ties(rows) for rows in each)
    np.testing.assert_array_equal(each[:, -1, -1], draws.closing.sum(axis=1) - sum(owing))
    assert (each[:, 0, 0] == owed - sum(owing)).all()
    assert ties(found.minor)
    assert ties(found.whole)
    np.testing.assert_allclose(found.minor, each.mean(axis=0), atol=1.01, rtol=1e-12)


@given(
    opening=st.floats(-1e9, 1e9),
    flows=st.lists(st.tuples(*[st.floats(0, 1e8)] * 4), min_size=1, max_size=6),
)
def test_rounding_ties_and_stays_within_one(opening, flows):
    signed = np.array(flows) * SIGNS
    closing = opening + np.cumsum(signed.sum(axis=1))
    before = np.concatenate([[opening], closing[:-1]])
    rows = np.column_stack([before, np.array(flows), closing])
    rounded = tied_rounding(rows)
    assert ties(rounded)
    assert np.abs(rounded - rows).max() < 1.0 + 1e-6


def test_halves_tie():
    rows = np.array([[1.5, 1.0, 0.0, 0.0, 0.0, 2.5], [2.5, 1.0, 0.0, 0.0, 0.0, 3.5]])
    assert tied_rounding(rows)[:, 1].tolist() == [1, 1]


@pytest.fixture(scope="module")
def book():
    invoices, events = rows_of(41, customers=30, days=600)
    plain = ledger_of(invoices, events).as_of("2023-08-20")
    owing = plain.open_items.iloc[0]
    credit = invoice("cr", "2023-08-10", -12.34, customer_id=owing["customer_id"])
    lone = invoice("cr2", "2023-08-10", -55.55, customer_id="nobody")
    loose = event(None, "2023-08-10", 7.01, customer_id=owing["customer_id"])
    return ledger_of([*invoices, credit, lone], [*events, loose]).as_of("2023-08-20")


def test_opening_is_the_open_balance(book):
    forecast = forecast_cash(book, fit_timing(book, "due"), draws=100, shocks=NO_SHOCKS)
    found = forecast.reconciliation("week")
    assert found.minor[0, 0] == book.open_minor
    assert (found.owed, found.credits, found.unapplied) == (found.owed, 6789, 701)
    assert found.owed - found.credits - found.unapplied == book.open_minor
    assert forecast.inputs.net_of == 1234 + 701
    assert ties(found.minor)
    assert len(found.table) == 13
    assert found.table["cash"].sum() == pytest.approx(forecast.total()["expected"].iloc[0], abs=0.02 * 13)
    shown = found.to_table()
    assert "unapplied cash EUR 7" in shown.note
    assert "opening" in found._repr_html_()


def test_periods_hold_the_same_flows(book):
    forecast = forecast_cash(book, fit_timing(book, "due"), draws=60, shocks=NO_SHOCKS)
    weeks, months = (balance_draws(forecast.draws, forecast.period_ends(p)) for p in ("week", "month"))
    np.testing.assert_array_equal(weeks[:, :, 1:-1].sum(axis=1), months[:, :, 1:-1].sum(axis=1))
    np.testing.assert_array_equal(weeks[:, -1, -1], months[:, -1, -1])
