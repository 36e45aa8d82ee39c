"""One scenario on the book: simulated years with their losses, receipts and cash, on one set of draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.models.losses.portfolio import Dependence, LossPortfolio
from arrisk.models.tail import weighted_quantile
from arrisk.policy.insurance.terms import PolicyTerms
from arrisk.policy.stress.conditional import Condition, chance_given, simulate_given
from arrisk.policy.stress.covenants import Stressed
from arrisk.policy.stress.insured import Indemnity, pay_claims
from arrisk.policy.stress.receipts import WEEK, Failures, Receipts
from arrisk.policy.stress.scenarios import DebtorDefault, IndustryDownturn, Scenario

__all__ = ["BASELINE", "Book", "Run", "count_debtors", "pick_debtors", "run_events", "run_scenario"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BASELINE = "any year"
YEAR = 365
TOP = 50


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """What scenarios are tried on.

    Parameters
    ----------
    portfolio : LossPortfolio
    dependence : Dependence
    debtor : array of str, shape (obligors,)
        The group of each customer, or itself: connected customers are one debtor.
    sales : array of shape (obligors,)
        Of a year, currency units.
    receipts : Receipts
        Drawn from the cash forecast.
    trade : array of str, shape (customers of the receipts,)
        Industry of each.
    payments : array of shape (weeks,)
        Planned payments of each week, currency units.
    policy : PolicyTerms or None
        In force; None is no insurance.
    seed : int
    """

    portfolio: LossPortfolio
    dependence: Dependence
    debtor: NDArray[np.object_]
    sales: Floats
    receipts: Receipts
    trade: NDArray[np.object_]
    payments: Floats
    policy: PolicyTerms | None
    seed: int

    @property
    def place(self) -> Ints:
        """Position of each customer among those of the receipts; -1 when nothing is expected of it."""
        where = {str(name): k for k, name in enumerate(self.receipts.names)}
        return np.array([where.get(str(name), -1) for name in self.portfolio.name], dtype=np.int64)

    @property
    def plan(self) -> Floats:
        """Expected receipts of each week without a scenario, currency units."""
        return np.asarray(self.receipts.weekly().mean(axis=0), dtype=float)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Simulated years of one scenario.

    Parameters
    ----------
    name : str
    failed : int array
        Positions of the customers that fail for certain.
    events : LossEvents
        Failures of the years, with weights.
    claims : Indemnity
    usual, receipts, insured : arrays of shape (draws, weeks)
        The same draws of receipts without the scenario and with it, and what the insurer pays, currency
        units a week.
    payments : array of shape (weeks,)
    sold : array of shape (draws,)
        Sales of the horizon over their mean.
    receipt_draws : int
        Independent draws of the receipts behind the years.
    """

    name: str
    failed: Ints
    events: LossEvents
    claims: Indemnity
    usual: Floats
    receipts: Floats
    insured: Floats
    payments: Floats
    sold: Floats
    receipt_draws: int

    @property
    def weight(self) -> Floats:
        """Probability of each year given the scenario."""
        return self.events.weight

    @property
    def loss(self) -> Floats:
        """Credit loss of each year, currency units."""
        return self.events.totals()

    @property
    def borne(self) -> Floats:
        """Part of the loss that the insurer bears."""
        return self.events.totals(self.claims.borne)

    @property
    def missing(self) -> Floats:
        """Receipts of the horizon that the scenario takes away, shape (draws,)."""
        return np.asarray((self.usual - self.receipts).sum(axis=1), dtype=float)

    def change(self, with_insurance: bool = True) -> Floats:
        """Change of cash since today at the end of each week, shape (draws, weeks)."""
        flows = self.receipts + self.insured if with_insurance else self.receipts
        return np.asarray(np.cumsum(flows - self.payments, axis=1), dtype=float)

    def mean(self, values: ArrayLike) -> float:
        """Mean over the years."""
        return float(self.weight @ np.asarray(values, dtype=float))

    def range(self, values: ArrayLike, level: float) -> tuple[float, float]:
        """Central range of the years."""
        low, high = (weighted_quantile(values, q, self.weight) for q in (0.5 - level / 2, 0.5 + level / 2))
        return low, high

    def stressed(self, debtor: NDArray[np.object_]) -> Stressed:
        """What the years leave, as covenants see it."""
        change, events = self.change(), self.events
        exposure, largest = _left(events, debtor)
        return Stressed(self.loss - self.borne, change.min(axis=1), change[:, -1], exposure, largest)


