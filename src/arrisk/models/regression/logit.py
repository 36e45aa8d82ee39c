"""Logistic regression for few events: likelihood or Firth, errors by customer, separation found first.

Pure functions on arrays and frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.optimize import linprog
from scipy.special import expit, log_expit

from arrisk.display import frame_html
from arrisk.errors import ModelError

__all__ = ["LogitFit", "find_separation", "fit_logit"]

Floats = NDArray[np.float64]
Penalty = Literal["firth"] | None
CONSTANT = "const"
MAX_STEPS = 100
MAX_CHANGE = 5.0


@dataclass(frozen=True, slots=True)
class LogitFit:
    """A fitted logistic regression.

    Parameters
    ----------
    names : tuple of str, length k
        Terms, the constant first.
    coefficients : array, shape (k,)
    covariance : array, shape (k, k)
        Model-based, or the customer-clustered sandwich when clusters were given.
    log_likelihood : float
        At the estimate; the penalised one for Firth.
    n, events : int
        Rows and rows with the event.
    clusters : int or None
    penalty : {None, "firth"}
        Firth fits carry a re-centred intercept (FLIC), so that fitted probabilities sum to the events.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    n: int
    events: int
    clusters: int | None
    penalty: Penalty

    @property
    def table(self) -> pd.DataFrame:
        """Tidy coefficients: term, estimate, se, ci_low, ci_high (95%), p_value; per unit, log-odds."""
        se = np.sqrt(np.diag(self.covariance))
        df = self.n if self.clusters is None else self.clusters - 1
        half = se * (stats.norm.ppf(0.975) if self.clusters is None else stats.t.ppf(0.975, df))
        ratio = np.abs(self.coefficients) / se
        p = 2 * (stats.norm.sf(ratio) if self.clusters is None else stats.t.sf(ratio, df))
        b = self.coefficients
        columns = {"estimate": b, "se": se, "ci_low": b - half, "ci_high": b + half, "p_value": p}
        return pd.DataFrame({"term": list(self.names), **columns})

    def linear(self, x: ArrayLike) -> Floats:
        """Log-odds of rows of covariates (without the constant), shape (n,)."""
        return np.asarray(self._design(x) @ self.coefficients, dtype=float)

    def probability(self, x: ArrayLike) -> Floats:
        """Probability of the event for rows of covariates, shape (n,)."""
        return np.asarray(expit(self.linear(x)), dtype=float)

    def interval(self, x: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
        """Interval for each probability: symmetric in the log-odds, from the covariance."""
        design = self._design(x)
        se = np.sqrt(np.einsum("ij,jk,ik->i", design, self.covariance, design))
        tail = 0.5 + level / 2
        z = stats.norm.ppf(tail) if self.clusters is None else stats.t.ppf(tail, self.clusters - 1)
        middle = design @ self.coefficients
        return expit(middle - z * se), expit(middle + z * se)

    def _design(self, x: ArrayLike) -> Floats:
        rows = np.asarray(x, dtype=float)
        return np.column_stack([np.ones(rows.shape[0]), rows])

    def _repr_html_(self) -> str:
        how = "Firth, re-centred intercept" if self.penalty else "maximum likelihood"
        who = "model-based" if self.clusters is None else f"clustered by {self.clusters} customers"
        return frame_html(
            self.table, f"Logistic regression: {self.events} events in {self.n}", f"{how}; errors {who}"
        )


def fit_logit(
    x: pd.DataFrame | ArrayLike,
    y: ArrayLike,
    clusters: ArrayLike | None = None,
    penalty: Penalty = None,
) -> LogitFit:
    """Logistic regression with a constant.

    Parameters
    ----------
    x : DataFrame or array, shape (n, k)
        Covariates, without a constant; finite.
    y : array of bool, shape (n,)
    clusters : array, shape (n,), optional
        Customers: the errors are then the clustered sandwich with the factor G/(G-1) * (n-1)/(n-k).
    penalty : {None, "firth"}
        None is maximum likelihood, refused under separation. "firth" penalises by Jeffreys' prior (Firth
        1993) and re-centres the intercept (Puhr et al. 2017, FLIC): finite under separation.

    Raises
    ------
    ModelError
        If there is only one class, a value is missing, covariates are collinear, or (without penalty) a
        combination of covariates separates the classes; the terms are named.

    Examples
    --------
    With one group and Firth, half an event is added to each cell before the intercept is re-centred.

    >>> fit = fit_logit([[0.0]] * 4 + [[1.0]] * 4, [0, 0, 0, 0, 0, 0, 1, 1], penalty="firth")
    >>> round(float(fit.coefficients[1]), 6) == round(float(np.log((2.5 / 2.5) / (0.5 / 4.5))), 6)
    True
    """
    names, design, event = _checked(x, y)
    if penalty is None:
        apart = find_separation(design[:, 1:], event, names[1:])
        if apart:
            raise ModelError(
                f"{', '.join(apart)} separate events from non-events in these {event.size} rows, so their "
                'coefficients are not finite; use penalty="firth" or fewer terms'
            )
    beta, log_likelihood = _newton(design, event, penalty == "firth")
    residual, bread = _pieces(design, event, beta, penalty == "firth")
    covariance, groups = bread, None
    if clusters is not None:
        covariance, groups = _sandwich(design * residual[:, None], bread, np.asarray(clusters))
    if penalty == "firth":
        beta = _recentred(design, event, beta)
    return LogitFit(
        tuple(names), beta, covariance, log_likelihood, event.size, int(event.sum()), groups, penalty
    )


def find_separation(x: ArrayLike, y: ArrayLike, names: list[str] | None = None) -> tuple[str, ...]:
    """Terms of a combination that separates events from non-events, wholly or nearly; empty if none does.

    Notes
    -----
    Konis (2007): the linear programme "maximise the sum of s_i x_i b subject to s_i x_i b >= 0" has a
    positive optimum exactly when the data are separated, and then maximum likelihood is not finite.

    Examples
    --------
    >>> find_separation([[1.0], [2.0], [3.0]], [0, 0, 1], ["days_late"])
    ('days_late',)
    >>> find_separation([[1.0], [3.0], [2.0]], [0, 0, 1])
    ()
    """
    rows, event = np.asarray(x, dtype=float), np.asarray(y).astype(float)
    labels = names or [f"x{j + 1}" for j in range(rows.shape[1])]
    spread = rows.std(axis=0)
    scaled = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    signed = np.column_stack([np.ones(len(rows)), scaled]) * (2 * event - 1)[:, None]
    signed = np.unique(signed.round(12), axis=0)
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    if found.x is None or -found.fun < 1e-6:
        return ()
    return tuple(n for n, b in zip(labels, found.x[1:], strict=True) if abs(b) > 1e-7)


def _checked(x: pd.DataFrame | ArrayLike, y: ArrayLike) -> tuple[list[str], Floats, Floats]:
    rows = np.asarray(x, dtype=float)
    event = np.asarray(y).astype(float)
    if rows.ndim != 2 or rows.shape[0] != event.size:
        raise ModelError(f"x has shape {rows.shape}, y {event.shape}: expected (n, k) and (n,)")
    names = [str(c) for c in x.columns] if isinstance(x, pd.DataFrame) else []
    names = names or [f"x{j + 1}" for j in range(rows.shape[1])]
    if not np.isfinite(rows).all():
        bad = [n for n, ok in zip(names, np.isfinite(rows).all(axis=0), strict=True) if not ok]
        raise ModelError(f"missing or infinite values in {', '.join(bad)}")
    if not np.isin(event, (0.0, 1.0)).all() or event.min(initial=1.0) == event.max(initial=0.0):
        raise ModelError(f"y must hold both 0 and 1; it has {event.sum():.0f} events in {event.size} rows")
    design = np.column_stack([np.ones(event.size), rows])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ModelError(f"the terms {', '.join(names)} are collinear or constant")
    return [CONSTANT, *names], design, event


def _likelihood(design: Floats, event: Floats, beta: Floats, firth: bool) -> float:
    eta = design @ beta
    value = float(np.where(event > 0, log_expit(eta), log_expit(-eta)).sum())
    if not firth:
        return value
    p = expit(eta)
    return value + 0.5 * float(np.linalg.slogdet((design.T * (p * (1 - p))) @ design)[1])


def _pieces(design: Floats, event: Floats, beta: Floats, firth: bool) -> tuple[Floats, Floats]:
    """Residuals of the score (with Firth's correction) and the inverse information."""
    p = expit(design @ beta)
    w = p * (1 - p)
    bread = np.linalg.inv((design.T * w) @ design)
    residual = event - p
    if firth:
        leverage = w * np.einsum("ij,jk,ik->i", design, bread, design)
        residual = residual + leverage * (0.5 - p)
    return residual, bread


def _newton(design: Floats, event: Floats, firth: bool) -> tuple[Floats, float]:
    beta = np.zeros(design.shape[1])
    value = _likelihood(design, event, beta, firth)
    for _ in range(MAX_STEPS):
        residual, bread = _pieces(design, event, beta, firth)
        step = bread @ (design.T @ residual)
        step *= min(1.0, MAX_CHANGE / max(float(np.abs(step).max()), 1e-300))
        while (better := _likelihood(design, event, beta + step, firth)) < value - 1e-12 * abs(value):
            step /= 2
        beta, gain, value = beta + step, better - value, better
        if np.abs(step).max() < 1e-10 or (abs(gain) < 1e-13 and np.abs(step).max() < 1e-8):
            return beta, value
    raise ModelError(f"the logistic fit did not converge in {MAX_STEPS} steps")


def _sandwich(scores: Floats, bread: Floats, clusters: NDArray[np.generic]) -> tuple[Floats, int]:
    code = pd.factorize(clusters, use_na_sentinel=False)[0]
    groups, (n, k) = int(code.max()) + 1, scores.shape
    if groups < 2:
        raise ModelError("clustered errors need at least two customers")
    sums = np.column_stack([np.bincount(code, weights=scores[:, j]) for j in range(k)])
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    return factor * bread @ (sums.T @ sums) @ bread, groups


def _recentred(design: Floats, event: Floats, beta: Floats) -> Floats:
    """Shift the intercept until the fitted probabilities sum to the events."""
    eta = design @ beta
    shift = 0.0
    for _ in range(MAX_STEPS):
        p = expit(eta + shift)
        change = float(np.clip((event - p).sum() / (p * (1 - p)).sum(), -1.0, 1.0))
        shift += change
        if abs(change) < 1e-12:
            break
    return np.concatenate([[beta[0] + shift], beta[1:]])
