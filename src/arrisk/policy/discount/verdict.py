"""What a running discount really earned: the design that its rules allow, its checks, and the money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from arrisk.display import Table, frame_html
from arrisk.models.effects.assignment import OfferRules, find_offer_rules
from arrisk.models.trial.power import detectable_shift
from arrisk.policy.arithmetic import discount_cost
from arrisk.policy.discount import verdict_page
from arrisk.policy.discount.designs import (
    Reading,
    compare_takers,
    design_rows,
    read_design,
    read_designs,
    read_sales_effect,
)
from arrisk.policy.discount.running_scheme import RunningScheme, describe_running_scheme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.effects.effect import Effect

__all__ = ["SchemeVerdict", "evaluate_running_scheme"]

READ = ("value", "days", "unpaid")
YEAR = pd.Timedelta(days=365)
SECANTS, CAP = 2, 50.0


@dataclass(frozen=True, slots=True)
class Money:
    """An amount or a rate with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SchemeVerdict:
    """What a running discount changed, by every design that its rules allow.

    Make one with `evaluate_running_scheme`.

    Parameters
    ----------
    rules : OfferRules
        How the discount was offered.
    running : RunningScheme
        What was offered and taken, described.
    readings : tuple of Reading
        Every design on every outcome, and the effect on sales; where the ledger does not allow one, why.
    naive : DataFrame
        Takers less others (outcome, estimate, ci_low, ci_high, rows, clusters): descriptive only.
    rows : DataFrame
        The invoices that the designs read (see `design_rows`).
    yearly : DataFrame
        A row a group that was offered: group, how ("by rule", "by hand", "no rule"), and of the last 365
        days in currency units: sales (offered), taken (of these, with a discount), discount.
    breaking_even : float
        Cost of capital at which the offer by rule earns nothing; NaN without a design, infinite where no
        rate up to 100% does.
    cost_of_capital, level : float
    horizon, grace_days : int
    """

    rules: OfferRules
    running: RunningScheme
    readings: tuple[Reading, ...]
    naive: pd.DataFrame
    rows: pd.DataFrame
    yearly: pd.DataFrame
    breaking_even: float
    cost_of_capital: float
    level: float
    horizon: int
    grace_days: int

    @property
    def as_of(self) -> pd.Timestamp:
        """Day on which the ledger was read."""
        return self.rules.as_of

    @property
    def currency(self) -> str:
        """Reporting currency."""
        return self.rules.currency

    def primary(self, outcome: str = "value") -> Effect | None:
        """Effect by the first design in the fixed order that the ledger allows; None without one."""
        effects = (r.effect for r in self.readings if r.outcome == outcome and r.effect is not None)
        return next(effects, None)

    @property
    def identified(self) -> bool:
        """Whether the rules allow a design and the ledger does not refute what it needs."""
        effect = self.primary()
        return effect is not None and effect.identified

    @property
    def sales(self) -> float:
        """Offered by rule in the last 365 days, currency units."""
        return float(self.yearly.loc[self.yearly["how"] == "by rule", "sales"].sum())

    @property
    def by_hand(self) -> Money | None:
        """Bounds on what the offers that no rule explains earn in a year; their value is unknown (NaN).

        At worst the takers would have paid on the same day without the discount; at best not before the
        horizon. No comparison with other customers narrows this.
        """
        rows = self.yearly[self.yearly["how"] != "by rule"]
        if rows.empty:
            return None
        cost, taken = float(rows["discount"].sum()), float(rows["taken"].sum())
        latest = 1 - (1 + self.cost_of_capital) ** (-self.horizon / 365)
        return Money(float("nan"), -cost, taken * latest - cost)

    @property
    def earned(self) -> Money | None:
        """Money a year on what is offered by rule: earlier payment less discounts."""
        effect = self.primary()
        if effect is None:
            return None
        return Money(*(v / 100 * self.sales for v in (effect.estimate, effect.ci_low, effect.ci_high)))

    @property
    def chance_of_gain(self) -> float:
        """Probability that the offer by rule earns money, from the estimate's own t distribution."""
        effect = self.primary()
        return float("nan") if effect is None else float(stats.t.cdf(effect.estimate / effect.se, effect.df))

    @property
    def given(self) -> pd.Series:
        """Of invoices within the rule: `share` (discounts per unit offered), `worth` (at present value)."""
        within = self.rows[self.rows["ruled"] & self.rows["comparable"]]
        offered = float(within["amount"].sum())
        factor = (1 + self.cost_of_capital) ** (-within["days"] / 365)
        worth = float((within["discount"] * factor).sum())
        share, value = (x / offered if offered else np.nan for x in (within["discount"].sum(), worth))
        return pd.Series({"share": float(share), "worth": float(value), "offered": offered})

    @property
    def annual_cost(self) -> Money | None:
        """Simple annual rate that the discounts cost for the days really gained (365 days, on what is paid).

        The high end is unbounded where the days gained may be none.
        """
        effect = self.primary("days")
        if effect is None or not self.given["share"] > 0:
            return None
        ends = (-effect.estimate, -effect.ci_low, -effect.ci_high)
        value, low, high = (
            discount_cost(self.given["share"], days) if days > 0 else float("inf") for days in ends
        )
        return Money(value, low, high)

    @property
    def paying_rate(self) -> Money | None:
        """Highest discount that would have paid, were it taken as often and as early as the one that ran."""
        effect, given, ruled = self.primary(), self.given, self.rules.ruled
        if effect is None or not given["worth"] > 0:
            return None
        rate = float(np.average(ruled["rate"], weights=ruled["offered"]))
        ends = (effect.estimate, effect.ci_low, effect.ci_high)
        return Money(*(max(rate * (1 + end / (100 * given["worth"])), 0.0) for end in ends))

    @property
    def experiment(self) -> str:
        """The cheapest next experiment, sized on this ledger."""
        means = self.rows.groupby("customer_id")["days"].mean()
        asked = means[means.index.isin(self.rows.loc[self.rows["offered"], "customer_id"])]
        if len(asked) < 4:
            return verdict_page.PILOT
        return verdict_page.describe_experiment(
            len(asked), detectable_shift(len(asked) // 2, float(asked.std(ddof=1)))
        )

    def finding(self) -> str:
        """What the discount earned, or why the ledger cannot say, in one sentence."""
        return verdict_page.describe_verdict(self)

    def to_table(self, name: str = "scheme_designs") -> Table:
        """Every design side by side, the naive comparison at the end."""
        return verdict_page.show_designs(self, name)

    def checks_table(self, name: str = "scheme_checks") -> Table:
        """What the ledger could have refuted of each design."""
        return verdict_page.show_checks(self, name)

    def money_table(self, name: str = "scheme_money") -> Table:
        """What the discounts cost and what they brought, by how they were given."""
        return verdict_page.show_money(self, name)

    def plot(self, ax: Axes | None = None, outcome: str = "days") -> Axes:
        """Every design's estimate with its interval; the naive comparison in grey."""
        return verdict_page.plot_designs(self, ax, outcome)

    def plot_design(self, design: str = "", outcome: str = "days", ax: Axes | None = None) -> Axes:
        """The picture of one design (of `ORDER`); by default of the one that answers."""
        return verdict_page.plot_design(self, design, outcome, ax)

    def __repr__(self) -> str:
        return f"SchemeVerdict, as of {self.as_of:%Y-%m-%d}. {self.finding()}"

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def evaluate_running_scheme(
    snapshot: Snapshot,
    *,
    cost_of_capital: float = 0.08,
    horizon: int = 120,
    grace_days: float = 3,
    level: float = 0.95,
    by: str | None = None,
) -> SchemeVerdict:
    """Estimate what a discount that is already offered really changed.

    The rule by which it was offered is found first, without a look at payments. Every design that the rule
    allows is run on days to payment, present value and money unpaid; which of them answers is fixed
    beforehand (`arrisk.policy.discount.designs.ORDER`). Customers picked by hand take no part: what they
    would have done without the offer is not in the ledger.

    Parameters
    ----------
    snapshot : Snapshot
    cost_of_capital : float
        Effective annual rate, 365 days.
    horizon : int
        Days from issue in which an invoice is followed. What is unpaid then counts as paid on that day, so
        the value holds earlier payment and discounts, not losses: these are read apart, as money unpaid.
    grace_days : float
        A discount taken up to so many (whole) days after the window counts as earned.
    level : float
        Of the intervals.
    by : str, optional
        Attribute of customers in which rules are looked for (see `find_offer_rules`).

    Returns
    -------
    SchemeVerdict

    Raises
    ------
    ModelError
        If no invoice is old enough.
    """
    rules = find_offer_rules(snapshot, by=by)
    rows = design_rows(snapshot, rules, horizon=horizon, cost_of_capital=cost_of_capital)
    with threadpool_limits(1):  # many small regressions: several threads wait for each other
        readings = [r for outcome in READ for r in read_designs(rows, rules, outcome, level)]
        naive = pd.DataFrame([{"outcome": o} | compare_takers(rows, o, level) for o in READ])
        sales = read_sales_effect(snapshot, rules, level)
        turns = _breaking_even(snapshot, rules, rows, readings, horizon, cost_of_capital, level)
    return SchemeVerdict(
        rules=rules,
        running=describe_running_scheme(snapshot, grace_days=round(grace_days), level=level),
        readings=(*readings, sales),
        naive=naive,
        rows=rows,
        yearly=_yearly(snapshot, rules),
        breaking_even=turns,
        cost_of_capital=cost_of_capital,
        level=level,
        horizon=horizon,
        grace_days=round(grace_days),
    )


def _yearly(snapshot: Snapshot, rules: OfferRules) -> pd.DataFrame:
    """Offered sales and discounts of the last 365 days, by group and how the offer was given."""
    items = snapshot.items
    rate = pd.to_numeric(items["discount_rate"]).astype(float).fillna(0.0)
    items = items[(items["amount"] > 0) & (rate > 0) & (items["issue_date"] > snapshot.date - YEAR)]
    billed = items["amount"].astype(float)
    marked = rules.treat(items[["customer_id", "issue_date"]].assign(billed=billed))
    how = np.select([marked["ruled"], marked["picked"]], ["by rule", "by hand"], "no rule")
    table = pd.DataFrame(
        {
            "group": marked["group"],
            "how": how,
            "sales": billed - items["credited_amount"].astype(float),
            "discount": items["discount_amount"].astype(float),
        }
    )
    table["taken"] = table["sales"].where(table["discount"] > 0, 0.0)
    return table.groupby(["group", "how"], as_index=False)[["sales", "taken", "discount"]].sum()


def _breaking_even(
    snapshot: Snapshot,
    rules: OfferRules,
    rows: pd.DataFrame,
    readings: list[Reading],
    horizon: int,
    capital: float,
    level: float,
) -> float:
    """Where the design that answers, run at other costs of capital, finds nothing earned.

    What earlier payment is worth goes with ``log(1 + capital)`` to the first order: from there by secants.
    """
    first = next((r for r in readings if r.outcome == "value" and r.effect is not None), None)
    within = rows[rows["ruled"] & rows["comparable"]]
    if first is None or first.effect is None or capital <= 0 or not within["amount"].sum():
        return float("nan")
    cost = 100 * float(within["discount"].sum() / within["amount"].sum())
    gain = first.effect.estimate + cost
    if gain <= 0:
        return float("inf")

    def earned(rate: float) -> float:
        other = design_rows(snapshot, rules, horizon=horizon, cost_of_capital=rate)
        effect = read_design(first.design, other, rules, "value", level).effect
        return float("nan") if effect is None else effect.estimate

    points = [(capital, first.effect.estimate)]
    rate = min((1 + capital) ** min(cost / gain, CAP) - 1, 1.0)
    for _ in range(SECANTS):
        points.append((rate, earned(rate)))
        (r0, e0), (r1, e1) = points[-2:]
        rate = r1 - e1 * (r1 - r0) / (e1 - e0) if e1 != e0 else float("inf")
        if not 0 < rate <= 1:
            return float("inf")
    return float(rate)
