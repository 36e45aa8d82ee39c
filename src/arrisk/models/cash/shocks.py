"""Shocks that customers and the economy give to all their items, estimated from past forecasts.

On past days the model is fitted anew and its chances for the next 28 days are held against what happened.
Items of one customer that stray together reveal the frailty of customers; a whole book that strays reveals
the common shock. What chance alone explains is known from the model and taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from arrisk.display import Table, frame_html
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
    "shocks_of_windows",
    "watch_windows",
]

PERIOD_DAYS = 28
FEWEST_WINDOWS = 6
HISTORY_DAYS = 182
MOST_WINDOWS = 26
VARIANCES = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0, 12.0])
SCALES = np.linspace(0.0, 0.6, 31)
PERSISTENCE = np.array([0.0, 0.3, 0.6, 0.9])
PRIOR_SCALE = 0.25
NODES = 40
RESAMPLES = 100


@dataclass(frozen=True, slots=True)
class ShockDraws:
    """Values of the parameters of the shocks with their weights, from which each simulation takes one.

    Parameters
    ----------
    variances : array, shape (m,)
        Equally likely variances of the frailty of customers.
    scales, persistence, weights : array, shape (n,)
        Standard deviations and persistence of the common shock, and how likely each pair is.
    """

    variances: Floats
    scales: Floats
    persistence: Floats
    weights: Floats

    def draw(
        self, draws: int, customers: int, periods: int, rng: np.random.Generator
    ) -> tuple[Floats, Floats, Floats]:
        """Variance of the frailty (draws,), frailties (draws, customers), common factors (draws, periods)."""
        variance = rng.choice(self.variances, draws)
        pair = rng.choice(self.weights.size, draws, p=self.weights)
        frailty = np.ones((draws, customers))
        some = variance > 0
        shape = 1.0 / variance[some]
        frailty[some] = rng.standard_gamma(shape[:, None], (int(some.sum()), customers)) / shape[:, None]
        scale, keep = self.scales[pair], self.persistence[pair]
        noise = rng.standard_normal((draws, periods))
        state = noise[:, 0] if periods else np.empty(draws)
        states = [state]
        for p in range(1, periods):
            states.append(keep * states[-1] + np.sqrt(1.0 - keep**2) * noise[:, p])
        common = np.stack(states, axis=1) * scale[:, None]
        return variance, frailty, np.exp(common - scale[:, None] ** 2 / 2)


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
        One row a past window: date, items, left, expected, chance_sd (what chance and customers explain).
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
    def table(self) -> pd.DataFrame:
        """Tidy figures: term, estimate, ci_low, ci_high (95%)."""
        own = [log_sd(v) for v in np.quantile(self.draws.variances, (0.025, 0.975))]
        scale = _quantiles(self.draws.scales, self.draws.weights)
        keep = _quantiles(self.draws.persistence, self.draws.weights)
        rows = [
            ("customer_sd", self.customer_sd, *own),
            ("common_sd", self.common_sd, *scale),
            ("persistence", self.persistence, *keep),
        ]
        return pd.DataFrame(rows, columns=["term", "estimate", "ci_low", "ci_high"])

    @property
    def diagnostics(self) -> dict[str, Any]:
        """What the estimates rest on."""
        return {
            "windows": len(self.windows),
            "items": int(self.windows["items"].sum()),
            "identified": self.identified,
            "bias": float(self.windows["left"].sum() / max(self.windows["expected"].sum(), 1e-12) - 1.0),
        }

    def to_table(self, name: str = "shocks") -> Table:
        """The sizes of the shocks with their intervals."""
        if self.identified:
            title = f"Customers stray by {self.customer_sd:.2f}, the whole book by {self.common_sd:.2f}"
        else:
            title = "The history is too short to see the whole book stray"
        note = (
            f"Standard deviations of the log of the daily rates, 95% intervals; from {len(self.windows)} "
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
    from scipy.special import polygamma

    return float(np.sqrt(polygamma(1, 1.0 / variance))) if variance > 0 else 0.0


NO_WINDOWS = pd.DataFrame(
    {
        "date": pd.to_datetime([]),
        **{c: np.empty(0) for c in ("items", "left", "expected", "chance_sd")},
    }
)
NO_SHOCKS = Shocks(
    0.0,
    0.0,
    0.0,
    ShockDraws(np.zeros(1), np.zeros(1), np.zeros(1), np.ones(1)),
    NO_WINDOWS,
    False,
    None,
)
"""Every item pays independently of the others."""


def estimate_shocks(snapshot: Snapshot, model: PaymentModel, seed: int = 0) -> Shocks:
    """Estimate the shocks from what past forecasts of the model missed.

    Parameters
    ----------
    snapshot : Snapshot
    model : PaymentModel
        Fitted anew on each past day.
    seed : int
        Of the resampling of customers.

    Returns
    -------
    Shocks

    See Also
    --------
    watch_windows, shocks_of_windows : The two steps.
    """
    return shocks_of_windows(watch_windows(snapshot, model), snapshot.date, seed)


def watch_windows(snapshot: Snapshot, model: PaymentModel, most: int = MOST_WINDOWS) -> pd.DataFrame:
    """Chances and outcomes of all items in past windows of 28 days.

    Parameters
    ----------
    snapshot : Snapshot
    model : PaymentModel
    most : int
        Number of windows at most, the latest.

    Returns
    -------
    DataFrame
        One row an item and window: `date` (first evening), `customer_id`, `rate` (cumulative rate of leaving
        until the end of the window by the model of that day), `left` (whether it did). Items issued in the
        window count from their issue on.
    """
    parts = [_watch(snapshot, model, day) for day in _past_days(snapshot, most)]
    if not parts:
        return pd.DataFrame(
            {"date": pd.to_datetime([]), "customer_id": [], "rate": np.empty(0), "left": np.empty(0, bool)}
        )
    return pd.concat(parts, ignore_index=True)


def _past_days(snapshot: Snapshot, most: int) -> list[pd.Timestamp]:
    first = snapshot.first_date + pd.Timedelta(days=HISTORY_DAYS)
    days = [snapshot.date - pd.Timedelta(days=PERIOD_DAYS * (k + 1)) for k in range(most)]
    return [day for day in days[::-1] if day >= first]


def _watch(snapshot: Snapshot, model: PaymentModel, day: pd.Timestamp) -> pd.DataFrame:
    then = snapshot.as_of(day)
    fitted = model.refit(then)
    end = day + pd.Timedelta(days=PERIOD_DAYS)
    known = snapshot.items
    fresh = ((known["issue_date"] > day) & (known["issue_date"] <= end) & (known["amount"] > 0)).to_numpy()
    parts = [fitted.open_items(then), fitted.describe(then, known.loc[fresh].reset_index(drop=True))]
    closed = known[["invoice_id", "instalment"]].assign(
        left=((known["close_kind"] != "open") & (known["closed_date"] <= end)).to_numpy()
    )
    frames = []
    for items in parts:
        if not len(items):
            continue
        rates = fitted.rates(items, day, PERIOD_DAYS)
        total = (rates.paid + rates.lost).sum(axis=1)[rates.kind]
        left = items[["invoice_id", "instalment"]].merge(closed, how="left")["left"].to_numpy(dtype=bool)
        frames.append(
            pd.DataFrame(
                {"date": day, "customer_id": items["customer_id"].to_numpy(), "rate": total, "left": left}
            )
        )
    return pd.concat(frames, ignore_index=True)


def shocks_of_windows(windows: pd.DataFrame, as_of: pd.Timestamp | None = None, seed: int = 0) -> Shocks:
    """Estimate the shocks from chances and outcomes in past windows.

    Parameters
    ----------
    windows : DataFrame
        As `watch_windows` returns; any windows whose outcome was known on `as_of`.
    as_of : Timestamp, optional
    seed : int
        Of the resampling of customers, which gives the uncertainty of their frailty.

    Returns
    -------
    Shocks

    Notes
    -----
    With the chance p = 1 - exp(-rate) of an item, the squared miss of a customer's count in a window exceeds
    its binomial part by the covariances of its items, which a gamma frailty of variance v makes
    ``(exp(v h1) + exp(v h2) - 1)**(-1 / v) - exp(-h1 - h2)`` for rates h1, h2, plus that of the common shock;
    v is set so that the sums over customers and windows agree. The misses of the whole book by window are
    taken as normal with the variance that chance and customers explain, plus a common shock that follows an
    AR(1) process from window to window; its standard deviation (prior: half-normal of scale .25) and its
    persistence are integrated over a grid, so few windows leave wide shocks.
    """
    cells, books, dates = _sum_up(windows)
    if not len(books):
        return _unseen(as_of)
    variance, common = 0.0, 0.0
    weights = np.empty(0)
    grid = np.array([(s, k) for k in PERSISTENCE for s in SCALES])
    for _ in range(4):
        variance = _solve(cells, common**2)
        explained = books["binomial"] + _at(cells.extra, variance, cells.book, len(books))
        weights = _posterior(books, explained.to_numpy(float), dates, grid)
        common = float(np.sqrt(weights @ grid[:, 0] ** 2))
    drawn = _resample(cells, common**2, np.random.default_rng(seed))
    shown = pd.DataFrame(
        {
            "date": books.index,
            "items": books["items"].to_numpy(),
            "left": books["left"].to_numpy(),
            "expected": books["expected"].to_numpy(),
            "chance_sd": np.sqrt(explained.to_numpy(float)),
        }
    )
    draws = ShockDraws(drawn, grid[:, 0], grid[:, 1], weights)
    keep = float(weights @ grid[:, 1])
    return Shocks(variance, common, keep, draws, shown, len(books) >= FEWEST_WINDOWS, as_of)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Sums by customer and window: squared miss less its binomial part, reach of a common shock squared,
    extra variance by variance of the frailty (cells, VARIANCES), and codes of customer and window."""

    excess: Floats
    reach: Floats
    extra: Floats
    customer: Ints
    book: Ints


