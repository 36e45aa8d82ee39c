from __future__ import annotations

import pytest

from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"days": -1}, "negative"),
        ({"days": 1.5}, "whole days"),
        ({"materiality": -1}, "negative"),
        ({"materiality": float("nan")}, "negative"),
        ({"share": 2}, "fraction"),
        ({"probation": -1}, "negative"),
        ({"probation": 0.5}, "whole days"),
        ({"level": "group"}, "'customer' and 'invoice'"),
        ({"insolvency": "insolvency"}, "tuple of names"),
        ({"insolvency": ("",)}, "tuple of names"),
        ({"insolvency": (1,)}, "tuple of names"),
    ],
)
def test_impossible_definitions_are_refused(wrong, message):
    with pytest.raises(ModelError, match=message):
        DefaultDefinition(**wrong)


def test_every_element_is_printed():
    plain = str(DefaultDefinition())
    changes = [
        {"days": 60},
        {"materiality": 500},
        {"share": 0.1},
        {"write_off": False},
        {"insolvency": ()},
        {"insolvency": ("litigation",)},
        {"level": "invoice"},
        {"probation": 30},
    ]
    told = [str(DefaultDefinition(**change)) for change in changes]
    assert len({plain, *told}) == len(changes) + 1


def test_a_list_of_signals_is_as_good_as_a_tuple():
    assert DefaultDefinition(insolvency=["a", "b"]) == DefaultDefinition(insolvency=("a", "b"))
    assert hash(DefaultDefinition(insolvency=["a"])) == hash(DefaultDefinition(insolvency=("a",)))
