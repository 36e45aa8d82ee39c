"""Checks of events: whether each can be used, and settles an invoice or stays on account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import LedgerError
from arrisk.ledger.checked import Checked, Rules, no_rate_details
from arrisk.ledger.normal_form import codes_of
from arrisk.ledger.tables import EVENT_KINDS

__all__ = ["check_events"]

FAR = np.iinfo(np.int64).max
CASH = ("payment", "credit_note")

_DETAILS = {
    "no_target": "neither an invoice nor a customer is named",
    "needs_invoice": "a discount or write-off must name its invoice",
    "unknown_invoice": "invoice_id is not in the invoices table",
    "invoice_in_quarantine": "its invoice is in quarantine",
    "unknown_customer": "neither its invoice nor its customer is known",
}


@dataclass(frozen=True, slots=True)
class _Invoices:
    """What events need to know of invoices, by invoice number; the last entry stands for 'no invoice'."""

    kept_since: NDArray[np.int64]
    apart_since: NDArray[np.int64]
    issued: NDArray[np.datetime64]
    currency: NDArray[np.object_]


def check_events(checked: Checked, rules: Rules, listed: bool, seen: pd.DataFrame) -> None:
    """Set events apart that cannot be used; say of the others which invoice they settle.

    Parameters
    ----------
    checked : Checked
        With invoices already checked.
    rules : Rules
    listed : bool
        Whether customers must be in the customers table.
    seen : DataFrame
        `_invoice` and `_known` of all rows of invoices that could be read, kept or not.
    """
    if checked.tables["events"].empty:
        checked.tables["events"] = checked.tables["events"].assign(_waits=False, amount=0)
        return
    _check_kinds_and_amounts(checked)
    invoices = _invoices(checked, seen)
    _check_targets(checked, invoices, listed)
    _check_twins(checked)
    _check_prepayments(checked, invoices, rules)
    _note_instalments(checked)


def _check_kinds_and_amounts(checked: Checked) -> None:
    frame = checked.tables["events"]
    codes, texts = codes_of(frame["kind"])
    tidy = [str(t).strip().lower().replace("-", "_").replace(" ", "_") for t in texts]
    checked.tables["events"] = frame.assign(kind=np.array([*tidy, ""], dtype=object)[codes])
    bad = np.array([t not in EVENT_KINDS for t in tidy] + [True], dtype=bool)[codes]
    allowed = ", ".join(EVENT_KINDS)
    checked.set_apart(
        "events", bad, "unknown_kind", lambda f: [f"kind {k!r}; allowed: {allowed}" for k in f["kind"]]
    )
    checked.set_apart("events", checked.tables["events"]["amount"] == 0, "zero_amount", "amount is zero")
    frame = checked.tables["events"]
    wrong = (frame["amount"] < 0) & (frame["kind"] == "recovery")
    checked.set_apart("events", wrong, "negative_amount", "a recovery is positive")
    frame = checked.tables["events"]
    checked.tables["events"] = frame.assign(amount=frame["amount"].astype("int64"))


def _invoices(checked: Checked, seen: pd.DataFrame) -> _Invoices:
    kept, events = checked.tables["invoices"], checked.tables["events"]
    count = 1 + max(int(seen["_invoice"].max()), int(events["_invoice"].max()) if len(events) else -1)
    everyone = _first(seen["_invoice"].to_numpy(), seen["_known"].to_numpy(), count)
    code, known = kept["_invoice"].to_numpy(), kept["_known"].to_numpy()
    since = _first(code, known, count)
    issued = np.full(count + 1, "NaT", dtype="datetime64[s]")
    first = kept.groupby("_invoice")["issue_date"].min()
    issued[first.index.to_numpy()] = first.to_numpy(dtype="datetime64[s]")
    currency = np.full(count + 1, None, dtype=object)
    latest_first = np.argsort(known, kind="stable")[::-1]  # so that the first known row has the last word
    currency[code[latest_first]] = kept["currency"].to_numpy(dtype=object)[latest_first]
    return _Invoices(since, np.where(since < FAR, FAR, everyone), issued, currency)


def _first(code: NDArray[np.int64], known: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    out = np.full(count + 1, FAR)
    np.minimum.at(out, code, known)
    out[-1] = FAR
    return out


def _check_targets(checked: Checked, invoices: _Invoices, listed: bool) -> None:
    """An event settles an invoice that is here; other cash and credit notes stay on account of a customer.

    An invoice that became known after the event cannot push it out: the event then stays on account.
    """
    frame = checked.tables["events"]
    code, known, has_owner = (
        frame["_invoice"].to_numpy(),
        frame["_known"].to_numpy(),
        (frame["_customer"] >= 0).to_numpy(),
    )
    cash, named = frame["kind"].isin(CASH).to_numpy(), code >= 0
    kept, apart = invoices.kept_since[code] < FAR, invoices.apart_since[code] < FAR
    clash = kept & (invoices.currency[code] != frame["currency"].to_numpy(dtype=object))
    early = known < np.where(kept, invoices.kept_since[code], invoices.apart_since[code])
    alone = cash & has_owner  # can stand on account
    bound = kept & ~clash
    stranger = checked.strangers("events") & listed
    no_rate = checked.without_rate("events", "date")
    tests = {
        "invoice_in_quarantine": apart & ~(early & alone),
        "currency_mismatch": clash & ~(early & alone),
        "no_target": ~named & ~has_owner,
        "needs_invoice": ~named & frame["kind"].isin(["discount", "write_off"]).to_numpy(),
        "unknown_invoice": named & ~kept & ~apart & ~alone,
        "unknown_customer": ~bound & stranger,
        "no_rate": ~bound & no_rate,
    }
    reason = np.select(list(tests.values()), list(tests), default="").astype(object)
    waits = bound & (~alone | stranger | no_rate)
    checked.tables["events"] = frame.assign(_named=code, _invoice=np.where(bound, code, -1), _waits=waits)
    own = invoices.currency[code]
    given = frame["currency"].to_numpy(dtype=object)
    rows = np.flatnonzero(reason != "").tolist()
    details = [_detail(str(reason[i]), str(given[i]), str(own[i])) for i in rows]
    checked.set_apart("events", reason != "", reason, lambda _: details)
    _note_on_account(checked)


def _detail(reason: str, currency: str, own: str) -> str:
    if reason == "currency_mismatch":
        return f"in {currency}, its invoice in {own}"
    if reason == "no_rate":
        return no_rate_details(pd.DataFrame({"currency": [currency]}))[0]
    return _DETAILS[reason]


def _note_on_account(checked: Checked) -> None:
    frame = checked.tables["events"]
    loose, named = (frame["_invoice"] < 0).to_numpy(), frame["invoice_id"].notna().to_numpy()
    checked.note(loose & ~named, "events name no invoice: kept as unapplied cash of the customer")
    checked.note(
        loose & named,
        "receipts or credit notes name an invoice that is not here: kept as unapplied cash of the customer",
    )


def _check_twins(checked: Checked) -> None:
    """The same numbered document twice is once too often; without a number nobody can say."""
    frame = checked.tables["events"]
    number, names = codes_of(frame["event_id"])
    often = np.append(np.bincount(number[number >= 0], minlength=len(names)) > 1, True)
    some = np.flatnonzero(often[number])
    some = some[np.argsort(frame["_known"].to_numpy()[some], kind="stable")]
    mine = frame.iloc[some]
    keys = mine[["_named", "_customer", "kind", "instalment"]].assign(number=number[some])
    again, once_more = np.zeros(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool)
    once_more[some] = keys.duplicated().to_numpy()
    again[some] = keys.assign(date=mine["date"], amount=mine["amount"]).duplicated().to_numpy()
    text = "events without a number look the same as another on the same day: kept"
    checked.note(again & (number < 0), text)
    text = "events have the number of another for the same invoice, with another date or amount: kept"
    checked.note(once_more & ~again & (number >= 0), text)
    detail = "event_id seen before for this invoice and kind, date and amount; the first known is kept"
    checked.set_apart("events", again & (number >= 0), "duplicate_event", detail)


def _check_prepayments(checked: Checked, invoices: _Invoices, rules: Rules) -> None:
    frame = checked.tables["events"]
    early = frame["date"].to_numpy(dtype="datetime64[s]") < invoices.issued[frame["_invoice"].to_numpy()]
    count = int(early.sum())
    if not count:
        return
    shown = ", ".join(str(i) for i in frame.loc[early, "invoice_id"].head(3)) + (", ..." if count > 3 else "")
    said = f"{count} of {len(frame)} events precede their invoice ({shown})"
    if rules.prepayments == "error":
        raise LedgerError(f"{said}; allowed with prepayments='keep'")
    if rules.prepayments == "quarantine":
        detail = "dated before its invoice; allowed with prepayments='keep'"
        checked.set_apart("events", early, "before_invoice", detail)
        return
    checked.notes.append(f"{said}: kept as unapplied cash until the invoice is known (prepayments='keep')")


def _note_instalments(checked: Checked) -> None:
    frame, invoices = checked.tables["events"], checked.tables["invoices"]
    asked = frame[(frame["_invoice"] >= 0) & frame["instalment"].notna()]
    if asked.empty:
        return
    keys = ["_invoice", "instalment"]
    parts = pd.MultiIndex.from_frame(invoices[keys])
    stray = ~pd.MultiIndex.from_frame(asked[keys].astype("int64")).isin(parts)
    checked.note(stray, "events name an instalment that is not here: taken by the oldest part")
