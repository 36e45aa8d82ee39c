"""The limit of one customer: margin on the sales that a line allows, less expected loss and price of risk.

A customer wants an exposure X that moves from day to day. Under a limit L it has ``min(X, L)``, on average
``D(L) = E min(X, L)``, and buys in proportion (what is owed is sales a day times days out). When it fails it
owes more than usual, `run_up` times as much where the limit lets it: ``A(L) = E min(run_up X, L)``. A year is
worth

    value(L) = rate D(L) - hazard(L) lgd A(L) - price (s(L) - s(0))

with ``hazard(L) = hazard (1 + slope (D(L) / E X - 1))`` failures a year, and s(L) the standard deviation of
the loss of the whole book when this customer has the line: ``s^2 = rest + 2 shared x + p (1 - p) x^2``, where
``x = lgd A(L)``. Its slope in x is the customer's Euler contribution (Tasche, Risk contributions and
performance measurement, 1999); `price` is the return asked of risk capital times capital per unit of s.

Without slope, run-up and price every unit of exposure earns the same, so all of what is wanted is best, or
nothing. A price of capital alone does not bend the curve when the book is so fine that a customer's own
variance vanishes: then s grows in proportion to x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from arrisk.errors import ModelError

__all__ = [
    "BookRisk",
    "Line",
    "LineValue",
    "best_exposure",
    "best_limit",
    "break_even_hazard",
    "limit_for_exposure",
    "mean_within",
    "round_down",
    "round_limit",
    "value_line",
]

Floats = NDArray[np.float64]
TIE = 1e-9
GRID = 65
FINER = 33
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class BookRisk:
    """The risk of the other customers, as one of them sees it.

    Parameters
    ----------
    rest : float
        Variance of the loss of all others (currency units squared).
    shared : float
        Covariance of the others' loss with this customer's default (currency units).
    price : float
        Yearly price of one unit of standard deviation: return asked of risk capital times capital a unit.
    """

    rest: float = 0.0
    shared: float = 0.0
    price: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A customer who may be given a line.

    Parameters
    ----------
    wanted : array
        Exposures that the customer would have without a limit, equally likely (currency units, from zero).
    rate : float
        Margin less the cost of money, a year and a unit of exposure.
    hazard : float
        Failures a year at the usual exposure; infinite for a customer in default.
    lgd : float
        Lost of what a failed customer owes, fraction.
    run_up : float
        What a failing customer wants to owe, as a multiple of the usual; at least 1.
    slope : float
        Relative change of the hazard per relative change of the exposure, 0 to 1.
    risk : BookRisk

    Raises
    ------
    ModelError
        If a number is impossible.
    """

    wanted: Floats
    rate: float
    hazard: float
    lgd: float
    run_up: float = 1.0
    slope: float = 0.0
    risk: BookRisk = BookRisk()

    def __post_init__(self) -> None:
        wanted = np.sort(np.asarray(self.wanted, dtype=float))
        if wanted.ndim != 1 or not wanted.size or not (np.isfinite(wanted) & (wanted >= 0)).all():
            raise ModelError("wanted exposures are amounts of zero or more, at least one")
        object.__setattr__(self, "wanted", wanted)
        for name, low, high in (("hazard", 0, math.inf), ("lgd", 0, 1), ("run_up", 1, 1e9), ("slope", 0, 1)):
            if not low <= getattr(self, name) <= high:
                raise ModelError(f"{name} = {getattr(self, name)!r}: allowed is {low} to {high}")

    @property
    def usual(self) -> float:
        """Mean of what is wanted, currency units."""
        return float(self.wanted.mean())

    @property
    def all_or_nothing(self) -> bool:
        """Whether every unit of exposure earns the same, so that a limit between the ends is never best."""
        fine = self.risk.price == 0 or self.lgd == 0
        return self.run_up == 1 and self.slope == 0 and fine


