"""From checked tables to a `Ledger`: identifiers, day numbers, currencies, and the count that nothing was lost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from arrisk.errors import LedgerError
from arrisk.ledger.book import ITEM_TEXTS, Ledger
from arrisk.ledger.checks import Checked, Rules, check_tables, known_day
from arrisk.ledger.days import day_numbers
from arrisk.ledger.engine import Engine, open_engine
from arrisk.ledger.postings import post, to_reporting
from arrisk.ledger.quarantine import LedgerChecks, Quarantine, reasons_table
from arrisk.ledger.tables import TABLES, currency_digits

__all__ = ["build_ledger"]


def build_ledger(
    tables: Mapping[str, pd.DataFrame],
    currency: str | None = None,
    rules: Rules | None = None,
    *,
    engine: str | Engine = "duckdb",
    quarantine: pd.DataFrame | None = None,
    notes: tuple[str, ...] = (),
) -> Ledger:
    """Make a ledger of typed canonical tables (dates as datetimes, money in minor units).

    Parameters
    ----------
    tables : mapping of table name to DataFrame
        See `arrisk.ledger.tables`.
    currency : str, optional
        Reporting currency.
    rules : Rules, optional
    engine : str or Engine
    quarantine : DataFrame, optional
        Rows already set apart while the source was read.
    notes : tuple of str
        What was noticed while the source was read.

    Raises
    ------
    LedgerError
        See `read_ledger`.
    """
    apart = Quarantine(quarantine)
    checked = check_tables(tables, currency, rules or Rules(), apart)
    customers = _customers(checked)
    ids = customers.set_index("customer_id")["customer"]
    items = _items(checked, ids)
    events = _events(checked, items, ids)
    posted = post(items, events)
    reject = posted.rejected.drop_duplicates("event").set_index("event")
    frame = checked.tables["events"]
    labels = events["event"].to_numpy()
    bad = pd.Series(np.isin(labels, reject.index), index=frame.index)
    why = reject.reindex(labels)
    apart.move(checked.tables, "events", bad, why["reason"].to_numpy(), why["detail"].to_numpy())
    events = events[~bad.to_numpy()]
    quarantined = apart.frame()
    checks = _count(tables, checked, quarantine, quarantined, (*notes, *checked.notes))
    orders, limits = _in_units(checked, "orders"), _in_units(checked, "limits")
    signals = checked.tables["signals"][list(TABLES["signals"])].sort_values("date", kind="stable", ignore_index=True)
    return Ledger(
        checked.currency, items.sort_values(["invoice_id", "instalment"], ignore_index=True), events, customers, orders, limits, signals, posted.movements, posted.recoveries,
        quarantined, checks, open_engine(engine),
    )  # fmt: skip


def _customers(checked: Checked) -> pd.DataFrame:
    """All customers by id, with attributes and the first day anything was known of them."""
    given = checked.tables["customers"].drop(columns=["_source", "_line", "_reason", "_detail"])
    first = pd.concat(
        [
            _first_known(checked.tables["invoices"], "issue_date"),
            _first_known(checked.tables["events"], "date"),
            checked.tables["orders"].set_index("customer_id")["order_date"],
        ]
    )
    first = first[first.index.notna()].groupby(level=0).min()
    everyone = pd.Index(sorted(set(given["customer_id"]) | set(first.index)), name="customer_id")
    out = given.set_index("customer_id").reindex(everyone).reset_index()
    out["since_day"] = day_numbers(out["since_date"])
    out["first_day"] = day_numbers(out["customer_id"].map(first))
    out["segment"] = out["segment"].fillna("all") if out["segment"].notna().any() else "all"
    out.insert(0, "customer", np.arange(len(out), dtype=np.int64))
    return out


def _first_known(frame: pd.DataFrame, date: str) -> pd.Series:
    return known_day(frame, date).set_axis(frame["customer_id"])


def _items(checked: Checked, ids: pd.Series) -> pd.DataFrame:
    """Items in the order in which they became known, so that the first row of an invoice is the first known."""
    frame = checked.tables["invoices"]
    frame = frame.loc[known_day(frame, "issue_date").sort_values(kind="stable").index].reset_index(drop=True)
    out = frame[["invoice_id", "instalment", "customer_id", "currency", *ITEM_TEXTS]].copy()
    out.insert(0, "item", np.arange(len(out), dtype=np.int64))
    out["invoice"] = pd.factorize(out["invoice_id"])[0].astype(np.int64)
    out["customer"] = out["customer_id"].map(ids).astype("int64")
    out["amount"] = frame["amount"].astype("int64")
    for name, column in (("issue_day", "issue_date"), ("day", "known"), ("due_day", "due_date")):
        days = day_numbers(known_day(frame, "issue_date") if column == "known" else frame[column])
        out[name] = days if name == "due_day" else days.astype("int64")
    for column in ("dispute_opened", "dispute_closed"):
        out[column] = day_numbers(frame[column])
    out["factor"] = _factors(frame["currency"], frame["issue_date"], checked)
    out["reported"] = to_reporting(out["amount"].to_numpy(dtype=np.int64), out["factor"].to_numpy(dtype=float))
    return out


def _events(checked: Checked, items: pd.DataFrame, ids: pd.Series) -> pd.DataFrame:
    frame = checked.tables["events"].reset_index(drop=True)
    out = frame[["event_id", "invoice_id", "instalment", "kind", "currency"]].copy()
    out.insert(0, "event", np.arange(len(out), dtype=np.int64))
    by_invoice = items.drop_duplicates("invoice_id").set_index("invoice_id")
    single = items[~items["invoice"].duplicated(keep=False)].set_index("invoice_id")["item"]
    out["invoice"] = out["invoice_id"].map(by_invoice["invoice"]).astype("Int64")
    out["item"] = out["invoice_id"].map(single).astype("Int64")
    owner = out["invoice_id"].map(by_invoice["customer_id"])
    out["customer_id"] = frame["customer_id"].where(frame["customer_id"].notna(), owner)
    out["customer"] = out["customer_id"].map(ids).astype("int64")
    out["amount"] = frame["amount"].astype("int64")
    out["event_day"] = day_numbers(frame["date"]).astype("int64")
    out["day"] = day_numbers(known_day(frame, "date")).astype("int64")
    # Cash of a known customer is visible before its invoice is; anything else waits for the invoice.
    waits = ~out["kind"].isin(["payment", "credit_note"]) | frame["customer_id"].isna()
    since = out["invoice_id"].map(by_invoice["day"]).fillna(0).astype("int64")
    out["day"] = np.where(waits, np.maximum(out["day"], since), out["day"])
    factor = out["invoice_id"].map(by_invoice["factor"])
    out["factor"] = factor.where(factor.notna(), _factors(frame["currency"], frame["date"], checked)).astype(float)
    out["reported"] = to_reporting(out["amount"].to_numpy(dtype=np.int64), out["factor"].to_numpy(dtype=float))
    return out


def _factors(currency: pd.Series, date: pd.Series, checked: Checked) -> pd.Series:
    """Reporting minor units for one minor unit of the row's currency, at the last rate on or before the date."""
    out = pd.Series(1.0, index=currency.index)
    foreign = currency != checked.currency
    if not foreign.any():
        return out
    rates = checked.tables["rates"].sort_values("date")
    asked = pd.DataFrame({"currency": currency[foreign], "date": date[foreign]}).rename_axis("row").reset_index()
    found = pd.merge_asof(asked.sort_values("date"), rates[["date", "currency", "rate"]], on="date", by="currency")
    digits = found["currency"].map(currency_digits)
    shift = 10.0 ** (currency_digits(checked.currency) - digits)
    out.loc[found["row"]] = (found["rate"] * shift).to_numpy()
    return out


