"""States of default by hand, against a walk through the days, and against what was known earlier."""

from __future__ import annotations

from itertools import product

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.states import default_states
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, ledgers

END = "2025-12-31"


def states(invoices, events=(), definition=None, date=END, **tables):
    snapshot = ledger_of(invoices, list(events), **tables).as_of(date)
    definition = definition or DefaultDefinition()
    return default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)


def signal(date, value, customer="c", name="insolvency", **more):
    return {"date": date, "signal": name, "value": value, "customer_id": customer, **more}


def dates(table):
    return [(f"{r.date:%Y-%m-%d}", bool(r.in_default), r.cause) for r in table.itertuples()]


DUE = invoice("1", "2025-01-01", 100, "2025-01-31")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], [("2025-05-01", True, "overdue")]),
        ([event("1", "2025-05-01", 100)], []),
        ([event("1", "2025-05-02", 100)], [("2025-05-01", True, "overdue"), ("2025-05-02", False, "")]),
        ([event("1", "2025-03-01", 99)], [("2025-05-01", True, "overdue")]),
        ([event("1", "2025-03-01", 100), event("1", "2025-06-01", -100)], [("2025-06-01", True, "overdue")]),
        (
            [event("1", "2025-06-01", 100, "write_off")],
            [("2025-05-01", True, "overdue"), ("2025-06-01", True, "written off")],
        ),
        ([event("1", "2025-02-15", 100, "write_off")], [("2025-02-15", True, "written off")]),
        ([event("1", "2025-03-01", 100, "credit_note")], []),
    ],
)
def test_default_begins_at_the_end_of_the_ninetieth_day_past_due(events, expected):
    assert dates(states([DUE], events)) == expected


def test_materiality_adds_the_customers_items_and_an_overpayment_pays_no_other():
    two = [DUE, invoice("2", "2025-01-11", 60, "2025-02-10")]
    assert dates(states(two, definition=DefaultDefinition(materiality=150))) == [
        ("2025-05-11", True, "overdue")
    ]
    assert dates(states(two, definition=DefaultDefinition(materiality=161))) == []
    paid = [event("1", "2025-06-01", 500)]
    assert dates(states(two, paid, DefaultDefinition(materiality=50)))[-1][1]


def test_share_of_what_is_owed():
    books = [DUE, invoice("2", "2025-04-20", 900, "2025-12-20")]
    assert dates(states(books, definition=DefaultDefinition(share=0.2))) == []
    assert dates(states(books, definition=DefaultDefinition(share=0.1))) == [("2025-05-01", True, "overdue")]


def test_oldest_instalment_is_paid_first():
    parts = [
        invoice("1", "2025-01-01", 50, "2025-01-31", instalment=1),
        invoice("1", "2025-01-01", 50, "2025-03-31", instalment=2),
    ]
    assert dates(states(parts, [event("1", "2025-02-01", 50)])) == [("2025-06-29", True, "overdue")]


def test_a_single_invoice_must_reach_the_materiality_where_the_level_says_so():
    two = [DUE, invoice("2", "2025-01-11", 60, "2025-02-10")]
    single = DefaultDefinition(materiality=101, level="invoice")
    assert dates(states(two, definition=single)) == []
    assert dates(states(two, definition=DefaultDefinition(materiality=101))) == [
        ("2025-05-11", True, "overdue")
    ]
    lost = [event("1", "2025-02-15", 60, "write_off"), event("2", "2025-02-15", 60, "write_off")]
    definition = DefaultDefinition(days=300, materiality=100, level="invoice")
    assert dates(states(two, lost, definition)) == []
    rest = event("1", "2025-03-01", 40, "write_off")
    assert dates(states(two, [*lost, rest], definition)) == [("2025-03-01", True, "written off")]


PAID_LATE = [event("1", "2025-05-11", 100)]
AGAIN = invoice("2", "2025-01-21", 50, "2025-02-20")


