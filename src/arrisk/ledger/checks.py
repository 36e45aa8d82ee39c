"""Checks at the door: every row is kept, or is in quarantine with a reason; nothing else can happen to it.

Whether a row is kept depends only on rows that were known no later than itself, so that later rows cannot change
an earlier state of the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd

from arrisk.errors import LedgerError
from arrisk.ledger.quarantine import Quarantine
from arrisk.ledger.tables import EVENT_KINDS, SENTINEL_DATES, TABLES, required

__all__ = ["Checked", "Rules", "check_tables"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the door does with rows that have two honest readings.

    Parameters
    ----------
    prepayments : {"keep", "quarantine", "error"}
        Receipts dated before their invoice: kept as unapplied cash until the invoice is known (the default), set
        apart, or refused.
    unknown_customers : {"quarantine", "add"}
        Invoices of a customer who is not in the customers table, when there is one.
    negative_invoices : {"credit", "quarantine"}
        Negative invoices are credits with a column of their own, or set apart.
    """

    prepayments: Literal["keep", "quarantine", "error"] = "keep"
    unknown_customers: Literal["quarantine", "add"] = "quarantine"
    negative_invoices: Literal["credit", "quarantine"] = "credit"

    def __post_init__(self) -> None:
        allowed = {
            "prepayments": ("keep", "quarantine", "error"),
            "unknown_customers": ("quarantine", "add"),
            "negative_invoices": ("credit", "quarantine"),
        }
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise LedgerError(f"{name}={getattr(self, name)!r}; allowed: {', '.join(values)}")


@dataclass(slots=True)
class Checked:
    """The rows that passed, with what was noticed about them."""

    tables: dict[str, pd.DataFrame]
    currency: str
    quarantine: Quarantine
    notes: list[str] = field(default_factory=list)


def check_tables(
    tables: Mapping[str, pd.DataFrame], currency: str | None, rules: Rules, quarantine: Quarantine
) -> Checked:
    """Check typed tables and set rows apart that cannot be used.

    Parameters
    ----------
    tables : mapping of table name to typed frame
        Dates at midnight, money in minor units of the row's currency, texts or missing.
    currency : str, optional
        The reporting currency; by default the only one in the invoices.
    rules : Rules
    quarantine : Quarantine
        Receives the rejected rows.

    Raises
    ------
    LedgerError
        If there are no invoices, a required column is missing, several currencies are given without naming the
        reporting one, or every invoice was rejected.
    """
    unknown = set(tables) - set(TABLES)
    if unknown:
        raise LedgerError(f"unknown table {sorted(unknown)[0]!r}; allowed: {', '.join(TABLES)}")
    if "invoices" not in tables or tables["invoices"].empty:
        lost = quarantine.summary("invoices")
        raise LedgerError(
            f"every row of invoices was rejected: {lost}"
            if lost
            else "no invoices found; a ledger needs at least an invoices table with rows"
        )
    work = {name: _complete(name, frame) for name, frame in tables.items()}
    for name in TABLES:
        if name not in work:
            work[name] = _empty(name).copy()
    currency = _reporting_currency(work, currency)
    checked = Checked(work, currency, quarantine)
    for name in tables:
        _drop_marked(checked, name)
        _drop_incomplete(checked, name)
    _check_customers(checked)
    listed = "customers" in tables and rules.unknown_customers == "quarantine"
    _check_invoices(checked, rules, listed)
    _check_events(checked, rules, listed)
    _check_side_tables(checked, listed)
    return checked