@dataclass(frozen=True, slots=True, eq=False)
class LineValue:
    """A year of a line at some limits; arrays of one shape.

    Parameters
    ----------
    limit, exposure, at_failure : array
        The limit, the mean exposure under it, and the mean exposure when failing (currency units).
    hazard : array
        Failures a year.
    margin, loss, capital : array
        Margin less cost of money, expected loss, price of risk capital (currency units a year).
    """

    limit: Floats
    exposure: Floats
    at_failure: Floats
    hazard: Floats
    margin: Floats
    loss: Floats
    capital: Floats

    @property
    def value(self) -> Floats:
        """Margin less loss and capital, currency units a year."""
        return np.asarray(self.margin - self.loss - self.capital, dtype=float)


def mean_within(wanted: ArrayLike, limit: ArrayLike) -> Floats:
    """Mean of ``min(X, L)`` over equally likely X, for each limit.

    Parameters
    ----------
    wanted : array of shape (n,)
        Amounts of zero or more.
    limit : array_like
        Amounts of zero or more; may be infinite.

    Examples
    --------
    >>> mean_within([10.0, 30.0], [0.0, 20.0, 50.0]).tolist()
    [0.0, 15.0, 20.0]
    """
    x = np.sort(np.asarray(wanted, dtype=float))
    sums = np.append(0.0, np.cumsum(x))
    edge = np.asarray(limit, dtype=float)
    below = np.searchsorted(x, edge, side="right")
    above = x.size - below
    return np.asarray((sums[below] + np.where(above > 0, edge, 0.0) * above) / x.size, dtype=float)


def limit_for_exposure(wanted: ArrayLike, exposure: float) -> float:
    """The smallest limit under which the mean exposure is as given: the inverse of `mean_within`.

    Examples
    --------
    >>> limit_for_exposure([10.0, 30.0], 15.0)
    20.0
    """
    x = np.sort(np.asarray(wanted, dtype=float))
    edges = np.unique(np.append(0.0, x))
    return float(np.interp(exposure, mean_within(x, edges), edges))


def value_line(line: Line, limit: ArrayLike) -> LineValue:
    """What a year of a line is worth at some limits.

    Parameters
    ----------
    line : Line
    limit : array_like
        Currency units, from zero.

    Returns
    -------
    LineValue

    Examples
    --------
    Without a slope, run-up or price, twice the exposure is worth twice as much.

    >>> line = Line(np.array([100.0]), rate=0.10, hazard=0.02, lgd=0.6)
    >>> value_line(line, [50.0, 100.0]).value.round(6).tolist()
    [4.4, 8.8]
    """
    edge = np.asarray(limit, dtype=float)
    exposure = mean_within(line.wanted, edge)
    at_failure = mean_within(line.wanted * line.run_up, edge)
    relative = exposure / line.usual if line.usual > 0 else np.ones_like(exposure)
    with np.errstate(invalid="ignore"):
        hazard = line.hazard * (1.0 + line.slope * (relative - 1.0))
        lost = np.where(at_failure > 0, hazard * line.lgd * at_failure, 0.0)
    capital = _capital(line, hazard, line.lgd * at_failure)
    return LineValue(edge, exposure, at_failure, hazard, line.rate * exposure, lost, capital)


def _capital(line: Line, hazard: Floats, at_stake: Floats) -> Floats:
    """Price of what the line adds to the standard deviation of the book's loss."""
    risk = line.risk
    if risk.price == 0:
        return np.zeros_like(at_stake)
    chance = -np.expm1(-hazard)
    total = risk.rest + 2 * risk.shared * at_stake + chance * (1 - chance) * at_stake**2
    return np.asarray(risk.price * (np.sqrt(np.maximum(total, 0.0)) - math.sqrt(risk.rest)), dtype=float)


