"""Shocks that customers and the economy give to all their items, estimated from past forecasts.

Items of one customer that stray together from their chances reveal the frailty of customers; customers that
pay nothing at all reveal how many stop paying; a whole book that strays reveals the common shock. What chance
alone explains is known from the model and taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from arrisk.display import Table, frame_html
from arrisk.models.cash.shock_draws import ShockDraws
from arrisk.models.cash.shock_windows import PERIOD_DAYS, watch_windows
from arrisk.models.timing.day_counts import Floats, Ints
from arrisk.models.timing.rates import PaymentModel

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot

__all__ = [
    "NO_SHOCKS",
    "PERIOD_DAYS",
    "ShockDraws",
    "Shocks",
    "estimate_shocks",
    "log_sd",
    "shocks_of_windows",
]

FEWEST_WINDOWS = 6
VARIANCES = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 2.7, 3.5]) ** 2
SCALES = np.linspace(0.0, 0.6, 31)
PERSISTENCE = np.array([0.0, 0.3, 0.6, 0.9])
PRIOR_SCALE = 0.25
NODES = 24
RESAMPLES = 100
UNSEEN_VARIANCE = 0.2
STOPPING = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0]) / 100
PRIOR_STOPPED, PRIOR_PAYING = 1.0, 99.0
LARGEST, FLOOR = 500.0, 1e-12
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shocks:
    """Size of the shocks of customers and of the common shock; made by `estimate_shocks`.

    Parameters
    ----------
    customer_var : float
        Variance of the gamma frailty of customers, which multiplies their rates (mean one).
    common_sd : float
        Standard deviation of the common shock of the log-rates in a period of 28 days.
    persistence : float
        Correlation of the common shock with that of the next period.
    draws : ShockDraws
        What of them is uncertain.
    windows : DataFrame
        One row a past window: date, items, paid, expected, chance_sd (what chance and customers explain).
    identified : bool
        Whether there were six windows, so that the common shock has been seen to vary.
    as_of : Timestamp or None
        Day on which everything used was known.
    """

    customer_var: float
    common_sd: float
    persistence: float
    draws: ShockDraws
    windows: pd.DataFrame
    identified: bool
    as_of: pd.Timestamp | None

    def sampler(self) -> ShockDraws:
        """What simulations draw the shocks from."""
        return self.draws

    @property
    def customer_sd(self) -> float:
        """Standard deviation of the log of the frailty of customers."""
        return log_sd(self.customer_var)

    @property
    def stopping(self) -> float:
        """Chance that a customer stops paying in a period of 28 days."""
        return float(self.draws.stopping.mean())

    @property
    def table(self) -> pd.DataFrame:
        """Tidy figures: term, estimate, ci_low, ci_high (95%)."""
        own = [log_sd(v) for v in np.quantile(self.draws.variances, (0.025, 0.975))]
        scale = _quantiles(self.draws.scales, self.draws.weights)
        keep = _quantiles(self.draws.persistence, self.draws.weights)
        stop = np.quantile(self.draws.stopping, (0.025, 0.975))
        rows = [
            ("customer_sd", self.customer_sd, *own),
            ("common_sd", self.common_sd, *scale),
            ("persistence", self.persistence, *keep),
            ("stopping", self.stopping, *map(float, stop)),
        ]
        return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What the estimates rest on."""
        return {
            "windows": len(self.windows),
            "items": int(self.windows["items"].sum()),
            "identified": self.identified,
            "bias": float(self.windows["paid"].sum() / max(self.windows["expected"].sum(), 1e-12) - 1.0),
        }

    def to_table(self, name: str = "shocks") -> Table:
        """The sizes of the shocks with their intervals."""
        if self.identified:
            title = f"Customers stray by {self.customer_sd:.2f}, the whole book by {self.common_sd:.2f}"
        else:
            title = "The history is too short to see the whole book stray"
        note = (
            "Standard deviations of the log of the daily rates, correlation from period to period, chance "
            f"that a customer stops paying in {PERIOD_DAYS} days; 95% intervals; from {len(self.windows)} "
            f"past windows of {PERIOD_DAYS} days, each forecast with what was known on its first day."
        )
        return Table(name, title, self.table, note, {})

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def log_sd(variance: float) -> float:
    """Standard deviation of the log of a gamma variable of mean one.

    Examples
    --------
    >>> round(log_sd(0.16), 3)
    0.417
    """
    return float(np.sqrt(special.polygamma(1, 1.0 / variance))) if variance > 0 else 0.0


