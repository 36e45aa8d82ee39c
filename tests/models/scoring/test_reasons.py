from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.models.scoring.bins import Bins
from arrisk.models.scoring.card import Card
from arrisk.models.scoring.reasons import NO_REASON
from arrisk.models.scoring.terms import BinnedTerm, LinearTerm


def card_of(*terms):
    return Card(terms, -3.0, np.zeros((len(terms) + 1,) * 2))


def oldest(coefficient=1.0, average=3.0):
    return LinearTerm("oldest_overdue_days", 0, 120, 30, 0, coefficient, average)


def late(coefficient=1.0, average=3.0):
    return LinearTerm("mean_days_late", -30, 120, 30, 0, coefficient, average)


def test_reasons_name_what_is_worse_than_the_book_worst_first():
    card = card_of(late(), oldest())
    seen = pd.DataFrame({"oldest_overdue_days": [60.0], "mean_days_late": [12.0]})
    assert card.reasons(seen) == [
        "oldest open item 60 days overdue (average: 3); "
        "12 days late on average over the last year (average: 3)"
    ]
    assert card.reasons(seen, count=1) == ["oldest open item 60 days overdue (average: 3)"]


def test_an_average_that_pays_early_is_told_as_early():
    told = card_of(late(average=-7)).reasons(pd.DataFrame({"mean_days_late": [12.0]}))
    assert told == ["12 days late on average over the last year (average: 7 early)"]


def test_a_good_value_is_no_reason_though_others_are_better():
    told = card_of(late(average=-30)).reasons(pd.DataFrame({"mean_days_late": [-2.0, 0.0]}))
    assert told == [NO_REASON] * 2


def test_little_of_what_protects_is_a_reason_and_much_is_none():
    card = card_of(LinearTerm("months_customer", 0, 120, 36, 40, -0.8, 48))
    told = card.reasons(pd.DataFrame({"months_customer": [2.0, 90.0]}))
    assert told == ["a customer for 2 months (average: 48)", NO_REASON]


def test_exponentials_and_shares_are_told_as_their_template_tells_them():
    card = card_of(
        LinearTerm("order_change", -2, 2, 1, 0, 1.0, 0.0), LinearTerm("share_late", 0, 1, 0.25, 0, 1.0, 0.2)
    )
    told = card.reasons(pd.DataFrame({"order_change": [np.log(2)], "share_late": [0.9]}))
    assert told == ["90% of items late (average: 20%); orders at 2.0 times their former pace (average: 1.0)"]


@pytest.mark.parametrize("value", [None, np.nan, pd.NA])
def test_what_is_not_known_is_told_so(value):
    card = card_of(LinearTerm("mean_days_late", -30, 120, 30, 60, 1.0, 3))
    seen = pd.DataFrame({"mean_days_late": pd.array([value], dtype="Float64")})
    assert card.reasons(seen) == ["mean days late not known"]


def test_bins_tell_the_value_and_the_typical_one():
    text = Bins("kind_of_firm", "text", (), (("shop",), ("bank",)), (), (5, 5, 0, 0), (5, 50, 0, 0),
                (-1.2, 0.4, 0, 0), 0.3, "by category", 0.5)  # fmt: skip
    number = Bins("age", "number", (30.0,), (), (), (5, 5, 0), (5, 50, 0), (-1.0, 0.4, 0), 0.3, "increasing",
                  0.5)  # fmt: skip
    card = card_of(BinnedTerm(text, -1.0, "bank"), BinnedTerm(number, -1.0, 41.5))
    seen = pd.DataFrame({"kind_of_firm": ["shop", "bank", None], "age": [22.0, 50.0, 22.25]})
    assert card.reasons(seen) == [
        "kind of firm: shop (typical: bank); age: 22 (typical: 41.5)",
        NO_REASON,
        # What nobody has been seen with is as good as the average: no reason.
        "age: 22.25 (typical: 41.5)",
    ]
    told = card.reasons(seen, words={"age": "only {0:.0f} years old"})
    assert told[0].endswith("only 22 years old (typical: 42)")


def test_a_bad_value_that_is_the_typical_one_is_told_without_it():
    groups, woe = (("rented",), ("own",)), (-0.5, 1.5, 0, 0)
    bins = Bins("house", "text", (), groups, (), (9, 1, 0, 0), (40, 30, 0, 0), woe, 0.3, "by category", 0.5)
    card = card_of(BinnedTerm(bins, -1.0, "rented"))
    assert card.reasons(pd.DataFrame({"house": ["rented"]})) == ["house: rented"]


def test_a_small_difference_is_no_reason():
    assert card_of(oldest(average=3)).reasons(pd.DataFrame({"oldest_overdue_days": [4.0]})) == [NO_REASON]
