"""Exposure and limit through time, in exact daily steps: each day as it was known at its end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from arrisk.display import stamp
from arrisk.errors import LedgerError, LookAheadError
from arrisk.ledger.balance_statements import customer_days, customer_groups
from arrisk.ledger.book import Snapshot
from arrisk.ledger.days import dates, day_number, day_numbers, month_end, month_index
from arrisk.ledger.statements import OWED
from arrisk.portfolio.exposure import CREDITS, Credits, group_names, money_unit, utilisation
from arrisk.portfolio.unbilled import Deposits, order_steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Level", "UtilisationPath", "last_month_ends", "make_utilisation_path"]

Level = Literal["customer", "group"]
CHANGES = ["invoiced", "settled", "ordered", "limit_change", "limits_set"]


@dataclass(frozen=True, slots=True, eq=False)
class UtilisationPath:
    """Exposure and limit of every customer (or group) on every day up to the as-of date.

    Attributes
    ----------
    steps : DataFrame
        One row a name and day on which something changed, sorted by both: name, day (day number), invoiced,
        settled, ordered (changes of that day: of invoices, of everything that settles them, of unbilled
        orders less deposits), limit_change, limits_set (limits given for the first time), exposure,
        credit_limit (at the end of the day; missing: none set). Amounts in minor units.
    as_of : Timestamp
    currency : str
    scale : int
        Minor units in one unit.
    level : {"customer", "group"}
    credits, deposits : str
        The conventions used.
    """

    steps: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    scale: int
    level: Level
    credits: Credits
    deposits: Deposits

    @property
    def names(self) -> list[str]:
        """The customers or groups, sorted."""
        return list(self.steps["name"].unique())

    def at(self, days: Iterable[str | dt.date | pd.Timestamp]) -> pd.DataFrame:
        """Exposure and limit at the end of any days.

        Parameters
        ----------
        days : iterable of dates
            None later than the as-of date.

        Returns
        -------
        DataFrame
            date, name, exposure, credit_limit (NaN: none set), utilisation; one row a date and name of which
            something was known by then, in this order. Amounts in currency units.

        Raises
        ------
        LookAheadError
            If a day is later than the as-of date.
        """
        wanted = np.array([day_number(day) for day in days], dtype=np.int64)
        if len(wanted) and wanted.max() > day_number(self.as_of):
            late = pd.Timestamp(dates([wanted.max()])[0])
            raise LookAheadError(f"a path of {self.as_of:%Y-%m-%d} cannot look ahead to {late:%Y-%m-%d}")
        code, names = pd.factorize(self.steps["name"])
        row = _rows_at(code, self.steps["day"].to_numpy(), len(names), wanted)
        which, who = np.nonzero(row >= 0)
        found = self.steps.iloc[row[which, who]]
        exposure = found["exposure"].to_numpy(dtype=float) / self.scale
        limit = found["credit_limit"].to_numpy(dtype=float, na_value=np.nan) / self.scale
        return pd.DataFrame(
            {
                "date": dates(wanted[which]),
                "name": names[who],
                "exposure": exposure,
                "credit_limit": limit,
                "utilisation": utilisation(exposure, limit),
            }
        )

    def month_ends(self, months: int = 36) -> pd.DataFrame:
        """`at` the last month ends, the as-of date standing for its own month."""
        first = int(self.steps["day"].min()) if len(self.steps) else day_number(self.as_of)
        return self.at(pd.DatetimeIndex(dates(last_month_ends(self.as_of, months, first))))

    def plot(self, ax: Axes | None = None, names: Iterable[str] | None = None, months: int = 36) -> Axes:
        """Exposure over the limit at month ends; by default of the five that are furthest above it now.

        Where no limit is set, the exposure itself of the five largest.
        """
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        table = self.month_ends(months)
        limited = table["credit_limit"].notna().any()
        measure = "utilisation" if limited else "exposure"
        wide = table.pivot(index="date", columns="name", values=measure).replace(np.inf, np.nan)
        last = wide.ffill().iloc[-1] if len(wide) else pd.Series(dtype=float)
        chosen = list(last.nlargest(5).index if names is None else names)
        unit, word = money_unit(float(last.max())) if len(last) else (1, "")
        factor = 100 if limited else 1 / unit
        for name in chosen:
            ax.plot(wide.index, wide[name] * factor, label=str(name).replace("$", r"\$"), linewidth=1.4)
        if limited:
            ax.axhline(100, color="black", linewidth=1)
        above = int((last > 1).sum()) if limited else 0
        what = f"Above a limit of more than zero now: {above} {self.level}{'s' * (above != 1)}"
        ax.set_title(what if limited else f"No limits are set: the largest exposures of {len(last)} names")
        ax.set_ylabel("exposure, % of the limit" if limited else f"exposure, {word}{self.currency}")
        ax.yaxis.set_major_formatter("{x:,.0f}")
        if chosen:
            ax.legend(loc="upper left", ncols=5)
            ax.set_ylim(0, 1.18 * ax.get_ylim()[1])
        return stamp(ax, self.as_of)


def _rows_at(code: np.ndarray, day: np.ndarray, size: int, wanted: np.ndarray) -> np.ndarray:
    """Position of the last step of each name by each wanted day, shape (days, names); -1 for none."""
    if not len(day) or not len(wanted):
        return np.full((len(wanted), size), -1)
    first = min(int(day.min()), int(wanted.min()))
    span = max(int(day.max()), int(wanted.max())) - first + 2
    asked = np.arange(size)[None, :] * span + (wanted - first)[:, None]
    row = np.searchsorted(code * span + (day - first), asked.ravel(), side="right").reshape(asked.shape) - 1
    return np.where((row >= 0) & (code[np.maximum(row, 0)] == np.arange(size)[None, :]), row, -1)


def last_month_ends(as_of: pd.Timestamp, months: int, first_day: int) -> np.ndarray:
    """Day numbers of the last month ends from a first day on; the as-of date stands for its own month.

    Raises
    ------
    LedgerError
        If `months` is less than one.

    Examples
    --------
    >>> [str(day)[:10] for day in dates(last_month_ends(pd.Timestamp("2025-03-15"), 3, 0))]
    ['2025-01-31', '2025-02-28', '2025-03-15']
    """
    if months < 1:
        raise LedgerError(f"months={months}: at least 1")
    now = int(month_index([day_number(as_of)])[0])
    begin = max(now - months + 1, min(now, int(month_index([first_day])[0])))
    return np.array([*month_end(np.arange(begin, now)), day_number(as_of)], dtype=np.int64)


def make_utilisation_path(
    snapshot: Snapshot,
    level: Level = "customer",
    credits: Credits = "netted",
    deposits: Deposits = "on_orders",
) -> UtilisationPath:
    """Exposure and limit of every customer or group through time.

    A day counts movements known on it, orders placed, billed or cancelled on it and limits valid from it, so
    nothing known later changes an earlier day. A limit is taken as known from the first day on which it is
    valid, and groups are those given now: the tables hold no other day for them.

    Parameters
    ----------
    snapshot : Snapshot
    level : {"customer", "group"}
        A group's exposure and limit are the sums of its members'; its limit is unset until a member has one.
    credits, deposits
        As in `make_exposure`.

    Returns
    -------
    UtilisationPath

    Raises
    ------
    LedgerError
        If a level or convention is unknown.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> ledger = ar.read_ledger({
    ...     "invoices": pd.DataFrame({"invoice_id": ["1"], "customer_id": ["c"],
    ...         "issue_date": ["2025-01-10"], "amount": [70.0]}),
    ...     "limits": pd.DataFrame({"customer_id": ["c"] * 2, "valid_from": ["2024-01-01", "2025-02-01"],
    ...         "credit_limit": [100.0, 50.0]})}, currency="EUR")
    >>> path = make_utilisation_path(ledger.as_of("2025-03-31"))
    >>> path.at(["2025-01-09", "2025-01-10", "2025-02-01"])["utilisation"].tolist()
    [0.0, 0.7, 1.4]
    """
    if level not in ("customer", "group"):
        raise LedgerError(f"level {level!r}: allowed are 'customer' and 'group'")
    if credits not in CREDITS:
        raise LedgerError(f"credits {credits!r}: allowed are {', '.join(map(repr, CREDITS))}")
    orders = order_steps(snapshot, deposits)
    parts = [
        _balance_changes(snapshot, credits),
        orders.assign(ordered=orders["unbilled"] - orders["deposits"])[["customer_id", "day", "ordered"]],
        _limit_changes(snapshot),
    ]
    changes = pd.concat(parts, ignore_index=True).reindex(columns=["customer_id", "day", *CHANGES]).fillna(0)
    names = changes.pop("customer_id").astype(object)
    if level == "group":
        groups = group_names(snapshot, pd.Index(names.unique(), name="customer_id"))
        names = names.map(groups)
    changes.insert(0, "name", names)
    return UtilisationPath(
        _running(changes), snapshot.date, snapshot.currency, snapshot.scale, level, credits, deposits
    )


def _balance_changes(snapshot: Snapshot, credits: Credits) -> pd.DataFrame:
    """Changes of the balance by customer and day."""
    names = snapshot.query(customer_groups()).set_index("customer")["customer_id"]
    days = snapshot.query(customer_days()).astype("int64")
    if credits == "apart":
        days = days[days["side"] == OWED]
    days.insert(0, "customer_id", names.reindex(days["customer"]).to_numpy(dtype=object))
    return days[["customer_id", "day", "invoiced", "settled"]]


def _limit_changes(snapshot: Snapshot) -> pd.DataFrame:
    """Changes of limits by customer and day; of two rows of one day the later row holds."""
    limits = snapshot.limits.drop_duplicates(["customer_id", "valid_from"], keep="last")
    limits = limits.sort_values(["customer_id", "valid_from"], ignore_index=True)
    minor = (limits["credit_limit"] * snapshot.scale).round().astype("int64")
    before = minor.groupby(limits["customer_id"]).shift()
    return pd.DataFrame(
        {
            "customer_id": limits["customer_id"],
            "day": day_numbers(limits["valid_from"]).astype("int64"),
            "limit_change": minor - before.fillna(0).astype("int64"),
            "limits_set": before.isna().astype("int64"),
        }
    )


def _running(changes: pd.DataFrame) -> pd.DataFrame:
    """Sums by name and day with what stands at the end of each day."""
    typed = changes.astype(dict.fromkeys(("day", *CHANGES), "int64"))
    steps = typed.groupby(["name", "day"], as_index=False)[CHANGES].sum()
    steps = steps[(steps[CHANGES] != 0).any(axis=1)].reset_index(drop=True)
    totals = steps.groupby("name")[CHANGES].cumsum()
    steps["exposure"] = totals["invoiced"] + totals["settled"] + totals["ordered"]
    steps["credit_limit"] = totals["limit_change"].astype("Int64").mask(totals["limits_set"] == 0)
    return steps
