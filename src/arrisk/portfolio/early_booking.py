"""Figures made to look better at a month end: receipts taken back and invoices credited soon after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from arrisk.display import Table, frame_html
from arrisk.errors import LedgerError
from arrisk.ledger.book import Snapshot

__all__ = ["EarlyBooking", "check_early_booking"]


COLUMNS = ("unit", "check", "at_month_end", "undone", "elsewhere", "undone_elsewhere", "p_value")
Row = tuple[str, str, int, int, int, int, float]
RECEIPT, INVOICE = "receipt taken back", "invoice credited"


@dataclass(frozen=True, slots=True, eq=False)
class EarlyBooking:
    """Documents of the last days of a month that were undone soon after, by unit.

    Attributes
    ----------
    table : DataFrame
        unit, check, at_month_end (documents booked on the last days of a month), undone (of these), elsewhere
        (documents of all units on other days), undone_elsewhere, p_value (one-sided, Fisher's exact test),
        p_adjusted (Holm, over all rows), flagged.
    as_of : Timestamp
    unit : str
        The attribute of the invoices that names the units.
    last_days, within, months : int
    level : float
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    unit: str
    last_days: int
    within: int
    months: int
    level: float

    @property
    def conventions(self) -> str:
        """What was counted, in words."""
        return (
            f"Booked on the last {self.last_days} days of a month and undone within {self.within} days, "
            f"against all documents of other days, {self.months} months; Fisher's exact test, one-sided, "
            f"Holm's adjustment over {len(self.table)} rows, flagged at {self.level:.0%}. A receipt is "
            "undone by a reversal, an invoice by credit notes for half of it or more."
        )

    @property
    def finding(self) -> str:
        """The result in a sentence."""
        if self.table.empty:
            return f"The ledger names no {self.unit}, so nobody's bookings can be compared."
        flagged = self.table[self.table["flagged"]]
        if flagged.empty:
            return (
                f"No sign of early booking: of {int(self.table['at_month_end'].sum()):,} documents booked at "
                f"month ends {int(self.table['undone'].sum()):,} were undone within {self.within} days."
            )
        names = ", ".join(f"{row.unit} ({row.check})" for row in flagged.itertuples())
        return f"Look at the bookings of {names}: more is undone after month ends than chance explains."

    def to_table(self, name: str = "early_booking") -> Table:
        """The check ready to be shown."""
        shown = self.table.rename(columns={"unit": self.unit})
        return Table(
            name, self.finding, shown, self.conventions, {"p_value": "number", "p_adjusted": "number"}
        )

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def check_early_booking(
    snapshot: Snapshot,
    unit: str = "salesperson",
    months: int = 12,
    last_days: int = 3,
    within: int = 30,
    level: float = 0.05,
) -> EarlyBooking:
    """Compare what is undone after month ends with what is undone otherwise.

    A target that counts receipts or sales up to a month end invites to book them a few days early and to undo
    them after. What was booked less than `within` days before the snapshot is left out, for it may still be
    undone.

    Parameters
    ----------
    snapshot : Snapshot
    unit : {"salesperson", "department"}
        Who booked: an attribute of the invoices.
    months : int
        Months looked at.
    last_days : int
        Days that count as the end of a month.
    within : int
        Days within which a document is undone.
    level : float
        Probability of a false flag over all comparisons.

    Returns
    -------
    EarlyBooking
        Without rows when the ledger names no unit.

    Raises
    ------
    LedgerError
        If the unit is not an attribute of invoices, or a number is not above zero.

    Notes
    -----
    Fisher's exact test asks whether the odds of being undone are larger for the unit's documents of month
    ends; Holm (1979) holds the probability of any false flag at `level`.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> invoices = pd.DataFrame({"invoice_id": ["1"], "customer_id": ["c"], "issue_date": ["2025-01-30"],
    ...     "amount": [5.0], "salesperson": ["Nowak"]})
    >>> ledger = ar.read_ledger({"invoices": invoices}, currency="EUR")
    >>> check = check_early_booking(ledger.as_of("2025-03-31"))
    >>> check.table[["unit", "at_month_end", "undone"]].to_numpy().tolist()
    [['Nowak', 1, 0]]
    """
    if unit not in ("salesperson", "department"):
        raise LedgerError(f"unit {unit!r}: allowed are 'salesperson' and 'department'")
    if min(months, last_days, within) < 1 or not 0 < level < 1:
        raise LedgerError("months, last_days and within are at least 1, level lies between 0 and 1")
    owners = snapshot.items.drop_duplicates("invoice_id").set_index("invoice_id")[unit]
    rows: list[Row] = []
    for check, documents in ((RECEIPT, _receipts(snapshot, within)), (INVOICE, _invoices(snapshot, within))):
        booked = documents["booked"]
        start = snapshot.date - pd.DateOffset(months=months)
        seen = documents[(booked > start) & (booked <= snapshot.date - pd.Timedelta(days=within))]
        named = seen.assign(unit=seen["invoice_id"].map(owners))
        rows += _compare(named[named["unit"].notna()], check, last_days)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["p_adjusted"] = _holm(table["p_value"].to_numpy(dtype=float))
    table["flagged"] = table["p_adjusted"] <= level
    return EarlyBooking(table, snapshot.date, unit, last_days, within, months, level)


def _receipts(snapshot: Snapshot, within: int) -> pd.DataFrame:
    """Receipts with the day they were recorded, and whether a reversal on their invoice followed in time."""
    events = snapshot.events
    cash = events[(events["kind"] == "payment") & events["invoice_id"].notna()]
    taken = cash.loc[cash["amount"] < 0, ["invoice_id", "recorded_date"]]
    receipts = cash.loc[cash["amount"] > 0, ["event_id", "invoice_id", "recorded_date"]].reset_index(
        drop=True
    )
    pairs = (
        receipts.rename_axis("receipt").reset_index().merge(taken, on="invoice_id", suffixes=("", "_back"))
    )
    later = (pairs["recorded_date_back"] - pairs["recorded_date"]).dt.days
    undone = pairs.loc[(later >= 0) & (later <= within), "receipt"]
    return pd.DataFrame(
        {
            "invoice_id": receipts["invoice_id"],
            "booked": receipts["recorded_date"],
            "undone": receipts.index.isin(undone),
        }
    )


def _invoices(snapshot: Snapshot, within: int) -> pd.DataFrame:
    """Invoices by date, and whether credit notes took half of them or more in time."""
    items, events = snapshot.items, snapshot.events
    owed = (
        items[items["amount"] > 0]
        .groupby("invoice_id")
        .agg(booked=("issue_date", "min"), amount=("amount", "sum"))
    )
    notes = events.loc[events["kind"] == "credit_note", ["invoice_id", "date", "amount"]]
    notes = notes[notes["invoice_id"].isin(owed.index)]
    age = (notes["date"] - notes["invoice_id"].map(owed["booked"])).dt.days
    early = notes[(age <= within).to_numpy()].groupby("invoice_id")["amount"].sum()
    credited = early.reindex(owed.index).fillna(0.0)
    return owed.assign(undone=credited >= 0.5 * owed["amount"]).reset_index()[
        ["invoice_id", "booked", "undone"]
    ]


def _compare(documents: pd.DataFrame, check: str, last_days: int) -> list[Row]:
    """One row a unit: its documents of month ends against everybody's of other days."""
    booked = pd.to_datetime(documents["booked"])
    at_end = (booked.dt.days_in_month - booked.dt.day) < last_days
    rest = documents[~at_end]
    others, undone_others = len(rest), int(rest["undone"].sum())
    rows = []
    for name, mine in documents[at_end].groupby("unit"):
        undone = int(mine["undone"].sum())
        table = [[undone, len(mine) - undone], [undone_others, others - undone_others]]
        p_value = float(stats.fisher_exact(table, alternative="greater").pvalue)
        rows.append((str(name), check, len(mine), undone, others, undone_others, p_value))
    return rows


def _holm(p_values: np.ndarray) -> np.ndarray:
    """Adjusted probabilities (Holm, 1979)."""
    order = np.argsort(p_values, kind="stable")
    steps = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    out = np.empty_like(p_values)
    out[order] = np.minimum(steps, 1.0)
    return out
