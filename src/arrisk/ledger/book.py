"""The ledger and its state as of a date.

A `Ledger` holds what happened, as integers. A `Snapshot` is what was known on one day; models accept nothing
else, so that nothing can look past that day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import count

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from arrisk.display import frame_html, money
from arrisk.errors import LedgerError, LookAheadError
from arrisk.ledger import statements
from arrisk.ledger.days import as_date, dates, day_number
from arrisk.ledger.engine import Engine
from arrisk.ledger.item_frame import item_frame
from arrisk.ledger.quarantine import LedgerChecks
from arrisk.ledger.relations import given_table, known, make_relation, named_in
from arrisk.ledger.spells import make_spells
from arrisk.ledger.statements import ITEM_ATTRIBUTES
from arrisk.ledger.tables import currency_digits

__all__ = ["Ledger", "Snapshot"]

_NUMBERS = count()


@dataclass(frozen=True, eq=False)
class Ledger:
    """Everything that happened, normalised to integers; make one with `read_ledger`.

    Attributes
    ----------
    currency : str
        Reporting currency. Documents in others are converted at the rate of their invoice's date; balances
        are not revalued.
    items, events, customers, orders, limits, signals : DataFrame
        Normalised tables: days as day numbers, amounts in minor units, `day` is when a row was known.
    movements, recoveries : DataFrame
        See `arrisk.ledger.postings`.
    quarantine : DataFrame
        Rows set apart: table, source, line, reason, detail, amount, currency, row.
    checks : LedgerChecks
        Rows and money in, kept, set apart.
    engine : Engine
        Runs the statements.
    """

    currency: str
    items: pd.DataFrame
    events: pd.DataFrame
    customers: pd.DataFrame
    orders: pd.DataFrame
    limits: pd.DataFrame
    signals: pd.DataFrame
    movements: pd.DataFrame
    recoveries: pd.DataFrame
    quarantine: pd.DataFrame
    checks: LedgerChecks
    engine: Engine

    @cached_property
    def spells(self) -> pd.DataFrame:
        """When items stood open; see `arrisk.ledger.spells.make_spells`."""
        return make_spells(self.items, self.movements)

    @cached_property
    def _registered(self) -> dict[str, str]:
        """Names of relations in the engine, which may hold several ledgers; filled as they are asked for."""
        return {}

    def _engine_name(self, relation: str) -> str:
        if relation not in self._registered:
            name = f"ledger_{relation}_{next(_NUMBERS)}"
            self.engine.register(name, make_relation(relation, self))
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
        return pd.Timestamp(dates([self.movements["day"].min()])[0])

    @property
    def last_date(self) -> pd.Timestamp:
        """The day on which the last movement was known."""
        return pd.Timestamp(dates([self.movements["day"].max()])[0])

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
        if day < int(self.movements["day"].min()):
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

    def __repr__(self) -> str:
        return (
            f"Ledger({self.items['invoice_id'].nunique():,} invoices, {len(self.events):,} events, "
            f"{len(self.customers):,} customers, {self.currency}, known {self.first_date:%Y-%m-%d} to "
            f"{self.last_date:%Y-%m-%d}, {len(self.quarantine)} rows in quarantine)"
        )


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What was known of a ledger at the end of one day; amounts in currency units, exact to the minor unit.

    Attributes
    ----------
    date : Timestamp
        The as-of date.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({
    ...     "invoice_id": ["1"], "customer_id": ["c"], "issue_date": ["2020-04-30"], "amount": [100.0]}),
    ...     "events": pd.DataFrame({"invoice_id": ["1"], "date": ["2020-06-30"], "kind": ["payment"],
    ...     "amount": [100.0]})}, currency="EUR")
    >>> ledger.as_of("2020-05-31").open_balance, ledger.as_of("2020-06-30").open_balance
    (100.0, 0.0)
    """

    _ledger: Ledger
    date: pd.Timestamp

    @property
    def currency(self) -> str:
        """Reporting currency."""
        return self._ledger.currency

    @property
    def scale(self) -> int:
        """Minor units in one unit of the reporting currency."""
        return self._ledger.scale

    @property
    def day(self) -> int:
        """The as-of date as a day number."""
        return day_number(self.date)

    def as_of(self, date: str | dt.date | pd.Timestamp) -> Snapshot:
        """The state at an earlier day.

        Raises
        ------
        LookAheadError
            If the day is later than this snapshot's.
        """
        if as_date(date) > self.date:
            raise LookAheadError(
                f"a snapshot of {self.date:%Y-%m-%d} cannot look ahead to {as_date(date):%Y-%m-%d}"
            )
        return self._ledger.as_of(date)

    def query(self, statement: str, **frames: pd.DataFrame) -> pd.DataFrame:
        """Run a statement, as in `arrisk.ledger.statements`, on what was known at the date.

        Parameters
        ----------
        statement : str
            Reads relations of `arrisk.ledger.relations`, each named after FROM or JOIN.
        **frames : DataFrame
            Further relations under the names given, such as a calendar: whole numbers and texts.

        Returns
        -------
        DataFrame
            Whole numbers are Int64; the order of rows is the statement's.
        """
        return self._ledger.query(self.day, statement, **frames)

    def attribute(self, by: str | None) -> str | None:
        """Pass on the name of an attribute of customers or items, as a statement may group by it.

        Raises
        ------
        LedgerError
            If there is no such attribute.
        """
        names = [
            *self._ledger.customers.columns.drop(["customer", "since_day", "first_day"]),
            *ITEM_ATTRIBUTES,
        ]
        if by is not None and by not in names:
            raise LedgerError(f"no attribute {by!r}; there are {', '.join(map(str, names))}")
        return by

    @property
    def first_date(self) -> pd.Timestamp:
        """The day on which the first movement was known."""
        return self._ledger.first_date

    @cached_property
    def open_minor(self) -> int:
        """Open balance in minor units: items owed, less credits, less unapplied cash."""
        seen = self._ledger.movements["day"].to_numpy() <= self.day
        return int(self._ledger.movements["amount"].to_numpy()[seen].sum())

    @property
    def open_balance(self) -> float:
        """Open balance in currency units."""
        return self.open_minor / self.scale

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row an item (invoice or instalment) known at the date, open or closed, sorted by its id.

        Columns: invoice_id, instalment, customer_id, issue_date, due_date, amount, open_amount, paid_amount,
        discount_amount, credited_amount, written_off_amount, recovered_amount, closed_date, close_kind
        ("open", "paid", "credited", "written_off"), days_overdue (as of the date; negative is not due),
        disputed, salesperson, department, order_id, discount_rate, discount_days, currency (of the document;
        all amounts are in the reporting currency), recorded_date (the day on which it counted as known).
        """
        seen = self._ledger.items[(self._ledger.items["day"] <= self.day).to_numpy()]
        place = seen["item"].to_numpy()
        states = {name: column[place] for name, column in self._states().items()}
        return item_frame(seen, states, self.day, self.scale)

    def _states(self) -> dict[str, np.ndarray]:
        """What is open, how the rest was settled and when last, by number of the item; zero if unknown."""
        size, found = len(self._ledger.items), self.query(statements.item_states())
        place = found["item"].to_numpy(dtype=np.int64)
        states = {name: np.zeros(size, dtype=np.int64) for name in [*found.columns[1:], "recovered"]}
        for name in found.columns[1:]:
            states[name][place] = found[name].to_numpy(dtype=np.int64, na_value=0)
        back = self._ledger.recoveries
        back = back[((back["day"] <= self.day) & back["item"].notna()).to_numpy()]
        np.add.at(
            states["recovered"],
            back["item"].to_numpy(dtype=np.int64),
            back["amount"].to_numpy(dtype=np.int64),
        )
        return states

    @property
    def open_items(self) -> pd.DataFrame:
        """The items with something open, credits included."""
        return self.items[self.items["open_amount"] != 0].reset_index(drop=True)

    @cached_property
    def events(self) -> pd.DataFrame:
        """Events known at the date: event_id, invoice_id, instalment, customer_id, date, recorded_date, kind,
        amount; the recorded date is the day on which the event counted as known.
        """
        seen = self._ledger.sorted_events
        seen = seen[(seen["day"] <= self.day).to_numpy()].reset_index(drop=True)
        out = seen[["event_id", "invoice_id", "instalment", "customer_id", "kind"]].copy()
        out.insert(4, "date", dates(seen["event_day"]))
        out.insert(5, "recorded_date", dates(seen["day"]))
        # Cash in a foreign currency is worth its own day's rate until its invoice is known.
        amount = np.where(seen["since"] <= self.day, seen["reported"], seen["reported_early"])
        out["amount"] = amount.astype(float) / self.scale
        return out

    @cached_property
    def unapplied(self) -> pd.DataFrame:
        """Cash not applied to any item: customer_id, amount (positive is owed to the customer)."""
        moves = self._ledger.movements
        mine = moves[(moves["day"] <= self.day) & (moves["side"] == statements.UNAPPLIED)]
        totals = -mine.groupby("customer")["amount"].sum()
        totals = totals[totals != 0]
        names = self._ledger.customers.set_index("customer")["customer_id"]
        out = pd.DataFrame(
            {"customer_id": names.reindex(totals.index).to_numpy(), "amount": totals.to_numpy() / self.scale}
        )
        return out.sort_values("customer_id", ignore_index=True)

    @cached_property
    def customers(self) -> pd.DataFrame:
        """Customers known at the date, with the attributes given; `segment` is "all" when none was given."""
        table = self._ledger.customers
        first = table[["since_day", "first_day"]].min(axis=1)
        seen = table[(first <= self.day).fillna(False).to_numpy(dtype=bool)]
        return seen.drop(columns=["customer", "since_day", "first_day"]).reset_index(drop=True)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Orders placed by the date; what happened to them later is not shown."""
        table = self._ledger.orders
        seen = table[table["order_date"] <= self.date]
        later = (seen["invoiced_date"] > self.date) | (seen["billed_day"] > self.day)
        seen = seen.drop(columns="billed_day")
        seen["invoice_id"] = seen["invoice_id"].mask(later, None)
        seen["invoiced_date"] = seen["invoiced_date"].mask(later)
        seen["cancelled_date"] = seen["cancelled_date"].mask(seen["cancelled_date"] > self.date)
        return seen.reset_index(drop=True)

    @cached_property
    def limits(self) -> pd.DataFrame:
        """Credit limits set by the date; the last row of a customer is the one in force."""
        table = self._ledger.limits
        return table[table["valid_from"] <= self.date].reset_index(drop=True)

    @cached_property
    def signals(self) -> pd.DataFrame:
        """Outside signals known at the date."""
        table = self._ledger.signals
        seen = table[["date", "recorded_date"]].max(axis=1) <= self.date
        return table[seen].reset_index(drop=True)

    def __repr__(self) -> str:
        return f"Snapshot({self.date:%Y-%m-%d}, open {money(self.open_balance, self.currency, 2)})"

    def _repr_html_(self) -> str:
        items = self.open_items
        facts = pd.DataFrame(
            {
                "as of": [self.date],
                "open balance": [self.open_balance],
                "open items": [len(items)],
                "customers": [items["customer_id"].nunique()],
                "overdue": [
                    items.loc[(items["days_overdue"] > 0) & (items["amount"] > 0), "open_amount"].sum()
                ],
                "unapplied cash": [self.unapplied["amount"].sum()],
            }
        )
        return frame_html(
            facts,
            f"State of the ledger ({self.currency})",
            formats={"open balance": "money", "overdue": "money"},
        )
