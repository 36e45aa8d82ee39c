from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from arrisk.errors import StudyError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.policy.assumptions import Assumption
from arrisk.policy.default_counts import count_defaults, define_default
from arrisk.policy.study import Study, study_template
from tests.ledger.frames import event, invoice, ledger_of

AS_OF = "2024-06-30"


@pytest.fixture
def study():
    study = Study.from_toml(study_template("ledger", "arrisk", AS_OF, "EUR"), Path("study.toml"))
    days = Assumption("default_days", 90, 60, 120, "days overdue", "test")
    amount = Assumption("materiality", 500, 100, 500, "EUR", "test")
    return replace(study, assumptions=(days, amount))


@pytest.fixture
def snapshot():
    """Due 31 January: one pays after 70 days, one after 100, a small one never; one always pays in time."""
    names = {"late": 1000, "later": 1000, "small": 200, "good": 1000}
    invoices = [invoice(n, "2024-01-01", a, "2024-01-31", customer_id=n) for n, a in names.items()]
    events = [
        event("late", "2024-04-10", 1000),
        event("later", "2024-05-10", 1000),
        event("good", "2024-01-31", 1000),
    ]
    return ledger_of(invoices, events).as_of(AS_OF)


def test_counts_by_hand(study, snapshot):
    counts = count_defaults(study, snapshot)
    table = counts.table.set_index(["days", "materiality"])
    assert counts.customers == 4
    assert table["ever"].to_dict() == {
        (60, 100.0): 3, (60, 500.0): 2, (90, 100.0): 2, (90, 500.0): 1, (120, 100.0): 1, (120, 500.0): 0,
    }  # fmt: skip
    assert table["now"].to_dict()[(120, 100.0)] == 1
    assert table["now_open"].to_dict()[(120, 100.0)] == 200.0
    assert table["now_open"].to_dict()[(60, 500.0)] == 0.0
    assert table.index[table["used"]].tolist() == [(90, 500.0)]


def test_page(study, snapshot):
    shown = count_defaults(study, snapshot).to_table()
    assert shown.title == "Between 0 and 3 of 4 customers ever defaulted, by definition"
    assert shown.frame["used"].tolist().count("the study's") == 1


def test_definition_is_the_studys(study):
    assert define_default(study) == DefaultDefinition(days=90, materiality=500)
    with pytest.raises(StudyError, match="materiality"):
        define_default(replace(study, assumptions=study.assumptions[:1]))
