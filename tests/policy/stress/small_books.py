"""A book of three customers whose receipts, losses and covenants fit on a slip of paper."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from arrisk.models.losses.portfolio import Dependence, make_portfolio
from arrisk.policy.stress.receipts import Receipts
from arrisk.policy.stress.runs import Book

NAMES = np.array(["a", "b", "c"], dtype=object)


def slip_receipts() -> Receipts:
    """Two weeks, one draw: a pays 70 on day 3 and 30 on day 10, b 50 on day 5, c 20 on day 14."""
    customer = np.array([0, 0, 1, 2])
    day = np.array([3, 10, 5, 14])
    amount = np.array([7000, 3000, 5000, 2000])
    return Receipts(NAMES, 1, 14, np.zeros(4, dtype=np.int64), customer, day, amount, 100, np.ones(1))


def slip_book(**changed: Any) -> Book:
    """a owes 600, b 300, c 100; half is lost of each; nobody fails by chance; payments of 85 a week."""
    portfolio = make_portfolio(
        0.0, [600.0, 300.0, 100.0], 0.5, industry=["x", "x", "y"], name=["a", "b", "c"]
    )
    book = Book(
        portfolio=portfolio,
        dependence=Dependence(0.15),
        debtor=NAMES,
        sales=np.array([6000.0, 3000.0, 1000.0]),
        receipts=slip_receipts(),
        trade=np.array(["x", "x", "y"], dtype=object),
        payments=np.full(2, 85.0),
        policy=None,
        seed=1,
    )
    return replace(book, **changed)
