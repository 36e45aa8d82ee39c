"""Shape `sap_items`: customer line items of SAP (BSID and BSAD, or an FBL5N export).

Net due date: baseline date (ZFBDT) plus the longest term given (ZBD3T, else ZBD2T, else ZBD1T), the rule of
SAP's function module DETERMINE_DUE_DATE; a credit without an invoice reference is due at its baseline date.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from arrisk.ledger.columns.column_map import ColumnMap
from arrisk.ledger.shapes.clearing import allocate_oldest_first, joined, settle
from arrisk.ledger.shapes.parties import customers_of
from arrisk.ledger.shapes.rows import read_roles
from arrisk.ledger.shapes.shaping import KEYS, Account, plural

__all__ = ["net_due_date", "shape_sap"]

_SIGNS = {"S": 1, "D": 1, "DEBIT": 1, "SOLL": 1, "H": -1, "C": -1, "CREDIT": -1, "HABEN": -1}
_LONGEST_TERM = 3660
_PAIR = ["debit", "credit", "amount", "date"]


def shape_sap(
    column_map: ColumnMap, raw: Mapping[str, pd.DataFrame], options: Mapping[str, Any], account: Account
) -> dict[str, pd.DataFrame]:
    """Invoices of debit lines, events of what cleared them.

    A payment or credit with an invoice reference (REBZG) counts on that invoice from its posting date. Other
    lines are matched within their clearing group (customer, AUGBL, AUGDT), oldest first, on the clearing
    date. A residual (a debit of a payment document with an invoice reference) takes that much of the payment
    back, so that the invoice stays open under its own number and due date.

    Returns
    -------
    dict of str to DataFrame
        invoices, events and, with names in the rows, customers.
    """
    rows = read_roles(column_map, raw, options, account)["items"]
    usable = _with_terms(_without_noted(rows.frame, column_map, account), account)
    lines = _lines(_signed(usable, account), column_map)
    lines = _without_zero_cash(lines, account)
    target = _references(lines, account)
    direct = _direct_pairs(lines, target)
    cleared = _group_pairs(lines, direct, account)
    lines, gone = _set_one_sided_apart(lines, direct, account)
    lines, residuals = _residuals(lines, target[~target.index.isin(gone) & ~target.isin(gone)])
    pairs = joined([direct, cleared, _taken_back(lines, residuals)], _PAIR)
    # What settles a residual settles the invoice it was left of.
    pairs["debit"] = _ends(pairs["debit"], residuals)
    invoices, events = settle(lines.reset_index(), pairs, apply_payments=options.get("apply_payments"))
    return {"invoices": invoices, "events": events, **customers_of(lines, rows.given, account)}


def net_due_date(items: pd.DataFrame) -> pd.Series:
    """Net due date of customer items.

    Parameters
    ----------
    items : DataFrame
        baseline_date, document_date, posting_date, due_date (used as it is where given), days_1, days_2,
        days_3, amount (signed), invoice_reference.

    Returns
    -------
    Series of datetime

    Examples
    --------
    >>> day = pd.Timestamp("2024-01-31")
    >>> item = {"baseline_date": day, "document_date": day, "posting_date": day, "due_date": pd.NaT,
    ...     "days_1": 14.0, "days_2": 30.0, "days_3": 0.0, "amount": 100, "invoice_reference": None}
    >>> str(net_due_date(pd.DataFrame([item]))[0].date())
    '2024-03-01'
    """
    terms = items[["days_3", "days_2", "days_1"]].fillna(0)
    days = terms["days_3"].where(
        terms["days_3"] > 0, terms["days_2"].where(terms["days_2"] > 0, terms["days_1"])
    )
    loose_credit = (items["amount"] < 0) & items["invoice_reference"].isna()
    days = days.mask(loose_credit, 0)
    start = items["baseline_date"].fillna(items["document_date"]).fillna(items["posting_date"])
    return items["due_date"].fillna(start + pd.to_timedelta(days, unit="D"))


def _without_noted(frame: pd.DataFrame, column_map: ColumnMap, account: Account) -> pd.DataFrame:
    noted = frame["special_gl"].isin(column_map.codes["noted_items"])
    account.set_apart(
        frame[noted], "invoices", "noted_item", "a noted item (UMSKZ) is no part of the balance"
    )
    return frame[~noted]


def _with_terms(frame: pd.DataFrame, account: Account) -> pd.DataFrame:
    terms = frame[["days_1", "days_2", "days_3"]]
    # ZBD1T to ZBD3T have three digits in SAP; an export may hold anything.
    wrong = ((terms < 0) | (terms > _LONGEST_TERM)).any(axis=1)
    told = f"days of the terms are not between 0 and {_LONGEST_TERM}"
    account.set_apart(frame[wrong], "invoices", "not_a_term", told)
    return frame[~wrong]


def _signed(frame: pd.DataFrame, account: Account) -> pd.DataFrame:
    sign = (
        frame["sign"].map(lambda s: _SIGNS.get(s.upper(), 0) if isinstance(s, str) else np.nan).astype(float)
    )
    wrong = sign == 0
    told = "SHKZG is " + frame.loc[wrong, "sign"].astype(str) + "; expected S or H"
    account.set_apart(frame[wrong], "invoices", "unknown_sign", told)
    keep = frame[~wrong].reset_index(drop=True)
    sign = sign[~wrong].reset_index(drop=True)
    amount = keep["amount"].where(sign.isna(), keep["amount"].abs() * sign.fillna(1).astype("int64"))
    return keep.assign(amount=amount.astype("int64"), discount_taken=keep["discount_taken"].fillna(0).abs())


def _lines(frame: pd.DataFrame, column_map: ColumnMap) -> pd.DataFrame:
    """The facts that settling needs, one row a line, and one more for the discount within a payment."""
    codes = column_map.codes
    kind = np.select(
        [
            frame["document_type"].isin(codes["payment_types"]),
            frame["amount"] >= 0,
            frame["document_type"].isin(codes["write_off_types"]),
        ],
        ["payment", "invoice", "write_off"],
        "credit_note",
    )
    issue = frame["document_date"].fillna(frame["posting_date"])
    number = _number(frame, ["company_code", "document", "fiscal_year"])
    rate = frame["percent_1"].where(frame["percent_1"] > 0)
    out = frame.assign(
        kind=kind,
        date=frame["posting_date"],
        issue_date=issue,
        due_date=net_due_date(frame),
        invoice_id=number,
        event_id=number.where(frame["item"].isna(), number + "-" + frame["item"].astype(str)),
        instalment=pd.to_numeric(frame["item"], errors="coerce").astype("Int64"),
        discount_rate=rate / 100,
        discount_days=frame["days_1"].where(rate.notna()).round().astype("Int64"),
        recorded_date=frame[["posting_date", "recorded_date"]].max(axis=1),
    )
    out = _split_discounts(out)
    out.index = pd.RangeIndex(len(out), name="key")
    return out


def _number(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    out = pd.Series("", index=frame.index, dtype=object)
    for column in columns:
        part = frame[column].fillna("").astype(str)
        out = out + part.where(out == "", "-" + part).where(part != "", "")
    return out


def _split_discounts(lines: pd.DataFrame) -> pd.DataFrame:
    within = (lines["kind"] == "payment") & (lines["amount"] < 0) & (lines["discount_taken"] > 0)
    within &= lines["discount_taken"] < -lines["amount"]
    taken = lines["discount_taken"].where(within, 0).astype("int64")
    discounts = lines[within].assign(kind="discount", amount=-taken[within])
    return pd.concat([lines.assign(amount=lines["amount"] + taken), discounts], ignore_index=True)


def _without_zero_cash(lines: pd.DataFrame, account: Account) -> pd.DataFrame:
    nothing = (lines["kind"] == "payment") & (lines["amount"] == 0)
    account.set_apart(lines[nothing], "events", "zero_amount", "a payment of zero")
    return lines[~nothing]


def _references(lines: pd.DataFrame, account: Account) -> pd.Series:
    """Key of the debit that each payment or credit names, by key of the line; residuals too."""
    reference = lines["invoice_reference"].mask(lines["invoice_reference"].isin(["V", "0"]))
    asks = lines[reference.notna() & ((lines["amount"] < 0) | (lines["kind"] == "payment"))]
    debits = lines[lines["amount"] > 0]
    found = pd.Series(index=asks.index, dtype="Int64")
    names = {"company_code": "company_code", "document": "invoice_reference"}
    levels = [
        {**names, "fiscal_year": "reference_year", "item": "reference_item"},
        {**names, "fiscal_year": "reference_year"},
        names,
    ]
    for level in levels:
        once = debits.drop_duplicates(list(level), keep=False)
        known = pd.Series(once.index, index=pd.MultiIndex.from_frame(once[list(level)].astype(str)))
        asked = pd.MultiIndex.from_frame(asks[list(level.values())].astype(str))
        match = pd.Series(known.reindex(asked).to_numpy(), index=asks.index).astype("Int64")
        found = found.fillna(match)
    found = found.mask(found == found.index.to_series())
    lost = int(found.isna().sum())
    if lost:
        account.note(f"{plural(lost, 'line')} with an invoice reference (REBZG) that is not in the source")
    return found.dropna().astype("int64")


def _direct_pairs(lines: pd.DataFrame, target: pd.Series) -> pd.DataFrame:
    """Payments and credits on the invoice they name, up to its amount, on their posting date."""
    credit = lines.loc[target.index]
    credit = credit[credit["amount"] < 0].sort_values("date", kind="stable")
    named = target[credit.index]
    owed = lines.loc[named.unique()]
    same = (credit["currency"].astype(str) == lines.loc[named, "currency"].astype(str).to_numpy()).to_numpy()
    pairs = allocate_oldest_first(
        pd.DataFrame({"key": owed.index, "group": owed.index, "amount": owed["amount"]}),
        pd.DataFrame({"key": credit.index, "group": named, "amount": -credit["amount"]})[same],
    )
    return pairs.assign(date=pd.to_datetime(pairs["credit"].map(lines["date"])))


def _group_pairs(lines: pd.DataFrame, direct: pd.DataFrame, account: Account) -> pd.DataFrame:
    """What is left of each clearing group, matched oldest first on the clearing date."""
    used = pd.concat([direct.groupby(side)["amount"].sum() for side in ("debit", "credit")])
    cleared = lines[lines["clearing_date"].notna()].sort_values(["date", "due_date"], kind="stable")
    group = _group(cleared)
    left = cleared["amount"].abs() - used.groupby(level=0).sum().reindex(cleared.index).fillna(0).astype(
        "int64"
    )
    sides = pd.DataFrame({"key": cleared.index, "group": group, "amount": left})
    debit = (cleared["amount"] > 0).to_numpy()
    pairs = allocate_oldest_first(sides[debit], sides[~debit])
    pairs["date"] = pd.to_datetime(pairs["debit"].map(lines["clearing_date"]))
    net = sides["amount"].where(debit, -sides["amount"]).groupby(group.to_numpy()).sum()
    share = pd.Series(debit).groupby(group.to_numpy()).mean()
    two_sided = (share > 0) & (share < 1)
    off = net[two_sided & (net != 0)]
    if len(off):
        account.note(
            f"{plural(len(off), 'clearing group')} do not balance: the difference stays open or on account"
        )
    return pairs


def _group(cleared: pd.DataFrame) -> pd.Series:
    keys = ["company_code", "customer_id", "currency", "clearing_document", "clearing_date"]
    return cleared.groupby(keys, dropna=False, sort=False).ngroup()


def _set_one_sided_apart(
    lines: pd.DataFrame, direct: pd.DataFrame, account: Account
) -> tuple[pd.DataFrame, pd.Index]:
    """Lines that were cleared with nothing on the other side."""
    cleared = lines[lines["clearing_date"].notna()]
    debit = cleared["amount"] > 0
    sides = debit.groupby(_group(cleared)).transform("nunique")
    alone = (sides == 1) & ~cleared.index.isin(direct["debit"]) & ~cleared.index.isin(direct["credit"])
    owed, other = cleared[alone & debit], cleared[alone & ~debit]
    told = (
        "cleared by "
        + owed["clearing_document"].fillna("no document").astype(str)
        + " without payment or credit"
    )
    account.set_apart(owed, "invoices", "cleared_never_collected", told)
    other = other.assign(amount=other.groupby(KEYS)["amount"].transform("sum"))
    told = (
        "cleared by " + other["clearing_document"].fillna("no document").astype(str) + " without an invoice"
    )
    account.set_apart(other, "events", "cleared_without_counterpart", told)
    gone = owed.index.union(other.index)
    return lines.drop(index=gone), gone


def _residuals(lines: pd.DataFrame, target: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """Debits of payment documents that are the rest of an invoice, with the invoice they are the rest of."""
    rest = (lines["kind"] == "payment") & (lines["amount"] > 0) & lines["invoice_reference"].notna()
    found = rest & lines.index.isin(target.index)
    # The rest of an invoice that is not in the source is an item of its own.
    lines = lines.assign(kind=lines["kind"].mask(rest & ~found, "invoice"))
    return lines, target[lines.index[found]]


def _taken_back(lines: pd.DataFrame, residuals: pd.Series) -> pd.DataFrame:
    back = lines.loc[residuals.index]
    return pd.DataFrame(
        {"debit": residuals, "credit": back.index, "amount": -back["amount"], "date": back["date"]}
    )


def _ends(keys: pd.Series, residuals: pd.Series) -> np.ndarray:
    """Follow residuals of residuals to the invoice; the bound stops lines that name each other."""
    out = keys.to_numpy()
    for _ in range(50):
        again = np.isin(out, residuals.index)
        if not again.any():
            break
        out = np.where(again, residuals.reindex(out).fillna(-1).astype("int64").to_numpy(), out)
    return out
