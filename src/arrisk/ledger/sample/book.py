"""The books of a block of customers in the sample ledger: invoices, what happened to them, orders.

All is integers (days, codes, cents) in arrays of one entry an invoice, event or order. The order of the
random draws is part of the definition of the sample: a changed order is a changed sample.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from arrisk.ledger.sample.payment import Clock
from arrisk.ledger.sample.truth import Truth
from arrisk.ledger.sample.world import NEVER, Calendar, Customers, Flags, Floats, Generator, Ints, day_number

__all__ = ["Book", "Events", "Invoices", "Orders", "Process", "draw_book"]

PAYMENT, DISCOUNT, CREDIT_NOTE, WRITE_OFF, RECOVERY = range(5)
SMALLEST = 2_000  # cents
LEAD_DAYS = 28  # longest time from an order to its invoice


@dataclass(frozen=True, slots=True)
class Process:
    """The process on its calendar: what every draw needs."""

    truth: Truth
    calendar: Calendar
    clock: Clock


@dataclass(frozen=True, slots=True)
class Invoices:
    """One entry an invoice, in order of issue: `owner` is the row of the customer; a missing day is NEVER.

    `usual` is the day on which the invoice would be paid without a discount and without insolvency, `taken`
    whether the discount is taken: both are truth, not ledger.
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


