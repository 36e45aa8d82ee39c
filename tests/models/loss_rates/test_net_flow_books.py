"""Net flow rates of ledgers whose losses are known: the default method, whole."""

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.loss_rates.arithmetic import apply_rates, flow_rates
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.loss_rates.month_ends import bucket_labels, make_provision_counts
from arrisk.portfolio.ageing_panel import make_ageing_panel
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book

DATE = "2024-12-31"


@pytest.fixture(scope="module")
def book():
    return loss_book(lost_share=0.25, recovery=0.2)


@pytest.fixture(scope="module")
def rates(book):
    return fit_loss_rates(book.as_of(DATE))


def test_balances_are_those_of_the_ageing_panel(book):
    snapshot = book.as_of(DATE)
    counts = make_provision_counts(snapshot, months=24)
    panel = make_ageing_panel(snapshot, months=25).table
    buckets = bucket_labels((30, 60, 90))
    assert list(panel["month_end"]) == list(counts.month_ends)
    np.testing.assert_allclose(counts.balances.sum(axis=0), panel[buckets].to_numpy(), atol=1e-6)
    open_items = snapshot.open_items
    assert counts.today.sum() == pytest.approx(open_items.loc[open_items["amount"] > 0, "open_amount"].sum())


def test_the_whole_panel_agrees_with_plain_flow_rates_when_nothing_is_lost():
    """With the textbook choices the fitted flows are those of the month-end totals."""
    snapshot = loss_book(lost_share=0.0).as_of(DATE)
    counts = make_provision_counts(snapshot, months=24, not_due="all")
    totals = counts.balances.sum(axis=0)
    plain = flow_rates(totals[:, :3]).flows
    fitted = counts.arrived.sum(axis=(0, 1))[:2] / counts.left.sum(axis=(0, 1))[:2]
    np.testing.assert_allclose(fitted, plain, rtol=1e-9)


def test_provisions_add_up_to_the_cent(rates):
    assert rates.total.value == round(rates.table["provision"].sum(), 2)
    expected = apply_rates(rates.table["balance"], rates.table["rate"])
    np.testing.assert_allclose(rates.table["provision"], expected, atol=0.011)


def test_rates_are_fractions_inside_their_intervals(rates):
    frame = rates.table
    assert frame["rate"].between(0, 1).all()
    assert (frame["ci_low"] <= frame["rate"]).all()
    assert (frame["rate"] <= frame["ci_high"]).all()
    assert frame["ci_high"].le(1).all()
    assert rates.total.low <= rates.total.value <= rates.total.high


def test_older_money_is_worse(rates):
    assert (np.diff(rates.table["rate"]) > 0).all()


def test_the_known_loss_rate_is_recovered():
    """One loss rate for all: of what is invoiced the lost share is the expected rate of the young balance."""
    date = pd.Timestamp(DATE)
    inside = 0
    for seed in range(4):
        ledger = loss_book(customers=120, invoices=4000, lost_share=0.3, seed=seed)
        snapshot = ledger.as_of(DATE)
        items = snapshot.items
        ripe = items[
            (items["due_date"] < date - pd.Timedelta(days=200))
            & (items["due_date"] > date - pd.Timedelta(days=730))
        ]
        truth = ripe["written_off_amount"].sum() / ripe["amount"].sum()
        row = fit_loss_rates(snapshot).table.iloc[0]
        inside += row["ci_low"] <= truth <= row["ci_high"]
    assert inside >= 3


def test_write_offs_before_the_last_bucket_are_not_collections():
    rows, events = [], []
    for i in range(60):
        issued = pd.Timestamp("2023-01-05") + pd.Timedelta(days=10 * i)
        number, due = f"I{i:02d}", issued + pd.Timedelta(days=30)
        rows.append(invoice(number, str(issued.date()), 100.0, str(due.date()), customer_id=f"c{i % 6}"))
        lost = i % 4 == 0
        when = due + pd.Timedelta(days=45 if lost else 20)
        events.append(event(number, str(when.date()), 100.0, "write_off" if lost else "payment"))
    snapshot = ledger_of(rows, events).as_of("2024-12-31")
    migrated = fit_loss_rates(snapshot)
    dropped = fit_loss_rates(snapshot, write_offs="dropped")
    assert migrated.table["rate"].iloc[0] == pytest.approx(0.25, abs=0.03)
    assert dropped.table["rate"].iloc[0] < 0.01


def test_recoveries_lower_the_rates():
    gross = fit_loss_rates(loss_book(lost_share=0.25, recovery=0.0).as_of(DATE))
    net = fit_loss_rates(loss_book(lost_share=0.25, recovery=0.5).as_of(DATE))
    ratio = net.table["rate"].iloc[0] / gross.table["rate"].iloc[0]
    assert 0.5 < ratio < 0.7  # late write-offs have not recovered yet


