"""What became of money billed above limits, against money within them, on the ledger's own past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError
from arrisk.ledger.balance_statements import customer_groups, owed_months
from arrisk.ledger.days import dates, month_end, month_index
from arrisk.models.intervals import Interval, clopper_pearson, jackknife, jackknife_logit
from arrisk.portfolio.utilisation import UtilisationPath, make_utilisation_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["ExcessHistory", "make_excess_history"]

LEVEL = 0.95
LEAST_CUSTOMERS = 10
LEAST_UNPAID = 5
BILLED, STANDING = "billed in the month", "standing at month ends"
COLUMNS = ["counting", "months", "month_ends", "customers", "customers_above", "unpaid_above"]
COLUMNS += ["above", "above_low", "above_high", "within", "difference", "ci_low", "ci_high", "yearly"]


@dataclass(frozen=True, slots=True, eq=False)
class ExcessHistory:
    """Share of money above and within limits at past month ends that was unpaid so many months later.

    Attributes
    ----------
    table : DataFrame
        counting ("billed in the month": every invoice once, at the end of the month in which it was known;
        "standing at month ends": whatever is open at each, so that a stuck debt counts every month), months
        (how much later), month_ends, customers, customers_above, unpaid_above (customers of whose money above
        limits some was unpaid), above, above_low, above_high, within, difference, ci_low, ci_high
        (delete-one-customer jackknife), yearly (money above limits in a year, currency units).
    as_of : Timestamp
    currency : str
    months : int
        The horizon that decides.
    """

    table: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    months: int

    @property
    def decisive(self) -> pd.Series | None:
        """The row that decides; None when the ledger has too few customers above limits to say."""
        rows = self.table[(self.table["counting"] == BILLED) & (self.table["months"] == self.months)]
        rows = rows[(rows["customers_above"] >= LEAST_CUSTOMERS) & (rows["unpaid_above"] >= LEAST_UNPAID)]
        return rows.iloc[0] if len(rows) else None

    def finding(self) -> str:
        """The two shares at the horizon that decides, in one sentence."""
        row = self.decisive
        if row is None:
            return "Too little money above limits has been followed to say what becomes of it"
        return (
            f"{row['above']:.1%} of money billed above limits was unpaid {self.months} months later, "
            f"{row['within']:.1%} of the rest"
        )

    def to_table(self, name: str = "excess_history") -> Table:
        """The shares by horizon, ready to be shown."""
        frame = self.table.drop(columns=["month_ends", "unpaid_above", "above_low", "above_high", "yearly"])
        note = (
            "Share of items owed that cash, discounts and credit notes had not settled so many months later; "
            "written off is unpaid. What a customer owed is above its limit in the proportion in which its "
            "exposure was, at the end of the month. Interval of the difference: 95%, by deleting one "
            "customer at a time."
        )
        return Table(name, self.finding(), frame, note, FORMATS)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Shares unpaid, above and within limits, by months later."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        rows = self.table[(self.table["counting"] == BILLED) & self.table["above"].notna()]
        place = np.arange(len(rows))
        above, within = rows["above"].to_numpy() * 100, rows["within"].to_numpy() * 100
        reach = np.stack(
            [above - rows["above_low"].to_numpy() * 100, rows["above_high"].to_numpy() * 100 - above]
        )
        style = {"ecolor": "black", "capsize": 3, "elinewidth": 1}
        words = "above the limit (95% interval)"
        ax.bar(place - 0.2, above, 0.38, yerr=reach, error_kw=style, color="#D55E00", label=words)
        ax.bar(place + 0.2, within, 0.38, color="#0072B2", label="within the limit")
        ax.set_xticks(place, [f"{months} months later" for months in rows["months"]])
        ax.set_title(self.finding())
        ax.set_ylabel("unpaid share of money billed, %")
        if rows.empty:
            ax.set_yticks([])
            ax.annotate("nothing to compare", (0.5, 0.5), xycoords="axes fraction", ha="center", color="0.35")
        else:
            ax.legend(loc="upper right")
            ax.set_ylim(0, 1.3 * max((above + reach[1]).max(), 1e-6))
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


FORMATS: dict[str, Format] = {
    **dict.fromkeys(("above", "within", "difference", "ci_low", "ci_high"), "percent"),  # type: ignore[arg-type]
    **dict.fromkeys(("months", "customers", "customers_above"), "integer"),
}


def make_excess_history(
    snapshot: Snapshot,
    path: UtilisationPath | None = None,
    months: int = 6,
    others: Sequence[int] = (3, 12),
    month_ends: int = 24,
) -> ExcessHistory:
    """Follow money above and within limits at past month ends.

    Parameters
    ----------
    snapshot : Snapshot
    path : UtilisationPath, optional
        Of its customers; made by default.
    months : int
        How many months later what is unpaid decides: long enough for late payers to have paid.
    others : sequence of int
        Further horizons, shown beside it.
    month_ends : int
        At most so many month ends, the last of them `months` before the last full month.

    Returns
    -------
    ExcessHistory

    Raises
    ------
    ModelError
        If the path is not of this snapshot's customers, or a number is less than one.

    Notes
    -----
    Money within a customer is fungible, so its items are split in the proportion of its exposure above and
    within its limit. An invoice is counted once, in the month in which it became known: whatever stands at
    month ends would count a stuck debt again every month, and blame the limit for it.
    """
    horizons = sorted({months, *others})
    if horizons[0] < 1 or month_ends < 1:
        raise ModelError("months, others and month_ends: at least one")
    path = make_utilisation_path(snapshot) if path is None else path
    if path.level != "customer" or path.as_of != snapshot.date:
        raise ModelError("the path must be of the snapshot's date and of its customers")
    names = snapshot.query(customer_groups()).set_index("customer")["customer_id"]
    cells = snapshot.query(owed_months()).astype("int64")
    cells["name"] = names.reindex(cells["customer"]).to_numpy(dtype=object)
    last = int(month_index([snapshot.day + 1])[0]) - 1
    rows = []
    for horizon in horizons:
        first = max(last - horizon - month_ends + 1, int(cells["month"].min()))
        ends = np.arange(first, last - horizon + 1)
        split = _split(path, ends)
        rows.append(_row(BILLED, horizon, _billed(cells, ends, horizon), split, path.scale))
        if horizon == months:
            rows.append(_row(STANDING, horizon, _standing(cells, ends, horizon), split, path.scale))
    return ExcessHistory(pd.DataFrame(rows, columns=COLUMNS), snapshot.date, snapshot.currency, months)


def _split(path: UtilisationPath, ends: np.ndarray) -> pd.Series:
    """Share of each customer's exposure above its limit, by (name, month); only where one was set."""
    states = path.at(pd.DatetimeIndex(dates(month_end(ends))))
    states = states[states["credit_limit"].notna()]
    over = (states["exposure"] - states["credit_limit"]).clip(lower=0)
    share = (over / states["exposure"].where(states["exposure"] > 0)).fillna(0.0)
    day = states["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    index = pd.MultiIndex.from_arrays([states["name"], month_index(day)], names=["name", "month"])
    return pd.Series(share.to_numpy(), index=index)


def _billed(cells: pd.DataFrame, ends: np.ndarray, horizon: int) -> pd.DataFrame:
    """What was known in each month and open at its end, and what of it was unpaid later."""
    later = cells["month"] - cells["item_month"]
    keys = ["name", "item_month"]
    owed = cells[later == 0].groupby(keys)["amount"].sum()
    settled = cells[(later > 0) & (later <= horizon)].groupby(keys)["settled"].sum()
    both = _unpaid(owed, settled).rename_axis(["name", "month"])
    return both.loc[both.index.get_level_values("month").isin(ends)]


def _standing(cells: pd.DataFrame, ends: np.ndarray, horizon: int) -> pd.DataFrame:
    """What was open at each month end, and what of it was unpaid later."""
    parts = {}
    for end in ends.tolist():
        seen = cells[cells["item_month"] <= end]
        owed = seen[seen["month"] <= end].groupby("name")["amount"].sum()
        after = seen[(seen["month"] > end) & (seen["month"] <= end + horizon)]
        parts[end] = _unpaid(owed, after.groupby("name")["settled"].sum())
    if not parts:
        return _billed(cells, ends, horizon)
    return pd.DataFrame(pd.concat(parts, names=["month", "name"]).reorder_levels(["name", "month"]))


def _unpaid(owed: pd.Series, settled: pd.Series) -> pd.DataFrame:
    """Owed and later unpaid, in minor units; never more than was owed, should a payment have come back."""
    left = owed - settled.reindex(owed.index).fillna(0)
    both = pd.DataFrame({"owed": owed, "unpaid": left.clip(lower=0)})
    both["unpaid"] = both[["owed", "unpaid"]].min(axis=1)
    return both.loc[both["owed"] > 0]


def _row(counting: str, months: int, money: pd.DataFrame, split: pd.Series, scale: int) -> dict[str, object]:
    """Shares above and within limits with their intervals, customers deleted one at a time."""
    found = money.join(split.rename("share"), how="inner")
    over, rest = found["share"], 1 - found["share"]
    parts = pd.DataFrame(
        {
            "above": found["owed"] * over,
            "unpaid_above": found["unpaid"] * over,
            "within": found["owed"] * rest,
            "unpaid_within": found["unpaid"] * rest,
        }
    )
    ends = found.index.get_level_values("month").nunique()
    sums = parts.groupby(level="name").sum()
    out: dict[str, object] = {
        "counting": counting,
        "months": months,
        "month_ends": ends,
        "customers": len(sums),
        "customers_above": int((sums["above"] > 0).sum()),
        "unpaid_above": int((sums["unpaid_above"] > 0).sum()),
        "yearly": sums["above"].sum() / scale / max(ends, 1) * 12,
    }
    enough = out["customers_above"] >= LEAST_CUSTOMERS and sums["within"].gt(0).sum() >= LEAST_CUSTOMERS  # type: ignore[operator]
    return out | (_shares(sums) if enough else {})


def _shares(sums: pd.DataFrame) -> dict[str, object]:
    total = sums.sum()
    above, within = total["unpaid_above"] / total["above"], total["unpaid_within"] / total["within"]
    less = total - sums
    without = less["unpaid_above"] / less["above"]
    difference = jackknife(above - within, without - less["unpaid_within"] / less["within"], LEVEL)
    own = _share_interval(above, without.to_numpy(), int((sums["above"] > 0).sum()))
    return {
        "above": above,
        "above_low": own.low,
        "above_high": own.high,
        "within": within,
        "difference": above - within,
        "ci_low": difference.low,
        "ci_high": difference.high,
    }


def _share_interval(share: float, without: np.ndarray, customers: int) -> Interval:
    """Jackknife where it has a logit; else the exact interval of so many customers."""
    if 0 < share < 1 and np.all((without > 0) & (without < 1)):
        return jackknife_logit(share, without, LEVEL)
    return clopper_pearson(share * customers, customers, LEVEL)