NO_WINDOWS = pd.DataFrame({c: np.empty(0) for c in ("items", "paid", "expected", "chance_sd")})
NO_WINDOWS.insert(0, "date", pd.to_datetime([]))
_NO_DRAWS = ShockDraws(np.zeros(1), np.zeros(1), np.zeros(1), np.ones(1))
NO_SHOCKS = Shocks(0.0, 0.0, 0.0, _NO_DRAWS, NO_WINDOWS, False, None)
"""Every item pays independently of the others."""


def estimate_shocks(snapshot: Snapshot, model: PaymentModel, seed: int = 0) -> Shocks:
    """Estimate the shocks from what past forecasts of the model missed.

    Parameters
    ----------
    snapshot : Snapshot
    model : PaymentModel
        Fitted anew on past days.
    seed : int
        Of the resampling of customers.

    Returns
    -------
    Shocks

    See Also
    --------
    watch_windows, shocks_of_windows : The two steps. A back-test watches once and estimates on each past day
        from the windows that were over then.
    """
    return shocks_of_windows(watch_windows(snapshot, model), snapshot.date, seed)


def shocks_of_windows(windows: pd.DataFrame, as_of: pd.Timestamp | None = None, seed: int = 0) -> Shocks:
    """Estimate the shocks from chances and outcomes in past windows.

    Parameters
    ----------
    windows : DataFrame
        As `watch_windows` returns: date, customer_id, rate, paid. Windows that were not over on `as_of` are
        left out.
    as_of : Timestamp, optional
    seed : int
        Of the resampling of customers, which gives the uncertainty of their frailty.

    Returns
    -------
    Shocks
        `identified` is False with fewer than six windows; the common shock is then mostly its prior.

    Notes
    -----
    A gamma frailty z of mean one and variance v multiplies the odds-free need of a customer's items: given z
    an item with cumulative rate h is unpaid with chance ``exp(-z (exp(v h) - 1) / v)``, which is exp(-h) on
    average over z. The variance maximises the likelihood of who paid, z integrated out by customer and
    window; its uncertainty comes from resampled customers. The misses of the whole book by window are taken
    as normal with the variance that chance and customers explain, plus a common shock that follows an AR(1)
    process from window to window; its standard deviation (prior: half-normal of scale .25) and its
    persistence are integrated over a grid, so that few windows leave wide shocks. What the common shock
    explains of the frailty is taken off it.

    A customer that pays none of its items in a window has stopped, or it is slow as the frailty has it: the
    chance of stopping maximises the likelihood of this mixture given the variance, with a prior worth 100
    customers in a window of which one has stopped. Its uncertainty too comes from resampled customers. As the
    variance is estimated first, it passes some that stopped for slow, and the chance is too low: .066 for .1.
    """
    if as_of is not None:
        over = windows["date"] + pd.Timedelta(days=PERIOD_DAYS) <= as_of
        windows = windows.loc[over.to_numpy()]
    if not len(windows):
        return _unseen(as_of)
    books, cells = _sum_up(windows)
    variance, drawn = _frailty(cells, np.random.default_rng(seed))
    stopping = _stopping(cells, variance, np.random.default_rng((seed, 1)))
    grid = np.array([(s, k) for k in PERSISTENCE for s in SCALES])
    common = 0.0
    for _ in range(2):
        explained = books["binomial"].to_numpy(float) + _extra(cells, max(variance - common**2, 0.0))
        weights = _posterior(books, explained, grid)
        common = float(np.sqrt(weights @ grid[:, 0] ** 2))
    shown = books.reset_index()[["date", "items", "paid", "expected"]].assign(chance_sd=np.sqrt(explained))
    return Shocks(
        customer_var=max(variance - common**2, 0.0),
        common_sd=common,
        persistence=float(weights @ grid[:, 1]),
        draws=ShockDraws(np.maximum(drawn - common**2, 0.0), grid[:, 0], grid[:, 1], weights, stopping),
        windows=shown,
        identified=len(books) >= FEWEST_WINDOWS,
        as_of=as_of,
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """Items in the cells of a customer and a window: `cell` by item, `customer` and `book` by cell."""

    rate: Floats
    paid: Flags
    cell: Ints
    customer: Ints
    book: Ints

    def sums(self, values: Floats) -> Floats:
        """Sums over the items of each cell."""
        return np.bincount(self.cell, weights=values, minlength=self.book.size).astype(float)


def _sum_up(windows: pd.DataFrame) -> tuple[pd.DataFrame, _Cells]:
    """Sums by window, and the items by customer and window."""
    customer, _ = pd.factorize(windows["customer_id"])
    book, days = pd.factorize(windows["date"], sort=True)
    code, cell = np.unique(customer.astype(np.int64) * len(days) + book, return_inverse=True)
    rate, paid = windows["rate"].to_numpy(float), windows["paid"].to_numpy(dtype=bool)
    chance = -np.expm1(-rate)
    items = pd.DataFrame(
        {
            "date": windows["date"].to_numpy(),
            "items": 1,
            "paid": paid.astype(float),
            "expected": chance,
            "binomial": chance * (1.0 - chance),
            "reach": rate * np.exp(-rate),
        }
    )
    return items.groupby("date").sum(), _Cells(rate, paid, cell, code // len(days), code % len(days))


def _nodes(variance: float) -> Floats:
    """Equally likely values of a gamma variable of mean one: the means of its slices."""
    shape = 1.0 / variance
    edges = stats.gamma.ppf(np.linspace(0.0, 1.0, NODES + 1), shape)
    return np.asarray(np.diff(stats.gamma.cdf(edges, shape + 1.0)) * NODES, dtype=float)


def _needs(rate: Floats, variance: float) -> Floats:
    """Cumulative rates which a frailty multiplies, so that chances are those of `rate` on average."""
    return np.expm1(np.minimum(variance * rate, LARGEST)) / variance


def _frailty(cells: _Cells, rng: np.random.Generator) -> tuple[float, Floats]:
    """Most likely variance of the frailty, and those of resampled customers."""
    customers = int(cells.customer.max()) + 1
    logs = np.stack(
        [
            np.bincount(cells.customer, weights=_log_likelihood(cells, v), minlength=customers)
            for v in VARIANCES
        ],
        axis=1,
    )
    weight = rng.multinomial(customers, np.full(customers, 1.0 / customers), RESAMPLES)
    best = _peaks(np.vstack([np.ones(customers), weight]) @ logs)
    return float(best[0]), best[1:]


def _stopping(cells: _Cells, variance: float, rng: np.random.Generator) -> Floats:
    """Most likely chances that a customer has stopped paying, of resampled customers."""
    customers = int(cells.customer.max()) + 1
    slow = _log_likelihood(cells, variance)
    none = np.where(cells.sums(cells.paid.astype(float)) == 0, 0.0, -np.inf)
    logs = np.stack(
        [
            np.bincount(cells.customer, np.logaddexp(np.log(q) + none, np.log1p(-q) + slow), customers)
            for q in STOPPING
        ],
        axis=1,
    )
    weight = rng.multinomial(customers, np.full(customers, 1.0 / customers), RESAMPLES)
    prior = PRIOR_STOPPED * np.log(STOPPING) + PRIOR_PAYING * np.log1p(-STOPPING)
    return np.asarray(STOPPING[(weight @ logs + prior).argmax(axis=1)], dtype=float)


def _peaks(logs: Floats) -> Floats:
    """Variance at which each row of log-likelihoods peaks: a parabola through the highest and its sides."""
    scale = np.sqrt(VARIANCES)
    top = np.clip(logs.argmax(axis=1), 1, scale.size - 2)
    rows = np.arange(len(logs))
    left, right = scale[top] - scale[top - 1], scale[top + 1] - scale[top]
    fall = (logs[rows, top] - logs[rows, top - 1]) / left
    rise = (logs[rows, top + 1] - logs[rows, top]) / right
    bend = (rise - fall) / (left + right)
    slope = (fall * right + rise * left) / (left + right)
    shift = np.divide(-slope, 2.0 * bend, out=np.zeros_like(slope), where=bend < 0)
    peak = np.clip(scale[top] + shift, scale[top - 1], scale[top + 1])
    return np.asarray(np.where(bend < 0, peak, scale[logs.argmax(axis=1)]) ** 2, dtype=float)


def _log_likelihood(cells: _Cells, variance: float) -> Floats:
    """Log-likelihood of who paid by cell, the frailty integrated out."""
    if variance == 0:
        return cells.sums(_log_chances(cells.rate, cells.paid))
    need = _needs(cells.rate, variance)
    logs = np.stack([cells.sums(_log_chances(z * need, cells.paid)) for z in _nodes(variance)])
    return np.asarray(special.logsumexp(logs, axis=0) - np.log(NODES), dtype=float)


def _log_chances(rate: Floats, paid: Flags) -> Floats:
    unpaid = np.clip(np.exp(-rate), FLOOR, 1.0 - FLOOR)
    return np.asarray(np.log(np.where(paid, 1.0 - unpaid, unpaid)), dtype=float)


def _extra(cells: _Cells, variance: float) -> Floats:
    """Variance by window that the covariances of the customers' items add, by quadrature."""
    books = int(cells.book.max()) + 1
    if variance == 0:
        return np.zeros(books)
    need, margin = _needs(cells.rate, variance), np.exp(-cells.rate)
    out = np.zeros(cells.book.size)
    for z in _nodes(variance):
        stray = np.exp(-z * need) - margin
        out += cells.sums(stray) ** 2 - cells.sums(stray**2)
    return np.bincount(cells.book, weights=out / NODES, minlength=books).astype(float)


def _posterior(books: pd.DataFrame, explained: Floats, grid: Floats) -> Floats:
    """How likely each pair of standard deviation and persistence is, given the misses of the windows."""
    reach = np.maximum(books["reach"].to_numpy(float), FLOOR)
    miss = (books["paid"] - books["expected"]).to_numpy(float) / reach
    days = pd.DatetimeIndex(books.index).to_numpy().astype("datetime64[D]").astype(np.int64)
    apart = np.abs(days[:, None] - days[None, :]) / PERIOD_DAYS
    logs = np.array([_log_normal(miss, explained / reach**2, apart, s, k) for s, k in grid])
    logs -= 0.5 * (grid[:, 0] / PRIOR_SCALE) ** 2
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum(), dtype=float)


def _log_normal(miss: Floats, noise: Floats, apart: Floats, scale: float, keep: float) -> float:
    low = np.linalg.cholesky(np.diag(noise + FLOOR) + scale**2 * np.power(keep, apart))
    white = np.linalg.solve(low, miss)
    return float(-np.log(np.diag(low)).sum() - 0.5 * white @ white)


def _quantiles(values: Floats, weights: Floats) -> tuple[float, float]:
    order = np.argsort(values, kind="stable")
    low, high = np.searchsorted(np.cumsum(weights[order]), (0.025, 0.975))
    return float(values[order][low]), float(values[order][min(high, values.size - 1)])


def _unseen(as_of: pd.Timestamp | None) -> Shocks:
    """The prior alone: no window was over."""
    weights = np.exp(-0.5 * (SCALES / PRIOR_SCALE) ** 2)
    none = np.zeros(SCALES.size)
    chance = np.array([PRIOR_STOPPED / (PRIOR_STOPPED + PRIOR_PAYING)])
    draws = ShockDraws(np.array([UNSEEN_VARIANCE]), SCALES, none, weights / weights.sum(), chance)
    return Shocks(UNSEEN_VARIANCE, PRIOR_SCALE, 0.0, draws, NO_WINDOWS, False, as_of)