def _in_units(checked: Checked, name: str) -> pd.DataFrame:
    """A side table with its amounts in units of the reporting currency."""
    frame = checked.tables[name].reset_index(drop=True)
    date = {"orders": "order_date", "limits": "valid_from"}[name]
    factor = _factors(frame["currency"], frame[date], checked).to_numpy(dtype=float)
    out = frame[list(TABLES[name])].copy()
    scale = 10 ** currency_digits(checked.currency)
    for column in [c for c, spec in TABLES[name].items() if spec.kind == "money"]:
        minor = to_reporting(frame[column].fillna(0).to_numpy(dtype=np.int64), factor)
        out[column] = pd.Series(minor / scale).mask(frame[column].isna())
    return out.sort_values([date, "customer_id"], kind="stable", ignore_index=True)


def _count(
    tables: Mapping[str, pd.DataFrame],
    checked: Checked,
    before: pd.DataFrame | None,
    after: pd.DataFrame,
    notes: tuple[str, ...],
) -> LedgerChecks:
    """Rows and money in, kept and set apart, each counted on its own; raises if they do not add up."""
    early = after.iloc[:0] if before is None else before
    rows = []
    for name in [*TABLES, *sorted(set(after["table"]) - set(TABLES))]:
        given = tables[name] if name in tables else None
        kept, apart = checked.tables.get(name), after[after["table"] == name]
        sums = {
            "in": _totals(name, given, early[early["table"] == name], checked.currency),
            "kept": _totals(name, kept, after.iloc[:0], checked.currency),
            "quarantined": _totals(name, None, apart, checked.currency),
        }
        for currency in sorted({c for total in sums.values() for c in total}):
            counts = {what: total.get(currency, (0, 0)) for what, total in sums.items()}
            _must_add_up(name, currency, counts)
            digits = currency_digits(currency)
            rows.append(
                {"table": name, "currency": currency}
                | {f"rows_{what}": rows for what, (rows, _) in counts.items()}
                | {f"amount_{what}": round(amount / 10**digits, digits) for what, (_, amount) in counts.items()}
            )
    return LedgerChecks(pd.DataFrame(rows), reasons_table(after), notes)


