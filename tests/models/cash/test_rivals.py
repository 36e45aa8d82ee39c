from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.models.cash.rivals import ageing_bucket, ageing_shares, by_ageing, customer_mean, terms_only


def test_terms_only_pays_the_overdue_at_once_and_the_rest_when_due():
    assert terms_only([5, 0, -1, -7, -8, -99], [1, 2, 4, 8, 16, 32], 2).tolist() == [15, 16]


def test_customer_mean_uses_its_history_or_that_of_all():
    settled = pd.DataFrame({"customer_id": ["a", "a", "b"], "days_late": [8, 12, 40]})
    book = pd.DataFrame(
        {
            "customer_id": ["a", "b", "new", "a"],
            "days_overdue": [-4, 0, 0, 30],
            "amount": [1.0, 2.0, 4.0, 8.0],
        }
    )
    # a pays 10 late: in 14 days; b in 40; a new customer 20 late; what is past its day comes at once.
    assert customer_mean(book, settled, 6).tolist() == [8, 1, 4, 0, 0, 2]


def test_ageing_buckets_and_shares():
    assert ageing_bucket([-3, 0, 1, 30, 31, 60, 61, 90, 91]).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    shares = ageing_shares(
        [np.array([100.0, 0, 0, 0, 0]), np.array([100.0, 50, 0, 0, 0])],
        [np.array([[60.0, 20]] + [[0.0, 0]] * 4), np.array([[40.0, 20], [5.0, 10]] + [[0.0, 0]] * 3)],
    )
    np.testing.assert_allclose(shares[:2], [[0.5, 0.2], [0.1, 0.2]])
    np.testing.assert_allclose(by_ageing([-1, 10, 10], [10.0, 20.0, 20.0], shares), [9.0, 10.0])