def draw_book(customers: Customers, counts: Ints, process: Process, rng: Generator) -> Book:
    """Draw the books of a block of customers.

    Parameters
    ----------
    customers : Customers
        The block.
    counts : (customers,) array
        Number of invoices of each.
    process : Process
    rng : Generator
        Of this block alone.

    Returns
    -------
    Book
    """
    truth, calendar = process.truth, process.calendar
    owner = np.repeat(np.arange(len(customers)), counts)
    issue = _draw_issue(customers, owner, process, rng)
    order = np.argsort(issue, kind="stable")
    owner, issue = owner[order], issue[order]
    cents = _draw_cents(customers.size[owner], (issue - calendar.start) / 365.25, truth, rng)
    negative = rng.random(len(owner)) < truth.negative_share
    cents = np.where(negative, -np.maximum(cents * 3 // 20, SMALLEST), cents)
    orders = _draw_orders(customers, owner, issue, cents, counts, process, rng)
    deposit = np.zeros(len(owner), np.int64)
    billed = orders.invoice >= 0
    deposit[orders.invoice[billed]] = orders.deposit[billed]
    invoices = _draw_invoices(customers, owner, issue, cents, process, rng)
    events = _draw_events(customers, invoices, deposit, process, rng)
    return Book(_as_known(customers, invoices, calendar.end), events, orders)


def _draw_issue(customers: Customers, owner: Ints, process: Process, rng: Generator) -> Ints:
    """Days of issue by the seasons of the segment; some customers order more before their insolvency."""
    calendar, truth = process.calendar, process.truth
    first, stop = customers.first[owner], np.minimum(customers.default, calendar.end + 1)[owner]
    segment = customers.segment[owner]
    low, high = calendar.sold_before(segment, first), calendar.sold_before(segment, stop)
    wanted = low + (high - low) * (1.0 - rng.random(len(owner)))
    issue = np.zeros(len(owner), np.int64)
    for code, sold in enumerate(calendar.sold):
        mine = segment == code
        issue[mine] = np.searchsorted(sold, wanted[mine], side="left") - 1 + calendar.first
    late = calendar.open_before(stop - 1 - (rng.random(len(owner)) * 90).astype(np.int64))
    surge = (rng.random(len(owner)) < truth.surge_invoices) & customers.surges[owner]
    return np.where(surge & (stop <= calendar.end) & (late >= first), late, issue)


def _draw_cents(size: Floats, years: Floats, truth: Truth, rng: Generator) -> Ints:
    noise = truth.amount_sd * rng.standard_normal(len(size))
    amount = np.exp(truth.log_amount + truth.size_sd * size + noise + 0.02 * years)
    return np.maximum(np.rint(100.0 * amount), SMALLEST).astype(np.int64)


def _draw_orders(
    customers: Customers,
    owner: Ints,
    issue: Ints,
    cents: Ints,
    counts: Ints,
    process: Process,
    rng: Generator,
) -> Orders:
    """One order for each invoice that is not a credit, orders not billed by the end, and cancelled ones."""
    truth, calendar = process.truth, process.calendar
    rows = np.flatnonzero(cents > 0)
    stop = np.minimum(customers.default, calendar.end + 1)
    active = np.maximum(stop - customers.first, 30)
    pending = rng.poisson(np.where(stop > calendar.end, counts / active * LEAD_DAYS, 0.0))
    dropped = rng.poisson(counts * truth.cancelled_share)
    everyone = np.arange(len(customers))
    who = np.concatenate([owner[rows], np.repeat(everyone, pending), np.repeat(everyone, dropped)])
    kind = np.repeat([0, 1, 2], [len(rows), pending.sum(), dropped.sum()])
    invoice = np.concatenate([rows, np.full(len(who) - len(rows), -1)])
    lead = 1 + np.minimum(rng.exponential(8.0, len(who)), LEAD_DAYS - 1).astype(np.int64)
    billed = calendar.end + rng.integers(1, LEAD_DAYS + 1, len(who))
    billed[: len(rows)] = issue[rows]
    anywhen = customers.first[who] + (rng.random(len(who)) * active[who]).astype(np.int64)
    day = calendar.open_before(np.where(kind == 2, anywhen, billed - lead))
    day = np.where(kind == 0, np.maximum(day, np.minimum(customers.since[who], billed)), day)
    value = _draw_cents(customers.size[who], np.full(len(who), 3.0), truth, rng)
    value[: len(rows)] = cents[rows]
    asked = (customers.risk[who] > 1.5) & (rng.random(len(who)) < truth.deposit_share) & (kind < 2)
    deposit = np.where(asked, value * 3 // 10, 0)
    cancelled = np.where(kind == 2, np.minimum(day + lead, calendar.end), NEVER)
    keep = np.flatnonzero(day <= calendar.end)
    keep = keep[np.argsort(day[keep], kind="stable")]
    return Orders(who[keep], invoice[keep], day[keep], value[keep], cancelled[keep], deposit[keep])


def _draw_invoices(
    customers: Customers, owner: Ints, issue: Ints, cents: Ints, process: Process, rng: Generator
) -> Invoices:
    """Due date, dispute, the usual day of payment, and whether the discount is taken."""
    truth, calendar, count = process.truth, process.calendar, len(owner)
    due = issue + customers.terms[owner]
    share = np.array([s.dispute_share for s in truth.segments])[customers.segment[owner]]
    disputed = (rng.random(count) < share) & (cents > 0)
    opened = calendar.open_after(issue + rng.integers(5, 26, count))
    shortest, longest = truth.dispute_days
    closed = calendar.open_after(opened + rng.integers(shortest, longest + 1, count))
    opened, closed = np.where(disputed, opened, NEVER), np.where(disputed, closed, NEVER)
    usual = _draw_usual(customers, owner, issue, due, opened, closed, process, rng)
    disputed &= opened < usual
    offered = _is_offered(customers, owner, issue, cents, truth)
    wait = customers.terms + customers.habit
    odds = np.exp(truth.take_up + truth.take_risk * customers.risk + truth.take_wait * wait)[owner]
    return Invoices(
        owner=owner,
        issue=issue,
        due=due,
        cents=cents,
        no_due=rng.random(count) < truth.no_due_share,
        offered=offered,
        dispute_from=np.where(disputed, opened, NEVER),
        dispute_to=np.where(disputed, np.minimum(closed, usual), NEVER),
        usual=usual,
        taken=offered & ~disputed & (rng.random(count) < odds / (1.0 + odds)),
    )


def _draw_usual(
    customers: Customers, owner: Ints, issue: Ints, due: Ints, opened: Ints, closed: Ints,
    process: Process, rng: Generator,
) -> Ints:  # fmt: skip
    """Day of payment in full without a discount; slower in disputes and while the customer is in distress."""
    truth, clock = process.truth, process.clock
    run, anchor = customers.run[owner], due + customers.habit[owner]
    need = rng.standard_exponential(len(owner)) / np.exp(customers.frailty[owner])
    usual = clock.first_day(run, anchor, issue, need)
    begin, end = customers.distress_from[owner], customers.distress_to[owner]
    touched = (opened <= usual) & (opened < NEVER)
    touched |= (begin <= usual) & (begin < NEVER) & (end > issue)
    slow = np.flatnonzero(touched)
    spells = (
        (opened[slow], closed[slow], truth.dispute_hazard),
        (begin[slow], end[slow], truth.distress_hazard),
    )
    usual[slow] = clock.first_day_in_spells(run[slow], anchor[slow], issue[slow], need[slow], spells)
    return usual


def _is_offered(customers: Customers, owner: Ints, issue: Ints, cents: Ints, truth: Truth) -> Flags:
    codes = [k for k, s in enumerate(truth.segments) if s.name == truth.discount_segment]
    rule = np.isin(customers.segment[owner], codes) & (cents >= round(truth.discount_minimum * 100))
    running = (issue >= day_number(truth.discount_from)) & (cents > 0)
    return np.asarray((rule | customers.friend[owner]) & running, bool)


Row = tuple[Ints, Ints, int, Ints]  # invoices, days, kind, cents


def _draw_events(
    customers: Customers, invoices: Invoices, deposit: Ints, process: Process, rng: Generator
) -> Events:
    """All events up to the end: cash and credits until the insolvency, then write-off and recovery."""
    truth, calendar = process.truth, process.calendar
    every = np.arange(len(invoices.owner))
    late = rng.random(len(every)) < truth.late_booking_share
    lag = np.where(late, rng.integers(1, 8, len(every)), 0)
    credit, credit_day = _draw_credits(invoices, deposit, process, rng)
    rest = invoices.cents - deposit - credit
    day, discount = _draw_taken(invoices, rest, process, rng)
    rows: list[Row] = [
        (every, invoices.issue, PAYMENT, deposit),
        (every, credit_day, CREDIT_NOTE, credit),
        (every, day, DISCOUNT, discount),
    ]
    _add_payments(rows, customers, invoices, rest - discount, day, process, rng)
    account = np.flatnonzero((rng.random(len(every)) < truth.on_account_share) & (invoices.cents > 0))
    rows.append((account, day[account], PAYMENT, np.maximum(invoices.cents[account] // 8, SMALLEST)))
    cash = _stack(rows, lag, len(account))
    solvent = cash.day < customers.default[invoices.owner[cash.invoice]]
    cash = _select(cash, np.flatnonzero(solvent & (cash.cents != 0)))
    events = _join(cash, _losses(customers, invoices, cash, calendar))
    known = np.flatnonzero(np.maximum(events.recorded, events.day) <= calendar.end)
    return _select(events, known[np.lexsort((events.invoice[known], events.day[known]))])


def _draw_credits(invoices: Invoices, deposit: Ints, process: Process, rng: Generator) -> tuple[Ints, Ints]:
    """Credit notes before the payment: at the end of a dispute, in part, or for the whole invoice."""
    truth, count = process.truth, len(invoices.owner)
    draw, share = rng.random(count), rng.random(count)
    plain = process.calendar.open_after(invoices.issue + rng.integers(2, 21, count))
    disputed = invoices.dispute_to < NEVER
    settled = disputed & (draw < truth.dispute_credit) & (invoices.dispute_to < invoices.usual)
    free = ~disputed & ~invoices.taken & (invoices.cents > 0) & (deposit == 0) & (plain < invoices.usual)
    whole = free & (draw < truth.full_credit_share)
    part = free & ~whole & (draw < truth.full_credit_share + truth.credit_share)
    fraction = np.where(settled, 0.05 + 0.45 * share, 0.03 + 0.22 * share)
    credit = np.where(settled | part, np.rint(invoices.cents * fraction), 0.0).astype(np.int64)
    credit = np.where(whole, invoices.cents, np.minimum(credit, invoices.cents - deposit))
    return np.where(invoices.cents > 0, credit, 0), np.where(settled, invoices.dispute_to, plain)


def _draw_taken(invoices: Invoices, rest: Ints, process: Process, rng: Generator) -> tuple[Ints, Ints]:
    """Day of the payment, and the discount deducted."""
    earned = rng.random(len(rest)) >= process.truth.unearned_share
    deadline = process.calendar.open_before(invoices.issue + process.truth.discount_days)
    day = np.where(invoices.taken & earned, np.minimum(invoices.usual, deadline), invoices.usual)
    discount = np.where(invoices.taken, np.rint(rest * process.truth.discount_rate), 0.0)
    return day, discount.astype(np.int64)


def _add_payments(
    rows: list[Row],
    customers: Customers,
    invoices: Invoices,
    owed: Ints,
    day: Ints,
    process: Process,
    rng: Generator,
) -> None:
    """Add cash: whole, in two parts, too much, or returned by the bank and paid again."""
    truth, calendar, count = process.truth, process.calendar, len(owed)
    draw, share = rng.random(count), 0.3 + 0.4 * rng.random(count)
    edges = np.cumsum([truth.partial_share, truth.overpaid_share, truth.bounced_share])
    kind = np.where(
        ~invoices.taken & (owed > SMALLEST) & (day <= calendar.end), np.searchsorted(edges, draw), 3
    )
    split, bounced = np.flatnonzero(kind == 0), np.flatnonzero(kind == 2)
    factor = np.where(kind == 0, share, np.where(kind == 1, 1.0 + share / 5.0, 1.0))
    paid = np.where(kind <= 1, np.rint(owed * factor), owed).astype(np.int64)
    rows.append((np.arange(count), day, PAYMENT, paid))
    owner = invoices.owner[split]
    need = rng.standard_exponential(len(split)) / np.exp(customers.frailty[owner])
    second = process.clock.first_day(customers.run[owner], day[split] + 14, day[split] + 1, need)
    rows.append((split, second, PAYMENT, owed[split] - paid[split]))
    rows.append((bounced, calendar.open_after(day[bounced] + 3), PAYMENT, -paid[bounced]))
    rows.append((bounced, calendar.open_after(day[bounced] + 11), PAYMENT, paid[bounced]))


def _losses(customers: Customers, invoices: Invoices, cash: Events, calendar: Calendar) -> Events:
    """Write-off of what insolvent customers owe, and what comes back afterwards in two parts."""
    bound = np.flatnonzero(~cash.on_account)
    paid = np.bincount(cash.invoice[bound], weights=cash.cents[bound], minlength=len(invoices.owner))
    left = invoices.cents - np.rint(paid).astype(np.int64)
    lost = np.flatnonzero((left > 0) & (customers.default[invoices.owner] < NEVER))
    owner, amount = invoices.owner[lost], left[lost]
    share = customers.recovery + np.where((customers.recovery > 0) & (customers.security >= 0), 0.25, 0.0)
    back = np.rint(amount * share[owner]).astype(np.int64)
    first = np.rint(back * customers.second[owner]).astype(np.int64)
    gone = customers.default[owner] + customers.written_off[owner]
    again = gone + customers.recovered[owner]
    day = calendar.open_after(np.concatenate([gone, again, again + 90]))
    cents = np.concatenate([amount, first, back - first])
    kind = np.repeat([WRITE_OFF, RECOVERY, RECOVERY], len(lost))
    events = Events(np.tile(lost, 3), np.zeros(len(day), bool), day, day, kind, cents)
    return _select(events, np.flatnonzero(cents > 0))


def _stack(rows: list[Row], lag: Ints, on_account: int) -> Events:
    """Rows as events; the last `on_account` name no invoice; an invoice has one booking lag."""
    invoice, day, cents = (np.concatenate([row[k] for row in rows]) for k in (0, 1, 3))
    kind = np.repeat([row[2] for row in rows], [len(row[0]) for row in rows])
    late = np.where((kind <= DISCOUNT) & (day < NEVER), lag[invoice], 0)
    account = np.arange(len(invoice)) >= len(invoice) - on_account
    return Events(invoice, account, day, day + late, kind, cents)


def _select(events: Events, rows: Ints) -> Events:
    return Events(**{f.name: getattr(events, f.name)[rows] for f in fields(events)})


def _join(one: Events, two: Events) -> Events:
    return Events(
        **{f.name: np.concatenate([getattr(one, f.name), getattr(two, f.name)]) for f in fields(one)}
    )


def _as_known(customers: Customers, invoices: Invoices, end: int) -> Invoices:
    """Disputes as the ledger shows them at its end: not yet opened or closed is missing."""
    seen = (invoices.dispute_from <= end) & (invoices.dispute_from < customers.default[invoices.owner])
    closed = np.where(seen & (invoices.dispute_to <= end), invoices.dispute_to, NEVER)
    return replace(invoices, dispute_from=np.where(seen, invoices.dispute_from, NEVER), dispute_to=closed)
