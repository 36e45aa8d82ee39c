"""Units of a trial (related customers stay together), their strata, and how many of each are treated."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["WEIGHTS", "Weigh", "count_treated", "find_units", "make_strata", "summarise"]

Weigh = Literal["customers", "invoices", "amounts"]
WEIGHTS = ("customers", "invoices", "amounts")
LEAST = 6
Ints = NDArray[np.int64]
REST = "rest"


def find_units(customers: pd.DataFrame) -> pd.Series:
    """The unit of every customer: its group when it has one, else itself.

    Parameters
    ----------
    customers : DataFrame
        customer_id, and group_id when known.

    Returns
    -------
    Series
        Index: customer_id.

    Examples
    --------
    >>> find_units(pd.DataFrame({"customer_id": ["a", "b"], "group_id": [None, "G1"]})).to_dict()
    {'a': 'a', 'b': 'group G1'}
    """
    own = pd.Series(customers["customer_id"].astype(str).to_numpy(), index=customers["customer_id"])
    if "group_id" not in customers:
        return own
    group = customers["group_id"].set_axis(own.index)
    return own.where(group.isna(), "group " + group.astype(str))


def summarise(rows: pd.DataFrame, column: str, weigh: Weigh) -> pd.DataFrame:
    """One row a unit: the mean of its invoices (of their amounts when amounts count) and its weight.

    Parameters
    ----------
    rows : DataFrame
        `unit`, `amount` and the column.
    column : str
    weigh : {"customers", "invoices", "amounts"}
        What counts once: a unit, an invoice or a unit of currency.

    Returns
    -------
    DataFrame
        Index: unit; `mean`, `weight`, `invoices`, `amount`.
    """
    each = rows["amount"] if weigh == "amounts" else pd.Series(1.0, index=rows.index)
    frame = pd.DataFrame(
        {"unit": rows["unit"], "sum": each * rows[column], "each": each, "amount": rows["amount"], "one": 1}
    )
    out = frame.groupby("unit")[["sum", "each", "amount", "one"]].sum()
    weight = pd.Series(1.0, index=out.index) if weigh == "customers" else out["each"]
    return pd.DataFrame(
        {"mean": out["sum"] / out["each"], "weight": weight, "invoices": out["one"], "amount": out["amount"]}
    )


def make_strata(units: pd.DataFrame, *, least: int = LEAST) -> pd.Series:
    """Strata of segment, size and past days: each segment in halves of both, as far as there are units.

    Parameters
    ----------
    units : DataFrame
        Index: unit; `segment`, `amount` (invoiced before), `days` (mean before).
    least : int
        A stratum holds at least so many units; a segment that is too small joins the rest.

    Returns
    -------
    Series
        Name of the stratum by unit.

    Examples
    --------
    >>> frame = pd.DataFrame({"segment": "A", "amount": [1, 2, 3, 4], "days": [9, 8, 7, 6]})
    >>> make_strata(frame, least=2).tolist()
    ['A, small', 'A, small', 'A, large', 'A, large']
    """
    count = units["segment"].map(units["segment"].value_counts())
    segment = units["segment"].where(count >= least, REST)
    if 0 < (segment == REST).sum() < least:
        segment = segment.where(segment != REST, segment[segment != REST].mode().get(0, REST))
    out = segment.copy()
    for _, part in units.groupby(segment):
        out.loc[part.index] = _split(part, out.loc[part.index], "amount", ("small", "large"), least)
    for _, part in units.groupby(out):
        out.loc[part.index] = _split(part, out.loc[part.index], "days", ("fast", "slow"), least)
    return out.rename("stratum")


def _split(
    part: pd.DataFrame, name: pd.Series, column: str, halves: tuple[str, str], least: int
) -> pd.Series:
    if len(part) < 2 * least:
        return name
    upper = part[column].rank(method="first") > len(part) / 2
    return name + np.where(upper, f", {halves[1]}", f", {halves[0]}")


def count_treated(sizes: Ints, share: float, rng: np.random.Generator) -> Ints:
    """How many of each stratum are treated: the share, with what rounding leaves given out at random.

    Parameters
    ----------
    sizes : array of int, strata
    share : float
        Treated part of all, between 0 and 1.
    rng : Generator

    Returns
    -------
    array of int, strata
        Their sum is the rounded share of all units.

    Examples
    --------
    >>> int(count_treated(np.array([5, 5, 5, 5]), 0.5, np.random.default_rng(0)).sum())
    10
    """
    exact = sizes * share
    whole: Ints = np.floor(exact + 1e-9).astype(np.int64)
    short = round(float(sizes.sum() * share)) - int(whole.sum())
    part = np.clip(exact - whole, 0, None)
    if short > 0:
        order = np.argsort(-(part + 1e-6 * rng.random(len(part))))
        whole[order[:short]] += 1
    return whole
