from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import LookAheadError, ModelError
from arrisk.ledger.reading import read_ledger
from arrisk.models.timing.incidence import aalen_johansen
from arrisk.models.timing.payment_timing import fit_timing, refit_hazards
from arrisk.portfolio.survival_counts import make_survival_counts
from tests.ledger.frames import event, invoice, ledger_of
from tests.models.payment_books import book_of

AS_OF = "2024-06-18"


@pytest.fixture(scope="module")
def ledger():
    return book_of(11, customers=50, failing=0.2)


@pytest.fixture(scope="module")
def snapshot(ledger):
    return ledger.as_of(AS_OF)


PARTS = (("2025-01-11", 40), ("2025-01-31", 60))
MANY = [invoice(f"x{k}", "2025-01-01", 10, "2025-01-31", customer_id=f"c{k % 7}") for k in range(40)]


def test_both_clocks_tell_the_same_story_when_all_terms_are_equal(snapshot):
    since_issue, since_due = fit_timing(snapshot).curves["all"], fit_timing(snapshot, "due").curves["all"]
    np.testing.assert_allclose(since_issue.at([20, 30, 45]), since_due.at([-10, 0, 15]), atol=1e-12)


def test_open_items_are_censored_and_the_rest_is_in_the_table(snapshot):
    timing = fit_timing(snapshot)
    items = snapshot.items
    age = (items["closed_date"].fillna(snapshot.date) - items["issue_date"]).dt.days
    paid = items["close_kind"] == "paid"
    at_risk = np.array([(age >= d).sum() for d in range(31)])
    events = np.array([((age == d) & paid).sum() for d in range(31)])
    expected = np.prod(1 - events / at_risk)
    table = timing.table.set_index("term")
    row = table.loc["share open after 30 days from issue"]
    assert row["estimate"] == pytest.approx(expected)
    assert row["ci_low"] < row["estimate"] < row["ci_high"]
    assert timing.diagnostics["customers"] == 50


def test_intervals_know_the_customers(snapshot):
    from arrisk.models.timing.curves import kaplan_meier

    counts = make_survival_counts(snapshot).table
    every = kaplan_meier(counts["exit"], counts["cause"] == "paid", counts=counts["items"])
    naive = every.table.set_index("day").loc[30]
    ours = fit_timing(snapshot).curves["all"].table.set_index("day").loc[30]
    assert ours["survival"] == naive["survival"]
    assert ours["se"] > 1.5 * naive["se"]


def test_lateness_and_means_are_in_the_table(snapshot):
    timing = fit_timing(snapshot, "due")
    late = timing.late_share((0, 30))
    assert late["group"].tolist() == ["all", "all"]
    row = timing.table.set_index("term").loc["share open after 0 days from due"]
    assert (
        late.iloc[0][["estimate", "ci_low", "ci_high"]].tolist()
        == row[["estimate", "ci_low", "ci_high"]].tolist()
    )
    mean = timing.table.set_index("term").loc["mean days from due to payment, at most 90"]
    assert mean["ci_low"] < mean["estimate"] < mean["ci_high"]
    assert timing.to_table().frame["mean_to_90"].iloc[0] == mean["estimate"]
    with pytest.raises(ModelError, match="clock 'due'"):
        fit_timing(snapshot).late_share()


def test_amounts_weigh_the_curve_but_are_no_replicates(snapshot):
    by_amount = fit_timing(snapshot, weights="amount").curves["all"].table.set_index("day").loc[30]
    by_count = fit_timing(snapshot).curves["all"].table.set_index("day").loc[30]
    assert by_amount["survival"] != by_count["survival"]
    assert 0.5 < by_amount["se"] / by_count["se"] < 4


def test_each_part_payment_leaves_on_its_own_day():
    """Of each amount 40% is paid on day 10 and the rest on day 30; items close on day 30."""
    invoices = [invoice(f"{k}", "2025-01-01", 100, customer_id=f"c{k % 5}") for k in range(40)]
    events = [event(f"{k}", day, part) for k in range(40) for day, part in PARTS]
    snapshot = ledger_of([*invoices, invoice("new", "2025-02-20", 100)], events).as_of("2025-03-01")
    by_amount, by_count = (fit_timing(snapshot, weights=w).curves["all"] for w in ("amount", "count"))
    # The new invoice, 9 days old, has left the risk set by day 10.
    np.testing.assert_allclose(by_amount.at([9, 10, 29, 30]), [1.0, 0.6, 0.6, 0.0], atol=1e-12)
    assert by_count.at([29, 30]).tolist() == [1.0, 0.0]
    assert (by_amount.n, by_amount.n_events) == (by_count.n, by_count.n_events) == (41, 40)


def test_a_window_uses_what_happened_in_it(snapshot):
    """The first day of the window is watched: a payment on it counts, one the day before does not."""
    paid = snapshot.items["closed_date"]
    timing = fit_timing(snapshot, window_days=100)
    first = snapshot.date - pd.Timedelta(days=99)
    assert timing.diagnostics["payments"] == (paid >= first).sum()
    assert timing.excluded["closed before the window"] == (paid < first).sum()


