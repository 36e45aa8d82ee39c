"""What a ledger shows of a discount that is already offered; a description, never an effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html, money
from arrisk.models.intervals import clopper_pearson, jackknife_logit
from arrisk.policy.discount import page as discount_page
from arrisk.policy.discount import plots as discount_plots
from arrisk.policy.discount.history import Offer, find_offer, offer_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["DESCRIPTIVE", "RunningScheme", "describe_running_scheme", "take_up_interval"]

DESCRIPTIVE = (
    "Descriptive only: takers choose themselves, so the difference in days between takers and others is not "
    "what the discount achieved."
)
ALL = "all"
MATURE_DAYS = 180


@dataclass(frozen=True, slots=True)
class RunningScheme:
    """Offers and discounts taken, by segment; make one with `describe_running_scheme`.

    Parameters
    ----------
    table : DataFrame
        A row a segment and one for all: customers offered, offered (invoices whose window is over),
        offered_amount, taken (invoices), take_up (of amounts) with ci_low and ci_high by customer,
        discount_amount, unearned (invoices taken outside the window plus grace), unearned_amount (of
        discount), not_offered (discounts taken without an offer), days_taken and days_not_taken (mean days
        to payment, weighted by amount), early_before (share of sales older than 180 days and without an
        offer that was paid within the window anyway).
    offer : Offer or None
        The commonest offer.
    as_of : Timestamp
    currency : str
    grace_days : int
    """

    table: pd.DataFrame
    offer: Offer | None
    as_of: pd.Timestamp
    currency: str
    grace_days: int

    @property
    def exists(self) -> bool:
        """Whether the ledger holds any discount offered or taken."""
        return len(self.table) > 0

    @property
    def total(self) -> pd.Series:
        """The row for all segments."""
        return self.table.iloc[-1]

    def finding(self) -> str:
        """The description in one sentence."""
        if not self.exists:
            return "The ledger holds no discount offered or taken."
        t = self.total
        late = t["unearned"] / t["taken"] if t["taken"] else 0.0
        many = "invoice" if t["taken"] == 1 else "invoices"
        taken = (
            f"{money(t['discount_amount'], self.currency)} of discounts taken on {int(t['taken']):,} {many}"
        )
        if not t["offered"]:
            return f"{taken}; the ledger does not show to whom they were offered"
        return (
            f"{taken}: {t['take_up']:.0%} of what was offered ({t['ci_low']:.0%} to {t['ci_high']:.0%}); "
            f"{late:.0%} of the discounts came too late"
        )

    def to_table(self, name: str = "running_scheme") -> Table:
        """Offers and discounts taken by segment, ready to be shown."""
        return discount_page.running_table(self, name, DESCRIPTIVE)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Take-up of offered amounts by segment with its interval."""
        return discount_plots.plot_running(self, ax)

    def __repr__(self) -> str:
        return f"RunningScheme, as of {self.as_of:%Y-%m-%d}. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def describe_running_scheme(snapshot: Snapshot, *, grace_days: int = 3, level: float = 0.95) -> RunningScheme:
    """Describe the discounts that a ledger shows.

    Parameters
    ----------
    snapshot : Snapshot
    grace_days : int
        A discount taken up to so many days after the window counts as earned.
    level : float
        Of the interval of take-up (jackknife by customer on the logit scale;
        Clopper-Pearson on customers when one of them decides it).

    Returns
    -------
    RunningScheme
        Its table is empty when nothing was offered or taken.
    """
    frame = _with_taking_day(offer_frame(snapshot), snapshot)
    offer = find_offer(frame)
    touched = frame[frame["offered"] | frame["taken"]]
    if touched.empty:
        return RunningScheme(pd.DataFrame(), None, snapshot.date, snapshot.currency, grace_days)
    frame["late"] = frame["taken"] & frame["offered"] & (frame["taking"] > frame["days"] + grace_days)
    window = offer.days if offer else 0
    groups = [(str(s), frame[frame["segment"] == s]) for s in sorted(touched["segment"].unique())]
    rows = [_describe(name, rows, snapshot.date, window, level) for name, rows in [*groups, (ALL, frame)]]
    return RunningScheme(pd.DataFrame(rows), offer, snapshot.date, snapshot.currency, grace_days)


