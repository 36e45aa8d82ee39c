"""Difference in differences: against hand-worked figures, published ones, and panels whose truth is known."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from arrisk.errors import ModelError
from arrisk.models.effects.differences import estimate_differences
from arrisk.models.effects.effect import CHECK_COLUMNS
from tests.models.effects.panels import COLUMNS, COUNTIES, employment, noisy, staggered


def two_by_two():
    before, after = [40.0, 50.0, 45.0, 30.0, 60.0, 38.0], [36.0, 44.0, 42.0, 31.0, 63.0, 38.0]
    first = [1.0, 1.0, 1.0, np.nan, np.nan, np.nan]
    parts = [
        pd.DataFrame({"customer": list("ABCDEF"), "month": month, "first": first, "days": days})
        for month, days in ((0, before), (1, after))
    ]
    return pd.concat(parts, ignore_index=True)


def test_two_by_two_is_the_difference_of_differences():
    """Changes -4, -6, -3 of the treated and 1, 3, 0 of the others: -13/3 - 4/3."""
    found = estimate_differences(two_by_two(), **COLUMNS)
    assert found.estimate == pytest.approx(-17 / 3)
    frame = two_by_two().assign(treated=lambda r: r["first"].notna() * 1.0, after=lambda r: r["month"] * 1.0)
    peer = smf.ols("days ~ treated * after", frame).fit()
    assert found.estimate == pytest.approx(peer.params["treated:after"])


def test_two_by_two_error_by_hand():
    """Leaving customer g of 3 out moves its group's mean change by (d_g - mean) / 2; both groups alike."""
    changes = [np.array([-4.0, -6.0, -3.0]), np.array([1.0, 3.0, 0.0])]
    variance = 5 / 6 * sum((((c - c.mean()) / 2) ** 2).sum() for c in changes)
    found = estimate_differences(two_by_two(), **COLUMNS)
    assert found.se == pytest.approx(np.sqrt(variance))
    assert found.ci_low < found.estimate < found.ci_high
    assert (found.rows, found.clusters) == (12, 6)


def test_published_group_time_effects():
    """Unconditional group-time effects of the R package did on its own data, simple mean -0.0400."""
    printed = {
        (2004, 2004): -0.0105, (2004, 2005): -0.0704, (2004, 2006): -0.1373, (2004, 2007): -0.1008,
        (2006, 2006): -0.0046, (2006, 2007): -0.0412, (2007, 2007): -0.0261,
    }  # fmt: skip
    found = {
        (cohort, year): estimate_differences(employment((0, cohort), (cohort - 1, year)), **COLUMNS).estimate
        for cohort, year in printed
    }
    for pair, value in printed.items():
        assert found[pair] == pytest.approx(value, abs=6e-5)
    sizes = [COUNTIES[cohort] for cohort, _ in printed]
    assert np.average(list(found.values()), weights=sizes) == pytest.approx(-0.0400, abs=5e-5)


def test_published_imputation():
    """Borusyak, Jaravel and Spiess (and Wooldridge's saturated regression) on the same data: -0.0477."""
    found = estimate_differences(employment(), weight="counties", **COLUMNS)
    assert found.estimate == pytest.approx(-0.0477, abs=5e-5)


def two_way(rows):
    """The plain regression on a treatment dummy with levels of units and months."""
    x = pd.get_dummies(rows[["customer", "month"]].astype(str), drop_first=True, dtype=float)
    x["treated"] = (rows["month"] >= rows["first"]) * 1.0
    return sm.OLS(rows["days"], sm.add_constant(x)).fit().params["treated"]


def test_growing_effects_that_the_plain_regression_gets_wrong():
    """Early ones, already treated, serve it as comparisons for the late ones: it sees half of the effect."""
    rows = staggered()
    treated = rows[rows["month"] >= rows["first"]]
    truth = (treated["month"] - treated["first"] + 1).mean()
    found = estimate_differences(rows, **COLUMNS)
    assert found.estimate == pytest.approx(truth)
    assert two_way(rows) < 0.8 * truth
    after = found.table[found.table["term"] >= 0]
    np.testing.assert_allclose(after["estimate"], after["term"] + 1)
    assert after["weight"].sum() == pytest.approx(1.0)


def test_treated_rows_never_serve_as_a_comparison():
    rows = staggered()
    late = rows["first"] == 8
    alone = estimate_differences(rows[late | rows["first"].isna()], **COLUMNS)
    shifted = rows.assign(days=rows["days"] + 100.0 * ((rows["first"] == 4) & (rows["month"] >= 6)))
    both = [estimate_differences(frame, **COLUMNS) for frame in (rows, shifted)]
    many = {first: int(((rows["first"] == first) & (rows["month"] >= first)).sum()) for first in (4, 8)}
    moved = both[1].estimate - both[0].estimate
    assert moved == pytest.approx(100 * (many[4] - 2 * 3) / (many[4] + many[8]))
    assert alone.estimate == pytest.approx(2.5)


def test_customers_not_treated_yet_serve_when_none_is_never_treated():
    rows = staggered((4.0, 8.0))
    found = estimate_differences(rows, **COLUMNS)
    assert found.table.loc[found.table["term"] >= 0, "term"].tolist() == [0, 1, 2, 3]
    assert found.estimate == pytest.approx(2.5)
    assert "cannot be checked" not in " ".join(found.checks["words"])


