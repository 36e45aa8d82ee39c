"""Provisions of past days against what came of them, on bases that know of assessments and enhancements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from arrisk.models.provision.backtest import backtest_provision
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.enhancement import Enhancement
from arrisk.models.provision.individual import Assessment
from arrisk.models.provision.item_shares import share_items
from arrisk.models.provision.movement import make_movement
from arrisk.models.provision.past_provision import look_back
from arrisk.models.provision.provision import make_provision
from arrisk.policy.provision_basis import define_basis
from tests.loss_book import loss_book

DAYS = ["2024-03-31", "2024-06-30", "2024-09-30"]
LAST = "2024-12-31"


@pytest.fixture(scope="module")
def book():
    return loss_book(lost_share=0.25, recovery=0.2)


def assessed_on(day, snapshot, rate=0.5, among=None):
    """A basis with the customer of the oldest open item judged by itself on a day."""
    items = snapshot.open_items.sort_values(["issue_date", "invoice_id"])
    items = items if among is None else items[items["customer_id"].isin(among)]
    oldest = items["customer_id"].iloc[0]
    judged = Assessment(str(oldest), day, "B. Lee", "dispute", "letter 7", rate=rate)
    return Basis(assessments=(judged,))


def test_items_share_the_provision_of_their_customer(book):
    snapshot = book.as_of(LAST)
    judged = assessed_on(LAST, snapshot)
    name = judged.assessments[0].customer_id
    others = make_provision(snapshot).by_customer["customer_id"]
    secured = others[others != name].iloc[0]
    policy = Enhancement("policy", "insurance", True, "taken out with the sale", secured, share=0.9)
    for basis in (
        judged,
        replace(judged, conventions={"unit": "customer"}),
        replace(judged, enhancements=(policy,)),
    ):
        provision = make_provision(snapshot, basis)
        items = share_items(snapshot, provision)
        shares = items.groupby("customer_id")["allowance"].sum() / snapshot.scale
        wanted = provision.by_customer.set_index("customer_id")["provision"]
        assert shares.sum() == pytest.approx(provision.total.value, abs=0.05)
        owed = provision.by_customer.set_index("customer_id").loc[name, "exposure"]
        assert shares[name] == pytest.approx(0.5 * owed, abs=0.01)
        np.testing.assert_allclose(shares[wanted.index], wanted, atol=0.05)


def test_an_assessment_of_the_last_day_leaves_earlier_days_alone(book):
    snapshot = book.as_of(LAST)
    basis = assessed_on(LAST, snapshot)
    plain, judged = (backtest_provision(snapshot, chosen, [*DAYS, "2024-11-30"]) for chosen in (None, basis))
    known = ["date", "owed", "provision", "low", "high", "lost", "still_open"]
    pd.testing.assert_frame_equal(plain.table[known], judged.table[known])
    assert (plain.table["expected"] != judged.table["expected"]).any()


def test_past_assessments_count_from_their_day(book):
    basis = assessed_on(
        "2024-06-30", book.as_of("2024-06-30"), 1.0, among=book.as_of(LAST).open_items["customer_id"]
    )
    plain, judged = (backtest_provision(book.as_of(LAST), chosen, DAYS[:2]) for chosen in (None, basis))
    more = judged.table["provision"].to_numpy() - plain.table["provision"].to_numpy()
    assert more[0] == 0
    assert more[1] > 0
    assert judged.bias.ratio > plain.bias.ratio
    then = book.as_of("2024-06-30")
    made = make_provision(then, basis)
    past = look_back(then, made, share_items(book.as_of(LAST), make_provision(book.as_of(LAST), basis)))
    assert past.outcome.low <= made.total.value <= past.outcome.high
    assert past.provided.sum() == pytest.approx(made.total.value)


def test_a_framework_is_claimed_for_today_alone(book):
    """Past days are measured on the same choices, whatever a framework would have asked of them."""
    basis = Basis(conventions={"months": 18})
    found = backtest_provision(book.as_of(LAST), basis, DAYS)
    assert found.table["provision"].notna().all()
    assert found.basis is basis


def test_a_movement_with_an_assessment_foots_to_the_cent(book):
    snapshot = book.as_of(LAST)
    moved = make_movement(snapshot, [*DAYS, LAST], assessed_on(LAST, snapshot, rate=1.0))
    for _, rows in moved.table.groupby("end"):
        lines = rows.set_index("line")["amount"]
        assert round(lines.iloc[:-1].sum(), 2) == lines["closing"]
    plain = make_movement(snapshot, [*DAYS, LAST]).table["amount"].to_numpy()
    assert moved.table["amount"].iloc[-1] > plain[-1]
    before = len(plain) - 9
    assert moved.table["amount"].to_numpy()[:before].tolist() == plain[:before].tolist()
    assert moved.reconciliation["difference"].abs().max() <= 0.05


@pytest.mark.slow
def test_the_basis_of_the_sample_study_holds_on_past_days(sample_study):
    """One customer is judged on the last day. Bounds of the six young days hold what was lost of them."""
    snapshot, basis = sample_study.snapshot(), define_basis(sample_study)
    assert str(basis.assessments[0].date) == f"{snapshot.date:%Y-%m-%d}"
    found = backtest_provision(snapshot, basis)
    young = found.table[found.table["provision"].isna()]
    assert len(young) == 6
    assert (young["interval"] == "inside").all()
    assert (young["lost_if_open"] <= young["high"]).all()
    assert (found.table["outcome"] != "outside").all()
    moved = make_movement(snapshot, ["2024-12-31", "2025-06-30", "2025-12-31"], basis)
    for _, rows in moved.table.groupby("end"):
        lines = rows.set_index("line")["amount"]
        assert round(lines.iloc[:-1].sum(), 2) == lines["closing"]
    assert moved.table["amount"].iloc[-1] == make_provision(snapshot, basis).total.value
