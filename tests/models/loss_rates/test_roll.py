"""Roll rates against items told one by one, and what they are by definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.loss_rates.customer_moves import read_customer_moves
from arrisk.models.loss_rates.fit import fit_loss_rates
from arrisk.models.loss_rates.loss_counts import LossCounts, leave_one_out
from arrisk.models.loss_rates.roll import count_rolls, roll_weights
from arrisk.models.loss_rates.today import balances_today
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import as_of_dates, ledgers
from tests.loss_book import loss_book
from tests.models.loss_rates.plain_moves import plain_moves, whole_month_ends

CHOICES = st.fixed_dictionaries(
    {
        "edges": st.sampled_from([(30, 60, 90), (7,), (10, 45)]),
        "averaging": st.sampled_from(["volume", "simple"]),
        "of": st.sampled_from(["amount", "items"]),
        "unit": st.sampled_from(["item", "customer"]),
        "write_offs": st.sampled_from(["migrated", "dropped"]),
    }
)


def rates_of(counts: LossCounts) -> np.ndarray:
    return counts.rates(counts.totals())[0]


@pytest.mark.slow
@settings(max_examples=20)
@given(ledgers(), as_of_dates, CHOICES)
def test_rates_and_each_left_out_are_those_of_loops_over_items(rows, day, choices):
    book = ledger_of(**rows).as_of(day)
    counts = count_rolls(book, months=3, **choices)
    assert rates_of(counts) == pytest.approx(plain_moves(book, 3, **choices).rates, abs=1e-9)
    for customer, rates in zip(counts.customers, leave_one_out(counts), strict=True):
        plain = plain_moves(book, 3, leave_out=customer, **choices)
        assert rates == pytest.approx(plain.rates, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["item", "customer"])
def test_a_book_of_three_years_is_told_alike(unit):
    book = loss_book(customers=12, invoices=150, lost_share=0.3, recovery=0.3).as_of("2024-12-31")
    counts = count_rolls(book, months=30, unit=unit, averaging="simple")
    assert rates_of(counts) == pytest.approx(plain_moves(book, 30, averaging="simple", unit=unit).rates)


@settings(max_examples=5)
@given(ledgers(), as_of_dates, st.sampled_from(["item", "customer"]))
def test_what_leaves_a_bucket_stayed_moved_was_paid_credited_or_written_off(rows, day, unit):
    """Every transition out of a bucket adds up to what stood there a month before, to the cent."""
    book = ledger_of(**rows).as_of(day)
    moves = read_customer_moves(book, 3, (30, 60, 90), unit)
    stood = plain_moves(book, 3, unit=unit).stood
    month_ends = whole_month_ends(book, 3)[1:]
    assert list(moves.month_ends) == month_ends
    for month in range(len(month_ends)):
        for bucket in range(5):
            out = (moves.found.month == month) & (moves.found.origin == bucket)
            left = moves.found.amount[out].sum() / 100
            assert left == pytest.approx(stood[month][bucket], abs=1e-6)


@settings(max_examples=4)
@given(ledgers(), as_of_dates)
def test_nothing_later_than_the_day_counts(rows, day):
    later = event("anchor", "2024-09-01", 1.0, "write_off", customer_id="c0")
    known, more = (
        ledger_of(rows["invoices"], events) for events in (rows["events"], [*rows["events"], later])
    )
    one, other = (count_rolls(ledger.as_of(day)) for ledger in (known, more))
    np.testing.assert_array_equal(one.terms.toarray(), other.terms.toarray())


def one_year_book() -> list[dict]:
    """1,000,000 in the first bucket: 300,000 collected, 200,000 written off, 500,000 in the next."""
    amounts = {"a": 3e5, "b": 2e5, "c": 5e5}
    return [invoice(name, "2024-01-05", amount, "2024-01-20") for name, amount in amounts.items()]


@pytest.mark.parametrize(("write_offs", "of", "share"), [
    ("migrated", "amount", 0.7), ("dropped", "amount", 0.5),
    ("migrated", "items", 2 / 3), ("dropped", "items", 1 / 3),
])  # fmt: skip
def test_write_offs_count_as_migrated(write_offs, of, share):
    """Migration is 70%, not 50%, of what stood there (Beijing CPA Association, alert 2020-3)."""
    events = [event("a", "2024-02-10", 3e5), event("b", "2024-02-12", 2e5, "write_off")]
    book = ledger_of(one_year_book(), events).as_of("2024-02-29")
    counts = count_rolls(book, write_offs=write_offs, of=of, edges=(30,), terminal_loss=1.0)
    assert rates_of(counts)[1:] == pytest.approx([share, 1.0])
    assert ("migrated" in counts.conventions["write-offs"]) == (write_offs == "migrated")


def test_sales_cohort_followed_to_its_end():
    """Sales of 100,000 paid over the buckets as in the published cohort lose what the cohort loses."""
    paid = {"b": (50_000, "2024-02-05"), "c": (27_000, "2024-03-05"), "d": (15_000, "2024-04-05")}
    paid |= {"e": (6_000, "2024-05-05")}
    rows = [invoice("a", "2024-01-05", 2_000, "2024-02-10")]
    rows += [invoice(n, "2024-01-05", amount, "2024-02-10") for n, (amount, _) in paid.items()]
    events = [event(n, day, amount) for n, (amount, day) in paid.items()]
    events.append(event("a", "2024-08-05", 2_000, "write_off"))
    rates = rates_of(count_rolls(ledger_of(rows, events).as_of("2024-08-31")))
    assert rates == pytest.approx([0.02, 0.04, 0.086957, 0.25, 1.0], abs=5e-7)


def test_a_move_over_a_bucket_rolls_over_both_steps():
    """Due on the last day of December it is 31 days late at the end of January: 1-30 is skipped."""
    rows = [invoice("1", "2023-12-01", 100, "2023-12-31"), invoice("2", "2023-12-01", 100, "2024-01-31")]
    counts = count_rolls(ledger_of(rows, [event("2", "2024-02-10", 100)]).as_of("2024-02-29"), months=2)
    steps = counts.totals()[0][:8].reshape(2, 4)
    assert steps[0].tolist() == [100, 100, 0, 0]
    assert steps[1].tolist() == [100, 0, 0, 0]


def test_february_leaves_an_item_in_its_bucket():
    rows = [invoice("1", "2023-01-01", 100, "2022-12-31")]
    book = ledger_of(rows).as_of("2023-02-28")
    assert read_customer_moves(book, 1, (30, 60)).found.destination.tolist() == [2]
    assert not count_rolls(book, months=1, edges=(30, 60)).totals().any()


def test_a_part_payment_settles_a_part():
    rows = [invoice("1", "2024-01-05", 100, "2024-01-20")]
    counts = count_rolls(ledger_of(rows, [event("1", "2024-02-10", 60)]).as_of("2024-02-29"), terminal_loss=1)
    assert rates_of(counts)[1] == pytest.approx(0.4)
    items = count_rolls(
        ledger_of(rows, [event("1", "2024-02-10", 60)]).as_of("2024-02-29"), terminal_loss=1, of="items"
    )
    assert rates_of(items)[1] == 1.0


def test_what_is_issued_and_late_within_a_month_is_no_roll_but_a_net_flow():
    rows = [invoice("1", "2024-01-05", 100, "2024-02-10"), invoice("2", "2024-02-01", 900, "2024-02-10")]
    book = ledger_of(rows, [event("1", "2024-02-05", 100)]).as_of("2024-02-29")
    assert rates_of(count_rolls(book, terminal_loss=1.0))[0] == 0.0
    net = fit_loss_rates(book, "net_flow", terminal_loss=1.0, not_due="all").counts
    assert rates_of(net)[0] == 1.0


def test_a_customer_counts_by_its_worst_item():
    rows = [invoice("1", "2023-11-01", 100, "2023-11-15"), invoice("2", "2023-12-20", 900, "2024-03-31")]
    book = ledger_of(rows, [event("1", "2024-02-10", 100)]).as_of("2024-02-29")
    item, customer = (count_rolls(book, months=1, unit=unit) for unit in ("item", "customer"))
    assert item.today.tolist() == [[900, 0, 0, 0, 0]]
    assert item.totals()[0][4:8].tolist() == [0, 0, 0, 100]
    assert customer.totals()[0][4:8].tolist() == [0, 0, 0, 1000]  # 100 paid, and 900 are not late any more
    with_late = ledger_of(rows).as_of("2024-02-29")
    assert count_rolls(with_late, unit="customer").today.tolist() == [[0, 0, 0, 0, 1000]]
    rates = fit_loss_rates(with_late, "roll", unit="customer")
    assert rates.table["balance"].tolist() == [0, 0, 0, 0, 1000]
    assert balances_today(with_late, rates.counts).tolist() == [[0, 0, 0, 0, 1000]]
    assert "worst bucket" in rates.conventions["unit"]


def test_weights_say_where_every_move_counts():
    """Every move is exactly one of: not decided, settled in its bucket, or rolled as far as it went."""
    weights = roll_weights((30, 60, 90))
    assert weights.shape == (5, 10, 10)
    stays = [weights[b, b].sum() for b in range(5)]
    assert stays == [0] * 5
    assert weights[0, 4].tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert weights[1, 9].tolist() == [0, 1, 1, 1, 0, 0, 0, 0, 1, 0]
    assert roll_weights((30, 60, 90), "dropped")[1, 9].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"unit": "invoice"},
        {"of": "money"},
        {"averaging": "median"},
        {"write_offs": "kept"},
        {"months": 0},
        {"terminal_loss": 1.5},
        {"edges": (60, 30)},
    ],
)
def test_choices_that_do_not_exist_are_refused(wrong):
    book = ledger_of([invoice("1", "2024-01-05", 100, "2024-01-20")]).as_of("2024-02-29")
    with pytest.raises(ModelError):
        count_rolls(book, **wrong)


def test_a_ledger_without_a_whole_month_has_no_rates():
    with pytest.raises(ModelError, match="whole month"):
        count_rolls(ledger_of([invoice("1", "2024-01-05", 100)]).as_of("2024-01-20"))


def test_every_choice_is_printed():
    book = ledger_of([invoice("1", "2024-01-05", 100, "2024-01-20")]).as_of("2024-02-29")
    rates = fit_loss_rates(book, "roll", months=2, averaging="simple", of="items", terminal_loss=0.4)
    words = rates.conventions
    assert words["window"] == "2023-12-31 to 2024-02-29, 2 monthly moves"
    assert words["averaging"].startswith("simple")
    assert words["terminal loss"] == "given: 40.00%"
    assert {"of", "unit", "write-offs", "stays", "jumps", "part payments", "credit notes"} <= set(words)
    assert rates.counts.facts["window"] == (pd.Timestamp("2024-01-31"), pd.Timestamp("2024-02-29"))
