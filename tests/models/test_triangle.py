"""Periods, triangles and factors that cash and losses share."""

from __future__ import annotations

import numpy as np
import pytest

from arrisk.errors import ModelError
from arrisk.models.triangle import development_factors, month_blocks
from tests.models.triangles import taylor_ashe


def test_factors_of_several_triangles_at_once_are_those_of_each():
    one = taylor_ashe()
    two = one.copy()
    two[:4, 0] = 0.0
    found = development_factors(np.stack([one, two]))
    np.testing.assert_array_equal(found[0], development_factors(one))
    np.testing.assert_array_equal(found[1], development_factors(two))
    assert found[1, 0] > found[0, 0]


@pytest.mark.parametrize("day", ["2024-02-29", "2024-01-31", "2023-06-18", "2024-03-30"])
def test_months_end_with_the_day_and_leave_no_day_out(day):
    number = int(np.datetime64(day, "D").astype(np.int64))
    ends = month_blocks(number, number - 400, 3)
    assert number in ends
    assert len(ends) - 1 - int(np.flatnonzero(ends == number)[0]) == 3
    assert ends[0] < number - 400 <= ends[1]
    assert set(np.diff(ends)) <= {28, 29, 30, 31}
    if day == "2024-01-31":
        months = ends.astype("datetime64[D]").astype("datetime64[M]")
        assert ((ends + 1).astype("datetime64[D]") == (months + 1).astype("datetime64[D]")).all()


def test_a_triangle_is_square():
    with pytest.raises(ModelError, match="as many periods"):
        development_factors([[1.0, 2.0, 3.0]])
