"""Default of an invoice, counted, against the payment-timing model: exact where both are plain counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.labels import make_invoice_labels, make_labels
from arrisk.models.defaults.states import default_states
from arrisk.models.scoring.follow_up import follow_observations
from arrisk.models.scoring.term_structure import fit_term_structure
from arrisk.models.scoring.timing_agreement import chance_unsettled, compare_with_timing
from arrisk.models.timing.incidence import chances_ahead, daily_hazard
from arrisk.models.timing.payment_timing import fit_timing
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of


@pytest.fixture(scope="module")
def snapshot(sample_study):
    return sample_study.snapshot()


@pytest.mark.parametrize("days", [10, 30, 90])
def test_counts_and_timing_agree_exactly_on_the_sample(snapshot, days):
    table = compare_with_timing(snapshot, DefaultDefinition(days)).table
    shares = table.iloc[:2]
    np.testing.assert_allclose(shares["by_counts"], shares["timing_low"], rtol=1e-10)
    assert (shares["by_counts"] > 0.005).all()
    expected = table.iloc[2]
    assert expected["by_counts"] == pytest.approx(expected["timing_low"], rel=1e-9)
    assert expected["ci_low"] < expected["by_counts"] < expected["ci_high"]


def test_expected_defaults_of_the_open_book_came_about(snapshot):
    """Each past day by its own knowledge: what became of its open invoices lies within the limits."""
    inside = 0
    for back in (180, 330, 480, 630):
        then = snapshot.as_of(snapshot.date - pd.Timedelta(days=back))
        labels = make_invoice_labels(snapshot, then.date, back, DefaultDefinition(write_off=False))
        seen = int(labels["default"].sum())
        row = compare_with_timing(then).table.iloc[2]
        inside += row["ci_low"] <= seen <= row["ci_high"]
    assert inside >= 3


def test_customers_by_score_and_by_timing(snapshot):
    """The score that knows least: everybody defaults at the rate of all; timing knows who is overdue."""
    definition = DefaultDefinition(90, 500)
    states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    days = [snapshot.date - pd.Timedelta(days=back) for back in (180, 360, 540, 720, 900)]
    seen = [make_labels(snapshot, day, 180, definition, states).assign(cutoff=day) for day in days]
    seen = pd.concat(seen, ignore_index=True)
    rate = seen["default"].mean()
    terms = fit_term_structure(follow_observations(seen.assign(pd=rate), states, snapshot.date), 180)
    held = states.groupby("customer_id")["in_default"].last()
    scores = pd.DataFrame({"customer_id": snapshot.customers["customer_id"], "pd": rate})
    scores["in_default"] = scores["customer_id"].isin(held.index[held.to_numpy(dtype=bool)])
    found = compare_with_timing(snapshot, definition, terms=terms, scores=scores)
    row = found.table.iloc[3]
    assert row["by_counts"] == pytest.approx(
        (~scores["in_default"]).sum() * terms.probability([rate], [90])[0, 0]
    )
    assert row["ci_low"] < row["by_counts"] < row["ci_high"]
    assert 0 < row["timing_low"] < row["timing_high"]
    assert found.agrees
    assert found.to_table().title == "Default counts and payment timing agree"


def test_limits_of_expected_defaults_leave_out_each_customer():
    snapshot = book_of(2, customers=12, failing=0.4).as_of("2024-06-18")
    row = compare_with_timing(snapshot, DefaultDefinition(30)).table.iloc[2]
    ages = snapshot.open_items[["customer_id", "days_overdue", "amount"]]
    ages = ages[(ages["amount"] > 0) & (ages["days_overdue"] < 30)]["days_overdue"].to_numpy(np.int64)
    without = []
    for who in sorted(snapshot.customers["customer_id"]):
        items = snapshot.items[(snapshot.items["customer_id"] != who) & (snapshot.items["amount"] > 0)]
        exit_ = (items["closed_date"].fillna(snapshot.date) - items["due_date"]).dt.days
        entry = (items["issue_date"] - items["due_date"]).dt.days - 1
        stay = []
        for day in range(int(min(entry.min(), ages.min())) + 1, 31):
            at_risk = int(((entry < day) & (exit_ >= day)).sum())
            gone = int(((exit_ == day) & (items["close_kind"] != "open")).sum())
            stay.append(1 - gone / at_risk if at_risk else 1.0)
        left = np.append(np.cumprod(stay[::-1])[::-1], 1.0)
        without.append(left[ages - 31].sum())
    from arrisk.models.jackknife import jackknife_reach

    reach = float(jackknife_reach(without))
    assert row["ci_high"] - row["by_counts"] == pytest.approx(reach, rel=1e-9)


@given(
    st.lists(st.tuples(st.integers(-20, 60), st.integers(0, 2)), min_size=25, max_size=80), st.integers(1, 80)
)
def test_unsettled_is_what_the_chances_ahead_leave(rows, days):
    hazard = daily_hazard([d for d, _ in rows], [c for _, c in rows], [-21] * len(rows), min_at_risk=20)
    ages = np.arange(-20, days + 1)
    for age, value in zip(ages, chance_unsettled(hazard, ages, days), strict=True):
        paid, lost = chances_ahead(hazard, [age], days - age)
        assert value == pytest.approx(np.prod(1.0 - paid - lost), abs=1e-10)


def test_a_disagreement_is_told():
    books = [invoice(str(i), "2025-01-01", 10, "2025-01-31", customer_id=f"c{i % 5}") for i in range(60)]
    snapshot = ledger_of(books, [event(str(i), "2025-02-10", 10) for i in range(40)]).as_of("2025-12-31")
    other = ledger_of(books, [event(str(i), "2025-02-10", 10) for i in range(20)]).as_of("2025-12-31")
    assert compare_with_timing(snapshot).agrees
    wrong = compare_with_timing(snapshot, timing=fit_timing(other, "due"))
    assert not wrong.agrees
    assert "differ" in wrong.to_table().title
    assert "differ" in wrong._repr_html_()


def test_other_clocks_and_no_days_are_refused(snapshot):
    with pytest.raises(ModelError, match="due clock"):
        compare_with_timing(snapshot, timing=fit_timing(snapshot, "issue"))
    with pytest.raises(ModelError, match="0 days"):
        compare_with_timing(snapshot, DefaultDefinition(0))
