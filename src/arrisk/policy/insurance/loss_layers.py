"""The loss of a year, from usual years to the worst, and who bears which part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from arrisk.display import money
from arrisk.policy.insurance import pictures
from arrisk.policy.insurance.retained import retain_all
from arrisk.policy.insurance.terms import PolicyTerms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from arrisk.models.losses.events import LossEvents
    from arrisk.policy.insurance.exclusions import BuyerFacts

__all__ = ["PARTS", "LossLayers", "split_loss"]

FloatArray = NDArray[np.float64]
PARTS = ("insured", "first_loss", "beyond_maximum", "outside_cover")
RAREST = 500.0
BANDS = 40


@dataclass(frozen=True, slots=True, eq=False)
class LossLayers:
    """A policy's layers on the distribution of the loss of a year.

    Parameters
    ----------
    table : DataFrame
        years (a loss as high comes once in so many), loss (quantile), insured, first_loss (kept before the
        insurer pays), beyond_maximum (kept above the year's maximum), outside_cover (kept: limits, own share,
        excesses and excluded balances); the four parts add up to the mean loss of the band.
    name : str
        Policy.
    mean : dict of part to float
        Mean of each part over all years.
    currency : str
    as_of : Timestamp or None
    """

    table: pd.DataFrame
    name: str
    mean: dict[str, float]
    currency: str = ""
    as_of: pd.Timestamp | None = None

    def finding(self) -> str:
        """What is kept in a year that comes once in a hundred, in one sentence."""
        row = self.table.iloc[int((self.table["years"] - 100).abs().to_numpy().argmin())]
        total = float(row[list(PARTS)].sum())
        kept = money(total - float(row["insured"]), self.currency)
        return (
            f"{self.name.capitalize()}: of a loss of {money(total, self.currency)}, one year in a hundred, "
            f"{kept} is kept"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Loss by rarity of the year, stacked by who bears it."""
        return pictures.plot_layers(self, ax)


def split_loss(
    events: LossEvents,
    terms: PolicyTerms,
    sales: ArrayLike,
    facts: BuyerFacts | None = None,
    currency: str = "",
    as_of: pd.Timestamp | None = None,
) -> LossLayers:
    """Split the loss of each simulated year by who bears it, and order the years by their loss.

    Parameters
    ----------
    events : LossEvents
    terms : PolicyTerms
    sales : array of shape (obligors,)
    facts : BuyerFacts, optional
    currency, as_of : optional
        For captions.

    Returns
    -------
    LossLayers

    Notes
    -----
    The maximum liability is taken away first and the first loss after it: what each keeps is what the policy
    would pay more without it.

    Examples
    --------
    >>> from arrisk.models.losses.portfolio import Dependence, make_portfolio
    >>> from arrisk.models.losses.simulation import simulate_losses
    >>> runs = simulate_losses(make_portfolio(0.05, [100.0] * 20, 0.5), Dependence(0.1), draws=500, seed=1)
    >>> found = split_loss(runs, PolicyTerms("whole", insured_share=0.8), [400.0] * 20)
    >>> round(found.mean["insured"] / sum(found.mean.values()), 6)
    0.8
    """
    open_ended = terms.without("maximum_liability")
    ladder = (terms, open_ended, open_ended.without("aggregate_first_loss"))
    paid = [found.insured for found in retain_all(events, ladder, sales, facts)]
    total = events.totals()
    parts = np.column_stack([paid[0], paid[2] - paid[1], paid[1] - paid[0], total - paid[2]])
    mean = dict(zip(PARTS, (events.weight @ parts).tolist(), strict=True))
    return LossLayers(_by_rarity(total, parts, events.weight), terms.name, mean, currency, as_of)


def _by_rarity(total: FloatArray, parts: FloatArray, weight: FloatArray) -> pd.DataFrame:
    """Mean of each part in bands of the chance of a larger loss."""
    order = np.argsort(total, kind="stable")
    below = np.cumsum(weight[order])
    edges = 1 - 1 / np.geomspace(1.0, RAREST, BANDS + 1)
    band = np.clip(np.searchsorted(edges, below - weight[order] / 2, side="right") - 1, 0, BANDS)
    mass = np.bincount(band, weights=weight[order], minlength=BANDS + 1)[:BANDS]
    sums = np.column_stack(
        [
            np.bincount(band, weights=weight[order] * part, minlength=BANDS + 1)[:BANDS]
            for part in parts[order].T
        ]
    )
    seen = mass > 0
    middle = 1 / (1 - (edges[:-1] + edges[1:]) / 2)
    table = pd.DataFrame({"years": middle[seen]})
    table[list(PARTS)] = sums[seen] / mass[seen, None]
    table.insert(1, "loss", table[list(PARTS)].sum(axis=1))
    return table