@pytest.mark.parametrize(
    ("probation", "expected"),
    [
        (0, [("2025-05-01", True, "overdue"), ("2025-05-11", False, ""), ("2025-05-21", True, "overdue")]),
        (9, [("2025-05-01", True, "overdue"), ("2025-05-20", False, ""), ("2025-05-21", True, "overdue")]),
        (10, [("2025-05-01", True, "overdue")]),
        (400, [("2025-05-01", True, "overdue")]),
    ],
)
def test_a_relapse_within_probation_is_the_same_default(probation, expected):
    """Clean from 11 May; another invoice is 90 days past due on 21 May and stays so."""
    found = states([DUE, AGAIN], PAID_LATE, DefaultDefinition(probation=probation))
    assert dates(found) == expected


def test_probation_that_is_not_over_is_not_told_yet():
    definition = DefaultDefinition(probation=30)
    assert dates(states([DUE], PAID_LATE, definition, "2025-06-09")) == [("2025-05-01", True, "overdue")]
    assert dates(states([DUE], PAID_LATE, definition, "2025-06-10"))[-1] == ("2025-06-10", False, "")


def test_insolvency_begins_when_it_is_known_and_ends_with_a_later_value_of_zero():
    open_ = [event("1", "2025-01-31", 100)]
    told = [signal("2025-02-01", 1, recorded_date="2025-02-20"), signal("2025-04-01", 0)]
    assert dates(states([DUE], open_, signals=told)) == [
        ("2025-02-20", True, "insolvent"),
        ("2025-04-01", False, ""),
    ]
    ignoring = DefaultDefinition(insolvency=("bankrupt",))
    assert dates(states([DUE], open_, ignoring, signals=told)) == []


def test_a_late_record_of_an_earlier_day_cures_nothing():
    told = [signal("2025-03-01", 1), signal("2025-02-01", 0, recorded_date="2025-06-01")]
    assert dates(states([DUE], [event("1", "2025-01-31", 100)], signals=told)) == [
        ("2025-03-01", True, "insolvent")
    ]


def test_signals_of_others_and_without_a_value_say_nothing():
    told = [
        signal("2025-03-01", 1, customer=None, industry="Food"),
        signal("2025-03-01", None),
        signal("2025-03-01", 1, name="litigation"),
    ]
    assert dates(states([DUE], [event("1", "2025-01-31", 100)], signals=told)) == []


def test_written_off_counts_before_insolvent_and_that_before_overdue():
    told = [signal("2025-05-10", 1), signal("2025-06-10", 0)]
    lost = [event("1", "2025-06-20", 100, "write_off")]
    assert dates(states([DUE], lost, signals=told)) == [
        ("2025-05-01", True, "overdue"),
        ("2025-05-10", True, "insolvent"),
        ("2025-06-10", True, "overdue"),
        ("2025-06-20", True, "written off"),
    ]


def test_nothing_known_is_an_empty_frame_of_the_same_columns():
    empty = states([invoice("1", "2025-01-01", -5)])
    assert empty.empty
    assert list(empty.columns) == ["customer_id", "date", "in_default", "cause"]


signals = st.lists(
    st.fixed_dictionaries(
        {
            "date": st.sampled_from(DATES),
            "signal": st.sampled_from(["insolvency", "litigation", "pmi"]),
            "value": st.sampled_from([1.0, 0.0, -1.0, 2.0, None]),
            "customer_id": st.sampled_from(["c0", "c1", "c2", None]),
            "recorded_date": st.none() | st.sampled_from(DATES),
        }
    ),
    max_size=8,
)
definitions = st.builds(
    DefaultDefinition,
    days=st.sampled_from([0, 10, 30]),
    materiality=st.sampled_from([0.0, 5.0, 12.0]),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    write_off=st.booleans(),
    insolvency=st.sampled_from([(), ("insolvency",), ("insolvency", "litigation")]),
    level=st.sampled_from(["customer", "invoice"]),
    probation=st.sampled_from([0, 1, 20, 60]),
)


