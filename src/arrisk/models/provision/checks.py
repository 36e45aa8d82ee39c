"""How far a provision can be trusted: what a year showed, and what each convention does to the amount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, money, stamp
from arrisk.errors import ModelError
from arrisk.models.provision.matrix import ProvisionMatrix, fit_provision

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["ProvisionChoices", "ProvisionHindsight", "backtest_provision", "vary_provision"]

THOUSANDS_FROM = 10_000
CHOICES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("as reported", {}),
    ("months averaged alike", {"averaging": "simple"}),
    ("window of 12 months", {"months": 12}),
    ("not due: the whole balance flows", {"not_due": "all"}),
    ("written-off amounts dropped", {"write_offs": "dropped"}),
    ("last bucket wholly lost", {"terminal_loss": 1.0}),
)
"""A convention at a time, the others as reported."""

AMOUNTS: dict[str, Format] = dict.fromkeys(
    ("balance", "provision", "low", "high", "provision_then", "low_then", "high_then", "lost_since"), "money"
)


@dataclass(frozen=True, slots=True)
class ProvisionChoices:
    """The provision under one changed convention at a time; make one with `vary_provision`.

    Parameters
    ----------
    table : DataFrame
        choice, provision, low, high, change (against the first row, fraction); without a rate provision is
        missing and high a bound.
    as_of : Timestamp
    currency : str
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    level: float

    def finding(self) -> str:
        """How far conventions alone move the amount."""
        known = self.table.iloc[:-1]["provision"].dropna()
        if known.empty:
            return "Without losses no convention gives an amount"
        low, high = money(known.min(), self.currency), money(known.max())
        return f"Usual conventions alone give {low} to {high}"

    def to_table(self, name: str = "provision_choices") -> Table:
        """The amounts by convention ready to be shown."""
        note = (
            f"Amounts in {self.currency}, one choice changed at a time. The last row is no estimate: it is "
            "the amount if all that reaches the last bucket were lost."
        )
        return Table(name, self.finding(), self.table, note, {**AMOUNTS, "change": "percent"})

    def plot(self, ax: Axes | None = None) -> Axes:
        """The amount and its interval by convention."""
        import matplotlib.pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        rows = self.table.iloc[::-1]
        scale, unit = (1000, "thousand ") if rows["high"].max() >= THOUSANDS_FROM else (1, "")
        at = np.arange(len(rows))
        ax.hlines(at, rows["low"] / scale, rows["high"] / scale, color="#0072B2", linewidth=2.5)
        ax.plot(rows["provision"] / scale, at, "o", color="#0072B2", markersize=6)
        ax.set_yticks(at, list(rows["choice"]))
        ax.set_ylim(-0.6, len(rows) - 0.4)
        ax.set_xlim(left=0)
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.set(xlabel=f"provision, {unit}{self.currency}", title=self.finding())
        return stamp(ax, self.as_of, f"{self.level:.0%} intervals by customer")


def vary_provision(snapshot: Snapshot, level: float = 0.95) -> ProvisionChoices:
    """Fit the provision again with one convention changed at a time.

    Parameters
    ----------
    snapshot : Snapshot
    level : float
        Coverage of the intervals.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2025-01-10", "2025-02-10"], "due_date": ["2025-02-09", "2025-03-12"],
    ...     "amount": [100.0, 50.0]})
    >>> vary_provision(read_ledger({"invoices": invoices}, currency="EUR").as_of("2025-03-31")).finding()
    'Without losses no convention gives an amount'
    """
    rows = []
    for choice, changed in CHOICES:
        total = fit_provision(snapshot, level=level, **changed).total
        value = np.nan if total.value is None else total.value
        rows.append((choice, value, total.low, total.high))
    table = pd.DataFrame(rows, columns=["choice", "provision", "low", "high"])
    table["change"] = table["provision"] / table["provision"].iloc[0] - 1
    return ProvisionChoices(table, snapshot.date, snapshot.currency, level)


