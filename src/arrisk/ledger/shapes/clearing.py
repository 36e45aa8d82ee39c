"""What settles what: shared by the systems that keep debits and credits and link them afterwards.

Conventions, the same for every system:

* A debit is an invoice, unless it is cash paid back. A credit is cash, or a credit note, discount, write-off.
* Cash counts from its own day: as cash on account until the day it is linked to an invoice, and on the
  invoice from then on. So the open balance on any day is what the system itself would have shown.
* A credit note that is linked on its own day is an event of the invoice. Otherwise it is an item of its own
  with a negative amount until it is used up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from arrisk.errors import LedgerError
from arrisk.ledger.shapes.shaping import KEYS, canonical

__all__ = ["allocate_oldest_first", "joined", "number_apart", "settle"]

_EVENT = ["date", "kind", "amount", "invoice_id", "customer_id", "event_id", "instalment", "currency"]
_EVENT += ["recorded_date", *KEYS]
_APPLY = ("when_cleared", "when_posted")


def allocate_oldest_first(debits: pd.DataFrame, credits: pd.DataFrame) -> pd.DataFrame:
    """Use up the credits of each group on its debits, both in the order given.

    Parameters
    ----------
    debits, credits : DataFrame
        key, group, amount (int, minor units, not negative); rows in the order in which they are used.

    Returns
    -------
    DataFrame
        debit, credit (keys), amount (int64, positive). What finds no counterpart in its group is left out.

    Examples
    --------
    >>> owed = pd.DataFrame({"key": ["a", "b"], "group": 1, "amount": [60, 60]})
    >>> paid = pd.DataFrame({"key": ["p"], "group": 1, "amount": [100]})
    >>> allocate_oldest_first(owed, paid).values.tolist()
    [['a', 'p', 60], ['b', 'p', 40]]
    """
    owed, paid = _sorted_by_group(debits), _sorted_by_group(credits)
    totals = [side.groupby("group")["amount"].sum() for side in (owed, paid)]
    groups = totals[0].index.union(totals[1].index)
    size = pd.Series(np.maximum(*(t.reindex(groups, fill_value=0).to_numpy() for t in totals)), index=groups)
    # Groups are laid end to end on one line, each as long as the larger of its two sides.
    offset = size.cumsum() - size
    owed_from, owed_to = _intervals(owed, offset)
    paid_from, paid_to = _intervals(paid, offset)
    edges = np.unique(np.concatenate([owed_from, owed_to, paid_from, paid_to]))
    start, length = edges[:-1], np.diff(edges)
    d = np.searchsorted(owed_from, start, side="right") - 1
    c = np.searchsorted(paid_from, start, side="right") - 1
    both = (d >= 0) & (c >= 0)
    both[both] = (start[both] < owed_to[d[both]]) & (start[both] < paid_to[c[both]])
    pieces = pd.DataFrame(
        {
            "debit": owed["key"].to_numpy()[d[both]],
            "credit": paid["key"].to_numpy()[c[both]],
            "amount": length[both],
        }
    )
    return pieces.groupby(["debit", "credit"], sort=False)[["amount"]].sum().reset_index()


def _sorted_by_group(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame[frame["amount"] > 0]
    return frame.assign(amount=frame["amount"].astype("int64")).sort_values(
        "group", kind="stable", ignore_index=True
    )


def _intervals(frame: pd.DataFrame, offset: pd.Series[Any]) -> tuple[np.ndarray, np.ndarray]:
    amount = frame["amount"].to_numpy(dtype=np.int64)
    before = frame.groupby("group")["amount"].cumsum().to_numpy(dtype=np.int64) - amount
    start = before + frame["group"].map(offset).to_numpy(dtype=np.int64)
    return start, start + amount


def joined(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Rows of several frames one below the other; empty frames do not decide the types."""
    filled = [frame[list(columns)] for frame in frames if not frame.empty]
    return pd.concat(filled, ignore_index=True) if filled else frames[0][list(columns)].reset_index(drop=True)