def _complete(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """All canonical columns, in a fixed order and with fixed types; extra columns of customers stay."""
    missing = [c for c in required(name) if c not in frame.columns]
    if missing:
        raise LedgerError(
            f"{name}: missing {'columns' if len(missing) > 1 else 'column'} {', '.join(missing)}; "
            f"found {', '.join(str(c) for c in frame.columns if not str(c).startswith('_')) or 'none'}"
        )
    out = frame.reset_index(drop=True).copy()
    for column, spec in TABLES[name].items():
        if column not in out:
            out[column] = None
        if spec.kind == "date":
            out[column] = pd.to_datetime(out[column]).astype("datetime64[s]")
        elif spec.kind in ("money", "int"):
            out[column] = out[column].astype("Int64")
        elif spec.kind == "number":
            out[column] = pd.to_numeric(out[column]).astype(float)
        else:
            out[column] = out[column].astype(object).where(out[column].notna(), None)
    for column, default in (("_source", name), ("_reason", None), ("_detail", None)):
        if column not in out:
            out[column] = default
    if "_line" not in out:
        out["_line"] = np.arange(2, len(out) + 2)
    keep = [*TABLES[name], "_source", "_line", "_reason", "_detail"]
    extra = [c for c in out.columns if c not in keep and not str(c).startswith("_")] if name == "customers" else []
    out = out[[*keep, *extra]]
    return _without_sentinels(name, out)


@cache
def _empty(name: str) -> pd.DataFrame:
    return _complete(name, pd.DataFrame(columns=[*required(name), "_source", "_line"]))


def _without_sentinels(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Dates that stand for 'no date' are missing dates."""
    sentinels = pd.DatetimeIndex(np.array(SENTINEL_DATES, dtype="datetime64[s]"))
    for column, spec in TABLES[name].items():
        if spec.kind == "date":
            frame[column] = frame[column].mask(frame[column].isin(sentinels))
    return frame


def _reporting_currency(tables: Mapping[str, pd.DataFrame], currency: str | None) -> str:
    seen = sorted({str(c).upper() for c in tables["invoices"]["currency"].dropna()})
    if currency is None:
        if len(seen) > 1:
            raise LedgerError(
                f"invoices in {len(seen)} currencies ({', '.join(seen[:5])}): name the reporting one, for example "
                f"currency={seen[0]!r}, and give a rates table"
            )
        currency = seen[0] if seen else "XXX"
    currency = currency.upper()
    for name in ("invoices", "events", "orders", "limits"):
        column = tables[name]["currency"]
        tables[name]["currency"] = [c.upper() if isinstance(c, str) else currency for c in column]
    return currency


def _drop_marked(checked: Checked, name: str) -> None:
    frame = checked.tables[name]
    checked.quarantine.move(checked.tables, name, frame["_reason"].notna(), frame["_reason"], frame["_detail"])


def _drop_incomplete(checked: Checked, name: str) -> None:
    for column in required(name):
        frame = checked.tables[name]
        missing = frame[column].isna()
        if TABLES[name][column].kind == "text":
            missing |= frame[column].map(lambda v: isinstance(v, str) and not v.strip()).astype(bool)
        checked.quarantine.move(checked.tables, name, missing, f"missing_{column}", f"{column} is empty; it is required")


def _check_customers(checked: Checked) -> None:
    twice = checked.tables["customers"].duplicated("customer_id")
    checked.quarantine.move(
        checked.tables, "customers", twice, "duplicate_customer", "customer_id seen before; the first row is kept"
    )


def known_day(frame: pd.DataFrame, date: str) -> pd.Series:
    """The later of the date and the recorded date: the day from which a row counts."""
    return frame[[date, "recorded_date"]].max(axis=1)


def _check_invoices(checked: Checked, rules: Rules, listed: bool) -> None:
    move, tables = checked.quarantine.move, checked.tables
    frame = tables["invoices"]
    frame["instalment"] = frame["instalment"].fillna(1).astype("int64")
    order = known_day(frame, "issue_date").sort_values(kind="stable").index
    again = frame.loc[order].duplicated(["invoice_id", "instalment"]).reindex(frame.index)
    move(tables, "invoices", again, "duplicate_invoice", "invoice_id (and instalment) seen before; the first is kept")
    frame = tables["invoices"]
    if rules.negative_invoices == "quarantine":
        move(tables, "invoices", frame["amount"] < 0, "negative_amount", "negative; allowed with negative_invoices='credit'")
    if listed:
        frame = tables["invoices"]
        stranger = ~frame["customer_id"].isin(tables["customers"]["customer_id"])
        move(
            tables, "invoices", stranger, "unknown_customer",
            "customer_id is not in the customers table; allowed with unknown_customers='add'",
        )  # fmt: skip
    _check_rates(checked, "invoices", "issue_date")
    frame = tables["invoices"]
    if frame.empty:
        raise LedgerError(f"every row of invoices was rejected: {checked.quarantine.summary('invoices')}")
    _note(checked, frame["due_date"].isna(), "invoices have no due date: shown in a column of their own")
    _note(checked, frame["due_date"] < frame["issue_date"], "invoices fall due before their date: kept as given")
    _note(checked, frame["amount"] < 0, "invoices are negative: shown as credits in a column of their own")


def _check_rates(checked: Checked, name: str, date: str) -> None:
    """A row in a foreign currency needs a rate on or before its date."""
    frame, rates = checked.tables[name], checked.tables["rates"]
    foreign = frame["currency"] != checked.currency
    if not foreign.any():
        return
    first = rates.assign(currency=[str(c).upper() for c in rates["currency"]]).groupby("currency")["date"].min()
    since = pd.to_datetime(frame["currency"].map(first))
    checked.quarantine.move(
        checked.tables,
        name,
        foreign & ~(since <= frame[date]),
        "no_rate",
        [f"no rate of {c} on or before the date; give a rates table" for c in frame["currency"]],
    )


def _check_events(checked: Checked, rules: Rules, listed: bool) -> None:
    move, tables = checked.quarantine.move, checked.tables
    kinds = tables["events"]["kind"].map(lambda k: str(k).strip().lower().replace("-", "_").replace(" ", "_"))
    tables["events"]["kind"] = kinds
    move(
        tables, "events", ~kinds.isin(EVENT_KINDS), "unknown_kind",
        [f"kind {k!r}; allowed: {', '.join(EVENT_KINDS)}" for k in kinds],
    )  # fmt: skip
    frame = tables["events"]
    move(tables, "events", frame["amount"] == 0, "zero_amount", "amount is zero")
    frame = tables["events"]
    wrong = (frame["amount"] < 0) & (frame["kind"] == "recovery")
    move(tables, "events", wrong, "negative_amount", "a recovery is positive")
    _check_event_targets(checked, listed)
    _check_duplicate_events(checked)
    _check_prepayments(checked, rules)


def _check_event_targets(checked: Checked, listed: bool) -> None:
    """An event needs an invoice that is here, or, for cash and credit notes, a customer (of the list, if there is one)."""
    move, tables = checked.quarantine.move, checked.tables
    invoices = tables["invoices"]
    kept, apart = set(invoices["invoice_id"]), checked.quarantine.keys("invoices", "invoice_id")
    frame = tables["events"]
    waiting = frame["invoice_id"].isin(apart - kept)
    move(tables, "events", waiting, "invoice_in_quarantine", "its invoice is in quarantine")
    frame = tables["events"]
    homeless = frame["invoice_id"].isna() & frame["customer_id"].isna()
    move(tables, "events", homeless, "no_target", "neither an invoice nor a customer is named")
    frame = tables["events"]
    loose = ~frame["invoice_id"].isin(kept)
    on_account = frame["kind"].isin(["payment", "credit_note"]) | (frame["invoice_id"].isna() & (frame["kind"] == "recovery"))
    lost = loose & (~on_account | frame["customer_id"].isna())
    unnamed = frame["invoice_id"].isna()
    move(
        tables, "events", lost, np.where(unnamed, "needs_invoice", "unknown_invoice"),
        np.where(unnamed, "a discount or write-off must name its invoice", "invoice_id is not in the invoices table"),
    )  # fmt: skip
    if listed:
        frame = tables["events"]
        stranger = ~frame["invoice_id"].isin(kept) & ~frame["customer_id"].isin(tables["customers"]["customer_id"])
        move(tables, "events", stranger, "unknown_customer", "neither its invoice nor its customer is known")
    _check_event_terms(checked, kept)


def _check_event_terms(checked: Checked, kept: set[str]) -> None:
    """Currency and instalment of events against their invoices; rates for cash on account."""
    invoices, frame = checked.tables["invoices"], checked.tables["events"]
    first = invoices.loc[known_day(invoices, "issue_date").sort_values(kind="stable").index]
    own = frame["invoice_id"].map(first.drop_duplicates("invoice_id").set_index("invoice_id")["currency"])
    checked.quarantine.move(
        checked.tables, "events", own.notna() & (own != frame["currency"]), "currency_mismatch",
        [f"in {c}, its invoice in {o}" for c, o in zip(frame["currency"], own, strict=True)],
    )  # fmt: skip
    frame = checked.tables["events"]
    loose = ~frame["invoice_id"].isin(kept)
    _note(checked, loose & frame["invoice_id"].isna(), "events name no invoice: kept as unapplied cash of the customer")
    _note(
        checked, loose & frame["invoice_id"].notna(),
        "receipts or credit notes name an invoice that is not here: kept as unapplied cash of the customer",
    )  # fmt: skip
    parts = pd.MultiIndex.from_frame(invoices[["invoice_id", "instalment"]])
    asked = pd.MultiIndex.from_arrays([frame["invoice_id"], frame["instalment"].fillna(-1).astype("int64")])
    stray = frame["instalment"].notna() & ~loose & ~asked.isin(parts)
    _note(checked, stray, "events name an instalment that is not here: taken by the oldest part")
    _check_rates_on_account(checked, kept)


def _check_rates_on_account(checked: Checked, kept: set[str]) -> None:
    frame = checked.tables["events"]
    loose = ~frame["invoice_id"].isin(kept) & (frame["currency"] != checked.currency)
    if loose.any():
        bound = frame[~loose]
        checked.tables["events"] = frame[loose]
        _check_rates(checked, "events", "date")
        checked.tables["events"] = pd.concat([bound, checked.tables["events"]]).sort_index()


def _check_duplicate_events(checked: Checked) -> None:
    frame = checked.tables["events"]
    order = known_day(frame, "date").sort_values(kind="stable").index
    keys = ["event_id", "invoice_id", "instalment", "customer_id", "kind"]
    again = frame.loc[order].duplicated(keys).reindex(frame.index) & frame["event_id"].notna()
    checked.quarantine.move(
        checked.tables, "events", again, "duplicate_event",
        "event_id seen before for this invoice and kind; the first is kept",
    )  # fmt: skip
    frame = checked.tables["events"]
    twins = frame[frame["event_id"].isna()].duplicated(["invoice_id", "customer_id", "date", "kind", "amount"])
    _note(checked, twins, "events without a number look the same as another on the same day: kept")


def _check_prepayments(checked: Checked, rules: Rules) -> None:
    frame = checked.tables["events"]
    issued = frame["invoice_id"].map(checked.tables["invoices"].groupby("invoice_id")["issue_date"].min())
    early = (frame["date"] < pd.to_datetime(issued)).fillna(False)
    if not early.any():
        return
    shown = ", ".join(str(i) for i in frame.loc[early, "invoice_id"].head(3))
    said = f"{int(early.sum())} of {len(frame)} events precede their invoice ({shown}{', ...' if early.sum() > 3 else ''})"
    if rules.prepayments == "error":
        raise LedgerError(f"{said}; allowed with prepayments='keep'")
    if rules.prepayments == "quarantine":
        checked.quarantine.move(
            checked.tables, "events", early, "before_invoice", "dated before its invoice; allowed with prepayments='keep'"
        )
        return
    checked.notes.append(f"{said}: kept as unapplied cash until the invoice is known (prepayments='keep')")


def _check_side_tables(checked: Checked, listed: bool) -> None:
    move, tables = checked.quarantine.move, checked.tables
    known = set(tables["customers"]["customer_id"])
    for name in ("orders", "limits", "signals"):
        frame = tables[name]
        stranger = frame["customer_id"].notna() & ~frame["customer_id"].isin(known) & listed
        move(tables, name, stranger, "unknown_customer", "customer_id is not in the customers table")
    for name in ("orders", "limits"):
        _check_rates(checked, name, "order_date" if name == "orders" else "valid_from")
    frame = tables["limits"]
    move(tables, "limits", frame["credit_limit"] < 0, "negative_limit", "a limit is zero or more")
    frame = tables["orders"]
    move(tables, "orders", frame.duplicated("order_id"), "duplicate_order", "order_id seen before; the first is kept")
    frame = tables["rates"]
    move(tables, "rates", ~(frame["rate"] > 0), "not_positive", "a rate is above zero")


def _note(checked: Checked, which: pd.Series, text: str) -> None:
    count = int(which.fillna(False).sum())
    if count:
        checked.notes.append(f"{count} {text}")
