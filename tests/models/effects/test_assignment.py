"""How offers were given: rules found again, customers picked by hand told apart, nothing made of noise."""

import numpy as np
import pandas as pd
import pytest

from arrisk.models.effects.assignment import find_offer_rules
from arrisk.models.effects.outcomes import observe_outcomes
from tests.policy.discount.books import make_book

SINCE = pd.Timestamp("2025-03-15")


def offer(book, mask, rate=0.02):
    book.items["discount_rate"] = np.where(mask, rate, np.nan)
    book.items["discount_days"] = np.where(mask, 10.0, np.nan)
    return book


def facts(rules, group):
    return rules.table.set_index("group").loc[group]


def segment_of(book):
    return book.items["customer_id"].map(book.customers.set_index("customer_id")["segment"])


def test_a_rule_is_found_to_the_day_and_the_amount():
    book = make_book()
    large = book.items["amount"] >= 1500
    offer(book, (segment_of(book) == "Trade") & large & (book.items["issue_date"] >= SINCE))
    rules = find_offer_rules(book)
    trade = facts(rules, "Trade")
    assert (trade["kind"], trade["start"], trade["threshold"]) == ("rule", SINCE, 1500.0)
    assert (trade["rate"], trade["window"], trade["kept"], trade["spared"]) == (0.02, 10.0, 1.0, 1.0)
    assert facts(rules, "Retail")["kind"] == "none"
    assert "EUR 1,500 on since 2025-03-15" in rules.finding()
    assert not rules.members["picked"].any()


def test_a_few_exceptions_do_not_hide_the_rule():
    book = make_book(customers=120)
    rng = np.random.default_rng(1)
    trade = segment_of(book) == "Trade"
    rule = trade & (book.items["amount"] >= 1500) & (book.items["issue_date"] >= SINCE)
    offer(book, rule ^ ((rng.random(len(rule)) < 0.02) & trade))
    trade = facts(find_offer_rules(book), "Trade")
    assert trade["kind"] == "rule"
    assert trade["threshold"] == pytest.approx(1500, rel=0.02)
    assert abs(trade["start"] - SINCE) <= pd.Timedelta(days=3)
    assert 0.96 < trade["kept"] < 1


def test_groups_may_start_at_different_times():
    book = make_book()
    wait = pd.to_timedelta(np.where(segment_of(book) == "Trade", 0, 120), unit="D")
    offer(book, book.items["issue_date"] >= SINCE + wait)
    rules = find_offer_rules(book)
    assert (rules.table["kind"] == "rule").all()
    assert facts(rules, "Trade")["start"] == SINCE
    assert facts(rules, "Retail")["start"] == SINCE + pd.Timedelta(days=120)
    assert (rules.table["threshold"] == 0).all()


def test_customers_picked_by_hand_are_no_rule():
    book = make_book()
    friends = ["C001", "C003", "C005"]
    offer(book, book.items["customer_id"].isin(friends) & (book.items["issue_date"] >= SINCE))
    rules = find_offer_rules(book)
    trade = facts(rules, "Trade")
    assert trade["kind"] == "picked"
    assert trade["start"] == SINCE
    assert "3 of 30 customers" in trade["reason"]
    assert rules.members.loc[rules.members["picked"], "customer_id"].tolist() == friends


def test_an_offer_to_everybody_from_the_first_day_has_nothing_before_it():
    book = offer(make_book(), True)
    assert (find_offer_rules(book).table["kind"] == "always").all()


def test_noise_is_no_rule_and_no_choice_of_customers():
    book = make_book()
    offer(book, np.random.default_rng(3).random(len(book.items)) < 0.3)
    rules = find_offer_rules(book)
    assert (rules.table["kind"] == "unclear").all()
    assert "no rule explains" in rules.finding()


def test_nothing_offered():
    rules = find_offer_rules(make_book())
    assert not rules.exists
    assert rules.finding() == "No invoice of the ledger was offered a discount"
    assert (rules.table["kind"] == "none").all()


def test_what_was_paid_plays_no_part():
    book = make_book(offered=("Trade",))
    other = make_book(offered=("Trade",))
    other.items[["closed_date", "close_kind"]] = [pd.NaT, "open"]
    other.items[["discount_amount", "paid_amount"]] = 0.0
    pd.testing.assert_frame_equal(find_offer_rules(book).table, find_offer_rules(other).table)


def test_another_attribute_is_found_when_it_explains_more():
    book = make_book()
    region = np.where(np.arange(60) % 3 == 0, "north", "south")
    book.customers["region"] = region
    north = book.items["customer_id"].map(book.customers.set_index("customer_id")["region"]) == "north"
    offer(book, north & (book.items["issue_date"] >= SINCE))
    rules = find_offer_rules(book)
    assert rules.by == "region"
    assert facts(rules, "north")["kind"] == "rule"
    assert find_offer_rules(book, by="segment").by == "segment"


def test_the_sample_s_rule_and_friends(sample_study):
    snapshot = sample_study.snapshot()
    rules = find_offer_rules(snapshot)
    wholesale = facts(rules, "Wholesale")
    assert (wholesale["start"], wholesale["threshold"]) == (pd.Timestamp("2024-04-01"), 5000.0)
    assert facts(rules, "Manufacturing")["kind"] == "picked"
    marked = rules.treat(observe_outcomes(snapshot))
    assert (marked["ruled"] == (marked["offered"] & ~marked["picked"])).all()
    assert not marked.loc[marked["picked"], "comparable"].any()
    earlier = find_offer_rules(snapshot.as_of("2024-12-31"))
    assert facts(earlier, "Wholesale")["threshold"] == 5000.0


def test_the_picture_and_the_table_escape_names():
    book = make_book(offered=("Trade",))
    book.customers["segment"] = book.customers["segment"].replace("Trade", "<i>Trade</i>")
    rules = find_offer_rules(book)
    assert "<i>Trade" not in rules._repr_html_()
    ax = rules.plot()
    assert "every invoice" in " ".join(ax.get_title(loc="left").split())
    ax.figure.clear()