@dataclass(frozen=True, slots=True)
class ProvisionHindsight:
    """The provision of an earlier day and what was lost since; make one with `backtest_provision`.

    Parameters
    ----------
    table : DataFrame
        bucket, balance, provision_then, low_then, high_then, lost_since (written off since, net of
        recoveries, of that balance) and a row "total"; empty when the ledger is too young.
    date : Timestamp
        The earlier day.
    as_of : Timestamp
    currency : str
    level : float
    """

    table: pd.DataFrame
    date: pd.Timestamp
    as_of: pd.Timestamp
    currency: str
    level: float

    def finding(self) -> str:
        """Whether the range of then holds what was lost since."""
        if self.table.empty:
            return f"The ledger is too young to make the provision of {self.date:%Y-%m-%d}"
        total = self.table.iloc[-1]
        lost = f"{money(total['lost_since'], self.currency)} was written off since"
        if np.isnan(total["provision_then"]):
            bound = money(total["high_then"], self.currency)
            return f"On {self.date:%Y-%m-%d} there was only a bound, {bound}; {lost}"
        then = f"{money(total['provision_then'], self.currency)}"
        spread = f"{money(total['low_then'])} to {money(total['high_then'])}"
        return f"Provision of {self.date:%Y-%m-%d}: {then} ({spread}); {lost}"

    def to_table(self, name: str = "provision_hindsight") -> Table:
        """The comparison ready to be shown."""
        note = (
            f"Amounts in {self.currency}; the provision made with what was known on {self.date:%Y-%m-%d}, "
            f"{self.level:.0%} intervals by customer. Lost: written off by {self.as_of:%Y-%m-%d}, net of "
            "recoveries. A provision also covers what is written off later, so it should be the larger."
        )
        return Table(name, self.finding(), self.table, note, AMOUNTS)


def backtest_provision(snapshot: Snapshot, months: int = 12, level: float = 0.95) -> ProvisionHindsight:
    """Make the provision of an earlier day with what was known then, and count what was lost since.

    Parameters
    ----------
    snapshot : Snapshot
    months : int
        How far back.
    level : float
        Coverage of the intervals.

    Returns
    -------
    ProvisionHindsight
        Its table is empty when the ledger then was too young for a provision.
    """
    date = snapshot.date - pd.DateOffset(months=months)
    empty = ProvisionHindsight(pd.DataFrame(), date, snapshot.date, snapshot.currency, level)
    if date < snapshot.first_date:
        return empty
    earlier = snapshot.as_of(date)
    try:
        matrix = fit_provision(earlier, level=level)
    except ModelError:
        return empty
    lost = _lost_since(earlier, snapshot, matrix)
    frame = matrix.to_table().frame[["bucket", "balance", "provision", "provision_low", "provision_high"]]
    frame = frame.set_axis(["bucket", "balance", "provision_then", "low_then", "high_then"], axis=1)
    frame["lost_since"] = [*lost, round(float(lost.sum()), 2)]
    return ProvisionHindsight(frame, date, snapshot.date, snapshot.currency, level)


def _lost_since(earlier: Snapshot, now: Snapshot, matrix: ProvisionMatrix) -> pd.Series:
    """Written off net of recoveries between two days, of what was open on the first, by its bucket then."""
    keys = ["invoice_id", "instalment"]
    wanted = [*keys, "written_off_amount", "recovered_amount"]
    items = earlier.items
    open_then = items[items["open_amount"] > 0]
    both = open_then[[*wanted, "issue_date", "due_date"]].merge(
        now.items[wanted], on=keys, suffixes=("", "_now")
    )
    lost = both["written_off_amount_now"] - both["written_off_amount"]
    lost = lost - (both["recovered_amount_now"] - both["recovered_amount"])
    days = (earlier.date - both["due_date"].fillna(both["issue_date"])).dt.days
    edges = [-np.inf, 0, *matrix.diagnostics["edges"], np.inf]
    labels = list(matrix.table["bucket"])
    bucket = pd.cut(days, edges, labels=labels)
    return lost.groupby(bucket, observed=False).sum().reindex(labels).round(2)
