"""The back-test counts what was lost of an earlier balance; the conventions move the amount as they must."""

import numpy as np
import pandas as pd
import pytest

from arrisk.ledger.reading import read_ledger
from arrisk.models.provision.checks import CHOICES, backtest_provision, vary_provision
from arrisk.models.provision.matrix import fit_provision
from tests.loss_book import loss_book

DATE = "2024-12-31"


@pytest.fixture(scope="module")
def book():
    return loss_book(lost_share=0.25, recovery=0.2)


def test_the_backtest_is_the_matrix_of_then(book):
    seen = backtest_provision(book.as_of(DATE), months=6)
    then = fit_provision(book.as_of("2024-06-30"))
    total = seen.table.iloc[-1]
    assert seen.date == pd.Timestamp("2024-06-30")
    assert total["provision_then"] == then.total.value
    assert seen.table["balance"].iloc[:-1].tolist() == then.table["balance"].tolist()


def test_the_backtest_counts_write_offs_of_that_balance_only(book):
    """Counted from the events: write-offs and recoveries after the day, of items open on it."""
    seen = backtest_provision(book.as_of(DATE), months=6)
    then = book.as_of("2024-06-30").items
    known = set(then.loc[then["open_amount"] > 0, "invoice_id"])
    events = book.as_of(DATE).events
    late = events[(events["date"] > "2024-06-30") & events["invoice_id"].isin(known)]
    sums = late.groupby("kind")["amount"].sum()
    lost = sums["write_off"] - sums.get("recovery", 0.0)
    assert lost > 0
    assert seen.table["lost_since"].iloc[-1] == pytest.approx(lost, abs=0.01)
    assert seen.table["lost_since"].iloc[:-1].sum() == pytest.approx(lost, abs=0.05)


def test_a_young_ledger_has_no_year_to_look_back():
    invoices = pd.DataFrame(
        {"invoice_id": ["1"], "customer_id": ["a"], "issue_date": ["2025-01-10"], "due_date": ["2025-02-09"],
         "amount": [100.0]}
    )  # fmt: skip
    seen = backtest_provision(read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31"))
    assert seen.table.empty
    assert "too young" in seen.finding()
    assert "too young" in repr(seen.to_table())


def test_each_choice_is_that_of_the_matrix(book):
    snapshot = book.as_of(DATE)
    found = vary_provision(snapshot)
    for (name, changed), (_, row) in zip(CHOICES, found.table.iterrows(), strict=True):
        assert row["choice"] == name
        assert row["provision"] == fit_provision(snapshot, **changed).total.value
    assert found.table["provision"].iloc[-1] > found.table["provision"].iloc[0]
    assert found.table["change"].iloc[0] == 0
    ax = found.plot()
    assert ax.get_title() == found.finding()
    assert len(ax.get_yticklabels()) == len(CHOICES)
    ax.figure.clear()


def test_without_losses_only_bounds():
    found = vary_provision(loss_book(lost_share=0.0, invoices=1500).as_of(DATE))
    assert found.table["provision"].isna().all()
    assert np.isfinite(found.table["high"]).all()
    assert "no convention" in found.finding()
    found.plot().figure.clear()
