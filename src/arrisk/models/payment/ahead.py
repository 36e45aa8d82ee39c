"""Daily rates of payment and of loss ahead of a date, from a fitted hazard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.ledger.days import day_number
from arrisk.models.payment.followed import FREE, IN_DISPUTE
from arrisk.models.payment.parts import calendar_ratios
from arrisk.models.timing.rates import DailyRates

if TYPE_CHECKING:
    from arrisk.models.payment.payment_hazard import PaymentHazard

__all__ = ["daily_rates", "over_states"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHUNK = 5_000
KIND = ["day_0", "stratum", "run", "state", "log_ratio"]


def daily_rates(hazard: PaymentHazard, items: pd.DataFrame, date: pd.Timestamp, horizon: int) -> DailyRates:
    """Rates of described items on the `horizon` days after `date`; zero before the issue.

    Disputes open and close at the rates of the past: the rates are those of an item that is still open,
    whatever its state may be by then.
    """
    today = day_number(date)
    wait = (items["issue_date"] - date).dt.days.clip(lower=1)
    keys = items[KIND].assign(wait=wait)
    number = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy().astype(np.int64)
    kinds = keys.iloc[np.unique(number, return_index=True)[1]]
    parts = [
        _rates(hazard, kinds.iloc[low : low + CHUNK], today, horizon) for low in range(0, len(kinds), CHUNK)
    ]
    paid, lost = (np.vstack([np.zeros((0, horizon)), *(part[k] for part in parts)]) for k in (0, 1))
    return DailyRates(paid, lost, number)


def _rates(hazard: PaymentHazard, kinds: pd.DataFrame, today: int, horizon: int) -> tuple[Floats, Floats]:
    """Rates of payment and of loss of some kinds of items."""
    columns = {name: kinds[name].to_numpy() for name in kinds}
    ahead = np.arange(1, horizon + 1)
    age = today + ahead - columns["day_0"][:, None]
    codes = hazard.calendar.codes(today + 1, today + horizon)[columns["run"]]
    ratio = np.exp(columns["log_ratio"])[:, None] * calendar_ratios(hazard.calendar, hazard.effects)[codes]
    sold = ahead >= columns["wait"][:, None]
    strata = len(hazard.paid.rates) - 2
    groups = [columns["stratum"][:, None], *(np.array([[strata + k]]) for k in range(2))]
    paid = np.stack([hazard.paid.at(group, age) for group in groups]) * (ratio * sold)
    lost = np.stack([hazard.lost.at(np.array([[k]]), age) * sold for k in range(3)])
    moves = np.stack([hazard.moves.at(np.array([[k]]), age) * sold for k in range(2)])
    return over_states(paid, lost, moves, columns["state"])


def over_states(paid: Floats, lost: Floats, moves: Floats, state: Ints) -> tuple[Floats, Floats]:
    """Rates of items that are still open, whatever their state by then.

    Parameters
    ----------
    paid, lost : array of float, shape (3, kinds, days)
        Rates never in dispute, in dispute, and after a dispute.
    moves : array of float, shape (2, kinds, days)
        Rates at which disputes open, and close, on the evening of a day.
    state : array of int, shape (kinds,)
        Of the items today.

    Returns
    -------
    tuple of array, shape (kinds, days)
        Rates of payment and of loss.

    Examples
    --------
    >>> none = np.zeros((3, 1, 2))
    >>> paid, _ = over_states(none + [[[0.2]], [[0.0]], [[0.2]]], none, none[:2] + 50.0, np.array([1]))
    >>> paid.round(3).tolist()
    [[0.0, 0.2]]
    """
    if not moves.any() and not state.any():
        return paid[FREE], lost[FREE]
    chance = np.zeros((3, len(state)))
    chance[state, np.arange(len(state))] = 1.0
    stay, gone = np.exp(-(paid + lost)), -np.expm1(-moves)
    out = [np.empty(paid.shape[1:]), np.empty(paid.shape[1:])]
    for day in range(paid.shape[2]):
        left = chance * stay[:, :, day]
        total = left.sum(axis=0)
        rate = 0.0 - np.log(total)
        share = (chance * (1.0 - stay[:, :, day]) * _part(paid[:, :, day], lost[:, :, day])).sum(axis=0)
        paid_part = np.divide(share, 1.0 - total, out=np.zeros_like(total), where=total < 1.0)
        out[0][:, day], out[1][:, day] = rate * paid_part, rate * (1.0 - paid_part)
        chance = left / total
        opened, closed = chance[FREE] * gone[0, :, day], chance[IN_DISPUTE] * gone[1, :, day]
        chance += np.stack([-opened, opened - closed, closed])
    return out[0], out[1]


def _part(one: Floats, other: Floats) -> Floats:
    total = one + other
    return np.divide(one, total, out=np.ones_like(total), where=total > 0)