def settle(
    items: pd.DataFrame, pairs: pd.DataFrame, apply_payments: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invoices and events of linked debits and credits.

    Parameters
    ----------
    items : DataFrame
        key (unique), kind (invoice, payment, credit_note, discount or write_off), amount (signed minor
        units: a debit is positive), date, currency, customer_id, invoice_id, instalment, event_id, `_source`,
        `_line`, and other columns of invoices (issue_date is the date unless given).
    pairs : DataFrame
        debit, credit (keys of items), amount (minor units; a negative one takes an earlier link back), date.
    apply_payments : {"when_cleared", "when_posted"}, optional
        From when cash counts on its invoice: from the day it was linked to it (the default; until then it is
        cash on account), or from its own day, as if it had been known at once what it was for.

    Returns
    -------
    invoices, events : DataFrame
        Canonical. Every item is behind at least one row, unless its amount is zero and it is cash.
    """
    facts = items.set_index("key")
    if "issue_date" not in facts:
        facts = facts.assign(issue_date=facts["date"])
    if "recorded_date" not in facts:
        facts = facts.assign(recorded_date=pd.Series(pd.NaT, index=facts.index, dtype=facts["date"].dtype))
    links = _links(facts, pairs, apply_payments or "when_cleared")
    absorbed = _absorbed(facts, links)
    is_item = ~_is_cash(facts) & ~facts.index.isin(absorbed)
    invoices = canonical(facts[is_item], "invoices")
    parts = [
        _on_debits(facts, links[~links["debit_cash"]]),
        _on_credits(facts, links[~links["credit_cash"] & ~links["credit"].isin(absorbed)]),
        _on_account(facts, links),
    ]
    events = joined(parts, _EVENT).sort_values([*KEYS, "date"], kind="stable", ignore_index=True)
    return invoices, canonical(number_apart(events), "events")


def number_apart(events: pd.DataFrame) -> pd.DataFrame:
    """Give the parts of one document, on one invoice or on account, numbers of their own: P1, P1/2, P1/3."""
    keys = ["event_id", "invoice_id", "instalment", "customer_id", "kind"]
    nth = events.groupby(keys, dropna=False).cumcount()
    again = (nth > 0) & events["event_id"].notna()
    numbered = (
        events["event_id"]
        .astype(object)
        .where(~again, events["event_id"].astype(str) + "/" + (nth + 1).astype(str))
    )
    return events.assign(event_id=numbered)


def _is_cash(facts: pd.DataFrame) -> pd.Series:
    return facts["kind"] == "payment"


def _links(facts: pd.DataFrame, pairs: pd.DataFrame, apply_payments: str) -> pd.DataFrame:
    if apply_payments not in _APPLY:
        raise LedgerError(f"apply_payments={apply_payments!r}; allowed: {', '.join(_APPLY)}")
    links = pairs[pairs["amount"] != 0].reset_index(drop=True)
    cash = _is_cash(facts)
    links["debit_cash"] = links["debit"].map(cash).astype(bool)
    links["credit_cash"] = links["credit"].map(cash).astype(bool)
    for side in ("debit", "credit"):
        links[f"{side}_date"] = pd.to_datetime(links[side].map(facts["date"]))
    if apply_payments == "when_posted":
        links["date"] = links["date"].mask(links["credit_cash"], links["credit_date"])
    # A link cannot count before the credit exists, nor before cash paid back was paid.
    known = links[["date", "credit_date"]].max(axis=1)
    links["when"] = known.where(
        ~links["debit_cash"], links[["date", "credit_date", "debit_date"]].max(axis=1)
    )
    return links


def _absorbed(facts: pd.DataFrame, links: pd.DataFrame) -> pd.Index:
    """Credits other than cash that their own day uses up: events only, never items."""
    mine = links[~links["credit_cash"]]
    prompt = (mine["when"] == mine["credit_date"]) & ~mine["debit_cash"]
    used = mine["amount"].where(prompt, 0).groupby(mine["credit"]).sum()
    late = (~prompt).groupby(mine["credit"]).any()
    whole = used.astype("int64") == -facts["amount"].reindex(used.index).astype("int64")
    return used.index[whole.to_numpy() & ~late.to_numpy()]


def _events(facts: pd.DataFrame, of: pd.Series, on: pd.Series | None) -> pd.DataFrame:
    """Empty event rows of the items `of`, aimed at the items `on` (none: at the account)."""
    source = facts.reindex(of.to_numpy()).reset_index(drop=True)
    rows = source[["customer_id", "currency", "event_id", "kind", "recorded_date", *KEYS]].copy()
    if on is None:
        return rows.assign(invoice_id=None, instalment=pd.array([pd.NA] * len(rows), dtype="Int64"))
    target = facts.reindex(on.to_numpy()).reset_index(drop=True)
    return rows.assign(
        invoice_id=target["invoice_id"],
        instalment=target["instalment"].astype("Int64"),
        customer_id=target["customer_id"],
    )


def _on_debits(facts: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    rows = _events(facts, links["credit"], links["debit"])
    return rows.assign(date=links["when"].to_numpy(), amount=links["amount"].astype("Int64").to_numpy())


def _on_credits(facts: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """What uses up an item with a negative amount: its use on an invoice, or cash paid back."""
    cause = links["debit"].where(links["debit_cash"], links["credit"])
    rows = _events(facts, cause, links["credit"])
    rows.loc[rows["kind"] == "invoice", "kind"] = "credit_note"
    return rows.assign(date=links["when"].to_numpy(), amount=-links["amount"].astype("Int64").to_numpy())


def _on_account(facts: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Cash that was not linked on its own day, and its leaving the account when it was."""
    cash = facts[_is_cash(facts)]
    moves = _leaving(links)
    prompt = moves["date"] == moves["own"]
    at_once = moves[prompt].groupby("key")["amount"].sum().reindex(cash.index).fillna(0).astype("int64")
    first = pd.DataFrame(
        {"key": cash.index, "date": cash["date"], "amount": at_once - cash["amount"].astype("int64")}
    )
    later = moves[~prompt].groupby(["key", "date"])[["amount"]].sum().reset_index()
    both = joined([first, later], ["key", "date", "amount"])
    both = both[both["amount"] != 0].reset_index(drop=True)
    rows = _events(facts, both["key"], None)
    return rows.assign(date=both["date"], amount=both["amount"].astype("Int64"))


def _leaving(links: pd.DataFrame) -> pd.DataFrame:
    """What each link takes out of cash on account; cash linked with cash takes nothing."""
    sides = []
    for side, other, sign in (("credit", "debit", -1), ("debit", "credit", 1)):
        one = links[links[f"{side}_cash"] & ~links[f"{other}_cash"]]
        sides.append(
            pd.DataFrame(
                {
                    "key": one[side],
                    "own": one[f"{side}_date"],
                    "date": one["when"],
                    "amount": sign * one["amount"].astype("int64"),
                }
            )
        )
    return joined(sides, ["key", "own", "date", "amount"])
