"""What is lost of what a customer owes when it defaults, by type of security."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.defaults.definition import DefaultDefinition
from arrisk.models.loss_rates.segments import NOT_GIVEN, segment_customers
from arrisk.models.recovery import lgd_page as page
from arrisk.models.recovery.classes import compare_classes
from arrisk.models.recovery.curves import FEWEST_AT_RISK, Curves, make_curves
from arrisk.models.recovery.months import MonthCells, count_months, received_share
from arrisk.models.recovery.share_interval import share_interval
from arrisk.models.recovery.workouts import read_workouts
from arrisk.models.recovery.write_offs import WriteOffs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot

__all__ = ["LossGivenDefault", "fit_lgd"]

Floats = NDArray[np.float64]
ALL = "all customers"
NONE = "none"


@dataclass(frozen=True, slots=True, eq=False)
class LossGivenDefault:
    """Share of the exposure at default that is lost, by type of security.

    Attributes
    ----------
    as_of : Timestamp
    currency : str
    by : str or None
        Attribute of customers that makes the classes.
    table : DataFrame
        security (the class; the last row is all customers), customers, paid (of them, something since),
        months (of workout that enough have had), exposure, received, lgd, ci_low, ci_high, credibility
        (weight of the class's own figure), credible (drawn towards all customers by it), interval (how it was
        made). Without a month of workout lgd is missing and the range is 0 to 1.
    workouts : WriteOffs
        The first default of each customer and the cash since.
    p_value : float
        Chance that classes differ as much when security says nothing (permutation of customers); NaN with
        fewer than two classes.
    conventions : dict of str to str
    diagnostics : dict
    """

    as_of: pd.Timestamp
    currency: str
    by: str | None
    table: pd.DataFrame
    workouts: WriteOffs
    p_value: float
    conventions: dict[str, str]
    diagnostics: dict[str, Any] = field(default_factory=dict)

    @property
    def identified(self) -> bool:
        """Whether there is a figure for all customers together."""
        return bool(self.table["lgd"].notna().iloc[-1])

    @property
    def tells_apart(self) -> bool:
        """Whether the classes differ by more than chance, at the level of the intervals."""
        return bool(self.p_value <= 1.0 - self.diagnostics["level"])

    def of(self, security: str | None) -> float:
        """Loss given default to reckon with for a class: its credible figure; of all for one never seen.

        Raises
        ------
        ModelError
            If there is no figure at all.
        """
        if not self.identified:
            raise ModelError("no default is a month old: the ledger gives no loss given default")
        rows = self.table[self.table["security"] == (NONE if security is None else security)]
        return float((rows if len(rows) else self.table)["credible"].iloc[-1])

    def finding(self) -> str:
        """What is lost of a defaulted customer, and whether security helps, in one sentence."""
        return page.describe_lgd(self)

    def to_table(self, name: str = "loss_given_default") -> Table:
        """Losses given default by security with their ranges and the customers behind them."""
        return page.show_lgd(self, name)

    def conventions_table(self, name: str = "lgd_conventions") -> Table:
        """Every choice behind the figures."""
        return page.show_conventions(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """A dot with its range for each class."""
        return page.plot_lgd(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        choices = "; ".join(f"{key}: {value}" for key, value in self.conventions.items())
        return frame_html(table.frame, table.title, f"{table.note} {choices}", table.formats)

    def __repr__(self) -> str:
        return f"LossGivenDefault({self.as_of:%Y-%m-%d}, {self.finding()})"


def fit_lgd(
    snapshot: Snapshot,
    by: str | None = "security",
    definition: DefaultDefinition | None = None,
    discount_rate: float = 0.0,
    costs: Mapping[str, float] | None = None,
    cost_share: float = 0.0,
    months: int = 36,
    min_customers: int = FEWEST_AT_RISK,
    level: float = 0.95,
    seed: int = 20251231,
) -> LossGivenDefault:
    """Workout loss given default: what discounted cash since, net of costs, leaves of the exposure.

    Workouts still running are neither dropped nor taken for complete: a month of the workout rests on those
    that have had it, chained as in `unrecovered`.

    Parameters
    ----------
    snapshot : Snapshot
        Nothing later than its date is used.
    by : str, optional
        An attribute of customers; those without a value are the class "none".
    definition : DefaultDefinition, optional
        When a customer is in default; by default its first write-off. One exposure a customer, that of its
        first default; see `read_workouts`.
    discount_rate : float
        A year, compounded, basis 365; cash of a month is discounted to the default from its middle.
    costs : mapping of customer to amount, optional
        Direct costs spent on workouts, currency units at the default.
    cost_share : float
        Direct costs as a fraction of the cash received, such as a contingent fee.
    months : int
        Longest workout looked at; it ends earlier where fewer than `min_customers` have had so long. What is
        not received by then is lost.
    min_customers : int
        At least 2.
    level : float
        Coverage of the intervals.
    seed : int
        Of the permutations.

    Returns
    -------
    LossGivenDefault

    Raises
    ------
    ModelError
        If an argument is out of range, or costs name a customer without default.

    Examples
    --------
    >>> from arrisk.ledger.reading import read_ledger
    >>> invoices = pd.DataFrame({"invoice_id": ["1", "2"], "customer_id": ["a", "b"],
    ...     "issue_date": "2024-01-10", "due_date": "2024-02-09", "amount": [100.0, 50.0]})
    >>> events = pd.DataFrame({"invoice_id": ["1", "2", "1"], "kind": ["write_off", "write_off", "recovery"],
    ...     "date": ["2024-06-28", "2024-06-28", "2024-08-15"], "amount": [100.0, 50.0, 30.0]})
    >>> book = read_ledger({"invoices": invoices, "events": events}, currency="EUR")
    >>> lgd = fit_lgd(book.as_of("2024-12-31"), by=None)
    >>> round(lgd.of(None), 3)
    0.8
    """
    _check(discount_rate, cost_share, min_customers, level)
    workouts = read_workouts(snapshot, definition)
    names, classes = segment_customers(snapshot, workouts.customers, by)
    names = tuple(NONE if name == NOT_GIVEN else name for name in names)
    cells = count_months(workouts, months)
    by_class = make_curves(cells, classes, len(names), min_customers)
    whole = make_curves(cells, np.zeros(classes.size, dtype=np.int64), 1, min_customers)
    apart = compare_classes(workouts, classes, len(names), whole.survival[0], seed)
    terms = _Terms(discount_rate, cost_share, _spent(workouts, costs), level)
    found = [
        *(_row(name, s, by_class, cells, workouts, terms) for s, name in enumerate(names)),
        _row(ALL, 0, whole, cells, workouts, terms),
    ]
    table = pd.DataFrame(found, columns=COLUMNS)
    table = _blend(table if len(names) > 1 else table.iloc[-1:].reset_index(drop=True), apart.credibility)
    default = "first write-off of the customer" if definition is None else f"first of: {definition}"
    return LossGivenDefault(
        snapshot.date,
        snapshot.currency,
        by,
        table,
        workouts,
        apart.p_value,
        _conventions(default, by, terms, months, min_customers),
        {"level": level, "classes": len(names), "stray": dict(workouts.stray)},
    )


COLUMNS = [
    "security",
    "customers",
    "paid",
    "months",
    "exposure",
    "received",
    "lgd",
    "ci_low",
    "ci_high",
    "interval",
]


@dataclass(frozen=True, slots=True)
class _Terms:
    """How cash becomes a loss: a discount rate, costs by share of the cash and by customer, and a level."""

    rate: float
    cost_share: float
    spent: Floats
    level: float


def _check(rate: float, cost_share: float, min_customers: int, level: float) -> None:
    if not rate > -1:
        raise ModelError(f"the discount rate is a fraction a year above -1, got {rate}")
    if not 0 <= cost_share <= 1:
        raise ModelError(f"cost_share is a fraction between 0 and 1, got {cost_share}")
    if min_customers < FEWEST_AT_RISK:
        raise ModelError(f"a month needs at least {FEWEST_AT_RISK} customers, got {min_customers}")
    if not 0 < level < 1:
        raise ModelError(f"level is a fraction between 0 and 1, got {level}")


def _spent(w: WriteOffs, costs: Mapping[str, float] | None) -> Floats:
    """Direct costs by customer, currency units."""
    given = {str(name): float(cost) for name, cost in (costs or {}).items()}
    unknown = sorted(set(given) - set(map(str, w.customers)))
    if unknown or any(cost < 0 for cost in given.values()):
        raise ModelError(f"costs are amounts of at least 0 of customers in default, not of {unknown[:3]}")
    return np.array([given.get(str(name), 0.0) for name in w.customers], dtype=float)


def _row(
    name: str, s: int, curves: Curves, cells: MonthCells, w: WriteOffs, terms: _Terms
) -> tuple[Any, ...]:
    """Counts, loss and its range of one class."""
    inside, end = curves.segment == s, curves.ends[s]
    exposure = w.by_customer(w.amount)[inside]
    received = exposure - w.by_customer(w.outstanding)[inside]
    paid = int((received > 0).sum())
    counts = (name, int(inside.sum()), paid, end, float(exposure.sum()), float(received.sum()))
    if end == 0:
        return (*counts, np.nan, 0.0, 1.0, "no workout is old enough: nothing is ruled out")
    share = float(received_share(curves.survival[s], terms.rate))
    without = received_share(curves.without[inside], terms.rate)
    span = share_interval(share, without, cells.reached[inside, end - 1], paid, terms.level)
    cost = float(terms.spent[inside].sum() / exposure.sum())
    ends = (1.0 + cost - (1.0 - terms.cost_share) * value for value in (share, span.high, span.low))
    return (*counts, *ends, span.method)


def _blend(table: pd.DataFrame, credibility: Floats) -> pd.DataFrame:
    """The figure of each class drawn towards that of all customers as far as its own says little."""
    own, everyone = table["lgd"].to_numpy(dtype=float), float(table["lgd"].iloc[-1])
    weight = np.ones(len(table))
    weight[:-1] = np.where(np.isnan(own[:-1]), 0.0, credibility[: len(table) - 1])
    credible = weight * np.nan_to_num(own) + (1.0 - weight) * everyone
    place = list(table.columns).index("interval")
    table.insert(place, "credibility", weight)
    table.insert(place + 1, "credible", np.where(np.isnan(everyone), np.nan, credible))
    return table


def _conventions(
    default: str, by: str | None, terms: _Terms, months: int, min_customers: int
) -> dict[str, str]:
    return {
        "default": default,
        "exposure": "open at the end of the day before, less what was credited of it later",
        "cash": "payments of those items and recoveries of the customer, from the default on, as booked",
        "discounts given and write-offs": "bring no cash",
        "discount": f"{terms.rate:.2%} a year, compounded, basis 365, from the middle of each month",
        "direct costs": (
            f"{terms.cost_share:.0%} of the cash, and {float(terms.spent.sum()):,.0f} spent, at default"
        ),
        "running workouts": "count in the months that are over for them, ratio of sums, chained over months",
        "end of a workout": f"{months} months, or where fewer than {min_customers} get; the rest is lost",
        "classes": "all customers together" if by is None else f"customers by {by}; without one: {NONE}",
        "credibility": "Buhlmann-Straub on shares received; weight: exposure x what comes by that age",
        "interval": (
            f"{terms.level:.0%}, delete-one-customer jackknife on the logit scale; where few paid anything "
            "exact, for as many customers of equal size"
        ),
    }
