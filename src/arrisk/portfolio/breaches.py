"""When exposure stood above the limit: every breach with its first day, length, peak and cause."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import LedgerError
from arrisk.ledger.days import dates, day_number
from arrisk.portfolio.exposure import money_unit
from arrisk.portfolio.utilisation import Level, UtilisationPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CAUSES", "LimitBreaches", "find_breaches"]

CAUSES = ("new invoices", "new orders", "payment undone", "limit set", "limit cut", "limit cut and growth")


@dataclass(frozen=True, slots=True, eq=False)
class LimitBreaches:
    """Times during which exposure stood above a share of the limit.

    Attributes
    ----------
    table : DataFrame
        name (customer or group), start (first day at whose end exposure was above), end (first day at whose
        end it was not; missing: still above), days (ends of days above so far), cause (one of `CAUSES`),
        credit_limit and exposure at the start, peak_exposure, peak_excess (above the threshold's share of the
        limit of the same day), peak_date (first day of the peak excess). Sorted by start and name; amounts in
        currency units.
    daily : DataFrame
        date, names (above), excess and exposure (of all together, currency units) on days on which one of
        them changed.
    as_of : Timestamp
    currency : str
    threshold : float
        Share of the limit that exposure must exceed.
    level : {"customer", "group"}
    limited : int
        Customers or groups that ever had a limit.
    """

    table: pd.DataFrame
    daily: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    threshold: float
    level: Level
    limited: int

    @property
    def open(self) -> pd.DataFrame:
        """Those not ended by the as-of date, the largest excess ever first."""
        found = self.table[self.table["end"].isna()]
        return found.sort_values(["peak_excess", "name"], ascending=[False, True], ignore_index=True)

    def finding(self) -> str:
        """How many breaches there were and how many last, in one sentence."""
        if not self.limited:
            return "No credit limit is set: none can be breached"
        line = "The limit" if self.threshold == 1 else f"{self.threshold:.0%} of the limit"
        many = f"{len(self.table):,} time{'s' * (len(self.table) != 1)}"
        return f"{line} was passed {many}; {len(self.open)} {self.level}s are above it now"

    def to_table(self, name: str = "breaches", rows: int = 12) -> Table:
        """The breaches that last, the largest peak excess first, ready to be shown."""
        note = (
            f"Amounts in {self.currency}; balances at the end of a day, as known then. Above is more than "
            f"{self.threshold:.0%} of the limit, excess is what is above that. Days run from the start to "
            "the as-of date, both counted. Cause: that without which the limit would have held at the start."
        )
        frame = self.open.drop(columns="end").head(rows)
        return Table(name, self.finding(), frame.rename(columns={"name": self.level}), note, FORMATS)

    def causes(self, name: str = "breach_causes") -> Table:
        """Breaches by what began them."""
        frame = self.table.assign(still=self.table["end"].isna()).groupby("cause")
        columns = {
            "breaches": frame.size(),
            "names": frame["name"].nunique(),
            "median_days": frame["days"].median(),
            "longest_days": frame["days"].max(),
            "peak_excess": frame["peak_excess"].max(),
            "still_above": frame["still"].sum(),
        }
        table = pd.DataFrame(columns).reindex([c for c in CAUSES if c in set(self.table["cause"])])
        table = table.rename_axis("cause").reset_index()
        formats: dict[str, Format] = {"peak_excess": "money", "median_days": "integer"}
        return Table(name, self.finding(), table, f"By what began them; amounts in {self.currency}.", formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Money above the limits day by day and how many stand there; or, without limits, all exposure."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        ax.set_title(self.finding())
        ax.yaxis.set_major_formatter("{x:,.0f}")
        days = np.append(self.daily["date"].to_numpy(), self.as_of.to_datetime64())
        last = self.daily.tail(1)
        column = "excess" if self.limited else "exposure"
        money = pd.concat([self.daily[column], last[column]])
        unit, word = money_unit(money.max())
        colour = "#D55E00" if self.limited else "#999999"
        ax.fill_between(days, money / unit, step="post", color=colour, alpha=0.35, linewidth=0)
        ax.set_ylim(0, 1.3 * max(money.max() / unit, 1e-9))
        what = "above the limits" if self.limited else "exposure of all"
        ax.set_ylabel(f"{what}, {word}{self.currency}")
        if self.limited:
            self._count_names(ax, days)
        return stamp(ax, self.as_of)

    def _count_names(self, ax: Axes, days: np.ndarray) -> None:
        """A line on an axis of its own: how many stand above."""
        names = [*self.daily["names"], self.daily["names"].iloc[-1]]
        other = ax.twinx()
        other.step(days, names, where="post", color="#0072B2", linewidth=1.2)
        other.set_ylim(0, 1.3 * max(*names, 1))
        other.grid(visible=False)
        other.set_ylabel(f"{self.level}s above (line)", color="#0072B2")

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


FORMATS: dict[str, Format] = {
    **dict.fromkeys(("start", "peak_date"), "date"),  # type: ignore[arg-type]
    **dict.fromkeys(("credit_limit", "exposure", "peak_exposure", "peak_excess"), "money"),
}


def find_breaches(path: UtilisationPath, threshold: float = 1.0) -> LimitBreaches:
    """Find every time during which exposure was above a share of the limit, exactly.

    Parameters
    ----------
    path : UtilisationPath
    threshold : float
        Share of the limit, above zero: 1 is the limit itself, 0.8 an alert before it. Exposure must be more
        than the share, compared in whole minor units.

    Returns
    -------
    LimitBreaches

    Raises
    ------
    LedgerError
        If the threshold is not above zero.

    Notes
    -----
    The cause compares the first day with the day before. If yesterday's limit would have held, it is "limit
    set" (there was none), "limit cut", or "limit cut and growth" if yesterday's exposure would have held as
    well; otherwise the largest of what was added to exposure that day: invoices, orders, or settlements
    undone (payments that came back, credits that were taken).

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> ledger = ar.read_ledger({
    ...     "invoices": pd.DataFrame({"invoice_id": ["1"], "customer_id": ["c"],
    ...         "issue_date": ["2025-01-10"], "amount": [70.0]}),
    ...     "limits": pd.DataFrame({"customer_id": ["c"] * 2, "valid_from": ["2024-01-01", "2025-02-01"],
    ...         "credit_limit": [100.0, 50.0]})}, currency="EUR")
    >>> from arrisk.portfolio.utilisation import make_utilisation_path
    >>> breaches = find_breaches(make_utilisation_path(ledger.as_of("2025-02-28")))
    >>> breaches.table[["days", "cause", "peak_excess"]].values.tolist()
    [[28, 'limit cut', 20.0]]
    """
    if not 0 < threshold < np.inf:
        raise LedgerError(f"threshold={threshold!r}: give a share of the limit above zero, such as 0.8")
    steps = _with_lines(path.steps, threshold)
    limited = int(steps.loc[steps["has_limit"], "name"].nunique())
    starts = steps["above"] & ~steps["was_above"]
    number = starts.cumsum().to_numpy()
    rows = steps[steps["above"]].assign(breach=number[steps["above"].to_numpy()])
    ends = _ends(steps, number)
    first = steps[starts].assign(breach=number[starts.to_numpy()]).set_index("breach")
    peak = rows.loc[rows.groupby("breach")["excess"].idxmax()].set_index("breach")
    end = ends.reindex(first.index)
    last = end.fillna(day_number(path.as_of) + 1).astype("int64")
    table = pd.DataFrame(
        {
            "name": first["name"],
            "start": dates(first["day"]),
            "end": dates(end),
            "days": last - first["day"],
            "cause": _cause(first),
            "credit_limit": first["limit"] / path.scale,
            "exposure": first["exposure"] / path.scale,
            "peak_exposure": rows.groupby("breach")["exposure"].max() / path.scale,
            "peak_excess": peak["excess"] / path.scale,
            "peak_date": dates(peak["day"]),
        }
    )
    table = table.sort_values(["start", "name"], ignore_index=True)
    return LimitBreaches(
        table, _daily(steps, path.scale), path.as_of, path.currency, threshold, path.level, limited
    )


def _line(limit: pd.Series, threshold: float) -> pd.Series:
    """The largest whole exposure that is not above the threshold's share of a limit, exactly."""
    share = Fraction(str(threshold)).limit_denominator(1_000_000)
    whole, rest = limit // share.denominator, limit % share.denominator
    return whole * share.numerator + rest * share.numerator // share.denominator


