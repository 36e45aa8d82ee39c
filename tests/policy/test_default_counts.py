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
    """Each row differs from the study's 90 days and 500 in one element."""
    counts = count_defaults(study, snapshot)
    table = counts.table.set_index("varied")
    assert counts.customers == 4
    assert table["ever"].to_dict() == {
        "the study's": 1, "60 days past due": 2, "120 days past due": 0, "at least 100": 2,
        "at least 1% of what is owed": 1, "each invoice counts for itself": 1, "write-offs do not count": 1,
        "signals of insolvency do not count": 1, "over after 90 days without": 1,
    }  # fmt: skip
    assert table.loc["at least 100", ["now", "now_open"]].tolist() == [1, 200.0]
    assert table.loc["60 days past due", ["now", "now_open"]].tolist() == [0, 0.0]
    assert table.loc["over after 90 days without", "now"] == 1  # paid on 10 May, clean for 51 days
    assert table.index[table["used"]].tolist() == ["the study's"]


def test_each_element_has_its_effect(study):
    """One customer a cause: two invoices of 300 together, a small share, a loss, an insolvency, a relapse."""
    due = {"issued": "2024-01-01", "due": "2024-01-31"}
    invoices = [
        *(invoice(f"two{i}", amount=300, customer_id="two", **due) for i in (1, 2)),
        invoice("part", amount=600, customer_id="part", **due),
        invoice("rest", "2024-03-01", 99_000, "2024-12-31", customer_id="part"),
        invoice("lost", amount=600, customer_id="lost", **due),
        invoice("told", amount=600, customer_id="told", **due),
    ]
    events = [event("lost", "2024-02-10", 600, "write_off"), event("told", "2024-01-31", 600)]
    told = {"date": "2024-03-01", "signal": "insolvency", "value": 1, "customer_id": "told"}
    snapshot = ledger_of(invoices, events, signals=[told]).as_of(AS_OF)
    ever = count_defaults(study, snapshot).table.set_index("varied")["ever"]
    assert ever["the study's"] == 4
    for varied in (
        "each invoice counts for itself",
        "at least 1% of what is owed",
        "write-offs do not count",
        "signals of insolvency do not count",
    ):
        assert ever[varied] == 3, varied


def test_page(study, snapshot):
    shown = count_defaults(study, snapshot).to_table()
    assert shown.title == "Between 0 and 2 of 4 customers ever defaulted, by definition"
    assert shown.frame["definition"].tolist().count("the study's") == 1
    assert str(define_default(study)) in shown.note


def test_definition_is_the_studys(study):
    assert define_default(study) == DefaultDefinition(days=90, materiality=500)
    with pytest.raises(StudyError, match="materiality"):
        define_default(replace(study, assumptions=study.assumptions[:1]))


def test_settings_of_a_study_are_used_and_turned_around_in_the_counts(study, snapshot):
    given = {"share": 0.2, "write_off": False, "insolvency": [], "level": "invoice", "probation": 30}
    other = replace(study, settings={"default": given})
    assert define_default(other) == DefaultDefinition(90, 500, 0.2, False, (), "invoice", 30)
    varied = count_defaults(other, snapshot).table["varied"].tolist()
    assert varied[-5:] == [
        "any share of what is owed", "the customer's sum counts", "write-offs count",
        "signals of insolvency count", "no probation",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probaton": 30}, 'did you mean "probation"'),
        ({"level": "group"}, "'customer' and 'invoice'"),
        ({"probation": True}, "probation = True"),
        ({"insolvency": "insolvency"}, "insolvency = 'insolvency'"),
        ({"share": 2}, "fraction"),
    ],
)
def test_settings_that_cannot_be_are_refused(study, settings, message):
    with pytest.raises(StudyError, match=message):
        define_default(replace(study, settings={"default": settings}))
