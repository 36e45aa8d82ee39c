from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.errors import ModelError
from arrisk.models.scoring.bins import Bins

LATE = Bins(
    "days_late", "number", (0.1, 30.0), (), (-1.0,), (2, 3, 5, 0, 1), (50, 30, 10, 0, 2),
    (0.1 + 0.2, -0.3, -1.6, 0.0, 1 / 3), 0.9, "decreasing", 0.5,
)  # fmt: skip
SECTOR = Bins(
    "sector", "text", (), (("a<b>", "steel"), ("toys",)), ("n/a",), (9, 2, 0, 1, 0), (20, 60, 0, 3, 0),
    (-0.7, 0.9, 0.0, 0.1, 0.0), 0.4, "by category", 0.5,
)  # fmt: skip


@given(st.lists(st.one_of(st.floats(allow_nan=True), st.sampled_from([0.1, 30.0, -1.0, None])), max_size=50))
def test_every_value_has_exactly_the_bin_of_its_range(values):
    codes = LATE.codes(pd.Series(values, dtype=float))
    for value, code in zip(values, codes, strict=True):
        if value is None or np.isnan(value):
            assert code == LATE.missing == 4
        elif value == -1.0:
            assert code == 3
        else:
            assert code == (value >= 0.1) + (value >= 30.0)


def test_many_edges_code_as_few():
    edges = tuple(float(k) for k in range(60))
    count = len(edges) + 2
    many = replace(
        LATE, edges=edges, specials=(), events=(1,) * count, nonevents=(1,) * count, woe=(0.0,) * count
    )
    values = np.array([-3.0, 0.0, 0.5, 58.9, 59.0, np.inf, -np.inf, np.nan])
    assert many.codes(values).tolist() == [0, 1, 1, 59, 60, 60, 0, 61]


def test_blocks_of_rows_are_joined_in_order():
    values = np.random.default_rng(0).uniform(-5, 60, 150_000)
    assert (LATE.codes(values) == np.searchsorted(LATE.edges, values, side="right")).all()


@pytest.mark.parametrize(
    "given",
    [
        pd.Series(["toys", "steel", None, "n/a", "new"], dtype=object),
        pd.Series(["toys", "steel", None, "n/a", "new"], dtype="string"),
        pd.Series(["toys", "steel", None, "n/a", "new"], dtype="category"),
        np.array(["toys", "steel", None, "n/a", "new"], dtype=object),
        ["toys", "steel", float("nan"), "n/a", "new"],
    ],
)
def test_texts_are_coded_whatever_holds_them(given):
    assert SECTOR.codes(given).tolist() == [1, 0, 3, 2, 4]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float32", "object"])
def test_numbers_are_coded_whatever_holds_them(dtype):
    column = pd.Series([5, 31, -1], dtype=dtype)
    assert LATE.codes(column).tolist() == [1, 2, 3]
    if dtype in ("Int64", "Float64", "object"):
        assert LATE.codes(pd.Series([5, pd.NA], dtype=dtype)).tolist() == [1, 4]


def test_what_is_no_number_is_refused():
    with pytest.raises(ModelError, match="days_late: expected numbers"):
        LATE.codes(["soon"])
    with pytest.raises(ModelError, match="give days or amounts"):
        LATE.codes(pd.to_datetime(pd.Series(["2025-01-01"])))


@pytest.mark.parametrize("bins", [LATE, SECTOR])
def test_bins_come_back_exactly_from_json(bins):
    again = Bins.from_dict(json.loads(json.dumps(bins.to_dict(), allow_nan=False)))
    assert again == bins
    assert repr(again) == repr(bins)


def test_bins_that_do_not_fit_together_are_refused():
    whole = LATE.to_dict()
    with pytest.raises(ModelError, match="lack or are unknown: iv"):
        Bins.from_dict({k: v for k, v in whole.items() if k != "iv"})
    with pytest.raises(ModelError, match="must be finite and increase"):
        Bins.from_dict(whole | {"edges": [30.0, 0.1]})
    with pytest.raises(ModelError, match="expected counts"):
        Bins.from_dict(whole | {"woe": [0.0]})
    with pytest.raises(ModelError, match="in two bins"):
        replace(SECTOR, specials=("toys",))


def test_the_table_adds_up_and_its_text_is_escaped():
    table = SECTOR.table
    assert table["rows"].sum() == 95
    assert table["share"].sum() == pytest.approx(1.0)
    assert table["bin"].tolist() == ["a<b>, steel", "toys", "n/a", "missing", "other"]
    assert "a<b>" not in SECTOR._repr_html_()
    assert "a&lt;b&gt;" in SECTOR._repr_html_()
    assert LATE.table["rate"].isna().tolist() == [False, False, False, True, False]


def test_labels_tell_edges_apart_however_close():
    close = replace(LATE, edges=(1234.56781, 1234.56789))
    assert len(set(close.labels)) == len(close.labels)
    assert replace(LATE, edges=(0.0, 250000.0)).labels[1] == "0 to 250,000"
    assert replace(SECTOR, groups=(("missing",), ("toys",))).labels[0] == '"missing"'
