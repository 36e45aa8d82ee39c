"""When to stop orders: the cost curve against a plain loop, verdicts, no look-ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.policy.limits.stop_threshold import compare_stop_thresholds, past_orders, threshold_costs

rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.floats(1, 1e5), st.floats(0, 1), st.floats(0, 3)),
    min_size=1,
    max_size=20,
)


@given(rows, st.floats(0.05, 0.9), st.floats(0, 1))
def test_costs_are_those_of_a_plain_loop(given_rows, margin, lost):
    orders = pd.DataFrame(given_rows, columns=["customer_id", "amount", "unpaid", "use"])
    orders["unpaid"] *= orders["amount"]
    edges = [0.0, 0.8, 1.5, np.inf]
    false, losses = threshold_costs(orders, edges, margin, lost)
    for j, edge in enumerate(edges):
        stopped = orders[orders["use"] > edge]
        released = orders[orders["use"] <= edge]
        assert false[:, j].sum() == pytest.approx(
            lost * margin * (stopped["amount"] - stopped["unpaid"]).sum()
        )
        assert losses[:, j].sum() == pytest.approx((1 - margin) * released["unpaid"].sum())
    # A looser threshold stops less and loses more.
    assert (np.diff(false, axis=1) <= 1e-9).all()
    assert (np.diff(losses, axis=1) >= -1e-9).all()


@pytest.mark.slow
def test_the_sample_is_judged_grade_by_grade(sample_study, scored, policy):
    stops = compare_stop_thresholds(sample_study, *scored, policy.inputs)
    table = stops.table.set_index("grade")
    assert list(table.index) == ["all", "A", "B", "C", "D"]
    assert set(table["verdict"]) <= {"adopt", "keep", "the data cannot say"}
    thin = table["unpaid_customers"] < 5
    assert thin.any()
    assert (table.loc[thin, "basis"] == "default risk").all()
    at_today = stops.curves[stops.curves["threshold"] == 0.80]
    assert (at_today["more"] == 0).all()
    # The limits of the sample are not enforced and say little of who fails: stopping at 80% costs more.
    assert table.loc["all", "saving_low"] > 0
    assert stops.plot().get_title()


@pytest.mark.slow
def test_the_use_of_the_limit_was_known_before_each_order(scored):
    scorecard, snapshot = scored
    orders = past_orders(scorecard, snapshot)
    row = orders[np.isfinite(orders["use"])].sample(1, random_state=3).iloc[0]
    limits = snapshot.limits[snapshot.limits["customer_id"] == row["customer_id"]]
    limit = limits[limits["valid_from"] < row["day"]].sort_values("valid_from")["credit_limit"].iloc[-1]
    before = row["use"] * limit - row["amount"]
    from arrisk.portfolio.utilisation import make_utilisation_path

    path = make_utilisation_path(snapshot).at([row["day"] - pd.Timedelta(days=1)])
    seen = float(path.loc[path["name"] == row["customer_id"], "exposure"].iloc[0])
    assert before == pytest.approx(max(seen, 0.0), abs=0.01)
    assert orders["day"].max() <= snapshot.date - pd.DateOffset(months=6)


@pytest.mark.slow
def test_what_happens_later_changes_no_earlier_use(sample_study, scored):
    scorecard, snapshot = scored
    now = past_orders(scorecard, snapshot)
    earlier = sample_study.ledger().as_of(snapshot.date - pd.DateOffset(months=9))
    then = past_orders(scorecard, earlier)
    assert len(then) > 100
    by = ["customer_id", "day", "amount"]
    both = then.merge(now, on=by, suffixes=("_then", "_now")).drop_duplicates(by, keep=False)
    assert len(both) > 0.95 * len(then)
    assert both["use_then"].to_numpy() == pytest.approx(both["use_now"].to_numpy(), rel=1e-9)
    assert (both["unpaid_now"] <= both["unpaid_then"] + 1e-6).all()
