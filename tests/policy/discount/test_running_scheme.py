import numpy as np
import pandas as pd
import pytest

from arrisk.policy.discount.running_scheme import describe_running_scheme
from tests.policy.discount.books import AS_OF, make_book


def test_a_ledger_without_discounts_has_nothing_to_describe():
    running = describe_running_scheme(make_book())
    assert not running.exists
    assert running.finding() == "The ledger holds no discount offered or taken."


def test_counts_and_amounts_are_those_of_the_ledger():
    book = make_book(offered=("Trade",), unearned=0.3)
    running = describe_running_scheme(book)
    items = book.items
    taken = items[items["discount_amount"] > 0]
    late = (taken["closed_date"] - taken["issue_date"]).dt.days > 10 + 3
    total = running.total
    assert total["taken"] == len(taken)
    assert total["discount_amount"] == pytest.approx(taken["discount_amount"].sum())
    assert total["unearned"] == late.sum() > 0
    assert total["unearned_amount"] == pytest.approx(taken.loc[late, "discount_amount"].sum())
    window_over = items["issue_date"] + pd.Timedelta(days=10) < AS_OF
    offered = items[items["discount_rate"].notna() & (window_over | (items["close_kind"] != "open"))]
    assert total["offered"] == len(offered)
    assert total["take_up"] == pytest.approx(
        offered.loc[offered["discount_amount"] > 0, "amount"].sum() / offered["amount"].sum()
    )


def test_grace_days_forgive():
    book = make_book(offered=("Trade",), unearned=0.3)
    assert describe_running_scheme(book, grace_days=25).total["unearned"] == 0


def test_the_day_of_taking_is_the_discount_s_not_the_last_payment_s():
    """A partial payment that closes the item later does not make the discount unearned; nor the reverse."""
    book = make_book(offered=("Trade",))
    assert describe_running_scheme(book).total["unearned"] == 0
    first = book.events.index[:5]
    ids = book.events.loc[first, "invoice_id"]
    rows = book.items["invoice_id"].isin(ids)
    book.items.loc[rows, "closed_date"] += pd.Timedelta(days=30)
    assert describe_running_scheme(book).total["unearned"] == 0
    book.events.loc[first[:2], "instalment"] = 1
    book.events.loc[first[:3], "date"] += pd.Timedelta(days=30)
    assert describe_running_scheme(book).total["unearned"] == 3


def test_a_discount_that_nobody_offered_is_counted_apart():
    book = make_book(offered=("Trade",))
    hit = book.items.index[book.items["discount_amount"] > 0][:7]
    book.items.loc[hit, ["discount_rate", "discount_days"]] = np.nan
    assert describe_running_scheme(book).total["not_offered"] == 7


@pytest.mark.slow
def test_the_interval_of_take_up_is_by_customer_and_covers():
    """Habits differ between customers: an interval on invoices would be several times too narrow."""
    covered = 0
    for seed in range(40):
        book = make_book(offered=("Trade",), customers=40, invoices=30, seed=seed)
        rng = np.random.default_rng(seed)
        items = book.items
        share = rng.beta(2, 3, 40)
        row = items["customer_id"].str[1:].astype(int).to_numpy()
        took = (
            items["discount_rate"].notna()
            & (rng.random(len(items)) < share[row])
            & items["closed_date"].notna()
        )
        items["amount"] = 1000.0
        items["discount_amount"] = np.where(took, 20.0, 0.0)
        t = describe_running_scheme(book).total
        covered += t["ci_low"] <= 0.4 <= t["ci_high"]
    assert covered >= 34


def test_when_all_take_the_interval_still_has_a_lower_end():
    book = make_book(offered=("Trade",), take_up=1.0)
    book.items.loc[
        book.items["discount_rate"].notna() & (book.items["discount_amount"] == 0), "discount_rate"
    ] = np.nan
    t = describe_running_scheme(book).total
    assert t["take_up"] == 1.0
    assert 0.8 < t["ci_low"] < 1.0 == t["ci_high"]


def test_the_naive_comparison_is_labelled_descriptive_and_text_is_escaped():
    book = make_book(offered=("Trade",))
    book.customers["segment"] = "<i>Trade</i>"
    page = describe_running_scheme(book)._repr_html_()
    assert "Descriptive only" in page
    assert "<i>Trade" not in page


def test_table_and_picture_by_segment():
    running = describe_running_scheme(make_book(offered=("Trade",)))
    shown = running.to_table()
    assert shown.frame["segment"].tolist() == running.table["segment"].tolist()
    assert shown.frame["discounts"].iloc[-1] == running.total["discount_amount"]
    assert "Descriptive only" in shown.note
    ax = running.plot()
    assert len(ax.get_yticks()) == len(running.table)
    ax.figure.clear()


def test_without_discounts_table_and_picture_say_so():
    running = describe_running_scheme(make_book())
    assert running.to_table().frame.empty
    ax = running.plot()
    assert "no discount offered or taken" in " ".join(ax.get_title(loc="left").split())
    ax.figure.clear()


def test_offers_nobody_recorded_give_no_take_up():
    book = make_book(offered=("Trade",))
    book.items[["discount_rate", "discount_days"]] = np.nan
    running = describe_running_scheme(book)
    assert "does not show to whom" in running.finding()
    assert "nan" not in running.finding()
    ax = running.plot()
    assert not ax.axison
    ax.figure.clear()
