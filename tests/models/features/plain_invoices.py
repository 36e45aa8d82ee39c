"""Features of invoices the slow way: for each invoice alone, from the snapshot of the evening before."""

from __future__ import annotations

import numpy as np
import pandas as pd

from arrisk.ledger.book import Ledger, Snapshot

DAY = pd.Timedelta(days=1)
MONTH = 365.25 / 12


def _mean(values) -> float:
    values = list(values)
    return sum(values) / len(values) if values else np.nan


def known_items(snapshot: Snapshot) -> pd.DataFrame:
    """Items owed with a due date, and their days late by the evening."""
    items = snapshot.items[snapshot.items["amount"] > 0]
    late = (items["closed_date"].fillna(snapshot.date) - items["due_date"]).dt.days
    return items.assign(late=late, settled=items["close_kind"].isin(["paid", "written_off"]))


def first_closings(snapshot: Snapshot) -> pd.DataFrame:
    """Customer and days late of items when they were first settled, in the order of settlement."""
    found = snapshot.query(
        "SELECT item, end_day, end_event_day, issue_day, due_day FROM spells WHERE side = 0 AND amount > 0 "
        "AND number = 0 AND end_day IS NOT NULL AND cause <> 3 AND due_day IS NOT NULL"
    ).astype("int64")
    owner = dict(zip(snapshot.item_numbers, enumerate(snapshot.items["customer_id"]), strict=True))
    found["place"] = [owner[item][0] for item in found["item"]]
    found["customer_id"] = [owner[item][1] for item in found["item"]]
    found["late"] = found["end_event_day"] - found["due_day"]
    return found.sort_values(["end_day", "end_event_day", "issue_day", "place"])


def plain_features(ledger: Ledger, row: pd.Series, late_days: int) -> dict[str, float]:
    """Features of one item; only what `Ledger.as_of` the evening before shows, and the item's own row."""
    evening = row["issue_date"] - DAY
    own = {
        "amount": row["amount"],
        "terms_days": (row["due_date"] - row["issue_date"]).days,
        "issue_weekday": row["issue_date"].dayofweek,
        "due_weekday": row["due_date"].dayofweek,
        "issue_month_left": row["issue_date"].days_in_month - row["issue_date"].day,
        "due_month_left": row["due_date"].days_in_month - row["due_date"].day,
    }
    if evening < ledger.first_date:
        return own | {"n_before": 0.0, "n_due": 0.0, "n_open": 0.0, "open_amount": 0.0, "book_late_rate": 0.5}
    snapshot = ledger.as_of(evening)
    everyone = known_items(snapshot)
    mine = everyone[everyone["customer_id"] == row["customer_id"]]
    dated = everyone[everyone["due_date"].notna() & (everyone["close_kind"] != "credited")]
    passed = dated[dated["due_date"] + (late_days + 1) * DAY <= evening]
    book = ((passed["late"] > late_days).sum() + 0.5) / (len(passed) + 1)
    due = passed[passed["customer_id"] == row["customer_id"]]
    is_late = due["late"] > late_days
    recent = due[due["due_date"] + (late_days + 1 + 180) * DAY > evening]
    settled = dated[dated["settled"] & (dated["customer_id"] == row["customer_id"])]
    closings = first_closings(snapshot)
    last = closings.loc[closings["customer_id"] == row["customer_id"], "late"].tolist()[::-1]
    held = mine[mine["close_kind"] == "open"]
    over = held[held["days_overdue"] > 0]
    to_pay = _mean((settled["closed_date"] - settled["issue_date"]).dt.days)
    cents = round(100 * held["open_amount"]).sum()
    return own | {
        "amount_ratio": np.log(round(100 * row["amount"]) / _mean(round(100 * mine["amount"]))),
        "n_before": len(mine),
        "months_customer": (row["issue_date"] - mine["issue_date"].min()).days / MONTH,
        "days_since_invoice": (row["issue_date"] - mine["issue_date"].max()).days,
        "dispute_rate": _mean(_disputed(snapshot, row["customer_id"])),
        "n_due": len(due),
        "n_late": is_late.sum(),
        "late_rate": (is_late.sum() + 4.0 * book) / (len(due) + 4.0),
        "late_amount_rate": round(100 * due["amount"][is_late]).sum() / round(100 * due["amount"]).sum()
        if len(due)
        else np.nan,
        "mean_days_late": _mean(due["late"]),
        "n_due_lately": len(recent),
        "late_rate_lately": _mean(recent["late"] > late_days),
        "mean_days_late_lately": _mean(recent["late"]),
        "book_late_rate": book,
        "n_settled": len(settled),
        "settled_late_rate": _mean(settled["late"] > late_days),
        "mean_days_settled": _mean(settled["late"]),
        "slack_days": own["terms_days"] - to_pay,
        "median_days_late": float(np.median(last[:10])) if last else np.nan,
        "last_days_late": last[0] if last else np.nan,
        "late_lately": _mean(v > late_days for v in last[:5]),
        "trend_days_late": _mean(last[:5]) - _mean(settled["late"]),
        "n_open": len(held),
        "open_amount": cents / 100,
        "n_overdue": len(over),
        "overdue_amount": round(100 * over["open_amount"]).sum() / 100,
        "overdue_share": round(100 * over["open_amount"]).sum() / cents if cents else 0.0,
        "oldest_open_days": (evening - held["issue_date"]).dt.days.max() if len(held) else 0,
        "oldest_overdue_days": over["days_overdue"].max() if len(over) else 0,
    }


def _disputed(snapshot: Snapshot, customer: str) -> list[bool]:
    found = snapshot.query("SELECT item, dispute_opened FROM items WHERE side = 0 AND amount > 0")
    owner = dict(zip(snapshot.item_numbers, snapshot.items["customer_id"], strict=True))
    mine = found["item"].map(owner) == customer
    return list(found.loc[mine, "dispute_opened"].notna())
