"""At which use of the limit to stop orders, by grade: false stops against losses, on the ledger's own past.

An order that would take a customer to a share u of its limit is stopped when u is above a threshold. Stopping
one that would have been paid loses its margin, as far as the order is lost for good; releasing one that is
never paid loses what it cost to deliver:

    cost(t) = lost_orders margin x (paid, u > t)  +  (1 - margin) x (never paid, u <= t)

A threshold for everybody is one choice among these; which is cheapest by grade is read off the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.book import EVERYBODY
from arrisk.policy.grade_terms.inputs import given_or_typical
from arrisk.policy.limits.customers import LimitInputs, read_limit_inputs
from arrisk.policy.limits.stop_page import describe, plot_curves, verdicts_table
from arrisk.portfolio.utilisation import UtilisationPath, make_utilisation_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = ["TODAY", "StopThresholds", "compare_stop_thresholds", "past_orders", "threshold_costs"]

TODAY = 0.80
THRESHOLDS = (*np.round(np.arange(0.40, 2.01, 0.05), 2).tolist(), 2.5, 3.0, 4.0, float("inf"))
LEAST_CUSTOMERS = 10
LEAST_UNPAID = 5
LEVEL = 0.95
BOOTSTRAPS = 500
FOLDS = 5
SPAWN_KEY = 17
YEAR = 365
SHOWN = ["best", "best_low", "best_high"]
COLUMNS = ["customer_id", "grade", "day", "amount", "unpaid", "use"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class StopThresholds:
    """Cost of stopping orders at a share of the limit, by grade; made by `compare_stop_thresholds`.

    Parameters
    ----------
    curves : DataFrame
        grade ("all": every one), threshold (share of the limit; infinite: never stop), false_stops, losses
        and cost (currency units a year), more, more_low, more_high (cost above that at 80%, with its interval
        by customer).
    table : DataFrame
        grade, orders, customers, unpaid_customers (with an order never paid), unpaid_share (of money), best
        (the cheapest threshold), best_low, best_high (over resampled customers), saving, saving_low,
        saving_high (against 80%, a year; each customer judged by a threshold chosen without it), expected,
        expected_low, expected_high (share of an order never paid, by default risk and loss given default),
        basis ("own past", "default risk" or "none"), verdict ("adopt" the best, "keep" 80%, "the data cannot
        say").
    orders : DataFrame
        See `past_orders`.
    as_of : Timestamp
    currency : str
    years : float
        Length of the past that was counted.
    assumptions : tuple of Assumption
        Margin and `lost_orders`.
    """

    curves: pd.DataFrame
    table: pd.DataFrame
    orders: pd.DataFrame
    as_of: pd.Timestamp
    currency: str
    years: float
    assumptions: tuple[Assumption, ...]

    @property
    def break_even(self) -> float:
        """Share of what is stopped that must never be paid for the stop to pay."""
        return _break_even(*(a.value for a in self.assumptions))

    def finding(self) -> str:
        """Whether another threshold than 80% would have been cheaper, in one sentence."""
        return describe(self)

    def to_table(self, name: str = "stop_thresholds") -> Table:
        """Verdict by grade, ready to be shown."""
        return verdicts_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Cost of each threshold against that of 80%, by grade; the cheapest marked."""
        return plot_curves(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def _break_even(margin: float, lost_orders: float) -> float:
    return lost_orders * margin / (lost_orders * margin + 1 - margin)


def compare_stop_thresholds(
    study: Study,
    scorecard: Scorecard,
    snapshot: Snapshot,
    inputs: LimitInputs | None = None,
    months: int = 6,
) -> StopThresholds:
    """Count what stopping orders at each use of the limit would have cost in the past, by grade.

    Parameters
    ----------
    study : Study
        Gives `stop_margin` (or `gross_margin`) and `lost_orders` (a typical value when it does not).
    scorecard : Scorecard
        Its past gradings, out of fold, give the grade known before each order.
    snapshot : Snapshot
    inputs : LimitInputs, optional
        When read before from the same three.
    months : int
        So many months after it is due an order must have had time to be paid.

    Returns
    -------
    StopThresholds

    Notes
    -----
    Every order stands as it was; what a customer would have done after a stop is not known. Nor is what
    stopping orders in general would change. A grade with fewer than five customers who never paid an order,
    or fewer than ten customers, is judged by its default risk instead: where what is expected never to be
    paid lies surely below `break_even` no use of the limit is a reason to stop, where it lies surely above
    every order is; in between the data cannot say.
    """
    margin = study.get("stop_margin") or study.assumption("gross_margin")
    lost = given_or_typical(study, "lost_orders")
    inputs = inputs or read_limit_inputs(study, scorecard, snapshot)
    orders = past_orders(scorecard, snapshot, inputs.path, months)
    days = (orders["day"].max() - orders["day"].min()).days + 1 if len(orders) else YEAR
    years = max(days / YEAR, 1 / 12)
    rng = np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=(SPAWN_KEY,)))
    names = [EVERYBODY, *sorted(g for g in orders["grade"].unique() if g != EVERYBODY)]
    curves, rows = [], []
    for name in names:
        part = orders if name == EVERYBODY else orders[orders["grade"] == name]
        false, losses = threshold_costs(part, THRESHOLDS, margin.value, lost.value)
        curves.append(_curve(name, false / years, losses / years, rng))
        rows.append(_row(name, part, (false + losses) / years, rng))

    turning = _break_even(margin.value, lost.value)
    table = _verdicts(pd.DataFrame(rows), _expected_unpaid(inputs, LEVEL), turning)
    curve = pd.concat(curves, ignore_index=True)
    return StopThresholds(curve, table, orders, snapshot.date, snapshot.currency, years, (margin, lost))