def _sum_up(windows: pd.DataFrame) -> tuple[_Cells, pd.DataFrame, Ints]:
    customer, _ = pd.factorize(windows["customer_id"])
    book, days = pd.factorize(windows["date"], sort=True)
    code, place = np.unique(customer.astype(np.int64) * max(len(days), 1) + book, return_inverse=True)
    rate, left = windows["rate"].to_numpy(float), windows["left"].to_numpy(float)
    chance = -np.expm1(-rate)

    def by_cell(values: Floats) -> Floats:
        return np.bincount(place, weights=values, minlength=code.size).astype(float)

    binomial, reach = chance * (1.0 - chance), rate * np.exp(-rate)
    excess = by_cell(left - chance) ** 2 - by_cell(binomial)
    extra = np.stack([_extra(v, rate, by_cell) for v in VARIANCES], axis=1) if code.size else np.empty((0, 0))
    cells = _Cells(excess, by_cell(reach) ** 2, extra, code // max(len(days), 1), code % max(len(days), 1))
    items = pd.DataFrame({"left": left, "expected": chance, "binomial": binomial, "reach": reach, "items": 1})
    books = items.groupby(windows["date"].to_numpy()).sum()
    number = pd.DatetimeIndex(books.index).to_numpy().astype("datetime64[D]").astype(np.int64)
    return cells, books, number


def _extra(variance: float, rate: Floats, by_cell: Callable[[Floats], Floats]) -> Floats:
    """Sum of the covariances of a customer's items in a window, by quadrature over its frailty."""
    if variance == 0:
        return np.zeros_like(by_cell(rate))
    shape = 1.0 / variance
    edges = stats.gamma.ppf(np.linspace(0.0, 1.0, NODES + 1), shape)
    # Means of the slices keep the mean of the frailty at one.
    frailty = np.diff(stats.gamma.cdf(edges, shape + 1.0)) * NODES
    with np.errstate(over="ignore"):
        need = np.minimum(np.expm1(variance * rate) / variance, 1e12)
    total = each = np.zeros_like(by_cell(rate))
    margin = np.exp(-rate)
    for z in frailty:
        stray = np.exp(-z * need) - margin
        total = total + by_cell(stray) ** 2
        each = each + by_cell(stray**2)
    return np.asarray((total - each) / NODES, dtype=float)


def _at(extra: Floats, variance: float, book: Ints, size: int) -> Floats:
    """Extra variance by window at a variance between those tabulated."""
    table = np.stack([np.bincount(book, weights=extra[:, k], minlength=size) for k in range(len(VARIANCES))])
    return np.array([np.interp(variance, VARIANCES, table[:, b]) for b in range(size)])


def _solve(cells: _Cells, common_var: float, weights: Floats | None = None) -> float:
    """Variance of the frailty at which the sums over customers and windows agree; zero if none does."""
    w = np.ones(cells.excess.size) if weights is None else weights
    wanted = float(w @ (cells.excess - common_var * cells.reach))
    curve = w @ cells.extra
    if wanted <= curve[0]:
        return 0.0
    if wanted >= curve.max():
        return float(VARIANCES[int(curve.argmax())])
    return float(np.interp(wanted, np.maximum.accumulate(curve), VARIANCES))


def _resample(cells: _Cells, common_var: float, rng: np.random.Generator) -> Floats:
    """Variances from resampled customers."""
    customers = int(cells.customer.max()) + 1
    out = []
    for _ in range(RESAMPLES):
        weight = rng.multinomial(customers, np.full(customers, 1.0 / customers))
        out.append(_solve(cells, common_var, weight[cells.customer].astype(float)))
    return np.array(out)


def _posterior(books: pd.DataFrame, explained: Floats, dates: Ints, grid: Floats) -> Floats:
    """How likely each pair of standard deviation and persistence is, given the misses of the windows."""
    reach = np.maximum(books["reach"].to_numpy(float), 1e-9)
    miss = (books["left"] - books["expected"]).to_numpy(float) / reach
    noise = explained / reach**2
    apart = np.abs(dates[:, None] - dates[None, :]) / PERIOD_DAYS
    logs = np.array([_log_likelihood(miss, noise, apart, s, k) for s, k in grid])
    logs -= 0.5 * (grid[:, 0] / PRIOR_SCALE) ** 2
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum(), dtype=float)


def _log_likelihood(miss: Floats, noise: Floats, apart: Floats, scale: float, keep: float) -> float:
    cov = np.diag(noise + 1e-12) + scale**2 * np.power(keep, apart)
    low = np.linalg.cholesky(cov)
    white = np.linalg.solve(low, miss)
    return float(-np.log(np.diag(low)).sum() - 0.5 * white @ white)


def _quantiles(values: Floats, weights: Floats) -> tuple[float, float]:
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[order])
    low, high = np.searchsorted(sums, (0.025, 0.975))
    return float(values[order][low]), float(values[order][min(high, values.size - 1)])


def _unseen(as_of: pd.Timestamp | None) -> Shocks:
    """The prior alone: no window was over."""
    weights = np.exp(-0.5 * (SCALES / PRIOR_SCALE) ** 2)
    draws = ShockDraws(np.array([0.2]), SCALES, np.zeros(SCALES.size), weights / weights.sum())
    return Shocks(0.2, PRIOR_SCALE, 0.0, draws, NO_WINDOWS, False, as_of)