def test_weights_count_as_repeats():
    rows = noisy(3).assign(times=lambda r: 1 + (r.index % 3))
    repeated = rows.loc[rows.index.repeat(rows["times"])]
    weighted = estimate_differences(rows, weight="times", **COLUMNS)
    counted = estimate_differences(repeated, **COLUMNS)
    for name in ("estimate", "se", "df", "p_value"):
        assert getattr(weighted, name) == pytest.approx(getattr(counted, name))


def test_a_mix_that_changes_is_controlled_for():
    rows = staggered(each=4)
    long = (rows.index % 7 < 3) & (rows["month"] >= 5) | (rows.index % 5 == 0)
    mixed = rows.assign(days=rows["days"] + 20 * long, terms=np.where(long, "60", "30"))
    plain = estimate_differences(rows, **COLUMNS).estimate
    assert estimate_differences(mixed, controls=["terms"], **COLUMNS).estimate == pytest.approx(plain)
    assert estimate_differences(mixed, **COLUMNS).estimate != pytest.approx(plain, abs=0.01)


def test_months_known_ahead_are_left_out():
    """Customers who wait for the offer pay later in the month before it."""
    rows = staggered((8.0, np.nan))
    waiting = rows["first"].eq(8) & rows["month"].eq(7)
    rows = rows.assign(days=rows["days"] + 6.0 * waiting)
    truth = 2.5
    assert estimate_differences(rows, **COLUMNS).estimate == pytest.approx(truth - 6 / 8)
    ahead = estimate_differences(rows, anticipation=1, **COLUMNS)
    assert ahead.estimate == pytest.approx(truth)
    assert ahead.table.set_index("term").loc[-1, "estimate"] == pytest.approx(6.0)
    assert "more than 1 month ahead" in " ".join(ahead.assumptions)


def test_new_customers_need_the_level_of_their_cohort():
    rows = staggered((6.0, np.nan), each=4)
    new = rows["customer"].eq("0-3") & (rows["month"] < 6)
    rows = rows.assign(days=rows["days"] - rows["customer"].str[-1].astype(float))[~new]
    own, shared = (estimate_differences(rows, levels=kind, **COLUMNS) for kind in ("unit", "cohort"))
    assert (own.estimate, shared.estimate) == pytest.approx((3.5, 3.5))
    assert (own.clusters, shared.clusters) == (7, 8)


def test_classes_of_one_customer_share_a_cluster():
    """Large invoices are offered, small ones of the same customers never."""
    rows = noisy(5, share=1.0)
    large = rows["amount"] > rows["amount"].median()
    rows = rows.assign(group=rows["customer"] * 2 + large, first=rows["first"].where(large))
    found = estimate_differences(rows, **{**COLUMNS, "unit": "group"})
    assert found.clusters <= 40 < rows["group"].nunique()


def test_the_callers_frame_stays():
    rows = noisy(1)
    before = rows.copy()
    found = estimate_differences(rows, weight="amount", **COLUMNS)
    pd.testing.assert_frame_equal(rows, before)
    assert found.checks.columns.tolist() == CHECK_COLUMNS


def test_order_of_rows_changes_nothing():
    rows = noisy(2)
    other = rows.sample(frac=1.0, random_state=1)
    first, second = (estimate_differences(frame, **COLUMNS) for frame in (rows, other))
    assert (first.estimate, first.se) == pytest.approx((second.estimate, second.se))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first": np.nan}, "no row is treated"),
        ({"first": 4.0}, "nothing to compare with"),
        ({"days": np.inf}, "no finite 'days'"),
        ({"month": 20}, "nothing to compare with"),
    ],
)
def test_what_cannot_be_compared_is_refused(change, words):
    with pytest.raises(ModelError, match=words):
        estimate_differences(staggered().assign(**change), **COLUMNS)


def test_one_treated_customer_is_refused():
    rows = staggered((4.0, np.nan), each=3)
    with pytest.raises(ModelError, match="1 customer is treated"):
        estimate_differences(rows[~rows["customer"].isin(["0-1", "0-2"])], **COLUMNS)


def test_levels_are_checked():
    with pytest.raises(ModelError, match="allowed: unit, cohort"):
        estimate_differences(staggered(), levels="customer", **COLUMNS)


@pytest.mark.slow
@pytest.mark.parametrize(("weight", "share"), [(None, 0.5), ("amount", 0.5), (None, 0.3)])
def test_intervals_hold_the_truth(weight, share):
    """95% intervals over 100 panels of 40 unequal customers: at least 90% within Monte Carlo error."""
    held = 0
    for seed in range(100):
        rows = noisy(1000 + seed, share=share)
        found = estimate_differences(rows, weight=weight, **COLUMNS)
        held += found.ci_low <= -5.0 <= found.ci_high
    assert held >= 88


@pytest.mark.slow
def test_checks_rarely_refute_what_is_true_and_see_a_drift():
    true = [estimate_differences(noisy(seed), **COLUMNS).identified for seed in range(60)]
    drifting = [estimate_differences(noisy(seed, drift=1.5), **COLUMNS).identified for seed in range(20)]
    assert np.mean(true) >= 0.87
    assert np.mean(drifting) <= 0.2
