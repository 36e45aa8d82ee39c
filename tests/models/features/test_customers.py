from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.features.catalogue import ATTRIBUTES, FEATURES, feature_of
from arrisk.models.features.customers import make_features
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, as_of_dates, ledgers

_day = st.sampled_from(DATES)
SIDE_TABLES = st.fixed_dictionaries(
    {
        "orders": st.lists(
            st.fixed_dictionaries(
                {"customer_id": st.sampled_from(["c0", "c1"]), "order_date": _day, "amount": st.just(10.0)}
            ),
            max_size=5,
        ),
        "limits": st.lists(
            st.fixed_dictionaries(
                {"customer_id": st.sampled_from(["c0", "c1"]), "valid_from": _day,
                 "credit_limit": st.sampled_from([0.0, 7.0, 20.0])}
            ),
            max_size=4,
            unique_by=lambda row: (row["customer_id"], row["valid_from"]),
        ),
        "signals": st.lists(
            st.fixed_dictionaries(
                {"date": _day, "signal": st.sampled_from(["pmi", "ratio"]), "value": st.integers(0, 9),
                 "customer_id": st.none() | st.sampled_from(["c0", "c1"]),
                 "industry": st.none() | st.just("food"), "recorded_date": st.none() | _day}
            ),
            max_size=6,
        ),
    }
)  # fmt: skip


def day_of(row):
    return next(row[c] for c in ("issue_date", "date", "order_date", "valid_from") if c in row)


def known(row, date):
    return max(day_of(row), row.get("recorded_date") or "") <= date


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(ledgers(), SIDE_TABLES, as_of_dates)
def test_rows_known_later_and_the_order_of_rows_change_no_bit(rows, side, date):
    side["orders"] = [row | {"order_id": f"o{k}"} for k, row in enumerate(side["orders"])]
    customers = [{"customer_id": "c0", "industry": "food"}, {"customer_id": "c1", "industry": "steel"}]
    rows = rows | side
    early = {name: [r for r in part if known(r, date)] for name, part in rows.items()}
    turned = {name: part[::-1] for name, part in rows.items()}
    before = make_features(ledger_of(**early, customers=customers).as_of(date))
    for other in (ledger_of(**rows, customers=customers), ledger_of(**turned, customers=customers[::-1])):
        pd.testing.assert_frame_equal(before, make_features(other.as_of(date)), check_exact=True)


@pytest.fixture(scope="module")
def features() -> pd.Series:
    """Paid 10 late, paid 5 early, open 20 overdue, not due, a credit, and one too old."""
    ledger = ledger_of(
        [
            invoice("old", "2023-01-01", 500, "2023-01-31"),
            invoice("late", "2024-06-01", 100, "2024-07-01"),
            invoice("early", "2024-09-01", 300, "2024-10-01"),
            invoice("overdue", "2024-11-11", 60, "2024-12-11", dispute_opened="2024-12-20"),
            invoice("not due", "2024-12-21", 140, "2025-01-20"),
            invoice("credit", "2024-12-21", -50),
        ],
        [
            event("old", "2023-12-31", 500),
            event("late", "2024-07-11", 100),
            event("early", "2024-09-26", 300),
            event("overdue", "2024-12-01", 20),
        ],
        limits=[
            {"customer_id": "c", "valid_from": "2024-01-01", "credit_limit": 1000.0},
            {"customer_id": "c", "valid_from": "2024-06-01", "credit_limit": 400.0},
            {"customer_id": "c", "valid_from": "2025-06-01", "credit_limit": 1.0},
        ],
    )
    return make_features(ledger.as_of("2024-12-31")).iloc[0]


def test_settled_and_open_items_count_as_late(features):
    assert features["n_invoices"] == 4
    assert features["amount"] == 600
    assert features["share_late_settled"] == 0.5
    assert features["share_late"] == pytest.approx(2 / 3)
    assert features["mean_days_late"] == pytest.approx((10 - 5 + 20) / 3)
    assert features["median_days_late"] == 10


def test_open_position(features):
    assert features["open_amount"] == 180
    assert features["overdue_share"] == pytest.approx(40 / 180)
    assert features["oldest_overdue_days"] == 20
    assert features["disputed_share"] == pytest.approx(40 / 180)
    assert features["utilisation"] == pytest.approx(180 / 400)


def test_trend_tenure_and_pace(features):
    assert features["trend_days_late"] == pytest.approx(20 - (10 - 5) / 2)
    assert features["months_customer"] == pytest.approx(730 / (365.25 / 12))
    assert features["order_change"] == pytest.approx(np.log((2.5 / 90) / (2.5 / 275)))


def test_nothing_known_is_missing_rather_than_zero():
    row = make_features(ledger_of([invoice("1", "2024-12-30", 100, "2025-01-29")]).as_of("2024-12-31")).iloc[
        0
    ]
    for name in ("share_late", "mean_days_late", "trend_days_late", "utilisation"):
        assert np.isnan(row[name])
    assert row["oldest_overdue_days"] == 0


