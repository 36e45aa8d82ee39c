"""The DSO family month by month: by hand, against the formulas, and as known at each month end."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from arrisk.portfolio.dso import collection_effectiveness, dso_sales_weighted, receivables_turnover
from arrisk.portfolio.turnover import MEASURES, make_turnover
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, ledgers


def test_monthly_series_from_a_ledger():
    ledger = ledger_of(
        [invoice(str(m), f"2025-{m:02d}-01", 100, f"2025-{m:02d}-20") for m in (1, 2, 3)],
        [event("1", "2025-02-10", 100), event("2", "2025-03-10", 40)],
    )
    table = make_turnover(ledger.as_of("2025-03-31"), months=3, window=1).table
    assert table["receivables"].tolist() == [100, 100, 160]
    assert table["overdue"].tolist() == [100, 100, 160]
    assert table["sales"].tolist() == [100, 100, 100]
    assert table["dso"].tolist() == [31, 28, pytest.approx(1.6 * 31)]
    assert table["dso_countback"].tolist()[:2] == [31, 28]
    assert table["dso_countback"].iloc[2] == pytest.approx(31 + 0.6 * 28)
    assert table["dso_sales_weighted"].tolist() == [31, 28, pytest.approx(31 + 0.6 * 28)]
    assert np.isnan(table["cei"].iloc[0])
    assert table["cei"].iloc[1] == pytest.approx((100 + 100 - 100) / 200)


def two_years() -> tuple[list, list]:
    """Sales that grow, each invoice due after 30 days and paid 40 days after its date."""
    invoices, events = [], []
    for n, day in enumerate(pd.date_range("2023-01-10", "2025-12-31", freq="10D")):
        amount, paid = 100 + 3 * n, day + pd.Timedelta(days=40)
        due = day + pd.Timedelta(days=30)
        invoices.append(invoice(str(n), f"{day:%Y-%m-%d}", amount, f"{due:%Y-%m-%d}"))
        if paid <= pd.Timestamp("2025-12-31"):
            events.append(event(str(n), f"{paid:%Y-%m-%d}", amount))
    return invoices, events


def test_every_measure_beside_the_same_month_last_year_and_by_its_formula():
    snapshot = ledger_of(*two_years()).as_of("2025-12-31")
    turnover = make_turnover(snapshot, months=13)
    last, before = turnover.table.iloc[-1], turnover.table.iloc[0]
    for measure in MEASURES:
        assert last[f"{measure}_year_before"] == before[measure]
        assert np.isfinite(last[measure])
    long = make_turnover(snapshot, months=14).table
    begin, end = long.iloc[-4], long.iloc[-1]
    sales = long["sales"].iloc[-3:].sum()
    for name, convention in (("cei_total", "total"), ("cei_average", "monthly_average")):
        want = collection_effectiveness(
            begin["receivables"],
            sales,
            end["receivables"],
            end["receivables"] - end["overdue"],
            3,
            convention,
        )
        assert end[name] == pytest.approx(want)
    assert end["cei_average"] < end["cei_total"]
    want = receivables_turnover(long["sales"].iloc[-12:].sum(), long["receivables"].iloc[-13:].mean())
    assert end["receivables_turnover"] == pytest.approx(want)
    items = snapshot.items
    months = items["issue_date"].dt.to_period("M")
    by_month = items.groupby(months)[["open_amount", "amount"]].sum().sort_index(ascending=False)
    lengths = by_month.index.days_in_month
    assert end["dso_sales_weighted"] == pytest.approx(dso_sales_weighted(*by_month.to_numpy().T, lengths))


def test_a_balance_beyond_all_sales_is_a_lower_bound_that_says_so():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-10", 100, "2025-01-20"),
            invoice("2", "2025-02-10", -50, "2025-02-10", customer_id="d"),
            invoice("3", "2025-02-11", 10, "2025-02-20"),
        ]
    )
    turnover = make_turnover(ledger.as_of("2025-02-28"), months=2)
    last = turnover.table.iloc[-1]
    assert last["countback_is_lower_bound"]
    assert last["dso_countback"] == 31 + 28
    assert np.isnan(last["dso_sales_weighted"])
    assert "at least 59.0" in str(turnover.to_table())
    family = turnover.family_table().frame.set_index("measure")
    assert family.loc["countback DSO (days, at least)", "now"] == 59
    assert "true figure is larger" in turnover.conventions
    even = make_turnover(ledger.as_of("2025-01-31"), months=1)
    assert not even.table["countback_is_lower_bound"].any()
    assert "at least" not in str(even.to_table())


def test_a_date_within_a_month_says_what_it_is_compared_with():
    snapshot = ledger_of(*two_years()).as_of("2025-11-20")
    turnover = make_turnover(snapshot, months=2)
    assert turnover.table["month_end"].iloc[-1] == snapshot.date
    assert "end of the same month a year before" in turnover.conventions
    whole = make_turnover(snapshot.as_of("2024-11-30"), months=1).table.iloc[-1]
    assert turnover.table["dso_year_before"].iloc[-1] == pytest.approx(whole["dso"])


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(ledgers())
def test_each_row_is_what_was_known_at_its_month_end(rows):
    snapshot = ledger_of(**rows).as_of(DATES[-1])
    table = make_turnover(snapshot, months=5, window=2).table
    for _, row in table.iterrows():
        alone = make_turnover(snapshot.as_of(row["month_end"]), months=1, window=2).table.iloc[-1]
        pd.testing.assert_series_equal(row, alone, check_names=False, check_dtype=False)


def test_plots_and_tables_of_much_and_of_nothing():
    snapshot = ledger_of(*two_years()).as_of("2025-12-31")
    assert "of which" in make_turnover(snapshot).plot().get_title()
    plt.close("all")
    short = make_turnover(ledger_of([invoice("1", "2025-01-10", 5)]).as_of("2025-01-31"))
    assert short.plot().get_title() == "Too few months for a DSO"
    assert "<table" in short._repr_html_()
    assert len(short.family_table().frame) == len(MEASURES)
