"""How far a hazard regression moves when one customer is left out, and the errors that follow."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.models.hazard.cloglog import CloglogFit
from arrisk.models.hazard.clustered import by_customer
from arrisk.models.hazard.counts import ItemRows, count_rows
from arrisk.models.hazard.likelihood import Part, make_blocks, part_of, summit_of
from arrisk.models.regression.sandwich import floored
from arrisk.models.timing.day_counts import Floats, Ints

__all__ = ["jackknife_covariance", "left_out_shares"]

LIGHT = 0.02
ALONE = 1e-9


def left_out_shares(fit: CloglogFit, customers: ArrayLike, scores: Floats) -> Floats:
    """How far each estimated coefficient moves when a customer is left out and one step is made anew.

    Parameters
    ----------
    fit : CloglogFit
    customers : array, shape (n,)
    scores : array, shape (customers, k)
        From `customer_scores`.

    Returns
    -------
    array, shape (customers, k)
        The estimate less the one without the customer. The step takes the age effects along. What a customer
        alone identifies stays as it is.

    Notes
    -----
    The move is ``(H - H_g)^-1 s_g`` with score and information of the customer (CR3 of Bell and McCaffrey
    2002). Customers whose leverage (their part of the trace of the hat matrix, which sums to k) is surely
    below 2% are left out to first order, ``H^-1 s_g``.
    """
    bread = fit.bread[np.ix_(fit.estimated, fit.estimated)]
    shares = np.asarray(scores @ bread)
    order, ends = by_customer(customers, fit.days.rows.base.size)
    for g in np.flatnonzero(_leverage(fit, bread, order, ends) > LIGHT):
        shares[g] = _moved(fit, bread, fit.days.rows.take(order[ends[g] : ends[g + 1]]))
    return shares


def jackknife_covariance(fit: CloglogFit, shares: Floats) -> Floats:
    """Covariance from the moves of the estimate, no variance below that of independent items.

    Items of one customer may tell less than as many items of as many customers, not more; and customers who
    happen to be alike would else pass for certainty. Shape (k, k), of the estimated terms.
    """
    groups = len(shares)
    bread = fit.bread[np.ix_(fit.estimated, fit.estimated)]
    return floored((groups - 1) / groups * shares.T @ shares, bread)


def _leverage(fit: CloglogFit, bread: Floats, order: NDArray[np.intp], ends: Ints) -> Floats:
    """Leverage of each customer, in the share of its events and days at risk times the distance of its cells.

    Information by row is put at the larger of its share of all events and of all days at risk; ages and
    calendar are seen at their means.
    """
    rows = fit.days.rows
    x, w = fit.of_cell[rows.base_cell][:, fit.estimated], fit.of_class[:, fit.estimated]
    counts = 1.0 if rows.days.counts is None else rows.days.counts
    hit = counts * (rows.cause == fit.cause)
    at_risk = counts * (rows.days.exit - rows.start + 1.0)
    share = np.maximum(hit / hit.sum(), at_risk / at_risk.sum())
    centre = np.bincount(rows.base, weights=share, minlength=len(x)) @ x / share.sum()
    far = np.einsum("ij,jk,ik->i", x - centre, bread, x - centre)
    spread = np.einsum("ij,jk,ik->i", w - w.mean(axis=0), bread, w - w.mean(axis=0)).max()
    each = share * hit.sum() * (far[rows.base] + spread)
    return np.asarray(np.add.reduceat(each[order], ends[:-1]))


def _moved(fit: CloglogFit, bread: Floats, rows: ItemRows) -> Floats:
    """The move of the estimate when these rows are left out."""
    days = count_rows(rows, fit.days.cells, fit.days.strata)
    z = fit.designs.rows(days)[:, fit.estimated]
    kept = np.isfinite(fit.linear(fit.of_class))[days.day_class]
    own = make_blocks(days, z, fit.cause, kept, np.isfinite(fit.log_baseline))
    beta = fit.coefficients[fit.estimated]
    left = [
        _without(whole, part_of(block, beta, level[block.ages])) if len(block.z) else whole
        for whole, block, level in zip(fit.parts, own, fit.log_baseline, strict=True)
    ]
    ridge = 0.0 if np.isinf(fit.prior_sd) else fit.prior_sd**-2
    summit = summit_of(left, ridge)
    root = np.linalg.cholesky(bread)
    rest, axes = np.linalg.eigh(root.T @ summit.information @ root)
    kept_axes = np.where(rest > ALONE, 1.0 / np.maximum(rest, ALONE), 0.0)
    return np.asarray(root @ (axes @ (kept_axes * (axes.T @ (root.T @ summit.score)))))


def _without(whole: Part, own: Part) -> Part:
    """Information of the others, score of the customer; ages that it alone tells of have no effect."""
    rest = whole.age_information - own.age_information
    told = rest > ALONE * whole.age_information
    return Part(
        0.0,
        own.score,
        whole.information - own.information,
        np.where(told, own.age_score, 0.0),
        np.where(told, rest, 1.0),
        np.where(told[:, None], whole.mixed - own.mixed, 0.0),
    )
