"""What a ledger says about losing customers: how often in a year, and how much of what they owed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.ledger.days import day_numbers
from arrisk.ledger.statements import KINDS, OWED
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.defaults.labels import make_labels
from arrisk.models.defaults.states import default_states
from arrisk.models.intervals import Interval, jeffreys

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["DefaultExperience", "read_default_experience"]

YEAR = 365
FEWEST_LOSSES = 2
"""Lost customers below which neither frequency nor severity is taken from the ledger."""


@dataclass(frozen=True, slots=True)
class DefaultExperience:
    """Defaults and losses by customer and year.

    Parameters
    ----------
    as_of : Timestamp
        Day of the snapshot.
    years : DataFrame
        start, end, at_risk (customers invoiced in the year before the start and not in default at it),
        defaults (of those, within the year), lost (defaults that ended in a write-off known by the as-of
        date), counted (whether the year is in `rate`).
    trials, events : int
        Customer-years and lost customers in the counted years.
    rate : float
        Lost customers a customer-year; NaN without a customer-year.
    interval : Interval
        Jeffreys interval of `rate`, counting customer-years as independent trials.
    lgd : float or None
        Written off net of recoveries over what was owed on the day before the first write-off, of lost
        customers; None without any.
    losses : DataFrame
        customer_id, default_date, write_off_date, owed, written_off, recovered; every customer ever lost.
    in_default : tuple of str
        Customers in default on the day.
    conventions : dict of str to str
        Definitions of default, rate and loss.
    """

    as_of: pd.Timestamp
    years: pd.DataFrame
    trials: int
    events: int
    rate: float
    interval: Interval
    lgd: float | None
    losses: pd.DataFrame
    in_default: tuple[str, ...]
    conventions: dict[str, str]

    @property
    def identified(self) -> bool:
        """Whether the ledger holds enough lost customers and a year to count them in."""
        return len(self.losses) >= FEWEST_LOSSES and self.trials > 0 and self.lgd is not None

    @property
    def table(self) -> pd.DataFrame:
        """term, estimate, ci_low, ci_high: annual rates by customer and the loss given default."""
        k, n = int(self.years["defaults"].sum()), int(self.years["at_risk"].sum())
        wide = jeffreys(k, n, self.interval.level) if n else Interval(0.0, 1.0, self.interval.level, "none")
        rows = [
            ("in default within a year", k / n if n else np.nan, wide.low, wide.high),
            ("in default and written off", self.rate, self.interval.low, self.interval.high),
            ("loss given that", np.nan if self.lgd is None else self.lgd, np.nan, np.nan),
        ]
        return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])

    def finding(self) -> str:
        """Customers lost, of how many, and the annual rate with its interval, in one sentence."""
        lost = "No customer" if self.events == 0 else f"{self.events:,} customer{'s' * (self.events != 1)}"
        years = f"{self.trials:,} customer-year{'s' * (self.trials != 1)}"
        ends = f"{self.interval.low:.1%} to {self.interval.high:.1%}"
        if self.trials == 0:
            return "The ledger is younger than a year, so no year of losses can be counted"
        if not self.identified:
            return f"{lost} lost in {years}: at most {self.interval.high:.1%} a year"
        return f"{lost} lost in {years}: {self.rate:.1%} a year ({ends})"

    def to_table(self, name: str = "default_experience") -> Table:
        """Customers at risk, in default and lost by year, and the years counted together."""
        rows = [self._row(_label(y), y) for y in self.years.itertuples()]
        pooled = self.years[self.years["counted"]][["at_risk", "defaults", "lost"]].sum()
        rows.append(self._row("counted together", pooled))
        columns = ["year", "customers_at_risk", "in_default", "lost", "lost_share", "low", "high"]
        note = "; ".join(f"{key}: {text}" for key, text in self.conventions.items())
        formats: dict[str, Format] = dict.fromkeys(("lost_share", "low", "high"), "percent")
        return Table(name, self.finding(), pd.DataFrame(rows, columns=columns), f"{note}.", formats)

    def _row(self, label: str, counts: Any) -> tuple[Any, ...]:
        n, k = int(counts.at_risk), int(counts.lost)
        if n == 0:
            return (label, n, int(counts.defaults), k, np.nan, np.nan, np.nan)
        low, high = jeffreys(k, n, self.interval.level)
        return (label, n, int(counts.defaults), k, k / n, low, high)

    def posterior(self, quantile: ArrayLike) -> NDArray[np.float64]:
        """Quantiles of the Jeffreys posterior of the annual rate of lost customers."""
        shape = (self.events + 0.5, self.trials - self.events + 0.5)
        return np.asarray(special.betaincinv(*shape, np.asarray(quantile, dtype=float)), dtype=float)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of customers lost by year of default, with intervals and the pooled rate."""
        import matplotlib.pyplot as plt

        ax = ax if ax is not None else plt.subplots()[1]
        shown = self.years[self.years["at_risk"] > 0]
        counts = shown[["lost", "at_risk", "counted"]].to_numpy(dtype=float)
        for at, (k, n, counted) in enumerate(counts):
            low, high = jeffreys(k, n, self.interval.level)
            colour = "#0072B2" if counted else "#999999"
            ax.vlines(at, 100 * low, 100 * high, color=colour, linewidth=2)
            ax.plot(at, 100 * k / n, "o", color=colour)
        if self.identified:
            ax.axhline(100 * self.rate, color="#D55E00", linestyle="--", linewidth=1)
        ax.set_xticks(range(len(shown)), [f"year to {d:%Y-%m}" for d in shown["end"]])
        ax.set_xlim(-0.6, max(len(shown) - 0.4, 0.6))
        ax.set(ylabel="customers lost (% of those at risk)", ylim=(0, None), title=self.finding())
        young = "" if shown["counted"].all() else "; grey: too young, not counted"
        return stamp(ax, self.as_of, f"{self.interval.level:.0%} intervals{young}")

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def _label(year: Any) -> str:
    return f"{year.start:%Y-%m-%d} to {year.end:%Y-%m-%d}" + ("" if year.counted else " (too young to count)")