def best_limit(line: Line) -> float:
    """The smallest limit at which a year of the line is worth most; zero when none is worth anything.

    Notes
    -----
    The value is smooth between the amounts wanted and has corners there. It is looked up on those corners
    and an even grid, then improved between the neighbours of the best point.

    Examples
    --------
    All or nothing where each unit earns the same: 10% against 2% x 60%, then against 20% x 60%.

    >>> best_limit(Line(np.array([40.0, 100.0]), rate=0.10, hazard=0.02, lgd=0.6))
    100.0
    >>> best_limit(Line(np.array([40.0, 100.0]), rate=0.10, hazard=0.20, lgd=0.6))
    0.0
    """
    if not math.isfinite(line.hazard) or line.usual == 0:
        return 0.0
    top = float(line.wanted[-1])
    grid = np.unique(
        np.concatenate(
            [[0.0], line.wanted, np.minimum(line.run_up * line.wanted, top), np.linspace(0.0, top, GRID)]
        )
    )
    values = value_line(line, grid).value
    best = _first_best(values)
    point, most = float(grid[best]), float(values[best])
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, grid.size - 1)])
    for _ in range(ROUNDS):
        finer = np.linspace(low, high, FINER)
        values = value_line(line, finer).value
        best = _first_best(values)
        low, high = float(finer[max(best - 1, 0)]), float(finer[min(best + 1, FINER - 1)])
    better = float(values[best]) > most + TIE * max(1.0, abs(most))
    return float(finer[best]) if better else point


def _first_best(values: Floats) -> int:
    """Position of the first value that is as large as any."""
    most = float(values.max())
    return int(np.argmax(values >= most - TIE * max(1.0, abs(most))))


def best_exposure(rate: float, hazard: float, lgd: float, slope: float, usual: float) -> float:
    """The best mean exposure in closed form, where only a hazard linear in it bends the value.

    The value ``rate e - hazard lgd e (1 + slope (e / usual - 1))`` is largest at

        e = usual (rate - hazard lgd (1 - slope)) / (2 slope hazard lgd)

    between zero and what is wanted. Without a slope it is one of the ends: all or nothing.

    Examples
    --------
    >>> round(best_exposure(rate=0.10, hazard=0.10, lgd=0.8, slope=0.5, usual=100.0), 6)
    75.0
    >>> best_exposure(0.10, 0.10, 0.8, 0.0, 100.0), best_exposure(0.05, 0.10, 0.8, 0.0, 100.0)
    (100.0, 0.0)
    """
    cost = hazard * lgd
    if slope * cost == 0:
        return usual if rate > cost else 0.0
    return float(np.clip(usual * (rate - cost * (1 - slope)) / (2 * slope * cost), 0.0, usual))


def break_even_hazard(line: Line, limit: float) -> float:
    """Failures a year (at the usual exposure) at which a line earns no more than its expected loss.

    Infinite where no hazard turns it, because nothing is lost. The price of risk capital is not counted.

    Examples
    --------
    >>> round(break_even_hazard(Line(np.array([100.0]), rate=0.10, hazard=0.02, lgd=0.8), 100.0), 6)
    0.125
    """
    one = Line(line.wanted, line.rate, 1.0, line.lgd, line.run_up, line.slope)
    year = value_line(one, limit)
    margin, loss = float(year.margin), float(year.loss)
    return margin / loss if loss > 0 else math.inf


def round_limit(limit: ArrayLike) -> Floats:
    """Round limits up to steps that people set: 1,000, 1,100, ... 2,000, 2,500, ... 9,500, 10,000.

    Examples
    --------
    >>> round_limit([0.0, 1234.0, 37_300.0, 968_000.0]).tolist()
    [0.0, 1300.0, 40000.0, 1000000.0]
    """
    amount = np.asarray(limit, dtype=float)
    power = 10.0 ** np.floor(np.log10(np.maximum(amount, 1.0)))
    step = np.where(amount < 2 * power, power / 10, power / 2)
    return np.asarray(np.where(amount < 1, 0.0, np.ceil(amount / step - TIE) * step), dtype=float)


def round_down(limit: ArrayLike) -> Floats:
    """Round limits down to the steps of `round_limit`, so that no budget is passed.

    Examples
    --------
    >>> round_down([0.0, 1234.0, 37_300.0, 40_000.0]).tolist()
    [0.0, 1200.0, 35000.0, 40000.0]
    """
    amount = np.asarray(limit, dtype=float)
    power = 10.0 ** np.floor(np.log10(np.maximum(amount, 1.0)))
    step = np.where(amount < 2 * power, power / 10, power / 2)
    return np.asarray(np.where(amount < 1, 0.0, np.floor(amount / step + TIE) * step), dtype=float)