def _with_taking_day(frame: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
    """Add `taking`: days from issue to the last discount event of the item, or of its invoice as a whole."""
    events = snapshot.events[snapshot.events["kind"] == "discount"]
    whole = events[events["instalment"].isna()].groupby("invoice_id")["date"].max()
    parts = events[events["instalment"].notna()].astype({"instalment": "int64"})
    last = parts.groupby(["invoice_id", "instalment"])["date"].max().reset_index()
    out = frame.merge(last, on=["invoice_id", "instalment"], how="left")
    day = out["date"].fillna(out["invoice_id"].map(whole))
    return out.assign(taking=(day - out["issue_date"]).dt.days.astype(float)).drop(columns="date")


def _describe(
    name: str, frame: pd.DataFrame, date: pd.Timestamp, window: int, level: float
) -> dict[str, object]:
    over = frame["issue_date"] + pd.to_timedelta(frame["days"].fillna(0), unit="D") < date
    offered = frame[
        frame["offered"] & (over | frame["close_kind"].ne("open")) & frame["close_kind"].ne("credited")
    ]
    taken = frame[frame["taken"]]
    share, low, high = _take_up(offered, level)
    paid = offered[offered["close_kind"] == "paid"]
    free = frame[~frame["offered"] & ~frame["taken"] & frame["close_kind"].eq("paid")]
    free = free[free["issue_date"] <= date - pd.Timedelta(days=MATURE_DAYS)]
    return {
        "segment": name,
        "customers": int(offered["customer_id"].nunique()),
        "offered": len(offered),
        "offered_amount": float(offered["amount"].sum()),
        "taken": len(taken),
        "take_up": share,
        "ci_low": low,
        "ci_high": high,
        "discount_amount": float(taken["discount_amount"].sum()),
        "unearned": int(taken["late"].sum()),
        "unearned_amount": float(taken.loc[taken["late"], "discount_amount"].sum()),
        "not_offered": int((~taken["offered"]).sum()),
        "days_taken": _mean_days(paid[paid["taken"]]),
        "days_not_taken": _mean_days(paid[~paid["taken"]]),
        "early_before": _share(free.loc[free["duration"] <= window, "amount"].sum(), free["amount"].sum()),
    }


def _take_up(offered: pd.DataFrame, level: float) -> tuple[float, float, float]:
    by = offered.assign(got=offered["amount"].where(offered["taken"], 0.0)).groupby("customer_id")
    totals = by[["amount", "got"]].sum().to_numpy(dtype=float)
    return take_up_interval(totals[:, 0], totals[:, 1], level)


def take_up_interval(
    offered: NDArray[np.float64], taken: NDArray[np.float64], level: float
) -> tuple[float, float, float]:
    """Taken share of offered amounts with its interval: jackknife by customer on the logit scale.

    Parameters
    ----------
    offered, taken : arrays, customers
        Amounts; customers without an offer do not count.
    level : float

    Returns
    -------
    (share, low, high)
        NaN when nothing was offered.
    """
    totals = np.column_stack([offered, taken])[np.asarray(offered) > 0]
    whole = totals.sum(axis=0)
    share = _share(whole[1], whole[0])
    if not len(totals):
        return share, float("nan"), float("nan")
    left = whole - totals
    if (left[:, 1] > 0).all() and (left[:, 1] < left[:, 0]).all():
        return share, *jackknife_logit(share, left[:, 1] / left[:, 0], level)
    return share, *clopper_pearson(share * len(totals), len(totals), level)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _mean_days(rows: pd.DataFrame) -> float:
    return float(np.average(rows["duration"], weights=rows["amount"])) if len(rows) else float("nan")
