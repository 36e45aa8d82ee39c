"""Slow but sure payers: open account as today, payment in advance at a price cut, or a bank's acceptance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Table, frame_html
from arrisk.policy.arithmetic import discount_factor
from arrisk.policy.assumptions import Assumption
from arrisk.policy.grade_terms.book import GradeBook, read_grade_book
from arrisk.policy.grade_terms.inputs import (
    Carry,
    GradeInputs,
    choose_inputs,
    constant_hazard,
    given_or_typical,
)
from arrisk.policy.terms.draws import draw_assumptions, mean_and_range
from arrisk.policy.terms.inputs import SPAWN_KEY
from arrisk.policy.terms.payers import read_payers
from arrisk.policy.terms.prepayment_page import describe_slow_payers, plot_slow_payers, slow_payers_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.ledger.book import Snapshot
    from arrisk.models.scoring.scorecard import Scorecard
    from arrisk.policy.study import Study

__all__ = ["SlowPayers", "bill_cost", "break_even_bill_rate", "compare_prepayment"]

BILL_YEAR = 360
BILL_DAYS = 90
NAMES = ("prepayment_cut", "bill_discount_rate", "bill_fee", "bank_pd")
Floats = NDArray[np.float64]


def bill_cost(
    bill_days: ArrayLike,
    *,
    discount_rate: ArrayLike,
    fee: ArrayLike,
    cost_of_capital: ArrayLike,
    bank_pd: ArrayLike = 0.0,
    lgd: ArrayLike = 1.0,
    hold: bool = False,
    year: int = BILL_YEAR,
) -> Floats:
    """What being paid by a bill that a bank accepted costs, a unit of the price; arrays broadcast.

    Parameters
    ----------
    bill_days : array_like
        From delivery of the bill to its maturity.
    discount_rate : array_like
        Simple annual rate (bank discount on the face value) over `year`.
    fee : array_like
        Fraction of the face value that the seller bears.
    cost_of_capital : array_like
        Effective annual rate (365), when the bill is held.
    bank_pd, lgd : array_like
        Chance in a year (365) that the bank fails, and what is lost then; when the bill is held. A bill sold
        without recourse is the bank's risk no longer the seller's.
    hold : bool
        Keep the bill to maturity instead of discounting it on the day it comes.
    year : int
        Days in a year of the discount rate.

    Returns
    -------
    array
        Fraction of the price.

    Examples
    --------
    Half a year at 3%, with a fee of 0.05%:

    >>> float(bill_cost(180, discount_rate=0.03, fee=0.0005, cost_of_capital=0.08).round(6))
    0.0155
    """
    days = np.asarray(bill_days, dtype=float)
    charge = np.asarray(fee, dtype=float)
    if not hold:
        return np.asarray(np.asarray(discount_rate, dtype=float) * days / year + charge, dtype=float)
    fails = 1.0 - (1.0 - np.asarray(bank_pd, dtype=float)) ** (days / 365)
    received = discount_factor(cost_of_capital, days) * (1.0 - fails * np.asarray(lgd, dtype=float))
    return np.asarray(1.0 - received + charge, dtype=float)


def break_even_bill_rate(cost: ArrayLike, bill_days: float, fee: ArrayLike, year: int = BILL_YEAR) -> Floats:
    """Discount rate at which a discounted bill costs as much as open account; below 0 none is low enough.

    Examples
    --------
    >>> float(break_even_bill_rate(0.0155, 180, 0.0005).round(6))
    0.03
    """
    room = np.asarray(cost, dtype=float) - np.asarray(fee, dtype=float)
    return np.asarray(room * year / bill_days, dtype=float)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SlowPayers:
    """Customers that pay late and surely, and the other ways to be paid; made by `compare_prepayment`.

    Parameters
    ----------
    table : DataFrame
        `customer_id`, `grade`, `sales`, `terms`, `delay`, `pd_high`; costs per unit of the price: `account`
        (open account as today: waiting and expected loss), `prepaid` (the price cut), `bill` (discounted),
        `bill_held`; the gains a year over open account in currency units `prepaid_gain`, `bill_gain`, each
        with `_low` and `_high`; `break_even_cut` and `break_even_rate` (price cut, and discount rate of the
        bill, at which both are worth the same); `best`. Largest sales first.
    looked_at : int
        Customers whose way of paying is known.
    slow_days, sure_pd : float
        What counts as slow (days past due) and as sure (upper end of the default rate).
    gains : mapping of str to array of shape (draws,)
        "prepaid" and "bill": gain a year of all these customers together.
    bill_days : int
    assumptions : tuple of Assumption
    level : float
    as_of : Timestamp
    currency : str
    """

    table: pd.DataFrame
    looked_at: int
    slow_days: float
    sure_pd: float
    gains: Mapping[str, Floats]
    bill_days: int
    assumptions: tuple[Assumption, ...]
    level: float
    as_of: pd.Timestamp
    currency: str

    def finding(self) -> str:
        """Who they are and which way pays, in one sentence."""
        return describe_slow_payers(self)

    def to_table(self, name: str = "slow_payers", most: int = 10) -> Table:
        """The largest slow-but-sure payers, the gain of each way, and where each flips."""
        return slow_payers_table(self, name, most)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Cost of the three ways for the largest of them."""
        return plot_slow_payers(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)

    def __repr__(self) -> str:
        return repr(self.to_table())


