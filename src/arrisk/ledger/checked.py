"""What the checks at the door work on: the rules, and the tables with what was found in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import LedgerError
from arrisk.ledger.quarantine import Details, Quarantine

__all__ = ["Checked", "Rules", "no_rate_details"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the door does with rows that have two honest readings.

    Parameters
    ----------
    prepayments : {"keep", "quarantine", "error"}
        Receipts dated before their invoice: kept as unapplied cash until the invoice is known (the default),
        set apart, or refused.
    unknown_customers : {"quarantine", "add"}
        Invoices of a customer who is not in the customers table, when there is one.
    negative_invoices : {"credit", "quarantine"}
        Negative invoices are credits with a column of their own, or set apart.

    Examples
    --------
    >>> Rules(prepayments="error").prepayments
    'error'
    """

    prepayments: Literal["keep", "quarantine", "error"] = "keep"
    unknown_customers: Literal["quarantine", "add"] = "quarantine"
    negative_invoices: Literal["credit", "quarantine"] = "credit"

    def __post_init__(self) -> None:
        allowed = {
            "prepayments": ("keep", "quarantine", "error"),
            "unknown_customers": ("quarantine", "add"),
            "negative_invoices": ("credit", "quarantine"),
        }
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise LedgerError(f"{name}={getattr(self, name)!r}; allowed: {', '.join(values)}")


@dataclass(slots=True)
class Checked:
    """The rows that passed, with what was noticed about them.

    Attributes
    ----------
    tables : dict of str to DataFrame
        All canonical tables. Beside their columns: `_source` and `_line`; `_customer` and, for invoices and
        events, `_invoice` (names as numbers, -1 for none) and `_known` (the day from which the row counts);
        for events `_waits` (it is not seen before its invoice is).
    currency : str
        The reporting currency.
    quarantine : Quarantine
    notes : list of str
    customer_ids : array of str
        The names behind `_customer`.
    """

    tables: dict[str, pd.DataFrame]
    currency: str
    quarantine: Quarantine
    notes: list[str] = field(default_factory=list)
    customer_ids: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, dtype=object))

    def set_apart(self, name: str, bad: Any, reason: Any, detail: str | Details | Any) -> None:
        """Move bad rows of a table to quarantine."""
        self.quarantine.move(self.tables, name, bad, reason, detail)

    def note(self, which: Any, text: str) -> None:
        """Say how many rows were kept although they are unusual."""
        count = int(np.asarray(which, dtype=bool).sum())
        if count:
            self.notes.append(f"{count} {text}")

    def strangers(self, name: str) -> NDArray[np.bool_]:
        """Rows that name a customer who is not in the customers table."""
        known = np.zeros(len(self.customer_ids) + 1, dtype=bool)
        known[self.tables["customers"]["_customer"].to_numpy()] = True
        code = self.tables[name]["_customer"].to_numpy()
        return np.asarray((code >= 0) & ~known[code], dtype=bool)

    def without_rate(self, name: str, date: str) -> NDArray[np.bool_]:
        """Rows in a foreign currency for which there is no rate on or before their date."""
        frame = self.tables[name]
        foreign = np.asarray(frame["currency"] != self.currency, dtype=bool)
        if not foreign.any():
            return foreign
        first = self.tables["rates"].groupby("currency")["date"].min()
        since = pd.to_datetime(frame["currency"].map(first))
        return np.asarray(foreign & ~np.asarray(since <= frame[date], dtype=bool), dtype=bool)

    def set_apart_without_rate(self, name: str, date: str) -> None:
        """Move rows to quarantine whose amount cannot be converted."""
        self.set_apart(name, self.without_rate(name, date), "no_rate", no_rate_details)


def no_rate_details(rows: pd.DataFrame) -> list[str]:
    """What is missing for each of some rows in a foreign currency."""
    return [f"no rate of {c} on or before the date; give a rates table" for c in rows["currency"]]