def read_default_experience(
    snapshot: Snapshot, definition: DefaultDefinition | None = None, level: float = 0.95
) -> DefaultExperience:
    """Read the default and loss experience of a ledger, by customer, from one snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        Years are counted back from its date; what was known later plays no part.
    definition : DefaultDefinition, optional
        When a customer counts as defaulted.
    level : float
        Coverage of the interval.

    Returns
    -------
    DefaultExperience

    Notes
    -----
    Being late for long is not being lost: most late payers pay in the end, so the rate counts defaults that
    ended in a write-off. Write-offs take time, so only years that ended a year before the as-of date are
    counted, and all of them when there is no such year. The interval takes customer-years as independent;
    years that are bad for all make it too narrow.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": ["2023-12-10", "2023-12-10"], "due_date": ["2024-01-09", "2024-01-09"],
    ...     "amount": [100.0, 50.0]})
    >>> paid = pd.DataFrame({"invoice_id": ["1"], "date": ["2024-01-09"], "kind": ["payment"],
    ...     "amount": [100.0]})
    >>> book = read_ledger({"invoices": invoices, "events": paid}, currency="EUR").as_of("2024-12-31")
    >>> seen = read_default_experience(book)
    >>> seen.identified, seen.events, seen.trials, seen.in_default
    (False, 0, 2, ('b',))
    """
    definition = definition or DefaultDefinition()
    states = default_states(snapshot.items, snapshot.events, snapshot.date, definition, snapshot.signals)
    losses = _losses(snapshot, states)
    years = _count_years(snapshot, definition, states, losses)
    counted = years[years["counted"]]
    k, n = int(counted["lost"].sum()), int(counted["at_risk"].sum())
    last = states.groupby("customer_id")["in_default"].last()
    owed, lost = float(losses["owed"].sum()), float(losses["written_off"].sum() - losses["recovered"].sum())
    return DefaultExperience(
        snapshot.date,
        years,
        n,
        k,
        k / n if n else float("nan"),
        jeffreys(k, n, level) if n else Interval(0.0, 1.0, level, "no customer-year"),
        min(max(lost, 0.0) / owed, 1.0) if owed > 0 else None,
        losses,
        tuple(str(c) for c in last.index[last.to_numpy(dtype=bool)]),
        {
            "default": str(definition),
            "at risk": "customers invoiced in the year before and not in default at its start",
            "lost": "fell into default in the year and written off by the as-of date",
            "loss": "written off net of recoveries known so far, over what was owed before write-off",
        },
    )


