"""What a default costs by the ledger: how much of a debt is lost, and how many days of sales it catches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.defaults.experience import DefaultExperience, read_default_experience
from arrisk.policy.assumptions import Assumption

if TYPE_CHECKING:
    from arrisk.ledger.book import Snapshot
    from arrisk.models.defaults.definition import DefaultDefinition

__all__ = ["CountedLosses", "count_losses"]

YEAR = 365
FRACTION = "fraction of exposure"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CountedLosses:
    """Loss given default and days caught, counted; made by `count_losses`.

    Parameters
    ----------
    lgd, overrun : Assumption
        The point, its 95% range and where it comes from.
    lgd_draws, overrun_draws : array of shape (draws,)
    """

    lgd: Assumption
    overrun: Assumption
    lgd_draws: Floats
    overrun_draws: Floats


def count_losses(
    snapshot: Snapshot, definition: DefaultDefinition, draws: int, rng: np.random.Generator
) -> CountedLosses | None:
    """Count what defaults cost, when the ledger shows enough customers that were lost.

    Parameters
    ----------
    snapshot : Snapshot
    definition : DefaultDefinition
    draws : int
    rng : Generator

    Returns
    -------
    CountedLosses or None
        None when fewer than two customers were lost (see `read_default_experience`) or none of them had
        sales before.

    Notes
    -----
    Many who default pay in the end. So the loss given default is the share of defaulters who were written
    off, times what was lost of what those owed. A customer about to fail pays ever later and is still
    supplied: what it owes in the end is more days of its usual sales than its terms. `overrun` is that
    excess: what lost customers owed, over their daily sales in the year before the first unpaid due date,
    less their terms. Draws: a Beta for the first share, one Bayesian bootstrap of the lost customers for
    both ratios.
    """
    seen = read_default_experience(snapshot, definition)
    years = seen.years[seen.years["counted"].astype(bool)] if len(seen.years) else seen.years
    defaults, lost = int(years["defaults"].sum()), int(years["lost"].sum())
    cases = _cases(seen, snapshot, definition)
    if not seen.identified or defaults == 0 or cases.empty:
        return None
    a, b = lost + 0.5, defaults - lost + 0.5
    weights = np.vstack([np.ones(len(cases)), rng.standard_exponential((draws, len(cases)))])
    owed, gone, daily, terms = (
        weights @ cases[c].to_numpy(float) for c in ("owed", "gone", "daily", "terms")
    )
    severity = np.clip(gone / owed, 0.0, 1.0)
    caught = owed / daily
    overrun = np.maximum(caught - terms / daily, 0.0)
    lgd = np.append(a / (a + b), rng.beta(a, b, draws)) * severity
    told = (
        f"the ledger: {lost} of {defaults} defaulters were written off by now, and lost customers cost "
        f"{severity[0]:.0%} of what they owed"
    )
    days = (
        f"the ledger: {len(cases)} lost customers owed {caught[0]:.0f} days of their sales in the end, on "
        f"terms of {terms[0] / daily[0]:.0f} days"
    )
    return CountedLosses(
        _counted("lgd", lgd, FRACTION, told),
        _counted("overrun_days", overrun, "days", days),
        lgd[1:],
        overrun[1:],
    )


def _counted(name: str, values: Floats, unit: str, source: str) -> Assumption:
    digits = 1 if unit == "days" else 4
    low, high = (round(float(q), digits) for q in np.quantile(values[1:], [0.025, 0.975]))
    point = float(values[0])
    return Assumption(name, point, min(low, point), max(high, point), unit, source)


def _cases(seen: DefaultExperience, snapshot: Snapshot, definition: DefaultDefinition) -> pd.DataFrame:
    """Of each lost customer: owed, lost, usual sales a day, and these times the days of its terms."""
    lost = seen.losses.assign(
        end=pd.to_datetime(seen.losses["default_date"]) - pd.Timedelta(days=definition.days)
    )
    items = snapshot.items
    items = items[(items["amount"] > 0) & items["due_date"].notna()]
    rows = items.merge(lost[["customer_id", "end"]], on="customer_id")
    first = rows.groupby("customer_id")["issue_date"].min()
    rows = rows[(rows["issue_date"] <= rows["end"])]
    rows = rows[rows["issue_date"] > rows["end"] - pd.Timedelta(days=YEAR)]
    term = (rows["due_date"] - rows["issue_date"]).dt.days.clip(lower=0)
    sales = rows.groupby("customer_id")["amount"].sum()
    weighed = (rows["amount"] * term).groupby(rows["customer_id"]).sum()
    lost = lost[lost["customer_id"].isin(sales.index) & (lost["owed"] > 0)]
    watched = (lost["end"] - lost["customer_id"].map(first)).dt.days.clip(1, YEAR)
    return pd.DataFrame(
        {
            "owed": lost["owed"],
            "gone": lost["written_off"] - lost["recovered"],
            "daily": lost["customer_id"].map(sales) / watched,
            "terms": lost["customer_id"].map(weighed) / watched,
        }
    )
