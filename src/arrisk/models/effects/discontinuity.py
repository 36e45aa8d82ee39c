"""What an offer changed at the amount from which it is made: the jump of an outcome at the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from arrisk.errors import ModelError
from arrisk.models.effects.bandwidth import select_bandwidth
from arrisk.models.effects.checks import check_table
from arrisk.models.effects.discontinuity_checks import examine_discontinuity, picture_terms
from arrisk.models.effects.effect import Effect
from arrisk.models.effects.local_regression import Jump, Kernel, Near
from arrisk.models.effects.outcomes import OUTCOMES
from arrisk.models.effects.threshold import Rule, Sample, Scale, adjusted

__all__ = ["ASSUMPTIONS", "DESIGN", "PARALLEL", "estimate_discontinuity"]

DESIGN = "regression discontinuity"
ASSUMPTIONS = (
    "Invoices just above and just below the threshold would have fared alike without the offer.",
    "Nobody lifts or splits invoices to come to the other side of the threshold.",
    "Nothing else starts at the same amount.",
)
PARALLEL = "What differed at the threshold before the offer would have gone on to differ by as much."


def estimate_discontinuity(
    rows: pd.DataFrame,
    *,
    outcome: str,
    running: str,
    cutoff: float,
    cluster: str,
    bandwidth: float | None = None,
    kernel: Kernel = "triangular",
    order: int = 1,
    weight: str | None = None,
    donut: float = 0.0,
    compare: pd.DataFrame | None = None,
    scale: Scale = "log",
    treatment: str | None = None,
    adjust: Sequence[str] = (),
    covariates: Sequence[str] = (),
    level: float = 0.95,
) -> Effect:
    """Estimate the jump of an outcome at a threshold (regression discontinuity).

    Parameters
    ----------
    rows : DataFrame
        Invoices while the offer ran, of the customers to whom the threshold applies.
    outcome, running, cluster : str
        Columns: the outcome, the amount that decides, the customer.
    cutoff : float
        Amount from which the offer is made.
    bandwidth : float, optional
        How far from the cutoff to look, in the unit of the distance (see `scale`); by default the one with
        the least mean squared error (`select_bandwidth`).
    kernel : {"triangular", "uniform", "epanechnikov"}
    order : int
        Of the local polynomial.
    weight : str, optional
        Column of weights.
    donut : float
        Leave out rows closer to the cutoff than that.
    compare : DataFrame, optional
        The same customers' invoices before the offer began: their jump is a placebo and is taken off.
    scale : {"log", "level"}
        Distance to the cutoff: difference of logarithms or of amounts.
    treatment : str, optional
        Column of flags, for example of offers taken: the effect is then that on those who do it because of
        the threshold. Without it the effect is that of the offer on everybody at the threshold (intention to
        treat).
    adjust : sequence of str
        Columns known before the offer, entered with one slope for all: a narrower interval.
    covariates : sequence of str
        Further columns known before the offer, which should not jump.
    level : float
        Of the interval.

    Returns
    -------
    Effect
        `table` holds the terms of the estimate and the points and lines of its picture.

    Raises
    ------
    ModelError
        If a column is missing or not finite, the cutoff is not possible, fewer than two customers lie within
        the bandwidth, or too few different amounts on one side.

    Notes
    -----
    Bias-corrected local polynomial with its own standard error (Calonico, Cattaneo and Titiunik,
    Econometrica 82, 2014); the standard error is the jackknife by customer. With `compare` the difference in
    discontinuities (Grembi, Nannicini and Troiano, American Economic Journal: Applied 8, 2016).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> amount = rng.lognormal(8.5, 0.8, 2000)
    >>> days = 30 - 6.0 * (amount >= 5000) + rng.normal(0, 5, 2000)
    >>> rows = pd.DataFrame({"days": days, "amount": amount, "customer_id": np.arange(2000) % 60})
    >>> effect = estimate_discontinuity(
    ...     rows, outcome="days", running="amount", cutoff=5000, cluster="customer_id"
    ... )
    >>> effect.ci_low < -6 < effect.ci_high < 0
    True
    """
    rule = Rule(outcome, running, cutoff, cluster, scale, kernel, order, weight, donut, tuple(adjust))
    every = rows if compare is None else pd.concat([rows[[cluster]], compare[[cluster]]])
    customers = pd.Index(every[cluster]).unique()
    if len(customers) < 2:
        raise ModelError(f"errors by customer need two of them; {cluster!r} names {len(customers)}")
    sample = Sample(rule, rows, compare, customers)
    near = sample.near()
    widths = (bandwidth, bandwidth) if bandwidth else select_bandwidth(adjusted(near, order), order)
    effect = sample.jump(*widths)
    scaled, first = effect, None
    if treatment is not None:
        first = sample.jump(*widths, outcome=treatment)
        scaled = _on_takers(treatment, effect, first)
    found = examine_discontinuity(sample, widths, effect, first, [*adjust, *covariates])
    table = picture_terms(sample, widths, scaled, effect, first, level)
    return _effect(rule, scaled, near, widths[0], level, (check_table(found), table), treatment, compare)


def _on_takers(treatment: str, effect: Jump, first: Jump) -> Jump:
    """The effect on those whom the threshold moves (Wald's ratio), its error by the delta method."""
    if first.estimate == 0:
        raise ModelError(f"{treatment!r} does not change at the threshold at all")
    ratio = effect.estimate / first.estimate
    return Jump(ratio, (effect.shares - ratio * first.shares) / first.estimate)


def _effect(
    rule: Rule,
    jump: Jump,
    near: Near,
    bandwidth: float,
    level: float,
    shown: tuple[pd.DataFrame, pd.DataFrame],
    treatment: str | None,
    compare: pd.DataFrame | None,
) -> Effect:
    if jump.clusters < 2:
        raise ModelError("the jump rests on one customer: no interval by customer")
    low, high = jump.interval(level)
    whom = "the offer on every invoice" if treatment is None else f"{treatment!r} on those moved by the offer"
    return Effect(
        outcome=rule.outcome,
        unit=OUTCOMES.get(rule.outcome, ""),
        estimate=jump.estimate,
        se=jump.se,
        ci_low=low,
        ci_high=high,
        p_value=jump.p_value,
        df=jump.df,
        level=level,
        design=DESIGN,
        estimand=f"of {whom} of about {rule.cutoff:,.0f}; nothing is said of other amounts",
        rows=int((np.abs(near.x) < bandwidth).sum()),
        clusters=jump.clusters,
        assumptions=(*ASSUMPTIONS, *((PARALLEL,) if compare is not None else ())),
        checks=shown[0],
        table=shown[1],
    )
