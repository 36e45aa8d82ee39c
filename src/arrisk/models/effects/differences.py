"""Difference in differences: what changed for the treated beyond what changed for those not treated (yet)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.effects.checks import check_table
from arrisk.models.effects.effect import Effect
from arrisk.models.effects.imputation import Imputed, Levels, check_levels, impute
from arrisk.models.effects.inference import judge
from arrisk.models.effects.outcomes import OUTCOMES
from arrisk.models.effects.panel import Panel, read_panel
from arrisk.models.effects.pretrends import checks_before, leads

__all__ = ["DESIGN", "estimate_differences"]

DESIGN = "difference in differences"
EVENT_COLUMNS = ["term", "estimate", "ci_low", "ci_high", "p_value", "weight", "rows"]


def estimate_differences(
    rows: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    cluster: str,
    period: str,
    start: str,
    weight: str | None = None,
    controls: Sequence[str] = (),
    levels: Levels = "unit",
    anticipation: int = 0,
    level: float = 0.95,
    whom: str = "the treated",
) -> Effect:
    """Estimate what a treatment changed, from units treated at different times or never.

    Parameters
    ----------
    rows : DataFrame
        A row an invoice, or a unit and period.
    outcome, unit, cluster, period, start : str
        Columns: what is measured; who is treated or not as a whole (a customer, or a customer's invoices of
        one class); the customer; a whole number of months; the first treated period of the unit, NaN for
        units that are never treated.
    weight : str, optional
        Column of weights, for example amounts; rows count alike without.
    controls : sequence of str
        Columns of numbers or texts whose mix may change; fitted to untreated rows.
    levels : {"unit", "cohort"}
        Whether every unit keeps its own level, or all units of one start share one. Units that have no
        untreated row can only be used with "cohort".
    anticipation : int
        Periods before the start left out, because the treatment was known by then.
    level : float
        Of the intervals.
    whom : str
        Whose effect it is, in words.

    Returns
    -------
    Effect
        `table`: a row for every `term` (periods since the start; before it, departures from their mean) with
        `estimate`, `ci_low`, `ci_high`, `p_value`, `weight` and `rows`.

    Raises
    ------
    ModelError
        If no row is treated, nobody is left to compare with, or fewer than two clusters are treated.

    Notes
    -----
    Imputation (Borusyak, Jaravel and Spiess 2024; see `imputation`) with delete-one-cluster errors (see
    `inference.judge`).

    Examples
    --------
    Two of four customers get an offer in month 1; they pay 3 and 5 days earlier than the others would say.

    >>> rows = pd.DataFrame({
    ...     "customer": list("AABBCCDD"), "month": [0, 1] * 4, "first": [1.0] * 4 + [np.nan] * 4,
    ...     "days": [40.0, 38.0, 50.0, 46.0, 30.0, 31.0, 60.0, 61.0]})
    >>> estimate_differences(rows, outcome="days", unit="customer", cluster="customer", period="month",
    ...     start="first").estimate
    -4.0
    """
    check_levels(levels)
    panel = read_panel(
        rows, outcome=outcome, unit=unit, cluster=cluster, period=period, start=start, weight=weight,
        controls=controls,
    )  # fmt: skip
    panel = comparable(panel, levels, anticipation)
    imputed = impute(panel, levels, anticipation)
    found = judge(imputed.overall, imputed.moves, level)
    table = pd.concat(
        [leads(panel, levels, anticipation, level), _by_term(imputed, level)], ignore_index=True
    )
    return Effect(
        outcome=outcome, unit=OUTCOMES.get(outcome, outcome), estimate=found.estimate, se=found.se,
        ci_low=found.ci_low, ci_high=found.ci_high, p_value=found.p_value, df=found.df, level=level,
        design=DESIGN, estimand=f"mean effect on {whom}, after the start",
        rows=int(panel.count.sum()), clusters=int(np.unique(panel.cluster).size),
        assumptions=_assumptions(anticipation),
        checks=check_table(checks_before(panel, levels, anticipation, level)),
        table=table[EVENT_COLUMNS],
    )  # fmt: skip


def comparable(panel: Panel, levels: Levels, anticipation: int) -> Panel:
    """The rows that an effect can be read from: treated ones only where untreated ones stand beside them."""
    base, treated = panel.age < -anticipation, panel.age >= 0
    if not treated.any():
        raise ModelError("no row is treated: no unit is seen at or after its start")
    own = panel.unit if levels == "unit" else panel.start
    usable = treated & np.isin(own, own[base]) & np.isin(panel.period, panel.period[base])
    if not usable.any():
        raise ModelError(
            "nothing to compare with: no treated row has both an untreated row of its own before the start "
            "and one of others, not treated yet, in its period"
        )
    many = np.unique(panel.cluster[usable]).size
    if many < 2:
        raise ModelError(f"{many} customer is treated: the error of an effect needs at least two")
    return _recoded(panel.keep(~treated | usable))


def _recoded(panel: Panel) -> Panel:
    """Codes without holes, so that clusters that are gone do not count."""
    unit = np.unique(panel.unit, return_inverse=True)[1]
    cluster = np.unique(panel.cluster, return_inverse=True)[1]
    return Panel(unit, cluster, panel.period, panel.start, panel.y, panel.weight, panel.controls, panel.count)


def _by_term(imputed: Imputed, level: float) -> pd.DataFrame:
    judged = [
        judge(float(value), moves, level)
        for value, moves in zip(imputed.by_term, imputed.term_moves.T, strict=True)
    ]
    return pd.DataFrame(
        {
            "term": imputed.terms.astype(int),
            "estimate": [j.estimate for j in judged],
            "ci_low": [j.ci_low for j in judged],
            "ci_high": [j.ci_high for j in judged],
            "p_value": [j.p_value for j in judged],
            "weight": _shares(imputed.term_weight),
            "rows": imputed.term_count.astype(int),
        }
    )


def _shares(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weight / weight.sum(), dtype=float)


def _assumptions(anticipation: int) -> tuple[str, ...]:
    before = f" (more than {anticipation} month{'s' * (anticipation != 1)} ahead)" if anticipation else ""
    return (
        "Without the treatment the treated would have changed as those not treated did (parallel trends).",
        f"Nobody acted on the treatment before it started{before}.",
        "The treatment of some does not change how the others pay, nor other invoices of the same customer.",
    )
