"""A jump at a threshold: the regression by hand, another package's figures, and what must refute it."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from arrisk.errors import ModelError
from arrisk.models.effects.bandwidth import select_bandwidth
from arrisk.models.effects.discontinuity import estimate_discontinuity
from arrisk.models.effects.local_regression import Near, fit_jump

CUTOFF = 5000.0


def near(x, y, code):
    return Near(x, y, np.ones(len(x)), code, len(x), np.empty((len(x), 0)), "triangular")


def invoices(seed, jump=-6.0, kink=0.0, rows=3000, customers=75):
    """Days to payment by amount, customers with habits, a size known before the offer."""
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(np.log(CUTOFF), 0.8, rows)
    who = np.arange(rows) % customers
    above = amount >= CUTOFF
    habit, size = rng.normal(0, 2, customers)[who], rng.normal(0, 4, rows)
    days = 30 + 4 * np.log(amount / CUTOFF) + (jump + kink) * above + habit + size + rng.normal(0, 4, rows)
    return pd.DataFrame({"days": days, "amount": amount, "customer_id": who, "size": size})


def estimate(rows, **more):
    given = {"outcome": "days", "running": "amount", "cutoff": CUTOFF, "cluster": "customer_id"}
    return estimate_discontinuity(rows, **(given | more))


def test_local_lines_are_a_weighted_regression():
    rows = invoices(1)
    x = np.log(rows["amount"] / CUTOFF).to_numpy()
    above = (x >= 0).astype(float)
    design = np.column_stack([np.ones(len(x)), x, above, above * x])
    weight = np.maximum(1 - np.abs(x) / 0.6, 0)
    fit = sm.WLS(rows["days"].to_numpy(), design, weights=weight).fit()
    jump = fit_jump(near(x, rows["days"].to_numpy(), rows["customer_id"].to_numpy()), 0.6)
    assert jump.estimate == pytest.approx(fit.params[2], rel=1e-9)
    robust = fit.get_robustcov_results("cluster", groups=rows["customer_id"].to_numpy())
    assert jump.se == pytest.approx(robust.bse[2], rel=0.1)


def test_figures_of_rdrobust():
    """Printed by rdrobust for Python (p=1, triangular; first with h=b=0.5, then by its own bandwidths).

    The estimates at fixed bandwidths are the same; the package's bandwidths rest on nearest-neighbour
    variances, ours on residuals, and its standard errors are not the jackknife.
    """
    rng = np.random.default_rng(11)
    x = rng.uniform(-1, 1, 1500)
    code = np.arange(1500) % 75
    y = 30 - 6 * (x >= 0) + 8 * x + 5 * x**2 + rng.normal(0, 2, 75)[code] + rng.normal(0, 5, 1500)
    alone = near(x, y, np.arange(1500))
    assert fit_jump(alone, 0.5).estimate == pytest.approx(-5.92693491, abs=1e-8)
    robust = fit_jump(alone, 0.5, pilot=0.5)
    assert robust.estimate == pytest.approx(-6.47068421, abs=1e-8)
    assert robust.se == pytest.approx(1.4270207, rel=0.03)
    assert select_bandwidth(alone) == pytest.approx((0.29454353, 0.47618896), rel=0.02)
    grouped = near(x, y, code)
    width, pilot = select_bandwidth(grouped)
    assert (width, pilot) == pytest.approx((0.27286166, 0.45853075), rel=0.01)
    assert fit_jump(grouped, width, pilot=pilot).estimate == pytest.approx(-6.67676918, abs=0.01)


def test_a_planted_jump_is_found_and_controls_narrow_it():
    plain, adjusted = estimate(invoices(2)), estimate(invoices(2), adjust=["size"])
    assert plain.ci_low < -6 < plain.ci_high < 0
    assert adjusted.ci_low < -6 < adjusted.ci_high
    assert adjusted.se < 0.9 * plain.se


def test_what_jumped_before_the_offer_is_taken_off():
    before, during = invoices(3, jump=0.0, kink=5.0), invoices(4, kink=5.0)
    alone, compared = estimate(during), estimate(during, compare=before)
    assert alone.ci_low > -6
    assert compared.ci_low < -6 < compared.ci_high
    checks = compared.checks.set_index("check")
    assert checks.loc["no jump before the offer", "p_value"] < 0.05


def test_a_donut_leaves_the_nearest_amounts_out():
    rows = invoices(5)
    close = np.abs(np.log(rows["amount"] / CUTOFF)) < 0.05
    spoilt = rows.assign(days=rows["days"].where(~close, 500.0))
    clean, found = (estimate(r, donut=0.05, bandwidth=0.6).estimate for r in (rows, spoilt))
    assert found == pytest.approx(clean)


def test_a_covariate_that_jumps_refutes():
    rows = invoices(6)
    sorted_out = rows.assign(size=rows["size"] + 5.0 * (rows["amount"] >= CUTOFF))
    assert estimate(rows, covariates=["size"]).identified
    assert not estimate(sorted_out, covariates=["size"]).identified


def test_one_customer_is_refused():
    with pytest.raises(ModelError, match="two of them"):
        estimate(invoices(7).assign(customer_id="one"))


@pytest.mark.slow
def test_without_a_jump_one_in_twenty_is_called_one():
    found = np.array([estimate(invoices(100 + i, jump=0.0), bandwidth=0.6).p_value for i in range(100)])
    assert (found < 0.05).mean() <= 0.12
    assert 0.3 < np.mean(found) < 0.7