def run_scenario(book: Book, scenario: Scenario | None, draws: int = 4000) -> Run:
    """Simulate the years of a scenario, and pair each with a draw of the receipts.

    Parameters
    ----------
    book : Book
    scenario : Scenario or None
        None is any year.
    draws : int

    Returns
    -------
    Run

    Notes
    -----
    Customers that the scenario makes fail stop paying on its day; others that fail in a year do so on any day
    of it alike, so that one in four reaches the cash of 13 weeks. The forecast already holds customers who
    stop paying as often as the past shows; failures come on top, so a few are counted twice.
    """
    portfolio, given, onset, day = book.portfolio, Condition.nothing(len(book.portfolio)), 0.0, 1
    delay = np.zeros(book.receipts.names.size)
    if isinstance(scenario, DebtorDefault):
        given, day = Condition(pick_debtors(book, scenario), None, given.fixed), scenario.day
    elif scenario is not None:
        portfolio, given = _downturn(book, scenario)
        slow = np.ones(delay.size, dtype=bool)
        if isinstance(scenario, IndustryDownturn):
            slow = np.asarray(book.trade == scenario.industry)
        delay, onset = np.where(slow, scenario.delay_days, 0.0), float(scenario.onset_days)
    events = simulate_given(portfolio, book.dependence, given, draws, book.seed)
    name = BASELINE if scenario is None else scenario.name
    return run_events(book, events, name, given.failed, day, delay, onset)


def run_events(
    book: Book,
    events: LossEvents,
    name: str,
    failed: Ints | None = None,
    day: int = 1,
    delay: Floats | None = None,
    onset: float = 0.0,
    together: bool = False,
) -> Run:
    """Take simulated failures through the policy and the receipts.

    Parameters
    ----------
    book : Book
    events : LossEvents
    name : str
    failed : int array, optional
        Customers that fail on `day` in every draw; the days of the others are drawn.
    day : int
    delay : array of shape (customers of the receipts,), optional
        Days by which they pay later.
    onset : float
    together : bool
        Whether the years of most failures are the quarters of slowest payment, as a worst case; by default
        the two have nothing to do with each other.

    Returns
    -------
    Run
    """
    sure = np.zeros(0, dtype=np.int64) if failed is None else failed
    receipts = book.receipts
    if delay is not None and delay.any():
        receipts = receipts.delayed(delay, onset)
    rng = np.random.default_rng(np.random.SeedSequence((book.seed, 1)))
    when = np.ceil(rng.random(events.obligor.size) * YEAR).astype(np.int64)
    when = np.where(np.isin(events.obligor, sure), day, np.maximum(when, 1))
    draw = events.draw
    weekly = receipts.weekly()
    pair = _worst_together(events, weekly) if together else np.arange(events.draws) % receipts.draws
    lost = receipts.lost(Failures(draw, book.place[events.obligor], when), pair)
    came = weekly[pair] - lost
    claims = pay_claims(events, book.policy, book.sales, rng)
    insured = np.zeros_like(came)
    paid_on = when + claims.wait
    soon = (paid_on <= receipts.days) & (claims.paid > 0)
    week = np.ceil(paid_on[soon] / WEEK).astype(np.int64) - 1
    np.add.at(insured, (draw[soon], week), claims.paid[soon])
    usual = book.receipts.weekly()[pair]
    return Run(
        name, sure, events, claims, usual, came, insured, book.payments, receipts.sold[pair], receipts.draws
    )


def pick_debtors(book: Book, scenario: DebtorDefault) -> Ints:
    """Positions of the customers that fail: named ones, or those of the largest debtors.

    Raises
    ------
    ModelError
        If a named customer owes nothing or is unknown.
    """
    names = book.portfolio.name.astype(str)
    debtor = book.debtor if scenario.connected else names.astype(object)
    if scenario.customers:
        unknown = sorted(set(scenario.customers) - set(names.tolist()))
        if unknown:
            raise ModelError(f"{scenario.name!r}: no customer of the book is called {', '.join(unknown)}")
        chosen = set(debtor[np.isin(names, scenario.customers)].tolist())
    else:
        size = book.portfolio.exposure
        if scenario.rank_by == "expected loss":
            size = size * book.portfolio.pd * book.portfolio.lgd
        chosen = set(_largest_labels(debtor, size)[: scenario.largest])
    return np.flatnonzero([label in chosen for label in debtor])


