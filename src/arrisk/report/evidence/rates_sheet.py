"""The sheet of loss rates: shares of sums, their chain, credibility, and every overlay, by formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from arrisk.models.loss_rates.month_ends import bucket_labels
from arrisk.models.loss_rates.replicates import MINIMUM_LOSERS
from arrisk.report.evidence.counts_sheet import CountsSheet, share_formula
from arrisk.report.evidence.grid import HEADER_ROW, NO_RATE, Grid
from arrisk.report.evidence.overlay_sheet import OverlaySheet
from arrisk.report.evidence.recipes import Share

if TYPE_CHECKING:
    from arrisk.models.provision.provision import Provision

__all__ = ["RatesSheet", "make_rates_sheet"]

Floats = NDArray[np.float64]
SHARE, LOSERS, OWN = 3, 4, 5
POOL, CREDIBILITY, CREDIBLE = 6, 7, 8
NOTE = (
    f'"{NO_RATE}": fewer than {MINIMUM_LOSERS} customers lost anything, or nothing was ever seen. '
    "The difference compares with the run, which worked out the same apart from this sheet."
)


@dataclass(frozen=True, slots=True, eq=False)
class RatesSheet:
    """The sheet, where the rates used stand, and what they come to.

    Attributes
    ----------
    grid : Grid
    used : array of str, shape (segments, buckets)
        Cells.
    rates : array of shape (segments, buckets)
        Values of the formulas, NaN where there is no rate.
    differences : str
        Range of the differences from the run.
    """

    grid: Grid
    used: NDArray[np.str_]
    rates: Floats
    differences: str


def make_rates_sheet(provision: Provision, counts: CountsSheet, overlays: OverlaySheet) -> RatesSheet:
    """Fill the sheet.

    Parameters
    ----------
    provision : Provision
    counts : CountsSheet
    overlays : OverlaySheet
    """
    found = provision.historical.counts
    grid = Grid("rates", f"Loss rates by formula. {counts.recipe.words}", NOTE, 2)
    credible = len(counts.blocks) > len(found.segments)
    history = _history(provision, counts, grid, credible)
    start = CREDIBLE + 1 if credible else OWN + 1
    labels = bucket_labels(found.edges)
    offset = len(counts.blocks) - len(found.segments)
    source = CREDIBLE if credible else OWN
    top = HEADER_ROW + 1 + offset * len(labels)
    cells = np.array(
        [
            [grid.at(top + s * len(labels) + b, source) for b in range(len(labels))]
            for s in range(len(history))
        ]
    )
    used, rates, column = overlays.apply(grid, cells, history, top, start)
    heads = ["segment", "bucket", "share", "share of", "customers that lost", "rate of own history"]
    heads[2:4] = ["what the share is", "share"]
    heads += ["rate of all customers", "credibility", "credible rate"] if credible else []
    heads += [*overlays.heads, "rate used", "rate of the run", "difference"]
    grid.head(heads)
    run = provision.rates.replicates.rates
    for s, b in np.ndindex(*rates.shape):
        row = top + s * len(labels) + b
        value = float(rates[s, b])
        place = grid.work_out(row, column, str(used[s, b]), value, "rate", "total")
        told = float(run[s, b])
        other = grid.put(row, column + 1, NO_RATE if np.isnan(told) else told, "rate")
        gap = 0.0 if np.isnan(value) and np.isnan(told) else value - told
        grid.work_out(row, column + 2, _gap(place, other), 1.0 if np.isnan(gap) else gap, "factor")
        used[s, b] = place
    bottom = top + rates.size - 1
    return RatesSheet(grid, used, rates, grid.span(top, column + 2, bottom, column + 2))


def _gap(one: str, other: str) -> str:
    return f"IF(AND(ISNUMBER({one}),ISNUMBER({other})),{one}-{other},IF({one}={other},0,1))"


def _history(provision: Provision, counts: CountsSheet, grid: Grid, credible: bool) -> Floats:
    """Write rates of history by formula; return their values by segment and bucket."""
    found = provision.historical.counts
    labels, blocks = bucket_labels(found.edges), len(counts.blocks)
    lost = np.bincount(found.segment[found.hit.any(axis=1)], minlength=len(found.segments))
    losers = [int(lost.sum()), *map(int, lost)] if credible else list(map(int, lost))
    raw = np.full((blocks, len(labels)), np.nan)
    for block in range(blocks):
        top = HEADER_ROW + 1 + block * len(labels)
        for b, label in enumerate(labels):
            grid.put(top + b, 0, counts.blocks[block])
            grid.put(top + b, 1, label)
            grid.put(top + b, LOSERS, losers[block], "integer")
        raw[block] = _own_rates(provision, counts, grid, block, top, credible)
    if not credible:
        return raw
    return _credible_rates(provision, counts, grid, raw, losers[0])


def _own_rates(
    provision: Provision, counts: CountsSheet, grid: Grid, block: int, top: int, credible: bool
) -> Floats:
    recipe, buckets = counts.recipe, provision.historical.counts.buckets
    if not recipe.shares:
        return _given_rates(provision, grid, block, top)
    shares = np.array(
        [_write_share(counts, grid, block, top + b, share, b) for b, share in enumerate(recipe.shares)]
    )
    losers = grid.cells[top, LOSERS].value
    known = credible or int(losers or 0) >= MINIMUM_LOSERS
    out = np.full(buckets, np.nan)
    for b in range(buckets):
        rows = (top + b, top + buckets - 1) if recipe.chained else (top + b, top + b)
        ahead = shares[b:] if recipe.chained else shares[b : b + 1]
        area, count = grid.span(rows[0], SHARE, rows[1], SHARE), len(ahead)
        seen = f"COUNT({area})={count}"
        test = seen if credible else f"AND({seen},{grid.at(top + b, LOSERS)}>={MINIMUM_LOSERS})"
        out[b] = min(1.0, float(np.prod(ahead))) if known and not np.isnan(ahead).any() else np.nan
        grid.work_out(top + b, OWN, f'IF({test},MIN(1,PRODUCT({area})),"{NO_RATE}")', out[b], "rate")
    return out


def _write_share(counts: CountsSheet, grid: Grid, block: int, row: int, share: Share, bucket: int) -> float:
    """Write the share of a bucket and return it; NaN where nothing was seen."""
    recipe = counts.recipe
    capped = not recipe.chained or bucket == len(recipe.shares) - 1
    grid.put(row, 2, share.name if share.given is None else f"{share.name}, as given")
    if share.given is not None:
        grid.put(row, SHARE, share.given, "rate")
        return float(share.given)
    other = np.nan if share.unseen is None else share.unseen
    if counts.is_periodic(share):
        area, each = counts.by_period(block, share, not recipe.chained)
        missing = f'"{NO_RATE}"' if share.unseen is None else f"{share.unseen:g}"
        value = other if np.isnan(each).all() else float(np.nanmean(each))
        grid.work_out(row, SHARE, f"IF(COUNT({area})>0,AVERAGE({area}),{missing})", value, "rate")
        return value
    cells = {name: counts.window(block, name)[0] for name in recipe.names}
    part = sum(sign * counts.window(block, name)[1] for sign, name in share.part)
    whole = sum(counts.window(block, name)[1] for name in share.whole)
    value = max(part, 0.0) / whole if whole > 0 else other
    value = min(1.0, value) if capped and whole > 0 else value
    grid.work_out(row, SHARE, share_formula(share, cells, capped, share.unseen), value, "rate")
    return value


def _given_rates(provision: Provision, grid: Grid, block: int, top: int) -> Floats:
    """Rates of a method whose function of the sums is not a formula here: values of the run."""
    found = np.asarray(provision.historical.replicates.rates[block], dtype=float)
    for b, value in enumerate(found):
        grid.put(top + b, 2, "the method's own function of the sums")
        grid.put(top + b, OWN, NO_RATE if np.isnan(value) else float(value), "rate")
    return found


def _credible_rates(
    provision: Provision, counts: CountsSheet, grid: Grid, raw: Floats, losers: int
) -> Floats:
    """Z x own + (1 - Z) x all, with Z = customers / (customers + k)."""
    found = provision.historical.diagnostics["credibility"]
    z, buckets = found.table["credibility"].to_numpy(dtype=float), raw.shape[1]
    known = losers >= MINIMUM_LOSERS
    out = np.full((len(z), buckets), np.nan)
    column = CREDIBLE + 1
    grid.put(1, column, "k of the credibility")
    k = grid.put(1, column + 1, found.structure.k if np.isfinite(found.structure.k) else "none", "number")
    first = HEADER_ROW + 1
    for s, b in np.ndindex(*out.shape):
        row = first + (s + 1) * buckets + b
        every, own = grid.at(first + b, OWN), grid.at(row, OWN)
        pool = grid.work_out(row, POOL, every, float(raw[0, b]), "rate")
        n = f"{int(found.table['customers'].iloc[s])}"
        weight = grid.work_out(row, CREDIBILITY, f"IF(ISNUMBER({k}),{n}/({n}+{k}),0)", float(z[s]), "rate")
        mine = raw[0, b] if np.isnan(raw[s + 1, b]) else raw[s + 1, b]
        out[s, b] = z[s] * mine + (1 - z[s]) * raw[0, b] if known else np.nan
        blend = f"{weight}*IF(ISNUMBER({own}),{own},{pool})+(1-{weight})*{pool}"
        test = f"AND(ISNUMBER({pool}),{grid.at(first + b, LOSERS)}>={MINIMUM_LOSERS})"
        grid.work_out(row, CREDIBLE, f'IF({test},{blend},"{NO_RATE}")', float(out[s, b]), "rate")
    return out
