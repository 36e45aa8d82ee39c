"""The state of a ledger as it was known at the end of one day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import frame_html, money
from arrisk.errors import LedgerError, LookAheadError
from arrisk.ledger import statements
from arrisk.ledger.days import as_date, dates, day_number
from arrisk.ledger.item_frame import item_frame
from arrisk.ledger.statements import ITEM_ATTRIBUTES

if TYPE_CHECKING:
    from arrisk.ledger.book import Ledger

__all__ = ["Snapshot"]


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

    @property
    def source(self) -> object:
        """Identity of the ledger, the same on all days: a key for what holds on all of them."""
        return self._ledger

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
        total = self.query("SELECT CAST(SUM(amount) AS BIGINT) AS amount FROM movements")["amount"]
        return int(total.fillna(0).iloc[0])

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

    @property
    def item_numbers(self) -> np.ndarray:
        """Numbers by which statements know the items, in the order of `items`, shape (items,)."""
        items = self._ledger.items
        return items["item"].to_numpy(dtype=np.int64)[(items["day"] <= self.day).to_numpy()]

    def _states(self) -> dict[str, np.ndarray]:
        """What is open, how the rest was settled and when last, by number of the item; zero if unknown."""
        size, found = self._ledger.size.items, self.query(statements.item_states())
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
        found = self.query(statements.unapplied_cash())
        amount = found["amount"].to_numpy(dtype=np.int64) / self.scale
        out = pd.DataFrame({"customer_id": found["customer_id"].to_numpy(dtype=object), "amount": amount})
        return out.sort_values("customer_id", ignore_index=True)

    @cached_property
    def losses(self) -> pd.DataFrame:
        """Customers with anything written off: customer_id, written_off_amount and recovered_amount, what of
        it came back on the items written off; sorted by customer.
        """
        lost = self.query(statements.written_off()).set_index("customer_id")["amount"]
        back = self._ledger.recoveries
        back = back[((back["day"] <= self.day) & back["item"].notna()).to_numpy()]
        numbers = self._ledger.customers.set_index("customer")["customer_id"]
        names = numbers.loc[back["customer"].to_numpy(dtype=np.int64)].to_numpy()
        found = back["amount"].groupby(names).sum().reindex(lost.index, fill_value=0)
        amounts = {"written_off_amount": lost, "recovered_amount": found}
        units = {name: column.to_numpy(dtype=np.int64) / self.scale for name, column in amounts.items()}
        return pd.DataFrame(units, index=lost.index).sort_index().reset_index()

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
