"""Settlement told slowly: one cent after the other, one day after the other, in whole numbers.

It knows nothing of arrays; tests compare the ledger with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

CASH = ("payment", "credit_note")
RANK = {"discount": 0, "write_off": 0, "payment": 1, "credit_note": 1, "recovery": 2}


def known(row: dict[str, Any], date: str) -> str:
    return max(row[date], row.get("recorded_date") or "")


@dataclass
class Part:
    row: dict[str, Any]
    place: int
    owed: int
    sums: Counter[str] = field(default_factory=Counter)

    @property
    def sign(self) -> int:
        return 1 if self.owed >= 0 else -1

    @property
    def cash(self) -> int:
        return self.sums["payment"] + self.sums["credit_note"]

    @property
    def open(self) -> int:
        return self.owed - self.cash - self.sums["discount"] - self.sums["write_off"]

    @property
    def order(self) -> tuple[str, int]:
        return self.row["due_date"] or self.row["issue_date"], self.row["instalment"]

    def takes(self, kind: str, cent: int) -> bool:
        """Whether one more cent (or one less) of a kind can be booked on the part."""
        more = cent == self.sign
        if kind == "recovery":
            return self.owed > 0 and self.sums["recovery"] < self.sums["write_off"]
        if more:
            return self.open != 0
        if kind in CASH:
            return self.cash != 0
        return abs(self.sums[kind]) > (self.sums["recovery"] if kind == "write_off" else 0)


@dataclass
class Cent:
    value: int
    kind: str
    customer: str
    named: int | None


@dataclass
class Invoice:
    parts: list[Part] = field(default_factory=list)
    pool: list[Cent] = field(default_factory=list)

    def line(self, value: int, named: int | None) -> list[Part]:
        line = sorted(self.parts, key=lambda p: p.order)
        if self.parts and value * self.first.owed < 0:
            line.reverse()
        return sorted(line, key=lambda p: named is not None and p.row["instalment"] != named)

    @property
    def first(self) -> Part:
        return min(self.parts, key=lambda p: (known(p.row, "issue_date"), p.place))

    def arrive(self, parts: list[Part]) -> None:
        if not self.parts:
            stack: list[Cent] = []
            for cent in self.pool:
                if stack and stack[-1].value != cent.value:
                    stack.pop()
                else:
                    stack.append(cent)
            self.pool = stack
        self.parts += parts
        self.use_pool()

    def use_pool(self) -> None:
        left = []
        for cent in self.pool:
            part = next(
                (p for p in self.line(cent.value, cent.named) if p.takes(cent.kind, cent.value)), None
            )
            if part is None:
                left.append(cent)
            else:
                part.sums[cent.kind] += cent.value
        self.pool = left

    def event(self, row: dict[str, Any]) -> None:
        cents = round(100 * row["amount"])
        value = 1 if cents > 0 else -1
        if row["kind"] not in CASH:
            self.whole(row, value, abs(cents))
            return
        for _ in range(abs(cents)):
            self.cent(row, value)

    def cent(self, row: dict[str, Any], value: int) -> None:
        if self.parts and self.pool and self.pool[-1].value != value:
            self.pool.pop()
            return
        line = self.line(value, row["instalment"])
        part = next((p for p in line if p.takes(row["kind"], value)), None)
        if part is not None:
            part.sums[row["kind"]] += value
            return
        customer = self.first.row["customer_id"] if self.parts else row["customer_id"]
        self.pool.append(Cent(value, row["kind"], customer, row["instalment"]))

    def whole(self, row: dict[str, Any], value: int, count: int) -> None:
        before = [Counter(p.sums) for p in self.parts]
        for _ in range(count):
            line = self.line(value, row["instalment"])
            part = next((p for p in line if p.takes(row["kind"], value)), None)
            if part is None:
                for p, sums in zip(self.parts, before, strict=True):
                    p.sums = sums
                return
            part.sums[row["kind"]] += value
        self.use_pool()


def replay(
    invoices: list[dict[str, Any]], events: list[dict[str, Any]], date: str
) -> tuple[dict[Any, Part], Counter[str]]:
    """Parts by (invoice, instalment) and unapplied cents by customer, as known at the end of a day."""
    parts = _parts(invoices)
    seen: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        seen[part.row["invoice_id"]].append(part)
    books = {name: Invoice() for name in seen}
    since = {name: min(known(p.row, "issue_date") for p in mine) for name, mine in seen.items()}
    unapplied: Counter[str] = Counter()
    diary: dict[str, list[tuple[Any, dict[str, Any]]]] = defaultdict(list)
    for number, row in enumerate(events):
        name = row["invoice_id"]
        if name not in seen:
            if row["kind"] in CASH and known(row, "date") <= date:
                unapplied[row["customer_id"]] += round(100 * row["amount"])
            continue
        if row["kind"] == "recovery" and row["amount"] < 0:
            continue
        day = known(row, "date") if row["kind"] in CASH else max(known(row, "date"), since[name])
        first = min(seen[name], key=lambda p: (known(p.row, "issue_date"), p.place))
        rank = RANK[row["kind"]] + 10 * (row["amount"] * first.owed < 0)
        diary[day].append(((row["date"], rank, number), row))
    days = sorted({*diary, *(known(p.row, "issue_date") for p in parts)})
    for day in [d for d in days if d <= date]:
        for name, mine in seen.items():
            if new := [p for p in mine if known(p.row, "issue_date") == day]:
                books[name].arrive(new)
        for _, row in sorted(diary[day], key=lambda entry: entry[0]):
            books[row["invoice_id"]].event(row)
    for book in books.values():
        for cent in book.pool:
            unapplied[cent.customer] += cent.value
    found = {(p.row["invoice_id"], p.row["instalment"]): p for b in books.values() for p in b.parts}
    return found, unapplied


def _parts(invoices: list[dict[str, Any]]) -> list[Part]:
    """Rows in the order in which they became known; the first of a number counts."""
    out: dict[Any, Part] = {}
    for place, row in enumerate(sorted(invoices, key=lambda r: known(r, "issue_date"))):
        key = row["invoice_id"], row["instalment"]
        out.setdefault(key, Part(row, place, round(100 * row["amount"])))
    return list(out.values())
