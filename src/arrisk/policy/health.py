"""The health report: where the book stands beside a month and a year before, on one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from arrisk.display import Table
from arrisk.ledger.book import Snapshot
from arrisk.policy import health_page
from arrisk.portfolio.ageing import make_ageing
from arrisk.portfolio.ageing_panel import make_ageing_panel
from arrisk.portfolio.class_changes import ClassChanges, customer_classes, make_class_changes
from arrisk.portfolio.dso import collection_effectiveness
from arrisk.portfolio.movements_since import BalanceBridge, make_bridge, month_before
from arrisk.portfolio.turnover import make_turnover

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.provision.provision import Provision

__all__ = ["FIGURES", "Figure", "HealthReport", "make_health"]

EDGES = (30, 60, 90)
TREND_MONTHS = 25


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the report: its name, how it is written, and which way is better (0: neither)."""

    label: str
    kind: health_page.Kind
    better: int


FIGURES: Mapping[str, Figure] = {
    "open_balance": Figure("open balance", "money", 0),
    "overdue": Figure("overdue", "money", -1),
    "overdue_share": Figure("overdue share", "percent", -1),
    "over_90_days": Figure("over 90 days overdue", "money", -1),
    "dso": Figure("DSO", "days", -1),
    "best_possible_dso": Figure("best possible DSO", "days", 0),
    "cei": Figure("collection effectiveness", "percent", 1),
    "largest_customer_share": Figure("largest customer's share", "percent", -1),
    "watch_share": Figure("customers on watch", "percent", -1),
    "high_risk_share": Figure("customers of high risk", "percent", -1),
    "unapplied_cash": Figure("unapplied cash", "money", -1),
}
"""What the report shows, in its order."""


