"""The sample's books as canonical tables: identifiers, names, limits and signals, in Arrow."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrisk.ledger.sample_book import Book
from arrisk.ledger.sample_truth import Truth
from arrisk.ledger.sample_world import COUNTRIES, NEVER, REGIONS, SECURITIES, Calendar, Customers, Ints
from arrisk.ledger.tables import EVENT_KINDS

__all__ = ["book_tables", "customer_tables", "identifiers", "money_column"]

CURRENCY = "EUR"
DEPARTMENTS = ("Sales North", "Sales South", "Sales East", "Sales West", "Export")
SALESPEOPLE = (
    "A. Nowak",
    "B. Lindqvist",
    "C. Okafor",
    "D. Moreau",
    "E. Rossi",
    "F. Çelik",
    "G. Brandt",
    "王 H.",
    "I. Novák",
)
STEMS = (
    "Alder", "Birke", "Cobalt", "Dorn", "Elster", "Falken", "Granit", "Hafen", "Iris", "Juniper", "Kupfer", "Linden",
    "Mistral", "Nordlicht", "Opal", "Pappel", "Quarz", "Rotdorn", "Silber", "Tanne", "Ulme", "Veilchen", "Weiden",
    "Xenon", "Ysop", "Zeder",
)  # fmt: skip
TRADES = {
    "Food": ("Feinkost", "Foods", "Backwaren", "Getränke"),
    "Electronics": ("Elektronik", "Circuits", "Licht", "Kabel"),
    "Construction": ("Bau", "Dach & Wand", "Tiefbau", "Ausbau"),
    "Automotive": ("Fahrzeugteile", "Gears", "Achsen", "Motoren"),
    "Health": ("Medizintechnik", "Pharma", "Pflege", "Labor"),
    "Municipal": ("Stadtwerke", "Landkreis", "Schulamt", "Wasserverband"),
}
FORMS = {
    "DE": ("GmbH", "AG", "GmbH & Co. KG"), "AT": ("GmbH", "AG"), "PL": ("sp. z o.o.", "S.A."), "NL": ("B.V.", "N.V."),
    "BE": ("NV", "SRL"), "FR": ("SARL", "SAS"), "IT": ("S.r.l.", "S.p.A."), "SE": ("AB",), "CN": ("(Shanghai) Co., Ltd.",),
}  # fmt: skip
# Names that break careless readers and writers: formulas, markup, quotes, other alphabets.
HARD_NAMES = {
    3: "=SUM(A1)",
    8: "<b>Bold & Co</b>",
    13: 'O\'Brien "Best" Tools, Ltd.',
    21: "Müller & Söhne GmbH",
    34: "样例贸易有限公司",
    47: "示范机械（上海）有限公司",
    58: "+44 Logistics",
    69: "@home Retail",
    77: "-10% Outlet",
    90: "Société d'Essai, S.à r.l.",
}
ZERO_LIMIT = 5  # this customer has a limit of zero


def identifiers(prefix: str, numbers: Ints, digits: int) -> pa.Array:
    """Numbers as identifiers: the prefix and so many digits; negative numbers become missing.

    Examples
    --------
    >>> identifiers("C", np.array([7, -1]), 4).to_pylist()
    ['C0007', None]
    """
    values = pc.cast(pa.array(numbers, mask=numbers < 0), pa.string())
    return pc.binary_join_element_wise(pa.scalar(prefix), pc.utf8_lpad(values, digits, "0"), pa.scalar(""))


def money_column(cents: Ints, missing: Any = None) -> pa.Array:
    """Cents as exact decimals with two digits."""
    whole = pc.cast(pa.array(cents, mask=missing), pa.decimal128(19, 0))
    return pc.multiply(whole, pa.scalar(Decimal("0.01"), pa.decimal128(3, 2)))


def _dates(days: Ints) -> pa.Array:
    return pa.array(days.astype(np.int32), mask=days >= NEVER).cast(pa.date32())


def _words(words: tuple[str, ...], codes: Ints) -> pa.Array:
    return pc.take(pa.array(words), pa.array(codes, mask=codes < 0))


def _constant(value: Any, count: int) -> pa.Array:
    return pa.array([value]).take(pa.array(np.zeros(count, np.int64)))


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
    inv, ev, od = book.invoices, book.events, book.orders
    count = len(inv.owner)
    numbers = np.arange(count) + offsets["invoices"] + 1
    number_of_order = np.full(count, -1, np.int64)
    billed = np.flatnonzero(od.invoice >= 0)
    order_numbers = np.arange(len(od.owner)) + offsets["orders"] + 1
    number_of_order[od.invoice[billed]] = order_numbers[billed]
    invoice_ids = identifiers("INV-", numbers, 7)
    owners = identifiers("C", np.arange(len(customers)) + first + 1, 4)
    owner = owners.take(pa.array(inv.owner))
    seller = _sellers(customers, first)[inv.owner]
    invoices = {
        "invoice_id": invoice_ids,
        "customer_id": owner,
        "issue_date": _dates(inv.issue),
        "due_date": _dates(np.where(inv.no_due, NEVER, inv.due)),
        "amount": money_column(inv.cents),
        "currency": _constant(CURRENCY, count),
        "salesperson": _words(SALESPEOPLE, seller),
        "department": _words(DEPARTMENTS, customers.region[inv.owner]),
        "order_id": identifiers("SO-", number_of_order, 7),
        "discount_rate": pa.array(np.full(count, truth.discount_rate), mask=~inv.offered),
        "discount_days": pa.array(np.full(count, truth.discount_days), mask=~inv.offered),
        "dispute_opened": _dates(inv.dispute_from),
        "dispute_closed": _dates(inv.dispute_to),
    }
    events = {
        "event_id": identifiers("EV-", np.arange(len(ev.day)) + offsets["events"] + 1, 7),
        "date": _dates(ev.day),
        "kind": _words(EVENT_KINDS, ev.kind),
        "amount": money_column(ev.cents),
        "currency": _constant(CURRENCY, len(ev.day)),
        "invoice_id": pc.if_else(pa.array(ev.on_account), None, invoice_ids.take(pa.array(ev.invoice))),
        "customer_id": owner.take(pa.array(ev.invoice)),
        "recorded_date": _dates(np.where(ev.recorded > ev.day, ev.recorded, NEVER)),
    }
    to_invoice = np.where(od.invoice >= 0, numbers[od.invoice] if count else -1, -1)
    issued = np.where(od.invoice >= 0, inv.issue[od.invoice] if count else NEVER, NEVER)
    orders = {
        "order_id": identifiers("SO-", order_numbers, 7),
        "customer_id": owners.take(pa.array(od.owner)),
        "order_date": _dates(od.day),
        "amount": money_column(od.cents),
        "currency": _constant(CURRENCY, len(od.day)),
        "invoice_id": identifiers("INV-", to_invoice, 7),
        "invoiced_date": _dates(issued),
        "cancelled_date": _dates(od.cancelled),
        "deposit": money_column(od.deposit, od.deposit == 0),
    }
    latent = {
        "invoice_id": invoice_ids, "usual_date": _dates(inv.usual), "taken": pa.array(inv.taken), "due_date": _dates(inv.due)
    }  # fmt: skip
    tables = {"invoices": invoices, "events": events, "orders": orders, "latent_invoices": latent}
    return {name: pa.table(columns) for name, columns in tables.items()}


def _sellers(customers: Customers, first: int) -> Ints:
    """Two salespeople in each home region by turns, one for export."""
    turn = (np.arange(len(customers)) + first) % 2
    return np.where(customers.region == len(REGIONS) - 1, len(SALESPEOPLE) - 1, 2 * customers.region + turn)


def customer_tables(
    customers: Customers, counts: Ints, truth: Truth, calendar: Calendar, rng: np.random.Generator
) -> dict[str, pa.Table]:
    """Customers, limits, signals, and what the ledger does not say of its customers.

    Returns
    -------
    dict of str to Table
        ``customers``, ``limits``, ``signals``, ``latent_customers``.
    """
    ids = identifiers("C", np.arange(len(customers)) + 1, 4)
    country = [COUNTRIES[r][c] for r, c in zip(customers.region, customers.country, strict=True)]
    industries = tuple(i.name for i in truth.industries)
    columns = {
        "customer_id": ids,
        "name": pa.array(_names(customers, country, industries, rng)),
        "group_id": identifiers("G", customers.group, 4),
        "segment": _words(tuple(s.name for s in truth.segments), customers.segment),
        "industry": _words(industries, customers.industry),
        "region": _words(REGIONS, customers.region),
        "country": pa.array(country),
        "since_date": _dates(customers.since),
        "security": _words(SECURITIES, customers.security),
    }
    latent = {
        "customer_id": ids, "risk": pa.array(customers.risk), "habit": pa.array(customers.habit),
        "run": pa.array(customers.run), "frailty": pa.array(customers.frailty), "terms": pa.array(customers.terms),
        "default_date": _dates(customers.default), "distress_from": _dates(customers.distress_from),
        "distress_to": _dates(customers.distress_to), "recovery": pa.array(customers.recovery),
        "friend": pa.array(customers.friend),
    }  # fmt: skip
    return {
        "customers": pa.table(columns),
        "limits": _limits(customers, counts, ids, truth, calendar, rng),
        "signals": _signals(customers, ids, truth, calendar, rng),
        "latent_customers": pa.table(latent),
    }


def _names(
    customers: Customers, country: list[str], industries: tuple[str, ...], rng: np.random.Generator
) -> list[str]:
    count = len(customers)
    stem, trade, form = (rng.integers(0, 2**31, count) for _ in range(3))
    names, seen = [], set()
    for row in range(count):
        trades, forms = TRADES[industries[customers.industry[row]]], FORMS[country[row]]
        form_of = (
            "" if industries[customers.industry[row]] == "Municipal" else f" {forms[form[row] % len(forms)]}"
        )
        name = f"{STEMS[stem[row] % len(STEMS)]} {trades[trade[row] % len(trades)]}"
        if name in seen:
            name = f"{name} {row + 1}"
        seen.add(name)
        names.append(HARD_NAMES.get(row, name + form_of))
    return names


def _limits(
    customers: Customers,
    counts: Ints,
    ids: pa.Array,
    truth: Truth,
    calendar: Calendar,
    rng: np.random.Generator,
) -> pa.Table:
    """Limits from expected exposure, reviewed each January; some customers have none, one a limit of zero."""
    count = len(customers)
    stop = np.minimum(customers.default, calendar.end + 1)
    per_day = counts / np.maximum(stop - customers.first, 60)
    mean = np.exp(truth.log_amount + truth.size_sd * customers.size + truth.amount_sd**2 / 2)
    days = customers.terms + np.maximum(customers.habit, 0) + 15
    limit = per_day * mean * days * 1.5 * np.exp(-0.10 * customers.risk + 0.25 * rng.standard_normal(count))
    has = rng.random(count) > 0.04
    limit[ZERO_LIMIT : ZERO_LIMIT + 1], has[ZERO_LIMIT : ZERO_LIMIT + 1] = 0.0, True
    rows = [(np.flatnonzero(has), np.maximum(customers.since, calendar.start), limit.copy())]
    years = np.arange(calendar.start + 365, calendar.end, 365)
    for day in (
        *years.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64),
    ):
        limit = limit * np.exp(0.04 + 0.15 * rng.standard_normal(count))
        limit = np.where((customers.risk > 1.2) & (rng.random(count) < 0.3), limit * 0.5, limit)
        chosen = has & (rng.random(count) < 0.6) & (customers.first < day - 90) & (customers.default > day)
        rows.append((np.flatnonzero(chosen), np.full(count, day), limit.copy()))
    stopped = has & (customers.default < calendar.end - 7) & (rng.random(count) < 0.7)
    rows.append((np.flatnonzero(stopped), np.where(stopped, customers.default + 5, 0), np.zeros(count)))
    who = np.concatenate([r[0] for r in rows])
    valid = np.concatenate([r[1][r[0]] for r in rows])
    value = np.concatenate([r[2][r[0]] for r in rows])
    order = np.lexsort((valid, who))
    cents = np.where(value > 0, np.maximum(np.rint(value / 1000.0), 2.0), 0.0).astype(np.int64) * 100_000
    return pa.table(
        {
            "customer_id": ids.take(pa.array(who[order])),
            "valid_from": _dates(valid[order]),
            "credit_limit": money_column(cents[order]),
            "currency": _constant(CURRENCY, len(order)),
        }
    )


def _signals(
    customers: Customers, ids: pa.Array, truth: Truth, calendar: Calendar, rng: np.random.Generator
) -> pa.Table:
    """PMI (macro), climate by industry, litigation by customer: before some insolvencies, and false alarms."""
    ends = calendar.months[1:] - 1
    months = np.arange(len(ends))
    kinds = len(truth.industries)
    move = np.array([i.pmi_sensitivity for i in truth.industries])[:, None] * (calendar.pmi - 50.0)
    climate = np.round(100.0 + 2.0 * move + 1.5 * rng.standard_normal(move.shape), 1)
    fails = customers.default < NEVER
    share = np.where(fails, 0.45, 0.025)
    sued = np.flatnonzero(rng.random(len(customers)) < share)
    span = calendar.end - calendar.start
    free = calendar.start + (rng.random(len(customers)) * span).astype(np.int64)
    before = customers.default - rng.integers(20, 150, len(customers))
    filed = np.where(fails, before, free)[sued]
    sued, filed = sued[filed >= calendar.start], filed[filed >= calendar.start]
    wait = rng.integers(3, 11, len(sued))
    after_end = np.concatenate([ends, np.tile(ends, kinds)])
    published = calendar.next_open[after_end + 1 - calendar.first]
    total = len(after_end)
    day = np.concatenate([after_end, filed])
    known = np.concatenate([published, filed + wait])
    codes = np.concatenate(
        [np.full(len(months), -1), np.repeat(np.arange(kinds), len(months)), np.full(len(sued), -1)]
    )
    kind = np.concatenate(
        [np.zeros(len(months), int), np.ones(total - len(months), int), np.full(len(sued), 2)]
    )
    value = np.concatenate([calendar.pmi, climate.ravel(), np.ones(len(sued))])
    who = np.concatenate([np.full(total, -1), sued])
    keep = np.flatnonzero(known <= calendar.end)
    keep = keep[np.lexsort((who[keep], codes[keep], kind[keep], day[keep]))]
    return pa.table(
        {
            "date": _dates(day[keep]),
            "signal": _words(("pmi", "climate", "litigation"), kind[keep]),
            "value": pa.array(value[keep]),
            "customer_id": ids.take(pa.array(who[keep], mask=who[keep] < 0)),
            "industry": _words(tuple(i.name for i in truth.industries), codes[keep]),
            "recorded_date": _dates(known[keep]),
        }
    )
