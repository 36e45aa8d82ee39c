"""Flows against items told one by one, and the properties that make them flows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.errors import LedgerError
from arrisk.portfolio.ageing_panel import make_ageing_panel
from arrisk.portfolio.flow_page import overdue_ends
from arrisk.portfolio.flows import Flows, make_flows
from arrisk.portfolio.transitions import open_names
from tests.ledger.frames import event, invoice, ledger_of
from tests.ledger.random_ledgers import DATES, as_of_dates, foreign_ledgers, ledgers
from tests.portfolio.plain_flows import plain_flows, state_of

EVENTFUL = st.fixed_dictionaries(
    {
        "dispute_closed": st.none() | st.sampled_from(DATES),
        "department": st.none() | st.sampled_from(["north", 'so"uth']),
    }
)


@st.composite
def disputed_ledgers(draw: st.DrawFn):
    """Random ledgers some of whose disputes end, and with departments."""
    rows = draw(ledgers())
    return rows | {"invoices": [row | draw(EVENTFUL) for row in rows["invoices"]]}


EDGES = st.sampled_from([(30, 60, 90), (7,), (10, 45)])
DISPUTES = st.sampled_from(["apart", "aged"])


def minor(values):
    return np.rint(np.asarray(values, dtype=float) * 100).astype(np.int64)


def told(flows: Flows):
    cells = flows.table[flows.by] if flows.by else pd.Series("", flows.table.index)
    keys = zip(
        flows.table["month_end"], cells, flows.table["from_state"], flows.table["to_state"], strict=True
    )
    figures = zip(flows.table["items"].tolist(), minor(flows.table["amount"]).tolist(), strict=True)
    return dict(zip(keys, figures, strict=True))


def sums(flows: Flows, side: str, states: list[str]) -> pd.Series:
    rows = flows.table[flows.table[side].isin(states)]
    return rows.groupby("month_end")["amount"].sum().reindex(flows.month_ends, fill_value=0.0)


def one(amount=100.0, events=(), date="2025-03-31", **more):
    rows = [invoice("1", "2025-01-05", amount, "2025-01-31", **more)]
    return make_flows(ledger_of(rows, list(events)).as_of(date))


@pytest.mark.parametrize(
    ("events", "flows"),
    [
        ([], {("new", "not due"): (1, 100), ("not due", "1-30"): (1, 100), ("1-30", "31-60"): (1, 100)}),
        (
            [event("1", "2025-02-10", 60)],
            {("new", "not due"): (1, 100), ("not due", "1-30"): (1, 40), ("not due", "paid"): (0, 60)}
            | {("1-30", "31-60"): (1, 40)},
        ),
        (
            [event("1", "2025-01-10", 98), event("1", "2025-01-10", 2, "discount")],
            {("new", "paid"): (1, 100)},
        ),
        (
            [event("1", "2025-02-10", 30, "write_off"), event("1", "2025-03-10", 70)],
            {("new", "not due"): (1, 100), ("not due", "1-30"): (1, 70), ("not due", "written off"): (0, 30)}
            | {("1-30", "paid"): (0, 70), ("1-30", "written off"): (1, 0)},
        ),
        ([event("1", "2025-01-20", 100, "credit_note")], {("new", "credited"): (1, 100)}),
        (
            [event("1", "2025-01-20", 100), event("1", "2025-03-05", -100)],
            {("new", "paid"): (1, 100), ("reopened", "31-60"): (1, 100)},
        ),
        (
            [event("1", "2025-01-20", 100), event("1", "2025-03-05", -100), event("1", "2025-03-09", 100)],
            {("new", "paid"): (1, 100)},
        ),
        (
            [
                event("1", "2025-01-20", 100),
                event("1", "2025-03-05", -100),
                event("1", "2025-03-09", 100, "write_off"),
            ],
            {("new", "paid"): (1, 100), ("reopened", "written off"): (1, 100)},
        ),
    ],
)
def test_one_item_by_hand(events, flows):
    table = one(events=events).table
    keys = zip(table["from_state"], table["to_state"], strict=True)
    figures = zip(table["items"].tolist(), table["amount"].tolist(), strict=True)
    assert dict(zip(keys, figures, strict=True)) == flows


def test_a_disputed_item_has_a_state_of_its_own_while_it_lasts():
    dispute = {"dispute_opened": "2025-02-03", "dispute_closed": "2025-03-31"}
    assert one(**dispute).table["to_state"].tolist() == ["not due", "disputed", "31-60"]
    assert one(**dispute, date="2025-03-30").table["to_state"].tolist() == ["not due", "disputed", "disputed"]
    aged = ledger_of([invoice("1", "2025-01-05", 100, "2025-01-31", **dispute)]).as_of("2025-03-31")
    assert make_flows(aged, disputes="aged").table["to_state"].tolist() == ["not due", "1-30", "31-60"]


def equals_items_one_by_one(rows, date, edges, disputes, months, by):
    customers = [{"customer_id": "c0", "segment": "o'Neil"}, {"customer_id": "c1", "segment": None}]
    snapshot = ledger_of(**(rows | {"customers": customers})).as_of(date)
    flows = make_flows(snapshot, months, edges, by, disputes)
    assert told(flows) == plain_flows(snapshot, months, edges, disputes, by)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(disputed_ledgers(), as_of_dates, EDGES, DISPUTES, st.sampled_from([2, 36]))
def test_flows_are_those_of_items_told_one_by_one(rows, date, edges, disputes, months):
    equals_items_one_by_one(rows, date, edges, disputes, months, None)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(disputed_ledgers(), as_of_dates, st.sampled_from(["segment", "customer_id", "department"]))
def test_flows_of_parts_are_those_of_items_told_one_by_one(rows, date, by):
    equals_items_one_by_one(rows, date, (15,), "apart", 36, by)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(disputed_ledgers() | foreign_ledgers(), as_of_dates, EDGES, DISPUTES, st.sampled_from([1, 3, 36]))
def test_flows_are_those_of_items_deeply(rows, date, edges, disputes, months):
    snapshot = ledger_of(**rows).as_of(date)
    assert told(make_flows(snapshot, months, edges, None, disputes)) == plain_flows(
        snapshot, months, edges, disputes
    )


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(ledgers() | foreign_ledgers(), as_of_dates, EDGES, st.sampled_from([2, 36]))
def test_money_and_items_are_conserved_and_open_is_the_ageing(rows, date, edges, months):
    snapshot = ledger_of(**rows).as_of(date)
    flows = make_flows(snapshot, months, edges, disputes="aged")
    lines = flows.conservation
    came = lines["opening"] + lines["new"] + lines["reopened"]
    went = lines["closing"] + lines["paid"] + lines["credited"] + lines["written_off"]
    assert (minor(came) == minor(went)).all()
    counts = lines.filter(like="_items").set_axis(lines.columns[lines.columns.str.endswith("_items")], axis=1)
    came = counts["opening_items"] + counts["new_items"] + counts["reopened_items"]
    went = counts[["closing_items", "paid_items", "credited_items", "written_off_items"]].sum(axis=1)
    assert (came == went).all()
    assert (minor(lines["closing"])[:-1] == minor(lines["opening"])[1:]).all()
    assert (lines["closing_items"].to_numpy()[:-1] == lines["opening_items"].to_numpy()[1:]).all()
    panel = make_ageing_panel(snapshot, 48, edges).table.set_index("month_end")
    ends = flows.month_ends
    for state in open_names(edges)[:-1]:
        assert (minor(sums(flows, "to_state", [state])) == minor(panel.loc[ends, state])).all()
        before = panel[state].shift(fill_value=0.0).loc[ends]
        assert (minor(sums(flows, "from_state", [state])) == minor(before)).all()


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(ledgers(), as_of_dates)
def test_what_is_known_later_changes_nothing(rows, date):
    def known(row):
        return max(row.get("issue_date") or row.get("date"), row["recorded_date"] or "") <= date

    early = {name: [row for row in part if known(row)] for name, part in rows.items()}
    pd.testing.assert_frame_equal(
        make_flows(ledger_of(**early).as_of(date), by="customer_id").table,
        make_flows(ledger_of(**rows).as_of(date), by="customer_id").table,
    )


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(ledgers())
def test_a_shorter_window_is_the_end_of_a_longer_one(rows):
    snapshot = ledger_of(**rows).as_of(DATES[-1])
    whole, part = make_flows(snapshot).table, make_flows(snapshot, months=2).table
    ending = whole[whole["month_end"].isin(part["month_end"].unique())]
    pd.testing.assert_frame_equal(ending.reset_index(drop=True), part)


def plain_customer_states(snapshot, edges):
    """By customer, the state of its oldest overdue item with something open."""
    names = open_names(edges)
    rank = {state: k for k, state in enumerate(["no due date", *names[:-2]])}
    items = snapshot.items[(snapshot.items["open_amount"] > 0)].to_dict("records")
    found: dict[str, str] = {}
    for item in items:
        mine = state_of(item, edges, "aged")
        found[item["customer_id"]] = max(mine, found.get(item["customer_id"], mine), key=rank.__getitem__)
    return found


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(disputed_ledgers(), as_of_dates, EDGES)
def test_customers_stand_in_the_bucket_of_their_oldest_overdue_item(rows, date, edges):
    snapshot = ledger_of(**rows).as_of(date)
    flows = make_flows(snapshot, edges=edges, by="customer_id", level="customer")
    for end, rows_of_month in flows.table.groupby("month_end"):
        stands = rows_of_month[rows_of_month["to_state"].isin(open_names(edges))]
        states = stands.drop_duplicates(["customer_id", "to_state"]).set_index("customer_id")["to_state"]
        assert states.to_dict() == plain_customer_states(snapshot.as_of(end), edges)
        assert states.index.is_unique
    items = make_flows(snapshot, edges=edges, by="customer_id", disputes="aged")
    pd.testing.assert_frame_equal(flows.conservation, items.conservation)


def test_customer_level_by_an_attribute_adds_up():
    ledger = ledger_of(
        [
            invoice("1", "2025-01-05", 100, "2025-01-20"),
            invoice("2", "2025-01-25", 30, "2025-03-20"),
            invoice("3", "2025-01-25", 7, "2025-03-20", customer_id="d"),
        ],
        customers=[{"customer_id": "c", "segment": "x"}, {"customer_id": "d", "segment": "y"}],
    )
    flows = make_flows(ledger.as_of("2025-02-28"), by="segment", level="customer")
    shown = flows.table[["segment", "from_state", "to_state", "items", "amount"]].to_numpy().tolist()
    assert shown == [
        ["x", "new", "1-30", 2, 130.0],
        ["y", "new", "not due", 1, 7.0],
        ["x", "1-30", "31-60", 2, 130.0],
        ["y", "not due", "not due", 1, 7.0],
    ]
    whole = make_flows(ledger.as_of("2025-02-28"), level="customer").table
    assert whole["amount"].sum() == flows.table["amount"].sum()
    with pytest.raises(LedgerError, match="attribute of items"):
        make_flows(ledger.as_of("2025-02-28"), by="department", level="customer")


@pytest.fixture(scope="module")
def book():
    rows, events = [], []
    for k in range(48):
        issued = pd.Timestamp("2024-01-03") + pd.Timedelta(days=7 * k)
        due = issued + pd.Timedelta(days=20)
        rows.append(
            invoice(f"{k}", str(issued.date()), 100.0 + k, str(due.date()), customer_id=f"c{k % 3}")
            | {"department": ["north", "south"][k % 2]}
        )
        kind = "write_off" if k % 12 == 5 else "payment"
        paid = due + pd.Timedelta(days=(k % 5) * 15 - 10)
        events.append(event(f"{k}", str(paid.date()), 100.0 + k, kind))
    return ledger_of(rows, events).as_of("2024-11-30")


def test_parts_sum_to_the_whole(book):
    whole = make_flows(book).table
    for by in ("customer_id", "department", "segment"):
        keys = ["month_end", "from_state", "to_state"]
        parts = make_flows(book, by=by).table.groupby(keys)[["items", "amount"]].sum()
        pd.testing.assert_frame_equal(parts, whole.set_index(keys).sort_index())


def test_rates_are_shares_of_what_was_there(book):
    flows = make_flows(book, by="department")
    for of in ("amount", "items"):
        rates = flows.matrix(of=of)
        assert list(rates.columns) == ["start", *flows.destinations]
        assert list(rates.index) == flows.origins
        there = rates["start"] > 0
        np.testing.assert_allclose(rates.loc[there, flows.destinations].sum(axis=1), 1.0)
        assert rates.loc[~there, flows.destinations].isna().all(None)
    last = flows.matrix("2024-11-30", cell="north")
    rows = flows.table[(flows.table["month_end"] == "2024-11-30") & (flows.table["department"] == "north")]
    assert last["start"].sum() == pytest.approx(rows["amount"].sum())
    assert last.loc["not due", "paid"] == pytest.approx(
        rows.loc[(rows["from_state"] == "not due") & (rows["to_state"] == "paid"), "amount"].sum()
        / rows.loc[rows["from_state"] == "not due", "amount"].sum()
    )


def test_conservation_by_part_has_both_sides(book):
    lines = make_flows(book, by="department").conservation
    assert set(lines["department"]) == {"north", "south"}
    came = lines["opening"] + lines["new"] + lines["reopened"]
    assert (came == lines["closing"] + lines["paid"] + lines["credited"] + lines["written_off"]).all()
    assert lines["written_off"].sum() > 0


def test_the_page_tells_the_last_month(book):
    flows = make_flows(book)
    ends = overdue_ends(flows)
    panel = make_ageing_panel(book, 48).table.set_index("month_end")
    late = [c for c in flows.origins if c[0].isdigit() or c.startswith("over")]
    np.testing.assert_allclose(ends.sum(axis=1), panel[late].sum(axis=1).shift(fill_value=0.0)[ends.index])
    table = flows.to_table()
    shares = table.frame[["paid", "credited", "written_off", "still_open"]]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert "overdue" in table.title
    assert "shares" in flows._repr_html_()
    ax = flows.plot()
    assert ax.get_title() == flows.finding()
    assert "EUR" in ax.get_ylabel()
    heights = sum(bar.get_height() for group in ax.containers for bar in group)
    assert heights * 1000 == pytest.approx(ends.to_numpy().sum())


def test_a_book_with_nothing_overdue_or_owed_can_be_told():
    young = make_flows(ledger_of([invoice("1", "2025-01-05", 10, "2025-03-31")]).as_of("2025-02-28"))
    assert young.finding().startswith("Nothing was overdue")
    assert young.plot().get_title() == young.finding()
    empty = make_flows(ledger_of([invoice("1", "2025-01-05", -10)]).as_of("2025-02-28"))
    assert empty.table.empty
    assert empty.to_table().frame.empty
    assert empty.matrix()["start"].sum() == 0
    assert empty.conservation.empty
    empty.plot()


def test_bad_arguments_are_errors(book):
    for wrong in (
        {"months": 0},
        {"edges": (30, 20)},
        {"edges": ()},
        {"by": "colour"},
        {"disputes": "x"},
        {"level": "group"},
    ):
        with pytest.raises(LedgerError):
            make_flows(book, **wrong)
    flows = make_flows(book)
    for call in (
        lambda: flows.matrix(of="x"),
        lambda: flows.matrix("2020-01-31"),
        lambda: flows.matrix(cell="a"),
    ):
        with pytest.raises(LedgerError):
            call()
