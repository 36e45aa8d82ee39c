"""Time to payment: curves on the survival counts of a snapshot, and what they say of the items still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from arrisk.display import Table, frame_html
from arrisk.errors import LookAheadError, ModelError
from arrisk.models.timing.curves import SurvivalCurve, kaplan_meier
from arrisk.models.timing.day_counts import Floats
from arrisk.models.timing.followed import (
    ALL,
    ITEM_GROUPS,
    MIN_ITEMS,
    Clock,
    Followed,
    follow_items,
    from_crowded_day,
    weights_of,
)
from arrisk.models.timing.incidence import DailyHazard, chances_ahead, daily_hazard
from arrisk.models.timing.page import curve_rows, plot_timing, timing_table
from arrisk.models.timing.rates import DailyRates, rates_of_chances
from arrisk.portfolio.survival_counts import NOT_GIVEN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["ALL", "OPEN_COLUMNS", "Clock", "PaymentTiming", "fit_timing", "refit_hazards"]

HORIZON_DAYS = 180
OPEN_COLUMNS = (
    "invoice_id",
    "instalment",
    "customer_id",
    "issue_date",
    "due_date",
    "amount",
    "open_amount",
    "days_overdue",
)
TERMS = (
    "SELECT due_day - issue_day AS terms, CAST(COUNT(*) AS BIGINT) AS items FROM items "
    "WHERE due_day IS NOT NULL GROUP BY due_day - issue_day"
)


@dataclass(frozen=True, slots=True)
class PaymentTiming:
    """When invoices are paid; made by `fit_timing`.

    Parameters
    ----------
    as_of : Timestamp
        Day on which everything used was known.
    clock : {"issue", "due"}
        Day 0 of the curves.
    by : str or None
        Column that splits the curves.
    weights : {"count", "amount"}
        Whether an item counts once or by its amount.
    curves : mapping of group to SurvivalCurve
        Kaplan-Meier curves of payment, with "all" always there. Credited and written-off items are censored
        on that day: the curve says when those are paid that are paid in the end.
    hazards : mapping of group to DailyHazard
        Daily hazards of payment and of loss, used to predict; a group with too few items has none and
        borrows those of "all".
    terms : float
        Median days from issue to due, for open items without a due date.
    excluded : mapping of reason to int
        Items left out.
    """

    as_of: pd.Timestamp
    clock: Clock
    by: str | None
    weights: str
    curves: Mapping[str, SurvivalCurve]
    hazards: Mapping[str, DailyHazard]
    terms: float
    excluded: Mapping[str, int]

    @property
    def table(self) -> pd.DataFrame:
        """Tidy figures by group: term, estimate, ci_low, ci_high."""
        rows = [row for group, curve in self.curves.items() for row in curve_rows(group, curve, self.clock)]
        return pd.DataFrame(rows, columns=["group", "term", "estimate", "ci_low", "ci_high"])

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What was used, what was left out, and how the tail is treated."""
        curve, hazard = self.curves[ALL], self.hazards[ALL]
        return {
            "items": curve.n,
            "payments": curve.n_events,
            "customers": curve.n_clusters,
            "excluded": dict(self.excluded),
            "method": curve.method,
            "tail": f"after day {hazard.last_day} a constant {hazard.tail_paid:.2%} of open items is paid "
            f"and {hazard.tail_lost:.2%} lost a day, the rates of the last {hazard.tail_days} observed days",
            "borrowed": [g for g in self.curves if g not in self.hazards],
        }

    def late_share(self, days: tuple[int, ...] = (0, 30, 60)) -> pd.DataFrame:
        """P(late > d): share paid more than so many days after the due date, with its interval, by group.

        Returns
        -------
        DataFrame
            group, day, estimate, se, ci_low, ci_high.

        Raises
        ------
        ModelError
            On the clock since issue, which knows nothing of due dates.
        """
        if self.clock != "due":
            raise ModelError("lateness needs curves on the clock 'due'")
        parts = {group: curve.late_share(days) for group, curve in self.curves.items()}
        return pd.concat(parts, names=["group"]).reset_index("group").reset_index(drop=True)

    def predict(
        self, snapshot: Snapshot, days: tuple[int, ...] = (7, 30, 60, 90), horizon: int = HORIZON_DAYS
    ) -> pd.DataFrame:
        """Chance of payment of each open item, given how long it has been open.

        Parameters
        ----------
        snapshot : Snapshot
            Not earlier than the one the curves were fitted on.
        days : tuple of int
            Horizons, days from the as-of date.
        horizon : int
            Expected remaining days count at most this many.

        Returns
        -------
        DataFrame
            `invoice_id`, `instalment`, `customer_id`, `open_amount`, `group`, `age` (days on the clock),
            `p_paid_<d>` per horizon, `remaining_days`: the mean of min(days to payment, `horizon`).

        Raises
        ------
        LookAheadError
            If the snapshot is earlier than the curves.
        """
        items = self.open_items(snapshot)
        path = np.cumsum(self.paths(items, max(horizon, *days)), axis=1)
        out = items[["invoice_id", "instalment", "customer_id", "open_amount", "group", "age"]].copy()
        for d in days:
            out[f"p_paid_{d}"] = path[:, d - 1]
        out["remaining_days"] = 1.0 + (1.0 - path[:, : horizon - 1]).sum(axis=1)
        return out

    def open_items(self, snapshot: Snapshot) -> pd.DataFrame:
        """Open items of positive amount with their `group` and `age` on the clock."""
        if snapshot.date < self.as_of:
            raise LookAheadError(
                f"curves that know {self.as_of:%Y-%m-%d} cannot predict the state of {snapshot.date:%Y-%m-%d}"
            )
        items = snapshot.items
        is_open = ((items["close_kind"] == "open") & (items["amount"] > 0)).to_numpy()
        wanted = [*OPEN_COLUMNS, *([self.by] if self.by in ITEM_GROUPS else [])]
        # Copying all columns would be slow.
        return self.describe(snapshot, items.loc[is_open, wanted].reset_index(drop=True))

    def describe(self, snapshot: Snapshot, items: pd.DataFrame) -> pd.DataFrame:
        """Items with their `group` and their `age` on the clock, negative before day 0."""
        start = items["issue_date"]
        if self.clock == "due":
            assumed = items["issue_date"] + pd.to_timedelta(np.full(len(items), round(self.terms)), unit="D")
            start = items["due_date"].fillna(assumed)
        age = (snapshot.date - start).dt.days
        return items.assign(age=age, group=_groups(items, snapshot, self.by))

    def rates(self, items: pd.DataFrame, date: pd.Timestamp, horizon: int) -> DailyRates:
        """Daily rates of described items on the days after `date`; see `PaymentModel`."""
        return self._rates(items, (items["issue_date"] - date).dt.days.clip(lower=1), horizon)

    def _rates(self, items: pd.DataFrame, wait: pd.Series | int, horizon: int) -> DailyRates:
        """Rates of items that can be paid from the day `wait` ahead on."""
        known = items["group"].where(items["group"].isin(list(self.hazards)), ALL)
        keys = pd.DataFrame({"group": known, "age": items["age"], "wait": wait})
        kinds = keys.drop_duplicates().reset_index(drop=True)
        kind = keys.merge(kinds.reset_index(), how="left")["index"].to_numpy(dtype=np.int64)
        paid, lost = np.zeros((len(kinds), horizon)), np.zeros((len(kinds), horizon))
        for group, index in kinds.groupby("group").indices.items():
            ages = kinds["age"].to_numpy()[index]
            paid[index], lost[index] = rates_of_chances(
                *chances_ahead(self.hazards[str(group)], ages, horizon)
            )
        sold = np.arange(1, horizon + 1) >= kinds["wait"].to_numpy()[:, None]
        return DailyRates(paid * sold, lost * sold, kind)

    def paths(self, items: pd.DataFrame, horizon: int) -> Floats:
        """Probability that each open item is paid on each of the next `horizon` days, (items, horizon)."""
        return self._rates(items, 1, horizon).paths()

    def refit(self, snapshot: Snapshot) -> PaymentTiming:
        """The same model on another day, hazards only: what a back-test needs, without curves."""
        return refit_hazards(self, snapshot)

    def to_table(self, name: str = "payment_timing") -> Table:
        """Median days and shares still open, one row a group."""
        return timing_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the curves with their intervals."""
        return plot_timing(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def fit_timing(
    snapshot: Snapshot,
    clock: Clock = "issue",
    by: str | None = None,
    weights: Literal["count", "amount"] = "count",
    window_days: int | None = None,
    level: float = 0.95,
) -> PaymentTiming:
    """Fit curves of time to payment on all items known at the snapshot, open ones censored at its date.

    Parameters
    ----------
    snapshot : Snapshot
    clock : {"issue", "due"}
        Day 0 is the day of issue (same-day payers have duration 0) or the due date (days may be negative; an
        item is watched from its issue on, so those with longer terms enter earlier).
    by : str, optional
        Column of the items or of the customers, for one curve a group besides that of all.
    weights : {"count", "amount"}
        Count items or weigh them by amount. Amounts weigh the curve only; the intervals know that customers,
        not euros, are what varies.
    window_days : int, optional
        Use only what happened in the last so many days: older items enter at the age they had then.
    level : float
        Level of the intervals, robust to dependence within a customer.

    Returns
    -------
    PaymentTiming

    Raises
    ------
    ModelError
        If fewer than 20 items are ever open together, or `by` is no column.

    Notes
    -----
    All numbers come from `make_survival_counts`. Credits (negative amounts) are left out. A partly paid item
    counts as open until it is closed; of its amount, each settlement leaves on its own day. An item paid
    before the as-of date whose receipt was recorded after it counts as open.
    """
    followed = follow_items(snapshot, clock, by, weights, window_days, customers=True)
    frame, groups = followed.frame, followed.groups
    if frame.empty:
        raise ModelError(f"no item can be followed on the clock {clock!r}; a curve needs {MIN_ITEMS}")
    curves = {g: _curve(followed.of_group(g), weights, level) for g in groups}
    return PaymentTiming(
        as_of=snapshot.date,
        clock=clock,
        by=by,
        weights=weights,
        curves=MappingProxyType(curves),
        hazards=MappingProxyType(_hazards(followed)),
        terms=_median_terms(snapshot),
        excluded=MappingProxyType(followed.excluded),
    )


def refit_hazards(timing: PaymentTiming, snapshot: Snapshot) -> PaymentTiming:
    """The same model on another day, hazards only: what a back-test needs, without curves or intervals."""
    followed = follow_items(snapshot, timing.clock, timing.by, timing.weights)
    return replace(
        timing,
        as_of=snapshot.date,
        curves=MappingProxyType({}),
        hazards=MappingProxyType(_hazards(followed)),
        terms=_median_terms(snapshot),
        excluded=MappingProxyType(followed.excluded),
    )


def _hazards(followed: Followed) -> dict[str, DailyHazard]:
    """Hazards of each group that has enough items; that of all must have."""
    out = {}
    for group in followed.groups:
        part = followed.of_group(group)
        cause, weights = np.minimum(part["cause"], 2), weights_of(part, followed.weights)
        try:
            out[group] = daily_hazard(part["exit"], cause, part["entry"], weights, MIN_ITEMS, part["items"])
        except ModelError:
            if group == ALL:
                raise
    return out


def _median_terms(snapshot: Snapshot) -> float:
    """Median days from issue to due over all items with a due date."""
    terms = snapshot.query(TERMS)
    each = np.repeat(terms["terms"].to_numpy(dtype=np.int64), terms["items"].to_numpy(dtype=np.int64))
    return float(np.median(each)) if each.size else 0.0


def _groups(items: pd.DataFrame, snapshot: Snapshot, by: str | None) -> pd.Series:
    """The group of each open item, under the names of the counts."""
    if by is None:
        return pd.Series(ALL, index=items.index)
    if by in ITEM_GROUPS:
        values = items[by]
    else:
        values = items["customer_id"].map(snapshot.customers.set_index("customer_id")[by])
    return values.where(values.notna(), NOT_GIVEN).astype(str)


def _curve(part: pd.DataFrame, weights: str, level: float) -> SurvivalCurve:
    part = from_crowded_day(part)
    return kaplan_meier(
        part["exit"],
        part["cause"] == 1,
        entry=part["entry"],
        weights=weights_of(part, weights),
        clusters=part["customer_id"],
        level=level,
        counts=part["items"],
    )
