"""What policies leave to bear in simulated years, and what each of their years costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.losses.events import LossEvents
from arrisk.policy.insurance.bonus import premium_change
from arrisk.policy.insurance.exclusions import BuyerFacts
from arrisk.policy.insurance.forms import Programme
from arrisk.policy.insurance.layers import Layer, LayerYears, make_layer, pay_layers
from arrisk.policy.insurance.terms import PolicyTerms

__all__ = ["NO_INSURANCE", "Retained", "Structure", "retain", "retain_all", "wait_days"]

FloatArray = NDArray[np.float64]
Structure = PolicyTerms | Programme
NO_INSURANCE = "self-insure"
YEAR = 365


@dataclass(frozen=True, slots=True)
class Retained:
    """One structure on one set of simulated losses.

    Parameters
    ----------
    name : str
        Structure.
    premium, base : float
        Premium with fees a year, and the insured base it is a rate of (that of the first policy of several),
        currency units.
    retained, insured : arrays of shape (draws,)
        Loss of each year kept, and borne by the insurer net of its recoveries; they add up to the loss.
    limit_binds : float
        Chance that a maximum liability cuts the payments of a year.
    first_loss_unused : float
        Chance that the covered losses of a year do not exceed the aggregate first loss.
    indemnity : array of shape (draws,)
        Paid by the insurer on balances, before its part of the recoveries.
    premium_change : array of shape (draws,)
        Added to the premium for the claims of the year: a malus; negative for a bonus or a profit share.
    wait_cost : array of shape (draws,)
        Financing of claims until their money comes.
    """

    name: str
    premium: float
    base: float
    retained: FloatArray
    insured: FloatArray
    limit_binds: float
    first_loss_unused: float
    indemnity: FloatArray
    premium_change: FloatArray
    wait_cost: FloatArray

    @property
    def cost(self) -> FloatArray:
        """What each year costs in all: premium after bonus and malus, kept losses, waiting."""
        return self.premium + self.premium_change + self.retained + self.wait_cost


def retain(
    events: LossEvents,
    terms: Structure | None,
    sales: ArrayLike,
    name: str | None = None,
    facts: BuyerFacts | None = None,
    capital_rate: float = 0.0,
) -> Retained:
    """Take every simulated default through a policy.

    Parameters
    ----------
    events : LossEvents
        Defaults with balances and losses.
    terms : PolicyTerms, Programme or None
        None is no insurance.
    sales : array of shape (obligors,)
        Sales of a year by obligor, for premiums on sales.
    name : str, optional
        By default that of the policy.
    facts : BuyerFacts, optional
        Disputes, related parties and overdue buyers; by default there are none.
    capital_rate : float
        Cost of money a year, for the wait until claims are paid.

    Returns
    -------
    Retained

    Raises
    ------
    ModelError
        If sales or facts do not fit the obligors.

    Notes
    -----
    Indemnity is paid on the balance; what is recovered later is shared in proportion (see
    `arrisk.policy.insurance.recovery_sharing.share_recovery`), so the insurer's net payment on a default is
    never more than the loss. First loss and maximum liability count indemnities before recoveries and fall
    on the defaults of a year in proportion. Chances count each simulated year with its weight.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import Dependence, make_portfolio
    >>> from arrisk.models.losses.simulation import simulate_losses
    >>> runs = simulate_losses(make_portfolio(0.05, [100.0] * 20, 0.5), Dependence(0.1), draws=500, seed=1)
    >>> kept = retain(runs, PolicyTerms(insured_share=0.8, premium_rate=0.01), [400.0] * 20)
    >>> round(kept.premium, 2), bool(np.allclose(kept.retained, 0.2 * runs.totals()))
    (80.0, True)
    """
    found = retain_all(events, [terms], sales, facts, capital_rate)[0]
    return found if name is None else replace(found, name=name)


def retain_all(
    events: LossEvents,
    policies: Iterable[Structure | None],
    sales: ArrayLike,
    facts: BuyerFacts | None = None,
    capital_rate: float = 0.0,
) -> tuple[Retained, ...]:
    """Take every simulated default through many policies at once (see `retain`).

    Returns
    -------
    tuple of Retained
        In the order of the policies.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import Dependence, make_portfolio
    >>> from arrisk.models.losses.simulation import simulate_losses
    >>> runs = simulate_losses(make_portfolio(0.05, [100.0] * 20, 0.5), Dependence(0.1), draws=500, seed=1)
    >>> [kept.name for kept in retain_all(runs, [None, PolicyTerms("whole")], [400.0] * 20)]
    ['self-insure', 'whole']
    """
    structures, book = list(policies), events.portfolio
    turnover = np.asarray(sales, dtype=float)
    if turnover.shape != book.exposure.shape:
        raise ModelError(f"{turnover.shape} sales do not go with {book.exposure.shape} obligors")
    if facts is not None and facts.disputed.shape != book.exposure.shape:
        raise ModelError(
            f"facts of {facts.disputed.shape} buyers do not go with {book.exposure.shape} obligors"
        )
    held = [_policies(structure) for structure in structures]
    layers = [[make_layer(terms, book, turnover, facts) for terms in several] for several in held]
    total, years = pay_layers(events, [layer for several in layers for layer in several])
    found, at = [], 0
    for structure, several in zip(structures, layers, strict=True):
        name = NO_INSURANCE if structure is None else structure.name
        part = years[at : at + len(several)]
        found.append(_add_up(name, events, total, several, part, capital_rate))
        at += len(several)
    return tuple(found)


def wait_days(terms: PolicyTerms) -> float:
    """Days from a claim until its money comes, on average over insolvencies and protracted defaults.

    Examples
    --------
    >>> wait_days(PolicyTerms(waiting_days=180, payment_days=30, insolvent_share=0.5))
    120.0
    """
    return terms.payment_days + (1 - terms.insolvent_share) * terms.waiting_days


def _policies(structure: Structure | None) -> tuple[PolicyTerms, ...]:
    if structure is None:
        return ()
    return structure.layers if isinstance(structure, Programme) else (structure,)


def _add_up(
    name: str,
    events: LossEvents,
    total: FloatArray,
    layers: Sequence[Layer],
    years: Sequence[LayerYears],
    capital_rate: float,
) -> Retained:
    """One structure from the policies that it consists of."""
    none = np.zeros(events.draws)
    insured = np.minimum(sum((y.insured for y in years), none), total)
    binds = np.any([y.binds for y in years], axis=0) if years else none
    first_losses = [y.unused for y in years if y.unused is not None]
    unused = float(events.weight @ np.all(first_losses, axis=0)) if first_losses else math.nan
    changes = [
        premium_change(layer.terms, y.insured, layer.premium.paid)
        for layer, y in zip(layers, years, strict=True)
    ]
    waits = [
        y.indemnity * (capital_rate * wait_days(layer.terms) / YEAR)
        for layer, y in zip(layers, years, strict=True)
    ]
    return Retained(
        name,
        sum(layer.premium.total for layer in layers) if layers else 0.0,
        layers[0].premium.base if layers else 0.0,
        total - insured,
        insured,
        float(events.weight @ binds),
        unused,
        sum((y.indemnity for y in years), none),
        sum(changes, none),
        sum(waits, none),
    )