def compare_prepayment(
    study: Study,
    scorecard: Scorecard,
    snapshot: Snapshot,
    slow_days: float = 5.0,
    sure_pd: float = 0.05,
    least_items: int = 6,
    bill_days: int = BILL_DAYS,
    carry: Carry | None = None,
    book: GradeBook | None = None,
) -> SlowPayers:
    """Find the slow-but-sure payers and compare three ways of being paid by them.

    Parameters
    ----------
    study : Study
        Gives `prepayment_cut`, `bill_discount_rate`, `bill_fee`, `bank_pd` (typical values when it does not)
        and what `choose_inputs` takes.
    scorecard : Scorecard
    snapshot : Snapshot
    slow_days : float
        A customer is slow when the lower end of the interval of its mean delay is above this.
    sure_pd : float
        And sure when the upper end of its grade's default rate within the horizon is not above this.
    least_items : int
        Ripe items without which nobody is judged.
    bill_days : int
        From delivery to the maturity of a bill.
    carry : callable, optional
        See `make_grade_terms`.
    book : GradeBook, optional
        When read before from the same two, as `TermsPolicy.book`.

    Returns
    -------
    SlowPayers
        Empty when nobody is both. Every customer is taken to accept: what share of them would is not known.
    """
    book = book or read_grade_book(scorecard, snapshot)
    carry = carry or constant_hazard(scorecard.horizon_days)
    inputs = choose_inputs(study, snapshot, book.table, scorecard.definition, carry)
    grades = [str(g) for g in book.table["grade"]]
    upper = np.quantile(inputs.pd[:, 1:], 0.5 + scorecard.level / 2, axis=1)
    if not scorecard.identified:
        upper = np.maximum(upper, scorecard.upper_bound)
    seen = read_payers(
        snapshot, book.customers, pd.Series(upper, grades), scorecard.definition.days, scorecard.level
    )
    kept = seen[
        (seen["items"] >= least_items) & (seen["delay_low"] > slow_days) & (seen["pd_high"] <= sure_pd)
    ]
    kept = kept.sort_values(["sales", "customer_id"], ascending=[False, True], ignore_index=True)
    given = tuple(given_or_typical(study, name) for name in NAMES)
    table, gains = _compare(
        kept,
        grades,
        inputs,
        draw_assumptions(study, given, inputs.margin.size - 1, (SPAWN_KEY, 2)),
        bill_days,
        scorecard.level,
    )
    return SlowPayers(
        table, len(seen), float(slow_days), float(sure_pd), gains, bill_days,
        (*given, *(inputs.assumed(n) for n in ("cost_of_capital", "lgd", "overrun_days"))),
        scorecard.level, snapshot.date, snapshot.currency,
    )  # fmt: skip


def _compare(
    kept: pd.DataFrame,
    grades: list[str],
    inputs: GradeInputs,
    drawn: Mapping[str, Floats],
    bill_days: int,
    level: float,
) -> tuple[pd.DataFrame, dict[str, Floats]]:
    """Costs by customer, and the draws of the gains of all of them together."""
    total = {"prepaid": np.zeros(inputs.margin.size - 1), "bill": np.zeros(inputs.margin.size - 1)}
    cut, rate, fee, bank = (drawn[name] for name in NAMES)
    bill = {
        hold: bill_cost(
            bill_days,
            discount_rate=rate,
            fee=fee,
            cost_of_capital=inputs.cost_of_capital,
            bank_pd=bank,
            hold=hold,
        )
        for hold in (False, True)
    }
    rows: list[dict[str, object]] = []
    for one in kept.to_dict("records"):
        out = max(one["terms"] + one["delay"], 0.0)
        account = inputs.cost(grades.index(one["grade"]), one["terms"], out)
        gains = {"prepaid": one["sales"] * (account - cut), "bill": one["sales"] * (account - bill[False])}
        for way, draws in gains.items():
            total[way] += draws[1:]
        costs = {
            "account": account[1:].mean(), "prepaid": cut[1:].mean(),
            "bill": bill[False][1:].mean(), "bill_held": bill[True][1:].mean(),
        }  # fmt: skip
        rows.append(
            {
                **{c: one[c] for c in ("customer_id", "grade", "sales", "terms", "delay", "pd_high")},
                **{name: float(v) for name, v in costs.items()},
                **mean_and_range("prepaid_gain", gains["prepaid"][1:], level),
                **mean_and_range("bill_gain", gains["bill"][1:], level),
                "break_even_cut": float(account[1:].mean()),
                "break_even_rate": float(break_even_bill_rate(account[1:].mean(), bill_days, fee[1:].mean())),
                "best": min(costs, key=lambda name: costs[name]),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)), total


COLUMNS = (
    "customer_id", "grade", "sales", "terms", "delay", "pd_high", "account", "prepaid", "bill", "bill_held",
    "prepaid_gain", "prepaid_gain_low", "prepaid_gain_high", "bill_gain", "bill_gain_low", "bill_gain_high",
    "break_even_cut", "break_even_rate", "best",
)  # fmt: skip
