"""The ledger: everything that happened, as integers.

A `Snapshot` of it is what was known on one day; models accept nothing else, so that nothing can look past
that day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from arrisk.errors import LedgerError
from arrisk.ledger.days import as_date, dates, day_number
from arrisk.ledger.engine import Engine
from arrisk.ledger.quarantine import LedgerChecks
from arrisk.ledger.relations import given_table, known, make_relation, named_in
from arrisk.ledger.snapshot import Snapshot
from arrisk.ledger.spells import make_spells
from arrisk.ledger.tables import currency_digits

__all__ = ["Ledger", "LedgerSize", "Snapshot"]

_NUMBERS = count()


class LedgerSize(NamedTuple):
    """How much a ledger holds, and the first and last day (day numbers) on which a movement was known."""

    invoices: int
    items: int
    events: int
    customers: int
    first_day: int
    last_day: int


@dataclass(frozen=True, eq=False)
class Ledger:
    """Everything that happened, normalised to integers; make one with `read_ledger`.

    Attributes
    ----------
    currency : str
        Reporting currency. Documents in others are converted at the rate of their invoice's date; balances
        are not revalued.
    tables : mapping of str to DataFrame
        What is also an attribute: items, events, customers, orders, limits, signals (normalised: days as day
        numbers, amounts in minor units, `day` is when a row was known), movements and recoveries (see
        `arrisk.ledger.postings`), and quarantine (rows set apart: table, source, line, reason, detail,
        amount, currency, row).
    size : LedgerSize
    checks : LedgerChecks
        Rows and money in, kept, set apart.
    engine : Engine
        Runs the statements.
    relations : mapping of str to Path
        Files from which the engine reads relations; it is handed the others as tables.
    """

    currency: str
    tables: Mapping[str, pd.DataFrame]
    size: LedgerSize
    checks: LedgerChecks
    engine: Engine
    relations: Mapping[str, Path] = field(default_factory=dict)

    @property
    def items(self) -> pd.DataFrame:
        """Items (invoices, or parts of them) by invoice and part."""
        return self.tables["items"]

    @property
    def events(self) -> pd.DataFrame:
        """Events in the order of their rows."""
        return self.tables["events"]

    @property
    def customers(self) -> pd.DataFrame:
        """Customers by id, with their attributes."""
        return self.tables["customers"]

    @property
    def orders(self) -> pd.DataFrame:
        """Orders by date."""
        return self.tables["orders"]

    @property
    def limits(self) -> pd.DataFrame:
        """Credit limits by date."""
        return self.tables["limits"]

    @property
    def signals(self) -> pd.DataFrame:
        """Outside signals by date."""
        return self.tables["signals"]

    @property
    def movements(self) -> pd.DataFrame:
        """Signed changes of the open balance; see `arrisk.ledger.postings`."""
        return self.tables["movements"]

    @property
    def recoveries(self) -> pd.DataFrame:
        """Cash received after write-off; see `arrisk.ledger.postings`."""
        return self.tables["recoveries"]

    @property
    def quarantine(self) -> pd.DataFrame:
        """Rows set apart, and why."""
        return self.tables["quarantine"]

    @cached_property
    def spells(self) -> pd.DataFrame:
        """When items stood open; see `arrisk.ledger.spells.make_spells`."""
        return self.tables["spells"] if "spells" in self.tables else make_spells(self.items, self.movements)

    @cached_property
    def _registered(self) -> dict[str, str]:
        """Names of relations in the engine, which may hold several ledgers; filled as they are asked for."""
        return {}

    def _engine_name(self, relation: str) -> str:
        if relation not in self._registered:
            name = f"ledger_{relation}_{next(_NUMBERS)}"
            self.engine.register(name, self.relations.get(relation) or make_relation(relation, self))
            self._registered[relation] = name
        return self._registered[relation]

    def query(self, day: int, statement: str, **frames: pd.DataFrame) -> pd.DataFrame:
        """Run a statement on what was known on a day (a day number); see `Snapshot.query`."""
        names = {relation: self._engine_name(relation) for relation in named_in(statement)}
        more = {name: f"SELECT * FROM given_{name}" for name in frames}
        for name, frame in frames.items():
            self.engine.register(f"given_{name}", given_table(frame))
        found: pd.DataFrame = self.engine.fetch(known(day, statement, names, more))
        return found

    @cached_property
    def sorted_events(self) -> pd.DataFrame:
        """Events by date, invoice, kind, number and amount."""
        keys = ["event_day", "invoice_id", "kind", "event_id", "reported"]
        table = pa.Table.from_pandas(self.events[keys], preserve_index=False)
        order = pc.sort_indices(table, sort_keys=[(key, "ascending") for key in keys])  # missing ones last
        ordered: pd.DataFrame = self.events.iloc[order.to_numpy()]
        return ordered

    @property
    def scale(self) -> int:
        """Minor units in one unit of the reporting currency."""
        return int(10 ** currency_digits(self.currency))

    @property
    def first_date(self) -> pd.Timestamp:
        """The day on which the first movement was known."""
        return pd.Timestamp(dates([self.size.first_day])[0])

    @property
    def last_date(self) -> pd.Timestamp:
        """The day on which the last movement was known."""
        return pd.Timestamp(dates([self.size.last_day])[0])

    def as_of(self, date: str | dt.date | pd.Timestamp) -> Snapshot:
        """The state of the ledger as it was known at the end of a day.

        Parameters
        ----------
        date : str or date
            Always given; there is no default.

        Raises
        ------
        LedgerError
            If it is not a calendar day, or nothing was known by then.
        """
        day = day_number(date)
        if day < self.size.first_day:
            raise LedgerError(
                f"nothing was known on {as_date(date):%Y-%m-%d}; the ledger begins {self.first_date:%Y-%m-%d}"
            )
        return Snapshot(self, as_date(date))

    def tie_out(self, date: str | dt.date | pd.Timestamp, balance: float | Decimal | str) -> None:
        """Compare the open balance with a control total, to the minor unit.

        Raises
        ------
        LedgerError
            If they differ; names the difference and what is in quarantine.
        """
        want = int((Decimal(str(balance)) * self.scale).to_integral_value())
        have = self.as_of(date).open_minor
        if want == have:
            return
        apart = self.quarantine["amount"].sum()
        raise LedgerError(
            f"the open balance on {as_date(date):%Y-%m-%d} is {have / self.scale:,.2f} {self.currency}, "
            f"the control total {want / self.scale:,.2f}: difference {(have - want) / self.scale:,.2f}; "
            f"{len(self.quarantine)} rows worth {apart:,.2f} are in quarantine"
        )

    def store(self, folder: str | Path) -> Path:
        """Keep the ledger in a folder, from which `open_ledger` opens it without reading the source again.

        Parameters
        ----------
        folder : str or Path
            Made anew; a ledger stored there before is replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        LedgerError
            If the folder holds something else.
        """
        from arrisk.ledger.stored import store_ledgers

        return store_ledgers([self], folder)

    def __repr__(self) -> str:
        return (
            f"Ledger({self.size.invoices:,} invoices, {self.size.events:,} events, "
            f"{self.size.customers:,} customers, {self.currency}, known {self.first_date:%Y-%m-%d} to "
            f"{self.last_date:%Y-%m-%d}, {len(self.quarantine)} rows in quarantine)"
        )
