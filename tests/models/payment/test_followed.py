from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.models.features.invoice_history import FAR
from arrisk.models.payment.followed import (
    AFTER,
    FREE,
    IN_DISPUTE,
    clock_start,
    followed_items,
    split_at_disputes,
)
from tests.ledger.frames import event, invoice, ledger_of


def random_items(seed, size=300):
    rng = np.random.default_rng(seed)
    issue = rng.integers(0, 50, size)
    opened = np.where(rng.random(size) < 0.5, issue + rng.integers(-5, 40, size), FAR)
    closed = np.where((opened < FAR) & (rng.random(size) < 0.7), opened + rng.integers(0, 30, size), FAR)
    return pd.DataFrame(
        {
            "issue": issue,
            "end": issue + rng.integers(0, 60, size),
            "cause": rng.integers(0, 3, size),
            "opened": opened,
            "closed": closed,
        }
    )


def test_every_day_at_risk_is_in_exactly_one_state():
    items = random_items(1)
    for since in (None, 40):
        cut = split_at_disputes(items, since)
        found = {}
        for k, item in enumerate(cut.item):
            for day in range(cut.first[k], cut.last[k] + 1):
                assert (item, day) not in found
                found[item, day] = cut.state[k]
        wanted = {}
        for item, row in items.iterrows():
            for day in range(max(row["issue"], since or 0), row["end"] + 1):
                evening = day - 1
                state = AFTER if max(row["closed"], row["opened"]) <= evening else IN_DISPUTE
                wanted[item, day] = state if row["opened"] <= evening else FREE
        assert found == wanted


def test_each_item_leaves_once_and_moves_once_a_dispute():
    items = random_items(2)
    cut = split_at_disputes(items)
    left = pd.Series(cut.cause).groupby(cut.item).sum()
    assert left.reindex(items.index).tolist() == items["cause"].tolist()
    assert not (cut.moved & (cut.cause > 0)).any()
    opened = (items["opened"] < items["end"]) & (items["opened"] >= items["issue"])
    assert (cut.moved & (cut.state == FREE)).sum() == opened.sum()


def test_items_are_followed_as_the_snapshot_knows_them():
    rows = [
        invoice("1", "2024-01-01", 10, "2024-01-31", dispute_opened="2024-01-20"),
        invoice("2", "2024-01-05", 10),
        invoice("3", "2024-01-05", -10),
        invoice("4", "2024-01-06", 10, "2024-02-01"),
    ]
    events = [
        event("1", "2024-02-10", 10),
        event("2", "2024-01-02", 10),
        event("4", "2024-01-20", 10, "write_off"),
    ]
    ledger = ledger_of(rows, events)
    early = followed_items(ledger.as_of("2024-01-10"))
    late = followed_items(ledger.as_of("2024-03-01"))
    assert early["cause"].tolist() == [0, 1, 0]
    assert (early["opened"] == FAR).all()
    assert late["cause"].tolist() == [1, 1, 2]
    assert (late["end"] - late["issue"]).tolist() == [40, 0, 14]  # paid before its issue: on the day of issue
    assert late["due"].tolist()[1] == FAR


def test_clocks():
    issue, due = np.array([100, 100]), np.array([130.0, np.nan])
    usual = np.array([-3.4, 5.0])
    assert clock_start("issue", issue, due, usual, 30.0).tolist() == [100, 100]
    assert clock_start("due", issue, due, usual, 20.0).tolist() == [130, 120]
    assert clock_start("usual", issue, due, usual, 20.0).tolist() == [127, 125]
    assert clock_start("usual", issue, np.full(2, np.nan), usual, None).tolist() == [97, 105]
