"""The sample as canonical tables in Arrow: identifiers, exact money, limits, signals."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrisk.ledger.sample.book import Book
from arrisk.ledger.sample.names import DEPARTMENTS, SALESPEOPLE, make_names
from arrisk.ledger.sample.truth import Truth
from arrisk.ledger.sample.world import (
    COUNTRIES,
    NEVER,
    REGIONS,
    SECURITIES,
    Calendar,
    Customers,
    Floats,
    Generator,
    Ints,
)
from arrisk.ledger.tables import EVENT_KINDS

__all__ = ["book_tables", "customer_tables", "identifiers", "money_column", "oldest_debt"]

CURRENCY = "EUR"
OLD_DAYS = 90
SIGNALS = ("pmi", "climate", "litigation")
ZERO_LIMIT = 5  # the customer in this row has a limit of zero


def identifiers(prefix: str, numbers: Ints, digits: int) -> pa.Array:
    """Numbers as identifiers: the prefix and at least so many digits; negative numbers become missing.

    Examples
    --------
    >>> identifiers("C", np.array([7, -1]), 4).to_pylist()
    ['C0007', None]
    """
    values = pc.cast(pa.array(numbers, mask=numbers < 0), pa.string())
    return pc.binary_join_element_wise(pa.scalar(prefix), pc.utf8_lpad(values, digits, "0"), pa.scalar(""))


def money_column(cents: Ints, missing: Any = None) -> pa.Array:
    """Cents as exact decimals with two digits.

    Examples
    --------
    >>> money_column(np.array([123450, -5])).to_pylist()
    [Decimal('1234.50'), Decimal('-0.05')]
    """
    whole = pc.cast(pa.array(cents, mask=missing), pa.decimal128(19, 0))
    return pc.multiply(whole, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2)))


def _dates(days: Ints) -> pa.Array:
    return pa.array(days.astype(np.int32), mask=days >= NEVER).cast(pa.date32())


def _words(words: tuple[str, ...], codes: Ints) -> pa.Array:
    return pc.take(pa.array(words), pa.array(codes, mask=codes < 0))


def _currency(count: int) -> pa.Array:
    return _words((CURRENCY,), np.zeros(count, np.int64))


def book_tables(
    book: Book, customers: Customers, first: int, offsets: dict[str, int], truth: Truth
) -> dict[str, pa.Table]:
    """Invoices, events, orders of a block, and what the ledger does not say of its invoices.

    Parameters
    ----------
    book : Book
    customers : Customers
        The block.
    first : int
        Number of its first customer.
    offsets : dict
        Rows of invoices, events, orders of all blocks before.
    truth : Truth

    Returns
    -------
    dict of str to Table
        ``invoices``, ``events``, ``orders``, ``latent_invoices``.
    """
    invoices, orders = book.invoices, book.orders
    numbers = np.arange(len(invoices.owner)) + offsets["invoices"] + 1
    order_numbers = np.arange(len(orders.owner)) + offsets["orders"] + 1
    billed = np.flatnonzero(orders.invoice >= 0)
    order_of = np.full(len(numbers), -1, np.int64)
    order_of[orders.invoice[billed]] = order_numbers[billed]
    invoice_of, issued = np.full(len(order_numbers), -1, np.int64), np.full(len(order_numbers), NEVER)
    invoice_of[billed] = numbers[orders.invoice[billed]]
    issued[billed] = invoices.issue[orders.invoice[billed]]
    owners = identifiers("C", np.arange(len(customers)) + first + 1, 4)
    ids = identifiers("INV-", numbers, 7)
    seller = _sellers(customers.region, first)
    latent = {"invoice_id": ids, "usual_date": _dates(invoices.usual), "taken": pa.array(invoices.taken)}
    return {
        "invoices": _invoice_table(book, ids, owners, seller, customers.region, order_of, truth),
        "events": _event_table(book, ids, owners, offsets["events"]),
        "orders": _order_table(book, owners, order_numbers, invoice_of, issued),
        "latent_invoices": pa.table({**latent, "due_date": _dates(invoices.due)}),
    }


def _sellers(region: Ints, first: int) -> Ints:
    """Two salespeople in each home region by turns, one for export."""
    turn = (np.arange(len(region)) + first) % 2
    return np.where(region == len(REGIONS) - 1, len(SALESPEOPLE) - 1, 2 * region + turn)


def _invoice_table(
    book: Book, ids: pa.Array, owners: pa.Array, seller: Ints, region: Ints, order_of: Ints, truth: Truth
) -> pa.Table:
    one, count = book.invoices, len(book.invoices.owner)
    columns = {
        "invoice_id": ids,
        "customer_id": owners.take(pa.array(one.owner)),
        "issue_date": _dates(one.issue),
        "due_date": _dates(np.where(one.no_due, NEVER, one.due)),
        "amount": money_column(one.cents),
        "currency": _currency(count),
        "salesperson": _words(SALESPEOPLE, seller[one.owner]),
        "department": _words(DEPARTMENTS, region[one.owner]),
        "order_id": identifiers("SO-", order_of, 7),
        "discount_rate": pa.array(np.full(count, truth.discount_rate), mask=~one.offered),
        "discount_days": pa.array(np.full(count, truth.discount_days), mask=~one.offered),
        "dispute_opened": _dates(one.dispute_from),
        "dispute_closed": _dates(one.dispute_to),
    }
    return pa.table(columns)


def _event_table(book: Book, ids: pa.Array, owners: pa.Array, offset: int) -> pa.Table:
    one, count = book.events, len(book.events.day)
    columns = {
        "event_id": identifiers("EV-", np.arange(count) + offset + 1, 7),
        "date": _dates(one.day),
        "kind": _words(EVENT_KINDS, one.kind),
        "amount": money_column(one.cents),
        "currency": _currency(count),
        "invoice_id": pc.take(ids, pa.array(one.invoice, mask=one.on_account)),
        "customer_id": owners.take(pa.array(book.invoices.owner[one.invoice])),
        "recorded_date": _dates(np.where(one.recorded > one.day, one.recorded, NEVER)),
    }
    return pa.table(columns)


def _order_table(book: Book, owners: pa.Array, numbers: Ints, invoice_of: Ints, issued: Ints) -> pa.Table:
    one = book.orders
    columns = {
        "order_id": identifiers("SO-", numbers, 7),
        "customer_id": owners.take(pa.array(one.owner)),
        "order_date": _dates(one.day),
        "amount": money_column(one.cents),
        "currency": _currency(len(numbers)),
        "invoice_id": identifiers("INV-", invoice_of, 7),
        "invoiced_date": _dates(issued),
        "cancelled_date": _dates(one.cancelled),
        "deposit": money_column(one.deposit, one.deposit == 0),
    }
    return pa.table(columns)


def customer_tables(
    customers: Customers, counts: Ints, truth: Truth, calendar: Calendar, rng: Generator
) -> dict[str, pa.Table]:
    """Customers, limits, signals, and what the ledger does not say of its customers.

    Parameters
    ----------
    customers : Customers
    counts : (customers,) array
        Number of invoices of each.
    truth : Truth
    calendar : Calendar
    rng : Generator

    Returns
    -------
    dict of str to Table
        ``customers``, ``limits``, ``signals``, ``latent_customers``.
    """
    ids = identifiers("C", np.arange(len(customers)) + 1, 4)
    country = [COUNTRIES[r][c] for r, c in zip(customers.region, customers.country, strict=True)]
    industry = _words(tuple(i.name for i in truth.industries), customers.industry)
    columns = {
        "customer_id": ids,
        "name": pa.array(make_names(industry.to_pylist(), country, rng)),
        "group_id": identifiers("G", customers.group, 4),
        "segment": _words(tuple(s.name for s in truth.segments), customers.segment),
        "industry": industry,
        "region": _words(REGIONS, customers.region),
        "country": pa.array(country),
        "since_date": _dates(customers.since),
        "security": _words(SECURITIES, customers.security),
    }
    return {
        "customers": pa.table(columns),
        "limits": _limit_table(customers, counts, ids, truth, calendar, rng),
        "signals": _signal_table(customers, ids, truth, calendar, rng),
        "latent_customers": _latent_table(customers, ids),
    }


def _latent_table(customers: Customers, ids: pa.Array) -> pa.Table:
    numbers = ("risk", "size", "habit", "run", "frailty", "terms", "recovery", "friend")
    days = ("default", "distress_from", "distress_to")
    columns = {name: pa.array(getattr(customers, name)) for name in numbers}
    columns |= {name: _dates(getattr(customers, name)) for name in days}
    return pa.table({"customer_id": ids, **columns}).rename_columns({"default": "default_date"})


def _limit_table(
    customers: Customers, counts: Ints, ids: pa.Array, truth: Truth, calendar: Calendar, rng: Generator
) -> pa.Table:
    """Limits from expected exposure, reviewed each year; some customers have none, one a limit of zero."""
    count = len(customers)
    has, limit = rng.random(count) > 0.04, _first_limit(customers, counts, truth, calendar, rng)
    chosen = np.arange(count) == ZERO_LIMIT
    has, limit = has | chosen, np.where(chosen, 0.0, limit)
    rows = [(has, np.maximum(customers.since, calendar.start), limit)]
    for day in calendar.months[12:-1:12]:
        limit = limit * np.exp(0.04 + 0.15 * rng.standard_normal(count))
        limit = np.where((customers.risk > 1.2) & (rng.random(count) < 0.3), limit * 0.5, limit)
        known = (customers.first < day - 90) & (customers.default > day)
        rows.append((has & known & (rng.random(count) < 0.6), np.full(count, day), limit))
    stopped = has & (customers.default < calendar.end - 7) & (rng.random(count) < 0.7)
    rows.append((stopped, customers.default + 5, np.zeros(count)))
    who = np.concatenate([np.flatnonzero(mask) for mask, _, _ in rows])
    valid = np.concatenate([day[mask] for mask, day, _ in rows])
    value = np.concatenate([amount[mask] for mask, _, amount in rows])
    order = np.lexsort((valid, who))
    thousands = np.where(value > 0, np.maximum(np.rint(value / 1000.0), 2.0), 0.0).astype(np.int64)
    return pa.table(
        {
            "customer_id": ids.take(pa.array(who[order])),
            "valid_from": _dates(valid[order]),
            "credit_limit": money_column(thousands[order] * 100_000),
            "currency": _currency(len(order)),
        }
    )


def _first_limit(
    customers: Customers, counts: Ints, truth: Truth, calendar: Calendar, rng: Generator
) -> Floats:
    """One and a half times what the customer should owe, less for the risky, and luck."""
    stop = np.minimum(customers.default, calendar.end + 1)
    per_day = counts / np.maximum(stop - customers.first, 60)
    mean = np.exp(truth.log_amount + truth.size_sd * customers.size + truth.amount_sd**2 / 2)
    days = customers.terms + np.maximum(customers.habit, 0) + 15
    luck = 0.25 * rng.standard_normal(len(customers))
    return np.asarray(1.5 * per_day * mean * days * np.exp(luck - 0.10 * customers.risk), float)


def _signal_table(
    customers: Customers, ids: pa.Array, truth: Truth, calendar: Calendar, rng: Generator
) -> pa.Table:
    """PMI (macro), climate by industry, litigation by customer (some of it a false alarm)."""
    ends, kinds = calendar.months[1:] - 1, len(truth.industries)
    move = np.array([i.pmi_sensitivity for i in truth.industries])[:, None] * (calendar.pmi - 50.0)
    climate = np.round(100.0 + 2.0 * move + 1.5 * rng.standard_normal(move.shape), 1)
    sued, filed, known = _draw_suits(customers, calendar, rng)
    published = calendar.open_after(ends + 1)
    nobody, macro = np.full((kinds + 1) * len(ends), -1), np.full(len(ends), -1)
    day = np.concatenate([np.tile(ends, kinds + 1), filed])
    recorded = np.concatenate([np.tile(published, kinds + 1), known])
    kind = np.repeat([0, 1, 2], [len(ends), kinds * len(ends), len(sued)])
    industry = np.concatenate([macro, np.repeat(np.arange(kinds), len(ends)), np.full(len(sued), -1)])
    value = np.concatenate([calendar.pmi, climate.ravel(), np.ones(len(sued))])
    customer = np.concatenate([nobody, sued])
    keep = np.flatnonzero(recorded <= calendar.end)
    keep = keep[np.lexsort((customer[keep], industry[keep], kind[keep], day[keep]))]
    return pa.table(
        {
            "date": _dates(day[keep]),
            "signal": _words(SIGNALS, kind[keep]),
            "value": pa.array(value[keep]),
            "customer_id": ids.take(pa.array(customer[keep], mask=customer[keep] < 0)),
            "industry": _words(tuple(i.name for i in truth.industries), industry[keep]),
            "recorded_date": _dates(recorded[keep]),
        }
    )


def _draw_suits(customers: Customers, calendar: Calendar, rng: Generator) -> tuple[Ints, Ints, Ints]:
    """Who is sued, when, and when it is known: 45% of the failing 20 to 150 days before, 2.5% of others."""
    count, fails = len(customers), customers.default < NEVER
    anywhen = calendar.start + (rng.random(count) * (calendar.end - calendar.start)).astype(np.int64)
    filed = np.where(fails, customers.default - rng.integers(20, 151, count), anywhen)
    known = filed + rng.integers(3, 11, count)
    hit = np.flatnonzero((rng.random(count) < np.where(fails, 0.45, 0.025)) & (filed >= calendar.start))
    return hit, filed[hit], known[hit]


def oldest_debt(tables: dict[str, pa.Table], end: dt.date) -> list[tuple[int, str]]:
    """The largest debt of a customer of the block that is more than 90 days overdue, if there is any.

    Returns
    -------
    list of (cents, customer)
        At most one.
    """
    old = pc.less(tables["invoices"]["due_date"], pa.scalar(end - dt.timedelta(OLD_DAYS), pa.date32()))
    items = tables["invoices"].filter(old)
    events = tables["events"].filter(pc.not_equal(tables["events"]["kind"], "recovery"))
    owed = pa.table({name: items[name] for name in ("invoice_id", "customer_id")} | _cents(items, 1))
    settled = pa.table({"invoice_id": events["invoice_id"]} | _cents(events, -1))
    left = pa.concat_tables([owed.select(["invoice_id", "cents"]), settled]).group_by("invoice_id")
    by_customer = owed.select(["invoice_id", "customer_id"]).join(
        left.aggregate([("cents", "sum")]), "invoice_id"
    )
    sums = by_customer.group_by("customer_id").aggregate([("cents_sum", "sum")]).to_pylist()
    found = [(row["cents_sum_sum"], row["customer_id"]) for row in sums]
    return sorted(row for row in found if row[0] > 0)[-1:]


def _cents(table: pa.Table, sign: int) -> dict[str, pa.ChunkedArray]:
    exact = pc.multiply(table["amount"], pa.scalar(Decimal(100 * sign), pa.decimal128(3, 0)))
    return {"cents": pc.cast(exact, pa.int64())}