def _losses(snapshot: Snapshot, states: pd.DataFrame) -> pd.DataFrame:
    """Every customer written off: the start of that default, what was owed at the end, what was lost."""
    before = states.groupby("customer_id")["in_default"].shift(fill_value=False).astype(bool)
    starts = states.loc[states["in_default"] & ~before, ["customer_id", "date"]]
    gone = states[states["cause"] == "written off"].groupby("customer_id")["date"].min()
    starts = starts[starts["date"] <= starts["customer_id"].map(gone)]
    begun = starts.groupby("customer_id")["date"].max()
    gone = gone.reindex(begun.index)
    moves = snapshot.query(_movements())
    moves = moves[moves["customer_id"].isin(begun.index)]
    day = pd.Series(day_numbers(gone).to_numpy(dtype=np.int64), index=begun.index)
    standing = (moves["day"] < moves["customer_id"].map(day)) & (moves["lost"] == 0)
    owed = moves[standing].groupby("customer_id")["amount"].sum()
    lost = -moves[moves["lost"] == 1].groupby("customer_id")["amount"].sum()
    back = snapshot.items.groupby("customer_id")["recovered_amount"].sum()

    def of(amounts: pd.Series, scale: float) -> NDArray[np.float64]:
        return amounts.reindex(begun.index).fillna(0).to_numpy(dtype=float) / scale

    return pd.DataFrame(
        {
            "customer_id": begun.index,
            "default_date": begun.to_numpy(),
            "write_off_date": gone.to_numpy(),
            "owed": of(owed, snapshot.scale),
            "written_off": of(lost, snapshot.scale),
            "recovered": of(back, 1.0),
        }
    )


def _count_years(
    snapshot: Snapshot, definition: DefaultDefinition, states: pd.DataFrame, losses: pd.DataFrame
) -> pd.DataFrame:
    """Customers at risk, in default and lost, in whole years counted back from the as-of day."""
    rows = []
    year = pd.Timedelta(days=YEAR)
    end = snapshot.date
    while end - year >= snapshot.first_date:
        start = end - year
        labels = make_labels(snapshot, start, YEAR, definition, states)
        inside = losses[(losses["default_date"] > start) & (losses["default_date"] <= end)]
        lost = int(labels["customer_id"].isin(inside["customer_id"]).sum())
        rows.append(
            (start, end, len(labels), int(labels["default"].sum()), lost, end <= snapshot.date - year)
        )
        end = start
    columns = ["start", "end", "at_risk", "defaults", "lost", "counted"]
    years = pd.DataFrame(rows[::-1], columns=columns)
    aged = bool((years["counted"].astype(bool) & (years["at_risk"] > 0)).any())
    return years if aged else years.assign(counted=True)


def _movements() -> str:
    lost = f"CASE WHEN m.kind = {KINDS['write_off']} THEN 1 ELSE 0 END"
    return (
        f"SELECT c.customer_id, m.day, {lost} AS lost, CAST(SUM(m.amount) AS BIGINT) AS amount "
        f"FROM movements AS m JOIN customers AS c ON m.customer = c.customer WHERE m.side = {OWED} "
        f"GROUP BY c.customer_id, m.day, {lost}"
    )
