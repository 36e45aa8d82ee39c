from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.ledger.reading import read_ledger
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.labels import make_labels
from arrisk.models.features.customers import make_features
from arrisk.models.scoring.low_default import ageing_grades, bound_grades, bound_low_default
from arrisk.models.scoring.pluto_tasche import pluto_tasche, pluto_tasche_periods

N = [100, 400, 300]


def test_no_default_gives_bounds_and_no_more():
    low = bound_low_default("ABC", N, [0, 0, 0], 0.9, 0.12, horizon_days=180)
    assert low.verdict == "the data cannot say"
    assert low.defaulters == 0
    assert low.customers == 800
    assert low.table["pluto_tasche"].tolist() == pluto_tasche(N, [0, 0, 0], 0.9, 0.12).tolist()
    assert low.finding().startswith("None of 800 customers defaulted: up to ")
    assert low.finding().endswith("the data cannot say more")
    shown = low.to_table()
    assert "asset correlation 12%" in shown.note
    assert "90.0% one-sided bounds" in shown.note
    assert "180 days" in shown.note
    assert "no estimates" in shown.note


def test_few_defaults_give_bounds():
    low = bound_low_default("ABC", N, [0, 2, 1], 0.5, 0.0)
    assert low.verdict == "upper bounds only"
    assert "3 of 800 customers defaulted" in low.finding()
    assert low.table["observed"].tolist() == [0.0, 2 / 400, 1 / 300]
    assert "do not rise with the grades" in low.to_table().note
    assert low.bound(["C", "A", "A"]).tolist() == low.table["pluto_tasche"].iloc[[2, 0, 0]].tolist()
    with pytest.raises(ModelError, match="no bound for grade 'D'"):
        low.bound(["D"])


def test_periods_and_scaling_are_told():
    low = bound_low_default(
        "ABC",
        N,
        [0, 0, 0],
        0.9,
        0.12,
        periods=3,
        persistence=0.3,
        central=0.001,
        seed=7,
        as_of=pd.Timestamp("2025-12-31"),
    )
    assert (
        low.table["pluto_tasche"].tolist()
        == pluto_tasche_periods(N, [0, 0, 0], 0.9, 0.12, 3, 0.3, 7)[0].tolist()
    )
    assert (low.table["mc_error"] > 0).all()
    assert low.table["scaled"] @ np.array(N) / 800 == pytest.approx(0.001)
    assert "3 periods" in low.assumptions
    assert "mean of 0.10%" in low.assumptions
    first, last = low.table["pluto_tasche"].iloc[[0, 2]]
    assert f"defaulted: {first:.1%} to {last:.1%} is not" in low.plot().get_title()


def test_names_must_differ_and_fit():
    for names in (["A", "A", "B"], ["A", "B"]):
        with pytest.raises(ModelError, match="one different name"):
            bound_low_default(names, N, [0, 0, 0], 0.9, 0.0)


def rows(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer": np.repeat(np.arange(60), 3),
            "grade": rng.choice(list("ABC"), 180),
            "default": rng.random(180) < 0.03,
        }
    )


def test_customers_are_the_trials():
    seen = rows()
    low = bound_grades(seen["grade"], seen["default"], 0.9, 0.0, customers=seen["customer"], order="ABC")
    assert low.customers == 60
    assert low.defaulters == seen.groupby("customer")["default"].any().sum()
    first = seen.drop_duplicates("customer")["grade"].value_counts()
    assert low.table.set_index("grade")["n"].to_dict() == first.to_dict()
    once = bound_grades(seen["grade"], seen["default"], 0.9, 0.0, order="ABC")
    assert once.customers == 180
    assert once.table["pluto_tasche"].iloc[2] < low.table["pluto_tasche"].iloc[2]


def test_order_of_customers_and_their_names_do_not_matter():
    seen = rows()
    want = bound_grades(
        seen["grade"], seen["default"], 0.9, 0.12, customers=seen["customer"], order="ABC"
    ).table
    mixed = seen.assign(customer=(seen["customer"] * 37) % 60)
    mixed = mixed.iloc[np.argsort(mixed["customer"], kind="stable")]
    kept = mixed.copy()
    got = bound_grades(
        mixed["grade"], mixed["default"], 0.9, 0.12, customers=mixed["customer"], order="ABC"
    ).table
    pd.testing.assert_frame_equal(got, want)
    pd.testing.assert_frame_equal(mixed, kept)


def test_an_empty_grade_is_kept():
    low = bound_grades(
        pd.Series(["A", "C"] * 30), pd.Series([False] * 60), 0.9, 0.0, order=["A", "B", "C", "D"]
    )
    n, bound = (low.table.set_index("grade")[c] for c in ("n", "pluto_tasche"))
    assert n.to_dict() == {"A": 30, "B": 0, "C": 30, "D": 0}
    assert bound["B"] == bound["C"]
    assert bound["D"] == 1.0
    assert low.table["observed"].isna().tolist() == [False, True, False, True]
    assert f"{bound['C']:.2%} (C)" in low.finding()
    assert "(D)" not in low.finding()
    assert [t.get_text() for t in low.plot().get_yticklabels()] == ["C\n0 of 30", "A\n0 of 30"]


def test_grades_without_order_or_name_are_errors():
    flags = pd.Series([False, False])
    with pytest.raises(ModelError, match="no order"):
        bound_grades(pd.Series(["A", "B"]), flags, 0.9, 0.0)
    with pytest.raises(ModelError, match="'X'"):
        bound_grades(pd.Series(["A", "X"]), flags, 0.9, 0.0, order=["A", "B"])
    with pytest.raises(ModelError, match="missing grade"):
        bound_grades(pd.Series(["A", None]), flags, 0.9, 0.0, order=["A", "B"])
    with pytest.raises(ModelError, match="no customers"):
        bound_grades(pd.Series([], dtype="string"), pd.Series([], dtype=bool), 0.9, 0.0, order=["A"])


def test_ageing_buckets_serve_as_grades():
    grades = ageing_grades([0, 1, 30, 31, 400])
    assert grades.tolist() == ["not overdue", "1-30", "1-30", "31-60", "over 90"]
    low = bound_grades(grades, pd.Series([False] * 5), 0.9, 0.0)
    assert low.table["grade"].tolist() == ["not overdue", "1-30", "31-60", "61-90", "over 90"]
    for bad in ([np.nan], [-1.0]):
        with pytest.raises(ModelError, match="missing nor negative"):
            ageing_grades(bad)


def test_names_from_a_ledger_are_escaped():
    low = bound_low_default(["<b>good</b>"], [10], [0], 0.9, 0.0)
    assert "<b>good" not in low._repr_html_()


def test_a_real_ledger_without_defaults_says_so(shared_data):
    """Customers half a year before the last label: their ageing, and that nobody defaulted after."""
    definition, horizon = DefaultDefinition(materiality=500.0), 180
    book = read_ledger(shared_data / "ibm-ar", columns="ibm_ar", currency="USD").as_of("2013-07-01")
    day = book.date - pd.Timedelta(days=horizon)
    labels = make_labels(book, day, horizon, definition)
    seen = labels.merge(make_features(book.as_of(day)), on="customer_id")
    low = bound_grades(
        ageing_grades(seen["oldest_overdue_days"]), seen["default"], 0.95, 0.12, horizon_days=horizon
    )
    assert low.verdict == "the data cannot say"
    assert low.customers == len(labels) > 50
    assert 0.03 < low.table["pluto_tasche"].iloc[0] < 0.3
