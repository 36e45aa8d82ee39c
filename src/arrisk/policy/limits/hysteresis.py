"""Limits that do not flap: a dead band around the limit in force and a least time between changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Format, Table, frame_html, money, stamp
from arrisk.errors import ModelError
from arrisk.ledger.days import dates, month_end, month_index
from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.limits.customers import LimitInputs
from arrisk.policy.limits.limit import round_limit
from arrisk.portfolio.utilisation import UtilisationPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.policy.limits.limit_policy import LimitPolicy
    from arrisk.policy.study import Study

__all__ = ["BANDS", "DeadBand", "compare_limit_bands", "follow_targets", "past_targets"]

BANDS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
LEAST_QUARTERS = 2
WEEKS = 13
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DeadBand:
    """Changes and profit of limits that follow their targets loosely; made by `compare_limit_bands`.

    Parameters
    ----------
    table : DataFrame
        band (a limit is changed when the new one is more than this share above it, or as far below it on a
        log scale), changes (a year), earned (a year of the book under the limits), lost (against a limit
        changed every quarter without a band), change_cost (a year), total (lost and change_cost).
    best : float
        The band of the smallest total.
    least : int
        Quarters between changes.
    quarters : int
        Of the past replayed.
    customers : int
    cost : Assumption
        Of a change.
    as_of : Timestamp
    currency : str
    """

    table: pd.DataFrame
    best: float
    least: int
    quarters: int
    customers: int
    cost: Assumption
    as_of: pd.Timestamp
    currency: str

    def finding(self) -> str:
        """Which band costs least, in one sentence."""
        if self.table.empty:
            return "The past is too short to replay how limits would have followed it"
        rows = self.table.set_index("band")
        row, bare = rows.loc[self.best], rows.iloc[0]
        if not bare["changes"]:
            return "No limit would have changed in the past that can be replayed"
        if self.best == 0:
            return f"Changing limits whenever due costs least: {bare['changes']:,.0f} changes a year"
        saved = money(bare["total"] - row["total"], self.currency)
        return (
            f"A dead band of {self.best:.0%} takes {row['changes']:,.0f} changes a year instead of "
            f"{bare['changes']:,.0f} and saves {saved}"
        )

    def to_table(self, name: str = "limit_dead_band") -> Table:
        """Changes and cost by band, ready to be shown."""
        formats: dict[str, Format] = {"band": "percent", "changes": "integer"}
        formats |= dict.fromkeys(("earned", "lost", "change_cost", "total"), "money")  # type: ignore[arg-type]
        note = (
            f"{self.currency} a year, {self.customers} customers, {self.quarters} past quarters; targets as "
            f"known at each quarter's end, earnings in the quarter after it. At least {self.least} quarters "
            f"between two changes of a limit; a change costs {money(self.cost.value, self.currency)}. Lost: "
            "against following every target at once."
        )
        return Table(name, self.finding(), self.table, note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Cost of changes and profit lost, by band."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        x = self.table["band"] * 100
        ax.plot(x, self.table["total"], color="black", marker="o", label="together")
        ax.plot(x, self.table["change_cost"], color="#0072B2", label="changes")
        ax.plot(x, self.table["lost"], color="#D55E00", label="profit lost")
        ax.set_title(self.finding())
        ax.set_xlabel("dead band, %")
        ax.set_ylabel(f"{self.currency} a year")
        ax.yaxis.set_major_formatter("{x:,.0f}")
        ax.legend()
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def follow_targets(
    targets: ArrayLike, band: float, least: int = LEAST_QUARTERS, start: ArrayLike | None = None
) -> Floats:
    """Limits that change only when the target leaves the dead band, and not too soon after a change.

    Parameters
    ----------
    targets : array of shape (periods, customers)
        Zero or more; NaN where there is none yet: the limit stays.
    band : float
        A limit L stands while the target lies within ``[L / (1 + band), L (1 + band)]``.
    least : int
        Periods between two changes of one limit.
    start : array of shape (customers,), optional
        In force before the first period; by default the first target of each.

    Returns
    -------
    array of shape (periods, customers)

    Raises
    ------
    ModelError
        If the band is negative or `least` below one.

    Examples
    --------
    >>> follow_targets([[100.0], [105.0], [150.0], [90.0], [90.0]], band=0.2, least=2).ravel().tolist()
    [100.0, 100.0, 150.0, 150.0, 90.0]
    """
    if band < 0 or least < 1:
        raise ModelError(f"band = {band!r} is zero or more and least = {least!r} at least one")
    wanted = np.asarray(targets, dtype=float)
    held = _first_target(wanted) if start is None else np.array(start, dtype=float)
    changed = np.full(wanted.shape[1], -least)
    out = np.empty_like(wanted)
    for period, target in enumerate(wanted):
        leaves = (target > held * (1 + band)) | (target < held / (1 + band))
        moves = leaves & (period - changed >= least)
        held = np.where(moves, target, held)
        changed = np.where(moves, period, changed)
        out[period] = held
    return out


def _first_target(wanted: Floats) -> Floats:
    known = ~np.isnan(wanted)
    first = known.argmax(axis=0)
    return np.where(known.any(axis=0), wanted[first, np.arange(wanted.shape[1])], 0.0)


def past_targets(path: UtilisationPath, names: Sequence[str], quarters: int = 9) -> tuple[Floats, Floats]:
    """The limit that past quarter ends would have set, and what was owed in the quarter after each.

    Parameters
    ----------
    path : UtilisationPath
    names : sequence of str
    quarters : int
        At most so many; each with a year before it and a quarter after it.

    Returns
    -------
    targets : array of shape (quarters, customers)
        The largest exposure at the ends of the 52 weeks before, rounded to steps: all of what was wanted, as
        known then. NaN for a customer not yet known.
    after : array of shape (quarters, weeks, customers)
        Exposure at the ends of the 13 weeks after it; zero or more.
    """
    day = int(np.datetime64(path.as_of, "D").astype(np.int64))
    last = int(month_index([day + 1 - 7 * WEEKS])[0]) - 1
    first = int(path.steps["day"].min()) + 365 if len(path.steps) else day
    ends = [int(month_end(np.array([last - 3 * k]))[0]) for k in range(quarters)][::-1]
    ends = [end for end in ends if end >= first]
    shape = (len(ends), len(names))
    targets, after = np.full(shape, np.nan), np.zeros((len(ends), WEEKS, len(names)))
    for k, end in enumerate(ends):
        before = _weekly(path, names, [end - 7 * w for w in range(52)])
        known = ~np.isnan(before).all(axis=0)
        targets[k, known] = round_limit(np.nanmax(before[:, known], axis=0, initial=0.0))
        after[k] = np.nan_to_num(_weekly(path, names, [end + 7 * (w + 1) for w in range(WEEKS)]))
    return targets, after


def _weekly(path: UtilisationPath, names: Sequence[str], days: Sequence[int]) -> Floats:
    seen = path.at(pd.DatetimeIndex(dates(np.array(days, dtype=np.int64))))
    wide = seen.pivot(index="date", columns="name", values="exposure").reindex(columns=list(names))
    return wide.clip(lower=0).reindex(pd.DatetimeIndex(dates(np.array(days, dtype=np.int64)))).to_numpy()


def compare_limit_bands(
    study: Study,
    policy: LimitPolicy,
    snapshot: Snapshot,
    bands: Sequence[float] = BANDS,
    least: int = LEAST_QUARTERS,
) -> DeadBand:
    """Replay past quarters with limits that follow their targets within dead bands.

    Parameters
    ----------
    study : Study
        Gives `limit_change_cost` (a typical value when it does not).
    policy : LimitPolicy
        Gives today's margins and default risks, by which the past is valued; customers in default left out.
    snapshot : Snapshot
        Of the same day.
    bands : sequence of float
    least : int

    Returns
    -------
    DeadBand

    Raises
    ------
    ModelError
        If the limits are of another day.
    """
    if policy.as_of != snapshot.date:
        raise ModelError(f"limits of {policy.as_of:%Y-%m-%d} on a snapshot of {snapshot.date:%Y-%m-%d}")
    cost, inputs = given_or_typical(study, "limit_change_cost"), policy.inputs
    path, table = inputs.path, inputs.table
    keep = np.flatnonzero(~table["in_default"].to_numpy() & (table["usual"].to_numpy() > 0))
    live = table.iloc[keep]
    targets, after = past_targets(path, list(live["customer_id"]))
    years = len(targets) / 4
    rows = []
    if len(targets):
        always = _earned(inputs, live, follow_targets(targets, 0.0, 1), after) / years
        for band in bands:
            held = follow_targets(targets, band, least)
            before = np.vstack([_first_target(targets)[None, :], held[:-1]])
            changes = float((held != before).sum()) / years
            earned = _earned(inputs, live, held, after) / years
            spent = changes * cost.value
            rows.append((band, changes, earned, always - earned, spent, always - earned + spent))
    columns = ["band", "changes", "earned", "lost", "change_cost", "total"]
    frame = pd.DataFrame(rows, columns=columns, dtype=float)
    best = float(frame["band"].to_numpy()[frame["total"].argmin()]) if len(frame) else float("nan")
    return DeadBand(frame, best, least, len(targets), len(live), cost, inputs.as_of, inputs.currency)


def _earned(inputs: LimitInputs, live: pd.DataFrame, limits: Floats, after: Floats) -> float:
    """Margin less expected loss over the quarters, under the limits held in each; currency units."""
    at = {name: float(values[0]) for name, values in inputs.draws.items()}
    rate = at["margin"] * live["sales"].to_numpy() / live["usual"].to_numpy() - at["cost_of_capital"]
    within = np.minimum(after, limits[:, None, :]).mean(axis=1)
    failing = np.minimum(after * live["run_up"].to_numpy(), limits[:, None, :]).mean(axis=1)
    return float((rate * within - live["hazard"].to_numpy() * at["lgd"] * failing).sum() / 4)
