"""Invoices lifted over a threshold are seen; round amounts alone are not taken for it."""

import numpy as np
import pandas as pd

from arrisk.models.effects.bunching import check_bunching

CUTOFF = 5000.0


def amounts(seed, lifted=0.0, heaped=0.0, rows=4000):
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(np.log(CUTOFF), 0.8, rows)
    below = (amount > 0.85 * CUTOFF) & (amount < CUTOFF) & (rng.random(rows) < lifted)
    amount = np.where(below, CUTOFF * (1 + 0.1 * rng.random(rows)), amount)
    rounded = np.maximum(np.rint(amount / 1000), 1) * 1000
    amount = np.where(rng.random(rows) < heaped, rounded, amount)
    return pd.DataFrame({"amount": amount, "customer_id": np.arange(rows) % 80})


def check(rows, before=None):
    return check_bunching(rows, running="amount", cutoff=CUTOFF, cluster="customer_id", compare=before)


def test_amounts_left_alone_are_not_refuted():
    assert check(amounts(1)).passed
    assert check(amounts(1), amounts(2)).passed


def test_lifted_invoices_are_seen():
    for found in (check(amounts(3, lifted=0.5)), check(amounts(3, lifted=0.5), amounts(4))):
        assert not found.passed
        assert found.ci_low > 0


def test_round_amounts_before_and_after_are_no_manipulation():
    assert check(amounts(5, heaped=0.2), amounts(6, heaped=0.2)).passed
