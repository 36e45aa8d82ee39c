"""The arithmetic of a provision: amounts by segment and bucket, by customer, and their totals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arrisk.models.loss_rates.arithmetic import round_money
from arrisk.models.loss_rates.loss_rates import Amount, LossRates
from arrisk.models.provision.enhancement import Secured
from arrisk.models.provision.individual import Assessed
from arrisk.models.provision.open_book import OpenBook, share_out

__all__ = ["Parts", "make_parts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The tables and totals of a `Provision`, named as there."""

    table: pd.DataFrame
    by_customer: pd.DataFrame
    net_rates: Floats
    total: Amount
    before: Amount
    reimbursement: Amount
    recognised: Amount
    tie: pd.DataFrame


def make_parts(
    book: OpenBook,
    pooled: Ints,
    collected: Ints,
    rates: LossRates,
    historical: LossRates,
    assessed: Assessed,
    secured: Secured,
) -> Parts:
    """From what is owed and the rates to amounts, in whole minor units that add up."""
    rate = rates.replicates.rates
    owed, taken = book.by_cell(pooled), np.rint(book.by_cell(secured.integral))
    apart, sure = np.rint(book.by_cell(secured.separate)), np.rint(book.by_cell(secured.certain))
    before = _losses(owed, rate)
    relief, back = _losses(taken, rate), _losses(apart, rate)
    own = np.zeros_like(book.owed)
    for row in np.flatnonzero(assessed.loss):
        own[row] = share_out(int(assessed.loss[row]), book.owed[row])
    judged = np.where(assessed.inside[:, None], book.owed, 0)
    money = {
        "gross": book.by_cell(book.owed),
        "assessed": book.by_cell(judged),
        "collected": book.by_cell(collected),
        "pooled": owed,
        "secured": taken,
        "provision_before": before,
        "relief": relief,
        "assessed_loss": book.by_cell(own),
        "provision": before - relief + book.by_cell(own),
        "reimbursement": back,
    }
    table = _table(book, money, rates, historical)
    cells = _Cells(before, relief, back)
    known = int(assessed.loss.sum())
    return Parts(
        table,
        _by_customer(book, pooled, secured, cells, own, assessed),
        _net_rates(book, pooled - secured.integral, rate, own),
        _total(rates, owed - taken, before - relief, known, book.scale),
        _total(rates, owed.astype(float), before, known, book.scale),
        _total(rates, apart, back, 0, book.scale),
        _total(rates, sure, _losses(sure, rate), 0, book.scale),
        _tie(book, money),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Losses by segment and bucket in minor units; NaN where something is owed and no rate is known."""

    before: Floats
    relief: Floats
    back: Floats


def _losses(amounts: NDArray[Any], rate: Floats) -> Floats:
    """Minor units lost; nothing of nothing, even without a rate."""
    return round_money(amounts * np.where(amounts > 0, rate, 0.0), scale=1)


def _table(
    book: OpenBook, money: dict[str, NDArray[Any]], rates: LossRates, historical: LossRates
) -> pd.DataFrame:
    cells = pd.MultiIndex.from_product([book.segments, book.buckets], names=["segment", "bucket"])
    frame = cells.to_frame(index=False)
    units = {name: amounts.reshape(-1) / book.scale for name, amounts in money.items()}
    shown = {
        "historical_rate": historical.replicates.rates.reshape(-1),
        "rate": rates.replicates.rates.reshape(-1),
        "ci_low": rates.table["ci_low"].to_numpy(dtype=float),
        "ci_high": rates.table["ci_high"].to_numpy(dtype=float),
    }
    order = ["gross", "assessed", "collected", "pooled", "secured"]
    last = ["provision_before", "relief", "assessed_loss", "provision", "reimbursement"]
    columns = {**{k: units[k] for k in order}, **shown, **{k: units[k] for k in last}}
    table: pd.DataFrame = frame.assign(**columns)
    return table


def _total(rates: LossRates, owed: Floats, losses: Floats, known: int, scale: int) -> Amount:
    """The sum of losses and what is known besides, with the interval of the rates."""
    pool = rates.amount(np.maximum(owed, 0.0) / scale)
    sure = known / scale
    low, high = pool.low + sure, pool.high + sure
    if pool.value is None or np.isnan(losses).any():
        return replace(pool, value=None, low=low, high=high)
    value = round(float(losses.sum() + known) / scale, 2)
    return replace(pool, value=value, low=min(low, value), high=max(high, value))


def _by_customer(
    book: OpenBook, pooled: Ints, secured: Secured, cells: _Cells, own: Ints, assessed: Assessed
) -> pd.DataFrame:
    """Cells shared out to customers to the cent, in proportion to what they have in the cell."""
    net = _shared(book, cells.before - cells.relief, pooled - secured.integral)
    relief = _shared(book, cells.relief, secured.integral)
    back = _shared(book, cells.back, secured.separate)
    owed, scale = book.owed.sum(axis=1), book.scale
    loss = own.sum(axis=1)
    frame = pd.DataFrame(
        {
            "customer_id": book.customers,
            "segment": pd.Series(book.segments).to_numpy()[book.segment],
            "exposure": owed / scale,
            "assessed": assessed.inside,
            "secured": secured.integral.sum(axis=1) / scale,
            "provision_before": (net + relief + loss) / scale,
            "relief": relief / scale,
            "provision": (net + loss) / scale,
            "reimbursement": back / scale,
        }
    )
    owing: pd.DataFrame = frame[owed > 0].reset_index(drop=True)
    return owing


def _net_rates(book: OpenBook, left: Floats, rate: Floats, own: Ints) -> Floats:
    """Loss over what is owed, by customer and bucket."""
    pool = np.where(left > 0, left * rate[book.segment], 0.0)
    return np.divide(pool + own, book.owed, out=np.zeros(left.shape), where=book.owed > 0)


def _shared(book: OpenBook, cells: Floats, weights: NDArray[Any]) -> Floats:
    out = np.zeros(book.customers.size)
    for s in range(len(book.segments)):
        inside = np.flatnonzero(book.segment == s)
        for b in range(len(book.buckets)):
            weight = np.maximum(weights[inside, b], 0.0)
            if np.isnan(cells[s, b]):
                out[inside[weight > 0]] = np.nan
            elif cells[s, b] > 0:
                out[inside] += share_out(int(cells[s, b]), weight)
    return out


def _tie(book: OpenBook, money: dict[str, NDArray[Any]]) -> pd.DataFrame:
    lines = [
        ("pooled", money["pooled"].sum()),
        ("collected after the day", money["collected"].sum()),
        ("judged by themselves", money["assessed"].sum()),
        ("owed", money["gross"].sum()),
        ("credits, not netted", book.credits),
        ("unapplied cash, not netted", book.unapplied),
        ("open balance of the ledger", book.open),
    ]
    return pd.DataFrame(
        [(line, float(amount) / book.scale) for line, amount in lines], columns=["line", "amount"]
    )