def walk(items, events, last, definition, told):
    """The same states, by asking every customer on every day."""
    parts = list(zip(items["invoice_id"], items["customer_id"], _days(items["due_date"]),
                     _days(items["issue_date"]), _days(items["recorded_date"]), items["amount"],
                     strict=True))  # fmt: skip
    moves = list(zip(events["invoice_id"], events["customer_id"], _days(events["date"]), events["kind"],
                     events["amount"], strict=True))  # fmt: skip
    told = told[told["value"].notna()]
    known = told[["date", "recorded_date"]].max(axis=1)
    news = list(zip(told["customer_id"], told["signal"], _days(told["date"]), _days(known), told["value"],
                    strict=True))  # fmt: skip
    people = {*items["customer_id"], *told["customer_id"].dropna(), *events["customer_id"].dropna()}
    rows, first = [], pd.Timestamp(DATES[0])
    for who in sorted(people):
        inside, clean, cause, lost = False, 0, "", False
        for day in range((last - first).days + 1):
            lost = lost or (definition.write_off and _is_lost(who, day, parts, moves, definition))
            trigger = "written off" if lost else _trigger(who, day, parts, moves, news, definition)
            clean = 0 if trigger else clean + 1
            inside = bool(trigger) or (inside and clean <= definition.probation)
            now = (trigger or cause) if inside else ""
            if now != cause:
                rows.append((who, first + pd.Timedelta(days=day), inside, now))
            cause = now
    return rows


def _days(dates):
    return [None if pd.isna(d) else (d - pd.Timestamp(DATES[0])).days for d in dates]


def _is_lost(who, day, parts, moves, definition):
    owner, since, written = {}, {}, {}
    for number, customer, _, _, booked, _ in parts:
        owner.setdefault(number, customer)
        since[number] = min(booked, since.get(number, booked))
    for number, customer, when, kind, amount in moves:
        when = max(when, since.get(number, when))
        if kind == "write_off" and when <= day and (customer or owner.get(number)) == who:
            key = (number or "") if definition.level == "invoice" else ""
            written[key] = written.get(key, 0.0) + amount
    return any(amount >= max(definition.materiality, 0.005) - 0.0025 for amount in written.values())


def _trigger(who, day, parts, moves, news, definition):
    if any(_insolvent(who, day, name, news) for name in definition.insolvency):
        return "insolvent"
    least, single = max(definition.materiality, 0.005), definition.level == "invoice"
    late, owed = 0.0, 0.0
    for number in {p[0] for p in parts if p[1] == who and p[5] > 0}:
        mine = [p for p in parts if p[0] == number and p[4] <= day and p[5] > 0]
        settled = sum(m[4] for m in moves if m[0] == number and m[2] <= day and m[3] != "recovery")
        due = sum(p[5] for p in mine if p[2] is not None and p[2] + definition.days <= day)
        past = max(due - max(settled, 0.0), 0.0)
        late += past if not single or past >= least - 0.0025 else 0.0
        owed += sum(p[5] for p in mine if p[3] <= day) - settled * bool(mine)
    return "overdue" if late >= max(0.005 if single else least, definition.share * owed) - 0.0025 else ""


def _insolvent(who, day, name, news):
    mine = [n for n in news if n[0] == who and n[1] == name and n[3] <= day]
    latest = max(((n[2], n[3], place) for place, n in enumerate(mine)), default=None)
    return latest is not None and mine[latest[2]][4] > 0


def of(table):
    return [(r.customer_id, r.date, bool(r.in_default), r.cause) for r in table.itertuples()]


def snapshot_of(rows, told, date=DATES[-1]):
    return ledger_of(**rows, signals=told).as_of(date)


@pytest.mark.slow
@given(ledgers(), signals, definitions)
def test_a_walk_through_the_days_finds_the_same(rows, told, definition):
    book = snapshot_of(rows, told)
    found = default_states(book.items, book.events, book.date, definition, book.signals)
    walked = walk(book.items, book.events, book.date, definition, book.signals)
    assert of(found) == walked


