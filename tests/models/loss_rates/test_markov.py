"""The absorbing chain against worked examples, loops over items, and its own definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.loss_rates.loss_counts import leave_one_out
from arrisk.models.loss_rates.markov import (
    chain_losses,
    complete_matrix,
    count_chain,
    pooled_matrix,
    unending_states,
)
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers
from tests.loss_book import loss_book
from tests.models.loss_rates.plain_moves import end_by_walking, plain_moves

FOUR = np.array(
    [
        [0, 0.6, 0, 0, 0.4, 0],
        [0, 0, 0.5, 0, 0.5, 0],
        [0, 0, 0, 0.4, 0.6, 0],
        [0, 0, 0, 0, 0.7, 0.3],
    ]
)


def rates_of(counts):
    return counts.rates(counts.totals())


def book_of_moves(shares: list[float], lost: float) -> list[list[dict]]:
    """Items of 1,000,000 that roll on in these shares a month, by calendar months of 30 or 31 days."""
    rows, events, left = [], [], 1_000_000.0
    days = ["2024-04-15", "2024-05-15", "2024-06-15"]
    for number, (share, day) in enumerate(zip(shares, days, strict=False)):
        rows.append(invoice(f"p{number}", "2024-03-01", left * (1 - share), "2024-03-31"))
        events.append(event(f"p{number}", day, left * (1 - share)))
        left *= share
    rows += [invoice("bad", "2024-03-01", left * lost, "2024-03-31")]
    rows += [invoice("good", "2024-03-01", left * (1 - lost), "2024-03-31")]
    end = days[len(shares)]
    events += [event("bad", end, left * lost, "write_off"), event("good", end, left * (1 - lost))]
    return [rows, events]


def test_three_states_followed_in_a_ledger():
    """Paid .8, .9, .85 and bad .15: chances .003, .015, .15; sales of 150,000 lose 450."""
    book = ledger_of(*book_of_moves([0.2, 0.1], 0.15)).as_of("2024-06-30")
    counts = count_chain(book, edges=(31,))
    assert rates_of(counts)[0] == pytest.approx([0.003, 0.015, 0.15], abs=1e-12)
    assert 150_000 * rates_of(counts)[0, 0] == pytest.approx(450)


def test_four_states_lose_what_the_published_chain_loses():
    assert chain_losses(FOUR) == pytest.approx([0.036, 0.06, 0.12, 0.30])
    assert 1_000_000 * chain_losses(FOUR)[0] == pytest.approx(36_000)


@pytest.mark.slow
@settings(max_examples=20)
@given(
    ledgers(),
    as_of_dates,
    st.sampled_from(["amount", "items"]),
    st.sampled_from(["item", "customer"]),
)
def test_chances_are_those_of_walking_the_loops_matrix(rows, day, of, unit):
    book = ledger_of(**rows).as_of(day)
    plain = np.maximum(plain_moves(book, 3, of=of, unit=unit).matrix.round(6), 0)
    total = plain.sum(axis=1, keepdims=True)
    matrix = complete_matrix(np.divide(plain, total, out=np.zeros_like(plain), where=total > 0), 5)
    if unending_states(matrix).any():
        with pytest.raises(ModelError, match="never reaches an end"):
            count_chain(book, months=3, of=of, unit=unit)
        return
    counts = count_chain(book, months=3, of=of, unit=unit, recovery_share=0.0)
    assert rates_of(counts)[0] == pytest.approx(end_by_walking(matrix), abs=1e-6)


def test_leaving_one_out_is_a_fit_without_it():
    ledger = loss_book(customers=12, invoices=200, lost_share=0.4, recovery=0.3)
    counts = count_chain(ledger.as_of("2024-12-31"))
    keep = np.ones(len(counts.customers), dtype=bool)
    for row, rates in enumerate(leave_one_out(counts)):
        keep[row] = False
        own = counts.terms.toarray()[keep].sum(axis=0)
        keep[row] = True
        assert rates == pytest.approx(counts.rates(np.concatenate([own, own])), abs=1e-12)


def test_a_state_that_is_never_left_is_named():
    rows = [invoice("1", "2023-01-05", 100, "2023-01-20"), invoice("2", "2023-01-05", 50, "2023-01-20")]
    book = ledger_of(rows, [event("2", "2023-02-05", 50)]).as_of("2024-01-31")
    with pytest.raises(ModelError, match=r"'31-60' .segment 'all'. never reaches an end"):
        count_chain(book, months=24)


def test_a_state_in_the_middle_of_the_chain_may_stay_as_long_as_it_ends():
    matrix = np.array([[0.0, 1.0, 0, 0], [0.9, 0, 0.05, 0.05]])
    assert not unending_states(matrix).any()
    assert chain_losses(matrix) == pytest.approx([0.5, 0.5])
    stuck = np.array([[0.0, 1.0, 0, 0], [1.0, 0, 0, 0]])
    assert unending_states(stuck).all()


def test_smoothing_leaves_impossible_moves_impossible():
    """Flat counts over all moves are known to turn a chance of .024 into more than .1.

    A hundred months in each state: 20, 30 and 40 roll on and the last loses; the others are paid.
    """
    counts = np.array([[0, 20, 0, 80, 0], [0, 0, 30, 70, 0], [0, 0, 0, 60, 40]], dtype=float)
    exact = chain_losses(pooled_matrix(counts.reshape(-1), counts.reshape(-1), 3, 0.0))
    assert exact[0] == pytest.approx(0.024)
    flat = counts + 10
    assert chain_losses(flat / flat.sum(axis=1, keepdims=True))[0] > 0.1
    for strength in (1, 50, 1e6):
        smooth = pooled_matrix(counts.reshape(-1), 7 * counts.reshape(-1), 3, strength)
        assert chain_losses(smooth)[0] == pytest.approx(0.024)
        assert (smooth[counts == 0] == 0).all()


def test_strength_weighs_the_matrix_of_all_segments():
    """Row (90 paid, 10 lost) with strength 100 toward (50, 50): (90 + 50) / 200 are paid."""
    own, everyone = np.array([0.0, 90, 10]), np.array([0.0, 500, 500])
    assert pooled_matrix(own, everyone, 1, 100.0)[0] == pytest.approx([0, 0.7, 0.3])
    assert pooled_matrix(own, everyone, 1, 0.0)[0] == pytest.approx([0, 0.9, 0.1])
    assert pooled_matrix(0 * own, everyone, 1, 1.0)[0] == pytest.approx([0, 0.5, 0.5])


def test_smoothing_draws_segments_together_in_a_ledger():
    rows, events, customers = [], [], []
    for name, segment, ends in (("a", "north", "write_off"), ("b", "south", "payment")):
        customers.append({"customer_id": name, "segment": segment})
        for number in range(2):
            rows.append(invoice(f"{name}{number}", "2024-01-05", 100, "2024-01-20", customer_id=name))
        events += [event(f"{name}0", "2024-02-10", 100, ends), event(f"{name}1", "2024-02-11", 100)]
    book = ledger_of(rows, events, customers=customers).as_of("2024-03-31")
    own, drawn = (count_chain(book, by="segment", strength=s) for s in (0.0, 200.0))
    assert rates_of(own)[:, 1].tolist() == [0.5, 0.0]
    assert rates_of(drawn)[:, 1].tolist() == [0.375, 0.125]
    assert "200.00" in drawn.conventions["smoothing"]
    assert leave_one_out(drawn)[0, 1] == pytest.approx(0.0)  # without a nobody lost anything


def test_disputes_apart_are_a_state_that_money_passes_through():
    rows = [
        invoice("1", "2024-01-05", 100, "2024-01-20", dispute_opened="2024-02-05"),
        invoice("2", "2024-01-05", 300, "2024-01-20"),
    ]
    events = [event("1", "2024-03-10", 100, "write_off"), event("2", "2024-02-10", 300)]
    book = ledger_of(rows, events).as_of("2024-03-31")
    apart, aged = (count_chain(book, disputes=disputes) for disputes in ("apart", "aged"))
    assert rates_of(apart)[0, 1] == rates_of(aged)[0, 1] == pytest.approx(0.25)
    assert rates_of(aged)[0, 2] == 1.0  # seen to lose all
    assert apart.totals()[0, 1 * 9 + 6] == 100  # from 1-30 to disputed
    assert apart.conventions["disputed items"] == "a state of its own"


def test_items_without_a_due_date_apart_do_not_enter_the_buckets():
    rows = [invoice("1", "2024-01-05", 100), invoice("2", "2024-01-05", 300, "2024-01-20")]
    events = [event("1", "2024-02-10", 100, "write_off"), event("2", "2024-02-10", 300)]
    book = ledger_of(rows, events).as_of("2024-03-31")
    aged, apart = (count_chain(book, no_due_date=where) for where in ("aged", "apart"))
    assert rates_of(aged)[0, 1] == pytest.approx(0.25)
    assert rates_of(apart)[0, 1] == 0.0


def test_bounced_part_payments_are_no_negative_chance():
    rows = [invoice("1", "2024-01-05", 100, "2024-01-20")]
    events = [event("1", "2024-01-25", 60), event("1", "2024-02-10", -60)]
    events += [event("1", "2024-03-10", 100)]
    counts = count_chain(ledger_of(rows, events).as_of("2024-04-30"))
    assert rates_of(counts)[0, 1:3].tolist() == [0.0, 0.0]


def test_recoveries_reduce_the_loss():
    rows = [invoice("1", "2024-01-05", 100, "2024-01-20"), invoice("2", "2024-01-05", 100, "2024-01-20")]
    events = [event("1", "2024-02-10", 100, "write_off"), event("2", "2024-02-10", 100)]
    events += [event("1", "2024-03-20", 20, "recovery")]
    book = ledger_of(rows, events).as_of("2024-03-31")
    assert rates_of(count_chain(book))[0, 1] == pytest.approx(0.4)
    assert rates_of(count_chain(book, recovery_share=0.0))[0, 1] == pytest.approx(0.5)
    assert rates_of(count_chain(book.as_of("2024-02-29")))[0, 1] == pytest.approx(0.5)


def test_chain_and_roll_rates_agree_closely_on_items():
    """They differ by February, in which some items stay, and by bounds of 30 days in months of 31."""
    book = loss_book(customers=40, invoices=1500, lost_share=0.2, recovery=0.2).as_of("2024-12-31")
    chain, roll = (fit_loss_rates(book, method) for method in ("markov", "roll"))
    assert chain.table["rate"].to_numpy() == pytest.approx(roll.table["rate"].to_numpy(), rel=0.1)
    assert chain.total.low < chain.total.value < chain.total.high
    assert chain.table["customers"].tolist() == roll.table["customers"].tolist()


@pytest.mark.parametrize("wrong", [{"strength": -1}, {"recovery_share": 2}, {"disputes": "hidden"}])
def test_choices_that_do_not_exist_are_refused(wrong):
    book = ledger_of([invoice("1", "2024-01-05", 100, "2024-01-20")]).as_of("2024-02-29")
    with pytest.raises(ModelError):
        count_chain(book, **wrong)
