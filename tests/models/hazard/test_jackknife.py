"""Leaving out a customer, one step at a time."""

from __future__ import annotations

import numpy as np

from arrisk.models.hazard.cloglog import fit_cloglog
from arrisk.models.hazard.clustered import customer_scores
from arrisk.models.hazard.jackknife import left_out_shares
from tests.models.hazard.test_cloglog import book


def test_one_step_without_a_customer_is_near_the_fit_without_it() -> None:
    b = book(5, n=2000)
    x = np.column_stack([np.arange(6) % 2, np.arange(6) > 2]).astype(float)
    w = np.eye(4)[:, 1:]
    fit = fit_cloglog(b.days(True), x, w)
    shares = left_out_shares(fit, b.customer, customer_scores(fit, b.customer))
    order = {c: i for i, c in enumerate(dict.fromkeys(b.customer.tolist()))}
    for customer in (0, 7, 20):
        others = b.without(customer)
        anew = fit_cloglog(others.days(True), x, w)
        np.testing.assert_allclose(shares[order[customer]], fit.coefficients - anew.coefficients, atol=0.006)