@dataclass(frozen=True, slots=True, eq=False)
class HealthReport:
    """One page: figures beside those of a month and a year before, movements, classes, top risks.

    Attributes
    ----------
    figures : DataFrame
        figure (a key of `FIGURES`), now, month_before, year_before (missing where nothing was known then);
        money in currency units, shares as fractions, DSO in days.
    trend : DataFrame
        month_end, open, overdue_share, over_90_share, dso, best_possible_dso, cei, invoiced.
    risks : DataFrame
        Customers with most overdue: customer_id, name, overdue, share (of all overdue), oldest_days, disputed
        (of it), owed, expected_loss (by the provision rates; missing without them).
    bridge : BalanceBridge
    changes : ClassChanges
    as_of, month, year : Timestamp
        The day of the report and the two it is compared with.
    currency : str
    losses : str
        Where the expected losses come from, or why there are none.
    """

    figures: pd.DataFrame
    trend: pd.DataFrame
    risks: pd.DataFrame
    bridge: BalanceBridge
    changes: ClassChanges
    as_of: pd.Timestamp
    month: pd.Timestamp
    year: pd.Timestamp
    currency: str
    losses: str

    def value(self, figure: str, column: str = "now") -> float:
        """One figure, now or before."""
        return float(self.figures.loc[self.figures["figure"] == figure, column].iloc[0])

    def finding(self) -> str:
        """How many figures got better and worse, in one sentence."""
        return health_page.describe_health(self)

    def to_table(self, name: str = "health") -> Table:
        """The figures with their sentences."""
        return health_page.figures_table(self, name)

    def risks_table(self, name: str = "top_risks") -> Table:
        """The largest overdue customers."""
        return health_page.risks_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Small pictures of two years: balance, overdue share, DSO, collection effectiveness."""
        return health_page.plot_trend(self, ax)

    def _repr_html_(self) -> str:
        return health_page.health_html(self)


def make_health(
    snapshot: Snapshot,
    provision: Provision | None = None,
    least: float = 0.0,
    customers: int = 8,
) -> HealthReport:
    """Put the health report together.

    Parameters
    ----------
    snapshot : Snapshot
    provision : Provision, optional
        What is set aside for each customer: the expected loss of the top risks.
    least : float
        Overdue amounts (currency units) below it put no customer on watch.
    customers : int
        Rows of the top risks.

    Returns
    -------
    HealthReport

    Notes
    -----
    The month before is the same day a month before, or the month end before a month end; each day is read as
    it was known then. DSO is over three calendar months of sales as in `make_turnover`; collection
    effectiveness is that of the month up to the day, with the month's sales.
    """
    month, year = month_before(snapshot.date), _year_before(snapshot.date)
    columns = {
        name: _figures(snapshot, day, least)
        for name, day in (("now", snapshot.date), ("month_before", month), ("year_before", year))
    }
    figures = pd.DataFrame(
        {"figure": list(FIGURES), **{n: [c[f] for f in FIGURES] for n, c in columns.items()}}
    )
    risks, losses = _risks(snapshot, provision, customers)
    return HealthReport(
        figures,
        _trend(snapshot),
        risks,
        make_bridge(snapshot, month),
        make_class_changes(snapshot, month, least=least),
        snapshot.date,
        month,
        year,
        snapshot.currency,
        losses,
    )


def _year_before(day: pd.Timestamp) -> pd.Timestamp:
    before: pd.Timestamp = day - pd.DateOffset(years=1)
    return (before + pd.offsets.MonthEnd(0) if day.is_month_end else before).as_unit("s")


def _figures(snapshot: Snapshot, day: pd.Timestamp, least: float) -> dict[str, float]:
    """All figures of one day, as known then; missing before the ledger begins."""
    if day < snapshot.first_date:
        return dict.fromkeys(FIGURES, float("nan"))
    then = snapshot.as_of(day)
    owed = make_ageing(then, EDGES).table.set_index("bucket")["amount"].drop(["credits", "unapplied cash"])
    current, total = float(owed["not due"] + owed["no due date"]), float(owed.sum())
    items = then.items
    by_customer = items.loc[items["amount"] > 0].groupby("customer_id")["open_amount"].sum()
    classes = customer_classes(then, EDGES[:2], least)
    turnover = make_turnover(then, months=1).table.iloc[-1]
    return {
        "open_balance": then.open_balance,
        "overdue": total - current,
        "overdue_share": _share(total - current, total),
        "over_90_days": float(owed["over 90"]),
        "dso": float(turnover["dso"]),
        "best_possible_dso": float(turnover["best_possible_dso"]),
        "cei": _effectiveness(snapshot, then, total, current),
        "largest_customer_share": _share(float(by_customer.max()) if len(by_customer) else 0.0, total),
        "watch_share": float((classes == "watch").mean()),
        "high_risk_share": float((classes == "high risk").mean()),
        "unapplied_cash": float(then.unapplied["amount"].sum()),
    }


def _effectiveness(snapshot: Snapshot, then: Snapshot, total: float, current: float) -> float:
    """Collection effectiveness of the month up to the day of `then`; missing without a month before."""
    start = month_before(then.date)
    if start < snapshot.first_date:
        return float("nan")
    before = snapshot.as_of(start).items
    beginning = float(before.loc[before["amount"] > 0, "open_amount"].sum())
    items = then.items
    sales = float(
        items.loc[(items["issue_date"] > start) & (items["issue_date"] <= then.date), "amount"].sum()
    )
    if not beginning + sales - current > 0:
        return float("nan")
    return collection_effectiveness(beginning, sales, total, current)


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    ratio: pd.Series = part / whole.where(whole > 0)
    return ratio


def _trend(snapshot: Snapshot) -> pd.DataFrame:
    """Month ends of two years, from the ageing panel and the DSO family."""
    turnover = make_turnover(snapshot, months=TREND_MONTHS).table
    panel = make_ageing_panel(snapshot, months=TREND_MONTHS, edges=EDGES).table
    owed = panel.drop(columns=["month_end", "credits", "unapplied cash"]).sum(axis=1)
    late = panel[["1-30", "31-60", "61-90", "over 90"]].sum(axis=1)
    aged = pd.DataFrame(
        {
            "month_end": panel["month_end"],
            "open": owed + panel["credits"] + panel["unapplied cash"],
            "overdue_share": _ratio(late, owed),
            "over_90_share": _ratio(panel["over 90"], owed),
        }
    )
    family = turnover[["month_end", "dso", "best_possible_dso", "cei", "sales"]]
    out = aged.merge(family.rename(columns={"sales": "invoiced"}), on="month_end", how="left")
    if not snapshot.date.is_month_end:
        out.loc[out.index[-1], "cei"] = np.nan  # a few days of a month are no month
    return out


def _risks(snapshot: Snapshot, provision: Provision | None, customers: int) -> tuple[pd.DataFrame, str]:
    """Customers with most overdue, with what the provision rates expect to lose of all they owe."""
    items = snapshot.items
    owed = items[(items["amount"] > 0) & (items["open_amount"] > 0)]
    expected, losses = _expected_losses(provision)
    days = owed["days_overdue"].fillna(0)
    late, disputed = days > 0, owed["disputed"].astype(bool)
    amount = owed["open_amount"]
    parts = pd.DataFrame(
        {
            "customer_id": owed["customer_id"],
            "overdue": amount.where(late, 0.0),
            "oldest_days": days.where(late, 0).astype(np.int64),
            "disputed": amount.where(late & disputed, 0.0),
            "owed": amount,
        }
    )
    sums = parts.groupby("customer_id", as_index=False).agg(
        {"overdue": "sum", "oldest_days": "max", "disputed": "sum", "owed": "sum"}
    )
    sums["expected_loss"] = sums["customer_id"].astype(str).map(expected).astype(float)
    total = sums["overdue"].sum()
    top = sums[sums["overdue"] > 0].sort_values(["overdue", "customer_id"], ascending=[False, True])
    top = top.head(customers).reset_index(drop=True)
    names = snapshot.customers.set_index("customer_id")["name"]
    top.insert(1, "name", top["customer_id"].map(names).fillna("").astype(str))
    top.insert(3, "share", top["overdue"] / total if total > 0 else np.nan)
    return top, losses


def _expected_losses(provision: Provision | None) -> tuple[dict[str, float], str]:
    """What is set aside for each customer, and where it comes from."""
    if provision is None or not provision.identified:
        why = "no provision was given" if provision is None else provision.finding()
        return {}, f"No expected loss: {why}."
    rows = provision.by_customer
    losses = dict(zip(rows["customer_id"].astype(str), rows["provision"].astype(float), strict=True))
    note = "Expected loss: what the provision sets aside, at the rates of the book unless judged by itself."
    return losses, note