def _with_lines(steps: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Steps with the line that exposure must not pass, whether it does, and the same of the step before."""
    out = steps.copy()
    out["has_limit"] = out["credit_limit"].notna().astype(bool)
    out["limit"] = out["credit_limit"].fillna(0).astype("int64")
    out["line"] = _line(out["limit"], threshold)
    out["above"] = out["has_limit"] & (out["exposure"] > out["line"])
    out["excess"] = (out["exposure"] - out["line"]).where(out["above"], 0)
    before = out.groupby("name")[["above", "has_limit", "line", "exposure", "excess"]].shift()
    for column in ("above", "has_limit"):
        out[f"was_{column}"] = before[column].eq(True)
    for column in ("line", "exposure", "excess"):
        out[f"was_{column}"] = before[column].fillna(0).astype("int64")
    return out


def _ends(steps: pd.DataFrame, number: np.ndarray) -> pd.Series:
    """Day on which each breach ended, by its number; without a row where it did not."""
    ended = steps["was_above"] & ~steps["above"]
    return pd.Series(steps.loc[ended, "day"].to_numpy(), index=number[ended.to_numpy()], dtype="Int64")


def _cause(first: pd.DataFrame) -> np.ndarray:
    """What began each breach, from the steps of first days."""
    parts = first[["invoiced", "ordered", "settled"]].to_numpy()
    growth = (
        np.asarray(CAUSES[:3], dtype=object)[parts.argmax(axis=1)] if len(first) else np.array([], object)
    )
    held = (first["exposure"] <= first["was_line"]).to_numpy()
    small = (first["was_exposure"] <= first["line"]).to_numpy()
    unset = ~first["was_has_limit"].to_numpy(dtype=bool)
    return np.asarray(
        np.select([unset, held & small, held], ["limit set", "limit cut and growth", "limit cut"], growth),
        dtype=object,
    )


def _daily(steps: pd.DataFrame, scale: int) -> pd.DataFrame:
    """How many stand above and by how much, and the exposure of all, on days on which one changed."""
    changes = pd.DataFrame(
        {
            "day": steps["day"],
            "names": steps["above"].astype("int64") - steps["was_above"].astype("int64"),
            "excess": steps["excess"] - steps["was_excess"],
            "exposure": steps["exposure"] - steps["was_exposure"],
        }
    )
    sums = changes.groupby("day").sum()
    sums = sums[(sums != 0).any(axis=1)].cumsum()
    return pd.DataFrame(
        {
            "date": dates(sums.index.to_series()),
            "names": sums["names"].to_numpy(),
            "excess": sums["excess"].to_numpy() / scale,
            "exposure": sums["exposure"].to_numpy() / scale,
        }
    )