def past_orders(
    scorecard: Scorecard, snapshot: Snapshot, path: UtilisationPath | None = None, months: int = 6
) -> pd.DataFrame:
    """Past invoices with the use of the limit to which each took its customer, as known before it.

    Returns
    -------
    DataFrame
        customer_id, grade (the last given by that day), day, amount, unpaid (of it, as of the snapshot:
        neither paid nor credited nor recovered), use (exposure at the end of the day before plus the invoice,
        over the limit; infinite above a limit of zero). Only invoices old enough to have been paid, of
        customers with a limit who were graded by then.

    Raises
    ------
    ModelError
        If the path is not of this snapshot's customers.
    """
    path = make_utilisation_path(snapshot) if path is None else path
    if path.level != "customer" or path.as_of != snapshot.date:
        raise ModelError("the path must be of the snapshot's date and of its customers")
    items = snapshot.items
    ripe = items["due_date"].fillna(items["issue_date"]) <= snapshot.date - pd.DateOffset(months=months)
    items = items[ripe & (items["amount"] > 0)]
    settled = items[["paid_amount", "discount_amount", "credited_amount", "recovered_amount"]].sum(axis=1)
    orders = pd.DataFrame(
        {
            "customer_id": items["customer_id"].astype(object),
            "day": items["issue_date"].astype("datetime64[s]"),
            "amount": items["amount"],
            "unpaid": (items["amount"] - settled).clip(lower=0),
        }
    ).sort_values(["day", "customer_id"], kind="stable")
    orders = pd.merge_asof(orders, _gradings(scorecard), on="day", by="customer_id")
    orders = pd.merge_asof(orders, _states(path), on="day", by="customer_id", allow_exact_matches=False)
    orders = orders[orders["credit_limit"].notna() & orders["grade"].notna()]
    reached = orders["exposure"].clip(lower=0) + orders["amount"]
    with np.errstate(divide="ignore"):
        use = reached.to_numpy(dtype=float) / orders["credit_limit"].to_numpy(dtype=float)
    return orders.assign(use=use)[COLUMNS].reset_index(drop=True)


def _gradings(scorecard: Scorecard) -> pd.DataFrame:
    seen = scorecard.observations
    grade = seen["grade"].astype(object) if scorecard.identified else EVERYBODY
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(seen["cutoff"]).astype("datetime64[s]"),
            "customer_id": seen["customer_id"].astype(object),
        }
    ).assign(grade=grade)
    return frame.sort_values("day", kind="stable")


def _states(path: UtilisationPath) -> pd.DataFrame:
    steps = path.steps
    day = steps["day"].to_numpy().astype("datetime64[D]").astype("datetime64[s]")
    frame = pd.DataFrame(
        {
            "day": day,
            "customer_id": steps["name"].astype(object),
            "exposure": steps["exposure"].to_numpy(dtype=float) / path.scale,
            "credit_limit": steps["credit_limit"].to_numpy(dtype=float, na_value=np.nan) / path.scale,
        }
    )
    return frame.sort_values("day", kind="stable")


def threshold_costs(
    orders: pd.DataFrame, thresholds: ArrayLike, margin: float, lost_orders: float
) -> tuple[Floats, Floats]:
    """Cost of false stops and of losses, by customer and threshold.

    Parameters
    ----------
    orders : DataFrame
        customer_id, amount, unpaid, use (see `past_orders`).
    thresholds : array of shape (thresholds,)
    margin, lost_orders : float
        Fractions.

    Returns
    -------
    (array, array) of shape (customers, thresholds)
        Currency units over the whole past, customers sorted by id.

    Examples
    --------
    >>> orders = pd.DataFrame({"customer_id": ["a", "b"], "amount": [100.0, 100.0],
    ...     "unpaid": [0.0, 100.0], "use": [0.9, 0.9]})
    >>> [c.tolist() for c in threshold_costs(orders, [0.8, 1.0], 0.3, 0.5)]
    [[[15.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 70.0]]]
    """
    code, names = pd.factorize(orders["customer_id"], sort=True)
    edges = np.asarray(thresholds, dtype=float)
    stopped = orders["use"].to_numpy(dtype=float)[:, None] > edges[None, :]
    paid = (orders["amount"] - orders["unpaid"]).to_numpy(dtype=float)[:, None]
    unpaid = orders["unpaid"].to_numpy(dtype=float)[:, None]
    false, losses = (np.zeros((len(names), edges.size)) for _ in range(2))
    np.add.at(false, code, lost_orders * margin * paid * stopped)
    np.add.at(losses, code, (1 - margin) * unpaid * ~stopped)
    return false, losses


