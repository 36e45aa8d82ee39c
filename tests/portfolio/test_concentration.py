"""Concentration of exposure: measures by hand, by group, month by month."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.portfolio.concentration import effective_names, herfindahl, make_concentration, top_share
from arrisk.portfolio.utilisation import make_utilisation_path
from tests.ledger.frames import event, invoice, ledger_of

INVOICES = [
    invoice("1", "2025-01-10", 50, customer_id="a"),
    invoice("2", "2025-01-10", 30, customer_id="b"),
    invoice("3", "2025-02-10", 20, customer_id="d"),
    invoice("4", "2025-02-10", -9, customer_id="e"),
]
GROUPS = [{"customer_id": c, "group_id": "G" if c in "bd" else None} for c in "abde"]


def concentration_of(level: str, **more):
    ledger = ledger_of(INVOICES, [event("1", "2025-03-10", 50)], customers=GROUPS)
    return make_concentration(make_utilisation_path(ledger.as_of("2025-03-31"), level=level), **more)


def test_measures_by_hand():
    assert herfindahl([50, 30, 20]) == pytest.approx(0.38)
    assert effective_names([10, 10, -5, 0]) == 2
    assert top_share([50, 30, 20], 1) == 0.5
    assert top_share([50, 30, 20], 9) == 1
    assert math.isnan(herfindahl([0, -1]))
    assert math.isnan(top_share([], 3))
    with pytest.raises(LedgerError, match="missing"):
        herfindahl([1, float("nan")])


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=50))
def test_bounds_of_the_measures(amounts):
    assert 1 - 1e-9 <= effective_names(amounts) <= len(amounts) + 1e-6
    shares = [top_share(amounts, n) for n in range(1, len(amounts) + 1)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert herfindahl(amounts) <= shares[0] + 1e-12


def test_customers_of_one_group_are_one_name():
    customers, groups = concentration_of("customer"), concentration_of("group")
    assert customers.table["name"].tolist() == ["b", "d"]
    assert groups.table[["name", "exposure", "share"]].to_numpy().tolist() == [["G", 50, 1]]
    months = groups.months.set_index(groups.months["month_end"].dt.month)
    assert months["names"].tolist() == [2, 2, 1]
    assert months["hhi"].round(6).tolist() == [round((5**2 + 3**2) / 64, 6), 0.5, 1]
    assert months.loc[2, "top_1"] == 0.5


def test_what_the_failure_of_a_name_would_cost():
    table = concentration_of("customer").to_table(lgd=0.6)
    assert table.frame["lost_if_it_fails"].tolist() == [18, 12]
    assert "60%" in table.note
    assert "customer" in table.frame


def test_wrong_numbers_of_names_are_refused():
    for tops in ((), (0, 1), (5, 1), (2, 2)):
        with pytest.raises(LedgerError, match="increasing whole numbers"):
            concentration_of("group", tops=tops)


def test_a_book_without_debt_is_drawn_too():
    ledger = ledger_of(INVOICES[:1], [event("1", "2025-03-10", 50)])
    result = make_concentration(make_utilisation_path(ledger.as_of("2025-03-31")))
    assert result.finding() == "Nobody owes anything"
    for draw in (result.plot, result.plot_trend):
        plt.figure()
        draw()
        plt.gcf().canvas.draw()


def test_the_sample(sample_study):
    snapshot = sample_study.snapshot()
    result = make_concentration(make_utilisation_path(snapshot, level="group"))
    assert len(result.months) == 36
    last = result.months.iloc[-1]
    assert last["exposure"] == pytest.approx(result.table["exposure"].sum())
    assert last["top_10"] == pytest.approx(result.table["cumulative_share"].iloc[9])
    assert 1 / last["hhi"] == pytest.approx(last["effective_names"])
    assert np.isclose(result.table["cumulative_share"].iloc[-1], 1)
