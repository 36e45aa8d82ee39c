"""What could refute a jump at a threshold, and the terms of its picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.errors import ModelError
from arrisk.models.effects.bandwidth import select_bandwidth
from arrisk.models.effects.checks import Check, unknown
from arrisk.models.effects.local_regression import Jump, Near, fit_jump, kernel_weight
from arrisk.models.effects.threshold import Sample

__all__ = ["examine_discontinuity", "picture_terms"]

Floats = NDArray[np.float64]
Widths = tuple[float, float]

FEWEST_CUSTOMERS = 10
STRONG = 10.0  # F of the first stage (Staiger and Stock 1997)
RING = 0.1
SHARP = 0.95
BINS = 8


def examine_discontinuity(
    sample: Sample, widths: Widths, effect: Jump, first: Jump | None, covariates: Sequence[str]
) -> list[Check]:
    """Everything in the ledger that could refute the design.

    Parameters
    ----------
    sample : Sample
    widths : tuple of float
        Bandwidth and pilot of the estimate.
    effect : Jump
        The estimate (of the offer on everybody).
    first : Jump or None
        The jump of the treatment, when the effect on takers is asked for.
    covariates : sequence of str
        Columns known before the offer.
    """
    found = [_both_sides(sample.near(), widths[0])]
    if "offered" in sample.rows.columns:
        found.append(_offered(sample, widths[0]))
    if first is not None:
        found.append(_first_stage(first))
    if sample.before is not None:
        found.append(_before(sample, widths))
    found += [_continuous(sample.unadjusted(), name, widths) for name in dict.fromkeys(covariates)]
    found += _placebos(sample)
    return found + _other_choices(sample, widths, effect)


def _both_sides(near: Near, bandwidth: float) -> Check:
    close = near.within(bandwidth)
    counts = [len(np.unique(close.code[side])) for side in (close.x < 0, close.x >= 0)]
    words = f"{counts[0]} customers below and {counts[1]} above within the bandwidth"
    holds = min(counts) >= FEWEST_CUSTOMERS
    return Check(
        f"at least {FEWEST_CUSTOMERS} customers on each side",
        float(min(counts)),
        float("nan"),
        words,
        holds,
    )


def _offered(sample: Sample, bandwidth: float) -> Check:
    close = sample.near(outcome="offered").within(bandwidth)
    below, above = (float(close.y[side].mean()) for side in (close.x < 0, close.x >= 0))
    words = f"offered on {below:.0%} of the invoices below and {above:.0%} of those above"
    return Check(
        "the threshold decides on the offer", above - below, float("nan"), words, above - below >= SHARP
    )


def _first_stage(first: Jump) -> Check:
    strength = (first.estimate / first.se) ** 2 if first.se > 0 else float("inf")
    words = f"the treated share jumps by {first.estimate:.1%} (F = {strength:,.1f}; {STRONG:.0f} is needed)"
    return Check("the threshold moves enough", strength, float("nan"), words, strength >= STRONG)


def _before(sample: Sample, widths: Widths) -> Check:
    name = "no jump before the offer"
    try:
        jump = sample.jump_before(*widths)
    except ModelError as error:
        return unknown(name, str(error))
    return _tested(name, jump, f"{jump.estimate:+.3g} before the offer (taken off the estimate)")


def _continuous(sample: Sample, name: str, widths: Widths) -> Check:
    """A covariate is looked at with a bandwidth of its own."""
    what = f"{name} does not jump"
    try:
        near = sample.near(outcome=name)
        own = select_bandwidth(near, sample.rule.order) if np.ptp(near.y) > 0 else widths
        jump = fit_jump(near, own[0], sample.rule.order, own[1])
    except ModelError as error:
        return unknown(what, str(error))
    return _tested(what, jump, f"{name} jumps by {jump.estimate:+.3g}")


def _placebos(sample: Sample) -> list[Check]:
    """Jumps where no offer begins: at the median amount of either side."""
    checks = []
    whole = sample.near()
    for side, where in ((whole.x < 0, "below"), (whole.x >= 0, "above")):
        half = whole.keep(side)
        middle = float(np.median(half.x))
        shifted = Near(
            half.x - middle, half.y, half.weight, half.code, half.customers, half.controls, half.kernel
        )
        try:
            jump = fit_jump(shifted, *_choose(shifted, sample.rule.order))
        except ModelError:
            continue  # A side too thin for a placebo is no reason to doubt the threshold.
        amount = float(sample.rule.amount(np.array([middle]))[0])
        checks.append(
            _tested(
                f"no jump {where} the threshold",
                jump,
                f"{jump.estimate:+.3g} at a made-up threshold of {amount:,.0f}",
            )
        )
    return checks


def _choose(near: Near, order: int) -> tuple[float, int, float]:
    bandwidth, pilot = select_bandwidth(near, order)
    return bandwidth, order, pilot


def other_choices(sample: Sample, widths: Widths) -> dict[str, Jump]:
    """The estimate with half and twice the bandwidth, and without the rows next to the cutoff."""
    h, b = widths
    trials = {"half the bandwidth": (sample, h / 2, b / 2), "twice the bandwidth": (sample, 2 * h, 2 * b)}
    if not sample.rule.donut:
        trials["without the nearest amounts"] = (sample.donut(RING * h), h, b)
    made = {}
    for name, (rows, width, pilot) in trials.items():
        try:
            made[name] = rows.jump(width, pilot)
        except ModelError:
            continue
    return made


def _other_choices(sample: Sample, widths: Widths, effect: Jump) -> list[Check]:
    checks = []
    for name, jump in other_choices(sample, widths).items():
        moved = jump - effect
        words = f"{jump.estimate:+.3g} instead of {effect.estimate:+.3g}"
        checks.append(_tested(f"{name}: the same estimate", moved, words))
    return checks


def _tested(name: str, jump: Jump, words: str) -> Check:
    return Check(name, jump.estimate, jump.p_value, words)


def picture_terms(
    sample: Sample, widths: Widths, scaled: Jump, effect: Jump, first: Jump | None, level: float
) -> pd.DataFrame:
    """Terms of the estimate, and the points and lines of its picture.

    Returns
    -------
    DataFrame
        `term` ("effect", "offer" (on everybody), "before", "treated" (jump of the treatment), the other
        choices, "bandwidth", "cutoff", "bin", "line"), `side`, `running` (an amount), `estimate`, `ci_low`,
        `ci_high`, `rows`.
    """
    jumps = {"effect": scaled, "offer": effect}
    if first is not None:
        jumps["treated"] = first
    if sample.before is not None:
        jumps["before"] = sample.jump_before(*widths)
    jumps |= other_choices(sample, widths)
    near = sample.near()
    marks = [
        _row("bandwidth", "", float("nan"), widths[0], int((np.abs(near.x) < widths[0]).sum())),
        _row("cutoff", "", sample.rule.cutoff, float("nan"), 0),
    ]
    rows = [_jump_row(name, jump, level) for name, jump in jumps.items()]
    sides = [
        row
        for below in (True, False)
        for row in (*_bins(sample, near, widths[0], below), *_line(sample, near, widths[0], below))
    ]
    return pd.DataFrame([*rows, *marks, *sides])


def _row(term: str, side: str, running: float, estimate: float, rows: int) -> dict[str, object]:
    nan = float("nan")
    where = {"term": term, "side": side, "running": running}
    return {**where, "estimate": estimate, "ci_low": nan, "ci_high": nan, "rows": rows}


def _jump_row(name: str, jump: Jump, level: float) -> dict[str, object]:
    low, high = jump.interval(level)
    return _row(name, "", float("nan"), jump.estimate, 0) | {"ci_low": low, "ci_high": high}


def _bins(sample: Sample, near: Near, bandwidth: float, below: bool) -> list[dict[str, object]]:
    """Means of as many rows each, up to two bandwidths away."""
    rows = near.within(2 * bandwidth)
    rows = rows.keep((rows.x < 0) == below)
    side = "below" if below else "above"
    parts = np.array_split(np.argsort(rows.x, kind="stable"), BINS)
    return [
        _row(
            "bin",
            side,
            float(sample.rule.amount(rows.x[part].mean(keepdims=True))[0]),
            float(np.average(rows.y[part], weights=rows.weight[part])),
            len(part),
        )
        for part in parts
        if len(part) and rows.weight[part].sum() > 0
    ]


def _line(sample: Sample, near: Near, bandwidth: float, below: bool) -> list[dict[str, object]]:
    """The local polynomial of one side, without controls."""
    rows = near.within(bandwidth)
    rows = rows.keep((rows.x < 0) == below)
    weight = rows.weight * kernel_weight(rows.x / bandwidth, rows.kernel)
    order = sample.rule.order
    root = np.sqrt(weight)
    powers = np.vander(rows.x, order + 1, increasing=True)
    found = np.linalg.lstsq(powers * root[:, None], rows.y * root, rcond=None)[0]
    at = np.linspace(-bandwidth if below else 0.0, 0.0 if below else bandwidth, 21)
    if sample.rule.scale == "level":
        at = at[sample.rule.amount(at) > 0]
    height = np.vander(at, order + 1, increasing=True) @ found
    side = "below" if below else "above"
    return [
        _row("line", side, float(a), float(y), len(rows.x))
        for a, y in zip(sample.rule.amount(at), height, strict=True)
    ]
