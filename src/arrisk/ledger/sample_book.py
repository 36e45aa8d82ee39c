"""The books of a block of customers in the sample ledger: invoices, what happened to them, orders.

All is integers (days, codes, cents) in arrays of one entry an invoice, event or order. The order of the random draws
is part of the definition of the sample: a changed order is a changed sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arrisk.ledger.sample_payment import Clock
from arrisk.ledger.sample_truth import Truth
from arrisk.ledger.sample_world import LEAD_DAYS, NEVER, Calendar, Customers, Floats, Ints, day_number

__all__ = ["Book", "Events", "Invoices", "Orders", "draw_book"]

Flags = NDArray[np.bool_]
PAYMENT, DISCOUNT, CREDIT_NOTE, WRITE_OFF, RECOVERY = range(5)
SMALLEST = 2_000  # cents


@dataclass(frozen=True, slots=True)
class Invoices:
    """One entry an invoice, in order of issue: `owner` is the row of the customer, days are NEVER when missing.

    `usual` is the day on which the invoice would have been paid without a discount (and without insolvency), `taken`
    whether the discount was taken: both are truth, not ledger.
    """

    owner: Ints
    issue: Ints
    due: Ints
    cents: Ints
    no_due: Flags
    offered: Flags
    dispute_from: Ints
    dispute_to: Ints
    usual: Ints
    taken: Flags


@dataclass(frozen=True, slots=True)
class Events:
    """One entry an event, in order of date: `invoice` is a row of the block's invoices."""

    invoice: Ints
    on_account: Flags
    day: Ints
    recorded: Ints
    kind: Ints
    cents: Ints


@dataclass(frozen=True, slots=True)
class Orders:
    """One entry an order: `invoice` is a row of the block's invoices or -1."""

    owner: Ints
    invoice: Ints
    day: Ints
    cents: Ints
    cancelled: Ints
    deposit: Ints


@dataclass(frozen=True, slots=True)
class Book:
    """What `draw_book` returns."""

    invoices: Invoices
    events: Events
    orders: Orders