def _totals(
    name: str, frame: pd.DataFrame | None, apart: pd.DataFrame, default: str
) -> dict[str, tuple[int, int]]:
    """Rows and minor units by currency; "" where a table has no money."""
    column = "credit_limit" if name == "limits" else "amount"
    parts = []
    if frame is not None and len(frame):
        money = frame[column].fillna(0).astype("int64") if column in frame else 0
        code = frame["currency"] if "currency" in frame and column in frame else None
        parts.append(pd.DataFrame({"currency": code, "minor": money}, index=frame.index))
    if len(apart):
        scale = 10 ** apart["currency"].fillna(default).map(currency_digits)
        minor = (apart["amount"].fillna(0) * scale).round().astype("int64")
        parts.append(pd.DataFrame({"currency": apart["currency"], "minor": minor}))
    if not parts:
        return {}
    both = pd.concat(parts, ignore_index=True)
    missing = default if column in TABLES.get(name, {}) else ""
    both["currency"] = [c.upper() if isinstance(c, str) and missing else missing for c in both["currency"]]
    groups = both.groupby("currency")["minor"]
    return {str(c): (int(n), int(m)) for c, n, m in zip(groups.size().index, groups.size(), groups.sum(), strict=True)}


def _must_add_up(name: str, currency: str, counts: Mapping[str, tuple[int, int]]) -> None:
    for index, what in enumerate(("rows", "minor units")):
        given, kept, apart = (counts[key][index] for key in ("in", "kept", "quarantined"))
        if given != kept + apart:
            raise LedgerError(f"{name} {currency}: {given} {what} came in, {kept} kept and {apart} set apart do not add up")
