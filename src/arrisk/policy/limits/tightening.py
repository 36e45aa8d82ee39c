"""How much worse an industry defaults than the book, shrunk by how little is known, and what limits follow.

Defaults of industry j are Poisson with mean ``expected_j exp(mu + effect_j)``; effects are normal around zero
with a spread that the industries share. A wide prior on the spread, the level and the effects are integrated
on a grid, so that intervals know that the spread itself is uncertain. An industry with three customers says
next to nothing and stays near the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from arrisk.display import Format, Table, frame_html, stamp
from arrisk.errors import ModelError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.scoring.scorecard import Scorecard

__all__ = ["IndustryTightening", "estimate_tightening", "shrink_effects"]

LEVEL = 0.95
SURE = 0.95
LEAST_DEFAULTS = 10
SPREADS = np.linspace(0.01, 1.5, 40)
PRIOR_SPREAD = 0.5
LEVELS = np.linspace(-1.5, 1.5, 61)
EFFECTS = np.linspace(-4.0, 4.0, 321)
COLUMNS = ["industry", "customers", "defaults", "expected", "ratio"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class IndustryTightening:
    """Default risk of industries against the book; made by `estimate_tightening`.

    Parameters
    ----------
    table : DataFrame
        industry, customers, defaults, expected (at the book's rate), ratio (defaults over expected), effect
        (shrunk multiple of the book's risk), effect_low, effect_high, chance_worse, factor (on limits,
        keeping the expected loss of a limit as it is elsewhere; 1 where it is not sure that the industry is
        worse), verdict ("tighten" or "leave").
    spread : float
        Standard deviation of industries' log-effects, posterior mean.
    as_of : Timestamp
    doubt : str
        Why nothing can be said; empty when it can.
    """

    table: pd.DataFrame
    spread: float
    as_of: pd.Timestamp
    doubt: str

    def finding(self) -> str:
        """Which industries deserve smaller limits, in one sentence."""
        if self.doubt:
            return f"No industry can be told to be worse than the book: {self.doubt}"
        worse = self.table[self.table["verdict"] == "tighten"]
        if worse.empty:
            top = self.table.iloc[0]
            return (
                f"No industry is surely worse than the book; {top['industry']} comes closest with "
                f"{top['effect']:.1f} times its risk ({top['effect_low']:.1f} to {top['effect_high']:.1f})"
            )
        named = ", ".join(
            f"{n} by {1 - f:.0%}" for n, f in zip(worse["industry"], worse["factor"], strict=True)
        )
        return f"Limits to tighten: {named}"

    def to_table(self, name: str = "industry_tightening") -> Table:
        """Industries, the worst first, ready to be shown."""
        formats: dict[str, Format] = {"chance_worse": "percent", "factor": "percent"}
        formats |= dict.fromkeys(("effect", "effect_low", "effect_high", "ratio", "expected"), "days")  # type: ignore[arg-type]
        note = (
            "Defaults of past windows against those at the book's rate. Effect: multiple of the book's risk, "
            f"drawn towards one by how little is known, with its {LEVEL:.0%} interval. Limits are cut only "
            f"where an industry is worse with a chance of {SURE:.0%}, so that a limit risks what it risks "
            "elsewhere. Where the score knows the industry already, this must not be counted again. "
            "Indices of the economy are context and move nothing here."
        )
        return Table(name, self.finding(), self.table, note, formats)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Multiple of the book's risk by industry, as counted and shrunk."""
        import matplotlib.pyplot as plt

        ax = plt.gca() if ax is None else ax
        ax.set_title(self.finding().replace("; ", ";\n").replace(": ", ":\n"))
        if self.doubt:
            ax.set_xticks([])
            ax.set_yticks([])
        else:
            rows = self.table.iloc[::-1]
            place = np.arange(len(rows))
            reach = [rows["effect"] - rows["effect_low"], rows["effect_high"] - rows["effect"]]
            ax.errorbar(
                rows["effect"], place, xerr=reach, fmt="o", color="#0072B2", capsize=3, label="shrunk"
            )
            ax.plot(rows["ratio"], place, "x", color="#D55E00", label="as counted")
            names = [f"{n} ({c})" for n, c in zip(rows["industry"], rows["customers"], strict=True)]
            ax.set_yticks(place, [n.replace("$", r"\$") for n in names])
            ax.axvline(1.0, color="black", linewidth=0.8)
            ax.legend(loc="lower right")
        ax.set_xlabel("multiple of the book's default risk (95% interval; customers in brackets)")
        return stamp(ax, self.as_of)

    def _repr_html_(self) -> str:
        table = self.to_table()
        return frame_html(table.frame, table.title, table.note, table.formats)


def shrink_effects(defaults: ArrayLike, expected: ArrayLike, level: float = LEVEL) -> pd.DataFrame:
    """Effects of industries on the log of the default rate, partially pooled.

    Parameters
    ----------
    defaults : int array of shape (industries,)
    expected : array of shape (industries,)
        Defaults at a rate common to all; above zero.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        effect, low, high (log scale: posterior mean and quantiles), chance_worse (that the effect is above
        zero), spread (posterior mean of the common standard deviation; the same in each row).

    Raises
    ------
    ModelError
        If counts are negative or nothing is expected of an industry.

    Examples
    --------
    Twice as many as expected of 20 tell something, of one next to nothing.

    >>> shrunk = shrink_effects([40, 2, 20, 20], [20.0, 1.0, 20.0, 20.0])
    >>> bool(shrunk["effect"][0] > 2 * shrunk["effect"][1] > 0)
    True
    """
    d, e = np.asarray(defaults, dtype=float), np.asarray(expected, dtype=float)
    if not ((d >= 0).all() and (e > 0).all() and d.shape == e.shape and d.size):
        raise ModelError("defaults are counts and the expected numbers are above zero, one pair an industry")
    # Log-likelihood by level (mu), industry and effect; the effect's grid is common to all.
    log_mean = np.log(e)[None, :, None] + LEVELS[:, None, None] + EFFECTS[None, None, :]
    log_like = d[None, :, None] * log_mean - np.exp(log_mean)
    log_like -= log_like.max(axis=(0, 2), keepdims=True)
    prior = -0.5 * (EFFECTS / SPREADS[:, None]) ** 2
    prior -= special.logsumexp(prior, axis=1, keepdims=True)
    like = np.exp(log_like)
    # Marginal of each industry by (spread, level, industry).
    marginal = np.einsum("mjk,sk->smj", like, np.exp(prior))
    log_weight = np.log(np.maximum(marginal, 1e-300)).sum(axis=2)
    log_weight += (-0.5 * (SPREADS / PRIOR_SPREAD) ** 2)[:, None]
    weight = np.exp(log_weight - special.logsumexp(log_weight))
    share = weight[:, :, None] / np.maximum(marginal, 1e-300)
    density = np.einsum("smj,mjk,sk->jk", share, like, np.exp(prior), optimize=True)
    density /= density.sum(axis=1, keepdims=True)
    below = np.cumsum(density, axis=1)
    ends = [[float(np.interp(q, row, EFFECTS)) for row in below] for q in (0.5 - level / 2, 0.5 + level / 2)]
    return pd.DataFrame(
        {
            "effect": density @ EFFECTS,
            "low": ends[0],
            "high": ends[1],
            "chance_worse": density[:, EFFECTS > 0].sum(axis=1) + density[:, EFFECTS == 0].sum(axis=1) / 2,
            "spread": float(weight.sum(axis=1) @ SPREADS),
        }
    )


def estimate_tightening(scorecard: Scorecard) -> IndustryTightening:
    """Hold the defaults of each industry against those of the book.

    Parameters
    ----------
    scorecard : Scorecard
        Its past windows; a customer counts once for each in which it was watched.

    Returns
    -------
    IndustryTightening
        With a doubt in place of rows when the ledger names fewer than two industries or shows too few
        defaults.
    """
    seen = scorecard.observations
    if "industry" not in seen or seen["industry"].nunique() < 2:
        return _nothing(scorecard.as_of, "the ledger names fewer than two industries")
    total = int(seen["default"].sum())
    if total < LEAST_DEFAULTS:
        return _nothing(scorecard.as_of, f"{total} defaults were seen; it takes {LEAST_DEFAULTS}")
    by = seen.assign(industry=seen["industry"].astype(object)).groupby("industry")
    table = pd.DataFrame(
        {"customers": by["customer_id"].nunique(), "defaults": by["default"].sum().astype(int)}
    )
    table["expected"] = by.size() * total / len(seen)
    table["ratio"] = table["defaults"] / table["expected"]
    table = table.reset_index()
    shrunk = shrink_effects(table["defaults"], table["expected"])
    worse = shrunk["chance_worse"] >= SURE
    table = table.assign(
        effect=np.exp(shrunk["effect"]),
        effect_low=np.exp(shrunk["low"]),
        effect_high=np.exp(shrunk["high"]),
        chance_worse=shrunk["chance_worse"],
        factor=np.where(worse, np.minimum(np.exp(-shrunk["effect"]), 1.0), 1.0),
        verdict=np.where(worse, "tighten", "leave"),
    )
    table = table.sort_values(["effect", "industry"], ascending=[False, True], ignore_index=True)
    return IndustryTightening(table, float(shrunk["spread"].iloc[0]), scorecard.as_of, "")


def _nothing(as_of: pd.Timestamp, doubt: str) -> IndustryTightening:
    columns = [*COLUMNS, "effect", "effect_low", "effect_high", "chance_worse", "factor", "verdict"]
    return IndustryTightening(pd.DataFrame(columns=columns), float("nan"), as_of, doubt)