def draw_book(
    customers: Customers,
    counts: Ints,
    truth: Truth,
    calendar: Calendar,
    clock: Clock,
    rng: np.random.Generator,
) -> Book:
    """Draw the books of a block of customers.

    Parameters
    ----------
    customers : Customers
        The block.
    counts : (customers,) array
        Number of invoices of each.
    truth, calendar, clock
        The process.
    rng : Generator
        Of this block alone.

    Returns
    -------
    Book
    """
    owner = np.repeat(np.arange(len(customers)), counts)
    issue = _draw_issue(customers, owner, truth, calendar, rng)
    order = np.argsort(issue, kind="stable")
    owner, issue = owner[order], issue[order]
    cents = _draw_cents(customers.size[owner], (issue - calendar.start) / 365.25, truth, rng)
    negative = rng.random(len(owner)) < truth.negative_share
    cents = np.where(negative, -np.maximum(cents * 3 // 20, SMALLEST), cents)
    orders = _draw_orders(customers, owner, issue, cents, counts, truth, calendar, rng)
    deposit = np.zeros(len(owner), np.int64)
    billed = orders.invoice >= 0
    deposit[orders.invoice[billed]] = orders.deposit[billed]
    invoices = _draw_payment(customers, owner, issue, cents, truth, calendar, clock, rng)
    events = _draw_events(customers, invoices, deposit, truth, calendar, clock, rng)
    return Book(_as_known(customers, invoices, calendar), events, orders)


def _draw_issue(
    customers: Customers, owner: Ints, truth: Truth, calendar: Calendar, rng: np.random.Generator
) -> Ints:
    """Days of issue by the seasons of the segment; a customer that surges orders more before its insolvency."""
    sums = np.cumsum(calendar.sales, axis=1)
    sums = np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)
    segment = customers.segment[owner]
    stop = np.minimum(customers.default, calendar.end + 1)[owner]
    low = sums[segment, customers.first[owner] - calendar.first]
    high = sums[segment, stop - calendar.first]
    wanted = low + (high - low) * (1.0 - rng.random(len(owner)))
    issue = np.zeros(len(owner), np.int64)
    for code in range(len(sums)):
        mine = segment == code
        issue[mine] = np.searchsorted(sums[code], wanted[mine], side="left") - 1 + calendar.first
    surge = (rng.random(len(owner)) < truth.surge_invoices) & customers.surges[owner] & (stop <= calendar.end)
    late = calendar.last_open[
        np.maximum(stop - 1 - (rng.random(len(owner)) * 90).astype(np.int64), 0) - calendar.first
    ]
    return np.where(surge & (late >= customers.first[owner]), late, issue)


def _draw_cents(size: Floats, years: Floats, truth: Truth, rng: np.random.Generator) -> Ints:
    log = (
        truth.log_amount
        + truth.size_sd * size
        + truth.amount_sd * rng.standard_normal(len(size))
        + 0.02 * years
    )
    return np.maximum(np.rint(np.exp(log) * 100.0), SMALLEST).astype(np.int64)


def _draw_orders(
    customers: Customers, owner: Ints, issue: Ints, cents: Ints, counts: Ints,
    truth: Truth, calendar: Calendar, rng: np.random.Generator,
) -> Orders:  # fmt: skip
    """One order for each invoice that is not a credit, orders not billed by the end, and cancelled ones."""
    rows = np.flatnonzero(cents > 0)
    alive = customers.default > calendar.end
    years = np.maximum(np.minimum(customers.default, calendar.end + 1) - customers.first, 30)
    pending = rng.poisson(counts / years * LEAD_DAYS * alive)
    dropped = rng.poisson(counts * truth.cancelled_share)
    who = np.concatenate([owner[rows], np.repeat(np.arange(len(customers)), pending + dropped)])
    extra = len(who) - len(rows)
    is_pending = np.concatenate([np.zeros(len(rows), bool), _first_of_each(pending, dropped)])
    billed = np.concatenate([issue[rows], calendar.end + rng.integers(1, LEAD_DAYS + 1, extra)])
    gone = customers.first[who] + (rng.random(len(who)) * years[who]).astype(np.int64)
    is_dropped = ~is_pending & (np.arange(len(who)) >= len(rows))
    lead = 1 + np.minimum(rng.exponential(8.0, len(who)), LEAD_DAYS - 1).astype(np.int64)
    day = np.where(
        is_dropped, gone, calendar.last_open[np.maximum(billed - lead, calendar.first) - calendar.first]
    )
    day = np.maximum(day, np.minimum(customers.since[who], billed))
    value = np.concatenate(
        [cents[rows], _draw_cents(customers.size[who[len(rows) :]], np.full(extra, 3.0), truth, rng)]
    )
    asked = (customers.risk[who] > 1.5) & (rng.random(len(who)) < truth.deposit_share) & ~is_dropped
    cancelled = np.where(is_dropped, np.minimum(day + lead, calendar.end), NEVER)
    invoice = np.concatenate([rows, np.full(extra, -1)])
    keep = np.flatnonzero(day <= calendar.end)
    keep = keep[np.argsort(day[keep], kind="stable")]
    deposit = np.where(asked, value * 3 // 10, 0)
    return Orders(who[keep], invoice[keep], day[keep], value[keep], cancelled[keep], deposit[keep])


def _first_of_each(first: Ints, second: Ints) -> Flags:
    """For each customer so many True, then so many False, in one array."""
    counts = np.stack([first, second], axis=1).ravel()
    return np.repeat(np.tile([True, False], len(first)), counts)


def _draw_payment(
    customers: Customers, owner: Ints, issue: Ints, cents: Ints,
    truth: Truth, calendar: Calendar, clock: Clock, rng: np.random.Generator,
) -> Invoices:  # fmt: skip
    """Due date, dispute, the usual day of payment, and whether the discount is taken."""
    count = len(owner)
    due = issue + customers.terms[owner]
    anchor = due + customers.habit[owner]
    need = rng.standard_exponential(count) / np.exp(customers.frailty[owner])
    share = np.array([s.dispute_share for s in truth.segments])[customers.segment[owner]]
    disputed = (rng.random(count) < share) & (cents > 0)
    opened = calendar.next_open[issue + rng.integers(5, 26, count) - calendar.first]
    closed = calendar.next_open[opened + rng.integers(15, 61, count) - calendar.first]
    opened, closed = np.where(disputed, opened, NEVER), np.where(disputed, closed, NEVER)
    usual = clock.first_day(customers.run[owner], anchor, issue, need)
    begin, end = customers.distress_from[owner], customers.distress_to[owner]
    slow = np.flatnonzero(disputed | ((begin < NEVER) & (begin <= usual) & (end > issue)))
    usual[slow] = clock.first_day_in_spells(
        customers.run[owner[slow]], anchor[slow], issue[slow], need[slow],
        ((opened[slow], closed[slow], truth.dispute_hazard), (begin[slow], end[slow], truth.distress_hazard)),
    )  # fmt: skip
    disputed &= opened < usual
    offered = _is_offered(customers, owner, issue, cents, truth)
    odds = np.exp(truth.take_up + truth.take_risk * customers.risk[owner])
    taken = offered & ~disputed & (rng.random(count) < odds / (1.0 + odds))
    no_due = rng.random(count) < truth.no_due_share
    opened = np.where(disputed, opened, NEVER)
    closed = np.where(disputed, np.minimum(closed, usual), NEVER)
    return Invoices(owner, issue, due, cents, no_due, offered, opened, closed, usual, taken)


def _is_offered(customers: Customers, owner: Ints, issue: Ints, cents: Ints, truth: Truth) -> Flags:
    names = [s.name for s in truth.segments]
    code = names.index(truth.discount_segment) if truth.discount_segment in names else -1
    rule = (customers.segment[owner] == code) & (cents >= round(truth.discount_minimum * 100))
    offered: Flags = (
        (rule | customers.friend[owner]) & (issue >= day_number(truth.discount_from)) & (cents > 0)
    )
    return offered


def _draw_events(
    customers: Customers, invoices: Invoices, deposit: Ints,
    truth: Truth, calendar: Calendar, clock: Clock, rng: np.random.Generator,
) -> Events:  # fmt: skip
    """All events up to the end: cash and credits until the insolvency, then write-off and recovery."""
    rows: list[tuple[Ints, Ints, int, Ints]] = []
    every = np.arange(len(invoices.owner))
    lag = np.where(rng.random(len(every)) < truth.late_booking_share, rng.integers(1, 8, len(every)), 0)
    credit, credit_day = _draw_credits(invoices, deposit, truth, calendar, rng)
    rest = invoices.cents - deposit - credit
    rows.append((every, invoices.issue, PAYMENT, deposit))
    rows.append((every, credit_day, CREDIT_NOTE, credit))
    day, discount = _taken_days(invoices, rest, truth, calendar, rng)
    rows.append((every, day, DISCOUNT, discount))
    lag = _add_payments(rows, customers, invoices, rest - discount, day, lag, truth, calendar, clock, rng)
    account = np.flatnonzero((rng.random(len(every)) < truth.on_account_share) & (invoices.cents > 0))
    rows.append((account, day[account], PAYMENT, np.maximum(invoices.cents[account] // 8, SMALLEST)))
    kept = _stack(rows, lag, len(account))
    before = kept.day < customers.default[invoices.owner[kept.invoice]]
    kept = _select(kept, np.flatnonzero(before & (kept.cents != 0)))
    lost = _losses(customers, invoices, kept, calendar)
    both = [np.concatenate(pair) for pair in zip(_columns(kept), _columns(lost), strict=True)]
    events = Events(*both)
    known = np.flatnonzero((events.recorded <= calendar.end) & (events.day <= calendar.end))
    return _select(events, known[np.lexsort((events.invoice[known], events.day[known]))])


def _draw_credits(
    invoices: Invoices, deposit: Ints, truth: Truth, calendar: Calendar, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Credit notes before the payment: at the end of a dispute, in part, or for the whole invoice."""
    count = len(invoices.owner)
    draw, share, wait = rng.random(count), rng.random(count), rng.integers(2, 21, count)
    disputed = invoices.dispute_to < NEVER
    settled = disputed & (draw < truth.dispute_credit) & (invoices.dispute_to < invoices.usual)
    plain = calendar.next_open[invoices.issue + wait - calendar.first]
    free = ~disputed & ~invoices.taken & (invoices.cents > 0) & (deposit == 0) & (plain < invoices.usual)
    whole = free & (draw < truth.full_credit_share)
    part = free & ~whole & (draw < truth.full_credit_share + truth.credit_share)
    fraction = np.where(settled, 0.05 + 0.45 * share, 0.03 + 0.22 * share)
    credit = np.where(settled | part, np.rint(invoices.cents * fraction), 0.0).astype(np.int64)
    credit = np.where(whole, invoices.cents, np.minimum(credit, invoices.cents - deposit))
    return credit, np.where(settled, invoices.dispute_to, plain)


def _taken_days(
    invoices: Invoices, rest: Ints, truth: Truth, calendar: Calendar, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Day of the payment and the discount deducted."""
    earned = rng.random(len(rest)) >= truth.unearned_share
    deadline = calendar.last_open[invoices.issue + truth.discount_days - calendar.first]
    day = np.where(invoices.taken & earned, np.minimum(invoices.usual, deadline), invoices.usual)
    discount = np.where(invoices.taken, np.rint(rest * truth.discount_rate), 0.0)
    return day, discount.astype(np.int64)


def _add_payments(
    rows: list[tuple[Ints, Ints, int, Ints]], customers: Customers, invoices: Invoices, due: Ints, day: Ints, lag: Ints,
    truth: Truth, calendar: Calendar, clock: Clock, rng: np.random.Generator,
) -> Ints:  # fmt: skip
    """Add the cash: whole, in two parts, too much, or returned by the bank and paid again; return the booking lags."""
    count = len(due)
    draw, share = rng.random(count), 0.3 + 0.4 * rng.random(count)
    edges = np.cumsum([truth.partial_share, truth.overpaid_share, truth.bounced_share])
    plain = ~invoices.taken & (due > SMALLEST) & (day <= calendar.end)
    split = np.flatnonzero(plain & (draw < edges[0]))
    over = plain & (draw >= edges[0]) & (draw < edges[1])
    bounced = np.flatnonzero(plain & (draw >= edges[1]) & (draw < edges[2]))
    paid = due.copy()
    paid[split] = np.rint(due[split] * share[split]).astype(np.int64)
    paid = np.where(over, np.rint(paid * (1.0 + share / 5.0)), paid).astype(np.int64)
    rows.append((np.arange(count), day, PAYMENT, paid))
    owner = invoices.owner[split]
    need = rng.standard_exponential(len(split)) / np.exp(customers.frailty[owner])
    second = clock.first_day(customers.run[owner], day[split] + 14, day[split] + 1, need)
    rows.append((split, second, PAYMENT, due[split] - paid[split]))
    back = calendar.next_open[day[bounced] + 3 - calendar.first]
    again = calendar.next_open[day[bounced] + 11 - calendar.first]
    rows.append((bounced, back, PAYMENT, -paid[bounced]))
    rows.append((bounced, again, PAYMENT, paid[bounced]))
    lag = lag.copy()
    lag[bounced] = 0
    return lag


def _stack(rows: list[tuple[Ints, Ints, int, Ints]], lag: Ints, on_account: int) -> Events:
    invoice = np.concatenate([r[0] for r in rows])
    day = np.concatenate([r[1] for r in rows])
    kind = np.repeat([r[2] for r in rows], [len(r[0]) for r in rows])
    late = np.where((kind <= DISCOUNT) & (lag[invoice] > 0) & (day < NEVER), lag[invoice], 0)
    account = np.arange(len(invoice)) >= len(invoice) - on_account
    return Events(invoice, account, day, day + late, kind, np.concatenate([r[3] for r in rows]))


def _columns(events: Events) -> tuple[Ints | Flags, ...]:
    return events.invoice, events.on_account, events.day, events.recorded, events.kind, events.cents


def _select(events: Events, rows: Ints) -> Events:
    return Events(*(column[rows] for column in _columns(events)))


def _losses(customers: Customers, invoices: Invoices, kept: Events, calendar: Calendar) -> Events:
    """Write-off of what insolvent customers owe, and what came back afterwards in two parts."""
    bound = np.flatnonzero(~kept.on_account)
    paid = np.bincount(kept.invoice[bound], weights=kept.cents[bound], minlength=len(invoices.owner))
    left = invoices.cents - np.rint(paid).astype(np.int64)
    lost = np.flatnonzero((left > 0) & (customers.default[invoices.owner] < NEVER))
    owner, amount = invoices.owner[lost], left[lost]
    back = np.rint(amount * customers.recovery[owner]).astype(np.int64)
    first = np.rint(back * customers.second[owner]).astype(np.int64)
    limit = len(calendar.next_open) - 1
    gone = customers.write_off[owner]
    days = [gone, gone + customers.recovered[owner], gone + customers.recovered[owner] + 90]
    days = [calendar.next_open[np.minimum(day - calendar.first, limit)] for day in days]
    day = np.concatenate(days)
    kind = np.repeat([WRITE_OFF, RECOVERY, RECOVERY], len(lost))
    cents = np.concatenate([amount, first, back - first])
    some = np.flatnonzero(cents > 0)
    stacked = Events(np.tile(lost, 3), np.zeros(len(day), bool), day, day, kind, cents)
    return _select(stacked, some)


def _as_known(customers: Customers, invoices: Invoices, calendar: Calendar) -> Invoices:
    """Disputes as the ledger shows them at its end: not yet opened or closed is missing."""
    fails = customers.default[invoices.owner]
    seen = (invoices.dispute_from <= calendar.end) & (invoices.dispute_from < fails)
    opened = np.where(seen, invoices.dispute_from, NEVER)
    closed = np.where(seen & (invoices.dispute_to <= calendar.end), invoices.dispute_to, NEVER)
    return Invoices(
        invoices.owner, invoices.issue, invoices.due, invoices.cents, invoices.no_due, invoices.offered,
        opened, closed, invoices.usual, invoices.taken,
    )  # fmt: skip
