"""How much hangs on few names: shares of the largest, Herfindahl index, effective number of names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import LedgerError
from arrisk.portfolio.exposure import CREDITS, Credits
from arrisk.portfolio.utilisation import UtilisationPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Concentration", "effective_names", "herfindahl", "make_concentration", "top_share"]

TOPS = (1, 5, 10)


def _owed(amounts: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(amounts, dtype=float)
    if not np.isfinite(values).all():
        raise LedgerError("amounts: a value is missing or not finite")
    return np.sort(values[values > 0])[::-1]


def herfindahl(amounts: ArrayLike) -> float:
    """Herfindahl-Hirschman index: the sum of squared shares, from 1/n (all alike) to 1 (one name).

    Parameters
    ----------
    amounts : array-like of float, shape (names,)
        Those of zero or less (names in credit) have no share.

    Returns
    -------
    float
        NaN when nothing is owed.

    Raises
    ------
    LedgerError
        If an amount is missing.

    Notes
    -----
    Hirschman (1964), The paternity of an index. American Economic Review 54(5).

    Examples
    --------
    >>> herfindahl([50, 30, 20])
    0.38
    """
    owed = _owed(amounts)
    return float(((owed / owed.sum()) ** 2).sum()) if len(owed) else float("nan")


def effective_names(amounts: ArrayLike) -> float:
    """Number of equal names that would be as concentrated: one over the Herfindahl index.

    Examples
    --------
    >>> effective_names([25, 25, 25, 25])
    4.0
    """
    return 1 / herfindahl(amounts)


def top_share(amounts: ArrayLike, names: int) -> float:
    """Share of what is owed that the largest names owe; NaN when nothing is owed.

    Examples
    --------
    >>> top_share([50, 30, 20, -5], 2)
    0.8
    """
    owed = _owed(amounts)
    return float(owed[:names].sum() / owed.sum()) if len(owed) else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Concentration:
    """Concentration of exposure on names, now and at past month ends.

    It counts every name: a census, so there is no interval to give. What varies is the book itself, which
    the monthly series shows.

    Attributes
    ----------
    table : DataFrame
        rank, name, exposure (currency units), share, cumulative_share; names that owe something, the largest
        first.
    months : DataFrame
        month_end, names (that owe something), exposure, one column top_n a number of names (shares), hhi,
        effective_names; the last row is the as-of date.
    as_of : Timestamp
    currency : str
    level : {"customer", "group"}
    tops : tuple of int
    credits : str
        The convention of the path.
    """

    table: pd.DataFrame
    months: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    level: str
    tops: tuple[int, ...]
    credits: Credits

    @property
    def conventions(self) -> str:
        """The conventions in words."""
        name = "a group of companies or a customer in none" if self.level == "group" else "a customer"
        return (
            f"Amounts in {self.currency}; a name is {name}; exposure with unbilled orders less deposits, "
            f"{CREDITS[self.credits]}; names that owe nothing are left out. A count of all names, so without "
            "an interval."
        )

    def finding(self) -> str:
        """The share of the largest names and the effective number, in one sentence."""
        if self.table.empty:
            return "Nobody owes anything"
        last, n = self.months.iloc[-1], min(self.tops[-1], len(self.table))
        share = f"{n} of {len(self.table)} names owe {last[f'top_{self.tops[-1]}']:.0%}"
        return f"{share}; as concentrated as {last['effective_names']:.0f} names alike"

    def to_table(self, name: str = "concentration", rows: int = 10, lgd: float | None = None) -> Table:
        """The largest names; with a loss given default (a fraction), what the failure of each would cost."""
        frame = self.table.head(rows).drop(columns="rank").rename(columns={"name": self.level})
        note = self.conventions
        if lgd is not None:
            frame = frame.assign(lost_if_it_fails=frame["exposure"] * lgd)
            note += f" Lost if it fails: {lgd:.0%} of the exposure, before security."
        return Table(name, self.finding(), frame, note, FORMATS)

    def monthly(self, name: str = "concentration_months", rows: int = 13) -> Table:
        """The measures at the last month ends."""
        shares: dict[str, Format] = dict.fromkeys((f"top_{n}" for n in self.tops), "percent")
        title = "Concentration month by month"
        return Table(name, title, self.months.tail(rows), self.conventions, FORMATS | shares)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Concentration curve: the share of exposure that the largest names owe, now and a year before."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        shares = np.concatenate([[0.0], self.table["cumulative_share"]]) * 100
        ax.plot(np.arange(len(shares)), shares, color="#0072B2")
        ax.plot([0, max(len(shares) - 1, 1)], [0, 100], color="0.6", linewidth=1, linestyle="--")
        if len(shares) > 1:
            place = (len(shares) - 1) * 0.62
            ax.annotate("all names alike", (place, 62), (6, -12), textcoords="offset points", color="0.35")
        for n in [n for n in self.tops if n < len(shares)]:
            ax.plot(n, shares[n], "o", color="#D55E00")
            words = f"largest {n}: {shares[n]:.0f}%" if n > 1 else f"the largest: {shares[n]:.0f}%"
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            ax.annotate(words, (n, shares[n]), (9, -4), textcoords="offset points", bbox=ground)
        ax.set_title(self.finding())
        ax.set_xlabel("number of names, the largest first")
        ax.set_ylabel("share of exposure, %")
        ax.set_ylim(0, 103)
        ax.set_xlim(left=0)
        return stamp(ax, self.as_of)

    def plot_trend(self, ax: Axes | None = None) -> Axes:
        """Shares of the largest names at month ends."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        for n in self.tops:
            label = "the largest" if n == 1 else f"the largest {n}"
            ax.plot(self.months["month_end"], 100 * self.months[f"top_{n}"], label=label)
        ends = self.months["effective_names"].dropna()
        now, then = (ends.iloc[-1], ends.iloc[max(-13, -len(ends))]) if len(ends) else (np.nan, np.nan)
        past = "a year before" if len(ends) > 12 else "at first"
        ax.set_title(f"As concentrated as {now:.0f} names alike, {then:.0f} {past}")
        ax.set_ylabel("share of exposure, %")
        ax.set_ylim(0, 1.25 * max(ax.get_ylim()[1], 1))
        ax.legend(loc="upper left", ncols=len(self.tops))
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