@pytest.mark.slow
@given(ledgers(), signals, definitions, st.sampled_from(DATES[60:]))
def test_nothing_dated_later_changes_a_state(rows, told, definition, day):
    book, cut = snapshot_of(rows, told), pd.Timestamp(day)
    later = default_states(book.items, book.events, book.date, definition, book.signals)
    seen = book.items[book.items["recorded_date"] <= cut]
    then = default_states(seen, book.events[book.events["date"] <= cut], cut, definition, book.signals)
    assert of(later[later["date"] <= cut]) == of(then)


@pytest.mark.slow
@given(ledgers(), signals, definitions, st.sampled_from(DATES[60:]))
def test_of_what_was_known_earlier_snapshots_say_the_same(rows, told, definition, day):
    """Events on the day they were recorded: then states found later are those found then, to the last."""

    def known(book):
        events = book.events.assign(date=book.events[["date", "recorded_date"]].max(axis=1))
        return default_states(book.items, events, book.date, definition, book.signals)

    book = snapshot_of(rows, told)
    later = known(book)
    assert of(later[later["date"] <= pd.Timestamp(day)]) == of(known(book.as_of(day)))


@pytest.mark.slow
@given(ledgers(), signals, definitions)
def test_probation_only_joins_defaults(rows, told, definition):
    book = snapshot_of(rows, told)

    def inside(probation):
        some = DefaultDefinition(
            definition.days,
            definition.materiality,
            definition.share,
            definition.write_off,
            definition.insolvency,
            definition.level,
            probation,
        )
        found = default_states(book.items, book.events, book.date, some, book.signals)
        days = pd.date_range(DATES[0], book.date)
        wide = found.pivot_table(index="date", columns="customer_id", values="in_default", aggfunc="last")
        return wide.reindex(days).ffill().fillna(0.0).astype(bool)

    short, long = inside(0), inside(30)
    for who in short.columns:
        assert (long[who] | ~short[who]).all()
        starts = [x[who] & ~x[who].shift(fill_value=False) for x in (short, long)]
        assert set(starts[1].index[starts[1]]) <= set(starts[0].index[starts[0]])


@pytest.mark.parametrize(
    ("step", "least"), [(23, 10), pytest.param(1, 60, marks=pytest.mark.slow)], ids=["some", "every"]
)
def test_combinations_of_options_on_a_book_with_all_of_it(step, least):
    """Not random: every pair of options meets on one book that has what each of them is about."""
    rows = {
        "invoices": [
            invoice("a1", "2024-02-01", 20, "2024-02-20", customer_id="a"),
            invoice("a2", "2024-02-05", 8, "2024-03-20", customer_id="a"),
            invoice("b1", "2024-02-01", 20, "2024-03-01", customer_id="b"),
            invoice("b2", "2024-04-01", 90, "2024-07-30", customer_id="b"),
        ],
        "events": [
            event("a1", "2024-04-05", 20),
            event("a2", "2024-05-20", 8),
            event("b1", "2024-05-01", 6, "write_off"),
            event("b1", "2024-06-01", 14),
        ],
    }
    told = [
        signal("2024-04-20", 1, "a"),
        signal("2024-05-02", 0, "a"),
        signal("2024-06-20", 1, "b", "litigation"),
    ]
    book = snapshot_of(rows, told)
    found = []
    options = product(
        [10, 30], [0, 7, 25], [0.0, 0.2], [True, False], [(), ("insolvency",), ("insolvency", "litigation")],
        ["customer", "invoice"], [0, 20, 40],
    )  # fmt: skip
    for values in list(options)[::step]:
        days, amount, share, write_off, names, level, probation = values
        definition = DefaultDefinition(days, amount, share, write_off, names, level, probation)
        found.append(of(default_states(book.items, book.events, book.date, definition, book.signals)))
        assert found[-1] == walk(book.items, book.events, book.date, definition, book.signals), definition
    assert len({str(states) for states in found}) > least
