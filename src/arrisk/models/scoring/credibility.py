"""How fast a customer's own history should count against what the experts said, from past defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import Format, Table, frame_html
from arrisk.errors import ModelError
from arrisk.models.scoring.blending import K_MONTHS, blend, credibility_weight
from arrisk.models.validation.discrimination import customer_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Credibility", "estimate_k"]

Floats = NDArray[np.float64]

LEAST = 1e-9
FEWEST_DEFAULTERS = 10
FOLDS, DRAWS = 5, 400
TIE = 1e-9
GRID = (
    0.0,
    0.25,
    0.5,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    6.0,
    8.0,
    12.0,
    18.0,
    24.0,
    36.0,
    48.0,
    72.0,
    96.0,
    192.0,
    np.inf,
)
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"
CANNOT_SAY = "the data cannot say"


@dataclass(frozen=True, slots=True)
class Credibility:
    """The k that past defaults support; from `estimate_k`.

    Parameters
    ----------
    k : float
        That of the least log loss, or the convention when nothing is identified.
    low, high : float
        Its interval, by resampling customers.
    level : float
    losses : DataFrame
        k, log_loss: mean over the rows of a blend by each k of the grid, 0 (behaviour alone as soon as there
        is any) to infinity (experts alone).
    table : DataFrame
        who (expert, behaviour, blend), log_loss, difference (to the blend), ci_low, ci_high; the blend of
        each customer by a k found without it.
    defaulters, customers : int
    unit : str
        Of history and k.
    """

    k: float
    low: float
    high: float
    level: float
    losses: pd.DataFrame
    table: pd.DataFrame
    defaulters: int
    customers: int
    unit: str

    @property
    def doubt(self) -> str:
        """Why the data cannot say; empty when they can."""
        seen = f"{self.defaulters} of {self.customers} customers defaulted"
        if self.defaulters < FEWEST_DEFAULTERS:
            return f"{seen}; a weight needs at least {FEWEST_DEFAULTERS}"
        if self.low == 0 and np.isinf(self.high):
            return f"{seen}, and any weight from none to all fits them about as well"
        return ""

    @property
    def identified(self) -> bool:
        """Whether past defaults say anything about k."""
        return not self.doubt

    def finding(self) -> str:
        """The k, or that the data cannot say."""
        if self.doubt:
            return f"How fast history should count: {CANNOT_SAY} ({self.doubt}); k = {self.k:g} {self.unit}"
        reach = f"{self.low:g} to {'any number' if np.isinf(self.high) else f'{self.high:g}'}"
        return f"Experts and behaviour count alike after {self.k:g} {self.unit} ({reach})"

    def to_table(self, name: str = "credibility") -> Table:
        """Log loss of both parents and their blend, out of fold."""
        note = (
            "Mean log loss, lower is better; difference: how much more it is than the blend's, with its "
            f"{self.level:.0%} interval by customer; {self.defaulters} of {self.customers} defaulted. "
            "The blend of each customer uses a k found on the others."
        )
        formats: dict[str, Format] = dict.fromkeys(("log_loss", "difference", "ci_low", "ci_high"), "number")  # type: ignore[arg-type]
        return Table(name, self.finding(), self.table.round(6), note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Weight of behaviour as history grows, for k and its interval."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.subplots()[1]
        n = np.linspace(0, max(36.0, 3 * self.k if np.isfinite(self.k) else 36.0), 200)
        ax.plot(n, credibility_weight(n, self.k), color=BLUE, label=f"k = {self.k:g}")
        if np.isfinite(self.low):
            slow, fast = (credibility_weight(n, k) for k in (self.high, self.low))
            ax.fill_between(n, slow, fast, color=BLUE, alpha=0.15, label=f"{self.level:.0%} interval of k")
        ax.set(xlabel=f"history, {self.unit}", ylabel="weight of behaviour", ylim=(0, 1), xlim=(0, n[-1]))
        ax.set_title(
            f"History counts half after {self.k:g} {self.unit}"
            + ("" if self.identified else ", by convention")
        )
        ax.legend(loc="lower right")
        return ax

    def _repr_html_(self) -> str:
        t = self.to_table()
        return frame_html(t.frame, t.title, t.note, t.formats)


def estimate_k(
    expert: ArrayLike,
    behaviour: ArrayLike,
    history: ArrayLike,
    defaulted: ArrayLike,
    customers: ArrayLike,
    *,
    seed: int = 0,
    level: float = 0.95,
    unit: str = "months",
    convention: float = K_MONTHS,
) -> Credibility:
    """Find the k at which blends of the past would have foretold the defaults best.

    Parameters
    ----------
    expert, behaviour : array, shape (rows,)
        Probabilities over one horizon as they were given on past days; those of behaviour from fits without
        the customer (`Scorecard.observations`), else they look better than they are.
    history : array, shape (rows,)
        How much was known of the customer on that day.
    defaulted : array of bool, shape (rows,)
    customers : array, shape (rows,)
        Whose row it is: folds and resamples hold whole customers.
    seed : int
        Of folds and resamples.
    level : float
        Of the intervals.
    unit : str
        Of history, for the words.
    convention : float
        The k that stands where the data cannot say.

    Raises
    ------
    ModelError
        If lengths differ, there are no rows, or a value is missing or impossible.

    Examples
    --------
    >>> few = estimate_k([0.1, 0.2], [0.1, 0.3], [3, 8], [False, True], ["a", "b"])
    >>> few.k, few.identified
    (12.0, False)
    """
    hit, who = np.asarray(defaulted, dtype=bool), np.asarray(customers)
    first, second, known = (np.asarray(p, dtype=float) for p in (expert, behaviour, history))
    if not hit.size or len({a.shape for a in (first, second, known, hit, who)}) > 1:
        raise ModelError(
            "expert, behaviour, history, defaulted and customers: one value a row, and some rows"
        )
    if np.isnan(first + second + known).any():
        raise ModelError("a probability or a history is missing; leave such rows out")
    loss = np.column_stack([_log_loss(blend(first, second, known, k), hit) for k in GRID])
    folds, draws = np.random.SeedSequence(seed).spawn(2)
    defaulters, people = (len(pd.unique(pd.Series(a))) for a in (who[hit], who))
    losses = pd.DataFrame({"k": GRID, "log_loss": loss.mean(axis=0)})
    weights = customer_weights(who, DRAWS, draws)
    blended = _out_of_fold(loss, who, folds)
    rows = {"expert": _log_loss(first, hit), "behaviour": _log_loss(second, hit), "blend": blended}
    table = pd.DataFrame([(w, *_against(r, blended, weights, level)) for w, r in rows.items()])
    table.columns = ["who", "log_loss", "difference", "ci_low", "ci_high"]
    low, high = _interval(weights @ loss / weights.sum(axis=1, keepdims=True), level)
    best = GRID[int(loss.mean(axis=0).argmin())]
    found = Credibility(best, low, high, level, losses, table, defaulters, people, unit)
    return found if found.identified else _by_convention(found, convention)


def _by_convention(found: Credibility, k: float) -> Credibility:
    return replace(found, k=k, low=0.0, high=np.inf)


def _interval(losses: Floats, level: float) -> tuple[float, float]:
    """Range of the best k over resamples (rows); of those that are as good as each other the outermost."""
    good = losses <= losses.min(axis=1, keepdims=True) + TIE
    first, last = good.argmax(axis=1), len(GRID) - 1 - good[:, ::-1].argmax(axis=1)
    tail = 0.5 - level / 2
    low = np.quantile(first, tail, method="inverted_cdf")
    return GRID[int(low)], GRID[int(np.quantile(last, 1 - tail, method="inverted_cdf"))]


def _against(row_loss: Floats, blended: Floats, weights: Floats, level: float) -> tuple[float, ...]:
    """Mean log loss, and how much more it is than that of the blend, with its interval."""
    more = row_loss - blended
    drawn = (weights @ more) / weights.sum(axis=1)
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return float(row_loss.mean()), float(more.mean()), float(low), float(high)


def _out_of_fold(loss: Floats, who: NDArray[np.generic], seed: np.random.SeedSequence) -> Floats:
    """Loss of each row by the k that was best on the other customers."""
    code = pd.factorize(who)[0]
    groups = int(code.max()) + 1
    fold = (np.random.default_rng(seed).permutation(groups) % FOLDS)[code]
    out = np.empty(len(loss))
    for k in np.unique(fold):
        rest = loss[fold != k] if (fold != k).any() else loss
        out[fold == k] = loss[fold == k, int(rest.mean(axis=0).argmin())]
    return out


def _log_loss(probability: Floats, hit: NDArray[np.bool_]) -> Floats:
    p = np.clip(probability, LEAST, 1 - LEAST)
    return np.asarray(-np.where(hit, np.log(p), np.log1p(-p)))
