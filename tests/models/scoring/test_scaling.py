from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from arrisk.models.scoring.scaling import GRADES, PREDICTORS, PointScale, grade_of, predictors, reasons


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


def features(**values: float) -> pd.DataFrame:
    base = {feature: 0.0 for feature, *_ in PREDICTORS.values()}
    return pd.DataFrame([base | values])


def test_terms_are_bounded():
    wild = features(oldest_overdue_days=4000.0, mean_days_late=-400.0)
    terms = predictors(wild).iloc[0]
    assert terms["oldest_overdue"] == 120 / 30
    assert terms["days_late"] == -1.0


def test_reason_names_what_is_worse_than_the_book():
    seen = features(oldest_overdue_days=60.0, mean_days_late=3.0)
    terms = predictors(seen)
    told = reasons(terms, seen, np.array([1.0, 1.0, 1.0, 1.0]), dict.fromkeys(terms.columns, 0.1))
    assert told == ["oldest open item 60 days overdue (average: 3)"]


def test_an_average_that_pays_early_is_told_as_early():
    seen = features(mean_days_late=12.0)
    terms = predictors(seen)
    told = reasons(terms, seen, np.array([0.0, 5.0, 0.0, 0.0]), dict.fromkeys(terms.columns, -7 / 30))
    assert told == ["12 days late on average over the last year (average: 7 early)"]


def test_a_good_value_is_no_reason_though_others_are_better():
    seen = features(mean_days_late=-2.0)
    terms = predictors(seen)
    told = reasons(terms, seen, np.array([0.0, 5.0, 0.0, 0.0]), dict.fromkeys(terms.columns, -1.0))
    assert told == ["nothing worse than the average customer"]
