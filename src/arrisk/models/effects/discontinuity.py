"""What an offer changed at the amount from which it is made: the jump of an outcome at the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from arrisk.errors import ModelError
from arrisk.models.effects.bandwidth import select_bandwidth
from arrisk.models.effects.effect import Effect
from arrisk.models.effects.local_regression import Jump, Kernel, Near, fit_jump
from arrisk.models.effects.outcomes import OUTCOMES
from arrisk.models.regression.sandwich import carried_by

__all__ = ["ASSUMPTIONS", "DESIGN", "Rule", "Scale", "estimate_discontinuity", "measure_jump", "read_near"]

Floats = NDArray[np.float64]
Scale = Literal["log", "level"]

DESIGN = "regression discontinuity"
ASSUMPTIONS = (
    "Invoices just above and just below the threshold would have fared alike without the offer.",
    "Nobody lifts or splits invoices to come to the other side of the threshold.",
    "Nothing else starts at the same amount.",
)
PARALLEL = "What differed at the threshold before the offer would have gone on to differ by as much."


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the offer begins and how the rows around it are read.

    Parameters
    ----------
    outcome, running, cluster : str
        Columns.
    cutoff : float
        In the unit of `running`; rows at it or above are treated.
    scale : {"log", "level"}
        Distances to the cutoff are differences of logarithms or of amounts.
    kernel : {"triangular", "uniform", "epanechnikov"}
    order : int
        Of the local polynomial.
    weight : str or None
    donut : float
        Rows closer to the cutoff than that, in the unit of the distance, are left out.
    adjust : tuple of str
        Columns known before the offer that enter the regression.
    """

    outcome: str
    running: str
    cutoff: float
    cluster: str
    scale: Scale = "log"
    kernel: Kernel = "triangular"
    order: int = 1
    weight: str | None = None
    donut: float = 0.0
    adjust: tuple[str, ...] = ()


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
    names = pd.Index(
        rows[cluster] if compare is None else pd.concat([rows[cluster], compare[cluster]])
    ).unique()
    now = read_near(rows, rule, names)
    h, pilot = (bandwidth, bandwidth) if bandwidth else select_bandwidth(now, order)
    jump = measure_jump(now, h, pilot, rule)
    terms = {"jump": jump}
    if compare is not None:
        terms["before"] = measure_jump(read_near(compare, rule, names), h, pilot, rule)
        jump = jump - terms["before"]
    return _effect(rule, jump, now, h, level)


def _effect(rule: Rule, jump: Jump, near: Near, bandwidth: float, level: float) -> Effect:
    df = float(carried_by(jump.shares[jump.shares != 0][:, None])[0])
    reach = float(stats.t.ppf(0.5 + level / 2, df)) * jump.se
    return Effect(
        outcome=rule.outcome,
        unit=OUTCOMES.get(rule.outcome, ""),
        estimate=jump.estimate,
        se=jump.se,
        ci_low=jump.estimate - reach,
        ci_high=jump.estimate + reach,
        p_value=float(2 * stats.t.sf(abs(jump.estimate / jump.se), df)),
        df=df,
        level=level,
        design=DESIGN,
        estimand=f"of the offer on invoices around {rule.cutoff:,.0f}",
        rows=int((np.abs(near.x) < bandwidth).sum()),
        clusters=jump.clusters,
        assumptions=ASSUMPTIONS,
        checks=pd.DataFrame(),
        table=pd.DataFrame(),
    )


def measure_jump(near: Near, bandwidth: float, pilot: float, rule: Rule) -> Jump:
    """The bias-corrected jump of a rule."""
    return fit_jump(near, bandwidth, rule.order, pilot)


def read_near(rows: pd.DataFrame, rule: Rule, names: pd.Index) -> Near:
    """Read the rows around the cutoff from a frame; `names` are the customers of all samples compared.

    Raises
    ------
    ModelError
        If a column is missing or not finite, or the cutoff or an amount is not possible.
    """
    wanted = [rule.outcome, rule.running, rule.cluster, *([rule.weight] if rule.weight else []), *rule.adjust]
    missing = [column for column in wanted if column not in rows.columns]
    if missing:
        raise ModelError(f"the rows have no column {missing[0]!r}; they have {', '.join(map(str, rows))}")
    x = _distance(_figures(rows[rule.running], rule.running), rule)
    near = Near(
        x=x,
        y=_figures(rows[rule.outcome], rule.outcome),
        weight=_figures(rows[rule.weight], rule.weight) if rule.weight else np.ones(len(rows)),
        code=names.get_indexer(pd.Index(rows[rule.cluster])),
        customers=len(names),
        controls=np.stack([_figures(rows[c], c) for c in rule.adjust], axis=1)
        if rule.adjust
        else np.empty((len(rows), 0)),
        kernel=rule.kernel,
    )
    return near.keep(np.abs(x) >= rule.donut) if rule.donut else near


def _distance(amount: Floats, rule: Rule) -> Floats:
    if rule.scale == "level":
        return amount - rule.cutoff
    if rule.scale != "log":
        raise ModelError(f"scale={rule.scale!r}; allowed: {', '.join(get_args(Scale))}")
    if rule.cutoff <= 0 or (amount <= 0).any():
        raise ModelError(
            f"{rule.running!r} and the cutoff must be positive on the log scale; cutoff {rule.cutoff:g}, "
            f"{int((amount <= 0).sum())} rows at or below zero"
        )
    return np.asarray(np.log(amount / rule.cutoff))


def _figures(values: pd.Series, name: str) -> Floats:
    figures = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(figures).all():
        raise ModelError(f"{int((~np.isfinite(figures)).sum())} rows have no finite {name!r}")
    return figures