def _today() -> int:
    return int(np.argmin(np.abs(np.array(THRESHOLDS) - TODAY)))


def _weights(customers: int, rng: np.random.Generator) -> Floats:
    return rng.multinomial(customers, np.full(customers, 1 / customers), BOOTSTRAPS).astype(float)


def _curve(name: str, false: Floats, losses: Floats, rng: np.random.Generator) -> pd.DataFrame:
    cost = false + losses
    more = cost - cost[:, [_today()]]
    point, low, high = (np.zeros(len(THRESHOLDS)) for _ in range(3))
    if len(cost):
        drawn = _weights(len(cost), rng) @ more
        point = more.sum(axis=0)
        low, high = np.quantile(drawn, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)
    return pd.DataFrame(
        {
            "grade": name,
            "threshold": THRESHOLDS,
            "false_stops": false.sum(axis=0),
            "losses": losses.sum(axis=0),
            "cost": cost.sum(axis=0),
            "more": point,
            "more_low": np.minimum(low, point),
            "more_high": np.maximum(high, point),
        }
    )


def _cheapest(cost: Floats) -> int:
    """The loosest of the cheapest thresholds: stopping nobody more than it pays."""
    return int(cost.size - 1 - np.argmin(cost[::-1]))


def _row(name: str, part: pd.DataFrame, cost: Floats, rng: np.random.Generator) -> dict[str, object]:
    unpaid = int((part.groupby("customer_id")["unpaid"].sum() > 0).sum())
    row: dict[str, object] = {
        "grade": name,
        "orders": len(part),
        "customers": len(cost),
        "unpaid_customers": unpaid,
        "unpaid_share": part["unpaid"].sum() / part["amount"].sum() if len(part) else np.nan,
    }
    if len(cost) < 2:
        nothing = dict.fromkeys(
            ("best", "best_low", "best_high", "saving", "saving_low", "saving_high"), np.nan
        )
        return row | nothing
    edges = np.array(THRESHOLDS)
    drawn = edges[[_cheapest(c) for c in _weights(len(cost), rng) @ cost]]
    low, high = np.quantile(drawn, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], method="nearest")
    saved = _saved(cost, rng)
    reach = float(stats.t.ppf(0.5 + LEVEL / 2, len(cost) - 1) * saved.std(ddof=1) * np.sqrt(len(cost)))
    total = float(saved.sum())
    return row | {
        "best": edges[_cheapest(cost.sum(axis=0))],
        "best_low": low,
        "best_high": high,
        "saving": total,
        "saving_low": total - reach,
        "saving_high": total + reach,
    }


def _saved(cost: Floats, rng: np.random.Generator) -> Floats:
    """What each customer would have saved against 80% at the threshold that is cheapest for the others."""
    fold = rng.permutation(np.arange(len(cost)) % min(FOLDS, len(cost)))
    chosen = np.array([_cheapest(cost[fold != f].sum(axis=0)) for f in range(fold.max() + 1)])
    return np.asarray(cost[:, _today()] - cost[np.arange(len(cost)), chosen[fold]], dtype=float)


def _expected_unpaid(inputs: LimitInputs, level: float) -> pd.DataFrame:
    """Share of an order expected never to be paid, by grade, from default rates and losses given default."""
    book, base = inputs.book.table, inputs.base
    rows = []
    for k, term in enumerate(book["term"].fillna(0.0)):
        share = base.caught(k, float(term)) * base.lgd
        rows.append((share[0], *np.quantile(share[1:], [0.5 - level / 2, 0.5 + level / 2])))
    return pd.DataFrame(rows, columns=["expected", "expected_low", "expected_high"], index=book["grade"])


def _verdicts(table: pd.DataFrame, expected: pd.DataFrame, break_even: float) -> pd.DataFrame:
    """Judge each grade by its own past; by its default risk where that is too short."""
    enough = (table["customers"] >= LEAST_CUSTOMERS) & (table["unpaid_customers"] >= LEAST_UNPAID)
    said = np.where(
        table["saving_low"] > 0, "adopt", np.where(table["saving_high"] < 0, "keep", "the data cannot say")
    )
    table = table.assign(basis=np.where(enough, "own past", "none"), verdict="the data cannot say")
    table["verdict"] = np.where(enough, said, table["verdict"])
    table = table.join(expected, on="grade")
    by_risk = ~enough & table["expected"].notna() & (table["orders"] > 0)
    harmless, hopeless = table["expected_high"] < break_even, table["expected_low"] > break_even
    table.loc[by_risk, "basis"] = "default risk"
    table.loc[by_risk & (harmless | hopeless), "verdict"] = "adopt"
    blank = [*SHOWN, "saving", "saving_low", "saving_high"]
    table[blank] = table[blank].astype(float).where(enough)
    table.loc[by_risk & harmless, SHOWN] = np.inf
    table.loc[by_risk & hopeless, SHOWN] = 0.0
    return table
