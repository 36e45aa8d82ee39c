from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrisk.ledger.shapes.clearing import allocate_oldest_first, settle

DAYS = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(40), unit="D")


def side(rows: list[tuple[int, int]]) -> pd.DataFrame:
    return pd.DataFrame(
        {"key": range(len(rows)), "group": [g for g, _ in rows], "amount": [a for _, a in rows]}
    )


def allocate_slowly(debits: pd.DataFrame, credits: pd.DataFrame) -> dict[tuple[int, int], int]:
    out: dict[tuple[int, int], int] = {}
    left = dict(zip(credits["key"], credits["amount"], strict=True))
    for debit in debits.itertuples():
        owed = debit.amount
        for credit in credits[credits["group"] == debit.group].itertuples():
            take = min(owed, left[credit.key])
            if take > 0:
                out[(debit.key, credit.key)] = take
                owed -= take
                left[credit.key] -= take
    return out


amounts = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=8)


@settings(max_examples=40, deadline=None)
@given(amounts, amounts)
def test_allocation_is_that_of_a_plain_loop(debits, credits):
    got = allocate_oldest_first(side(debits), side(credits))
    pieces = {(int(d), int(c)): int(a) for d, c, a in got.itertuples(index=False)}
    assert pieces == allocate_slowly(side(debits), side(credits))


def test_large_amounts_stay_exact():
    got = allocate_oldest_first(side([(1, 10**15 + 1), (2, 7)]), side([(1, 10**15), (2, 3)]))
    assert got["amount"].tolist() == [10**15, 3]


def items_and_links(
    kinds: list[tuple[str, int, int]], links: list[tuple[int, int, int, int]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Random items, and links that use no more than there is on either side."""
    items = pd.DataFrame(
        {
            "key": range(len(kinds)),
            "kind": [kind for kind, _, _ in kinds],
            "amount": [a if kind == "invoice" else -a for kind, a, _ in kinds],
            "date": [DAYS[day] for _, _, day in kinds],
        }
    )
    items["currency"], items["customer_id"], items["instalment"] = (
        "EUR",
        "c",
        pd.array([pd.NA] * len(items), "Int64"),
    )
    items["invoice_id"] = items["event_id"] = [f"D{n}" for n in items["key"]]
    items["_source"], items["_line"] = "s", items["key"] + 2
    left = items["amount"].abs().tolist()
    pairs = []
    for debit, credit, amount, day in links:
        if debit < len(kinds) and credit < len(kinds) and kinds[debit][0] == "invoice" != kinds[credit][0]:
            take = min(amount, left[debit], left[credit])
            left[debit] -= take
            left[credit] -= take
            pairs.append((debit, credit, take, DAYS[day]))
    return items, pd.DataFrame(pairs, columns=["debit", "credit", "amount", "date"]).astype(
        {"amount": "int64"}
    )


kinds = st.lists(
    st.tuples(
        st.sampled_from(["invoice", "invoice", "payment", "credit_note", "write_off"]),
        st.integers(1, 60),
        st.integers(0, 39),
    ),
    min_size=1,
    max_size=8,
)
links = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 60), st.integers(0, 39)), max_size=10
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(kinds, links)
def test_on_every_day_the_balance_is_that_of_the_items_alone(kinds, links):
    items, pairs = items_and_links(kinds, links)
    invoices, events = settle(items, pairs)
    for day in DAYS[::5]:
        posted = items.loc[items["date"] <= day, "amount"].sum()
        owed = invoices.loc[invoices["issue_date"] <= day, "amount"].sum()
        settled = events.loc[events["date"] <= day, "amount"].sum()
        # A link of an invoice dated after it waits for its invoice in the ledger; here it counts at once.
        assert owed - settled == posted


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(kinds, links)
def test_in_the_end_each_item_has_open_what_the_links_left(kinds, links):
    items, pairs = items_and_links(kinds, links)
    invoices, events = settle(items, pairs)
    used = (
        pd.concat([pairs.groupby(s)["amount"].sum() for s in ("debit", "credit")])
        .groupby(level=0)
        .sum()
        .to_dict()
    )
    for item in items.itertuples():
        left = abs(item.amount) - int(used.get(item.key, 0))
        mine = invoices.loc[invoices["invoice_id"] == item.invoice_id, "amount"].sum()
        done = events.loc[events["invoice_id"] == item.invoice_id, "amount"].sum()
        if item.kind != "payment":
            assert abs(mine - done) == left
    loose = events[events["invoice_id"].isna()]["amount"].sum()
    cash = items[items["kind"] == "payment"]
    assert loose == sum(abs(c.amount) - int(used.get(c.key, 0)) for c in cash.itertuples())


@settings(max_examples=15, deadline=None)
@given(kinds, links)
def test_no_two_events_have_the_same_number_on_the_same_invoice(kinds, links):
    items, pairs = items_and_links(kinds, links)
    _, events = settle(items, pairs)
    assert not events.duplicated(["event_id", "invoice_id", "instalment", "customer_id", "kind"]).any()
    rows = {*events["_line"]} | {*settle(items, pairs)[0]["_line"]}
    assert rows == set(items["_line"])


def test_cash_paid_back_for_a_credit_note_closes_it():
    items, _ = items_and_links([("credit_note", 50, 0), ("payment", 50, 5)], [])
    items.loc[1, "amount"] = 50
    pairs = pd.DataFrame({"debit": [1], "credit": [0], "amount": [50], "date": [DAYS[5]]})
    invoices, events = settle(items, pairs)
    assert invoices["amount"].tolist() == [-50]
    assert events[["kind", "amount", "invoice_id"]].values.tolist() == [["payment", -50, "D0"]]


@pytest.mark.parametrize("when", ["when_cleared", "when_posted"])
def test_from_when_late_linked_cash_counts(when):
    items, pairs = items_and_links([("invoice", 50, 0), ("payment", 50, 5)], [(0, 1, 50, 20)])
    _, events = settle(items, pairs, apply_payments=when)
    on_invoice = events.loc[events["invoice_id"] == "D0", "date"].tolist()
    assert on_invoice == [DAYS[20] if when == "when_cleared" else DAYS[5]]
    assert events["amount"].sum() == 50
