"""Cox regression on rows, for covariates that are not in bins: lifelines' fit, errors by customer."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError
from arrisk.models.hazard.fit import HazardFit
from arrisk.models.hazard.ties import tied_sums
from arrisk.models.regression.sandwich import cluster_codes
from arrisk.models.timing.day_counts import Floats, Ints, day_rows

__all__ = ["cox_scores", "fit_cox"]

SMALLEST_STEP = 1e-9


def fit_cox(
    covariates: pd.DataFrame,
    exit: ArrayLike,
    event: ArrayLike,
    entry: ArrayLike | None = None,
    customers: ArrayLike | None = None,
    level: float = 0.95,
) -> HazardFit:
    """Cox regression by lifelines, ties by Efron, with errors by customer.

    Parameters
    ----------
    covariates : DataFrame, shape (n, k)
        Numbers without missing values; not changed.
    exit : array of int, shape (n,)
        Age at which each item left or was last seen, in days.
    event : array of bool, shape (n,)
        Whether it left for the cause that is looked at.
    entry : array of int, shape (n,), optional
        Last age before the item was watched.
    customers : array, shape (n,), optional
        Customer of each row. Without it errors are those of independent items.
    level : float

    Returns
    -------
    HazardFit
        Without baseline and without the check of proportionality, which need counts.

    Raises
    ------
    ModelError
        If rows do not fit, a covariate is constant, collinear with others or separates events, or the fit
        does not converge.

    Notes
    -----
    Errors are the sandwich of the score residuals (`cox_scores`) summed by customer, with the factor
    G / (G - 1) and Student's t of G - 1 degrees of freedom.

    Examples
    --------
    >>> from lifelines.datasets import load_rossi
    >>> rossi = load_rossi()
    >>> fit_cox(rossi[["fin", "prio"]], rossi["week"], rossi["arrest"]).table["estimate"].round(4).tolist()
    [-0.3988, 0.1041]
    """
    days, hit = day_rows(exit, entry, None), np.asarray(event).astype(bool)
    if hit.shape != days.exit.shape or len(covariates) != hit.size or not hit.any():
        raise ModelError(f"{len(covariates)} rows of covariates and {hit.sum()} events for {hit.size} items")
    names = tuple(str(c) for c in covariates.columns)
    last = np.asarray(days.exit, dtype=np.int64)
    beta, covariance, height = _lifelines(covariates, last, hit, days.start, days.first)
    df, groups = np.full(beta.size, np.inf), None
    if customers is not None:
        code, groups = cluster_codes(customers, hit.size)
        rows = cox_scores(covariates.to_numpy(float), beta, last, hit, days.start)
        shares = (
            np.column_stack([np.bincount(code, weights=c, minlength=groups) for c in rows.T]) @ covariance
        )
        covariance = groups / (groups - 1) * shares.T @ shares
        df[:] = groups - 1.0
    return HazardFit(
        method="Cox, ties by Efron (lifelines)",
        names=names,
        coefficients=beta,
        covariance=covariance,
        df=df,
        log_likelihood=height,
        n=hit.size,
        events=int(hit.sum()),
        clusters=groups,
        level=level,
        diagnostics={"ages_with_event": int(np.unique(days.exit[hit]).size)},
        customers=None if customers is None else np.asarray(customers),
    )


def _lifelines(
    covariates: pd.DataFrame, exit_: Ints, event: Ints, start: Ints | None, first: int
) -> tuple[Floats, Floats, float]:
    """Coefficients, inverse information and log-likelihood; lifelines wants ages above zero."""
    from lifelines import CoxPHFitter
    from lifelines.exceptions import ConvergenceError, ConvergenceWarning

    frame = covariates.astype(float).set_axis(range(covariates.shape[1]), axis=1).reset_index(drop=True)
    frame = frame.assign(_exit=exit_ - first + 1.0, _event=event)
    late = {} if start is None else {"entry_col": "_entry"}
    if start is not None:
        frame["_entry"] = start - first + 0.0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", ConvergenceWarning)
            model = CoxPHFitter().fit(
                frame, "_exit", "_event", fit_options={"precision": SMALLEST_STEP}, **late
            )
    except (ConvergenceError, ConvergenceWarning) as error:
        raise ModelError(
            f"lifelines finds no finite Cox fit: {str(error).strip().splitlines()[0]}"
        ) from error
    return model.params_.to_numpy(float), model.variance_matrix_.to_numpy(float), float(model.log_likelihood_)


def cox_scores(x: Floats, beta: Floats, exit: Ints, event: ArrayLike, start: Ints | None = None) -> Floats:
    """What each row adds to the score of Cox's partial likelihood with Efron's ties.

    Parameters
    ----------
    x : array, shape (n, k)
    beta : array, shape (k,)
    exit : array of int, shape (n,)
    event : array of bool, shape (n,)
    start : array of int, shape (n,), optional
        First age at risk.

    Returns
    -------
    array, shape (n, k)
        They sum to the score.

    Notes
    -----
    The score residuals of Therneau and Grambsch (2000, section 4.6) as R computes them under Efron: a row
    adds its covariates less the mean of those at risk at its event, less its hazard at each age times its
    distance from the mean there; of those who leave at an age, the l-th step sees the part 1 - l/d.
    """
    hit, first = np.asarray(event).astype(bool), int(exit.min() if start is None else start.min())
    last, came = exit - first, None if start is None else start - first
    z = x - x.mean(axis=0)
    u = np.exp(z @ beta)
    leave, hazard, mean = _of_ages(np.column_stack([u, u[:, None] * z]), hit, last, came)
    sums = np.vstack([np.zeros(z.shape[1] + 1), np.cumsum(hazard, axis=0)])
    passed = sums[last + 1] - (0.0 if came is None else sums[came])
    out = u[:, None] * (passed[:, 1:] - z * passed[:, :1])
    own = last[hit]
    out[hit] += z[hit] - mean[own] + u[hit, None] * (z[hit] * leave[own, :1] - leave[own, 1:])
    return np.asarray(out)


def _of_ages(
    columns: Floats, hit: NDArray[np.bool_], last: Ints, came: Ints | None
) -> tuple[Floats, Floats, Floats]:
    """By age: what leavers are spared, the hazard (each times 1 and the mean), the mean at the events.

    `columns` holds each row's risk and its risk times its covariates.
    """
    length = int(last.max()) + 1
    at_risk = _by_age(columns, last, length)[::-1].cumsum(axis=0)[::-1]
    if came is not None:
        entered = _by_age(columns, came, length)
        at_risk = at_risk - (entered[::-1].cumsum(axis=0)[::-1] - entered)
    going = _by_age(columns[hit], last[hit], length)
    left = np.bincount(last[hit], minlength=length).astype(float)
    used = np.flatnonzero(left)
    s, e, d = at_risk[used], going[used], left[used][:, None]
    one, part, one2, part2, both2 = (t[:, None] for t in tied_sums(s[:, 0], e[:, 0], left[used])[1:])
    leave, hazard = np.zeros_like(at_risk), np.zeros_like(at_risk)
    mean = np.zeros((length, columns.shape[1] - 1))
    hazard[used] = np.hstack([one, s[:, 1:] * one2 - e[:, 1:] * part2])
    leave[used] = np.hstack([part, s[:, 1:] * part2 - e[:, 1:] * both2])
    mean[used] = (s[:, 1:] * one - e[:, 1:] * part) / d
    return leave, hazard, mean


def _by_age(columns: Floats, age: Ints, length: int) -> Floats:
    return np.column_stack([np.bincount(age, weights=c, minlength=length) for c in columns.T])
