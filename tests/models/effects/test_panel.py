"""Reading rows as a panel."""

import numpy as np
import pandas as pd
import pytest

from arrisk.errors import ModelError
from arrisk.models.effects.panel import read_panel
from tests.models.effects.panels import COLUMNS


def rows():
    return pd.DataFrame(
        {
            "customer": ["A", "A", "A", "B"],
            "month": [1, 1, 2, 1],
            "first": [2.0, 2.0, 2.0, np.nan],
            "days": [10.0, 20.0, 30.0, 40.0],
            "amount": [1.0, 3.0, 1.0, 0.0],
            "kind": ["x", "y", "x", "x"],
        }
    )


def test_rows_of_a_month_become_one_cell():
    panel = read_panel(rows(), weight="amount", **COLUMNS)
    assert panel.y.tolist() == [17.5, 30.0]
    assert panel.weight.tolist() == [4.0, 1.0]
    assert panel.count.tolist() == [2.0, 1.0]
    assert panel.age.tolist() == [-1.0, 0.0]


def test_controls_keep_rows_apart():
    panel = read_panel(rows(), controls=["kind", "amount"], **COLUMNS)
    assert panel.controls.tolist() == [[0, 1], [1, 3], [0, 1], [0, 0]]
    assert np.isinf(panel.start[-1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first": [1.0, 2.0, 2.0, 2.0]}, "1 units of 'customer' have more than one 'first'"),
        ({"customer": ["A", "A", "A", None]}, "1 rows have no 'customer'"),
        ({"amount": -1.0}, "4 weights in 'amount' are negative"),
        ({"amount": 0.0}, "no rows to compare"),
        ({"days": np.nan}, "4 rows have no finite 'days'"),
    ],
)
def test_rows_that_cannot_be_read(change, words):
    with pytest.raises(ModelError, match=words):
        read_panel(rows().assign(**change), weight="amount", **COLUMNS)


def test_missing_columns_are_named():
    with pytest.raises(ModelError, match="no column 'days'; they have customer"):
        read_panel(rows().drop(columns="days"), **COLUMNS)
