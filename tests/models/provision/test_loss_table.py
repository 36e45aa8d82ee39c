"""The loss allowance by bucket ties to the provisions of both days."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.provision.basis import Basis
from arrisk.models.provision.loss_table import compare_allowance
from arrisk.models.provision.provision import make_provision
from tests.ledger.frames import invoice, ledger_of
from tests.loss_book import loss_book

FIRST, LAST = "2023-12-31", "2024-12-31"


@pytest.fixture(scope="module")
def book():
    return loss_book(lost_share=0.25, invoices=1500)


@pytest.fixture(scope="module")
def compared(book):
    return compare_allowance(book.as_of(LAST))


def test_sums_are_the_provisions_of_both_days(book, compared):
    then, now = (make_provision(book.as_of(day)) for day in (FIRST, LAST))
    sums = compared.totals()
    assert [sums["allowance_before"], sums["allowance"]] == [then.total.value, now.total.value]
    assert sums["gross_before"] == pytest.approx(then.table["gross"].sum(), abs=0.005)
    assert sums["gross"] == pytest.approx(now.table["gross"].sum(), abs=0.005)
    assert sums["change"] == pytest.approx(now.total.value - then.total.value, abs=0.005)
    assert sums["rate"] == pytest.approx(now.total.value / now.table["gross"].sum())
    owed = compared.table["gross"] > 0
    assert compared.table["rate"].notna().tolist() == owed.tolist()


def test_the_total_stands_last(compared):
    frame = compared.to_table().frame
    assert frame["bucket"].iloc[-1] == "total"
    assert frame["change"].iloc[-1] == compared.totals()["change"]
    assert "segment" not in frame
    assert any(LAST in column for column in frame)
    assert "<table" in compared._repr_html_()


def test_the_finding_holds_the_figures_of_both_days(compared):
    sums = compared.totals()
    assert f"{sums['rate']:.2%} of what is owed" in compared.finding()
    assert f"on {FIRST} it was" in compared.finding()
    assert f"{sums['rate_before']:.2%}" in compared.finding()


def test_without_losses_there_is_no_comparison():
    compared = compare_allowance(loss_book(lost_share=0.0, invoices=800).as_of(LAST))
    assert not compared.identified
    assert compared.finding().startswith("No comparison")
    assert np.isnan(compared.totals()["allowance"])
    assert compared.totals()["gross"] > 0


@pytest.mark.parametrize(("day", "words"), [(LAST, "lies before"), ("2001-01-01", "nothing was known")])
def test_the_earlier_day_is_checked(book, day, words):
    with pytest.raises(ModelError, match=words):
        compare_allowance(book.as_of(LAST), day)


def test_segments_have_subtotals_and_buckets_of_one_day_are_zero_on_the_other():
    """Customers of the second segment have no history on the earlier day."""
    rows = [
        invoice("a", "2025-08-01", 100.0, "2025-08-31", customer_id="a"),
        invoice("b", "2025-11-01", 50.0, "2025-12-01", customer_id="b"),
    ]
    people = [{"customer_id": "a", "segment": "<b>old</b>"}, {"customer_id": "b", "segment": "new"}]
    snapshot = ledger_of(rows, customers=people).as_of("2025-12-31")
    compared = compare_allowance(snapshot, "2025-09-30", Basis(by="segment"))
    new = compared.table[compared.table["segment"] == "new"]
    assert new["gross"].sum() == 50.0
    assert new["gross_before"].tolist() == [0.0] * len(new)
    assert new["allowance_before"].tolist() == [0.0] * len(new)
    assert new["rate_before"].isna().all()
    frame = compared.to_table().frame
    sums = frame[frame["bucket"] == "all ages"]
    assert sorted(sums["segment"]) == ["<b>old</b>", "new"]
    now = next(c for c in frame if c.startswith("gross 2025-12"))
    assert sums[now].sum() == frame[now].iloc[-1] == 150.0
    html = compared._repr_html_()
    assert "<b>old" not in html
    assert "&lt;b&gt;old" in html
