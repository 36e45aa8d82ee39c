"""The bridge between two provisions: parts sum to the cent, no order matters, the past knows its day."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from arrisk.models.provision.basis import Basis
from arrisk.models.provision.bridge import PARTS, average_effects, make_provision_bridge, round_rows
from arrisk.models.provision.enhancement import Enhancement
from arrisk.models.provision.individual import Assessment
from arrisk.models.provision.provision import make_provision
from arrisk.models.provision.sensitivity import Scaled
from tests.ledger.frames import event, invoice, ledger_of
from tests.loss_book import loss_book

FIRST, LAST = "2023-12-31", "2024-12-31"


@pytest.fixture(scope="module")
def book():
    return loss_book(lost_share=0.25, recovery=0.2, invoices=2000)


def full_basis(snapshot, day=LAST):
    """Overlays, one customer judged by itself and one insured."""
    items = snapshot.open_items.sort_values(["issue_date", "invoice_id"])
    judged, insured = items["customer_id"].drop_duplicates().astype(str).iloc[:2]
    policy = Enhancement("policy", "insurance", True, "named in the terms of sale", insured, share=0.9)
    return Basis(
        overlays=Scaled(None, 1.3),
        assessments=(Assessment(judged, day, "B. Lee", "dispute", "letter 7", rate=0.4),),
        enhancements=(policy,),
    )


def naive_shapley(value, factors):
    """Mean effect of each factor over every order, one by one."""
    effects = []
    for order in permutations(range(factors)):
        state, effect = [0] * factors, [None] * factors
        for place in order:
            before = value(tuple(state))
            state[place] = 1
            effect[place] = value(tuple(state)) - before
        effects.append(np.stack(effect, axis=-1))
    return np.mean(effects, axis=0)


def foots(found):
    """Rows of the cells, their columns, the table and the ends agree to the cent."""
    cells, cents = found.cells, found.table["amount"].mul(100).round().astype(int)
    change = round(100 * found.closing.total.value) - round(100 * found.opening.total.value)
    assert cents.sum() == change == round(100 * found.change)
    whole = cells[[*PARTS, "change"]].mul(100).round().astype(int)
    assert (whole[list(PARTS)].sum(axis=1) == whole["change"]).all()
    assert whole[list(PARTS)].sum().tolist() == cents.tolist()


@pytest.mark.parametrize("seed", [2, 3])
def test_parts_sum_to_the_change_to_the_cent(seed):
    snapshot = loss_book(lost_share=0.3, invoices=1200, seed=seed).as_of(LAST)
    found = make_provision_bridge(snapshot, FIRST)
    foots(found)
    amounts = found.table["amount"]
    assert (amounts.iloc[:3] != 0).all()
    assert (amounts.iloc[3:] == 0).all()


def test_parts_sum_with_overlays_judgement_and_enhancements(book):
    snapshot = book.as_of(LAST)
    basis = full_basis(snapshot)
    found = make_provision_bridge(snapshot, FIRST, basis)
    foots(found)
    assert found.opening.basis.assessments == ()
    assert len(found.closing.basis.assessments) == 1
    assert dict(zip(PARTS, found.table["amount"], strict=True))["assessed"] != 0
    assert (
        found.opening.total.value
        == make_provision(book.as_of(FIRST), basis.known_on(book.as_of(FIRST))).total.value
    )


def test_average_effects_are_those_over_all_orders():
    drawn = np.random.default_rng(5).normal(size=(2, 2, 2, 2, 3))
    found = average_effects(lambda state: drawn[state], 4)
    np.testing.assert_allclose(found, naive_shapley(lambda state: drawn[state], 4), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=-1), drawn[1, 1, 1, 1] - drawn[0, 0, 0, 0], atol=1e-12)


def test_rounding_keeps_each_row_and_leaves_nothing_alone():
    drawn = np.random.default_rng(6).normal(scale=50, size=(30, 6)) * np.array([1, 1, 0, 1, 0, 1])
    targets = np.rint(drawn.sum(axis=1)).astype(np.int64) + 2
    found = round_rows(drawn, targets)
    assert found.sum(axis=1).tolist() == targets.tolist()
    assert (found[:, [2, 4]] == 0).all()
    assert np.abs(found - drawn).max() < 3
    assert round_rows(np.zeros((1, 3)), np.array([2])).tolist() == [[2, 0, 0]]


def doubled_book():
    """A customer that owes 100 on the first day and 200 on the last, all judged by itself at 40%."""
    invoices = [
        invoice("a", "2024-11-20", 100.0, "2024-12-20"),
        invoice("b", "2024-12-20", 200.0, "2025-01-19"),
        invoice("x", "2024-06-01", 50.0, "2024-07-01", customer_id="x"),
    ]
    events = [event("a", "2024-12-28", 100.0), event("x", "2024-10-01", 50.0, "write_off")]
    return ledger_of(invoices, events)


def test_when_only_volume_doubles_only_volume_moves():
    judged = Assessment("c", "2024-11-30", "B. Lee", "dispute", "letter 7", rate=0.4)
    basis = Basis(assessments=(judged,), conventions={"terminal_loss": 1.0})
    found = make_provision_bridge(doubled_book().as_of("2024-12-31"), "2024-11-30", basis)
    if not found.identified:
        pytest.fail(found.finding())
    assert found.table["amount"].tolist() == [40.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert "total owed (+40)" in found.finding()


def test_days_with_only_a_bound_have_no_parts_and_say_so():
    found = make_provision_bridge(loss_book(lost_share=0.0, invoices=800).as_of(LAST), FIRST)
    assert not found.identified
    assert found.table["amount"].isna().all()
    assert found.cells.empty
    assert np.isnan(found.change)
    assert f"on {FIRST} the losses give a bound" in found.finding()
    assert found.to_table().frame["amount"].isna().all()
    assert found.cells_table().frame.empty
    assert "no amount" in found.plot().get_title().replace("\n", " ")


def test_nothing_later_changes_it(book):
    early = make_provision_bridge(book.as_of("2024-06-30"), FIRST)
    again = make_provision_bridge(book.as_of(LAST).as_of("2024-06-30"), FIRST)
    pd.testing.assert_frame_equal(early.table, again.table)
    late = make_provision_bridge(book.as_of(LAST), FIRST)
    assert late.opening.total == early.opening.total


def test_an_assessment_known_then_counts_on_both_days(book):
    snapshot = book.as_of(LAST)
    both = set(book.as_of("2024-11-30").open_items["customer_id"]) & set(snapshot.open_items["customer_id"])
    name = str(min(both))
    judged = Assessment(name, "2024-11-30", "B. Lee", "dispute", "letter 7", rate=0.4)
    found = make_provision_bridge(snapshot, "2024-11-30", Basis(assessments=(judged,)))
    assert found.opening.assessed.inside.sum() == found.closing.assessed.inside.sum() == 1
    later = replace(judged, date="2024-12-01")
    found = make_provision_bridge(snapshot, "2024-11-30", Basis(assessments=(later,)))
    assert found.opening.assessed.inside.sum() == 0


def test_it_shows_itself(book):
    found = make_provision_bridge(book.as_of(LAST), FIRST)
    frame = found.to_table().frame
    assert frame["amount"].iloc[:-1].sum() == pytest.approx(frame["amount"].iloc[-1], abs=0.005)
    cells = found.cells_table().frame
    assert cells["change"].iloc[-1] == pytest.approx(found.change, abs=0.005)
    assert "EUR" in found.plot().get_ylabel()
    assert "<table" in found._repr_html_()
