"""Intervals against printed values, and the coverage that makes the jackknife the default."""

import numpy as np
import pytest
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.intervals import clopper_pearson, jackknife_logit, jeffreys, upper_bound, wilson

ROWS = [
    (0, 30, (0.0, 0.113513), (0.0, 0.115703), (0.000016, 0.079678), 0.095034),
    (2, 50, (0.011039, 0.134601), (0.004881, 0.137138), (0.008404, 0.122179), 0.120614),
    (3, 250, (0.004089, 0.034681), (0.002482, 0.034667), (0.003391, 0.031675), 0.030721),
]


@pytest.mark.parametrize(("k", "n", "score", "exact", "bayes", "one_sided"), ROWS)
def test_printed_values(k, n, score, exact, bayes, one_sided):
    assert tuple(wilson(k, n)) == pytest.approx(score, abs=6e-7)
    assert tuple(clopper_pearson(k, n)) == pytest.approx(exact, abs=6e-7)
    assert tuple(jeffreys(k, n)) == pytest.approx(bayes, abs=6e-7)
    assert upper_bound(k, n).high == pytest.approx(one_sided, abs=6e-7)


@pytest.mark.parametrize("method", [wilson, clopper_pearson, jeffreys, upper_bound])
def test_all_events_reach_one_and_mirror(method):
    assert method(7, 7).high == pytest.approx(1.0, abs=1e-3)
    if method is not upper_bound:
        assert method(2, 9).low == pytest.approx(1 - method(7, 9).high)


@pytest.mark.parametrize("bad", [(-1, 5), (6, 5), (1, 0)])
def test_impossible_counts_are_errors(bad):
    for method in (wilson, clopper_pearson, jeffreys, upper_bound):
        with pytest.raises(ModelError):
            method(*bad)
    with pytest.raises(ModelError):
        wilson(1, 5, level=95)


def test_jackknife_of_a_mean_matches_the_textbook_error():
    """For a mean the jackknife error is s / sqrt(n); on the logit scale it follows the delta method."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0.2, 0.4, 400)
    mean = x.mean()
    loo = (x.sum() - x) / (x.size - 1)
    low, high = jackknife_logit(mean, loo)
    error = x.std(ddof=1) / np.sqrt(x.size)
    reach = stats.t.ppf(0.975, x.size - 1) * error
    assert (high - low) / 2 == pytest.approx(reach, rel=2e-3)


def test_jackknife_refuses_what_has_no_logit():
    for estimate, loo in [(0.0, [0.0, 0.0]), (0.1, [0.1, 0.0]), (0.1, [0.1])]:
        with pytest.raises(ModelError):
            jackknife_logit(estimate, loo)


def test_coverage_by_customer_beats_counting_invoices():
    """Nominal 95%: the jackknife by customer covers about .93, Wilson on invoices about .84."""
    rng = np.random.default_rng(20)
    customers, invoices, truth = 60, 20, 0.02
    hits = {"jackknife": 0, "wilson": 0}
    replicates = 400
    for _ in range(replicates):
        pd = rng.beta(0.5, 24.5, customers)
        size = rng.lognormal(0.0, 1.2, (customers, invoices))
        lost = rng.random((customers, invoices)) < pd[:, None]
        loss, total = (size * lost).sum(axis=1), size.sum(axis=1)
        estimate = loss.sum() / total.sum()
        loo = (loss.sum() - loss) / (total.sum() - total)
        if estimate > 0 and (loo > 0).all():
            low, high = jackknife_logit(estimate, loo)
        else:
            low, high = upper_bound(int((loss > 0).sum()), customers)
        hits["jackknife"] += low <= truth <= high
        low, high = wilson(estimate * customers * invoices, customers * invoices)
        hits["wilson"] += low <= truth <= high
    assert 0.89 <= hits["jackknife"] / replicates <= 0.97
    assert hits["jackknife"] > hits["wilson"]