def _worst_together(events: LossEvents, weekly: Floats) -> Ints:
    """Draw of the receipts for each year: the least receipts where the common factor is worst."""
    order = np.argsort(events.factor, kind="stable")
    middle = np.cumsum(events.weight[order]) - events.weight[order] / 2
    rank = np.argsort(weekly.sum(axis=1), kind="stable")
    pair = np.empty(events.draws, dtype=np.int64)
    pair[order] = rank[np.minimum((middle * rank.size).astype(np.int64), rank.size - 1)]
    return pair


def count_debtors(book: Book) -> int:
    """Debtors that owe anything, connected customers as one."""
    return len(_largest_labels(book.debtor, book.portfolio.exposure))


def _largest_labels(debtor: NDArray[np.object_], size: Floats) -> list[str]:
    """Debtors by size, the largest first; ties by name."""
    labels, code = np.unique(debtor.astype(str), return_inverse=True)
    total = np.bincount(code, weights=size, minlength=labels.size)
    return [str(labels[k]) for k in np.argsort(-total, kind="stable") if total[k] > 0]


def _inside(portfolio: LossPortfolio, scenario: Scenario) -> NDArray[np.bool_]:
    """Customers that a downturn reaches."""
    if not isinstance(scenario, IndustryDownturn):
        return np.ones(len(portfolio), dtype=bool)
    if scenario.industry not in portfolio.industries:
        raise ModelError(
            f"{scenario.name!r}: industry={scenario.industry!r}; allowed: {', '.join(portfolio.industries)}"
        )
    return np.asarray(portfolio.industry == portfolio.industries.index(scenario.industry), dtype=bool)


def _downturn(book: Book, scenario: Scenario) -> tuple[LossPortfolio, Condition]:
    """Customers with the multiple of the scenario, and what it says about the year."""
    assert not isinstance(scenario, DebtorDefault)
    inside = _inside(book.portfolio, scenario)
    portfolio = scale_pd(book.portfolio, np.where(inside, scenario.pd_multiple, 1.0))
    none = np.zeros(0, dtype=np.int64)
    if not isinstance(scenario, IndustryDownturn):
        common = None if scenario.chance is None else float(special.ndtri(scenario.chance))
        return portfolio, Condition(none, common, np.full(inside.size, np.nan))
    edge = float(special.ndtri(scenario.chance))
    system = np.full(inside.size, np.sqrt(_systematic(book.dependence)) * edge)
    fixed = chance_given(portfolio.pd, book.dependence, system)
    return portfolio, Condition(none, None, np.where(inside, fixed, np.nan))


def _systematic(dependence: Dependence) -> float:
    return dependence.rho + dependence.industry_rho


def scale_pd(portfolio: LossPortfolio, multiple: Floats) -> LossPortfolio:
    """The same customers with probabilities of default times a multiple each, at most 1."""
    p = portfolio
    pd = np.minimum(p.pd * multiple, 1.0)
    return LossPortfolio(p.name, pd, p.exposure, p.lgd, p.lgd_spread, p.industry, p.industries)


def _left(events: LossEvents, debtor: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Receivables that have not failed by year, and the largest debtor among them."""
    exposure = events.portfolio.exposure
    labels = _largest_labels(debtor, exposure)[:TOP]
    column = {label: k for k, label in enumerate(labels)}
    code = np.array([column.get(str(label), -1) for label in debtor], dtype=np.int64)
    top = np.zeros(len(labels) + 1)
    np.add.at(top, code, exposure)
    who, draw = code[events.obligor], events.draw
    failed = np.zeros((events.draws, len(labels) + 1))
    np.add.at(failed, (draw, who), events.balance)
    left = exposure.sum() - events.totals(events.balance)
    biggest = (top - failed)[:, :-1].max(axis=1) if labels else np.zeros(events.draws)
    return np.maximum(left, 0.0), np.maximum(biggest, 0.0)
