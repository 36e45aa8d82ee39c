"""Terms of sales by hand, ranks that mean something and ranks that do not."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.policy.incentives.measures import SUMS, make_sales_sums, term_scores
from arrisk.policy.incentives.scheme import Scheme
from arrisk.policy.incentives.scores import score_sales
from tests.ledger.frames import event, invoice, ledger_of
from tests.policy.incentives.books import sales_book


def totals(**sums):
    return np.array([[float(sums.get(name, 0.0))] for name in SUMS])


def test_terms_by_hand():
    scores = term_scores(
        totals(
            collected=90,
            expected=100,
            new=4,
            compliant=3,
            overdue=10,
            owed=100,
            overdue_before=20,
            owed_before=100,
        )
    )
    assert scores.tolist() == [[90.0, 75.0, 120.0]]
    worse = term_scores(totals(overdue=30, owed=100, overdue_before=20, owed_before=100))
    assert worse[0, 2] == pytest.approx(50.0)


def test_terms_that_cannot_be_known_are_missing():
    scores = term_scores(totals(new=2, compliant=2), has_limits=False)
    assert np.isnan(scores).all()


def test_sums_by_hand():
    """Two customers of Ada, one due item each; one new customer over its limit, one old one."""
    invoices = [
        invoice("1", "2024-02-01", 100.0, "2024-03-01", customer_id="old", salesperson="Ada"),
        invoice("2", "2025-02-01", 100.0, "2025-03-01", customer_id="old", salesperson="Ada"),
        invoice("3", "2025-04-01", 300.0, "2025-05-01", customer_id="new", salesperson="Ada"),
    ]
    events = [event("1", "2024-03-01", 100.0), event("2", "2025-03-10", 100.0)]
    limits = [{"customer_id": "new", "valid_from": "2025-03-01", "credit_limit": 200.0}]
    sums = make_sales_sums(ledger_of(invoices, events, limits=limits).as_of("2025-12-31"))
    row = dict(zip(SUMS, sums.totals()[:, 0], strict=True))
    assert (row["new"], row["compliant"]) == (1, 0)
    assert (row["collected"], row["expected"]) == (0.0, 0.0)
    assert (row["overdue"], row["owed"]) == (
        3 * 300.0,
        3 * 300.0,
    )  # 31 Dec, 30 Sep, 30 June; 31 March: nothing
    assert sums.quarters == 4


def test_mix_is_taken_out():
    """Each seller serves one segment that pays alike: nobody is better than expected."""
    customers = [{"customer_id": "a", "segment": "slow"}, {"customer_id": "b", "segment": "fast"}]
    invoices = [
        invoice(f"{c}{m}", f"2025-{m:02d}-01", 100.0, f"2025-{m:02d}-20", customer_id=c, salesperson=who)
        for m in range(1, 11)
        for c, who in (("a", "Ada"), ("b", "Bob"))
    ]
    events = [
        event(i["invoice_id"], f"2025-{m:02d}-{day}", 100.0)
        for i, m in zip(invoices, np.repeat(range(1, 11), 2), strict=True)
        for day in [28 if i["customer_id"] == "a" and m > 5 else 18]
    ]
    ledger = ledger_of(invoices, events, customers=customers)
    alone = Scheme("sales", {"collections": 100, "new_customer_compliance": 0, "overdue_reduction": 0})
    table = score_sales(ledger.as_of("2025-12-31"), alone).table
    assert table["score"].tolist() == [100.0, 100.0]
    assert table["rank"].tolist() == [1, 1]


@pytest.fixture(scope="module")
def clear():
    return score_sales(sales_book({"Ada": 1, "Bob": 9}).as_of("2025-12-31"), seed=3, draws=200)


def test_a_clear_difference_is_told_apart(clear):
    assert clear.table["salesperson"].tolist() == ["Ada", "Bob"]
    assert (clear.told_apart, clear.pairs) == (1, 1)
    assert clear.table["rank_high"].iloc[0] == 1
    assert "1 of 1 pairs" in clear.finding


def test_a_term_some_lack_counts_for_nobody(clear):
    """Nobody has new customers in the year."""
    assert set(clear.left_out) == {"new_customer_compliance"}
    expected = clear.table["collections"] * 4 / 7 + clear.table["overdue_reduction"] * 3 / 7
    assert clear.table["score"].to_numpy() == pytest.approx(expected.to_numpy())


def test_equals_cannot_be_told_apart():
    found = score_sales(sales_book({"Ada": 6, "Bob": 6}).as_of("2025-12-31"), seed=3, draws=200)
    assert found.told_apart == 0
    assert found.table["rank_low"].tolist() == [1, 1]
    assert found.table["rank_high"].tolist() == [2, 2]
    assert found.table["rank"].tolist() == [1, 1]


def test_draws_are_reproducible_and_seeded():
    snapshot = sales_book({"Ada": 5, "Bob": 6}).as_of("2025-12-31")
    one, two, other = (score_sales(snapshot, seed=s, draws=60).table["p_first"].tolist() for s in (1, 1, 2))
    assert one == two
    assert one != other


def test_without_limits_compliance_says_why():
    found = score_sales(sales_book({"Ada": 1, "Bob": 9}, limits=False).as_of("2025-12-31"), draws=20)
    assert found.left_out == {"new_customer_compliance": "the ledger gives no limits"}


def test_a_ledger_without_salespeople_scores_nobody():
    ledger = ledger_of([invoice("1", "2025-01-05", 10.0, "2025-02-05")])
    found = score_sales(ledger.as_of("2025-12-31"), draws=20)
    assert found.table.empty
    assert "names no salesperson" in found.to_table().title
    assert found.plot().get_title() == found.finding


def test_settings_that_cannot_be():
    snapshot = ledger_of([invoice("1", "2025-01-05", 10.0, "2025-02-05")]).as_of("2025-12-31")
    with pytest.raises(ModelError, match="at least one draw"):
        score_sales(snapshot, draws=0)


def test_nothing_later_changes_a_score():
    invoices = [
        invoice(
            str(m), f"2025-{m:02d}-01", 100.0, f"2025-{m:02d}-20", customer_id=f"c{m % 3}", salesperson="Ada"
        )
        for m in range(1, 11)
    ]
    early = [event(str(m), f"2025-{m:02d}-25", 100.0) for m in range(1, 9)]
    late = [event("9", "2025-12-01", 100.0), event("3", "2025-12-02", -50.0)]
    before, after = (
        score_sales(ledger_of(invoices, events).as_of("2025-11-15"), draws=20).table
        for events in (early, early + late)
    )
    assert before.equals(after)
