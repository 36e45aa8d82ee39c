"""Every assignment of terms to grades: expected profit a year against the credit loss of bad years.

By expected profit alone grades do not touch each other: each takes its own best terms. Bad years they share:
one common factor drives the defaults of all customers (Vasicek, 2002), so the tail is of the whole policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from arrisk.display import Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.tail import expected_shortfall
from arrisk.policy.grade_terms.page import name_of
from arrisk.policy.terms.frontier_page import describe_frontier, frontier_table
from arrisk.policy.terms.inputs import SPAWN_KEY
from arrisk.policy.terms.pictures import plot_policies

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.policy.study import Study
    from arrisk.policy.terms.terms_policy import TermsPolicy

__all__ = ["TermsFrontier", "compare_terms", "hit_multiples", "non_dominated"]

YEAR = 365
YEARS_A_DRAW = 5
NAMES_APART = 200
MOST_POLICIES = 50_000
CHUNK = 256
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TermsFrontier:
    """All policies, and which of them nobody should choose; made by `compare_terms`.

    Parameters
    ----------
    table : DataFrame
        A row for every policy: a column for each grade with sales (its option), `profit` (expected) and
        `tail_loss` (mean credit loss of the worst years), both in currency units a year, `tail_error` (Monte
        Carlo standard error), `efficient` (no other has more profit and no more tail loss), `label`.
    marked : mapping of str to int
        Rows of "today", "chosen" and "most profit".
    tail : float
        The tail is the mean of the worst ``1 - tail`` of years.
    tail_limit : float
        Largest tail loss that the chosen policy may have, currency units a year.
    years : int
        Simulated.
    as_of : Timestamp
    currency : str
    """

    table: pd.DataFrame
    marked: dict[str, int]
    tail: float
    tail_limit: float
    years: int
    as_of: pd.Timestamp
    currency: str

    def policy(self, name: str) -> pd.Series:
        """The row of "today", "chosen" or "most profit"."""
        return self.table.iloc[self.marked[name]]

    @property
    def efficient(self) -> pd.DataFrame:
        """The frontier, from the smallest tail loss to the largest."""
        return self.table[self.table["efficient"]].sort_values("tail_loss").reset_index(drop=True)

    @property
    def diagnostics(self) -> dict[str, float]:
        """Policies, simulated years and the largest Monte Carlo error of a tail loss."""
        return {
            "policies": float(len(self.table)),
            "years": float(self.years),
            "tail_error": float(self.table["tail_error"].max()),
        }

    def finding(self) -> str:
        """What the chosen policy does against today's, in one sentence."""
        return describe_frontier(self)

    def to_table(self, name: str = "terms_frontier") -> Table:
        """Today's policy, the chosen one, the one with the most profit, and the frontier between."""
        return frontier_table(self, name)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Expected profit against tail loss; dominated policies in grey."""
        return plot_policies(self, ax)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)

    def __repr__(self) -> str:
        return repr(self.to_table())


def compare_terms(
    study: Study, policy: TermsPolicy, tail: float = 0.95, tail_limit: float | None = None
) -> TermsFrontier:
    """Compare all assignments of the offered terms (and today's) to the grades that buy.

    Parameters
    ----------
    study : Study
        Gives the seed.
    policy : TermsPolicy
    tail : float
        Level of the expected shortfall, from 0.5 to below 1.
    tail_limit : float, optional
        Currency units a year. By default the risk budget (a share of the year's margin), or today's tail loss
        where that is larger.

    Returns
    -------
    TermsFrontier
        Chosen is the policy of the highest expected profit within the limit among those that leave a grade's
        terms as they are unless other ones are sure to earn more (see `TermsPolicy.table`).

    Raises
    ------
    ValueError
        If the level is impossible.
    ModelError
        If nobody bought anything, or the policies are too many to compare.

    Notes
    -----
    In a simulated year the expected loss of a grade is multiplied by the sales of its customers that default,
    over what is expected of them. So each policy's mean loss is that of its table, and all policies see the
    same defaults. The largest 200 customers of a grade default one by one, the others at the rate that the
    year's factor gives.
    """
    if not 0.5 <= tail < 1:
        raise ValueError(f"tail = {tail!r}: from 0.5 to below 1")
    sold = np.flatnonzero(policy.book.table["sales"].to_numpy() > 0)
    if not sold.size:
        raise ModelError("nobody bought anything on known terms in the last year: no policy to compare")
    count = len(policy.options) ** sold.size
    if count > MOST_POLICIES:
        raise ModelError(
            f"{sold.size} grades and {len(policy.options)} options are {count:,} policies; at most "
            f"{MOST_POLICIES:,}: offer fewer terms"
        )
    hits = hit_multiples(study, policy)
    losses = policy.loss[:, :, :, None] * hits[:, None, :, :]
    losses = losses.reshape(*losses.shape[:2], -1)[sold]
    choices = np.array(list(product(range(len(policy.options)), repeat=sold.size)))
    expected = policy.value.mean(axis=2)[sold]
    profit = np.array([expected[np.arange(sold.size), c].sum() for c in choices])
    loss, error = _tails(losses, choices, tail)
    table = pd.DataFrame(
        {policy.grades[g]: [policy.options[c] for c in choices[:, k]] for k, g in enumerate(sold)}
    )
    grades = list(table.columns)
    table = table.assign(profit=profit, tail_loss=loss, tail_error=error)
    table["efficient"] = non_dominated(profit, loss)
    table["label"] = [_label(row, grades) for row in table[grades].to_numpy()]
    limit = _limit(policy, table) if tail_limit is None else float(tail_limit)
    return TermsFrontier(
        table,
        _marked(policy, table, choices, sold, limit),
        tail,
        limit,
        losses.shape[2],
        policy.as_of,
        policy.currency,
    )


def hit_multiples(study: Study, policy: TermsPolicy) -> Floats:
    """Sales of the customers that default in a year over what is expected, by grade, draw and year.

    Returns
    -------
    array of shape (grades, draws, years a draw)
        Its mean over years is 1 in expectation, for each grade and draw.
    """
    inputs, people = policy.inputs, policy.book.customers
    rng = np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=(SPAWN_KEY, 1)))
    draws = policy.value.shape[2]
    factor = rng.standard_normal((draws, YEARS_A_DRAW))
    rho = inputs.correlation[1:, None]
    out = np.ones((len(policy.grades), draws, YEARS_A_DRAW))
    for k, grade in enumerate(policy.grades):
        yearly = inputs.base.carry(inputs.base.pd[k, 1:], YEAR)[:, None]
        bought = people.loc[people["grade"] == grade, "sales"].clip(lower=0.0).to_numpy(dtype=float)
        given = _given_factor(yearly, rho, factor)
        hit = _share_hit(np.sort(bought)[::-1], given, rng)
        out[k] = np.divide(hit, yearly, out=np.ones_like(hit), where=yearly > 0)
    return out


def _given_factor(pd_year: Floats, rho: Floats, factor: Floats) -> Floats:
    shift = np.sqrt(rho) * factor
    return np.asarray(special.ndtr((special.ndtri(pd_year) - shift) / np.sqrt(1.0 - rho)), dtype=float)


def _share_hit(sales: Floats, chance: Floats, rng: np.random.Generator) -> Floats:
    """Share of a grade's sales whose customers default, in each year."""
    total = float(sales.sum())
    if not total > 0:
        return chance
    out = chance * float(sales[NAMES_APART:].sum()) / total
    for amount in sales[:NAMES_APART]:
        out = out + (rng.random(chance.shape) < chance) * (amount / total)
    return np.asarray(out, dtype=float)


def _tails(losses: Floats, choices: NDArray[np.int64], level: float) -> tuple[Floats, Floats]:
    """Tail loss of every policy and its error, from losses of shape (grades, options, years)."""
    grades = np.arange(losses.shape[0])
    out = [expected_shortfall(losses[grades, c].sum(axis=0), 1.0 - level) for c in choices]
    mean, error = np.array(out).T
    return mean, error


def non_dominated(profit: Floats, loss: Floats) -> NDArray[np.bool_]:
    """Which policies no other one beats: none has at least the profit and no more loss, one of them strictly.

    Examples
    --------
    >>> non_dominated(np.array([1.0, 2.0, 1.5, 2.0]), np.array([1.0, 3.0, 4.0, 2.0])).tolist()
    [True, False, False, True]
    """
    order = np.lexsort((-profit, loss))
    out, best = np.zeros(profit.size, dtype=bool), -np.inf
    last: tuple[float, float] | None = None
    for k in order:
        here = (float(profit[k]), float(loss[k]))
        out[k] = here[0] > best or here == last
        if out[k]:
            best, last = here[0], here
    return out


def _label(row: NDArray[np.object_], grades: list[str]) -> str:
    changed = [f"{name_of(g)} {o}" for g, o in zip(grades, row, strict=True) if o != "today"]
    return ", ".join(changed).replace("grade ", "") or "as they are"


def _limit(policy: TermsPolicy, table: pd.DataFrame) -> float:
    margin = policy.inputs.base.margin[0] * float(policy.book.table["sales"].sum())
    budget = policy.inputs.assumed("risk_budget").value * margin
    return float(max(budget, table["tail_loss"].iloc[0]))


def _marked(
    policy: TermsPolicy,
    table: pd.DataFrame,
    choices: NDArray[np.int64],
    sold: NDArray[np.int64],
    limit: float,
) -> dict[str, int]:
    """Rows of the policies that a reader looks for; the first row is today's."""
    sure = policy.table["sure"].to_numpy(dtype=bool).reshape(len(policy.grades), -1)[sold]
    sure[:, 0] = True
    allowed = sure[np.arange(sold.size), choices].all(axis=1) & (table["tail_loss"] <= limit).to_numpy()
    profit = table["profit"].to_numpy(dtype=float)
    chosen = int(np.where(allowed, profit, -np.inf).argmax()) if allowed.any() else 0
    return {"today": 0, "chosen": chosen, "most profit": int(profit.argmax())}
