import numpy as np

from arrisk.models.early_warning.points import POINTS_TO_DOUBLE, rule_points


def test_points_by_hand():
    # 10 defaulters always on, 30 others never: (10 + 5 q) / 15 over 5 q / 35 with q = 1/4.
    on = np.array([[True]] * 10 + [[False]] * 30)
    names = np.array([f"c{k}" for k in range(40)], dtype=object)
    want = POINTS_TO_DOUBLE * np.log2((11.25 / 15) / (1.25 / 35))
    np.testing.assert_allclose(rule_points(on, on[:, 0], names), [want])


def test_each_defaulter_counts_once_and_no_points_are_negative():
    on = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 0]], dtype=bool)
    bad = np.array([1, 1, 1, 1, 0, 0], dtype=bool)
    names = np.array(["a", "a", "a", "b", "c", "d"], dtype=object)
    once = rule_points(on[[0, 3, 4, 5]], bad[[0, 3, 4, 5]], names[[0, 3, 4, 5]])
    many = rule_points(on, bad, names)
    assert (many >= 0).all()
    assert many[0] < once[0] * 1.5


def test_without_a_past_there_are_no_points():
    none = np.zeros((0, 3), dtype=bool)
    assert rule_points(none, none[:, 0], np.array([], dtype=object)).tolist() == [0.0, 0.0, 0.0]