def test_prediction_for_open_items_is_the_conditional_incidence(snapshot):
    timing = fit_timing(snapshot)
    counts = make_survival_counts(snapshot).table
    cause = counts["cause"].map({"open": 0, "paid": 1, "credited": 2, "written off": 2})
    curves = aalen_johansen(counts["exit"], cause, counts=counts["items"])
    open_share = dict(zip(curves.table["day"], curves.table["survival"], strict=True))
    out = timing.predict(snapshot)
    young = out[(out["age"] >= 1) & (out["age"] <= 20)].iloc[0]
    expected = (curves.at([young["age"] + 30], 1) - curves.at([young["age"]], 1))[0] / open_share[
        young["age"]
    ]
    assert young["p_paid_30"] == pytest.approx(expected, rel=1e-9)


def test_prediction_is_never_certain(snapshot):
    out = fit_timing(snapshot).predict(snapshot)
    assert len(out) == (snapshot.open_items["amount"] > 0).sum()
    chances = out[["p_paid_7", "p_paid_30", "p_paid_60", "p_paid_90"]]
    assert (np.diff(chances.to_numpy(), axis=1) >= 0).all()
    assert (chances < 1).all().all()
    assert (chances["p_paid_90"] > 0).all()
    assert out["remaining_days"].between(1, 180).all()
    old, new = out.loc[out["age"].idxmax()], out.loc[out["age"].idxmin()]
    assert old["p_paid_30"] < new["p_paid_30"]


def test_remaining_days_by_hand():
    """All pay on day 10: an item open at age 4 has 6 days left, to the shrinkage of a certain day."""
    invoices = [invoice(f"{k}", "2025-01-01", 10, customer_id=f"c{k % 5}") for k in range(200)]
    events = [event(f"{k}", "2025-01-11", 10) for k in range(200)]
    snapshot = ledger_of([*invoices, invoice("new", "2025-01-27", 10)], events).as_of("2025-01-31")
    out = fit_timing(snapshot).predict(snapshot).iloc[0]
    assert out["age"] == 4
    assert out["remaining_days"] == pytest.approx(6, abs=1.0)
    assert out["p_paid_7"] == pytest.approx(1, abs=0.01)


def test_groups_and_a_small_one_borrows(snapshot):
    assert set(fit_timing(snapshot, by="segment").curves) == {"all"}
    invoices = [*MANY, invoice("s", "2025-01-01", 10, salesperson="B")]
    invoices = [{**i, "salesperson": i.get("salesperson", "A")} for i in invoices]
    few = ledger_of(invoices, [event(f"x{k}", "2025-01-09", 10) for k in range(30)]).as_of("2025-01-31")
    timing = fit_timing(few, by="salesperson")
    assert timing.diagnostics["borrowed"] == ["B"]
    out = timing.predict(few).set_index("invoice_id")
    assert out.loc["s", "group"] == "B"
    pooled = fit_timing(few).predict(few).set_index("invoice_id")
    assert out.loc["s", "p_paid_30"] == pooled.loc["s", "p_paid_30"]


def test_what_cannot_be_done_is_refused(ledger, snapshot):
    with pytest.raises(ModelError, match="no column 'shoe_size'"):
        fit_timing(snapshot, by="shoe_size")
    with pytest.raises(ModelError, match="at risk"):
        fit_timing(ledger_of(MANY[:5]).as_of("2025-01-31"))
    with pytest.raises(LookAheadError):
        fit_timing(snapshot).predict(ledger.as_of("2024-01-01"))


def test_refit_gives_the_hazards_of_a_fit(snapshot):
    timing = fit_timing(snapshot)
    then = snapshot.as_of("2023-12-31")
    again, fresh = refit_hazards(timing, then), fit_timing(then)
    np.testing.assert_array_equal(again.hazards["all"].paid, fresh.hazards["all"].paid)
    assert again.as_of == then.date


def test_picture_and_page(snapshot):
    timing = fit_timing(snapshot, "due")
    ax = timing.plot()
    assert ax.get_title().startswith("Half the invoices are paid by day")
    assert "days since the due date" in ax.get_xlabel()
    assert "followed to 2024-06-18" in timing._repr_html_()


@pytest.mark.slow
def test_sample_by_segment(root):
    snapshot = read_ledger(root / "data" / "sample", columns="arrisk", currency="EUR").as_of("2025-12-31")
    timing = fit_timing(snapshot, by="segment")
    median = timing.table[timing.table["term"].str.startswith("median")].set_index("group")["estimate"]
    assert median["Retail"] < median["Public"]
    assert isinstance(timing.table, pd.DataFrame)


def test_without_due_dates_there_is_no_clock_of_due_dates():
    invoices = [invoice(str(n), "2025-01-05", 10.0, customer_id=f"c{n}") for n in range(40)]
    with pytest.raises(ModelError, match="no item can be followed on the clock 'due'"):
        fit_timing(ledger_of(invoices).as_of("2025-06-30"), clock="due")