def test_a_longer_term_does_not_lower_the_rate_of_what_falls_due():
    ledger = loss_book(lost_share=0.25, terms=75)
    right = fit_loss_rates(ledger.as_of(DATE)).table["rate"].iloc[0]
    textbook = fit_loss_rates(ledger.as_of(DATE), not_due="all").table["rate"].iloc[0]
    assert textbook < 0.7 * right


def test_no_look_ahead(book):
    """What is known only later changes nothing: the same figures from a ledger that ends on the day."""
    early = pd.Timestamp("2024-03-31")
    whole = fit_loss_rates(book.as_of(early), months=12)
    again = fit_loss_rates(book.as_of(DATE).as_of(early), months=12)
    pd.testing.assert_frame_equal(whole.table, again.table)
    tables = {"invoices": [], "events": []}
    snapshot = book.as_of(early)
    for row in snapshot.items.to_dict("records"):
        tables["invoices"].append(
            {k: row[k] for k in ("invoice_id", "customer_id", "issue_date", "due_date", "amount")}
        )
    for row in snapshot.events.to_dict("records"):
        tables["events"].append({k: row[k] for k in ("invoice_id", "date", "kind", "amount")})
    cut = ledger_of(tables["invoices"], tables["events"]).as_of(early)
    pd.testing.assert_frame_equal(fit_loss_rates(cut, months=12).table, whole.table)


def test_without_losses_there_are_bounds_and_no_rates():
    snapshot = loss_book(lost_share=0.0, customers=30, invoices=1500).as_of(DATE)
    rates = fit_loss_rates(snapshot)
    assert not rates.identified
    assert rates.table["rate"].isna().all()
    assert rates.table["provision"].isna().all()
    assert rates.total.value is None
    assert rates.table["ci_high"].iloc[0] == pytest.approx(0.095034, abs=5e-7)  # 0 of 30 customers
    assert rates.total.high == pytest.approx((rates.table["ci_high"] * rates.table["balance"]).sum())
    with pytest.raises(ModelError):
        rates.predict(snapshot)


def test_a_single_loser_gives_no_rate():
    rates = fit_loss_rates(loss_book(lost_share=1 / 80).as_of(DATE))
    assert rates.diagnostics["losers"] == 1
    assert not rates.identified


def test_a_young_ledger_bounds_nothing():
    rows = [invoice("1", "2025-01-10", 100.0, "2025-02-09"), invoice("2", "2025-02-10", 50.0, "2025-03-12")]
    rates = fit_loss_rates(ledger_of(rows).as_of("2025-03-31"))
    assert (rates.table["ci_high"] == 1).all()
    with pytest.raises(ModelError):
        fit_loss_rates(ledger_of(rows).as_of("2025-02-20"))


def test_predict_repeats_the_table_and_moves_with_the_balances(book, rates):
    same = rates.predict(book.as_of(DATE))
    assert same["provision"].tolist() == rates.table["provision"].tolist()
    earlier = rates.predict(book.as_of("2024-06-30"))
    assert earlier["rate"].tolist() == rates.table["rate"].tolist()
    assert earlier["balance"].tolist() != rates.table["balance"].tolist()


def test_averaging_and_terminal_loss_are_explicit(book):
    snapshot = book.as_of(DATE)
    simple = fit_loss_rates(snapshot, averaging="simple")
    assert simple.total.value != fit_loss_rates(snapshot).total.value
    full = fit_loss_rates(snapshot, terminal_loss=1.0)
    assert full.table["rate"].iloc[-1] == 1.0
    assert full.conventions["terminal loss"] == "given: 100.00%"


def test_bad_arguments_are_errors(book):
    snapshot = book.as_of(DATE)
    for bad in (
        {"edges": (60, 30)},
        {"edges": ()},
        {"months": 0},
        {"not_due": "some"},
        {"write_offs": "kept"},
        {"averaging": "median"},
        {"terminal_loss": 1.5},
    ):
        with pytest.raises(ModelError):
            fit_loss_rates(snapshot, **bad)


@pytest.mark.parametrize("edges", [(30, 60, 90, 180), (15, 45), (27, 60)])
def test_a_flow_of_a_month_needs_buckets_of_a_month(book, edges):
    """Roll rates count only what left a bucket, however wide it is."""
    with pytest.raises(ModelError, match="need buckets a month wide"):
        fit_loss_rates(book.as_of(DATE), edges=edges)
    assert fit_loss_rates(book.as_of(DATE), "roll", edges=edges).identified
    assert fit_loss_rates(book.as_of(DATE), edges=(28, 59, 90)).identified