def test_every_column_is_described():
    table = make_features(ledger_of([invoice("1", "2024-12-30", 100)]).as_of("2024-12-31"))
    assert list(table.columns) == ["customer_id", *FEATURES, *ATTRIBUTES]


def test_lateness_in_money_spread_and_cycle(features):
    assert features["n_late"] == 2
    assert features["amount_late"] == 160
    assert features["share_late_amount"] == pytest.approx(160 / 460)
    assert features["mad_days_late"] == 10
    assert features["max_days_late"] == 20
    # Paid since 2 October: nothing; waiting: one item of 50 days. Before: 364, 40 and 25 days.
    assert features["cycle_days"] == 50
    assert features["cycle_change_days"] == 50 - 40
    assert features["cycle_change"] == pytest.approx(10 / (1.4826 * 15))


def test_what_is_open_and_the_path_of_the_limit(features):
    assert features[["n_open", "n_overdue", "oldest_open_days"]].tolist() == [2, 1, 50]
    # 300 open from 1 to 26 September under a limit of 400.
    assert features["utilisation_peak"] == pytest.approx(300 / 400)
    assert features["utilisation_change"] == pytest.approx(180 / 400 - 0)
    assert features["days_since_payment"] == 30
    assert features["days_since_invoice"] == 10


def test_disputes_returns_part_payments_and_reversals(features):
    assert features["n_disputes"] == 1
    assert features["share_disputed"] == pytest.approx(60 / 600)
    assert features["returned_share"] == pytest.approx(50 / 600)
    assert features["n_part_payments"] == 1
    assert features["n_reversals"] == 0
    ledger = ledger_of(
        [invoice("1", "2024-11-01", 100, "2024-12-01")],
        [event("1", "2024-11-10", 100), event("1", "2024-11-12", -100), event("1", "2024-12-20", 100)],
    )
    row = make_features(ledger.as_of("2024-12-31")).iloc[0]
    assert row[["n_reversals", "n_part_payments", "n_open"]].tolist() == [1, 1, 0]
    assert make_features(ledger.as_of("2024-11-11")).iloc[0]["n_reversals"] == 0


def test_orders_are_counted_where_there_are_any():
    rows = [invoice("1", "2024-12-01", 10), invoice("2", "2024-12-02", 10, customer_id="d")]
    orders = [
        {"order_id": str(k), "customer_id": "c", "order_date": day, "amount": 1.0}
        for k, day in enumerate(["2024-02-01", "2024-11-01", "2024-12-01", "2025-01-10"])
    ]
    found = make_features(ledger_of(rows, orders=orders).as_of("2024-12-31")).set_index("customer_id")
    assert found.loc["c", "orders_per_month"] == pytest.approx(3 * 365.25 / 12 / 365)
    assert found.loc["c", "order_change"] == pytest.approx(np.log((2.5 / 90) / (1.5 / 275)))
    assert found.loc["d", "orders_per_month"] == pytest.approx(365.25 / 12 / 365)


def test_outside_signals_join_by_customer_industry_or_everybody():
    def signal(date, value, **whom):
        return {"date": date, "signal": "pmi", "value": value, **whom}

    ledger = ledger_of(
        [invoice(k, "2024-06-01", 10, customer_id=k) for k in ("a", "b", "c")],
        customers=[{"customer_id": "a", "industry": "food"}, {"customer_id": "b", "industry": "food"},
                   {"customer_id": "c", "industry": "steel"}],
        signals=[
            signal("2023-05-31", 50), signal("2024-05-31", 47),
            signal("2024-05-31", 60, industry="food"), signal("2024-03-31", 9, customer_id="a"),
            signal("2024-06-30", 99, recorded_date="2024-07-05"), signal("2024-06-05", None),
        ],
    )  # fmt: skip
    found = make_features(ledger.as_of("2024-07-01")).set_index("customer_id")
    assert found["signal_pmi"].tolist() == [9, 60, 47]
    assert found["signal_pmi_age_days"].tolist() == [92, 31, 31]
    assert found.loc["c", "signal_pmi_change"] == -3
    later = make_features(ledger.as_of("2024-07-05")).set_index("customer_id")
    assert later.loc["c", "signal_pmi"] == 99
    assert feature_of("signal_pmi").tell(47.0) == "pmi is 47"
    assert "days old" in feature_of("signal_pmi_age_days").tell(31.0)


def test_every_feature_can_be_told_and_is_bounded_in_order():
    for name, feature in FEATURES.items():
        assert feature.name == name
        assert feature.low < feature.high
        assert feature.step > 0
        assert "{" not in feature.tell(1.5)


def test_refuses_an_empty_window():
    with pytest.raises(ModelError, match="window_days"):
        make_features(ledger_of([invoice("1", "2024-12-30", 100)]).as_of("2024-12-31"), window_days=0)
