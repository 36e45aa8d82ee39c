"""Which choices move a provision: each case is the provision made by hand on the changed basis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arrisk.models.provision.basis import Basis
from arrisk.models.provision.provision import make_provision
from arrisk.models.provision.sensitivity import Case, usual_cases, vary_provision
from tests.loss_book import loss_book

LAST = "2024-12-31"
SHIFT = "all loss rates 10% "


@pytest.fixture(scope="module")
def snapshot():
    return loss_book(lost_share=0.25, invoices=1500).as_of(LAST)


@pytest.fixture(scope="module")
def found(snapshot):
    refused = Case("window", "more months than there can be", Basis(conventions={"months": 0}))
    return vary_provision(snapshot, cases=[*usual_cases(snapshot), refused])


def amount_of(found, choice):
    rows = found.table[found.table["choice"] == choice]
    return float(rows["provision"].item())


@pytest.mark.parametrize(
    ("choice", "changed"),
    [
        ("every month counts alike", {"conventions": {"averaging": "simple"}}),
        ("flow out of the whole balance", {"conventions": {"not_due": "all"}}),
        ("all a customer owes in its worst bucket", {"conventions": {"unit": "customer"}}),
    ],
)
def test_each_case_is_the_provision_on_the_changed_basis(snapshot, found, choice, changed):
    by_hand = make_provision(snapshot, replace(Basis(), **changed)).total
    row = found.table[found.table["choice"] == choice].iloc[0]
    assert [row["provision"], row["low"], row["high"]] == [by_hand.value, by_hand.low, by_hand.high]
    assert by_hand.value != make_provision(snapshot).total.value
    assert row["change"] == pytest.approx(by_hand.value - make_provision(snapshot).total.value, abs=0.005)


def test_the_stated_basis_comes_first_and_the_others_by_size(snapshot, found):
    assert found.table["choice"].iloc[0] == "as stated"
    assert found.table["provision"].iloc[0] == make_provision(snapshot).total.value
    assert found.table["change"].iloc[0] == 0
    sizes = found.table["change"].abs().iloc[1:].dropna().to_numpy()
    assert sizes.size > 5
    assert (np.diff(sizes) <= 0).all()
    missing = found.table["change"].isna().to_numpy()
    assert (np.diff(missing.astype(int)) >= 0).all()


def test_a_case_with_only_a_bound_says_so(snapshot, found):
    by_hand = make_provision(snapshot, Basis(conventions={"months": 12})).total
    row = found.table[found.table["choice"] == "12 months"].iloc[0]
    assert by_hand.value is None
    assert np.isnan(row["provision"])
    assert row["high"] == by_hand.high
    assert "a bound" in row["remark"]


def test_a_case_that_cannot_be_made_says_why(found):
    row = found.table[found.table["choice"] == "more months than there can be"].iloc[0]
    assert np.isnan(row["provision"])
    assert row["remark"].startswith("cannot be made: ")
    assert "months" in row["remark"]
    assert len(found.table) == found.table["choice"].nunique()


def test_rates_ten_per_cent_away_move_the_amount_by_ten_per_cent(found):
    stated = amount_of(found, "as stated")
    assert amount_of(found, SHIFT + "lower") == pytest.approx(0.9 * stated, abs=0.03)
    assert amount_of(found, SHIFT + "higher") == pytest.approx(1.1 * stated, abs=0.03)


def test_without_losses_it_says_that_there_are_only_bounds():
    bare = loss_book(lost_share=0.0, invoices=800).as_of(LAST)
    cases = [Case("window", "12 months", Basis(conventions={"months": 12}))]
    found = vary_provision(bare, cases=cases)
    assert not found.identified
    assert found.finding() == "Without losses no convention gives an amount"
    assert found.table["remark"].str.contains("a bound").all()
    assert found.table["high"].gt(0).all()
    found.plot()


def test_it_shows_itself(found):
    table = found.to_table()
    assert "Conventions move the amount" in table.title
    assert len(table.frame) == len(found.table)
    assert "EUR" in found.plot().get_xlabel()
    assert "<table" in found._repr_html_()


def test_hostile_text_is_escaped(snapshot):
    case = Case("segments", "<script>alert(1)</script>", Basis(conventions={"months": 12}))
    html = vary_provision(snapshot, cases=[case])._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_cases_differ_from_the_basis(snapshot):
    basis = Basis(conventions={"months": 12})
    assert all(case.basis != basis for case in usual_cases(snapshot, basis))
    assert "12 months" not in {case.choice for case in usual_cases(snapshot, basis)}
