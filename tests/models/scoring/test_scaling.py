from __future__ import annotations

import numpy as np
import pytest

from arrisk.models.scoring.scaling import GRADES, PointScale, grade_of


def test_points_follow_the_standard_scaling():
    scale = PointScale()
    assert scale.factor == pytest.approx(28.8539, abs=5e-5)
    assert scale.offset == pytest.approx(501.8622, abs=5e-5)
    assert scale.points([1 / 31]).tolist() == pytest.approx([600])
    assert np.diff(scale.points([1 / 31, 1 / 61, 1 / 121])).tolist() == pytest.approx([20, 20])


def test_grades_have_fixed_yearly_bounds():
    edge = np.array(list(GRADES.values())[:-1])
    assert grade_of(edge - 1e-9, 365).tolist() == ["A", "B", "C"]
    assert grade_of(edge + 1e-9, 365).tolist() == ["B", "C", "D"]
    half_year = 1 - (1 - edge) ** (180 / 365)
    assert grade_of(half_year - 1e-9, 180).tolist() == ["A", "B", "C"]
    assert grade_of([0.3], 365, {"good": 0.5, "bad": 1.0}).tolist() == ["good"]
