"""Invoices replayed event by event: what each event settles, in the order in which things became known.

This is the definition of settlement; `postings` takes a shorter way where nothing can differ.

- Cash (payments, credit notes) settles the part it names, then the part due first. What does not fit is
  *unapplied*: it waits, oldest first, for room in a part, known now or later.
- A reversal of cash first takes back what is unapplied, then what was settled, the part due last first. What
  it cannot take back is unapplied too, as money owed by the customer.
- A discount or write-off fits into what is open, or is rejected as a whole; its reversal fits into what was
  taken.
- A recovery fits into what was written off and not yet recovered, or is rejected.

On one day, parts become known before events count. Events of one day count in the order of their dates, then
discounts and write-offs, cash, recoveries, reversals; the order of rows in the source decides nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Deed", "Lot", "Part", "Record", "Rejection", "Replay", "Unapplied"]

CASH = ("payment", "credit_note")
REASONS = {
    "exceeds_open_balance": "{kind} larger than what was open; allowed up to the open balance of the invoice",
    "reversal_beyond_taken": "reversal of a {kind} larger than what had been taken and not recovered",
    "recovery_beyond_write_off": "larger than what had been written off; cash before that is a payment",
}


class Deed(NamedTuple):
    """One event of an invoice: minor units of its currency, day numbers, factor to the reporting currency."""

    event: int
    kind: str
    amount: int
    event_day: int
    day: int
    customer: int
    factor: float
    instalment: int | None


class Record(NamedTuple):
    """What an event settles of an item (or recovers): positive reduces what is owed; document minor units."""

    item: int
    kind: str
    event_day: int
    day: int
    amount: int
    event: int


class Unapplied(NamedTuple):
    """A change of the balance by unapplied cash: negative is money of the customer; reporting minor units."""

    customer: int
    kind: str
    event_day: int
    day: int
    amount: int
    event: int


class Rejection(NamedTuple):
    """An event that cannot be posted."""

    event: int
    reason: str
    detail: str


@dataclass(slots=True)
class Part:
    """A part of an invoice and what became of it; all amounts have the sign of what is owed."""

    item: int
    instalment: int
    day: int
    owed: int
    customer: int
    factor: float
    cash: int = 0
    recovered: int = 0
    taken: dict[str, int] = field(default_factory=lambda: {"discount": 0, "write_off": 0})

    def room(self, kind: str, amount: int) -> int:
        """How much of an amount fits."""
        if kind in CASH:
            return _fit(self.cash, amount, 0, self.owed - sum(self.taken.values()))
        if kind == "recovery":
            return (
                _fit(self.recovered, amount, self.recovered, self.taken["write_off"]) if self.owed > 0 else 0
            )
        others = sum(value for name, value in self.taken.items() if name != kind)
        floor = self.recovered if kind == "write_off" else 0
        return _fit(self.taken[kind], amount, floor, self.owed - self.cash - others)

    def add(self, kind: str, amount: int) -> None:
        """Book an amount that fits."""
        if kind in CASH:
            self.cash += amount
        elif kind == "recovery":
            self.recovered += amount
        else:
            self.taken[kind] += amount


def _fit(value: int, amount: int, one: int, other: int) -> int:
    return min(max(value + amount, min(one, other)), max(one, other)) - value


@dataclass(slots=True)
class Lot:
    """Cash of one event that is unapplied, with its value in the reporting currency."""

    deed: Deed
    customer: int
    amount: int
    value: int

    def take(self, amount: int) -> int:
        """Take an amount out and return its value; the last of it takes all that is left."""
        value = amount if self.value == self.amount else round(self.value * amount / self.amount)
        value = self.value if amount == self.amount else value
        self.amount -= amount
        self.value -= value
        return value


@dataclass(slots=True)
class Replay:
    """One invoice; `run` fills the records, which grow with further invoices.

    Parameters
    ----------
    records, recoveries, unapplied, rejections : list
        Receive what happened.
    """

    records: list[Record] = field(default_factory=list)
    recoveries: list[Record] = field(default_factory=list)
    unapplied: list[Unapplied] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    _parts: list[Part] = field(default_factory=list)
    _lots: list[Lot] = field(default_factory=list)

    def run(self, parts: Sequence[Part], deeds: Iterable[Deed]) -> None:
        """Replay one invoice.

        Parameters
        ----------
        parts : sequence of Part
            In the order in which cash takes them.
        deeds : iterable of Deed
            In the order in which they count.
        """
        self._parts, self._lots = [], []
        waiting = sorted({part.day for part in parts}, reverse=True)
        for deed in deeds:
            while waiting and waiting[-1] <= deed.day:
                self._arrive(parts, waiting.pop())
            if deed.kind in CASH:
                self._cash(deed)
            else:
                self._whole(deed)
        while waiting:
            self._arrive(parts, waiting.pop())

    def _arrive(self, parts: Sequence[Part], day: int) -> None:
        if not self._parts:
            self._cancel_lots(day)
        self._parts = [part for part in parts if part.day <= day]
        self._use_lots(day)

    def _cancel_lots(self, day: int) -> None:
        """Let receipts and reversals cancel that came before the invoice was known."""
        kept: list[Lot] = []
        for lot in self._lots:
            while lot.amount and kept and kept[-1].amount * lot.amount < 0:
                size = min(abs(lot.amount), abs(kept[-1].amount))
                for one in (lot, kept[-1]):
                    self._take(one, size if one.amount > 0 else -size, one.deed, day)
                if not kept[-1].amount:
                    kept.pop()
            if lot.amount:
                kept.append(lot)
        self._lots = kept

    def _take(self, lot: Lot, amount: int, deed: Deed, day: int) -> None:
        """Take unapplied cash away because of an event."""
        value = lot.take(amount)
        self.unapplied.append(Unapplied(lot.customer, deed.kind, deed.event_day, day, value, deed.event))

    def _line(self, deed: Deed, forward: bool) -> list[Part]:
        """Parts in the order in which an event takes them: the one it names, then by due date, or back."""
        line = self._parts if forward else self._parts[::-1]
        if deed.instalment is None or len(line) < 2:
            return line
        return sorted(line, key=lambda part: part.instalment != deed.instalment)

    def _is_forward(self, amount: int) -> bool:
        return not self._parts or amount * self._first().owed >= 0

    def _first(self) -> Part:
        return min(self._parts, key=lambda part: (part.day, part.item))

    def _cash(self, deed: Deed) -> None:
        left = self._against_lots(deed)
        for part in self._line(deed, self._is_forward(left)) if left else []:
            if fits := part.room(deed.kind, left):
                part.add(deed.kind, fits)
                self.records.append(Record(part.item, deed.kind, deed.event_day, deed.day, fits, deed.event))
                left -= fits
        if left:
            self._set_aside(deed, left)

    def _against_lots(self, deed: Deed) -> int:
        """Let cash and reversals that are both unapplied cancel, the latest first; return what is left."""
        left = deed.amount
        while left and self._parts and self._lots and self._lots[-1].amount * left < 0:
            lot = self._lots[-1]
            taken = -left if abs(left) < abs(lot.amount) else lot.amount
            left += taken
            self._take(lot, taken, deed, deed.day)
            if not lot.amount:
                self._lots.pop()
        return left

    def _set_aside(self, deed: Deed, amount: int) -> None:
        known = self._first() if self._parts else None
        factor, customer = (known.factor, known.customer) if known else (deed.factor, deed.customer)
        value = amount if factor == 1.0 else round(amount * factor)
        self._lots.append(Lot(deed, customer, amount, value))
        self.unapplied.append(Unapplied(customer, deed.kind, deed.event_day, deed.day, -value, deed.event))

    def _use_lots(self, day: int) -> None:
        """Settle parts from unapplied cash wherever there is room."""
        for lot in self._lots:
            deed = lot.deed
            for part in self._line(deed, self._is_forward(lot.amount)):
                if fits := part.room(deed.kind, lot.amount):
                    part.add(deed.kind, fits)
                    self.records.append(Record(part.item, deed.kind, deed.event_day, day, fits, deed.event))
                    self._take(lot, fits, deed, day)
                if not lot.amount:
                    break
        self._lots = [lot for lot in self._lots if lot.amount]

    def _whole(self, deed: Deed) -> None:
        """Book an event that fits as a whole or not at all."""
        left, placed = deed.amount, []
        forward = self._is_forward(deed.amount)
        for part in self._line(deed, forward):
            if left and (fits := part.room(deed.kind, left)):
                placed.append((part, fits))
                left -= fits
        if left:
            recovery, reason = (
                deed.kind == "recovery",
                "exceeds_open_balance" if forward else "reversal_beyond_taken",
            )
            reason = "recovery_beyond_write_off" if recovery else reason
            said = REASONS[reason].format(kind=deed.kind.replace("_", "-"))
            self.rejections.append(Rejection(deed.event, reason, said))
            return
        book = self.recoveries if deed.kind == "recovery" else self.records
        for part, fits in placed:
            part.add(deed.kind, fits)
            book.append(Record(part.item, deed.kind, deed.event_day, deed.day, fits, deed.event))
        self._use_lots(deed.day)