FORMATS: dict[str, Format] = {
    **dict.fromkeys(("exposure", "lost_if_it_fails"), "money"),  # type: ignore[arg-type]
    **dict.fromkeys(("share", "cumulative_share"), "percent"),
    "effective_names": "days",
    "month_end": "date",
}


def make_concentration(path: UtilisationPath, months: int = 36, tops: Sequence[int] = TOPS) -> Concentration:
    """Concentration of exposure by the names of a path: groups, or customers.

    Parameters
    ----------
    path : UtilisationPath
        Made with ``level="group"``, customers of one group are one name.
    months : int
        Rows of the monthly series.
    tops : sequence of int
        Numbers of largest names whose share is shown, increasing.

    Returns
    -------
    Concentration

    Raises
    ------
    LedgerError
        If the numbers of names are not increasing positive whole numbers.

    Examples
    --------
    >>> import pandas as pd, arrisk as ar
    >>> from arrisk.portfolio.utilisation import make_utilisation_path
    >>> ledger = ar.read_ledger({"invoices": pd.DataFrame({"invoice_id": ["1", "2", "3"],
    ...     "customer_id": ["a", "b", "c"], "issue_date": ["2025-01-01"] * 3, "amount": [50.0, 30.0, 20.0]})},
    ...     currency="EUR")
    >>> result = make_concentration(make_utilisation_path(ledger.as_of("2025-01-31")), tops=(1, 2))
    >>> result.months[["top_1", "top_2", "hhi"]].iloc[-1].tolist()
    [0.5, 0.8, 0.38]
    """
    whole = tuple(int(n) for n in tops)
    if not whole or list(whole) != sorted(set(whole)) or whole[0] < 1:
        raise LedgerError(f"tops={tuple(tops)}: give increasing whole numbers of names, such as {TOPS}")
    ends = path.month_ends(months)
    rows = [_measures(date, part["exposure"], whole) for date, part in ends.groupby("date")]
    columns = ["month_end", "names", "exposure", *(f"top_{n}" for n in whole), "hhi", "effective_names"]
    now = ends[(ends["date"] == path.as_of) & (ends["exposure"] > 0)]
    now = now.sort_values(["exposure", "name"], ascending=[False, True], ignore_index=True)
    share = now["exposure"] / now["exposure"].sum()
    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(now) + 1),
            "name": now["name"],
            "exposure": now["exposure"],
            "share": share,
            "cumulative_share": share.cumsum(),
        }
    )
    return Concentration(
        table,
        pd.DataFrame(rows, columns=columns),
        path.as_of,
        path.currency,
        path.level,
        whole,
        path.credits,
    )


def _measures(date: object, exposure: pd.Series, tops: tuple[int, ...]) -> tuple[object, ...]:
    owed = exposure[exposure > 0]
    shares = [top_share(owed, n) for n in tops]
    return date, len(owed), owed.sum(), *shares, herfindahl(owed), effective_names(owed)
